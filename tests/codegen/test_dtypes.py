"""Every dtype in memory, every conversion, and what integers, bools and 16-bit floats compute."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from numflow.graph.loop_reference import NUMPY, half_bits
from numflow.graph.loops import Body, Kind, Operand
from numflow.kernels.builder import FLOATS, HALVES, INTS, ITEMSIZE
from tests.codegen.loop_runs import compare, draw, run_simd

SIZES = (1, 37, 130)


@pytest.mark.parametrize("dtype", ITEMSIZE)
@pytest.mark.parametrize("access", ["u", "s"])
def test_copies_keep_every_bit(dtype: str, access: str) -> None:
    """Loads and stores, contiguous and strided, whole and masked."""
    rng = np.random.default_rng(1)
    b = Body("copy", 2, [Operand("x", dtype, "s" + access), Operand("y", dtype, "s" + access)])
    b.store("y", b.load("x"))
    for cols in SIZES:
        compare(rng, b.done(), (3, cols))


@pytest.mark.parametrize("source", ITEMSIZE)
def test_conversions(source: str) -> None:
    """From one dtype to all others; integers wrap around, floats truncate."""
    rng = np.random.default_rng(2)
    targets = [d for d in ITEMSIZE if d not in HALVES]
    operands = [Operand("x", source, "u"), *(Operand(d, d, "u") for d in targets)]
    b = Body("convert", 1, operands)
    for d in targets:
        b.store(d, b.cast(b.load("x"), d))
    for n in SIZES:
        x = draw(rng, source, (n,))
        if source in FLOATS:
            x = np.abs(x * 40)  # negative floats have no unsigned value
        elif source == "f16":
            x = np.abs(x)
        elif source == "bf16":
            x &= 0x7FFF
        compare(rng, b.done(), (n,), {"x": x})


@pytest.mark.parametrize("dtype", INTS)
def test_arithmetic_of_integers(dtype: str) -> None:
    """Wrap-around, order, shifts and bits, as NumPy has them."""
    rng = np.random.default_rng(3)
    ops = ("add", "sub", "mul", "max", "min", "bitand", "bitor", "bitxor")
    compares = ("lt", "le", "gt", "ge", "eq", "ne")
    names = [*ops, "neg", "abs", "bitnot", "shl", "shr"]
    operands = [Operand(n, dtype, "u") for n in ("x", "y", *names)]
    operands += [Operand(n, "b1", "u") for n in compares]
    b = Body("integers", 1, operands)
    x, y = b.load("x"), b.load("y")
    for op in ops:
        b.store(op, b.math(op, x, y))
    for op in compares:
        b.store(op, getattr(b, op)(x, y))
    b.store("neg", b.neg(x))
    b.store("abs", b.abs(x))
    b.store("bitnot", b.bitnot(x))
    b.store("shl", b.shl(x, 3))
    b.store("shr", b.shr(x, 2))
    info = np.iinfo(NUMPY[dtype])
    for n in SIZES:
        a, c = (
            rng.integers(info.min, info.max, n, endpoint=True, dtype=NUMPY[dtype]) for _ in range(2)
        )
        with np.errstate(over="ignore"):
            compare(rng, b.done(), (n,), {"x": a, "y": c})


@pytest.mark.parametrize("dtype", ["b1", "i8", "u16", "i64", "f64"])
def test_folds_of_dtypes(dtype: str) -> None:
    """max, min and argmax over columns and rows: any and all of bools."""
    rng = np.random.default_rng(4)
    kinds: list[Kind] = ["max", "min"]
    b = Body("folds", 2, [Operand("x", dtype, "su")])
    totals = [b.reduce(k, b.load("x")) for k in kinds]
    totals.append(b.reduce("argmax", b.load("x")))
    for k in kinds:
        b.operands.append(Operand(f"rows_{k}", dtype, "su"))
        b.reduce(k, b.load("x"), "rows", (f"rows_{k}",))
    b.sweep()
    for name, t in zip(("max", "min", "argmax"), totals, strict=True):
        b.operands.append(Operand(name, t.dtype, "s-"))
        b.store(name, t)
    for sizes in ((3, 37), (17, 1), (2, 130)):
        compare(rng, b.done(), sizes)


def test_logic() -> None:
    """and, or, not, order and choice of bools; false is less than true."""
    rng = np.random.default_rng(5)
    names = ("and", "or", "not", "lt", "max", "select")
    b = Body("logic", 1, [Operand(n, "b1", "u") for n in ("x", "y", *names)])
    x, y = b.load("x"), b.load("y")
    b.store("and", b.logical_and(x, y))
    b.store("or", b.logical_or(x, y))
    b.store("not", b.logical_not(x))
    b.store("lt", b.lt(x, y))
    b.store("max", b.max(x, y))
    b.store("select", b.select(x, y, True))
    for n in SIZES:
        compare(rng, b.done(), (n,))


def all_halves() -> np.ndarray:
    return np.arange(2**16, dtype=np.uint16)


@pytest.mark.parametrize("half", HALVES)
def test_halves_widen_exactly(half: str) -> None:
    """All 65536 of them, subnormals, infinities and NaN included."""
    bits = all_halves()
    b = Body("widen", 1, [Operand("x", half, "u"), Operand("y", "f32", "u")])
    b.store("y", b.load("x"))
    kind = np.dtype(np.float16) if half == "f16" else np.dtype(ml_dtypes.bfloat16)
    x, y = bits.view(kind), np.zeros(bits.size, np.float32)
    run_simd(b.done(), {"x": bits if half == "bf16" else x, "y": y}, (bits.size,))
    np.testing.assert_array_equal(y, x.astype(np.float32))


@pytest.mark.parametrize("half", HALVES)
def test_halves_round_to_nearest_even(half: str) -> None:
    """Float32 around every half: halfway cases, overflow, underflow.

    Stored, and rounded in place.
    """
    kind = np.dtype(np.float16) if half == "f16" else np.dtype(ml_dtypes.bfloat16)
    with np.errstate(all="ignore"):
        near = all_halves().view(kind).astype(np.float32)
        values = [near, np.nextafter(near, np.float32(np.inf)), near * np.float32(1 + 2.0**-11)]
        middle = ((near[:-1].astype(np.float64) + near[1:]) / 2).astype(np.float32)
        x = np.concatenate([*values, middle, np.array([65519, 65520, 3.4e38, 1e-8], np.float32)])
        want = x.astype(kind)
    b = Body(
        "narrow", 1, [Operand("x", "f32", "u"), Operand("y", half, "u"), Operand("z", "f32", "u")]
    )
    b.store("y", b.load("x"))
    b.store("z", b.rounded(b.load("x"), half))
    y, z = np.zeros(x.size, np.uint16), np.zeros(x.size, np.float32)
    run_simd(b.done(), {"x": x, "y": y, "z": z}, (x.size,))
    np.testing.assert_array_equal(y.view(kind).astype(np.float32), want.astype(np.float32))
    np.testing.assert_array_equal(z, want.astype(np.float32))
    if half == "bf16":
        finite = ~np.isnan(x)
        np.testing.assert_array_equal(y[finite], half_bits(x[finite]))
