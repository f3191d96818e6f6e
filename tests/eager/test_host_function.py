"""py_function and numpy_function: Python code at once, and as a step of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.eager.host_function import numpy_function, py_function

Refused = nf.errors.InvalidArgumentError
X = np.array([1.0, 2.0, 5.0], np.float32)


def _both(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    return [function, nf.function(function)]


def test_results() -> None:
    """One, several, none; what the code returns becomes tensors of Tout's dtypes."""

    def several(x: nf.Tensor) -> Any:
        y, total = py_function(
            lambda t: (t * 2.0, t.numpy().sum()),
            [x],
            [nf.TensorSpec([3], nf.float32), nf.TensorSpec([], nf.float32)],
        )
        assert py_function(lambda t: None, [x], []) == []
        z = numpy_function(lambda a: a[::-1], [y], nf.TensorSpec([3], nf.float32))
        return y + 1.0, total, z

    for run in _both(several):
        y, total, z = run(nf.constant(X))
        assert y.numpy().tolist() == [3.0, 5.0, 11.0]
        assert total.numpy().item() == 8.0
        assert z.numpy().tolist() == [10.0, 4.0, 2.0]


def test_sizes_that_the_call_decides() -> None:
    """None in a TensorSpec, and set_shape of a result without a shape."""

    def chosen(x: nf.Tensor) -> Any:
        spec = nf.TensorSpec([None], nf.float32)
        y = numpy_function(lambda a: a[a > 1.5], [x], spec)
        z = py_function(lambda t: t[t > 1.5], [x], nf.float32)
        z.set_shape([None])
        return nf.reduce_sum(y), nf.shape(y)[0], z * 2.0

    for run in _both(chosen):
        total, count, doubled = run(nf.constant(X))
        assert (total.numpy().item(), count.numpy().item()) == (7.0, 2)
        assert doubled.numpy().tolist() == [4.0, 10.0]


def test_a_first_call_shows_the_rank() -> None:
    """Where nobody says it: the first call is Python, later ones are compiled; none is twice."""
    uses: list[Any] = [lambda y: y, lambda y: y + 1.0, nf.identity, nf.shape]
    for k, use in enumerate(uses):
        calls: list[int] = []

        def mine(t: nf.Tensor, calls: list[int] = calls) -> nf.Tensor:
            calls.append(1)
            return t * 2.0

        def f(x: nf.Tensor, use: Any = use, mine: Any = mine) -> Any:
            return use(py_function(mine, [x], nf.float32))

        compiled = nf.function(f)
        want = use(nf.constant(X) * 2.0).numpy()
        for _ in range(3):
            np.testing.assert_array_equal(compiled(nf.constant(X)).numpy(), want)
        assert compiled.experimental_get_tracing_count() == 1 and len(calls) == 3, k
        np.testing.assert_array_equal(compiled(nf.constant(X[:2])).numpy()[:1], want[:1] - (k == 3))


def test_a_rank_that_is_said_afterwards() -> None:
    """By ensure_shape, by reshape; by set_shape behind other ops, once the rank is known."""

    @nf.function
    def said(x: nf.Tensor) -> Any:
        y = nf.ensure_shape(py_function(lambda t: t, [x], nf.float32), [None])
        z = nf.reshape(numpy_function(lambda a: a, [x], nf.float32), [3, 1])
        w = nf.reshape(numpy_function(lambda a: a, [x], nf.float32), [-1, 3])
        assert z.shape == [3, 1] and w.shape[1] == 3
        return y, z, w

    y, z, w = said(nf.constant(X))
    assert said.experimental_get_tracing_count() == 1
    np.testing.assert_array_equal(z.numpy(), X[:, None])
    np.testing.assert_array_equal(w.numpy(), X[None])
    np.testing.assert_array_equal(y.numpy(), X)

    shapes = []

    @nf.function
    def image(x: nf.Tensor) -> Any:
        y = py_function(lambda t: nf.ones([5, 7, 1], nf.uint8), [x], nf.uint8)
        shapes.append(y.shape)
        y = nf.cast(y, nf.float32)
        y.set_shape([5, 7, 1])
        shapes.append(y.shape)
        return nf.reduce_sum(y, (0, 1))

    for _ in range(2):
        assert image(nf.constant(X)).numpy().tolist() == [35.0]
    assert str(shapes[0]) == "<unknown>" and shapes[-2].as_list() == [None] * 3
    assert shapes[-1] == [5, 7, 1]


def test_a_rank_that_nobody_shows() -> None:
    """No call has been made; or it is another each time: Python runs, and says so."""
    f = nf.function(lambda x: py_function(lambda t: t, [x], nf.float32) + 1.0)
    with pytest.raises(ValueError, match=r"py_function: the rank of a result is not known"):
        f.get_concrete_function(nf.TensorSpec([None], nf.float32))

    def rows(a: Any, n: Any) -> Any:
        return a.reshape((1,) * int(n) + (-1,))

    @nf.function
    def g(x: nf.Tensor, n: nf.Tensor) -> Any:
        return numpy_function(rows, [x, n], nf.float32) * 2.0

    assert g(nf.constant(X), nf.constant(0)).shape == [3]
    assert g(nf.constant(X), nf.constant(0)).shape == [3]
    with pytest.raises(Refused, match=r"result 0 of rows is not of the promised shape") as caught:
        g(nf.constant(X), nf.constant(1))
    assert "try: Tout=nf.TensorSpec(shape, dtype), for one rank" in str(caught.value)

    @nf.function
    def h(x: nf.Tensor) -> Any:
        return [numpy_function(rows, [x, n], nf.float32) * 2.0 for n in range(3)]

    for _ in range(4):
        assert [y.shape.rank for y in h(nf.constant(X))] == [1, 2, 3]
    with pytest.warns(UserWarning, match="function: h runs as Python, for the 5th time"):
        h(nf.constant(X))


def test_gradients_through_a_rank_that_was_shown() -> None:
    @nf.function
    def inside(x: nf.Tensor) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_sum(py_function(_cube, [x], nf.float32))
        return tape.gradient(y, x)

    for _ in range(2):
        np.testing.assert_allclose(inside(nf.constant(X)).numpy(), 3 * X * X)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("mine"), nf.errors.InvalidArgumentError),
        (TypeError("mine"), nf.errors.InvalidArgumentError),
        (StopIteration("mine"), nf.errors.OutOfRangeError),
        (KeyError("mine"), nf.errors.UnknownError),
        (NotImplementedError("mine"), nf.errors.UnimplementedError),
        (nf.errors.DataLossError(None, None, "mine"), nf.errors.DataLossError),
    ],
)
def test_exceptions(error: Exception, kind: type[Exception]) -> None:
    """As TensorFlow maps them; the cause is kept, and no variable has changed."""
    v = nf.Variable(1.0)

    def fail(_: Any) -> None:
        raise error

    def step(x: nf.Tensor) -> nf.Tensor:
        v.assign_add(1.0)
        py_function(fail, [x], [])
        return x

    with pytest.raises(kind, match="mine") as caught:
        nf.function(step)(nf.constant(X))
    assert v.numpy().item() == 1.0
    assert caught.value is error or caught.value.__cause__ is error


def test_promises_are_kept() -> None:
    spec = nf.TensorSpec([2], nf.float32)
    with pytest.raises(Refused, match=r"result 0 of <lambda> is not of the promised shape"):
        nf.function(lambda x: py_function(lambda t: t, [x], spec))(nf.constant(X))
    wide = nf.TensorSpec([3], nf.float32)
    with pytest.raises(Refused, match=r"0-th value returned by <lambda> is float64, but expects"):
        nf.function(lambda x: numpy_function(lambda a: a.astype(float), [x], wide))(nf.constant(X))
    for run in _both(lambda x: py_function(lambda t: (t, t), [x], [nf.float32])[0]):
        with pytest.raises((Refused, ValueError)):
            run(nf.constant(X))
    with pytest.raises(TypeError, match="func is not callable"):
        py_function(3, [], [])  # type: ignore[arg-type]


def _cube(t: nf.Tensor) -> nf.Tensor:
    return t * t * t


@pytest.mark.parametrize("shape", [[3], [None]])
def test_gradients(shape: list[int | None]) -> None:
    """Eagerly, around a compiled call, and within one."""
    spec = nf.TensorSpec(shape, nf.float32)

    def f(x: nf.Tensor) -> nf.Tensor:
        return py_function(_cube, [x], spec) * 2.0

    def inside(x: nf.Tensor) -> nf.Tensor:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x)

    def around(x: nf.Tensor) -> nf.Tensor:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.function(f)(x)
        return tape.gradient(y, x)

    for run in (*_both(inside), around):
        np.testing.assert_allclose(run(nf.constant(X)), 6.0 * X * X)


def test_numpy_function_has_no_gradient() -> None:
    x = nf.constant(X)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = numpy_function(lambda a: a * a, [x], nf.float32)
    assert tape.gradient(y, x) is None


def test_calls_count_and_keep_their_order() -> None:
    """Twice the same call is two calls, unless it says otherwise; what it gets is its own."""
    seen: list[Any] = []

    def noted(a: Any) -> Any:
        seen.append(a)
        return a

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        py_function(seen.append, [x], [])
        py_function(seen.append, [x], [])
        y = numpy_function(noted, [x + 1.0], nf.TensorSpec([3]))
        numpy_function(noted, [x], nf.TensorSpec([3]), stateful=False)
        return y

    f(nf.constant(X))
    f(nf.constant(-X))
    assert [np.asarray(a).tolist() for a in seen] == [
        *[X.tolist()] * 2,
        (X + 1.0).tolist(),
        *[(-X).tolist()] * 2,
        (1.0 - X).tolist(),
    ]


def test_a_refusal_does_not_call_again() -> None:
    """What the message needs of Python code is kept from the call."""
    seen: list[Any] = []

    def noted(a: Any) -> Any:
        seen.append(a)
        return a

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        y = numpy_function(noted, [nf.transpose(x)], nf.TensorSpec([3, 1]))
        nf.debugging.assert_less(y, 4.0, message="big")
        return x

    with pytest.raises(Refused, match=r"x is 5 and y is 4"):
        f(nf.constant([X]))
    assert len(seen) == 1


def test_a_variable_is_seen_as_it_is_passed() -> None:
    """The program writes at its end; an argument shows what was assigned so far."""
    v = nf.Variable([1.0])
    seen: list[list[float]] = []

    @nf.function
    def step(x: nf.Tensor) -> nf.Tensor:
        v.assign_add(x)
        py_function(lambda t: seen.append([t.numpy().item(), v.numpy().item()]), [v], [])
        v.assign_add(x)
        return x

    step(nf.constant([1.0]))
    assert seen == [[2.0, 1.0]] and v.numpy().tolist() == [3.0]


def test_control_dependencies_show_what_was_assigned() -> None:
    """While the code runs, and only then; a refusal behind it leaves all as it was."""
    v, w = nf.Variable([1.0]), nf.Variable(7.0)
    seen: list[Any] = []

    def look() -> None:
        seen.append((v.numpy().item(), w.numpy().item()))

    @nf.function
    def step(x: nf.Tensor) -> nf.Tensor:
        with nf.control_dependencies([v.assign_add(x)]):
            nf.py_function(look, [], [])
        v.assign_add(x)
        with nf.control_dependencies([nf.no_op()]):
            nf.numpy_function(look, [], [])
        nf.debugging.assert_less(v, 9.0)
        return v * w

    assert step(nf.constant([1.0])).numpy().tolist() == [21.0]
    assert step(nf.constant([2.0])).numpy().tolist() == [49.0]
    assert seen == [(2.0, 7.0), (3.0, 7.0), (5.0, 7.0), (7.0, 7.0)]
    with pytest.raises(Refused):
        step(nf.constant([2.0]))
    assert v.numpy().tolist() == [7.0]


def test_code_does_not_assign_what_the_program_assigns() -> None:
    v = nf.Variable([1.0])

    @nf.function
    def step(x: nf.Tensor) -> nf.Tensor:
        with nf.control_dependencies([v.assign(x)]):
            nf.py_function(lambda: [v.assign([9.0]), None][1], [], [])
        return x

    with pytest.raises(nf.errors.FailedPreconditionError, match="which the program assigns, too"):
        step(nf.constant([2.0]))
    assert v.numpy().tolist() == [1.0]
