"""Other dtypes: saturate_cast, which keeps to the limits, and bitcast, which keeps the bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import Elementwise, HostCall
from numflow.graph.op import Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import complexes
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor
from numflow.shapes import Dim, Extent, Size

# --- saturate_cast ----------------------------------------------------------------


@composites_too
def saturate_cast(value: TensorLike, dtype: Any, name: str | None = None) -> Tensor:
    """value in another dtype, what lies outside of its limits moved to them first.

    Args:
      value: numbers. Of complex ones the real part counts where dtype is real.
      dtype: of the result.

    Returns:
      Floats become integers no greater than the largest that value's dtype can hold: 2147483520
      for int32 of float32.

    Raises:
      DTypeError: bools or text, from or to.

    Example:
      >>> nf.saturate_cast([300.0, -5.0, 1.5], nf.uint8).numpy().tolist()
      [255, 0, 1]
    """
    x, want = as_tensor(value, None, "saturate_cast", "value"), dtypes.as_dtype(dtype)
    if not x.dtype.is_numeric or not want.is_numeric:
        problem = f"{x.dtype.name} does not become {want.name} within limits"
        raise DTypeError(explain("saturate_cast", problem, {"value": x.spec}, fix="nf.cast"))
    if x.dtype.is_complex:
        if want.is_complex:
            parts = (complexes.real(x), complexes.imag(x))
            return complexes.complex_op(*(saturate_cast(p, want.real_dtype) for p in parts))
        x = complexes.real(x)
    if want.is_complex:
        return maths.cast(saturate_cast(x, want.real_dtype), want)
    low, high = _within(x.dtype, want)
    if low is not None:
        x = maths.maximum_op(x, as_tensor(low, x.dtype))
    if high is not None:
        x = maths.minimum_op(x, as_tensor(high, x.dtype))
    return maths.cast(x, want)


def _within(have: dtypes.DType, want: dtypes.DType) -> tuple[Any, Any]:
    """The limits of want as numbers of have, None where have does not reach them."""
    if have.is_integer and want.is_floating and float(want.max) >= float(have.max):
        return None, None
    low = want.min if _number(have.min) < _number(want.min) else None
    high = want.max if _number(have.max) > _number(want.max) else None
    if have.is_floating:
        kind: Any = have.numpy.type
        if low is not None:
            low = float(kind(float(low)))
        if high is not None:
            top = kind(float(high))
            if float(top) > _number(high):  # rounded up: one less is the last that fits
                top = np.nextafter(top, kind(0))
            high = float(top)
    elif want.is_floating:  # whole numbers, as float16's are
        low, high = (None if v is None else int(v) for v in (low, high))
    return low, high


def _number(limit: Any) -> Any:
    """A limit to compare with: exact, so integers stay ones."""
    return limit if isinstance(limit, int) else float(limit)


# --- bitcast ------------------------------------------------------------------------


def _bitcast_infer(input: Spec, *, dtype: dtypes.DType) -> Spec:
    have, want = input.dtype.size, dtype.size
    if have == want:
        return Spec(input.shape, dtype)
    if have > want:
        return Spec((*input.shape, have // want), dtype)
    ratio: Extent = want // have
    last = input.shape[-1] if input.shape else 1
    if isinstance(last, Dim):
        int(Size(last))  # traces again with exact sizes
    if last != ratio:
        problem = f"the last axis must have size {ratio} to make {dtype.name} of {input.dtype.name}"
        raise ShapeError(explain("bitcast", problem, {"input": input}))
    return Spec(input.shape[:-1], dtype)


def _bitcast_reference(x: Any, *, dtype: dtypes.DType) -> Any:
    have, want = x.dtype.itemsize, dtype.size
    shape = x.shape if have == want else x.shape[:-1] if have < want else (*x.shape, have // want)
    return np.frombuffer(np.ascontiguousarray(x).tobytes(), dtype.numpy).reshape(shape).copy()


def _bits_body(b: Any, x: Any, *, dtype: dtypes.DType) -> Any:
    want = b.code(dtype)
    if x.dtype.startswith("f"):
        return b.cast(b.bits(x), want)
    return b.from_bits(x) if want.startswith("f") else b.cast(x, want)


# Of one size, in a register, or of any two.
bits_op = Op("bits", _bitcast_infer, _bitcast_reference, None, Elementwise(_bits_body))
bitcast_op = Op(
    "bitcast",
    _bitcast_infer,
    _bitcast_reference,
    None,
    HostCall("bits are read as those of another size by NumPy"),
)


def bitcast(input: TensorLike, type: Any, name: str | None = None) -> Tensor:
    """The bits of input, read as those of another dtype.

    Args:
      input: numbers [...]. The last axis has the numbers of one element if type is larger.
      type: of the result.

    Returns:
      [...] if the sizes are equal, [..., ratio] if type is smaller, [...] without the last axis if
      it is larger. The low bits come first, as in the memory of this machine.

    Raises:
      ShapeError: type is larger, and the last axis is not what one element takes.
      DTypeError: bools or text, from or to.

    Example:
      >>> nf.bitcast([1.0, -2.0], nf.int32).numpy().tolist()
      [1065353216, -1073741824]
      >>> nf.bitcast(nf.constant([1, 258], nf.uint16), nf.uint8).numpy().tolist()
      [[1, 0], [2, 1]]
    """
    x, want = as_tensor(input, None, "bitcast", "input"), dtypes.as_dtype(type)
    if not x.dtype.is_numeric or not want.is_numeric:
        problem = f"{x.dtype.name} has not the bits of {want.name}"
        raise DTypeError(explain("bitcast", problem, {"input": x.spec}))
    if x.dtype is want:
        return x
    whole = x.dtype.is_integer and want.is_integer
    words = not x.dtype.is_complex and not want.is_complex and want.size >= 4
    if x.dtype.size == want.size and (whole or words):
        return bits_op(x, dtype=want)
    return bitcast_op(x, dtype=want)
