"""What set_loop_options asks of the loop that is being traced."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class LoopOptions:
    """names: of the state, with the values that the body starts with; given: anything was asked."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self.given = False
        self.maximum_iterations: Any = None
        self.shapes: dict[str, Any] = {}

    def take(self, maximum_iterations: Any, shape_invariants: Sequence[tuple[Any, Any]]) -> None:
        """Note what is asked.

        Raises:
          ValueError: a shape is given for what is no variable of the loop.
        """
        self.given = True
        self.maximum_iterations = maximum_iterations
        for value, shape in shape_invariants:
            found = [n for n, v in self._names.items() if v is value]
            if not found:
                raise ValueError(
                    f"set_loop_options: {value!r} is no variable of this loop at its beginning"
                )
            self.shapes[found[0]] = shape


class _Loops(threading.local):
    def __init__(self) -> None:
        self.stack: list[LoopOptions] = []


_loops = _Loops()


@contextmanager
def within_loop(names: dict[str, Any]) -> Iterator[LoopOptions]:
    """The body of a loop is traced meanwhile."""
    options = LoopOptions(names)
    _loops.stack.append(options)
    try:
        yield options
    finally:
        _loops.stack.pop()


def current_loop() -> LoopOptions | None:
    """The innermost staged loop whose body is being traced in this thread."""
    return _loops.stack[-1] if _loops.stack else None
