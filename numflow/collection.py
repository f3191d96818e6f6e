"""When the garbage collector rests: while numflow is imported, and while it compiles.

What these make stays. The collector would look through all of it again and again, for a fifth of
an import's time and 5 to 10 % of a compile's, and find nothing. Nor need it look when it goes on:
what an import and the first compiles made is handed to it as old, which saves it a look of 2 ms
behind the import, and one of 4 to 6 ms in the first training step.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_was_on = gc.isenabled()
gc.disable()  # numflow/__init__.py imports this file first, and calls `imported` behind its imports

# How often. Compiles leave some garbage behind, which the collector finds among what is old only
# in a full round; a process that compiles all day long must not hide it there.
_still_to_age = [8]


def imported() -> None:
    """numflow is imported, or is not: the collector goes on if it was on before."""
    if _was_on:
        _go_on()


@contextmanager
def no_collection() -> Iterator[None]:
    """The garbage collector rests meanwhile."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            _go_on()


def _go_on() -> None:
    if _still_to_age[0] > 0 and gc.get_freeze_count() == 0:  # else some are frozen by the user
        _still_to_age[0] -= 1
        gc.freeze()
        gc.unfreeze()  # into the oldest generation, all at once
    gc.enable()
