"""The report as a whole: its text to the letter, its HTML, and what it leaves alone."""

from __future__ import annotations

import linecache
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import numflow as nf
from numflow.errors import GraphError

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "explain"

STEP = """
import numflow as nf

w = nf.Variable([0.5, -1.0, 2.0], name="w")

@nf.function
def step(x):
    with nf.GradientTape() as tape:
        h = nf.nn.softmax(x * w)
        loss = nf.reduce_mean(h * h)
    w.assign_sub(0.1 * tape.gradient(loss, w))
    return loss
"""


def program(text: str, name: str) -> dict[str, Any]:
    """The names of a program, whose lines are found as those of a file are."""
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    names: dict[str, Any] = {"__name__": name}
    exec(compile(text, name, "exec"), names)
    return names


def step() -> Any:
    """No library kernel: what these need beside their operands hangs on the machine."""
    return program(STEP, "step.py")["step"]


def test_the_text_of_a_step(update_golden: bool) -> None:
    """Graph by source lines, instructions, buffers, gaps and kernels of a small training step."""
    text = str(step().explain(np.ones((7, 3), np.float32)))
    path = GOLDEN / "step.txt"
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_equal_programs_have_equal_reports() -> None:
    """Nothing in text or HTML hangs on addresses, counters or hashes."""
    x = np.ones((7, 3), np.float32)
    one, two = step().explain(x, passes=True), step().explain(x, passes=True)
    assert str(one) == str(two)
    assert one._repr_html_() == two._repr_html_()


def test_html_is_well_formed_and_draws_every_instruction() -> None:
    report = step().explain(np.ones((7, 3), np.float32), passes=True)
    root = ElementTree.fromstring(report._repr_html_())
    drawn = [t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text")]
    for i in report.facts.instructions:
        assert any(t.startswith(f"{i.number}  ") for t in drawn)


@pytest.mark.parametrize("size", [0, 1])
def test_a_program_over_little_is_shown(size: int) -> None:
    """No elements, one, and a function that hands out what it was given."""
    for f in (lambda x: nf.exp(x) + nf.reduce_sum(x), lambda x: x):
        report = nf.function(f).explain(np.ones(size, np.float32))
        assert str(report)
        ElementTree.fromstring(report._repr_html_())


def test_markup_in_names_is_text() -> None:
    names = program(
        "import numflow as nf\nw = nf.Variable([1.0], name='<b>&amp')\n"
        "f = nf.function(lambda x: x * w if 1 < 2 else x)\n",
        "<markup>.py",
    )
    html = names["f"].explain(np.ones(3, np.float32))._repr_html_()
    assert "<b>&" not in html
    ElementTree.fromstring(html)


def test_before_any_call() -> None:
    f = program("import numflow as nf\nf = nf.function(lambda x: x + 1)\n", "early.py")["f"]
    with pytest.raises(GraphError) as e:
        f.explain()
    first, second, *_ = str(e.value).splitlines()
    assert first == "explain: <lambda> was not called yet"
    assert second == "  try: <lambda>.explain(...) with arguments, or a call before"


def test_arguments_choose_the_sizes_and_run_nothing() -> None:
    """A report for other sizes; the variable of the step keeps its value."""
    names = program(STEP, "sizes.py")
    f, w = names["step"], names["w"]
    f(np.ones((7, 3), np.float32))
    before = w.numpy()
    f.explain(np.ones((11, 3), np.float32))
    report = f.explain(np.ones((13, 3), np.float32))
    assert [n for _, n in report.facts.sizes] == [13]
    np.testing.assert_array_equal(w.numpy(), before)


def test_without_arguments_the_last_call_is_shown() -> None:
    f = nf.function(lambda x: nf.exp(x))
    for n in (2, 3, 5):
        f(np.ones(n, np.float32))
    assert [n for _, n in f.explain().facts.sizes] == [5]


def test_open_sizes_stay_symbols() -> None:
    """A trace that has not run has no plan: bytes are told by their formula."""
    f = nf.function(lambda x: nf.exp(x), input_signature=[nf.TensorSpec([None], nf.float32)])
    facts = f.explain().facts
    assert not facts.planned
    (instruction,) = facts.instructions
    assert instruction.nbytes is None and instruction.runs == ()
    assert instruction.traffic == f"8*{facts.signature.split('[')[1].split(']')[0]}"


def test_a_trace_explains_itself() -> None:
    f = nf.function(lambda x: nf.exp(x) * 2.0)
    concrete = f.get_concrete_function(np.ones(3, np.float32))
    assert str(concrete.explain()) == str(f.explain(np.ones(3, np.float32)))


def test_passes_are_shown_when_asked_for() -> None:
    f = nf.function(lambda x: nf.exp(x) + 0.0 * x)
    x = np.ones(3, np.float32)
    assert "\nPasses\n" not in str(f.explain(x))
    assert "\nPasses\n  traced:\n" in str(f.explain(x, passes=True))
    names = [name for name, _ in f.explain(x).passes]
    assert names[0] == "traced" and "decompose" in names


def test_memory_that_is_used_again_is_told() -> None:
    """%3 and %5 of a chain of products lie in one place."""

    def f(x: Any) -> Any:
        for _ in range(4):
            x = nf.matmul(x, x)
        return x

    facts = nf.function(f).explain(np.ones((64, 64), np.float32)).facts
    assert any(b.over for b in facts.buffers if b.kind == "arena")
    assert facts.arena < facts.together


def test_neither_numba_nor_the_report_loads_before_it_is_needed() -> None:
    code = (
        "import sys, numpy as np, numflow as nf\n"
        "f = nf.function(lambda x: nf.nn.softmax(x) * 2.0)\n"
        "f(np.ones((3, 5), np.float32))\n"
        "assert 'numflow.explain.report' not in sys.modules\n"
        "str(f.explain()), f.explain()._repr_html_()\n"
        "assert not {'numba', 'matplotlib'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "NUMFLOW_CODEGEN": "simd"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=environment)


def test_segments_are_shown() -> None:
    """Where sizes that depend on values become known, and what they were in the last call."""
    run = nf.function(lambda x: nf.reduce_sum(nf.boolean_mask(x, x > 2.0)))
    x = nf.constant([1.0, 2.0, 3.0, 4.0])
    before, _ = str(run.explain(x)), run(x)
    assert "in 2 segments" in before and "-> ?1\n" in before
    after = str(run.explain())
    assert "sizes of this plan: ?1 = 2\n" in after and "  segment 2\n" in after
    assert "over [?1] = [2]" in after and "-> ?1 = 2\n" in after
    assert "sizes that depend on values: what follows is planned when they are known" in after
