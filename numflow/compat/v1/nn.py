"""tf.compat.v1.nn: convolutions, pools and statistics with TensorFlow 1's parameters.

What they compute is said at the functions of nf.nn of the same names.
"""

from __future__ import annotations

from typing import Any

from numflow.compat.v1 import rnn_cell
from numflow.compat.v1.arguments import either
from numflow.compat.v1.rnn import (
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    raw_rnn,
    static_bidirectional_rnn,
    static_rnn,
)
from numflow.compat.v1.state_saving import static_state_saving_rnn
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    conv_api,
    conv_api_depthwise,
    conv_api_gradients,
    conv_api_transpose,
    fractional_pooling,
    morphology,
    normalization,
    pool_api,
    sampled_losses,
)
from numflow.ops import nn as ops
from numflow.ops.conv_api import atrous_conv2d
from numflow.ops.conv_api_depthwise import depthwise_conv2d as _depthwise
from numflow.ops.nn import batch_normalization, bias_add
from numflow.ops.normalization import fused_batch_norm
from numflow.ops.pool_api import avg_pool3d, max_pool3d
from numflow.sparse import ctc
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

_ONES = (1, 1, 1, 1)


# --- convolutions --------------------------------------------------------------------------


def convolution(
    input: TensorLike,
    filter: TensorLike = None,
    padding: Any = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.convolution; `filter` is its filters, `dilation_rate` its dilations."""
    f = either("convolution", "filter", filter, "filters", filters)
    rate = either("convolution", "dilation_rate", dilation_rate, "dilations", dilations, 1)
    return conv_api.convolution(input, f, strides, padding, data_format, rate)


def conv1d(
    value: TensorLike = None,
    filters: TensorLike = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: Any = None,
    data_format: str | None = None,
    name: str | None = None,
    input: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.conv1d; `value` is its input."""
    x = either("conv1d", "value", value, "input", input)
    return conv_api.conv1d(x, filters, stride, padding, data_format or "NWC", dilations)


def conv2d(
    input: TensorLike,
    filter: TensorLike = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """nf.nn.conv2d; `filter` is its filters.

    Example:
      >>> x, f = nf.ones((1, 3, 3, 1)), nf.ones((2, 2, 1, 1))
      >>> nf.compat.v1.nn.conv2d(x, f, [1, 1, 1, 1], "VALID").numpy()[0, :, :, 0].tolist()
      [[4.0, 4.0], [4.0, 4.0]]
    """
    f = either("conv2d", "filter", filter, "filters", filters)
    return conv_api.conv2d(input, f, strides, padding, data_format, list(dilations))


def conv3d(
    input: TensorLike,
    filter: TensorLike = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """nf.nn.conv3d; `filter` is its filters."""
    f = either("conv3d", "filter", filter, "filters", filters)
    return conv_api.conv3d(input, f, strides, padding, data_format, list(dilations))


def conv2d_transpose(
    value: TensorLike = None,
    filter: TensorLike = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: TensorLike = None,
    filters: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.conv2d_transpose; `value` is its input, `filter` its filters."""
    op = "conv2d_transpose"
    x = either(op, "value", value, "input", input)
    f = either(op, "filter", filter, "filters", filters)
    return conv_api_transpose.conv2d_transpose(
        x, f, output_shape, strides, padding, data_format, dilations
    )


def conv3d_transpose(
    value: TensorLike,
    filter: TensorLike = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: TensorLike = None,
    filters: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.conv3d_transpose; `value` is its input, `filter` its filters."""
    op = "conv3d_transpose"
    x = either(op, "value", value, "input", input)
    f = either(op, "filter", filter, "filters", filters)
    return conv_api_transpose.conv3d_transpose(
        x, f, output_shape, strides, padding, data_format, dilations
    )


def conv2d_backprop_input(
    input_sizes: Any,
    filter: TensorLike = None,
    out_backprop: TensorLike = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
    filters: TensorLike = None,
) -> Tensor:
    """The gradient of `conv2d` by its input.

    Args:
      input_sizes: the shape of the input, four integers.
      filter: [height, width, channels, out].
      out_backprop: the gradient of the result.
    """
    f = either("conv2d_backprop_input", "filter", filter, "filters", filters)
    return conv_api_gradients.conv2d_backprop_input(
        input_sizes, f, out_backprop, strides, padding, data_format, list(dilations)
    )


def conv2d_backprop_filter(
    input: TensorLike,
    filter_sizes: Any,
    out_backprop: TensorLike,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """The gradient of `conv2d` by its filter, whose shape is filter_sizes, four integers."""
    return conv_api_gradients.conv2d_backprop_filter(
        input, filter_sizes, out_backprop, strides, padding, data_format, list(dilations)
    )


def depthwise_conv2d(
    input: TensorLike,
    filter: TensorLike,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.depthwise_conv2d; `rate` is its dilations."""
    spread = either("depthwise_conv2d", "rate", rate, "dilations", dilations, 1)
    return _depthwise(input, filter, strides, padding, data_format, spread)


def depthwise_conv2d_native(
    input: TensorLike,
    filter: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """nf.nn.depthwise_conv2d."""
    return _depthwise(input, filter, strides, padding, data_format, list(dilations))


def separable_conv2d(
    input: TensorLike,
    depthwise_filter: TensorLike,
    pointwise_filter: TensorLike,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.separable_conv2d; `rate` is its dilations."""
    spread = either("separable_conv2d", "rate", rate, "dilations", dilations, 1)
    return conv_api_depthwise.separable_conv2d(
        input, depthwise_filter, pointwise_filter, strides, padding, data_format, spread
    )


def dilation2d(
    input: TensorLike,
    filter: TensorLike = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.dilation2d of "NHWC"; `filter` is its filters, `rates` its dilations."""
    f = either("dilation2d", "filter", filter, "filters", filters)
    spread = either("dilation2d", "rates", rates, "dilations", dilations)
    return morphology.dilation2d(input, f, strides, padding, "NHWC", spread)


def erosion2d(
    value: TensorLike,
    kernel: TensorLike,
    strides: Any,
    rates: Any,
    padding: Any,
    name: str | None = None,
) -> Tensor:
    """nf.nn.erosion2d of "NHWC"; `kernel` is its filters, `rates` its dilations."""
    return morphology.erosion2d(value, kernel, strides, padding, "NHWC", rates)


# --- pools -----------------------------------------------------------------------------------


def max_pool(
    value: TensorLike,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: TensorLike = None,
) -> Tensor:
    """nf.nn.max_pool2d; `value` is its input.

    Example:
      >>> x = nf.reshape(nf.range(4.0), (1, 2, 2, 1))
      >>> nf.compat.v1.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME").numpy().item()
      3.0
    """
    x = either("max_pool", "value", value, "input", input)
    return pool_api.max_pool2d(x, ksize, strides, padding, data_format)


def avg_pool(
    value: TensorLike,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: TensorLike = None,
) -> Tensor:
    """nf.nn.avg_pool2d; `value` is its input."""
    x = either("avg_pool", "value", value, "input", input)
    return pool_api.avg_pool2d(x, ksize, strides, padding, data_format)


def max_pool_with_argmax(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:
    """nf.nn.max_pool_with_argmax; `Targmax` is its output_dtype, default int64."""
    dtype = either(
        "max_pool_with_argmax", "Targmax", Targmax, "output_dtype", output_dtype, "int64"
    )
    return pool_api.max_pool_with_argmax(
        input, ksize, strides, padding, data_format, dtype, include_batch_in_index
    )


def pool(
    input: TensorLike,
    window_shape: Any,
    pooling_type: str,
    padding: Any,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.pool; `dilation_rate` is its dilations."""
    spread = either("pool", "dilation_rate", dilation_rate, "dilations", dilations, 1)
    return pool_api.pool(input, window_shape, pooling_type, strides, padding, data_format, spread)


def fractional_max_pool(
    value: TensorLike,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """nf.nn.fractional_max_pool; deterministic: the same windows each time, seeds or not."""
    chosen = seed or seed2 or int(deterministic)
    return fractional_pooling.fractional_max_pool(
        value, pooling_ratio, pseudo_random, overlapping, chosen
    )


def fractional_avg_pool(
    value: TensorLike,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """nf.nn.fractional_avg_pool; deterministic: the same windows each time, seeds or not."""
    chosen = seed or seed2 or int(deterministic)
    return fractional_pooling.fractional_avg_pool(
        value, pooling_ratio, pseudo_random, overlapping, chosen
    )


# --- statistics --------------------------------------------------------------------------------


def moments(
    x: TensorLike,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """nf.nn.moments; `keep_dims` is its keepdims."""
    keep = either("moments", "keep_dims", keep_dims, "keepdims", keepdims, False)
    return ops.moments(x, axes, shift, bool(keep))


def sufficient_statistics(
    x: TensorLike,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> Any:
    """nf.nn.sufficient_statistics; `keep_dims` is its keepdims."""
    keep = either("sufficient_statistics", "keep_dims", keep_dims, "keepdims", keepdims, False)
    return normalization.sufficient_statistics(x, axes, shift, bool(keep))


def weighted_moments(
    x: TensorLike,
    axes: Any,
    frequency_weights: TensorLike,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """nf.nn.weighted_moments; `keep_dims` is its keepdims."""
    keep = either("weighted_moments", "keep_dims", keep_dims, "keepdims", keepdims, False)
    return normalization.weighted_moments(x, axes, frequency_weights, bool(keep))


# --- classes that are drawn ------------------------------------------------------------------


def nce_loss(
    weights: Any,
    biases: TensorLike,
    labels: TensorLike,
    inputs: TensorLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """nf.nn.nce_loss; partition_strategy: how the rows of weights in parts are dealt out."""
    return sampled_losses.noise_contrastive(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, partition_strategy,
    )  # fmt: skip


def sampled_softmax_loss(
    weights: Any,
    biases: TensorLike,
    labels: TensorLike,
    inputs: TensorLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: Any = None,
) -> Tensor:
    """nf.nn.sampled_softmax_loss; partition_strategy as of nce_loss."""
    return sampled_losses.sampled_softmax(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, seed, partition_strategy,
    )  # fmt: skip


# --- labels without times --------------------------------------------------------------------


def ctc_loss(
    labels: Any,
    inputs: TensorLike = None,
    sequence_length: TensorLike = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Tensor:
    """nf.nn.ctc_loss for a SparseTensor of labels; the blank is the last class.

    Args:
      preprocess_collapse_repeated: equal neighbours among the labels are made one first.
      ctc_merge_repeated: equal neighbours on a path are one label; else each is one.
      ignore_longer_outputs_than_inputs: an example with more labels than fit has loss 0, and no
        error is raised.
    """
    x = either("ctc_loss", "inputs", inputs, "logits", logits)
    return ctc.loss_of_sparse(
        labels, x, sequence_length, time_major, preprocess_collapse_repeated, ctc_merge_repeated,
        ignore_longer_outputs_than_inputs,
    )  # fmt: skip


def ctc_beam_search_decoder(
    inputs: TensorLike,
    sequence_length: TensorLike,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
) -> Any:
    """nf.nn.ctc_beam_search_decoder; merge_repeated: equal neighbours of what is found are one."""
    op = "nn.ctc_beam_search_decoder"
    return ctc.beam_search(op, inputs, sequence_length, beam_width, top_paths, merge_repeated)
