"""What an object consists of, and under which names: the paths of a checkpoint.

    Checkpoint, Module, objects of the user's classes   their attributes
    list, tuple, dict                                   "0", "1", ...; their keys, which are text
    Optimizer                                           iterations, learning_rate, other variables;
                                                        slots/<slot>/<path of the variable>

The first, shortest way to an object names it, in the order of attributes; further ways are noted as
links, so that a program that arranges the same objects otherwise still finds them.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numflow.eager.generator import Generator
from numflow.eager.module import Module
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.optimizers import Optimizer

_NO_OWNERS = (
    Tensor, np.ndarray, np.generic, str, bytes, int, float, complex, type, types.FunctionType,
    types.MethodType, types.BuiltinFunctionType, types.ModuleType, type(None),
)  # fmt: skip


class Container:
    """Abstract: an object that names its parts itself."""

    def checkpoint_parts(self) -> Iterator[tuple[str, Any]]:
        """(name, part) pairs."""
        raise NotImplementedError


def can_be_saved(value: Any) -> bool:
    """Whether a value is a variable or may contain some."""
    if isinstance(
        value, Variable | Container | Module | Optimizer | Generator | list | tuple | Mapping
    ):
        return True
    if isinstance(value, _NO_OWNERS) or not hasattr(value, "__dict__"):
        return False
    home = type(value).__module__.partition(".")[0]
    return home != "numflow" and home not in sys.stdlib_module_names


def parts(owner: Any) -> Iterator[tuple[str, Any]]:
    """(name, part) of each part that can be saved; slots of optimizers are left out.

    Raises:
      ValueError: a dict has a key that is no text and a value that can be saved.
    """
    for name, part in _named(owner):
        if can_be_saved(part):
            if not isinstance(name, str):
                problem = f"the key {name!r} is no text, so its value cannot be named"
                raise ValueError(explain("checkpoint", problem, {"dict": f"{owner!r:.60}"}))
            yield escaped(name), part


def _named(owner: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(owner, Container):
        yield from owner.checkpoint_parts()
    elif isinstance(owner, Optimizer):
        yield "iterations", owner._iterations
        if owner._rate is not None:
            yield "learning_rate", owner._rate
        for name, value in vars(owner).items():
            if isinstance(value, Variable | Optimizer) and name not in ("_iterations", "_rate"):
                yield name, value
    elif isinstance(owner, Mapping):
        yield from owner.items()
    elif isinstance(owner, list | tuple):
        yield from ((str(i), part) for i, part in enumerate(owner))
    elif not isinstance(owner, Variable):
        yield from vars(owner).items()


def escaped(name: str) -> str:
    """A name as one step of a path, as TensorFlow writes it.

    Example:
      >>> escaped("a/b.c")
      'a.Sb..c'
    """
    return name.replace(".", "..").replace("/", ".S")


def joined(path: str, name: str) -> str:
    """The path of a part."""
    return f"{path}/{name}" if path else name


@dataclass
class Inventory:
    """The variables that are reached from an object, by path."""

    variables: dict[str, Variable] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)  # further paths of an object
    optimizers: dict[str, Optimizer] = field(default_factory=dict)


def inventory(root: Any) -> Inventory:
    """Everything below root, slots of optimizers behind all others."""
    found = Inventory()
    seen: dict[int, str] = {id(root): ""}
    queue: deque[tuple[Any, str]] = deque([(root, "")])
    alive = []  # an id means an object only as long as that lives
    while queue:
        owner, path = queue.popleft()
        alive.append(owner)
        if isinstance(owner, Optimizer):
            found.optimizers[path] = owner
        for name, part in parts(owner):
            place = joined(path, name)
            if id(part) in seen:
                found.links[place] = seen[id(part)]
                continue
            seen[id(part)] = place
            if isinstance(part, Variable):
                found.variables[place] = part
            else:
                queue.append((part, place))
    for path, optimizer in found.optimizers.items():
        found.variables |= _slots(path, optimizer, seen)
    return found


def _slots(path: str, optimizer: Optimizer, seen: dict[int, str]) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for variable in optimizer._variables:
        for slot, value in optimizer._slots[id(variable)][1].items():
            place = joined(path, slot_path(slot, seen.get(id(variable), unnamed(variable))))
            if place in found:
                problem = "two variables outside of the checkpoint have one name, and slots"
                raise ValueError(explain("checkpoint", problem, {"name": variable.name}))
            found[place] = value
    return found


def slot_path(slot: str, variable: str) -> str:
    """The path of a slot below its optimizer."""
    return f"slots/{slot}/{variable}"


def unnamed(variable: Variable) -> str:
    """What stands for the path of a variable that is no part of the checkpoint."""
    return ":" + variable.name.removesuffix(":0")
