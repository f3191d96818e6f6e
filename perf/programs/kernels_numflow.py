"""numflow: calls, chains, rows, streams, products, optimizers, files."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import numflow as tf
from perf import operands, scalars, workloads
from perf.programs import images_numflow, recurrent_numflow, sequences_numflow
from perf.timing import Case


def gelu(x: Any) -> Any:
    inner = operands.GELU_C * (x + operands.GELU_K * x * x * x)
    return 0.5 * x * (1 + tf.tanh(inner)) * operands.SCALE + operands.SHIFT


def gelu_gradient(x: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(gelu(x))
    return tape.gradient(y, x)


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, operands.NORM_EPSILON)


def norm_gradient(x: Any, gamma: Any, beta: Any, dy: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch((x, gamma, beta))
        y = layer_norm(x, gamma, beta)
    return y, tape.gradient(y, (x, gamma, beta), output_gradients=dy)


# workloads with `functions`
ELSEWHERE = {
    **images_numflow.FUNCTIONS,
    **recurrent_numflow.FUNCTIONS,
    **sequences_numflow.FUNCTIONS,
}
COMPILED = ("W2", "stream", "W3", "W12", "adam", "sparse", "scalar", *ELSEWHERE)


def functions(workload: str) -> Iterator[tuple[str, Any, list[Any]]]:
    """name, tf.function and its arguments, of each case that is one compiled call."""
    if workload == "W2":
        for size in operands.CHAIN_SIZES:
            x = tf.constant(operands.chain_input(size))
            yield f"gelu {size}", tf.function(gelu), [x]
            yield f"grad {size}", tf.function(gelu_gradient), [x]
    elif workload == "stream":
        f = tf.function(lambda a, b, c: tf.nn.relu(a * b + c))
        yield operands.STREAM, f, [tf.constant(q) for q in operands.stream()]
    elif workload == "W3":
        f = tf.function(lambda x: (tf.nn.softmax(x), tf.reduce_logsumexp(x, 1)))
        yield "softmax+lse", f, [tf.constant(operands.softmax_input())]
        norm = [tf.constant(q) for q in operands.norm_operands()]
        yield "layer norm", tf.function(norm_gradient), norm
        f = tf.function(lambda x: tf.reduce_sum(x, 0))
        yield "column sum", f, [tf.constant(operands.sum_input())]
    elif workload == "W12":
        product = tf.function(lambda a, b: a @ b)
        for name in workloads.PRODUCTS:
            yield name, product, [tf.constant(q) for q in workloads.matrices(name)]
    elif workload == "adam":
        yield "25M parameters", adam_step()[0], []
    elif workload == "sparse":
        step, arguments, _ = sparse_step()
        yield "embedding", step, arguments
    elif workload == "scalar":
        for name, (loop, numbers) in scalars.LOOPS.items():
            yield name, tf.function(loop), [tf.constant(n) for n in numbers]
    elif workload in ELSEWHERE:
        yield from ELSEWHERE[workload]()


def adam_step() -> tuple[Any, list[Any]]:
    """A function that updates all parameters, and these."""
    values, slopes = operands.adam_operands()
    p = [tf.Variable(value) for value in values]
    g = [tf.constant(value) for value in slopes]
    optimizer = tf.keras.optimizers.Adam(
        operands.ADAM_RATE, workloads.ADAM_BETA_1, workloads.ADAM_BETA_2, workloads.ADAM_EPSILON
    )

    @tf.function
    def step() -> None:
        optimizer.apply_gradients(list(zip(g, p, strict=True)))

    return step, p


def sparse_step() -> tuple[Any, list[Any], Any]:
    """A function that trains some rows of a table, its arguments, and the table."""
    start, rows, wanted = operands.sparse_operands()
    table = tf.Variable(start)
    optimizer = tf.keras.optimizers.SGD(operands.SPARSE_RATE)

    @tf.function
    def step(rows: Any, wanted: Any) -> Any:
        with tf.GradientTape() as tape:
            found = tf.nn.embedding_lookup(table, rows)
            loss = tf.reduce_sum((found - wanted) ** 2) / operands.LOOKUPS
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        return loss

    return step, [rows, wanted], table


def _compiled(workload: str) -> Iterator[Case]:
    for name, f, arguments in functions(workload):
        yield Case(name, "function", partial(f, *arguments))


def _calls() -> Iterator[Case]:
    a = np.arange(workloads.W1_SIZE, dtype=np.float32)
    x = tf.constant(a)
    f = tf.function(lambda x: x + 1)
    yield Case("numpy in and out", "function", lambda: f(a).numpy())
    yield Case("numpy in", "function", lambda: f(a))
    yield Case("tensor in", "function", lambda: f(x))
    yield Case("tensor in", "eager", lambda: x + 1)


def _adam() -> Iterator[Case]:
    step, p = adam_step()

    def twice() -> list[Any]:
        step()
        step()
        return [q.numpy() for q in p]

    yield Case("25M parameters", "function", step, result=twice)


def _sparse() -> Iterator[Case]:
    step, arguments, table = sparse_step()

    def trained() -> Any:
        step(*arguments)
        return table.numpy()

    yield Case("embedding", "function", partial(step, *arguments), result=trained)


def _eager() -> Iterator[Case]:
    x, a, b = (tf.constant(q) for q in operands.small_operands())
    yield Case("x + 1 on 10", "eager", lambda: x + 1)
    yield Case("matmul 8x8", "eager", lambda: tf.matmul(a, b), warm=2.0)
    yield Case("softmax on 10", "eager", lambda: tf.nn.softmax(x), warm=2.0)


def _large() -> Iterator[Case]:
    a, b, _ = (tf.constant(q) for q in operands.stream())
    yield Case("a + b on 16M", "eager", lambda: a + b)
    yield Case("exp on 16M", "eager", lambda: tf.exp(a))


def _saved() -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        variables = [tf.Variable(a) for a in operands.saved_arrays()]
        checkpoint, path = tf.train.Checkpoint(v=variables), Path(folder) / "checkpoint"

        def loaded() -> list[Any]:
            for v in variables:
                v.assign(tf.zeros_like(v))
            checkpoint.read(path)
            return [v.numpy() for v in variables[::31]]

        def saved() -> list[Any]:
            checkpoint.write(path)
            return loaded()

        yield Case("save", "Checkpoint", lambda: checkpoint.write(path), result=saved)
        yield Case("load", "Checkpoint", lambda: checkpoint.read(path), result=loaded)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W1": _calls,
    "adam": _adam,
    "eager": _eager,
    "large": _large,
    "W16": _saved,
    "sparse": _sparse,
    **recurrent_numflow.CASES,
}


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else _compiled(workload)
