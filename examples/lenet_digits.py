"""Train LeNet-5 on handwritten digits; see how it learns, what it looks for, and what is hard.

    python examples/lenet_digits.py                       # scikit-learn's 8x8 digits, to 28x28
    python examples/lenet_digits.py --mnist DIR           # MNIST's own files in DIR
    python examples/lenet_digits.py --steps 3000 --out /tmp/pictures

Two convolutions with pools behind them find strokes and how strokes meet, wherever in the image
they are; three dense layers decide. The compiled step moves each batch by a few pixels at random,
so that a digit is seldom seen twice in the same place. `digits_mlp.py` beside this file reads the
data.

Source: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", section 2;
here with relu and largest-of-four pools, as it is built today.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from digits_mlp import (  # type: ignore[import-not-found]
    Digits,
    bundled_digits,
    draw_learning_curve,
    endless_batches,
    read_mnist,
)
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

SIDE = 28  # pixels
MOVED = 2  # pixels at most
EVALUATE_EVERY = 50  # steps

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    digits = read_mnist(options.mnist) if options.mnist else bundled_digits()
    model = LeNet(np.random.default_rng(0))
    rate = tf.optimizers.schedules.CosineDecay(2e-3, options.steps)
    optimizer = tf.optimizers.Adam(rate)

    @tf.function
    def train_step(pixels: Any, labels: Any) -> Any:
        images = moved(as_images(pixels))
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))
        return loss

    logits = tf.function(lambda pixels: model(as_images(pixels)))
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
    wrong = int(np.sum(guesses != digits.test_labels))
    print(f"{options.steps} steps in {seconds:.1f} s")
    print(f"test accuracy: {accuracies[-1][1]:.2%} ({wrong} of {count} digits misread)")
    options.out.mkdir(parents=True, exist_ok=True)
    draw_learning_curve(losses, accuracies, options.out / "lenet_learning_curve.png")
    draw_filters(model, digits, options.out / "lenet_filters.png")
    chances = tf.nn.softmax(logits(digits.test_images)).numpy()
    draw_hardest(digits, chances, options.out / "lenet_hardest.png")


def as_images(pixels: Any) -> Any:
    """[count, side * side] as images [count, SIDE, SIDE, 1]; small ones get a margin first."""
    side = round(pixels.shape[1] ** 0.5)
    images = tf.reshape(pixels, (-1, side, side, 1))
    if side == SIDE:
        return images
    return tf.image.resize(tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))), (SIDE, SIDE))


def moved(images: Any) -> Any:
    """The images, all of them moved by the same few pixels up or down, left or right."""
    room = ((0, 0), (MOVED, MOVED), (MOVED, MOVED), (0, 0))
    corner = tf.random.uniform((2,), 0, 2 * MOVED + 1, tf.int32)
    return tf.slice(tf.pad(images, room), (0, corner[0], corner[1], 0), (-1, SIDE, SIDE, 1))


class LeNet:
    """Images [count, 28, 28, 1] to logits [count, 10]."""

    def __init__(self, rng: np.random.Generator) -> None:
        shapes = ((5, 5, 1, 6), (5, 5, 6, 16), (5 * 5 * 16, 120), (120, 84), (84, 10))
        self.variables: list[Any] = []
        for shape in shapes:
            # He et al. 2015, "Delving Deep into Rectifiers", equation 10
            weights = rng.standard_normal(shape) * (2 / np.prod(shape[:-1])) ** 0.5
            self.variables.append(tf.Variable(weights.astype(np.float32)))
            self.variables.append(tf.Variable(np.zeros(shape[-1], np.float32)))

    def __call__(self, x: Any) -> Any:
        for weights, bias, padding in zip(
            self.variables[:4:2], self.variables[1:4:2], ("SAME", "VALID"), strict=True
        ):
            x = tf.nn.relu(tf.nn.conv2d(x, weights, 1, padding) + bias)
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.reshape(x, (-1, 5 * 5 * 16))
        for weights, bias in zip(self.variables[4:8:2], self.variables[5:8:2], strict=True):
            x = tf.nn.relu(x @ weights + bias)
        return x @ self.variables[8] + self.variables[9]


def draw_filters(model: LeNet, digits: Digits, path: Path) -> None:
    """The six filters of the first layer, and what each makes of one digit."""
    weights, bias = model.variables[:2]
    image = as_images(digits.test_images[:1])
    answers = tf.nn.relu(tf.nn.conv2d(image, weights, 1, "SAME") + bias).numpy()[0]
    filters = weights.numpy()[:, :, 0]
    largest = abs(filters).max()
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = figure.subplots(2, 7)
    for axes in panels.flat:
        axes.axis("off")
    panels[1, 0].imshow(image[0, :, :, 0], cmap="gray_r")
    panels[1, 0].set_title("a digit", fontsize=9)
    for i in range(6):
        panels[0, i + 1].imshow(filters[:, :, i], cmap="RdBu", vmin=-largest, vmax=largest)
        panels[0, i + 1].set_title(f"filter {i + 1}", fontsize=9)
        darkest = max(answers[:, :, i].max(), answers.max() / 4)  # weak ones stay faint
        panels[1, i + 1].imshow(answers[:, :, i], cmap="gray_r", vmin=0, vmax=darkest)
    figure.suptitle("What the first layer looks for: ink where it is blue, paper where it is red")
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def draw_hardest(digits: Digits, chances: Array, path: Path) -> None:
    """The 16 test digits that get the smallest share of their own label; misread ones in red."""
    own = chances[np.arange(len(chances)), digits.test_labels]
    side = round(digits.test_images.shape[1] ** 0.5)
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    panels = figure.subplots(2, 8)
    for axes, i in zip(panels.flat, own.argsort()[:16], strict=True):
        axes.axis("off")
        axes.imshow(digits.test_images[i].reshape(side, side), cmap="gray_r")
        label, (guess, second) = digits.test_labels[i], chances[i].argsort()[:-3:-1]
        other = guess if guess != label else second
        axes.set_title(
            f"{label}: {own[i]:.0%}\n{other}: {chances[i, other]:.0%}",
            fontsize=9,
            color="tab:red" if guess != label else "black",
        )
    figure.suptitle("The hardest test digits: what they are, and what else they might be")
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1000, help="training steps (default 1000)")
    parser.add_argument("--quick", action="store_true", help="50 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="folder with MNIST's four files")
    options = parser.parse_args()
    if options.quick:
        options.steps = 50
    return options


if __name__ == "__main__":
    main()
