"""Nested structures."""

from __future__ import annotations

import dataclasses
import types
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import pytest

from numflow import nest

Point = namedtuple("Point", "x y")


def test_flatten_and_pack() -> None:
    """Depth first, keys sorted, the form kept."""
    structure = {"b": [1, (2, None)], "a": Point(3, {})}
    assert nest.flatten(structure) == [3, 1, 2, None]
    packed = nest.pack_sequence_as(structure, [30, 10, 20, 0])
    assert packed == {"b": [10, (20, 0)], "a": Point(30, {})} and list(packed) == ["b", "a"]
    with pytest.raises(ValueError, match="the structure has 4 leaves, flat_sequence has 1"):
        nest.pack_sequence_as(structure, [1])


def test_map_structure() -> None:
    """Leaf by leaf over structures of one form."""
    assert nest.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    with pytest.raises(ValueError, match="More specifically: 1 elements against 2"):
        nest.map_structure(lambda a, b: a, [1], [1, 2])
    with pytest.raises(TypeError, match="list against tuple"):
        nest.map_structure(lambda a, b: a, [1], (1,))
    assert nest.map_structure(lambda a, b: a + b, [1], (2,), check_types=False) == [3]
    with pytest.raises(TypeError, match="func must be callable"):
        nest.map_structure(1, [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one structure"):
        nest.map_structure(lambda x: x)
    with pytest.raises(ValueError, match="takes check_types"):
        nest.map_structure(lambda x: x, [1], wrong=1)


def test_mappings_keep_their_type() -> None:
    ordered = OrderedDict([("b", 1), ("a", 2)])
    assert nest.map_structure(lambda x: x * 2, ordered) == OrderedDict([("b", 2), ("a", 4)])
    assert type(nest.pack_sequence_as(ordered, [5, 6])) is OrderedDict
    made = nest.map_structure(lambda x: x + 1, defaultdict(list, {"a": 1}))
    assert made == {"a": 2} and made["new"] == []


DIFFERENT: list[tuple[object, object, type[Exception], str]] = [
    ([1, 2], (1, 2), TypeError, "list against tuple"),
    ([1, [2]], [1, 2], ValueError, r"\[2\] is a container, 2 is not"),
    ([1], [1, 2], ValueError, "1 elements against 2"),
    ({"a": 1}, {"b": 1}, ValueError, r"keys \['a'\] against \['b'\]"),
    ({"a": 1}, [1], TypeError, "dict against list"),
    (1, [1], ValueError, r"\[1\] is a container, 1 is not"),
    (Point(1, 2), (1, 2), TypeError, "Point against tuple"),
]


@pytest.mark.parametrize(("x", "y", "kind", "text"), DIFFERENT)
def test_structures_that_differ(x: object, y: object, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"(?s)don't have the same nested structure.*: {text}"):
        nest.assert_same_structure(x, y)


def test_structures_of_one_form() -> None:
    """Dicts of any kind; named tuples of one name and fields; types only if asked for."""
    again = namedtuple("Point", "x y")  # type: ignore[name-match]
    nest.assert_same_structure({"a": [1, (2,)]}, OrderedDict(a=[None, ("x",)]))
    nest.assert_same_structure(Point(1, 2), again(3, 4))
    nest.assert_same_structure([1, (2,)], (1, [2]), check_types=False)


# --- containers of users ------------------------------------------------------


@dataclasses.dataclass
class Masked:
    """As TensorFlow has it: the mask is no component."""

    mask: bool
    value: Any

    def __tf_flatten__(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return (self.mask,), (self.value,)

    @classmethod
    def __tf_unflatten__(cls, metadata: Any, components: Any) -> Masked:
        return cls(metadata[0], components[0])


class Pair:
    """As attrs makes them."""

    __attrs_attrs__ = (types.SimpleNamespace(name="left"), types.SimpleNamespace(name="right"))

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right


def test_data_classes_and_attrs_are_containers() -> None:
    x = [Masked(True, [1, 2]), Pair(3, {"a": 4})]
    assert nest.flatten(x) == [1, 2, 3, 4]
    doubled, pair = nest.map_structure(lambda v: 2 * v, x)
    assert doubled == Masked(True, [2, 4]) and pair.left == 6 and pair.right == {"a": 8}
    packed, pair = nest.pack_sequence_as(x, [5, 6, 7, 8])
    assert packed == Masked(True, [5, 6]) and pair.left == 7 and pair.right == {"a": 8}
    assert nest.is_nested(x[0]) and nest.form(x[0]) != nest.form(Masked(False, [1, 2]))
    nest.assert_same_structure(x[0], Masked(False, [5, 6]))
    with pytest.raises(TypeError, match="Masked against Pair"):
        nest.assert_same_structure(x[0], x[1])
