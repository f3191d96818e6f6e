"""JAX: recurrent layers as scans, the products of the inputs before them."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from perf import recurrent
from perf.timing import Case

UNROLLED = (1, 8)  # steps of a turn of the loop


def lstm(x: Any, w: Any, u: Any, b: Any, reverse: bool = False, unroll: int = 1) -> Any:
    """[steps, batch, depth] -> [steps, batch, units]."""

    def cell(state: Any, z: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(z + h @ u, 4, 1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[1], u.shape[0]))
    return lax.scan(cell, (zeros, zeros), x @ w + b, reverse=reverse, unroll=unroll)[1]


def gru(x: Any, w: Any, u: Any, b: Any, reverse: bool = False, unroll: int = 1) -> Any:
    """The same of gated recurrent units."""

    def cell(h: Any, a: Any) -> Any:
        z, r, n = jnp.split(a, 3, 1)
        pz, pr, pn = jnp.split(h @ u, 3, 1)
        z, r = jax.nn.sigmoid(z + pz), jax.nn.sigmoid(r + pr)
        h = z * h + (1 - z) * jnp.tanh(n + r * pn)
        return h, h

    zeros = jnp.zeros((x.shape[1], u.shape[0]))
    return lax.scan(cell, zeros, x @ w + b, reverse=reverse, unroll=unroll)[1]


def sine(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    x = x.transpose(1, 0, 2)
    for i in "01":
        x = lstm(x, p["W" + i], p["R" + i], p["b" + i])
    return ((x[-1] @ p["wd"] + p["bd"] - y) ** 2).mean()


def _layers() -> Iterator[Case]:
    for kind in recurrent.LAYERS:
        x, dy, weights = recurrent.operands(kind)
        fed, d = (jnp.array(a.swapaxes(0, 1)) for a in (x, dy))
        p = [tuple(jnp.array(a) for a in three) for three in weights]
        layer = gru if kind == "gru" else lstm
        for unroll in UNROLLED:

            def forward(p: Any, x: Any, layer: Any = layer, unroll: int = unroll) -> Any:
                out = [layer(x, *q, reverse=i == 1, unroll=unroll) for i, q in enumerate(p)]
                return jnp.concatenate(out, 2)

            def backward(p: Any, x: Any, d: Any, forward: Any = forward) -> Any:
                y, back = jax.vjp(forward, p, x)
                return y, back(d)

            variant = f"jit scan unroll={unroll}"
            call = partial(_ready, jax.jit(forward), p, fed)
            result = partial(_turned, call)
            yield Case(f"{kind} {recurrent.FORWARD}", variant, call, result=result)
            call = partial(_ready, jax.jit(backward), p, fed, d)
            result = partial(_slope, call)
            yield Case(f"{kind} {recurrent.BOTH}", variant, call, result=result)


def _ready(f: Callable[..., Any], *arguments: Any) -> Any:
    return jax.block_until_ready(f(*arguments))


def _turned(call: Callable[[], Any]) -> Any:
    return call().swapaxes(0, 1)


def _slope(call: Callable[[], Any]) -> Any:
    """(y, dx)."""
    y, (_, dx) = call()
    return y.swapaxes(0, 1), dx.swapaxes(0, 1)


CASES = {"W11": _layers}
