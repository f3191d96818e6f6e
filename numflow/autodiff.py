"""nf.autodiff: derivatives in the direction of computation, and against it."""

from numflow.eager.forward import ForwardAccumulator
from numflow.eager.tape import GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
