"""MobileNetV2: predict, learn to see, then learn new kinds of textures by the last layer alone.

    python examples/mobilenet_v2.py                train, kill, resume, compare, draw
    python examples/mobilenet_v2.py train FOLDER   the last layer; start it again, and it goes on

First the network of the paper, 224x224 pixels and 1,000 classes: its parameters are counted, and
images per second measured, with batch norm folded into the filters. Then a narrow one (a third of
the channels, 64x64 pixels) learns eight kinds of textures. It is frozen, and a new last layer
learns to tell apart eight other kinds, which it has never seen, from 100 images of each. That run
is made three times as a process of its own: undisturbed; killed half-way (SIGKILL: nothing can be
tidied up); and resumed from the killed one's last checkpoint. A step's batch follows from its
number, so the last must end with the very bits of the first.

Nothing is downloaded: the images are drawn by formulas.

Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

# expansion, channels, how many, first stride
BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
EPSILON = 1e-3
KEPT = 0.95  # of the running averages, each step
BATCH = 32

Array = NDArray[Any]
Losses = list[tuple[int, float]]


# --- the network ---------------------------------------------------------------------------


def mobilenet_v2(layer: Any, x: Any, width: float) -> Any:
    """Images [count, side, side, 3] to maps [count, side / 32, side / 32, 1280 or more].

    layer(x, channels, kernel, stride, ...): a convolution with batch norm.
    """
    x = layer(x, rounded(32 * width), (3, 3), 2, activation=tf.nn.relu6)
    for expansion, outputs, repeats, stride in BLOCKS:
        for i in range(repeats):
            inputs = x.shape[-1]
            y = x
            if expansion > 1:
                y = layer(y, expansion * inputs, activation=tf.nn.relu6)
            y = layer(y, None, (3, 3), 1 if i else stride, activation=tf.nn.relu6)
            y = layer(y, rounded(outputs * width), activation=None, silent=i > 0)
            x = x + y if i else y  # the first of a row has other channels, or another size
    return layer(x, max(1280, rounded(1280 * width)), activation=tf.nn.relu6)


def rounded(channels: float) -> int:
    """To a multiple of eight, and not by more than a tenth down."""
    found = max(8, int(channels + 4) // 8 * 8)
    return found if found >= 0.9 * channels else found + 8


class Layer(NamedTuple):
    """A convolution's filters, and its batch norm's parameters and running averages."""

    filters: Any
    scale: Any  # None: one
    shift: Any
    mean: Any
    variance: Any

    def factor(self) -> Any:
        factor = tf.math.rsqrt(self.variance + EPSILON)
        return factor if self.scale is None else factor * self.scale


class Network:
    """Convolutions as `walk` orders them, their mean over the image, and a dense layer."""

    def __init__(self, walk: Callable[..., Any], side: int, classes: int, scaled: bool) -> None:
        """scaled: whether batch norms have a scale."""
        self.walk, self.side, self.scaled = walk, side, scaled
        self.rng = np.random.default_rng(0)
        self.layers: list[Layer] = []
        self.folded: list[tuple[Any, Any]] = []
        channels = int(walk(self._make, tf.zeros((1, side, side, 3))).shape[-1])
        self.head = Head(channels, classes)

    def trained(self) -> list[Any]:
        """What gradients change: all but the running averages."""
        return [*(v for layer in self.layers for v in layer[:3] if v is not None), *self.head]

    def averages(self) -> list[Any]:
        return [v for layer in self.layers for v in layer[3:]]

    def freeze(self) -> None:
        """Fold every batch norm, as it stands, into the filters before it.

        (x * f - mean) factor + shift = x * (f factor) + (shift - mean factor)
        """
        for layer in self.layers:
            factor = layer.factor()
            depthwise = layer.filters.shape[-1] == 1
            by = tf.reshape(factor, (-1, 1)) if depthwise else factor
            self.folded.append((layer.filters * by, layer.shift - layer.mean * factor))

    def features(self, x: Any, training: bool = False) -> Any:
        """Images [count, side, side, 3] to [count, channels]."""
        each = iter(self.folded or self.layers)

        def layer(x: Any, channels: int | None, kernel: tuple[int, int] = (1, 1), stride: int = 1,
                  padding: str = "SAME", activation: Any = tf.nn.relu,
                  silent: bool = False) -> Any:  # fmt: skip
            filters, *rest = next(each)
            if channels is None:
                x = tf.nn.depthwise_conv2d(x, filters, (1, stride, stride, 1), padding)
            else:
                x = tf.nn.conv2d(x, filters, stride, padding)
            x = tf.nn.bias_add(x, *rest) if self.folded else batch_norm(training, x, *rest)
            return x if activation is None else activation(x)

        return tf.reduce_mean(self.walk(layer, x), (1, 2))

    def _make(self, x: Any, channels: int | None, kernel: tuple[int, int] = (1, 1),
              stride: int = 1, padding: str = "SAME", activation: Any = None,
              silent: bool = False) -> Any:  # fmt: skip
        """A new layer, and zeros of its result's size: depthwise where channels is None.

        silent: it begins with a scale of zero, so that what is added to it goes through as it is.
        Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.1
        """
        inputs = x.shape[-1]
        shape = (*kernel, inputs, 1) if channels is None else (*kernel, inputs, channels)
        fan = kernel[0] * kernel[1] * (1 if channels is None else inputs)
        # He et al. 2015, "Delving Deep into Rectifiers", equation 10
        filters = self.rng.standard_normal(shape, np.float32) * np.float32((2 / fan) ** 0.5)
        outputs = channels or inputs
        self.layers.append(
            Layer(
                tf.Variable(filters),
                tf.Variable(tf.fill((outputs,), 0.0 if silent else 1.0)) if self.scaled else None,
                tf.Variable(tf.zeros((outputs,))),
                tf.Variable(tf.zeros((outputs,))),
                tf.Variable(tf.ones((outputs,))),
            )
        )
        less = (0, 0) if padding == "SAME" else (kernel[0] - 1, kernel[1] - 1)
        sides = (-(-(n - k) // stride) for n, k in zip(x.shape[1:3], less, strict=True))
        return tf.zeros((1, *sides, outputs))


class Head:
    """The last layer: [count, channels] to logits [count, classes]."""

    def __init__(self, channels: int, classes: int) -> None:
        rng = np.random.default_rng(1)
        weights = rng.standard_normal((channels, classes), np.float32) * np.float32(0.02)
        self.weights, self.bias = tf.Variable(weights), tf.Variable(tf.zeros((classes,)))

    def __iter__(self) -> Any:
        return iter((self.weights, self.bias))

    def __call__(self, x: Any) -> Any:
        return x @ self.weights + self.bias


def batch_norm(training: bool, x: Any, scale: Any, shift: Any, mean: Any, variance: Any) -> Any:
    """By the batch's statistics, which go into the running ones; or by these."""
    if training:
        batch_mean, batch_variance = tf.nn.moments(x, (0, 1, 2))
        mean.assign(KEPT * mean + (1 - KEPT) * batch_mean)
        variance.assign(KEPT * variance + (1 - KEPT) * batch_variance)
        mean, variance = batch_mean, batch_variance
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, EPSILON)


class Model(NamedTuple):
    """What an example is about. `inception_v3.py` beside this file has its own."""

    name: str
    file: str
    walk: Callable[..., Any]  # (layer, images, width)
    scaled: bool  # whether batch norms have a scale
    side: int  # pixels, of the network of the paper
    parameters: tuple[int, int]  # published: those that are trained, and running averages
    small_side: int
    small_width: float
    rate: float

    def network(self, side: int, width: float, classes: int) -> Network:
        return Network(partial(self.walk, width=width), side, classes, self.scaled)


MOBILENET = Model(
    "MobileNetV2", __file__, mobilenet_v2, True, 224, (3_504_872, 34_112), small_side=64,
    small_width=0.35, rate=0.03,
)  # fmt: skip


# --- what is done with it ----------------------------------------------------------------------


def demonstrate(model: Model, options: argparse.Namespace) -> None:
    measure(model, seconds=0.0 if options.quick else 1.5)
    with tempfile.TemporaryDirectory() as place:
        base, whole, killed = (Path(place, name) for name in ("base", "whole", "killed"))
        base.mkdir()
        learnt = pretrain(model, base, options)

        middle = options.tuning // 2 + options.save_every // 2
        run(model, whole, options)
        code = run(model, killed, options, "--kill-at", str(middle))
        assert code == -signal.SIGKILL, code
        before = read_losses(killed)
        print(f"killed after step {before[-1][0]}")
        run(model, killed, options)
        after = read_losses(killed)[len(before) :]
        print(f"resumed at step {after[0][0]}, loss at the end {after[-1][1]:.6f}")
        ends = [np.load(folder / "head.npz") for folder in (whole, killed)]
        same = all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])
        print(f"the last layers of both runs are {'equal bit for bit' if same else 'NOT equal'}")

        rng = np.random.default_rng(3)
        images, labels = textures(rng, options.tested, NEW, model.small_side)
        chances = predictions(model, base, ends[1], images)
    wrong = int(np.sum(chances.argmax(1) != labels))
    print(f"test accuracy: {1 - wrong / len(labels):.2%} ({wrong} of {len(labels)} misread)")
    path = options.out / f"{Path(model.file).stem}.png"
    draw(model, learnt, before, after, images, labels, chances, path)


def measure(model: Model, seconds: float) -> None:
    """Count the parameters of the paper's network, and see how fast it predicts."""
    network = model.network(model.side, 1.0, 1000)
    groups = network.trained(), network.averages()
    counts = tuple(sum(int(np.prod(v.shape)) for v in group) for group in groups)
    assert counts == model.parameters, counts
    trained, averages = counts
    print(f"{model.name}: {trained:,} parameters and {averages:,} running averages, as published")
    network.freeze()

    def chances(images: Any) -> Any:
        return tf.nn.softmax(network.head(network.features(images)))

    any_number = [tf.TensorSpec([None, model.side, model.side, 3])]
    predict = tf.function(chances, input_signature=any_number)
    for batch in (1, 8):
        images = tf.random.normal((batch, model.side, model.side, 3))
        predict(images).numpy()
        times: list[float] = []
        while not times or sum(times) < seconds:
            start = time.perf_counter()
            predict(images).numpy()
            times.append(time.perf_counter() - start)
        print(f"batches of {batch}: {batch / min(times):.1f} images/s")


def pretrain(model: Model, folder: Path, options: argparse.Namespace) -> Losses:
    """Teach the narrow network the known kinds, and save its base in folder."""
    steps = options.steps
    network = model.network(model.small_side, model.small_width, len(KNOWN))
    warming = steps // 20
    rate = tf.optimizers.schedules.CosineDecay(
        0.0, steps - warming, warmup_target=model.rate, warmup_steps=warming
    )
    optimizer = tf.optimizers.SGD(rate, momentum=0.9)
    weights = network.trained()
    images, labels = textures(np.random.default_rng(1), options.drawn, KNOWN, model.small_side)

    def one_step(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = network.head(network.features(scaled(images), training=True))
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    train_step = tf.function(one_step, input_signature=batches(model))
    rng = np.random.default_rng(2)
    numbers = Progress(range(steps), label=f"{model.name}: {len(KNOWN)} textures")
    found: Losses = []
    start = time.perf_counter()
    for number in numbers:
        chosen = rng.integers(0, len(labels), BATCH)
        batch = images[chosen]
        for axis in (1, 2):
            if rng.random() < 0.5:
                batch = np.flip(batch, axis)
        found.append((number, float(train_step(np.ascontiguousarray(batch), labels[chosen]))))
        numbers.show(loss=found[-1][1])
    tf.train.Checkpoint(layers=network.layers).write(str(folder / "base"))
    print(f"the base: {steps} steps of {BATCH} images in {time.perf_counter() - start:.1f} s")
    return found


def restored(model: Model, base: Path) -> Network:
    """The frozen base, with a new last layer for the new kinds."""
    network = model.network(model.small_side, model.small_width, len(NEW))
    checkpoint = tf.train.Checkpoint(layers=network.layers)
    checkpoint.read(str(base / "base")).assert_consumed()
    network.freeze()
    return network


def train(model: Model, folder: Path, options: argparse.Namespace) -> None:
    """Train the last layer, from the newest checkpoint in folder if there is one.

    At step kill_at the process kills itself.
    """
    network = restored(model, folder.parent / "base")
    head = network.head
    optimizer = tf.optimizers.Adam(3e-3)
    step = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(head=list(head), optimizer=optimizer, step=step)
    manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)
    count = options.shots * len(NEW)
    images, labels = textures(np.random.default_rng(4), count, NEW, model.small_side)

    def one_step(images: Any, labels: Any) -> Any:
        features = network.features(scaled(images))
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, head(features))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, list(head))
        optimizer.apply_gradients(zip(gradients, head, strict=True))
        step.assign_add(1)
        return loss

    train_step = tf.function(one_step, input_signature=batches(model))
    found = manager.restore_or_initialize()
    print(f"restored {Path(found).name}" if found else "the last layer, from the start", flush=True)
    with (folder / "losses.txt").open("a", buffering=1) as log:  # each line is written at once
        while (number := int(step)) < options.tuning:
            if number == options.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            rng = np.random.default_rng((1, number))
            chosen = rng.integers(0, len(labels), BATCH)
            batch = images[chosen] if rng.random() < 0.5 else images[chosen, ::-1].copy()
            log.write(f"{number} {float(train_step(batch, labels[chosen]))}\n")
            if (number + 1) % options.save_every == 0:
                manager.save()
    np.savez(folder / "head.npz", *[v.numpy() for v in head])


def run(model: Model, folder: Path, options: argparse.Namespace, *more: str) -> int:
    """Train the last layer in a process of its own; the code it exits with."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, model.file, "train", str(folder), *more]
    return subprocess.call([*command, "--quick"] if options.quick else command)


def predictions(model: Model, base: Path, head: Any, images: Array) -> Array:
    """Chances [count, kinds]."""
    network = restored(model, base)
    for variable, name in zip(network.head, head, strict=True):
        variable.assign(head[name])

    def chances(images: Any) -> Any:
        return tf.nn.softmax(network.head(network.features(scaled(images))))

    predict = tf.function(chances, input_signature=batches(model)[:1])
    parts = [predict(images[k : k + 100]).numpy() for k in range(0, len(images), 100)]
    return np.concatenate(parts)


def batches(model: Model) -> list[Any]:
    """What a batch is, of any number of images: these, and labels."""
    side = model.small_side
    return [tf.TensorSpec([None, side, side, 3], tf.uint8), tf.TensorSpec([None], tf.int32)]


def scaled(images: Any) -> Any:
    """uint8 as float32 from -1 to 1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def read_losses(folder: Path) -> Losses:
    """(step, loss) of every whole line that was written; a killed process may leave half a one."""
    lines = (folder / "losses.txt").read_text().splitlines(keepends=True)
    pairs = (line.split() for line in lines if line.endswith("\n"))
    return [(int(number), float(loss)) for number, loss in pairs]


# --- textures --------------------------------------------------------------------------------


def textures(rng: np.random.Generator, count: int, kinds: Any, side: int) -> tuple[Array, Array]:
    """Images uint8 [count, side, side, 3], two colours each, and their labels int32 [count]."""
    labels = np.sort(rng.integers(0, len(kinds), count)).astype(np.int32)
    u, v = grid(rng, count, side)
    pattern = np.empty_like(u)
    for k, drawn in enumerate(kinds.values()):
        pattern[labels == k] = np.clip(drawn(u[labels == k], v[labels == k]), -1, 1)
    middle = rng.uniform(0.3, 0.7, (count, 1, 1, 3)).astype(np.float32)
    apart = rng.uniform(0.15, 0.3, (count, 1, 1, 3)) * rng.choice((-1, 1), (count, 1, 1, 1))
    image = middle + apart.astype(np.float32) * pattern[..., None]
    image += rng.standard_normal(image.shape, np.float32) * 0.05
    order = rng.permutation(count)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)[order], labels[order]


def grid(rng: np.random.Generator, count: int, side: int) -> tuple[Array, Array]:
    """Coordinates [count, side, side] of the pixels, turned, moved, in periods of the pattern."""

    def drawn(low: float, high: float) -> Array:
        return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)

    rows, columns = np.mgrid[:side, :side].astype(np.float32) - side / 2
    angle, period = drawn(0, np.pi), drawn(9, 18)
    u = np.cos(angle) * columns + np.sin(angle) * rows
    v = np.cos(angle) * rows - np.sin(angle) * columns
    return u / period + drawn(-1, 1), v / period + drawn(-1, 1)


def wave(x: Array) -> Array:
    return np.asarray(np.sin(2 * np.pi * x))


def bent(x: Array) -> Array:
    """A line that goes up from 0 to 1 and down again, in one period."""
    return np.asarray(np.abs(x % 2 - 1))


def bricks(u: Array, v: Array) -> Array:
    along = (u / 2 + np.floor(v) % 2 / 2) % 1 * 2  # twice as long as high, every second row shifted
    return np.asarray(2 * np.minimum(np.minimum(v % 1, along), 0.3) / 0.3 - 1)


def scales(u: Array, v: Array) -> Array:
    """Rows of arcs, every second one shifted by half an arc."""
    across = (u + np.floor(v) % 2 / 2) % 1 - 0.5
    return wave(np.hypot(across * 1.6, v % 1) * 1.2)


def weave(u: Array, v: Array) -> Array:
    """Bands that run along and across in turn."""
    along = (np.floor(u) + np.floor(v)) % 2 == 0
    return np.asarray(2 * np.where(along, np.abs(wave(u / 2)), np.abs(wave(v / 2))) - 1)


def crosses(u: Array, v: Array) -> Array:
    x, y = np.abs(u % 1 - 0.5), np.abs(v % 1 - 0.5)
    return np.where((np.minimum(x, y) < 0.12) & (np.maximum(x, y) < 0.38), 1.0, -0.5)


def three(u: Array, v: Array) -> tuple[Array, Array, Array]:
    """Waves in three directions, 60 degrees from each other."""
    return wave(u), wave(u / 2 + v * 0.866), wave(u / 2 - v * 0.866)


KNOWN: dict[str, Callable[[Array, Array], Array]] = {
    "stripes": lambda u, v: wave(u),
    "waves": lambda u, v: wave(u + 0.35 * wave(v / 2)),
    "rings": lambda u, v: wave(np.hypot(u, v)),
    "checks": lambda u, v: np.sign(wave(u / 2) * wave(v / 2)),
    "bricks": bricks,
    "dots": lambda u, v: np.where(np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.3, 1.0, -0.4),
    "lattice": lambda u, v: np.where(np.minimum(u % 1, v % 1) < 0.2, 1.0, -0.4),
    "waffle": lambda u, v: (wave(u) + wave(v)) / 2,
}
NEW: dict[str, Callable[[Array, Array], Array]] = {
    "zigzag": lambda u, v: wave(u + bent(v)),
    "scales": scales,
    "weave": weave,
    "crosses": crosses,
    "triangles": lambda u, v: np.sign(np.prod(three(u / 2, v / 2), 0)),
    "honeycomb": lambda u, v: np.sum([np.abs(w) for w in three(u / 2, v / 2)], 0) - 1.6,
    "spiral": lambda u, v: wave(np.hypot(u, v) + np.arctan2(v, u) / np.pi),
    "rays": lambda u, v: wave(np.arctan2(v, u) * 9 / (2 * np.pi)),
}


def draw(model: Model, learnt: Losses, before: Losses, after: Losses, images: Array, labels: Array,
         chances: Array, path: Path) -> None:  # fmt: skip
    """Images of the new kinds with what the network says, and the losses of base and last layer."""
    names = list(NEW)
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.9, 1))
    upper, lower = parts
    wrong = chances.argmax(1) != labels
    columns = [np.flatnonzero((labels == k) & ~wrong)[:2] for k in range(len(names))]
    shown = [int(column[row]) for row in range(2) for column in columns if len(column) > row]
    shown = shown[:16] + [int(i) for i in np.flatnonzero(wrong)[: 24 - len(shown[:16])]]
    panels = upper.subplots(3, 8)
    for axes in panels.flat:
        axes.axis("off")
    for axes, i in zip(panels.flat, shown, strict=False):
        axes.imshow(images[i])
        guess = chances[i].argmax()
        title = f"{names[guess]}: {chances[i, guess]:.0%}"
        if wrong[i]:
            title = f"{names[labels[i]]}, read as\n{title}"
        axes.set_title(title, fontsize=8, color="tab:red" if wrong[i] else "black")
    upper.suptitle(f"{model.name}: kinds that only the last layer has learnt")
    base, last = lower.subplots(1, 2)
    base.semilogy(*zip(*learnt, strict=True), color="tab:green", linewidth=0.8)
    base.set(xlabel="step", ylabel="loss", title=f"The base learns {len(KNOWN)} other kinds")
    last.semilogy(*zip(*before, strict=True), color="tab:blue", linewidth=0.8, label="killed")
    last.semilogy(*zip(*after, strict=True), color="tab:orange", linewidth=0.8, label="resumed")
    last.axvline(before[-1][0], color="0.3", linestyle=":")
    last.set(xlabel="step", title="The last layer learns the new kinds")
    last.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def parse_options(description: str | None, steps: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", nargs="*", metavar="train FOLDER", help="the last layer only")
    text = f"training steps of the base (default {steps})"
    parser.add_argument("--steps", type=int, default=steps, help=text)
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--kill-at", type=int, metavar="STEP", help="with train: end by SIGKILL")
    options = parser.parse_args()
    if options.train and (len(options.train) != 2 or options.train[0] != "train"):
        parser.error("give nothing, or: train FOLDER")
    # steps of the last layer, and between checkpoints; images for the base, of a new kind, tested
    options.tuning, options.save_every = 400, 50
    options.drawn, options.shots, options.tested = 4000, 100, 1000
    if options.quick:
        options.steps, options.tuning, options.save_every = 5, 12, 5
        options.drawn, options.shots, options.tested = 100, 5, 100
    return options


def main(model: Model, options: argparse.Namespace) -> None:
    if options.train:
        train(model, Path(options.train[1]), options)
    else:
        demonstrate(model, options)


if __name__ == "__main__":
    main(MOBILENET, parse_options(__doc__, steps=1200))
