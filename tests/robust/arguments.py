"""Arguments of calls: what holds them, and those that many calls take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import numflow as nf


class Made:
    """An argument that is made anew for each call: a ragged or sparse tensor, a variable."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Given(Made):
    """An argument that is not spoiled: what a method belongs to, a function."""


class Arguments:
    """Arguments of one call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


A = Arguments
Methods = dict[str, tuple[Callable[..., Any], Arguments]]

X = np.array([[1.5, -2.0, 0.25], [0.5, 3.0, -1.0]], np.float32)  # [2, 3]
P = np.array([[0.5, 0.25, 0.125], [0.75, 0.1, 0.3]], np.float32)  # in (0, 1)
V = np.array([0.5, 1.5, 2.5], np.float32)  # [3]
W = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 1.0]], np.float32)  # [3, 2]
I = np.array([[1, 2, 3], [4, 5, 6]], np.int32)  # noqa: E741  [2, 3]
K = np.array([0, 1], np.int32)  # [2]
B = np.array([[True, False, True], [False, True, True]])
C = X.astype(np.complex64)
Q = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]], np.float32)  # positive definite
T = "text of words"
S = ["a b", "cd e"]
PICTURE = np.linspace(0, 1, 5 * 7 * 3, dtype=np.float32).reshape(5, 7, 3)
PICTURES = np.stack([PICTURE, PICTURE[::-1]])  # [2, 5, 7, 3]
LARGE = np.linspace(0, 1, 13 * 17, dtype=np.float32).reshape(1, 13, 17, 1)
HUGE = np.linspace(0, 1, 180 * 190, dtype=np.float32).reshape(1, 180, 190, 1)
LINE = PICTURES[:, 0]  # [2, 7, 3]
SOLID = np.linspace(-1, 1, 1 * 4 * 5 * 3 * 2, dtype=np.float32).reshape(1, 4, 5, 3, 2)
FILTER = np.linspace(-1, 1, 2 * 2 * 3 * 2, dtype=np.float32).reshape(2, 2, 3, 2)
SEED = [3, 5]
sparse = Made(lambda: nf.SparseTensor([[0, 1], [1, 2]], [1.0, 2.0], [2, 3]))
ids = Made(lambda: nf.SparseTensor([[0, 0], [1, 0]], nf.constant([0, 1], nf.int64), [2, 1]))
weights = Made(lambda: nf.SparseTensor([[0, 0], [1, 0]], [1.0, 2.0], [2, 1]))
CUBE = np.linspace(-1, 1, 2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
HEADS = np.linspace(-1, 1, 2 * 3 * 2 * 4, dtype=np.float32).reshape(2, 3, 2, 4)
FRAMES = np.linspace(-1, 1, 4 * 2 * 3, dtype=np.float32).reshape(4, 2, 3)
words = Made(lambda: nf.SparseTensor([[0, 0]], nf.constant([1], nf.int64), [1, 2]))
ragged = Made(lambda: nf.ragged.constant([[1.0, 2.0], [3.0]]))
SQUARE = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
ZEROS = np.zeros((2, 2), np.float32)
gru = Given(lambda: nf.compat.v1.nn.rnn_cell.GRUCell(2))
