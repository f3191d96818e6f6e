"""Compiled functions called from several Python threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

import numflow as nf
from tests.robust.training import Training, classification, regression

THREADS, CALLS = 8, 300


def in_threads(work: Callable[[int], None], threads: int = THREADS) -> None:
    """Run work(0), work(1)... at the same time; raise what one of them raised."""
    gate = threading.Barrier(threads)
    errors: list[BaseException] = []

    def body(k: int) -> None:
        try:
            gate.wait()
            work(k)
        except BaseException as e:
            errors.append(e)

    started = [threading.Thread(target=body, args=(k,)) for k in range(threads)]
    for t in started:
        t.start()
    for t in started:
        t.join()
    for e in errors:
        raise e


def test_one_function_from_many_threads() -> None:
    """Each caller gets the results of its own arguments, with one shape and with many."""
    w = nf.constant(np.linspace(-1, 1, 35, dtype=np.float32).reshape(5, 7))
    f = nf.function(lambda x: nf.reduce_sum(nf.tanh(x @ w), 1))

    def work(k: int) -> None:
        for i in range(CALLS):
            rows = 3 if i % 2 else 1 + (i + k) % 11
            x = np.full((rows, 5), k + i / CALLS, np.float32)
            want = np.tanh(x @ w.numpy()).sum(1)
            np.testing.assert_allclose(f(x).numpy(), want, rtol=1e-4, atol=1e-5)

    in_threads(work)


def test_no_update_of_a_variable_is_lost() -> None:
    """Steps that write one variable follow each other: each sees the one before it."""
    count = nf.Variable(0.0)
    vector = nf.Variable(np.zeros(1009, np.float32))

    @nf.function
    def step(x: Any) -> Any:
        vector.assign_add(x + nf.zeros([1009]))
        return count.assign_add(1.0) + 0.0

    seen: list[list[float]] = [[] for _ in range(THREADS)]

    def work(k: int) -> None:
        for _ in range(CALLS):
            seen[k].append(float(step(np.float32(1.0))))

    in_threads(work)
    assert float(count) == THREADS * CALLS
    assert vector.numpy().tolist() == [THREADS * CALLS] * 1009
    assert sorted(x for xs in seen for x in xs) == list(range(1, THREADS * CALLS + 1))
    assert all(xs == sorted(xs) for xs in seen)


def test_a_reader_sees_no_half_of_an_update() -> None:
    v = nf.Variable(np.zeros(4099, np.float32))
    step = nf.function(lambda: v.assign_add(nf.ones([4099])))

    def work(k: int) -> None:
        for _ in range(CALLS):
            if k == 0:
                step()
            else:
                got = v.numpy()
                assert (got == got[0]).all()
                kept = v.value()
                assert (kept.numpy() == kept.numpy()[0]).all()

    in_threads(work, 3)
    assert v.numpy().tolist() == [CALLS] * 4099


def test_two_threads_train_two_models() -> None:
    """Side by side they come to the bits that each comes to alone."""
    makers: list[Callable[[], Training]] = [regression, classification]
    alone = [make() for make in makers]
    for t in alone:
        t.run(40)
    together = [make() for make in makers]

    def work(k: int) -> None:
        together[k].run(40)

    in_threads(work, 2)
    assert [t.digest() for t in together] == [t.digest() for t in alone]


def test_threads_that_call_first_trace_once() -> None:
    f = nf.function(lambda x: x * 2 + 1)
    in_threads(lambda k: np.testing.assert_array_equal(f(nf.ones([13])), np.full(13, 3.0)))
    assert f.experimental_get_tracing_count() == 1
