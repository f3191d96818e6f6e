"""Shape and dtype rules that many ops share: they return Specs, or raise what users should read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.spec import Spec
from numflow.shapes import Extent, Shape, UnknownSizeError


def broadcast_shapes(op: str, *shapes: Shape, names: tuple[str, ...] = ("x", "y")) -> Shape:
    """NumPy's broadcasting over sizes that may be symbolic.

    Raises:
      ShapeError: two sizes differ, and neither is 1.
    """
    rank = max(map(len, shapes), default=0)
    out: list[Extent] = []
    for k in range(rank):
        size: Extent = 1
        for s in shapes:
            at = k - rank + len(s)
            n = s[at] if at >= 0 else 1
            if n == 1 or n == size:
                continue
            if size == 1:
                size = n
            elif isinstance(n, int) and isinstance(size, int):
                shown = {name: list(s) for name, s in zip(names, shapes, strict=False)}
                raise ShapeError(
                    explain(
                        op, f"shapes do not broadcast: axis {k - rank} is {size} and {n}", shown
                    )
                )
            else:  # one may turn out to be 1: only exact sizes can tell
                raise UnknownSizeError(f"{op}: sizes {size} and {n} meet")
        out.append(size)
    return tuple(out)


def floating_like(op: str, also_complex: bool = False) -> Callable[..., Spec]:
    """The rule of a unary op on floating values: the same spec."""

    def infer(x: Spec, **_: Any) -> Spec:
        if not x.dtype.is_floating and not (also_complex and x.dtype.is_complex):
            raise DTypeError(
                explain(
                    op, f"x is {x.dtype.name}, not floating", {"x": x}, fix="nf.cast(x, nf.float32)"
                )
            )
        return x

    return infer


def numeric_like(op: str) -> Callable[..., Spec]:
    """The rule of a unary op on numbers: the same spec."""

    def infer(x: Spec, **_: Any) -> Spec:
        if not x.dtype.is_numeric:
            raise DTypeError(explain(op, f"x is {x.dtype.name}, not a number", {"x": x}))
        return x

    return infer


def real_like(op: str) -> Callable[..., Spec]:
    """The rule of a unary op on numbers that have an order: the same spec."""

    def infer(x: Spec, **_: Any) -> Spec:
        if not x.dtype.is_numeric or x.dtype.is_complex:
            raise DTypeError(explain(op, f"x is {x.dtype.name}, not a real number", {"x": x}))
        return x

    return infer


def same_dtype(op: str, *specs: Spec, names: tuple[str, ...] = ("x", "y")) -> dtypes.DType:
    """The dtype that all share.

    Raises:
      DTypeError: they differ.
    """
    first = specs[0].dtype
    if any(s.dtype is not first for s in specs):
        shown = dict(zip(names, specs, strict=False))
        raise DTypeError(
            explain(op, "dtypes differ: tensors are not converted silently", shown, fix="nf.cast")
        )
    return first


def binary(op: str, kinds: str = "iufc") -> Callable[..., Spec]:
    """The rule of a broadcasting binary op that keeps the dtype; kinds as in NumPy (b i u f c)."""

    def infer(x: Spec, y: Spec, **_: Any) -> Spec:
        dtype = same_dtype(op, x, y)
        if dtype.numpy.kind not in kinds and not (dtype is dtypes.bfloat16 and "f" in kinds):
            raise DTypeError(explain(op, f"does not take {dtype.name}", {"x": x, "y": y}))
        return Spec(broadcast_shapes(op, x.shape, y.shape), dtype)

    return infer


def comparison(op: str, ordered: bool = True) -> Callable[..., Spec]:
    """The rule of a broadcasting comparison: bool."""

    def infer(x: Spec, y: Spec, **_: Any) -> Spec:
        dtype = same_dtype(op, x, y)
        if ordered and (dtype.is_complex or dtype.is_bool or dtype is dtypes.string):
            raise DTypeError(explain(op, f"{dtype.name} has no order", {"x": x, "y": y}))
        return Spec(broadcast_shapes(op, x.shape, y.shape), dtypes.bool)

    return infer


def normal_axis(op: str, axis: int, rank: int, name: str = "axis") -> int:
    """axis counted from the front.

    Raises:
      ShapeError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ShapeError(
            explain(
                op, f"{name} {axis} is out of range for {rank} axes", {name: axis, "rank": rank}
            )
        )
    return axis + rank if axis < 0 else axis


def normal_axes(op: str, axes: tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """Axes counted from the front, sorted; all of them for None.

    Raises:
      ShapeError: there is no such axis, or one is named twice.
    """
    if axes is None:
        return tuple(range(rank))
    out = [normal_axis(op, a, rank) for a in axes]
    if len(set(out)) != len(out):
        raise ShapeError(explain(op, "an axis is named twice", {"axis": axes, "rank": rank}))
    return tuple(sorted(out))
