"""The table of rewriting rules, text in, text out; each keeps nan, inf and signed zeros."""

import itertools
from textwrap import dedent

import numpy as np
import pytest

from numflow.graph.reference import run_reference
from numflow.graph.text import parse
from numflow.graph.verify import verify
from numflow.ops import operators
from numflow.passes.dead_code import dead_code
from numflow.passes.simplify import simplify

OPS = (operators,)  # imported, so that its ops have names

SPECIAL = [0.0, -0.0, 1.0, -2.5, 1e-45, np.inf, -np.inf, np.nan]


def _simple(text: str) -> str:
    graph = dead_code(simplify(parse(text)))
    verify(graph)
    return str(graph)


def _body(text: str) -> str:
    """The graph of two float32 vectors x and y with these nodes."""
    lines = "".join(f"  {line.strip()}\n" for line in text.strip().split(";"))
    return f"graph(%x: f32[n], %y: f32[n])\n{lines}"


def _constant(value: str) -> str:
    return f"%c = constant(value=f32[]({value}))"


EXACT = {
    "x + -0.0": (f"{_constant('-0.0')}; %1 = add(%x, %c); return %1", "return %x"),
    "-0.0 + x": (f"{_constant('-0.0')}; %1 = add(%c, %x); return %1", "return %x"),
    "x - 0": (f"{_constant('0.0')}; %1 = subtract(%x, %c); return %1", "return %x"),
    "x * 1": (f"{_constant('1.0')}; %1 = multiply(%x, %c); return %1", "return %x"),
    "1 * x": (f"{_constant('1.0')}; %1 = multiply(%c, %x); return %1", "return %x"),
    "x / 1": (f"{_constant('1.0')}; %1 = divide(%x, %c); return %1", "return %x"),
    "x / 4": (
        f"{_constant('4.0')}; %1 = divide(%x, %c); return %1",
        f"{_constant('0.25')}; %1 = multiply(%x, %c); return %1",
    ),
    "x + -y": (
        "%1 = negative(%y); %2 = add(%x, %1); return %2",
        "%1 = subtract(%x, %y); return %1",
    ),
    "-x + y": (
        "%1 = negative(%x); %2 = add(%1, %y); return %2",
        "%1 = subtract(%y, %x); return %1",
    ),
    "x - -y": (
        "%1 = negative(%y); %2 = subtract(%x, %1); return %2",
        "%1 = add(%x, %y); return %1",
    ),
    "--x": ("%1 = negative(%x); %2 = negative(%1); return %2", "return %x"),
    "-x * -y": (
        "%1 = negative(%x); %2 = negative(%y); %3 = multiply(%1, %2); return %3",
        "%1 = multiply(%x, %y); return %1",
    ),
    "-x * c": (
        f"%1 = negative(%x); {_constant('3.0')}; %2 = multiply(%c, %1); return %2",
        f"{_constant('-3.0')}; %2 = multiply(%x, %c); return %2",
    ),
    "-(x * c)": (
        f"{_constant('3.0')}; %1 = multiply(%x, %c); %2 = negative(%1); return %2",
        f"{_constant('-3.0')}; %2 = multiply(%x, %c); return %2",
    ),
    "where(c, x, x)": (
        "%1 = less(%x, %y); %2 = where(%1, %x, %x); return %2",
        "return %x",
    ),
    "not not c": (
        "%1 = less(%x, %y); %2 = logical_not(%1); %3 = logical_not(%2); return %3",
        "%1 = less(%x, %y); return %1",
    ),
    "identity": ("%1 = identity(%x); %2 = stop_gradient(%1); return %2", "return %x"),
    "there and back": (
        "%1 = cast(%x, dtype=f64); %2 = cast(%1, dtype=f32); return %2",
        "return %x",
    ),
    "by way of a wider type": (
        "%1 = cast(%x, dtype=f64); %2 = cast(%1, dtype=f16); return %2",
        "%1 = cast(%x, dtype=f16); return %1",
    ),
    "broadcast constant": (
        f"{_constant('3.0')}; %1 = broadcast_to(%c, shape=(n,)); %2 = add(%x, %1); return %2",
        f"{_constant('3.0')}; %1 = add(%x, %c); return %1",
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_arithmetic(name: str) -> None:
    """The expected form, and the same bits for every pair of special values."""
    before, after = (_body(text) for text in EXACT[name])
    got = _simple(before)
    assert got == str(parse(after))
    x, y = np.array(list(itertools.product(SPECIAL, SPECIAL)), np.float32).T
    want, have = run_reference(parse(before), [x, y]), run_reference(parse(got), [x, y])
    np.testing.assert_array_equal(want[0], have[0])
    ordered = ~np.isnan(want[0]) if want[0].dtype.kind == "f" else np.array(True)
    np.testing.assert_array_equal(
        np.signbit(want[0] * 1.0)[ordered], np.signbit(have[0] * 1.0)[ordered]
    )


@pytest.mark.parametrize(
    "text",
    [
        f"{_constant('0.0')}; %1 = add(%x, %c); return %1",
        f"{_constant('-0.0')}; %1 = subtract(%x, %c); return %1",
        f"{_constant('0.0')}; %1 = multiply(%x, %c); return %1",
        f"{_constant('3.0')}; %1 = divide(%x, %c); return %1",
        f"{_constant('1e-40')}; %1 = divide(%x, %c); return %1",
        "%1 = subtract(%x, %y); %2 = negative(%1); return %2",
        "%1 = cast(%x, dtype=f16); %2 = cast(%1, dtype=f32); return %2",
        "%1 = cast(%x, dtype=i64); %2 = cast(%1, dtype=f32); return %2",
    ],
)
def test_what_would_change_a_value_stays(text: str) -> None:
    """0 turns -0.0 into 0.0, 0 * inf is nan, a narrow type rounds."""
    assert _simple(_body(text)) == str(parse(_body(text)))


INTEGERS = {
    "x + 0": ("%1 = constant(value=i32[](0))", "%2 = add(%0, %1)", "return %0"),
    "x * 0": (
        "%1 = constant(value=i32[](0))",
        "%2 = multiply(%0, %1)",
        "%1 = constant(value=i32[](0))\n  %2 = broadcast_to(%1, shape=(n,))\n  return %2",
    ),
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integers(name: str) -> None:
    """They have neither signed zeros nor nan."""
    constant, node, after = INTEGERS[name]
    before = f"graph(%0: i32[n])\n  {constant}\n  {node}\n  return %2"
    assert _simple(before) == f"graph(%0: i32[n])\n  {after}"


VIEWS = {
    "reshape of reshape": (
        """
        graph(%0: f32[n, 3])
          %1 = reshape(%0, shape=(3*n,))
          %2 = reshape(%1, shape=(n, 1, 3))
          %3 = reshape(%2, shape=(n, 3))
          return %2, %3
        """,
        """
        graph(%0: f32[n, 3])
          %1 = reshape(%0, shape=(n, 1, 3))
          return %1, %0
        """,
    ),
    "transpose of transpose": (
        """
        graph(%0: f32[2, 3, 5])
          %1 = transpose(%0, perm=(2, 0, 1))
          %2 = transpose(%1, perm=(1, 0, 2))
          %3 = transpose(%1, perm=(1, 2, 0))
          return %2, %3
        """,
        """
        graph(%0: f32[2, 3, 5])
          %1 = transpose(%0, perm=(0, 2, 1))
          return %1, %0
        """,
    ),
    "transpose of axes of size 1": (
        """
        graph(%0: f32[2, 1, 5])
          %1 = transpose(%0, perm=(1, 0, 2))
          return %1
        """,
        """
        graph(%0: f32[2, 1, 5])
          %1 = reshape(%0, shape=(1, 2, 5))
          return %1
        """,
    ),
    "broadcast of broadcast": (
        """
        graph(%0: f32[3])
          %1 = broadcast_to(%0, shape=(1, 3))
          %2 = broadcast_to(%1, shape=(2, 5, 3))
          return %2
        """,
        """
        graph(%0: f32[3])
          %1 = broadcast_to(%0, shape=(2, 5, 3))
          return %1
        """,
    ),
    "view of one element": (
        """
        graph(%0: f32[1])
          %1 = broadcast_to(%0, shape=(2, 3))
          %2 = transpose(%1, perm=(1, 0))
          %3 = reshape(%2, shape=(6,))
          return %3
        """,
        """
        graph(%0: f32[1])
          %1 = reshape(%0, shape=())
          %2 = broadcast_to(%1, shape=(6,))
          return %2
        """,
    ),
    "the whole": (
        """
        graph(%0: f32[2, 3])
          %1 = slice(%0, begin=(0, 0), stride=(1, 1), shape=(2, 3))
          %2 = concat(%1, axis=0)
          %3 = broadcast_to(%2, shape=(2, 3))
          return %3
        """,
        """
        graph(%0: f32[2, 3])
          return %0
        """,
    ),
    "a part of a part": (
        """
        graph(%0: f32[11, 3])
          %1 = slice(%0, begin=(9, 0), stride=(-2, 1), shape=(4, 3))
          %2 = slice(%1, begin=(1, 1), stride=(2, 1), shape=(2, 2))
          return %2
        """,
        """
        graph(%0: f32[11, 3])
          %1 = slice(%0, begin=(7, 1), stride=(-4, 1), shape=(2, 2))
          return %1
        """,
    ),
    "turned round, and back": (
        """
        graph(%0: f32[n, 3])
          %1 = slice(%0, begin=(n - 1, 0), stride=(-1, 1), shape=(n, 3))
          %2 = slice(%1, begin=(n - 1, 0), stride=(-1, 1), shape=(n, 3))
          %3 = unslice(%2, begin=(n - 1, 0), stride=(-1, 1), shape=(n, 3))
          %4 = unslice(%3, begin=(n - 1, 0), stride=(-1, 1), shape=(n, 3))
          return %4
        """,
        """
        graph(%0: f32[n, 3])
          return %0
        """,
    ),
    "a part of unknown size says whether there is enough": (
        """
        graph(%0: f32[n, 3])
          %1 = slice(%0, begin=(2, 0), stride=(1, 1), shape=(5, 3))
          %2 = slice(%1, begin=(0, 0), stride=(1, 1), shape=(2, 3))
          return %2
        """,
        """
        graph(%0: f32[n, 3])
          %1 = slice(%0, begin=(2, 0), stride=(1, 1), shape=(5, 3))
          %2 = slice(%1, begin=(0, 0), stride=(1, 1), shape=(2, 3))
          return %2
        """,
    ),
    "an operand still gives the shape": (
        """
        graph(%0: f32[n, 3], %1: f32[3], %2: f32[n, 1])
          %3 = broadcast_to(%1, shape=(n, 3))
          %4 = broadcast_to(%2, shape=(n, 3))
          %5 = multiply(%3, %4)
          return %5
        """,
        """
        graph(%0: f32[n, 3], %1: f32[3], %2: f32[n, 1])
          %3 = multiply(%1, %2)
          return %3
        """,
    ),
    "computed before it is repeated": (
        """
        graph(%0: f32[3])
          %1 = broadcast_to(%0, shape=(5, 3))
          %2 = exp(%1)
          %3 = multiply(%2, %1)
          return %3
        """,
        """
        graph(%0: f32[3])
          %1 = exp(%0)
          %2 = multiply(%1, %0)
          %3 = broadcast_to(%2, shape=(5, 3))
          return %3
        """,
    ),
    "fold over axes of size 1": (
        """
        graph(%0: f32[n, 1, 3])
          %1 = reduce_sum(%0, axis=(1,), keepdims=False)
          %2 = reduce_max(%0, axis=(1,), keepdims=True)
          %3 = reduce_prod(%0, axis=(), keepdims=False)
          return %1, %2, %3
        """,
        """
        graph(%0: f32[n, 1, 3])
          %1 = reshape(%0, shape=(n, 3))
          return %1, %0, %0
        """,
    ),
    "sum of what is repeated": (
        """
        graph(%0: f32[n, 1, 3])
          %1 = broadcast_to(%0, shape=(2, n, 5, 3))
          %2 = reduce_sum(%1, axis=(0, 2, 3), keepdims=False)
          return %2
        """,
        """
        graph(%0: f32[n, 1, 3])
          %1 = reduce_sum(%0, axis=(2,), keepdims=True)
          %2 = constant(value=f32[](10.0))
          %3 = multiply(%1, %2)
          %4 = reshape(%3, shape=(n,))
          return %4
        """,
    ),
    "sum of what is repeated an unknown number of times": (
        """
        graph(%0: f32[3], %1: f32[n])
          %2 = broadcast_to(%0, shape=(n, 3))
          %3 = reduce_sum(%2, axis=(0,), keepdims=False)
          return %3
        """,
        """
        graph(%0: f32[3], %1: f32[n])
          %2 = broadcast_to(%0, shape=(n, 3))
          %3 = reduce_sum(%2, axis=(0,), keepdims=False)
          return %3
        """,
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str) -> None:
    """What only moves or repeats elements is done once, or not at all."""
    before, after = VIEWS[name]
    assert _simple(before) == dedent(after).strip()


PRODUCTS = {
    "transposes are read": (
        """
        graph(%0: f32[7, 70], %1: f32[11, 70])
          %2 = transpose(%1, perm=(1, 0))
          %3 = matmul(%0, %2, transpose_a=False, transpose_b=False)
          return %3
        """,
        """
        graph(%0: f32[7, 70], %1: f32[11, 70])
          %2 = matmul(%0, %1, transpose_a=False, transpose_b=True)
          return %2
        """,
    ),
    "over one column": (
        """
        graph(%0: f32[n, 1], %1: f32[10, 1])
          %2 = matmul(%0, %1, transpose_a=False, transpose_b=True)
          return %2
        """,
        """
        graph(%0: f32[n, 1], %1: f32[10, 1])
          %2 = reshape(%1, shape=(1, 10))
          %3 = multiply(%0, %2)
          return %3
        """,
    ),
    "one column": (
        """
        graph(%0: f32[n, 10], %1: f32[10, 1])
          %2 = matmul(%0, %1, transpose_a=False, transpose_b=False)
          return %2
        """,
        """
        graph(%0: f32[n, 10], %1: f32[10, 1])
          %2 = reshape(%1, shape=(1, 10))
          %3 = multiply(%0, %2)
          %4 = reduce_sum(%3, axis=(1,), keepdims=True)
          return %4
        """,
    ),
    "one row": (
        """
        graph(%0: f32[10, 1], %1: f32[n, 10])
          %2 = matmul(%0, %1, transpose_a=True, transpose_b=True)
          return %2
        """,
        """
        graph(%0: f32[10, 1], %1: f32[n, 10])
          %2 = reshape(%0, shape=(1, 10))
          %3 = multiply(%1, %2)
          %4 = reduce_sum(%3, axis=(1,), keepdims=True)
          %5 = reshape(%4, shape=(1, n))
          return %5
        """,
    ),
    "a long sum along the rows stays, down the rows it reads memory in order": (
        """
        graph(%0: f32[n, 65], %1: f32[65, 1])
          %2 = matmul(%0, %1, transpose_a=False, transpose_b=False)
          %3 = matmul(%0, %2, transpose_a=True, transpose_b=False)
          return %3
        """,
        """
        graph(%0: f32[n, 65], %1: f32[65, 1])
          %2 = matmul(%0, %1, transpose_a=False, transpose_b=False)
          %3 = multiply(%0, %2)
          %4 = reduce_sum(%3, axis=(0,), keepdims=True)
          %5 = reshape(%4, shape=(65, 1))
          return %5
        """,
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    """Thin ones become sums and products that fuse."""
    before, after = PRODUCTS[name]
    assert _simple(before) == dedent(after).strip()


@pytest.mark.parametrize("flip_a", [False, True])
@pytest.mark.parametrize("flip_b", [False, True])
@pytest.mark.parametrize(("m", "k", "n"), [(5, 1, 3), (5, 7, 1), (1, 7, 3), (1, 1, 1), (1, 7, 1)])
@pytest.mark.parametrize("batch", ["", "2, "])
def test_thin_products_keep_their_values(
    m: int, k: int, n: int, flip_a: bool, flip_b: bool, batch: str
) -> None:
    """Whichever side is thin, transposed or not, in batches or not."""
    a, b = [k, m] if flip_a else [m, k], [n, k] if flip_b else [k, n]
    text = f"""
        graph(%0: f64[{batch}{a[0]}, {a[1]}], %1: f64[{b[0]}, {b[1]}])
          %2 = matmul(%0, %1, transpose_a={flip_a}, transpose_b={flip_b})
          return %2
    """
    simple = _simple(text)
    assert "matmul" not in simple
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=[*([2] if batch else []), *a]), rng.normal(size=b)]
    (want,), (got,) = run_reference(parse(text), arrays), run_reference(parse(simple), arrays)
    np.testing.assert_allclose(got, want, rtol=1e-12)
