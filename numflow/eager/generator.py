"""Generator: random numbers of a state that is a variable.

    state = (counter low, counter high, key), int64; a draw of n numbers adds 256 n to the counter

which is TensorFlow's layout and step (not its numbers). As a variable the state is read and written
in program order by compiled functions, saved by checkpoints, and copied with its owner. A draw's
key is that of the state and the upper half of the counter, its step the lower half.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.eager.variable import Variable
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.op import init_scope
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import joining, power
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_shape
from numflow.ops.random import all_bits, float_dtype, normal_of, number_dtype, truncated_of
from numflow.ops.random_counts import binomial_of
from numflow.ops.random_state import State, algorithm, words
from numflow.ops.random_stateless import drawn_uniform
from numflow.shapes import Shape, product

_WORDS = 3
_MASK = (1 << 64) - 1
_STRIDE_BITS = 8  # a number may take 2^8 blocks
_ODD = 0x9E3779B97F4A7C15 - (1 << 64)
_stepping = threading.Lock()  # held from reading a state to writing it, where no program does both

# --- states ------------------------------------------------------------------


def create_rng_state(seed: Any, alg: Any) -> Tensor:
    """The state of a new Generator, int64 [3].

    Args:
      seed: an integer of any size, or a list of up to 3 of 64 bits.
      alg: "philox", "auto_select", or an Algorithm.

    Raises:
      DTypeError: seed is not of integers.
      ValueError: alg names no algorithm.

    Example:
      >>> nf.random.create_rng_state(1234, "philox").numpy().tolist()
      [1234, 0, 0]
      >>> nf.random.create_rng_state([1, 2], "philox").numpy().tolist()
      [0, 1, 2]
    """
    op = "random.create_rng_state"
    algorithm(alg, op)
    return as_tensor(np.array(_words(op, seed), np.int64), None, op, "seed")


def _words(op: str, seed: Any) -> list[int]:
    """Three words: an integer from its lowest, a list with zeros in front, as TensorFlow's."""
    if isinstance(seed, Tensor | np.ndarray | Variable):
        seed = np.asarray(seed).tolist()
    listed = isinstance(seed, list | tuple)
    try:
        numbers = [n.__index__() for n in (seed if listed else [seed]) if not isinstance(n, bool)]
    except AttributeError:
        numbers = []
    if len(numbers) != (len(seed) if listed else 1):
        raise DTypeError(explain(op, "seed must be of integers", {"seed": repr(seed)[:200]}))
    if listed:
        padded = ([0] * _WORDS + numbers)[-_WORDS:] if len(numbers) < _WORDS else numbers[:_WORDS]
        return [_signed(n) for n in padded]
    return [_signed(numbers[0] >> 64 * k) for k in range(_WORDS)]


def _signed(n: int) -> int:
    """The low 64 bits as a signed integer."""
    n &= _MASK
    return n - (1 << 64) if n >> 63 else n


def _int64(op: str, value: Any, name: str, floats: bool = False) -> Tensor:
    """Integers as int64; floats: these too, as TensorFlow takes them in a state."""
    x = as_tensor(value, None, op, name)
    if not (x.dtype.is_integer or (floats and x.dtype.is_floating)):
        raise DTypeError(explain(op, f"{name} must be integers", {name: x.spec}))
    return maths.cast(x, dtypes.int64)


def _state(op: str, value: Any, name: str = "state", size: int = _WORDS) -> Tensor:
    """value as words of a state."""
    state = _int64(op, value, name, floats=True)
    if state.spec.shape != (size,):
        problem = f"{name} must have the shape [{size}]"
        raise ShapeError(explain(op, problem, {name: state.spec}))
    return state


# --- the class ---------------------------------------------------------------


class Generator:
    """Makes random numbers from a state of its own, which each draw moves on.

    Args:
      copy_from: another generator, whose state and algorithm are copied; or:
      state: int64 [3]; with
      alg: "philox", "auto_select", or an Algorithm.

    Raises:
      ValueError: neither, or both.
      ShapeError: state has another shape.

    Example:
      >>> g = nf.random.Generator.from_seed(1)
      >>> a, b = g.normal([3]), g.normal([3])
      >>> g.reset_from_seed(1)
      >>> bool(nf.reduce_all(g.normal([3]) == a)), bool(nf.reduce_any(a == b))
      (True, False)
    """

    def __init__(
        self, copy_from: Generator | None = None, state: TensorLike = None, alg: Any = None
    ) -> None:
        op = "random.Generator"
        given = (state is not None, alg is not None)
        if given != ((False, False) if copy_from is not None else (True, True)):
            problem = "either copy_from is needed, or state and alg"
            raise ValueError(explain(op, problem, {"state": repr(state)[:100], "alg": repr(alg)}))
        start: TensorLike
        if copy_from is not None:
            if not isinstance(copy_from, Generator):
                raise DTypeError(explain(op, f"copy_from is no Generator: {copy_from!r:.100}"))
            self._algorithm = algorithm(copy_from.algorithm, op)
            start = copy_from.state.value()
        else:
            self._algorithm = algorithm(alg, op)
            start = _state(op, state)
        self._state_var = Variable(start, trainable=False, name="StateVar", dtype=dtypes.int64)

    # --- making one ---

    @classmethod
    def from_state(cls, state: TensorLike, alg: Any) -> Generator:
        """A generator that goes on from a state, int64 [3]."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator whose numbers follow from seed.

        Example:
          >>> nf.random.Generator.from_seed(7).state.numpy().tolist()
          [7, 0, 0]
        """
        alg = "philox" if alg is None else alg
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator with a state by chance."""
        words = np.frombuffer(os.urandom(8 * _WORDS), np.int64)
        return cls(state=words, alg="philox" if alg is None else alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """A generator with that key, an integer, and counter, two integers from the lower half."""
        return cls(state=_joined("random.Generator.from_key_counter", key, counter), alg=alg)

    # --- the state ---

    @property
    def state(self) -> Variable:
        """The variable with the counter and the key."""
        return self._state_var

    @property
    def algorithm(self) -> int:
        """The number of the algorithm: 1, Philox."""
        return int(self._algorithm.value)

    @property
    def key(self) -> Tensor:
        """The key, an int64 scalar."""
        return self._state_var.value()[_WORDS - 1]

    def reset(self, state: TensorLike) -> None:
        """Go on from a state, int64 [3]."""
        self._state_var.assign(_state("random.Generator.reset", state))

    def reset_from_seed(self, seed: Any) -> None:
        """Go on as a new generator of that seed would."""
        self._state_var.assign(create_rng_state(seed, self._algorithm))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Go on with that key and counter."""
        op = "random.Generator.reset_from_key_counter"
        self._state_var.assign(_joined(op, key, counter))

    def skip(self, delta: Any) -> Tensor:
        """Move on by as much as a draw of `delta` numbers does; the state before, int64 [3].

        Example:
          >>> g = nf.random.Generator.from_seed(1)
          >>> g.skip(10).numpy().tolist(), g.state.numpy().tolist()
          ([1, 0, 0], [2561, 0, 0])
        """
        op = "random.Generator.skip"
        steps = _int64(op, delta, "delta")
        if steps.spec.rank:
            raise ShapeError(explain(op, "delta must be one number", {"delta": steps.spec}))
        with _stepping:
            before = self._state_var.value()
            self._state_var.assign(_moved(before, steps))
        return before

    def _draw(self, shape: Shape) -> State:
        """The key and step of a draw of that shape."""
        low, high, key = words(self.skip(as_tensor(product(shape), dtypes.int64)), _WORDS)
        # with 1 added, seeds of stateless draws and of generators do not give the same numbers
        return key + (high + 1) * as_tensor(_ODD, dtypes.int64), low

    # --- numbers ---

    def normal(
        self,
        shape: Any,
        mean: TensorLike = 0.0,
        stddev: TensorLike = 1.0,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:
        """Numbers from the normal distribution; arguments as of nf.random.normal."""
        op = "random.Generator.normal"
        want, sizes = float_dtype(op, dtype), static_shape(shape, op)
        return normal_of(op, self._draw(sizes), sizes, mean, stddev, want)

    def truncated_normal(
        self,
        shape: Any,
        mean: TensorLike = 0.0,
        stddev: TensorLike = 1.0,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:
        """Normal numbers within two standard deviations of the mean."""
        op = "random.Generator.truncated_normal"
        want, sizes = float_dtype(op, dtype), static_shape(shape, op)
        return truncated_of(op, self._draw(sizes), sizes, mean, stddev, want)

    def uniform(
        self,
        shape: Any,
        minval: TensorLike = 0,
        maxval: TensorLike = None,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:
        """Numbers from [minval, maxval); arguments as of nf.random.stateless_uniform."""
        op = "random.Generator.uniform"
        want, sizes = number_dtype(op, dtype), static_shape(shape, op)
        return drawn_uniform(op, self._draw(sizes), sizes, minval, maxval, want)

    def uniform_full_int(
        self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None
    ) -> Tensor:
        """Every integer of dtype (int32, int64, uint32, uint64), each as likely as any other."""
        op = "random.Generator.uniform_full_int"
        want, sizes = dtypes.as_dtype(dtype), static_shape(shape, op)
        if not want.is_integer or want.size < 4:
            raise DTypeError(explain(op, f"makes int32, int64, uint32, uint64, not {want.name}"))
        return all_bits(self._draw(sizes), sizes, want)

    def binomial(
        self,
        shape: Any,
        counts: TensorLike,
        probs: TensorLike,
        dtype: Any = dtypes.int32,
        name: str | None = None,
    ) -> Tensor:
        """Counts of successes; arguments as of nf.random.stateless_binomial."""
        op = "random.Generator.binomial"
        sizes = static_shape(shape, op)
        return binomial_of(op, self._draw(sizes), sizes, counts, probs, dtype)

    # --- seeds and generators ---

    def make_seeds(self, count: Any = 1) -> Tensor:
        """Seeds for stateless functions, a column each: int64 [2, count].

        Example:
          >>> seeds = nf.random.Generator.from_seed(1).make_seeds(3)
          >>> nf.random.stateless_normal([2], seeds[:, 0]).shape
          TensorShape([2])
        """
        op = "random.Generator.make_seeds"
        (size,) = static_shape([static_int(count, op, "count")], op, "count")
        keys = all_bits(self._draw((size,)), (size,), dtypes.int64)
        return joining.stack([keys, shaping.zeros_like(keys)])

    def split(self, count: int = 1) -> list[Generator]:
        """New generators, whose numbers are independent of each other's and of this one's.

        Example:
          >>> first, second = nf.random.Generator.from_seed(1).split(2)
          >>> bool(nf.reduce_any(first.normal([3]) == second.normal([3])))
          False
        """
        op = "random.Generator.split"
        size = int(static_int(count, op, "count"))
        static_shape([size], op, "count")
        keys = all_bits(self._draw((size,)), (size,), dtypes.int64)
        zeros = shaping.zeros([_WORDS - 1], dtypes.int64)
        return [
            Generator(state=joining.concat([zeros, keys[k : k + 1]], 0), alg=self._algorithm)
            for k in range(size)
        ]


def _moved(state: Tensor, steps: Tensor) -> Tensor:
    """The state after so many numbers: 128 bits are added to, the key stays."""
    if not (isinstance(state, SymbolicTensor) or isinstance(steps, SymbolicTensor)):
        low, high, key = np.asarray(state).tolist()
        counter = (high << 64) + (low & _MASK) + (int(steps) << _STRIDE_BITS)
        return as_tensor(np.array([_signed(counter), _signed(counter >> 64), key]))
    low, high, key = words(state, _WORDS)
    after = low + steps * (1 << _STRIDE_BITS)
    wide = dtypes.uint64
    carry = maths.cast(maths.cast(after, wide) < maths.cast(low, wide), dtypes.int64)
    above = high + power.floordiv(steps, 1 << (64 - _STRIDE_BITS)) + carry
    return joining.stack([after, above, key])


def _joined(op: str, key: Any, counter: Any) -> Tensor:
    """The state of a key and a counter."""
    word = _int64(op, key, "key")
    if word.spec.rank:
        raise ShapeError(explain(op, "key must be one number", {"key": word.spec}))
    halves = _state(op, counter, "counter", _WORDS - 1)
    return joining.concat([halves, shaping.reshape(word, [1])], 0)


# --- the global one ------------------------------------------------------------

_global: list[Generator] = []


def get_global_generator() -> Generator:
    """The generator that the whole program may share; at first one by chance.

    Example:
      >>> nf.random.set_global_generator(nf.random.Generator.from_seed(1))
      >>> nf.random.get_global_generator().state.numpy().tolist()
      [1, 0, 0]
    """
    if not _global:
        with init_scope():
            _global.append(Generator.from_non_deterministic_state())
    return _global[0]


def set_global_generator(generator: Generator) -> None:
    """Replace the global generator. Functions that were compiled before keep the older one.

    Raises:
      DTypeError: generator is none.
    """
    if not isinstance(generator, Generator):
        problem = f"generator is no nf.random.Generator: {generator!r:.100}"
        raise DTypeError(explain("random.set_global_generator", problem))
    _global[:] = [generator]
