"""tf.experimental: what TensorFlow keeps under this name. So far: dlpack."""

from __future__ import annotations

from numflow.experimental import dlpack

__all__ = ["dlpack"]
