"""Teach a small transformer to read dates as people write them, and see where its heads look.

    python examples/transformer.py
    python examples/transformer.py --steps 2000 --out /tmp/pictures

The task of `seq2seq_attention.py` beside this file, which also makes the dates. Here nothing is
recurrent: letters look at letters, signs at the signs before them and at the letters, all of them
at once, and where they stand is told by waves that are added to them. Alone, the transformer writes
sign by sign, in a loop that ends when every date has ended.

Sources: Vaswani et al. 2017, "Attention is all you need"; norms in front of their layers: Xiong et
al. 2020, "On Layer Normalization in the Transformer Architecture".
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from seq2seq_attention import (  # type: ignore[import-not-found]
    BATCH,
    BEGIN,
    DAYS,
    END,
    HELD_OUT,
    LETTERS,
    LONGEST,
    SIGNS,
    WRITTEN,
    Dates,
    date_of,
    dates,
    report,
    text_of,
    weights,
)

import numflow as tf
from numflow.progress import Progress

WIDTH, HEADS, INNER, LAYERS = 64, 4, 128, 2
WARM_UP = 100  # steps in which the rate grows

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    rng = np.random.default_rng(0)
    days = rng.permutation(DAYS)
    test, training = dates(rng, days[:HELD_OUT]), dates(rng, days[HELD_OUT:])
    model = Transformer(rng)
    rate = tf.optimizers.schedules.CosineDecay(
        0.0, max(1, options.steps - WARM_UP), warmup_target=2e-3, warmup_steps=WARM_UP
    )
    optimizer = tf.optimizers.Adam(rate)

    @tf.function
    def train_step(letters: Any, signs: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.losses(letters, signs))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    start = time.perf_counter()
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        chosen = rng.integers(0, len(training.signs), BATCH)
        loss = train_step(training.letters[chosen], training.signs[chosen])
        steps.show(loss=loss)
    seconds = time.perf_counter() - start
    print(f"{options.steps} steps of {BATCH} dates in {seconds:.1f} s")

    signs = model.write(test.letters).numpy()
    report("by the transformer", test, signs)
    options.out.mkdir(parents=True, exist_ok=True)
    draw(model, test, signs, options.out / "transformer.png")


class Attention(tf.Module):
    """Rows [count, rows, WIDTH] look at others, with several heads."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (weights(rng, WIDTH, WIDTH) for _ in range(4))

    def __call__(self, x: Any, at: Any, mask: Any = None, is_causal: bool = False) -> Any:
        """mask: bool, true where a row of x sees a row of at; broadcasts to [count, 1, x, at]."""
        heads = tf.nn.dot_product_attention(
            in_heads(x @ self.query),
            in_heads(at @ self.key),
            in_heads(at @ self.value),
            mask=mask,
            is_causal=is_causal,
        )
        return tf.reshape(heads, tf.shape(x)) @ self.out

    def shares(self, x: Any, at: Any, mask: Any) -> Any:
        """How much each row of x takes of each of at, [count, heads, x, at]."""
        scores = tf.einsum("nqhd,nkhd->nhqk", in_heads(x @ self.query), in_heads(at @ self.key))
        return tf.nn.softmax(tf.where(mask, scores / (WIDTH / HEADS) ** 0.5, -1e9))


def in_heads(x: Any) -> Any:
    return tf.reshape(x, tf.stack((tf.shape(x)[0], tf.shape(x)[1], HEADS, WIDTH // HEADS)))


class Norm(tf.Module):
    """Each row with mean 0 and variance 1, then stretched. Ba et al. 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.offset = tf.Variable(tf.ones(WIDTH)), tf.Variable(tf.zeros(WIDTH))

    def __call__(self, x: Any) -> Any:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, 1e-6)


class Dense(tf.Module):
    """Two layers, for each row alone."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.wide, self.narrow = weights(rng, WIDTH, INNER), weights(rng, INNER, WIDTH)
        self.biases = tf.Variable(tf.zeros(INNER)), tf.Variable(tf.zeros(WIDTH))

    def __call__(self, x: Any) -> Any:
        return tf.nn.relu(x @ self.wide + self.biases[0]) @ self.narrow + self.biases[1]


class Reader(tf.Module):
    """A layer over the letters."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.norms = Norm(), Norm()
        self.around, self.dense = Attention(rng), Dense(rng)

    def __call__(self, x: Any, there: Any) -> Any:
        y = self.norms[0](x)
        x = x + self.around(y, y, there)
        return x + self.dense(self.norms[1](x))


class Writer(tf.Module):
    """A layer over the signs, which also looks at what the readers made of the letters."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.norms = Norm(), Norm(), Norm()
        self.back, self.across, self.dense = Attention(rng), Attention(rng), Dense(rng)

    def __call__(self, x: Any, found: Any, there: Any) -> Any:
        x = self.looked_back(x)
        x = x + self.across(self.norms[1](x), found, there)
        return x + self.dense(self.norms[2](x))

    def looked_back(self, x: Any) -> Any:
        y = self.norms[0](x)
        return x + self.back(y, y, is_causal=True)

    def shares(self, x: Any, found: Any, there: Any) -> Any:
        """Where it looks among the letters, [count, heads, signs, letters]."""
        return self.across.shares(self.norms[1](self.looked_back(x)), found, there)


class Transformer(tf.Module):
    """Letters [count, LONGEST] to signs."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.letters, self.signs = (weights(rng, len(t), WIDTH) for t in (LETTERS, SIGNS))
        self.readers = [Reader(rng) for _ in range(LAYERS)]
        self.writers = [Writer(rng) for _ in range(LAYERS)]
        self.norms = Norm(), Norm()
        self.out = weights(rng, WIDTH, len(SIGNS))

    def read(self, letters: Any) -> tuple[Any, Any]:
        """What was read [count, LONGEST, WIDTH], and where there is something."""
        there = (letters > 0)[:, None, None]
        x = tf.gather(self.letters, letters) * WIDTH**0.5 + waves(LONGEST)
        for layer in self.readers:
            x = layer(x, there)
        return self.norms[0](x), there

    def begin(self, before: Any) -> Any:
        return tf.gather(self.signs, before) * WIDTH**0.5 + waves(WRITTEN)

    def logits(self, before: Any, found: Any, there: Any) -> Any:
        """Of each sign, given those before it [count, WRITTEN]."""
        x = self.begin(before)
        for layer in self.writers:
            x = layer(x, found, there)
        return self.norms[1](x) @ self.out

    def losses(self, letters: Any, signs: Any) -> Any:
        """Cross-entropy of each sign, given those before it."""
        before = tf.concat((tf.fill((tf.shape(signs)[0], 1), BEGIN), signs[:, :-1]), 1)
        logits = self.logits(before, *self.read(letters))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(signs, logits)

    @tf.function
    def write(self, letters: Any) -> Any:
        """The likeliest sign each time, int32 [count, WRITTEN]."""
        found, there = self.read(letters)
        signs = tf.fill((letters.shape[0], WRITTEN), END)
        before = tf.fill((letters.shape[0], WRITTEN), BEGIN)
        ended = tf.fill((letters.shape[0],), False)
        at = 0
        while at < WRITTEN and not tf.reduce_all(ended):
            logits = self.logits(before, found, there)[:, at]
            sign = tf.where(ended, END, tf.argmax(logits, -1, tf.int32))
            ended = ended | (sign == END)
            signs = tf.where(tf.range(WRITTEN) == at, sign[:, None], signs)
            before = tf.where(tf.range(WRITTEN) == at + 1, sign[:, None], before)
            at += 1
        return signs

    @tf.function
    def shares(self, letters: Any, before: Any) -> list[Any]:
        """Of each layer of writers, where its heads look among the letters."""
        found, there = self.read(letters)
        x, shares = self.begin(before), []
        for layer in self.writers:
            shares.append(layer.shares(x, found, there))
            x = layer(x, found, there)
        return shares


def waves(rows: int) -> Array:
    """Sines and cosines of WIDTH / 2 lengths, float32 [rows, WIDTH]. Vaswani 2017, section 3.5."""
    angles = np.arange(rows)[:, None] / 10000 ** (np.arange(0, WIDTH, 2) / WIDTH)
    return np.concatenate((np.sin(angles), np.cos(angles)), 1).astype(np.float32)


def draw(model: Transformer, test: Dates, signs: Array, path: Path) -> None:
    """Where each head of each writing layer looks while one date is written."""
    texts = [text_of(letters) for letters in test.letters]
    i = next(i for i, text in enumerate(texts) if text.startswith("the ") and "th " in text)
    text, date = texts[i], date_of(signs[i]) or "?"
    before = np.concatenate(([BEGIN], signs[i, :-1])).astype(np.int32)
    shares = model.shares(test.letters[i : i + 1], before[None])
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    panels = figure.subplots(LAYERS, HEADS, sharex=True, sharey=True)
    for k, (line, of_layer) in enumerate(zip(panels, shares, strict=True)):
        for head, axes in enumerate(line):
            part = of_layer.numpy()[0, head, : len(date), : len(text)]
            axes.imshow(part, cmap="Greens", vmin=0, vmax=1, aspect="auto")
            axes.set_title(f"layer {k + 1}, head {head + 1}", fontsize=10)
            axes.set_xticks(range(len(text)), text, family="monospace", va="baseline", fontsize=9)
            axes.set_yticks(range(len(date)), date, family="monospace")
            axes.tick_params("x", length=0, pad=12)
            axes.tick_params("y", length=0)
    figure.suptitle("Which letters (across) each head takes for each sign (down)")
    figure.savefig(path, dpi=90)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1500, help="training steps (default 1500)")
    parser.add_argument("--quick", action="store_true", help="30 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 30
    return options


if __name__ == "__main__":
    main()
