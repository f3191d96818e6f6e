"""Connectionist temporal classification: labels without times, for logits with times.

A network says for each frame how likely each class is, a blank among them. A sequence of labels is
as likely as all the ways through the frames together that give it: repeated classes are one, then
blanks go. `ctc_loss` is what training minimises; the decoders find likely sequences.

Source: Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification".
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    comparisons,
    creation,
    ctc,
    ctc_search,
    indexing,
    joining,
    ordering,
    plain,
    scan,
    scatter,
    statistics,
)
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.masks import sequence_mask
from numflow.sparse.tensor import SparseTensor, sparse, to_dense

__all__ = [
    "collapse_repeated",
    "ctc_beam_search_decoder",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_unique_labels",
]


def ctc_loss(
    labels: Any,
    logits: TensorLike,
    label_length: TensorLike,
    logit_length: TensorLike,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """-log P(labels | logits) of each example; the softmax is part of it.

    Args:
      labels: ints [batch, most], of which the first label_length count; or a SparseTensor.
      logits: floats [frames, batch, classes]; with logits_time_major=False [batch, frames,
        classes].
      label_length: ints [batch]; None for a SparseTensor.
      logit_length: ints [batch], how many frames count.
      unique: not needed.
      blank_index: the class of the blank, from the end if negative; default 0 for dense labels.

    Returns: [batch]; infinite where logits say that the labels are impossible. The gradient is
    of the same kernel; it has derivatives, by plain ops, and these have theirs.

    Raises:
      InvalidArgumentError: a label is no class, a length is too large, or there are fewer frames
        than labels and the blanks that repeated labels need between them.
      ShapeError: the shapes do not fit. ValueError: a SparseTensor without blank_index.

    Example:
      >>> loss = nf.nn.ctc_loss([[1]], nf.zeros([2, 1, 3]), [1], [2])
      >>> loss.numpy().round(4)  # of 9 ways 3: 1 1, blank 1, 1 blank
      array([1.0986], dtype=float32)
    """
    op = "nn.ctc_loss"
    x = as_tensor(logits, None, op, "logits")
    if x.spec.rank != 3 or not x.dtype.is_floating:
        problem = "logits are floats [frames, batch, classes]"
        raise ShapeError(explain(op, problem, {"logits": x.spec}))
    if not plain.flag(logits_time_major, op, "logits_time_major"):
        x = shaping.transpose(x, (1, 0, 2))
    batch, classes = x.spec.shape[1:]
    if isinstance(labels, SparseTensor):
        if blank_index is None:
            problem = "blank_index must be given where labels is a SparseTensor"
            raise ValueError(explain(op, problem))
        dense, lengths = _dense(labels, batch)
    else:
        dense = as_tensor(labels, None, op, "labels")
        lengths = as_tensor(label_length, None, op, "label_length")
    used = as_tensor(logit_length, None, op, "logit_length")
    blank = 0 if blank_index is None else static_int(blank_index, op, "blank_index")
    if isinstance(classes, int):
        if not -classes <= blank < classes:
            shown = {"logits": x.spec, "blank_index": blank}
            raise InvalidArgumentError(explain(op, "blank_index is no class of logits", shown))
        blank %= classes
    integers = [("labels", dense), ("label_length", lengths), ("logit_length", used)]
    for argument, value in integers:
        if not value.dtype.is_integer:
            problem = f"{argument} is {value.dtype.name}, not integer"
            raise TypeError(explain(op, problem, {argument: value.spec}))
    return ctc.losses(x, [value for _, value in integers], blank)


def loss_of_sparse(
    labels: Any, logits: Any, logit_length: Any, time_major: bool, collapse: bool, merged: bool,
    ignore: bool,
) -> Tensor:  # fmt: skip
    """The loss with what version 1 may ask for, see nf.compat.v1.nn.ctc_loss."""
    op = "nn.ctc_loss"
    x = as_tensor(logits, None, op, "inputs")
    classes = x.spec.shape[2] if x.spec.rank == 3 else None
    if not isinstance(classes, int):
        problem = "inputs are [frames, batch, classes], the last a number"
        raise ShapeError(explain(op, problem, {"inputs": x.spec}))
    if not time_major:
        x = shaping.transpose(x, (1, 0, 2))
    dense, lengths = _dense(sparse(op, labels, "labels"), x.spec.shape[1])
    if collapse:
        dense, lengths = collapse_repeated(dense, lengths)
    used = maths.cast(as_tensor(logit_length, None, op, "sequence_length"), lengths.dtype)
    blank = classes - 1
    if not ignore:
        return ctc.losses(x, [dense, lengths, used], blank, merged)
    inside = sequence_mask(lengths, dense.spec.shape[1])
    again = selections.logical_and(inside, selections.logical_not(_begins(dense)))
    needed = lengths
    if merged:
        needed = lengths + reductions.reduce_sum(maths.cast(again, lengths.dtype), 1)
    fits = comparisons.less_equal(needed, used)
    kept = selections.where(fits, lengths, shaping.zeros_like(lengths))
    loss = ctc.losses(x, [dense, kept, used], blank, merged)
    return selections.where(fits, loss, shaping.zeros_like(loss))


def _dense(labels: SparseTensor, batch: Any) -> tuple[Tensor, Tensor]:
    """[batch, most], and how many each example has."""
    rows = labels.indices[:, 0]
    ones = shaping.ones_like(rows, dtypes.int32)
    shape = shaping.reshape(shaping.size_tensor(batch), (1,))
    lengths = scatter.scatter_nd(shaping.expand_dims(rows, 1), ones, shape)
    return to_dense(labels), lengths


# --- decoding ----------------------------------------------------------------------------------


def ctc_greedy_decoder(
    inputs: TensorLike,
    sequence_length: TensorLike,
    merge_repeated: bool = True,
    blank_index: int | None = None,
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest class of each frame; repeated ones are one, and blanks go.

    Args:
      inputs: logits [frames, batch, classes].
      sequence_length: ints [batch], how many frames count.
      merge_repeated: whether equal neighbours are one.
      blank_index: the class of the blank; default the last, from the end if negative.

    Returns: a list of one SparseTensor of int64 [batch, longest], and minus the sum of the logits
    on the way [batch, 1].

    Example:
      >>> x = nf.one_hot([[0], [0], [2], [1], [2]], 3)
      >>> (decoded,), score = nf.nn.ctc_greedy_decoder(x, [5])
      >>> nf.sparse.to_dense(decoded).numpy().tolist(), score.numpy().tolist()
      ([[0, 1]], [[-5.0]])
    """
    op = "nn.ctc_greedy_decoder"
    x, lengths, blank = _decoded(op, inputs, sequence_length, blank_index)
    best = shaping.transpose(statistics.argmax(x, 2), (1, 0))  # [batch, frames]
    valid = sequence_mask(lengths, x.spec.shape[0])
    scores = shaping.transpose(reductions.reduce_max(x, 2), (1, 0))
    none = shaping.zeros_like(scores)
    score = -reductions.reduce_sum(selections.where(valid, scores, none), 1, keepdims=True)
    kept = selections.logical_and(valid, comparisons.not_equal(best, blank))
    if plain.flag(merge_repeated, op, "merge_repeated"):
        kept = selections.logical_and(kept, _begins(best))
    return [_sparse(best, kept)], score


def ctc_beam_search_decoder(
    inputs: TensorLike, sequence_length: TensorLike, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest sequences that a search over prefixes finds, the best first.

    Args:
      inputs: logits [frames, batch, classes]; the blank is the last class.
      sequence_length: ints [batch], how many frames count.
      beam_width: how many prefixes are followed.
      top_paths: how many sequences are wanted, at most beam_width.

    Returns: for each path a SparseTensor of int64 [batch, longest], and log P [batch, top_paths].

    Raises:
      InvalidArgumentError: top_paths is more than beam_width, or no positive number.

    Example:
      >>> x = nf.math.log([[[0.6, 0.1, 0.3]], [[0.6, 0.1, 0.3]]])
      >>> (best,), log_p = nf.nn.ctc_beam_search_decoder(x, [2], beam_width=4)
      >>> nf.sparse.to_dense(best).numpy().tolist(), round(float(log_p[0, 0]), 4)
      ([[0]], -0.3285)
    """
    return beam_search("nn.ctc_beam_search_decoder", inputs, sequence_length, beam_width, top_paths)


def beam_search(
    op: str, inputs: Any, sequence_length: Any, beam_width: int, top_paths: int,
    merge_repeated: bool = False,
) -> tuple[list[SparseTensor], Tensor]:  # fmt: skip
    """ctc_beam_search_decoder; merge_repeated: equal neighbours of what is found are made one."""
    x, lengths, _ = _decoded(op, inputs, sequence_length, None)
    width, paths = static_int(beam_width, op, "beam_width"), static_int(top_paths, op, "top_paths")
    if not 1 <= paths <= width:
        shown = {"beam_width": width, "top_paths": paths}
        raise InvalidArgumentError(explain(op, "top_paths is 1 to beam_width", shown))
    found, counts, log_p = ctc_search.search_op(x, lengths, width=width, paths=paths)
    decoded = []
    for k in range(paths):
        kept = sequence_mask(counts[:, k], found.spec.shape[2])
        if merge_repeated:
            kept = selections.logical_and(kept, _begins(found[:, k]))
        decoded.append(_sparse(found[:, k], kept))
    return decoded, log_p


def _decoded(op: str, inputs: Any, lengths: Any, blank_index: Any) -> tuple[Tensor, Tensor, int]:
    x = as_tensor(inputs, None, op, "inputs")
    if x.spec.rank != 3 or not x.dtype.is_floating:
        problem = "inputs are floats [frames, batch, classes]"
        raise ShapeError(explain(op, problem, {"inputs": x.spec}))
    used = as_tensor(lengths, None, op, "sequence_length")
    if used.spec.rank != 1 or not used.dtype.is_integer:
        problem = "sequence_length are ints [batch]"
        raise ShapeError(explain(op, problem, {"sequence_length": used.spec}))
    if used.spec.shape[0] != x.spec.shape[1]:
        shown = {"inputs": x.spec, "sequence_length": used.spec}
        raise ShapeError(explain(op, "sequence_length and inputs have other batches", shown))
    classes = x.spec.shape[2]
    blank = -1 if blank_index is None else static_int(blank_index, op, "blank_index")
    if not isinstance(classes, int) or not -classes <= blank < classes:
        given: dict[str, Any] = {"inputs": x.spec, "blank_index": blank}
        raise InvalidArgumentError(explain(op, "blank_index is no class of inputs", given))
    return x, maths.cast(used, dtypes.int32), blank % classes


def _begins(labels: Tensor) -> Tensor:
    """Where a label differs from the one before it: [batch, frames]."""
    first = shaping.ones_like(labels[:, :1], dtypes.bool)
    return joining.concat([first, comparisons.not_equal(labels[:, 1:], labels[:, :-1])], 1)


def _sparse(labels: Tensor, kept: Tensor) -> SparseTensor:
    """The labels that are kept, moved together."""
    counts = reductions.reduce_sum(maths.cast(kept, dtypes.int64), 1)
    rows = selections.where(kept)[:, 0]
    places = maths.cast(scan.cumsum(maths.cast(kept, dtypes.int64), 1) - 1, dtypes.int64)
    columns = indexing.boolean_mask(places, kept)
    longest = reductions.reduce_max(
        joining.concat([counts, creation.constant([0], dtypes.int64)], 0)
    )
    batch = shaping.shape(labels, dtypes.int64)[0]
    return SparseTensor(
        joining.stack([rows, columns], 1),
        indexing.boolean_mask(maths.cast(labels, dtypes.int64), kept),
        joining.stack([batch, longest]),
    )


# --- labels ------------------------------------------------------------------------------------


def collapse_repeated(
    labels: TensorLike, seq_length: TensorLike, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Labels [batch, most] with equal neighbours as one, 0 behind them; and how many they are.

    Example:
      >>> short, counts = nf.nn.collapse_repeated([[1, 1, 2, 2, 1], [5, 5, 5, 0, 0]], [5, 3])
      >>> short.numpy().tolist(), counts.numpy().tolist()
      ([[1, 2, 1], [5, 0, 0]], [3, 1])
    """
    op = "nn.collapse_repeated"
    x = as_tensor(labels, None, op, "labels")
    used = as_tensor(seq_length, None, op, "seq_length")
    if x.spec.rank != 2 or used.spec.rank != 1:
        shown = {"labels": x.spec, "seq_length": used.spec}
        raise ShapeError(explain(op, "labels are [batch, most], seq_length is [batch]", shown))
    kept = selections.logical_and(_begins(x), sequence_mask(used, x.spec.shape[1]))
    counts = reductions.reduce_sum(maths.cast(kept, used.dtype), 1)
    return maths.cast(to_dense(_sparse(x, kept)), x.dtype), counts


def ctc_unique_labels(labels: TensorLike, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The different labels of each row, in the order of their first places, 0 behind them; and at
    which of these each label is.

    Example:
      >>> values, index = nf.nn.ctc_unique_labels([[4, 2, 4, 4]])
      >>> values.numpy().tolist(), index.numpy().tolist()
      ([[4, 2, 0, 0]], [[0, 1, 0, 0]])
    """
    x = as_tensor(labels, None, "nn.ctc_unique_labels", "labels")
    if x.spec.rank != 2:
        problem = "labels are [batch, most]"
        raise ShapeError(explain("nn.ctc_unique_labels", problem, {"labels": x.spec}))
    same = comparisons.equal(shaping.expand_dims(x, 2), shaping.expand_dims(x, 1))
    first = statistics.argmax(maths.cast(same, dtypes.int32), 2)  # place of the first that is equal
    own = creation.iota((x.spec.shape[1],), 0, dtypes.int64)
    begins = comparisons.equal(first, own)
    number = scan.cumsum(maths.cast(begins, dtypes.int64), 1) - 1
    index = indexing.gather(number, first, axis=1, batch_dims=1)
    order = ordering.argsort(
        maths.cast(selections.logical_not(begins), dtypes.int32), 1, stable=True
    )
    values = indexing.gather(
        selections.where(begins, x, shaping.zeros_like(x)), order, axis=1, batch_dims=1
    )
    return values, index
