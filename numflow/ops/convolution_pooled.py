"""Whether a convolution's kernel pools its result itself, stripe by stripe, and how it is told.

The image between the two is then never written: kernels/cpu/pool_behind.py. fuse.py asks
`direct_pays`, `product_pays`, `depthwise_pays` and `winograd_pays` where nobody else reads that
image; explain() shows what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.graph.lowering import Pooling
from numflow.graph.op import Attrs
from numflow.graph.spec import Spec
from numflow.kernels.records import NamedTuple
from numflow.ops.convolution_rules import ints
from numflow.shapes import Extent

LEAST_ROWS = 16
"""Rows of the pool, of all images: a kernel's units are not divided along channels then."""
UNKNOWN = 16
"""What a batch or a number of rows counts as that is not known."""
GAIN = 10
"""Of an element that is not written and read again, in multiply-adds of the convolution. Measured
on a Zen 5 with AVX-512: 0.1 ns where a cache holds the image, four times that where none does."""
SHALLOW, DEEP = 32, 128
"""Channels of a product, at most, for images from these bytes on."""
SHALLOW_IMAGE, DEEP_IMAGE = 3 << 20, 1 << 24
COLUMNS, FILTER = 16, 1 << 18
"""What a product of a convolution's tiles has: columns, at least, and bytes of its filter, which is
not packed, at most."""
COPIES = 1 << 18
"""Bytes of rows that a unit of the direct convolution copies between zeros, at most."""

Answer = tuple[bool, str]


class _Rows(NamedTuple):
    """The pool along rows. images, rows: of its result; overlap: rows that windows share."""

    images: Extent
    rows: Extent
    span: int
    stride: int
    front: Extent

    @property
    def overlap(self) -> int:
        return max(0, self.span - self.stride)


def _rows(pooling: Pooling) -> _Rows:
    _, result, items = pooling
    attrs = dict(items)
    if len(result) == 3:
        return _Rows(result[0], 1, 1, 1, 0)
    span = (attrs["kernel"][0] - 1) * attrs["dilations"][0] + 1
    return _Rows(result[0], result[1], span, attrs["strides"][0], attrs["padding"][0][0])


def behind_of(pooling: Pooling | None, y: Spec) -> Any:
    """The pool for a kernel's plan, all sizes being known. y: what is pooled."""
    if pooling is None:
        return None
    from numflow.kernels.cpu.pool import Window  # llvmlite: only where code is made
    from numflow.kernels.cpu.pool_behind import Behind

    def three(values: Sequence[Any], fill: int) -> Any:
        return (*[fill] * (3 - len(values)), *(int(v) for v in values))

    kind, result, items = pooling
    attrs = dict(items)
    batch, *image, channels = ints(y.shape)
    window = Window(
        batch,
        three(image, 1),
        channels,
        three(attrs["kernel"], 1),
        three(result[1:-1], 1),
        three(attrs["strides"], 1),
        three([front for front, _ in attrs["padding"]], 0),
        three(attrs["dilations"], 1),
    )
    return Behind(kind, window)


def direct_pays(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, pooling: Pooling
) -> Answer:
    """Of a direct convolution: (whether, why)."""
    (x, f), (y,) = inputs, outputs
    why = _refused(y, pooling)
    if why:
        return False, why
    from numflow.kernels.cpu.conv import SHORT

    width = y.shape[-2]
    if isinstance(width, int) and 0 < width <= SHORT:
        return False, "tiles run over the batch, a place of the image at a time"
    p = _rows(pooling)
    if p.overlap:  # the last rows of a unit are made once more by the next one
        line = _known(*x.shape[-2:]) * x.dtype.size * attrs["strides"][0]
        unit = max(1, (COPIES // max(1, line) - p.span) // p.stride + 1)
        unit = min(unit, -(-_known(p.images, p.rows) // LEAST_ROWS))
        whole = isinstance(p.rows, int) and unit >= p.rows
        twice = 0 if whole else p.overlap / (unit * p.stride)
        if _known(*f.shape[:-1]) * twice > GAIN:
            return False, f"{twice:.0%} of its rows would be made twice"
    return True, _saved(y)


def product_pays(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, pooling: Pooling
) -> Answer:
    """Of a product whose rows are the pixels of an image.

    Measured on a Zen 5 with two threads, of images of 3 to 25 MB: 1.1 to 1.5 times as fast with 3
    to 32 channels, 1.05 to 1.2 with 64 and 128 if no cache holds the image, and no gain before.
    Rows that windows share are made or moved twice: 0.75 to 1.
    """
    (a, b), (y,) = inputs, outputs
    if a.rank > 2 or b.rank > 2 or attrs["transpose_a"] or attrs["transpose_b"]:
        return False, "its rows are not those of an image, or transposed"
    why = _refused(y, pooling)
    if why:
        return False, why
    if _rows(pooling).overlap:
        return False, "its windows share rows"
    depth, columns = _known(*b.shape[:1]), _known(*b.shape[1:])
    if depth > DEEP or columns < COLUMNS or depth * columns * b.dtype.size > FILTER:
        return False, "the product alone is faster as it is"
    if _known(*y.shape) * y.dtype.size < (SHALLOW_IMAGE if depth <= SHALLOW else DEEP_IMAGE):
        return False, "a cache holds the image between"
    return True, _saved(y)


def depthwise_pays(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, pooling: Pooling
) -> Answer:
    """Of a depthwise convolution.

    Memory is its bound: measured on a Zen 5 with two threads, of images of 0.1 to 26 MB, 1.1 to 1.5
    times as fast; with the gradients 1 to 1.27 times.
    """
    (_, f), (y,) = inputs, outputs
    why = _refused(y, pooling)
    if why:
        return False, why
    from numflow.kernels.cpu.conv import SHARED

    p = _rows(pooling)
    twice = p.overlap / (SHARED * p.stride)  # at most: of rows at the border of two units
    if _known(*f.shape[:2]) * twice > GAIN:
        return False, f"{twice:.0%} of its rows would be made twice"
    return True, _saved(y)


def winograd_pays(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, pooling: Pooling
) -> Answer:
    """Of Winograd's, where whole images, or rows of tiles, make whole rows of the pool."""
    (x, _), (y,) = inputs, outputs
    why = _refused(y, pooling)
    if why:
        return False, why
    from numflow.kernels.cpu.winograd import LARGE, fits_behind

    p = _rows(pooling)
    apart = p.front == 0 and not p.overlap
    channels, columns = ints((x.shape[-1], y.shape[-1]))
    if channels * columns * x.dtype.size >= LARGE:
        return False, "blocks of a few rows would read the filter too often"
    image = y.shape[1:-1]
    if not all(isinstance(n, int) for n in image):
        return apart, _saved(y) if apart else "its windows reach over rows of tiles"
    if not fits_behind((*ints(image), columns), x.dtype.size, attrs["m"], p.stride if apart else 0):
        return False, "what it reads at a time would stay in no cache"
    return True, _saved(y)


def _refused(y: Spec, pooling: Pooling) -> str:
    """Why no kernel would; "" if one might."""
    if y.rank > 4:
        return "of images with three axes"
    p = _rows(pooling)
    if p.overlap > p.stride:
        return "its windows share most of their rows"
    count = _known(p.images, p.rows)
    if count < LEAST_ROWS:
        return f"{count} rows are too few to be shared by threads"
    return ""


def _known(*sizes: Extent) -> int:
    """Their product."""
    number = 1
    for n in sizes:
        number *= n if isinstance(n, int) else UNKNOWN
    return number


def _saved(y: Spec) -> str:
    size = y.size
    image = f"{size * y.dtype.size / 1e6:.1f} MB are" if isinstance(size, int) else "the image is"
    return f"pools in the cache what it makes: {image} not written"
