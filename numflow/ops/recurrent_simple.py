"""A simple recurrent layer over a whole sequence as one op, and its gradient as another.

    y, h, before = simple_steps(x, u, h0 [, mask])          h' = f(x + h u)

As recurrent_lstm.py, which says more. x [steps, batch, units] is what the inputs and the bias give.
Attribute `relu`: f is relu, else tanh.
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
from numflow.ops import activation, linalg, unrolled
from numflow.ops import math as maths
from numflow.ops import recurrent_panels as panels
from numflow.ops import select as selecting
from numflow.ops import shape as shaping
from numflow.ops.precision import widened


class Parts(NamedTuple):
    """The inputs of the op by name; the mask may be None."""

    x: Any
    u: Any
    h0: Any
    mask: Any


def parts(inputs: Sequence[Any], attrs: Attrs) -> tuple[Parts, list[Any]]:
    """The inputs by name, and those behind them."""
    x, u, h0, *more = inputs
    return Parts(x, u, h0, more.pop(0) if attrs["masked"] else None), more


def _present(p: Parts) -> list[Any]:
    return [v for v in p if v is not None]


# --- references ------------------------------------------------------------------------------


def _reference(*inputs: Any, **attrs: Any) -> Any:
    p, _ = parts(inputs, attrs)
    first = attrs["time_major"]
    x = panels.time_first(p.x, first)
    mask = None if p.mask is None else panels.time_first(p.mask, first)
    y, before = np.zeros(p.x.shape, p.x.dtype), np.zeros(p.x.shape, p.x.dtype)
    out = [panels.time_first(a, first) for a in (y, before)]
    h = p.h0
    with np.errstate(all="ignore"):
        for t in panels.order_of(x.shape[0], attrs["reverse"]):
            new = x[t] + h @ p.u
            y_new = h_new = np.maximum(new, 0) if attrs["relu"] else np.tanh(new)
            if mask is not None:
                live = mask[t][:, None]
                y_new = np.where(live, h_new, h if attrs["carry"] else 0)
                h_new = np.where(live, h_new, h)
            for to, value in zip(out, (y_new, h), strict=True):
                to[t] = value
            h = h_new
    return y, h, before


def _gradients_reference(*inputs: Any, **attrs: Any) -> Any:
    p, (y, dy, dh) = parts(inputs, attrs)
    first = attrs["time_major"]
    dx = np.zeros(y.shape, y.dtype)
    dxs, ys, dys = (panels.time_first(a, first) for a in (dx, y, dy))
    mask = None if p.mask is None else panels.time_first(p.mask, first)
    with np.errstate(all="ignore"):
        for t in reversed(panels.order_of(dxs.shape[0], attrs["reverse"])):
            d = dys[t] + dh
            d = np.where(ys[t] > 0, d, 0) if attrs["relu"] else d * (1 - ys[t] * ys[t])
            live = np.ones((1, 1), bool) if mask is None else mask[t][:, None]
            dxs[t] = np.where(live, d, 0)
            dh = np.where(live, dxs[t] @ p.u.T, dh + dys[t] if attrs["carry"] else dh)
    return dx, dh


# --- plain ops -------------------------------------------------------------------------------


def _written_out(*inputs: Tensor, **attrs: Any) -> tuple[Tensor, ...]:
    """The same by ops for every step: what the second gradient is taken of."""
    p, _ = parts(inputs, attrs)
    axis = 0 if attrs["time_major"] else 1
    if p.x.spec.shape[axis] == 0:
        return p.x, p.h0, p.x

    def step(rows: list[Any], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        (x, live), (h,) = rows, state
        new = x + linalg.matmul(h, p.u)
        y = h_new = activation.relu(new) if attrs["relu"] else maths.tanh(new)
        if live is not None:
            live = shaping.expand_dims(live, 1)
            y = selecting.where(live, y, h if attrs["carry"] else shaping.zeros_like(y))
            h_new = selecting.where(live, h_new, h)
        return [y, h], [h_new]

    (y, before), (h,) = unrolled.over(step, (p.x, p.mask), (p.h0,), axis, attrs["reverse"])
    return y, h, before


def _slopes_written_out(*inputs: Tensor, **attrs: Any) -> list[Tensor]:
    """The gradient op by gradients of the op written out."""
    p, (_, dy, dh) = parts(inputs, attrs)
    sources = _present(p)
    wanted = [k in (0, 2) for k in range(len(sources))]
    found = unrolled.gradients(
        lambda *v: _written_out(*v, **attrs), sources, [dy, dh, None], wanted
    )
    return [ct for ct in found if ct is not None]


# --- the op ----------------------------------------------------------------------------------


def _infer(x: Spec, u: Spec, h0: Spec, *more: Spec, **attrs: Any) -> tuple[Spec, ...]:
    return x, h0, x


def _vjp(g: Backward) -> list[Tensor | None]:
    if g.cts[2] is not None:  # what was kept is used: by second gradients
        return unrolled.gradients(lambda *v: _written_out(*v, **g.attrs), g.inputs, g.cts, g.needed)
    y, h, before = g.outputs
    dy, dh = (
        shaping.zeros_like(v) if ct is None else ct for v, ct in zip((y, h), g.cts, strict=False)
    )
    dx, dh0 = gradients_op(*g.inputs, y, dy, dh, **g.attrs)
    du = None
    if g.needed[1]:
        du = linalg.matmul(panels.rows(before), panels.rows(dx), transpose_a=True)
    return [dx, du, dh0, *[None] * (len(g.inputs) - 3)]


def _expand(x: Tensor, u: Tensor, *more: Tensor, **attrs: Any) -> Any:
    return forward_op(x, panels.gates_op(u, order=(0,)), *more, **attrs)


simple_op = Op("simple_steps", _infer, widened(_reference), _vjp, Composite(_expand))


# --- its gradient ----------------------------------------------------------------------------


def _gradients_infer(*inputs: Spec, **attrs: Any) -> tuple[Spec, ...]:
    return inputs[0], inputs[2]


def _gradients_vjp(g: Backward) -> list[Tensor | None]:
    p, _ = parts(g.inputs, g.attrs)
    needed = list(g.needed)
    needed[len(_present(p))] = False  # y follows from the rest
    return unrolled.gradients(
        lambda *v: _slopes_written_out(*v, **g.attrs), g.inputs, g.cts, needed
    )


def _gradients_expand(*inputs: Tensor, **attrs: Any) -> Any:
    p, more = parts(inputs, attrs)
    mask = [] if p.mask is None else [p.mask]
    return backward_op(panels.back_op(p.u, gates=1), *mask, *more, **attrs)


gradients_op = Op(
    "simple_gradients",
    _gradients_infer,
    widened(_gradients_reference),
    _gradients_vjp,
    Composite(_gradients_expand),
)


# --- what the kernels take -------------------------------------------------------------------


def _forward_reference(x: Any, u: Any, *more: Any, **attrs: Any) -> Any:
    return _reference(x, u[:, : x.shape[2]], *more, **attrs)


def _plan(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    apart: Sequence[int | None] = (None,),
) -> Any:
    from numflow.kernels.cpu import recurrent

    x = inputs[0]
    units: Any = x.shape[2]
    s = panels.sequences(x, units, attrs, state=int(units), y_row=apart[0])
    keep = len(outputs) > 2
    return recurrent.plan_simple(
        s, x.dtype.name, kind=int(attrs["relu"]), keep=keep, threads=threads
    )


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return panels.flops(outputs[0], outputs[0].shape[2])


def _note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return panels.note(inputs[0], inputs[2].shape[1], attrs)


def _back_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return panels.note(outputs[0], outputs[1].shape[1], attrs)


states_op = Op(
    "simple_states",
    lambda *inputs, **attrs: _infer(*inputs, **attrs)[:2],
    lambda *inputs, **attrs: _forward_reference(*inputs, **attrs)[:2],
    None,
    Library(_plan, cost=_cost, note=_note, rows=((), (0,))),
)
forward_op = Op(
    "simple_forward",
    _infer,
    _forward_reference,
    None,
    Library(_plan, cost=_cost, note=_note, alone=states_op, rows=((), (0,))),
)


def _backward_reference(u: Any, *more: Any, **attrs: Any) -> Any:
    y, dh = more[-3], more[-1]
    mask = [more[0]] if attrs["masked"] else []
    return _gradients_reference(y, u[: y.shape[2]], dh, *mask, *more[-3:], **attrs)


def _plan_back(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    apart: Sequence[int | None] = (None, None),
) -> Any:
    from numflow.kernels.cpu import recurrent

    dx = outputs[0]
    units: Any = dx.shape[2]
    rows = dict(zip(("y_row", "dy_row"), apart, strict=True))
    s = panels.sequences(dx, units, attrs, state=int(units), **rows)
    return recurrent.plan_simple_backward(
        s, dx.dtype.name, kind=int(attrs["relu"]), threads=threads
    )


backward_op = Op(
    "simple_backward",
    lambda u, *more, **attrs: (more[-3], more[-1]),
    _backward_reference,
    None,
    Library(_plan_back, cost=_cost, note=_back_note, rows=((-3, -2), ())),
)
