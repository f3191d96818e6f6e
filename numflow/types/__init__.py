"""nf.types: names for type annotations and isinstance."""

from numflow.types import experimental

__all__ = ["experimental"]
