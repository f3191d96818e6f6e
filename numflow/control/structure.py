"""Nested structures taken apart into tensors, and put together of others: what branches and loops
hand on. Besides tensors a structure may hold None, operations (which become None), and objects that
are made of tensors, as sparse tensors and TensorArrays are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from numflow import nest
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.operation import Operation, building
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor


class _Tensor:
    """Stands for a tensor."""

    def __repr__(self) -> str:
        return "a tensor"


class _Nothing:
    """Stands for None, and for an operation."""

    def __repr__(self) -> str:
        return "None"


class _Whole:
    """Stands for an object that is made of tensors: of its parts, in their forms."""

    def __init__(self, kind: Any, kept: Any, parts: tuple[Any, ...]) -> None:
        self.kind, self.kept, self.parts = kind, kept, parts


class _Itself:
    """Stands for an object that stays whole where nothing is traced: a TensorArray."""

    def __init__(self, kept: Any) -> None:
        self.kept = kept


_TENSOR, _NOTHING = _Tensor(), _Nothing()


class Form:
    """A structure without its tensors.

    whole: with what stands for each leaf. paths: how messages call each tensor.
    """

    def __init__(self, whole: Any, paths: Sequence[str]) -> None:
        self.whole, self.paths = whole, paths

    def packed(self, tensors: Sequence[Any]) -> Any:
        """The structure, of other tensors."""
        return _packed(self.whole, iter(tensors))

    def difference(self, other: Form) -> str:
        """What is unlike in another structure; "" if nothing is."""
        return _difference(self.whole, other.whole)


def taken_apart(
    structure: Any, convert: Callable[[Any, int], Tensor] | None = None, name: str = "result"
) -> tuple[list[Tensor], Form]:
    """(its tensors, its form); convert(leaf, number) makes a tensor of a leaf that is none yet."""
    tensors: list[Tensor] = []
    paths: list[str] = []

    def leaf(x: Any, path: str) -> Any:
        if x is None or isinstance(x, Operation):
            return _NOTHING
        if getattr(x, "_whole_eagerly", False) and building() is None:
            return _Itself(x)
        if type(x) in COMPOSITES:
            kept, parts = x._opened()
            return _Whole(type(x), kept, tuple(leaf(p, path) for p in parts))
        number = len(tensors)
        tensors.append(as_tensor(x, None, name, path) if convert is None else convert(x, number))
        paths.append(path)
        return _TENSOR

    leaves = [leaf(x, path) for x, path in _leaves(structure, "")]
    whole = nest.pack_sequence_as(structure, leaves)
    return tensors, Form(whole, paths)


def _leaves(x: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The leaves, in the order of nest, and where each stands."""
    if not nest.is_nested(x):
        yield x, path
        return
    if hasattr(x, "keys"):
        items = [(f"{path}[{k!r}]", x[k]) for k in sorted(x)]
    else:
        opened = nest.components(x)
        parts = x if opened is None else opened[1]
        items = [(f"{path}[{k}]", v) for k, v in enumerate(parts)]
    for at, v in items:
        yield from _leaves(v, at)


def _packed(form: Any, tensors: Iterator[Any]) -> Any:
    def leaf(x: Any) -> Any:
        if x is _TENSOR:
            return next(tensors)
        if x is _NOTHING:
            return None
        if isinstance(x, _Itself):
            return x.kept
        return x.kind._closed(x.kept, [leaf(p) for p in x.parts])

    return nest.pack_sequence_as(form, [leaf(x) for x in nest.flatten(form)])


def _difference(x: Any, y: Any) -> str:
    try:
        nest.assert_same_structure(x, y, check_types=False)
    except (ValueError, TypeError) as e:
        return str(e).rpartition("More specifically: ")[2]
    for a, b in zip(nest.flatten(x), nest.flatten(y), strict=True):
        if type(a) is not type(b):
            return f"{_kind(a)} against {_kind(b)}"
        if isinstance(a, _Whole):
            if a.kind is not b.kind or len(a.parts) != len(b.parts):
                return f"{_kind(a)} against {_kind(b)}"
            for p, q in zip(a.parts, b.parts, strict=True):
                inner = _difference(p, q)
                if inner:
                    return inner
    return ""


def _kind(x: Any) -> str:
    if isinstance(x, _Whole):
        return str(x.kind.__name__)
    return "a tensor" if x is _TENSOR else "None"
