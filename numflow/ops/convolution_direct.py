"""The direct convolutions as ops: what the kernels of kernels/cpu/conv.py and its kin take.

`choice_of` asks Winograd's rule; where it says direct, its reason is what explain() shows of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.graph.lowering import Library, Pooling
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.ops import convolution_pooled as pooled
from numflow.ops import convolution_winograd as winograd
from numflow.ops.convolution_rules import (
    Geometry,
    attrs_of,
    conv_infer,
    conv_reference,
    filter_infer,
    filter_reference,
    image_reference,
    ints,
    turned_back,
)
from numflow.shapes import Shape, as_number


def choice_of(
    x: Spec, kernel: Sequence[int], y: Spec, g: Geometry, filters: float = 1
) -> winograd.Choice:
    """How y is made of x, or the gradient by the filter of both: direct or by Winograd."""
    plain = all(n == 1 for n in (*g.strides, *g.dilations, g.groups))
    pads = [(as_number(a), as_number(b)) for a, b in g.padding] if plain else []
    return winograd.choose(
        x.dtype, x.shape[0], x.shape[-1], y.shape[-1], kernel, y.shape[1:-1],
        padding=pads, plain=plain, filters=filters,
    )  # fmt: skip


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
    behind: Pooling | None = None,
) -> Any:
    from numflow.kernels.cpu import conv

    (x, f), (y,) = inputs, outputs
    s = _window(
        x.shape[0], x.shape[1:-1], x.shape[-1], y.shape[-1], ints(f.shape[:-2]), y.shape[1:-1],
        attrs_of(attrs),
    )  # fmt: skip
    return conv.plan(
        s,
        y.dtype.name,
        packed=attrs["packed"],
        bias=bias,
        residual=residual,
        activation=activation,
        behind=pooled.behind_of(behind, y),
        threads=threads,
    )


def plan_product(
    inputs: Sequence[Spec], outputs: Sequence[Spec], threads: int, bias: bool, activation: str,
    residual: bool, behind: Pooling,
) -> Any:  # fmt: skip
    """A product whose rows are the pixels of an image that is pooled: its window is one pixel."""
    from numflow.kernels.cpu import conv

    (_, b), (y,) = inputs, outputs
    image, rank = y.shape[1:-1], y.rank - 2
    g = Geometry((1,) * rank, ((0, 0),) * rank, (1,) * rank)
    s = _window(y.shape[0], image, b.shape[0], y.shape[-1], (1,) * rank, image, g)
    return conv.plan(
        s,
        y.dtype.name,
        bias=bias,
        residual=residual,
        activation=activation,
        behind=pooled.behind_of(behind, y),
        threads=threads,
    )


def _direct_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    x, f = inputs
    return _flops(x.shape[-1], attrs["groups"], ints(f.shape[:-2]), outputs[0])


def _direct_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    kernel = ints(inputs[1].shape[:-2])
    return choice_of(inputs[0], kernel, outputs[0], attrs_of(attrs)).why


direct_op = Op(
    "convolution_direct",
    lambda x, f, *, packed, **attrs: conv_infer(x, f, **attrs),
    lambda x, f, *, packed, **attrs: conv_reference(x, f, **attrs),
    None,
    Library(
        _plan_direct,
        cost=_direct_cost,
        epilogue=True,
        residual=True,
        note=_direct_note,
        pools=pooled.direct_pays,
    ),
)


def _direct_image_infer(dy: Spec, f: Spec, *, image: Shape, groups: int, **_: Any) -> Spec:
    return Spec((dy.shape[0], *image, f.shape[-1] * groups), dy.dtype)


def _direct_image_reference(
    dy: Any, f: Any, *, image: tuple[int, ...], packed: bool, **attrs: Any
) -> Any:
    *kernel, out, c = f.shape
    groups = attrs["groups"]
    parts = np.moveaxis(f.reshape(*kernel, groups, out // groups, c), -1, -3)
    return image_reference(dy, parts.reshape(*kernel, c, out), image=image, **attrs)


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
        dx.shape[0], dx.shape[1:-1], dx.shape[-1], dy.shape[-1], ints(f.shape[:-2]),
        dy.shape[1:-1], attrs_of(attrs),
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
    return _flops(f.shape[-1] * attrs["groups"], attrs["groups"], ints(f.shape[:-2]), dy)


def _direct_image_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    kernel = ints(inputs[1].shape[:-2])
    return choice_of(inputs[0], kernel, outputs[0], turned_back(attrs_of(attrs), kernel)).why


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
    whole = filter_infer(x, dy, **attrs)
    return Spec((parts, *whole.shape), whole.dtype)


def _parts_reference(x: Any, dy: Any, *, parts: int, **attrs: Any) -> Any:
    whole = filter_reference(x, dy, **attrs)
    out = np.zeros((parts, *whole.shape), whole.dtype)
    out[0] = whole
    return out


def window_of_parts(x: Spec, dy: Spec, attrs: Attrs) -> Any:
    """The sizes of the convolution whose gradient by the filter it is."""
    return _window(
        x.shape[0], x.shape[1:-1], x.shape[-1], dy.shape[-1], attrs["kernel"], dy.shape[1:-1],
        attrs_of(attrs),
    )  # fmt: skip


def _plan_parts(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import conv_filter

    x, dy = inputs
    s = window_of_parts(x, dy, attrs)
    return conv_filter.plan(s, x.dtype.name, parts=attrs["parts"], threads=threads)


def parts_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    x, dy = inputs
    return _flops(x.shape[-1], attrs["groups"], attrs["kernel"], dy)


def _parts_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    x, dy = inputs
    return choice_of(x, attrs["kernel"], dy, attrs_of(attrs)).why


parts_op = Op(
    "convolution_filter_parts",
    _parts_infer,
    _parts_reference,
    None,
    Library(_plan_parts, cost=parts_cost, note=_parts_note),
)
