"""Gated recurrent units over a whole sequence, forward and backward through time.

    z, r = sigmoid(x_ + h U_)
    n = tanh(x_n + r (h U_n + b))      AFTER: the reset gate behind the product, as cuDNN has it
    n = tanh(x_n + (r h) U_n)          else: before it, as published
    h' = z h + (1 - z) n

The gates' order in the code is z r n; PLACE0 .. PLACE2 say where each is in a row of X, U and DX.
In the second form z and r are the first two. Kept for the gradient: z, r, n, and h U_n + b or r h;
and h as the step began. recurrent_steps.py says how work is divided. Bound: multiply-adds, of them
3 units^2 per row and step.

Sources: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder" (v1: reset
after; v3: before).
"""

from __future__ import annotations

from numflow.kernels.abi import WORKSPACE
from numflow.kernels.cpu.recurrent_steps import (
    W,
    alive,
    begin_product,
    fetch,
    first_row,
    get,
    load_rows,
    padded,
    panel,
    panels,
    place,
    put,
    rest_back,
    second_run,
    step_of,
    store_rows,
)
from numflow.kernels.intrinsics import (
    ES,
    VL,
    copy_bytes,
    fma,
    prefetch,
    store,
    vload,
    vzero,
    word,
    zero_bytes,
)
from numflow.kernels.lang_vector import vgate, vtanh
from numflow.kernels.tiles import ACCUMULATE, Q

BEFORE, AFTER = 0, 1
"""KIND: where the reset gate acts."""


def gru_forward(args: int, begin: int, end: int) -> None:
    """Entry: blocks of rows begin .. end."""
    units, kind = word(args, W.UNITS), word(args, W.KIND)
    across = word(args, W.VECTORS) * VL
    for unit in range(begin, end):
        r0 = first_row(args, unit)
        rows = first_row(args, unit + 1) - r0
        row = padded(units)
        q = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        h = q + Q.BYTES
        other = h + rows * row
        z = other + rows * row
        rh = z + rows * row
        s = rh + rows * row
        load_rows(h, row, word(args, W.H0) + r0 * units * ES, rows, units)
        for number in range(word(args, W.STEPS)):
            t = step_of(args, number)
            if word(args, W.BEFORE) != 0:
                for r in range(rows):
                    at = word(args, W.BEFORE) + place(args, t, r0 + r) * units * ES
                    copy_bytes(at, h + r * row, units * ES)
            begin_product(q, units, 0, row, 3 * across * ES)
            following = step_of(args, min(number + 1, word(args, W.STEPS) - 1))
            to_next = (place(args, following, 0) - place(args, t, 0)) * 3 * units
            for left in range(0, units, across):
                count = min(across, units - left)
                ahead = (across if left + across < units else to_next - left) * ES
                vectors = (count + VL - 1) // VL
                u = word(args, W.U) + left * 3 * units * ES
                panel(args, q, h, rows, u, vectors, s, 2 + kind)
                if kind == AFTER:
                    after_cells(args, t, r0, rows, left, count, ahead, s, h, other, row)
                else:
                    reset(args, t, r0, rows, left, count, ahead, s, h, z, rh, row)
            if kind != AFTER:
                for left in range(0, units, across):
                    count = min(across, units - left)
                    vectors = (count + VL - 1) // VL
                    ahead = (across if left + across < units else to_next - left) * ES
                    u = word(args, W.U) + (left * 3 + 2 * across) * units * ES
                    panel(args, q, rh, rows, u, vectors, s, 1)
                    before_cells(args, t, r0, rows, left, count, ahead, s, h, other, z, row)
            h, other = other, h
        store_rows(word(args, W.HN) + r0 * units * ES, h, row, rows, units)


def gru_forward_both(args: int, begin: int, end: int) -> None:
    """Entry: blocks of the first run, then those of the second."""
    first = word(args, W.BLOCKS)
    if begin < first:
        gru_forward(args, begin, min(end, first))
    if end > first:
        gru_forward(second_run(args), max(begin, first) - first, end - first)


def after_cells(
    args: int, t: int, r0: int, rows: int, left: int, count: int, ahead: int, s: int, h: int,
    to: int, row: int,
) -> None:  # fmt: skip
    """The new state of `count` units from `left` on, of which s has the recurrent products.

    ahead: bytes from a row of X to what the next call reads, which is asked for.
    """
    units = word(args, W.UNITS)
    s_row, apart = 3 * word(args, W.VECTORS) * VL * ES, (count + VL - 1) // VL * VL * ES
    gate = units * ES
    x_z, x_r = word(args, W.PLACE0) * gate, word(args, W.PLACE1) * gate
    x_n = word(args, W.PLACE2) * gate
    bias, keep = word(args, W.EXTRA), word(args, W.GATES)
    for r in range(rows):
        at = place(args, t, r0 + r)
        live, y_at = alive(args, at), word(args, W.Y) + at * word(args, W.Y_ROW) * ES
        j = 0
        while j < count:
            n = count - j
            o = (left + j) * ES
            before = vload(h + r * row + o)
            y, k = vzero(), keep + at * 4 * gate + o
            if live:
                x, p = word(args, W.X) + at * 3 * gate + o, s + r * s_row + j * ES
                prefetch(x + x_z + ahead)
                prefetch(x + x_r + ahead)
                prefetch(x + x_n + ahead)
                zg = vgate(get(x + x_z, n) + vload(p))
                rg = vgate(get(x + x_r, n) + vload(p + apart))
                product = vload(p + apart * 2)
                if bias != 0:
                    product = product + get(bias + o, n)
                new = vtanh(fma(rg, product, get(x + x_n, n)))
                y = fma(zg, before - new, new)
                store(to + r * row + o, y)
                if keep != 0:
                    put(k, zg, n)
                    put(k + gate, rg, n)
                    put(k + gate * 2, new, n)
                    put(k + gate * 3, product, n)
            else:
                store(to + r * row + o, before)
                if word(args, W.CARRY) != 0:
                    y = before
                if keep != 0:
                    put(k, vzero(), n)
                    put(k + gate, vzero(), n)
                    put(k + gate * 2, vzero(), n)
                    put(k + gate * 3, vzero(), n)
            put(y_at + o, y, n)
            j += VL


def reset(
    args: int, t: int, r0: int, rows: int, left: int, count: int, ahead: int, s: int, h: int,
    z: int, rh: int, row: int,
) -> None:  # fmt: skip
    """z, and r h; ahead: as of after_cells."""
    units = word(args, W.UNITS)
    s_row, apart = 3 * word(args, W.VECTORS) * VL * ES, (count + VL - 1) // VL * VL * ES
    gate = units * ES
    x_z, x_r = word(args, W.PLACE0) * gate, word(args, W.PLACE1) * gate
    keep = word(args, W.GATES)
    for r in range(rows):
        at = place(args, t, r0 + r)
        live = alive(args, at)
        j = 0
        while j < count:
            n = count - j
            o = (left + j) * ES
            zg, rg = vzero(), vzero()
            if live:
                x, p = word(args, W.X) + at * 3 * gate + o, s + r * s_row + j * ES
                prefetch(x + x_z + ahead)
                prefetch(x + x_r + ahead)
                zg = vgate(get(x + x_z, n) + vload(p))
                rg = vgate(get(x + x_r, n) + vload(p + apart))
            product = rg * vload(h + r * row + o)
            store(z + r * row + o, zg)
            store(rh + r * row + o, product)
            if keep != 0:
                k = keep + at * 4 * gate + o
                put(k, zg, n)
                put(k + gate, rg, n)
                put(k + gate * 3, product, n)
            j += VL


def before_cells(
    args: int, t: int, r0: int, rows: int, left: int, count: int, ahead: int, s: int, h: int,
    to: int, z: int, row: int,
) -> None:  # fmt: skip
    """The new state, of which s has the product of r h; ahead: as of after_cells."""
    units = word(args, W.UNITS)
    across = word(args, W.VECTORS) * VL * ES
    gate = units * ES
    x_n, keep = word(args, W.PLACE2) * gate, word(args, W.GATES)
    for r in range(rows):
        at = place(args, t, r0 + r)
        live, y_at = alive(args, at), word(args, W.Y) + at * word(args, W.Y_ROW) * ES
        j = 0
        while j < count:
            n = count - j
            o = (left + j) * ES
            before = vload(h + r * row + o)
            y, new = vzero(), vzero()
            if live:
                x, p = word(args, W.X) + at * 3 * gate + o, s + r * 3 * across + j * ES
                prefetch(x + x_n + ahead)
                new = vtanh(get(x + x_n, n) + vload(p))
                y = fma(vload(z + r * row + o), before - new, new)
                store(to + r * row + o, y)
            else:
                store(to + r * row + o, before)
                if word(args, W.CARRY) != 0:
                    y = before
            put(y_at + o, y, n)
            if keep != 0:
                put(keep + at * 4 * gate + gate * 2 + o, new, n)
            j += VL


# --- backward ----------------------------------------------------------------------------------


def gru_backward(args: int, begin: int, end: int) -> None:
    """Entry: blocks of rows begin .. end."""
    units, kind = word(args, W.UNITS), word(args, W.KIND)
    across, most = word(args, W.VECTORS) * VL, word(args, W.MOST)
    for unit in range(begin, end):
        r0 = first_row(args, unit)
        rows = first_row(args, unit + 1) - r0
        calls = (units + across - 1) // across * ((rows + most - 1) // most)
        row, g_row = padded(units), padded(3 * units)
        q = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        dh = q + Q.BYTES
        drh = dh + rows * row
        dg = drh + rows * row
        u = word(args, W.U)
        load_rows(dh, row, word(args, W.DHN) + r0 * units * ES, rows, units)
        for number in range(word(args, W.STEPS) - 1, -1, -1):
            t = step_of(args, number)
            for r in range(rows):
                at = place(args, t, r0 + r)
                slopes(args, at, dh + r * row, dg + r * g_row)
            if kind == AFTER:
                begin_product(q, 3 * units, ACCUMULATE, g_row, row)
                fetch(args, q, word(args, W.GATES), number - 1, r0, rows, 4 * units, calls)
                panels(args, q, dg, rows, u, 3 * units, units, across, dh)
            else:
                begin_product(q, units, 0, g_row, row)
                candidate_panels(args, q, dg + 2 * units * ES, rows, drh)
                for r in range(rows):
                    at = place(args, t, r0 + r)
                    reset_slopes(args, at, dh + r * row, drh + r * row, dg + r * g_row)
                begin_product(q, 2 * units, ACCUMULATE, g_row, row)
                fetch(args, q, word(args, W.GATES), number - 1, r0, rows, 4 * units, calls)
                panels(args, q, dg, rows, u, 3 * units, units, across, dh)
        store_rows(word(args, W.DH0) + r0 * units * ES, dh, row, rows, units)


def gru_backward_both(args: int, begin: int, end: int) -> None:
    """Entry: blocks of the first run, then those of the second."""
    first = word(args, W.BLOCKS)
    if begin < first:
        gru_backward(args, begin, min(end, first))
    if end > first:
        gru_backward(second_run(args), max(begin, first) - first, end - first)


def candidate_panels(args: int, q: int, a: int, rows: int, c: int) -> None:
    """C = A times the candidate's rows, the last third, of the transposed weights."""
    units = word(args, W.UNITS)
    across = word(args, W.VECTORS) * VL
    for left in range(0, units, across):
        vectors = (min(across, units - left) + VL - 1) // VL
        b = word(args, W.U) + (left * 3 + 2 * vectors * VL) * units * ES
        panel(args, q, a, rows, b, vectors, c + left * ES, 1)


def slopes(args: int, at: int, dh: int, dg: int) -> None:
    """The gates' gradients of one row and step, and the direct part of that by h."""
    units, kind = word(args, W.UNITS), word(args, W.KIND)
    gate = units * ES
    p_z, p_r = word(args, W.PLACE0) * gate, word(args, W.PLACE1) * gate
    p_n = word(args, W.PLACE2) * gate
    dx, dr = word(args, W.DX) + at * 3 * gate, word(args, W.DR) + at * 3 * gate
    dy = word(args, W.DY) + at * word(args, W.DY_ROW) * ES
    if not alive(args, at):
        zero_bytes(dx, 3 * gate)
        zero_bytes(dg, 3 * gate)
        if kind == AFTER:
            zero_bytes(dr, 3 * gate)
        rest_back(args, dy, dh, units)
        return
    for j in range(0, units, VL):
        n = units - j
        o = j * ES
        k = word(args, W.GATES) + at * 4 * gate + o
        z, r, new = get(k, n), get(k + gate, n), get(k + gate * 2, n)
        before = get(word(args, W.BEFORE) + at * gate + o, n)
        d = get(dy + o, n) + vload(dh + o)
        store(dh + o, d * z)
        d_n = d * (1.0 - z) * (1.0 - new * new)
        d_z = d * (before - new) * z * (1.0 - z)
        put(dx + p_z + o, d_z, n)
        put(dx + p_n + o, d_n, n)
        put(dg + p_z + o, d_z, n)
        if kind == AFTER:
            d_r = d_n * get(k + gate * 3, n) * r * (1.0 - r)
            d_n = d_n * r
            put(dx + p_r + o, d_r, n)
            put(dg + p_r + o, d_r, n)
            put(dr + p_z + o, d_z, n)
            put(dr + p_r + o, d_r, n)
            put(dr + p_n + o, d_n, n)
        put(dg + p_n + o, d_n, n)


def reset_slopes(args: int, at: int, dh: int, drh: int, dg: int) -> None:
    """The gradient by r, and what comes to h through r h."""
    if not alive(args, at):
        return
    units = word(args, W.UNITS)
    gate = units * ES
    p_r = word(args, W.PLACE1) * gate
    for j in range(0, units, VL):
        n = units - j
        o = j * ES
        r = get(word(args, W.GATES) + at * 4 * gate + gate + o, n)
        d = vload(drh + o)
        d_r = d * get(word(args, W.BEFORE) + at * gate + o, n) * r * (1.0 - r)
        store(dh + o, fma(d, r, vload(dh + o)))
        put(word(args, W.DX) + at * 3 * gate + p_r + o, d_r, n)
        put(dg + p_r + o, d_r, n)
