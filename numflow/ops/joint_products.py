"""Products A^T @ B of several A and one B as one op: the gradients by the weights of a layer.

    c1, c2, ..., [sums] = joint_products(b, a1, a2, ...)

A recurrent layer's are h^T dG and x^T dG of the gradients dG of all its steps; that by the bias is
the sum of dG's rows. passes/joint_products.py makes the op of separate ones, so that the kernel
(kernels/cpu/gemm_parts.py) reads the rows of B once for all of them. Attributes: `sums`: whether
the last output is the sum of B's rows.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.errors import ShapeError, explain
from numflow.graph.lowering import Call, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import linalg
from numflow.ops import shape as shaping
from numflow.shapes import Extent

LEAST_COLUMNS = 128
"""Of all A together, for the sums to be taken along."""
MANY = 1 << 20
"""Rows, where it is not known how many there will be."""


def _infer(b: Spec, *a: Spec, sums: bool) -> tuple[Spec, ...]:
    for spec in a:
        if spec.rank != 2 or b.rank != 2 or spec.shape[0] != b.shape[0]:
            shown = {"a": spec, "b": b}
            raise ShapeError(
                explain("joint_products", "matrices of as many rows are wanted", shown)
            )
    rows = [*(spec.shape[1:] for spec in a), *([()] if sums else [])]
    return tuple(Spec((*row, b.shape[1]), b.dtype) for row in rows)


def _reference(b: Any, *a: Any, sums: bool) -> tuple[Any, ...]:
    return (*(np.matmul(x.T, b) for x in a), *([np.sum(b, 0)] if sums else []))


def _vjp(g: Backward) -> list[Tensor | None]:
    b, *a = g.inputs
    slopes = list(zip(a, g.cts, strict=False))
    found = [None if ct is None else linalg.matmul(b, ct, transpose_b=True) for _, ct in slopes]
    if not g.needed[0]:
        return [None, *found]
    terms = [linalg.matmul(x, ct) for x, ct in slopes if ct is not None]
    if g.attrs["sums"] and g.cts[-1] is not None:
        terms.append(shaping.broadcast_to(g.cts[-1], b.spec.shape))
    return [functools.reduce(operator.add, terms), *found]


def choice(ms: Sequence[Extent], n: Extent, k: Extent, dtype: str) -> tuple[int, str]:
    """Into how many parts the rows are cut, and why; 0: separate products are better.

    Of an unknown number of rows: whether many would be.
    """
    known = [m for m in (*ms, n) if isinstance(m, int)]
    if len(known) <= len(ms):
        return 0, ""
    from numflow.kernels.cpu import gemm_parts  # llvmlite: only where code is made

    *widths, across = known
    if isinstance(k, int):
        return gemm_parts.choose_joint(widths, across, k, dtype)
    return gemm_parts.choose_joint(widths, across, MANY, dtype)[
        0
    ], "in parts, if there are many rows"


def takes_sums(ms: Sequence[Extent]) -> bool:
    """Whether the sums of B's rows are free. They are if B is copied, which few columns of A are
    not worth: 64 x 256 of 25088 rows take 20 % longer."""
    return sum(m for m in ms if isinstance(m, int)) >= LEAST_COLUMNS


def _choice_of(inputs: Sequence[Spec]) -> tuple[int, str]:
    b, *a = inputs
    return choice([x.shape[1] for x in a], b.shape[1], b.shape[0], b.dtype.name)


def _plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Call:
    from numflow.kernels.cpu import gemm_parts

    b, *a = inputs
    k, n, *ms = (int(s) for s in (*b.shape, *(x.shape[1] for x in a)))  # type: ignore[arg-type]
    parts = max(1, _choice_of(inputs)[0])  # few rows of an unknown number: one after all
    return gemm_parts.plan_joint(
        ms, n, k, b.dtype.name, parts=parts, sums=attrs["sums"], threads=threads
    )


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    """Flops."""
    b, *a = inputs
    rows: Any = b.size
    wide: Any = sum(x.shape[1] for x in a)
    return 2.0 * float(rows) * float(wide)


def _note(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> str:
    _, *a = inputs
    what = f"{len(a)} products" if len(a) > 1 else "a product"
    along = ", and the sum of their rows" if attrs["sums"] else ""
    return f"{what} of the same rows, which are read once{along}; {_choice_of(inputs)[1]}"


joint_op = Op("joint_products", _infer, _reference, _vjp, Library(_plan, cost=_cost, note=_note))
