"""Nested structures: lists, tuples, named tuples and dicts (keys sorted); all else is a leaf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _is_namedtuple(x: object) -> bool:
    return isinstance(x, tuple) and hasattr(x, "_fields")


def is_nested(seq: object) -> bool:
    """Whether seq is a container that flatten looks into.

    Example:
      >>> nf.nest.is_nested([1, 2]), nf.nest.is_nested(nf.constant([1, 2]))
      (True, False)
    """
    return type(seq) in (list, tuple, dict) or _is_namedtuple(seq) or isinstance(seq, Mapping)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves, depth first. None is a leaf. There are no composite tensors to expand.

    Example:
      >>> nf.nest.flatten({"b": [1, (2,)], "a": 0})
      [0, 1, 2]
    """
    out: list[Any] = []
    _flatten(structure, out)
    return out


def _flatten(x: Any, out: list[Any]) -> None:
    if isinstance(x, Mapping):
        for k in sorted(x):
            _flatten(x[k], out)
    elif type(x) in (list, tuple) or _is_namedtuple(x):
        for v in x:
            _flatten(v, out)
    else:
        out.append(x)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """func over the leaves of structures of one form, in that form.

    Args:
      func: takes a leaf of each structure.
      structure: nested lists, tuples, dicts.
      kwargs: TensorFlow's check_types and expand_composites, without effect.

    Raises:
      ValueError: the forms differ.

    Example:
      >>> nf.nest.map_structure(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20]})
      {'a': [11, 22]}
    """
    first = structure[0]
    if any(form(s) != form(first) for s in structure[1:]):
        raise ValueError("map_structure: the structures differ in form")
    return _mapped(func, structure)


def _mapped(func: Callable[..., Any], structures: tuple[Any, ...]) -> Any:
    first = structures[0]
    if isinstance(first, Mapping):
        return {k: _mapped(func, tuple(s[k] for s in structures)) for k in first}
    if _is_namedtuple(first):
        return type(first)(*(_mapped(func, v) for v in zip(*structures, strict=True)))
    if type(first) in (list, tuple):
        return type(first)(_mapped(func, v) for v in zip(*structures, strict=True))
    return func(*structures)


def pack_sequence_as(
    structure: Any, flat_sequence: list[Any], expand_composites: bool = False
) -> Any:
    """flat_sequence, in the form of structure.

    Raises:
      ValueError: the number of leaves differs.

    Example:
      >>> nf.nest.pack_sequence_as({"b": [1, (2,)], "a": 0}, [7, 8, 9])
      {'b': [8, (9,)], 'a': 7}
    """
    leaves = flatten(structure)
    if len(leaves) != len(flat_sequence):
        count = f"{len(leaves)} leaves, flat_sequence has {len(flat_sequence)}"
        raise ValueError(f"pack_sequence_as: the structure has {count}")
    it = iter(flat_sequence)

    def pack(x: Any) -> Any:
        if isinstance(x, Mapping):
            got = {k: pack(x[k]) for k in sorted(x)}
            return {k: got[k] for k in x}
        if _is_namedtuple(x):
            return type(x)(*(pack(v) for v in x))
        if type(x) in (list, tuple):
            return type(x)(pack(v) for v in x)
        return next(it)

    return pack(structure)


def form(structure: Any) -> Any:
    """A hashable value that is equal for structures of one form."""
    if isinstance(structure, Mapping):
        return ("dict", tuple((k, form(structure[k])) for k in sorted(structure)))
    if _is_namedtuple(structure):
        return (type(structure), *(form(v) for v in structure))
    if type(structure) in (list, tuple):
        return (type(structure).__name__, *(form(v) for v in structure))
    return None
