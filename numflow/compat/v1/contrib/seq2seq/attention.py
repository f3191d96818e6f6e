"""Attention mechanisms: how much a query attends to each step of a memory.

    Luong        score = query . key,  times attention_g with scale
    Bahdanau     score = attention_v . tanh(key + query),  normalised: g v / |v| and a bias
    alignments = probability_fn(score), steps past a memory's end having score_mask_value

keys = memory kernel (and queries, for Bahdanau) are maps without a bias.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any

from numflow import dtypes, initializers
from numflow.compat.v1.contrib.linear import Linear
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.keras.layers.layer import Layer
from numflow.ops import activation as activations
from numflow.ops import checks, linalg, plain, recurrent
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent

__all__ = ["AttentionMechanism", "BahdanauAttention", "LuongAttention"]

KeysAndValues = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class AttentionMechanism(Layer):
    """A memory, and how a query is compared with it.

    A subclass gives the score [batch, steps] of a query [batch, depth].
    mechanism(query, state) -> (alignments [batch, steps], the next state, which is the same).
    """

    def __init__(
        self,
        num_units: int,
        memory: TensorLike,
        memory_sequence_length: TensorLike | None,
        probability_fn: Callable[[Any], Any] | None,
        score_mask_value: float | None,
        dtype: Any,
        custom_key_value_fn: KeysAndValues | None,
        name: str,
    ) -> None:
        op = type(self).__name__
        x = as_tensor(memory, None, op, "memory")
        super().__init__(dtype=x.dtype if dtype is None else dtype, name=name, autocast=False)
        if not self._dtype.is_floating:
            raise DTypeError(explain(op, f"dtype is {self.dtype}, not floating"))
        for argument, function in (
            ("probability_fn", probability_fn),
            ("custom_key_value_fn", custom_key_value_fn),
        ):
            if function is not None and not callable(function):
                problem = f"{argument} must be callable, not {type(function).__name__}"
                raise TypeError(explain(op, problem))
        self._memory_layer = Linear(op, "num_units", num_units, False, self._dtype)
        self._num_units = self._memory_layer.units
        self._probability: Callable[[Any], Any] = probability_fn or activations.softmax
        self._mask_value = -math.inf
        if score_mask_value is not None:
            self._mask_value = plain.number(score_mask_value, op, "score_mask_value")
        self._custom = custom_key_value_fn
        self.setup_memory(x, memory_sequence_length)

    def setup_memory(
        self, memory: TensorLike, memory_sequence_length: TensorLike | None = None
    ) -> None:
        """Another memory for the same weights: that of the next batch.

        Args:
          memory: [batch, steps, depth].
          memory_sequence_length: integers [batch], in [1, steps].

        Raises:
          ShapeError, DTypeError: memory has other axes, or another dtype.
          InvalidArgumentError: a length is out of range.
        """
        op = type(self).__name__
        x = as_tensor(memory, None, op, "memory")
        if x.spec.rank != 3:
            raise ShapeError(explain(op, "memory is [batch, steps, depth]", {"memory": x.spec}))
        if x.dtype is not self._dtype:
            problem = f"memory is {x.dtype.name}, the mechanism {self.dtype}"
            raise DTypeError(explain(op, problem, {"memory": x.spec}, "dtype, or nf.cast"))
        batch, steps, _ = x.spec.shape
        self._alive: Tensor | None = None
        if memory_sequence_length is not None:
            lengths = as_tensor(memory_sequence_length, None, op, "memory_sequence_length")
            if not lengths.dtype.is_integer:
                problem = f"memory_sequence_length is {lengths.dtype.name}, not an integer"
                raise DTypeError(explain(op, problem))
            problem = "all of memory_sequence_length must be greater than 0"
            some = checks.checked_positive(maths.cast(lengths, dtypes.int64), op, problem)
            self._alive = recurrent.within(op, some, steps, batch, False)
            here = shaping.expand_dims(self._alive, 2)
            x = selections.where(here, x, shaping.zeros_like(x))
        self._values, self._keys = x, self._memory_layer(x)
        if self._custom is not None:
            self._keys, self._values = self._custom(self._keys, self._values)

    @property
    def values(self) -> Tensor:
        """The memory [batch, steps, depth], 0 past its ends."""
        return self._values

    @property
    def keys(self) -> Tensor:
        """What queries are compared with: [batch, steps, units]."""
        return self._keys

    @property
    def memory_layer(self) -> Layer:
        """The map from memory to keys."""
        return self._memory_layer

    @property
    def batch_size(self) -> Extent:
        """How many memories."""
        return self._keys.spec.shape[0]

    @property
    def alignments_size(self) -> Extent:
        """How many steps a memory has."""
        return self._keys.spec.shape[1]

    @property
    def state_size(self) -> Extent:
        """The size of the state, which is the alignments."""
        return self.alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """Zeros [batch, steps]."""
        return shaping.zeros((batch_size, self.alignments_size), dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """The state before the first query: the initial alignments."""
        return self.initial_alignments(batch_size, dtype)

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        x = as_tensor(query, None, type(self).__name__, "query")
        found: tuple[Tensor, Tensor] = super().__call__(x, state)
        return found

    @abc.abstractmethod
    def score(self, query: Tensor) -> Tensor:
        """[batch, steps], of a query [batch, depth]."""

    def call(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        """(alignments [batch, steps], the next state)."""
        op = type(self).__name__
        if query.spec.rank != 2:
            raise ShapeError(explain(op, "query is [batch, depth]", {"query": query.spec}))
        score = self.score(query)
        if self._alive is not None:
            mask_value = as_tensor(self._mask_value, score.dtype)
            score = selections.where(self._alive, score, mask_value)
        alignments: Tensor = self._probability(score)
        return alignments, alignments


class LuongAttention(AttentionMechanism):
    """Multiplicative attention: queries have as many columns as keys.

    Args:
      num_units: columns of keys, and of queries.
      memory: [batch, steps, depth], usually the outputs of an encoder.
      memory_sequence_length: integers [batch], in [1, steps]: what is past it is not attended to.
      scale: scores are multiplied by a weight that begins at 1.
      probability_fn: from scores to probabilities; default softmax.
      score_mask_value: the score past a memory's end; default -inf.
      dtype: of weights; default memory's.
      custom_key_value_fn: (keys, values) -> (keys, values), others in their place.

    Raises:
      ShapeError: memory is not [batch, steps, depth]; a query of other many columns.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> attend = nf.compat.v1.contrib.seq2seq.LuongAttention(4, nf.ones([2, 3, 5]), [2, 1])
      >>> attend(nf.ones([2, 4]), attend.initial_state(2, nf.float32))[0].numpy().tolist()
      [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]

    Source: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation"
    (eq. 8, "general").
    """

    def __init__(
        self,
        num_units: int,
        memory: TensorLike,
        memory_sequence_length: TensorLike | None = None,
        scale: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: float | None = None,
        dtype: Any = None,
        custom_key_value_fn: KeysAndValues | None = None,
        name: str = "LuongAttention",
    ) -> None:
        super().__init__(
            num_units, memory, memory_sequence_length, probability_fn, score_mask_value, dtype,
            custom_key_value_fn, name,
        )  # fmt: skip
        scaled = plain.flag(scale, "LuongAttention", "scale")
        self._g = self.add_weight((), "ones", name="attention_g") if scaled else None

    def score(self, query: Tensor) -> Tensor:
        depth, units = query.spec.shape[1], self._keys.spec.shape[2]
        if depth != units:
            problem = f"query has {depth} columns, and keys have {units}"
            shown = {"query": query.spec, "keys": self._keys.spec}
            raise ShapeError(explain("LuongAttention", problem, shown, f"num_units={depth}"))
        wide = linalg.matmul(shaping.expand_dims(query, 1), self._keys, transpose_b=True)
        found = shaping.squeeze(wide, [1])
        return found if self._g is None else self._g * found


class BahdanauAttention(AttentionMechanism):
    """Additive attention: queries are mapped to as many columns as keys have.

    Args:
      num_units: columns of keys and mapped queries.
      normalize: attention_v is g v / |v|, and there is a bias before tanh.
      memory, memory_sequence_length, probability_fn, score_mask_value, dtype,
        custom_key_value_fn: as of LuongAttention.

    Raises:
      ShapeError: memory is not [batch, steps, depth].
      InvalidArgumentError: a length is out of range.

    Example:
      >>> attend = nf.compat.v1.contrib.seq2seq.BahdanauAttention(4, nf.ones([2, 3, 5]), [2, 1])
      >>> attend(nf.ones([2, 7]), attend.initial_state(2, nf.float32))[0].numpy().tolist()
      [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]

    Source: Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and
    Translate" (A.1.2); Salimans & Kingma 2016, "Weight Normalization" (eq. 2).
    """

    def __init__(
        self,
        num_units: int,
        memory: TensorLike,
        memory_sequence_length: TensorLike | None = None,
        normalize: bool = False,
        probability_fn: Callable[[Any], Any] | None = None,
        score_mask_value: float | None = None,
        dtype: Any = None,
        custom_key_value_fn: KeysAndValues | None = None,
        name: str = "BahdanauAttention",
    ) -> None:
        super().__init__(
            num_units, memory, memory_sequence_length, probability_fn, score_mask_value, dtype,
            custom_key_value_fn, name,
        )  # fmt: skip
        n = self._num_units
        self._query_layer = Linear("BahdanauAttention", "num_units", n, False, self._dtype)
        self._v = self.add_weight((n,), name="attention_v")
        self._g: Any = None
        self._b: Any = None
        if plain.flag(normalize, "BahdanauAttention", "normalize"):
            start = initializers.Constant(math.sqrt(1.0 / n))
            self._g = self.add_weight((), start, name="attention_g")
            self._b = self.add_weight((n,), "zeros", name="attention_b")

    @property
    def query_layer(self) -> Layer:
        """The map of queries."""
        return self._query_layer

    def score(self, query: Tensor) -> Tensor:
        seen = self._keys + shaping.expand_dims(self._query_layer(query), 1)
        v = as_tensor(self._v)
        if self._g is not None:
            v = self._g * v * maths.rsqrt(reductions.reduce_sum(v * v))
            seen = seen + self._b
        return reductions.reduce_sum(v * maths.tanh(seen), 2)
