"""tf.linalg: matrix products and norms."""

from __future__ import annotations

from numflow.ops.clipping import global_norm
from numflow.ops.creation import eye
from numflow.ops.einsum import einsum
from numflow.ops.linalg import matmul, matrix_transpose, matvec, norm, tensordot
from numflow.ops.matrix_parts import (
    band_part,
    diag,
    diag_part,
    set_diag,
    tensor_diag,
    tensor_diag_part,
    trace,
)
from numflow.ops.nn import l2_normalize

__all__ = [
    "band_part",
    "diag",
    "diag_part",
    "einsum",
    "eye",
    "global_norm",
    "l2_normalize",
    "matmul",
    "matrix_transpose",
    "matvec",
    "norm",
    "set_diag",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
]
