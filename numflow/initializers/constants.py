"""First values that are no chance: zeros, ones, constants, the identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.initializers.base import Initializer, wanted
from numflow.ops import shape as shaping
from numflow.ops.creation import constant as constant_tensor
from numflow.ops.creation import eye


class Zeros(Initializer):
    """All zeros.

    Example:
      >>> nf.zeros_initializer()([2]).numpy().tolist()
      [0.0, 0.0]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("zeros_initializer", shape, dtype, kwargs, "fibc")
        return shaping.zeros(sizes, want)


class Ones(Initializer):
    """All ones.

    Example:
      >>> nf.ones_initializer()([2], nf.int32).numpy().tolist()
      [1, 1]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("ones_initializer", shape, dtype, kwargs, "fibc")
        return shaping.ones(sizes, want)


class Constant(Initializer):
    """One number everywhere, float32 unless a dtype is asked for; or an array of that shape.

    Example:
      >>> nf.initializers.Constant(3)([2]).numpy().tolist()
      [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("Constant", shape, dtype, kwargs, "fibc")
        array = np.asarray(self.value).astype(want.numpy)
        return constant_tensor(array, want, sizes)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class ConstantInitializer(Initializer):
    """tf.constant_initializer: a number everywhere, or a list of as many as the shape has.

    Args:
      value: a number, list or array. Its dtype stays unless another is asked for.
      support_partition: has no effect.

    Raises:
      ShapeError: when called: value has not as many elements as the shape.

    Example:
      >>> nf.constant_initializer([1, 2, 3, 4])([2, 2]).numpy().tolist()
      [[1, 2], [3, 4]]
    """

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, list | tuple | np.ndarray | Tensor)):
            kind = type(value).__name__
            raise TypeError(f"constant_initializer: value is a {kind}, not a number, list or array")
        self.value, self.support_partition = value, support_partition

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, _ = wanted("constant_initializer", shape, None, kwargs)
        return constant_tensor(self.value, dtype, sizes)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """gain on the diagonal of a matrix, 0 elsewhere.

    Example:
      >>> nf.initializers.Identity(2.0)([2, 3]).numpy().tolist()
      [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("Identity", shape, dtype, kwargs)
        if len(sizes) != 2:
            raise ValueError(explain("Identity", "makes matrices", {"shape": list(sizes)}))
        diagonal: Tensor = eye(*sizes, dtype=want) * self.gain
        return diagonal

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}
