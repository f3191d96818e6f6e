"""Graph to graph, one file per pass.

    run_passes(graph)   all of them in order (pipeline.py is the list)

They load at the first use of `run_passes`, so that `import numflow` need not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.passes.pipeline import run_passes

__all__ = ["run_passes"]

cell_finders: list[Callable[[], Any]] = []
"""Who finds recurrent cells, for unrolled_cells.py: told by function.py, which loads what knows
them."""


def __getattr__(name: str) -> Any:
    if name == "run_passes":
        from numflow.passes.pipeline import run_passes

        return run_passes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
