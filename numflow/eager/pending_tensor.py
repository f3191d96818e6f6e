"""A result of Python code of which a trace knows only the dtype, until somebody says its shape."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import explain, user_line
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import GraphBuilder, Value
from numflow.graph.spec import Spec
from numflow.shapes import UnknownRankError
from numflow.tensor_shape import TensorShape


class UnknownShape(Spec):
    """The spec of a result of which a trace knows only the dtype, until set_shape says more."""

    __slots__ = ("op",)

    def __init__(self, dtype: dtypes.DType, op: str) -> None:
        self.dtype, self.op = dtype, op

    @property
    def shape(self) -> Any:  # type: ignore[override]  # nobody sets it
        """Raises: it is not known."""
        raise UnknownRankError(
            explain(
                self.op,
                "the rank of a result is not known while a function is traced",
                {"dtype": self.dtype.name},
                fix="Tout=nf.TensorSpec(shape, dtype), or result.set_shape(shape); None in a shape "
                "leaves a size open",
            )
        )

    def __repr__(self) -> str:
        return f"UnknownShape({self.dtype.name})"


class PendingTensor(SymbolicTensor):
    """A result without a shape, until `set_shape` gives it one, or somebody needs one.

    In the second case it takes the rank that this place of the program had whenever it ran so far.

    make: a tensor of the trace for a shape, None for open sizes; or, for None, of all elements in a
    row. rank: the one it had so far, if any.
    """

    __slots__ = ("_kept", "_make", "_rank", "_unknown")

    def __init__(
        self,
        spec: UnknownShape,
        make: Callable[[Sequence[int | None] | None], SymbolicTensor],
        rank: int | None,
    ) -> None:
        self._unknown, self._make, self._rank = spec, make, rank
        self._kept: SymbolicTensor | None = None

    def settle(self, shape: Sequence[Any] | None = None) -> SymbolicTensor:
        """The tensor of the trace, from now on of this shape.

        Raises:
          UnknownRankError: neither the caller nor a run before says what it is.
        """
        if self._kept is None:
            if shape is None:
                shape = self._unknown.shape if self._rank is None else [None] * self._rank
            self._kept = self._make(shape)
        return self._kept

    def in_a_row(self) -> SymbolicTensor | None:
        """All elements, while it has no shape."""
        return self._make(None) if self._kept is None else None

    def set_shape(self, shape: Any) -> None:
        """It has this shape, None in it leaving a size to the call."""
        dims = getattr(shape, "dims", shape)
        if dims is not None and self._kept is None:
            self.settle([getattr(n, "value", n) for n in dims])
        elif dims is not None:
            super().set_shape(shape)

    @property
    def spec(self) -> Spec:
        if self._kept is None and self._rank is None:
            return self._unknown
        return self.settle().spec

    @property
    def dtype(self) -> dtypes.DType:
        return self._unknown.dtype

    @property
    def shape(self) -> TensorShape:
        if self._kept is None:
            return TensorShape(None if self._rank is None else [None] * self._rank)
        return super().shape

    @property
    def ndim(self) -> int:
        return self.settle().ndim

    @property
    def value(self) -> Value:
        return self.settle().value

    @value.setter
    def value(self, value: Value) -> None:
        self.settle().value = value

    @property
    def builder(self) -> GraphBuilder:  # type: ignore[override]
        return self.settle().builder


# --- ranks that results had ------------------------------------------------------

_ranks: dict[Hashable, int | None] = {}  # by place of a program; None: several
_MOST = 10000  # places


def place_of(func: Callable[..., Any], index: int) -> Hashable:
    """Result number index of func, called from the user's line."""
    line = user_line()
    name = getattr(func, "__qualname__", type(func).__qualname__)
    return name, index, line and (line.file, line.line)


def note_rank(place: Hashable, rank: int) -> None:
    if len(_ranks) >= _MOST:
        _ranks.clear()
    if _ranks.setdefault(place, rank) != rank:
        _ranks[place] = None


def rank_at(place: Hashable | None) -> int | None:
    """The rank that the result at a place had whenever it was made so far; None: not known."""
    return None if place is None else _ranks.get(place)
