"""Large operands: first the reference, later a compiled program of the op; the same values."""

import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.eager import large
from numflow.eager.apply import eager
from numflow.eager.arithmetic import LARGE
from numflow.eager.tensor import EagerTensor
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op

N = 66_047  # a prime beyond 64 k


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> large.Programs:
    """Programs that nobody has asked for anything, and that count what they answered."""
    fresh = Counting()
    monkeypatch.setattr(large, "programs", fresh)
    monkeypatch.setattr(large, "enabled", True)
    monkeypatch.setattr(large, "STREAMED", LARGE)
    monkeypatch.setattr(eager, "_inferred", {})  # where it stands which ops are large
    return fresh


class Counting(large.Programs):
    def __init__(self) -> None:
        super().__init__()
        self.answers = 0

    def run(self, *args: Any) -> Any:
        got = super().run(*args)
        self.answers += got is not None
        return got


def normal(*shape: int, dtype: str = "float32") -> Any:
    return nf.constant(np.random.default_rng(3).normal(size=shape).astype(dtype))


OPS: list[tuple[str, Callable[[Any], Any]]] = [
    ("exp", nf.exp),
    ("erf", nf.math.erf),
    ("add", lambda x: x + x),
    ("broadcast", lambda x: x * x[0]),
    ("number", lambda x: x - 0.5),
    ("less", lambda x: x < 0.25),
    ("relu", nf.nn.relu),
    ("leaky_relu", lambda x: nf.nn.leaky_relu(x, 0.1)),
    ("sum", nf.reduce_sum),
    ("sum of rows", lambda x: nf.reduce_sum(x, axis=1)),
    ("sum of columns", lambda x: nf.reduce_sum(x, axis=0, keepdims=True)),
    ("max", lambda x: nf.reduce_max(x, axis=-1)),
    ("softmax", nf.nn.softmax),
    ("log_softmax", nf.nn.log_softmax),
    ("matmul", lambda x: nf.matmul(x, x, transpose_b=True)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "f"), OPS)
def test_the_program_gives_what_the_reference_gave(
    programs: Counting, name: str, f: Callable[[Any], Any], dtype: str
) -> None:
    x = normal(257, 263, dtype=dtype)
    first = f(x)
    assert programs.answers == 0 and programs.wait()
    second = f(x)
    assert programs.answers >= 1, name
    assert second.spec == first.spec and second._array.shape == first._array.shape
    assert second._array.dtype == first._array.dtype
    rtol = 3e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(second.numpy(), first.numpy(), rtol=rtol, atol=rtol)


def test_weights_are_drawn_without_a_program(programs: Counting) -> None:
    """Numbers that are drawn again and again get one, and are the same."""
    for _ in range(3):
        nf.random.normal((257, 263))
    assert not programs._asked
    for _ in range(20):
        first = nf.random.stateless_normal((257, 263), [1, 2])
    assert programs.wait() and len(programs._ready) == 1
    again = nf.random.stateless_normal((257, 263), [1, 2])
    assert programs.answers >= 1
    np.testing.assert_array_equal(first.numpy(), again.numpy())


def _gradient_of_a_pool(x: Any) -> Any:
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.nn.max_pool2d(x, 2, 2, "SAME")
    return tape.gradient(y, x)


POOLS: list[tuple[str, Callable[[Any], Any], int]] = [
    ("moments", lambda x: nf.stack(nf.nn.moments(x, [0, 1, 2])), 1),
    ("max_pool", lambda x: nf.nn.max_pool2d(x, 3, 2, "SAME"), 1),
    ("avg_pool", lambda x: nf.nn.avg_pool2d(x, 3, 2, "SAME"), 1),
    ("argmax", lambda x: nf.nn.max_pool_with_argmax(x, 3, 2, "SAME")[1], 1),
    ("gradient", _gradient_of_a_pool, 3),
    ("conv2d", lambda x: nf.nn.conv2d(x, nf.ones((3, 3, 11, 7)), 2, "SAME") / 99, 1),
    ("depthwise", lambda x: nf.nn.depthwise_conv2d(x, nf.ones((3, 3, 11, 1)), 1, "SAME") / 9, 1),
]


@pytest.mark.parametrize(("name", "f", "answers"), POOLS)
def test_pools_and_moments_have_programs(
    programs: Counting, name: str, f: Callable[[Any], Any], answers: int
) -> None:
    """Several outputs, and places in bytes, too."""
    x = normal(3, 71, 67, 11)
    first = f(x)
    assert programs.answers == 0 and programs.wait()
    second = f(x)
    assert programs.answers >= answers, name
    assert second.spec == first.spec and second._array.dtype == first._array.dtype
    np.testing.assert_allclose(second.numpy(), first.numpy(), rtol=3e-5, atol=3e-5)


def test_another_shape_of_the_pattern_compiles_nothing(
    programs: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Op] = []
    compile_op = large.compile_op

    def counted(op: Op, *rest: Any) -> Any:
        made.append(op)
        return compile_op(op, *rest)

    monkeypatch.setattr(large, "compile_op", counted)
    for n in (N, N + 4, N + 10):
        x = normal(n)
        nf.exp(x)
        assert programs.wait()
        np.testing.assert_allclose(nf.exp(x).numpy(), np.exp(x.numpy()), rtol=3e-7)
    assert len(made) == 1 and programs.answers == 3


def test_small_operands_ask_for_nothing(programs: Counting) -> None:
    nf.exp(normal(101)), normal(7, 11) + 1.0
    assert not programs._asked


def test_what_only_streams_is_large_later(programs: Counting, monkeypatch: Any) -> None:
    monkeypatch.setattr(large, "STREAMED", 2 * N)
    x = normal(N)
    x + x, nf.abs(x), x < x
    assert not programs._asked
    y = normal(2 * N)
    y + y
    assert len(programs._asked) == 1 and programs.wait()


def test_integers_and_what_lies_in_strides_stay_with_the_reference(programs: Counting) -> None:
    n = nf.range(N)
    (n + n), (n // 3)
    assert not programs._asked
    x = EagerTensor(normal(257, 263).numpy().T)
    for _ in range(2):
        np.testing.assert_array_equal(nf.abs(x).numpy(), np.abs(x.numpy()))
        assert programs.wait()
    assert programs.answers == 0


def test_results_are_not_written_again_while_somebody_has_them(programs: Counting) -> None:
    x = normal(N)
    nf.square(x)
    assert programs.wait()
    kept = [nf.square(x + float(k)) for k in range(4)]
    assert programs.wait()
    kept += [nf.square(x + float(k)) for k in range(4)]
    for k, y in enumerate(kept):
        np.testing.assert_allclose(y.numpy(), np.square(x.numpy() + np.float32(k % 4)), rtol=1e-6)


def test_a_tape_records_what_a_program_answered(programs: Counting) -> None:
    x = normal(N)
    for _ in range(2):
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_sum(nf.sin(x))
        gradient = tape.gradient(y, x)
        np.testing.assert_allclose(gradient.numpy(), np.cos(x.numpy()), rtol=1e-5, atol=1e-6)
        assert programs.wait()
    assert programs.answers > 0


def test_a_failure_is_told_once_and_the_reference_answers(
    programs: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("no code")

    monkeypatch.setattr(large, "compile_op", broken)
    x = normal(N)
    nf.exp(x)
    assert programs.wait()
    with pytest.warns(UserWarning) as told:
        assert nf.exp(x).numpy()[0] == np.exp(x.numpy()[0])
    assert str(told[0].message) == (
        "an eager op could not be compiled, NumPy runs it: exp: KeyError: 'no code'"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nf.exp(x), nf.abs(x)
        assert programs.wait()
        nf.abs(x)
    assert programs.answers == 0


def test_without_memory_for_a_program_the_reference_answers(
    programs: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = normal(N)
    first = nf.exp(x)
    assert programs.wait()

    def full(_: Any) -> Any:
        raise MemoryError

    for signature in programs._ready:
        monkeypatch.setitem(programs._ready, signature, full)
    np.testing.assert_array_equal(nf.exp(x).numpy(), first.numpy())
    assert programs.answers == 0


def test_without_a_thread_the_reference_answers(
    programs: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    x = normal(N)
    for _ in range(2):
        np.testing.assert_allclose(nf.exp(x).numpy(), np.exp(x.numpy()), rtol=1e-6)
    assert programs.wait(1.0) and programs.answers == 0


def test_several_threads(programs: Counting) -> None:
    xs = [normal(N + k) for k in range(4)]
    bad: list[int] = []

    def work(k: int) -> None:
        for _ in range(8):
            if not np.allclose(nf.exp(xs[k]).numpy(), np.exp(xs[k].numpy()), rtol=1e-6):
                bad.append(k)
            programs.wait()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad and programs.answers >= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_compiles_on() -> None:
    code = """
import os, warnings
import numpy as np, numflow as nf
from numflow.eager import large
warnings.simplefilter("ignore")
x = nf.constant(np.ones(70_000, np.float32))
nf.exp(x), nf.sin(x), nf.tanh(x)  # the thread is busy with them
pid = os.fork()
if pid == 0:
    nf.cos(x), nf.exp(x)
    good = large.wait(30) and large.programs.run is not None
    good = good and np.allclose(nf.cos(x).numpy(), np.cos(1.0)) and len(large.programs._ready) >= 2
    os._exit(0 if good else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert large.wait(30) and len(large.programs._ready) == 3
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_a_process_may_end_while_something_compiles() -> None:
    code = """
import numpy as np, numflow as nf
x = nf.constant(np.ones(70_000, np.float32))
nf.exp(x), nf.math.erf(x), nf.nn.softmax(x), nf.reduce_sum(x)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_the_environment_turns_it_off() -> None:
    code = """
import numpy as np, numflow as nf
from numflow.eager import large
x = nf.constant(np.ones(70_000, np.float32))
nf.exp(x)
assert not large.enabled and not large.programs._asked
"""
    environment = {**os.environ, "NUMFLOW_EAGER": "reference"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100, env=environment)


def test_what_has_an_effect_is_never_compiled() -> None:
    spec = normal(N).spec
    op = Op.__new__(Op)
    op.name = "drawn"
    op.lower, op.reference, op.effect = Elementwise(lambda b, x: x), np.exp, "random"
    assert not large.is_candidate(op, [spec], [spec])
    op.effect = ""
    assert large.is_candidate(op, [spec], [spec])
