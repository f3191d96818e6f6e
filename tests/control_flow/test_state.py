"""Variables, random numbers, checks and prints inside of loops and branches; interrupts."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import numflow as nf


def test_a_loop_carries_the_variables_that_it_assigns() -> None:
    """They are read, written in each iteration, and assigned behind."""
    v, n = nf.Variable([1.0, 2.0]), nf.Variable(0)

    @nf.function
    def f(steps: Any) -> Any:
        def body(k: Any) -> Any:
            v.assign(v * 2.0)
            n.assign_add(1)
            return k + 1

        k = nf.while_loop(lambda k: k < steps, body, [0])[0]
        return k, v + 0.0, n + 10

    k, doubled, count = f(nf.constant(3))
    assert (int(k), doubled.numpy().tolist(), int(count)) == (3, [8.0, 16.0], 13)
    assert v.numpy().tolist() == [8.0, 16.0] and n.numpy() == 3
    f(nf.constant(0))
    assert v.numpy().tolist() == [8.0, 16.0]


def test_a_condition_that_reads_what_the_body_assigns() -> None:
    """The condition sees the variable of the iteration before."""
    v = nf.Variable(1.0)

    @nf.function
    def f() -> Any:
        def body(k: Any) -> Any:
            v.assign_add(v)
            return k + 1

        return nf.while_loop(lambda k: v < 100.0, body, [0])

    assert int(f()[0]) == 7 and v.numpy() == 128.0


def test_a_variable_that_one_branch_assigns_keeps_its_value_in_the_other() -> None:
    """Both branches hand a value on."""
    v = nf.Variable(1.0)

    @nf.function
    def f(x: Any) -> Any:
        nf.cond(x > 0.0, lambda: v.assign_add(x).value(), lambda: v.value())
        return v * 1.0

    assert f(nf.constant(2.0)).numpy() == 3.0
    assert f(nf.constant(-2.0)).numpy() == 3.0 and v.numpy() == 3.0


def test_a_value_read_before_the_loop_stays_what_it_was() -> None:
    """The tensor is the old value, the variable the new one."""
    v = nf.Variable(1.0)

    @nf.function
    def f() -> Any:
        old = v.value()

        def body(k: Any, s: Any) -> Any:
            v.assign_add(1.0)
            return k + 1, s + old + v

        return nf.while_loop(lambda k, _: k < 3, body, [0, 0.0])[1]

    assert f().numpy() == 3 * 1.0 + 2.0 + 3.0 + 4.0


def test_a_training_loop_is_the_steps_one_by_one() -> None:
    """An optimizer with slots, in a loop, against the same steps called from Python."""
    rng = np.random.default_rng(0)
    xs = nf.constant(rng.normal(size=(6, 5, 3)).astype(np.float32))
    ys = nf.constant(rng.normal(size=(6, 5, 2)).astype(np.float32))
    found = []
    for staged in (True, False):
        w, b = nf.Variable(nf.ones([3, 2])), nf.Variable(nf.zeros([2]))
        optimizer = nf.optimizers.Adam(0.1)

        def step(x: Any, y: Any, w: Any = w, b: Any = b, o: Any = optimizer) -> Any:
            with nf.GradientTape() as tape:
                loss = nf.reduce_mean((nf.tanh(x @ w + b) - y) ** 2)
            o.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
            return loss

        if staged:

            @nf.function
            def train(xs: Any, ys: Any, step: Any = step) -> Any:
                first = step(xs[0], ys[0])

                def body(k: Any, _: Any) -> Any:
                    return k + 1, step(xs[k], ys[k])

                return nf.while_loop(lambda k, _: k < 6, body, [1, first])[1]

            train(xs, ys)
        else:
            compiled = nf.function(step)
            for x, y in zip(xs, ys, strict=True):
                compiled(x, y)
        found.append([w.numpy(), b.numpy()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_tape_outside_sees_variables_read_inside() -> None:
    """Gradients of variables that only a loop or a branch reads."""
    w = nf.Variable(0.5)

    @nf.function
    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            y = nf.while_loop(lambda k, _: k < 3, lambda k, s: (k + 1, s * w), [0, x])[1]
            y = nf.cond(y > 0.0, lambda: y * w, lambda: y)
        return tape.gradient(y, w)

    assert f(nf.constant(2.0)).numpy() == pytest.approx(2.0 * 4 * 0.5**3)


def test_each_iteration_draws_its_own_numbers() -> None:
    """And each call; the same after the same seed."""

    @nf.function
    def f() -> Any:
        ta = nf.TensorArray(nf.float32, size=50, element_shape=[2])

        def body(k: Any, ta: Any) -> Any:
            return k + 1, ta.write(k, nf.random.normal([2]))

        return nf.while_loop(lambda k, _: k < 50, body, [0, ta])[1].stack()

    nf.random.set_seed(3)
    a, b = f().numpy(), f().numpy()
    nf.random.set_seed(3)
    np.testing.assert_array_equal(a, f().numpy())
    assert len(np.unique(np.concatenate([a, b]))) == 200
    assert abs(a.mean()) < 0.4 and 0.7 < a.std() < 1.3


def test_a_failing_check_names_its_line_and_leaves_variables(capfd: Any) -> None:
    """Assertions inside run in each iteration."""
    v = nf.Variable(0.0)

    @nf.function
    def f(limit: Any) -> Any:
        def body(k: Any) -> Any:
            v.assign_add(1.0)
            nf.debugging.assert_less(v, limit, message="too large")  # the check
            return k + 1

        return nf.while_loop(lambda k: k < 5, body, [0])

    f(nf.constant(100.0))
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"too large[\s\S]*# the check"):
        f(nf.constant(8.0))
    assert v.numpy() == 5.0


def test_prints_and_python_code_run_in_each_iteration(capfd: Any) -> None:
    """A loop with a host call is counted by Python, with compiled bodies."""
    seen: list[int] = []

    def doubled(x: Any) -> Any:
        seen.append(int(x))
        return 2 * x

    @nf.function
    def f(n: Any) -> Any:
        def body(k: Any, s: Any) -> Any:
            got = nf.py_function(doubled, [k], nf.TensorSpec([], nf.int32))
            nf.print("at", k)
            return k + 1, s + got

        return nf.while_loop(lambda k, _: k < n, body, [0, 0])[1]

    assert int(f(nf.constant(3))) == 6 and seen == [0, 1, 2]
    assert capfd.readouterr().err.splitlines() == ["at 0", "at 1", "at 2"]


def test_only_the_chosen_branch_prints(capfd: Any) -> None:
    """Effects of the other one do not happen."""

    @nf.function
    def f(x: Any) -> Any:
        def said(word: str) -> Any:
            nf.print(word)
            return x

        return nf.cond(x > 0.0, lambda: said("yes"), lambda: said("no"))

    f(nf.constant(1.0))
    f(nf.constant(-1.0))
    assert capfd.readouterr().err.splitlines() == ["yes", "no"]


@pytest.mark.parametrize("size", [1, 3])
def test_an_interrupt_ends_an_endless_loop_and_leaves_variables(size: int) -> None:
    """In registers, and by jumps."""
    v = nf.Variable(nf.ones([size]) if size > 1 else 1.0)

    @nf.function
    def f(x: Any, least: Any) -> Any:
        v.assign(v * 5.0)
        found = nf.while_loop(lambda k, _: k > least, lambda k, s: (k + 0.0, s + x), [0.0, v * 0.0])
        v.assign(found[1])

    x = nf.constant(1.0)
    f(x, nf.constant(1.0))  # compiled: the interrupt meets the loop, not the compiler
    v.assign(nf.ones_like(v))
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        f(x, nf.constant(-1.0))
    timer.join()
    assert time.perf_counter() - begin < 20
    assert np.all(v.numpy() == 1.0)


def test_two_threads_run_one_loop_at_once() -> None:
    """A busy record is copied, tables of jumps included."""
    f = nf.function(
        lambda x, n: nf.while_loop(
            lambda k, _: k < n,
            lambda k, s: (k + 1, nf.cond(nf.equal(k % 2, 0), lambda: s * 0.5 + x, lambda: s + x)),
            [0, x],
        )[1]
    )
    n = nf.constant(4000)
    inputs = [nf.constant(np.full(5, k, np.float32)) for k in range(4)]
    want = [f(x, n).numpy() for x in inputs]
    wrong: list[int] = []

    def work(k: int) -> None:
        same = [np.array_equal(f(inputs[k], n).numpy(), want[k]) for _ in range(20)]
        wrong.extend([k] * (not all(same)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_custom_gradients_inside_of_a_loop() -> None:
    """The user's rule is asked in the backward loop; twice differentiated too."""

    @nf.custom_gradient
    def clipped(x: Any) -> Any:
        return nf.sin(x), lambda ct: ct * nf.cos(x) * 2.0

    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.while_loop(lambda k, _: k < 3, lambda k, s: (k + 1, clipped(s) + x), [0, x])[1]
        return y, tape.gradient(y, x)

    x = nf.constant(0.3)
    for a, b in zip(nf.function(f)(x), f(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_forward_mode_through_a_loop() -> None:
    """Jacobian-vector products, in a trace."""

    def f(x: Any) -> Any:
        with nf.autodiff.ForwardAccumulator(x, nf.ones_like(x)) as acc:
            y = nf.while_loop(lambda k, _: k < 3, lambda k, s: (k + 1, nf.sin(s) * x), [0, x])[1]
        return acc.jvp(y)

    x = nf.constant(np.array([0.3, 0.7]))
    np.testing.assert_allclose(nf.function(f)(x), f(x), rtol=1e-7)


def test_variables_made_inside_of_a_loop_are_made_once() -> None:
    """Those of an optimizer, and the user's own, with random first values."""

    class Model(nf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v: Any = None
            self.optimizer = nf.optimizers.Adam(0.1)

        @nf.function
        def __call__(self, x: Any) -> Any:
            def body(k: Any, s: Any) -> Any:
                if self.v is None:
                    self.v = nf.Variable(nf.random.normal([2]) * 2.0)
                with nf.GradientTape() as tape:
                    loss = nf.reduce_sum((self.v - x) ** 2)
                self.optimizer.apply_gradients([(tape.gradient(loss, self.v), self.v)])
                return k + 1, loss

            return nf.while_loop(lambda k, _: k < 200, body, [0, 0.0])[1]

    model = Model()
    assert float(model(nf.constant([1.0, 2.0]))) < 1.0
    assert float(model(nf.constant([1.0, 2.0]))) < 0.01
