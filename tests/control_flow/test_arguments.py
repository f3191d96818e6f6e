"""What cond, case, switch_case and while_loop take, and what they refuse."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import numflow as nf


def _traced(f: Any, *args: Any) -> Any:
    return nf.function(f)(*args)


def test_nested_structures_come_back_in_their_form() -> None:
    """Dicts, tuples, named leaves; None stays None."""
    start = [0, {"a": nf.constant([1.0, 2.0]), "b": (nf.constant(1), nf.constant(2.0))}]

    def body(k: Any, s: Any) -> Any:
        return k + 1, {"a": s["a"] * 2.0, "b": (s["b"][0] + 1, s["b"][1] * 0.5)}

    def f() -> Any:
        return nf.while_loop(lambda k, _: k < 2, body, start)

    for found in (f(), _traced(f)):
        assert found[1]["a"].numpy().tolist() == [4.0, 8.0]
        assert int(found[1]["b"][0]) == 3 and float(found[1]["b"][1]) == 0.5
    both = _traced(lambda x: nf.cond(x, lambda: {"k": None}, lambda: {"k": None}), True)
    assert both == {"k": None}


def test_one_variable_may_come_back_by_itself() -> None:
    """A body of one variable gives it, or a list of it."""
    for body in (lambda k: k + 1, lambda k: [k + 1], lambda k: (k + 1,)):

        def f(body: Any = body) -> Any:
            return nf.while_loop(lambda k: k < 3, body, [nf.constant(0)])

        assert [int(x) for x in f()] == [int(x) for x in _traced(f)] == [3]


@pytest.mark.parametrize("most", [0, 2, 100])
def test_maximum_iterations(most: int) -> None:
    """An int, or a tensor."""
    for given in (most, nf.constant(most), nf.constant(most, nf.int64)):

        def f(g: Any = given) -> Any:
            return nf.while_loop(lambda k: k < 5, lambda k: k + 1, [0], maximum_iterations=g)

        assert int(f()[0]) == int(_traced(f)[0]) == min(most, 5)


def test_shape_invariants_let_a_size_change() -> None:
    """With its gradient; TensorFlow's own example."""

    def f(n: Any, x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            found = nf.while_loop(
                lambda k, _: k < n,
                lambda k, m: (k + 1, nf.concat([m, nf.sin(m) * x], 0)),
                [0, nf.ones([2, 2]) * x],
                shape_invariants=[nf.TensorShape([]), nf.TensorShape([None, 2])],
            )[1]
            y = nf.reduce_sum(found**2)
        return found, tape.gradient(y, x)

    g = nf.function(f)
    for n in (0, 1, 3):
        for a, b in zip(g(nf.constant(n), nf.constant(0.5)), f(n, nf.constant(0.5)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_branches_of_unlike_shapes() -> None:
    """The size is known when it runs."""

    def f(x: Any, p: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.cond(p > 0.0, lambda: nf.concat([x, x * 2.0], 0), lambda: x[:1] * 3.0) * p
            loss = nf.reduce_sum(y**2)
        return y, tape.gradient(loss, x)

    x, g = nf.constant([1.0, 2.0, 3.0]), nf.function(f)
    for p in (nf.constant(1.5), nf.constant(-1.0)):
        for a, b in zip(g(x, p), f(x, p), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_switch_case_and_case_take_tensorflows_forms() -> None:
    """Lists, pairs, dicts, defaults."""
    one, two, three = (lambda k=k: nf.constant(k) for k in (1, 2, 3))
    for index, want in [(0, 1), (1, 2), (7, 3), (-1, 3)]:
        at = nf.constant(index)
        for form in ([one, two], [(1, two), (0, one)], {0: one, 1: two}):
            assert int(_traced(lambda k, b=form: nf.switch_case(k, b, three), at)) == want
            assert int(nf.switch_case(at, form, three)) == want
    for x, want in [(0, 1), (3, 2), (9, 3)]:

        def f(x: Any) -> Any:
            return nf.case([(x < 2, one), (x < 5, two)], three)

        assert int(_traced(f, nf.constant(x))) == int(f(nf.constant(x))) == want


def test_case_without_a_default_or_with_two_true() -> None:
    """Refused when it runs."""
    one, two = (lambda k=k: nf.constant(k) for k in (1, 2))

    def f(x: Any) -> Any:
        return nf.case([(x < 2, one), (x < 5, two)])

    def g(x: Any) -> Any:
        return nf.case([(x < 2, one), (x < 5, two)], exclusive=True)

    for case, x in ((f, 9), (g, 0)):
        for run in (case, nf.function(case)):
            with pytest.raises(nf.errors.InvalidArgumentError, match="predicate"):
                run(nf.constant(x))
    assert int(nf.function(g)(nf.constant(3))) == 2


def _refuses(kind: Any, text: str, f: Any, *args: Any) -> None:
    with pytest.raises(kind, match=re.escape(text)) as caught:
        _traced(f, *args)
    assert "test_arguments.py" in str(caught.value)


def test_a_variable_that_changes_shape_or_dtype_is_named() -> None:
    """With what it was, what it became, the remedy, and the user's line."""
    x = nf.ones([2])
    _refuses(
        nf.errors.InvalidArgumentError,
        "while_loop: loop variable loop_vars[1] changes its shape\n"
        "  before the loop: float32 [2]\n"
        "  after one iteration: float32 [4]\n"
        "  try: shape_invariants, with None for each size that changes",
        lambda x: nf.while_loop(
            lambda k, _: k < 3, lambda k, s: (k + 1, nf.concat([s, s], 0)), [0, x]
        ),
        x,
    )
    _refuses(
        TypeError,
        "while_loop: loop variable loop_vars[0]['a'] changes its dtype\n"
        "  before the loop: float32 [2]\n"
        "  after one iteration: float64 [2]\n"
        "  try: nf.cast(loop_vars[0]['a'], nf.float32) in the body",
        lambda x: nf.while_loop(
            lambda s: nf.reduce_sum(s["a"]) < 9.0,
            lambda s: [{"a": nf.cast(s["a"], nf.float64)}],
            [{"a": x}],
        ),
        x,
    )


def test_unlike_structures_are_refused() -> None:
    """Of branches, and of loop variables."""
    x = nf.constant(1.0)
    _refuses(
        ValueError,
        "cond: false_fn and true_fn give unlike results",
        lambda x: nf.cond(x > 0.0, lambda: (x, x), lambda: x),
        x,
    )
    _refuses(
        nf.errors.InvalidArgumentError,
        "cond: the result has another dtype in each branch\n"
        "  false_fn: int32 []\n  true_fn: float32 []",
        lambda x: nf.cond(x > 0.0, lambda: x, lambda: nf.cast(x, nf.int32)),
        x,
    )
    _refuses(
        ValueError,
        "while_loop: the body gives loop variables of another structure",
        lambda x: nf.while_loop(lambda k, _: k < 3, lambda k, s: (k, s, s), [0, x]),
        x,
    )
    with pytest.raises(ValueError, match="another structure"):
        nf.while_loop(lambda k, _: k < 3, lambda k, s: (k, s, s), [0, x])


def test_what_is_no_scalar_bool_is_refused() -> None:
    """Predicates and conditions."""
    x = nf.ones([3])
    for run in (nf.function, lambda f: f):
        with pytest.raises(ValueError, match="pred must be a scalar"):
            run(lambda x: nf.cond(x > 0.0, lambda: x, lambda: x))(x)
    _refuses(
        ValueError,
        "while_loop: the condition gives no scalar",
        lambda x: nf.while_loop(lambda s: s < 3.0, lambda s: s + 1.0, [x]),
        x,
    )
    with pytest.raises(TypeError, match="int32 scalar"):
        nf.switch_case(nf.constant(0.5), [lambda: 1])
    with pytest.raises(TypeError, match="'body' must be callable"):
        nf.while_loop(lambda k: k < 1, 3, [0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'true_fn' must be callable"):
        nf.cond(nf.constant(True), 1, lambda: 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be provided"):
        nf.while_loop(lambda: True, lambda: (), [])


def test_a_tensor_of_inside_is_refused_outside() -> None:
    """What a body makes does not leave it by another way."""
    kept: list[Any] = []

    def f(x: Any) -> Any:
        def body(k: Any) -> Any:
            kept.append(x * 2.0)
            return k + 1

        nf.while_loop(lambda k: k < 3, body, [0])
        return kept[-1] + 1.0

    _refuses(RuntimeError, "a tensor that is made in the body of while_loop is used outside", f,
             nf.constant(1.0))  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_batch_of_unknown_size(rows: int) -> None:
    """Sizes inside are the sizes outside; also of no rows."""
    f = nf.function(
        lambda x: nf.while_loop(
            lambda k, _: k < 3,
            lambda k, s: (k + 1, nf.tanh(s + nf.reduce_mean(s, 0, keepdims=True) * 0.5)),
            [0, x],
        )[1],
        input_signature=[nf.TensorSpec([None, 2], nf.float32)],
    )
    x = np.arange(2.0 * rows, dtype=np.float32).reshape(rows, 2)
    want = x
    for _ in range(3):
        mean = want.mean(0, keepdims=True) if rows else np.zeros((1, 2), np.float32)
        want = np.tanh(want + 0.5 * mean)
    np.testing.assert_allclose(f(nf.constant(x)), want, rtol=1e-5)


@pytest.mark.parametrize("most", [None, 1000, 7])
def test_swap_memory_keeps_some_iterations_only(most: Any) -> None:
    """The same derivatives, twice, from a fraction of the memory."""

    def f(x: Any, n: Any, swap: bool) -> Any:
        with nf.GradientTape() as outer:
            outer.watch(x)
            with nf.GradientTape() as tape:
                tape.watch(x)
                y = nf.while_loop(
                    lambda k, _: k < n,
                    lambda k, s: (k + 1, nf.sin(s) + x * 0.3),
                    [0, x],
                    swap_memory=swap,
                    maximum_iterations=most,
                )[1]
                loss = nf.reduce_sum(y * y)
            slope = tape.gradient(loss, x)
        return loss, slope, outer.gradient(slope, x)

    x, n = nf.constant(np.linspace(-1.0, 1.0, 50)), nf.constant(400)
    plain, swapped = (nf.function(lambda x, n, s=s: f(x, n, s)) for s in (False, True))
    for a, b in zip(plain(x, n), swapped(x, n), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    if most == 1000:
        large, small = (
            g._latest._compiled.plain().latest.root.furthest.memory.nbytes for g in (plain, swapped)
        )
        assert small < large


KINDS = ["float16", "bfloat16", "float32", "float64", "int8", "uint16", "int64", "complex64"]


@pytest.mark.parametrize("kind", KINDS)
def test_variables_of_every_dtype(kind: str) -> None:
    """By jumps, or with the iterations counted by Python; branches too."""
    dtype = nf.as_dtype(kind)

    def f(x: Any, p: Any) -> Any:
        y = nf.while_loop(lambda k, _: k < 3, lambda k, s: (k + 1, s + x), [0, x])[1]
        return nf.cond(p, lambda: y + x, lambda: y)

    x = nf.cast(nf.constant([1, 2, 3]), dtype)
    for p in (True, False):
        found = nf.function(f)(x, nf.constant(p))
        assert found.dtype is dtype
        assert found.numpy().tolist() == ((4 + p) * x.numpy()).tolist()


def test_text_as_a_loop_variable() -> None:
    """Strings are host calls: Python counts."""

    def f(s: Any) -> Any:
        found = nf.while_loop(
            lambda k, _: k < 3, lambda k, s: (k + 1, nf.strings.join([s, "a"])), [0, s]
        )[1]
        return nf.cond(nf.equal(found, "xaaa"), lambda: found, lambda: s)

    assert nf.function(f)(nf.constant("x")).numpy() == f(nf.constant("x")).numpy() == b"xaaa"
    assert nf.function(f)(nf.constant("y")).numpy() == b"y"


def test_unlike_structures_are_shown() -> None:
    @nf.function
    def f(p: Any) -> Any:
        return nf.cond(p, lambda: (1.0, 2.0), lambda: 1.0)

    with pytest.raises(TypeError, match=r"\(a tensor, a tensor\) is a container, a tensor is not"):
        f(nf.constant(True))
