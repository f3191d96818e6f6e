"""The Python printer, compiled by Numba, against the NumPy reference; and its text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from textwrap import dedent

import numpy as np
import pytest

from numflow.codegen.numba_jit import compile_source, parallel
from numflow.codegen.source import loop_source
from numflow.graph.loops import Body, Loop, Operand
from numflow.kernels import abi
from tests.codegen import loop_forms as forms
from tests.codegen.loop_draw import Drawer, sizes_for
from tests.codegen.loop_runs import (
    NODE,
    Array,
    Order,
    call,
    compare,
    draw,
    in_order,
    inputs_of,
    units,
    words,
)


def run_source(
    loop: Loop,
    arrays: Mapping[str, Array],
    sizes: Sequence[int],
    block: int = 8,
    chunk: int = 0,
    order: Order = in_order,
) -> int:
    packed = words(loop, arrays, sizes, block)
    return call(compile_source(loop), packed, units(loop, sizes, block), chunk, order)


@pytest.mark.parametrize("make", [forms.cross_entropy, forms.perceptron, forms.batch_norm])
def test_known_forms_equal_the_reference(make: Callable[[], Loop]) -> None:
    rng, loop = np.random.default_rng(1), make()
    for rows, cols in ((17, 31), (1, 1), (3, 64)):
        sizes = (rows, 5, cols) if loop.deep else (rows, loop.inner or cols)
        inputs = inputs_of(rng, loop, sizes)
        if "label" in inputs:
            inputs["label"][...] = rng.integers(0, sizes[1], inputs["label"].shape)
        compare(rng, loop, sizes, inputs, run=run_source, chunk=3, scale=10)


@pytest.mark.parametrize("seed", [3, 8, 11])
def test_drawn_forms_equal_the_reference(seed: int) -> None:
    rng, loop = np.random.default_rng(seed), Drawer(seed).loop()
    for _ in range(3):
        sizes = sizes_for(rng, loop, empty=False)
        with np.errstate(all="ignore"):
            compare(rng, loop, sizes, run=run_source, chunk=int(rng.integers(1, 5)), scale=20)


def test_segments_and_random_bits() -> None:
    """A loop over segments that adds random bits: chunks in any order, the same arrays."""
    operands = [Operand("w", "i64", "u"), Operand("key", "i64", "-")]
    b = Body("noise", 1, operands, segments=True)
    bits = b.philox(b.index(), b.load("key"), b.const(0, "i64"), 1)
    b.store("w", b.add(b.load("w"), b.cast(bits, "i64")))
    rng, key = np.random.default_rng(2), np.array([5])
    arrays = [draw(rng, "i64", (n,)) for n in (10, 1, 100)]
    table = np.array([[a.ctypes.data, a.size] for a in arrays])
    chunks = np.array([(s, at) for s, a in enumerate(arrays) for at in range(0, a.size, 32)])
    packed = [table.ctypes.data, chunks.ctypes.data, key.ctypes.data, 32]
    before = [a.copy() for a in arrays]
    call(compile_source(b.done()), packed, len(chunks), 2, lambda c: c[::-1])
    added = [a - old for a, old in zip(arrays, before, strict=True)]
    np.testing.assert_array_equal(added[0], added[2][:10])
    assert added[2].min() >= 0 and len(set(added[2].tolist())) == 100


def test_a_failing_check_is_reported() -> None:
    b = Body("checked", 1, [Operand("x", "f32", "u"), Operand("y", "f32", "u")])
    b.store("y", b.sqrt(b.load("x")))
    b.check(b.ge(b.load("x"), 0.0))
    x = np.ones(37, np.float32)
    x[[31, 7]] = -1
    with np.errstate(invalid="ignore"):
        compare(
            np.random.default_rng(0),
            b.done(),
            (37,),
            {"x": x},
            run=run_source,
            chunk=5,
            error=abi.error_record(NODE, 7),
        )


def test_the_text_reads_like_the_formula() -> None:
    text = """
        @njit(nogil=True)
        def softmax(x, y, lse, cols, begin, end):
            for row in range(begin, end):
                largest1 = f32(-INF)
                for col in range(cols):
                    largest1 = maximum(largest1, x[row, col])
                total2 = f32(0.0)
                for col in range(cols):
                    exp_3 = exp_f32((x[row, col] - largest1))
                    total2 = total2 + exp_3
                    y[row, col] = exp_3
                div_4 = f32(1.0) / total2
                for col in range(cols):
                    y[row, col] = y[row, col] * div_4
                lse[row] = log_f32(total2) + largest1


        @njit(parallel=True)
        def softmax_parallel(x, y, lse, cols, total):
            pieces = min(total, 4 * get_num_threads())
            for k in prange(pieces):
                softmax(x, y, lse, cols, k * total // pieces, (k + 1) * total // pieces)
    """
    assert loop_source(forms.softmax()).strip() == dedent(text).strip()


def test_the_parallel_wrapper_may_be_launched_by_several_threads() -> None:
    """Numba's threading layers abort on concurrent launches: one lock is around them."""
    launch = parallel(forms.relu_affine())
    rng = np.random.default_rng(4)
    a, b, c = (draw(rng, "f32", (1031,)) for _ in range(3))
    results = [np.zeros(1031, np.float32) for _ in range(4)]

    def work(y: Array) -> None:
        for _ in range(5):
            launch(a, b, c, y, 1031)

    threads = [threading.Thread(target=work, args=(y,)) for y in results]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for y in results:
        np.testing.assert_allclose(y, np.maximum(a * b + c, 0), 1e-5, 1e-6)


def test_operands_may_have_any_name() -> None:
    """Names of Python, of dtypes and of the printer's own are spelled otherwise."""
    names = ["and", "f32", "row", "max", "total1", "x_1", "col"]
    b = Body("named", 2, [Operand(n, "f32", "su") for n in names])
    row = b.sum(b.load("x_1"))
    b.sweep()
    total = row
    for n in names[:-1]:
        total = b.max(total, b.mul(b.load(n), b.load("and")))
    b.store("col", total)
    compare(np.random.default_rng(3), b.done(), (5, 7), run=run_source)
