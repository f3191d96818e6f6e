"""The CTC loss by plain ops: what the second gradient of ctc.py's op is taken of.

The same recursion in logarithms as its reference, over all examples of a batch at once. What cannot
be is a large negative number, not -infinity, whose differences are no numbers in a gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import activation, comparisons, creation, indexing, joining, unrolled
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selecting
from numflow.ops import shape as shaping
from numflow.shapes import Extent

NEVER = -1e30  # the logarithm of 0; 1e8 frames of it are no infinity of float32


def second(ct: Tensor, logits: Tensor, *integers: Tensor, **attrs: Any) -> Tensor:
    """The cotangent of the logits for one, ct, of the gradient of the losses' sum by them."""
    if any(n == 0 for n in logits.spec.shape):
        return shaping.zeros_like(logits)
    ones = shaping.ones((logits.spec.shape[1],), logits.dtype)

    def slope(x: Tensor) -> list[Tensor]:
        found = unrolled.gradients(lambda y: [_losses(y, *integers, **attrs)], [x], [ones], [True])
        return [y for y in found if y is not None]

    (found,) = unrolled.gradients(slope, [logits], [ct], [True])
    assert found is not None
    return found


def _losses(
    logits: Tensor,
    labels: Tensor,
    label_length: Tensor,
    logit_length: Tensor,
    *,
    blank: int,
    merged: bool,
) -> Tensor:
    """[batch]: minus the log of the sum over all paths; arguments as of ctc_op."""
    frames, batch, _ = logits.spec.shape
    states, skips = _states(labels, label_length, blank, merged)
    count = states.spec.shape[1]
    number = creation.iota((1, count), 1, dtypes.int32)
    odd = comparisons.equal(maths.subtract(number, number // 2 * 2), 1)
    last = shaping.reshape(label_length, (-1, 1)) * 2
    inside = _log(comparisons.less_equal(number, last), logits)
    may_stay = selecting.logical_not(odd) if not merged else comparisons.greater_equal(number, 0)
    stays, skips = _log(may_stay, logits), _log(skips, logits)
    by_class = shaping.transpose(activation.log_softmax(logits), (1, 2, 0))
    emitted = indexing.gather(by_class, states, axis=1, batch_dims=1)
    emitted = shaping.transpose(maths.maximum(emitted, _number(NEVER, logits)), (2, 0, 1)) + inside
    live = comparisons.less(
        creation.iota((frames, 1, 1), 0, dtypes.int32),
        shaping.reshape(logit_length, (1, -1, 1)),
    )

    def step(rows: list[Any], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        (now, lives), (before,) = rows, state
        after = _sum([before + stays, _moved(before, 1), _moved(before, 2) + skips]) + now
        return [lives], [selecting.where(lives, after, before)]

    first = _log(shaping.broadcast_to(comparisons.equal(number, 0), (batch, count)), logits)
    _, (ways,) = unrolled.over(step, (emitted, live), (first,), 0, False)
    ends = comparisons.less_equal(last - 1, number) & comparisons.less_equal(number, last)
    ways = maths.maximum(ways, _number(NEVER, logits)) + _log(ends, logits)
    most = shaping.stop_gradient(reductions.reduce_max(ways, 1, keepdims=True))
    whole = maths.log(reductions.reduce_sum(maths.exp(ways - most), 1))
    return -(whole + shaping.reshape(most, (-1,)))


def _states(
    labels: Tensor, label_length: Tensor, blank: int, merged: bool
) -> tuple[Tensor, Tensor]:
    """Per example and state: its class, and whether the blank before it may be skipped."""
    batch, most = labels.spec.shape
    number = creation.iota((1, most), 1, dtypes.int32)
    used = comparisons.less(number, shaping.reshape(label_length, (-1, 1)))
    blanks = shaping.fill((batch, most), current().constant(np.array(blank, np.int32)))
    mine = selecting.where(used, labels, blanks)
    before = joining.concat([blanks[:, :1], mine], 1)[:, :most]
    skip = comparisons.not_equal(mine, before) if merged else comparisons.equal(mine, mine)
    skip = skip & comparisons.greater_equal(number, 1)
    never = comparisons.not_equal(blanks, blanks)
    return _between(mine, blanks, blank), _between(skip, never, False)


def _between(labels: Tensor, blanks: Tensor, last: Any) -> Tensor:
    """[batch, 2 most + 1]: a blank, a label, a blank..."""
    batch, most = labels.spec.shape
    pairs = shaping.reshape(joining.stack([blanks, labels], 2), (batch, 2 * most))
    end = shaping.fill((batch, 1), current().constant(np.array(last, labels.dtype.numpy)))
    return joining.concat([pairs, end], 1)


def _log(possible: Tensor, like: Tensor) -> Tensor:
    """0 where it may be, NEVER elsewhere."""
    return selecting.where(possible, _number(0.0, like), _number(NEVER, like))


def _number(x: float, like: Tensor) -> Tensor:
    return current().constant(np.array(x, like.dtype.numpy))


def _moved(x: Tensor, by: int) -> Tensor:
    """The states moved up; what cannot be comes in."""
    batch, count = x.spec.shape
    front = shaping.fill((batch, by), _number(NEVER, x))
    kept: Extent = count
    return joining.concat([front, x], 1)[:, :kept]


def _sum(parts: list[Tensor]) -> Tensor:
    """The logarithm of the sum of what the parts are the logarithms of."""
    most = parts[0]
    for x in parts[1:]:
        most = maths.maximum(most, x)
    most = shaping.stop_gradient(most)
    total = maths.exp(parts[0] - most)
    for x in parts[1:]:
        total = total + maths.exp(x - most)
    return maths.log(total) + most
