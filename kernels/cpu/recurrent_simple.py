"""A simple recurrent layer over a whole sequence: h' = f(x + h U), f tanh or relu.

Kept for the gradient: h', which the output is, and h as the step began. recurrent_steps.py says how
work is divided. Bound: multiply-adds, units^2 per row and step.

Source: Elman 1990, "Finding Structure in Time".
"""

from __future__ import annotations

from numflow.kernels.abi import WORKSPACE
from numflow.kernels.cpu.recurrent_steps import (
    W,
    alive,
    begin_product,
    first_row,
    get,
    load_rows,
    padded,
    panels,
    place,
    positive,
    put,
    rest,
    rest_back,
    second_run,
    step_of,
    store_rows,
)
from numflow.kernels.intrinsics import (
    ES,
    VL,
    copy_bytes,
    larger,
    store,
    vload,
    vzero,
    word,
    zero_bytes,
)
from numflow.kernels.lang_vector import vtanh
from numflow.kernels.tiles import ACCUMULATE, Q

TANH, RELU = 0, 1
"""KIND: what f is."""


def simple_forward(args: int, begin: int, end: int) -> None:
    """Entry: blocks of rows begin .. end."""
    units = word(args, W.UNITS)
    across = word(args, W.VECTORS) * VL
    for unit in range(begin, end):
        r0 = first_row(args, unit)
        rows = first_row(args, unit + 1) - r0
        row = padded(units)
        q = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        h = q + Q.BYTES
        other = h + rows * row
        load_rows(h, row, word(args, W.H0) + r0 * units * ES, rows, units)
        for number in range(word(args, W.STEPS)):
            t = step_of(args, number)
            begin_product(q, units, 0, row, row)
            panels(args, q, h, rows, word(args, W.U), units, units, across, other)
            for r in range(rows):
                at = place(args, t, r0 + r)
                if word(args, W.BEFORE) != 0:
                    copy_bytes(word(args, W.BEFORE) + at * units * ES, h + r * row, units * ES)
                state(args, at, h + r * row, other + r * row)
            h, other = other, h
        store_rows(word(args, W.HN) + r0 * units * ES, h, row, rows, units)


def simple_forward_both(args: int, begin: int, end: int) -> None:
    """Entry: blocks of the first run, then those of the second."""
    first = word(args, W.BLOCKS)
    if begin < first:
        simple_forward(args, begin, min(end, first))
    if end > first:
        simple_forward(second_run(args), max(begin, first) - first, end - first)


def state(args: int, at: int, h: int, to: int) -> None:
    """The new state of one row; `to` has the recurrent product."""
    units, kind = word(args, W.UNITS), word(args, W.KIND)
    x, y = word(args, W.X) + at * units * ES, word(args, W.Y) + at * word(args, W.Y_ROW) * ES
    if not alive(args, at):
        rest(args, y, h, units)
        copy_bytes(to, h, units * ES)
        return
    for j in range(0, units, VL):
        o, n = j * ES, units - j
        new = get(x + o, n) + vload(to + o)
        if kind == RELU:
            new = larger(vzero(), new)
        else:
            new = vtanh(new)
        store(to + o, new)
        put(y + o, new, n)


def simple_backward(args: int, begin: int, end: int) -> None:
    """Entry: blocks of rows begin .. end."""
    units = word(args, W.UNITS)
    across = word(args, W.VECTORS) * VL
    for unit in range(begin, end):
        r0 = first_row(args, unit)
        rows = first_row(args, unit + 1) - r0
        row = padded(units)
        q = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        dh = q + Q.BYTES
        dg = dh + rows * row
        load_rows(dh, row, word(args, W.DHN) + r0 * units * ES, rows, units)
        for number in range(word(args, W.STEPS) - 1, -1, -1):
            t = step_of(args, number)
            for r in range(rows):
                slopes(args, place(args, t, r0 + r), dh + r * row, dg + r * row)
            begin_product(q, units, ACCUMULATE, row, row)
            panels(args, q, dg, rows, word(args, W.U), units, units, across, dh)
        store_rows(word(args, W.DH0) + r0 * units * ES, dh, row, rows, units)


def simple_backward_both(args: int, begin: int, end: int) -> None:
    """Entry: blocks of the first run, then those of the second."""
    first = word(args, W.BLOCKS)
    if begin < first:
        simple_backward(args, begin, min(end, first))
    if end > first:
        simple_backward(second_run(args), max(begin, first) - first, end - first)


def slopes(args: int, at: int, dh: int, dg: int) -> None:
    """The gradient before the nonlinearity of one row and step."""
    units, kind = word(args, W.UNITS), word(args, W.KIND)
    dx, dy = word(args, W.DX) + at * units * ES, word(args, W.DY) + at * word(args, W.DY_ROW) * ES
    ys = word(args, W.Y) + at * word(args, W.Y_ROW) * ES
    if not alive(args, at):
        zero_bytes(dx, units * ES)
        zero_bytes(dg, units * ES)
        rest_back(args, dy, dh, units)
        return
    for j in range(0, units, VL):
        o, n = j * ES, units - j
        y = get(ys + o, n)
        d = get(dy + o, n) + vload(dh + o)
        if kind == RELU:
            d = positive(y, d)
        else:
            d = d * (1.0 - y * y)
        store(dh + o, vzero())
        put(dx + o, d, n)
        put(dg + o, d, n)
