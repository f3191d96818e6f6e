"""Evaluates the Terms of a Loop: as scalars (narrow), or as vectors at a place (wide), each once.

What lanes need of lower level is computed as a scalar and splat before the loop that uses it
(hoist).
"""

from __future__ import annotations

from collections.abc import Iterable

from numflow.codegen.assembler import Assembler
from numflow.codegen.memory import MEMORY, Memory, Place
from numflow.codegen.vector import Reg, Vector, iota
from numflow.graph.loops import KERNEL, LANE, ROW, Check, Loop, Term, walk
from numflow.kernels import abi
from numflow.kernels.builder import FLOATS, HALVES, ITEMSIZE
from numflow.kernels.engine import Target
from numflow.kernels.records import field, record

_ERROR_BITS = 40  # of an error record: NODE << 40 | number of the element or row, abi.py


@record
class Row:
    """What is known of the row being printed.

    Base addresses, numbers, values of row terms, and these as vectors.
    """

    number: str
    bases: dict[str, str]
    narrow: dict[Term, Reg]
    index: list[str] = field(default_factory=list)
    wide: dict[Term, Reg] = field(default_factory=dict)
    kept: dict[str, dict[Term, Reg]] = field(default_factory=dict)  # per place, from sweep to sweep
    depth: str = "0"


class Terms:
    """The function being printed, and how its terms become instructions."""

    def __init__(self, loop: Loop, target: Target, stream: bool) -> None:
        self.loop, self.target = loop, target
        self.asm = Assembler()
        self.b = Vector(self.asm, target)
        self.lanes = self._choose_lanes()
        self.partials = loop.partials()
        stores = [s.operand for sweep in loop.sweeps for s in sweep.stores]
        loads = {t.attr for t in walk(*loop.roots()) if t.op == "load"}
        once = {n for n in stores if stores.count(n) == 1 and n not in loads}
        self.memory = Memory(self.b, self.lanes, once if stream else set())
        self.args: dict[str, str] = {}
        self.cols = "0"
        self.kernel: dict[Term, Reg] = {}
        self.kernel_wide: dict[Term, Reg] = {}

    def start(self) -> None:
        """The entry block: words of args, and terms of level KERNEL."""
        loop = self.loop
        words = [("context", abi.CONTEXT), ("node", abi.NODE)]
        words = [w for w in words if any(s.checks for s in loop.sweeps)]
        words += [(name, abi.HEADER + k) for k, name in enumerate(loop.slots())]
        pointers = {"context", "table", "chunks"} | {o.name for o in loop.operands}
        for name, k in words:
            address = self.asm.value(f"getelementptr i64, ptr %args, i64 {k}")
            kind = "ptr" if name in pointers else "i64"
            self.args[name] = self.asm.value(f"load {kind}, ptr {address}, !invariant.load !1")
        inner = loop.axes - 1
        strided = [o.name for o in loop.operands if o.inner == "s"]
        self.memory.strides = {name: self.args[f"{name}.stride{inner}"] for name in strided}
        self.cols = str(loop.inner) if loop.inner else self.args.get("cols", "0")
        if loop.inner and loop.inner % self.lanes and self.target.bits == 512:
            self.memory.prepare(loop.inner % self.lanes)
        for t in loop.roots():
            self.narrow(t, self.kernel, KERNEL, None)
            self.hoist(t, self.kernel, self.kernel_wide, ROW, None)

    def at(self, y: str) -> Row:
        """Row y.

        The flat number becomes one index per outer axis, the last fastest, and base addresses.
        """
        asm, loop = self.asm, self.loop
        index: list[str] = []
        rest = y
        for k in reversed(range(loop.outer)):
            if k == 0:
                index.insert(0, rest)
            else:
                size = self.args[f"size{k}"]
                index.insert(0, asm.value(f"urem i64 {rest}, {size}"))
                rest = asm.value(f"udiv i64 {rest}, {size}")
        bases = {}
        for o in loop.operands:
            base = self.args.get(o.name, "")
            for k, i in enumerate(index):
                if o.name not in self.partials and o.access[k] == "s":
                    base = self.step(o.name, o.dtype, base, i, k)
            bases[o.name] = base
        return Row(y, bases, dict(self.kernel), index)

    def step(self, name: str, dtype: str, base: str, i: str, axis: int) -> str:
        """The address i steps along an axis further on."""
        offset = self.asm.value(f"mul i64 {i}, {self.args[f'{name}.stride{axis}']}")
        return self.asm.value(f"getelementptr {MEMORY[dtype]}, ptr {base}, i64 {offset}")

    # evaluation -------------------------------------------------------------------------------
    def narrow(self, root: Term, memo: dict[Term, Reg], level: int, row: Row | None) -> Reg | None:
        """Terms up to a level as scalars, remembered in memo; None if root has a higher level."""
        for t in _missing(root, memo):
            if t.level > level or any(a not in memo for a in t.args):
                continue
            if t.op == "load":
                o = self.loop.operand(str(t.attr))
                memo[t] = self.memory.load_scalar(o, (row.bases if row else self.args)[o.name])
            elif t.op == "index" and row is not None:
                number = row.number if t.attr == "rows" else row.index[int(str(t.attr))]
                memo[t] = self.b.cast(Reg(number, "i64", 1), t.dtype)
            elif t.op not in ("index", "reduced"):
                memo[t] = self._value(t, memo)
        return memo.get(root)

    def scalar(self, root: Term, row: Row) -> Reg:
        """A row term, whose folds are known by now."""
        found = self.narrow(root, row.narrow, ROW, row)
        if found is None:
            raise ValueError(f"{self.loop.name}: {root.op} differs from element to element")
        return found

    def hoist(
        self,
        root: Term,
        narrow: dict[Term, Reg],
        wide: dict[Term, Reg],
        below: int,
        row: Row | None,
    ) -> None:
        """Terms below a level that lanes need, computed as scalars and splat."""
        for t in _missing(root, wide):
            for a in t.args if t.level >= LANE else (t,) if t is root else ():
                if a.level < below and a not in wide:
                    one = self.narrow(a, narrow, below - 1, row)
                    if one is not None:
                        wide[a] = self.b.splat(one, self.lanes)

    def wide(self, root: Term, memo: dict[Term, Reg], place: Place, row: Row) -> Reg:
        """The term at a place, as a vector or an immediate."""
        for t in _missing(root, memo):
            if t.op == "load":
                o = self.loop.operand(str(t.attr))
                memo[t] = self.memory.load(o, row.bases[o.name], place)
            elif t.op == "index":
                number = place.i if t.attr == "cols" else row.depth
                i = self.b.splat(self.b.cast(Reg(number, "i64", 1), t.dtype), self.lanes)
                numbers = Reg(iota(t.dtype, self.lanes), t.dtype, self.lanes)
                memo[t] = self.b.add(i, numbers) if t.attr == "cols" else i
            else:
                memo[t] = self._value(t, memo)
        return memo[root]

    def _value(self, t: Term, memo: dict[Term, Reg]) -> Reg:
        if t.op == "const":
            return self.b.const(t.attr, t.dtype)  # type: ignore[arg-type]
        if t.op == "size":
            return self._size(t)
        return self.b.apply(t.op, tuple(memo[a] for a in t.args), t.dtype, t.attr)

    def _size(self, t: Term) -> Reg:
        loop = self.loop
        if t.attr == "cols" and loop.inner:
            return self.b.const(loop.inner, t.dtype)
        if t.attr != "count":
            return self.b.cast(Reg(self.args[str(t.attr)], "i64", 1), t.dtype)
        n = self.cols
        for name in ["depth"] * loop.deep + ["rows"] * (loop.outer > 0):
            n = self.asm.value(f"mul i64 {n}, {self.args[name]}")
        return self.b.cast(Reg(n, "i64", 1), t.dtype)

    def written(self, memos: Iterable[dict[Term, Reg]], stored: dict[str, Term]) -> None:
        """After stores of these terms: drop what was computed from the operands' old elements.

        Where values stay in registers, a later load is the value that was stored.
        """
        stale: set[Term] = set()
        loads: dict[Term, Term] = {}
        for t in walk(*self.loop.roots()):
            if t.op == "load" and t.attr in stored:
                stale.add(t)
                if self.loop.operand(str(t.attr)).dtype not in HALVES:
                    loads[t] = stored[str(t.attr)]
            elif any(a in stale for a in t.args):
                stale.add(t)
        for memo in memos:
            known = {t: memo[term] for t, term in loads.items() if term in memo}
            for t in stale & memo.keys():
                del memo[t]
            memo.update({t: x for t, x in known.items() if t.level >= LANE})

    # checks -----------------------------------------------------------------------------------
    def check_row(self, c: Check, row: Row) -> None:
        holds = self.b.text(self.scalar(c.term, row))
        fails = self.asm.value(f"xor i1 {holds}, true")
        self.asm.when(fails, lambda: self._refuse(c, row.number))

    def check_lanes(self, c: Check, memo: dict[Term, Reg], place: Place, row: Row) -> None:
        """The first lane where the term does not hold is reported."""
        holds = self.b.materialised(self.wide(c.term, memo, place, row), self.lanes)
        fails = self.b.logical_not(holds)
        if place.mask or place.count:
            fails = self.b.logical_and(fails, self.memory.mask(place))

        def report() -> None:
            n = self.lanes
            word = self.asm.value(f"bitcast <{n} x i1> {fails.text} to i{n}")
            first = self.asm.call(f"i{n}", f"llvm.cttz.i{n}", (f"i{n}", word), ("i1", "true"))
            kind = "zext" if n < 64 else "bitcast"
            lane = self.asm.value(f"{kind} i{n} {first} to i64")
            number = self.asm.value(f"add i64 {lane}, {place.i}")
            line = row.number
            if self.loop.deep:
                line = self.asm.value(f"mul i64 {line}, {self.args['depth']}")
                line = self.asm.value(f"add i64 {line}, {row.depth}")
            line = self.asm.value(f"mul i64 {line}, {self.cols}")
            self._refuse(c, self.asm.value(f"add i64 {number}, {line}"))

        self.asm.when(self.b.any(fails), report)

    def _refuse(self, c: Check, number: str) -> None:
        node = self.asm.value(f"add i64 {self.args['node']}, {c.number}")
        record = self.asm.value(f"shl i64 {node}, {_ERROR_BITS}")
        record = self.asm.value(f"or i64 {record}, {number}")
        error = self.asm.value(f"getelementptr i64, ptr {self.args['context']}, i64 {abi.ERROR}")
        self.asm.line(f"atomicrmw min ptr {error}, i64 {record} monotonic")

    # choices ----------------------------------------------------------------------------------
    def _choose_lanes(self) -> int:
        """As many lanes as the smallest number type of the body has in a register.

        Wider types then take two.
        """
        terms = [t for t in walk(*self.loop.roots()) if t.level >= LANE and t.op != "index"]
        kinds = {t.dtype for t in terms if t.dtype in FLOATS}
        kinds = kinds or {t.dtype for t in terms if t.dtype != "b1"} or {"i32"}
        return max(2, self.target.bits // 8 // min(ITEMSIZE[d] for d in kinds))


def _missing(root: Term, memo: dict[Term, Reg]) -> list[Term]:
    """Terms below root that memo lacks, arguments first.

    What lies below a known one is not needed.
    """
    if root in memo:
        return []
    out: list[Term] = []
    seen: set[Term] = set()
    stack = [(root, False)]
    while stack:
        t, done = stack.pop()
        if done:
            out.append(t)
        elif t not in memo and t not in seen:
            seen.add(t)
            stack.append((t, True))
            stack += [(a, False) for a in reversed(t.args)]
    return out
