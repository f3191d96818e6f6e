"""Loops over scalars as one kernel (codegen/registers.py): what they compute, and what they leave
to loops of jumps."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.codegen import registers
from numflow.codegen.printers import PrinterWarning
from numflow.codegen.registers import in_registers
from numflow.ops.control import while_op
from numflow.passes import run_passes


def _kernel(f: Any, *args: Any) -> Any:
    """The kernel of the last loop of a function; None if it is none for registers."""
    graph = run_passes(nf.function(f).get_concrete_function(*args).graph)
    return in_registers([n for n in graph.nodes if n.op is while_op][-1])


def _collatz(start: Any) -> Any:
    def body(n: Any, count: Any) -> Any:
        return nf.cond(nf.equal(n % 2, 0), lambda: n // 2, lambda: 3 * n + 1), count + 1

    return nf.while_loop(lambda n, _: n != 1, body, [start, 0])[1]


@pytest.mark.parametrize("dtype", [nf.int32, nf.int64])
def test_a_branch_in_a_loop_of_integers(dtype: Any) -> None:
    """The steps from 27 to 1."""
    start = nf.constant(27, dtype)
    assert _kernel(_collatz, start) is not None
    assert int(nf.function(_collatz)(start)) == 111


@pytest.mark.parametrize("dtype", [nf.float32, nf.float64])
def test_floats_and_two_conditions(dtype: Any) -> None:
    """A point of the Mandelbrot set, and one outside."""

    def escape(re: Any, im: Any) -> Any:
        def body(k: Any, x: Any, y: Any) -> Any:
            return k + 1, x * x - y * y + re, 2.0 * x * y + im

        def going(k: Any, x: Any, y: Any) -> Any:
            return nf.logical_and(k < 60, x * x + y * y < 4.0)

        zero = nf.zeros([], re.dtype)
        return nf.while_loop(going, body, [0, zero, zero])[0]

    for re, im in [(-0.5, 0.1), (0.4, 0.4), (2.5, 0.0)]:
        args = nf.constant(re, dtype), nf.constant(im, dtype)
        assert _kernel(escape, *args) is not None
        assert int(nf.function(escape)(*args)) == int(escape(*args))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "uint32", "uint64", "bool"])
def test_all_dtypes(dtype: str) -> None:
    """Loop variables of every size come and go through memory."""
    kind = nf.as_dtype(dtype)

    def f(x: Any, n: Any) -> Any:
        def body(k: Any, v: Any) -> Any:
            return k + 1, nf.logical_not(v) if kind.is_bool else v + v + 1

        return nf.while_loop(lambda k, _: k < n, body, [0, x])[1]

    x, n = nf.constant(1 if not kind.is_bool else True, kind), nf.constant(5)
    assert _kernel(f, x, n) is not None
    assert nf.function(f)(x, n).numpy() == f(x, n).numpy()


def test_a_training_loop_of_a_line_runs_in_registers() -> None:
    """Samples are read from arrays, variables are loop variables."""
    w, b = nf.Variable(0.0), nf.Variable(0.0)
    xs = nf.constant(np.linspace(-1, 1, 50, dtype=np.float32))
    ys = xs * 3.0 + 0.5

    def train(xs: Any, ys: Any) -> Any:
        def body(k: Any) -> Any:
            with nf.GradientTape() as tape:
                loss = (xs[k] * w + b - ys[k]) ** 2
            for v, g in zip((w, b), tape.gradient(loss, [w, b]), strict=True):
                v.assign_sub(0.1 * g)
            return k + 1

        return nf.while_loop(lambda k: k < 50, body, [0])

    assert _kernel(train, xs, ys) is not None
    f = nf.function(train)
    for _ in range(20):
        f(xs, ys)
    np.testing.assert_allclose([w.numpy(), b.numpy()], [3.0, 0.5], atol=1e-4)


def test_rows_of_an_array_are_written_in_place() -> None:
    """A running sum into a TensorArray, and its gradient, whose loop writes rows too."""

    def f(x: Any) -> Any:
        ta = nf.TensorArray(nf.float32, size=7, element_shape=[])

        def body(k: Any, s: Any, ta: Any) -> Any:
            s = s * 0.5 + x[k]
            return k + 1, s, ta.write(k, s * s)

        return nf.while_loop(lambda k, *_: k < 7, body, [0, 0.0, ta])[2].stack()

    x = nf.constant(np.arange(7, dtype=np.float32))
    assert _kernel(f, x) is not None
    np.testing.assert_allclose(nf.function(f)(x), f(x), rtol=1e-6)
    both = nf.value_and_grad(lambda x: nf.reduce_sum(f(x)))
    for a, b in zip(nf.function(both)(x), both(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_an_index_outside_is_refused_with_its_line() -> None:
    """As eagerly, in the iteration that reads it; variables keep their values."""
    total = nf.Variable(1.0)

    @nf.function
    def f(x: Any, n: Any) -> Any:
        def body(k: Any) -> Any:
            total.assign_add(x[k])  # here
            return k + 1

        return nf.while_loop(lambda k: k < n, body, [0])

    x = nf.constant([1.0, 2.0, 3.0])
    f(x, nf.constant(3))
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"3 is outside.*\n.*\n?.*# here"):
        f(x, nf.constant(4))
    assert total.numpy() == 7.0


def test_many_iterations_are_several_calls_of_the_kernel() -> None:
    """More than a kernel does before it lets the executor look for signals."""
    f = nf.function(lambda n: nf.while_loop(lambda k: k < n, lambda k: k + 1, [0]))
    assert int(f(nf.constant(1_000_003))[0]) == 1_000_003


def test_a_loop_in_a_loop() -> None:
    """Pixels of the Mandelbrot set, written into an array; the limit is known, or is not."""
    size = 12

    def image(most: Any) -> Any:
        ta = nf.TensorArray(nf.int32, size=size * size, element_shape=[])

        def pixel(p: Any, ta: Any) -> Any:
            re = nf.cast(p % size, nf.float64) * (3.0 / size) - 2.0
            im = nf.cast(p // size, nf.float64) * (2.0 / size) - 1.0

            def step(k: Any, x: Any, y: Any) -> Any:
                return k + 1, x * x - y * y + re, 2.0 * x * y + im

            def going(k: Any, x: Any, y: Any) -> Any:
                return nf.logical_and(k < most, x * x + y * y < 4.0)

            zero = nf.zeros([], nf.float64)
            return p + 1, ta.write(p, nf.while_loop(going, step, [0, zero, zero])[0])

        return nf.while_loop(lambda p, _: p < size * size, pixel, [0, ta])[1].stack()

    assert _kernel(lambda: image(60)) is not None
    assert _kernel(image, nf.constant(60)).sticks
    want = image(60).numpy()
    assert nf.function(lambda: image(60))().numpy().tolist() == want.tolist()
    assert nf.function(image)(nf.constant(60)).numpy().tolist() == want.tolist()


def _walks(limit: Any, counts: Any) -> Any:
    """Collatz' walks from 1, 2, ... that many times, one behind the other; and their lengths."""
    lengths, total = nf.zeros_like(counts), 0
    for k in nf.range(limit):
        length = 0
        for _ in nf.range(counts[k]):
            n = k + 1
            while n != 1:
                n = n // 2 if n % 2 == 0 else 3 * n + 1
                length += 1
        lengths = nf.tensor_scatter_nd_update(lengths, [[k]], [length])
        total += length
    return lengths, total


@pytest.mark.parametrize("soon", [1, 7, 40, 1 << 20])
def test_a_loop_inside_that_takes_long_goes_on_by_jumps(
    monkeypatch: pytest.MonkeyPatch, soon: int
) -> None:
    """Whichever of the iterations it is, and however deep; what was written before stays."""
    monkeypatch.setattr(registers, "SOON", soon)
    counts = nf.constant([2, 0, 1, 3, 1, 0, 2, 1, 4, 1, 1, 1])
    walk = [0, 1, 7, 2, 5, 8, 16, 3, 19, 6, 14, 9]
    want = [n * c for n, c in zip(walk, counts.numpy().tolist(), strict=True)]
    assert _kernel(_walks, nf.constant(12), counts).sticks
    f = nf.function(_walks)
    for limit in (12, 5, 0):
        lengths, total = f(nf.constant(limit), counts)
        assert lengths.numpy().tolist() == want[:limit] + [0] * (12 - limit)
        assert int(total) == sum(want[:limit])


def test_loops_three_deep_are_one_kernel() -> None:
    """Iterations of the innermost count for the loops around it."""

    def f(n: Any) -> Any:
        total = nf.constant(0)
        for i in nf.range(n):
            for j in nf.range(7):
                for k in nf.range(3):
                    total += i * j - k
        return total

    assert not _kernel(f, nf.constant(11)).sticks
    want = sum(i * j - k for i in range(11) for j in range(7) for k in range(3))
    assert int(nf.function(f)(nf.constant(11))) == want


def test_what_a_long_loop_inside_writes_is_left_to_jumps() -> None:
    """An iteration that has written could not begin anew."""

    def f(n: Any, most: Any) -> Any:
        ta = nf.TensorArray(nf.int32, 5, element_shape=[]).unstack(nf.zeros([5], nf.int32))

        def outer(k: Any, ta: Any) -> Any:
            def inner(j: Any, ta: Any) -> Any:
                return j + 1, ta.write(j, k + j)

            return k + 1, nf.while_loop(lambda j, _: j < most, inner, [0, ta])[1]

        return nf.while_loop(lambda k, _: k < n, outer, [0, ta])[1].stack()

    args = nf.constant(3), nf.constant(4)
    assert _kernel(f, *args) is None
    assert nf.function(f)(*args).numpy().tolist() == [2, 3, 4, 5, 0]


def test_an_interrupt_ends_an_endless_loop_inside() -> None:
    """It is looked for by jumps, once the kernel has given up."""

    @nf.function
    def f(least: Any) -> Any:
        total = 0
        for _ in nf.range(3):
            k = 0
            while k > least:
                k *= 1
            total += k
        return total

    assert int(f(nf.constant(0))) == 0
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        f(nf.constant(-1))
    timer.join()


@pytest.mark.parametrize("written", [False, True])
def test_a_constant_end_is_soon_only_from_where_a_loop_begins(written: bool) -> None:
    """From a number of the caller's it may take for ever, and a small counter may begin anew."""

    def f(first: Any, last: Any) -> Any:
        ta, total = nf.TensorArray(nf.int64, 9).unstack(nf.zeros([9], nf.int64)), first
        for k in nf.range(3):
            for j in nf.range(first, last):
                total = total * 3 + j
                if written:
                    ta = ta.write(k, total)
        return ta.stack(), total

    until = nf.constant(10, nf.int64)
    kernel = _kernel(lambda first: f(first, 10), until)
    assert kernel is None if written else kernel.sticks
    kernel = _kernel(lambda: f(nf.constant(-3, nf.int64), 10))
    assert kernel is not None and not kernel.sticks

    def small(first: Any) -> Any:
        def outer(k: Any, s: Any) -> Any:
            start = [nf.constant(0, nf.int8), s]
            return k + 1, nf.while_loop(lambda j, _: j < 126, lambda j, s: (j + 3, s + 1), start)[1]

        return nf.while_loop(lambda k, _: k < 3, outer, [0, first])

    assert _kernel(small, nf.constant(0)).sticks
    assert f(until - 3, until)[1] == nf.function(f)(until - 3, until)[1]


def test_an_array_that_an_inner_loop_writes_and_reads_as_it_was() -> None:
    """The old rows stay what they were: such a loop is no matter for registers."""

    def f(n: Any) -> Any:
        start = nf.TensorArray(nf.int32, 4, element_shape=[]).unstack(nf.range(4))

        def outer(k: Any, ta: Any) -> Any:
            old = ta.stack()

            def inner(j: Any, ta: Any) -> Any:
                return j + 1, ta.write(3 - j, old[j] + k)

            return k + 1, nf.while_loop(lambda j, _: j < 4, inner, [0, ta])[1]

        return nf.while_loop(lambda k, _: k < n, outer, [0, start])[1].stack()

    want = list(range(4))
    for k in range(3):
        want = [want[3 - j] + k for j in range(4)]
    assert nf.function(f)(nf.constant(3)).numpy().tolist() == want


def test_a_fault_of_the_printer_costs_speed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of once, with the loop."""

    def faulty(_: Any) -> Any:
        raise ZeroDivisionError("of the printer")

    monkeypatch.setattr(registers, "_warned", [])
    monkeypatch.setattr(registers._Printer, "loop", faulty)
    f = nf.function(lambda n: nf.while_loop(lambda k: k < n, lambda k: (k * 2,), [nf.constant(1)]))
    with pytest.warns(PrinterWarning, match=r"ZeroDivisionError\('of the printer'\)"):
        assert int(f(nf.constant(100))[0]) == 128
