"""Train a small residual network to tell textures apart: stripes, dots, bricks, noise.

    python examples/textures_resnet.py
    python examples/textures_resnet.py --steps 2000 --out /tmp/pictures

The textures are drawn by formulas, each of random size, angle, place and contrast, under noise;
every batch is new, and the test images are images that training has never seen. Convolutions with
batch norm learn to read them. In training batch norm takes the mean and variance of the batch, and
keeps running averages of both, by which a single image is judged afterwards.

Sources: He et al. 2015, "Deep Residual Learning for Image Recognition", figure 2; Ioffe and
Szegedy 2015, "Batch Normalization", algorithms 1 and 2.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

SIDE = 32  # pixels
BATCH = 64
TESTED = 1000
NAMES = ("stripes", "waves", "rings", "checks", "bricks", "dots", "clouds", "grain")
BLOCKS = ((16, 1), (32, 2), (64, 2))  # channels and stride
KEPT = 0.95  # of the running averages, each step
EPSILON = 1e-3

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    model = ResNet(np.random.default_rng(0))
    rate = tf.optimizers.schedules.CosineDecay(0.1, options.steps)
    optimizer = tf.optimizers.SGD(rate, momentum=0.9)

    @tf.function
    def train_step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.weights)
        optimizer.apply_gradients(zip(gradients, model.weights, strict=True))
        return loss

    predict = tf.function(lambda images: tf.nn.softmax(model(images, training=False)))
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        steps.show(loss=train_step(*textures(rng, BATCH)))
    seconds = time.perf_counter() - start

    images, labels = textures(np.random.default_rng(2), TESTED)
    chances = predict(images).numpy()
    guesses = chances.argmax(1)
    print(f"{options.steps} steps of {BATCH} textures in {seconds:.1f} s")
    wrong = int(np.sum(guesses != labels))
    print(f"test accuracy: {np.mean(guesses == labels):.2%} ({wrong} of {TESTED} misread)")
    options.out.mkdir(parents=True, exist_ok=True)
    draw_textures(images, labels, chances, options.out / "textures.png")


class ResNet:
    """Images [count, side, side, 1] to logits [count, classes]."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.weights: list[Any] = []
        self.first = self.layer(3, 1, BLOCKS[0][0])
        self.blocks = []
        inputs = BLOCKS[0][0]
        for outputs, stride in BLOCKS:
            layers = self.layer(3, inputs, outputs), self.layer(3, outputs, outputs)
            past = self.layer(1, inputs, outputs) if (stride, inputs) != (1, outputs) else None
            self.blocks.append((*layers, past, stride))
            inputs = outputs
        self.head = self.weight(rng.standard_normal((inputs, len(NAMES))) * 0.1)
        self.bias = self.weight(np.zeros(len(NAMES)))

    def weight(self, start: Array) -> Any:
        variable = tf.Variable(start.astype(np.float32))
        self.weights.append(variable)
        return variable

    def layer(self, kernel: int, inputs: int, outputs: int) -> tuple[Any, ...]:
        """Filters, and batch norm's scale, shift, running mean and running variance."""
        # He et al. 2015, "Delving Deep into Rectifiers", equation 10
        filters = self.rng.standard_normal((kernel, kernel, inputs, outputs))
        filters *= (2 / (kernel * kernel * inputs)) ** 0.5
        scale, shift = np.ones(outputs), np.zeros(outputs)
        averages = tf.Variable(tf.zeros((outputs,))), tf.Variable(tf.ones((outputs,)))
        return self.weight(filters), self.weight(scale), self.weight(shift), *averages

    def __call__(self, x: Any, training: bool) -> Any:
        def normed(x: Any, layer: tuple[Any, ...], stride: int = 1) -> Any:
            filters, *parameters = layer
            return batch_norm(training, tf.nn.conv2d(x, filters, stride, "SAME"), *parameters)

        x = tf.nn.relu(normed(x, self.first, 2))
        for one, two, past, stride in self.blocks:
            y = normed(tf.nn.relu(normed(x, one, stride)), two)
            x = tf.nn.relu(y + (x if past is None else normed(x, past, stride)))
        return tf.reduce_mean(x, (1, 2)) @ self.head + self.bias


def batch_norm(training: bool, x: Any, scale: Any, shift: Any, mean: Any, variance: Any) -> Any:
    """By the batch's statistics, which go into the running ones; or by these."""
    if training:
        batch_mean, batch_variance = tf.nn.moments(x, (0, 1, 2))
        mean.assign(KEPT * mean + (1 - KEPT) * batch_mean)
        variance.assign(KEPT * variance + (1 - KEPT) * batch_variance)
        mean, variance = batch_mean, batch_variance
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, EPSILON)


def textures(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Images float32 [count, SIDE, SIDE, 1] about zero, and their labels int32 [count]."""
    labels = np.sort(rng.integers(0, len(NAMES), count)).astype(np.int32)
    counts = np.bincount(labels, minlength=len(NAMES))
    patterns = np.concatenate([draw(rng, n) for draw, n in zip(DRAWN, counts, strict=True)])
    contrast = rng.uniform(0.4, 1, (count, 1, 1)) * rng.choice((-1, 1), (count, 1, 1))
    noisy = contrast * patterns + rng.normal(0, 0.35, patterns.shape)
    order = rng.permutation(count)
    return noisy[order].astype(np.float32)[..., None], labels[order]


def grid(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Coordinates [count, SIDE, SIDE] of the pixels, turned, moved, in periods of the pattern."""
    each = (count, 1, 1)
    angle, period = rng.uniform(0, np.pi, each), rng.uniform(5, 12, each)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    u = np.cos(angle) * columns + np.sin(angle) * rows
    v = np.cos(angle) * rows - np.sin(angle) * columns
    return u / period + rng.uniform(0, 9, each), v / period + rng.uniform(0, 9, each)


def stripes(rng: np.random.Generator, count: int) -> Array:
    return np.asarray(np.sin(TURN * grid(rng, count)[0]))


def waves(rng: np.random.Generator, count: int) -> Array:
    u, v = grid(rng, count)
    return np.asarray(np.sin(TURN * (u + 0.4 * np.sin(TURN * v / 2))))


def rings(rng: np.random.Generator, count: int) -> Array:
    u, v = grid(rng, count)
    middle = np.arange(count), *rng.integers(0, SIDE, (2, count))
    distance = np.hypot(*(a - a[middle][:, None, None] for a in (u, v)))
    return np.asarray(np.sin(TURN * (distance + rng.random((count, 1, 1)))))


def checks(rng: np.random.Generator, count: int) -> Array:
    u, v = grid(rng, count)
    return np.asarray(np.sign(np.sin(TURN * u / 2) * np.sin(TURN * v / 2)))


def bricks(rng: np.random.Generator, count: int) -> Array:
    """Twice as long as high, every second row shifted by half a brick."""
    u, v = grid(rng, count)
    along = (u / 2 + np.floor(v) % 2 / 2) % 1 * 2
    return np.asarray(2 * np.minimum(np.minimum(v % 1, along), 0.3) / 0.3 - 1)


def dots(rng: np.random.Generator, count: int) -> Array:
    u, v = grid(rng, count)
    return np.where(np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.3, 1.0, -0.4)


def clouds(rng: np.random.Generator, count: int, slope: float) -> Array:
    """Noise [count, SIDE, SIDE] whose amplitude falls with its frequency to the power `slope`."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    frequency[0, 0] = np.inf
    noise = rng.standard_normal((count, SIDE, SIDE))
    shaped = np.fft.irfft2(np.fft.rfft2(noise) / frequency**slope, (SIDE, SIDE))
    return np.asarray(shaped / shaped.std((1, 2), keepdims=True))


TURN = 2 * np.pi
DRAWN: tuple[Callable[[np.random.Generator, int], Array], ...] = (
    stripes,
    waves,
    rings,
    checks,
    bricks,
    dots,
    partial(clouds, slope=2.0),
    partial(clouds, slope=0.0),
)


def draw_textures(images: Array, labels: Array, chances: Array, path: Path) -> None:
    """Two images of each texture, then misread ones, with what the network says."""
    shown = [int(i) for k in range(len(NAMES)) for i in np.flatnonzero(labels == k)[:2]]
    wrong = np.flatnonzero(chances.argmax(1) != labels)
    shown = [*shown[::2], *shown[1::2], *map(int, wrong[:8])]
    figure = Figure(figsize=(10, 4.9), layout="constrained")
    panels = figure.subplots(3, 8)
    for axes in panels.flat:
        axes.axis("off")
    for axes, i in zip(panels.flat, shown, strict=False):
        axes.imshow(images[i, :, :, 0], cmap="gray", vmin=-2, vmax=2)
        guess = chances[i].argmax()
        title = f"{NAMES[guess]}: {chances[i, guess]:.0%}"
        if guess != labels[i]:
            title = f"{NAMES[labels[i]]}, read as\n{title}"
        axes.set_title(title, fontsize=8, color="black" if guess == labels[i] else "tab:red")
    figure.suptitle("Textures that the network has not seen before, and what it takes them for")
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=500, help="training steps (default 500)")
    parser.add_argument("--quick", action="store_true", help="20 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 20
    return options


if __name__ == "__main__":
    main()
