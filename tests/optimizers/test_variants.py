"""The other optimizers against their formulas in NumPy, eagerly and in a traced step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.optimizers import Adadelta, Adagrad, Adamax, AdamW, Lion, Nadam, Optimizer, RMSprop

Formula = Callable[[list[Any], Any], Any]


def rmsprop(grads: list[Any], w: Any, momentum: float, centered: bool) -> Any:
    v = a = m = 0.0
    for g in grads:
        v, a = 0.8 * v + 0.2 * g * g, 0.8 * a + 0.2 * g
        m = momentum * m + 0.1 * g / np.sqrt(v - (a * a if centered else 0) + 1e-6)
        w = w - m
    return w


def adagrad(grads: list[Any], w: Any) -> Any:
    s = 0.5
    for g in grads:
        s = s + g * g
        w = w - 0.1 * g / np.sqrt(s + 1e-6)
    return w


def adadelta(grads: list[Any], w: Any) -> Any:
    s = u = 0.0
    for g in grads:
        s = 0.8 * s + 0.2 * g * g
        d = g * np.sqrt(u + 1e-3) / np.sqrt(s + 1e-3)
        u = 0.8 * u + 0.2 * d * d
        w = w - 0.1 * d
    return w


def adamw(grads: list[Any], w: Any) -> Any:
    m = v = 0.0
    for t, g in enumerate(grads, 1):
        w = w - w * 0.1 * 0.3
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        w = w - 0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-6)
    return w


def adamax(grads: list[Any], w: Any) -> Any:
    m, u = 0.0, np.zeros_like(w)
    for t, g in enumerate(grads, 1):
        m, u = 0.9 * m + 0.1 * g, np.maximum(0.99 * u, abs(g))
        w = w - 0.1 * m / ((1 - 0.9**t) * (u + 1e-6))
    return w


def nadam(grads: list[Any], w: Any) -> Any:
    m = v = 0.0
    p = 1.0
    for t, g in enumerate(grads, 1):
        mu, after = (0.9 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
        p *= mu
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        ahead = after * m / (1 - p * after) + (1 - mu) * g / (1 - p)
        w = w - 0.1 * ahead / (np.sqrt(v / (1 - 0.99**t)) + 1e-6)
    return w


def lion(grads: list[Any], w: Any) -> Any:
    m = 0.0
    for g in grads:
        w = w - 0.1 * np.sign(0.9 * m + 0.1 * g)
        m = 0.8 * m + 0.2 * g
    return w


CASES: dict[str, tuple[Callable[[], Optimizer], Formula]] = {
    "rmsprop": (lambda: RMSprop(0.1, 0.8, epsilon=1e-6), lambda g, w: rmsprop(g, w, 0, False)),
    "rmsprop centered": (
        lambda: RMSprop(0.1, 0.8, 0.5, 1e-6, centered=True),
        lambda g, w: rmsprop(g, w, 0.5, True),
    ),
    "adagrad": (lambda: Adagrad(0.1, 0.5, 1e-6), adagrad),
    "adadelta": (lambda: Adadelta(0.1, 0.8, 1e-3), adadelta),
    "adamw": (lambda: AdamW(0.1, 0.3, 0.9, 0.99, 1e-6), adamw),
    "adamax": (lambda: Adamax(0.1, 0.9, 0.99, 1e-6), adamax),
    "nadam": (lambda: Nadam(0.1, 0.9, 0.99, 1e-6), nadam),
    "lion": (lambda: Lion(0.1, 0.9, 0.8), lion),
}


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("case", CASES)
def test_formulas(case: str, traced: bool) -> None:
    make, formula = CASES[case]
    r = np.random.default_rng(2)
    start = [r.normal(size=s).astype(np.float32) for s in [(3, 5), (7,), ()]]
    grads = [[np.asarray(r.normal(size=w.shape), np.float32) for w in start] for _ in range(4)]
    variables = [nf.Variable(w) for w in start]
    optimizer = make()

    def step(gs: Any) -> None:
        optimizer.apply_gradients(zip(gs, variables, strict=True))

    f = nf.function(step) if traced else step
    for gs in grads:
        f([nf.constant(g) for g in gs])
    for k, (v, w) in enumerate(zip(variables, start, strict=True)):
        want = formula([gs[k].astype(np.float64) for gs in grads], w.astype(np.float64))
        np.testing.assert_allclose(v, want, rtol=2e-5, atol=2e-5)
    assert (
        type(optimizer).from_config(optimizer.get_config()).get_config() == optimizer.get_config()
    )
