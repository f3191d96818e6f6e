"""What became of a function: its graph, loops, instructions and memory, for people to read.

    describe(name, traced graph, executable, plan) -> Report   text, or HTML in a notebook

It loads at the first use, so that `import numflow` need not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.explain.report import Report, describe

__all__ = ["Report", "describe"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from numflow.explain import report

        return getattr(report, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
