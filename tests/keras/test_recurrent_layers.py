"""Keras's recurrent layers: kernels against cells step by step, masks, states, weights, errors."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.keras import layers

Array = np.ndarray[Any, Any]
BATCH, STEPS, DEPTH, UNITS = 3, 5, 2, 4
KINDS = {"SimpleRNN": "SimpleRNNCell", "LSTM": "LSTMCell", "GRU": "GRUCell"}


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def randomized(layer: Any) -> Any:
    """The layer, built, with weights that no initializer gives."""
    layer.build((BATCH, STEPS, DEPTH))
    shapes = [w.shape.as_list() for w in layer.weights]
    layer.set_weights([drawn(*s, seed=k) for k, s in enumerate(shapes)])
    return layer


def by_hand(
    cell: Any, x: Array, states: list[Any], mask: Any, back: bool, zero: bool
) -> tuple[Array, Array, list[Any]]:
    """(outputs in the order of computing, last output, states): what Keras says of masks."""
    order = list(range(STEPS))[:: -1 if back else 1]
    outputs: list[Array] = []
    for t in order:
        y, new = cell(x[:, t], states)
        new = new if isinstance(new, list) else [new]
        if mask is not None:
            live = mask[:, t][:, None]
            before = outputs[-1] if outputs and not zero else np.zeros((BATCH, UNITS), np.float32)
            y = np.where(live, y, before)
            new = [np.where(live, a, b) for a, b in zip(new, states, strict=True)]
        outputs.append(np.asarray(y))
        states = new
    return np.stack(outputs, 1), outputs[-1], states


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("back", "masked", "given", "zero"),
    [v for v in itertools.product([False, True], repeat=4) if v[1] or not v[3]],
)
def test_the_kernel_does_what_the_cell_does(
    kind: str, back: bool, masked: bool, given: bool, zero: bool
) -> None:
    """Outputs, last outputs and states; eagerly and compiled."""
    options = {"return_state": True, "go_backwards": back, "zero_output_for_mask": zero}
    x = drawn(BATCH, STEPS, DEPTH)
    mask = np.random.default_rng(1).integers(0, 2, (BATCH, STEPS)).astype(bool) if masked else None
    if mask is not None:
        mask[0] = False
    for sequences in (False, True):
        layer = randomized(getattr(layers, kind)(UNITS, return_sequences=sequences, **options))
        states = layer.get_initial_state(BATCH)
        start = [drawn(BATCH, UNITS, seed=9 + k) for k, _ in enumerate(states)] if given else states
        rows, last, after = by_hand(layer.cell, x, list(start), mask, back, zero)
        initial = [nf.constant(s) for s in start] if given else None

        def run(x: Any, layer: Any = layer, initial: Any = initial) -> Any:
            return layer(x, initial_state=initial, mask=mask)

        for y, *found in (run(nf.constant(x)), nf.function(run)(nf.constant(x))):
            np.testing.assert_allclose(y.numpy(), rows if sequences else last, 1e-5, 1e-5)
            for got, want in zip(found, after, strict=True):
                np.testing.assert_allclose(got.numpy(), np.asarray(want), 1e-5, 1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_by_kernel_and_by_cell_agree(kind: str) -> None:
    """A layer, and RNN of its cell."""
    layer = randomized(getattr(layers, kind)(UNITS, return_sequences=True))
    steps = layers.RNN(layer.cell, return_sequences=True)
    x, mask = nf.constant(drawn(BATCH, STEPS, DEPTH)), nf.constant(drawn(BATCH, STEPS) > 0)

    def run(which: Any, x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_sum(nf.sin(which(x, mask=mask)))
        return tape.gradient(y, [x, *layer.trainable_variables])

    want = run(steps, x)
    for got in (run(layer, x), nf.function(lambda x: run(layer, x))(x)):
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-4, 1e-5)


@pytest.mark.parametrize(
    "options",
    [{"activation": "relu"}, {"recurrent_activation": "hard_sigmoid"}, {"use_bias": False}],
    ids=str,
)
def test_other_activations_run_step_by_step(options: dict[str, Any]) -> None:
    layer = randomized(layers.LSTM(UNITS, return_sequences=True, **options))
    x = drawn(BATCH, STEPS, DEPTH)
    want, _, _ = by_hand(layer.cell, x, layer.get_initial_state(BATCH), None, False, False)
    np.testing.assert_allclose(layer(x).numpy(), want, 1e-5, 1e-5)


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_is_two_layers(mode: Any) -> None:
    """The second one's outputs are turned round; masked outputs are 0."""
    layer = randomized(layers.Bidirectional(layers.GRU(UNITS, return_sequences=True), mode))
    x, mask = drawn(BATCH, STEPS, DEPTH), np.arange(STEPS) < np.array([[5], [2], [0]])
    f = layer.forward_layer(x, mask=mask).numpy()
    b = layer.backward_layer(x, mask=mask).numpy()[:, ::-1]
    assert not f[1, 2:].any() and not b[1, 2:].any()
    merge: dict[Any, Any] = {
        "concat": lambda: np.concatenate([f, b], -1),
        "sum": lambda: f + b,
        "mul": lambda: f * b,
        "ave": lambda: (f + b) / 2,
    }
    got = layer(x, mask=mask)
    for value, want in zip(
        *([got, (f, b)] if mode is None else [[got], [merge[mode]()]]), strict=True
    ):
        np.testing.assert_allclose(value.numpy(), want, 1e-6, 1e-6)
    assert [w.shape.as_list() for w in layer.weights] == 2 * [[2, 12], [4, 12], [2, 12]]


def test_weights_begin_as_keras_says() -> None:
    """Kernel glorot uniform, recurrent orthogonal, bias 0; the forget gate's 1."""
    layer = layers.LSTM(UNITS)
    layer.build((None, None, 300))
    kernel, recurrent, bias = layer.get_weights()
    assert np.abs(kernel).max() <= np.sqrt(6 / 316) and np.abs(kernel).std() > 0.01
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(UNITS), atol=1e-5)
    np.testing.assert_array_equal(bias, [0] * 4 + [1] * 4 + [0] * 8)
    assert [w.name for w in layer.weights] == ["kernel:0", "recurrent_kernel:0", "bias:0"]
    assert layer.count_params() == kernel.size + recurrent.size + bias.size


def test_a_stateful_layer_goes_on() -> None:
    """Eagerly and compiled; reset_states begins anew."""
    layer = randomized(layers.LSTM(UNITS, stateful=True, return_sequences=True))
    plain = randomized(layers.LSTM(UNITS, return_sequences=True))
    x = drawn(BATCH, STEPS, DEPTH)
    for run in (layer, nf.function(lambda x: layer(x))):
        layer.reset_states()
        parts = [run(nf.constant(p)).numpy() for p in (x[:, :2], x[:, 2:])]
        np.testing.assert_allclose(np.concatenate(parts, 1), plain(x).numpy(), 1e-5, 1e-6)
    assert len(layer.weights) == 3


@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.3, 0.3)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_in_training_only(kind: str, rates: tuple[float, float]) -> None:
    """And draws anew for every call."""
    layer = getattr(layers, kind)(UNITS, dropout=rates[0], recurrent_dropout=rates[1])
    x = nf.constant(drawn(BATCH, STEPS, 16))
    np.testing.assert_array_equal(layer(x).numpy(), layer(x, training=False).numpy())
    for run in (layer, nf.function(lambda x, training: layer(x, training=training))):
        first, second = (run(x, training=True).numpy() for _ in range(2))
        assert not np.allclose(first, second)


def test_masks_reach_the_layers_behind() -> None:
    """Masking -> LSTM -> LSTM is the same as the sequence cut off."""
    first, second = layers.LSTM(UNITS, return_sequences=True), layers.LSTM(UNITS)
    x = drawn(1, STEPS, DEPTH)
    x[:, 3:] = 0
    got = second(first(layers.Masking()(nf.constant(x))))
    np.testing.assert_allclose(got.numpy(), second(first(x[:, :3])).numpy(), 1e-5, 1e-6)


def test_stacked_cells_in_a_loop() -> None:
    """Many steps are a loop in a trace; an open number of them too."""
    layer = layers.RNN([layers.LSTMCell(3), layers.GRUCell(UNITS)], return_sequences=True)
    f = nf.function(lambda x: layer(x))
    for steps in (3, 50, 61):
        x = drawn(BATCH, steps, DEPTH)
        np.testing.assert_allclose(f(x).numpy(), layer(x).numpy(), 1e-5, 1e-5)
    assert layer(drawn(BATCH, 3, DEPTH)).shape == (BATCH, 3, UNITS)
    assert len(layer.weights) == 6


def test_a_layer_trains() -> None:
    """A step in a program: gradients and update."""
    layer, optimizer = layers.LSTM(8), nf.keras.optimizers.Adam(0.05)
    x, y = nf.constant(drawn(16, STEPS, DEPTH)), nf.constant(drawn(16, seed=2))

    @nf.function
    def step() -> Any:
        with nf.GradientTape() as tape:
            loss = nf.reduce_mean((nf.reduce_sum(layer(x), 1) - y) ** 2)
        gradients = tape.gradient(loss, layer.trainable_variables)
        optimizer.apply_gradients(zip(gradients, layer.trainable_variables, strict=True))
        return loss

    losses = [float(step()) for _ in range(40)]
    assert losses[-1] < 0.1 * losses[0]


def test_configurations_make_equal_layers() -> None:
    for kind, n in ((layers.LSTM, 3), (layers.GRU, 3), (layers.SimpleRNN, 3)):
        layer = kind(UNITS, return_sequences=True, dropout=0.2, name="mine")
        again = kind.from_config(layer.get_config())
        assert (again.units, again.return_sequences, again.dropout, again.name) == (
            UNITS, True, 0.2, "mine",
        )  # fmt: skip
        again.build((None, None, DEPTH))
        assert len(again.weights) == n


_WEIGHTS = "kernel_initializer recurrent_initializer bias_initializer"
_REST = """kernel_regularizer recurrent_regularizer bias_regularizer {} kernel_constraint
    recurrent_constraint bias_constraint dropout recurrent_dropout"""
_OF_LAYERS = _REST.format("activity_regularizer")
_SEQUENCES = "return_sequences return_state go_backwards stateful"
ORDERS = {  # as inspect.signature has them of TensorFlow 2.21, behind use_bias
    "SimpleRNN": f"{_WEIGHTS} {_OF_LAYERS} {_SEQUENCES} unroll seed",
    "LSTM": f"{_WEIGHTS} unit_forget_bias {_OF_LAYERS} seed {_SEQUENCES} unroll use_cudnn",
    "GRU": f"{_WEIGHTS} {_OF_LAYERS} seed {_SEQUENCES} unroll reset_after use_cudnn",
    "SimpleRNNCell": f"{_WEIGHTS} {_REST.format('')} seed",
    "LSTMCell": f"{_WEIGHTS} unit_forget_bias {_REST.format('')} seed",
    "GRUCell": f"{_WEIGHTS} {_REST.format('')} reset_after seed",
    "ConvLSTM1D": f"{_WEIGHTS} unit_forget_bias {_OF_LAYERS} seed {_SEQUENCES}",
}


def _given(name: str) -> Any:
    """A value that is not the default."""
    if name.endswith("_initializer"):
        return "ones" if name.startswith("bias") else nf.initializers.Constant(0.5)
    if name.endswith(("_regularizer", "_constraint")):
        return abs
    return {"dropout": 0.25, "recurrent_dropout": 0.125, "seed": 7, "use_cudnn": False}.get(
        name, name not in ("unit_forget_bias", "reset_after")
    )


@pytest.mark.parametrize("kind", ORDERS)
def test_arguments_have_an_order(kind: str) -> None:
    """Any number of them without their names is what they are with their names."""
    make = getattr(layers, kind)
    first: list[Any] = [UNITS, "relu", True]
    if kind not in ("SimpleRNN", "SimpleRNNCell"):
        first.insert(2, "tanh")
    if kind == "ConvLSTM1D":
        first[1:1] = [2, 1, "same", None, 1]
    names = ORDERS[kind].split()
    values = [_given(name) for name in names]
    for n in range(len(names) + 1):
        ordered = make(*first, *values[:n], name="mine")
        named = make(*first, **dict(zip(names[:n], values[:n], strict=True)), name="mine")
        assert str(ordered.get_config()) == str(named.get_config())
    with pytest.raises(TypeError, match=f"{kind}.*takes at most {len(first) + len(names)} "):
        make(*first, *values, None)
    with pytest.raises(TypeError, match=rf"{kind}.* multiple values for argument '{names[0]}'"):
        make(*first, *values, **{names[0]: values[0]})


@pytest.mark.parametrize("kind", ORDERS)
def test_signatures_show_the_arguments(kind: str) -> None:
    """All of them, with the defaults that they have."""
    parameters = list(inspect.signature(getattr(layers, kind)).parameters.values())
    *shown, rest = parameters
    assert rest.kind is inspect.Parameter.VAR_KEYWORD
    behind = [p.name for p in shown].index("use_bias") + 1
    assert [p.name for p in shown[behind:]] == ORDERS[kind].split()
    assert {p.kind for p in shown} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    make, own = getattr(layers, kind), {"name": "mine"}
    first: list[Any] = [UNITS, 2] if kind == "ConvLSTM1D" else [UNITS]
    defaults = {p.name: p.default for p in shown[len(first) :]}
    named = make(*first, **defaults, **own)
    assert str(named.get_config()) == str(make(*first, **own).get_config())


def test_layers_that_are_not_trained() -> None:
    layer = randomized(layers.LSTM(UNITS))
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 3


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: layers.LSTM(0), "expected a positive integer, got 0"),
        (lambda: layers.LSTM(3, foo=1), "Unrecognized keyword arguments passed to LSTM: foo"),
        (lambda: layers.RNN(3), "Argument `cell` should have a `call` method"),
        (lambda: layers.Bidirectional(3), "Please initialize `Bidirectional` layer"),
        (lambda: layers.Bidirectional(layers.GRU(3), "max"), "Invalid merge mode"),
        (lambda: layers.LSTM(3, activation="foo"), "Could not interpret activation"),
        (lambda: layers.LSTM(3)(nf.ones([2, 3])), "inputs have three axes"),
        (lambda: layers.LSTM(3, kernel_regularizer="l2")(nf.ones([2, 3, 1])), "regularizer"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert problem in str(caught.value).partition("\n  at ")[0]


def test_regularizers_are_losses() -> None:
    layer = layers.SimpleRNN(
        UNITS,
        kernel_regularizer=lambda w: 0.5 * nf.reduce_sum(w * w),
        activity_regularizer=lambda y: nf.reduce_sum(y),
    )
    y = layer(drawn(BATCH, STEPS, DEPTH))
    kernel = layer.get_weights()[0]
    np.testing.assert_allclose(float(layer.losses[0]), y.numpy().sum(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(float(layer.losses[1]), 0.5 * (kernel**2).sum(), rtol=1e-5)
