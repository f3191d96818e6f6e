"""Branches on tensors: what is merged and refused, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest

import numflow as nf
from tests.autograph.staged import Thing, one, text_of


def test_a_name_set_in_one_arm_is_refused_when_it_is_read() -> None:
    @nf.function
    def unread(n: Any) -> Any:
        if n > 0:
            q = n  # noqa: F841
        return n

    @nf.function
    def read(n: Any) -> Any:
        if n > 0:
            q = n
        return q

    assert int(unread(one(1))) == 1
    with pytest.raises(UnboundLocalError) as e:
        read(one(1))
    assert text_of(e).startswith("'q' is not set in both branches of a data-dependent 'if' (not in")
    assert "else branch" in str(e.value) and "test_staged.py" in str(e.value)


def test_numbers_take_the_dtype_of_the_other_arm() -> None:
    @nf.function
    def f(x: Any) -> Any:
        a, b, c, d = 1, 2, 3, True
        if x > 0:
            a, b, c, d = x, 3, 3, False
        return a, b, c, d

    a, b, c, d = f(nf.constant(2.5, nf.float64))
    assert a.dtype is nf.float64 and b.dtype is nf.int32 and d.dtype is nf.bool
    assert [int(b), int(c), bool(d)] == [3, 3, False]
    assert float(f(nf.constant(-2.5, nf.float64))[0]) == 1.0


def test_unlike_values_are_named() -> None:
    @nf.function
    def dtypes(x: Any) -> Any:
        y = nf.constant(1) if x > 0 else nf.constant(1.0)
        return y

    @nf.function
    def kinds(x: Any) -> Any:
        if x > 0:
            y = Thing()
        else:
            y = x
        return y

    @nf.function
    def ranks(x: Any) -> Any:
        if x > 0:
            y = nf.ones([3])
        else:
            y = nf.ones([3, 2])
        return y

    @nf.function
    def place(x: Any) -> Any:
        thing = Thing()
        if x > 0:
            thing.v = "text"
        return thing.v

    with pytest.raises(TypeError) as e:
        dtypes(one(1.0))
    assert text_of(e) == (
        "autograph: the expression of a data-dependent 'if' has dtype int32 in the main branch, "
        "but dtype float32 in the else branch"
    )
    with pytest.raises(TypeError) as e:
        kinds(one(1.0))
    assert text_of(e) == (
        "'y' is an object of Thing in the main branch, but a tensor float32 [] in the else branch "
        "HERE"
    )
    with pytest.raises(ValueError) as v:
        ranks(one(1.0))
    assert text_of(v) == (
        "'y' has shape (3,) in the main branch, but shape (3, 2) in the else branch HERE"
    )
    with pytest.raises(TypeError) as e:
        place(one(1.0))
    assert text_of(e) == (
        "autograph: 'thing.v' is 'text' in the main branch, but 0 in the else branch"
    )


def test_a_return_in_one_arm_only_names_the_other() -> None:
    @nf.function
    def f(x: Any) -> Any:
        if x > 0:
            return x

    with pytest.raises(ValueError) as e:
        f(one(1.0))
    assert text_of(e) == (
        "autograph: a data-dependent 'if' returns a value in the main branch, and None in the else "
        "branch"
    )
    assert "the else branch must also have a return statement" in str(e.value)


def test_sizes_may_differ() -> None:
    @nf.function
    def f(x: Any, k: Any) -> Any:
        if k == 0:
            y = x
        elif k == 1:
            y = x[:2]
        else:
            y = nf.boolean_mask(x, x > 2.0)
        return y * 2.0

    x = one([1.0, 2.0, 3.0])
    got = [f(x, one(k)).numpy().tolist() for k in range(3)]
    assert got == [[2.0, 4.0, 6.0], [2.0, 4.0], [6.0]]


def test_a_condition_is_one_truth() -> None:
    @nf.function
    def f(x: Any) -> Any:
        return 1 if x else 2

    assert [int(f(one(v))) for v in (0, 3, True, [[0.5]])] == [2, 1, 1, 1]
    with pytest.raises(ValueError) as e:
        f(one([1.0, 2.0]))
    assert text_of(e) == "autograph: the condition of `if` has more than one element"
    assert "nf.reduce_all or nf.reduce_any" in str(e.value)


def test_the_right_side_is_computed_where_it_is_needed() -> None:
    @nf.function
    def f(x: Any, i: Any) -> Any:
        return i < 3 and x[i] > 0.0, i >= 3 or x[i] > 0.0, 0 <= i < 3 and not x[i] > 0.0

    x = one([1.0, -1.0, 3.0])
    assert [[bool(b) for b in f(x, one(k))] for k in (0, 1, 7)] == [
        [True, True, False],
        [False, False, True],
        [False, True, False],
    ]
    cheap = nf.function(lambda a, b: a > 0 and b > 0)
    assert "cond" not in str(cheap.get_concrete_function(one(1), one(2)).graph)


def test_objects_that_no_arm_changes_stay() -> None:
    thing, texts = Thing(), []

    @nf.function
    def f(x: Any, mode: str = "a", nothing: Any = None) -> Any:
        if x > 0:
            x = x + 1.0
            mode, nothing = mode, None
        texts.append(mode)
        return x if nothing is None and thing is thing and mode == "a" else -x

    assert float(f(one(1.0))) == 2.0 and texts == ["a"]
