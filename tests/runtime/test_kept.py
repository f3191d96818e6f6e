"""What a program makes of variables that it only reads: once, and again when they were written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.kernels.cpu import freshness
from numflow.runtime import entry, executor, native
from numflow.runtime.cells import WRITES
from numflow.runtime.kept import Kept
from tests.runtime import samples

Array = np.ndarray[Any, Any]


@pytest.fixture(params=["native", "python"])
def entries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both ways into a program."""
    if request.param == "python":
        monkeypatch.setattr(native, "layouts_known", lambda: False)
    yield


def _random(*shape: int) -> Array:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def _expected(x: Array, w: Array) -> Array:
    return np.asarray(nf.nn.conv2d(x, 2 * w, 1, "SAME"))


def _kept(f: Any, *arguments: Any) -> int:
    return int(f.get_concrete_function(*arguments)._compiled.plain().program.kept)


X, W = _random(2, 9, 8, 16), _random(3, 3, 16, 32)
WRITERS: dict[str, Callable[[nf.Variable], object]] = {
    "assign": lambda v: v.assign(v * 1.5),
    "assign_add": lambda v: v.assign_add(v),
    "a slice": lambda v: v[0, 0].assign(v[0, 0] * 3),
    "rows": lambda v: v.scatter_nd_update([[1, 1]], v[1:2, 1] * 2),
    "a program": nf.function(lambda v: v.assign_sub(v / 4)),
    "an optimizer": lambda v: nf.keras.optimizers.SGD(0.5).apply_gradients([(v * 1, v)]),
}


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize("writer", WRITERS)
def test_it_is_made_again_when_a_variable_was_written(writer: str) -> None:
    v = nf.Variable(W)
    f = nf.function(lambda x: nf.nn.conv2d(x, v * 2, 1, "SAME"))
    assert _kept(f, nf.constant(X)) > 0
    for _ in range(3):
        for _ in range(2):
            np.testing.assert_allclose(f(nf.constant(X)), _expected(X, v.numpy()), atol=1e-3)
        WRITERS[writer](v)


def test_it_is_not_made_again_otherwise() -> None:
    v, other = nf.Variable(W), nf.Variable(1.0)

    def f(x: Any) -> Any:
        other.assign_add(1.0)
        return nf.nn.conv2d(x, v * 2, 1, "SAME") + other

    g = nf.function(f)
    first = np.asarray(g(nf.constant(X))) - 2
    # Behind the back of numflow: nobody counts this write.
    v._array[...] = 0
    for k in range(3, 5):
        np.testing.assert_allclose(np.asarray(g(nf.constant(X))) - k, first, atol=1e-4)
    v.assign(v)
    np.testing.assert_array_equal(g(nf.constant(X)), np.full(first.shape, 5.0))


def test_nothing_is_kept_of_what_the_program_writes() -> None:
    v = nf.Variable(W)

    def step(x: Any) -> Any:
        with nf.GradientTape() as tape:
            loss = nf.reduce_mean(nf.nn.conv2d(x, v, 1, "SAME") ** 2)
        v.assign_sub(0.1 * tape.gradient(loss, v))
        return loss

    g = nf.function(step)
    assert _kept(g, nf.constant(X)) == 0
    losses = [float(g(nf.constant(X))) for _ in range(5)]
    assert losses == sorted(losses, reverse=True)


def test_a_frozen_base_is_kept_while_the_head_is_trained() -> None:
    base, head = nf.Variable(W, trainable=False), nf.Variable(_random(32, 4))

    def step(x: Any) -> Any:
        with nf.GradientTape() as tape:
            y = nf.reduce_mean(nf.nn.conv2d(x, base * 2, 1, "SAME"), (1, 2)) @ head
            loss = nf.reduce_mean(y**2)
        head.assign_sub(0.01 * tape.gradient(loss, head))
        return loss

    g = nf.function(step)
    assert _kept(g, nf.constant(X)) > 0
    losses = [float(g(nf.constant(X))) for _ in range(4)]
    base.assign(base * 0)
    assert g(nf.constant(X)) == 0
    assert losses == sorted(losses, reverse=True)


@pytest.mark.usefixtures("entries")
def test_captured_tensors() -> None:
    w = nf.constant(W)
    f = nf.function(lambda x: nf.nn.conv2d(x, w * 2, 1, "SAME"))
    assert _kept(f, nf.constant(X)) > 0
    for x in (X, X + 1, X[:1]):
        np.testing.assert_allclose(f(nf.constant(x)), _expected(x, W), atol=1e-3)


def test_other_tensors_in_the_place_of_captured_ones() -> None:
    w = nf.constant(W)
    f = nf.function(lambda x: nf.nn.conv2d(x, w * 2, 1, "SAME"))
    executable = f.get_concrete_function(nf.constant(X))._compiled.plain()
    for other in [W, W * 2, W.copy()]:
        (y,) = executable([X, other])
        np.testing.assert_allclose(y, _expected(X, other), atol=1e-3)


def test_later_steps_leave_it_alone() -> None:
    v = nf.Variable(W)

    def f(x: Any) -> Any:
        for _ in range(6):  # buffers that come and go
            x = nf.nn.conv2d(x, v * 2, 1, "SAME")
            x = nf.nn.softmax(x @ nf.transpose(x, (0, 1, 3, 2)) @ x)[..., :16]
        return x

    g = nf.function(f)
    first = np.array(g(nf.constant(X)))
    for _ in range(3):
        np.testing.assert_array_equal(g(nf.constant(X)), first)


def test_sizes_that_depend_on_values() -> None:
    v = nf.Variable(W)

    def f(x: Any, m: Any) -> Any:
        y = nf.nn.conv2d(x, v * 2, 1, "SAME")
        return nf.nn.conv2d(nf.boolean_mask(y, m)[..., :16], v * 2, 1, "SAME")

    g = nf.function(f)
    for k in range(4):
        mask = np.array([k % 2 == 0, True])
        middle = _expected(X, v.numpy())[mask][..., :16]
        y = g(nf.constant(X), nf.constant(mask))
        np.testing.assert_allclose(y, _expected(middle, v.numpy()), rtol=1e-3, atol=0.1)
        if k == 1:
            v.assign(v * 0.5)


def test_threads() -> None:
    """Copies of a plan, made while it runs, make their own; a value is never half of each."""
    v = nf.Variable(np.ones((3, 3, 16, 32), np.float32))
    f = nf.function(lambda x: nf.nn.conv2d(x, v * 1, 1, "VALID"))
    x = nf.constant(np.ones((1, 40, 40, 16), np.float32))
    f(x)
    bad: list[float] = []

    def read() -> None:
        for _ in range(150):
            y = np.asarray(f(x))
            if not 143.9 < float(y.min()) <= float(y.max()) < 288.1:
                bad.append(float(y.min()))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for t in readers:
        t.start()
    for k in range(200):
        v.assign(np.full(v.shape, 1.0 + k % 2, np.float32))
    for t in readers:
        t.join()
    assert not bad
    v.assign(v * 0 + 3)
    for _ in range(8):
        np.testing.assert_allclose(f(x), np.full((1, 38, 38, 32), 432.0), rtol=1e-4)


def test_a_count_is_even_while_nobody_writes() -> None:
    v = nf.Variable(1.0)
    writes: list[Callable[[], object]] = [lambda: v.assign(2.0), lambda: v.assign_add(2.0), v.numpy]
    for write in writes:
        write()
        assert v._row[WRITES] % 2 == 0
    with v._lock:
        assert v._row[WRITES] % 2 == 1
        with v._lock:
            assert v._row[WRITES] % 2 == 1
    assert v._row[WRITES] % 2 == 0


def test_who_writes_meanwhile_makes_it_stale() -> None:
    """The kernels alone: what was seen odd is never noted."""
    v = nf.Variable(1.0)
    context, out = entry.new_context(), np.zeros(1, np.int64)
    address = native.address_function()
    kept = Kept(address(context), [v], 0)
    args = samples.block(address(context), address(out))
    step = executor.kernel(samples.addresses()["count"], args, 1, 1)
    record = entry.make_call(
        kept.around([step]), context=context, long=False, first_write=4, made=kept.made
    )

    def stale() -> bool:
        record.call()
        return bool(kept._block[freshness.STALE])

    assert stale() and not stale()
    v.assign(2.0)
    assert stale() and not stale()
    with v._lock:
        assert stale() and stale()
    assert stale() and not stale()
    twin = record.copy()
    assert twin.parts.instructions[0].args is not None
    assert twin.parts.instructions[0].args[freshness.MADE] == 0


def test_explain_says_so() -> None:
    v = nf.Variable(W)
    f = nf.function(lambda x: nf.nn.conv2d(x, v * 2, 1, "SAME"))
    assert "kept from call to call" in str(f.explain(nf.constant(X)))
