"""A Python list that grows in a loop of the program: TensorArrays behind the look of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import nest
from numflow.control.tensor_array import TensorArray
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


class StagedList:
    """What a list is in, and behind, a loop of the program that appends to it.

    Its elements are of one structure, `form`, with an array for each dtype in it. It can be
    indexed, stacked, gone through by `for`, asked for its length, and is one tensor where one is
    wanted: its elements stacked.
    """

    __slots__ = ("arrays", "form")

    def __init__(self, form: Any, arrays: Sequence[TensorArray]) -> None:
        self.form, self.arrays = form, tuple(arrays)

    @classmethod
    def starting(cls, elements: Sequence[Any], form: Any) -> StagedList:
        """A list of these elements, which others will follow; form: of each, with its dtypes."""
        made = cls(
            form,
            [
                TensorArray(dtype, 0, dynamic_size=True, clear_after_read=False)
                for dtype in nest.flatten(form)
            ],
        )
        for x in elements:
            made = made._staged_append(x)
        return made

    def _staged_append(self, value: Any) -> StagedList:
        """The list with one element more.

        Raises:
          ValueError: value has another structure than the other elements.
        """
        try:
            nest.assert_same_structure(self.form, value)
        except (ValueError, TypeError):
            problem = "an element of another structure is appended in a loop"
            raise ValueError(explain("append", problem, {"value": f"{value!r:.200}"})) from None
        leaves = nest.flatten(value)
        pairs = zip(self.arrays, leaves, strict=True)
        return StagedList(self.form, [a.write(a.size(), x) for a, x in pairs])

    def _staged_length(self) -> Tensor:
        return self.arrays[0].size()

    def _as_tensor(self) -> Tensor:
        if nest.is_nested(self.form):
            problem = "a list of structures is no tensor"
            raise TypeError(explain("autograph", problem, fix="a list for each of their parts"))
        return self.arrays[0].stack()

    def _stacked(self, axis: int) -> Tensor:
        """What nf.stack gives."""
        whole = self._as_tensor()
        last = whole.spec.rank
        if not -last <= axis < last:
            raise ShapeError(explain("stack", f"axis {axis} is not in [-{last}, {last})"))
        order = list(range(1, last))
        order.insert(axis % last, 0)
        return whole if axis % last == 0 else shaping.transpose(whole, order)

    def _joined(self, axis: int) -> Tensor:
        """What nf.concat gives."""
        whole = self._as_tensor()
        inner = whole.spec.rank - 1
        if not -inner <= axis < inner:
            raise ShapeError(explain("concat", f"axis {axis} is not in [-{inner}, {inner})"))
        axis %= inner
        moved = self._stacked(axis)
        shape = list(moved.spec.shape)
        shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
        return shaping.reshape(moved, shape)

    def __getitem__(self, key: Any) -> Any:
        return nest.pack_sequence_as(self.form, [a.stack()[key] for a in self.arrays])

    def append(self, value: Any) -> None:
        """Raises: it is a statement of its own in converted code that makes it longer."""
        problem = "a list that a loop of the program makes longer is appended to elsewhere"
        raise TypeError(explain("append", problem, fix="a statement `name.append(x)`"))

    def __repr__(self) -> str:
        return f"<a list that a loop makes longer, of {len(self.arrays)} tensors per element>"


def element_form(value: Any) -> Any:
    """The structure of an element, with the dtype of each tensor in it.

    Raises:
      TypeError: something in it is no tensor.
    """
    return nest.map_structure(lambda x: as_tensor(x).dtype, value)
