"""Matrix products against NumPy in float64."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gemm import Batch, plan
from numflow.kernels.engine import Target
from numflow.kernels.ir import Builder
from numflow.kernels.tiles import Epilogue
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
RNG = np.random.default_rng(7)
# error bound of one element, times 1 + sqrt(k): rounding errors of random signs
TOLERANCE = {"float32": 7e-6, "float64": 1.4e-14}


def run(
    p: Call,
    a: Array,
    b: Array,
    c: Array,
    bias: Array | None = None,
    extras: Sequence[Array] = (),
) -> Array:
    """Call a plan, every chunk alone and the last one first; returns c."""
    operands = [a, b, c, bias, *extras]
    addresses = [0 if x is None else x.ctypes.data for x in operands]
    words = p.words([*addresses, 0, 0])
    shared = np.full(p.shared_bytes + 128, 0xFF, np.uint8)  # nan, and what must stay so behind
    start = -(-shared.ctypes.data // 64) * 64
    if p.shared_bytes:
        words[p.shared_position] = start
    for call in (p, p.then):
        if call is not None:
            starts = reversed(range(0, call.units, call.chunk))
            launch(
                call.address, words, [(i, min(i + call.chunk, call.units)) for i in starts],
                workspace_bytes=call.workspace_bytes,
            )  # fmt: skip
    assert np.all(shared[start - shared.ctypes.data + p.shared_bytes :] == 0xFF)
    return c


def normal(*shape: int, dtype: str = "float32") -> Array:
    return RNG.standard_normal(shape).astype(dtype)


def multiply_add(b: Builder, x: str, operand: Any) -> str:
    return b.fma(x, operand(0), operand(1))


def check_case(dtype: str, m: int, n: int, k: int, draw: random.Random) -> None:
    """One product of guarded arrays with drawn layout, leading dimensions, flags and threads."""
    ta, tb = draw.randint(0, 1), draw.randint(0, 1)
    pads = [draw.choice((0, 0, 1, 5, 64)) for _ in range(3)]
    accumulate, relu, use_bias = (draw.random() < 0.4 for _ in range(3))
    use_epilogue = draw.random() < 0.1
    shapes = [(k, m) if ta else (m, k), (n, k) if tb else (k, n), (m, n)]
    lds = [shape[1] + pad for shape, pad in zip(shapes, pads, strict=True)]
    a, b, c = (Guarded(shape, ld, dtype) for shape, ld in zip(shapes, lds, strict=True))
    bias = Guarded((1, n), n, dtype)
    extras = [Guarded((m, n), lds[2], dtype) for _ in range(2)]
    for x in (a, b, bias, *extras):
        x.array[...] = RNG.standard_normal(x.array.shape)
    if accumulate:
        c.array[...] = RNG.standard_normal((m, n))
    exact = np.longdouble if dtype == "float64" else np.float64
    op_a, op_b = a.array.T if ta else a.array, b.array.T if tb else b.array
    expected = op_a.astype(exact) @ op_b.astype(exact)
    expected += (c.array if accumulate else 0) + (bias.array if use_bias else 0)
    scale: Any = 1 + np.sqrt(k)
    if use_epilogue:
        expected = expected * extras[0].array + extras[1].array
        scale = scale * (1 + np.abs(extras[0].array))
    activation = draw.choice(["relu", "relu6"]) if relu else ""
    if relu:
        expected = np.clip(expected, 0, 6 if activation == "relu6" else None)
    p = plan(
        m, n, k, dtype, transpose_a=bool(ta), transpose_b=bool(tb),
        lda=lds[0], ldb=lds[1], ldc=lds[2],
        bias=use_bias, activation=activation, accumulate=accumulate,
        epilogue=Epilogue("x * p + q", multiply_add) if use_epilogue else None,
        threads=draw.choice((1, 1, 2, 3)), aligned_b=draw.random() < 0.5,
    )  # fmt: skip
    run(p, a.array, b.array, c.array, bias.array, [x.array for x in extras])
    case = (m, n, k, ta, tb, lds, accumulate, use_bias, use_epilogue, activation)
    error = np.abs(c.array - expected) / scale
    assert error.size == 0 or error.max() <= TOLERANCE[dtype], case  # NaN fails too
    assert c.untouched(), case
    for x in (a, b, c, bias, *extras):
        x.release()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_drawn_sizes_and_layouts(dtype: str) -> None:
    """Sizes around the blocks of rows, vectors and k; nothing outside the matrices is touched."""
    draw = random.Random(1)
    lanes = Target.host().lanes(4 if dtype == "float32" else 8)
    rows = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 29, 61, 149]
    columns = [1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 2 * lanes + 1, 53, 131]
    columns += [3 * lanes, 3 * lanes + 2, 4 * lanes, 4 * lanes + 1, 5 * lanes - 1]
    depths = [0, 1, 2, 3, lanes - 1, lanes, lanes + 1, 2 * lanes + 3, 31, 101, 385, 801]
    for _ in range(500):
        check_case(dtype, draw.choice(rows), draw.choice(columns), draw.choice(depths), draw)


@pytest.mark.parametrize(
    ("m", "n", "k"),
    [
        (0, 5, 3), (5, 0, 3), (0, 0, 0), (5, 3, 0), (1, 5, 0), (5, 1, 0), (1, 1, 1),
        (257, 307, 773), (1, 1009, 701), (1009, 1, 701), (131, 1031, 401), (1009, 10, 67),
    ],
)  # fmt: skip
def test_empty_single_and_large_products(m: int, n: int, k: int) -> None:
    """k = 0 leaves the bias or C alone; sizes that need several slots and blocks."""
    draw = random.Random(2)
    for _ in range(8):
        check_case("float32", m, n, k, draw)


@pytest.mark.parametrize(
    ("m", "n", "k", "ta", "tb"),
    [
        (128, 257, 784, 0, 0), (31, 1024, 1021, 0, 1), (784, 256, 127, 1, 0), (1003, 10, 997, 1, 0),
        (1, 2003, 1009, 0, 0), (1, 2003, 1009, 0, 1), (2003, 1, 1009, 0, 0), (2003, 1, 1009, 1, 0),
        (97, 512, 1537, 0, 0), (3, 4099, 997, 0, 0), (4099, 3, 401, 1, 1),
    ],
)  # fmt: skip
def test_bits_are_equal_for_any_number_of_threads(m: int, n: int, k: int, ta: int, tb: int) -> None:
    """Every way to compute (tiles, narrow, dot, axpy): cuts never change an element."""
    a, b, bias = normal(*((k, m) if ta else (m, k))), normal(*((n, k) if tb else (k, n))), normal(n)
    start = normal(m, n)
    results, slots = [], set()
    for threads in (1, 2, 3, 7):
        for aligned in (True, False):
            p = plan(
                m, n, k, transpose_a=bool(ta), transpose_b=bool(tb), bias=True, accumulate=True,
                threads=threads, aligned_b=aligned,
            )  # fmt: skip
            slots.add((p.then or p).units)
            results.append(run(p, a, b, start.copy(), bias))
    assert len(slots) > 2  # the grids did differ
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].view(np.int32), other.view(np.int32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("m", "n", "k", "ta", "tb"),
    [(1031, 147, 1303, 0, 1), (900, 300, 600, 1, 1), (1203, 96, 1100, 0, 1), (2048, 40, 840, 0, 1)],
)
def test_panels_that_all_slots_share(dtype: str, m: int, n: int, k: int, ta: int, tb: int) -> None:
    """B is packed once, by a kernel of its own: same bits as where one thread packs for itself."""
    a, b = (normal(*s, dtype=dtype) for s in ((k, m) if ta else (m, k), (n, k) if tb else (k, n)))
    both = [
        plan(m, n, k, dtype, transpose_a=bool(ta), transpose_b=bool(tb), threads=threads)
        for threads in (1, 4)
    ]
    alone, shared = (run(p, a, b, np.full((m, n), np.nan, dtype)) for p in both)
    assert both[0].then is None
    assert both[1].then is not None
    assert alone.tobytes() == shared.tobytes()
    expected = (a.T if ta else a).astype(np.longdouble) @ (b.T if tb else b).astype(np.longdouble)
    assert np.abs(shared - expected).max() <= TOLERANCE[dtype] * (1 + np.sqrt(k))


def test_unaligned_addresses() -> None:
    """Operands at any multiple of the element."""
    memory = normal(3 * 5000)
    for shift in (1, 3, 15):
        a, b = (
            memory[shift:][: 37 * 41].reshape(37, 41),
            memory[5000 + shift :][: 41 * 43].reshape(41, 43),
        )
        c = memory[10000 + shift :][: 37 * 43].reshape(37, 43)
        run(plan(37, 43, 41, aligned_b=False), a, b, c)
        np.testing.assert_allclose(c, a.astype(float) @ b, rtol=0, atol=5e-5)


@pytest.mark.parametrize("activation", ["relu", "relu6"])
@pytest.mark.parametrize(
    ("m", "n", "ta", "tb"),
    [(7, 21, 0, 0), (1, 21, 0, 0), (1, 21, 0, 1), (7, 1, 0, 0), (7, 1, 1, 0), (131, 10, 1, 0)],
)
def test_nan_and_inf_go_through(m: int, n: int, ta: int, tb: int, activation: str) -> None:
    """relu(NaN) is NaN; 0 * inf is NaN; -inf becomes 0; other rows are not touched by them."""
    k = 9
    a, b = np.ones((m, k), "float32"), np.ones((k, n), "float32")
    a[m // 2, 4] = np.nan
    b[3, 0] = -np.inf
    expected = np.clip(a @ b, 0, 6 if activation == "relu6" else None)
    stored_a = np.ascontiguousarray(a.T if ta else a)
    stored_b = np.ascontiguousarray(b.T if tb else b)
    p = plan(m, n, k, transpose_a=bool(ta), transpose_b=bool(tb), activation=activation)
    c = run(p, stored_a, stored_b, np.zeros((m, n), "float32"))
    np.testing.assert_array_equal(c, expected)


def test_garbage_in_c_is_not_read_unless_accumulating() -> None:
    """C may be fresh memory: NaN in it does not survive."""
    for m, n, ta in ((5, 7, False), (1, 33, False), (33, 1, False), (131, 10, True)):
        a, b = normal(*((3, m) if ta else (m, 3))), normal(3, n)
        c = run(plan(m, n, 3, transpose_a=ta), a, b, np.full((m, n), np.nan, "float32"))
        assert np.isfinite(c).all()


BATCHES = [
    # shapes of A and B without their last two axes
    ((5,), (5,)), ((5,), ()), ((), (5,)), ((3, 1), (1, 5)), ((2, 3, 5), (3, 5)),
    ((2, 1, 3, 1), (7, 1, 5)), ((0,), (0,)), ((1,), (1,)), ((101,), (101,)),
]  # fmt: skip


@pytest.mark.parametrize(("batch_a", "batch_b"), BATCHES)
@pytest.mark.parametrize(
    ("m", "n", "k", "ta", "tb"),
    [
        (7, 11, 5, 0, 0),
        (1, 17, 5, 0, 1),
        (67, 10, 3, 1, 0),
        (17, 1, 3, 0, 0),
        (13, 37, 2, 1, 1),
        (131, 67, 61, 0, 0),
    ],
)
def test_batches_broadcast(
    batch_a: tuple[int, ...], batch_b: tuple[int, ...], m: int, n: int, k: int, ta: int, tb: int
) -> None:
    """Leading dimensions as in NumPy's matmul; strides of 0 repeat a matrix."""
    a, b = (
        normal(*batch_a, *((k, m) if ta else (m, k))),
        normal(*batch_b, *((n, k) if tb else (k, n))),
    )
    op_a, op_b = (np.swapaxes(x, -1, -2) if t else x for x, t in ((a, ta), (b, tb)))
    expected = op_a.astype(float) @ op_b
    shape = expected.shape[:-2]

    def strides(x: Array) -> list[int]:
        wide = np.broadcast_to(x, (*shape, *x.shape[-2:]))
        return [stride // x.itemsize for stride in wide.strides[:-2]]

    c = np.full(expected.shape, np.nan, "float32")
    batch = [Batch(*d) for d in zip(shape, strides(a), strides(b), strides(c), strict=True)]
    results: list[Array] = []
    for threads in (1, 2, 5):
        p = plan(m, n, k, transpose_a=bool(ta), transpose_b=bool(tb), batch=batch, threads=threads)
        c[...] = np.nan
        run(p, a, b, c)
        np.testing.assert_allclose(c, expected, rtol=0, atol=1e-4)
        results.append(c.copy())
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_a_batch_times_one_matrix_is_one_product() -> None:
    """[5, 7, k] @ [k, n] runs as 35 rows."""
    p = plan(7, 11, 3, batch=[Batch(5, 21, 0, 77)])
    assert p.units == 1


def test_too_many_batch_dimensions_are_refused() -> None:
    """Alternating broadcasts do not merge; the op layer copies such operands first."""
    batch = [Batch(2, 0 if i % 2 else 5, 5 if i % 2 else 0, 100) for i in range(5)]
    with pytest.raises(
        ValueError, match=r"at most 4 batch dimensions that do not merge\. Received: 5"
    ):
        plan(3, 5, 7, batch=batch)


def test_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="activation '', 'relu' or 'relu6'"):
        plan(3, 5, 7, activation="gelu")


@pytest.mark.parametrize("target", ["baseline", "avx2"])
def test_narrower_machines(target: str) -> None:
    """The same cases with 128-bit vectors and no fused multiply-add, and with AVX2."""
    if os.environ.get("NUMFLOW_TARGET"):
        pytest.skip("this is the inner process, or a machine was chosen from outside")
    environment = {**os.environ, "NUMFLOW_TARGET": target}
    chosen = "drawn or threads or nan or empty"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        __file__,
        "-k",
        chosen,
    ]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
