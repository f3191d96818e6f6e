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
