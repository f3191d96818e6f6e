"""The SIMD printer against the NumPy reference, on well-known and on drawn loop forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from numflow.codegen.simd import compile_loop
from numflow.graph.loop_reference import NUMPY, run_reference
from numflow.graph.loops import Body, Loop, Operand, Over, Term, combine
from numflow.kernels import abi, scalar
from numflow.kernels.builder import INTS, limits
from tests.codegen import loop_forms as forms
from tests.codegen.loop_draw import Drawer, sizes_for
from tests.codegen.loop_runs import (
    NODE,
    Order,
    arrays_of,
    call,
    close,
    compare,
    draw,
    in_order,
    inputs_of,
    run_simd,
    totals,
)
from tests.kernels.guarded import Guarded

SHAPES = [
    (0, 5),
    (3, 0),
    (1, 1),
    (3, 7),
    (17, 31),
    (5, 64),
    (2, 1009),
    (131, 13),
    (67, 1),
    (1, 4099),
]
FORMS: list[Callable[[], Loop]] = [
    forms.gelu,
    forms.gelu_grad,
    forms.relu_affine,
    forms.bias_tanh,
    forms.bias_tanh_grad,
    forms.column_sum,
    forms.softmax,
    lambda: forms.softmax(log=True),
    lambda: forms.softmax(dtype="f64"),
    forms.cross_entropy,
    lambda: forms.cross_entropy(label="i64"),
    forms.layer_norm,
    forms.layer_norm_both,
    forms.perceptron,
    *[lambda n=n: forms.bias_tanh(n) for n in (1, 3, 10, 37)],
    *[lambda n=n: forms.bias_tanh_grad(n) for n in (1, 8, 10, 64)],
    *[lambda n=n: forms.cross_entropy(n) for n in (3, 10, 37)],
    *[lambda n=n: forms.perceptron(n) for n in (1, 10, 37)],
]


@pytest.mark.parametrize("make", FORMS)
def test_known_forms_equal_the_reference(make: Callable[[], Loop]) -> None:
    rng = np.random.default_rng(3)
    loop = make()
    folds_extremes = any(r.kind in ("max", "min") for s in loop.sweeps for r in s.reduces)
    for rows, cols in SHAPES:
        sizes: tuple[int, ...] = (rows * cols,) if loop.axes == 1 else (rows, loop.inner or cols)
        if sizes[-1] == 0 and (folds_extremes or "norm" in loop.name):
            continue
        inputs = inputs_of(rng, loop, sizes)
        if "label" in inputs:
            inputs["label"][...] = rng.integers(0, sizes[1], inputs["label"].shape)
        scale = 10.0 if "norm" in loop.name or "perc" in loop.name else 1.0
        compare(rng, loop, sizes, inputs, chunk=int(rng.integers(1, 9)), scale=scale)


# --- what one kernel may hold ----------------------------------------------------


@pytest.mark.parametrize("inner", [None, 10])
def test_folds_over_rows_after_folds_over_columns(inner: int | None) -> None:
    """Sums over rows, of elements and of row terms, in the sweep after a fold of the row."""
    rng = np.random.default_rng(5)
    loop = forms.perceptron(inner)
    for rows in (1, 7, 200):
        compare(rng, loop, (rows, inner or 13), block=64, chunk=1, scale=10)


def test_one_block_leaves_the_result() -> None:
    """With a single block the partials are the folds, and nothing is to be combined."""
    rng = np.random.default_rng(6)
    loop = forms.perceptron()
    inputs = inputs_of(rng, loop, (29, 11))
    arrays = arrays_of(rng, loop, (29, 11), inputs, block=29)
    run_simd(loop, arrays, (29, 11), block=29)
    for name, want in run_reference(loop, inputs, (29, 11)).items():
        close(arrays[name].reshape(-1), want, "f32", name, 10)


@pytest.mark.parametrize("over", ["rows", "all"])
def test_combine_finishes_with_an_update(over: Over) -> None:
    """w - rate * total / count, with the squared total beside it, in the combining loop."""
    rng = np.random.default_rng(7)
    access = "su" if over == "rows" else "--"
    b = Body("fold", 2, [Operand("x", "f32", "su"), Operand("part", "f32", access)])
    b.reduce("sum", b.load("x"), over, ("part",))
    loop = b.done()
    per = "-u" if over == "rows" else "--"

    def finish(b: Body, total: Mapping[str, Term]) -> None:
        mean = b.div(total["part"], b.load("count"))
        b.store("w_new", b.sub(b.load("w"), b.mul(b.load("rate"), mean)))
        b.store("square", b.mul(mean, mean))

    extra = [Operand(n, "f32", per) for n in ("w", "w_new", "square")]
    extra += [Operand(n, "f32", "--") for n in ("rate", "count")]
    second = combine(loop, {"part": ""}, finish, extra)
    sizes = (37, 19)
    arrays = arrays_of(rng, loop, sizes, inputs_of(rng, loop, sizes), block=8)
    run_simd(loop, arrays, sizes, block=8, chunk=1)
    data = arrays_of(rng, second, (1, 19) if over == "rows" else (1, 1), {}, 1)
    part = arrays["part"]
    data["part"] = part if over == "rows" else part.reshape(1, -1)
    data["rate"][...], data["count"][...] = 0.5, 37
    before = data["w"].copy()
    run_simd(second, data, data["part"].shape, chunk=4 if over == "rows" else 0)
    total = arrays["x"].astype(np.float64).sum(axis=0 if over == "rows" else None) / 37
    np.testing.assert_allclose(data["w_new"].reshape(-1), (before - 0.5 * total).reshape(-1), 1e-5)
    np.testing.assert_allclose(data["square"].reshape(-1), total.reshape(-1) ** 2, 1e-4)


@pytest.mark.parametrize("sizes", [(3, 5, 7), (2, 17, 1), (1, 1, 33), (4, 0, 9), (5, 3, 130)])
@pytest.mark.parametrize("inner", [None, 7])
def test_deep_loops_fold_the_middle_axis(sizes: tuple[int, int, int], inner: int | None) -> None:
    """Folds down the depth, and what follows them per column and along the depth again."""
    rng = np.random.default_rng(8)
    sizes = (*sizes[:2], inner or sizes[2])
    operands = [Operand("x", "f32", "ssu"), Operand("y", "f32", "ssu")]
    operands += [Operand("total", "f32", "s-u"), Operand("first", "i32", "s-u")]
    b = Body("deep", 3, operands, inner, deep=True)
    x = b.load("x")
    total = b.sum(x, "depth")
    first = b.cast(b.reduce("argmax", x, "depth"), "i32") if sizes[1] else b.const(0, "i32")
    b.sweep()
    b.store("total", total)
    b.store("first", first)
    b.store("y", b.sub(x, total))
    loop = b.done()
    compare(rng, loop, sizes, chunk=2)
    if sizes[1]:
        compare(rng, forms.batch_norm(), sizes, scale=10)


@pytest.mark.parametrize("access", ["u", "-"])
def test_scalars_are_stored_once_in_place(access: str) -> None:
    """w = w - rate * g of a scalar, alone or beside elementwise work in many chunks."""
    rng = np.random.default_rng(9)
    operands = [Operand(n, "f32", "-") for n in ("w", "rate", "g")]
    operands += [Operand("x", "f32", access), Operand("y", "f32", access)]
    b = Body("step", 1, operands)
    b.store("w", b.sub(b.load("w"), b.mul(b.load("rate"), b.load("g"))))
    b.store("y", b.mul(b.load("x"), 2.0))
    arrays = {n: np.full(1, v, np.float32) for n, v in (("w", 3), ("rate", 0.5), ("g", 4))}
    n = 100 if access == "u" else 1
    arrays |= {"x": draw(rng, "f32", (n,)), "y": np.zeros(n, np.float32)}
    run_simd(b.done(), arrays, (n,), chunk=16)
    assert arrays["w"].tolist() == [1.0]
    np.testing.assert_array_equal(arrays["y"], arrays["x"] * 2)


def test_numbers_of_axes_rows_and_elements() -> None:
    """index(axis) along each axis, the row and the element, with gaps between rows."""
    rng = np.random.default_rng(10)
    b = Body("numbers", 3, [Operand(n, "i64", "ssu") for n in "abcde"])
    for name, axis in zip("abc", (0, 1, 2), strict=True):
        b.store(name, b.index(axis))
    b.store("d", b.index("row"))
    b.store("e", b.index("element"))
    for sizes in ((3, 5, 7), (1, 2, 19)):
        arrays = compare(rng, b.done(), sizes, chunk=2)
        np.testing.assert_array_equal(arrays["e"].reshape(-1), np.arange(arrays["e"].size))


def test_the_first_failing_check_is_reported() -> None:
    """By element where the condition differs by element, else by row; the smallest one."""
    rng = np.random.default_rng(11)
    accesses = {"x": "su", "y": "su", "r": "s-"}
    b = Body("checked", 2, [Operand(n, "i32", a) for n, a in accesses.items()])
    b.store("y", b.load("x"))
    b.check(b.ge(b.load("x"), 0))
    b.check(b.lt(b.load("r"), 100), number=1)
    loop = b.done()
    x, r = np.ones((11, 37), np.int32), np.zeros((11, 1), np.int32)
    for bad, row, want in (
        ([], [], abi.NO_ERROR),
        ([(7, 36), (7, 3), (9, 0)], [], abi.error_record(NODE, 7 * 37 + 3)),
        ([], [5, 2], abi.error_record(NODE + 1, 2)),
        ([(10, 36)], [0], abi.error_record(NODE, 10 * 37 + 36)),
    ):
        x[...], r[...] = 1, 0
        for where in bad:
            x[where] = -1
        r[row] = 100
        for chunk in (0, 1, 4):
            compare(rng, loop, (11, 37), {"x": x, "r": r}, chunk=chunk, error=want)


@pytest.mark.parametrize("size", [1, 37, 1031])
def test_division_by_zero_does_not_trap(size: int) -> None:
    """Integer quotients and remainders of every dtype, 0 and -1 and the least number included."""
    rng = np.random.default_rng(12)
    for dtype in INTS:
        names = ("div", "rem", "floordiv", "mod")
        b = Body("divide", 1, [Operand(n, dtype, "u") for n in ("x", "y", *names)])
        for op in names:
            b.store(op, b.math(op, b.load("x"), b.load("y")))
        low, high = limits(dtype)
        x = draw(rng, dtype, (size,))
        y = rng.integers(0 if low == 0 else -3, 4, size).astype(x.dtype)
        special = [low, high, 0, 1]
        divisors = [0, 1, high] if low == 0 else [0, -1, 1, low]
        pairs = [(p, q) for p in special for q in divisors][:size]
        x[: len(pairs)] = np.array([p for p, _ in pairs], x.dtype)
        y[: len(pairs)] = np.array([q for _, q in pairs], x.dtype)
        with np.errstate(all="ignore"):
            compare(rng, b.done(), (size,), {"x": x, "y": y})


# --- segments, random numbers -----------------------------------------------------


def test_segments_are_one_launch() -> None:
    """An update of arrays of any lengths, chunk by chunk, equals the update of each.

    And their norm.
    """
    rng = np.random.default_rng(13)
    operands = [Operand(n, "f32", "u") for n in ("w", "g", "m")] + [Operand("rate", "f32", "-")]
    b = Body("momentum", 1, operands, segments=True)
    m = b.add(b.mul(b.load("m"), 0.9), b.load("g"))
    b.store("m", m)
    b.store("w", b.sub(b.load("w"), b.mul(b.load("rate"), m)))
    norm = Body("norm", 1, [Operand("g", "f32", "u"), Operand("part", "f32", "-")], segments=True)
    norm.reduce("sum", norm.mul(norm.load("g"), norm.load("g")), "all", ("part",))
    lengths, rate = [10, 1, 0, 1000, 129, 64], np.full(1, 0.25, np.float32)
    pieces = [{n: draw(rng, "f32", (k,)) for n in "wgm"} for k in lengths]
    before = [{n: a.copy() for n, a in p.items()} for p in pieces]
    chunk = 64
    chunks = np.array(
        [(s, at) for s, k in enumerate(lengths) for at in range(0, k, chunk)], np.int64
    )

    def table(names: str) -> npt.NDArray[np.int64]:
        rows = [[*(p[n].ctypes.data for n in names), len(p["w"])] for p in pieces]
        return np.array(rows, np.int64)

    loop, whole = b.done(), table("wgm")
    assert loop.slots() == ["table", "chunks", "rate", "block"]
    words = [whole.ctypes.data, chunks.ctypes.data, rate.ctypes.data, chunk]
    call(compile_loop(loop), words, len(chunks), 3, lambda c: c[::-1])
    for p, old in zip(pieces, before, strict=True):
        moved = np.float32(0.9) * old["m"] + old["g"]
        np.testing.assert_allclose(p["m"], moved, 1e-6, 1e-7)
        np.testing.assert_allclose(p["w"], old["w"] - np.float32(0.25) * moved, 1e-5, 1e-6)
    part = np.zeros(len(chunks), np.float32)
    only = table("g")
    words = [only.ctypes.data, chunks.ctypes.data, part.ctypes.data, chunk]
    call(compile_loop(norm.done()), words, len(chunks), 2, in_order)
    squares = [np.sum(p["g"].astype(np.float64) ** 2) for p in pieces]
    np.testing.assert_allclose(part.astype(np.float64).sum(), np.sum(squares), 1e-5)


def test_random_bits_equal_the_published_ones() -> None:
    """Philox4x32-10 of counter 0 and key 0, and of all ones: the known answers of Random123."""
    ones = -1
    answers = {
        0: (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ones: (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    }
    for seed, want in answers.items():
        operands = [Operand(n, "i64", "u") for n in ("index", "key", "step")]
        operands += [Operand(f"w{k}", "u32", "u") for k in range(4)]
        b = Body("bits", 1, operands)
        for k in range(4):
            b.store(f"w{k}", b.philox(b.load("index"), b.load("key"), b.load("step"), k))
        inputs = {n: np.full(37, seed, np.int64) for n in ("index", "key", "step")}
        arrays = compare(np.random.default_rng(0), b.done(), (37,), inputs)
        assert tuple(int(arrays[f"w{k}"][20]) for k in range(4)) == want


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_random_numbers_do_not_depend_on_chunks(dtype: str) -> None:
    """Uniform and normal numbers of a key and a step.

    In range, of the right moments, the same bits.
    """
    operands = [Operand(n, "i64", "-") for n in ("key", "step")]
    operands += [Operand(n, dtype, "u") for n in ("uniform", "normal")]
    b = Body("random", 1, operands)
    w = [b.philox(b.index(), b.load("key"), b.load("step"), k) for k in range(4)]
    b.store("uniform", scalar.uniform(b, w[0], w[1], dtype))
    b.store("normal", scalar.normal(b, w[0], w[1], w[2], w[3], dtype))
    n, seen = 40009, set()
    for chunk in (0, 1000, 4096):
        arrays = {"key": np.array([2**40 + 5]), "step": np.array([3])}
        arrays |= {k: np.zeros(n, NUMPY[dtype]) for k in ("uniform", "normal")}
        run_simd(b.done(), arrays, (n,), chunk=chunk)
        seen.add(arrays["uniform"].tobytes() + arrays["normal"].tobytes())
    assert len(seen) == 1
    u, z = arrays["uniform"].astype(np.float64), arrays["normal"].astype(np.float64)
    assert 0 <= u.min() and u.max() < 1
    assert abs(u.mean() - 0.5) < 0.01 and abs(u.var() - 1 / 12) < 0.005
    assert abs(z.mean()) < 0.02 and abs(z.var() - 1) < 0.03 and np.isfinite(z).all()


# --- determinism --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        (forms.column_sum, (1000, 37)),
        (forms.layer_norm_both, (333, 64)),
        (lambda: forms.bias_tanh_grad(10), (200, 10)),
        (forms.perceptron, (203, 31)),
        (forms.softmax, (331, 41)),
        (forms.softmax, (37, 331)),
    ],
)
def test_bits_do_not_depend_on_chunks(make: Callable[[], Loop], sizes: tuple[int, int]) -> None:
    """However many chunks, in whatever order."""
    loop, rng = make(), np.random.default_rng(14)
    inputs = inputs_of(rng, loop, sizes)
    seen = set()
    orders: list[Order] = [in_order, in_order, lambda c: c[::-1], lambda c: sorted(c, key=str)]
    for chunk, order in zip((0, 1, 3, 2), orders, strict=True):
        arrays = arrays_of(rng, loop, sizes, inputs, 32)
        run_simd(loop, arrays, sizes, 32, chunk, order)
        final = totals(loop, arrays, run_simd)
        seen.add(b"".join(final[n].tobytes() for n in sorted(final)))
    assert len(seen) == 1


def test_nan_wins_folds_and_stays() -> None:
    """max, min, argmax and argmin over columns, rows, depth and all: NumPy's answers with NaN."""
    rng = np.random.default_rng(15)
    x = draw(rng, "f32", (23, 41))
    x[5, 7] = x[5, 30] = x[11, 2] = np.nan
    x[3, :] = -np.inf
    x[4, :] = np.inf
    for kinds in (("max", "min"), ("argmax", "argmin")):
        operands = [Operand("x", "f32", "su")]
        b = Body("extremes", 2, operands)
        rows = [b.reduce(k, b.load("x")) for k in kinds]
        for name, access in (("c", "su"), ("a", "--")):
            for k in kinds:
                into = (f"{name}{k}",) if kinds[0] == "max" else (f"{name}{k}", f"{name}{k}_at")
                b.operands += [Operand(n, "i64" if "at" in n else "f32", access) for n in into]
                b.reduce(k, b.load("x"), "rows" if name == "c" else "all", into)
        b.sweep()
        for k, r in zip(kinds, rows, strict=True):
            b.operands.append(Operand(k, r.dtype, "s-"))
            b.store(k, r)
        compare(rng, b.done(), x.shape, {"x": x}, chunk=1)


@pytest.mark.parametrize("seed", range(80))
def test_drawn_forms_equal_the_reference(seed: int) -> None:
    """Mixed dtypes, broadcasts, strides, folds of every kind, constant and run-time inner sizes."""
    rng, loop = np.random.default_rng(seed), Drawer(seed).loop()
    for n in range(4):
        sizes = sizes_for(rng, loop, empty=n == 0)
        sizes = (1031,) if loop.axes == 1 and n == 2 else sizes
        with np.errstate(all="ignore"):
            compare(rng, loop, sizes, chunk=int(rng.integers(1, 5)), scale=20)


@pytest.mark.parametrize("inner", [None, 1, 10, 37])
def test_nothing_is_read_or_written_past_the_end(inner: int | None) -> None:
    """Every array ends at an unreadable page: elements, rows, partials, constant and run-time."""
    rng = np.random.default_rng(16)
    loops = [forms.bias_tanh_grad(inner), forms.softmax(inner=inner), forms.perceptron(inner)]
    for loop in loops if inner else [*loops, forms.column_sum()]:
        for rows, cols in ((1, 1), (3, 7), (5, 16), (4, 33)):
            sizes = (rows, inner or cols)
            pages = {}
            for o in loop.operands:
                shape = (rows if o.access[0] != "-" else 1, sizes[1] if o.access[1] != "-" else 1)
                if o.name in loop.partials():
                    shape = (1, shape[1])
                pages[o.name] = Guarded(shape, shape[1], np.float32, fill=1.0)
                pages[o.name].array[...] = draw(rng, "f32", shape)
            arrays = {name: page.array for name, page in pages.items()}
            assert run_simd(loop, arrays, sizes, block=64) == abi.NO_ERROR
            assert all(page.untouched() for page in pages.values())
            for page in pages.values():
                page.release()


def test_deep_loops_check_elements_columns_and_rows() -> None:
    """A condition per element of the depth, per column and per row: each reports its number."""
    rng = np.random.default_rng(17)
    accesses = {"x": "ssu", "column": "s-u", "row": "s--", "y": "s-u"}
    b = Body("deep_checks", 3, [Operand(n, "i32", a) for n, a in accesses.items()], deep=True)
    total = b.sum(b.load("x"), "depth")
    b.check(b.ge(b.load("x"), 0), 0)
    b.check(b.ge(b.load("column"), 0), 1)
    b.check(b.ge(b.load("row"), 0), 2)
    b.sweep()
    b.store("y", total)
    loop, sizes = b.done(), (3, 5, 19)
    for name, where, want in (
        ("x", (1, 4, 18), abi.error_record(NODE, (1 * 5 + 4) * 19 + 18)),
        ("column", (2, 0, 7), abi.error_record(NODE + 1, 2 * 5 * 19 + 7)),
        ("row", (2, 0, 0), abi.error_record(NODE + 2, 2)),
    ):
        shapes = {"x": sizes, "column": (3, 1, 19), "row": (3, 1, 1)}
        inputs = {n: np.zeros(s, np.int32) for n, s in shapes.items()}
        inputs[name][where] = -1
        compare(rng, loop, sizes, inputs, chunk=1, error=want)


def test_deep_loops_read_what_an_earlier_sweep_wrote() -> None:
    """Per column and along the depth; and a check alone walks the depth."""
    rng = np.random.default_rng(18)
    operands = [Operand("x", "f32", "ssu"), Operand("y", "f32", "ssu"), Operand("z", "f32", "s-u")]
    b = Body("deep_again", 3, operands, deep=True)
    total = b.sum(b.load("x"), "depth")
    b.store("y", b.exp(b.load("x")))
    b.store("z", b.const(2.0, "f32"))
    b.sweep()
    b.store("z", b.add(b.load("z"), total))
    b.sweep()
    b.store("z", b.mul(b.load("z"), 3.0))
    b.store("y", b.add(b.load("y"), b.load("z")))
    b.sweep()
    b.check(b.gt(b.load("y"), -1e30))
    for sizes in ((3, 5, 7), (2, 3, 40)):
        compare(rng, b.done(), sizes, scale=5)
