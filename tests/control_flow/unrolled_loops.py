"""Cells that Python writes out step by step, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, settings

import numflow as nf
from numflow.passes import pipeline, unrolled_cells
from numflow.passes.cse import cse
from numflow.passes.dead_code import dead_code

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
STEPS, BATCH, DEPTH, UNITS = 7, 3, 5, 4
RNG = np.random.default_rng(12)
Step = Callable[..., tuple[Any, Any]]


def f64(*shape: int) -> Any:
    return nf.constant(RNG.normal(size=shape) * 0.6)


X, W, U, B = f64(BATCH, STEPS, DEPTH), f64(DEPTH, 4 * UNITS), f64(UNITS, 4 * UNITS), f64(16)
ARGS = (X, W, U, B)
W4, U4 = W[:, :4], U[:, :4]


def zero_state(dtype: nf.DType = nf.float64) -> Any:
    return nf.zeros([BATCH, UNITS], dtype)


def ops_of(f: Any, *args: Any) -> list[str]:
    """The ops that run, before they are made of others: the gradients of a traced tape too."""
    graph = nf.function(f).get_concrete_function(*args).graph
    found: list[list[str]] = []
    pipeline.run_passes(graph, lambda _, g: found.append(live_ops(g)))
    return found[1]


def live_ops(graph: Any) -> list[str]:
    return [n.op.name for n in cse(dead_code(graph)).nodes]


@contextmanager
def as_written() -> Iterator[None]:
    with patch.object(unrolled_cells, "cell_finders", []):
        yield


def total_of(ys: Any) -> Any:
    flat = nf.nest.flatten(ys)
    return sum(nf.reduce_sum(y * y * (k + 1.0)) for k, y in enumerate(flat))


def slopes_of(f: Any) -> Any:
    def slopes(*args: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(args)
            total = total_of(f(*args))
        return tape.gradient(total, args, unconnected_gradients="zero")

    return slopes


def by_gradients(f: Any) -> Any:
    return lambda *args: nf.gradients(total_of(f(*args)), list(args), unconnected_gradients="zero")


def check_same(f: Any, *args: Any, tolerance: float = 1e-9, ways: int = 4) -> None:
    """Values and gradients with and without the op: of a tape inside, of one around, of
    nf.gradients."""
    runs = [
        (nf.function(f), f),
        (nf.function(slopes_of(f)), slopes_of(f)),
        (slopes_of(nf.function(f)), slopes_of(f)),
        (nf.function(by_gradients(f)), slopes_of(f)),
    ]
    for g, plain in runs[:ways]:
        have = nf.nest.flatten(g(*args))
        want = nf.nest.flatten(plain(*args))
        assert len(have) == len(want)
        for a, b in zip(have, want, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance / 10)


def check_becomes(op: str, f: Any, *args: Any) -> None:
    """f has the op once, and its gradient has it once, too."""
    ops = ops_of(f, *args)
    assert ops.count(op) == 1 and "sigmoid" not in ops, ops
    ops = ops_of(slopes_of(f), *args)
    gradient = op.replace("_steps", "_gradients")
    assert ops.count(op) == 1 and ops.count(gradient) == 1, ops
    check_same(f, *args)


def check_stays(f: Any, *args: Any) -> None:
    assert not any(op.endswith("_steps") for op in ops_of(f, *args))
    check_same(f, *args, ways=2)


def parts_of(t: Any) -> list[Any]:
    return [t[..., k * UNITS : (k + 1) * UNITS] for k in range(4)]


def looped(x: Any, w: Any, u: Any, h: Any, first: int = 0, last: int = STEPS) -> list[Any]:
    ys = []
    for t in range(first, last):
        h = nf.tanh(x[:, t] @ w + h @ u)
        ys.append(h)
    return ys
