"""Mean losses, as parts of a larger batch."""

from __future__ import annotations

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids

CASES = [
    Case(nf.nn.compute_average_loss, lambda x: np.sum(x) / len(x), [floats(7)], slack=4),
    Case(
        nf.nn.compute_average_loss,
        lambda x: np.sum(x) / 20,
        [floats(5, 2)],
        {"global_batch_size": 20},
        slack=4,
    ),
    Case(nf.nn.compute_average_loss, lambda x: np.float64(0), [floats(0)]),
    Case(
        nf.nn.compute_average_loss,
        lambda x, w: np.sum(x * w) / len(x),
        [floats(3, 5), floats(3, 1)],
        slack=4,
    ),
    Case(nf.nn.scale_regularization_loss, np.sum, [floats(5)], slack=4),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_averages(case: Case) -> None:
    check(case)


def test_an_unknown_batch() -> None:
    run = nf.function(
        nf.nn.compute_average_loss, input_signature=[nf.TensorSpec([None], nf.float32)]
    )
    for n in (1, 3, 0):
        assert float(run(np.ones(n, np.float32))) == (1.0 if n else 0.0)


def test_bad_input() -> None:
    with pytest.raises(nf.errors.DTypeError, match="int32"):
        nf.nn.compute_average_loss([1, 2])
    with pytest.raises(nf.errors.DTypeError, match="global_batch_size"):
        nf.nn.compute_average_loss([1.0], global_batch_size=2.5)
    with pytest.raises(nf.errors.InvalidArgumentError, match="-1"):
        nf.nn.compute_average_loss([1.0], global_batch_size=-1)
    with pytest.raises(nf.errors.InvalidArgumentError, match="scalar"):
        nf.nn.compute_average_loss([1.0], global_batch_size=[2])
