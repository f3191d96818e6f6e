"""nf.autograph: Python's control flow on tensors."""

from numflow.autograph import experimental

__all__ = ["experimental"]
