"""Loops over scalars as ONE kernel: the loop variables live in registers.

    void k(int64 *args, int64 begin, int64 end)

    entry   load the loop variables from their cells
    loop    condition; body; again, with the variables as phi nodes
    done    store them; leave 0 in `more`
    pause   after BUDGET iterations: store them, leave 1 in `more`, so that the executor looks for
            signals and calls again

What can stand in such a loop: elementwise ops, views, folds and checks of scalars, branches of
these, loops that surely end soon, and rows of one element read from, or written to, an array in
memory: a captured one, or a loop variable, whose cell is written in place. Anything else, and the
loop is one of jumps (runtime/control.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow.codegen.assembler import Assembler
from numflow.codegen.cluster import CODES
from numflow.codegen.printers import PrinterWarning
from numflow.codegen.vector import LLVM, Reg, Vector
from numflow.graph.graph import Graph, Node, Value, constant_op, sizes_op
from numflow.graph.lowering import Checked, Elementwise, Reduction, View
from numflow.kernels import abi
from numflow.kernels.builder import HALVES
from numflow.kernels.engine import Target
from numflow.ops import comparisons, select
from numflow.ops import math as maths
from numflow.ops.control import cond_op, while_op
from numflow.ops.indexing import gather_op
from numflow.ops.scatter import scatter_op, scatter_rows_op
from numflow.passes.messages import without_messages
from numflow.shapes import Dim, Extent, product

BUDGET = 1 << 18  # iterations of a call: one to ten milliseconds
SOON = 1 << 20  # iterations of a loop inside that nobody needs to interrupt
# Bodies of integer division are made of constants that these fold: Collatz 2.6 times as fast.
PASSES = "simplify_cfg,instruction_combine,new_gvn,simplify_cfg"
MOST_NODES = 400  # of a body: LLVM's time grows with it
_ERROR_BITS = 40  # of an error record, see abi.py


class Word(NamedTuple):
    """An operand of the kernel: kind "cell" (of loop variable `of`), "input" (the captured value of
    that number, its address), "size" (an extent), "more" (the address of the flag)."""

    kind: str
    of: Any


class RegisterLoop:
    """A loop as a kernel. words: its operands. checks: the nodes that may refuse. arrays: numbers
    of the loop variables that stay in memory. text: of its code."""

    def __init__(self, text: str, words: list[Word], checks: list[Node], arrays: set[int]) -> None:
        self.text, self.words, self.checks, self.arrays = text, words, checks, arrays

    def address(self) -> int:
        """Of the kernel."""
        from numflow.kernels import engine

        return engine.functions(
            f"registers\n{self.text}",
            lambda prefix: self.text.replace("@loop_kernel(", f"@{prefix}k("),
            ["k"],
            Target.host(),
            passes=PASSES,
        )["k"]


def address_of(loop: RegisterLoop) -> int:
    """The address of a loop's kernel; 0, and a warning the first time, where LLVM does not take it:
    then it runs by jumps."""
    try:
        return loop.address()
    except Exception as error:  # a fault of ours or of LLVM's, whatever it is
        if not _warned:
            _warned.append(loop.text)
            warnings.warn(
                f"numflow: a loop over scalars runs slower than it could ({error}). "
                f"Please report it.\n{loop.text}",
                PrinterWarning,
                stacklevel=2,
            )
        return 0


_warned: list[str] = []


def in_registers(node: Node) -> RegisterLoop | None:
    """The kernel of a loop; None where something in it is no matter for registers."""
    if sum(map(_count, node.subgraphs)) > MOST_NODES:
        return None
    try:
        return _Printer(node).loop()
    except _Unfit:
        return None


def _count(graph: Graph) -> int:
    return len(graph.nodes) + sum(_count(g) for n in graph.nodes for g in n.subgraphs)


class _Unfit(Exception):
    """Something that only a loop of jumps can do."""


class _Array(NamedTuple):
    """An array in memory: number of its word, dtype; state: the loop variable that it is, or -1.

    version: how often it had been written.
    """

    base: str
    dtype: str
    state: int
    version: int


class _Printer:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.condition, self.body = (without_messages(g) for g in node.subgraphs)
        self.count = len(node.outputs)
        self.asm = Assembler()
        self.b = Vector(self.asm, Target.host())
        self.words: list[Word] = []
        self.loaded: list[str] = []
        self.checks: list[Node] = []
        self.versions: dict[int, int] = {}
        self.branching = 0
        self.spent: list[str] = []  # iterations of loops inside, in this one
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

    # the loop -------------------------------------------------------------------------------------
    def loop(self) -> RegisterLoop:
        asm = self.asm
        state: list[Any] = []
        scalars: list[int] = []
        first: list[str] = []
        for k, v in enumerate(self.body.outputs):
            dtype = _code(v)
            base = self.operand(Word("cell", k))
            if v.spec.size == 1:
                scalars.append(k)
                first.append(self.load(base, dtype))
                state.append(Reg(f"%s{k}", dtype, 1))
            else:
                self.versions[k] = 0
                state.append(_Array(base, dtype, k, 0))
        if not scalars:
            raise _Unfit
        captured: list[Any] = []
        for k, v in enumerate(self.body.inputs[self.count :], self.count):
            if not _used(self.condition, self.condition.inputs[k]) and not _used(self.body, v):
                captured.append(None)
                continue
            base = self.operand(Word("input", k))
            dtype = _code(v)
            one = v.spec.size == 1
            captured.append(
                Reg(self.load(base, dtype), dtype, 1) if one else _Array(base, dtype, -1, 0)
            )
        entry = list(asm.lines)
        asm.lines.clear()
        asm.label("loop")
        start = len(asm.lines)
        (going,) = self.graph(self.condition, [*state, *captured])
        asm.line(f"br i1 {self.b.text(going)}, label %body, label %done")
        asm.label("body")
        after = self.graph(self.body, [*state, *captured])
        for k, x in enumerate(after):
            if isinstance(x, _Array) and (x.state != k or x.version != self.versions[k]):
                raise _Unfit
            if isinstance(x, _Array) is (k in scalars):
                raise _Unfit
        left = asm.value("sub i64 %left, 1")
        for iterations in self.spent:
            left = asm.value(f"sub i64 {left}, {iterations}")
        out = asm.value(f"icmp sle i64 {left}, 0")
        new = [self.b.text(after[k]) for k in scalars]
        latch = asm.block
        asm.line(f"br i1 {out}, label %pause, label %loop")
        phis = [f"  %left = phi i64 [{BUDGET}, %entry], [{left}, %{latch}]"]
        for k, a, z in zip(scalars, first, new, strict=True):
            kind = LLVM[_code(self.body.outputs[k])]
            phis.append(f"  %s{k} = phi {kind} [{a}, %entry], [{z}, %{latch}]")
        asm.lines[start:start] = phis
        more = self.operand(Word("more", None))
        asm.label("done")
        self._leave(scalars, [f"%s{k}" for k in scalars], more, 0)
        asm.label("pause")
        self._leave(scalars, new, more, 1)
        asm.label("refused")
        asm.line("ret void")
        head = ["  %context = load ptr, ptr %args"]
        head += [f"  %node.p = getelementptr i64, ptr %args, i64 {abi.NODE}"]
        head += ["  %node = load i64, ptr %node.p"]
        lines = [*head, *self.loaded, *entry, "  br label %loop", *asm.lines]
        text = "\n".join(
            [
                "define void @loop_kernel(ptr %args, i64 %begin, i64 %end) nounwind {",
                "entry:",
                *lines,
                "}",
                *sorted(asm.declarations),
                "",
            ]
        )
        return RegisterLoop(text, self.words, self.checks, set(self.versions))

    def _leave(self, scalars: Sequence[int], values: Sequence[str], more: str, flag: int) -> None:
        for k, x in zip(scalars, values, strict=True):
            dtype = _code(self.body.outputs[k])
            self.store(self.operand(Word("cell", k)), dtype, Reg(x, dtype, 1))
        self.asm.line(f"store i8 {flag}, ptr {more}")
        self.asm.line("ret void")

    # memory ---------------------------------------------------------------------------------------
    def load(self, address: str, dtype: str) -> str:
        if dtype != "b1":
            return self.asm.value(f"load {LLVM[dtype]}, ptr {address}")
        byte = self.asm.value(f"load i8, ptr {address}")
        return self.asm.value(f"icmp ne i8 {byte}, 0")

    def store(self, address: str, dtype: str, x: Reg) -> None:
        text = self.b.text(x)
        if dtype == "b1":
            text = self.asm.value(f"zext i1 {text} to i8")
            self.asm.line(f"store i8 {text}, ptr {address}")
        else:
            self.asm.line(f"store {LLVM[dtype]} {text}, ptr {address}")

    def element(self, array: _Array, index: Reg, length: Extent, check: Node | None) -> str:
        """The address of an element; check: the node that refuses an index outside."""
        i = self.b.text(self.b.cast(index, "i64"))
        if check is not None:
            inside = self.asm.value(f"icmp ult i64 {i}, {self.size(length)}")
            self.require(Reg(inside, "b1", 1), check)
        unit = LLVM[array.dtype] if array.dtype != "b1" else "i8"
        return self.asm.value(f"getelementptr {unit}, ptr {array.base}, i64 {i}")

    def require(self, holds: Reg, node: Node) -> None:
        """Go on where that holds; else refuse, and end."""
        number = len(self.checks)
        self.checks.append(node)
        tag = self.asm.name("held")
        self.asm.line(f"br i1 {self.b.text(holds)}, label %{tag}, label %{tag}.not")
        self.asm.label(f"{tag}.not")
        mine = self.asm.value(f"add i64 %node, {number}")
        record = self.asm.value(f"shl i64 {mine}, {_ERROR_BITS}")
        self.asm.line(f"atomicrmw min ptr %context, i64 {record} monotonic")
        self.asm.line("br label %refused")
        self.asm.label(tag)

    # graphs ---------------------------------------------------------------------------------------
    def graph(self, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
        """The outputs, of what its inputs are."""
        known: dict[Value, Any] = dict(zip(graph.inputs, inputs, strict=True))
        for node in graph.nodes:
            self.print(node, known)
        return [self.found(v, known) for v in graph.outputs]

    def found(self, v: Value, known: dict[Value, Any]) -> Any:
        x = known.get(v)
        if x is None:
            raise _Unfit
        return x

    def scalar(self, v: Value, known: dict[Value, Any]) -> Reg:
        x = self.found(v, known)
        if not isinstance(x, Reg):
            raise _Unfit
        return x

    def print(self, node: Node, known: dict[Value, Any]) -> None:
        op, lower = node.op, node.op.lower
        if op is cond_op:
            known.update(zip(node.outputs, self.branches(node, known), strict=True))
            return
        if op is while_op:
            known.update(zip(node.outputs, self.inner(node, known), strict=True))
            return
        if len(node.outputs) != 1 or node.subgraphs:
            raise _Unfit
        out = node.output
        if op is gather_op:
            known[out] = self.gather(node, known)
        elif op in (scatter_op, scatter_rows_op):
            known[out] = self.scatter(node, known)
        elif out.spec.size != 1:
            if not isinstance(lower, View):
                raise _Unfit
            x = self.found(node.inputs[0], known)
            if not isinstance(x, _Array) or op.name not in ("reshape", "identity"):
                raise _Unfit
            known[out] = x
        elif op is constant_op:
            number = np.asarray(node.attrs["value"]).reshape(-1)[0].item()
            known[out] = self.b.const(number, _code(out))
        elif op is sizes_op:
            (n,) = node.attrs["sizes"]
            whole = Reg(self.operand(Word("size", n)), "i64", 1)
            fixed = not isinstance(n, Dim)
            known[out] = (
                self.b.const(int(n), _code(out)) if fixed else self.b.cast(whole, _code(out))
            )
        elif op.effect not in ("", "check"):
            raise _Unfit
        elif isinstance(lower, View | Reduction):
            known[out] = self.scalar(node.inputs[0], known)
        elif isinstance(lower, Checked):
            x = self.scalar(node.inputs[0], known)
            self.require(lower.condition(self.b, x, **node.attrs), node)
            known[out] = x
        elif isinstance(lower, Elementwise):
            terms: list[Any] = [self.scalar(v, known) for v in node.inputs]
            if lower.indexed:
                terms = [lambda k, dtype="i64": self.b.const(0, dtype), *terms]
            known[out] = lower.body(self.b, *terms, **node.attrs)
        else:
            raise _Unfit
        if isinstance(known[out], Reg) and known[out].dtype != _code(out):
            raise _Unfit

    def gather(self, node: Node, known: dict[Value, Any]) -> Reg:
        """A row of one element."""
        params, index = node.inputs
        array = self.found(params, known)
        plain = node.attrs["axis"] == 0 and node.attrs["batch_dims"] == 0
        if not (plain and isinstance(array, _Array) and node.output.spec.size == 1):
            raise _Unfit
        if product(params.spec.shape[1:]) != 1 or not self._latest(array):
            raise _Unfit
        at = self.scalar(index, known)
        address = self.element(array, at, params.spec.shape[0], node)
        return Reg(self.load(address, array.dtype), array.dtype, 1)

    def scatter(self, node: Node, known: dict[Value, Any]) -> _Array:
        """A row of one element, in the memory of a loop variable."""
        base, index, row = node.inputs
        array, kind = self.found(base, known), node.attrs["kind"]
        if not isinstance(array, _Array) or array.state < 0 or not self._latest(array):
            raise _Unfit
        one = index.spec.size == 1 and row.spec.size == 1 and base.spec.shape[1:] == (1,)
        if not one or node.attrs["drop"] or kind not in ("update", "add") or self.branching:
            raise _Unfit
        checked = node if node.op is scatter_op else None
        at, x = self.scalar(index, known), self.scalar(row, known)
        address = self.element(array, at, base.spec.shape[0], checked)
        if kind == "add":
            x = self.b.add(Reg(self.load(address, array.dtype), array.dtype, 1), x)
        self.store(address, array.dtype, x)
        self.versions[array.state] += 1
        return array._replace(version=self.versions[array.state])

    def _latest(self, array: _Array) -> bool:
        return array.state < 0 or array.version == self.versions[array.state]

    def inner(self, node: Node, known: dict[Value, Any]) -> list[Any]:
        """A loop in the loop: not in a branch, and one that surely ends soon."""
        condition, body = (without_messages(g) for g in node.subgraphs)
        if self.branching or not _ends_soon(condition, body):
            raise _Unfit
        asm, count = self.asm, len(node.outputs)
        first = [known.get(v) for v in node.inputs]
        tag, before = asm.name("again"), asm.block
        asm.line(f"br label %{tag}")
        asm.label(tag)
        start = len(asm.lines)
        state: list[Any] = []
        for k, x in enumerate(first[:count]):
            if x is None:
                raise _Unfit
            state.append(Reg(f"%{tag}.s{k}", x.dtype, 1) if isinstance(x, Reg) else x)
        (going,) = self.graph(condition, [*state, *first[count:]])
        asm.line(f"br i1 {self.b.text(going)}, label %{tag}.body, label %{tag}.end")
        asm.label(f"{tag}.body")
        after = self.graph(body, [*state, *first[count:]])
        if any(isinstance(x, _Array) and not self._latest(x) for x in first[count:]):
            raise _Unfit  # written inside, and read as it was before
        one_more = asm.value(f"add i64 %{tag}.n, 1")
        latch = asm.block
        asm.line(f"br label %{tag}")
        phis = [f"  %{tag}.n = phi i64 [0, %{before}], [{one_more}, %{latch}]"]
        for k, (a, x) in enumerate(zip(first, after, strict=False)):
            if isinstance(x, _Array):
                if not isinstance(a, _Array) or x.base != a.base or not self._latest(x):
                    raise _Unfit
                state[k] = x
                continue
            assert isinstance(a, Reg)
            arms = f"[{self.b.text(a)}, %{before}], [{self.b.text(x)}, %{latch}]"
            phis.append(f"  %{tag}.s{k} = phi {LLVM[x.dtype]} {arms}")
        asm.lines[start:start] = phis
        asm.label(f"{tag}.end")
        self.spent.append(f"%{tag}.n")
        return state

    def branches(self, node: Node, known: dict[Value, Any]) -> list[Any]:
        asm = self.asm
        index = self.b.text(self.scalar(node.inputs[0], known))
        inputs = [known.get(v) for v in node.inputs[1:]]
        tag = asm.name("case")
        last = len(node.subgraphs) - 1
        targets = " ".join(f"i32 {k}, label %{tag}.{k}" for k in range(last))
        asm.line(f"switch i32 {index}, label %{tag}.{last} [{targets}]")
        found: list[list[Any]] = []
        blocks: list[str] = []
        self.branching += 1
        for k, graph in enumerate(node.subgraphs):
            asm.label(f"{tag}.{k}")
            found.append(self.graph(without_messages(graph), inputs))
            blocks.append(asm.block)
            asm.line(f"br label %{tag}.end")
        self.branching -= 1
        asm.label(f"{tag}.end")
        out: list[Any] = []
        for values in zip(*found, strict=True):
            if any(isinstance(x, _Array) for x in values):
                if len(set(values)) != 1:
                    raise _Unfit
                out.append(values[0])
                continue
            dtype = values[0].dtype
            arms = ", ".join(
                f"[{self.b.text(x)}, %{block}]" for x, block in zip(values, blocks, strict=True)
            )
            out.append(Reg(asm.value(f"phi {LLVM[dtype]} {arms}"), dtype, 1))
        return out


def _ends_soon(condition: Graph, body: Graph) -> bool:
    """Whether a counter comes to a small constant: such a loop need not be interrupted."""
    waiting = [condition.outputs[0].node]
    while waiting:
        node = waiting.pop()
        if node is not None and node.op is select.logical_and_op:
            waiting += [v.node for v in node.inputs]
        elif node is not None and node.op in (comparisons.less_op, comparisons.less_equal_op):
            x, most = node.inputs[0], _constant(node.inputs[1])
            k = condition.inputs.index(x) if x in condition.inputs else len(body.outputs)
            if most is None or most > SOON or k >= len(body.outputs):
                continue
            counted = body.outputs[k].node
            if counted is not None and counted.op is maths.add_op:
                before, step = counted.inputs
                if step is body.inputs[k]:
                    before, step = step, before
                if before is body.inputs[k] and (_constant(step) or 0) > 0:
                    return True
    return False


def _constant(v: Value) -> int | None:
    if v.node is None or v.node.op is not constant_op or not v.spec.dtype.is_integer:
        return None
    return int(np.asarray(v.node.attrs["value"]).reshape(-1)[0])


def _code(v: Value) -> str:
    code = CODES.get(v.spec.dtype.name)
    if code is None or code in HALVES:
        raise _Unfit
    return code


def _used(graph: Graph, value: Value) -> bool:
    return value in graph.outputs or any(value in n.inputs for n in graph.nodes)
