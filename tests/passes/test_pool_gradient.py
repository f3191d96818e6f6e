"""Masks and sums of what a pool's gradient spreads are taken before it is spread."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.graph.text import parse
from numflow.ops import activation, comparisons, operators, pooling, reduce, select
from numflow.passes.pool_gradient import pool_gradient

OPS = (operators, activation, comparisons, pooling, reduce, select)  # so that ops have names

POOL = "kernel=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)), dilations=(1, 1)"


def _graph(mask: str, last: str, kernel: str = POOL) -> str:
    return f"""
        graph(%0: f32[3, 4, 6, 5], %1: f32[3, 2, 3, 5])
          %2 = constant(value=f32[](0.0))
          %3, %4 = max_pool_places(%0, {kernel})
          %5 = pool_spread(%1, %4, image=(4, 6), {kernel})
          {mask}
          {last}
    """


def test_the_mask_and_the_sum_are_of_the_small_image() -> None:
    got = pool_gradient(
        parse(
            _graph(
                "%6 = greater(%0, %2)\n          %7 = where(%6, %5, %2)",
                "%8 = reduce_sum(%7, axis=(0, 1, 2), keepdims=False)\n          return %7, %8",
            )
        )
    )
    after = f"""
        graph(%0: f32[3, 4, 6, 5], %1: f32[3, 2, 3, 5])
          %2 = constant(value=f32[](0.0))
          %3, %4 = max_pool_places(%0, {POOL})
          %5 = pool_spread(%1, %4, image=(4, 6), {POOL})
          %6 = greater(%0, %2)
          %7 = greater(%3, %2)
          %8 = where(%7, %1, %2)
          %9 = pool_spread(%8, %4, image=(4, 6), {POOL})
          %10 = reduce_sum(%8, axis=(0, 1, 2), keepdims=False)
          return %9, %10
    """
    assert str(got) == dedent(after).strip()


@pytest.mark.parametrize(
    ("mask", "last"),
    [
        ("%6 = less(%0, %2)", "%7 = where(%6, %5, %2)\n          return %7"),
        ("%6 = greater(%5, %2)", "%7 = where(%6, %5, %2)\n          return %7"),
        ("%6 = greater(%0, %2)", "%7 = where(%6, %2, %5)\n          return %7"),
        ("%6 = greater(%0, %2)", "%7 = where(%6, %5, %2)\n          return %7, %5"),
        ("%6 = add(%5, %2)", "%7 = reduce_sum(%5, axis=(0, 1), keepdims=False)\n  return %7, %6"),
    ],
)
def test_other_masks_and_other_readers_stay(mask: str, last: str) -> None:
    """Less than, of another image, the other way round, read by somebody else, parts of images."""
    graph = parse(_graph(mask, last))
    assert pool_gradient(graph) is graph


def test_windows_in_the_padding_only_are_not_summed() -> None:
    """The third window of each axis lies behind the image: its element is nowhere."""
    attrs = "kernel=(2, 2), strides=(2, 2), padding=((0, 2), (0, 2)), dilations=(1, 1)"
    graph = parse(
        f"""
        graph(%0: f32[3, 4, 6, 5], %1: f32[3, 3, 4, 5])
          %3, %4 = max_pool_places(%0, {attrs})
          %5 = pool_spread(%1, %4, image=(4, 6), {attrs})
          %6 = reduce_sum(%5, axis=(1, 2), keepdims=True)
          return %6
        """
    )
    assert pool_gradient(graph) is graph


@settings(deadline=None, max_examples=12)
@given(
    st.tuples(st.integers(0, 3), st.integers(3, 9), st.integers(3, 9), st.sampled_from([1, 5, 17])),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["VALID", "SAME"]),
    st.sampled_from([nf.nn.relu, nf.nn.relu6]),
    st.booleans(),
    st.sampled_from([np.float32, np.float64]),
)
def test_bits_stay(
    shape: tuple[int, ...],
    kernel: int,
    stride: int,
    padding: str,
    activate: Any,
    unknown: bool,
    dtype: Any,
) -> None:
    """Of small integers, for which sums have no order; NaN and infinities among them."""
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 9, shape).astype(dtype)
    x[rng.random(shape) < 0.2] = np.nan
    x[rng.random(shape) < 0.05] = np.inf

    def run(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.max_pool2d(activate(x), kernel, stride, padding)
        weights = nf.reshape(nf.range(nf.size(y)) % 7, nf.shape(y))
        dx = tape.gradient(y, x, output_gradients=nf.cast(weights, x.dtype))
        return y, dx, nf.reduce_sum(dx, [0, 1, 2])

    sizes = [None, None, None, shape[3]] if unknown else shape
    compiled = nf.function(run, input_signature=[nf.TensorSpec(sizes, dtype)])
    for got, want in zip(compiled(nf.constant(x)), run(nf.constant(x)), strict=True):
        np.testing.assert_array_equal(got.numpy(), want.numpy())


def test_second_gradients() -> None:
    """Against finite differences of the first, which are those of a program."""
    rng = np.random.default_rng(1)
    x = nf.constant(rng.standard_normal((2, 7, 6, 3)))
    ct, v = (nf.constant(rng.standard_normal(s)) for s in [(2, 3, 3, 3), (2, 7, 6, 3)])

    @nf.function
    def first(x: Any, ct: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.max_pool2d(nf.nn.relu(x * x - 0.3), 2, 2, "VALID")
        return tape.gradient(y, x, output_gradients=ct * y)

    @nf.function
    def second(x: Any, ct: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            along = nf.reduce_sum(first(x, ct) * v)
        return tape.gradient(along, x)

    step = 1e-6 * rng.standard_normal(x.shape)
    ahead, back = (nf.reduce_sum(first(x + s, ct) * v).numpy() for s in (step, -step))
    want = np.sum(second(x, ct).numpy() * step)
    np.testing.assert_allclose(want, (ahead - back) / 2, rtol=1e-6)
