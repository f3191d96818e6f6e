"""Samples of the gamma distribution, and their derivatives with respect to its shape parameter.

    sample      out[i] ~ gamma(alpha[i mod period], 1)
    derivative  out[i] = dx/da of the sample x[i], the quantile of x held fixed

Marsaglia and Tsang's method accepts more than 95 of 100 attempts, each of which takes two random
blocks; below 1, a sample of alpha + 1 is scaled. Written in the subset of lang.py, on float64.

The derivative is -(dP(a, x)/da) / p(x; a) with the distribution P and its density p: of the power
series of P where x is not far above a, of the continued fraction of 1 - P beyond, and from a = 2000
on of the expansion of the quantile in powers of 1/sqrt(a). Relative errors: below 1e-11.

Sources: Marsaglia & Tsang 2000, "A simple method for generating gamma variables"; Figurnov, Mohamed
& Mnih 2018, "Implicit reparameterization gradients"; Abramowitz & Stegun 6.5.29, 6.5.31; Cornish &
Fisher 1938.
"""

from __future__ import annotations

from numflow.kernels import lang, lang_math
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import philox as blocks
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.philox import S, last_of, normal_at, philox, scratch, uniform_at
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    F64,
    load_f64,
    load_i64,
    store_f64,
    word,
)
from numflow.kernels.intrinsics_numbers import (
    fabs,
    number,
    sqrt,
    to_f64,
)
from numflow.kernels.lang import inline

ATTEMPTS = 64
"""The last attempt is accepted, whatever it is: all are refused with a probability of 1e-83."""
LARGE = 2000
"""Where the expansion of the quantile takes over."""
TERMS = 60
"""Of the continued fraction."""
MOST = 2000
"""Terms of the series: at LARGE it takes 450."""


class A:
    """Words of the argument block of `sample`, before those of philox.S."""

    ALPHA = HEADER
    REST = 1  # from HEADER


class D:
    """Words of the argument block of `derivative`."""

    ALPHA = HEADER  # [period]
    DIGAMMA = HEADER + 1  # [period], of alpha
    X = HEADER + 2
    OUT = HEADER + 3
    PERIOD = HEADER + 4


def plan_sample(count: int, period: int, target: Target | None = None) -> Call:
    """Operands: alpha, key, step, out; each alpha serves every period-th element."""
    return blocks.plan(sample, count, period, 1, target)


def plan_derivative(count: int, period: int, target: Target | None = None) -> Call:
    """Operands: alpha, digamma(alpha), samples, out."""
    found = lang.addresses(derivative, dtype="float64", target=target, using=lang_math.SOURCES)
    return Call(found["derivative"], count, 64, 4, (period,))


# --- sampling ----------------------------------------------------------------


def sample(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end."""
    period = word(args, HEADER + A.REST + S.PERIOD)
    key = load_i64(word(args, HEADER + A.REST + S.KEY))
    step = load_i64(word(args, HEADER + A.REST + S.STEP))
    out = word(args, HEADER + A.REST + S.OUT)
    for unit in range(begin, end):
        block = scratch(args, unit)
        for i in range(unit * blocks.UNIT, last_of(args, A.REST, unit)):
            alpha = load_f64(word(args, A.ALPHA) + i % period * 8)
            store_f64(out + i * 8, one_sample(alpha, block, i, key, step))


def one_sample(alpha: F64, block: int, i: int, key: int, step: int) -> F64:
    """One number; of an alpha that is negative or NaN, NaN."""
    if not alpha > 0.0 or alpha * 0.5 == alpha:  # 0 and inf stay
        return alpha if alpha >= 0.0 else (alpha - alpha) / (alpha - alpha)
    raised = alpha + 1.0 if alpha < 1.0 else alpha
    d = raised - 0.3333333333333333
    c = 1.0 / sqrt(9.0 * d)
    t, x = number(0.0), number(0.0)
    attempt = 0
    while attempt < ATTEMPTS:
        philox(block, 2 * attempt, i, key, step)
        x = normal_at(block)
        t = c * x
        philox(block, 2 * attempt + 1, i, key, step)
        if t > -1.0:
            u = 1.0 - uniform_at(block)
            if u < 1.0 - 0.0331 * (x * x) * (x * x) or lang_math.log(u) < 3.0 * d * excess(t):
                break
        attempt += 1
    found = d * (1.0 + t) * (1.0 + t) * (1.0 + t)
    if alpha < 1.0:
        found = found * lang_math.exp(lang_math.log(1.0 - uniform_at(block + 8)) / alpha)
    return found


def excess(t: F64) -> F64:
    """log(1 + t) - t + t^2/2 - t^3/3: with d and x, Marsaglia and Tsang's bound is 3 d times it."""
    if fabs(t) > 0.04:
        return lang_math.log(1.0 + t) - t + t * t * (0.5 - t * 0.3333333333333333)
    r = 0.1 - t * 0.09090909090909091
    r = 0.1111111111111111 - t * r
    r = 0.125 - t * r
    r = 0.14285714285714285 - t * r
    r = 0.16666666666666666 - t * r
    r = 0.2 - t * r
    r = 0.25 - t * r
    return -(t * t) * (t * t) * r


# --- the derivative ----------------------------------------------------------


def derivative(args: int, begin: int, end: int) -> None:
    """Entry: elements begin .. end."""
    period = word(args, D.PERIOD)
    for i in range(begin, end):
        a = load_f64(word(args, D.ALPHA) + i % period * 8)
        digamma = load_f64(word(args, D.DIGAMMA) + i % period * 8)
        x = load_f64(word(args, D.X) + i * 8)
        store_f64(word(args, D.OUT) + i * 8, one_derivative(a, x, digamma))


def one_derivative(a: F64, x: F64, digamma: F64) -> F64:
    """dx/da; 0 where x is 0, NaN where a is not positive, or x or a not finite."""
    if not (a > 0.0 and x >= 0.0) or not (x - x >= 0.0) or not (a - a >= 0.0):
        return (x - x) / (x - x)
    if not x > 0.0:
        return x
    if a > to_f64(LARGE):
        return by_quantile(a, x)
    slope = lang_math.log(x) - digamma
    if x > a + 1.0 + sqrt(a):
        return by_fraction(a, x, slope)
    return by_series(a, x, slope - 1.0 / a)


def by_series(a: F64, x: F64, slope: F64) -> F64:
    """P a / (x p) = s = 1 + x/(a + 1) + x^2/((a + 1)(a + 2)) + ..., and its derivative ds."""
    c, h, s, ds = number(1.0), number(0.0), number(1.0), number(0.0)
    n = 1
    while n < MOST:
        at = a + to_f64(n)
        c = c * (x / at)
        h = h + 1.0 / at
        s = s + c
        ds = ds - c * h
        if c <= 1e-17 * s and c * h <= -1e-17 * ds:
            break
        n += 1
    return -(x / a) * (s * slope + ds)


def by_fraction(a: F64, x: F64, slope: F64) -> F64:
    """(1 - P) / (x p) = 1/(x + 1 - a - 1 (1 - a)/(x + 3 - a - ...)), from its last term on."""
    f = x + to_f64(2 * TERMS + 1) - a
    df = number(-1.0)
    n = TERMS
    while n > 0:
        at = to_f64(n)
        above = at * (a - at)
        df = -1.0 + (at - above * df / f) / f
        f = x + to_f64(2 * n - 1) - a + above / f
        n -= 1
    return x / f * (slope - df / f)


def by_quantile(a: F64, x: F64) -> F64:
    """x = a + z sqrt(a) + (z^2 - 1)/3 + ..., with z by Newton's steps."""
    root = sqrt(a)
    r = 1.0 / root
    z = (x - a) * r
    for _ in range(6):
        z = z - (quantile(a, root, r, z) - x) / slope_of_quantile(root, r, z)
    y = z * z
    r3 = r * r * r
    total = 1.0 + z * r * 0.5 - z * (y - 7.0) * r3 / 72.0
    total = total + ((3.0 * y + 7.0) * y - 16.0) * r3 * r / 810.0
    return total - z * ((9.0 * y + 256.0) * y - 433.0) * r3 * r * r / 25920.0


@inline
def quantile(a: F64, root: F64, r: F64, z: F64) -> F64:
    """Cornish and Fisher's expansion of x."""
    y = z * z
    x = a + z * root + (y - 1.0) / 3.0 + z * (y - 7.0) * r / 36.0
    x = x - ((3.0 * y + 7.0) * y - 16.0) * r * r / 810.0
    return x + z * ((9.0 * y + 256.0) * y - 433.0) * r * r * r / 38880.0


@inline
def slope_of_quantile(root: F64, r: F64, z: F64) -> F64:
    """dx/dz"""
    y = z * z
    x = root + z * 0.6666666666666666 + (3.0 * y - 7.0) * r / 36.0
    x = x - z * (12.0 * y + 14.0) * r * r / 810.0
    return x + ((45.0 * y + 768.0) * y - 433.0) * r * r * r / 38880.0
