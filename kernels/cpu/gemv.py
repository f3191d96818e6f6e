"""Matrix times vector and vector times matrix: products with one row or one column of output.

Bound: memory, the matrix is read once. Two ways: `dot` where the matrix is stored along k (one sum
per row, four rows at a time), `axpy` where it is stored across k (sums of scaled rows, eight at a
time, columns in blocks that stay in L1). Written in the subset of lang.py; the words are those of
gemm_nest.py. The order of a sum depends on k alone.
"""

from __future__ import annotations

from numflow.kernels.cpu.gemm_nest import W, batch_offset, scratch
from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    Elem,
    first_lanes,
    fma,
    larger,
    load,
    six,
    smaller,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vsum,
    vzero,
    word,
    zero,
)
from numflow.kernels.tiles import ACCUMULATE, BIAS, RELU, UP_TO_SIX

DOT_A, DOT_B, AXPY_A, AXPY_B = 1, 2, 3, 4
"""Modes: rows of A times b, rows of B times a; sums of rows of A (N = 1), of rows of B (M = 1)."""


def gemv(args: int, begin: int, end: int) -> None:
    """Entry: M = 1 or N = 1."""
    mode, slots = word(args, W.MODE), word(args, W.SLOTS)
    m, n = word(args, W.M), word(args, W.N)
    lda, ldb, ldc = word(args, W.LDA) * ES, word(args, W.LDB) * ES, word(args, W.LDC) * ES
    a_step = ES if word(args, W.TRANSPOSE_A) == 0 else lda  # along k in the only row of op(A)
    b_step = ldb if word(args, W.TRANSPOSE_B) == 0 else ES
    copy = scratch(args, begin)
    for unit in range(begin, end):
        batch = unit // slots
        s = unit - batch * slots
        a = word(args, W.A) + batch_offset(args, batch, W.BATCH_A)
        b = word(args, W.B) + batch_offset(args, batch, W.BATCH_B)
        c = word(args, W.C) + batch_offset(args, batch, W.BATCH_C)
        if mode == DOT_A:
            dot(args, s, copy, a, lda, m, b, b_step, c, ldc, 0)
        elif mode == DOT_B:
            dot(args, s, copy, b, ldb, n, a, a_step, c, ES, ES)
        elif mode == AXPY_A:
            axpy(args, s, a, lda, m, b, b_step, c, 0)
        else:
            axpy(args, s, b, ldb, n, a, a_step, c, ES)


def put(y: int, bias: int, flags: int, x: Elem) -> None:
    """y = x + bias (+ y) (relu)."""
    if flags & ACCUMULATE != 0:
        x += load(y)
    if flags & BIAS != 0:
        x += load(bias)
    if flags & RELU != 0 and x < 0.0:  # false for NaN, which stays
        x = zero()
    if flags & UP_TO_SIX != 0 and x > 6.0:
        x = six()
    store(y, x)


def dot(
    args: int,
    s: int,
    copy: int,
    mat: int,
    ldm: int,
    rows: int,
    x: int,
    x_step: int,
    y: int,
    y_step: int,
    bias_step: int,
) -> None:
    """y[i] = sum over k of mat[i, k] x[k], four rows at a time; the last one is repeated."""
    k, g, flags, bias = (
        word(args, W.K),
        word(args, W.SLOTS),
        word(args, W.FLAGS),
        word(args, W.BIAS),
    )
    i, r1 = rows * s // g, rows * (s + 1) // g
    if x_step != ES:
        for kk in range(k):
            store(copy + kk * ES, load(x + kk * x_step))
        x = copy
    k1 = k // VL * VL * ES
    k2 = k // (2 * VL) * (2 * VL) * ES
    mask = first_lanes(k - k // VL * VL)
    while i < r1:
        p0, p1 = mat + i * ldm, mat + min(i + 1, r1 - 1) * ldm
        p2, p3 = mat + min(i + 2, r1 - 1) * ldm, mat + min(i + 3, r1 - 1) * ldm
        a0, a1, a2, a3 = vzero(), vzero(), vzero(), vzero()
        b0, b1, b2, b3 = vzero(), vzero(), vzero(), vzero()
        for o in range(0, k2, 2 * VB):
            u, v = vload(x + o), vload(x + o + VB)
            a0, b0 = fma(vload(p0 + o), u, a0), fma(vload(p0 + o + VB), v, b0)
            a1, b1 = fma(vload(p1 + o), u, a1), fma(vload(p1 + o + VB), v, b1)
            a2, b2 = fma(vload(p2 + o), u, a2), fma(vload(p2 + o + VB), v, b2)
            a3, b3 = fma(vload(p3 + o), u, a3), fma(vload(p3 + o + VB), v, b3)
        if k2 < k1:
            u = vload(x + k2)
            a0, a1 = fma(vload(p0 + k2), u, a0), fma(vload(p1 + k2), u, a1)
            a2, a3 = fma(vload(p2 + k2), u, a2), fma(vload(p3 + k2), u, a3)
        if k1 < k * ES:
            u = vload_masked(x + k1, mask)
            b0, b1 = (
                fma(vload_masked(p0 + k1, mask), u, b0),
                fma(vload_masked(p1 + k1, mask), u, b1),
            )
            b2, b3 = (
                fma(vload_masked(p2 + k1, mask), u, b2),
                fma(vload_masked(p3 + k1, mask), u, b3),
            )
        put(y + i * y_step, bias + i * bias_step, flags, vsum(a0 + b0))
        if i + 1 < r1:
            put(y + (i + 1) * y_step, bias + (i + 1) * bias_step, flags, vsum(a1 + b1))
        if i + 2 < r1:
            put(y + (i + 2) * y_step, bias + (i + 2) * bias_step, flags, vsum(a2 + b2))
        if i + 3 < r1:
            put(y + (i + 3) * y_step, bias + (i + 3) * bias_step, flags, vsum(a3 + b3))
        i += 4


def axpy(
    args: int, s: int, mat: int, ldm: int, n: int, x: int, x_step: int, c: int, bias_step: int
) -> None:
    """y[j] = sum over k of x[k] mat[k, j], y contiguous, in blocks: y stays in L1."""
    k, g, flags, bias = (
        word(args, W.K),
        word(args, W.SLOTS),
        word(args, W.FLAGS),
        word(args, W.BIAS),
    )
    nt = (n + 2 * VL - 1) // (2 * VL)
    j0, last = nt * s // g * (2 * VL), min(n, nt * (s + 1) // g * (2 * VL))
    while j0 < last:
        j1 = min(j0 + 256 * VL, last)
        axpy_block(
            k,
            flags,
            mat + j0 * ES,
            ldm,
            j1 - j0,
            x,
            x_step,
            c + j0 * ES,
            bias + j0 * bias_step,
            bias_step,
        )
        j0 = j1


def axpy_block(
    k: int,
    flags: int,
    p: int,
    ldm: int,
    n: int,
    x: int,
    x_step: int,
    y: int,
    bias: int,
    bias_step: int,
) -> None:
    """One block of `axpy`: n elements of y."""
    w = n * ES
    wf = n // VL * VB
    mask = first_lanes(n - n // VL * VL)
    if flags & ACCUMULATE == 0:
        for j in range(0, wf, VB):
            store(y + j, vzero())
        if wf < w:
            vstore_masked(y + wf, vzero(), mask)
    if flags & BIAS != 0:
        for i in range(n):
            store(y + i * ES, load(y + i * ES) + load(bias + i * bias_step))
    kk = 0
    while kk < k:
        x0 = splat(load(x + kk * x_step))
        if kk + 8 <= k:
            x1, x2 = splat(load(x + (kk + 1) * x_step)), splat(load(x + (kk + 2) * x_step))
            x3, x4 = splat(load(x + (kk + 3) * x_step)), splat(load(x + (kk + 4) * x_step))
            x5, x6 = splat(load(x + (kk + 5) * x_step)), splat(load(x + (kk + 6) * x_step))
            x7 = splat(load(x + (kk + 7) * x_step))
            p1, p2, p3 = p + ldm, p + ldm * 2, p + ldm * 3
            p4, p5, p6, p7 = p + ldm * 4, p + ldm * 5, p + ldm * 6, p + ldm * 7
            for j in range(0, wf, VB):
                a0 = fma(vload(p + j), x0, vload(y + j))
                a1 = fma(vload(p1 + j), x1, vzero())
                a0, a1 = fma(vload(p2 + j), x2, a0), fma(vload(p3 + j), x3, a1)
                a0, a1 = fma(vload(p4 + j), x4, a0), fma(vload(p5 + j), x5, a1)
                a0, a1 = fma(vload(p6 + j), x6, a0), fma(vload(p7 + j), x7, a1)
                store(y + j, a0 + a1)
            if wf < w:
                a0 = fma(vload_masked(p + wf, mask), x0, vload_masked(y + wf, mask))
                a1 = fma(vload_masked(p1 + wf, mask), x1, vzero())
                a0 = fma(vload_masked(p2 + wf, mask), x2, a0)
                a1 = fma(vload_masked(p3 + wf, mask), x3, a1)
                a0 = fma(vload_masked(p4 + wf, mask), x4, a0)
                a1 = fma(vload_masked(p5 + wf, mask), x5, a1)
                a0 = fma(vload_masked(p6 + wf, mask), x6, a0)
                a1 = fma(vload_masked(p7 + wf, mask), x7, a1)
                vstore_masked(y + wf, a0 + a1, mask)
            kk += 8
            p += ldm * 8
        else:
            for j in range(0, wf, VB):
                store(y + j, fma(vload(p + j), x0, vload(y + j)))
            if wf < w:
                vstore_masked(
                    y + wf, fma(vload_masked(p + wf, mask), x0, vload_masked(y + wf, mask)), mask
                )
            kk += 1
            p += ldm
    if flags & RELU != 0:
        for j in range(0, wf, VB):
            store(y + j, larger(vzero(), vload(y + j)))
        if wf < w:
            vstore_masked(y + wf, larger(vzero(), vload_masked(y + wf, mask)), mask)
    if flags & UP_TO_SIX != 0:
        for j in range(0, wf, VB):
            store(y + j, smaller(splat(six()), vload(y + j)))
        if wf < w:
            vstore_masked(y + wf, smaller(splat(six()), vload_masked(y + wf, mask)), mask)
