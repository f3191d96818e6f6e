"""Sizes that depend on values and meet others: they fit, or a call is refused and harms nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf


def _step(refuse: bool) -> tuple[Any, Any, Any]:
    w, seen = nf.Variable([1.0, 2.0]), nf.Variable(0)

    @nf.function
    def step(x: Any, k: Any) -> Any:
        seen.assign_add(1)
        w.assign(w * 2.0)
        y = nf.boolean_mask(x, x > 0)
        if refuse:
            y = nf.gather(y, k)
        z = nf.reshape(nf.boolean_mask(y, y < 5), [2, -1])
        w.assign_add(nf.reduce_sum(z, 1))
        return nf.reduce_sum(z)

    return step, w, seen


@pytest.mark.parametrize("refuse", [False, True])
def test_what_is_refused_in_a_later_segment_leaves_all_variables(refuse: bool) -> None:
    """Sizes that do not fit, an index out of range: no variable has changed; then it goes on."""
    step, w, seen = _step(refuse)
    good = nf.constant([1.0, -2.0, 3.0, 9.0])
    k = nf.constant([0, 1])
    assert float(step(good, k)) == 4.0
    assert (w.numpy().tolist(), int(seen)) == ([3.0, 7.0], 1)
    for bad in ([1.0, 2.0, 3.0], [1.0, -2.0]):
        if refuse and len(bad) == 3:
            continue
        with pytest.raises(nf.errors.InvalidArgumentError):
            step(nf.constant([*bad, *[-1.0] * (4 - len(bad))]), k)
        assert (w.numpy().tolist(), int(seen)) == ([3.0, 7.0], 1)
    assert float(step(good, k)) == 4.0
    assert (w.numpy().tolist(), int(seen)) == ([7.0, 17.0], 2)


@pytest.mark.parametrize(
    ("run", "values", "message"),
    [
        (lambda n, v: nf.zeros([n]), (-1, [0]), "broadcast_to: a size of the output is negative"),
        (lambda n, v: nf.reshape(nf.range(12), [n, -1]), (5, [0]), "reshape: 12 elements do not"),
        (lambda n, v: nf.repeat(v, v), (1, [1, -2]), "repeat: repeats -2 is negative"),
        (
            lambda n, v: nf.math.segment_sum(v, v),
            (0, [0, 2, 1]),
            "segment_sum: segment_ids must be",
        ),
        (lambda n, v: nf.math.segment_sum(v, v), (0, [-1, 2]), "segment_sum: a number of segment"),
        (lambda n, v: nf.range(0, 5, n), (0, [0]), "range: integer division by zero"),
        (lambda n, v: nf.slice(v, [n], [2]), (2, [1, 2, 3]), "gather: indices[1] = 3 is outside"),
        (lambda n, v: nf.dynamic_partition(v, v, 2), (1, [0, 2]), "dynamic_partition: partition 2"),
        (
            lambda n, v: nf.dynamic_stitch([v], [nf.ones(nf.shape(v))]),
            (1, [0, -1]),
            "dynamic_stitch: index -1 is negative",
        ),
        (
            lambda n, v: nf.boolean_mask(v, v > 1) + nf.boolean_mask(v, v > 2),
            (1, [1, 2, 3, 4]),
            "reshape: 2 elements do not become [3]",
        ),
        (lambda n, v: nf.zeros([n, n, n]), (1 << 20, [0]), "copy: not enough memory"),
    ],
)
def test_values_that_do_not_fit(run: Any, values: Any, message: str) -> None:
    """Refused when they are known, with the user's line; the next call is not harmed."""
    compiled: Any = nf.function(run)
    n, v = values
    for _ in range(2):
        with pytest.raises((nf.errors.InvalidArgumentError, nf.errors.ResourceExhaustedError)) as e:
            compiled(nf.constant(n), nf.constant(np.array(v, np.int32)))
        assert str(e.value).startswith(message)
        assert "test_run_time_refused.py" in str(e.value)


def test_chosen_rows_meet_rows_of_a_known_number() -> None:
    """Products, losses, biases: a size that depends on values has to be the other."""
    labels, ones = nf.constant([0, 1, 2, 0, 1]), nf.ones([5, 3], nf.float64)

    def run(x: Any) -> Any:
        y = nf.boolean_mask(x, x[:, 0] > 0)
        return (
            nf.nn.sparse_softmax_cross_entropy_with_logits(labels, y),
            nf.nn.softmax_cross_entropy_with_logits(ones / 3.0, y),
            nf.nn.sigmoid_cross_entropy_with_logits(ones, y),
            nf.nn.bias_add(nf.transpose(y), ones[:, 0]),
            nf.matmul(y, ones, transpose_a=True),
            nf.tensordot(y, ones, [[0], [0]]),
            nf.math.squared_difference(ones, y),
            nf.where(y > 1.0, ones, y),
        )

    rng = np.random.default_rng(4)
    x = nf.constant(rng.uniform(0.5, 1.5, (8, 3)) * np.array([[1, -1, 1, 1, -1, 1, -1, 1]]).T)
    for a, b in zip(nf.function(run)(x), run(x), strict=True):
        np.testing.assert_allclose(a, b, 1e-12)
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: "):
        nf.function(run)(-x)


def test_sizes_that_turn_out_to_fit() -> None:
    """Parts of what is chosen, and what is chosen by different masks, side by side: the plan of a
    call checks what a trace cannot know."""

    @nf.function
    def run(x: Any) -> Any:
        some, others = nf.boolean_mask(x, x > 0), nf.boolean_mask(-x, x < 0)
        both = nf.stack([some, others]), nf.concat([some[None], others[None]], 0)
        return *both, *nf.split(some, 2), nf.math.top_k(some, 2)[0], *nf.unstack(others, num=4)

    x = np.array([3.0, -1.0, 2.0, -5.0, 7.0, -2.0, 1.0, -4.0])
    some, others = x[x > 0], -x[x < 0]
    want = [np.stack([some, others])] * 2 + [some[:2], some[2:], np.sort(some)[:1:-1], *others]
    for a, b in zip(run(nf.constant(x)), want, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: 2 elements do not become"):
        run(nf.constant([3.0, -1.0, 2.0, -5.0, 7.0, 1.0]))


@pytest.mark.parametrize(
    "run",
    [
        lambda x, y: x + y,
        lambda x, y: nf.where(x > y, x, y),
        lambda x, y: nf.add_n([x, y]),
        lambda x, y: nf.stack([x, y]),
        lambda x, y: nf.concat([x, y], 1),
        lambda x, y: nf.matmul(x, y, transpose_a=True),
        lambda x, y: nf.tensordot(x, y, [[0], [0]]),
        lambda x, y: nf.boolean_mask(x, y > 0),
        lambda x, y: nf.nn.softmax_cross_entropy_with_logits(x, y),
        lambda x, y: nf.ensure_shape(x, y.shape),
    ],
)
def test_sizes_beside_an_axis_of_0_have_to_fit_too(run: Any) -> None:
    """[n, 0] and [3, 0] have no elements, whatever n is: it is refused as eager refuses it."""

    def chosen(x: Any, mask: Any, y: Any) -> Any:
        return run(nf.boolean_mask(x, mask), y)

    x, y, compiled = nf.zeros([4, 0]), nf.zeros([3, 0]), nf.function(chosen)
    fits, does_not = nf.constant([True, False, True, True]), nf.constant([True, False, True, False])
    assert compiled(x, fits, y).shape == chosen(x, fits, y).shape
    for call in (chosen, compiled):
        with pytest.raises(nf.errors.ShapeError):
            call(x, does_not, y)
    with pytest.raises(nf.errors.ShapeError, match=r"reshape: axis 0 has size [23], not [23]"):
        compiled(x, does_not, y)


def test_a_reshape_of_nothing_takes_any_size() -> None:
    run = nf.function(lambda x, mask: nf.reshape(nf.boolean_mask(x, mask), [5, 0]))
    assert run(nf.zeros([2, 0]), nf.constant([True, False])).shape == (5, 0)


@pytest.mark.parametrize("run", [len, list, nf.unstack, lambda y: [0 for _ in y]])
def test_what_needs_a_number_says_so(run: Any) -> None:
    """A trace has none for a size that depends on values."""
    traced = nf.function(lambda x: run(nf.boolean_mask(x, x > 0)), autograph=False)
    with pytest.raises(nf.errors.SymbolicTensorError) as e:
        traced(nf.ones([3]))
    assert "a size that depends on values has no number while a function is traced" in str(e.value)
    assert "try: nf.shape(x), which has it when the program runs" in str(e.value)


def test_variables_take_what_turns_out_to_fit() -> None:
    """Assigned and added; what does not fit is refused, and leaves the variable."""
    v = nf.Variable([1.0, 2.0])

    @nf.function
    def step(x: Any) -> Any:
        v.assign(nf.boolean_mask(x, x > 0))
        v.assign_add(nf.boolean_mask(x, x > 0))
        return nf.add_n([v.read_value(), nf.boolean_mask(-x, x < 0)])

    assert step(nf.constant([3.0, -1.0, 4.0, -2.0])).numpy().tolist() == [7.0, 10.0]
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: 3 elements do not become"):
        step(nf.constant([3.0, 1.0, 4.0, -2.0]))
    assert v.numpy().tolist() == [6.0, 8.0]


def test_a_named_axis_that_turns_out_to_be_1_goes() -> None:
    """And so does its gradient; of another size it is refused."""

    @nf.function
    def only(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.squeeze(nf.boolean_mask(x, x[:, 0] > 4.0), [0])
        return y, tape.gradient(y, x)

    y, gradient = only(nf.constant([[1.0, 2.0], [5.0, 6.0]]))
    assert y.numpy().tolist() == [5.0, 6.0]
    assert gradient.numpy().tolist() == [[0.0, 0.0], [1.0, 1.0]]
    for rows in ([[5.0, 1.0], [6.0, 2.0]], [[1.0, 5.0], [2.0, 6.0]]):
        with pytest.raises(nf.errors.InvalidArgumentError, match="elements do not become"):
            only(nf.constant(rows))


def test_broadcasts_to_what_turns_out_to_be_its_size() -> None:
    """Or repeats what has size 1."""

    @nf.function(input_signature=[nf.TensorSpec([None]), nf.TensorSpec([], nf.int32)])
    def rows(x: Any, n: Any) -> Any:
        return nf.broadcast_to(x, [2, n])

    for x in ([1.0, 2.0, 3.0], [7.0]):
        want = np.broadcast_to(np.array(x, "f"), [2, 3])
        np.testing.assert_array_equal(rows(nf.constant(x), nf.constant(3)), want)
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: 2 elements do not become"):
        rows(nf.constant([1.0, 2.0]), nf.constant(3))
