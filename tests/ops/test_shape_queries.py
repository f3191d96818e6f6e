"""Questions about shapes, and users' types that become tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numflow as nf
from tests.contract import Case, check, ids, ints


def of_3_5_7(x: Any) -> Any:
    return nf.unravel_index(x, [3, 5, 7])


SHAPES: list[tuple[int, ...]] = [(11,), (), (0,), (2, 3)]
CASES = [
    Case(of_3_5_7, lambda x: np.stack(np.unravel_index(x, (3, 5, 7))), [ints(*s, low=0, high=105)])
    for s in SHAPES
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, strides, tracing."""
    check(case)


def test_unravel_index_refuses_what_is_outside() -> None:
    for bad in ([105], [-1]):
        for run in (of_3_5_7, nf.function(of_3_5_7)):
            with pytest.raises(nf.errors.InvalidArgumentError, match="outside"):
                run(nf.constant(bad))
    with pytest.raises(nf.errors.DTypeError, match="takes integers of one dtype"):
        nf.unravel_index(nf.constant([1], nf.int64), [3, 3])
    x = nf.constant([2, 5], nf.int64)
    assert nf.unravel_index(x, nf.constant([3, 3], nf.int64)).dtype is nf.int64


STATIC: list[tuple[Any, Any, Any]] = [
    ([3, 1], [2], [3, 2]),
    ([None, 3], [2, 3], [2, 3]),
    ([None, 1], [None, None], [None, None]),
    ([None], [1], [None]),
    ([], [5], [5]),
    (None, [2], None),
    ([0], [1], [0]),
]


@pytest.mark.parametrize(("x", "y", "want"), STATIC)
def test_static_broadcasting(x: Any, y: Any, want: Any) -> None:
    for a, b in ((x, y), (y, x)):
        got = nf.broadcast_static_shape(nf.TensorShape(a), nf.TensorShape(b))
        assert got == nf.TensorShape(want)


SIZES = st.lists(st.sampled_from([0, 1, 1, 2, 3]), max_size=4)


@given(SIZES, SIZES)
def test_broadcasting_is_numpys(x: list[int], y: list[int]) -> None:
    """Of any two shapes, as numbers and as tensors; what NumPy refuses is refused."""
    try:
        want = np.broadcast_shapes(tuple(x), tuple(y))
    except ValueError:
        for refused in (nf.broadcast_static_shape, nf.broadcast_dynamic_shape):
            with pytest.raises(ValueError):
                refused(nf.constant(x, nf.int32), nf.constant(y, nf.int32))
        return
    assert nf.broadcast_static_shape(x, y) == want
    got = nf.broadcast_dynamic_shape(nf.constant(x, nf.int32), nf.constant(y, nf.int32))
    assert got.numpy().tolist() == list(want)


def test_dynamic_broadcasting() -> None:
    """Of shapes that a trace leaves open too."""
    assert nf.broadcast_dynamic_shape([3, 1], [2]).numpy().tolist() == [3, 2]
    x, y = nf.constant([3, 1], nf.int64), nf.constant([], nf.int64)
    assert nf.broadcast_dynamic_shape(x, y).dtype is nf.int64

    @nf.function
    def f(x: Any, y: Any) -> Any:
        return nf.broadcast_dynamic_shape(nf.shape(x), nf.shape(y))

    for n in (3, 4, 5):
        assert f(nf.ones([n, 1]), nf.ones([2])).numpy().tolist() == [n, 2]
    for bad in ([3], [2]), ([3, 2], [2, 2]):
        with pytest.raises(ValueError, match="broadcast"):
            nf.broadcast_dynamic_shape(*bad)
        with pytest.raises(ValueError, match="broadcast_static_shape: sizes 3 and 2 meet"):
            nf.broadcast_static_shape(*bad)
    with pytest.raises(nf.errors.DTypeError):
        nf.broadcast_dynamic_shape([1.5], [1.5])
    with pytest.raises(nf.errors.ShapeError, match="a size is negative"):
        nf.broadcast_dynamic_shape([-1], [1])
    with pytest.raises(nf.errors.ShapeError, match="a shape is a list of sizes"):
        nf.broadcast_dynamic_shape(1, [1])


def test_shapes_of_several() -> None:
    got = nf.shape_n([nf.zeros([2, 3]), nf.zeros([4])], out_type=nf.int64)
    assert [s.numpy().tolist() for s in got] == [[2, 3], [4]] and got[0].dtype is nf.int64
    assert [x.numpy().tolist() for x in nf.identity_n([[1], 2.5])] == [[1], 2.5]


def test_ensure_shape() -> None:
    """Tensors of that shape pass; traced ones have it from here on."""
    x = nf.ones([2, 3])
    shape: Any
    for shape in (None, [2, 3], [None, 3], nf.TensorShape([2, None])):
        assert nf.ensure_shape(x, shape).shape == [2, 3]
    for shape in ([2], [2, 4], [None, None, None]):
        with pytest.raises(nf.errors.InvalidArgumentError, match="x has another shape"):
            nf.ensure_shape(x, shape)

    @nf.function
    def f(x: Any) -> Any:
        return nf.ensure_shape(x, [None, 3]) * 2.0

    for n in (1, 2, 4):
        assert f(nf.ones([n, 3])).shape == [n, 3]
    with pytest.raises(ValueError, match="x has another shape"):
        f(nf.ones([2, 4]))

    @nf.function
    def kept(x: Any) -> Any:
        return nf.ensure_shape(nf.boolean_mask(x, x > 0), [2])

    assert kept(nf.constant([1.0, -1.0, 2.0])).numpy().tolist() == [1, 2]
    with pytest.raises(nf.errors.InvalidArgumentError):
        kept(nf.constant([1.0, 1.0, 2.0]))


def test_static_values() -> None:
    """Constants and sizes that are known; None for what a trace has not."""
    assert nf.get_static_value(nf.constant([1, 2])).tolist() == [1, 2]
    assert nf.get_static_value(5) == 5
    seen: list[Any] = []

    @nf.function
    def f(x: Any) -> Any:
        seen.append(nf.get_static_value(nf.shape(x)).tolist())
        seen.append(nf.get_static_value(nf.constant([1.5])).tolist())
        seen.append(nf.get_static_value(x))
        return x

    f(nf.ones([2, 3]))
    assert seen == [[2, 3], [1.5], None]


def test_own_types_become_tensors() -> None:
    """The lower priority first, NotImplemented passes on; numbers and arrays stay what they are."""

    class Metres:
        def __init__(self, value: float) -> None:
            self.value = value

    def refuse(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
        return NotImplemented

    def convert(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
        return nf.constant(value.value, dtype)

    nf.register_tensor_conversion_function(Metres, convert)
    nf.register_tensor_conversion_function((Metres,), refuse, priority=1)
    assert nf.convert_to_tensor(Metres(2.5)).numpy() == 2.5
    assert (nf.constant(1.0, nf.float64) + Metres(2.5)).dtype is nf.float64
    assert nf.function(lambda x: x * Metres(2.0))(nf.ones([2])).numpy().tolist() == [2, 2]
    bad: Any
    for bad in (float, np.ndarray, 3, (int, Metres)):
        with pytest.raises(TypeError):
            nf.register_tensor_conversion_function(bad, convert)
    with pytest.raises(TypeError, match="must be callable"):
        nf.register_tensor_conversion_function(Metres, None)  # type: ignore[arg-type]


def test_is_tensor() -> None:
    """Variables and slices count, arrays do not."""
    assert nf.is_tensor(nf.constant(1)) and nf.is_tensor(nf.Variable(1))
    assert nf.is_tensor(nf.IndexedSlices(nf.zeros([1, 2]), nf.constant([0])))
    assert not any(map(nf.is_tensor, (1, np.ones(2), [1], None, nf.TensorSpec([1]))))
