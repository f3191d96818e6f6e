"""Matrix products, tensordot, norms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _product(**flags: bool) -> Any:
    def oracle(a: Any, b: Any) -> Any:
        a = np.swapaxes(a, -1, -2) if flags.get("transpose_a") or flags.get("adjoint_a") else a
        b = np.swapaxes(b, -1, -2) if flags.get("transpose_b") or flags.get("adjoint_b") else b
        return a @ b

    return oracle


def _case(a: tuple[int, ...], b: tuple[int, ...], **flags: bool) -> Case:
    return Case(nf.matmul, _product(**flags), [floats(*a), floats(*b)], flags, slack=4)


CASES = [
    _case((3, 5), (5, 7)),
    _case((5, 3), (5, 7), transpose_a=True),
    _case((3, 5), (7, 5), transpose_b=True),
    _case((5, 3), (7, 5), transpose_a=True, transpose_b=True),
    _case((5, 3), (7, 5), adjoint_a=True, adjoint_b=True),
    _case((1, 5), (5, 1)),
    _case((0, 5), (5, 7)),
    _case((3, 0), (0, 7)),
    _case((2, 3, 5), (2, 5, 7)),
    _case((2, 3, 5), (5, 7)),
    _case((2, 3, 5), (7, 5), transpose_b=True),
    _case((2, 0, 5), (5, 7)),
    _case((2, 3, 0), (0, 7)),
    _case((3, 5), (2, 5, 7)),
    _case((2, 1, 3, 5), (3, 5, 7)),
    _case((2, 1, 5, 3), (3, 7, 5), transpose_a=True, transpose_b=True),
    _case((2, 1, 2, 1, 2, 3, 5), (2, 1, 2, 1, 5, 2)),
    Case(nf.matmul, np.matmul, [ints(3, 5), ints(5, 7)]),
    Case(nf.linalg.matvec, lambda a, b: a @ b, [floats(3, 5), floats(5)], slack=4),
    Case(
        nf.linalg.matvec,
        lambda a, b: np.einsum("bji,bj->bi", a, b),
        [floats(2, 5, 3), floats(2, 5)],
        {"transpose_a": True},
        slack=4,
    ),
    Case(nf.linalg.matrix_transpose, lambda a: np.swapaxes(a, -1, -2), [floats(2, 3, 5)]),
    Case(
        nf.tensordot,
        lambda a, b: np.tensordot(a, b, 1),
        [floats(2, 3, 5), floats(5, 7)],
        {"axes": 1},
        slack=4,
    ),
    Case(
        nf.tensordot,
        lambda a, b: np.tensordot(a, b, 0),
        [floats(2, 3), floats(5)],
        {"axes": 0},
        slack=4,
    ),
    Case(
        nf.tensordot,
        lambda a, b: np.tensordot(a, b, ([0, 2], [1, 0])),
        [floats(2, 3, 5), floats(5, 2, 7)],
        {"axes": ([0, 2], [1, 0])},
        slack=4,
    ),
    Case(nf.norm, np.linalg.norm, [floats(7)]),
    Case(
        nf.norm,
        lambda x: np.linalg.norm(x, 1, 1),
        [floats(3, 5)],
        {"ord": 1, "axis": 1},
        second=False,
    ),
    Case(
        nf.norm,
        lambda x: np.linalg.norm(x, np.inf, 1),
        [floats(3, 5)],
        {"ord": np.inf, "axis": 1},
        second=False,
    ),
    Case(
        nf.norm,
        lambda x: np.linalg.norm(x, 3, 1),
        [floats(3, 5, low=0.5)],
        {"ord": 3, "axis": 1},
        slack=4,
    ),
    Case(
        nf.norm,
        lambda x: np.linalg.norm(x, 1, (1, 2)),
        [floats(2, 3, 5)],
        {"ord": 1, "axis": [1, 2]},
        second=False,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_inner_sizes_that_differ_are_explained() -> None:
    """The numbers, both arguments, and the remedy where there is one."""
    with pytest.raises(nf.errors.ShapeError) as e:
        nf.matmul(nf.ones([2, 3]), nf.ones([5, 3]))
    assert str(e.value).splitlines()[:4] == [
        "matmul: inner sizes differ: a has 3 columns, b has 5 rows",
        "  a: float32 [2, 3]",
        "  b: float32 [5, 3]",
        "  try: transpose_b=True",
    ]
    with pytest.raises(nf.errors.ShapeError) as e:
        nf.matmul(nf.ones([2, 3]), nf.ones([2, 5]), transpose_b=True)
    assert str(e.value).splitlines()[:3] == [
        "matmul: inner sizes differ: a has 3 columns, b has 5 rows",
        "  a: float32 [2, 3]",
        "  b: float32 [2, 5], transposed",
    ]


@pytest.mark.parametrize("transpose_b", [False, True])
def test_the_gradient_of_a_shared_matrix_is_one_product(transpose_b: bool) -> None:
    """Of the rows of all batches, however many there are; not a product of each, and their sum."""

    @nf.function
    def slope(a: Any, b: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(b)
            y = nf.reduce_sum(nf.matmul(a, b, transpose_b=transpose_b) ** 2)
        return tape.gradient(y, b)

    rng = np.random.default_rng(3)
    b = rng.standard_normal((7, 5) if transpose_b else (5, 7))
    for batch in (2, 3, 11):
        a = rng.standard_normal((batch, 3, 5))
        rows = a.reshape(-1, 5)
        want = 2 * rows.T @ (rows @ (b.T if transpose_b else b))
        got = slope(nf.constant(a), nf.constant(b)).numpy()
        np.testing.assert_allclose(got, want.T if transpose_b else want, 1e-12)
    assert "= reduce_sum(" not in str(slope.explain(nf.constant(a), nf.constant(b)))


# --- many rows, few columns: in parts ------------------------------------------------------


def _tall(k: int, m: int, n: int, dtype: Any = np.float32) -> tuple[Any, Any]:
    rng = np.random.default_rng(k)
    a, b = (rng.standard_normal((k, size)).astype(dtype) for size in (m, n))
    return a, b


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "n"), [(29, 131), (131, 29), (64, 64)])
def test_gradients_by_weights_sum_many_rows(dtype: Any, m: int, n: int) -> None:
    """Alone, with what is added to them, and in a loop; for any number of rows, one trace."""
    product = nf.function(lambda a, b, c: nf.matmul(a, b, transpose_a=True) + c)
    rng = np.random.default_rng(1)
    for k in (5003, 2500, 7001, 3):
        a, b = _tall(k, m, n, dtype)
        c = rng.standard_normal((m, n)).astype(dtype)
        want = a.T.astype(np.float64) @ b + c
        error = np.abs(product(*map(nf.constant, (a, b, c))).numpy() - want).max()
        assert error < 40 * np.finfo(dtype).eps * np.sqrt(k)
    assert product.experimental_get_tracing_count() <= 2

    @nf.function
    def looped(a: Any, b: Any) -> Any:
        total = nf.zeros((m, n), a.dtype)
        for _ in nf.range(3):
            total = total * 0.5 + nf.matmul(a, b, transpose_a=True)
        return total

    a, b = _tall(5003, m, n, dtype)
    want = 1.75 * (a.T.astype(np.float64) @ b)
    error = np.abs(looped(nf.constant(a), nf.constant(b)).numpy() - want).max()
    assert error < 100 * np.finfo(dtype).eps * np.sqrt(len(a))


def test_the_gradient_of_a_convolution_by_a_single_pixel_is_summed_in_parts() -> None:
    rng = np.random.default_rng(2)
    x, f, dy = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((3, 41, 37, 48), (1, 1, 48, 24), (3, 41, 37, 24))
    )

    @nf.function
    def slope(x: Any, f: Any, dy: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(f)
            y = nf.nn.conv2d(x, f, 1, "SAME")
        return tape.gradient(y, f, output_gradients=dy)

    arguments = [nf.constant(v) for v in (x, f, dy)]
    want = np.einsum("bhwc,bhwo->co", x.astype(np.float64), dy)
    np.testing.assert_allclose(slope(*arguments).numpy()[0, 0], want, 1e-4, 1e-3)


def test_explain_says_how_rows_are_summed() -> None:
    product = nf.function(lambda a, b: nf.matmul(a, b, transpose_a=True))
    for (k, m, n), note in {
        (5003, 128, 64): "5003 rows in 9 parts",
        (700, 128, 64): "whole: fewer than 1024 rows",
        (2000, 8, 8): "whole: fewer than 8 M multiply-adds",
    }.items():
        a, b = map(nf.constant, _tall(k, m, n))
        fresh = nf.function(product.python_function)
        fresh(a, b)
        assert note in str(fresh.explain(a, b))


def test_bad_arguments() -> None:
    """Ranks, dtypes and batches, each with the exception that TensorFlow's programs catch."""
    x = nf.ones([2, 3])
    with pytest.raises(ValueError, match="matmul: b has rank 1: matrices have at least 2 axes"):
        nf.matmul(x, nf.ones([3]))
    with pytest.raises(TypeError, match="matmul: a is float32 and b is float64"):
        nf.matmul(x, nf.ones([3, 2], nf.float64))
    with pytest.raises(TypeError, match="matmul: does not take bool"):
        nf.matmul([[True]], [[True]])
    with pytest.raises(ValueError, match="matmul: shapes do not broadcast: axis -1 is 2 and 3"):
        nf.matmul(nf.ones([2, 3, 5]), nf.ones([3, 5, 7]))
    with pytest.raises(ValueError, match="matmul: transpose and adjoint exclude each other"):
        nf.matmul(x, x, transpose_b=True, adjoint_b=True)
    with pytest.raises(ValueError, match="tensordot: axis 1 of a has size 3, axis 0 of b 2"):
        nf.tensordot(x, x, 1)
    with pytest.raises(ValueError, match="tensordot: 3 axes cannot be paired"):
        nf.tensordot(x, x, 3)
    with pytest.raises(ValueError, match="norm: no norm 'nuc'"):
        nf.norm(x, "nuc")


def test_half_precision_sums_in_single() -> None:
    """4,096 ones: float16 alone would stop at 2,048."""
    x = nf.ones([1, 4096], nf.float16)
    assert nf.matmul(x, x, transpose_b=True).numpy().item() == 4096
