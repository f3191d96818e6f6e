"""Gated recurrent units over a whole sequence as one op, and its gradient as another.

    y, h, gates, before = gru_steps(x, u, h0 [, mask] [, bias])

As recurrent_lstm.py, which says more. x is what the inputs and the bias give to z, r and the
candidate; [steps, batch, 3 * units]. u [units, 3 * units]. bias [units]: of the candidate's
recurrent product, where the reset gate is behind it. `gates` and `before` are there for the
gradient only: z, r, the candidate, and the recurrent product (or r h); the state before each step.

Attributes: `order`: the places of z, r and the candidate in x and u; `after`: the reset gate acts
behind the product (h U + b), as cuDNN and Keras have it; else before it, on h, and z and r are the
first two in x and u.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.graph.lowering import Composite, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.kernels.records import NamedTuple
from numflow.ops import joining, linalg, unrolled
from numflow.ops import math as maths
from numflow.ops import recurrent_panels as panels
from numflow.ops import reduce as reductions
from numflow.ops import select as selecting
from numflow.ops import shape as shaping
from numflow.ops.precision import widened


class Parts(NamedTuple):
    """The inputs of the op by name; None for what a layer does not have."""

    x: Any
    u: Any
    h0: Any
    mask: Any
    bias: Any


def parts(inputs: Sequence[Any], attrs: Attrs) -> tuple[Parts, list[Any]]:
    """The inputs by name, and those behind them."""
    x, u, h0, *more = inputs
    mask, bias = (more.pop(0) if attrs[name] else None for name in ("masked", "biased"))
    return Parts(x, u, h0, mask, bias), more


def _present(p: Parts) -> list[Any]:
    return [v for v in p if v is not None]


# --- references ------------------------------------------------------------------------------


def _cuts(order: Sequence[int], units: int) -> list[slice]:
    """Where z, r and the candidate are in a wide row."""
    return [slice(k * units, (k + 1) * units) for k in order]


def _reference(*inputs: Any, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    first, units = attrs["time_major"], p.h0.shape[1]
    z_at, r_at, n_at = _cuts(attrs["order"], units)
    x = panels.time_first(p.x, first)
    mask = None if p.mask is None else panels.time_first(p.mask, first)
    y, gates, before = (np.zeros((*p.x.shape[:2], n * units), p.x.dtype) for n in (1, 4, 1))
    out = [panels.time_first(a, first) for a in (y, gates, before)]
    h = p.h0
    with np.errstate(all="ignore"):
        for t in panels.order_of(x.shape[0], attrs["reverse"]):
            z = panels.sigmoid(x[t][:, z_at] + h @ p.u[:, z_at])
            r = panels.sigmoid(x[t][:, r_at] + h @ p.u[:, r_at])
            live = None if mask is None else mask[t][:, None]
            if attrs["after"]:
                product = h @ p.u[:, n_at]
                if p.bias is not None:
                    product = product + p.bias
                n = np.tanh(x[t][:, n_at] + r * product)
            else:
                if live is not None:
                    z, r = np.where(live, z, 0), np.where(live, r, 0)
                product = r * h
                n = np.tanh(x[t][:, n_at] + product @ p.u[:, n_at])
            y_new = h_new = n + z * (h - n)
            made = np.concatenate([z, r, n, product], 1)
            if live is not None:
                y_new = np.where(live, h_new, h if attrs["carry"] else 0)
                made = np.where(live, made, 0)
                h_new = np.where(live, h_new, h)
            for to, value in zip(out, (y_new, made, h), strict=True):
                to[t] = value
            h = h_new
    return y, h, gates, before


def _gradients_reference(*inputs: Any, **attrs: Any) -> Any:
    p, (gates, before, dy, dh) = parts(inputs, attrs)
    first, units, after = attrs["time_major"], p.h0.shape[1], attrs["after"]
    z_at, r_at, n_at = _cuts(attrs["order"], units)
    dx, dr = np.zeros(p.x.shape, p.x.dtype), np.zeros(p.x.shape, p.x.dtype)
    dxs, drs, gs, hs, dys = (panels.time_first(a, first) for a in (dx, dr, gates, before, dy))
    mask = None if p.mask is None else panels.time_first(p.mask, first)
    with np.errstate(all="ignore"):
        for t in reversed(panels.order_of(dxs.shape[0], attrs["reverse"])):
            live = np.ones((1, 1), bool) if mask is None else mask[t][:, None]
            z, r, n, product = (gs[t][:, k * units : (k + 1) * units] for k in range(4))
            h = hs[t]
            d = dys[t] + dh
            d_n = d * (1 - z) * (1 - n * n)
            d_z = d * (h - n) * z * (1 - z)
            through = d * z
            if after:
                d_r = d_n * product * r * (1 - r)
                d_product = d_n * r
            else:
                d_product = d_n
                d_rh = d_n @ p.u[:, n_at].T
                d_r = d_rh * h * r * (1 - r)
                through = through + d_rh * r
            for at, by_x, by_product in (
                (z_at, d_z, d_z), (r_at, d_r, d_r), (n_at, d_n, d_product)
            ):  # fmt: skip
                dxs[t][:, at] = np.where(live, by_x, 0)
                drs[t][:, at] = np.where(live, by_product, 0)
            if after:
                through = through + drs[t] @ p.u.T
            else:
                zr = np.concatenate([dxs[t][:, z_at], dxs[t][:, r_at]], 1)
                through = through + zr @ np.concatenate([p.u[:, z_at], p.u[:, r_at]], 1).T
            dh = np.where(live, through, dh + dys[t] if attrs["carry"] else dh)
    return (dx, dh, dr) if after else (dx, dh)


# --- plain ops -------------------------------------------------------------------------------


def _written_out(*inputs: Tensor, **attrs: Any) -> tuple[Tensor, ...]:
    """The same by ops for every step: what the second gradient is taken of.

    A further input is added to the candidate's recurrent product, of all three gates.
    """
    p, moved = parts(inputs, attrs)
    axis = 0 if attrs["time_major"] else 1
    if p.x.spec.shape[axis] == 0:
        nothing = _infer(*(v.spec for v in _present(p)), **attrs)
        y, gates, before = (
            shaping.reshape_op(p.x[..., :0], shape=nothing[k].shape) for k in (0, 2, 3)
        )
        return y, p.h0, gates, before
    u = [joining.split(p.u, 3, 1)[k] for k in attrs["order"]]

    def step(rows: list[Any], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        (x, live, added), (h,) = rows, state
        x_z, x_r, x_n = (joining.split(x, 3, 1)[k] for k in attrs["order"])
        products = [linalg.matmul(h, m) for m in (u if attrs["after"] else u[:2])]
        if added is not None:
            more = joining.split(added, 3, 1)
            products = [a + more[k] for a, k in zip(products, attrs["order"], strict=True)]
        z, r = maths.sigmoid(x_z + products[0]), maths.sigmoid(x_r + products[1])
        if attrs["after"]:
            product = products[2] if p.bias is None else products[2] + p.bias
            n = maths.tanh(x_n + r * product)
        else:
            product = r * h
            n = maths.tanh(x_n + linalg.matmul(product, u[2]))
        y = h_new = n + z * (h - n)
        made = joining.concat([z, r, n, product], 1)
        if live is not None:
            live = shaping.expand_dims(live, 1)
            y = selecting.where(live, y, h if attrs["carry"] else shaping.zeros_like(y))
            made = selecting.where(live, made, shaping.zeros_like(made))
            h_new = selecting.where(live, h_new, h)
        return [y, made, h], [h_new]

    rows = (p.x, p.mask, moved[0] if moved else None)
    (y, gates, before), (h,) = unrolled.over(step, rows, (p.h0,), axis, attrs["reverse"])
    return y, h, gates, before


def _slopes_written_out(*inputs: Tensor, **attrs: Any) -> list[Tensor]:
    """The gradient op by gradients of the op written out."""
    p, (_, _, dy, dh) = parts(inputs, attrs)
    sources = _present(p)
    wanted = [k in (0, 2) for k in range(len(sources))]
    if attrs["after"]:  # the gradient by what is added to the recurrent product
        sources, wanted = [*sources, shaping.zeros_like(p.x)], [*wanted, True]
    found = unrolled.gradients(
        lambda *v: _written_out(*v, **attrs), sources, [dy, dh, None, None], wanted
    )
    return [ct for ct in found if ct is not None]


# --- the op ----------------------------------------------------------------------------------


def _infer(x: Spec, u: Spec, h0: Spec, *more: Spec, **attrs: Any) -> tuple[Spec, ...]:
    units = h0.shape[1]
    state = panels.like(x, units)
    return state, h0, panels.like(x, 4 * units), state


def _vjp(g: Backward) -> list[Tensor | None]:
    p, _ = parts(g.inputs, g.attrs)
    if any(ct is not None for ct in g.cts[2:]):  # what was kept is used: by second gradients
        return unrolled.gradients(lambda *v: _written_out(*v, **g.attrs), g.inputs, g.cts, g.needed)
    y, h, gates, before = g.outputs
    dy, dh = (
        shaping.zeros_like(v) if ct is None else ct for v, ct in zip((y, h), g.cts, strict=False)
    )
    found = gradients_op(*g.inputs, gates, before, dy, dh, **g.attrs)
    dx, dh0 = found[:2]
    units = p.h0.spec.shape[1]
    du = dbias = None
    if g.needed[1]:
        state = panels.rows(before)
        if g.attrs["after"]:
            du = linalg.matmul(state, panels.rows(found[2]), transpose_a=True)
        else:
            wide = panels.rows(dx)
            first = linalg.matmul(state, wide[:, : 2 * units], transpose_a=True)
            reset = panels.rows(gates)[:, 3 * units :]
            last = linalg.matmul(reset, wide[:, 2 * units :], transpose_a=True)
            du = joining.concat([first, last], 1)
    grads = [dx, du, dh0]
    if p.mask is not None:
        grads.append(None)
    if p.bias is not None:
        if g.needed[-1]:
            at = g.attrs["order"][2] * units
            dbias = reductions.reduce_sum(found[2][..., at : at + units], [0, 1])
        grads.append(dbias)
    return grads


def _expand(*inputs: Tensor, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    packed = panels.gates_op(p.u, order=attrs["order"])
    return forward_op(p.x, packed, *_present(p)[2:], **attrs)


gru_op = Op("gru_steps", _infer, widened(_reference), _vjp, Composite(_expand))


# --- its gradient ----------------------------------------------------------------------------


def _gradients_infer(*inputs: Spec, **attrs: Any) -> tuple[Spec, ...]:
    x, _, h0 = inputs[:3]
    return (x, h0, x) if attrs["after"] else (x, h0)


def _gradients_vjp(g: Backward) -> list[Tensor | None]:
    p, _ = parts(g.inputs, g.attrs)
    needed = list(g.needed)
    count = len(_present(p))
    needed[count : count + 2] = [False] * 2  # what was kept follows from the rest
    return unrolled.gradients(
        lambda *v: _slopes_written_out(*v, **g.attrs), g.inputs, g.cts, needed
    )


def _gradients_expand(*inputs: Tensor, **attrs: Any) -> Any:
    p, more = parts(inputs, attrs)
    mask = [] if p.mask is None else [p.mask]
    return backward_op(panels.back_op(p.u, gates=3), *mask, *more, **attrs)


gradients_op = Op(
    "gru_gradients",
    _gradients_infer,
    widened(_gradients_reference),
    _gradients_vjp,
    Composite(_gradients_expand),
)


# --- what the kernels take -------------------------------------------------------------------


def _forward_reference(*inputs: Any, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    units = p.h0.shape[1]
    return _reference(*_present(p._replace(u=p.u[:, : 3 * units])), **attrs)


def _plan(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    apart: Sequence[int | None] = (None,),
) -> Any:
    from numflow.kernels.cpu import recurrent

    p, _ = parts(inputs, attrs)
    units = p.h0.shape[1]
    more = {"extra": attrs["biased"], "y_row": apart[0]}
    s = panels.sequences(p.x, units, attrs, state=units, **more)
    return recurrent.plan_gru(
        s,
        p.x.dtype.name,
        order=attrs["order"],
        kind=int(attrs["after"]),
        keep=len(outputs) > 2,
        threads=threads,
    )


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return panels.flops(inputs[0], inputs[2].shape[1])


def _note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return panels.note(inputs[0], inputs[2].shape[1], attrs)


def _back_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return panels.note(outputs[0], outputs[1].shape[1], attrs)


states_op = Op(
    "gru_states",
    lambda *inputs, **attrs: _infer(*inputs, **attrs)[:2],
    lambda *inputs, **attrs: _forward_reference(*inputs, **attrs)[:2],
    None,
    Library(_plan, cost=_cost, note=_note, rows=((), (0,))),
)
forward_op = Op(
    "gru_forward",
    _infer,
    _forward_reference,
    None,
    Library(_plan, cost=_cost, note=_note, alone=states_op, rows=((), (0,))),
)


def _backward_infer(u: Spec, *more: Spec, **attrs: Any) -> tuple[Spec, ...]:
    y, dh = more[-2:]
    wide = panels.like(y, 3 * dh.shape[1])
    return (wide, dh, wide) if attrs["after"] else (wide, dh)


def _backward_reference(u: Any, *more: Any, **attrs: Any) -> Any:
    dy, dh = more[-2:]
    units = dh.shape[1]
    wide = np.zeros((*dy.shape[:2], 3 * units), dy.dtype)
    mask = [more[0]] if attrs["masked"] else []
    bare = {**attrs, "biased": False}
    return _gradients_reference(wide, u[:units], dh, *mask, *more[-4:], **bare)


def _plan_back(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    apart: Sequence[int | None] = (None,),
) -> Any:
    from numflow.kernels.cpu import recurrent

    dx, units = outputs[0], outputs[1].shape[1]
    return recurrent.plan_gru_backward(
        panels.sequences(dx, units, attrs, state=units, dy_row=apart[0]),
        dx.dtype.name,
        order=attrs["order"],
        kind=int(attrs["after"]),
        threads=threads,
    )


def _back_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return panels.flops(outputs[0], outputs[1].shape[1])


backward_op = Op(
    "gru_backward",
    _backward_infer,
    _backward_reference,
    None,
    Library(_plan_back, cost=_back_cost, note=_back_note, rows=((-2,), ())),
)
