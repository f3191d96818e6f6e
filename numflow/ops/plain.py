"""Arguments that are no tensors: flags, numbers, words, lists; refused where they are none.

What Python would say of `float("a")` or `if array` names neither the op nor the argument.
"""

from __future__ import annotations

from typing import Any

from numflow.errors import ArgumentError, SymbolicTensorError, explain
from numflow.ops.convert import static_int

_NO_FLAGS = (str, bytes, list, tuple, dict)


def flag(value: Any, op: str, name: str) -> bool:
    """Whether an argument that is True or False, or like one of them, is set.

    Raises:
      ArgumentError: it is neither.
    """
    if value is False or value is True or value is None:
        return bool(value)
    if not isinstance(value, _NO_FLAGS):
        try:
            return bool(value)
        except SymbolicTensorError:
            raise
        except (TypeError, ValueError):
            pass
    raise _refused(value, op, name, "True or False")


def number(value: Any, op: str, name: str) -> float:
    """An argument that is one number.

    Raises:
      ArgumentError: it is none.
    """
    if not isinstance(value, str | bytes):
        try:
            return float(value)
        except SymbolicTensorError:
            raise
        except (TypeError, ValueError, OverflowError):
            pass
    raise _refused(value, op, name, "a number")


def whole(
    value: Any, op: str, name: str, least: int | None = None, most: int | None = 2**63 - 1
) -> int:
    """An argument that is one integer, from least to most.

    Raises:
      ArgumentError: it is none.
      ShapeError: it is smaller or larger.
    """
    try:
        if isinstance(value, list | tuple):
            raise ArgumentError("")
        found: int = static_int(value, op, name)
    except ArgumentError:
        raise _refused(value, op, name, "an integer") from None
    if most is not None and found > most:
        raise _refused(value, op, name, f"at most {most}")
    if least is not None and found < least:
        raise _refused(value, op, name, f"at least {least}")
    return found


def word(value: Any, op: str, name: str, allowed: tuple[str, ...] = ()) -> str:
    """An argument that is text, one of those that are allowed.

    Raises:
      ArgumentError: it is none.
    """
    if isinstance(value, str) and (not allowed or value in allowed):
        return value
    raise _refused(value, op, name, " or ".join(map(repr, allowed)) if allowed else "text")


def items(value: Any, op: str, name: str) -> list[Any]:
    """The items of an argument that is a list, a tuple, or a tensor that has an axis.

    Raises:
      ArgumentError: it is none.
    """
    if not isinstance(value, str | bytes | dict):
        try:
            return list(value)
        except SymbolicTensorError:
            raise
        except (TypeError, ValueError, AttributeError):
            pass
    raise _refused(value, op, name, "a list")


def _refused(value: Any, op: str, name: str, wanted: str) -> ArgumentError:
    return ArgumentError(explain(op, f"{name} must be {wanted}, not {_shown(value)}"))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
