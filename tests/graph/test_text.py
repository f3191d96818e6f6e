"""The text form: what is printed is read back as the same graph."""

from textwrap import dedent

import numpy as np
import pytest

from numflow import dtypes
from numflow.graph.graph import GraphBuilder
from numflow.graph.printing import array_text
from numflow.graph.reference import run_reference
from numflow.graph.spec import Spec
from numflow.graph.text import parse, to_text
from numflow.ops import creation, operators, state
from numflow.shapes import Dim

OPS = (creation, operators, state)  # imported, so that their ops have names

TEXTS = [
    """
    graph(%0: i64[2], %1: f32[n, 3])
      %2 = bind_sizes(%0, symbols=(?1, ?2))
      %3 = sizes(sizes=(max(?1, n), min(?2, 5)-1), shape=(2,), dtype=i64)
      %4 = broadcast_to(%1, shape=(?1, n, 3))
      return %3, %4
    """,
    """
    graph(%0: f32[2, 3, 5])
      %1 = transpose(%0, perm=(2, 0, 1))
      return %1
    """,
    """
    graph()
      %0 = constant(value=f64[](0.1))
      %1 = constant(value=bool[2, 1]([[True], [False]]))
      %2 = constant(value=f32[0, 3]([]))
      %3 = constant(value=f32[3]([nan, -inf, -0.0]))
      %4 = constant(value=c64[](1j))
      return %0, %1, %2, %3, %4
    """,
    """
    graph(%0: f32[rows, 3], %1: i64[], %2: bf16[2*rows+1])
      %3 = reshape(%0, shape=(3*rows,))
      %4 = sizes(sizes=(rows-1, (rows//2), (rows%2), 7), shape=(4,), dtype=i32)
      %5 = cast(%1, dtype=f16)
      return %3, %4, %5, %2
    """,
    """
    graph(%0: f32[x.0, 3])
      %1 = slice(%0, begin=(x.0-3, 0), stride=(1, 2), shape=(3, 2))
      return %1
    """,
    """
    graph(%0: f32[2])
      return
    """,
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_survives_parsing(text: str) -> None:
    """parse and print are inverses."""
    assert str(parse(text)) == dedent(text).strip()


def test_parsed_graphs_run() -> None:
    """Attributes are values, not texts."""
    graph = parse("""
        graph(%a: f32[n, 2])
          %b = constant(value=f32[2]([0.5, -2.0]))
          %c = multiply(%a, %b)   # train.py:31
          %d = reduce_sum(%c, axis=(1,), keepdims=False)
          return %d
    """)
    (got,) = run_reference(graph, [np.array([[1, 2], [3, 4], [5, 6]], np.float32)])
    assert got.tolist() == [-3.5, -6.5, -9.5]


def test_variables_go_by_their_names() -> None:
    """parse is given the variables that the text names."""

    class Variable:
        name, spec = "w", Spec((2,), dtypes.float32)

    w = Variable()
    text = "graph()\n  %0 = read(variable='w')\n  assign(%0, variable='w')\n  return %0"
    graph = parse(text, {"w": w})
    assert graph.nodes[0].attrs["variable"] is w
    assert str(graph) == text
    v = Variable()
    text = "graph()\n  %0 = read(variable='w')\n  %1 = read(variable='w#2')\n  return %0, %1"
    graph = parse(text, {"w": w, "w#2": v})
    assert [n.attrs["variable"] for n in graph.nodes] == [w, v]
    assert str(graph) == text


def test_values_are_numbered_in_order() -> None:
    """Names in the text do not matter; sizes print as sums of products."""
    n = Dim.symbol("n")
    builder = GraphBuilder()
    x = builder.add_input(Spec((n * n - 1, n // 2), dtypes.float64))
    assert str(builder.freeze([x])) == "graph(%0: f64[n*n-1, (n//2)])\n  return %0"


def test_large_arrays_are_shown_by_digest_and_not_read_back() -> None:
    """A digest tells two arrays apart, no more."""
    big = np.arange(17)
    text = array_text(big)
    assert text.startswith("i64[17](digest('") and text != array_text(big + 1)
    with pytest.raises(ValueError, match="an attribute that cannot be read back"):
        parse(f"graph()\n  %0 = constant(value={text})\n  return %0")


def test_lines_of_the_user_are_comments() -> None:
    """And comments do not count."""
    graph = parse("graph(%0: f32[2])\n  %1 = exp(%0)\n  return %1")
    with_lines = to_text(graph, lines=True)
    assert "%1 = exp(%0)  # test_text.py:" in with_lines
    assert str(parse(with_lines)) == str(graph)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "graph(%0: f32[2])\n  %1 = flip(%0)\n  return %1",
            "parse: no op is called flip\n  %1 = flip(%0)",
        ),
        (
            "graph(%0: f32[2])\n  %1 = exp(%2)\n  return %1",
            "parse: %2 is not defined before\n  %1 = exp(%2)",
        ),
        (
            "graph(%0: f32[2])\n  %1, %2 = exp(%0)\n  return %1",
            "parse: exp has 1 outputs\n  %1, %2 = exp(%0)",
        ),
        (
            "graph(%0: f32[2])\n  %1 = exp %0\n  return %1",
            "parse: not in the form of a node, see numflow/graph/text.py\n  %1 = exp %0",
        ),
        ("graph(%0: f32[2])\n  %1 = exp(%0)", "parse: the graph ends without `return`"),
        (
            "graph(%0: f33[2])\n  return %0",
            "parse: a type is written f32[2, batch]\n  graph(%0: f33[2])",
        ),
        (
            "graph()\n  %0 = read(variable='w')\n  return %0",
            "parse: no variable 'w' was given to parse\n  %0 = read(variable='w')",
        ),
    ],
)
def test_what_is_not_in_the_form_is_refused(text: str, message: str) -> None:
    """The message shows the line."""
    with pytest.raises(ValueError) as e:
        parse(text)
    assert str(e.value) == message
