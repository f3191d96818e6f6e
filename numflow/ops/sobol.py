"""Sobol's sequence: points that fill the unit cube more evenly than chance does.

Source: Joe & Kuo 2008, "Constructing Sobol sequences with better two-dimensional projections",
whose numbers the table holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import plain
from numflow.ops.creation import constant

# For each axis behind the first: a primitive polynomial over two elements, its coefficients being
# bits, and the first direction numbers.
_TABLE = """
3: 1
7: 1 3
11: 1 3 1
13: 1 1 1
19: 1 1 3 3
25: 1 3 5 13
37: 1 1 5 5 17
41: 1 1 5 5 5
47: 1 1 7 11 19
55: 1 1 5 1 1
59: 1 1 1 3 11
61: 1 3 5 5 31
67: 1 3 3 9 7 49
91: 1 1 1 15 21 21
97: 1 3 1 13 27 49
103: 1 1 1 15 7 5
109: 1 3 1 15 13 25
115: 1 1 5 5 19 61
131: 1 3 7 11 23 15 103
137: 1 3 7 13 13 15 69
143: 1 1 3 13 7 35 63
145: 1 3 5 9 1 25 53
157: 1 3 1 13 9 35 107
167: 1 3 1 5 27 61 31
171: 1 1 5 11 19 41 61
185: 1 3 5 3 3 13 69
191: 1 1 7 13 1 19 1
193: 1 3 7 5 13 19 59
203: 1 1 3 9 25 29 41
211: 1 3 5 13 23 1 55
213: 1 3 7 3 13 59 17
229: 1 3 1 3 5 53 69
239: 1 1 5 5 23 33 13
241: 1 1 7 7 1 61 123
247: 1 1 7 9 13 61 49
253: 1 3 3 5 3 55 33
285: 1 3 1 15 31 13 49 245
299: 1 3 5 15 31 59 63 97
301: 1 3 1 11 11 11 77 249
333: 1 3 1 11 27 43 71 9
351: 1 1 7 15 21 11 81 45
355: 1 3 7 3 25 31 65 79
357: 1 3 1 1 19 11 3 205
361: 1 1 5 9 19 21 29 157
369: 1 3 7 11 1 33 89 185
391: 1 3 3 3 15 9 79 71
397: 1 3 7 11 15 39 119 27
425: 1 1 3 1 11 31 97 225
451: 1 1 1 3 23 43 57 177
463: 1 3 7 7 17 17 37 71
487: 1 3 1 5 27 63 123 213
501: 1 1 3 5 11 43 53 133
529: 1 3 5 5 29 17 47 173 479
539: 1 3 3 11 3 1 109 9 69
545: 1 1 1 5 17 39 23 5 343
557: 1 3 1 5 25 15 31 103 499
563: 1 1 1 11 11 17 63 105 183
601: 1 1 5 11 9 29 97 231 363
607: 1 1 5 15 19 45 41 7 383
617: 1 3 7 7 31 19 83 137 221
623: 1 1 1 3 23 15 111 223 83
631: 1 1 5 13 31 15 55 25 161
637: 1 1 3 13 25 47 39 87 257
"""
_AXES = [
    (int(polynomial), [int(m) for m in numbers.split()])
    for polynomial, numbers in (line.split(": ") for line in _TABLE.split("\n") if line)
]
_BITS = 52
_MOST = 1 << 28
"""Numbers that are made at once."""


def _directions(axis: int) -> list[int]:
    """The number that each bit of a point's index exchanges, [_BITS]: fractions of 2^_BITS."""
    if axis == 0:
        return [1 << (_BITS - 1 - k) for k in range(_BITS)]
    polynomial, found = _AXES[axis - 1][0], list(_AXES[axis - 1][1])
    degree = len(found)
    for k in range(degree, _BITS):
        m = found[k - degree] ^ found[k - degree] << degree
        for j in range(1, degree):
            if polynomial >> (degree - j) & 1:
                m ^= found[k - j] << j
        found.append(m)
    return [m << (_BITS - 1 - k) for k, m in enumerate(found)]


def sobol_sample(
    dim: Any,
    num_results: Any,
    skip: Any = 0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Points [num_results, dim] of Sobol's sequence, in [0, 1); 0 itself is left out.

    Args:
      dim: how many axes; 1 to 64.
      num_results: how many points.
      skip: how many points before them are left out.
      dtype: float32 or float64.

    Raises:
      InvalidArgumentError: dim, num_results or skip is outside of its range.
      DTypeError: dtype is another.

    Example:
      >>> nf.math.sobol_sample(2, 3).numpy().tolist()
      [[0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    """
    op = "sobol_sample"
    kind = dtypes.as_dtype(dtype)
    if kind not in (dtypes.float32, dtypes.float64):
        raise DTypeError(explain(op, f"dtype is {kind.name}; it takes float32 and float64"))
    axes, count, first = (
        plain.whole(value, op, key)
        for value, key in ((dim, "dim"), (num_results, "num_results"), (skip, "skip"))
    )
    if not 1 <= axes <= 1 + len(_AXES):
        raise InvalidArgumentError(explain(op, f"dim is {axes}; it takes 1 to {1 + len(_AXES)}"))
    if count < 0 or first < 0 or count * axes > _MOST or first + count >= 1 << 48:
        problem = f"num_results is {count} and skip {first}: too many, or less than 0"
        raise InvalidArgumentError(explain(op, problem))
    index = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
    gray = index ^ (index >> np.uint64(1))
    points = np.zeros((count, axes), np.uint64)
    for axis in range(axes):
        for bit, number in enumerate(_directions(axis)[: (first + count).bit_length()]):
            chosen = gray >> np.uint64(bit) & np.uint64(1)
            points[:, axis] ^= chosen * np.uint64(number)
    return constant(points * 2.0**-_BITS, kind)
