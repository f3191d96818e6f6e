"""Cross-entropies, squared and absolute errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _sparse(labels: Any, logits: Any) -> Any:
    logs = special.log_softmax(logits, -1)
    return -np.take_along_axis(logs, labels[..., None], -1)[..., 0]


def _dense(axis: int) -> Any:
    return lambda labels, logits: -np.sum(labels * special.log_softmax(logits, axis), axis)


def _sigmoid(z: Any, x: Any) -> Any:
    return -z * special.log_expit(x) - (1 - z) * special.log_expit(-x)


def _weighted(z: Any, x: Any) -> Any:
    return -2.5 * z * special.log_expit(x) - (1 - z) * special.log_expit(-x)


def _poisson(z: Any, c: Any) -> Any:
    return np.exp(c) - z * c


def _poisson_full(z: Any, c: Any) -> Any:
    return np.exp(c) - z * c + z * np.log(z) - z + 0.5 * np.log(2 * np.pi * z)


CASES = [
    *(
        Case(
            nf.nn.sparse_softmax_cross_entropy_with_logits,
            _sparse,
            [ints(*s, low=0, high=5), floats(*s, 5, low=-8, high=8)],
        )
        for s in [(3,), (), (2, 3), (0,), (1,)]
    ),
    *(
        Case(
            nf.nn.softmax_cross_entropy_with_logits,
            _dense(k),
            [floats(*s, low=0, high=1), floats(*s)],
            {"axis": k},
        )
        for s, k in [((3, 5), -1), ((3, 5), 0), ((2, 3, 5), 1), ((0, 5), 1), ((5,), 0)]
    ),
    *(
        Case(
            nf.nn.sigmoid_cross_entropy_with_logits,
            _sigmoid,
            [floats(*s, low=0, high=1), floats(*s)],
        )
        for s in [(3, 5), (), (0, 5)]
    ),
    Case(
        nf.nn.weighted_cross_entropy_with_logits,
        _weighted,
        [floats(3, 5, low=0, high=1), floats(3, 5)],
        {"pos_weight": 2.5},
    ),
    Case(nf.nn.l2_loss, lambda x: np.sum(x * x) / 2, [floats(3, 5)]),
    Case(nf.nn.log_poisson_loss, _poisson, [floats(3, 5, low=1.5, high=4), floats(3, 5)]),
    Case(
        nf.nn.log_poisson_loss,
        _poisson_full,
        [floats(3, 5, low=1.5, high=4), floats(3, 5)],
        {"compute_full_loss": True},
    ),
    Case(nf.losses.MSE, lambda t, p: np.mean((t - p) ** 2, -1), [floats(3, 5), floats(3, 5)]),
    Case(nf.losses.MAE, lambda t, p: np.mean(np.abs(t - p), -1), [floats(3, 5), floats(3, 5)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("label", [5, -1, 2**31 - 1])
def test_a_label_out_of_range_is_refused(compiled: bool, label: int) -> None:
    """The label and the range are named; nothing outside is read."""
    op = nf.nn.sparse_softmax_cross_entropy_with_logits
    run = nf.function(op) if compiled else op
    with pytest.raises(nf.errors.InvalidArgumentError, match=rf"label {label} is outside \[0, 5\)"):
        run(nf.constant([0, label, 4]), nf.ones([3, 5]))


def test_message_of_a_label_out_of_range() -> None:
    """Op, value, range and element."""
    with pytest.raises(nf.errors.InvalidArgumentError) as e:
        nf.nn.sparse_softmax_cross_entropy_with_logits([[0, 7]], nf.ones([1, 2, 5]))
    assert str(e.value).splitlines()[:2] == [
        "sparse_softmax_cross_entropy_with_logits: label 7 is outside [0, 5)",
        "  element: [0, 1]",
    ]


LOSSES = [
    nf.losses.MSE,
    nf.losses.MAE,
    nf.nn.sigmoid_cross_entropy_with_logits,
    nf.nn.softmax_cross_entropy_with_logits,
    lambda a, b: nf.nn.weighted_cross_entropy_with_logits(a, b, 1.0),
    nf.nn.log_poisson_loss,
]


@pytest.mark.parametrize("op", LOSSES)
def test_losses_never_broadcast(op: Any) -> None:
    """(n,) against (n, 1) is refused, with the remedy."""
    with pytest.raises(ValueError, match="differ in shape") as e:
        op(nf.ones([3]), nf.ones([3, 1]))
    assert "try: nf.expand_dims(" in str(e.value)
    with pytest.raises(ValueError, match="differ in shape"):
        op(nf.ones([3, 1]), nf.ones([3]))


def test_sparse_labels_must_fit() -> None:
    """A column of labels, one-hot rows and floats are told apart."""
    op = nf.nn.sparse_softmax_cross_entropy_with_logits
    logits = nf.ones([3, 5])
    with pytest.raises(nf.errors.ShapeError) as e:
        op(nf.constant([[0], [1], [2]]), logits)
    assert str(e.value).splitlines()[:4] == [
        "sparse_softmax_cross_entropy_with_logits: "
        "labels must have the shape of logits without its last axis",
        "  labels: int32 [3, 1]",
        "  logits: float32 [3, 5]",
        "  try: nf.squeeze(labels, -1)",
    ]
    with pytest.raises(ValueError, match="takes a probability for each class"):
        op(nf.ones([3, 5], nf.int32), logits)
    with pytest.raises(TypeError, match="labels is float32, not an integer"):
        op(nf.ones([3]), logits)
    with pytest.raises(TypeError, match="logits is int32, not floating"):
        op([0], nf.ones([1, 5], nf.int32))
    with pytest.raises(ValueError, match="logits is a scalar"):
        op(0, 1.0)


def test_large_logits_stay_finite() -> None:
    """No overflow, no log of 0."""
    logits = nf.constant([[1e4, -1e4, 0.0]])
    assert nf.nn.sparse_softmax_cross_entropy_with_logits([1], logits).numpy().tolist() == [2e4]
    assert nf.nn.sigmoid_cross_entropy_with_logits([0.0], [1e4]).numpy().tolist() == [1e4]


def test_integer_truth_meets_float_predictions() -> None:
    """y_true is converted to the dtype of y_pred."""
    assert nf.losses.MSE([1, 2], [2.0, 4.0]).numpy().item() == 2.5


def test_labels_of_small_dtypes_mean_one_class() -> None:
    """uint8 labels with 300 classes: class 261 is not class 5."""
    logits = np.zeros((2, 300), np.float32)
    logits[:, 261] = 9.0
    got = nf.nn.sparse_softmax_cross_entropy_with_logits(np.array([5, 255], np.uint8), logits)
    want = nf.nn.sparse_softmax_cross_entropy_with_logits([5, 255], logits)
    np.testing.assert_array_equal(got, want)
    assert got.numpy()[0] > 9
