"""Numbers that are not finite, refused: check_numerics, and the check of every op's output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, explain, user_line
from numflow.graph.lowering import Checked
from numflow.graph.op import Array, Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops.array_text import array_text
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
    return check_numerics_op(as_tensor(tensor, None, "check_numerics", "tensor"), message=message)


def assert_all_finite(x: TensorLike, message: str, name: str | None = None) -> Tensor:
    """x itself, refused where a number of it is nan or infinite: check_numerics by another name.

    Example:
      >>> nf.debugging.assert_all_finite([1.0], "loss").numpy().tolist()
      [1.0]
    """
    return check_numerics_op(as_tensor(x, None, "assert_all_finite", "x"), message=message)


# --- watching every op: enable_check_numerics ----------------------------------


class Origin(NamedTuple):
    """Whose output a check looks at. implied: a later check sees what is not finite here, too, so
    the program makes this one only to find where it began."""

    op: str
    output: int
    outputs: int
    implied: bool = False


def detected(origin: Origin, x: Array, inputs: Sequence[Array], where: str) -> str:
    """TensorFlow's text about an output that is not finite; where: "graph" or "eagerly-executing".

    Example:
      >>> print(detected(Origin("log", 0, 1), np.array([-np.inf]), [np.zeros(1)], "graph"))
      !!! Detected Infinity or NaN in output 0 of graph op "log" (# of outputs: 1) !!!
        dtype: float64
        shape: (1,)
        # of -Inf elements: 1
        first: element [0], -inf
        Input tensor: float64 (1,) [0]
    """
    head = f"!!! Detected Infinity or NaN in output {origin.output} of {where} op "
    lines = [f'{head}"{origin.op}" (# of outputs: {origin.outputs}) !!!']
    lines += [f"  dtype: {dtypes.from_numpy(x.dtype).name}", f"  shape: {x.shape}"]
    parts = np.stack([x.real, x.imag]) if np.iscomplexobj(x) else x
    counts = {"-Inf": np.isneginf(parts), "+Inf": np.isposinf(parts), "NaN": np.isnan(parts)}
    lines += [f"  # of {k} elements: {int(n.sum())}" for k, n in counts.items() if n.any()]
    place = first_place(x)
    lines.append(f"  first: element {place}, {x[tuple(place)]}")
    shown = [f"{dtypes.from_numpy(a.dtype).name} {a.shape} {array_text(a)}" for a in inputs]
    if len(shown) == 1:
        lines.append(f"  Input tensor: {shown[0]}")
    elif shown:
        lines.append(f"  Input tensors ({len(shown)}):")
        lines += [f"    {k}: {text}" for k, text in enumerate(shown)]
    return "\n".join(lines)


def _finite_reference(x: Any, *inputs: Any, origin: Origin) -> Any:
    if not np.all(np.isfinite(x)):
        text = detected(origin, np.asarray(x), [np.asarray(a) for a in inputs], "graph")
        line = user_line()
        raise InvalidArgumentError(text if line is None else f"{text}\n  at {line}")
    return x


finite_op = Op(
    "finite",
    lambda x, *inputs, origin: x,
    _finite_reference,
    lambda g: (g.ct, *[None] * (len(g.inputs) - 1)),
    Checked(
        lambda b, x, *, origin: b.lt(b.abs(x), np.inf),
        lambda value, attrs: f"{attrs['origin'].op} gave {value}",
    ),
    effect="check",
)
