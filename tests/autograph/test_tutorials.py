"""Tutorials' functions (tutorial_*.py) give what TensorFlow 2.21 gives (tutorials.json).

Three of them TensorFlow does not run, or takes no note of what an inner function writes: there the
recorded result is Python's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import nest
from tests.autograph import (
    tutorial_branches,
    tutorial_numbers,
    tutorial_programs,
    tutorial_sequences,
    tutorial_training,
)

SNIPPETS = [
    *tutorial_numbers.SNIPPETS,
    *tutorial_branches.SNIPPETS,
    *tutorial_sequences.SNIPPETS,
    *tutorial_training.SNIPPETS,
    *tutorial_programs.SNIPPETS,
]

RECORDED = json.loads(Path(__file__).with_name("tutorials.json").read_text())


@pytest.mark.parametrize(("f", "args"), SNIPPETS, ids=[f.__name__ for f, _ in SNIPPETS])
def test_the_result_is_tensorflows(f: Any, args: Any) -> None:
    result = nest.flatten(nf.function(f)(*map(nf.constant, args)))
    recorded = RECORDED[f.__name__]
    assert len(result) == len(recorded)
    for x, (want, dtype) in zip(result, recorded, strict=True):
        if dtype == "string":
            assert x.numpy() == want.encode()
            continue
        value = np.asarray(x.numpy() if hasattr(x, "numpy") else x)
        np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)
        assert dtype == "python" or str(value.dtype) == dtype
