"""Pixels between pixels, at places that are values: two ops that are each other's gradients.

    sample_op    y[n, r, c] = the bilinear mean of x[which[n]] at rows r0, r1 and columns c0, c1
    spread_op    the gradient by x: what each pixel gave, added up

`rp` and `cp` are the shares of r1 and c1. Both are linear in their first input and in each of the
shares, so that their gradients are made of the same two. A place of -1 is outside: `fill`, or
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.errors import InvalidArgumentError, explain
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.shapes import Shape


def _sample_infer(x: Spec, which: Spec, r0: Spec, *rest: Spec, fill: float) -> Spec:
    columns = rest[2].shape[1]
    return Spec((which.shape[0], r0.shape[1], columns, x.shape[3]), x.dtype)


def _corners(r0: Any, r1: Any, rp: Any, c0: Any, c1: Any, cp: Any) -> list[tuple[Any, Any, Any]]:
    """(rows, columns, weights) of the four pixels around, of all elements of the result."""
    return [
        (r[:, :, None], c[:, None, :], (v[:, :, None] * u[:, None, :])[..., None])
        for r, v in ((r0, 1 - rp), (r1, rp))
        for c, u in ((c0, 1 - cp), (c1, cp))
    ]


def _inside(shape: tuple[int, ...], r0: Any, r1: Any, c0: Any, c1: Any) -> Any:
    rows, columns = ((a >= 0) & (a < n) & (b >= 0) & (b < n) for a, b, n in (
        (r0, r1, shape[1]), (c0, c1, shape[2]),
    ))  # fmt: skip
    return (rows[:, :, None] & columns[:, None, :])[..., None]


def _check(which: Any, batch: int) -> None:
    wrong = (which < 0) | (which >= batch)
    if wrong.any():
        k = int(np.argmax(wrong))
        problem = f"box_indices {which[k]} is outside [0, {batch})"
        raise InvalidArgumentError(explain("image.crop_and_resize", problem, {"element": [k]}))


def _sample_reference(
    x: Any, which: Any, r0: Any, r1: Any, rp: Any, c0: Any, c1: Any, cp: Any, *, fill: float
) -> Any:
    _check(which, len(x))
    inside = _inside(x.shape, r0, r1, c0, c1)
    image, out = which[:, None, None], np.zeros((), x.dtype)
    with np.errstate(invalid="ignore"):
        for r, c, weights in _corners(r0, r1, rp, c0, c1, cp):
            near = np.clip(r, 0, x.shape[1] - 1), np.clip(c, 0, x.shape[2] - 1)
            out = out + weights * x[(image, *near)]
    return np.where(inside, out, np.array(fill, x.dtype))


def _sample_vjp(g: Backward) -> Sequence[Tensor | None]:
    x, *places = g.inputs
    dx = spread_op(g.ct, *places, image=tuple(x.spec.shape[:3])) if g.needed[0] else None
    return dx, *_by_places(g, x, g.ct)


def _by_places(g: Backward, x: Tensor, y: Tensor) -> list[Tensor | None]:
    """The gradients by places and shares: of the sum of y * sample(x)."""
    _, which, r0, r1, rp, c0, c1, cp = g.inputs
    by_rows = by_columns = None
    if g.needed[4]:
        none = shaping.zeros_like(rp)
        ends = [sample_op(x, which, r, r, none, c0, c1, cp, fill=0.0) for r in (r0, r1)]
        by_rows = reductions.reduce_sum(y * (ends[1] - ends[0]), axis=(2, 3))
    if g.needed[7]:
        none = shaping.zeros_like(cp)
        ends = [sample_op(x, which, r0, r1, rp, c, c, none, fill=0.0) for c in (c0, c1)]
        by_columns = reductions.reduce_sum(y * (ends[1] - ends[0]), axis=(1, 3))
    return [None, None, None, by_rows, None, None, by_columns]


def _plan_sample(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import resize_boxes as kernels  # llvmlite: only where code is made

    batch, height, width, channels = _ints(inputs[0].shape)
    boxes, rows, columns, _ = _ints(outputs[0].shape)
    return kernels.plan_crop(
        (batch, height, width, channels), boxes, rows, columns, inputs[0].dtype.name, attrs["fill"]
    )


def _ints(shape: Shape) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)  # type: ignore[arg-type]


sample_op = Op(
    "sample_boxes",
    _sample_infer,
    _sample_reference,
    _sample_vjp,
    Library(_plan_sample, refuses=True, checked=1),
)


# --- the gradient by the image ---------------------------------------------------------------


def _spread_infer(dy: Spec, *places: Spec, image: Shape) -> Spec:
    return Spec((*image, dy.shape[3]), dy.dtype)


def _spread_reference(
    dy: Any, which: Any, r0: Any, r1: Any, rp: Any, c0: Any, c1: Any, cp: Any, *,
    image: tuple[int, int, int],
) -> Any:  # fmt: skip
    _check(which, image[0])
    dx = np.zeros((*image, dy.shape[3]), dy.dtype)
    inside = _inside(dx.shape, r0, r1, c0, c1)
    here = np.broadcast_to(which[:, None, None], dy.shape[:3])[inside[..., 0]]
    for r, c, weights in _corners(r0, r1, rp, c0, c1, cp):
        at = [np.broadcast_to(p, dy.shape[:3])[inside[..., 0]] for p in (r, c)]
        np.add.at(dx, (here, *at), (dy * weights)[inside[..., 0]])
    return dx


def _spread_vjp(g: Backward) -> Sequence[Tensor | None]:
    dy, *places = g.inputs
    ct = sample_op(g.ct, *places, fill=0.0) if g.needed[0] else None
    return ct, *_by_places(g, g.ct, dy)


def _plan_spread(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import resize_boxes as kernels

    boxes, rows, columns, _ = _ints(inputs[0].shape)
    batch, height, width, channels = _ints(outputs[0].shape)
    image = (batch, height, width, channels)
    return kernels.plan_spread(image, boxes, rows, columns, inputs[0].dtype.name, threads=threads)


def _spread_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    """Four pixels for each that is read, and zeros first."""
    read: Any = inputs[0].size
    written: Any = outputs[0].size
    return 16.0 * read + 4.0 * written


spread_op = Op(
    "spread_boxes",
    _spread_infer,
    _spread_reference,
    _spread_vjp,
    Library(_plan_spread, refuses=True, checked=1, cost=_spread_cost),
)
