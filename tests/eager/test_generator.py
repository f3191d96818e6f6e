"""Generators: their state, their draws, compiled functions, checkpoints, threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import numflow as nf

Generator = nf.random.Generator


def state_of(g: Any) -> list[int]:
    found: list[int] = g.state.numpy().tolist()
    return found


def test_states_are_as_tensorflow_makes_them() -> None:
    """Counter from its lower half, then the key; what TensorFlow 2.21 prints."""
    make = nf.random.create_rng_state
    assert make(1234, "philox").numpy().tolist() == [1234, 0, 0]
    assert make([1, 2], "philox").numpy().tolist() == [0, 1, 2]
    assert make([1, 2, 3, 4], 1).numpy().tolist() == [1, 2, 3]
    assert make(-3, nf.random.Algorithm.PHILOX).numpy().tolist() == [-3, -1, -1]
    assert make(2**70 + 5, "auto_select").numpy().tolist() == [5, 64, 0]
    g = Generator.from_seed(1234)
    assert (state_of(g), int(g.key), g.algorithm) == ([1234, 0, 0], 0, 1)
    assert g.state.dtype is nf.int64 and not g.state.trainable
    g = Generator.from_key_counter(key=5, counter=[1, 2], alg=1)
    assert (state_of(g), int(g.key)) == ([1, 2, 5], 5)
    assert state_of(Generator(copy_from=g)) == [1, 2, 5]
    assert state_of(Generator.from_state(np.array([1.0, 2.0, 3.0]), "philox")) == [1, 2, 3]
    chance = [state_of(Generator.from_non_deterministic_state()) for _ in range(2)]
    assert chance[0] != chance[1]


def test_draws_move_the_counter_on() -> None:
    """By 256 for each number; in 128 bits, in both directions."""
    g = Generator.from_seed(1234)
    g.normal([2, 3])
    assert state_of(g) == [2770, 0, 0]
    g.uniform([])
    assert state_of(g) == [3026, 0, 0]
    g.uniform([0, 3])
    assert state_of(g) == [3026, 0, 0]
    assert g.skip(-3).numpy().tolist() == [3026, 0, 0] and state_of(g) == [2258, 0, 0]
    g.reset([-1, 7, 9])
    g.skip(1)
    assert state_of(g) == [255, 8, 9]
    g.skip(-1)
    assert state_of(g) == [-1, 7, 9]
    g.skip(1 << 60)
    assert state_of(g) == [-1, 23, 9]
    g.reset_from_seed(9)
    assert state_of(g) == [9, 0, 0]
    g.reset_from_key_counter(9, [4, 5])
    assert state_of(g) == [4, 5, 9]


DRAWS: dict[str, Any] = {
    "normal": lambda g: g.normal([101], 2.0, 3.0),
    "truncated": lambda g: g.truncated_normal([101], dtype=nf.float64),
    "uniform": lambda g: g.uniform([101], 2.0, 3.0),
    "integers": lambda g: g.uniform([101], -5, 7, nf.int64),
    "all integers": lambda g: g.uniform([101], None, None, nf.int32),
    "full": lambda g: g.uniform_full_int([101]),
    "binomial": lambda g: g.binomial([101], 900.0, 0.5),
    "seeds": lambda g: g.make_seeds(11),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_compiled_function_draws_what_eager_code_does(name: str) -> None:
    """Call after call; the variable is where both go on."""
    draw = DRAWS[name]
    one, other = Generator.from_seed(3), Generator.from_seed(3)
    compiled = nf.function(lambda: draw(one))
    kept: list[Any] = []
    for _ in range(3):
        want, got = draw(other).numpy(), compiled().numpy()
        if name in ("normal", "truncated"):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(got, want)
        assert state_of(one) == state_of(other)
        assert not any(np.array_equal(want, old) for old in kept)
        kept.append(want)


def test_many_draws_in_a_function() -> None:
    """In program order; a generator made in the first trace stays; sizes may be arguments."""
    made: list[Any] = []

    @nf.function
    def run(x: Any) -> Any:
        if not made:
            made.append(Generator.from_seed(8))
        g = made[0]
        return g.normal(nf.shape(x)), g.uniform([2]), g.normal(nf.shape(x))

    other = Generator.from_seed(8)
    for n in (2, 3, 5):
        got = run(np.zeros((n, 7), np.float32))
        want = other.normal([n, 7]), other.uniform([2]), other.normal([n, 7])
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


def test_split_generators_are_independent() -> None:
    """All their numbers together are normal, and none comes twice."""
    parts = Generator.from_seed(5).split(7)
    assert len({int(g.key) for g in parts}) == 7
    x = np.concatenate([g.normal([1009]).numpy() for g in parts for _ in range(3)])
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert len(set(x.tolist())) > 0.999 * len(x)
    assert Generator.from_seed(5).split(0) == []


def test_counters_far_on() -> None:
    """The upper half of the counter matters, and sequences do not overlap."""
    draws = [Generator.from_state([0, high, 1], "philox").normal([101]).numpy() for high in (0, 1)]
    assert not np.intersect1d(*draws).size
    g = Generator.from_state([2**63 - 1, 2**63 - 1, -1], "philox")
    a = g.normal([101]).numpy()
    assert state_of(g)[1] == 2**63 - 1 and not np.intersect1d(a, g.normal([101]).numpy()).size


def test_small_seeds_of_all_kinds_are_independent() -> None:
    """Of generators, of stateless draws, of the global seed."""
    nf.random.set_seed(1)
    draws = [nf.random.uniform([1009]), nf.random.uniform([1009], seed=1)]
    draws += [nf.random.stateless_uniform([1009], [a, b]) for a in (0, 1) for b in (0, 1)]
    draws += [Generator.from_seed(k).uniform([1009]) for k in (0, 1)]
    x = np.array([d.numpy() for d in draws])
    correlations = np.corrcoef(x) - np.eye(len(x))
    assert np.abs(correlations).max() < 4.5 / np.sqrt(1009)


def test_a_checkpoint_holds_the_state(tmp_path: Path) -> None:
    """Restored, a generator goes on where it was, in a model too."""

    class Model(nf.Module):
        def __init__(self) -> None:
            self.rng = Generator.from_seed(4)

    model, alone = Model(), Generator.from_seed(5)
    model.rng.normal([3]), alone.normal([3])
    path = nf.train.Checkpoint(model=model, alone=alone).save(str(tmp_path / "c"))
    want = model.rng.normal([5]).numpy(), alone.normal([5]).numpy()
    new, other = Model(), Generator.from_seed(0)
    nf.train.Checkpoint(model=new, alone=other).restore(path)
    np.testing.assert_array_equal(new.rng.normal([5]).numpy(), want[0])
    np.testing.assert_array_equal(other.normal([5]).numpy(), want[1])


def test_threads_share_a_generator() -> None:
    """No two draws are alike, and none is lost."""
    g = Generator.from_seed(6)
    found: list[Any] = []

    def run() -> None:
        found.extend([g.uniform_full_int([3]).numpy() for _ in range(50)])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(np.unique(np.concatenate(found))) == 600
    assert state_of(g) == [6 + 600 * 256, 0, 0]


def test_the_global_generator() -> None:
    """One for all, which can be replaced."""
    before = nf.random.get_global_generator()
    assert nf.random.get_global_generator() is before
    g = Generator.from_seed(2)
    nf.random.set_global_generator(g)
    try:
        assert nf.random.get_global_generator() is g
        assert nf.random.experimental.get_global_generator() is g
    finally:
        nf.random.set_global_generator(before)


G = Generator.from_seed(1)
NO_GENERATOR: Any = 5


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: Generator(), ValueError, "random.Generator: either copy_from is needed, or state"),
        (lambda: Generator(copy_from=G, alg=1), ValueError, "random.Generator: either copy_from"),
        (lambda: Generator(state=[1, 2, 3]), ValueError, "random.Generator: either copy_from"),
        (
            lambda: Generator(copy_from=NO_GENERATOR),
            TypeError,
            "random.Generator: copy_from is no Generator",
        ),
        (
            lambda: Generator.from_state([1, 2], "philox"),
            ValueError,
            "random.Generator: state must have the shape [3]",
        ),
        (
            lambda: Generator.from_key_counter(1, 2, "philox"),
            ValueError,
            "random.Generator.from_key_counter: counter must have the shape [2]",
        ),
        (
            lambda: Generator.from_seed(1, "foo"),
            ValueError,
            "random.create_rng_state: no algorithm 'foo'",
        ),
        (
            lambda: Generator.from_seed(1.5),
            TypeError,
            "random.create_rng_state: seed must be of integers",
        ),
        (
            lambda: G.uniform([2], dtype=nf.int32),
            ValueError,
            "random.Generator.uniform: integers need both minval and maxval",
        ),
        (
            lambda: G.uniform([2], 5, 5, nf.int32),
            nf.errors.InvalidArgumentError,
            "random.Generator.uniform: minval must be below maxval",
        ),
        (
            lambda: G.uniform_full_int([2], nf.float32),
            TypeError,
            "random.Generator.uniform_full_int: makes int32, int64, uint32, uint64, not float32",
        ),
        (
            lambda: G.normal([2], dtype=nf.int32),
            TypeError,
            "random.Generator.normal: makes floats, not int32",
        ),
        (lambda: G.normal([-2]), ValueError, "random.Generator.normal: a size is negative: -2"),
        (lambda: G.split(-1), ValueError, "random.Generator.split: a size is negative: -1"),
        (
            lambda: Generator.from_state("abc", "philox"),
            TypeError,
            "random.Generator: state must be integers",
        ),
        (lambda: G.skip(1.5), TypeError, "random.Generator.skip: delta must be integers"),
        (lambda: G.skip([1]), ValueError, "random.Generator.skip: delta must be one number"),
        (
            lambda: nf.random.set_global_generator(NO_GENERATOR),
            TypeError,
            "random.set_global_generator: generator is no nf.random.Generator: 5",
        ),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run()
    assert str(e.value).startswith(message)
