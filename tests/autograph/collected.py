"""Functions to convert, and arguments to call them with, as a decorator collects them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Collected = list[tuple[Callable[..., Any], tuple[Any, ...]]]


def collect(into: Collected) -> Callable[..., Callable[[Any], Any]]:
    """A decorator of arguments: f and they are appended."""

    def given(*args: Any) -> Callable[[Any], Any]:
        def add(f: Any) -> Any:
            into.append((f, args))
            return f

        return add

    return given
