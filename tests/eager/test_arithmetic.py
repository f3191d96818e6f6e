"""Operators of eager tensors by their shortest way: the same results, dtypes and refusals."""

import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.eager.arithmetic import OPERATORS

BINARY: list[Callable[[Any, Any], Any]] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]


@pytest.mark.parametrize("f", BINARY)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "uint8"])
@pytest.mark.parametrize("shapes", [((7,), (7,)), ((3, 5), (5,)), ((1,), (0,)), ((), (2,))])
def test_the_second_time_gives_what_the_first_gave(
    f: Callable[[Any, Any], Any], dtype: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    a, b = (np.arange(1, 1 + np.prod(s, dtype=int)).reshape(s).astype(dtype) for s in shapes)
    x, y = nf.constant(a), nf.constant(b)
    for left, right in ((x, y), (x, 2), (2, y)):
        first, second = f(left, right), f(left, right)
        assert first.spec == second.spec and second.spec.shape == second._array.shape
        assert second._array.dtype == second.dtype.numpy
        np.testing.assert_array_equal(first._array, second._array)
    if dtype.startswith("float"):
        got = [f(x, 2.5), f(x, 2.5), f(x, -0.0), f(x, 0.0), f(2.5, y), f(2.5, y)]
        np.testing.assert_array_equal(got[0]._array, f(a, np.asarray(2.5, dtype)))
        np.testing.assert_array_equal(got[0]._array, got[1]._array)
        np.testing.assert_array_equal(got[4]._array, f(np.asarray(2.5, dtype), b))
        np.testing.assert_array_equal(got[4]._array, got[5]._array)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_products_of_matrices(dtype: str) -> None:
    a, b = np.arange(15).reshape(3, 5).astype(dtype), np.arange(35).reshape(5, 7).astype(dtype)
    x, y = nf.constant(a), nf.constant(b)
    wide = a.astype("float64") @ b.astype("float64")
    for _ in range(3):
        z: Any = x @ y
        assert z.dtype is x.dtype and z._array.dtype == a.dtype
        np.testing.assert_array_equal(z.numpy(), wide.astype(dtype))
        with pytest.raises(nf.errors.ShapeError, match="inner sizes differ"):
            x @ x
        with pytest.raises(nf.errors.ShapeError, match="rank 1"):
            x @ y[0]
        with pytest.raises((nf.errors.DTypeError, nf.errors.ShapeError)):
            x @ 2


def test_functions_of_two_operands_the_second_time() -> None:
    x, y = nf.constant([1.0, 5.0]), nf.constant([[2.0], [3.0]])
    for _ in range(3):
        assert nf.maximum(x, y).numpy().tolist() == [[2.0, 5.0], [3.0, 5.0]]
        assert nf.add(x, 1.0).numpy().tolist() == [2.0, 6.0]
        assert nf.add(1.0, 2.0).numpy() == 3.0
        with pytest.raises(nf.errors.DTypeError):
            nf.maximum(x, nf.constant([1, 2]))
        with pytest.raises(nf.errors.ShapeError):
            nf.maximum(x, nf.constant([1.0, 2.0, 3.0]))


def test_the_sign_of_zero_survives() -> None:
    x = nf.constant([1.0, 2.0])
    for _ in range(3):
        assert (x / 0.0).numpy().tolist() == [np.inf] * 2
        assert (x / -0.0).numpy().tolist() == [-np.inf] * 2


def test_one_number_of_two_kinds() -> None:
    x, n = nf.constant([1.0, 2.0]), nf.constant([1, 2])
    for _ in range(2):
        assert (x + 2).dtype is nf.float32 and (x + 2.0).dtype is nf.float32
        assert (n + 2).dtype is nf.int32
        with pytest.raises(nf.errors.DTypeError):
            n + 2.0
        assert (n + True).numpy().tolist() == [2, 3]  # a bool counts as 0 or 1, as in TensorFlow
        assert (n / 2).dtype is nf.float64 and (n / n).dtype is nf.float64


def test_what_was_refused_once_is_refused_again_in_the_same_words() -> None:
    x = nf.constant([1.0, 2.0, 3.0])
    for y in (nf.constant([1.0, 2.0]), nf.constant([1, 2, 3])):
        texts = []
        for _ in range(3):
            with pytest.raises(nf.errors.InvalidArgumentError) as e:
                x + y
            texts.append(str(e.value))
        assert texts[0] == texts[1] == texts[2]


def test_a_tape_sees_what_has_become_usual() -> None:
    x = nf.constant([1.0, 2.0])
    for _ in range(3):
        x * x + 2.0 * x
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x * x + 2.0 * x
    assert tape.gradient(y, x).numpy().tolist() == [4.0, 6.0]


def test_a_trace_sees_what_has_become_usual() -> None:
    x = nf.constant([1.0, 2.0])
    for _ in range(3):
        x * 3.0

    @nf.function
    def f(y: Any) -> Any:
        return x * 3.0 + y

    assert f(x).numpy().tolist() == [4.0, 8.0]
    assert len(f.get_concrete_function(x).graph.nodes) >= 2


def test_none_and_text_beside_a_tensor() -> None:
    x = nf.constant([1.0, 2.0])
    assert (x == None) is False and (x != None) is True  # noqa: E711
    s = nf.constant(["a", "b"])
    for _ in range(2):
        assert (s + s).numpy().tolist() == [b"aa", b"bb"]
        assert (s == s).numpy().tolist() == [True, True]


def test_threads_may_use_one_operator_at_once() -> None:
    x = nf.constant(np.arange(50_000, dtype=np.float32))
    bad: list[Any] = []

    def work() -> None:
        results = [(x + x).numpy() for _ in range(30)]
        bad.extend(r for r in results if not np.array_equal(r, 2 * np.arange(50_000)))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad


def test_a_function_of_one_operand_the_second_time() -> None:
    a = np.linspace(-1, 2, 7, dtype=np.float32)
    x = nf.constant(a)
    for _ in range(3):
        np.testing.assert_array_equal(nf.exp(x).numpy(), np.exp(a))
        assert np.isnan(nf.math.log(x).numpy()[0]) and (-x).dtype is nf.float32
        with pytest.raises(nf.errors.DTypeError):
            nf.exp(nf.constant([1, 2]))


def test_every_operator_is_bound() -> None:
    for name, method in OPERATORS.items():
        assert getattr(type(nf.constant(1)), name) is method
