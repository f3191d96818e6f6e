"""nf.autodiff: derivatives in the direction of computation."""

from numflow.eager.forward import ForwardAccumulator

__all__ = ["ForwardAccumulator"]
