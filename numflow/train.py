"""tf.train: checkpoints, averages of variables."""

from __future__ import annotations

from numflow.checkpointing.checkpoint import Checkpoint, CheckpointOptions
from numflow.checkpointing.manager import CheckpointManager, checkpoints_iterator
from numflow.checkpointing.reading import list_variables, load_checkpoint, load_variable
from numflow.checkpointing.state import get_checkpoint_state, latest_checkpoint
from numflow.optimizers.moving_average import ExponentialMovingAverage

__all__ = [
    "Checkpoint",
    "CheckpointManager",
    "CheckpointOptions",
    "ExponentialMovingAverage",
    "checkpoints_iterator",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
]
