"""Dead code: outputs and effects are the roots."""

from textwrap import dedent
from types import SimpleNamespace

from numflow import dtypes
from numflow.graph.spec import Spec
from numflow.graph.text import parse
from numflow.ops import operators, state
from numflow.passes.dead_code import dead_code

OPS = (operators, state)  # imported, so that their ops have names


def _variables() -> dict[str, SimpleNamespace]:
    return {n: SimpleNamespace(name=n, spec=Spec((2,), dtypes.float32)) for n in ("v", "w")}


def test_what_no_output_needs_goes() -> None:
    """Inputs stay: they are the signature."""
    before = """
        graph(%0: f32[2], %1: f32[2])
          %2 = exp(%0)
          %3 = tanh(%0)
          %4 = negative(%2)
          return %3
    """
    after = """
        graph(%0: f32[2], %1: f32[2])
          %2 = tanh(%0)
          return %2
    """
    assert str(dead_code(parse(before))) == dedent(after).strip()


def test_writes_stay_with_what_they_need_and_unused_reads_go() -> None:
    """A write is an effect, a read is none."""
    before = """
        graph(%0: f32[2])
          %1 = read(variable='v')
          %2 = read(variable='w')
          %3 = add(%1, %0)
          assign(%3, variable='v')
          return
    """
    after = """
        graph(%0: f32[2])
          %1 = read(variable='v')
          %2 = add(%1, %0)
          assign(%2, variable='v')
          return
    """
    assert str(dead_code(parse(before, _variables()))) == dedent(after).strip()


def test_of_two_writes_to_a_variable_the_last_stays() -> None:
    """Unless it is read between them."""
    before = """
        graph(%0: f32[2])
          %1 = exp(%0)
          assign(%1, variable='v')
          assign(%1, variable='w')
          %2 = read(variable='w')
          assign(%0, variable='v')
          assign(%0, variable='w')
          return %2
    """
    after = """
        graph(%0: f32[2])
          %1 = exp(%0)
          assign(%1, variable='w')
          %2 = read(variable='w')
          assign(%0, variable='v')
          assign(%0, variable='w')
          return %2
    """
    assert str(dead_code(parse(before, _variables()))) == dedent(after).strip()


def test_control_inputs_stay() -> None:
    """What a live node waits for is alive."""
    text = """
        graph(%0: f32[2])
          %1 = exp(%0)
          %2 = tanh(%0, _after=(0,))
          return %2
    """
    assert str(dead_code(parse(text))) == dedent(text).strip()
