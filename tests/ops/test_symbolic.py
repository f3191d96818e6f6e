"""Ops on a batch whose size is unknown while tracing: right for all sizes, few traces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

SIZES = (3, 5, 7, 11, 1, 2)


def _batch(x: Any) -> Any:
    return nf.shape(x)[0]


OPS: dict[str, Any] = {
    "elementwise": lambda x: nf.nn.gelu(x) * 2 + 1,
    "broadcast": lambda x: x + nf.ones([5]),
    "matmul": lambda x: x @ nf.ones([5, 7]),
    "gram": lambda x: nf.matmul(x, x, transpose_b=True),
    "mean of all": nf.reduce_mean,
    "mean of rows": lambda x: nf.reduce_mean(x, 0),
    "max of columns": lambda x: nf.reduce_max(x, 1, keepdims=True),
    "softmax": nf.nn.softmax,
    "softmax down": lambda x: nf.nn.softmax(x, 0),
    "cross-entropy": lambda x: nf.nn.sparse_softmax_cross_entropy_with_logits(nf.argmax(x, 1), x),
    "one_hot": lambda x: nf.one_hot(nf.argmax(x, 1), 5),
    "moments": lambda x: nf.nn.moments(x, 0),
    "bias_add": lambda x: nf.nn.bias_add(x, nf.ones([5])),
    "reshape": lambda x: nf.reshape(x, [-1]),
    "reshape by shape": lambda x: nf.reshape(x, [_batch(x), 1, 5]),
    "transpose": lambda x: nf.transpose(x) * 2,
    "concat": lambda x: nf.concat([x, x], 0),
    "stack": lambda x: nf.stack([x, x], 1),
    "split": lambda x: nf.split(x, [2, 3], 1),
    "slice": lambda x: x[:, 1:3],
    "reverse": lambda x: nf.reverse(x, [0]),
    "pad": lambda x: nf.pad(x, [[1, 2], [0, 1]]),
    "tile": lambda x: nf.tile(x, [2, 1]),
    "gather": lambda x: nf.gather(x, [0, 0]),
    "gather columns": lambda x: nf.gather(x, [4, 0], axis=1),
    "range": lambda x: nf.range(_batch(x)) * 2,
    "zeros": lambda x: nf.zeros([_batch(x), 2]),
    "zeros of a shape": lambda x: nf.zeros([x.shape[0], 2]) + nf.ones(x.shape)[:, :2],
    "reshape to a size": lambda x: nf.reshape(nf.transpose(x), [-1, x.shape[0]]),
    "dropout of rows": lambda x: nf.nn.dropout(x, 0.0, noise_shape=[x.shape[0], 1]),
    "fill": lambda x: nf.fill(nf.shape(x), 7),
    "cumsum": nf.cumsum,
    "cumulative_logsumexp": lambda x: nf.math.cumulative_logsumexp(x, 1),
    "sort": lambda x: nf.sort(x, 0),
    "argsort": lambda x: nf.argsort(x, 0, "DESCENDING"),
    "top_k": lambda x: nf.math.top_k(x, 2),
    "searchsorted": lambda x: nf.searchsorted(nf.sort(x), x),
    "segments": lambda x: nf.math.unsorted_segment_max(x, nf.argmax(x, 1), 5),
    "scatter_nd": lambda x: nf.scatter_nd(nf.argmax(x, 1)[:, None], x, [5, 5]),
    "bincount": lambda x: nf.math.bincount(nf.argmax(x, 1), minlength=5, maxlength=5),
    "repeat": lambda x: nf.repeat(x, 2, 0),
    "roll": lambda x: nf.roll(x, [2, -1], [0, 1]),
    "reverse_sequence": lambda x: nf.reverse_sequence(x, nf.argmax(x, 1), 1),
    "strided_slice": lambda x: nf.strided_slice(x, [0, 1], [0, 3], end_mask=1),
    "norm": nf.norm,
    "logsumexp": lambda x: nf.reduce_logsumexp(x, 1),
    "variance": lambda x: nf.math.reduce_variance(x, 0),
    "where": lambda x: nf.where(x > 0, x, nf.zeros_like(x)),
    "einsum": lambda x: nf.einsum("bi,bj->ij", x, x),
    "clip": lambda x: nf.clip_by_norm(x, 1.0),
    "complex": lambda x: nf.abs(nf.exp(nf.complex(x, -x) * 1j)),
    "complex product": lambda x: nf.math.imag(
        nf.matmul(nf.complex(x, x), nf.complex(x, 2 * x), adjoint_a=True)
    ),
    "bessel": nf.math.bessel_i1,
    "quantiles": lambda x: nf.math.ndtri(nf.sigmoid(x)),
    "incomplete gamma": lambda x: nf.math.igamma(nf.abs(x) + 0.5, 1.5),
    "incomplete beta": lambda x: nf.math.betainc(2.0, 1.5, nf.sigmoid(x)),
    "polygamma": lambda x: nf.math.polygamma(1.0, nf.abs(x) + 0.5),
    "polyval": lambda x: nf.math.polyval([1.0, x[0], 2.0], x),
    "increasing": lambda x: nf.math.is_non_decreasing(nf.sort(nf.reshape(x, [-1]))),
    "nextafter": lambda x: nf.math.nextafter(x, 2 * x),
    "bitcast": lambda x: nf.bitcast(x, nf.int32),
    "bitcast to bytes": lambda x: nf.bitcast(x, nf.uint8),
    "saturate_cast": lambda x: nf.saturate_cast(x * 200, nf.int8),
    "bits": lambda x: nf.argmax(x, 1) & 3,
    "histogram": lambda x: nf.histogram_fixed_width(x, [-1.0, 1.0], 7),
    "unravel_index": lambda x: nf.unravel_index(nf.argmax(x, 1, nf.int32), [2, 3]),
    "ensure_shape": lambda x: nf.ensure_shape(x, [None, 5]) * 2,
    "broadcast_dynamic_shape": lambda x: nf.broadcast_dynamic_shape(nf.shape(x), [1, 5]),
    "shape_n": lambda x: nf.shape_n([x, x[:, :2]]),
    "reduce_prod": lambda x: nf.reduce_prod(x, 0),
    "divided by its size": lambda x: x / nf.cast(_batch(x), nf.float32),
    "size as a number": lambda x: x * (1.0 / x.shape[0]) if x.shape[0] > 2 else x,
    "loop over rows": lambda x: nf.add_n([x[i] * float(i) for i in range(x.shape[0])]),
}


@pytest.mark.filterwarnings("ignore:function")  # two ops read the size: a trace for each
@pytest.mark.parametrize("name", OPS)
def test_every_size_of_a_batch(name: str) -> None:
    """Compiled equals eager for six sizes, with at most three traces; also in the gradient."""
    op = OPS[name]
    traces = []

    def step(x: Any) -> Any:
        traces.append(1)
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = op(x)
            outputs = list(y) if isinstance(y, list | tuple) else [y]
            floating = [t for t in outputs if t.dtype.is_floating]
            loss = (
                nf.add_n([nf.reduce_sum(t * t) for t in floating]) if floating else nf.reduce_sum(x)
            )
        return outputs, tape.gradient(loss, x, unconnected_gradients="zero")

    compiled = nf.function(step)
    rng = np.random.default_rng(3)
    for n in SIZES:
        x = nf.constant(rng.normal(size=(n, 5)).astype(np.float32))
        got, gradient = compiled(x)
        count = len(traces)
        want, wanted_gradient = step(x)
        del traces[count:]
        for a, b in zip(got, want, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)
        np.testing.assert_allclose(gradient, wanted_gradient, rtol=2e-4, atol=2e-4)
    exact = name in ("size as a number", "loop over rows")  # each size is another program
    assert len(traces) <= (len(SIZES) + 2 if exact else 3), name


def test_a_part_of_an_axis_that_is_too_short() -> None:
    """x[:-2] of fewer elements has none, as with known sizes: those sizes get a trace of their own,
    the others keep theirs."""
    run: Any = nf.function(lambda x: (x[:-2], nf.concat([x[-1:], x[:-1]], 0)))
    for n in (5, 4, 7, 0, 1, 3, 2, 0, 6):
        x = np.arange(n)
        front, turned = run(nf.constant(x))
        np.testing.assert_array_equal(front, x[:-2])
        np.testing.assert_array_equal(turned, np.concatenate([x[-1:], x[:-1]]))
    assert run.experimental_get_tracing_count() == 4
    declared = nf.function(lambda x: x[:-1], input_signature=[nf.TensorSpec([None], nf.float32)])
    assert [declared(nf.ones([n])).shape[0] for n in (3, 0, 2)] == [2, 0, 1]


SLICES = (
    *(np.s_[1:], np.s_[:5], np.s_[2:5], np.s_[-3:], np.s_[1:-1], np.s_[1::2], np.s_[:6:2]),
    *(np.s_[::3], np.s_[::-1], np.s_[3::-1], np.s_[-4:-1], np.s_[5:2], np.s_[-1:1]),
)


@pytest.mark.filterwarnings("ignore:function")
@pytest.mark.parametrize("key", SLICES, ids=str)
def test_slices_of_any_size(key: Any) -> None:
    """As NumPy's, also where the axis ends before the slice does; of long axes no new trace."""
    run: Any = nf.function(lambda x: x[key] + 0)
    for n in (7, 8, 5, 3, 0, 1, 2, 6, 4):
        x = np.arange(n)
        np.testing.assert_array_equal(run(nf.constant(x)), x[key])
    before = run.experimental_get_tracing_count()
    if key.step is None or key.step > 0:
        for n in (10, 11, 13) if key != np.s_[-1:1] else ():
            np.testing.assert_array_equal(run(nf.constant(np.arange(n))), np.arange(n)[key])
        assert run.experimental_get_tracing_count() == before


def test_the_size_of_a_part_that_is_not_used() -> None:
    """nf.shape(x[:-2]) of one element is 0, whatever becomes of the part itself."""
    run: Any = nf.function(lambda x: nf.shape(x[:-2])[0] + nf.size(x[:3]))
    assert [int(run(nf.ones([n]))) for n in (5, 7, 4, 1, 0, 2, 3)] == [6, 8, 5, 1, 0, 2, 4]


def test_a_negative_size_is_refused_by_name() -> None:
    """In the trace of exactly these sizes; the other sizes go on."""
    run: Any = nf.function(lambda x: nf.zeros([nf.shape(x)[0] - 3]))
    assert [run(nf.ones([n])).shape[0] for n in (5, 6)] == [2, 3]
    with pytest.raises(ValueError, match="zeros: a size is negative: -1"):
        run(nf.ones([2]))
    assert run(nf.ones([4])).shape == (1,)
