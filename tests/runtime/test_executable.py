"""Executables: refusals leave variables alone, threads do not mix, bits do not follow the cores."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numflow import dtypes
from numflow.errors import InvalidArgumentError, OpError
from numflow.ops import (
    activation,
    indexing,
    joining,
    linalg,
    loss,
    math,
    power,
    random,
    reduce,
    shape,
    slicing,
    statistics,
)
from numflow.shapes import Dim
from tests.codegen.drawn_programs import Trial, check, compiled
from tests.codegen.host_op import host_cumsum

ROOT = Path(__file__).resolve().parents[2]


def test_a_label_out_of_range_is_refused_and_no_variable_changes() -> None:
    """The check runs in a fused kernel; the message is the eager one, with the user's line."""
    trial = Trial()
    with trial.building:
        x = trial.input(7, 5)
        labels = trial.input(7, dtype=dtypes.int32)
        weight, old = trial.variable(np.ones(5))
        losses = loss.sparse_softmax_cross_entropy_with_logits(labels, x * old)
        (gradient,) = trial.gradients(reduce.reduce_mean(losses), [old])
        assert gradient is not None
        trial.assign(weight, old - 0.1 * gradient)
    run = compiled(trial.graph(losses))
    good = np.arange(7, dtype=np.int32) % 5
    bad = good.copy()
    bad[4] = 5
    rows = np.random.default_rng(0).random((7, 5))
    run([rows, good])
    before = weight.numpy()
    assert not np.array_equal(before, np.ones(5))
    with pytest.raises(InvalidArgumentError) as refused:
        run([rows, bad])
    text = str(refused.value)
    assert "sparse_softmax_cross_entropy_with_logits: label 5 is outside [0, 5)" in text
    assert "element: [4]" in text
    assert "test_executable.py" in text
    np.testing.assert_array_equal(weight.numpy(), before)
    run([rows, good])


def test_a_refusal_by_a_kernel_or_the_host_comes_before_any_write() -> None:
    """Rows gathered with a bad index; an integer divided by 0."""
    trial = Trial()
    with trial.building:
        table, rows = trial.variable(np.arange(12.0).reshape(4, 3))
        count, number = trial.variable(np.array(3))
        index = trial.input(2, dtype=dtypes.int64)
        divisor = trial.input(dtype=dtypes.int64)
        trial.assign(table, rows * 2.0)
        trial.assign(count, power.floordiv(number, divisor))
        chosen = indexing.gather(rows, index)
        running = host_cumsum(chosen, 0)
    run = compiled(trial.graph(chosen, running))
    for values in ([1, 4], [-1, 0]):
        with pytest.raises(InvalidArgumentError, match="outside"):
            run([np.array(values), np.array(1)])
    with pytest.raises(InvalidArgumentError, match="division by zero"):
        run([np.array([1, 2]), np.array(0)])
    np.testing.assert_array_equal(table.numpy(), np.arange(12.0).reshape(4, 3))
    assert count.numpy() == 3
    check(trial.graph(chosen, running), trial.variables, [np.array([1, 3]), np.array(2)], run)


def test_sizes_of_a_call_are_checked_before_a_kernel_sees_them() -> None:
    """Element 0 of nothing, and all but the last of nothing, are outside."""
    n = Dim.symbol("n")
    for key in (0, np.s_[1:], np.s_[:-1]):
        trial = Trial()
        with trial.building:
            x = trial.input(n, 3)
            try:
                part = slicing.getitem(x, key) * 2.0
            except Exception:  # said while tracing: exact sizes are wanted
                continue
        run = compiled(trial.graph(part))
        check(trial.graph(part), (), [np.ones((5, 3))], run)
        with pytest.raises(OpError, match="slice"):
            run([np.ones((0, 3))])


def test_a_reshape_to_fixed_sizes_refuses_others() -> None:
    trial = Trial()
    with trial.building:
        x = trial.input(Dim.symbol("n"), 2)
        y = shape.reshape(x, (2, 3)) + 1.0
    run = compiled(trial.graph(y))
    assert run([np.ones((3, 2))])[0].shape == (2, 3)
    for rows in (2, 4):
        with pytest.raises(InvalidArgumentError, match="reshape"):
            run([np.ones((rows, 2))])


@pytest.mark.parametrize("host", [False, True])
def test_two_threads_in_one_executable_do_not_mix(host: bool) -> None:
    """Also where a host call parts the program: both halves work on one arena."""
    trial = Trial()
    with trial.building:
        x = trial.input(50, 40)
        y = math.tanh(linalg.matmul(x, shape.transpose(x)))
        z = host_cumsum(y * 2.0, 0) if host else y * 2.0
        total = reduce.reduce_sum(z + y, 1)
        matrix = linalg.matmul(z, y)
    run = compiled(trial.graph(total, matrix))
    rng = np.random.default_rng(0)
    cases = [rng.uniform(-1, 1, (50, 40)) for _ in range(4)]
    wanted = [run([a]) for a in cases]
    wrong: list[Any] = []

    def work(k: int) -> None:
        for _ in range(50):
            got = run([cases[k]])
            if not all(np.array_equal(a, b) for a, b in zip(got, wanted[k], strict=True)):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_threads_that_update_one_variable_take_turns() -> None:
    trial = Trial()
    with trial.building:
        x = trial.input(3)
        variable, old = trial.variable(np.zeros(3))
        trial.assign(variable, old + x)
    run = compiled(trial.graph())
    threads = [
        threading.Thread(target=lambda: [run([np.ones(3)]) for _ in range(100)]) for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    np.testing.assert_array_equal(variable.numpy(), np.full(3, 400.0))


def test_a_refusal_beside_random_numbers_names_the_refused() -> None:
    """The reference that finds the message sees the numbers that were drawn."""
    trial = Trial()
    with trial.building:
        labels = trial.input(7, dtype=dtypes.int32)
        noise = random.normal([7, 5])
        losses = loss.sparse_softmax_cross_entropy_with_logits(labels, noise)
    run = compiled(trial.graph(losses, noise))
    first, second = (run([np.zeros(7, np.int32)])[1] for _ in range(2))
    assert not np.array_equal(first, second)
    with pytest.raises(InvalidArgumentError, match=r"label -1 is outside \[0, 5\)"):
        run([np.full(7, -1, np.int32)])


@pytest.mark.parametrize("n", [2, 20000])
def test_strings_are_handed_from_one_host_call_to_the_next(n: int) -> None:
    """Beside the arena, whose memory holds no objects."""
    trial = Trial()
    with trial.building:
        x, y = trial.input(n, dtype=dtypes.string), trial.input(3)
        joined = joining.concat([x + x, shape.reshape(x + x + x, [n])], 0)
        outputs = [joined, joined[::-1], y * 2.0]
    run = compiled(trial.graph(*outputs))
    words = np.array([b"a", b"bc"] * (n // 2), object)
    for _ in range(2):
        got, back, double = run([words, np.ones(3)])
        assert list(got) == [2 * w for w in words] + [3 * w for w in words]
        assert list(back) == list(got)[::-1]
        np.testing.assert_array_equal(double, np.full(3, 2.0))


BITS = """
import hashlib
import numpy as np
from numflow import dtypes
from numflow.ops import activation, linalg, math, reduce
from tests.codegen.drawn_programs import Trial, compiled
from tests.codegen.host_op import host_cumsum

rng = np.random.default_rng(0)
trial = Trial()
with trial.building:
    x, w = (trial.input(*s, dtype=dtypes.float32) for s in ((700, 257), (257, 300)))
    v = trial.input(100003, dtype=dtypes.float32)
    small, s = trial.variable(np.float32(2))
    large, l = trial.variable(rng.random(300000, np.float32))
    new = s * 1.5
    trial.assign(small, new)
    trial.assign(large, l * new + math.tanh(l))
    y = activation.relu(linalg.matmul(x, w))
    z = math.exp(x) * x
    outputs = [y, linalg.matmul(x, x, transpose_a=True), activation.softmax(x),
               reduce.reduce_sum(z, 0), reduce.reduce_sum(z), reduce.reduce_mean(x, 1),
               reduce.reduce_sum(math.tanh(v)), reduce.reduce_max(v)]
run = compiled(trial.graph(*outputs))
arrays = [np.asarray(rng.uniform(-1, 1, v.spec.shape), np.float32) for v in run.graph.inputs]
digest = hashlib.sha256()
for _ in range(3):
    for a in [*run(arrays), small.numpy(), large.numpy()]:
        digest.update(np.asarray(a).tobytes())
print(digest.hexdigest())
"""


def test_the_number_of_threads_changes_no_bit() -> None:
    """Blocks follow from shapes alone; 5 is more than there are cores."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", BITS],
            cwd=ROOT,
            env={"PATH": "", "NUMFLOW_NUM_THREADS": str(n), "HOME": str(Path.home())},
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in (1, 2, 5)
    ]
    found = {p.communicate()[0] for p in running}
    assert len(found) == 1
    assert found != {""}


def test_a_dying_value_hands_its_memory_to_what_is_made_of_it() -> None:
    """Elementwise results lie where their operand lay; one that is read again keeps its own."""
    trial = Trial()
    with trial.building:
        x, w = trial.input(70, 70), trial.input(70, 70)
        product = linalg.matmul(x, w)
        grown = product * 2.0
        again = linalg.matmul(grown, w)
        kept = grown + again  # grown is read here for the last time: one of the two takes over
        last = linalg.matmul(kept, w)
    run = compiled(trial.graph(last))
    arrays = [np.random.default_rng(k).standard_normal((70, 70)) for k in (0, 1)]
    first = arrays[0] @ arrays[1] * 2
    want = (first + first @ arrays[1]) @ arrays[1]
    np.testing.assert_allclose(run(arrays)[0], want, rtol=1e-12)
    plan = run.plan(arrays)
    buffers = [i for i in plan.intervals if not isinstance(i.key, tuple)]
    assert len(plan.offsets) - len(plan.intervals) == 2
    assert len(buffers) == 2


def test_exponentials_wait_in_the_memory_of_what_is_made_of_them() -> None:
    """A softmax beside a log-sum-exp: no intermediate result; two results of one: one more."""
    trial = Trial()
    with trial.building:
        x = trial.input(7, 101)
        outputs = [activation.softmax(x), statistics.reduce_logsumexp(x, 1)]
    run = compiled(trial.graph(*outputs))
    array = np.random.default_rng(0).standard_normal((7, 101))
    soft, lse = run([array])
    np.testing.assert_allclose(lse, np.log(np.exp(array).sum(1)), rtol=1e-12)
    np.testing.assert_allclose(soft, np.exp(array - lse[:, None]), rtol=1e-12)
    assert not run.plan([array]).intervals

    trial = Trial()
    with trial.building:
        x = trial.input(7, 101)
        grown, bent = math.exp(x), math.tanh(x)
        total = reduce.reduce_sum(grown * bent, 1, True)
        # the first two take the memory of what the last two need
        outputs = [x * total, x + total, grown * total, (grown + total) * bent]
    run = compiled(trial.graph(*outputs))
    e, t = np.exp(array), np.tanh(array)
    n = (e * t).sum(1, keepdims=True)
    wanted = [array * n, array + n, e * n, (e + n) * t]
    for got, want in zip(run([array]), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    assert not run.plan([array]).intervals
