"""KeyboardInterrupt while compiled code runs: a step happens as a whole or not at all."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import numflow as nf

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="needs POSIX interval timers"
)

N = 401


@pytest.fixture
def alarm() -> Iterator[None]:
    """SIGALRM is Ctrl-C meanwhile."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class Model:
    """A step of some 20 ms in many instructions, which writes three variables at its end."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.w = nf.Variable(rng.normal(0, N**-0.5, (N, N)).astype(np.float32))
        self.total = nf.Variable(np.zeros((N, N), np.float32))
        self.count = nf.Variable(0.0)
        self.x = nf.constant(rng.normal(size=(N, N)).astype(np.float32))

    @nf.function
    def step(self, x: Any) -> Any:
        y = x
        for _ in range(24):
            y = nf.tanh(y @ self.w)
        self.w.assign_sub(0.001 * y)
        self.total.assign_add(y)
        self.count.assign_add(1.0)
        return nf.reduce_sum(y)

    def state(self) -> list[Any]:
        return [v.numpy() for v in (self.w, self.total, self.count)]


def _equal(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("delay", [0.0005, 0.002, 0.005, 0.01])
def test_a_step_that_is_interrupted_has_not_begun_or_has_ended(alarm: None, delay: float) -> None:
    model, twin = Model(), Model()
    for m in (model, twin):
        m.step(m.x)
    interrupted = 0
    for _ in range(5):
        before = model.state()
        signal.setitimer(signal.ITIMER_REAL, delay)
        try:
            model.step(model.x)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
        if not _equal(model.state(), before):
            twin.step(twin.x)
            assert _equal(model.state(), twin.state())
    model.step(model.x)
    twin.step(twin.x)
    assert _equal(model.state(), twin.state())
    if delay < 0.002:
        assert interrupted > 0


def test_a_long_kernel_is_left_soon(alarm: None) -> None:
    """Also within one instruction: a matrix product of seconds."""
    n = 3001
    a = nf.constant(np.ones((n, n), np.float32))
    f = nf.function(lambda a, b: a @ (b @ (a @ (b @ (a @ b)))))
    for k in (3, 5):
        f(nf.ones([k, k]), nf.ones([k, k]))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(100):
            f(a, a)
    np.testing.assert_allclose(f(nf.ones([3, 3]), nf.ones([3, 3])).numpy(), np.full((3, 3), 243.0))


def test_an_interrupt_while_another_thread_computes(alarm: None) -> None:
    """It reaches the main thread; the other one is not disturbed."""
    model = Model()
    model.step(model.x)

    done = threading.Event()

    def work() -> None:
        for _ in range(5):
            model.step(model.x)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    with pytest.raises(KeyboardInterrupt):
        done.wait()
        signal.pause()  # it ended before
    done.wait()
    worker.join()
    assert float(model.count) == 6.0
