"""A Loop run by NumPy, floats in float64: the oracle of the printers.

Slow, short, and knows nothing of blocks or lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numflow.graph.loops import Loop, Operand, Term
from numflow.kernels.builder import FLOATS, HALVES

Array = npt.NDArray[Any]

NUMPY = {
    **{f"i{n}": f"int{n}" for n in (8, 16, 32, 64)},
    **{f"u{n}": f"uint{n}" for n in (8, 16, 32, 64)},
    **{"f16": "float16", "bf16": "uint16", "f32": "float32", "f64": "float64", "b1": "bool"},
}
"""NumPy's name of a dtype; bfloat16 as its bits."""


def run_reference(
    loop: Loop, arrays: Mapping[str, Array], sizes: Sequence[int]
) -> dict[str, Array]:
    """What every output holds afterwards: of shape `sizes` with 1 where it broadcasts, and for
    partials the whole fold.

    arrays: inputs, of shape `sizes` with 1 where they broadcast; bf16 as uint16. sizes: of all
    axes, the inner one last. A fold of nothing by max or argmax is not defined. Of a loop over
    segments: the segments one after the other.
    """
    wide = {name: _widened(a, loop.operand(name).dtype) for name, a in arrays.items()}
    results: dict[str, Array] = {}
    reduced: dict[Term, Array] = {}
    known: dict[Term, Array] = {}
    rows = math.prod(sizes[: loop.outer])
    depth = sizes[-2] if loop.deep else 1

    def index(t: Term) -> Array:
        numbers = np.indices(tuple(sizes), sparse=True)
        if t.attr == "cols":
            return numbers[-1]
        if t.attr == "depth":
            return numbers[-2]
        if t.attr == "rows":
            flat = np.arange(rows).reshape(sizes[: loop.outer])
            return flat[(...,) + (None,) * (loop.axes - loop.outer)]
        return numbers[int(str(t.attr))]

    def leaf(t: Term) -> Array | None:
        if t.op == "load":
            return results[str(t.attr)] if t.attr in results else wide[str(t.attr)]
        if t.op == "const":
            return np.asarray(t.attr, _dtype(t))
        if t.op == "index":
            return index(t).astype(_dtype(t))
        if t.op == "size":
            n = {"cols": sizes[-1], "rows": rows, "depth": depth, "count": math.prod(sizes)}
            return np.asarray(n[str(t.attr)], _dtype(t))
        return reduced[t] if t.op == "reduced" else None

    def value(t: Term) -> Array:
        found = leaf(t)
        if found is None:
            if t not in known:
                known[t] = _operation(t, [value(a) for a in t.args])
            found = known[t]
        return found

    for sweep in loop.sweeps:
        known.clear()
        new: dict[str, Array] = {}
        folded: dict[Term, Array] = {}
        for r in sweep.reduces:
            axes: dict[str, tuple[int, ...]]
            axes = {"cols": (-1,), "depth": (-2,), "rows": tuple(range(loop.outer))}
            over = axes.get(r.over, tuple(range(loop.axes)))
            shape = (*sizes[:-1], 1) if r.over == "each" else tuple(sizes)
            x = np.broadcast_to(value(r.term), shape)
            payload = None
            if r.payload is not None:
                payload = np.broadcast_to(value(r.payload), shape)
            best, where = _fold(r.kind, x, payload, over)
            if r.result is not None:
                folded[r.result] = best if where is None else where
            for name, y in zip(r.into, (best, where), strict=False):
                if y is not None:
                    results[name] = y.reshape(-1)
        for s in sweep.stores:
            o = loop.operand(s.operand)
            shape = tuple(n if a != "-" else 1 for n, a in zip(sizes, o.access, strict=True))
            y = np.broadcast_to(value(s.term), shape)
            new[s.operand] = _widened(_stored(y, o), o.dtype)
        results.update(new)
        reduced.update(folded)
    return {name: _stored(a, loop.operand(name)) for name, a in results.items()}


def _dtype(t: Term) -> str:
    return "float64" if t.dtype in FLOATS else NUMPY[t.dtype]


def _widened(a: Array, dtype: str) -> Array:
    if dtype == "bf16":
        return (a.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return a.astype(np.float64) if dtype in FLOATS or dtype in HALVES else a


def _stored(a: Array, o: Operand) -> Array:
    if o.dtype in FLOATS:
        return a.astype(np.float64)
    if o.dtype in HALVES:
        return half_bits(a) if o.dtype == "bf16" else a.astype(np.float32).astype(np.float16)
    return a.astype(NUMPY[o.dtype])


def half_bits(a: Array) -> Array:
    """The bits of the bfloat16 nearest to each number, halves to even."""
    bits = a.astype(np.float32).view(np.uint32)
    rounded = (bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(a), (bits >> 16) | 0x40, rounded).astype(np.uint16)


def _fold(
    kind: str, x: Array, payload: Array | None, axes: tuple[int, ...]
) -> tuple[Array, Array | None]:
    if payload is None:
        ufuncs = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}
        with np.errstate(all="ignore"):
            total = ufuncs[kind].reduce(x, axis=axes, keepdims=True, dtype=x.dtype)
        return total, None
    kept = [k for k in range(x.ndim) if k - x.ndim not in axes and k not in axes]
    folded = [k for k in range(x.ndim) if k not in kept]
    shape = [n if k in kept else 1 for k, n in enumerate(x.shape)]
    flat = x.transpose(*kept, *folded).reshape(*(x.shape[k] for k in kept), -1)
    carried = payload.transpose(*kept, *folded).reshape(flat.shape)
    at = (np.argmax if kind == "argmax" else np.argmin)(flat, axis=-1, keepdims=True)
    best, where = np.take_along_axis(flat, at, -1), np.take_along_axis(carried, at, -1)
    return best.reshape(shape), where.reshape(shape)


# --- operations --------------------------------------------------------------


def _operation(t: Term, args: list[Array]) -> Array:
    with np.errstate(all="ignore"):
        if t.op == "cast":
            return _cast(args[0], t)
        if t.op == "rounded":
            stored = _stored(args[0], Operand("", str(t.attr), "-"))
            return _widened(stored, str(t.attr))
        if t.op == "philox":
            return _philox(*args)[int(str(t.attr))]
        if t.args and t.args[0].dtype not in FLOATS and t.op in _WHOLE:
            return _WHOLE[t.op](*args)
        return np.asarray(_OPS[t.op](*args))


def _cast(x: Array, t: Term) -> Array:
    if t.dtype == "b1":
        return np.asarray(x != 0)
    if x.dtype.kind == "f" and t.dtype == "u64":
        return x.astype(np.uint64)
    if x.dtype.kind == "f" and t.dtype not in FLOATS:
        return x.astype(np.int64).astype(NUMPY[t.dtype])
    if t.dtype == "f32" and t.args[0].dtype == "f64":
        return x.astype(np.float32).astype(np.float64)
    return x.astype(_dtype(t))


def _philox(index: Array, key: Array, step: Array) -> tuple[Array, ...]:
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)

    def halves(x: Array) -> list[Array]:
        u = x.astype(np.int64).view(np.uint64)
        return [u & low, u >> high]

    (c0, c1), (c2, c3), (k0, k1) = halves(index), halves(step), halves(key)
    for n in range(10):
        if n:
            k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
        p0, p2 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1 = (p2 >> high) ^ c1 ^ k0, p2 & low
        c2, c3 = (p0 >> high) ^ c3 ^ k1, p0 & low
    return tuple(c.astype(np.uint32) for c in (c0, c1, c2, c3))


def _whole_div(x: Array, y: Array) -> Array:
    """Truncated; 0 where y is 0."""
    q = np.floor_divide(x, np.where(y == 0, 1, y).astype(y.dtype))
    q = q + ((q * y != x) & ((x < 0) != (y < 0))).astype(q.dtype)
    return np.where(y == 0, 0, q).astype(x.dtype)


def _whole_pow(x: Array, y: Array) -> Array:
    x, y = np.broadcast_arrays(x, y)
    positive: Array = np.power(x, np.maximum(y, 0).astype(y.dtype))
    if y.dtype.kind == "u":
        return positive
    inverse = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0))
    return np.where(y < 0, inverse, positive).astype(x.dtype)


def _nonzero(f: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """f, and 0 where the second argument is 0."""
    return lambda x, y: np.where(y == 0, 0, f(x, np.where(y == 0, 1, y).astype(y.dtype))).astype(
        x.dtype
    )


_WHOLE: dict[str, Callable[..., Array]] = {
    "div": _whole_div,
    "rem": _nonzero(np.fmod),
    "floordiv": _nonzero(np.floor_divide),
    "mod": _nonzero(np.remainder),
    "pow": _whole_pow,
    "neg": lambda x: np.asarray(0 - x).astype(x.dtype),
}


def _by_element(f: Callable[..., float]) -> Callable[..., Array]:
    return np.vectorize(f, otypes=[np.float64])


def _lgamma(x: float) -> float:
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def _middle(t: float) -> float:
    """The t-th share, -1/2 <= t < 1/2, of the normal distribution between -2 and 2, by halving."""
    low, high, whole = -2.0, 2.0, 2 * math.erf(math.sqrt(2))
    for _ in range(60):
        z = (low + high) / 2
        low, high = (z, high) if math.erf(z / math.sqrt(2)) < whole * t else (low, z)
    return z


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


_OPS: dict[str, Callable[..., Any]] = {
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide},
    **{"neg": np.negative, "abs": np.abs, "max": np.maximum, "min": np.minimum},
    "rem": np.fmod,
    "larger": lambda x, y: np.where(x > y, x, y),
    "smaller": lambda x, y: np.where(x < y, x, y),
    "fma": lambda x, y, z: x * y + z,
    **{"rint": np.rint, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "sqrt": np.sqrt},
    "copysign": np.copysign,
    **{"shl": np.left_shift, "shr": np.right_shift, "bitand": np.bitwise_and},
    **{"bitor": np.bitwise_or, "bitxor": np.bitwise_xor},
    "mulhi": lambda x, y: ((x.astype(np.uint64) * y.astype(np.uint64)) >> 32).astype(np.uint32),
    **{"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal},
    **{"eq": np.equal, "ne": np.not_equal, "logical_and": np.logical_and},
    **{"logical_or": np.logical_or, "logical_not": np.logical_not, "select": np.where},
    **{"exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh},
    **{"sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh},
    **{"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2},
    **{"asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "pow": np.power},
    **{"floordiv": np.floor_divide, "mod": np.remainder, "sigmoid": _sigmoid},
    **{"erf": _by_element(math.erf), "erfc": _by_element(math.erfc)},
    "lgamma": _by_element(_lgamma),
    "product": np.multiply,
    "normal": lambda u, v: np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * math.pi * v),
    "truncated_normal": _by_element(_middle),
}
