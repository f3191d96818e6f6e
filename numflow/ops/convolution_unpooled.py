"""The gradient by the filter of a convolution behind which is a pool, as an op.

What a pool's gradient spreads over the image is read by a first layer's gradient by the filter
only: its kernel spreads the rows that it is about to read (kernels/cpu/conv_filter.py), and the
image is never written. passes/pool_gradient.py asks `unpooled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.graph.graph import Node
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import convolution_direct as direct
from numflow.ops import convolution_pooled as pooled
from numflow.ops import pooling
from numflow.ops.convolution_rules import ints

LEAST_PARTS = 8
"""Sums into which the gradient is dealt out: the kernel's units are not divided along channels."""

Pool = tuple[tuple[str, Any], ...]


def _image(dy: Spec, image: Sequence[int]) -> Spec:
    """What is spread."""
    return Spec((dy.shape[0], *image, dy.shape[-1]), dy.dtype)


def _infer(x: Spec, dy: Spec, place: Spec, *, image: Any, pool: Pool, **attrs: Any) -> Spec:
    (whole,) = direct.parts_op.specs([x, _image(dy, image)], attrs)
    return whole


def _reference(x: Any, dy: Any, place: Any, *, image: Any, pool: Pool, **attrs: Any) -> Any:
    spread = pooling.spread_op.reference(dy, place, image=image, **dict(pool))
    return direct.parts_op.reference(x, spread, **attrs)


def _plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import conv_filter

    x, dy, _ = inputs
    own = {name: value for name, value in attrs.items() if name not in ("image", "pool")}
    y = _image(dy, attrs["image"])
    behind = pooled.behind_of(("places", ints(dy.shape), attrs["pool"]), y)
    return conv_filter.plan(
        direct.window_of_parts(x, y, own), x.dtype.name, parts=attrs["parts"],
        spread=behind.window, threads=threads,
    )  # fmt: skip


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    x, dy, _ = inputs
    return direct.parts_cost([x, _image(dy, attrs["image"])], outputs, attrs)


unpooled_op = Op(
    "convolution_filter_unpooled",
    _infer,
    _reference,
    None,
    Library(
        _plan,
        cost=_cost,
        note=lambda inputs, outputs, attrs: (
            "spreads in the cache what it reads: the pool's gradient is not written"
        ),
    ),
)
"""x, dy, place -> as `convolution_filter_parts` of x and what `pool_spread` makes of dy and place.

image: sizes of that; pool: attributes of the pool.
"""


def unpooled(parts: Node, spread: Node, x: Tensor, dy: Tensor, place: Tensor) -> Tensor | None:
    """`parts` of what `spread` makes, as one op; None where that does not pay."""
    image = spread.attrs["image"]
    known = all(isinstance(n, int) for n in image)
    if not known or len(image) > 2 or parts.attrs["parts"] < LEAST_PARTS:
        return None
    from numflow.kernels.cpu.conv import SHORT

    if image[-1] <= SHORT:
        return None  # tiles may run over the batch
    pool = tuple((name, spread.attrs[name]) for name in pooling.Pool._fields)
    made = unpooled_op(x, dy, place, image=image, pool=pool, **parts.attrs)
    assert isinstance(made, Tensor)
    return made
