"""The workloads' programs compute what they claim: the float64 reference loss after 20 steps."""

import pytest

from perf import child, workloads
from perf.programs import with_numpy


@pytest.mark.parametrize("workload", workloads.TRAINING)
def test_numpy_reaches_the_reference_loss(workload: str) -> None:
    """Gradients written by hand lead where the reference says."""
    case = child.training_case(with_numpy, workload, "numpy")
    assert case.loss == pytest.approx(
        workloads.REFERENCE_LOSS[workload], rel=workloads.LOSS_TOLERANCE
    )


def test_operations_of_w7() -> None:
    """Three products per layer, but no gradient of the input batch."""
    weights = [(784, 256), (256, 128), (128, 64), (64, 32), (32, 10)]
    expected = sum(3 * 2 * 128 * a * b for a, b in weights) - 2 * 128 * 784 * 256
    assert workloads.dense_flop(workloads.W7_BATCH, workloads.W7_LAYERS) == expected
