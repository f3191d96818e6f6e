"""Why neighbouring instructions are not one loop: one program per reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.passes.group import BETWEEN, CLOSED, COLUMNS, DOMAIN, MIDDLE, VIEW

slow_op = Op("slow", lambda x: x, lambda x: x.copy(), None, HostCall("it is written for a test"))


def reasons(f: Callable[..., Any], *shapes: tuple[int, ...]) -> set[str]:
    """The reasons between the instructions of f."""
    arrays = [np.ones(s, np.float32) for s in shapes]
    return {gap.why for gap in nf.function(f).explain(*arrays).facts.gaps}


def test_one_loop_has_no_gap() -> None:
    assert reasons(lambda x: nf.nn.softmax(x) + 1.0, (7, 5)) == set()


def test_a_closed_fold() -> None:
    """Sums down the columns are there only when the last row has been read."""
    assert reasons(lambda x: x * nf.reduce_sum(x, 0), (7, 5)) == {CLOSED}


def test_different_axes() -> None:
    found = reasons(lambda x, y: nf.reduce_sum(x, 1, keepdims=True) * y, (7, 5), (7, 11))
    assert found == {f"{DOMAIN}: [7, 5] and [7, 11]"}


def test_different_columns() -> None:
    found = reasons(lambda x: nf.reduce_sum(nf.nn.softmax(x), (1, 2)), (3, 5, 7))
    assert found == {COLUMNS}


def test_a_fold_over_a_middle_axis() -> None:
    assert reasons(lambda x: nf.exp(nf.reduce_sum(x, 1)), (3, 5, 7)) == {MIDDLE}


def test_another_order_of_elements() -> None:
    found = reasons(lambda x: nf.transpose(nf.exp(x)) + 1.0, (7, 5))
    assert found == {f"{VIEW}: through transpose"}


def test_a_library_kernel() -> None:
    found = reasons(lambda x, y: nf.exp(nf.matmul(x, y)), (7, 5), (5, 3))
    assert found == {"matmul is a library kernel (it takes along only a bias and relu or relu6)"}


def test_a_host_call_and_what_goes_round_it() -> None:
    """exp and the sum would be one loop, but for what must run between them."""

    def f(x: Any) -> Any:
        e = nf.exp(x)
        return e + slow_op(e)

    assert reasons(f, (7,)) == {BETWEEN, "slow runs on the host: it is written for a test"}


def test_a_dtype_that_no_kernel_takes() -> None:
    f = nf.function(lambda x: nf.exp(x * x))
    (gap,) = f.explain(np.ones(7, np.complex64)).facts.gaps
    assert gap.why == "multiply runs on the host: no kernel takes complex64"


@pytest.mark.parametrize("axis", [0, 1])
def test_an_assembly_copies(axis: int) -> None:
    found = reasons(lambda x: nf.concat([nf.exp(x), x], axis), (7, 5))
    assert found == {"concat puts its output together by copies"}
