"""Linear operators of a diagonal."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import matrix_parts as parts
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops import signs
from numflow.ops.asserts import assert_near, assert_positive
from numflow.ops.conjugate import conj
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.linear_operators import LinearOperator
from numflow.ops.matrices import matrix as as_matrix
from numflow.ops.shape_rules import broadcast_shapes
from numflow.shapes import Shape


def _spread(x: Tensor, batch: Shape) -> Tensor:
    """x with these axes in front of the last two."""
    shape = (*batch, *x.spec.shape[-2:])
    return x if x.spec.shape == shape else shaping.broadcast_to(x, shape)


class LinearOperatorDiag(LinearOperator):
    """Of a diagonal [..., n].

    Example:
      >>> a = nf.linalg.LinearOperatorDiag([2.0, 4.0])
      >>> a.inverse().to_dense().numpy().tolist()
      [[0.5, 0.0], [0.0, 0.25]]
    """

    def __init__(
        self,
        diag: TensorLike,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorDiag",
    ) -> None:
        if is_square is False:
            raise ValueError(explain(name, "a diagonal operator is square"))
        self._diag = as_tensor(diag, None, name, "diag")
        if not (self._diag.dtype.is_floating or self._diag.dtype.is_complex):
            raise DTypeError(explain(name, f"diag is {self._diag.dtype.name}; it takes floats"))
        if not self._diag.spec.rank:
            raise ShapeError(explain(name, "diag is a scalar; it needs an axis"))
        if not self._diag.dtype.is_complex:
            is_self_adjoint = True
        hints = is_non_singular, is_self_adjoint, is_positive_definite, True
        super().__init__(self._diag.dtype, None, *hints, name, {"diag": diag})

    @property
    def diag(self) -> Tensor:
        """The diagonal."""
        return self._diag

    def _sizes(self) -> Any:
        return (*self._diag.spec.shape, self._diag.spec.shape[-1])

    def _to_dense(self) -> Tensor:
        return parts.diag(self._diag)

    def _diag_part(self) -> Tensor:
        return self._diag

    def _column(self, adjoint: bool) -> Tensor:
        return shaping.expand_dims(conj(self._diag) if adjoint else self._diag, -1)

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        return self._column(adjoint) * x

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        return rhs / self._column(adjoint)

    def _adjoint(self) -> LinearOperator:
        return self._of(conj(self._diag))

    def _inverse(self) -> LinearOperator:
        return self._of(1 / self._diag)

    def _of(self, diag: Tensor) -> LinearOperator:
        hints = self.is_non_singular, self.is_self_adjoint, self.is_positive_definite
        return LinearOperatorDiag(diag, *hints)

    def _cholesky(self) -> LinearOperator:
        return LinearOperatorDiag(maths.sqrt(self._diag), True)

    def _determinant(self) -> Tensor:
        return reductions.reduce_prod(self._diag, -1)

    def _log_abs_determinant(self) -> Tensor:
        return reductions.reduce_sum(maths.log(signs.abs(self._diag)), -1)

    def add_to_tensor(self, x: TensorLike, name: str | None = None) -> Tensor:
        """A + x."""
        given = as_matrix("add_to_tensor", as_tensor(x, self.dtype, "add_to_tensor", "x"), "x")
        return parts.set_diag(given, parts.diag_part(given) + self._diag)

    def cond(self, name: str | None = None) -> Tensor:
        """The largest element over the smallest, without their signs: [...]."""
        sizes = signs.abs(self._diag)
        return reductions.reduce_max(sizes, -1) / reductions.reduce_min(sizes, -1)

    def eigvals(self, name: str | None = None) -> Tensor:
        """The diagonal, as TensorFlow has it."""
        return self._diag

    def assert_non_singular(self, name: str | None = None) -> Any:
        """Refuses zeros.

        Raises:
          InvalidArgumentError: an element is 0.
        """
        return assert_positive(signs.abs(self._diag), "the operator is singular")

    def assert_self_adjoint(self, name: str | None = None) -> Any:
        """Refuses imaginary parts.

        Raises:
          InvalidArgumentError: an element is not real.
        """
        return assert_near(self._diag, conj(self._diag), message="the operator is not self-adjoint")


class LinearOperatorIdentity(LinearOperatorDiag):
    """The identity of n numbers, for each of a batch.

    Args:
      num_rows: n.
      batch_shape: sizes in front.
      dtype: default float32.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: True or None.
      assert_proper_shapes: without effect: shapes are always checked.

    Raises:
      ValueError: num_rows or a size is negative; a hint is False.

    Example:
      >>> nf.linalg.LinearOperatorIdentity(2).matvec([3.0, 4.0]).numpy().tolist()
      [3.0, 4.0]
    """

    def __init__(
        self,
        num_rows: Any,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = True,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = True,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorIdentity",
    ) -> None:
        hints = is_non_singular, is_self_adjoint, is_positive_definite, is_square
        if any(hint is False for hint in hints):
            raise ValueError(explain(name, "an identity is all that the hints deny"))
        (rows,) = static_ints([num_rows], name, "num_rows")
        batch = () if batch_shape is None else static_ints(batch_shape, name, "batch_shape")
        if any(isinstance(n, int) and n < 0 for n in (rows, *batch)):
            raise ValueError(explain(name, f"sizes are negative: {[*batch, rows]}"))
        kind = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        super().__init__(shaping.ones((*batch, rows), kind), True, True, True, None, name)
        self._parameters = {"num_rows": num_rows, "batch_shape": batch_shape, "dtype": dtype}

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        batch = broadcast_shapes(self.name, self._sizes()[:-2], x.spec.shape[:-2])
        return _spread(x, batch)

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        return self._matmul(rhs, adjoint)

    def _inverse(self) -> LinearOperator:
        return self

    def _cholesky(self) -> LinearOperator:
        return self


__all__ = [
    "LinearOperatorDiag",
    "LinearOperatorIdentity",
]
