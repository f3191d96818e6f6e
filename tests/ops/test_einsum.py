"""einsum against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids

EQUATIONS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ii->i", [(5, 5)]),
    ("ii", [(5, 5)]),
    ("bii,bi->b", [(2, 5, 5), (2, 5)]),
    ("iji->j", [(3, 5, 3)]),
    ("iii->i", [(3, 3, 3)]),
    ("ij,jk->ik", [(3, 5), (5, 7)]),
    ("ij,kj->ki", [(3, 5), (7, 5)]),
    ("ij,jk", [(3, 5), (5, 7)]),
    ("bij,bjk->bik", [(2, 3, 5), (2, 5, 7)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 2, 5), (2, 7, 2, 5)]),
    ("i,i->", [(5,), (5,)]),
    ("i,j->ij", [(3,), (5,)]),
    ("ij->ji", [(3, 5)]),
    ("ij->", [(3, 5)]),
    ("ijk->k", [(2, 3, 5)]),
    ("ij,j->ij", [(3, 5), (5,)]),
    ("...ij,...jk->...ik", [(2, 3, 5), (2, 5, 7)]),
    ("...ij,jk->...ik", [(2, 2, 3, 5), (5, 7)]),
    ("...i,...i->...", [(3, 1, 5), (2, 5)]),
    ("ij,jk,kl->il", [(2, 3), (3, 5), (5, 7)]),
    ("ij,ik->jk", [(0, 3), (0, 5)]),
]


def _einsum(equation: str) -> Any:
    def op(*inputs: Any) -> Any:
        return nf.einsum(equation, *inputs)

    op.__name__ = equation
    return op


CASES = [
    Case(
        _einsum(equation),
        lambda *x, equation=equation: np.einsum(equation, *x),
        [floats(*s) for s in shapes],
        slack=10,
    )
    for equation, shapes in EQUATIONS
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("ij->ij", "einsum: names 1 inputs, 2 are given"),
        ("ij,jk->iz", "einsum: no input has ['z']"),
        ("ij,j->i", "einsum: inputs[1] has 2 axes, not 'j'"),
        ("ij,ik->jk", "einsum: the sizes of 'i' differ"),
        ("i1,jk->ik", "einsum: 'i1' are not letters"),
        ("ii,jk->ik", "einsum: the sizes of 'i' differ"),
        ("ij,jk->ii", "einsum: a letter stands twice in the output"),
    ],
)
def test_bad_equations(equation: str, message: str) -> None:
    """ValueErrors that quote the equation."""
    with pytest.raises(ValueError) as e:
        nf.einsum(equation, nf.ones([3, 5]), nf.ones([5, 7]))
    assert str(e.value).startswith(message)
