"""Makes the op of a whole sequence for a cell that was recognised.

Where the cell stood, in the body of a loop (cells.py) or in steps that Python wrote out
(cell_steps.py), does not matter here: weights and biases are values of outside, inputs are rows of
arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow.control.cell_kinds import Cell
from numflow.control.cell_terms import Row, Term, Weight
from numflow.graph.graph import Value
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import joining, linalg, rearrange
from numflow.ops import recurrent_gru as gru_ops
from numflow.ops import recurrent_lstm as lstm_ops
from numflow.ops import recurrent_panels as panels
from numflow.ops import recurrent_simple as simple_ops
from numflow.ops import shape as shaping
from numflow.shapes import Extent, as_number

MOST_BYTES = 1 << 28  # of the inputs' products: a loop has those of one step only


class Making:
    """Makes the op of a cell that runs `trips` steps.

    state: what h is. outside: gives a value that is the same in every step as a tensor.
    """

    def __init__(
        self, cell: Cell, trips: Extent, state: Spec, outside: Callable[[Value], Tensor]
    ) -> None:
        self.cell, self.trips, self.state, self.outside = cell, trips, state, outside
        first = next(t.of for t in self.cell.gates[self._names()[0]] if t.kind in ("x", "row"))
        self.time_major, self.reverse = first.axis == 0, first.at.slope < 0
        self.units = as_number(state.shape[1], "while_loop")
        if cell.projection is not None:
            self.units = cell.projection.rows[1]

    def long(self) -> bool:
        """Whether the inputs' products of all steps are more than one should keep."""
        h = self.state
        many = self.trips * h.shape[0] * self.units * h.dtype.size * len(self.cell.gates)
        return isinstance(many, int) and many > MOST_BYTES

    def _names(self) -> list[str]:
        """The gates in the order of their weights, if they come from one matrix."""
        gates = self.cell.gates
        names = list({"lstm": "ifgo", "simple": "n"}.get(self.cell.kind, "zrn"))
        found = [self._product(n).weight for n in names]
        weights = [w for w in found if w is not None]
        if len({(w.source, w.transposed) for w in weights}) == 1 and len(gates) == 4:
            return [n for n, _ in sorted(zip(names, weights, strict=True), key=_first_column)]
        if len({(w.source, w.transposed) for w in weights[:2]}) == 1 and len(gates) == 3:
            pair = sorted(zip(names[:2], weights[:2], strict=True), key=_first_column)
            return [*(n for n, _ in pair), "n"]
        return names

    def _product(self, name: str) -> Term:
        """The term of a gate that is a product of the state."""
        terms = (
            self.cell.inner if self.cell.kind == "gru" and name == "n" else self.cell.gates[name]
        )
        return next(t for t in terms if t.kind in ("h", "rh"))

    def _matrix(self, weights: Sequence[Weight]) -> Tensor:
        """Parts of matrices side by side."""
        parts: list[Weight] = []
        for w in weights:
            last = parts[-1] if parts else None
            if last is not None and last[:3] == w[:3] and last.columns[1] == w.columns[0]:
                parts[-1] = last._replace(columns=(last.columns[0], w.columns[1]))
            else:
                parts.append(w)
        found = [self._part(w) for w in parts]
        return found[0] if len(found) == 1 else joining.concat(found, 1)

    def _part(self, w: Weight) -> Tensor:
        x = self.outside(w.source)
        rows, columns = (w.columns, w.rows) if w.transposed else (w.rows, w.columns)
        if rows != (0, x.spec.shape[0]) or columns != (0, x.spec.shape[1]):
            x = x[rows[0] : rows[1], columns[0] : columns[1]]
        return shaping.transpose(x) if w.transposed else x

    def _sequence(self, row: Row) -> Tensor:
        """An array of outside whose rows are the inputs of all steps, as the op wants them."""
        x = self.outside(row.source)
        length = row.source.spec.shape[row.axis]
        if length != self.trips:  # numbers, all of them
            low = row.at.base if row.at.slope > 0 else row.at.base - (self.trips - 1)
            cut: tuple[Any, ...] = (slice(None),) * row.axis
            x = x[(*cut, slice(low, low + self.trips))]
        if (row.axis == 0) != self.time_major:
            x = shaping.transpose(x, [1, 0, 2])
        if (row.at.slope < 0) != self.reverse:
            x = rearrange.reverse(x, [0 if self.time_major else 1])
        return x

    def _inputs(self, names: Sequence[str]) -> Tensor:
        """What inputs and biases give to the gates, all steps at once."""
        gates = [self.cell.gates[n] for n in names]
        total: Tensor | None = None
        for term in gates[0]:
            if term.kind not in ("x", "row"):
                continue
            same = [next(t for t in g if t.kind == term.kind and t.of == term.of) for g in gates]
            x = self._sequence(term.of)
            if term.kind == "x":
                w = self._matrix([t.weight for t in same if t.weight is not None])
                shape = (*x.spec.shape[:2], w.spec.shape[1])
                bias = self._bias(gates, flat=True) if total is None else None
                wide = linalg.matmul(panels.rows(x), w)
                wide = wide if bias is None else wide + bias
                made = shaping.reshape_op(wide, shape=shape)
            else:
                bias = self._bias(gates, flat=True) if total is None else None
                made = _columns(x, [t.columns for t in same])
                made = made if bias is None else made + bias
            total = made if total is None else total + made
        assert total is not None
        more = self._bias(gates, flat=False)
        if more is not None:  # of each sequence
            total = total + shaping.expand_dims(more, 0 if self.time_major else 1)
        return total

    def _bias(self, gates: Sequence[list[Term]], flat: bool) -> Tensor | None:
        """The sums of biases, side by side; flat: those that all sequences share; else the rest."""
        each = [[t for t in g if _is_bias(t, flat)] for g in gates]
        if not any(each):
            return None
        total: Tensor | None = None
        whole = [t for t in each[0] if all(self._same(t, g) is not None for g in each)]
        for term in whole:
            same = [t for g in each if (t := self._same(term, g)) is not None]
            b = self.outside(term.of)
            if term.kind == "context":
                made = linalg.matmul(b, self._matrix([t.weight for t in same if t.weight]))
            else:
                b = shaping.reshape(b, (-1,)) if flat else b
                made = _columns(b, [t.columns for t in same])
            total = made if total is None else total + made
        kept = [[t for t in g if not any(self._same(w, [t]) for w in whole)] for g in each]
        if any(kept):
            made = joining.concat([self._sum(terms, flat) for terms in kept], -1)
            total = made if total is None else total + made
        return total

    def _same(self, term: Term, terms: Sequence[Term]) -> Term | None:
        """The only term of these that is of the same wide value."""
        found = [t for t in terms if t.of is term.of and t.kind == term.kind]
        wide = term.columns[1] - term.columns[0] == self.units
        return found[0] if len(found) == 1 and (wide or self.units == 1) else None

    def _sum(self, terms: Sequence[Term], flat: bool) -> Tensor:
        """Biases of one gate."""
        shape = (self.units,) if flat else (self.state.shape[0], self.units)
        total = shaping.zeros(shape, self.state.dtype)
        for t in terms:
            b = self.outside(t.of)
            if t.weight is not None:
                b = linalg.matmul(b, self._part(t.weight))
            elif b.spec.rank:
                b = b[..., t.columns[0] : t.columns[1]]
            if flat:
                b = shaping.reshape(b, (-1,)) if b.spec.rank else b
            total = total + b
        return total

    # the op ---------------------------------------------------------------------------------------
    def run(
        self, start: Sequence[Tensor], mask: Tensor | None = None, carry: bool = False
    ) -> list[Tensor]:
        """The outputs of the op: those of each step, then the last states.

        start: h, and c where there is one, before the first step. mask: bool [steps, batch], in the
        op's order; where it is false the output is 0, with carry the state.
        """
        cell, names = self.cell, self._names()
        x = self._inputs(names)
        products = [self._product(n).weight for n in names]
        u = self._matrix([w for w in products if w is not None])
        options: dict[str, Any] = {
            "time_major": self.time_major,
            "reverse": self.reverse,
            "carry": carry,
            "masked": mask is not None,
        }
        given = [x, u, *start]
        if mask is not None:
            given.append(mask if self.time_major else shaping.transpose(mask))
        if cell.kind == "lstm":
            order = tuple(names.index(n) for n in "ifgo")
            peepholes = [shaping.reshape(self.outside(p), (-1,)) for p in cell.peepholes()]
            options |= {"peephole": bool(peepholes), "projected": cell.projection is not None}
            options["cell_clip"], options["state_clip"] = cell.bounds
            if peepholes:
                given.append(joining.stack(peepholes, 0))
            if cell.projection is not None:
                given.append(self._part(cell.projection))
            return list(lstm_ops.lstm_op(*given, order=order, **options)[:3])
        if cell.kind == "simple":
            return list(simple_ops.simple_op(*given, relu=cell.flag, **options)[:2])
        if cell.flag:  # sigmoid(-z) is what stays
            at = names.index("z")
            sign = [-1.0 if k == at else 1.0 for k in range(3) for _ in range(self.units)]
            signs = shaping.reshape(joining.concat([shaping.zeros((0,), x.dtype), sign], 0), (-1,))
            given[:2] = x * signs, u * signs
        biased = any(t.kind == "bias" for t in cell.inner)
        if biased:
            given.append(self._sum([t for t in cell.inner if t.kind == "bias"], True))
        order = (names.index("z"), names.index("r"), 2)
        after = cell.kind == "gru"
        return list(gru_ops.gru_op(*given, order=order, biased=biased, after=after, **options)[:2])

    def stacked(self, y: Tensor, backwards: bool) -> Tensor:
        """The states [steps, batch, units], by iteration or the other way round."""
        y = y if self.time_major else shaping.transpose(y, [1, 0, 2])
        return y if backwards == self.reverse else rearrange.reverse(y, [0])


def _is_bias(t: Term, flat: bool) -> bool:
    return (t.kind == "bias" and _flat(t.of) == flat) or (t.kind == "context" and not flat)


def _flat(v: Value) -> bool:
    return v.spec.rank <= 1 or v.spec.shape[0] == 1


def _columns(x: Tensor, columns: Sequence[tuple[int, int]]) -> Tensor:
    """Parts of the last axis side by side."""
    parts: list[list[int]] = []
    for lo, hi in columns:
        if parts and parts[-1][1] == lo:
            parts[-1][1] = hi
        else:
            parts.append([lo, hi])
    if parts == [[0, x.spec.shape[-1]]]:
        return x
    found = [x[..., lo:hi] for lo, hi in parts]
    return found[0] if len(found) == 1 else joining.concat(found, -1)


def _first_column(pair: tuple[str, Weight]) -> int:
    return pair[1].columns[0]
