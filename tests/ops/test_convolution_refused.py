"""convolution and its kin: what they refuse, eager and traced, and in which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

nn = nf.nn


X, F = np.zeros((1, 4, 4, 6), "f"), np.zeros((3, 3, 6, 4), "f")


BAD: list[tuple[Any, Any, str]] = [
    (lambda x, f: nn.conv2d(x, f, 0, "SAME"), ValueError, "strides must be from 1"),
    (lambda x, f: nn.conv2d(x, f, -1, "SAME"), ValueError, "strides must be from 1"),
    (lambda x, f: nn.conv2d(x, f, 2**40, "SAME"), ValueError, "strides must be from 1"),
    (lambda x, f: nn.conv2d(x, f, [1, 2], "SAME", dilations=0), ValueError, "dilations must"),
    (lambda x, f: nn.conv2d(x, f, [2, 1, 1, 1], "SAME"), ValueError, "of batch and channels"),
    (lambda x, f: nn.conv2d(x, f, [1, 1, 1], "SAME"), ValueError, "strides has 3 numbers"),
    (lambda x, f: nn.conv2d(x, f, 1.5, "SAME"), TypeError, "strides must be integers"),
    (lambda x, f: nn.conv2d(x, f, 1, "FULL"), ValueError, "no padding 'FULL'"),
    (lambda x, f: nn.conv2d(x, f, 1, None), ValueError, "padding must be"),
    (lambda x, f: nn.conv2d(x, f, 1, [[0, 0], [1, 1]]), ValueError, "padding has 2 pairs"),
    (lambda x, f: nn.conv2d(x, f, 1, [[0, 0], [-1, 1], [0, 0], [0, 0]]), ValueError, "from 0 to"),
    (lambda x, f: nn.conv2d(x, f, 1, [[0, 1], [1, 1], [0, 0], [0, 0]]), ValueError, "of batch and"),
    (lambda x, f: nn.conv2d(x, f, 1, "SAME", "NWHC"), ValueError, "no data_format 'NWHC'"),
    (lambda x, f: nn.conv2d(x, f, 1, "VALID", dilations=2), ValueError, "reaches over 5 elements"),
    (lambda x, f: nn.conv2d(x[:, :, :, :5], f, 1, "SAME"), ValueError, "input has 5 channels"),
    (lambda x, f: nn.conv2d(x, f[:, :, :2], 1, "SAME"), ValueError, "4 filters are not dealt out"),
    (lambda x, f: nn.conv2d(x[0], f, 1, "SAME"), ValueError, "input has rank 3"),
    (lambda x, f: nn.conv2d(x, f[0], 1, "SAME"), ValueError, "filters has rank 3"),
    (lambda x, f: nn.convolution(x, f[0, 0]), ValueError, "filters has rank 2"),
    (lambda x, f: nn.conv2d(x, f[:0], 1, "SAME"), ValueError, "filters has no elements"),
    (lambda x, f: nn.conv2d(x[..., :0], f, 1, "SAME"), ValueError, "input has 0 channels"),
    (lambda x, f: nn.conv2d(nf.cast(x, nf.float64), f, 1, "SAME"), TypeError, "float64"),
    (
        lambda x, f: nn.conv2d(nf.cast(x, nf.int64), nf.cast(f, nf.int64), 1, "SAME"),
        TypeError, "input is int64",
    ),
    (
        lambda x, f: nn.depthwise_conv2d(nf.cast(x, nf.int32), nf.cast(f, nf.int32), 1, "SAME"),
        TypeError, "input is int32",
    ),
    (
        lambda x, f: nn.conv2d(x, f, 1, [[0, 0], [2**30] * 2, [2**30] * 2, [0, 0]]),
        nf.errors.ResourceExhaustedError, "beyond any memory",
    ),
    (lambda x, f: nn.conv2d_transpose(x, f, [1, 4, 4, 6], 1), ValueError, "input has 6 channels"),
    (
        lambda x, f: nn.conv2d_transpose(x[..., :4], f, [1, 4, 9, 6], 1),
        ValueError, "has 9 elements along axis 2, not 4",
    ),
    (
        lambda x, f: nn.conv2d_transpose(x[..., :4], f, [2, 4, 4, 6], 1),
        ValueError, "has 2 elements along batch, not 1",
    ),
    (
        lambda x, f: nn.conv2d_transpose(x[..., :4], f, [1, 4, 4, 5], 1),
        ValueError, "output_shape has 5 channels",
    ),
    (
        lambda x, f: nn.conv2d_transpose(x[..., :4], f, [1, -4, 4, 6], 1),
        ValueError, "a size is negative",
    ),
    (lambda x, f: nn.conv_transpose(x[..., :4], f, [4, 4], 1), ValueError, "2 numbers: 3 to 5"),
    (lambda x, f: nn.depthwise_conv2d(x[..., :4], f, 1, "SAME"), ValueError, "has 4 channels, the"),
    (lambda x, f: nn.depthwise_conv2d(x[None], f, 1, "SAME"), ValueError, "input has rank 5"),
    (
        lambda x, f: nn.separable_conv2d(x, f, nf.ones([1, 1, 23, 2]), 1, "SAME"),
        ValueError, r"must be \[1, 1, 24, out\]",
    ),
    (
        lambda x, f: nn.depthwise_conv2d_backprop_input([1, 4, 5, 6], f, x, [1] * 4, "SAME"),
        ValueError, "has 5 elements along axis 2, not 4",
    ),
    (
        lambda x, f: nn.depthwise_conv2d_backprop_filter(x, [3, 3, 5, 4], x, [1] * 4, "SAME"),
        ValueError, "input has 6 channels, the filter 5",
    ),
]  # fmt: skip


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    ("call", "kind", "text"), BAD, ids=lambda v: v if isinstance(v, str) else ""
)
def test_bad_input_is_named(call: Any, kind: type[Exception], text: str, traced: bool) -> None:
    run = nf.function(call) if traced else call
    with pytest.raises(kind, match=text):
        run(nf.constant(X), nf.constant(F))
