"""Elementwise arithmetic and functions.

Each block: the op (shape rule, reference, gradient, scalar body) and its public function. Numbers
adapt to the dtype of the tensor beside them; tensors are never converted silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, UnimplementedError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Backward, Op, Vjp, composites_too
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import complexes
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.conjugate import analytic, conj
from numflow.ops.convert import as_tensor, operands
from numflow.ops.shape_rules import binary, floating_like, numeric_like


def unary(rule: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Vjp:
    """The gradient of y = f(x) from rule(ct, y, x); f is analytic if it takes complex numbers."""

    def vjp(g: Backward) -> tuple[Tensor | None, ...]:
        return (rule(g.ct, g.outputs[0], g.inputs[0]),)

    return analytic(vjp)


def broadcasting(
    left: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    right: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
) -> Vjp:
    """The gradient of z = f(x, y) from left(ct, z, x, y) and right(...), summed where broadcast."""

    def vjp(g: Backward) -> tuple[Tensor | None, ...]:
        x, y = g.inputs
        z = g.outputs[0]
        return (
            reductions.sum_to(left(g.ct, z, x, y), x) if g.needed[0] else None,
            reductions.sum_to(right(g.ct, z, x, y), y) if g.needed[1] else None,
        )

    return analytic(vjp)


# --- add ---------------------------------------------------------------------

add_op = Op(
    "add",
    binary("add", "biufc"),
    np.add,
    broadcasting(lambda ct, z, x, y: ct, lambda ct, z, x, y: ct),
    Elementwise(lambda b, x, y: b.add(x, y)),
)


def add(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x + y, element by element; shapes broadcast.

    Args:
      x, y: numbers of one dtype, shapes that broadcast.

    Returns:
      The sum, of the broadcast shape.

    Raises:
      DTypeError: the dtypes differ.
      ShapeError: the shapes do not broadcast.

    Example:
      >>> nf.add([1, 2], [[10], [20]]).numpy().tolist()
      [[11, 12], [21, 22]]
    """
    x, y = operands("add", x, y)
    if x.dtype is dtypes.string:
        return join_op(x, y)
    if x.dtype.is_bool:
        shown = {"x": x.spec, "y": y.spec}
        raise DTypeError(explain("add", "does not take bool", shown, "nf.cast, or nf.logical_or"))
    return add_op(x, y)


join_op = Op("string_add", binary("string_add", "O"), np.add)

# --- subtract ----------------------------------------------------------------

subtract_op = Op(
    "subtract",
    binary("subtract"),
    np.subtract,
    broadcasting(lambda ct, z, x, y: ct, lambda ct, z, x, y: -ct),
    Elementwise(lambda b, x, y: b.sub(x, y)),
)


def subtract(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x - y, element by element; shapes broadcast.

    Example:
      >>> nf.subtract([3, 5], 1).numpy().tolist()
      [2, 4]
    """
    return subtract_op(*operands("subtract", x, y))


# --- multiply ----------------------------------------------------------------

multiply_op = Op(
    "multiply",
    binary("multiply"),
    np.multiply,
    broadcasting(lambda ct, z, x, y: ct * y, lambda ct, z, x, y: ct * x),
    Elementwise(lambda b, x, y: b.mul(x, y)),
)


def multiply(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x * y, element by element; shapes broadcast.

    Example:
      >>> nf.multiply([1.5, 2.0], 2).numpy().tolist()
      [3.0, 4.0]
    """
    return multiply_op(*operands("multiply", x, y))


# --- divide ------------------------------------------------------------------

divide_op = Op(
    "divide",
    binary("divide", "fc"),
    np.divide,
    broadcasting(lambda ct, z, x, y: ct / y, lambda ct, z, x, y: -ct * z / y),
    Elementwise(lambda b, x, y: b.div(x, y)),
)


def divide(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y, element by element; integers are divided as float64 (8- and 16-bit ones as float32).

    Example:
      >>> nf.divide([1, 2], 4).numpy().tolist()
      [0.25, 0.5]
    """
    x, y = operands("divide", x, y)
    if x.dtype.is_integer or x.dtype.is_bool:
        wide = dtypes.float32 if x.dtype.size <= 2 else dtypes.float64
        x, y = cast(x, wide), cast(y, wide)
    return divide_op(x, y)


def truediv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y, as divide: integers are divided as floats.

    Example:
      >>> nf.truediv([1, 2], 4).numpy().tolist()
      [0.25, 0.5]
    """
    return divide(x, y)


def scalar_mul(scalar: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """scalar * x, where scalar has no axes; IndexedSlices stay sparse.

    Raises:
      ShapeError: scalar has axes.

    Example:
      >>> nf.scalar_mul(2.0, [1.0, 3.0]).numpy().tolist()
      [2.0, 6.0]
    """
    if isinstance(x, IndexedSlices):
        return x.map(lambda rows: scalar_mul(scalar, rows))  # type: ignore[return-value]
    tensor = as_tensor(x, None, "scalar_mul", "x")
    factor = as_tensor(scalar, tensor.dtype, "scalar_mul", "scalar")
    if factor.spec.rank:
        raise ShapeError(
            explain("scalar_mul", "scalar has axes", {"scalar": factor.spec}, "nf.multiply")
        )
    return multiply_op(factor, tensor)


# --- cast --------------------------------------------------------------------


def _cast_infer(x: Any, *, dtype: dtypes.DType) -> Any:
    return type(x)(x.shape, dtype)


def _cast_reference(x: Any, *, dtype: dtypes.DType) -> Any:
    if x.dtype == object:  # sizes that may be symbolic
        return x
    if x.dtype.kind == "c" and not dtype.is_complex and not dtype.is_bool:
        x = x.real  # the imaginary part is dropped, as in TensorFlow; NumPy warns
    if dtype is dtypes.uint32 and x.dtype.kind not in "iub":
        x = x.astype(np.int64)  # nan and what is out of range: as compiled code has it
    return x.astype(dtype.numpy)


def _cast_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (cast(g.ct, g.inputs[0].dtype),)


cast_op = Op(
    "cast",
    _cast_infer,
    _cast_reference,
    _cast_vjp,
    Elementwise(lambda b, x, dtype: b.cast(x, b.code(dtype))),
)


@composites_too
def cast(x: TensorLike, dtype: Any, name: str | None = None) -> Tensor:
    """x in another dtype: floats are truncated towards zero to integers, bools become 0 and 1.

    IndexedSlices stay sparse.

    Raises:
      DTypeError: dtype names none.
      UnimplementedError: text, from or to numbers.

    Example:
      >>> nf.cast([1.9, -1.9], nf.int32).numpy().tolist()
      [1, -1]
    """
    try:
        want = dtypes.as_dtype(dtype)
    except TypeError as e:
        raise DTypeError(
            explain("cast", str(e).removeprefix("as_dtype: "), {"dtype": dtype})
        ) from None
    if isinstance(x, IndexedSlices):
        return x.map(lambda rows: cast(rows, want))  # type: ignore[return-value]
    x = as_tensor(x, None, "cast", "x")
    if dtypes.string in (x.dtype, want) and x.dtype is not want:
        problem = f"{x.dtype.name} does not become {want.name}"
        raise UnimplementedError(explain("cast", problem, {"x": x.spec}))
    return x if x.dtype is want else cast_op(x, dtype=want)


# --- square, sqrt, rsqrt, reciprocal -----------------------------------------

square_op = Op(
    "square",
    numeric_like("square"),
    np.square,
    unary(lambda ct, y, x: ct * (x * 2)),
    Elementwise(lambda b, x: b.mul(x, x)),
)


def square(x: TensorLike, name: str | None = None) -> Tensor:
    """x * x, element by element.

    Example:
      >>> nf.square([1.0, -3.0]).numpy().tolist()
      [1.0, 9.0]
    """
    return square_op(as_tensor(x, None, "square", "x"))


sqrt_op = Op(
    "sqrt",
    floating_like("sqrt", True),
    np.sqrt,
    unary(lambda ct, y, x: ct * 0.5 / y),
    Elementwise(lambda b, x: b.sqrt(x)),
)


def sqrt(x: TensorLike, name: str | None = None) -> Tensor:
    """The square root, element by element; nan of negative numbers.

    Example:
      >>> nf.sqrt([4.0, 9.0]).numpy().tolist()
      [2.0, 3.0]
    """
    return sqrt_op(as_tensor(x, None, "sqrt", "x"))


rsqrt_op = Op(
    "rsqrt",
    floating_like("rsqrt", True),
    lambda x: 1 / np.sqrt(x),
    unary(lambda ct, y, x: ct * -0.5 * y / x),
    Elementwise(lambda b, x: b.div(1.0, b.sqrt(x))),
)


def rsqrt(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / sqrt(x), element by element.

    Example:
      >>> nf.math.rsqrt([4.0, 0.25]).numpy().tolist()
      [0.5, 2.0]
    """
    return rsqrt_op(as_tensor(x, None, "rsqrt", "x"))


# --- exp, log, tanh, sigmoid -------------------------------------------------

exp_op = Op(
    "exp",
    floating_like("exp", True),
    np.exp,
    unary(lambda ct, y, x: ct * y),
    Elementwise(lambda b, x: b.exp(x)),
)


def exp(x: TensorLike, name: str | None = None) -> Tensor:
    """e^x, element by element.

    Example:
      >>> nf.exp([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [1.0, 2.7183]
    """
    return exp_op(as_tensor(x, None, "exp", "x"))


log_op = Op(
    "log",
    floating_like("log", True),
    np.log,
    unary(lambda ct, y, x: ct / x),
    Elementwise(lambda b, x: b.log(x)),
)


def log(x: TensorLike, name: str | None = None) -> Tensor:
    """The natural logarithm, element by element: -inf at 0, nan below.

    Example:
      >>> nf.math.log([1.0, np.e]).numpy().tolist()
      [0.0, 1.0]
    """
    return log_op(as_tensor(x, None, "log", "x"))


tanh_op = Op(
    "tanh",
    floating_like("tanh", True),
    np.tanh,
    unary(lambda ct, y, x: ct * (1 - y * y)),
    Elementwise(lambda b, x: b.tanh(x)),
)


def tanh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic tangent, element by element.

    Example:
      >>> nf.tanh([0.0, 100.0]).numpy().tolist()
      [0.0, 1.0]
    """
    return tanh_op(as_tensor(x, None, "tanh", "x"))


def _sigmoid_reference(x: Any) -> Any:
    positive = x.real >= 0
    t = np.exp(np.where(positive, -x, x))  # never overflows
    return np.where(positive, 1 / (1 + t), t / (1 + t)).astype(x.dtype)


sigmoid_op = Op(
    "sigmoid",
    floating_like("sigmoid", True),
    _sigmoid_reference,
    unary(lambda ct, y, x: ct * (y * (1 - y))),
    Elementwise(lambda b, x: b.sigmoid(x)),
)


def sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / (1 + e^-x), element by element.

    Example:
      >>> nf.sigmoid([0.0, 100.0]).numpy().tolist()
      [0.5, 1.0]
    """
    return sigmoid_op(as_tensor(x, None, "sigmoid", "x"))


# --- maximum, minimum --------------------------------------------------------


def _pick(ct: Tensor, chosen: Tensor) -> Tensor:
    return selections.where(chosen, ct, shaping.zeros_like(ct))


maximum_op = Op(
    "maximum",
    binary("maximum", "iuf"),
    np.maximum,
    broadcasting(lambda ct, z, x, y: _pick(ct, x >= y), lambda ct, z, x, y: _pick(ct, x < y)),
    Elementwise(lambda b, x, y: b.max(x, y)),
)


def maximum(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The larger of x and y, element by element; nan where either is.

    Example:
      >>> nf.maximum([1, 5], 3).numpy().tolist()
      [3, 5]
    """
    return maximum_op(*operands("maximum", x, y))


minimum_op = Op(
    "minimum",
    binary("minimum", "iuf"),
    np.minimum,
    broadcasting(lambda ct, z, x, y: _pick(ct, x <= y), lambda ct, z, x, y: _pick(ct, x > y)),
    Elementwise(lambda b, x, y: b.min(x, y)),
)


def minimum(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The smaller of x and y, element by element; nan where either is.

    Example:
      >>> nf.minimum([1, 5], 3).numpy().tolist()
      [1, 3]
    """
    return minimum_op(*operands("minimum", x, y))


# --- squared_difference ------------------------------------------------------


def _squared_difference_body(b: Any, x: Any, y: Any) -> Any:
    d = b.sub(x, y)
    return b.mul(d, d)


def _squared_difference_reference(x: Any, y: Any) -> Any:
    d = x - y
    return d * np.conj(d) if d.dtype.kind == "c" else np.square(d)


def _squared_difference_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    x, y = g.inputs
    ct = g.ct
    if x.dtype.is_complex:  # |x - y|^2 is real: only the real part of a cotangent counts
        ct = complexes.complex(complexes.real(ct), 0.0)
    slope = ct * ((x - y) * 2)
    return (
        reductions.sum_to(slope, x) if g.needed[0] else None,
        reductions.sum_to(-slope, y) if g.needed[1] else None,
    )


squared_difference_op = Op(
    "squared_difference",
    binary("squared_difference"),
    _squared_difference_reference,
    _squared_difference_vjp,
    Elementwise(_squared_difference_body),
)


@composites_too
def squared_difference(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """(x - y)^2, element by element; shapes broadcast. Of complex numbers |x - y|^2, as complex.

    Example:
      >>> nf.math.squared_difference([1.0, 5.0], 3.0).numpy().tolist()
      [4.0, 4.0]
    """
    return squared_difference_op(*operands("squared_difference", x, y))


def modulus_squared(x: Tensor) -> Tensor:
    """x^2; of complex numbers x conj(x), as complex."""
    return x * conj(x) if x.dtype.is_complex else square(x)
