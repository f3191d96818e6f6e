"""Programs in segments: drawn at random, compiled as eager; what a segment keeps for later ones."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.codegen.program import emit
from numflow.codegen.segments import segments
from numflow.codegen.steps import BindStep
from numflow.graph.graph import bind_op, bound_symbols, named_symbols
from numflow.graph.text import parse
from numflow.passes.levels import levels
from numflow.passes.pipeline import run_passes
from numflow.runtime.plan import MOST_FOLLOWING


def drawn(seed: int, variable: nf.Variable) -> Any:
    """A function of x[n, 3] that chooses, repeats and joins rows, and updates the variable."""

    def run(x: Any) -> Any:
        draw = random.Random(seed)
        with nf.GradientTape() as tape:
            tape.watch(x)
            rows, numbers = [x], [nf.reduce_sum(x)]
            for _ in range(draw.randint(4, 10)):
                y, s = draw.choice(rows[-3:]), draw.choice(numbers[-2:])
                kind = draw.randrange(10)
                if kind < 2:
                    rows.append(nf.boolean_mask(y, y[:, 0] > nf.tanh(s) / 2))
                elif kind == 2:
                    rows.append(nf.tanh(y) * 2.0 - s / 10.0)
                elif kind == 3:
                    n = nf.cast(nf.maximum(nf.shape(y)[0], 1), y.dtype)
                    numbers.append(nf.reduce_sum(y) / n)
                elif kind == 4:
                    rows.append(nf.concat([y, draw.choice(rows[-2:])], 0))
                elif kind == 5:
                    rows.append(y[draw.choice((np.s_[:-1], np.s_[1:], np.s_[::-2], np.s_[:3]))])
                elif kind == 6:
                    rows.append(nf.gather(y, nf.where(y[:, 1] > 0)[:, 0]))
                elif kind == 7:
                    rows.append(nf.tile(y, [nf.cast(nf.abs(nf.tanh(s)) * 3.0, nf.int32), 1]))
                elif kind == 8:
                    variable.assign_add(nf.tanh(s))
                    numbers.append(variable * 0.5)
                else:
                    rows.append(y @ nf.matmul(y, nf.tanh(y), transpose_a=True) / 10.0)
            loss = nf.reduce_sum(rows[-1] ** 2) + numbers[-1]
        return rows[-1], loss, nf.shape(rows[-1]), tape.gradient(loss, x)

    return run


@pytest.mark.parametrize("seed", range(40))
def test_drawn_programs_are_as_eager(seed: int) -> None:
    """Values, shapes, gradients, what becomes of a variable; of several sizes, and of nothing."""
    eager, compiled = (nf.Variable(0.25, dtype=nf.float64) for _ in range(2))
    run, fast = drawn(seed, eager), nf.function(drawn(seed, compiled))
    rng = np.random.default_rng(seed)
    for n in (7, 5, 7, 0, 11, 1):
        x = nf.constant(rng.standard_normal((n, 3)))
        for a, b in zip(fast(x), run(x), strict=True):
            if a is None or b is None:
                assert a is b
                continue
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, 1e-9, 1e-9)
        np.testing.assert_allclose(compiled.numpy(), eager.numpy(), 1e-9)


GRAPH = """
    graph(%0: f32[n, 3], %1: i64[], %2: i64[2])
      %3 = bind_sizes(%1, symbols=(?1,))
      %4 = sizes(sizes=(?1+1,), shape=(1,), dtype=i64)
      %5 = bind_sizes(%4, symbols=(?2,))
      %6 = bind_sizes(%2, symbols=(?3, ?4))
      %7 = iota(shape=(?3, max(?1, ?2)), axis=0, dtype=f32)
      %8 = exp(%0)
      %9 = reduce_sum(%7, axis=(0, 1), keepdims=False)
      %10 = multiply(%8, %9)
      return %10, %7
"""


def test_levels_count_the_binds_that_a_node_waits_for() -> None:
    """Through inputs, through symbols, and through what symbols became."""
    graph = parse(GRAPH)
    found = [levels(graph)[n] for n in graph.nodes]
    assert found == [0, 1, 1, 0, 2, 0, 2, 2]
    assert levels(parse("graph(%0: f32[n])\n  %1 = exp(%0)\n  return %1")) == {}


def test_a_program_is_cut_behind_the_binds_of_each_level() -> None:
    """Three segments; each step names only sizes that are bound before it; those of no use go."""
    program = emit(run_passes(parse(GRAPH), check=True))
    assert len(program.segments) == 3 and program.segments == segments(program.steps)
    assert [s.symbols for s in program.steps if isinstance(s, BindStep)] == [
        ("?1",), ("?3", "?4"), ("?2",)
    ]  # fmt: skip
    known = {"n"}
    for step in program.steps:
        for node in step.nodes:
            assert named_symbols(node) <= known
            known.update(bound_symbols(node))
    without = parse(GRAPH.replace("return %10, %7", "return %8"))
    assert not any(n.op is bind_op for n in run_passes(without).nodes)


def test_plans_of_later_segments_are_bounded_and_share_memory() -> None:
    """As many counts as there are: one plan of the first segment, a bounded number of the second,
    one arena for these."""
    run = nf.function(lambda x, k: nf.reduce_sum(nf.exp(nf.boolean_mask(x, x < k)[::-1] * 0.0)))
    x = nf.range(MOST_FOLLOWING + 50, dtype=nf.float64)
    for k in [*np.arange(len(x)).tolist(), 3, 7]:
        assert float(run(x, nf.constant(float(k), nf.float64))) == k
    concrete, _ = run.find(x, nf.constant(0.0, nf.float64))
    (plan,) = concrete.plain()._plans.values()
    assert len(plan._following) <= MOST_FOLLOWING and list(plan._arenas) == [1]
    assert plan.furthest.memory is plan._arenas[1]
    assert run.experimental_get_tracing_count() == 1


def test_calls_from_several_threads_take_turns() -> None:
    """They share plans and arenas; each gets its own answer."""
    run = nf.function(lambda x: (nf.boolean_mask(x, x > 0) * 2.0, nf.reduce_sum(x)))
    rng = np.random.default_rng(3)
    inputs = [rng.standard_normal(rng.integers(0, 40)) for _ in range(30)]
    wrong: list[int] = []

    def work(first: int) -> None:
        for k in range(60):
            x = inputs[(first + 7 * k) % len(inputs)]
            chosen, total = run(nf.constant(x))
            if not (np.array_equal(chosen, 2.0 * x[x > 0]) and np.isclose(total, x.sum())):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
