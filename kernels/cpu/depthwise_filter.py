"""The gradient of a depthwise convolution by its filter: along rows, the sums in registers.

Written in the subset of lang.py. depthwise.py plans the words that are read here.
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.depthwise_nest import ENTRY, W
from numflow.kernels.cpu.memory import ahead
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Mask,
    first_lanes,
    fma,
    load_i64,
    set_word,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
    zero_bytes,
)


class G:
    """Words of the argument block of the gradient by the filter, which has W's up to DW."""

    DY = W.F
    PARTS_OUT = W.Y
    LINES = HEADER + 17  # rows of the result, of all images
    PARTS = HEADER + 18
    SCRATCH = HEADER + 19
    FETCH = HEADER + 20  # whether what the next row reads is fetched
    END = HEADER + 21


def depthwise_filter(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end, each the sum over some rows of the result."""
    lines, parts = word(args, G.LINES), word(args, G.PARTS)
    rows, channels = word(args, W.OH), word(args, W.CHANNELS)
    kh, kw = word(args, W.KH), word(args, W.KW)
    pixel = channels * ES
    columns = word(args, WORKSPACE) + begin * word(args, G.SCRATCH)
    for w in range(kw):
        first = first_column(args, w)
        set_word(columns + w * ENTRY, 0, first)
        set_word(columns + w * ENTRY, 1, max(first, last_column(args, w)))
    for part in range(begin, end):
        out = word(args, G.PARTS_OUT) + part * kh * kw * pixel
        zero_bytes(out, kh * kw * pixel)
        for line in range(lines * part // parts, lines * (part + 1) // parts):
            image = line // rows
            row = line - image * rows
            dy = word(args, G.DY) + line * word(args, W.OW) * pixel
            top = row * word(args, W.SH) - word(args, W.PH)
            inside = top >= 0 and top + 2 * word(args, W.DH) < word(args, W.H)
            if kh == 3 and kw == 3 and channels >= VL and inside:
                source = image * word(args, W.H) + top
                x = word(args, W.X) + source * word(args, W.WIDTH) * pixel
                add_window(args, columns, x, dy, out)
                continue
            for h in range(kh):
                # the new row of x by the last taps, the next one of dy by the first
                ahead_x = word(args, G.FETCH) if h >= kh - word(args, W.SH) else 0
                ahead_dy = word(args, G.FETCH) if h == 0 else 0
                at = top + h * word(args, W.DH)
                if at >= 0 and at < word(args, W.H):
                    source = image * word(args, W.H) + at
                    x = word(args, W.X) + source * word(args, W.WIDTH) * pixel
                    add_row(args, columns, x, dy, out + h * kw * pixel, ahead_x, ahead_dy)


def first_column(args: int, tap: int) -> int:
    """The first column of the result whose tap is inside the image."""
    moved = word(args, W.PW) - tap * word(args, W.DW)
    sw = word(args, W.SW)
    return min(word(args, W.OW), max(0, (moved + sw - 1) // sw))


def last_column(args: int, tap: int) -> int:
    """The end of the columns of the result whose tap is inside the image."""
    moved = word(args, W.WIDTH) + word(args, W.PW) - tap * word(args, W.DW)
    sw = word(args, W.SW)
    return min(word(args, W.OW), (moved + sw - 1) // sw)


def add_row(
    args: int, columns: int, x: int, dy: int, out: int, ahead_x: int, ahead_dy: int
) -> None:
    """Adds what a row gives to the taps of a row of the window.

    columns: for each tap, the first column of the result that it is inside of, and the end.
    ahead_x, ahead_dy: whether to ask for what of x, or of dy, the next row of the result reads.
    """
    pixel, kw = word(args, W.CHANNELS) * ES, word(args, W.KW)
    dw, xs = word(args, W.DW) * pixel, word(args, W.SW) * pixel
    x -= word(args, W.PW) * pixel
    whole = word(args, W.CHANNELS) // VL * VL * ES
    w = 0
    while w + 3 <= kw:
        first = load_i64(columns + w * ENTRY)
        last = max(first, load_i64(columns + (w + 2) * ENTRY + 8))
        at, place, to = x + w * dw + first * xs, dy + first * pixel, out + w * pixel
        nearby, step = to, 0  # is there already
        if w == 0 and ahead_x != 0:
            nearby, step = at + word(args, W.SH) * word(args, W.WIDTH) * pixel, xs
        elif w == 0 and ahead_dy != 0:
            nearby, step = place + word(args, W.OW) * pixel, pixel
        if last > first:
            for c in range(0, whole, VL * ES):
                add_three(at + c, place + c, xs, pixel, dw, last - first, to + c, nearby + c, step)
        for k in range(w, w + 3):  # columns where only some of the three are inside
            low, high = load_i64(columns + k * ENTRY), load_i64(columns + k * ENTRY + 8)
            add_tap(x + k * dw, dy, xs, pixel, low, min(first, high), out + k * pixel, whole)
            add_tap(x + k * dw, dy, xs, pixel, max(low, last), high, out + k * pixel, whole)
        w += 3
    while w < kw:
        low, high = load_i64(columns + w * ENTRY), load_i64(columns + w * ENTRY + 8)
        add_tap(x + w * dw, dy, xs, pixel, low, high, out + w * pixel, whole)
        w += 1
    if whole < pixel:
        mask = first_lanes((pixel - whole) // ES)
        for k in range(kw):
            low, high = load_i64(columns + k * ENTRY), load_i64(columns + k * ENTRY + 8)
            at, place = x + k * dw + low * xs + whole, dy + low * pixel + whole
            add_masked(at, place, xs, pixel, high - low, out + k * pixel + whole, mask)


def add_window(args: int, columns: int, x: int, dy: int, out: int) -> None:
    """Adds what a row gives to the taps of a window of 3x3, of which all rows are inside.

    x: the row that the first three taps read. columns: as of `add_row`.
    """
    pixel = word(args, W.CHANNELS) * ES
    dw, xs, row = word(args, W.DW) * pixel, word(args, W.SW) * pixel, word(args, W.WIDTH) * pixel
    apart = word(args, W.DH) * row
    nearby, below = 0, 0  # what is read anyway
    if word(args, G.FETCH) != 0:
        nearby, below = 2 * apart + word(args, W.SH) * row, word(args, W.OW) * pixel
    x -= word(args, W.PW) * pixel
    whole = word(args, W.CHANNELS) // VL * VL * ES
    first = load_i64(columns)
    last = max(first, load_i64(columns + 2 * ENTRY + 8))
    if last > first:
        for c in range(0, whole, VL * ES):
            at, place = x + first * xs + c, dy + first * pixel + c
            add_nine(at, place, xs, pixel, dw, apart, last - first, out + c, nearby, below)
    for h in range(3):
        p, to = x + h * apart, out + 3 * h * pixel
        for k in range(3):  # columns where only some of the three are inside
            low, high = load_i64(columns + k * ENTRY), load_i64(columns + k * ENTRY + 8)
            add_tap(p + k * dw, dy, xs, pixel, low, min(first, high), to + k * pixel, whole)
            add_tap(p + k * dw, dy, xs, pixel, max(low, last), high, to + k * pixel, whole)
            if whole < pixel:
                mask = first_lanes((pixel - whole) // ES)
                at, place = p + k * dw + low * xs + whole, dy + low * pixel + whole
                add_masked(at, place, xs, pixel, high - low, to + k * pixel + whole, mask)


def add_nine(
    x: int, dy: int, xs: int, ys: int, dw: int, apart: int, n: int, out: int, nearby: int,
    below: int,
) -> None:  # fmt: skip
    """out[h, k] += sum over pixels of x, h rows on and moved by tap k, times dy; 3x3 taps.

    apart: bytes from row to row. nearby, below: from x, and from dy, to what to ask for.
    """
    line = 3 * ys
    a0, a1, a2 = vload(out), vload(out + ys), vload(out + 2 * ys)
    b0, b1, b2 = vload(out + line), vload(out + line + ys), vload(out + line + 2 * ys)
    to = out + 2 * line
    c0, c1, c2 = vload(to), vload(to + ys), vload(to + 2 * ys)
    for _ in range(n):
        ahead(x + nearby)
        ahead(dy + below)
        g, p, q = vload(dy), x + apart, x + 2 * apart
        a0 = fma(vload(x), g, a0)
        a1 = fma(vload(x + dw), g, a1)
        a2 = fma(vload(x + 2 * dw), g, a2)
        b0 = fma(vload(p), g, b0)
        b1 = fma(vload(p + dw), g, b1)
        b2 = fma(vload(p + 2 * dw), g, b2)
        c0 = fma(vload(q), g, c0)
        c1 = fma(vload(q + dw), g, c1)
        c2 = fma(vload(q + 2 * dw), g, c2)
        x, dy = x + xs, dy + ys
    store(out, a0)
    store(out + ys, a1)
    store(out + 2 * ys, a2)
    store(out + line, b0)
    store(out + line + ys, b1)
    store(out + line + 2 * ys, b2)
    store(to, c0)
    store(to + ys, c1)
    store(to + 2 * ys, c2)


def add_three(
    x: int, dy: int, xs: int, ys: int, dw: int, n: int, out: int, nearby: int, step: int
) -> None:
    """out[k] += sum over pixels of x moved by tap k times dy, for three taps.

    nearby: what to ask for beside the first pixel, and `step` bytes further for each one more.
    """
    a0, a1, a2 = vload(out), vload(out + ys), vload(out + 2 * ys)
    b0, b1, b2 = vzero(), vzero(), vzero()
    c0, c1, c2 = vzero(), vzero(), vzero()
    j = 0
    while j + 3 <= n:
        ahead(nearby)
        ahead(nearby + step)
        ahead(nearby + 2 * step)
        nearby += 3 * step
        g, p = vload(dy), x
        a0 = fma(vload(p), g, a0)
        a1 = fma(vload(p + dw), g, a1)
        a2 = fma(vload(p + 2 * dw), g, a2)
        g, p = vload(dy + ys), p + xs
        b0 = fma(vload(p), g, b0)
        b1 = fma(vload(p + dw), g, b1)
        b2 = fma(vload(p + 2 * dw), g, b2)
        g, p = vload(dy + 2 * ys), p + xs
        c0 = fma(vload(p), g, c0)
        c1 = fma(vload(p + dw), g, c1)
        c2 = fma(vload(p + 2 * dw), g, c2)
        x, dy = p + xs, dy + 3 * ys
        j += 3
    while j < n:
        g = vload(dy)
        a0 = fma(vload(x), g, a0)
        a1 = fma(vload(x + dw), g, a1)
        a2 = fma(vload(x + 2 * dw), g, a2)
        x, dy = x + xs, dy + ys
        j += 1
    store(out, a0 + (b0 + c0))
    store(out + ys, a1 + (b1 + c1))
    store(out + 2 * ys, a2 + (b2 + c2))


def add_tap(x: int, dy: int, xs: int, ys: int, low: int, high: int, out: int, whole: int) -> None:
    """out += sum over columns low .. high of x times dy, for all whole vectors of channels."""
    if low < high:
        for c in range(0, whole, VL * ES):
            a0, a1 = vload(out + c), vzero()
            p, q = x + low * xs + c, dy + low * ys + c
            j = low
            while j + 2 <= high:
                a0 = fma(vload(p), vload(q), a0)
                a1 = fma(vload(p + xs), vload(q + ys), a1)
                p, q = p + 2 * xs, q + 2 * ys
                j += 2
            if j < high:
                a0 = fma(vload(p), vload(q), a0)
            store(out + c, a0 + a1)


def add_masked(x: int, dy: int, xs: int, ys: int, n: int, out: int, mask: Mask) -> None:
    """As `add_tap`, of less than a vector of channels."""
    a0, a1, a2, a3 = vzero(), vzero(), vzero(), vzero()
    j = 0
    while j + 4 <= n:
        a0 = fma(vload_masked(x, mask), vload_masked(dy, mask), a0)
        a1 = fma(vload_masked(x + xs, mask), vload_masked(dy + ys, mask), a1)
        a2 = fma(vload_masked(x + 2 * xs, mask), vload_masked(dy + 2 * ys, mask), a2)
        a3 = fma(vload_masked(x + 3 * xs, mask), vload_masked(dy + 3 * ys, mask), a3)
        x, dy = x + 4 * xs, dy + 4 * ys
        j += 4
    while j < n:
        a0 = fma(vload_masked(x, mask), vload_masked(dy, mask), a0)
        x, dy = x + xs, dy + ys
        j += 1
    vstore_masked(out, vload_masked(out, mask) + ((a0 + a1) + (a2 + a3)), mask)
