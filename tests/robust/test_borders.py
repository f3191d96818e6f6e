"""Who owns which memory: nothing that a caller holds changes behind its back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

SIZES = [1, 7, 4099, 50021]  # of results: plain arrays, and memory that is used again


@pytest.mark.parametrize("n", SIZES)
def test_results_that_are_kept_stay_as_they_were(n: int) -> None:
    f = nf.function(lambda x: (x + 1.0, nf.reduce_sum(x), x * 2.0))
    kept = [f(np.full(n, k, np.float32)) for k in range(20)]
    views = [np.asarray(f(np.full(n, k, np.float32))[0]) for k in range(20)]
    for k, (a, total, b) in enumerate(kept):
        assert (a.numpy() == k + 1).all() and (b.numpy() == 2 * k).all()
        assert float(total) == k * n
        assert (views[k] == k + 1).all()


@pytest.mark.parametrize("n", SIZES)
def test_arguments_may_change_after_the_call(n: int) -> None:
    """Also where a result is an argument, or a view of one."""
    f = nf.function(lambda x: (x, nf.reshape(x, [-1, 1]), x[::-1], x + 0.0, nf.identity(x)))
    x = np.arange(n, dtype=np.float32)
    want = x.copy()
    first, column, backwards, total, same = f(x)
    x[:] = -1
    for t in (first, total, same):
        np.testing.assert_array_equal(t.numpy(), want)
    np.testing.assert_array_equal(column.numpy(), want[:, None])
    np.testing.assert_array_equal(backwards.numpy(), want[::-1])


def test_results_may_be_written_without_harm() -> None:
    """`.numpy()` is a copy of one's own: an argument that was a tensor keeps its value."""
    f = nf.function(lambda x: x)
    x = nf.constant([1.0, 2.0])
    for y in (f(x), f(x)):
        array = y.numpy()
        array[:] = 0
        assert x.numpy().tolist() == y.numpy().tolist() == [1, 2]


def test_a_view_of_a_tensor_is_read_only() -> None:
    y = nf.function(lambda x: x + 1.0)(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(y)[0] = 5


def test_a_variable_that_is_returned_is_a_snapshot() -> None:
    v = nf.Variable(np.zeros(4099, np.float32))
    w = nf.Variable(0.0)

    @nf.function
    def step() -> Any:
        v.assign_add(nf.ones([4099]))
        w.assign_add(1.0)
        return v, v.value(), w, w.value()

    kept = [step() for _ in range(10)]
    for k, tensors in enumerate(kept, 1):
        assert all((np.asarray(t) == k).all() for t in tensors)


def test_older_values_of_variables_stay() -> None:
    """Updates in place move the variable to a copy while somebody holds the old one."""
    v = nf.Variable(np.zeros(4099, np.float32))
    step = nf.function(lambda: v.assign_add(nf.ones([4099])))
    tensors, views, arrays = [], [], []
    for _ in range(10):
        tensors.append(v.value())
        views.append(np.asarray(v))
        arrays.append(v.numpy())
        step()
    for k in range(10):
        assert (tensors[k].numpy() == k).all()
        assert (views[k] == k).all() and (arrays[k] == k).all()
    assert (v.numpy() == 10).all()


def test_updates_stay_in_place_while_nobody_looks() -> None:
    v = nf.Variable(np.zeros(4099, np.float32))
    step = nf.function(lambda: v.assign_add(nf.ones([4099])))
    step()
    step()
    before = v._array.ctypes.data
    for _ in range(5):
        step()
    assert v._array.ctypes.data == before


def test_arguments_in_any_memory() -> None:
    """Strided, transposed, read-only, byte-swapped, misaligned arrays give the same results."""
    f = nf.function(lambda x: (x * 2.0 + 1.0, nf.reduce_sum(x, 0)))
    base = np.arange(77, dtype=np.float32).reshape(7, 11)
    frozen = base.copy()
    frozen.flags.writeable = False
    odd = np.zeros(base.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(7, 11)
    odd[:] = base
    wide = np.repeat(base, 2, 1)
    for x in (
        base, frozen, odd, base.astype(">f4"), np.asfortranarray(base), wide[:, ::2],
        base[::-1][::-1], np.ascontiguousarray(base.T).T,
    ):  # fmt: skip
        for _ in range(3):
            y, total = f(x)
            np.testing.assert_array_equal(y.numpy(), base * 2 + 1)
            np.testing.assert_array_equal(total.numpy(), base.sum(0))


def test_one_array_as_two_arguments() -> None:
    f = nf.function(lambda a, b: (a + b, a - b))
    x = np.arange(5, dtype=np.float32)
    for _ in range(3):
        total, none = f(x, x)
        assert total.numpy().tolist() == [0, 2, 4, 6, 8] and none.numpy().tolist() == [0] * 5


def test_a_variable_as_argument_and_as_target() -> None:
    v = nf.Variable([1.0, 2.0, 3.0])

    @nf.function
    def step(x: Any) -> Any:
        v.assign(x[::-1] + v)
        return x

    assert step(v.value()).numpy().tolist() == [1, 2, 3]
    assert v.numpy().tolist() == [4, 4, 4]
    before = np.asarray(v)
    assert step(before).numpy().tolist() == [4, 4, 4]
    assert before.tolist() == [4, 4, 4] and v.numpy().tolist() == [8, 8, 8]
