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


def _step(refuse: bool) -> tuple[Any, Any, Any]:
    w, seen = nf.Variable([1.0, 2.0]), nf.Variable(0)

    @nf.function
    def step(x: Any, k: Any) -> Any:
        seen.assign_add(1)
        w.assign(w * 2.0)
        y = nf.boolean_mask(x, x > 0)
        if refuse:
            y = nf.gather(y, k)
        z = nf.reshape(nf.boolean_mask(y, y < 5), [2, -1])
        w.assign_add(nf.reduce_sum(z, 1))
        return nf.reduce_sum(z)

    return step, w, seen


@pytest.mark.parametrize("refuse", [False, True])
def test_what_is_refused_in_a_later_segment_leaves_all_variables(refuse: bool) -> None:
    """Sizes that do not fit, an index out of range: no variable has changed; then it goes on."""
    step, w, seen = _step(refuse)
    good = nf.constant([1.0, -2.0, 3.0, 9.0])
    k = nf.constant([0, 1])
    assert float(step(good, k)) == 4.0
    assert (w.numpy().tolist(), int(seen)) == ([3.0, 7.0], 1)
    for bad in ([1.0, 2.0, 3.0], [1.0, -2.0]):
        if refuse and len(bad) == 3:
            continue
        with pytest.raises(nf.errors.InvalidArgumentError):
            step(nf.constant([*bad, *[-1.0] * (4 - len(bad))]), k)
        assert (w.numpy().tolist(), int(seen)) == ([3.0, 7.0], 1)
    assert float(step(good, k)) == 4.0
    assert (w.numpy().tolist(), int(seen)) == ([7.0, 17.0], 2)


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


@pytest.mark.parametrize(
    ("run", "values", "message"),
    [
        (lambda n, v: nf.zeros([n]), (-1, [0]), "broadcast_to: a size of the output is negative"),
        (lambda n, v: nf.reshape(nf.range(12), [n, -1]), (5, [0]), "reshape: 12 elements do not"),
        (lambda n, v: nf.repeat(v, v), (1, [1, -2]), "repeat: repeats -2 is negative"),
        (
            lambda n, v: nf.math.segment_sum(v, v),
            (0, [0, 2, 1]),
            "segment_sum: segment_ids must be",
        ),
        (lambda n, v: nf.math.segment_sum(v, v), (0, [-1, 2]), "segment_sum: a number of segment"),
        (lambda n, v: nf.range(0, 5, n), (0, [0]), "range: integer division by zero"),
        (lambda n, v: nf.slice(v, [n], [2]), (2, [1, 2, 3]), "gather: indices[1] = 3 is outside"),
        (lambda n, v: nf.dynamic_partition(v, v, 2), (1, [0, 2]), "dynamic_partition: partition 2"),
        (
            lambda n, v: nf.dynamic_stitch([v], [nf.ones(nf.shape(v))]),
            (1, [0, -1]),
            "dynamic_stitch: index -1 is negative",
        ),
        (
            lambda n, v: nf.boolean_mask(v, v > 1) + nf.boolean_mask(v, v > 2),
            (1, [1, 2, 3, 4]),
            "reshape: 2 elements do not become [3]",
        ),
        (lambda n, v: nf.zeros([n, n, n]), (1 << 20, [0]), "copy: not enough memory"),
    ],
)
def test_values_that_do_not_fit(run: Any, values: Any, message: str) -> None:
    """Refused when they are known, with the user's line; the next call is not harmed."""
    compiled: Any = nf.function(run)
    n, v = values
    for _ in range(2):
        with pytest.raises((nf.errors.InvalidArgumentError, nf.errors.ResourceExhaustedError)) as e:
            compiled(nf.constant(n), nf.constant(np.array(v, np.int32)))
        assert str(e.value).startswith(message)
        assert "test_run_time.py" in str(e.value)


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


def test_chosen_rows_meet_rows_of_a_known_number() -> None:
    """Products, losses, biases: a size that depends on values has to be the other."""
    labels, ones = nf.constant([0, 1, 2, 0, 1]), nf.ones([5, 3], nf.float64)

    def run(x: Any) -> Any:
        y = nf.boolean_mask(x, x[:, 0] > 0)
        return (
            nf.nn.sparse_softmax_cross_entropy_with_logits(labels, y),
            nf.nn.softmax_cross_entropy_with_logits(ones / 3.0, y),
            nf.nn.sigmoid_cross_entropy_with_logits(ones, y),
            nf.nn.bias_add(nf.transpose(y), ones[:, 0]),
            nf.matmul(y, ones, transpose_a=True),
            nf.tensordot(y, ones, [[0], [0]]),
            nf.math.squared_difference(ones, y),
            nf.where(y > 1.0, ones, y),
        )

    rng = np.random.default_rng(4)
    x = nf.constant(rng.uniform(0.5, 1.5, (8, 3)) * np.array([[1, -1, 1, 1, -1, 1, -1, 1]]).T)
    for a, b in zip(nf.function(run)(x), run(x), strict=True):
        np.testing.assert_allclose(a, b, 1e-12)
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: "):
        nf.function(run)(-x)


def test_sizes_that_turn_out_to_fit() -> None:
    """Parts of what is chosen, and what is chosen by different masks, side by side: the plan of a
    call checks what a trace cannot know."""

    @nf.function
    def run(x: Any) -> Any:
        some, others = nf.boolean_mask(x, x > 0), nf.boolean_mask(-x, x < 0)
        both = nf.stack([some, others]), nf.concat([some[None], others[None]], 0)
        return *both, *nf.split(some, 2), nf.math.top_k(some, 2)[0], *nf.unstack(others, num=4)

    x = np.array([3.0, -1.0, 2.0, -5.0, 7.0, -2.0, 1.0, -4.0])
    some, others = x[x > 0], -x[x < 0]
    want = [np.stack([some, others])] * 2 + [some[:2], some[2:], np.sort(some)[:1:-1], *others]
    for a, b in zip(run(nf.constant(x)), want, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: 2 elements do not become"):
        run(nf.constant([3.0, -1.0, 2.0, -5.0, 7.0, 1.0]))


@pytest.mark.parametrize(
    "run",
    [
        lambda x, y: x + y,
        lambda x, y: nf.where(x > y, x, y),
        lambda x, y: nf.add_n([x, y]),
        lambda x, y: nf.stack([x, y]),
        lambda x, y: nf.concat([x, y], 1),
        lambda x, y: nf.matmul(x, y, transpose_a=True),
        lambda x, y: nf.tensordot(x, y, [[0], [0]]),
        lambda x, y: nf.boolean_mask(x, y > 0),
        lambda x, y: nf.nn.softmax_cross_entropy_with_logits(x, y),
        lambda x, y: nf.ensure_shape(x, y.shape),
    ],
)
def test_sizes_beside_an_axis_of_0_have_to_fit_too(run: Any) -> None:
    """[n, 0] and [3, 0] have no elements, whatever n is: it is refused as eager refuses it."""

    def chosen(x: Any, mask: Any, y: Any) -> Any:
        return run(nf.boolean_mask(x, mask), y)

    x, y, compiled = nf.zeros([4, 0]), nf.zeros([3, 0]), nf.function(chosen)
    fits, does_not = nf.constant([True, False, True, True]), nf.constant([True, False, True, False])
    assert compiled(x, fits, y).shape == chosen(x, fits, y).shape
    for call in (chosen, compiled):
        with pytest.raises(nf.errors.ShapeError):
            call(x, does_not, y)
    with pytest.raises(nf.errors.ShapeError, match=r"reshape: axis 0 has size [23], not [23]"):
        compiled(x, does_not, y)


def test_a_reshape_of_nothing_takes_any_size() -> None:
    run = nf.function(lambda x, mask: nf.reshape(nf.boolean_mask(x, mask), [5, 0]))
    assert run(nf.zeros([2, 0]), nf.constant([True, False])).shape == (5, 0)


@pytest.mark.parametrize("run", [len, list, nf.unstack, lambda y: [0 for _ in y]])
def test_what_needs_a_number_says_so(run: Any) -> None:
    """A trace has none for a size that depends on values."""
    traced = nf.function(lambda x: run(nf.boolean_mask(x, x > 0)), autograph=False)
    with pytest.raises(nf.errors.SymbolicTensorError) as e:
        traced(nf.ones([3]))
    assert "a size that depends on values has no number while a function is traced" in str(e.value)
    assert "try: nf.shape(x), which has it when the program runs" in str(e.value)


def test_variables_take_what_turns_out_to_fit() -> None:
    """Assigned and added; what does not fit is refused, and leaves the variable."""
    v = nf.Variable([1.0, 2.0])

    @nf.function
    def step(x: Any) -> Any:
        v.assign(nf.boolean_mask(x, x > 0))
        v.assign_add(nf.boolean_mask(x, x > 0))
        return nf.add_n([v.read_value(), nf.boolean_mask(-x, x < 0)])

    assert step(nf.constant([3.0, -1.0, 4.0, -2.0])).numpy().tolist() == [7.0, 10.0]
    with pytest.raises(nf.errors.InvalidArgumentError, match="reshape: 3 elements do not become"):
        step(nf.constant([3.0, 1.0, 4.0, -2.0]))
    assert v.numpy().tolist() == [6.0, 8.0]


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
