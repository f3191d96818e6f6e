"""Pixels between pixels, at places that are values: crops of boxes, and the gradient by the image.

    crop      out[n, r, c] = the bilinear mean of x[which[n]] at rows r0[n, r], r1[n, r] and columns
              c0[n, c], c1[n, c]: (1 - rp) ((1 - cp) x[r0, c0] + cp x[r0, c1]) + rp (...)
    spread    dx[which[n], r0, c0] += (1 - rp) (1 - cp) dy[n, r, c], and so on

A row or column that is not inside of the image gives FILL, and takes no part in `spread`; an image
that there is not is reported (`refuse`), and nothing of it is touched.

One unit of `crop` is a row of a box. One of `spread` is a range of channels of one image, for which
it goes through all boxes in order: nothing is added by two units, and any cut gives the same bits.

Bound: memory, out.nbytes and the pixels that are read. Written in the subset of lang.py.
"""

from __future__ import annotations

import numpy as np

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Elem,
    first_lanes,
    fma,
    load,
    load_i64,
    refuse,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    word,
    zero_bytes,
)
from numflow.kernels.lang import inline

_CHUNK_BYTES = 1 << 15
_LINE = 64  # bytes: units of `spread` share no cache line


class W:
    """Words of the argument block of both kernels. Sizes in elements."""

    X = HEADER  # images; of `spread`, dy
    WHICH = HEADER + 1
    R0 = HEADER + 2
    R1 = HEADER + 3
    RP = HEADER + 4
    C0 = HEADER + 5
    C1 = HEADER + 6
    CP = HEADER + 7
    OUT = HEADER + 8
    BATCH = HEADER + 9
    HEIGHT = HEADER + 10
    WIDTH = HEADER + 11
    CHANNELS = HEADER + 12
    BOXES = HEADER + 13
    ROWS = HEADER + 14  # of a crop
    COLUMNS = HEADER + 15
    PARTS = HEADER + 16  # of the channels, in `spread`
    FILL = HEADER + 17  # its bits


def plan_crop(
    image: tuple[int, int, int, int],
    boxes: int,
    rows: int,
    columns: int,
    dtype: str,
    fill: float,
    *,
    target: Target | None = None,
) -> Call:
    """out[boxes, rows, columns, channels] of images [batch, height, width, channels].

    Args:
      dtype: float32 or float64.
      fill: what stands for what is outside.
    """
    address = lang.addresses(crop, dtype=dtype, target=target)["crop"]
    itemsize = {"float32": 4, "float64": 8}[dtype]
    units = boxes * rows if columns and image[3] else 0
    chunk = max(1, _CHUNK_BYTES // max(1, columns * image[3] * itemsize))
    bits = int.from_bytes(np.array(fill, dtype).tobytes(), "little", signed=True)
    return Call(address, units, chunk, 9, (*image, boxes, rows, columns, 1, bits))


def plan_spread(
    image: tuple[int, int, int, int],
    boxes: int,
    rows: int,
    columns: int,
    dtype: str,
    *,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """dx of the shape of the images, of dy[boxes, rows, columns, channels]."""
    address = lang.addresses(spread, dtype=dtype, target=target)["spread"]
    itemsize = {"float32": 4, "float64": 8}[dtype]
    batch, height, width, channels = image
    lines = channels * itemsize // _LINE
    parts = max(1, min(lines, -(-4 * threads // max(1, batch))))
    units = batch * parts if height * width * channels else 0
    return Call(address, units, 1, 9, (*image, boxes, rows, columns, parts, 0))


# --- crops -----------------------------------------------------------------------


def crop(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of all boxes."""
    rows, columns, channels = word(args, W.ROWS), word(args, W.COLUMNS), word(args, W.CHANNELS)
    height, width, batch = word(args, W.HEIGHT), word(args, W.WIDTH), word(args, W.BATCH)
    pixel = channels * ES
    fill = load(args + W.FILL * 8)
    for unit in range(begin, end):
        box = unit // rows
        image = load_i64(word(args, W.WHICH) + box * 8)
        top, below = place(args, W.R0, unit), place(args, W.R1, unit)
        out = word(args, W.OUT) + unit * columns * pixel
        if image < 0 or image >= batch:
            refuse(args, box)
            image, top = 0, -1
        if top < 0 or top >= height or below < 0 or below >= height:
            put(out, fill, columns * channels)
        else:
            first = word(args, W.X) + image * height * width * pixel
            p, q = first + top * width * pixel, first + below * width * pixel
            share = load(word(args, W.RP) + unit * ES)
            for j in range(box * columns, box * columns + columns):
                left, right = place(args, W.C0, j), place(args, W.C1, j)
                if left < 0 or left >= width or right < 0 or right >= width:
                    put(out, fill, channels)
                else:
                    part = load(word(args, W.CP) + j * ES)
                    a, b = left * pixel, right * pixel
                    mix(out, p + a, p + b, q + a, q + b, share, part, channels)
                out += pixel


@inline
def place(args: int, table: int, i: int) -> int:
    """Element i of a table of places."""
    return load_i64(word(args, table) + i * 8)


@inline
def put(to: int, x: Elem, n: int) -> None:
    """n times x."""
    for i in range(n):
        store(to + i * ES, x)


@inline
def mix(to: int, a: int, b: int, c: int, d: int, share: Elem, part: Elem, n: int) -> None:
    """to = (1 - share) ((1 - part) a + part b) + share ((1 - part) c + part d), n elements."""
    v, u = splat(share), splat(1.0 - share)
    s, r = splat(part), splat(1.0 - part)
    i = 0
    while i < n:
        if n - i >= VL:
            upper = fma(s, vload(b + i * ES), r * vload(a + i * ES))
            lower = fma(s, vload(d + i * ES), r * vload(c + i * ES))
            store(to + i * ES, fma(v, lower, u * upper))
        else:
            mask = first_lanes(n - i)
            upper = fma(s, vload_masked(b + i * ES, mask), r * vload_masked(a + i * ES, mask))
            lower = fma(s, vload_masked(d + i * ES, mask), r * vload_masked(c + i * ES, mask))
            vstore_masked(to + i * ES, fma(v, lower, u * upper), mask)
        i += VL


# --- the gradient by the image -----------------------------------------------------


def spread(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end of all images."""
    height, width, channels = word(args, W.HEIGHT), word(args, W.WIDTH), word(args, W.CHANNELS)
    parts, boxes, batch = word(args, W.PARTS), word(args, W.BOXES), word(args, W.BATCH)
    pixel = channels * ES
    vectors = (channels + VL - 1) // VL
    for unit in range(begin, end):
        image = unit // parts
        part = unit - image * parts
        first = vectors * part // parts * VL
        n = min(channels, vectors * (part + 1) // parts * VL) - first
        dx = word(args, W.OUT) + image * height * width * pixel
        if parts == 1:
            zero_bytes(dx, height * width * pixel)
        else:
            for i in range(height * width):
                zero_bytes(dx + i * pixel + first * ES, n * ES)
        for box in range(boxes):
            index = load_i64(word(args, W.WHICH) + box * 8)
            if index == image:
                spread_box(args, dx + first * ES, box, first, n)
            elif index < 0 or index >= batch:
                refuse(args, box)


def spread_box(args: int, dx: int, box: int, first: int, n: int) -> None:
    """Adds n channels of a box's gradient."""
    rows, columns, channels = word(args, W.ROWS), word(args, W.COLUMNS), word(args, W.CHANNELS)
    height, width = word(args, W.HEIGHT), word(args, W.WIDTH)
    pixel = channels * ES
    for i in range(box * rows, box * rows + rows):
        top, below = place(args, W.R0, i), place(args, W.R1, i)
        if top >= 0 and top < height and below >= 0 and below < height:
            dy = word(args, W.X) + (i * columns * channels + first) * ES
            p, q = dx + top * width * pixel, dx + below * width * pixel
            share = load(word(args, W.RP) + i * ES)
            for j in range(box * columns, box * columns + columns):
                left, right = place(args, W.C0, j), place(args, W.C1, j)
                if left >= 0 and left < width and right >= 0 and right < width:
                    part = load(word(args, W.CP) + j * ES)
                    a, b = left * pixel, right * pixel
                    add(p + a, dy, (1.0 - share) * (1.0 - part), n)
                    add(p + b, dy, (1.0 - share) * part, n)
                    add(q + a, dy, share * (1.0 - part), n)
                    add(q + b, dy, share * part, n)
                dy += pixel


@inline
def add(to: int, x: int, weight: Elem, n: int) -> None:
    """to += weight * x, n elements; the same pixel may come again."""
    w = splat(weight)
    i = 0
    while i + VL <= n:
        store(to + i * ES, fma(w, vload(x + i * ES), vload(to + i * ES)))
        i += VL
    if i < n:
        mask = first_lanes(n - i)
        total = fma(w, vload_masked(x + i * ES, mask), vload_masked(to + i * ES, mask))
        vstore_masked(to + i * ES, total, mask)
