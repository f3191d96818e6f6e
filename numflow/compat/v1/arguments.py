"""Arguments that have an older and a newer name."""

from __future__ import annotations

from typing import Any

from numflow.errors import explain


def either(op: str, old: str, given: Any, new: str, instead: Any, default: Any = None) -> Any:
    """What was given under the one name or the other.

    Raises:
      ValueError: both were given; or neither, and there is no default.
    """
    if given is not None and instead is not None:
        raise ValueError(explain(op, f"{old} and {new} are the same argument: give one"))
    found = given if given is not None else instead
    if found is None and default is None:
        raise ValueError(explain(op, f"{new} is missing"))
    return default if found is None else found
