"""JAX: jax.jit of the whole step, its state donated."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from perf import workloads
from perf.timing import Case

if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def linear(p: dict[str, Any], x: Any, y: Any) -> Any:
    return (x * p["w"] + p["b"] - y) ** 2 / 34


def mlp_tanh(p: dict[str, Any], x: Any, y: Any) -> Any:
    return ((jnp.tanh(x @ p["w0"] + p["b0"]) @ p["w1"] + p["b1"] - y) ** 2).mean()


def mlp(p: dict[str, Any], x: Any, y: Any) -> Any:
    layers = len(p) // 2
    for i in range(layers):
        x = x @ p[f"w{i}"] + p[f"b{i}"]
        x = jax.nn.relu(x) if i < layers - 1 else x
    return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()


LOSSES = {"W4": linear, "W5": mlp_tanh, "W6": mlp, "W7": mlp}


def variants(workload: str) -> list[str]:
    return ["jit"]


def training_step(workload: str, variant: str) -> Callable[[Any, Any], Any]:
    start = workloads.training(workload)
    optimizer = (
        optax.sgd(start.learning_rate)
        if start.optimizer == "sgd"
        else optax.adam(
            start.learning_rate,
            workloads.ADAM_BETA_1,
            workloads.ADAM_BETA_2,
            workloads.ADAM_EPSILON,
        )
    )

    def one(state: Any, x: Any, y: Any) -> Any:
        p, slots = state
        loss, gradients = jax.value_and_grad(LOSSES[workload])(p, x, y)
        updates, slots = optimizer.update(gradients, slots, p)
        return (optax.apply_updates(p, updates), slots), loss

    compiled = jax.jit(one, donate_argnums=0)
    p = {name: jnp.array(value) for name, value in start.parameters.items()}
    state = p, optimizer.init(p)

    def step(x: Any, y: Any) -> Any:
        nonlocal state
        state, loss = compiled(state, x, y)
        return loss

    return step


def cases(workload: str) -> Iterator[Case]:
    wait = jax.block_until_ready
    if workload == "W1":
        a = np.arange(workloads.W1_SIZE, dtype=np.float32)
        x = jnp.array(a)
        f = jax.jit(lambda x: x + 1)
        yield Case("numpy in and out", "jit", lambda: np.asarray(f(a)))
        yield Case("numpy in", "jit", lambda: f(a), wait)
        yield Case("tensor in", "jit", lambda: f(x), wait)
    elif workload == "W12":
        compiled = jax.jit(lambda a, b: a @ b)

        def product(a: Any, b: Any) -> Any:
            return wait(compiled(a, b))

        for name in workloads.PRODUCTS:
            m, n = (jnp.array(q) for q in workloads.matrices(name))
            yield Case(name, "jit", partial(product, m, n))
