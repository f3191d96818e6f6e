"""grad and value_and_grad: derivatives as functions of functions.

They open a tape around a call; so they nest, and work in traced functions and out of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numflow import nest
from numflow.eager.tape import GradientTape
from numflow.errors import DTypeError, ShapeError, explain
from numflow.gradient.unconnected import UnconnectedGradients
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns (f's value, its gradient).

    Args:
      f: returns a scalar; with has_aux a pair of a scalar and anything else.
      argnums: which positional arguments to differentiate for: a number, or several. They are
        tensors, arrays, floats, variables, or structures of them.
      has_aux: f returns (scalar, aux), and the value is that pair.

    Returns:
      A function of f's arguments. The gradient has the structure of the argument, or is a tuple
      with one for each of argnums; it is zero where f does not depend on the argument.

    Raises (when called):
      DTypeError: an argument to differentiate for, or the value, is not floating.
      ShapeError: the value is no scalar.
      IndexError: there is no such argument.

    Example:
      >>> loss = lambda w, x: nf.reduce_sum((w["a"] * x + w["b"]) ** 2)
      >>> value, slopes = nf.value_and_grad(loss)({"a": 2.0, "b": 1.0}, 3.0)
      >>> float(value), float(slopes["a"]), float(slopes["b"])
      (49.0, 42.0, 14.0)
    """
    if not callable(f):
        raise TypeError(explain("value_and_grad", f"{f!r} is no function"))

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        single = isinstance(argnums, int)
        numbers = [argnums] if isinstance(argnums, int) else list(argnums)
        places = [_place(n, args) for n in numbers]
        given = list(args)
        with GradientTape() as tape:
            for k in places:
                given[k] = nest.map_structure(_source, args[k])
            sources = [given[k] for k in places]
            tape.watch([x for x in nest.flatten(sources) if isinstance(x, Tensor)])
            result = f(*given, **kwargs)
            value, aux = _pair(result) if has_aux else (result, None)
            target = _scalar(value)
        found = tape.gradient(target, sources, unconnected_gradients=UnconnectedGradients.ZERO)
        gradients = found[0] if single else tuple(found)
        return ((target, aux) if has_aux else target), gradients

    return derivative


def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns f's gradient; see `value_and_grad`.

    Args:
      f, argnums, has_aux: as there. With has_aux it returns (gradient, aux).

    Example:
      >>> cube = lambda x: x**3
      >>> float(nf.grad(cube)(2.0)), float(nf.grad(nf.grad(cube))(2.0))
      (12.0, 12.0)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return derivative


def _place(number: int, args: Sequence[Any]) -> int:
    if not -len(args) <= number < len(args):
        problem = f"there is no positional argument {number}, of {len(args)}"
        raise IndexError(explain("grad", problem))
    return number % len(args)


def _source(x: Any) -> Any:
    """A tensor of its own for an argument, so that only what f does with it counts."""
    if not isinstance(x, Tensor) and hasattr(x, "_as_tensor"):
        return x
    tensor = shaping.identity(as_tensor(x, None, "grad", "argument"))
    if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
        fix = "a float, or argnums= of another argument"
        raise DTypeError(
            explain("grad", "an argument is not floating", {"argument": tensor.spec}, fix)
        )
    return tensor


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple | list) or len(result) != 2:
        problem = "with has_aux the function returns a pair (scalar, aux)"
        raise TypeError(explain("grad", problem, {"result": repr(result)[:200]}))
    return result[0], result[1]


def _scalar(value: Any) -> Tensor:
    tensor = as_tensor(value, None, "grad", "value")
    if tensor.spec.shape:
        problem = "the function's value is no scalar"
        raise ShapeError(explain("grad", problem, {"value": tensor.spec}, fix="nf.reduce_sum"))
    if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
        raise DTypeError(
            explain("grad", "the function's value is not floating", {"value": tensor.spec})
        )
    return tensor
