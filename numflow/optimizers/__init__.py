"""Optimizers: how variables follow their gradients; schedules: how the learning rate changes."""

from __future__ import annotations

from numflow.optimizers import schedules
from numflow.optimizers.adagrad import Adadelta, Adagrad
from numflow.optimizers.adam import Adam
from numflow.optimizers.adam_variants import Adamax, AdamW, Lion, Nadam
from numflow.optimizers.ftrl import Ftrl
from numflow.optimizers.loss_scale import LossScaleOptimizer
from numflow.optimizers.optimizer import Optimizer
from numflow.optimizers.rmsprop import RMSprop
from numflow.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "LossScaleOptimizer",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "schedules",
]
