"""tf.compat.v1.nn: convolutions, pools and statistics with TensorFlow 1's parameters.

What they compute is said at the functions of nf.nn of the same names.
"""

from __future__ import annotations

from typing import Any

from numflow.compat.v1 import rnn_cell, same
from numflow.compat.v1.nn.convolutions import (
    conv1d,
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    convolution,
    depthwise_conv2d,
    depthwise_conv2d_native,
    dilation2d,
    erosion2d,
    separable_conv2d,
)
from numflow.compat.v1.nn.drawn_classes import (
    nce_loss,
    sampled_softmax_loss,
)
from numflow.compat.v1.nn.labels import (
    ctc_beam_search_decoder,
    ctc_loss,
)
from numflow.compat.v1.nn.pools import (
    avg_pool,
    fractional_avg_pool,
    fractional_max_pool,
    max_pool,
    max_pool_with_argmax,
    pool,
)
from numflow.compat.v1.nn.statistics import (
    moments,
    sufficient_statistics,
    weighted_moments,
)
from numflow.compat.v1.rnn import (
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    raw_rnn,
    static_bidirectional_rnn,
    static_rnn,
)
from numflow.compat.v1.state_saving import static_state_saving_rnn
from numflow.ops.conv_api import atrous_conv2d
from numflow.ops.nn import batch_normalization, bias_add
from numflow.ops.normalization import fused_batch_norm
from numflow.ops.pool_api import avg_pool3d, max_pool3d
from numflow.sparse.ctc import collapse_repeated, ctc_greedy_decoder, ctc_unique_labels
from numflow.sparse.ctc import ctc_beam_search_decoder as ctc_beam_search_decoder_v2
from numflow.sparse.ctc import ctc_loss as ctc_loss_v2

__all__ = [
    "atrous_conv2d",
    "avg_pool",
    "avg_pool3d",
    "batch_normalization",
    "bias_add",
    "bidirectional_dynamic_rnn",
    "collapse_repeated",
    "conv1d",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "convolution",
    "ctc_beam_search_decoder",
    "ctc_beam_search_decoder_v2",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_loss_v2",
    "ctc_unique_labels",
    "depthwise_conv2d",
    "depthwise_conv2d_native",
    "dilation2d",
    "dynamic_rnn",
    "erosion2d",
    "fractional_avg_pool",
    "fractional_max_pool",
    "fused_batch_norm",
    "max_pool",
    "max_pool3d",
    "max_pool_with_argmax",
    "moments",
    "nce_loss",
    "pool",
    "raw_rnn",
    "rnn_cell",
    "sampled_softmax_loss",
    "separable_conv2d",
    "static_bidirectional_rnn",
    "static_rnn",
    "static_state_saving_rnn",
    "sufficient_statistics",
    "weighted_moments",
]


def __getattr__(name: str) -> Any:
    """What both faces share."""
    if name in same.NN:
        return same.shared(same.NN[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *same.NN})
