"""Accuracy of the bodies of elementwise math, in units of the last place; special values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from numflow.graph.loop_reference import NUMPY
from numflow.graph.loops import Body, Operand, Term
from numflow.kernels import scalar, scalar_f32
from numflow.kernels.engine import Target
from numflow.ops import same_bits
from tests.codegen.loop_runs import run_simd

Array = npt.NDArray[Any]
Wide = np.longdouble
INF, NAN = np.inf, np.nan

fused = Target.host().bits > 128 or not Target.host().triple.startswith("x86_64")
pytestmark = pytest.mark.skipif(
    not fused, reason="bounds hold where the machine has a fused multiply-add"
)
extended = pytest.mark.skipif(
    np.finfo(Wide).nmant < 63, reason="needs a long double wider than float64 as the oracle"
)


def evaluate(op: str, *xs: Array) -> Array:
    """op of arrays, by the compiled kernel."""
    names = "xy"[: len(xs)]
    dtype = {"float32": "f32", "float64": "f64"}[xs[0].dtype.name]

    def body(b: Body, *terms: Term) -> Term:
        return b.math(op, *terms)

    return apply(body, dict(zip(names, xs, strict=True)), dtype)


def apply(body: Callable[..., Term], arrays: dict[str, Array], dtype: str) -> Array:
    operands = [Operand(n, dtype, "u") for n in [*arrays, "out"]]
    b = Body("apply", 1, operands)
    b.store("out", body(b, *(b.load(n) for n in arrays)))
    n = next(iter(arrays.values())).size
    out = np.zeros(n, NUMPY[dtype])
    run_simd(b.done(), {**arrays, "out": out}, (n,))
    return out


def ulps(got: Array, want: Array) -> float:
    """The greatest error in units of the last place.

    Infinite where NaN, inf or overflow disagree.
    """
    with np.errstate(all="ignore"):
        rounded = want.astype(got.dtype)
        unit = np.spacing(np.abs(rounded)).astype(Wide)
        error = np.abs(got.astype(Wide) - want.astype(Wide)) / unit
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    finite = np.isfinite(got) & np.isfinite(rounded)
    return float(np.max(np.where(same, 0, np.where(finite, error, INF)), initial=0))


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])

# function: oracle, bound for float32, bound for float64
ACCURACY: dict[str, tuple[Callable[[Array], Array], float, float]] = {
    "exp": (np.exp, 2.5, 4),
    "expm1": (np.expm1, 2.5, 4),
    "log": (np.log, 2.5, 4),
    "log1p": (np.log1p, 2.5, 4),
    "tanh": (np.tanh, 2.5, 4),
    "sigmoid": (_sigmoid, 2.5, 4),
    "erf": (_erf, 2.5, 4),
    "erfc": (_erfc, 4, 5),  # the oracle has an error of its own
    "sin": (np.sin, 2.5, 4),
    "cos": (np.cos, 2.5, 4),
    "tan": (np.tan, 3.5, 4),
    "asin": (np.arcsin, 2.5, 4),
    "acos": (np.arccos, 2.5, 4),
    "atan": (np.arctan, 2.5, 4),
    "sinh": (np.sinh, 2.5, 4),
    "cosh": (np.cosh, 2.5, 4),
    "asinh": (np.arcsinh, 2.5, 4),
    "acosh": (np.arccosh, 2.5, 4),
    "atanh": (np.arctanh, 2.5, 4),
}
SLOW_ORACLES = ("erf", "erfc")


@pytest.mark.parametrize("op", ACCURACY)
def test_float32_over_the_whole_range(op: str) -> None:
    """Every so manieth bit pattern: all exponents, both signs, denormals, inf, NaN."""
    oracle, bound, _ = ACCURACY[op]
    step = 40009 if op in SLOW_ORACLES else 6007
    x = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        assert ulps(evaluate(op, x), oracle(x.astype(np.float64))) <= bound


@extended
@pytest.mark.parametrize("op", ACCURACY)
def test_float64_over_many_magnitudes(op: str) -> None:
    oracle, _, bound = ACCURACY[op]
    rng = np.random.default_rng(1)
    n = 10_000 if op in SLOW_ORACLES else 60_000
    x = rng.standard_normal(n) * np.exp(rng.uniform(-20, 7, n))
    near = [rng.uniform(-1, 1, n // 2), 1 + rng.standard_normal(n // 4) * 2.0**-8]
    special = [0.0, INF, NAN, 5e-324, 1e-310, 1e308, 1.0, 709.78, 710.0, 745.1, 746.0, 27.2]
    x = np.concatenate([x, *near, special, np.negative(special)])
    wide = x if op in SLOW_ORACLES else x.astype(Wide)
    with np.errstate(all="ignore"):
        assert ulps(evaluate(op, x), oracle(wide)) <= bound


def test_gates_of_recurrent_layers() -> None:
    """Near enough to 1 / (1 + e^-x) everywhere, to its last digits where it is not tiny."""
    x = np.arange(0, 2**32, 6007, dtype=np.uint64).astype(np.uint32).view(np.float32)
    got = apply(scalar_f32.gate, {"x": x}, "f32").astype(np.float64)
    with np.errstate(all="ignore"):
        want = _sigmoid(x.astype(np.float64))
        assert np.array_equal(np.isnan(got), np.isnan(x))
        assert np.nanmax(np.abs(got - want)) <= 1.2e-7
        assert np.max(np.abs(got / want - 1)[np.abs(x) < 20]) <= 5e-7


ODD = ("tanh", "expm1", "sin", "tan", "erf", "log1p", "sinh", "asin", "atan", "asinh", "atanh")


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_signed_zero_stays(dtype: str) -> None:
    """f(-0.0) = -0.0, also of what must not be taken for it."""
    x = np.array([0.0, -0.0], NUMPY[dtype])
    for op in ODD:
        assert np.signbit(evaluate(op, x)).tolist() == [False, True], op


@extended
@pytest.mark.parametrize(("dtype", "bound"), [("f32", 1.0), ("f64", 4.0)])
def test_powers(dtype: str, bound: float) -> None:
    rng = np.random.default_rng(2)
    kind, n = NUMPY[dtype], 60_000
    for x, y in (
        (np.exp(rng.uniform(-40, 40, n)), rng.standard_normal(n) * np.exp(rng.uniform(-6, 4, n))),
        (rng.uniform(0.5, 2, n), rng.uniform(-1000, 1000, n)),
        (-np.exp(rng.uniform(-4, 4, n)), rng.integers(-40, 40, n)),
    ):
        a, b = x.astype(kind), y.astype(kind)
        with np.errstate(all="ignore"):
            assert ulps(evaluate("pow", a, b), np.power(a.astype(Wide), b.astype(Wide))) <= bound


SPECIAL = [0.0, -0.0, 1, -1, 2, -2, 3, 0.75, -0.75, 2.5, -2.5, INF, -INF, NAN, 1e30, -1e30, 1e-40]


def pairs(values: Sequence[float], dtype: str) -> tuple[Array, Array]:
    x, y = np.meshgrid(np.array(values, NUMPY[dtype]), np.array(values, NUMPY[dtype]))
    return x.ravel().copy(), y.ravel().copy()


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize(
    ("op", "oracle"),
    [
        ("pow", np.power),
        ("atan2", np.arctan2),
        ("floordiv", np.floor_divide),
        ("mod", np.remainder),
        ("rem", np.fmod),
        ("max", np.maximum),
        ("min", np.minimum),
    ],
)
def test_special_values_of_two_arguments(op: str, oracle: Any, dtype: str) -> None:
    """0, inf, NaN, negative bases, signs of zero: what NumPy gives."""
    x, y = pairs(SPECIAL, dtype)
    with np.errstate(all="ignore"):
        want = oracle(x.astype(np.float64), y.astype(np.float64)).astype(x.dtype)
    got = evaluate(op, x, y)
    np.testing.assert_allclose(got, want, rtol=4e-7, atol=1e-44)
    if op not in ("max", "min"):
        known = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(want[known]))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_rounding(dtype: str) -> None:
    """floor, ceil, trunc and rint (halves to even), of halves, large and special values."""
    x = np.array(
        [-2.5, -1.5, -0.5, -0.2, 0.5, 1.5, 2.5, 2.7, 1e10, 3e38, INF, -INF, NAN], NUMPY[dtype]
    )
    for op, oracle in (
        ("floor", np.floor),
        ("ceil", np.ceil),
        ("trunc", np.trunc),
        ("rint", np.rint),
    ):
        np.testing.assert_array_equal(evaluate(op, x), oracle(x), err_msg=op)


@pytest.mark.parametrize("dtype", ["i8", "u8", "i32", "u32", "i64"])
def test_integer_powers(dtype: str) -> None:
    """Wrapping around as multiplication does; negative exponents truncate."""
    x = np.array([0, 1, 2, 3, 5, 7, 255 if dtype[0] == "u" else -1, 11, 0, 3], NUMPY[dtype])
    y = np.array([0, 9, 7, 20, 13, 3, 5, 2, 3, 0], NUMPY[dtype])
    want = [pow(int(a), int(b)) for a, b in zip(x, y, strict=True)]
    span = 2 ** (8 * x.itemsize)
    wrapped = [w % span for w in want]
    got = apply(lambda b, p, q: b.pow(p, q), {"x": x, "y": y}, dtype)
    assert [int(g) % span for g in got] == wrapped
    if dtype[0] == "i":
        x, y = (
            np.array([1, -1, -1, 2, 0], NUMPY[dtype]),
            np.array([-3, -3, -2, -1, -1], NUMPY[dtype]),
        )
        got = apply(lambda b, p, q: b.pow(p, q), {"x": x, "y": y}, dtype)
        assert got.tolist() == [1, -1, 1, 0, 0]


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0)


def _gelu(x: Array) -> Array:
    return x * 0.5 * _erfc(-x / math.sqrt(2))


COMPOSED: dict[str, tuple[Any, Callable[[Array], Array]]] = {
    "softplus": (scalar.softplus, _softplus),
    "log_sigmoid": (scalar.log_sigmoid, lambda x: -_softplus(-x)),
    "gelu": (scalar.gelu, _gelu),
    "silu": (scalar.silu, lambda x: x * _sigmoid(x)),
    "elu": (scalar.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "softsign": (scalar.softsign, lambda x: x / (1 + np.abs(x))),
    "rsqrt": (scalar.rsqrt, lambda x: 1 / np.sqrt(x)),
    "sign": (scalar.sign, np.sign),
    "log2": (scalar.log2, np.log2),
    "log10": (scalar.log10, np.log10),
    "exp2": (scalar.exp2, np.exp2),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed_bodies(name: str) -> None:
    """Public bodies made of others, over moderate and extreme values."""
    body, oracle = COMPOSED[name]
    rng = np.random.default_rng(3)
    x = (rng.standard_normal(4001) * np.exp(rng.uniform(-9, 3, 4001))).astype(np.float32)
    x = np.concatenate([x, np.array([0, 1000, -1000, 1e-30], np.float32)])
    with np.errstate(all="ignore"):
        want = oracle(x.astype(np.float64)).astype(np.float32)
    # the tail of gelu falls so steeply that the rounding of x / sqrt 2 shows
    relative = 3e-5 if name == "gelu" else 2e-6
    np.testing.assert_allclose(apply(body, {"x": x}, "f32"), want, rtol=relative, atol=1e-40)


def test_lgamma_and_digamma() -> None:
    """Relative to 1 near their zeros, with poles and reflections."""
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(4)
    x = np.concatenate(
        [rng.uniform(1e-3, 30, 3001), np.exp(rng.uniform(3, 60, 500)), rng.uniform(-20, 0, 1001)]
    )
    for dtype, tolerance in (("f32", 4e-6), ("f64", 2e-14)):
        y = x.astype(NUMPY[dtype])
        wide = y.astype(np.float64)
        got, want = evaluate("lgamma", y), special.gammaln(wide)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * 4)
        near_pole = np.abs(wide - np.round(wide)) < 1e-2
        y, wide = y[(wide > 0) | ~near_pole], wide[(wide > 0) | ~near_pole]
        got, want = evaluate("digamma", y), special.digamma(wide)
        np.testing.assert_allclose(got, want, rtol=tolerance * 50, atol=tolerance * 50)
        poles = np.array([0.0, -1.0, -7.0, INF], NUMPY[dtype])
        assert evaluate("lgamma", poles).tolist() == [INF] * 4


@pytest.mark.parametrize(("dtype", "within"), [(np.float32, 2e-6), (np.float64, 3e-15)])
def test_normals_of_uniform_numbers(dtype: Any, within: float) -> None:
    """The distribution functions turned round: the first, the last, the middle of the range."""
    special = pytest.importorskip("scipy.special")
    steps = 2**24 if dtype is np.float32 else 2**53
    at = np.concatenate([np.arange(5), np.linspace(0, steps - 6, 9001), steps - 1 - np.arange(5)])
    u = (np.floor(at) / steps).astype(dtype)
    v = u[::-1].copy()
    wide, turn = u.astype(np.float64), 2 * np.pi * v.astype(np.float64)
    size = np.sqrt(-2 * np.log1p(-wide))
    got = evaluate("normal", u, v)
    assert np.abs(got - size * np.cos(turn)).max() <= within * size.max()
    t = u - dtype(0.5)
    want = math.sqrt(2) * special.erfinv(2 * math.erf(math.sqrt(2)) * t.astype(np.float64))
    got = evaluate("truncated_normal", t)
    np.testing.assert_allclose(got, want, within, 0)
    assert np.abs(got).max() <= 2
    for name, args in (("normal", (u, v)), ("truncated_normal", (t,))):
        kind = "f32" if dtype is np.float32 else "f64"
        twin = same_bits.body(name, kind, len(args))(*args)
        np.testing.assert_array_equal(evaluate(name, *args), twin)
