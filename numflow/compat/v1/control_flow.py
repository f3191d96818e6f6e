"""Branches and loops with TensorFlow 1.x's parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.control import branches, functional
from numflow.control import while_loop as loops
from numflow.control.functional import vectorized_map
from numflow.control.tensor_array import TensorArray
from numflow.control.tensor_array_spec import TensorArraySpec

__all__ = [
    "TensorArray",
    "TensorArraySpec",
    "case",
    "cond",
    "foldl",
    "foldr",
    "map_fn",
    "scan",
    "switch_case",
    "vectorized_map",
    "while_loop",
]

case = branches.case
switch_case = branches.switch_case
foldl = functional.foldl
foldr = functional.foldr
map_fn = functional.map_fn
scan = functional.scan


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """What true_fn() gives if pred, else what false_fn() gives; see nf.cond.

    Args:
      strict: False unpacks a list or tuple of one.
      fn1, fn2: old names of true_fn and false_fn.

    Raises:
      TypeError: a function is given twice, or not at all.

    Example:
      >>> nf.compat.v1.cond(True, lambda: [nf.constant(1)], lambda: [nf.constant(2)]).numpy().item()
      1
    """
    if fn1 is not None and true_fn is not None:
        raise TypeError("cond(): 'true_fn' and 'fn1' may not be set simultaneously.")
    if fn2 is not None and false_fn is not None:
        raise TypeError("cond(): 'false_fn' and 'fn2' may not be set simultaneously.")
    found = branches.cond(pred, fn1 or true_fn, fn2 or false_fn, name)
    plain = type(found) in (list, tuple) and len(found) == 1
    return found[0] if plain and not strict else found


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """loop_vars = body(*loop_vars), as long as cond(*loop_vars); see nf.while_loop.

    Args:
      return_same_structure: False gives the only variable of a list of one by itself.

    Example:
      >>> nf.compat.v1.while_loop(lambda k: k < 5, lambda k: k + 2, [0]).numpy().item()
      6
    """
    found = loops.while_loop(
        cond,
        body,
        loop_vars,
        shape_invariants,
        parallel_iterations,
        back_prop,
        swap_memory,
        maximum_iterations,
        name,
    )
    return found[0] if len(found) == 1 and not return_same_structure else found
