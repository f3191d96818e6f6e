"""tf.nn: activations, losses on logits, normalisation, dropout."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from numflow.ops.activation import (
    crelu,
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    selu,
    silu,
    softmax,
    softplus,
    softsign,
)
from numflow.ops.activation import silu as swish
from numflow.ops.math import sigmoid, tanh

if TYPE_CHECKING:
    from numflow.ops.accidental import compute_accidental_hits

    # keras is above this module in the ladder of imports
    RNNCellDeviceWrapper: _Any
    RNNCellDropoutWrapper: _Any
    RNNCellResidualWrapper: _Any
    from numflow import nn_experimental as experimental
    from numflow.eager.unigram import learned_unigram_candidate_sampler
    from numflow.ops.attention_api import dot_product_attention, scaled_dot_product_attention
    from numflow.ops.averages import compute_average_loss, scale_regularization_loss
    from numflow.ops.conv_api import atrous_conv2d, conv1d, conv2d, conv3d, convolution
    from numflow.ops.conv_api_depthwise import (
        depthwise_conv2d,
        depthwise_conv2d_backprop_filter,
        depthwise_conv2d_backprop_input,
        separable_conv2d,
    )
    from numflow.ops.conv_api_transpose import (
        atrous_conv2d_transpose,
        conv1d_transpose,
        conv2d_transpose,
        conv3d_transpose,
        conv_transpose,
    )
    from numflow.ops.dropout import dropout
    from numflow.ops.embedding import embedding_lookup
    from numflow.ops.fractional_pooling import fractional_avg_pool, fractional_max_pool
    from numflow.ops.loss import (
        l2_loss,
        log_poisson_loss,
        sigmoid_cross_entropy_with_logits,
        softmax_cross_entropy_with_logits,
        sparse_softmax_cross_entropy_with_logits,
        weighted_cross_entropy_with_logits,
    )
    from numflow.ops.morphology import dilation2d, erosion2d
    from numflow.ops.nn import (
        batch_normalization,
        bias_add,
        l2_normalize,
        moments,
        zero_fraction,
    )
    from numflow.ops.normalization import (
        batch_norm_with_global_normalization,
        local_response_normalization,
        lrn,
        normalize_moments,
        sufficient_statistics,
        weighted_moments,
    )
    from numflow.ops.ordering import in_top_k, top_k
    from numflow.ops.pool_api import (
        avg_pool,
        avg_pool1d,
        avg_pool2d,
        avg_pool3d,
        max_pool,
        max_pool1d,
        max_pool2d,
        max_pool3d,
        max_pool_with_argmax,
        pool,
    )
    from numflow.ops.random_candidates import (
        all_candidate_sampler,
        fixed_unigram_candidate_sampler,
    )
    from numflow.ops.sampled_losses import nce_loss, sampled_softmax_loss
    from numflow.ops.space import (
        depth_to_space,
        space_to_batch,
        space_to_depth,
        with_space_to_batch,
    )
    from numflow.sparse.ctc import (
        collapse_repeated,
        ctc_beam_search_decoder,
        ctc_greedy_decoder,
        ctc_loss,
        ctc_unique_labels,
    )
    from numflow.sparse.embedding import embedding_lookup_sparse, safe_embedding_lookup_sparse

# The names of modules that load at their first use.
_LATE_NAMES = {
    name: module
    for module, names in {
        "eager.unigram": "learned_unigram_candidate_sampler",
        "keras.rnn_wrappers": "RNNCellDeviceWrapper RNNCellDropoutWrapper RNNCellResidualWrapper",
        "ops.attention_api": "dot_product_attention scaled_dot_product_attention",
        "ops.averages": "compute_average_loss scale_regularization_loss",
        "ops.conv_api": "atrous_conv2d conv1d conv2d conv3d convolution",
        "ops.conv_api_depthwise": "depthwise_conv2d depthwise_conv2d_backprop_filter "
        "depthwise_conv2d_backprop_input separable_conv2d",
        "ops.conv_api_transpose": "atrous_conv2d_transpose conv1d_transpose conv2d_transpose "
        "conv3d_transpose conv_transpose",
        "ops.dropout": "dropout",
        "ops.accidental": "compute_accidental_hits",
        "ops.embedding": "embedding_lookup",
        "ops.sampled_losses": "nce_loss sampled_softmax_loss",
        "sparse.ctc": "collapse_repeated ctc_beam_search_decoder ctc_greedy_decoder ctc_loss "
        "ctc_unique_labels",
        "ops.fractional_pooling": "fractional_avg_pool fractional_max_pool",
        "ops.loss": "l2_loss log_poisson_loss sigmoid_cross_entropy_with_logits "
        "softmax_cross_entropy_with_logits sparse_softmax_cross_entropy_with_logits "
        "weighted_cross_entropy_with_logits",
        "ops.morphology": "dilation2d erosion2d",
        "ops.nn": "batch_normalization bias_add l2_normalize moments zero_fraction",
        "ops.normalization": "batch_norm_with_global_normalization local_response_normalization "
        "lrn normalize_moments sufficient_statistics weighted_moments",
        "ops.ordering": "in_top_k top_k",
        "ops.pool_api": "avg_pool avg_pool1d avg_pool2d avg_pool3d max_pool max_pool1d max_pool2d "
        "max_pool3d max_pool_with_argmax pool",
        "ops.random_candidates": "all_candidate_sampler fixed_unigram_candidate_sampler",
        "ops.space": "depth_to_space space_to_batch space_to_depth with_space_to_batch",
        "sparse.embedding": "embedding_lookup_sparse safe_embedding_lookup_sparse",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> _Any:
    """What few programs use, when it is first asked for."""
    if name == "experimental":
        globals()[name] = module = importlib.import_module("numflow.nn_experimental")
        return module
    if name in _LATE_NAMES:
        module = importlib.import_module(f"numflow.{_LATE_NAMES[name]}")
        globals()[name] = found = getattr(module, name)
        return found
    raise AttributeError(f"module 'numflow.nn' has no attribute {name!r}")


__all__ = [
    "RNNCellDeviceWrapper",
    "RNNCellDropoutWrapper",
    "RNNCellResidualWrapper",
    "all_candidate_sampler",
    "atrous_conv2d",
    "atrous_conv2d_transpose",
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "bias_add",
    "collapse_repeated",
    "compute_accidental_hits",
    "compute_average_loss",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "conv_transpose",
    "convolution",
    "crelu",
    "ctc_beam_search_decoder",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_unique_labels",
    "depth_to_space",
    "depthwise_conv2d",
    "depthwise_conv2d_backprop_filter",
    "depthwise_conv2d_backprop_input",
    "dilation2d",
    "dot_product_attention",
    "dropout",
    "elu",
    "embedding_lookup",
    "embedding_lookup_sparse",
    "erosion2d",
    "experimental",
    "fixed_unigram_candidate_sampler",
    "fractional_avg_pool",
    "fractional_max_pool",
    "gelu",
    "in_top_k",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "learned_unigram_candidate_sampler",
    "local_response_normalization",
    "log_poisson_loss",
    "log_softmax",
    "lrn",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_with_argmax",
    "moments",
    "nce_loss",
    "normalize_moments",
    "pool",
    "relu",
    "relu6",
    "safe_embedding_lookup_sparse",
    "sampled_softmax_loss",
    "scale_regularization_loss",
    "scaled_dot_product_attention",
    "selu",
    "separable_conv2d",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "space_to_batch",
    "space_to_depth",
    "sparse_softmax_cross_entropy_with_logits",
    "sufficient_statistics",
    "swish",
    "tanh",
    "top_k",
    "weighted_cross_entropy_with_logits",
    "weighted_moments",
    "with_space_to_batch",
    "zero_fraction",
]
