"""The slow interpreter: symbols, checks of shapes, variables."""

from dataclasses import dataclass

import numpy as np
import pytest

from numflow import dtypes
from numflow.errors import ShapeError
from numflow.graph.reference import bind_symbols, run_reference
from numflow.graph.spec import Spec
from numflow.graph.text import parse
from numflow.ops import creation, operators, state
from numflow.shapes import Dim

OPS = (creation, operators, state)  # imported, so that their ops have names


@dataclass
class Variable:
    """What the ops of state.py ask of one."""

    name: str
    _array: np.ndarray

    @property
    def spec(self) -> Spec:
        return Spec(self._array.shape, dtypes.from_numpy(self._array.dtype))

    def _write(self, array: np.ndarray) -> None:
        self._array = array


def test_nodes_run_in_order() -> None:
    """Outputs are what NumPy gives, in the dtypes of the specs."""
    graph = parse("""
        graph(%0: f32[2, 3], %1: f32[3])
          %2 = multiply(%0, %1)
          %3 = reduce_sum(%2, axis=(1,), keepdims=False)
          return %3, %0
    """)
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([2, 3, 5], np.float32)
    total, same = run_reference(graph, [x, y])
    np.testing.assert_array_equal(total, (x * y).sum(1))
    assert total.dtype == np.float32
    np.testing.assert_array_equal(same, x)


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_symbolic_sizes_come_from_the_inputs(rows: int) -> None:
    """Attributes that hold sizes are evaluated with them."""
    graph = parse("""
        graph(%0: f64[rows, 3])
          %1 = reshape(%0, shape=(3*rows,))
          %2 = sizes(sizes=(2*rows+1, (rows//2)), shape=(2,), dtype=i64)
          %3 = iota(shape=(rows, 2), axis=0, dtype=i32)
          return %1, %2, %3
    """)
    flat, sizes, iota = run_reference(graph, [np.zeros((rows, 3))])
    assert flat.shape == (3 * rows,)
    assert sizes.tolist() == [2 * rows + 1, rows // 2]
    assert iota.tolist() == [[k, k] for k in range(rows)]


def test_inputs_that_disagree_on_a_symbol_are_refused() -> None:
    """The same symbol is the same size in all inputs."""
    graph = parse("""
        graph(%0: f32[n], %1: f32[n])
          %2 = add(%0, %1)
          return %2
    """)
    with pytest.raises(ShapeError) as e:
        run_reference(graph, [np.zeros(5, np.float32), np.zeros(7, np.float32)])
    assert str(e.value).startswith(
        "graph: axis 0 of an input has size 7, not 5\n  expected: float32 [n]\n  received: [7]"
    )


def test_an_input_of_another_rank_is_refused() -> None:
    """The rank is part of the graph."""
    with pytest.raises(ShapeError, match="an input has 2 axes, not 1"):
        bind_symbols([Spec((3,), dtypes.float32)], [(3, 1)])


def test_expressions_of_symbols_are_checked_not_bound() -> None:
    """n comes from the axis that is n; n + 1 must agree with it."""
    n = Dim.symbol("n")
    specs = [Spec((n + 1,), dtypes.float32), Spec((n,), dtypes.float32)]
    assert bind_symbols(specs, [(6,), (5,)]) == {"n": 5}
    with pytest.raises(ShapeError, match="axis 0 of an input has size 5, not 6"):
        bind_symbols(specs, [(5,), (5,)])


def test_variables_are_written_after_every_node_ran() -> None:
    """A read behind a write sees it; a step that fails leaves every variable as it was."""
    v = Variable("v", np.array([1.0, 2.0]))
    graph = parse(
        """
        graph(%0: f64[2])
          %1 = read(variable="v")
          %2 = add(%1, %0)
          assign(%2, variable="v")
          %3 = read(variable="v")
          return %1, %3
        """,
        {"v": v},
    )
    before, after = run_reference(graph, [np.array([10.0, 20.0])])
    assert (before.tolist(), after.tolist()) == ([1.0, 2.0], [11.0, 22.0])
    assert v._array.tolist() == [11.0, 22.0]

    failing = parse(
        """
        graph(%0: f64[2], %1: i32[])
          assign(%0, variable="v")
          %2 = checked_divisor(%1, op="floordiv")
          return %2
        """,
        {"v": v},
    )
    with pytest.raises(Exception, match="integer division by zero"):
        run_reference(failing, [np.zeros(2), np.array(0, np.int32)])
    assert v._array.tolist() == [11.0, 22.0]


def test_sizes_that_depend_on_values_are_bound_on_the_way() -> None:
    """What a bind_sizes took is what its symbols are from there on."""
    graph = parse(
        """
        graph(%0: i64[2], %1: f32[])
          %2 = bind_sizes(%0, symbols=(?1, ?2))
          %3 = broadcast_to(%1, shape=(?1, ?2+1))
          return %3
        """
    )
    (got,) = run_reference(graph, [np.array([2, 3]), np.array(5.0, np.float32)])
    assert got.shape == (2, 4)
