"""Products A^T @ B of one B as one op."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import ShapeError
from numflow.ops.joint_products import joint_op
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids


def joint(b: Any, *a: Any, sums: bool) -> list[Any]:
    made = joint_op(nf.constant(b), *map(nf.constant, a), sums=sums)
    return list(made) if isinstance(made, tuple) else [made]


def _case(k: int, n: int, *ms: int, sums: bool) -> Case:
    def oracle(b: Any, *a: Any) -> Any:
        return [*(x.T @ b for x in a), *([b.sum(0)] if sums else [])]

    args = [floats(k, m) for m in (n, *ms)]
    return Case(joint, oracle, args, {"sums": sums}, SINGLE_AND_DOUBLE, slack=4)


CASES = [
    _case(5, 7, 3, sums=False),
    _case(5, 7, 3, sums=True),
    _case(5, 7, 3, 2, sums=False),
    _case(131, 37, 17, 1, 29, sums=True),
    _case(0, 7, 3, 2, sums=True),
    _case(1, 1, 1, 1, sums=True),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    check(case)


def test_rows_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        joint(np.ones((5, 7), "f4"), np.ones((3, 2), "f4"), sums=False)
    assert str(caught.value).splitlines()[:3] == [
        "joint_products: matrices of as many rows are wanted",
        "  a: float32 [3, 2]",
        "  b: float32 [5, 7]",
    ]
