"""The recurrent kernels alone: nothing outside of operands and workspace is touched, any cut of the
rows gives the same bits."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu import recurrent
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.recurrent import Sequences
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
SIZES = [
    (1, 1, 1, 1),
    (3, 2, 5, 5),
    (2, 13, 17, 17),
    (4, 25, 33, 21),
    (2, 49, 16, 16),
    (0, 3, 4, 4),
]


def guarded(values: Array) -> Array:
    """The same, ending at an unreadable page."""
    if values.size == 0:
        return values
    bits = values.view(np.uint8) if values.dtype == bool else values
    flat = Guarded((1, bits.size), bits.size, bits.dtype, 0).array
    flat[0] = bits.ravel()
    return flat.reshape(values.shape)


def run(p: Call, arrays: list[Array]) -> None:
    """Units one by one, from the last on."""
    ranges = [(i, i + 1) for i in reversed(range(p.units))]
    words = p.words([a.ctypes.data for a in arrays])
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)


def panels(u: Array, gates: int, order: tuple[int, ...], back: bool) -> Array:
    """Packed weights, with room for any machine's panels."""
    depth, wide = u.shape
    across = recurrent.PANEL_BYTES // u.dtype.itemsize
    if back:
        p = recurrent.plan_back(depth, wide // gates, gates, u.dtype.name)
        size = -(-depth // across) * across * wide
    else:
        p = recurrent.plan_gates(depth, wide // gates, gates, u.dtype.name, order=order)
        size = depth * gates * -(-(wide // gates) // across) * across
    found = guarded(np.full(size, np.nan, u.dtype))
    run(p, [u, found])
    return found


class Layer:
    """Operands of a layer of a kind, and its runs."""

    def __init__(self, kind: str, sizes: tuple[int, int, int, int], dtype: str, full: bool) -> None:
        steps, batch, units, state = sizes
        self.kind, self.full, self.dtype = kind, full, dtype
        self.projected = kind == "lstm" and full
        state = state if self.projected else units
        rng = np.random.default_rng(sum(sizes))
        gates = {"lstm": 4, "gru": 3, "before": 3, "simple": 1}[kind]

        def array(*shape: int) -> Array:
            return guarded(rng.uniform(-1, 1, shape).astype(dtype))

        self.s = Sequences(
            steps, batch, units, state, time_major=full, reverse=full, masked=full,
            extra=full and kind in ("lstm", "gru"), projected=self.projected, carry=full,
        )  # fmt: skip
        lead = (steps, batch) if full else (batch, steps)
        self.lead, self.wide = lead, gates * units
        self.x, self.u = array(*lead, self.wide), array(state, self.wide)
        self.h0, self.c0 = array(batch, state), array(batch, units)
        self.mask = guarded(rng.integers(0, 2, lead).astype(bool))
        self.extra = array(*((3, units) if kind == "lstm" else (units,)))
        self.v = array(units, state)
        self.order = {"lstm": (0, 2, 1, 3), "gru": (1, 0, 2), "before": (0, 1, 2)}.get(kind, (0,))
        self.dy, self.dh, self.dc = array(*lead, state), array(batch, state), array(batch, units)
        self.y: Guarded | None = None

    def part(self, values: Array, more: int) -> Guarded:
        """Narrow values as parts of rows with so many more elements, which nobody may touch."""
        rows, columns = self.s.steps * self.s.batch, self.s.state
        found = Guarded((rows, columns), columns + more, self.dtype)
        found.array[...] = values.reshape(rows, columns)
        return found

    def apart(self, y: int, dy: int) -> Layer:
        """The same, rows of y and dy with so many elements between them."""
        other = copy.copy(self)
        other.s = self.s._replace(y_row=self.s.state + y, dy_row=self.s.state + dy)
        other.dy = self.part(self.dy, dy).array
        other.y = self.part(self.blank(*self.lead, self.s.state), y)
        return other

    def blank(self, *shape: int) -> Array:
        return guarded(np.full(shape, np.nan, self.dtype))

    def optional(self, back: bool) -> list[Array]:
        """The operands that not every layer has."""
        found = [self.mask] if self.s.masked else []
        if self.s.extra and (self.kind == "lstm" or not back):
            found.append(self.extra)
        if self.projected:
            found.append(panels(self.v, 1, (0,), back))
        return found

    def forward(self, threads: int) -> list[Array]:
        s, state, units = self.s, self.s.state, self.s.units
        u = panels(self.u, len(self.order), self.order, False)
        y, h = self.blank(*self.lead, state), self.blank(s.batch, state)
        y = y if self.y is None else self.y.array
        before = self.blank(*self.lead, state)
        plan: dict[str, Any] = {"keep": True, "threads": threads}
        if self.kind == "lstm":
            c, cells = self.blank(s.batch, units), self.blank(*self.lead, units)
            kept = [self.blank(*self.lead, 4 * units), cells, before]
            p = recurrent.plan_lstm(s, self.dtype, order=self.order, **plan)
            outputs = [y, h, c, *kept]
            given = [self.x, u, self.h0, self.c0]
        elif self.kind == "simple":
            p = recurrent.plan_simple(s, self.dtype, kind=int(self.full), **plan)
            outputs, given = [y, h, before], [self.x, u, self.h0]
        else:
            after = int(self.kind == "gru")
            p = recurrent.plan_gru(s, self.dtype, order=self.order, kind=after, **plan)
            outputs, given = [y, h, self.blank(*self.lead, 4 * units), before], [self.x, u, self.h0]
        run(p, [*given, *self.optional(False), *outputs])
        return outputs

    def backward(self, outputs: list[Array], threads: int) -> list[Array]:
        s, units = self.s, self.s.units
        u = panels(self.u, len(self.order), self.order, True)
        dx, dh0 = self.blank(*self.lead, self.wide), self.blank(s.batch, s.state)
        if self.kind == "lstm":
            y, _, _, gates, cells, _ = outputs
            p = recurrent.plan_lstm_backward(s, self.dtype, order=self.order, threads=threads)
            slopes = [dx, dh0, self.blank(s.batch, units)]
            slopes += [self.blank(*self.lead, s.state)] * self.projected
            given = [u, self.c0, *self.optional(True), y, gates, cells, self.dy, self.dh, self.dc]
        elif self.kind == "simple":
            kind = int(self.full)
            p = recurrent.plan_simple_backward(s, self.dtype, kind=kind, threads=threads)
            slopes = [dx, dh0]
            given = [u, *self.optional(True), outputs[0], self.dy, self.dh]
        else:
            after = int(self.kind == "gru")
            p = recurrent.plan_gru_backward(
                s._replace(extra=False), self.dtype, order=self.order, kind=after, threads=threads
            )
            slopes = [dx, dh0, *([self.blank(*self.lead, self.wide)] * after)]
            given = [u, *self.optional(True), *outputs[2:], self.dy, self.dh]
        run(p, [*given, *slopes])
        return slopes


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("full", [False, True], ids=["plain", "all"])
@pytest.mark.parametrize("kind", ["lstm", "gru", "before", "simple"])
def test_nothing_outside_is_touched_and_cuts_do_not_matter(
    kind: str, full: bool, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrays end at unreadable pages; one block of rows, and several, give the same bits."""
    monkeypatch.setattr(recurrent, "SHARE", 1)
    for sizes in SIZES:
        layer = Layer(kind, sizes, dtype, full)
        one, several = layer.forward(1), layer.forward(3)
        for a, b in zip(one, several, strict=True):
            np.testing.assert_array_equal(a, b)
            assert not np.isnan(a).any()
        for a, b in zip(layer.backward(one, 1), layer.backward(one, 3), strict=True):
            np.testing.assert_array_equal(a, b)
            assert not np.isnan(a).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("full", [False, True], ids=["plain", "all"])
@pytest.mark.parametrize("kind", ["lstm", "gru", "before", "simple"])
def test_rows_of_y_and_dy_may_lie_apart(kind: str, full: bool, dtype: str) -> None:
    """The same bits as of dense ones; what lies between them stays as it was."""
    for sizes in SIZES:
        dense = Layer(kind, sizes, dtype, full)
        parts = dense.apart(y=3, dy=2 * dense.s.state)
        want, got = dense.forward(2), parts.forward(2)
        assert parts.y is not None
        assert parts.y.untouched()
        for a, b in zip(want, got, strict=True):
            np.testing.assert_array_equal(a, b.reshape(a.shape))
        for a, b in zip(dense.backward(want, 2), parts.backward(got, 2), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("full", [False, True], ids=["plain", "all"])
@pytest.mark.parametrize("kind", ["lstm", "gru", "before", "simple"])
def test_two_runs_are_one_call(kind: str, full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits as of each alone, for any number of blocks; nothing outside is touched."""
    monkeypatch.setattr(recurrent, "SHARE", 1)
    alone, waiting = run, list[tuple[Call, list[Array]]]()

    def put_off(p: Call, arrays: list[Array]) -> None:
        if p.positions:  # a run
            waiting.append((p, arrays))
        else:
            alone(p, arrays)

    def together(count: int) -> None:
        """The two runs, with so many outputs each."""
        (p, first), (q, second) = waiting
        waiting.clear()
        given = [*first[:-count], *second[:-count], *first[-count:], *second[-count:]]
        alone(recurrent.both(p, q, inputs=len(first) - count), given)

    for sizes in SIZES:
        one = Layer(kind, sizes, "float32", full)
        other = copy.copy(one)
        other.s, other.x = one.s._replace(reverse=not full), guarded(one.x[::-1] * 0.5)
        wanted = [layer.forward(2) for layer in (one, other)]
        slopes = [layer.backward(y, 2) for layer, y in zip((one, other), wanted, strict=True)]
        for layer in (one, other):
            layer.s = layer.s._replace(runs=2)
        with monkeypatch.context() as patch:
            patch.setitem(globals(), "run", put_off)
            for threads in (1, 2, 3, 4):
                found = [layer.forward(threads) for layer in (one, other)]
                together(len(found[0]))
                runs = zip((one, other), found, strict=True)
                back = [layer.backward(y, threads) for layer, y in runs]
                together(len(back[0]))
                for want, got in ((wanted, found), (slopes, back)):
                    for a, b in zip((*want[0], *want[1]), (*got[0], *got[1]), strict=True):
                        np.testing.assert_array_equal(a, b)
