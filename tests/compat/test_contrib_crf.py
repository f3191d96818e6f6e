"""tf.contrib.crf against every sequence of tags there is, and against finite differences."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.compat.v1.contrib import crf

Array = np.ndarray[Any, Any]


def drawn(batch: int, steps: int, tags: int, seed: int = 0) -> tuple[Array, Array, Array]:
    """(inputs, transitions, tags)."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, tags, (batch, steps))
    return rng.normal(size=(batch, steps, tags)), rng.normal(size=(tags, tags)), chosen


def every(x: Array, t: Array, n: int) -> dict[tuple[int, ...], float]:
    """The score of each sequence of n tags."""
    found = {}
    for way in itertools.product(range(x.shape[1]), repeat=n):
        found[way] = sum(x[k, w] for k, w in enumerate(way))
        found[way] += sum(t[a, b] for a, b in itertools.pairwise(way))
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(0, 99), st.booleans())
def test_brute_force(batch: int, steps: int, tags: int, seed: int, compiled: bool) -> None:
    """Likelihood and best sequence, of all lengths from 0 to `steps`."""
    x, t, chosen = drawn(batch, steps, tags, seed)
    lengths = np.random.default_rng(seed).integers(0, steps + 1, batch)
    for row, n in enumerate(lengths):
        chosen[row, n:] = 1000  # nobody looks
    wrap: Any = nf.function if compiled else lambda f: f
    found, table = wrap(lambda *a: crf.crf_log_likelihood(*a))(
        nf.constant(x), nf.constant(chosen), nf.constant(lengths), nf.constant(t)
    )
    best, score = wrap(lambda *a: crf.crf_decode(*a))(
        nf.constant(x), nf.constant(t), nf.constant(lengths)
    )
    assert best.dtype is nf.int32 and best.shape == (batch, steps)
    np.testing.assert_array_equal(np.asarray(table), t)
    for row, n in enumerate(lengths.tolist()):
        ways = every(x[row], t, n)
        total = np.logaddexp.reduce(list(ways.values()))
        np.testing.assert_allclose(found[row], ways[tuple(chosen[row, :n])] - total, 1e-10, 1e-10)
        if n:
            assert tuple(best[row, :n].numpy()) == max(ways, key=lambda w: ways[w])
            np.testing.assert_allclose(score[row], max(ways.values()), 1e-10)
            tags_of_one, value = crf.viterbi_decode(x[row, :n], t)
            assert tuple(tags_of_one) == max(ways, key=lambda w: ways[w])
            assert value == pytest.approx(max(ways.values()))
        assert not best[row, max(n, 1) :].numpy().any()


@pytest.mark.parametrize("steps", [3, 50], ids=["written out", "a loop"])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_finite_differences(compiled: bool, steps: int) -> None:
    """Of inputs and transitions, for likelihood and best score; over many steps a loop."""
    x, t, chosen = drawn(3, steps, 4)
    lengths = [steps, 1, steps - 1]

    def both(x: Any, t: Any) -> Any:
        found, _ = crf.crf_log_likelihood(x, chosen, lengths, t)
        _, score = crf.crf_decode(x, t, lengths)
        return nf.reduce_sum(found * [1.0, -2.0, 0.5]) + nf.reduce_sum(score**2)

    run = nf.function(both) if compiled else both
    sources = nf.constant(x), nf.constant(t)
    with nf.GradientTape() as tape:
        tape.watch(sources)
        value = run(*sources)
    found = tape.gradient(value, sources)
    rng = np.random.default_rng(1)
    ways = [rng.normal(size=s.shape) for s in (x, t)]
    slope = sum((g.numpy() * w).sum() for g, w in zip(found, ways, strict=True))
    high, low = (
        float(run(*(nf.constant(s + d * w) for s, w in zip((x, t), ways, strict=True))))
        for d in (1e-6, -1e-6)
    )
    assert slope == pytest.approx((high - low) / 2e-6, rel=1e-5)


def test_many_steps_are_the_forward_algorithm() -> None:
    """A loop in a function, also where batch and steps are open; and the same eagerly."""
    x, t, chosen = drawn(2, 60, 5)
    lengths = np.array([60, 37])
    open_ones = nf.TensorSpec([None, None, 5], nf.float64), nf.TensorSpec([None], nf.int64)
    norm = nf.function(lambda x, n: crf.crf_log_norm(x, n, t), input_signature=open_ones)
    best = nf.function(lambda x, n: crf.crf_decode(x, t, n), input_signature=open_ones)
    want = []
    for row, n in enumerate(lengths):
        sums = x[row, 0]
        for k in range(1, n):
            sums = x[row, k] + np.logaddexp.reduce(sums[:, None] + t, 0)
        want.append(np.logaddexp.reduce(sums))
    np.testing.assert_allclose(norm(x, lengths).numpy(), want, 1e-10)
    tags, score = best(x, lengths)
    eager_tags, eager_score = crf.crf_decode(x, t, lengths)
    np.testing.assert_array_equal(tags.numpy(), eager_tags.numpy())
    np.testing.assert_allclose(score.numpy(), eager_score.numpy())
    found = crf.crf_sequence_score(x, tags, lengths, t)
    np.testing.assert_allclose(found.numpy(), score.numpy(), 1e-10)
    parts = crf.crf_unary_score(tags, lengths, x) + crf.crf_binary_score(tags, lengths, t)
    np.testing.assert_allclose(parts.numpy(), score.numpy(), 1e-10)
    np.testing.assert_allclose(norm(x[:1, :1], lengths[:1] * 0 + 1).numpy(), [want_of_one(x)])
    assert chosen.shape == (2, 60)


def want_of_one(x: Array) -> float:
    return float(np.logaddexp.reduce(x[0, 0]))


def test_training_learns_the_transitions() -> None:
    """A new variable comes back, and gradients reach it: a tag that follows itself is learnt."""
    tags = np.repeat(np.array([[0, 1, 2]]), 4, 1)
    inputs = nf.zeros([1, 12, 3])
    _, table = crf.crf_log_likelihood(inputs, tags, [12])
    assert isinstance(table, nf.Variable) and table.shape == (3, 3)

    @nf.function
    def step() -> Any:
        with nf.GradientTape() as tape:
            found, _ = crf.crf_log_likelihood(inputs, tags, [12], table)
            loss = -nf.reduce_mean(found)
        table.assign_sub(0.1 * tape.gradient(loss, table))
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]
    assert np.diag(table.numpy()).min() > np.triu(table.numpy(), 2).max()


X, T = np.zeros((2, 3, 4), np.float32), np.zeros((4, 4), np.float32)
TAGS = np.zeros((2, 3), np.int32)
INVALID = nf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        ((X[0], TAGS, [1, 1], T), ValueError, "inputs is [batch, steps, tags]"),
        ((X[:, :0], TAGS[:, :0], [0, 0], T), ValueError, "of one step and one tag at least"),
        ((TAGS[:, :, None], TAGS, [1, 1], T), TypeError, "inputs is int32, not floating"),
        ((X, TAGS[:1], [1, 1], T), ValueError, "tag_indices is [batch, steps]"),
        ((X, TAGS * 1.0, [1, 1], T), TypeError, "tag_indices is float64, not an integer"),
        ((X, TAGS + 4, [1, 1], T), INVALID, "tag 4 is outside [0, 4)"),
        ((X, TAGS - 1, [1, 1], T), INVALID, "tag -1 is outside [0, 4)"),
        ((X, TAGS, [1, 4], T), INVALID, "length 4 is outside [0, 4)"),
        ((X, TAGS, [1, -1], T), INVALID, "length -1 is outside [0, 4)"),
        ((X, TAGS, [1], T), ValueError, "not a length for each sequence"),
        ((X, TAGS, [1, 1], T[:3]), ValueError, "transition_params is [tags, tags]"),
        ((X, TAGS, [1, 1], T.astype(float)), TypeError, "differ in dtype"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    """Eagerly; and in a function what a program alone can see."""
    with pytest.raises(kind) as caught:
        crf.crf_log_likelihood(*call)
    assert problem in str(caught.value).partition("\n  at ")[0] and str(caught.value).startswith(
        "crf_log_likelihood"
    )
    with pytest.raises(kind) as caught:
        nf.function(crf.crf_log_likelihood)(*call)
    assert problem in str(caught.value).partition("\n  at ")[0]


def test_decoding_refuses_by_its_own_names() -> None:
    with pytest.raises(ValueError, match=r"crf_decode: potentials is \[batch, steps, tags\]"):
        crf.crf_decode(X[0], T, [1])
    with pytest.raises(INVALID, match="crf_decode: length 9 is outside"):
        crf.crf_decode(X, T, [1, 9])
    with pytest.raises(ValueError, match=r"viterbi_decode: score is \[steps, tags\]"):
        crf.viterbi_decode(X, T)
    with pytest.raises(ValueError, match="crf_binary_score: tag_indices are"):
        crf.crf_binary_score(TAGS[0], [1], T)
