"""PyTorch: a transformer's block, attention, alignments of labels."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from perf import sequences
from perf.timing import Case


def _norm(x: Any, gain: Any, shift: Any) -> Any:
    return F.layer_norm(x, gain.shape, gain, shift, sequences.BLOCK_EPSILON)


def block(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    batch, rows, width = x.shape
    qkv = F.linear(_norm(x, p["g1"], p["e1"]), p["wqkv"].t(), p["bqkv"])
    parts = qkv.reshape(batch, rows, 3, sequences.BLOCK_HEADS, -1).permute(2, 0, 3, 1, 4)
    a = F.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(batch, rows, width)
    x = x + F.linear(a, p["wo"].t(), p["bo"])
    h = F.linear(_norm(x, p["g2"], p["e2"]), p["w1"].t(), p["b1"])
    return F.mse_loss(x + F.linear(F.gelu(h, approximate="tanh"), p["w2"].t(), p["b2"]), y)


def attention_call(name: str) -> Callable[[], Any]:
    q, k, v, d = (torch.from_numpy(a) for a in sequences.attention_operands(name))
    return partial(_attention_gradient, [x.clone().requires_grad_() for x in (q, k, v)], d)


def _attention_gradient(leaves: list[Any], d: Any) -> Any:
    o = F.scaled_dot_product_attention(*leaves)
    return o.detach(), torch.autograd.grad(o, leaves, d)


def _attentions() -> Iterator[Case]:
    for name in sequences.ATTENTIONS:
        yield Case(name, "eager", attention_call(name))


def _alignments() -> Iterator[Case]:
    logits, labels, lengths, used = (torch.from_numpy(a) for a in sequences.ctc_operands())
    leaf = logits.clone().requires_grad_()

    def both(labels: Any, lengths: Any, used: Any) -> Any:
        scores = F.log_softmax(leaf.transpose(0, 1), 2)
        blank = sequences.CTC_CLASSES - 1
        loss = F.ctc_loss(scores, labels, used, lengths, blank, "none")
        return loss.detach(), torch.autograd.grad(loss.sum(), leaf)

    yield Case("f+b", "eager", partial(both, labels.long(), lengths.long(), used.long()))


CASES = {"attention": _attentions, "ctc": _alignments}
