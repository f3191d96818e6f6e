"""Pooling on the CPU: channels last, one to three axes, any window, strides, padding, dilations.

Plans for the loops of pool_nest.py and pool_spread.py, which are compiled once for all shapes.

    p = plan_max(Window(...), "float32", places=True)
    block = [context, workspace, p.units, node, *p.words([x, y, place])]
    kernel(p.address)(block, 0, p.units)

A window that is nowhere over the image has the largest value -inf, and the mean 0. A NaN is not
larger than anything. The bits of a result depend on sizes, dtype and machine only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from numflow.kernels import lang
from numflow.kernels.cpu import memory, pool_nest, pool_spread
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.pool_nest import W
from numflow.kernels.engine import Target
from numflow.kernels.records import NamedTuple

Three = tuple[int, int, int]

_CHUNK = 1 << 14  # elements that are worth being handed to a thread
_CHUNKS = 128  # at most: where one begins, nothing has been fetched


class Window(NamedTuple):
    """The sizes of a pool; images of fewer axes have sizes of 1 in front.

    image: (planes, rows, columns); result: the same of the output.
    padding: pixels in front of each axis; those behind follow from result.
    """

    batch: int
    image: Three
    channels: int
    kernel: Three
    result: Three
    strides: Three = (1, 1, 1)
    padding: Three = (0, 0, 0)
    dilations: Three = (1, 1, 1)


def place_bytes(window: Window) -> int:
    """Bytes of a place, the number of a tap: 1 or 4."""
    return 1 if math.prod(window.kernel) <= 256 else 4


def plan_max(s: Window, dtype: str, *, places: bool = False, target: Target | None = None) -> Call:
    """The largest element of every window, and where it stands.

    Operands: x [batch, *image, channels], y [batch, *result, channels] and, with `places`, the
    taps of y's elements, integers of place_bytes(s); dense.
    """
    count = 3 if places else 2
    return _plan(pool_nest.max_pool, s, dtype, count, place_bytes(s) if places else 0, target)


def plan_mean(s: Window, dtype: str, *, target: Target | None = None) -> Call:
    """The mean of what every window sees of the image.

    Operands: x [batch, *image, channels], y [batch, *result, channels]; dense.
    """
    return _plan(pool_nest.sum_pool, s, dtype, 2, 0, target)


def plan_pick(s: Window, dtype: str, *, target: Target | None = None) -> Call:
    """What stands in x at given places of the windows.

    Operands: x [batch, *image, channels], places and y [batch, *result, channels]; dense.
    """
    return _plan(pool_nest.pick, s, dtype, 3, place_bytes(s), target, order=(0, 2, 1))


def plan_spread(s: Window, dtype: str, *, target: Target | None = None) -> Call:
    """The gradient of plan_max by x: each element of dy is added where its place says.

    Operands: dy and places [batch, *result, channels], dx [batch, *image, channels]; dense.
    """
    return _plan(
        pool_spread.spread, s, dtype, 3, place_bytes(s), target, order=(0, 2, 1), by_image=True
    )


def plan_spread_sum(
    s: Window, dtype: str, *, scale: float = 1.0, target: Target | None = None
) -> Call:
    """The gradient by x of `scale` times the sum of every window.

    Operands: dy [batch, *result, channels], dx [batch, *image, channels]; dense.
    """
    return _plan(pool_spread.spread_sum, s, dtype, 2, 0, target, scale=scale, by_image=True)


def _plan(
    entry: Callable[[int, int, int], None],
    s: Window,
    dtype: str,
    pointers: int,
    nbytes: int,
    target: Target | None,
    *,
    order: tuple[int, ...] = (0, 1, 2),
    scale: float = 1.0,
    by_image: bool = False,
) -> Call:
    steps = [
        (st // math.gcd(st, d), d // math.gcd(st, d))
        for st, d in zip(s.strides, s.dilations, strict=True)
    ]
    bits = struct.pack("<f" if dtype == "float32" else "<d", scale).ljust(8, b"\0")
    over = s.image if by_image else s.result
    pixel = s.channels * {"float32": 4, "float64": 8}[dtype]
    flat = s.kernel[0] == 1 and s.padding[0] == 0
    large = s.batch * math.prod(s.image) * pixel >= memory.FETCHED and pixel >= memory.LINE
    fetched = (pixel if by_image else s.strides[2] * pixel) if large and flat else 0
    constants = (
        *(() if pointers == 3 else (0,)),
        *s.image,
        s.channels,
        *s.result,
        *s.kernel,
        *s.strides,
        *s.padding,
        *s.dilations,
        *(tap for tap, _ in steps),
        *(back for _, back in steps),
        nbytes,
        int.from_bytes(bits, "little", signed=True),
        int(memory.goes_past(s.batch * math.prod(over) * pixel, pixel)),
        fetched,
    )
    assert pointers + len(constants) == W.END - W.X
    address = lang.addresses(entry, dtype=dtype, target=target)[entry.__name__]
    units = s.batch * over[0] * over[1] if s.channels and over[2] else 0
    chunk = max(1, _CHUNK // max(1, over[2] * s.channels), units // _CHUNKS)
    return Call(address, units, chunk, pointers, constants, 0, order[:pointers])
