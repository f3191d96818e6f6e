"""numflow.keras.optimizers: the optimizers, under Keras's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numflow.optimizers as optimizers

if TYPE_CHECKING:
    from numflow.optimizers import (
        SGD,
        Adadelta,
        Adagrad,
        Adam,
        Adamax,
        AdamW,
        Ftrl,
        Lion,
        LossScaleOptimizer,
        Nadam,
        Optimizer,
        RMSprop,
        schedules,
    )


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(optimizers, name)
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
