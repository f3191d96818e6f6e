"""The gradients of pooling: what comes back to each pixel from the windows over it.

Read pool_nest.py first, whose words are these.
"""

from __future__ import annotations

from numflow.kernels.cpu.memory import fence, fetch
from numflow.kernels.cpu.pool_lanes import (
    load_bytes,
    load_bytes_masked,
    load_words,
    load_words_masked,
    places,
    where_equal,
)
from numflow.kernels.cpu.pool_nest import W, past_caches, put
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
    zero_bytes,
)


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
    if apart(args) != 0:
        spread_apart(args, begin, end)
        return
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels, nb, marks = word(args, W.CHANNELS), word(args, W.PLACE_BYTES), word(args, W.PLACE)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    sd, sh, sw = word(args, W.SD), word(args, W.SH), word(args, W.SW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    td, th, tw = word(args, W.TAP_D), word(args, W.TAP_H), word(args, W.TAP_W)
    bd, bh, bw = word(args, W.BACK_D), word(args, W.BACK_H), word(args, W.BACK_W)
    past, fetched = past_caches(args), word(args, W.FETCH)
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
            if rest == 0 and fetched != 0:
                at = (((image * od + z0) * oh + y0 + 1) * ow + quotient) * channels
                fetch(word(args, W.X) + at * ES, 1, 0, fetched)
                fetch(marks + at * nb, 1, 0, channels * nb)
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
                put(to + c * ES, m0, past)
                put(to + (c + VL) * ES, m1, past)
                put(to + (c + 2 * VL) * ES, m2, past)
                put(to + (c + 3 * VL) * ES, m3, past)
                c += 4 * VL
            while c + 2 * VL <= channels:
                m0, m1 = vzero(), vzero()
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
                            else:
                                q = marks + at * 4
                                p0, p1 = load_words(q), load_words(q + VL * 4)
                            m0 += where_equal(p0, t, vload(p), vzero())
                            m1 += where_equal(p1, t, vload(p + VL * ES), vzero())
                            e += tw
                            k -= bw
                            at -= bw * channels
                        b += th
                        j -= bh
                    a += td
                    i -= bd
                put(to + c * ES, m0, past)
                put(to + (c + VL) * ES, m1, past)
                c += 2 * VL
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
    if past != 0:
        fence()


def apart(args: int) -> int:
    """Whether no two windows are over the same pixel, and the image is not written past the caches
    (which wants a pixel's channels in order: 5 to 8 % faster): 1 or 0."""
    if past_caches(args) != 0:
        return 0
    if max(word(args, W.DD), max(word(args, W.DH), word(args, W.DW))) != 1:
        return 0
    if word(args, W.KD) > word(args, W.SD) or word(args, W.KH) > word(args, W.SH):
        return 0
    return 1 if word(args, W.KW) <= word(args, W.SW) else 0


def spread_apart(args: int, begin: int, end: int) -> None:
    """Rows begin .. end of the image, each pixel of which is in one window at most: a window's
    element goes to all pixels of the row that the window is over, or zero."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels, nb = word(args, W.CHANNELS), word(args, W.PLACE_BYTES)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    sd, sh, sw = word(args, W.SD), word(args, W.SH), word(args, W.SW)
    fetched, pw = word(args, W.FETCH), word(args, W.PW)
    pixel = channels * ES
    for unit in range(begin, end):
        image = unit // (depth * height)
        z = unit // height - image * depth + word(args, W.PD)
        y = unit - unit // height * height + word(args, W.PH)
        z0, y0 = z // sd, y // sh
        a, b = z - z0 * sd, y - y0 * sh
        to = word(args, W.Y) + unit * width * pixel
        windows = ow if a < kd and b < kh and z0 < od and y0 < oh else 0
        if windows == 0 or kw < sw:
            zero_bytes(to, width * pixel)
        elif windows * sw - pw < width:
            behind = max(0, windows * sw - pw)
            zero_bytes(to + behind * pixel, (width - behind) * pixel)
        tap = (a * kh + b) * kw
        row = ((image * od + z0) * oh + y0) * ow * channels
        for window in range(windows):
            x = window * sw - pw
            e0, e1 = max(0, -x), min(kw, width - x)
            at = row + window * channels
            dy, marks = word(args, W.X) + at * ES, word(args, W.PLACE) + at * nb
            if fetched != 0:
                fetch(dy + ow * pixel, 1, 0, fetched)
                fetch(marks + ow * channels * nb, 1, 0, channels * nb)
            c = 0
            while c + 2 * VL <= channels:
                if nb == 1:
                    p0, p1 = load_bytes(marks + c), load_bytes(marks + c + VL)
                else:
                    p0, p1 = load_words(marks + c * 4), load_words(marks + (c + VL) * 4)
                v0, v1 = vload(dy + c * ES) + vzero(), vload(dy + (c + VL) * ES) + vzero()
                d = to + (x + e0) * pixel + c * ES
                for e in range(e0, e1):
                    t = places(tap + e)
                    store(d, where_equal(p0, t, v0, vzero()))
                    store(d + VL * ES, where_equal(p1, t, v1, vzero()))
                    d += pixel
                c += 2 * VL
            while c < channels:
                lanes = min(VL, channels - c)
                mask = first_lanes(lanes)
                if nb == 1 and lanes == VL:
                    p0 = load_bytes(marks + c)
                elif nb == 1:
                    p0 = load_bytes_masked(marks + c, mask)
                else:
                    p0 = load_words_masked(marks + c * 4, mask)
                v0 = vload_masked(dy + c * ES, mask) + vzero()
                d = to + (x + e0) * pixel + c * ES
                for e in range(e0, e1):
                    vstore_masked(d, where_equal(p0, places(tap + e), v0, vzero()), mask)
                    d += pixel
                c += VL


def sum_apart(args: int, begin: int, end: int) -> None:
    """As spread_apart, whatever pixel: scale times a window's element."""
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kw, sd, sh, sw = word(args, W.KW), word(args, W.SD), word(args, W.SH), word(args, W.SW)
    fetched, pw = word(args, W.FETCH), word(args, W.PW)
    channels, scale = word(args, W.CHANNELS), splat(load(args + W.SCALE * 8))
    pixel = channels * ES
    for unit in range(begin, end):
        image = unit // (depth * height)
        z = unit // height - image * depth + word(args, W.PD)
        y = unit - unit // height * height + word(args, W.PH)
        z0, y0 = z // sd, y // sh
        inside = z - z0 * sd < word(args, W.KD) and y - y0 * sh < word(args, W.KH)
        windows = ow if inside and z0 < od and y0 < oh else 0
        to = word(args, W.Y) + unit * width * pixel
        if windows == 0 or kw < sw:
            zero_bytes(to, width * pixel)
        elif windows * sw - pw < width:
            behind = max(0, windows * sw - pw)
            zero_bytes(to + behind * pixel, (width - behind) * pixel)
        row = word(args, W.X) + ((image * od + z0) * oh + y0) * ow * pixel
        for window in range(windows):
            x = window * sw - pw
            e0, e1 = max(0, -x), min(kw, width - x)
            dy = row + window * pixel
            if fetched != 0:
                fetch(dy + ow * pixel, 1, 0, fetched)
            c = 0
            while c + 2 * VL <= channels:
                v0 = (vload(dy + c * ES) + vzero()) * scale
                v1 = (vload(dy + (c + VL) * ES) + vzero()) * scale
                d = to + (x + e0) * pixel + c * ES
                for _ in range(e0, e1):
                    store(d, v0)
                    store(d + VL * ES, v1)
                    d += pixel
                c += 2 * VL
            while c < channels:
                mask = first_lanes(min(VL, channels - c))
                v0 = (vload_masked(dy + c * ES, mask) + vzero()) * scale
                d = to + (x + e0) * pixel + c * ES
                for _ in range(e0, e1):
                    vstore_masked(d, v0, mask)
                    d += pixel
                c += VL


def spread_sum(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the image."""
    if apart(args) != 0:
        sum_apart(args, begin, end)
        return
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    channels = word(args, W.CHANNELS)
    depth, height, width = word(args, W.D), word(args, W.H), word(args, W.WIDTH)
    kd, kh, kw = word(args, W.KD), word(args, W.KH), word(args, W.KW)
    sd, sh, sw = word(args, W.SD), word(args, W.SH), word(args, W.SW)
    dd, dh, dw = word(args, W.DD), word(args, W.DH), word(args, W.DW)
    td, th, tw = word(args, W.TAP_D), word(args, W.TAP_H), word(args, W.TAP_W)
    bd, bh, bw = word(args, W.BACK_D), word(args, W.BACK_H), word(args, W.BACK_W)
    scale = splat(load(args + W.SCALE * 8))
    past, fetched = past_caches(args), word(args, W.FETCH)
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
            if rest == 0 and fetched != 0:
                at = (((image * od + z0) * oh + y0 + 1) * ow + quotient) * channels
                fetch(word(args, W.X) + at * ES, 1, 0, fetched)
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
                put(to + c * ES, m0 * scale, past)
                put(to + (c + VL) * ES, m1 * scale, past)
                put(to + (c + 2 * VL) * ES, m2 * scale, past)
                put(to + (c + 3 * VL) * ES, m3 * scale, past)
                c += 4 * VL
            while c + 2 * VL <= channels:
                m0, m1 = vzero(), vzero()
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
                            e += tw
                            k -= bw
                            p -= back
                        b += th
                        j -= bh
                    a += td
                    i -= bd
                put(to + c * ES, m0 * scale, past)
                put(to + (c + VL) * ES, m1 * scale, past)
                c += 2 * VL
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
    if past != 0:
        fence()
