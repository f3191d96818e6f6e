"""Groups: each node in one, in an order that data allow; what is fused, and what must not be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from numflow import dtypes
from numflow.codegen.domain import fits
from numflow.codegen.program import emit
from numflow.codegen.steps import ClusterStep, LibraryStep, SegmentStep, Step
from numflow.graph.graph import Graph, Value, constant_op, sizes_op
from numflow.graph.lowering import Layout, View
from numflow.graph.tensor import Tensor
from numflow.graph.text import parse
from numflow.ops import activation, linalg, loss, math, reduce, shape, slicing
from numflow.passes.fuse import fuse
from numflow.passes.group import Group
from numflow.passes.materialise import layout_of, materialise
from numflow.passes.pipeline import run_passes
from numflow.passes.placing import MOST_NODES
from tests.codegen.drawn_programs import Trial, draw


def groups_of(graph: Graph) -> tuple[Graph, list[Group]]:
    graph = materialise(run_passes(graph))
    return graph, fuse(graph, fits)


def steps_of(*outputs: Tensor, trial: Trial) -> list[Step]:
    return emit(run_passes(trial.graph(*outputs))).steps


@pytest.mark.parametrize("seed", range(60))
def test_every_node_is_in_one_group_and_groups_wait_for_no_later_one(seed: int) -> None:
    """Of random programs; members read members of their own group where these are made."""
    drawn = draw(seed, nodes=10 + seed, symbolic=seed % 3 == 0)
    graph, groups = groups_of(drawn.result)
    nodes = [n for g in groups for n in g.nodes]
    assert len(nodes) == len(set(nodes))
    alone = {n for n in graph.nodes if n.op in (constant_op, sizes_op) or n.op.effect == "read"}
    views = {n for n in graph.nodes if isinstance(n.op.lower, View)}
    assert set(graph.nodes) - alone - views <= set(nodes) <= set(graph.nodes) - alone
    made: dict[Value, Group] = {v: g for g in groups for n in g.nodes for v in n.outputs}
    done: list[Group] = []
    layouts: dict[Value, tuple[Value, Layout]] = {}
    for g in groups:
        for n in g.nodes:
            for v in n.inputs:
                if made.get(v) is g:
                    assert v not in g.closed, "a member reads what its group only finishes"
                    continue
                source = made.get(v) or made.get(layout_of(v, layouts)[0])
                assert source is None or source in done
        done.append(g)


def test_elementwise_ops_around_one_fold_are_one_loop() -> None:
    """Softmax, its scale before and what follows: one pass over memory."""
    trial = Trial()
    with trial.building:
        x = trial.input(7, 5)
        y = math.square(activation.softmax(x * 3.0)) + 1.0
    (step,) = steps_of(y, trial=trial)
    assert isinstance(step, ClusterStep)


def test_cross_entropy_with_its_gradient_is_one_loop_beside_labels_and_mean() -> None:
    trial = Trial()
    with trial.building:
        x, labels = trial.input(64, 10), trial.input(64, dtype=dtypes.int32)
        y = reduce.reduce_mean(loss.sparse_softmax_cross_entropy_with_logits(labels, x))
        (gradient,) = trial.gradients(y, [x])
        assert gradient is not None
        bias = reduce.reduce_sum(gradient, 0)
    assert sum(isinstance(s, ClusterStep) for s in steps_of(y, gradient, bias, trial=trial)) <= 3


@pytest.mark.parametrize("function", [activation.relu, activation.relu6])
@pytest.mark.parametrize("size", [(4, 3), (2, 1, 2, 3)], ids=["matrix", "image"])
def test_a_product_takes_bias_and_relu_along(
    function: Callable[[Tensor], Tensor], size: tuple[int, ...]
) -> None:
    """Also where the result is seen as an image in between, whose rows are the same."""
    trial = Trial()
    with trial.building:
        x, w, b = trial.input(4, 5), trial.input(5, 3), trial.input(3)
        y = function(shape.reshape(linalg.matmul(x, w), size) + b)
    (step,) = steps_of(y, trial=trial)
    assert isinstance(step, LibraryStep)
    assert step.bias is not None
    assert step.activation == function.__name__


def test_a_bias_that_is_there_before_is_taken() -> None:
    trial = Trial()
    with trial.building:
        x, w, b = trial.input(4, 5), trial.input(5, 3), trial.input(3)
        bias = math.tanh(b)
        y = linalg.matmul(x, w) + bias
    loop, product = steps_of(y, trial=trial)
    assert isinstance(product, LibraryStep)
    assert product.bias is not None
    assert product.bias[0] in loop.writes


@pytest.mark.parametrize(
    "bias",
    [
        lambda b, c: slicing.getitem(b, np.s_[::2]),
        lambda b, c: slicing.getitem(c, np.s_[:, 1]),
        lambda b, c: math.tanh(slicing.getitem(b, np.s_[:3])),
    ],
    ids=["every other", "column", "computed behind"],
)
def test_a_bias_that_the_kernel_cannot_read_stays_outside(
    bias: Callable[[Tensor, Tensor], Tensor],
) -> None:
    """The kernel reads neighbours, and waits for no loop."""
    trial = Trial()
    with trial.building:
        x, w, b, c = (trial.input(*s) for s in ((4, 5), (5, 3), (6,), (3, 4)))
        y = linalg.matmul(x, w) + bias(b, c)
    products = [s for s in steps_of(y, trial=trial) if isinstance(s, LibraryStep)]
    assert [s.bias for s in products] == [None]


def test_updates_of_one_form_are_one_step() -> None:
    """All parameters of a model, whatever their shapes."""
    trial = Trial()
    with trial.building:
        for sizes in ((3, 5), (7,), (2, 3, 5)):
            variable, old = trial.variable(np.ones(sizes))
            trial.assign(variable, old - 0.1 * math.tanh(old))
    (step,) = steps_of(trial=trial)
    assert isinstance(step, SegmentStep)
    assert len(step.codes) == 3


def test_a_view_of_a_member_is_read_by_another_loop() -> None:
    trial = Trial()
    with trial.building:
        y = math.tanh(trial.input(5, 5))
        z = y + shape.transpose(y)
    assert len(steps_of(z, trial=trial)) == 2


def test_a_small_node_does_not_keep_two_large_loops_apart() -> None:
    """A batch norm: the sum of the gradients and that of gradients times x are one loop, though
    the first one's product with the scale could be computed with the scale."""
    trial = Trial()
    with trial.building:
        x, dy, scale = trial.input(7, 5), trial.input(7, 5), math.exp(trial.input(5))
        y = x * scale
        shift = reduce.reduce_sum(dy, 0) * scale
        slope = reduce.reduce_sum(dy * (x - scale), 0)
    small, large, last = steps_of(y, shift, slope, trial=trial)
    assert [n.op.name for n in small.nodes] == ["exp"]
    assert [n.op.name for n in large.nodes].count("reduce_sum") == 2
    assert [n.op.name for n in last.nodes] == ["multiply"]


def test_a_long_chain_is_several_loops() -> None:
    """One loop of thousands of ops would keep LLVM busy for minutes; equal parts compile once."""
    ops = ["  %1 = tanh(%0)", *(f"  %{k + 1} = tanh(%{k})" for k in range(1, 300))]
    graph = parse("\n".join(["graph(%0: f32[7])", *ops, "  return %300"]))
    lengths = [len(g.nodes) for g in fuse(graph)]
    assert sum(lengths) == 300 and max(lengths) == MOST_NODES
