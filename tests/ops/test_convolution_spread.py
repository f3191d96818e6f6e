"""Convolutions that give few channels keep the contract, and are chosen where they pay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.tensor import Tensor
from numflow.ops.convolution_spread import pays, transposed
from tests.contract import Case, Drawn, check, ids

NONE = ((0, 0), (0, 0))


def spread(x: Any, f: Any, turned: bool = False, **attrs: Any) -> Tensor:
    """What the expansion of a convolution is made of."""
    return transposed(nf.convert_to_tensor(x), nf.convert_to_tensor(f), turned=turned, **attrs)


def oracle(
    image: tuple[int, int], strides: tuple[int, int], padding: Any, turned: bool = False
) -> Any:
    """Place after place of the window."""

    def conv(x: Any, f: Any) -> Any:
        f = f[::-1, ::-1].swapaxes(2, 3) if turned else f
        reach = [
            n * s + k + p[0] + o
            for n, s, k, p, o in zip(
                x.shape[1:3], strides, f.shape[:2], padding, image, strict=True
            )
        ]
        y = np.zeros((x.shape[0], *reach, f.shape[2]))
        for i, j in np.ndindex(*f.shape[:2]):
            cut = [
                slice(t, t + (n - 1) * s + 1, s)
                for t, n, s in zip((i, j), x.shape[1:3], strides, strict=True)
            ]
            y[:, cut[0], cut[1]] += x @ f[i, j].T
        (top, _), (left, _) = padding
        return y[:, top : top + image[0], left : left + image[1]]

    return conv


def case(
    x: tuple[int, ...], f: tuple[int, ...], image: tuple[int, int],
    strides: tuple[int, int] = (1, 1), padding: Any = NONE, turned: bool = False,
) -> Case:  # fmt: skip
    """Values of the ops themselves; gradients belong to `convolution`."""
    attrs = {"image": image, "strides": strides, "padding": padding, "turned": turned}
    return Case(
        spread,
        oracle(**attrs),
        [Drawn("f", x, -1, 1), Drawn("f", f, -1, 1)],
        attrs,
        dtypes=(nf.float32, nf.float64),
        gradient=False,
        slack=2.0,
    )


CASES = [
    case((2, 5, 6, 16), (3, 3, 3, 16), (7, 8)),
    case((2, 4, 6, 17), (7, 5, 2, 17), (7, 11), (2, 2), ((3, 3), (2, 2))),
    case((2, 6, 5, 16), (3, 3, 16, 1), (6, 5), (1, 1), ((1, 1), (1, 1)), turned=True),
    case((0, 5, 6, 16), (3, 3, 3, 16), (7, 8)),
]


@pytest.mark.parametrize("c", CASES, ids=ids)
def test_contract(c: Case) -> None:
    check(c)


def test_choice() -> None:
    """Few columns, many channels, a window that fills vectors."""
    plain: dict[str, Any] = {"padding": NONE, "dilations": (1, 1), "groups": 1}
    assert pays(64, 3, (7, 7), **plain)
    assert not pays(64, 8, (7, 7), **plain)
    assert not pays(3, 3, (7, 7), **plain)
    assert not pays(64, 1, (2, 2), **plain)
    assert not pays(64, 3, (7, 7, 7), padding=NONE, dilations=(1, 1, 1), groups=1)
    for other in ({"padding": ((-1, 0), (0, 0))}, {"dilations": (2, 1)}, {"groups": 3}):
        assert not pays(64, 3, (7, 7), **{**plain, **other})


@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
def test_gradients_go_through(strides: tuple[int, int]) -> None:
    """Of images of three channels, and a layer that gives three; bias and relu taken along."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 11, 9, 3)).astype(np.float32)
    f = (rng.standard_normal((5, 3, 3, 32)) / 8).astype(np.float32)
    w = (rng.standard_normal((3, 3, 32, 3)) / 8).astype(np.float32)
    b = rng.standard_normal(3).astype(np.float32)

    def loss(x: Tensor, f: Tensor, w: Tensor, b: Tensor) -> list[Tensor]:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.conv2d(x, f, strides, "SAME")
            z = nf.nn.relu(nf.nn.conv2d(y, w, 1, "SAME") + b)
            total = nf.reduce_sum(z * z)
        return [z, tape.gradient(total, x)]

    given = [nf.constant(a) for a in (x, f, w, b)]
    step = nf.function(loss)
    found = [a.numpy() for a in step(*given)]
    text = str(step.explain())
    assert "library: convolution_spread, add, relu" in text
    assert text.count("spread: few channels") == 2
    wide = [nf.constant(a.astype(np.float64)) for a in (x, f, w, b)]
    for got, want in zip(found, loss(*wide), strict=True):
        np.testing.assert_allclose(got, want.numpy(), rtol=2e-5, atol=2e-5 * np.abs(want).max())
