"""Cross-entropies as Keras has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

SHARES = floats(3, 5, low=0.1, high=0.9)


def _binary(t: Any, p: Any) -> Any:
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p), -1)


def _categorical(axis: int) -> Any:
    return lambda t, p: -np.sum(t * np.log(p / p.sum(axis, keepdims=True)), axis)


def _sparse(t: Any, p: Any) -> Any:
    logs = np.log(p / p.sum(-1, keepdims=True))
    return -np.take_along_axis(logs, t.reshape(3, 1), -1)[:, 0]


def _sparse_logits(t: Any, x: Any) -> Any:
    return -np.take_along_axis(special.log_softmax(x, -1), t.reshape(3, 1), -1)[:, 0]


LABELS = ints(3, low=0, high=5)
CASES = [
    Case(nf.losses.binary_crossentropy, _binary, [SHARES, SHARES], slack=4),
    Case(
        nf.losses.binary_crossentropy,
        lambda t, x: _binary(t, special.expit(x)),
        [SHARES, floats(3, 5)],
        {"from_logits": True},
    ),
    Case(
        nf.losses.binary_crossentropy,
        lambda t, p: _binary(0.8 * t + 0.1, p),
        [SHARES, SHARES],
        {"label_smoothing": 0.2},
        slack=4,
    ),
    *(
        Case(
            nf.losses.categorical_crossentropy,
            _categorical(k),
            [SHARES, SHARES],
            {"axis": k},
            slack=4,
        )
        for k in (-1, 0)
    ),
    Case(
        nf.losses.categorical_crossentropy,
        lambda t, x: -np.sum((0.8 * t + 0.04) * special.log_softmax(x, -1), -1),
        [SHARES, floats(3, 5)],
        {"from_logits": True, "label_smoothing": 0.2},
    ),
    Case(nf.losses.sparse_categorical_crossentropy, _sparse, [LABELS, SHARES], slack=4),
    Case(
        nf.losses.sparse_categorical_crossentropy,
        _sparse_logits,
        [ints(3, 1, low=0, high=5), floats(3, 5)],
        {"from_logits": True},
    ),
    Case(
        nf.losses.sparse_categorical_crossentropy,
        lambda t, x: _sparse_logits(t, x.T),
        [LABELS, floats(5, 3)],
        {"from_logits": True, "axis": 0},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_an_ignored_class_costs_nothing() -> None:
    """Its loss and gradient are 0, also where its number is no class."""
    x = nf.ones([3, 5])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.losses.sparse_categorical_crossentropy(
            [0, -1, 4], x, from_logits=True, ignore_class=-1
        )
    assert y.numpy()[1] == 0 and y.numpy()[0] > 0
    assert (tape.gradient(y, x).numpy()[1] == 0).all()


def test_certainty_stays_finite() -> None:
    """Probabilities of 0 and 1 are kept from the logarithm's pole."""
    assert np.isfinite(nf.losses.binary_crossentropy([1.0], [0.0]).numpy())
    assert np.isfinite(nf.losses.categorical_crossentropy([1.0, 0.0], [0.0, 1.0]).numpy())
    assert np.isfinite(nf.losses.sparse_categorical_crossentropy(0, [0.0, 1.0]).numpy())


@pytest.mark.parametrize("op", [nf.losses.binary_crossentropy, nf.losses.categorical_crossentropy])
def test_shapes_must_agree(op: Any) -> None:
    """(n,) against (n, 1) is refused."""
    with pytest.raises(ValueError, match="y_true and y_pred differ in shape"):
        op(nf.ones([3]), nf.ones([3, 1]))


def test_a_class_out_of_range_is_refused() -> None:
    """With number and range."""
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"label 5 is outside \[0, 5\)"):
        nf.losses.sparse_categorical_crossentropy([5], nf.ones([1, 5]), from_logits=True)
