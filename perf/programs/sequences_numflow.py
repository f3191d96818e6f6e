"""numflow: a transformer's block, attention, alignments of labels."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numflow as tf
from perf import sequences


def _norm(x: Any, gain: Any, shift: Any) -> Any:
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, shift, gain, sequences.BLOCK_EPSILON)


def _ends(p: Mapping[str, Any], x: Any, y: Any, attended: Any) -> Any:
    """The block behind its attention, and its loss."""
    x = x + attended @ p["wo"] + p["bo"]
    h = tf.nn.gelu(_norm(x, p["g2"], p["e2"]) @ p["w1"] + p["b1"], True)
    return tf.reduce_mean(tf.math.squared_difference(x + h @ p["w2"] + p["b2"], y))


def block(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    batch, rows, width = x.shape
    qkv = _norm(x, p["g1"], p["e1"]) @ p["wqkv"] + p["bqkv"]
    parts = tf.reshape(qkv, (batch, rows, 3, sequences.BLOCK_HEADS, -1))
    q, k, v = tf.unstack(parts, axis=2)
    found = tf.nn.dot_product_attention(q, k, v)
    return _ends(p, x, y, tf.reshape(found, (batch, rows, width)))


def block_by_hand(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    """Attention as products and a softmax."""
    batch, rows, width = x.shape
    qkv = _norm(x, p["g1"], p["e1"]) @ p["wqkv"] + p["bqkv"]
    parts = tf.reshape(qkv, (batch, rows, 3, sequences.BLOCK_HEADS, -1))
    q, k, v = tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4)))
    a = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * q.shape[-1] ** -0.5) @ v
    return _ends(p, x, y, tf.reshape(tf.transpose(a, (0, 2, 1, 3)), (batch, rows, width)))


def _attention_gradient(q: Any, k: Any, v: Any, d: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch((q, k, v))
        o = tf.nn.scaled_dot_product_attention(q, k, v)
    return o, tape.gradient(o, (q, k, v), output_gradients=d)


def attention_call(name: str) -> Callable[[], Any]:
    operands = [tf.constant(a) for a in sequences.attention_operands(name)]
    return partial(tf.function(_attention_gradient), *operands)


def _ctc_gradient(logits: Any, labels: Any, lengths: Any, used: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.nn.ctc_loss(
            labels, logits, lengths, used, logits_time_major=False, blank_index=-1
        )
    return loss, tape.gradient(loss, logits)


def _attentions() -> Iterator[tuple[str, Any, list[Any]]]:
    for name in sequences.ATTENTIONS:
        operands = [tf.constant(a) for a in sequences.attention_operands(name)]
        yield name, tf.function(_attention_gradient), operands


def _alignments() -> Iterator[tuple[str, Any, list[Any]]]:
    yield "f+b", tf.function(_ctc_gradient), [tf.constant(a) for a in sequences.ctc_operands()]


# Of each workload: name, tf.function and arguments of its cases.
FUNCTIONS: dict[str, Callable[[], Iterator[tuple[str, Any, list[Any]]]]] = {
    "attention": _attentions,
    "ctc": _alignments,
}
