"""Ops that build: SymbolicTensor, the interpreter that appends nodes, and `rebuild` for passes."""

from __future__ import annotations

import linecache
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn
from weakref import WeakSet

import numpy as np

from numflow import dtypes
from numflow.errors import SourceLine, SymbolicTensorError, explain, is_own_file
from numflow.graph.graph import Graph, GraphBuilder, Node, Value
from numflow.graph.op import Array, Attrs, Op, interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.shapes import Shape, UnknownSizeError, as_number

WATCHED = "watched"
"""Of a builder's `made`: values by which derivatives are asked."""
REMADE = "remade"
"""The same: constants that a branch or a loop has made again: nothing leads back to them."""


class SymbolicTensor(Tensor):
    """Stands for a value of a graph that is being built."""

    __slots__ = ("assign", "builder", "value")
    assign: Any
    """Of a part of a variable only (eager/variable_slices.py)."""

    def __init__(self, value: Value, builder: GraphBuilder) -> None:
        self.value, self.builder = value, builder

    @property
    def spec(self) -> Spec:
        return self.value.spec

    @property
    def content(self) -> Array | None:
        """Its elements, where they are sizes or constants known while tracing."""
        return self.value.content

    @property
    def name(self) -> str:
        node = self.value.node
        made = f"{node.scope}{node.op.name}" if node else "input"
        return self.value.name or f"{made}:{self.value.index}"

    @property
    def value_index(self) -> int:
        """Which output of its node it is."""
        return self.value.index if self.value.node is not None else 0

    @property
    def op(self) -> Operation:
        """What makes it; of an argument of the trace an operation of type "Placeholder"."""
        node = self.value.node
        name = self.name.rpartition(":")[0] or self.name
        return Operation(name, () if node is None else (node,), self.builder, (self,))

    @property
    def graph(self) -> GraphBuilder:
        """The graph that is being built: the same object for all tensors of a trace."""
        return self.builder

    def consumers(self) -> list[Operation]:
        """The operations that take it, so far."""
        takers = [n for n in self.builder.nodes if self.value in n.inputs]
        return [Operation(f"{n.scope}{n.op.name}", (n,), self.builder) for n in takers]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Raises: it has no value."""
        raise self._no_value("eval needs one", "return it from the function")

    def set_shape(self, shape: Any) -> None:
        """As of every tensor; sizes that depend on values are these from now on.

        When the program runs it is refused where they are others.
        """
        super().set_shape(shape)
        dims = getattr(shape, "dims", shape)
        if dims is None:
            return
        sizes = zip(dims, self.spec.shape, strict=True)
        exact = tuple(have if (n := getattr(d, "value", d)) is None else n for d, have in sizes)
        fitted = None if exact == self.spec.shape else _fitting[0](self, exact)
        if fitted is not None:
            self.value.tensor = None
            self.value = fitted.value
            self.value.tensor = self

    def _undefined(self, what: str) -> AttributeError:
        return AttributeError(f"Tensor.{what} is undefined while nf.function traces.")

    def _no_value(self, what: str, fix: str) -> SymbolicTensorError:
        line = self.value.node.line if self.value.node else None
        made = {"tensor": self.spec, "made at": line} if line else {"tensor": self.spec}
        return SymbolicTensorError(
            explain("function", f"a tensor of a trace has no value yet: {what}", made, fix)
        )

    def numpy(self) -> Any:
        """Raises: it has no value."""
        raise self._no_value(
            "it cannot become a NumPy array", "return it from the function and look there"
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._no_value(
            "it cannot become a NumPy array", "use numflow's functions in place of NumPy's"
        )

    def __bool__(self) -> bool:
        raise self._no_value(
            "`if`, `while`, `and`, `or`, `not` need one, in code that is not converted",
            "nf.where or nf.cond; or let it be converted: a function with a source, called in an "
            "nf.function with autograph=True, without do_not_convert",
        )

    def __float__(self) -> float:
        raise self._no_value("float() needs one", "keep it a tensor")

    def __int__(self) -> int:
        return self._known("int()")

    def __index__(self) -> int:
        return self._known("an index or range() needs one")

    def _known(self, what: str) -> int:
        if self.content is not None and self.content.size == 1:
            return int(self.content.reshape(-1)[0])  # a symbolic size raises UnknownSizeError
        raise self._no_value(what, "keep it a tensor")

    def __len__(self) -> int:
        if not self.spec.shape:
            raise TypeError("Scalar tensor has no `len()`")
        return as_number(self.spec.shape[0], "len")

    def __iter__(self) -> Iterator[Tensor]:
        # Without it Python would ask for item after item, and an unknown size has no last one.
        return iter([self[i] for i in range(len(self))])

    def __reduce__(self) -> NoReturn:
        """Raises: it has no value to keep, nor to copy."""
        raise self._no_value("it can be neither pickled nor deeply copied", "nf.identity(x)")

    def __copy__(self) -> SymbolicTensor:
        return self

    def __str__(self) -> str:
        _say_of_print(sys._getframe(1))
        return f'Tensor("{self.name}", shape={self.shape}, dtype={self.dtype.name})'

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


_printed: set[tuple[str, int]] = set()  # lines that were warned of


def keep_watched(tensor: Tensor) -> None:
    """Take note that derivatives are asked by it: branches and loops must not make it again."""
    if isinstance(tensor, SymbolicTensor):
        tensor.builder.made.setdefault(WATCHED, WeakSet()).add(tensor.value)


def _say_of_print(frame: FrameType) -> None:
    """Warn, once per line, that print() shows a tensor of a trace, and not its values."""
    file, line = frame.f_code.co_filename, frame.f_lineno
    if is_own_file(file) or (file, line) in _printed:
        return
    if "print(" not in linecache.getline(file, line):
        return
    _printed.add((file, line))
    where = SourceLine(file, line, frame.f_code.co_name)
    text = explain(
        "print",
        "it shows a tensor of a trace, which has no value yet, and only while tracing",
        fix="nf.print, which runs at each call",
        line=where,
    )
    warnings.warn_explicit(text, UserWarning, file, line)


Agreement = Callable[[Op, Sequence[Tensor], Attrs], "Sequence[Tensor] | None"]
_agreement: list[Agreement] = [lambda op, inputs, attrs: None]


def set_agreement(agreement: Agreement) -> None:
    """What makes run-time sizes one with the sizes they meet: ops/run_time.py."""
    _agreement[:] = [agreement]


Fitting = Callable[[SymbolicTensor, Shape], "SymbolicTensor | None"]
_fitting: list[Fitting] = [lambda tensor, shape: None]


def set_fitting(fitting: Any) -> None:
    """What gives a tensor a shape that it may turn out to have: ops/run_time.py."""
    _fitting[:] = [fitting]


class Operation:
    """Nodes of a trace, as users name them: what makes a tensor, or what runs for its effect.

    name: of the nodes' op. nodes: none for `no_op` and for arguments of the trace.
    builder, made: where they stand, and the tensors that an argument is.
    """

    __slots__ = ("_builder", "_made", "name", "nodes")

    def __init__(
        self,
        name: str,
        nodes: Iterable[Node] = (),
        builder: GraphBuilder | None = None,
        made: tuple[SymbolicTensor, ...] = (),
    ) -> None:
        self.name, self.nodes = name, tuple(nodes)
        self._builder, self._made = builder, made

    @property
    def type(self) -> str:
        """The name of the op."""
        if self.nodes:
            return self.nodes[0].op.name
        return "Placeholder" if self._made else "no_op"

    @property
    def graph(self) -> GraphBuilder | None:
        """The graph that is being built."""
        return self._builder

    @property
    def device(self) -> str:
        """Where it was asked to run; empty if nowhere."""
        return self.nodes[0].device if self.nodes else ""

    @property
    def inputs(self) -> tuple[SymbolicTensor, ...]:
        """The tensors that it takes."""
        return tuple(self._tensor(v) for n in self.nodes for v in n.inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The tensors that it makes."""
        return [self._tensor(v) for n in self.nodes for v in n.outputs] or list(self._made)

    @property
    def control_inputs(self) -> list[Operation]:
        """The operations that must run before it, beside those whose tensors it takes."""
        before = dict.fromkeys(c for n in self.nodes for c in n.control_inputs)
        return [Operation(f"{n.scope}{n.op.name}", (n,), self._builder) for n in before]

    def values(self) -> tuple[SymbolicTensor, ...]:
        """The same as `outputs`."""
        return tuple(self.outputs)

    def get_attr(self, name: str) -> Any:
        """An attribute of the op.

        Raises:
          ValueError: it has none of that name.
        """
        for node in self.nodes:
            if name in node.attrs:
                return node.attrs[name]
        raise ValueError(f"operation {self.name!r} of type {self.type} has no attribute {name!r}")

    def _tensor(self, value: Value) -> SymbolicTensor:
        if value.tensor is None:
            assert self._builder is not None
            value.tensor = SymbolicTensor(value, self._builder)
        return value.tensor  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Operation)
            and self.nodes == other.nodes
            and [t.value for t in self._made] == [t.value for t in other._made]
        )

    def __hash__(self) -> int:
        return hash(self.nodes)

    def __repr__(self) -> str:
        return f"<nf.Operation '{self.name}' type={self.type}>"


class Building:
    """The interpreter that appends a node per op. The tracer's does the same, and captures."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder

    def tensor(self, value: Value) -> SymbolicTensor:
        """The one tensor that stands for value."""
        if value.tensor is None:
            value.tensor = SymbolicTensor(value, self.builder)
        return value.tensor  # type: ignore[no-any-return]

    def value(self, tensor: Tensor) -> Value:
        """The value of this builder that tensor stands for."""
        if isinstance(tensor, SymbolicTensor) and tensor.builder is self.builder:
            return tensor.value
        raise SymbolicTensorError(f"{tensor!r} belongs to another graph")

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        try:
            node = self.builder.add(op, [self.value(t) for t in inputs], attrs)
        except UnknownSizeError:
            agreed = _agreement[0](op, [self.tensor(self.value(t)) for t in inputs], attrs)
            if agreed is None:
                raise
            node = self.builder.add(op, [self.value(t) for t in agreed], attrs)
        return tuple(self.tensor(v) for v in node.outputs)

    def constant(self, array: Array) -> Tensor:
        return self.tensor(self.builder.constant(array))

    def sizes(self, sizes: Sequence[Any], dtype: dtypes.DType) -> Tensor:
        """A 1-D tensor of sizes."""
        content = np.empty(len(sizes), object)
        content[:] = list(sizes)
        if all(type(n) is int for n in sizes):
            return self.constant(content.astype(dtype.numpy))
        return self.tensor(self.builder.sizes(content, dtype))


Rule = Callable[[Node, tuple[SymbolicTensor, ...]], "Sequence[Tensor] | Tensor | None"]
Wants = Callable[[Node], bool]


class Rebuilding(Building):
    """The interpreter of a pass: what its rule makes of a node is appended in the node's place.

    It keeps its own tensors: nodes that a pass leaves alone belong to several graphs.
    """

    def __init__(self, builder: GraphBuilder, rule: Rule, again: bool, wants: Wants | None) -> None:
        super().__init__(builder)
        self._rule, self._again, self._wants = rule, again, wants
        self.scope = ""  # of the node that is being replaced
        self._tensors: dict[Value, SymbolicTensor] = {}

    def tensor(self, value: Value) -> SymbolicTensor:
        found = self._tensors.get(value)
        if found is None:
            found = self._tensors[value] = SymbolicTensor(value, self.builder)
        return found

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        values = tuple(self.value(t) for t in inputs)
        specs = op.specs([v.spec for v in values], attrs)
        node = Node(op, values, attrs, specs, self.builder.line, scope=self.scope)
        self.builder.follow_sizes(node)
        if self._again and (self._wants is None or self._wants(node)):
            made = self.replacement(node)
            if made is not None:
                return made
        self.builder.nodes.append(node)
        return tuple(map(self.tensor, node.outputs))

    def replacement(self, node: Node) -> tuple[Tensor, ...] | None:
        """What the rule makes of node; None: it stays, and is to be appended."""
        got = self._rule(node, tuple(map(self.tensor, node.inputs)))
        return (got,) if isinstance(got, Tensor) else None if got is None else tuple(got)


def rebuild(
    graph: Graph,
    rule: Rule,
    outputs: Sequence[Value] | None = None,
    again: bool = False,
    wants: Wants | None = None,
) -> Graph:
    """A graph in which each node is what `rule(node, its new inputs)` makes of it; None keeps it.

    The rule runs with a Rebuilding interpreter in force: it calls ops, and may return inputs as
    they are. again: what it makes is offered to it too, node by node, so it must lead downhill.
    wants: a quick look; the rule is asked only for nodes of which it is true.
    Nodes that stay as they are belong to both graphs; a pass that changes nothing returns `graph`.
    """
    builder = GraphBuilder(graph.name)
    builder.inputs, builder.captures = list(graph.inputs), dict(graph.captures)
    building = Rebuilding(builder, rule, again, wants)
    new: dict[Value, Value] = {}  # of values that changed
    moved: dict[Node, Node] = {}  # of nodes that changed
    with interpreting(building):
        for node in graph.nodes:
            copy = with_inputs(node, new, moved) if moved else node
            if wants is None or wants(copy):
                builder.line, building.scope = node.line, node.scope
                made = building.replacement(copy)
                if made is not None:
                    values = [building.value(t) for t in made]
                    new.update(zip(node.outputs, values, strict=True))
                    moved[node] = next((v.node for v in values if v.node is not None), copy)
                    continue
            builder.nodes.append(copy)
            if copy is not node:
                moved[node] = copy
                new.update(zip(node.outputs, copy.outputs, strict=True))
    results = tuple(new.get(v, v) for v in (graph.outputs if outputs is None else outputs))
    if tuple(builder.nodes) == graph.nodes and results == graph.outputs:
        return graph
    return builder.freeze(results)


def with_inputs(node: Node, new: Mapping[Value, Value], moved: Mapping[Node, Node]) -> Node:
    """node itself where nothing that it follows changed, else a copy that follows the new.

    new: the values that changed; moved: the nodes that did.
    """
    inputs = node.inputs
    for v in inputs:
        if v in new:
            inputs = tuple([new.get(v, v) for v in inputs])  # lists: half the time of generators
            break
    followed = node.control_inputs
    if followed:
        followed = tuple([moved.get(n, n) for n in followed])
    if inputs is node.inputs and followed == node.control_inputs:
        return node
    return node.following(inputs, followed)
