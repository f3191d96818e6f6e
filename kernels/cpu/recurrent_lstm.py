"""Long short-term memory over a whole sequence, forward and backward through time.

    i, f, o = sigmoid(x_ + h U_ (+ p_ c)),  g = tanh(x_g + h U_g)
    c' = f c + i g,   m = o tanh(c'),   h' = m, or m V where there is a projection

The gates' order in the code is i f g o; PLACE0 .. PLACE3 say where each is in a row of X, U and DX.
Kept for the gradient: the gates after their nonlinearities, c', and h as the step began. The
gradient by X is that of the gates before theirs; all by weights are products of it, made elsewhere.
Gates may lie where X does, and DX where the gates do: of a vector of units all is read before any
is written. recurrent_steps.py says how work is divided. Bound: multiply-adds, 4 units * state per
row and step (and the weights' way from L2, where a block has few rows).

Sources: Hochreiter & Schmidhuber 1997; Gers et al. 2002 (peepholes); Sak et al. 2014 (projection).
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
    inside,
    load_rows,
    padded,
    panel,
    panels,
    place,
    put,
    rest,
    rest_back,
    second_run,
    step_of,
    store_rows,
)
from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    Vec,
    copy_bytes,
    fma,
    larger,
    load,
    prefetch,
    prefetch_to_write,
    smaller,
    splat,
    store,
    vload,
    vzero,
    word,
    zero_bytes,
)
from numflow.kernels.lang import inline
from numflow.kernels.lang_vector import vgate, vtanh
from numflow.kernels.tiles import ACCUMULATE, Q

WORD = 8


def lstm_forward(args: int, begin: int, end: int) -> None:
    """Entry: blocks of rows begin .. end."""
    units, state = word(args, W.UNITS), word(args, W.STATE)
    projected = word(args, W.PROJECTED)
    across, state_across = word(args, W.VECTORS) * VL, word(args, W.STATE_VECTORS) * VL
    for unit in range(begin, end):
        r0 = first_row(args, unit)
        rows = first_row(args, unit + 1) - r0
        h_row, c_row = padded(state), padded(units)
        q = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        h = q + Q.BYTES
        other = h + rows * h_row
        c = other + rows * h_row
        s = c + rows * c_row
        m = s + rows * 4 * across * ES
        load_rows(h, h_row, word(args, W.H0) + r0 * state * ES, rows, state)
        load_rows(c, c_row, word(args, W.C0) + r0 * units * ES, rows, units)
        for number in range(word(args, W.STEPS)):
            t = step_of(args, number)
            if word(args, W.BEFORE) != 0:
                for r in range(rows):
                    at = word(args, W.BEFORE) + place(args, t, r0 + r) * state * ES
                    copy_bytes(at, h + r * h_row, state * ES)
            begin_product(q, state, 0, h_row, 4 * across * ES)
            following = step_of(args, min(number + 1, word(args, W.STEPS) - 1))
            to_next = place(args, following, 0) - place(args, t, 0)
            for left in range(0, units, across):
                count = min(across, units - left)
                hop, shift = 0, across * ES
                if left + across >= units:
                    hop, shift = to_next, -left * ES
                vectors = (count + VL - 1) // VL
                u = word(args, W.U) + left * 4 * state * ES
                panel(args, q, h, rows, u, vectors, s, 4)
                if projected != 0:
                    cells(args, t, r0, rows, left, count, hop, shift, s, c, c_row, m, c_row, m)
                else:
                    cells(args, t, r0, rows, left, count, hop, shift, s, c, c_row, h, h_row, other)
            if projected != 0:
                begin_product(q, units, 0, c_row, h_row)
                panels(args, q, m, rows, word(args, W.V), units, state, state_across, other)
                project(args, t, r0, rows, state, h, other, h_row)
            h, other = other, h
        store_rows(word(args, W.HN) + r0 * state * ES, h, h_row, rows, state)
        store_rows(word(args, W.CN) + r0 * units * ES, c, c_row, rows, units)


def lstm_forward_both(args: int, begin: int, end: int) -> None:
    """Entry: blocks of the first run, then those of the second."""
    first = word(args, W.BLOCKS)
    if begin < first:
        lstm_forward(args, begin, min(end, first))
    if end > first:
        lstm_forward(second_run(args), max(begin, first) - first, end - first)


def cells(
    args: int, t: int, r0: int, rows: int, left: int, count: int, hop: int, shift: int, s: int,
    c: int, c_row: int, h: int, h_row: int, to: int,
) -> None:  # fmt: skip
    """Gates, cells and outputs of `count` units from `left` on; s has their recurrent product.

    hop, shift: rows, and bytes along a row, from here to what the next call reads of X and writes
    of Y, which is asked for here: a step ahead would be too early, the weights would push it out
    again. LSTM of 256 units, 16 rows: what is written is 2 % of the time.
    """
    units = word(args, W.UNITS)
    s_row, apart = 4 * word(args, W.VECTORS) * VL * ES, (count + VL - 1) // VL * VL * ES
    gate = units * ES
    wide = 4 * gate
    keep, projected = word(args, W.GATES), word(args, W.PROJECTED)
    xs, ys, kept = word(args, W.X), word(args, W.Y), word(args, W.CELLS)
    y_row = word(args, W.Y_ROW) * ES
    x_i, x_f = word(args, W.PLACE0) * gate, word(args, W.PLACE1) * gate
    x_g, x_o = word(args, W.PLACE2) * gate, word(args, W.PLACE3) * gate
    peep = word(args, W.EXTRA)
    clip = splat(load(args + W.CELL_CLIP * WORD))
    low = -clip
    ahead, y_ahead = hop * wide + shift, hop * y_row + shift
    whole = count // VL * VB
    for r in range(rows):
        at = place(args, t, r0 + r)
        if alive(args, at):
            o = left * ES
            x, k, c_at = xs + at * wide + o, keep + at * wide + o, kept + at * gate + o
            p, cell, y_next = s + r * s_row, c + r * c_row + o, ys + at * y_row + o + y_ahead
            for j in range(0, whole, VB):
                prefetch(x + x_i + j + ahead)
                prefetch(x + x_f + j + ahead)
                prefetch(x + x_g + j + ahead)
                prefetch(x + x_o + j + ahead)
                prefetch_to_write(y_next + j)
                opened(
                    vload(x + x_i + j), vload(x + x_f + j), vload(x + x_g + j), vload(x + x_o + j),
                    p + j, apart, cell + j, peep, o + j, gate, clip, low, keep, k + j, c_at + j, VL,
                )  # fmt: skip
            if whole < count * ES:
                j, n = whole, count - whole // ES
                opened(
                    get(x + x_i + j, n), get(x + x_f + j, n), get(x + x_g + j, n),
                    get(x + x_o + j, n), p + j, apart, cell + j, peep, o + j, gate, clip, low, keep,
                    k + j, c_at + j, n,
                )  # fmt: skip
        elif keep != 0:
            for j in range(0, count, VL):
                n = count - j
                o = (left + j) * ES
                k = keep + at * wide + o
                put(k, vzero(), n)
                put(k + gate, vzero(), n)
                put(k + gate * 2, vzero(), n)
                put(k + gate * 3, vzero(), n)
                put(kept + at * gate + o, vload(c + r * c_row + o), n)
    for r in range(rows):  # what waits for cells is apart: many chains of operations run at a time
        at = place(args, t, r0 + r)
        live = alive(args, at)
        for j in range(0, count, VL):
            n = count - j
            o = (left + j) * ES
            new, y_at = to + r * h_row + o, ys + at * y_row + o
            if live:
                y = vload(s + r * s_row + apart * 3 + j * ES) * vtanh(vload(c + r * c_row + o))
                store(new, y)
                if projected == 0:
                    put(y_at, y, n)
            elif projected == 0:
                store(new, vload(h + r * h_row + o))
                rest(args, y_at, new, min(n, VL))
            else:
                store(new, vzero())


@inline
def opened(
    xi: Vec, xf: Vec, xg: Vec, xo: Vec, p: int, apart: int, cell: int, peep: int, o: int, gate: int,
    clip: Vec, low: Vec, keep: int, k: int, c_at: int, n: int,
) -> None:  # fmt: skip
    """Gates and cells of n <= VL units."""
    before = vload(cell)
    zi, zf = xi + vload(p), xf + vload(p + apart)
    zg, zo = xg + vload(p + apart * 2), xo + vload(p + apart * 3)
    if peep != 0:
        zi = fma(get(peep + o, n), before, zi)
        zf = fma(get(peep + gate + o, n), before, zf)
    i, f, g = vgate(zi), vgate(zf), vtanh(zg)
    after = smaller(clip, larger(low, fma(f, before, i * g)))
    if peep != 0:
        zo = fma(get(peep + gate * 2 + o, n), after, zo)
    out = vgate(zo)
    store(cell, after)
    store(p + apart * 3, out)
    if keep != 0:  # X may lie there: its four vectors were read before
        put(k, i, n)
        put(k + gate, f, n)
        put(k + gate * 2, g, n)
        put(k + gate * 3, out, n)
        put(c_at, after, n)


def project(args: int, t: int, r0: int, rows: int, state: int, h: int, to: int, h_row: int) -> None:
    """What follows the projection: clipping, masked rows, the output."""
    clip = splat(load(args + W.STATE_CLIP * WORD))
    for r in range(rows):
        at = place(args, t, r0 + r)
        live = alive(args, at)
        for j in range(0, state, VL):
            o = r * h_row + j * ES
            y = smaller(clip, larger(-clip, vload(to + o)))
            if live:
                store(to + o, y)
                put(word(args, W.Y) + (at * word(args, W.Y_ROW) + j) * ES, y, state - j)
            else:
                store(to + o, vload(h + o))
        if not live:
            y_at = word(args, W.Y) + at * word(args, W.Y_ROW) * ES
            rest(args, y_at, h + r * h_row, state)


# --- backward ----------------------------------------------------------------------------------


def lstm_backward(args: int, begin: int, end: int) -> None:
    """Entry: blocks of rows begin .. end."""
    units, state = word(args, W.UNITS), word(args, W.STATE)
    projected = word(args, W.PROJECTED)
    across, state_across = word(args, W.VECTORS) * VL, word(args, W.STATE_VECTORS) * VL
    steps, most = word(args, W.STEPS), word(args, W.MOST)
    for unit in range(begin, end):
        r0 = first_row(args, unit)
        rows = first_row(args, unit + 1) - r0
        calls = (state + state_across - 1) // state_across * ((rows + most - 1) // most)
        h_row, c_row, g_row = padded(state), padded(units), padded(4 * units)
        q = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        dh = q + Q.BYTES
        dc = dh + rows * h_row
        dg = dc + rows * c_row
        dp = dg + rows * g_row
        dm = dp + rows * h_row
        load_rows(dh, h_row, word(args, W.DHN) + r0 * state * ES, rows, state)
        load_rows(dc, c_row, word(args, W.DCN) + r0 * units * ES, rows, units)
        for number in range(steps - 1, -1, -1):
            t = step_of(args, number)
            if projected != 0:
                unproject(args, t, r0, rows, state, dh, dp, h_row)
                begin_product(q, state, 0, h_row, c_row)
                panels(args, q, dp, rows, word(args, W.V), state, units, across, dm)
            from_cells = number != 0
            before = step_of(args, number - 1) if from_cells else 0
            for r in range(rows):
                at = place(args, t, r0 + r)
                previous = word(args, W.C0) + (r0 + r) * units * ES
                next_at, step = place(args, t, r0 + min(r + 1, rows - 1)) - at, units
                if from_cells:
                    previous = word(args, W.CELLS) + place(args, before, r0 + r) * units * ES
                    step = next_at * units
                slopes(
                    args, at, previous, dh + r * h_row, dc + r * c_row, dg + r * g_row,
                    dm + r * c_row, next_at * word(args, W.DY_ROW) * ES, step * ES,
                )  # fmt: skip
            begin_product(q, 4 * units, ACCUMULATE, g_row, h_row)
            fetch(args, q, word(args, W.GATES), number - 1, r0, rows, 4 * units, calls)
            panels(args, q, dg, rows, word(args, W.U), 4 * units, state, state_across, dh)
        store_rows(word(args, W.DH0) + r0 * state * ES, dh, h_row, rows, state)
        store_rows(word(args, W.DC0) + r0 * units * ES, dc, c_row, rows, units)


def lstm_backward_both(args: int, begin: int, end: int) -> None:
    """Entry: blocks of the first run, then those of the second."""
    first = word(args, W.BLOCKS)
    if begin < first:
        lstm_backward(args, begin, min(end, first))
    if end > first:
        lstm_backward(second_run(args), max(begin, first) - first, end - first)


def slopes(
    args: int, at: int, previous: int, dh: int, dc: int, dg: int, dm: int, ahead: int, step: int
) -> None:
    """The gates' gradients of one row and step.

    dh: the gradient by h' through later steps; left as what adds to that by h without the product.
    ahead, step: bytes to the next row of DY, and of `previous`, which are asked for.
    """
    units, projected = word(args, W.UNITS), word(args, W.PROJECTED)
    gate = units * ES
    wide = 4 * gate
    p_i, p_f = word(args, W.PLACE0) * gate, word(args, W.PLACE1) * gate
    p_g, p_o = word(args, W.PLACE2) * gate, word(args, W.PLACE3) * gate
    dx, dy = word(args, W.DX) + at * wide, word(args, W.DY) + at * word(args, W.DY_ROW) * ES
    if not alive(args, at):
        zero_bytes(dx, wide)
        zero_bytes(dg, wide)
        if projected == 0:
            rest_back(args, dy, dh, units)
        return
    peep = word(args, W.EXTRA)
    clip = splat(load(args + W.CELL_CLIP * WORD))
    for j in range(0, units, VL):
        n = units - j
        o = j * ES
        k = word(args, W.GATES) + at * wide + o
        prefetch(dy + o + ahead)
        prefetch(previous + o + step)
        i, f, g = get(k, n), get(k + gate, n), get(k + gate * 2, n)
        out = get(k + gate * 3, n)
        cell = get(word(args, W.CELLS) + at * gate + o, n)
        before = get(previous + o, n)
        if projected != 0:
            d = vload(dm + o)
        else:
            d = get(dy + o, n) + vload(dh + o)
            store(dh + o, vzero())
        th = vtanh(cell)
        d_o = d * th * out * (1.0 - out)
        d = fma(d * out, 1.0 - th * th, vload(dc + o))
        if peep != 0:
            d = fma(d_o, get(peep + gate * 2 + o, n), d)
        d = inside(cell, clip, d)
        d_i, d_f = d * g * i * (1.0 - i), d * before * f * (1.0 - f)
        d_g = d * i * (1.0 - g * g)
        d = d * f
        if peep != 0:
            d = fma(d_i, get(peep + o, n), d)
            d = fma(d_f, get(peep + gate + o, n), d)
        store(dc + o, d)
        put(dx + p_i + o, d_i, n)
        put(dx + p_f + o, d_f, n)
        put(dx + p_g + o, d_g, n)
        put(dx + p_o + o, d_o, n)
        put(dg + p_i + o, d_i, n)
        put(dg + p_f + o, d_f, n)
        put(dg + p_g + o, d_g, n)
        put(dg + p_o + o, d_o, n)


def unproject(
    args: int, t: int, r0: int, rows: int, state: int, dh: int, dp: int, h_row: int
) -> None:
    """The gradient by the projection's result; 0 where it was clipped, or the row did not live."""
    clip = splat(load(args + W.STATE_CLIP * WORD))
    for r in range(rows):
        at = place(args, t, r0 + r)
        live = alive(args, at)
        y = word(args, W.Y) + at * word(args, W.Y_ROW) * ES
        dy = word(args, W.DY) + at * word(args, W.DY_ROW) * ES
        for j in range(0, state, VL):
            o, n = r * h_row + j * ES, state - j
            d = vzero()
            if live:
                d = get(dy + j * ES, n) + vload(dh + o)
                d = inside(get(y + j * ES, n), clip, d)
                store(dh + o, vzero())
            store(dp + o, d)
            put(word(args, W.DP) + (at * state + j) * ES, d, n)
        if not live:
            rest_back(args, dy, dh + r * h_row, state)
