"""The argument block: what every compiled kernel is called with.

A kernel is `void k(int64 *args, int64 begin, int64 end)` and does the work units begin..end. `args`
is a row of 64-bit words: four words that every kernel has, then its operands (pointers, sizes,
strides in elements, scalars as raw bits) in the order that the kernel fixes. A block belongs to one
call at a time.

    word 0  CONTEXT    address of the context block of the call
    word 1  WORKSPACE  address of scratch memory; a part belongs to a range of units, not a thread
    word 2  TOTAL      number of work units of the whole call
    word 3  NODE       number by which a kernel that refuses a value names itself
    word 4  operands   ...

The context block is one per call of a program:

    word 0  ERROR   NO_ERROR, or the smallest error record that a kernel wrote (signed atomic
                    minimum: the same record wins for any number of threads)
    word 1  CANCEL  not zero: kernels that run for milliseconds should return early
    word 2  DRAWS   random numbers: draws made since the seed was set
    word 3..7       reserved
"""

from __future__ import annotations

from typing import Final

WORD: Final = 8
"""Bytes of a word."""

CONTEXT: Final = 0
WORKSPACE: Final = 1
TOTAL: Final = 2
NODE: Final = 3
HEADER: Final = 4
"""Index of the first operand word."""

ERROR: Final = 0
CANCEL: Final = 1
DRAWS: Final = 2
CONTEXT_WORDS: Final = 8

NO_ERROR: Final = 2**63 - 1
"""Content of the error word while nothing was refused: larger than every record."""

_INDEX_BITS: Final = 40


def error_record(node: int, index: int) -> int:
    """The word that kernel `node` writes when it refuses the element or row `index`."""
    return node << _INDEX_BITS | index


def split_error(record: int) -> tuple[int, int]:
    """(node, index) of an error record.

    Example:
      >>> split_error(error_record(7, 123))
      (7, 123)
    """
    return record >> _INDEX_BITS, record & ((1 << _INDEX_BITS) - 1)
