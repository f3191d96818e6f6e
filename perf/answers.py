"""What the lines that are no training steps must give: references in float64.

Of a large result a sample is compared, so that a check takes a fraction of a second: elements at a
prime stride, and both ends.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from perf import (
    convnet_answers,
    operands,
    recurrent_answers,
    scalar_answers,
    sequence_answers,
    workloads,
)
from perf.arrays import Array
from perf.checks import Answer, furthest


def off(workload: str, case: str, results: Sequence[Array]) -> float | None:
    """The largest error of results in units of its tolerance; None where there is no reference."""
    answers = ANSWERS.get(workload)
    return None if answers is None else furthest(answers(case), results)


def _sample(size: int) -> Array:
    """Places in an array [size]: both ends, and some between."""
    ends = np.arange(min(size, 67))
    return np.unique(np.concatenate([ends, size - 1 - ends, np.arange(0, size, 4099)]))


def _call(case: str) -> Iterable[Answer]:
    yield Answer(np.arange(workloads.W1_SIZE) + 1.0)


def _chain(case: str) -> Iterable[Answer]:
    what, size = case.split()
    at = _sample(operands.CHAIN_SIZES[size])
    x = operands.chain_input(size)[at].astype(np.float64)
    t = np.tanh(operands.GELU_C * (x + operands.GELU_K * x**3))
    if what == "gelu":
        yield Answer(0.5 * x * (1 + t) * operands.SCALE + operands.SHIFT, at)
    else:
        inner = operands.GELU_C * (1 + 3 * operands.GELU_K * x * x)
        yield Answer(operands.SCALE * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner), at)


def _stream(case: str) -> Iterable[Answer]:
    at = _sample(operands.LARGE)
    a, b, c = (x[at].astype(np.float64) for x in operands.stream())
    yield Answer(np.maximum(a * b + c, 0), at)


def _rows(case: str) -> Iterable[Answer]:
    return {"softmax+lse": _softmax, "layer norm": _norm, "column sum": _sum}[case]()


def _softmax() -> Iterable[Answer]:
    x = operands.softmax_input().astype(np.float64)
    top = x.max(1, keepdims=True)
    e = np.exp(x - top)
    total = e.sum(1, keepdims=True)
    yield Answer(e / total, absolute=1e-8)
    yield Answer((top + np.log(total))[:, 0])


def _norm() -> Iterable[Answer]:
    """y, and the gradients of x, gamma and beta. Ba et al. 2016, equations 4 and 5."""
    x, gamma, beta, dy = (a.astype(np.float64) for a in operands.norm_operands())
    deviation = np.sqrt(x.var(1, keepdims=True) + operands.NORM_EPSILON)
    h = (x - x.mean(1, keepdims=True)) / deviation
    dh = dy * gamma
    dx = (dh - dh.mean(1, keepdims=True) - h * (dh * h).mean(1, keepdims=True)) / deviation
    yield Answer(h * gamma + beta)
    yield Answer(dx)
    yield Answer((dy * h).sum(0), absolute=2e-3)
    yield Answer(dy.sum(0), absolute=2e-3)


def _sum() -> Iterable[Answer]:
    yield Answer(operands.sum_input().sum(0, dtype=np.float64), absolute=2e-3)


def _product(case: str) -> Iterable[Answer]:
    a, b = workloads.matrices(case)
    yield Answer(a[-5:].astype(np.float64) @ b, slice(-5, None), absolute=2e-4)


def _adam(case: str) -> Iterable[Answer]:
    """Two steps on the same gradient: the moments, corrected, are g and g^2 in each."""
    for p, g in zip(*operands.adam_operands(), strict=True):
        at = _sample(p.size)
        flat, slope = (a.reshape(-1)[at].astype(np.float64) for a in (p, g))
        step = operands.ADAM_RATE * slope / (np.abs(slope) + workloads.ADAM_EPSILON)
        places = np.unravel_index(at, p.shape)
        yield Answer(flat - 2 * step, places, absolute=0.01 * operands.ADAM_RATE)


def _eager(case: str) -> Iterable[Answer]:
    x, a, b = (q.astype(np.float64) for q in operands.small_operands())
    if case == "x + 1 on 10":
        yield Answer(x + 1)
    elif case == "matmul 8x8":
        yield Answer(a @ b)
    elif case == "softmax on 10":
        yield Answer(np.exp(x - 9) / np.exp(x - 9).sum(), absolute=1e-8)


def _large(case: str) -> Iterable[Answer]:
    at = _sample(operands.LARGE)
    a, b, _ = (x[at].astype(np.float64) for x in operands.stream())
    yield Answer(a + b if case == "a + b on 16M" else np.exp(a), at)


def _saved(case: str) -> Iterable[Answer]:
    for a in operands.saved_arrays()[::31]:
        yield Answer(a, relative=0, absolute=1e-30)


def _sparse(case: str) -> Iterable[Answer]:
    """The table after one step on sum((rows - wanted)^2) / LOOKUPS."""
    table, rows, wanted = operands.sparse_operands()
    after = table.astype(np.float64)
    slope = 2 * (after[rows] - wanted) / operands.LOOKUPS
    np.subtract.at(after, rows, operands.SPARSE_RATE * slope)
    yield Answer(after)


ANSWERS: dict[str, Callable[[str], Iterable[Answer]]] = {
    "W1": _call,
    "W2": _chain,
    "stream": _stream,
    "W3": _rows,
    "W12": _product,
    "adam": _adam,
    "eager": _eager,
    "large": _large,
    "W16": _saved,
    "sparse": _sparse,
    **convnet_answers.ANSWERS,
    **recurrent_answers.ANSWERS,
    **scalar_answers.ANSWERS,
    **sequence_answers.ANSWERS,
}
