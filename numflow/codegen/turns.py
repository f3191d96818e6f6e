"""How much a turn of a printed loop takes at once: rows, and vectors of a row. See rows.py."""

from __future__ import annotations

from collections.abc import Sequence

from numflow.graph.loops import LANE, Loop, Sweep, Term, walk
from numflow.kernels.scalar import BODIES

ROWS = 4
WEIGHT = 12  # a transcendental counts as that many operations
# Up to n operations: that many vectors per turn; more: one. A chain of operations as long as a
# transcendental's leaves units idle; four in turns (`interleave`) took 12 to 18 % off gelu and its
# gradient, eight would take 2 to 10 % more for a third more code.
UNROLL = ((4, 4), (11, 2), (64, 4), (128, 2))


def weight(roots: Sequence[Term]) -> int:
    """Operations per element, about."""
    lanes = [t for t in walk(*roots) if t.level >= LANE and t.op not in ("load", "index")]
    return sum(WEIGHT if (t.op, t.dtype) in BODIES else 1 for t in lanes)


def pairs(loop: Loop) -> bool:
    """Whether rows go by two: the last steps of a fold, one value out of many lanes, are a chain
    that another row's hides."""
    folds = {r.over for s in loop.sweeps for r in s.reduces}
    if loop.inner or loop.deep or not loop.outer or any(s.checks for s in loop.sweeps):
        return False
    return "cols" in folds and "all" not in folds and weight(loop.roots()) <= 4 * WEIGHT


def rows_at_once(loop: Loop, vectors: int, columns_stay: bool) -> int:
    """How many rows of so many vectors go at once, their instructions in turns; 0 vectors: of a
    number that is not constant.

    A row of one or two vectors is a chain: a cross-entropy of 10 columns takes 0.9 us in place of
    1.6 for 64 rows, where a fold within each row makes the chain long four at once, else two.
    columns_stay: folds of columns are in registers.
    """
    folds = {r.over for s in loop.sweeps for r in s.reduces}
    if not 0 < vectors <= 2 or loop.deep or any(s.checks for s in loop.sweeps):
        return 1
    if "rows" in folds and not columns_stay:
        return 1  # a row reads what the one before has written
    if not WEIGHT <= weight(loop.roots()) <= 4 * WEIGHT:
        return 1
    return 4 if "cols" in folds else 2


def vectors_at_once(sweep: Sweep, rows: int, least: int, paired: bool) -> int:
    """How many vectors of a row a turn of its lane loop takes, of so many rows at once.

    least: at least so many, of one row. paired: rows of this loop go by two.
    """
    operations = weight(sweep.roots())
    count = next((u for n, u in UNROLL if operations <= n), 1)
    if paired:  # the same for a single row: how it is summed must not follow its number
        return max(least, count // 2)
    if rows == ROWS and not sweep.stores and operations <= UNROLL[0][0]:
        return 2  # a fold of columns: a turn of one vector waits for its own instructions
    return 1 if rows > 1 else max(least, count)
