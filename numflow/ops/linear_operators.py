"""Linear operators: matrices that know what they are, and use it.

A diagonal one multiplies, solves and inverts in time n, a triangular one solves without factors;
what can be had of the matrix alone, LinearOperator takes from `to_dense`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import creation, equations, factorizations, joining, linalg, signs, solving
from numflow.ops import math as maths
from numflow.ops import matrix_parts as parts
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.asserts import assert_near, assert_positive
from numflow.ops.convert import as_tensor
from numflow.ops.matrices import matrix as as_matrix
from numflow.ops.shape_rules import broadcast_shapes
from numflow.tensor_shape import TensorShape


class LinearOperator:
    """A linear map, as a matrix [..., m, n] that need not be there as one.

    Subclasses define `_to_dense`, and whatever they can do faster.

    Args:
      dtype: of its elements.
      graph_parents: without effect.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: what is known of it: True,
        False, or None.
      name: of the operator.
      parameters: what it was made of.

    Raises:
      ValueError: the hints contradict each other.
    """

    def __init__(
        self,
        dtype: Any,
        graph_parents: Any = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        if is_positive_definite and is_non_singular is False:
            problem = "what is positive definite is not singular"
            raise ValueError(explain(type(self).__name__, problem))
        if (is_positive_definite or is_self_adjoint or is_non_singular) and is_square is False:
            problem = "what is positive definite, self-adjoint or not singular is square"
            raise ValueError(explain(type(self).__name__, problem))
        self._dtype = dtypes.as_dtype(dtype)
        self._is_non_singular = True if is_positive_definite else is_non_singular
        self._is_self_adjoint, self._is_positive_definite = is_self_adjoint, is_positive_definite
        square = is_positive_definite or is_self_adjoint or is_non_singular
        self._is_square = True if square else is_square
        self._name = name or type(self).__name__
        self._parameters = dict(parameters or {})

    # --- what it is -----------------------------------------------------------------------------

    @property
    def dtype(self) -> dtypes.DType:
        """Of its elements."""
        return self._dtype

    @property
    def name(self) -> str:
        """Of the operator."""
        return self._name

    @property
    def parameters(self) -> dict[str, Any]:
        """What it was made of."""
        return dict(self._parameters)

    @property
    def is_non_singular(self) -> bool | None:
        """Whether it has an inverse; None: not known."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self) -> bool | None:
        """Whether it is its own adjoint; None: not known."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self) -> bool | None:
        """Whether x^H A x > 0 for all x but 0; None: not known."""
        return self._is_positive_definite

    @property
    def is_square(self) -> bool:
        """Whether it has as many rows as columns."""
        if self._is_square is not None:
            return self._is_square
        rows, columns = self._sizes()[-2:]
        return bool(rows == columns)

    def _sizes(self) -> Any:
        return self.to_dense().spec.shape

    @property
    def shape(self) -> TensorShape:
        """[..., m, n]"""
        return TensorShape([n if isinstance(n, int) else None for n in self._sizes()])

    @property
    def batch_shape(self) -> TensorShape:
        """The axes in front of m and n."""
        return self.shape[:-2]

    @property
    def domain_dimension(self) -> Any:
        """n"""
        return self.shape[-1]

    @property
    def range_dimension(self) -> Any:
        """m"""
        return self.shape[-2]

    @property
    def tensor_rank(self) -> int:
        """The number of axes."""
        return len(self._sizes())

    def shape_tensor(self, name: str | None = None) -> Tensor:
        """`shape`, as int32."""
        return self._size_tensor(self._sizes())

    def batch_shape_tensor(self, name: str | None = None) -> Tensor:
        """`batch_shape`, as int32."""
        return self._size_tensor(self._sizes()[:-2])

    def domain_dimension_tensor(self, name: str | None = None) -> Tensor:
        """`domain_dimension`, as int32."""
        return shaping.size_tensor(self._sizes()[-1], dtypes.int32)

    def range_dimension_tensor(self, name: str | None = None) -> Tensor:
        """`range_dimension`, as int32."""
        return shaping.size_tensor(self._sizes()[-2], dtypes.int32)

    def tensor_rank_tensor(self, name: str | None = None) -> Tensor:
        """`tensor_rank`, as int32."""
        return creation.constant(self.tensor_rank, dtypes.int32)

    @staticmethod
    def _size_tensor(sizes: Any) -> Tensor:
        if not sizes:
            return creation.constant(np.zeros(0, np.int32))
        return joining.stack([shaping.size_tensor(n, dtypes.int32) for n in sizes])

    # --- the matrix -----------------------------------------------------------------------------

    def _to_dense(self) -> Tensor:
        raise NotImplementedError  # abstract: each kind defines it

    def to_dense(self, name: str | None = None) -> Tensor:
        """The matrix."""
        return self._to_dense()

    def diag_part(self, name: str | None = None) -> Tensor:
        """Its diagonal: [..., min(m, n)]."""
        return self._diag_part()

    def _diag_part(self) -> Tensor:
        return parts.diag_part(self.to_dense())

    def trace(self, name: str | None = None) -> Tensor:
        """The sum of the diagonal."""
        return reductions.reduce_sum(self.diag_part(), -1)

    def add_to_tensor(self, x: TensorLike, name: str | None = None) -> Tensor:
        """A + x."""
        return self.to_dense() + as_tensor(x, self.dtype, "add_to_tensor", "x")

    # --- products and equations -----------------------------------------------------------------

    def matmul(
        self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str | None = None
    ) -> Any:
        """A x, of x [..., n, columns]; of an operator, an operator."""
        if isinstance(x, LinearOperator):
            return LinearOperatorFullMatrix(self.matmul(x.to_dense(), adjoint, adjoint_arg))
        right = as_matrix("matmul", as_tensor(x, self.dtype, "matmul", "x"), "x")
        right = linalg.matrix_transpose(right, conjugate=True) if adjoint_arg else right
        self._check("matmul", right, -2, -2 if adjoint else -1)
        return self._matmul(right, adjoint)

    def _matmul(self, x: Tensor, adjoint: bool) -> Tensor:
        return linalg.matmul(self.to_dense(), x, adjoint_a=adjoint)

    def matvec(self, x: TensorLike, adjoint: bool = False, name: str | None = None) -> Tensor:
        """A x, of x [..., n]."""
        column = shaping.expand_dims(as_tensor(x, self.dtype, "matvec", "x"), -1)
        return shaping.squeeze(self.matmul(column, adjoint), [-1])

    def solve(
        self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str | None = None
    ) -> Any:
        """x with A x = rhs, of rhs [..., m, columns].

        Raises:
          ValueError: the operator is not square, or known to be singular.
        """
        if isinstance(rhs, LinearOperator):
            return LinearOperatorFullMatrix(self.solve(rhs.to_dense(), adjoint, adjoint_arg))
        self._must_invert("solve")
        right = as_matrix("solve", as_tensor(rhs, self.dtype, "solve", "rhs"), "rhs")
        right = linalg.matrix_transpose(right, conjugate=True) if adjoint_arg else right
        self._check("solve", right, -2, -1)
        return self._solve(right, adjoint)

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        dense, right = self._alike(self.to_dense(), rhs)
        if self.is_positive_definite and self.is_self_adjoint:
            return solving.cholesky_solve(factorizations.cholesky(dense), right)
        return equations.solve(dense, right, adjoint)

    def solvevec(self, rhs: TensorLike, adjoint: bool = False, name: str | None = None) -> Tensor:
        """x with A x = rhs, of rhs [..., m]."""
        column = shaping.expand_dims(as_tensor(rhs, self.dtype, "solvevec", "rhs"), -1)
        return shaping.squeeze(self.solve(column, adjoint), [-1])

    @staticmethod
    def _alike(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Both with the same axes in front."""
        batch = broadcast_shapes("solve", a.spec.shape[:-2], b.spec.shape[:-2])
        a, b = (
            x
            if x.spec.shape[:-2] == batch
            else shaping.broadcast_to(x, (*batch, *x.spec.shape[-2:]))
            for x in (a, b)
        )
        return a, b

    def _check(self, op: str, x: Tensor, axis: int, own: int) -> None:
        if x.spec.shape[axis] != self._sizes()[own]:
            shown = {"operator": self.shape, "x": x.spec}
            raise ShapeError(explain(f"{self.name}.{op}", "the sizes do not fit", shown))

    def _must_invert(self, op: str) -> None:
        if self.is_non_singular is False or not self.is_square:
            problem = "the operator is not square, or known to be singular"
            raise ValueError(explain(f"{self.name}.{op}", problem, {"shape": self.shape}))

    # --- other operators ------------------------------------------------------------------------

    def adjoint(self, name: str | None = None) -> LinearOperator:
        """The adjoint."""
        return self if self.is_self_adjoint else self._adjoint()

    def _adjoint(self) -> LinearOperator:
        turned = linalg.matrix_transpose(self.to_dense(), conjugate=True)
        return LinearOperatorFullMatrix(
            turned, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite
        )

    H = property(adjoint, doc="The adjoint.")

    def inverse(self, name: str | None = None) -> LinearOperator:
        """The inverse.

        Raises:
          ValueError: the operator is not square, or known to be singular.
        """
        self._must_invert("inverse")
        return self._inverse()

    def _inverse(self) -> LinearOperator:
        return LinearOperatorFullMatrix(
            solving.inv(self.to_dense()), True, self.is_self_adjoint, self.is_positive_definite
        )

    def cholesky(self, name: str | None = None) -> LinearOperator:
        """The lower triangular factor.

        Raises:
          ValueError: the operator is not known to be self-adjoint and positive definite.
        """
        if not (self.is_positive_definite and self.is_self_adjoint):
            problem = "the operator is not known to be self-adjoint and positive definite"
            raise ValueError(explain(f"{self.name}.cholesky", problem))
        return self._cholesky()

    def _cholesky(self) -> LinearOperator:
        return LinearOperatorLowerTriangular(factorizations.cholesky(self.to_dense()), True)

    # --- numbers --------------------------------------------------------------------------------

    def determinant(self, name: str | None = None) -> Tensor:
        """The determinants [...].

        Raises:
          ValueError: the operator is not square.
        """
        self._must_be_square("determinant")
        return self._determinant()

    def _determinant(self) -> Tensor:
        return solving.det(self.to_dense())

    def log_abs_determinant(self, name: str | None = None) -> Tensor:
        """The logarithms of their sizes."""
        self._must_be_square("log_abs_determinant")
        return self._log_abs_determinant()

    def _log_abs_determinant(self) -> Tensor:
        return solving.slogdet(self.to_dense())[1]

    def _must_be_square(self, op: str) -> None:
        if not self.is_square:
            problem = "the operator is not square"
            raise ValueError(explain(f"{self.name}.{op}", problem, {"shape": self.shape}))

    def eigvals(self, name: str | None = None) -> Tensor:
        """The eigenvalues of a self-adjoint operator, in order.

        Raises:
          ValueError: it is not known to be self-adjoint.
        """
        if not self.is_self_adjoint:
            problem = "the operator is not known to be self-adjoint"
            raise ValueError(explain(f"{self.name}.eigvals", problem))
        return factorizations.eigvalsh(self.to_dense())

    def cond(self, name: str | None = None) -> Tensor:
        """The largest singular value over the smallest: [...]."""
        values = factorizations.svd(self.to_dense(), compute_uv=False)
        return values[..., 0] / values[..., -1]

    # --- checks ---------------------------------------------------------------------------------

    def assert_non_singular(self, name: str | None = None) -> Any:
        """Refuses an operator whose condition number is beyond its precision.

        Raises:
          InvalidArgumentError: it is singular, or close to it.
        """
        values = factorizations.svd(self.to_dense(), compute_uv=False)
        least = values[..., -1] - values[..., 0] * float(np.finfo(values.dtype.numpy).eps)
        return assert_positive(least, "the operator is singular, or close to it")

    def assert_positive_definite(self, name: str | None = None) -> Any:
        """Refuses an operator that is not.

        Raises:
          InvalidArgumentError: it is not.
        """
        values = factorizations.eigvalsh(self.to_dense())
        return assert_positive(values, "the operator is not positive definite")

    def assert_self_adjoint(self, name: str | None = None) -> Any:
        """Refuses an operator that is not.

        Raises:
          InvalidArgumentError: it is not.
        """
        dense = self.to_dense()
        turned = linalg.matrix_transpose(dense, conjugate=True)
        return assert_near(dense, turned, message="the operator is not self-adjoint")

    # --- as a value -----------------------------------------------------------------------------

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def _as_tensor(self) -> Tensor:
        return self.to_dense()

    def __repr__(self) -> str:
        return (
            f"<nf.linalg.{type(self).__name__} {self.name!r} shape={self.shape} {self.dtype.name}>"
        )


class LinearOperatorFullMatrix(LinearOperator):
    """Of a matrix that is there: [..., m, n].

    Example:
      >>> a = nf.linalg.LinearOperatorFullMatrix([[2.0, 0.0], [1.0, 4.0]])
      >>> a.matvec([1.0, 1.0]).numpy().tolist(), a.determinant().numpy().item()
      ([2.0, 5.0], 8.0)
    """

    def __init__(
        self,
        matrix: TensorLike,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorFullMatrix",
    ) -> None:
        self._matrix = as_matrix(name, matrix, "matrix")
        hints = is_non_singular, is_self_adjoint, is_positive_definite, is_square
        super().__init__(self._matrix.dtype, None, *hints, name, {"matrix": matrix})

    def _to_dense(self) -> Tensor:
        return self._matrix


class LinearOperatorLowerTriangular(LinearOperator):
    """Of the lower triangle of a matrix [..., n, n]; what is above it does not count.

    Example:
      >>> a = nf.linalg.LinearOperatorLowerTriangular([[2.0, 9.0], [1.0, 4.0]])
      >>> a.solvevec([2.0, 5.0]).numpy().tolist()
      [1.0, 1.0]
    """

    def __init__(
        self,
        tril: TensorLike,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowerTriangular",
    ) -> None:
        if is_square is False:
            raise ValueError(explain(name, "a lower triangular operator is square"))
        self._tril = parts.band_part(as_matrix(name, tril, "tril"), -1, 0)
        hints = is_non_singular, is_self_adjoint, is_positive_definite, True
        super().__init__(self._tril.dtype, None, *hints, name, {"tril": tril})

    def _to_dense(self) -> Tensor:
        return self._tril

    def _solve(self, rhs: Tensor, adjoint: bool) -> Tensor:
        low, right = self._alike(self._tril, rhs)
        return equations.triangular_solve(low, right, adjoint=adjoint)

    def _determinant(self) -> Tensor:
        return reductions.reduce_prod(self.diag_part(), -1)

    def _log_abs_determinant(self) -> Tensor:
        return reductions.reduce_sum(maths.log(signs.abs(self.diag_part())), -1)

    def _inverse(self) -> LinearOperator:
        n = self._sizes()[-1]
        one = creation.eye(n, dtype=self.dtype)
        return LinearOperatorLowerTriangular(self._solve(one, False), True)


__all__ = [
    "LinearOperator",
    "LinearOperatorFullMatrix",
    "LinearOperatorLowerTriangular",
]
