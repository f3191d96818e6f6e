"""Gamma, Poisson, binomial, truncated normal, classes and order: distributions, errors, traces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import numflow as nf
from numflow.ops.random_gamma import slope_op
from numflow.ops.transcendental import digamma

N = 20011  # numbers of a distribution test; seeds are fixed, so that none fails by chance
nan, inf = float("nan"), float("inf")


def both(draw: Any, rtol: float = 0.0) -> Any:
    """What draw() gives eagerly, compared with what it gives compiled.

    rtol: for numbers that logarithms and cosines are in, whose last bits differ.
    """
    nf.random.set_seed(17)
    want = draw().numpy()
    nf.random.set_seed(17)
    np.testing.assert_allclose(nf.function(draw)().numpy(), want, rtol, rtol / 10)
    return want


def pvalue(counts: Any, law: Any) -> float:
    """Of a chi-square test of whole numbers against a law of scipy, in cells of some weight."""
    low, high = law.ppf(0.01), law.ppf(0.99)
    ends = np.unique(np.linspace(low, high, 20).astype(np.int64))
    weights = np.diff(np.concatenate([[0.0], law.cdf(ends), [1.0]]))
    cells = np.searchsorted(ends, counts, side="left")
    seen = np.bincount(cells, minlength=len(weights))
    some = weights * len(counts) > 5
    weights = np.append(weights[some], weights[~some].sum())
    seen = np.append(seen[some], seen[~some].sum())
    some = weights > 0
    weights = weights[some] / weights[some].sum()
    return float(stats.chisquare(seen[some], weights * seen[some].sum()).pvalue)


# --- gamma -------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.02, 0.7, 1.0, 3.0, 50.0, 1e4, 1e8])
def test_gamma_has_its_distribution(alpha: float) -> None:
    """Kolmogorov-Smirnov; eager and compiled samples are the same to a few bits."""
    x = both(lambda: nf.random.gamma([N], alpha, dtype=nf.float64), 1e-12)
    assert stats.kstest(x, stats.gamma(alpha).cdf).pvalue > 1e-3


def test_gamma_of_many_alphas_and_betas() -> None:
    """Samples in front, parameters broadcast behind; each column has its own mean."""
    alpha, beta = np.array([[0.5, 2.0, 9.0]]), np.array([[1.0], [4.0]])
    x = both(lambda: nf.random.gamma([7, 1009], alpha, beta, nf.float64), 1e-12)
    assert x.shape == (7, 1009, 2, 3)
    mean = alpha / beta
    np.testing.assert_allclose(x.mean((0, 1)), mean, atol=0.06 * mean.max())


@pytest.mark.parametrize("dtype", [nf.float16, nf.bfloat16, nf.float32, nf.float64])
def test_gamma_of_odd_parameters(dtype: nf.DType) -> None:
    """The smallest normal number in place of 0, as TensorFlow's; NaN where there is no gamma."""
    x = nf.random.gamma([2], [0.0, -1.0, nan, inf], dtype=dtype)
    least = float(x.numpy()[0, 0])
    assert x.dtype is dtype and 0 < least < 1e-4
    assert np.isnan(x.numpy()[:, 1:3].astype(float)).all()
    assert (x.numpy()[:, 3].astype(float) == inf).all()
    assert nf.random.gamma([0, 3], [1.0, 2.0], dtype=dtype).shape == (0, 3, 2)
    assert nf.random.gamma([5], np.zeros((0, 2)).astype(dtype.numpy), dtype=dtype).shape == (
        5,
        0,
        2,
    )


@pytest.mark.parametrize("alpha", [0.05, 0.6, 1.0, 3.0, 40.0, 900.0, 2500.0, 1e6])
def test_slope_of_gamma_samples(alpha: float) -> None:
    """dx/dalpha at a fixed quantile, against differences of scipy's quantiles."""
    levels = np.array([1e-4, 0.01, 0.2, 0.5, 0.9, 0.999])
    step = 1e-4 * alpha
    x = special.gammaincinv(alpha, levels)
    ends = [special.gammaincinv(alpha + k * step, levels) for k in (-2, -1, 1, 2)]
    want = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)
    good = x > 1e-200

    def slope() -> Any:
        a = nf.constant(np.full(1, alpha))
        return slope_op(a, digamma(a), nf.constant(x))

    np.testing.assert_allclose(slope().numpy()[good], want[good], 2e-7)
    np.testing.assert_allclose(nf.function(slope)().numpy(), slope().numpy(), 1e-12)


def test_gradient_of_gamma_and_its_meaning() -> None:
    """d/dalpha E[x^2] = 2 alpha + 1 by samples; with beta; eager and traced."""
    alpha, beta = nf.constant([0.7, 3.0], nf.float64), nf.constant(2.0, nf.float64)

    def gradients(a: Any, b: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([a, b])
            x = nf.random.stateless_gamma([N, 2], [5, 6], a, b, nf.float64)
            total = nf.reduce_sum(nf.reduce_mean(x * x, 0))
        return tape.gradient(total, [a, b])

    for run in (gradients, nf.function(gradients)):
        by_alpha, by_beta = run(alpha, beta)
        np.testing.assert_allclose(by_alpha.numpy(), (2 * alpha.numpy() + 1) / 4, rtol=0.03)
        moment = (alpha.numpy() * (alpha.numpy() + 1)).sum()
        np.testing.assert_allclose(by_beta.numpy(), -2 * moment / 8, rtol=0.03)


def test_slopes_where_there_are_none() -> None:
    """0 at 0, NaN for what is no sample of any gamma."""
    a = nf.constant([1.0, 0.0, -1.0, nan, 2.0, inf], nf.float64)
    x = nf.constant([0.0, 1.0, 1.0, 1.0, inf, 1.0], nf.float64)

    def slope() -> Any:
        return slope_op(a, digamma(a), x)

    for got in (slope().numpy(), nf.function(slope)().numpy()):
        assert got[0] == 0 and np.isnan(got[1:]).all()


# --- poisson, binomial ---------------------------------------------------------


@pytest.mark.parametrize("rate", [0.01, 0.8, 9.99, 10.0, 37.0, 1e4, 1e9])
def test_poisson_has_its_distribution(rate: float) -> None:
    """Chi-square; eager and compiled counts are equal."""
    x = both(lambda: nf.random.poisson([N], rate, nf.int64))
    assert pvalue(x, stats.poisson(rate)) > 1e-3


@pytest.mark.parametrize(
    ("trials", "chance"),
    [(1, 0.3), (9, 0.5), (30, 0.34), (30, 0.95), (1000, 0.5), (10**9, 0.7), (10**12, 1e-11)],
)
def test_binomial_has_its_distribution(trials: int, chance: float) -> None:
    """Chi-square; eager and compiled counts are equal."""
    n, p = np.float64(trials), np.float64(chance)
    x = both(lambda: nf.random.stateless_binomial([N], [3, 4], n, p, nf.int64))
    assert pvalue(x, stats.binom(trials, chance)) > 1e-3


def test_counts_of_odd_parameters() -> None:
    """Floats: NaN, or inf for an infinite rate; 0 and 1 are probabilities; fractions are cut."""
    x = both(lambda: nf.random.poisson([2], [0.0, -1.0, nan, inf, 1e30]))
    np.testing.assert_array_equal(x[:, :4], [[0, nan, nan, inf]] * 2)
    np.testing.assert_allclose(x[:, 4], 1e30, rtol=1e-6)
    trials = np.array([10, 10, 10, -1, nan, inf, 10.7, 5, 0])
    chance = np.array([-0.1, 1.5, nan, 0.5, 0.5, 0.5, 1.0, 0.0, 0.5])
    y = both(lambda: nf.random.stateless_binomial([9], [1, 2], trials, chance, nf.float64))
    np.testing.assert_array_equal(y, [nan, nan, nan, nan, nan, nan, 10, 0, 0])


@pytest.mark.parametrize(
    "dtype", [nf.float16, nf.bfloat16, nf.float32, nf.float64, nf.int32, nf.int64]
)
def test_counts_of_all_dtypes(dtype: nf.DType) -> None:
    """The dtype asked for; rates are of any; empty shapes."""
    for rates in ([3.0, 20.0], np.array([3, 20]), np.array([3, 20], np.float16)):
        x = nf.random.poisson([211], rates, dtype)
        assert x.dtype is dtype and x.shape == (211, 2)
        assert np.all(np.abs(x.numpy().astype(float).mean(0) - [3, 20]) < [0.6, 1.5])
    assert nf.random.poisson([0], [1.0], dtype).shape == (0, 1)
    assert nf.random.stateless_poisson([3, 0], [1, 2], 1.0, dtype).shape == (3, 0)
    assert nf.random.stateless_binomial([], [1, 2], 10, 0.5, dtype).shape == ()


# --- truncated normal ------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high"),
    [(-2, 2), (-0.5, 0.1), (0, 0.1), (0.5, 3), (3, 8), (8, inf), (40, 50), (-50, -40), (-inf, 1)],
)
def test_truncated_normal_has_its_distribution(low: float, high: float) -> None:
    """Kolmogorov-Smirnov, in the middle and far out; shifted and scaled."""
    mean, deviation = 3.0, 2.0
    first, last = (nf.constant(mean + deviation * x, nf.float64) for x in (low, high))
    draw = nf.random.stateless_parameterized_truncated_normal
    x = both(lambda: draw([N], [5, 7], mean, deviation, first, last), 1e-13)
    z = (x - mean) / deviation
    assert stats.kstest(z, stats.truncnorm(low, high).cdf).pvalue > 1e-3
    assert low - 1e-12 <= z.min() and z.max() <= high + 1e-12


def test_parameters_of_truncated_normal_broadcast() -> None:
    """Along the last axes, and along any."""
    draw = nf.random.stateless_parameterized_truncated_normal
    x = both(
        lambda: draw([101, 3], [1, 2], [0.0, 10.0, -5.0], 1.0, [-1.0, 9.0, -9.0], [1.0, 11.0, -7.0])
    )
    assert (x.min(0) >= [-1, 9, -9]).all() and (x.max(0) <= [1, 11, -7]).all()
    y = both(lambda: draw([2, 101], [1, 2], [[0.0], [9.0]], 1.0, [[-1.0], [8.0]], [[1.0], [10.0]]))
    assert (np.abs(y - [[0.0], [9.0]]) <= 1).all()


# --- classes and order -------------------------------------------------------------


@pytest.mark.parametrize("dtype", [nf.float16, nf.bfloat16, nf.float32, nf.float64])
def test_categorical_has_its_distribution(dtype: nf.DType) -> None:
    """Per row; what is not finite is never drawn."""
    chances = np.array([[0.1, 0.2, 0.7, 0.0], [0.0, 0.5, 0.25, 0.25]])
    with np.errstate(divide="ignore"):
        logits = nf.cast(np.log(chances), dtype)
    x = both(lambda: nf.random.categorical(logits, N))
    for row, p in zip(x, chances, strict=True):
        seen = np.bincount(row, minlength=4)
        assert (seen[p == 0] == 0).all()
        assert stats.chisquare(seen[p > 0], p[p > 0] * N).pvalue > 1e-3


def test_categorical_of_many_classes() -> None:
    """Huge logits, and differences that underflow."""
    logits = np.full((2, 1013), -1e30, np.float32)
    logits[0, 7], logits[1, 1012] = 1e30, 3e38
    x = both(lambda: nf.random.categorical(logits, 11, nf.int32))
    assert x.dtype == np.int32 and (x[0] == 7).all() and (x[1] == 1012).all()
    odd = [[nan, 0.0, inf], [0.0, -inf, nan]]
    assert both(lambda: nf.random.categorical(odd, 5)).tolist() == [[1] * 5, [0] * 5]
    assert nf.random.categorical(np.zeros((0, 3)), 5).shape == (0, 5)
    assert nf.random.categorical(np.zeros((3, 2)), 0).shape == (3, 0)


def test_every_order_is_as_likely() -> None:
    """The 24 orders of four rows, by chi-square."""
    nf.random.set_seed(5)
    rows = nf.constant(np.arange(4))
    shuffle = nf.function(nf.random.shuffle)
    seen = np.zeros(256)
    for _ in range(2400):
        seen[int(shuffle(rows).numpy() @ [64, 16, 4, 1])] += 1
    assert np.count_nonzero(seen) == 24
    assert stats.chisquare(seen[seen > 0]).pvalue > 1e-3


def test_shuffle_keeps_rows_of_any_kind() -> None:
    """Text, several axes, none, a scalar; the seeded one repeats."""
    x = np.arange(21.0).reshape(7, 3)
    y = both(lambda: nf.random.shuffle(x))
    assert sorted(map(tuple, y)) == sorted(map(tuple, x))
    assert sorted(nf.random.shuffle(["a", "b", "c"]).numpy().tolist()) == [b"a", b"b", b"c"]
    assert nf.random.shuffle(3).numpy() == 3 and nf.random.shuffle(np.zeros((0, 2))).shape == (0, 2)
    again = [nf.random.experimental.stateless_shuffle(x, [1, s]).numpy() for s in (2, 2, 3)]
    np.testing.assert_array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])


# --- sizes and gradients ---------------------------------------------------------------


def _sum_gradient(x: Any) -> Any:
    alpha = nf.abs(x) + 0.5
    with nf.GradientTape() as tape:
        tape.watch(alpha)
        y = nf.random.stateless_gamma(nf.concat([[2], nf.shape(x)], 0), [1, 2], alpha)
    return tape.gradient(y, alpha)


SIZED: dict[str, Any] = {
    "gamma": lambda x: nf.random.gamma(nf.shape(x), 2.0),
    "gammas": lambda x: nf.random.gamma([3], nf.abs(x) + 0.5),
    "stateless_gamma": lambda x: nf.random.stateless_gamma(nf.shape(x), [1, 2], nf.abs(x[0]) + 0.5),
    "gradient": _sum_gradient,
    "poisson": lambda x: nf.random.poisson([4], nf.abs(x) * 30, nf.int32),
    "binomial": lambda x: nf.random.stateless_binomial(nf.shape(x), [1, 2], nf.abs(x) * 30, 0.5),
    "categorical": lambda x: nf.random.categorical(x, nf.shape(x)[0]),
    "shuffle": nf.random.shuffle,
    "interval": lambda x: nf.random.stateless_parameterized_truncated_normal(
        nf.shape(x), [1, 2], x, 1.0, x - 1.0, x + 1.0
    ),
    "split": lambda x: nf.random.split([1, 2], nf.shape(x)[0]),
}


@pytest.mark.parametrize("name", SIZED)
def test_sizes_that_are_known_when_called(name: str) -> None:
    """A second trace serves all further batch sizes, with the numbers of eager code."""
    draw, traces = SIZED[name], []

    def run(x: Any) -> Any:
        traces.append(1)
        return draw(x)

    compiled = nf.function(run)
    for rows in (2, 3, 7, 11):
        x = nf.constant(np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32))
        nf.random.set_seed(3)
        want = draw(x).numpy()
        nf.random.set_seed(3)
        np.testing.assert_allclose(compiled(x).numpy(), want, rtol=1e-5, atol=1e-6)
    assert len(traces) == 2


def test_nothing_flows_through_counts() -> None:
    """Gradients of counts, classes and truncated numbers are None, as TensorFlow's."""
    x = nf.constant([[0.3, 0.6]])
    draws: list[Any] = [
        lambda: nf.random.poisson([3], x),
        lambda: nf.random.stateless_binomial([1, 2], [1, 2], x, x, nf.float32),
        lambda: nf.cast(nf.random.categorical(x, 3), nf.float32),
        lambda: nf.random.stateless_parameterized_truncated_normal([1, 2], [1, 2], x),
    ]
    for draw in draws:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = draw()
        assert tape.gradient(y, x) is None


# --- what is refused -----------------------------------------------------------------

Invalid = nf.errors.InvalidArgumentError
BAD: list[tuple[Any, Any, str]] = [
    (
        lambda: nf.random.gamma([1 << 40], np.ones((1 << 20, 1), np.float32)),
        nf.errors.ResourceExhaustedError,
        "random.gamma: the product of the sizes is beyond any memory",
    ),
    (
        lambda: nf.random.poisson([1 << 40], np.ones(1 << 20)),
        nf.errors.ResourceExhaustedError,
        "random.poisson: the product of the sizes is beyond any memory",
    ),
    (lambda: nf.random.gamma([2], 1.0, dtype=nf.int32), TypeError, "random.gamma: makes floats"),
    (
        lambda: nf.random.gamma([2], nf.constant(1.0, nf.float64)),
        TypeError,
        "random.gamma: alpha is float64, not float32",
    ),
    (
        lambda: nf.random.stateless_gamma([3], [1, 2], [[1.0], [2.0]]),
        ValueError,
        "random.stateless_gamma: the parameters do not broadcast to shape",
    ),
    (
        lambda: nf.random.stateless_gamma([4], [1, 2], [1.0, 2.0, 3.0]),
        ValueError,
        "random.stateless_gamma: ",
    ),
    (
        lambda: nf.random.poisson([2], 1.0, nf.int8),
        TypeError,
        "random.poisson: makes floats, int32 and int64, not int8",
    ),
    (
        lambda: nf.random.poisson([2], ["a"]),
        TypeError,
        "random.poisson: lam must be numbers",
    ),
    (
        lambda: nf.random.poisson([2], [1.0, -1.0], nf.int32),
        Invalid,
        "random.poisson: a parameter is negative, not finite, or a count too large for int32: nan",
    ),
    (
        lambda: nf.random.poisson([2], inf, nf.int32),
        Invalid,
        "random.poisson: a parameter is negative, not finite, or a count too large for int32: inf",
    ),
    (
        lambda: nf.random.stateless_binomial([2], [1, 2], 10.0, 1.5),
        Invalid,
        "random.stateless_binomial: a parameter is negative, not finite, or a count too large",
    ),
    (
        lambda: nf.random.stateless_binomial([2], [1, 2], [1.0, 2.0, 3.0], 0.5),
        ValueError,
        "random.stateless_binomial: ",
    ),
    (
        lambda: nf.random.stateless_parameterized_truncated_normal([2], [1, 2], stddevs=0.0),
        Invalid,
        "random.stateless_parameterized_truncated_normal: stddevs must be positive",
    ),
    (
        lambda: nf.random.stateless_parameterized_truncated_normal([2], [1, 2], 0.0, 1.0, 2.0, 2.0),
        Invalid,
        "random.stateless_parameterized_truncated_normal: minvals must be below maxvals",
    ),
    (
        lambda: nf.random.categorical([[0.0], [-inf]], 2),
        Invalid,
        "random.categorical: no logit of a row is finite",
    ),
    (
        lambda: nf.random.categorical(np.zeros((2, 0)), 2),
        ValueError,
        "random.categorical: logits has no classes",
    ),
    (
        lambda: nf.random.categorical([[1.0]], -1),
        ValueError,
        "random.categorical: num_samples is negative: -1",
    ),
    (
        lambda: nf.random.categorical([[1]], 1),
        TypeError,
        "random.categorical: logits is int32, not floating",
    ),
    (
        lambda: nf.random.categorical([[1.0]], 1, nf.float32),
        TypeError,
        "random.categorical: dtype is float32, not int32 or int64",
    ),
]


@pytest.mark.parametrize(("run", "error", "message"), BAD)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came; compiled functions say the same."""
    for call in (run, nf.function(run)):
        with pytest.raises(error) as e:
            call()
        assert str(e.value).startswith(message)
