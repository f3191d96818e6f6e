"""tf.contrib.crf: linear-chain conditional random fields.

    score(tags) = sum of inputs[t, tags[t]] + sum of transition_params[tags[t - 1], tags[t]]
    log p(tags) = score(tags) - log of the sum of exp(score) over all sequences of tags

The sum over all sequences, and the largest of them, are recurrences over the steps: in a function
one loop, with gradients.

Sources: Lafferty et al. 2001, "Conditional Random Fields"; Collins, "The Forward-Backward
Algorithm" (the forward sums); Viterbi 1967, "Error Bounds for Convolutional Codes".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes, initializers
from numflow.control.recurrence import recur
from numflow.eager.variable import Variable
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import init_scope
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, indexing, joining, recurrent, run_time, statistics
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = [
    "crf_binary_score",
    "crf_decode",
    "crf_log_likelihood",
    "crf_log_norm",
    "crf_sequence_score",
    "crf_unary_score",
    "viterbi_decode",
]


def crf_log_likelihood(
    inputs: TensorLike,
    tag_indices: TensorLike,
    sequence_lengths: TensorLike,
    transition_params: Any = None,
) -> tuple[Tensor, Any]:
    """The logarithm of the probability of sequences of tags.

    Args:
      inputs: floating [batch, steps, tags], what speaks for each tag at each step.
      tag_indices: integers [batch, steps], in [0, tags) before a sequence's end.
      sequence_lengths: integers [batch], in [0, steps]. The probability of no tags is 1.
      transition_params: [tags, tags], of inputs' dtype, what speaks for a tag behind another;
        default a new Variable, to be given to the calls that follow.

    Returns:
      ([batch], transition_params).

    Raises:
      ShapeError: the shapes do not fit. DTypeError: inputs are not floating, tags not integers.
      InvalidArgumentError: a tag or a length is out of range.

    Example:
      >>> crf = nf.compat.v1.contrib.crf
      >>> found, _ = crf.crf_log_likelihood(nf.zeros([1, 3, 2]), [[0, 1, 1]], [3], nf.zeros([2, 2]))
      >>> nf.exp(found).numpy().round(4).tolist()
      [0.125]
    """
    op = "crf_log_likelihood"
    if transition_params is None:
        transition_params = _new_transitions(op, inputs)
    chain = _chain(op, inputs, sequence_lengths, transition_params)
    tags = _tags(op, tag_indices, chain)
    return _unary(tags, chain) + _binary(tags, chain) - _log_norm(chain), transition_params


def crf_sequence_score(
    inputs: TensorLike,
    tag_indices: TensorLike,
    sequence_lengths: TensorLike,
    transition_params: Any,
) -> Tensor:
    """[batch]: the scores of sequences of tags, not normalised.

    Args and errors are those of crf_log_likelihood.

    Example:
      >>> x, t = nf.constant([[[1.0, 2.0], [3.0, 4.0]]]), nf.constant([[10.0, 20.0], [30.0, 40.0]])
      >>> nf.compat.v1.contrib.crf.crf_sequence_score(x, [[0, 1]], [2], t).numpy().tolist()
      [25.0]
    """
    op = "crf_sequence_score"
    chain = _chain(op, inputs, sequence_lengths, transition_params)
    tags = _tags(op, tag_indices, chain)
    return _unary(tags, chain) + _binary(tags, chain)


def crf_unary_score(
    tag_indices: TensorLike, sequence_lengths: TensorLike, inputs: TensorLike
) -> Tensor:
    """[batch]: the part of the scores that the inputs have.

    Example:
      >>> x = nf.constant([[[1.0, 2.0], [3.0, 4.0]]])
      >>> nf.compat.v1.contrib.crf.crf_unary_score([[0, 1]], [2], x).numpy().tolist()
      [5.0]
    """
    op = "crf_unary_score"
    chain = _chain(op, inputs, sequence_lengths, None)
    return _unary(_tags(op, tag_indices, chain), chain)


def crf_binary_score(
    tag_indices: TensorLike, sequence_lengths: TensorLike, transition_params: Any
) -> Tensor:
    """[batch]: the part of the scores that the transitions have.

    Example:
      >>> t = nf.constant([[10.0, 20.0], [30.0, 40.0]])
      >>> nf.compat.v1.contrib.crf.crf_binary_score([[0, 1, 0]], [3], t).numpy().tolist()
      [50.0]
    """
    op = "crf_binary_score"
    table = as_tensor(transition_params, None, op, "transition_params")
    given = as_tensor(tag_indices, None, op, "tag_indices")
    if given.spec.rank != 2 or table.spec.rank != 2:
        shown = {"tag_indices": given.spec, "transition_params": table.spec}
        problem = "tag_indices are [batch, steps], transition_params [tags, tags]"
        raise ShapeError(explain(op, problem, shown))
    blank = shaping.zeros((*given.spec.shape, table.spec.shape[0]), table.dtype)
    chain = _chain(op, blank, sequence_lengths, table)
    return _binary(_tags(op, given, chain), chain)


def crf_log_norm(
    inputs: TensorLike, sequence_lengths: TensorLike, transition_params: Any
) -> Tensor:
    """[batch]: the logarithm of the sum of exp(score) over all sequences of tags; 0 for no steps.

    Args and errors are those of crf_log_likelihood.

    Example:
      >>> found = nf.compat.v1.contrib.crf.crf_log_norm(nf.zeros([1, 3, 2]), [3], nf.zeros([2, 2]))
      >>> nf.exp(found).numpy().round(4).tolist()
      [8.0]
    """
    return _log_norm(_chain("crf_log_norm", inputs, sequence_lengths, transition_params))


def crf_decode(
    potentials: TensorLike, transition_params: Any, sequence_length: TensorLike
) -> tuple[Tensor, Tensor]:
    """The sequences of tags of the highest scores.

    Args:
      potentials: floating [batch, steps, tags]. transition_params: [tags, tags].
      sequence_length: integers [batch], in [0, steps]; 0 counts as 1.

    Returns:
      (int32 [batch, steps], 0 past a sequence's end; the scores [batch]). Of equal tags the first.

    Raises:
      ShapeError, DTypeError, InvalidArgumentError: as of crf_log_likelihood.

    Example:
      >>> x, t = nf.constant([[[1.0, 0.0], [0.0, 0.5]]]), nf.constant([[0.0, -1.0], [0.0, 0.0]])
      >>> tags, score = nf.compat.v1.contrib.crf.crf_decode(x, t, [2])
      >>> tags.numpy().tolist(), score.numpy().tolist()
      ([[0, 0]], [1.0])
    """
    chain = _chain("crf_decode", potentials, sequence_length, transition_params, "potentials")
    first = chain.inputs[:, 0]
    if chain.steps == 1:
        tags = statistics.argmax(first, 1, dtypes.int32)
        return shaping.expand_dims(tags, 1), reductions.reduce_max(first, 1)

    def forward(x: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
        ways = shaping.expand_dims(best, 2) + chain.transitions
        return statistics.argmax(ways, 1, dtypes.int32), x + reductions.reduce_max(ways, 1)

    def backward(origin: Tensor, tag: Tensor) -> tuple[Tensor, Tensor]:
        before = indexing.gather(origin, shaping.expand_dims(tag, 1), batch_dims=1)
        return tag, shaping.reshape(before, tag.spec.shape)

    rest, alive = _behind_the_first(chain)
    _, origins, best = recur(forward, rest, first, mask=alive)
    last = statistics.argmax(best, 1, dtypes.int32)
    _, tags, begin = recur(backward, origins, last, mask=alive, reverse=True)
    tags = joining.concat([shaping.expand_dims(begin, 0), tags], 0)
    return shaping.transpose(tags, (1, 0)), reductions.reduce_max(best, 1)


def viterbi_decode(score: Any, transition_params: Any) -> tuple[list[int], float]:
    """The sequence of tags of the highest score, as Python numbers: of one sequence, eagerly.

    Args:
      score: [steps, tags]. transition_params: [tags, tags].

    Returns:
      (a list of tags, the score).

    Example:
      >>> x, t = [[1.0, 0.0], [0.0, 0.5]], [[0.0, -1.0], [0.0, 0.0]]
      >>> nf.compat.v1.contrib.crf.viterbi_decode(x, t)
      ([0, 0], 1.0)
    """
    op = "viterbi_decode"
    given = (("score", score), ("transition_params", transition_params))
    tensors = [as_tensor(v, None, op, name) for name, v in given]
    if not all(isinstance(t, Tensor) for t in tensors):
        raise DTypeError(explain(op, "score and transition_params are dense numbers"))
    x, table = (np.asarray(t) for t in tensors)
    if x.ndim != 2:
        raise ShapeError(explain(op, "score is [steps, tags]", {"score": x.shape}))
    kind = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    tags, best = crf_decode(x.astype(kind)[None], table.astype(kind), [len(x)])
    return tags[0].numpy().tolist(), float(best[0])


# --- inside ----------------------------------------------------------------------------------


class _Chain(NamedTuple):
    """inputs [batch, steps, tags], transitions [tags, tags], alive: bool [batch, steps]."""

    inputs: Tensor
    transitions: Any
    alive: Tensor

    @property
    def steps(self) -> Any:
        return self.inputs.spec.shape[1]


def _chain(op: str, inputs: Any, lengths: Any, table: Any, name: str = "inputs") -> _Chain:
    """The arguments as tensors that fit each other."""
    x = as_tensor(inputs, None, op, name)
    if not x.dtype.is_floating:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not floating", {name: x.spec}))
    if x.spec.rank != 3 or x.spec.shape[1] == 0 or x.spec.shape[2] == 0:
        problem = f"{name} is [batch, steps, tags], of one step and one tag at least"
        raise ShapeError(explain(op, problem, {name: x.spec}))
    batch, steps, count = x.spec.shape
    if table is not None:
        table = as_tensor(table, None, op, "transition_params")
        shown = {name: x.spec, "transition_params": table.spec}
        if table.spec.shape != (count, count):
            raise ShapeError(explain(op, "transition_params is [tags, tags]", shown))
        if table.dtype is not x.dtype:
            raise DTypeError(explain(op, f"{name} and transition_params differ in dtype", shown))
    return _Chain(x, table, recurrent.within(op, lengths, steps, batch, False))


def _tags(op: str, given: Any, chain: _Chain) -> Tensor:
    """The tags, int64, 0 past a sequence's end: what stands there is not looked at."""
    tags = as_tensor(given, None, op, "tag_indices")
    batch, steps, count = chain.inputs.spec.shape
    if not tags.dtype.is_integer:
        problem = f"tag_indices is {tags.dtype.name}, not an integer"
        raise DTypeError(explain(op, problem, {"tag_indices": tags.spec}))
    fitted = run_time.fitted(tags, (batch, steps))
    if fitted is None:
        shown = {"tag_indices": tags.spec, "batch": batch, "steps": steps}
        raise ShapeError(explain(op, "tag_indices is [batch, steps]", shown))
    wide = maths.cast(fitted, dtypes.int64)
    seen = selections.where(chain.alive, wide, shaping.zeros_like(wide))
    return checks.checked_index(seen, count, op, "tag")


def _new_transitions(op: str, inputs: Any) -> Variable:
    x = as_tensor(inputs, None, op, "inputs")
    count = x.spec.shape[-1] if x.spec.rank == 3 else None
    if not isinstance(count, int):
        raise ShapeError(explain(op, "inputs is [batch, steps, tags]", {"inputs": x.spec}))
    with init_scope():
        start = initializers.GlorotUniform()((count, count), dtype=x.dtype)
        return Variable(start, name="transitions")


def _unary(tags: Tensor, chain: _Chain) -> Tensor:
    found = indexing.gather(chain.inputs, shaping.expand_dims(tags, 2), batch_dims=2)
    return _summed(shaping.reshape(found, tags.spec.shape), chain.alive)


def _binary(tags: Tensor, chain: _Chain) -> Tensor:
    if chain.steps == 1:
        return shaping.zeros(tags.spec.shape[:1], chain.inputs.dtype)
    count = chain.inputs.spec.shape[2]
    pairs = tags[:, :-1] * shaping.size_tensor(count, dtypes.int64) + tags[:, 1:]
    found = indexing.gather(shaping.reshape(chain.transitions, (-1,)), pairs)
    return _summed(found, chain.alive[:, 1:])


def _summed(x: Tensor, alive: Tensor) -> Tensor:
    """The sum of each row, of what is alive."""
    return reductions.reduce_sum(selections.where(alive, x, shaping.zeros_like(x)), 1)


def _behind_the_first(chain: _Chain) -> tuple[Tensor, Tensor]:
    """(inputs [steps - 1, batch, tags], alive [steps - 1, batch])."""
    rest = shaping.transpose(chain.inputs[:, 1:], (1, 0, 2))
    return rest, shaping.transpose(chain.alive[:, 1:], (1, 0))


def _log_norm(chain: _Chain) -> Tensor:
    def forward(x: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        ways = shaping.expand_dims(sums, 2) + chain.transitions
        after = x + statistics.reduce_logsumexp(ways, 1)
        return after[:, 0], after  # the outputs of the steps are not needed: little of them

    sums = chain.inputs[:, 0]
    if chain.steps != 1:
        rest, alive = _behind_the_first(chain)
        _, _, sums = recur(forward, rest, sums, mask=alive)
    total = statistics.reduce_logsumexp(sums, 1)
    return selections.where(chain.alive[:, 0], total, shaping.zeros_like(total))
