"""Optimizers: how variables follow their gradients."""

from __future__ import annotations

from numflow.optimizers.adam import Adam
from numflow.optimizers.optimizer import Optimizer
from numflow.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
