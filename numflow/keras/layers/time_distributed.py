"""TimeDistributed: a layer for each step."""

from __future__ import annotations

from typing import Any

from numflow.keras.layers.layer import Layer, call_parameters
from numflow.ops import joining
from numflow.ops import shape as shaping

__all__ = ["TimeDistributed"]


class TimeDistributed(Layer):
    """Applies a layer to each step of [batch, steps, ...] inputs, all with the same weights.

    Example:
      >>> class Double(nf.keras.layers.Layer):
      ...     def call(self, inputs):
      ...         return inputs * 2.0
      >>> nf.keras.layers.TimeDistributed(Double())(nf.ones([2, 3, 4])).shape
      TensorShape([2, 3, 4])
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `TimeDistributed` layer with a `keras.layers.Layer` instance."
                f" Received: {layer}"
            )
        super().__init__(**kwargs)
        self.layer = layer
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list | tuple) or len(input_shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3"
                f" dimensions, received: {input_shape}"
            )
        if not self.layer.built:
            self.layer.build((input_shape[0], *input_shape[2:]))
            self.layer.built = True
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        inner = self.layer.compute_output_shape((input_shape[0], *input_shape[2:]))
        return (inner[0], input_shape[1], *inner[1:])

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        accepts = call_parameters(type(self.layer))
        options: dict[str, Any] = {"training": training} if "training" in accepts else {}
        batch, steps = inputs.spec.shape[:2]
        if "mask" not in accepts or mask is None:
            # steps know nothing of each other: one call for all of them
            flat = shaping.reshape_op(inputs, shape=(batch * steps, *inputs.spec.shape[2:]))
            out = self.layer(flat, **options)
            return shaping.reshape_op(out, shape=(batch, steps, *out.spec.shape[1:]))
        parts = [
            self.layer(x, mask=m, **options)
            for x, m in zip(
                joining.unstack(inputs, None, 1), joining.unstack(mask, None, 1), strict=True
            )
        ]
        return joining.stack(parts, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": self.layer}
