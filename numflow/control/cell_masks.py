"""Masks of the steps of a loop: where a sequence goes on, and where it waits in its state.

    h = where(live, h_new, h)         live: mask[t][:, None], t < lengths[:, None], tokens[t] != 0

A mask is a bool per sequence, made of rows of outside, of the iteration's number and of what is the
same in every iteration: so those of all steps are made at once, outside of the loop
(all_steps.py).
Only `where` is a mask: m h_new + (1 - m) h is nan where h_new is, which no step that waits is here.

What reads h_new only for sequences that live may as well read h (`waits`); a loop variable that
begins as the state and waits as it does is the state (`twins`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numflow.control.all_steps import Steps
from numflow.control.cell_terms import filled, plain
from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Elementwise
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.joining import concat_op
from numflow.ops.linalg import matmul_op
from numflow.ops.shape import broadcast_op, reshape_op
from numflow.ops.slicing import slice_op
from numflow.passes.cse import cse
from numflow.shapes import Extent


class Live(NamedTuple):
    """A mask: a bool per sequence, or one for all; source: its value, or what is not it.

    test: equal for masks that are one, however they are written.
    """

    source: Value
    positive: bool
    test: tuple[Any, ...]


def _dims(v: Value) -> tuple[Extent, ...]:
    """Its sizes but those that are 1."""
    return tuple(n for n in v.spec.shape if n != 1)


def _inside(v: Value) -> Value:
    """v without changes of shape by sizes that are 1."""
    v = plain(v)
    while v.node is not None and v.node.op in (reshape_op, broadcast_op):
        if _dims(v.node.inputs[0]) != _dims(v):
            break
        v = plain(v.node.inputs[0])
    return v


def live_of(condition: Value, like: Spec) -> Live | None:
    """The mask that a condition is, of a choice between values [batch, units]."""
    v = plain(condition)
    if v.spec.shape == like.shape and like.shape[1] != 1:
        return _of_equal_columns(v, like)
    return _tested(v, True) if _spread(v.spec, like) else None


def _of_equal_columns(v: Value, like: Spec) -> Live | None:
    """The mask of a condition as wide as the states, if it is broadcast from one of sequences."""
    positive = True
    while v.node is not None:
        node, shape = v.node, v.spec
        if node.op not in (selections.logical_not_op, reshape_op, broadcast_op):
            return None
        positive ^= node.op is selections.logical_not_op
        before, v = v, plain(node.inputs[0])
        if _dims(v) != _dims(before):
            narrow = node.op is broadcast_op and _by_rows_alone(v.spec, shape, like)
            return _tested(v, positive) if narrow else None
    return None


def _by_rows_alone(x: Spec, out: Spec, like: Spec) -> bool:
    """Whether what is broadcast from x to the elements of `like` differs by rows alone."""
    there = [k + out.rank - x.rank for k, n in enumerate(x.shape) if n != 1]
    first = next((k for k, n in enumerate(out.shape) if n != 1), 0)
    return not there or (there == [first] and like.shape[0] != 1)


def _spread(spec: Spec, like: Spec) -> bool:
    """Whether a condition is broadcast along the units: [], [1], [1, 1], [batch, 1]."""
    shape = spec.shape
    return len(shape) <= 2 and shape[-1:] in ((), (1,)) and shape[:-1] in ((), (1,), like.shape[:1])


def _tested(v: Value, positive: bool) -> Live:
    v = _inside(v)
    while v.node is not None and v.node.op is selections.logical_not_op:
        v, positive = _inside(v.node.inputs[0]), not positive
    node = v.node
    if node is None or len(node.inputs) != 2:
        return Live(v, positive, (v, positive))
    (x, y), op, said = map(_inside, node.inputs), node.op, positive
    whole = x.spec.dtype.is_integer or x.spec.dtype.is_bool  # nan is not less, nor greater
    if op is comparisons.greater_op:
        op, x, y = comparisons.less_op, y, x
    elif op is comparisons.greater_equal_op and whole:
        op, said = comparisons.less_op, not said
    elif op is comparisons.less_equal_op and whole:
        op, x, y, said = comparisons.less_op, y, x, not said
    elif op is comparisons.not_equal_op:
        op, said = comparisons.equal_op, not said
    elif op is not comparisons.less_op and op is not comparisons.equal_op:
        return Live(v, positive, (v, positive))
    return Live(v, positive, (op, x, y, said))


def kept(after: Value, before: Value) -> tuple[Value, Live | None] | None:
    """The new state and the mask, of what is chosen of it and the state before; no mask: all.

    None where the choice is no mask.
    """
    after = plain(after)
    node = after.node
    if node is None or node.op is not selections.where_op:
        return after, None
    condition, x, y = node.inputs
    new = x if plain(y) is before else y if plain(x) is before else None
    live = None if new is None else live_of(condition, before.spec)
    if live is None or new is None or new.spec != before.spec:
        return None
    if new is y:
        live = _turned(live)
    return plain(new), live


def _turned(live: Live) -> Live:
    return Live(live.source, not live.positive, (*live.test[:-1], not live.test[-1]))


def mask_of(live: Live, steps: Steps, batch: Extent) -> Tensor:
    """A mask of all steps: bool [steps, batch]."""
    found = steps.make(live.source)
    found = shaping.reshape(found, (found.spec.shape[0], *(_dims(live.source) or (1,))))
    if not live.positive:
        found = selections.logical_not(found)
    return shaping.broadcast_to(found, (steps.terms.trips, batch))


# --- what nobody sees ------------------------------------------------------------------------


def waits(body: Graph, live: Live, batch: Extent) -> set[tuple[Node, int]]:
    """The inputs of nodes, by number, of which rows that do not live change nothing."""
    seen = set(body.outputs)
    found: set[tuple[Node, int]] = set()
    for node in reversed(body.nodes):
        unseen = seen.isdisjoint(node.outputs)
        for k, v in enumerate(node.inputs):
            if _chosen(node, k, live, batch) or (unseen and _by_rows(node, k, batch)):
                found.add((node, k))
            else:
                seen.add(v)
    return found


def otherwise(v: Value, new: Value, live: Live) -> Value | None:
    """What a value is for sequences that wait, if it is the new state of those that live."""
    node = plain(v).node
    if node is None or node.op is not selections.where_op:
        return None
    for k in (1, 2):
        if plain(node.inputs[k]) is new and _chosen(node, k, live, new.spec.shape[0]):
            return plain(node.inputs[3 - k])
    return None


def _chosen(node: Node, k: int, live: Live, batch: Extent) -> bool:
    """Whether an input is chosen only for sequences that live."""
    if node.op is not selections.where_op or k == 0:
        return False
    x, out = node.inputs[k].spec, node.output.spec
    if x.rank != 2 or out.rank != 2 or not x.shape[0] == out.shape[0] == batch:
        return False
    mask = live_of(node.inputs[0], out)
    return mask is not None and (mask if k == 1 else _turned(mask)).test == live.test


def _by_rows(node: Node, k: int, batch: Extent) -> bool:
    """Whether each row of an input goes into that row of the output alone."""
    if len(node.outputs) != 1 or node.op.effect or node.subgraphs:
        return False
    x, out = node.inputs[k].spec, node.output.spec
    if x.rank != 2 or out.rank != 2 or not x.shape[0] == out.shape[0] == batch:
        return False
    if plain(node.output) is plain(node.inputs[k]):
        return True
    if node.op is matmul_op:
        return k == 0 and not node.attrs["transpose_a"]
    if node.op is slice_op:
        return bool(node.attrs["begin"][0] == 0 and node.attrs["stride"][0] == 1)
    if node.op is concat_op:
        return bool(node.attrs["axis"] == 1)
    lower = node.op.lower
    return isinstance(lower, Elementwise) and not lower.indexed


def twins(body: Graph, inputs: Sequence[Tensor], count: int) -> Graph:
    """The body, computed once what is computed twice, loop variables that are always equal too."""
    body = cse(body)
    first: dict[Any, int] = {}
    equal: dict[Value, Value] = {}
    for k in range(count):
        v, node = body.inputs[k], plain(body.outputs[k]).node
        if node is None or node.op is not selections.where_op or v not in node.inputs[1:]:
            continue
        at = node.inputs.index(v, 1)
        key = (node.inputs[0], at, node.inputs[3 - at], v.spec.shape, _start(inputs[k]))
        if v is node.inputs[3 - at] or first.setdefault(key, k) == k:
            continue
        equal[v] = body.inputs[first[key]]
    if not equal:
        return body
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in body.nodes:
        copy = with_inputs(node, equal, moved)
        nodes.append(copy)
        if copy is not node:
            moved[node] = copy
            equal.update(zip(node.outputs, copy.outputs, strict=True))
    outputs = tuple(equal.get(v, v) for v in body.outputs)
    return cse(Graph(body.inputs, tuple(nodes), outputs, body.captures, body.name))


def _start(t: Tensor) -> Any:
    """What a loop variable begins as: equal for equal values."""
    v = getattr(t, "value", None)
    if not isinstance(v, Value):
        return id(t)
    number = filled(v)
    return v if number is None else (number.dtype.name, number.tobytes())
