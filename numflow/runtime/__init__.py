"""Program -> results: plans for concrete shapes, and the machinery that runs them.

    Executable(program)   something to call with arrays (executable.py)

From below: `pool.py` (threads), `arena.py` (memory), `executor.py` (the loop over instructions),
`native.py`, `entry.py` (one call from Python that checks its arguments and runs a program). All but
the arena load at the first use of `Executable`, so that `import numflow` need not wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.runtime.executable import Executable

__all__ = ["Executable"]


def __getattr__(name: str) -> Any:
    if name == "Executable":
        from numflow.runtime.executable import Executable

        return Executable
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
