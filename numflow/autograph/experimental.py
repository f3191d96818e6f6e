"""Which functions are to be traced as they are written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["do_not_convert"]


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
