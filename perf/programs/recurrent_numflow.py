"""numflow: recurrent layers, through Keras's."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

import numflow as tf
from perf import recurrent
from perf.timing import Case


class Sine(tf.Module):
    """Two LSTM layers and a dense one with given weights; variables by the names of these."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        super().__init__()
        layers = tf.keras.layers
        n = recurrent.SINE_UNITS
        self.layers = [layers.LSTM(n, return_sequences=True), layers.LSTM(n)]
        self.p: dict[str, Any] = {}
        for i, layer in enumerate(self.layers):
            layer.build((recurrent.SINE_BATCH, recurrent.SINE_STEPS, n if i else 1))
            layer.set_weights([weights[f"{name}{i}"] for name in "WRb"])
            self.p.update(zip((f"W{i}", f"R{i}", f"b{i}"), layer.weights, strict=True))
        for name in ("wd", "bd"):
            self.p[name] = tf.Variable(weights[name], name=name)

    def loss(self, p: Mapping[str, Any], x: Any, y: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return tf.reduce_mean((x @ p["wd"] + p["bd"] - y) ** 2)


def _layer(kind: str) -> Any:
    layers = tf.keras.layers
    options = {"return_sequences": True}
    if kind == "gru":
        made = layers.GRU(recurrent.UNITS, **options)
    else:
        made = layers.LSTM(recurrent.UNITS, **options)
    if kind == "bilstm":
        made = layers.Bidirectional(made)
    made.build((recurrent.BATCH, recurrent.STEPS, recurrent.DEPTH))
    _, _, weights = recurrent.operands(kind)
    wanted = [a for three in weights for a in three]
    shapes = [v.shape.as_list() for v in made.weights]  # a GRU's bias has two rows
    made.set_weights([np.broadcast_to(a, s) for a, s in zip(wanted, shapes, strict=True)])
    return made


def _functions() -> Iterator[tuple[str, Any, list[Any]]]:
    for kind in recurrent.LAYERS:
        layer = _layer(kind)
        x, dy = (tf.constant(a) for a in recurrent.operands(kind)[:2])

        def both(x: Any, dy: Any, layer: Any = layer) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
            return y, tape.gradient(y, [x, *layer.trainable_variables], output_gradients=dy)

        yield f"{kind} {recurrent.FORWARD}", tf.function(layer), [x]
        yield f"{kind} {recurrent.BOTH}", tf.function(both), [x, dy]


def _layers() -> Iterator[Case]:
    for name, function, arguments in _functions():
        call = partial(function, *arguments)
        result = partial(_slope, call) if len(arguments) > 1 else None
        yield Case(name, "function", call, result=result)


def _slope(call: Callable[[], Any]) -> Any:
    """(y, dx)."""
    y, gradients = call()
    return y, gradients[0]


CASES = {"W11": _layers}
# Of each workload: name, tf.function and arguments of its cases.
FUNCTIONS: dict[str, Callable[[], Iterator[tuple[str, Any, list[Any]]]]] = {"W11": _functions}
