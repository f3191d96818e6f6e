"""gradients and hessians in a traced function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import ShapeError


def traced(f: Callable[..., Any], *args: Any) -> Any:
    found = nf.function(f)(*map(nf.constant, args))
    return nf.nest.map_structure(lambda t: None if t is None else t.numpy().tolist(), found)


def test_of_several_targets_for_inputs_and_what_is_between() -> None:
    def f(x: Any, y: Any) -> Any:
        a, b = x * y, x * x
        return nf.gradients([a, b], [x, y, a])

    assert traced(f, 2.0, 3.0) == [7.0, 2.0, 1.0]
    assert traced(lambda x: nf.gradients(x * x, x), 2.0) == [4.0], "a list, also of one"


def test_grad_ys_are_what_the_targets_count() -> None:
    def f(x: Any) -> Any:
        return nf.gradients([x * x, x * 3], [x], grad_ys=[nf.constant([1.0, 10.0]), None])

    assert traced(f, [2.0, 3.0]) == [[7.0, 63.0]]


def test_stop_gradients_are_constants() -> None:
    def f(x: Any) -> Any:
        a = x * 2
        b = a * 3
        parts = nf.split(b, 2)
        halves = nf.gradients(parts[0] * parts[1], [a, parts[1]], stop_gradients=parts[1])
        return nf.gradients(a + b, [a, b], stop_gradients=[a, b]), halves

    ones, halves = traced(f, [1.0, 1.0])
    assert ones == [[1.0, 1.0], [1.0, 1.0]]
    assert halves == [[18.0, 0.0], [6.0]]


def test_of_a_variable_and_of_a_captured_tensor() -> None:
    v, c = nf.Variable(3.0), nf.constant(5.0)

    def f() -> Any:
        before = v * v
        v.assign_add(1.0)
        return nf.gradients(before * c + v * 10, [v, c])

    assert traced(f) == [40.0, 9.0], "6 c of the value before, 10 of that behind the assignment"


def test_what_is_not_connected() -> None:
    def f(x: Any, y: Any) -> Any:
        return nf.gradients(x, [y]), nf.gradients(x, [y], unconnected_gradients="zero")

    assert traced(f, [1.0, 2.0], [3.0, 4.0]) == ([None], [[0.0, 0.0]])
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'some'"):
        traced(lambda x: nf.gradients(x, x, unconnected_gradients="some"), 1.0)


def test_second_derivatives() -> None:
    def cube(x: Any) -> Any:
        return nf.reduce_sum(x**3)

    def twice(x: Any) -> Any:
        return nf.gradients(nf.gradients(x**3, x), x)

    assert traced(lambda x: nf.hessians(cube(x), x), [2.0, 3.0]) == [[[12.0, 0.0], [0.0, 18.0]]]
    (of_matrix,) = nf.function(lambda x: nf.hessians(cube(x), [x]))(nf.ones([2, 3]))
    np.testing.assert_array_equal(of_matrix, 6 * np.eye(6).reshape(2, 3, 2, 3))
    assert traced(lambda x, y: nf.hessians(x + y * y, [x, y]), 1.0, 2.0) == [0.0, 2.0]
    assert traced(twice, 2.0) == [12.0]


def test_bad_calls_are_refused() -> None:
    x = nf.ones([2])
    for call in (nf.gradients, nf.hessians):
        with pytest.raises(RuntimeError, match="not supported when executing eagerly"):
            call(x, x)
    with pytest.raises(TypeError, match="the gradient of a complex tensor needs grad_ys"):
        traced(lambda x: nf.gradients(x * x, x), [1 + 1j])
    with pytest.raises(ShapeError, match="grad_ys must have the target's shape"):
        traced(lambda x: nf.gradients(x, x, grad_ys=nf.ones([3])), [1.0, 2.0])
    with pytest.raises(TypeError, match="xs are tensors and variables, not ndarray"):
        traced(lambda x: nf.gradients(x, np.ones(2)), [1.0, 2.0])


def test_methods_of_aggregation() -> None:
    def f(x: Any) -> Any:
        method = nf.AggregationMethod.EXPERIMENTAL_TREE
        return nf.gradients([x, x], x, gate_gradients=True, aggregation_method=method)

    assert traced(f, 1.0) == [2.0]


def test_text_has_no_gradient() -> None:
    """A target of text gives nothing, and the others beside it what is theirs."""
    x, v = nf.constant(2.0), nf.Variable(3.0)
    with nf.GradientTape() as tape:
        tape.watch(x)
        targets = [nf.strings.as_string(x), x * v]
    with pytest.warns(UserWarning, match="must be floating"):
        found = tape.gradient(targets, [x, v])
    assert [float(g) for g in found] == [3.0, 2.0]
