"""What a name is behind a branch: one value of two.

the same object            stays
structures of one form     merged leaf by leaf
tensors and numbers        a tensor; a number takes the dtype of the tensor in the other arm
anything else              an Undefined that names both, should anybody read it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes, nest
from numflow.autograph.staged_list import StagedList, element_form
from numflow.autograph.undefined import MaybeUnset, Undefined
from numflow.control.array_buffers import is_unset, resized
from numflow.control.branches import Traced
from numflow.control.nested import Nested
from numflow.control.structure import taken_apart
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.op import interpreting
from numflow.graph.tensor import Tensor
from numflow.ops import run_time, slicing
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.rearrange import pad
from numflow.shapes import maximum
from numflow.shapes import run_time as is_run_time

ARMS = ("the main branch", "the else branch")


class Unlike(Exception):
    """Two values cannot be one. kind: of the exception that a reader gets."""

    def __init__(self, why: str, kind: type[Exception]) -> None:
        super().__init__(why)
        self.why, self.kind = why, kind


def is_number(x: Any) -> bool:
    """Whether x is a number of Python's, of which a trace makes a tensor as it needs."""
    if isinstance(x, bool | int | float | complex):
        return True
    return type(x) is not Undefined and hasattr(x, "_weak_tensor")


def is_leaf(x: Any) -> bool:
    """Whether x is, or can be, one tensor."""
    if isinstance(x, Tensor | np.ndarray | np.generic) or is_number(x):
        return True
    if type(x) in (Undefined, StagedList) or type(x) in COMPOSITES:
        return False
    return hasattr(x, "_as_tensor")


def dtype_of(x: Any) -> dtypes.DType | None:
    """The dtype that a value insists on; None of numbers, which adapt."""
    if is_number(x):
        return None
    if isinstance(x, np.ndarray | np.generic):
        return dtypes.as_dtype(x.dtype)
    return x.dtype  # type: ignore[no-any-return]


def common_dtype(values: Sequence[Any]) -> dtypes.DType | None:
    """The dtype that values, of which at least one is a number, have together; None: any."""
    found = [d for d in map(dtype_of, values) if d is not None]
    if found:
        return found[0]
    if all(isinstance(v, bool) for v in values):
        return dtypes.bool
    if any(isinstance(v, bool) for v in values):
        return None
    if any(isinstance(v, complex) for v in values):
        return dtypes.complex64
    integers = all(isinstance(v, int) for v in values)
    return None if integers else dtypes.float32


def described(x: Any) -> str:
    """A value in messages."""
    if isinstance(x, Tensor):
        return f"a tensor {x.spec}"
    if x is None or isinstance(x, bool | int | float | str):
        return f"{x!r:.40}"
    return f"a list of {len(x)}" if isinstance(x, list) else f"an object of {type(x).__name__}"


class Merging:
    """The values of two arms, and the tensors that stand for them behind the branch.

    arms: the interpreters that traced them.
    """

    def __init__(self, arms: Sequence[Nested]) -> None:
        self._arms = arms
        self._tensors: tuple[list[Any], list[Any]] = [], []

    def add(self, x: Any, y: Any) -> Any:
        """What stands for two values until the node is made: for `finished`.

        Raises:
          Unlike: they cannot be one.
        """
        if x is y:
            return _Kept(x)
        x, y = _opened(x), _opened(y)
        if x is y or (type(x) is type(y) and isinstance(x, str | bytes) and x == y):
            return _Kept(x)
        if is_leaf(x) and is_leaf(y):
            return self._leaf(x, y)
        if type(x) is type(y) and type(x) in COMPOSITES:
            return self._composite(x, y)
        if type(x) is type(y) is StagedList:
            arrays = [self._composite(p, q) for p, q in zip(x.arrays, y.arrays, strict=True)]
            return _List(x.form, arrays)
        if isinstance(x, str) and isinstance(y, str):
            return self._pair(x, y, dtypes.string)
        if type(x) is type(y) and nest.is_nested(x):
            return self._structure(x, y)
        raise Unlike(f"is {described(x)} in {ARMS[0]}, but {described(y)} in {ARMS[1]}", TypeError)

    def add_lists(self, x: Any, y: Any) -> Any:
        """The same of two lists that arms appended to; of different lengths they become arrays.

        Raises:
          Unlike: they cannot be one.
        """
        lengths = {len(v) for v in (x, y) if type(v) is list}
        if type(x) is type(y) is list and len(lengths) == 1:
            return self.add(x, y)
        try:
            form = self._form(x, y)
            made = []
            for arm, value in zip(self._arms, (x, y), strict=True):
                with interpreting(arm):
                    array = StagedList.starting(value, form) if type(value) is list else value
                made.append(array)
        except (TypeError, ValueError) as e:
            raise Unlike(f"is a list that grows in one branch only: {e}", TypeError) from e
        if made[0].form != made[1].form:
            raise Unlike("is a list of other elements in each branch", TypeError)
        pairs = zip(made[0].arrays, made[1].arrays, strict=True)
        return _List(made[0].form, [self._array(p, q) for p, q in pairs])

    def _form(self, x: Any, y: Any) -> Any:
        """The form of the elements of two lists, of which one is longer."""
        for arm, value in zip(self._arms, (x, y), strict=True):
            if type(value) is StagedList:
                return value.form
            if value:
                with interpreting(arm):
                    return element_form(value[-1])
        return None

    def _array(self, x: Any, y: Any) -> Any:
        """Two arrays, with buffers of one length."""
        opened = []
        for arm, array in zip(self._arms, (x, y), strict=True):
            with interpreting(arm):
                opened.append(array._opened())
        buffers = [parts[0] for _, parts in opened]
        shapes = [b.spec.shape for b in buffers]
        rows = maximum(shapes[0][0], shapes[1][0])
        inner = shapes[1 if is_unset(shapes[0]) else 0][1:]
        for k, arm in enumerate(self._arms):
            with interpreting(arm):
                if is_unset(shapes[k]):
                    buffers[k] = shaping.zeros((rows, *inner), buffers[k].dtype)
                buffers[k] = resized(buffers[k], rows)
        lengths = self._place(opened[0][1][1], opened[1][1][1])
        return _Composite(type(x), opened[0][0], [self._place(*buffers), lengths])

    def _leaf(self, x: Any, y: Any) -> Any:
        if is_number(x) and type(x) is type(y) and x == y:
            return _Kept(x)
        a, b = dtype_of(x), dtype_of(y)
        if a is not b and a is not None and b is not None:
            raise Unlike(
                f"has dtype {a.name} in {ARMS[0]}, but dtype {b.name} in {ARMS[1]}", TypeError
            )
        dtype = a or b or common_dtype((x, y))
        if dtype is None and isinstance(x, bool) is not isinstance(y, bool):
            raise Unlike(f"is {x!r} in {ARMS[0]}, but {y!r} in {ARMS[1]}", TypeError)
        return self._pair(x, y, dtype)

    def _pair(self, x: Any, y: Any, dtype: dtypes.DType | None) -> Any:
        made = []
        for arm, value in zip(self._arms, (x, y), strict=True):
            with interpreting(arm):
                try:
                    made.append(arm.capture(as_tensor(value, dtype)))
                except (TypeError, ValueError) as e:
                    raise Unlike(
                        f"is {described(x)} in {ARMS[0]}, but {described(y)} in {ARMS[1]}",
                        TypeError,
                    ) from e
        return self._of_one_shape(made[0], made[1])

    def _of_one_shape(self, x: Tensor, y: Tensor) -> Any:
        """What stands for two tensors of one shape, or of one number of axes.

        Raises:
          Unlike: they have not.
        """
        a, b = x.spec.shape, y.spec.shape
        if a == b or (len(a) == len(b) and run_time.may_be_equal(a, b)):
            return self._place(x, y)
        if len(a) == len(b) and not any(map(is_run_time, (*a, *b))):
            return self._of_any_size(x, y)
        raise Unlike(
            f"has shape {x.shape} in {ARMS[0]}, but shape {y.shape} in {ARMS[1]}", ValueError
        )

    def _of_any_size(self, x: Tensor, y: Tensor) -> Any:
        """Two tensors of different sizes: both as large as the larger, and their own sizes."""
        whole = [maximum(n, m) for n, m in zip(x.spec.shape, y.spec.shape, strict=True)]
        padded, sizes = [], []
        for arm, t in zip(self._arms, (x, y), strict=True):
            with interpreting(arm):
                more = [(0, n - m) for n, m in zip(whole, t.spec.shape, strict=True)]
                padded.append(arm.capture(pad(t, more)))
                sizes.append(arm.capture(shaping.shape(t)))
        return _Part(self._place(*padded), self._place(*sizes))

    def _place(self, x: Tensor, y: Tensor) -> _Joined:
        self._tensors[0].append(x)
        self._tensors[1].append(y)
        return _Joined(len(self._tensors[0]) - 1)

    def _composite(self, x: Any, y: Any) -> Any:
        with interpreting(self._arms[0]):
            kept, parts = x._opened()
        with interpreting(self._arms[1]):
            others = y._opened()[1]
        if len(parts) != len(others) or any(
            (p is None) is not (q is None) or (p is not None and p.dtype is not q.dtype)
            for p, q in zip(parts, others, strict=True)
        ):
            raise Unlike(f"is another {type(x).__name__} in each branch", TypeError)
        pairs = zip(parts, others, strict=True)
        joined = [_Kept(p) if p is q else self._place(p, q) for p, q in pairs]
        return _Composite(type(x), kept, joined)

    def _structure(self, x: Any, y: Any) -> Any:
        try:
            nest.assert_same_structure(x, y)
        except (ValueError, TypeError):
            what = f"is {described(x)} in {ARMS[0]}, but {described(y)} in {ARMS[1]}"
            raise Unlike(f"has another structure in each branch: it {what}", ValueError) from None
        pairs = zip(nest.flatten(x), nest.flatten(y), strict=True)
        return _Structure(x, [self.add(p, q) for p, q in pairs])

    def alone(self, arm: int, value: Any) -> Any:
        """A value of one arm; zeros stand for it in the other.

        Raises:
          Unlike: it is no tensor.
        """
        other = self._arms[1 - arm]

        def leaf(x: Any) -> Any:
            if not is_leaf(x):
                raise Unlike(f"is {described(x)}", TypeError)
            with interpreting(self._arms[arm]):
                here = self._arms[arm].capture(as_tensor(x))
            with interpreting(other):
                there = other.capture(shaping.zeros(here.spec.shape, here.dtype))
            return self._place(*((here, there) if arm == 0 else (there, here)))

        value = _opened(value)
        if value is None:
            return _Kept(None)
        return _Structure(value, [leaf(x) for x in nest.flatten(value)])

    def traced(self) -> list[Traced]:
        """The arms as branches: of what they give, in the order of `index` 0 (else) and 1."""
        out = []
        for k in (1, 0):
            tensors, form = taken_apart(self._tensors[k])
            out.append(Traced(ARMS[k], self._arms[k], tensors, form))
        return out


class _Kept:
    def __init__(self, value: Any) -> None:
        self.value = value


class _Joined:
    def __init__(self, number: int) -> None:
        self.number = number


class _Composite:
    def __init__(self, kind: Any, kept: Any, parts: list[Any]) -> None:
        self.kind, self.kept, self.parts = kind, kept, parts


class _Part:
    """As much of a tensor as a tensor of sizes says."""

    def __init__(self, whole: _Joined, sizes: _Joined) -> None:
        self.whole, self.sizes = whole, sizes


class _List:
    def __init__(self, form: Any, arrays: list[Any]) -> None:
        self.form, self.arrays = form, arrays


class _Structure:
    def __init__(self, like: Any, leaves: list[Any]) -> None:
        self.like, self.leaves = like, leaves


def finished(stand_in: Any, outputs: Sequence[Tensor]) -> Any:
    """The value behind the branch."""
    match stand_in:
        case _Kept():
            return stand_in.value
        case _Joined():
            return outputs[stand_in.number]
        case _Composite():
            parts = [finished(p, outputs) for p in stand_in.parts]
            return stand_in.kind._closed(stand_in.kept, parts)
        case _Part():
            return slicing.slice(
                outputs[stand_in.whole.number],
                [0] * outputs[stand_in.whole.number].spec.rank,
                outputs[stand_in.sizes.number],
            )
        case _List():
            return StagedList(stand_in.form, [finished(a, outputs) for a in stand_in.arrays])
        case _Structure():
            leaves = [finished(x, outputs) for x in stand_in.leaves]
            return nest.pack_sequence_as(stand_in.like, leaves)
    return stand_in


def _opened(x: Any) -> Any:
    """A value that may be unset as the tensors that stand for it."""
    return x.value if type(x) is MaybeUnset else x


def undefined(name: str, unlike: Unlike) -> Undefined:
    """What a name is that has unlike values."""
    return Undefined(name, unlike.why, unlike.kind)
