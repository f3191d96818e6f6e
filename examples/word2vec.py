"""Learn vectors of words from what stands beside them; print each word's neighbours, draw a map.

    python examples/word2vec.py                  Python's own help texts
    python examples/word2vec.py --text FILE      any text of some 50,000 words
    python examples/word2vec.py --steps 2000 --out /tmp/pictures

Skip-gram: from the vector of a word, its neighbours in the text are to be told from words that were
drawn at random. Only the rows of the words in a batch are read, have a gradient, and are changed by
the optimizer, however many words there are. `char_language_model.py` beside this file gives the
text.

Sources: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
Compositionality"; Gutmann and Hyvarinen 2010, "Noise-contrastive estimation" (the loss).
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from char_language_model import help_texts  # type: ignore[import-not-found]
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

SIZE = 64  # numbers of a vector
REACH = 4  # words to either side, at most
LEAST = 5  # times that a word must occur
KEPT = 1e-3  # the share of the text above which a word is left out now and then
BATCH, DRAWN = 512, 64
FREQUENT = 400  # words for the map
SHOWN = "list integer float exception method module import class function true less bytes".split()
TOGETHER = """true false, list tuple, int float, less greater, bytes bytearray, import module,
    global nonlocal, try except, key value, left right, upper lower, positional keyword,
    integer floating, start end, first second, async await, addition subtraction, class instance,
    string str, break continue"""

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    text = options.text.read_text("utf-8") if options.text else help_texts()
    words, numbers = vocabulary(text)
    print(f"{len(numbers):,} words, {len(words):,} different ones")
    vectors = tf.Variable(tf.random.uniform((len(words), SIZE), -0.5, 0.5) / SIZE**0.5)
    weights = tf.Variable(tf.random.normal((len(words), SIZE), stddev=SIZE**-0.5))
    biases = tf.Variable(tf.zeros((len(words),)))
    variables = [vectors, weights, biases]
    rate = tf.optimizers.schedules.PolynomialDecay(1.0, options.steps, 0.02)
    optimizer = tf.optimizers.Adagrad(rate)

    @tf.function
    def train_step(centers: Any, neighbours: Any) -> Any:
        with tf.GradientTape() as tape:
            x = tf.nn.embedding_lookup(vectors, centers)
            losses = tf.nn.nce_loss(weights, biases, neighbours, x, DRAWN, len(words))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    batches = endless_batches(np.random.default_rng(0), numbers)
    start = time.perf_counter()
    steps = Progress(range(options.steps), label="training")
    for _ in steps:
        steps.show(loss=train_step(*next(batches)))
    seconds = time.perf_counter() - start

    directions = vectors.numpy() - vectors.numpy().mean(0)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    number = {word: i for i, word in enumerate(words)}
    print(f"{options.steps} steps of {BATCH} pairs in {seconds:.1f} s")
    for word in (word for word in SHOWN if word in number):
        print(f"{word:>10}: {', '.join(words[i] for i in nearest(directions, number[word])[:7])}")
    pairs = [pair.split() for pair in TOGETHER.split(",")]
    known = [(number[a], number[b]) for a, b in pairs if a in number and b in number]
    found = sum(
        b in nearest(directions, a)[:10] or a in nearest(directions, b)[:10] for a, b in known
    )
    print(f"{found} of {len(known)} pairs of words: one is among the 10 nearest of the other")
    options.out.mkdir(parents=True, exist_ok=True)
    draw_map(words, directions, options.out / "word2vec.png")


def vocabulary(text: str) -> tuple[list[str], Array]:
    """The words that occur often enough, by frequency, and the text as their numbers."""
    text_words = re.findall(r"_*[a-z][a-z_]*", text.lower())
    words = [word for word, times in Counter(text_words).most_common() if times >= LEAST]
    number = {word: i for i, word in enumerate(words)}
    return words, np.array([number[word] for word in text_words if word in number], np.int32)


def endless_batches(rng: np.random.Generator, numbers: Array) -> Iterator[tuple[Array, Array]]:
    """Words [BATCH] and a neighbour of each [BATCH, 1], of epoch after epoch."""
    share = np.bincount(numbers) / len(numbers)
    chance = np.sqrt(KEPT / share)  # Mikolov et al. 2013, equation 5
    while True:
        kept = numbers[rng.random(len(numbers)) < chance[numbers]]
        reach = rng.integers(1, REACH + 1, len(kept))  # so that nearer words count for more
        pairs = []
        for distance in range(1, REACH + 1):
            left, right = kept[:-distance], kept[distance:]
            pairs.append(np.stack((left, right), 1)[reach[:-distance] >= distance])
            pairs.append(np.stack((right, left), 1)[reach[distance:] >= distance])
        every = np.concatenate(pairs)
        if len(every) < BATCH:
            raise SystemExit(f"The text is too short: it has not even {BATCH} pairs of words.")
        order = rng.permutation(len(every))
        for begin in range(0, len(every) - BATCH + 1, BATCH):
            batch = every[order[begin : begin + BATCH]]
            yield batch[:, 0], batch[:, 1:]


def nearest(directions: Array, i: int) -> list[int]:
    """The other words, the one of the smallest angle first."""
    order = (directions @ directions[i]).argsort()[::-1]
    return [int(j) for j in order if j != i]


def draw_map(words: list[str], directions: Array, path: Path) -> None:
    """Frequent words by their principal components, the third one as color; no two overlap."""
    drawn = [i for i, word in enumerate(words[:FREQUENT]) if len(word) > 2]
    centered = directions[drawn] - directions[drawn].mean(0)
    x, y, hue = np.linalg.svd(centered, full_matrices=False)[2][:3] @ centered.T
    colors = colormaps["turbo"](0.1 + 0.8 * (hue - hue.min()) / np.ptp(hue)) * (0.65, 0.65, 0.65, 1)
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(x.min() - 0.08, x.max() + 0.08), ylim=(y.min() - 0.03, y.max() + 0.03))
    axes.set(xticks=[], yticks=[], title="Frequent words by three principal components")
    figure.draw_without_rendering()  # from here on labels have a size
    taken: list[Any] = []
    for at, i in enumerate(drawn):
        label = axes.annotate(words[i], (x[at], y[at]), ha="center", va="center",
                              fontsize=9, color=colors[at])  # fmt: skip
        box = label.get_window_extent().padded(2)
        if any(box.overlaps(other) for other in taken):
            label.remove()  # the more frequent word stays
        else:
            taken.append(box)
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=8000, help="training steps (default 8000)")
    parser.add_argument("--quick", action="store_true", help="100 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--text", type=Path, metavar="FILE", help="a text to learn from")
    options = parser.parse_args()
    if options.quick:
        options.steps = 100
    return options


if __name__ == "__main__":
    main()
