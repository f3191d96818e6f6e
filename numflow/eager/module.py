"""Module: an object that knows the variables among its attributes, and those of its parts."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from numflow.eager.attachment import attached
from numflow.eager.variable import Variable

F = TypeVar("F", bound=Callable[..., Any])


class Module:
    """Base class of what has variables: models, layers.

    Variables and modules are found in attributes, also in lists, tuples and dicts, in the order of
    the attributes' names.

    Layers of nf.keras are modules, as in TensorFlow up to 2.15: a module that holds them has their
    weights, and those of a layer whose `trainable` is False are not among its trainable ones. (In
    TensorFlow 2.21 they are none: a tf.Module there does not know the weights of its layers, and
    who trains its trainable_variables leaves them as they were.)

    Example:
      >>> class Line(nf.Module):
      ...     def __init__(self):
      ...         super().__init__()
      ...         self.slope, self.shift = nf.Variable(2.0), nf.Variable(1.0, trainable=False)
      >>> line = Line()
      >>> line.name, len(line.variables), len(line.trainable_variables)
      ('line', 2, 1)
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name or _snake(type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        attached(self, name, value)

    @property
    def name(self) -> str:
        return getattr(self, "_name", _snake(type(self).__name__))

    @property
    def name_scope(self) -> Any:
        """A context that variables may be made in; names are not changed."""
        return _scope()

    @property
    def variables(self) -> tuple[Any, ...]:
        """All variables, of parts too, each once."""
        return tuple(x for x in _within(self) if isinstance(x, Variable))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those that training changes."""
        found = _within(self)
        still = [m for m in found if isinstance(m, Module) and not m._trains]
        left = {id(v) for m in still for v in m.variables}
        return tuple(
            v for v in found if isinstance(v, Variable) and v.trainable and id(v) not in left
        )

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """The others."""
        trained = {id(v) for v in self.trainable_variables}
        return tuple(v for v in self.variables if id(v) not in trained)

    @property
    def _trains(self) -> bool:
        """Whether training changes its variables: a layer may say no."""
        return True

    @property
    def submodules(self) -> tuple[Module, ...]:
        """All modules among the parts, each once."""
        return tuple(x for x in _within(self) if isinstance(x, Module))

    @classmethod
    def with_name_scope(cls, method: F) -> F:
        """A method decorator of TensorFlow's; names are not changed."""

        @functools.wraps(method)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return wrapped  # type: ignore[return-value]


@contextmanager
def _scope() -> Iterator[None]:
    yield


def _within(module: Module) -> list[Any]:
    """Variables and modules below a module: its own first, then those of its parts."""
    found: dict[int, Any] = {}
    level = [module]
    seen = {id(module)}
    while level:
        parts: list[Module] = []
        for owner in level:
            for _, value in sorted(vars(owner).items()):
                for x in _leaves(value, 0):
                    found.setdefault(id(x), x)
                    if isinstance(x, Module) and id(x) not in seen:
                        seen.add(id(x))
                        parts.append(x)
        level = parts
    found.pop(id(module), None)
    return list(found.values())


def _leaves(value: Any, depth: int) -> Iterator[Any]:
    """Variables and modules in a value, which may be a structure (not one that contains itself)."""
    if isinstance(value, Variable | Module):
        yield value
    elif depth < 100:
        items: Any = ()
        if isinstance(value, Mapping):
            items = [value[k] for k in sorted(value, key=str)]
        elif isinstance(value, list | tuple):
            items = value
        for x in items:
            yield from _leaves(x, depth + 1)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
