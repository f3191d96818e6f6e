"""gradients and hessians: derivatives in the graph that is being built.

Where a tape looks at what it recorded, these look at all that the graph has so far; so they work in
traced functions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import nest
from numflow.eager.apply import tapes
from numflow.errors import GraphError, explain
from numflow.gradient.cotangents import cotangents
from numflow.gradient.unconnected import UnconnectedGradients, unconnected_kind
from numflow.gradient.vjp import Gradient, Record, backward, differentiable
from numflow.graph.building import REMADE, Building
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import joining
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.indexed_slices import add_gradients
from numflow.ops.state import read_op
from numflow.passes.unrolled_cells import with_sequences
from numflow.shapes import as_size


class AggregationMethod:
    """How gradients that meet are summed, in TensorFlow. Here always pairwise, and fused."""

    ADD_N = 0
    DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
) -> list[Any]:
    """The derivative of the sum of ys for each of xs, inside of a traced function.

    Args:
      ys: a tensor, or a list of them.
      xs: a tensor or variable, or a list of them.
      grad_ys: for each of ys a tensor of its shape: what its elements count. None: ones.
      stop_gradients: tensors that count as constants, however they were computed.
      unconnected_gradients: "none" or "zero", for those of xs that no y depends on.

    name, gate_gradients and aggregation_method are TensorFlow's and change nothing.

    Returns:
      A list, with a gradient for each of xs.

    Raises:
      RuntimeError: called eagerly: GradientTape works there.
      TypeError: a y is complex, and has no grad_ys.
      GraphError: an x is a small constant that a branch or a loop uses, which keeps no way to it.

    Example:
      >>> @nf.function
      ... def slope(x):
      ...     return nf.gradients(x**3, x)
      >>> slope(nf.constant(2.0))[0].numpy().item()
      12.0
    """
    building = current()
    if not isinstance(building, Building):
        raise RuntimeError(
            explain(
                "gradients",
                "not supported when executing eagerly: there is no graph to look at",
                fix="nf.GradientTape, or call it in a function under @nf.function",
            )
        )
    unconnected = unconnected_kind(unconnected_gradients)
    targets = [as_tensor(y, None, "gradients", "ys") for y in nest.flatten(ys)]
    given = [None] * len(targets) if grad_ys is None else nest.flatten(grad_ys)
    for y, ct in zip(targets, given, strict=False):
        if ct is None and y.dtype.is_complex:
            problem = "the gradient of a complex tensor needs grad_ys"
            raise TypeError(explain("gradients", problem, {"y": y.spec}))
    cts = cotangents(targets, given, "gradients", "grad_ys")
    wanted = nest.flatten(xs)
    leaves = [_leaves(building, x, "xs") for x in wanted]
    stopped = nest.flatten([] if stop_gradients is None else stop_gradients)
    stopping = [t for x in stopped for t in _leaves(building, x, "stop_gradients")]
    stops = set(map(id, stopping))
    flat = [t for group in leaves for t in group if differentiable(t)]
    sparse = {
        id(t) for x, group in zip(wanted, leaves, strict=True) if not isinstance(x, Tensor)
        for t in group
    }  # fmt: skip
    records: Sequence[Record] = _records(building)
    if not any(getattr(x, "_interpreter", None) is building for x in tapes.items):
        records = with_sequences(records, building, [*flat, *stopping], targets)
    found = backward(records, targets, cts, flat, add_gradients, sparse, stops)
    by_leaf = {id(t): g for t, g in zip(flat, found, strict=True)}
    results: list[Gradient | None] = []
    for x, group in zip(wanted, leaves, strict=True):
        total: Gradient | None = None
        for t in group:
            g = by_leaf.get(id(t))
            if g is not None:
                total = g if total is None else add_gradients(total, g)
        if total is None and unconnected is UnconnectedGradients.ZERO:
            total = shaping.zeros_like(x)
        results.append(total)
    return results


def _leaves(building: Building, x: Any, name: str) -> list[Tensor]:
    """The tensors of the graph that x stands for: itself, or the values of a variable."""
    if isinstance(x, Tensor):
        tensor = as_tensor(x)
        if name == "xs" and tensor.dtype.is_floating and _remade(building, tensor):
            problem = (
                f"a branch or a loop has made this constant of {name} again, as a number of its own"
            )
            fix = "with nf.GradientTape() as tape: tape.watch(it) before it is used; or a variable"
            raise GraphError(explain("gradients", problem, {name: tensor.spec}, fix))
        return [tensor]
    if not hasattr(x, "_as_tensor"):
        problem = f"{name} are tensors and variables, not {type(x).__name__}"
        raise TypeError(explain("gradients", problem, {name: repr(x)[:200]}))
    values: list[Tensor] = [
        building.tensor(n.output)
        for n in building.builder.nodes
        if n.op is read_op and n.attrs["variable"] is x
    ]
    now = as_tensor(x)
    return values if any(t is now for t in values) else [*values, now]


def _remade(building: Building, tensor: Tensor) -> bool:
    value = building.value(tensor)
    return value in building.builder.made.get(REMADE, ())


def _records(building: Building) -> list[Record]:
    tensor = building.tensor
    return [
        Record(n.op, tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs)), n.attrs, n.line)
        for n in building.builder.nodes
        if n.outputs
    ]


def hessians(
    ys: Any,
    xs: Any,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    name: str = "hessians",
) -> list[Any]:
    """The second derivatives of the sum of ys, for each of xs: of shape x.shape + x.shape.

    Args:
      ys, xs, gate_gradients, aggregation_method: as for `gradients`.

    Returns:
      A list, with a tensor for each of xs; None where no y depends on it.

    Raises:
      RuntimeError: called eagerly.

    Example:
      >>> @nf.function
      ... def curvature(x):
      ...     return nf.hessians(nf.reduce_sum(x**3), x)
      >>> curvature(nf.constant([2.0, 3.0]))[0].numpy().tolist()
      [[12.0, 0.0], [0.0, 18.0]]
    """
    found: list[Any] = []
    wanted = nest.flatten(xs)
    for x, gradient in zip(wanted, gradients(ys, wanted), strict=True):
        if gradient is None:
            found.append(None)
            continue
        slope = as_tensor(gradient)
        count = int(as_size(slope.spec.size))
        rows = []
        for k in range(count):
            unit = np.zeros(count, slope.dtype.numpy)
            unit[k] = 1
            ct = shaping.reshape(as_tensor(unit), slope.shape)
            (row,) = gradients(slope, x, ct, unconnected_gradients=UnconnectedGradients.ZERO)
            rows.append(as_tensor(row))
        shape = [*slope.shape, *slope.shape]
        flat = joining.stack(rows) if rows else shaping.zeros(shape, slope.dtype)
        found.append(shaping.reshape(flat, shape))
    return found
