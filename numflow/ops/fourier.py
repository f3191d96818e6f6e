"""Fourier transforms over any axes, of complex and of real numbers.

They are NumPy's, between two parts of a program; gradients are transforms again. Real numbers have
conjugate coefficients, of which the last axis keeps one half: n real numbers have n // 2 + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import complexes, joining, plain, rearrange
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.creation import constant
from numflow.ops.shape_rules import normal_axes
from numflow.shapes import Dim, Extent, UnknownSizeError, product

_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
_REAL = {c: r for r, c in _COMPLEX.items()}
_HOST = HostCall("Fourier transforms are NumPy's")

# --- the ops ------------------------------------------------------------------------------------


def _fft_reference(x: Any, *, axes: tuple[int, ...], inverse: bool) -> Any:
    if not x.size:
        return x
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes)


def _size(x: Tensor, axes: Sequence[int]) -> Tensor:
    """How many numbers are transformed together."""
    count = product(x.spec.shape[k] for k in axes)
    kind = _REAL.get(x.dtype, x.dtype)
    return maths.cast(shaping.size_tensor(count, dtypes.int64), kind)


def _fft_vjp(g: Backward) -> tuple[Tensor]:
    axes, inverse = g.attrs["axes"], g.attrs["inverse"]
    found = fft_op(g.ct, axes=axes, inverse=not inverse)
    size = maths.cast(_size(g.ct, axes), g.ct.dtype)
    return (found / size if inverse else found * size,)


fft_op = Op("fft", lambda x, *, axes, inverse: x, _fft_reference, _fft_vjp, _HOST)


def _rfft_infer(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    shape = list(x.shape)
    shape[axes[-1]] = _half(shape[axes[-1]])
    return Spec(tuple(shape), _COMPLEX[x.dtype])


def _half(n: Extent) -> Extent:
    if isinstance(n, Dim):
        raise UnknownSizeError(f"rfft: half of {n}")
    return n // 2 + 1


def _rfft_reference(x: Any, *, axes: tuple[int, ...]) -> Any:
    if not x.size:
        shape = list(x.shape)
        shape[axes[-1]] = shape[axes[-1]] // 2 + 1
        return np.zeros(shape, np.complex64 if x.dtype == np.float32 else np.complex128)
    return np.fft.rfftn(x, axes=axes)


def _rfft_vjp(g: Backward) -> tuple[Tensor]:
    """The coefficients left out do not count: zeros."""
    (x,), axes = g.inputs, g.attrs["axes"]
    whole = cut(g.ct, axes[-1], x.spec.shape[axes[-1]])
    return (complexes.real(fft_op(whole, axes=axes, inverse=True)) * _size(x, axes),)


rfft_op = Op("rfft", _rfft_infer, _rfft_reference, _rfft_vjp, _HOST)


def _irfft_infer(x: Spec, *, axes: tuple[int, ...], length: int) -> Spec:
    shape = list(x.shape)
    shape[axes[-1]] = length
    return Spec(tuple(shape), _REAL[x.dtype])


def _irfft_reference(x: Any, *, axes: tuple[int, ...], length: int) -> Any:
    sizes = [x.shape[k] for k in axes[:-1]] + [length]
    shape = list(x.shape)
    shape[axes[-1]] = length
    if not x.size or not length:
        return np.zeros(shape, np.float32 if x.dtype == np.complex64 else np.float64)
    return np.fft.irfftn(x, s=sizes, axes=axes)


def _irfft_vjp(g: Backward) -> tuple[Tensor]:
    """All coefficients but the first, and the middle one of an even length, stand for two."""
    (x,), axes, length = g.inputs, g.attrs["axes"], g.attrs["length"]
    times = np.full(length // 2 + 1, 2.0)
    times[0] = 1.0
    if length % 2 == 0:
        times[-1] = 1.0
    shape = [1] * x.spec.rank
    shape[axes[-1]] = len(times)
    weights = constant(times.reshape(shape), g.ct.dtype) / _size(g.ct, axes)
    return (rfft_op(g.ct, axes=axes) * maths.cast(weights, x.dtype),)


irfft_op = Op("irfft", _irfft_infer, _irfft_reference, _irfft_vjp, _HOST)

# --- arguments ----------------------------------------------------------------------------------


def cut(x: Tensor, axis: int, size: Extent) -> Tensor:
    """x with that many elements along an axis: the first ones, or zeros behind."""
    have = x.spec.shape[axis]
    if have == size:
        return x
    if isinstance(have, Dim) or isinstance(size, Dim):
        raise UnknownSizeError(f"fft: sizes {have} and {size} meet")
    if have > size:
        keys: list[Any] = [slice(None)] * x.spec.rank
        keys[axis] = slice(0, size)
        cut: Tensor = x[tuple(keys)]
        return cut
    shape = list(x.spec.shape)
    shape[axis] = size - have
    return joining.concat([x, shaping.zeros(shape, x.dtype)], axis)


def _complex(op: str, value: TensorLike, rank: int) -> Tensor:
    x = as_tensor(value, None, op, "input")
    if not x.dtype.is_complex:
        problem = f"input is {x.dtype.name}; it takes complex64 and complex128"
        raise DTypeError(explain(op, problem, {"input": x.spec}, "nf.cast(input, nf.complex64)"))
    return _deep(op, x, rank)


def _real(op: str, value: TensorLike, rank: int) -> Tensor:
    x = as_tensor(value, None, op, "input")
    if x.dtype not in _COMPLEX:
        problem = f"input is {x.dtype.name}; it takes float32 and float64"
        raise DTypeError(explain(op, problem, {"input": x.spec}))
    return _deep(op, x, rank)


def _deep(op: str, x: Tensor, rank: int) -> Tensor:
    if x.spec.rank < rank:
        problem = f"input has {x.spec.rank} axes; it takes {rank} and more"
        raise ShapeError(explain(op, problem, {"input": x.spec}))
    return x


def _last(x: Tensor, rank: int) -> tuple[int, ...]:
    return tuple(range(x.spec.rank - rank, x.spec.rank))


def _lengths(op: str, given: Any, count: int) -> list[int | None]:
    """fft_length: a number for each axis that is transformed, or none."""
    if given is None:
        return [None] * count
    found = [int(n) for n in static_ints(given, op, "fft_length")]
    if len(found) != count or any(n < 0 for n in found):
        problem = f"fft_length is {found}; it takes {count} numbers, 0 and more"
        raise InvalidArgumentError(explain(op, problem))
    return list(found)


def _normed(y: Tensor, x: Tensor, axes: Sequence[int], norm: Any, inverse: bool) -> Tensor:
    """The transform, scaled as norm asks for; x: of the length that was transformed.

    None or "backward": the inverse is divided by the length; "forward": the other; "ortho": both,
    by its root.
    """
    if norm is None or norm == "backward":
        return y
    plain.word(norm, "fft", "norm", ("backward", "ortho", "forward"))
    size = maths.cast(_size(x, axes), _REAL.get(y.dtype, y.dtype))
    factor = maths.sqrt(size) if norm == "ortho" else size
    factor = maths.cast(factor, y.dtype)
    return y * factor if inverse else y / factor


def _fft_over(
    op: str, x: Tensor, axes: tuple[int, ...], lengths: Any, inverse: bool, norm: Any
) -> Tensor:
    for axis, n in zip(axes, _lengths(op, lengths, len(axes)), strict=True):
        x = x if n is None else cut(x, axis, n)
    return _normed(fft_op(x, axes=axes, inverse=inverse), x, axes, norm, inverse)


def _rfft_over(op: str, x: Tensor, axes: tuple[int, ...], lengths: Any, norm: Any = None) -> Tensor:
    for axis, n in zip(axes, _lengths(op, lengths, len(axes)), strict=True):
        x = x if n is None else cut(x, axis, n)
    return _normed(rfft_op(x, axes=axes), x, axes, norm, False)


def _irfft_over(
    op: str, x: Tensor, axes: tuple[int, ...], lengths: Any, norm: Any = None
) -> Tensor:
    wanted = _lengths(op, lengths, len(axes))
    length = wanted[-1]
    if length is None:
        kept = x.spec.shape[axes[-1]]
        if isinstance(kept, Dim):
            raise UnknownSizeError(f"{op}: twice {kept}")
        length = max(0, 2 * (kept - 1))
    for axis, n in zip(axes[:-1], wanted[:-1], strict=True):
        x = x if n is None else cut(x, axis, n)
    x = cut(x, axes[-1], length // 2 + 1)
    y = irfft_op(x, axes=axes, length=length)
    return _normed(y, y, axes, norm, True)


def _named(op: str, x: Tensor, axes: Any, lengths: Any) -> tuple[int, ...]:
    """The axes of the n-dimensional forms: all, or the last ones that fft_length is for."""
    if axes is not None:
        named = static_ints(axes, op, "axes")
        normal_axes(op, named, x.spec.rank)  # refuses
        return tuple(k % x.spec.rank for k in named)  # the last of them keeps one half
    if lengths is None:
        return _last(x, x.spec.rank)
    count = len(static_ints(lengths, op, "fft_length"))
    _deep(op, x, count)
    return _last(x, count)


# --- of complex numbers -------------------------------------------------------------------------


def fft(input: TensorLike, name: str | None = None) -> Tensor:
    """The Fourier transform over the last axis: y[k] = sum over j of x[j] e^(-2 pi i j k / n).

    Args:
      input: complex [..., n].

    Raises:
      DTypeError: input is not complex.
      ShapeError: it is a scalar.

    Example:
      >>> nf.signal.fft(nf.constant([1, 2, 3, 4], nf.complex64)).numpy().tolist()
      [(10+0j), (-2+2j), (-2+0j), (-2-2j)]
    """
    x = _complex("fft", input, 1)
    return fft_op(x, axes=_last(x, 1), inverse=False)


def ifft(input: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of `fft`.

    Example:
      >>> x = nf.constant([1, 2j, 3], nf.complex128)
      >>> bool(nf.reduce_all(nf.abs(nf.signal.ifft(nf.signal.fft(x)) - x) < 1e-12))
      True
    """
    x = _complex("ifft", input, 1)
    return fft_op(x, axes=_last(x, 1), inverse=True)


def fft2d(input: TensorLike, name: str | None = None) -> Tensor:
    """The Fourier transform over the last two axes of complex numbers."""
    x = _complex("fft2d", input, 2)
    return fft_op(x, axes=_last(x, 2), inverse=False)


def ifft2d(input: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of `fft2d`."""
    x = _complex("ifft2d", input, 2)
    return fft_op(x, axes=_last(x, 2), inverse=True)


def fft3d(input: TensorLike, name: str | None = None) -> Tensor:
    """The Fourier transform over the last three axes of complex numbers."""
    x = _complex("fft3d", input, 3)
    return fft_op(x, axes=_last(x, 3), inverse=False)


def ifft3d(input: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of `fft3d`."""
    x = _complex("ifft3d", input, 3)
    return fft_op(x, axes=_last(x, 3), inverse=True)


def fftnd(
    input_tensor: TensorLike,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The Fourier transform over any axes of complex numbers.

    Args:
      input_tensor: complex.
      fft_length: a length for each axis, to which it is cut, or filled up with zeros.
      axes: default all, or the last ones, as many as there are lengths.
      norm: None or "backward", "ortho", "forward": what is divided by the length.
    """
    x = _complex("fftnd", input_tensor, 0)
    return _fft_over("fftnd", x, _named("fftnd", x, axes, fft_length), fft_length, False, norm)


def ifftnd(
    input_tensor: TensorLike,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The inverse of `fftnd`."""
    x = _complex("ifftnd", input_tensor, 0)
    return _fft_over("ifftnd", x, _named("ifftnd", x, axes, fft_length), fft_length, True, norm)


# --- of real numbers ----------------------------------------------------------------------------


def rfft(input_tensor: TensorLike, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The Fourier transform of real numbers over the last axis, without its conjugate half.

    Args:
      input_tensor: float32 or float64 [..., n].
      fft_length: [1], the length to which n is cut, or filled up with zeros.

    Returns:
      Complex [..., n // 2 + 1].

    Raises:
      DTypeError: input_tensor is neither float32 nor float64.

    Example:
      >>> nf.signal.rfft([1.0, 2.0, 3.0, 4.0]).numpy().tolist()
      [(10+0j), (-2+2j), (-2+0j)]
    """
    x = _real("rfft", input_tensor, 1)
    return _rfft_over("rfft", x, _last(x, 1), fft_length)


def irfft(input_tensor: TensorLike, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft`: real numbers [..., fft_length].

    Args:
      input_tensor: complex [..., m].
      fft_length: [1]; default 2 (m - 1).

    Example:
      >>> nf.signal.irfft(nf.signal.rfft([1.0, 2.0, 4.0, 0.0])).numpy().round(5).tolist()
      [1.0, 2.0, 4.0, 0.0]
    """
    x = _complex("irfft", input_tensor, 1)
    return _irfft_over("irfft", x, _last(x, 1), fft_length)


def rfft2d(input_tensor: TensorLike, fft_length: Any = None, name: str | None = None) -> Tensor:
    """As `rfft`, over the last two axes; fft_length: [2]."""
    x = _real("rfft2d", input_tensor, 2)
    return _rfft_over("rfft2d", x, _last(x, 2), fft_length)


def irfft2d(input_tensor: TensorLike, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft2d`."""
    x = _complex("irfft2d", input_tensor, 2)
    return _irfft_over("irfft2d", x, _last(x, 2), fft_length)


def rfft3d(input_tensor: TensorLike, fft_length: Any = None, name: str | None = None) -> Tensor:
    """As `rfft`, over the last three axes; fft_length: [3]."""
    x = _real("rfft3d", input_tensor, 3)
    return _rfft_over("rfft3d", x, _last(x, 3), fft_length)


def irfft3d(input_tensor: TensorLike, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `rfft3d`."""
    x = _complex("irfft3d", input_tensor, 3)
    return _irfft_over("irfft3d", x, _last(x, 3), fft_length)


def rfftnd(
    input_tensor: TensorLike,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """As `fftnd`, of real numbers: the last axis keeps one half."""
    x = _real("rfftnd", input_tensor, 1)
    return _rfft_over("rfftnd", x, _named("rfftnd", x, axes, fft_length), fft_length, norm)


def irfftnd(
    input_tensor: TensorLike,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The inverse of `rfftnd`."""
    x = _complex("irfftnd", input_tensor, 1)
    return _irfft_over("irfftnd", x, _named("irfftnd", x, axes, fft_length), fft_length, norm)


# --- order of frequencies -----------------------------------------------------------------------


def fftshift(x: TensorLike, axes: Any = None, name: str | None = None) -> Tensor:
    """The frequency 0 from the front to the middle of each axis.

    Example:
      >>> nf.signal.fftshift([0, 1, 2, -2, -1]).numpy().tolist()
      [-2, -1, 0, 1, 2]
    """
    return _shifted("fftshift", x, axes, False)


def ifftshift(x: TensorLike, axes: Any = None, name: str | None = None) -> Tensor:
    """The inverse of `fftshift`.

    Example:
      >>> nf.signal.ifftshift([-2, -1, 0, 1, 2]).numpy().tolist()
      [0, 1, 2, -2, -1]
    """
    return _shifted("ifftshift", x, axes, True)


def _shifted(op: str, x: TensorLike, axes: Any, back: bool) -> Tensor:
    value = as_tensor(x, None, op, "x")
    named = None if axes is None else static_ints(axes, op, "axes")
    for axis in normal_axes(op, named, value.spec.rank):
        n = value.spec.shape[axis]
        if isinstance(n, Dim):
            raise UnknownSizeError(f"{op}: half of {n}")
        value = rearrange.roll(value, -(n // 2) if back else n // 2, axis)
    return value
