"""Common subexpressions: equal ops on equal values are computed once."""

from textwrap import dedent
from types import SimpleNamespace

import numpy as np

from numflow import dtypes
from numflow.graph.spec import Spec
from numflow.graph.text import parse
from numflow.ops import operators, state
from numflow.passes.cse import cse, frozen

OPS = (operators, state)  # imported, so that their ops have names


def _check(before: str, after: str) -> None:
    variables = {"v": SimpleNamespace(name="v", spec=Spec((2,), dtypes.float32))}
    assert str(cse(parse(before, variables))) == dedent(after).strip()


def test_equal_nodes_are_merged() -> None:
    """Also those that become equal by it, and sums and products whichever way round."""
    _check(
        """
        graph(%0: f32[2], %1: f32[2])
          %2 = exp(%0)
          %3 = exp(%0)
          %4 = multiply(%2, %1)
          %5 = multiply(%1, %3)
          %6 = subtract(%4, %5)
          return %6
        """,
        """
        graph(%0: f32[2], %1: f32[2])
          %2 = exp(%0)
          %3 = multiply(%2, %1)
          %4 = subtract(%3, %3)
          return %4
        """,
    )


def test_attributes_count_by_value() -> None:
    """Arrays by their bytes: 0.0 is not -0.0, and int32 is not float32."""
    _check(
        """
        graph(%0: f32[2, 2])
          %1 = constant(value=f32[2]([0.0, 1.0]))
          %2 = constant(value=f32[2]([0.0, 1.0]))
          %3 = constant(value=f32[2]([-0.0, 1.0]))
          %4 = reduce_sum(%0, axis=(0,), keepdims=False)
          %5 = reduce_sum(%0, axis=(1,), keepdims=False)
          %6 = reduce_sum(%0, axis=(0,), keepdims=False)
          return %1, %2, %3, %4, %5, %6
        """,
        """
        graph(%0: f32[2, 2])
          %1 = constant(value=f32[2]([0.0, 1.0]))
          %2 = constant(value=f32[2]([-0.0, 1.0]))
          %3 = reduce_sum(%0, axis=(0,), keepdims=False)
          %4 = reduce_sum(%0, axis=(1,), keepdims=False)
          return %1, %1, %2, %3, %4, %3
        """,
    )


def test_reads_are_merged_up_to_a_write() -> None:
    """Behind it another value is read."""
    _check(
        """
        graph(%0: f32[2])
          %1 = read(variable='v')
          %2 = read(variable='v')
          assign(%0, variable='v')
          %3 = read(variable='v')
          assign(%0, variable='v')
          return %1, %2, %3
        """,
        """
        graph(%0: f32[2])
          %1 = read(variable='v')
          assign(%0, variable='v')
          %2 = read(variable='v')
          assign(%0, variable='v')
          return %1, %1, %2
        """,
    )


def test_attributes_are_frozen_by_meaning() -> None:
    """What is unknown equals only itself: a variable may define == by its elements."""
    a, b = SimpleNamespace(), SimpleNamespace()
    assert frozen(a) == frozen(a) and frozen(a) != frozen(b)
    assert frozen(0.0) != frozen(-0.0) and frozen(float("nan")) == frozen(float("nan"))
    assert frozen({"k": [1, (2,)]}) == frozen({"k": [1, (2,)]})
    assert frozen(np.zeros(2)) == frozen(np.zeros(2)) != frozen(np.zeros(2, np.int64))
