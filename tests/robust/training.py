"""Two small trainings through the public API, and processes that run what is in this file."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import numflow as nf
from numflow.kernels import engine

ROOT = Path(__file__).resolve().parents[2]

# --- models ------------------------------------------------------------------


class Training:
    """Variables, a compiled step, and batches without end."""

    def __init__(self, variables: list[Any], step: Any, batches: Iterator[tuple[Any, Any]]) -> None:
        self.variables, self.step, self.batches = variables, step, batches

    def run(self, steps: int) -> float:
        """Train; the last loss."""
        loss = float("nan")
        for _ in range(steps):
            loss = float(self.step(*next(self.batches)))
        return loss

    def digest(self) -> str:
        """Every bit of the variables."""
        return hashlib.sha256(b"".join(v.numpy().tobytes() for v in self.variables)).hexdigest()


def regression(seed: int = 0, rows: int = 211, width: int = 11) -> Training:
    """tanh layer, squared error, gradient descent written out."""
    rng = np.random.default_rng(seed)
    w0 = nf.Variable(rng.normal(size=(1, width)).astype(np.float32), name="w0")
    b0 = nf.Variable(np.zeros(width, np.float32), name="b0")
    w1 = nf.Variable(rng.normal(size=(width, 1)).astype(np.float32), name="w1")
    b1 = nf.Variable(np.zeros(1, np.float32), name="b1")
    variables = [w0, b0, w1, b1]
    x = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    y = x**2 + rng.normal(0, 0.05, x.shape).astype(np.float32)

    @nf.function
    def step(x: Any, y: Any) -> Any:
        with nf.GradientTape() as tape:
            prediction = nf.tanh(x @ w0 + b0) @ w1 + b1
            loss = nf.reduce_mean(nf.math.squared_difference(prediction, y))
        for v, g in zip(variables, tape.gradient(loss, variables), strict=True):
            v.assign_sub(0.1 * g)
        return loss

    return Training(variables, step, iter(lambda: (x, y), None))


def classification(
    seed: int = 0, rows: int = 127, sizes: tuple[int, ...] = (193, 131, 67, 7)
) -> Training:
    """relu layers, cross-entropy, Adam."""
    rng = np.random.default_rng(seed)
    variables: list[Any] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        w = rng.normal(0, fan_in**-0.5, (fan_in, fan_out)).astype(np.float32)
        variables += [nf.Variable(w), nf.Variable(np.zeros(fan_out, np.float32))]
    optimizer = nf.keras.optimizers.Adam(0.01)

    @nf.function
    def step(x: Any, labels: Any) -> Any:
        with nf.GradientTape() as tape:
            for k in range(0, len(variables), 2):
                x = nf.nn.bias_add(x @ variables[k], variables[k + 1])
                x = nf.nn.relu(x) if k < len(variables) - 2 else x
            loss = nf.reduce_mean(
                nf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
            )
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def batches() -> Iterator[tuple[Any, Any]]:
        draw = np.random.default_rng(seed + 1)
        while True:
            labels = draw.integers(0, sizes[-1], rows).astype(np.int32)
            x = draw.normal(size=(rows, sizes[0])).astype(np.float32)
            x[np.arange(rows), labels] += 2
            yield x, labels

    return Training(variables, step, batches())


# --- processes ---------------------------------------------------------------


def start(call: str, **environment: str) -> subprocess.Popen[str]:
    """A fresh process that prints `call`, something of this file, as JSON."""
    code = f"from tests.robust import training; training.show(training.{call})"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[Any, str]:
    """What it printed, and its stderr."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out), err


def run(call: str, **environment: str) -> tuple[Any, str]:
    """A fresh process: what it printed, and its stderr."""
    return finish(start(call, **environment))


def show(value: Any) -> None:
    print(json.dumps(value))


def train(steps: int = 20) -> dict[str, Any]:
    """Both trainings: their bits and losses, and what the process had to do for them."""
    trainings = [regression(), classification()]
    losses = [t.run(steps) for t in trainings]
    return {
        "digest": [t.digest() for t in trainings],
        "losses": losses,
        "compiles": engine.compiles(),
        "numba": "numba" in sys.modules,
        "llvm": "llvmlite.binding" in sys.modules,
    }


def fork() -> list[Any]:
    """A child takes over after some steps: (status, digest of the child, digest of the parent)."""
    training = classification()
    training.run(3)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        training.run(5)
        os.write(write, training.digest().encode())
        os._exit(0)
    training.run(5)
    status = os.waitpid(child, 0)[1]
    return [status, os.read(read, 100).decode(), training.digest()]


def resident_bytes() -> int:
    """Memory of this process that is in RAM (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def growth_over_steps(steps: int) -> int:
    """Bytes that a training of that many steps leaves behind."""
    training = regression(rows=41)
    x, y = next(training.batches)
    for _ in range(2000):
        training.step(x, y)
    before = resident_bytes()
    for _ in range(steps):
        training.step(x, y)
    return resident_bytes() - before


def growth_over_models(models: int) -> int:
    """Bytes that models leave behind that were made, trained and dropped."""
    import gc

    def one(k: int) -> None:
        classification(seed=k, sizes=(193, 131, 7)).run(2)

    for k in range(3):
        one(k)
    gc.collect()
    before = resident_bytes()
    for k in range(models):
        one(k)
    gc.collect()
    return resident_bytes() - before
