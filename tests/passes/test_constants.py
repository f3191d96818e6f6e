"""Constant folding: small, pure, and never where an op refuses the value."""

from textwrap import dedent

import numpy as np
import pytest

from numflow.graph.building import Building
from numflow.graph.graph import GraphBuilder
from numflow.graph.text import parse
from numflow.ops import creation, operators
from numflow.passes.constants import constants
from numflow.passes.dead_code import dead_code

OPS = (creation, operators)  # imported, so that their ops have names


def _check(before: str, after: str) -> None:
    assert str(dead_code(constants(parse(before)))) == dedent(after).strip()


def test_ops_on_constants_are_computed() -> None:
    """In the dtypes of their specs."""
    _check(
        """
        graph(%0: f32[2])
          %1 = constant(value=f32[2]([1.0, 3.0]))
          %2 = constant(value=f32[](0.5))
          %3 = multiply(%1, %2)
          %4 = add(%3, %2)
          %5 = multiply(%0, %4)
          return %5
        """,
        """
        graph(%0: f32[2])
          %1 = constant(value=f32[2]([1.0, 2.0]))
          %2 = multiply(%0, %1)
          return %2
        """,
    )


def test_what_derives_from_sizes_becomes_sizes() -> None:
    """One node, evaluated when a call is planned; numbers where no symbol is left."""
    _check(
        """
        graph(%0: f32[n, 3])
          %1 = sizes(sizes=(n, 3), shape=(2,), dtype=i32)
          %2 = constant(value=i32[](2))
          %3 = multiply(%1, %2)
          %4 = slice(%3, begin=(1,), stride=(1,), shape=(1,))
          %5 = reshape(%4, shape=())
          %6 = reduce_sum(%3, axis=(0,), keepdims=False)
          return %3, %5, %6
        """,
        """
        graph(%0: f32[n, 3])
          %1 = sizes(sizes=(2*n, 6), shape=(2,), dtype=i32)
          %2 = constant(value=i32[](6))
          %3 = sizes(sizes=(6+2*n), shape=(), dtype=i32)
          return %1, %2, %3
        """.replace("(6+2*n)", "(2*n+6,)"),
    )


def test_equal_elements_become_one_repeated() -> None:
    """Which code holds in a register; zeros of two signs are not equal."""
    _check(
        """
        graph()
          %0 = constant(value=f32[2]([0.5, 0.5]))
          %1 = constant(value=f32[2]([0.0, -0.0]))
          return %0, %1
        """,
        """
        graph()
          %0 = constant(value=f32[](0.5))
          %1 = broadcast_to(%0, shape=(2,))
          %2 = constant(value=f32[2]([0.0, -0.0]))
          return %1, %2
        """,
    )


@pytest.mark.parametrize(
    "text",
    [
        """
        graph()
          %0 = constant(value=f32[](1.0))
          %1 = broadcast_to(%0, shape=(50, 2))
          return %1
        """,
        """
        graph()
          %0 = constant(value=i32[](0))
          %1 = checked_divisor(%0, op='floordiv')
          return %1
        """,
        """
        graph()
          %0 = iota(shape=(3,), axis=0, dtype=i32)
          return %0
        """,
    ],
    ids=["large", "refused when it runs", "costs no memory"],
)
def test_what_is_not_folded(text: str) -> None:
    """Repetition makes a small array large; a check fails when the program runs, not before."""
    _check(text, text)


def test_small_integers_wrap_as_they_do_at_run_time() -> None:
    """The followed content of int8 is int8's."""
    builder = GraphBuilder()
    building = Building(builder)
    x = builder.constant(np.array([100], np.int8))
    from numflow.ops import math

    total = builder.add(math.add_op, (x, x), {}).output
    assert building.tensor(total).content is not None
    assert total.content is not None and total.content.tolist() == [-56]
