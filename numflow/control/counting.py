"""What can be told of a loop before it runs: which variables count, how often it runs.

counters: i = i + 2 in the body          i is its first value + 2 * the number of the iteration
trips:    condition i < n, n not of the loop    max(0, (n - first + 1) // 2) iterations at most
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from numflow import dtypes
from numflow.control.nested import moved_out
from numflow.graph.graph import Graph, Node, Value, constant_op
from numflow.graph.op import interpreting
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, run_time
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.control import cond_op
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent


def counters(body: Graph) -> dict[int, int]:
    """By number of a loop variable, how much the body adds to it each time: integers only."""
    found: dict[int, int] = {}
    for k, v in enumerate(body.outputs):
        step = _added(v, body.inputs[k])
        if step is not None and v.spec.dtype.is_integer and not v.spec.shape:
            found[k] = step
    return found


def _added(after: Value, before: Value) -> int | None:
    after = _itself(after)
    if after is before:
        return 0
    node = after.node
    if node is None or node.op not in (maths.add_op, maths.subtract_op):
        return None
    x, y = map(_itself, node.inputs)
    if node.op is maths.add_op and y is before:
        x, y = y, x
    if x is not before:
        return None
    step = _constant(y)
    return step if step is None or node.op is maths.add_op else -step


def _itself(value: Value) -> Value:
    names = (shaping.identity_op, shaping.stop_gradient_op)
    while value.node is not None and value.node.op in names:
        (value,) = value.node.inputs
    return value


def _constant(value: Value) -> int | None:
    if value.node is not None and value.node.op is constant_op and value.spec.size == 1:
        return int(value.node.attrs["value"].reshape(())[()])
    return None


class Trips(NamedTuple):
    """length: the largest number of iterations. exact: whether it is the number of them."""

    length: Extent
    exact: bool


def trips(condition: Graph, body: Graph, inputs: Sequence[Tensor]) -> Trips | None:
    """What a counter tells of the number of iterations; None where none does.

    inputs: of the node, in the graph that is being built.
    """
    steps = counters(body)
    (going,) = condition.outputs
    limits = _limits(going)
    for limit in limits:
        found = _bound(limit, condition, steps, inputs, len(body.outputs))
        if found is not None:
            return Trips(found, len(limits) == 1)
    return None


def _limits(going: Value) -> list[Node | None]:
    """What must hold for another iteration; None for what is no comparison."""
    node = _itself(going).node
    if node is not None and node.op is selections.logical_and_op:
        return [n for v in node.inputs for n in _limits(v)]
    if node is not None and node.op is cond_op:
        first = _first_of_two(node)
        return [None] if first is None else [*_limits(first), None]
    return [node if node is not None and node.op in _COMPARES else None]


def _first_of_two(node: Node) -> Value | None:
    """a, of Python's `a and b`: a branch that is taken where a holds, and gives a where not."""
    chosen, *captured = node.inputs
    cast = chosen.node
    if cast is None or cast.op is not maths.cast_op or len(node.subgraphs) != 2:
        return None
    (first,) = cast.inputs
    otherwise = node.subgraphs[0]
    if len(otherwise.outputs) != 1:
        return None
    (output,) = otherwise.outputs
    given = dict(zip(otherwise.inputs, captured, strict=True)).get(output)
    false = output.spec.dtype.is_bool and _constant(output) == 0
    return first if given is first or (given is None and false) else None


_COMPARES = {
    comparisons.less_op: (1, 0),
    comparisons.less_equal_op: (1, 1),
    comparisons.greater_op: (-1, 0),
    comparisons.greater_equal_op: (-1, 1),
}


def _bound(
    node: Node | None, condition: Graph, steps: dict[int, int], inputs: Sequence[Tensor], state: int
) -> Extent | None:
    """The number of iterations after which a comparison of a counter fails."""
    if node is None:
        return None
    sign, equal = _COMPARES[node.op]
    places = {v: k for k, v in enumerate(condition.inputs)}
    x, y = map(_itself, node.inputs)
    if places.get(x) not in steps and places.get(y) in steps:
        x, y, sign = y, x, -sign
    k, j = places.get(x), places.get(y)
    if k is None or k not in steps or steps[k] * sign <= 0:
        return None
    at, step = inputs[k], abs(steps[k])
    number = _constant(y)
    if j is not None and j >= state:
        end: Tensor = inputs[j]
    elif number is not None:
        end = as_tensor(number, at.dtype)
    elif y.content is not None and y.content.size == 1:
        end = shaping.size_tensor(y.content.reshape(-1)[0], dtypes.int64)
    else:
        return None
    interpreter, (at, end) = moved_out([at, end])
    with interpreting(interpreter):
        first, last = maths.cast(at, dtypes.int64), maths.cast(end, dtypes.int64)
        far = (last - first if sign > 0 else first - last) + equal
        count = run_time.quotient_op(far + (step - 1), as_tensor(step, dtypes.int64))
        (length,) = run_time.sizes_of(maths.maximum(count, as_tensor(0, dtypes.int64)))
    return length
