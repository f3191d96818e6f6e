"""TensorShape: the shape of a tensor as users see it, with sizes or axes that may be open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numflow.shapes import Dim, Size, as_size, product


class TensorShape(tuple[Any, ...]):
    """The shape of a tensor: a tuple of sizes, with TensorFlow's methods.

    A size is an int, or None where any will do; TensorShape(None) leaves the number of axes open
    too. In a traced function a size may be one that refuses to be read as a number (shapes.py): it
    counts as open here.

    Args:
      dims: sizes, one size, another shape, or None.

    Raises:
      ValueError: a size is negative.
      TypeError: one is no integer.

    Example:
      >>> s = nf.zeros([2, 3]).shape
      >>> s, s.rank, s[0], s.as_list(), s == (2, 3), s.num_elements()
      (TensorShape([2, 3]), 2, 2, [2, 3], True, 6)
      >>> nf.TensorShape([None, 3]).merge_with([2, None])
      TensorShape([2, 3])
    """

    __slots__ = ()

    def __new__(cls, dims: Any = ()) -> TensorShape:
        if dims is None or isinstance(dims, UnknownShape):
            return super().__new__(UnknownShape)
        if type(dims) is TensorShape:
            return dims
        if hasattr(dims, "dims"):
            return cls(dims.dims)
        if not isinstance(dims, Iterable) or isinstance(dims, Size):
            dims = (dims,)
        return super().__new__(cls, map(_size, dims))

    @property
    def rank(self) -> int | None:
        """The number of axes; None if it is open."""
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[Any] | None:
        """The sizes; None if the number of axes is open."""
        return list(self)

    def as_list(self) -> list[Any]:
        """The sizes; None where one is unknown.

        Raises:
          ValueError: the number of axes is open.
        """
        return [None if isinstance(n, Size) else n for n in self]

    def num_elements(self) -> Any:
        """The product of the sizes; None where one is unknown."""
        return None if not self.is_fully_defined() else product(self)

    def is_fully_defined(self) -> bool:
        """Whether every size is known."""
        return not any(_open(n) for n in self)

    # --- two shapes ---

    def concatenate(self, other: Any) -> TensorShape:
        """The sizes of this shape, then those of other."""
        rest = TensorShape(other)
        return rest if rest.rank is None else _made((*self, *rest))

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one tensor could have both: equal ranks, sizes equal or open."""
        sizes = TensorShape(other)
        return sizes.rank is None or (
            len(sizes) == len(self)
            and all(_open(a) or _open(b) or a == b for a, b in zip(self, sizes, strict=True))
        )

    def merge_with(self, other: Any) -> TensorShape:
        """The sizes that either shape knows.

        Raises:
          ValueError: they are not compatible.
        """
        sizes = TensorShape(other)
        if sizes.rank is None:
            return self
        if not self.is_compatible_with(sizes):
            raise ValueError(f"Shapes {self} and {sizes} are not compatible")
        return _made(b if _open(a) else a for a, b in zip(self, sizes, strict=True))

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """What both shapes are cases of: sizes in which they differ are open."""
        sizes = TensorShape(other)
        if sizes.rank != self.rank:
            return TensorShape(None)
        return _made(a if _same(a, b) else None for a, b in zip(self, sizes, strict=True))

    def most_specific_common_supertype(self, others: Iterable[Any]) -> TensorShape:
        """What this shape and all others are cases of."""
        found = self
        for other in others:
            found = found.most_specific_compatible_shape(other)
        return found

    def is_subtype_of(self, other: Any) -> bool:
        """Whether every tensor of this shape has the other one too."""
        sizes = TensorShape(other)
        return sizes.rank is None or (
            sizes.rank == self.rank
            and all(b is None or _same(a, b) for a, b in zip(self, sizes, strict=True))
        )

    # --- a certain rank ---

    def with_rank(self, rank: int) -> TensorShape:
        """This shape; of an open rank, one of this rank.

        Raises:
          ValueError: it has another rank.
        """
        if len(self) != rank:
            raise ValueError(f"Shape {self} must have rank {rank}")
        return self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape.

        Raises:
          ValueError: it has fewer axes.
        """
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape.

        Raises:
          ValueError: it has more axes.
        """
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    # --- checks, which raise ValueError ---

    def assert_has_rank(self, rank: int) -> None:
        """Raises ValueError if the rank is another one."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_same_rank(self, other: Any) -> None:
        """Raises ValueError if the ranks differ."""
        sizes = TensorShape(other)
        if self.rank is not None and sizes.rank is not None and self.rank != sizes.rank:
            raise ValueError(f"Shapes {self} and {sizes} must have the same rank")

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError if no tensor could have both shapes."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError if a size is open."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    # --- a tuple ---

    def __getitem__(self, key: Any) -> Any:
        got = tuple.__getitem__(self, key)
        return _made(got) if isinstance(key, slice) else got

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list | tuple):
            return not isinstance(other, UnknownShape) and tuple.__eq__(self, tuple(other))
        return False if other is None else NotImplemented

    __hash__ = tuple.__hash__

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __reduce__(self) -> Any:
        return TensorShape, (self.as_list(),)

    def __repr__(self) -> str:
        return f"TensorShape({self.as_list()})"

    def __str__(self) -> str:
        return str(tuple(self.as_list()))


def shape_of(sizes: Iterable[Any]) -> TensorShape:
    """The shape of a tensor: of sizes as numflow's code has them."""
    return _made(map(as_size, sizes))


def _made(sizes: Iterable[Any]) -> TensorShape:
    """Of sizes that were checked: every `x.shape` makes one."""
    return tuple.__new__(TensorShape, sizes)


def _size(n: Any) -> Any:
    """A size as a shape holds it."""
    if n is None or type(n) is Size:
        return n
    if type(n) is not int:
        if type(n) is Dim:
            return as_size(n)
        if hasattr(n, "value") and not hasattr(n, "spec"):  # TensorFlow 1's Dimension
            return _size(n.value)
        if isinstance(n, str | bytes) or not hasattr(n, "__index__"):
            raise TypeError(f"TensorShape: a size must be an integer or None, not {n!r}")
        n = int(n.__index__())
    if n < 0:
        raise ValueError(f"TensorShape: Dimension {n} must be >= 0")
    return n


def _open(n: Any) -> bool:
    """Whether a size is not known."""
    return n is None or isinstance(n, Size)


def _same(a: Any, b: Any) -> bool:
    """Whether two sizes are one, known or not."""
    if isinstance(a, Size) or isinstance(b, Size):
        return bool(getattr(a, "dim", a) == getattr(b, "dim", b))
    return bool(a == b)


class UnknownShape(TensorShape):
    """TensorShape(None): any number of axes. Whoever asks for sizes is told that there are none."""

    __slots__ = ()

    @property
    def rank(self) -> None:
        return None

    ndims = rank

    @property
    def dims(self) -> None:
        return None

    def num_elements(self) -> None:
        return None

    def is_fully_defined(self) -> bool:
        return False

    def is_compatible_with(self, other: Any) -> bool:
        return True

    def merge_with(self, other: Any) -> TensorShape:
        return TensorShape(other)

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        return self

    def is_subtype_of(self, other: Any) -> bool:
        return TensorShape(other).rank is None

    def with_rank(self, rank: int) -> TensorShape:
        return TensorShape([None] * rank)

    def concatenate(self, other: Any) -> TensorShape:
        return self

    def as_list(self) -> list[Any]:
        raise ValueError("as_list() is not defined on an unknown TensorShape.")

    def __len__(self) -> int:
        raise ValueError("Cannot take the length of shape with unknown rank.")

    def __iter__(self) -> Any:
        raise ValueError("Cannot iterate over a shape with unknown rank.")

    def __getitem__(self, key: Any) -> Any:
        """A size is open; a part is too, unless it has a begin and an end."""
        if not isinstance(key, slice):
            return None
        start, stop = key.start or 0, key.stop
        if key.step is not None or stop is None or start < 0 or stop < 0:
            return self
        return TensorShape([None] * max(0, stop - start))

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, UnknownShape)

    def __hash__(self) -> int:
        return hash(UnknownShape)

    def __reduce__(self) -> Any:
        return TensorShape, (None,)

    def __repr__(self) -> str:
        return "TensorShape(None)"

    def __str__(self) -> str:
        return "<unknown>"
