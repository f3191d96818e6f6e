"""Shapes, data and weights of the recurrent lines, the same for every framework. NumPy only."""

from functools import cache

import numpy as np

from perf.arrays import Array, normal, zeros

# W10: two LSTM layers, the next value of a sine from the ten before it
SINE_BATCH, SINE_STEPS, SINE_UNITS = 32, 10, 30

# W11: one layer, all outputs
STEPS, BATCH, DEPTH, UNITS = 64, 32, 128, 256
LAYERS = {"lstm": (4, 1), "gru": (3, 1), "bilstm": (4, 2)}  # gates, directions
FORWARD, BOTH = "f", "f+b"


def sine_parameters(rng: np.random.Generator) -> dict[str, Array]:
    """Gates in the order i f c o; the last layer is dense."""
    wide, made = 4 * SINE_UNITS, {}
    for i, depth in enumerate((1, SINE_UNITS)):
        made[f"W{i}"] = normal(rng, depth, wide, std=0.3)
        made[f"R{i}"] = normal(rng, SINE_UNITS, wide, std=0.2)
        made[f"b{i}"] = zeros(wide)
    return made | {"wd": normal(rng, SINE_UNITS, 1, std=0.3), "bd": zeros(1)}


def sine_batches(rng: np.random.Generator, count: int) -> list[tuple[Array, Array]]:
    """(values [batch, steps, 1], the next ones [batch, 1])."""
    times = np.arange(SINE_STEPS + 1) + rng.random((count, SINE_BATCH, 1)) * 600
    waves = np.sin(times * 0.1).astype(np.float32)
    return [
        (np.ascontiguousarray(s[:, :SINE_STEPS, None]), np.ascontiguousarray(s[:, SINE_STEPS:]))
        for s in waves
    ]


def sine_flop() -> float:
    """Of a training step: forward, and as much again for either gradient."""
    rows = 1 + SINE_UNITS + SINE_UNITS + SINE_UNITS
    return 3 * 2.0 * SINE_BATCH * SINE_STEPS * 4 * SINE_UNITS * rows


@cache
def operands(kind: str) -> tuple[Array, Array, list[tuple[Array, Array, Array]]]:
    """(x, the gradient by y, (kernel, recurrent kernel, bias) for each direction).

    x [batch, steps, depth]; gates in the order i f c o, or z r n.
    """
    gates, directions = LAYERS[kind]
    rng = np.random.default_rng(1)
    weights = [
        (
            normal(rng, DEPTH, gates * UNITS, std=0.05),
            normal(rng, UNITS, gates * UNITS, std=0.05),
            zeros(gates * UNITS),
        )
        for _ in range(directions)
    ]
    x = normal(rng, BATCH, STEPS, DEPTH)
    return x, normal(rng, BATCH, STEPS, directions * UNITS), weights


def layer_flop(kind: str) -> float:
    """Of the forward pass."""
    gates, directions = LAYERS[kind]
    return 2.0 * STEPS * BATCH * (DEPTH + UNITS) * gates * UNITS * directions
