"""A layered drawing of a small directed graph: which box stands where. Pure geometry.

Boxes stand in rows (ranks); an edge over several ranks bends at a point in each rank between
(Sugiyama, Tagawa & Toda 1981). Order within a rank: by the mean place of the neighbours, swept down
and up a few times. Then each box is drawn towards its neighbours as far as there is room.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

GAP = 18.0  # between boxes of a rank
SWEEPS = 8

Key = Hashable
Edge = tuple[Key, Key]


@dataclass(frozen=True)
class Drawing:
    """center: of each box, from left. routes: the centers that an edge passes, per rank of its way.

    width: of the whole.
    """

    center: Mapping[Key, float]
    routes: Mapping[Edge, tuple[float, ...]]
    width: float


def ranks(keys: Iterable[Key], edges: Iterable[Edge]) -> dict[Key, int]:
    """The length of the longest way that leads to each; edges point to later keys."""
    before: dict[Key, list[Key]] = {}
    for start, end in edges:
        before.setdefault(end, []).append(start)
    found: dict[Key, int] = {}
    for key in keys:
        found[key] = 1 + max((found[b] for b in before.get(key, ())), default=-1)
    return found


def draw(widths: Mapping[Key, float], rank: Mapping[Key, int], edges: Iterable[Edge]) -> Drawing:
    """Places for boxes of these widths in these ranks."""
    edges = list(dict.fromkeys(edges))
    rows: list[list[Key]] = [[] for _ in range(1 + max(rank.values(), default=-1))]
    for key in widths:
        rows[rank[key]].append(key)
    width = dict(widths)
    ways: dict[Edge, list[Key]] = {}
    for edge in edges:
        start, end = edge
        bends: list[Key] = [(edge, r) for r in range(rank[start] + 1, rank[end])]
        for bend, r in zip(bends, range(rank[start] + 1, rank[end]), strict=True):
            rows[r].append(bend)
            width[bend] = 6.0
        ways[edge] = [start, *bends, end]
    above: dict[Key, list[Key]] = {}
    below: dict[Key, list[Key]] = {}
    for way in ways.values():
        for a, b in pairwise(way):
            below.setdefault(a, []).append(b)
            above.setdefault(b, []).append(a)
    _order(rows, above, below)
    center = _places(rows, width, above, below)
    left = min((center[k] - width[k] / 2 for k in center), default=0.0)
    center = {k: x - left for k, x in center.items()}
    right = max((center[k] + width[k] / 2 for k in center), default=0.0)
    return Drawing(center, {e: tuple(center[k] for k in way) for e, way in ways.items()}, right)


def _order(
    rows: list[list[Key]], above: Mapping[Key, list[Key]], below: Mapping[Key, list[Key]]
) -> None:
    """Sort each rank by where the neighbours stand."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        place = {k: j / max(len(row), 1) for row in rows for j, k in enumerate(row)}
        for row in rows if down else reversed(rows):
            near = above if down else below
            wanted = {k: _mean([place[n] for n in near.get(k, ())], place[k]) for k in row}
            row.sort(key=wanted.__getitem__)
            place |= {k: j / len(row) for j, k in enumerate(row)}


def _places(
    rows: list[list[Key]],
    width: Mapping[Key, float],
    above: Mapping[Key, list[Key]],
    below: Mapping[Key, list[Key]],
) -> dict[Key, float]:
    center: dict[Key, float] = {}
    for row in rows:
        _settle(row, dict.fromkeys(row, 0.0), width, center)
    for sweep in range(2 * SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = above if sweep % 2 == 0 else below
            wanted = {k: _mean([center[n] for n in near.get(k, ())], center[k]) for k in row}
            _settle(row, wanted, width, center)
    return center


def _settle(
    row: list[Key],
    wanted: Mapping[Key, float],
    width: Mapping[Key, float],
    center: dict[Key, float],
) -> None:
    """As near to the wanted places as the order allows: between packing from left and right."""
    left: dict[Key, float] = {}
    _pack(row, wanted, width, left)
    right: dict[Key, float] = {}
    _pack(row[::-1], {k: -x for k, x in wanted.items()}, width, right)
    for k in row:
        center[k] = (left[k] - right[k]) / 2


def _pack(
    row: list[Key],
    wanted: Mapping[Key, float],
    width: Mapping[Key, float],
    center: dict[Key, float],
) -> None:
    """Each at its wanted place, or further on where another one is in the way."""
    edge = float("-inf")
    for k in row:
        center[k] = max(wanted[k], edge + width[k] / 2)
        edge = center[k] + width[k] / 2 + GAP


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
