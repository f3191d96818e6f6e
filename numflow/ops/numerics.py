"""Numbers that are not finite, refused: check_numerics, which hands its input on."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import InvalidArgumentError, explain
from numflow.graph.lowering import Checked
from numflow.graph.op import Array, Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops.convert import as_tensor
from numflow.ops.shape_rules import floating_like

_GRADIENT = "Not a number (NaN) or infinity (Inf) values detected in gradient. "


def found_in(x: Array) -> str:
    """Which numbers of x are not finite, in TensorFlow's words; "" where all are.

    Example:
      >>> found_in(np.array([1.0, np.inf]))
      'Inf'
    """
    kinds = [name for name, told in (("Inf", np.isinf), ("NaN", np.isnan)) if np.any(told(x))]
    return " and ".join(kinds)


def first_place(x: Array) -> list[int]:
    """The index of the first number that is not finite."""
    return [int(i) for i in np.argwhere(~np.isfinite(x))[0]]


def _reference(x: Any, *, message: str) -> Any:
    found = found_in(x)
    if found:
        where = {"first": f"element {first_place(x)}"} if np.ndim(x) else {}
        text = explain(f"{message} ", f"Tensor had {found} values", where)
        raise InvalidArgumentError(text)
    return x


def _vjp(g: Backward) -> tuple[Tensor, ...]:
    message = str(g.attrs["message"])
    if not message.startswith(_GRADIENT):
        message = _GRADIENT + message
    return (check_numerics_op(g.ct, message=message),)


check_numerics_op: Op = Op(
    "check_numerics",
    floating_like("check_numerics"),
    _reference,
    _vjp,
    Checked(
        lambda b, x, *, message: b.lt(b.abs(x), np.inf),
        lambda value, attrs: f"{attrs['message']} : Tensor had Inf or NaN values",
    ),
    effect="check",
)


def check_numerics(tensor: TensorLike, message: str, name: str | None = None) -> Tensor:
    """tensor itself, refused where a number of it is nan or infinite.

    In a traced function it is part of the loop that computes tensor, and happens even if the result
    is not used. Its gradient is the cotangent, checked likewise.

    Args:
      tensor: floating [...].
      message: what the error begins with.

    Returns:
      floating [...], tensor's numbers.

    Raises:
      InvalidArgumentError: a number is not finite: "message : Tensor had NaN values".
      DTypeError: tensor is not floating.

    Example:
      >>> nf.debugging.check_numerics([1.0, 2.0], "loss").numpy().tolist()
      [1.0, 2.0]
    """
    return check_numerics_op(as_tensor(tensor, None, "check_numerics", "tensor"), message=message)  # type: ignore[no-any-return]


def assert_all_finite(x: TensorLike, message: str, name: str | None = None) -> Tensor:
    """x itself, refused where a number of it is nan or infinite: check_numerics by another name.

    Example:
      >>> nf.debugging.assert_all_finite([1.0], "loss").numpy().tolist()
      [1.0]
    """
    return check_numerics_op(as_tensor(x, None, "assert_all_finite", "x"), message=message)  # type: ignore[no-any-return]
