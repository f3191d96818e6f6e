"""scatter_nd and tensor_scatter_nd_*."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _put(ufunc: Any) -> Any:
    def oracle(base: Any, indices: Any, updates: Any) -> Any:
        out = base.copy()
        places = tuple(np.moveaxis(indices, -1, 0))
        if ufunc is None:
            out[places] = updates
        else:
            ufunc.at(out, places, updates)
        return out

    return oracle


def _nd(*shape: int) -> Any:
    """scatter_nd as a function of indices and updates."""

    def scatter_nd(indices: Any, updates: Any) -> Any:
        return nf.scatter_nd(indices, updates, shape)

    def oracle(indices: Any, updates: Any) -> Any:
        return _put(np.add)(np.zeros(shape, updates.dtype), indices, updates)

    return scatter_nd, oracle


def _once(base: Any, indices: Any, updates: Any) -> Any:
    """An update at places that differ from each other."""
    rows = nf.reshape(nf.range(updates.shape[0]), [-1, 1]) * 2
    return nf.tensor_scatter_nd_update(base, rows + 0 * indices, updates)


def _once_oracle(base: Any, indices: Any, updates: Any) -> Any:
    out = base.copy()
    out[0 : 2 * len(updates) : 2] = updates
    return out


UFUNCS = [
    (nf.tensor_scatter_nd_add, np.add),
    (nf.tensor_scatter_nd_sub, np.subtract),
    (nf.tensor_scatter_nd_max, np.maximum),
    (nf.tensor_scatter_nd_min, np.minimum),
]
CASES = [
    *(
        Case(_nd(*shape)[0], _nd(*shape)[1], [ints(*at, low=0, high=3), draw(*rows)])
        for draw in (floats, ints)
        for shape, at, rows in [
            ((5,), (7, 1), (7,)),
            ((3, 5), (7, 1), (7, 5)),
            ((3, 5), (2, 7, 2), (2, 7)),
            ((3, 3, 2), (7, 2), (7, 2)),
            ((3, 5), (0, 1), (0, 5)),
            ((3, 0), (7, 1), (7, 0)),
        ]
    ),
    *(
        Case(op, _put(ufunc), [draw(5, 3), ints(7, 1, low=0, high=5), draw(7, 3)])
        for op, ufunc in UFUNCS
        for draw in (floats, ints)
    ),
    *(
        Case(op, _put(ufunc), [floats(2, 5, 3), ints(3, 7, 2, low=0, high=2), floats(3, 7, 3)])
        for op, ufunc in UFUNCS
    ),
    Case(_once, _once_oracle, [floats(7, 3), ints(3, 1), floats(3, 3)]),
    Case(_once, _once_oracle, [ints(7), ints(3, 1), ints(3)]),
    Case(
        nf.tensor_scatter_nd_update,
        lambda x, i, u: np.asarray(u),
        [floats(3), ints(0, low=0, high=1), floats(3)],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("dtype", ["int8", "uint32", "uint64", "complex64", "bool", "float16"])
def test_other_dtypes(compiled: bool, dtype: str) -> None:
    """Integers wrap and compare without sign, what is copied may be anything."""
    base = np.array([[0, 1], [100, 3], [5, 7]]).astype(dtype)
    updates = np.array([[200, 3], [100, 2], [0, 9]]).astype(np.int64).astype(dtype)
    if dtype.startswith("uint"):
        updates[0] = np.iinfo(dtype).max
    indices = np.array([[1], [1], [0]], np.uint8)
    compile_it: Any = nf.function if compiled else lambda f: f
    got = compile_it(nf.tensor_scatter_nd_update)(base, indices, updates)
    np.testing.assert_array_equal(got, _put(None)(base, indices, updates))
    if dtype == "bool":
        return
    for op, ufunc in UFUNCS[: 2 if dtype == "complex64" else 4]:
        got = compile_it(op)(base, indices, updates).numpy()
        np.testing.assert_array_equal(got, _put(ufunc)(base, indices, updates))
        assert got.dtype == base.dtype


def test_of_equal_places_the_last_one_counts() -> None:
    """Eager and compiled."""
    for run in (nf.tensor_scatter_nd_update, nf.function(nf.tensor_scatter_nd_update)):
        assert run([1.0, 2.0], [[1], [1], [1]], [5.0, 7.0, 3.0]).numpy().tolist() == [1.0, 3.0]


def test_gradients_of_an_extreme_are_shared() -> None:
    """Equally, among the base and all updates that attain it."""
    base, updates = nf.constant([1.0, 5.0]), nf.constant([5.0, 5.0, 0.0])
    with nf.GradientTape() as tape:
        tape.watch([base, updates])
        y = nf.tensor_scatter_nd_max(base, [[1], [1], [0]], updates) * nf.constant([2.0, 3.0])
    to_base, to_updates = tape.gradient(y, [base, updates])
    np.testing.assert_array_equal(to_base, [2.0, 1.0])
    np.testing.assert_array_equal(to_updates, [1.0, 1.0, 0.0])


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(("indices", "value"), [([[0, 5]], 5), ([[3, 0]], 3), ([[-1, 0]], -1)])
def test_a_place_out_of_range_is_refused(compiled: bool, indices: Any, value: int) -> None:
    """Each coordinate by itself, also where nothing would be written."""
    compile_it: Any = nf.function if compiled else lambda f: f
    for shape in ([3, 5], [3, 5, 0]):
        base = nf.zeros(shape)
        with pytest.raises(nf.errors.InvalidArgumentError, match=rf"index {value} is outside"):
            compile_it(nf.tensor_scatter_nd_add)(
                base, nf.constant(indices), nf.ones([1, *shape[2:]])
            )
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"is outside \[0, 0\)"):
        compile_it(nf.tensor_scatter_nd_add)(nf.zeros([0]), nf.constant([[0]]), nf.ones([1]))


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda x: nf.scatter_nd([[0.0]], [1.0], [3]),
            TypeError,
            "scatter_nd: indices is float32, not an integer",
        ),
        (
            lambda x: nf.scatter_nd([[0, 1]], [1.0], [3]),
            ValueError,
            "scatter_nd: there are no 2 axes to index",
        ),
        (
            lambda x: nf.scatter_nd(0, 1.0, [3]),
            ValueError,
            "scatter_nd: indices needs a last axis for the places",
        ),
        (
            lambda x: nf.tensor_scatter_nd_update(x, [[0]], [1.0, 2.0]),
            ValueError,
            "tensor_scatter_nd_update: updates must have the shape",
        ),
        (
            lambda x: nf.tensor_scatter_nd_add(x, [[0]], nf.ones([1, 5], nf.int32)),
            TypeError,
            "tensor_scatter_nd_add: updates is int32, not float32",
        ),
        (
            lambda x: nf.tensor_scatter_nd_max(x > 0, [[0]], nf.ones([1, 5]) > 0),
            TypeError,
            "tensor_scatter_nd_max: does not take bool",
        ),
        (
            lambda x: nf.tensor_scatter_nd_update([b"a"], [[0]], [b"b"]),
            TypeError,
            "tensor_scatter_nd_update: does not take string",
        ),
        (
            lambda x: nf.scatter_nd([[0]], [1.0], [-3]),
            ValueError,
            "scatter_nd: ",
        ),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)
