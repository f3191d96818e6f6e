"""JAX: a transformer's block, attention, alignments of labels."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from perf import sequences
from perf.timing import Case

wait = jax.block_until_ready


def _norm(x: Any, gain: Any, shift: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + sequences.BLOCK_EPSILON) * gain + shift


def attend(q: Any, k: Any, v: Any) -> Any:
    """Operands [batch, heads, length, depth]."""
    return jax.nn.softmax(q @ k.swapaxes(2, 3) * q.shape[-1] ** -0.5) @ v


def block(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    batch, rows, width = x.shape
    qkv = _norm(x, p["g1"], p["e1"]) @ p["wqkv"] + p["bqkv"]
    parts = qkv.reshape(batch, rows, 3, sequences.BLOCK_HEADS, -1)
    a = attend(*parts.transpose(2, 0, 3, 1, 4))
    x = x + a.transpose(0, 2, 1, 3).reshape(batch, rows, width) @ p["wo"] + p["bo"]
    h = jax.nn.gelu(_norm(x, p["g2"], p["e2"]) @ p["w1"] + p["b1"])
    return ((x + h @ p["w2"] + p["b2"] - y) ** 2).mean()


def _attention_gradient(q: Any, k: Any, v: Any, d: Any) -> Any:
    o, back = jax.vjp(attend, q, k, v)
    return o, back(d)


def attention_call(name: str) -> Callable[[], Any]:
    operands = [jnp.array(a) for a in sequences.attention_operands(name)]
    compiled = jax.jit(_attention_gradient)
    return lambda: wait(compiled(*operands))


def _attentions() -> Iterator[Case]:
    for name in sequences.ATTENTIONS:
        yield Case(name, "jit", attention_call(name))


def _alignments() -> Iterator[Case]:
    logits, labels, lengths, used = (jnp.array(a) for a in sequences.ctc_operands())
    beyond = jnp.arange(logits.shape[1]) >= used[:, None]
    unlabelled = jnp.arange(labels.shape[1]) >= lengths[:, None]
    blank = sequences.CTC_CLASSES - 1

    def loss_of(logits: Any) -> Any:
        loss = optax.ctc_loss(logits, beyond, labels, unlabelled, blank_id=blank)
        return loss.sum(), loss

    both = jax.jit(jax.value_and_grad(loss_of, has_aux=True))

    def call() -> Any:
        (_, loss), slope = wait(both(logits))
        return loss, slope

    yield Case("f+b", "jit", call)


CASES = {"attention": _attentions, "ctc": _alignments}
