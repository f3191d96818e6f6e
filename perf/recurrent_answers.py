"""What the recurrent lines must give: references in float64, outputs and the gradient by x."""

from collections.abc import Callable, Iterable

import numpy as np

from perf import recurrent
from perf.arrays import Array
from perf.checks import Answer


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _lstm(x: Array, w: Array, u: Array, dy: Array) -> tuple[Array, Array]:
    """(y, dx), of [steps, batch, ...]."""
    h = c = np.zeros((x.shape[1], len(u)))
    kept, y = [], []
    for z in x @ w:
        i, f, g, o = np.split(z + h @ u, 4, 1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        before, c = c, f * c + i * g
        h = o * np.tanh(c)
        kept.append((i, f, g, o, before, c))
        y.append(h)
    dh = dc = np.zeros_like(h)
    slopes = []
    for (i, f, g, o, before, c), d in zip(reversed(kept), dy[::-1], strict=True):
        th, d = np.tanh(c), d + dh
        dc = dc + d * o * (1 - th * th)
        parts = (
            dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g),
            d * th * o * (1 - o),
        )  # fmt: skip
        slopes.append(np.concatenate(parts, 1))
        dh, dc = slopes[-1] @ u.T, dc * f
    return np.stack(y), np.stack(slopes[::-1]) @ w.T


def _gru(x: Array, w: Array, u: Array, dy: Array) -> tuple[Array, Array]:
    """(y, dx), of [steps, batch, ...]."""
    h, n = np.zeros((x.shape[1], len(u))), len(u)
    kept, y = [], []
    for a in x @ w:
        p = h @ u
        z, r = _sigmoid(a[:, :n] + p[:, :n]), _sigmoid(a[:, n : 2 * n] + p[:, n : 2 * n])
        new = np.tanh(a[:, 2 * n :] + r * p[:, 2 * n :])
        kept.append((z, r, new, p[:, 2 * n :], h))
        h = z * h + (1 - z) * new
        y.append(h)
    dh, slopes = np.zeros_like(h), []
    for (z, r, new, p, before), d in zip(reversed(kept), dy[::-1], strict=True):
        d = d + dh
        d_new = d * (1 - z) * (1 - new * new)
        d_z, d_r = d * (before - new) * z * (1 - z), d_new * p * r * (1 - r)
        slopes.append(np.concatenate([d_z, d_r, d_new], 1))
        dh = d * z + np.concatenate([d_z, d_r, d_new * r], 1) @ u.T
    return np.stack(y), np.stack(slopes[::-1]) @ w.T


def _layers(case: str) -> Iterable[Answer]:
    kind, what = case.split()
    x, dy, weights = recurrent.operands(kind)
    run = _gru if kind == "gru" else _lstm
    turned = x.astype(np.float64).swapaxes(0, 1)
    ys, dx = [], np.zeros(turned.shape)
    for k, (w, u, _) in enumerate(weights):
        step = -1 if k else 1
        part = dy[..., k * len(u) : (k + 1) * len(u)].astype(np.float64).swapaxes(0, 1)
        y, slope = run(turned[::step], w.astype(np.float64), u.astype(np.float64), part[::step])
        ys.append(y[::step])
        dx += slope[::step]
    yield Answer(np.concatenate(ys, 2).swapaxes(0, 1))
    if what == recurrent.BOTH:
        yield Answer(dx.swapaxes(0, 1), absolute=1e-4, relative=1e-4)


ANSWERS: dict[str, Callable[[str], Iterable[Answer]]] = {"W11": _layers}
