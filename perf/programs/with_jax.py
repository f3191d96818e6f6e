"""JAX: jax.jit of the whole step, its state donated."""

import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from perf import workloads
from perf.programs import images_jax, recurrent_jax, sequences_jax
from perf.programs.kernels_jax import cases as cases
from perf.programs.sequences_jax import attention_call as attention_call
from perf.timing import seconds_of_calls

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


def deep(p: dict[str, Any], x: Any, y: Any) -> Any:
    layers = len(p) // 2
    for i in range(layers):
        x = x + jnp.tanh(x @ p[f"w{i}"] + p[f"b{i}"]) * (1 / layers)
    return ((x - y) ** 2).mean()


def lenet(p: dict[str, Any], x: Any, y: Any) -> Any:
    logits = images_jax.lenet(p, x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def resnet(p: dict[str, Any], x: Any, y: Any) -> Any:
    logits = images_jax.resnet(p, x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


LOSSES = {
    "W4": linear,
    "W5": mlp_tanh,
    "W6": mlp,
    "W7": mlp,
    "W8": lenet,
    "W10": recurrent_jax.sine,
    "W13R": resnet,
    "W14": sequences_jax.block,
    "mlp": mlp,
    "deep": deep,
}


def variants(workload: str) -> list[str]:
    return ["jit", "jit loop"] if workload in workloads.LOOP_WALKS else ["jit"]


def training_step(workload: str, variant: str) -> Callable[[Any, Any], Any]:
    compiled, state = _compiled(workload, workloads.is_loop(variant))

    def step(x: Any, y: Any) -> Any:
        nonlocal state
        state, loss = compiled(state, x, y)
        return loss

    return step


def _compiled(workload: str, loop: bool = False) -> tuple[Any, Any]:
    """(state, x, y) -> (state, loss) under jit, and the first state; a loop takes many x, y."""
    start = workloads.training(workload)
    optimizer = _optimizer(start)

    def one(state: Any, x: Any, y: Any) -> Any:
        p, slots = state
        loss, gradients = jax.value_and_grad(LOSSES[workloads.family(workload)])(p, x, y)
        updates, slots = optimizer.update(gradients, slots, p)
        return (optax.apply_updates(p, updates), slots), loss

    def scan(state: Any, xs: Any, ys: Any) -> Any:
        state, losses = jax.lax.scan(lambda state, batch: one(state, *batch), state, (xs, ys))
        return state, losses[-1]

    p = {name: jnp.array(value) for name, value in start.parameters.items()}
    return jax.jit(scan if loop else one, donate_argnums=0), (p, optimizer.init(p))


def _optimizer(start: workloads.Training) -> Any:
    rate = start.learning_rate
    if start.optimizer == "adam":
        rates = workloads.ADAM_BETA_1, workloads.ADAM_BETA_2, workloads.ADAM_EPSILON
        return optax.adam(rate, *rates)
    return optax.sgd(rate, workloads.MOMENTUM if start.optimizer == "momentum" else None)


def phases(workload: str) -> dict[str, float]:
    """Seconds to trace, compile and call a step."""
    function, state = _compiled(workload)
    x, y = workloads.training(workload).batches[0]
    start = time.perf_counter()
    lowered = function.lower(state, x, y)
    traced = time.perf_counter()
    compiled = lowered.compile()
    done = time.perf_counter()

    def call() -> None:
        nonlocal state
        state, loss = compiled(state, x, y)
        float(loss)

    call()
    first = time.perf_counter() - start
    return {
        "trace": traced - start,
        "compile": done - traced,
        "first": first,
        "call": seconds_of_calls(call),
    }
