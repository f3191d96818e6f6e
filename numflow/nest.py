"""Nested structures: lists, tuples, named tuples and dicts (keys sorted); all else is a leaf.

Classes of users are containers too if they say what is in them: those made by attrs, and data
classes with TensorFlow's __tf_flatten__ and __tf_unflatten__.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any


def _is_namedtuple(x: object) -> bool:
    return isinstance(x, tuple) and hasattr(x, "_fields")


_opens: dict[type, bool] = {}  # of classes that were met: whether users made containers of them


def components(x: object) -> tuple[Any, tuple[Any, ...]] | None:
    """(what it keeps besides, its components) of a user's container; None for all else."""
    kind = type(x)
    opens = _opens.get(kind)
    if opens is None:
        attributes = getattr(kind, "__attrs_attrs__", None) is not None
        flattens = hasattr(kind, "__tf_flatten__") and hasattr(kind, "__dataclass_fields__")
        if len(_opens) >= 4096:
            _opens.clear()
        opens = _opens[kind] = attributes or flattens
    if not opens:
        return None
    if hasattr(kind, "__tf_flatten__"):
        kept, parts = x.__tf_flatten__()  # type: ignore[attr-defined]
        return kept, tuple(parts)
    names = kind.__attrs_attrs__  # type: ignore[attr-defined]
    return None, tuple(getattr(x, a.name) for a in names)


def _made(like: Any, kept: Any, parts: Any) -> Any:
    """A user's container of other components."""
    if hasattr(like, "__tf_unflatten__"):
        return type(like).__tf_unflatten__(kept, tuple(parts))
    return type(like)(*parts)


def is_nested(seq: object) -> bool:
    """Whether seq is a container that flatten looks into.

    Example:
      >>> nf.nest.is_nested([1, 2]), nf.nest.is_nested(nf.constant([1, 2]))
      (True, False)
    """
    if type(seq) in (list, tuple, dict) or _is_namedtuple(seq) or isinstance(seq, Mapping):
        return True
    return components(seq) is not None


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
        opened = components(x)
        if opened is None:
            out.append(x)
        else:
            for v in opened[1]:
                _flatten(v, out)


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises unless two structures have one form.

    Args:
      nest1, nest2: nested lists, tuples, dicts.
      check_types: containers are of one type too; else a list does for a tuple.
      expand_composites: without effect.

    Raises:
      ValueError: the forms differ: other lengths or keys, or a leaf beside a container.
      TypeError: the types of two containers differ.

    Example:
      >>> nf.nest.assert_same_structure([1, (2,)], [3, (4,)])
    """
    fault = _difference(nest1, nest2, check_types)
    if fault is not None:
        kind, what = fault
        shown = (
            f"First structure: type={type(nest1).__name__} str={str(nest1)[:200]}\n\n"
            f"Second structure: type={type(nest2).__name__} str={str(nest2)[:200]}"
        )
        raise kind(
            f"The two structures don't have the same nested structure.\n\n{shown}\n\n"
            f"More specifically: {what}"
        )


def _difference(x: Any, y: Any, check_types: bool) -> tuple[type[Exception], str] | None:
    """What is unlike in the forms of x and y, and the exception for it; None: nothing."""
    if is_nested(x) is not is_nested(y):
        inner, outer = (x, y) if is_nested(x) else (y, x)
        return ValueError, f"{str(inner)[:100]} is a container, {str(outer)[:100]} is not"
    if not is_nested(x):
        return None
    if isinstance(x, Mapping) is not isinstance(y, Mapping) or (check_types and _unlike(x, y)):
        return TypeError, f"{type(x).__name__} against {type(y).__name__}"
    if isinstance(x, Mapping):
        if set(x) != set(y):
            return ValueError, f"keys {sorted(x)} against {sorted(y)}"
        pairs: Any = ((x[k], y[k]) for k in x)
    elif components(x) is not None or components(y) is not None:
        if type(x) is not type(y):
            return TypeError, f"{type(x).__name__} against {type(y).__name__}"
        of_x, of_y = components(x), components(y)
        assert of_x is not None and of_y is not None
        if len(of_x[1]) != len(of_y[1]):
            return ValueError, f"{len(of_x[1])} components against {len(of_y[1])}"
        pairs = zip(of_x[1], of_y[1], strict=True)
    elif len(x) != len(y):
        return ValueError, f"{len(x)} elements against {len(y)}"
    else:
        pairs = zip(x, y, strict=True)
    faults = (_difference(a, b, check_types) for a, b in pairs)
    return next((f for f in faults if f is not None), None)


def _unlike(x: Any, y: Any) -> bool:
    """Whether two containers are of different types; dicts of all kinds are alike."""
    if isinstance(x, Mapping):
        return False
    if _is_namedtuple(x) and _is_namedtuple(y):
        return bool(type(x).__name__ != type(y).__name__ or x._fields != y._fields)
    return type(x) is not type(y)


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """func over the leaves of structures of one form, in that form.

    Args:
      func: takes a leaf of each structure.
      structure: nested lists, tuples, dicts.
      kwargs: check_types, as in assert_same_structure; expand_composites, without effect.

    Raises:
      ValueError: the forms differ, or there is no structure.
      TypeError: func is not callable, or the types of containers differ.

    Example:
      >>> nf.nest.map_structure(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20]})
      {'a': [11, 22]}
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func!r}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    kwargs.pop("expand_composites", None)
    if kwargs:
        raise ValueError(f"map_structure takes check_types and expand_composites, not {kwargs}")
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types)
    return _mapped(func, structure)


def _mapped(func: Callable[..., Any], structures: tuple[Any, ...]) -> Any:
    first = structures[0]
    if isinstance(first, Mapping):
        return _like(first, {k: _mapped(func, tuple(s[k] for s in structures)) for k in first})
    if _is_namedtuple(first):
        return type(first)(*(_mapped(func, v) for v in zip(*structures, strict=True)))
    if type(first) in (list, tuple):
        return type(first)(_mapped(func, v) for v in zip(*structures, strict=True))
    opened = [components(s) for s in structures]
    if opened[0] is not None:
        parts = zip(*(o[1] for o in opened if o is not None), strict=True)
        return _made(first, opened[0][0], [_mapped(func, v) for v in parts])
    return func(*structures)


def _like(mapping: Any, items: dict[Any, Any]) -> Any:
    """items in a mapping of the same type: an OrderedDict, a defaultdict with its factory."""
    if type(mapping) is dict or not isinstance(mapping, MutableMapping):
        return items
    import copy  # a part of a millisecond of `import numflow`

    made = copy.copy(mapping)
    made.update(items)
    return made


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
    return _packed(structure, iter(flat_sequence))


def _packed(x: Any, leaves: Iterator[Any]) -> Any:
    """The next leaves, in the form of x. (A function inside `pack_sequence_as` that calls itself
    would be a cycle, and keep the leaves, large arrays often, until garbage is collected.)"""
    if isinstance(x, Mapping):
        got = {k: _packed(x[k], leaves) for k in sorted(x)}
        return _like(x, {k: got[k] for k in x})
    if _is_namedtuple(x):
        return type(x)(*(_packed(v, leaves) for v in x))
    if type(x) in (list, tuple):
        return type(x)(_packed(v, leaves) for v in x)
    opened = components(x)
    if opened is not None:
        return _made(x, opened[0], [_packed(v, leaves) for v in opened[1]])
    return next(leaves)


def form(structure: Any) -> Any:
    """A hashable value that is equal for structures of one form."""
    if isinstance(structure, Mapping):
        return ("dict", tuple((k, form(structure[k])) for k in sorted(structure)))
    if _is_namedtuple(structure):
        return (type(structure), *(form(v) for v in structure))
    if type(structure) in (list, tuple):
        return (type(structure).__name__, *(form(v) for v in structure))
    opened = components(structure)
    if opened is not None:
        kept, parts = opened
        return (type(structure), repr(kept), *(form(v) for v in parts))
    return None
