"""The workloads' programs compute what they claim: losses and results as in float64."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

from perf import answers, child, convnets, operands, recurrent, sequences, workloads
from perf.convnets import Convolution
from perf.profile import profile_step
from perf.programs import with_numba, with_numflow, with_numpy

BY_HAND = [name for name in workloads.TRAINING if with_numpy.variants(name)]


@pytest.mark.parametrize("workload", BY_HAND)
def test_numpy_reaches_the_reference_loss(workload: str) -> None:
    """Gradients written by hand lead where the reference says."""
    case = child.training_case(with_numpy, workload, "numpy")
    assert case.loss == pytest.approx(
        workloads.REFERENCE_LOSS[workload], rel=workloads.LOSS_TOLERANCES[workload]
    )


@pytest.mark.parametrize("workload", workloads.TRAINING)
def test_numflow_reaches_the_reference_loss(workload: str) -> None:
    """Twenty compiled steps, in every way that the program offers."""
    for variant in with_numflow.variants(workload):
        case = child.training_case(with_numflow, workload, variant)
        assert case.loss == pytest.approx(
            workloads.REFERENCE_LOSS[workload], rel=workloads.LOSS_TOLERANCES[workload]
        )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The lines' operands, a thousandth in size."""
    monkeypatch.setattr(operands, "CHAIN_SIZES", {"16M": 10_007, "256K": 67})
    monkeypatch.setattr(operands, "LARGE", 10_007)
    monkeypatch.setattr(operands, "SOFTMAX", (17, 11))
    monkeypatch.setattr(operands, "NORM", (13, 19))
    monkeypatch.setattr(operands, "SUM", (23, 29))
    monkeypatch.setattr(operands, "TABLE", (97, 5))
    monkeypatch.setattr(operands, "LOOKUPS", 31)
    monkeypatch.setattr(operands, "SAVED", [(3, 5)] * 40)
    monkeypatch.setattr(operands, "adam_shapes", lambda: [(3, 5), (101,), (2, 2, 3, 7)])
    layers = {
        "square": Convolution(2, 11, 5, 7, 3),
        "product": Convolution(3, 7, 5, 13, 1),
        "depthwise": Convolution(2, 13, 17, 17, 3, groups=17),
        "depthwise, strided": Convolution(2, 13, 5, 5, 3, stride=2, groups=5),
        "first": Convolution(2, 30, 3, 19, 7, stride=2),
    }
    monkeypatch.setattr(convnets, "CONVOLUTIONS", layers)
    monkeypatch.setattr(convnets, "MAPS", (3, 11, 13, 5))
    monkeypatch.setattr(convnets, "RESIZED", (3, 5, 7, 3))
    monkeypatch.setattr(convnets, "LENET_IMAGES", 3)
    monkeypatch.setattr(convnets, "MOBILENET_SIDE", 32)
    monkeypatch.setattr(convnets, "MOBILENET_BATCHES", (1, 2))
    for name, size in {"STEPS": 7, "BATCH": 5, "DEPTH": 13, "UNITS": 11}.items():
        monkeypatch.setattr(recurrent, name, size)
    attentions = (sequences.Attention(1, 37), sequences.Attention(3, 101, depth=16))
    monkeypatch.setattr(sequences, "ATTENTIONS", {a.name: a for a in attentions})
    for name, size in {"BATCH": 5, "FRAMES": 53, "CLASSES": 7, "LABELS": 11}.items():
        monkeypatch.setattr(sequences, f"CTC_{name}", size)
    _forget()
    yield
    _forget()


def _forget() -> None:
    for image in (convnets.pool_operands, convnets.resize_operands, convnets.lenet_images):
        image.cache_clear()
    convnets.convolution_operands.cache_clear()
    convnets.norm_operands.cache_clear()
    convnets.mobilenet_images.cache_clear()
    for made in (operands.chain_input, operands.stream, operands.softmax_input):
        made.cache_clear()
    recurrent.operands.cache_clear()
    sequences.attention_operands.cache_clear()
    sequences.ctc_operands.cache_clear()
    for others in (operands.norm_operands, operands.sum_input, operands.small_operands):
        others.cache_clear()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("workload", answers.ANSWERS)
@pytest.mark.parametrize("program", [with_numflow, with_numpy])
def test_each_case_gives_the_reference(program: ModuleType, workload: str) -> None:
    """Of numflow and NumPy, for every line that is no training step."""
    for case in program.cases(workload):
        off = child.off(workload, case)
        assert off is not None and off <= 1, case


def test_loops_over_scalars_are_the_same_under_numba() -> None:
    for case in with_numba.cases("scalar"):
        off = child.off("scalar", case)
        assert off is not None and off <= 1, case


def test_a_wrong_result_is_seen() -> None:
    """A wrong number, a wrong shape, and a NaN are each beyond what is allowed."""
    right = np.arange(10) + 1.0
    assert answers.off("W1", "tensor in", [right]) == 0
    for wrong in (right + 1e-3, right[:, None], np.where(right == 3, np.nan, right)):
        off = answers.off("W1", "tensor in", [wrong])
        assert off is not None and off > 1


def test_the_numpy_reference_of_a_deep_program() -> None:
    """Gradients by hand and numflow's agree over the steps."""
    by_hand = child.training_case(with_numpy, "deep-100", "numpy")
    ours = child.training_case(with_numflow, "deep-100", "function")
    assert ours.loss == pytest.approx(by_hand.loss, rel=1e-5)


def test_the_parts_of_a_first_step() -> None:
    """Their sum is at most the whole, and the number of ops about what was asked for."""
    parts = with_numflow.phases("deep-300")
    assert parts["trace"] + parts["compile"] + parts["plan"] <= parts["first"]
    assert parts["ops"] == pytest.approx(300, rel=0.2)


def test_the_parameters_of_adam() -> None:
    """Those of a ResNet-50."""
    shapes = operands.adam_shapes()
    assert len(shapes) == 161
    assert sum(int(np.prod(shape)) for shape in shapes) == 25_557_032


def test_the_profile_names_each_instruction() -> None:
    """One line per instruction with the user's source line, and the step's own time."""
    text = profile_step("W5", seconds=0.01)
    assert "with_numflow.py" in text
    assert "whole call" in text


def test_operations_of_w7() -> None:
    """Three products per layer, but no gradient of the input batch."""
    weights = [(784, 256), (256, 128), (128, 64), (64, 32), (32, 10)]
    expected = sum(3 * 2 * 128 * a * b for a, b in weights) - 2 * 128 * 784 * 256
    assert workloads.dense_flop(workloads.W7_BATCH, workloads.W7_LAYERS) == expected


def test_operations_of_the_models() -> None:
    """Of an image: those that the papers count, twice, for a multiply-add counts as two here."""
    forward, first = convnets.lenet_flop()
    assert (forward, first) == (24_546_304, 1_254_400)
    # Sandler et al. 2018, table 4: 300 million multiply-adds at 224 x 224.
    assert convnets.mobilenet_flop() * (224 / 192) ** 2 == pytest.approx(2 * 300e6, rel=0.01)
    # He et al. 2015, table 1: 1.8 billion at 224 x 224; a step has about three times as many.
    assert convnets.resnet_flop() * (224 / 64) ** 2 == pytest.approx(6 * 1.8e9, rel=0.02)


def test_padding_may_be_uneven() -> None:
    """A window of seven that moves by two has two zeros in front, and three behind."""
    layer = convnets.CONVOLUTIONS["224x224 3>64 7x7/2"]
    assert (layer.before, layer.after, layer.result_side) == (2, 3, 112)
