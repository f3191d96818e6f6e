"""Long short-term memory over a whole sequence as one op, and its gradient as another.

    y, h, c, gates, cells, before = lstm_steps(x, u, h0, c0 [, mask] [, peepholes] [, projection])

x is what the inputs and the bias give to the gates: one matrix product over all steps, which other
ops make (recurrent.py); [steps, batch, 4 * units], or [batch, steps, 4 * units] without
`time_major`. u [state, 4 * units]. The last three outputs are there for the gradient only, and not
computed where nobody wants it: the gates after their nonlinearities in the order i f g o, the cells
after each step, the state before each. Where the mask [steps, batch] (as x) is false a step does
not happen: state and cell stay, the output is 0 (with `carry`: the state).

The gradient op gives the gradients by x, h0, c0, and by the projection's results; those by weights
are products over all steps, which the rule makes of them.

Attributes: `order`: the places of i, f, g, o in x and u. `reverse`: the last step is the first.
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
from numflow.ops import clipping, joining, linalg, unrolled
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
    c0: Any
    mask: Any
    peepholes: Any
    projection: Any


def parts(inputs: Sequence[Any], attrs: Attrs) -> tuple[Parts, list[Any]]:
    """The inputs by name, and those behind them."""
    x, u, h0, c0, *more = inputs
    mask, peepholes, projection = (
        more.pop(0) if attrs[name] else None for name in ("masked", "peephole", "projected")
    )
    return Parts(x, u, h0, c0, mask, peepholes, projection), more


def _present(p: Parts) -> list[Any]:
    return [v for v in p if v is not None]


def _given(p: Parts) -> list[Any]:
    """The optional ones that there are."""
    return [v for v in p[4:] if v is not None]


# --- references ------------------------------------------------------------------------------


def _clipped(x: Any, bound: float) -> Any:
    return np.clip(x, -bound, bound) if bound else x


def _reference(*inputs: Any, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    first, units = attrs["time_major"], p.c0.shape[1]
    x = panels.time_first(p.x, first)
    mask = None if p.mask is None else panels.time_first(p.mask, first)
    h, c, dtype = p.h0, p.c0, p.x.dtype
    y, gates, cells, before = (
        np.zeros((*p.x.shape[:2], n), dtype) for n in (h.shape[1], 4 * units, units, h.shape[1])
    )
    out = [panels.time_first(a, first) for a in (y, gates, cells, before)]
    with np.errstate(all="ignore"):
        for t in panels.order_of(x.shape[0], attrs["reverse"]):
            z = x[t] + h @ p.u
            i, f, g, o = (z[:, k * units : (k + 1) * units] for k in attrs["order"])
            if p.peepholes is not None:
                i, f = i + p.peepholes[0] * c, f + p.peepholes[1] * c
            i, f, g = panels.sigmoid(i), panels.sigmoid(f), np.tanh(g)
            c_new = _clipped(f * c + i * g, attrs["cell_clip"])
            if p.peepholes is not None:
                o = o + p.peepholes[2] * c_new
            o = panels.sigmoid(o)
            h_new = o * np.tanh(c_new)
            if p.projection is not None:
                h_new = _clipped(h_new @ p.projection, attrs["state_clip"])
            made = np.concatenate([i, f, g, o], 1)
            y_new = h_new
            if mask is not None:
                live = mask[t][:, None]
                y_new = np.where(live, h_new, h if attrs["carry"] else 0)
                made = np.where(live, made, 0)
                h_new, c_new = np.where(live, h_new, h), np.where(live, c_new, c)
            for to, value in zip(out, (y_new, made, c_new, h), strict=True):
                to[t] = value
            h, c = h_new, c_new
    return y, h, c, gates, cells, before


def _gradients_reference(*inputs: Any, **attrs: Any) -> Any:
    p, (y, gates, cells, dy, dh, dc) = parts(inputs, attrs)
    first, units, order = attrs["time_major"], p.c0.shape[1], attrs["order"]
    dx = np.zeros(p.x.shape, p.x.dtype)
    dp = np.zeros(y.shape, y.dtype)
    dxs, dps, ys, gs, cs, dys = (panels.time_first(a, first) for a in (dx, dp, y, gates, cells, dy))
    mask = None if p.mask is None else panels.time_first(p.mask, first)
    steps = list(panels.order_of(dxs.shape[0], attrs["reverse"]))
    with np.errstate(all="ignore"):
        for number in range(len(steps) - 1, -1, -1):
            t = steps[number]
            live = None if mask is None else mask[t][:, None]
            c_before = cs[steps[number - 1]] if number else p.c0
            i, f, g, o = (gs[t][:, k * units : (k + 1) * units] for k in range(4))
            c = cs[t]
            d = dys[t] + dh
            if p.projection is not None:
                if attrs["state_clip"]:
                    d = np.where(np.abs(ys[t]) >= attrs["state_clip"], 0, d)
                d = d if live is None else np.where(live, d, 0)
                dps[t] = d
                d = d @ p.projection.T
            th = np.tanh(c)
            d_o = d * th * o * (1 - o)
            d_c = d * o * (1 - th * th) + dc
            if p.peepholes is not None:
                d_c = d_c + d_o * p.peepholes[2]
            if attrs["cell_clip"]:
                d_c = np.where(np.abs(c) >= attrs["cell_clip"], 0, d_c)
            d_i, d_f = d_c * g * i * (1 - i), d_c * c_before * f * (1 - f)
            d_g = d_c * i * (1 - g * g)
            d_c = d_c * f
            if p.peepholes is not None:
                d_c = d_c + d_i * p.peepholes[0] + d_f * p.peepholes[1]
            for k, value in zip(order, (d_i, d_f, d_g, d_o), strict=True):
                dxs[t][:, k * units : (k + 1) * units] = (
                    value if live is None else np.where(live, value, 0)
                )
            dh_new = dxs[t] @ p.u.T
            dh_rest = dh + dys[t] if attrs["carry"] else dh
            dh = dh_new if live is None else np.where(live, dh_new, dh_rest)
            dc = d_c if live is None else np.where(live, d_c, dc)
    return (dx, dh, dc, dp) if p.projection is not None else (dx, dh, dc)


# --- plain ops -------------------------------------------------------------------------------


def _written_out(*inputs: Tensor, **attrs: Any) -> tuple[Tensor, ...]:
    """The same by ops for every step: what the second gradient is taken of."""
    p, perturbed = parts(inputs, attrs)
    axis = 0 if attrs["time_major"] else 1
    if p.x.spec.shape[axis] == 0:
        nothing = _infer(*(v.spec for v in _present(p)), **attrs)
        y, gates, cells, before = (
            shaping.reshape_op(p.x[..., :0], shape=nothing[k].shape) for k in (0, 3, 4, 5)
        )
        return y, p.h0, p.c0, gates, cells, before

    def step(rows: list[Any], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        (x, live, moved), (h, c) = rows, state
        z = joining.split(x + linalg.matmul(h, p.u), 4, 1)
        i, f, g, o = (z[k] for k in attrs["order"])
        if p.peepholes is not None:
            i, f = i + p.peepholes[0] * c, f + p.peepholes[1] * c
        i, f, g = maths.sigmoid(i), maths.sigmoid(f), maths.tanh(g)
        c_new = _bounded(f * c + i * g, attrs["cell_clip"])
        if p.peepholes is not None:
            o = o + p.peepholes[2] * c_new
        o = maths.sigmoid(o)
        h_new = o * maths.tanh(c_new)
        if p.projection is not None:
            h_new = linalg.matmul(h_new, p.projection)
            if moved is not None:
                h_new = h_new + moved
            h_new = _bounded(h_new, attrs["state_clip"])
        y, made = h_new, joining.concat([i, f, g, o], 1)
        if live is not None:
            live = shaping.expand_dims(live, 1)
            y = selecting.where(live, y, h if attrs["carry"] else shaping.zeros_like(y))
            made = selecting.where(live, made, shaping.zeros_like(made))
            h_new, c_new = selecting.where(live, h_new, h), selecting.where(live, c_new, c)
        return [y, made, c_new, h], [h_new, c_new]

    rows = (p.x, p.mask, perturbed[0] if perturbed else None)
    (y, gates, cells, before), (h, c) = unrolled.over(
        step, rows, (p.h0, p.c0), axis, attrs["reverse"]
    )
    return y, h, c, gates, cells, before


def _bounded(x: Tensor, bound: float) -> Tensor:
    return clipping.clip_by_value(x, -bound, bound) if bound else x


def _slopes_written_out(*inputs: Tensor, **attrs: Any) -> list[Tensor]:
    """The gradient op by gradients of the op written out."""
    p, (y, _, _, dy, dh, dc) = parts(inputs, attrs)
    sources = _present(p)
    wanted = [k in (0, 2, 3) for k in range(len(sources))]
    if p.projection is not None:  # the gradient by what is added to the projection's results
        sources, wanted = [*sources, shaping.zeros_like(y)], [*wanted, True]
    found = unrolled.gradients(
        lambda *v: _written_out(*v, **attrs), sources, [dy, dh, dc, None, None, None], wanted
    )
    return [ct for ct in found if ct is not None]


# --- the op ----------------------------------------------------------------------------------


def _infer(x: Spec, u: Spec, h0: Spec, c0: Spec, *more: Spec, **attrs: Any) -> tuple[Spec, ...]:
    state = panels.like(x, h0.shape[1])
    return (state, h0, c0, x, panels.like(x, c0.shape[1]), state)


def _vjp(g: Backward) -> list[Tensor | None]:
    p, _ = parts(g.inputs, g.attrs)
    if any(ct is not None for ct in g.cts[3:]):  # what was kept is used: by second gradients
        return unrolled.gradients(lambda *v: _written_out(*v, **g.attrs), g.inputs, g.cts, g.needed)
    y, h, c, gates, cells, before = g.outputs
    dy, dh, dc = (
        shaping.zeros_like(v) if ct is None else ct for v, ct in zip((y, h, c), g.cts, strict=False)
    )
    found = gradients_op(*g.inputs, y, gates, cells, dy, dh, dc, **g.attrs)
    dx, dh0, dc0 = found[:3]
    wide = panels.rows(dx)
    du = linalg.matmul(panels.rows(before), wide, transpose_a=True) if g.needed[1] else None
    grads: list[Tensor | None] = [dx, du, dh0, dc0]
    place = 4
    if p.mask is not None:
        grads.append(None)
        place += 1
    if p.peepholes is not None:
        grads.append(_peephole_slopes(p, cells, dx, g.attrs) if g.needed[place] else None)
        place += 1
    if p.projection is not None:
        units = p.c0.spec.shape[1]
        m = gates[..., 3 * units :] * maths.tanh(cells)
        share = linalg.matmul(panels.rows(m), panels.rows(found[3]), transpose_a=True)
        grads.append(share if g.needed[place] else None)
    return grads


def _peephole_slopes(p: Parts, cells: Tensor, dx: Tensor, attrs: Attrs) -> Tensor:
    """Sums over all steps of the gates' gradients times the cells that they saw."""
    axis = 0 if attrs["time_major"] else 1
    start = shaping.expand_dims(p.c0, axis)
    if attrs["reverse"]:
        rest = cells[1:] if axis == 0 else cells[:, 1:]
        before = joining.concat([rest, start], axis)
    else:
        rest = cells[:-1] if axis == 0 else cells[:, :-1]
        before = joining.concat([start, rest], axis)
    if p.x.spec.shape[axis] == 0:
        before = cells
    d = joining.split(dx, 4, 2)
    i, f, _, o = (d[k] for k in attrs["order"])
    sums = [reductions.reduce_sum(a * b, [0, 1]) for a, b in ((i, before), (f, before), (o, cells))]
    return joining.stack(sums, 0)


def _expand(*inputs: Tensor, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    packed = panels.gates_op(p.u, order=attrs["order"])
    if p.projection is not None:
        p = p._replace(projection=panels.gates_op(p.projection, order=(0,)))
    return forward_op(p.x, packed, p.h0, p.c0, *_given(p), **attrs)


lstm_op = Op("lstm_steps", _infer, widened(_reference), _vjp, Composite(_expand))


# --- its gradient ----------------------------------------------------------------------------


def _gradients_infer(*inputs: Spec, **attrs: Any) -> tuple[Spec, ...]:
    p, more = parts(inputs, attrs)
    found = (p.x, p.h0, p.c0)
    return (*found, more[0]) if attrs["projected"] else found


def _gradients_vjp(g: Backward) -> list[Tensor | None]:
    p, _ = parts(g.inputs, g.attrs)
    needed = list(g.needed)
    count = len(_present(p))
    needed[count : count + 3] = [False] * 3  # what was kept follows from the rest
    return unrolled.gradients(
        lambda *v: _slopes_written_out(*v, **g.attrs), g.inputs, g.cts, needed
    )


def _gradients_expand(*inputs: Tensor, **attrs: Any) -> Any:
    p, more = parts(inputs, attrs)
    packed = panels.back_op(p.u, gates=4)
    if p.projection is not None:
        p = p._replace(projection=panels.back_op(p.projection, gates=1))
    return backward_op(packed, p.c0, *_given(p), *more, **attrs)


gradients_op = Op(
    "lstm_gradients",
    _gradients_infer,
    widened(_gradients_reference),
    _gradients_vjp,
    Composite(_gradients_expand),
)


# --- what the kernels take -------------------------------------------------------------------


def _weights(p: Parts, units: int) -> Parts:
    """With weights in the place of their panels, for references."""
    state = p.h0.shape[1]
    found = p._replace(u=p.u[:state, : 4 * units])
    if p.projection is not None:
        found = found._replace(projection=p.projection[:units, :state])
    return found


def _forward_reference(*inputs: Any, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    return _reference(*_present(_weights(p, p.c0.shape[1])), **attrs)


def _sizes(x: Spec, state: Any, units: Any, attrs: Attrs, **rows: int | None) -> Any:
    return panels.sequences(
        x,
        units,
        attrs,
        state=int(state),
        extra=attrs["peephole"],
        projected=attrs["projected"],
        cell_clip=attrs["cell_clip"],
        state_clip=attrs["state_clip"],
        **rows,
    )


def _plan(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    apart: Sequence[int | None] = (None,),
) -> Any:
    from numflow.kernels.cpu import recurrent

    p, _ = parts(inputs, attrs)
    s = _sizes(p.x, p.h0.shape[1], p.c0.shape[1], attrs, y_row=apart[0])
    return recurrent.plan_lstm(
        s, p.x.dtype.name, order=attrs["order"], keep=len(outputs) > 3, threads=threads
    )


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return panels.flops(inputs[0], inputs[2].shape[1])


def _note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return panels.note(inputs[0], inputs[2].shape[1], attrs)


def _back_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return panels.note(outputs[0], outputs[1].shape[1], attrs)


states_op = Op(
    "lstm_states",
    lambda *inputs, **attrs: _infer(*inputs, **attrs)[:3],
    lambda *inputs, **attrs: _forward_reference(*inputs, **attrs)[:3],
    None,
    Library(_plan, cost=_cost, note=_note, rows=((), (0,))),
)
forward_op = Op(
    "lstm_forward",
    _infer,
    _forward_reference,
    None,
    Library(_plan, cost=_cost, note=_note, alone=states_op, over=(3, 0), rows=((), (0,))),
)


def _backward_infer(u: Spec, c0: Spec, *more: Spec, **attrs: Any) -> tuple[Spec, ...]:
    y, gates, dh = more[-6], more[-5], more[-2]
    return (gates, dh, c0, y) if attrs["projected"] else (gates, dh, c0)


def _backward_reference(u: Any, c0: Any, *more: Any, **attrs: Any) -> Any:
    gates, dh = more[-5], more[-2]
    p, rest = parts((gates, u, dh, c0, *more), attrs)
    return _gradients_reference(*_present(_weights(p, c0.shape[1])), *rest, **attrs)


def _plan_back(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    apart: Sequence[int | None] = (None, None),
) -> Any:
    from numflow.kernels.cpu import recurrent

    rows = dict(zip(("y_row", "dy_row"), apart, strict=True))
    s = _sizes(outputs[0], outputs[1].shape[1], outputs[2].shape[1], attrs, **rows)
    return recurrent.plan_lstm_backward(
        s, outputs[0].dtype.name, order=attrs["order"], threads=threads
    )


def _back_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return panels.flops(outputs[0], outputs[1].shape[1])


backward_op = Op(
    "lstm_backward",
    _backward_infer,
    _backward_reference,
    None,
    Library(_plan_back, cost=_back_cost, note=_back_note, over=(0, -5), rows=((-6, -3), ())),
)
