"""Bits, uniform and normal numbers of (key, step): Philox, one block of four words per element.

Every number has the same bits eager and compiled, on any processor (kernels/scalar_normal.py).

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.kernels import scalar_bits
from numflow.kernels.builder import code
from numflow.ops import same_bits
from numflow.ops import shape as shaping
from numflow.ops.random_state import State
from numflow.shapes import Extent, Shape, product

# --- Philox ----------------------------------------------------------------------------


_PART = 1 << 13  # elements at a time: their words stay in the caches, twice as fast


def philox(index: Any, key: int, step: int) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10 of the counter (index, step) and the key: four words, uint64 below 2^32.

    The twin of scalar_bits.philox, in NumPy.
    """
    index = np.asarray(index, np.int64)
    if index.size <= _PART:
        return _philox(index, key, step)
    words = np.empty((4, index.size), np.uint64)
    for k in np.arange(0, index.size, _PART):
        words[:, k : k + _PART] = _philox(index[k : k + _PART], key, step)
    first, second, third, fourth = words
    return first, second, third, fourth


_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_WORD, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def _philox(index: Any, key: int, step: int) -> tuple[Any, Any, Any, Any]:
    """Words 0 and 2 as the rows of one array, 1 and 3 as those of another: few calls of NumPy."""
    wide = index.reshape(-1).astype(np.uint64)
    even, odd = np.empty((2, 2, wide.size), np.uint64)
    even[0], odd[0] = wide & _WORD, wide >> _HALF
    even[1], odd[1] = int(step) & 0xFFFFFFFF, int(step) >> 32 & 0xFFFFFFFF
    for keys in _round_keys(int(key)):
        product = even * _MULTIPLIERS
        even = product[::-1] >> _HALF
        even ^= odd
        even ^= keys
        odd = product[::-1] & _WORD
    return even[0], odd[0], even[1], odd[1]


@functools.lru_cache(maxsize=256)
def _round_keys(key: int) -> Any:
    """Of the ten rounds, [10, 2, 1]."""
    first, second = key & 0xFFFFFFFF, key >> 32 & 0xFFFFFFFF
    words = [
        [[(first + n * 0x9E3779B9) & 0xFFFFFFFF], [(second + n * 0xBB67AE85) & 0xFFFFFFFF]]
        for n in range(10)
    ]
    return np.array(words, np.uint64)


# --- ops ---------------------------------------------------------------------------------


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
    u, v = _uniform_of(dtype, words[0], words[1]), _uniform_of(dtype, words[2], words[3])
    return same_bits.body("normal", code(dtype), 2)(u, v)


def _normal_body(
    b: Any, axes: Any, key: Any, step: Any, *, shape: Shape, dtype: dtypes.DType
) -> Any:
    w0, w1, w2, w3 = _words(b, axes, key, step)
    return scalar_bits.normal(b, w0, w1, w2, w3, b.code(dtype))


normal_op = Op(
    "philox_normal", _line_infer, _normal_reference, None, Elementwise(_normal_body, indexed=True)
)


def _truncated_reference(key: Any, step: Any, *, shape: Any, dtype: dtypes.DType) -> Any:
    u = _uniform_reference(key, step, shape=shape, dtype=dtype)
    return same_bits.body("truncated_normal", code(dtype))(u - dtype.as_numpy_dtype(0.5))


def _truncated_body(
    b: Any, axes: Any, key: Any, step: Any, *, shape: Shape, dtype: dtypes.DType
) -> Any:
    high, low, *_ = _words(b, axes, key, step)
    return scalar_bits.truncated_normal(b, high, low, b.code(dtype))


truncated_op = Op(
    "philox_truncated",
    _line_infer,
    _truncated_reference,
    None,
    Elementwise(_truncated_body, indexed=True),
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


# --- shaped ------------------------------------------------------------------------------


def fill(op: Op, state: State, shape: Shape, dtype: dtypes.DType) -> Tensor:
    """The numbers 0, 1, 2... of a draw, in a shape."""
    count: Extent = product(shape)
    return shaping.reshape(op(*state, shape=(count,), dtype=dtype), shape)


def floats(op: Op, state: State, shape: Shape, want: dtypes.DType) -> Tensor:
    """Drawn in float32 or float64; 16-bit floats are drawn as float32."""
    return fill(op, state, shape, dtypes.float64 if want is dtypes.float64 else dtypes.float32)


# --- blocks of samplers --------------------------------------------------------------------
# The twins, in NumPy, of kernels/cpu/philox.py.

ATTEMPT_SHIFT = 48


def blocks(attempt: int, index: Any, key: Any, step: Any) -> tuple[Any, Any]:
    """The 128 bits of an attempt to draw the elements `index`, as two uint64."""
    words = philox(np.asarray(index, np.int64) + (attempt << ATTEMPT_SHIFT), key, step)
    half = np.uint64(32)
    return words[0] << half | words[1], words[2] << half | words[3]


def uniforms(attempt: int, index: Any, key: Any, step: Any) -> tuple[Any, Any]:
    """Two numbers of [0, 1) with 53 bits."""
    first, second = blocks(attempt, index, key, step)
    rest = np.uint64(11)
    return (first >> rest) * 2.0**-53, (second >> rest) * 2.0**-53


def normals(attempt: int, index: Any, key: Any, step: Any) -> Any:
    """Standard normal float64 numbers."""
    return same_bits.body("normal", "f64", 2)(*uniforms(attempt, index, key, step))
