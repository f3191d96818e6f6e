"""Teach a network to read dates as people write them, and see where it looks as it does.

    python examples/seq2seq_attention.py
    python examples/seq2seq_attention.py --steps 2000 --out /tmp/pictures

From "the 3rd of march, 1998" to 1998-03-03: a recurrent network reads the letters both ways, a
second one writes, and at each sign attention tells it which letters matter now. In training the
writer is given the right signs so far, all at once; alone it goes by what it wrote itself, sign by
sign in a loop that ends when every date has ended, or with the few likeliest beginnings kept beside
each other, a beam. Each is one call of compiled code.

Source: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation",
sections 3.1 and 3.3; the task is popular among tutorials.
"""

import argparse
import datetime
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

LETTERS = "\0abcdefghijklmnopqrstuvwxyz0123456789 ,./'"  # the first one fills up
SIGNS = "<>0123456789-"  # the first ones begin and end a date
BEGIN, END = 0, 1
LONGEST = 28  # letters
WRITTEN = 11  # signs, with END
FIRST, DAYS = datetime.date(1950, 1, 1), 36525  # a century, so that two digits name a year
HELD_OUT = 2000  # days that are never seen in training
BATCH = 64
DEPTH, UNITS = 32, 64  # of a letter; of each direction
BEAM = 4

Array = NDArray[Any]


class Dates(NamedTuple):
    """letters int32 [count, LONGEST], signs int32 [count, WRITTEN]."""

    letters: Array
    signs: Array


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    rng = np.random.default_rng(0)
    days = rng.permutation(DAYS)
    test, training = dates(rng, days[:HELD_OUT]), dates(rng, days[HELD_OUT:])
    model = Translator(rng)
    rate = tf.optimizers.schedules.CosineDecay(4e-3, options.steps)
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

    signs, looks = model.write(test.letters)
    report("greedily", test, signs.numpy())
    report(f"by a beam of {BEAM}", test, model.search(test.letters).numpy())
    options.out.mkdir(parents=True, exist_ok=True)
    draw(test, signs.numpy(), looks.numpy(), options.out / "seq2seq_attention.png")


class Translator(tf.Module):
    """Letters [count, LONGEST] to signs."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        layers = tf.keras.layers
        self.letters = weights(rng, len(LETTERS), DEPTH)
        self.signs = weights(rng, len(SIGNS), DEPTH)
        self.reader = layers.Bidirectional(
            layers.GRU(UNITS, return_sequences=True, return_state=True)
        )
        self.writer = layers.GRU(2 * UNITS, return_sequences=True)
        self.match = weights(rng, 2 * UNITS, 2 * UNITS)
        self.combine = weights(rng, 4 * UNITS, 2 * UNITS)
        self.out = weights(rng, 2 * UNITS, len(SIGNS))
        self.bias = tf.Variable(tf.zeros(len(SIGNS)))

    def read(self, letters: Any) -> tuple[Any, Any, Any]:
        """What was read [count, LONGEST, 2 * UNITS], where there is something, the last state."""
        there = letters > 0
        found, ahead, back = self.reader(tf.gather(self.letters, letters), mask=there)
        return found, there[:, None], tf.concat((ahead, back), 1)

    def losses(self, letters: Any, signs: Any) -> Any:
        """Cross-entropy of each sign, given those before it."""
        found, there, state = self.read(letters)
        before = tf.concat((tf.fill((tf.shape(signs)[0], 1), BEGIN), signs[:, :-1]), 1)
        states = self.writer(tf.gather(self.signs, before), initial_state=state)
        seen = tf.nn.scaled_dot_product_attention(states @ self.match, found, found, there)
        logits = self.logits(states, seen)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(signs, logits)

    def logits(self, states: Any, seen: Any) -> Any:
        return tf.tanh(tf.concat((states, seen), -1) @ self.combine) @ self.out + self.bias

    def step(self, before: Any, state: Any, found: Any, there: Any) -> tuple[Any, Any, Any]:
        """One sign [count] on: logits [count, signs], state, where it looked [count, letters]."""
        state, _ = self.writer.cell(tf.gather(self.signs, before), (state,))
        scores = tf.linalg.matvec(found, state @ self.match) / (2 * UNITS) ** 0.5
        look = tf.nn.softmax(tf.where(there[:, 0], scores, -1e9))
        return self.logits(state, tf.linalg.matvec(found, look, transpose_a=True)), state, look

    @tf.function
    def write(self, letters: Any) -> tuple[Any, Any]:
        """The likeliest sign each time, int32 [count, signs], and where it looked for it."""
        found, there, state = self.read(letters)
        sign = tf.fill((letters.shape[0],), BEGIN)
        ended = tf.zeros_like(sign, tf.bool)
        signs: list[Any] = []
        looks: list[Any] = []
        while len(signs) < WRITTEN and not tf.reduce_all(ended):
            logits, state, look = self.step(sign, state, found, there)
            sign = tf.where(ended, END, tf.argmax(logits, -1, tf.int32))
            ended = ended | (sign == END)
            signs.append(sign)
            looks.append(look)
        return tf.stack(signs, 1), tf.stack(looks, 1)

    @tf.function
    def search(self, letters: Any) -> Any:
        """The likeliest of the dates that a beam finds, int32 [count, WRITTEN]."""
        count = letters.shape[0]
        found, there, state = (tf.repeat(x, BEAM, 0) for x in self.read(letters))
        sign = tf.fill((count * BEAM,), BEGIN)
        signs = tf.fill((count, BEAM, WRITTEN), END)
        # At first all of a beam are alike: only one of them counts.
        chances = tf.tile(tf.constant([[0.0] + [-1e9] * (BEAM - 1)]), (count, 1))
        for at in tf.range(WRITTEN):
            logits, state, _ = self.step(sign, state, found, there)
            further = tf.nn.log_softmax(tf.reshape(logits, (count, BEAM, -1)))
            # What has ended ends again, and costs nothing.
            ended = tf.reshape(sign, (count, BEAM, 1)) == END
            stay = tf.where(tf.range(len(SIGNS)) == END, 0.0, -1e9)
            further = tf.where(ended, stay, further) + chances[:, :, None]
            chances, best = tf.math.top_k(tf.reshape(further, (count, -1)), BEAM)
            parent, sign = best // len(SIGNS), tf.reshape(best % len(SIGNS), (-1,))
            state = tf.gather(tf.reshape(state, (count, BEAM, -1)), parent, batch_dims=1)
            state = tf.reshape(state, (count * BEAM, -1))
            signs = tf.gather(signs, parent, batch_dims=1)
            here = tf.range(WRITTEN) == at
            signs = tf.where(here, tf.reshape(sign, (count, BEAM, 1)), signs)
        return signs[:, 0]


def weights(rng: np.random.Generator, inputs: int, outputs: int) -> Any:
    """Glorot and Bengio 2010, equation 16."""
    limit = (6 / (inputs + outputs)) ** 0.5
    return tf.Variable(rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32))


def dates(rng: np.random.Generator, days: Array) -> Dates:
    """Those days, each written in some way."""
    letters = np.zeros((len(days), LONGEST), np.int32)
    signs = np.full((len(days), WRITTEN), END, np.int32)
    for i, day in enumerate(days):
        date = FIRST + datetime.timedelta(int(day))
        text = FORMS[rng.integers(len(FORMS))].format(**parts(date))
        letters[i, : len(text)] = [LETTERS.index(c) for c in text]
        signs[i, : WRITTEN - 1] = [SIGNS.index(c) for c in date.isoformat()]
    return Dates(letters, signs)


FORMS = (
    "{day} {month} {year}",
    "{month} {day}, {year}",
    "{weekday}, {day} {month} {year}",
    "the {day}{th} of {month}, {year}",
    "{short} {day} '{century}",
    "{day}. {short} {year}",
    "{day}.{number}.{year}",
    "{number}/{day}/{century}",
    "{weekday} {day}.{number}.{century}",
)
MONTHS = (
    "january february march april may june july august september october november december".split()
)
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()


def parts(date: datetime.date) -> dict[str, str]:
    """What the forms are made of."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(date.day % 10 if date.day // 10 != 1 else 0, "th")
    month = MONTHS[date.month - 1]
    return {
        "day": str(date.day),
        "th": ending,
        "month": month,
        "short": month[:3],
        "number": str(date.month),
        "year": str(date.year),
        "century": f"{date.year % 100:02}",
        "weekday": WEEKDAYS[date.weekday()],
    }


def text_of(letters: Array) -> str:
    return "".join(LETTERS[i] for i in letters if i)


def date_of(signs: Array) -> str:
    """Up to the first END."""
    return "".join(SIGNS[i] for i in signs).partition(SIGNS[END])[0]


def report(how: str, test: Dates, signs: Array) -> None:
    """Print the share of dates that are right in every sign, and a few that are not."""
    pairs = [(date_of(a), date_of(b)) for a, b in zip(signs, test.signs, strict=True)]
    wrong = [i for i, (guess, date) in enumerate(pairs) if guess != date]
    share = 1 - len(wrong) / len(pairs)
    print(f"unseen dates read {how}: {share:.2%} right ({len(wrong)} of {len(pairs)} wrong)")
    for i in wrong[:3]:
        print(f"  {text_of(test.letters[i])}: read as {pairs[i][0]}")


def draw(test: Dates, signs: Array, looks: Array, path: Path) -> None:
    """Where the writer looked for each sign: a date of each of six forms."""
    texts = [text_of(letters) for letters in test.letters]
    shown = [next(i for i, text in enumerate(texts) if begin in text) for begin in SHOWN]
    figure = Figure(figsize=(11, 6.6), layout="constrained")
    for axes, i in zip(figure.subplots(2, 3).flat, shown, strict=True):
        text, date = texts[i], date_of(signs[i]) or "?"
        axes.imshow(looks[i, : len(date), : len(text)], cmap="Greens", vmin=0, vmax=1,
                    aspect="auto")  # fmt: skip
        axes.set_xticks(range(len(text)), text, family="monospace", va="baseline")
        axes.set_yticks(range(len(date)), date, family="monospace")
        axes.tick_params("x", length=0, pad=12)
        axes.tick_params("y", length=0)
    figure.suptitle("Which letters (across) each sign (down) was taken from")
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")


SHOWN = ("day, ", "the ", "'", "/", ". ", ", 19")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=800, help="training steps (default 800)")
    parser.add_argument("--quick", action="store_true", help="30 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 30
    return options


if __name__ == "__main__":
    main()
