"""Train a classifier of handwritten digits; print its accuracy, draw its curve and its mistakes.

    python examples/digits_mlp.py                    scikit-learn's 1,797 digits of 8x8 pixels
    python examples/digits_mlp.py --mnist DIR        MNIST's own four files in DIR, raw or gzipped
    python examples/digits_mlp.py --steps 500 --out /tmp/pictures

A multi-layer perceptron with relu layers of 128 and 64 units, trained with Adam. Forward pass,
gradients and Adam's update are one call of compiled code per batch; the short batch at the end of
an epoch compiles nothing new.
"""

import argparse
import gzip
import math
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

BATCH = 64
HIDDEN = (128, 64)
EVALUATE_EVERY = 50  # steps

Array = NDArray[Any]


class Digits(NamedTuple):
    """Images float32 [count, pixels] from 0 to 1, labels int32 [count] from 0 to 9."""

    train_images: Array
    train_labels: Array
    test_images: Array
    test_labels: Array


def main() -> None:
    options = parse_options()
    digits = read_mnist(options.mnist) if options.mnist else bundled_digits()
    pixels = digits.train_images.shape[1]
    model = Perceptron(np.random.default_rng(0), (pixels, *HIDDEN, 10))
    optimizer = tf.optimizers.Adam(1e-3)

    @tf.function
    def train_step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))
        return loss

    logits = tf.function(model)
    losses: list[float] = []
    accuracies: list[tuple[int, float]] = []
    batches = endless_batches(np.random.default_rng(1), digits)
    start = time.perf_counter()
    steps = Progress(range(1, options.steps + 1), label="training")
    for step in steps:
        losses.append(float(train_step(*next(batches))))
        if step % EVALUATE_EVERY == 0 or step == options.steps:
            guesses = logits(digits.test_images).numpy().argmax(1)
            accuracies.append((step, float(np.mean(guesses == digits.test_labels))))
        steps.show(loss=losses[-1])
        if accuracies:
            steps.show(accuracy=accuracies[-1][1])
    seconds = time.perf_counter() - start

    count = len(digits.test_labels)
    wrong = np.flatnonzero(guesses != digits.test_labels)
    print(f"{options.steps} steps of {BATCH} digits in {seconds:.1f} s")
    print(f"test accuracy: {accuracies[-1][1]:.2%} ({len(wrong)} of {count} digits misread)")
    options.out.mkdir(parents=True, exist_ok=True)
    draw_learning_curve(losses, accuracies, options.out / "digits_learning_curve.png")
    draw_mistakes(digits, guesses, wrong, options.out / "digits_misread.png")


class Perceptron:
    """Dense layers with relu between them: images [count, pixels] to logits [count, classes]."""

    def __init__(self, rng: np.random.Generator, sizes: tuple[int, ...]) -> None:
        self.variables: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            # He et al. 2015, "Delving Deep into Rectifiers", equation 10
            weights = rng.standard_normal((inputs, outputs)) * (2 / inputs) ** 0.5
            self.variables.append(tf.Variable(weights.astype(np.float32)))
            self.variables.append(tf.Variable(np.zeros(outputs, np.float32)))

    def __call__(self, x: Any) -> Any:
        *hidden, last = zip(self.variables[::2], self.variables[1::2], strict=True)
        for weights, bias in hidden:
            x = tf.nn.relu(x @ weights + bias)
        weights, bias = last
        return x @ weights + bias


def bundled_digits() -> Digits:
    """The digits that come with scikit-learn; a fixed fifth of them is for the test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = (images[order] / 16).astype(np.float32)
    labels = labels[order].astype(np.int32)
    held_out = len(labels) // 5
    return Digits(images[held_out:], labels[held_out:], images[:held_out], labels[:held_out])


def read_mnist(folder: Path) -> Digits:
    """MNIST's four files. Source of the format: yann.lecun.com/exdb/mnist."""
    arrays = [
        read_idx(folder, f"{part}-{content}")
        for part in ("train", "t10k")
        for content in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    for images, labels in (arrays[:2], arrays[2:]):
        if len(images) != len(labels):
            raise ValueError(f"{folder}: {len(images)} images, but {len(labels)} labels")
    scaled = [(a.reshape(len(a), -1) / np.float32(255)) if a.ndim == 3 else a for a in arrays]
    return Digits(*(a.astype(np.float32 if a.ndim == 2 else np.int32) for a in scaled))


def read_idx(folder: Path, name: str) -> Array:
    """The uint8 array of one idx file, raw or gzipped; its header is checked against its length."""
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.exists()), None)
    if path is None:
        raise FileNotFoundError(
            f"{folder} has neither {name} nor {name}.gz. Put MNIST's four files there, or leave "
            "out --mnist to train on scikit-learn's digits."
        )
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    axes = {"images-idx3-ubyte": 3, "labels-idx1-ubyte": 1}[name.partition("-")[2]]
    begin = 4 + 4 * axes  # a magic number, then a size per axis
    if len(data) < begin or int.from_bytes(data[:4]) != 0x0800 + axes:
        raise ValueError(f"{path} is no idx file of uint8 with {axes} axes")
    shape = tuple(int(size) for size in np.frombuffer(data[4:begin], ">u4"))
    if len(data) != begin + math.prod(shape):
        raise ValueError(f"{path} is {len(data)} bytes long, which does not fit its shape {shape}")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)


def endless_batches(rng: np.random.Generator, digits: Digits) -> Iterator[tuple[Array, Array]]:
    """Batches of epoch after epoch, each in a new order; the last one of an epoch may be short."""
    count = len(digits.train_labels)
    while True:
        order = rng.permutation(count)
        for begin in range(0, count, BATCH):
            chosen = order[begin : begin + BATCH]
            yield digits.train_images[chosen], digits.train_labels[chosen]


def draw_learning_curve(
    losses: list[float], accuracies: list[tuple[int, float]], path: Path
) -> None:
    """Training loss of every step, and its running mean; test accuracy beneath."""
    window = max(1, len(losses) // 50)
    mean = np.convolve(losses, np.ones(window) / window, "valid")
    figure = Figure(figsize=(7, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.semilogy(range(1, len(losses) + 1), losses, color="tab:blue", alpha=0.25)
    upper.semilogy(range(window, len(losses) + 1), mean, color="tab:blue", label="running mean")
    upper.set(ylabel="training loss", title="Learning curve")
    upper.legend()
    steps, values = zip(*accuracies, strict=True)
    lower.plot(steps, values, ".-", color="tab:green")
    lower.set(xlabel="step", ylabel="test accuracy")
    lower.annotate(f"{values[-1]:.2%}", (steps[-1], values[-1]), (-8, -14), ha="right",
                   textcoords="offset points")  # fmt: skip
    lower.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def draw_mistakes(digits: Digits, guesses: Array, wrong: Array, path: Path) -> None:
    """Up to 24 misread test digits, with what they are and what they were taken for."""
    shown = wrong[:24]
    rows, columns = max(1, -(-len(shown) // 8)), 8
    side = round(digits.test_images.shape[1] ** 0.5)
    figure = Figure(figsize=(9, 0.5 + 1.5 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    for axes, i in zip(panels.flat, shown, strict=False):
        axes.imshow(digits.test_images[i].reshape(side, side), cmap="gray_r")
        axes.set_title(f"{digits.test_labels[i]}, read as {guesses[i]}", fontsize=9)
    figure.suptitle(f"{len(shown)} of {len(wrong)} misread digits")
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2000, help="training steps (default 2000)")
    parser.add_argument("--quick", action="store_true", help="100 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder with MNIST's four files")
    options = parser.parse_args()
    if options.quick:
        options.steps = 100
    return options


if __name__ == "__main__":
    main()
