"""Variables: what they own, when they move, and what they refuse."""

import copy
import ctypes
import gc
import pickle
import threading

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DTypeError, ShapeError


def cell(v: nf.Variable) -> int:
    return ctypes.c_int64.from_address(v.cell_address).value


def test_it_behaves_like_a_tensor() -> None:
    v = nf.Variable([[1.0, 2.0], [3.0, 4.0]])
    assert v.shape == (2, 2) and v.dtype is nf.float32 and v.name == "Variable:0"
    np.testing.assert_array_equal(2 * v - v[0] + np.float32(1), [[2, 3], [6, 7]])
    np.testing.assert_array_equal(v @ v, [[7, 10], [15, 22]])
    np.testing.assert_array_equal(np.ones((2, 2), np.float32) + v, [[2, 3], [4, 5]])
    assert float(v[0, 1]) == 2.0 and len(v) == 2
    with pytest.raises(TypeError, match=r"Instead, use variable\.ref\(\) as the key"):
        hash(v)


def test_an_older_tensor_keeps_its_value() -> None:
    v = nf.Variable([1.0, 2.0])
    before, view = v.value(), np.asarray(v)[::-1]
    v.assign_add([1.0, 1.0])
    v.assign([7.0, 8.0])
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(view, [2, 1])
    np.testing.assert_array_equal(v, [7, 8])


def test_a_private_buffer_is_written_in_place() -> None:
    v = nf.Variable([1.0, 2.0])
    address = cell(v)
    assert address % 64 == 0
    assert not v.shared()
    v.assign([3.0, 4.0])
    v.assign_sub([1.0, 1.0])
    assert cell(v) == address
    tensor = v.value()
    assert v.shared()
    v.make_private()
    assert cell(v) != address
    assert not v.shared()
    np.testing.assert_array_equal(tensor, [2, 3])


def test_the_initial_array_is_copied() -> None:
    a = np.ones(3, np.float32)
    v = nf.Variable(a)
    a[0] = 5
    np.testing.assert_array_equal(v, [1, 1, 1])
    v.numpy()[0] = 5
    np.testing.assert_array_equal(v, [1, 1, 1])


def test_rows_of_dead_variables_are_used_again() -> None:
    cells = {nf.Variable(0.0).cell_address for _ in range(2000)}
    gc.collect()
    assert len(cells) < 1000


def test_assign_refuses_another_shape_and_dtype() -> None:
    v = nf.Variable([1.0, 2.0], name="w")
    with pytest.raises(ShapeError) as e:
        v.assign([1.0, 2.0, 3.0])
    assert str(e.value).startswith(
        "assign: the value's shape is not that of variable w:0\n"
        "  variable: float32 [2]\n"
        "  value: float32 [3]\n"
    )
    with pytest.raises(ValueError):
        v.assign_add(1.0)
    with pytest.raises(DTypeError):
        v.assign(nf.constant([1, 2]))
    np.testing.assert_array_equal(v, [1, 2])


def test_a_loose_variable_takes_any_shape() -> None:
    v = nf.Variable([1.0], validate_shape=False)
    v.assign([1.0, 2.0])
    assert v.shape == (2,)
    v = nf.Variable([1.0], shape=nf.TensorSpec([None]).shape)
    v.assign([1.0, 2.0, 3.0])
    assert v.shape.as_list() == [None] and v.numpy().shape == (3,)
    assert repr(v).startswith(
        "<tf.Variable 'Variable:0' shape=(None,) dtype=float32, numpy=array([1"
    )
    with pytest.raises(ValueError, match=r"does not fit variable Variable:0, of shape \(None,\)"):
        v.assign([[1.0, 2.0]])
    v = nf.Variable([[1.0, 2.0]], shape=[None, 2])
    assert v.assign([[1.0, 2.0], [3.0, 4.0]]).numpy().shape == (2, 2)
    with pytest.raises(ValueError, match="does not fit"):
        v.assign([[1.0, 2.0, 3.0]])
    anything = nf.Variable([1.0], shape=nf.TensorShape(None))
    assert anything.assign([[1.0]]).shape.rank is None
    total = nf.function(lambda: nf.reduce_sum(v) + nf.reduce_sum(anything))
    assert total().numpy() == 11
    v.assign([[1.0, 1.0]])
    assert total().numpy() == 3


def test_copies_and_pickles_keep_what_a_variable_is() -> None:
    """Shape, trainability, name, value; and they are others."""
    v = nf.Variable([1.0, 2.0], False, name="v", shape=[None], constraint=nf.abs)
    for twin in (copy.copy(v), copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert twin is not v and twin.name == "v:0" and not twin.trainable
        twin.assign([3.0])
        assert twin.shape.as_list() == [None] and v.numpy().tolist() == [1, 2]
    assert copy.copy(v).constraint is nf.abs
    loose = pickle.loads(pickle.dumps(nf.Variable([1.0], validate_shape=False)))
    assert loose.assign([1.0, 2.0]).shape == (2,)


def test_an_assignment_that_is_not_read_gives_nothing() -> None:
    v = nf.Variable(1.0)
    assert v.assign(2.0, read_value=False) is None
    assert v.assign_add(2.0, read_value=False) is None
    assert v.assign_sub(1.0, read_value=False) is None and v.numpy() == 3


def test_words_for_copies_are_kept() -> None:
    """What is synchronized when it is read is not trainable."""
    sync, how = nf.VariableSynchronization, nf.VariableAggregation
    v = nf.Variable(1.0, synchronization=sync.ON_READ, aggregation=how.MEAN)
    assert (v.synchronization, v.aggregation, v.trainable) == (sync.ON_READ, how.MEAN, False)
    assert nf.Variable(1.0).synchronization is sync.AUTO and [m.value for m in how] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="what is synchronized ON_READ is not trainable"):
        nf.Variable(1.0, trainable=True, synchronization=sync.ON_READ)
    with pytest.raises(ValueError, match="Variable: constraint is int, not a function"):
        nf.Variable(1.0, constraint=3)  # type: ignore[arg-type]


def test_the_face_of_version_1() -> None:
    """As TensorFlow 2 has it: where there is no graph, there is no op, session or initializer."""
    v = nf.Variable(1, name="v")
    assert v.initializer is None and v.is_initialized().numpy() and complex(v) == 1
    assert v.count_up_to(2).numpy() == 1 and v.numpy() == 2
    with pytest.raises(nf.errors.OutOfRangeError, match="count_up_to: v:0 has reached 2"):
        v.count_up_to(2)
    for name in ("graph", "op"):
        assert not hasattr(v, name)
    with pytest.raises(RuntimeError, match="Variable: there is no session"):
        v.eval()
    with pytest.raises(RuntimeError, match="the initial value is not kept"):
        _ = v.initial_value
    v.set_shape([])
    with pytest.raises(ValueError, match=r"variable v:0 is not of shape \(2,\)"):
        v.set_shape([2])


def test_initial_values_may_be_functions_and_have_dtypes() -> None:
    assert nf.Variable(lambda: nf.ones([2]) * 3).numpy().tolist() == [3, 3]
    assert nf.Variable(1, dtype=nf.float64).dtype is nf.float64
    assert nf.Variable(np.arange(3)).dtype is nf.int64
    with pytest.raises(ValueError, match="an initial value is needed"):
        nf.Variable()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 5), (2, 3, 5)])
def test_every_shape(shape: tuple[int, ...]) -> None:
    v = nf.Variable(nf.ones(shape))
    v.assign_add(np.ones(shape, np.float32))
    np.testing.assert_array_equal(v, np.full(shape, 2))


def test_threads_do_not_lose_updates() -> None:
    v = nf.Variable(np.int64(0))

    def add() -> None:
        for _ in range(1000):
            v.assign_add(1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert int(v) == 4000


def test_reading_waits_for_a_write_to_end() -> None:
    """A tensor never holds a buffer that is written meanwhile."""
    v = nf.Variable([0, 0])
    begun = threading.Event()

    def write() -> None:
        with v._lock:
            v._array[0] = 1
            begun.set()
            threading.Event().wait(0.05)
            v._array[1] = 1

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    value, array, total = v.value(), np.array(v), v + 0
    writer.join()
    for seen in (value, array, total):
        np.testing.assert_array_equal(seen, [1, 1])


def test_references_are_keys() -> None:
    v, w = nf.Variable(1.0), nf.Variable(1.0)
    assert {v.ref(): 1}[v.ref()] == 1 and v.ref() != w.ref() and v.ref().deref() is v


def test_it_prints_as_in_tensorflow() -> None:
    assert repr(nf.Variable(1.5)) == "<tf.Variable 'Variable:0' shape=() dtype=float32, numpy=1.5>"


def test_plus_equals_is_refused() -> None:
    v = nf.Variable(1.0, name="v")
    with pytest.raises(
        RuntimeError, match="would make a tensor of variable v:0\n  try: assign_add"
    ):
        v += 1.0
