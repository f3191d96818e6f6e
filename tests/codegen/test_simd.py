"""The SIMD printer against the NumPy reference, on well-known and on drawn loop forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from numflow.graph.loops import Loop
from tests.codegen import loop_forms as forms
from tests.codegen.loop_runs import compare, inputs_of

SHAPES = [
    (0, 5),
    (3, 0),
    (1, 1),
    (3, 7),
    (17, 31),
    (5, 64),
    (2, 1009),
    (131, 13),
    (67, 1),
    (1, 4099),
]
FORMS: list[Callable[[], Loop]] = [
    forms.gelu,
    forms.gelu_grad,
    forms.relu_affine,
    forms.bias_tanh,
    forms.bias_tanh_grad,
    forms.column_sum,
    forms.softmax,
    lambda: forms.softmax(log=True),
    lambda: forms.softmax(dtype="f64"),
    forms.cross_entropy,
    lambda: forms.cross_entropy(label="i64"),
    forms.layer_norm,
    forms.layer_norm_both,
    forms.perceptron,
    *[lambda n=n: forms.bias_tanh(n) for n in (1, 3, 10, 37)],
    *[lambda n=n: forms.bias_tanh_grad(n) for n in (1, 8, 10, 64)],
    *[lambda n=n: forms.cross_entropy(n) for n in (3, 10, 37)],
    *[lambda n=n: forms.perceptron(n) for n in (1, 10, 37)],
]


@pytest.mark.parametrize("make", FORMS)
def test_known_forms_equal_the_reference(make: Callable[[], Loop]) -> None:
    rng = np.random.default_rng(3)
    loop = make()
    folds_extremes = any(r.kind in ("max", "min") for s in loop.sweeps for r in s.reduces)
    for rows, cols in SHAPES:
        sizes: tuple[int, ...] = (rows * cols,) if loop.axes == 1 else (rows, loop.inner or cols)
        if sizes[-1] == 0 and (folds_extremes or "norm" in loop.name):
            continue
        inputs = inputs_of(rng, loop, sizes)
        if "label" in inputs:
            inputs["label"][...] = rng.integers(0, sizes[1], inputs["label"].shape)
        scale = 10.0 if "norm" in loop.name or "perc" in loop.name else 1.0
        compare(rng, loop, sizes, inputs, chunk=int(rng.integers(1, 9)), scale=scale)
