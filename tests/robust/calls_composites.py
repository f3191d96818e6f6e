"""Right calls of ops on tensors of several tensors: sparse, ragged, slices, sets."""

from __future__ import annotations

import numflow as nf
from tests.robust.arguments import (
    A,
    Arguments,
    B,
    Given,
    K,
    Made,
    Methods,
    V,
    W,
    X,
    ids,
    ragged,
    sparse,
)

ARGUMENTS: dict[str, Arguments] = {
    # --- sparse ---
    "sparse.add": A(sparse, sparse, 0.5),
    "sparse.concat": A(0, [sparse, sparse], False),
    "sparse.expand_dims": A(sparse, 1),
    "sparse.eye": A(2, 3, nf.float32),
    "sparse.fill_empty_rows": A(sparse, 1.0),
    "sparse.from_dense": A(X),
    "sparse.mask": A(Made(lambda: nf.IndexedSlices(nf.constant(X), nf.constant(K))), [1]),
    "sparse.maximum": A(sparse, sparse),
    "sparse.minimum": A(sparse, sparse),
    "sparse.reduce_max": A(sparse, 1, True, False),
    "sparse.reduce_sum": A(sparse, 1, True, False),
    "sparse.reorder": A(sparse),
    "sparse.reset_shape": A(sparse, [3, 4]),
    "sparse.reshape": A(sparse, [3, 2]),
    "sparse.retain": A(sparse, [True, False]),
    "sparse.sampled_addmm": A([[0, 1], [1, 2]], [1.0, 2.0], [2, 3], X @ W, X, 0.5, 2.0, nf.float32),
    "sparse.segment_mean": A(X, K, K, 3),
    "sparse.segment_sqrt_n": A(X, K, K, 3),
    "sparse.segment_sum": A(X, K, K, 3),
    "sparse.slice": A(sparse, [0, 1], [2, 2]),
    "sparse.softmax": A(sparse),
    "sparse.sparse_dense_matmul": A(sparse, W, False, False),
    "sparse.split": A(sparse, 2, 0),
    "sparse.to_dense": A(sparse, 0.5, True),
    "sparse.to_indicator": A(ids, 4),
    "sparse.transpose": A(sparse, [1, 0]),
    # --- ragged ---
    "ragged.boolean_mask": A(X, B),
    "ragged.constant": A([[1.0, 2.0], [3.0]], nf.float32, 1, (), row_splits_dtype=nf.int64),
    "ragged.range": A([0, 1], [2, 5], [1, 2], nf.int32, row_splits_dtype=nf.int64),
    "ragged.row_splits_to_segment_ids": A([0, 2, 3], out_type=nf.int64),
    "ragged.segment_ids_to_row_splits": A([0, 0, 1], 3, nf.int64),
    "ragged.stack": A([ragged, ragged], 0),
    # --- sets ---
    "sets.difference": A([[1, 2], [3, 4]], [[1, 5], [4, 4]], True, True),
    "sets.intersection": A([[1, 2], [3, 4]], [[1, 5], [4, 4]], True),
    "sets.union": A([[1, 2], [3, 4]], [[1, 5], [4, 4]], True),
    "sets.size": A(ids, True),
}

METHODS: Methods = {
    "SparseTensor": (
        lambda i, v, s: nf.sparse.to_dense(nf.SparseTensor(i, v, s)),
        A([[0, 1], [1, 2]], [1.0, 2.0], [2, 3]),
    ),
    "IndexedSlices": (
        lambda v, i, s: nf.convert_to_tensor(nf.IndexedSlices(v, i, s)),
        A(X, K, [4, 3]),
    ),
    **{
        f"RaggedTensor.from_{name}": (
            lambda v, r, ok, name=name: getattr(nf.RaggedTensor, "from_" + name)(v, r, validate=ok),
            A(V, rows, True),
        )
        for name, rows in {
            "row_splits": [0, 1, 3],
            "row_lengths": [1, 2],
            "row_starts": [0, 1],
            "row_limits": [1, 3],
        }.items()
    },
    "RaggedTensor.from_value_rowids": (
        lambda v, r, n: nf.RaggedTensor.from_value_rowids(v, r, n),
        A(V, [0, 0, 1], 2),
    ),
    "RaggedTensor.from_tensor": (
        lambda x, lengths, padding, rank: nf.RaggedTensor.from_tensor(x, lengths, padding, rank),
        A(X, [1, 2], None, 1),
    ),
    "RaggedTensor.to_tensor": (
        lambda x, default, shape: x.to_tensor(default, shape=shape),
        A(Given(ragged.make), 0.5, [None, 3]),
    ),
}
