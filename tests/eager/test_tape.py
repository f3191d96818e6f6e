"""GradientTape, eagerly, in traced functions, and around them: the same answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
BOTH = pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])


def value(x: Any) -> Any:
    return None if x is None else x.numpy().tolist()


@BOTH
def test_a_variable_is_watched_by_itself(wrap: Wrap) -> None:
    v = nf.Variable([2.0, 3.0])

    def f() -> Any:
        with nf.GradientTape() as tape:
            y = v * v + v
        return tape.gradient(y, v)

    assert value(wrap(f)()) == [5, 7]


@BOTH
def test_a_constant_must_be_watched(wrap: Wrap) -> None:
    def f(x: Any, watch: bool) -> Any:
        with nf.GradientTape() as tape:
            before = x * x
            if watch:
                tape.watch(x)
            y = x * before
        return tape.gradient(y, x)

    x = nf.constant(3.0)
    assert wrap(f)(x, False) is None
    assert value(wrap(f)(x, True)) == 9.0, "what was computed before watching is a constant"


@BOTH
def test_a_second_derivative(wrap: Wrap) -> None:
    def f(x: Any) -> Any:
        with nf.GradientTape() as outer:
            outer.watch(x)
            with nf.GradientTape() as inner:
                inner.watch(x)
                y = x * x * x
            dy = inner.gradient(y, x)
        return dy, outer.gradient(dy, x)

    assert [value(t) for t in wrap(f)(nf.constant(2.0))] == [12.0, 12.0]


@BOTH
def test_an_assignment_cuts_the_way(wrap: Wrap) -> None:
    def f(v: Any, w: Any) -> Any:
        with nf.GradientTape() as tape:
            v.assign(w * 2)
            y = v * 3 * w
        return tape.gradient(y, [v, w])

    assert [value(t) for t in wrap(f)(nf.Variable(1.0), nf.Variable(5.0))] == [15.0, 30.0]


@BOTH
def test_reads_before_and_after_an_assignment_both_count(wrap: Wrap) -> None:
    def f(v: Any) -> Any:
        with nf.GradientTape() as tape:
            a = v * 2
            v.assign_add(1.0)
            y = a + v * v
        return tape.gradient(y, v)

    assert value(wrap(f)(nf.Variable(1.0))) == 2 + 4


@BOTH
def test_stop_recording_and_reset(wrap: Wrap) -> None:
    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
            with tape.stop_recording():
                z = x * x
            y = y + z
            first = y * 1
        with nf.GradientTape() as other:
            other.watch(x)
            lost = x * x
            other.reset()
            other.watch(x)
            kept = x * 3
        return tape.gradient(first, x), other.gradient([lost, kept], x)

    assert [value(t) for t in wrap(f)(nf.constant(2.0))] == [4.0, 3.0]


@BOTH
def test_structures_cotangents_and_unconnected(wrap: Wrap) -> None:
    def f(x: Any, y: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([x, y])
            z = x * x
        got = tape.gradient({"a": z}, {"x": x, "y": [y]}, {"a": nf.constant([1.0, 10.0])})
        zero = tape.gradient(z, y, unconnected_gradients="zero")
        return got["x"], got["y"], zero

    x, (y,), zero = wrap(f)(nf.constant([1.0, 2.0]), nf.constant([5.0]))
    assert value(x) == [2.0, 40.0] and y is None and value(zero) == [0.0]


def test_a_tape_serves_once_unless_persistent() -> None:
    x = nf.constant(3.0)
    with nf.GradientTape() as once, nf.GradientTape(persistent=True) as often:
        once.watch(x)
        often.watch(x)
        y = x * x
    assert value(once.gradient(y, x)) == value(often.gradient(y, x)) == 6.0
    assert value(often.gradient(y, x)) == 6.0
    with pytest.raises(RuntimeError, match="A non-persistent GradientTape can only be used"):
        once.gradient(y, x)


def test_gradients_of_intermediate_tensors() -> None:
    x = nf.constant(3.0)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    assert [value(g) for g in tape.gradient(z, [x, y])] == [108.0, 18.0]


def test_a_target_that_is_a_source() -> None:
    x = nf.constant(3.0)
    with nf.GradientTape() as tape:
        tape.watch(x)
    assert value(tape.gradient(x, x)) == 1.0


def test_watched_variables_in_the_order_of_use() -> None:
    a, b, c = nf.Variable(1.0), nf.Variable(2.0, trainable=False), nf.Variable(3.0)
    with nf.GradientTape() as tape:
        _ = c * b * a
    assert [v is w for v, w in zip(tape.watched_variables(), (c, a), strict=True)] == [True, True]


def test_jacobian_against_the_formula() -> None:
    x = nf.constant([1.0, 2.0, 3.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x[:2] * x[2]
    np.testing.assert_array_equal(tape.jacobian(y, x), [[3, 0, 1], [0, 3, 2]])


# --- around compiled functions ------------------------------------------------


def orders(f: Callable[..., Any], x: nf.Tensor, w: nf.Variable, b: nf.Variable) -> list[Any]:
    """The value, first and second derivatives of something made of f."""
    with nf.GradientTape() as outer:
        outer.watch(x)
        with nf.GradientTape() as inner:
            inner.watch(x)
            y = f(x) * 2
            z = nf.reduce_sum(y * y)
        first = inner.gradient(z, [x, w, b])
        total = sum((nf.reduce_sum(g * g * g) for g in first), nf.constant(0.0))
    return [y, *first, *outer.gradient(total, [x, w, b])]


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_a_tape_around_a_call_equals_eager_in_both_orders(rows: int) -> None:
    r = np.random.default_rng(0)
    w = nf.Variable(r.normal(size=(5, 2)).astype(np.float32))
    b = nf.Variable(r.normal(size=2).astype(np.float32))
    scale = nf.constant(r.normal(size=2).astype(np.float32))

    def layer(x: nf.Tensor) -> nf.Tensor:
        return nf.tanh(x @ w + b) * scale

    compiled = nf.function(layer)
    for n in (2, rows):  # the second time with a symbolic size
        x = nf.constant(r.normal(size=(n, 5)).astype(np.float32))
        for got, want in zip(orders(compiled, x, w, b), orders(layer, x, w, b), strict=True):
            np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-5)


def test_a_captured_tensor_is_a_source() -> None:
    c = nf.constant([2.0, 3.0])
    f = nf.function(lambda x: x * c * c)
    with nf.GradientTape() as tape:
        tape.watch(c)
        y = f(nf.constant([1.0, 10.0]))
    assert value(tape.gradient(y, c)) == [4.0, 60.0]


def test_a_gradient_that_needs_only_a_size() -> None:
    f = nf.function(nf.reduce_sum)
    for n in (2, 3, 5):
        x = nf.ones([n])
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert value(tape.gradient(y, x)) == [1.0] * n


def test_several_outputs_of_which_one_is_used() -> None:
    f = nf.function(lambda x: (x * x, nf.exp(x), nf.cast(x, nf.int32)))
    x = nf.constant([1.0, 2.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        square, _, _ = f(x)
    assert value(tape.gradient(square, x)) == [2.0, 4.0]


def test_a_step_that_assigns_keeps_the_gradient_of_what_it_read() -> None:
    v = nf.Variable(3.0)

    @nf.function
    def f() -> nf.Tensor:
        y = v * v
        v.assign_add(1.0)
        return y

    with nf.GradientTape() as tape:
        y = f()
    assert value(tape.gradient(y, v)) == 6.0 and float(v) == 4.0


# --- why not ------------------------------------------------------------------


def test_why_a_gradient_is_none() -> None:
    x, n = nf.constant([1.0, 2.0]), nf.constant([1, 2])
    v, w = nf.Variable(1.0, trainable=False, name="v"), nf.Variable(1.0, name="w")
    before = x * 2
    with nf.GradientTape(persistent=True) as tape:
        unseen = nf.constant(1.0)
        y = unseen * 2
        with pytest.warns(UserWarning, match="watched tensor must be floating .* got int32"):
            tape.watch([x, n])
        whole = nf.cast(nf.cast(x, nf.int32), nf.float32)
        z = nf.constant(x.numpy()) * v
        _ = x * 3
    assert tape.explain(y, unseen) == (
        "the source is not watched: tape.watch(x) before it is used, or make it a variable"
    )
    assert tape.explain(y, n) == "the source is int32: only floating dtypes have gradients"
    assert tape.explain(n, x) == "the target is int32: only floating dtypes have gradients"
    assert tape.explain(whole, x) == "the way from source to target is cut: cast gives int32"
    assert (
        tape.explain(z, v) == "variable v:0 is not trainable, so it must be watched: tape.watch(v)"
    )
    assert tape.explain(z, w) == "variable w:0 was not read while the tape recorded"
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x * 2
    assert tape.gradient(before, x) is None
    assert tape.explain(before, x) == (
        "the target does not depend on the source: it was computed outside of the tape, "
        "through NumPy, or from other values"
    )


def test_a_tape_that_nothing_was_recorded_on() -> None:
    x = nf.constant(1.0)
    with nf.GradientTape() as tape:
        tape.watch(x)
    assert tape.gradient(nf.constant(1.0), x) is None
    assert tape.explain(nf.constant(1.0), x) == (
        "the source is watched, but nothing was computed from it while the tape recorded"
    )


def test_only_tensors_and_variables_are_watched() -> None:
    with nf.GradientTape() as tape, pytest.raises(ValueError, match="not ndarray"):
        tape.watch(np.ones(2))


def test_random_numbers_of_a_call_are_those_of_its_gradient() -> None:
    f = nf.function(lambda x: x * nf.cast(nf.random.uniform([1000]) < 0.5, nf.float32))
    x = nf.ones([1000])
    for _ in range(2):
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        gradient = tape.gradient(y, x)
        np.testing.assert_array_equal(gradient, y)
        assert 300 < float(nf.reduce_sum(gradient)) < 700


@BOTH
def test_batch_jacobian_against_the_formula(wrap: Wrap) -> None:
    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.stack([x[:, 0] * x[:, 1], x[:, 2] ** 2], 1)
        return tape.batch_jacobian(y, x)

    got = wrap(f)(nf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    want = [[[2, 1, 0], [0, 0, 6]], [[5, 4, 0], [0, 0, 12]]]
    np.testing.assert_array_equal(got, want)


# --- as TensorFlow has it -------------------------------------------------------


def test_a_tape_that_was_never_entered() -> None:
    tape, x = nf.GradientTape(), nf.constant(3.0)
    with pytest.raises(RuntimeError, match="watch: the tape was not entered"):
        tape.watch(x)
    with pytest.raises(RuntimeError, match="A non-persistent GradientTape can only be used"):
        tape.gradient(x, x)
    with pytest.raises(ValueError, match=r"Tape is not recording\."):
        tape.reset()
    with pytest.raises(RuntimeError, match="Trying to stop recording"), tape.stop_recording():
        pass
    tape.__enter__()
    tape.watch(x)
    y = x * x
    assert value(tape.gradient(y, x)) == 6.0, "entered by hand, left by gradient()"
    with tape, pytest.raises(ValueError, match="still recording"):
        tape.__enter__()


def test_targets_and_sources_that_have_no_gradient() -> None:
    x, n = nf.constant(3.0), nf.constant([3, 4])
    with nf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        whole, y = nf.cast(x, nf.int32), x * x
    with pytest.warns(UserWarning, match="target tensor must be floating .* got int32"):
        assert tape.gradient(whole, x) is None
    with pytest.warns(UserWarning, match="source tensor must be floating .* got int32"):
        assert value(tape.gradient(y, n, unconnected_gradients="zero")) == [0, 0]
    with pytest.raises(TypeError, match="gradient: a target is a tensor or a variable, not None"):
        tape.gradient(None, x)
    with pytest.raises(TypeError, match="a source is a tensor or a variable, not ndarray"):
        tape.gradient(y, np.ones(2))
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'some'"):
        tape.gradient(y, x, unconnected_gradients="some")


@BOTH
def test_jacobians_of_what_is_not_connected(wrap: Wrap) -> None:
    def f(x: Any, z: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([x, z])
            y = x * x
        zero = tape.jacobian(y, {"x": x, "z": z}, unconnected_gradients="zero")
        return zero["z"], tape.jacobian(y, z), tape.batch_jacobian(y, z)

    zero, none, batch = wrap(f)(nf.constant([[3.0, 4.0]]), nf.constant([[1.0]]))
    assert value(zero) == [[[[0.0]], [[0.0]]]] and none is None
    assert value(batch) == [[[0.0], [0.0]]]


def test_more_reasons() -> None:
    x, v = nf.constant([1.0, 2.0]), nf.Variable([0.0, 0.0], name="v")

    def through(f: Callable[[Any], Any]) -> str:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x * 2)
        return tape.explain(y, x)

    cut = "the way from source to target is cut: "
    assert through(nf.stop_gradient) == cut + "stop_gradient lets no gradient through"
    assert through(lambda y: v.assign(y) * 3) == (
        cut + "a value was assigned to variable v:0, and no gradient passes there"
    )
    assert through(lambda y: v.assign_add(y).value()) == (
        cut + "a value was assigned to variable v:0, and no gradient passes there"
    )
    left = r"the target does not depend on the source: what was computed from it left for NumPy at "
    for detour in (
        lambda y: nf.constant(y.numpy()),
        lambda y: nf.constant(np.tanh(y)),
        lambda y: nf.constant(float(nf.reduce_sum(y))),
    ):
        assert through(detour).startswith(left + "test_tape.py:"), through(detour)
    other = through(lambda y: nf.constant(1.0))
    assert other.endswith("through NumPy, or from other values")
    assert through(lambda y: y * 2) == "they are connected"
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert value(tape.gradient(y, x)) == [2.0, 4.0]
    assert tape.explain(y, x) == (
        "the tape is used up: GradientTape(persistent=True) keeps its records"
    )


def test_the_reason_of_a_trace() -> None:
    v, reasons = nf.Variable(0.0, name="v"), set()

    @nf.function
    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            v.assign(x * 2)
            y = v * 3
        reasons.add(tape.explain(y, x))
        return y

    f(nf.constant(2.0))
    assert reasons == {
        "the way from source to target is cut: a value was assigned to variable v:0, "
        "and no gradient passes there"
    }
