"""Candidate samplers: distributions, expected counts, uniqueness, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import numflow as nf

N = 20011
TRUE = [[1, 2], [3, 4]]
WEIGHTS = [0.0, 5.0, 1.0, 3.0, 1.0]
SAMPLERS: dict[str, tuple[Any, Any]] = {
    "uniform": (
        lambda n, unique: nf.random.uniform_candidate_sampler(TRUE, 2, n, unique, 5),
        np.full(5, 0.2),
    ),
    "log_uniform": (
        lambda n, unique: nf.random.log_uniform_candidate_sampler(TRUE, 2, n, unique, 5),
        np.diff(np.log(np.arange(1, 7))) / np.log(6),
    ),
    "fixed": (
        lambda n, unique: nf.random.fixed_unigram_candidate_sampler(
            TRUE, 2, n, unique, 5, unigrams=WEIGHTS
        ),
        np.array(WEIGHTS) / 10,
    ),
}


def drawn(draw: Any) -> list[Any]:
    """The three results, eagerly; compiled they are the same."""
    nf.random.set_seed(23)
    want = [t.numpy() for t in draw()]
    nf.random.set_seed(23)
    for a, b in zip(nf.function(draw)(), want, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-6)
    assert [a.dtype for a in want] == [np.int64, np.float32, np.float32]
    return want


@pytest.mark.parametrize("name", SAMPLERS)
def test_with_replacement(name: str) -> None:
    """Chi-square; expected counts are probabilities times samples."""
    sampler, chances = SAMPLERS[name]
    classes, of_true, of_drawn = drawn(lambda: sampler(N, False))
    seen = np.bincount(classes, minlength=5)
    some = chances > 0
    assert not seen[~some].any()
    assert stats.chisquare(seen[some], chances[some] * N).pvalue > 1e-3
    np.testing.assert_allclose(of_true, chances[TRUE] * N, rtol=1e-5)
    np.testing.assert_allclose(of_drawn, chances[classes] * N, rtol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_without_replacement(name: str) -> None:
    """No class twice; expected counts are those of the draws that it took, so below 1."""
    sampler, chances = SAMPLERS[name]
    classes, of_true, of_drawn = drawn(lambda: sampler(4, True))
    assert len(set(classes.tolist())) == 4 and (chances[classes] > 0).all()
    # the same number of draws explains all counts: 1 - (1 - p)^draws, or p draws if none was lost
    p, count = chances[TRUE].ravel(), of_true.ravel()
    draws = np.log1p(-count) / np.log1p(-p)
    assert np.allclose(draws, draws.round(), atol=1e-2) or np.allclose(count, 4 * p, rtol=1e-5)
    assert np.ptp(draws) < 0.1 or np.allclose(count, 4 * p, rtol=1e-5)
    assert of_drawn.shape == (4,)


def test_many_different_classes() -> None:
    """Half of a large range; each first place is as likely as any other."""
    classes, _, _ = drawn(lambda: nf.random.uniform_candidate_sampler(TRUE, 2, 5003, True, 10007))
    assert len(set(classes.tolist())) == 5003 and 0 <= classes.min() and classes.max() < 10007
    assert stats.kstest(classes / 10007, "uniform").pvalue > 1e-3


def test_all_and_learned() -> None:
    """All: each once. Learned: what was true before is drawn more often."""
    classes, of_true, of_drawn = drawn(lambda: nf.random.all_candidate_sampler(TRUE, 2, 5, True))
    assert classes.tolist() == [0, 1, 2, 3, 4]
    assert (of_true == 1).all() and of_true.shape == (2, 2) and (of_drawn == 1).all()

    @nf.function
    def learn(true: Any) -> Any:
        return nf.nn.learned_unigram_candidate_sampler(true, 3, 6, False, 6, seed=77)

    counts = np.ones(6)
    for true in ([[1, 1, 1]], [[5, 1, 0]], [[2, 3, 4]]):
        found = learn(nf.constant(true, nf.int64))
        np.testing.assert_allclose(
            found.true_expected_count.numpy(), 6 * counts[true] / counts.sum(), rtol=1e-6
        )
        np.add.at(counts, true, 1)


def test_weights_of_a_file_and_of_a_shard(tmp_path: Path) -> None:
    """The last entry of each line; reserved classes in front; a power; a part of the classes."""
    path = tmp_path / "words.csv"
    path.write_text('the,10\n"a, b",4\nof,1\n')
    sampler = nf.random.fixed_unigram_candidate_sampler
    got = sampler([[1]], 1, 3, False, 4, vocab_file=str(path), num_reserved_ids=1)
    np.testing.assert_allclose(got.true_expected_count.numpy(), [[2.0]])
    got = sampler([[1]], 1, 3, False, 3, vocab_file=str(path), distortion=0.0)
    np.testing.assert_allclose(got.true_expected_count.numpy(), [[1.0]])
    weights = np.arange(1.0, 11.0).tolist()
    shard = sampler(TRUE, 2, 4, False, 5, unigrams=weights, num_shards=2, shard=1)
    want = [[4 / 30, 6 / 30], [8 / 30, 10 / 30]]
    np.testing.assert_allclose(shard.true_expected_count.numpy(), 4 * np.array(want), rtol=1e-6)


Invalid = nf.errors.InvalidArgumentError
uniform = nf.random.uniform_candidate_sampler
fixed: Any = nf.random.fixed_unigram_candidate_sampler
BAD: list[tuple[Any, Any, str]] = [
    (lambda: uniform(TRUE, 2, 11, True, 10), Invalid, "there are not as many different classes"),
    (lambda: uniform([[10, 1]], 2, 4, True, 10), Invalid, "true_classes 10 is outside [0, 10)"),
    (lambda: uniform([[-1, 1]], 2, 4, True, 10), Invalid, "true_classes -1 is outside [0, 10)"),
    (lambda: uniform(TRUE, 3, 4, True, 10), ValueError, "true_classes must be [batch, num_true]"),
    (lambda: uniform([1, 2], 2, 4, True, 10), ValueError, "true_classes must be [batch, num_true]"),
    (lambda: uniform([[0.5]], 1, 4, True, 10), TypeError, "true_classes is float32"),
    (lambda: uniform(TRUE, 2, 0, True, 10), Invalid, "num_sampled must be at least 1, not 0"),
    (lambda: uniform(TRUE, 2, 4, True, 0), Invalid, "range_max must be at least 1, not 0"),
    (lambda: fixed(TRUE, 2, 4, True, 5), Invalid, "one of vocab_file and unigrams is needed"),
    (
        lambda: fixed(TRUE, 2, 4, True, 5, unigrams=[1.0] * 4),
        Invalid,
        "there must be range_max weights",
    ),
    (
        lambda: fixed(TRUE, 2, 2, False, 5, vocab_file="no such file"),
        nf.errors.NotFoundError,
        "vocab_file cannot be read: ",
    ),
    (
        lambda: fixed(TRUE, 2, 2, False, 5, vocab_file=__file__),
        Invalid,
        "a line does not end in a number: ",
    ),
    (
        lambda: fixed(TRUE, 2, 2, True, 5, unigrams=[1.0, 0, 0, 0, 0]),
        Invalid,
        "there are not as many different classes",
    ),
    (
        lambda: uniform([[1]], 1, 1 << 25, True, 1 << 30),
        Invalid,
        "num_sampled is 33554432: at most 16777216 different classes are drawn",
    ),
    (
        lambda: uniform([[1]], 1, 1, False, 1 << 80),
        nf.errors.ResourceExhaustedError,
        "range_max is beyond any memory",
    ),
    (
        lambda: fixed([[0]], 1, 1, False, 1, unigrams=[1.0], num_reserved_ids=1 << 45),
        Invalid,
        "there must be range_max weights",
    ),
    (
        lambda: fixed([[0]], 1, 1, False, 1, unigrams=[1.0], num_reserved_ids=-1),
        Invalid,
        "num_reserved_ids is negative: -1",
    ),
    (
        lambda: fixed([[0]], 1, 1, False, 2, unigrams=[0.0, 1.0], distortion=-1.0),
        Invalid,
        "weights must be finite and not negative",
    ),
    (
        lambda: fixed([[0]], 1, 1, False, 1, unigrams=["a"]),
        TypeError,
        "unigrams must be numbers: ",
    ),
    (lambda: fixed(TRUE, 2, 2, False, 5, unigrams=[0.0] * 5), Invalid, "all weights are 0"),
    (
        lambda: fixed(TRUE, 2, 2, False, 5, unigrams=[-1.0] * 5),
        Invalid,
        "weights must be finite and not negative",
    ),
    (
        lambda: fixed(TRUE, 2, 2, False, 5, unigrams=[1.0] * 5, num_shards=2, shard=2),
        Invalid,
        "shard must be in [0, num_shards)",
    ),
]


@pytest.mark.parametrize(("run", "error", "message"), BAD)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came; compiled functions say the same."""
    for call in (run, nf.function(run)):
        with pytest.raises(error) as e:
            call()
        text = str(e.value)
        assert "candidate_sampler: " + message in text
