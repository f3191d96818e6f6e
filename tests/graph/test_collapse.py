"""Collapsing of axes.

What merges, what is dropped, and that the loop on what is left computes the same.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numflow.graph.collapse import collapse
from numflow.shapes import Dim


def test_contiguous_operands_collapse_to_one_axis() -> None:
    axes = collapse((3, 5, 7), [(35, 7, 1), (35, 7, 1)])
    assert axes.sizes == (105,)
    assert axes.letters() == ("u", "u")
    assert axes.origin == ((0, 1, 2),)


def test_a_broadcast_row_keeps_two_axes() -> None:
    axes = collapse((3, 5, 7), [(35, 7, 1), (0, 0, 1), (0, 0, 0)])
    assert axes.sizes == (15, 7)
    assert axes.letters() == ("su", "-u", "--")


def test_axes_of_size_one_are_dropped_and_others_sorted_by_the_output() -> None:
    axes = collapse((5, 1, 3), [(1, 0, 5), (1, 0, 5)])
    assert axes.sizes == (15,)
    assert axes.origin == ((2, 0),)


def test_reduced_axes_merge_only_among_themselves() -> None:
    axes = collapse((3, 5, 7, 2), [(70, 14, 2, 1)], reduced=(False, True, True, False))
    assert axes.sizes == (3, 35, 2)
    assert axes.reduced == (False, True, False)


def test_one_element_has_one_axis() -> None:
    assert collapse((), [(), ()]).sizes == (1,)
    assert collapse((1, 1), [(0, 0)]).letters() == ("u",)


def test_a_kept_axis_stays() -> None:
    axes = collapse((3, 1, 7), [(7, 0, 1)], keep=(1, 2))
    assert axes.sizes == (1, 3, 7)
    assert collapse((3, 7), [(7, 1)], keep=(1,)).sizes == (3, 7)


@pytest.mark.parametrize("batch", [Dim.symbol("batch"), Dim.symbol("batch") * 2])
def test_symbolic_sizes_merge_structurally(batch: Dim) -> None:
    whole = collapse((batch, 5, 7), [(35, 7, 1), (35, 7, 1)])
    assert whole.sizes == (batch * 35,)
    rows = collapse((batch, 7), [(7, 1), (0, 1)], output=0)
    assert rows.sizes == (batch, 7)
    assert rows.letters() == ("su", "-u")
    inner = collapse((5, batch), [(batch, 1), (batch, 1)])
    assert inner.sizes == (batch * 5,)
    apart = collapse((5, batch), [(batch * 2, 1), (batch, 1)])
    assert apart.sizes == (5, batch)
    assert apart.letters() == ("su", "su")


@given(st.data())
def test_what_is_left_walks_the_same_elements(data: st.DataObject) -> None:
    """Addresses of every operand, element by element, over drawn shapes, orders and broadcasts."""
    rank = data.draw(st.integers(0, 4))
    shape = tuple(data.draw(st.sampled_from([1, 2, 3, 5])) for _ in range(rank))
    operands = []
    for _ in range(3):
        order = data.draw(st.permutations(range(rank)))
        strides, step = [0] * rank, 1
        for k in reversed(order):
            if data.draw(st.booleans()) and shape[k] > 1:
                strides[k] = step
                step *= shape[k]
        operands.append(strides)
    axes = collapse(shape, operands)
    before = [_addresses(shape, s) for s in operands]
    after = [_addresses(axes.sizes, s) for s in axes.strides]  # type: ignore[arg-type]
    pairs = {tuple(int(a[k]) for a in before) for k in range(before[0].size)}
    assert pairs == {tuple(int(a[k]) for a in after) for k in range(after[0].size)}
    assert before[0].size == after[0].size


def _addresses(shape: tuple[int, ...], strides: tuple[int, ...] | list[int]) -> np.ndarray:
    numbers = np.indices(shape).reshape(len(shape), math.prod(shape))
    return np.asarray(strides, int) @ numbers
