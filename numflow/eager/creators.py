"""variable_creator_scope: functions that take part in making variables."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Creator = Callable[..., Any]


class _Creators(threading.local):
    """In force in this thread, the outermost first."""

    def __init__(self) -> None:
        self.items: list[Creator] = []


_creators = _Creators()


class Creation(type):
    """The class of Variable: making one asks the creators in force."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of __init__; inspect would show that of __call__."""
        whole = inspect.signature(inspect.getattr_static(cls, "__init__"))
        return whole.replace(parameters=list(whole.parameters.values())[1:])

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """A new variable; what the innermost creator gives."""
        if not _creators.items:
            return super().__call__(*args, **kwargs)
        made, items = super().__call__, _creators.items
        given = inspect.signature(cls).bind(*args, **kwargs)
        given.apply_defaults()

        def create(level: int, **chosen: Any) -> Any:
            # What a creator makes by itself is for the creators around it.
            kept, _creators.items = _creators.items, items[: max(0, level - 1)]
            try:
                if not level:
                    return made(**chosen)
                return items[level - 1](functools.partial(create, level - 1), **chosen)
            finally:
                _creators.items = kept

        return create(len(items), **given.arguments)


@contextmanager
def variable_creator_scope(variable_creator: Creator) -> Iterator[None]:
    """Let a function take part in making the variables of this thread.

    Args:
      variable_creator: called as variable_creator(next_creator, **arguments of Variable), and
        returns a variable: usually next_creator(**arguments), perhaps of changed ones. The
        innermost scope is asked first; its next_creator is the scope around it.

    Example:
      >>> def untrained(next_creator, **arguments):
      ...     return next_creator(**{**arguments, "trainable": False})
      >>> with nf.variable_creator_scope(untrained):
      ...     v = nf.Variable(1.0)
      >>> v.trainable
      False
    """
    kept = _creators.items
    _creators.items = [*kept, variable_creator]
    try:
        yield
    finally:
        _creators.items = kept
