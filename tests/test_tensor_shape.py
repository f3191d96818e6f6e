"""TensorShape: TensorFlow's methods, open sizes and open ranks."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numflow as nf
from numflow.shapes import Dim, Size

S, OPEN, UNKNOWN = nf.TensorShape([2, 3]), nf.TensorShape([None, 3]), nf.TensorShape(None)


def test_what_it_is_made_of() -> None:
    """Sizes of any integer kind, one size, a shape, None; a shape is itself."""
    assert nf.TensorShape([np.int64(2), nf.constant(3)]) == S and nf.TensorShape(S) is S
    assert (
        type(nf.TensorShape(np.array([2]))[0]) is int and nf.TensorShape(nf.constant([2, 3])) == S
    )
    assert nf.TensorShape(3) == [3] and nf.TensorShape(()) == [] == nf.TensorShape([])
    assert nf.TensorShape(UNKNOWN) is not None and nf.TensorShape(UNKNOWN).rank is None
    with pytest.raises(ValueError, match="Dimension -1 must be >= 0"):
        nf.TensorShape([3, -1])
    bad: list[Any] = ["ab", [1.5], ["3"], [[1]], object()]
    for dims in bad:
        with pytest.raises(TypeError, match="a size must be an integer or None"):
            nf.TensorShape(dims)


def test_text_and_parts() -> None:
    assert [str(s) for s in (S, OPEN, UNKNOWN)] == ["(2, 3)", "(None, 3)", "<unknown>"]
    assert [repr(s) for s in (OPEN, UNKNOWN)] == ["TensorShape([None, 3])", "TensorShape(None)"]
    assert (S.rank, S.ndims, S.dims, S.as_list(), S.num_elements()) == (2, 2, [2, 3], [2, 3], 6)
    assert (OPEN.dims, OPEN.num_elements(), OPEN[0], OPEN[1:]) == ([None, 3], None, None, [3])
    assert nf.TensorShape([]).num_elements() == 1 and S.is_fully_defined()
    assert not OPEN.is_fully_defined() and not UNKNOWN.is_fully_defined()
    for s in (S, OPEN, UNKNOWN):
        assert pickle.loads(pickle.dumps(s)) == s and hash(s) == hash(nf.TensorShape(s))


def test_equality() -> None:
    """With lists and tuples too; an open shape equals an open one, and None."""
    assert S == (2, 3) == S and S == [2, 3] and S != [2, 4] and S != None  # noqa: E711
    assert OPEN == [None, 3] and UNKNOWN == UNKNOWN and UNKNOWN == None  # noqa: E711
    assert UNKNOWN != S and S != UNKNOWN and S != "x"


def test_two_shapes() -> None:
    assert OPEN.is_compatible_with([4, 3]) and not OPEN.is_compatible_with([4, 4])
    assert OPEN.is_compatible_with(None) and not S.is_compatible_with([2])
    assert OPEN.merge_with(S) == S and OPEN.merge_with(None) == OPEN == UNKNOWN.merge_with(OPEN)
    with pytest.raises(ValueError) as e:
        OPEN.merge_with([2, 4])
    assert str(e.value) == "Shapes (None, 3) and (2, 4) are not compatible"
    assert S.concatenate([5]) == (2, 3, 5) == S + (5,) and (5,) + S == (5, 2, 3)  # noqa: RUF005
    assert S.concatenate(5) == (2, 3, 5) and S.concatenate(UNKNOWN) == UNKNOWN == UNKNOWN + S
    assert S.most_specific_compatible_shape([2, 4]) == [2, None]
    assert S.most_specific_compatible_shape([2]) == UNKNOWN
    assert UNKNOWN.most_specific_compatible_shape(S) == UNKNOWN
    assert S.most_specific_common_supertype([[2, 4], [3, 3]]) == [None, None]
    assert S.is_subtype_of(OPEN) and not OPEN.is_subtype_of(S) and OPEN.is_subtype_of(None)
    assert not UNKNOWN.is_subtype_of(S) and UNKNOWN.is_subtype_of(UNKNOWN)


DIMS = st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=3)
SHAPES = st.one_of(st.none(), DIMS).map(nf.TensorShape)


@given(SHAPES, SHAPES)
def test_laws_of_two_shapes(x: nf.TensorShape, y: nf.TensorShape) -> None:
    """Merging asks for compatibility; what both are cases of is the least such shape."""
    assert x.is_compatible_with(y) is y.is_compatible_with(x)
    if x.is_compatible_with(y):
        both = x.merge_with(y)
        assert both == y.merge_with(x) and both.is_subtype_of(x) and both.is_subtype_of(y)
    else:
        with pytest.raises(ValueError):
            x.merge_with(y)
    common = x.most_specific_compatible_shape(y)
    assert common == y.most_specific_compatible_shape(x)
    assert x.is_subtype_of(common) and y.is_subtype_of(common)
    assert (common == y) is x.is_subtype_of(y)


def test_ranks_and_checks() -> None:
    assert S.with_rank(2) is S and UNKNOWN.with_rank(2) == [None, None]
    assert S.with_rank_at_least(1) is S and S.with_rank_at_most(2) is S
    assert UNKNOWN.with_rank_at_least(3) == UNKNOWN
    UNKNOWN.assert_has_rank(7)
    S.assert_has_rank(2)
    S.assert_same_rank(OPEN)
    S.assert_is_compatible_with(OPEN)
    S.assert_is_fully_defined()
    refused: list[tuple[Callable[[], Any], str]] = [
        (lambda: OPEN.with_rank(3), "Shape (None, 3) must have rank 3"),
        (lambda: OPEN.with_rank_at_least(3), "Shape (None, 3) must have rank at least 3"),
        (lambda: OPEN.with_rank_at_most(1), "Shape (None, 3) must have rank at most 1"),
        (lambda: OPEN.assert_has_rank(3), "Shape (None, 3) must have rank 3"),
        (lambda: OPEN.assert_same_rank([1]),
         "Shapes (None, 3) and (1,) must have the same rank"),
        (lambda: OPEN.assert_is_compatible_with([4, 4]),
         "Shapes (None, 3) and (4, 4) are incompatible"),
        (OPEN.assert_is_fully_defined, "Shape (None, 3) is not fully defined"),
        (UNKNOWN.as_list, "as_list() is not defined on an unknown TensorShape."),
        (lambda: len(UNKNOWN), "Cannot take the length of shape with unknown rank."),
        (lambda: list(UNKNOWN), "Cannot iterate over a shape with unknown rank."),
    ]  # fmt: skip
    for bad, text in refused:
        with pytest.raises(ValueError) as e:
            bad()
        assert str(e.value) == text


def test_parts_of_an_unknown_shape() -> None:
    """Open sizes; an open rank where the end is not said."""
    assert UNKNOWN.rank is None and UNKNOWN.dims is None and UNKNOWN.num_elements() is None
    assert UNKNOWN[0] is None and UNKNOWN[0:2] == [None, None] and UNKNOWN[1:] == UNKNOWN
    assert not UNKNOWN


def test_sizes_that_a_trace_leaves_open() -> None:
    """They print as None and fit what they may become; the same one is the same."""
    n = Size(Dim.symbol("n"))
    s = nf.TensorShape([n, 3])
    assert str(s) == "(None, 3)" and s.as_list() == [None, 3] and not s.is_fully_defined()
    assert s.is_compatible_with([7, 3]) and s.merge_with([7, 3]) == [7, 3]
    assert s.most_specific_compatible_shape(s)[0] is n and s.is_subtype_of([None, None])
