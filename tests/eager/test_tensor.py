"""Tensors as Python and NumPy objects: text, numbers, keys, copies, DLPack."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import numpy as np
import pytest

import numflow as nf

# TensorFlow 2.21's texts.
TEXTS: list[tuple[Any, str, str]] = [
    (
        [1.0, 2.0],
        "<tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>",
        "tf.Tensor([1. 2.], shape=(2,), dtype=float32)",
    ),
    (
        [[1, 2], [3, 4]],
        "<tf.Tensor: shape=(2, 2), dtype=int32, numpy=\n"
        "array([[1, 2],\n       [3, 4]], dtype=int32)>",
        "tf.Tensor(\n[[1 2]\n [3 4]], shape=(2, 2), dtype=int32)",
    ),
    (1.5, "<tf.Tensor: shape=(), dtype=float32, numpy=1.5>",
     "tf.Tensor(1.5, shape=(), dtype=float32)"),
    (True, "<tf.Tensor: shape=(), dtype=bool, numpy=True>",
     "tf.Tensor(True, shape=(), dtype=bool)"),
    ("ab", "<tf.Tensor: shape=(), dtype=string, numpy=b'ab'>",
     "tf.Tensor(b'ab', shape=(), dtype=string)"),
    (["a"], "<tf.Tensor: shape=(1,), dtype=string, numpy=array([b'a'], dtype=object)>",
     "tf.Tensor([b'a'], shape=(1,), dtype=string)"),
    ([], "<tf.Tensor: shape=(0,), dtype=float32, numpy=array([], dtype=float32)>",
     "tf.Tensor([], shape=(0,), dtype=float32)"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "shown", "printed"), TEXTS, ids=lambda v: str(v)[:12])
def test_texts_are_tensorflows(value: Any, shown: str, printed: str) -> None:
    x = nf.constant(value)
    assert (repr(x), str(x)) == (shown, printed)


def test_text_of_bfloat16_and_of_a_trace() -> None:
    x = nf.constant([1.5], nf.bfloat16)
    assert repr(x) == "<tf.Tensor: shape=(1,), dtype=bfloat16, numpy=array([1.5], dtype=bfloat16)>"
    texts = []

    @nf.function
    def f(x: Any) -> Any:
        y = x + 1.0
        texts.append((str(y), repr(y), y.value_index))
        return y

    for n in (3, 5, 7):
        f(nf.ones([n, 2]))
    assert texts[0][0] == 'Tensor("add:0", shape=(3, 2), dtype=float32)'
    assert texts[-1][:2] == (
        'Tensor("add:0", shape=(None, 2), dtype=float32)',
        "<tf.Tensor 'add:0' shape=(None, 2) dtype=float32>",
    )


def test_formats() -> None:
    """As the NumPy value formats."""
    x = nf.constant([1.0, 2.0])
    assert f"{x}" == "[1. 2.]" and f"{nf.constant(1.234):.2f}" == "1.23"
    assert f"{nf.constant(7):03d}" == "007" and f"{nf.constant(1.5, nf.bfloat16):.3f}" == "1.500"
    assert "%.1f %d" % (nf.constant(1.25), nf.constant([3])) == "1.2 3"  # noqa: UP031
    with pytest.raises(TypeError):
        f"{x:.2f}"


def test_numbers() -> None:
    """One element is a number; only whole scalars are indices; nothing is false."""
    assert int(nf.constant([1.7])) == 1 and float(nf.constant([[2]])) == 2.0
    assert complex(nf.constant(1 + 1j)) == 1 + 1j and [5, 6][nf.constant(1)] == 6
    assert list(range(nf.constant(2))) == [0, 1]
    assert not nf.zeros([0]) and not nf.constant(0.0) and nf.ones([1, 1])
    for bad in (
        lambda: int(nf.constant([1, 2])),
        lambda: nf.constant(1.0).__index__(),
        lambda: nf.constant([1]).__index__(),
        lambda: len(nf.constant(1)),
        lambda: iter(nf.constant(1)),
    ):
        with pytest.raises(TypeError):
            bad()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(nf.constant([1, 2]))


def test_tensors_are_no_keys_but_their_references_are() -> None:
    x, y = nf.constant([1.0, 2.0]), nf.constant([1.0, 2.0])
    with pytest.raises(TypeError, match=r"use tensor\.ref\(\) as the key"):
        hash(x)
    assert x.ref() == x.ref() and x.ref() != y.ref() and len({x.ref(), x.ref(), y.ref()}) == 2
    assert x.experimental_ref().deref() is x and repr(x.ref()) == f"<Reference wrapping {x!r}>"

    @nf.function
    def f(x: Any) -> Any:
        assert {x.ref(): 1}[x.ref()] == 1
        with pytest.raises(TypeError, match="unhashable"):
            hash(x)
        return x

    f(x)


def test_equality_is_of_elements() -> None:
    """False as a whole where shapes do not broadcast, and beside None."""
    x = nf.constant([1, 2])
    assert (x == [1, 3]).numpy().tolist() == [True, False]
    assert (x == [1, 2, 3]).numpy() == np.False_ and (x != [1, 2, 3]).numpy() == np.True_
    assert (x == None) is False and (x != None) is True  # noqa: E711
    assert x in [x] and nf.function(lambda x: x == [1, 2, 3])(x).shape == ()
    with pytest.raises(nf.errors.ShapeError):
        nf.equal(x, [1, 2, 3])
    with pytest.raises(TypeError):
        x == nf.constant([1.0, 2.0])  # noqa: B015


def test_what_only_graphs_have() -> None:
    """TensorFlow's words."""
    x = nf.constant(1.0)
    for name in ("name", "op", "graph", "value_index"):
        with pytest.raises(AttributeError) as e:
            getattr(x, name)
        assert str(e.value) == f"Tensor.{name} is undefined when eager execution is enabled."
    with pytest.raises(AttributeError, match="consumers is undefined"):
        x.consumers()
    with pytest.raises(AttributeError, match=r"is \.numpy\(\) what you're looking for\?"):
        x.eval()
    assert not hasattr(x, "name")


def test_what_tensors_of_a_trace_have() -> None:
    """The operation that makes them, with its inputs; the graph; who takes them."""
    seen: list[Any] = []

    @nf.function
    def f(x: Any, y: Any) -> Any:
        z = nf.transpose(x) + y
        seen.append((z.op.type, z.op.name, z.graph is x.graph, z.op == z.op, z.op.outputs[0] is z))
        seen.append([t.op.type for t in z.op.inputs] + [c.type for c in y.consumers()])
        seen.append((x.op.type, x.op.name, list(x.op.inputs), x.op.values()[0] is x, x.op == y.op))
        seen.append(z.op.inputs[0].op.get_attr("perm"))
        assert z.op.control_inputs == [] and z.op.device == ""
        with pytest.raises(ValueError, match="operation 'add' of type add has no attribute 'axis'"):
            z.op.get_attr("axis")
        with pytest.raises(nf.errors.SymbolicTensorError, match="eval needs one"):
            z.eval()
        return z

    f(nf.ones([2, 3]), nf.ones([3, 2]))
    assert seen[0] == ("add", "add", True, True, True)
    assert seen[1] == ["transpose", "Placeholder", "add"]
    assert seen[2] == ("Placeholder", "x", [], True, False) and seen[3] == (1, 0)


def test_what_arrays_have_is_pointed_to() -> None:
    with pytest.raises(AttributeError, match=r"a tensor has nf\.cast\(x, dtype\)"):
        nf.constant(1.0).astype("int32")  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        nf.constant(1.0).nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_shapes_and_devices() -> None:
    x: Any = nf.ones([2, 3])
    x.set_shape([2, None])
    x.set_shape(None)
    x.set_shape(nf.TensorShape([2, 3]))
    with pytest.raises(ValueError) as e:
        x.set_shape([2, 4])
    want = "Tensor's shape (2, 3) is not compatible with supplied shape (2, 4)."
    assert str(e.value) == want and x.get_shape() == [2, 3] and x.ndim == 2
    assert x.device == x.backing_device and x.device.endswith("CPU:0") and x.cpu() is x
    with pytest.raises(RuntimeError, match="GPU:0 unknown device"):
        x.gpu()


def test_a_trace_that_sets_a_size_knows_it() -> None:
    """set_shape of a size that the trace left open traces again with the exact one."""

    @nf.function
    def f(x: Any) -> Any:
        x.set_shape([5, None])
        return nf.constant(x.shape[0]) + nf.shape(x)[1]

    assert [int(f(nf.ones([5, n]))) for n in (2, 3, 4)] == [7, 8, 9]
    with pytest.raises(ValueError, match="not compatible with supplied shape"):
        f(nf.ones([4, 2]))


@pytest.mark.parametrize("value", [1.5, [1, 2], ["a", "b"], [[True]], [1j]], ids=str)
def test_copies_and_pickles(value: Any) -> None:
    x = nf.constant(value)
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.spec == x.spec and np.array_equal(twin.numpy(), x.numpy())


def test_pickle_of_bfloat16() -> None:
    x = nf.constant([1.5, 2.5], nf.bfloat16)
    twin = pickle.loads(pickle.dumps(x))
    assert twin.spec == x.spec and twin.numpy().tolist() == [1.5, 2.5]


# --- NumPy ------------------------------------------------------------------------------------


def test_numpy_beside_tensors() -> None:
    """An operator gives a tensor of the tensor's dtype, a function of NumPy an array."""
    x = nf.constant([1.0, 2.0])
    for y in (np.array([1.0, 2.0]) + x, np.float64(2) * x, x - np.array([1, 2]), np.float32(2) * x):
        assert isinstance(y, nf.Tensor) and y.dtype is nf.float32
    assert type(np.exp(x)) is np.ndarray and np.exp(x).dtype == np.float32
    assert np.sum(x) == 3 and np.add(x, x).tolist() == [2, 4]


def test_array_protocol() -> None:
    """A read-only view unless a copy is asked for or needed."""
    x = nf.constant([1.0, 2.0])
    for view in (np.asarray(x), np.array(x, copy=None), x.__array__(), np.asarray(x, np.float32)):
        assert np.shares_memory(view, x._array) and not view.flags.writeable  # type: ignore[attr-defined]
    for own in (np.array(x), x.numpy(), x.__array__(copy=True), np.asarray(x, np.float64)):
        assert not np.shares_memory(own, x._array) and own.flags.writeable  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="only in a copy"):
        x.__array__(np.float64, copy=False)


# --- DLPack -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "complex64", "uint64", "float16"])
def test_dlpack_shares_the_memory(dtype: str) -> None:
    x: Any = nf.cast(nf.constant([0, 1, 2]), dtype)
    array = np.from_dlpack(x)
    assert np.shares_memory(array, x._array) and array.dtype == dtype and not array.flags.writeable
    back = nf.experimental.dlpack.from_dlpack(nf.experimental.dlpack.to_dlpack(x))
    assert np.shares_memory(back._array, x._array) and back.spec == x.spec
    assert x.__dlpack_device__() == (1, 0)


def test_dlpack_of_bfloat16() -> None:
    """NumPy has no name for it: the capsule says it all the same."""
    x = nf.constant([1.5, -2.0], nf.bfloat16)
    back = nf.experimental.dlpack.from_dlpack(x)
    assert back.dtype is nf.bfloat16 and back.numpy().tolist() == [1.5, -2.0]
    assert np.shares_memory(back._array, x._array)  # type: ignore[attr-defined]


def test_dlpack_of_strided_and_read_only_arrays() -> None:
    a = np.arange(12.0).reshape(3, 4)
    x = nf.experimental.dlpack.from_dlpack(a.T[::2])
    assert x.numpy().tolist() == a.T[::2].tolist() and np.shares_memory(x._array, a)
    assert nf.function(lambda x: x + 1.0)(x).numpy().tolist() == (a.T[::2] + 1).tolist()
    a.flags.writeable = False
    assert nf.experimental.dlpack.from_dlpack(a).numpy().tolist() == a.tolist()


def test_a_variable_that_is_shared_moves_before_it_is_written() -> None:
    v = nf.Variable([1.0, 2.0])
    capsule = nf.experimental.dlpack.to_dlpack(v)
    view = np.from_dlpack(v.value())  # type: ignore[arg-type]
    v.assign_add([10.0, 10.0])
    nf.function(lambda: v.assign([5.0, 5.0]))()
    assert view.tolist() == [1, 2] and v.numpy().tolist() == [5, 5]
    got = nf.experimental.dlpack.from_dlpack(capsule)
    del capsule, view
    gc.collect()
    assert got.numpy().tolist() == [1, 2]


def test_dlpack_refuses() -> None:
    class OnGpu:
        def __dlpack_device__(self) -> tuple[int, int]:
            return (2, 0)

        def __dlpack__(self, **_: Any) -> Any: ...

    dlpack = nf.experimental.dlpack
    with pytest.raises(BufferError, match="no strings"):
        dlpack.to_dlpack(nf.constant("a"))
    with pytest.raises(BufferError, match="not on the CPU"):
        dlpack.from_dlpack(OnGpu())
    with pytest.raises(TypeError, match="a capsule or an object"):
        dlpack.from_dlpack([1])
    used = dlpack.to_dlpack(nf.constant([1.0]))
    dlpack.from_dlpack(used)
    with pytest.raises(TypeError, match="used already"):
        dlpack.from_dlpack(used)
