"""Scales behind convolutions are folded into filters: fewer instructions, equal values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.text import parse
from numflow.ops import activation, convolution, nn, operators, shape
from numflow.passes.fold_scale import fold_scale

OPS = (operators, activation, convolution, nn, shape)  # imported, so that their ops have names
RNG = np.random.default_rng(3)
Layer = Callable[[Any], Any]


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


class Normalised:
    """A convolution and the normalisation of its channels, with moving moments."""

    def __init__(self, kind: str, kernel: int, channels: int, columns: int, stride: int = 1):
        self.kind, self.stride = kind, stride
        shape = (kernel, kernel, channels, 1 if kind == "depthwise" else columns)
        self.f = nf.Variable(normal(*shape) / np.float32(kernel * channels**0.5))
        self.scale, self.variance = (
            nf.Variable(RNG.uniform(0.5, 2.0, columns).astype(np.float32)) for _ in range(2)
        )
        self.offset, self.mean = nf.Variable(normal(columns)), nf.Variable(normal(columns))

    def plain(self, x: Any) -> Any:
        if self.kind == "depthwise":
            steps = [1, self.stride, self.stride, 1]
            return nf.nn.depthwise_conv2d(x, self.f, steps, "SAME")
        return nf.nn.conv2d(x, self.f, self.stride, "SAME")

    def __call__(self, x: Any) -> Any:
        y = self.plain(x)
        return nf.nn.batch_normalization(y, self.mean, self.variance, self.offset, self.scale, 1e-3)


def inverted_residual(channels: int = 16, times: int = 6) -> Layer:
    """A block of MobileNetV2."""
    wide = channels * times
    grow, each = Normalised("", 1, channels, wide), Normalised("depthwise", 3, wide, wide)
    shrink = Normalised("", 1, wide, channels)
    return lambda x: x + shrink(nf.nn.relu6(each(nf.nn.relu6(grow(x)))))


def residual(channels: int = 32) -> Layer:
    """A block of ResNet."""
    first, second = (Normalised("", 3, channels, channels) for _ in range(2))
    return lambda x: nf.nn.relu(second(nf.nn.relu(first(x))) + x)


def instructions(function: Any, x: Any) -> list[list[str]]:
    """The ops of each library kernel."""
    steps = str(function.explain(x)).split("Program\n")[1].split("\n\n")[0]
    return [line.split(": ")[1].split(", ") for line in steps.splitlines() if "library:" in line]


@pytest.mark.parametrize("batch", [1, 3])
def test_a_block_of_mobilenet_is_three_kernels(batch: int) -> None:
    block = inverted_residual()
    x = nf.constant(normal(batch, 14, 14, 16))
    got = nf.function(block)
    np.testing.assert_allclose(got(x), block(x), rtol=1e-4, atol=2e-5)
    kernels = instructions(got, x)
    assert [k[0] for k in kernels] == ["matmul", "depthwise", "matmul"]
    assert [k[-1] for k in kernels] == ["relu6", "relu6", "add x2"]
    assert str(got.explain(x)).count("cluster") == 1 + 2 * 3  # what each normalisation comes to


def test_a_block_of_resnet_is_two_kernels() -> None:
    block = residual()
    x = nf.constant(normal(2, 28, 28, 32))
    got = nf.function(block)
    np.testing.assert_allclose(got(x), block(x), rtol=1e-4, atol=2e-5)
    kernels = [k for k in instructions(got, x) if k[-1] == "relu"]
    assert [k[-2] for k in kernels] == ["add", "add x2"]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3])
def test_what_goes_around_is_added_by_the_kernel(kernel: int, stride: int) -> None:
    """Of few channels, for which there is no Winograd; stride 2: both ways are convolutions."""
    first, second = Normalised("", 3, 8, 8, stride), Normalised("", kernel, 8, 8)
    around: Any = Normalised("", 1, 8, 8, stride) if stride > 1 else lambda x: x

    def block(x: Any) -> Any:
        return nf.nn.relu(second(nf.nn.relu(first(x))) + around(x))

    x = nf.constant(normal(2, 13, 11, 8))
    got = nf.function(block)
    np.testing.assert_allclose(got(x), block(x), rtol=1e-4, atol=2e-5)
    kernels = instructions(got, x)
    assert len(kernels) == 2 + (stride > 1)
    assert kernels[-1][-2:] == ["add x2", "relu"]
    assert "the residual and" in " ".join(str(got.explain(x)).split())


def test_channels_second() -> None:
    """The normalisation of [batch, channels, rows, columns] by [channels, 1, 1]."""
    x, f = nf.constant(normal(2, 3, 9, 9)), nf.Variable(normal(3, 3, 3, 8))
    s, o = nf.Variable(normal(8, 1, 1)), nf.Variable(normal(1, 8, 1, 1))

    def layer(x: Any) -> Any:
        return nf.nn.relu(nf.nn.conv2d(x, f, 1, "SAME", "NCHW") * s + o)

    got = nf.function(layer)
    np.testing.assert_allclose(got(x), layer(x), rtol=1e-4, atol=2e-5)
    assert [k[-1] for k in instructions(got, x)] == ["relu"]


GRAPH = """
graph(%0: f32[1, 8, 8, 3], %1: f32[3, 3, 3, 4], %2: f32[{size}])
  %3 = constant(value=f32[](2.0))
  %4 = convolution(%0, %1, strides=(1, 1), padding=((1, 1), (1, 1)), dilations=(1, 1), groups=1)
  %5 = multiply(%4, {by})
  {last}
"""


@pytest.mark.parametrize(
    ("by", "last"),
    [
        ("%2", "return %5"),
        ("%3", "return %4, %5"),
        ("%4", "return %5"),
    ],
    ids=["made of data", "read elsewhere", "itself"],
)
def test_what_is_left_alone(by: str, last: str) -> None:
    graph = parse(GRAPH.format(size=4, by=by, last=last))
    assert fold_scale(graph) is graph


def test_a_number_for_all_channels() -> None:
    graph = fold_scale(parse(GRAPH.format(size=4, by="%3", last="return %5")))
    assert [n.op.name for n in graph.nodes if n.op.name != "constant"][-1] == "convolution"


def test_a_filter_larger_than_the_result_is_left_alone() -> None:
    text = GRAPH.format(size=4, by="%3", last="return %5").replace("1, 8, 8, 3", "1, 4, 4, 3")
    graph = parse(text)
    assert fold_scale(graph) is graph


def test_gradients_stay() -> None:
    """Of a fine-tuned block, whose moments are at rest, and of one with the batch's moments."""
    layer = Normalised("", 3, 8, 8)
    x = nf.constant(normal(2, 9, 9, 8))

    def loss(x: Any, training: bool) -> Any:
        y = layer.plain(x) if training else layer(x)
        if training:
            mean, variance = nf.nn.moments(y, [0, 1, 2])
            y = nf.nn.batch_normalization(y, mean, variance, layer.offset, layer.scale, 1e-3)
        return nf.reduce_sum(nf.nn.relu6(y) ** 2)

    def step(x: Any, training: bool) -> Any:
        wanted = [layer.f, layer.scale, layer.offset]
        with nf.GradientTape() as tape:
            found = loss(x, training)
        return found, tape.gradient(found, wanted)

    def frozen(x: Any) -> Any:
        with nf.GradientTape() as tape:
            found = loss(x, False)
        return found, [tape.gradient(found, layer.f)]

    functions: tuple[Layer, ...] = (lambda x: step(x, True), lambda x: step(x, False), frozen)
    for function in functions:
        (value, gradients), (want, wants) = nf.function(function)(x), function(x)
        np.testing.assert_allclose(value, want, rtol=1e-4)
        for got, expected in zip(gradients, wants, strict=True):
            size = np.abs(expected.numpy()).max()
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * size)
