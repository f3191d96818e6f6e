"""constant, range, linspace, one_hot, eye, meshgrid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops import creation
from tests.contract import Case, check, floats, ids, ints


def _one_hot(depth: int, axis: int = -1) -> Any:
    def oracle(i: Any) -> Any:
        hot = (i[..., None] == np.arange(depth)).astype(float)
        return np.moveaxis(hot, -1, axis)

    return oracle


CASES = [
    Case(nf.one_hot, _one_hot(5), [ints(3, 7, low=-2, high=8)], {"depth": 5}),
    Case(nf.one_hot, _one_hot(5, 0), [ints(3, 7, low=0, high=5)], {"depth": 5, "axis": 0}),
    Case(
        nf.one_hot,
        _one_hot(5, 1),
        [ints(3, 7, low=0, high=5)],
        {"depth": 5, "axis": 1, "dtype": nf.float64},
    ),
    Case(nf.one_hot, _one_hot(0), [ints(3)], {"depth": 0}),
    Case(
        nf.one_hot,
        lambda i: np.where(i[..., None] == np.arange(3), 9, -9),
        [ints(low=0, high=3)],
        {"depth": 3, "on_value": 9, "off_value": -9},
    ),
    Case(
        nf.linspace,
        lambda a, b: np.linspace(a, b, 7),
        [floats(), floats()],
        {"num": 7},
        dtypes=[nf.float32, nf.float64],
    ),
    Case(
        nf.linspace,
        lambda a, b: np.linspace(a, b, 7, axis=1),
        [floats(3, 5), floats(3, 5)],
        {"num": 7, "axis": 1},
    ),
    Case(nf.linspace, lambda a, b: np.linspace(a, b, 1), [floats(), floats()], {"num": 1}),
    Case(nf.meshgrid, lambda x, y: np.meshgrid(x, y), [floats(3), floats(5)]),
    Case(
        lambda x, y, z: nf.meshgrid(x, y, z, indexing="ij"),
        lambda x, y, z: np.meshgrid(x, y, z, indexing="ij"),
        [floats(3), floats(5), floats(2)],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize(
    "args",
    [(5,), (2, 9), (9, 2, -3), (0, 5, 2), (5, 5), (3, 1, -1), (1.0, 2.0, 0.25), (0.0, 1.0, 0.3)],
)
def test_range(args: Any) -> None:
    """As NumPy's, float32 and int32."""
    got = nf.range(*args)
    np.testing.assert_allclose(got, np.arange(*args), rtol=1e-6)
    assert got.dtype is (nf.float32 if any(isinstance(a, float) for a in args) else nf.int32)


@pytest.mark.parametrize(
    "args",
    [(3, 1, 1), (0, 3, -1), (0.0, 1.0, -0.5), (0, -3, 1), (np.nan, 1.0, 1.0), (0.0, 1.0, np.nan)],
)
def test_ranges_that_lead_away(args: Any) -> None:
    """As in TensorFlow; in a program too, of numbers that it knows when it runs."""
    run = nf.function(lambda a, b, c: nf.range(a, b, c))
    for call in (lambda: nf.range(*args), lambda: run(*map(nf.constant, args))):
        with pytest.raises(nf.errors.InvalidArgumentError, match=r"range: (delta leads|takes fin)"):
            call()


def test_range_of_an_unknown_size() -> None:
    """range(batch) in a function whose batch is symbolic: one trace for all sizes."""
    traces = []

    @nf.function
    def f(x: Any) -> Any:
        traces.append(1)
        return nf.range(nf.shape(x)[0]) + 1

    for n in (3, 5, 7, 11):
        assert f(nf.ones([n])).numpy().tolist() == list(range(1, n + 1))
    assert len(traces) <= 3


def test_linspace_ends_exactly() -> None:
    """Both ends are the numbers given, and the dtype is theirs."""
    for n in (2, 3, 7, 50, 99):
        x = nf.linspace(0.1, 0.7, n)
        assert x.numpy()[0] == np.float32(0.1) and x.numpy()[-1] == np.float32(0.7)
        assert x.dtype is nf.float32
    assert nf.linspace(0, 10, 5).numpy().tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]


def test_eye() -> None:
    """Square, wide, tall, empty, in batches, of any dtype."""
    for rows, columns in [(3, None), (3, 5), (5, 3), (0, 3)]:
        np.testing.assert_array_equal(nf.eye(rows, columns), np.eye(rows, columns))
    assert nf.eye(3, batch_shape=[2]).shape == (2, 3, 3)
    assert nf.eye(2, dtype=nf.int32).numpy().tolist() == [[1, 0], [0, 1]]


def test_iota_is_the_index_along_an_axis() -> None:
    """Eager and compiled."""
    for run in (lambda f: f, nf.function):
        got = run(lambda: creation.iota((2, 3, 5), 1, nf.int64))()
        np.testing.assert_array_equal(got, np.broadcast_to(np.arange(3)[:, None], (2, 3, 5)))


def test_constant_keeps_and_converts() -> None:
    """float32 and int32 of Python numbers, the dtype of arrays, what is asked for."""
    assert nf.constant(1.5).dtype is nf.float32 and nf.constant(1).dtype is nf.int32
    assert nf.constant(np.ones(2)).dtype is nf.float64
    assert nf.constant([1, 2], nf.float16).dtype is nf.float16
    assert nf.constant(2**40).dtype is nf.int64
    assert nf.constant([True]).dtype is nf.bool
    assert nf.constant("text").numpy() == b"text"
    assert nf.constant(7, shape=[2, 3]).numpy().tolist() == [[7] * 3] * 2
    assert nf.constant([1, 2, 3, 4], shape=[2, 2]).numpy().tolist() == [[1, 2], [3, 4]]
    a = np.ones(3)
    t = nf.constant(a)
    a[0] = 9
    assert t.numpy()[0] == 1
    t.numpy()[0] = 9
    assert t.numpy()[0] == 1


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: nf.constant([[1, 2], [3]]), ValueError, "constant: value cannot become a tensor"),
        (lambda: nf.constant(None), ValueError, "constant: value is None"),
        (lambda: nf.constant(object()), ValueError, "constant: value holds object objects"),
        (
            lambda: nf.constant(1.5, nf.int32),
            TypeError,
            "constant: value is a float, which does not become int32",
        ),
        (lambda: nf.constant(300, nf.uint8), TypeError, "constant: value does not fit into uint8"),
        (lambda: nf.constant(2**70), TypeError, "constant: value holds an integer beyond 64 bits"),
        (
            lambda: nf.constant([1, 2], shape=[3]),
            ValueError,
            "constant: 2 elements do not become 3",
        ),
        (lambda: nf.constant("a", nf.float32), (TypeError, ValueError), "constant: value"),
        (lambda: nf.range(0, 5, 0), nf.errors.InvalidArgumentError, "range: delta is 0"),
        (
            lambda: nf.range(1 << 50),
            nf.errors.ResourceExhaustedError,
            "range: not enough memory for 1125899906842624 elements",
        ),
        (
            lambda: nf.range(0.0, float("inf")),
            nf.errors.InvalidArgumentError,
            "range: takes finite numbers",
        ),
        (
            lambda: nf.linspace(0.0, 1.0, -1),
            nf.errors.InvalidArgumentError,
            "linspace: num is negative: -1",
        ),
        (lambda: nf.one_hot([0.5], 3), TypeError, "one_hot: indices is float32, not an integer"),
        (lambda: nf.one_hot([0], -1), ValueError, "one_hot: a size is negative: -1"),
        (
            lambda: nf.one_hot([0], 3, axis=2),
            ValueError,
            "one_hot: axis 2 is out of range for 2 axes",
        ),
        (lambda: nf.eye(-1), ValueError, "eye: a size is negative: -1"),
        (lambda: nf.meshgrid([1], [2], indexing="ab"), ValueError, "meshgrid: no indexing 'ab'"),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run()
    assert str(e.value).startswith(message)


def test_text_is_text_only() -> None:
    """Numbers do not become text silently; no byte of it is lost."""
    assert nf.constant(["a", b"b\0"]).numpy().tolist() == [b"a", b"b\0"]
    assert nf.constant([], nf.string).shape == (0,)
    with pytest.raises(TypeError, match="constant: value is of type int64, which does not become"):
        nf.constant(1, nf.string)
    with pytest.raises(TypeError, match="add: y is of type int64, which does not become text"):
        nf.constant("a") + 1


LISTS: list[tuple[Any, str]] = [
    ([np.float64(1), 1.5], "float64"),
    ([1.5, np.float64(1)], "float32"),
    ([np.float32(1), np.float64(2)], "float32"),
    ([2, np.float64(2)], "float64"),
    ([np.int64(1), np.uint8(2)], "int32"),
    ([np.int64(2**40), 1], "int64"),
    ([np.array([1.0, 2.0]), [3.0, 4.0]], "float64"),
    ([[1.0, 2.0], np.array([1.0, 2.0])], "float32"),
    ([np.array([1, 2], np.uint8)], "int32"),
    ([np.float16(1)], "float16"),
    ([1, True], "int32"),
    ([np.bool_(True), False], "bool"),
    ([[1], [2.5]], "float32"),
    ([], "float32"),
]


@pytest.mark.parametrize(("value", "dtype"), LISTS, ids=str)
def test_dtypes_of_lists(value: Any, dtype: str) -> None:
    """TensorFlow's: of integers int32, of floats the first one's; [] is of every dtype."""
    assert nf.constant(value).dtype.name == dtype


def test_arrays_become_the_dtype_that_is_asked_for() -> None:
    """Numbers in lists do not: they would lose something silently."""
    assert nf.constant(np.array([1.7, -1.7]), nf.int32).numpy().tolist() == [1, -1]
    assert nf.convert_to_tensor(np.array([True]), nf.float32).numpy().tolist() == [1.0]
    assert nf.constant([], nf.int64).dtype is nf.int64 and nf.constant([], nf.string).shape == [0]
    assert nf.constant(True, nf.float32).numpy() == 1.0
    with pytest.raises(nf.errors.DTypeError):
        nf.constant([1.7], nf.int32)


def test_lists_that_hold_no_one_kind() -> None:
    """Each message says what is wrong."""
    faults: list[tuple[Any, str]] = [
        ([True, 1.5], "value mixes bools and numbers"),
        (["a", 1], "value mixes text and numbers"),
        (["a", None], "value holds None, which no dtype can hold"),
        ([1, None], "value holds None, which no dtype can hold"),
        (nf.TensorShape([None, 3]), "value holds None, which no dtype can hold"),
        ([1, {}], "value holds dict objects, which no dtype can hold"),
        ([1, 2**70], "value holds an integer beyond 64 bits"),
    ]
    for value, text in faults:
        with pytest.raises((ValueError, TypeError), match=f"constant: {text}"):
            nf.constant(value)
    with pytest.raises(nf.errors.DTypeError, match="there is no text that is 1"):
        nf.ones([2], nf.string)


def test_no_numbers_in_between() -> None:
    """linspace of 0 numbers is empty, also where a trace does not know how many there are."""
    counted = nf.function(lambda n: nf.linspace(0.0, 1.0, n))
    for run in (lambda n: nf.linspace(0.0, 1.0, n), lambda n: counted(nf.constant(n))):
        assert [run(n).numpy().tolist() for n in (0, 1, 2)] == [[], [0.0], [0.0, 1.0]]


@pytest.mark.parametrize("kind", ["M8[D]", "m8[s]", "V8"])
def test_arrays_of_what_no_tensor_holds(kind: str) -> None:
    """Dates and records are refused where they come in, alone or beside a tensor."""
    x = np.zeros(2, kind)
    for run in (
        lambda: nf.constant(x),
        lambda: nf.ones(2) + x,
        lambda: nf.function(nf.identity)(x),
    ):
        with pytest.raises((ValueError, TypeError), match="NumPy's"):
            run()


def test_integers_beyond_64_bits_beside_floats() -> None:
    """They become floats as other numbers do, where they fit at all."""
    assert float(nf.constant(1.0) + 10**30) == float(np.float32(1e30))
    for x, n in ((nf.constant(1), 10**30), (nf.constant(1.0), 10**400)):
        with pytest.raises(nf.errors.InvalidArgumentError, match="beyond 64 bits"):
            x + n
