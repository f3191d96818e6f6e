"""Small tensors in vector registers: their elements in row-major order, as many as a register of
32-bit numbers has in each piece, the rest in the last one.

A tensor of one element is a scalar. Views, broadcasts, folds and products are all one thing here:
`pick`, the elements of a tensor in another order. What is made of values that are the same in every
iteration is made in front of the loop (`in_front`), once; captured tensors are read there, element
by element only where no piece of memory has the order wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from numflow.codegen.assembler import Assembler
from numflow.codegen.vector import LLVM, Reg, Vector, literal, vector
from numflow.kernels.builder import ITEMSIZE, Number, limits
from numflow.kernels.engine import Target

Places = np.ndarray[Any, np.dtype[np.int64]]
_T = TypeVar("_T")
_FIRST: dict[str, int] = {"sum": 0, "prod": 1, "any": 0, "all": 1}  # where a fold begins


class Held:
    """A tensor of more than one element. base: the address of memory that holds it and that nobody
    writes, or empty; its pieces are loaded from there when they are wanted."""

    __slots__ = ("base", "dtype", "parts", "size")

    def __init__(self, dtype: str, size: int, parts: list[Reg | None], base: str = "") -> None:
        self.dtype, self.size, self.parts, self.base = dtype, size, parts, base


Small = Reg | Held  # of one element, or of more


class Pieces:
    """What can be done with small tensors, as instructions of an Assembler."""

    def __init__(self, asm: Assembler, target: Target) -> None:
        self.asm, self.b = asm, Vector(asm, target)
        self.lanes = max(4, target.bits // 32)
        self.front: list[str] = []  # instructions in front of the loop
        self._fixed: set[str] = set()  # what these make
        self._known_in_front: dict[Any, Any] = {}
        self._known: dict[Any, Any] = {}

    # where instructions go ------------------------------------------------------------------------
    def in_front(self, make: Callable[[], _T]) -> _T:
        """What make() emits goes in front of the loop."""
        asm = self.asm
        if asm.lines is self.front:
            return make()
        lines, asm.lines = asm.lines, self.front
        began = len(self.front)
        try:
            return make()
        finally:
            asm.lines = lines
            self._fixed.update(x.split(" = ", 1)[0].strip() for x in self.front[began:])

    def fixed(self, x: Reg) -> bool:
        """Whether a register is the same in every iteration."""
        return x.number is not None or x.text.startswith("<") or x.text in self._fixed

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is made here is not known afterwards: a branch, or the body of a loop inside."""
        kept = dict(self._known)
        try:
            yield
        finally:
            self._known = kept

    def _once(self, key: Any, fixed: bool, make: Callable[[], _T]) -> _T:
        if fixed:
            found = self._known_in_front.get(key)
            if found is None:
                found = self._known_in_front[key] = self.in_front(make)
        else:
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = make()
        return found

    # memory ---------------------------------------------------------------------------------------
    def address(self, base: str, dtype: str, at: int | str) -> str:
        unit = LLVM[dtype] if dtype != "b1" else "i8"
        return base if at == 0 else self.asm.value(f"getelementptr {unit}, ptr {base}, i64 {at}")

    def load(self, address: str, dtype: str, lanes: int = 1) -> Reg:
        """That many elements at an address."""
        if dtype != "b1":
            text = f"load {vector(LLVM[dtype], lanes)}, ptr {address}, align {ITEMSIZE[dtype]}"
            return Reg(self.asm.value(text), dtype, lanes)
        kind = vector("i8", lanes)
        byte = self.asm.value(f"load {kind}, ptr {address}, align 1")
        zero = "0" if lanes == 1 else "zeroinitializer"
        return Reg(self.asm.value(f"icmp ne {kind} {byte}, {zero}"), dtype, lanes)

    def store(self, address: str, x: Reg, lanes: int = 1) -> None:
        text, kind = self.b.text(x, lanes), vector(LLVM[x.dtype], lanes)
        if x.dtype == "b1":
            wide = vector("i8", lanes)
            text, kind = self.asm.value(f"zext {kind} {text} to {wide}"), wide
        size = ITEMSIZE[x.dtype] if x.dtype != "b1" else 1
        self.asm.line(f"store {kind} {text}, ptr {address}, align {size}")

    def loaded(self, base: str, dtype: str, size: int) -> Small:
        """The elements at an address, as they are now."""
        parts = [self.load(self.address(base, dtype, k), dtype, n) for k, n in self.spans(size)]
        return held(dtype, parts)

    def stored(self, base: str, x: Small, size: int) -> None:
        for (k, n), part in zip(self.spans(size), self.whole(x), strict=True):
            self.store(self.address(base, x.dtype, k), part, n)

    def in_memory(self, x: Small, size: int) -> str:
        """The address of memory that holds x: its own, or a new copy that may be written."""
        room = self.room(x.dtype, size)
        self.stored(room, x, size)
        return room

    def room(self, dtype: str, size: int) -> str:
        """The address of memory for so many elements, of this call of the kernel."""
        unit = LLVM[dtype] if dtype != "b1" else "i8"
        return self.in_front(lambda: self.asm.value(f"alloca [{size} x {unit}], align 64"))

    # pieces ---------------------------------------------------------------------------------------
    def spans(self, size: int) -> list[tuple[int, int]]:
        """Where each piece begins, and its lanes."""
        step = self.lanes
        return [(k, min(step, size - k)) for k in range(0, size, step)]

    def parts(self, x: Small) -> list[Reg]:
        if isinstance(x, Reg):
            return [x]
        return [self.part(x, k) for k in range(len(x.parts))]

    def whole(self, x: Small) -> list[Reg]:
        """The pieces, all lanes of each."""
        if isinstance(x, Reg):
            return [x]
        return [
            self.splat(p, n) for p, (_, n) in zip(self.parts(x), self.spans(x.size), strict=True)
        ]

    def part(self, x: Held, k: int) -> Reg:
        found = x.parts[k]
        if found is None:
            begin, n = self.spans(x.size)[k]
            found = x.parts[k] = self._read(x, begin, n)
        return found

    def _read(self, x: Held, begin: int, lanes: int) -> Reg:
        """Elements that follow each other, of memory that nobody writes."""
        return self._once(
            ("read", x.base, x.dtype, begin, lanes),
            True,
            lambda: self.load(self.address(x.base, x.dtype, begin), x.dtype, lanes),
        )

    def constant(self, numbers: Sequence[Number], dtype: str) -> Reg:
        """An immediate, or a vector of different ones."""
        first = numbers[0]
        if all(repr(x) == repr(first) for x in numbers):  # -0.0 is not 0.0, NaN is NaN
            return self.b.const(first, dtype)
        each = ", ".join(f"{LLVM[dtype]} {literal(x, dtype)}" for x in numbers)
        return Reg(f"<{each}>", dtype, len(numbers))

    def constants(self, numbers: Sequence[Number], dtype: str) -> Small:
        parts = [self.constant(numbers[k : k + n], dtype) for k, n in self.spans(len(numbers))]
        return held(dtype, parts, len(numbers))

    def element(self, x: Small, at: int) -> Reg:
        """One element, as a scalar."""
        if isinstance(x, Reg):
            return x
        if x.base and x.parts[at // self.lanes] is None:
            return self._read(x, at, 1)
        return self._lane(self.part(x, at // self.lanes), at % self.lanes)

    def _lane(self, x: Reg, k: int) -> Reg:
        if x.lanes == 1:
            return x
        text = f"extractelement {self.b.type(x)} {x.text}, i32 {k}"
        return self._once(
            ("lane", x.text, k), self.fixed(x), lambda: Reg(self.asm.value(text), x.dtype, 1)
        )

    def splat(self, x: Reg, lanes: int) -> Reg:
        """A scalar in all lanes."""
        if x.number is not None or x.lanes == lanes:
            return x
        return self._once(("splat", x.text, lanes), self.fixed(x), lambda: self.b.splat(x, lanes))

    # elements in another order --------------------------------------------------------------------
    def pick(self, x: Small, at: Places) -> Small:
        """The elements of x at these places, one after the other."""
        if isinstance(x, Reg):
            return x if len(at) == 1 else held(x.dtype, [x] * len(self.spans(len(at))), len(at))
        if len(at) == 1:
            return self.element(x, int(at[0]))
        if len(at) == x.size and np.array_equal(at, np.arange(x.size)):
            return x
        parts = [self._picked(x, at[k : k + n]) for k, n in self.spans(len(at))]
        return held(x.dtype, parts, len(at))  # some may be immediates, which have no lanes

    def _picked(self, x: Held, at: Places) -> Reg:
        first = int(at[0])
        if (at == first).all():
            return self.splat(self.element(x, first), len(at))
        if x.base and np.array_equal(at, np.arange(first, first + len(at))):
            return self._read(x, first, len(at))
        return self.woven([self._source(x, int(k)) for k in at])

    def _source(self, x: Held, at: int) -> tuple[Reg, int]:
        if x.base and len(x.parts) > 16 and x.parts[at // self.lanes] is None:
            return self._read(x, at, 1), 0  # far apart in a long array
        return self.part(x, at // self.lanes), at % self.lanes

    def joined(self, sources: Sequence[tuple[Small, int] | Number], dtype: str) -> Small:
        """A tensor of elements of several, and of numbers."""
        lanes: list[tuple[Reg, int]] = []
        for s in sources:
            if not isinstance(s, tuple):
                lanes.append((self.b.const(s, dtype), 0))
            elif isinstance(s[0], Reg):
                lanes.append((s[0], 0))
            else:
                lanes.append(self._source(s[0], s[1]))
        parts = [self.woven(lanes[k : k + n]) for k, n in self.spans(len(lanes))]
        return held(dtype, parts, len(lanes))

    def woven(self, sources: Sequence[tuple[Reg, int]]) -> Reg:
        """One piece: a lane of some register each."""
        first, n = sources[0], len(sources)
        if n == 1:
            return self._lane(*first)
        if first[0].lanes == n and all(s[0] is first[0] for s in sources):
            if [k for _, k in sources] == list(range(n)):
                return first[0]
        numbers = [x.number for x, _ in sources]
        if all(x is not None for x in numbers):
            return self.constant(numbers, first[0].dtype)  # type: ignore[arg-type]
        key = ("woven", tuple((x.text, x.number, k) for x, k in sources))
        return self._once(key, all(self.fixed(x) for x, _ in sources), lambda: self._woven(sources))

    def _woven(self, sources: Sequence[tuple[Reg, int]]) -> Reg:
        dtype, n = sources[0][0].dtype, len(sources)
        kind = vector(LLVM[dtype], n)
        groups: dict[str, list[int]] = {}
        for i, (x, _) in enumerate(sources):
            groups.setdefault(x.text if x.number is None else "", []).append(i)
        numbers = groups.pop("", [])
        made, filled = "", set(numbers)
        if numbers:
            each = ["poison"] * n
            for i in numbers:
                each[i] = literal(sources[i][0].number or 0, dtype)
            made = "<" + ", ".join(f"{LLVM[dtype]} {x}" for x in each) + ">"
        wide = [g for g in groups.values() if sources[g[0]][0].lanes > 1]
        while wide:
            group, x = wide[0], sources[wide[0][0]][0]
            twin = next((g for g in wide[1:] if sources[g[0]][0].lanes == x.lanes), None)
            mask = [-1] * n
            for i in group:
                mask[i] = sources[i][1]
            second = "poison"
            if twin is not None:
                second = sources[twin[0]][0].text
                for i in twin:
                    mask[i] = x.lanes + sources[i][1]
                wide.remove(twin)
            wide.remove(group)
            placed = self._shuffle(vector(LLVM[dtype], x.lanes), x.text, second, mask)
            made = self._over(kind, made, placed, mask, filled)
        for group in groups.values():
            x = sources[group[0]][0]
            if x.lanes > 1:
                continue
            if len(group) > 2:
                mask = [0 if i in group else -1 for i in range(n)]
                made = self._over(kind, made, self.splat(x, n).text, mask, filled)
                continue
            for i in group:
                text = f"insertelement {kind} {made or 'poison'}, {LLVM[dtype]} {x.text}, i32 {i}"
                made = self.asm.value(text)
                filled.add(i)
        return Reg(made, dtype, n)

    def _over(self, kind: str, made: str, new: str, mask: list[int], filled: set[int]) -> str:
        """The lanes of `new` that a mask names, over those made before."""
        n = len(mask)
        lanes = {i for i, k in enumerate(mask) if k >= 0}
        if made:
            new = self._shuffle(
                kind,
                made,
                new,
                [n + i if i in lanes else i if i in filled else -1 for i in range(n)],
            )
        filled |= lanes
        return new

    def _shuffle(self, kind: str, x: str, y: str, mask: Sequence[int]) -> str:
        each = ", ".join(f"i32 {k}" if k >= 0 else "i32 poison" for k in mask)
        return self.asm.value(f"shufflevector {kind} {x}, {kind} {y}, <{len(mask)} x i32> <{each}>")

    # folds ----------------------------------------------------------------------------------------
    def fold(self, kind: str, x: Small, rows: int, count: int) -> Small:
        """x[rows, count], folded over its rows by halves."""
        while rows > 1:
            half = 1 << (rows - 1).bit_length() - 1
            upper = self.pick(x, np.arange(half * count))
            lower = self.pick(x, np.arange(half * count, rows * count))
            x, rows = self._folded(kind, upper, lower, (rows - half) * count), half
        return x

    def _folded(self, kind: str, x: Small, y: Small, size: int) -> Small:
        """x, of which the first elements, so many, have met those of y."""
        xs, ys = self.parts(x), self.parts(y)
        out = list(xs)
        for k, (_, n) in enumerate(self.spans(size)):
            lanes = xs[k].lanes if isinstance(x, Reg) else self.spans(x.size)[k][1]
            other = ys[k]
            if n < lanes:
                first = self.b.const(_identity(kind, x.dtype), x.dtype)
                other = self.woven(
                    [(other, i if other.lanes > 1 else 0) for i in range(n)]
                    + [(first, 0)] * (lanes - n)
                )
            out[k] = self.combined(kind, xs[k], other)
        return held(x.dtype, out, 1 if isinstance(x, Reg) else x.size)

    def combined(self, kind: str, x: Reg, y: Reg) -> Reg:
        b = self.b
        if kind in ("any", "all"):
            return b.logical_or(x, y) if kind == "any" else b.logical_and(x, y)
        if kind == "sum":
            return b.add(x, y)
        if kind == "prod":
            return b.mul(x, y)
        return b.max(y, x) if kind == "max" else b.min(y, x)


def held(dtype: str, parts: Sequence[Reg], size: int = 0) -> Small:
    """Pieces as a tensor; size: of it, where immediates do not tell."""
    size = size or sum(p.lanes for p in parts)
    return parts[0] if size == 1 else Held(dtype, size, list(parts))


def _identity(kind: str, dtype: str) -> Number:
    if kind in _FIRST:
        return _FIRST[kind]
    low, high = limits(dtype)
    return low if kind == "max" else high
