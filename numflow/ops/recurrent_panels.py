"""What the recurrent ops share: packed weights, sizes of a run, time first or batch first.

The kernels read recurrent weights [depth, gates * units] in panels as wide as a register tile; how
wide that is, and so where an element lies, is the machine's. Here a packed array is the weights
padded with zeros: enough room for any machine, and the same numbers in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.config.threading import pool_threads
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.shapes import Extent

PANEL_BYTES = 128
"""Of a row of a panel, at most: kernels/cpu/recurrent.py."""


def _rounded(n: Extent, spec: Spec) -> Extent:
    """n up to a whole number of panels."""
    across = PANEL_BYTES // spec.dtype.size
    return (n + across - 1) // across * across


# --- packing ---------------------------------------------------------------------------------


def _gates_infer(u: Spec, *, order: tuple[int, ...]) -> Spec:
    gates = len(order)
    return Spec((u.shape[0], gates * _rounded(u.shape[1] // gates, u)), u.dtype)


def _gates_reference(u: Any, *, order: tuple[int, ...]) -> Any:
    gates, across = len(order), PANEL_BYTES // u.dtype.itemsize
    wide = gates * (-(-(u.shape[1] // gates) // across) * across)
    return np.pad(u, [(0, 0), (0, wide - u.shape[1])])


def _plan_gates(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import recurrent

    (u,), order = inputs, attrs["order"]
    depth, wide = (int(n) for n in u.shape)  # type: ignore[arg-type]
    units = wide // len(order)
    return recurrent.plan_gates(depth, units, len(order), u.dtype.name, order=order)


gates_op = Op(
    "recurrent_panels",
    _gates_infer,
    _gates_reference,
    None,
    Library(_plan_gates, private=True),
)


def _back_infer(u: Spec, *, gates: int) -> Spec:
    return Spec((_rounded(u.shape[0], u), u.shape[1]), u.dtype)


def _back_reference(u: Any, *, gates: int) -> Any:
    across = PANEL_BYTES // u.dtype.itemsize
    return np.pad(u, [(0, -u.shape[0] % across), (0, 0)])


def _plan_back(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import recurrent

    (u,), gates = inputs, attrs["gates"]
    depth, wide = (int(n) for n in u.shape)  # type: ignore[arg-type]
    return recurrent.plan_back(depth, wide // gates, gates, u.dtype.name)


back_op = Op(
    "recurrent_panels_back",
    _back_infer,
    _back_reference,
    None,
    Library(_plan_back, private=True),
)


# --- sizes -----------------------------------------------------------------------------------


def steps_of(x: Spec, time_major: bool) -> tuple[Extent, Extent]:
    """(steps, batch) of a wide or narrow array."""
    return (x.shape[0], x.shape[1]) if time_major else (x.shape[1], x.shape[0])


def like(x: Spec, columns: Extent) -> Spec:
    """The spec of an array of as many steps and sequences, of other rows."""
    return Spec((*x.shape[:2], columns), x.dtype)


def rows(x: Tensor) -> Tensor:
    """[steps, batch, columns] in any order of the first two -> [steps * batch, columns]."""
    return shaping.reshape_op(x, shape=(x.spec.shape[0] * x.spec.shape[1], x.spec.shape[2]))


def sequences(x: Spec, units: Any, attrs: Attrs, **more: Any) -> Any:
    """The sizes, for a plan. more: further fields, or other values of them."""
    from numflow.kernels.cpu.recurrent import Sequences  # llvmlite: only where code is made

    steps, batch = steps_of(x, attrs["time_major"])
    given = {name: attrs[name] for name in ("masked", "reverse", "carry")}
    given |= {"state": units, "runs": attrs.get("runs", 1), **more}
    return Sequences(
        steps=int(steps),  # type: ignore[arg-type]
        batch=int(batch),  # type: ignore[arg-type]
        units=int(units),
        time_major=attrs["time_major"],
        **given,
    )


def flops(x: Spec, state: Extent) -> float:
    """Of the recurrent product: x is a wide array."""
    size: Any = x.size
    return 2.0 * float(size) * float(state)  # type: ignore[arg-type]


def note(wide: Spec, state: Extent, attrs: Attrs) -> str:
    """What explain() says of a run: how its sequences are dealt out."""
    from numflow.kernels.cpu import recurrent

    steps, batch = steps_of(wide, attrs["time_major"])
    found = [n for n in (steps, batch, wide.shape[2], state) if isinstance(n, int)]
    if len(found) < 4:
        return "sequences in blocks, each through all steps on one thread; the batch decides"
    steps, batch, columns, depth = found
    blocks = recurrent.blocks_of(steps, batch, columns, depth, pool_threads())
    return (
        f"{blocks} block(s) of {-(-batch // blocks)} sequence(s), each through all steps on one"
        f" thread, and none waits for another; a step of a block reads"
        f" {columns * depth * wide.dtype.size / 1e6:.2g} MB of weights. A further block pays from"
        f" {recurrent.SHARE:,} multiply-adds each; one has {recurrent.MOST_ROWS} rows at most"
    )


# --- references ------------------------------------------------------------------------------


def time_first(x: Any, time_major: bool) -> Any:
    """An array (or its view) with steps in front; the same again brings it back."""
    return x if time_major else np.swapaxes(x, 0, 1)


def order_of(steps: int, reverse: bool) -> range:
    """The steps as they are computed."""
    return range(steps - 1, -1, -1) if reverse else range(steps)


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x) without overflow."""
    t = np.exp(-np.abs(x))
    return np.where(x < 0, t, x.dtype.type(1)) / (t + x.dtype.type(1))
