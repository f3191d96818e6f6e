"""Arguments that are matrices, of what LAPACK takes."""

from __future__ import annotations

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops.convert import as_tensor
from numflow.ops.linalg import matrix_transpose
from numflow.shapes import Dim, UnknownSizeError

FACTORED = (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)
LAPACK = HostCall("LAPACK is called through NumPy")


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
