"""Train a convolutional autoencoder of handwritten digits, and see digits through its eye.

    python examples/conv_autoencoder.py
    python examples/conv_autoencoder.py --steps 3000 --out /tmp/pictures

Convolutions that move by two pixels take a digit of 8x8 pixels down to a code of eight numbers;
transposed convolutions bring it up again. What the code can hold, the network has to find out by
itself. Principal components, the best linear code of as many numbers, are drawn beside it.

Source: Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks".
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

SIDE = 8  # pixels
BATCH = 64
CODE = 8  # numbers
CHANNELS = (16, 32)
SHOWN, WALK = 12, 10  # digits of a row, steps from one digit to another

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    train_images, test_images, test_labels = digits()
    model = Autoencoder(np.random.default_rng(0))
    rate = tf.optimizers.schedules.CosineDecay(3e-3, options.steps)
    optimizer = tf.optimizers.Adam(rate)

    @tf.function
    def train_step(images: Any) -> Any:
        with tf.GradientTape() as tape:
            again = model.decode(model.encode(images))
            loss = tf.reduce_mean((again - images) ** 2)
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))
        return loss

    rng = np.random.default_rng(1)
    start = time.perf_counter()
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        loss = train_step(train_images[rng.integers(0, len(train_images), BATCH)])
        steps.show(loss=loss)
    seconds = time.perf_counter() - start

    codes = tf.function(model.encode)(test_images)
    ours = tf.function(model.decode)(codes).numpy()
    linear = principal_components(train_images, test_images)
    print(f"{options.steps} steps of {BATCH} digits in {seconds:.1f} s")
    print(
        f"{CODE} numbers a digit, error of the test digits' pixels: {error(ours, test_images):.3f}"
    )
    print(f"principal components, as many: {error(linear, test_images):.3f}")
    options.out.mkdir(parents=True, exist_ok=True)
    rows = {"digit": test_images, "autoencoder": ours, "components": linear}
    draw_digits(rows, options.out / "conv_autoencoder.png")
    draw_walks(model, codes.numpy(), test_labels, options.out / "conv_autoencoder_walks.png")


class Autoencoder:
    """Images [count, 8, 8, 1] to codes [count, CODE], and back."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.variables: list[Any] = []
        few, many = CHANNELS
        inside = 2 * 2 * many
        self.down = self.layer(3, 3, 1, few), self.layer(3, 3, few, many)
        self.to_code, self.from_code = self.layer(inside, CODE), self.layer(CODE, inside)
        # A transposed filter is [height, width, out, in].
        self.up = self.layer(4, 4, few, many, bias=few), self.layer(4, 4, 1, few, bias=1)

    def layer(self, *shape: int, bias: int | None = None) -> tuple[Any, Any]:
        """Weights and bias. Glorot and Bengio 2010, equation 16."""
        reach = np.prod(shape[:-2])
        limit = (6 / (reach * (shape[-2] + shape[-1]))) ** 0.5
        weights = tf.Variable(self.rng.uniform(-limit, limit, shape).astype(np.float32))
        offset = tf.Variable(tf.zeros((shape[-1] if bias is None else bias,)))
        self.variables += [weights, offset]
        return weights, offset

    def encode(self, x: Any) -> Any:
        for weights, bias in self.down:
            x = tf.nn.relu(tf.nn.conv2d(x, weights, 2, "SAME") + bias)
        weights, bias = self.to_code
        return tf.reshape(x, (-1, weights.shape[0])) @ weights + bias

    def decode(self, code: Any) -> Any:
        weights, bias = self.from_code
        x = tf.reshape(tf.nn.relu(code @ weights + bias), (-1, 2, 2, CHANNELS[-1]))
        (one, one_bias), (two, two_bias) = self.up
        shape = tf.stack((tf.shape(x)[0], 4, 4, CHANNELS[0]))
        x = tf.nn.relu(tf.nn.conv2d_transpose(x, one, shape, 2, "SAME") + one_bias)
        shape = tf.stack((tf.shape(x)[0], SIDE, SIDE, 1))
        return tf.sigmoid(tf.nn.conv2d_transpose(x, two, shape, 2, "SAME") + two_bias)


def digits() -> tuple[Array, Array, Array]:
    """scikit-learn's digits [count, 8, 8, 1] from 0 to 1; a fixed fifth, labelled, for the test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = (images[order] / 16).astype(np.float32).reshape(-1, SIDE, SIDE, 1)
    held_out = len(labels) // 5
    return images[held_out:], images[:held_out], labels[order][:held_out]


def principal_components(train: Array, test: Array) -> Array:
    """The test images, of which the first CODE principal components are kept."""
    mean = train.mean(0).reshape(-1)
    basis = np.linalg.svd(train.reshape(len(train), -1) - mean, full_matrices=False)[2][:CODE]
    kept = (test.reshape(len(test), -1) - mean) @ basis.T @ basis + mean
    return np.asarray(kept.reshape(test.shape))


def error(images: Array, wanted: Array) -> float:
    """The root of the mean square."""
    return float(np.mean((images - wanted) ** 2) ** 0.5)


def draw_digits(rows: dict[str, Array], path: Path) -> None:
    """The first test digits, and what each code has kept of them."""
    figure = Figure(figsize=(10, 3), layout="constrained")
    panels = figure.subplots(len(rows), SHOWN)
    for line, (name, images) in zip(panels, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=False):
            axes.imshow(image[:, :, 0], cmap="gray_r", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(name, fontsize=9)
    figure.suptitle(f"Test digits from {CODE} numbers each")
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def draw_walks(model: Autoencoder, codes: Array, labels: Array, path: Path) -> None:
    """Straight ways through the codes, each from a digit to another one."""
    pairs = ((0, 6), (1, 7), (3, 8), (9, 4), (5, 2))
    firsts = [[codes[labels == digit][0] for digit in pair] for pair in pairs]
    share = np.linspace(0, 1, WALK, dtype=np.float32)[:, None]
    walk = np.concatenate([(1 - share) * a + share * b for a, b in firsts])
    images = model.decode(walk).numpy().reshape(len(pairs), WALK, SIDE, SIDE)
    figure = Figure(figsize=(9, 4.9), layout="constrained")
    axes = figure.subplots()
    framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    side = SIDE + 2
    picture = framed.transpose(0, 2, 1, 3).reshape(len(pairs) * side, WALK * side)
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
    axes.set_title("From one digit to another, straight through the codes")
    axes.axis("off")
    figure.savefig(path, dpi=110)
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
