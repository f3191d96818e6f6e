"""Winograd's ops keep the contract, and are chosen where they pay."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import config
from numflow.graph.tensor import Tensor
from numflow.ops.convolution import conv_op, filter_op, image_op
from numflow.ops.convolution_rules import Geometry
from numflow.ops.convolution_winograd import (
    choose,
    winograd_filter_op,
    winograd_op,
    winograd_parts_op,
)
from tests.contract import Case, Drawn, check, ids

SAME = ((1, 1), (1, 1))


def by_winograd(x: Any, f: Any, m: int = 4, padding: Any = SAME, back: bool = False) -> Tensor:
    """What the expansion of a convolution is made of."""
    x, f = nf.convert_to_tensor(x), nf.convert_to_tensor(f)
    u = winograd_filter_op(f, m=m, back=back)
    k, columns = (int(f.shape[axis]) for axis in (0, 2 if back else 3))
    return winograd_op(x, u, m=m, kernel=k, padding=padding, columns=columns, why="")


DTYPES = (nf.float32, nf.float64)


def oracle(padding: Any = SAME, back: bool = False) -> Any:
    """Place after place of the window."""

    def conv(x: Any, f: Any) -> Any:
        f = f[::-1, ::-1].swapaxes(2, 3) if back else f
        x = np.pad(x, [(0, 0), *padding, (0, 0)])
        down, across = (x.shape[1 + k] - f.shape[0] + 1 for k in range(2))
        y = np.zeros((x.shape[0], down, across, f.shape[3]))
        for i, j in np.ndindex(*f.shape[:2]):
            y += x[:, i : i + down, j : j + across] @ f[i, j]
        return y

    return conv


def case(x: tuple[int, ...], f: tuple[int, ...], slack: float = 2.0, **attrs: Any) -> Case:
    """Values of the ops themselves; gradients belong to `convolution`."""
    want = oracle(attrs.get("padding", SAME), attrs.get("back", False))
    floats = [Drawn("f", x, -1, 1), Drawn("f", f, -1, 1)]
    return Case(by_winograd, want, floats, attrs, dtypes=DTYPES, gradient=False, slack=slack)


def filter_by_winograd(
    x: Any, dy: Any, kernel: int, m: int = 4, padding: Any = SAME, parts: int = 3
) -> Tensor:
    """What the expansion of a gradient by the filter is made of."""
    x, dy = nf.convert_to_tensor(x), nf.convert_to_tensor(dy)
    found = winograd_parts_op(x, dy, m=m, kernel=kernel, padding=padding, parts=parts, why="")
    return nf.reduce_sum(found, 0)


def filter_oracle(kernel: int, padding: Any) -> Any:
    """Place after place of the window."""

    def gradient(x: Any, dy: Any) -> Any:
        x = np.pad(x, [(0, 0), *padding, (0, 0)])
        f = np.zeros((kernel, kernel, x.shape[3], dy.shape[3]))
        for i, j in np.ndindex(kernel, kernel):
            part = x[:, i : i + dy.shape[1], j : j + dy.shape[2]]
            f[i, j] = np.einsum("nyxc,nyxo->co", part, dy)
        return f

    return gradient


def filter_case(x: tuple[int, ...], dy: tuple[int, ...], kernel: int, **attrs: Any) -> Case:
    """Of the parts."""
    return Case(
        filter_by_winograd,
        filter_oracle(kernel, attrs.get("padding", SAME)),
        [Drawn("f", x, -1, 1), Drawn("f", dy, -1, 1)],
        {"kernel": kernel, **attrs},
        dtypes=DTYPES,
        gradient=False,
        slack=2.0,
    )


CASES = [
    case((2, 6, 7, 16), (3, 3, 16, 16)),
    case((2, 6, 7, 17), (3, 3, 17, 19), m=2),
    case((1, 5, 9, 20), (3, 3, 40, 20), padding=((2, 0), (0, 1)), back=True),
    case((2, 6, 5, 18), (5, 5, 18, 33), m=2, padding=((2, 2), (1, 0))),
    case((2, 6, 5, 18), (5, 5, 18, 33), m=3, padding=((2, 2), (1, 0))),
    case((0, 6, 5, 16), (3, 3, 16, 16)),
    filter_case((2, 9, 7, 16), (2, 9, 7, 19), 3),
    filter_case((1, 9, 7, 18), (1, 8, 8, 16), 5, m=2, padding=((2, 1), (2, 3)), parts=2),
    filter_case((1, 9, 7, 18), (1, 8, 8, 16), 5, m=3, padding=((2, 1), (2, 3)), parts=2),
    filter_case((0, 9, 7, 16), (0, 9, 7, 16), 3),
]


@pytest.mark.parametrize("c", CASES, ids=ids)
def test_contract(c: Case) -> None:
    check(c)


def chosen(
    batch: Any = 32, image: tuple[Any, Any] = (14, 14), channels: int = 64, columns: int = 64,
    kernel: tuple[int, ...] = (3, 3), dtype: nf.DType = nf.float32, plain: bool = True,
    padding: Any = SAME,
) -> tuple[int, str]:  # fmt: skip
    return choose(dtype, batch, channels, columns, kernel, image, padding=padding, plain=plain)


def test_choice() -> None:
    """By sizes, each refusal with its reason."""
    assert chosen()[0] == 4
    assert chosen(batch=500, image=(6, 6))[0] == 2
    # over the batch, only 16 of 36 products of the direct convolution are in the image
    assert chosen(batch=500, image=(2, 2))[0] == 0
    five = chosen(kernel=(5, 5))
    assert five[0] == 3
    assert chosen(batch=500, kernel=(5, 5), image=(4, 4))[0] == 2
    assert re.fullmatch(r"Winograd's F\(3x3, 5x5\): 0\.\d\d of the direct cost", five[1])
    for why, found in (
        ("direct: Winograd takes 16 channels or more", chosen(channels=3)),
        ("direct: Winograd takes float32 and float64", chosen(dtype=nf.bfloat16)),
        ("direct: Winograd takes no cropping", chosen(padding=((-1, 0), (0, 0)))),
        ("direct: nothing to do", chosen(batch=0)),
        (
            "direct: Winograd takes windows of 3 x 3 and 5 x 5, stride 1, one group",
            chosen(plain=False),
        ),
    ):
        assert found == (0, why)
    assert chosen(dtype=nf.float64) == chosen()
    assert chosen(kernel=(7, 7))[0] == chosen(kernel=(3,))[0] == 0
    wide = chosen(batch=512, channels=2048, columns=2048)
    assert wide == (0, "direct: Winograd's F(4x4, 3x3) would need a filter of over 256 MB")
    few = chosen(batch=1, image=(7, 7), channels=512, columns=512)
    assert few[0] == 0
    assert few[1].startswith("direct: Winograd's F(2x2, 3x3) would take ")


def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "settings", config.settings._replace(winograd=False))
    assert chosen() == (0, "direct: NUMFLOW_WINOGRAD=0")


@pytest.mark.parametrize(("kernel", "padding"), [(3, SAME), (5, ((2, 1), (0, 3)))])
def test_convolution_goes_through(kernel: int, padding: Any) -> None:
    """Value and both gradients of a traced convolution, bias and relu taken along."""
    rng = np.random.default_rng(2)
    attrs = Geometry((1, 1), padding, (1, 1)).attrs
    x = rng.standard_normal((8, 16, 17, 64)).astype(np.float32)
    f = (rng.standard_normal((kernel, kernel, 64, 53)) / 20).astype(np.float32)
    b = rng.standard_normal(53).astype(np.float32)

    @nf.function
    def step(x: Tensor, f: Tensor, b: Tensor) -> list[Tensor]:
        y = nf.nn.relu(conv_op(x, f, **attrs) + b)
        dy = y - 1.0
        return [
            y,
            image_op(dy, f, image=(16, 17), **attrs),
            filter_op(x, dy, kernel=(kernel, kernel), **attrs),
        ]

    found = [a.numpy() for a in step(nf.constant(x), nf.constant(f), nf.constant(b))]
    text = str(step.explain())
    name = "F(3x3, 5x5)" if kernel == 5 else "F(4x4, 3x3)"
    assert f"Winograd's {name}" in text
    assert "library: convolution_winograd, add, relu" in text
    assert "_direct(" not in text
    assert "convolution_filter_parts" not in text
    wide = x.astype(np.float64), f.astype(np.float64)
    y = np.maximum(oracle(padding)(*wide) + b, 0)
    dy = y - 1
    back = tuple((kernel - 1 - p, kernel - 1 - q) for p, q in padding)
    dx = oracle(back, back=True)(dy, wide[1])
    df = filter_oracle(kernel, padding)(wide[0], dy)
    for got, want in zip(found, (y, dx, df), strict=True):
        assert np.abs(got - want).max() <= 1e-5 * np.abs(want).max()


def test_symbolic_batch() -> None:
    """One trace for all batches, Winograd's."""
    rng = np.random.default_rng(4)
    attrs = Geometry((1, 1), SAME, (1, 1)).attrs
    f = nf.constant((rng.standard_normal((3, 3, 32, 32)) / 10).astype(np.float32))
    spec = nf.TensorSpec([None, 9, 9, 32], nf.float32)
    run = nf.function(lambda x: conv_op(x, f, **attrs), input_signature=[spec])
    for batch in (3, 1, 0):
        x = rng.standard_normal((batch, 9, 9, 32)).astype(np.float32)
        want = oracle()(x.astype(np.float64), f.numpy().astype(np.float64))
        np.testing.assert_allclose(run(nf.constant(x)).numpy(), want, atol=2e-5)
    assert "convolution_winograd" in str(run.explain())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_filter(dtype: Any) -> None:
    """What a filter becomes is not computed beforehand: only kernels know its order."""
    rng = np.random.default_rng(6)
    attrs = Geometry((1, 1), SAME, (1, 1)).attrs
    f, x = rng.standard_normal((3, 3, 64, 64)), rng.standard_normal((2, 9, 9, 64))
    run = nf.function(lambda x: conv_op(x, nf.constant(f.astype(dtype)), **attrs))
    want = oracle()(x, f)
    found = run(nf.constant(x.astype(dtype))).numpy()
    digits = {np.float32: 1e-5, np.float64: 2e-14}[dtype]
    assert np.abs(found - want).max() <= digits * np.abs(want).max()
