"""When the garbage collector rests: while numflow is imported, and while it compiles.

What these make stays. The collector would look through all of it again and again, for a fifth of
an import's time and 5 to 10 % of a compile's, and find nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_was_on = gc.isenabled()
gc.disable()  # numflow/__init__.py imports this file first, and calls `imported` last


def imported() -> None:
    """numflow is imported: the collector goes on if it was on before."""
    if _was_on:
        gc.enable()


@contextmanager
def no_collection() -> Iterator[None]:
    """The garbage collector rests meanwhile."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
