"""tf.nn.experimental: dropout by a seed, and by any sampler."""

from __future__ import annotations

from numflow.ops.random_dropout import general_dropout, stateless_dropout

__all__ = ["general_dropout", "stateless_dropout"]
