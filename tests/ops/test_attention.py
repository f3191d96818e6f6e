"""Attention against its formula: eager, compiled, masks, gradients, gradients of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.kernels.cpu import attention_plans
from numflow.runtime import work
from tests.contract import Case, check, floats, ids

Array = np.ndarray[Any, Any]
attention = nf.nn.scaled_dot_product_attention


def _oracle(q: Array, k: Array, v: Array, bias: Any = 0.0, causal: bool = False) -> Array:
    s = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) + bias
    if causal:
        s = np.where(np.tri(*s.shape[-2:]) > 0, s, -np.inf)
    with np.errstate(all="ignore"):
        e = np.exp(s - s.max(-1, keepdims=True, initial=-1e300))
        total = e.sum(-1, keepdims=True)
        p = np.where(total > 0, e / total, 0)
    return np.asarray(p @ v)


SEEN = np.random.default_rng(5).random((2, 1, 4, 5)) < 0.6
LONG = np.arange(5) < np.array([5, 2])[:, None, None]


def causal(q: Any, k: Any, v: Any) -> Any:
    """Each query sees what is not behind it."""
    return attention(q, k, v, is_causal=True)


def masked(q: Any, k: Any, v: Any) -> Any:
    """Of two examples with two heads, the same for the heads."""
    return attention(q, k, v, nf.constant(SEEN))


def lengths(q: Any, k: Any, v: Any) -> Any:
    """Keys of two examples, of different lengths."""
    return attention(q, k, v, nf.constant(LONG))


def biased(q: Any, k: Any, v: Any, bias: Any) -> Any:
    """A bias that has a gradient."""
    return attention(q, k, v, bias)


def heads_last(q: Any, k: Any, v: Any) -> Any:
    """Keys of two heads for four of the queries."""
    return nf.nn.dot_product_attention(q, k, v, scale=0.5, is_causal=True)


def _heads_last_oracle(q: Array, k: Array, v: Array) -> Array:
    q, k, v = (np.swapaxes(x, 1, 2) for x in (q, np.repeat(k, 2, 2), np.repeat(v, 2, 2)))
    return np.swapaxes(_oracle(q * 0.5 * np.sqrt(q.shape[-1]), k, v, causal=True), 1, 2)


CASES = [
    Case(attention, _oracle, [floats(4, 3), floats(5, 3), floats(5, 2)], slack=3),
    Case(attention, _oracle, [floats(2, 1, 3, 1), floats(2, 1, 1, 1), floats(2, 1, 1, 4)], slack=3),
    Case(attention, _oracle, [floats(2, 3, 0, 4), floats(2, 3, 5, 4), floats(2, 3, 5, 4)]),
    Case(attention, _oracle, [floats(2, 3, 4), floats(2, 0, 4), floats(2, 0, 4)]),
    Case(
        causal,
        lambda q, k, v: _oracle(q, k, v, causal=True),
        [floats(2, 5, 3), floats(2, 4, 3), floats(2, 4, 3)],
        slack=3,
    ),
    Case(
        masked,
        lambda q, k, v: _oracle(q, k, v, np.where(SEEN, 0, -np.inf)),
        [floats(2, 2, 4, 3), floats(2, 2, 5, 3), floats(2, 2, 5, 3)],
        slack=3,
    ),
    Case(
        lengths,
        lambda q, k, v: _oracle(q, k, v, np.where(LONG, 0, -np.inf)),
        [floats(2, 3, 4), floats(2, 5, 4), floats(2, 5, 3)],
        slack=3,
    ),
    Case(
        biased,
        _oracle,
        [floats(2, 2, 3, 4), floats(2, 2, 5, 4), floats(2, 2, 5, 3), floats(2, 1, 3, 5)],
        slack=3,
    ),
    Case(
        biased,
        _oracle,
        [floats(2, 3, 4), floats(2, 5, 4), floats(2, 5, 3), floats(1, 1, 5)],
        slack=3,
    ),
    Case(
        heads_last,
        _heads_last_oracle,
        [floats(2, 3, 4, 2), floats(2, 5, 2, 2), floats(2, 5, 2, 3)],
        slack=3,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_formula(case: Case) -> None:
    check(case)


def _compare(f: Callable[..., Any], *arrays: Array) -> None:
    """The result and all gradients: by the references in float64, and compiled."""

    def run(*xs: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(xs)
            y = f(*xs)
            total = nf.reduce_sum(nf.sin(y * 3.0))
        return (y, *tape.gradient(total, xs))

    eager = [np.asarray(x) for x in run(*(nf.constant(a) for a in arrays))]
    for dtype, near in ((np.float64, 1e-9), (np.float32, 2e-4)):
        compiled = nf.function(run)(*(nf.constant(a.astype(dtype)) for a in arrays))
        for x, y in zip(compiled, eager, strict=True):
            np.testing.assert_allclose(x, y, atol=near, rtol=near)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_drawn_sizes_compiled(data: st.DataObject) -> None:
    def size(most: int) -> int:
        return data.draw(st.one_of(st.integers(1, most), st.sampled_from([1, 31, 64, 65, 97])))

    queries, keys, depth = size(150), size(210), data.draw(st.integers(1, 40))
    width, front = data.draw(st.integers(1, 70)), data.draw(st.sampled_from([(), (2,), (2, 3)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shapes = (*front, queries, depth), (*front, keys, depth), (*front, keys, width)
    arrays = [rng.standard_normal(s) for s in shapes]
    kind = data.draw(st.sampled_from(["none", "both", "keys"]))
    mask = None
    if kind != "none":
        rows = queries if kind == "both" else 1
        mask = nf.constant(rng.random((*front[:1], *(1 for _ in front[1:]), rows, keys)) < 0.7)
    causal = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention_plans, "MANY", data.draw(st.sampled_from([0, 4])))
        work._calls.clear()
        _compare(lambda q, k, v: attention(q, k, v, mask, causal), *arrays)
        work._calls.clear()


@pytest.mark.parametrize(
    ("shape", "keys"), [((3, 5, 67, 8), 131), ((1, 2, 200, 24), 97), ((2, 1, 5, 3), 300)]
)
@pytest.mark.parametrize("is_causal", [False, True])
def test_gradients_by_heads_and_by_blocks_have_the_same_bits(
    shape: tuple[int, ...], keys: int, is_causal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of threads decides between them, so it decides nothing else."""
    rng = np.random.default_rng(0)
    q, d = (rng.standard_normal(shape).astype(np.float32) for _ in "qd")
    k, v = (rng.standard_normal((*shape[:2], keys, shape[3])).astype(np.float32) for _ in "kv")

    def gradients(q: Any, k: Any, v: Any, d: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch((q, k, v))
            o = attention(q, k, v, is_causal=is_causal)
        return tape.gradient(o, (q, k, v), output_gradients=d)

    found = []
    for many in (0, 1 << 30):
        monkeypatch.setattr(attention_plans, "MANY", many)
        work._calls.clear()
        made = nf.function(gradients)(*map(nf.constant, (q, k, v, d)))
        found.append([g.numpy() for g in made])
    work._calls.clear()
    for by_heads, by_blocks in zip(*found, strict=True):
        np.testing.assert_array_equal(by_heads, by_blocks)


def test_large_scores_do_not_overflow() -> None:
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 70, 8)) * 60 for _ in range(3))
    y = nf.function(attention)(*(nf.constant(a) for a in (q, k, v)))
    np.testing.assert_allclose(y, _oracle(q, k, v), rtol=1e-9, atol=1e-9)


def test_unknown_sizes() -> None:
    spec = nf.TensorSpec([None, None, 8])
    f = nf.function(lambda q, k: attention(q, k, k, is_causal=True), input_signature=[spec, spec])
    rng = np.random.default_rng(0)
    for batch, queries, keys in ((1, 3, 5), (2, 130, 70), (3, 64, 96)):
        q, k = rng.standard_normal((batch, queries, 8)), rng.standard_normal((batch, keys, 8))
        y = f(q.astype(np.float32), k.astype(np.float32))
        np.testing.assert_allclose(y, _oracle(q, k, k, causal=True), atol=1e-5)


@pytest.mark.parametrize("dtype", [nf.float16, nf.bfloat16])
def test_low_precision_is_summed_in_float32(dtype: Any) -> None:
    x = nf.cast(nf.random.stateless_normal([2, 90, 16], seed=[1, 2]), dtype)
    y = nf.function(attention)(x, x, x)
    assert y.dtype is dtype
    wide = np.asarray(nf.cast(x, nf.float64))
    np.testing.assert_allclose(nf.cast(y, nf.float64), _oracle(wide, wide, wide), atol=0.03)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "other depths": ({"key": np.ones((2, 5, 4), np.float32)}, "key"),
    "values for other keys": ({"value": np.ones((2, 4, 3), np.float32)}, "value"),
    "another batch": ({"value": np.ones((1, 5, 3), np.float32)}, "value"),
    "another rank": ({"key": np.ones((5, 3), np.float32)}, "rank"),
    "another dtype": ({"key": nf.ones((2, 5, 3), nf.float64)}, "dtype|key"),
    "integers": ({"query": np.ones((2, 4, 3), np.int32)}, "query|key"),
    "a mask of integers": ({"mask": np.ones((4, 5), np.int32)}, "mask"),
    "a mask that does not fit": ({"mask": np.ones((4, 4), bool)}, "mask"),
    "a mask of too many axes": ({"mask": np.ones((1, 1, 4, 5), bool)}, "mask"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    change, words = BAD[name]
    given = {
        "query": np.ones((2, 4, 3), np.float32),
        "key": np.ones((2, 5, 3), np.float32),
        "value": np.ones((2, 5, 3), np.float32),
    }
    with pytest.raises((ValueError, TypeError), match=words):
        attention(**{**given, **change})


def test_a_mask_of_keys_is_told_its_axis() -> None:
    """[examples, keys], as padding is often known: the text says what is missing."""
    x = nf.ones([2, 5, 3])
    with pytest.raises(nf.errors.ShapeError) as e:
        attention(x, nf.ones([2, 7, 3]), nf.ones([2, 7, 3]), nf.ones([2, 7], nf.bool))
    assert str(e.value).splitlines()[:3] == [
        "nn.scaled_dot_product_attention: mask does not broadcast to the scores, [2, 5, 7]",
        "  mask: bool [2, 7]",
        "  try: mask[:, None]",
    ]
    x = nf.ones([2, 5, 4, 3])
    with pytest.raises(nf.errors.ShapeError, match=r"try: mask\[:, None, None\]"):
        nf.nn.dot_product_attention(x, x, x, mask=nf.ones([2, 5], nf.bool))
