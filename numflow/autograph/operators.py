"""What converted code calls, as `ag__`: each operator looks at what it is given, while tracing.

A tensor of a trace is staged (staged.py): it becomes a `cond`, a `while_loop`, an assertion.
Anything else does exactly what Python does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.autograph.logic import and_ as and_
from numflow.autograph.logic import not_ as not_
from numflow.autograph.logic import or_ as or_
from numflow.autograph.undefined import MaybeUnset, Undefined
from numflow.autograph.values import Block, Get, Names, Set, condition_of
from numflow.trace.tracer import tracing

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


def _loops() -> Any:
    from numflow.autograph import staged_loops

    return staged_loops


def _staged() -> Any:
    from numflow.autograph import staged

    return staged
