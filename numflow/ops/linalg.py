"""Matrix products, batches of them, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import Call, HostCall, Library, Pooling
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import plain, power, run_time, signs
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.conjugate import analytic, conj
from numflow.ops.convert import operands, static_ints
from numflow.ops.shape_rules import broadcast_shapes, normal_axis, same_dtype
from numflow.shapes import Dim, Shape, UnknownSizeError, product

# --- matmul ------------------------------------------------------------------


def _sides(x: Spec, transposed: bool) -> tuple[Any, Any]:
    """(rows, columns) of x as the product reads it."""
    rows, columns = x.shape[-2:]
    return (columns, rows) if transposed else (rows, columns)


def _matmul_infer(a: Spec, b: Spec, *, transpose_a: bool, transpose_b: bool) -> Spec:
    for name, s in (("a", a), ("b", b)):
        if s.rank < 2:
            raise ShapeError(
                explain(
                    "matmul",
                    f"{name} has rank {s.rank}: matrices have at least 2 axes",
                    {"a": a, "b": b},
                    fix=f"nf.expand_dims({name}, 0), nf.linalg.matvec or nf.tensordot",
                )
            )
    dtype = same_dtype("matmul", a, b, names=("a", "b"))
    m, k = _sides(a, transpose_a)
    inner, n = _sides(b, transpose_b)
    if k != inner:
        if isinstance(k, Dim) or isinstance(inner, Dim):
            raise UnknownSizeError(f"matmul: sizes {k} and {inner} meet")
        raise ShapeError(
            explain(
                "matmul",
                f"inner sizes differ: a has {k} columns, b has {inner} rows",
                {
                    "a": f"{a}{', transposed' if transpose_a else ''}",
                    "b": f"{b}{', transposed' if transpose_b else ''}",
                },
                fix=_transposition(a, b, transpose_a, transpose_b),
            )
        )
    batch = broadcast_shapes(
        "matmul", a.shape[:-2], b.shape[:-2], names=("a, its batch", "b, its batch")
    )
    return Spec((*batch, m, n), dtype)


def _transposition(a: Spec, b: Spec, transpose_a: bool, transpose_b: bool) -> str:
    """Which argument would make the sizes fit; empty if none does."""
    if _sides(a, transpose_a)[1] == _sides(b, not transpose_b)[0]:
        return f"transpose_b={not transpose_b}"
    if _sides(a, not transpose_a)[1] == _sides(b, transpose_b)[0]:
        return f"transpose_a={not transpose_a}"
    return ""


def _matmul_reference(a: Any, b: Any, *, transpose_a: bool, transpose_b: bool) -> Any:
    return np.matmul(
        np.swapaxes(a, -1, -2) if transpose_a else a, np.swapaxes(b, -1, -2) if transpose_b else b
    )


def _matmul_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    a, b = g.inputs
    ta, tb = g.attrs["transpose_a"], g.attrs["transpose_b"]
    ct_a = ct_b = None
    if g.needed[0]:
        ct_a = _product(b, g.ct, tb, True) if ta else _product(g.ct, b, False, not tb)
        ct_a = reductions.sum_to(ct_a, a)
    if g.needed[1]:
        ct = g.ct
        if b.spec.rank == 2 < a.spec.rank and not ta:  # one product of all rows, not a sum of many
            a, ct = _rows_of(a), _rows_of(ct)
        ct_b = _product(ct, a, True, ta) if tb else _product(a, ct, not ta, False)
        ct_b = reductions.sum_to(ct_b, b)
    return ct_a, ct_b


def _rows_of(x: Tensor) -> Tensor:
    """[..., m, n] as [rows, n]."""
    return shaping.reshape(x, (product(x.spec.shape[:-1]), x.spec.shape[-1]))


def _product(a: Tensor, b: Tensor, transpose_a: bool, transpose_b: bool) -> Tensor:
    product = exact_matmul_op if a.dtype.is_complex else matmul_op
    return product(a, b, transpose_a=transpose_a, transpose_b=transpose_b)


def plan_matmul(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    bias: bool = False,
    activation: str = "",
    residual: bool = False,
    behind: Pooling | None = None,
) -> Call:
    """The kernel of one product of dense arrays, all sizes being known.

    bias: a row vector is added, the fourth operand. activation: "relu", "relu6" or "".
    residual: a tensor like the result is added, the last operand.
    behind: what pools the image whose pixels are the rows: a convolution does it all.
    """
    if behind is not None:
        from numflow.ops.convolution_direct import plan_product  # few products are images

        return plan_product(inputs, outputs, threads, bias, activation, residual, behind)
    from numflow.kernels import tiles
    from numflow.kernels.cpu import gemm, gemm_parts  # llvmlite: only where code is made

    a, b = inputs
    (c,) = outputs
    m, k = _sides(a, attrs["transpose_a"])
    n = _sides(b, attrs["transpose_b"])[1]
    parts = 0 if bias or activation else in_parts(inputs, attrs)[0]
    if parts:
        return gemm_parts.plan(
            m, n, k, c.dtype.name, parts=parts, residual=residual, threads=threads
        )
    batch = c.shape[:-2]
    strides = [_batch_strides(s.shape, batch) for s in (a, b, c)]
    dims = [gemm.Batch(count, *steps) for count, *steps in zip(batch, *strides, strict=True)]
    call = gemm.plan(
        m,
        n,
        k,
        c.dtype.name,
        transpose_a=attrs["transpose_a"],
        transpose_b=attrs["transpose_b"],
        batch=dims,
        threads=threads,
        bias=bias,
        activation=activation,
        epilogue=tiles.RESIDUAL if residual else None,
    )
    if not residual:
        return call
    places = (0, 1, 2, 3, 4) if bias else (0, 1, 2, 4)
    none = (0,) * (call.pointers - len(places))
    return call._replace(pointers=len(places), constants=(*none, *call.constants), positions=places)


def in_parts(inputs: Sequence[Spec], attrs: Attrs) -> tuple[int, str]:
    """Into how many parts the rows of a product A^T @ B are cut, and why; 0: another kernel."""
    from numflow.kernels.cpu import gemm_parts

    a, b = inputs
    if not attrs["transpose_a"] or attrs["transpose_b"] or a.rank > 2 or b.rank > 2:
        return 0, ""
    (k, m), n = a.shape, b.shape[1]
    if not (isinstance(m, int) and isinstance(n, int) and isinstance(k, int)):
        return 0, "in parts, if there are many rows"
    return gemm_parts.choose(m, n, k, a.dtype.name)


def _matmul_note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    return in_parts(inputs, attrs)[1]


def _batch_strides(shape: tuple[Any, ...], batch: Shape) -> list[int]:
    """Elements from a matrix to the next along each axis of batch; 0 where it is repeated."""
    steps: list[int] = []
    step = int(shape[-1]) * int(shape[-2])
    for k in range(len(batch)):
        at = len(shape) - 3 - k
        n = int(shape[at]) if at >= 0 else 1
        steps.append(0 if n == 1 else step)
        step *= n
    return steps[::-1]


def _flops(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    k = _sides(inputs[0], attrs["transpose_a"])[1]
    size: Any = outputs[0].size
    return 2.0 * float(size) * float(k)


def _pools(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, pooling: Pooling
) -> tuple[bool, str]:
    from numflow.ops.convolution_pooled import product_pays  # few products are images

    return product_pays(inputs, outputs, attrs, pooling)


matmul_op = Op(
    "matmul",
    _matmul_infer,
    _matmul_reference,
    _matmul_vjp,
    Library(
        plan_matmul, cost=_flops, epilogue=True, residual=True, note=_matmul_note, pools=_pools
    ),
)
run_time.PRODUCTS.append(matmul_op)
exact_matmul_op = Op(
    "matmul_exact",
    _matmul_infer,
    _matmul_reference,
    analytic(_matmul_vjp),
    HostCall("products of integers and complex numbers run in NumPy"),
)


def matmul(
    a: TensorLike,
    b: TensorLike,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    name: str | None = None,
) -> Tensor:
    """a @ b: the matrix product over the last two axes; axes in front are batches and broadcast.

    Args:
      a: numbers [..., m, k], or [..., k, m] with transpose_a.
      b: numbers [..., k, n], or [..., n, k] with transpose_b; dtype of a.
      transpose_a, transpose_b: read the operand transposed; nothing is copied.
      adjoint_a, adjoint_b: the same, and conjugated.
      a_is_sparse, b_is_sparse: hints, without effect.
      output_type: dtype of the result; default that of a.

    Returns:
      [..., m, n]; float16 and bfloat16 are multiplied and summed as float32.

    Raises:
      ShapeError: a rank below 2, inner sizes that differ, or batches that do not broadcast.
      DTypeError: the dtypes differ, or are not numbers.

    Example:
      >>> nf.matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy().tolist()
      [[11.0]]
    """
    usual = transpose_a is transpose_b is adjoint_a is adjoint_b is False
    if usual and output_type is None:
        specs = id(getattr(a, "_spec", None)), id(getattr(b, "_spec", None))
        short = matmul_op.short.get(specs)
        if short is not None:
            z = short(a, b)
            if isinstance(z, Tensor):
                return z
    x, y = operands("matmul", a, b, ("a", "b"))
    if not usual:
        transpose_a = plain.flag(transpose_a, "matmul", "transpose_a")
        transpose_b = plain.flag(transpose_b, "matmul", "transpose_b")
        adjoint_a = plain.flag(adjoint_a, "matmul", "adjoint_a")
        adjoint_b = plain.flag(adjoint_b, "matmul", "adjoint_b")
    if not x.dtype.is_numeric:
        raise DTypeError(
            explain("matmul", f"does not take {x.dtype.name}", {"a": x.spec, "b": y.spec})
        )
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError(explain("matmul", "transpose and adjoint exclude each other: give one"))
    x, y = conj(x) if adjoint_a else x, conj(y) if adjoint_b else y
    kept = x.dtype
    want = kept if output_type is None else dtypes.as_dtype(output_type)
    if kept.is_integer or kept.is_complex:
        if want is not kept:
            x, y = maths.cast(x, want), maths.cast(y, want)
        product = exact_matmul_op
    else:
        x, y = _wide(x), _wide(y)
        product = matmul_op
    left, right = transpose_a or adjoint_a, transpose_b or adjoint_b
    if (
        max(x.spec.rank, y.spec.rank) > 6
    ):  # the kernel takes four axes of batches: more are made one
        x, y = _same_batch(x, y)
    z = product(x, y, transpose_a=left, transpose_b=right)
    return maths.cast(z, want)


def _wide(x: Tensor) -> Tensor:
    return maths.cast(x, dtypes.float32) if x.dtype.size == 2 else x


def _same_batch(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both repeated to the common batch: equal batches merge into one axis."""
    batch = broadcast_shapes(
        "matmul", x.spec.shape[:-2], y.spec.shape[:-2], names=("a, its batch", "b, its batch")
    )
    return (
        shaping.broadcast_to(x, (*batch, *x.spec.shape[-2:])),
        shaping.broadcast_to(y, (*batch, *y.spec.shape[-2:])),
    )


def matvec(
    a: TensorLike,
    b: TensorLike,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """a @ b, of matrices [..., m, k] and vectors [..., k]: vectors [..., m].

    Raises:
      ShapeError: ranks or sizes do not fit.

    Example:
      >>> nf.linalg.matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy().tolist()
      [3.0, 7.0]
    """
    x, y = operands("matvec", a, b, ("a", "b"))
    column = shaping.expand_dims(y, -1)
    return shaping.squeeze(matmul(x, column, transpose_a=transpose_a, adjoint_a=adjoint_a), -1)


def matrix_transpose(
    a: TensorLike, name: str = "matrix_transpose", conjugate: bool = False
) -> Tensor:
    """a with its last two axes exchanged.

    Raises:
      ShapeError: fewer than 2 axes.

    Example:
      >>> nf.linalg.matrix_transpose([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 3], [2, 4]]
    """
    (x, _) = operands("matrix_transpose", a, a)
    rank = x.spec.rank
    if rank < 2:
        raise ShapeError(
            explain(
                "matrix_transpose",
                f"a has rank {rank}: matrices have at least 2 axes",
                {"a": x.spec},
            )
        )
    return shaping.transpose(x, [*range(rank - 2), rank - 1, rank - 2], conjugate)


# --- tensordot, norm -------------------------------------------------------------------


def tensordot(a: TensorLike, b: TensorLike, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over axes of a and b that are paired.

    Args:
      a, b: numbers of one dtype.
      axes: how many: the last of a with the first of b; or two lists, axes of a and of b.

    Returns:
      The axes of a that are left, then those of b.

    Raises:
      ShapeError: paired sizes differ, or there is no such axis.

    Example:
      >>> nf.tensordot([[1.0, 2.0]], [3.0, 4.0], axes=1).numpy().tolist()
      [11.0]
    """
    x, y = operands("tensordot", a, b, ("a", "b"))
    left, right = _paired_axes(x, y, axes)
    shown = {"a": x.spec, "b": y.spec, "axes": axes}
    for i, j in zip(left, right, strict=True):
        m, n = x.spec.shape[i], y.spec.shape[j]
        if run_time.may_be_equal((m,), (n,)):
            y = run_time.refitted(y, (*y.spec.shape[:j], m, *y.spec.shape[j + 1 :]))
        elif m != n:
            if isinstance(m, Dim) or isinstance(n, Dim):
                raise UnknownSizeError(f"tensordot: sizes {m} and {n} meet")
            raise ShapeError(
                explain("tensordot", f"axis {i} of a has size {m}, axis {j} of b {n}", shown)
            )
    rows = [k for k in range(x.spec.rank) if k not in left]
    columns = [k for k in range(y.spec.rank) if k not in right]
    inner = product(x.spec.shape[k] for k in left)
    outer = [x.spec.shape[k] for k in rows] + [y.spec.shape[k] for k in columns]
    m = product(x.spec.shape[k] for k in rows)
    n = product(y.spec.shape[k] for k in columns)
    flat = matmul(
        shaping.reshape_op(shaping.transpose(x, rows + left), shape=(m, inner)),
        shaping.reshape_op(shaping.transpose(y, right + columns), shape=(inner, n)),
    )
    return shaping.reshape_op(flat, shape=tuple(outer))


def _paired_axes(x: Tensor, y: Tensor, axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        if axes < 0 or axes > min(x.spec.rank, y.spec.rank):
            shown = {"a": x.spec, "b": y.spec}
            raise ShapeError(explain("tensordot", f"{axes} axes cannot be paired", shown))
        return list(range(x.spec.rank - axes, x.spec.rank)), list(range(axes))
    given = plain.items(axes, "tensordot", "axes")
    if len(given) != 2:
        raise ShapeError(
            explain("tensordot", "axes must be a number, or two lists", {"axes": axes})
        )
    first, second = (static_ints(v, "tensordot", "axes") for v in given)
    left = [normal_axis("tensordot", k, x.spec.rank) for k in first]
    right = [normal_axis("tensordot", k, y.spec.rank) for k in second]
    if len(left) != len(right) or len(set(left)) != len(left) or len(set(right)) != len(right):
        raise ShapeError(explain("tensordot", "axes are not pairs", {"axes": axes}))
    return left, right


def norm(
    tensor: TensorLike,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
) -> Tensor:
    """The norm of vectors along an axis, or of matrices over two axes, or of all elements.

    Args:
      tensor: floating [...].
      ord: "euclidean", "fro", 1, 2, inf, or any positive number for vectors.
      axis: None: all elements as one vector; a number: vectors; two numbers: matrices.
      keepdims: keep folded axes as size 1.

    Raises:
      ValueError: no such norm.

    Example:
      >>> nf.norm([3.0, 4.0]).numpy().item(), nf.norm([3.0, -4.0], ord=np.inf).numpy().item()
      (5.0, 4.0)
    """
    (x, _) = operands("norm", tensor, tensor)
    axes = None if axis is None else static_ints(axis, "norm", "axis")
    keep = plain.flag(keepdims, "norm", "keepdims")
    pair = axes if axes is not None and len(axes) == 2 else None
    if not isinstance(ord, str):
        ord = plain.number(ord, "norm", "ord")
    if ord in ("euclidean", "fro") or (ord == 2 and pair is None):
        return maths.sqrt(reductions.reduce_sum(maths.modulus_squared(x), axes, keep))
    size = signs.abs(x)
    if pair is not None:
        if ord not in (1, np.inf):
            raise ValueError(
                explain(
                    "norm", f"no matrix norm {ord!r}", {"tensor": x.spec}, fix='"fro", 1 or inf'
                )
            )
        rows, columns = pair
        summed, largest = (rows, columns) if ord == 1 else (columns, rows)
        total = reductions.reduce_sum(size, summed, keepdims=True)
        out = reductions.reduce_max(total, largest, keepdims=True)
        return out if keep else shaping.squeeze(out, pair)
    if ord == np.inf:
        return reductions.reduce_max(size, axes, keep)
    if ord == 1:
        return reductions.reduce_sum(size, axes, keep)
    if not isinstance(ord, int | float) or ord <= 0:
        raise ValueError(
            explain("norm", f"no norm {ord!r}", {"tensor": x.spec}, fix="a positive number")
        )
    return power.pow(reductions.reduce_sum(power.pow(size, float(ord)), axes, keep), 1 / ord)
