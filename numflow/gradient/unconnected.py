"""What stands for a gradient that does not exist. Why it does not: reasons.py."""

from __future__ import annotations

import enum


class UnconnectedGradients(enum.Enum):
    """What stands for the gradient of a source that the target does not depend on."""

    NONE = "none"
    ZERO = "zero"


def unconnected_kind(value: UnconnectedGradients | str) -> UnconnectedGradients:
    """The member that a caller means.

    Raises:
      ValueError: neither "none" nor "zero".
    """
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}") from None
