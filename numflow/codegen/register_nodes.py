"""The nodes of a loop that is one kernel (registers.py), as instructions: what elementwise ops,
views, folds, products, and rows read and written become.

A value is a scalar, a small tensor in pieces (pieces.py), or an array in memory: a captured one, or
a loop variable, whose cell is written in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from numflow.codegen.assembler import Assembler
from numflow.codegen.cluster import CODES
from numflow.codegen.pieces import Held, Pieces, Places, Small, held
from numflow.codegen.vector import Reg
from numflow.graph.graph import Graph, Node, Value, constant_op, sizes_op
from numflow.graph.lowering import Assemble, Checked, Elementwise, Layout, Reduction, View, dense
from numflow.kernels import abi
from numflow.kernels.builder import FLOATS, HALVES
from numflow.kernels.engine import Target
from numflow.ops.indexing import gather_op, scatter_add_op
from numflow.ops.linalg import matmul_op
from numflow.ops.scatter import scatter_op, scatter_rows_op
from numflow.shapes import Extent, product

MOST_ELEMENTS = (
    512  # of a tensor in pieces; of 1000 they are 1.7 times as fast as jumps, but long in making
)
MOST_ROWS = 32  # read or written by one node
_ERROR_BITS = 40  # of an error record, see abi.py
_MEETS = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "minimum": "min",
    "maximum": "max",
    "divide": "div",
}


class Unfit(Exception):
    """Something that only a loop of jumps can do."""


class Word(NamedTuple):
    """An operand of the kernel: kind "cell" (of loop variable `of`), "input" (the captured value of
    that number, its address), "size" (an extent), "more" (the address of the flag)."""

    kind: str
    of: Any


class Array(NamedTuple):
    """An array in memory: number of its word, dtype; state: the loop variable that it is, or -1.

    version: how often it had been written.
    """

    base: str
    dtype: str
    state: int
    version: int


Known = dict[Value, Any]  # Reg, Held or Array


class Nodes:
    """Prints nodes that hold no graphs.

    words: operands of the kernel so far. checks: the nodes that may refuse. versions: how often
    each array among the loop variables has been written. deferred: what is printed with its reader.
    """

    def __init__(self, target: Target) -> None:
        self.asm = Assembler()
        self.pieces = Pieces(self.asm, target)
        self.b = self.pieces.b
        self.words: list[Word] = []
        self.loaded: list[str] = []
        self.checks: list[Node] = []
        self.versions: dict[int, int] = {}
        self.branching = 0
        self.deferred: set[Node] = set()
        self._operands: dict[Word, str] = {}

    # operands -------------------------------------------------------------------------------------
    def operand(self, word: Word) -> str:
        """The name of a word of the argument block; loaded in the entry block."""
        found = self._operands.get(word)
        if found is None:
            found = self._operands[word] = f"%w{len(self.words)}"
            at = abi.HEADER + len(self.words)
            kind = "i64" if word.kind == "size" else "ptr"
            self.words.append(word)
            self.loaded += [
                f"  {found}.p = getelementptr i64, ptr %args, i64 {at}",
                f"  {found} = load {kind}, ptr {found}.p",
            ]
        return found

    def size(self, n: Extent) -> str:
        return str(n) if isinstance(n, int) else self.operand(Word("size", n))

    # values ---------------------------------------------------------------------------------------
    def found(self, v: Value, known: Known) -> Any:
        x = known.get(v)
        if x is None:
            raise Unfit
        return x

    def small(self, v: Value, known: Known) -> Small:
        """A value in registers; an array, as it is now, is loaded."""
        x = self.found(v, known)
        if isinstance(x, Array):
            if not self.latest(x):
                raise Unfit
            return self.pieces.loaded(x.base, x.dtype, count(v))
        return x  # type: ignore[no-any-return]

    def scalar(self, v: Value, known: Known) -> Reg:
        x = self.small(v, known)
        if not isinstance(x, Reg):
            raise Unfit
        return x

    def latest(self, array: Array) -> bool:
        return array.state < 0 or array.version == self.versions[array.state]

    def require(self, holds: Reg, node: Node) -> None:
        """Go on where that holds everywhere; else refuse, and end."""
        number = len(self.checks)
        self.checks.append(node)
        tag = self.asm.name("held")
        if holds.lanes == 1:
            self.asm.line(f"br i1 {self.b.text(holds)}, label %{tag}, label %{tag}.not")
        else:
            fails = self.b.any(self.b.logical_not(holds))
            self.asm.line(f"br i1 {fails}, label %{tag}.not, label %{tag}")
        self.asm.label(f"{tag}.not")
        mine = self.asm.value(f"add i64 %node, {number}")
        record = self.asm.value(f"shl i64 {mine}, {_ERROR_BITS}")
        self.asm.line(f"atomicrmw min ptr %context, i64 {record} monotonic")
        self.asm.line("br label %refused")
        self.asm.label(tag)

    # nodes ----------------------------------------------------------------------------------------
    def print(self, node: Node, known: Known) -> None:
        """The output of a node becomes known."""
        if node in self.deferred:
            return
        op, lower = node.op, node.op.lower
        if len(node.outputs) != 1 or node.subgraphs or op.effect not in ("", "check"):
            raise Unfit
        out = node.output
        made: Any
        if op is gather_op:
            made = self._gather(node, known)
        elif op in (scatter_op, scatter_rows_op):
            made = self._scatter(node, known)
        elif op.name in ("reshape", "identity"):
            made = self.found(node.inputs[0], known)
        elif op is constant_op:
            numbers = np.asarray(node.attrs["value"]).reshape(-1)[: count(out)].tolist()
            made = self.pieces.constants(numbers, code(out))
        elif op is sizes_op:
            made = self._sizes(node)
        elif op is scatter_add_op:
            made = self._scatter_add(node, known)
        elif op is matmul_op:
            made = self._product(node, known)
        elif isinstance(lower, View):
            layout = lower.see(_whole(node.inputs[0]), out.spec, node.attrs)
            if layout is None:
                raise Unfit
            made = self.pieces.pick(self.small(node.inputs[0], known), _places(layout, out))
        elif isinstance(lower, Assemble):
            made = self._assembled(node, lower, known)
        elif isinstance(lower, Reduction):
            made = self._fold(node, lower, known)
        elif isinstance(lower, Checked):
            made = self.small(node.inputs[0], known)
            for x in self.pieces.whole(made):
                self.require(lower.condition(self.b, x, **node.attrs), node)
        elif isinstance(lower, Elementwise):
            made = self._elements(node, lower, np.arange(count(out)), known)
        else:
            raise Unfit
        if not isinstance(made, Array) and made.dtype != code(out):
            raise Unfit
        known[out] = made

    def _sizes(self, node: Node) -> Small:
        dtype = code(node.output)
        numbers = [
            self.b.const(n, dtype)
            if isinstance(n, int)
            else self.b.cast(Reg(self.size(n), "i64", 1), dtype)
            for n in node.attrs["sizes"]
        ]
        return self.pieces.joined([(x, 0) for x in numbers], dtype)

    def _elements(self, node: Node, lower: Elementwise, at: Places, known: Known) -> Small:
        """The elements of an elementwise op at places of its output."""
        pieces, out = self.pieces, node.output
        terms = [
            pieces.pick(self.small(v, known), _spread(v, out)[at])
            if count(v) > 1
            else self.scalar(v, known)
            for v in node.inputs
        ]
        found = []
        for k, (begin, n) in enumerate(pieces.spans(len(at))):
            each: list[Any] = [
                pieces.part(t, k)
                if isinstance(t, Held)
                else pieces.splat(t, n)
                if pieces.fixed(t)
                else t
                for t in terms
            ]
            if lower.indexed:
                each.insert(0, self._index(out, at[begin : begin + n]))
            found.append(lower.body(self.b, *each, **node.attrs))
        return held(code(out), found, len(at))

    def _index(self, out: Value, at: Places) -> Callable[[int], Reg]:
        axes = np.unravel_index(at, _static(out)) if out.spec.rank else ()
        return lambda k: self.pieces.constant([int(i) for i in axes[k]], "i64")

    def _assembled(self, node: Node, lower: Assemble, known: Known) -> Small:
        out = node.output
        fill = lower.fill(node.attrs)
        sources: list[Any] = [0 if fill is None else fill] * count(out)
        flat = np.arange(count(out)).reshape(_static(out))
        places = lower.place([v.spec for v in node.inputs], out.spec, node.attrs)
        for v, (begin, step) in zip(node.inputs, places, strict=True):
            x = self.small(v, known)
            axes = [
                _number(b) + s * np.arange(n)
                for b, s, n in zip(begin, step, _static(v), strict=True)
            ]
            at = flat[np.ix_(*axes)] if axes else flat
            for k, place in enumerate(at.reshape(-1).tolist()):
                sources[place] = (x, k)
        return self.pieces.joined(sources, code(out))

    def _fold(self, node: Node, lower: Reduction, known: Known) -> Small:
        (v,), axis = node.inputs, node.attrs["axis"]
        shape, total = _static(v), count(v)
        rows = int(np.prod([shape[k] for k in axis], dtype=np.int64))
        order = [*axis, *(k for k in range(len(shape)) if k not in axis)]
        at = np.arange(total).reshape(shape).transpose(order).reshape(-1)
        if v.node is not None and v.node in self.deferred:
            assert isinstance(v.node.op.lower, Elementwise)
            x = self._elements(v.node, v.node.op.lower, at, known)
        else:
            x = self.pieces.pick(self.small(v, known), at)
        return self.pieces.fold(lower.kind, x, rows, total // rows)

    def _product(self, node: Node, known: Known) -> Small:
        """Sums along the inner axis, several at once where few registers are filled."""
        (a, b), out, pieces = node.inputs, node.output, self.pieces
        x, y = self.small(a, known), self.small(b, known)
        left, right = (
            np.arange(count(a)).reshape(_static(a)),
            np.arange(count(b)).reshape(_static(b)),
        )
        left = left.swapaxes(-1, -2) if node.attrs["transpose_a"] else left
        right = right.swapaxes(-1, -2) if node.attrs["transpose_b"] else right
        shape, depth = _static(out), left.shape[-1]
        several = 1 if count(out) > 4 * pieces.lanes else max(1, min(4, depth // 2))
        sums: list[Small | None] = [None] * several
        for k in range(depth):
            columns = np.broadcast_to(left[..., k : k + 1], shape).reshape(-1)
            rows = np.broadcast_to(right[..., k : k + 1, :], shape).reshape(-1)
            xs = pieces.parts(pieces.pick(x, columns))
            ys = pieces.parts(pieces.pick(y, rows))
            before = sums[k % several]
            new = [self.b.mul(p, q) for p, q in zip(xs, ys, strict=True)]
            if before is not None:
                olds = pieces.parts(before)
                new = [self.b.fma(p, q, r) for p, q, r in zip(xs, ys, olds, strict=True)]
            sums[k % several] = held(code(out), new, count(out))
        filled = [s for s in sums if s is not None]
        while len(filled) > 1:
            half = [self._sum(filled[k], filled[k + 1]) for k in range(0, len(filled) - 1, 2)]
            filled = half + filled[len(filled) - len(filled) % 2 :]
        return filled[0]

    def _sum(self, x: Small, y: Small) -> Small:
        both = zip(self.pieces.parts(x), self.pieces.parts(y), strict=True)
        size = 1 if isinstance(x, Reg) else x.size
        return held(x.dtype, [self.b.add(p, q) for p, q in both], size)

    # rows -----------------------------------------------------------------------------------------
    def _base(self, v: Value, known: Known) -> tuple[str, str]:
        """The address of memory that holds a value, and its dtype."""
        x = self.found(v, known)
        if isinstance(x, Array):
            if not self.latest(x):
                raise Unfit
            return x.base, x.dtype
        if isinstance(x, Held) and x.base:
            return x.base, x.dtype
        return self.pieces.in_memory(x, count(v)), x.dtype

    def _inside(self, x: Small, length: Extent, node: Node, dtype: str = "u64") -> None:
        """Refuse indices beyond a length; negative ones, too, where they are seen as "u64"."""
        for part in self.pieces.parts(x):
            i = self.b.cast(part, "i64")._replace(dtype=dtype)
            if i.number is not None and isinstance(length, int) and 0 <= i.number < length:
                continue
            n = self.b.const(length, dtype) if isinstance(length, int) else None
            self.require(self.b.lt(i, n or Reg(self.size(length), dtype, 1)), node)

    def _at(self, x: Small, k: int, row: int) -> str:
        """The k-th index, in elements."""
        i = self.b.cast(self.pieces.element(x, k), "i64")
        return self.b.text(i if row == 1 else self.b.mul(i, row))

    def _gather(self, node: Node, known: Known) -> Small:
        (params, index), pieces = node.inputs, self.pieces
        base, dtype = self._base(params, known)
        sizes = _rows(params, index, node)
        at = self.small(index, known)
        self._inside(at, params.spec.shape[node.attrs["axis"]], node)
        found: list[Small] = []
        for place, k in sizes.each:
            row = self._row(base, dtype, place, self._at(at, k, sizes.inner))
            found.append(pieces.loaded(row, dtype, sizes.inner))
        return self._together(found, sizes.inner, dtype)

    def _row(self, base: str, dtype: str, fixed: int, moving: str) -> str:
        return self.pieces.address(self.pieces.address(base, dtype, fixed), dtype, moving)

    def _together(self, rows: list[Small], inner: int, dtype: str) -> Small:
        if len(rows) == 1:
            return rows[0]
        return self.pieces.joined([(x, k) for x in rows for k in range(inner)], dtype)

    def _scatter_add(self, node: Node, known: Known) -> Small:
        """Rows added to zeros."""
        (ct, index), out, pieces = node.inputs, node.output, self.pieces
        sizes, total = _rows(out, index, node), count(out)
        rows, at = self.small(ct, known), self.small(index, known)
        self._inside(at, out.spec.shape[node.attrs["axis"]], node)
        zeros = pieces.constants([0] * total, code(out))
        base = pieces.in_memory(zeros, total)
        for number, (place, k) in enumerate(sizes.each):
            row = self._row(base, code(out), place, self._at(at, k, sizes.inner))
            self._meet(row, self._part(rows, number, sizes.inner), "add", sizes.inner)
        return pieces.loaded(base, code(out), total)

    def _part(self, rows: Small, number: int, inner: int) -> Small:
        return self.pieces.pick(rows, np.arange(number * inner, (number + 1) * inner))

    def _meet(self, address: str, new: Small, kind: str, inner: int) -> None:
        """Elements in memory meet new ones."""
        if kind != "update":
            if kind not in _MEETS or (kind == "divide" and new.dtype not in FLOATS):
                raise Unfit
            meet = getattr(self.b, _MEETS[kind])
            old = self.pieces.loaded(address, new.dtype, inner)
            both = zip(self.pieces.parts(old), self.pieces.parts(new), strict=True)
            new = held(new.dtype, [meet(x, y) for x, y in both], inner)
        self.pieces.stored(address, new, inner)

    def _scatter(self, node: Node, known: Known) -> Small | Array:
        """Rows written: in the memory of a loop variable, or in a copy of a small tensor."""
        (base, index, rows), pieces = node.inputs, self.pieces
        array, kind = self.found(base, known), node.attrs["kind"]
        number, inner = count(index), product(base.spec.shape[1:])
        if not isinstance(inner, int) or number > MOST_ROWS or inner > MOST_ELEMENTS:
            raise Unfit
        if isinstance(array, Array):
            if array.state < 0 or not self.latest(array) or self.branching:
                raise Unfit
            address = array.base
        elif count(base) > MOST_ELEMENTS:
            raise Unfit
        at, new = self.small(index, known), self.small(rows, known)
        if not isinstance(array, Array):
            address = pieces.in_memory(array, count(base))
        dropped = node.attrs["drop"]
        if node.op is scatter_op:
            self._inside(at, base.spec.shape[0], node, "i64" if dropped else "u64")
        for k in range(number):
            row, i = self._part(new, k, inner), self._at(at, k, inner)

            def write(row: Small = row, i: str = i) -> None:
                with pieces.aside():
                    self._meet(pieces.address(address, code(base), i), row, kind, inner)

            if dropped:
                self.asm.when(self.asm.value(f"icmp sge i64 {i}, 0"), write)
            else:
                write()
        if not isinstance(array, Array):
            return pieces.loaded(address, code(base), count(base))
        self.versions[array.state] += 1
        return array._replace(version=self.versions[array.state])


class _Rows(NamedTuple):
    """inner: elements of a row. each: where a row begins but for its index, and which index."""

    inner: int
    each: list[tuple[int, int]]


def _rows(params: Value, index: Value, node: Node) -> _Rows:
    """What a gather reads of params, in the order of its output."""
    axis, batch_dims = node.attrs["axis"], node.attrs["batch_dims"]
    shape = params.spec.shape
    inner, outer = product(shape[axis + 1 :]), product(shape[batch_dims:axis])
    batch, length = product(shape[:batch_dims]), shape[axis]
    if not (isinstance(inner, int) and isinstance(outer, int) and isinstance(batch, int)):
        raise Unfit
    if batch * outer == 1:
        length = 0
    if not isinstance(length, int):
        raise Unfit
    each = count(index) // batch
    if inner > MOST_ELEMENTS or batch * outer * each > MOST_ROWS:
        raise Unfit
    return _Rows(
        inner,
        [
            ((i * outer + o) * length * inner, i * each + k)
            for i in range(batch)
            for o in range(outer)
            for k in range(each)
        ],
    )


def deferrable(graph: Graph) -> set[Node]:
    """Elementwise nodes that only a fold reads, which makes their elements in its own order."""
    readers: dict[Value, list[Node]] = {}
    for node in graph.nodes:
        for v in node.inputs:
            readers.setdefault(v, []).append(node)
    return {
        node
        for node in graph.nodes
        if isinstance(node.op.lower, Elementwise)
        and node.output not in graph.outputs
        and [type(n.op.lower) for n in readers.get(node.output, ())] == [Reduction]
    }


def code(v: Value) -> str:
    found = CODES.get(v.spec.dtype.name)
    if found is None or found in HALVES:
        raise Unfit
    return found


def count(v: Value) -> int:
    """The elements of a value, few enough."""
    n = v.spec.size
    if not isinstance(n, int) or not 0 < n <= MOST_ELEMENTS:
        raise Unfit
    return n


def _number(n: Extent) -> int:
    if not isinstance(n, int):
        raise Unfit
    return n


def _static(v: Value) -> tuple[int, ...]:
    return tuple([_number(n) for n in v.spec.shape])


def _whole(v: Value) -> Layout:
    return Layout(v.spec.shape, dense(v.spec.shape), 0)


def _places(layout: Layout, out: Value) -> Places:
    """The elements of a buffer that a layout names."""
    count(out)
    if not isinstance(layout.offset, int) or not all(isinstance(s, int) for s in layout.strides):
        raise Unfit
    at = np.full(_static(out), layout.offset, np.int64)
    for k, (n, s) in enumerate(zip(_static(out), layout.strides, strict=True)):
        at += (np.arange(n) * _number(s)).reshape([n if j == k else 1 for j in range(at.ndim)])
    return at.reshape(-1)


def _spread(v: Value, out: Value) -> Places:
    """Which element of v meets each element of what it broadcasts to."""
    at = np.arange(count(v)).reshape(_static(v))
    return np.broadcast_to(at, _static(out)).reshape(-1)
