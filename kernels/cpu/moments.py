"""Mean and variance of columns, in one pass over memory.

    mean[o, c], variance[o, c]  of  x[o, 0, c], x[o, 1, c], ...

A part of the rows goes through in blocks that stay in L1: there a block's mean is found, then its
sum of squared distances from it, and both are merged into those of the rows before. So the pass is
as exact as two, whatever the mean is. The parts follow from the sizes alone; a second kernel merges
them, in order. Written in the subset of lang.py. Bound: memory, x once.

Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.memory import ahead
from numflow.kernels.cpu.pool_lanes import element
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Vec,
    first_lanes,
    fma,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
)
from numflow.kernels.lang import Value

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler

BLOCK = 64  # rows of a block: of four vectors they fill half of L1
_CHUNK = 1 << 14  # elements that are worth being handed to a thread


class W:
    """Words of the argument block of `partial`. Sizes in elements."""

    X = HEADER
    OUT = HEADER + 1  # [outer, parts, 2, columns]: means, and sums of squared distances
    ROWS = HEADER + 2
    COLUMNS = HEADER + 3
    PARTS = HEADER + 4
    PART = HEADER + 5  # rows of a part


class M:
    """Words of the argument block of `merge`."""

    PARTIAL = HEADER
    MEAN = HEADER + 1
    VARIANCE = HEADER + 2
    ROWS = HEADER + 3
    COLUMNS = HEADER + 4
    PARTS = HEADER + 5
    PART = HEADER + 6


def _part(rows: int, parts: int) -> int:
    """Rows of a part: whole blocks."""
    blocks = -(-rows // BLOCK)
    return max(1, -(-blocks // parts)) * BLOCK


def plan_partial(
    outer: int, rows: int, columns: int, parts: int, dtype: str, *, target: Target | None = None
) -> Call:
    """Mean and squared distances of each part of the rows; of those without rows nothing.

    Args:
      parts: into how many whole numbers of BLOCK rows they are divided: of sizes alone, so that
        bits do not depend on threads.

    Operands: x [outer, rows, columns], out [outer, parts, 2, columns]; dense.
    """
    address = lang.addresses(partial, dtype=dtype, target=target)["partial"]
    part = _part(rows, parts)
    chunk = max(1, _CHUNK // max(1, part * columns))
    units = outer * parts if columns else 0
    return Call(address, units, chunk, 2, (rows, columns, parts, part))


def plan_merge(
    outer: int, rows: int, columns: int, parts: int, dtype: str, *, target: Target | None = None
) -> Call:
    """Mean and variance of all the parts.

    Operands: partial [outer, parts, 2, columns], mean [outer, columns], variance [outer, columns];
    dense. Of no rows they are NaN.
    """
    address = lang.addresses(merge, dtype=dtype, target=target)["merge"]
    part = _part(rows, parts)
    chunk = max(1, _CHUNK // max(1, parts * columns))
    units = outer if columns else 0
    return Call(address, units, chunk, 3, (rows, columns, parts, part))


def _unless_nan(c: Compiler, x: Value, y: Value) -> Value:
    nan = c.b(f"fcmp uno {x.kind} {x.name}, {x.name}")
    return Value(
        x.kind, c.b(f"select {c.vectors.bits} {nan}, {x.kind} {y.name}, {x.kind} {x.name}")
    )


@lang.intrinsic(_unless_nan)
def unless_nan(x: Vec, y: Vec) -> Vec:
    """Lane by lane x, or y where x is NaN."""
    raise RuntimeError("kernels of lang.py run compiled only")


@lang.inline
def moved(mean: Vec, difference: Vec, share: Vec, other: Vec) -> Vec:
    """mean + share * (other - mean); infinities stay what they are."""
    return unless_nan(mean + difference * share, mean + other)


def partial(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end."""
    rows, columns = word(args, W.ROWS), word(args, W.COLUMNS)
    parts, part = word(args, W.PARTS), word(args, W.PART)
    for unit in range(begin, end):
        outer = unit // parts
        first = min(rows, (unit - outer * parts) * part)
        last = min(rows, first + part)
        mean = word(args, W.OUT) + unit * 2 * columns * ES
        x = word(args, W.X) + (outer * rows + first) * columns * ES
        done = 0
        while first + done < last:
            count = min(BLOCK, last - first - done)
            block(x + done * columns * ES, count, columns, mean, done)
            done += count


def block(x: int, count: int, columns: int, mean: int, before: int) -> None:
    """Merges `count` rows into the results at `mean`, which are those of `before` rows."""
    row = columns * ES
    next_block = count * row  # asked for while this one is read again: a sixth of the time
    n = splat(element(count))
    share = splat(element(count)) / splat(element(count + before))
    weight = share * splat(element(before))
    c = 0
    while c + 4 * VL <= columns:
        m0, m1, m2, m3 = vzero(), vzero(), vzero(), vzero()
        p = x + c * ES
        for _ in range(count):
            m0 += vload(p)
            m1 += vload(p + VL * ES)
            m2 += vload(p + 2 * VL * ES)
            m3 += vload(p + 3 * VL * ES)
            p += row
        m0, m1, m2, m3 = m0 / n, m1 / n, m2 / n, m3 / n
        s0, s1, s2, s3 = vzero(), vzero(), vzero(), vzero()
        p = x + c * ES
        for _ in range(count):
            d0, d1 = vload(p) - m0, vload(p + VL * ES) - m1
            d2, d3 = vload(p + 2 * VL * ES) - m2, vload(p + 3 * VL * ES) - m3
            s0, s1, s2, s3 = fma(d0, d0, s0), fma(d1, d1, s1), fma(d2, d2, s2), fma(d3, d3, s3)
            ahead(p + next_block)
            ahead(p + next_block + VL * ES)
            ahead(p + next_block + 2 * VL * ES)
            ahead(p + next_block + 3 * VL * ES)
            p += row
        to = mean + c * ES
        if before != 0:
            a0, a1 = vload(to), vload(to + VL * ES)
            a2, a3 = vload(to + 2 * VL * ES), vload(to + 3 * VL * ES)
            d0, d1, d2, d3 = m0 - a0, m1 - a1, m2 - a2, m3 - a3
            m0, m1 = moved(a0, d0, share, m0), moved(a1, d1, share, m1)
            m2, m3 = moved(a2, d2, share, m2), moved(a3, d3, share, m3)
            at = to + row
            s0 += vload(at) + d0 * d0 * weight
            s1 += vload(at + VL * ES) + d1 * d1 * weight
            s2 += vload(at + 2 * VL * ES) + d2 * d2 * weight
            s3 += vload(at + 3 * VL * ES) + d3 * d3 * weight
        store(to, m0)
        store(to + VL * ES, m1)
        store(to + 2 * VL * ES, m2)
        store(to + 3 * VL * ES, m3)
        store(to + row, s0)
        store(to + row + VL * ES, s1)
        store(to + row + 2 * VL * ES, s2)
        store(to + row + 3 * VL * ES, s3)
        c += 4 * VL
    while c < columns:
        mask = first_lanes(min(VL, columns - c))
        m0, s0 = vzero(), vzero()
        p = x + c * ES
        for _ in range(count):
            m0 += vload_masked(p, mask)
            p += row
        m0 = m0 / n
        p = x + c * ES
        for _ in range(count):
            d0 = vload_masked(p, mask) - m0
            s0 = fma(d0, d0, s0)
            p += row
        to = mean + c * ES
        if before != 0:
            a0 = vload_masked(to, mask)
            d0 = m0 - a0
            m0 = moved(a0, d0, share, m0)
            s0 += vload_masked(to + row, mask) + d0 * d0 * weight
        vstore_masked(to, m0, mask)
        vstore_masked(to + row, s0, mask)
        c += VL


def merge(args: int, begin: int, end: int) -> None:
    """Entry: matrices begin .. end."""
    rows, columns = word(args, M.ROWS), word(args, M.COLUMNS)
    parts, part = word(args, M.PARTS), word(args, M.PART)
    row = columns * ES
    for unit in range(begin, end):
        c = 0
        while c < columns:
            mask = first_lanes(min(VL, columns - c))
            p = word(args, M.PARTIAL) + (unit * parts * 2 * columns + c) * ES
            done = min(rows, part)
            mean = vload_masked(p, mask)
            total = vload_masked(p + row, mask)
            for _ in range(1, parts):
                p += 2 * row
                count = min(part, rows - done)
                if count > 0:
                    share = splat(element(count)) / splat(element(count + done))
                    other = vload_masked(p, mask)
                    d = other - mean
                    mean = moved(mean, d, share, other)
                    total += vload_masked(p + row, mask) + d * d * (share * splat(element(done)))
                    done += count
            if rows == 0:
                mean = vzero() / vzero()
                total = vzero()
            at = (unit * columns + c) * ES
            vstore_masked(word(args, M.MEAN) + at, mean, mask)
            vstore_masked(word(args, M.VARIANCE) + at, total / splat(element(rows)), mask)
            c += VL
