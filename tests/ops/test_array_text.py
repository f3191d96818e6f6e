"""Arrays as text: recorded from TensorFlow 2.21's tf.print."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.dtypes import bfloat16
from numflow.ops.array_text import array_text, first_elements


@pytest.mark.parametrize(
    ("array", "summarize", "text"),
    [
        (np.arange(10), 3, "[0 1 2 ... 7 8 9]"),
        (np.arange(6), 3, "[0 1 2 3 4 5]"),
        (np.arange(100).reshape(10, 10), 1, "[[0 ... 9]\n ...\n [90 ... 99]]"),
        (np.arange(8).reshape(2, 2, 2), -1, "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]"),
        (np.array([1e-10, 1e10, 1 / 3, 1e5], np.float32), -1, "[1e-10 1e+10 0.333333343 100000]"),
        (np.array([1e6, 123456789, 0.1, -0.0], np.float32), -1, "[1e+06 123456792 0.1 -0]"),
        (np.array([np.nan, np.inf, -np.inf], np.float32), -1, "[nan inf -inf]"),
        (np.array([1e10, 1 / 3, 1e16]), -1, "[10000000000 0.33333333333333331 1e+16]"),
        (np.array([0.1, 65504], np.float16), 3, "[0.0999755859 65504]"),
        (np.array([0.1, 65504], bfloat16.numpy), 3, "[0.100097656 65536]"),
        (np.array(True), 3, "1"),
        (np.array(["s", "t"], object), 3, '["s" "t"]'),
        (np.zeros([0, 3]), 3, "[]"),
        (np.zeros([2, 0]), 3, "[\n ...]"),
    ],
)
def test_array_text(array: Any, summarize: int, text: str) -> None:
    assert array_text(array, summarize) == text


def test_first_elements() -> None:
    assert first_elements(np.array([["a", "b"]], object), 1) == "a..."
    assert first_elements(np.arange(3.0), -1) == "0 1 2"
