"""Right calls of ops on arrays: mathematics, shapes, matrices, random numbers."""

from __future__ import annotations

import numpy as np

import numflow as nf
from tests.robust.arguments import (
    PICTURES,
    SEED,
    SOLID,
    A,
    Arguments,
    B,
    C,
    I,
    K,
    P,
    Q,
    V,
    W,
    X,
    words,
)

UNARY = (
    "abs acos acosh asin asinh atan atanh cos cosh exp floor identity negative ones_like rank "
    "round shape sigmoid sign sin sinh size sqrt square stop_gradient tan tanh zeros_like "
    "math.bessel_i0 math.bessel_i0e math.bessel_i1 math.bessel_i1e math.ceil math.digamma math.erf "
    "math.erfc math.erfcinv math.erfinv math.expm1 math.is_finite math.is_inf math.is_nan "
    "math.is_non_decreasing math.is_strictly_increasing math.lbeta math.lgamma math.log math.log1p "
    "math.log_sigmoid math.ndtri math.reciprocal math.reciprocal_no_nan math.rint math.rsqrt "
    "math.softplus math.softsign math.zero_fraction nn.elu nn.l2_loss nn.relu nn.relu6 nn.selu "
    "nn.crelu nn.gelu nn.silu linalg.trace linalg.adjoint linalg.matrix_transpose unstack"
)
BINARY = (
    "add atan2 divide equal greater greater_equal less less_equal maximum minimum multiply "
    "not_equal pow realdiv subtract truediv math.divide_no_nan math.floordiv math.floormod "
    "math.multiply_no_nan math.nextafter math.squared_difference math.xdivy math.xlog1py "
    "math.xlogy losses.mse losses.mae nn.sigmoid_cross_entropy_with_logits nn.log_poisson_loss "
    "nn.softmax_cross_entropy_with_logits math.igamma math.igammac losses.binary_crossentropy "
    "losses.categorical_crossentropy math.zeta math.polygamma"
)
LOGICAL = "logical_and logical_or math.logical_xor"
BITS = "bitwise_and bitwise_or bitwise_xor left_shift right_shift"
REDUCTIONS = (
    "reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum "
    "math.reduce_euclidean_norm math.reduce_std math.reduce_variance math.count_nonzero"
)
SCANS = "cumsum math.cumprod math.cumulative_logsumexp"
SEGMENTS = "segment_max segment_mean segment_min segment_prod segment_sum"
UNSORTED = "max mean min prod sqrt_n sum"
SCATTERS = "add max min sub update"
MATRIX = (
    "cholesky det eig eigh eigvals eigvalsh inv logdet matrix_rank pinv qr slogdet svd expm sqrtm"
)

ARGUMENTS: dict[str, Arguments] = {
    **{name: A(X) for name in UNARY.split()},
    **{name: A(X, P) for name in BINARY.split()},
    **{name: A(B, B) for name in LOGICAL.split()},
    **{f"bitwise.{name}": A(I, I) for name in BITS.split()},
    **{name: A(X, 1, True) for name in REDUCTIONS.split()},
    **{name: A(X, 1, True, False) for name in SCANS.split()},
    **{f"math.{name}": A(X, K) for name in SEGMENTS.split()},
    **{f"math.unsorted_segment_{name}": A(X, K, 3) for name in UNSORTED.split()},
    **{
        f"tensor_scatter_nd_{name}": A(X, [[0, 1], [1, 2]], [1.0, 2.0]) for name in SCATTERS.split()
    },
    **{f"linalg.{name}": A(Q) for name in MATRIX.split()},
    "bitwise.invert": A(I),
    # --- numflow ---
    "add_n": A([X, X]),
    "argmax": A(X, 1, nf.int64),
    "argmin": A(X, 1, nf.int64),
    "argsort": A(X, -1, "DESCENDING", True),
    "as_string": A(X, 3, False, False, 7, "0"),
    "batch_to_space": A(np.zeros((4, 2, 3, 1), np.float32), [2, 2], [[0, 1], [0, 0]]),
    "bitcast": A(X, nf.int32),
    "boolean_mask": A(X, [True, False], 0),
    "broadcast_to": A(X, [4, 2, 3]),
    "cast": A(X, nf.int32),
    "clip_by_global_norm": A([X, V], 1.0, 3.0),
    "clip_by_norm": A(X, 1.0, [1]),
    "clip_by_value": A(X, -1.0, 1.0),
    "complex": A(X, P),
    "concat": A([X, X], 0),
    "constant": A([[1.0, 2.0]], nf.float32, [2, 1]),
    "convert_to_tensor": A([[1.0, 2.0]], nf.float32, nf.float32),
    "dynamic_partition": A(X, K, 2),
    "dynamic_stitch": A([[0], [1]], [[1.0], [2.0]]),
    "einsum": A("ij,jk->ik", X, W),
    "ensure_shape": A(X, [2, None]),
    "expand_dims": A(X, 1),
    "extract_volume_patches": A(SOLID, [1, 2, 2, 2, 1], [1, 1, 1, 1, 1], "VALID"),
    "eye": A(2, 3, [2], nf.float32),
    "fill": A([2, 3], 1.0),
    "gather": A(X, K, None, 1, 0),
    "gather_nd": A(X, [[0, 1], [1, 2]], 0),
    "histogram_fixed_width": A(X, [0.0, 5.0], 3, nf.int32),
    "histogram_fixed_width_bins": A(X, [0.0, 5.0], 3, nf.int32),
    "identity_n": A([X, K]),
    "linspace": A(0.0, 1.0, 3, None, 0),
    "logical_not": A(B),
    "matmul": A(X, W, False, False, False, False, False, False),
    "meshgrid": A([1, 2], [3.0, 4.0, 5.0], indexing="xy"),
    "norm": A(X, "euclidean", 1, True),
    "one_hot": A(K, 3, 1.0, 0.0, 1, nf.float32),
    "ones": A([2, 3], nf.float32),
    "pad": A(X, [[1, 1], [0, 1]], "CONSTANT", 0.5),
    "range": A(0, 5, 2, nf.int32),
    "reduce_all": A(B, 1, True),
    "reduce_any": A(B, 1, True),
    "repeat": A(X, [1, 2], 0),
    "reshape": A(X, [3, 2]),
    "reverse": A(X, [1]),
    "reverse_sequence": A(X, [1, 3], 1, 0),
    "roll": A(X, [1], [1]),
    "saturate_cast": A(X, nf.uint8),
    "scalar_mul": A(2.0, X),
    "scatter_nd": A([[0, 1], [1, 2]], [1.0, 2.0], [2, 3]),
    "searchsorted": A([1.0, 2.0, 3.0], [1.5, 2.5], "right", nf.int32),
    "shape_n": A([X, K]),
    "slice": A(X, [0, 1], [2, 2]),
    "sort": A(X, -1, "DESCENDING"),
    "space_to_batch": A(PICTURES[:, :4, :6], [2, 2], [[0, 0], [1, 1]]),
    "space_to_batch_nd": A(PICTURES[:, :4, :6], [2, 2], [[0, 0], [1, 1]]),
    "split": A(X, [1, 2], 1, None),
    "squeeze": A(X[None], [0]),
    "stack": A([X, X], 0),
    "strided_slice": A(X, [0, 0], [2, 3], [1, 2], 0, 0, 0, 0, 0),
    "tensordot": A(X, W, [[1], [0]]),
    "tile": A(X, [1, 2]),
    "transpose": A(X, [1, 0], False),
    "truncatediv": A(I, I),
    "truncatemod": A(I, I),
    "unique": A([1, 2, 1], nf.int32),
    "unique_with_counts": A([1, 2, 1], nf.int32),
    "unravel_index": A([1, 5], [2, 3]),
    "where": A(B, X, P),
    "zeros": A([2, 3], nf.float32),
    "edit_distance": A(words, words, True),
    "sequence_mask": A(K, 3, nf.float32),
    # --- math ---
    "math.accumulate_n": A([X, X], [2, 3], nf.float32),
    "math.angle": A(C),
    "math.betainc": A(P, P, P),
    "math.bincount": A([1, 2, 1], [1.0, 2.0, 3.0], 2, 5, nf.float32, axis=0, binary_output=False),
    "math.confusion_matrix": A(K, K, 3, [1, 2], nf.int32),
    "math.conj": A(C),
    "math.imag": A(C),
    "math.in_top_k": A(K, X, 1),
    "math.invert_permutation": A([2, 0, 1]),
    "math.l2_normalize": A(X, 1, 1e-9),
    "math.log_softmax": A(X, 1),
    "math.polyval": A([X, X, 1.0], X),
    "math.real": A(C),
    "math.softmax": A(X, 1),
    "math.top_k": A(X, 2, True, nf.int32),
    "math.approx_max_k": A(X, 2, -1, 0.9, -1, True),
    "math.approx_min_k": A(X, 2, -1, 0.9, -1, True),
    "math.sobol_sample": A(2, 5, 1, nf.float32),
    # --- linalg ---
    "linalg.band_part": A(X, 1, 0),
    "linalg.cholesky_solve": A(Q, W),
    "linalg.cross": A(X, P),
    "linalg.diag": A(X, k=1, num_rows=4, num_cols=4, padding_value=0.5, align="LEFT_RIGHT"),
    "linalg.diag_part": A(X, k=1, padding_value=0.5, align="LEFT_RIGHT"),
    "linalg.global_norm": A([X, V]),
    "linalg.lstsq": A(W, W, 0.1, True),
    "linalg.matvec": A(X, V, False, False),
    "linalg.set_diag": A(X, [1.0, 2.0], k=0, align="LEFT_RIGHT"),
    "linalg.solve": A(Q, W, False),
    "linalg.tensor_diag": A(V),
    "linalg.tensor_diag_part": A(Q),
    "linalg.triangular_solve": A(Q, W, True, False),
    "linalg.banded_triangular_solve": A(W.T, W, True, False),
    "linalg.eigh_tridiagonal": A(V, V[:2]),
    "linalg.logm": A(Q.astype(np.complex64)),
    "linalg.lu": A(Q, nf.int32),
    "linalg.lu_matrix_inverse": A(Q, [0, 1, 2], True),
    "linalg.lu_reconstruct": A(Q, [0, 1, 2], True),
    "linalg.lu_solve": A(Q, [0, 1, 2], W, True),
    "linalg.normalize": A(X, "euclidean", 1),
    "linalg.tridiagonal_matmul": A(Q, W, "compact"),
    "linalg.tridiagonal_solve": A(Q, W, "compact"),
    # --- random ---
    "random.categorical": A(X, 3, nf.int64, 1),
    "random.create_rng_state": A(3, "philox"),
    "random.fold_in": A(SEED, 7, "auto_select"),
    "random.gamma": A([2], 1.5, 2.0, nf.float32, 1),
    "random.log_uniform_candidate_sampler": A([[0], [1]], 1, 2, True, 5, 1),
    "random.normal": A([2, 3], 0.0, 1.0, nf.float32, 1),
    "random.poisson": A([2], 1.5, nf.float32, 1),
    "random.shuffle": A(X, 1),
    "random.split": A(SEED, 3, "auto_select"),
    "random.stateless_binomial": A([2], SEED, 5.0, 0.5, nf.int32),
    "random.stateless_categorical": A(X, 3, SEED, nf.int64),
    "random.stateless_gamma": A([2], SEED, 1.5, 2.0, nf.float32),
    "random.stateless_normal": A([2, 3], SEED, 0.0, 1.0, nf.float32),
    "random.stateless_parameterized_truncated_normal": A([2], SEED, 0.0, 1.0, -2.0, 2.0),
    "random.stateless_poisson": A([2], SEED, 1.5, nf.int32),
    "random.stateless_truncated_normal": A([2, 3], SEED, 0.0, 1.0, nf.float32),
    "random.stateless_uniform": A([2, 3], SEED, 0.0, 1.0, nf.float32),
    "random.truncated_normal": A([2, 3], 0.0, 1.0, nf.float32, 1),
    "random.uniform": A([2, 3], 0, 9, nf.int32, 1),
    "random.uniform_candidate_sampler": A([[0], [1]], 1, 2, True, 5, 1),
    "random.experimental.stateless_shuffle": A(X, SEED),
}
