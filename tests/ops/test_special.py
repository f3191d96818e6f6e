"""Special functions against SciPy: Bessel, quantiles, incomplete gamma and beta, zeta."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import numflow as nf
from tests.contract import Case, check, floats, ids

SHAPES: list[tuple[int, ...]] = [(3, 5), (), (0, 5)]
BESSEL: list[tuple[Any, Any]] = [
    (nf.math.bessel_i0, sp.i0),
    (nf.math.bessel_i0e, sp.i0e),
    (nf.math.bessel_i1, sp.i1),
    (nf.math.bessel_i1e, sp.i1e),
]


def of_order(n: int) -> Callable[[Any], Any]:
    def polygamma(x: Any) -> Any:
        return nf.math.polygamma(nf.cast(n, x.dtype), x)

    polygamma.__name__ = f"polygamma_{n}"
    return polygamma


def zeta_of(s: float) -> Callable[[Any], Any]:
    def zeta(q: Any) -> Any:
        return nf.math.zeta(nf.cast(s, q.dtype), q)

    zeta.__name__ = f"zeta_{s}"
    return zeta


def beta_share(x: Any) -> Any:
    return nf.math.betainc(nf.cast(2.0, x.dtype), nf.cast(1.5, x.dtype), x)


def upper(x: Any) -> Any:
    return nf.math.igammac(nf.cast(2.5, x.dtype), x)


CASES = [
    *(
        Case(f, oracle, [floats(*s, low=-12, high=12)], slack=5)
        for s in SHAPES
        for f, oracle in BESSEL
    ),
    *(Case(nf.math.ndtri, sp.ndtri, [floats(*s, low=0.05, high=0.95)], slack=5) for s in SHAPES),
    *(
        Case(nf.math.erfcinv, sp.erfcinv, [floats(*s, low=0.1, high=1.9)], slack=5)
        for s in SHAPES
    ),
    *(
        Case(of_order(n), lambda x, n=n: sp.polygamma(n, x), [floats(3, 5, low=0.5, high=9)],
             slack=20)
        for n in (0, 1, 2, 5)
    ),
    Case(of_order(1), lambda x: sp.polygamma(1, x), [floats(7, low=-2.8, high=-2.2)], slack=20),
    *(
        Case(zeta_of(s), lambda q, s=s: sp.zeta(s, q), [floats(3, 5, low=0.5, high=20)], slack=20)
        for s in (1.5, 2.0, 7.5)
    ),
    Case(nf.math.igamma, sp.gammainc, [floats(3, 1, low=0.3, high=9), floats(5, low=0.1, high=9)],
         second=False, slack=20),
    Case(nf.math.igammac, sp.gammaincc, [floats(7, low=0.3, high=9), floats(7, low=0.1, high=9)],
         second=False, slack=20),
    Case(upper, lambda x: sp.gammaincc(2.5, x), [floats(3, 5, low=0.1, high=9)], slack=20),
    Case(beta_share, lambda x: sp.betainc(2, 1.5, x), [floats(3, 5, low=0.1, high=0.9)], slack=20),
    Case(nf.math.betainc, sp.betainc,
         [floats(3, 1, low=0.3, high=9), floats(5, low=0.3, high=9), floats(low=0.1, high=0.9)],
         gradient=False, slack=20),
    Case(nf.math.lbeta, lambda x: sp.gammaln(x).sum(-1) - sp.gammaln(x.sum(-1)),
         [floats(3, 5, low=0.3, high=5)], slack=20),
    *(Case(nf.math.xlog1py, sp.xlog1py, [floats(*s), floats(*s, low=-0.9)]) for s in SHAPES),
    *(
        Case(nf.math.nextafter, np.nextafter, [floats(*s), floats(*s)], second=False,
             dtypes=[nf.float64])
        for s in SHAPES
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def _same(got: Any, want: Any) -> None:
    np.testing.assert_allclose(got, want, 1e-5)


def test_the_edges() -> None:
    """Infinite and nan where TensorFlow's are."""
    inf, nan = np.inf, np.nan
    m = nf.math
    _same(m.ndtri([0.0, 1.0, 0.5, 1e-30, -1.0, 2.0]), [-inf, inf, 0, -11.464025, nan, nan])
    _same(m.erfcinv([0.0, 2.0, 1.0, 1e-30, -1.0, 3.0]), [inf, -inf, 0, 8.148616, nan, nan])
    _same(m.igamma([1.0, 2.0, -1.0, 2.0, inf, 2.0], [0.0, -1.0, 1.0, inf, 2.0, nan]),
          [0, nan, nan, 1, 0, nan])  # fmt: skip
    _same(m.igammac([1.0, 2.0, -1.0, 2.0, inf], [0.0, -1.0, 1.0, inf, 2.0]), [1, nan, nan, 0, 1])
    _same(
        m.betainc([1.0, 2.0, 0.0, 2.0], [2.0, 0.5, 1.0, 2.0], [0.0, 1.0, 0.5, 1.5]),
        [0, 1, nan, nan],
    )
    _same(m.zeta(2.0, [-1.5, 0.0, -2.0, 1.0, inf]), [9.379247, inf, inf, 1.644934, 0])
    _same(m.zeta([1.0, 0.5, 2.5], [1.5, 1.5, -1.5]), [inf, nan, nan])
    _same(m.polygamma(1.0, [-1.5, 0.0, 0.5, -2.0, inf]), [9.379247, inf, 4.934802, inf, 0])
    _same(m.polygamma([0.0, 2.0, 1.5, -1.0], 2.5), [0.703157, -0.236204, nan, nan])
    _same(m.bessel_i0e([100.0, inf, nan]), [0.039944, 0, nan])
    _same(m.lbeta(nf.zeros([2, 0])), [-inf, -inf])
    _same(m.xlog1py([0.0, 0.0], [-2.0, nan]), [0, 0])
    with pytest.raises(nf.errors.ShapeError, match="lbeta: x is a scalar"):
        m.lbeta(1.0)


def test_far_out() -> None:
    """Large and small arguments, to SciPy's digits; shares that are small are exact."""
    a = np.array([0.01, 0.5, 30.0, 1000.0, 1e5])
    x = np.array([1e-5, 20.0, 90.0, 1100.0, 1.005e5])
    np.testing.assert_allclose(nf.math.igammac(a, x), sp.gammaincc(a, x), 1e-9)
    np.testing.assert_allclose(nf.math.igamma(a, x / 3), sp.gammainc(a, x / 3), 1e-9, 1e-300)
    p, q = np.array([0.01, 300.0, 5000.0]), np.array([200.0, 2.0, 4000.0])
    s = np.array([0.001, 0.9, 0.5])
    np.testing.assert_allclose(nf.math.betainc(p, q, s), sp.betainc(p, q, s), 1e-9)
    z = 10.0 ** np.arange(-300, 0, 17.0)
    np.testing.assert_allclose(nf.math.erfcinv(z), sp.erfcinv(z), 1e-14)
    np.testing.assert_allclose(nf.function(nf.math.ndtri)(z), sp.ndtri(z), 1e-14)


def test_large_orders() -> None:
    """The uniform expansion of the incomplete gamma function; nothing overflows into nan."""
    a = np.array([2e5, 2e5, 1e7, 1e7, 1e12, 1e30])
    x = np.array([2e5, 2.01e5, 0.999e7, 1.0005e7, 1e12 + 1e6, 1e30])
    got = nf.math.igamma(a, x).numpy()
    np.testing.assert_allclose(got[:4], sp.gammainc(a, x)[:4], 1e-9)
    np.testing.assert_allclose(got[4:], [0.841345, 0.5], 1e-5)
    np.testing.assert_allclose(nf.math.igammac(a, x)[:4], sp.gammaincc(a, x)[:4], 1e-9)
    b, y = nf.constant(a[:3]), nf.constant(x[:3])
    with nf.GradientTape() as tape:
        tape.watch(b)
        p = nf.math.igamma(b, y)
    step = 0.1
    want = (sp.gammainc(a[:3] + step, x[:3]) - sp.gammainc(a[:3] - step, x[:3])) / (2 * step)
    np.testing.assert_allclose(tape.gradient(p, b), want, 1e-4)
    assert nf.math.zeta(1e30, 2.0).numpy() == 0 and nf.math.zeta(1e30, 1.0).numpy() == 1


def test_gradient_of_digamma_below_zero() -> None:
    """Reflected: it was nan."""
    x = nf.constant([-1.5, -0.5, -10.25, 2.5], nf.float64)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.math.digamma(x)
    np.testing.assert_allclose(tape.gradient(y, x), sp.polygamma(1, x.numpy()), 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nextafter_bit_by_bit(dtype: str) -> None:
    """Zeros of both signs, denormals, infinities, nan; compiled as eager."""
    tiny, big = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    ends = np.array([0.0, -0.0, tiny, -tiny, 1.0, -1.0, big, -big, np.inf, -np.inf, np.nan], dtype)
    x, y = (nf.constant(v.reshape(-1)) for v in np.meshgrid(ends, ends))
    with np.errstate(all="ignore"):
        want = np.nextafter(x.numpy(), y.numpy())
    for got in (nf.math.nextafter(x, y), nf.function(nf.math.nextafter)(x, y)):
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    with pytest.raises(nf.errors.DTypeError, match="float32 and float64, not float16"):
        nf.math.nextafter(nf.constant([1.0], nf.float16), nf.constant([1.0], nf.float16))
