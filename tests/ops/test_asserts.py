"""Assertions about values: TensorFlow's texts eagerly, checks in compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numflow as nf
from numflow import debugging

COMPARED: list[tuple[Callable[..., Any], Callable[..., Any], str]] = [
    (debugging.assert_equal, np.equal, "x == y"),
    (debugging.assert_none_equal, np.not_equal, "x != y"),
    (debugging.assert_less, np.less, "x < y"),
    (debugging.assert_less_equal, np.less_equal, "x <= y"),
    (debugging.assert_greater, np.greater, "x > y"),
    (debugging.assert_greater_equal, np.greater_equal, "x >= y"),
]
SIGNED: list[tuple[Callable[..., Any], Callable[..., Any], str]] = [
    (debugging.assert_positive, lambda x: x > 0, "x > 0"),
    (debugging.assert_negative, lambda x: x < 0, "x < 0"),
    (debugging.assert_non_negative, lambda x: x >= 0, "x >= 0"),
    (debugging.assert_non_positive, lambda x: x <= 0, "x <= 0"),
]
Refused = nf.errors.InvalidArgumentError
NUMBERS = st.lists(st.integers(-2, 2), min_size=0, max_size=5)


def _outcome(run: Callable[..., Any], *args: Any) -> str:
    try:
        run(*args)
    except Refused as e:
        return str(e)
    return ""


def _traced(function: Callable[..., Any], **more: Any) -> Callable[..., Any]:
    def body(*args: Any) -> nf.Tensor:
        function(*args, **more)
        return nf.constant(0)

    return nf.function(body)


@pytest.mark.parametrize(("function", "oracle", "condition"), COMPARED)
@given(x=NUMBERS, y=st.integers(-2, 2))
def test_comparisons(
    function: Callable[..., Any], oracle: Callable[..., Any], condition: str, x: list[int], y: int
) -> None:
    """Refused just where NumPy says so, eagerly and compiled; the condition is named."""
    holds = bool(np.all(oracle(np.array(x, np.int32), y)))
    a, b = nf.constant(np.array(x, np.int32)), nf.constant(y)
    eager = _outcome(function, a, b)
    compiled = _outcome(_COMPILED[condition], a, b)
    assert (eager == "") is holds and (compiled == "") is holds
    if not holds:
        assert eager.startswith(f"Condition {condition} did not hold.\n")
        assert f"[Condition {condition} did not hold element-wise:]" in compiled


@pytest.mark.parametrize(("function", "oracle", "condition"), SIGNED)
@given(x=NUMBERS)
def test_signs(
    function: Callable[..., Any], oracle: Callable[..., Any], condition: str, x: list[int]
) -> None:
    """As comparisons, with 0."""
    holds = bool(np.all(oracle(np.array(x))))
    a = nf.constant(x, nf.float32)
    for outcome in (_outcome(function, a), _outcome(_COMPILED[condition], a)):
        assert (outcome == "") is holds
        assert holds or f"Condition {condition} did not hold element-wise:" in outcome


_COMPILED = {c: _traced(f) for f, _, c in COMPARED + SIGNED}


def test_the_eager_text_is_that_of_tensorflow() -> None:
    """Recorded from TensorFlow 2.21; the user's line is added."""
    text = _outcome(debugging.assert_less, [1.0, 2, 5, 7], [2.0, 3, 4, 6], "bad thing")
    assert text.split("\n  at ")[0] == (
        "bad thing\nCondition x < y did not hold.\nIndices of first 2 different values:"
        "\n[[2]\n [3]]"
        "\nCorresponding x values:\n[5. 7.]\nCorresponding y values:\n[4. 6.]"
        "\nFirst 3 elements of x:\n[1. 2. 5.]\nFirst 3 elements of y:\n[2. 3. 4.]"
    )
    assert text.split("\n  at ")[1].startswith("test_asserts.py:")


def test_the_compiled_text_has_the_parts_of_tensorflow() -> None:
    """Recorded from TensorFlow 2.21; the first element that fails and the line are added."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        debugging.assert_less(x, [5.0, 0.0, 0.0], message="msg")
        return x

    text = _outcome(f, nf.constant([1.0, -2.0, 3.0]))
    first, second, line = text.split("\n")
    assert first == (
        "assertion failed: [msg] [Condition x < y did not hold element-wise:] [x (x) = ] [1 -2 3] "
        "[y (constant:0) = ] [5 0 0]"
    )
    assert second == "  first: element [2], where x is 3 and y is 0"
    assert line.startswith("  at test_asserts.py:") and line.endswith('message="msg")')


def test_summarize_says_how_much_is_shown() -> None:
    check = _traced(debugging.assert_positive, summarize=1)
    assert "[-1...]" in _outcome(check, nf.constant([-1.0, 2.0]))


def test_an_assertion_that_fails_changes_no_variable() -> None:
    """A step completes, or leaves all as it was: also where the new value itself is refused."""
    v, w = nf.Variable([1.0, 2.0]), nf.Variable(0.0)

    @nf.function
    def step(x: nf.Tensor) -> nf.Tensor:
        w.assign_add(1.0)
        v.assign_sub(x)
        debugging.assert_non_negative(v, message="v")
        return nf.reduce_sum(v)

    assert step(nf.constant([1.0, 0.0])).numpy().item() == 2.0
    with pytest.raises(Refused, match=r"first: element .1., where x is -1"):
        step(nf.constant([0.0, 3.0]))
    assert v.numpy().tolist() == [0.0, 2.0] and w.numpy().item() == 1.0


def test_a_constant_is_looked_at_while_tracing() -> None:
    """What holds leaves no node; what does not raises at once."""
    f = nf.function(lambda x: [debugging.assert_positive(nf.constant(1.0)), x + 1.0][1])
    assert " = assert(" not in str(f.explain(nf.constant(1.0)))
    with pytest.raises(Refused, match=r"Condition x > 0 did not hold"):
        nf.function(lambda x: [debugging.assert_positive(nf.constant(-1.0)), x][1])(1.0)


def test_an_assertion_is_part_of_the_loop() -> None:
    """One kernel, and the data of the message cost nothing."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        y = nf.exp(x)
        debugging.Assert(nf.reduce_all(y < 9.0), [nf.tan(x), "tan"])
        debugging.assert_less(y, 10.0)
        return y + 1.0

    report = str(f.explain(nf.constant([1.0, 2.0])))
    assert "tan" not in report.split("Program")[1].split("Memory")[0]
    with pytest.raises(Refused, match=r"assertion failed: \[-6.7997117\] \[tan\]"):
        f(nf.constant([8.0]))
    assert f(nf.constant([0.0])).numpy().tolist() == [2.0]


def test_assert_takes_any_truth() -> None:
    debugging.Assert(True, [])
    with pytest.raises(Refused, match=r"'False' to be true. Summarized data: 1, 2...\nabc"):
        debugging.Assert(False, [nf.constant([1, 2, 3]), "abc"], summarize=2)
    with pytest.raises(ValueError, match=r"Assert: the condition is no scalar"):
        debugging.Assert(nf.constant([True, False]), ["x"])


def test_assert_near() -> None:
    """|x - y| <= atol + rtol |y|; the default is 10 epsilon of the dtype."""
    debugging.assert_near([1.0, 100.0], [1.0, 100.0001])
    debugging.assert_near(1.0, 1.05, rtol=0.05)
    debugging.assert_near(nf.constant(1.0, nf.float16), nf.constant(1.009, nf.float16))
    for run in (debugging.assert_near, _traced(debugging.assert_near)):
        with pytest.raises(Refused, match=r"x and y not equal to tolerance rtol = 1.1920929e-06"):
            run(nf.constant([1.0, 2.0]), nf.constant([1.0, 2.1]))


def test_shapes_and_dtypes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"broadcast"):
        debugging.assert_equal(nf.ones([2, 3]), nf.ones([4]))
    with pytest.raises(TypeError, match=r"assert_near: x is int32, not floating"):
        debugging.assert_near(nf.constant(1), nf.constant(1))
    with pytest.raises(TypeError, match=r"assert_positive: x is string, which has no sign"):
        debugging.assert_positive("a")
    with pytest.raises(TypeError, match=r"Assert: data is a list, not int"):
        debugging.Assert(False, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"assert_less: x is int32 and y is float32"):
        debugging.assert_less(nf.constant(1), nf.constant(1.0))


def test_a_gradient_passes_by_an_assertion() -> None:
    """A tape around a compiled call: the forward program checks, with residuals too."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        y = nf.exp(x)
        debugging.assert_less(y, 10.0, message="big")
        return y * x

    x = nf.constant([1.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    np.testing.assert_allclose(tape.gradient(y, x), [2 * np.e], 1e-6)
    with nf.GradientTape() as tape, pytest.raises(Refused, match=r"big"):
        x = nf.constant([3.0])
        tape.watch(x)
        f(x)
