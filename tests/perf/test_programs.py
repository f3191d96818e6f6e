"""The workloads' programs compute what they claim: the float64 reference loss after 20 steps."""

import numpy as np
import pytest

from perf import child, workloads
from perf.profile import profile_step
from perf.programs import with_numflow, with_numpy


@pytest.mark.parametrize("workload", workloads.TRAINING)
def test_numpy_reaches_the_reference_loss(workload: str) -> None:
    """Gradients written by hand lead where the reference says."""
    case = child.training_case(with_numpy, workload, "numpy")
    assert case.loss == pytest.approx(
        workloads.REFERENCE_LOSS[workload], rel=workloads.LOSS_TOLERANCE
    )


@pytest.mark.parametrize("workload", workloads.TRAINING)
def test_numflow_reaches_the_reference_loss(workload: str) -> None:
    """Twenty compiled steps, in every way that the program offers."""
    for variant in with_numflow.variants(workload):
        case = child.training_case(with_numflow, workload, variant)
        assert case.loss == pytest.approx(
            workloads.REFERENCE_LOSS[workload], rel=workloads.LOSS_TOLERANCE
        )


@pytest.mark.parametrize("name", workloads.PRODUCTS)
def test_numflow_multiplies(name: str) -> None:
    """The products of W12 against NumPy in float64."""
    a, b = workloads.matrices(name)
    case = next(case for case in with_numflow.cases("W12") if case.name == name)
    expected = a.astype(np.float64) @ b
    np.testing.assert_allclose(case.call().numpy(), expected, rtol=0, atol=2e-4)


def test_the_profile_names_each_instruction() -> None:
    """One line per instruction with the user's source line, and the step's own time."""
    text = profile_step("W5", seconds=0.01)
    assert "with_numflow.py" in text
    assert "whole step" in text


def test_operations_of_w7() -> None:
    """Three products per layer, but no gradient of the input batch."""
    weights = [(784, 256), (256, 128), (128, 64), (64, 32), (32, 10)]
    expected = sum(3 * 2 * 128 * a * b for a, b in weights) - 2 * 128 * 784 * 256
    assert workloads.dense_flop(workloads.W7_BATCH, workloads.W7_LAYERS) == expected
