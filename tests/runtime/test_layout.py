"""Offsets: what lives at the same time never shares a byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numflow.codegen.program import emit
from numflow.passes.pipeline import run_passes
from numflow.runtime.layout import LINE, Interval, offsets
from numflow.runtime.plan import Plan
from tests.codegen.drawn_programs import draw

Lives = list[tuple[int, int, int]]  # (bytes, first step, number of steps more)


def no_overlap(intervals: list[Interval]) -> int:
    """Bytes in all, after a look at every pair."""
    where, total = offsets(intervals)
    for k, a in enumerate(intervals):
        assert where[a.key] % LINE == 0
        assert where[a.key] + a.nbytes <= total
        for b in intervals[:k]:
            apart = a.last < b.first or b.last < a.first
            before = where[a.key] + a.nbytes <= where[b.key]
            after = where[b.key] + b.nbytes <= where[a.key]
            assert apart or before or after, f"{a} and {b}"
    return total


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_buffers_that_live_at_once_are_apart(lives: Lives) -> None:
    no_overlap([Interval(k, n, first, first + more) for k, (n, first, more) in enumerate(lives)])


def test_memory_of_the_dead_is_used_again() -> None:
    """A chain of steps needs two buffers, however long it is."""
    chain = [Interval(k, 640, k, k + 1) for k in range(50)]
    assert no_overlap(chain) == 2 * 640


@pytest.mark.parametrize("seed", range(20))
def test_buffers_of_programs_are_apart_from_the_first_write_to_the_last_read(seed: int) -> None:
    drawn = draw(seed, nodes=30, symbolic=True)
    plan = Plan(emit(run_passes(drawn.result)), {"n": 7})
    no_overlap(plan.intervals)
    lives = {i.key: i for i in plan.intervals}
    for k, step in enumerate(plan.program.steps):
        for root in (*step.reads, *step.writes):
            if root in lives:
                assert lives[root].first <= k <= lives[root].last
                assert lives[root].nbytes >= plan.nbytes(root)
