"""The sizes of one call: numbers for symbols, and whether the graph can have them."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from numflow.errors import ResourceExhaustedError, ShapeError, at_line, explain
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Assemble, Library
from numflow.graph.op import Attrs, concrete_attrs
from numflow.graph.spec import Spec
from numflow.ops import shape as shaping
from numflow.ops import slicing
from numflow.shapes import Dim, Extent, UnfitSizeError, run_time


class Sizes:
    """symbols: the number behind each. What it was asked before it knows: a plan asks for the same
    sizes again and again."""

    __slots__ = ("_numbers", "_specs", "symbols")

    def __init__(self, symbols: Mapping[str, int]) -> None:
        self.symbols = symbols
        self._numbers: dict[Dim, int] = {}
        self._specs: dict[int, tuple[Spec, Spec, int]] = {}  # by id: the spec, in numbers, bytes

    def number(self, x: Extent) -> int:
        """The number of a size."""
        if type(x) is int:
            return x
        assert isinstance(x, Dim)
        found = self._numbers.get(x)
        if found is None:
            found = self._numbers[x] = x.evaluate(self.symbols)
        return found

    def shape(self, xs: Sequence[Extent]) -> tuple[int, ...]:
        """The numbers of sizes."""
        return tuple([x if type(x) is int else self.number(x) for x in xs])

    def _of(self, spec: Spec) -> tuple[Spec, Spec, int]:
        found = self._specs.get(id(spec))
        if found is None:
            shape = self.shape(spec.shape)
            known = spec if shape == spec.shape else Spec(shape, spec.dtype)
            found = self._specs[id(spec)] = spec, known, prod(shape) * spec.dtype.size
        return found

    def spec(self, spec: Spec) -> Spec:
        """The spec with numbers for its sizes."""
        return self._of(spec)[1]

    def attrs(self, attrs: Attrs) -> Attrs:
        """The attributes with numbers for their sizes."""
        return concrete_attrs(attrs, self.symbols)

    def nbytes(self, value: Value) -> int:
        """Bytes of a value."""
        return self._of(value.spec)[2]


def check_sizes(graph: Graph, sizes: Sizes) -> None:
    """check_nodes, of a whole graph."""
    if sizes.symbols:
        check_nodes(graph.nodes, sizes)


def check_nodes(nodes: Iterable[Node], sizes: Sizes) -> None:
    """Refuse sizes that could not be told wrong while they were symbols: kernels check nothing.

    Raises:
      ShapeError: a size is negative, or a reshape has another number of elements.
      IndexRangeError: a slice is not inside.
    """
    for node in nodes:
        if not _all_known(node):
            _check_node(node, sizes)


def _all_known(node: Node) -> bool:
    return all(v.spec.known for v in (*node.inputs, *node.outputs))


class Checks:
    """check_nodes of the same nodes again and again: what can fail is sorted out once."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = nodes = [n for n in nodes if not _all_known(n)]
        dims = {n: None for node in nodes for v in node.outputs for n in v.spec.shape}
        self._dims = [n for n in dims if not isinstance(n, int)]
        self._special = [node for node in nodes if _compares(node)]

    def run(self, sizes: Sizes) -> None:
        """As check_nodes."""
        if any(sizes.number(n) < 0 for n in self._dims):
            check_nodes(self.nodes, sizes)
        for node in self._special:
            _check_node(node, sizes)


def _compares(node: Node) -> bool:
    """Whether more than the sign of its sizes may be wrong."""
    if node.op is shaping.reshape_op:
        return "same" in node.attrs or node.inputs[0].spec.size != node.output.spec.size
    return node.op is slicing.slice_op or _places(node) or _meets(node)


def _places(node: Node) -> bool:
    """Whether inputs go to places of the output that attributes tell."""
    return isinstance(node.op.lower, Assemble) and "begin" in node.attrs


def check_memory(values: Iterable[Value], sizes: Sizes) -> None:
    """Refuse what the machine cannot hold.

    The system would promise the memory, and end the process when it is written.

    Raises:
      ResourceExhaustedError: a value has more bytes than there is memory.
    """
    most = _memory_bytes()
    for v in values:
        nbytes = sizes.nbytes(v)
        if nbytes > most:
            problem = f"not enough memory: {nbytes / 1e9:.1f} GB are wanted, of {most / 1e9:.1f}"
            op, line = ("function", None) if v.node is None else (v.node.op.name, v.node.line)
            shown = {"output": sizes.spec(v.spec)}
            raise ResourceExhaustedError(explain(op, problem, shown, line=line))


@functools.cache
def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 62


def _check_node(node: Node, sizes: Sizes) -> None:
    for v in node.outputs:
        shape = sizes.spec(v.spec).shape
        if min(shape, default=0) < 0:  # type: ignore[operator, type-var]
            late = any(run_time(n) for n in v.spec.shape)
            problem = f"a size of the output is negative: {list(shape)}"
            raise _refused(node, sizes, problem, ShapeError if late else UnfitSizeError)
    if node.op is shaping.reshape_op:
        (x,), y = node.inputs, node.output
        if sizes.nbytes(x) != sizes.nbytes(y):
            have, want = sizes.spec(x.spec).size, list(sizes.spec(y.spec).shape)
            raise _refused(node, sizes, f"{have} elements do not become {want}", ShapeError)
        axis = node.attrs.get("same")
        if axis is not None:  # of no elements: the products tell nothing
            before, after = (sizes.number(v.spec.shape[axis]) for v in (x, y))
            if before != after:
                problem = f"axis {axis} has size {before}, not {after}"
                raise _refused(node, sizes, problem, ShapeError)
    if node.op is slicing.slice_op:
        attrs = sizes.attrs(node.attrs)
        lengths, whole = (sizes.spec(v.spec).shape for v in (node.output, node.inputs[0]))
        parts = zip(attrs["begin"], attrs["stride"], lengths, whole, strict=True)
        for axis, (begin, step, n, size) in enumerate(parts):
            ends = (begin, begin + step * (n - 1))
            if n and not (min(ends) >= 0 and max(ends) < size):
                problem = f"elements {min(ends)} to {max(ends)} of axis {axis} are not inside"
                raise _refused(node, sizes, problem, UnfitSizeError)
    if _places(node):
        _check_places(node, sizes)
    if _meets(node):
        _check_rule(node, sizes)


def _meets(node: Node) -> bool:
    """Whether a library kernel reads several inputs, whose sizes its rule compares."""
    return isinstance(node.op.lower, Library) and len(node.inputs) > 1


def _check_rule(node: Node, sizes: Sizes) -> None:
    """Refuse what the op's rule refuses, now that it sees numbers."""
    specs = [sizes.spec(v.spec) for v in node.inputs]
    late = any(run_time(n) for v in node.inputs for n in v.spec.shape)
    try:
        with at_line(node.line):
            found = node.op.infer(*specs, **sizes.attrs(node.attrs))
    except ShapeError as e:
        raise (e if late else UnfitSizeError(str(e))) from None
    outputs = found if isinstance(found, tuple) else (found,)
    if any(s != sizes.spec(v.spec) for s, v in zip(outputs, node.outputs, strict=True)):
        kind = ShapeError if late else UnfitSizeError
        raise _refused(node, sizes, "the sizes do not go together", kind)


def _check_places(node: Node, sizes: Sizes) -> None:
    """Refuse inputs that would be written outside of the output."""
    lower = node.op.lower
    assert isinstance(lower, Assemble)
    specs, out = [sizes.spec(v.spec) for v in node.inputs], sizes.spec(node.output.spec)
    for spec, (begins, steps) in zip(
        specs, lower.place(specs, out, sizes.attrs(node.attrs)), strict=True
    ):
        parts: Any = zip(begins, steps, spec.shape, out.shape, strict=True)
        for axis, (begin, step, n, size) in enumerate(parts):
            ends = (begin, begin + step * (n - 1))
            if n and not (min(ends) >= 0 and max(ends) < size):
                problem = f"axis {axis} of the output has {size} elements: "
                problem += f"{n} from {begin} on do not fit"
                late = any(isinstance(d, Dim) and run_time(d) for d in node.attrs["begin"])
                late = late or any(run_time(d) for d in node.output.spec.shape)
                raise _refused(node, sizes, problem, ShapeError if late else UnfitSizeError)


def _refused(node: Node, sizes: Sizes, problem: str, kind: type[ShapeError]) -> ShapeError:
    shown = {f"input {k}": sizes.spec(v.spec) for k, v in enumerate(node.inputs)}
    return kind(explain(node.op.name, problem, shown, line=node.line))
