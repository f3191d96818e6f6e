"""Kill a training run half-way, go on from its last checkpoint, and end where it would have ended.

    python examples/resume_training.py               train, kill, resume, compare, draw
    python examples/resume_training.py train FOLDER  one run; start it again, and it goes on

`train` saves weights, optimizer and the step's number every 100 steps. The demonstration starts it
three times as a process of its own: once undisturbed, once so that it kills itself in the middle
(SIGKILL: nothing can be tidied up), and once more in the folder of the killed one. The batch of a
step depends on the step's number alone, so the resumed run must end with the very bits of the
undisturbed one.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf

BATCH = 32
SAVE_EVERY = 100  # steps
KEEP = 3  # checkpoints

Array = NDArray[Any]
Losses = list[tuple[int, float]]


def train(folder: Path, last_step: int, kill_at: int | None) -> None:
    """Train up to last_step, from the newest checkpoint in folder if there is one.

    At step kill_at the process kills itself.
    """
    images, labels = digits()
    rng = np.random.default_rng(0)
    weights = [
        tf.Variable(rng.normal(0, (2 / 64) ** 0.5, (64, 100)).astype(np.float32)),
        tf.Variable(tf.zeros((100,))),
        tf.Variable(rng.normal(0, 0.1, (100, 10)).astype(np.float32)),
        tf.Variable(tf.zeros((10,))),
    ]
    optimizer = tf.optimizers.Adam(1e-3)
    step = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(weights=weights, optimizer=optimizer, step=step)
    manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=KEEP)

    @tf.function
    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ weights[0] + weights[1])
            logits = hidden @ weights[2] + weights[3]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        step.assign_add(1)
        return loss

    restored = manager.restore_or_initialize()
    print(f"restored {Path(restored).name}" if restored else "from the start", flush=True)
    with (folder / "losses.txt").open("a", buffering=1) as log:  # each line is written at once
        while (number := int(step)) < last_step:
            if number == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            chosen = np.random.default_rng((1, number)).integers(0, len(labels), BATCH)
            log.write(f"{number} {float(train_step(images[chosen], labels[chosen]))}\n")
            if (number + 1) % SAVE_EVERY == 0:
                manager.save()
    np.savez(folder / "weights.npz", *[w.numpy() for w in weights])


def demonstrate(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as place:
        whole, killed = Path(place, "whole"), Path(place, "killed")
        run(whole, options.steps)
        losses = read_losses(whole)
        print(f"undisturbed: {options.steps} steps, loss {losses[-1][1]:.6f}")

        middle = options.steps // 2 + SAVE_EVERY // 2
        code = run(killed, options.steps, "--kill-at", str(middle))
        assert code == -signal.SIGKILL, code
        before = read_losses(killed)
        print(f"killed after step {before[-1][0]}")

        run(killed, options.steps)
        after = read_losses(killed)[len(before) :]
        print(f"resumed at step {after[0][0]}, loss at the end {after[-1][1]:.6f}")
        ends = [np.load(folder / "weights.npz") for folder in (whole, killed)]
        same = all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])
        print(f"the weights of both runs are {'equal bit for bit' if same else 'NOT equal'}")
    draw(losses, before, after, options.out / "resume_training.png")


def run(folder: Path, steps: int, *options: str) -> int:
    """Train in folder in a process of its own; the code it exits with."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "train", str(folder), "--steps", str(steps), *options]
    return subprocess.call(command)


def read_losses(folder: Path) -> Losses:
    """(step, loss) of every whole line that was written; a killed process may leave half a one."""
    path = folder / "losses.txt"
    text = path.read_text() if path.exists() else ""
    lines = (line.split() for line in text.splitlines(keepends=True) if line.endswith("\n"))
    return [(int(number), float(loss)) for number, loss in lines]


def digits() -> tuple[Array, Array]:
    """scikit-learn's digits [count, 64] from 0 to 1, and their labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels.astype(np.int32)


def draw(whole: Losses, before: Losses, after: Losses, path: Path) -> None:
    """The loss of the undisturbed run, and over it that of the killed and resumed one."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(*zip(*whole, strict=True), color="0.75", linewidth=4, label="undisturbed")
    axes.semilogy(*zip(*before, strict=True), color="tab:blue", linewidth=0.8, label="killed")
    axes.semilogy(*zip(*after, strict=True), color="tab:orange", linewidth=0.8, label="resumed")
    marks = ((after[0][0], "goes on here", "right"), (before[-1][0], "killed here", "left"))
    for at, text, side in marks:
        axes.axvline(at, color="0.3", linestyle=":")
        offset = (-4 if side == "right" else 4, 6)
        axes.annotate(text, (at, min(loss for _, loss in whole)), offset,
                      textcoords="offset points", ha=side)  # fmt: skip
    axes.set(xlabel="step", ylabel="training loss", title="A run that was killed half-way")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", nargs="*", metavar="train FOLDER", help="one run, in FOLDER")
    parser.add_argument("--steps", type=int, default=2000, help="training steps (default 2000)")
    parser.add_argument("--quick", action="store_true", help="600 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    parser.add_argument("--kill-at", type=int, metavar="STEP", help="with train: end by SIGKILL")
    options = parser.parse_args()
    if options.train and (len(options.train) != 2 or options.train[0] != "train"):
        parser.error("give nothing, or: train FOLDER")
    if options.quick:
        options.steps = 600
    return options


def main() -> None:
    options = parse_options()
    if options.train:
        train(Path(options.train[1]), options.steps, options.kill_at)
    else:
        demonstrate(options)


if __name__ == "__main__":
    main()
