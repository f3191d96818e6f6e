"""Kernels of random numbers: Philox as published, samplers alone, cut anywhere, in bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from numflow.kernels import lang, lang_math
from numflow.kernels.abi import HEADER, NO_ERROR
from numflow.kernels.cpu import philox as blocks
from numflow.kernels.cpu import random_candidates, random_counts, random_gamma, random_truncated
from numflow.kernels.cpu.call import Call
from numflow.kernels.intrinsics import load_f64, load_i64, store_f64, word
from numflow.ops import same_bits
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch


def block_kernel(args: int, begin: int, end: int) -> None:
    """One block: operands index, step, key."""
    at = word(args, HEADER)
    blocks.philox(word(args, HEADER + 1), 0, load_i64(at), load_i64(at + 16), load_i64(at + 8))


def math_kernel(args: int, begin: int, end: int) -> None:
    """log, log1p and exp of the elements."""
    n = word(args, HEADER + 2)
    for i in range(begin, end):
        x = load_f64(word(args, HEADER) + i * 8)
        out = word(args, HEADER + 1) + i * 8
        store_f64(out, lang_math.log(x))
        store_f64(out + n * 8, lang_math.log1p(x))
        store_f64(out + 2 * n * 8, lang_math.exp(x))


@pytest.mark.parametrize(
    ("counter", "key", "want"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5E169C58D, 0xBC57AC4C9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D41C83B0E, 0xA20BC7C66D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE0994FDCCEB, 0x5001E42024126EA1],
        ),
    ],
)
def test_philox_gives_the_published_numbers(
    counter: list[int], key: list[int], want: list[int]
) -> None:
    """The known answers that come with Random123."""
    words = [counter[0] | counter[1] << 32, counter[2] | counter[3] << 32, key[0] | key[1] << 32]
    given = np.array(words, np.uint64)
    out = np.zeros(2, np.uint64)
    address = lang.addresses(block_kernel, dtype="float64", using=lang_math.SOURCES)["block_kernel"]
    launch(address, [given.ctypes.data, out.ctypes.data], [(0, 1)])
    assert out.tolist() == want


def test_functions_of_one_number() -> None:
    """To 2 ulp of NumPy, special values included; to the bit of their twins."""
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [
            np.exp(rng.uniform(-700, 700, 997)),
            rng.uniform(-30, 30, 997),
            [0.0, np.inf, np.nan, 1e300],
        ]
    )
    out = np.empty((3, len(x)))
    address = lang.addresses(math_kernel, dtype="float64", using=lang_math.SOURCES)["math_kernel"]
    launch(address, [x.ctypes.data, out.ctypes.data, len(x)], [(0, len(x))])
    with np.errstate(all="ignore"):
        for got, function in zip(out, (np.log, np.log1p, np.exp), strict=True):
            np.testing.assert_allclose(got, function(x), 5e-16, 1e-16)
            np.testing.assert_array_equal(got, getattr(same_bits, function.__name__)(x))


def guarded(values: Any) -> Any:
    """A copy that ends at an unreadable page, and what keeps it alive."""
    kept = Guarded((1, len(values)), len(values), values.dtype, 0)
    kept.array[0] = values
    return kept


Plan = Callable[[int, int], Call]
SAMPLERS: dict[str, tuple[Plan, list[list[float]]]] = {
    "gamma": (random_gamma.plan_sample, [[0.3, 1.0, 7.0]]),
    "poisson": (random_counts.plan_poisson, [[0.3, 10.0, 700.0]]),
    "binomial": (random_counts.plan_binomial, [[3.0, 100.0, 1e6], [0.5, 0.3, 0.9]]),
    "truncated": (random_truncated.plan_truncated, [[-2.0, 0.1, 5.0], [2.0, 0.3, 9.0]]),
}


def draw(name: str, count: int, cut: int = 0) -> Any:
    """count numbers at the edge of readable memory, in one range or in parts, last ones first."""
    plan, parameters = SAMPLERS[name]
    call = plan(count, 3)
    arrays = [guarded(np.array(p)) for p in parameters]
    state = [np.array(5), np.array(7)]
    out = guarded(np.full(count, np.nan))
    pointers = [*(a.address for a in arrays), *(a.ctypes.data for a in state), out.address]
    units = call.units
    ranges = [(0, units)]
    if cut:
        ranges = [(k, min(k + cut, units)) for k in range(0, units, cut)][::-1]
    error = launch(call.address, call.words(pointers), ranges, workspace_bytes=call.workspace_bytes)
    assert error == NO_ERROR
    assert out.untouched()
    return np.array(out.array[0])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("count", [0, 1, 3, blocks.UNIT, blocks.UNIT + 1, 1013])
def test_samplers_cut_anywhere(name: str, count: int) -> None:
    """Any ranges in any order; a shorter draw is the beginning of a longer one."""
    whole = draw(name, count)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(whole, draw(name, count, 1))
    np.testing.assert_array_equal(whole, draw(name, count, 3))
    np.testing.assert_array_equal(whole, draw(name, 1013)[:count])


@pytest.mark.parametrize("alpha", [0.05, 1.0, 30.0, 1999.0, 2001.0])
def test_derivative_of_gamma_samples(alpha: float) -> None:
    """Against differences of scipy's quantiles, from tail to tail."""
    levels = np.array([0.001, 0.1, 0.5, 0.9, 0.999])
    h = 1e-4 * alpha
    x = special.gammaincinv(alpha, levels)
    quantiles = [special.gammaincinv(alpha + k * h, levels) for k in (-2, -1, 1, 2)]
    want = (quantiles[0] - 8 * quantiles[1] + 8 * quantiles[2] - quantiles[3]) / (12 * h)
    a, psi, out = np.array([alpha]), np.array([special.digamma(alpha)]), np.empty(5)
    call = random_gamma.plan_derivative(5, 1)
    launch(call.address, call.words([v.ctypes.data for v in (a, psi, x, out)]), [(0, 2), (2, 5)])
    np.testing.assert_allclose(out, want, 2e-7)


def test_candidates_that_are_not_found() -> None:
    """The kernel gives up and reports it; memory beyond the results is left alone."""
    sums, state = np.array([1.0, 1.0]), [np.array(5), np.array(7)]
    out, tries = guarded(np.zeros(2, np.int64)), np.zeros(1, np.int64)
    call = random_candidates.plan_candidates(random_candidates.TABLE, 2, 2, unique=True)
    pointers = [sums.ctypes.data, *(a.ctypes.data for a in state), out.address, tries.ctypes.data]
    words = call.words(pointers)
    error = launch(call.address, words, [(0, 1)], workspace_bytes=call.workspace_bytes)
    assert error != NO_ERROR and tries[0] == random_candidates.MOST and out.untouched()
