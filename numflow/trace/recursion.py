"""Which functions went round in a RecursionError."""

from __future__ import annotations

from collections import Counter
from types import CodeType

from numflow.errors import is_own_file

_OFTEN = 20  # frames of one function that are no accident


def repeated(error: RecursionError) -> list[str]:
    """The names of the user's functions that are on the stack again and again."""
    counts: Counter[CodeType] = Counter()
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        if not is_own_file(code.co_filename):
            counts[code] += 1
        at = at.tb_next
    return [code.co_name for code, n in counts.items() if n >= _OFTEN]
