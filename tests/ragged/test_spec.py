"""Specs of ragged and sparse tensors."""

from __future__ import annotations

import pytest

import numflow as nf


def test_ragged_tensors_fit_their_specs() -> None:
    x = nf.ragged.constant([[1, 2], [3]])
    spec = nf.RaggedTensorSpec([None, None], nf.int32)
    assert spec.is_compatible_with(x) and spec.is_compatible_with(nf.RaggedTensorSpec.from_value(x))
    assert spec.ragged_rank == 1 and spec.row_splits_dtype is nf.int64
    assert spec.value_type is nf.RaggedTensor and isinstance(spec, nf.TypeSpec)
    for other in (
        nf.RaggedTensorSpec([None, None], nf.int64),
        nf.RaggedTensorSpec([3, None], nf.int32),
        nf.RaggedTensorSpec([None, None, None], nf.int32),
        nf.RaggedTensorSpec([None, None], nf.int32, row_splits_dtype=nf.int32),
    ):
        assert not other.is_compatible_with(x) and other != spec
    assert not spec.is_compatible_with(nf.constant([[1]]))
    two, three = (nf.RaggedTensorSpec([n, None], nf.int32) for n in (2, 3))
    assert two.most_specific_compatible_type(three) == spec
    assert hash(two.most_specific_compatible_type(three)) == hash(spec)
    assert two.most_specific_common_supertype([three, x]) is None
    assert repr(spec) == "RaggedTensorSpec(TensorShape([None, None]), nf.int32, 1, nf.int64)"
    given = nf.RaggedTensorSpec(ragged_rank=2, flat_values_spec=nf.TensorSpec([None], nf.bool))
    assert given.dtype is nf.bool and given.shape.rank is None
    with pytest.raises(ValueError, match="it needs a shape or a ragged_rank"):
        nf.RaggedTensorSpec()
    with pytest.raises(ValueError, match="ragged_rank is below the number of axes"):
        nf.RaggedTensorSpec([None], ragged_rank=1)
    with pytest.raises(ValueError, match="row_splits_dtype is int32 or int64"):
        nf.RaggedTensorSpec([None, None], row_splits_dtype=nf.float32)


def test_sparse_tensors_fit_their_specs() -> None:
    x = nf.SparseTensor([[0, 1]], [2.0], [3, 4])
    spec = nf.SparseTensorSpec([None, 4])
    assert spec.is_compatible_with(x) and nf.SparseTensorSpec.from_value(x).shape == [3, 4]
    assert not spec.is_compatible_with(nf.zeros([3, 4]))
    assert not nf.SparseTensorSpec([None, 5]).is_compatible_with(x)
    assert not nf.SparseTensorSpec([None, 4], nf.int32).is_compatible_with(x)
    assert nf.SparseTensorSpec([3, 4]).most_specific_compatible_type(
        nf.SparseTensorSpec([2, 4])
    ) == nf.SparseTensorSpec([None, 4])
    assert spec.value_type is nf.SparseTensor
    with pytest.raises(ValueError, match="No TypeSpec is compatible"):
        spec.most_specific_compatible_type(nf.SparseTensorSpec([None, 4], nf.int32))
