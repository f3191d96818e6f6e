"""Folds over middle axes with what makes their elements: one loop, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

ONE: list[Any] = [nf.math.tanh, nf.abs, lambda x: x * x, lambda x: nf.exp(x * 0.1)]
TWO: list[Any] = [nf.add, nf.multiply, nf.subtract, nf.maximum, lambda x, y: nf.where(x > y, x, y)]
FOLDS: list[Any] = [nf.reduce_sum, nf.reduce_max, nf.reduce_mean]
SIZES = (1, 2, 3, 7, 17, 33)


class Drawn:
    """A chain of elementwise ops on arguments that broadcast, and a fold over inner axes."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rank = int(rng.integers(3, 6))
        self.shape = [int(rng.choice(SIZES)) for _ in range(rank)]
        first = int(rng.integers(1, rank - 1))
        self.axis = tuple(range(first, int(rng.integers(first, rank - 1)) + 1))
        self.count = int(rng.integers(1, 4))
        self.repeated = [[k > 0 and rng.random() < 0.35 for _ in range(rank)] for k in range(3)]
        self.missing = [0, *rng.integers(0, 2, 2)]  # axes that an argument has not
        self.chain: list[tuple[Any, ...]] = []
        for made in range(self.count, self.count + int(rng.integers(1, 5))):
            last, other = (made - 1 if made > self.count else 0), int(rng.integers(made))
            two = rng.random() < 0.6
            self.chain.append((rng.choice(TWO if two else ONE), last, *([other] if two else [])))
        self.fold, self.keepdims = rng.choice(FOLDS), bool(rng.random() < 0.5)

    def arguments(self, rng: np.random.Generator, grown: int, dtype: Any) -> list[Any]:
        """grown: the axis that is longer by one; -1: none."""
        shape = [n + (k == grown) for k, n in enumerate(self.shape)]
        return [
            rng.standard_normal(
                [1 if r else n for n, r in zip(shape, self.repeated[k], strict=True)][
                    self.missing[k] :
                ]
            ).astype(dtype)
            for k in range(self.count)
        ]

    def __call__(self, *values: Any) -> Any:
        found = list(values)
        for op, *inputs in self.chain:
            found.append(op(*(found[k] for k in inputs)))
        return self.fold(found[-1], self.axis, keepdims=self.keepdims)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(20))
def test_drawn_chains(seed: int, dtype: Any) -> None:
    """Eager float64 is right; traced with sizes known, and with one axis unknown."""
    drawn, rng = Drawn(seed), np.random.default_rng(seed)
    limit = 1e-4 if dtype is np.float32 else 1e-10
    traced = nf.function(drawn.__call__)
    for grown in (-1, int(np.argmax(drawn.shape))):
        arguments = drawn.arguments(rng, grown, dtype)
        want = drawn(*(nf.constant(x.astype(np.float64)) for x in arguments)).numpy()
        got = traced(*map(nf.constant, arguments)).numpy()
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, limit, limit)


def _clusters(f: Any, *shapes: tuple[int, ...]) -> int:
    arrays = [np.ones(s, np.float32) for s in shapes]
    return len(nf.function(f).explain(*arrays).facts.instructions)


def test_what_makes_the_elements_goes_along() -> None:
    """A mean over time of what a mask leaves; a product of vectors by matrices."""

    def masked(x: Any, mask: Any) -> Any:
        return nf.reduce_mean(nf.tanh(x) * mask[:, :, None], 1)

    assert _clusters(masked, (9, 5, 17), (9, 5)) == 2  # the sum, and what divides it
    assert _clusters(lambda a, x: nf.linalg.matvec(a, x, True), (9, 5, 17), (9, 5)) == 1


def test_elements_that_others_read_are_made_before() -> None:
    """They would be computed twice, or stored by the fold."""

    def shared(x: Any) -> Any:
        y = nf.tanh(x)
        return nf.reduce_sum(y, 1), y

    assert _clusters(shared, (9, 5, 17)) == 2
    (total, y) = nf.function(shared)(np.ones((3, 5, 7)))
    np.testing.assert_allclose(total.numpy(), y.numpy().sum(1))


def test_few_columns_and_few_rows_are_left() -> None:
    """A vector of columns would be half empty, threads without work."""
    for shape in ((9, 5, 3), (2, 5, 17)):
        assert _clusters(lambda x: nf.reduce_sum(nf.tanh(x), 1), shape) == 2


def test_axes_that_do_not_become_three_are_left() -> None:
    """One argument repeats along an outer axis, so that two outer axes stay."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3, 5, 17)), rng.standard_normal((4, 1, 5, 17))
    got = nf.function(lambda x, y: nf.reduce_sum(x * y, 2))(x, y)
    np.testing.assert_allclose(got.numpy(), (x * y).sum(2))
