"""NumPy, gradients written out by hand: what a careful programmer gets without any framework."""

from collections.abc import Callable
from typing import Any

import numpy as np

from perf import workloads
from perf.programs.kernels_numpy import cases as cases
from perf.timing import seconds_of_calls

Step = Callable[[Any, Any], Any]


def variants(workload: str) -> list[str]:
    return ["numpy"] if workloads.family(workload) in STEPS else []


def training_step(workload: str, variant: str) -> Step:
    start = workloads.training(workload)
    p = {name: value.copy() for name, value in start.parameters.items()}
    return STEPS[workloads.family(workload)](start, p)


def _line(start: workloads.Training, p: dict[str, Any]) -> Step:
    rate = np.float32(start.learning_rate)

    def step(x: Any, y: Any) -> Any:
        error = x * p["w"] + p["b"] - y
        p["w"] -= rate * error * x / np.float32(17)
        p["b"] -= rate * error / np.float32(17)
        return error * error / 34

    return step


def _tanh(start: workloads.Training, p: dict[str, Any]) -> Step:
    rate = np.float32(start.learning_rate)

    def step(x: Any, y: Any) -> Any:
        h = np.tanh(x @ p["w0"] + p["b0"])
        error = h @ p["w1"] + p["b1"] - y
        d = error * np.float32(2 / error.size)
        dh = (d @ p["w1"].T) * (1 - h * h)
        gradients = {"w1": h.T @ d, "b1": d.sum(0), "w0": x.T @ dh, "b0": dh.sum(0)}
        for name, g in gradients.items():
            p[name] -= rate * g
        return np.mean(error * error)

    return step


def _dense(start: workloads.Training, p: dict[str, Any]) -> Step:
    """Dense layers with relu between, softmax cross-entropy; the optimizer is the workload's."""
    layers = len(p) // 2
    update = _descend(start, p) if start.optimizer == "sgd" else _adam(start, p)

    def step(x: Any, y: Any) -> Any:
        inputs = [x]
        for i in range(layers):
            z = inputs[-1] @ p[f"w{i}"] + p[f"b{i}"]
            inputs.append(np.maximum(z, 0, out=z) if i < layers - 1 else z)
        z = inputs.pop()
        z -= z.max(1, keepdims=True)
        log_sum = np.log(np.exp(z).sum(1))
        rows = np.arange(len(y))
        loss = np.mean(log_sum - z[rows, y])
        d = np.exp(z - log_sum[:, None])
        d[rows, y] -= 1
        d *= np.float32(1 / len(y))
        gradients: dict[str, Any] = {}
        for i in reversed(range(layers)):
            gradients |= {f"w{i}": inputs[i].T @ d, f"b{i}": d.sum(0)}
            if i:
                d = (d @ p[f"w{i}"].T) * (inputs[i] > 0)
        update(gradients)
        return loss

    return step


def _descend(start: workloads.Training, p: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    rate = np.float32(start.learning_rate)

    def update(gradients: dict[str, Any]) -> None:
        for name, g in gradients.items():
            p[name] -= rate * g

    return update


def _adam(start: workloads.Training, p: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    rate, beta_1, beta_2 = start.learning_rate, workloads.ADAM_BETA_1, workloads.ADAM_BETA_2
    slots = {name: (np.zeros_like(q), np.zeros_like(q)) for name, q in p.items()}
    t = 0

    def update(gradients: dict[str, Any]) -> None:
        nonlocal t
        t += 1
        scale = np.float32(rate / (1 - beta_1**t))
        root = np.float32((1 - beta_2**t) ** 0.5)
        for name, g in gradients.items():
            m, v = slots[name]
            m += (g - m) * np.float32(1 - beta_1)
            v += (g * g - v) * np.float32(1 - beta_2)
            p[name] -= scale * m / (np.sqrt(v) / root + np.float32(workloads.ADAM_EPSILON))

    return update


def _deep(start: workloads.Training, p: dict[str, Any]) -> Step:
    """x <- x + tanh(x w + b) / layers, again and again."""
    layers = len(p) // 2
    share = np.float32(1 / layers)
    update = _descend(start, p)

    def step(x: Any, y: Any) -> Any:
        inputs, bends = [], []
        for i in range(layers):
            inputs.append(x)
            bends.append(np.tanh(x @ p[f"w{i}"] + p[f"b{i}"]))
            x = x + bends[-1] * share
        error = x - y
        d = error * np.float32(2 / error.size)
        gradients: dict[str, Any] = {}
        for i in reversed(range(layers)):
            dz = d * share * (1 - bends[i] * bends[i])
            gradients |= {f"w{i}": inputs[i].T @ dz, f"b{i}": dz.sum(0)}
            d = d + dz @ p[f"w{i}"].T
        update(gradients)
        return np.mean(error * error)

    return step


STEPS = {"W4": _line, "W5": _tanh, "W6": _dense, "W7": _dense, "mlp": _dense, "deep": _deep}


def phases(workload: str) -> dict[str, float]:
    """Seconds of a call; there is nothing before it."""
    step = training_step(workload, "numpy")
    x, y = workloads.training(workload).batches[0]
    return {"call": seconds_of_calls(lambda: float(step(x, y)))}
