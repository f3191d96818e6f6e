"""Drawings of layered graphs: rows, room, and edges that bend."""

from numflow.explain.layers import Key, draw, ranks

EDGES = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")]


def test_a_rank_is_the_longest_way() -> None:
    assert ranks("abcd", EDGES) == {"a": 0, "b": 1, "c": 1, "d": 2}
    assert ranks("", []) == {}


def test_boxes_of_a_rank_do_not_overlap() -> None:
    widths: dict[Key, float] = {"a": 50.0, "b": 70.0, "c": 30.0, "d": 20.0}
    drawing = draw(widths, ranks("abcd", EDGES), EDGES)
    left, right = sorted("bc", key=lambda k: drawing.center[k])
    space = drawing.center[right] - drawing.center[left]
    assert space >= (widths[left] + widths[right]) / 2
    for k, width in widths.items():
        assert width / 2 - 1e-6 <= drawing.center[k] <= drawing.width - width / 2 + 1e-6


def test_a_long_edge_bends_in_each_rank_between() -> None:
    drawing = draw(dict.fromkeys("abcd", 40.0), ranks("abcd", EDGES), EDGES)
    assert len(drawing.routes["a", "d"]) == 3
    assert len(drawing.routes["a", "b"]) == 2


def test_a_single_box() -> None:
    drawing = draw({"a": 40.0}, {"a": 0}, [])
    assert drawing.center["a"] == 20.0 and drawing.width == 40.0
