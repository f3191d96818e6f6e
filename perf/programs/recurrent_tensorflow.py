"""TensorFlow: recurrent layers, through Keras's; the sine's written out step by step."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from perf import recurrent
from perf.timing import Case


def sine(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    xs = tf.unstack(x, recurrent.SINE_STEPS, 1)
    for i in "01":
        h = c = tf.zeros((recurrent.SINE_BATCH, recurrent.SINE_UNITS))
        out = []
        for q in xs:
            a, f, g, o = tf.split(q @ p["W" + i] + h @ p["R" + i] + p["b" + i], 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(a) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            out.append(h)
        xs = out
    return tf.reduce_mean(tf.math.squared_difference(h @ p["wd"] + p["bd"], y))


def _layer(kind: str) -> Any:
    layers = tf.keras.layers
    cell = layers.GRU if kind == "gru" else layers.LSTM
    made = cell(recurrent.UNITS, return_sequences=True)
    if kind == "bilstm":
        made = layers.Bidirectional(made)
    made.build((recurrent.BATCH, recurrent.STEPS, recurrent.DEPTH))
    wanted = [a for three in recurrent.operands(kind)[2] for a in three]
    made.set_weights(
        [np.broadcast_to(a, v.shape) for a, v in zip(wanted, made.weights, strict=True)]
    )
    return made


def _layers() -> Iterator[Case]:
    for kind in recurrent.LAYERS:
        layer = _layer(kind)
        x, dy = (tf.constant(a) for a in recurrent.operands(kind)[:2])
        variables = [v.value for v in layer.trainable_variables]

        def both(x: Any, dy: Any, layer: Any = layer, variables: Any = variables) -> Any:
            y = layer(x)
            return y, tf.gradients(y, [x, *variables], dy)

        forward, backward = tf.function(layer), tf.function(both)
        yield Case(f"{kind} {recurrent.FORWARD}", "keras", partial(forward, x))
        call = partial(backward, x, dy)
        yield Case(f"{kind} {recurrent.BOTH}", "keras", call, result=partial(_slope, call))


def _slope(call: Callable[[], Any]) -> Any:
    """(y, dx)."""
    y, gradients = call()
    return y, gradients[0]


CASES = {"W11": _layers}
