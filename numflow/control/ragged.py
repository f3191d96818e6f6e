"""Loops whose variables change their shapes (`shape_invariants`), branches of unlike shapes.

Python counts the iterations, and chooses the branch.

    token = ragged_loop(*state, *captured)        runs the loop; its results wait under the token
    sizes = ragged_sizes(token)                   those that the invariants leave open; bound
    y ... = ragged_results(token, *state, *captured)    the results; the inputs are for the gradient

Of branches ragged_cond and ragged_choice take the places of the first and the last. What is inside
is compiled, with a plan per shape. The gradient runs the loop once more, keeping
what each iteration began with, and walks it backwards; it has itself none.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import FailedPreconditionError, explain
from numflow.graph.graph import Graph, Value
from numflow.graph.lowering import HostCall
from numflow.graph.op import Array, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.run_time import sizes_of
from numflow.shapes import Shape

Loose = tuple[tuple[bool, ...], ...]
"""Per loop variable and axis, whether the size may change."""

Rule = Callable[[Backward], Sequence[Tensor | None]]

_KEPT = 16  # results of loops that wait for being fetched
_tokens = itertools.count(1)
_waiting: OrderedDict[int, list[Array]] = OrderedDict()
_WHY = HostCall("its loop variables change their shapes, so Python counts the iterations")


def _states(arrays: Sequence[Any], condition: Any, body: Any) -> list[list[Array]]:
    """The loop variables: as each iteration begins, and last, with what is captured left out."""
    count = len(body.graph.outputs)
    state, captured = list(arrays[:count]), arrays[count:]
    found = [state]
    while condition(*state, *captured)[0]:
        state = body(*state, *captured)
        found.append(state)
    return found


def _loop_infer(*_: Spec, graphs: tuple[Graph, ...], loose: Loose) -> Spec:
    return Spec((), dtypes.int64)


def _loop_reference(*arrays: Any, graphs: Any, loose: Loose) -> Any:
    condition, body = graphs
    count = len(body.graph.outputs)
    state, captured = list(arrays[:count]), arrays[count:]
    while condition(*state, *captured)[0]:
        state = body(*state, *captured)
    return np.int64(_put([np.array(a) for a in state]))


def _put(arrays: list[Array]) -> int:
    token = next(_tokens)
    _waiting[token] = arrays
    if len(_waiting) > _KEPT:
        _waiting.popitem(last=False)
    return token


def _found(token: Any) -> list[Array]:
    found = _waiting.get(int(token))
    if found is None:
        problem = "the results of this loop are gone"
        raise FailedPreconditionError(explain("while_loop", problem))
    return found


def _sizes_reference(token: Any, *, loose: Loose) -> Any:
    found = _found(token)
    sizes = [n for a, row in zip(found, loose, strict=True)
             for n, open_ in zip(a.shape, row, strict=True) if open_]  # fmt: skip
    return np.array(sizes, np.int64)


def _results_infer(
    token: Spec, *inputs: Spec, graphs: tuple[Graph, ...], shapes: tuple[Shape, ...]
) -> tuple[Spec, ...]:
    kinds = [v.spec.dtype for v in graphs[1].outputs]
    return tuple(Spec(s, d) for s, d in zip(shapes, kinds, strict=True))


def _results_reference(token: Any, *inputs: Any, graphs: Any, shapes: Any) -> tuple[Any, ...]:
    return tuple(_found(token))


_rules: dict[str, Rule] = {}


def set_gradient(name: str, rule: Rule) -> None:
    """The rule of an op of results: it walks graphs, so it stands in gradients.py."""
    _rules[name] = rule


def _rule_of(name: str) -> Rule:
    return lambda g: _rules[name](g)


loop_op = Op("ragged_loop", _loop_infer, _loop_reference, None, _WHY)
sizes_op = Op(
    "ragged_sizes",
    lambda token, *, loose: Spec((sum(map(sum, loose)),), dtypes.int64),
    _sizes_reference,
    None,
    _WHY,
)
results_op = Op(
    "ragged_results", _results_infer, _results_reference, _rule_of("ragged_results"), _WHY
)


def _cond_reference(index: Any, *captured: Any, graphs: Any, loose: Loose) -> Any:
    at = int(index)
    chosen = graphs[at] if 0 <= at < len(graphs) else graphs[-1]
    return np.int64(_put([np.array(a) for a in chosen(*captured)]))


_WHY_BRANCHES = HostCall("its branches give results of unlike shapes, so Python chooses")
cond_op = Op("ragged_cond", _loop_infer, _cond_reference, None, _WHY_BRANCHES)
choice_op = Op(
    "ragged_choice", _results_infer, _results_reference, _rule_of("ragged_choice"), _WHY_BRANCHES
)


def _gradient_infer(
    *inputs: Spec, graphs: tuple[Graph, ...], carried: Any, summed: Any, parts: Any
) -> tuple[Spec, ...]:
    return tuple(inputs[k] for k in (*carried, *summed))


def _gradient_reference(
    *arrays: Any, graphs: Any, carried: Sequence[int], summed: Sequence[int], parts: Sequence[int]
) -> tuple[Any, ...]:
    condition, body, joint = graphs
    count, total = len(body.graph.outputs), len(body.graph.inputs)
    state, captured = arrays[:count], arrays[count:total]
    cts, more = list(arrays[total : total + len(carried)]), arrays[total + len(carried) :]
    history = _states((*state, *captured), condition, body)
    sums = [np.zeros_like(arrays[k]) for k in summed]
    for before in reversed(history[:-1]):
        got = iter(joint(*before, *captured, *cts, *more))
        cts = [next(got) for _ in carried]
        for k, n in enumerate(parts):
            part = [next(got) for _ in range(n)]
            if n == 1:
                sums[k] = sums[k] + part[0]
            else:
                np.add.at(sums[k], part[1], part[0])
    return (*cts, *sums)


gradient_op = Op("ragged_gradient", _gradient_infer, _gradient_reference, None, _WHY)


def ragged(graphs: tuple[Graph, Graph], inputs: Sequence[Tensor], loose: Loose) -> list[Tensor]:
    """The loop variables behind a loop in which these sizes may change."""
    token = loop_op(*inputs, graphs=graphs, loose=loose)
    shapes = _shapes(token, graphs[1].inputs, loose)
    found = results_op(token, *inputs, graphs=graphs, shapes=shapes)
    return list(found) if isinstance(found, tuple) else [found]


def branches(graphs: tuple[Graph, ...], inputs: Sequence[Tensor], loose: Loose) -> list[Tensor]:
    """The results of branches in which these sizes differ."""
    token = cond_op(*inputs, graphs=graphs, loose=loose)
    shapes = _shapes(token, graphs[0].outputs, loose)
    found = choice_op(token, *inputs, graphs=graphs, shapes=shapes)
    return list(found) if isinstance(found, tuple) else [found]


def _shapes(token: Tensor, like: Sequence[Value], loose: Loose) -> tuple[Shape, ...]:
    sizes = iter(sizes_of(sizes_op(token, loose=loose)))
    shapes: list[Shape] = []
    for v, row in zip(like, loose, strict=False):
        shape = zip(v.spec.shape, row, strict=True)
        shapes.append(tuple(next(sizes) if open_ else n for n, open_ in shape))
    return tuple(shapes)
