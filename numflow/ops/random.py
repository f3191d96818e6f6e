"""Random numbers: Philox. A (key, step, element) triple gives the same number everywhere.

key = hash(global seed, op seed); step = number of draws since the seed was set. A draw has two
parts: an op with the effect "random" that takes the next step, and pure ops that turn (key, step)
into numbers, one block of four 32-bit words per element. So the numbers do not depend on order of
evaluation, threads, or machine.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import math
import os
import threading
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import Elementwise, HostCall
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.kernels import scalar_bits
from numflow.ops import math as maths
from numflow.ops import power, statistics, transcendental
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, known_content, static_ints, static_shape
from numflow.shapes import Extent, Shape, product

# --- the state -------------------------------------------------------------------------

_MASK = (1 << 64) - 1
_DEFAULT_SEED = 87654321  # stands for the seed that is missing where one of the two is given


def _mix(x: int) -> int:
    """64 bits that all depend on all of x's. Source: Steele et al. 2014, SplitMix64."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def _signed(x: int) -> int:
    return x - (1 << 64) if x >> 63 else x


class RandomState:
    """The global seed, and the number of draws since it was set. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seed: int | None = None
        self._chance = int.from_bytes(os.urandom(8), "little")
        self._draws = 0

    def set_seed(self, seed: int | None) -> None:
        """Start anew from seed; None: from chance."""
        with self._lock:
            self._seed, self._draws = seed, 0
            self._chance = int.from_bytes(os.urandom(8), "little")

    def key(self, op_seed: int | None) -> int:
        """The key of an op, an int64."""
        if self._seed is None and op_seed is None:
            return _signed(_mix(self._chance))
        first = _DEFAULT_SEED if self._seed is None else self._seed
        second = _DEFAULT_SEED if op_seed is None else op_seed
        return _signed(_mix(_mix(first & _MASK) ^ (second & _MASK)))

    def reserve(self, count: int) -> int:
        """Take count steps; the first of them."""
        with self._lock:
            first = self._draws
            self._draws += count
        return first

    def next_draw(self, op_seed: int | None) -> tuple[int, int]:
        """(key, step) of one draw."""
        return self.key(op_seed), self.reserve(1)


random_state = RandomState()


def set_seed(seed: Any) -> None:
    """Make all draws that follow repeatable: the same seed, the same numbers.

    Args:
      seed: an integer; None: back to chance.

    Example:
      >>> nf.random.set_seed(7)
      >>> a = nf.random.normal([3])
      >>> nf.random.set_seed(7)
      >>> bool(nf.reduce_all(a == nf.random.normal([3])))
      True
    """
    if seed is not None and (isinstance(seed, bool) or not hasattr(seed, "__index__")):
        raise DTypeError(explain("set_seed", f"seed must be an integer, not {seed!r}"))
    random_state.set_seed(None if seed is None else int(seed.__index__()))


# --- the draw: effect "random" ---------------------------------------------------------


def _state_infer(*, seed: int | None) -> Spec:
    return Spec((2,), dtypes.int64)


def _state_reference(*, seed: int | None) -> Any:
    return np.array(random_state.next_draw(seed), np.int64)


state_op = Op("random_state", _state_infer, _state_reference, effect="random")


def _draw(seed: Any) -> tuple[Tensor, Tensor]:
    """(key, step) of the next draw, int64 scalars."""
    if seed is not None and (isinstance(seed, bool) or not hasattr(seed, "__index__")):
        raise DTypeError(explain("random", f"seed must be an integer, not {seed!r}"))
    state = state_op(seed=None if seed is None else int(seed.__index__()))
    return state[0], state[1]


# --- numbers of (key, step) --------------------------------------------------------------


def philox(index: Any, key: int, step: int) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10 of the counter (index, step) and the key: four words, uint64 below 2^32.

    The twin of scalar_bits.philox, in NumPy.
    """
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)

    def halves(x: Any) -> tuple[Any, Any]:
        wide = np.asarray(x, np.int64).astype(np.uint64)
        return wide & low, wide >> half

    (c0, c1), (c2, c3), (k0, k1) = halves(index), halves(step), halves(key)
    for n in range(10):
        if n:
            k0 = (k0 + np.uint64(0x9E3779B9)) & low
            k1 = (k1 + np.uint64(0xBB67AE85)) & low
        first, second = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1 = (second >> half) ^ c1 ^ k0, second & low
        c2, c3 = (first >> half) ^ c3 ^ k1, first & low
    return c0, c1, c2, c3


def _line_infer(key: Spec, step: Spec, *, shape: Shape, dtype: dtypes.DType) -> Spec:
    return Spec(shape, dtype)


def _uniform_of(dtype: dtypes.DType, high: Any, low: Any) -> Any:
    """[0, 1): 24 bits of a word as float32, 53 bits of two as float64."""
    if dtype is dtypes.float32:
        return (high >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    top, rest = (high >> np.uint64(5)).astype(np.float64), (low >> np.uint64(6)).astype(np.float64)
    return (top * 2.0**26 + rest) * 2.0**-53


def _uniform_reference(key: Any, step: Any, *, shape: Any, dtype: dtypes.DType) -> Any:
    words = philox(np.arange(shape[0]), key, step)
    return _uniform_of(dtype, words[0], words[1])


def _words(b: Any, axes: Any, key: Any, step: Any) -> list[Any]:
    """The four words of an element."""
    return [b.philox(axes(0), key, step, k) for k in (0, 1, 2, 3)]


def _uniform_body(
    b: Any, axes: Any, key: Any, step: Any, *, shape: Shape, dtype: dtypes.DType
) -> Any:
    high, low, *_ = _words(b, axes, key, step)
    return scalar_bits.uniform(b, high, low, b.code(dtype))


uniform_op = Op(
    "philox_uniform",
    _line_infer,
    _uniform_reference,
    None,
    Elementwise(_uniform_body, indexed=True),
)


def _normal_reference(key: Any, step: Any, *, shape: Any, dtype: dtypes.DType) -> Any:
    words = philox(np.arange(shape[0]), key, step)
    kind = dtype.as_numpy_dtype
    u, v = _uniform_of(dtype, words[0], words[1]), _uniform_of(dtype, words[2], words[3])
    return np.sqrt(kind(-2) * np.log(kind(1) - u)) * np.cos(kind(2 * math.pi) * v)


def _normal_body(
    b: Any, axes: Any, key: Any, step: Any, *, shape: Shape, dtype: dtypes.DType
) -> Any:
    """Source: Box & Muller 1958. 1 - u is in (0, 1]: the logarithm is finite."""
    w0, w1, w2, w3 = _words(b, axes, key, step)
    return scalar_bits.normal(b, w0, w1, w2, w3, b.code(dtype))


normal_op = Op(
    "philox_normal", _line_infer, _normal_reference, None, Elementwise(_normal_body, indexed=True)
)


def _bits_reference(key: Any, step: Any, *, shape: Any, dtype: dtypes.DType) -> Any:
    words = philox(np.arange(shape[0]), key, step)
    return (words[0] << np.uint64(32)) | words[1]


def _bits_body(b: Any, axes: Any, key: Any, step: Any, *, shape: Shape, dtype: dtypes.DType) -> Any:
    high, low, *_ = (b.cast(w, "u64") for w in _words(b, axes, key, step))
    return b.bitor(b.shl(high, 32), low)


bits_op = Op(
    "philox_bits", _line_infer, _bits_reference, None, Elementwise(_bits_body, indexed=True)
)


def _fill(op: Op, key: Tensor, step: Tensor, shape: Shape, dtype: dtypes.DType) -> Tensor:
    """The numbers 0, 1, 2... of a draw, in a shape."""
    count: Extent = product(shape)
    return shaping.reshape(op(key, step, shape=(count,), dtype=dtype), shape)


# --- uniform ---------------------------------------------------------------------------


def uniform(
    shape: Any,
    minval: TensorLike = 0,
    maxval: TensorLike = None,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from [minval, maxval), each as likely as any other.

    Args:
      shape: sizes.
      minval, maxval: numbers, or tensors that broadcast to shape; maxval defaults to 1 for floats
        and is needed for integers.
      dtype: a float, int32, int64, or another integer dtype.
      seed: of this op; see set_seed.

    Raises:
      InvalidArgumentError: an integer range is empty.
      ValueError: maxval is missing for integers.

    Example:
      >>> x = nf.random.uniform([1000], 2.0, 3.0)
      >>> bool(nf.reduce_all((x >= 2.0) & (x < 3.0)))
      True
    """
    want = dtypes.as_dtype(dtype)
    sizes = static_shape(shape, "random.uniform")
    if not (want.is_integer or want.is_floating):
        raise DTypeError(explain("random.uniform", f"does not make {want.name}"))
    if want.is_integer and maxval is None:
        raise ValueError(
            explain("random.uniform", "maxval is missing: integers have no default range")
        )
    return _uniform(_draw(seed), sizes, minval, 1 if maxval is None else maxval, want)


def _uniform(
    state: tuple[Tensor, Tensor], shape: Shape, minval: Any, maxval: Any, want: dtypes.DType
) -> Tensor:
    low = as_tensor(minval, want, "random.uniform", "minval")
    high = as_tensor(maxval, want, "random.uniform", "maxval")
    if want.is_integer:
        return _integers(state, shape, low, high, want)
    u = _floats(uniform_op, state, shape, want)
    if want.size == 2:  # as many bits as the dtype has: rounding up would give 1
        steps = 2.0**11 if want is dtypes.float16 else 2.0**8
        u = power.floor(u * steps) * (1 / steps)
    u = maths.cast(u, want)
    plain = (
        type(minval) in (int, float)
        and minval == 0
        and type(maxval) in (int, float)
        and maxval == 1
    )
    return u if plain else u * (high - low) + low


def _floats(op: Op, state: tuple[Tensor, Tensor], shape: Shape, want: dtypes.DType) -> Tensor:
    """Drawn in float32 or float64; 16-bit floats are drawn as float32."""
    return _fill(op, *state, shape, dtypes.float64 if want is dtypes.float64 else dtypes.float32)


def _integers(
    state: tuple[Tensor, Tensor], shape: Shape, low: Tensor, high: Tensor, want: dtypes.DType
) -> Tensor:
    from_, to = (maths.cast(t, dtypes.int64) for t in (low, high))
    _refuse_empty(from_, to)
    span = maths.cast(to - from_, dtypes.uint64)
    bits = _fill(bits_op, *state, shape, dtypes.uint64)
    # 64 random bits: the first values are more likely by less than span / 2^64
    chosen = power.floormod_op(bits, span)
    return maths.cast(maths.cast(chosen, dtypes.int64) + from_, want)


def _refuse_empty(low: Tensor, high: Tensor) -> None:
    a, b = known_content(low), known_content(high)
    if a is not None and b is not None and np.any(a >= b):
        shown = {"minval": a.tolist(), "maxval": b.tolist()}
        raise InvalidArgumentError(explain("random.uniform", "minval must be below maxval", shown))


# --- normal, truncated_normal --------------------------------------------------------------


def normal(
    shape: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from the normal distribution.

    Args:
      shape: sizes.
      mean, stddev: numbers, or tensors that broadcast to shape.
      dtype: floating.
      seed: of this op; see set_seed.

    Raises:
      DTypeError: dtype is not floating.

    Example:
      >>> nf.random.normal([2, 3]).shape
      TensorShape([2, 3])
    """
    want = _floating("random.normal", dtype)
    return _normal(_draw(seed), static_shape(shape, "random.normal"), mean, stddev, want)


def _floating(op: str, dtype: Any) -> dtypes.DType:
    want = dtypes.as_dtype(dtype)
    if not want.is_floating:
        raise DTypeError(explain(op, f"makes floats, not {want.name}"))
    return want


def _scaled(z: Tensor, mean: Any, stddev: Any, want: dtypes.DType) -> Tensor:
    z = maths.cast(z, want)
    if not (type(stddev) in (int, float) and stddev == 1):
        z = z * as_tensor(stddev, want, "random", "stddev")
    if not (type(mean) in (int, float) and mean == 0):
        z = z + as_tensor(mean, want, "random", "mean")
    return z


def _normal(
    state: tuple[Tensor, Tensor], shape: Shape, mean: Any, stddev: Any, want: dtypes.DType
) -> Tensor:
    return _scaled(_floats(normal_op, state, shape, want), mean, stddev, want)


_INSIDE = math.erf(math.sqrt(2))  # the share of a normal distribution within two deviations


def truncated_normal(
    shape: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from the normal distribution within two standard deviations of the mean.

    Args:
      as for normal.

    Example:
      >>> bool(nf.reduce_all(nf.abs(nf.random.truncated_normal([1000])) <= 2.0))
      True
    """
    want = _floating("random.truncated_normal", dtype)
    state = _draw(seed)
    u = _floats(uniform_op, state, static_shape(shape, "random.truncated_normal"), want)
    z = transcendental.erfinv(u * (2 * _INSIDE) - _INSIDE) * math.sqrt(2)
    return _scaled(z, mean, stddev, want)


# --- shuffle, categorical --------------------------------------------------------------------


def _shuffle_reference(value: Any, key: Any, step: Any) -> Any:
    words = philox(np.arange(len(value)), key, step)
    order = np.argsort((words[0] << np.uint64(32)) | words[1], kind="stable")
    return value[order]


shuffle_op = Op(
    "shuffle",
    lambda value, key, step: value,
    _shuffle_reference,
    None,
    HostCall("rows are shuffled by NumPy"),
)


def shuffle(value: TensorLike, seed: Any = None, name: str | None = None) -> Tensor:
    """value with its rows (slices along axis 0) in random order.

    Raises:
      ShapeError: value is a scalar.

    Example:
      >>> sorted(nf.random.shuffle([1, 2, 3]).numpy().tolist())
      [1, 2, 3]
    """
    x = as_tensor(value, None, "random.shuffle", "value")
    if not x.spec.rank:
        raise ShapeError(
            explain("random.shuffle", "value is a scalar: it has no rows", {"value": x.spec})
        )
    return shuffle_op(x, *_draw(seed))


def categorical(
    logits: TensorLike,
    num_samples: Any,
    dtype: Any = None,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Class numbers drawn with the probabilities softmax(logits), for each row.

    Args:
      logits: floating [batch, classes].
      num_samples: how many per row.
      dtype: int64 (default) or int32.
      seed: of this op; see set_seed.

    Returns:
      [batch, num_samples].

    Raises:
      ShapeError: logits has not two axes.

    Example:
      >>> nf.random.categorical([[0.0, -np.inf]], 3).numpy().tolist()
      [[0, 0, 0]]

    Source: Gumbel 1954: the largest of logits + Gumbel noise has the distribution softmax(logits).
    """
    x = as_tensor(logits, None, "random.categorical", "logits")
    if x.spec.rank != 2 or not x.dtype.is_floating:
        raise ShapeError(
            explain(
                "random.categorical", "logits must be floating [batch, classes]", {"logits": x.spec}
            )
        )
    (count,) = static_ints(num_samples, "random.categorical", "num_samples")
    rows, classes = x.spec.shape
    u = _fill(uniform_op, *_draw(seed), (rows, count, classes), dtypes.float32)
    noise = -maths.log(-transcendental.log1p(-u))
    chosen = shaping.expand_dims(maths.cast(x, dtypes.float32), 1) + noise
    return statistics.argmax(chosen, -1, dtypes.as_dtype(dtype or dtypes.int64))


# --- stateless -----------------------------------------------------------------------------------


def _stateless(seed: Any, op: str) -> tuple[Tensor, Tensor]:
    """(key, step) made of a seed of two integers."""
    pair = as_tensor(seed, None, op, "seed")
    if pair.spec.shape != (2,) or not pair.dtype.is_integer:
        raise ShapeError(explain(op, "seed must be two integers", {"seed": pair.spec}))
    pair = maths.cast(pair, dtypes.int64)
    return pair[0], pair[1]


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: TensorLike = 0,
    maxval: TensorLike = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: str = "auto_select",
) -> Tensor:
    """As uniform, but the numbers depend on seed (two integers) alone.

    Example:
      >>> a, b = (nf.random.stateless_uniform([2], seed=[1, 2]).numpy() for _ in range(2))
      >>> a.tolist() == b.tolist()
      True
    """
    want = dtypes.as_dtype(dtype)
    sizes = static_shape(shape, "random.stateless_uniform")
    if want.is_integer and maxval is None:
        raise ValueError(
            explain("random.stateless_uniform", "maxval is missing: integers have no default range")
        )
    state = _stateless(seed, "random.stateless_uniform")
    return _uniform(state, sizes, minval, 1 if maxval is None else maxval, want)


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: str = "auto_select",
) -> Tensor:
    """As normal, but the numbers depend on seed (two integers) alone.

    Example:
      >>> a, b = (nf.random.stateless_normal([2], seed=[1, 2]).numpy() for _ in range(2))
      >>> a.tolist() == b.tolist()
      True
    """
    want = _floating("random.stateless_normal", dtype)
    state = _stateless(seed, "random.stateless_normal")
    return _normal(state, static_shape(shape, "random.stateless_normal"), mean, stddev, want)
