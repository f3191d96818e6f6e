"""Helpers that draw: the next word by its probability, or now and then in place of the truth.

Source: Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural
Networks".
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.compat.v1.contrib.seq2seq.next_inputs import (
    GreedyEmbeddingHelper,
    TrainingHelper,
    embedder,
)
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, random, random_classes
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = ["SampleEmbeddingHelper", "ScheduledEmbeddingTrainingHelper"]


def drawn(op: str, logits: Any, seed: int | None) -> Tensor:
    """A number for each row of logits [batch, classes], int32 [batch].

    Raises:
      TypeError: logits are not one tensor.
    """
    if not isinstance(logits, Tensor):
        problem = f"outputs are not one tensor of logits, but {type(logits).__name__}"
        raise TypeError(explain(op, problem))
    found = random_classes.categorical(logits, 1, dtypes.int32, seed)
    return shaping.reshape(found, logits.spec.shape[:1])


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """The next input is the embedding of a word that is drawn by its probability.

    Args:
      embedding, start_tokens, end_token: as of GreedyEmbeddingHelper.
      softmax_temperature: logits are divided by it: above 1 for more variety. Default 1.
      seed: of the random numbers.

    Example:
      >>> helper = nf.compat.v1.contrib.seq2seq.SampleEmbeddingHelper(nf.eye(4), [1, 2], 3, seed=1)
      >>> helper.sample(0, nf.constant([[0.0, 1e9, 0, 0], [1e9, 0, 0, 0]]), None).numpy().tolist()
      [1, 0]
    """

    def __init__(
        self,
        embedding: Any,
        start_tokens: TensorLike,
        end_token: TensorLike,
        softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        """Words that are drawn."""
        logits = outputs if self._temperature is None else outputs / self._temperature
        return drawn("SampleEmbeddingHelper", logits, self._seed)


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """The next input is the truth's next step, or the embedding of a word that is drawn.

    Args:
      inputs: a tensor [batch, steps, depth], or [steps, batch, depth] with time_major.
      sequence_length, time_major: as of TrainingHelper.
      embedding: a table [words, depth], or a function of words.
      sampling_probability: of a word that is drawn, in [0, 1]: a scalar, or [batch].
      seed, scheduling_seed: of the words, and of the choice.

    sample gives -1 where no word was drawn.

    Raises:
      ShapeError: sampling_probability has more axes.
      InvalidArgumentError: it is outside of [0, 1].

    Example:
      >>> helper = nf.compat.v1.contrib.seq2seq.ScheduledEmbeddingTrainingHelper(
      ...     nf.ones([2, 5, 3]), [5, 2], nf.eye(3), 0.0)
      >>> helper.sample(0, nf.zeros([2, 3]), None).numpy().tolist()
      [-1, -1]
    """

    def __init__(
        self,
        inputs: Any,
        sequence_length: TensorLike,
        embedding: Any,
        sampling_probability: TensorLike,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
        name: str | None = None,
    ) -> None:
        op = "ScheduledEmbeddingTrainingHelper"
        super().__init__(inputs, sequence_length, time_major)
        self._embed = embedder(op, embedding)
        share = as_tensor(sampling_probability, None, op, "sampling_probability")
        shown = {"sampling_probability": share.spec}
        if share.spec.rank > 1:
            problem = "sampling_probability must be either a scalar or a vector"
            raise ShapeError(explain(op, problem, shown))
        share = maths.cast(share, dtypes.float32)
        inside = selections.logical_and(
            comparisons.greater_equal(share, 0.0), comparisons.less_equal(share, 1.0)
        )
        fits = checks.checked_true(inside, op, "sampling_probability is in [0, 1]")
        self._share = selections.where(fits, share, shaping.zeros_like(share))
        self._seed, self._choice_seed = seed, scheduling_seed

    def sample(
        self, time: Any, outputs: Any, state: Any = None, name: str | None = None, **_: Any
    ) -> Tensor:
        """Words that are drawn, -1 where the truth is read."""
        words = drawn("ScheduledEmbeddingTrainingHelper", outputs, self._seed)
        chance = random.uniform((self._batch,), dtype=dtypes.float32, seed=self._choice_seed)
        none = shaping.zeros_like(words) - 1
        return selections.where(comparisons.less(chance, self._share), words, none)

    def next_inputs(
        self,
        time: Any,
        outputs: Any,
        state: Any,
        sample_ids: Any = None,
        name: str | None = None,
        **_: Any,
    ) -> tuple[Tensor, Any, Any]:
        """(finished, the truth's next step or embeddings of what was drawn, state)."""
        finished, truth, state = super().next_inputs(time, outputs, state)
        own = comparisons.greater_equal(sample_ids, 0)
        rows = self._embed(maths.maximum(sample_ids, 0))
        return finished, selections.where(shaping.expand_dims(own, 1), rows, truth), state
