"""Value, Node, GraphBuilder, Graph: ONE representation for functions, gradients and compat.v1.

A builder only appends: inputs, then nodes. Gradients write into the open builder, for later user
code uses their results. `Graph` is its frozen snapshot; passes take one and give a new one
(`rebuild` in graph/building.py).

State is explicit. A variable is read by a node of an op with effect "read" and written by one with
effect "write" (attribute `variable`); nodes keep program order, control inputs add edges. Whatever
a graph needs from outside is an
input: an argument, or a captured tensor, whose eager value stands in `captures`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from numflow.errors import ShapeError, SourceLine, explain, user_line
from numflow.graph.lowering import View
from numflow.graph.op import Array, Attrs, Op
from numflow.graph.printing import to_text
from numflow.graph.spec import Spec, spec_of
from numflow.shapes import RUN_TIME, Dim, symbols

_new: Any = object.__new__
SMALL = 64  # elements of an integer value whose content is followed while tracing


class Value:
    """An input of a graph or an output of a node.

    content: object array of its elements, where these are sizes or integers known now.
    """

    __slots__ = ("__weakref__", "content", "index", "name", "node", "spec", "tensor")

    def __init__(self, spec: Spec, node: Node | None, index: int, name: str = "") -> None:
        self.spec, self.node, self.index, self.name = spec, node, index, name
        self.content: Array | None = None
        self.tensor: Any = None  # the one SymbolicTensor that stands for it

    def __repr__(self) -> str:
        return f"<value {self.name or self.index}: {self.spec}>"


class Node:
    """One application of an op. Treated as immutable once built."""

    __slots__ = (
        "attrs",
        "control_inputs",
        "device",
        "inputs",
        "line",
        "name",
        "op",
        "outputs",
        "scope",
        "subgraphs",
    )

    def __init__(
        self,
        op: Op,
        inputs: tuple[Value, ...],
        attrs: Attrs,
        specs: Iterable[Spec],
        line: SourceLine | None,
        name: str = "",
        scope: str = "",
        device: str = "",
        control_inputs: tuple[Node, ...] = (),
    ) -> None:
        self.op, self.inputs, self.attrs, self.line = op, inputs, attrs, line
        self.name, self.scope, self.device = name, scope, device
        self.subgraphs: tuple[Graph, ...] = attrs.get("graphs", ())  # of ops/control.py
        self.control_inputs = control_inputs
        self.outputs = tuple(Value(s, self, i) for i, s in enumerate(specs))

    def following(self, inputs: tuple[Value, ...], control_inputs: tuple[Node, ...]) -> Node:
        """A copy of other inputs of the same specs.

        Without `__init__`, which takes twice as long: each pass that changes something makes such
        copies of all that follows.
        """
        copy: Node = _new(Node)
        copy.op, copy.inputs, copy.attrs, copy.line = self.op, inputs, self.attrs, self.line
        copy.name, copy.scope, copy.device = self.name, self.scope, self.device
        copy.subgraphs, copy.control_inputs = self.subgraphs, control_inputs
        outputs = []
        for old in self.outputs:
            v: Value = _new(Value)
            v.spec, v.node, v.index, v.name = old.spec, copy, old.index, ""
            v.content, v.tensor = old.content, None
            outputs.append(v)
        copy.outputs = tuple(outputs)
        return copy

    @property
    def type(self) -> str:
        """The name of the op."""
        return self.op.name

    @property
    def output(self) -> Value:
        """The only output."""
        (value,) = self.outputs
        return value

    def __repr__(self) -> str:
        return f"<node {self.op.name} {[str(o.spec) for o in self.outputs]}>"


def _constant_infer(*, value: Array) -> Spec:
    return spec_of(value)


def _sizes_infer(*, sizes: tuple[Any, ...], shape: tuple[int, ...], dtype: Any) -> Spec:
    return Spec(shape, dtype)


def sizes_array(sizes: Sequence[Any], dtype: Any) -> Array:
    """Sizes as an array.

    Raises:
      ShapeError: the dtype does not hold one of them.
    """
    try:
        return np.array(sizes, dtype.numpy)
    except OverflowError:
        problem = f"a size does not fit into {dtype.name}"
        raise ShapeError(explain("shape", problem, {"sizes": list(sizes)})) from None


# The leaves that every graph needs: a fixed array, and a small array of sizes, known when a call
# is planned.
constant_op = Op("constant", _constant_infer, lambda *, value: value)
sizes_op = Op(
    "sizes",
    _sizes_infer,
    lambda *, sizes, shape, dtype: sizes_array(sizes, dtype).reshape(shape),
)


def _bind_infer(x: Spec, *, symbols: tuple[Dim, ...]) -> Spec:
    return x


# Its elements, small integers, are from here on the numbers behind symbols: the one way in which a
# size comes to depend on values (runtime/README.md). codegen makes a step of it.
bind_op = Op(
    "bind_sizes",
    _bind_infer,
    lambda x, *, symbols: x,
    lambda g: (None,),
    View(lambda layout, out, attrs: layout),
)


class Graph:
    """A finished graph: inputs, nodes in an order that respects data and effects, outputs.

    captures: eager tensors (opaque here) by the input that stands for them. It never changes.
    """

    __slots__ = ("__weakref__", "captures", "inputs", "name", "nodes", "outputs")

    def __init__(
        self,
        inputs: tuple[Value, ...],
        nodes: tuple[Node, ...],
        outputs: tuple[Value, ...],
        captures: Mapping[Value, Any] | None = None,
        name: str = "graph",
    ) -> None:
        self.inputs, self.nodes, self.outputs = inputs, nodes, outputs
        self.captures: Mapping[Value, Any] = captures or {}
        self.name = name

    def symbols(self) -> set[str]:
        """Names of the symbolic sizes of the inputs."""
        return set().union(*(v.spec.symbols() for v in self.inputs))

    def at_sizes(self, sizes: Mapping[str, int]) -> Any:
        """The graph, inside of another with these sizes, as a function of arrays."""
        return _runner[0](self, sizes)

    def __str__(self) -> str:
        return to_text(self)

    def get_operations(self) -> list[Node]:
        """The nodes, in their order: each has a `type`, `inputs` and `outputs`."""
        return list(self.nodes)

    def users(self) -> dict[Value, list[Node]]:
        """The nodes that take each value."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for v in dict.fromkeys(node.inputs):
                found.setdefault(v, []).append(node)
        return found


_runner: list[Any] = []


def set_runner(runner: Any) -> None:
    """Who runs graphs inside of others where that is done from Python: runner(graph, sizes)."""
    _runner[:] = [runner]


def has_effect(node: Node) -> bool:
    """Whether more comes of the node than its outputs; a read is no effect."""
    if node.op.effect not in ("", "read"):
        return True
    return any(has_effect(inner) for graph in node.subgraphs for inner in graph.nodes)


class GraphBuilder:
    """Appends inputs and nodes. Not thread-safe: a trace belongs to one thread."""

    def __init__(self, name: str = "graph") -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self.captures: dict[Value, Any] = {}
        self.line: SourceLine | None = None  # set while a pass rebuilds: new nodes inherit it
        self.place: Any = None  # names and devices in force, see scopes.py
        self._constants: dict[Any, Value] = {}
        self._bound: dict[Value, Value] = {}
        self.bound = 0  # the last number that names a run-time size, here or in graphs inside
        self.made: dict[Any, Any] = {}  # what ops made here before, to be used again
        self.around: GraphBuilder | None = None  # of a graph inside of another: that one's
        self.outside: dict[Value, Any] = {}  # its inputs' values there, or an array

    def add_input(self, spec: Spec, name: str = "") -> Value:
        value = Value(spec, None, len(self.inputs), name)
        self.inputs.append(value)
        return value

    def add(
        self,
        op: Op,
        inputs: Iterable[Value],
        attrs: Attrs,
        specs: Iterable[Spec] | None = None,
        **more: Any,
    ) -> Node:
        """Append a node; specs are inferred (and misuse raises) unless given."""
        inputs = tuple(inputs)
        if specs is None:
            specs = op.specs([v.spec for v in inputs], attrs)
        if self.place is not None and self.place.scope:
            more.setdefault("scope", self.place.scope)
        node = Node(op, inputs, attrs, specs, self.line or user_line(), **more)
        self.nodes.append(node)
        self.follow_sizes(node)
        return node

    def constant(self, array: Array) -> Value:
        """A node of a fixed array; equal small ones are shared."""
        key = (
            (array.shape, array.dtype.str, array.tobytes())
            if array.size <= 16 and array.dtype != object
            else None
        )
        found = self._constants.get(key) if key else None
        if found is not None:
            return found
        value = self.add(constant_op, (), {"value": array}).output
        if key:
            self._constants[key] = value
        return value

    def sizes(self, sizes: Array, dtype: Any) -> Value:
        """A small integer array of sizes that may be symbolic."""
        attrs = {"sizes": tuple(sizes.reshape(-1)), "shape": sizes.shape, "dtype": dtype}
        return self.add(sizes_op, (), attrs).output

    def bind(self, value: Value) -> Value:
        """value, small and of integers, with symbols for its elements that shapes may be made of.

        They are the same symbols whenever value is bound again, and none that inputs or nodes of
        this builder, or of those around it, have already.
        """
        found = self._bound.get(value)
        if found is None:
            builder, names = self, list(_run_time_names(self.inputs, self.nodes))
            while builder.around is not None:
                builder = builder.around
                names += _run_time_names(builder.inputs, builder.nodes)
            taken = [int(n[1:]) for n in names] + [builder.bound]
            first, size = max(taken) + 1, value.spec.size
            assert isinstance(size, int)
            builder.bound = first + size - 1
            made = tuple(Dim.symbol(f"{RUN_TIME}{first + k}") for k in range(size))
            found = self._bound[value] = self.add(bind_op, (value,), {"symbols": made}).output
        return found

    @staticmethod
    def follow_sizes(node: Node) -> None:
        """Compute small integers of known content now, symbols too: what shapes are made of."""
        if node.op.effect or node.subgraphs:
            return
        for v in node.outputs:
            if not v.spec.dtype.is_integer:
                return
            size = v.spec.size
            if not isinstance(size, int) or size > SMALL:
                return
        if node.op is constant_op:
            node.output.content = np.asarray(node.attrs["value"]).astype(object)
        elif node.op is bind_op:
            content = np.empty(len(_symbols(node)), object)
            content[:] = _symbols(node)
            node.output.content = content.reshape(node.output.spec.shape)
        elif node.op is sizes_op:
            content = np.empty(len(node.attrs["sizes"]), object)
            content[:] = node.attrs["sizes"]
            node.output.content = content.reshape(node.attrs["shape"])
        elif node.inputs:
            contents = [v.content for v in node.inputs if v.content is not None]
            if len(contents) == len(node.inputs):
                for v, a in zip(node.outputs, _followed(node, contents), strict=False):
                    v.content = a if a.shape == v.spec.shape else None

    def freeze(self, outputs: Iterable[Value]) -> Graph:
        """The graph so far."""
        return Graph(
            tuple(self.inputs), tuple(self.nodes), tuple(outputs), dict(self.captures), self.name
        )


def _followed(node: Node, contents: list[Array]) -> list[Array]:
    """The outputs of a node on these integers and sizes; [] where its reference cannot say."""
    specs = [v.spec for v in node.outputs]
    symbolic = any(isinstance(n, Dim) for a in contents for n in a.flat)
    try:
        with np.errstate(all="ignore"):
            if not symbolic:  # in the inputs' own dtypes: integers wrap as they will at run time
                arrays = [
                    a.astype(v.spec.dtype.numpy) for a, v in zip(contents, node.inputs, strict=True)
                ]
                return [a.astype(object) for a in node.op.run(arrays, specs, node.attrs)]
            got = node.op.reference(*contents, **node.attrs)
    except Exception:  # references are written for numbers: what they cannot do stays unknown
        return []
    return [np.asarray(a, object) for a in (got if isinstance(got, tuple) else (got,))]


def _run_time_names(inputs: Iterable[Value], nodes: Iterable[Node]) -> Iterator[str]:
    """The names of run-time sizes that inputs have and nodes bind, also those inside of nodes."""
    for v in inputs:
        yield from (n for n in v.spec.symbols() if n.startswith(RUN_TIME))
    for node in nodes:
        yield from bound_symbols(node)
        for inner in node.subgraphs:
            yield from _run_time_names(inner.inputs, inner.nodes)


def _symbols(bind: Node) -> tuple[Dim, ...]:
    """The symbols that a node of bind_op gives numbers to."""
    return bind.attrs["symbols"]  # type: ignore[no-any-return]


def bound_symbols(node: Node) -> tuple[str, ...]:
    """The names of the sizes that a node binds; () unless it is of bind_op."""
    return tuple(map(str, _symbols(node))) if node.op is bind_op else ()


def named_symbols(node: Node) -> set[str]:
    """The names of all sizes in the shapes and attributes of a node, apart from those it binds."""
    if node.op is bind_op:
        return set(node.output.spec.symbols())
    return set().union(*(v.spec.symbols() for v in node.outputs), *map(symbols, _dims(node.attrs)))


def _dims(x: Any) -> Iterator[Dim]:
    """The symbolic sizes in attributes, however deep."""
    if isinstance(x, Dim):
        yield x
    elif isinstance(x, dict):
        for v in x.values():
            yield from _dims(v)
    elif isinstance(x, Graph):
        yield from map(Dim.symbol, sorted(free_symbols(x)))
    elif isinstance(x, tuple | list):
        for v in x:
            yield from _dims(v)


def free_symbols(graph: Graph) -> set[str]:
    """The names of the sizes that a graph inside of another takes from there: those that no axis of
    its inputs is by itself. An axis of n - 1 elements tells none that there are n."""
    axes = {str(n) for v in graph.inputs for n in v.spec.shape}
    bound = graph.symbols() & axes
    names = graph.symbols() - axes
    for node in graph.nodes:
        names |= named_symbols(node) - bound
        bound.update(bound_symbols(node))
    return names


_fresh = itertools.count()


def fresh_name(prefix: str) -> str:
    """A name no other value of this process has."""
    return f"{prefix}{next(_fresh)}"
