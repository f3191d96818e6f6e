"""ConvLSTM layers: steps by NumPy's sums over windows, masks, configurations, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.keras import layers

Array = np.ndarray[Any, Any]


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def randomized(layer: Any, shape: tuple[int, ...]) -> Any:
    layer.build(shape)
    sizes = [w.shape.as_list() for w in layer.weights]
    layer.set_weights([drawn(*s, seed=k) for k, s in enumerate(sizes)])
    return layer


def convolved(x: Array, w: Array, same: bool) -> Array:
    """Of one axis."""
    size = len(w)
    if same:
        x = np.pad(x, [(0, 0), ((size - 1) // 2, size // 2), (0, 0)])
    n = x.shape[1] - size + 1
    return np.asarray(sum(x[:, k : k + n] @ w[k] for k in range(size)))


@pytest.mark.parametrize("same", [False, True], ids=["valid", "same"])
def test_each_step_is_two_convolutions(same: bool) -> None:
    """Outputs and states, eagerly and compiled, over few steps and in a loop."""
    batch, width, depth, filters = 2, 7, 3, 4
    padding = "same" if same else "valid"
    layer = layers.ConvLSTM1D(filters, 3, padding=padding, return_sequences=True, return_state=True)
    randomized(layer, (batch, 4, width, depth))
    kernel, recurrent, bias = layer.get_weights()
    for steps in (4, 40):
        x = drawn(batch, steps, width, depth)
        h = c = np.zeros((batch, width if same else width - 2, filters))
        wanted = []
        for t in range(steps):
            z = convolved(x[:, t], kernel, same) + convolved(h, recurrent, True) + bias
            i, f, g, o = np.split(z, 4, -1)
            i, f, o = (1 / (1 + np.exp(-v)) for v in (i, f, o))
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            wanted.append(h)
        for run in (layer, nf.function(lambda x: layer(x))):
            y, last, cell = run(nf.constant(x))
            np.testing.assert_allclose(y.numpy(), np.stack(wanted, 1), 1e-4, 1e-4)
            np.testing.assert_allclose(last.numpy(), h, 1e-4, 1e-4)
            np.testing.assert_allclose(cell.numpy(), c, 1e-4, 1e-4)


def test_channels_first_is_channels_last_turned() -> None:
    shape = (2, 3, 5, 6, 2)
    last = randomized(layers.ConvLSTM2D(3, (2, 3), strides=(1, 2)), shape)
    first = layers.ConvLSTM2D(3, (2, 3), strides=(1, 2), data_format="channels_first")
    first.build((2, 3, 2, 5, 6))
    first.set_weights(last.get_weights())
    x = drawn(*shape)
    got = first(x.transpose(0, 1, 4, 2, 3)).numpy()
    np.testing.assert_allclose(got.transpose(0, 2, 3, 1), last(x).numpy(), 1e-4, 1e-5)


def test_gradients_masks_and_dropout() -> None:
    """A masked step leaves the state; a training step drops."""
    layer = randomized(layers.ConvLSTM1D(2, 2, dropout=0.4, recurrent_dropout=0.4), (2, 5, 4, 3))
    x = nf.constant(drawn(2, 5, 4, 3))
    mask = np.arange(5) < np.array([[5], [2]])
    cut = layer(x[1:, :2]).numpy()
    np.testing.assert_allclose(layer(x, mask=mask).numpy()[1:], cut, 1e-5, 1e-6)
    assert not np.allclose(layer(x, training=True).numpy(), layer(x).numpy())
    with nf.GradientTape() as tape:
        y = nf.reduce_sum(layer(x, training=True))
    assert all(g is not None for g in tape.gradient(y, layer.trainable_variables))


def test_configurations_make_equal_layers() -> None:
    layer = layers.ConvLSTM2D(3, 2, strides=(1, 2), padding="same", dilation_rate=1, name="mine")
    again = layers.ConvLSTM2D.from_config(layer.get_config())
    assert again.get_config() == {
        **layer.get_config(),
        **{k: v for k, v in again.get_config().items() if "initializer" in k},
    }
    assert again.compute_output_shape((2, 5, 4, 4, 1)) == (2, 4, 2, 3)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: layers.ConvLSTM2D(3, (1, 2, 3)), "must be a tuple of 2 positive integers"),
        (lambda: layers.ConvLSTM1D(3, 2, padding="full"), "Expected 'valid' or 'same'"),
        (lambda: layers.ConvLSTM1D(3, 2, data_format="NHWC"), "'channels_first', 'channels_last'"),
        (lambda: layers.ConvLSTM1D(3, 2).build((2, 3, None, 1)), "static input shapes"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert problem in str(caught.value).partition("\n  at ")[0]
