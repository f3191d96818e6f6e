"""Constants of a function by which derivatives are asked: branches and loops use them."""

from __future__ import annotations

from typing import Any

import pytest

import numflow as nf
from numflow.errors import GraphError

F = nf.float64


def _while(x: Any) -> Any:
    return nf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, nf.ones([], F)))[1]


def _array(x: Any) -> Any:
    rows = nf.TensorArray(F, 3)
    return nf.reduce_prod(
        nf.while_loop(lambda i, r: i < 3, lambda i, r: (i + 1, r.write(i, x)), (0, rows))[1].stack()
    )


PROGRAMS = {
    "while": _while,
    "cond": lambda x: nf.cond(x > 0.0, lambda: x * x * x, lambda: x),
    "switch": lambda x: nf.switch_case(nf.cast(x, nf.int32), [lambda: x] * 2 + [lambda: x**3.0]),
    "scan": lambda x: nf.scan(lambda a, e: a * e * x, nf.ones([3], F), nf.ones([], F))[-1],
    "map": lambda x: nf.reduce_prod(nf.map_fn(lambda e: e * x, nf.ones([3], F))),
    "nested": lambda x: nf.cond(x > 0.0, lambda: _while(x), lambda: x),
    "array": _array,
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("eager", [False, True])
def test_x_cubed(name: str, eager: bool) -> None:
    """eager: the constant was made outside of the function."""
    outside = nf.constant(2.0, F)

    @nf.function
    def both() -> Any:
        x = outside if eager else nf.constant(2.0, F)
        with nf.GradientTape() as second:
            second.watch(x)
            with nf.GradientTape() as first:
                first.watch(x)
                y = PROGRAMS[name](x)
            g = first.gradient(y, x)
        return y, g, second.gradient(g, x)

    @nf.function
    def forward() -> Any:
        x = outside if eager else nf.constant(2.0, F)
        with nf.autodiff.ForwardAccumulator(x, nf.ones([], F)) as accumulator:
            y = PROGRAMS[name](x)
        return accumulator.jvp(y)

    assert [float(v) for v in both()] == pytest.approx([8.0, 12.0, 12.0])
    assert float(forward()) == pytest.approx(12.0)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_nobody_watched_is_refused(name: str) -> None:
    """By gradients(), which comes when the branch has its own constant: never a wrong None."""

    @nf.function
    def slope() -> Any:
        x = nf.constant(2.0, F)
        return nf.gradients(PROGRAMS[name](x), x)

    with pytest.raises(GraphError, match="has made this constant of xs again"):
        slope()
