"""A Program and the sizes of one call -> a Plan: argument blocks, an arena, a native record.

Everything of a step that does not depend on addresses is worked out once per shape (work.py). Here
pointers become addresses: those of the arena and of constants are known, those of arguments,
results and variables are patched in at each call. Host calls part a program into phases.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from numflow.codegen.steps import ClusterStep, Program, Step
from numflow.codegen.writes import in_place
from numflow.errors import ResourceExhaustedError, explain
from numflow.graph.graph import Value, constant_op, sizes_op
from numflow.graph.spec import Spec
from numflow.kernels import abi
from numflow.runtime import arena
from numflow.runtime.entry import CallRecord, CellPatch, InputGuard, make_call, new_context
from numflow.runtime.executor import Instruction, kernel
from numflow.runtime.layout import Interval, offsets
from numflow.runtime.native import address_function
from numflow.runtime.sizes import Sizes, check_memory, check_sizes
from numflow.runtime.work import Pointer, Table, Work, Worker

Array = np.ndarray[Any, Any]

LONG_NS = 10_000.0  # estimated work from which the GIL is released


class Phase(NamedTuple):
    """A stretch of native work, or, without a record, one step that runs in Python."""

    record: CallRecord | None
    steps: tuple[Step, ...]


@dataclass(eq=False, repr=False)
class _Addresses:
    """What the native record of a phase must know of pointers.

    inputs, outputs: per argument and result, the slots that receive its address; cells: per
    variable. inside: slots that hold an address in `memory`, or of one of its arrays.
    """

    inputs: list[list[Any]]
    outputs: list[list[Any]]
    memory: list[Array]
    cells: dict[Any, list[Any]] = field(default_factory=dict)
    inside: list[Any] = field(default_factory=list)


class Plan:
    """A program with all sizes known, ready to be called by one thread at a time.

    sizes: number behind each symbol. `checks[n]`: the node that reports itself as number n.
    work: the instructions of each step; None where it runs in Python.
    alone: whether calls must take turns, under `lock`.

    Raises:
      ShapeError, IndexRangeError: the sizes do not fit, see sizes.py.
      ResourceExhaustedError: there is not so much memory.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        self.program, self.sizes = program, Sizes(sizes)
        check_sizes(program.graph, self.sizes)
        check_memory(program.graph.outputs, self.sizes)
        self.specs = [self.concrete(v.spec) for v in program.inputs]
        self.results = [self.concrete(s) for s in program.output_specs]
        self.makers = [_maker(s) for s in self.results]
        self.input_number = {v: k for k, v in enumerate(program.inputs)}
        self.output_number = {v: k for k, v in enumerate(program.outputs)}
        self._fixed: dict[Value, Array] = {}
        self.draws = np.zeros((max(len(program.draws), 1), 2), np.int64)
        for k, node in enumerate(program.draws):
            self._fixed[node.output] = self.draws[k]
        worker = Worker(program, self.sizes)
        works = [worker.of(s, k) for k, s in enumerate(program.steps)]
        self.checks = worker.checks
        self.work = dict(zip(program.steps, works, strict=True))
        self._place_arena(works, worker.scratch)
        self.context = new_context()
        self.phases = self._phases(works)
        # Phases hand each other what lies in the arena, and draws lie beside it.
        self.alone = len(self.phases) > 1 or bool(program.draws)
        self.lock = threading.Lock()

    def concrete(self, spec: Spec) -> Spec:
        """The spec with numbers for its sizes."""
        return self.sizes.spec(spec)

    def nbytes(self, value: Value) -> int:
        """Bytes of a value."""
        return self.sizes.nbytes(value)

    def fixed(self, root: Value) -> Array | None:
        """The array of a constant or a table of sizes."""
        found = self._fixed.get(root)
        if found is None and root.node is not None and root.node.op in (constant_op, sizes_op):
            attrs = self.sizes.attrs(root.node.attrs)
            (array,) = root.node.op.run((), [self.concrete(root.spec)], attrs)
            found = self._fixed[root] = np.ascontiguousarray(array).reshape(array.shape)
        return found

    # the arena ------------------------------------------------------------------------------------
    def _place_arena(self, works: Sequence[list[Work] | None], scratch: Sequence[Interval]) -> None:
        """Offsets of what lives between steps, of scratch, and of the kernels' workspaces."""
        lives, shared = self._lives()
        check_memory((k.key for k in lives if isinstance(k.key, Value)), self.sizes)
        self.intervals = [*lives, *scratch]
        for k, items in enumerate(works):
            for j, w in enumerate(items or ()):
                if w.workspace:
                    self.intervals.append(Interval(("workspace", k, j), w.workspace, k, k))
        self.offsets, total = offsets(self.intervals)
        self.offsets.update({v: self.offsets[old] for v, old in shared.items()})
        try:
            self.memory = arena.aligned_empty(total)
        except MemoryError:
            problem = f"its intermediate results need {total / 1e9:.1f} GB"
            raise ResourceExhaustedError(explain("function", problem)) from None
        self.base = address_function()(self.memory) if total else 0

    def _lives(self) -> tuple[list[Interval], dict[Value, Value]]:
        """From which step to which each root that is nobody else's is needed; and the roots that
        are computed in place, by the root whose memory they take over as it dies."""
        first: dict[Value, int] = {}
        last: dict[Value, int] = {}
        for k, s in enumerate(self.program.steps):
            for v in s.writes:
                first.setdefault(v, k)
            for v in (*s.reads, *s.writes):
                last[v] = k
        own = [v for v in first if self._in_arena(v)]
        shared: dict[Value, Value] = {}
        ends = dict(last)
        for v in own:
            old = self._takes_over(v, first, last)
            if old is not None:
                whole = shared[v] = shared.get(old, old)
                ends[whole] = last[v]
                del last[old]  # nobody else takes it over
        lives = [Interval(v, self.nbytes(v), first[v], ends[v]) for v in own if v not in shared]
        return lives, shared

    def _in_arena(self, v: Value) -> bool:
        mine = v not in self.output_number and v not in self.program.assigned
        return mine and v.spec.dtype.name != "string"  # objects: host calls keep them, host.py

    def _takes_over(
        self, v: Value, first: Mapping[Value, int], last: Mapping[Value, int]
    ) -> Value | None:
        """An operand of the step that makes v which dies there, and in whose place v may be."""
        at = first[v]
        step = self.program.steps[at]
        if sum(v in s.writes for s in self.program.steps) > 1:
            return None
        if isinstance(step, ClusterStep) and step.code.loop.inner is not None:
            # A row is part of a vector: the load of the next one would wait for the store of this
            # one, which costs a short softmax a third of its speed.
            return None
        for old in step.reads:
            dies = old in first and first[old] < at == last.get(old) and self._in_arena(old)
            if dies and self.nbytes(old) == self.nbytes(v) and in_place(step, v, {old}):
                return old
        return None

    # phases ---------------------------------------------------------------------------------------
    def _phases(self, works: Sequence[list[Work] | None]) -> list[Phase]:
        phases: list[Phase] = []
        stretch: list[int] = []
        for k, s in enumerate(self.program.steps):
            if works[k] is not None:
                stretch.append(k)
                continue
            phases += self._native(stretch, works)
            phases.append(Phase(None, (s,)))
            stretch = []
        return phases + self._native(stretch, works)

    def _native(self, stretch: Sequence[int], works: Sequence[list[Work] | None]) -> list[Phase]:
        if not stretch:
            return []
        program = self.program
        known = _Addresses([[] for _ in self.specs], [[] for _ in self.results], [self.memory])
        instructions: list[Instruction] = []
        first_write = -1
        ns = 0.0
        for k in stretch:
            if k >= program.first_write and program.assigned and first_write < 0:
                first_write = len(instructions)
            for j, w in enumerate(works[k] or ()):
                if w.units:
                    block = self._block(w, ("workspace", k, j), known)
                    instructions.append(kernel(w.address, block, w.units, w.chunk))
                    ns += w.ns
        slots = [*known.inputs, *known.outputs]
        written = {id(v) for v in program.written}
        record = make_call(
            instructions,
            [
                InputGuard(s.shape, s.dtype.numpy, where)  # type: ignore[arg-type]
                for s, where in zip([*self.specs, *self.results], slots, strict=True)
            ],
            [
                CellPatch(v.cell_address, where, id(v) in written, v.form)
                for v, where in known.cells.items()
            ],
            context=self.context,
            long=ns > LONG_NS,
            first_write=len(instructions) if first_write < 0 else first_write,
            memory=known.memory,
            pointers=known.inside,
        )
        return [Phase(record, tuple(program.steps[k] for k in stretch))]

    def _block(self, work: Work, workspace: Hashable, known: _Addresses) -> Array:
        """The argument block of an instruction."""
        block = np.zeros(abi.HEADER + len(work.words), np.int64)
        block[abi.CONTEXT] = address_function()(self.context)
        if work.workspace:
            block[abi.WORKSPACE] = self.base + self.offsets[workspace]
        block[abi.TOTAL], block[abi.NODE] = work.units, work.node
        self._fill(block, abi.HEADER, work.words, known)
        return block

    def _fill(
        self, block: Array, start: int, words: Sequence[int | Pointer], known: _Addresses
    ) -> None:
        """Put words into a block, addresses where they are known."""
        for at, word in enumerate(words, start):
            if isinstance(word, Pointer):
                block[at] = self._address(word, block, at, known)
            else:
                block[at] = word

    def _address(self, p: Pointer, block: Array, at: int, known: _Addresses) -> int:
        """The address, or 0 after a note where it will have to go."""
        key = p.key
        if isinstance(key, Value):
            slot = (block, at, p.nbytes) if p.nbytes else (block, at)
            variable = self.program.variable(key)
            if variable is not None:
                known.cells.setdefault(variable, []).append(slot)
                return 0
            if key in self.output_number:
                known.outputs[self.output_number[key]].append(slot)
                return 0
            if key in self.input_number:
                known.inputs[self.input_number[key]].append(slot)
                return 0
            fixed = self.fixed(key)
            if fixed is not None:
                return address_function()(fixed) + p.nbytes
        known.inside.append((block, at))
        if isinstance(key, Table):
            table = np.zeros(len(key.words), np.int64)
            self._fill(table, 0, key.words, known)
            known.memory.append(table)
            return address_function()(table)
        return self.base + self.offsets[key] + p.nbytes


def _maker(spec: Spec) -> Callable[[], Array]:
    """What makes the array of a result."""
    shape: tuple[int, ...] = spec.shape  # type: ignore[assignment]
    if spec.dtype.name == "string":
        return lambda: np.empty(shape, object)
    return arena.result_maker(shape, spec.dtype.numpy)
