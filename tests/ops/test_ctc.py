"""Connectionist temporal classification against the sum over all ways through the frames."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.ops import ctc
from numflow.sparse import ctc as public
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids

Array = np.ndarray[Any, Any]


def _collapsed(path: tuple[int, ...], blank: int, merged: bool) -> tuple[int, ...]:
    kept = [k for k, _ in itertools.groupby(path)] if merged else list(path)
    return tuple(k for k in kept if k != blank)


def _oracle(
    x: Array, labels: Any, lengths: Any, used: Any, blank: int = 0, merged: bool = True
) -> Array:
    """-log of the sum over all paths."""
    p = np.exp(x - x.max(2, keepdims=True))
    p /= p.sum(2, keepdims=True)
    out = []
    for b, (n, t) in enumerate(zip(lengths, used, strict=True)):
        wanted, total = tuple(labels[b][:n]), 0.0
        for path in itertools.product(range(x.shape[2]), repeat=t):
            if _collapsed(path, blank, merged) == wanted:
                total += float(np.prod([p[k, b, c] for k, c in enumerate(path)]))
        out.append(-np.log(total))
    return np.array(out)


LABELS = [[1, 1, 2], [2, 1, 0], [0, 0, 0], [2, 0, 0]]
LENGTHS, USED = [3, 2, 0, 1], [5, 3, 2, 5]


def loss(x: Any, blank: int = 0) -> Any:
    """Labels of several lengths, one of them none."""
    return public.ctc_loss(LABELS, x, LENGTHS, USED, blank_index=blank)


def batch_major(x: Any) -> Any:
    """The blank is the last class, labels are sparse."""
    labels = nf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1, 0, 1], [2, 2])
    return public.ctc_loss(labels, x, None, [4, 3], logits_time_major=False, blank_index=-1)


def unmerged(x: Any) -> Any:
    """Equal neighbours are two labels."""
    integers = [nf.constant(v) for v in ([[1, 1, 2], [2, 2, 2]], [3, 2], [4, 3])]
    return ctc.losses(nf.convert_to_tensor(x), integers, 0, merged=False)


CASES = [
    Case(
        loss,
        lambda x: _oracle(x, LABELS, LENGTHS, USED),
        [floats(5, 4, 3)],
        dtypes=SINGLE_AND_DOUBLE,
    ),
    Case(
        batch_major,
        lambda x: _oracle(x.swapaxes(0, 1), [[1, 0], [1]], [2, 1], [4, 3], 2),
        [floats(2, 4, 3)],
    ),
    Case(
        unmerged,
        lambda x: _oracle(x, [[1, 1, 2], [2, 2]], [3, 2], [4, 3], merged=False),
        [floats(4, 2, 3)],
        dtypes=SINGLE_AND_DOUBLE,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_sum_over_all_paths(case: Case) -> None:
    check(case)


def _compiled(x: Array, *rest: Any, dtype: Any = np.float32, blank: int = 0) -> tuple[Any, Any]:
    @nf.function
    def step(x: Any, labels: Any, lengths: Any, used: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            loss = public.ctc_loss(labels, x, lengths, used, blank_index=blank)
        return loss, tape.gradient(loss, x)

    integers = [nf.constant(np.asarray(v, np.int32)) for v in rest]
    found = step(nf.constant(x.astype(dtype)), *integers)
    return found[0].numpy(), found[1].numpy()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_drawn_sizes_compiled(data: st.DataObject) -> None:
    frames, batch = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 5))
    classes, most = data.draw(st.integers(2, 6)), data.draw(st.integers(0, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    scale = data.draw(st.sampled_from([1.0, 30.0, 400.0]))
    x = rng.standard_normal((frames, batch, classes)) * scale
    labels = rng.integers(1, classes, (batch, most))
    lengths = np.minimum(rng.integers(0, most + 1, batch), frames // 2)
    used = rng.integers(2 * lengths, frames + 1)
    loss, gradient = _compiled(x, labels, lengths, used, dtype=np.float64)
    wanted, slope = ctc._reference(x, labels, lengths, used, blank=0, merged=True)
    np.testing.assert_allclose(loss, wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradient, slope, rtol=1e-7, atol=1e-9)


def test_a_batch_as_of_a_recogniser() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((60, 21, 29)) * 3
    labels = rng.integers(0, 28, (21, 17))
    lengths, used = rng.integers(0, 18, 21), rng.integers(36, 61, 21)
    loss, gradient = _compiled(x, labels, lengths, used, blank=28)
    wanted, slope = ctc._reference(x, labels, lengths, used, blank=28, merged=True)
    np.testing.assert_allclose(loss, wanted, rtol=1e-6)
    np.testing.assert_allclose(gradient, slope, atol=1e-6)
    for b in range(21):
        assert not gradient[used[b] :, b].any()


def test_what_logits_forbid_is_infinitely_far() -> None:
    x = np.zeros((2, 1, 3))
    x[:, 0, 1] = -np.inf
    for run in (
        lambda x: public.ctc_loss([[1]], x, [1], [2]),
        lambda x: _compiled(x, [[1]], [1], [2])[0],
    ):
        assert np.isinf(np.asarray(run(x))).all()
    x[0, 0, 0] = np.nan
    loss, gradient = _compiled(x, [[2]], [1], [2])
    assert np.isnan(loss).all()
    assert np.isnan(gradient).all()


BAD = {
    "too few frames": (([[1, 1]], [2], [2]), "frames"),
    "no class": (([[1, 3]], [2], [2]), "classes"),
    "a negative label": (([[-1, 2]], [2], [2]), "classes"),
    "too many labels": (([[1, 2]], [3], [2]), "label_length"),
    "too many frames": (([[1, 2]], [2], [4]), "logit_length"),
    "a negative length": (([[1, 2]], [-1], [2]), "label_length"),
    "another batch": (([[1, 2], [1, 2]], [2], [2]), "labels"),
    "labels without batch": (([1, 2], [2], [2]), "labels"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("traced", [False, True])
def test_bad_input(name: str, traced: bool) -> None:
    (labels, lengths, used), words = BAD[name]
    run = nf.function(public.ctc_loss) if traced else public.ctc_loss
    given = [nf.constant(np.asarray(v, np.int32)) for v in (labels, lengths, used)]
    with pytest.raises((nf.errors.InvalidArgumentError, ValueError), match=words):
        run(given[0], nf.zeros([3, 1, 3]), given[1], given[2])


def test_bad_arguments() -> None:
    x, sparse = nf.zeros([3, 1, 3]), nf.SparseTensor([[0, 0]], [1], [1, 1])
    with pytest.raises(ValueError, match="blank_index"):
        public.ctc_loss(sparse, x, None, [3])
    with pytest.raises(nf.errors.InvalidArgumentError, match="blank_index"):
        public.ctc_loss([[1]], x, [1], [3], blank_index=3)
    with pytest.raises(TypeError, match="labels"):
        public.ctc_loss([[1.0]], x, [1], [3])
    with pytest.raises(ValueError, match="logits"):
        public.ctc_loss([[1]], x[0], [1], [3])


# --- second derivatives ------------------------------------------------------------------------


def _slope(x: Any, *integers: Any, merged: bool = True) -> Any:
    with nf.GradientTape() as tape:
        tape.watch(x)
        loss = ctc.losses(x, integers, 0, merged)
    return tape.gradient(loss, x)


def _curve(x: Any, along: Any, *integers: Any, merged: bool = True) -> Any:
    """The gradient of the gradient along a direction."""
    with nf.GradientTape() as tape:
        tape.watch(x)
        slope = nf.reduce_sum(_slope(x, *integers, merged=merged) * along)
    return tape.gradient(slope, x)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_second_derivatives_are_those_of_the_kernel(data: st.DataObject) -> None:
    """Against differences of the compiled gradient; eagerly and traced, also as a loop."""
    frames, batch = data.draw(st.sampled_from([1, 2, 5, 9, 40])), data.draw(st.integers(1, 3))
    classes, most = data.draw(st.integers(2, 5)), data.draw(st.integers(0, 4))
    merged = data.draw(st.booleans())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, along = rng.standard_normal((2, frames, batch, classes)) * 2
    labels = rng.integers(1, classes, (batch, most))
    lengths = np.minimum(rng.integers(0, most + 1, batch), frames // 2)
    used = rng.integers(2 * lengths, frames + 1)
    integers = [nf.constant(v.astype(np.int32)) for v in (labels, lengths, used)]
    slope = nf.function(lambda x: _slope(x, *integers, merged=merged))
    high, low = (slope(nf.constant(x + h * along)).numpy() for h in (1e-5, -1e-5))
    got = _curve(nf.constant(x), nf.constant(along), *integers, merged=merged)
    np.testing.assert_allclose(got, (high - low) / 2e-5, 1e-6, 1e-7)
    traced = nf.function(lambda x, d: _curve(x, d, *integers, merged=merged))
    np.testing.assert_allclose(traced(nf.constant(x), nf.constant(along)), got, 1e-11, 1e-12)


def test_second_derivatives_of_sizes_that_only_a_call_tells() -> None:
    of = [nf.TensorSpec([None, None, 3])] * 2
    integers = [nf.TensorSpec([None] * n, nf.int32) for n in (2, 1, 1)]
    run = nf.function(_curve, input_signature=[*of, *integers])
    rng = np.random.default_rng(1)
    for frames, batch, most in ((5, 2, 2), (0, 2, 0), (7, 0, 1), (40, 1, 3)):
        x, along = (nf.constant(rng.standard_normal((frames, batch, 3)).astype("f")) for _ in "xy")
        lengths = nf.fill([batch], min(most, 2))
        given = nf.ones([batch, most], nf.int32), lengths, nf.fill([batch], frames)
        want = _curve(x, along, *given).numpy()
        assert want.shape == x.shape and (want.any() == bool(want.size))
        np.testing.assert_allclose(run(x, along, *given).numpy(), want, 1e-4, 1e-5)


def test_higher_derivatives_and_classes_that_cannot_be() -> None:
    integers = [nf.constant(v, nf.int32) for v in ([[1, 1, 2], [2, 0, 0]], [3, 1], [5, 4])]
    rng = np.random.default_rng(2)
    x, along = (nf.constant(rng.standard_normal((5, 2, 4))) for _ in range(2))
    with nf.GradientTape() as tape:
        tape.watch(x)
        curve = nf.reduce_sum(_curve(x, along, *integers) * along)
    third = tape.gradient(curve, x)
    high, low = (
        nf.reduce_sum(_curve(x + h * along, along, *integers) * along) for h in (1e-4, -1e-4)
    )
    np.testing.assert_allclose(nf.reduce_sum(third * along), (high - low) / 2e-4, 1e-6)
    never = nf.constant(np.where(np.arange(4) == 3, -np.inf, 0.0)) + x
    got = _curve(never, along, *integers).numpy()
    np.testing.assert_allclose(
        got[..., :3], _curve(x[..., :3], along[..., :3], *integers).numpy(), 1e-9, 1e-12
    )
    assert not got[..., 3].any()


# --- decoders ----------------------------------------------------------------------------------


def _rows(sparse: Any) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(int(sparse.dense_shape[0]))]
    for (b, k), value in zip(sparse.indices.numpy(), sparse.values.numpy(), strict=True):
        assert k == len(rows[b])
        rows[b].append(int(value))
    return rows


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("merged", [False, True])
def test_greedy(traced: bool, merged: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((7, 5, 4)).astype(np.float32)
    used = np.array([7, 0, 3, 5, 6])

    def decode(x: Any, used: Any) -> Any:
        return public.ctc_greedy_decoder(x, used, merge_repeated=merged)

    (found,), score = (nf.function(decode) if traced else decode)(nf.constant(x), nf.constant(used))
    best = x.argmax(2)
    wanted = [list(_collapsed(tuple(best[:n, b].tolist()), 3, merged)) for b, n in enumerate(used)]
    assert _rows(found) == wanted
    assert int(found.dense_shape[1]) == max(map(len, wanted))
    sums = [[-x.max(2)[:n, b].sum()] for b, n in enumerate(used)]
    np.testing.assert_allclose(score, sums, rtol=1e-6)


@pytest.mark.parametrize("traced", [False, True])
def test_a_wide_beam_finds_the_likeliest(traced: bool) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 3, 3))
    used = [5, 2, 0]
    decode = (
        nf.function(public.ctc_beam_search_decoder) if traced else public.ctc_beam_search_decoder
    )
    paths, log_p = decode(nf.constant(x), nf.constant(used), beam_width=300, top_paths=3)
    for b, n in enumerate(used):
        every = {_collapsed(p, 2, True) for p in itertools.product(range(3), repeat=n)}
        scores = {
            k: -float(_oracle(x[:, b : b + 1], [list(k)], [len(k)], [n], 2)[0]) for k in every
        }
        best = sorted(scores, key=lambda k: -scores[k])[:3]
        for k, wanted in enumerate(best):
            assert _rows(paths[k])[b] == list(wanted)
            np.testing.assert_allclose(log_p[b, k], scores[wanted], rtol=1e-9, atol=1e-12)
    assert np.isneginf(log_p[2, 1:]).all()


def test_bad_beams() -> None:
    x = nf.zeros([2, 1, 3])
    with pytest.raises(nf.errors.InvalidArgumentError, match="top_paths"):
        public.ctc_beam_search_decoder(x, [2], beam_width=2, top_paths=3)
    with pytest.raises(nf.errors.InvalidArgumentError, match="sequence_length"):
        public.ctc_beam_search_decoder(x, [3])
    with pytest.raises(ValueError, match="sequence_length"):
        public.ctc_greedy_decoder(x, [1, 2])
    with pytest.raises(ValueError, match="inputs"):
        public.ctc_greedy_decoder(x[0], [1])


def test_labels() -> None:
    labels = np.array([[3, 3, 1, 1, 3], [2, 2, 2, 2, 2], [1, 2, 3, 4, 5]])
    short, counts = nf.function(public.collapse_repeated)(labels, nf.constant([5, 3, 0]))
    assert short.numpy().tolist() == [[3, 1, 3], [2, 0, 0], [0, 0, 0]]
    assert counts.numpy().tolist() == [3, 1, 0]
    values, index = public.ctc_unique_labels(labels)
    assert values.numpy().tolist() == [[3, 1, 0, 0, 0], [2, 0, 0, 0, 0], [1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(np.take_along_axis(values.numpy(), index.numpy(), 1), labels)
