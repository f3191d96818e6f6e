"""Right calls of what networks are made of: layers' ops, losses, loops; and of asserts."""

from __future__ import annotations

import numpy as np

import numflow as nf
from tests.robust.arguments import (
    FILTER,
    FRAMES,
    HEADS,
    LINE,
    PICTURES,
    SEED,
    SOLID,
    A,
    Arguments,
    Given,
    K,
    P,
    V,
    W,
    X,
    ids,
    weights,
)

ARGUMENTS: dict[str, Arguments] = {
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
    "nn.compute_accidental_hits": A([[0], [1]], [1, 0, 2], 1),
    "losses.sparse_categorical_crossentropy": A(K, P, False, None, -1),
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
    "nn.collapse_repeated": A([[1, 1, 2]], [3]),
    "nn.ctc_beam_search_decoder": A(FRAMES, [4, 3], 5, 1),
    "nn.ctc_greedy_decoder": A(FRAMES, [4, 3], True, 0),
    "nn.ctc_loss": A([[1, 2], [1, 0]], FRAMES, [2, 1], [4, 3], True, None, 0),
    "nn.ctc_unique_labels": A([[1, 2], [1, 0]]),
    "nn.nce_loss": A(np.ones((5, 3), np.float32), np.ones(5, np.float32), [[0], [1]], X, 2, 5, 1),
    "nn.sampled_softmax_loss": A(
        np.ones((5, 3), np.float32), np.ones(5, np.float32), [[0], [1]], X, 2, 5, 1, seed=1
    ),
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
}
