"""The loops of pooling: windows over channels-last images, and their gradients.

Written in the subset of lang.py, compiled once per element type and machine; pool.py plans the
words that are read here. Channels are the vectors: every load is contiguous.

    max_pool    y = the largest of the window; place = which tap that was, the first of equals
    sum_pool    y = the sum of the window, divided by how many of its taps are in the image
    pick        y = x at the tap that `place` names
    spread      dx = the sum of dy of those windows whose `place` names this very pixel
    spread_sum  dx = scale * the sum of dy of all windows over this pixel

A unit is a row: of the result for the first three, of the image for the others, which gather what
comes from every window over a pixel; so each element is written once, by one unit, as a sum in
one order. Bound: memory, every operand once (windows that overlap are read again from L1 or L2).
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.pool_lanes import (
    element,
    load_bytes,
    load_bytes_masked,
    load_words,
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
from numflow.kernels.intrinsics import (
    ES,
    VL,
    first_lanes,
    load,
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
    END = HEADER + 30


# --- which taps are in the image -------------------------------------------------------------


def taps_begin(first: int, dilation: int) -> int:
    """The first tap that is not in front of the image; the window begins at `first`."""
    return 0 if first >= 0 else (dilation - 1 - first) // dilation


def taps_end(first: int, dilation: int, size: int, taps: int) -> int:
    """Behind the last tap that is in an image of this size."""
    if first + (taps - 1) * dilation < size:
        return taps
    return 0 if first >= size else min(taps, (size - first + dilation - 1) // dilation)


def max_pool(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the result."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels = word(args, W.CHANNELS)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    step, nb, marks = dw * channels * ES, word(args, W.PLACE_BYTES), word(args, W.PLACE)
    for unit in range(begin, end):
        image = unit // (od * oh)
        plane = unit // oh - image * od
        z = plane * word(args, W.SD) - word(args, W.PD)
        y = (unit - unit // oh * oh) * word(args, W.SH) - word(args, W.PH)
        a0, a1 = taps_begin(z, dd), taps_end(z, dd, depth, kd)
        b0, b1 = taps_begin(y, dh), taps_end(y, dh, height, kh)
        for column in range(ow):
            x = column * word(args, W.SW) - word(args, W.PW)
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
                store(d, m0)
                store(d + VL * ES, m1)
                store(d + 2 * VL * ES, m2)
                store(d + 3 * VL * ES, m3)
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


def sum_pool(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the result, each element divided by its number of taps."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels = word(args, W.CHANNELS)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    step = dw * channels * ES
    for unit in range(begin, end):
        image = unit // (od * oh)
        plane = unit // oh - image * od
        z = plane * word(args, W.SD) - word(args, W.PD)
        y = (unit - unit // oh * oh) * word(args, W.SH) - word(args, W.PH)
        a0, a1 = taps_begin(z, dd), taps_end(z, dd, depth, kd)
        b0, b1 = taps_begin(y, dh), taps_end(y, dh, height, kh)
        for column in range(ow):
            x = column * word(args, W.SW) - word(args, W.PW)
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
                store(d, m0 / count)
                store(d + VL * ES, m1 / count)
                store(d + 2 * VL * ES, m2 / count)
                store(d + 3 * VL * ES, m3 / count)
                c += 4 * VL
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


# --- which windows are over a pixel ------------------------------------------------------------


def first_tap(moved: int, stride: int, dilation: int, tap_step: int, back: int, size: int) -> int:
    """The first tap of a window of the result that is over a pixel; a huge one if there is none.

    moved: the pixel and the padding in front. Its window is (moved - tap * dilation) / stride.
    """
    tap = 0
    if dilation == 1:
        tap = moved % stride
    elif stride != 1:
        while tap < tap_step and (moved - tap * dilation) % stride != 0:
            tap += 1
        if tap == tap_step:
            return 1 << 40
    window = (moved - tap * dilation) // stride
    if window >= size:
        tap += (window - size + back) // back * tap_step
    return tap


def spread(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the image."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels, nb, marks = word(args, W.CHANNELS), word(args, W.PLACE_BYTES), word(args, W.PLACE)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    sd, sh, sw = word(args, W.SD), word(args, W.SH), word(args, W.SW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    td, th, tw = word(args, W.TAP_D), word(args, W.TAP_H), word(args, W.TAP_W)
    bd, bh, bw = word(args, W.BACK_D), word(args, W.BACK_H), word(args, W.BACK_W)
    for unit in range(begin, end):
        image = unit // (depth * height)
        z = unit // height - image * depth + word(args, W.PD)
        y = unit - unit // height * height + word(args, W.PH)
        a0, b0 = first_tap(z, sd, dd, td, bd, od), first_tap(y, sh, dh, th, bh, oh)
        z0, y0 = (z - a0 * dd) // sd, (y - b0 * dh) // sh
        quotient = word(args, W.PW) // sw  # of a column and its padding, by the stride
        rest = word(args, W.PW) - quotient * sw
        for column in range(width):
            e0, x0 = rest, quotient
            if dw != 1 or quotient >= ow:
                e0 = first_tap(column + word(args, W.PW), sw, dw, tw, bw, ow)
                x0 = (column + word(args, W.PW) - e0 * dw) // sw
            rest += 1
            if rest == sw:
                rest = 0
                quotient += 1
            to = word(args, W.Y) + (unit * width + column) * channels * ES
            c = 0
            while c + 4 * VL <= channels:
                m0, m1, m2, m3 = vzero(), vzero(), vzero(), vzero()
                a, i = a0, z0
                while a < kd and i >= 0:
                    b, j = b0, y0
                    while b < kh and j >= 0:
                        e, k = e0, x0
                        at = (((image * od + i) * oh + j) * ow + k) * channels + c
                        while e < kw and k >= 0:
                            t = places((a * kh + b) * kw + e)
                            p = word(args, W.X) + at * ES
                            if nb == 1:
                                q = marks + at
                                p0, p1 = load_bytes(q), load_bytes(q + VL)
                                p2, p3 = load_bytes(q + 2 * VL), load_bytes(q + 3 * VL)
                            else:
                                q = marks + at * 4
                                p0, p1 = load_words(q), load_words(q + VL * 4)
                                p2, p3 = load_words(q + 2 * VL * 4), load_words(q + 3 * VL * 4)
                            m0 += where_equal(p0, t, vload(p), vzero())
                            m1 += where_equal(p1, t, vload(p + VL * ES), vzero())
                            m2 += where_equal(p2, t, vload(p + 2 * VL * ES), vzero())
                            m3 += where_equal(p3, t, vload(p + 3 * VL * ES), vzero())
                            e += tw
                            k -= bw
                            at -= bw * channels
                        b += th
                        j -= bh
                    a += td
                    i -= bd
                store(to + c * ES, m0)
                store(to + (c + VL) * ES, m1)
                store(to + (c + 2 * VL) * ES, m2)
                store(to + (c + 3 * VL) * ES, m3)
                c += 4 * VL
            while c < channels:
                lanes = min(VL, channels - c)
                mask = first_lanes(lanes)
                m0 = vzero()
                a, i = a0, z0
                while a < kd and i >= 0:
                    b, j = b0, y0
                    while b < kh and j >= 0:
                        e, k = e0, x0
                        at = (((image * od + i) * oh + j) * ow + k) * channels + c
                        while e < kw and k >= 0:
                            t = places((a * kh + b) * kw + e)
                            v = vload_masked(word(args, W.X) + at * ES, mask)
                            if nb == 1 and lanes == VL:
                                p0 = load_bytes(marks + at)
                            elif nb == 1:
                                p0 = load_bytes_masked(marks + at, mask)
                            else:
                                p0 = load_words_masked(marks + at * 4, mask)
                            m0 += where_equal(p0, t, v, vzero())
                            e += tw
                            k -= bw
                            at -= bw * channels
                        b += th
                        j -= bh
                    a += td
                    i -= bd
                vstore_masked(to + c * ES, m0, mask)
                c += VL


def spread_sum(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the image."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels = word(args, W.CHANNELS)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    sd, sh, sw = word(args, W.SD), word(args, W.SH), word(args, W.SW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    td, th, tw = word(args, W.TAP_D), word(args, W.TAP_H), word(args, W.TAP_W)
    bd, bh, bw = word(args, W.BACK_D), word(args, W.BACK_H), word(args, W.BACK_W)
    scale = splat(load(args + W.SCALE * 8))
    for unit in range(begin, end):
        image = unit // (depth * height)
        z = unit // height - image * depth + word(args, W.PD)
        y = unit - unit // height * height + word(args, W.PH)
        a0, b0 = first_tap(z, sd, dd, td, bd, od), first_tap(y, sh, dh, th, bh, oh)
        z0, y0 = (z - a0 * dd) // sd, (y - b0 * dh) // sh
        quotient = word(args, W.PW) // sw
        rest = word(args, W.PW) - quotient * sw
        for column in range(width):
            e0, x0 = rest, quotient
            if dw != 1 or quotient >= ow:
                e0 = first_tap(column + word(args, W.PW), sw, dw, tw, bw, ow)
                x0 = (column + word(args, W.PW) - e0 * dw) // sw
            rest += 1
            if rest == sw:
                rest = 0
                quotient += 1
            to = word(args, W.Y) + (unit * width + column) * channels * ES
            back = bw * channels * ES
            c = 0
            while c + 4 * VL <= channels:
                m0, m1, m2, m3 = vzero(), vzero(), vzero(), vzero()
                a, i = a0, z0
                while a < kd and i >= 0:
                    b, j = b0, y0
                    while b < kh and j >= 0:
                        e, k = e0, x0
                        at = (((image * od + i) * oh + j) * ow + k) * channels + c
                        p = word(args, W.X) + at * ES
                        while e < kw and k >= 0:
                            m0 += vload(p)
                            m1 += vload(p + VL * ES)
                            m2 += vload(p + 2 * VL * ES)
                            m3 += vload(p + 3 * VL * ES)
                            e += tw
                            k -= bw
                            p -= back
                        b += th
                        j -= bh
                    a += td
                    i -= bd
                store(to + c * ES, m0 * scale)
                store(to + (c + VL) * ES, m1 * scale)
                store(to + (c + 2 * VL) * ES, m2 * scale)
                store(to + (c + 3 * VL) * ES, m3 * scale)
                c += 4 * VL
            while c < channels:
                mask = first_lanes(min(VL, channels - c))
                m0 = vzero()
                a, i = a0, z0
                while a < kd and i >= 0:
                    b, j = b0, y0
                    while b < kh and j >= 0:
                        e, k = e0, x0
                        at = (((image * od + i) * oh + j) * ow + k) * channels + c
                        p = word(args, W.X) + at * ES
                        while e < kw and k >= 0:
                            m0 += vload_masked(p, mask)
                            e += tw
                            k -= bw
                            p -= back
                        b += th
                        j -= bh
                    a += td
                    i -= bd
                vstore_masked(to + c * ES, m0 * scale, mask)
                c += VL
