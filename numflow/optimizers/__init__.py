"""Optimizers: how variables follow their gradients; schedules: how the learning rate changes.

Each loads when it is first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.optimizers import schedules
    from numflow.optimizers.adagrad import Adadelta, Adagrad
    from numflow.optimizers.adam import Adam
    from numflow.optimizers.adam_variants import Adamax, AdamW, Lion, Nadam
    from numflow.optimizers.ftrl import Ftrl
    from numflow.optimizers.loss_scale import LossScaleOptimizer
    from numflow.optimizers.optimizer import Optimizer
    from numflow.optimizers.rmsprop import RMSprop
    from numflow.optimizers.sgd import SGD

_FILES = {
    "Adadelta": "adagrad",
    "Adagrad": "adagrad",
    "Adam": "adam",
    "AdamW": "adam_variants",
    "Adamax": "adam_variants",
    "Ftrl": "ftrl",
    "Lion": "adam_variants",
    "LossScaleOptimizer": "loss_scale",
    "Nadam": "adam_variants",
    "Optimizer": "optimizer",
    "RMSprop": "rmsprop",
    "SGD": "sgd",
}


def __getattr__(name: str) -> Any:
    if name in _FILES:
        module = importlib.import_module(f"{__name__}.{_FILES[name]}")
        globals()[name] = found = getattr(module, name)
        return found
    if name == "schedules":
        return importlib.import_module(f"{__name__}.schedules")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


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
