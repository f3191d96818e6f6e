"""Loop form -> a readable Python function that Numba compiles: what explain() shows, and the oracle
of simd.py.

    def softmax(x, y, cols, rows, begin, end):
        for row in range(begin, end):
            ...

One parameter per operand (an array with just the axes it does not broadcast over), then the sizes,
then begin and end, in the units of the Loop. A term used once is written where it is used, others
get a name. What it leaves out: masks, lanes, addresses. numba_jit.py compiles the text: as the
executor's entry (NUMFLOW_CODEGEN=numba), and as a stand-alone function that `parallel_source` cuts
into chunks by prange.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from numflow.codegen.pytext import Python, Text, literal
from numflow.graph.loops import DEEP, KERNEL, LANE, ROW, Loop, Reduce, Store, Sweep, Term, walk
from numflow.kernels.builder import FLOATS, HALVES, limits

# What an operand must not be called in the text: Python's words, and the printer's own names.
_TAKEN = re.compile(
    r"(row|col|i|d|i\d+|k|nth|chunk|chunks|table|segment|first|length|begin|end|total|pieces|node|"
    r"context|cols|rows|block|depth|size\d+|[fiu]\d+|bf16|b1|INF|NAN|min|max|abs|range|njit|prange|"
    r"function|kernel|view|piece|refuse|libm|floor|ceil|trunc|rint|sqrt|fma|fmod|copysign|bits|"
    r"from_bits|mulhi|larger|smaller|maximum|minimum|get_num_threads|"
    r"(largest|smallest|total|product|where)\d+|\w*_\d+|\w+_(f|i|u|bf)\d+|\w+_(quotient|remainder))"
)
_LONG = 60  # an expression of more characters gets a name
_FOLD_NAMES = {
    **{"sum": "total", "prod": "product", "max": "largest", "min": "smallest"},
    **{"argmax": "largest", "argmin": "smallest"},
}


@dataclass(frozen=True)
class Source:
    """text: the function over begin..end; called: the functions of scalar.py that it calls."""

    text: str
    parameters: tuple[str, ...]
    called: frozenset[tuple[str, str]]


def loop_source(loop: Loop) -> str:
    """The function of a Loop and its parallel wrapper, as text."""
    return body_source(loop).text + "\n\n" + parallel_source(loop)


def body_source(loop: Loop) -> Source:
    """The function of a Loop, with the parameters that it uses, begin and end aside."""
    printer = _Printer(loop)
    lines = printer.body()
    words = set(re.findall(r"\w+", "\n".join(lines)))
    names = tuple(n for n in _parameters(loop) if n in words)
    head = f"def {loop.name}({', '.join([*names, 'begin', 'end'])}):"
    text = "\n".join(["@njit(nogil=True)", head, *lines]) + "\n"
    return Source(text, names, frozenset(printer.b.called))


def parallel_source(loop: Loop) -> str:
    """Text of the function that runs all units over all cores."""
    names = ", ".join(body_source(loop).parameters)
    return (
        "@njit(parallel=True)\n"
        f"def {loop.name}_parallel({names}, total):\n"
        "    pieces = min(total, 4 * get_num_threads())\n"
        "    for k in prange(pieces):\n"
        f"        {loop.name}({names}, k * total // pieces, (k + 1) * total // pieces)\n"
    )


def _parameters(loop: Loop) -> list[str]:
    """All that the function may take: arrays, then sizes."""
    apart = loop.pieces() if loop.segments else []  # their pointers come from the table
    names = [spelled(o.name) for o in loop.operands if o not in apart]
    if loop.segments:
        names = ["table", "chunks", *names, "block"]
    else:
        names += ["cols", "rows", "block", "depth"]
        names += [f"size{k}" for k in range(loop.outer)] if loop.outer > 1 else []
    return names + (["context", "node"] if any(s.checks for s in loop.sweeps) else [])


def spelled(name: str) -> str:
    """An operand's name in the text."""
    return name + "_" if keyword.iskeyword(name) or _TAKEN.fullmatch(name) else name


class _Printer:
    def __init__(self, loop: Loop) -> None:
        self.loop, self.b = loop, Python()
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.folds: dict[int, list[str]] = {}  # id(reduce) -> names of its state
        self.memo: dict[Term, Text] = {}
        self.partials = loop.partials()

    def put(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def nest(self, head: str, body: Callable[[], object]) -> None:
        self.put(head)
        self.depth += 1
        at = len(self.lines)
        body()
        if len(self.lines) == at:
            self.put("pass")
        self.depth -= 1

    def body(self) -> list[str]:
        """The lines of the function, without its head."""
        loop = self.loop
        for t in walk(*loop.roots()):
            if t.level == KERNEL and t.op == "load":
                self.assign(t)
        if loop.segments:
            self.nest("for chunk in range(begin, end):", self._chunk)
        elif loop.blocked:
            self.nest("for nth in range(begin, end):", self._block)
        elif loop.outer:
            self.nest("for row in range(begin, end):", self._row)
        else:
            self._sweeps("range(begin, end)")
        once = [s for sweep in loop.sweeps for s in sweep.stores if self._once(s)]
        if once:

            def store() -> None:
                for s in once:
                    self._store(s)

            self.nest("if begin == 0:", store)
        return self.lines

    def _once(self, s: Store) -> bool:
        return self.loop.level(self.loop.operand(s.operand)) == s.term.level == KERNEL

    # rows and blocks --------------------------------------------------------------------------
    def _chunk(self) -> None:
        pieces = self.loop.pieces()
        self.put("segment, first = chunks[chunk, 0], chunks[chunk, 1]")
        self.put(f"length = table[segment, {len(pieces)}]")
        for k, o in enumerate(pieces):
            memory = "u16" if o.dtype in HALVES else o.dtype
            self.put(f"{spelled(o.name)} = piece(table[segment, {k}], length, {memory})")
        self._elements("first", "min(first + block, length)", "chunk")

    def _block(self) -> None:
        """A fixed run of rows, or of elements: what one partial holds."""
        if self.loop.axes == 1:
            self._elements("nth * block", "min(nth * block + block, cols)", "nth")
            return
        crossing = [r for s in self.loop.sweeps for r in s.reduces if r.crosses]
        for r in crossing:
            if r.over != "rows":
                self._declare(r)
                continue

            def clear(r: Reduce = r) -> None:
                for k, n in enumerate(r.into):
                    self.put(f"{spelled(n)}[nth, col] = {self._start(r, k)}")

            self.nest(f"for col in range({self.loop.inner or 'cols'}):", clear)
        self.nest("for row in range(nth * block, min(nth * block + block, rows)):", self._row)
        self._leave(crossing, "nth")

    def _elements(self, lo: str, hi: str, unit: str) -> None:
        crossing = [r for s in self.loop.sweeps for r in s.reduces if r.crosses]
        for r in crossing:
            self._declare(r)
        self._sweeps(f"range({lo}, {hi})")
        self._leave(crossing, unit)

    def _leave(self, crossing: list[Reduce], unit: str) -> None:
        """Write the partials that were kept in names."""
        for r in crossing:
            if r.over != "rows":
                for n, name in zip(r.into, self.folds[id(r)], strict=True):
                    self.put(f"{spelled(n)}[{unit}] = {name}")

    def _row(self) -> None:
        rest = "row"
        for k in reversed(range(1, self.loop.outer)):
            self.put(f"i{k} = {rest} % size{k}")
            rest = f"({rest} // size{k})"
        if self.loop.outer > 1:
            self.put(f"i0 = {rest}")
        self._sweeps(f"range({self.loop.inner or 'cols'})")

    def _sweeps(self, columns: str) -> None:
        kept = dict(self.memo)
        if self.loop.deep:
            for t in walk(*self.loop.roots()):
                if t.level == ROW and t.op == "load":
                    self.assign(t)
            self.nest(f"for col in {columns}:", self._column)
        else:
            for s in self.loop.sweeps:
                self._sweep(s, columns)
        self.memo = kept

    def _sweep(self, s: Sweep, columns: str) -> None:
        for r in s.reduces:
            if r.over == "cols":
                self._declare(r)
        lanes = self._lane_roots(s, LANE)
        for t in lanes:  # row terms before the columns that use them
            for u in walk(t):
                for a in u.args if u.level >= LANE else (u,) if u is t else ():
                    if a.level < LANE and a.op not in ("const", "reduced"):
                        self.assign(a)
        if lanes:
            index = "i" if self.loop.axes == 1 else "col"
            self.nest(f"for {index} in {columns}:", lambda: self._elementwise(s, LANE))
        for r in s.reduces:
            if r.over == "cols" and r.result is not None:
                self.memo[r.result] = Text(self.folds[id(r)][-1], r.result.dtype)
            elif r.over == "each":
                self._fold(r, [self.expression(t).text for t in r.terms])
        self._row_effects(s)

    def _row_effects(self, s: Sweep) -> None:
        for c in s.checks:
            if c.term.level < LANE:
                self._check(c.term, c.number, "row" if self.loop.outer else "0")
        for x in s.stores:
            if self.loop.level(self.loop.operand(x.operand)) < LANE and not self._once(x):
                self._store(x)

    def _column(self) -> None:
        """All sweeps of a deep loop, for one column."""
        for s in self.loop.sweeps:
            for r in s.reduces:
                self._declare(r)
            deep = self._lane_roots(s, DEEP)
            if deep:
                for t in walk(*deep):
                    for a in t.args if t.level == DEEP else (t,) if t in deep else ():
                        if a.level < DEEP and a.op not in ("const", "reduced"):
                            self.assign(a)
                self.nest("for d in range(depth):", partial(self._elementwise, s, DEEP))
            for r in s.reduces:
                if r.result is not None:
                    self.memo[r.result] = Text(self.folds[id(r)][-1], r.result.dtype)
            self._elementwise(s, LANE, folds=False)
            self._row_effects(s)

    def _lane_roots(self, s: Sweep, level: int) -> list[Term]:
        """What is computed for each element (LANE) or each element of the depth (DEEP)."""
        out = [t.term for t in s.stores if self.loop.level(self.loop.operand(t.operand)) == level]
        out += [c.term for c in s.checks if c.term.level == level]
        if self.loop.deep == (level == DEEP):
            out += [t for r in s.reduces if r.over != "each" for t in r.terms]
        return out

    def _elementwise(self, s: Sweep, level: int, folds: bool = True) -> None:
        """One element: named terms, folds, checks, stores."""
        kept = dict(self.memo)
        roots = self._lane_roots(s, level)
        stores = [x for x in s.stores if self.loop.level(self.loop.operand(x.operand)) == level]
        uses = Counter(a for t in walk(*roots) for a in t.args) + Counter(roots)
        for t in walk(*roots):
            if t.level >= LANE and t not in self.memo and t.op not in ("const", "index"):
                early = t.op == "load" and len(stores) > 1  # one may write what another reads
                if early or uses[t] > 1 or len(self.expression(t).text) > _LONG:
                    self.assign(t)
        reduces = [r for r in s.reduces if folds and r.over != "each"]
        values = [[self.expression(t).text for t in r.terms] for r in reduces]
        texts = [self.expression(x.term) for x in stores]
        for c in s.checks:
            if c.term.level == level:
                self._check(c.term, c.number, self._number(level))
        for r, v in zip(reduces, values, strict=True):
            self._fold(r, v)
        for to, text in zip(stores, texts, strict=True):
            self._write(to.operand, text)
        self.memo = kept

    # folds ------------------------------------------------------------------------------------
    def _start(self, r: Reduce, k: int = 0) -> str:
        dtype = r.terms[k].dtype
        if k:
            return literal(0, dtype)
        low, high = limits(dtype)
        starts = {"sum": 0, "prod": 1, "max": low, "argmax": low, "min": high, "argmin": high}
        return literal(starts[r.kind], dtype)

    def _declare(self, r: Reduce) -> None:
        self.names += 1
        names = [f"{_FOLD_NAMES[r.kind]}{self.names}"]
        names += [f"where{self.names}"] if r.payload is not None else []
        self.folds[id(r)] = names
        for k, name in enumerate(names):
            self.put(f"{name} = {self._start(r, k)}")

    def _fold(self, r: Reduce, v: list[str]) -> None:
        state = self.folds.get(id(r)) or [self._element(n) for n in r.into]
        if r.payload is None:
            old, new = Text(state[0], r.term.dtype), Text(v[0], r.term.dtype)
            method = {"sum": "add", "prod": "mul"}.get(r.kind, r.kind)
            self.put(f"{state[0]} = {_bare(self.b.math(method, old, new).text)}")
            return
        sign = ">" if r.kind == "argmax" else "<"
        better = f"{v[0]} {sign} {state[0]}"
        if r.term.dtype in FLOATS:  # NaN wins; the first NaN stays
            better = f"({better} or {v[0]} != {v[0]}) and {state[0]} == {state[0]}"

        def take() -> None:
            self.put(f"{state[0]} = {v[0]}")
            self.put(f"{state[1]} = {v[1]}")

        self.nest(f"if {better}:", take)

    # terms ------------------------------------------------------------------------------------
    def _element(self, name: str) -> str:
        o, loop, name = self.loop.operand(name), self.loop, spelled(name)
        if o.name in self.partials:
            if loop.segments:
                return f"{name}[chunk]"
            return f"{name}[nth, col]" if o.inner == "u" and loop.axes > 1 else f"{name}[nth]"
        outer = ["row"] if loop.outer == 1 else [f"i{k}" for k in range(loop.outer)]
        index = [*outer, *["d"] * loop.deep, "i" if loop.axes == 1 else "col"]
        used = [i for i, a in zip(index, o.access, strict=True) if a != "-"]
        return f"{name}[{', '.join(used) or '0'}]"

    def _store(self, s: Store) -> None:
        self._write(s.operand, self.expression(s.term))

    def _write(self, name: str, x: Text) -> None:
        o, text = self.loop.operand(name), _bare(x.text)
        if o.dtype in HALVES:
            self.b.called.add(("narrowed", o.dtype))
            text = f"narrowed_{o.dtype}({text})"
        self.put(f"{self._element(name)} = {text}")

    def _check(self, term: Term, number: int, where: str) -> None:
        node = f"node + {number}" if number else "node"
        holds = self.expression(term).text
        self.nest(f"if not {holds}:", lambda: self.put(f"refuse(context, {node}, {where})"))

    def _number(self, level: int) -> str:
        """The number of the element."""
        if self.loop.axes == 1:
            return "i"
        line = "row" if self.loop.outer else "0"
        if self.loop.deep:
            line = f"({line} * depth + d)" if level == DEEP else f"{line} * depth"
        return f"{line} * cols + col"

    def assign(self, t: Term) -> None:
        if t in self.memo:
            return
        text = _bare(self.expression(t).text)
        self.names += 1
        tag = str(t.attr) if t.op == "load" else t.op
        name = f"{tag}_{self.names}"
        self.memo[t] = Text(name if name.isidentifier() else f"v_{self.names}", t.dtype)
        self.put(f"{self.memo[t].text} = {text}")

    def expression(self, t: Term) -> Text:
        if t in self.memo:
            return self.memo[t]
        if t.op == "const":
            return self.b.const(t.attr, t.dtype)  # type: ignore[arg-type]
        if t.op == "load":
            o, text = self.loop.operand(str(t.attr)), self._element(str(t.attr))
            if o.dtype in HALVES:
                self.b.called.add(("widened", o.dtype))
                text = f"widened_{o.dtype}({text})"
            return Text(text, t.dtype)
        if t.op == "index":
            axes = {"cols": "i" if self.loop.axes == 1 else "col", "depth": "d", "rows": "row"}
            return Text(f"{t.dtype}({axes.get(str(t.attr), f'i{t.attr}')})", t.dtype)
        if t.op == "size":
            count = ["cols"] + ["depth"] * self.loop.deep + ["rows"] * (self.loop.outer > 0)
            text = " * ".join(count) if t.attr == "count" else str(t.attr)
            return Text(f"{t.dtype}({text})", t.dtype)
        return self.b.apply(t.op, tuple(self.expression(a) for a in t.args), t.dtype, t.attr)


def _bare(text: str) -> str:
    """The expression without the parentheses around all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for c in text[:-1]:
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return text
    return text[1:-1]
