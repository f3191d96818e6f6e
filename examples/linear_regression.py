"""Fit a line to 17 points by gradient descent, and compare it with the least-squares solution.

    python examples/linear_regression.py
    python examples/linear_regression.py --steps 500 --out /tmp/pictures

The training step is an ordinary Python function; `@tf.function` turns forward pass, gradients and
update into one call of compiled code.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import numflow as tf
from numflow.progress import Progress

X = [3.3, 4.4, 5.5, 6.71, 6.93, 4.168, 9.779, 6.182, 7.59, 2.167, 7.042, 10.791, 5.313, 7.997]
X += [5.654, 9.27, 3.1]
Y = [1.7, 2.76, 2.09, 3.19, 1.694, 1.573, 3.366, 2.596, 2.53, 1.221, 2.827, 3.465, 1.65, 2.904]
Y += [2.42, 2.94, 1.3]


def main() -> None:
    options = parse_options()
    x, y = np.array(X, np.float32), np.array(Y, np.float32)
    slope, intercept = tf.Variable(0.0), tf.Variable(0.0)
    optimizer = tf.optimizers.SGD(0.01)

    @tf.function
    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((slope * x + intercept - y) ** 2)
        gradients = tape.gradient(loss, [slope, intercept])
        optimizer.apply_gradients(zip(gradients, [slope, intercept], strict=True))
        return loss

    steps = Progress(range(options.steps), label="line")
    for _ in steps:
        loss = train_step(x, y)
        steps.show(loss=loss)

    found = float(slope), float(intercept)
    best = np.polyfit(x, y, 1)
    print(f"gradient descent: y = {found[0]:.4f} x + {found[1]:.4f}, loss {float(loss):.5f}")
    print(f"least squares:    y = {best[0]:.4f} x + {best[1]:.4f}")
    draw(x, y, found, options.out / "linear_regression.png")


def draw(x: Any, y: Any, line: tuple[float, float], path: Path) -> None:
    """The points and the line through them, into a file."""
    slope, intercept = line
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.scatter(x, y, color="tab:blue", label="data")
    ends = np.array([2.0, 11.0])
    label = f"y = {slope:.3f} x + {intercept:.3f}"
    axes.plot(ends, slope * ends + intercept, color="tab:red", label=label)
    axes.set(xlabel="x", ylabel="y", title="Linear regression by gradient descent")
    axes.legend()
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
