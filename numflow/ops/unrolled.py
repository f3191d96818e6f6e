"""Gradients of functions written with ops, for gradient rules that have no closed form.

The rule of a fused op's gradient op (the second gradient of a recurrent layer) is rare; it need not
be fast, but right. So the op is written out in plain ops, what ran is recorded, and the records are
walked backward. Everything runs on the interpreter in force: it differentiates again, and traces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numflow.graph.op import Array, Attrs, Backward, Interpreter, Op, current, interpreting
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import shape as shaping


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
