"""Graph -> program: what to run, in which order, with which buffers, and the code of its loops.

    emit(graph)   steps and buffers, with sizes still symbolic (program.py)

Its modules load at the first use of `emit`, so that `import numflow` need not wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.codegen.program import emit

__all__ = ["emit"]


def __getattr__(name: str) -> Any:
    if name == "emit":
        from numflow.codegen.program import emit

        return emit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
