"""Convolution with one to three axes, and its gradients: three ops that are each other's gradients.

    y  = conv(x, f)                 x [batch, *image, channels], f [*kernel, channels / groups, out]
    dx = conv_image(dy, f)          the gradient by the image, also called transposed convolution
    df = conv_filter(x, dy)         the gradient by the filter

All three are linear in both of their inputs, and so are closed under differentiation. Channels are
last here; what users pass otherwise is brought into this order and back (conv_api.py). Each is
expanded into what its kernel takes (`*_direct`): large filters are packed into panels first, the
image's gradient reads the filter with its last two axes exchanged, and the filter's gradient is
summed up of parts. A window of one pixel is a product of matrices.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow.graph.lowering import Composite, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import convolution_spread as spread
from numflow.ops import convolution_winograd as winograd
from numflow.ops import linalg, windows
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.shape_rules import same_dtype
from numflow.shapes import Extent, Shape, as_number

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


class Geometry(NamedTuple):
    """How the window moves: per axis of the image. padding: (in front, behind).

    Of an image of unknown size, padding is symbolic where it is "SAME" and the stride is not 1.
    """

    strides: tuple[int, ...]
    padding: tuple[windows.Pair, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    def result(self, image: Sequence[Extent], kernel: Sequence[int]) -> tuple[Extent, ...]:
        """The sizes of the result."""
        moves = zip(image, kernel, self.strides, self.padding, self.dilations, strict=True)
        return tuple(windows.places(n, k, s, p, d) for n, k, s, p, d in moves)

    @property
    def attrs(self) -> Attrs:
        """As attributes of the ops."""
        return self._asdict()


def _attrs(attrs: Attrs) -> Geometry:
    return Geometry(*(attrs[name] for name in Geometry._fields))


# --- references --------------------------------------------------------------------------


def _taps(
    g: Geometry, kernel: Sequence[int], image: Sequence[int], result: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
    """(tap of the window, the part of the result that it is in the image for, its pixels)."""
    moves = zip(image, result, kernel, g.strides, g.padding, g.dilations, strict=True)
    axes = [windows.taps(n, o, k, s, int(p[0]), d) for n, o, k, s, p, d in moves]
    for taps in itertools.product(*axes):
        tap, to, at = zip(*taps, strict=True)
        yield tap, (slice(None), *to), (slice(None), *at)


def _wide(*arrays: Any) -> list[Any]:
    """Low precision is summed in float32."""
    return [a.astype(np.float32) if a.dtype.itemsize == 2 else a for a in arrays]


def _conv_reference(x: Any, f: Any, **attrs: Any) -> Any:
    g, kernel = _attrs(attrs), f.shape[:-2]
    result = _ints(g.result(x.shape[1:-1], kernel))
    c, oc = f.shape[-2], f.shape[-1] // g.groups
    (x, f), dtype = _wide(x, f), x.dtype
    y = np.zeros((x.shape[0], *result, f.shape[-1]), x.dtype)
    for tap, to, at in _taps(g, kernel, x.shape[1:-1], result):
        part, sums = x[at], y[to]
        for k in range(g.groups):
            own = slice(k * oc, (k + 1) * oc)
            sums[..., own] += part[..., k * c : (k + 1) * c] @ f[tap][:, own]
    return y.astype(dtype)


def _image_reference(dy: Any, f: Any, *, image: tuple[int, ...], **attrs: Any) -> Any:
    g, kernel = _attrs(attrs), f.shape[:-2]
    result = dy.shape[1:-1]
    c, oc = f.shape[-2], f.shape[-1] // g.groups
    (dy, f), dtype = _wide(dy, f), dy.dtype
    dx = np.zeros((dy.shape[0], *image, c * g.groups), dy.dtype)
    for tap, to, at in _taps(g, kernel, image, result):
        part, sums = dy[to], dx[at]
        for k in range(g.groups):
            own = slice(k * oc, (k + 1) * oc)
            sums[..., k * c : (k + 1) * c] += part[..., own] @ f[tap][:, own].T
    return dx.astype(dtype)


def _filter_reference(x: Any, dy: Any, *, kernel: tuple[int, ...], **attrs: Any) -> Any:
    g = _attrs(attrs)
    result = dy.shape[1:-1]
    c, oc = x.shape[-1] // g.groups, dy.shape[-1] // g.groups
    (x, dy), dtype = _wide(x, dy), x.dtype
    f = np.zeros((*kernel, c, dy.shape[-1]), x.dtype)
    axes = tuple(range(x.ndim - 1))
    for tap, to, at in _taps(g, kernel, x.shape[1:-1], result):
        part, ct = x[at], dy[to]
        for k in range(g.groups):
            own = slice(k * oc, (k + 1) * oc)
            mine = part[..., k * c : (k + 1) * c]
            f[tap][:, own] = np.tensordot(mine, ct[..., own], (axes, axes))
    return f.astype(dtype)


# --- conv ----------------------------------------------------------------------------------


def _conv_infer(x: Spec, f: Spec, **attrs: Any) -> Spec:
    dtype = same_dtype("convolution", x, f, names=("input", "filters"))
    result = _attrs(attrs).result(x.shape[1:-1], _ints(f.shape[:-2]))
    return Spec((x.shape[0], *result, f.shape[-1]), dtype)


def _conv_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    x, f = g.inputs
    dx = df = None
    if g.needed[0]:
        dx = image_op(g.ct, f, image=tuple(x.spec.shape[1:-1]), **g.attrs)
    if g.needed[1]:
        df = filter_op(x, g.ct, kernel=_ints(f.spec.shape[:-2]), **g.attrs)
    return dx, df


def _ints(shape: Shape) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)  # type: ignore[arg-type]


def _conv_expand(x: Tensor, f: Tensor, **attrs: Any) -> Tensor:
    g, kernel = _attrs(attrs), _ints(f.spec.shape[:-2])
    if is_product(g, kernel):
        rows = shaping.reshape(x, (-1, x.spec.shape[-1]))
        columns = shaping.reshape(f, f.spec.shape[-2:])
        return shaping.reshape(linalg.matmul(rows, columns), (*x.spec.shape[:-1], f.spec.shape[-1]))
    y = _conv_infer(x.spec, f.spec, **attrs)
    back = _back(g, kernel)
    if all(n == 1 for n in g.strides) and _spreads(x, y, kernel, back):
        return spread.transposed(
            x, f, image=y.shape[1:-1], strides=g.strides, padding=back.padding, turned=True
        )
    m, why = _choice(x.spec, kernel, y, g)
    if m:
        u = winograd.winograd_filter_op(f, m=m, back=False)
        return winograd.winograd_op(
            x, u, m=m, kernel=kernel[0], padding=g.padding, columns=_ints(y.shape[-1:])[0], why=why
        )
    packed = _packs(f, f.spec.shape[-1] // g.groups, y)
    return direct_op(
        x, pack_op(f, groups=g.groups, exchanged=False) if packed else f, packed=packed, **attrs
    )


def _choice(
    x: Spec, kernel: Sequence[int], y: Spec, g: Geometry, filters: float = 1
) -> winograd.Choice:
    """How y is made of x, or the gradient by the filter of both: direct or by Winograd."""
    plain = all(n == 1 for n in (*g.strides, *g.dilations, g.groups))
    pads = [(as_number(a), as_number(b)) for a, b in g.padding] if plain else []
    return winograd.choose(
        x.dtype, x.shape[0], x.shape[-1], y.shape[-1], kernel, y.shape[1:-1],
        padding=pads, plain=plain, filters=filters,
    )  # fmt: skip


def _spreads(x: Tensor, y: Spec, kernel: Sequence[int], g: Geometry) -> bool:
    """Whether y, the gradient by the image of a convolution with g, is computed by spreading x."""
    return spread.pays(
        x.spec.shape[-1], y.shape[-1], kernel,
        padding=g.padding, dilations=g.dilations, groups=g.groups,
    )  # fmt: skip


def _back(g: Geometry, kernel: Sequence[int]) -> Geometry:
    """The gradient by the image as a convolution, of a window that stands on every pixel."""
    padding = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(kernel, g.padding, strict=True))
    return g._replace(padding=padding)


def is_product(g: Geometry, kernel: Sequence[int]) -> bool:
    """Whether it is one product of matrices: a window of one pixel that stands on every pixel."""
    return (
        all(k == 1 for k in kernel)
        and all(s == 1 for s in g.strides)
        and all(p == (0, 0) for p in g.padding)
        and g.groups == 1
    )


def _packs(f: Tensor, columns: Extent, result: Spec) -> bool:
    """Whether the filter's panels are packed: it is large, read often, and they are whole vectors.

    Sizes that are open may be large.
    """
    pixels = 1
    for n in result.shape[:-1]:
        pixels *= n if isinstance(n, int) else PACKED_PIXELS
    if pixels < PACKED_PIXELS:
        return False
    size = f.spec.size
    large = isinstance(size, int) and size * f.dtype.size >= PACKED_BYTES
    return large and isinstance(columns, int) and columns % LANES == 0


conv_op = Op("convolution", _conv_infer, _conv_reference, _conv_vjp, Composite(_conv_expand))


# --- by the image --------------------------------------------------------------------------


def _image_infer(dy: Spec, f: Spec, *, image: Shape, groups: int, **_: Any) -> Spec:
    dtype = same_dtype("conv_transpose", dy, f, names=("input", "filters"))
    return Spec((dy.shape[0], *image, f.shape[-2] * groups), dtype)


def _image_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    dy, f = g.inputs
    attrs = {k: v for k, v in g.attrs.items() if k != "image"}
    ct_dy = ct_f = None
    if g.needed[0]:
        ct_dy = conv_op(g.ct, f, **attrs)
    if g.needed[1]:
        ct_f = filter_op(g.ct, dy, kernel=_ints(f.spec.shape[:-2]), **attrs)
    return ct_dy, ct_f


def _image_expand(dy: Tensor, f: Tensor, *, image: Shape, **attrs: Any) -> Tensor:
    g, kernel = _attrs(attrs), _ints(f.spec.shape[:-2])
    c = f.spec.shape[-2]
    if is_product(g, kernel):
        rows = shaping.reshape(dy, (-1, dy.spec.shape[-1]))
        columns = shaping.reshape(f, f.spec.shape[-2:])
        product = linalg.matmul(rows, columns, transpose_b=True)
        return shaping.reshape(product, (*dy.spec.shape[:-1], c))
    back = _back(g, kernel)
    dx = _image_infer(dy.spec, f.spec, image=image, **attrs)
    if _spreads(dy, dx, kernel, g):
        return spread.transposed(
            dy, f, image=image, strides=g.strides, padding=g.padding, turned=False
        )
    m, why = _choice(dy.spec, kernel, dx, back)
    if m:
        u = winograd.winograd_filter_op(f, m=m, back=True)
        found = winograd.winograd_op(
            dy, u, m=m, kernel=kernel[0], padding=back.padding, columns=_ints((c,))[0], why=why
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
    "convolution_image", _image_infer, _image_reference, _image_vjp, Composite(_image_expand)
)


# --- by the filter ---------------------------------------------------------------------------


def _filter_infer(x: Spec, dy: Spec, *, kernel: tuple[int, ...], groups: int, **_: Any) -> Spec:
    dtype = same_dtype("convolution_filter", x, dy, names=("input", "gradient"))
    return Spec((*kernel, x.shape[-1] // groups, dy.shape[-1]), dtype)


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
    g = _attrs(attrs)
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
    m, why = _choice(x.spec, kernel, dy.spec, g, fewer / 2)
    if m:
        found = winograd.winograd_parts_op(
            x, dy, m=m, kernel=kernel[0], padding=g.padding, parts=fewer, why=why
        )
        return reductions.reduce_sum(found, 0)
    found = parts_op(x, dy, kernel=kernel, parts=parts, **attrs)
    return reductions.reduce_sum(found, 0)


filter_op = Op(
    "convolution_filter", _filter_infer, _filter_reference, _filter_vjp, Composite(_filter_expand)
)


# --- what the kernels take ---------------------------------------------------------------------


def _three(values: Sequence[Any], fill: int) -> tuple[int, int, int]:
    """The sizes of three axes: those that there are, behind `fill`."""
    padded = [fill] * (3 - len(values)) + [int(v) for v in values]
    return padded[0], padded[1], padded[2]


def _window(
    batch: Any, image: Sequence[Any], channels: Any, columns: Any, kernel: Sequence[int],
    result: Sequence[Any], g: Geometry,
) -> Any:  # fmt: skip
    from numflow.kernels.cpu.conv import Window  # llvmlite: only where code is made

    return Window(
        int(batch),
        _three(image, 1),
        int(channels),
        _three(kernel, 1),
        int(columns),
        _three(result, 1),
        _three(g.strides, 1),
        _three([p[0] for p in g.padding], 0),
        _three(g.dilations, 1),
        g.groups,
    )


def _flops(channels: Any, groups: int, kernel: Sequence[int], result: Spec) -> float:
    """Of a convolution with this result."""
    size: Any = result.size
    return 2.0 * float(size) * float(np.prod(kernel)) * float(channels) / groups


def _pack_infer(f: Spec, *, groups: int, exchanged: bool) -> Spec:
    *kernel, c, out = f.shape
    return Spec((*kernel, out, c), f.dtype) if exchanged else f


def _pack_reference(f: Any, *, groups: int, exchanged: bool) -> Any:
    return f.swapaxes(-1, -2) if exchanged else f  # where they lie is the kernels' business


def _plan_pack(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import conv

    *kernel, depth, columns = (int(n) for n in outputs[0].shape)  # type: ignore[arg-type]
    taps = int(np.prod(kernel))
    return conv.plan_pack(
        taps * depth, columns, attrs["groups"], inputs[0].dtype.name,
        exchanged=taps if attrs["exchanged"] else 0,
    )  # fmt: skip


pack_op = Op(
    "convolution_panels",
    _pack_infer,
    _pack_reference,
    None,
    Library(_plan_pack, private=True),
)
"""f [*kernel, c, out] -> the same in panels; exchanged: of [*kernel, out, c], for the gradient by
the image.
"""


def _plan_direct(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    bias: bool = False,
    activation: str = "",
    residual: bool = False,
) -> Any:
    from numflow.kernels.cpu import conv

    (x, f), (y,) = inputs, outputs
    s = _window(
        x.shape[0], x.shape[1:-1], x.shape[-1], y.shape[-1], _ints(f.shape[:-2]), y.shape[1:-1],
        _attrs(attrs),
    )  # fmt: skip
    return conv.plan(
        s,
        y.dtype.name,
        packed=attrs["packed"],
        bias=bias,
        residual=residual,
        activation=activation,
        threads=threads,
    )


def _direct_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    x, f = inputs
    return _flops(x.shape[-1], attrs["groups"], _ints(f.shape[:-2]), outputs[0])


def _direct_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    kernel = _ints(inputs[1].shape[:-2])
    return _choice(inputs[0], kernel, outputs[0], _attrs(attrs)).why


direct_op = Op(
    "convolution_direct",
    lambda x, f, *, packed, **attrs: _conv_infer(x, f, **attrs),
    lambda x, f, *, packed, **attrs: _conv_reference(x, f, **attrs),
    None,
    Library(_plan_direct, cost=_direct_cost, epilogue=True, residual=True, note=_direct_note),
)


def _direct_image_infer(dy: Spec, f: Spec, *, image: Shape, groups: int, **_: Any) -> Spec:
    return Spec((dy.shape[0], *image, f.shape[-1] * groups), dy.dtype)


def _direct_image_reference(
    dy: Any, f: Any, *, image: tuple[int, ...], packed: bool, **attrs: Any
) -> Any:
    *kernel, out, c = f.shape
    groups = attrs["groups"]
    parts = np.moveaxis(f.reshape(*kernel, groups, out // groups, c), -1, -3)
    return _image_reference(dy, parts.reshape(*kernel, c, out), image=image, **attrs)


def _plan_direct_image(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    bias: bool = False,
    activation: str = "",
    residual: bool = False,
) -> Any:
    from numflow.kernels.cpu import conv

    (dy, f), (dx,) = inputs, outputs
    s = _window(
        dx.shape[0], dx.shape[1:-1], dx.shape[-1], dy.shape[-1], _ints(f.shape[:-2]),
        dy.shape[1:-1], _attrs(attrs),
    )  # fmt: skip
    return conv.plan_transposed(
        s,
        dx.dtype.name,
        packed=attrs["packed"],
        bias=bias,
        residual=residual,
        activation=activation,
        threads=threads,
    )


def _direct_image_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    dy, f = inputs
    return _flops(f.shape[-1] * attrs["groups"], attrs["groups"], _ints(f.shape[:-2]), dy)


def _direct_image_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    kernel = _ints(inputs[1].shape[:-2])
    return _choice(inputs[0], kernel, outputs[0], _back(_attrs(attrs), kernel)).why


direct_image_op = Op(
    "convolution_image_direct",
    _direct_image_infer,
    _direct_image_reference,
    None,
    Library(
        _plan_direct_image,
        cost=_direct_image_cost,
        epilogue=True,
        residual=True,
        note=_direct_image_note,
    ),
)


def _parts_infer(x: Spec, dy: Spec, *, parts: int, **attrs: Any) -> Spec:
    whole = _filter_infer(x, dy, **attrs)
    return Spec((parts, *whole.shape), whole.dtype)


def _parts_reference(x: Any, dy: Any, *, parts: int, **attrs: Any) -> Any:
    whole = _filter_reference(x, dy, **attrs)
    out = np.zeros((parts, *whole.shape), whole.dtype)
    out[0] = whole
    return out


def _plan_parts(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import conv_filter

    x, dy = inputs
    s = _window(
        x.shape[0], x.shape[1:-1], x.shape[-1], dy.shape[-1], attrs["kernel"], dy.shape[1:-1],
        _attrs(attrs),
    )  # fmt: skip
    return conv_filter.plan(s, x.dtype.name, parts=attrs["parts"], threads=threads)


def _parts_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    x, dy = inputs
    return _flops(x.shape[-1], attrs["groups"], attrs["kernel"], dy)


def _parts_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    x, dy = inputs
    return _choice(x, attrs["kernel"], dy, _attrs(attrs)).why


parts_op = Op(
    "convolution_filter_parts",
    _parts_infer,
    _parts_reference,
    None,
    Library(_plan_parts, cost=_parts_cost, note=_parts_note),
)
