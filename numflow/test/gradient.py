"""compute_gradient: the Jacobians of a function, of its gradients and by finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numflow import dtypes
from numflow.eager.tape import GradientTape
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor

Array = npt.NDArray[Any]


def compute_gradient(
    f: Callable[..., Any], x: Sequence[Any], delta: float | None = None
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """The Jacobian for each argument, from gradients and from central differences.

    Args:
      f: a function of floating tensors that gives one.
      x: its arguments, a list.
      delta: step of the differences; default 1/1024.

    Returns:
      (theoretical, numerical): for each argument an array [elements of f's result, elements of x].

    Raises:
      ValueError: x is no list, or holds something that is not floating.

    Example:
      >>> theoretical, numerical = nf.test.compute_gradient(lambda x: x * x, [nf.constant([3.0])])
      >>> theoretical[0].tolist()
      [[6.0]]

    Source: TensorFlow's tf.test.compute_gradient, for the arguments and what is returned.
    """
    if not isinstance(x, list):
        problem = "`x` must be a list of Tensors (arguments to `f`), "
        raise ValueError(explain("compute_gradient", problem + f"not a {type(x).__name__}"))
    step = 1.0 / 1024 if delta is None else float(delta)
    inputs = [as_tensor(t, None, "compute_gradient", f"x[{k}]") for k, t in enumerate(x)]
    for k, t in enumerate(inputs):
        if not t.dtype.is_floating:
            raise ValueError(explain("compute_gradient", f"x[{k}] is not floating", {"x": t.spec}))
    theoretical = tuple(_theoretical(f, inputs, k) for k in range(len(inputs)))
    numerical = tuple(_numerical(f, inputs, k, step) for k in range(len(inputs)))
    return theoretical, numerical


def _theoretical(f: Callable[..., Any], inputs: Sequence[Tensor], k: int) -> Array:
    """Row by row: the gradient of each element of the result."""
    x = inputs[k]
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = as_tensor(f(*inputs))
    shape, size = y.numpy().shape, y.numpy().size
    rows = np.zeros([size, x.numpy().size], x.dtype.numpy)
    for i in range(size):
        ct = np.zeros(size, y.dtype.numpy)
        ct[i] = 1
        gradient = tape.gradient(y, x, as_tensor(ct.reshape(shape)), "zero")
        rows[i] = as_tensor(gradient).numpy().reshape(-1)
    return rows


def _numerical(f: Callable[..., Any], inputs: Sequence[Tensor], k: int, step: float) -> Array:
    """Column by column: the difference of f at two places around x, in float64 but for f."""
    dtype = inputs[k].dtype
    place = inputs[k].numpy().astype(np.float64)
    # float16 and bfloat16 would not see so small a step: TensorFlow's factors.
    wide = {dtypes.float16: 32.0, dtypes.bfloat16: 128.0}.get(dtype, 1.0) * step
    columns = []
    for i in range(place.size):
        values = []
        for sign in (1.0, -1.0):
            moved = place.reshape(-1).copy()
            moved[i] += sign * wide
            args = list(inputs)
            args[k] = as_tensor(moved.reshape(place.shape).astype(dtype.numpy))
            values.append(np.asarray(f(*args)).astype(np.float64).reshape(-1))
        columns.append((values[0] - values[1]) / (2.0 * wide))
    if not columns:
        return np.zeros([np.asarray(f(*inputs)).size, 0], dtype.numpy)
    return np.stack(columns, axis=1).astype(dtype.numpy)
