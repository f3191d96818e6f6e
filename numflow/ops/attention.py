"""Scaled dot product attention as one op: softmax(q k^T + bias) v, without its matrix.

    o, lse = attention_op(q, k, v, biases...)       lse: log of the sum of exponentials per query
    dq, dk, dv = attention_slopes_op(q, k, v, o, lse, do, biases...)

Queries come scaled. Operands are [examples, heads, rows, depth] or [examples, rows, heads, depth];
a bias is [examples or 1, heads or 1, queries, keys], one of keys alone has 1 in the place of the
queries. Where the compiler runs them, they are kernels that go block by block and take memory for
the operands only (kernels/cpu/attention.py); the references, and the gradient of the gradient, have
the matrix.

Sources: Vaswani et al. 2017, "Attention is all you need", eq. 1; Dao et al. 2022,
"FlashAttention", appendix B.2 and B.4 (the gradients).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.lowering import Composite, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import creation, finite, linalg, rearrange, select
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.shapes import Extent

Array = Any
BLOCK = 64  # queries of a block, as in kernels/cpu/attention.py


class _Sizes(NamedTuple):
    examples: Extent
    heads: Extent
    rows: Extent
    depth: Extent


def _sizes(x: Spec, heads_first: bool) -> _Sizes:
    a, b, c, d = x.shape
    return _Sizes(a, b, c, d) if heads_first else _Sizes(a, c, b, d)


def padded(rows: Extent) -> Extent:
    """Whole blocks."""
    return (rows + (BLOCK - 1)) // BLOCK * BLOCK


# --- references --------------------------------------------------------------------------------


def _heads_first(x: Array, heads_first: bool) -> Array:
    return x if heads_first else np.swapaxes(x, 1, 2)


def _weights(q: Array, k: Array, biases: Sequence[Array], causal: bool) -> tuple[Array, Array]:
    """softmax [examples, heads, queries, keys], 0 for a query that sees nothing; log of the sums,
    inf for such a one. Operands have their heads first."""
    with np.errstate(all="ignore"):
        s = q @ np.swapaxes(k, 2, 3)
        for bias in biases:
            s = s + bias
        if causal:
            s = np.where(np.tri(*s.shape[2:]) > 0, s, -np.inf)
        most = s.max(3, keepdims=True, initial=np.finfo(s.dtype).min)
        e = np.exp(s - most)
        total = e.sum(3, keepdims=True)
        sees = ~(total == 0)
        lse = np.where(sees, most + np.log(total), np.inf)
        return np.where(sees, e / np.where(sees, total, 1), 0), lse[..., 0]


def _reference(
    q: Array, k: Array, v: Array, *biases: Array, causal: bool, heads_first: bool
) -> tuple[Array, Array]:
    turned = [_heads_first(x, heads_first) for x in (q, k, v)]
    p, lse = _weights(turned[0], turned[1], biases, causal)
    rows: Any = padded(lse.shape[2])
    whole = np.full((lse.shape[0] * lse.shape[1], rows), np.inf, q.dtype)
    whole[:, : lse.shape[2]] = lse.reshape(whole.shape[0], lse.shape[2])
    return _heads_first(p @ turned[2], heads_first), whole


def _slopes_reference(
    q: Array, k: Array, v: Array, o: Array, lse: Array, do: Array, *biases: Array,
    causal: bool, heads_first: bool,
) -> tuple[Array, ...]:  # fmt: skip
    q, k, v, do = (_heads_first(x, heads_first) for x in (q, k, v, do))
    p, _ = _weights(q, k, biases, causal)
    with np.errstate(all="ignore"):
        dp = do @ np.swapaxes(v, 2, 3)
        ds = p * (dp - (p * dp).sum(3, keepdims=True))
        found = ds @ k, np.swapaxes(ds, 2, 3) @ q, np.swapaxes(p, 2, 3) @ do
    return tuple(_heads_first(x, heads_first) for x in found)


# --- shapes ------------------------------------------------------------------------------------


def _differ(a: Extent, b: Extent) -> bool:
    return isinstance(a, int) and isinstance(b, int) and a != b


def _infer(q: Spec, k: Spec, v: Spec, *biases: Spec, causal: bool, heads_first: bool) -> Any:
    x, y, z = (_sizes(s, heads_first) for s in (q, k, v))
    fits = not (
        any(_differ(a, b) for other in (y, z) for a, b in zip(x[:2], other[:2], strict=True))
        or _differ(y.rows, z.rows)
        or _differ(x.depth, y.depth)
    )
    for bias in biases:
        wanted = (x.examples, x.heads, x.rows, y.rows)
        fits &= all(n == 1 or not _differ(n, m) for n, m in zip(bias.shape, wanted, strict=True))
    if not fits:
        shown = {"query": q, "key": k, "value": v}
        if biases:
            shown["mask"] = biases[0]
        raise ShapeError(explain("attention", "the shapes do not go together", shown))
    o = (*q.shape[:-1], z.depth)
    return Spec(o, q.dtype), Spec((x.examples * x.heads, padded(x.rows)), q.dtype)


def _slopes_infer(
    q: Spec, k: Spec, v: Spec, o: Spec, lse: Spec, do: Spec, *biases: Spec, **attrs: Any
) -> tuple[Spec, ...]:
    return q, k, v


# --- the gradient ------------------------------------------------------------------------------


def _vjp(g: Backward) -> tuple[Tensor | None, ...]:
    ct, of_lse = g.cts
    q, k, v, *biases = g.inputs
    if ct is None:
        ct = shaping.zeros_like(g.outputs[0])
    slopes = list(attention_slopes_op(q, k, v, *g.outputs, ct, *biases, **g.attrs))
    plain = _Plain(q, k, v, biases, **g.attrs) if of_lse is not None or any(g.needed[3:]) else None
    of_biases: list[Tensor | None] = [None] * len(biases)
    if plain is not None:
        ds = plain.of_scores(ct)
        if of_lse is not None:  # forward mode asks for all outputs
            rows = plain.p.spec.shape[:3]
            more = plain.p * shaping.reshape(of_lse[:, : rows[2]], (*rows, 1))
            slopes[0] += plain.turned(linalg.matmul(more, plain.k))
            slopes[1] += plain.turned(linalg.matmul(more, plain.q, transpose_a=True))
            ds = ds + more
        of_biases = [
            _folded(ds, b) if w else None for b, w in zip(biases, g.needed[3:], strict=True)
        ]
    return (*slopes, *of_biases)


def _folded(x: Tensor, like: Tensor) -> Tensor:
    """x summed over the axes along which `like` has one number."""
    axes = [k for k, n in enumerate(like.spec.shape) if n == 1]
    return reductions.reduce_sum(x, axes, keepdims=True) if axes else x


class _Plain:
    """The same with the matrix of weights, of ordinary ops: for what has no kernel."""

    def __init__(
        self, q: Tensor, k: Tensor, v: Tensor, biases: Sequence[Tensor], *, causal: bool,
        heads_first: bool,
    ) -> None:  # fmt: skip
        self.heads_first = heads_first
        self.q, self.k, self.v = (self.turned(x) for x in (q, k, v))
        s = linalg.matmul(self.q, self.k, transpose_b=True)
        for bias in biases:
            s = s + bias
        if causal:
            s = select.where(_seen(s), s, creation.constant(-np.inf, s.dtype))
        least = creation.constant(s.dtype.min, s.dtype)
        most = maths.maximum(reductions.reduce_max(s, 3, keepdims=True), least)
        e = maths.exp(s - shaping.stop_gradient(most))
        total = reductions.reduce_sum(e, 3, keepdims=True)
        self.p = finite.divide_no_nan(e, total)

    def turned(self, x: Tensor) -> Tensor:
        """An operand with its heads first; or a result back in the order of the operands."""
        return x if self.heads_first else shaping.transpose(x, (0, 2, 1, 3))

    def of_scores(self, do: Tensor) -> Tensor:
        """The gradient by the scores."""
        dp = linalg.matmul(self.turned(do), self.v, transpose_b=True)
        return self.p * (dp - reductions.reduce_sum(self.p * dp, 3, keepdims=True))


def _seen(s: Tensor) -> Tensor:
    """Whether a key is not behind the query."""
    rows, columns = s.spec.shape[2:]
    query = shaping.expand_dims(creation.iota((rows,), 0, dtypes.int32), 1)
    return query >= creation.iota((columns,), 0, dtypes.int32)


def _slopes_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    q, k, v, _, _, do, *biases = g.inputs
    plain = _Plain(q, k, v, biases, **g.attrs)
    a, b, c = (
        plain.turned(shaping.zeros_like(x) if ct is None else ct)
        for x, ct in zip((q, k, v), g.cts, strict=True)
    )
    p, do = plain.p, plain.turned(do)

    def mean(x: Tensor) -> Tensor:
        return reductions.reduce_sum(p * x, 3, keepdims=True)

    dp = linalg.matmul(do, plain.v, transpose_b=True)
    ds = p * (dp - mean(dp))
    y = linalg.matmul(a, plain.k, transpose_b=True) + linalg.matmul(plain.q, b, transpose_b=True)
    z = p * (y - mean(y))  # by dp
    w = y * (dp - mean(dp)) - dp * mean(y) + linalg.matmul(do, c, transpose_b=True)  # by p
    r = p * (w - mean(w))  # by the scores
    of_q = linalg.matmul(r, plain.k) + linalg.matmul(ds, b)
    of_k = linalg.matmul(r, plain.q, transpose_a=True) + linalg.matmul(ds, a, transpose_a=True)
    of_v = linalg.matmul(z, do, transpose_a=True)
    of_do = linalg.matmul(z, plain.v) + linalg.matmul(p, c)
    found = [plain.turned(x) for x in (of_q, of_k, of_v)]
    of_biases = [_folded(r, bias) for bias in biases]
    return (*found, None, None, plain.turned(of_do), *of_biases)


# --- kernels -----------------------------------------------------------------------------------


def _expand(
    q: Tensor, k: Tensor, v: Tensor, *biases: Tensor, causal: bool, heads_first: bool
) -> Any:
    rows = _sizes(q.spec, heads_first).rows
    attrs = {"causal": causal, "heads_first": heads_first, "rows": rows}
    laid, kinds = _laid(biases, rows)
    panels = panels_op(q, heads_first=heads_first)
    return forward_op(panels, k, v, *laid, biases=kinds, **attrs)


def _slopes_expand(
    q: Tensor, k: Tensor, v: Tensor, o: Tensor, lse: Tensor, do: Tensor, *biases: Tensor,
    causal: bool, heads_first: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    rows = _sizes(q.spec, heads_first).rows
    attrs = {"causal": causal, "heads_first": heads_first, "rows": rows}
    laid, kinds = _laid(biases, rows)
    panels, other = panels_op(q, heads_first=heads_first), panels_op(do, heads_first=heads_first)
    delta = reductions.reduce_sum(o * do, 3)
    if not heads_first:
        delta = shaping.transpose(delta, (0, 2, 1))
    delta = _whole(shaping.reshape(delta, (lse.spec.shape[0], rows)), 1, rows)
    back = (panels, k, v, *laid, lse, other, do, delta, q)
    dk, dv, dq = gradients_op(*back, biases=kinds, **attrs)
    return dq, dk, dv


def _laid(biases: Sequence[Tensor], rows: Extent) -> tuple[list[Tensor], tuple[str, ...]]:
    """The biases as the kernels read them: [.., keys, whole blocks of queries], or [.., keys]."""
    laid, kinds = [], []
    for bias in sorted(biases, key=lambda b: b.spec.shape[2] == 1):  # as the kernels take them
        a, b, queries, keys = bias.spec.shape
        if queries == 1:
            laid.append(shaping.reshape(bias, (a, b, keys)))
            kinds.append("keys")
        else:
            laid.append(_whole(shaping.transpose(bias, (0, 1, 3, 2)), 3, rows))
            kinds.append("both")
    return laid, tuple(kinds)


def _whole(x: Tensor, axis: int, rows: Extent) -> Tensor:
    """Zeros behind the rows along an axis, to whole blocks."""
    shape = list(x.spec.shape)
    shape[axis] = padded(rows)
    if tuple(shape) == x.spec.shape:
        return x
    made: Tensor = rearrange.pad_op(x, begin=(0,) * len(shape), shape=tuple(shape), value=0)
    return made


def _panels_infer(x: Spec, *, heads_first: bool) -> Spec:
    s = _sizes(x, heads_first)
    return Spec((s.examples * s.heads, padded(s.rows), s.depth), x.dtype)


def _panels_reference(x: Array, *, heads_first: bool) -> Array:
    first = _heads_first(x, heads_first)
    rows: Any = padded(first.shape[2])
    out = np.zeros((first.shape[0] * first.shape[1], rows, x.shape[3]), x.dtype)
    out[:, : first.shape[2]] = first.reshape(len(out), *first.shape[2:])
    return out


def _plan_panels(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import attention_plans as kernels

    heads_first, dtype = attrs["heads_first"], inputs[0].dtype.name
    sizes: Any = _sizes(inputs[0], heads_first)
    examples, heads, rows, depth = sizes
    return kernels.plan_panels(examples, heads, rows, depth, dtype, heads_first=heads_first)


panels_op = Op(
    "attention_panels",
    _panels_infer,
    _panels_reference,
    None,
    Library(_plan_panels, private=True),
)
"""Queries in blocks, transposed: where elements lie is the kernels' business."""


def _kernel_sizes(inputs: Sequence[Spec], attrs: Attrs) -> Any:
    from numflow.kernels.cpu.attention_plans import Sizes

    _, k, v, *rest = inputs
    keys: Any = _sizes(k, attrs["heads_first"])
    steps: dict[str, tuple[int, int]] = {}
    for kind, bias in zip(attrs["biases"], rest, strict=False):
        a, b, *inner = (int(n) for n in bias.shape)  # type: ignore[arg-type]
        head = int(np.prod(inner)) * bias.dtype.size
        name = "key_bias" if kind == "keys" else "bias"
        steps[name] = (0 if a == 1 else b * head, 0 if b == 1 else head)
    width: Any = v.shape[3]
    return Sizes(
        keys.examples, keys.heads, attrs["rows"], keys.rows, keys.depth, width, attrs["causal"],
        attrs["heads_first"], **steps,
    )  # fmt: skip


def _plan(which: str, **more: Any) -> Any:
    def plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
        from numflow.kernels.cpu import attention_plans as kernels

        make = getattr(kernels, which)
        return make(_kernel_sizes(inputs, attrs), inputs[1].dtype.name, **more)

    return plan


def _plan_gradients(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    return _plan("plan_gradients", threads=threads)(inputs, outputs, attrs, threads)


def _cost(products: int) -> Any:
    def cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
        queries: Any = inputs[0].size
        keys: Any = _sizes(inputs[1], attrs["heads_first"]).rows
        return products * 2.0 * float(queries) * float(keys) * (0.5 if attrs["causal"] else 1.0)

    return cost


def _forward_infer(panels: Spec, k: Spec, v: Spec, *biases: Spec, **attrs: Any) -> Any:
    y = _sizes(k, attrs["heads_first"])
    first, second = (y.heads, attrs["rows"]) if attrs["heads_first"] else (attrs["rows"], y.heads)
    o = Spec((y.examples, first, second, v.shape[3]), k.dtype)
    return o, Spec((panels.shape[0], padded(attrs["rows"])), k.dtype)


def _of_panels(panels: Array, k: Array, rows: int, heads_first: bool) -> Array:
    """The queries that panels were made of, as the references hold them."""
    examples, heads = (k.shape[0], k.shape[1]) if heads_first else (k.shape[0], k.shape[2])
    x = panels[:, :rows].reshape(examples, heads, rows, panels.shape[2])
    return _heads_first(x, heads_first)


def _plain_biases(laid: Sequence[Array], kinds: Sequence[str], rows: int) -> list[Array]:
    return [
        x[:, :, None, :] if kind == "keys" else np.swapaxes(x, 2, 3)[:, :, :rows]
        for x, kind in zip(laid, kinds, strict=True)
    ]


def _forward_reference(
    panels: Array, k: Array, v: Array, *laid: Array, biases: Sequence[str], rows: int,
    heads_first: bool, causal: bool,
) -> tuple[Array, Array]:  # fmt: skip
    q = _of_panels(panels, k, rows, heads_first)
    plain = _plain_biases(laid, biases, rows)
    return _reference(q, k, v, *plain, causal=causal, heads_first=heads_first)


def _backward_reference(*inputs: Array, biases: Sequence[str], rows: int, **attrs: Any) -> Any:
    panels, k, v, *rest = inputs
    n, heads_first = len(biases), attrs["heads_first"]
    q = _of_panels(panels, k, rows, heads_first)
    do = _of_panels(rest[n + 1], k, rows, heads_first)
    plain = _plain_biases(rest[:n], biases, rows)
    return _slopes_reference(q, k, v, do, rest[n], do, *plain, **attrs)


value_op = Op(
    "attention_value",
    lambda *inputs, **attrs: _forward_infer(*inputs, **attrs)[0],
    lambda *inputs, **attrs: _forward_reference(*inputs, **attrs)[0],
    None,
    Library(_plan("plan_forward", keep=False), cost=_cost(2)),
)

forward_op = Op(
    "attention_forward",
    _forward_infer,
    _forward_reference,
    None,
    Library(_plan("plan_forward", keep=True), cost=_cost(2), alone=value_op),
)
"""panels, keys, values, biases as laid -> o, lse."""

keys_op = Op(
    "attention_keys",
    lambda panels, k, v, *rest, **attrs: (k, v),
    lambda *inputs, **attrs: _backward_reference(*inputs, **attrs)[1:],
    None,
    Library(_plan("plan_keys"), cost=_cost(4)),
)
"""panels, keys, values, biases, lse, panels of do, do, delta, queries -> dk, dv."""

gradients_op = Op(
    "attention_gradients",
    lambda panels, k, v, *rest, **attrs: (k, v, rest[-1]),
    lambda *inputs, **attrs: _gradients_reference(*inputs, **attrs),
    None,
    Library(_plan_gradients, cost=_cost(5), alone=keys_op),
)
"""The same -> dk, dv, dq."""


def _gradients_reference(*inputs: Array, **attrs: Any) -> tuple[Array, ...]:
    dq, dk, dv = _backward_reference(*inputs, **attrs)
    return dk, dv, dq


attention_op = Op("attention", _infer, _reference, _vjp, Composite(_expand))

attention_slopes_op = Op(
    "attention_slopes", _slopes_infer, _slopes_reference, _slopes_vjp, Composite(_slopes_expand)
)
