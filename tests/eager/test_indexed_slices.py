"""IndexedSlices: what TensorFlow's do, as gradients and by themselves."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import numflow as nf

TABLE = np.arange(8, dtype=np.float32).reshape(4, 2)
BOTH = pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])


def slices() -> Any:
    return nf.IndexedSlices(nf.constant([[3.0], [4.0], [1.0]]), nf.constant([0, 2, 0]), [3, 1])


def test_properties() -> None:
    g = slices()
    assert g.shape == (3, 1) and g.dtype is nf.float32 and g.spec.shape == (3, 1)
    assert np.asarray(g.dense_shape).tolist() == [3, 1] and "CPU:0" in g.device
    assert str(g).startswith("IndexedSlices(indices=tf.Tensor([0 2 0], shape=(3,), dtype=int32)")
    assert g == g and g != slices() and g in [g]
    assert nf.convert_to_tensor(g).numpy().tolist() == [[4], [0], [4]]
    assert np.asarray(g).tolist() == [[4], [0], [4]] and len(g) == 3
    unknown = nf.IndexedSlices(g.values, g.indices)
    assert unknown.dense_shape is None and unknown.shape.rank is None
    assert bool(unknown)
    for twin in (copy.copy(g), copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert twin.shape == (3, 1) and np.asarray(twin).tolist() == [[4], [0], [4]]
    with pytest.raises(ValueError, match="the dense shape is not known"):
        nf.convert_to_tensor(unknown)


def test_specs() -> None:
    """As TensorFlow writes and compares them."""
    spec = nf.IndexedSlicesSpec([None, 1], indices_dtype=nf.int32, dense_shape_dtype=nf.int32)
    assert repr(nf.IndexedSlicesSpec()) == (
        "IndexedSlicesSpec(TensorShape(None), nf.float32, nf.int64, None, TensorShape([None]))"
    )
    assert spec.value_type is nf.IndexedSlices
    assert spec.is_compatible_with(slices()) and not spec.is_compatible_with(nf.ones([3, 1]))
    assert not nf.IndexedSlicesSpec([4, 1], nf.float32, nf.int32, nf.int32).is_compatible_with(
        slices()
    )
    assert spec == nf.IndexedSlicesSpec([None, 1], nf.float32, nf.int32, nf.int32)
    assert len({spec, nf.IndexedSlicesSpec()}) == 2


def test_what_stays_sparse() -> None:
    """Signs, factors, casts, clipping; TensorFlow's norms do not add rows of equal index."""
    g = slices()
    kept = {
        "-g": (-g, -1.0), "2 * g": (2.0 * g, 2.0), "g / 2": (g / 2.0, 0.5),
        "scalar_mul": (nf.scalar_mul(3.0, g), 3.0), "cast": (nf.cast(g, nf.float64), 1.0),
        "identity": (nf.identity(g), 1.0), "stop": (nf.stop_gradient(g), 1.0),
        "clip_by_norm": (nf.clip_by_norm(g, 1.0), 1 / np.sqrt(26)),
        "global": (nf.clip_by_global_norm([g], 1.0)[0][0], 1 / np.sqrt(26)),
        "clip_by_value": (nf.clip_by_value(g, -9.0, 9.0), 1.0),
    }  # fmt: skip
    for name, (got, factor) in kept.items():
        assert isinstance(got, nf.IndexedSlices), name
        np.testing.assert_allclose(got.values.numpy(), g.values.numpy() * factor, 1e-6)
    norm = nf.linalg.global_norm([g, None, nf.constant([1.0])])
    np.testing.assert_allclose(norm, np.sqrt(27), 1e-6)


def test_everything_else_reads_the_dense_tensor() -> None:
    g = slices()
    dense = np.array([[4.0], [0.0], [4.0]])
    for got, want in [
        (g + g, 2 * dense), (g * g, dense**2), (nf.square(g), dense**2), (g - 1.0, dense - 1),
        (nf.add_n([g, g]), 2 * dense), (nf.reduce_sum(g), 8.0), (g[2], dense[2]),
        (nf.shape(g), [3, 1]), (nf.multiply(g, 2.0), 2 * dense), (1.0 / (g + 1.0), 1 / (dense + 1)),
    ]:  # fmt: skip
        assert isinstance(got, nf.Tensor)
        np.testing.assert_allclose(got, want)


@BOTH
def test_the_gradient_of_a_gather_from_a_variable_is_sparse(wrap: Any) -> None:
    """Several gathers are one after the other, the last one first; indices of any shape."""
    v = nf.Variable(TABLE)

    def run() -> Any:
        with nf.GradientTape() as tape:
            y = nf.reduce_sum(nf.gather(v, [1, 3, 1]) * 2.0)
            y = y + nf.reduce_sum(nf.nn.embedding_lookup(v, [[0, 1]]))
            y = y + nf.reduce_sum(nf.gather_nd(v, [[2]]))
        g = tape.gradient(y, v)
        assert isinstance(g, nf.IndexedSlices) and g.shape == (4, 2)
        return g.values, g.indices, nf.convert_to_tensor(g)

    values, indices, dense = wrap(run)()
    assert indices.numpy().tolist() == [2, 0, 1, 1, 3, 1]
    assert values.numpy()[:, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert dense.numpy()[:, 1].tolist() == [1, 5, 1, 2]


@BOTH
def test_what_gives_dense_gradients(wrap: Any) -> None:
    """Another axis, batches, slices by number, what is computed first, what is no variable."""
    v, x = nf.Variable(TABLE), nf.constant(TABLE)

    def run() -> Any:
        found = []
        for f in (
            lambda v: nf.gather(v, [0, 1], axis=1),
            lambda v: nf.gather(v, [[0], [0], [1], [1]], batch_dims=1),
            lambda v: v[1],
            lambda v: nf.gather(v * 2.0, [1]),
            lambda v: nf.gather(v, [1]) + nf.reduce_sum(v),
        ):
            with nf.GradientTape() as tape:
                y = nf.reduce_sum(f(v))
            found.append(tape.gradient(y, v))
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_sum(nf.gather(x, [1]))
        return [*found, tape.gradient(y, x)]

    assert all(isinstance(g, nf.Tensor) for g in wrap(run)())


@BOTH
def test_gradients_of_gradients(wrap: Any) -> None:
    """Through the values of slices, and through their dense form."""
    v = nf.Variable(TABLE)

    def run(dense: bool) -> Any:
        with nf.GradientTape() as outer:
            with nf.GradientTape() as inner:
                y = nf.reduce_sum(nf.gather(v, [1, 3, 1]) ** 3)
            g = inner.gradient(y, v)
            z = nf.reduce_sum(g * g) if dense else nf.reduce_sum(g.values * g.values)
        return nf.convert_to_tensor(outer.gradient(z, v))

    count = np.array([0, 2, 0, 1])[:, None]
    for dense, times in [(True, count**2), (False, count)]:
        np.testing.assert_allclose(wrap(run)(dense), 36 * TABLE**3 * times, 1e-5)
    with nf.GradientTape() as outer:
        with nf.GradientTape() as inner:
            y = nf.reduce_sum(nf.gather(v, [1, 3, 1]) ** 3)
        g = inner.gradient(y, v)
    np.testing.assert_allclose(  # slices as a target: their values
        nf.convert_to_tensor(outer.gradient(g, v)), 6 * TABLE * count, 1e-6
    )


def test_gradients_through_a_compiled_call_stay_sparse() -> None:
    """The tape is outside, the gather inside; the gradient of the gradient too."""
    v, w = nf.Variable(TABLE), nf.Variable(np.ones((2, 2), np.float32))
    f = nf.function(lambda ids: nf.reduce_sum(nf.matmul(nf.gather(v, ids), w) ** 2))
    with nf.GradientTape() as outer:
        with nf.GradientTape() as inner:
            y = f(nf.constant([1, 3, 1]))
        g = inner.gradient(y, v)
        assert isinstance(g, nf.IndexedSlices) and g.indices.numpy().tolist() == [1, 3, 1]
        z = nf.reduce_sum(g * g)
    sums = TABLE.sum(1, keepdims=True) * np.ones(2)
    count = np.array([0, 2, 0, 1])[:, None]
    np.testing.assert_allclose(nf.convert_to_tensor(g), 4 * count * sums, 1e-6)
    np.testing.assert_allclose(
        nf.convert_to_tensor(outer.gradient(z, v)), 64 * count**2 * sums, 1e-6
    )
    with nf.GradientTape() as tape:
        y = f(nf.constant([0])) + nf.reduce_sum(v)
    assert isinstance(tape.gradient(y, v), nf.Tensor)


def test_functions_take_and_give_slices() -> None:
    """Their tensors are arguments: other values, no other trace; the dense shape is a constant."""
    traces = []

    @nf.function
    def f(g: Any, factor: float = 1.0) -> Any:
        traces.append(g)
        return {"scaled": g * factor, "dense": nf.convert_to_tensor(g)}

    for k in range(3):
        values = nf.constant([[1.0, 2.0], [3.0, float(k)]])
        got = f(nf.IndexedSlices(values, nf.constant([k, 1]), [4, 2]), factor=2.0)
        want = np.zeros((4, 2))
        np.add.at(want, [k, 1], values.numpy())
        np.testing.assert_array_equal(got["dense"], want)
        assert isinstance(got["scaled"], nf.IndexedSlices) and got["scaled"].shape == (4, 2)
        np.testing.assert_array_equal(nf.convert_to_tensor(got["scaled"]), want * 2)
    assert len(traces) == 1
    f(nf.IndexedSlices(values, nf.constant([0, 1]), [5, 2]), factor=2.0)
    assert len(traces) == 2
    unknown = nf.function(lambda g: -g)(nf.IndexedSlices(values, nf.constant([0, 1])))
    assert unknown.dense_shape is None and unknown.values.numpy()[0, 1] == -2


def test_a_tape_that_is_used_up_leaves_variables_alone() -> None:
    """What it read it gives back: an eager step writes the rows where they are."""
    v = nf.Variable(TABLE)
    with nf.GradientTape() as tape:
        y = nf.reduce_sum(nf.gather(v, [1]))
    g = tape.gradient(y, v)
    assert not v.shared()
    address = v._array.ctypes.data
    v.scatter_sub(g)
    assert v._array.ctypes.data == address and v.numpy()[1].tolist() == [1, 2]


def test_bad_slices_are_refused() -> None:
    with pytest.raises(nf.errors.InvalidArgumentError, match="= 5 is outside"):
        nf.convert_to_tensor(nf.IndexedSlices(nf.ones([1, 2]), nf.constant([5]), [4, 2]))
    with pytest.raises(nf.errors.ShapeError, match="the values are no rows, one per index"):
        nf.convert_to_tensor(nf.IndexedSlices(nf.ones([2, 2]), nf.constant([0]), [4, 2]))
