"""Depthwise convolutions, row by row of the result; the gradient by the image, too.

Written in the subset of lang.py, compiled once per element type and machine. depthwise.py says how
a row is walked, and plans the words that are read here.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.memory import LINE, fence, fetch, store_past
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Mask,
    Vec,
    first_lanes,
    fma,
    larger,
    load_i64,
    set_word,
    six,
    smaller,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
    zeros,
)
from numflow.kernels.tiles import RELU, UP_TO_SIX

PAST = 1 << 8  # of the flags: what is written goes past the caches
ENTRY = 16  # bytes of a tap in a list: where its pixels lie, and where its numbers


class W:
    """Words of the argument block. Sizes in elements."""

    X = HEADER  # what is read
    F = HEADER + 1
    Y = HEADER + 2  # what is written
    BIAS = HEADER + 3  # 0: none
    H = HEADER + 4  # of X
    WIDTH = HEADER + 5
    OH = HEADER + 6  # of Y
    OW = HEADER + 7
    CHANNELS = HEADER + 8
    KH = HEADER + 9
    KW = HEADER + 10
    SH = HEADER + 11
    SW = HEADER + 12
    PH = HEADER + 13
    PW = HEADER + 14
    DH = HEADER + 15
    DW = HEADER + 16
    TRANSPOSED = HEADER + 17
    FLAGS = HEADER + 18
    CHUNK = HEADER + 19
    SCRATCH = HEADER + 20
    FETCH = HEADER + 21  # how many rows to fetch for the next unit
    LIST = HEADER + 22  # bytes of a list of taps
    SLOTS = HEADER + 23  # how many there is room for
    ROW_STEP = HEADER + 24  # from the source of a row to that of the next one
    END = HEADER + 25


def depthwise(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a row of the result of one image."""
    taps = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    rows, width, channels = word(args, W.OH), word(args, W.OW), word(args, W.CHANNELS)
    image_bytes = word(args, W.H) * word(args, W.WIDTH) * channels * ES
    step, out_step, phases = word(args, W.SW), 1, 1
    if word(args, W.TRANSPOSED) != 0:
        step, out_step, phases = 1, word(args, W.SW), min(word(args, W.SW), width)
    apart, slots = word(args, W.LIST), word(args, W.SLOTS)
    row_bytes = word(args, W.WIDTH) * channels * ES
    count, first, last, built = 0, 0, 0, -1  # built: the row that the lists were written for
    for unit in range(begin, end):
        image = unit // rows
        row = unit - image * rows
        x = word(args, W.X) + image * image_bytes
        behind = next_row(args, row) * row_bytes
        line = word(args, W.Y) + unit * width * channels * ES
        whole = all_rows(args, row) if slots > 1 else 0
        if whole == 0:
            built = -1
        known = built >= 0
        if known:  # the same lists, some rows further
            moved = (row - built) * word(args, W.ROW_STEP) * row_bytes
            x += moved
            behind -= moved
        for phase in range(phases):
            y = line + phase * channels * ES
            if phases > 1 or unit == begin:
                count = (width - phase + out_step - 1) // out_step
                first = inside_from(args, phase, step, count)
                last = inside_to(args, phase, step, first, count)
            apart = word(args, W.LIST) if first + count - last < slots else 0
            at = taps
            for j in range(first):
                at += apart
                if not known:
                    list_taps(args, at, row, phase, j, step)
                one_pixel(args, x, y, j, step, out_step, at)
            if first < last:
                if not known:
                    list_taps(args, taps, row, phase, -1, step)
                fetched = word(args, W.FETCH) if phase == 0 else 0
                pixels(args, x, y, first, last, step, out_step, taps, behind, fetched)
            for j in range(last, count):
                at += apart
                if not known:
                    list_taps(args, at, row, phase, j, step)
                one_pixel(args, x, y, j, step, out_step, at)
        if whole != 0 and apart != 0 and not known:
            built = row
    if flags_of(args) & PAST != 0:
        fence()


def all_rows(args: int, row: int) -> int:
    """Whether all taps of a row of the result are over rows of the source."""
    reach = (word(args, W.KH) - 1) * word(args, W.DH)
    first = row * word(args, W.SH) - word(args, W.PH)
    if word(args, W.TRANSPOSED) != 0:
        first = row + word(args, W.PH) - reach
    return 1 if first >= 0 and first + reach < word(args, W.H) else 0


def flags_of(args: int) -> int:
    """What follows a sum, and how it is stored: past the caches only where lines begin."""
    flags = word(args, W.FLAGS)
    return flags if word(args, W.Y) % LINE == 0 else flags & (PAST - 1)


def next_row(args: int, row: int) -> int:
    """The first of the rows that the next row of the result reads, and this one does not."""
    if word(args, W.TRANSPOSED) != 0:
        return (row + 1 + word(args, W.PH)) // word(args, W.SH)
    last = (word(args, W.KH) - 1) * word(args, W.DH)
    return row * word(args, W.SH) - word(args, W.PH) + last + 1


def source_row(args: int, row: int, tap: int) -> int:
    """The row that a row of the result reads through a tap; -1: none."""
    at = row * word(args, W.SH) - word(args, W.PH) + tap * word(args, W.DH)
    if word(args, W.TRANSPOSED) != 0:
        moved = row + word(args, W.PH) - tap * word(args, W.DH)
        at = moved // word(args, W.SH)
        if at * word(args, W.SH) != moved:
            at = -1
    return at if at >= 0 and at < word(args, W.H) else -1


def fits(args: int, phase: int, tap: int) -> int:
    """Whether the pixels of a phase read anything through a tap of a row."""
    if word(args, W.TRANSPOSED) == 0:
        return 1
    moved = phase + word(args, W.PW) - tap * word(args, W.DW)
    return 1 if moved // word(args, W.SW) * word(args, W.SW) == moved else 0


def source_column(args: int, phase: int, tap: int) -> int:
    """The column that pixel 0 of a phase reads through a tap that fits; may be outside."""
    if word(args, W.TRANSPOSED) == 0:
        return tap * word(args, W.DW) - word(args, W.PW)
    return (phase + word(args, W.PW) - tap * word(args, W.DW)) // word(args, W.SW)


def inside_from(args: int, phase: int, step: int, count: int) -> int:
    """The first pixel of a phase from which on no tap is in front of the image."""
    first = 0
    for tap in range(word(args, W.KW)):
        if fits(args, phase, tap) != 0:
            first = max(first, (step - 1 - source_column(args, phase, tap)) // step)
    return min(first, count)


def inside_to(args: int, phase: int, step: int, first: int, count: int) -> int:
    """The end of the pixels, from `first` on, of which no tap is behind the image."""
    last = count
    for tap in range(word(args, W.KW)):
        if fits(args, phase, tap) != 0:
            behind = word(args, W.WIDTH) - source_column(args, phase, tap)
            last = min(last, (behind + step - 1) // step)
    return max(first, last)


def list_taps(args: int, taps: int, row: int, phase: int, pixel: int, step: int) -> None:
    """Writes the taps of a pixel, or of the pixels (-1) for which all columns are inside: their
    number, then each."""
    count = 0
    width, channels, kw = word(args, W.WIDTH), word(args, W.CHANNELS), word(args, W.KW)
    for h in range(word(args, W.KH)):
        y = source_row(args, row, h)
        if y >= 0:
            for w in range(kw):
                if fits(args, phase, w) != 0:
                    column = source_column(args, phase, w)
                    at = column + pixel * step
                    if pixel < 0 or (at >= 0 and at < width):
                        count += 1
                        set_word(taps + count * ENTRY, 0, (y * width + column) * channels * ES)
                        set_word(taps + count * ENTRY, 1, (h * kw + w) * channels * ES)
    set_word(taps, 0, count)


def one_pixel(args: int, x: int, y: int, j: int, step: int, out_step: int, taps: int) -> None:
    """All channels of pixel j."""
    n = word(taps, 0)
    taps += ENTRY
    channels = word(args, W.CHANNELS)
    xp = x + j * step * channels * ES
    yp = y + j * out_step * channels * ES
    f, flags = word(args, W.F), flags_of(args)
    bias, follow = word(args, W.BIAS), ES
    if bias == 0:
        bias, follow = zeros(), 0
    if channels < VL:
        mask = first_lanes(channels)
        four_masked(xp, yp, 0, 0, f, bias, taps, n, flags, 1, mask)
    else:
        c = 0
        while c + 4 * VL <= channels:
            four_vectors(
                xp + c * ES, yp + c * ES, f + c * ES, bias + c * follow, follow, taps, n, flags
            )
            c += 4 * VL
        while c < channels:
            at = min(c, channels - VL)
            one_vector(xp + at * ES, yp + at * ES, f + at * ES, bias + at * follow, taps, n, flags)
            c += VL


def pixels(
    args: int, x: int, y: int, first: int, last: int, step: int, out_step: int, taps: int,
    behind: int, fetched: int,
) -> None:  # fmt: skip
    """All channels of pixels first .. last, of which all columns are inside.

    behind: bytes from x to `fetched` rows that will be read next.
    """
    n = word(taps, 0)
    taps += ENTRY
    channels = word(args, W.CHANNELS)
    xs, ys = step * channels * ES, out_step * channels * ES
    f, flags = word(args, W.F), flags_of(args)
    bias, follow = word(args, W.BIAS), ES
    if bias == 0:
        bias, follow = zeros(), 0
    # three neighbouring taps: a pixel is loaded once for all of them
    left = 2 if word(args, W.TRANSPOSED) != 0 else 0
    three = word(args, W.KW) == 3 and word(args, W.DW) == 1 and word(args, W.SW) == 1
    j = first
    if channels < VL:
        mask = first_lanes(channels)
        while j < last:
            four_masked(x + j * xs, y + j * ys, xs, ys, f, bias, taps, n, flags, last - j, mask)
            j += 4
    else:
        while j < last:
            # a tile that would reach too far begins earlier: some pixels are computed twice
            size = 8
            if last - first < 4:
                size = 1
            elif last - j <= 4 or last - first < 8:
                size = 4
            at = min(j, last - size)
            xp, yp = x + at * xs, y + at * ys
            if fetched != 0:
                fetch(xp + behind, fetched, word(args, W.WIDTH) * channels * ES, size * xs)
            c = 0
            if size == 8 and three:
                eight_by_three(xp, yp, xs, f, bias, follow, taps, n // 3, left, flags, channels)
                c = channels
            while c < channels:
                e = min(c, channels - VL)
                if size == 8:
                    eight(
                        xp + e * ES,
                        yp + e * ES,
                        xs,
                        ys,
                        f + e * ES,
                        bias + e * follow,
                        taps,
                        n,
                        flags,
                    )
                elif size == 4:
                    four(
                        xp + e * ES,
                        yp + e * ES,
                        xs,
                        ys,
                        f + e * ES,
                        bias + e * follow,
                        taps,
                        n,
                        flags,
                    )
                else:
                    one_vector(
                        xp + e * ES, yp + e * ES, f + e * ES, bias + e * follow, taps, n, flags
                    )
                c += VL
            j = at + size


# --- tiles ---------------------------------------------------------------------------------------


@lang.inline
def put(y: int, a: Vec, flags: int) -> None:
    """Store a sum."""
    if flags == 0:
        store(y, a)
    elif flags == PAST:
        store_past(y, a)
    else:
        b = larger(vzero(), a)
        if flags & UP_TO_SIX != 0:
            b = smaller(splat(six()), b)
        if flags & PAST != 0:
            store_past(y, b)
        else:
            store(y, b)


def eight(
    x: int, y: int, xs: int, ys: int, f: int, bias: int, taps: int, n: int, flags: int
) -> None:
    """Eight pixels, one vector."""
    a0, a1, a2, a3 = vload(bias), vload(bias), vload(bias), vload(bias)
    a4, a5, a6, a7 = vload(bias), vload(bias), vload(bias), vload(bias)
    for k in range(n):
        p = x + load_i64(taps + k * ENTRY)
        w = vload(f + load_i64(taps + k * ENTRY + 8))
        q = p + 3 * xs
        r = q + 3 * xs
        a0 = fma(vload(p), w, a0)
        a1 = fma(vload(p + xs), w, a1)
        a2 = fma(vload(p + 2 * xs), w, a2)
        a3 = fma(vload(q), w, a3)
        a4 = fma(vload(q + xs), w, a4)
        a5 = fma(vload(q + 2 * xs), w, a5)
        a6 = fma(vload(r), w, a6)
        a7 = fma(vload(r + xs), w, a7)
    put(y, a0, flags)
    put(y + ys, a1, flags)
    put(y + 2 * ys, a2, flags)
    put(y + 3 * ys, a3, flags)
    put(y + 4 * ys, a4, flags)
    put(y + 5 * ys, a5, flags)
    put(y + 6 * ys, a6, flags)
    put(y + 7 * ys, a7, flags)


def eight_by_three(
    x: int, y: int, xs: int, f: int, bias: int, follow: int, taps: int, rows: int, left: int,
    flags: int, channels: int,
) -> None:  # fmt: skip
    """Eight pixels, all their channels, through rows of three neighbouring taps.

    left: which of the three is over the first of the pixels.
    """
    right = taps + (2 - left) * ENTRY
    c = 0
    while c < channels:
        e = min(c, channels - VL)
        b = vload(bias + e * follow)
        a0, a1, a2, a3, a4, a5, a6, a7 = b, b, b, b, b, b, b, b
        for k in range(rows):
            at = 3 * k * ENTRY
            p = x + load_i64(taps + at + left * ENTRY) + e * ES
            u = vload(f + load_i64(taps + at + left * ENTRY + 8) + e * ES)
            v = vload(f + load_i64(taps + at + ENTRY + 8) + e * ES)
            w = vload(f + load_i64(right + at + 8) + e * ES)
            q = p + 5 * xs
            x0, x1, x2 = vload(p), vload(p + xs), vload(p + 2 * xs)
            a0 = fma(x2, w, fma(x1, v, fma(x0, u, a0)))
            x0 = vload(p + 3 * xs)
            a1 = fma(x0, w, fma(x2, v, fma(x1, u, a1)))
            x1 = vload(p + 4 * xs)
            a2 = fma(x1, w, fma(x0, v, fma(x2, u, a2)))
            x2 = vload(q)
            a3 = fma(x2, w, fma(x1, v, fma(x0, u, a3)))
            x0 = vload(q + xs)
            a4 = fma(x0, w, fma(x2, v, fma(x1, u, a4)))
            x1 = vload(q + 2 * xs)
            a5 = fma(x1, w, fma(x0, v, fma(x2, u, a5)))
            x2 = vload(q + 3 * xs)
            a6 = fma(x2, w, fma(x1, v, fma(x0, u, a6)))
            x0 = vload(q + 4 * xs)
            a7 = fma(x0, w, fma(x2, v, fma(x1, u, a7)))
        to = y + e * ES
        put(to, a0, flags)
        put(to + xs, a1, flags)
        put(to + 2 * xs, a2, flags)
        put(to + 3 * xs, a3, flags)
        put(to + 4 * xs, a4, flags)
        put(to + 5 * xs, a5, flags)
        put(to + 6 * xs, a6, flags)
        put(to + 7 * xs, a7, flags)
        c += VL


def four(
    x: int, y: int, xs: int, ys: int, f: int, bias: int, taps: int, n: int, flags: int
) -> None:
    """Four pixels, one vector."""
    a0, a1, a2, a3 = vload(bias), vload(bias), vload(bias), vload(bias)
    for k in range(n):
        p = x + load_i64(taps + k * ENTRY)
        w = vload(f + load_i64(taps + k * ENTRY + 8))
        a0 = fma(vload(p), w, a0)
        a1 = fma(vload(p + xs), w, a1)
        a2 = fma(vload(p + 2 * xs), w, a2)
        a3 = fma(vload(p + 3 * xs), w, a3)
    put(y, a0, flags)
    put(y + ys, a1, flags)
    put(y + 2 * ys, a2, flags)
    put(y + 3 * ys, a3, flags)


def four_vectors(
    x: int, y: int, f: int, bias: int, follow: int, taps: int, n: int, flags: int
) -> None:
    """One pixel, four vectors."""
    vb = VL * ES
    a0, a1 = vload(bias), vload(bias + VL * follow)
    a2, a3 = vload(bias + 2 * VL * follow), vload(bias + 3 * VL * follow)
    for k in range(n):
        p = x + load_i64(taps + k * ENTRY)
        w = f + load_i64(taps + k * ENTRY + 8)
        a0 = fma(vload(p), vload(w), a0)
        a1 = fma(vload(p + vb), vload(w + vb), a1)
        a2 = fma(vload(p + 2 * vb), vload(w + 2 * vb), a2)
        a3 = fma(vload(p + 3 * vb), vload(w + 3 * vb), a3)
    put(y, a0, flags)
    put(y + vb, a1, flags)
    put(y + 2 * vb, a2, flags)
    put(y + 3 * vb, a3, flags)


def one_vector(x: int, y: int, f: int, bias: int, taps: int, n: int, flags: int) -> None:
    """One pixel, one vector."""
    a = vload(bias)
    for k in range(n):
        p = x + load_i64(taps + k * ENTRY)
        a = fma(vload(p), vload(f + load_i64(taps + k * ENTRY + 8)), a)
    put(y, a, flags)


def four_masked(
    x: int, y: int, xs: int, ys: int, f: int, bias: int, taps: int, n: int, flags: int,
    count: int, mask: Mask,
) -> None:  # fmt: skip
    """Up to four pixels of less than a vector of channels."""
    b = vload_masked(bias, mask)
    a0, a1, a2, a3 = b, b, b, b
    # pixels that there are not: the first one again
    s1, s2, s3 = xs if count > 1 else 0, 2 * xs if count > 2 else 0, 3 * xs if count > 3 else 0
    for k in range(n):
        p = x + load_i64(taps + k * ENTRY)
        w = vload_masked(f + load_i64(taps + k * ENTRY + 8), mask)
        a0 = fma(vload_masked(p, mask), w, a0)
        a1 = fma(vload_masked(p + s1, mask), w, a1)
        a2 = fma(vload_masked(p + s2, mask), w, a2)
        a3 = fma(vload_masked(p + s3, mask), w, a3)
    if flags & RELU != 0:
        a0, a1 = larger(vzero(), a0), larger(vzero(), a1)
        a2, a3 = larger(vzero(), a2), larger(vzero(), a3)
    if flags & UP_TO_SIX != 0:
        a0, a1 = smaller(splat(six()), a0), smaller(splat(six()), a1)
        a2, a3 = smaller(splat(six()), a2), smaller(splat(six()), a3)
    vstore_masked(y, a0, mask)
    if count > 1:
        vstore_masked(y + ys, a1, mask)
    if count > 2:
        vstore_masked(y + 2 * ys, a2, mask)
    if count > 3:
        vstore_masked(y + 3 * ys, a3, mask)
