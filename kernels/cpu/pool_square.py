"""The largest of windows of 2 x 2 pixels, the commonest ones, without loops over their taps.

Written in the subset of lang.py; pool_nest.py calls this for the windows of a row of the result
that are inside the image: half the time of the general loops for 32 channels.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.cpu.pool_lanes import (
    lowest,
    places,
    places_where_greater,
    store_bytes,
    store_bytes_masked,
    where_greater,
)
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Vec,
    first_lanes,
    store,
    vload,
    vload_masked,
    vstore_masked,
)


@lang.inline
def larger(x: Vec, y: Vec) -> Vec:
    """x where it is larger than y, else y: also where one is NaN."""
    return where_greater(x, y, x, y)


def largest(
    p: int, y: int, marks: int, count: int, channels: int, step: int, across: int, down: int
) -> None:
    """Windows side by side. p: of the first pixel; y, marks: of the results, marks may be 0.

    step: bytes from a window to the next; across, down: from a pixel of it to its neighbours.
    """
    if marks != 0:
        largest_places(p, y, marks, count, channels, step, across, down)
    else:
        for _ in range(count):
            c = 0
            while c + 2 * VL <= channels:
                a, b = p + c * ES, p + (c + VL) * ES
                m0, m1 = larger(vload(a), lowest()), larger(vload(b), lowest())
                m0, m1 = larger(vload(a + across), m0), larger(vload(b + across), m1)
                a, b = a + down, b + down
                m0, m1 = larger(vload(a), m0), larger(vload(b), m1)
                m0, m1 = larger(vload(a + across), m0), larger(vload(b + across), m1)
                store(y + c * ES, m0)
                store(y + (c + VL) * ES, m1)
                c += 2 * VL
            while c < channels:
                mask = first_lanes(min(VL, channels - c))
                a = p + c * ES
                m0 = larger(vload_masked(a, mask), lowest())
                m0 = larger(vload_masked(a + across, mask), m0)
                m0 = larger(vload_masked(a + down, mask), m0)
                m0 = larger(vload_masked(a + down + across, mask), m0)
                vstore_masked(y + c * ES, m0, mask)
                c += VL
            p += step
            y += channels * ES


def largest_places(
    p: int, y: int, marks: int, count: int, channels: int, step: int, across: int, down: int
) -> None:
    """The same, and the taps, a byte each."""
    t0, t1, t2, t3 = places(0), places(1), places(2), places(3)
    for _ in range(count):
        c = 0
        while c + 2 * VL <= channels:
            a, b = p + c * ES, p + (c + VL) * ES
            m0, m1 = larger(vload(a), lowest()), larger(vload(b), lowest())
            v0, v1 = vload(a + across), vload(b + across)
            p0, p1 = places_where_greater(v0, m0, t1, t0), places_where_greater(v1, m1, t1, t0)
            m0, m1 = larger(v0, m0), larger(v1, m1)
            v0, v1 = vload(a + down), vload(b + down)
            p0, p1 = places_where_greater(v0, m0, t2, p0), places_where_greater(v1, m1, t2, p1)
            m0, m1 = larger(v0, m0), larger(v1, m1)
            v0, v1 = vload(a + down + across), vload(b + down + across)
            p0, p1 = places_where_greater(v0, m0, t3, p0), places_where_greater(v1, m1, t3, p1)
            store(y + c * ES, larger(v0, m0))
            store(y + (c + VL) * ES, larger(v1, m1))
            store_bytes(marks + c, p0)
            store_bytes(marks + c + VL, p1)
            c += 2 * VL
        while c < channels:
            lanes = min(VL, channels - c)
            mask = first_lanes(lanes)
            a = p + c * ES
            m0 = larger(vload_masked(a, mask), lowest())
            v0 = vload_masked(a + across, mask)
            p0, m0 = places_where_greater(v0, m0, t1, t0), larger(v0, m0)
            v0 = vload_masked(a + down, mask)
            p0, m0 = places_where_greater(v0, m0, t2, p0), larger(v0, m0)
            v0 = vload_masked(a + down + across, mask)
            p0 = places_where_greater(v0, m0, t3, p0)
            vstore_masked(y + c * ES, larger(v0, m0), mask)
            if lanes == VL:
                store_bytes(marks + c, p0)
            else:
                store_bytes_masked(marks + c, p0, mask)
            c += VL
        p += step
        y += channels * ES
        marks += channels
