"""Depthwise convolution: every channel has a filter of its own. Three ops, each other's gradients.

    y[n, i, j, c] = sum over u, v of x[n, i s - p + u d, j s - p + v d, c] f[u, v, c]

    y  = depthwise(x, f)            x [batch, rows, columns, channels], f [kh, kw, channels]
    dx = depthwise_image(dy, f)     the gradient by the image
    df = depthwise_filter(x, dy)    the gradient by the filter

All are linear in both inputs. The kernels move vectors of channels (kernels/cpu/depthwise.py).
Where a channel has several filters, it is repeated first (`several`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.graph.lowering import Composite, Library, Pooling
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import convolution_pooled as pooled
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops import slicing
from numflow.ops.convolution_rules import Geometry, ints, taps_of, widened
from numflow.ops.shape_rules import same_dtype
from numflow.shapes import Shape


def _geometry(attrs: Attrs) -> Geometry:
    return Geometry(attrs["strides"], attrs["padding"], attrs["dilations"])


def geometry_attrs(g: Geometry) -> Attrs:
    """A window as attributes of these ops."""
    return {"strides": g.strides, "padding": g.padding, "dilations": g.dilations}


# --- references ------------------------------------------------------------------------------


_CACHED = 1 << 16
"""Elements that NumPy works on at once: they stay in the caches from tap to tap."""


def _some_images(y: Any) -> Any:
    """Slices of the batch, of about as many elements as stay in the caches."""
    step = max(1, _CACHED // max(1, y[:1].size))
    for n in range(0, len(y), step):
        yield slice(n, n + step)


def _reference(x: Any, f: Any, **attrs: Any) -> Any:
    g = _geometry(attrs)
    (x, f), dtype = widened(x, f), x.dtype
    result = g.result(x.shape[1:3], f.shape[:2])
    y = np.zeros((x.shape[0], *result, x.shape[3]), x.dtype)
    for some in _some_images(y):
        own = y[some]
        product = np.empty_like(own)
        for tap, to, at in taps_of(g, f.shape[:2], x.shape[1:3], y.shape[1:3]):
            sums = own[to]
            sums += np.multiply(x[some][at], f[tap], product[to])
    return y.astype(dtype, copy=False)


def _image_reference(dy: Any, f: Any, *, image: tuple[int, int], **attrs: Any) -> Any:
    g = _geometry(attrs)
    (dy, f), dtype = widened(dy, f), dy.dtype
    dx = np.zeros((dy.shape[0], *image, dy.shape[3]), dy.dtype)
    for some in _some_images(dy):
        own = dy[some]
        product = np.empty_like(own)
        for tap, to, at in taps_of(g, f.shape[:2], image, dy.shape[1:3]):
            sums = dx[some][at]
            sums += np.multiply(own[to], f[tap], product[to])
    return dx.astype(dtype, copy=False)


def _filter_reference(x: Any, dy: Any, *, kernel: tuple[int, int], **attrs: Any) -> Any:
    g = _geometry(attrs)
    (x, dy), dtype = widened(x, dy), x.dtype
    f = np.zeros((*kernel, x.shape[3]), x.dtype)
    for tap, to, at in taps_of(g, kernel, x.shape[1:3], dy.shape[1:3]):
        f[tap] = np.einsum("nijc,nijc->c", x[at], dy[to])
    return f.astype(dtype, copy=False)


# --- the ops -----------------------------------------------------------------------------------


def _infer(x: Spec, f: Spec, **attrs: Any) -> Spec:
    dtype = same_dtype("depthwise_conv2d", x, f, names=("input", "filter"))
    kernel = ints(f.shape[:2])
    return Spec((x.shape[0], *_geometry(attrs).result(x.shape[1:3], kernel), x.shape[3]), dtype)


def _vjp(g: Backward) -> tuple[Tensor | None, ...]:
    x, f = g.inputs
    dx = df = None
    if g.needed[0]:
        dx = depthwise_image_op(g.ct, f, image=tuple(x.spec.shape[1:3]), **g.attrs)
    if g.needed[1]:
        df = depthwise_filter_op(x, g.ct, kernel=ints(f.spec.shape[:2]), **g.attrs)
    return dx, df


def _image_infer(dy: Spec, f: Spec, *, image: Shape, **_: Any) -> Spec:
    dtype = same_dtype("depthwise_conv2d", dy, f, names=("gradient", "filter"))
    return Spec((dy.shape[0], *image, dy.shape[3]), dtype)


def _image_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    dy, f = g.inputs
    attrs = {k: v for k, v in g.attrs.items() if k != "image"}
    ct_dy = ct_f = None
    if g.needed[0]:
        ct_dy = depthwise_op(g.ct, f, **attrs)
    if g.needed[1]:
        ct_f = depthwise_filter_op(g.ct, dy, kernel=ints(f.spec.shape[:2]), **attrs)
    return ct_dy, ct_f


def _filter_infer(x: Spec, dy: Spec, *, kernel: tuple[int, int], **_: Any) -> Spec:
    dtype = same_dtype("depthwise_conv2d", x, dy, names=("input", "gradient"))
    return Spec((*kernel, x.shape[3]), dtype)


def _filter_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    x, dy = g.inputs
    attrs = {k: v for k, v in g.attrs.items() if k != "kernel"}
    ct_x = ct_dy = None
    if g.needed[0]:
        ct_x = depthwise_image_op(dy, g.ct, image=tuple(x.spec.shape[1:3]), **attrs)
    if g.needed[1]:
        ct_dy = depthwise_op(x, g.ct, **attrs)
    return ct_x, ct_dy


# --- how they are compiled ---------------------------------------------------------------------


def _sizes(x: Spec, kernel: Sequence[Any], y: Spec, attrs: Attrs) -> Any:
    from numflow.kernels.cpu.depthwise import Sizes  # llvmlite: only where code is made

    g = _geometry(attrs)
    batch, rows, columns, channels = ints(x.shape)
    kh, kw = ints(tuple(kernel))
    oh, ow = ints(y.shape[1:3])
    (sh, sw), (dh, dw), (top, left) = g.strides, g.dilations, (int(p[0]) for p in g.padding)  # type: ignore[arg-type]
    return Sizes(batch, rows, columns, channels, kh, kw, oh, ow, sh, sw, top, left, dh, dw)


def _plan(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    bias: bool = False,
    activation: str = "",
    behind: Pooling | None = None,
) -> Any:
    from numflow.kernels.cpu import depthwise

    (x, f), (y,) = inputs, outputs
    s = _sizes(x, f.shape[:2], y, attrs)
    if behind is not None:
        from numflow.kernels.cpu import depthwise_pooled

        pool = pooled.behind_of(behind, y)
        return depthwise_pooled.plan(
            s, pool, x.dtype.name, bias=bias, activation=activation, threads=threads
        )
    return depthwise.plan(s, x.dtype.name, bias=bias, activation=activation, threads=threads)


def _plan_image(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import depthwise

    (dy, f), (dx,) = inputs, outputs
    s = _sizes(dx, f.shape[:2], dy, attrs)
    return depthwise.plan_image(s, dy.dtype.name, threads=threads)


def _plan_parts(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import depthwise

    x, dy = inputs
    s = _sizes(x, attrs["kernel"], dy, attrs)
    return depthwise.plan_filter(s, x.dtype.name, parts=attrs["parts"], threads=threads)


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    kernel = attrs["kernel"] if "kernel" in attrs else inputs[1].shape[:2]
    pixels: Any = inputs[0].size if "kernel" not in attrs else inputs[1].size
    return 2.0 * float(pixels) * float(np.prod(ints(tuple(kernel))))


depthwise_op = Op(
    "depthwise",
    _infer,
    _reference,
    _vjp,
    Library(_plan, cost=_cost, epilogue=True, pools=pooled.depthwise_pays),
)

depthwise_image_op = Op(
    "depthwise_image", _image_infer, _image_reference, _image_vjp, Library(_plan_image, cost=_cost)
)

PARTS = 16
"""Into how many sums the gradient by the filter is dealt out."""


def _filter_expand(x: Tensor, dy: Tensor, **attrs: Any) -> Tensor:
    return reductions.reduce_sum(parts_op(x, dy, parts=PARTS, **attrs), 0)


depthwise_filter_op = Op(
    "depthwise_filter", _filter_infer, _filter_reference, _filter_vjp, Composite(_filter_expand)
)


def _parts_infer(x: Spec, dy: Spec, *, parts: int, **attrs: Any) -> Spec:
    whole = _filter_infer(x, dy, **attrs)
    return Spec((parts, *whole.shape), whole.dtype)


def _parts_reference(x: Any, dy: Any, *, parts: int, **attrs: Any) -> Any:
    whole = _filter_reference(x, dy, **attrs)
    out = np.zeros((parts, *whole.shape), whole.dtype)
    out[0] = whole
    return out


parts_op = Op(
    "depthwise_filter_parts",
    _parts_infer,
    _parts_reference,
    None,
    Library(_plan_parts, cost=_cost),
)


# --- several filters of a channel, fewer axes ----------------------------------------------------


def several(x: Tensor, times: int) -> Tensor:
    """Every channel of x as often as it has filters, one beside the other."""
    if times == 1:
        return x
    *outer, channels = x.spec.shape
    each = shaping.reshape_op(x, shape=(*outer, channels, 1))
    repeated = shaping.broadcast_op(each, shape=(*outer, channels, times))
    return shaping.reshape_op(repeated, shape=(*outer, channels * times))


def folded(dx: Tensor, times: int) -> Tensor:
    """The sum over what `several` repeated."""
    if times == 1:
        return dx
    *outer, channels = dx.spec.shape
    parts = shaping.reshape_op(dx, shape=(*outer, channels // times, times))
    return reductions.reduce_sum(parts, -1)


def channels_of(x: Tensor, k: int, depth: int) -> Tensor:
    """Channel k of every group of so many."""
    if depth == 1:
        return x
    *outer, channels = x.spec.shape
    return slicing.slice_op(
        x,
        begin=(*(0 for _ in outer), k),
        stride=(*(1 for _ in outer), depth),
        shape=(*outer, channels // depth),
    )


def plane_of(f: Tensor, k: int) -> Tensor:
    """What channel k of a group meets: [*kernel, depth, columns] -> [kh, kw, columns]."""
    *kernel, depth, columns = f.spec.shape
    if depth != 1:
        begin = (*(0 for _ in kernel), k, 0)
        f = slicing.slice_op(f, begin=begin, stride=(1,) * len(begin), shape=(*kernel, 1, columns))
    plane = kernel if len(kernel) == 2 else (1, *kernel)
    return shaping.reshape_op(f, shape=(*plane, columns))


def two_axes(g: Geometry) -> Geometry:
    """A window of one axis as one of two."""
    if len(g.strides) == 2:
        return g
    return Geometry((1, *g.strides), ((0, 0), *g.padding), (1, *g.dilations))
