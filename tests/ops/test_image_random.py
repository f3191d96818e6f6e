"""Images changed by chance: within their limits, repeatable, each of a batch on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Array

RGB = np.random.default_rng(5).uniform(0.1, 0.9, (4, 5, 3)).astype(np.float32)
BATCH = np.random.default_rng(6).uniform(0.1, 0.9, (64, 3, 5, 3)).astype(np.float32)

NAMES: list[tuple[str, Array, tuple[Any, ...]]] = [
    ("random_brightness", RGB, (0.5,)),
    ("random_contrast", RGB, (0.5, 1.5)),
    ("random_hue", RGB, (0.4,)),
    ("random_saturation", RGB, (0.5, 1.5)),
    ("random_flip_left_right", BATCH, ()),
    ("random_flip_up_down", BATCH, ()),
    ("random_crop", RGB, ((2, 3, 3),)),
]


@pytest.mark.parametrize(("name", "x", "args"), NAMES)
def test_a_seed_repeats_them(name: str, x: Array, args: Any) -> None:
    """Of the global seed, eager as traced; of a seed alone, at any time."""
    f = getattr(nf.image, name)
    traced = nf.function(lambda x: f(x, *args))
    found = []
    for run in (lambda x: f(x, *args), lambda x: f(x, *args), traced):
        nf.random.set_seed(11)
        found.append(run(nf.constant(x)).numpy())
        assert not np.array_equal(run(nf.constant(x)).numpy(), found[-1])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], 1e-5, 1e-6)
    alone = getattr(nf.image, f"stateless_{name}")
    drawn = [alone(x, *args, seed=(1, k)).numpy() for k in (2, 2, 3, 4, 5, 6)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert any(not np.array_equal(drawn[0], d) for d in drawn[2:])
    compiled = nf.function(lambda x, s: alone(x, *args, seed=s))
    got = compiled(nf.constant(x), nf.constant([1, 2]))
    np.testing.assert_allclose(got.numpy(), drawn[0], 1e-5, 1e-6)


def test_what_they_do() -> None:
    """A change that the function without chance can do, within its limits."""
    for k in range(20):
        bright = nf.image.stateless_random_brightness(RGB, 0.25, (k, 1)).numpy() - RGB
        assert np.ptp(bright) < 1e-6 and abs(bright.mean()) <= 0.25
        grown = nf.image.stateless_random_contrast(RGB, 0.5, 2.0, (k, 1)).numpy()
        ratio = (grown - grown.mean((0, 1))) / (RGB - RGB.mean((0, 1)))
        assert 0.499 < ratio.min() <= ratio.max() < 2.001 and np.ptp(ratio) < 1e-3
    flips = nf.image.random_flip_left_right(BATCH).numpy()
    turned = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flips, BATCH, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(flips, BATCH, strict=True)]
    assert all(a != b for a, b in zip(turned, same, strict=True)) and 10 < sum(turned) < 54


def test_crops_come_from_everywhere() -> None:
    """Every place with the same chance; strings and any number of axes too."""
    x = nf.range(12)
    places = [int(nf.image.stateless_random_crop(x, [3], (k, 9))[0]) for k in range(400)]
    assert set(places) == set(range(10))
    part = nf.image.random_crop([["a", "b"], ["c", "d"]], [1, 2]).numpy().tolist()
    assert part in ([[b"a", b"b"]], [[b"c", b"d"]])


def test_crops_of_unknown_sizes() -> None:
    """One trace, sizes from tensors."""
    f = nf.function(
        lambda x, s: nf.image.stateless_random_crop(x, s, (1, 2)),
        input_signature=[nf.TensorSpec([None, None]), nf.TensorSpec([2], nf.int32)],
    )
    for shape, size in [((5, 7), (2, 3)), ((3, 3), (3, 3)), ((9, 4), (1, 4))]:
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        want = nf.image.stateless_random_crop(x, size, (1, 2))
        np.testing.assert_array_equal(f(x, size).numpy(), want.numpy())


image = nf.image
BAD: list[tuple[Any, tuple[Any, ...], Any, str]] = [
    (image.random_brightness, (RGB, -1), ValueError, "image.random_brightness: max_delta must not"),
    (image.random_hue, (RGB, 0.6), ValueError, "image.random_hue: max_delta must be <= 0.5"),
    (image.random_hue, (RGB, -0.1), ValueError, "image.random_hue: max_delta must not be negative"),
    (image.random_contrast, (RGB, 2.0, 1.0), ValueError, "image.random_contrast: upper must be >"),
    (image.random_saturation, (RGB, -1.0, 1.0), ValueError, "lower must not be negative"),
    (image.stateless_random_hue, (RGB, 0.1, (1,)), ValueError, "seed"),
    (image.stateless_random_saturation, (RGB, 0.5, 1.0), ValueError, "seed is None"),
    (image.random_flip_left_right, (RGB[0],), ValueError, "image must have 3 or 4 axes"),
    (image.random_crop, (RGB, (9, 1, 1)), ValueError, "size must lie within the shape of value"),
    (image.random_crop, (RGB, (-1, 1, 1)), ValueError, "size must lie within the shape of value"),
    (image.random_crop, (RGB, (1, 1)), ValueError, "image.random_crop: size must be 3 numbers"),
]


@pytest.mark.parametrize(("op", "args", "kind", "text"), BAD)
def test_bad_arguments_are_named(op: Any, args: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as e:
        op(*args)
    assert text in str(e.value)
