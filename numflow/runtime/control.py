"""The instructions of branches and loops: those of the programs inside, and jumps between them.

    loop                                    branches
      copy the first values into cells        choose      -> one of the following
    0 the condition                         0 the first branch
      jump if false -> end                    jump -> end
      the body                              1 the second
      jump -> 0                               ...
    end                                     end

What lives inside lies in one stretch of the program's arena, the *frame* of the step; offsets in it
are found as those of a plan are. The pointers of the instructions inside are led there, to the
cells, which are the outputs of the node, and to what the graph inside captures.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numflow.codegen.control import unwritten
from numflow.codegen.steps import (
    BranchStep,
    Cell,
    CopyStep,
    LoopStep,
    Program,
    RowStep,
    Seen,
)
from numflow.graph.graph import Value, constant_op, sizes_op
from numflow.graph.lowering import Layout, dense
from numflow.runtime.layout import Interval, offsets
from numflow.runtime.lives import lives_of
from numflow.runtime.sizes import check_memory, check_sizes
from numflow.runtime.words import Item, Pointer, Row, Table, Turn, Word, Work

if TYPE_CHECKING:
    from numflow.codegen.registers import RegisterLoop
    from numflow.runtime.work import Worker


def control_items(worker: Worker, step: LoopStep | BranchStep, at: int) -> list[Item] | None:
    """The items of step number `at`; None where something in it has to run in Python."""
    frame = _Frame(worker, step, ("frame", at))
    found = frame.loop(step) if isinstance(step, LoopStep) else frame.branches(step)
    if found is not None and frame.nbytes:
        worker.scratch.append(Interval(frame.key, frame.nbytes, at, at))
    return found


class _Frame:
    """The items of one step.

    nbytes: of the frame so far; branches share it, as does nothing else.
    """

    def __init__(self, worker: Worker, step: LoopStep | BranchStep, key: Hashable) -> None:
        self.worker, self.key, self.nbytes = worker, key, 0
        self._cells: dict[Cell, Pointer] = {
            cell: Pointer(v) for cell, v in zip(step.cells, step.node.outputs, strict=True)
        }
        self._captured = [self._place(step.inputs[v]) for v in step.node.inputs]

    def _place(self, seen: Seen) -> Pointer:
        root, layout = seen
        nbytes = self.worker.sizes.number(layout.offset) * root.spec.dtype.size
        return Pointer(root, nbytes)

    # loops and branches ---------------------------------------------------------------------------
    def loop(self, step: LoopStep) -> list[Item] | None:
        count = len(step.cells)
        items: list[Item] = []
        for v, out in zip(step.node.inputs, step.node.outputs, strict=False):
            if unwritten(step.inputs[v][0]):
                continue
            whole = Layout(out.spec.shape, dense(out.spec.shape))
            copy = CopyStep((step.node,), (), (out,), step.inputs[v], (out, whole))
            items += self.worker.copy(copy)
        self._cells[step.going] = Pointer(self.key, 0)
        if step.registers is not None:
            from numflow.codegen.registers import address_of  # loaded already, with the loop

            kernel = address_of(step.registers)
            if kernel:
                made = self._registers(step.registers, kernel, step, len(items))
                return None if made is None else [*items, *made]
        captured = self._captured[count:]
        test = self._inside(step.condition, captured, 64)
        again = self._inside(step.body, captured, 64)
        if test is None or again is None:
            return None
        begin = len(items)
        items += moved(test, begin)
        end = len(items) + len(again) + 2
        items.append(Turn("test", (self._cells[step.going],), (end,)))
        items += moved(again, len(items))
        items.append(Turn("jump", (), (begin,)))
        return items

    def _registers(
        self, loop: RegisterLoop, kernel: int, step: LoopStep, begin: int
    ) -> list[Item] | None:
        """A loop as one kernel, called again as long as it says that there is more; where a loop
        inside of it takes long, one iteration by jumps."""
        self.nbytes = 64
        number = self.worker.number(loop.checks)
        words: list[Word] = []
        for kind, of in loop.words:
            if kind == "cell":
                words.append(self._cells[step.cells[of]])
            elif kind == "input":
                words.append(self._captured[of])
            elif kind == "size":
                words.append(self.worker.sizes.number(of))
            else:
                words.append(self._cells[step.going])
        work = Work(kernel, tuple(words), 1, 1, 1e4, number)
        going = Pointer(self.key, 0)
        if not loop.sticks:
            return [work, Turn("test", (going,), (begin + 3,)), Turn("jump", (), (begin,))]
        again = self._inside(step.body, self._captured[len(step.cells) :], 64)
        if again is None:
            return None
        end = begin + 4 + len(again)
        turns = [Turn("test", (going,), (end,)), Turn("test", (Pointer(self.key, 1),), (begin,))]
        return [work, *turns, *moved(again, begin + 3), Turn("jump", (), (begin,))]

    def branches(self, step: BranchStep) -> list[Item] | None:
        index, *captured = self._captured
        made = [self._inside(p, captured, 0) for p in step.branches]
        items: list[Item] = []
        starts: list[int] = []
        leaving: list[int] = []
        for branch in made:
            if branch is None:
                return None
            starts.append(len(items) + 1)  # behind the choice
            items += moved(branch, len(items) + 1)
            leaving.append(len(items))
            items.append(None)
        end = len(items) + 1
        for k in leaving:
            items[k] = Turn("jump", (), (end,))
        return [Turn("choose", (index,), tuple(starts)), *items]

    # what is inside -------------------------------------------------------------------------------
    def _inside(
        self, program: Program, captured: Sequence[Pointer], base: int
    ) -> list[Item] | None:
        """The items of a program inside; base: bytes of the frame that are taken already."""
        outer, sizes = self.worker, self.worker.sizes
        check_sizes(program.graph, sizes)
        worker = type(outer)(program, sizes)
        worker.checks, worker.held, worker.known = outer.checks, outer.held, outer.known
        works = []
        for k, s in enumerate(program.steps):
            work = worker.of(s, k)
            if work is None:
                return None
            works.append(work)
        lives, shared = lives_of(program, 0)
        check_memory((v for v, _, _ in lives), sizes)
        intervals = [Interval(v, sizes.nbytes(v), first, last) for v, first, last in lives]
        intervals += worker.scratch
        for k, items in enumerate(works):
            for j, w in enumerate(items):
                if w.workspace:
                    intervals.append(Interval(("workspace", k, j), w.workspace, k, k))
        found, total = offsets(intervals)
        found.update({v: found[old] for v, old in shared.items()})
        self.nbytes = max(self.nbytes, base + total)
        places = {key: Pointer(self.key, base + n) for key, n in found.items()}
        places |= dict(zip(program.inputs, captured, strict=True))
        rows = (v for s in program.steps if isinstance(s, RowStep) for v in s.writes)
        places |= {v: Pointer(Row(v)) for v in rows}
        held = _Resolver(self, program, places)
        done: list[Item] = []
        for k, items in enumerate(works):
            begin = len(done)
            for j, w in enumerate(items):
                words = tuple([held.word(x) for x in w.words])
                if isinstance(w, Turn):
                    targets = tuple([t + begin for t in w.targets])
                    done.append(w._replace(words=words, targets=targets))
                    continue
                scratch = None if w.scratch is None else held.word(w.scratch)
                if w.workspace:
                    scratch = places["workspace", k, j]
                done.append(w._replace(words=words, workspace=0, scratch=scratch))
        return done


def moved(items: Sequence[Item], by: int) -> list[Item]:
    """The items, with so many others before them."""
    return [
        w._replace(targets=tuple([t + by for t in w.targets])) if isinstance(w, Turn) else w
        for w in items
    ]


class _Resolver:
    """Leads pointers of a program inside to what they are in the program around it."""

    def __init__(self, frame: _Frame, program: Program, places: Mapping[Hashable, Pointer]) -> None:
        self._frame, self._program, self._places = frame, program, places

    def word(self, x: Any) -> Any:
        if type(x) is not Pointer:
            return x
        key, nbytes = x
        if isinstance(key, Table):
            return Pointer(Table(tuple([self.word(w) for w in key.words])), nbytes)
        place = self._places.get(key)
        if place is None and isinstance(key, Value):
            place = self._of_value(key)
        if place is None:  # of a frame further in: its memory is held already
            return x
        return Pointer(place.key, place.nbytes + nbytes)

    def _of_value(self, root: Value) -> Pointer | None:
        cell = self._program.variable(root)
        if cell is not None:
            return self._frame._cells[cell]
        node = root.node
        if node is not None and node.op in (constant_op, sizes_op):
            return Pointer(self._frame.worker.hold(root))
        return None
