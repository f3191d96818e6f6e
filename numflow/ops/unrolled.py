"""Gradients of functions written with ops, for gradient rules that have no closed form.

The rule of a fused op's gradient op (the second gradient of a recurrent layer) is rare; it need not
be fast, but right. So the op is written out in plain ops, what ran is recorded, and the records are
walked backward. Everything runs on the interpreter in force: it differentiates again, and traces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow.graph.op import Array, Attrs, Backward, Interpreter, Op, current, interpreting
from numflow.graph.tensor import Tensor
from numflow.kernels.records import NamedTuple
from numflow.ops import joining
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.shapes import as_number

MOST = 32  # steps that are written out in a trace

# step(rows of a step, state) -> (results, state)
Step = Callable[[list[Any], list[Tensor]], tuple[list[Tensor], list[Tensor]]]
Walk = Callable[[Step, Sequence[Any], Sequence[Tensor], int, bool], tuple[list[Any], list[Any]]]
_loop: list[Walk] = []


def set_loop(walk: Walk) -> None:
    """Let `over` make a loop of many steps: told by numflow.control, which makes loops."""
    _loop[:] = [walk]


def over(
    step: Step, rows: Sequence[Any], state: Sequence[Tensor], axis: int, reverse: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """(the results of all steps, stacked along an axis; the last state): there is a step at least.

    rows: tensors whose parts along the axis are those of the steps, or None. reverse: the last step
    is the first. Many steps of a trace are a loop, so its gradients are loops, too.
    """
    count = next(r for r in rows if r is not None).spec.shape[axis]
    many = not isinstance(count, int) or count > MOST
    if many and _loop and hasattr(current(), "builder"):
        return _loop[0](step, rows, state, axis, reverse)
    steps = as_number(count, "recurrent")
    cuts = [[None] * steps if r is None else joining.unstack(r, steps, axis) for r in rows]
    kept: list[Any] = [None] * steps
    now = list(state)
    for t in reversed(range(steps)) if reverse else range(steps):
        kept[t], now = step([c[t] for c in cuts], now)
    return [joining.stack(list(v), axis) for v in zip(*kept, strict=True)], now


class _Ran(NamedTuple):
    op: Op
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    attrs: Attrs


class _Recorder:
    """Runs ops on another interpreter, and keeps what ran."""

    def __init__(self, inner: Interpreter) -> None:
        self.inner = inner
        self.ran: list[_Ran] = []

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        outputs = self.inner.apply(op, inputs, attrs)
        self.ran.append(_Ran(op, tuple(inputs), outputs, attrs))
        return outputs

    def constant(self, array: Array) -> Tensor:
        return self.inner.constant(array)

    def __getattr__(self, name: str) -> Any:  # what else interpreters can
        return getattr(self.inner, name)


def gradients(
    function: Callable[..., Sequence[Tensor]],
    inputs: Sequence[Tensor],
    cts: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Cotangents of the inputs of function(*inputs), whose outputs have the cotangents `cts`.

    None for inputs that are not wanted; zeros where one is not connected.
    """
    # Inputs as tensors of their own: one tensor may be passed twice, or be another's source.
    sources = [shaping.identity_op(x) for x in inputs]
    recorder = _Recorder(current())
    with interpreting(recorder):
        outputs = function(*sources)
    held: dict[int, Tensor] = {}
    for y, ct in zip(outputs, cts, strict=True):
        if ct is not None:
            _add(held, y, ct)
    active = {id(x) for x, want in zip(sources, wanted, strict=True) if want}
    for ran in recorder.ran:
        if any(id(x) in active for x in ran.inputs):
            active.update(id(y) for y in ran.outputs if y.dtype.is_floating)
    for ran in reversed(recorder.ran):
        found = tuple(held.get(id(y)) for y in ran.outputs)
        needed = tuple(id(x) in active and x.dtype.is_floating for x in ran.inputs)
        if not any(needed) or all(ct is None for ct in found):
            continue
        assert ran.op.vjp is not None, ran.op
        rule = Backward(found, ran.inputs, ran.outputs, ran.attrs, needed)
        for x, ct_x, wants in zip(ran.inputs, ran.op.vjp(rule), needed, strict=True):
            if wants and ct_x is not None:
                assert isinstance(ct_x, Tensor)
                _add(held, x, ct_x)
    return [
        held[id(x)] if want and id(x) in held else shaping.zeros_like(x) if want else None
        for x, want in zip(sources, wanted, strict=True)
    ]


def _add(held: dict[int, Tensor], x: Tensor, ct: Tensor) -> None:
    held[id(x)] = maths.add(held[id(x)], ct) if id(x) in held else ct
