"""Train a variational autoencoder of handwritten digits, and draw digits that nobody wrote.

    python examples/digits_vae.py
    python examples/digits_vae.py --steps 2000 --out /tmp/pictures

The encoder turns a digit of 8x8 pixels into a Gaussian in the plane, the decoder a point of the
plane back into a digit. Training maximises the evidence lower bound: reconstruct well, and stay
close to the standard normal. The random numbers are drawn inside the compiled step.

Source: Kingma and Welling 2014, "Auto-Encoding Variational Bayes", section 3 and appendix B.
"""

import argparse
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

BATCH = 100
HIDDEN = 256
GRID = 16  # digits along each side of the drawn plane

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    train_images, test_images, test_labels = digits()
    rng = np.random.default_rng(0)
    encoder, decoder = Layers(rng, (64, HIDDEN, 4)), Layers(rng, (2, HIDDEN, 64))
    variables = encoder.variables + decoder.variables
    optimizer = tf.optimizers.Adam(tf.optimizers.schedules.CosineDecay(2e-3, options.steps))

    def bound(images: Any) -> Any:
        """The evidence lower bound of each image, in nats: [count]."""
        mean, log_variance = tf.split(encoder(images), 2, axis=1)
        code = mean + tf.exp(log_variance / 2) * tf.random.normal(tf.shape(mean))
        pixels = tf.nn.sigmoid_cross_entropy_with_logits(images, decoder(code))
        divergence = tf.exp(log_variance) + mean**2 - 1 - log_variance
        return -tf.reduce_sum(pixels, 1) - tf.reduce_sum(divergence, 1) / 2

    @tf.function
    def train_step(images: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(bound(images))
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    test_bound = tf.function(lambda images: tf.reduce_mean(bound(images)))
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        loss = train_step(train_images[rng.integers(0, len(train_images), BATCH)])
        steps.show(loss=loss)

    nats = np.mean([float(test_bound(test_images)) for _ in range(20)])
    print(f"evidence lower bound of the test digits: {nats:.2f} nats")
    draw_samples(decoder, options.out / "digits_vae_samples.png")
    draw_codes(encoder, test_images, test_labels, options.out / "digits_vae_codes.png")


class Layers:
    """A dense layer with tanh and a linear one: [count, inputs] to [count, outputs]."""

    def __init__(self, rng: np.random.Generator, sizes: tuple[int, int, int]) -> None:
        inputs, hidden, outputs = sizes

        # Glorot and Bengio 2010, "Understanding the difficulty of training", equation 16
        def glorot(rows: int, columns: int) -> Array:
            limit = (6 / (rows + columns)) ** 0.5
            return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)

        self.w1, self.b1 = tf.Variable(glorot(inputs, hidden)), tf.Variable(tf.zeros((hidden,)))
        self.w2, self.b2 = tf.Variable(glorot(hidden, outputs)), tf.Variable(tf.zeros((outputs,)))
        self.variables = [self.w1, self.b1, self.w2, self.b2]

    def __call__(self, x: Any) -> Any:
        return tf.tanh(x @ self.w1 + self.b1) @ self.w2 + self.b2


def digits() -> tuple[Array, Array, Array]:
    """scikit-learn's digits [count, 64] from 0 to 1; a fixed fifth, with labels, for the test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = (images[order] / 16).astype(np.float32)
    held_out = len(labels) // 5
    return images[held_out:], images[:held_out], labels[order][:held_out]


def draw_samples(decoder: Layers, path: Path) -> None:
    """The decoder's digits over a grid of the plane, each cell of equal probability."""
    normal = NormalDist()
    steps = [normal.inv_cdf((i + 0.5) / GRID) for i in range(GRID)]
    codes = np.array([(x, y) for y in reversed(steps) for x in steps], np.float32)
    pictures = tf.sigmoid(decoder(codes)).numpy().reshape(GRID, GRID, 8, 8)
    figure = Figure(figsize=(7, 7.9), layout="constrained")
    axes = figure.subplots()
    framed = np.pad(pictures, ((0, 0), (0, 0), (2, 1), (1, 1)))  # digits fill their 8 rows
    rows, columns = 11 * GRID, 10 * GRID
    axes.imshow(framed.transpose(0, 2, 1, 3).reshape(rows, columns), cmap="gray_r")
    axes.set_title("Digits decoded from all over the plane")
    axes.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def draw_codes(encoder: Layers, images: Array, labels: Array, path: Path) -> None:
    """Where the encoder puts the test digits, which it sorts without having seen a label."""
    means = encoder(images).numpy()[:, :2]
    figure = Figure(figsize=(6.5, 6), layout="constrained")
    axes = figure.subplots()
    points = axes.scatter(
        means[:, 0], means[:, 1], c=labels, cmap="tab10", vmin=-0.5, vmax=9.5, s=16
    )
    figure.colorbar(points, ax=axes, ticks=range(10), label="digit", shrink=0.8)
    axes.set(xlabel="first coordinate", ylabel="second coordinate", aspect="equal")
    axes.set_title("The test digits in the plane")
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10000, help="training steps (default 10000)")
    parser.add_argument("--quick", action="store_true", help="100 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 100
    return options


if __name__ == "__main__":
    main()
