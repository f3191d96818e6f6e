"""Any cell, over the steps of a sequence: what recurrent layers without a kernel of their own run.

Eagerly, and over a few steps that are known, the cell is called once per step; over many or an open
number of steps it is the body of a loop (functional.py), so a long sequence is no long program. So
is a cell whose loop becomes the kernel of a whole sequence (cells.py), however few steps there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import nest
from numflow.control import functional, loops
from numflow.control.tensor_array import TensorArray
from numflow.eager.apply import eager
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import indexing, joining, unrolled
from numflow.ops import select as selections
from numflow.ops import shape as shaping

UNROLLED = 32
"""Steps up to which a known number is written out in a trace, of cells that stay cells."""


def recur(
    step: Callable[[Any, Any], tuple[Any, Any]],
    inputs: Any,
    states: Any,
    *,
    mask: Tensor | None = None,
    carry: bool = False,
    reverse: bool = False,
    unroll: bool = False,
    looped: bool = False,
) -> tuple[Any, Any, Any]:
    """output, state = step(input, state) for every step.

    Args:
      inputs: tensors [steps, batch, ...], nested.
      states: tensors [batch, ...], nested: before the first step.
      mask: bool [steps, batch]: where it is false the state stays.
      carry: the output of a step that does not happen is that of the step before (of the first
        ones 0), not 0.
      reverse: the last step is the first; outputs stay at their steps' places.
      unroll: write out every step, whatever their number.
      looped: in a trace, write out none: the loop of some cells becomes one op (cells.py).

    Returns:
      (the output of the step that was last, outputs [steps, ...], the last states).
    """
    rows = nest.flatten(inputs)
    count = rows[0].spec.shape[0]
    known = isinstance(count, int) and count > 0
    form: list[Any] = []

    def one(x: list[Any], live: Any, before: list[Any], last: list[Any] | None) -> Any:
        """(outputs, states) of a step, flat."""
        given = nest.pack_sequence_as(states, before)
        output, after = step(nest.pack_sequence_as(inputs, x), given)
        form[:] = [output]
        made, new = nest.flatten(output), nest.flatten(after)
        if live is not None:
            zeros = [shaping.zeros_like(y) for y in made]
            old = last if carry and last is not None else zeros
            made = [_where(live, y, z) for y, z in zip(made, old, strict=True)]
            new = [_where(live, a, b) for a, b in zip(new, before, strict=True)]
        return made, new

    state = nest.flatten(states)
    if known and (unroll or current() is eager or (count <= UNROLLED and not looped)):
        cuts = [joining.unstack(x, count, 0) for x in rows]
        lives = [None] * count if mask is None else joining.unstack(mask, count, 0)
        outputs: list[Any] = [None] * count
        last: list[Any] | None = None
        for t in reversed(range(count)) if reverse else range(count):
            last, state = one([c[t] for c in cuts], lives[t], state, last)
            outputs[t] = last
        stacked = [joining.stack(list(y), 0) for y in zip(*outputs, strict=True)]
        return _packed(form, last), _packed(form, stacked), nest.pack_sequence_as(states, state)

    def trial(*flat: Any) -> Any:
        x, s = list(flat[: len(rows)]), list(flat[len(rows) :])
        return tuple(one(x, None, s, None)[0])

    firsts = [shaping.zeros(x.spec.shape[1:], x.dtype) for x in rows]
    specs, _ = functional.described(trial, *firsts, *state)
    blank = [shaping.zeros(s.shape, s.dtype) for s in specs]

    def body(at: Tensor, now: Any) -> Any:
        x = [indexing.gather(r, at, axis=0) for r in rows]
        live = None if mask is None else indexing.gather(mask, at, axis=0)
        made, new = one(x, live, list(now[len(blank) :]), list(now[: len(blank)]))
        return [*made, *new], made

    found, arrays = functional.walked("rnn", count, [*blank, *state], body, specs, reverse)
    last, state = list(found[: len(blank)]), list(found[len(blank) :])
    stacked = [a.stack() for a in arrays]
    return _packed(form, last), _packed(form, stacked), nest.pack_sequence_as(states, state)


def walked(
    step: unrolled.Step, rows: Any, state: Any, axis: int, reverse: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """`unrolled.over` as a loop, which stays one."""
    present = [r for r in rows if r is not None]

    def given(found: Any) -> list[Any]:
        cuts = iter(found)
        return [None if r is None else next(cuts) for r in rows]

    def trial(*flat: Any) -> Any:
        return tuple(step(given(flat[: len(present)]), list(flat[len(present) :]))[0])

    shapes = [(*r.spec.shape[:axis], *r.spec.shape[axis + 1 :]) for r in present]
    firsts = [shaping.zeros(n, r.dtype) for n, r in zip(shapes, present, strict=True)]
    specs, _ = functional.described(trial, *firsts, *state)

    def body(at: Tensor, now: Any) -> Any:
        results, after = step(given(indexing.gather(r, at, axis=axis) for r in present), list(now))
        return after, results

    with loops.as_they_are():
        count = present[0].spec.shape[axis]
        found, arrays = functional.walked("recurrent", count, list(state), body, specs, reverse)
    stacked = [a.stack() for a in arrays]
    return [shaping.transpose(y, (1, 0, 2)) if axis else y for y in stacked], found


def _packed(form: list[Any], flat: Any) -> Any:
    return nest.pack_sequence_as(form[0], flat)


def _where(live: Tensor, x: Any, y: Any) -> Any:
    """x in the rows that live, else y; what has no rows, a count or a TensorArray, goes on."""
    if isinstance(x, TensorArray) or not x.spec.rank:
        return x
    shape = (live.spec.shape[0], *(1,) * (x.spec.rank - 1))
    return selections.where(shaping.reshape_op(live, shape=shape), x, y)
