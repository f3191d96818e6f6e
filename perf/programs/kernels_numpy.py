"""NumPy: calls, chains, rows, products by its own functions; files by the bare system calls."""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from perf import operands, workloads
from perf.timing import Case

f32 = np.float32
HALF, ONE, THREE_K = f32(0.5), f32(1), f32(3 * operands.GELU_K)
C, K = f32(operands.GELU_C), f32(operands.GELU_K)
SCALE, SHIFT = f32(operands.SCALE), f32(operands.SHIFT)


def gelu(x: Any) -> Any:
    return HALF * x * (ONE + np.tanh(C * (x + K * x * x * x))) * SCALE + SHIFT


def gelu_gradient(x: Any) -> Any:
    t = np.tanh(C * (x + K * x * x * x))
    return SCALE * (HALF * (ONE + t) + HALF * x * (ONE - t * t) * C * (ONE + THREE_K * x * x))


def softmax(x: Any) -> Any:
    top = x.max(-1, keepdims=True)
    e = np.exp(x - top)
    total = e.sum(-1, keepdims=True)
    return e / total, (top + np.log(total))[..., 0]


def norm_gradient(x: Any, gamma: Any, beta: Any, dy: Any) -> Any:
    mean = x.mean(1, keepdims=True)
    centred = x - mean
    deviation = np.sqrt(np.mean(centred * centred, 1, keepdims=True) + f32(operands.NORM_EPSILON))
    h = centred / deviation
    dh = dy * gamma
    dx = dh - dh.mean(1, keepdims=True) - h * (dh * h).mean(1, keepdims=True)
    return h * gamma + beta, (dx / deviation, (dy * h).sum(0), dy.sum(0))


def _calls() -> Iterator[Case]:
    a = np.arange(workloads.W1_SIZE, dtype=np.float32)
    yield Case("numpy in and out", "numpy", lambda: a + 1)


def _chains() -> Iterator[Case]:
    for size in operands.CHAIN_SIZES:
        x = operands.chain_input(size)
        yield Case(f"gelu {size}", "numpy", partial(gelu, x))
        yield Case(f"grad {size}", "numpy", partial(gelu_gradient, x))


def _stream() -> Iterator[Case]:
    a, b, c = operands.stream()
    out = np.empty_like(a)

    def into() -> Any:
        np.multiply(a, b, out=out)
        np.add(out, c, out=out)
        return np.maximum(out, 0, out=out)

    yield Case(operands.STREAM, "numpy", lambda: np.maximum(a * b + c, 0))
    yield Case(operands.STREAM, "out=", into)


def _rows() -> Iterator[Case]:
    x, y = operands.softmax_input(), operands.sum_input()
    yield Case("softmax+lse", "numpy", partial(softmax, x))
    yield Case("layer norm", "numpy", partial(norm_gradient, *operands.norm_operands()))
    yield Case("column sum", "numpy", lambda: y.sum(0))


def _products() -> Iterator[Case]:
    for name in workloads.PRODUCTS:
        m, n = workloads.matrices(name)
        yield Case(name, "numpy", partial(np.matmul, m, n))


def _eager() -> Iterator[Case]:
    x, a, b = operands.small_operands()
    yield Case("x + 1 on 10", "numpy", lambda: x + 1)
    yield Case("matmul 8x8", "numpy", lambda: a @ b)
    yield Case("softmax on 10", "numpy", lambda: softmax(x)[0])


def _large() -> Iterator[Case]:
    a, b, _ = operands.stream()
    yield Case("a + b on 16M", "numpy", lambda: a + b)
    yield Case("exp on 16M", "numpy", lambda: np.exp(a))


def _saved() -> Iterator[Case]:
    """The limit: write and fsync, and read into memory that is there; no format, no checksum."""
    arrays = operands.saved_arrays()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raw"

        def save() -> None:
            with open(path, "wb", buffering=0) as file:
                for a in arrays:
                    file.write(a.data)
                os.fsync(file.fileno())

        def load() -> None:
            with open(path, "rb", buffering=0) as file:
                for a in arrays:
                    file.readinto(a.data.cast("B"))

        def loaded() -> list[Any]:
            for a in arrays:
                a.fill(0)
            load()
            return arrays[::31]

        def saved() -> list[Any]:
            save()
            return loaded()

        yield Case("save", "raw write", save, result=saved)
        yield Case("load", "raw read", load, result=loaded)


def _sparse() -> Iterator[Case]:
    table, rows, wanted = operands.sparse_operands()
    rate = f32(2 * operands.SPARSE_RATE / operands.LOOKUPS)

    def step() -> Any:
        error = table[rows] - wanted
        np.subtract.at(table, rows, rate * error)
        return error

    def result() -> Any:
        step()
        return table

    yield Case("embedding", "numpy", step, result=result)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W1": _calls,
    "W2": _chains,
    "stream": _stream,
    "W3": _rows,
    "W12": _products,
    "eager": _eager,
    "large": _large,
    "W16": _saved,
    "sparse": _sparse,
}


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else iter(())
