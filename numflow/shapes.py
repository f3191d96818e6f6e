"""Sizes that may be unknown while a function is traced, and shapes made of them.

A size is an int or a `Dim`: a polynomial with integer coefficients over atoms, where an atom is a
named symbol ("batch") or the floor quotient, remainder, larger or smaller of two sizes. Equal
polynomials are equal sizes; the same symbol is the same size everywhere. `Dim` is for numflow's own
code: `==` is structural. What user code sees of an unknown size is a `Size`: arithmetic works, but
asking for its number (`int`, `==`, `<`, `range`) raises `UnknownSizeError`, on which the tracer
traces again with exact sizes.

A symbol "?1" is a *run-time size*: its number depends on values, and is known once part of the
program has run (`bind_sizes` in graph/graph.py). User code sees None in its place, as in
TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from numflow.errors import IndexRangeError, ShapeError, SymbolicTensorError, explain

# a symbol, or ("//" | "%" | "max" | "min", Dim, Dim)
Atom: TypeAlias = str | tuple[str, Any, Any]

RUN_TIME = "?"  # how the name of a run-time size begins


class UnknownSizeError(Exception):
    """User code asked for the number behind a size that is symbolic in this trace."""


class UnknownRankError(ShapeError):
    """A trace needs the number of axes of what Python code will give: a call may teach it."""


class UnfitSizeError(IndexRangeError):
    """Sizes for which a trace over symbols was not made, as an axis without elements for x[:-1], or
    one of 3 for x[:5]: a trace of exactly these sizes may do."""


class Dim:
    """A symbolic size: {sorted tuple of atoms: coefficient}; () is the constant term."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[tuple[Atom, ...], int]) -> None:
        self.terms = {k: v for k, v in terms.items() if v}
        self._hash = hash(frozenset(self.terms.items()))

    @staticmethod
    def symbol(name: str) -> Dim:
        return Dim({(name,): 1})

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __add__(self, other: Extent) -> Extent:
        terms = dict(self.terms)
        for k, v in _terms(other).items():
            terms[k] = terms.get(k, 0) + v
        return _simplest(terms)

    def __mul__(self, other: Extent) -> Extent:
        terms: dict[tuple[Atom, ...], int] = {}
        for k, v in self.terms.items():
            for k2, v2 in _terms(other).items():
                key = tuple(sorted(k + k2, key=str))
                terms[key] = terms.get(key, 0) + v * v2
        return _simplest(terms)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Extent:
        return self * -1

    def __sub__(self, other: Extent) -> Extent:
        return self + -1 * other

    def __rsub__(self, other: Extent) -> Extent:
        return other + -1 * self

    def __floordiv__(self, other: Extent) -> Extent:
        exact = divide(self, other)
        if exact is not None:
            return exact
        whole, rest = self._multiples(other)
        return whole + (
            rest // other if isinstance(rest, int) else Dim({(("//", rest, other),): 1})
        )

    def __rfloordiv__(self, other: int) -> Extent:
        return 0 if other == 0 else Dim({(("//", other, self),): 1})

    def __mod__(self, other: Extent) -> Extent:
        if divide(self, other) is not None:
            return 0
        rest = self._multiples(other)[1]
        return rest % other if isinstance(rest, int) else Dim({(("%", rest, other),): 1})

    def _multiples(self, n: Extent) -> tuple[Extent, Extent]:
        """(q, r), self = q n + r, where r's coefficients are from 0 to n - 1: so that equal
        quotients look equal, as (x - 1) // 2 + 1 and (x + 1) // 2."""
        if not isinstance(n, int) or n < 2:
            return 0, self
        whole = _simplest({k: v // n for k, v in self.terms.items()})
        return whole, _simplest({k: v % n for k, v in self.terms.items()})

    def __rmod__(self, other: int) -> Extent:
        return 0 if other == 0 else Dim({(("%", other, self),): 1})

    def symbols(self) -> set[str]:
        """Names of the symbols it depends on."""
        found: set[str] = set()
        for atoms in self.terms:
            for a in atoms:
                if isinstance(a, str):
                    found.add(a)
                else:
                    found |= symbols(a[1]) | symbols(a[2])
        return found

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The number, given one for each symbol."""
        total = 0
        for atoms, factor in self.terms.items():
            for a in atoms:
                if isinstance(a, str):
                    factor *= sizes[a]
                else:
                    factor *= _OF_TWO[a[0]](evaluate(a[1], sizes), evaluate(a[2], sizes))
            total += factor
        return total

    def __str__(self) -> str:
        def product(atoms: tuple[Atom, ...], factor: int) -> str:
            names = [a if isinstance(a, str) else _text(*a) for a in atoms]
            return "*".join(([str(factor)] if factor != 1 or not names else []) + names)

        ordered = sorted(self.terms.items(), key=lambda t: str(t[0]))
        return "+".join(product(k, v) for k, v in ordered).replace("+-", "-")

    __repr__ = __str__


Extent: TypeAlias = int | Dim
Shape = tuple[Extent, ...]

_OF_TWO: dict[str, Callable[[int, int], int]] = {
    "//": lambda x, y: x // y if y else 0,  # nothing divides by 0: a check of sizes says so
    "%": lambda x, y: x % y if y else 0,
    "max": max,
    "min": min,
}


def _text(operator: str, x: Extent, y: Extent) -> str:
    return f"({x}{operator}{y})" if operator in ("//", "%") else f"{operator}({x}, {y})"


def _terms(x: Extent) -> Mapping[tuple[Atom, ...], int]:
    return x.terms if isinstance(x, Dim) else {(): int(x)}


def _simplest(terms: Mapping[tuple[Atom, ...], int]) -> Extent:
    terms = {k: v for k, v in terms.items() if v}
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    return Dim(terms)


def symbols(x: Extent) -> set[str]:
    """Names of the symbols a size depends on."""
    return x.symbols() if isinstance(x, Dim) else set()


def evaluate(x: Extent, sizes: Mapping[str, int]) -> int:
    """The number behind a size."""
    return x.evaluate(sizes) if isinstance(x, Dim) else x


def maximum(x: Extent, y: Extent) -> Extent:
    """The larger of two sizes."""
    if isinstance(x, int) and isinstance(y, int):
        return max(x, y)
    return x if x == y else Dim({(("max", x, y),): 1})


def minimum(x: Extent, y: Extent) -> Extent:
    """The smaller of two sizes."""
    if isinstance(x, int) and isinstance(y, int):
        return min(x, y)
    return x if x == y else Dim({(("min", x, y),): 1})


def run_time(x: Extent) -> bool:
    """Whether a size depends on values."""
    return isinstance(x, Dim) and any(name.startswith(RUN_TIME) for name in x.symbols())


def divide(x: Extent, y: Extent) -> Extent | None:
    """x / y where that is a polynomial whatever the symbols are (y a single product); else None."""
    if isinstance(x, int) and isinstance(y, int):
        return x // y if y and x % y == 0 else None
    terms = _terms(y)
    if len(terms) != 1:
        return 1 if x == y else None
    ((atoms, factor),) = terms.items()
    if factor == 0:
        return None
    out: dict[tuple[Atom, ...], int] = {}
    for k, v in _terms(x).items():
        rest = list(k)
        for a in atoms:
            if a not in rest:
                return None
            rest.remove(a)
        if v % factor:
            return None
        out[tuple(rest)] = v // factor
    return _simplest(out)


def product(sizes: Iterable[Extent]) -> Extent:
    """The product; 1 of none."""
    total: Extent = 1
    for n in sizes:
        total = total * n
    return total


def known(shape: Iterable[Extent]) -> bool:
    """Whether every size is an int."""
    return all(type(n) is int for n in shape)


class Size:
    """An unknown size as user code sees it: an int to isinstance, that refuses to be read.

    It is no subclass of int: C code (range, list * n, 2.5 * n) would read the number inside.
    """

    __slots__ = ("dim",)

    def __init__(self, dim: Dim) -> None:
        self.dim = dim

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return int

    def _read(self, *_: object) -> Any:
        if run_time(self.dim):
            as_number(self.dim)
        raise UnknownSizeError(f"the size {self.dim} is not known while this function is traced")

    def _compute(self, other: object) -> Any:
        """A tensor on the right takes the operation over; with a number the size must be known."""
        return NotImplemented if hasattr(other, "spec") else self._read()

    __int__ = __index__ = __bool__ = __float__ = __complex__ = __abs__ = __round__ = _read
    __hash__ = __array__ = _read
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _compute
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __divmod__ = __rdivmod__ = _compute
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _compute
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _compute

    def _arithmetic(name: str) -> Any:  # type: ignore[misc]
        def method(self: Size, other: object) -> Any:
            if type(other) is Size:
                other = other.dim
            if not isinstance(other, int | Dim):
                return self._compute(other)
            return as_size(getattr(self.dim, name)(other))

        return method

    __add__, __radd__ = _arithmetic("__add__"), _arithmetic("__radd__")
    __sub__, __rsub__ = _arithmetic("__sub__"), _arithmetic("__rsub__")
    __mul__, __rmul__ = _arithmetic("__mul__"), _arithmetic("__rmul__")
    __floordiv__, __rfloordiv__ = _arithmetic("__floordiv__"), _arithmetic("__rfloordiv__")
    __mod__, __rmod__ = _arithmetic("__mod__"), _arithmetic("__rmod__")

    def __neg__(self) -> Any:
        return as_size(-self.dim)

    def __pos__(self) -> Size:
        return self

    def __repr__(self) -> str:
        return str(self.dim)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return str(self.dim)


def as_size(x: Extent) -> Any:
    """A size as user code may have it; None where it depends on values."""
    if isinstance(x, Dim):
        return None if run_time(x) else Size(x)
    return x


def as_number(x: Extent, op: str = "function") -> int:
    """The number behind a size, for what a trace has to know.

    Raises:
      UnknownSizeError: it is a symbol: the tracer traces again with exact sizes.
      SymbolicTensorError: it depends on values.
    """
    if run_time(x):
        problem = "a size that depends on values has no number while a function is traced"
        fix = "nf.shape(x), which has it when the program runs"
        raise SymbolicTensorError(explain(op, problem, {"size": x}, fix))
    return int(Size(x)) if isinstance(x, Dim) else x


def as_extent(x: Any) -> Extent:
    """A size as numflow's code has it: of an int, a Size or a Dim.

    Raises:
      TypeError: x is none of them.
    """
    if isinstance(x, Dim):
        return x
    if isinstance(x, Size):
        return x.dim
    if isinstance(x, bool) or not hasattr(x, "__index__"):
        raise TypeError(f"shape: a size must be an integer, not {x!r}")
    return int(x.__index__())
