"""relu and its kin, softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

SHAPES: list[tuple[int, ...]] = [(3, 5), (), (1, 7), (0, 5)]
_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805


def _log_softmax(x: Any, axis: int = -1) -> Any:
    return special.log_softmax(x, axis)


FUNCTIONS: list[tuple[Any, Any]] = [
    (nf.nn.relu, lambda x: np.where(x > 0, x, 0)),
    (nf.nn.relu6, lambda x: np.clip(x, 0, 6)),
    (nf.nn.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x)),
    (nf.nn.elu, lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    (nf.nn.selu, lambda x: _SCALE * np.where(x > 0, x, _ALPHA * (np.exp(x) - 1))),
    (nf.nn.softplus, lambda x: np.logaddexp(x, 0)),
    (nf.math.log_sigmoid, lambda x: -np.logaddexp(-x, 0)),
    (nf.nn.softsign, lambda x: x / (1 + np.abs(x))),
    (nf.nn.gelu, lambda x: x * special.ndtr(x)),
    (nf.nn.silu, lambda x: x / (1 + np.exp(-x))),
]
CASES = [
    *(Case(op, oracle, [floats(*s, low=-8, high=8)]) for op, oracle in FUNCTIONS for s in SHAPES),
    Case(
        nf.nn.gelu,
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        [floats(3, 5)],
        {"approximate": True},
    ),
    Case(nf.nn.leaky_relu, lambda x: np.where(x > 0, x, 0.5 * x), [floats(3, 5)], {"alpha": 0.5}),
    Case(nf.nn.silu, lambda x: x / (1 + np.exp(-2 * x)), [floats(3, 5)], {"beta": 2.0}),
    Case(nf.nn.relu, lambda x: np.maximum(x, 0), [ints(3, 5)]),
    Case(nf.nn.relu6, lambda x: np.clip(x, 0, 6), [ints(3, 5)]),
    Case(nf.nn.crelu, lambda x: np.maximum(np.concatenate([x, -x], -1), 0), [floats(3, 5)]),
    *(
        Case(op, lambda x, f=f, k=k: f(x, k), [floats(*s)], {"axis": k})
        for op, f in [(nf.nn.softmax, special.softmax), (nf.nn.log_softmax, _log_softmax)]
        for s, k in [
            ((3, 5), -1),
            ((3, 5), 0),
            ((2, 3, 5), 1),
            ((7,), 0),
            ((3, 1), -1),
            ((0, 5), 1),
        ]
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_large_inputs_do_not_overflow(compiled: bool) -> None:
    """x itself where e^x would overflow, 0 where it would vanish."""
    run = nf.function if compiled else lambda f: f
    x = nf.constant([-1e4, 0.0, 1e4])
    np.testing.assert_array_equal(run(nf.nn.softplus)(x).numpy()[[0, 2]], [0.0, 1e4])
    np.testing.assert_array_equal(run(nf.nn.softmax)(x), [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(run(nf.nn.log_softmax)(x), [-2e4, -1e4, 0.0])
    assert np.isfinite(run(nf.nn.gelu)(x)).all() and np.isfinite(run(nf.nn.silu)(x)).all()


def test_relu_has_no_gradient_at_zero() -> None:
    """As in TensorFlow."""
    x = nf.constant([-1.0, 0.0, 2.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.nn.relu(x)
    assert tape.gradient(y, x).numpy().tolist() == [0.0, 0.0, 1.0]


def test_bad_arguments() -> None:
    """Axes and dtypes."""
    with pytest.raises(ValueError, match="softmax: axis 2 is out of range for 2 axes"):
        nf.nn.softmax(nf.ones([3, 5]), axis=2)
    with pytest.raises(TypeError, match="softmax: logits is int32, not floating"):
        nf.nn.softmax(nf.constant([1, 2]))
    with pytest.raises(ValueError, match="softmax: axis -1 is out of range for 0 axes"):
        nf.nn.softmax(1.0)
