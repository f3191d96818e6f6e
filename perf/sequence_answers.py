"""What the lines of attention and alignments must give: references in float64."""

from collections.abc import Callable, Iterable

import numpy as np

from perf import sequences
from perf.arrays import Array
from perf.checks import Answer


def _attention(case: str) -> Iterable[Answer]:
    """o, dq, dk, dv of the last head of the last example.

    Vaswani et al. 2017, equation 1; Dao et al. 2022, appendix B.4.
    """
    at = (-1, -1)
    q, k, v, d = (a[at].astype(np.float64) for a in sequences.attention_operands(case))
    scale = q.shape[1] ** -0.5
    p = q @ k.T * scale
    p = np.exp(p - p.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    slope = d @ v.T
    ds = p * (slope - (p * slope).sum(1, keepdims=True)) * scale
    for wanted in (p @ v, ds @ k, ds.T @ q, p.T @ d):
        yield Answer(wanted, at, absolute=2e-5, relative=1e-4)


def _alignments(case: str) -> Iterable[Answer]:
    """Loss and gradient of the first and the last examples; Graves et al. 2006, section 4."""
    at = np.array([0, 1, -1])
    logits, labels, lengths, used = (a[at] for a in sequences.ctc_operands())
    losses, slopes = [], np.zeros(logits.shape)
    for b, x in enumerate(logits.astype(np.float64)):
        frames = used[b]
        loss, slopes[b, :frames] = _alignment(x[:frames], labels[b, : lengths[b]])
        losses.append(loss)
    yield Answer(np.array(losses), at, absolute=1e-3)
    yield Answer(slopes, at, absolute=1e-3)  # sums of logarithms lose as much in float32


def _alignment(x: Array, label: Array) -> tuple[float, Array]:
    """Of x [frames, classes], whose last class is the blank: the loss, and its gradient."""
    frames, classes = x.shape
    y = np.exp(x - x.max(1, keepdims=True))
    y /= y.sum(1, keepdims=True)
    path = np.full(2 * len(label) + 1, classes - 1)
    path[1::2] = label
    leaps = np.zeros(len(path), bool)  # over a blank, to another label
    leaps[3::2] = label[1:] != label[:-1]
    forward, scale = _walk(y[:, path], leaps)
    back = np.zeros_like(leaps)
    back[:-2] = leaps[2:]
    backward, _ = _walk(y[::-1, path[::-1]], back[::-1])
    shares = forward * backward[::-1, ::-1] / y[:, path]
    shares /= shares.sum(1, keepdims=True)
    slope = y.copy()
    for t in range(frames):
        np.subtract.at(slope[t], path, shares[t])
    return -float(np.log(scale).sum()), slope


def _walk(y: Array, leaps: Array) -> tuple[Array, Array]:
    """Forward variables [frames, path], each frame's sum 1; what they were divided by.

    The last is what the two ends of the path have: the rest leads nowhere.
    """
    alpha, scale = np.zeros(y.shape), np.ones(len(y) + 1)
    alpha[0, :2] = y[0, :2]
    for t in range(len(y)):
        if t:
            before = alpha[t - 1]
            stay = before.copy()
            stay[1:] += before[:-1]
            stay[2:] += np.where(leaps[2:], before[:-2], 0)
            alpha[t] = stay * y[t]
        scale[t] = alpha[t].sum()
        alpha[t] /= scale[t]
    scale[-1] = alpha[-1, -2:].sum()
    return alpha, scale


ANSWERS: dict[str, Callable[[str], Iterable[Answer]]] = {
    "attention": _attention,
    "ctc": _alignments,
}
