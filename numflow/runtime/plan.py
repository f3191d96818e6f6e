"""A Program and the sizes of one call -> a Plan: argument blocks, an arena, a record that native code runs.

Everything of a step that does not depend on addresses is worked out here once per shape: sizes, strides, blocks and
chunks. A pointer is a *place*: in the arena or a constant (its address is known), or in an argument, result or variable
(patched in at each call). Host calls part a program into phases.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from numflow.codegen.cluster import ClusterCode, Place
from numflow.codegen.program import (
    ClusterStep,
    CopyStep,
    HostStep,
    LibraryStep,
    Program,
    SegmentStep,
    Step,
)
from numflow.codegen.printers import compile_loop
from numflow.errors import ResourceExhaustedError, explain
from numflow.graph.collapse import collapse
from numflow.graph.graph import Node, Value, constant_op, sizes_op
from numflow.graph.loops import DEEP, LANE, Body, Loop, Operand, walk
from numflow.graph.lowering import Layout
from numflow.graph.op import concrete_attrs
from numflow.graph.spec import Spec
from numflow.kernels import abi
from numflow.kernels.builder import ITEMSIZE
from numflow.runtime import arena, pool
from numflow.runtime.entry import CallRecord, CellPatch, InputGuard, make_call, new_context
from numflow.runtime.executor import Instruction, kernel
from numflow.runtime.layout import Interval, offsets
from numflow.runtime.native import address_function
from numflow.codegen.cluster import CODES, COSTLY
from numflow.shapes import Extent, evaluate

Array = np.ndarray[Any, Any]

ALONE = 1 << 15  # elements up to which a fold across rows is one block
BLOCK = 1 << 14  # elements of a block otherwise
MOST_BLOCKS = 64
PARALLEL_NS = 20_000.0  # estimated work below which a launch does not pay
SEGMENT = 1 << 12  # elements of a chunk of a segmented loop
LONG_NS = 10_000.0  # estimated work from which the GIL is released


@dataclass(frozen=True)
class Pointer:
    """An address in the making: of a root's buffer or of scratch (a key), plus bytes."""

    key: Hashable
    nbytes: int = 0


@dataclass(frozen=True)
class Work:
    """An instruction before addresses: words behind the header, with Pointers among them."""

    address: int
    words: tuple[int | Pointer, ...]
    units: int
    chunk: int
    ns: float
    node: int = 0
    workspace: int = 0


@dataclass(frozen=True)
class Phase:
    """A stretch of native work, or one host call."""

    record: CallRecord | None
    host: HostStep | None
    steps: tuple[Step, ...]


class Plan:
    """A program with all sizes known, ready to be called by one thread at a time.

    sizes: number behind each symbol. `checks[n]`: the node that reports itself as number n.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, sizes
        self.checks: list[Node] = []
        self.specs = [self.concrete(v.spec) for v in program.inputs]
        self.results = [self.concrete(s) for s in program.output_specs]
        self.makers = [arena.result_maker(s.shape, s.dtype.numpy) for s in self.results]  # type: ignore[arg-type]
        self._inputs = {v: k for k, v in enumerate(program.inputs)}
        self._outputs = {v: k for k, v in enumerate(program.outputs)}
        self._fixed: dict[Value, Array] = {}
        self.draws = np.zeros((max(len(program.draws), 1), 2), np.int64)
        for k, node in enumerate(program.draws):
            self._fixed[node.output] = self.draws[k]
        self.phases = self._build()
        # Phases hand each other what lies in the arena, and draws lie beside it: one call at a time.
        self.alone = len(self.phases) > 1 or bool(program.draws)
        self.lock = threading.Lock()

    # sizes -------------------------------------------------------------------------------------------
    def _int(self, x: Extent) -> int:
        return evaluate(x, self.sizes)

    def _ints(self, xs: Sequence[Extent]) -> tuple[int, ...]:
        return tuple(evaluate(x, self.sizes) for x in xs)

    def concrete(self, spec: Spec) -> Spec:
        """The spec with numbers for its sizes."""
        return spec if spec.known else Spec(self._ints(spec.shape), spec.dtype)

    def nbytes(self, value: Value) -> int:
        """Bytes of a value."""
        return self._int(value.spec.size) * value.spec.dtype.size

    # phases ------------------------------------------------------------------------------------------
    def _build(self) -> list[Phase]:
        steps = self.program.steps
        self.scratch: list[Interval] = []
        work = [self._work(s, k) for k, s in enumerate(steps)]
        self.work = dict(zip(steps, work, strict=True))
        self._place_arena(work)
        phases: list[Phase] = []
        stretch: list[int] = []
        self.context = new_context()
        for k, s in enumerate(steps):
            if work[k] is None:
                phases += self._native(stretch, work)
                stretch = []
                phases.append(Phase(None, s if isinstance(s, HostStep) else None, (s,)))
            else:
                stretch.append(k)
        return phases + self._native(stretch, work)

    def _work(self, step: Step, at: int) -> list[Work] | None:
        """The instructions of a step; None where it runs in Python."""
        if isinstance(step, ClusterStep):
            if 0 in self._ints(step.code.sizes):
                return None
            return self._cluster(step.code, at)
        if isinstance(step, SegmentStep):
            return self._segments(step)
        if isinstance(step, LibraryStep):
            return self._library(step)
        if isinstance(step, CopyStep):
            return self._copy(step)
        return None

    # the arena ---------------------------------------------------------------------------------------
    def _place_arena(self, work: Sequence[list[Work] | None]) -> None:
        """Offsets of what lives between steps, of scratch, and of the kernels' workspaces."""
        steps = self.program.steps
        first: dict[Value, int] = {}
        last: dict[Value, int] = {}
        for k, s in enumerate(steps):
            for v in s.writes:
                first.setdefault(v, k)
                last[v] = k
            for v in s.reads:
                last[v] = k
        intervals = list(self.scratch)
        for v, k in first.items():
            if v not in self._outputs and v not in self.program.assigned:
                intervals.append(Interval(v, self.nbytes(v), k, last[v]))
        for k, items in enumerate(work):
            for j, w in enumerate(items or ()):
                if w.workspace:
                    intervals.append(Interval(("workspace", k, j), w.workspace, k, k))
        self.offsets, total = offsets(intervals)
        try:
            self.memory = arena.aligned_empty(total)
        except MemoryError:
            raise ResourceExhaustedError(
                explain("function", f"its intermediate results need {total / 1e9:.1f} GB")
            ) from None
        self.base = address_function()(self.memory) if total else 0

    def _scratch(self, key: Hashable, nbytes: int, at: int) -> Pointer:
        self.scratch.append(Interval(key, nbytes, at, at))
        return Pointer(key)

    def fixed(self, root: Value) -> Array | None:
        """The array of a constant or a table of sizes."""
        found = self._fixed.get(root)
        if found is None and root.node is not None and root.node.op in (constant_op, sizes_op):
            attrs = concrete_attrs(root.node.attrs, self.sizes)
            (array,) = root.node.op.run((), [self.concrete(root.spec)], attrs)
            found = self._fixed[root] = np.ascontiguousarray(array).reshape(array.shape)
        return found

    # native phases -----------------------------------------------------------------------------------
    def _native(self, stretch: Sequence[int], work: Sequence[list[Work] | None]) -> list[Phase]:
        if not stretch:
            return []
        steps = self.program.steps
        address_of = address_function()
        input_slots: list[list[Any]] = [[] for _ in self.program.inputs]
        output_slots: list[list[Any]] = [[] for _ in self.program.outputs]
        cell_slots: dict[Any, list[Any]] = {}
        pointers: list[Any] = []
        instructions: list[Instruction] = []
        first_write = -1
        ns = 0.0
        keep: list[Array] = [self.memory]
        for k in stretch:
            if k >= self.program.first_write and self.program.assigned and first_write < 0:
                first_write = len(instructions)
            for j, w in enumerate(work[k] or ()):
                if not w.units:
                    continue
                block = np.zeros(abi.HEADER + len(w.words), np.int64)
                block[abi.CONTEXT] = address_of(self.context)
                if w.workspace:
                    block[abi.WORKSPACE] = self.base + self.offsets["workspace", k, j]
                block[abi.TOTAL], block[abi.NODE] = w.units, w.node
                for at, word in enumerate(w.words, abi.HEADER):
                    if isinstance(word, Pointer):
                        self._resolve(word, block, at, input_slots, output_slots, cell_slots, pointers, keep)
                    else:
                        block[at] = word
                instructions.append(kernel(w.address, block, w.units, w.chunk))
                ns += w.ns
        guards = [
            InputGuard(s.shape, s.dtype.numpy, slots)  # type: ignore[arg-type]
            for s, slots in zip(self.specs, input_slots, strict=True)
        ]
        guards += [
            InputGuard(s.shape, s.dtype.numpy, slots)  # type: ignore[arg-type]
            for s, slots in zip(self.results, output_slots, strict=True)
        ]
        written = {id(v) for v in self.program.written}
        record = make_call(
            instructions,
            guards,
            [
                CellPatch(v.cell_address, slots, id(v) in written, v.form)
                for v, slots in cell_slots.items()
            ],
            context=self.context,
            long=ns > LONG_NS,
            first_write=len(instructions) if first_write < 0 else first_write,
            memory=keep,
            pointers=pointers,
        )
        self._kept = [*getattr(self, "_kept", []), keep, list(self._fixed.values())]
        return [Phase(record, None, tuple(steps[k] for k in stretch))]

    def _resolve(
        self, p: Pointer, block: Array, at: int, inputs: Any, outputs: Any, cells: Any, pointers: Any, keep: Any
    ) -> None:
        """Put an address into a block, or note where it will have to go."""
        slot = (block, at, p.nbytes) if p.nbytes else (block, at)
        if isinstance(p.key, Value):
            variable = self.program.variable(p.key)
            if variable is not None:
                cells.setdefault(variable, []).append(slot)
                return
            if p.key in self._outputs:
                outputs[self._outputs[p.key]].append(slot)
                return
            if p.key in self._inputs:
                inputs[self._inputs[p.key]].append(slot)
                return
            fixed = self.fixed(p.key)
            if fixed is not None:
                block[at] = address_function()(fixed) + p.nbytes
                return
        elif isinstance(p.key, tuple) and p.key[0] == "table":
            self._table(p.key[1], block, at, inputs, outputs, cells, pointers, keep)
            return
        block[at] = self.base + self.offsets[p.key] + p.nbytes
        pointers.append((block, at))

    def _table(
        self, table: _Table, block: Array, at: int, inputs: Any, outputs: Any, cells: Any, pointers: Any, keep: Any
    ) -> None:
        words = np.zeros(len(table.words), np.int64)
        for k, word in enumerate(table.words):
            if isinstance(word, Pointer):
                self._resolve(word, words, k, inputs, outputs, cells, pointers, keep)
            else:
                words[k] = word
        keep.append(words)
        block[at] = address_function()(words)
        pointers.append((block, at))

    # clusters ----------------------------------------------------------------------------------------
    def _cluster(self, code: ClusterCode, at: int) -> list[Work]:
        loop, sizes = code.loop, self._ints(code.sizes)
        rows, cols, depth = _extent(loop, sizes)
        elements = rows * cols * depth
        block = blocks = 1
        if loop.blocked:
            unit = 1 if loop.outer == 0 else cols * depth
            whole = elements // unit
            block = whole if elements <= ALONE else max(1, BLOCK // unit, -(-whole // MOST_BLOCKS))
            blocks = -(-whole // block)
        pointers: dict[str, Pointer] = {}
        strides: dict[str, tuple[int, ...]] = {}
        for name, p in code.places.items():
            strides[name] = self._ints(p.strides)
            pointers[name] = self._pointer(p)
            if p.partial and blocks > 1:
                fold = next(f for f in code.folds if f.partial == name)
                width = cols if fold.over == "rows" else 1
                nbytes = blocks * width * ITEMSIZE[loop.operand(name).dtype]
                pointers[name] = self._scratch(("partial", at, name), nbytes, at)
        values = {"cols": cols, "rows": rows, "block": block, "depth": depth}
        units = {"elements": cols, "rows": rows, "blocks": blocks}[loop.units()]
        ns = _estimate(loop, elements)
        first = Work(
            compile_loop(loop),
            _words(loop, values, sizes, pointers, strides),
            units,
            _chunk(loop.units(), units, ns),
            ns,
            self._number(code.checks),
        )
        if blocks == 1:
            return [first]
        out = [first]
        for final, folds in code.finals():
            places = dict(pointers)
            steps: dict[str, tuple[int, ...]] = {}
            deep = final.deep
            for f in folds:
                places["final_" + f.partial] = self._pointer(code.places[f.partial])
                steps[f.partial] = (cols, 1) if deep else (0, 1)
                steps["final_" + f.partial] = (0, 1)
            shape = (blocks, cols) if deep else (1, blocks)
            r, c, d = _extent(final, shape)
            total = c if deep else 1
            cost = _estimate(final, blocks * (cols if deep else 1))
            values = {"cols": c, "rows": r, "block": 1, "depth": d}
            out.append(
                Work(compile_loop(final), _words(final, values, shape, places, steps), total,
                     _chunk("elements" if deep else "rows", total, cost), cost)
            )  # fmt: skip
        return out

    def _number(self, checks: Sequence[Node]) -> int:
        base = len(self.checks)
        self.checks += checks
        return base

    def _pointer(self, p: Place) -> Pointer:
        assert p.value is not None
        return Pointer(p.value, self._int(p.offset) * p.dtype.size)

    def _segments(self, step: SegmentStep) -> list[Work]:
        loop = step.loop
        lengths = [self._int(c.sizes[0]) for c in step.codes]
        words: list[int | Pointer] = []
        for code, n in zip(step.codes, lengths, strict=True):
            words += [self._pointer(code.places[o.name]) for o in loop.pieces()]
            words.append(n)
        chunks = [(k, at) for k, n in enumerate(lengths) for at in range(0, n, SEGMENT)]
        values: dict[str, int | Pointer] = {
            "table": Pointer(("table", _Table(tuple(words)))),
            "chunks": Pointer(("table", _Table(tuple(n for c in chunks for n in c)))),
            "block": SEGMENT,
        }
        shared = step.codes[0].places
        for name in loop.slots():
            if name not in values:
                values[name] = self._pointer(shared[name])
        ns = _estimate(loop, sum(lengths))
        return [
            Work(compile_loop(loop), tuple(values[s] for s in loop.slots()), len(chunks),
                 _chunk("chunks", len(chunks), ns), ns)
        ]  # fmt: skip

    # library kernels, copies -------------------------------------------------------------------------
    def _library(self, step: LibraryStep) -> list[Work]:
        lower = step.node.op.lower
        inputs = [self.concrete(v.spec) for v in step.node.inputs]
        outputs = [self.concrete(v.spec) for v in step.node.outputs]
        attrs = concrete_attrs(step.node.attrs, self.sizes)
        more = {}
        if step.bias is not None or step.relu:
            more = {"bias": step.bias is not None, "activation": "relu" if step.relu else ""}
        call = lower.plan(inputs, outputs, attrs, pool.threads(), **more)
        places = [*step.inputs, *((v, None) for v in step.outputs)]
        if step.bias is not None:
            places.append(step.bias)
        words: list[int | Pointer] = list(call.words([0] * len(places)))
        for where, (root, layout) in zip(call.pointer_positions, places, strict=False):
            offset = self._int(layout.offset) if layout is not None else 0
            words[where] = Pointer(root, offset * root.spec.dtype.size)
        flops = lower.cost(inputs, outputs, attrs) if lower.cost else 4.0 * sum(self.nbytes(v) for v in step.writes)
        ns = flops / 80.0
        number = self._number([step.node]) if lower.refuses else 0
        return [Work(call.address, tuple(words), call.units, call.chunk, ns, number, call.workspace_bytes)]

    def _copy(self, step: CopyStep) -> list[Work]:
        root, target = step.target
        shape = self._ints(target.shape)
        if 0 in shape:
            return []
        code = CODES[root.spec.dtype.name]
        to = self._ints(target.strides)
        sources = [] if step.source is None else [self._ints(step.source[1].strides)]
        axes = collapse(shape, [*sources, to], (), len(sources))
        fill = step.fill if step.source is None else None
        if fill is not None and root.spec.dtype.is_floating and root.spec.dtype.size == 2:
            fill = int(np.array(fill, root.spec.dtype.numpy).view(np.uint16))
        loop = _copy_loop(code, axes.letters(), fill)
        sizes = tuple(int(n) for n in axes.sizes)  # type: ignore[arg-type]
        pointers = {"y0": Pointer(root, self._int(target.offset) * root.spec.dtype.size)}
        strides = {"y0": axes.strides[-1]}
        if step.source is not None:
            source, layout = step.source
            pointers["x0"] = Pointer(source, self._int(layout.offset) * root.spec.dtype.size)
            strides["x0"] = axes.strides[0]
        rows, cols, depth = _extent(loop, sizes)
        ns = _estimate(loop, rows * cols)
        units = {"elements": cols, "rows": rows}[loop.units()]
        values = {"cols": cols, "rows": rows, "block": 1, "depth": depth}
        words = _words(loop, values, sizes, pointers, strides)  # type: ignore[arg-type]
        return [Work(compile_loop(loop), words, units, _chunk(loop.units(), units, ns), ns)]


@dataclass(frozen=True, eq=False)
class _Table:
    """Words of memory beside an argument block."""

    words: tuple[int | Pointer, ...]


def _copy_loop(code: str, letters: Sequence[str], fill: Any) -> Loop:
    """y0 = x0, or y0 = fill; 16-bit floats go as bits, and so does their fill."""
    plain = {"f16": "u16", "bf16": "u16"}.get(code, code)
    operands = [Operand("x0", plain, letters[0])] if fill is None else []
    operands.append(Operand("y0", plain, letters[-1]))
    b = Body("copy", len(letters[-1]), operands)
    b.store("y0", b.load("x0") if fill is None else b.const(fill, plain))
    return b.done()


def _extent(loop: Loop, sizes: Sequence[int]) -> tuple[int, int, int]:
    """(rows, cols, depth) of a loop over axes of these sizes."""
    rows = 1
    for n in sizes[: loop.outer]:
        rows *= n
    return rows, sizes[-1], sizes[-2] if loop.deep else 1


def _words(
    loop: Loop,
    values: Mapping[str, int],
    sizes: Sequence[int],
    pointers: Mapping[str, Pointer],
    strides: Mapping[str, Sequence[int]],
) -> tuple[int | Pointer, ...]:
    """The words of `loop.slots()`."""
    out: list[int | Pointer] = []
    for name in loop.slots():
        if name in pointers:
            out.append(pointers[name])
        elif name in values:
            out.append(values[name])
        elif name.startswith("size"):
            out.append(sizes[int(name[4:])])
        else:
            operand, axis = name.rsplit(".stride", 1)
            out.append(strides[operand][int(axis)])
    return tuple(out)


def _estimate(loop: Loop, elements: int) -> float:
    """Nanoseconds on one thread, roughly: operations on vectors, or bytes."""
    weight = sum(
        (12 if t.op in COSTLY else 1) for t in walk(*loop.roots()) if t.level in (LANE, DEEP) and t.args
    )
    nbytes = sum(ITEMSIZE[o.dtype] for o in loop.operands if loop.level(o) in (LANE, DEEP))
    return elements * (weight * 0.02 + nbytes * 0.03) + 30.0


def _chunk(units: str, total: int, ns: float) -> int:
    """Units per chunk: all of them where a launch does not pay; else a few chunks per thread."""
    threads = pool.threads()
    if threads == 1 or ns < PARALLEL_NS or total < 2:
        return max(total, 1)
    pieces = max(2, min(4 * threads, int(ns / 5_000.0)))
    chunk = -(-total // pieces)
    return -(-chunk // 64) * 64 if units == "elements" else max(chunk, 1)


