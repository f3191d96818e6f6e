"""How folds join two states: where they start, how a new value joins, how argmax ends.

Lanes and scalars alike.
"""

from __future__ import annotations

from numflow.codegen.vector import Reg, Vector
from numflow.graph.loops import Kind, Reduce
from numflow.kernels.builder import FLOATS, Number, limits


def identity(r: Reduce, k: int) -> Number:
    """Where term k of a fold begins: what changes nothing, and for a payload no index at all.

    Where values come in order, a payload may begin at 0: it stays only if nothing was better than
    -inf.
    """
    low, high = limits(r.terms[k].dtype)
    if k:
        return high if r.over in ("cols", "all") else 0
    starts: dict[Kind, Number]
    starts = {"sum": 0, "prod": 1, "max": low, "argmax": low, "min": high, "argmin": high}
    return starts[r.kind]


def fold(
    b: Vector, kind: Kind, old: list[Reg], new: list[Reg], *, ordered: bool = True
) -> list[Reg]:
    """The state after new joins old. ordered: every payload of new is greater than those of old."""
    if kind == "sum":
        return [b.add(old[0], new[0])]
    if kind == "prod":
        return [b.mul(old[0], new[0])]
    if kind == "max":
        return [b.max(new[0], old[0])]
    if kind == "min":
        return [b.min(new[0], old[0])]
    (best, at), (x, i) = old, new
    better = b.gt(x, best) if kind == "argmax" else b.lt(x, best)
    if x.dtype in FLOATS:  # NaN wins; the first NaN stays
        better = b.logical_and(b.logical_or(better, b.isnan(x)), b.logical_not(b.isnan(best)))
    if not ordered:
        same = b.eq(x, best)
        if x.dtype in FLOATS:
            same = b.logical_or(same, b.logical_and(b.isnan(x), b.isnan(best)))
        better = b.logical_or(better, b.logical_and(same, b.lt(i, at)))
    return [b.select(better, x, best), b.select(better, i, at)]


def finish(b: Vector, r: Reduce, state: list[Reg]) -> list[Reg]:
    """argmax of nothing but -inf never found a better one: the first."""
    if r.payload is None or r.over not in ("cols", "all"):
        return state
    none = b.eq(state[1], limits(state[1].dtype)[1])
    return [state[0], b.select(none, 0, state[1])]
