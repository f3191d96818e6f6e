"""Losses of true classes and drawn ones, against their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat import v1
from tests.contract import Case, check, floats, ints

DRAWN = np.array([3, 7, 1, 11, 9])
EXPECTED = np.linspace(0.1, 1.2, 5)


def _logits(w: Any, b: Any, x: Any, labels: Any, hits: bool) -> tuple[Any, Any]:
    count = np.full(labels.shape, 0.4)
    true = np.einsum("bd,bkd->bk", x, w[labels]) + b[labels] - np.log(count)
    drawn = x @ w[DRAWN].T + b[DRAWN] - np.log(EXPECTED)
    if hits:
        drawn = np.where((labels[:, :, None] == DRAWN).any(1), -np.inf, drawn)
    return true, drawn


def _sampled(labels: Any, dtype: Any) -> Any:
    counts = nf.fill(nf.shape(labels), nf.constant(0.4, dtype))
    return DRAWN, counts, nf.constant(EXPECTED, dtype)


def nce(w: Any, b: Any, x: Any, labels: Any) -> Any:
    """Without the classes that are true ones."""
    drawn = _sampled(labels, x.dtype)
    n = labels.shape[1]
    return nf.nn.nce_loss(w, b, labels, x, 5, 20, n, drawn, remove_accidental_hits=True)


def _nce_oracle(w: Any, b: Any, x: Any, labels: Any) -> Any:
    true, drawn = _logits(w, b, x, labels, True)
    share = 1 / labels.shape[1]
    each = np.logaddexp(0, true) - share * true
    return each.sum(1) + np.logaddexp(0, drawn).sum(1)


def softmax(w: Any, b: Any, x: Any, labels: Any) -> Any:
    """With the classes that are true ones."""
    drawn = _sampled(labels, x.dtype)
    n = labels.shape[1]
    return nf.nn.sampled_softmax_loss(w, b, labels, x, 5, 20, n, drawn, False)


def _softmax_oracle(w: Any, b: Any, x: Any, labels: Any) -> Any:
    true, drawn = _logits(w, b, x, labels, False)
    whole = np.concatenate([true, drawn], 1)
    return np.log(np.exp(whole).sum(1)) - true.mean(1)


CASES = [
    Case(f, oracle, [floats(20, 4), floats(20), floats(6, 4), ints(6, n, low=0, high=20)])
    for f, oracle in ((nce, _nce_oracle), (softmax, _softmax_oracle))
    for n in (1, 3)
]


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_against_the_formula(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("name", ["nce_loss", "sampled_softmax_loss"])
def test_tables_in_parts_are_dealt_out_as_asked(name: str) -> None:
    w = np.arange(12.0).reshape(6, 2)
    x, b, labels = np.ones((3, 2)), np.zeros(6), np.array([[0], [4], [5]])
    sampled = [1, 3], np.full((3, 1), 0.5), [0.5, 0.5]
    whole = getattr(nf.nn, name)(w, b, labels, x, 2, 6, 1, sampled)
    parts = getattr(nf.nn, name)([w[:3], w[3:]], b, labels, x, 2, 6, 1, sampled)
    dealt = getattr(v1.nn, name)([w[::2], w[1::2]], b, labels, x, 2, 6, 1, sampled)
    np.testing.assert_allclose(parts, whole, rtol=1e-6)
    np.testing.assert_allclose(dealt, whole, rtol=1e-6)


@pytest.mark.parametrize("traced", [False, True])
def test_training_touches_the_rows_of_the_classes(traced: bool) -> None:
    w, b = nf.Variable(np.ones((50, 3), np.float32)), nf.Variable(np.zeros(50, np.float32))

    def step(x: Any, labels: Any) -> Any:
        with nf.GradientTape() as tape:
            loss = nf.reduce_mean(nf.nn.nce_loss(w, b, labels, x, 4, 50, sampled_values=None))
        grads = tape.gradient(loss, [w, b])
        assert isinstance(grads[0], nf.IndexedSlices)
        nf.keras.optimizers.SGD(0.1).apply_gradients(zip(grads, [w, b], strict=True))
        return loss

    run = nf.function(step) if traced else step
    x, labels = nf.ones([2, 3]), nf.constant([[4], [7]])
    losses = [float(run(x, labels)) for _ in range(40)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    changed = np.flatnonzero((w.numpy() != 1).any(1))
    assert {4, 7} <= set(changed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": [1, 2]}, "labels"),
        ({"labels": [[1, 2]]}, "num_true"),
        ({"labels": [[1], [20]]}, "20"),
        ({"inputs": [1.0, 2.0]}, "inputs"),
        ({"num_sampled": 0}, "num_sampled"),
        ({"num_sampled": 3}, "drawn"),
        ({"num_classes": -1}, "num_classes"),
    ],
)
def test_bad_input(change: dict[str, Any], words: str) -> None:
    given = {
        "weights": np.ones((20, 2)), "biases": np.zeros(20), "labels": [[1], [2]],
        "inputs": np.ones((2, 2)), "num_sampled": 2, "num_classes": 20,
        "sampled_values": ([4, 5], [[0.5], [0.5]], [0.5, 0.5]),
    }  # fmt: skip
    with pytest.raises((nf.errors.InvalidArgumentError, ValueError), match=words):
        nf.nn.nce_loss(**{**given, **change})
