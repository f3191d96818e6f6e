"""What the convolution ops share: how a window moves, shape rules, references in NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numflow.graph.op import Attrs
from numflow.graph.spec import Spec
from numflow.kernels.records import NamedTuple
from numflow.ops import windows
from numflow.ops.shape_rules import same_dtype
from numflow.shapes import Extent, Shape


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


def attrs_of(attrs: Attrs) -> Geometry:
    return Geometry(*(attrs[name] for name in Geometry._fields))


def turned_back(g: Geometry, kernel: Sequence[int]) -> Geometry:
    """The gradient by the image as a convolution, of a window that stands on every pixel."""
    padding = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(kernel, g.padding, strict=True))
    return g._replace(padding=padding)


def ints(shape: Shape) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)  # type: ignore[arg-type]


# --- shape rules ---------------------------------------------------------------------------


def conv_infer(x: Spec, f: Spec, **attrs: Any) -> Spec:
    dtype = same_dtype("convolution", x, f, names=("input", "filters"))
    result = attrs_of(attrs).result(x.shape[1:-1], ints(f.shape[:-2]))
    return Spec((x.shape[0], *result, f.shape[-1]), dtype)


def image_infer(dy: Spec, f: Spec, *, image: Shape, groups: int, **_: Any) -> Spec:
    dtype = same_dtype("conv_transpose", dy, f, names=("input", "filters"))
    return Spec((dy.shape[0], *image, f.shape[-2] * groups), dtype)


def filter_infer(x: Spec, dy: Spec, *, kernel: tuple[int, ...], groups: int, **_: Any) -> Spec:
    dtype = same_dtype("convolution_filter", x, dy, names=("input", "gradient"))
    return Spec((*kernel, x.shape[-1] // groups, dy.shape[-1]), dtype)


# --- references --------------------------------------------------------------------------


def taps_of(
    g: Geometry, kernel: Sequence[int], image: Sequence[int], result: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
    """(tap of the window, the part of the result that it is in the image for, its pixels)."""
    moves = zip(image, result, kernel, g.strides, g.padding, g.dilations, strict=True)
    axes = [windows.taps(n, o, k, s, int(p[0]), d) for n, o, k, s, p, d in moves]
    for taps in itertools.product(*axes):
        tap, to, at = zip(*taps, strict=True)
        yield tap, (slice(None), *to), (slice(None), *at)


def widened(*arrays: Any) -> list[Any]:
    """Low precision is summed in float32."""
    return [a.astype(np.float32) if a.dtype.itemsize == 2 else a for a in arrays]


def conv_reference(x: Any, f: Any, **attrs: Any) -> Any:
    g, kernel = attrs_of(attrs), f.shape[:-2]
    result = ints(g.result(x.shape[1:-1], kernel))
    c, oc = f.shape[-2], f.shape[-1] // g.groups
    (x, f), dtype = widened(x, f), x.dtype
    y = np.zeros((x.shape[0], *result, f.shape[-1]), x.dtype)
    for tap, to, at in taps_of(g, kernel, x.shape[1:-1], result):
        part, sums = x[at], y[to]
        for k in range(g.groups):
            own = slice(k * oc, (k + 1) * oc)
            sums[..., own] += part[..., k * c : (k + 1) * c] @ f[tap][:, own]
    return y.astype(dtype)


def image_reference(dy: Any, f: Any, *, image: tuple[int, ...], **attrs: Any) -> Any:
    g, kernel = attrs_of(attrs), f.shape[:-2]
    result = dy.shape[1:-1]
    c, oc = f.shape[-2], f.shape[-1] // g.groups
    (dy, f), dtype = widened(dy, f), dy.dtype
    dx = np.zeros((dy.shape[0], *image, c * g.groups), dy.dtype)
    for tap, to, at in taps_of(g, kernel, image, result):
        part, sums = dy[to], dx[at]
        for k in range(g.groups):
            own = slice(k * oc, (k + 1) * oc)
            sums[..., k * c : (k + 1) * c] += part[..., own] @ f[tap][:, own].T
    return dx.astype(dtype)


def filter_reference(x: Any, dy: Any, *, kernel: tuple[int, ...], **attrs: Any) -> Any:
    g = attrs_of(attrs)
    result = dy.shape[1:-1]
    c, oc = x.shape[-1] // g.groups, dy.shape[-1] // g.groups
    (x, dy), dtype = widened(x, dy), x.dtype
    f = np.zeros((*kernel, c, dy.shape[-1]), x.dtype)
    axes = tuple(range(x.ndim - 1))
    for tap, to, at in taps_of(g, kernel, x.shape[1:-1], result):
        part, ct = x[at], dy[to]
        for k in range(g.groups):
            own = slice(k * oc, (k + 1) * oc)
            mine = part[..., k * c : (k + 1) * c]
            f[tap][:, own] = np.tensordot(mine, ct[..., own], (axes, axes))
    return f.astype(dtype)
