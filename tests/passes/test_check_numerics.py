"""A check behind every node that computes floats, and those that another one implies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.reference import run_reference
from numflow.graph.verify import verify
from numflow.passes.check_numerics import check_numerics
from numflow.passes.messages import without_messages


def _graph(function: Any) -> Any:
    return nf.function(function).get_concrete_function(nf.TensorSpec([3])).graph


def _checked(graph: Any) -> list[tuple[str, bool]]:
    found = [n.attrs["origin"] for n in graph.nodes if n.op.name == "finite"]
    return [(origin.op, origin.implied) for origin in found]


def test_what_spreads_is_looked_at_once() -> None:
    """exp(-inf) is 0, and 1 / inf too: those are looked at where they are."""
    graph = check_numerics(_graph(lambda x: nf.exp(x * 2.0 + 1.0) / (x - 1.0) + x))
    verify(graph)
    assert _checked(graph) == [
        ("multiply", True),
        ("add", False),
        ("exp", True),
        ("subtract", False),
        ("divide", True),
        ("add", False),
    ]
    lean = without_messages(graph)
    verify(lean)
    assert _checked(lean) == [("add", False), ("subtract", False), ("add", False)]


def test_through_views() -> None:
    """A reshape keeps all elements; a slice does not."""
    whole = check_numerics(_graph(lambda x: nf.reduce_sum(nf.reshape(nf.exp(x), [3, 1]))))
    assert _checked(whole) == [("exp", True), ("reduce_sum", False)]
    part = check_numerics(_graph(lambda x: nf.exp(x)[:2] + 1.0))
    assert _checked(part)[0] == ("exp", False)


def test_moving_choosing_and_integers_are_not_looked_at() -> None:
    graph = _graph(lambda x: nf.where(nf.math.is_nan(x), 0.0, nf.concat([x], 0)))
    assert check_numerics(graph).nodes == graph.nodes


def test_the_references_refuse_the_first() -> None:
    graph = check_numerics(_graph(lambda x: nf.exp(1.0 / x) + 1.0))
    values = np.array([1.0, 2.0, 4.0], np.float32)
    np.testing.assert_allclose(run_reference(graph, [values])[0], np.exp(1 / values) + 1, 1e-6)
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"of graph op .(divide|reciprocal)"):
        run_reference(graph, [values - 1.0])
