"""Blocks of a matrix, copied in the order in which a register tile reads them: panels of B, columns
of A, transposes of either.

Written in the subset of lang.py; nothing of a shape is in the code. Strides are in bytes. Bound:
loads and stores; 2048x128x1024: 2 % of the product, B transposed.
"""

from __future__ import annotations

from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    first_lanes,
    load,
    store,
    vload,
    vload_masked,
)
from numflow.kernels.ir import Builder, Module
from numflow.kernels.lang import raw


def copy(dst: int, src: int, n: int) -> None:
    """Copy n elements; the last vector overlaps the one before it."""
    if n >= VL:
        i = 0
        while i < n - VL:
            store(dst + i * ES, vload(src + i * ES))
            i += VL
        store(dst + (n - VL) * ES, vload(src + (n - VL) * ES))
    else:
        for i in range(n):
            store(dst + i * ES, load(src + i * ES))


def pack_rows(src: int, lds: int, dst: int, kc: int, nc: int, nr: int) -> None:
    """B[k, n] -> panels of nr columns, the last one as few vectors wide as it needs."""
    full = nc // nr
    rem = nc - full * nr
    nb = nr * ES
    k = 0
    while k < kc:  # four rows at a time
        s, d = src + k * lds, dst + k * nb
        if k + 4 <= kc and nb == 2 * VB:
            for _ in range(full):
                x0, x1 = vload(s), vload(s + VB)
                x2, x3 = vload(s + lds), vload(s + lds + VB)
                x4, x5 = vload(s + lds * 2), vload(s + lds * 2 + VB)
                x6, x7 = vload(s + lds * 3), vload(s + lds * 3 + VB)
                store(d, x0)
                store(d + VB, x1)
                store(d + VB * 2, x2)
                store(d + VB * 3, x3)
                store(d + VB * 4, x4)
                store(d + VB * 5, x5)
                store(d + VB * 6, x6)
                store(d + VB * 7, x7)
                s += nb
                d += kc * nb
            k += 4
        else:
            for _ in range(full):
                for v in range(0, nb, VB):
                    store(d + v, vload(s + v))
                s += nb
                d += kc * nb
            k += 1
    if rem > 0:
        w = (rem + VL - 1) // VL * VB
        mask = first_lanes(rem - (w // VB - 1) * VL)
        for k in range(kc):
            s, d = src + k * lds + full * nb, dst + full * kc * nb + k * w
            for v in range(0, w - VB, VB):
                store(d + v, vload(s + v))
            store(d + (w - VB), vload_masked(s + (w - VB), mask))


def transpose_ir(module: Module, name: str) -> str:
    """Vectors along the rows of the source, transposed by interleaving halves log2(VL) times."""
    v, b = module.vectors, Builder(module)
    n, vector = v.lanes, v.vector
    b.label("entry")
    last = b("sub i64 %rows, 1")
    source, target = b.pointer("%src"), b.pointer("%dst")
    starts = []
    for j in range(n):  # rows past the end repeat the last one
        short = b(f"icmp slt i64 {last}, {j}")
        row = b(f"select i1 {short}, i64 {last}, i64 {j}")
        starts.append(b.offset(source, b(f"mul i64 {row}, %lds")))
    end = b(f"sub i64 %n, {n}")
    b.do("br label %loop")
    b.label("loop")
    b.do("%k = phi i64 [0, %entry], [%k.next, %loop]")
    at = b(f"mul i64 %k, {v.itemsize}")
    rows = [b.load(b.offset(p, at)) for p in starts]
    low = ", ".join(f"i32 {x}" for i in range(n // 2) for x in (i, n + i))
    high = ", ".join(f"i32 {x}" for i in range(n // 2, n) for x in (i, n + i))
    for _ in range(n.bit_length() - 1):
        pairs = [(rows[i], rows[i + n // 2]) for i in range(n // 2)]
        rows = [
            b(f"shufflevector {vector} {x}, {vector} {y}, <{n} x i32> <{half}>")
            for x, y in pairs
            for half in (low, high)
        ]
    d = b.offset(target, b("mul i64 %k, %ldd"))
    for x in rows:
        b.store(x, d)
        d = b.offset(d, "%ldd")
    following = b(f"add i64 %k, {n}")
    inside = b(f"icmp slt i64 {following}, {end}")
    b.do(f"%k.next = select i1 {inside}, i64 {following}, i64 {end}")  # the last block overlaps
    b.do(f"%more = icmp slt i64 %k, {end}")
    b.do("br i1 %more, label %loop, label %exit")
    b.label("exit")
    b.do("ret void")
    head = "i64 %src, i64 %lds, i64 %rows, i64 %dst, i64 %ldd, i64 %n"
    return "\n".join([f'define internal void @"{name}"({head}) #0 {{', *b.lines, "}"])


@raw(transpose_ir)
def transpose(src: int, lds: int, rows: int, dst: int, ldd: int, n: int) -> None:
    """dst[k, j] = src[min(j, rows - 1), k] for j < VL, k < n; n >= VL."""


def pack_transposed(src: int, lds: int, dst: int, kc: int, nc: int, nr: int) -> None:
    """The panels of pack_rows from B stored as [n, k]."""
    for j in range(0, nc, VL):
        p = j // nr
        w = min(nr, (nc - p * nr + VL - 1) // VL * VL) * ES
        d = dst + p * nr * kc * ES + (j - p * nr) * ES
        s = src + j * lds
        if kc >= VL:
            transpose(s, lds, min(VL, nc - j), d, w, kc)
        else:
            for k in range(kc):
                for i in range(min(VL, nc - j)):
                    store(d + k * w + i * ES, load(s + i * lds + k * ES))


def pack_columns(src: int, lds: int, dst: int, kc: int, rows: int) -> int:
    """`rows` columns of A stored as [k, m], side by side; the bytes of a row of the copy."""
    w = (rows + VL - 1) // VL * VB
    mask = first_lanes(rows - (w // VB - 1) * VL)
    for _ in range(kc):
        for v in range(0, w - VB, VB):
            store(dst + v, vload(src + v))
        store(dst + (w - VB), vload_masked(src + (w - VB), mask))
        src += lds
        dst += w
    return w
