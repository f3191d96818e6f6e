"""Bodies of kernels/scalar.py by NumPy, operation by operation: the bits that compiled code has.

For references whose results must not depend on who computes them: random numbers of a seed. A body
is written down once, as a list of NumPy's functions on numbered values, and followed from then on.
It holds for bodies that ask for no fused multiply-add, and where compiled code fuses none: there
`fma` is a product and a sum, as in kernels/lang_math.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from numflow.kernels.builder import Builder, Number
from numflow.kernels.records import NamedTuple
from numflow.kernels.scalar import BODIES

_PART = 1 << 13  # elements at a time: what lies between the steps stays in the caches

_NUMPY: dict[str, Any] = {
    **{f"{kind[0]}{n}": np.dtype(f"{kind}{n}") for kind in ("int", "uint") for n in (32, 64)},
    **{"f32": np.dtype(np.float32), "f64": np.dtype(np.float64), "b1": np.dtype(np.bool_)},
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative},
    **{"abs": np.abs, "sqrt": np.sqrt, "floor": np.floor, "copysign": np.copysign},
    **{"shl": np.left_shift, "shr": np.right_shift, "bitand": np.bitwise_and},
    **{"bitor": np.bitwise_or, "bitxor": np.bitwise_xor},
    **{"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal},
    **{"eq": np.equal, "ne": np.not_equal, "select": np.where},
    **{"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not},
}


class _Numbered(NamedTuple):
    """A value: its place in the list of values, and its dtype."""

    at: int
    dtype: str


class _Step(NamedTuple):
    function: Callable[..., Any]
    args: tuple[int, ...]
    last: tuple[int, ...]  # the values that nobody needs afterwards


class _Recorder(Builder[_Numbered]):
    """Writes down what a body asks for."""

    def __init__(self) -> None:
        self.values: list[Any] = []  # constants; None for what is computed
        self.steps: list[tuple[Callable[..., Any], tuple[int, ...]]] = []

    def new(self, dtype: str, value: Any = None) -> _Numbered:
        self.values.append(value)
        return _Numbered(len(self.values) - 1, dtype)

    def const(self, value: Number, dtype: str) -> _Numbered:
        return self.new(dtype, _NUMPY[dtype].type(value))

    def apply(
        self, op: str, args: tuple[_Numbered, ...], dtype: str, attr: object = None
    ) -> _Numbered:
        if (op, dtype) in BODIES:
            found: _Numbered = BODIES[op, dtype](self, *args)
            return found
        if op == "fma":
            return self.add(self.mul(args[0], args[1]), args[2])
        if op in ("larger", "smaller"):
            return self.select((self.gt if op == "larger" else self.lt)(*args), *args)
        if op in ("bits", "from_bits", "cast"):
            kind = _NUMPY[dtype]
            how = _cast if op == "cast" else _view
            return self._step(functools.partial(how, kind), args, dtype)
        return self._step(_FUNCTIONS[op], args, dtype)

    def _step(
        self, function: Callable[..., Any], args: tuple[_Numbered, ...], dtype: str
    ) -> _Numbered:
        result = self.new(dtype)
        self.steps.append((function, tuple(arg.at for arg in args)))
        return result


def _cast(kind: Any, x: Any) -> Any:
    return x.astype(kind)


def _view(kind: Any, x: Any) -> Any:
    return x.view(kind)


class _Body:
    """A body that has been written down."""

    def __init__(self, name: str, dtype: str, count: int) -> None:
        made = _Recorder()
        args = tuple(made.new(dtype) for _ in range(count))
        self._kind: Any = _NUMPY[dtype]
        self._result = made.apply(name, args, dtype).at
        self._values = made.values
        places = iter(at for at in range(count, len(made.values)) if made.values[at] is None)
        seen: set[int] = {self._result}
        steps: list[tuple[int, _Step]] = []
        for (function, inputs), at in reversed(list(zip(made.steps, places, strict=True))):
            last = tuple(dict.fromkeys(i for i in inputs if i not in seen))
            seen.update(last)
            computed = tuple(i for i in last if made.values[i] is None)
            steps.append((at, _Step(function, inputs, computed)))
        self._steps = steps[::-1]

    def __call__(self, *args: Any) -> Any:
        given = [np.asarray(arg, self._kind) for arg in args]
        size = given[0].size
        with np.errstate(all="ignore"):
            if size <= _PART:
                return self._run(given)
            flat = [arg.reshape(-1) for arg in given]
            out = np.empty(size, self._kind)
            for k in range(0, size, _PART):
                out[k : k + _PART] = self._run([arg[k : k + _PART] for arg in flat])
            return out.reshape(given[0].shape)

    def _run(self, args: list[Any]) -> Any:
        values = self._values.copy()
        values[: len(args)] = args
        for at, (function, inputs, last) in self._steps:
            values[at] = function(*[values[i] for i in inputs])
            for i in last:
                values[i] = None
        return values[self._result]


@functools.cache
def body(name: str, dtype: str = "f64", count: int = 1) -> Callable[..., Any]:
    """The function of kernels/scalar.py by NumPy, of `count` arrays of one shape.

    Example:
      >>> body("exp")(np.array([0.0, 1.0])).round(3).tolist()
      [1.0, 2.718]
    """
    return _Body(name, dtype, count)


def exp(x: Any) -> Any:
    """e^x, as kernels of lang.py have it."""
    return body("exp")(x)


def log(x: Any) -> Any:
    """The natural logarithm, as kernels of lang.py have it."""
    return body("log")(x)


def log1p(x: Any) -> Any:
    """log(1 + x), as kernels of lang.py have it."""
    return body("log1p")(x)
