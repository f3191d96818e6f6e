"""The small compiler: every construct of the subset against Python itself."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi, engine, lang
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    F32,
    F64,
    VL,
    Elem,
    copy_bytes,
    first_lanes,
    fma,
    larger,
    load,
    load_f32,
    load_f64,
    load_i32,
    load_i64,
    load_u8,
    refuse,
    splat,
    store,
    store_f32,
    store_f64,
    store_i32,
    store_i64,
    store_u8,
    vload,
    vload_masked,
    vstore_masked,
    vsum,
    vzero,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.intrinsics_numbers import (
    narrow,
    to_f64,
    truncate,
    widen,
)
from numflow.kernels.ir import Vectors
from tests.kernels.launch import launch

CONSTANT = -7
INPUTS = [-(2**63), -1000003, -17, -8, -3, -2, -1, 1, 2, 3, 5, 8, 13, 1000003, 2**63 - 1]


class Names:
    """Attributes are constants too."""

    FIVE = 5


def call(f: Callable[..., int], *args: int) -> int:
    """Compile f(int...) -> int and call it."""
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(args))
    return int(kind(lang.addresses(f)[f.__name__])(*args))


def wrap(x: int) -> int:
    """x in 64 bits, two's complement."""
    return (x + 2**63) % 2**64 - 2**63


# --- functions of the subset, which Python can run as well -------------------


def arithmetic(a: int, b: int) -> int:
    """All operators, with constants of each kind."""
    x = a + b * 3 - CONSTANT
    x ^= a & b | 12
    y = x if a < b else -x
    y += Names.FIVE << 3
    return y - (a >> 3)


def floor_division(a: int, b: int) -> int:
    return a // b * 31 + a % b


def by_powers_of_two(a: int, _: int) -> int:
    return a // 8 + a % 16 * 7 + a // 1 + a % 1


def branches(a: int, b: int) -> int:
    if a < b and not a == -3:
        x = 1
    elif a == b or b % 2 == 0:
        x = 2
    else:
        x = 3
    if -10 <= a < 10 != b:
        x += 10
    if a:
        return x
    return -x


def loops(a: int, b: int) -> int:
    """Nested loops, all forms of range, break and continue; the body changes its variable."""
    total = 0
    n = min(max(a, b), 20)
    for i in range(n):
        if i % 3 == 1:
            continue
        for j in range(i, 2 * n, 4):
            if j > 30:
                break
            total += i * j
        i += 100
        total ^= i
    for i in range(10, -5, -3):
        total = total * 3 + i
    while True:
        total -= 1
        if total % 7 == 2:
            break
    k = 0
    while k < 5:
        k += 1
        if k == 3:
            continue
        total += k
    return total


def swapped(a: int, b: int) -> int:
    a, b = b, a
    return a * 5 + b


@lang.inline
def doubled(a: int) -> int:
    b = a % 1000 * 2
    if b > 100:
        return -b
    return b


def inlined(a: int, b: int) -> int:
    """Early returns and locals of an inlined function stay its own."""
    total = doubled(a)
    for i in range(5):
        total += doubled(b % 1000 + i * 20)
    return total + doubled(doubled(a))


def inner(a: int) -> int:
    if a > 4:
        return inner(a // 2) + 1
    return a


def calls(a: int, b: int) -> int:
    """Calls of other functions, recursion."""
    return inner(max(a, 0)) * 1000 + inner(max(min(b, 100), 0))


@pytest.mark.parametrize(
    "f", [arithmetic, floor_division, by_powers_of_two, branches, loops, swapped, calls, inlined]
)
def test_integers_as_in_python(f: Callable[[int, int], int]) -> None:
    for a in INPUTS:
        for b in INPUTS:
            if abs(a) == 2**63 and b in (-1, 1):
                continue  # the quotient does not fit
            assert call(f, a, b) == wrap(f(a, b)), (a, b)


def guarded_load(p: int, n: int) -> int:
    if n > 0 and load_i64(p) == 5:
        return 1
    if n == 0 or load_i64(p) == 6:
        return 2
    return 3


def test_and_or_do_not_evaluate_more_than_needed() -> None:
    """Address 0 is never read."""
    assert call(guarded_load, 0, 0) == 2
    cell = np.array([6])
    assert call(guarded_load, cell.ctypes.data, 1) == 2


def memory(args: int, begin: int, end: int) -> None:
    source, target = word(args, abi.HEADER), word(args, abi.HEADER + 1)
    for i in range(begin, end):
        at = source + i * 32
        p = target + i * 48
        store_i64(p, load_i64(at) + 1)
        store_i32(p + 8, load_i32(at + 8) - 1)
        store_u8(p + 12, load_u8(at + 12) + 250)
        store_f32(p + 16, load_f32(at + 16) * 2.5)
        store_f64(p + 24, widen(load_f32(at + 16)) + load_f64(at + 24) / 3.0)
        store_f32(p + 32, narrow(load_f64(at + 24)))
        store_i64(p + 40, truncate(load_f64(at + 24) * to_f64(load_i64(at))))


def test_loads_and_stores_of_every_kind() -> None:
    """Signs extend, integers wrap, floats keep their precision."""
    rows = 11
    kinds = [("a", "i8"), ("b", "i4"), ("c", "u1"), ("d", "f4"), ("e", "f8")]
    offsets = [0, 8, 12, 16, 24]
    source = np.zeros(rows, np.dtype({
        "names": [n for n, _ in kinds], "formats": [k for _, k in kinds],
        "offsets": offsets, "itemsize": 32,
    }))  # fmt: skip
    rng = np.random.default_rng(1)
    source["a"] = rng.integers(-1000, 1000, rows)
    source["b"] = rng.integers(-(2**31) + 1, 2**31, rows)
    source["c"] = rng.integers(0, 256, rows)
    source["d"], source["e"] = rng.normal(size=(2, rows))
    target = np.zeros(rows, np.dtype({
        "names": list("abcdefg"), "formats": ["i8", "i4", "u1", "f4", "f8", "f4", "i8"],
        "offsets": [*offsets, 32, 40], "itemsize": 48,
    }))  # fmt: skip
    address = lang.addresses(memory)["memory"]
    launch(address, [source.ctypes.data, target.ctypes.data], [(4, rows), (0, 4)])
    np.testing.assert_array_equal(target["a"], source["a"] + 1)
    np.testing.assert_array_equal(target["b"], source["b"] - 1)
    np.testing.assert_array_equal(target["c"], source["c"] + np.uint8(250))
    np.testing.assert_array_equal(target["d"], source["d"] * np.float32(2.5))
    np.testing.assert_array_equal(target["e"], source["d"].astype(float) + source["e"] / 3)
    np.testing.assert_array_equal(target["f"], source["e"].astype("f4"))
    np.testing.assert_array_equal(target["g"], np.trunc(source["e"] * source["a"]).astype(int))


def comparisons(args: int, begin: int, end: int) -> None:
    """Bits: <, <=, >, >=, ==, !=."""
    x, out = word(args, abi.HEADER), word(args, abi.HEADER + 1)
    for i in range(begin, end):
        a, b = load_f64(x + i * 16), load_f64(x + i * 16 + 8)
        bits = 1 if a < b else 0
        bits += 2 if a <= b else 0
        bits += 4 if a > b else 0
        bits += 8 if a >= b else 0
        bits += 16 if a == b else 0
        bits += 32 if a != b else 0
        store_i64(out + i * 8, bits)


def test_comparisons_with_nan_and_signed_zero() -> None:
    """As in Python: with NaN only != is true; -0.0 == 0.0."""
    values = [0.0, -0.0, 1.5, -np.inf, np.inf, np.nan]
    pairs = np.array([(a, b) for a in values for b in values])
    out = np.zeros(len(pairs), np.int64)
    address = lang.addresses(comparisons)["comparisons"]
    launch(address, [pairs.ctypes.data, out.ctypes.data], [(0, len(pairs))])
    expected = [
        (a < b) + 2 * (a <= b) + 4 * (a > b) + 8 * (a >= b) + 16 * (a == b) + 32 * (a != b)
        for a, b in pairs
    ]
    np.testing.assert_array_equal(out, expected)


def polynomial(x: Elem, scale: Elem) -> Elem:
    y: Elem = x * 0.5 - 1.25
    return -y / scale


def vectors(args: int, begin: int, end: int) -> None:
    """relu(x * x + 3) by vectors, the rest masked; sum of x; last the polynomial of the first."""
    x, out, n = word(args, abi.HEADER), word(args, abi.HEADER + 1), word(args, abi.HEADER + 2)
    total = vzero()
    i = 0
    while i + VL <= n:
        v = vload(x + i * ES)
        total = total + v
        store(out + i * ES, larger(vzero(), fma(v, v, splat(load(x))) * 2.0))
        i += VL
    mask = first_lanes(n - i)
    v = vload_masked(x + i * ES, mask)
    total = total + v
    vstore_masked(out + i * ES, larger(vzero(), fma(v, v, splat(load(x))) * 2.0), mask)
    store(out + n * ES, vsum(total))
    store(out + (n + 1) * ES, polynomial(load(x), load(zeros()) + 2.0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 7, 16, 37])
def test_vectors_of_both_element_types(dtype: str, n: int) -> None:
    """Masked tails touch nothing past the end; NaN survives `larger`."""
    x = np.random.default_rng(n).normal(size=n).astype(dtype)
    x[0] = -1.5
    x[n // 2] = np.nan if n > 2 else x[n // 2]
    out = np.full(n + 3, 99, dtype)
    address = lang.addresses(vectors, dtype=dtype)["vectors"]
    launch(address, [x.ctypes.data, out.ctypes.data, n], [(0, 1)])
    with np.errstate(invalid="ignore"):
        expected = np.maximum((x * x + x[0]) * 2, 0)
    np.testing.assert_allclose(out[:n], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(out[n], x.sum(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(out[n + 1 :], np.array([(0.75 + 1.25) / 2, 99], dtype))


def bytes_(args: int, begin: int, end: int) -> None:
    copy_bytes(word(args, abi.HEADER) + begin, word(args, abi.HEADER + 1) + begin, end - begin)
    zero_bytes(word(args, abi.HEADER) + end, 3)


def test_bytes_are_copied_and_zeroed() -> None:
    a, b = np.arange(50, dtype=np.uint8), np.arange(100, 150, dtype=np.uint8)
    expected = a.copy()
    expected[7:31], expected[31:34] = b[7:31], 0
    launch(lang.addresses(bytes_)["bytes_"], [a.ctypes.data, b.ctypes.data], [(7, 31)])
    np.testing.assert_array_equal(a, expected)


def refusing(args: int, begin: int, end: int) -> None:
    for i in range(begin, end):
        if i % 13 == 5:
            refuse(args, i)


def test_the_smallest_refusal_is_reported() -> None:
    """Whatever the order of the ranges; nothing is written where nothing was refused."""
    address = lang.addresses(refusing)["refusing"]
    ranges = [(40, 60), (20, 40), (10, 20)]
    assert abi.split_error(launch(address, [], ranges, node=77)) == (77, 18)
    assert abi.split_error(launch(address, [], ranges[:1], node=0)) == (0, 44)
    assert launch(address, [], [(6, 18)], node=3) == abi.NO_ERROR


# --- what is refused ---------------------------------------------------------


def changes_type(a: int) -> int:
    x: Any = a
    x = 1.5
    return int(x)


def two_types(a: int) -> int:
    x = a
    x = load_f32(a)  # type: ignore[assignment]
    return x


def mixes(a: int) -> F32:
    return load_f32(a) + a


def unknown(a: int) -> int:
    return a + missing  # type: ignore[name-defined]  # noqa: F821


def wrong_argument(a: int) -> F64:
    return to_f64(to_f64(a))  # type: ignore[arg-type]


def listed(a: int) -> int:
    return [a][0]


@pytest.mark.parametrize(
    ("f", "problem"),
    [
        (changes_type, "a type is wanted. Received: Any"),
        (two_types, "x is i64, not float: x = load_f32(a)"),
        (mixes, "operands differ in type: float, i64: load_f32(a) + a"),
        (unknown, "is not defined: missing"),
        (wrong_argument, "x is i64, not double: to_f64(to_f64(a))"),
        (listed, "this expression is not in the subset: [a][0]"),
    ],
)
def test_what_is_outside_the_subset_is_named(f: Callable[..., Any], problem: str) -> None:
    """The message gives file, line, function and the piece of source."""
    with pytest.raises(lang.LangError) as caught:
        lang.emit_module([f], "x_", Vectors("float32", Target.named("avx2")))
    assert str(caught.value).endswith(problem)
    assert f.__name__ in str(caught.value)


# --- machines and cache ------------------------------------------------------


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512", "neon"])
def test_every_machine_gets_code(name: str) -> None:
    """Vectors, masks and sums compile for machines that are not at hand; no call of libm's fma."""
    target = Target.named(name)
    assembly = engine.compile_only(
        lang.emit_module([vectors, refusing], "", Vectors("float32", target)), target
    )
    assert "fmaf" not in assembly
    register = {"baseline": "xmm", "avx2": "ymm", "avx512": "zmm", "neon": "v"}[name]
    assert register in assembly


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    """Entries come from the object cache, and Numba is not loaded."""
    program = """
import sys
from numflow.kernels import engine
from numflow.kernels.cpu.gemm import plan
plan(13, 37, 5)
assert "numba" not in sys.modules
print(engine.compiles())
"""
    environment = {**os.environ, "NUMFLOW_CACHE_DIR": str(tmp_path)}
    counts = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True,
            check=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        counts.append(int(done.stdout))
    assert counts[0] > 0
    assert counts[1] == 0
