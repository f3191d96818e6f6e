"""Which recurrent cell the body of a loop is: an LSTM, a GRU of either convention, a simple one.

What is read is the graph from the new states backwards, so whatever else the body computes does not
matter here; each factor and sum may stand in either order. A cell that has anything more, or
anything less, is none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numflow.control.cell_terms import Term, Terms, activated, is_one, made_by, plain
from numflow.graph.graph import Graph, Value
from numflow.ops import math as maths
from numflow.ops.activation import relu_op

Gate = tuple[Value, tuple[int, int]]  # what an activation is taken of, and which columns
Gates = dict[str, list[Term]]


class Cell(NamedTuple):
    """kind: "lstm", "gru", "gru before" (the reset gate before the product) or "simple".

    h, c: numbers of the loop variables; c is -1 where there is none. gates: the terms of each, by
    letter: i f g o, z r n, or n. inner: of the GRU's candidate behind the reset gate. flag: of the
    simple cell, whether it has relu; of the GRU, whether z is what is new, not what stays.
    """

    kind: str
    h: int
    c: int
    gates: Gates
    inner: list[Term]
    flag: bool


def cell_of(body: Graph, terms: Terms, count: int) -> Cell | None:
    """The cell that the body of a loop is; None for anything else. count: of loop variables."""
    for k in range(count):
        v = body.inputs[k]
        if v.spec.rank != 2 or not isinstance(v.spec.shape[1], int):
            continue
        for read in (_lstm, _gru, _simple):
            found = read(body, terms, k, count)
            if found is not None and _complete(found):
                return found
    return None


def _either(inputs: tuple[Value, ...] | None, wanted: Any) -> tuple[Value, Any] | None:
    """(the other input, what `wanted` says of one) of a pair."""
    for a, b in ((0, 1), (1, 0)) if inputs is not None else ():
        found = wanted(inputs[a])  # type: ignore[index]
        if found is not None:
            return inputs[b], found  # type: ignore[index]
    return None


def _lstm(body: Graph, terms: Terms, k: int, count: int) -> Cell | None:
    """h' = sigmoid(o) tanh(c'), c' = sigmoid(f) c + sigmoid(i) tanh(g)."""
    h = body.inputs[k]
    outputs = {plain(body.outputs[j]): j for j in range(count)}

    def squashed(v: Value) -> int | None:
        inside = made_by(v, maths.tanh_op)
        return None if inside is None else outputs.get(plain(inside[0]))

    found = _either(made_by(body.outputs[k], maths.multiply_op), squashed)
    if found is None:
        return None
    o, j = activated(found[0], maths.sigmoid_op), found[1]
    c = body.inputs[j]

    def stays(v: Value) -> Any:
        """What the state before is multiplied by."""
        pair = made_by(v, maths.multiply_op)
        kept = _either(pair, lambda x: True if plain(x) is c else None)
        return None if kept is None else kept[0]

    parts = _either(made_by(body.outputs[j], maths.add_op), stays)
    if parts is None or o is None or c.spec != h.spec:
        return None
    f = activated(parts[1], maths.sigmoid_op)
    new = _either(made_by(parts[0], maths.multiply_op), lambda x: activated(x, maths.tanh_op))
    i = None if new is None else activated(new[0], maths.sigmoid_op)
    if f is None or new is None or i is None:
        return None
    gates = _read(terms, h, {"i": i, "f": f, "g": new[1], "o": o})
    return None if gates is None else Cell("lstm", k, j, gates, [], False)


def _gru(body: Graph, terms: Terms, k: int, count: int) -> Cell | None:
    """h' = z h + (1 - z) n, or (1 - z) h + z n; r before or behind the product of the candidate."""
    h = body.inputs[k]

    def stays(v: Value) -> Any:
        """What the state before is multiplied by."""
        kept = _either(made_by(v, maths.multiply_op), lambda x: True if plain(x) is h else None)
        return None if kept is None else plain(kept[0])

    def rest(v: Value) -> Value | None:
        """z, of 1 - z."""
        pair = made_by(v, maths.subtract_op)
        return plain(pair[1]) if pair is not None and is_one(pair[0]) else None

    parts = _either(made_by(body.outputs[k], maths.add_op), stays)
    if parts is None:
        return None
    new = _either(made_by(parts[0], maths.multiply_op), lambda x: activated(x, maths.tanh_op))
    if new is None:
        return None
    kept, other = parts[1], plain(new[0])
    turned = rest(kept) is other
    if not turned and rest(other) is not kept:
        return None
    z = other if turned else plain(parts[1])
    update = activated(z, maths.sigmoid_op)
    if update is None:
        return None
    n, columns = new[1]
    if n.spec.shape[0] != h.spec.shape[0] or columns[1] - columns[0] != h.spec.shape[1]:
        return None  # one that is spread over the units

    def reset(v: Value) -> tuple[Value, Any] | None:
        """h U + b and r, of r * (h U + b)."""
        pair = made_by(v, maths.multiply_op)
        return _either(pair, lambda x: activated(x, maths.sigmoid_op))

    summands = _addends(n)
    behind = [found for v in summands if v.spec == n.spec and (found := reset(v)) is not None]
    if len(behind) == 1:
        ((product, r),) = behind
        gates = _read(terms, h, {"z": update, "r": r})
        others = [terms.of(v, h, columns) for v in summands if reset(v) is None]
        inner = terms.of(product, h, columns)
        fit = all(v.spec == n.spec or terms.fixed(v) for v in summands)
        if gates is None or inner is None or not fit or product.spec != n.spec:
            return None
        if any(some is None for some in others):
            return None
        gates["n"] = [t for some in others for t in some or ()]
        return Cell("gru", k, -1, gates, inner, turned)
    candidate = terms.of(n, h, columns)
    gate = {t.of for t in candidate or () if t.kind == "rh"}
    (held,) = gate if len(gate) == 1 else (None,)
    before = None if held is None else activated(held, maths.sigmoid_op)
    gates = None if before is None else _read(terms, h, {"z": update, "r": before})
    if gates is None or candidate is None:
        return None
    return Cell("gru before", k, -1, gates | {"n": candidate}, [], turned)


def _addends(v: Value) -> list[Value]:
    """What a sum adds up, however it is nested."""
    inputs = made_by(v, maths.add_op)
    return [v] if inputs is None else [a for x in inputs for a in _addends(x)]


def _simple(body: Graph, terms: Terms, k: int, count: int) -> Cell | None:
    """h' = tanh(..) or relu(..)."""
    h = body.inputs[k]
    for op in (maths.tanh_op, relu_op):
        inside = activated(body.outputs[k], op)
        gates = None if inside is None else _read(terms, h, {"n": inside})
        if gates is not None:
            return Cell("simple", k, -1, gates, [], op is relu_op)
    return None


def _read(terms: Terms, h: Value, gates: dict[str, Gate]) -> Gates | None:
    """The terms of gates, all of which are as wide as the state."""
    found: Gates = {}
    for name, (v, (lo, hi)) in gates.items():
        some = terms.of(v, h, (lo, hi))
        if some is None or v.spec.shape[0] != h.spec.shape[0] or hi - lo != h.spec.shape[1]:
            return None
        found[name] = some
    return found


def _complete(cell: Cell) -> bool:
    """Whether the terms are those that an op of that kind has: one product of the state each, and
    the same inputs for all gates."""
    rows: set[tuple[Any, ...]] = set()
    for name, terms in cell.gates.items():
        kinds = [t.kind for t in terms]
        state = {"gru": "h", "gru before": "rh"}.get(cell.kind, "h") if name == "n" else "h"
        wanted = 0 if cell.kind == "gru" and name == "n" else 1
        if kinds.count(state) != wanted or any(k in ("h", "rh") and k != state for k in kinds):
            return False
        if wanted == 0 and "h" in kinds:
            return False
        sources = [(t.kind, t.of) for t in terms if t.kind in ("x", "row")]
        if len(set(sources)) != len(sources) or not sources:
            return False
        rows.add(tuple(sorted(sources, key=lambda s: (s[0], id(s[1].source), s[1].axis))))
    if len(rows) != 1:
        return False
    if cell.kind != "gru":
        return not cell.inner
    inner = [t.kind for t in cell.inner]
    return (
        inner.count("h") == 1
        and set(inner) <= {"h", "bias"}
        and all(t.kind != "bias" or all(n == 1 for n in t.of.spec.shape[:-1]) for t in cell.inner)
    )
