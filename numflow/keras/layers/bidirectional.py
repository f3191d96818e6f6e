"""Bidirectional: a recurrent layer from both ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.keras.layers.layer import Layer, call_parameters
from numflow.ops import joining, rearrange

__all__ = ["Bidirectional"]

_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """A recurrent layer and one like it that goes backwards, their outputs merged.

    Args:
      layer: a recurrent layer; two with its configuration are made.
      merge_mode: "concat", "sum", "mul", "ave", or None: both outputs.
      weights: initial weights of both, as `set_weights` takes them.
      backward_layer: a layer with other go_backwards, in place of the second.

    Example:
      >>> layer = nf.keras.layers.Bidirectional(nf.keras.layers.GRU(4, return_sequences=True))
      >>> layer(nf.ones([2, 5, 3])).shape, layer.backward_layer.go_backwards
      (TensorShape([2, 5, 8]), True)

    Source: Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks".
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance."
                f" Received: {layer}"
            )
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(
                "`backward_layer` need to be a `keras.layers.Layer` instance."
                f" Received: {backward_layer}"
            )
        if merge_mode not in _MODES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of"
                ' {"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(**kwargs)
        config = layer.get_config()
        stem = layer.name.removeprefix("forward_")
        self.forward_layer = type(layer).from_config({**config, "name": f"forward_{stem}"})
        if backward_layer is None:
            stem = layer.name.removeprefix("backward_")
            other = {**config, "go_backwards": True, "name": f"backward_{stem}"}
            backward_layer = type(layer).from_config(other)
        self.backward_layer = backward_layer
        self._check()
        self.merge_mode = merge_mode
        self._initial = weights
        model: Any = layer
        self.stateful = model.stateful
        self.return_sequences, self.return_state = model.return_sequences, model.return_state
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):  # what is turned round must not carry outputs
                one.zero_output_for_mask = self.return_sequences
        self.supports_masking = True

    def _check(self) -> None:
        """Both directions, and the same kind of outputs."""
        f, b = self.forward_layer, self.backward_layer
        if f.go_backwards == b.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value."
                f" Received: forward_layer.go_backwards {f.go_backwards},"
                f" backward_layer.go_backwards={b.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(f, name) != getattr(b, name):
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for"
                    f' attribute "{name}", got "{getattr(f, name)}" for forward layer and'
                    f' "{getattr(b, name)}" for backward layer'
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for one in (self.forward_layer, self.backward_layer):
            if not one.built:
                one.build(sequences_shape)
                one.built = True
        self.built = True
        if self._initial is not None:
            self.set_weights(list(self._initial))

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask if self.return_sequences else None
        outputs = [mask, mask] if self.merge_mode is None else mask
        if not self.return_state:
            return outputs
        states = [None] * (2 * len(self.forward_layer.state_size))
        return [*(outputs if isinstance(outputs, list) else [outputs]), *states]

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states: tuple[Any, ...] = ()
        if self.return_state:
            shape, *rest = shape
            states = (*rest, *rest)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        if self.merge_mode is None:
            return (shape, shape, *states) if states else [shape, shape]
        return (shape, *states) if states else tuple(shape)

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        options: dict[str, Any] = {}
        accepts = call_parameters(type(self.forward_layer))
        if "training" in accepts:
            options["training"] = training
        if "mask" in accepts:
            options["mask"] = mask
        first, second = {}, {}
        if initial_state is not None:
            half = len(initial_state) // 2
            first = {"initial_state": initial_state[:half]}
            second = {"initial_state": initial_state[half:]}
        y = self.forward_layer(sequences, **first, **options)
        y_back = self.backward_layer(sequences, **second, **options)
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*y[1:], *y_back[1:])
            y, y_back = y[0], y_back[0]
        if self.return_sequences:
            y_back = rearrange.reverse(y_back, [1])
        output = self._merged(y, y_back)
        if self.merge_mode is None:
            return (*output, *states) if states else output
        return (output, *states) if states else output

    def _merged(self, y: Any, y_back: Any) -> Any:
        if self.merge_mode == "concat":
            return joining.concat([y, y_back], -1)
        if self.merge_mode == "sum":
            return y + y_back
        if self.merge_mode == "ave":
            return (y + y_back) / 2.0
        if self.merge_mode == "mul":
            return y * y_back
        return y, y_back

    def reset_states(self) -> None:
        """Stateful layers begin with zeros again."""
        for one in (self.forward_layer, self.backward_layer):
            one.reset_state()

    reset_state = reset_states

    @property
    def states(self) -> Any:
        """The states of both, while stateful."""
        f, b = self.forward_layer.states, self.backward_layer.states
        return None if f is None or b is None else [*f, *b]

    def get_config(self) -> dict[str, Any]:
        config = {
            "layer": self.forward_layer,
            "merge_mode": self.merge_mode,
            "backward_layer": self.backward_layer,
        }
        return {**super().get_config(), **config}
