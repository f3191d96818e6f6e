"""gather, masks, x[array]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, bools, check, floats, ids, ints


def _batched(x: Any, i: Any) -> Any:
    return np.stack([np.take(a, b, 0) for a, b in zip(x, i, strict=True)])


CASES = [
    *(
        Case(
            nf.gather,
            lambda x, i, k=k: np.take(x, i, k),
            [floats(*s), ints(*at, low=0, high=3)],
            {"axis": k},
        )
        for s, at, k in [
            ((3, 5), (7,), 0),
            ((5, 3), (2, 2), 1),
            ((3,), (), 0),
            ((2, 3, 5), (7,), -2),
            ((3, 5), (0,), 0),
        ]
    ),
    Case(nf.gather, _batched, [floats(2, 3, 5), ints(2, 7, low=0, high=3)], {"batch_dims": 1}),
    Case(
        nf.gather,
        _batched,
        [floats(2, 3), ints(2, 2, 2, low=0, high=3)],
        {"batch_dims": 1, "axis": 1},
    ),
    Case(
        nf.gather_nd,
        lambda x, i: x[i[..., 0], i[..., 1]],
        [floats(3, 3, 5), ints(7, 2, low=0, high=3)],
    ),
    Case(nf.gather_nd, lambda x, i: x[i[..., 0]], [floats(3, 5), ints(2, 7, 1, low=0, high=3)]),
    Case(
        nf.gather_nd,
        lambda x, i: np.stack([a[b[:, 0]] for a, b in zip(x, i, strict=True)]),
        [floats(2, 3, 5), ints(2, 7, 1, low=0, high=3)],
        {"batch_dims": 1},
    ),
    Case(nf.where, np.where, [bools(3, 5), floats(3, 5), floats(3, 5)]),
    Case(nf.where, np.where, [bools(3, 1), floats(5), floats()]),
    Case(nf.where, np.where, [bools(3, 5), ints(3, 5), ints(5)]),
    *(
        Case(op, oracle, [bools(3, 5), bools(5)])
        for op, oracle in [
            (nf.logical_and, np.logical_and),
            (nf.logical_or, np.logical_or),
            (nf.math.logical_xor, np.logical_xor),
        ]
    ),
    Case(nf.logical_not, np.logical_not, [bools(3, 5)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("index", [3, -1, 2**31 - 1])
def test_an_index_out_of_range_is_refused(compiled: bool, index: int) -> None:
    """Eager and compiled, with the value and the range."""
    run: Any = nf.function(nf.gather) if compiled else nf.gather
    with pytest.raises(nf.errors.InvalidArgumentError, match=rf"{index} is outside \[0, 3\)"):
        run(nf.ones([3, 5]), nf.constant([0, index]))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_place_out_of_range_is_refused(compiled: bool) -> None:
    """Each coordinate is checked by itself: a flat index that is inside is not enough."""
    run: Any = nf.function(nf.gather_nd) if compiled else nf.gather_nd
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"5 is outside \[0, 5\)"):
        run(nf.ones([3, 5]), nf.constant([[0, 1], [0, 5]]))


def test_message_of_an_index_out_of_range() -> None:
    """The place, the value and the range."""
    with pytest.raises(nf.errors.InvalidArgumentError) as e:
        nf.gather([1, 2, 3], [[0, 7]])
    assert str(e.value).splitlines()[0] == "gather: indices[0, 1] = 7 is outside [0, 3)"


def test_arrays_as_indices() -> None:
    """Lists, arrays and tensors; negative ones from the end; beside slices and numbers."""
    a = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    x = nf.constant(a)
    for key in (
        np.array([1, 0]),
        np.s_[:, [0, -1]],
        np.s_[..., [4, 2, 2]],
        np.s_[1, :, [0, 1]],
        np.s_[:, [[0, 1], [2, 2]]],
        np.s_[None, :, np.array([2])],
        np.s_[np.array([True, False])],
        np.s_[:, np.array([True, False, True])],
        np.array(a % 2 == 0),
    ):
        np.testing.assert_array_equal(
            x[key], np.take(a[1], [0, 1], 1) if str(key) == str(np.s_[1, :, [0, 1]]) else a[key]
        )
    np.testing.assert_array_equal(x[x > 7], a[a > 7])
    np.testing.assert_array_equal(x[[1, 0]], a[1, 0])  # a list of numbers is a tuple of them
    np.testing.assert_array_equal(x[[1, slice(0, 2)]], a[1, 0:2])
    np.testing.assert_array_equal(x[[True, False]], a[[True, False]])
    with pytest.raises(nf.errors.InvalidArgumentError, match="is outside"):
        x[np.array([2])]
    with pytest.raises(TypeError, match="getitem: two indices are arrays"):
        x[[0, 1], [0, 1]]


def test_masks_and_places() -> None:
    """boolean_mask, where with one argument, and their messages."""
    a = np.arange(15).reshape(3, 5)
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(nf.boolean_mask(a, mask), a[mask])
    np.testing.assert_array_equal(nf.boolean_mask(a, a > 7), a[a > 7])
    np.testing.assert_array_equal(nf.boolean_mask(a.T, mask, axis=1), a.T[:, mask])
    np.testing.assert_array_equal(nf.where(a > 11), np.argwhere(a > 11))
    with pytest.raises(ValueError, match="boolean_mask: mask does not have the sizes"):
        nf.boolean_mask(a, [True, False])
    with pytest.raises(ValueError, match="boolean_mask: mask is a scalar"):
        nf.boolean_mask(a, True)
    with pytest.raises(ValueError, match="where: x and y go together"):
        nf.where([True], 1.0)
    with pytest.raises(TypeError, match="where: condition is int32, not bool"):
        nf.where([1], 1.0, 2.0)
    with pytest.raises(TypeError, match="gather: indices is float32, not an integer"):
        nf.gather(a, [0.0])
    with pytest.raises(ValueError, match="gather: axis 2 is out of range for 2 axes"):
        nf.gather(a, [0], axis=2)
    with pytest.raises(ValueError, match="gather: the batch axes differ"):
        nf.gather(a, nf.zeros([2, 2], nf.int32), batch_dims=1)


def test_rows_that_are_gathered_twice_add_their_gradients() -> None:
    """The gradient is dense, as many rows as params has."""
    x = nf.ones([3, 2])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.gather(x, [2, 0, 2])
    assert tape.gradient(y, x).numpy().tolist() == [[1, 1], [0, 0], [2, 2]]


def test_a_mask_of_constants_gives_a_known_shape() -> None:
    """It is looked at while the function is traced."""
    known = nf.function(lambda x: nf.boolean_mask(x, [True, False, True]))
    assert known(nf.constant([1, 2, 3])).numpy().tolist() == [1, 3]
    assert known.get_concrete_function(nf.constant([1, 2, 3])).outputs[0].shape == (2,)


def test_masks_of_numbers() -> None:
    """As in TensorFlow what is not 0 is kept; text is no mask."""
    for run in (nf.boolean_mask, nf.function(nf.boolean_mask)):
        np.testing.assert_array_equal(run([5, 6, 7], nf.constant([1, 0, 2])), [5, 7])
    with pytest.raises(TypeError, match="boolean_mask: mask is string, not bool"):
        nf.boolean_mask([5], ["a"])


NUMBERS: list[tuple[Callable[..., Any], tuple[int, int]]] = [
    (lambda x, i, j: x[i, j], (1, -1)),
    (lambda x, i, j: x[..., i, j], (-4, 4)),
    (lambda x, i, j: x[i, ..., j], (0, 3)),
    (lambda x, i, j: x[i, None, 1, j, ::-2], (-2, 2)),
    (lambda x, i, j: x[:, i, ::2, j], (2, 0)),
    (lambda x, i, j: x[i, j : j + 2, -1, i], (1, 0)),
]


@pytest.mark.parametrize("k", range(len(NUMBERS)))
def test_several_numbers_that_only_the_program_knows(k: int) -> None:
    """As eagerly, and as NumPy."""
    f, at = NUMBERS[k]
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    for dtype in (nf.int32, nf.int8):
        i, j = (nf.constant(n, dtype) for n in at)
        for run in (f, nf.function(f)):
            np.testing.assert_array_equal(run(nf.constant(x), i, j), f(x, *at))


def test_numbers_in_loops_are_checked_and_have_a_gradient() -> None:
    def walk(x: Any, rows: Any) -> Any:
        total = nf.constant(0.0)
        for i in nf.range(rows):
            for j in nf.range(4):
                total += x[i, j] ** 2
        return total

    def slope(x: Any, rows: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = walk(x, rows)
        return tape.gradient(y, x)

    x = nf.constant(np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32))
    np.testing.assert_allclose(nf.function(slope)(x, nf.constant(3)), 2.0 * x, rtol=1e-6)
    with pytest.raises(nf.errors.InvalidArgumentError, match="index 3 is outside"):
        nf.function(walk)(x, nf.constant(4))


def test_variables_are_numbers_and_bounds() -> None:
    """Also where a function assigns them."""
    at, x = nf.Variable(1), nf.constant(np.arange(12.0).reshape(3, 4))

    def f(x: Any) -> Any:
        at.assign(1)
        for _ in nf.range(1):
            at.assign_add(1)
        return x[at], x[at, at], x[at - 1 :, at], x[:at]

    for run in (f, nf.function(f)):
        row, one, column, rows = run(x)
        assert row.numpy().tolist() == [8, 9, 10, 11] and float(one) == 10
        assert column.numpy().tolist() == [6, 10] and rows.shape == (2, 4)
