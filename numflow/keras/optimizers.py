"""numflow.keras.optimizers: the optimizers, under Keras's names."""

from __future__ import annotations

from numflow.optimizers import SGD, Adam, Optimizer

__all__ = ["SGD", "Adam", "Optimizer"]
