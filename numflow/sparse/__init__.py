"""tf.sparse: tensors of which only some elements are kept."""

from __future__ import annotations

from numflow.sparse.functions import (
    add,
    maximum,
    minimum,
    reduce_max,
    reduce_sum,
    segment_mean,
    segment_sqrt_n,
    segment_sum,
    softmax,
    sparse_dense_matmul,
)
from numflow.sparse.parts import (
    concat,
    expand_dims,
    eye,
    fill_empty_rows,
    mask,
    reset_shape,
    reshape,
    retain,
    sampled_addmm,
    slice,
    split,
    to_indicator,
    transpose,
)
from numflow.sparse.tensor import SparseTensor, from_dense, reorder, to_dense

__all__ = [
    "SparseTensor",
    "add",
    "concat",
    "expand_dims",
    "eye",
    "fill_empty_rows",
    "from_dense",
    "mask",
    "maximum",
    "minimum",
    "reduce_max",
    "reduce_sum",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "sampled_addmm",
    "segment_mean",
    "segment_sqrt_n",
    "segment_sum",
    "slice",
    "softmax",
    "sparse_dense_matmul",
    "split",
    "to_dense",
    "to_indicator",
    "transpose",
]
