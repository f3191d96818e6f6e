"""numflow through its TensorFlow-compatible API; `phases` alone looks behind it."""

import time
from collections.abc import Callable
from typing import Any

import numflow as tf
from perf import workloads
from perf.programs import images_numflow, recurrent_numflow, sequences_numflow
from perf.programs.kernels_numflow import cases as cases
from perf.programs.sequences_numflow import attention_call as attention_call
from perf.timing import seconds_of_calls


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


def deep(p: dict[str, Any], x: Any, y: Any) -> Any:
    layers = len(p) // 2
    for i in range(layers):
        x = x + tf.tanh(x @ p[f"w{i}"] + p[f"b{i}"]) * (1 / layers)
    return tf.reduce_mean(tf.math.squared_difference(x, y))


def lenet(p: dict[str, Any], x: Any, y: Any) -> Any:
    logits = images_numflow.lenet(p, x)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def resnet(p: dict[str, Any], x: Any, y: Any) -> Any:
    logits = images_numflow.resnet(p, x)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


LOSSES = {
    "W4": linear,
    "W5": mlp_tanh,
    "W6": mlp,
    "W7": mlp,
    "W8": lenet,
    "W13R": resnet,
    "W14": sequences_numflow.block,
    "mlp": mlp,
    "deep": deep,
}


def variants(workload: str) -> list[str]:
    if workload == "W14":
        return ["function", "softmax by hand"]
    return ["function", "function loop"] if workload in workloads.LOOP_WALKS else ["function"]


def training_step(workload: str, variant: str) -> Any:
    start = workloads.training(workload)
    p: dict[str, Any]
    loss_of: Callable[..., Any]
    if workload == "W10":  # layers hold the variables
        model = recurrent_numflow.Sine(start.parameters)
        p, loss_of = model.p, model.loss
    else:
        p = {name: tf.Variable(value, name=name) for name, value in start.parameters.items()}
        loss_of = LOSSES[workloads.family(workload)]
    if variant == "softmax by hand":
        loss_of = sequences_numflow.block_by_hand
    optimizer = _optimizer(start)

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(p, x, y)
        gradients = tape.gradient(loss, p)
        optimizer.apply_gradients([(gradients[name], p[name]) for name in p])
        return loss

    def loop(xs: Any, ys: Any) -> Any:
        loss = 0.0
        for i in tf.range(tf.shape(xs)[0]):
            loss = step(xs[i], ys[i])
        return loss

    return tf.function(loop if workloads.is_loop(variant) else step)


def _optimizer(start: workloads.Training) -> Any:
    optimizers, rate = tf.keras.optimizers, start.learning_rate
    if start.optimizer == "adam":
        rates = workloads.ADAM_BETA_1, workloads.ADAM_BETA_2, workloads.ADAM_EPSILON
        return optimizers.Adam(rate, *rates)
    return optimizers.SGD(rate, workloads.MOMENTUM if start.optimizer == "momentum" else 0.0)


def phases(workload: str) -> dict[str, float]:
    """Seconds to trace, compile, plan and call a step, and how many ops its trace has."""
    x, y = workloads.training(workload).batches[0]
    step = training_step(workload, "function")
    start = time.perf_counter()
    concrete = step.get_concrete_function(x, y)
    traced = time.perf_counter()
    executable = concrete.plain()
    compiled = time.perf_counter()
    executable.plan([x, y, *(tensor.numpy() for tensor in concrete.captured_inputs)])
    planned = time.perf_counter()
    float(step(x, y))
    first = time.perf_counter() - start
    return {
        "ops": len(concrete.graph.nodes),
        "trace": traced - start,
        "compile": compiled - traced,
        "plan": planned - compiled,
        "first": first,
        "call": seconds_of_calls(lambda: float(step(x, y))),
    }
