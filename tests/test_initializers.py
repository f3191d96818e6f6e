"""Initializers: values, moments, fans, seeds, configurations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import numflow as nf

I = nf.initializers  # noqa: E741
RANDOM: list[Any] = [
    I.RandomNormal(1.0, 2.0),
    I.RandomUniform(-1.0, 3.0),
    I.TruncatedNormal(1.0, 0.5),
    I.VarianceScaling(2.0, "fan_avg", "untruncated_normal"),
    I.GlorotNormal(),
    I.GlorotUniform(),
    I.HeNormal(),
    I.HeUniform(),
    I.LecunNormal(),
    I.LecunUniform(),
]


def test_constants() -> None:
    assert nf.zeros_initializer()([2], nf.int64).numpy().tolist() == [0, 0]
    assert nf.ones_initializer()([2], nf.bool).numpy().tolist() == [True, True]
    assert nf.zeros_initializer()([1], nf.complex64).dtype is nf.complex64
    assert (
        I.Constant(3)([2]).dtype is nf.float32 and nf.constant_initializer(3)([2]).dtype is nf.int32
    )
    assert nf.constant_initializer([1, 2, 3, 4])([2, 2]).numpy().tolist() == [[1, 2], [3, 4]]
    assert nf.constant_initializer(np.array([1.5]))([1]).dtype is nf.float64
    assert nf.constant_initializer(2)([2], nf.float16).numpy().tolist() == [2, 2]
    assert I.Identity(2.0)([2, 3]).numpy().tolist() == [[2, 0, 0], [0, 2, 0]]
    with pytest.raises(nf.errors.ShapeError):
        nf.constant_initializer([1, 2, 3])([2, 2])
    with pytest.raises(TypeError, match="not a number, list or array"):
        nf.constant_initializer({})
    with pytest.raises(ValueError, match="Identity: makes matrices"):
        I.Identity()([3])


SCALED: list[tuple[Any, float]] = [
    (I.GlorotNormal(seed=1), 2 / (300 + 200)),
    (I.GlorotUniform(seed=1), 2 / (300 + 200)),
    (I.HeNormal(seed=1), 2 / 300),
    (I.HeUniform(seed=1), 2 / 300),
    (I.LecunNormal(seed=1), 1 / 300),
    (I.LecunUniform(seed=1), 1 / 300),
    (I.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1), 3 / 200),
    (I.RandomNormal(0.0, 0.5, seed=1), 0.25),
    (I.RandomUniform(-3.0, 3.0, seed=1), 3.0),
]


@pytest.mark.parametrize(("initializer", "variance"), SCALED, ids=lambda v: str(v)[:40])
def test_variance(initializer: Any, variance: float) -> None:
    """That of the formula, of 60,000 numbers around 0."""
    x = initializer([300, 200], nf.float64).numpy()
    assert abs(x.mean()) < 5 * math.sqrt(variance / x.size)
    assert abs(x.var() / variance - 1) < 0.03
    if isinstance(initializer, I.VarianceScaling) and initializer.distribution == "uniform":
        assert np.abs(x).max() <= math.sqrt(3 * variance)
    elif type(initializer).__name__.endswith("Normal") and not isinstance(
        initializer, I.RandomNormal
    ):
        assert np.abs(x).max() <= 2 * math.sqrt(variance) / 0.8796


def test_fans() -> None:
    """Windows count; a vector is both; axes may be named."""
    assert I.fans([]) == (1, 1) and I.fans([7]) == (7, 7) and I.fans([5, 7]) == (5, 7)
    assert I.fans([3, 5, 7, 11]) == (105, 165) and I.fans([2, 3, 5]) == (6, 10)
    assert I.fans([5, 7, 3], [0, 1], [2]) == (35, 3)
    x = I.GlorotUniform(seed=3)([3, 3, 16, 32]).numpy()
    assert np.abs(x).max() <= math.sqrt(6 / (144 + 288))


@pytest.mark.parametrize("initializer", RANDOM, ids=lambda f: type(f).__name__)
def test_seeds(initializer: Any) -> None:
    """With a seed always the same numbers; without one new ones, repeated after set_seed."""
    kind, config = type(initializer), initializer.get_config()
    seeded = kind.from_config(config | {"seed": 5})
    other = kind.from_config(config | {"seed": 6})
    first = seeded([3, 5]).numpy()
    nf.random.set_seed(1)
    assert np.array_equal(first, seeded([3, 5])) and np.array_equal(first, seeded.clone()([3, 5]))
    assert not np.array_equal(first, other([3, 5]))
    a, b = initializer([3, 5]).numpy(), initializer([3, 5]).numpy()
    nf.random.set_seed(1)
    assert not np.array_equal(a, b) and np.array_equal(a, initializer([3, 5]))
    assert np.array_equal(nf.function(lambda: seeded([3, 5]))(), first)
    for dtype in (nf.float16, nf.bfloat16, nf.float64):
        assert initializer([2], dtype).dtype is dtype


def test_truncation() -> None:
    x = I.TruncatedNormal(1.0, 0.5, seed=2)([5000]).numpy()
    assert x.min() >= 0 and x.max() <= 2 and abs(x.mean() - 1) < 0.05


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (5, 5), (2, 3, 5), (3, 3, 2, 7)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    """Orthonormal columns, or rows if there are fewer."""
    q = I.Orthogonal(2.0, seed=4)(shape, nf.float64).numpy().reshape(-1, shape[-1]) / 2
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(q.shape)), atol=1e-12)
    with pytest.raises(ValueError, match="Orthogonal: needs two axes"):
        I.Orthogonal()([3])


def test_parts() -> None:
    """Partitions of large variables: the part's shape, the whole's fans."""
    f = I.HeUniform(seed=1)
    x = f([1000, 2], partition_shape=[10, 2], partition_offset=[0, 0])
    assert x.shape == [10, 2] and np.abs(x.numpy()).max() <= math.sqrt(6 / 1000)
    assert nf.zeros_initializer()([4], nf.float32, partition_info=None).shape == [4]
    with pytest.raises(TypeError, match="takes partition_shape"):
        f([3], wrong=1)


def test_refusals() -> None:
    for kind in (I.RandomNormal, I.GlorotUniform, I.TruncatedNormal, I.Orthogonal):
        with pytest.raises(ValueError, match="dtype must be floating point, not int32"):
            kind()([3, 3], nf.int32)
    with pytest.raises(ValueError, match="numeric or bool, not string"):
        nf.zeros_initializer()([2], nf.string)
    assert I.RandomUniform(0, 10)([5], nf.int32).dtype is nf.int32
    with pytest.raises(ValueError, match="scale must be positive, not -1"):
        I.VarianceScaling(-1)
    with pytest.raises(ValueError, match="no mode 'x'"):
        I.VarianceScaling(mode="x")
    with pytest.raises(ValueError, match="no distribution 'x'"):
        I.VarianceScaling(distribution="x")
    with pytest.raises(nf.errors.ShapeError):
        I.HeNormal()([-1, 2])


@pytest.mark.parametrize("initializer", RANDOM, ids=lambda f: type(f).__name__)
def test_configurations(initializer: Any) -> None:
    """Through dicts and names, and back."""
    config = I.serialize(initializer)
    twin = I.deserialize(config)
    assert type(twin) is type(initializer) and twin.get_config() == initializer.get_config()
    assert I.get(initializer) is initializer and type(I.get(config)) is type(initializer)
    assert repr(twin) == repr(initializer) and repr(twin).startswith(type(twin).__name__ + "(")


def test_names() -> None:
    """tf.initializers, tf.keras.initializers and the names at the top are the same classes."""
    keras: Any = nf.keras.initializers
    assert keras.GlorotUniform is I.glorot_uniform and nf.zeros_initializer is keras.Zeros
    assert nf.keras.Initializer is I.Initializer
    for name in ("glorot_uniform", "GlorotUniform", "zeros", "orthogonal", "he_normal"):
        assert isinstance(keras.get(name), I.Initializer)
    assert I.get(None) is None and isinstance(I.get(I.HeNormal), I.HeNormal)

    def own(shape: Any, dtype: Any = None) -> Any:
        return nf.ones(shape)

    assert I.get(own) is own

    class Mine(I.Zeros):
        pass

    config = {"class_name": "Mine", "config": {}}
    assert isinstance(I.deserialize(config, {"Mine": Mine}), Mine)
    for bad in ("nope", 5, config):
        with pytest.raises(ValueError, match="Could not interpret initializer identifier"):
            I.get(bad)
