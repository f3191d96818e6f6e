"""recompute_grad: what a function computes is not kept for its gradient, but computed again.

In a trace both runs are in one graph, and equal nodes would be merged. So the second run starts
from its arguments through an op that is like no other: a view of the same elements.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from numflow import nest
from numflow.eager.apply import eager, tapes
from numflow.eager.custom_gradient import custom_gradient
from numflow.eager.tape import GradientTape
from numflow.gradient.vjp import Record
from numflow.graph.lowering import View
from numflow.graph.op import Op, current
from numflow.graph.tensor import Tensor

_run = itertools.count()  # gives every second run a number of its own
again_op = Op(
    "again",
    lambda x, *, run: x,
    lambda x, *, run: x,
    lambda g: (g.ct,),
    View(lambda layout, spec, attrs: layout),
)


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, run a second time when its gradient is wanted: less memory for more time.

    Args:
      f: takes tensors (keyword arguments are constants), returns a tensor or several. It must give
        the same both times: no random numbers, no assignments.

    Returns:
      A function that returns f's result; its gradient is that of f.

    Example:
      >>> block = nf.recompute_grad(lambda x: nf.exp(nf.sin(x)))
      >>> x = nf.constant(0.0)
      >>> with nf.GradientTape() as tape:
      ...     tape.watch(x)
      ...     y = block(x)
      >>> tape.gradient(y, x).numpy().item()
      1.0

    Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".
    """

    @custom_gradient
    def block(*args: Any, **kwargs: Any) -> Any:
        def grad(*cts: Tensor, variables: Sequence[Any] | None = None) -> Any:
            run = next(_run)
            traced = current() is not eager
            given = nest.map_structure(lambda x: again_op(x, run=run) if traced else x, args)
            sources = nest.flatten(given)
            floating = [x for x in sources if x.dtype.is_floating or x.dtype.is_complex]
            with GradientTape() as tape:
                tape.watch(floating)
                again = f(*given, **kwargs)
            wanted = [floating, list(variables or ())]
            of_floating, of_variables = tape.gradient(nest.flatten(again), wanted, list(cts))
            found = iter(of_floating)
            grads = [next(found) if any(x is s for s in floating) else None for x in sources]
            return grads if variables is None else (grads, of_variables)

        return _unrecorded(f, args, kwargs), grad

    functools.update_wrapper(block, f)
    return block  # type: ignore[no-any-return]


class _Blind:
    """Stands for a tape while nothing is recorded: it hears of variables only."""

    def __init__(self, tape: Any) -> None:
        self._tape = tape

    def record(self, record: Record) -> None:
        """Nothing is recorded."""

    def accessed(self, variable: Any, value: Tensor) -> None:
        self._tape.accessed(variable, value)

    def assigned(self, variable: Any, value: Tensor) -> None:
        """No gradient passes there anyway."""

    def watches(self, tensor: Tensor) -> bool:
        return False

    def would_watch(self, variable: Any) -> bool:
        return False


def _unrecorded(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The result of f; tapes keep nothing of what it did."""
    recording = tapes.items
    tapes.items = [_Blind(tape) for tape in recording]
    try:
        return f(*args, **kwargs)
    finally:
        tapes.items = recording
