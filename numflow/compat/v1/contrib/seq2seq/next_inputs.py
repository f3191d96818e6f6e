"""What a BasicDecoder takes as its next input: the truth, or what it gave itself."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

from numflow import dtypes, nest
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, indexing, plain, statistics
from numflow.ops import embedding as embeddings
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent
from numflow.tensor_shape import TensorShape

__all__ = ["CustomHelper", "GreedyEmbeddingHelper", "Helper", "TrainingHelper"]


class Helper(abc.ABC):
    """What chooses a word of each output, and the next input.

    A subclass has batch_size, initialize() -> (finished, inputs),
    sample(time, outputs, state) -> what is chosen of each output [batch], and
    next_inputs(time, outputs, state, sample_ids) -> (finished, inputs, state).
    """

    @property
    @abc.abstractmethod
    def batch_size(self) -> Any:
        """How many sequences, an int32 scalar."""

    @property
    def sample_ids_shape(self) -> Any:
        """The shape of what `sample` gives, for one sequence."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        """The dtype of what `sample` gives."""
        return dtypes.int32

    @property
    def most_steps(self) -> Extent | None:
        """How many steps there are at most, where that is known before."""
        return None

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """(finished, inputs) before the first step."""

    @abc.abstractmethod
    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """What is chosen of the outputs."""

    @abc.abstractmethod
    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """(finished, the next inputs, state)."""


def most_probable(op: str, outputs: Any) -> Tensor:
    """The number of the largest of logits [batch, classes], int32 [batch].

    Raises:
      TypeError: outputs are not one tensor.
    """
    if not isinstance(outputs, Tensor):
        problem = f"outputs are not one tensor of logits, but {type(outputs).__name__}"
        raise TypeError(explain(op, problem))
    return statistics.argmax(outputs, -1, dtypes.int32)


class TrainingHelper(Helper):
    """The next input is the truth's next step.

    Args:
      inputs: tensors [batch, steps, ...], or [steps, batch, ...] with time_major; nested.
      sequence_length: integers [batch], in [0, steps].

    Raises:
      ShapeError: inputs have not two axes; not a length for each sequence.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> helper = nf.compat.v1.contrib.seq2seq.TrainingHelper(nf.ones([2, 5, 3]), [5, 0])
      >>> finished, x = helper.initialize()
      >>> finished.numpy().tolist(), x.shape
      ([False, True], TensorShape([2, 3]))
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: TensorLike,
        time_major: bool = False,
        name: str | None = None,
    ) -> None:
        op = "TrainingHelper"
        given = nest.map_structure(lambda v: as_tensor(v, None, op, "inputs"), inputs)
        specs = [x.spec for x in nest.flatten(given)]
        if not specs or any(s.rank < 2 for s in specs):
            problem = "inputs have batch and steps"
            raise ShapeError(explain(op, problem, {"inputs": specs}))
        major = plain.flag(time_major, op, "time_major")
        self._inputs = given if major else nest.map_structure(_turned, given)
        steps, batch = nest.flatten(self._inputs)[0].spec.shape[:2]
        lengths = as_tensor(sequence_length, None, op, "sequence_length")
        if lengths.spec.shape != (batch,):
            shown = {"sequence_length": lengths.spec, "batch": batch}
            raise ShapeError(explain(op, "sequence_length is [batch]", shown))
        checked = checks.checked_index(lengths, steps + 1, op, "sequence_length")
        self._lengths = maths.cast(checked, dtypes.int32)
        self._steps: Extent = steps
        self._batch: Extent = batch

    @property
    def inputs(self) -> Any:
        """The inputs [steps, batch, ...]."""
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        """The sequences' lengths."""
        return self._lengths

    @property
    def batch_size(self) -> Tensor:
        return shaping.size_tensor(self._batch)

    @property
    def most_steps(self) -> Extent | None:
        return self._steps

    def _at(self, time: Any) -> Any:
        """The inputs of a step; behind the last, where all is finished, those of the last."""
        if self._steps == 0:
            return nest.map_structure(
                lambda x: shaping.zeros(x.spec.shape[1:], x.dtype), self._inputs
            )
        at = maths.minimum(time, shaping.size_tensor(self._steps - 1))
        return nest.map_structure(lambda x: indexing.gather(x, at), self._inputs)

    def initialize(self, name: str | None = None) -> tuple[Tensor, Any]:
        return comparisons.equal(self._lengths, 0), self._at(as_tensor(0, dtypes.int32))

    def sample(
        self, time: Any, outputs: Any, state: Any = None, name: str | None = None, **_: Any
    ) -> Tensor:
        """The number of the largest output."""
        return most_probable("TrainingHelper", outputs)

    def next_inputs(
        self,
        time: Any,
        outputs: Any,
        state: Any,
        sample_ids: Any = None,
        name: str | None = None,
        **_: Any,
    ) -> tuple[Tensor, Any, Any]:
        """(finished, the truth's next step, state)."""
        following = time + 1
        return comparisons.greater_equal(following, self._lengths), self._at(following), state


class GreedyEmbeddingHelper(Helper):
    """The next input is the embedding of the most probable word.

    Args:
      embedding: a table [words, depth], or a function of words.
      start_tokens: int32 [batch], the words to begin with.
      end_token: the word that ends a sequence.

    Raises:
      ShapeError: start_tokens is no vector, or end_token no scalar.
      InvalidArgumentError: a word is not in the table.

    Example:
      >>> helper = nf.compat.v1.contrib.seq2seq.GreedyEmbeddingHelper(nf.eye(4), [1, 2], 3)
      >>> helper.initialize()[1].numpy().tolist()
      [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """

    def __init__(self, embedding: Any, start_tokens: TensorLike, end_token: TensorLike) -> None:
        op = "GreedyEmbeddingHelper"
        self._embed = embedder(op, embedding)
        self._start, self._end = tokens(op, start_tokens, end_token)

    @property
    def batch_size(self) -> Tensor:
        return shaping.size_tensor(self._start.spec.shape[0])

    def initialize(self, name: str | None = None) -> tuple[Tensor, Any]:
        return shaping.zeros(self._start.spec.shape, dtypes.bool), self._embed(self._start)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        """The most probable words."""
        return most_probable("GreedyEmbeddingHelper", outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Tensor, Any, Any]:
        """(whether a sequence ended, the words' embeddings, state)."""
        finished = comparisons.equal(sample_ids, self._end)
        return finished, self._embed(words_to_embed(finished, self._start, sample_ids)), state


def embedder(op: str, embedding: Any) -> Callable[[Any], Any]:
    """A function of words, given as one or as a table."""
    if callable(embedding):
        found: Callable[[Any], Any] = embedding
        return found
    if embedding is None:
        raise DTypeError(explain(op, "embedding is a table or a function of words"))
    return lambda ids: embeddings.embedding_lookup(embedding, ids)


def tokens(op: str, start_tokens: Any, end_token: Any) -> tuple[Tensor, Tensor]:
    """The words to begin with, and the one that ends: int32.

    Raises:
      ShapeError: they are no vector and no scalar. DTypeError: they are not integers.
    """
    start = as_tensor(start_tokens, None, op, "start_tokens")
    end = as_tensor(end_token, None, op, "end_token")
    shown = {"start_tokens": start.spec, "end_token": end.spec}
    if start.spec.rank != 1:
        raise ShapeError(explain(op, "start_tokens must be a vector", shown))
    if end.spec.rank:
        raise ShapeError(explain(op, "end_token must be a scalar", shown))
    for name, x in (("start_tokens", start), ("end_token", end)):
        if not x.dtype.is_integer:
            raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not an integer", shown))
    return maths.cast(start, dtypes.int32), maths.cast(end, dtypes.int32)


def words_to_embed(finished: Tensor, start: Tensor, words: Tensor) -> Tensor:
    """The words, but those of the beginning where all is finished: no table needs the last ones."""
    return selections.where(reductions.reduce_all(finished), start, words)


class CustomHelper(Helper):
    """A helper of three functions.

    Args:
      initialize_fn: () -> (finished, inputs).
      sample_fn: (time=, outputs=, state=) -> what is chosen.
      next_inputs_fn: (time=, outputs=, state=, sample_ids=) -> (finished, inputs, state).
      sample_ids_shape, sample_ids_dtype: of what is chosen for one sequence; default an int32.

    Example:
      >>> helper = nf.compat.v1.contrib.seq2seq.CustomHelper(
      ...     lambda: (nf.zeros([2], nf.bool), nf.zeros([2, 3])),
      ...     lambda time, outputs, state: nf.zeros([2], nf.int32),
      ...     lambda time, outputs, state, sample_ids: (nf.fill([2], time >= 3), outputs, state))
      >>> helper.initialize()[1].shape, helper.batch_size.numpy().item()
      (TensorShape([2, 3]), 2)
    """

    def __init__(
        self,
        initialize_fn: Callable[[], Any],
        sample_fn: Callable[..., Any],
        next_inputs_fn: Callable[..., Any],
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ) -> None:
        for name, function in (
            ("initialize_fn", initialize_fn),
            ("sample_fn", sample_fn),
            ("next_inputs_fn", next_inputs_fn),
        ):
            if not callable(function):
                raise TypeError(explain("CustomHelper", f"{name} is no function"))
        self._initialize, self._sample, self._next = initialize_fn, sample_fn, next_inputs_fn
        self._shape = TensorShape([] if sample_ids_shape is None else sample_ids_shape)
        self._dtype = dtypes.as_dtype(sample_ids_dtype or dtypes.int32)
        self._batch: Extent | None = None

    @property
    def batch_size(self) -> Tensor:
        if self._batch is None:
            raise ValueError("batch_size accessed before initialize was called")
        return shaping.size_tensor(self._batch)

    @property
    def sample_ids_shape(self) -> Any:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        finished, inputs = self._initialize()
        done = as_tensor(finished, None, "CustomHelper", "finished")
        self._batch = done.spec.shape[0]
        return done, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """What sample_fn gives."""
        return self._sample(time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """What next_inputs_fn gives."""
        found: tuple[Any, Any, Any] = self._next(
            time=time, outputs=outputs, state=state, sample_ids=sample_ids
        )
        return found


def _turned(x: Tensor) -> Tensor:
    """Batch and steps exchanged."""
    return shaping.transpose(x, (1, 0, *range(2, x.spec.rank)))
