"""Train an LSTM to foretell a wave: its next value, and then the way on from what it said itself.

    python examples/sine_lstm.py
    python examples/sine_lstm.py --steps 500 --out /tmp/pictures

The wave is a sum of two sines that never come together again, seen through noise. Two layers of
LSTM read it value by value and say each time which comes next. Then the wave is taken away: what
they say is what they read next, in a Python loop that becomes part of the compiled function.

Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory".
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

PERIODS = (25.0, 25.0 * 3**0.5)  # steps; their ratio is irrational
HEIGHTS = (1.0, 0.7)
NOISE = 0.1  # standard deviation
UNITS = 30
BATCH, WINDOW = 32, 100
SEEN, ALONE = 4000, 200  # values to learn from, values to find without seeing any

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    truth = wave(np.arange(SEEN + WINDOW + ALONE))
    noise = np.random.default_rng(0).normal(0, NOISE, truth.shape)
    values = (truth + noise).astype(np.float32)
    model = Forecast()
    rate = tf.optimizers.schedules.CosineDecay(5e-3, options.steps)
    optimizer = tf.optimizers.Adam(rate)

    @tf.function
    def train_step(windows: Any) -> Any:
        with tf.GradientTape() as tape:
            guesses, _ = model(windows[:, :-1])
            loss = tf.reduce_mean((guesses - windows[:, 1:]) ** 2)
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))
        return loss

    @tf.function
    def continued(window: Any, count: Any) -> Any:
        """The guess behind every value of the window, and `count` more, each from those before."""
        guesses, states = model(window)
        last = guesses[:, -1:]
        more = tf.TensorArray(tf.float32, count)
        for i in tf.range(count):
            more = more.write(i, last[:, 0])
            last, states = model(last, states)
        return guesses, tf.transpose(more.stack())

    rng = np.random.default_rng(1)
    losses: list[float] = []
    start = time.perf_counter()
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        begins = rng.integers(0, SEEN - WINDOW, BATCH)
        losses.append(float(train_step(values[begins[:, None] + np.arange(WINDOW + 1)])))
        steps.show(loss=losses[-1])
    seconds = time.perf_counter() - start

    window = values[SEEN : SEEN + WINDOW]
    guesses, alone = (a.numpy()[0] for a in continued(window[None], tf.constant(ALONE)))
    print(f"{options.steps} steps of {BATCH} windows in {seconds:.1f} s")
    half = WINDOW // 2  # the first ones are guessed from few values
    next_error = rms(guesses[half - 1 : -1] - truth[SEEN + half : SEEN + WINDOW])
    print(f"noise of what it sees: {NOISE}; the next value, RMSE: {next_error:.3f}")
    print(f"{ALONE} values alone, RMSE: {rms(alone - truth[SEEN + WINDOW :]):.3f}")
    options.out.mkdir(parents=True, exist_ok=True)
    draw(truth[SEEN:], window, guesses, alone, losses, options.out / "sine_lstm.png")


class Forecast:
    """Values [batch, steps] and the state before them: the values that follow each, the state."""

    def __init__(self) -> None:
        self.layers = [
            tf.keras.layers.LSTM(UNITS, return_sequences=True, return_state=True) for _ in range(2)
        ]
        self.weights = tf.Variable(tf.zeros((UNITS, 1)))
        self.bias = tf.Variable(tf.zeros((1,)))

    @property
    def variables(self) -> list[Any]:
        inside = [v for layer in self.layers for v in layer.trainable_variables]
        return [*inside, self.weights, self.bias]

    def __call__(self, values: Any, states: Any = (None, None)) -> Any:
        x = values[:, :, tf.newaxis]
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            x, *state = layer(x, initial_state=state)
            after.append(state)
        return (x @ self.weights + self.bias)[:, :, 0], after


def wave(steps: Array) -> Array:
    """The sum of the sines, at these steps."""
    return np.asarray(
        sum(h * np.sin(2 * np.pi * steps / p) for h, p in zip(HEIGHTS, PERIODS, strict=True))
    )


def rms(errors: Array) -> float:
    return float(np.mean(errors**2) ** 0.5)


def draw(
    truth: Array, window: Array, guesses: Array, alone: Array, losses: list[float], path: Path
) -> None:
    """Below the wave what was seen and what was said; at the bottom how the loss fell."""
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    error = rms(alone - truth[WINDOW:])
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 2))
    upper.plot(truth, color="black", lw=5, alpha=0.15, label="the wave")
    upper.plot(window, ".", color="tab:gray", ms=4, label="what it sees")
    upper.plot(
        np.arange(1, WINDOW + 1),
        guesses,
        color="tab:blue",
        lw=1,
        label="its guess of the next value",
    )
    upper.plot(np.arange(WINDOW, WINDOW + ALONE), alone, color="tab:red", lw=1.2, label="alone")
    upper.axvline(WINDOW, color="black", lw=0.8, ls=":")
    upper.set(
        xlabel="step",
        ylabel="value",
        title=f"{WINDOW} noisy values to read, then {ALONE} to tell: RMSE {error:.3f}",
    )
    upper.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    lower.semilogy(losses, color="tab:blue", lw=0.8, label="training loss")
    lower.axhline(NOISE**2, color="black", ls=":", label="variance of the noise")
    lower.set(xlabel="step of training", ylabel="mean square")
    lower.legend()
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=3000, help="training steps (default 3000)")
    parser.add_argument("--quick", action="store_true", help="100 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 100
    return options


if __name__ == "__main__":
    main()
