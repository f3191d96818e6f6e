"""Where the buffers of a plan lie in its arena: intervals of steps, offsets in bytes."""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Sequence
from operator import itemgetter

from numflow.kernels.records import NamedTuple

LINE = 64
_start = itemgetter(0)


class Interval(NamedTuple):
    """A buffer that is needed from step `first` to step `last`."""

    key: Hashable
    nbytes: int
    first: int
    last: int


def offsets(intervals: Sequence[Interval]) -> tuple[dict[Hashable, int], int]:
    """The offset of each buffer, and the bytes in all: memory is used again once a buffer has died.

    Greedy by size: the largest buffers are placed first, each at the lowest offset where nothing
    that lives at the same time is (Pisarchyk & Lee 2020, "Efficient Memory Management for Deep
    Neural Net Inference", section 5).

    Example:
      >>> offsets([Interval("a", 64, 0, 1), Interval("b", 64, 1, 2), Interval("c", 64, 2, 3)])
      ({'a': 0, 'b': 64, 'c': 0}, 128)
    """
    placed: list[tuple[int, int, Interval]] = []
    found: dict[Hashable, int] = {}
    total = 0
    for item in sorted(intervals, key=lambda i: -i.nbytes):
        size = -(-max(item.nbytes, 1) // LINE) * LINE
        at = 0
        for start, end, other in placed:  # sorted by start
            if other.last < item.first or item.last < other.first:
                continue
            if at + size <= start:
                break
            at = max(at, end)
        found[item.key] = at
        insort(placed, (at, at + size, item), key=_start)
        total = max(total, at + size)
    return {i.key: found[i.key] for i in intervals}, total
