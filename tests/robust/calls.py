"""A right call of every public op: what `bad_inputs.py` spoils, one argument at a time.

A new op needs its line here: `python -m tests.robust.bad_inputs --missing` names those without.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import numflow as nf

NAMESPACES = (
    "",
    "math.",
    "nn.",
    "nn.experimental.",
    "linalg.",
    "random.",
    "random.experimental.",
    "strings.",
    "image.",
    "sparse.",
    "ragged.",
    "debugging.",
    "bitwise.",
    "losses.",
    "signal.",
    "sets.",
    "compat.v1.contrib.crf.",
    "compat.v1.contrib.legacy_seq2seq.",
    "compat.v1.contrib.rnn.",
    "compat.v1.contrib.seq2seq.",
)

# What takes no tensors, or functions: tested where it is at home.
NO_OPS = frozenset(
    "as_dtype broadcast_dynamic_shape broadcast_static_shape constant_initializer "
    "control_dependencies custom_gradient device executing_eagerly function get_current_name_scope "
    "get_logger get_static_value grad grad_pass_through gradients group hessians init_scope "
    "is_tensor make_ndarray make_tensor_proto name_scope no_op numpy_function "
    "ones_initializer print py_function "
    "random_normal_initializer random_uniform_initializer recompute_grad "
    "register_tensor_conversion_function timestamp tuple type_spec_from_value value_and_grad "
    "variable_creator_scope "
    "zeros_initializer random.get_global_generator random.set_global_generator random.set_seed "
    "ragged.map_flat_values random.experimental.get_global_generator "
    "random.experimental.set_global_generator debugging.disable_check_numerics "
    "debugging.enable_check_numerics "
    "debugging.disable_traceback_filtering debugging.enable_traceback_filtering "
    "debugging.get_log_device_placement debugging.is_traceback_filtering_enabled "
    "debugging.set_log_device_placement debugging.is_numeric_tensor".split()
)


class Made:
    """An argument that is made anew for each call: a ragged or sparse tensor, a variable."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Given(Made):
    """An argument that is not spoiled: what a method belongs to, a function."""


@dataclass(frozen=True)
class Call:
    """What the function is found by, and arguments that it takes."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    function: Callable[..., Any]
    shown: tuple[str, ...]  # what a message may begin with

    def parameters(self) -> list[int | str]:
        """The arguments, by place or name."""
        return [*range(len(self.args)), *self.kwargs]


class Arguments:
    """Arguments of one call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs


A = Arguments
X = np.array([[1.5, -2.0, 0.25], [0.5, 3.0, -1.0]], np.float32)  # [2, 3]
P = np.array([[0.5, 0.25, 0.125], [0.75, 0.1, 0.3]], np.float32)  # in (0, 1)
V = np.array([0.5, 1.5, 2.5], np.float32)  # [3]
W = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 1.0]], np.float32)  # [3, 2]
I = np.array([[1, 2, 3], [4, 5, 6]], np.int32)  # noqa: E741  [2, 3]
K = np.array([0, 1], np.int32)  # [2]
B = np.array([[True, False, True], [False, True, True]])
C = X.astype(np.complex64)
Q = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]], np.float32)  # positive definite
T = "text of words"
S = ["a b", "cd e"]
PICTURE = np.linspace(0, 1, 5 * 7 * 3, dtype=np.float32).reshape(5, 7, 3)
PICTURES = np.stack([PICTURE, PICTURE[::-1]])  # [2, 5, 7, 3]
LARGE = np.linspace(0, 1, 13 * 17, dtype=np.float32).reshape(1, 13, 17, 1)
HUGE = np.linspace(0, 1, 180 * 190, dtype=np.float32).reshape(1, 180, 190, 1)
LINE = PICTURES[:, 0]  # [2, 7, 3]
SOLID = np.linspace(-1, 1, 1 * 4 * 5 * 3 * 2, dtype=np.float32).reshape(1, 4, 5, 3, 2)
FILTER = np.linspace(-1, 1, 2 * 2 * 3 * 2, dtype=np.float32).reshape(2, 2, 3, 2)
SEED = [3, 5]
sparse = Made(lambda: nf.SparseTensor([[0, 1], [1, 2]], [1.0, 2.0], [2, 3]))
ids = Made(lambda: nf.SparseTensor([[0, 0], [1, 0]], nf.constant([0, 1], nf.int64), [2, 1]))
weights = Made(lambda: nf.SparseTensor([[0, 0], [1, 0]], [1.0, 2.0], [2, 1]))
CUBE = np.linspace(-1, 1, 2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
HEADS = np.linspace(-1, 1, 2 * 3 * 2 * 4, dtype=np.float32).reshape(2, 3, 2, 4)
FRAMES = np.linspace(-1, 1, 4 * 2 * 3, dtype=np.float32).reshape(4, 2, 3)
words = Made(lambda: nf.SparseTensor([[0, 0]], nf.constant([1], nf.int64), [1, 2]))
ragged = Made(lambda: nf.ragged.constant([[1.0, 2.0], [3.0]]))
SQUARE = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
ZEROS = np.zeros((2, 2), np.float32)
gru = Given(lambda: nf.compat.v1.nn.rnn_cell.GRUCell(2))


def _reading() -> Any:
    """A decoder that reads two sequences."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.TrainingHelper(nf.constant(CUBE), [3, 1])
    return seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, nf.float32))


def _searched(table: Any, starts: Any, end: Any, state: Any, *options: Any) -> Any:
    """What a beam search finds."""
    seq2seq = nf.compat.v1.contrib.seq2seq
    decoder = seq2seq.BeamSearchDecoder(gru.make(), table, starts, end, state, *options)
    return seq2seq.dynamic_decode(decoder, maximum_iterations=3)[0]


def _read(inputs: Any, lengths: Any, time_major: Any, state: Any) -> Any:
    """What a decoder gives that reads sequences."""
    seq2seq = nf.compat.v1.contrib.seq2seq
    helper = seq2seq.TrainingHelper(inputs, lengths, time_major)
    return seq2seq.dynamic_decode(seq2seq.BasicDecoder(gru.make(), helper, state))[0]


def _greedy(table: Any, starts: Any, end: Any, most: Any) -> Any:
    """The most probable words."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.GreedyEmbeddingHelper(table, starts, end)
    decoder = seq2seq.BasicDecoder(cell, helper, nf.zeros([2, 2]))
    return seq2seq.dynamic_decode(decoder, maximum_iterations=most)[0]


def _sampled(table: Any, starts: Any, end: Any, temperature: Any) -> Any:
    """Words that are drawn."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.SampleEmbeddingHelper(table, starts, end, temperature, 1)
    decoder = seq2seq.BasicDecoder(cell, helper, nf.zeros([2, 2]))
    return seq2seq.dynamic_decode(decoder, maximum_iterations=3)[0]


def _scheduled(inputs: Any, lengths: Any, table: Any, share: Any, time_major: Any) -> Any:
    """The truth, and words that are drawn."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.ScheduledEmbeddingTrainingHelper(inputs, lengths, table, share, time_major)
    decoder = seq2seq.BasicDecoder(cell, helper, nf.zeros([2, 2]))
    return seq2seq.dynamic_decode(decoder)[0]


def _attended(name: str) -> Callable[..., Any]:
    """How a mechanism aligns a query."""

    def run(query: Any, *arguments: Any) -> Any:
        made = getattr(nf.compat.v1.contrib.seq2seq, name)(*arguments)
        return made(query, None)[0]

    return run


def _stepped(make: Callable[..., Any]) -> Callable[..., Any]:
    """A step of a cell."""
    return lambda x, state, *arguments: make(*arguments)(x, state)


reading = Given(_reading)
generator = Given(lambda: nf.random.Generator.from_seed(1))
table = Given(lambda: nf.Variable(W))

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
COLOURS = (
    "flip_left_right flip_up_down hsv_to_rgb per_image_standardization rgb_to_grayscale "
    "rgb_to_hsv rgb_to_yiq rgb_to_yuv total_variation transpose yiq_to_rgb yuv_to_rgb rot90"
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
    **{f"image.{name}": A(PICTURE) for name in COLOURS.split()},
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
    # --- nn ---
    "nn.all_candidate_sampler": A([[0], [1]], 1, 3, True, 1),
    "nn.atrous_conv2d": A(PICTURES, FILTER, 2, "SAME"),
    "nn.atrous_conv2d_transpose": A(PICTURES[..., :2], FILTER, [2, 5, 7, 3], 2, "SAME"),
    "nn.avg_pool": A(PICTURES, [2, 2], [1, 2], "SAME", "NHWC"),
    "nn.avg_pool1d": A(LINE, 2, 1, "VALID", "NWC"),
    "nn.avg_pool2d": A(PICTURES, 2, [2, 1], "SAME", "NHWC"),
    "nn.avg_pool3d": A(SOLID, 2, 1, "SAME", "NDHWC"),
    "nn.batch_norm_with_global_normalization": A(PICTURES, V, V, V, V, 1e-3, True),
    "nn.batch_normalization": A(X, V, V, V, V, 1e-3),
    "nn.bias_add": A(X, V, "NHWC"),
    "nn.compute_average_loss": A(V, V, 3),
    "nn.conv1d": A(LINE, FILTER[0], 1, "SAME", "NWC", 1),
    "nn.conv1d_transpose": A(LINE[..., :2], FILTER[0], [2, 14, 3], 2, "SAME", "NWC", 1),
    "nn.conv2d": A(PICTURES, FILTER, [1, 2], "SAME", "NHWC", [1, 1]),
    "nn.conv2d_transpose": A(PICTURES[..., :2], FILTER, [2, 10, 14, 3], 2, "SAME", "NHWC", 1),
    "nn.conv3d": A(SOLID, np.ones((2, 2, 2, 2, 1), np.float32), [1] * 5, "SAME", "NDHWC", [1] * 5),
    "nn.conv3d_transpose": A(
        SOLID, np.ones((2, 2, 2, 1, 2), np.float32), [1, 4, 5, 3, 1], 1, "SAME", "NDHWC", 1
    ),
    "nn.conv_transpose": A(PICTURES[..., :2], FILTER, [2, 10, 14, 3], 2, "SAME", "NHWC", 1),
    "nn.convolution": A(PICTURES, FILTER, 1, "VALID", "NHWC", 2),
    "nn.depth_to_space": A(np.ones((1, 2, 3, 4), np.float32), 2, "NHWC"),
    "nn.depthwise_conv2d": A(PICTURES, FILTER, [1, 1, 1, 1], "SAME", "NHWC", [1, 2]),
    "nn.depthwise_conv2d_backprop_filter": A(
        PICTURES, [2, 2, 3, 2], np.ones((2, 5, 7, 6), np.float32), [1, 1, 1, 1], "SAME"
    ),
    "nn.depthwise_conv2d_backprop_input": A(
        [2, 5, 7, 3], FILTER, np.ones((2, 5, 7, 6), np.float32), [1, 1, 1, 1], "SAME"
    ),
    "nn.dilation2d": A(PICTURES, FILTER[..., 0], [1, 1, 1, 1], "SAME", "NHWC", [1, 2, 1, 1]),
    "nn.dropout": A(X, 0.5, [2, 1], 3),
    "nn.embedding_lookup": A(W, K, 1.0),
    "nn.embedding_lookup_sparse": A(W, ids, weights, "mean", 1.0),
    "nn.erosion2d": A(PICTURES, FILTER[..., 0], [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]),
    "nn.fixed_unigram_candidate_sampler": A(
        [[0], [1]], 1, 2, True, 3, unigrams=[1, 2, 3], distortion=0.5, num_shards=1, shard=0, seed=1
    ),
    "nn.fractional_avg_pool": A(PICTURES, [1.0, 1.5, 1.5, 1.0], True, True, 1),
    "nn.fractional_max_pool": A(PICTURES, [1.0, 1.5, 1.5, 1.0], True, True, 1),
    "nn.leaky_relu": A(X, 0.1),
    "nn.learned_unigram_candidate_sampler": A([[0], [1]], 1, 2, True, 5, 1),
    "nn.local_response_normalization": A(PICTURES, 1, 1.0, 0.5, 0.5),
    "nn.max_pool": A(PICTURES, [2, 2], [1, 2], "SAME", "NHWC"),
    "nn.max_pool1d": A(LINE, 2, 1, "VALID", "NWC"),
    "nn.max_pool2d": A(PICTURES, 2, [2, 1], [[0, 0], [1, 0], [0, 1], [0, 0]], "NHWC"),
    "nn.max_pool3d": A(SOLID, 2, 1, "SAME", "NDHWC"),
    "nn.max_pool_with_argmax": A(PICTURES, 2, 1, "SAME", "NHWC", nf.int64, True),
    "nn.moments": A(X, [0], None, True),
    "nn.normalize_moments": A(3.0, V, V, 0.5),
    "nn.pool": A(PICTURES, [2, 2], "MAX", [1, 1], "SAME", "NHWC", [2, 1]),
    "nn.safe_embedding_lookup_sparse": A(W, ids, weights, "mean", 0, 1.0),
    "nn.scale_regularization_loss": A(V),
    "nn.separable_conv2d": A(
        PICTURES, FILTER, np.ones((1, 1, 6, 2), np.float32), [1, 1, 1, 1], "SAME", "NHWC", [1, 1]
    ),
    "nn.space_to_depth": A(PICTURES[:, :4, :6], 2, "NHWC"),
    "nn.sparse_softmax_cross_entropy_with_logits": A(K, X),
    "nn.sufficient_statistics": A(X, [0], 0.5, True),
    "nn.weighted_cross_entropy_with_logits": A(P, X, 2.0),
    "nn.weighted_moments": A(X, [0], P, True),
    "nn.with_space_to_batch": A(
        PICTURES, [2, 2], "SAME", Given(lambda: lambda x, *_: x), [2, 2], [1, 2], "NHWC"
    ),
    "nn.experimental.general_dropout": A(
        X, 0.5, Given(lambda: lambda shape, dtype: nf.ones(shape, dtype)), [2, 1]
    ),
    "nn.experimental.stateless_dropout": A(X, 0.5, SEED, "auto_select", [2, 1]),
    "nn.dot_product_attention": A(HEADS, HEADS, HEADS, None, None, 0.5, True),
    "nn.scaled_dot_product_attention": A(HEADS, HEADS, HEADS, None, True, 0.5),
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
    # --- strings ---
    "strings.bytes_split": A(S),
    "strings.format": A("{} of {}", [X, K], "{}", 3),
    "strings.join": A([S, S], "-"),
    "strings.length": A(S, "UTF8_CHAR"),
    "strings.lower": A(S, "utf-8"),
    "strings.ngrams": A(S, 2, " ", ("<", ">"), 1, True),
    "strings.reduce_join": A([S, S], 0, True, "-"),
    "strings.regex_full_match": A(S, "a.*"),
    "strings.regex_replace": A(S, "(a)", r"\1\1", True),
    "strings.split": A(S, " ", 1),
    "strings.strip": A(S),
    "strings.substr": A(S, 0, 2, "BYTE"),
    "strings.to_hash_bucket": A(S, 7),
    "strings.to_hash_bucket_fast": A(S, 7),
    "strings.to_hash_bucket_strong": A(S, 7, [1, 2]),
    "strings.to_number": A(["1", "2.5"], nf.float32),
    "strings.unicode_decode": A(S, "UTF-8", "replace", 65533, False),
    "strings.unicode_decode_with_offsets": A(S, "UTF-8", "replace", 65533, False),
    "strings.unicode_encode": A([[97, 98], [99, 100]], "UTF-8", "replace", 65533),
    "strings.unicode_split": A(S, "UTF-8", "replace", 65533),
    "strings.unicode_split_with_offsets": A(S, "UTF-8", "replace", 65533),
    "strings.unicode_transcode": A(S, "UTF-8", "UTF-16-BE", "replace", 65533, False),
    "strings.unsorted_segment_join": A(S, K, 2, "-"),
    "strings.upper": A(S, "utf-8"),
    # --- image ---
    "image.adjust_brightness": A(PICTURE, 0.1),
    "image.adjust_contrast": A(PICTURE, 2.0),
    "image.adjust_gamma": A(PICTURE, 2.0, 1.5),
    "image.adjust_hue": A(PICTURE, 0.1),
    "image.adjust_saturation": A(PICTURE, 2.0),
    "image.central_crop": A(PICTURE, 0.5),
    "image.convert_image_dtype": A(PICTURE, nf.uint8, True),
    "image.crop_and_resize": A(PICTURES, [[0.0, 0.0, 0.5, 1.0]], [1], [3, 2], "bilinear", 0.5),
    "image.crop_to_bounding_box": A(PICTURE, 1, 2, 3, 4),
    "image.extract_glimpse": A(PICTURES, [2, 3], [[0.0, 0.5], [0.1, 0.2]], True, True, "zero"),
    "image.extract_patches": A(PICTURES, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"),
    "image.grayscale_to_rgb": A(LARGE),
    "image.image_gradients": A(PICTURES),
    "image.pad_to_bounding_box": A(PICTURE, 1, 2, 8, 11),
    "image.psnr": A(PICTURE, PICTURE, 1.0),
    "image.random_brightness": A(PICTURE, 0.1, 1),
    "image.random_contrast": A(PICTURE, 0.5, 2.0, 1),
    "image.random_crop": A(PICTURE, [2, 3, 3], 1),
    "image.random_flip_left_right": A(PICTURE, 1),
    "image.random_flip_up_down": A(PICTURE, 1),
    "image.random_hue": A(PICTURE, 0.1, 1),
    "image.random_saturation": A(PICTURE, 0.5, 2.0, 1),
    "image.resize": A(PICTURES, [3, 4], "bicubic", False, True),
    "image.resize_with_crop_or_pad": A(PICTURES, 7, 3),
    "image.resize_with_pad": A(PICTURES, 7, 3, "bilinear", False),
    "image.sobel_edges": A(PICTURES),
    "image.ssim": A(LARGE, LARGE, 1.0, 5, 1.5, 0.01, 0.03, False),
    "image.ssim_multiscale": A(HUGE, HUGE, 1.0, [0.5, 0.5], 5, 1.5, 0.01, 0.03),
    "image.stateless_random_brightness": A(PICTURE, 0.1, SEED),
    "image.stateless_random_contrast": A(PICTURE, 0.5, 2.0, SEED),
    "image.stateless_random_crop": A(PICTURE, [2, 3, 3], SEED),
    "image.stateless_random_flip_left_right": A(PICTURE, SEED),
    "image.stateless_random_flip_up_down": A(PICTURE, SEED),
    "image.stateless_random_hue": A(PICTURE, 0.1, SEED),
    "image.stateless_random_saturation": A(PICTURE, 0.5, 2.0, SEED),
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
    # --- debugging ---
    "debugging.Assert": A(True, [X], 3),
    "debugging.assert_all_finite": A(X, "finite"),
    "debugging.assert_integer": A(K, "m"),
    "debugging.assert_less": A(X, 5.0, "m", 3),
    "debugging.assert_near": A(X, X, 0.1, 0.1, "m", 3),
    "debugging.assert_proper_iterable": A([X]),
    "debugging.assert_rank": A(X, 2, "m"),
    "debugging.assert_rank_at_least": A(X, 1, "m"),
    "debugging.assert_rank_in": A(X, (1, 2), "m"),
    "debugging.assert_same_float_dtype": A([X, X], nf.float32),
    "debugging.assert_scalar": A(1.0, "m"),
    "debugging.assert_shapes": A([(X, ("n", 3))], [X], 3, "m"),
    "debugging.assert_type": A(X, nf.float32, "m"),
    "debugging.check_numerics": A(X, "m"),
    **{f"debugging.assert_{n}": A(X, X, "m", 3) for n in ("equal", "greater_equal", "less_equal")},
    "debugging.assert_none_equal": A(X, 7.0, 3, "m"),
    "debugging.assert_greater": A(X, -5.0, "m", 3),
    **{f"debugging.assert_{n}": A(P, "m", 3) for n in ("positive", "non_negative")},
    **{f"debugging.assert_{n}": A(-P, "m", 3) for n in ("negative", "non_positive")},
    "math.approx_max_k": A(X, 2, -1, 0.9, -1, True),
    "math.approx_min_k": A(X, 2, -1, 0.9, -1, True),
    # --- signals and sets ---
    **{f"signal.{name}": A(CUBE.astype(np.complex64)) for name in ("fft", "ifft", "fft2d")},
    **{f"signal.{name}": A(CUBE.astype(np.complex64)) for name in ("ifft2d", "fft3d", "ifft3d")},
    **{f"signal.{name}": A(CUBE, [4]) for name in ("rfft",)},
    "signal.rfft2d": A(CUBE, [3, 4]),
    "signal.rfft3d": A(CUBE, [2, 3, 4]),
    "signal.irfft": A(CUBE.astype(np.complex64), [4]),
    "signal.irfft2d": A(CUBE.astype(np.complex64), [3, 4]),
    "signal.irfft3d": A(CUBE.astype(np.complex64), [2, 3, 4]),
    **{
        f"signal.{name}": A(CUBE.astype(np.complex64), [3, 4], [1, 2])
        for name in ("fftnd", "ifftnd")
    },
    "signal.rfftnd": A(CUBE, [3, 4], [1, 2]),
    "signal.irfftnd": A(CUBE.astype(np.complex64), [3, 4], [1, 2]),
    **{f"signal.{name}": A(CUBE, [1]) for name in ("fftshift", "ifftshift")},
    "signal.dct": A(CUBE, 2, 4, -1, "ortho"),
    "signal.idct": A(CUBE, 2, None, -1, "ortho"),
    "signal.frame": A(LARGE[0, ..., 0], 5, 3, True, 0.5, -1),
    "signal.overlap_and_add": A(CUBE, 2),
    "signal.hamming_window": A(5, True, nf.float32),
    "signal.hann_window": A(5, False, nf.float32),
    "signal.stft": A(LARGE[0, ..., 0], 5, 3, 8),
    "signal.inverse_stft": A(np.ones((2, 3, 5), np.complex64), 5, 3, 8),
    "signal.inverse_stft_window_fn": A(3),
    "signal.linear_to_mel_weight_matrix": A(5, 9, 8000.0, 125.0, 3800.0, nf.float32),
    "signal.mfccs_from_log_mel_spectrograms": A(CUBE),
    "sets.difference": A([[1, 2], [3, 4]], [[1, 5], [4, 4]], True, True),
    "sets.intersection": A([[1, 2], [3, 4]], [[1, 5], [4, 4]], True),
    "sets.union": A([[1, 2], [3, 4]], [[1, 5], [4, 4]], True),
    "sets.size": A(ids, True),
    "math.sobol_sample": A(2, 5, 1, nf.float32),
    "nn.compute_accidental_hits": A([[0], [1]], [1, 0, 2], 1),
    # --- branches and loops ---
    "case": A(
        Given(lambda: [(nf.constant(True), lambda: nf.constant(1.0))]), Given(lambda: lambda: 2.0)
    ),
    "cond": A(True, Given(lambda: lambda: 1.0), Given(lambda: lambda: 2.0)),
    "switch_case": A(1, [Given(lambda: lambda: 1.0), Given(lambda: lambda: 2.0)]),
    "while_loop": A(
        Given(lambda: lambda i: i < 3.0),
        Given(lambda: lambda i: (i + 1.0,)),
        Given(lambda: [0.0]),
        None,
        10,
        maximum_iterations=10,
    ),
    "map_fn": A(Given(lambda: lambda x: x * 2.0), X),
    "vectorized_map": A(Given(lambda: lambda x: x * 2.0), X),
    "foldl": A(Given(lambda: lambda a, x: a + x), X, V),
    "foldr": A(Given(lambda: lambda a, x: a + x), X, V),
    "scan": A(Given(lambda: lambda a, x: a + x), X, V),
    # --- sequences ---
    "edit_distance": A(words, words, True),
    "sequence_mask": A(K, 3, nf.float32),
    "nn.collapse_repeated": A([[1, 1, 2]], [3]),
    "nn.ctc_beam_search_decoder": A(FRAMES, [4, 3], 5, 1),
    "nn.ctc_greedy_decoder": A(FRAMES, [4, 3], True, 0),
    "nn.ctc_loss": A([[1, 2], [1, 0]], FRAMES, [2, 1], [4, 3], True, None, 0),
    "nn.ctc_unique_labels": A([[1, 2], [1, 0]]),
    "nn.nce_loss": A(np.ones((5, 3), np.float32), np.ones(5, np.float32), [[0], [1]], X, 2, 5, 1),
    "nn.sampled_softmax_loss": A(
        np.ones((5, 3), np.float32), np.ones(5, np.float32), [[0], [1]], X, 2, 5, 1, seed=1
    ),
    # --- tf.contrib ---
    **{
        f"compat.v1.contrib.crf.{name}": A(CUBE, [[0, 1, 2], [3, 3, 9]], [3, 2], SQUARE)
        for name in ("crf_log_likelihood", "crf_sequence_score")
    },
    "compat.v1.contrib.crf.crf_unary_score": A([[0, 1, 2], [3, 3, 9]], [3, 2], CUBE),
    "compat.v1.contrib.crf.crf_binary_score": A([[0, 1, 2], [3, 3, 9]], [3, 2], SQUARE),
    "compat.v1.contrib.crf.crf_log_norm": A(CUBE, [3, 2], SQUARE),
    "compat.v1.contrib.crf.crf_decode": A(CUBE, SQUARE, [3, 2]),
    "compat.v1.contrib.crf.viterbi_decode": A(CUBE[0], SQUARE),
    "compat.v1.contrib.seq2seq.sequence_loss": A(CUBE, [[0, 1, 2], [3, 3, 0]], P),
    "compat.v1.contrib.seq2seq.tile_batch": A(X, 2),
    "compat.v1.contrib.seq2seq.gather_tree": A([[[1, 2]], [[3, 4]]], [[[0, 0]], [[1, 0]]], [2], 9),
    "compat.v1.contrib.seq2seq.gather_tree_from_array": A(
        CUBE[:, None, :2], [[[0, 0]], [[1, 0]]], [[2, 1]]
    ),
    "compat.v1.contrib.seq2seq.dynamic_decode": A(reading, True, True, 2),
    **{
        f"compat.v1.contrib.legacy_seq2seq.{name}": A([X, X], [K, K], [V[:2], V[:2]], True)
        for name in ("sequence_loss_by_example", "sequence_loss")
    },
    "compat.v1.contrib.legacy_seq2seq.rnn_decoder": A([X, X], ZEROS, gru),
    "compat.v1.contrib.legacy_seq2seq.embedding_rnn_decoder": A(
        [K, K], ZEROS, gru, 3, 4, (W.T, V), True, True
    ),
    "compat.v1.contrib.legacy_seq2seq.embedding_rnn_seq2seq": A(
        [K, K], [K, K, K], gru, 2, 2, 4, None, True, nf.float32
    ),
    "compat.v1.nn.dynamic_rnn": A(gru, CUBE, [3, 1], ZEROS, None, None, False, False),
    "compat.v1.nn.bidirectional_dynamic_rnn": A(
        gru, gru, CUBE, [3, 1], ZEROS, ZEROS, None, None, False, False
    ),
    "compat.v1.contrib.rnn.static_rnn": A(gru, [X, X], ZEROS, None, [2, 1]),
    "compat.v1.contrib.rnn.static_bidirectional_rnn": A(
        gru, gru, [X, X], ZEROS, ZEROS, None, [2, 1]
    ),
    "compat.v1.contrib.rnn.stack_bidirectional_rnn": A(
        Given(lambda: [gru.make()]),
        Given(lambda: [gru.make()]),
        [X, X],
        [ZEROS],
        [ZEROS],
        None,
        [2, 1],
    ),
    "compat.v1.contrib.rnn.stack_bidirectional_dynamic_rnn": A(
        Given(lambda: [gru.make()]),
        Given(lambda: [gru.make()]),
        CUBE,
        [ZEROS],
        [ZEROS],
        None,
        [3, 1],
        None,
        False,
    ),
    # --- matrices ---
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
    # --- the others ---
    "bitwise.invert": A(I),
    "losses.sparse_categorical_crossentropy": A(K, P, False, None, -1),
}

METHODS: dict[str, tuple[Callable[..., Any], Arguments]] = {
    "getitem": (lambda x, key: x[key], A(Given(lambda: nf.constant(X)), 1)),
    "getitem of two": (
        lambda x, i, j: x[i, j],
        A(Given(lambda: nf.constant(X)), 1, slice(0, 2)),
    ),
    "BeamSearchDecoder": (
        _searched,
        A(SQUARE[:2, :2], [0, 1], 1, np.zeros((4, 2), np.float32), 2, None, 0.5, 0.0, True),
    ),
    "TrainingHelper": (_read, A(CUBE, [3, 2], False, ZEROS)),
    "GreedyEmbeddingHelper": (_greedy, A(SQUARE[:2, :2], [0, 1], 1, Given(lambda: 3))),
    "LuongAttention": (_attended("LuongAttention"), A(ZEROS, 2, CUBE, [3, 1], True, None, -9.0)),
    "BahdanauAttention": (
        _attended("BahdanauAttention"),
        A(ZEROS, 2, CUBE, [3, 1], True, None, -9.0),
    ),
    "SampleEmbeddingHelper": (_sampled, A(SQUARE[:2, :2], [0, 1], 1, 0.5)),
    "ScheduledEmbeddingTrainingHelper": (
        _scheduled,
        A(CUBE, [3, 2], SQUARE[:2], [0.5, 0.25], False),
    ),
    **{
        name: (_stepped(lambda *a, name=name: getattr(nf.compat.v1.contrib.rnn, name)(*a)), given)
        for name, given in {
            "BasicRNNCell": A(X, ZEROS, 2),
            "GRUCell": A(X, ZEROS, 2),
            "UGRNNCell": A(X, ZEROS, 2, None, 0.5),
            "BasicLSTMCell": A(X, [ZEROS, ZEROS], 2, 0.5),
            "LSTMCell": A(X, [ZEROS, ZEROS], 2, True, 0.5, None, 2, 0.5),
            "LSTMBlockCell": A(X, [ZEROS, ZEROS], 2, 0.5, 0.5, True),
            "NASCell": A(X, [ZEROS, ZEROS], 2, 2, True),
            "LayerNormBasicLSTMCell": A(X, [ZEROS, ZEROS], 2, 0.5),
        }.items()
    },
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
    "Generator.from_seed": (lambda s, n: nf.random.Generator.from_seed(s).normal(n), A(1, [2])),
    "Generator.normal": (lambda g, *a: g.normal(*a), A(generator, [2], 0.0, 1.0, nf.float32)),
    "Generator.uniform": (lambda g, *a: g.uniform(*a), A(generator, [2], 0, 9, nf.int32)),
    "Generator.binomial": (lambda g, *a: g.binomial(*a), A(generator, [2], 5.0, 0.5, nf.int32)),
    "Generator.make_seeds": (lambda g, n: g.make_seeds(n), A(generator, 3)),
    "Generator.split": (
        lambda g, n: [new.normal([2]) for new in g.split(n)],
        A(generator, 3),
    ),
    "Generator.skip": (lambda g, n: g.skip(n), A(generator, 3)),
    "Variable": (lambda x, dtype: nf.Variable(x, dtype=dtype).value(), A(X, nf.float32)),
    "Variable.assign": (lambda v, x: v.assign(x).value(), A(table, W)),
    "Variable.assign_add": (lambda v, x: v.assign_add(x).value(), A(table, W)),
    "Variable.scatter_nd_add": (
        lambda v, i, u: v.scatter_nd_add(i, u),
        A(table, [[0, 1], [1, 0]], [1.0, 2.0]),
    ),
    "Variable.scatter_update": (
        lambda v, u, i: v.scatter_update(nf.IndexedSlices(u, i)),
        A(table, W[:2], K),
    ),
    "Variable.sparse_read": (lambda v, i: v.sparse_read(i), A(table, K)),
    "Variable.gather_nd": (lambda v, i: v.gather_nd(i), A(table, [[0, 1]])),
}


def calls() -> Iterator[Call]:
    """All of them that there are."""
    for name, arguments in ARGUMENTS.items():
        try:
            f = found(name)
        except AttributeError:  # none of this version
            continue
        yield Call(name, arguments.args, arguments.kwargs, f, (name.rpartition(".")[2], f.__name__))
    for name, (f, arguments) in METHODS.items():
        yield Call(name, arguments.args, arguments.kwargs, f, tuple(name.split(".")))


def found(name: str) -> Callable[..., Any]:
    """The public function of that name."""
    at: Any = nf
    for part in name.split("."):
        at = getattr(at, part)
    return at


def public_ops() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions that are ops, by name."""
    for space in NAMESPACES:
        module: Any = found(space[:-1]) if space else nf
        names: Sequence[str] = getattr(module, "__all__", None) or dir(module)
        for short in names:
            f = getattr(module, short)
            if short.startswith("_") or not inspect.isroutine(f) or space + short in NO_OPS:
                continue
            yield space + short, f


def without_a_call() -> list[str]:
    """The names of public ops that no line here calls, by them or by an alias."""
    known = [call.function for call in calls()]
    return [name for name, f in public_ops() if not any(f is g for g in known)]
