"""Recurrent layers over whole sequences: what users and layers call.

    outputs, (h, c) = lstm(inputs, kernel, recurrent_kernel, bias, (h0, c0), lengths=lengths)

Inputs [batch, steps, depth], or [steps, batch, depth] with `time_major`. The products of all inputs
are one matrix product; the rest is one op (recurrent_lstm.py, recurrent_gru.py,
recurrent_simple.py) that runs the sequence in one kernel, and its gradient another. Where a step is
masked, or past a sequence's length, the state stays and the output is 0. `reverse` begins with the
last step: two calls make a layer bidirectional; a sequence that ends early waits in its initial
state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, creation, joining, linalg, rearrange, run_time
from numflow.ops import math as maths
from numflow.ops import recurrent_gru as gru_ops
from numflow.ops import recurrent_lstm as lstm_ops
from numflow.ops import recurrent_panels as panels
from numflow.ops import recurrent_simple as simple_ops
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.precision import single
from numflow.shapes import Extent

Two = tuple[Tensor, Tensor]


def lstm(
    inputs: TensorLike,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike | None = None,
    initial_state: Sequence[TensorLike] | None = None,
    *,
    mask: TensorLike | None = None,
    lengths: TensorLike | None = None,
    time_major: bool = False,
    reverse: bool = False,
    carry: bool = False,
    order: str = "ifco",
    forget_bias: float = 0.0,
    peepholes: TensorLike | None = None,
    projection: TensorLike | None = None,
    cell_clip: float | None = None,
    projection_clip: float | None = None,
) -> tuple[Tensor, Two]:
    """Long short-term memory over whole sequences.

        i, f, o = sigmoid(x W + h U + b),  c' = f c + i tanh(x W + h U + b),  h' = o tanh(c')

    Args:
      inputs: float [batch, steps, depth]; [steps, batch, depth] with time_major.
      kernel: float [depth, 4 * units]; recurrent_kernel: [state, 4 * units]; bias: [4 * units].
      initial_state: (h [batch, state], c [batch, units]); default zeros.
      mask: bool [batch, steps] (as inputs): which steps happen. lengths: integers [batch], instead.
      reverse: the last step is the first; outputs stay at their steps' places.
      carry: the output of a step that does not happen is the state, not 0.
      order: of the gates in the weights: "ifco" (Keras), "icfo" (TensorFlow 1).
      forget_bias: added to the forget gate.
      peepholes: [3, units]: how the cell acts on input, forget and output gate.
      projection: [units, state]: h' = o tanh(c') times it. Without one, state is units.
      cell_clip, projection_clip: bounds of the cell, and of the projection's result.

    Returns:
      Outputs [batch, steps, state] (as inputs), and the last (h, c).

    Raises:
      ShapeError: shapes that do not fit each other. DTypeError: dtypes that do not.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> w, u = nf.ones([1, 4]), nf.zeros([1, 4])
      >>> y, (h, c) = lstm([[[1.0], [1.0]]], w, u, lengths=[1])
      >>> y.numpy().astype(float).ravel().round(2).tolist()
      [0.37, 0.0]

    Sources: Hochreiter & Schmidhuber 1997; Gers et al. 2002 (peepholes); Sak et al. 2014
    (projection).
    """
    op = "lstm"
    if sorted(order) != sorted("ifco"):
        raise ShapeError(explain(op, f"order is one of the letters i f c o, not {order!r}", {}))
    x, w, u = _operands(op, inputs, kernel, recurrent_kernel)
    units = _units(op, w, u, 4)
    places = tuple(order.index(gate) for gate in "ifco")
    state: Extent = units
    like = x
    optional: dict[str, Tensor | None] = {"peepholes": None, "projection": None}
    if peepholes is not None:
        optional["peepholes"] = _tensor(op, peepholes, like, "peepholes", (3, units))
    if projection is not None:
        state = u.spec.shape[0]
        optional["projection"] = _tensor(op, projection, like, "projection", (units, state))
    elif u.spec.shape[0] != units:
        _refuse(op, "recurrent_kernel has a row for each unit", {"recurrent_kernel": u.spec})
    b = None if bias is None else _tensor(op, bias, like, "bias", (4 * units,))
    if forget_bias:
        one = [forget_bias if k == places[1] else 0.0 for k in range(4)]
        more = shaping.reshape(
            rearrange.tile(shaping.reshape(as_tensor(one, x.dtype), (4, 1)), (1, units)), (-1,)
        )
        b = more if b is None else b + more
    h0, c0 = _states(op, initial_state, x, (state, units), time_major)
    alive = _mask(op, x, mask, lengths, time_major)
    run = lstm_ops.lstm_op
    more_inputs = [t for t in (alive, *optional.values()) if t is not None]
    y, h, c = _in_single(
        lambda *t: run(
            *t,
            time_major=time_major,
            reverse=reverse,
            carry=carry,
            order=places,
            masked=alive is not None,
            peephole=peepholes is not None,
            projected=projection is not None,
            cell_clip=float(cell_clip or 0.0),
            state_clip=float(projection_clip or 0.0),
        )[:3],
        [_products(x, w, b), u, h0, c0, *more_inputs],
        x.dtype,
    )
    return y, (h, c)


def gru(
    inputs: TensorLike,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike | None = None,
    recurrent_bias: TensorLike | None = None,
    initial_state: TensorLike | None = None,
    *,
    mask: TensorLike | None = None,
    lengths: TensorLike | None = None,
    time_major: bool = False,
    reverse: bool = False,
    carry: bool = False,
    order: str = "zrh",
    reset_after: bool = True,
) -> Two:
    """Gated recurrent units over whole sequences.

        z, r = sigmoid(x W + h U + b),  n = tanh(x W + r (h U + b'))  or  tanh(x W + (r h) U)
        h' = z h + (1 - z) n

    Args:
      inputs: float [batch, steps, depth]; [steps, batch, depth] with time_major.
      kernel: float [depth, 3 * units]; recurrent_kernel: [units, 3 * units]; bias: [3 * units].
      recurrent_bias: [3 * units], added to h U.
      initial_state: [batch, units]; default zeros.
      mask, lengths, reverse, carry: as of `lstm`.
      order: of the gates in the weights: "zrh" (Keras) or "rzh" (TensorFlow 1).
      reset_after: the reset gate acts behind the product of the state (Keras, cuDNN), not before.

    Returns:
      Outputs [batch, steps, units] (as inputs), and the last h.

    Raises:
      ShapeError: shapes that do not fit each other. DTypeError: dtypes that do not.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> y, h = gru(nf.ones([1, 2, 1]), nf.zeros([1, 3]), nf.zeros([1, 3]), initial_state=[[8.0]])
      >>> y.numpy().ravel().tolist()
      [4.0, 2.0]

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder".
    """
    op = "gru"
    if order not in ("zrh", "rzh"):
        raise ShapeError(explain(op, f"order is 'zrh' or 'rzh', not {order!r}", {}))
    x, w, u = _operands(op, inputs, kernel, recurrent_kernel)
    units = _units(op, w, u, 3)
    if u.spec.shape[0] != units:
        _refuse(op, "recurrent_kernel has a row for each unit", {"recurrent_kernel": u.spec})
    b = None if bias is None else _tensor(op, bias, x, "bias", (3 * units,))
    candidate = None
    if recurrent_bias is not None:
        rest = _tensor(op, recurrent_bias, x, "recurrent_bias", (3 * units,))
        if reset_after:  # of the gates it may as well be added to the inputs' products
            candidate = rest[2 * units :]
            rest = joining.concat([rest[: 2 * units], shaping.zeros_like(candidate)], 0)
        b = rest if b is None else b + rest
    (h0,) = _states(op, None if initial_state is None else [initial_state], x, (units,), time_major)
    alive = _mask(op, x, mask, lengths, time_major)
    more_inputs = [t for t in (alive, candidate) if t is not None]
    y, h = _in_single(
        lambda *t: gru_ops.gru_op(
            *t,
            time_major=time_major,
            reverse=reverse,
            carry=carry,
            order=(order.index("z"), order.index("r"), 2),
            masked=alive is not None,
            biased=candidate is not None,
            after=reset_after,
        )[:2],
        [_products(x, w, b), u, h0, *more_inputs],
        x.dtype,
    )
    return y, h


def simple_rnn(
    inputs: TensorLike,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike | None = None,
    initial_state: TensorLike | None = None,
    *,
    mask: TensorLike | None = None,
    lengths: TensorLike | None = None,
    time_major: bool = False,
    reverse: bool = False,
    carry: bool = False,
    activation: str = "tanh",
) -> Two:
    """A simple recurrent layer over whole sequences: h' = activation(x W + h U + b).

    Args:
      inputs: float [batch, steps, depth]; [steps, batch, depth] with time_major.
      kernel: float [depth, units]; recurrent_kernel: [units, units]; bias: [units].
      initial_state: [batch, units]; default zeros.
      mask, lengths, reverse, carry: as of `lstm`.
      activation: "tanh" or "relu".

    Returns:
      Outputs [batch, steps, units] (as inputs), and the last h.

    Raises:
      ShapeError: shapes that do not fit each other. DTypeError: dtypes that do not.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> y, h = simple_rnn(nf.ones([1, 3, 1]), [[1.0]], [[1.0]], activation="relu")
      >>> y.numpy().ravel().tolist()
      [1.0, 2.0, 3.0]

    Source: Elman 1990, "Finding Structure in Time".
    """
    op = "simple_rnn"
    if activation not in ("tanh", "relu"):
        raise ShapeError(explain(op, f"activation is 'tanh' or 'relu', not {activation!r}", {}))
    x, w, u = _operands(op, inputs, kernel, recurrent_kernel)
    units = _units(op, w, u, 1)
    if u.spec.shape[0] != units:
        _refuse(op, "recurrent_kernel has a row for each unit", {"recurrent_kernel": u.spec})
    b = None if bias is None else _tensor(op, bias, x, "bias", (units,))
    (h0,) = _states(op, None if initial_state is None else [initial_state], x, (units,), time_major)
    alive = _mask(op, x, mask, lengths, time_major)
    y, h = _in_single(
        lambda *t: simple_ops.simple_op(
            *t,
            time_major=time_major,
            reverse=reverse,
            carry=carry,
            masked=alive is not None,
            relu=activation == "relu",
        )[:2],
        [_products(x, w, b), u, h0, *([] if alive is None else [alive])],
        x.dtype,
    )
    return y, h


# --- arguments -------------------------------------------------------------------------------


def _refuse(op: str, problem: str, shown: dict[str, Any]) -> NoReturn:
    raise ShapeError(explain(op, problem, shown))


def _operands(op: str, inputs: Any, kernel: Any, recurrent: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs and weights: floats of one dtype, of ranks 3, 2 and 2."""
    x = as_tensor(inputs, None, op, "inputs")
    if not x.dtype.is_floating:
        raise DTypeError(explain(op, f"inputs are {x.dtype.name}, not floats", {"inputs": x.spec}))
    w = as_tensor(kernel, _dtype_for(kernel, x), op, "kernel")
    u = as_tensor(recurrent, _dtype_for(recurrent, x), op, "recurrent_kernel")
    shown = {"inputs": x.spec, "kernel": w.spec, "recurrent_kernel": u.spec}
    if (x.spec.rank, w.spec.rank, u.spec.rank) != (3, 2, 2):
        _refuse(op, "inputs have three axes, weights two", shown)
    if w.dtype != x.dtype or u.dtype != x.dtype:
        raise DTypeError(explain(op, "inputs and weights differ in dtype", shown))
    if w.spec.shape[0] != x.spec.shape[2]:
        _refuse(op, "kernel has a row for each element of inputs' last axis", shown)
    return x, w, u


def _dtype_for(value: Any, x: Tensor) -> Any:
    """What is no tensor takes the inputs' dtype."""
    return None if isinstance(value, Tensor) or hasattr(value, "_as_tensor") else x.dtype


def _units(op: str, w: Tensor, u: Tensor, gates: int) -> int:
    """How many there are: weights have a column per gate and unit."""
    wide = w.spec.shape[1]
    shown = {"kernel": w.spec, "recurrent_kernel": u.spec}
    if not isinstance(wide, int) or wide % gates or not wide or u.spec.shape[1] != wide:
        _refuse(op, f"weights have {gates} column(s) for each unit, both as many", shown)
    return wide // gates


def _tensor(op: str, value: Any, x: Tensor, name: str, shape: tuple[Extent, ...]) -> Tensor:
    """An argument of this shape and of x's dtype."""
    found = as_tensor(value, _dtype_for(value, x), op, name)
    if found.dtype != x.dtype:
        problem = f"{name} is {found.dtype.name}, inputs are {x.dtype.name}"
        raise DTypeError(explain(op, problem, {name: found.spec, "inputs": x.spec}))
    fits = run_time.fitted(found, shape) if found.spec.rank == len(shape) else None
    if fits is None:
        shown = {name: found.spec, "wanted": Spec(shape, x.dtype), "inputs": x.spec}
        _refuse(op, f"{name} has the wrong shape", shown)
    return fits


def _states(
    op: str, given: Sequence[Any] | None, x: Tensor, sizes: Sequence[Extent], time_major: bool
) -> list[Tensor]:
    """Initial states; zeros if none are given."""
    _, batch = panels.steps_of(x.spec, time_major)
    if given is None:
        return [shaping.zeros((batch, n), x.dtype) for n in sizes]
    if len(given) != len(sizes):
        _refuse(op, f"initial_state has {len(given)} parts, not {len(sizes)}", {"inputs": x.spec})
    return [
        _tensor(op, s, x, "initial_state", (batch, n)) for s, n in zip(given, sizes, strict=True)
    ]


def _mask(op: str, x: Tensor, mask: Any, lengths: Any, time_major: bool) -> Tensor | None:
    """Which steps happen, as x; None: all."""
    steps, batch = panels.steps_of(x.spec, time_major)
    alive = None
    if mask is not None:
        alive = as_tensor(mask, None, op, "mask")
        if not alive.dtype.is_bool:
            alive = comparisons.not_equal(alive, 0)
        if alive.spec.shape != x.spec.shape[:2]:
            _refuse(op, "mask has an element for each step", {"mask": alive.spec, "inputs": x.spec})
    if lengths is not None:
        inside = within(op, lengths, steps, batch, time_major)
        alive = inside if alive is None else selections.logical_and(alive, inside)
    return alive


def within(op: str, lengths: Any, steps: Extent, batch: Extent, time_major: bool) -> Tensor:
    """Whether a step is before its sequence's end: bool [batch, steps], or [steps, batch].

    Raises:
      ShapeError: there is not a length for each sequence.
      InvalidArgumentError: a length is negative, or larger than `steps`.
    """
    n = as_tensor(lengths, None, op, "lengths")
    if n.spec.shape != (batch,):
        shown = {"lengths": n.spec, "batch": batch}
        _refuse(op, "there is not a length for each sequence", shown)
    n = maths.cast(checks.checked_index(n, steps + 1, op, "length"), dtypes.int64)
    shape, axis = ((steps, batch), 0) if time_major else ((batch, steps), 1)
    step = creation.iota(shape, axis, dtypes.int64)
    return comparisons.less(step, shaping.expand_dims(n, 0 if time_major else 1))


def _products(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """What the inputs of all steps give to the gates: one matrix product."""
    wide = linalg.matmul(panels.rows(x), w)
    if b is not None:
        wide = wide + b
    return shaping.reshape_op(wide, shape=(*x.spec.shape[:2], w.spec.shape[1]))


def _in_single(run: Callable[..., Any], inputs: Sequence[Tensor], dtype: dtypes.DType) -> Any:
    """16-bit floats are computed as float32, all steps, and rounded at the end."""
    if dtype.size > 2:
        return run(*inputs)
    return [maths.cast(t, dtype) for t in run(*(single(t) for t in inputs))]
