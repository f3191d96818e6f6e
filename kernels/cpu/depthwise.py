"""Depthwise convolutions on the CPU, and their gradients.

Images are [batch, rows, columns, channels], and a channel has one filter. Vectors run along
channels. A tile is a few neighbouring pixels of one output row and one vector of channels: its sums
stay in registers while it walks over a list of taps, so that a tap of the filter is loaded once for
all pixels of the tile. The list holds, for each tap inside of the image, where its pixels and its
numbers lie; it is the same for all pixels of a row but those at its ends, which have lists of their
own. Nothing is copied or padded.

TRANSPOSED is the gradient by the image: output pixel o reads source pixel (o + padding - tap *
dilation) / stride, where that is one. Along columns the pixels of each remainder (*phase*) by the
stride are done in turn, since they have the same taps.

The gradient by the filter walks along rows, with the sums of three neighbouring taps in registers;
its rows are dealt out to `parts` sums, which the caller adds up.

The bits depend on sizes, dtype and machine, not on how units are dealt out.

Bound: memory, where a pixel has few channels and the window is 3x3 (18 flops an element that is
read and written); multiply-adds, two loads for each, where the window is larger.
"""

from __future__ import annotations

from typing import NamedTuple

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
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
    zero_bytes,
    zeros,
)
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import ACTIVATIONS, RELU, UP_TO_SIX

_ENTRY = 16  # bytes of a tap in a list: where its pixels lie, and where its numbers
_WORK = 1 << 16
"""Multiply-adds that are worth being handed to a thread."""
_LISTS = 1 << 25
"""Bytes that all lists of taps may take: those of huge windows are as large as the window."""


class Sizes(NamedTuple):
    """The sizes of a convolution. top, left: zeros in front; those behind follow."""

    batch: int
    rows: int
    columns: int
    channels: int
    kernel_rows: int
    kernel_columns: int
    result_rows: int
    result_columns: int
    row_stride: int = 1
    column_stride: int = 1
    top: int = 0
    left: int = 0
    row_dilation: int = 1
    column_dilation: int = 1


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
    END = HEADER + 21


class G:
    """Words of the argument block of the gradient by the filter, which has W's up to DW."""

    DY = W.F
    PARTS_OUT = W.Y
    LINES = HEADER + 17  # rows of the result, of all images
    PARTS = HEADER + 18
    SCRATCH = HEADER + 19
    END = HEADER + 20


# --- plans -----------------------------------------------------------------------------------


def plan(
    s: Sizes,
    dtype: str = "float32",
    *,
    bias: bool = False,
    activation: str = "",
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """y = depthwise convolution of x with f (+ bias) (relu).

    Args:
      dtype: "float32" or "float64".
      activation: "", "relu" or "relu6".
      threads: how many may share the work; speed only.

    Operands: x [batch, rows, columns, channels], f [kernel rows, kernel columns, channels], y
    [batch, result rows, result columns, channels], bias [channels] if there is one; dense.
    """
    image, result = (s.rows, s.columns), (s.result_rows, s.result_columns)
    return _plan(s, image, result, False, dtype, bias, activation, threads, target)


def plan_image(
    s: Sizes, dtype: str = "float32", *, threads: int = 1, target: Target | None = None
) -> Call:
    """The gradient of the convolution by its image.

    Operands: dy [batch, result rows, result columns, channels], f, dx [batch, rows, columns,
    channels]; dense.
    """
    image, result = (s.rows, s.columns), (s.result_rows, s.result_columns)
    return _plan(s, result, image, True, dtype, False, "", threads, target)


def _plan(
    s: Sizes, source: tuple[int, int], result: tuple[int, int], transposed: bool, dtype: str,
    bias: bool, activation: str, threads: int, target: Target | None,
) -> Call:  # fmt: skip
    v = Vectors(dtype, target or Target.host())
    units = s.batch * result[0] if result[1] and s.channels else 0
    taps = s.kernel_rows * s.kernel_columns
    row = max(1, result[1] * s.channels * taps)
    scratch = -(-taps * _ENTRY // 64) * 64
    chunk = max(1, min(-(-units // (4 * threads)), -(-_WORK // row)))
    chunk = max(chunk, units * scratch // _LISTS)
    constants = (
        *source, *result, s.channels, s.kernel_rows, s.kernel_columns, s.row_stride,
        s.column_stride, s.top, s.left, s.row_dilation, s.column_dilation, int(transposed),
        ACTIVATIONS[activation], chunk, scratch,
    )  # fmt: skip
    address = lang.addresses(depthwise, dtype=v.dtype, target=v.target)["depthwise"]
    workspace = -(-units // chunk) * scratch
    if bias:
        return Call(address, units, chunk, 4, constants, workspace)
    return Call(address, units, chunk, 3, (0, *constants), workspace)


def plan_filter(
    s: Sizes,
    dtype: str = "float32",
    *,
    parts: int = 1,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The parts of the gradient by the filter.

    Args:
      parts: into how many sums the rows are dealt out; the bits depend on it.

    Operands: x [batch, rows, columns, channels], dy [batch, result rows, result columns,
    channels], parts [parts, kernel rows, kernel columns, channels]; dense.
    """
    v = Vectors(dtype, target or Target.host())
    size = s.kernel_rows * s.kernel_columns * s.channels
    lines = s.batch * s.result_rows if s.result_columns else 0
    scratch = -(-s.kernel_columns * _ENTRY // 64) * 64
    constants = (
        0, s.rows, s.columns, s.result_rows, s.result_columns, s.channels, s.kernel_rows,
        s.kernel_columns, s.row_stride, s.column_stride, s.top, s.left, s.row_dilation,
        s.column_dilation, lines, parts, scratch,
    )  # fmt: skip
    address = lang.addresses(depthwise_filter, dtype=v.dtype, target=v.target)["depthwise_filter"]
    units = parts if size else 0
    return Call(address, units, 1, 3, constants, units * scratch)


# --- by rows of the result -----------------------------------------------------------------------


def depthwise(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a row of the result of one image."""
    taps = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    rows, width, channels = word(args, W.OH), word(args, W.OW), word(args, W.CHANNELS)
    image_bytes = word(args, W.H) * word(args, W.WIDTH) * channels * ES
    step, out_step, phases = word(args, W.SW), 1, 1
    if word(args, W.TRANSPOSED) != 0:
        step, out_step, phases = 1, word(args, W.SW), min(word(args, W.SW), width)
    for unit in range(begin, end):
        image = unit // rows
        row = unit - image * rows
        x = word(args, W.X) + image * image_bytes
        line = word(args, W.Y) + unit * width * channels * ES
        for phase in range(phases):
            y = line + phase * channels * ES
            count = (width - phase + out_step - 1) // out_step
            first = inside_from(args, phase, step, count)
            last = inside_to(args, phase, step, first, count)
            for j in range(first):
                n = list_taps(args, taps, row, phase, j, step)
                one_pixel(args, x, y, j, step, out_step, taps, n)
            if first < last:
                n = list_taps(args, taps, row, phase, -1, step)
                pixels(args, x, y, first, last, step, out_step, taps, n)
            for j in range(last, count):
                n = list_taps(args, taps, row, phase, j, step)
                one_pixel(args, x, y, j, step, out_step, taps, n)


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


def list_taps(args: int, taps: int, row: int, phase: int, pixel: int, step: int) -> int:
    """Writes the taps of a pixel, or of the pixels (-1) for which all columns are inside."""
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
                        set_word(taps + count * _ENTRY, 0, (y * width + column) * channels * ES)
                        set_word(taps + count * _ENTRY, 1, (h * kw + w) * channels * ES)
                        count += 1
    return count


def one_pixel(
    args: int, x: int, y: int, j: int, step: int, out_step: int, taps: int, n: int
) -> None:
    """All channels of pixel j."""
    channels = word(args, W.CHANNELS)
    xp = x + j * step * channels * ES
    yp = y + j * out_step * channels * ES
    f, flags = word(args, W.F), word(args, W.FLAGS)
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
    args: int, x: int, y: int, first: int, last: int, step: int, out_step: int, taps: int, n: int
) -> None:
    """All channels of pixels first .. last, of which all columns are inside."""
    channels = word(args, W.CHANNELS)
    xs, ys = step * channels * ES, out_step * channels * ES
    f, flags = word(args, W.F), word(args, W.FLAGS)
    bias, follow = word(args, W.BIAS), ES
    if bias == 0:
        bias, follow = zeros(), 0
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
            c = 0
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
    if flags & UP_TO_SIX != 0:
        store(y, smaller(splat(six()), larger(vzero(), a)))
    elif flags & RELU != 0:
        store(y, larger(vzero(), a))
    else:
        store(y, a)


def eight(
    x: int, y: int, xs: int, ys: int, f: int, bias: int, taps: int, n: int, flags: int
) -> None:
    """Eight pixels, one vector."""
    a0, a1, a2, a3 = vload(bias), vload(bias), vload(bias), vload(bias)
    a4, a5, a6, a7 = vload(bias), vload(bias), vload(bias), vload(bias)
    for k in range(n):
        p = x + load_i64(taps + k * _ENTRY)
        w = vload(f + load_i64(taps + k * _ENTRY + 8))
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


def four(
    x: int, y: int, xs: int, ys: int, f: int, bias: int, taps: int, n: int, flags: int
) -> None:
    """Four pixels, one vector."""
    a0, a1, a2, a3 = vload(bias), vload(bias), vload(bias), vload(bias)
    for k in range(n):
        p = x + load_i64(taps + k * _ENTRY)
        w = vload(f + load_i64(taps + k * _ENTRY + 8))
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
        p = x + load_i64(taps + k * _ENTRY)
        w = f + load_i64(taps + k * _ENTRY + 8)
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
        p = x + load_i64(taps + k * _ENTRY)
        a = fma(vload(p), vload(f + load_i64(taps + k * _ENTRY + 8)), a)
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
        p = x + load_i64(taps + k * _ENTRY)
        w = vload_masked(f + load_i64(taps + k * _ENTRY + 8), mask)
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


# --- by the filter -------------------------------------------------------------------------------


def depthwise_filter(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end, each the sum over some rows of the result."""
    lines, parts = word(args, G.LINES), word(args, G.PARTS)
    rows, channels = word(args, W.OH), word(args, W.CHANNELS)
    kh, kw = word(args, W.KH), word(args, W.KW)
    pixel = channels * ES
    columns = word(args, WORKSPACE) + begin * word(args, G.SCRATCH)
    for w in range(kw):
        first = first_column(args, w)
        set_word(columns + w * _ENTRY, 0, first)
        set_word(columns + w * _ENTRY, 1, max(first, last_column(args, w)))
    for part in range(begin, end):
        out = word(args, G.PARTS_OUT) + part * kh * kw * pixel
        zero_bytes(out, kh * kw * pixel)
        for line in range(lines * part // parts, lines * (part + 1) // parts):
            image = line // rows
            row = line - image * rows
            dy = word(args, G.DY) + line * word(args, W.OW) * pixel
            top = row * word(args, W.SH) - word(args, W.PH)
            for h in range(kh):
                at = top + h * word(args, W.DH)
                if at >= 0 and at < word(args, W.H):
                    source = image * word(args, W.H) + at
                    x = word(args, W.X) + source * word(args, W.WIDTH) * pixel
                    add_row(args, columns, x, dy, out + h * kw * pixel)


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


def add_row(args: int, columns: int, x: int, dy: int, out: int) -> None:
    """Adds what a row gives to the taps of a row of the window.

    columns: for each tap, the first column of the result that it is inside of, and the end.
    """
    pixel, kw = word(args, W.CHANNELS) * ES, word(args, W.KW)
    dw, xs = word(args, W.DW) * pixel, word(args, W.SW) * pixel
    x -= word(args, W.PW) * pixel
    whole = word(args, W.CHANNELS) // VL * VL * ES
    w = 0
    while w + 3 <= kw:
        first = load_i64(columns + w * _ENTRY)
        last = max(first, load_i64(columns + (w + 2) * _ENTRY + 8))
        at, place, to = x + w * dw + first * xs, dy + first * pixel, out + w * pixel
        if last > first:
            for c in range(0, whole, VL * ES):
                add_three(at + c, place + c, xs, pixel, dw, last - first, to + c)
        for k in range(w, w + 3):  # columns where only some of the three are inside
            low, high = load_i64(columns + k * _ENTRY), load_i64(columns + k * _ENTRY + 8)
            add_tap(x + k * dw, dy, xs, pixel, low, min(first, high), out + k * pixel, whole)
            add_tap(x + k * dw, dy, xs, pixel, max(low, last), high, out + k * pixel, whole)
        w += 3
    while w < kw:
        low, high = load_i64(columns + w * _ENTRY), load_i64(columns + w * _ENTRY + 8)
        add_tap(x + w * dw, dy, xs, pixel, low, high, out + w * pixel, whole)
        w += 1
    if whole < pixel:
        mask = first_lanes((pixel - whole) // ES)
        for k in range(kw):
            low, high = load_i64(columns + k * _ENTRY), load_i64(columns + k * _ENTRY + 8)
            at, place = x + k * dw + low * xs + whole, dy + low * pixel + whole
            add_masked(at, place, xs, pixel, high - low, out + k * pixel + whole, mask)


def add_three(x: int, dy: int, xs: int, ys: int, dw: int, n: int, out: int) -> None:
    """out[k] += sum over pixels of x moved by tap k times dy, for three taps."""
    a0, a1, a2 = vload(out), vload(out + ys), vload(out + 2 * ys)
    b0, b1, b2 = vzero(), vzero(), vzero()
    c0, c1, c2 = vzero(), vzero(), vzero()
    j = 0
    while j + 3 <= n:
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
