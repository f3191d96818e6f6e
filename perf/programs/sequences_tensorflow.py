"""TensorFlow: a transformer's block, attention, alignments of labels."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import tensorflow as tf

from perf import sequences
from perf.timing import Case


def _norm(x: Any, gain: Any, shift: Any) -> Any:
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, shift, gain, sequences.BLOCK_EPSILON)


def attend(q: Any, k: Any, v: Any) -> Any:
    """Operands [batch, heads, length, depth]."""
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * q.shape[-1] ** -0.5) @ v


def block(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    batch, rows, width = x.shape
    qkv = _norm(x, p["g1"], p["e1"]) @ p["wqkv"] + p["bqkv"]
    parts = tf.reshape(qkv, (batch, rows, 3, sequences.BLOCK_HEADS, -1))
    a = attend(*tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4))))
    x = x + tf.reshape(tf.transpose(a, (0, 2, 1, 3)), (batch, rows, width)) @ p["wo"] + p["bo"]
    h = tf.nn.gelu(_norm(x, p["g2"], p["e2"]) @ p["w1"] + p["b1"], True)
    return tf.reduce_mean(tf.math.squared_difference(x + h @ p["w2"] + p["b2"], y))


def _attention_gradient(q: Any, k: Any, v: Any, d: Any) -> Any:
    o = attend(q, k, v)
    return o, tf.gradients(o, (q, k, v), d)


def attention_call(name: str) -> Callable[[], Any]:
    operands = [tf.constant(a) for a in sequences.attention_operands(name)]
    return partial(tf.function(_attention_gradient, jit_compile=True), *operands)


def _attentions() -> Iterator[Case]:
    for name in sequences.ATTENTIONS:
        operands = [tf.constant(a) for a in sequences.attention_operands(name)]
        for variant, xla in (("function", False), ("xla", True)):
            f = tf.function(_attention_gradient, jit_compile=xla)
            yield Case(name, variant, partial(f, *operands))


def _alignments() -> Iterator[Case]:
    """By the op that counts in labels; by the one of sparse labels; labels as a set."""
    logits, labels, lengths, used = (tf.constant(a) for a in sequences.ctc_operands())
    by_time = tf.transpose(logits, (1, 0, 2))
    sparse = tf.SparseTensor(*_places(lengths, labels), labels.shape)
    unique = tf.nn.ctc_unique_labels(labels)

    def dense(logits: Any) -> Any:
        return tf.nn.ctc_loss(labels, logits, lengths, used, blank_index=-1)

    def known(logits: Any) -> Any:
        return tf.nn.ctc_loss(labels, logits, lengths, used, unique=unique, blank_index=-1)

    def classic(logits: Any) -> Any:
        return tf.compat.v1.nn.ctc_loss(sparse, logits, used)

    for variant, loss_of, xla in (
        ("function", dense, False),
        ("unique", known, False),
        ("xla", dense, True),
        ("v1", classic, False),
    ):

        def both(logits: Any, loss_of: Any = loss_of) -> Any:
            loss = loss_of(logits)
            return loss, tf.gradients(loss, logits)[0]

        call = partial(tf.function(both, jit_compile=xla), by_time)
        yield Case("f+b", variant, call, result=partial(_by_example, call))


def _places(lengths: Any, labels: Any) -> tuple[Any, Any]:
    there = tf.where(tf.sequence_mask(lengths, labels.shape[1]))
    return there, tf.gather_nd(labels, there)


def _by_example(call: Callable[[], Any]) -> Any:
    loss, slope = call()
    return loss, tf.transpose(slope, (1, 0, 2))


CASES = {"attention": _attentions, "ctc": _alignments}
