"""Profiles: what is counted, and how it is shown. Times are not asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DTypeError, SourceLine
from numflow.profiler import Limits, Profile, profile
from numflow.profiler.limits import measure_limits
from numflow.runtime.profile import Row

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(flops=1e11, memory=2e10, cache=1e11)

LINE = SourceLine("/nowhere/step.py", 7, "step")
OTHER = SourceLine("/nowhere/step.py", 9, "step")
ROWS = (
    Row(0, "library", ("matmul", "add"), 6e-6, 60_000, 1.2e6, 2, 1, (LINE,)),
    Row(1, "cluster", ("exp", "exp", "add"), 2e-6, 8_000, 2e3, 1000, 1000, (LINE, OTHER)),
    Row(2, "cluster", ("multiply",), 1e-9, 8, 1.0, 1, 1, ()),
)


def test_bytes_and_flops_are_counted() -> None:
    """A product of 7x5 and 5x3, and exp over its result; what is read and written counts once."""
    f = nf.function(lambda x, y: nf.exp(nf.matmul(x, y)))
    p = profile(f, np.ones((7, 5), np.float32), np.ones((5, 3), np.float32), rounds=1)
    product, loop = p.rows
    assert (product.ops, product.nbytes, product.flops) == (("matmul",), 4 * (35 + 15 + 21), 210)
    assert (loop.ops, loop.nbytes, loop.flops) == (("exp",), 4 * (21 + 21), 21)
    assert all(row.seconds > 0 for row in p.rows) and p.seconds > 0


def test_numbers_are_those_of_explain() -> None:
    """A fold in several blocks is two rows of one instruction."""
    f = nf.function(lambda x: nf.matmul(x, x) + nf.reduce_sum(nf.exp(x), 0))
    x = np.ones((512, 512), np.float32)
    rows = profile(f, x, rounds=1).rows
    kinds = {i.number: i.kind for i in f.explain(x).facts.instructions}
    assert {row.number for row in rows} == set(kinds)
    assert all(row.kind in (kinds[row.number], "fold") for row in rows)
    assert [row.nbytes for row in rows if row.kind == "fold"] == [0]


def test_the_roofs_of_this_machine_are_known() -> None:
    """Whatever packs for the product that they are measured by."""
    limits = measure_limits()
    assert limits.flops > 0 and limits.memory > 0 and limits.cache > 0


def test_a_kernel_that_packs_for_another_is_a_row_of_its_own() -> None:
    """Its step's bytes and operations are told of the one that multiplies."""
    f = nf.function(lambda x, y: nf.matmul(x, y, transpose_b=True))
    rows = profile(f, np.ones((1200, 600), np.float32), np.ones((90, 600), np.float32)).rows
    assert [row.flops for row in rows if row.kind == "library"] == [2.0 * 1200 * 600 * 90]
    assert all(row.nbytes == row.flops == 0 for row in rows if row.kind == "pack")


def test_variables_have_their_values_again() -> None:
    v = nf.Variable([1.0, 2.0])

    @nf.function
    def step(x: Any) -> Any:
        v.assign_add(x)
        return v * 2.0

    profile(step, np.ones(2, np.float32), rounds=1)
    np.testing.assert_array_equal(v.numpy(), [1.0, 2.0])


def _rows(f: Any, *args: Any) -> list[Row]:
    """The rows of loops and branches, whose numbers and kinds are those of explain."""
    p = profile(f, *args, rounds=1)
    kinds = {i.number: i.kind for i in f.explain(*args).facts.instructions}
    assert all(row.kind == kinds[row.number] for row in p.rows if row.kind != "fold")
    return [row for row in p.rows if row.ops[0] in ("while_loop", "cond")]


def _line(row: Row) -> str:
    return str(row.lines[0]).partition(":  ")[2]


def test_a_loop_is_a_row_with_its_line() -> None:
    """As one kernel, by jumps, and within Python; what is inside of it is not told apart."""

    @nf.function
    def scalars(n: Any) -> Any:
        s = nf.constant(0.0)
        for k in nf.range(n):
            s = s * 0.5 + nf.cast(k, nf.float32)
        return s

    @nf.function
    def arrays(n: Any, x: Any) -> Any:
        y = nf.exp(x)
        for _ in nf.range(n):
            y = nf.sin(y) @ x
        for _ in nf.range(2):
            y = y @ x
        return y

    @nf.function
    def words(n: Any) -> Any:
        s = nf.constant("")
        for _ in nf.range(n):
            s = s + "a"
        return s

    n = nf.constant(200)
    (row,) = _rows(scalars, n)
    assert (row.kind, row.nbytes, row.flops, row.seconds > 0) == ("loop", 0, 0.0, True)
    assert _line(row) == "for k in nf.range(n):"
    long, short = _rows(arrays, n, nf.ones([17, 17]) * 0.01)
    assert (_line(long), _line(short)) == ("for _ in nf.range(n):", "for _ in nf.range(2):")
    (row,) = _rows(words, n)
    assert row.kind == "host" and _line(row) == "for _ in nf.range(n):"


def test_loops_of_programs_in_several_parts() -> None:
    """Behind a size that depends on values, behind a host call; branches; variables go back."""
    v = nf.Variable(nf.zeros([3]))

    @nf.function
    def f(x: Any, flag: Any) -> Any:
        y = nf.boolean_mask(x, x > 0)
        for _ in nf.range(nf.size(y)):
            v.assign_add(nf.ones([3]))
        z = nf.py_function(lambda t: t * 2.0, [y], nf.float32)
        z = nf.reshape(z, [-1])
        if flag:
            z = nf.sort(z)
        else:
            z = nf.exp(z)
        return z + nf.random.uniform([])

    x = nf.constant(np.array([1.0, -2.0, 3.0, 4.0], np.float32))
    rows = _rows(f, x, nf.constant(True))
    assert {row.kind: _line(row) for row in rows} == {
        "loop": "for _ in nf.range(nf.size(y)):",
        "branches": "if flag:",
    }
    assert v.numpy().tolist() == [0, 0, 0]


def test_traces_and_captured_tensors() -> None:
    scale = nf.constant(np.full(100, 3.0, np.float32))
    f = nf.function(lambda x: x * scale)
    x = np.ones(100, np.float32)
    whole, trace = profile(f, x, rounds=1), profile(f.get_concrete_function(x), x, rounds=1)
    assert whole.rows[0].ops == trace.rows[0].ops == ("multiply",)


def test_only_compiled_functions_have_instructions() -> None:
    with pytest.raises(DTypeError) as e:
        profile(lambda x: x, 1.0)
    assert str(e.value).splitlines()[:3] == [
        "profile: wants a compiled function",
        "  f: <class 'function'>",
        "  try: nf.function(f), which compiles it",
    ]


def test_the_table() -> None:
    """Exact text; an instruction too short to be timed has no rates."""
    assert str(Profile("step", ROWS, 1.2e-5)).splitlines() == [
        "            us  share    GB/s  GFLOP/s     bytes  what",
        "-" * 100,
        "   0      6.00  75.0%    10.0    200.0   60.0 KB  library: matmul add  step.py:7",
        "   1      2.00  25.0%     4.0      1.0    8.0 KB  cluster: exp*2 add  step.py:7 +1",
        "   2     <0.05   0.0%                        8 B  cluster: multiply",
        "-" * 100,
        "          8.00 us in 3 instructions, 12.00 us a call: "
        "4.00 us are the call, host calls and colder caches",
        "",
        "By line",
        "          7.00  87.5%  step.py:7 in step",
        "          1.00  12.5%  step.py:9 in step",
        "          0.00   0.0%  no line of yours",
    ]


def test_the_table_beside_limits() -> None:
    """3 us from memory at least, so half of the time; the last is too short to tell."""
    lines = Profile("step", ROWS, 1.2e-5).table(Limits(1e12, 2e10, 1e11)).splitlines()
    assert lines[0].split()[4] == "of"
    assert [line[40:49].strip() for line in lines[2:5]] == ["50%", "20%", ""]


def test_the_trace_is_a_time_line(tmp_path: Path) -> None:
    """Instructions follow each other; each knows its lines."""
    path = tmp_path / "trace.json"
    Profile("step", ROWS, 1.2e-5).trace(path)
    events = json.loads(path.read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X" and e["tid"] == 2]
    assert [e["name"] for e in spans] == [
        "0 library: matmul",
        "1 cluster: exp",
        "2 cluster: multiply",
    ]
    assert [e["ts"] for e in spans] == [0.0, 6.0, 8.0]
    assert spans[1]["args"]["lines"] == ["step.py:7 in step", "step.py:9 in step"]


@pytest.mark.parametrize("rows", [ROWS, (), ROWS[2:]], ids=["all", "none", "too short"])
def test_the_picture(rows: tuple[Row, ...], tmp_path: Path) -> None:
    path = tmp_path / "roofline.png"
    figure = Profile("step", rows, 1.2e-5).roofline(path, LIMITS)
    assert path.read_bytes()[:4] == b"\x89PNG"
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert "memory 20 GB/s" in texts
    assert ("0 matmul 75%" in texts) == (rows is ROWS)


def test_nothing_heavy_loads_for_a_table() -> None:
    code = (
        "import sys, numpy as np, numflow as nf\n"
        "f = nf.function(lambda x: nf.exp(x) * 2.0)\n"
        "assert 'numflow.profiler' not in sys.modules\n"
        "str(nf.profiler.profile(f, np.ones(3, np.float32), rounds=1))\n"
        "assert not {'numba', 'matplotlib'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "NUMFLOW_CODEGEN": "simd"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=environment)
