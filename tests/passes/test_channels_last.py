"""Transposes between kernels of images meet, and are nothing."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.text import parse
from numflow.ops import activation, convolution, operators, shape
from numflow.ops.convolution_rules import Geometry
from numflow.passes.channels_last import channels_last

OPS = (operators, activation, convolution, shape)  # imported, so that their ops have names
FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def _check(before: str, after: str) -> None:
    assert str(channels_last(parse(before))) == dedent(after).strip()


CONV = (
    "convolution_direct(%{x}, %{f}, packed=False, strides=(1, 1), padding=((0, 0), (0, 0)), "
    "dilations=(1, 1), groups=1)"
)


def test_through_elements_and_back() -> None:
    """What is between two kernels is computed in their order; a vector is read through a view."""
    _check(
        f"""
        graph(%0: f32[2, 5, 7, 3], %1: f32[1, 1, 3, 4], %2: f32[4, 1, 1])
          %3 = {CONV.format(x=0, f=1)}
          %4 = transpose(%3, perm=(0, 3, 1, 2))
          %5 = add(%4, %2)
          %6 = relu(%5)
          %7 = transpose(%6, perm=(0, 2, 3, 1))
          return %7
        """,
        f"""
        graph(%0: f32[2, 5, 7, 3], %1: f32[1, 1, 3, 4], %2: f32[4, 1, 1])
          %3 = {CONV.format(x=0, f=1)}
          %4 = transpose(%3, perm=(0, 3, 1, 2))
          %5 = reshape(%2, shape=(1, 4, 1, 1))
          %6 = transpose(%5, perm=(0, 2, 3, 1))
          %7 = add(%3, %6)
          %8 = transpose(%7, perm=(0, 3, 1, 2))
          %9 = relu(%7)
          %10 = transpose(%9, perm=(0, 3, 1, 2))
          return %9
        """,
    )


def test_a_program_without_such_kernels_is_left_alone() -> None:
    graph = parse(
        """
        graph(%0: f32[2, 5, 7, 3])
          %1 = transpose(%0, perm=(0, 3, 1, 2))
          %2 = relu(%1)
          return %2
        """
    )
    assert channels_last(graph) is graph


def _network(x: Any, filters: Any, bias: Any) -> Any:
    """Channels first, folds and concatenations between."""
    geometry = Geometry((1, 1), ((1, 1), (1, 1)), (1, 1))

    def conv(h: Any, f: Any) -> Any:
        y = convolution.conv_op(nf.transpose(h, LAST), f, **geometry.attrs)
        return nf.transpose(y, FIRST)

    h = nf.nn.relu(conv(x, filters) + nf.reshape(bias, [-1, 1, 1]))
    h = h / (1 + nf.reduce_max(h, [2, 3], keepdims=True))
    h = nf.concat([h, h * 2, nf.abs(h)], 1) + nf.reduce_mean(h, 1, keepdims=True)
    h = conv(h, nf.concat([filters, filters, filters], 2))
    return nf.reduce_sum(h, [0, 2, 3]), nf.reduce_mean(h * h, 3), h


def test_values_and_gradients_stay() -> None:
    rng = np.random.default_rng(0)
    given = [nf.constant(rng.standard_normal(s)) for s in [(2, 3, 5, 7), (3, 3, 3, 3), (3,)]]

    def run(*tensors: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(tensors)
            parts = _network(*tensors)
            total = nf.add_n([nf.reduce_sum(p * p) for p in parts])
        return [*parts, *tape.gradient(total, tensors)]

    for got, want in zip(nf.function(run)(*given), run(*given), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-10, atol=1e-10)


def test_no_copy_is_left_between_kernels() -> None:
    """Only the argument is copied in front of the first kernel, and the result behind the last."""
    rng = np.random.default_rng(0)
    args = [nf.constant(rng.standard_normal(s)) for s in [(2, 3, 5, 7), (3, 3, 3, 3), (3,)]]
    text = str(nf.function(lambda *t: _network(*t)[2]).explain(*args))
    assert len(re.findall(r"cluster \w+: copy", text)) <= 2


@pytest.mark.parametrize("perm", [(1, 0, 2, 3), (0, 1, 3, 2), (3, 2, 1, 0)])
def test_other_orders(perm: tuple[int, ...]) -> None:
    """Any permutation behind a kernel, with folds that keep their axes or not."""
    rng = np.random.default_rng(0)
    x, f = (
        nf.constant(rng.standard_normal((2, 5, 7, 3))),
        nf.constant(rng.standard_normal((1, 2, 3, 4))),
    )
    geometry = Geometry((1, 1), ((0, 0), (0, 1)), (1, 1))

    def run(x: Any, f: Any) -> Any:
        h = nf.transpose(convolution.conv_op(x, f, **geometry.attrs), perm)
        return nf.exp(h), nf.reduce_sum(h, [1]), nf.reduce_max(nf.abs(h), [0, 2], keepdims=True)

    for got, want in zip(nf.function(run)(x, f), run(x, f), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-12)
