"""What a function does to Python while it is traced: done once per trace, and not at each call.

Before a trace the names that the function's code mentions are looked at - globals, variables of
functions around it, attributes of its instance - and again behind it. What was rebound, or has
another length, is warned of with its line. Variables, and objects that hold them, are meant to be
made once: they are no news. A tensor of the trace that is kept outside is.
"""

from __future__ import annotations

import dis
import functools
import inspect
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from numflow.errors import SourceLine, explain, is_own_file
from numflow.graph.building import SymbolicTensor

_CONTAINERS = (list, dict, set, deque)


class SideEffectWarning(UserWarning):
    """A traced function changes Python's state."""


class _Seen:
    """A name, how messages speak of it, its value then, and its length if it is a container."""

    __slots__ = ("length", "name", "text", "value")

    def __init__(self, name: str, text: str, value: Any) -> None:
        self.name, self.text, self.value = name, text, value
        self.length = len(value) if type(value) in _CONTAINERS else -1


class Surroundings:
    """What a function's code can change by name, at one time."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...] = ()) -> None:
        self._function, self._instance = _unwrapped(function, arguments)
        self._before = {} if self._function is None else dict(self._look())

    def warn_of_changes(self, name: str, told: set[str]) -> None:
        """Warn of what has changed since, each thing once; told: what was said before."""
        if self._function is None:
            return
        for key, now in self._look():
            before = self._before.get(key)
            problem = _change(before, now)
            if problem and now.text not in told:
                told.add(now.text)
                line = _line(self._function, now.name)
                text = explain(
                    "function",
                    f"{name} {problem} while it is traced, which happens once per trace, "
                    "not at each call",
                    fix="return it, or a Variable for what changes from call to call",
                    line=line,
                )
                # Of many instances the first one tells.
                seen = self._function.__globals__.setdefault("__warningregistry__", {})
                warnings.warn_explicit(text, SideEffectWarning, line.file, line.line, registry=seen)

    def _look(self) -> Iterator[tuple[Any, _Seen]]:
        function = self._function
        assert function is not None
        space, names = function.__globals__, _names(function.__code__)
        for name in names:
            if name in space:
                yield ("global", name), _Seen(name, f"the global {name}", space[name])
        cells = function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
            try:
                yield (
                    ("outer", name),
                    _Seen(name, f"{name}, of the function around it", cell.cell_contents),
                )
            except ValueError:  # it is not bound yet
                continue
        for name, value in list(getattr(self._instance, "__dict__", {}).items()):
            if name in names:  # what others change is theirs to know
                yield ("attribute", name), _Seen(name, f"self.{name}", value)


def _unwrapped(
    function: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[FunctionType | None, Any]:
    """The function with the user's code, and the instance that it is a method of."""
    instance, found = None, function
    while isinstance(found, functools.partial):
        found = found.func
    if inspect.ismethod(found):
        instance, found = found.__self__, found.__func__
    elif not isinstance(found, FunctionType):
        instance, found = found, inspect.getattr_static(type(found), "__call__", found)
    if not isinstance(found, FunctionType) or is_own_file(found.__code__.co_filename):
        return None, None
    names = found.__code__.co_varnames
    if instance is None and arguments and names[:1] == ("self",):
        instance = arguments[0]
    return found, instance


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _names(code: CodeType) -> set[str]:
    return {name for c in _codes(code) for name in c.co_names}


def _change(before: _Seen | None, now: _Seen) -> str:
    """What happened to a name; "" if nothing that matters."""
    value = now.value
    if before is not None and before.value is value:
        if now.length == before.length or now.length < 0:
            return ""
        added = _added(value, before.length)
        if now.length > before.length and added and all(map(_lasting, added)):
            return ""
        kept = any(isinstance(x, SymbolicTensor) for x in added)
        what = f"changes {now.text}, a {type(value).__name__},"
        return f"keeps a tensor of the trace in {now.text}" if kept else what
    if isinstance(value, SymbolicTensor):
        return f"keeps a tensor of the trace in {now.text}"
    number = type(value) in (int, float, str)
    if before is not None and number and value != before.value and before.value is not None:
        return f"changes {now.text} from {before.value!r:.30} to {value!r:.30}"
    return ""


def _added(value: Any, length: int) -> list[Any]:
    """The last of a container's elements, behind so many."""
    elements = list(value.values()) if isinstance(value, dict) else list(value)
    return elements[length:]


def _lasting(x: Any) -> bool:
    """Whether x is made once and kept: a variable, an object with state; no plain value."""
    if isinstance(x, SymbolicTensor):
        return False
    return hasattr(x, "_as_tensor") or hasattr(x, "__dict__")


_CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "clear"}


def _line(function: FunctionType, name: str) -> SourceLine:
    """Where the function's code changes a name; its first line where that is not told."""
    found = function.__code__.co_firstlineno, function.__code__
    best = 0
    for code in _codes(function.__code__):
        instructions = list(dis.get_instructions(code))
        for k, instruction in enumerate(instructions):
            if instruction.argval != name or instruction.positions is None:
                continue
            following = instructions[k + 1].argval if k + 1 < len(instructions) else None
            stores = instruction.opname.startswith("STORE") or following in _CHANGES
            rank = 2 if stores else 1
            line = instruction.positions.lineno
            if rank > best and line is not None:
                best, found = rank, (line, code)
    line, code = found
    return SourceLine(code.co_filename, line, code.co_name)
