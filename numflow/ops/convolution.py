"""Convolution with one to three axes, and its gradients: three ops that are each other's gradients.

    y  = conv(x, f)                 x [batch, *image, channels], f [*kernel, channels / groups, out]
    dx = conv_image(dy, f)          the gradient by the image, also called transposed convolution
    df = conv_filter(x, dy)         the gradient by the filter

All three are linear in both of their inputs, and so are closed under differentiation. Channels are
last here; what users pass otherwise is brought into this order and back (conv_api.py). Each is
expanded into what its kernel takes (convolution_direct.py): large filters are packed into panels
first, the image's gradient reads the filter with its last two axes exchanged, and the filter's
gradient is summed up of parts. A window of one pixel is a product of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.graph.lowering import Composite
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import convolution_spread as spread
from numflow.ops import convolution_winograd as winograd
from numflow.ops import linalg
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convolution_direct import (
    choice_of,
    direct_image_op,
    direct_op,
    pack_op,
    parts_op,
)
from numflow.ops.convolution_rules import (
    Geometry,
    attrs_of,
    conv_infer,
    conv_reference,
    filter_infer,
    filter_reference,
    image_infer,
    image_reference,
    ints,
    turned_back,
)
from numflow.shapes import Extent, Shape

PACKED_BYTES = 1 << 18
"""Filters from this size on are packed: below, their rows stay in L2 wherever they lie."""
PACKED_PIXELS = 128
"""Pixels of the result from which packing pays: for fewer the filter is read too few times.

49 pixels of 512 x 512 x 3 x 3: 1.04 ms in place, 1.32 packed; 196 of 256 x 256: 0.98 and 0.72.
"""

LANES = 16
"""The most elements of a vector, of any machine."""
MOST_PARTS, PART_BYTES = 16, 1 << 22
"""Into how many sums the gradient by the filter is dealt out, and what they may take."""


# --- conv ----------------------------------------------------------------------------------


def _conv_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    x, f = g.inputs
    dx = df = None
    if g.needed[0]:
        dx = image_op(g.ct, f, image=tuple(x.spec.shape[1:-1]), **g.attrs)
    if g.needed[1]:
        df = filter_op(x, g.ct, kernel=ints(f.spec.shape[:-2]), **g.attrs)
    return dx, df


def _conv_expand(x: Tensor, f: Tensor, *, lasting: bool = False, **attrs: Any) -> Tensor:
    g, kernel = attrs_of(attrs), ints(f.spec.shape[:-2])
    if is_product(g, kernel):
        rows = shaping.reshape(x, (-1, x.spec.shape[-1]))
        columns = shaping.reshape(f, f.spec.shape[-2:])
        return shaping.reshape(linalg.matmul(rows, columns), (*x.spec.shape[:-1], f.spec.shape[-1]))
    y = conv_infer(x.spec, f.spec, **attrs)
    back = turned_back(g, kernel)
    if all(n == 1 for n in g.strides) and _spreads(x, y, kernel, back):
        return spread.transposed(
            x, f, image=y.shape[1:-1], strides=g.strides, padding=back.padding, turned=True
        )
    m, why = choice_of(x.spec, kernel, y, g, 0 if lasting else 1)
    if m:
        u = winograd.winograd_filter_op(f, m=m, back=False)
        return winograd.winograd_op(
            x, u, m=m, kernel=kernel[0], padding=g.padding, columns=ints(y.shape[-1:])[0], why=why
        )
    packed = _packs(f, f.spec.shape[-1] // g.groups, y, lasting)
    return direct_op(
        x, pack_op(f, groups=g.groups, exchanged=False) if packed else f, packed=packed, **attrs
    )


def _spreads(x: Tensor, y: Spec, kernel: Sequence[int], g: Geometry) -> bool:
    """Whether y, the gradient by the image of a convolution with g, is computed by spreading x."""
    return spread.pays(
        x.spec.shape[-1], y.shape[-1], kernel,
        padding=g.padding, dilations=g.dilations, groups=g.groups,
    )  # fmt: skip


def is_product(g: Geometry, kernel: Sequence[int]) -> bool:
    """Whether it is one product of matrices: a window of one pixel that stands on every pixel."""
    return (
        all(k == 1 for k in kernel)
        and all(s == 1 for s in g.strides)
        and all(p == (0, 0) for p in g.padding)
        and g.groups == 1
    )


def _packs(f: Tensor, columns: Extent, result: Spec, lasting: bool) -> bool:
    """Whether the filter's panels are packed: it is large, read often, and they are whole vectors.

    Sizes that are open may be large. lasting: it is packed once for many calls.
    """
    pixels = 1
    for n in result.shape[:-1]:
        pixels *= n if isinstance(n, int) else PACKED_PIXELS
    if pixels < PACKED_PIXELS and not lasting:
        return False
    size = f.spec.size
    large = isinstance(size, int) and size * f.dtype.size >= PACKED_BYTES
    return large and isinstance(columns, int) and columns % LANES == 0


conv_op = Op("convolution", conv_infer, conv_reference, _conv_vjp, Composite(_conv_expand, 1))


# --- by the image --------------------------------------------------------------------------


def _image_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    dy, f = g.inputs
    attrs = {k: v for k, v in g.attrs.items() if k != "image"}
    ct_dy = ct_f = None
    if g.needed[0]:
        ct_dy = conv_op(g.ct, f, **attrs)
    if g.needed[1]:
        ct_f = filter_op(g.ct, dy, kernel=ints(f.spec.shape[:-2]), **attrs)
    return ct_dy, ct_f


def _image_expand(
    dy: Tensor, f: Tensor, *, image: Shape, lasting: bool = False, **attrs: Any
) -> Tensor:
    g, kernel = attrs_of(attrs), ints(f.spec.shape[:-2])
    c = f.spec.shape[-2]
    if is_product(g, kernel):
        rows = shaping.reshape(dy, (-1, dy.spec.shape[-1]))
        columns = shaping.reshape(f, f.spec.shape[-2:])
        product = linalg.matmul(rows, columns, transpose_b=True)
        return shaping.reshape(product, (*dy.spec.shape[:-1], c))
    back = turned_back(g, kernel)
    dx = image_infer(dy.spec, f.spec, image=image, **attrs)
    if _spreads(dy, dx, kernel, g):
        return spread.transposed(
            dy, f, image=image, strides=g.strides, padding=g.padding, turned=False
        )
    m, why = choice_of(dy.spec, kernel, dx, back, 0 if lasting else 1)
    if m:
        u = winograd.winograd_filter_op(f, m=m, back=True)
        found = winograd.winograd_op(
            dy, u, m=m, kernel=kernel[0], padding=back.padding, columns=ints((c,))[0], why=why
        )
        if found.spec == dx:
            return found
    packed = g.groups == 1 and isinstance(c, int) and c % LANES == 0
    panels = pack_op(f, groups=1, exchanged=True) if packed else _exchanged(f, g.groups)
    return direct_image_op(dy, panels, image=image, packed=packed, **attrs)


def _exchanged(f: Tensor, groups: int) -> Tensor:
    """[*kernel, c, out] -> [*kernel, out, c], group by group."""
    *kernel, c, out = f.spec.shape
    rank = len(kernel)
    if groups == 1:
        return shaping.transpose(f, [*range(rank), rank + 1, rank])
    parts = shaping.reshape(f, (*kernel, c, groups, out // groups))
    turned = shaping.transpose(parts, [*range(rank), rank + 1, rank + 2, rank])
    return shaping.reshape(turned, (*kernel, out, c))


image_op = Op(
    "convolution_image", image_infer, image_reference, _image_vjp, Composite(_image_expand, 1)
)


# --- by the filter ---------------------------------------------------------------------------


def _filter_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    x, dy = g.inputs
    attrs = {k: v for k, v in g.attrs.items() if k != "kernel"}
    ct_x = ct_dy = None
    if g.needed[0]:
        ct_x = image_op(dy, g.ct, image=tuple(x.spec.shape[1:-1]), **attrs)
    if g.needed[1]:
        ct_dy = conv_op(x, g.ct, **attrs)
    return ct_x, ct_dy


def _filter_expand(x: Tensor, dy: Tensor, *, kernel: tuple[int, ...], **attrs: Any) -> Tensor:
    g = attrs_of(attrs)
    if is_product(g, kernel):
        rows = shaping.reshape(x, (-1, x.spec.shape[-1]))
        columns = shaping.reshape(dy, (-1, dy.spec.shape[-1]))
        df = linalg.matmul(rows, columns, transpose_a=True)
        return shaping.reshape(df, (*kernel, x.spec.shape[-1], dy.spec.shape[-1]))
    size = int(np.prod(kernel)) * (x.spec.shape[-1] // g.groups) * dy.spec.shape[-1]
    bytes_of_one = max(1, int(size) * x.dtype.size)  # type: ignore[arg-type]
    panels = -(-int(dy.spec.shape[-1] // g.groups) // (2 * LANES))  # type: ignore[arg-type]
    parts = max(1, min(-(-MOST_PARTS // max(1, panels)), PART_BYTES // bytes_of_one))
    fewer = min(parts, max(1, winograd.tiles_of(dy.spec.shape[0], dy.spec.shape[1:-1], 4) // 96))
    m, why = choice_of(x.spec, kernel, dy.spec, g, fewer / 2)
    if m:
        found = winograd.winograd_parts_op(
            x, dy, m=m, kernel=kernel[0], padding=g.padding, parts=fewer, why=why
        )
        return reductions.reduce_sum(found, 0)
    found = parts_op(x, dy, kernel=kernel, parts=parts, **attrs)
    return reductions.reduce_sum(found, 0)


filter_op = Op(
    "convolution_filter", filter_infer, filter_reference, _filter_vjp, Composite(_filter_expand)
)
