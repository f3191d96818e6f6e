"""nf.autograph: Python's control flow on tensors."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.autograph import experimental
    from numflow.autograph.inspection import set_verbosity, to_code, to_graph, trace

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]


def __getattr__(name: str) -> Any:
    """Functions are converted when they are traced first: nothing is loaded before."""
    if name == "experimental":
        return importlib.import_module("numflow.autograph.experimental")
    if name in __all__:
        found = getattr(importlib.import_module("numflow.autograph.inspection"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'numflow.autograph' has no attribute {name!r}")
