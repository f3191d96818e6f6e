"""Drafts: what a formula reads and assigns in a variable's place, before anything is written.

An optimizer's formula speaks of a variable and its slots. Given drafts in their place, it computes
new values of some of their rows (a sparse gradient), or values that may yet be thrown away (a step
that only gathers gradients), and whoever made the drafts writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.graph.spec import Spec
from numflow.graph.tensor import Operators, Tensor
from numflow.ops.convert import as_tensor
from numflow.ops.operators import bind


class Draft(Operators):
    """A value in place of a variable: read once, assigned as often as one likes."""

    def __init__(self, whole: Any, drafts: Drafts) -> None:
        self.whole, self.drafts = whole, drafts
        self._value: Tensor | None = None
        self.changed = False

    def _as_tensor(self) -> Tensor:
        if self._value is None:
            self._value = self.drafts.read(self.whole)
        return self._value

    @property
    def spec(self) -> Spec:
        return self._as_tensor().spec

    @property
    def dtype(self) -> dtypes.DType:
        return self.whole.dtype  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        return self.whole.name  # type: ignore[no-any-return]

    def assign(self, value: Any) -> Draft:
        """Have another value from here on."""
        self._value, self.changed = as_tensor(value, self.dtype, "assign", "value"), True
        return self

    def assign_add(self, delta: Any) -> Draft:
        """Have a value that is larger by delta."""
        return self.assign(self + delta)

    def assign_sub(self, delta: Any) -> Draft:
        """Have a value that is smaller by delta."""
        return self.assign(self - delta)

    def __hash__(self) -> int:
        return id(self)


bind(Draft)


class Drafts:
    """The drafts of one step.

    read: what a draft of a variable is at first.
    """

    def __init__(self, read: Callable[[Any], Tensor]) -> None:
        self.read = read
        self._made: dict[int, Draft] = {}  # by id of the variable

    def of(self, variable: Any) -> Draft:
        """The draft of a variable, always the same one."""
        found = self._made.get(id(variable))
        if found is None:
            found = self._made[id(variable)] = Draft(variable, self)
        return found

    def changed(self) -> list[tuple[Any, Tensor]]:
        """The variables that were assigned, with their new values."""
        return [(d.whole, d._as_tensor()) for d in self._made.values() if d.changed]
