"""tf.train: checkpoints."""

from __future__ import annotations

from numflow.checkpointing.checkpoint import Checkpoint, CheckpointOptions
from numflow.checkpointing.manager import CheckpointManager, checkpoints_iterator
from numflow.checkpointing.reading import list_variables, load_checkpoint, load_variable
from numflow.checkpointing.state import get_checkpoint_state, latest_checkpoint

__all__ = [
    "Checkpoint",
    "CheckpointManager",
    "CheckpointOptions",
    "checkpoints_iterator",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
]
