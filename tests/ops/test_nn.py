"""bias_add, moments, normalisation, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _moments(axis: Any, keepdims: bool) -> Any:
    return lambda x: [np.mean(x, axis, keepdims=keepdims), np.var(x, axis, keepdims=keepdims)]


def _normal(x: Any, m: Any, v: Any, o: Any, s: Any) -> Any:
    return (x - m) / np.sqrt(v + 0.1) * s + o


CASES = [
    Case(nf.nn.bias_add, np.add, [floats(3, 5), floats(5)]),
    Case(nf.nn.bias_add, np.add, [floats(2, 3, 5), floats(5)], {"data_format": "NHWC"}),
    Case(
        nf.nn.bias_add,
        lambda x, b: x + b[:, None],
        [floats(2, 3, 5), floats(3)],
        {"data_format": "NCHW"},
    ),
    Case(nf.nn.bias_add, np.add, [ints(3, 5), ints(5)]),
    Case(nf.nn.bias_add, np.add, [floats(0, 5), floats(5)]),
    Case(nf.nn.moments, _moments(0, False), [floats(3, 5)], {"axes": 0}),
    Case(
        nf.nn.moments, _moments((0, 2), True), [floats(2, 3, 5)], {"axes": [0, 2], "keepdims": True}
    ),
    Case(
        lambda x, m, v, o, s: nf.nn.batch_normalization(x, m, v, o, s, 0.1),
        _normal,
        [floats(3, 5), floats(5), floats(5, low=0.5), floats(5), floats(5)],
        slack=4,
    ),
    Case(
        nf.math.l2_normalize,
        lambda x: x / np.sqrt(np.sum(x * x, 1, keepdims=True)),
        [floats(3, 5)],
        {"axis": 1},
    ),
    Case(nf.math.zero_fraction, lambda x: np.mean(x == 0), [ints(3, 5, low=-1, high=2)]),
    Case(nf.nn.dropout, lambda x: x, [floats(3, 5)], {"rate": 0.0}),
    Case(
        nf.clip_by_value,
        lambda x: np.clip(x, -0.5, 1),
        [floats(3, 5)],
        {"clip_value_min": -0.5, "clip_value_max": 1.0},
    ),
    Case(
        nf.clip_by_value,
        lambda x: np.clip(x, -2, 3),
        [ints(3, 5)],
        {"clip_value_min": -2, "clip_value_max": 3},
    ),
    Case(nf.clip_by_norm, lambda x: x / np.linalg.norm(x), [floats(3, 5)], {"clip_norm": 1.0}),
    Case(nf.clip_by_norm, lambda x: x, [floats(3, 5)], {"clip_norm": 100.0}),
    Case(
        lambda x, y: nf.clip_by_global_norm([x, None, y], 1.0)[0][::2],
        lambda x, y: [v / np.sqrt(np.sum(x * x) + np.sum(y * y)) for v in (x, y)],
        [floats(3, 5), floats(7)],
    ),
    Case(
        lambda x, y: nf.linalg.global_norm([x, y]),
        lambda x, y: np.sqrt(np.sum(x * x) + np.sum(y * y)),
        [floats(3, 5), floats(7)],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_dropout_keeps_its_share_and_the_mean(compiled: bool) -> None:
    """Elements are 0 or x / (1 - rate); the gradient has the same mask."""
    nf.random.set_seed(5)
    x = nf.ones([10000])

    def run(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.dropout(x, 0.25)
        return y, tape.gradient(y, x)

    y, g = (nf.function(run) if compiled else run)(x)
    kept = y.numpy() != 0
    assert 0.73 < kept.mean() < 0.77
    np.testing.assert_allclose(y.numpy()[kept], 1 / 0.75, rtol=1e-6)
    np.testing.assert_array_equal(g, y)


def test_dropout_falls_together_along_axes_of_size_1() -> None:
    """noise_shape [2, 1]: whole rows."""
    nf.random.set_seed(1)
    y = nf.nn.dropout(nf.ones([50, 7]), 0.5, noise_shape=[50, 1]).numpy()
    assert all(len(set(row)) == 1 for row in y) and len(set(y[:, 0])) == 2


def test_a_broken_step_shows_in_the_global_norm() -> None:
    """Clipping does not hide nan and infinities."""
    clipped, norm = nf.clip_by_global_norm([nf.constant([np.inf, 1.0]), nf.constant([2.0])], 1.0)
    assert np.isinf(norm.numpy()) and np.isnan(np.asarray(clipped[1])).all()


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda x: nf.nn.bias_add(x, [1.0, 2.0]),
            ValueError,
            "bias_add: value has 5 channels, bias has 2 elements",
        ),
        (
            lambda x: nf.nn.bias_add(x, nf.ones([1, 5])),
            ValueError,
            "bias_add: value needs at least 2 axes, bias exactly 1",
        ),
        (
            lambda x: nf.nn.bias_add(x, nf.ones([5]), "HWC"),
            ValueError,
            "bias_add: no data_format 'HWC'",
        ),
        (
            lambda x: nf.nn.bias_add(x, nf.ones([5]), "NXYZ"),
            ValueError,
            "bias_add: no data_format 'NXYZ'",
        ),
        (
            lambda x: nf.nn.bias_add(x, nf.ones([5], nf.float64)),
            TypeError,
            "bias_add: bias is float64, not float32",
        ),
        (lambda x: nf.nn.dropout(x, 1.0), ValueError, "dropout: rate is 1.0, not in [0, 1)"),
        (lambda x: nf.nn.dropout(x, -0.1), ValueError, "dropout: rate is -0.1, not in [0, 1)"),
        (lambda x: nf.nn.dropout([1, 2], 0.5), TypeError, "dropout: x is int32, not floating"),
        (
            lambda x: nf.nn.dropout(x, 0.5, noise_shape=[3]),
            ValueError,
            "dropout: noise_shape needs 2 sizes",
        ),
        (
            lambda x: nf.clip_by_value(x, nf.ones([2, 3, 5]), 2.0),
            ValueError,
            "clip_by_value: a bound has more elements",
        ),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)
