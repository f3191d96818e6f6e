"""Which functions are to be traced as they are written, and what loops of a trace are told."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

__all__ = ["Feature", "do_not_convert", "set_loop_options"]


class Feature(enum.Enum):
    """Parts of the conversion that TensorFlow lets be chosen; here all of them are always on.

    Example:
      >>> nf.autograph.experimental.Feature.ALL.name
      'ALL'
    """

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """func, whose `if`, `while` and `for` stay Python's when it is called in a traced function.

    Args:
      func: any function; without it a decorator is returned.

    Example:
      >>> @nf.autograph.experimental.do_not_convert
      ... def double(x):
      ...     return 2 * x
      >>> double(3), double.__name__
      (6, 'double')
    """
    if func is None:
        return do_not_convert
    function = func

    @functools.wraps(function)
    def as_written(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    as_written.do_not_convert = True  # type: ignore[attr-defined]
    return as_written


def set_loop_options(
    parallel_iterations: Any = None,
    swap_memory: Any = None,
    maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:
    """Tell the `while` or `for` around it, where it becomes a loop of the program.

    It stands at the beginning of the body. In a loop that stays Python's it has no effect.

    Args:
      parallel_iterations, swap_memory: without effect.
      maximum_iterations: after so many iterations the loop ends.
      shape_invariants: pairs (variable of the loop, shape), with None for sizes that change.

    Raises:
      ValueError: a shape is given for what is no variable of the loop.

    Example:
      >>> @nf.function
      ... def halved(x):
      ...     while x > 1.0:
      ...         nf.autograph.experimental.set_loop_options(maximum_iterations=3)
      ...         x = x / 2.0
      ...     return x
      >>> halved(nf.constant(100.0)).numpy().item()
      12.5
    """
    from numflow.autograph.options import current_loop

    loop = current_loop()
    if loop is not None:
        loop.take(maximum_iterations, shape_invariants or ())
