"""TensorFlow: tf.function, the same through XLA, and TF1's Session.run with a feed."""

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from perf import workloads
from perf.programs import images_tensorflow, recurrent_tensorflow, sequences_tensorflow
from perf.programs.kernels_tensorflow import cases as cases
from perf.programs.sequences_tensorflow import attention_call as attention_call
from perf.timing import seconds_of_calls

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(THREADS)
v1, raw = tf.compat.v1, tf.raw_ops
v1.logging.set_verbosity(v1.logging.ERROR)


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
    logits = images_tensorflow.lenet(p, x)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def resnet(p: dict[str, Any], x: Any, y: Any) -> Any:
    logits = images_tensorflow.resnet(p, x)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


LOSSES = {
    "W4": linear,
    "W5": mlp_tanh,
    "W6": mlp,
    "W7": mlp,
    "W8": lenet,
    "W10": recurrent_tensorflow.sine,
    "W13R": resnet,
    "W14": sequences_tensorflow.block,
    "mlp": mlp,
    "deep": deep,
}


def variants(workload: str) -> list[str]:
    loops = ["function loop", "xla loop"] if workload in workloads.LOOP_WALKS else []
    return ["function", "function concrete", "xla", "session", *loops]


def training_step(workload: str, variant: str) -> Callable[[Any, Any], Any]:
    start = workloads.training(workload)
    if variant == "session":
        return _session_step(start, LOSSES[workloads.family(workload)])
    p = {name: tf.Variable(value) for name, value in start.parameters.items()}
    update = _updates(start, p)

    def one(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = LOSSES[workloads.family(workload)](p, x, y)
        update(dict(zip(p, tape.gradient(loss, list(p.values())), strict=True)))
        return loss

    def loop(xs: Any, ys: Any) -> Any:
        loss = 0.0
        for i in tf.range(tf.shape(xs)[0]):
            loss = one(tf.ensure_shape(xs[i], xs.shape[1:]), ys[i])
        return loss

    xla = variant.startswith("xla")
    step = tf.function(loop if workloads.is_loop(variant) else one, jit_compile=xla)
    if variant == "function concrete":  # skips the polymorphic dispatch, half of the call's cost
        concrete = step.get_concrete_function(*map(tf.constant, start.batches[0]))
        return lambda x, y: concrete(tf.constant(x), tf.constant(y))
    return step  # type: ignore[no-any-return]


def _updates(start: workloads.Training, p: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """apply(gradients) through TensorFlow's fused update kernels, the fastest it has."""
    rate = start.learning_rate
    if start.optimizer == "sgd":

        def descend(gradients: dict[str, Any]) -> None:
            for name, g in gradients.items():
                raw.ResourceApplyGradientDescent(var=p[name].handle, alpha=rate, delta=g)

        return descend
    if start.optimizer == "momentum":
        return _momentum(rate, p)
    m, v = ({name: tf.Variable(tf.zeros(q.shape)) for name, q in p.items()} for _ in "mv")
    power_1, power_2 = tf.Variable(workloads.ADAM_BETA_1), tf.Variable(workloads.ADAM_BETA_2)

    def adam(gradients: dict[str, Any]) -> None:
        a, b = power_1.read_value(), power_2.read_value()
        for name, g in gradients.items():
            raw.ResourceApplyAdam(
                var=p[name].handle,
                m=m[name].handle,
                v=v[name].handle,
                beta1_power=a,
                beta2_power=b,
                lr=rate,
                beta1=workloads.ADAM_BETA_1,
                beta2=workloads.ADAM_BETA_2,
                epsilon=workloads.ADAM_EPSILON,
                grad=g,
            )
        power_1.assign(a * workloads.ADAM_BETA_1)
        power_2.assign(b * workloads.ADAM_BETA_2)

    return adam


def _momentum(rate: float, p: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    slots = {name: tf.Variable(tf.zeros(q.shape)) for name, q in p.items()}

    def update(gradients: dict[str, Any]) -> None:
        for name, g in gradients.items():
            raw.ResourceApplyMomentum(
                var=p[name].handle,
                accum=slots[name].handle,
                lr=rate,
                grad=g,
                momentum=workloads.MOMENTUM,
            )

    return update


def _session_step(
    start: workloads.Training, loss_of: Callable[..., Any]
) -> Callable[[Any, Any], Any]:
    """TF1: placeholders, optimizer.minimize, Session.run([train, loss], feed_dict)."""
    with tf.Graph().as_default():
        x, y = (v1.placeholder(a.dtype, a.shape) for a in start.batches[0])
        p = {name: v1.get_variable(name, initializer=q) for name, q in start.parameters.items()}
        loss = loss_of(p, x, y)
        train = _session_optimizer(start).minimize(loss)
        config = v1.ConfigProto(
            intra_op_parallelism_threads=THREADS, inter_op_parallelism_threads=THREADS
        )
        session = v1.Session(config=config)
        session.run(v1.global_variables_initializer())
    return lambda a, b: session.run([train, loss], {x: a, y: b})[1]


def _session_optimizer(start: workloads.Training) -> Any:
    rate = start.learning_rate
    if start.optimizer == "sgd":
        return v1.train.GradientDescentOptimizer(rate)
    if start.optimizer == "momentum":
        return v1.train.MomentumOptimizer(rate, workloads.MOMENTUM)
    rates = workloads.ADAM_BETA_1, workloads.ADAM_BETA_2, workloads.ADAM_EPSILON
    return v1.train.AdamOptimizer(rate, *rates)


def phases(workload: str) -> dict[str, float]:
    """Seconds to trace, prepare and call a step of tf.function."""
    x, y = (tf.constant(a) for a in workloads.training(workload).batches[0])
    step: Any = training_step(workload, "function")
    start = time.perf_counter()
    concrete = step.get_concrete_function(x, y)
    traced = time.perf_counter()
    float(concrete(x, y))
    first = time.perf_counter()
    return {
        "trace": traced - start,
        "compile": first - traced,  # Grappler and the placement take place in the first call
        "first": first - start,
        "call": seconds_of_calls(lambda: float(concrete(x, y))),
    }
