"""Convolutions that give few channels as ops: a product per pixel, spread over the window.

With three channels of the result the direct convolution's vectors are almost empty
(kernels/cpu/conv_spread.py). The gradient by an image of three channels is such a convolution, and
a decoder's last layer. convolution.py asks `pays`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.shapes import Extent, Shape

MOST_COLUMNS = 4
"""Channels of the result. Measured on a Zen 5 with AVX-512, one thread: 7x7/2 from 64 channels back
to 8x224x224x3 11.6 ms, direct 76; 3x3 from 32 to 3 on 16x64x64 1.4 and 3.5."""
LEAST_DEPTH = 16
"""Channels that are read: the adding up is a share of 1 / channels of the multiplications."""
LEAST_PRODUCTS = 8
"""Places of the window times columns: what fills a vector at least by half."""


def pays(
    depth: Extent, columns: Extent, kernel: Sequence[int], *, padding: Sequence[Sequence[Any]],
    dilations: Sequence[int], groups: int,
) -> bool:  # fmt: skip
    """Whether a transposed convolution is to be computed here. padding: the convolution's.

    Args:
      depth: channels that are read.
      columns: those of the result.
    """
    return (
        groups == 1
        and len(kernel) <= 2
        and all(n == 1 for n in dilations)
        and all(isinstance(n, int) and n >= 0 for pair in padding for n in pair)
        and isinstance(depth, int)
        and isinstance(columns, int)
        and depth >= LEAST_DEPTH
        and columns <= MOST_COLUMNS
        and columns * math.prod(kernel) >= LEAST_PRODUCTS
    )


def padded(columns: int) -> int:
    """Columns of the packed filter: whole vectors, of any machine."""
    return -(-columns // 16) * 16


# --- the filter ------------------------------------------------------------------------------


def _filter_infer(f: Spec, *, turned: bool) -> Spec:
    *kernel, c, out = (int(n) for n in f.shape)  # type: ignore[arg-type]
    depth, columns = (c, out) if turned else (out, c)
    return Spec((depth, padded(math.prod(kernel) * columns)), f.dtype)


def _filter_reference(f: Any, *, turned: bool) -> Any:
    *kernel, c, out = f.shape
    if turned:
        f = np.flip(f, tuple(range(len(kernel)))).swapaxes(-1, -2)
        c, out = out, c
    g = np.moveaxis(f, -1, 0).reshape(out, -1)
    return np.pad(g, [(0, 0), (0, padded(g.shape[1]) - g.shape[1])])


def _filter_plan(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import conv_spread  # llvmlite: only where code is made

    *kernel, c, out = (int(n) for n in inputs[0].shape)  # type: ignore[arg-type]
    depth, columns = (c, out) if attrs["turned"] else (out, c)
    return conv_spread.plan_pack(
        math.prod(kernel), depth, columns, attrs["turned"], inputs[0].dtype.name
    )


spread_filter_op = Op(
    "convolution_spread_filter",
    _filter_infer,
    _filter_reference,
    None,
    Library(_filter_plan, private=True),
)
"""f [*kernel, c, out] -> a matrix [out, places of the window * c], in panels.

turned: f is that of a convolution of stride 1 that is to be computed as a transposed one: its
window is turned round, and the matrix is [c, places * out]. Where the elements lie is the kernels'
business.
"""


# --- the convolution ---------------------------------------------------------------------------


def _infer(
    x: Spec, g: Spec, *, image: Shape, columns: int, kernel: Shape, strides: Shape, padding: Any
) -> Spec:
    return Spec((x.shape[0], *image, columns), x.dtype)


def _reference(
    x: Any, g: Any, *, image: tuple[int, ...], columns: int, kernel: tuple[int, ...],
    strides: tuple[int, ...], padding: Any,
) -> Any:  # fmt: skip
    sizes = x.shape[1:-1]
    wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    p = (wide @ g[:, : math.prod(kernel) * columns]).reshape(*x.shape[:-1], *kernel, columns)
    reach = [
        max((n - 1) * s + k, int(a) + o)
        for n, s, k, (a, _), o in zip(sizes, strides, kernel, padding, image, strict=True)
    ]
    y = np.zeros((x.shape[0], *reach, columns), p.dtype)
    axes = [slice(None)] * (x.ndim - 1)
    for place in itertools.product(*map(range, kernel)):
        cut = [
            slice(t, t + (n - 1) * s + 1, s) if n else slice(0, 0)
            for t, n, s in zip(place, sizes, strides, strict=True)
        ]
        y[(slice(None), *cut)] += p[(*axes, *place)]
    inside = [slice(int(a), int(a) + n) for (a, _), n in zip(padding, image, strict=True)]
    return y[(slice(None), *inside)].astype(x.dtype)


def _plan(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    bias: bool = False,
    activation: str = "",
    residual: bool = False,
) -> Any:
    from numflow.kernels.cpu import conv_spread
    from numflow.kernels.cpu.conv import Window

    def three(values: Sequence[Any], fill: int) -> tuple[int, int, int]:
        padded = [fill] * (3 - len(values)) + [int(v) for v in values]
        return padded[0], padded[1], padded[2]

    (x, _), (y,) = inputs, outputs
    batch, *sizes, depth = (int(n) for n in x.shape)  # type: ignore[arg-type]
    s = Window(
        batch, three(y.shape[1:-1], 1), attrs["columns"], three(attrs["kernel"], 1), depth,
        three(sizes, 1), three(attrs["strides"], 1), three([p[0] for p in attrs["padding"]], 0),
    )  # fmt: skip
    return conv_spread.plan(
        s, x.dtype.name, bias=bias, residual=residual, activation=activation, threads=threads
    )


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    size: Any = inputs[0].size
    return 2.0 * float(size) * math.prod(attrs["kernel"]) * attrs["columns"]


spread_op = Op(
    "convolution_spread",
    _infer,
    _reference,
    None,
    Library(
        _plan,
        cost=_cost,
        epilogue=True,
        residual=True,
        note=lambda inputs, outputs, attrs: (
            "spread: few channels of the result share the lanes with the places of the window"
        ),
    ),
)
"""x [batch, *sizes, depth], g of `spread_filter_op` -> y [batch, *image, columns].

y[place * stride - padding + tap] += x[place] @ g[tap]: the gradient by the image of a convolution.
Attributes: image: sizes of y; columns; kernel, strides, padding (in front, behind): of that
convolution.
"""


def transposed(
    x: Tensor, f: Tensor, *, image: Shape, strides: Sequence[int], padding: Any, turned: bool
) -> Tensor:
    """The ops for a filter as a convolution has it; see `spread_filter_op` for `turned`."""
    *kernel, c, out = (int(n) for n in f.spec.shape)  # type: ignore[arg-type]
    g = spread_filter_op(f, turned=turned)
    return spread_op(
        x, g, image=tuple(image), columns=out if turned else c, kernel=tuple(kernel),
        strides=tuple(strides), padding=tuple(tuple(p) for p in padding),
    )  # fmt: skip
