"""Samples of the Poisson and the binomial distribution.

    poisson   out[i] ~ Poisson(rate[i mod period])
    binomial  out[i] ~ binomial(trials[i mod period], chance[i mod period])

Means below 10: the distribution function is inverted from 0 on, with one uniform number. Above:
transformed rejection with squeeze, whose bound compares with the logarithm of the probability by
Loader's formula, which keeps its digits for any mean. Counts are float64: whole numbers, NaN where
a parameter is none. Written in the subset of lang.py.

Sources: Hormann 1993, "The transformed rejection method for generating Poisson random variables"
and "The generation of binomial random variates"; Loader 2000, "Fast and accurate computation of
binomial probabilities".
"""

from __future__ import annotations

from numflow.kernels import lang_math
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import philox as blocks
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.philox import S, last_of, philox, scratch, uniform_at
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
    floor,
    number,
    sqrt,
    to_f64,
)

ATTEMPTS = 256
"""Some 3 of 4 attempts are accepted: all are refused with a probability below 1e-100."""
MOST = 200
"""Counts that inversion reaches: a mean of 10 leaves 1e-180 beyond."""


class P:
    """Words of the argument block of `poisson`, before those of philox.S."""

    RATE = HEADER
    REST = 1  # from HEADER


class B:
    """Words of the argument block of `binomial`, before those of philox.S."""

    TRIALS = HEADER
    CHANCE = HEADER + 1
    REST = 2


def plan_poisson(count: int, period: int, target: Target | None = None) -> Call:
    """Operands: rate, key, step, out; each rate serves every period-th element."""
    return blocks.plan(poisson, count, period, 1, target)


def plan_binomial(count: int, period: int, target: Target | None = None) -> Call:
    """Operands: trials, chance, key, step, out."""
    return blocks.plan(binomial, count, period, 2, target)


# --- Poisson -----------------------------------------------------------------


def poisson(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end."""
    period = word(args, HEADER + P.REST + S.PERIOD)
    key = load_i64(word(args, HEADER + P.REST + S.KEY))
    step = load_i64(word(args, HEADER + P.REST + S.STEP))
    out = word(args, HEADER + P.REST + S.OUT)
    for unit in range(begin, end):
        block = scratch(args, unit)
        for i in range(unit * blocks.UNIT, last_of(args, P.REST, unit)):
            rate = load_f64(word(args, P.RATE) + i % period * 8)
            store_f64(out + i * 8, one_poisson(rate, block, i, key, step))


def one_poisson(rate: F64, block: int, i: int, key: int, step: int) -> F64:
    """One count; of a rate that is negative or NaN, NaN; of an infinite one, inf."""
    if not rate >= 0.0:
        return (rate - rate) / (rate - rate)
    if rate < 10.0:
        philox(block, 0, i, key, step)
        rest = uniform_at(block)
        p = lang_math.exp(-rate)
        k = 0
        while rest >= p and k < MOST:
            rest = rest - p
            k += 1
            p = p * (rate / to_f64(k))
        return to_f64(k)
    if rate * 0.5 == rate:
        return rate
    root = sqrt(rate)
    b = 0.931 + 2.53 * root
    a = 0.02483 * b - 0.059
    scale = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    found = rate
    attempt = 0
    while attempt < ATTEMPTS:
        philox(block, attempt, i, key, step)
        u = uniform_at(block) - 0.5
        v = uniform_at(block + 8)
        side = 0.5 - fabs(u)
        found = floor((2.0 * a / side + b) * u + rate + 0.43)
        if side >= 0.07 and v <= squeeze:
            break
        if found >= 0.0 and (side >= 0.013 or v <= side):
            bound = lang_math.log(v * scale / (a / (side * side) + b))
            if bound <= log_poisson(found, rate):
                break
        attempt += 1
    return found


def log_poisson(k: F64, rate: F64) -> F64:
    """The logarithm of the probability of k."""
    if k < 1.0:
        return -rate
    return -stirling_error(k) - deviance(k, rate) - 0.5 * lang_math.log(6.283185307179586 * k)


def stirling_error(n: F64) -> F64:
    """log(n!) - log(sqrt(2 pi n) (n/e)^n), of a whole n > 0: 1/(12 n) - 1/(360 n^3) + ..."""
    total, m = number(0.0), n
    while m < 16.0:  # the difference of two neighbours
        total = total + (m + 0.5) * lang_math.log1p(1.0 / m) - 1.0
        m = m + 1.0
    r = 1.0 / m
    s = r * r
    tail = 0.0005952380952380953 - s * 0.0008417508417508417
    tail = 0.0007936507936507937 - s * tail
    tail = 0.002777777777777778 - s * tail
    return total + r * (0.08333333333333333 - s * tail)


def deviance(x: F64, mean: F64) -> F64:
    """x log(x/mean) + mean - x, without losing digits where they are close; both are positive."""
    apart = x - mean
    if fabs(apart) < 0.1 * (x + mean):
        v = apart / (x + mean)
        s = apart * v
        term = 2.0 * x * v
        v = v * v
        k = 3
        while k < 40:
            term = term * v
            more = s + term / to_f64(k)
            if more == s:
                break
            s = more
            k += 2
        return s
    return x * lang_math.log(x / mean) - apart


# --- binomial ----------------------------------------------------------------


def binomial(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end."""
    period = word(args, HEADER + B.REST + S.PERIOD)
    key = load_i64(word(args, HEADER + B.REST + S.KEY))
    step = load_i64(word(args, HEADER + B.REST + S.STEP))
    out = word(args, HEADER + B.REST + S.OUT)
    for unit in range(begin, end):
        block = scratch(args, unit)
        for i in range(unit * blocks.UNIT, last_of(args, B.REST, unit)):
            trials = floor(load_f64(word(args, B.TRIALS) + i % period * 8))
            chance = load_f64(word(args, B.CHANCE) + i % period * 8)
            if chance > 0.5:
                failures = one_binomial(trials, 1.0 - chance, block, i, key, step)
                store_f64(out + i * 8, trials - failures)
            else:
                store_f64(out + i * 8, one_binomial(trials, chance, block, i, key, step))


def one_binomial(n: F64, p: F64, block: int, i: int, key: int, step: int) -> F64:
    """One count, for p <= 1/2; of n or p negative or NaN, or n infinite, NaN."""
    if not (n >= 0.0 and p >= 0.0) or (n > 0.0 and n * 0.5 == n):
        return (n - n) / (p - p)
    if n * p < 10.0:
        philox(block, 0, i, key, step)
        rest = uniform_at(block)
        chance = lang_math.exp(n * lang_math.log1p(-p))
        odds = p / (1.0 - p)
        k = number(0.0)
        while rest >= chance and k < n and k < to_f64(MOST):
            rest = rest - chance
            chance = chance * ((n - k) / (k + 1.0) * odds)
            k = k + 1.0
        return k
    spread = sqrt(n * p * (1.0 - p))
    b = 1.15 + 2.53 * spread
    a = 0.0248 * b + 0.01 * p - 0.0873
    centre = n * p + 0.5
    scale = (2.83 + 5.1 / b) * spread
    squeeze = 0.92 - 4.2 / b
    top = log_binomial(floor((n + 1.0) * p), n, p)
    found = centre
    attempt = 0
    while attempt < ATTEMPTS:
        philox(block, attempt, i, key, step)
        u = uniform_at(block) - 0.5
        v = uniform_at(block + 8)
        side = 0.5 - fabs(u)
        found = floor((2.0 * a / side + b) * u + centre)
        if side >= 0.07 and v <= squeeze:
            break
        if found >= 0.0 and found <= n:
            bound = lang_math.log(v * scale / (a / (side * side) + b))
            if bound <= log_binomial(found, n, p) - top:
                break
        attempt += 1
    return found


def log_binomial(k: F64, n: F64, p: F64) -> F64:
    """The logarithm of the probability of k, 0 < p < 1."""
    q = 1.0 - p
    if k < 1.0:
        return n * lang_math.log1p(-p)
    if k == n:
        return n * lang_math.log(p)
    rest = n - k
    total = stirling_error(n) - stirling_error(k) - stirling_error(rest)
    total = total - deviance(k, n * p) - deviance(rest, n * q)
    return total - 0.5 * lang_math.log(6.283185307179586 * k * (rest / n))
