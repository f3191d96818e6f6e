"""Instructions: blocks follow from shapes, chunks cover all units, large results are written past
the caches."""

from __future__ import annotations

import numpy as np
import pytest

from numflow import dtypes
from numflow.codegen.program import emit
from numflow.graph.tensor import Tensor
from numflow.ops import activation, math, reduce, shape
from numflow.passes.pipeline import run_passes
from numflow.runtime import arena, pool, work
from numflow.runtime.plan import Plan
from numflow.runtime.words import Work
from tests.codegen.drawn_programs import Array, Trial, check


def plan_of(trial: Trial, *outputs: Tensor) -> Plan:
    return Plan(emit(run_passes(trial.graph(*outputs))), {})


def works_of(plan: Plan) -> list[Work]:
    return [w for works in plan.work.values() for w in works or ()]


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
@pytest.mark.parametrize("total", [1, 2, 63, 64, 65, 1000, 100003])
def test_chunks_of_elements_begin_at_whole_lines(
    monkeypatch: pytest.MonkeyPatch, total: int, threads: int
) -> None:
    """However much work it is: at least one unit each, and no more than there are."""
    monkeypatch.setattr(pool, "threads", lambda: threads)
    for ns in (0.0, 1e4, 1e5, 1e9):
        for units in ("elements", "rows", "blocks", "chunks"):
            chunk = work.chunk_of(units, total, ns)
            assert chunk >= 1
            assert chunk >= total or units != "elements" or chunk % 64 == 0
            if ns < work.PARALLEL_NS or threads == 1:
                assert chunk >= total


def test_chunks_of_long_work_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is kept from it holds the others up by one of many."""
    monkeypatch.setattr(pool, "threads", lambda: 2)
    assert -(-(1 << 24) // work.chunk_of("elements", 1 << 24, 8e6)) == 64
    assert -(-(1 << 24) // work.chunk_of("elements", 1 << 24, 1e5)) == 8


def test_blocks_are_those_of_the_shape_for_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for threads in (1, 2, 7):
        monkeypatch.setattr(pool, "threads", lambda threads=threads: threads)
        trial = Trial()
        with trial.building:
            x = trial.input(1000, 300)
            outputs = [reduce.reduce_sum(math.tanh(x), 0), reduce.reduce_sum(x)]
        found.append([w.units for w in works_of(plan_of(trial, *outputs))])
    assert found[0] == found[1] == found[2]
    assert max(found[0]) > 1


def test_a_short_fold_is_one_kernel() -> None:
    """No partials where one block holds all."""
    trial = Trial()
    with trial.building:
        x = trial.input(100, 300)
        y = reduce.reduce_sum(x, 0)
    assert len(works_of(plan_of(trial, y))) == 1


def numbers(*sizes: int) -> Array:
    return np.random.default_rng(0).uniform(-1, 1, sizes).astype(np.float32)


def test_large_results_are_written_past_the_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same numbers: in one row with a tail, in rows of whole lines, and of others, short ones
    too, whose length is a constant of the loop."""
    monkeypatch.setattr(work, "STREAM", arena.LARGE)
    n = work.STREAM // 4
    long, whole, odd = (n + 37,), (n // 256 + 3, 256), (n // 199 + 3, 199)
    short = [((n // m + 3, m), (m,)) for m in (64, 48, 16, 40, 8)]
    for sizes, other in ((long, long), (whole, (256,)), (odd, (199,)), (odd, ()), *short):
        trial = Trial()
        with trial.building:
            x, y = (trial.input(*s, dtype=dtypes.float32) for s in (sizes, other))
            z = activation.relu(x * y + x)
            outputs = [z, z - 1.0, shape.expand_dims(x, 0)]
        check(trial.graph(*outputs), (), [numbers(*sizes), numbers(*other)])


@pytest.mark.parametrize(
    "sizes", [(64 << 16,), ((64 << 16) + 64,), (1 << 16,), (515, 256), (1029, 64), (1029, 24)]
)
def test_large_results_beside_folds_are_written_past_the_caches(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    """Blocks that begin at whole lines, and others; rows in blocks."""
    monkeypatch.setattr(work, "STREAM", arena.LARGE)
    trial = Trial()
    with trial.building:
        x = trial.input(*sizes, dtype=dtypes.float32)
        z = x * x
        centred = z - reduce.reduce_mean(z, -1, True) if len(sizes) > 1 else z
        outputs = [centred, z + 1.0, reduce.reduce_sum(z, 0)]
    check(trial.graph(*outputs), (), [numbers(*sizes)])


def test_a_variable_in_place_is_not_written_past_the_caches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its old value has just been brought to them."""
    monkeypatch.setattr(work, "STREAM", arena.LARGE)
    trial = Trial()
    with trial.building:
        variable, old = trial.variable(numbers(work.STREAM // 4))
        trial.assign(variable, old * 0.5)
    check(trial.graph(), trial.variables, [])
