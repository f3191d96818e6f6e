"""Rules of simplify.py for matrix products: thin ones are not worth a kernel of their own.

A product over one column is an outer product, one with a single row or column a sum along an axis:
both fuse with what stands around them, where a call of the matrix kernel would cost a pass over
memory and 0.2 us more.
"""

from __future__ import annotations

from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import Node
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.passes.patterns import inputs_of, made_by
from numflow.shapes import Extent

Inputs = tuple[SymbolicTensor, ...]

SHORT = (
    64  # elements of a sum that is made a fold; longer ones gain by the matrix kernel's blocking
)


def absorb_transpose(node: Node, inputs: Inputs) -> Tensor | None:
    """matmul(transpose(a), b) -> matmul(a, b, transpose_a): read either way at one speed."""
    flags = [node.attrs["transpose_a"], node.attrs["transpose_b"]]
    sources = list(inputs)
    for k, t in enumerate(inputs):
        swapped = made_by(t, shaping.transpose_op)
        if swapped is not None and _swaps_last(swapped.attrs["perm"]):
            sources[k], flags[k] = inputs_of(swapped)[0], not flags[k]
    if all(a is b for a, b in zip(sources, inputs, strict=True)):
        return None
    return node.op(*sources, transpose_a=flags[0], transpose_b=flags[1])  # type: ignore[no-any-return]


def _swaps_last(perm: tuple[int, ...]) -> bool:
    rank = len(perm)
    return perm == (*range(rank - 2), rank - 1, rank - 2)


def outer_product(node: Node, inputs: Inputs) -> Tensor | None:
    """matmul of [m, 1] and [1, n] -> a * b, broadcast."""
    a, b = inputs
    rows, inner = _sides(a, node.attrs["transpose_a"])
    columns = _sides(b, node.attrs["transpose_b"])[1]
    if inner != 1:
        return None
    return maths.multiply_op(_as_matrix(a, rows, 1), _as_matrix(b, 1, columns))  # type: ignore[no-any-return]


def thin_product(node: Node, inputs: Inputs) -> Tensor | None:
    """matmul with one row or column, over a short axis or down the rows -> reduce_sum(a * b)."""
    a, b = inputs
    a_flipped, b_flipped = node.attrs["transpose_a"], node.attrs["transpose_b"]
    rows, inner = _sides(a, a_flipped)
    columns = _sides(b, b_flipped)[1]
    if columns == 1:
        matrix, flipped, vector = a, a_flipped, b
    elif rows == 1:
        matrix, flipped, vector = b, not b_flipped, a
    else:
        return None
    # matrix is [..., length, inner], or [..., inner, length] if flipped: then a sum down the rows,
    # which reads memory in order however long it is
    if not flipped and not (isinstance(inner, int) and 0 < inner <= SHORT):
        return None
    along = _as_matrix(vector, inner, 1) if flipped else _as_matrix(vector, 1, inner)
    products = maths.multiply_op(matrix, along)
    axis = len(products.spec.shape) - (2 if flipped else 1)
    total: Tensor = reductions.sum_op(products, axis=(axis,), keepdims=True)
    return shaping.reshape(total, node.output.spec.shape)


def _sides(x: Tensor, transposed: bool) -> tuple[Extent, Extent]:
    """(rows, columns) of x as the product reads it."""
    rows, columns = x.spec.shape[-2:]
    return (columns, rows) if transposed else (rows, columns)


def _as_matrix(x: Tensor, rows: Extent, columns: Extent) -> Tensor:
    """x, one of whose last two sizes is 1, as [..., rows, columns]."""
    shape = (*x.spec.shape[:-2], rows, columns)
    return x if x.spec.shape == shape else shaping.reshape_op(x, shape=shape)
