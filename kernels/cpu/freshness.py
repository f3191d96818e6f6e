"""Whether what was made of variables is still up to date: two kernels around what makes it.

    stale    compares the counts of writes of some variables with those noted; says 1 if any differs
    note     after it was made anew: notes the counts that `stale` had seen

A count is odd while somebody writes: such a variable is out of date the next time again. Both
share one argument block, whose operands are

    HEADER + 0   how many variables
           + 1   what `stale` says, in its lowest byte: 1 or 0
           + 2   0 until something was made
           + 3   per variable: address of its count, count seen, count noted

Bound: latency: one load of a line per variable. Written in the subset of lang.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORD
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import load_i64, store_i64, word

COUNT, STALE, MADE, ROWS = HEADER, HEADER + 1, HEADER + 2, HEADER + 3
ROW = 3
_STALE_AT, _MADE_AT, _ROWS_AT, _ROW_BYTES = STALE * WORD, MADE * WORD, ROWS * WORD, ROW * WORD


def operands(counts: Sequence[int]) -> list[int]:
    """The words behind the header; counts: the addresses of the variables' counts of writes."""
    return [len(counts), 1, 0, *(n for address in counts for n in (address, -1, -1))]


def kernels(target: Target | None = None) -> tuple[int, int]:
    """The addresses of `stale` and of `note`. Both are of one unit."""
    found = lang.addresses(stale, note, target=target)
    return found["stale"], found["note"]


def stale(args: int, begin: int, end: int) -> None:
    """Entry: see the docstring of the file."""
    differs = 0
    if word(args, MADE) == 0:
        differs = 1
    at = args + _ROWS_AT
    for _ in range(word(args, COUNT)):
        now = load_i64(load_i64(at))
        store_i64(at + 8, now)
        if now != load_i64(at + 16):
            differs = 1
        at += _ROW_BYTES
    store_i64(args + _STALE_AT, differs)


def note(args: int, begin: int, end: int) -> None:
    """Entry: see the docstring of the file."""
    at = args + _ROWS_AT
    for _ in range(word(args, COUNT)):
        seen = load_i64(at + 8)
        if seen & 1 == 1:
            seen = -1
        store_i64(at + 16, seen)
        at += _ROW_BYTES
    store_i64(args + _MADE_AT, 1)
