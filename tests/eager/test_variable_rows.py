"""Variable.scatter_* and the like: against NumPy, index after index, eagerly and in functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

RNG = np.random.default_rng(19)
UFUNCS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "max": np.maximum, "min": np.minimum,
    "mul": np.multiply, "div": np.divide, "update": None,
}  # fmt: skip


def met(name: str, base: Any, places: Any, updates: Any) -> Any:
    """In the order of the places."""
    out = base.astype(np.float64)
    for at, row in zip(places, updates.astype(np.float64), strict=True):
        key = tuple(np.atleast_1d(at))
        if name == "update":
            out[key] = row
        else:
            out[key] = UFUNCS[name](out[key], row)
            if name == "div" and base.dtype.kind in "iu":
                out[key] = np.trunc(out[key])
    return out


def both_ways(base: Any, change: Any) -> list[Any]:
    """The values that change(variable) leaves, eagerly and in a function."""
    left = []
    for wrap in (lambda f: f, nf.function):
        v = nf.Variable(base, name="table")

        def step(v: Any = v) -> None:
            assert change(v) is v

        wrap(step)()
        left.append(v.numpy())
    return left


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int64", "int8"])
@pytest.mark.parametrize("name", UFUNCS)
def test_scatter(name: str, dtype: str) -> None:
    """Rows of equal index meet the variable one after the other."""
    base = RNG.integers(1, 9, (7, 3)).astype(dtype)
    rows = RNG.integers(1, 4, (5, 3)).astype(dtype)
    indices = np.array([1, 5, 1, 0, 1], np.int32)
    slices = nf.IndexedSlices(nf.constant(rows), nf.constant(indices))
    want = met(name, base, indices, rows)
    for got in both_ways(base, lambda v: getattr(v, f"scatter_{name}")(slices)):
        assert got.dtype == base.dtype
        np.testing.assert_allclose(got.astype(float), want, 2e-3 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("name", ["add", "sub", "update", "max", "min"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_scatter_nd(name: str, depth: int) -> None:
    """Slices, and elements."""
    base = RNG.integers(1, 9, (3, 5, 2)).astype(np.float32)
    places = np.stack([RNG.integers(0, n, 7) for n in base.shape[:depth]], -1)
    updates = RNG.integers(1, 9, (7, *base.shape[depth:])).astype(np.float32)
    want = met(name, base, places, updates)
    for got in both_ways(base, lambda v: getattr(v, f"scatter_nd_{name}")(places, updates)):
        np.testing.assert_array_equal(got, want)


def test_batches_have_indices_of_their_own() -> None:
    """table[b, indices[b, i]] = values[b, i]."""
    base = np.zeros((3, 4, 2), np.float32)
    indices = np.array([[0, 1], [1, 0], [2, 3]])
    values = RNG.integers(1, 9, (3, 2, 2)).astype(np.float32)
    want = base.copy()
    for b in range(3):
        want[b, indices[b]] = values[b]
    slices = nf.IndexedSlices(nf.constant(values), nf.constant(indices))
    for got in both_ways(base, lambda v: v.batch_scatter_update(slices)):
        np.testing.assert_array_equal(got, want)


def test_one_number_for_all_rows_and_no_rows() -> None:
    """A scalar counts for each index; without indices nothing happens."""
    base = np.ones((3, 2), np.float32)
    one = nf.IndexedSlices(nf.constant(2.0), nf.constant([[0], [2]]))
    none = nf.IndexedSlices(nf.zeros([0, 2]), nf.constant(np.zeros(0, np.int64)))
    for got in both_ways(base, lambda v: v.scatter_mul(one)):
        np.testing.assert_array_equal(got, [[2, 2], [1, 1], [2, 2]])
    for got in both_ways(base, lambda v: v.scatter_add(none)):
        np.testing.assert_array_equal(got, base)


def test_rows_are_read() -> None:
    """sparse_read and gather_nd, in the middle of changes too."""
    v = nf.Variable([[1.0, 2.0], [3.0, 4.0]])

    @nf.function
    def step() -> Any:
        before = v.sparse_read([1, 1])
        v.scatter_add(nf.IndexedSlices(nf.ones([2, 2]), [0, 0]))
        return before, v.gather_nd([[0, 1]]), v.value()

    before, element, after = step()
    assert before.numpy().tolist() == [[3, 4], [3, 4]]
    assert element.numpy().tolist() == [4] and after.numpy().tolist() == [[3, 4], [3, 4]]


def test_a_program_writes_the_rows_where_they_are() -> None:
    """The buffer stays; an older tensor keeps its value."""
    v = nf.Variable(np.zeros((101, 37), np.float32))
    address = v.numpy, v._array.ctypes.data

    @nf.function
    def step(indices: Any, rows: Any) -> None:
        v.scatter_sub(nf.IndexedSlices(rows, indices))

    indices, rows = nf.constant([3, 5, 3]), nf.ones([3, 37])
    step(indices, rows)
    assert v._array.ctypes.data == address[1] and "in place" in str(step.explain())
    older = v.value()
    step(indices, rows)
    assert older.numpy()[3, 0] == -2 and v.numpy()[3, 0] == -4 and v.numpy()[5, 36] == -2


@pytest.mark.parametrize("wrap", [lambda f: f, nf.function])
@pytest.mark.parametrize("index", [-1, 3, 2**31 - 1])
def test_an_index_outside_changes_nothing(wrap: Any, index: int) -> None:
    """The message names variable, index and limit."""
    v = nf.Variable([1.0, 2.0, 3.0], name="table")

    def step(indices: Any) -> None:
        v.assign_add([1.0, 1.0, 1.0])
        v.scatter_add(nf.IndexedSlices(nf.ones([2]), indices))

    text = rf"scatter_add: variable table:0: index {index} is outside \[0, 3\)\n  element: \[1\]"
    v.assign([0.0, 1.0, 2.0])
    with pytest.raises(nf.errors.InvalidArgumentError, match=text):
        wrap(step)(nf.constant([1, index]))
    assert v.numpy().tolist() == ([0, 1, 2] if wrap is nf.function else [1, 2, 3])


def test_what_does_not_fit_is_refused() -> None:
    """No slices, rows of another shape or dtype, indices that are none, a division by zero."""
    v = nf.Variable(np.ones((3, 2), np.float32), name="table")
    with pytest.raises(TypeError, match="scatter_add: sparse_delta is list, not IndexedSlices"):
        v.scatter_add([1.0])
    with pytest.raises(nf.errors.ShapeError, match="the values are no rows of it, one per index"):
        v.scatter_sub(nf.IndexedSlices(nf.ones([2, 3]), [0, 1]))
    with pytest.raises(nf.errors.DTypeError, match="indices is float32, not an integer"):
        v.scatter_update(nf.IndexedSlices(nf.ones([2, 2]), [0.5, 1.0]))
    with pytest.raises(nf.errors.DTypeError, match="values is int32, not float32"):
        v.scatter_add(nf.IndexedSlices(nf.constant([[1, 1]]), [0]))
    with pytest.raises(nf.errors.ShapeError, match="updates must have the shape"):
        v.scatter_nd_add([[0], [1]], nf.ones([3, 2]))
    with pytest.raises(nf.errors.ShapeError, match="variable one:0 has no rows"):
        nf.Variable(1.0, name="one").scatter_add(nf.IndexedSlices(nf.ones([1]), [0]))
    n = nf.Variable([4, 6])
    for wrap in (lambda f: f, nf.function):
        with pytest.raises(nf.errors.InvalidArgumentError, match="integer division by zero"):
            wrap(lambda: n.scatter_div(nf.IndexedSlices(nf.constant([0]), [1])).value())()
    assert n.numpy().tolist() == [4, 6]


def test_a_refusal_after_a_change_leaves_everything_as_it_was() -> None:
    """The rows of another lookup are checked before any row is written, also those just changed."""
    v, w = (nf.Variable(np.zeros((5, 3), np.float32)) for _ in range(2))

    @nf.function
    def step(first: Any, then: Any) -> Any:
        v.scatter_add(nf.IndexedSlices(nf.ones([2, 3]), first))
        rows = nf.gather(v, then)
        w.scatter_sub(nf.IndexedSlices(rows, then))
        return nf.reduce_sum(rows)

    assert step(nf.constant([0, 1]), nf.constant([1, 2])).numpy() == 3
    with pytest.raises(nf.errors.InvalidArgumentError, match="7 is outside"):
        step(nf.constant([0, 1]), nf.constant([1, 7]))
    assert v.numpy().sum() == 6 and w.numpy().sum() == -3


def test_changes_one_after_the_other_share_the_memory_of_the_variable() -> None:
    """All of it, some rows, the same rows again: no copies; reads see their time."""
    v = nf.Variable(np.zeros((5, 3), np.float32))

    @nf.function
    def step(indices: Any) -> None:
        v.assign_add(nf.ones([5, 3]))
        v.scatter_add(nf.IndexedSlices(nf.ones([2, 3]), indices))
        v.scatter_mul(nf.IndexedSlices(nf.fill([2, 3], 2.0), indices))

    step(nf.constant([0, 3]))
    assert v.numpy()[:, 0].tolist() == [4, 1, 1, 4, 1]
    program = str(step.explain()).split("Program")[1].split("Memory")[0]
    assert program.count("Variable (in place)") == 3

    @nf.function
    def watched(indices: Any) -> Any:
        before = v.value()
        v.scatter_sub(nf.IndexedSlices(nf.ones([2, 3]), indices))
        between = v.value()
        v.scatter_update(nf.IndexedSlices(nf.zeros([2, 3]), indices))
        return before, between

    before, between = watched(nf.constant([1, 1]))
    assert before.numpy()[:, 0].tolist() == [4, 1, 1, 4, 1]
    assert between.numpy()[:, 0].tolist() == [4, -1, 1, 4, 1]
    assert v.numpy()[:, 0].tolist() == [4, 0, 1, 4, 1]


@pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])
def test_other_dtypes_and_empty_variables(wrap: Any) -> None:
    """Complex numbers have sums and products, bools and text are replaced only."""
    twice = np.full((2, 2), 1 + 2j, np.complex64)
    z = nf.Variable(np.ones((3, 2), np.complex64))
    wrap(lambda: z.scatter_add(nf.IndexedSlices(nf.constant(twice), [1, 1])).value())()
    assert z.numpy()[1].tolist() == [3 + 4j, 3 + 4j]
    wrap(lambda: z.scatter_mul(nf.IndexedSlices(nf.constant(twice[:1]), [1])).value())()
    assert z.numpy()[1].tolist() == [-5 + 10j, -5 + 10j]
    b, s = nf.Variable([False, False, True]), nf.Variable(["a", "b"])
    wrap(lambda: b.scatter_update(nf.IndexedSlices(nf.constant([True, False]), [0, 2])).value())()
    assert b.numpy().tolist() == [True, False, False]
    with pytest.raises(nf.errors.DTypeError, match="scatter_max: does not take complex64"):
        wrap(lambda: z.scatter_max(nf.IndexedSlices(nf.constant(twice), [1, 1])).value())()
    with pytest.raises(nf.errors.DTypeError, match="scatter_add: does not take bool"):
        wrap(lambda: b.scatter_add(nf.IndexedSlices(nf.constant([True]), [0])).value())()
    s.scatter_update(nf.IndexedSlices(nf.constant(["z"]), [1]))
    assert s.numpy().tolist() == [b"a", b"z"]
    e = nf.Variable(np.zeros((0, 3), np.float32))
    wrap(lambda: e.scatter_add(nf.IndexedSlices(nf.ones([0, 3]), np.zeros(0, np.int64))).value())()
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"index 0 is outside \[0, 0\)"):
        wrap(lambda: e.scatter_sub(nf.IndexedSlices(nf.ones([1, 3]), [0])).value())()
