"""The search over prefixes for the likeliest labels of logits.

Source: Graves 2012, "Supervised sequence labelling with recurrent neural networks", section 7.5;
Hannun, Maas, Jurafsky & Ng 2014, "First-pass large vocabulary continuous speech recognition",
algorithm 1, without a language model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.spec import Spec

Array = Any
_NEVER = float("-inf")


def _infer(x: Spec, lengths: Spec, *, width: int, paths: int) -> tuple[Spec, ...]:
    batch = x.shape[1]
    found = Spec((batch, paths, x.shape[0]), dtypes.int64)
    return found, Spec((batch, paths), dtypes.int32), Spec((batch, paths), x.dtype)


def _reference(x: Array, lengths: Array, *, width: int, paths: int) -> tuple[Array, ...]:
    frames, batch, _ = x.shape
    if np.any((lengths < 0) | (lengths > frames)):
        problem = f"sequence_length is 0 to the {frames} frames of inputs"
        shown = {"sequence_length": lengths.tolist()}
        raise InvalidArgumentError(explain("nn.ctc_beam_search_decoder", problem, shown))
    labels = np.zeros((batch, paths, frames), np.int64)
    counts = np.zeros((batch, paths), np.int32)
    scores = np.full((batch, paths), _NEVER, x.dtype)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        most = wide.max(2, keepdims=True) if x.shape[2] else wide
        log_p = wide - most - np.log(np.sum(np.exp(wide - most), 2, keepdims=True))
        for b in range(batch):
            for k, (prefix, score) in enumerate(_search(log_p[: lengths[b], b], width)[:paths]):
                labels[b, k, : len(prefix)] = prefix
                counts[b, k], scores[b, k] = len(prefix), score
    return labels, counts, scores


def _search(log_p: Array, width: int) -> list[tuple[tuple[int, ...], float]]:
    """Prefixes with the log of their probability, the likeliest first."""
    blank = log_p.shape[1] - 1
    # by prefix: log P that it ends with a blank, and with its last label
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, _NEVER)}
    for frame in log_p:
        # A label that is not among the `width` likeliest cannot lengthen a prefix that stays.
        likely = np.argsort(-frame[:blank], kind="stable")[:width].tolist()
        p = frame.tolist()
        new: dict[tuple[int, ...], list[float]] = {}
        for prefix, (ends_blank, ends_label) in beams.items():
            either = _plus(ends_blank, ends_label)
            stays = new.setdefault(prefix, [_NEVER, _NEVER])
            stays[0] = _plus(stays[0], either + p[blank])
            if prefix:
                stays[1] = _plus(stays[1], ends_label + p[prefix[-1]])
            for label in likely:
                before = ends_blank if prefix and label == prefix[-1] else either
                longer = new.setdefault((*prefix, label), [_NEVER, _NEVER])
                longer[1] = _plus(longer[1], before + p[label])
        best = sorted(new.items(), key=lambda item: -_plus(*item[1]))[:width]
        beams = {prefix: (a, b) for prefix, (a, b) in best}
    return [(prefix, _plus(*ends)) for prefix, ends in beams.items()]


def _plus(a: float, b: float) -> float:
    """log(e^a + e^b)."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + float(np.log1p(np.exp(b - a)))


search_op = Op(
    "ctc_beam_search",
    _infer,
    _reference,
    None,
    HostCall("prefixes are searched in Python"),
)
"""inputs [frames, batch, classes], lengths int32 [batch] -> labels int64 [batch, paths, frames],
with zeros behind them; how many, int32 [batch, paths]; log P [batch, paths], -inf where none is.
"""
