"""VariableSynchronization and VariableAggregation: TensorFlow's words for variables with copies.

Here a variable is one buffer, so they are kept and shown, and change nothing but `trainable`.
"""

from __future__ import annotations

import enum


class VariableSynchronization(enum.Enum):
    """When the copies of a variable are brought together.

    Example:
      >>> v = nf.Variable(1.0, synchronization=nf.VariableSynchronization.ON_READ)
      >>> v.trainable
      False
    """

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How the copies of a variable are brought together.

    Example:
      >>> nf.Variable(1.0).aggregation
      <VariableAggregation.NONE: 0>
    """

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
