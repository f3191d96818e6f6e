"""Which recurrent cell the body of a loop is: an LSTM, a GRU of either convention, a simple one.

What is read is the graph from the new states backwards, so whatever else the body computes does not
matter here; each factor and sum may stand in either order. A cell that has anything more, or
anything less, is none.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numflow.control.all_steps import Steps
from numflow.control.cell_masks import Live, kept
from numflow.control.cell_terms import (
    State,
    Term,
    Terms,
    Weight,
    activated,
    filled,
    is_one,
    made_by,
    plain,
)
from numflow.graph.graph import Graph, Value
from numflow.graph.spec import Spec
from numflow.ops import math as maths
from numflow.ops.activation import relu_op

Gate = tuple[Value, tuple[int, int]]  # what an activation is taken of, and which columns
Gates = dict[str, list[Term]]


class Cell(NamedTuple):
    """kind: "lstm", "gru", "gru before" (the reset gate before the product) or "simple".

    h, c: numbers of the loop variables; c is -1 where there is none. gates: the terms of each, by
    letter: i f g o, z r n, or n. inner: of the GRU's candidate behind the reset gate. flag: of the
    simple cell, whether it has relu; of the GRU, whether z is what is new, not what stays.
    live: which sequences go on; new: the state h of those. Of the LSTM: projection: of its output;
    bounds: of the cell, and of the projection's results; 0 for none.
    """

    kind: str
    h: int
    c: int
    gates: Gates
    inner: list[Term]
    flag: bool
    new: Value
    live: Live | None
    projection: Weight | None = None
    bounds: tuple[float, float] = (0.0, 0.0)

    def peepholes(self) -> list[Value]:
        """Those of the gates i, f and o; [] if there are none."""
        terms = (t for gate in "ifo" for t in self.gates.get(gate, ()))
        return [t.of for t in terms if t.kind in ("cell", "new cell")]


def cell_of(body: Graph, terms: Terms, count: int, masks: bool = False) -> Cell | None:
    """The cell that the body of a loop is; None for anything else.

    count: of loop variables. masks: whether it may have one.
    """
    for k in range(count):
        v = body.inputs[k]
        if v.spec.rank != 2 or not isinstance(v.spec.shape[1], int):
            continue
        after = kept(body.outputs[k], v)
        if after is None:
            continue
        if after[1] is not None and not (masks and Steps(terms).can(after[1].source)):
            continue
        for read in (_lstm, _gru, _simple):
            found = read(body, terms, k, *after)
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


def _clipped(v: Value) -> tuple[float, Value]:
    """k and x, of what is between -k and k, else x; 0 and v of anything else."""
    bounds: dict[Any, float] = {}
    x = v
    for _ in range(2):
        node = plain(x).node
        if node is None or node.op not in (maths.minimum_op, maths.maximum_op):
            return 0.0, v
        found = _either(node.inputs, filled)
        if found is None or found[0].spec != v.spec:
            return 0.0, v
        x, bounds[node.op] = found[0], float(found[1])
    high = bounds.get(maths.minimum_op, 0.0)
    fit = len(bounds) == 2 and 0 < high < math.inf and bounds[maths.maximum_op] == -high
    return (high, plain(x)) if fit else (0.0, v)


def _lstm(body: Graph, terms: Terms, k: int, new: Value, live: Live | None) -> Cell | None:
    """h' = sigmoid(o) tanh(c') [P], c' = sigmoid(f) c + sigmoid(i) tanh(g); both may have bounds,
    and i, f and o see the cell where all of them do."""
    h, bound, v, projection = body.inputs[k], 0.0, new, None
    inner, x = _clipped(new)
    product = terms.product(x)
    if product is not None:
        bound, v, projection = inner, *product
    cells: dict[Value, int] = {}
    for j, c in enumerate(body.inputs[: len(body.outputs)]):
        after = kept(body.outputs[j], c) if c.spec.rank == 2 else None
        if after is not None and _test(after[1]) == _test(live):
            cells.setdefault(after[0], j)

    def squashed(v: Value) -> int | None:
        inside = made_by(v, maths.tanh_op)
        return None if inside is None else cells.get(plain(inside[0]))

    found = _either(made_by(v, maths.multiply_op), squashed)
    if found is None:
        return None
    o, j = activated(found[0], maths.sigmoid_op), found[1]
    c, after = body.inputs[j], kept(body.outputs[j], body.inputs[j])
    if o is None or after is None or not isinstance(c.spec.shape[1], int):
        return None
    state = State(h, c, after[0])
    cell_bound, v = _clipped(after[0])

    def stays(v: Value) -> Any:
        """What the state before is multiplied by."""
        pair = made_by(v, maths.multiply_op)
        stay = _either(pair, lambda x: True if plain(x) is c else None)
        return None if stay is None else stay[0]

    parts = _either(made_by(v, maths.add_op), stays)
    wide = h.spec if projection is None else Spec((h.spec.shape[0], c.spec.shape[1]), h.spec.dtype)
    if parts is None or c.spec != wide:
        return None
    f = activated(parts[1], maths.sigmoid_op)
    more = _either(made_by(parts[0], maths.multiply_op), lambda x: activated(x, maths.tanh_op))
    i = None if more is None else activated(more[0], maths.sigmoid_op)
    if f is None or more is None or i is None:
        return None
    gates = _read(terms, state, {"i": i, "f": f, "g": more[1], "o": o}, wide)
    if gates is None:
        return None
    return Cell("lstm", k, j, gates, [], False, new, live, projection, (cell_bound, bound))


def _test(live: Live | None) -> Any:
    return None if live is None else live.test


def _gru(body: Graph, terms: Terms, k: int, after: Value, live: Live | None) -> Cell | None:
    """h' = z h + (1 - z) n, or (1 - z) h + z n; r before or behind the product of the candidate."""
    h = body.inputs[k]

    def stays(v: Value) -> Any:
        """What the state before is multiplied by."""
        stay = _either(made_by(v, maths.multiply_op), lambda x: True if plain(x) is h else None)
        return None if stay is None else plain(stay[0])

    def rest(v: Value) -> Value | None:
        """z, of 1 - z."""
        pair = made_by(v, maths.subtract_op)
        return plain(pair[1]) if pair is not None and is_one(pair[0]) else None

    state = State(h)
    parts = _either(made_by(after, maths.add_op), stays)
    if parts is None:
        return None
    new = _either(made_by(parts[0], maths.multiply_op), lambda x: activated(x, maths.tanh_op))
    if new is None:
        return None
    staying, other = parts[1], plain(new[0])
    turned = rest(staying) is other
    if not turned and rest(other) is not staying:
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
        gates = _read(terms, state, {"z": update, "r": r}, h.spec)
        others = [terms.of(v, state, columns) for v in summands if reset(v) is None]
        inner = terms.of(product, state, columns)
        fit = all(v.spec == n.spec or terms.fixed(v) for v in summands)
        if gates is None or inner is None or not fit or product.spec != n.spec:
            return None
        if any(some is None for some in others):
            return None
        gates["n"] = [t for some in others for t in some or ()]
        return Cell("gru", k, -1, gates, inner, turned, after, live)
    candidate = terms.of(n, state, columns)
    gate = {t.of for t in candidate or () if t.kind == "rh"}
    (held,) = gate if len(gate) == 1 else (None,)
    before = None if held is None else activated(held, maths.sigmoid_op)
    gates = None if before is None else _read(terms, state, {"z": update, "r": before}, h.spec)
    if gates is None or candidate is None:
        return None
    return Cell("gru before", k, -1, gates | {"n": candidate}, [], turned, after, live)


def _addends(v: Value) -> list[Value]:
    """What a sum adds up, however it is nested."""
    inputs = made_by(v, maths.add_op)
    return [v] if inputs is None else [a for x in inputs for a in _addends(x)]


def _simple(body: Graph, terms: Terms, k: int, new: Value, live: Live | None) -> Cell | None:
    """h' = tanh(..) or relu(..)."""
    h = body.inputs[k]
    for op in (maths.tanh_op, relu_op):
        inside = activated(new, op)
        gates = None if inside is None else _read(terms, State(h), {"n": inside}, h.spec)
        if gates is not None:
            return Cell("simple", k, -1, gates, [], op is relu_op, new, live)
    return None


def _read(terms: Terms, state: State, gates: dict[str, Gate], like: Spec) -> Gates | None:
    """The terms of gates, all of which are as wide as what they make."""
    found: Gates = {}
    for name, (v, (lo, hi)) in gates.items():
        some = terms.of(v, state, (lo, hi))
        if some is None or v.spec.shape[0] != like.shape[0] or hi - lo != like.shape[1]:
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
        seen = [k for k in kinds if k in ("cell", "new cell")]
        if seen and seen != {"i": ["cell"], "f": ["cell"], "o": ["new cell"]}.get(name):
            return False
        sources = [(t.kind, t.of) for t in terms if t.kind in ("x", "row")]
        if len(set(sources)) != len(sources) or not sources:
            return False
        rows.add(tuple(sorted(sources, key=lambda s: (s[0], id(s[1].source), s[1].axis))))
    if len(rows) != 1 or len(cell.peepholes()) not in (0, 3):
        return False
    if cell.kind != "gru":
        return not cell.inner
    inner = [t.kind for t in cell.inner]
    return (
        inner.count("h") == 1
        and set(inner) <= {"h", "bias"}
        and all(t.kind != "bias" or all(n == 1 for n in t.of.spec.shape[:-1]) for t in cell.inner)
    )
