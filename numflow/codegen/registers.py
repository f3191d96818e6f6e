"""Loops over scalars and small tensors as ONE kernel: the loop variables live in registers.

    void k(int64 *args, int64 begin, int64 end)

    entry   load the loop variables from their cells, and what is the same in every iteration
    loop    condition; body; again, with the variables as phi nodes
    done    store them; leave 0 in `more`
    pause   after a number of iterations: store them, leave 1 in `more`, so that the executor looks
            for signals and calls again
    stuck   where a loop inside does not end: store what this iteration began with, leave 1 in
            `more` and 1 behind it, so that the executor runs the iteration by jumps, which look for
            signals, and calls again

What can stand in such a loop (register_nodes.py): elementwise ops, views, concatenations, folds,
products and checks of tensors of few elements, whose sizes are known; branches of these; loops, if
they surely end soon, or if nothing is written to memory up to their end; and rows read from, or
written to, an array in memory: a captured one, or a loop variable, whose cell is written in place.
Anything else, or more work than it is worth, and the loop is one of jumps (runtime/control.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numflow.codegen.pieces import Held, held
from numflow.codegen.printers import PrinterWarning
from numflow.codegen.register_nodes import (
    MOST_ELEMENTS,
    Array,
    Known,
    Nodes,
    Unfit,
    Word,
    code,
    deferrable,
)
from numflow.codegen.vector import LLVM, Reg, vector
from numflow.graph.graph import Graph, Node, Value, constant_op
from numflow.graph.lowering import View
from numflow.kernels import abi
from numflow.kernels.engine import Target
from numflow.ops import comparisons, select
from numflow.ops import math as maths
from numflow.ops.control import cond_op, while_op
from numflow.ops.scatter import scatter_op, scatter_rows_op
from numflow.passes.messages import without_messages

BUDGET = 1 << 18  # iterations of a call, of a short body: one to ten milliseconds
SHORT = 32  # instructions
SOON = 1 << 20  # iterations of loops inside that nobody needs to interrupt
# Bodies of integer division are made of constants that these fold: Collatz 2.6 times as fast.
PASSES = "simplify_cfg,instruction_combine,new_gvn,simplify_cfg"
MOST_NODES = 400  # of a body: LLVM's time grows with it
MOST_LINES = 2500  # of code: 60 to 150 ms in LLVM
MOST_STATE = 64  # registers of loop variables


class RegisterLoop:
    """A loop as a kernel. words: its operands. checks: the nodes that may refuse. arrays: numbers
    of the loop variables that stay in memory. text: of its code. scalar: whether all else are
    scalars. sticks: whether a loop inside may take long."""

    def __init__(
        self,
        text: str,
        words: list[Word],
        checks: list[Node],
        arrays: set[int],
        scalar: bool,
        sticks: bool,
    ) -> None:
        self.text, self.words, self.checks, self.arrays = text, words, checks, arrays
        self.scalar, self.sticks = scalar, sticks

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
        _warn(error, loop.text)
        return 0


def _warn(error: Exception, text: str) -> None:
    if _warned:
        return
    _warned.append(text)
    warnings.warn(
        f"numflow: a loop in registers runs slower than it could ({error!r}). "
        f"Please report it.\n{text}",
        PrinterWarning,
        stacklevel=3,
    )


_warned: list[str] = []


def in_registers(node: Node) -> RegisterLoop | None:
    """The kernel of a loop; None where something in it is no matter for registers."""
    if sum(map(_count, node.subgraphs)) > MOST_NODES:
        return None
    try:
        return _Printer(node).loop()
    except Unfit:
        return None
    except Exception as error:  # a fault of ours: jumps take every loop
        _warn(error, "\n".join(map(str, node.subgraphs)))
        return None


def _count(graph: Graph) -> int:
    return len(graph.nodes) + sum(_count(g) for n in graph.nodes for g in n.subgraphs)


class _Printer:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.condition, self.body = (without_messages(g) for g in node.subgraphs)
        self.count = len(node.outputs)
        self.nodes = Nodes(Target.host())
        self.pieces, self.asm, self.b = self.nodes.pieces, self.nodes.asm, self.nodes.b
        self.spent: list[str] = []  # iterations of loops inside, in this one
        self.most: int | None = 0  # how many these are at most, if that is known
        self.sticks = False
        self.least: dict[Value, int] = {}  # of integers: they are never below

    # the loop -------------------------------------------------------------------------------------
    def loop(self) -> RegisterLoop:
        asm, pieces = self.asm, self.pieces
        state: list[Any] = []
        kept: list[int] = []
        first: list[Reg] = []
        for k, v in enumerate(self.body.outputs):
            dtype = code(v)
            base = self.nodes.operand(Word("cell", k))
            if _in_memory(self.body, k):
                self.nodes.versions[k] = 0
                state.append(Array(base, dtype, k, 0))
                continue
            kept.append(k)
            size = _held_size(v)
            begin = pieces.in_front(lambda b=base, d=dtype, n=size: pieces.loaded(b, d, n))  # type: ignore[misc]
            parts = pieces.parts(begin)
            names = [Reg(f"%s{k}.{j}", dtype, p.lanes) for j, p in enumerate(parts)]
            state.append(held(dtype, names))
            first += parts
        if not kept or len(first) > MOST_STATE:
            raise Unfit
        captured = [self._captured(k) for k in range(self.count, len(self.body.inputs))]
        self._bound(self.condition, self.body, self.node.inputs)
        asm.label("loop")
        start = len(asm.lines)
        (going,) = self.graph(self.condition, [*state, *captured])
        asm.line(f"br i1 {self.b.text(going)}, label %body, label %done")
        asm.label("body")
        after = self.graph(self.body, [*state, *captured])
        new: list[Reg] = []
        for k, x in enumerate(after):
            if k in self.nodes.versions:
                if x != Array(state[k].base, state[k].dtype, k, self.nodes.versions[k]):
                    raise Unfit
            else:
                new += pieces.whole(self._loaded(x, self.body.outputs[k]))
        left = asm.value("sub i64 %left, 1")
        for iterations in self.spent:
            left = asm.value(f"sub i64 {left}, {iterations}")
        out = asm.value(f"icmp sle i64 {left}, 0")
        latch = asm.block
        asm.line(f"br i1 {out}, label %pause, label %loop")
        lines = len(asm.lines) - start + len(pieces.front)
        if lines > MOST_LINES:
            raise Unfit
        budget = max(1, BUDGET * SHORT // max(lines, SHORT))
        phis = [f"  %left = phi i64 [{budget}, %entry], [{left}, %{latch}]"]
        names = [p for k in kept for p in pieces.parts(state[k])]
        for name, a, z in zip(names, first, new, strict=True):
            text = self.b.text(z, name.lanes)
            kind = vector(LLVM[name.dtype], name.lanes)
            phis.append(f"  {name.text} = phi {kind} [{a.text}, %entry], [{text}, %{latch}]")
        asm.lines[start:start] = phis
        more = self.nodes.operand(Word("more", None))
        asm.label("done")
        self._leave(kept, [state[k] for k in kept], more, 0)
        asm.label("pause")
        self._leave(kept, [after[k] for k in kept], more, 1)
        if self.sticks:
            asm.label("stuck")
            self._leave(kept, [state[k] for k in kept], more, 0x0101)
        asm.label("refused")
        asm.line("ret void")
        scalar = all(isinstance(state[k], Reg) for k in kept)
        return RegisterLoop(
            self._text(),
            self.nodes.words,
            self.nodes.checks,
            set(self.nodes.versions),
            scalar,
            self.sticks,
        )

    def _text(self) -> str:
        head = ["  %context = load ptr, ptr %args"]
        head += [f"  %node.p = getelementptr i64, ptr %args, i64 {abi.NODE}"]
        head += ["  %node = load i64, ptr %node.p"]
        front = [*head, *self.nodes.loaded, *self.pieces.front, "  br label %loop"]
        bits = Target.host().bits
        width = f'"prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'
        return "\n".join(
            [
                "define void @loop_kernel(ptr %args, i64 %begin, i64 %end) #0 {",
                "entry:",
                *front,
                *self.asm.lines,
                "}",
                *sorted(self.asm.declarations),
                f"attributes #0 = {{ nounwind {width} }}",
                "",
            ]
        )

    def _captured(self, k: int) -> Any:
        v = self.body.inputs[k]
        if not _used(self.condition, self.condition.inputs[k]) and not _used(self.body, v):
            return None
        base, dtype, size = self.nodes.operand(Word("input", k)), code(v), v.spec.size
        pieces = self.pieces
        if not isinstance(size, int) or size == 0:
            return Array(base, dtype, -1, 0)
        if size == 1:
            return pieces.in_front(lambda: pieces.load(base, dtype))
        return Held(dtype, size, [None] * len(pieces.spans(size)), base)

    def _loaded(self, x: Any, v: Value) -> Any:
        """What is kept in registers, which may have come from an array."""
        if isinstance(x, Array):
            return self.nodes.small(v, {v: x})
        return x

    def _leave(self, kept: Sequence[int], values: Sequence[Any], more: str, flag: int) -> None:
        for k, x in zip(kept, values, strict=True):
            v = self.body.outputs[k]
            base = self.nodes.operand(Word("cell", k))
            with self.pieces.aside():
                self.pieces.stored(base, self._loaded(x, v), _held_size(v))
        self.asm.line(f"store i16 {flag}, ptr {more}, align 1")
        self.asm.line("ret void")

    # graphs ---------------------------------------------------------------------------------------
    def graph(self, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
        """The outputs, of what its inputs are."""
        known: Known = dict(zip(graph.inputs, inputs, strict=True))
        self.nodes.deferred |= deferrable(graph)
        for node in graph.nodes:
            if node.op is cond_op:
                known.update(zip(node.outputs, self.branches(node, known), strict=True))
            elif node.op is while_op:
                known.update(zip(node.outputs, self.inner(node, known), strict=True))
            else:
                self.nodes.print(node, known)
            if len(self.asm.lines) > MOST_LINES:
                raise Unfit
        return [self.nodes.found(v, known) for v in graph.outputs]

    def inner(self, node: Node, known: Known) -> list[Any]:
        """A loop in the loop: not in a branch."""
        condition, body = (without_messages(g) for g in node.subgraphs)
        if self.nodes.branching:
            raise Unfit
        around, self.spent = self.spent, []
        most_around, self.most = self.most, 0
        stuck, self.sticks = self.sticks, False
        written = dict(self.nodes.versions)
        asm, pieces, count = self.asm, self.pieces, len(node.outputs)
        first: list[Any] = [known.get(v) for v in node.inputs]
        begin: list[list[Reg]] = []
        for x in first[:count]:
            if x is None:
                raise Unfit
            begin.append([] if isinstance(x, Array) else pieces.whole(x))
        self._bound(condition, body, node.inputs)
        tag, before = asm.name("again"), asm.block
        asm.line(f"br label %{tag}")
        asm.label(tag)
        start = len(asm.lines)
        state: list[Any] = []
        names: list[list[Reg]] = []
        for k, x in enumerate(first[:count]):
            spans = [] if isinstance(x, Array) else pieces.spans(_size(x))
            names.append([Reg(f"%{tag}.s{k}.{j}", x.dtype, n) for j, (_, n) in enumerate(spans)])
            state.append(x if isinstance(x, Array) else held(x.dtype, names[-1]))
        (going,) = self.graph(condition, [*state, *first[count:]])
        asm.line(f"br i1 {self.b.text(going)}, label %{tag}.body, label %{tag}.end")
        with pieces.aside():
            asm.label(f"{tag}.body")
            after = self.graph(body, [*state, *first[count:]])
            if any(isinstance(x, Array) and not self.nodes.latest(x) for x in first[count:]):
                raise Unfit  # written inside, and read as it was before
            new = [
                [] if isinstance(a, Array) else pieces.whole(self._loaded(x, v))
                for a, x, v in zip(state, after, body.outputs, strict=True)
            ]
            one_more = asm.value(f"add i64 %{tag}.n, 1")
            for iterations in self.spent:
                one_more = asm.value(f"add i64 {one_more}, {iterations}")
            most = _most(condition, body, self.least)
            total = None if most is None or self.most is None else most * (1 + self.most)
            if self.sticks and self.nodes.versions != written:
                raise Unfit  # what one of its iterations has written, another would not undo
            latch = asm.block
            if total is not None and total <= SOON:
                asm.line(f"br label %{tag}")
            else:
                if any(self.nodes.versions.values()):
                    raise Unfit  # the iteration could not begin anew
                self.sticks = True
                late = asm.value(f"icmp ugt i64 {one_more}, {SOON}")
                asm.line(f"br i1 {late}, label %stuck, label %{tag}")
        phis = [f"  %{tag}.n = phi i64 [0, %{before}], [{one_more}, %{latch}]"]
        for k, x in enumerate(after):
            a = state[k]
            if isinstance(a, Array):
                if not isinstance(x, Array) or x.base != a.base or not self.nodes.latest(x):
                    raise Unfit
                state[k] = x
                continue
            for name, p, q in zip(names[k], begin[k], new[k], strict=True):
                arms = f"[{self.b.text(p, name.lanes)}, %{before}], "
                arms += f"[{self.b.text(q, name.lanes)}, %{latch}]"
                kind = vector(LLVM[name.dtype], name.lanes)
                phis.append(f"  {name.text} = phi {kind} {arms}")
        asm.lines[start:start] = phis
        asm.label(f"{tag}.end")
        self.spent = [*around, f"%{tag}.n"]
        self.most = None if total is None or most_around is None else most_around + total
        self.sticks |= stuck
        return state

    def _bound(self, condition: Graph, body: Graph, first: Sequence[Value]) -> None:
        """What counters that grow, and numbers of outside, are never below. first: the inputs."""
        for k, v in enumerate(first):
            least = self._least(v)
            if least is not None and (k >= len(body.outputs) or _step(body, k) > 0):
                self.least[condition.inputs[k]] = self.least[body.inputs[k]] = least

    def _least(self, v: Value) -> int | None:
        least = _constant(v) if v.spec.size == 1 else None
        if least is not None or v.node is None or v.node.op is not maths.add_op:
            return self.least.get(v, least)
        both = [self._least(x) for x in v.node.inputs]
        return None if None in both else sum(n for n in both if n is not None)

    def branches(self, node: Node, known: Known) -> list[Any]:
        asm, pieces = self.asm, self.pieces
        index = self.b.text(self.nodes.scalar(node.inputs[0], known))
        inputs = [known.get(v) for v in node.inputs[1:]]
        tag = asm.name("case")
        last = len(node.subgraphs) - 1
        targets = " ".join(f"i32 {k}, label %{tag}.{k}" for k in range(last))
        asm.line(f"switch i32 {index}, label %{tag}.{last} [{targets}]")
        found: list[list[Any]] = []
        whole: list[list[list[Reg]]] = []
        blocks: list[str] = []
        self.nodes.branching += 1
        for k, graph in enumerate(node.subgraphs):
            asm.label(f"{tag}.{k}")
            with pieces.aside():
                values = self.graph(without_messages(graph), inputs)
                found.append(values)
                whole.append(
                    [self._chosen(x, v) for x, v in zip(values, node.outputs, strict=True)]
                )
            blocks.append(asm.block)
            asm.line(f"br label %{tag}.end")
        self.nodes.branching -= 1
        asm.label(f"{tag}.end")
        out: list[Any] = []
        for k, v in enumerate(node.outputs):
            values, parts = [x[k] for x in found], [x[k] for x in whole]
            if isinstance(values[0], Array) and len(set(map(_name, values))) == 1:
                out.append(values[0])
                continue
            if not all(parts):
                raise Unfit
            made = []
            for (_, lanes), *each in zip(pieces.spans(_held_size(v)), *parts, strict=True):
                dtype = each[0].dtype
                arms = ", ".join(
                    f"[{self.b.text(x, lanes)}, %{block}]"
                    for x, block in zip(each, blocks, strict=True)
                )
                text = asm.value(f"phi {vector(LLVM[dtype], lanes)} {arms}")
                made.append(Reg(text, dtype, lanes))
            out.append(held(made[0].dtype, made))
        return out

    def _chosen(self, x: Any, v: Value) -> list[Reg]:
        """A result of a branch in registers; nothing where it is a long array."""
        size = v.spec.size
        if isinstance(x, Array) and not (isinstance(size, int) and 0 < size <= MOST_ELEMENTS):
            return []
        return self.pieces.whole(self._loaded(x, v))


def _name(x: Any) -> Any:
    return x if isinstance(x, Array) else id(x)


def _size(x: Reg | Held) -> int:
    return 1 if isinstance(x, Reg) else x.size


def _held_size(v: Value) -> int:
    size = v.spec.size
    if not isinstance(size, int) or not 0 < size <= MOST_ELEMENTS:
        raise Unfit
    return size


def _in_memory(body: Graph, k: int) -> bool:
    """Whether a loop variable is an array of which rows are written."""
    v = body.outputs[k]
    if v.spec.size == 1:
        return False
    written = False
    while v.node is not None:
        node = v.node
        if node.op in (scatter_op, scatter_rows_op):
            v, written = node.inputs[0], True
        elif isinstance(node.op.lower, View) and node.op.name in ("reshape", "identity"):
            v = node.inputs[0]
        elif node.op is while_op:
            number = node.outputs.index(v)
            if not _in_memory(node.subgraphs[1], number):
                return False
            v, written = node.inputs[number], True
        else:
            return False
    return v is body.inputs[k] and (written or v is body.outputs[k])


def _most(condition: Graph, body: Graph, least: Mapping[Value, int]) -> int | None:
    """How often a loop runs at most: up to the small constant that a counter comes to, from what it
    is never below."""
    waiting = [condition.outputs[0].node]
    while waiting:
        node = waiting.pop()
        if node is not None and node.op is select.logical_and_op:
            waiting += [v.node for v in node.inputs]
        elif node is not None and node.op in (comparisons.less_op, comparisons.less_equal_op):
            x, end = node.inputs[0], _constant(node.inputs[1])
            k = condition.inputs.index(x) if x in condition.inputs else len(body.outputs)
            if end is None or k >= len(body.outputs) or x not in least:
                continue
            step, most = _step(body, k), end - least[x] + 1
            highest = np.iinfo(x.spec.dtype.as_numpy_dtype).max
            if 0 < step <= highest - end and most <= SOON:  # it does not begin anew below
                return max(1, most)
    return None


def _step(body: Graph, k: int) -> int:
    """The constant that an iteration adds to a counter; 0 where it adds none."""
    node, before = body.outputs[k].node, body.inputs[k]
    if node is None or node.op is not maths.add_op or before.spec.size != 1:
        return 0
    x, y = node.inputs
    step = _constant(y) if x is before else _constant(x) if y is before else None
    return step or 0


def _constant(v: Value) -> int | None:
    if v.node is None or v.node.op is not constant_op or not v.spec.dtype.is_integer:
        return None
    return int(np.asarray(v.node.attrs["value"]).reshape(-1)[0])


def _used(graph: Graph, value: Value) -> bool:
    return value in graph.outputs or any(value in n.inputs for n in graph.nodes)
