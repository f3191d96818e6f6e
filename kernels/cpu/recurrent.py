"""Plans of the recurrent kernels: LSTM, GRU and simple layers over whole sequences.

    p = plan_gates(state, units, 4, "float32", order=(0, 1, 2, 3))          U -> panels
    p = plan_lstm(s, "float32", order=(0, 1, 2, 3), keep=True, threads=2)   forward
    q = plan_back(state, units, 4, "float32")                               U -> panels of U^T
    q = plan_lstm_backward(s, "float32", order=(0, 1, 2, 3), threads=2)

    both(p, p, inputs)                                                      of two such runs

The number of row blocks follows from the batch and from `threads`; bits do not depend on it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from numflow.kernels import lang, lang_vector, tiles
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.recurrent_steps import W, pack_back, pack_gates
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.tiles import Q, Tile

PANEL_BYTES = 128
"""Of a row of the widest panel, of any machine: packed weights are padded to whole ones."""
MOST_ROWS = 48
"""Of a block: their state stays in L1, and weights are read once for as many rows."""
SHARE = 1_000_000
"""Multiply-adds of a block below which a further thread does not pay."""


class Sequences(NamedTuple):
    """The sizes of a layer's run. state: of h; less than `units` where there is a projection."""

    steps: int
    batch: int
    units: int
    state: int
    time_major: bool
    reverse: bool = False
    masked: bool = False
    extra: bool = False  # peepholes, or a bias of the candidate
    projected: bool = False
    cell_clip: float = 0.0
    state_clip: float = 0.0
    carry: bool = False  # the output of a masked step is the state, not 0
    y_row: int | None = None  # elements from row to row of y; None: it is dense
    dy_row: int | None = None
    runs: int = 1  # how many like this one are one call: 1, or 2


def _vectors(count: int, v: Vectors) -> int:
    """Of a panel."""
    return 2 if count > v.lanes else 1


def _width(count: int, v: Vectors) -> int:
    """Elements of a row of a panel."""
    return _vectors(count, v) * v.lanes


def _address(f: lang.Function, v: Vectors) -> int:
    found = lang.addresses(f, dtype=v.dtype, target=v.target, using=lang_vector.SOURCES)
    return found[f.__name__]


# --- packing ---------------------------------------------------------------------------------


def plan_gates(
    depth: int,
    units: int,
    gates: int,
    dtype: str,
    *,
    order: Sequence[int],
    target: Target | None = None,
) -> Call:
    """Panels of weights [depth, gates * units]; order: the place of each gate of the code.

    Operands: weights, panels [depth * gates * units rounded up to PANEL_BYTES].
    """
    v = Vectors(dtype, target or Target.host())
    blocks = -(-units // _width(units, v))
    constants = (depth, units, gates, _vectors(units, v), *order)
    chunk = max(1, (1 << 15) // max(1, depth * _width(units, v)))
    return Call(_address(pack_gates, v), blocks * gates, chunk, 2, constants)


def plan_back(
    depth: int, units: int, gates: int, dtype: str, *, target: Target | None = None
) -> Call:
    """Panels of the transpose of weights [depth, gates * units].

    Operands: weights, panels [depth rounded up to PANEL_BYTES, gates * units].
    """
    v = Vectors(dtype, target or Target.host())
    constants = (depth, units, gates, _vectors(depth, v))
    chunk = max(1, (1 << 15) // max(1, gates * units * _width(depth, v)))
    return Call(_address(pack_back, v), -(-depth // _width(depth, v)), chunk, 2, constants)


# --- sequences -------------------------------------------------------------------------------


def plan_lstm(
    s: Sequences,
    dtype: str,
    *,
    order: Sequence[int],
    keep: bool,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The states of a layer.

    Operands: x (wide), panels of U, h0, c0; the mask (bytes), peepholes, panels of V where there
    are such; y, h, c; where a gradient is wanted gates (wide), cells, states before.
    """
    v = Vectors(dtype, target or Target.host())
    pointers = [W.X, W.U, W.H0, W.C0, *_optional(s), W.Y, W.HN, W.CN]
    if keep:
        pointers += [W.GATES, W.CELLS, W.BEFORE]
    rows = 2 * _row(s.state, v) + (1 + s.projected) * _row(s.units, v)
    rows += 4 * _width(s.units, v) * v.itemsize
    from numflow.kernels.cpu.recurrent_lstm import (  # where it is wanted
        lstm_forward,
        lstm_forward_both,
    )

    entry = lstm_forward if s.runs == 1 else lstm_forward_both
    return _call(entry, s, v, 4, order, pointers, rows, threads)


def plan_lstm_backward(
    s: Sequences,
    dtype: str,
    *,
    order: Sequence[int],
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The gradients.

    Operands: panels of U^T, c0; the mask, peepholes, panels of V^T where there are such; y, gates,
    cells, dy, dh, dc; dx (wide), dh0, dc0, and with a projection its result's gradient.
    """
    v = Vectors(dtype, target or Target.host())
    pointers = [W.U, W.C0, *_optional(s), W.Y, W.GATES, W.CELLS, W.DY, W.DHN, W.DCN]
    pointers += [W.DX, W.DH0, W.DC0]
    if s.projected:
        pointers.append(W.DP)
    rows = 2 * _row(s.state, v) + 2 * _row(s.units, v) + _row(4 * s.units, v)
    from numflow.kernels.cpu.recurrent_lstm import (  # where it is wanted
        lstm_backward,
        lstm_backward_both,
    )

    entry = lstm_backward if s.runs == 1 else lstm_backward_both
    return _call(entry, s, v, 4, order, pointers, rows, threads)


def plan_gru(
    s: Sequences,
    dtype: str,
    *,
    order: Sequence[int],
    kind: int,
    keep: bool,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The states of a layer; kind: BEFORE or AFTER of recurrent_gru.py.

    Operands: x (wide), panels of U, h0; the mask (bytes), the candidate's bias where there are
    such; y, h; where a gradient is wanted gates (of four), states before.
    """
    v = Vectors(dtype, target or Target.host())
    pointers = [W.X, W.U, W.H0, *_optional(s), W.Y, W.HN]
    if keep:
        pointers += [W.GATES, W.BEFORE]
    rows = 4 * _row(s.units, v) + 3 * _width(s.units, v) * v.itemsize
    from numflow.kernels.cpu.recurrent_gru import (  # where it is wanted
        gru_forward,
        gru_forward_both,
    )

    entry = gru_forward if s.runs == 1 else gru_forward_both
    return _call(entry, s, v, 3, order, pointers, rows, threads, kind)


def plan_gru_backward(
    s: Sequences,
    dtype: str,
    *,
    order: Sequence[int],
    kind: int,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The gradients.

    Operands: panels of U^T; the mask where there is one; gates, states before, dy, dh; dx (wide),
    dh0; with the reset gate behind the product the gradient of that (wide).
    """
    v = Vectors(dtype, target or Target.host())
    pointers = [W.U, *_optional(s), W.GATES, W.BEFORE, W.DY, W.DHN, W.DX, W.DH0]
    if kind:
        pointers.append(W.DR)
    rows = 2 * _row(s.units, v) + _row(3 * s.units, v)
    from numflow.kernels.cpu.recurrent_gru import (  # where it is wanted
        gru_backward,
        gru_backward_both,
    )

    entry = gru_backward if s.runs == 1 else gru_backward_both
    return _call(entry, s, v, 3, order, pointers, rows, threads, kind)


def plan_simple(
    s: Sequences,
    dtype: str,
    *,
    kind: int,
    keep: bool,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The states of a layer; kind: TANH or RELU of recurrent_simple.py.

    Operands: x, panels of U, h0; the mask (bytes) where there is one; y, h; where a gradient is
    wanted states before.
    """
    v = Vectors(dtype, target or Target.host())
    pointers = [W.X, W.U, W.H0, *_optional(s), W.Y, W.HN]
    if keep:
        pointers.append(W.BEFORE)
    rows = 2 * _row(s.units, v)
    from numflow.kernels.cpu.recurrent_simple import (  # where it is wanted
        simple_forward,
        simple_forward_both,
    )

    entry = simple_forward if s.runs == 1 else simple_forward_both
    return _call(entry, s, v, 1, (0,), pointers, rows, threads, kind)


def plan_simple_backward(
    s: Sequences, dtype: str, *, kind: int, threads: int = 1, target: Target | None = None
) -> Call:
    """The gradients.

    Operands: panels of U^T; the mask where there is one; y, dy, dh; dx, dh0.
    """
    v = Vectors(dtype, target or Target.host())
    pointers = [W.U, *_optional(s), W.Y, W.DY, W.DHN, W.DX, W.DH0]
    rows = 2 * _row(s.units, v)
    from numflow.kernels.cpu.recurrent_simple import (  # where it is wanted
        simple_backward,
        simple_backward_both,
    )

    entry = simple_backward if s.runs == 1 else simple_backward_both
    return _call(entry, s, v, 1, (0,), pointers, rows, threads, kind)


def _optional(s: Sequences) -> list[int]:
    """Places of the operands that not every layer has."""
    return [W.MASK] * s.masked + [W.EXTRA] * s.extra + [W.V] * s.projected


def _row(count: int, v: Vectors) -> int:
    """Bytes of a row of scratch: recurrent_steps.padded."""
    return -(-count * v.itemsize // 64) * 64 + 64


def _call(
    entry: lang.Function,
    s: Sequences,
    v: Vectors,
    gates: int,
    order: Sequence[int],
    pointers: Sequence[int],
    row_bytes: int,
    threads: int,
    kind: int = 0,
) -> Call:
    """A unit is a block of rows; `pointers`: the words of the operands, in their order."""
    blocks = -(-blocks_of(s.steps, s.batch * s.runs, gates * s.units, s.state, threads) // s.runs)
    across, state_across = _vectors(s.units, v), _vectors(s.state, v)
    most = min(tiles.largest_rows(v, 2), tiles.largest_rows(v, 1))
    wanted = set()
    for rows in {s.batch // blocks, -(-s.batch // blocks)} - {0}:
        count = -(-rows // most)
        for height in {rows // count, -(-rows // count)}:
            for size in {s.units, s.state}:
                rest = size % _width(size, v)
                widths = {_vectors(size, v)} if size >= _width(size, v) else set()
                widths |= {-(-rest // v.lanes)} if rest else set()
                wanted |= {Tile(height, vectors, False) for vectors in widths}
    scratch = Q.BYTES + -(-s.batch // blocks) * row_bytes + 192
    values = {
        W.STEPS: s.steps,
        W.BATCH: s.batch,
        W.UNITS: s.units,
        W.STATE: s.state,
        W.PROJECTED: int(s.projected),
        W.TIME_MAJOR: int(s.time_major),
        W.REVERSE: int(s.reverse),
        W.KIND: kind,
        W.CARRY: int(s.carry),
        W.BLOCKS: blocks,
        **{W.PLACE0 + k: p for k, p in enumerate(order)},
        W.VECTORS: across,
        W.STATE_VECTORS: state_across,
        W.MOST: most,
        W.TILES: tiles.table(sorted(wanted), v) if wanted else 0,
        W.SCRATCH: -(-scratch // 64) * 64,
        W.CELL_CLIP: _bits(s.cell_clip or float("inf"), v),
        W.STATE_CLIP: _bits(s.state_clip or float("inf"), v),
        W.Y_ROW: s.state if s.y_row is None else s.y_row,
        W.DY_ROW: s.state if s.dy_row is None else s.dy_row,
    }
    given = set(pointers)
    constants = tuple(values.get(w, 0) for w in range(HEADER, W.END) if w not in given)
    positions = tuple(w - HEADER for w in pointers)
    units = blocks if s.batch else 0
    workspace = values[W.SCRATCH] * units
    return Call(_address(entry, v), units, 1, len(pointers), constants, workspace, positions)


def both(first: Call, second: Call, inputs: int) -> Call:
    """Two runs of one kernel as one call; each was planned as one of two (`Sequences.runs`).

    Operands: the inputs, so many of each, of the first and of the second run; then the outputs.
    """
    constants = (*first.constants, *[0] * HEADER, *second.constants)
    far = [p + W.END for p in second.positions]  # recurrent_steps.second_run
    given, made = (first.positions[:inputs], far[:inputs]), (first.positions[inputs:], far[inputs:])
    positions = tuple(p for part in (*given, *made) for p in part)
    return first._replace(
        units=first.units + second.units,
        pointers=first.pointers + second.pointers,
        constants=constants,
        workspace_bytes=first.workspace_bytes + second.workspace_bytes,
        positions=positions,
    )


def blocks_of(steps: int, batch: int, wide: int, state: int, threads: int) -> int:
    """Of rows: as many as threads, where each has enough to do; more where the batch is large.

    wide: columns of the recurrent weights, of all gates.
    """
    shares = max(1, min(threads, steps * batch * wide * state // SHARE))
    blocks = -(-batch // MOST_ROWS)
    blocks = -(-blocks // shares) * shares
    return max(1, min(blocks, batch))


def _bits(x: float, v: Vectors) -> int:
    """An element as the word that holds it."""
    found: int = struct.unpack("<i" if v.itemsize == 4 else "<q", _packed(x, v))[0]
    return found


def _packed(x: float, v: Vectors) -> bytes:
    return struct.pack("<f" if v.itemsize == 4 else "<d", x)
