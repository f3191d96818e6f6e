"""Functions and dtypes that TensorFlow 1 and 2 share: one object under both names.

Which these are is TensorFlow's: its two faces export the same object. They load when they are used.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["NN", "TOP", "shared"]

_TOP = """
    abs acos acosh add add_n argsort as_dtype as_string asin asinh atan atan2 atanh bfloat16
    bitcast bool broadcast_dynamic_shape broadcast_static_shape broadcast_to cast
    clip_by_global_norm clip_by_norm clip_by_value complex complex128 complex64 concat cos
    cosh cumsum custom_gradient divide double dynamic_partition dynamic_stitch einsum
    ensure_shape equal exp extract_volume_patches eye fill float16 float32 float64 floor
    get_static_value grad_pass_through greater greater_equal half histogram_fixed_width
    histogram_fixed_width_bins identity identity_n int16 int32 int64 int8 is_tensor less
    less_equal linspace logical_and logical_not logical_or make_ndarray make_tensor_proto
    matmul maximum meshgrid minimum multiply negative not_equal one_hot ones pow print range
    rank realdiv repeat reshape reverse roll round saturate_cast scatter_nd searchsorted
    shape_n sigmoid sign sin sinh slice sort space_to_batch_nd split sqrt square stack
    stop_gradient strided_slice string subtract tan tanh tensor_scatter_nd_add
    tensor_scatter_nd_max tensor_scatter_nd_min tensor_scatter_nd_sub tensor_scatter_nd_update
    tensordot tile timestamp truediv truncatediv truncatemod type_spec_from_value uint16
    uint32 uint64 uint8 unique unique_with_counts unravel_index unstack zeros
"""

_NN = """
    all_candidate_sampler atrous_conv2d_transpose avg_pool1d compute_accidental_hits
    compute_average_loss conv1d_transpose conv_transpose depthwise_conv2d_backprop_filter
    depthwise_conv2d_backprop_input elu fixed_unigram_candidate_sampler l2_loss l2_normalize
    learned_unigram_candidate_sampler local_response_normalization log_poisson_loss lrn
    max_pool1d max_pool2d normalize_moments relu scale_regularization_loss selu softsign top_k
    with_space_to_batch zero_fraction
"""

TOP = {name: name for name in _TOP.split()} | {
    "accumulate_n": "math.accumulate_n",
    "angle": "math.angle",
    "assert_proper_iterable": "debugging.assert_proper_iterable",
    "assert_same_float_dtype": "debugging.assert_same_float_dtype",
    "betainc": "math.betainc",
    "ceil": "math.ceil",
    "check_numerics": "debugging.check_numerics",
    "cholesky": "linalg.cholesky",
    "cholesky_solve": "linalg.cholesky_solve",
    "conj": "math.conj",
    "cross": "linalg.cross",
    "cumprod": "math.cumprod",
    "diag": "linalg.tensor_diag",
    "diag_part": "linalg.tensor_diag_part",
    "digamma": "math.digamma",
    "div_no_nan": "math.divide_no_nan",
    "erf": "math.erf",
    "erfc": "math.erfc",
    "expm1": "math.expm1",
    "fft": "signal.fft",
    "fft2d": "signal.fft2d",
    "fft3d": "signal.fft3d",
    "floordiv": "math.floordiv",
    "floormod": "math.mod",
    "global_norm": "linalg.global_norm",
    "ifft": "signal.ifft",
    "ifft2d": "signal.ifft2d",
    "ifft3d": "signal.ifft3d",
    "igamma": "math.igamma",
    "igammac": "math.igammac",
    "imag": "math.imag",
    "invert_permutation": "math.invert_permutation",
    "is_finite": "math.is_finite",
    "is_inf": "math.is_inf",
    "is_nan": "math.is_nan",
    "is_non_decreasing": "math.is_non_decreasing",
    "is_numeric_tensor": "debugging.is_numeric_tensor",
    "is_strictly_increasing": "math.is_strictly_increasing",
    "lbeta": "math.lbeta",
    "lgamma": "math.lgamma",
    "lin_space": "linspace",
    "log": "math.log",
    "log1p": "math.log1p",
    "log_sigmoid": "math.log_sigmoid",
    "logical_xor": "math.logical_xor",
    "matrix_band_part": "linalg.band_part",
    "matrix_determinant": "linalg.det",
    "matrix_diag": "linalg.diag",
    "matrix_diag_part": "linalg.diag_part",
    "matrix_inverse": "linalg.inv",
    "matrix_set_diag": "linalg.set_diag",
    "matrix_solve": "linalg.solve",
    "matrix_solve_ls": "linalg.lstsq",
    "matrix_square_root": "linalg.sqrtm",
    "matrix_transpose": "linalg.matrix_transpose",
    "matrix_triangular_solve": "linalg.triangular_solve",
    "mod": "math.mod",
    "polygamma": "math.polygamma",
    "qr": "linalg.qr",
    "random_crop": "image.random_crop",
    "random_gamma": "random.gamma",
    "random_normal": "random.normal",
    "random_shuffle": "random.shuffle",
    "random_uniform": "random.uniform",
    "real": "math.real",
    "reciprocal": "math.reciprocal",
    "regex_replace": "strings.regex_replace",
    "reverse_v2": "reverse",
    "rint": "math.rint",
    "rsqrt": "math.rsqrt",
    "segment_max": "math.segment_max",
    "segment_mean": "math.segment_mean",
    "segment_min": "math.segment_min",
    "segment_prod": "math.segment_prod",
    "segment_sum": "math.segment_sum",
    "self_adjoint_eig": "linalg.eigh",
    "self_adjoint_eigvals": "linalg.eigvalsh",
    "sparse_fill_empty_rows": "sparse.fill_empty_rows",
    "sparse_mask": "sparse.mask",
    "sparse_maximum": "sparse.maximum",
    "sparse_minimum": "sparse.minimum",
    "sparse_reorder": "sparse.reorder",
    "sparse_reset_shape": "sparse.reset_shape",
    "sparse_reshape": "sparse.reshape",
    "sparse_retain": "sparse.retain",
    "sparse_slice": "sparse.slice",
    "sparse_softmax": "sparse.softmax",
    "sparse_tensor_to_dense": "sparse.to_dense",
    "sparse_to_indicator": "sparse.to_indicator",
    "sparse_transpose": "sparse.transpose",
    "squared_difference": "math.squared_difference",
    "string_join": "strings.join",
    "string_strip": "strings.strip",
    "string_to_hash_bucket_fast": "strings.to_hash_bucket_fast",
    "string_to_hash_bucket_strong": "strings.to_hash_bucket_strong",
    "svd": "linalg.svd",
    "tensor_scatter_add": "tensor_scatter_nd_add",
    "tensor_scatter_sub": "tensor_scatter_nd_sub",
    "tensor_scatter_update": "tensor_scatter_nd_update",
    "trace": "linalg.trace",
    "truncated_normal": "random.truncated_normal",
    "unsorted_segment_max": "math.unsorted_segment_max",
    "unsorted_segment_mean": "math.unsorted_segment_mean",
    "unsorted_segment_min": "math.unsorted_segment_min",
    "unsorted_segment_prod": "math.unsorted_segment_prod",
    "unsorted_segment_sqrt_n": "math.unsorted_segment_sqrt_n",
    "unsorted_segment_sum": "math.unsorted_segment_sum",
    "zeta": "math.zeta",
}
"""Name under compat.v1: where it is under numflow."""

NN = {name: f"nn.{name}" for name in _NN.split()} | {
    "approx_max_k": "math.approx_max_k",
    "approx_min_k": "math.approx_min_k",
    "avg_pool_v2": "nn.avg_pool",
    "depthwise_conv2d_native_backprop_filter": "nn.depthwise_conv2d_backprop_filter",
    "depthwise_conv2d_native_backprop_input": "nn.depthwise_conv2d_backprop_input",
    "log_uniform_candidate_sampler": "random.log_uniform_candidate_sampler",
    "max_pool_v2": "nn.max_pool",
    "uniform_candidate_sampler": "random.uniform_candidate_sampler",
}
"""The same for compat.v1.nn."""


def shared(path: str) -> Any:
    """What numflow has at this dotted path."""
    *spaces, name = path.split(".")
    return getattr(importlib.import_module(".".join(["numflow", *spaces])), name)
