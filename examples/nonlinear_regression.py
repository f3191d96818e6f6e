"""Fit a small network to y = x^2 with noise, and draw how the fit came about.

    python examples/nonlinear_regression.py
    python examples/nonlinear_regression.py --steps 500 --out /tmp/pictures

A network of ten tanh units and one linear output, trained on all points at once by gradient
descent with momentum under a rate that decays. Of every step nothing but the loss leaves the
compiled code.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

POINTS = 200
NOISE = 0.02  # standard deviation
HIDDEN = 10
STAGES = (60, 150, 300)  # steps after which the curve is kept for the picture, besides the last

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    rng = np.random.default_rng(0)
    x = np.linspace(-0.5, 0.5, POINTS, dtype=np.float32)[:, None]
    y = x**2 + rng.normal(0, NOISE, x.shape).astype(np.float32)
    model = Network(rng)
    rate = tf.optimizers.schedules.CosineDecay(0.1, options.steps)
    optimizer = tf.optimizers.SGD(rate, momentum=0.9)

    @tf.function
    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.math.squared_difference(model(x), y))
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))
        return loss

    curves: dict[int, Array] = {}
    losses: list[float] = []
    steps = Progress(range(options.steps), label="network")
    for step in steps:
        if step in STAGES:
            curves[step] = model(x).numpy()
        losses.append(float(train_step(x, y)))
        steps.show(loss=losses[-1])
    curves[options.steps] = model(x).numpy()

    off = float(np.sqrt(np.mean((curves[options.steps] - x**2) ** 2)))
    print(f"loss {losses[-1]:.6f}; the noise's own variance is {np.var(y - x**2):.6f}")
    print(f"the network is {off:.4f} off x^2 (root mean square)")
    draw(x, y, curves, losses, options.out / "nonlinear_regression.png")


class Network:
    """x [count, 1] to tanh units [count, 10] to y [count, 1]."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.w1 = tf.Variable(rng.normal(0, 1, (1, HIDDEN)).astype(np.float32))
        self.b1 = tf.Variable(rng.normal(0, 1, HIDDEN).astype(np.float32))
        self.w2 = tf.Variable(rng.normal(0, HIDDEN**-0.5, (HIDDEN, 1)).astype(np.float32))
        self.b2 = tf.Variable(np.zeros(1, np.float32))
        self.variables = [self.w1, self.b1, self.w2, self.b2]

    def __call__(self, x: Any) -> Any:
        return tf.tanh(x @ self.w1 + self.b1) @ self.w2 + self.b2


def draw(x: Array, y: Array, curves: dict[int, Array], losses: list[float], path: Path) -> None:
    """The points with the network's curve at some stages; beside them the loss of every step."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.scatter(x, y, s=8, color="0.6", label="data")
    shades = np.linspace(0.35, 1, len(curves))
    for (step, curve), shade in zip(curves.items(), shades, strict=True):
        left.plot(x, curve, color=(0.84, 0.15, 0.16, shade), label=f"after {step} steps")
    left.set(xlabel="x", ylabel="y", title="Ten tanh units learn x²")
    left.set_ylim(float(y.min()) - 0.05, float(y.max()) + 0.05)
    left.legend()
    right.loglog(range(1, len(losses) + 1), losses, color="tab:blue")
    floor = float(np.var(y - x**2))
    right.axhline(floor, color="0.5", linestyle="--")
    right.annotate("variance of the noise", (1, floor), (2, 4), textcoords="offset points")
    right.set(xlabel="step", ylabel="mean squared error", title="Loss")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=5000, help="training steps (default 5000)")
    parser.add_argument("--quick", action="store_true", help="200 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    options = parser.parse_args()
    if options.quick:
        options.steps = 200
    return options


if __name__ == "__main__":
    main()
