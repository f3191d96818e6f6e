"""Stateless draws: the seed alone decides; seeds made of seeds; traced seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import numflow as nf

DRAWS: dict[str, Any] = {
    "uniform": lambda s: nf.random.stateless_uniform([101], s),
    "uniform16": lambda s: nf.random.stateless_uniform([101], s, dtype=nf.bfloat16),
    "integers": lambda s: nf.random.stateless_uniform([101], s, -5, 1000, nf.int32),
    "bits": lambda s: nf.random.stateless_uniform([101], s, None, None, nf.uint64),
    "normal": lambda s: nf.random.stateless_normal([101], s),
    "truncated": lambda s: nf.random.stateless_truncated_normal([101], s, dtype=nf.float64),
    "gamma": lambda s: nf.random.stateless_gamma([101], s, 2.0),
    "poisson": lambda s: nf.random.stateless_poisson([101], s, 300.0),
    "binomial": lambda s: nf.random.stateless_binomial([101], s, 900.0, 0.5),
    "categorical": lambda s: nf.random.stateless_categorical(np.zeros((1, 97)), 101, s),
    "shuffle": lambda s: nf.random.experimental.stateless_shuffle(np.arange(101), s),
    "interval": lambda s: nf.random.stateless_parameterized_truncated_normal([101], s),
    "split": lambda s: nf.random.split(s, 101),
    "fold_in": lambda s: nf.random.fold_in(s, 101),
    "dropout": lambda s: nf.nn.experimental.stateless_dropout(np.ones(101, np.float32), 0.5, s),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_seed_alone_decides(name: str) -> None:
    """As an argument of one compiled function, and eagerly, between other draws."""
    draw = DRAWS[name]
    traces = []

    def run(seed: Any) -> Any:
        traces.append(1)
        return draw(seed)

    compiled = nf.function(run)
    kept: list[Any] = []
    for seed in ([1, 2], [1, 3], [2, 2], [-1, 2**31 - 1]):
        want = draw(nf.constant(seed)).numpy()
        nf.random.normal([3])
        got = compiled(nf.constant(seed)).numpy()
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(draw(nf.constant(seed)).numpy(), want)
        np.testing.assert_array_equal(draw(nf.constant(seed, nf.int64)).numpy().shape, want.shape)
        assert not any(np.array_equal(want, other) for other in kept)
        kept.append(want)
    assert len(traces) == 1


def test_no_draw_is_a_host_call() -> None:
    """Compiled programs do all of it."""
    for name, draw in DRAWS.items():
        compiled = nf.function(draw)
        compiled(nf.constant([1, 2]))
        assert "host" not in str(compiled.explain()), name


@pytest.mark.parametrize("dtype", [nf.int32, nf.int64, nf.uint32, nf.uint64])
def test_full_range_of_integers(dtype: nf.DType) -> None:
    """Every bit is set as often as not."""
    x = nf.random.stateless_uniform([5003], [7, 9], None, None, dtype)
    assert x.dtype is dtype
    bits = np.unpackbits(x.numpy().view(np.uint8).reshape(5003, -1), axis=1)
    assert (np.abs(bits.mean(0) - 0.5) < 0.03).all()


def test_ranges_as_tensors() -> None:
    """Bounds that only the run knows; wide ranges; an empty one is refused."""
    draw = nf.function(lambda a, b: nf.random.stateless_uniform([1009], [1, 2], a, b, a.dtype))
    for dtype, low, high in [(nf.int32, -3, 4), (nf.int64, -(2**63), 2**63 - 1), (nf.uint32, 5, 9)]:
        a, b = nf.constant(low, dtype), nf.constant(high, dtype)
        x = draw(a, b).numpy()
        np.testing.assert_array_equal(
            x, nf.random.stateless_uniform([1009], [1, 2], a, b, dtype).numpy()
        )
        assert x.min() >= low and x.max() < high
    with pytest.raises(nf.errors.InvalidArgumentError) as e:
        draw(nf.constant(5), nf.constant(5))
    assert "minval must be below maxval" in str(e.value)


def test_floats_of_odd_ranges() -> None:
    """Downwards where minval is above maxval; NaN stays; nothing of nothing."""
    x = nf.random.stateless_uniform([1009], [1, 2], 5.0, 3.0).numpy()
    assert x.min() > 3 and x.max() <= 5
    assert np.isnan(nf.random.stateless_uniform([3], [1, 2], np.nan, 1.0).numpy()).all()
    assert nf.random.stateless_normal([3, 0, 2], [1, 2]).shape == (3, 0, 2)
    assert nf.random.stateless_normal([], [1, 2], 5.0, 0.0).numpy() == 5.0


def test_seeds_of_seeds_are_independent() -> None:
    """Normal numbers of many split and folded seeds are normal together."""
    seeds = [*nf.random.split([3, 4], 53).numpy()]
    seeds += [nf.random.fold_in([3, 4], k).numpy() for k in range(53)]
    x = np.concatenate([nf.random.stateless_normal([97], s).numpy() for s in seeds])
    assert len(set(x.tolist())) > 0.999 * len(x)
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert nf.random.split(nf.constant([1, 2], nf.int64)).dtype is nf.int64
    assert nf.random.split([1, 2], 0).shape == (0, 2)
    assert nf.random.fold_in([1, 2], nf.constant(3, nf.int64)).dtype is nf.int64
    assert nf.random.experimental.stateless_split is nf.random.split
    assert nf.random.experimental.stateless_fold_in is nf.random.fold_in


def test_algorithms() -> None:
    """All names of Philox are alike; others are refused."""
    algorithm = nf.random.Algorithm
    want = nf.random.stateless_normal([3], [1, 2]).numpy()
    alg: Any
    for alg in ("philox", "auto_select", 1, 3, algorithm.PHILOX, np.int64(1)):
        np.testing.assert_array_equal(nf.random.stateless_normal([3], [1, 2], alg=alg), want)
    for alg in ("threefry", 2, algorithm.THREEFRY):
        with pytest.raises(nf.errors.UnimplementedError, match="ThreeFry is for TPUs"):
            nf.random.stateless_normal([3], [1, 2], alg=alg)
    for alg in ("x", 7, None, True, 1.0):
        with pytest.raises(ValueError, match="no algorithm"):
            nf.random.stateless_normal([3], [1, 2], alg=alg)


def test_dropout_by_a_sampler() -> None:
    """general_dropout asks the sampler; a rate of 0 gives x itself; errors are dropout's."""
    x = nf.constant(np.ones((7, 5), np.float32))
    g = nf.random.Generator.from_seed(7)
    y = nf.nn.experimental.general_dropout(x, 0.25, g.uniform)
    assert set(np.unique(y.numpy())) == {0.0, np.float32(1 / 0.75)}
    rows = nf.nn.experimental.stateless_dropout(x, 0.5, [1, 2], noise_shape=[7, 1]).numpy()
    assert (rows == rows[:, :1]).all()
    assert nf.nn.experimental.stateless_dropout(x, 0, [1, 2]) is x
    for rate in (1.0, -0.1):
        with pytest.raises(ValueError, match=r"not in \[0, 1\)"):
            nf.nn.experimental.stateless_dropout(x, rate, [1, 2])
    with pytest.raises(TypeError, match="x is int32, not floating"):
        nf.nn.experimental.general_dropout(nf.constant([1]), 0.5, g.uniform)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda: nf.random.stateless_uniform([3], [1.0, 2.0]),
            TypeError,
            "random.stateless_uniform: seed is float32, not int32 or int64",
        ),
        (
            lambda: nf.random.stateless_normal([3], [1, 2, 3]),
            ValueError,
            "random.stateless_normal: seed must be two integers",
        ),
        (
            lambda: nf.random.stateless_uniform([3], [1, 2], dtype=nf.int32),
            ValueError,
            "random.stateless_uniform: integers need both minval and maxval",
        ),
        (
            lambda: nf.random.stateless_uniform([3], [1, 2], None, 5, nf.int32),
            ValueError,
            "random.stateless_uniform: integers need both minval and maxval",
        ),
        (lambda: nf.random.split([1, 2], -1), ValueError, "random.split: a size is negative: -1"),
        (
            lambda: nf.random.fold_in([1, 2], 3.0),
            TypeError,
            "random.fold_in: data is float32, not int32 or int64",
        ),
        (
            lambda: nf.random.fold_in([1, 2], [3, 4]),
            ValueError,
            "random.fold_in: data must be one number",
        ),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run()
    assert str(e.value).startswith(message)
