"""Read handwritten digits with one matrix, and draw what that matrix looks for.

    python examples/softmax_regression.py
    python examples/softmax_regression.py --steps 300 --out /tmp/pictures

Softmax regression: a digit's score is a weighted sum of its pixels, so that each row of the
weights is a picture of what speaks for a class and what against it. A little weight decay keeps
the pictures smooth. Trained on scikit-learn's 1,797 digits of 8x8 pixels.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

BATCH = 64
RATE = 0.5
DECAY = 1e-3

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    train_images, train_labels, test_images, test_labels = digits()
    weights = tf.Variable(tf.zeros((64, 10)))
    bias = tf.Variable(tf.zeros((10,)))
    optimizer = tf.optimizers.SGD(RATE)

    @tf.function
    def train_step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = images @ weights + bias
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses) + DECAY * tf.nn.l2_loss(weights)
        gradients = tape.gradient(loss, [weights, bias])
        optimizer.apply_gradients(zip(gradients, [weights, bias], strict=True))
        return loss

    rng = np.random.default_rng(1)
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        chosen = rng.integers(0, len(train_labels), BATCH)
        loss = train_step(train_images[chosen], train_labels[chosen])
        steps.show(loss=loss)

    guesses = tf.argmax(test_images @ weights + bias, 1).numpy()
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (test_labels, guesses), 1)
    print(f"test accuracy: {np.mean(guesses == test_labels):.2%} of {len(test_labels)} digits")
    pairs = confusion - np.diag(np.diag(confusion))
    for place in np.argsort(pairs, axis=None)[::-1][:3]:
        truth, guess = divmod(int(place), 10)
        if pairs[truth, guess]:
            print(f"  {pairs[truth, guess]} times a {truth} was read as {guess}")
    draw_weights(weights.numpy(), options.out / "softmax_weights.png")
    draw_confusion(confusion, options.out / "softmax_confusion.png")


def digits() -> tuple[Array, Array, Array, Array]:
    """Images [count, 64] from 0 to 1 and labels, for training and, a fixed fifth, for the test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = (images[order] / 16).astype(np.float32)
    labels = labels[order].astype(np.int32)
    held_out = len(labels) // 5
    return images[held_out:], labels[held_out:], images[:held_out], labels[:held_out]


def draw_weights(weights: Array, path: Path) -> None:
    """The ten columns of the weights as pictures: red speaks for the digit, blue against it."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(2, 5)
    limit = float(np.abs(weights).max()) or 1.0
    for digit, axes in enumerate(panels.flat):
        picture = weights[:, digit].reshape(8, 8)
        image = axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(str(digit))
        axes.axis("off")
    figure.colorbar(image, ax=panels, label="weight of a pixel", shrink=0.8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def draw_confusion(confusion: Array, path: Path) -> None:
    """How often each test digit was read as which."""
    figure = Figure(figsize=(5.2, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.sqrt(confusion), cmap="Greens")  # the root: single mistakes are to be seen
    for truth in range(10):
        for guess in range(10):
            count = confusion[truth, guess]
            if count:
                shade = "white" if count > confusion.max() / 3 else "black"
                axes.text(guess, truth, str(count), ha="center", va="center", color=shade)
    axes.set(xlabel="read as", ylabel="is", xticks=range(10), yticks=range(10))
    axes.set_title("Digits of the test")
    figure.savefig(path, dpi=120)
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
