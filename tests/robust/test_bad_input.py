"""Wrong calls, eager and compiled: an exception of the right type that explains itself.

Never a dead process, a hang, gigabytes of memory, or a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import numflow as nf
from numflow.errors import (
    DTypeError,
    InvalidArgumentError,
    ResourceExhaustedError,
    ShapeError,
)
from tests.robust.training import classification


class Bad(NamedTuple):
    """A wrong call: what it raises, and what the message must hold."""

    call: Callable[..., Any]
    args: tuple[Any, ...]
    error: type[Exception]
    texts: tuple[str, ...]


X = np.arange(6, dtype=np.float32).reshape(2, 3)
Y = np.arange(20, dtype=np.float32).reshape(4, 5)
V = np.arange(3, dtype=np.float32)
K = np.array([0, 1], np.int32)
LOGITS = np.zeros((2, 7), np.float32)
xent = nf.nn.sparse_softmax_cross_entropy_with_logits
dense_xent = nf.nn.softmax_cross_entropy_with_logits

CASES = [
    # dtypes
    Bad(lambda x, k: x + k, (X[0, :2], K), DTypeError, ("add", "float32", "int32", "cast")),
    Bad(lambda x, k: x @ k, (X, X.T.astype(np.float64)), DTypeError, ("matmul", "float64")),
    Bad(lambda k: nf.nn.softmax(k), (K,), DTypeError, ("softmax", "int32")),
    Bad(lambda k: nf.sqrt(k), (K,), DTypeError, ("sqrt", "int32")),
    Bad(lambda x: nf.logical_and(x, x), (X,), DTypeError, ("logical_and", "float32")),
    Bad(lambda x: nf.gather(x, x), (X,), DTypeError, ("gather", "float32")),
    Bad(lambda x, y: xent(labels=y, logits=x), (X, V[:2]), DTypeError, ("float32",)),
    # ranks
    Bad(lambda x: nf.matmul(x, x), (V,), ShapeError, ("matmul", "rank 1")),
    Bad(lambda x: nf.transpose(x, [0, 2, 1]), (X,), ShapeError, ("transpose", "perm 2", "2 axes")),
    Bad(lambda x, v: nf.concat([x, v], 0), (X, V), ShapeError, ("concat", "[3]")),
    Bad(lambda x: nf.nn.bias_add(x, x), (X,), ShapeError, ("bias_add", "[2, 3]")),
    Bad(lambda x: x[0, 0, 0], (X,), Exception, ("2",)),
    # sizes
    Bad(lambda x, y: x + y, (X, Y), ShapeError, ("add", "[2, 3]", "[4, 5]")),
    Bad(lambda x, y: x @ y, (X, Y), ShapeError, ("matmul", "3 columns", "4 rows")),
    Bad(lambda x: nf.reshape(x, [4, 2]), (X,), ShapeError, ("reshape", "[4, 2]", "6")),
    Bad(lambda x: nf.reshape(x, [-1, -1]), (X,), ShapeError, ("reshape", "-1")),
    Bad(lambda x: nf.reshape(x, [-1, 4]), (X,), ShapeError, ("reshape", "4")),
    Bad(lambda x, y: nf.concat([x, y], 0), (X, Y), ShapeError, ("concat", "[2, 3]", "[4, 5]")),
    Bad(lambda x, y: nf.stack([x, y]), (X, Y), ShapeError, ("stack", "[2, 3]", "[4, 5]")),
    Bad(lambda x: nf.split(x, 2, axis=1), (X,), ShapeError, ("split", "3")),
    Bad(lambda x: nf.split(x, [1, 5], axis=1), (X,), ShapeError, ("split", "3")),
    Bad(lambda x: nf.squeeze(x, 0), (X,), ShapeError, ("squeeze", "2")),
    Bad(lambda x, y: nf.where(x > 0, y, y), (X, Y), ShapeError, ("[2, 3]", "[4, 5]")),
    Bad(lambda x, v: nf.nn.bias_add(x, v), (X, V[:2]), ShapeError, ("bias_add", "3", "2")),
    Bad(lambda k: xent(labels=k, logits=np.zeros((3, 7))), (K,), ShapeError, ("[2]", "[3, 7]")),
    Bad(lambda x, y: dense_xent(labels=x, logits=y), (X, Y), ShapeError, ("[2, 3]", "[4, 5]")),
    Bad(lambda x: nf.zeros([2, -1]), (X,), ShapeError, ("-1",)),
    # axes
    Bad(lambda x: nf.reduce_sum(x, 5), (X,), ShapeError, ("reduce_sum", "axis 5", "2 axes")),
    Bad(lambda x: nf.reduce_max(x, -3), (X,), ShapeError, ("reduce_max", "-3")),
    Bad(lambda x: nf.reduce_mean(x, [0, 0]), (X,), ShapeError, ("reduce_mean", "0")),
    Bad(lambda x: nf.transpose(x, [0, 0]), (X,), ShapeError, ("transpose", "[0, 0]")),
    Bad(lambda x: nf.expand_dims(x, 9), (X,), ShapeError, ("expand_dims", "9")),
    Bad(lambda x: nf.concat([x, x], 3), (X,), ShapeError, ("concat", "3")),
    Bad(lambda x: nf.nn.softmax(x, axis=4), (X,), ShapeError, ("softmax", "4")),
    Bad(lambda x: nf.split(x, 2, axis=7), (X,), ShapeError, ("split", "7")),
    Bad(lambda x: nf.stack([x, x], 5), (X,), ShapeError, ("stack", "5")),
    # indices and labels
    Bad(lambda x: x[7], (X,), Exception, ("7", "2")),
    Bad(lambda x: x[:, -4], (X,), Exception, ("-4", "3")),
    Bad(lambda x: nf.gather(x, [0, 5]), (X,), InvalidArgumentError, ("gather", "5")),
    Bad(lambda x, k: nf.gather(x, k), (X, K + 9), InvalidArgumentError, ("gather", "9", "2")),
    Bad(lambda x, k: nf.gather(x, k), (X, K - 1), InvalidArgumentError, ("gather", "-1", "2")),
    Bad(lambda x, k: nf.gather(x, k), (X[:, :0], K + 9), InvalidArgumentError, ("gather", "9")),
    Bad(lambda k, z: xent(k, z), (K + 6, LOGITS), InvalidArgumentError, ("label", "7")),
    Bad(lambda k, z: xent(k, z), (K - 1, LOGITS), InvalidArgumentError, ("label", "-1")),
    Bad(lambda x: nf.slice(x, [0, 2], [2, 2]), (X,), Exception, ("slice", "3")),
    Bad(lambda x: x[::0], (X,), Exception, ("0",)),
    # numbers that mean nothing
    Bad(lambda k: k // 0, (K,), InvalidArgumentError, ("division by zero",)),
    Bad(lambda k: k % nf.zeros([2], nf.int32), (K,), InvalidArgumentError, ("0",)),
    Bad(lambda k: k ** (k - 1), (K,), InvalidArgumentError, ("-1",)),
    Bad(lambda x: nf.range(0, 5, 0), (X,), InvalidArgumentError, ("range", "0")),
    Bad(lambda x: nf.linspace(0.0, 1.0, -1), (X,), InvalidArgumentError, ("linspace", "-1")),
    Bad(lambda x: nf.one_hot([1], -2), (X,), InvalidArgumentError, ("one_hot", "-2")),
    # too large
    Bad(lambda x: nf.zeros([1 << 45]), (X,), ResourceExhaustedError, ("memory",)),
    Bad(lambda x: nf.ones([1 << 40, 1 << 40]), (X,), ResourceExhaustedError, ("memory",)),
    Bad(lambda x: nf.fill([1 << 44], x[0, 0]), (X,), ResourceExhaustedError, ("memory",)),
    Bad(lambda x: nf.random.normal([1 << 45]), (X,), ResourceExhaustedError, ("memory",)),
    Bad(lambda x: nf.one_hot([0, 1], 1 << 45), (X,), ResourceExhaustedError, ("memory",)),
    Bad(lambda x: nf.eye(1 << 24), (X,), ResourceExhaustedError, ("memory",)),
    Bad(lambda x: nf.range(1e15), (X,), ResourceExhaustedError, ("range",)),
]


def _check(bad: Bad, call: Callable[[], Any]) -> None:
    with pytest.raises(bad.error) as caught:
        call()
    message, _, where = str(caught.value).rpartition("\n  at ")  # the line's source is no message
    for text in bad.texts:
        assert text in message, f"{text!r} is not in: {message}"
    line = bad.call.__code__.co_firstlineno
    assert where.startswith(f"test_bad_input.py:{line} in "), caught.value


NAMES = [f"line{case.call.__code__.co_firstlineno}" for case in CASES]


@pytest.mark.parametrize("bad", CASES, ids=NAMES)
def test_eager(bad: Bad) -> None:
    _check(bad, lambda: bad.call(*[nf.constant(a) for a in bad.args]))


@pytest.mark.parametrize("bad", CASES, ids=NAMES)
def test_compiled(bad: Bad) -> None:
    """And again: what failed once fails the same way when it is called a second time."""
    f = nf.function(bad.call)
    for _ in range(2):
        _check(bad, lambda: f(*bad.args))


@pytest.mark.filterwarnings("ignore:.*tensor must be floating")
@pytest.mark.parametrize("bad", CASES, ids=NAMES)
def test_under_a_tape(bad: Bad) -> None:
    @nf.function
    def gradient(*args: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([a for a in args if a.dtype.is_floating])
            y = bad.call(*args)
        return y, tape.gradient(y, list(args))

    _check(bad, lambda: gradient(*bad.args))


# --- what only a call can tell -----------------------------------------------


def test_a_refused_label_leaves_every_variable_as_it_was() -> None:
    """And the function goes on working, also on its shortest way."""
    training = classification()
    training.run(3)
    x, labels = next(training.batches)
    before = training.digest()
    for wrong in (7, -1, 1 << 30, -(1 << 31)):
        bad = labels.copy()
        bad[101] = wrong
        with pytest.raises(InvalidArgumentError, match=rf"{wrong}.*\[0, 7\)") as caught:
            training.step(x, bad)
        assert "at training.py:" in str(caught.value)
        assert training.digest() == before
    training.run(2)
    twin = classification()
    twin.run(3)
    next(twin.batches)
    twin.run(2)
    assert training.digest() == twin.digest()


def test_indices_are_checked_on_every_way() -> None:
    """The first call, later ones, other sizes, 64-bit indices, many rows."""
    table = nf.Variable(np.ones((5, 3), np.float32))
    f = nf.function(lambda k: nf.reduce_sum(nf.gather(table, k)))
    for dtype in (np.int32, np.int64):
        for n in (1, 3, 4099):
            k = np.zeros(n, dtype)
            for _ in range(3):
                assert float(f(k)) == 3 * n
                for wrong in (5, -1, np.iinfo(dtype).max, np.iinfo(dtype).min):
                    k[n // 2] = wrong
                    with pytest.raises(InvalidArgumentError, match=r"gather: .*\[0, 5\)"):
                        f(k)
                    k[n // 2] = 0


def test_sizes_that_meet_at_run_time_only() -> None:
    f = nf.function(
        lambda x, y: x + y, input_signature=[nf.TensorSpec([None]), nf.TensorSpec([None])]
    )
    x = np.ones(3, np.float32)
    for _ in range(2):
        assert f(x, x).numpy().tolist() == [2, 2, 2]
        with pytest.raises(InvalidArgumentError, match=r"add: .*\n.*\[3\]\n.*\[4\]") as caught:
            f(x, np.ones(4, np.float32))
        assert "at test_bad_input.py:" in str(caught.value)


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        ((np.ones((2, 4), np.float32),), ("x", "[2, 4]", "(None, 3)")),
        ((np.ones(3, np.float32),), ("x", "[3]", "(None, 3)")),
        ((nf.ones([2, 3], nf.int32),), ("x", "int32", "float32")),
        ((np.ones((2, 3), np.complex64),), ("x", "complex64", "float32")),
        ((), ("1", "0")),
        ((np.ones((2, 3), np.float32), 1.0), ("1", "2")),
        (("text",), ("x", "float32")),
        ((None,), ("x", "None")),
        (([[1.0, 2.0, 3.0], [1.0]],), ("x",)),
    ],
)
def test_what_an_input_signature_does_not_take(args: Any, texts: tuple[str, ...]) -> None:
    @nf.function(input_signature=[nf.TensorSpec([None, 3])])
    def f(x: Any) -> Any:
        return nf.reduce_sum(x, 0)

    assert f(np.ones((2, 3), np.float32)).numpy().tolist() == [2, 2, 2]
    for _ in range(2):
        with pytest.raises((ValueError, TypeError)) as caught:
            f(*args)
        message = str(caught.value)
        assert message.startswith("f: ")
        assert all(text in message for text in texts), message


@pytest.mark.parametrize(
    ("value", "error", "texts"),
    [
        (np.ones(3, np.float32), ShapeError, ("w", "[3]", "[2]")),
        (np.ones((2, 1), np.float32), ShapeError, ("w", "[2, 1]", "[2]")),
        (nf.ones([2], nf.int32), DTypeError, ("int32", "float32")),
        (np.ones(2, np.complex64), DTypeError, ("complex64", "float32")),
        ("text", DTypeError, ("text", "float32")),
    ],
)
def test_what_a_variable_does_not_take(value: Any, error: Any, texts: tuple[str, ...]) -> None:
    w = nf.Variable([1.0, 2.0], name="w")

    def add() -> None:
        w.assign_add(value)

    def replace() -> None:
        w.assign(value)

    for call in (add, replace, nf.function(add), nf.function(replace)):
        with pytest.raises(error) as caught:
            call()
        message = str(caught.value)
        assert all(text in message for text in texts), message
        assert "at test_bad_input.py:" in message
    assert w.numpy().tolist() == [1, 2]


def test_objects_and_ragged_lists_are_no_tensors() -> None:
    f = nf.function(lambda x: nf.convert_to_tensor(x) + 1)
    wrong = (object(), [[1.0], [1.0, 2.0]], {1, 2}, 1 << 70, [None], np.array([{}]))
    for value in wrong:
        for call in (nf.convert_to_tensor, lambda x: f([x]), lambda x: nf.constant(1) + x):
            with pytest.raises((TypeError, ValueError, OverflowError)):
                call(value)
    assert float(nf.constant(1.0) + (1 << 70)) == 2.0**70  # beside floats a number is one


def test_arrays_of_objects_are_text_or_refused() -> None:
    f = nf.function(lambda x: x)
    assert f(np.array(["a", "bc"])).numpy().tolist() == [b"a", b"bc"]
    for _ in range(2):
        with pytest.raises(DTypeError, match="function: an argument holds"):
            f(np.array([1, 2], object))
        with pytest.raises(ValueError, match="function: an argument holds dict objects"):
            f(np.array([{}]))
        for wrong in (np.zeros(2, "M8[s]"), np.zeros(2, [("a", "f4")]), np.zeros(2, np.longdouble)):
            with pytest.raises(TypeError, match="no element type for NumPy's"):
                f(wrong)


def test_huge_sizes_that_only_a_call_shows() -> None:
    """An outer product of arguments: more than any machine's memory, refused before a byte."""
    f = nf.function(lambda x, y: x[:, None] * y)
    f(np.ones(3, np.float32), np.ones(5, np.float32))
    f(np.ones(7, np.float32), np.ones(9, np.float32))
    x = np.ones(1 << 21, np.float32)
    for _ in range(2):
        with pytest.raises(
            ResourceExhaustedError, match=r"not enough memory: 17592\.2 GB"
        ) as caught:
            f(x, x)
        assert "at test_bad_input.py:" in str(caught.value)
    inner = nf.function(lambda x, y: nf.reduce_sum(nf.cumsum(x[:, None] * y)))
    with pytest.raises(ResourceExhaustedError, match="not enough memory"):
        inner(x, x)
