"""What is learned of a loop from one trace of its body to the next; see staged_loops.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.autograph.merging import described
from numflow.autograph.options import LoopOptions
from numflow.autograph.undefined import Undefined
from numflow.control.structure import taken_apart
from numflow.errors import DTypeError, ShapeError, explain, user_line
from numflow.graph.tensor import Tensor
from numflow.tensor_shape import TensorShape


class Again(Exception):
    """The body has to be traced again, with what was learned of a name."""


class Learned:
    """What earlier traces of a body told.

    dtypes: of names that start as numbers. zeros: names that start as zeros of the specs, in the
    structure. constants: numbers that the body leaves alone; False: they seemed to be. lists: the
    form of the elements of those that grow. poisoned: names that cannot be carried, and why.
    options: of set_loop_options.
    """

    def __init__(self) -> None:
        self.dtypes: dict[str, list[dtypes.DType]] = {}
        self.zeros: dict[str, Any] = {}
        self.lists: dict[str, Any] = {}
        self.constants: dict[str, bool] = {}
        self.poisoned: dict[str, Undefined] = {}
        self.tried_numbers = False
        self.options: LoopOptions | None = None

    def poison(self, name: str, why: Undefined) -> bool:
        """Let a name have no value in the loop, nor behind it.

        Raises:
          why: it is no name, but a place that others see.
        """
        if not name.isidentifier():
            why.fail()
        self.poisoned[name] = why
        return True

    def may_change(self, name: str, before: Tensor, now: Tensor) -> bool:
        """Whether set_loop_options lets a name have another shape."""
        known = self.options is not None and name in self.options.shapes
        return known and before.spec.rank == now.spec.rank

    def open_sizes(
        self, names: Sequence[str], start: Sequence[Any], head: int
    ) -> dict[int, list[bool]]:
        """By number of a loop variable, per axis whether set_loop_options leaves its size open.

        names, start: of what is carried, behind `head` other loop variables.

        Raises:
          ShapeError: the shape that it says is not that of the variable.
        """
        found: dict[int, list[bool]] = {}
        number = head
        for name, value in zip(names, start, strict=True):
            shape = None if self.options is None else self.options.shapes.get(name)
            if shape is not None and isinstance(value, Tensor):
                wanted = TensorShape(getattr(shape, "shape", shape))
                if not wanted.is_compatible_with(value.shape):
                    problem = f"the shape invariant of {name} is not compatible with it"
                    shown = {"variable": value.spec, "invariant": wanted}
                    raise ShapeError(explain("set_loop_options", problem, shown))
                if wanted.dims is not None:
                    sizes = [getattr(d, "value", d) for d in wanted.dims]
                    found[number] = [n is None for n in sizes]
            number += len(taken_apart(value)[0])
        return {k: axes for k, axes in found.items() if any(axes)}


def unlike(name: str, before: Any, now: Any) -> Undefined:
    """What a name becomes that is something else behind the body than before it."""
    kind: type[Exception] = TypeError
    if isinstance(before, Tensor) and isinstance(now, Tensor):
        if before.dtype is not now.dtype:
            kind = DTypeError
            what = f"dtype {before.dtype.name} before the loop, but dtype {now.dtype.name}"
            fix = f"nf.cast to {before.dtype.name} in the loop"
        else:
            kind = ShapeError
            what = f"shape {before.shape} before the loop, but shape {now.shape}"
            fix = "nf.autograph.experimental.set_loop_options(shape_invariants=...)"
        text = f"has {what} after one iteration; try {fix}"
    else:
        text = f"is {described(before)} before the loop, but {described(now)} after one iteration"
    line = user_line()
    where = "" if line is None else f" ({line.file.rpartition('/')[2]}:{line.line})"
    return Undefined(name, text + where, kind)
