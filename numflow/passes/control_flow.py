"""Branches and loops, looked at from around them: what is inside, and what they hand on.

    inline    a branch that is chosen already, or has no alternative, becomes part of the graph
    trim      loop variables that nobody wants go, and those that never change become captured;
              so do results of branches, and what neither reads
    hoist     what a body computes from captured values alone is computed once, in front

Before                                          After
  %2, %3 = while_loop(%0, %1)                     %2 = exp(%1)
    graph(%0: i32[], %1: f32[])                   %3, %4 = while_loop(%0, %2)
      ...                                           ...
      %2 = exp(%1)

Why: gradients write branches without an alternative, count iterations that nobody counts, and walk
     back to variables that no one differentiates for; user code computes in a loop what it might
     have computed before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numflow.graph.building import SymbolicTensor, rebuild, with_inputs
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
from numflow.graph.lowering import Assemble, Elementwise, Library, Reduction, View
from numflow.graph.op import Attrs, current
from numflow.graph.tensor import Tensor
from numflow.ops.control import cond_op, while_op
from numflow.passes.dead_code import dead_code
from numflow.passes.same_loop import same_loop

Inner = Callable[[Graph], Graph]


def control_flow(graph: Graph, inner: Inner) -> Graph:
    """The graph with its branches and loops made ready; inner: what is done to graphs inside."""
    if not any(node.subgraphs for node in graph.nodes):
        return graph
    graph = trim(inline(same_loop(graph)))
    graph = _inside(trim(graph), inner)
    return trim(hoist(graph))


def _inside(graph: Graph, inner: Inner) -> Graph:
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        copy = with_inputs(node, new, moved)
        if node.subgraphs:
            graphs = tuple(map(inner, node.subgraphs))
            if any(a is not b for a, b in zip(graphs, node.subgraphs, strict=True)):
                copy = _node(copy, copy.inputs, graphs)
        if copy is not node:
            moved[node] = copy
            new.update(zip(node.outputs, copy.outputs, strict=True))
        nodes.append(copy)
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)


def _node(node: Node, inputs: Sequence[Value], graphs: tuple[Graph, ...]) -> Node:
    """The node with other inputs, and other graphs inside."""
    attrs: Attrs = {**node.attrs, "graphs": graphs}
    specs = node.op.specs([v.spec for v in inputs], attrs)
    return Node(
        node.op,
        tuple(inputs),
        attrs,
        specs,
        node.line,
        name=node.name,
        scope=node.scope,
        device=node.device,
        control_inputs=node.control_inputs,
    )


# --- inline ------------------------------------------------------------------


def inline(graph: Graph) -> Graph:
    """An equal graph without branches that are known to be taken."""
    return rebuild(graph, _inline)


def _inline(node: Node, inputs: tuple[SymbolicTensor, ...]) -> Sequence[Tensor] | None:
    if node.op is not cond_op:
        return None
    graphs, at = node.subgraphs, 0
    index = node.inputs[0].node
    if index is not None and index.op is constant_op:
        at = int(index.attrs["value"])
    elif len(graphs) > 1:
        return None
    chosen = graphs[at] if 0 <= at < len(graphs) else graphs[-1]
    return placed(chosen, inputs[1:])


def placed(graph: Graph, inputs: Sequence[SymbolicTensor]) -> Sequence[Tensor]:
    """The outputs of a graph whose nodes become part of the one that is being rebuilt."""
    building = current()
    new = {v: t.value for v, t in zip(graph.inputs, inputs, strict=True)}
    moved: dict[Node, Node] = {}
    builder = building.builder  # type: ignore[attr-defined]
    for inside in graph.nodes:
        copy = with_inputs(inside, new, moved)
        if copy is inside:  # two places may have the same branch
            copy = _copy(inside)
        moved[inside] = copy
        new.update(zip(inside.outputs, copy.outputs, strict=True))
        if copy.subgraphs and copy.op is cond_op:
            made = _inline(copy, tuple(map(building.tensor, copy.inputs)))  # type: ignore[attr-defined]
            if made is not None:
                values = [building.value(t) for t in made]  # type: ignore[attr-defined]
                new.update(zip(inside.outputs, values, strict=True))
                continue
        builder.nodes.append(copy)
    return [building.tensor(new.get(v, v)) for v in graph.outputs]  # type: ignore[attr-defined]


def _copy(node: Node) -> Node:
    specs = [v.spec for v in node.outputs]
    copy = Node(
        node.op,
        node.inputs,
        node.attrs,
        specs,
        node.line,
        name=node.name,
        scope=node.scope,
        device=node.device,
        control_inputs=node.control_inputs,
    )
    for v, old in zip(copy.outputs, node.outputs, strict=True):
        v.content = old.content
    return copy


# --- trim --------------------------------------------------------------------


def trim(graph: Graph) -> Graph:
    """An equal graph whose loops and branches hand on, and take, only what somebody needs."""
    graph = dead_code(graph)
    needed: set[Value] = set(graph.outputs)
    plans: dict[Node, list[int]] = {}
    for node in reversed(graph.nodes):
        wanted = [k for k, v in enumerate(node.outputs) if v in needed]
        if node.op is while_op:
            wanted = _state_needed(node, wanted)
        elif node.op is cond_op:
            wanted = wanted or [0]
        else:
            needed.update(node.inputs)
            continue
        plans[node] = wanted
        needed.update(node.inputs[k] for k in _inputs_needed(node, wanted))
    if not plans:
        return graph
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        copy = with_inputs(node, new, moved)
        if node in plans:
            kept = _trimmed_loop if node.op is while_op else _trimmed_cond
            copy, results = kept(copy, plans[node])
            new.update({v: results[k] for k, v in enumerate(node.outputs) if k in results})
        elif copy is not node:
            new.update(zip(node.outputs, copy.outputs, strict=True))
        if copy is not node:
            moved[node] = copy
        nodes.append(copy)
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)


def _reached(graph: Graph, outputs: Sequence[Value]) -> set[Value]:
    """The values that outputs, and effects, depend on."""
    return _alive(graph, outputs)[1]


def _alive(graph: Graph, outputs: Sequence[Value]) -> tuple[list[Node], set[Value]]:
    """The nodes that outputs, and effects, depend on, and the values that these take."""
    found = set(outputs)
    awaited: set[Node] = set()
    binds = any(node.op is bind_op for node in graph.nodes)
    sizes: set[str] = set()
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        binding = binds and not sizes.isdisjoint(bound_symbols(node))
        needed = node in awaited or any(v in found for v in node.outputs)
        if binding or needed or has_effect(node):
            kept.append(node)
            found.update(node.inputs)
            awaited.update(node.control_inputs)
            if binds:
                sizes |= named_symbols(node)
    return kept[::-1], found


def _state_needed(node: Node, wanted: Sequence[int]) -> list[int]:
    """The loop variables that results, the condition, and effects depend on."""
    condition, body = node.subgraphs
    used = _reached(condition, condition.outputs)
    count = len(body.outputs)
    found = set(wanted) | {k for k in range(count) if condition.inputs[k] in used}
    while True:
        used = _reached(body, [body.outputs[k] for k in found])
        more = {k for k in range(count) if body.inputs[k] in used} - found
        if not more:
            return sorted(found)
        found |= more


def _inputs_needed(node: Node, wanted: Sequence[int]) -> list[int]:
    """The numbers of the inputs that those results take."""
    if node.op is while_op:
        condition, body = node.subgraphs
        count = len(body.outputs)
        used = _reached(condition, condition.outputs)
        used |= _reached(body, [body.outputs[k] for k in wanted])
        captured = [
            k
            for k in range(count, len(node.inputs))
            if condition.inputs[k] in used or body.inputs[k] in used
        ]
        return [*wanted, *captured]
    used = set()
    for graph in node.subgraphs:
        used |= _reached(graph, [graph.outputs[k] for k in wanted])
    inner = [
        k
        for k in range(1, len(node.inputs))
        if any(graph.inputs[k - 1] in used for graph in node.subgraphs)
    ]
    return [0, *inner]


def _trimmed_cond(node: Node, wanted: Sequence[int]) -> tuple[Node, dict[int, Value]]:
    inputs = _inputs_needed(node, wanted)[1:]
    if len(wanted) == len(node.outputs) and len(inputs) + 1 == len(node.inputs):
        return node, dict(enumerate(node.outputs))
    graphs = tuple(
        _graph(g, [g.inputs[k - 1] for k in inputs], [g.outputs[k] for k in wanted])
        for g in node.subgraphs
    )
    made = _node(node, [node.inputs[0], *(node.inputs[k] for k in inputs)], graphs)
    return made, dict(zip(wanted, made.outputs, strict=True))


def _trimmed_loop(node: Node, wanted: Sequence[int]) -> tuple[Node, dict[int, Value]]:
    condition, body = node.subgraphs
    count = len(body.outputs)
    fixed = [k for k in wanted if body.outputs[k] is body.inputs[k]]
    state = [k for k in wanted if k not in fixed]
    captured = [*fixed, *(k for k in _inputs_needed(node, wanted) if k >= count)]
    results = {k: node.inputs[k] for k in fixed}
    if not fixed and len(state) == count and len(captured) + count == len(node.inputs):
        return node, dict(enumerate(node.outputs))
    if not state:  # no variable changes: it runs never, or for ever
        state, fixed = fixed[:1], fixed[1:]
        captured = captured[1:]
        results = {k: node.inputs[k] for k in fixed}
        if not state:
            return node, dict(enumerate(node.outputs))
    order = [*state, *captured]
    graphs = (
        _graph(condition, [condition.inputs[k] for k in order], condition.outputs),
        _graph(body, [body.inputs[k] for k in order], [body.outputs[k] for k in state]),
    )
    made = _node(node, [node.inputs[k] for k in order], graphs)
    results |= dict(zip(state, made.outputs, strict=True))
    return made, results


def _graph(graph: Graph, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
    """The graph with fewer inputs and outputs, and the nodes that these need."""
    nodes, _ = _alive(graph, outputs)
    return Graph(tuple(inputs), tuple(nodes), tuple(outputs), graph.captures, graph.name)


def counting_loop(node: Node) -> tuple[Node, Value]:
    """A loop that only counts the iterations of another, and their number: its last variable."""
    last = len(node.outputs) - 1
    made, results = _trimmed_loop(node, _state_needed(node, [last]))
    return made, results[last]


# --- hoist -------------------------------------------------------------------


def hoist(graph: Graph) -> Graph:
    """An equal graph whose loops compute nothing again that is the same in every iteration."""
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        copy = with_inputs(node, new, moved)
        if copy.op is while_op:
            before, copy = _hoisted(copy)
            nodes += before
        if copy is not node:
            moved[node] = copy
            new.update(zip(node.outputs, copy.outputs, strict=True))
        nodes.append(copy)
    if len(nodes) == len(graph.nodes):
        return graph
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)


def _hoisted(node: Node) -> tuple[list[Node], Node]:
    """What goes in front of a loop, and the loop without it."""
    before: list[Node] = []
    inputs = list(node.inputs)
    parts = [(list(g.inputs), g) for g in node.subgraphs]
    graphs = []
    count = len(node.outputs)
    for number, (_, graph) in enumerate(parts):
        outside = dict(zip(graph.inputs[count:], node.inputs[count:], strict=True))
        there, wanted = _same_each_time(graph, set(graph.inputs[count:]))
        moved: dict[Node, Node] = {}
        for n in there:
            copy = with_inputs(n, outside, moved)
            copy = _copy(n) if copy is n else copy
            moved[n] = copy
            outside.update(zip(n.outputs, copy.outputs, strict=True))
            before.append(copy)
        new: dict[Value, Value] = {}
        for v in wanted:
            inside = Value(v.spec, None, 0, v.name)
            new[v] = inside
            inputs.append(outside[v])
            for k, (values, _) in enumerate(parts):
                values.append(inside if k == number else Value(v.spec, None, 0))
        graphs.append(_without(graph, new))
    if not any(g is not old for g, old in zip(graphs, node.subgraphs, strict=True)):
        return [], node
    closed = tuple(
        Graph(tuple(values), g.nodes, g.outputs, g.captures, g.name)
        for (values, _), g in zip(parts, graphs, strict=True)
    )
    return before, _node(node, inputs, closed)


def _same_each_time(graph: Graph, captured: set[Value]) -> tuple[list[Node], list[Value]]:
    """The nodes to be moved, and the values that what stays reads of them."""
    same: set[Value] = set(captured)
    free: set[Value] = set()  # constants, and what is made of them alone
    candidates: list[Node] = []
    bound = {name for n in graph.nodes for name in bound_symbols(n)}
    for n in graph.nodes:
        if bound and not bound.isdisjoint(named_symbols(n)):
            continue  # its sizes are known inside only
        if n.op in (constant_op, sizes_op):
            free.update(n.outputs)
            continue
        if not _movable(n):
            continue
        if all(v in free for v in n.inputs):
            free.update(n.outputs)
        elif all(v in same or v in free for v in n.inputs):
            same.update(n.outputs)
            candidates.append(n)
    made = {v for n in candidates for v in n.outputs}
    stays = [n for n in graph.nodes if n not in set(candidates)]
    read = dict.fromkeys(v for n in stays for v in n.inputs if v in made)
    read |= dict.fromkeys(v for v in graph.outputs if v in made)
    wanted = [v for v in read if _works(v, captured)]
    needed = set(wanted)
    there: list[Node] = []
    for n in reversed(graph.nodes):
        if any(v in needed for v in n.outputs):
            needed.update(v for v in n.inputs if v not in captured)
            there.append(n)
    return there[::-1], wanted


def _movable(node: Node) -> bool:
    """Whether a node may run where the loop might not have come to it."""
    lower = node.op.lower
    if node.op.effect or node.subgraphs or node.op is bind_op or node.control_inputs:
        return False
    if isinstance(lower, Library):
        return not lower.refuses
    return isinstance(lower, Elementwise | Reduction | View | Assemble)


def _works(value: Value, captured: set[Value]) -> bool:
    """Whether a value is more than a view of something captured: a view costs nothing inside."""
    while value.node is not None and isinstance(value.node.op.lower, View):
        value = value.node.inputs[0]
    return (
        value not in captured
        and value.node is not None
        and value.node.op
        not in (
            constant_op,
            sizes_op,
        )
    )


def _without(graph: Graph, new: dict[Value, Value]) -> Graph:
    """The graph with inputs in place of values that are computed outside."""
    if not new:
        return graph
    builder = GraphBuilder(graph.name)
    known = dict(new)
    moved: dict[Node, Node] = {}
    for node in graph.nodes:
        if any(v in new for v in node.outputs) and all(v in new for v in node.outputs):
            continue
        copy = with_inputs(node, known, moved)
        builder.nodes.append(copy)
        if copy is not node:
            moved[node] = copy
            for v, made in zip(node.outputs, copy.outputs, strict=True):
                known.setdefault(v, made)
    outputs = tuple(known.get(v, v) for v in graph.outputs)
    left = Graph(graph.inputs, tuple(builder.nodes), outputs, graph.captures, graph.name)
    return _graph(left, left.inputs, outputs)
