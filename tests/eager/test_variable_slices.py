"""Parts of variables that are assigned, eagerly and in traced functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numflow as nf

KEYS: list[Any] = [
    1,
    -1,
    np.s_[1:3],
    np.s_[::-2],
    np.s_[..., 1],
    np.s_[1:, ::3],
    np.s_[:, None, 2],
    np.s_[2, 3],
    np.s_[...],
    np.s_[0:0],
    (nf.constant(1), slice(nf.constant(1), None)),
]


def _plain(key: Any) -> Any:
    """A key as NumPy takes it."""
    keys = key if isinstance(key, tuple) else (key,)
    return tuple(
        slice(*(None if v is None else int(v) for v in (k.start, k.stop, k.step)))
        if isinstance(k, slice)
        else int(k)
        if isinstance(k, nf.Tensor)
        else k
        for k in keys
    )


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_parts_as_numpy_assigns_them(key: Any, traced: bool) -> None:
    """Values of the part's shape, and one number."""
    start = np.arange(20.0, dtype=np.float32).reshape(4, 5)
    values = -1 - np.arange(start[_plain(key)].size, dtype=np.float32)
    for value in (values.reshape(start[_plain(key)].shape), np.float32(7)):
        v = nf.Variable(start)
        want = start.copy()
        want[_plain(key)] = value

        def run(v: Any = v, value: Any = value) -> Any:
            return v[key].assign(value)

        result = nf.function(run)() if traced else run()
        np.testing.assert_array_equal(v.numpy(), want)
        np.testing.assert_array_equal(result, want)


ENDS = st.one_of(st.none(), st.integers(-7, 7))
SLICES = st.builds(slice, ENDS, ENDS, st.sampled_from([None, 1, 2, 3, -1, -2]))


@given(st.tuples(SLICES, SLICES))
def test_any_slices(key: tuple[slice, slice]) -> None:
    """Whatever begins, ends and steps: what NumPy assigns."""
    want = np.arange(20).reshape(4, 5)
    v = nf.Variable(want)
    values = -1 - np.arange(want[key].size).reshape(want[key].shape)
    assert v[key].shape == want[key].shape
    v[key].assign(values)
    want[key] = values
    np.testing.assert_array_equal(v.numpy(), want)


def test_the_part_keeps_its_value() -> None:
    """It is a tensor; so is what was read before. Small parts cost no copy of the variable."""
    v = nf.Variable([1.0, 2.0, 3.0])
    whole, part = v.value(), v[0:2]
    assert part.assign([7.0, 8.0]) is v
    assert part.numpy().tolist() == [1, 2] and whole.numpy().tolist() == [1, 2, 3]
    del whole
    buffer = v._array
    address = buffer.ctypes.data
    del buffer
    for k in range(3):
        v[k].assign(float(k))
    assert v._array.ctypes.data == address and v.numpy().tolist() == [0, 1, 2]


def test_broadcasting_and_dtypes() -> None:
    m = nf.Variable(nf.zeros([2, 3], nf.int32))
    m[:, 1:].assign([[5], [6]])
    m[0, 0].assign([[9]])
    assert m.numpy().tolist() == [[9, 5, 5], [0, 6, 6]]
    with pytest.raises(nf.errors.ShapeError) as e:
        m[0].assign([1, 2])
    assert str(e.value).splitlines()[:3] == [
        "assign: value does not broadcast to the part",
        "  value: int32 [2]",
        "  part: [3]",
    ]
    with pytest.raises(nf.errors.DTypeError):
        m[0].assign(nf.constant([1.0, 2.0, 3.0]))
    with pytest.raises(nf.errors.IndexRangeError):
        m[5].assign(1)
    text = nf.Variable(["a", "b"])
    text[1].assign("c")
    assert text.numpy().tolist() == [b"a", b"c"]


def test_other_tensors_cannot_be_assigned() -> None:
    """Nor can what masks and lists pick out of a variable."""
    v = nf.Variable([1.0, 2.0])
    for x in (nf.constant([1.0]), v[v > 1.0], v[nf.constant([0])], v.value()):
        assert not hasattr(x, "assign")


def test_in_a_loop_of_a_function() -> None:
    v = nf.Variable(nf.zeros([3, 2]))

    @nf.function
    def fill(rows: Any) -> Any:
        for k in range(3):
            v[k].assign(rows[k] * 2.0)
        return nf.reduce_sum(v)

    assert fill(nf.ones([3, 2])).numpy() == 12 and v.numpy().tolist() == [[2, 2]] * 3


def test_parts_whose_sizes_only_a_call_tells() -> None:
    """Each size is checked, not their product."""
    v = nf.Variable(nf.zeros([6, 5]))

    def walk(n: Any) -> Any:
        v.assign(nf.reshape(nf.range(30.0), [6, 5]))
        for i in nf.range(n):
            v[i : i + 2, 1].assign(nf.ones([2]) * nf.cast(i, nf.float32))
            v[0:2].assign(v[i : i + 2] * 2.0)
        return v[n:].assign(nf.ones([1, 5])) * 1.0

    for n in (3, 6 - 2):
        have = nf.function(walk)(nf.constant(n)).numpy()
        np.testing.assert_array_equal(have, walk(nf.constant(n)))

    for shape in ([3, 2], [2, 3]):

        def put(n: Any, shape: Any = shape) -> None:
            v[n : n + 2, n : n + 3].assign(nf.reshape(nf.range(6.0), shape))

        def add(n: Any, shape: Any = shape) -> Any:
            return v[n : n + 2, n : n + 3] + nf.reshape(nf.range(6.0), shape)

        for f in (put, add):
            if shape == [2, 3]:
                nf.function(f)(nf.constant(1))
                continue
            with pytest.raises(nf.errors.ShapeError, match="6 elements do not become"):
                nf.function(f)(nf.constant(1))
