"""numflow through its TensorFlow-compatible API and nothing else."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import numflow as tf
from perf import workloads
from perf.timing import Case


def linear(p: dict[str, Any], x: Any, y: Any) -> Any:
    return (x * p["w"] + p["b"] - y) ** 2 / 34


def mlp_tanh(p: dict[str, Any], x: Any, y: Any) -> Any:
    a = tf.tanh(x @ p["w0"] + p["b0"]) @ p["w1"] + p["b1"]
    return tf.reduce_mean(tf.math.squared_difference(a, y))


def mlp(p: dict[str, Any], x: Any, y: Any) -> Any:
    layers = len(p) // 2
    for i in range(layers):
        x = tf.nn.bias_add(x @ p[f"w{i}"], p[f"b{i}"])
        x = tf.nn.relu(x) if i < layers - 1 else x
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, x))


LOSSES = {"W4": linear, "W5": mlp_tanh, "W6": mlp, "W7": mlp}


def variants(workload: str) -> list[str]:
    return ["function"]


def training_step(workload: str, variant: str) -> Any:
    start = workloads.training(workload)
    loss_of = LOSSES[workload]
    p = {name: tf.Variable(value, name=name) for name, value in start.parameters.items()}
    optimizer = (
        tf.keras.optimizers.SGD(start.learning_rate)
        if start.optimizer == "sgd"
        else tf.keras.optimizers.Adam(
            start.learning_rate,
            workloads.ADAM_BETA_1,
            workloads.ADAM_BETA_2,
            workloads.ADAM_EPSILON,
        )
    )

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(p, x, y)
        gradients = tape.gradient(loss, p)
        optimizer.apply_gradients([(gradients[name], p[name]) for name in p])
        return loss

    return step


def cases(workload: str) -> Iterator[Case]:
    if workload == "W1":
        a = np.arange(workloads.W1_SIZE, dtype=np.float32)
        x = tf.constant(a)
        f = tf.function(lambda x: x + 1)
        yield Case("numpy in and out", "function", lambda: f(a).numpy())
        yield Case("numpy in", "function", lambda: f(a))
        yield Case("tensor in", "function", lambda: f(x))
        yield Case("tensor in", "eager", lambda: x + 1)
    elif workload == "W12":
        product = tf.function(lambda a, b: a @ b)
        for name in workloads.PRODUCTS:
            m, n = (tf.constant(q) for q in workloads.matrices(name))
            yield Case(name, "function", partial(product, m, n))
