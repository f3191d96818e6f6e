"""TensorFlow: calls, chains, rows, products, optimizers, files; tf.function, and through XLA."""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from perf import operands, scalars, workloads
from perf.programs import images_tensorflow, recurrent_tensorflow, sequences_tensorflow
from perf.timing import Case

v1, raw = tf.compat.v1, tf.raw_ops


def gelu(x: Any) -> Any:
    inner = operands.GELU_C * (x + operands.GELU_K * x * x * x)
    return 0.5 * x * (1 + tf.tanh(inner)) * operands.SCALE + operands.SHIFT


def gelu_gradient(x: Any) -> Any:
    return tf.gradients(tf.reduce_sum(gelu(x)), x)[0]


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, operands.NORM_EPSILON)


def norm_gradient(x: Any, gamma: Any, beta: Any, dy: Any) -> Any:
    y = layer_norm(x, gamma, beta)
    return y, tf.gradients(y, (x, gamma, beta), dy)


def _both(name: str, f: Callable[..., Any], *arguments: Any) -> Iterator[Case]:
    for variant, xla in (("function", False), ("xla", True)):
        yield Case(name, variant, partial(tf.function(f, jit_compile=xla), *arguments))


def _calls() -> Iterator[Case]:
    """x + 1 on ten floats, in every way to call it."""
    a = np.arange(workloads.W1_SIZE, dtype=np.float32)
    x = tf.constant(a)
    for variant, xla in (("function", False), ("xla", True)):
        yield from _forms(variant, tf.function(lambda x: x + 1, jit_compile=xla), a, x)
    concrete = tf.function(lambda x: x + 1).get_concrete_function(x)
    yield Case("numpy in and out", "concrete", lambda: concrete(tf.constant(a)).numpy())
    yield Case("numpy in", "concrete", lambda: concrete(tf.constant(a)))
    yield Case("tensor in", "concrete", lambda: concrete(x))
    yield Case("numpy in and out", "eager", lambda: (tf.constant(a) + 1).numpy())
    yield Case("tensor in", "eager", lambda: x + 1)
    with tf.Graph().as_default():
        fed = v1.placeholder(tf.float32, [workloads.W1_SIZE])
        result = fed + 1
        session = v1.Session()
        yield Case("numpy in and out", "session", lambda: session.run(result, {fed: a}))


def _forms(variant: str, f: Callable[[Any], Any], a: Any, x: Any) -> Iterator[Case]:
    yield Case("numpy in and out", variant, lambda: f(a).numpy())
    yield Case("numpy in", variant, lambda: f(a))
    yield Case("tensor in", variant, lambda: f(x))


def _chains() -> Iterator[Case]:
    for size in operands.CHAIN_SIZES:
        x = tf.constant(operands.chain_input(size))
        yield from _both(f"gelu {size}", gelu, x)
        yield from _both(f"grad {size}", gelu_gradient, x)


def _stream() -> Iterator[Case]:
    abc = [tf.constant(q) for q in operands.stream()]
    yield from _both(operands.STREAM, lambda a, b, c: tf.nn.relu(a * b + c), *abc)


def _rows() -> Iterator[Case]:
    x = tf.constant(operands.softmax_input())
    yield from _both("softmax+lse", lambda x: (tf.nn.softmax(x), tf.reduce_logsumexp(x, 1)), x)
    norm = [tf.constant(q) for q in operands.norm_operands()]
    yield from _both("layer norm", norm_gradient, *norm)
    yield _keras_norm(*norm)
    x = tf.constant(operands.sum_input())
    yield from _both("column sum", lambda x: tf.reduce_sum(x, 0), x)


def _keras_norm(x: Any, gamma: Any, beta: Any, dy: Any) -> Case:
    layer = tf.keras.layers.LayerNormalization(epsilon=operands.NORM_EPSILON)
    layer.build(x.shape)
    layer.set_weights([gamma, beta])

    def run(x: Any, dy: Any) -> Any:
        y = layer(x)
        return y, tf.gradients(y, [x, *(v.value for v in layer.trainable_variables)], dy)

    return Case("layer norm", "keras", partial(tf.function(run), x, dy))


def _products() -> Iterator[Case]:
    for name in workloads.PRODUCTS:
        a, b = (tf.constant(q) for q in workloads.matrices(name))
        yield from _both(name, lambda a, b: a @ b, a, b)


def _adam() -> Iterator[Case]:
    for variant, xla in (("function", False), ("xla", True)):
        step, p = _adam_step(xla)
        yield Case("25M parameters", variant, step, result=partial(_twice, step, p))


def _twice(step: Callable[[], Any], p: list[Any]) -> list[Any]:
    step()
    step()
    return [q.numpy() for q in p]


def _adam_step(xla: bool) -> tuple[Callable[[], Any], list[Any]]:
    """TensorFlow's fused update, for each parameter."""
    values, slopes = operands.adam_operands()
    p = [tf.Variable(value) for value in values]
    g = [tf.constant(value) for value in slopes]
    m, v = ([tf.Variable(tf.zeros(q.shape)) for q in p] for _ in "mv")
    powers = tf.Variable(workloads.ADAM_BETA_1), tf.Variable(workloads.ADAM_BETA_2)

    def step() -> None:
        first, second = (power.read_value() for power in powers)
        for q, slope, a, b in zip(p, g, m, v, strict=True):
            raw.ResourceApplyAdam(
                var=q.handle,
                m=a.handle,
                v=b.handle,
                beta1_power=first,
                beta2_power=second,
                lr=operands.ADAM_RATE,
                beta1=workloads.ADAM_BETA_1,
                beta2=workloads.ADAM_BETA_2,
                epsilon=workloads.ADAM_EPSILON,
                grad=slope,
            )
        powers[0].assign(first * workloads.ADAM_BETA_1)
        powers[1].assign(second * workloads.ADAM_BETA_2)

    return tf.function(step, jit_compile=xla), p


def _eager() -> Iterator[Case]:
    x, a, b = (tf.constant(q) for q in operands.small_operands())
    yield Case("x + 1 on 10", "eager", lambda: x + 1)
    yield Case("matmul 8x8", "eager", lambda: tf.matmul(a, b))
    yield Case("softmax on 10", "eager", lambda: tf.nn.softmax(x))


def _large() -> Iterator[Case]:
    a, b, _ = (tf.constant(q) for q in operands.stream())
    yield Case("a + b on 16M", "eager", lambda: a + b)
    yield Case("exp on 16M", "eager", lambda: tf.exp(a))


def _saved() -> Iterator[Case]:
    """TensorFlow checks what it reads, and leaves to the system when what it wrote is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        variables = [tf.Variable(a) for a in operands.saved_arrays()]
        checkpoint, path = tf.train.Checkpoint(v=variables), str(Path(folder) / "checkpoint")

        def save() -> None:
            checkpoint.write(path)
            for file in Path(folder).iterdir():
                with open(file, "rb") as written:
                    os.fsync(written.fileno())

        def loaded() -> list[Any]:
            for v in variables:
                v.assign(tf.zeros_like(v))
            checkpoint.read(path)
            return [v.numpy() for v in variables[::31]]

        def saved() -> list[Any]:
            save()
            return loaded()

        yield Case("save", "Checkpoint", save, result=saved)
        yield Case("load", "Checkpoint", lambda: checkpoint.read(path), result=loaded)


def _sparse() -> Iterator[Case]:
    for variant in ("function", "scatter"):
        step, result = _sparse_step(variant == "scatter")
        yield Case("embedding", variant, step, result=result)


def _sparse_step(scatter: bool) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """By tf.keras's optimizer on IndexedSlices; or by the scatter that these lead to."""
    start, rows, wanted = operands.sparse_operands()
    table = tf.Variable(start)
    optimizer = tf.keras.optimizers.SGD(operands.SPARSE_RATE)
    optimizer.build([table])

    def step(rows: Any, wanted: Any) -> Any:
        with tf.GradientTape() as tape:
            found = tf.nn.embedding_lookup(table, rows)
            loss = tf.reduce_sum((found - wanted) ** 2) / operands.LOOKUPS
        slope = tape.gradient(loss, table)
        if scatter:
            raw.ResourceScatterSub(
                resource=table.handle,
                indices=slope.indices,
                updates=operands.SPARSE_RATE * slope.values,
            )
        else:
            optimizer.apply_gradients([(slope, table)])
        return loss

    call = partial(tf.function(step), rows, wanted)

    def result() -> Any:
        call()
        return table.numpy()

    return call, result


def _scalars() -> Iterator[Case]:
    """Through XLA, for without it a turn takes microseconds."""
    for name, (loop, numbers) in scalars.LOOPS.items():
        f = tf.function(loop, jit_compile=True)
        yield Case(name, "xla", partial(f, *map(tf.constant, numbers)))


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W1": _calls,
    "W2": _chains,
    "stream": _stream,
    "W3": _rows,
    "W12": _products,
    "adam": _adam,
    "eager": _eager,
    "large": _large,
    "W16": _saved,
    "sparse": _sparse,
    "scalar": _scalars,
    **images_tensorflow.CASES,
    **recurrent_tensorflow.CASES,
    **sequences_tensorflow.CASES,
}


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else iter(())
