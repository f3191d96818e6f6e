"""A cluster of the graph -> a Loop, and where its operands lie.

The domain's axes are collapsed first (graph/collapse.py), symbols included; the letters that come
out name the kernel. Then each member's scalar body runs against a Body. A member that needs a fold
over the columns goes into a later sweep; what is costly and needed in more than one sweep is stored
and read back while the row is in cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow.codegen.domain import deep_axes, indexed_axes, loop_axes, reads_of, write_strides
from numflow.dtypes import DType
from numflow.graph.graph import Node, Value
from numflow.graph.loops import Body, Loop, Operand, Over, Term, combine
from numflow.graph.lowering import Checked, Elementwise, Layout, Reduction, View
from numflow.kernels.builder import HALVES
from numflow.kernels.records import NamedTuple
from numflow.passes.group import Group, free
from numflow.shapes import Extent, Shape, product

CODES = {
    "float16": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
    "bool": "b1",
    **{f"int{n}": f"i{n}" for n in (8, 16, 32, 64)},
    **{f"uint{n}": f"u{n}" for n in (8, 16, 32, 64)},
}
SMALL_INNER = 64  # columns up to which a constant number of them is compiled in: up to 3x faster
# Operations of a body that count as a dozen others.
COSTLY = frozenset(
    "exp expm1 log log1p tanh sigmoid erf erfc sin cos tan pow philox normal truncated_normal "
    "libm".split()
)
# Ops whose elements are stored where a later sweep needs them again: made of the costly ...
KEPT = COSTLY | frozenset(
    "acos acosh asin asinh atan atan2 atanh cosh digamma elu erfinv gelu gelu_tanh lgamma "
    "philox_bits philox_normal philox_truncated philox_uniform selu "
    "sigmoid_cross_entropy_with_logits silu sinh softplus xlogy".split()
)
# ... and those that jump: computed anew, their inputs may be rounded otherwise.
JUMPS = frozenset("ceil floor floordiv floormod rint sign truncatediv truncatemod".split())
KINDS = {"any": "max", "all": "min"}


class Place(NamedTuple):
    """Where an operand lies: the value whose buffer it is (None: scratch), and its offset and
    stride per loop axis."""

    value: Value | None
    offset: Extent
    strides: tuple[Extent, ...]
    dtype: DType
    partial: bool = False


class Fold(NamedTuple):
    """A fold across rows: the value it gives, its kind, what it runs over, and the operand of its
    partials."""

    value: Value
    kind: str
    over: Over
    partial: str


class ClusterCode(NamedTuple):
    """A Loop, the place of each operand, the sizes of its axes, and its folds across rows.

    finals: a Loop that folds the partials of several blocks, with the names of its operands, per
    kind of fold.
    checks: the node of each check, by its number.
    """

    loop: Loop
    places: dict[str, Place]
    sizes: Shape
    folds: tuple[Fold, ...]
    checks: tuple[Node, ...]
    group: Group
    rowwise: bool

    def finals(self) -> list[tuple[Loop, tuple[Fold, ...]]]:
        """The loops that fold the partials of more than one block: one for those per column, one
        for scalars."""
        out = []
        for columns in (True, False):
            folds = tuple(f for f in self.folds if (f.over == "rows") == columns)
            if folds:
                out.append(
                    (combine(self.loop, {f.partial: "final_" + f.partial for f in folds}), folds)
                )
        return out


class _Recorder(Body):
    """A Body that knows numflow's dtypes; 16-bit floats compute in float32."""

    @staticmethod
    def code(dtype: object) -> str:
        """The loop's name of a dtype while it computes."""
        name = Body.code(dtype)
        return "f32" if name in HALVES else name


class _Index:
    """What an indexed body asks for the indices of its element: index(k) along axis k of its
    output."""

    def __init__(self, build: _Build, axes: Sequence[int]) -> None:
        self._build, self._axes = build, axes

    def __call__(self, axis: int) -> Term:
        return self._build.index(self._axes[axis])


def build(
    group: Group, stored: Iterable[Value], layouts: dict[Value, tuple[Value, Layout]]
) -> ClusterCode:
    """The code of a cluster; stored: the members that others read.

    Raises:
      ValueError: the axes do not collapse to a loop's form.
    """
    return _deep(group, layouts) if group.deep else _Build(group, stored, layouts).code()


def _letters(strides: Sequence[Extent]) -> str:
    last = len(strides) - 1
    return "".join(
        "-" if s == 0 else "u" if k == last and s == 1 else "s" for k, s in enumerate(strides)
    )


def _inner(sizes: Shape) -> int | None:
    last = sizes[-1]
    return last if len(sizes) > 1 and isinstance(last, int) and 1 <= last <= SMALL_INNER else None


# --- a cluster ----------------------------------------------------------------


class _Build:
    def __init__(
        self, group: Group, stored: Iterable[Value], layouts: dict[Value, tuple[Value, Layout]]
    ) -> None:
        self.group, self.layouts = group, layouts
        self.stored = list(stored)
        self.reads = reads_of(group, layouts)
        self._stages()
        self.open = [v for v in self.stored if v not in group.closed]
        needed = self._costly_for_later()
        self.kept = list(needed)
        self.waits = self._waiting(needed)
        self.open += [v for v in self.kept if v not in self.open and v not in self.waits]
        writes = [write_strides(group, v) for v in self.open]
        rows = [r.strides for r in self.reads.values()] + writes
        axes = loop_axes(group, rows, len(self.reads) if writes else -1, indexed_axes(group))
        if axes is None:
            raise ValueError("the columns of this cluster do not become one axis")
        self.axes = axes
        self.rowwise = group.cols is not None
        self.places: dict[str, Place] = {}
        self.operands: list[Operand] = []
        self.loads: dict[tuple[Node, int], str] = {}
        self._name_operands()
        self.body = _Recorder("cluster", len(axes.sizes), self.operands, _inner(axes.sizes))
        self.terms: dict[tuple[Value, int], Term] = {}  # by the sweep that it is computed in
        self.sweep = 0
        self.folds: list[Fold] = []
        self.checks: list[Node] = []
        self.pending: list[Value] = []

    def _folds_columns(self, node: Node) -> bool:
        return isinstance(node.op.lower, Reduction) and node.output not in self.group.closed

    def _stages(self) -> None:
        """The sweep in which each member is computed; the result of a fold over columns exists one
        later."""
        self.stage: dict[Value, int] = {}
        for n in self.group.nodes:
            at = max((self.stage.get(v, 0) for v in n.inputs), default=0)
            self.stage[n.output] = at + self._folds_columns(n)

    def _costly_for_later(self) -> dict[Value, int]:
        """Elements of transcendental functions that a later sweep needs, and the last that does:
        stored, and read back from the cache. Of few columns, a constant number, values stay in
        registers anyway."""
        domain, cols = self.group.domain, self.group.cols
        if domain is None or cols is None:
            return {}
        columns = product(domain[len(domain) - cols :])
        few = isinstance(columns, int) and columns <= SMALL_INNER
        costly = {n.output for n in self.group.nodes if n.op.name in KEPT | JUMPS and not few}
        # What is compared, or becomes an integer, must have the bits that a fold before has seen:
        # computed anew, products may be contracted with other sums.
        for n in self.group.nodes:
            if not n.output.spec.dtype.is_floating:
                costly |= {v for v in n.inputs if v in self.stage and v.spec.dtype.is_floating}
        costly = {v for v in costly if self._per_element(v) and v not in self.group.closed}
        needed: dict[Value, int] = {}  # the last sweep that wants it
        for n in reversed(self.group.nodes):
            at = self.stage[n.output] - self._folds_columns(n)
            if n.output not in costly:
                at = max(at, needed.get(n.output, at))
            for v in n.inputs:
                if v in self.stage and self._per_element(v):
                    needed[v] = max(needed.get(v, 0), at)
        return {
            n.output: needed[n.output]
            for n in self.group.nodes
            if n.output in costly and needed.get(n.output, 0) > self.stage[n.output]
        }

    def _waiting(self, needed: Mapping[Value, int]) -> dict[Value, Value]:
        """Kept elements that nobody else reads, by the result in whose memory they wait: one that
        is stored there as the last sweep has read them."""
        found: dict[Value, Value] = {}
        for kept, last in needed.items():
            if kept in self.stored:
                continue
            for v in self.open:
                same = v.spec == kept.spec and self.group.maps[v] == self.group.maps[kept]
                if same and v not in found.values() and self.stage[v] >= last:
                    found[kept] = v
                    break
        return found

    def _name_operands(self) -> None:
        seen: dict[tuple[Any, ...], str] = {}
        for (key, read), strides in zip(self.reads.items(), self.axes.strides, strict=False):
            place = (read.root, read.offset, strides, read.dtype)
            if place not in seen:
                seen[place] = f"x{len(seen)}"
                self._operand(seen[place], Place(read.root, read.offset, strides, read.dtype))
            self.loads[key] = seen[place]
        self.out_names: dict[Value, str] = {}
        for k, (v, strides) in enumerate(
            zip(self.open, self.axes.strides[len(self.reads) :], strict=True)
        ):
            self.out_names[v] = f"y{k}"
            self._operand(f"y{k}", Place(v, 0, strides, v.spec.dtype))
        self.out_names.update({v: self.out_names[where] for v, where in self.waits.items()})

    def _operand(self, name: str, place: Place) -> None:
        self.places[name] = place
        self.operands.append(Operand(name, CODES[place.dtype.name], _letters(place.strides)))

    def code(self) -> ClusterCode:
        nodes, b = self.group.nodes, self.body
        for s in range(max(self.stage.values()) + 1):
            if s:
                b.sweep()
                self._store_results()
            self.sweep = s
            for n in nodes:
                fold = self._folds_columns(n)
                if self.stage[n.output] - fold == s:
                    self._member(n, fold)
        loop = b.done()
        return ClusterCode(
            loop,
            self.places,
            self.axes.sizes,
            tuple(self.folds),
            tuple(self.checks),
            self.group,
            self.rowwise,
        )

    def _member(self, node: Node, fold: bool) -> None:
        b, out = self.body, node.output
        if isinstance(node.op.lower, Reduction):
            term = self._input(node, 0)
            kind = KINDS.get(node.op.lower.kind, node.op.lower.kind)
            if fold:
                result = b.reduce(kind, term)  # type: ignore[arg-type]
                self.terms[out, self.stage[out]] = b.cast(result, b.code(out.spec.dtype))
                if out in self.out_names:
                    self.pending.append(out)  # a fold's result is stored in the sweep after it
                return
            self._close(node, kind, term)
            return
        if isinstance(node.op.lower, Checked):
            term = self._input(node, 0)
            b.check(node.op.lower.condition(b, term, **node.attrs), len(self.checks))
            self.checks.append(node)
        term = self._compute(node)
        self.terms[out, self.sweep] = term
        if out in self.out_names:
            b.store(self.out_names[out], term)

    def _compute(self, node: Node) -> Term:
        """The element of a node's output, from what this sweep has of its inputs."""
        if isinstance(node.op.lower, View | Checked):
            return self._input(node, 0)
        return self._elementwise(node)

    def _elementwise(self, node: Node) -> Term:
        lower = node.op.lower
        assert isinstance(lower, Elementwise)
        inputs = [self._input(node, k) for k in range(len(node.inputs))]
        if lower.indexed:
            inputs = [_Index(self, self.group.maps[node.output]), *inputs]  # type: ignore[list-item]
        term: Term = lower.body(self.body, *inputs, **node.attrs)
        half = CODES[node.output.spec.dtype.name]
        return self.body.rounded(term, half) if half in ("f16", "bf16") else term

    def _input(self, node: Node, k: int) -> Term:
        v, b = node.inputs[k], self.body
        if v in self.stage:
            return self._again(v)
        if free(v):
            assert v.node is not None
            number = np.asarray(v.node.attrs["value"]).reshape(-1)[0].item()
            return b.const(number, b.code(v.spec.dtype))
        return b.load(self.loads[node, k])

    def _again(self, v: Value) -> Term:
        """A member's term in this sweep: kept, or computed anew from what is kept; per row it stays
        as it is."""
        made = self.stage[v]
        if made == self.sweep or not self._per_element(v):
            return self.terms[v, made]
        if v in self.kept:
            return self.body.load(self.out_names[v])
        if (v, self.sweep) not in self.terms:
            assert v.node is not None
            self.terms[v, self.sweep] = self._compute(v.node)
        return self.terms[v, self.sweep]

    def _per_element(self, v: Value) -> bool:
        domain, cols = self.group.domain, self.group.cols
        assert domain is not None
        return cols is not None and any(a >= len(domain) - cols for a in self.group.maps[v])

    def index(self, axis: int) -> Term:
        """The index along a domain axis."""
        if axis < 0:
            return self.body.const(0, "i64")
        at = next((k for k, o in enumerate(self.axes.origin) if o == (axis,)), None)
        return self.body.const(0, "i64") if at is None else self.body.index(at)

    def _store_results(self) -> None:
        """At the start of a sweep: the results of the folds of the one before, where others read
        them."""
        for v in self.pending:
            self.body.store(self.out_names[v], self.terms[v, self.stage[v]])
        self.pending.clear()

    def _close(self, node: Node, kind: str, term: Term) -> None:
        """A fold across rows, into partials."""
        out, group = node.output, self.group
        name = f"p{len(self.folds)}"
        x = group.maps[node.inputs[0]]
        big = [a for a in x if a >= 0]
        assert group.domain is not None
        split = len(group.domain) - (group.cols or 0)
        over: Over
        if not self.rowwise:
            over = "all"
        elif any(a >= 0 for a in group.maps[out]):
            over = "rows"
        elif big and all(a < split for a in big):
            over = "each"
        else:
            over = "all"
        self.body.operands.append(
            Operand(
                name,
                CODES[out.spec.dtype.name],
                "su" if over == "rows" else "-" * len(self.axes.sizes),
            )
        )
        cols = self.axes.sizes[-1]
        self.places[name] = Place(
            out, 0, (cols, 1) if over == "rows" else (0,), out.spec.dtype, partial=True
        )
        self.body.reduce(kind, term, over, (name,))  # type: ignore[arg-type]
        self.folds.append(Fold(out, kind, over, name))


# --- a fold over a middle axis ------------------------------------------------


def _deep(group: Group, layouts: dict[Value, tuple[Value, Layout]]) -> ClusterCode:
    """[kept, reduced, kept] as one deep loop.

    Raises:
      ValueError: the axes do not collapse to these.
    """
    *members, node = group.nodes
    found = deep_axes(group, layouts)
    if found is None:
        raise ValueError("the axes of this fold do not become three")
    axes, reads = found
    out = node.output
    kind = KINDS.get(node.op.lower.kind, node.op.lower.kind)
    places: dict[str, Place] = {}
    names: dict[tuple[Any, ...], str] = {}
    for read, strides in zip(reads.values(), axes.strides, strict=False):
        place = Place(read.root, read.offset, strides, read.dtype)
        name = names.setdefault(tuple(place), f"x{len(names)}")
        places[name] = place
    places["y0"] = Place(out, 0, axes.strides[-1], out.spec.dtype)
    operands = [Operand(k, CODES[p.dtype.name], _letters(p.strides)) for k, p in places.items()]
    b = _Recorder("fold", 3, operands, None, deep=True)
    terms: dict[Value, Term] = {}

    def term(of: Node, k: int) -> Term:
        v = of.inputs[k]
        if v in terms:
            return terms[v]
        if free(v):
            assert v.node is not None
            number = np.asarray(v.node.attrs["value"]).reshape(-1)[0].item()
            return b.const(number, b.code(v.spec.dtype))
        at = list(reads).index((of, k))
        read = reads[of, k]
        return b.load(names[read.root, read.offset, axes.strides[at], read.dtype, False])

    for n in members:
        assert isinstance(n.op.lower, Elementwise)
        inputs = [term(n, k) for k in range(len(n.inputs))]
        terms[n.output] = n.op.lower.body(b, *inputs, **n.attrs)
    total = b.reduce(kind, term(node, 0), "depth")
    b.sweep()
    b.store("y0", b.cast(total, b.code(out.spec.dtype)))
    return ClusterCode(b.done(), places, axes.sizes, (), (), group, False)
