"""Branches on tensors of a trace: `if`, conditional expressions, `and`, `or`, `not`, `assert`.

Both arms are traced, each from the state before; what they made of it is merged (merging.py), and
one `cond` gives it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes
from numflow.autograph.jumps import RETVAL
from numflow.autograph.merging import ARMS, Merging, Unlike, finished, undefined
from numflow.autograph.staged_list import StagedList
from numflow.autograph.undefined import NOT_IN_BOTH, Undefined
from numflow.autograph.values import Block, Get, Names, Set, staged_value
from numflow.control.branches import joined
from numflow.control.nested import Nested
from numflow.errors import DTypeError, ShapeError, SourceLine, explain, user_line
from numflow.graph.graph import constant_op, sizes_op
from numflow.graph.lowering import Elementwise
from numflow.graph.op import current, interpreting
from numflow.graph.tensor import Tensor
from numflow.ops import asserts, comparisons
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops.convert import as_tensor

_CHEAP = 8  # operations that are computed rather than asked for


def truth(x: Tensor, what: str) -> Tensor:
    """A condition as a bool scalar: a number is true where it is not 0.

    Raises:
      ShapeError: it has more than one element.
      DTypeError: it is a text.
    """
    if x.spec.rank:
        if x.spec.size != 1:
            fix = "nf.reduce_all or nf.reduce_any, or nf.where for element by element"
            problem = f"the condition of `{what}` has more than one element"
            raise ShapeError(explain("autograph", problem, {"condition": x.spec}, fix))
        x = x[(0,) * x.spec.rank]
    if x.dtype is dtypes.string:
        problem = f"the condition of `{what}` is a text"
        raise DTypeError(explain("autograph", problem, {"condition": x.spec}))
    return x if x.dtype.is_bool else comparisons.not_equal(x, as_tensor(0, x.dtype))


# --- if ----------------------------------------------------------------------


class _Arm:
    """An arm that was traced: what it returned, and the state behind it."""

    def __init__(self, outer: Any, name: str, block: Block, get: Get) -> None:
        self.inside = Nested(outer, name)
        with interpreting(self.inside):
            self.result = block()
            self.state = get()


def branch(
    condition: Tensor,
    arms: Sequence[Block],
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
) -> None:
    """An `if`: run one of the arms, body and orelse, by the condition."""
    _conditional("if", condition, arms, get, set_, names, loose, lists)


def returning(
    condition: Tensor,
    arms: Sequence[Block],
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
) -> Any:
    """An `if` whose arms both return: what it returns."""
    return _conditional("if", condition, arms, get, set_, names, loose, lists, "the result")


def either(condition: Tensor, body: Block, orelse: Block) -> Any:
    """`body() if condition else orelse()`."""
    arms = (body, orelse)
    return _conditional("if", condition, arms, tuple, lambda _: None, (), (), (), "the expression")


def _conditional(
    what: str,
    condition: Tensor,
    arms: Sequence[Block],
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
    result: str = "",
) -> Any:
    outer: Any = current()
    index = maths.cast(truth(condition, what), dtypes.int32)
    before = get()
    traced: list[_Arm] = []
    for name, block in zip(ARMS, arms, strict=True):
        set_(_with_copies(before, names, lists))
        traced.append(_Arm(outer, name, block, get))
    first, second = traced
    merging = Merging([t.inside for t in traced])
    state = [
        _merged(merging, n, x, y, loose, lists)
        for n, x, y in zip(names, first.state, second.state, strict=True)
    ]
    value = _returned(merging, result, first.result, second.result) if result else None
    outputs = joined("cond", index, merging.traced())
    made = [finished(s, outputs) for s in state]
    for k, name in enumerate(names):
        if name in lists and isinstance(before[k], list) and isinstance(made[k], list):
            before[k][:] = made[k]  # the list that others know, too
            made[k] = before[k]
    set_(tuple(made))
    return finished(value, outputs)


def _with_copies(state: tuple[Any, ...], names: Names, lists: Names) -> tuple[Any, ...]:
    """The state, with a copy of each list that may grow."""
    if not lists:
        return state
    pairs = zip(names, state, strict=True)
    return tuple(list(v) if n in lists and type(v) is list else v for n, v in pairs)


def _merged(merging: Merging, name: str, x: Any, y: Any, loose: Names, lists: Names) -> Any:
    gone = type(x) is Undefined, type(y) is Undefined
    if any(gone):
        if all(gone) and not (x.why or y.why):
            return x
        if name.startswith(RETVAL) and not all(gone):
            try:
                return merging.alone(int(gone[0]), y if gone[0] else x)
            except Unlike as e:
                return undefined("the returned value", e)
        given = x if gone[0] and x.why else y if gone[1] and y.why else None
        if given is not None:
            return given
        return Undefined(name, f"{NOT_IN_BOTH} ({_missing(gone)}, {_here()})")
    if name in loose and x is not y:
        return Undefined(name)
    grown = name in lists and all(type(v) in (list, StagedList) for v in (x, y))
    try:
        return merging.add_lists(x, y) if grown else merging.add(x, y)
    except Unlike as e:
        if not name.isidentifier():
            raise e.kind(explain("autograph", f"'{name}' {e.why}")) from None
        e.why = f"{e.why} ({_here()})"
        return undefined(name, e)


def _missing(gone: tuple[bool, bool]) -> str:
    return f"not in {ARMS[0] if gone[0] else ARMS[1]}"


def _here() -> str:
    line = user_line()
    return "" if line is None else f"{line.file.rpartition('/')[2]}:{line.line}"


def _returned(merging: Merging, what: str, x: Any, y: Any) -> Any:
    if (x is None) is not (y is None) and what == "the result":
        has, lacks = (ARMS[1], ARMS[0]) if x is None else ARMS
        problem = f"a data-dependent 'if' returns a value in {has}, and None in {lacks}"
        fix = f"{lacks} must also have a return statement, with a value like the other"
        raise ValueError(explain("autograph", problem, fix=fix))
    try:
        return merging.add(x, y)
    except Unlike as e:
        problem = f"{what} of a data-dependent 'if' {e.why}"
        fix = "nf.cast" if "dtype" in e.why else "the same kind of value in both"
        raise e.kind(explain("autograph", problem, fix=fix)) from None


# --- and, or, not ------------------------------------------------------------


def negation(x: Tensor) -> Tensor:
    """`not x`."""
    return selections.logical_not(truth(x, "not"))


def logical(first: Tensor, op: str, other: Callable[[], Any]) -> Any:
    """`first and other()`, or with `or`; the other operand is computed where it is needed.

    What is cheap and refuses nothing is computed at once, without a branch.
    """
    if not first.dtype.is_bool:
        arms = (other, lambda: first) if op == "and" else (lambda: first, other)
        return either(truth(first, op), *arms)
    first = truth(first, op)
    outer: Any = current()
    inside = Nested(outer, f"the right side of `{op}`")
    with interpreting(inside):
        value = other()
        second: Tensor | None = staged_value(value)
        if second is not None and second.dtype.is_bool:
            second = truth(second, op)
    if second is None:
        if isinstance(value, bool):
            return (first if value else value) if op == "and" else (value if value else first)
    elif second.dtype.is_bool and _cheap(inside):
        right = _replayed(inside, second, outer)
        return (selections.logical_and if op == "and" else selections.logical_or)(first, right)
    # Another trace of it: the one above belongs to nobody.
    arms = (other, lambda: first) if op == "and" else (lambda: first, other)
    return either(first, *arms)


def _cheap(inside: Nested) -> bool:
    """Whether what was traced may be computed in any case."""
    nodes = inside.builder.nodes
    if len(nodes) > _CHEAP or inside.written:
        return False
    return all(
        node.op in (constant_op, sizes_op)
        or (
            not node.op.effect
            and isinstance(node.op.lower, Elementwise)
            and all(v.spec.size == 1 for v in node.outputs)
        )
        for node in nodes
    )


def _replayed(inside: Nested, result: Tensor, outer: Any) -> Tensor:
    """What was traced inside, again, outside."""
    wanted = inside.value(result)  # it may be of outside
    known: dict[Any, Tensor] = {
        inner: outer.tensor(outside) for (outside, _), inner in inside.pairs.items()
    }
    for node in inside.builder.nodes:
        if node.op is constant_op:
            known[node.output] = outer.constant(node.attrs["value"])
            continue
        made = outer.apply(node.op, [known[v] for v in node.inputs], node.attrs)
        known.update(zip(node.outputs, made, strict=True))
    return known[wanted]


# --- assert, warnings ----------------------------------------------------------


def assertion(condition: Tensor, message: Block | None) -> None:
    """`assert condition, message`, at each run."""
    data = ["assertion failed"] if message is None else [message()]
    asserts.Assert(truth(condition, "assert"), data)


def warn_of_unrolling(count: int, nodes: int) -> None:
    """Say that a Python loop makes a large graph."""
    line: SourceLine | None = user_line()
    text = explain(
        "autograph",
        f"a Python loop has run {count} times while traced, and added {nodes} operations",
        fix="nf.range, or a tensor in the condition: then it is one loop of the program",
        line=line,
    )
    if line is not None:
        warnings.warn_explicit(text, UserWarning, line.file, line.line)
