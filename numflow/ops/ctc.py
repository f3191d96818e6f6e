"""The loss of connectionist temporal classification, as an op that makes its gradient along.

    loss, gradient = ctc_op(logits, labels, label_length, logit_length)

The forward pass needs what the gradient needs, so both come from one kernel; where nobody asks for
the gradient, another op gives the loss alone. The reference is the same recursion in logarithms,
over all examples of a batch at once. Derivatives of the gradient are those of ctc_written.py.

Source: Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification",
section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.shapes import Extent

Array = Any


def _check(
    logits: Array, labels: Array, label_length: Array, logit_length: Array, merged: bool
) -> None:
    """Refuse the first example whose labels do not fit; kernels/cpu/ctc.py refuses the same."""
    frames, _, classes = logits.shape
    for b, (length, used) in enumerate(zip(label_length, logit_length, strict=True)):
        problem = ""
        mine = labels[b, : max(0, int(length))]
        if not 0 <= length <= labels.shape[1]:
            problem = f"label_length[{b}] is {length}, labels have {labels.shape[1]} columns"
        elif not 0 <= used <= frames:
            problem = f"logit_length[{b}] is {used}, logits have {frames} frames"
        elif np.any((mine < 0) | (mine >= classes)):
            wrong = int(mine[(mine < 0) | (mine >= classes)][0])
            problem = f"labels[{b}] has {wrong}, which is none of the {classes} classes of logits"
        else:
            repeated = int(np.sum(mine[1:] == mine[:-1])) if merged else 0
            if length + repeated > used:
                more = f" and {repeated} blanks between equal ones" if repeated else ""
                problem = f"{used} frames are too few for the {length} labels{more} of example {b}"
        if problem:
            raise InvalidArgumentError(explain("nn.ctc_loss", problem))


def _log_softmax(x: Array) -> Array:
    most = x.max(2, keepdims=True)
    return x - most - np.log(np.sum(np.exp(x - most), 2, keepdims=True))


def _shifted(x: Array, by: int) -> Array:
    """The states moved up by one or two, or down; -inf comes in."""
    out = np.full_like(x, -np.inf)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def _reference(
    logits: Array,
    labels: Array,
    label_length: Array,
    logit_length: Array,
    *,
    blank: int,
    merged: bool,
) -> tuple[Array, Array]:
    _check(logits, labels, label_length, logit_length, merged)
    frames, batch, classes = logits.shape
    loss = np.zeros(batch, logits.dtype)
    gradient = np.zeros(logits.shape, logits.dtype)
    if not batch or not classes or not frames:
        return loss, gradient
    with np.errstate(all="ignore"):
        log_p = _log_softmax(logits.astype(np.float64))
        states, skips, stays, inside = _states(labels, label_length, blank, merged)
        emitted = np.take_along_axis(log_p, states[None].repeat(frames, 0), 2)
        emitted = np.where(inside, emitted, -np.inf)
        alpha = _alphas(emitted, skips, stays)
        each = np.arange(batch)
        last = np.stack([2 * label_length, np.maximum(2 * label_length - 1, 0)])
        ends = alpha[np.maximum(logit_length - 1, 0), each, last]
        ends[1, label_length == 0] = -np.inf
        whole = np.where(logit_length > 0, np.logaddexp(*ends), 0.0)
        loss[:] = -whole
        beta = np.full(states.shape, -np.inf)
        for t in range(frames - 1, -1, -1):
            begin = logit_length - 1 == t
            w = beta + emitted[min(t + 1, frames - 1)]
            follows = np.where(_shifted(skips, -2) == 1, _shifted(w, -2), -np.inf)
            beta = np.logaddexp(np.logaddexp(w + stays, _shifted(w, -1)), follows)
            beta[begin] = -np.inf
            beta[begin, last[0, begin]] = beta[begin, last[1, begin]] = 0.0
            share = np.exp(alpha[t] + beta - whole[:, None])
            share = np.where(np.isneginf(whole)[:, None], 0.0, share)
            sums = np.zeros((batch, classes))
            np.add.at(sums, (each[:, None], states), np.where(inside, share, 0.0))
            gradient[t] = np.where((t < logit_length)[:, None], np.exp(log_p[t]) - sums, 0.0)
    return loss, gradient


def _states(labels: Array, label_length: Array, blank: int, merged: bool) -> tuple[Array, ...]:
    """Per example and state: its class, whether the blank before may be skipped, the log of
    whether a path may stay in it, and whether there is such a state."""
    batch, most = labels.shape
    states = np.full((batch, 2 * most + 1), blank, np.int64)
    inside = np.arange(2 * most + 1) < 2 * label_length[:, None] + 1
    states[:, 1::2] = np.where(inside[:, 1::2], labels, blank)
    skips = np.zeros(states.shape)
    skips[:, 3::2] = (labels[:, 1:] != labels[:, :-1]) | (not merged)
    stays = np.zeros(states.shape)
    stays[:, 1::2] = 0.0 if merged else -np.inf
    return states, skips, stays, inside


def _alphas(emitted: Array, skips: Array, stays: Array) -> Array:
    alpha = np.full(emitted.shape, -np.inf)
    alpha[:1, :, :2] = emitted[:1, :, :2]
    for t in range(1, len(emitted)):
        x = alpha[t - 1]
        jumps = np.where(skips == 1, _shifted(x, 2), -np.inf)
        alpha[t] = np.logaddexp(np.logaddexp(x + stays, _shifted(x, 1)), jumps) + emitted[t]
    return alpha


def _vjp(g: Backward) -> tuple[Tensor | None, ...]:
    ct, of_gradient = g.cts
    found = None if ct is None else shaping.reshape(ct, (1, -1, 1)) * g.outputs[1]
    if of_gradient is not None:
        from numflow.ops import ctc_written  # second derivatives are rare

        second = ctc_written.second(of_gradient, *g.inputs, **g.attrs)
        found = second if found is None else found + second
    return found, None, None, None


def _planned(gradient: bool) -> Any:
    def plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
        from numflow.kernels.cpu import ctc  # llvmlite: only where code is made

        frames, batch, classes = (int(n) for n in inputs[0].shape)  # type: ignore[arg-type]
        most = int(inputs[1].shape[1])  # type: ignore[arg-type]
        sizes = (frames, batch, classes, most, attrs["blank"])
        return ctc.plan(*sizes, inputs[0].dtype.name, attrs["merged"], gradient)

    return plan


def _infer(
    logits: Spec, labels: Spec, *lengths: Spec, blank: int, merged: bool
) -> tuple[Spec, Spec]:
    names = ("labels", "label_length", "logit_length")
    batch, ranks = logits.shape[1], (2, 1, 1)
    for name, rank, spec in zip(names, ranks, (labels, *lengths), strict=True):
        if spec.rank != rank or _differ(spec.shape[0], batch):
            shown: dict[str, Any] = {"logits": logits, name: spec}
            axes = "[batch, most]" if rank == 2 else "[batch]"
            raise ShapeError(explain("nn.ctc_loss", f"{name} are {axes}", shown))
    classes = logits.shape[2]
    if isinstance(classes, int) and not 0 <= blank < classes:
        shown = {"logits": logits, "blank_index": blank}
        raise InvalidArgumentError(explain("nn.ctc_loss", "the blank is no class of logits", shown))
    return Spec((batch,), logits.dtype), logits


def _differ(a: Extent, b: Extent) -> bool:
    """Whether two sizes are known to differ."""
    return isinstance(a, int) and isinstance(b, int) and a != b


ctc_value_op = Op(
    "ctc_value",
    lambda *inputs, **attrs: _infer(*inputs, **attrs)[0],
    lambda *inputs, **attrs: _reference(*inputs, **attrs)[0],
    None,
    Library(_planned(False), refuses=True),
)
"""The loss alone."""

ctc_op = Op(
    "ctc",
    _infer,
    _reference,
    _vjp,
    Library(_planned(True), refuses=True, alone=ctc_value_op),
)
"""logits [frames, batch, classes], float32 or float64; labels [batch, most], label_length [batch],
logit_length [batch], all int32 -> loss [batch], and its gradient by the logits.

blank: its class. merged: whether equal neighbours on a path are one label; else each is one.
"""


def _of_batch(logits: Tensor, x: Tensor) -> Tensor:
    """x, whose first axis is the batch of logits: checked where only a call tells."""
    have, batch = x.spec.shape, logits.spec.shape[1]
    if not have or have[0] == batch or _differ(have[0], batch):
        return x
    return shaping.reshape_op(x, shape=(batch, *have[1:]))


def losses(logits: Tensor, integers: Sequence[Tensor], blank: int, merged: bool = True) -> Tensor:
    """ctc_op's loss for logits of any floating dtype; integers: labels and both lengths."""
    dtype = logits.dtype
    wide = dtype in (dtypes.float32, dtypes.float64)
    x = logits if wide else maths.cast(logits, dtypes.float32)
    inputs = [_of_batch(x, maths.cast(t, dtypes.int32)) for t in integers]
    loss, _ = ctc_op(x, *inputs, blank=blank, merged=merged)
    return maths.cast(loss, dtype)
