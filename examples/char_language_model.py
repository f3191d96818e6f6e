"""Train a language model of characters; print bits per character, and text that it writes.

    python examples/char_language_model.py                  Python's own help texts
    python examples/char_language_model.py --text FILE      any text of some 100,000 characters
    python examples/char_language_model.py --steps 500 --out /tmp/pictures

A layer of gated recurrent units reads the text in 32 places at once, 64 characters a step, and its
state goes on from step to step. Counts of n-grams say what its bits are worth. Then it writes: each
character is drawn from what it expects, and is what it reads next, in a compiled loop.

Sources: Sutskever et al. 2011, "Generating Text with Recurrent Neural Networks"; Cho et al. 2014,
"Learning Phrase Representations using RNN Encoder-Decoder" (the units); Witten and Bell 1991, "The
Zero-Frequency Problem" (method C, the n-grams).
"""

import argparse
import math
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

EMBEDDED, UNITS = 64, 256
BATCH, WINDOW = 32, 64
DROPPED = 0.2  # share of what goes in and out of the units
EVALUATE_EVERY = 100  # steps
PROMPT, WRITTEN = 4, 600  # characters

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    text = options.text.read_text("utf-8") if options.text else help_texts()
    train, held_out = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    characters = sorted(set(text))
    print(f"{len(train):,} characters of {len(characters)} kinds, {len(held_out):,} held out")
    baselines = {n: bits_of_counts(train, held_out, n, len(characters)) for n in (3, 5)}
    for n, bits in baselines.items():
        print(f"counts of {n} characters: {bits:.3f} bits per character")

    model = Writer(len(characters))
    optimizer = tf.optimizers.Adam(tf.optimizers.schedules.CosineDecay(4e-3, options.steps))

    @tf.function
    def train_step(read: Any, following: Any, state: Any) -> Any:
        with tf.GradientTape() as tape:
            logits, state = model(read, state, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.variables)
        optimizer.apply_gradients(zip(gradients, model.variables, strict=True))
        return loss / math.log(2), state

    @tf.function
    def evaluate(read: Any, following: Any, state: Any) -> Any:
        logits, state = model(read, state)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
        return tf.reduce_mean(losses) / math.log(2), state

    @tf.function
    def write(read: Any, temperature: Any, count: Any) -> Any:
        """`count` characters behind those that it read; the colder, the likelier each one is."""
        logits, state = model(read, tf.zeros((1, UNITS)))
        last = logits[:, -1]
        written = tf.TensorArray(tf.int32, count)
        for i in tf.range(count):
            drawn = tf.random.categorical(last / temperature, 1, tf.int32)
            written = written.write(i, drawn[0, 0])
            logits, state = model(drawn, state)
            last = logits[:, 0]
        return written.stack()

    number = {character: i for i, character in enumerate(characters)}
    windows = in_windows(np.array([number[c] for c in train], np.int32))
    held_out_windows = in_windows(np.array([number[c] for c in held_out], np.int32))
    losses: list[float] = []
    tests: list[tuple[int, float]] = []
    start = time.perf_counter()
    steps = Progress(range(1, options.steps + 1), label="training")
    for step in steps:
        place = (step - 1) % len(windows)
        if place == 0:
            state = tf.zeros((BATCH, UNITS))
        loss, state = train_step(*windows[place], state)
        losses.append(float(loss))
        if step % EVALUATE_EVERY == 0 or step == options.steps:
            held_out_state = tf.zeros((BATCH, UNITS))
            test: list[float] = []
            for read, following in held_out_windows:
                loss, held_out_state = evaluate(read, following, held_out_state)
                test.append(float(loss))
            tests.append((step, float(np.mean(test))))
            steps.show(held_out=tests[-1][1])
        steps.show(bits=losses[-1])
    seconds = time.perf_counter() - start

    print(f"{options.steps} steps of {BATCH * WINDOW} characters in {seconds:.1f} s")
    print(f"held-out text: {tests[-1][1]:.3f} bits per character")
    prompt = np.array([[number[c] for c in text[:PROMPT]]], np.int32)
    for temperature in (0.5, 1.0):
        drawn = write(prompt, tf.constant(temperature), tf.constant(WRITTEN)).numpy()
        said = text[:PROMPT] + "".join(characters[i] for i in drawn)
        print(f"--- written at temperature {temperature} ---\n{said}")
    options.out.mkdir(parents=True, exist_ok=True)
    draw(losses, len(windows), tests, baselines, options.out / "char_language_model.png")


class Writer:
    """Numbers of characters [batch, steps] and the state before them: logits of the next, state."""

    def __init__(self, characters: int) -> None:
        self.table = tf.Variable(tf.random.normal((characters, EMBEDDED), stddev=0.1))
        self.units = tf.keras.layers.GRU(UNITS, return_sequences=True, return_state=True)
        self.weights = tf.Variable(tf.random.normal((UNITS, characters), stddev=UNITS**-0.5))
        self.bias = tf.Variable(tf.zeros((characters,)))

    @property
    def variables(self) -> list[Any]:
        return [self.table, *self.units.trainable_variables, self.weights, self.bias]

    def __call__(self, read: Any, state: Any, training: bool = False) -> Any:
        x = tf.nn.embedding_lookup(self.table, read)
        if training:
            x = tf.nn.dropout(x, DROPPED)
        x, state = self.units(x, initial_state=state)
        if training:
            x = tf.nn.dropout(x, DROPPED)
        return x @ self.weights + self.bias, state


def help_texts() -> str:
    """What help() says about the language; a paragraph that stands in several texts, once."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise SystemExit(
            "This Python came without its help texts, pydoc_data.topics. Give another text with"
            " --text FILE, or use a Python from python.org, conda, or your system's full package."
        ) from None
    texts = (topics[name] for name in sorted(topics))
    return "\n\n".join(
        dict.fromkeys(part.rstrip() for text in texts for part in text.split("\n\n"))
    )


def in_windows(numbers: Array) -> list[tuple[Array, Array]]:
    """Characters [BATCH, WINDOW] and those that follow; each row goes on in the next window."""
    count = (len(numbers) - 1) // (BATCH * WINDOW)
    if count < 1:
        least = 10 * (BATCH * WINDOW + 1)  # so that the tenth that is held out is one window
        raise SystemExit(f"The text is too short: it takes {least:,} characters.")
    parts = numbers[: count * BATCH * WINDOW], numbers[1 : count * BATCH * WINDOW + 1]
    read, following = (p.reshape(BATCH, count, WINDOW).swapaxes(0, 1) for p in parts)
    return list(zip(read, following, strict=True))


def bits_of_counts(train: str, held_out: str, n: int, kinds: int) -> float:
    """Bits per character of held_out by counts of up to n characters in train.

    A context that was seen gives its share of way to the next shorter one, by as many counts as
    kinds of characters came behind it.
    """
    counts: list[dict[str, Counter[str]]] = [defaultdict(Counter) for _ in range(n)]
    for i, character in enumerate(train):
        for length in range(min(n, i + 1)):
            counts[length][train[i - length : i]][character] += 1
    text = train[-n:] + held_out
    bits = 0.0
    for i in range(n, len(text)):
        chance = 1 / kinds
        for length in range(n):
            seen = counts[length].get(text[i - length : i])
            if seen:
                chance = (seen[text[i]] + len(seen) * chance) / (seen.total() + len(seen))
        bits -= math.log2(chance)
    return bits / len(held_out)


def draw(
    losses: list[float],
    epoch: int,
    tests: list[tuple[int, float]],
    baselines: dict[int, float],
    path: Path,
) -> None:
    """Bits of the training text, step by step, and of the held-out text, beside the counts'."""
    window = min(epoch, len(losses))
    mean = np.convolve(losses, np.ones(window) / window, "valid")
    middles = np.arange(len(mean)) + 1 + window / 2
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(losses) + 1), losses, color="tab:blue", alpha=0.2)
    axes.plot(middles, mean, color="tab:blue", label="training text, mean of an epoch")
    axes.plot(*zip(*tests, strict=True), ".-", color="tab:green", label="held-out text")
    for (n, bits), style in zip(baselines.items(), (":", "--"), strict=True):
        axes.axhline(bits, color="black", ls=style, lw=1, label=f"counts of {n} characters")
    axes.annotate(f"{tests[-1][1]:.3f}", tests[-1], (0, 8), ha="right", textcoords="offset points")
    axes.set(xlabel="step", ylabel="bits per character", title="Learning curve")
    axes.set_ylim(1.4, max(4, tests[-1][1] + 0.5))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2500, help="training steps (default 2500)")
    parser.add_argument("--quick", action="store_true", help="20 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--text", type=Path, metavar="FILE", help="a text to learn from")
    options = parser.parse_args()
    if options.quick:
        options.steps = 20
    return options


if __name__ == "__main__":
    main()
