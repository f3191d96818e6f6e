"""Arguments that are matrices, of what LAPACK takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.tensor import Tensor, TensorLike
from numflow.kernels.cpu.blas import one_thread
from numflow.ops.convert import as_tensor
from numflow.ops.linalg import matrix_transpose
from numflow.shapes import Dim, UnknownSizeError

FACTORED = (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)
LAPACK = HostCall("LAPACK is called through NumPy")
# Elements of a matrix: OpenBLAS shares nothing of smaller ones, and of larger ones enough.
_ALONE = range(32 * 32, 1024 * 1024 + 1)


def on_one_thread(reference: Callable[..., Any]) -> Callable[..., Any]:
    """reference(matrices, ...) with LAPACK on one thread, see kernels/cpu/blas.py."""

    @functools.wraps(reference)
    def run(x: Any, *others: Any, **attrs: Any) -> Any:
        if x.shape[-2] * x.shape[-1] not in _ALONE:
            return reference(x, *others, **attrs)
        with one_thread:
            return reference(x, *others, **attrs)

    return run


def matrix(op: str, value: TensorLike, name: str = "input") -> Tensor:
    """value as matrices [..., rows, columns] of a dtype that LAPACK takes.

    Raises:
      ShapeError: fewer than 2 axes.
      DTypeError: neither float32, float64 nor complex.
    """
    x = as_tensor(value, None, op, name)
    if x.spec.rank < 2:
        problem = f"{name} has rank {x.spec.rank}: matrices have at least 2 axes"
        raise ShapeError(explain(op, problem, {name: x.spec}))
    if x.dtype not in FACTORED:
        problem = f"{name} is {x.dtype.name}; it takes float32, float64, complex64 and complex128"
        raise DTypeError(explain(op, problem, {name: x.spec}, fix=f"nf.cast({name}, nf.float32)"))
    return x


def square(op: str, value: TensorLike, name: str = "input") -> Tensor:
    """value as square matrices [..., n, n].

    Raises:
      ShapeError, DTypeError: as matrix; or rows and columns differ in number.
    """
    x = matrix(op, value, name)
    rows, columns = x.spec.shape[-2:]
    if rows != columns:
        if isinstance(rows, Dim) or isinstance(columns, Dim):
            raise UnknownSizeError(f"{op}: sizes {rows} and {columns} meet")
        problem = f"{name} has {rows} rows and {columns} columns: it must be square"
        raise ShapeError(explain(op, problem, {name: x.spec}))
    return x


def adjoint_of(x: Tensor) -> Tensor:
    """Rows and columns exchanged, and conjugated where complex."""
    return matrix_transpose(x, conjugate=x.dtype.is_complex)
