"""tf.linalg: matrix products, norms, factorizations, equations."""

from __future__ import annotations

from numflow.ops.banded import (
    banded_triangular_solve,
    eigh_tridiagonal,
    normalize,
    tridiagonal_matmul,
    tridiagonal_solve,
)
from numflow.ops.clipping import global_norm
from numflow.ops.creation import eye
from numflow.ops.einsum import einsum
from numflow.ops.equations import solve, triangular_solve
from numflow.ops.factorizations import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd
from numflow.ops.linalg import matmul, matrix_transpose, matvec, norm, tensordot
from numflow.ops.linear_operators import (
    LinearOperator,
    LinearOperatorFullMatrix,
    LinearOperatorLowerTriangular,
)
from numflow.ops.linear_operators_diagonal import LinearOperatorDiag, LinearOperatorIdentity
from numflow.ops.lu import lu, lu_matrix_inverse, lu_reconstruct, lu_solve
from numflow.ops.matrix_functions import expm, logm, sqrtm
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
from numflow.ops.solving import (
    adjoint,
    cholesky_solve,
    cross,
    det,
    inv,
    logdet,
    lstsq,
    matrix_rank,
    pinv,
    slogdet,
)

__all__ = [
    "LinearOperator",
    "LinearOperatorDiag",
    "LinearOperatorFullMatrix",
    "LinearOperatorIdentity",
    "LinearOperatorLowerTriangular",
    "adjoint",
    "band_part",
    "banded_triangular_solve",
    "cholesky",
    "cholesky_solve",
    "cross",
    "det",
    "diag",
    "diag_part",
    "eig",
    "eigh",
    "eigh_tridiagonal",
    "eigvals",
    "eigvalsh",
    "einsum",
    "expm",
    "eye",
    "global_norm",
    "inv",
    "l2_normalize",
    "logdet",
    "logm",
    "lstsq",
    "lu",
    "lu_matrix_inverse",
    "lu_reconstruct",
    "lu_solve",
    "matmul",
    "matrix_rank",
    "matrix_transpose",
    "matvec",
    "norm",
    "normalize",
    "pinv",
    "qr",
    "set_diag",
    "slogdet",
    "solve",
    "sqrtm",
    "svd",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
    "triangular_solve",
    "tridiagonal_matmul",
    "tridiagonal_solve",
]
