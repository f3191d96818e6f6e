"""A linear map with weights of its own: projections of cells, queries and memories."""

from __future__ import annotations

from typing import Any

from numflow.graph.tensor import Tensor
from numflow.keras.layers.layer import Layer
from numflow.ops import linalg, plain
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = ["Linear", "columns_behind"]


class Linear(Layer):
    """x kernel + bias, x of any rank; weights are made at the first call, of x's dtype.

    Args:
      op, argument: what a refusal of units names.
      units: columns of the result.
      use_bias: whether there is a bias, beginning with 0.
      dtype: of the weights; default x's.

    Raises:
      ArgumentError: units is no integer, or below 1.
    """

    def __init__(
        self, op: str, argument: str, units: int, use_bias: bool = True, dtype: Any = None
    ) -> None:
        super().__init__(dtype=dtype)
        self.units, self._use_bias = plain.whole(units, op, argument, 1), use_bias
        self._fixed = dtype is not None
        self._kernel: Any = None
        self._bias: Any = None

    def __call__(self, x: Any) -> Tensor:
        x = as_tensor(x)
        if not self.built and not self._fixed:
            self._dtype = x.dtype
        found: Tensor = super().__call__(x)
        return found

    def build(self, input_shape: Any) -> None:
        depth = input_shape[-1]
        if depth is None:
            raise ValueError(f"{self.name}: the last size of the inputs is open: {input_shape}")
        self._kernel = self.add_weight((depth, self.units), name="kernel")
        if self._use_bias:
            self._bias = self.add_weight((self.units,), "zeros", name="bias")
        self.built = True

    def call(self, x: Any) -> Tensor:
        """x kernel + bias."""
        y = (
            linalg.tensordot(x, self._kernel, 1)
            if x.spec.rank > 2
            else linalg.matmul(x, self._kernel)
        )
        return y if self._bias is None else y + self._bias

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)


def columns_behind(layer: Any, columns: Any, dtype: Any) -> Any:
    """How many columns a layer makes of so many: what it says, or gives for a row of zeros."""
    if isinstance(layer, Layer):
        try:
            return int(layer.compute_output_shape((None, columns))[-1])
        except NotImplementedError:  # not every layer says
            pass
    return layer(shaping.zeros((1, columns), dtype)).spec.shape[-1]
