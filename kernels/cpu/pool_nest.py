"""The loops of pooling: windows over channels-last images, and their gradients.

Written in the subset of lang.py, compiled once per element type and machine; pool.py plans the
words that are read here. Channels are the vectors: every load is contiguous.

    max_pool    y = the largest of the window; place = which tap that was, the first of equals
    sum_pool    y = the sum of the window, divided by how many of its taps are in the image
    pick        y = x at the tap that `place` names
    spread      dx = the sum of dy of those windows whose `place` names this very pixel
                (this one and the next stand in pool_spread.py)
    spread_sum  dx = scale * the sum of dy of all windows over this pixel

A unit is a row: of the result for the first three, of the image for the others, which gather what
comes from every window over a pixel; so each element is written once, by one unit, as a sum in
one order. Bound: memory, every operand once (windows that overlap are read again from L1 or L2).
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.memory import LINE, fence, fetch, store_past
from numflow.kernels.cpu.pool_lanes import (
    element,
    load_bytes_masked,
    load_words_masked,
    lowest,
    places,
    places_where_greater,
    store_bytes,
    store_bytes_masked,
    store_words,
    store_words_masked,
    where_equal,
    where_greater,
)
from numflow.kernels.cpu.pool_square import largest
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Vec,
    first_lanes,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
)


class W:
    """Words of the argument block. Sizes in elements."""

    X = HEADER  # what is read: of the image for a pool, of the result for a gradient
    Y = HEADER + 1  # what is written
    PLACE = HEADER + 2  # a place for each element of the result; 0: none is wanted
    D = HEADER + 3  # the image: planes, rows, columns
    H = HEADER + 4
    WIDTH = HEADER + 5
    CHANNELS = HEADER + 6
    OD = HEADER + 7  # the result
    OH = HEADER + 8
    OW = HEADER + 9
    KD = HEADER + 10  # the window
    KH = HEADER + 11
    KW = HEADER + 12
    SD = HEADER + 13  # strides
    SH = HEADER + 14
    SW = HEADER + 15
    PD = HEADER + 16  # pixels of padding in front
    PH = HEADER + 17
    PW = HEADER + 18
    DD = HEADER + 19  # dilations
    DH = HEADER + 20
    DW = HEADER + 21
    TAP_D = HEADER + 22  # from a tap over a pixel to the next one over it, and to its window
    TAP_H = HEADER + 23
    TAP_W = HEADER + 24
    BACK_D = HEADER + 25
    BACK_H = HEADER + 26
    BACK_W = HEADER + 27
    PLACE_BYTES = HEADER + 28
    SCALE = HEADER + 29  # an element
    PAST = HEADER + 30  # whether what is written goes past the caches
    FETCH = HEADER + 31  # bytes of each row to fetch for the next unit, per pixel of the result
    END = HEADER + 32


# --- which taps are in the image -------------------------------------------------------------


def taps_begin(first: int, dilation: int) -> int:
    """The first tap that is not in front of the image; the window begins at `first`."""
    return 0 if first >= 0 else (dilation - 1 - first) // dilation


def taps_end(first: int, dilation: int, size: int, taps: int) -> int:
    """Behind the last tap that is in an image of this size."""
    if first + (taps - 1) * dilation < size:
        return taps
    return 0 if first >= size else min(taps, (size - first + dilation - 1) // dilation)


@lang.inline
def put(p: int, x: Vec, past: int) -> None:
    """Store a vector of the result."""
    if past != 0:
        store_past(p, x)
    else:
        store(p, x)


def past_caches(args: int) -> int:
    """Whether whole lines of the result are written, and past the caches."""
    return word(args, W.PAST) if word(args, W.Y) % LINE == 0 else 0


def max_pool(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the result."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels = word(args, W.CHANNELS)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    step, nb, marks = dw * channels * ES, word(args, W.PLACE_BYTES), word(args, W.PLACE)
    past, fetched, row_bytes = past_caches(args), word(args, W.FETCH), width * channels * ES
    square = 1 if kd == 1 and kh == 2 and kw == 2 and past == 0 and fetched == 0 else 0
    for unit in range(begin, end):
        image = unit // (od * oh)
        plane = unit // oh - image * od
        z = plane * word(args, W.SD) - word(args, W.PD)
        y = (unit - unit // oh * oh) * word(args, W.SH) - word(args, W.PH)
        a0, a1 = taps_begin(z, dd), taps_end(z, dd, depth, kd)
        b0, b1 = taps_begin(y, dh), taps_end(y, dh, height, kh)
        inner, behind = ow, ow  # windows that are done at once
        if square != 0 and a1 - a0 == 1 and b1 - b0 == 2:
            sw, pw = word(args, W.SW), word(args, W.PW)
            inner = min(ow, (pw + sw - 1) // sw)
            behind = max(inner, min(ow, (width - 1 - dw + pw) // sw + 1))
            row = ((image * depth + z) * height + y) * width + inner * sw - pw
            at = (unit * ow + inner) * channels
            largest(
                word(args, W.X) + row * channels * ES,
                word(args, W.Y) + at * ES,
                marks + at if nb != 0 else 0,
                behind - inner,
                channels,
                sw * channels * ES,
                step,
                dh * row_bytes,
            )
        for column in range(ow):
            if column >= inner and column < behind:
                continue
            x = column * word(args, W.SW) - word(args, W.PW)
            if fetched != 0:
                row = (image * depth + z) * height + y + (kh - 1) * dh + 1
                fetch(
                    word(args, W.X) + row * row_bytes + column * fetched,
                    word(args, W.SH),
                    row_bytes,
                    fetched,
                )
            e0, e1 = 0, kw
            if x < 0 or x + (kw - 1) * dw >= width:
                e0, e1 = taps_begin(x, dw), taps_end(x, dw, width, kw)
            left = word(args, W.X) + (image * depth * height * width + x + e0 * dw) * channels * ES
            at = (unit * ow + column) * channels
            none = places((a0 * kh + b0) * kw + e0)
            c = 0
            while c + 4 * VL <= channels:
                m0, m1, m2, m3 = lowest(), lowest(), lowest(), lowest()
                p0, p1, p2, p3 = none, none, none, none
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        tap = (a * kh + b) * kw + e0
                        for _ in range(e0, e1):
                            t = places(tap)
                            v0, v1 = vload(p), vload(p + VL * ES)
                            v2, v3 = vload(p + 2 * VL * ES), vload(p + 3 * VL * ES)
                            p0 = places_where_greater(v0, m0, t, p0)
                            p1 = places_where_greater(v1, m1, t, p1)
                            p2 = places_where_greater(v2, m2, t, p2)
                            p3 = places_where_greater(v3, m3, t, p3)
                            m0 = where_greater(v0, m0, v0, m0)
                            m1 = where_greater(v1, m1, v1, m1)
                            m2 = where_greater(v2, m2, v2, m2)
                            m3 = where_greater(v3, m3, v3, m3)
                            tap += 1
                            p += step
                d = word(args, W.Y) + (at + c) * ES
                put(d, m0, past)
                put(d + VL * ES, m1, past)
                put(d + 2 * VL * ES, m2, past)
                put(d + 3 * VL * ES, m3, past)
                if nb == 1:
                    d = marks + at + c
                    store_bytes(d, p0)
                    store_bytes(d + VL, p1)
                    store_bytes(d + 2 * VL, p2)
                    store_bytes(d + 3 * VL, p3)
                elif nb != 0:
                    d = marks + (at + c) * 4
                    store_words(d, p0)
                    store_words(d + VL * 4, p1)
                    store_words(d + 2 * VL * 4, p2)
                    store_words(d + 3 * VL * 4, p3)
                c += 4 * VL
            while c + 2 * VL <= channels:
                m0, m1 = lowest(), lowest()
                p0, p1 = none, none
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        tap = (a * kh + b) * kw + e0
                        for _ in range(e0, e1):
                            t = places(tap)
                            v0, v1 = vload(p), vload(p + VL * ES)
                            p0 = places_where_greater(v0, m0, t, p0)
                            p1 = places_where_greater(v1, m1, t, p1)
                            m0 = where_greater(v0, m0, v0, m0)
                            m1 = where_greater(v1, m1, v1, m1)
                            tap += 1
                            p += step
                d = word(args, W.Y) + (at + c) * ES
                put(d, m0, past)
                put(d + VL * ES, m1, past)
                if nb == 1:
                    d = marks + at + c
                    store_bytes(d, p0)
                    store_bytes(d + VL, p1)
                elif nb != 0:
                    d = marks + (at + c) * 4
                    store_words(d, p0)
                    store_words(d + VL * 4, p1)
                c += 2 * VL
            while c < channels:
                lanes = min(VL, channels - c)
                mask = first_lanes(lanes)
                m0, p0 = lowest(), none
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        tap = (a * kh + b) * kw + e0
                        for _ in range(e0, e1):
                            v0 = vload_masked(p, mask)
                            p0 = places_where_greater(v0, m0, places(tap), p0)
                            m0 = where_greater(v0, m0, v0, m0)
                            tap += 1
                            p += step
                vstore_masked(word(args, W.Y) + (at + c) * ES, m0, mask)
                if nb == 1 and lanes == VL:
                    store_bytes(marks + at + c, p0)
                elif nb == 1:
                    store_bytes_masked(marks + at + c, p0, mask)
                elif nb != 0:
                    store_words_masked(marks + (at + c) * 4, p0, mask)
                c += VL
    if past != 0:
        fence()


def sum_pool(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the result, each element divided by its number of taps."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels = word(args, W.CHANNELS)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    step = dw * channels * ES
    past, fetched, row_bytes = past_caches(args), word(args, W.FETCH), width * channels * ES
    for unit in range(begin, end):
        image = unit // (od * oh)
        plane = unit // oh - image * od
        z = plane * word(args, W.SD) - word(args, W.PD)
        y = (unit - unit // oh * oh) * word(args, W.SH) - word(args, W.PH)
        a0, a1 = taps_begin(z, dd), taps_end(z, dd, depth, kd)
        b0, b1 = taps_begin(y, dh), taps_end(y, dh, height, kh)
        for column in range(ow):
            x = column * word(args, W.SW) - word(args, W.PW)
            if fetched != 0:
                row = (image * depth + z) * height + y + (kh - 1) * dh + 1
                fetch(
                    word(args, W.X) + row * row_bytes + column * fetched,
                    word(args, W.SH),
                    row_bytes,
                    fetched,
                )
            e0, e1 = 0, kw
            if x < 0 or x + (kw - 1) * dw >= width:
                e0, e1 = taps_begin(x, dw), taps_end(x, dw, width, kw)
            left = word(args, W.X) + (image * depth * height * width + x + e0 * dw) * channels * ES
            at = word(args, W.Y) + (unit * ow + column) * channels * ES
            taps = max(0, a1 - a0) * max(0, b1 - b0) * max(0, e1 - e0)
            count = splat(element(max(1, taps)))
            c = 0
            while c + 4 * VL <= channels:
                m0, m1, m2, m3 = vzero(), vzero(), vzero(), vzero()
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        for _ in range(e0, e1):
                            m0 += vload(p)
                            m1 += vload(p + VL * ES)
                            m2 += vload(p + 2 * VL * ES)
                            m3 += vload(p + 3 * VL * ES)
                            p += step
                d = at + c * ES
                put(d, m0 / count, past)
                put(d + VL * ES, m1 / count, past)
                put(d + 2 * VL * ES, m2 / count, past)
                put(d + 3 * VL * ES, m3 / count, past)
                c += 4 * VL
            while c + 2 * VL <= channels:
                m0, m1 = vzero(), vzero()
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        for _ in range(e0, e1):
                            m0 += vload(p)
                            m1 += vload(p + VL * ES)
                            p += step
                d = at + c * ES
                put(d, m0 / count, past)
                put(d + VL * ES, m1 / count, past)
                c += 2 * VL
            while c < channels:
                mask = first_lanes(min(VL, channels - c))
                m0 = vzero()
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        for _ in range(e0, e1):
                            m0 += vload_masked(p, mask)
                            p += step
                vstore_masked(at + c * ES, m0 / count, mask)
                c += VL
    if past != 0:
        fence()


def pick(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the result. A place that is in no image gives 0."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels, nb = word(args, W.CHANNELS), word(args, W.PLACE_BYTES)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    for unit in range(begin, end):
        image = unit // (od * oh)
        plane = unit // oh - image * od
        z = plane * word(args, W.SD) - word(args, W.PD)
        y = (unit - unit // oh * oh) * word(args, W.SH) - word(args, W.PH)
        a0, a1 = taps_begin(z, dd), taps_end(z, dd, depth, kd)
        b0, b1 = taps_begin(y, dh), taps_end(y, dh, height, kh)
        for column in range(ow):
            x = column * word(args, W.SW) - word(args, W.PW)
            e0, e1 = taps_begin(x, dw), taps_end(x, dw, width, kw)
            left = word(args, W.X) + (image * depth * height * width + x + e0 * dw) * channels * ES
            at = (unit * ow + column) * channels
            c = 0
            while c < channels:
                mask = first_lanes(min(VL, channels - c))
                found = vzero()
                if nb == 1:
                    wanted = load_bytes_masked(word(args, W.PLACE) + at + c, mask)
                else:
                    wanted = load_words_masked(word(args, W.PLACE) + (at + c) * 4, mask)
                for a in range(a0, a1):
                    for b in range(b0, b1):
                        row = (z + a * dd) * height + y + b * dh
                        p = left + (row * width * channels + c) * ES
                        tap = (a * kh + b) * kw + e0
                        for _ in range(e0, e1):
                            found = where_equal(wanted, places(tap), vload_masked(p, mask), found)
                            tap += 1
                            p += dw * channels * ES
                vstore_masked(word(args, W.Y) + (at + c) * ES, found, mask)
                c += VL
