"""SimpleRNN, LSTM, GRU: layers that run a whole sequence in one kernel.

With activations other than those of the kernels, or with recurrent dropout in training, they run
their cell step by step as RNN does.
"""

from __future__ import annotations

from typing import Any, Unpack

from numflow.graph.tensor import Tensor
from numflow.keras.layers.recurrent_options import (
    CONSTRAINTS_AND_DROPOUT,
    INITIALIZERS,
    REGULARIZERS,
    SEQUENCES,
    LayerOptions,
    in_order,
    parted,
)
from numflow.keras.layers.rnn import RNN
from numflow.keras.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell
from numflow.ops import activation as activations
from numflow.ops import comparisons, rearrange, recurrent
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import scan as scans
from numflow.ops import select as selections
from numflow.ops import shape as shaping

__all__ = ["GRU", "LSTM", "SimpleRNN"]


class _Fused(RNN):
    """What the three layers share: a cell of their own, whose attributes they have; the kernel's
    run."""

    def __init__(self, kind: Any, options: LayerOptions, **own: Any) -> None:
        of_cell, of_layer = parted(options)
        super().__init__(kind(**own, **of_cell), **of_layer)

    def __getattr__(self, name: str) -> Any:
        cell = vars(self).get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(cell, name)

    @property
    def units(self) -> int:
        return int(self.cell.units)

    def _fits(self) -> bool:
        """Whether the kernel computes what the cell does."""
        raise NotImplementedError

    def _run(self, x: Tensor, states: Any, options: dict[str, Any]) -> tuple[Tensor, list[Tensor]]:
        """(outputs, states) by the kernel."""
        raise NotImplementedError

    def inner_loop(
        self, sequences: Tensor, initial_state: Any, mask: Any, training: bool, given: bool = True
    ) -> tuple[Any, Any, Any]:
        cell = self.cell
        if not self._fits() or (training and cell.recurrent_dropout):
            return super().inner_loop(sequences, initial_state, mask, training, given)
        cell.forget_masks()
        if training and 0.0 < cell.dropout < 1.0:
            dropped = cell.masks("inputs", sequences[:, 0], cell.dropout)[0]
            sequences = sequences * shaping.expand_dims(dropped, 1)
            cell.forget_masks()
        # the output of a masked step is the state: that of the step before, unless none was
        options = {
            "mask": mask,
            "reverse": self.go_backwards,
            "carry": mask is not None and not self.zero_output_for_mask,
        }
        outputs, states = self._run(sequences, initial_state, options)
        last = states[0]
        if mask is not None:
            if given and not self.zero_output_for_mask:
                outputs, last = self._begun(outputs, last, mask)
            if self.zero_output_for_mask:
                last = outputs[:, 0] if self.go_backwards else outputs[:, -1]
        if self.go_backwards and self.return_sequences:
            outputs = rearrange.reverse(outputs, [1])
        return last, outputs, states

    def _begun(self, outputs: Tensor, last: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """0 until a row's first step that happens: there is no output of a step before."""
        count = scans.cumsum(maths.cast(mask, outputs.dtype), axis=1, reverse=self.go_backwards)
        seen = shaping.expand_dims(comparisons.greater(count, 0.0), 2)
        ever = reductions.reduce_any(mask, 1, keepdims=True)
        return (
            selections.where(seen, outputs, shaping.zeros_like(outputs)),
            selections.where(ever, last, shaping.zeros_like(last)),
        )

    def get_config(self) -> dict[str, Any]:
        config = {**self.cell.get_config(), **super().get_config()}
        config.pop("cell")
        return config

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """A layer of that configuration, with new weights."""
        return cls(**config)


class SimpleRNN(_Fused):
    """A simple recurrent layer: h' = activation(x kernel + h recurrent_kernel + bias).

    Args:
      units: size of the state.
      activation: "tanh" and "relu" run in one kernel, others step by step.
      options: as of the cell; and as of RNN: return_sequences, return_state, go_backwards,
        stateful, unroll.

    Called with inputs [batch, steps, depth], `mask` (bool [batch, steps]), `training`,
    `initial_state` ([h]).

    Example:
      >>> nf.keras.layers.SimpleRNN(4)(nf.ones([2, 5, 3])).shape
      TensorShape([2, 4])

    Source: Elman 1990, "Finding Structure in Time".
    """

    @in_order(
        INITIALIZERS,
        REGULARIZERS,
        "activity_regularizer",
        CONSTRAINTS_AND_DROPOUT,
        SEQUENCES,
        "seed",
    )
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        *more: Any,
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            SimpleRNNCell, options, units=units, activation=activation, use_bias=use_bias
        )

    def _fits(self) -> bool:
        return self.cell.activation in (maths.tanh, activations.relu)

    def _run(self, x: Tensor, states: Any, options: dict[str, Any]) -> tuple[Tensor, list[Tensor]]:
        c = self.cell
        relu = c.activation is activations.relu
        y, h = recurrent.simple_rnn(
            x, c.kernel, c.recurrent_kernel, c.bias, states[0],
            activation="relu" if relu else "tanh", **options,
        )  # fmt: skip
        return y, [h]


class LSTM(_Fused):
    """Long short-term memory.

    Args:
      units: size of h and of c.
      activation, recurrent_activation: "tanh" and "sigmoid" run in one kernel, others step by step.
      unit_forget_bias: the forget gate's bias begins at 1.
      options: as of the cell; and as of RNN: return_sequences, return_state, go_backwards,
        stateful, unroll.
      use_cudnn: TensorFlow's; "auto", True or False, and changes nothing.

    Called with inputs [batch, steps, depth], `mask` (bool [batch, steps]), `training`,
    `initial_state` ([h, c]).

    Example:
      >>> layer = nf.keras.layers.LSTM(4, return_sequences=True, return_state=True)
      >>> y, h, c = layer(nf.ones([2, 5, 3]))
      >>> y.shape, c.shape, [w.shape.as_list() for w in layer.weights]
      (TensorShape([2, 5, 4]), TensorShape([2, 4]), [[3, 16], [4, 16], [16]])

    Source: Hochreiter & Schmidhuber 1997, "Long Short-Term Memory".
    """

    @in_order(
        INITIALIZERS,
        "unit_forget_bias",
        REGULARIZERS,
        "activity_regularizer",
        CONSTRAINTS_AND_DROPOUT,
        "seed",
        SEQUENCES,
        "use_cudnn",
    )
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *more: Any,
        unit_forget_bias: bool = True,
        use_cudnn: Any = "auto",
        **options: Unpack[LayerOptions],
    ) -> None:
        _check_cudnn(use_cudnn)
        super().__init__(
            LSTMCell, options, units=units, activation=activation, use_bias=use_bias,
            recurrent_activation=recurrent_activation, unit_forget_bias=unit_forget_bias,
        )  # fmt: skip

    def _fits(self) -> bool:
        c = self.cell
        return c.activation is maths.tanh and c.recurrent_activation is maths.sigmoid

    def _run(self, x: Tensor, states: Any, options: dict[str, Any]) -> tuple[Tensor, list[Tensor]]:
        c = self.cell
        y, (h, cell) = recurrent.lstm(
            x, c.kernel, c.recurrent_kernel, c.bias, tuple(states), **options
        )
        return y, [h, cell]


class GRU(_Fused):
    """Gated recurrent units.

    Args:
      units: size of the state.
      activation, recurrent_activation: "tanh" and "sigmoid" run in one kernel, others step by step.
      options: as of the cell; and as of RNN: return_sequences, return_state, go_backwards,
        stateful, unroll.
      reset_after: the reset gate acts behind the product of the state; the bias then is
        [2, 3 * units]. False: before it, as published first.
      use_cudnn: TensorFlow's; "auto", True or False, and changes nothing.

    Called with inputs [batch, steps, depth], `mask` (bool [batch, steps]), `training`,
    `initial_state` ([h]).

    Example:
      >>> layer = nf.keras.layers.GRU(4)
      >>> layer(nf.ones([2, 5, 3])).shape, [w.shape.as_list() for w in layer.weights]
      (TensorShape([2, 4]), [[3, 12], [4, 12], [2, 12]])

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder".
    """

    @in_order(
        INITIALIZERS,
        REGULARIZERS,
        "activity_regularizer",
        CONSTRAINTS_AND_DROPOUT,
        "seed",
        SEQUENCES,
        "reset_after",
        "use_cudnn",
    )
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *more: Any,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **options: Unpack[LayerOptions],
    ) -> None:
        _check_cudnn(use_cudnn)
        super().__init__(
            GRUCell, options, units=units, activation=activation, use_bias=use_bias,
            recurrent_activation=recurrent_activation, reset_after=reset_after,
        )  # fmt: skip

    def _fits(self) -> bool:
        c = self.cell
        return c.activation is maths.tanh and c.recurrent_activation is maths.sigmoid

    def _run(self, x: Tensor, states: Any, options: dict[str, Any]) -> tuple[Tensor, list[Tensor]]:
        c = self.cell
        of_inputs, of_state = c.biases()
        y, h = recurrent.gru(
            x, c.kernel, c.recurrent_kernel, of_inputs, of_state, states[0],
            reset_after=c.reset_after, **options,
        )  # fmt: skip
        return y, [h]


def _check_cudnn(use_cudnn: Any) -> None:
    if use_cudnn not in ("auto", True, False):
        raise ValueError(
            "Invalid valid received for argument `use_cudnn`. Expected one of"
            f" {{'auto', True, False}}. Received: use_cudnn={use_cudnn}"
        )
