"""LayerNormBasicLSTMCell: an LSTM whose gates and memory are normalised."""

from __future__ import annotations

from typing import Any

from numflow import initializers
from numflow.compat.v1.rnn_cell.base import LSTMStateTuple, WeightedCell
from numflow.graph.tensor import Tensor
from numflow.ops import dropout as dropouts
from numflow.ops import joining, linalg, plain
from numflow.ops import math as maths
from numflow.ops import nn as ops

__all__ = ["LayerNormBasicLSTMCell"]

# What tf.contrib.layers.layer_norm adds to a variance, by dtype.
EPSILON = 1e-12
EPSILON_OF_HALVES = 1e-3

NORMALISED = ("input", "transform", "forget", "output", "state")


class LayerNormBasicLSTMCell(WeightedCell):
    """BasicLSTMCell with layer normalisation, and dropout of what is new:
    c' = norm(c sigmoid(norm(f) + forget_bias) + sigmoid(norm(i)) dropout(activation(norm(j)))),
    h' = activation(c') sigmoid(norm(o)), with i, j, f, o = [x, h] kernel.

    Args:
      num_units: size of c and of h.
      layer_norm: False: no norm, but a bias.
      norm_gain, norm_shift: where the norms' factors and summands begin.
      dropout_keep_prob: share of what is new that stays; a number or a scalar tensor.
      dropout_prob_seed: of the random numbers.
      input_size: TensorFlow's; it changes nothing.

    Example:
      >>> cell = nf.compat.v1.contrib.rnn.LayerNormBasicLSTMCell(4)
      >>> y, (c, h) = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, len(cell.weights)
      (TensorShape([2, 4]), 11)

    Source: Ba et al. 2016, "Layer Normalization" (eq. 20 to 22); Semeniuta et al. 2016, "Recurrent
    Dropout without Memory Loss" (eq. 10).
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        activation: Any = maths.tanh,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(num_units, activation, None, None)
        keep = dropout_keep_prob
        if isinstance(keep, int | float) and not 0.0 < keep <= 1.0:
            raise ValueError(f"dropout_keep_prob is in (0, 1]. Received: {keep!r}")
        self._forget_bias = forget_bias
        self._layer_norm = plain.flag(layer_norm, "LayerNormBasicLSTMCell", "layer_norm")
        self._gain, self._shift = norm_gain, norm_shift
        self._keep, self._seed = keep, dropout_prob_seed
        self._norms: dict[str, tuple[Any, Any]] = {}
        self._bias: Any = None

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units)

    def build(self, input_shape: Any) -> None:
        n = self._num_units
        self._kernel = self.add_weight((self._depth(input_shape) + n, 4 * n), name="kernel")
        if not self._layer_norm:
            self._bias = self.add_weight((4 * n,), name="bias")
        else:
            gain, shift = (initializers.Constant(v) for v in (self._gain, self._shift))
            for what in NORMALISED:
                self._norms[what] = (
                    self.add_weight((n,), gain, name=f"{what}/gamma"),
                    self.add_weight((n,), shift, name=f"{what}/beta"),
                )
        self.built = True

    def _normed(self, x: Tensor, what: str) -> Tensor:
        if not self._layer_norm:
            return x
        mean, variance = ops.moments(x, [1], keepdims=True)
        gamma, beta = self._norms[what]
        epsilon = EPSILON if x.dtype.size > 2 else EPSILON_OF_HALVES
        return ops.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        c, h = state
        z = linalg.matmul(joining.concat([inputs, h], 1), self._kernel)
        if self._bias is not None:
            z = z + self._bias
        parts = zip(joining.split(z, 4, 1), NORMALISED, strict=False)
        i, j, f, o = (self._normed(part, what) for part, what in parts)
        new = self._activation(j)
        if not isinstance(self._keep, int | float) or self._keep < 1:
            new = dropouts.dropout(new, 1.0 - self._keep, seed=self._seed)
        c = c * maths.sigmoid(f + self._forget_bias) + maths.sigmoid(i) * new
        c = self._normed(c, "state")
        h = self._activation(c) * maths.sigmoid(o)
        return h, LSTMStateTuple(c, h)
