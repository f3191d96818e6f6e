"""Products with a long k, in parts, against NumPy in float64."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numflow.kernels import lang
from numflow.kernels.cpu import gemm_parts
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gemm_parts import choose, choose_joint, plan, plan_joint
from numflow.kernels.engine import Target, compile_only
from numflow.kernels.ir import Vectors
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
TOLERANCE = {"float32": 7e-6, "float64": 1.4e-14}


def run(p: Call, *operands: Array) -> None:
    """Call both kernels of a plan, chunk by chunk, the last one first."""
    shared = np.full(p.shared_bytes + 128, 0xFF, np.uint8)
    start = -(-shared.ctypes.data // 64) * 64
    assert p.then is not None
    for call in (p, p.then):
        words = call.words([x.ctypes.data for x in operands])
        words[p.shared_position] = start
        ranges = [(i, min(i + call.chunk, call.units)) for i in range(0, call.units, call.chunk)]
        launch(call.address, words, ranges[::-1], workspace_bytes=call.workspace_bytes)
    behind = shared[start - shared.ctypes.data + p.shared_bytes :]
    assert (behind == 0xFF).all(), "wrote past the parts"


def check(
    dtype: str, m: int, n: int, k: int, parts: int, *, residual: bool = False, threads: int = 1
) -> Array:
    rng = np.random.default_rng(m * n + k)
    a, b, c, r = (Guarded(s, s[1], dtype) for s in ((k, m), (k, n), (m, n), (m, n)))
    for x in (a, b, r):
        x.array[...] = rng.standard_normal(x.array.shape)
    exact = np.longdouble if dtype == "float64" else np.float64
    expected = a.array.T.astype(exact) @ b.array.astype(exact) + (r.array if residual else 0)
    p = plan(m, n, k, dtype, parts=parts, residual=residual, threads=threads)
    run(p, a.array, b.array, c.array, *([r.array] if residual else []))
    error = np.abs(c.array - expected).max() / (1 + np.sqrt(k))
    assert error < TOLERANCE[dtype], (dtype, m, n, k, parts, error)
    return c.array.copy()


SIZES = (1, 2, 3, 5, 7, 8, 11, 12, 13, 15, 16, 17, 23, 24, 29, 31, 32, 33, 47, 64, 67)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sizes_around_every_block(dtype: str) -> None:
    draw = random.Random(dtype)
    for m in SIZES:
        n = draw.choice(SIZES)
        k = draw.choice((2, 3, 127, 128, 129, 255, 257, 383, 521))
        parts = draw.choice((2, 3, 5, 16))
        residual, threads = draw.random() < 0.3, draw.choice((1, 2, 16, 64))
        check(dtype, m, n, k, parts, residual=residual, threads=threads)
        check(dtype, n, m, k, parts, residual=residual, threads=threads)


@pytest.mark.parametrize(("m", "n"), [(512, 67), (1024, 48), (40, 512), (130, 1536)])
def test_rows_that_fall_into_few_sets_are_copied_in_every_block(m: int, n: int) -> None:
    check("float32", m, n, 389, 2)
    check("float64", m, n, 261, 3, residual=True, threads=16)


def check_joint(
    dtype: str, ms: tuple[int, ...], n: int, k: int, parts: int, threads: int = 1
) -> list[Array]:
    """Products of several A with one B, and the sums of its columns."""
    rng = np.random.default_rng(n + k)
    b, *a = (Guarded((k, m), m, dtype) for m in (n, *ms))
    for x in (b, *a):
        x.array[...] = rng.standard_normal(x.array.shape)
    c = [Guarded((m, n), n, dtype) for m in (*ms, 1)]
    exact = np.longdouble if dtype == "float64" else np.float64
    wide: Any = b.array.astype(exact)
    p = plan_joint(ms, n, k, dtype, parts=parts, sums=True, threads=threads)
    run(p, b.array, *(x.array for x in a), *(x.array for x in c))
    alone = [x.array.copy() for x in c]
    p = plan_joint(ms, n, k, dtype, parts=parts, threads=threads)
    run(p, b.array, *(x.array for x in a), *(x.array for x in c[:-1]))
    for x, y, z in zip(c, alone, [*a, None], strict=True):
        assert np.array_equal(x.array, y)
        expected = z.array.T.astype(exact) @ wide if z else wide.sum(0, keepdims=True)
        error = np.abs(y - expected).max(initial=0) / (1 + np.sqrt(k))
        assert error < TOLERANCE[dtype], (dtype, ms, n, k, parts, error)
    return alone


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_joint_products_of_sizes_around_every_block(dtype: str) -> None:
    draw = random.Random(dtype)
    for n in SIZES:
        ms = tuple(draw.choice(SIZES) for _ in range(draw.choice((1, 2, 2, 3))))
        k = draw.choice((1, 3, 127, 129, 257, 521))
        check_joint(dtype, ms, n, k, draw.choice((1, 2, 5)), draw.choice((1, 2, 16)))
    check_joint(dtype, (40, 24), 512, 389, 2)
    check_joint(dtype, (5,), 7, 0, 1)


def test_joint_products_are_those_of_each_alone() -> None:
    """Bit for bit, whatever the number of threads: each element is the same chain of sums."""
    a = check_joint("float32", (48, 80), 512, 1031, 3)
    for threads in (2, 3, 64):
        b = check_joint("float32", (48, 80), 512, 1031, 3, threads)
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    (alone, sums) = check_joint("float32", (48,), 512, 1031, 3)
    assert np.array_equal(alone, a[0])
    assert np.array_equal(sums, a[2])


def test_threads_and_ranges_change_no_bit() -> None:
    for m, n in ((67, 29), (512, 70)):
        results = [check("float32", m, n, 1031, 4, threads=t) for t in (1, 2, 3, 8, 64)]
        assert all(np.array_equal(results[0], x) for x in results[1:])


def test_more_parts_than_blocks_leave_zeros() -> None:
    check("float32", 13, 17, 5, 7)


def test_nan_and_infinity_go_through() -> None:
    for m, n in ((40, 24), (24, 40)):
        a, b, c = np.ones((300, m), "f4"), np.ones((300, n), "f4"), np.empty((m, n), "f4")
        a[7, 3], b[290, 5] = np.nan, np.inf
        run(plan(m, n, 300, parts=2), a, b, c)
        assert np.isnan(c[3]).all()
        assert np.isinf(np.delete(c, 3, 0)[:, 5]).all()
        assert np.isfinite(np.delete(np.delete(c, 3, 0), 5, 1)).all()


def test_k_is_cut_where_it_is_long_and_the_result_is_small() -> None:
    wide = Target.named("avx512")
    sizes = {
        (256, 64, 32 * 56 * 56): "100352 rows in 16 parts",
        (256, 256, 1024): "1024 rows in 2 parts",
        (784, 256, 128): "whole: fewer than 1024 rows",
        (4096, 4096, 8192): "whole: the result is too large for the caches",
        (8, 8, 2000): "whole: fewer than 8 M multiply-adds",
        (0, 64, 1 << 20): "nothing to do",
        (64, 64, 0): "nothing to do",
    }
    for (m, n, k), why in sizes.items():
        assert choose(m, n, k, target=wide).why == why
    assert choose(384, 384, 2048, target=wide).why == "2048 rows in 1 part"
    assert choose(256, 256, 2048, target=wide).parts == 4
    assert choose(1 << 12, 1 << 12, 1 << 20, target=Target.named("avx2")).parts == 0
    assert choose(256, 1024, 2048, target=wide).why == "2048 rows in 1 part"
    assert choose_joint((256, 128), 1024, 2048, target=wide).why == "2048 rows in 1 part"
    assert choose_joint((256, 128), 1024, 1 << 14, target=wide).parts == 8
    assert choose_joint((512, 128), 1024, 2048, target=wide).parts == 0


@pytest.mark.parametrize("target", ["baseline", "avx2"])
def test_narrower_machines_compute_the_same(target: str) -> None:
    if os.environ.get("NUMFLOW_TARGET"):
        pytest.skip("this is the inner process, or a machine was chosen from outside")
    environment = {**os.environ, "NUMFLOW_TARGET": target}
    chosen = "block or threads or nan or joint"
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", __file__]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, "-k", chosen], env=environment, cwd=root, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["avx2", "avx512", "baseline", "neon"])
def test_other_machines_get_code_too(name: str) -> None:
    target = Target.named(name)
    for dtype in ("float32", "float64"):
        vectors = Vectors(dtype, target)
        entries = (gemm_parts.partial_products, gemm_parts.sum_parts)
        assert compile_only(lang.emit_module(entries, "nf_", vectors), target)
