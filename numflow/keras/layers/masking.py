"""Masking: steps that hold nothing but one value are not there for the layers behind."""

from __future__ import annotations

from typing import Any

from numflow.graph.tensor import Tensor
from numflow.keras.layers.layer import Layer, set_mask
from numflow.ops import comparisons
from numflow.ops import math as maths
from numflow.ops import reduce as reductions

__all__ = ["Masking"]


class Masking(Layer):
    """Inputs [batch, steps, features]; a step of which all features are mask_value is masked.

    Its features become 0.

    Example:
      >>> y = nf.keras.layers.Masking(9.0)([[[1.0, 9.0], [9.0, 9.0]]])
      >>> y.numpy().tolist()
      [[[1.0, 9.0], [0.0, 0.0]]]
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True
        self.built = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Tensor:
        found: Tensor = reductions.reduce_any(comparisons.not_equal(inputs, self.mask_value), -1)
        return found

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def call(self, inputs: Any) -> Any:
        alive = comparisons.not_equal(inputs, self.mask_value)
        kept = reductions.reduce_any(alive, -1, keepdims=True)
        out = inputs * maths.cast(kept, inputs.dtype)
        set_mask(out, self.compute_mask(inputs))
        return out

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
