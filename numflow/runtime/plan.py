"""A Program and the sizes of one call -> a Plan: argument blocks, an arena, a native record.

Everything of a step that does not depend on addresses is worked out once per shape (work.py). Here
pointers become addresses: those of the arena and of constants are known, those of arguments,
results and variables are patched in at each call. Host calls part a program into phases.

Sizes that depend on values part it into segments, each of which has plans of its own: `after` gives
the plan of the next segment for the numbers that were bound in this one.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow.codegen.kept import made_of
from numflow.codegen.steps import BindStep, ControlStep, Program, Step
from numflow.collection import no_collection
from numflow.errors import ResourceExhaustedError, explain
from numflow.graph.graph import Node, Value, constant_op, sizes_op
from numflow.graph.spec import Spec
from numflow.kernels import engine
from numflow.kernels.records import NamedTuple, field, record
from numflow.runtime import arena
from numflow.runtime.entry import (
    CallRecord,
    CellPatch,
    InputGuard,
    Slot,
    make_call,
    new_context,
)
from numflow.runtime.executor import KERNEL, Instruction, choose, jump, jump_if_false, kernel
from numflow.runtime.kept import Kept
from numflow.runtime.layout import LINE, Interval, offsets
from numflow.runtime.lives import lives_of
from numflow.runtime.native import address_function
from numflow.runtime.sizes import Checks, Sizes, check_memory, check_nodes
from numflow.runtime.words import Held, Pointer, Row, Table, Told, Turn, Work
from numflow.runtime.work import Worker

Array = np.ndarray[Any, Any]

LONG_NS = 10_000.0  # estimated work from which the GIL is released
MOST_FOLLOWING = 128  # plans of the next segment that a plan keeps


class Phase(NamedTuple):
    """A stretch of native work, or, without a record, one step that runs in Python.

    instructions: those of the steps' work, in order.
    """

    record: CallRecord | None
    steps: tuple[Step, ...]
    instructions: tuple[Instruction, ...] = ()


@record
class _Addresses:
    """What the native record of a phase must know of pointers.

    inputs, outputs: per argument, and per number of a result, the slots that receive its address;
    cells: per variable. inside: slots that hold an address in `memory`, or of one of its arrays.
    rows: per row that a loop finds, the slots that receive its address; told: the slots that get
    the address of a table of these.
    """

    inputs: list[list[Any]]
    outputs: dict[int, list[Any]]
    memory: list[Array]
    cells: dict[Any, list[Any]] = field(default_factory=dict)
    inside: list[Any] = field(default_factory=list)
    rows: dict[Row, list[Any]] = field(default_factory=dict)
    told: list[tuple[Array, int, Row]] = field(default_factory=list)


class Plan:
    """A segment of a program with its sizes known, ready to be called by one thread at a time.

    sizes: number behind each symbol. `checks[n]`: the node that reports itself as number n.
    work: the instructions of each step; None where it runs in Python.
    steps: those of the segment. made: by number, the results that are made when it begins; present:
    the numbers of these and those of earlier segments.
    alone: whether calls must take turns, under `lock`.
    parent: the plan of the segment before.

    Raises:
      ShapeError, IndexRangeError: the sizes do not fit, see sizes.py.
      ResourceExhaustedError: there is not so much memory.
    """

    def __init__(
        self, program: Program, sizes: Mapping[str, int], parent: Plan | None = None
    ) -> None:
        self.program, self.sizes, self.parent = program, Sizes(sizes), parent
        self.root: Plan = self if parent is None else parent.root
        self.number: int = 0 if parent is None else parent.number + 1
        self.begin, self.end = program.segments[self.number]
        self.steps = program.steps[self.begin : self.end]
        self.is_last = self.number + 1 == len(program.segments)
        if len(program.segments) > 1:
            checks_of(program, self.number, program.checked[self.number]).run(self.sizes)
        elif sizes:
            checks_of(program, 0, program.graph.nodes).run(self.sizes)
        if parent is None:
            check_nodes(program.assumed, self.sizes)
            self.specs = [self.concrete(v.spec) for v in program.inputs]
            self.input_number = {v: k for k, v in enumerate(program.inputs)}
            self.output_number = {v: k for k, v in enumerate(program.outputs)}
            self.draws = np.zeros((max(len(program.draws), 1), 2), np.int64)
            self.lock = threading.Lock()
            self._arenas: dict[int, Array] = {}  # of later segments, by number
            self._placed: dict[Any, tuple[dict[Hashable, int], int]] = {}  # see _offsets
            self.furthest = self  # the plan of a later segment that ran last
        else:
            self.specs, self.draws, self.lock = parent.specs, parent.draws, parent.lock
            self.input_number, self.output_number = parent.input_number, parent.output_number
        self.made = self._made()
        self.makers = [_maker(s) for s in self.made.values()]
        earlier = {} if parent is None else parent.results
        self.results: dict[int, Spec] = dict(sorted({**earlier, **self.made}.items()))
        self.offsets: dict[Hashable, int] = {}
        self._fixed: dict[Value, Array] = {}
        for k, node in enumerate(program.draws):
            self._fixed[node.output] = self.draws[k]
        worker, works = self._works()
        self.checks, self._held = worker.checks, worker.held
        self.work = dict(zip(self.steps, works, strict=True))
        self._place_arena(works, worker.scratch)
        self.context = new_context()
        self.context_address = address_function()(self.context)
        self.phases = self._phases(works)
        # Phases hand each other what lies in the arena, and draws lie beside it.
        parts = len(self.phases) > 1 or len(program.segments) > 1
        self.alone = parts or bool(program.draws)
        self.views: dict[BindStep, Array] = {}  # see host.py
        self._following: dict[tuple[int, ...], Plan] = {}

    def _works(self) -> tuple[Worker, list[list[Any] | None]]:
        """The instructions of each step, and who made them.

        Kernels that are to be compiled are asked for, all of them, before one is waited for.
        """
        worker, works = Worker(self.program, self.sizes), []
        ready = True
        with engine.asking():
            for k, step in enumerate(self.steps, self.begin):
                try:
                    works.append(worker.of(step, k))
                except engine.NotYet:
                    ready = False
        if not ready:  # anew: steps number what they check
            worker = Worker(self.program, self.sizes)
            works = [worker.of(s, k) for k, s in enumerate(self.steps, self.begin)]
        return worker, works

    def _made(self) -> dict[int, Spec]:
        """The specs of the results that this segment is the first to write, by number."""
        program = self.program
        if len(program.segments) == 1:
            check_memory(program.graph.outputs, self.sizes)
            return {k: self.concrete(s) for k, s in enumerate(program.output_specs)}
        earlier = {} if self.parent is None else self.parent.results
        here = {self.output_number.get(v) for s in self.steps for v in s.writes}
        numbers = [
            k
            for k in range(len(program.outputs))
            if k not in earlier and (k in here or self.is_last)
        ]
        check_memory((program.graph.outputs[k] for k in numbers), self.sizes)
        return {k: self.concrete(program.output_specs[k]) for k in numbers}

    # segments -------------------------------------------------------------------------------------
    def after(self, numbers: tuple[int, ...]) -> Plan:
        """The plan of the next segment, for the numbers of what this one's BindSteps bind."""
        found = self._following.pop(numbers, None)
        if found is None:
            names = [n for s in self.steps if isinstance(s, BindStep) for n in s.symbols]
            sizes = {**self.sizes.symbols, **dict(zip(names, numbers, strict=True))}
            with no_collection():
                found = Plan(self.program, sizes, self)
            if len(self._following) >= MOST_FOLLOWING:
                self._following.pop(next(iter(self._following)))
        self._following[numbers] = self.root.furthest = found
        return found

    def chain(self) -> list[Plan]:
        """The plans of the segments up to this one."""
        return [*([] if self.parent is None else self.parent.chain()), self]

    def holder(self, key: Hashable) -> Plan:
        """The plan in whose arena a root lies."""
        plan = self
        while key not in plan.offsets and plan.parent is not None:
            plan = plan.parent
        return plan

    def _room(self, nbytes: int) -> Array:
        """Memory for the arena of this segment: all plans of one segment share it, since only one
        of them runs at a time. A larger one takes the place of what was there before."""
        if self.parent is None:
            return arena.aligned_empty(nbytes)
        arenas = self.root._arenas
        found = arenas.get(self.number)
        if found is None or found.nbytes < nbytes:
            found = arenas[self.number] = arena.aligned_empty(nbytes + nbytes // 4)
            self.root._forget(self.number)
        return found

    def _forget(self, number: int) -> None:
        """Let the plans of that segment go: their arena has moved."""
        if self.number + 1 == number:
            self._following.clear()
        for plan in self._following.values():
            plan._forget(number)

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
            if self.parent is not None and root.node.op is constant_op:
                return self.root.fixed(root)
            attrs = self.sizes.attrs(root.node.attrs)
            (array,) = root.node.op.run((), [self.concrete(root.spec)], attrs)
            found = self._fixed[root] = np.ascontiguousarray(array).reshape(array.shape)
        return found

    # the arena ------------------------------------------------------------------------------------
    def _place_arena(self, works: Sequence[list[Work] | None], scratch: Sequence[Interval]) -> None:
        """Offsets of what lives between steps, of scratch, and of the kernels' workspaces."""
        lives, shared = lives_of(self.program, self.number)
        check_memory((v for v, _, _ in lives), self.sizes)
        self.intervals = [Interval(v, self.nbytes(v), first, last) for v, first, last in lives]
        self.intervals += scratch
        for k, items in enumerate(works):
            at = self.begin + k
            for j, w in enumerate(items or ()):
                if w.workspace:
                    self.intervals.append(Interval(("workspace", at, j), w.workspace, at, at))
        self.offsets, total = self._offsets(shared)
        try:
            self.memory = self._room(total)
        except MemoryError:
            problem = f"its intermediate results need {total / 1e9:.1f} GB"
            raise ResourceExhaustedError(explain("function", problem)) from None
        self.base = address_function()(self.memory) if total else 0

    def _offsets(self, shared: Mapping[Value, Value]) -> tuple[dict[Hashable, int], int]:
        """Where each buffer lies, and the bytes in all.

        Of a later segment, buffers are rounded up to an eighth of a power of two: so that sizes of
        each call need not be placed anew.
        """
        if self.parent is None:
            return self._shared_offsets(self.intervals, shared)
        sizes = [_rounded(i.nbytes) for i in self.intervals]
        key = self.number, tuple(sizes), tuple([i.key for i in self.intervals])
        found = self.root._placed.get(key)
        if found is None:
            rounded = [i._replace(nbytes=n) for i, n in zip(self.intervals, sizes, strict=True)]
            if len(self.root._placed) >= MOST_FOLLOWING:
                self.root._placed.clear()
            found = self.root._placed[key] = self._shared_offsets(rounded, shared)
        return found

    def _shared_offsets(
        self, intervals: Sequence[Interval], shared: Mapping[Value, Value]
    ) -> tuple[dict[Hashable, int], int]:
        found, total = offsets(intervals)
        found.update({v: found[old] for v, old in shared.items()})
        return found, total

    # phases ---------------------------------------------------------------------------------------
    def _phases(self, works: Sequence[list[Work] | None]) -> list[Phase]:
        phases: list[Phase] = []
        stretch: list[int] = []
        for k, s in enumerate(self.steps):
            if isinstance(s, BindStep):
                continue
            if works[k] is not None:
                stretch.append(k)
                continue
            phases += self.native(stretch, works)
            phases.append(Phase(None, (s,)))
            stretch = []
        return phases + self.native(stretch, works)

    def native(self, stretch: Sequence[int], works: Sequence[list[Work] | None]) -> list[Phase]:
        """The phase of steps that follow each other, by their numbers; of none there is none."""
        if not stretch:
            return []
        program = self.program
        known = _Addresses([[] for _ in self.specs], {k: [] for k in self.results}, [self.memory])
        instructions: list[Instruction] = []
        lasting: list[Instruction] = []  # of the steps that are kept
        first_write = -1
        ns = 0.0
        for k in stretch:
            at = self.begin + k
            if at >= program.first_write and program.assigned and first_write < 0:
                first_write = len(instructions) + (len(lasting) + 3 if lasting else 0)
            if isinstance(self.steps[k], ControlStep):
                begin = len(instructions) + (len(lasting) + 3 if lasting else 0)
                instructions += self._control(works[k] or (), begin, known)
                ns = math.inf
                continue
            for j, w in enumerate(works[k] or ()):
                if w.units:
                    block = self._block(w, ("workspace", at, j), known)
                    into = lasting if at < program.kept else instructions
                    into.append(kernel(w.address, block, w.units, w.chunk))
                    ns += w.ns
        self._tell(known)
        done = (*lasting, *(i for i in instructions if i.operation == KERNEL))
        made: list[Slot] = []
        if lasting:
            variables, captures = made_of(program)
            kept = Kept(self.context_address, variables, len(captures))
            for value, slot in zip(captures, kept.slots, strict=True):
                known.inputs[self.input_number[value]].append(slot)
            instructions = [*kept.around(lasting), *instructions]
            made = kept.made
            known.inside += kept.pointers
        slots = [*known.inputs, *known.outputs.values()]
        written = {id(v) for v in program.written}
        record = make_call(
            instructions,
            [
                InputGuard(s.shape, s.dtype.numpy, where)  # type: ignore[arg-type]
                for s, where in zip([*self.specs, *self.results.values()], slots, strict=True)
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
            made=made,
        )
        return [Phase(record, tuple(self.steps[k] for k in stretch), done)]

    def _control(self, items: Sequence[Any], begin: int, known: _Addresses) -> list[Instruction]:
        """The instructions of a loop or of branches (control.py), the first being number begin."""
        places: list[int] = []  # of each item, the number of its instruction
        at = begin
        for w in items:
            places.append(at)
            at += isinstance(w, Turn) or w.units > 0
        places.append(at)
        found: list[Instruction] = []
        for w in items:
            if isinstance(w, Turn):
                targets = [places[t] for t in w.targets]
                if w.kind == "jump":
                    found.append(jump(targets[0]))
                elif w.kind == "test":
                    found.append(jump_if_false(self._filled((), w.words, known), targets[0]))
                else:
                    words = (*w.words, len(targets), *targets)
                    found.append(choose(self._filled((), words, known)))
            elif w.units:
                block = self._block(w, None, known)
                found.append(kernel(w.address, block, w.units, w.chunk))
        return found

    def _tell(self, known: _Addresses) -> None:
        """The tables of who is told where a row is, when all blocks are there."""
        for block, at, row in known.told:
            slots = known.rows.get(row, [])
            table = np.array([len(slots), *[0] * (2 * len(slots))], np.int64)
            for k, (other, word, nbytes) in enumerate(slots):
                table[2 * k + 1] = address_function()(other) + word * other.itemsize
                table[2 * k + 2] = nbytes
                known.inside.append((table, 2 * k + 1))
            known.memory.append(table)
            block[at] = address_function()(table)
            known.inside.append((block, at))

    def _block(self, work: Work, workspace: Hashable, known: _Addresses) -> Array:
        """The argument block of an instruction."""
        scratch = self.base + self.offsets[workspace] if work.workspace else 0
        if work.scratch is not None:
            scratch = self.base + self.offsets[work.scratch.key] + work.scratch.nbytes
        head = (self.context_address, scratch, work.units, work.node)  # as in abi.py
        return self._filled(head, work.words, known)

    def _filled(
        self, head: tuple[int, ...], words: Sequence[int | Pointer], known: _Addresses
    ) -> Array:
        """A block of words, with addresses where they are known."""
        block = np.empty(len(head) + len(words), np.int64)
        values: list[Any] = [*head, *words]
        for at, word in enumerate(words, len(head)):
            if type(word) is Pointer:
                values[at] = self._address(word, block, at, known)
        block[:] = values
        return block

    def _address(self, p: Pointer, block: Array, at: int, known: _Addresses) -> int:
        """The address, or 0 after a note where it will have to go."""
        key, nbytes = p
        if isinstance(key, Value) and key not in self.offsets:
            slot = (block, at, nbytes) if nbytes else (block, at)
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
                return address_function()(fixed) + nbytes
        if isinstance(key, Held):
            return address_function()(self._held[key]) + nbytes
        if isinstance(key, Row):
            known.rows.setdefault(key, []).append((block, at, nbytes))
            return 0
        if isinstance(key, Told):
            known.told.append((block, at, key.row))
            return 0
        known.inside.append((block, at))
        if isinstance(key, Table):
            table = self._filled((), key.words, known)
            known.memory.append(table)
            return address_function()(table)
        plan = self.holder(key)
        return plan.base + plan.offsets[key] + nbytes


def checks_of(program: Program, number: int, nodes: Sequence[Node]) -> Checks:
    """The checks of the sizes of nodes that are known when segment `number` begins."""
    found = program.checks.get(number)
    if found is None:
        found = program.checks[number] = Checks(nodes)
    return found


def _rounded(nbytes: int) -> int:
    step = max(LINE, 1 << max(0, nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


def _maker(spec: Spec) -> Callable[[], Array]:
    """What makes the array of a result."""
    shape: tuple[int, ...] = spec.shape  # type: ignore[assignment]
    if spec.dtype.name == "string":

        def strings() -> Array:
            try:
                return np.empty(shape, object)
            except MemoryError as e:
                raise ResourceExhaustedError(explain("function", f"not enough memory: {e}")) from e

        return strings
    return arena.result_maker(shape, spec.dtype.numpy)
