"""nf.test: TestCase, compute_gradient, Benchmark, and what the machine has."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf


class _Case(nf.test.TestCase):
    __test__ = False

    def runTest(self) -> None:
        """Nothing: its assertions are called from outside."""


CASE = _Case()
BFLOAT = nf.constant([1.0, 2.0], nf.bfloat16)

HOLD: list[Callable[[], Any]] = [
    lambda: CASE.assertAllEqual(nf.constant([1, 2]), [1, 2]),
    lambda: CASE.assertAllEqual([np.nan], nf.constant([np.nan])),
    lambda: CASE.assertAllEqual(nf.constant(["a"]), [b"a"]),
    lambda: CASE.assertAllEqual(BFLOAT, [1.0, 2.0]),
    lambda: CASE.assertNotAllEqual([1, 2], [1, 3]),
    lambda: CASE.assertNotAllEqual([1, 2], [1]),
    lambda: CASE.assertAllClose([1.0, 2.0], nf.constant([1.0, 2.0000002])),
    lambda: CASE.assertAllClose({"a": [nf.constant(1.0), 2.0]}, {"a": [1.0, 2.0]}),
    lambda: CASE.assertAllClose([nf.ones([2]), 1.0], [np.ones(2), nf.constant(1.0)]),
    lambda: CASE.assertAllClose(BFLOAT, [1.001, 2.0], atol=1e-2),
    lambda: CASE.assertNotAllClose([1.0], [1.1]),
    lambda: CASE.assertAllCloseAccordingToType(nf.constant([1.0], nf.float16), [1.0005]),
    lambda: CASE.assertNear(1.0, nf.constant(1.05), 0.1),
    lambda: CASE.assertArrayNear([1.0, 2.0], [1.01, 2.0], 0.1),
    lambda: CASE.assertNDArrayNear(nf.ones([2]), np.ones(2), 1e-6),
    lambda: CASE.assertAllGreater(nf.constant([1.0, 2.0]), 0),
    lambda: CASE.assertAllLess([1.0, 2.0], 3),
    lambda: CASE.assertAllGreaterEqual([1, 2], 1),
    lambda: CASE.assertAllLessEqual([1, 2], 2),
    lambda: CASE.assertAllInRange([1, 3], 1, 3),
    lambda: CASE.assertAllInSet([1, 3], {1, 2, 3}),
    lambda: CASE.assertShapeEqual(np.ones([2, 3]), nf.ones([2, 3])),
    lambda: CASE.assertDTypeEqual(nf.constant(1), nf.int32),
    lambda: CASE.assertDTypeEqual(np.ones(2), np.float64),
    lambda: CASE.assertDeviceEqual("/cpu:0", "CPU:0"),
    lambda: CASE.assertStartsWith("abc", "ab"),
    lambda: CASE.assertLen([1, 2], 2),
    lambda: CASE.assertEmpty([]),
    lambda: CASE.assertNotEmpty([1]),
]

FAIL: list[tuple[Callable[[], Any], str]] = [
    (lambda: CASE.assertAllEqual([1, 2], [1, 3], "mine"), "not close where = [[1]]"),
    (lambda: CASE.assertAllEqual([1, 2], [1, 2, 3]), "Shape mismatch: expected (2,), got (3,)."),
    (lambda: CASE.assertNotAllEqual([1], [1]), "Both arrays are equal"),
    (lambda: CASE.assertAllClose([1.0, 2.0], [1.0, 2.1]), "not close rtol = 1e-06, atol = 1e-06"),
    (lambda: CASE.assertAllClose({"a": [1.0]}, {"a": [2.0]}), "at ['a']"),
    (lambda: CASE.assertAllClose({"a": 1.0}, {"b": 1.0}), "mismatched keys"),
    (lambda: CASE.assertAllClose([nf.ones([2])], [nf.ones([2])] * 2), "Mismatched length: 1, 2"),
    (lambda: CASE.assertNotAllClose([1.0], [1.0]), "close at all elements"),
    (lambda: CASE.assertNear(1.0, 2.0, 0.1), "1.0 != 2.0 +/- 0.1"),
    (lambda: CASE.assertNDArrayNear(np.ones(2), np.zeros(2), 0.1), "apart, not below 0.1"),
    (lambda: CASE.assertAllGreater([1, 5], 3), "element [0], 1"),
    (lambda: CASE.assertAllInRange([1, 5], 1, 5, open_lower_bound=True), "not in (1, 5]"),
    (lambda: CASE.assertAllInSet([[1, 5]], [1]), "element [0, 1], 5"),
    (lambda: CASE.assertShapeEqual(np.ones(2), nf.ones([3])), "(2,), (3,)"),
    (lambda: CASE.assertDTypeEqual(nf.constant(1.0), "int32"), "float32, not int32"),
    (lambda: CASE.assertStartsWith("abc", "b"), "'abc' does not start with 'b'"),
    (lambda: CASE.assertLen([1], 2), "has length of 1, expected 2"),
]


@pytest.mark.parametrize("run", HOLD)
def test_assertions_that_hold(run: Callable[[], Any]) -> None:
    run()


@pytest.mark.parametrize(("run", "text"), FAIL)
def test_assertions_that_fail(run: Callable[[], Any], text: str) -> None:
    with pytest.raises(AssertionError) as caught:
        run()
    assert text in str(caught.value)


def test_errors_that_are_expected() -> None:
    with CASE.assertRaisesOpError("not finite|NaN"):
        nf.debugging.check_numerics([np.nan], "m")
    with CASE.assertRaisesWithPredicateMatch(ValueError, lambda e: "mine" in str(e)):
        raise ValueError("mine")
    with CASE.assertRaisesIncompatibleShapesError():
        nf.add(nf.ones([2]), nf.ones([3]))
    with pytest.raises(AssertionError, match="OpError not raised"), CASE.assertRaisesOpError("x"):
        pass
    with (
        pytest.raises(AssertionError, match="Exception of type"),
        CASE.assertRaisesWithPredicateMatch(ValueError, "other"),
    ):
        raise ValueError("mine")


def test_evaluate_threads_and_folders() -> None:
    got = CASE.evaluate({"a": nf.constant(1), "b": [nf.Variable(2.0), 3]})
    assert got == {"a": 1, "b": [2.0, 3]}
    seen: list[int] = []
    thread = CASE.checkedThread(seen.append, args=(1,))
    thread.start()
    thread.join()
    assert seen == [1] and not thread.is_alive()
    thread = CASE.checkedThread(lambda: 1 / 0)
    thread.start()
    with pytest.raises(AssertionError, match="division by zero"):
        thread.join()


def test_each_test_begins_with_the_same_seeds() -> None:
    class Seeded(nf.test.TestCase):
        def test_one(self) -> None:
            drawn.append((random.random(), nf.random.uniform([]).numpy().item()))
            self.assertTrue(self.get_temp_dir())

    drawn: list[tuple[float, float]] = []
    for _ in range(2):
        result = Seeded("test_one").run()
        assert result is not None and result.wasSuccessful()
    assert drawn[0] == drawn[1]


def test_compute_gradient() -> None:
    """Two Jacobians per argument, of any shapes."""

    def f(x: nf.Tensor, y: nf.Tensor) -> nf.Tensor:
        return nf.matmul(x, y)

    x, y = nf.constant([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]]), nf.constant([[2.0], [-1.0]])
    theoretical, numerical = nf.test.compute_gradient(f, [x, y])
    assert [a.shape for a in theoretical] == [(3, 6), (3, 2)]
    for one, two in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-3)
    np.testing.assert_array_equal(theoretical[1], x.numpy())
    empty, _ = nf.test.compute_gradient(nf.square, [nf.zeros([0])])
    assert empty[0].shape == (0, 0)
    for wrong in (3.0, [nf.constant(1)]):
        with pytest.raises(ValueError, match="compute_gradient: "):
            nf.test.compute_gradient(nf.square, wrong)


def test_benchmarks_report() -> None:
    class Two(nf.test.Benchmark):
        def benchmark_first(self) -> None:
            found = self.run_op_benchmark(lambda: nf.ones([2]), min_iters=3, name="ones")
            assert found["wall_time"] > 0

        def benchmark_second(self) -> None:
            self.report_benchmark(iters=1, extras={"k": 2})

    reports = Two().run()
    assert [r["name"] for r in reports] == ["ones", "Two.benchmark_second"]
    assert reports[1] == {"name": "Two.benchmark_second", "iters": 1, "extras": {"k": 2}}
    assert nf.test.Benchmark.is_abstract() and not Two.is_abstract()


def test_there_is_no_gpu() -> None:
    found = [nf.test.is_gpu_available(), nf.test.is_built_with_cuda(), nf.test.is_built_with_rocm(),
             nf.test.is_built_with_gpu_support(), nf.test.is_built_with_xla()]  # fmt: skip
    assert found == [False] * 5 and nf.test.gpu_device_name() == ""


def test_assert_equal_graph_def() -> None:
    one, two = (
        nf.function(f).get_concrete_function(nf.TensorSpec([2]))
        for f in (lambda x: x + 1.0, lambda x: x * 2.0)
    )
    nf.test.assert_equal_graph_def(one, one.graph)
    with pytest.raises(AssertionError, match="the graphs differ in line"):
        nf.test.assert_equal_graph_def(one, two)


def test_main_runs_the_tests_of_a_module(capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        nf.test.main(argv=["numflow", "--help"])
    assert ended.value.code == 0 and "usage" in capsys.readouterr().out
