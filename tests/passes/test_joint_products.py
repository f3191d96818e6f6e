"""Products that share their rows become one op, where one kernel pays."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.text import parse
from numflow.ops import joint_products as joint
from numflow.ops import operators, recurrent_panels
from numflow.passes.pipeline import joint_products

OPS = (operators, recurrent_panels)  # imported, so that their ops have names

Array = np.ndarray[Any, Any]
PLAIN = "transpose_a=True, transpose_b=False"


@pytest.fixture(autouse=True)
def _any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pays is the machine's: here, up to 512 columns of products over 1024 rows."""

    def choice(ms: Any, n: Any, k: Any, dtype: str) -> tuple[int, str]:
        pays = sum(ms) <= 512 and not (isinstance(k, int) and k < 1024)
        return (1, "it pays") if pays else (0, "")

    monkeypatch.setattr(joint, "choice", choice)


def _same(text: str) -> None:
    graph = parse(text)
    assert joint_products(graph) is graph


def test_products_of_one_b_are_joint() -> None:
    """In the place of the first; what the others need comes before."""
    before = f"""
        graph(%0: f32[2048, 256], %1: f32[2048, 1024], %2: f32[2048, 128])
          %3 = matmul(%0, %1, {PLAIN})
          %4 = tanh(%3)
          %5 = exp(%2)
          %6 = matmul(%5, %1, {PLAIN})
          return %4, %6
    """
    after = """
        graph(%0: f32[2048, 256], %1: f32[2048, 1024], %2: f32[2048, 128])
          %3 = exp(%2)
          %4, %5 = joint_products(%1, %0, %3, sums=False)
          %6 = tanh(%4)
          return %6, %5
    """
    assert str(joint_products(parse(before))) == dedent(after).strip()


def test_the_sum_of_what_a_kernel_makes_is_taken_along() -> None:
    before = f"""
        graph(%0: f32[256, 1024], %1: f32[256, 128])
          %2 = recurrent_panels_back(%0, gates=4)
          %3 = reduce_sum(%2, axis=(0,), keepdims=False)
          %4 = matmul(%1, %2, {PLAIN})
          return %3, %4
    """.replace("256", "2048")
    after = """
        graph(%0: f32[2048, 1024], %1: f32[2048, 128])
          %2 = recurrent_panels_back(%0, gates=4)
          %3, %4 = joint_products(%2, %1, sums=True)
          return %4, %3
    """
    assert str(joint_products(parse(before))) == dedent(after).strip()


def test_the_sum_of_what_a_loop_makes_stays() -> None:
    """It may be folded where it is made."""
    _same(f"""
        graph(%0: f32[2048, 1024], %1: f32[2048, 128])
          %2 = exp(%0)
          %3 = reduce_sum(%2, axis=(0,), keepdims=False)
          %4 = matmul(%1, %2, {PLAIN})
          return %3, %4
    """)


def test_the_sum_stays_where_few_columns_meet_it() -> None:
    """It would cost a copy."""
    _same(f"""
        graph(%0: f32[2048, 1024], %1: f32[2048, 96])
          %2 = recurrent_panels_back(%0, gates=4)
          %3 = reduce_sum(%2, axis=(0,), keepdims=False)
          %4 = matmul(%1, %2, {PLAIN})
          return %3, %4
    """)


@pytest.mark.parametrize("rows", ["2048", "n"])
def test_those_that_do_not_fit_stay(rows: str) -> None:
    """The first two and the last fit into the cache together."""
    before = f"""
        graph(%0: f32[K, 256], %1: f32[K, 1024], %2: f32[K, 192], %3: f32[K, 128], %4: f32[K, 64])
          %5 = matmul(%0, %1, {PLAIN})
          %6 = matmul(%2, %1, {PLAIN})
          %7 = matmul(%3, %1, {PLAIN})
          %8 = matmul(%4, %1, {PLAIN})
          return %5, %6, %7, %8
    """.replace("K", rows)
    after = f"""
        graph(%0: f32[K, 256], %1: f32[K, 1024], %2: f32[K, 192], %3: f32[K, 128], %4: f32[K, 64])
          %5, %6, %7 = joint_products(%1, %0, %2, %4, sums=False)
          %8 = matmul(%3, %1, {PLAIN})
          return %5, %6, %8, %7
    """.replace("K", rows)
    assert str(joint_products(parse(before))) == dedent(after).strip()


def test_few_rows_stay() -> None:
    _same(f"""
        graph(%0: f32[512, 256], %1: f32[512, 1024], %2: f32[512, 128])
          %3 = matmul(%0, %1, {PLAIN})
          %4 = matmul(%2, %1, {PLAIN})
          return %3, %4
    """)


def test_one_that_depends_on_another_stays() -> None:
    _same(f"""
        graph(%0: f32[2048, 256], %1: f32[2048, 256])
          %2 = matmul(%0, %1, {PLAIN})
          %3 = matmul(%0, %2, transpose_a=False, transpose_b=False)
          %4 = matmul(%3, %1, {PLAIN})
          return %4
    """)


def test_what_was_read_after_a_write_is_not_read_before_it() -> None:
    """A product of the new value of a variable does not move in front of the first one."""
    v = nf.Variable(np.ones((1024, 64), "f4"))

    @nf.function
    def step(b: Any, x: Any) -> Any:
        before = nf.matmul(x, b, transpose_a=True)
        v.assign_add(x)
        return before, nf.matmul(v, b, transpose_a=True)

    rng = np.random.default_rng(3)
    b, x = (rng.standard_normal((1024, n)).astype("f4") for n in (96, 64))
    first, second = step(b, x)
    np.testing.assert_allclose(first.numpy(), x.T @ b, 1e-3, 1e-3)
    np.testing.assert_allclose(second.numpy(), (x + 1).T @ b, 1e-3, 1e-3)


def test_other_layouts_stay() -> None:
    _same("""
        graph(%0: f32[2048, 256], %1: f32[2048, 2048], %2: f32[2048, 2048])
          %3 = matmul(%0, %1, transpose_a=True, transpose_b=True)
          %4 = matmul(%2, %1, transpose_a=False, transpose_b=False)
          return %3, %4
    """)


def test_batches_of_any_size_give_what_separate_products_give() -> None:
    """Few rows as well as many; nobody knows how many there will be."""

    @nf.function(input_signature=[nf.TensorSpec([None, m]) for m in (96, 160, 24)])
    def both(b: Any, x: Any, y: Any) -> Any:
        return nf.matmul(x, b, transpose_a=True), nf.matmul(y, b, transpose_a=True)

    rng = np.random.default_rng(3)
    for rows in (0, 1, 37, 2050):
        b, x, y = (rng.standard_normal((rows, m)).astype("f4") for m in (96, 160, 24))
        for got, a in zip(both(b, x, y), (x, y), strict=True):
            want = a.T.astype("f8") @ b
            np.testing.assert_allclose(got.numpy(), want, 1e-4, 1e-3)
    assert "joint_products" in str(both.explain(b, x, y))
