"""A graph that runs compiled, and that tapes can differentiate, as often as they like.

`CompiledGraph(graph, compile)` is called with eager tensors for the graph's inputs. If no tape
watches any of them, nor a variable that the graph reads, it just runs. If one does, it runs a
*forward* graph, which gives some intermediate values too (residuals), and the tapes note one
record:

    inputs:  the graph's inputs, and the values of the variables it reads
    outputs: the graph's outputs, and the residuals
    vjp:     calls the *pullback*: a CompiledGraph from cotangents and residuals to gradients

The pullback is called like any other, so a tape around it differentiates it again; the residuals
being outputs of the record, a second derivative finds its way through them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from numflow.eager.apply import eager, tapes
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import GraphError, InternalError, explain
from numflow.gradient.vjp import Gradient, Record, backward, differentiable
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import (
    Graph,
    GraphBuilder,
    Node,
    Value,
    bind_op,
    bound_symbols,
    constant_op,
    has_effect,
    named_symbols,
    sizes_op,
)
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.lowering import View
from numflow.graph.op import Backward, Op, current, interpreting
from numflow.graph.tensor import Tensor
from numflow.graph.watching import version
from numflow.ops.indexed_slices import add_gradients
from numflow.ops.state import read_op
from numflow.shapes import symbols
from numflow.trace.tracer import Capturing


class Runnable(Protocol):
    """What compiling a graph gives."""

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """The outputs for arrays, one for each input of the graph."""

    def plan(self, arrays: Sequence[Array]) -> object:
        """What a call for arrays of these shapes needs; it is kept."""


Compile = Callable[[Graph], Runnable]


def _call_infer(*_: Any, **__: Any) -> Any:
    raise GraphError("a compiled call is recorded by tapes only")


def _call_vjp(g: Backward) -> Sequence[Gradient | None]:
    called: CompiledGraph = g.attrs["called"]
    return called.pull_back(g)


call_op = Op("compiled_call", _call_infer, _call_infer, _call_vjp)


class CompiledGraph:
    """A graph as something to call."""

    def __init__(self, graph: Graph, compile: Compile) -> None:
        self.graph = graph
        self._compile = compile
        self._plain: Runnable | None = None
        self._forwards: dict[tuple[bool, ...], _Forward] = {}
        self._pullbacks: dict[Any, _Pullback] = {}
        self._version = version()
        self._recording = False  # whether a tape watched already
        self._put: Any = None  # by then what puts ops of whole sequences into records
        self.reads = tuple(n.output for n in graph.nodes if n.op is read_op)
        self.read_variables = tuple(n.attrs["variable"] for n in graph.nodes if n.op is read_op)

    def plain(self) -> Runnable:
        """The compiled graph, without residuals."""
        self._forget_old()
        if self._plain is None:
            self._plain = self._compile(self.graph)
        return self._plain

    def _forget_old(self) -> None:
        """Drop programs that were made for other watchers (graph/watching.py)."""
        if self._version != version():
            self._version = version()
            self._plain = None
            self._forwards, self._pullbacks = {}, {}

    def __call__(self, inputs: Sequence[EagerTensor]) -> list[EagerTensor]:
        """The outputs."""
        if tapes.items and self._watched(inputs):
            return self._recorded(inputs)
        return [EagerTensor(a) for a in self.plain()([t._array for t in inputs])]

    def _watched(self, inputs: Sequence[EagerTensor]) -> bool:
        return any(
            any(tape.watches(t) for t in inputs)
            or any(tape.would_watch(v) for v in self.read_variables)
            for tape in tapes.items
        )

    # --- forward, with a record ---

    def _recorded(self, inputs: Sequence[EagerTensor]) -> list[EagerTensor]:
        if not self._recording:
            self._find_sequences()
            self._recording = True
        reads = [v._as_tensor() for v in self.read_variables]  # tapes note that they are read
        sources = (*inputs, *reads)
        needed = tuple(
            differentiable(t) and any(tape.watches(t) for tape in tapes.items) for t in sources
        )
        self._forget_old()
        forward = self._forwards.get(needed)
        if forward is None:
            forward = self._forwards[needed] = self._make_forward(needed)
        arrays = forward.run([t._array for t in inputs])
        outputs = tuple(EagerTensor(a) for a in arrays)
        attrs = {"called": self, "forward": forward}
        record = Record(call_op, sources, outputs, attrs)
        for tape in tapes.items:
            tape.record(record)
        return list(outputs[: len(self.graph.outputs)])

    def _find_sequences(self) -> None:
        """Let gradients be those of the ops of whole sequences, where steps are written out."""
        from numflow.passes.unrolled_cells import extended  # passes load with the first trace

        self.graph, self._put = extended(self.graph)

    def _make_forward(self, needed: tuple[bool, ...]) -> _Forward:
        """The graph with those values as further outputs that its gradient needs."""
        asked = tuple(_floating(v) for v in self.graph.outputs)
        joint = self._differentiate(asked, needed, self.graph.outputs)
        own = set(self.graph.nodes)
        leaves = {*self.graph.inputs, *self.reads, *self.graph.outputs}
        residuals: dict[Value, None] = {}
        for node in joint.nodes:
            for v in node.inputs:
                _note_residuals(v, own, leaves, residuals)
        for result in joint.outputs:
            for v in result:
                _note_residuals(v, own, leaves, residuals)
        residuals |= dict.fromkeys(_bound_for(joint.nodes, self.graph))
        graph = self.graph
        extended = Graph(
            graph.inputs, graph.nodes, (*graph.outputs, *residuals), graph.captures, graph.name
        )
        return _Forward(self._compile(extended) if residuals else self.plain(), extended.outputs)

    # --- backward ---

    def pull_back(self, g: Backward) -> Sequence[Gradient | None]:
        """Cotangents of the outputs of a record -> those of its inputs."""
        if current() is not eager:
            raise GraphError(
                explain(
                    "GradientTape",
                    "a tape from outside is used while a function is traced",
                    fix="open the tape in the function, or take the gradient outside of it",
                )
            )
        forward: _Forward = g.attrs["forward"]
        given = tuple(ct is not None for ct in g.cts)
        # only the values of variables may have gradients that are slices
        sparse = tuple(k >= len(self.graph.inputs) and s for k, s in enumerate(g.sparse))
        key = (given, g.needed, sparse, forward.outputs)
        pullback = self._pullbacks.get(key)
        if pullback is None:
            pullback = self._make_pullback(given, g.needed, sparse, forward.outputs)
            self._pullbacks[key] = pullback
        tensors: list[Any] = [ct for ct in g.cts if ct is not None]
        known = (*g.inputs, *g.outputs)
        tensors += [known[k] for k in pullback.residuals]
        found = pullback.called(tensors)
        grads: list[Gradient | None] = [None] * len(g.inputs)
        parts = iter(found)
        for k, count in pullback.targets:
            first = next(parts)
            shape = g.inputs[k].spec.shape
            grads[k] = first if count == 1 else IndexedSlices.of(first, next(parts), shape)
        return grads

    def _make_pullback(
        self,
        given: tuple[bool, ...],
        needed: tuple[bool, ...],
        sparse: tuple[bool, ...],
        outputs: tuple[Value, ...],
    ) -> _Pullback:
        joint = self._differentiate(given, needed, outputs, sparse)
        known = (*self.graph.inputs, *self.reads, *outputs)
        position = {v: k for k, v in reversed(list(enumerate(known)))}
        builder = GraphBuilder(f"gradient of {self.graph.name}")
        new: dict[Value, Value] = {}
        for k, v in enumerate(joint.cts):
            new[v] = builder.add_input(v.spec, f"ct {k}")
        residuals: list[int] = []
        fresh = set(joint.nodes)

        def take(v: Value) -> None:
            """Let v be known in the new graph: as an input, or computed there."""
            if v in new:
                return
            if v in position and not _free(v):
                residuals.append(position[v])
                new[v] = builder.add_input(v.spec, f"residual {len(residuals)}")
                return
            node = v.node
            assert node is not None
            if node.op.effect and node not in fresh:
                raise InternalError(explain(node.op.name, "cannot be repeated for a gradient"))
            for x in node.inputs:
                take(x)
            builder.line = node.line
            copy = builder.add(
                node.op,
                [new[x] for x in node.inputs],
                node.attrs,
                [y.spec for y in node.outputs],
                name=node.name,
            )
            new.update(zip(node.outputs, copy.outputs, strict=True))

        for node in joint.nodes:
            for v in node.outputs:
                take(v)
            if not node.outputs:  # a rule that prints
                for v in node.inputs:
                    take(v)
                builder.line = node.line
                builder.add(node.op, [new[v] for v in node.inputs], node.attrs, (), name=node.name)
        targets = [(k, len(parts)) for k, parts in enumerate(joint.outputs) if parts]
        results = [v for parts in joint.outputs for v in parts]
        for v in results:
            take(v)
        bound = _bare_symbols(builder.inputs)
        for v in self.graph.inputs:  # an input for each size that no other one shows
            if _bare_symbols([v]) - bound:
                take(v)
                bound |= _bare_symbols([v])
        for v in _bound_for(builder.nodes, self.graph):  # sizes that depend on values
            assert v.node is not None
            if not bound.issuperset(bound_symbols(v.node)):
                take(v)
                bind = Node(bind_op, (new[v],), v.node.attrs, [v.spec], v.node.line)
                builder.follow_sizes(bind)
                builder.nodes.insert(0, bind)
        graph = builder.freeze([new[v] for v in results])
        return _Pullback(CompiledGraph(graph, self._compile), residuals, targets)

    def _differentiate(
        self,
        given: tuple[bool, ...],
        needed: tuple[bool, ...],
        outputs: Sequence[Value],
        sparse: tuple[bool, ...] = (),
    ) -> _Joint:
        """The nodes of the gradient: what one would put behind those of the graph.

        sparse: for which of the sources the gradient may be slices.
        """
        graph = self.graph
        builder = GraphBuilder(graph.name)
        builder.inputs, builder.nodes = list(graph.inputs), list(graph.nodes)
        building = _Continuing(builder)
        tensor = building.tensor
        targets = [v for v, g in zip(outputs, given, strict=False) if g]
        cts = [builder.add_input(v.spec, "ct") for v in targets]
        sources = [v for v, n in zip((*graph.inputs, *self.reads), needed, strict=True) if n]
        records = [
            Record(
                n.op, tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs)), n.attrs, n.line
            )
            for n in graph.nodes
            if n.outputs
        ]
        all_sources = (*graph.inputs, *self.reads)
        rows = {id(tensor(v)) for v, s in zip(all_sources, sparse, strict=False) if s}
        with interpreting(building):
            found = iter(
                backward(
                    self._put(records, tensor),
                    list(map(tensor, targets)),
                    list(map(tensor, cts)),
                    list(map(tensor, sources)),
                    add_gradients,
                    rows,
                )
            )
        results = [_parts(next(found)) if n else () for n in needed]
        wanted = [v for parts in results for v in parts]
        return _Joint(_live(builder.nodes[len(graph.nodes) :], wanted), cts, results)


class _Continuing(Capturing):
    """Appends to the nodes of a finished graph; the tensors for its values are its own.

    Gradient rules of users (custom_gradient) bring tensors of the trace along: they stand for
    values of this graph too. Tensors that have a value become constants.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        super().__init__(builder)
        self._tensors: dict[Value, SymbolicTensor] = {}
        self._known = {*builder.inputs, *(v for n in builder.nodes for v in n.outputs)}

    def value(self, tensor: Tensor) -> Value:
        if isinstance(tensor, SymbolicTensor) and tensor.value in self._known:
            return tensor.value
        return super().value(tensor)

    def capture(self, tensor: Tensor) -> Tensor:
        """A tensor of outside as one of this graph."""
        if isinstance(tensor, EagerTensor):
            return self.constant(tensor._array)
        return self.tensor(self.value(tensor))

    def tensor(self, value: Value) -> SymbolicTensor:
        found = self._tensors.get(value)
        if found is None:
            found = self._tensors[value] = SymbolicTensor(value, self.builder)
        return found

    def read(self, variable: Any) -> Tensor:
        """The value of variable that the graph has read: rules of users may ask again."""
        for n in self.builder.nodes:
            if n.op is read_op and n.attrs["variable"] is variable:
                return self.tensor(n.output)
        raise self._unknown(f"reads variable {variable.name}, which the function does not")

    def assign(self, variable: Any, value: Tensor) -> None:
        """Raises: a gradient changes nothing."""
        raise self._unknown(f"assigns to variable {variable.name}")

    def _unknown(self, problem: str) -> GraphError:
        return GraphError(
            explain("custom_gradient", f"the gradient of {self.builder.name} {problem}")
        )


class _Joint:
    """nodes: of the gradient only. outputs of each source: the gradient, or values and indices."""

    def __init__(
        self, nodes: list[Node], cts: list[Value], outputs: list[tuple[Value, ...]]
    ) -> None:
        self.nodes, self.cts, self.outputs = nodes, cts, outputs


class _Forward:
    """outputs: the graph's, then the residuals."""

    def __init__(self, run: Runnable, outputs: tuple[Value, ...]) -> None:
        self.run, self.outputs = run, outputs


class _Pullback:
    """residuals: numbers of a record's inputs and outputs.

    targets: numbers of a record's inputs, and how many outputs each has.
    """

    def __init__(
        self, called: CompiledGraph, residuals: list[int], targets: list[tuple[int, int]]
    ) -> None:
        self.called, self.residuals, self.targets = called, residuals, targets


def _floating(v: Value) -> bool:
    return v.spec.dtype.is_floating or v.spec.dtype.is_complex


def _parts(t: Gradient | None) -> tuple[Value, ...]:
    """What a gradient is made of: nothing, itself, or values and indices."""
    if t is None:
        return ()
    parts: list[Value] = []
    for x in (t.values, t.indices) if isinstance(t, IndexedSlices) else (t,):
        assert isinstance(x, SymbolicTensor)
        parts.append(x.value)
    return tuple(parts)


def _live(nodes: list[Node], results: Sequence[Value | None]) -> list[Node]:
    """Those of the nodes that results depend on."""
    wanted = {v for v in results if v is not None}
    binds = any(node.op is bind_op for node in nodes)
    sizes: set[str] = set()
    kept: list[Node] = []
    for node in reversed(nodes):
        binding = binds and not sizes.isdisjoint(bound_symbols(node))
        if binding or has_effect(node) or any(v in wanted for v in node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
            if binds:
                sizes |= named_symbols(node)
    return kept[::-1]


def _free(v: Value) -> bool:
    """Whether computing v again costs nothing: a constant, or sizes."""
    return v.node is not None and v.node.op in (constant_op, sizes_op)


def _note_residuals(
    v: Value, own: set[Node], leaves: set[Value], residuals: dict[Value, None]
) -> None:
    """Add what must be kept for v to be known later: v, or what it is a mere view of."""
    if v in leaves or v.node is None or v.node not in own or _free(v):
        return
    if isinstance(v.node.op.lower, View):
        for x in v.node.inputs:
            _note_residuals(x, own, leaves, residuals)
    else:
        residuals[v] = None


def _bound_for(nodes: Sequence[Node], graph: Graph) -> list[Value]:
    """The values of graph whose elements are sizes of nodes."""
    binds = [n for n in graph.nodes if n.op is bind_op]
    if not binds:
        return []
    wanted = set().union(*map(named_symbols, nodes))
    return [n.output for n in binds if not wanted.isdisjoint(bound_symbols(n))]


def _bare_symbols(inputs: Sequence[Value]) -> set[str]:
    """The symbols that are sizes of these inputs as they are, so that their shapes tell them."""
    return {str(n) for v in inputs for n in v.spec.shape if symbols(n) == {str(n)}}
