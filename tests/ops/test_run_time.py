"""Sizes that depend on values, in traces: as eager, whatever the values are, in few traces."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops import checks, run_time, unique
from tests.contract import Case, bools, check, ids, ints


def _counts(mask: Any) -> Any:
    cuts = [len(mask) * k // 64 for k in range(65)]
    return np.array([mask[a:b].sum() for a, b in itertools.pairwise(cuts)])


def _op(run: Any) -> Any:
    """run, of a tensor in place of an array."""

    def called(x: Any) -> Any:
        return run(nf.convert_to_tensor(x))

    return called


TRUE = 29  # of the bools drawn below


def _positions(x: Any) -> Any:
    counts = run_time.count_true_op(x)
    return run_time.positions_op(x, counts, count=TRUE)


def _mask(x: Any) -> Any:
    """A mask of which TRUE elements are true, whatever was drawn."""
    return x < TRUE


def _indexed(x: Any) -> Any:
    return checks.index_within_op(x < 0, x, nf.constant(9), op="f", name="x")


CASES = [
    Case(_op(lambda x: _indexed(x * x)), lambda x: x > 99, [ints(5)]),
    *(Case(_op(run_time.count_true_op), _counts, [bools(n)]) for n in (0, 7, 67, 1031)),
    Case(
        _op(lambda x: _positions(_mask(nf.argsort(x)))),
        lambda x: np.flatnonzero(_mask(np.argsort(x, kind="stable"))),
        [ints(67)],
    ),
    Case(_op(lambda x: run_time.quotient_op(x, x * x + 1)), lambda x: x // (x * x + 1), [ints(7)]),
    Case(_op(lambda x: checks.checked_count(x * x, "f", "x")), np.square, [ints(5)]),
    Case(
        _op(lambda x: unique.unique_op(x, out_idx=nf.int32)[3]),
        lambda x: np.int64(len(np.unique(x))),
        [ints(11)],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """What every op keeps."""
    check(case)


def _stitched(x: Any, v: Any, n: Any) -> Any:
    number = nf.abs(v) % 3
    parts = nf.dynamic_partition(x, number, 3)
    places = nf.dynamic_partition(nf.range(nf.shape(x)[0]), number, 3)
    return *parts, nf.dynamic_stitch(places, [2.0 * p for p in parts])


def _chosen(x: Any, v: Any, n: Any) -> Any:
    y = nf.boolean_mask(x, v > 0)
    z = nf.boolean_mask(y, y[:, 0] > 0)
    return y, z, nf.concat([z, y], 0), nf.reduce_mean(z), nf.shape(z), nf.size(y)


def _against_each_other(x: Any, v: Any, n: Any) -> Any:
    here, there = nf.boolean_mask(x, v > 0), nf.boolean_mask(x * 2, nf.logical_not(v <= 0))
    return here - there, here @ nf.transpose(there), nf.where(here > 0, here, there)


# x: float [rows, 3], v: int [rows], n: int scalar in [1, 4]
RUNS: dict[str, Any] = {
    "boolean_mask": lambda x, v, n: nf.boolean_mask(x, v > 0),
    "boolean_mask along axis 1": lambda x, v, n: nf.boolean_mask(nf.transpose(x), v > 0, axis=1),
    "boolean_mask of elements": lambda x, v, n: nf.boolean_mask(x, x > 0),
    "getitem": lambda x, v, n: (x[v > 0], x[x < 0], x[:, n:][v < 0]),
    "where": lambda x, v, n: (nf.where(v > 0), nf.where(x > 0), nf.where(v), nf.where(n > 2)),
    "gather of where": lambda x, v, n: nf.gather(x, nf.where(v > 0)[:, 0]),
    "gather_nd of where": lambda x, v, n: nf.gather_nd(x, nf.where(x > 0)),
    "where of where": lambda x, v, n: nf.where(nf.where(x > 0) > 1),
    "one after the other": _chosen,
    "the same mask twice": _against_each_other,
    "matmul": lambda x, v, n: nf.boolean_mask(x, v > 0) @ nf.ones([3, 5], x.dtype),
    "softmax": lambda x, v, n: nf.nn.softmax(nf.boolean_mask(x, v > 0)),
    "sums": lambda x, v, n: [
        f(nf.boolean_mask(x, v > 0), 0) for f in (nf.reduce_sum, nf.reduce_mean, nf.reduce_max)
    ],
    "sort": lambda x, v, n: nf.sort(nf.boolean_mask(v, v > 0)),
    "cumsum": lambda x, v, n: nf.cumsum(nf.boolean_mask(x, v > 0)),
    "slices of it": lambda x, v, n: [
        nf.boolean_mask(x, v > 0)[k] for k in (np.s_[:2], np.s_[1:], np.s_[:-1], np.s_[::-2, 1:])
    ],
    "zeros_like": lambda x, v, n: nf.zeros_like(nf.boolean_mask(x, v > 0)) + 1,
    "pad": lambda x, v, n: nf.pad(nf.boolean_mask(x, v > 0), [[0, 4 - n], [1, 0]]),
    "unique": lambda x, v, n: nf.unique(v),
    "unique_with_counts": lambda x, v, n: nf.unique_with_counts(v),
    "dynamic_partition and stitch": _stitched,
    "range": lambda x, v, n: (nf.range(n), nf.range(n, 2 * n, 2), nf.range(n, 0, -1)),
    "range of floats": lambda x, v, n: nf.range(0.5, nf.cast(n, nf.float32), 0.25),
    "fill": lambda x, v, n: (nf.fill([n, 2], 7.0), nf.zeros([n]), nf.ones(nf.stack([2, n]))),
    "eye and one_hot": lambda x, v, n: (nf.eye(n), nf.one_hot(v, n), nf.linspace(0.0, 1.0, n)),
    "reshape": lambda x, v, n: nf.reshape(nf.range(12), [n, -1]),
    "broadcast_to": lambda x, v, n: nf.broadcast_to(x, [n, nf.shape(x)[0], 3]),
    "tile": lambda x, v, n: nf.tile(x, [1, n]),
    "repeat": lambda x, v, n: (nf.repeat(x, n, 0), nf.repeat(x, nf.abs(v), 0), nf.repeat(x, n)),
    "slices": lambda x, v, n: (x[:n], x[n:], x[-n:], x[n::-1], x[: n - 3, n % 3], x[n - 5 : n]),
    "slice": lambda x, v, n: nf.slice(x, [0, n - n], [0, 2]),
    "segment_sum": lambda x, v, n: (
        nf.math.segment_sum(x, nf.sort(nf.abs(v))),
        nf.math.segment_max(x, nf.sort(nf.abs(v))),
        nf.math.unsorted_segment_mean(x, nf.abs(v) - 1, n + 3),
    ),
    "bincount": lambda x, v, n: (
        nf.math.bincount(nf.abs(v)),
        nf.math.bincount(nf.abs(v), minlength=3, maxlength=n),
        nf.math.confusion_matrix(nf.abs(v), v * v % 3),
    ),
    "random": lambda x, v, n: nf.shape(nf.random.uniform([n, 3])),
    "larger of a size and a number": lambda x, v, n: nf.zeros([nf.maximum(nf.shape(x)[0], 5)]),
}


def _draw(rng: np.random.Generator, rows: int, share: float) -> tuple[Any, Any, Any]:
    sign = np.where(rng.random(rows) < share, 1, -1)
    x = rng.uniform(0.1, 2.0, (rows, 3)) * np.where(rng.random((rows, 3)) < share, 1, -1)
    return x, (rng.integers(1, 4, rows) * sign).astype(np.int32), np.int32(rng.integers(1, 5))


DRAWS = [(7, 0.5), (7, 0.5), (7, 0.0), (7, 1.0), (5, 0.5), (11, 0.3), (1, 1.0), (0, 0.5)]


@pytest.mark.parametrize("name", RUNS)
def test_as_eager_whatever_the_values_are(name: str) -> None:
    """Values, shapes and dtypes, also where nothing is chosen; a second size of the batch makes the
    second trace, and an axis without elements may make one of its own."""
    run = RUNS[name]
    compiled: Any = nf.function(run)
    rng = np.random.default_rng(7)
    for rows, share in DRAWS:
        if rows < 1 and name == "sums":
            continue  # NumPy has no maximum of nothing
        arguments = [nf.constant(a) for a in _draw(rng, rows, share)]
        with np.errstate(all="ignore"):
            want = nf.nest.flatten(run(*arguments))
        got = nf.nest.flatten(compiled(*arguments))
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype, (rows, share)
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-12)
    assert compiled.experimental_get_tracing_count() <= 3


DIFFERENTIABLE = (
    *("boolean_mask", "boolean_mask along axis 1", "boolean_mask of elements", "getitem"),
    *("gather of where", "gather_nd of where", "one after the other", "the same mask twice"),
    *("matmul", "softmax", "cumsum", "slices of it", "dynamic_partition and stitch", "tile"),
    *("repeat", "slices", "broadcast_to", "pad"),
)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_as_eager(name: str) -> None:
    """A tape in the function, one around it, and the second derivative; also of nothing."""

    def total(x: Any, v: Any, n: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            results = nf.nest.flatten(RUNS[name](x * x, v, n))
            parts = [nf.reduce_sum(y * y) for y in results if y.dtype.is_floating]
            loss = nf.add_n(parts[:3])
        return loss, tape.gradient(loss, x)

    def outside(run: Any, *arguments: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(arguments[0])
            loss, gradient = run(*arguments)
        return loss, gradient, tape.gradient(gradient, arguments[0])

    compiled: Any = nf.function(total)
    rng = np.random.default_rng(5)
    for rows, share in [(7, 0.5), (5, 0.7), (5, 0.0), (6, 0.4)]:
        arguments = [nf.constant(a) for a in _draw(rng, rows, share)]
        with np.errstate(all="ignore"):
            want = outside(total, *arguments)
        for a, b in zip(outside(compiled, *arguments), want, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-9, 1e-9)


def test_shapes_that_user_code_sees() -> None:
    """None where a size depends on values, as in TensorFlow; nf.shape has the number."""
    seen: list[Any] = []

    @nf.function
    def run(x: Any) -> Any:
        y = nf.boolean_mask(x, x[:, 0] > 0)
        seen.append((y.shape.as_list(), y.shape[0], y.shape.rank, y.shape.is_fully_defined()))
        return nf.shape(y)

    assert run(nf.constant([[1.0, 2.0], [-1.0, 0.0], [3.0, 4.0]])).numpy().tolist() == [2, 2]
    assert seen == [([None, 2], None, 2, False)]
    concrete = run.get_concrete_function(nf.TensorSpec([3, 2], nf.float32))
    assert concrete.outputs[0].shape == (2,)


def test_training_on_what_is_chosen() -> None:
    """An optimizer behind a mask: as by hand, for any count, in two traces."""
    rng = np.random.default_rng(11)
    start = rng.standard_normal((3, 2))
    w = nf.Variable(start)
    optimizer = nf.optimizers.SGD(0.1)

    @nf.function
    def step(x: Any, y: Any) -> Any:
        with nf.GradientTape() as tape:
            h = nf.boolean_mask(x, y > 0) @ w
            h = nf.boolean_mask(h, nf.reduce_sum(h * h, 1) < 2.0)
            loss = nf.reduce_sum(h * h)
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        return loss

    for rows, share in [(7, 0.5), (7, 0.4), (11, 0.5), (11, 0.0), (3, 1.0)]:
        x, y, _ = _draw(rng, rows, share)
        before = w.numpy()
        loss = float(step(nf.constant(x), nf.constant(y)))
        h = x[y > 0] @ before
        near = (h * h).sum(1) < 2.0
        np.testing.assert_allclose(loss, (h[near] ** 2).sum(), 1e-12)
        np.testing.assert_allclose(w.numpy(), before - 0.2 * x[y > 0][near].T @ h[near], 1e-6)
    assert step.experimental_get_tracing_count() <= 3


def test_many_counts_keep_few_plans() -> None:
    """A loop whose count is another one each time: one trace, nothing compiled after the first, a
    bounded number of plans and one arena."""
    run = nf.function(lambda x, k: nf.reduce_sum(nf.boolean_mask(x, x < k)))
    x = nf.range(1000, dtype=nf.float64)
    for k in range(0, 1000, 3):
        assert float(run(x, nf.constant(float(k), nf.float64))) == k * (k - 1) / 2
    concrete, _ = run.find(x, nf.constant(0.0, nf.float64))
    (plan,) = concrete.plain()._plans.values()
    assert len(plan._following) <= 64 and len(plan._arenas) == 1
    assert run.experimental_get_tracing_count() == 1


def _chosen_squares(x: Any) -> Any:
    return nf.boolean_mask(x, x > 0) ** 2


@nf.custom_gradient
def _tripled(x: Any) -> Any:
    """What is positive, with three times its gradient."""

    def gradient(ct: Any) -> Any:
        return nf.scatter_nd(nf.where(x > 0), 3.0 * ct, nf.shape(x))

    return nf.boolean_mask(x, x > 0), gradient


@pytest.mark.parametrize("compiled", [False, True], ids=["tape around", "tape inside"])
@pytest.mark.parametrize(
    ("run", "slope"),
    [
        (_chosen_squares, lambda x: 2.0 * x),
        (nf.recompute_grad(_chosen_squares), lambda x: 2.0 * x),
        (_tripled, lambda x: 3.0 + 0.0 * x),
    ],
    ids=["plain", "recompute_grad", "custom_gradient"],
)
def test_gradients_that_choose_again(run: Any, slope: Any, compiled: bool) -> None:
    """Rules that compute a mask anew have sizes that turn out to be those of before."""
    total = nf.function(lambda x: nf.reduce_sum(run(x)))

    def gradient(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = total(x)
        return tape.gradient(y, x)

    call = nf.function(gradient) if compiled else gradient
    rng = np.random.default_rng(2)
    for n in (7, 5, 0):
        x = rng.standard_normal(n)
        np.testing.assert_allclose(call(nf.constant(x)), np.where(x > 0, slope(x), 0.0), 1e-12)


def test_derivatives_in_forward_mode() -> None:
    """Through what is chosen."""

    @nf.function
    def run(x: Any) -> Any:
        with nf.autodiff.ForwardAccumulator(x, nf.ones_like(x)) as forward:
            y = nf.reduce_sum(_chosen_squares(x))
        return forward.jvp(y)

    assert float(run(nf.constant([3.0, -1.0, 4.0]))) == 14.0


def test_all_of_an_axis_keeps_its_size() -> None:
    """[:, 0] of rows that a mask chose still goes with other rows of that mask."""

    @nf.function
    def sums(rows: nf.Tensor, keep: nf.Tensor) -> nf.Tensor:
        some = nf.boolean_mask(rows, keep)
        assert some[:, 0].spec.shape == some[::-1, 0].spec.shape == some.spec.shape[:1]
        return nf.math.unsorted_segment_sum(some, some[:, 0], 3)

    rows = nf.constant([[0, 5], [1, 6], [0, 7]])
    for keep in ([True, False, True], [False] * 3):
        want = np.zeros((3, 2), np.int32)
        np.add.at(want, np.array([0, 1, 0])[keep], np.asarray(rows)[keep])
        np.testing.assert_array_equal(sums(rows, nf.constant(keep)), want)


def test_top_k_of_a_number_that_is_computed() -> None:
    """The hardest of a batch: k is a tensor of the trace, refused where it is too large."""

    @nf.function
    def hardest(losses: nf.Tensor, k: nf.Tensor) -> tuple[nf.Tensor, nf.Tensor]:
        with nf.GradientTape() as tape:
            tape.watch(losses)
            largest, places = nf.math.top_k(losses, k)
        return places, tape.gradient(largest, losses)

    losses = nf.constant([3.0, 1.0, 7.0])
    places, gradient = hardest(losses, nf.constant(2))
    np.testing.assert_array_equal(places, [2, 0])
    np.testing.assert_array_equal(gradient, [1.0, 0.0, 1.0])
    for k in (4, -1):
        with pytest.raises(nf.errors.InvalidArgumentError):
            hardest(losses, nf.constant(k))
