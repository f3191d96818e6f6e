"""ConvLSTM1D, ConvLSTM2D, ConvLSTM3D: an LSTM whose products are convolutions.

    i, f, o = recurrent_activation(x * kernel + h * recurrent_kernel + bias)
    c' = f c + i activation(...),  h' = o activation(c')

Inputs [batch, steps, *image, channels]. The state has the image of the convolution's result; the
state's own convolution keeps its size. It runs step by step.

Source: Shi et al. 2015, "Convolutional LSTM Network: A Machine Learning Approach for Precipitation
Nowcasting".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from numflow.graph.tensor import Tensor
from numflow.keras import activations
from numflow.keras.layers.recurrent_options import (
    CONSTRAINTS_AND_DROPOUT,
    INITIALIZERS,
    REGULARIZERS,
    LayerOptions,
    in_order,
    parted,
)
from numflow.keras.layers.rnn import RNN
from numflow.keras.layers.rnn_cells import RecurrentCell, forgetting
from numflow.ops import conv_api, joining
from numflow.ops import nn as ops
from numflow.ops import shape as shaping

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


def _sizes(name: str, value: Any, rank: int) -> tuple[int, ...]:
    """A number for each axis of the image, of one or as many."""
    found = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(found) != rank or any(not isinstance(n, int) or n <= 0 for n in found):
        raise ValueError(
            f"The `{name}` argument must be a tuple of {rank} positive integers."
            f" Received {name}={value}"
        )
    return found


class _ConvCell(RecurrentCell):
    """One step, of images."""

    GATES = 4

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str,
        data_format: str | None, dilation_rate: Any, recurrent_activation: Any,
        unit_forget_bias: bool, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(filters, **kwargs)
        self.rank, self.filters = rank, filters
        self.kernel_size = _sizes("kernel_size", kernel_size, rank)
        self.strides = _sizes("strides", strides, rank)
        self.dilation_rate = _sizes("dilation_rate", dilation_rate, rank)
        if padding.lower() not in ("valid", "same"):
            raise ValueError(f"Invalid padding. Expected 'valid' or 'same'. Received: {padding!r}")
        self.padding = padding.lower()
        self.data_format = data_format or "channels_last"
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                "The `data_format` argument must be one of 'channels_first', 'channels_last'."
                f" Received: {data_format!r}"
            )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [filters, filters]
        self._image: tuple[int, ...] = ()

    @property
    def channel_axis(self) -> int:
        """Of a step's inputs."""
        return 1 if self.data_format == "channels_first" else self.rank + 1

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape)
        channels = shape.pop(self.channel_axis)
        if None in shape[1:] or channels is None:
            raise ValueError(
                "ConvLSTM layers only support static input shapes for the spatial dimension."
                f" Received invalid input shape: input_shape={tuple(input_shape)}"
            )
        axes = zip(shape[1:], self.kernel_size, self.strides, self.dilation_rate, strict=True)
        self._image = tuple(
            -(-n // s) if self.padding == "same" else (n - (k - 1) * d - 1) // s + 1
            for n, k, s, d in axes
        )
        wide = 4 * self.filters
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, wide), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            (*self.kernel_size, self.filters, wide), self.recurrent_initializer,
            name="recurrent_kernel", regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self._add_bias()
        self.built = True

    def _bias_start(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        return forgetting(self.bias_initializer, self.filters)

    def state_shape(self, batch: Any) -> tuple[Any, ...]:
        """Of h and of c."""
        if self.data_format == "channels_first":
            return (batch, self.filters, *self._image)
        return (batch, *self._image, self.filters)

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros."""
        return [shaping.zeros(self.state_shape(batch_size), self.compute_dtype) for _ in range(2)]

    def _convolved(self, x: Tensor, kernel: Any, of_state: bool) -> Tensor:
        ones = (1,) * self.rank
        return conv_api.convolution(
            x,
            kernel,
            strides=ones if of_state else self.strides,
            padding="SAME" if of_state else self.padding.upper(),
            data_format=_LAYOUTS[self.data_format][self.rank - 1],
            dilations=ones if of_state else self.dilation_rate,
        )

    def _gates(self, seen: Sequence[Tensor], kernel: Any, of_state: bool) -> list[Tensor]:
        """The convolutions for the four gates: one, where all see the same."""
        if all(x is seen[0] for x in seen):
            wide = self._convolved(seen[0], kernel, of_state)
            return joining.split(wide, 4, self.channel_axis)
        parts = joining.split(kernel, 4, self.rank + 1)
        return [self._convolved(x, w, of_state) for x, w in zip(seen, parts, strict=True)]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """(output, new states), of a step's images and the states before it."""
        h, c = states
        seen = [inputs] * 4
        if training and 0.0 < self.dropout < 1.0:
            seen = [inputs * m for m in self.masks("inputs", inputs, self.dropout)]
        x = self._gates(seen, self.kernel, False)
        if self.bias is not None:
            layout = _LAYOUTS[self.data_format][self.rank - 1]
            parts = joining.split(self.bias, 4, 0)
            x = [ops.bias_add(a, b, layout) for a, b in zip(x, parts, strict=True)]
        own = self._gates(self.dropped(h, training), self.recurrent_kernel, True)
        i, f, g, o = (a + b for a, b in zip(x, own, strict=True))
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]


_LAYOUTS = {
    "channels_last": ("NWC", "NHWC", "NDHWC"),
    "channels_first": ("NCW", "NCHW", "NCDHW"),
}


class _ConvLSTM(RNN):
    """What the three layers share."""

    RANK = 1

    @in_order(
        INITIALIZERS,
        "unit_forget_bias",
        REGULARIZERS,
        "activity_regularizer",
        CONSTRAINTS_AND_DROPOUT,
        "seed",
        "return_sequences",
        "return_state",
        "go_backwards",
        "stateful",
    )
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *more: Any,
        unit_forget_bias: bool = True,
        **options: Unpack[LayerOptions],
    ) -> None:
        of_cell, of_layer = parted(options)
        cell = _ConvCell(
            self.RANK, filters, kernel_size, strides, padding, data_format, dilation_rate,
            recurrent_activation, unit_forget_bias, activation=activation, use_bias=use_bias,
            **of_cell,
        )  # fmt: skip
        super().__init__(cell, **of_layer)
        self.filters = filters

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        if not self.cell.built:
            self.build(sequences_shape)
        state = self.cell.state_shape(sequences_shape[0])
        shape = (state[0], sequences_shape[1], *state[1:]) if self.return_sequences else state
        return (shape, state, state) if self.return_state else shape

    def get_config(self) -> dict[str, Any]:
        c = self.cell
        config = {**c.get_config(), **super().get_config()}
        for name in ("cell", "units", "unroll", "zero_output_for_mask"):
            config.pop(name)
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        config |= {name: getattr(c, name) for name in (*names, "unit_forget_bias")}
        config["recurrent_activation"] = activations.serialize(c.recurrent_activation)
        return config

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """A layer of that configuration, with new weights."""
        return cls(**config)


class ConvLSTM1D(_ConvLSTM):
    """A convolutional LSTM over sequences of rows: [batch, steps, width, channels].

    Args are those of LSTM, and filters, kernel_size, strides, padding, data_format, dilation_rate
    as a convolution has them.

    Example:
      >>> nf.keras.layers.ConvLSTM1D(4, 3)(nf.ones([2, 5, 8, 3])).shape
      TensorShape([2, 6, 4])
    """

    RANK = 1


class ConvLSTM2D(_ConvLSTM):
    """A convolutional LSTM over sequences of images: [batch, steps, height, width, channels].

    Args are those of ConvLSTM1D.

    Example:
      >>> layer = nf.keras.layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True)
      >>> layer(nf.ones([2, 5, 8, 8, 3])).shape
      TensorShape([2, 5, 8, 8, 4])
    """

    RANK = 2


class ConvLSTM3D(_ConvLSTM):
    """A convolutional LSTM over sequences of volumes: [batch, steps, depth, height, width,
    channels].

    Args are those of ConvLSTM1D.

    Example:
      >>> nf.keras.layers.ConvLSTM3D(2, 2)(nf.ones([1, 2, 4, 4, 4, 1])).shape
      TensorShape([1, 3, 3, 3, 2])
    """

    RANK = 3
