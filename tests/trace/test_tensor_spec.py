"""TensorSpec and TypeSpec: what fits, and what specs have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

A, OPEN, ANY = nf.TensorSpec([2, 3]), nf.TensorSpec([None, 3]), nf.TensorSpec(None)


def test_text_and_parts() -> None:
    assert repr(OPEN) == "TensorSpec(shape=(None, 3), dtype=nf.float32, name=None)"
    assert repr(ANY) == "TensorSpec(shape=<unknown>, dtype=nf.float32, name=None)"
    assert ANY.shape.rank is None and A.shape == (2, 3) and A.value_type is nf.Tensor
    named = nf.TensorSpec.from_spec(A, "x")
    assert (named.name, named.shape) == ("x", (2, 3)) and named != A and hash(named) == hash(A)
    assert nf.TensorSpec.from_tensor(nf.zeros([2, 3])) == A and isinstance(A, nf.TypeSpec)


def test_sizes_are_integers() -> None:
    assert nf.TensorSpec([-1, np.int64(3)]).shape == [None, 3]
    bad: Any
    for bad in ([1.5], "ab", ["3"]):
        with pytest.raises(TypeError, match="a size must be an integer or None"):
            nf.TensorSpec(bad)


def test_what_fits() -> None:
    assert OPEN.is_compatible_with(nf.zeros([5, 3])) and not OPEN.is_compatible_with(nf.zeros([3]))
    assert ANY.is_compatible_with(np.zeros([1], np.float32)) and not A.is_compatible_with(ANY)
    assert not A.is_compatible_with(np.zeros([2, 3])) and OPEN.is_compatible_with(A)


def test_what_specs_have_in_common() -> None:
    assert A.is_subtype_of(OPEN) and not OPEN.is_subtype_of(A) and OPEN.is_subtype_of(ANY)
    named = nf.TensorSpec([2, 3], name="x")
    assert A.is_subtype_of(named) and not named.is_subtype_of(A) and not A.is_subtype_of(None)
    other = nf.TensorSpec([2, 5])
    assert A.most_specific_compatible_type(other) == nf.TensorSpec([2, None])
    assert A.most_specific_compatible_type(nf.TensorSpec([2])) == ANY
    assert A.most_specific_common_supertype([other, OPEN]) == nf.TensorSpec([None, None])
    ints = nf.TensorSpec([2, 3], nf.int32)
    assert A.most_specific_common_supertype([ints]) is None
    with pytest.raises(ValueError, match="No TypeSpec is compatible with both TensorSpec"):
        A.most_specific_compatible_type(ints)


def test_specs_of_values() -> None:
    """Tensors, variables, arrays, numbers, text, lists; nothing else."""
    values: list[tuple[Any, Any, Any]] = [
        (nf.zeros([2, 3]), [2, 3], nf.float32),
        (nf.Variable([1]), [1], nf.int32),
        (np.zeros([2]), [2], nf.float64),
        (1.5, [], nf.float32),
        ("ab", [], nf.string),
        ([1, 2], [2], nf.int32),
    ]
    for value, shape, dtype in values:
        assert nf.type_spec_from_value(value) == nf.TensorSpec(shape, dtype)
    slices = nf.IndexedSlices(nf.zeros([1, 2]), nf.constant([0]))
    assert isinstance(nf.type_spec_from_value(slices), nf.IndexedSlicesSpec)
    with pytest.raises(TypeError, match="Could not build a TypeSpec for"):
        nf.type_spec_from_value(object())
