"""custom_gradient: a function with a gradient of the user's own.

The function runs as it is, and what it computes passes through one more op that hands its first
inputs on and whose gradient rule asks the user's function. Compiled, that op is nothing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from numflow import nest
from numflow.eager.apply import tapes
from numflow.errors import ArgumentError, DTypeError, ShapeError, explain
from numflow.gradient.vjp import Record
from numflow.graph.lowering import Composite
from numflow.graph.op import Backward, Op, current
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


def _infer(*specs: Spec, outputs: int, grad: Any) -> tuple[Spec, ...]:
    return specs[:outputs]


def _pass_on(*values: Any, outputs: int, grad: Any) -> tuple[Any, ...]:
    return values[:outputs]


def _vjp(g: Backward) -> Sequence[Tensor | None]:
    cts = [
        shaping.zeros_like(y) if ct is None else ct for ct, y in zip(g.cts, g.outputs, strict=True)
    ]
    return [*[None] * len(cts), *g.attrs["grad"](cts)]


custom_op = Op("custom_gradient", _infer, _pass_on, _vjp, Composite(_pass_on))


class _Reads:
    """Notes which variables are read meanwhile."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[Any, Tensor]] = {}  # the last value of each, by id
        self._place = current()  # what loops inside read is read here first

    def record(self, record: Record) -> None:
        """Nothing is recorded."""

    def accessed(self, variable: Any, value: Tensor) -> None:
        if variable.trainable and current() is self._place:
            self.found[id(variable)] = variable, value

    def assigned(self, variable: Any, value: Tensor) -> None:
        """What is written is no source."""

    def watches(self, tensor: Tensor) -> bool:
        return False

    def would_watch(self, variable: Any) -> bool:
        return False


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """f with the gradient that it gives itself.

    Args:
      f: takes tensors, returns (result, grad). grad takes a cotangent for each tensor of the result
        and returns one for each positional argument of f, None where there is none. If f reads
        trainable variables, grad takes `variables=` too and returns (those, a list for these).

    Returns:
      A function that returns f's result.

    Raises:
      TypeError: f reads variables and grad does not take them.

    Example:
      >>> @nf.custom_gradient
      ... def log1pexp(x):
      ...     e = nf.exp(x)
      ...     return nf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
      >>> x = nf.constant(100.0)
      >>> with nf.GradientTape() as tape:
      ...     tape.watch(x)
      ...     y = log1pexp(x)
      >>> tape.gradient(y, x).numpy().item()
      1.0

    Source: https://www.tensorflow.org/api_docs/python/tf/custom_gradient
    """
    if f is None:
        return custom_gradient

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tensors = nest.map_structure(as_tensor, args)
        reads = _Reads()
        tapes.add(reads)
        try:
            given = f(*tensors, **kwargs)
        finally:
            tapes.remove(reads)
        if not isinstance(given, list | tuple) or len(given) != 2 or not callable(given[1]):
            problem = "the function must return its result and a function of gradients"
            raise ArgumentError(explain("custom_gradient", problem))
        result, grad = given
        outputs = [as_tensor(y) for y in nest.flatten(result)]
        sources = nest.flatten(tensors)
        variables = [v for v, _ in reads.found.values()]
        if variables and not _takes_variables(grad):
            raise TypeError(
                explain(
                    "custom_gradient",
                    "the function reads variables, and its gradient does not take `variables`",
                    {"variables": ", ".join(v.name for v in variables)},
                )
            )

        def rule(cts: Sequence[Tensor]) -> list[Any]:
            found = grad(*cts, variables=variables) if variables else grad(*cts)
            of_arguments, of_variables = found if variables else (found, ())
            grads = [*nest.flatten(of_arguments), *nest.flatten(list(of_variables))]
            if len(grads) != len(sources) + len(variables):
                raise ValueError(
                    explain(
                        "custom_gradient",
                        f"gives {len(grads)} gradients for {len(sources)} arguments "
                        f"and {len(variables)} variables",
                    )
                )
            return [
                _fitting(k, g, x)
                for k, (g, x) in enumerate(zip(grads, [*sources, *values], strict=True))
            ]

        values = [value for _, value in reads.found.values()]
        passed = custom_op(*outputs, *sources, *values, outputs=len(outputs), grad=rule)
        return nest.pack_sequence_as(result, [passed] if len(outputs) == 1 else list(passed))

    return wrapped


def _fitting(k: int, gradient: Any, source: Any) -> Tensor | None:
    """A gradient that the user's function gives, refused unless it is one of the source.

    Raises:
      ShapeError, DTypeError: its shape or dtype is another.
    """
    if gradient is None or not isinstance(source, Tensor):
        return None if gradient is None else as_tensor(gradient)
    found = as_tensor(gradient, None, "custom_gradient", f"gradient {k}")
    have, want = found.spec, source.spec
    shown = {"argument": want, "gradient": have}
    if want.dtype.is_floating and have.dtype is not want.dtype:
        problem = f"gradient {k} is {have.dtype.name}, not {want.dtype.name}"
        raise DTypeError(explain("custom_gradient", problem, shown))
    if have.known and want.known and have.shape != want.shape and have.rank:
        problem = f"gradient {k} has not the shape of its argument"
        raise ShapeError(explain("custom_gradient", problem, shown))
    return found


def _takes_variables(grad: Callable[..., Any]) -> bool:
    parameters = inspect.signature(grad).parameters.values()
    return any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """f with the gradient of the identity: cotangents pass as if f were not there.

    Args:
      f: takes a tensor (or several of one shape) and returns one of that shape.

    Example:
      >>> x = nf.constant(3.0)
      >>> with nf.GradientTape() as tape:
      ...     tape.watch(x)
      ...     y = nf.grad_pass_through(lambda x: x**2)(x)
      >>> y.numpy().item(), tape.gradient(y, x).numpy().item()
      (9.0, 1.0)
    """

    @custom_gradient
    def passing(*args: Any, **kwargs: Any) -> Any:
        def grad(*cts: Any, variables: Sequence[Any] | None = None) -> Any:
            grads = [*cts, *[None] * (len(args) - len(cts))]
            return grads if variables is None else (grads, [None] * len(variables))

        return f(*args, **kwargs), grad

    functools.update_wrapper(passing, f)
    return passing  # type: ignore[no-any-return]
