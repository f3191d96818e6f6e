"""Steps of a program, all sizes known -> instructions before addresses: words, units, chunks.

A word that will be an address is a `Pointer`: to the buffer of a root, to scratch of one step, or
to a table of words. Blocks of folds follow from the shape alone, so that the number of threads
changes no bit; chunks, which only part elementwise work and rows, follow from the estimated time.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from numflow.codegen.cluster import CODES, COSTLY, ClusterCode, Place
from numflow.codegen.printers import compile_loop
from numflow.codegen.steps import (
    BranchStep,
    ClusterStep,
    CopyStep,
    LibraryStep,
    LoopStep,
    Program,
    RowStep,
    SegmentStep,
    Step,
)
from numflow.dtypes import DType
from numflow.errors import UnimplementedError, explain
from numflow.graph.collapse import collapse
from numflow.graph.graph import Node, Value
from numflow.graph.loops import DEEP, LANE, Body, Loop, Operand, walk
from numflow.graph.lowering import Call, Library
from numflow.graph.op import Attrs
from numflow.graph.spec import Spec
from numflow.kernels.builder import ITEMSIZE
from numflow.kernels.records import NamedTuple
from numflow.passes.group import pooling
from numflow.runtime import pool
from numflow.runtime.layout import Interval
from numflow.runtime.sizes import Sizes
from numflow.runtime.words import Held, Pointer, Row, Table, Told, Word, Work
from numflow.shapes import Dim, product

Array = np.ndarray[Any, Any]
ALONE = 1 << 15  # elements up to which a fold across rows is one block
BLOCK = 1 << 14  # elements of a block otherwise
MOST_BLOCKS = 64
PARALLEL_NS = 20_000.0  # estimated work below which a launch does not pay
# A thread that is kept from its work holds the others up by a chunk: of long work chunks are small.
PIECE_NS = 100_000.0
SEGMENT = 1 << 12  # elements of a chunk of a segmented loop
CACHED = 1 << 20  # bytes that two cores hold in their own caches
# Bytes of an output from which its lines go past the caches: half of a large one. relu(a * b + c)
# of 16 M floats: 52 GB/s in place of 37. Never below arena.LARGE: what is smaller is not aligned.
STREAM = 1 << 24
STREAM_WEIGHT = 64  # operations per element up to which memory is what such a loop waits for
LINE = 64


class _Operands(NamedTuple):
    """Pointer and strides, per axis of the loop, of each operand."""

    pointers: dict[str, Pointer]
    strides: dict[str, tuple[int, ...]]


class Worker:
    """Makes the work of steps.

    checks: the nodes that may refuse, by the number under which they report.
    scratch: what steps need to themselves.
    """

    def __init__(self, program: Program, sizes: Sizes) -> None:
        self.program, self.sizes = program, sizes
        self.checks: list[Node] = []
        self._calls: dict[int, Planned] = {}  # by form of the step
        self.scratch: list[Interval] = []
        self.held: dict[Held, Array] = {}  # constants of programs inside
        self.known: dict[Value, Held] = {}

    def hold(self, root: Value) -> Held:
        """A constant, or a table of sizes, of a program inside: kept, and where it is."""
        found = self.known.get(root)
        if found is None:
            assert root.node is not None
            attrs = self.sizes.attrs(root.node.attrs)
            (array,) = root.node.op.run((), [self.sizes.spec(root.spec)], attrs)
            kept = np.ascontiguousarray(array).reshape(array.shape)
            found = self.known[root] = Held(id(kept))
            self.held[found] = kept
        return found

    def of(self, step: Step, at: int) -> list[Any] | None:
        """The instructions of step number `at`; None where it runs in Python."""
        if isinstance(step, LoopStep | BranchStep):
            from numflow.runtime.control import control_items  # few programs have any

            return control_items(self, step, at)
        if isinstance(step, ClusterStep):
            over_nothing = 0 in self.sizes.shape(step.code.sizes)
            return None if over_nothing else self._cluster(step.code, at)
        if isinstance(step, SegmentStep):
            return [self._segments(step)]
        if isinstance(step, LibraryStep):
            works = self._library(step, at)
            looks = step.node.op.lower.refuses  # at indices, also where it copies nothing
            return None if looks and not works[0].units else works
        if isinstance(step, RowStep):
            return self._row(step)
        if isinstance(step, CopyStep):
            return self.copy(step)
        return None

    def number(self, checks: Sequence[Node]) -> int:
        base = len(self.checks)
        self.checks += checks
        return base

    # clusters -------------------------------------------------------------------------------------
    def _cluster(self, code: ClusterCode, at: int) -> list[Work]:
        loop, sizes = code.loop, self.sizes.shape(code.sizes)
        rows, cols, depth = _extent(loop, sizes)
        block, blocks = _blocks(loop, sizes)
        operands = _Operands({}, {})
        for name, place in code.places.items():
            operands.strides[name] = self.sizes.shape(place.strides)
            operands.pointers[name] = self._pointer(place)
        if blocks > 1:
            for fold in code.folds:
                width = cols if fold.over == "rows" else 1
                nbytes = blocks * width * ITEMSIZE[loop.operand(fold.partial).dtype]
                key = ("partial", at, fold.partial)
                self.scratch.append(Interval(key, nbytes, at, at))
                operands.pointers[fold.partial] = Pointer(key)
        values = {"cols": cols, "rows": rows, "block": block, "depth": depth}
        units = {"elements": cols, "rows": rows, "blocks": blocks}[loop.units()]
        ns = estimate(loop, rows * cols * depth)
        words = _words(loop, values, sizes, operands)
        chunk = chunk_of(loop.units(), units, ns)
        kernel = compile_loop(loop, self._streams(loop, sizes, operands))
        first = Work(kernel, words, units, chunk, ns, self.number(code.checks))
        return [first] if blocks == 1 else [first, *self._finals(code, blocks, cols, operands)]

    def _finals(self, code: ClusterCode, blocks: int, cols: int, operands: _Operands) -> list[Work]:
        """What folds the partials of the blocks."""
        out = []
        for loop, folds in code.finals():
            deep = loop.deep
            pointers = dict(operands.pointers)
            strides: dict[str, tuple[int, ...]] = {}
            for f in folds:
                pointers["final_" + f.partial] = self._pointer(code.places[f.partial])
                strides[f.partial] = (cols, 1) if deep else (0, 1)
                strides["final_" + f.partial] = (0, 1)
            sizes = (blocks, cols) if deep else (1, blocks)
            rows, columns, depth = _extent(loop, sizes)
            values = {"cols": columns, "rows": rows, "block": 1, "depth": depth}
            units = cols if deep else 1
            ns = estimate(loop, blocks * units)
            words = _words(loop, values, sizes, _Operands(pointers, strides))
            chunk = chunk_of("elements" if deep else "rows", units, ns)
            out.append(Work(compile_loop(loop), words, units, chunk, ns))
        return out

    def _streams(self, loop: Loop, sizes: Sequence[int], operands: _Operands) -> bool:
        """Whether all that a loop stores is written past the caches: so large that nothing of it is
        there when it is read, and each line written whole. Then no line is fetched to be written.
        """
        rows, cols, _ = _extent(loop, sizes)
        if rows * cols < STREAM // 8 or loop.deep:
            return False
        stores = [t.operand for sweep in loop.sweeps for t in sweep.stores]
        stores = [name for name in stores if loop.level(loop.operand(name)) == LANE]
        if not stores or weight(loop) > STREAM_WEIGHT:
            return False
        if loop.axes == 1 and loop.blocked and _blocks(loop, sizes)[0] % LINE:
            return False
        loads = {t.attr for t in walk(*loop.roots()) if t.op == "load"}
        read = {operands.pointers[str(name)].key for name in loads}
        for name in stores:
            o, p = loop.operand(name), operands.pointers[name]
            size = ITEMSIZE[o.dtype]
            whole = o.inner == "u" and "-" not in o.access and stores.count(name) == 1
            if not whole or name in loads or rows * cols * size < STREAM:
                return False
            starts = (p.nbytes, *(s * size for s in operands.strides[name][:-1]))
            if loop.inner:
                starts = (loop.inner * size, *starts)
            held = isinstance(p.key, Value) and self.program.variable(p.key) is not None
            if held or p.key in read or any(n % LINE for n in starts):
                return False
        return True

    def _pointer(self, p: Place) -> Pointer:
        return Pointer(p.value, self.sizes.number(p.offset) * p.dtype.size)

    def _segments(self, step: SegmentStep) -> Work:
        loop = step.loop
        lengths = [self.sizes.number(c.sizes[0]) for c in step.codes]
        words: list[Word] = []
        for code, n in zip(step.codes, lengths, strict=True):
            words += [self._pointer(code.places[o.name]) for o in loop.pieces()]
            words.append(n)
        chunks = [(k, at) for k, n in enumerate(lengths) for at in range(0, n, SEGMENT)]
        values: dict[str, Word] = {
            "table": Pointer(Table(tuple(words))),
            "chunks": Pointer(Table(tuple(n for c in chunks for n in c))),
            "block": SEGMENT,
        }
        shared = step.codes[0].places
        for name in loop.slots():
            if name not in values:
                values[name] = self._pointer(shared[name])
        ns = estimate(loop, sum(lengths))
        chunk = chunk_of("chunks", len(chunks), ns)
        slots = tuple(values[s] for s in loop.slots())
        return Work(compile_loop(loop), slots, len(chunks), chunk, ns)

    # library kernels, copies ----------------------------------------------------------------------
    def _library(self, step: LibraryStep, at: int) -> list[Work]:
        places = [(r, self.sizes.number(layout.offset)) for r, layout in step.inputs]
        for v in step.outputs:
            root, part = step.joined.get(v, (v, None))
            places.append((root, 0 if part is None else self.sizes.number(part.offset)))
        if step.bias is not None:
            places.append((step.bias[0], self.sizes.number(step.bias[1].offset)))
        if step.residual is not None:
            places.append((step.residual[0], self.sizes.number(step.residual[1].offset)))
        form = _form(self.program, step) if step.form is None else step.form
        found = self._calls.get(form)
        if found is None:
            found = self._planned(step, len(places))
            if form >= 0:
                self._calls[form] = found
        call, plain, flops = found
        words: list[Word] = list(plain)
        for where, (root, offset) in zip(call.pointer_positions, places, strict=False):
            words[where] = Pointer(root, offset * root.spec.dtype.size)
        if call.shared_bytes:
            key = ("shared", at)
            self.scratch.append(Interval(key, call.shared_bytes, at, at))
            words[call.shared_position] = Pointer(key)
        number = self.number([step.node]) if step.node.op.lower.refuses else 0
        first = Work(
            call.address,
            tuple(words),
            call.units,
            call.chunk,
            flops / 80.0,
            number,
            call.workspace_bytes,
        )
        then = call.then
        if then is None:
            return [first]
        again = first._replace(
            address=then.address, units=then.units, chunk=then.chunk, workspace=then.workspace_bytes
        )
        if call.prepares:
            return [first._replace(ns=1e3, prepares=True), again]
        return [first, again._replace(ns=1e3)]

    def _row(self, step: RowStep) -> list[Work] | None:
        """None where there are no rows: then not even the first one could be read."""
        from numflow.kernels.cpu import gather as kernel  # llvmlite: only where code is made

        params, index = (v.spec for v in step.node.inputs)
        axis, *row = self.sizes.shape(params.shape)
        if not axis:
            return None
        row_bytes = math.prod(row) * params.dtype.size
        call = kernel.plan_row(axis, row_bytes, index_bytes=index.dtype.size)
        pointers = [
            Pointer(root, self.sizes.number(layout.offset) * root.spec.dtype.size)
            for root, layout in (step.source, step.index)
        ]
        told = Pointer(Told(Row(step.node.output)))
        words: tuple[Word, ...] = (*pointers, told, *call.constants)
        return [Work(call.address, words, call.units, call.chunk, 0.0, self.number([step.node]))]

    def _planned(self, step: LibraryStep, pointers: int) -> Planned:
        inputs = [self.sizes.spec(v.spec) for v in step.node.inputs]
        outputs = [self.sizes.spec(v.spec) for v in step.node.outputs]
        attrs = self.sizes.attrs(step.node.attrs)
        more: dict[str, Any] = {}
        if step.bias is not None or step.activation:
            more = {"bias": step.bias is not None, "activation": step.activation}
        if step.residual is not None:
            more |= {"residual": True}
        apart = step.apart()
        if apart:
            more["apart"] = self.sizes.shape(apart)
        if step.behind is not None:
            kind, shape, items = pooling(step.behind)
            outputs = [self.sizes.spec(step.behind.inputs[0].spec)]  # rows of a product are pixels
            items = tuple(self.sizes.attrs(dict(items)).items())
            more |= {"behind": (kind, self.sizes.shape(shape), items)}
        return _planned(step.node.op.lower, inputs, outputs, attrs, more, pointers)

    def copy(self, step: CopyStep) -> list[Work]:
        root, target = step.target
        dtype = root.spec.dtype
        shape, to = self.sizes.shape(target.shape), self.sizes.shape(target.strides)
        if 0 in shape:
            return []
        pointers = {"y0": Pointer(root, self.sizes.number(target.offset) * dtype.size)}
        strides = [to]
        if step.source is not None:
            source, layout = step.source
            pointers["x0"] = Pointer(source, self.sizes.number(layout.offset) * dtype.size)
            strides = [self.sizes.shape(layout.strides), to]
        if dtype.name == "string":
            shown = {"value": self.sizes.spec(root.spec)}
            line = step.nodes[0].line
            problem = "strings cannot be assigned by a compiled function"
            raise UnimplementedError(explain(step.nodes[0].op.name, problem, shown, line=line))
        code = CODES.get(dtype.name)
        if code is None:  # complex numbers: one more axis, of real and imaginary part
            code = {"complex64": "f32", "complex128": "f64"}[dtype.name]
            shape = (*shape, 2)
            strides = [(*(2 * s for s in row), 1) for row in strides]
        axes = collapse(shape, strides, (), len(strides) - 1)
        fill = step.fill if step.source is None else None
        if fill is not None and root.spec.dtype.is_floating and root.spec.dtype.size == 2:
            fill = int(np.array(fill, root.spec.dtype.numpy).view(np.uint16))
        loop = _copy_loop(code, axes.letters(), fill)
        sizes = self.sizes.shape(axes.sizes)
        names = ("y0",) if step.source is None else ("x0", "y0")
        rows_of = [self.sizes.shape(row) for row in axes.strides]
        rows, cols, depth = _extent(loop, sizes)
        values = {"cols": cols, "rows": rows, "block": 1, "depth": depth}
        units = {"elements": cols, "rows": rows}[loop.units()]
        ns = estimate(loop, rows * cols)
        operands = _Operands(pointers, dict(zip(names, rows_of, strict=True)))
        words = _words(loop, values, sizes, operands)
        return [Work(compile_loop(loop), words, units, chunk_of(loop.units(), units, ns), ns)]


Planned = tuple[Call, tuple[int, ...], float]  # a call, its words without addresses, its flops


def _form(program: Program, step: LibraryStep) -> int:
    """The form of a step; -1 where its attributes are more than sizes and plain values."""
    attrs = step.node.attrs
    step.form = -1
    if step.behind is None and all(type(v) in _PLAIN or _sizes_only(v) for v in attrs.values()):
        values = (*step.node.inputs, *step.node.outputs)
        specs = tuple([(v.spec.shape, v.spec.dtype) for v in values])
        key = (
            step.node.op,
            specs,
            tuple([(k, type(v), v) for k, v in attrs.items()]),
            step.bias is None,
            step.residual is None,
            step.activation,
            step.apart(),
        )
        step.form = program.forms.setdefault(key, len(program.forms))
    return step.form


_CALLS = 1024  # calls of library kernels that are kept
_PLAIN = {int, bool, str, type(None), DType, Dim}
_calls: dict[Hashable, Planned] = {}


def _planned(
    lower: Library,
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    more: Mapping[str, Any],
    pointers: int,
) -> Planned:
    """A library kernel for these sizes: a program that is planned anew often has had it before."""
    threads = pool.threads()
    key: Hashable = None
    if all(type(v) in _PLAIN or _sizes_only(v) for v in attrs.values()):
        specs = tuple([(s.shape, s.dtype) for s in (*inputs, *outputs)])
        key = lower, threads, specs, tuple(attrs.items()), tuple(more.items()), pointers
        found = _calls.get(key)
        if found is not None:
            return found
    call = lower.plan(inputs, outputs, attrs, threads, **more)
    if lower.cost:
        flops = lower.cost(inputs, outputs, attrs)
    else:
        flops = 4.0 * sum(math.prod(s.shape) * s.dtype.size for s in outputs)  # type: ignore[operator]
    made = call, tuple(call.words([0] * pointers)), flops
    if key is not None:
        if len(_calls) >= _CALLS:
            _calls.clear()
        _calls[key] = made
    return made


def _sizes_only(x: Any) -> bool:
    return type(x) is tuple and all(type(n) in (int, Dim) for n in x)


def _copy_loop(code: str, letters: Sequence[str], fill: Any) -> Loop:
    """y0 = x0, or y0 = fill; 16-bit floats go as bits, and so does their fill."""
    plain = {"f16": "u16", "bf16": "u16"}.get(code, code)
    operands = [Operand("x0", plain, letters[0])] if fill is None else []
    operands.append(Operand("y0", plain, letters[-1]))
    b = Body("copy", len(letters[-1]), operands)
    b.store("y0", b.load("x0") if fill is None else b.const(fill, plain))
    return b.done()


# --- extents and words -----------------------------------------------------------


def _extent(loop: Loop, sizes: Sequence[int]) -> tuple[int, int, int]:
    """(rows, cols, depth) of a loop over axes of these sizes."""
    rows = int(product(sizes[: loop.outer]))  # type: ignore[arg-type]
    return rows, sizes[-1], sizes[-2] if loop.deep else 1


def _blocks(loop: Loop, sizes: Sequence[int]) -> tuple[int, int]:
    """Rows (with one axis, elements) of a block, and the number of blocks; from the shape alone."""
    if not loop.blocked:
        return 1, 1
    rows, cols, depth = _extent(loop, sizes)
    unit = 1 if loop.outer == 0 else cols * depth
    whole = rows * cols * depth // unit
    if whole * unit <= ALONE:
        return whole, 1
    block = max(1, BLOCK // unit, -(-whole // MOST_BLOCKS))
    return block, -(-whole // block)


def _words(
    loop: Loop, values: Mapping[str, int], sizes: Sequence[int], operands: _Operands
) -> tuple[Word, ...]:
    """The words of `loop.slots()`."""
    out: list[Word] = []
    for name in _slots(loop):
        if name in operands.pointers:
            out.append(operands.pointers[name])
        elif name in values:
            out.append(values[name])
        elif name.startswith("size"):
            out.append(sizes[int(name[4:])])
        else:
            operand, axis = name.rsplit(".stride", 1)
            out.append(operands.strides[operand][int(axis)])
    return tuple(out)


# --- time ------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _slots(loop: Loop) -> list[str]:
    return loop.slots()


@lru_cache(maxsize=1024)
def weight(loop: Loop) -> int:
    """Operations per element."""
    terms = (t for t in walk(*loop.roots()) if t.level in (LANE, DEEP) and t.args)
    return sum(12 if t.op in COSTLY else 1 for t in terms)


def estimate(loop: Loop, elements: int) -> float:
    """Nanoseconds on one thread, roughly: operations on vectors, and bytes."""
    full = [o for o in loop.operands if loop.level(o) in (LANE, DEEP)]
    nbytes = elements * sum(ITEMSIZE[o.dtype] for o in full)
    return elements * weight(loop) * 0.02 + nbytes * (0.01 if nbytes <= CACHED else 0.03) + 30.0


def chunk_of(units: str, total: int, ns: float) -> int:
    """Units per chunk: all of them where a launch does not pay; else a few chunks per thread."""
    threads = pool.threads()
    if threads == 1 or ns < PARALLEL_NS or total < 2:
        return max(total, 1)
    pieces = max(2, min(4 * threads, int(ns / 5_000.0)), min(32 * threads, int(ns / PIECE_NS)))
    chunk = -(-total // pieces)
    return -(-chunk // 64) * 64 if units == "elements" else max(chunk, 1)
