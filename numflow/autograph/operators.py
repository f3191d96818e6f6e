"""What converted code calls, as `ag__`: each operator looks at what it is given, while tracing.

A tensor of a trace is staged (staged.py): it becomes a `cond`, a `while_loop`, an assertion.
Anything else does exactly what Python does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from numflow.autograph.undefined import MaybeUnset, Undefined
from numflow.graph.building import SymbolicTensor
from numflow.graph.tensor import Tensor
from numflow.trace.tracer import tracing

State = tuple[Any, ...]
Get = Callable[[], State]
Set = Callable[[State], None]
Names = tuple[str, ...]
Block = Callable[[], Any]


def staged_value(x: Any) -> SymbolicTensor | None:
    """x as a tensor of the trace, if that is what it is; None: it is Python's."""
    if type(x) is SymbolicTensor:
        return x
    if x is True or x is False or x is None or isinstance(x, Tensor | int | str | float):
        return None
    if hasattr(x, "_as_tensor"):
        interpreter = tracing()
        if interpreter is not None:
            found = x._as_tensor()
            found = found if type(found) is SymbolicTensor else interpreter.capture(found)
            return found if type(found) is SymbolicTensor else None
    return None


def condition_of(x: Any) -> Tensor | None:
    """x as a condition of the trace; None: its truth is Python's. A list is true if it is long."""
    length = getattr(type(x), "_staged_length", None)
    return staged_value(x) if length is None else length(x)


def any_staged(values: Iterable[Any]) -> bool:
    """Whether one of the values is a tensor of the trace."""
    return any(staged_value(x) is not None for x in values)


# --- names -------------------------------------------------------------------


def ld(value: Any) -> Any:
    """The value of a name that is read.

    Raises:
      UnboundLocalError: it has none.
    """
    if type(value) is Undefined:
        value.fail()
    if type(value) is MaybeUnset:
        value.check()
        return value.value
    return value


def ldu(read: Callable[[], Any], text: str) -> Any:
    """The value of a name or place; an Undefined where it has none."""
    try:
        return read()
    except (NameError, AttributeError, LookupError, TypeError):
        return Undefined(text)


def defined(value: Any) -> bool:
    """Whether it is a value."""
    return type(value) is not Undefined


def deleted(value: Any, text: str) -> Undefined:
    """What a name is after `del`."""
    ld(value)
    return Undefined(text)


# --- statements --------------------------------------------------------------


def if_stmt(
    test: Any,
    body: Block,
    orelse: Block,
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
) -> None:
    condition = condition_of(test)
    if condition is None:
        body() if test else orelse()
        return
    _staged().branch(condition, (body, orelse), get, set_, names, loose, lists)


def if_return(
    test: Any,
    body: Block,
    orelse: Block,
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
) -> Any:
    """An `if` both of whose arms return."""
    condition = condition_of(test)
    if condition is None:
        return body() if test else orelse()
    return _staged().returning(condition, (body, orelse), get, set_, names, loose, lists)


def while_stmt(
    test: Block,
    stop: Block | None,
    body: Block,
    redo: bool,
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
) -> None:
    unrolled = Unrolled()
    while True:
        ended = False if stop is None else stop()
        if condition_of(ended) is not None:
            break
        if ended:
            return
        asked = test()
        if condition_of(asked) is not None:
            break
        if not asked:
            return
        body()
        unrolled.note()
    _loops().while_loop(test, stop, body, redo, get, set_, names, loose, lists)


def for_stmt(
    over: Any,
    stop: Block | None,
    body: Callable[[Any], None],
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
    targets: Names,
) -> None:
    if not isinstance(over, list | tuple | range | dict):
        from numflow.autograph import iteration

        staged = iteration.staged(over)
        if staged is not None:
            _loops().for_loop(staged, stop, body, get, set_, names, loose, lists, targets)
            return
    if stop is None:
        unrolled = Unrolled()
        for item in over:
            body(item)
            unrolled.note()
        return
    ended: Any = False
    for item in over:
        condition = condition_of(ended)
        if condition is None:
            body(item)
        else:  # a `break` that depends on data: the rest of the iterations are asked one by one
            once = _later(body, item)
            _staged().branch(condition, (_nothing, once), get, set_, names, (), lists)
        ended = stop()
        if condition_of(ended) is None and ended:
            break


def _later(body: Callable[[Any], None], item: Any) -> Block:
    return lambda: body(item)


def _nothing() -> None:
    pass


class Unrolled:
    """Counts the iterations of a Python loop that a trace unrolls, and says so once."""

    def __init__(self) -> None:
        self._count, self._nodes = 0, 0

    def note(self) -> None:
        self._count += 1
        if self._count in (1, _LONG):
            interpreter = tracing()
            nodes = 0 if interpreter is None else len(interpreter.builder.nodes)
            if self._count == 1:
                self._nodes = nodes
            elif nodes - self._nodes >= _LONG - 1:
                _staged().warn_of_unrolling(_LONG, nodes - self._nodes)


_LONG = 1000


def assert_stmt(test: Any, message: Block | None) -> None:
    condition = condition_of(test)
    if condition is None:
        if not test:
            raise AssertionError(*([] if message is None else [message()]))
        return
    _staged().assertion(condition, message)


def append(target: Any, value: Any) -> Any:
    """`target.append(value)`; what the name is then."""
    grow = getattr(type(target), "_staged_append", None)
    if grow is not None:
        return grow(target, value)
    target.append(value)
    return target


# --- expressions -------------------------------------------------------------


def if_exp(test: Any, body: Block, orelse: Block) -> Any:
    condition = condition_of(test)
    if condition is None:
        return body() if test else orelse()
    return _staged().either(condition, body, orelse)


def and_(first: Block, *rest: Block) -> Any:
    value = first()
    for k, other in enumerate(rest):
        condition = condition_of(value)
        if condition is not None:
            return _staged().logical(condition, "and", lambda k=k: and_(*rest[k:]))
        if not value:
            return value
        value = other()
    return value


def or_(first: Block, *rest: Block) -> Any:
    value = first()
    for k, other in enumerate(rest):
        condition = condition_of(value)
        if condition is not None:
            return _staged().logical(condition, "or", lambda k=k: or_(*rest[k:]))
        if value:
            return value
        value = other()
    return value


def not_(value: Any) -> Any:
    condition = condition_of(value)
    return not value if condition is None else _staged().negation(condition)


def compare(left: Any, *rest: Callable[..., Any]) -> Any:
    """left < b < c: rest holds a comparison and its right operand in turn, each when needed."""
    right = rest[1]()
    value = rest[0](left, right)
    if len(rest) == 2:
        return value
    condition = condition_of(value)
    if condition is not None:
        return _staged().logical(condition, "and", lambda: compare(right, *rest[2:]))
    return compare(right, *rest[2:]) if value else value


def call(function: Any) -> Any:
    """What is called in place of function: itself, converted."""
    from numflow.autograph import builtin, functions

    replaced = builtin.replacement(function)
    return functions.callee(function) if replaced is None else replaced


def iterating(function: Any) -> Any:
    """What is called in place of function where a `for` goes through the result."""
    from numflow.autograph import iteration

    replaced = iteration.replacement(function)
    return call(function) if replaced is None else replaced


def _loops() -> Any:
    from numflow.autograph import staged_loops

    return staged_loops


def _staged() -> Any:
    from numflow.autograph import staged

    return staged
