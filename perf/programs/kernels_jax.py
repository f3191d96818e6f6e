"""JAX: calls, chains, rows, products, optimizers; jax.jit, with memory donated where that helps."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from perf import operands, scalars, workloads
from perf.programs import images_jax, recurrent_jax, sequences_jax
from perf.timing import Case

wait = jax.block_until_ready


def gelu(x: Any) -> Any:
    inner = operands.GELU_C * (x + operands.GELU_K * x * x * x)
    return 0.5 * x * (1 + jnp.tanh(inner)) * operands.SCALE + operands.SHIFT


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + operands.NORM_EPSILON) * gamma + beta


def norm_gradient(x: Any, gamma: Any, beta: Any, dy: Any) -> Any:
    y, back = jax.vjp(layer_norm, x, gamma, beta)
    return y, back(dy)


def donated(f: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """f into the memory of its last result: what `out=` is elsewhere."""

    def into(old: Any, *arguments: Any) -> Any:
        return f(*arguments)

    compiled = jax.jit(into, donate_argnums=0, keep_unused=True)
    held = [jnp.array(jax.jit(f)(*arguments))]

    def call() -> Any:
        held[0] = wait(compiled(held[0], *arguments))
        return held[0]

    return call


def _call(f: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """f, compiled; each call waits, for results of the next would need memory of their own."""
    compiled = jax.jit(f)
    return lambda: wait(compiled(*arguments))


def _calls() -> Iterator[Case]:
    a = np.arange(workloads.W1_SIZE, dtype=np.float32)
    x = jnp.array(a)
    f = jax.jit(lambda x: x + 1)
    yield Case("numpy in and out", "jit", lambda: np.asarray(f(a)))
    yield Case("numpy in", "jit", lambda: f(a), wait)
    yield Case("tensor in", "jit", lambda: f(x), wait)


def _chains() -> Iterator[Case]:
    slope = jax.grad(lambda x: gelu(x).sum())
    for size in operands.CHAIN_SIZES:
        x = jnp.array(operands.chain_input(size))
        for name, f in (("gelu", gelu), ("grad", slope)):
            yield Case(f"{name} {size}", "jit", _call(f, x))
            yield Case(f"{name} {size}", "donated", donated(f, x))


def _stream() -> Iterator[Case]:
    def f(a: Any, b: Any, c: Any) -> Any:
        return jax.nn.relu(a * b + c)

    abc = [jnp.array(q) for q in operands.stream()]
    yield Case(operands.STREAM, "jit", _call(f, *abc))
    yield Case(operands.STREAM, "donated", donated(f, *abc))


def _rows() -> Iterator[Case]:
    x = jnp.array(operands.softmax_input())
    both = _call(lambda x: (jax.nn.softmax(x), jax.nn.logsumexp(x, 1)), x)
    yield Case("softmax+lse", "jit", both)
    norm = [jnp.array(q) for q in operands.norm_operands()]
    yield Case("layer norm", "jit", _call(norm_gradient, *norm))
    yield Case("column sum", "jit", _call(lambda x: x.sum(0), jnp.array(operands.sum_input())))


def _products() -> Iterator[Case]:
    for name in workloads.PRODUCTS:
        m, n = (jnp.array(q) for q in workloads.matrices(name))
        yield Case(name, "jit", _call(lambda a, b: a @ b, m, n))


def _adam() -> Iterator[Case]:
    values, slopes = ([jnp.array(a) for a in q] for q in operands.adam_operands())
    optimizer = optax.adam(
        operands.ADAM_RATE, workloads.ADAM_BETA_1, workloads.ADAM_BETA_2, workloads.ADAM_EPSILON
    )

    @partial(jax.jit, donate_argnums=0)
    def update(state: Any, gradients: Any) -> Any:
        p, slots = state
        change, slots = optimizer.update(gradients, slots, p)
        return optax.apply_updates(p, change), slots

    held = [(values, optimizer.init(values))]

    def step() -> Any:
        held[0] = wait(update(held[0], slopes))
        return held[0][0]

    yield Case("25M parameters", "jit donated", step, result=lambda: step() and step())


def _eager() -> Iterator[Case]:
    x, a, b = (jnp.array(q) for q in operands.small_operands())
    yield Case("x + 1 on 10", "eager", lambda: x + 1, wait)
    yield Case("matmul 8x8", "eager", lambda: jnp.matmul(a, b), wait)
    yield Case("softmax on 10", "eager", lambda: jax.nn.softmax(x), wait)


def _large() -> Iterator[Case]:
    a, b, _ = (jnp.array(q) for q in operands.stream())
    yield Case("a + b on 16M", "eager", lambda: wait(a + b))
    yield Case("exp on 16M", "eager", lambda: wait(jnp.exp(a)))


def _sparse() -> Iterator[Case]:
    table, rows, wanted = operands.sparse_operands()

    def loss(found: Any, wanted: Any) -> Any:
        return ((found - wanted) ** 2).sum() / operands.LOOKUPS

    @partial(jax.jit, donate_argnums=0)
    def update(table: Any, rows: Any, wanted: Any) -> Any:
        value, slope = jax.value_and_grad(loss)(table[rows], wanted)
        return table.at[rows].add(-operands.SPARSE_RATE * slope), value

    held = [jnp.array(table)]

    def step() -> Any:
        held[0], value = wait(update(held[0], rows, wanted))
        return value

    def result() -> Any:
        step()
        return np.array(held[0])

    yield Case("embedding", "jit donated", step, result=result)


def _collatz(limit: Any) -> Any:
    def walk(x: Any, steps: Any) -> Any:
        def turn(state: Any) -> Any:
            x, steps = state
            return jnp.where(x % 2 == 0, x // 2, 3 * x + 1), steps + 1

        return jax.lax.while_loop(lambda state: state[0] != 1, turn, (x, steps))[1]

    return jax.lax.fori_loop(1, limit, walk, limit - limit)


def _mandelbrot(step: Any, most: Any) -> Any:
    def point(a: Any, b: Any, turns: Any) -> Any:
        def turn(state: Any) -> Any:
            x, y, k = state
            return x * x - y * y + a, 2.0 * x * y + b, k + 1

        def inside(state: Any) -> Any:
            x, y, k = state
            return (k < most) & (x * x + y * y < 4.0)

        start = (step - step, step - step, most - most)
        return turns + jax.lax.while_loop(inside, turn, start)[2]

    def row(b: Any, turns: Any) -> Any:
        start = (step - step + scalars.LEFT, turns)
        return jax.lax.while_loop(
            lambda s: s[0] < 0.5, lambda s: (s[0] + step, point(s[0], b, s[1])), start
        )[1]

    start = (step - step + scalars.BOTTOM, most - most)
    return jax.lax.while_loop(lambda s: s[0] < 1.25, lambda s: (s[0] + step, row(*s)), start)[1]


def _scalars() -> Iterator[Case]:
    for name, f in (("Collatz", _collatz), ("Mandelbrot", _mandelbrot)):
        compiled, numbers = jax.jit(f), scalars.LOOPS[name][1]
        yield Case(name, "jit", partial(_wide, compiled, *numbers))


def _wide(f: Callable[..., Any], *numbers: Any) -> Any:
    """In 64 bits."""
    with jax.enable_x64(True):
        return wait(f(*numbers))


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W1": _calls,
    "W2": _chains,
    "stream": _stream,
    "W3": _rows,
    "W12": _products,
    "adam": _adam,
    "eager": _eager,
    "large": _large,
    "sparse": _sparse,
    "scalar": _scalars,
    **images_jax.CASES,
    **recurrent_jax.CASES,
    **sequences_jax.CASES,
}


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else iter(())
