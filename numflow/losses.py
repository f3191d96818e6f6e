"""tf.losses: what is made small in training."""

from __future__ import annotations

from numflow.ops.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from numflow.ops.loss import mean_absolute_error, mean_squared_error
from numflow.ops.loss import mean_absolute_error as MAE
from numflow.ops.loss import mean_absolute_error as mae
from numflow.ops.loss import mean_squared_error as MSE
from numflow.ops.loss import mean_squared_error as mse

__all__ = [
    "MAE",
    "MSE",
    "binary_crossentropy",
    "categorical_crossentropy",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "sparse_categorical_crossentropy",
]
