"""Loops over recurrent cells for the tests of control/cells.py: the same loop with and without the
op, ways to walk over a sequence, ways to write the gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np

import numflow as nf
from numflow.control import loops

STEPS, BATCH, DEPTH, UNITS = 7, 3, 5, 4
RNG = np.random.default_rng(11)


def f64(*shape: int) -> Any:
    """Weights, or inputs."""
    return nf.constant(RNG.normal(size=shape) * 0.6)


X, W, U, B = f64(STEPS, BATCH, DEPTH), f64(DEPTH, 4 * UNITS), f64(UNITS, 4 * UNITS), f64(16)
ARGS = (X, W, U, B)


def zero() -> Any:
    """The first state."""
    return nf.zeros([BATCH, UNITS], nf.float64)


def ops_of(f: Any, *args: Any) -> list[str]:
    """The names of the ops of its trace."""
    graph = nf.function(f).get_concrete_function(*args).graph
    return [n.op.name for n in graph.nodes]


def slopes_of(f: Any) -> Any:
    """The gradients of a function by its arguments."""

    def slopes(*args: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(args)
            flat = nf.nest.flatten(f(*args))
            total = sum(nf.reduce_sum(y * y * (k + 1.0)) for k, y in enumerate(flat))
        return tape.gradient(total, args, unconnected_gradients="zero")

    return slopes


def same(f: Any, *args: Any, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    """Values and gradients with and without the op, and eagerly."""
    for g in (f, slopes_of(f)):
        have = nf.nest.flatten(nf.function(g)(*args))
        with patch.object(loops, "fused", lambda *_: None):
            loop = nf.nest.flatten(nf.function(g)(*args))
        for a, b, c in zip(have, loop, nf.nest.flatten(g(*args)), strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol, atol=atol)
            np.testing.assert_allclose(a.numpy(), c.numpy(), rtol=rtol, atol=atol)


# --- cells written in many ways ----------------------------------------------


def parts(t: Any) -> list[Any]:
    """What belongs to each of four gates."""
    return [t[..., k * UNITS : (k + 1) * UNITS] for k in range(4)]


def sums(way: str, x: Any, h: Any, w: Any, u: Any, b: Any) -> list[Any]:
    """What four gates are made of, before their activations."""
    if way == "concat":
        return nf.split(nf.matmul(nf.concat([x, h], 1), nf.concat([w, u], 0)) + b, 4, 1)
    if way == "other way round":
        return nf.split(b + nf.matmul(nf.concat([h, x], 1), nf.concat([u, w], 0)), 4, 1)
    if way == "two products":
        return nf.split(x @ w + h @ u + b, 4, axis=-1)
    if way == "split first":
        return [
            p + q for p, q in zip(nf.split(x @ w + b, 4, 1), nf.split(h @ u, 4, 1), strict=True)
        ]
    if way == "no bias":
        return nf.split(x @ w + h @ u, 4, 1)
    if way == "transposed":
        z = nf.matmul(x, nf.transpose(w), transpose_b=True) + nf.matmul(h, u) + b[None]
        return [z[:, k * UNITS : (k + 1) * UNITS] for k in range(4)]
    ws, us, bs = parts(w), parts(u), parts(b)
    return [x @ ws[k] + (h @ us[k] + bs[k]) + 0.25 for k in (2, 0, 3, 1)]


WAYS = [
    "concat",
    "other way round",
    "two products",
    "split first",
    "no bias",
    "transposed",
    "apart",
]


def lstm(z: list[Any], order: Any, forget: float, h: Any, c: Any) -> Any:
    """The new states, of the gates before their activations."""
    i, f, g, o = (z[k] for k in order)
    c = nf.tanh(g) * nf.sigmoid(i) + c * nf.sigmoid(f + forget)
    return nf.tanh(c) * nf.sigmoid(o), c


Walk = Callable[[Callable[..., Any], Any], Any]


def by_for(step: Callable[..., Any], x: Any) -> Any:
    h = c = zero()
    ys = nf.TensorArray(nf.float64, size=STEPS)
    for t in nf.range(STEPS):
        h, c = step(x[t], h, c)
        ys = ys.write(t, h)
    return ys.stack(), h, c


def _by_numbers(step: Callable[..., Any], x: Any) -> Any:
    """The numbers of the steps are a tensor, from the last to the first."""
    h = c = zero()
    ys, numbers = nf.TensorArray(nf.float64, size=STEPS), nf.range(STEPS - 1, -1, -1)
    for t in numbers:
        h, c = step(x[t], h, c)
        ys = ys.write(t, h)
    return ys.stack(), h, c


def _by_for_over_rows(step: Callable[..., Any], x: Any) -> Any:
    h = c = zero()
    ys = []
    for row in x:
        h, c = step(row, h, c)
        ys.append(h)
    return nf.stack(ys), h, c


def _by_while(step: Callable[..., Any], x: Any) -> Any:
    """Batch first, from the last step to the first."""
    x = nf.transpose(x, [1, 0, 2])

    def body(t: Any, h: Any, c: Any, ys: Any) -> Any:
        h, c = step(x[:, t], h, c)
        return t - 1, h, c, ys.write(t, h)

    start = (STEPS - 1, zero(), zero(), nf.TensorArray(nf.float64, size=STEPS))
    _, h, c, ys = nf.while_loop(lambda t, *_: t >= 0, body, start, maximum_iterations=100)
    return ys.stack(), h, c


def _by_scan(step: Callable[..., Any], x: Any) -> Any:
    return nf.scan(lambda s, row: step(row, *s), x, (zero(), zero()), reverse=True)


WALKS: dict[str, Walk] = {
    "for": by_for, "numbers": _by_numbers, "rows": _by_for_over_rows, "while": _by_while,
    "scan": _by_scan,
}  # fmt: skip
