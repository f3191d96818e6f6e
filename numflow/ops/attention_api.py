"""Attention as users call it: masks of any form that broadcasts, scales, causality."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import creation, plain, rearrange, select
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.attention import attention_op
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent, product


def scaled_dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
    name: str | None = None,
) -> Tensor:
    """softmax(query key^T scale + mask) value, without the memory of the matrix of weights.

    Args:
      query: floats [..., queries, depth].
      key: [..., keys, depth], with the same axes in front.
      value: [..., keys, width].
      mask: bools, true where a query sees a key, or floats that are added to the scores; broadcasts
        to [..., queries, keys]. A mask of keys alone, [..., 1, keys], costs memory for itself only.
      is_causal: query t sees the keys 0 to t.
      scale: default 1 / sqrt(depth).

    Returns: [..., queries, width]. A query that sees no key gets zeros.

    Raises:
      ShapeError: the shapes do not go together. DTypeError: they are not floats of one dtype.

    Example:
      >>> x = nf.constant([[[1.0, 0.0], [0.0, 1.0]]])
      >>> nf.nn.scaled_dot_product_attention(x, x, x, is_causal=True).numpy().round(2)
      array([[[1.  , 0.  ],
              [0.33, 0.67]]], dtype=float32)

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.1.
    """
    op = "nn.scaled_dot_product_attention"
    q, k, v = _operands(op, query, key, value, rows_last=True)
    front = q.spec.shape[:-2]
    shape = _four(front)
    q4, k4, v4 = (_reshaped(x, (*shape, *x.spec.shape[-2:])) for x in (q, k, v))
    masks = _mask_of(op, mask, (*front, q.spec.shape[-2], k.spec.shape[-2]))
    found = _attend(op, q4, k4, v4, masks, is_causal, scale, heads_first=True)
    return shaping.reshape(found, (*q.spec.shape[:-1], v.spec.shape[-1]))


def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    name: str | None = None,
) -> Tensor:
    """scaled_dot_product_attention of operands whose heads stand behind their rows.

    Args:
      query: [batch, queries, heads, depth]; key, value: [batch, keys, heads or a divisor of it,
        depth]: neighbouring heads of the query then share one.
      bias: floats that are added to the scores; mask: bools, true where a query sees a key. Both
        broadcast to [batch, heads, queries, keys].
      scale, is_causal: as of scaled_dot_product_attention.

    Returns: [batch, queries, heads, width].

    Example:
      >>> x = nf.ones([1, 3, 2, 4])
      >>> nf.nn.dot_product_attention(x, x, x).shape
      TensorShape([1, 3, 2, 4])
    """
    op = "nn.dot_product_attention"
    q, k, v = _operands(op, query, key, value, rows_last=False)
    if q.spec.rank != 4:
        problem = "operands are [batch, rows, heads, depth]"
        raise ShapeError(explain(op, problem, {"query": q.spec}))
    heads, few = q.spec.shape[2], k.spec.shape[2]
    if isinstance(heads, int) and isinstance(few, int) and heads != few:
        if few == 0 or heads % few:
            problem = f"the {few} heads of the keys do not divide the {heads} of the queries"
            raise ShapeError(explain(op, problem, {"query": q.spec, "key": k.spec}))
        k, v = (rearrange.repeat(x, heads // few, axis=2) for x in (k, v))
    scores = (q.spec.shape[0], heads, q.spec.shape[1], k.spec.shape[1])
    masks = [*_mask_of(op, bias, scores), *_mask_of(op, mask, scores)]
    return _attend(op, q, k, v, masks, is_causal, scale, heads_first=False)


def _operands(
    op: str, query: Any, key: Any, value: Any, *, rows_last: bool
) -> tuple[Tensor, Tensor, Tensor]:
    q = as_tensor(query, None, op, "query")
    k, v = (as_tensor(x, q.dtype, op, n) for x, n in ((key, "key"), (value, "value")))
    shown = {"query": q.spec, "key": k.spec, "value": v.spec}
    if not q.dtype.is_floating:
        raise DTypeError(explain(op, f"query is {q.dtype.name}, not floating", shown))
    if k.dtype is not q.dtype or v.dtype is not q.dtype:
        raise DTypeError(explain(op, "query, key and value are of one dtype", shown))
    if q.spec.rank < 2 or not q.spec.rank == k.spec.rank == v.spec.rank:
        raise ShapeError(explain(op, "query, key and value have one rank, of 2 or more", shown))
    same = all(
        not isinstance(n, int) or not isinstance(m, int) or n == m
        for x in (k, v)
        for n, m in zip(q.spec.shape[:-2], x.spec.shape[:-2], strict=True)
    )
    if rows_last and not same:
        raise ShapeError(explain(op, "query, key and value differ in their first axes", shown))
    return q, k, v


def _four(front: tuple[Extent, ...]) -> tuple[Extent, Extent]:
    """The axes in front as examples and heads."""
    if len(front) == 2:
        return front[0], front[1]
    return product(front), 1


def _reshaped(x: Tensor, shape: Any) -> Tensor:
    return x if x.spec.shape == tuple(shape) else shaping.reshape(x, shape)


def _mask_of(op: str, mask: Any, scores: tuple[Extent, ...]) -> list[Tensor]:
    """The mask with two axes in front: [examples or 1, heads or 1, queries or 1, keys].

    scores: the shape that it broadcasts to.
    """
    if mask is None:
        return []
    front = scores[:-2]
    x = as_tensor(mask, None, op, "mask")
    if x.spec.rank > len(scores):
        problem = f"mask has {x.spec.rank} axes, the scores {len(scores)}"
        raise ShapeError(explain(op, problem, {"mask": x.spec}))
    for n, want in zip(x.spec.shape[::-1], scores[::-1], strict=False):
        if n != 1 and n != want and isinstance(n, int) and isinstance(want, int):
            of_keys = front and x.spec.shape == (scores[0], scores[-1])
            problem = f"mask does not broadcast to the scores, {list(scores)}"
            fix = f"mask[:, {', '.join(['None'] * (len(scores) - 2))}]" if of_keys else ""
            raise ShapeError(explain(op, problem, {"mask": x.spec}, fix=fix))
    missing = len(front) + 2 - x.spec.rank
    shape = (1,) * missing + x.spec.shape
    own = shape[:-2]
    if len(front) == 2:
        return [_reshaped(x, shape)]
    if all(n == 1 for n in own):
        return [_reshaped(x, (1, 1, *shape[-2:]))]
    whole = shaping.broadcast_to(_reshaped(x, shape), (*front, *shape[-2:]))
    return [_reshaped(whole, (product(front), 1, *shape[-2:]))]


def _attend(
    op: str, q: Tensor, k: Tensor, v: Tensor, masks: list[Tensor], is_causal: bool,
    scale: float | None, *, heads_first: bool,
) -> Tensor:  # fmt: skip
    dtype = q.dtype
    if dtype not in (dtypes.float32, dtypes.float64):
        q, k, v = (maths.cast(x, dtypes.float32) for x in (q, k, v))
    depth = q.spec.shape[3]
    if scale is None:
        if not isinstance(depth, int):
            problem = "the depth of query is unknown: scale must be given"
            raise ShapeError(explain(op, problem, {"query": q.spec}))
        scale = 1.0 / float(np.sqrt(max(depth, 1)))
    rows = (q.spec.shape[2], k.spec.shape[2]) if heads_first else (q.spec.shape[1], k.spec.shape[1])
    biases: dict[bool, Tensor] = {}  # by whether it is of keys alone
    for mask in masks:
        bias = _additive(op, mask, q.dtype)
        if bias.spec.shape[3] == 1 and rows[1] != 1:
            bias = shaping.broadcast_to(bias, (*bias.spec.shape[:3], rows[1]))
        alone = bias.spec.shape[2] == 1
        biases[alone] = biases[alone] + bias if alone in biases else bias
    row, head = (2, 1) if heads_first else (1, 2)
    keys, of_query = k.spec.shape[row], q.spec.shape
    k = _agreeing(k, {0: of_query[0], head: of_query[head], 3: of_query[3]})
    v = _agreeing(v, {0: of_query[0], head: of_query[head], row: keys})
    wanted = (of_query[0], of_query[head], of_query[row], keys)
    added = [
        _agreeing(b, {i: n for i, n in enumerate(wanted) if b.spec.shape[i] != 1})
        for b in biases.values()
    ]
    scaled = q * as_tensor(plain.number(scale, op, "scale"), q.dtype)
    causal = plain.flag(is_causal, op, "is_causal")
    made, _ = attention_op(scaled, k, v, *added, causal=causal, heads_first=heads_first)
    return maths.cast(made, dtype)


def _agreeing(x: Tensor, sizes: dict[int, Extent]) -> Tensor:
    """x, whose axes have these sizes: checked when the program runs where only a call tells."""
    have = x.spec.shape
    want = tuple(sizes.get(i, n) for i, n in enumerate(have))
    if any(
        isinstance(a, int) and isinstance(b, int) and a != b
        for a, b in zip(have, want, strict=True)
    ):
        return x  # the op's rule refuses them
    return x if have == want else shaping.reshape_op(x, shape=want)


def _additive(op: str, mask: Tensor, dtype: dtypes.DType) -> Tensor:
    if mask.dtype.is_bool:
        never, zero = (creation.constant(x, dtype) for x in (-np.inf, 0.0))
        return select.where(mask, zero, never)
    if not mask.dtype.is_floating:
        problem = f"mask is {mask.dtype.name}, neither bool nor floating"
        raise DTypeError(explain(op, problem, {"mask": mask.spec}))
    return maths.cast(mask, dtype)
