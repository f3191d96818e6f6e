"""Shapes, data and weights of attention, transformers and alignments. NumPy only."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from perf.arrays import Array, normal, ones, zeros

# W14: a block of a transformer, layer norms before attention and before the dense layers
BLOCK_BATCH, BLOCK_LENGTH, BLOCK_WIDTH, BLOCK_HEADS, BLOCK_HIDDEN = 8, 128, 256, 4, 1024
BLOCK_EPSILON = 1e-5

# CTC: frames of speech or writing, of which each example uses some, and its labels
CTC_BATCH, CTC_FRAMES, CTC_CLASSES, CTC_LABELS = 64, 200, 40, 40


@dataclass(frozen=True)
class Attention:
    """Queries, keys and values of [batch, heads, length, depth]."""

    heads: int
    length: int
    batch: int = 2
    depth: int = 64

    @property
    def name(self) -> str:
        return f"{self.heads}x{self.length}"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.heads, self.length, self.depth

    @property
    def flop(self) -> float:
        """Of two products forward, and four backward."""
        return 6 * 2.0 * self.batch * self.heads * self.length**2 * self.depth

    @property
    def nbytes(self) -> float:
        """Of an operand."""
        return 4.0 * self.batch * self.heads * self.length * self.depth


ATTENTIONS = {
    a.name: a
    for a in (Attention(1, 128), Attention(8, 512), Attention(1, 1024), Attention(8, 2048))
}
# Whose memory is measured, in a process that has run the first of those above.
LONG = {a.name: a for a in (Attention(8, 1024), Attention(8, 2048))}
HELD = 10  # operands that a call may need beside its own: four results, and more in between


def block_parameters(rng: np.random.Generator) -> dict[str, Array]:
    """Gains and shifts of the norms; queries, keys, values in one; the dense layers."""
    d, hidden = BLOCK_WIDTH, BLOCK_HIDDEN
    return {
        "g1": ones(d),
        "e1": zeros(d),
        "wqkv": normal(rng, d, 3 * d, std=0.06),
        "bqkv": zeros(3 * d),
        "wo": normal(rng, d, d, std=0.06),
        "bo": zeros(d),
        "g2": ones(d),
        "e2": zeros(d),
        "w1": normal(rng, d, hidden, std=0.06),
        "b1": zeros(hidden),
        "w2": normal(rng, hidden, d, std=0.03),
        "b2": zeros(d),
    }


def block_batches(rng: np.random.Generator, count: int) -> list[tuple[Array, Array]]:
    shape = BLOCK_BATCH, BLOCK_LENGTH, BLOCK_WIDTH
    return [(normal(rng, *shape), normal(rng, *shape)) for _ in range(count)]


def block_flop() -> float:
    """Of a training step: forward, and as much again for either gradient."""
    rows, d = BLOCK_BATCH * BLOCK_LENGTH, BLOCK_WIDTH
    weights = 3 * d * d + d * d + 2 * d * BLOCK_HIDDEN
    return 3 * 2.0 * rows * (weights + 2 * BLOCK_LENGTH * d)


@cache
def attention_operands(name: str) -> tuple[Array, Array, Array, Array]:
    """q, k, v and the gradient of o, each [batch, heads, length, depth]."""
    rng, shape = np.random.default_rng(0), (LONG | ATTENTIONS)[name].shape
    q, k, v, d = (rng.standard_normal(shape, np.float32) for _ in range(4))
    return q, k, v, d


@cache
def ctc_operands() -> tuple[Array, Array, Array, Array]:
    """logits [batch, frames, classes], labels [batch, CTC_LABELS], their lengths, the frames used.

    The last class is the blank; labels end with zeros, and some follow their like.
    """
    rng = np.random.default_rng(0)
    logits = normal(rng, CTC_BATCH, CTC_FRAMES, CTC_CLASSES)
    labels = rng.integers(0, CTC_CLASSES - 1, (CTC_BATCH, CTC_LABELS)).astype(np.int32)
    labels[:, 4::5] = labels[:, 3::5][:, : CTC_LABELS // 5]
    lengths = rng.integers(CTC_LABELS // 2, CTC_LABELS + 1, CTC_BATCH).astype(np.int32)
    labels[np.arange(CTC_LABELS) >= lengths[:, None]] = 0
    used = rng.integers(3 * CTC_FRAMES // 4, CTC_FRAMES + 1, CTC_BATCH).astype(np.int32)
    return logits, labels, lengths, used
