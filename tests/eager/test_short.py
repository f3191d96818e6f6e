"""Small operands: after some calls a builtin answers for the op; the same values."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.eager import large, short
from numflow.eager.apply import eager
from numflow.ops.activation import softmax_op
from numflow.ops.linalg import matmul_op

CALLS = 5


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[large.Programs]:
    """Programs that nobody has asked for anything, made after a few calls."""
    fresh = large.Programs()
    monkeypatch.setattr(large, "programs", fresh)
    monkeypatch.setattr(large, "enabled", True)
    monkeypatch.setattr(short, "AFTER", CALLS)
    monkeypatch.setattr(eager, "_inferred", {})  # where it stands what is counted
    for op in (softmax_op, matmul_op):
        op.short.clear()
    yield fresh
    assert fresh.wait()
    for op in (softmax_op, matmul_op):
        op.short.clear()


def normal(*shape: int, dtype: str = "float32") -> Any:
    return nf.constant(np.random.default_rng(5).normal(size=shape).astype(dtype))


FUNCTIONS: list[Callable[[Any], Any]] = [
    nf.nn.softmax,
    lambda x: nf.matmul(x, x),
    lambda x: x @ x,
    lambda x: nf.matmul(a=x, b=x),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_a_builtin_gives_what_the_reference_gave(
    programs: large.Programs, f: Callable[[Any], Any], dtype: str
) -> None:
    x = normal(7, 7, dtype=dtype)
    first = f(x)
    for _ in range(CALLS):
        nf.matmul(x, x)
        f(x)
    assert programs.wait()
    assert softmax_op.short or matmul_op.short
    held = [f(x) for _ in range(4)]
    for y in held:
        assert y._spec is first.spec and y.dtype == first.dtype
        np.testing.assert_allclose(y, first, rtol=1e-5, atol=1e-6)
    assert len({id(y._array) for y in held}) == 4  # what somebody has is not written again


def test_other_operands_take_the_ordinary_way(programs: large.Programs) -> None:
    """Other shapes, dtypes, axes and kinds; and what is refused still is."""
    x = normal(3, 5)
    for _ in range(CALLS + 1):
        nf.nn.softmax(x)
        nf.matmul(x, x, transpose_b=True)
    assert programs.wait()
    assert len(softmax_op.short) == 1 and not matmul_op.short
    want = np.exp(x.numpy()) / np.exp(x.numpy()).sum(0)
    np.testing.assert_allclose(nf.nn.softmax(x, axis=0), want, rtol=1e-6)
    np.testing.assert_allclose(nf.nn.softmax(x.numpy().T, axis=1), want.T, rtol=1e-6)
    np.testing.assert_allclose(nf.nn.softmax([0.0, 0.0]), [0.5, 0.5])
    with pytest.raises(TypeError, match="softmax: logits is int32, not floating"):
        nf.nn.softmax(nf.constant([[1, 2]]))


def test_tapes_and_traces_see_the_op(programs: large.Programs) -> None:
    x = normal(7, 7)
    for _ in range(CALLS + 1):
        y = nf.matmul(nf.nn.softmax(x), x)
    assert programs.wait() and softmax_op.short and matmul_op.short
    with nf.GradientTape() as tape:
        tape.watch(x)
        z = nf.matmul(nf.nn.softmax(x), x)
    assert np.abs(tape.gradient(z, x)).max() > 0.1
    traced = nf.function(lambda x: nf.nn.softmax(x) @ x)
    np.testing.assert_allclose(traced(x), y, rtol=1e-5, atol=1e-6)


def test_few_calls_and_the_reference_alone_compile_nothing() -> None:
    code = """
import numflow as nf
x = nf.ones([4, 4])
for _ in range({calls}):
    nf.nn.softmax(x), nf.matmul(x, x)
from numflow.eager import large
large.wait()
from numflow.kernels import engine
print(engine.compiles())
"""
    for calls, mode in ((200, "compiled"), (400, "reference")):
        done = subprocess.run(
            [sys.executable, "-c", code.format(calls=calls)],
            env={**os.environ, "NUMFLOW_EAGER": mode},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["0"]
