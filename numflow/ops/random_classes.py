"""Random choices: classes by their logits, and the order of rows."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, finite, indexing, ordering
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import scan as scans
from numflow.ops import select as selections
from numflow.ops.convert import as_tensor, static_int, static_shape
from numflow.ops.random_bits import bits_op, fill, uniform_op
from numflow.ops.random_state import State, draw, stateless

# --- categorical -----------------------------------------------------------------------


def categorical(
    logits: TensorLike,
    num_samples: Any,
    dtype: Any = None,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Class numbers drawn with the probabilities softmax(logits), for each row.

    Args:
      logits: floating [batch, classes]; a class whose logit is not finite is never drawn.
      num_samples: how many per row.
      dtype: int64 (default) or int32.
      seed: of this op; see set_seed.

    Returns:
      [batch, num_samples].

    Raises:
      ShapeError: logits has not two axes, or no classes; num_samples is negative.
      DTypeError: logits is not floating, or dtype is another.
      InvalidArgumentError: no logit of a row is finite.

    Example:
      >>> nf.random.categorical([[0.0, -np.inf]], 3).numpy().tolist()
      [[0, 0, 0]]
    """
    return _categorical("random.categorical", lambda: draw(seed), logits, num_samples, dtype)


def stateless_categorical(
    logits: TensorLike,
    num_samples: Any,
    seed: Any,
    dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """As categorical, but the numbers depend on seed (two integers) alone.

    Example:
      >>> nf.random.stateless_categorical([[0.0, -np.inf]], 3, [1, 2]).numpy().tolist()
      [[0, 0, 0]]
    """
    op = "random.stateless_categorical"
    return _categorical(op, lambda: stateless(seed, op), logits, num_samples, dtype)


def multinomial(
    logits: TensorLike,
    num_samples: Any,
    seed: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
) -> Tensor:
    """The older name of categorical, with its arguments in another order: for compat.v1.

    Example:
      >>> from numflow.ops.random_classes import multinomial
      >>> multinomial([[0.0, -np.inf]], 3, output_dtype=nf.int32).numpy().tolist()
      [[0, 0, 0]]
    """
    return categorical(logits, num_samples, output_dtype, seed)


def _categorical(op: str, state: Any, logits: TensorLike, num_samples: Any, dtype: Any) -> Tensor:
    """By the inverse of the distribution function: one number per sample."""
    x = as_tensor(logits, None, op, "logits")
    if x.spec.rank != 2:
        raise ShapeError(
            explain(op, "logits must be floating [batch, classes]", {"logits": x.spec})
        )
    if not x.dtype.is_floating:
        raise DTypeError(explain(op, f"logits is {x.dtype.name}, not floating", {"logits": x.spec}))
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    if kind not in (dtypes.int32, dtypes.int64):
        raise DTypeError(explain(op, f"dtype is {kind.name}, not int32 or int64"))
    count = static_int(num_samples, op, "num_samples", sizes=True)
    if isinstance(count, int) and count < 0:
        raise ShapeError(explain(op, f"num_samples is negative: {count}"))
    rows, classes = x.spec.shape
    static_shape((rows, count), op, "[batch, num_samples]")
    if classes == 0:
        raise ShapeError(explain(op, "logits has no classes", {"logits": x.spec}))
    sums = scans.cumsum(_weights(maths.cast(x, dtypes.float64)), -1)
    total = checks.checked_positive(sums[:, -1:], op, "no logit of a row is finite")
    u = fill(uniform_op, state(), (rows, count), dtypes.float64)
    # u < 1, and so is below the last sum also after rounding: a class of weight 0 is never met
    return ordering.searchsorted(sums, u * total, side="right", out_type=kind)


def _weights(x: Tensor) -> Tensor:
    """e^x of each row, divided by its largest; 0 for what is not finite."""
    good = finite.is_finite(x)
    top = reductions.reduce_max(selections.where(good, x, float(dtypes.float64.min)), -1, True)
    return selections.where(good, maths.exp(x - top), 0.0)


# --- shuffle -----------------------------------------------------------------------------


def shuffle(value: TensorLike, seed: Any = None, name: str | None = None) -> Tensor:
    """value with its rows (slices along axis 0) in random order; a scalar as it is.

    Example:
      >>> sorted(nf.random.shuffle([1, 2, 3]).numpy().tolist())
      [1, 2, 3]
    """
    x = as_tensor(value, None, "random.shuffle", "value")
    return _shuffled(x, draw(seed))


def stateless_shuffle(
    value: TensorLike, seed: Any, alg: Any = "auto_select", name: str | None = None
) -> Tensor:
    """As shuffle, but the order depends on seed (two integers) alone.

    Example:
      >>> a, b = (nf.random.experimental.stateless_shuffle([1, 2, 3], [4, 5]) for _ in range(2))
      >>> bool(nf.reduce_all(a == b))
      True
    """
    op = "random.stateless_shuffle"
    return _shuffled(as_tensor(value, None, op, "value"), stateless(seed, op, alg))


def _shuffled(x: Tensor, state: State) -> Tensor:
    """Rows in the order of random keys of 64 bits."""
    if not x.spec.rank:
        return x
    keys = fill(bits_op, state, (x.spec.shape[0],), dtypes.uint64)
    return indexing.gather(x, ordering.argsort(keys))
