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
from numflow.ops.dropout import dropout
from numflow.ops.embedding import embedding_lookup
from numflow.ops.loss import (
    l2_loss,
    log_poisson_loss,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from numflow.ops.math import sigmoid, tanh
from numflow.ops.nn import (
    batch_normalization,
    bias_add,
    l2_normalize,
    moments,
    zero_fraction,
)
from numflow.ops.ordering import in_top_k, top_k

if TYPE_CHECKING:
    from numflow import nn_experimental as experimental


def __getattr__(name: str) -> _Any:
    """What few programs use, when it is first asked for."""
    if name == "experimental":
        globals()[name] = module = importlib.import_module("numflow.nn_experimental")
        return module
    raise AttributeError(f"module 'numflow.nn' has no attribute {name!r}")


__all__ = [
    "batch_normalization",
    "bias_add",
    "crelu",
    "dropout",
    "elu",
    "embedding_lookup",
    "experimental",
    "gelu",
    "in_top_k",
    "l2_loss",
    "l2_normalize",
    "leaky_relu",
    "log_poisson_loss",
    "log_softmax",
    "moments",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
    "top_k",
    "weighted_cross_entropy_with_logits",
    "zero_fraction",
]
