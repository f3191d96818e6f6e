"""no_op, group, tuple, control_dependencies, timestamp.

A traced function runs in the order in which it was written: what has an effect (an assignment, an
assertion, a print, Python code) keeps its place and is never dropped. So a control dependency adds
nothing to a trace but the promise that what is named exists and happens before; these functions
check that, and give TensorFlow's results.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import numpy as np

from numflow import dtypes, nest
from numflow.errors import explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.operation import Operation, building, made_by
from numflow.graph.scopes import Place, here
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

# --- nothing, and several as one -------------------------------------------------


def no_op(name: str | None = None) -> Operation | None:
    """Do nothing: None eagerly, an Operation in a traced function.

    Example:
      >>> nf.no_op()
    """
    return None if building() is None else Operation(name or "no_op")


def group(*inputs: Any, **kwargs: Any) -> Operation | None:
    """One name for several operations and tensors.

    Args:
      inputs: Operations, tensors, variables, None (what an assertion gives eagerly), or nested
        lists of them.
      kwargs: name.

    Returns:
      None eagerly; in a traced function an Operation of what they are.

    Raises:
      TypeError: something else, or an unknown keyword.

    Example:
      >>> nf.group(nf.no_op(), nf.constant(1.0))
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError(explain("group", f"Unknown keyword arguments: {', '.join(kwargs)}"))
    found = [n for x in nest.flatten(list(inputs)) for n in _nodes(x, "group")]
    return None if building() is None else Operation(name or "group", dict.fromkeys(found))


def _nodes(x: Any, op: str) -> list[Any]:
    """The nodes behind what may be depended on.

    Raises:
      TypeError: it may not.
    """
    if isinstance(x, Operation):
        return builtins.list(x.nodes)
    if isinstance(x, SymbolicTensor):
        return made_by([x])
    if x is None or isinstance(x, Tensor) or hasattr(x, "_as_tensor") or hasattr(x, "values"):
        return []
    problem = f"an Operation, tensor or variable is wanted, not {type(x).__name__}"
    raise TypeError(explain(op, problem, {"given": repr(x)[:200]}))


def tuple(tensors: Iterable[Any], control_inputs: Any = None, name: str | None = None) -> list[Any]:
    """The tensors in a list, all of them computed once one is used: as everything here is.

    Args:
      tensors: tensors, variables, or None.
      control_inputs: Operations and tensors that come before.

    Raises:
      ValueError: there is no tensor among them.
      TypeError: something else.

    Example:
      >>> [t.numpy().item() for t in nf.tuple([nf.constant(1), nf.constant(2)])]
      [1, 2]
    """
    for x in builtins.list(control_inputs or ()):
        _nodes(x, "tuple")
    got = [None if t is None else as_tensor(t, None, "tuple", "tensors") for t in tensors]
    if got and all(t is None for t in got):
        raise ValueError(explain("tuple", "Must have at least one Tensor"))
    return [None if t is None else shaping.identity(t) for t in got]


# --- order -------------------------------------------------------------------------


class control_dependencies:
    """What is made inside comes after control_inputs.

    In a traced function it does so anyway, and effects are never dropped; see the file.

    Args:
      control_inputs: Operations, tensors, variables, None; a function of none eagerly, or None for
        all: it clears what outer ones say.

    Raises:
      TypeError: something else among them.

    Example:
      >>> @nf.function
      ... def f(x):
      ...     with nf.control_dependencies([nf.debugging.assert_positive(x)]):
      ...         return nf.sqrt(x)
      >>> f(4.0).numpy().item()
      2.0
    """

    def __init__(self, control_inputs: Any) -> None:
        given = () if control_inputs is None or callable(control_inputs) else control_inputs
        self._nodes = builtins.tuple(
            n for x in nest.flatten(builtins.list(given)) for n in _nodes(x, "control_dependencies")
        )
        self._places: list[Place] = []

    def __enter__(self) -> None:
        place = here()
        self._places.append(place)
        place.dependencies.append(self._nodes)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._places.pop().dependencies.pop()


# --- time ----------------------------------------------------------------------------

timestamp_op = Op(
    "timestamp",
    lambda: Spec((), dtypes.float64),
    lambda: np.float64(time.time()),
    None,
    HostCall("the clock is read in Python"),
    effect="host",
)


def timestamp(name: str | None = None) -> Tensor:
    """Seconds since 1970, float64 []: of the moment when the program comes by.

    Example:
      >>> bool(nf.timestamp() <= nf.timestamp())
      True
    """
    return timestamp_op()
