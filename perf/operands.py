"""Shapes and operands of the lines that are no training steps, the same for every framework.

NumPy only. What the programs must make of them stands in answers.py.
"""

from functools import cache
from typing import Any

import numpy as np

from perf.workloads import Array

# W2: y = 0.5 x (1 + tanh(C (x + K x^3))) * SCALE + SHIFT, and dy/dx. Hendrycks & Gimpel 2016.
CHAIN_SIZES = {"16M": 1 << 24, "256K": 1 << 18}
GELU_C, GELU_K = 0.7978845608, 0.044715
SCALE, SHIFT = 1.5, 0.25

STREAM = "relu(a*b+c)"  # three arrays read, one written
LARGE = 1 << 24  # elements of a stream, and of a large eager operand

# W3
SOFTMAX, NORM, SUM = (4096, 1000), (4096, 1024), (8192, 4096)
NORM_EPSILON = 1e-5

# eager
MATRIX = 8

# sparse: rows of a table, of which a batch asks for some
TABLE, LOOKUPS, SPARSE_RATE = (50_000, 128), 4096, 1.0

# W16: 1 GB
SAVED = [(2048, 1280)] * 96

ADAM_RATE = 1e-3


def normal(seed: int, *shape: int) -> Array:
    """float32 normal numbers [*shape]."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@cache
def chain_input(size: str) -> Array:
    """x of W2, float32 [n]."""
    return normal(0, CHAIN_SIZES[size])


@cache
def stream() -> tuple[Array, Array, Array]:
    """a, b, c, float32 [LARGE]."""
    return normal(0, LARGE), normal(1, LARGE), normal(2, LARGE)


@cache
def softmax_input() -> Array:
    return normal(0, *SOFTMAX)


@cache
def norm_operands() -> tuple[Array, Array, Array, Array]:
    """x, gamma, beta and the gradient of the layer norm's result."""
    d = NORM[1]
    return normal(0, *NORM), 1 + 0.1 * normal(1, d), 0.1 * normal(2, d), normal(3, *NORM)


@cache
def sum_input() -> Array:
    return normal(0, *SUM)


@cache
def small_operands() -> tuple[Array, Array, Array]:
    """float32 [10], and two matrices, for eager calls."""
    x = np.arange(10, dtype=np.float32)
    return x, normal(0, MATRIX, MATRIX), normal(1, MATRIX, MATRIX)


def adam_shapes() -> list[tuple[int, ...]]:
    """The 161 parameters of a ResNet-50 (He et al. 2015, table 1): 25,557,032 numbers."""
    shapes: list[tuple[int, ...]] = []

    def convolution(size: int, inputs: int, outputs: int) -> None:  # and its batch norm
        shapes.extend([(size, size, inputs, outputs), (outputs,), (outputs,)])

    convolution(7, 3, 64)
    inputs = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            convolution(1, inputs, width)
            convolution(3, width, width)
            convolution(1, width, 4 * width)
            if block == 0:
                convolution(1, inputs, 4 * width)
            inputs = 4 * width
    return [*shapes, (inputs, 1000), (1000,)]


def adam_bytes() -> float:
    """Gradient, parameter and two moments read, the last three written."""
    return 7 * 4.0 * sum(int(np.prod(shape)) for shape in adam_shapes())


def adam_operands() -> tuple[list[Array], list[Array]]:
    """Parameters and their gradients."""
    shapes = adam_shapes()
    rng = np.random.default_rng(0)
    p, g = ([rng.standard_normal(s, np.float32) for s in shapes] for _ in "pg")
    return p, g


def saved_arrays() -> list[Array]:
    """The arrays of a checkpoint. One row of each is random, for the rest costs only time."""
    rng = np.random.default_rng(0)
    arrays = [np.full(shape, i, np.float32) for i, shape in enumerate(SAVED)]
    for a in arrays:
        a[-1] = rng.standard_normal(a.shape[1])
    return arrays


def saved_bytes() -> float:
    return 4.0 * sum(rows * columns for rows, columns in SAVED)


def sparse_operands() -> tuple[Array, Array, Array]:
    """A table, the rows [LOOKUPS] that a batch asks for, what they should be [LOOKUPS, width]."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, TABLE[0], LOOKUPS).astype(np.int32)
    rows[: LOOKUPS // 8] = rows[0]  # words repeat: their gradients add up
    table: Any = rng.standard_normal(TABLE, np.float32)
    return table, rows, rng.standard_normal((LOOKUPS, TABLE[1]), np.float32)
