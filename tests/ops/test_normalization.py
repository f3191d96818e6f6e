"""Batch norms, moments and normalisation by neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.ops import moments
from numflow.ops.normalization import fused_batch_norm
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids

Array = np.ndarray[Any, Any]
EPSILON = 0.1


def _moments(axes: Any, keepdims: bool = False) -> Any:
    return lambda x: [np.mean(x, axes, keepdims=keepdims), np.var(x, axes, keepdims=keepdims)]


def _fused(x: Array, scale: Array, offset: Array) -> list[Array]:
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    n = x.size // x.shape[-1]
    y = (x - mean) / np.sqrt(variance + EPSILON) * scale + offset
    return [y, mean, variance * n / max(n - 1, 1)]


def _first(run: Any) -> Any:
    return lambda *x: run(*x)[0]


def _second(run: Any) -> Any:
    """Of an image whose channels come second."""
    return lambda x, *rest: np.moveaxis(run(np.moveaxis(x, 1, -1), *rest), -1, 1)


def _with(**attrs: Any) -> Any:
    """The normalised image alone, of statistics in float32 where x has 16 bits."""

    def run(x: Any, *rest: Any) -> Any:
        x = nf.convert_to_tensor(x)
        rest = tuple(nf.cast(t, nf.float32) if x.dtype.size == 2 else t for t in rest)
        names = ("scale", "offset", "mean", "variance")
        return fused_batch_norm(
            x, **dict(zip(names, rest, strict=False)), epsilon=EPSILON, **attrs
        )[0]

    return run


def _lrn(radius: int, bias: float, alpha: float, beta: float) -> Any:
    def oracle(x: Array) -> Array:
        c = x.shape[-1]
        out = np.zeros_like(x)
        for k in range(c):
            near = np.square(x[..., max(0, k - radius) : k + radius + 1]).sum(-1)
            out[..., k] = x[..., k] / (bias + alpha * near) ** beta
        return out

    return oracle


def _weighted(x: Array, w: Array) -> list[Array]:
    total = (w + 0 * x).sum(0)
    mean = (w * x).sum(0) / total
    return [mean, (w * np.square(x - mean)).sum(0) / total]


def _partial(x: Any) -> Any:
    """The kernels behind moments, by themselves."""
    parts = moments.partial_op(nf.identity(x), parts=3)
    return moments.merge_op(parts, rows=x.shape[1])


X, C = floats(2, 3, 5, 7), floats(7)
POSITIVE = floats(7, low=0.5)
CASES = [
    Case(nf.nn.moments, _moments((0, 1, 2)), [X], {"axes": [0, 1, 2]}),
    Case(nf.nn.moments, _moments((0, 2, 3)), [X], {"axes": [0, 2, 3]}),
    Case(nf.nn.moments, _moments((1, 2)), [X], {"axes": [1, 2]}),
    Case(nf.nn.moments, _moments((1, 3)), [X], {"axes": [1, 3]}),
    Case(nf.nn.moments, _moments((0, 2)), [X], {"axes": [0, 2]}),
    Case(nf.nn.moments, _moments((1, 2), True), [X], {"axes": [-2, 1], "keepdims": True}),
    Case(nf.nn.moments, _moments(None), [X], {"axes": [0, 1, 2, 3]}),
    Case(nf.nn.moments, _moments(()), [X], {"axes": []}),
    Case(nf.nn.moments, _moments((0,)), [floats(1, 5)], {"axes": [0]}),
    Case(nf.nn.moments, _moments((0,)), [floats(331, 17)], {"axes": [0]}),
    Case(nf.nn.moments, _moments((0,)), [floats(5, 0)], {"axes": [0]}),
    Case(_partial, _moments((1,)), [floats(2, 131, 5)], dtypes=SINGLE_AND_DOUBLE, gradient=False),
    Case(
        lambda x, w: nf.nn.weighted_moments(x, [0], w),
        _weighted,
        [floats(5, 3), floats(5, 1, low=0.5)],
    ),
    Case(
        lambda x, s: nf.nn.normalize_moments(*nf.nn.sufficient_statistics(x, [0, 2], s)),
        lambda x, s: [x.mean((0, 2)), x.var((0, 2))],
        [floats(2, 3, 5), floats()],
        dtypes=SINGLE_AND_DOUBLE,
        slack=4,
    ),
    Case(
        lambda x: nf.nn.sufficient_statistics(x, [1], keepdims=True)[:3],
        lambda x: [np.float64(5), x.sum(1, keepdims=True), np.square(x).sum(1, keepdims=True)],
        [floats(3, 5)],
        dtypes=SINGLE_AND_DOUBLE,
    ),
    Case(_with(), _first(_fused), [X, C, C], slack=4),
    Case(_with(data_format="NCHW"), _second(_first(_fused)), [floats(2, 7, 3, 5), C, C], slack=4),
    Case(
        _with(data_format="NDHWC"),
        lambda x, s, o: _fused(x.reshape(6, 5, 7, 3), s, o)[0].reshape(x.shape),
        [floats(2, 3, 5, 7, 3), floats(3), floats(3)],
        slack=4,
    ),
    Case(
        _with(is_training=False),
        lambda x, s, o, m, v: (x - m) / np.sqrt(v + EPSILON) * s + o,
        [X, C, C, C, POSITIVE],
        slack=4,
    ),
    Case(
        lambda x, s, o: fused_batch_norm(x, s, o, epsilon=EPSILON)[1:],
        lambda x, s, o: _fused(x, s, o)[1:],
        [X, C, C],
        dtypes=SINGLE_AND_DOUBLE,
        gradient=False,
    ),
    Case(
        lambda x, s, o, m, v: fused_batch_norm(x, s, o, m, v, exponential_avg_factor=0.25)[1:],
        lambda x, s, o, m, v: [
            0.75 * r + 0.25 * f for r, f in zip((m, v), _fused(x, s, o)[1:], strict=True)
        ],
        [X, C, C, C, POSITIVE],
        dtypes=SINGLE_AND_DOUBLE,
        gradient=False,
    ),
    Case(
        lambda x, m, v, b, g: nf.nn.batch_norm_with_global_normalization(
            x, m, v, b, g, EPSILON, True
        ),
        lambda x, m, v, b, g: (x - m) / np.sqrt(v + EPSILON) * g + b,
        [X, C, POSITIVE, C, C],
        slack=4,
    ),
    Case(  # mean and variance of other shapes than the scale: an instance norm
        lambda x, m, v, b, g: nf.nn.batch_normalization(x, m, v, b, g, EPSILON),
        lambda x, m, v, b, g: (x - m) / np.sqrt(v + EPSILON) * g + b,
        [X, floats(2, 1, 1, 7), floats(2, 1, 1, 7, low=0.5), C, C],
        slack=4,
    ),
    Case(nf.nn.lrn, _lrn(5, 1, 1, 0.5), [X], slack=4),
    Case(
        nf.nn.local_response_normalization,
        _lrn(1, 2.0, 0.5, 0.75),
        [X],
        {"depth_radius": 1, "bias": 2.0, "alpha": 0.5, "beta": 0.75},
        slack=4,
    ),
    Case(nf.nn.lrn, _lrn(2, 1, 1, 0.5), [floats(1, 1, 2, 1031)], {"depth_radius": 2}, slack=4),
    Case(nf.nn.lrn, _lrn(0, 1, 1, 0.5), [floats(0, 2, 3, 5)], {"depth_radius": 0}),
    Case(nf.nn.lrn, lambda x: x, [floats(1, 2, 3, 0)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_moments_over_any_axes(data: st.DataObject) -> None:
    """Whichever way of folding they take."""
    rank = data.draw(st.integers(1, 5))
    shape = tuple(data.draw(st.integers(1, 4)) for _ in range(rank))
    axes = data.draw(st.lists(st.integers(0, rank - 1), unique=True, min_size=1))
    check(Case(lambda x: nf.nn.moments(x, axes), _moments(tuple(axes)), [floats(*shape)]))


@pytest.mark.parametrize("axes", [[0], [0, 1, 2], [0, 2]])
def test_a_large_mean_costs_no_digits(axes: list[int]) -> None:
    """Compiled too, where one pass over x must do."""
    x = (1e4 + np.random.default_rng(1).standard_normal((401, 7, 13, 3))).astype(np.float32)
    _, variance = nf.function(lambda x: nf.nn.moments(x, axes))(nf.constant(x))
    np.testing.assert_allclose(variance, x.astype(np.float64).var(tuple(axes)), rtol=1e-3)


def test_the_moments_of_nothing_are_nan() -> None:
    """Eager and compiled, of a batch of unknown size."""

    @nf.function(input_signature=[nf.TensorSpec([None, 3])])
    def run(x: Any) -> Any:
        return nf.nn.moments(x, [0])

    x = nf.ones([0, 3])
    for found in (*run(x), *nf.nn.moments(x, [0])):
        assert found.shape == (3,) and np.isnan(found.numpy()).all()
    mean, variance = run(nf.constant([[1.0, 2, 3], [3, 2, 1]]))
    assert mean.numpy().tolist() == [2, 2, 2] and variance.numpy().tolist() == [1, 0, 1]


def test_a_batch_norm_reads_its_input_twice() -> None:
    """Forward: moments, then the result; backward: two sums, then the gradient by the input."""

    def step(x: Any, scale: Any, offset: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, scale, offset])
            y = nf.nn.relu(fused_batch_norm(x, scale, offset)[0])
            loss = nf.reduce_sum(y * y)
        return y, tape.gradient(loss, [x, scale, offset])

    compiled = nf.function(step)
    compiled(nf.ones([2, 3, 5, 7]), nf.ones([7]), nf.ones([7]))
    text = str(compiled.explain())
    program = text[text.index("Program") : text.index("Memory")]
    assert program.count("over [2, 3, 5, 7]") == 2  # the result with both sums, and the gradient
    assert program.count("library: moments_partial") == 1


def test_no_gradient_flows_through_running_statistics() -> None:
    """As in TensorFlow."""
    x = nf.random.normal([2, 3, 5, 7])
    with nf.GradientTape() as tape:
        tape.watch(x)
        _, mean, variance = fused_batch_norm(x, nf.ones([7]), nf.zeros([7]))
        total = nf.reduce_sum(mean + variance)
    assert tape.gradient(total, x) is None


def test_halves_have_statistics_in_float32() -> None:
    """And a result of 16 bits."""
    for dtype in (nf.float16, nf.bfloat16):
        y, mean, variance = fused_batch_norm(nf.ones([1, 2, 3, 5], dtype), [1.0] * 5, [0.0] * 5)
        assert (y.dtype, mean.dtype, variance.dtype) == (dtype, nf.float32, nf.float32)


ONES = np.ones((2, 3, 4, 5), np.float32)
FIVE = np.ones(5, np.float32)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: nf.nn.moments(ONES.astype(np.int32), 0), TypeError,
         "moments: x is int32, not floating"),
        (lambda: nf.nn.moments(ONES, 4), ValueError, "moments: axis 4 is out of range for 4 axes"),
        (lambda: nf.nn.moments(ONES, [0, -4]), ValueError, "moments: an axis is named twice"),
        (lambda: fused_batch_norm(ONES, FIVE[:4], FIVE), nf.errors.InvalidArgumentError,
         "fused_batch_norm: scale needs one number for each channel"),
        (lambda: fused_batch_norm(ONES, FIVE, FIVE[None]), ValueError,
         "fused_batch_norm: offset needs one number for each channel"),
        (lambda: fused_batch_norm(ONES[0], FIVE, FIVE), ValueError,
         "fused_batch_norm: x has rank 3, where NHWC wants 4"),
        (lambda: fused_batch_norm(ONES, FIVE, FIVE, data_format="NC"), ValueError,
         "fused_batch_norm: no data_format 'NC'"),
        (lambda: fused_batch_norm(ONES, FIVE, FIVE, is_training=False), ValueError,
         "fused_batch_norm: mean is wanted where is_training is False or the factor is not 1"),
        (lambda: fused_batch_norm(ONES, FIVE, FIVE, FIVE, exponential_avg_factor=0.5), ValueError,
         "fused_batch_norm: variance is wanted where is_training is False or the factor is not 1"),
        (lambda: fused_batch_norm(ONES.astype(int), FIVE, FIVE), TypeError,
         "fused_batch_norm: x is int64, not floating"),
        (lambda: fused_batch_norm(ONES, nf.ones([5], nf.float64), FIVE), TypeError,
         "fused_batch_norm: scale is float64, not float32: tensors are not converted silently"),
        (lambda: nf.nn.weighted_moments([1, 2], [0], [1, 1]), TypeError,
         "weighted_moments: x is int32, not floating"),
        (lambda: nf.nn.sufficient_statistics(ONES, [7]), ValueError,
         "sufficient_statistics: axis 7 is out of range for 4 axes"),
        (lambda: nf.nn.lrn(ONES[0]), ValueError, "lrn: input has rank 3, not 4"),
        (lambda: nf.nn.lrn(ONES, -1), ValueError, "lrn: depth_radius is negative: -1"),
        (lambda: nf.nn.lrn(ONES, 1.5), TypeError,  # type: ignore[arg-type]
         "lrn: depth_radius must be integers"),
        (lambda: nf.nn.lrn(ONES > 0), TypeError, "lrn: input is bool, not floating"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_messages(run: Any, error: type[Exception], message: str, compiled: bool) -> None:
    """What was wrong, by op and argument."""
    with pytest.raises(error) as caught:
        (nf.function(run) if compiled else run)()
    assert str(caught.value).split("\n")[0] == message
