"""Where random numbers come from: seeds, keys, and the number of the draw.

Every draw is given by two numbers, (key, step), and the numbers that it makes follow from these
alone (random_bits.py). Stateful draws: key = hash(global seed, op seed), step = number of draws
since the global seed was set; an op with the effect "random" takes the next one. Stateless draws:
the two are the seed. So nothing depends on order of evaluation, threads, or machine.
"""

from __future__ import annotations

import enum
import os
import threading
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, UnimplementedError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.op import Op, current
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import plain
from numflow.ops.convert import as_tensor

State = tuple[Tensor, Tensor]
"""(key, step) of a draw: int64 scalars."""

# --- the state -------------------------------------------------------------------------

_MASK = (1 << 64) - 1
_DEFAULT_SEED = 87654321  # stands for the seed that is missing where one of the two is given


def mix(x: int) -> int:
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
            return _signed(mix(self._chance))
        first = _DEFAULT_SEED if self._seed is None else self._seed
        second = _DEFAULT_SEED if op_seed is None else op_seed
        return _signed(mix(mix(first & _MASK) ^ (second & _MASK)))

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


def draw(seed: Any) -> State:
    """The next draw.

    Raises:
      DTypeError: seed is no integer.
    """
    if seed is not None:
        seed = plain.whole(seed, "random", "seed", most=None)
    key, step = words(state_op(seed=seed), 2)
    return key, step


def words(x: Tensor, count: int) -> tuple[Tensor, ...]:
    """The elements of a vector, as scalars; eagerly without the time of as many slices."""
    if isinstance(x, SymbolicTensor):
        return tuple(x[k] for k in range(count))
    array = np.asarray(x)
    return tuple(current().constant(np.array(array[k])) for k in range(count))


# --- stateless draws -------------------------------------------------------------------


class Algorithm(enum.Enum):
    """How a generator makes its bits: TensorFlow's names. There is Philox only."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


_ALGORITHMS = {
    "philox": Algorithm.PHILOX,
    "threefry": Algorithm.THREEFRY,
    "auto_select": Algorithm.AUTO_SELECT,
}


def algorithm(alg: Any, op: str) -> Algorithm:
    """The algorithm that a name, a number or an Algorithm means; Philox for a free choice.

    Raises:
      ValueError: alg means none.
      UnimplementedError: ThreeFry, which TensorFlow has for TPUs alone.
    """
    found = _ALGORITHMS.get(alg) if isinstance(alg, str) else alg
    if not isinstance(found, Algorithm):
        numbers = {a.value: a for a in Algorithm}
        known = isinstance(found, int | np.integer) and not isinstance(found, bool)
        found = numbers.get(int(alg)) if known else None
    if found is None:
        names = 'alg: "philox", "auto_select", or a nf.random.Algorithm'
        raise ValueError(explain(op, f"no algorithm {alg!r}", fix=names))
    if found is Algorithm.THREEFRY:
        raise UnimplementedError(
            explain(op, "ThreeFry is for TPUs: here is Philox alone", fix='alg="philox"')
        )
    return Algorithm.PHILOX


def stateless(seed: Any, op: str, alg: Any = "auto_select") -> State:
    """The draw of a seed of two integers.

    Raises:
      ShapeError: seed has not the shape [2].
      DTypeError: it is not of int32 or int64.
    """
    algorithm(alg, op)
    pair = seed_pair(seed, op)
    key, step = words(maths.cast(pair, dtypes.int64), 2)
    return key, step


def seed_pair(seed: Any, op: str) -> Tensor:
    """A seed as an int32 or int64 tensor of the shape [2]."""
    pair = as_tensor(seed, None, op, "seed")
    if pair.spec.shape != (2,):
        raise ShapeError(explain(op, "seed must be two integers", {"seed": pair.spec}))
    if pair.dtype not in (dtypes.int32, dtypes.int64):
        problem = f"seed is {pair.dtype.name}, not int32 or int64"
        raise DTypeError(explain(op, problem, {"seed": pair.spec}))
    return pair
