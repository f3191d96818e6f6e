"""Nested structures."""

from __future__ import annotations

from collections import namedtuple

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
    with pytest.raises(ValueError, match="differ in form"):
        nest.map_structure(lambda a, b: a, [1], [1, 2])
