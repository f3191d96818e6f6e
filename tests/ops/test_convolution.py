"""convolution and its kin: values, gradients, every argument."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, check_gradient, check_value, floats, ids
from tests.ops import convolution_oracle as oracle

nn = nf.nn


def _conv(op: Any, shape: Any, kernel: Any, **attrs: Any) -> Case:
    """A Case; channels last."""
    named = {"strides" if k == "stride" else k: v for k, v in attrs.items()}
    return Case(
        op, lambda x, f: oracle.conv(x, f, **named), [floats(*shape), floats(*kernel)], attrs
    )


EXPLICIT = [[0, 0], [2, 1], [0, 3], [0, 0]]


def _transposed(op: Any, dy: Any, kernel: Any, shape: Any, strides: Any, padding: str) -> Case:
    return Case(
        op,
        lambda y, f: oracle.transposed(y, f, shape, strides, padding),
        [floats(*dy), floats(*kernel)],
        {"output_shape": list(shape), "strides": strides, "padding": padding},
    )


def _depthwise(shape: Any, kernel: Any, strides: Any, padding: Any, **attrs: Any) -> Case:
    pairs = padding if isinstance(padding, str) else padding[1:3]
    return Case(
        nn.depthwise_conv2d,
        lambda x, f: oracle.depthwise(x, f, strides, pairs, attrs.get("dilations", 1)),
        [floats(*shape), floats(*kernel)],
        {"strides": [1, *strides, 1], "padding": padding, **attrs},
    )


def _separable_oracle(x: Any, f: Any, point: Any) -> Any:
    return oracle.depthwise(x, f, 1, "SAME") @ point[0, 0]


def _image_gradient_oracle(f: Any, dy: Any) -> Any:
    full = np.zeros((3, 3, 3, 6))  # of groups: the convolution's own layout
    full = f.reshape(3, 2, 1, 6)
    return oracle.transposed(dy, full, (2, 7, 5, 3), (2, 2), "SAME")


def _filter_gradient_oracle(x: Any, dy: Any) -> Any:
    view = oracle.windows(x, (3, 2), (2, 2), "SAME", 1)
    return np.einsum("bijcuv,bijcm->uvcm", view, dy.reshape(*dy.shape[:3], 3, 2))


DEPTHWISE = {"strides": [1, 2, 2, 1], "padding": "SAME"}

CASES = [
    _conv(nn.conv1d, (2, 11, 3), (3, 3, 5), stride=2, padding="SAME"),
    _conv(nn.conv1d, (2, 11, 4), (3, 1, 8), stride=1, padding="VALID", dilations=2),
    _conv(nn.conv2d, (2, 7, 5, 3), (3, 2, 3, 4), strides=1, padding="SAME"),
    _conv(nn.conv2d, (2, 7, 5, 3), (3, 2, 3, 4), strides=(2, 3), padding="VALID"),
    _conv(nn.conv2d, (1, 9, 8, 2), (2, 3, 2, 3), strides=1, padding="SAME", dilations=(3, 2)),
    _conv(nn.conv2d, (2, 5, 7, 6), (3, 3, 2, 9), strides=2, padding="SAME"),
    _conv(nn.conv2d, (2, 5, 7, 6), (3, 3, 3, 4), strides=2, padding="SAME"),
    _conv(nn.conv2d, (2, 5, 7, 6), (3, 3, 1, 6), strides=1, padding="SAME"),
    _conv(nn.conv2d, (2, 3, 5, 7), (1, 1, 7, 4), strides=1, padding="VALID"),
    _conv(nn.conv2d, (0, 5, 7, 3), (3, 3, 3, 2), strides=1, padding="SAME"),
    _conv(nn.conv2d, (1, 1, 1, 1), (1, 1, 1, 1), strides=1, padding="SAME"),
    _conv(nn.conv3d, (2, 4, 5, 3, 2), (2, 3, 2, 2, 3), strides=2, padding="SAME"),
    _conv(nn.conv3d, (1, 4, 3, 3, 4), (2, 1, 2, 1, 4), strides=1, padding="VALID"),
    _conv(nn.convolution, (2, 7, 5, 3), (3, 2, 3, 4), strides=(2, 1), padding="SAME"),
    Case(
        nn.conv2d,
        lambda x, f: oracle.conv(x, f, 2, EXPLICIT[1:3]),
        [floats(2, 5, 6, 3), floats(3, 2, 3, 4)],
        {"strides": 2, "padding": EXPLICIT},
    ),
    Case(
        nn.conv2d,
        lambda x, f: oracle.second(oracle.conv(oracle.behind(x), f, (1, 2))),
        [floats(2, 3, 7, 5), floats(3, 2, 3, 4)],
        {"strides": [1, 1, 1, 2], "padding": "SAME", "data_format": "NCHW"},
    ),
    Case(
        nn.conv1d,
        lambda x, f: oracle.second(oracle.conv(oracle.behind(x), f, 1, "VALID")),
        [floats(2, 3, 7), floats(3, 3, 4)],
        {"stride": 1, "padding": "VALID", "data_format": "NCW"},
    ),
    Case(
        nn.conv3d,
        lambda x, f: oracle.second(oracle.conv(oracle.behind(x), f)),
        [floats(2, 2, 3, 4, 5), floats(3, 2, 2, 2, 3)],
        {"strides": [1, 1, 1, 1, 1], "padding": "SAME", "data_format": "NCDHW"},
    ),
    Case(
        nn.conv2d,
        lambda x, f: oracle.conv(x.reshape(6, 5, 4, 3), f).reshape(2, 3, 5, 4, 2),
        [floats(2, 3, 5, 4, 3), floats(3, 3, 3, 2)],
        {"strides": 1, "padding": "SAME"},
    ),
    Case(
        nn.atrous_conv2d,
        lambda x, f: oracle.conv(x, f, 1, "SAME", 2),
        [floats(2, 7, 5, 3), floats(3, 2, 3, 4)],
        {"rate": 2, "padding": "SAME"},
    ),
    _transposed(nn.conv1d_transpose, (2, 5, 3), (3, 2, 3), (2, 10, 2), 2, "SAME"),
    _transposed(nn.conv1d_transpose, (2, 5, 6), (3, 1, 6), (2, 9, 3), 2, "SAME"),
    _transposed(nn.conv2d_transpose, (2, 3, 4, 5), (3, 2, 2, 5), (2, 6, 7, 2), 2, "SAME"),
    _transposed(nn.conv2d_transpose, (2, 3, 4, 5), (3, 2, 2, 5), (2, 5, 5, 2), 1, "VALID"),
    _transposed(nn.conv2d_transpose, (0, 3, 4, 5), (3, 2, 2, 5), (0, 5, 5, 2), 1, "VALID"),
    _transposed(nn.conv2d_transpose, (2, 3, 4, 6), (3, 2, 1, 6), (2, 5, 7, 3), 2, "SAME"),
    _transposed(nn.conv2d_transpose, (2, 3, 4, 6), (3, 2, 2, 6), (2, 5, 7, 6), 2, "SAME"),
    _transposed(nn.conv2d_transpose, (1, 3, 4, 6), (3, 2, 3, 6), (1, 5, 7, 6), 2, "SAME"),
    _transposed(nn.conv3d_transpose, (1, 2, 2, 3, 3), (2, 2, 1, 2, 3), (1, 4, 3, 5, 2), 2, "SAME"),
    _transposed(nn.conv_transpose, (2, 3, 4, 5), (3, 2, 2, 5), (2, 6, 7, 2), 2, "SAME"),
    Case(
        nn.conv2d_transpose,
        lambda y, f: oracle.second(
            oracle.transposed(oracle.behind(y), f, (2, 6, 7, 2), (2, 2), "SAME")
        ),
        [floats(2, 5, 3, 4), floats(3, 2, 2, 5)],
        {"output_shape": [2, 2, 6, 7], "strides": 2, "data_format": "NCHW"},
    ),
    Case(
        nn.atrous_conv2d_transpose,
        lambda y, f: oracle.transposed(y, f, (2, 7, 6, 2), 1, "VALID", 2),
        [floats(2, 3, 4, 5), floats(3, 2, 2, 5)],
        {"output_shape": [2, 7, 6, 2], "rate": 2, "padding": "VALID"},
    ),
    _depthwise((2, 7, 5, 3), (3, 2, 3, 1), (1, 1), "SAME"),
    _depthwise((2, 7, 5, 3), (3, 2, 3, 2), (2, 1), "VALID"),
    _depthwise((2, 9, 8, 19), (3, 3, 19, 1), (1, 1), "SAME", dilations=[2, 3]),
    _depthwise((2, 5, 6, 1), (3, 2, 1, 4), (1, 1), "SAME"),
    _depthwise((2, 5, 6, 3), (3, 2, 3, 1), (2, 2), EXPLICIT),
    _depthwise((0, 5, 6, 3), (3, 2, 3, 1), (1, 1), "SAME"),
    Case(
        nn.depthwise_conv2d,
        lambda x, f: oracle.second(oracle.depthwise(oracle.behind(x), f, 1, "SAME")),
        [floats(2, 3, 7, 5), floats(3, 2, 3, 2)],
        {"strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NCHW"},
    ),
    Case(
        nn.separable_conv2d,
        _separable_oracle,
        [floats(2, 5, 4, 3), floats(3, 2, 3, 2), floats(1, 1, 6, 5)],
        {"strides": [1, 1, 1, 1], "padding": "SAME"},
    ),
    Case(
        nn.depthwise_conv2d_backprop_input,
        _image_gradient_oracle,
        [floats(3, 2, 3, 2), floats(2, 4, 3, 6)],
        {"input_sizes": [2, 7, 5, 3], **DEPTHWISE},
    ),
    Case(
        lambda x, dy, **attrs: nn.depthwise_conv2d_backprop_filter(x, [3, 2, 3, 2], dy, **attrs),
        _filter_gradient_oracle,
        [floats(2, 7, 5, 3), floats(2, 4, 3, 6)],
        DEPTHWISE,
    ),
]


def _by_name(case: Case) -> Case:
    """Of backprop_input the sizes come first."""
    if case.op is not nn.depthwise_conv2d_backprop_input:
        return case

    def depthwise_conv2d_backprop_input(f: Any, dy: Any, input_sizes: Any, **attrs: Any) -> Any:
        return nn.depthwise_conv2d_backprop_input(input_sizes, f, dy, **attrs)

    return Case(depthwise_conv2d_backprop_input, case.oracle, case.args, case.attrs)


CASES = [_by_name(case) for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_convolutions(case: Case) -> None:
    check(case)


# --- drawn -------------------------------------------------------------------------------------


@st.composite
def _drawn(draw: Any) -> tuple[Any, ...]:
    """(shape, kernel, strides, padding, dilations): sizes, groups and all."""
    axes = draw(st.integers(1, 3))

    def numbers(most: int) -> list[int]:
        return [draw(st.integers(1, most)) for _ in range(axes)]

    kernel, strides, dilations = numbers(3), numbers(3), numbers(2)
    groups, depth = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    columns = groups * draw(st.integers(1, 2))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    padding = draw(st.sampled_from(["SAME", "VALID", "EXPLICIT"]))
    if padding == "EXPLICIT":
        pairs = [[draw(st.integers(0, 3)), draw(st.integers(0, 3))] for _ in range(axes)]
        image = [max(1, r - sum(p)) + draw(st.integers(0, 3)) for r, p in zip(reach, pairs)]  # noqa: B905
        return (1, *image, groups * depth), (*kernel, depth, columns), strides, pairs, dilations
    low = reach if padding == "VALID" else [1] * axes
    image = [n + draw(st.integers(0, 4)) for n in low]
    return (2, *image, groups * depth), (*kernel, depth, columns), strides, padding, dilations


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(_drawn())
def test_drawn_windows(drawn: tuple[Any, ...]) -> None:
    shape, kernel, strides, padding, dilations = drawn
    given = padding if isinstance(padding, str) else [[0, 0], *padding, [0, 0]]
    attrs = {"strides": strides, "padding": given, "dilations": dilations}
    case = Case(
        nn.convolution,
        lambda x, f: oracle.conv(x, f, strides, padding, dilations),
        [floats(*shape), floats(*kernel)],
        attrs,
    )
    check_value(case, nf.float64)
    check_gradient(case)


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(_drawn())
def test_drawn_windows_compiled(drawn: tuple[Any, ...]) -> None:
    """The kernels give what the definition says, forward and in both gradients."""
    shape, kernel, strides, padding, dilations = drawn
    given = padding if isinstance(padding, str) else [[0, 0], *padding, [0, 0]]
    rng = np.random.default_rng(1)
    x, f = rng.standard_normal(shape), rng.standard_normal(kernel)

    def run(a: Any, b: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([a, b])
            y = nn.convolution(a, b, strides, given, None, dilations)
            z = nf.reduce_sum(y * y)
        return y, *tape.gradient(z, [a, b])

    tensors = [nf.constant(a) for a in (x, f)]
    got, want = nf.function(run)(*tensors), run(*tensors)
    np.testing.assert_allclose(
        got[0].numpy(), oracle.conv(x, f, strides, padding, dilations), 1e-12, 1e-12
    )
    for a, b in zip(got[1:], want[1:], strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-11, 1e-11)


@pytest.mark.parametrize("compiled", [False, True])
@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(_drawn())
def test_a_transpose_is_one(compiled: bool, drawn: tuple[Any, ...]) -> None:
    """<conv(x), y> = <x, conv_transpose(y)>."""
    shape, kernel, strides, padding, dilations = drawn
    given = padding if isinstance(padding, str) else [[0, 0], *padding, [0, 0]]
    rng = np.random.default_rng(1)
    x, f = rng.standard_normal(shape), rng.standard_normal(kernel)
    y = oracle.conv(x, f, strides, padding, dilations)
    other = rng.standard_normal(y.shape)

    def run(y: Any, f: Any) -> Any:
        return nn.conv_transpose(y, f, shape, strides, given, dilations=dilations)

    z = (nf.function(run) if compiled else run)(nf.constant(other), nf.constant(f))
    np.testing.assert_allclose((y * other).sum(), (x * z.numpy()).sum(), 1e-10, 1e-10)


@pytest.mark.parametrize("compiled", [False, True])
@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(st.data())
def test_drawn_depthwise(compiled: bool, data: Any) -> None:
    """Channels around the vectors of machines, several filters, both gradients' functions."""

    def numbers(most: int) -> list[int]:
        return [data.draw(st.integers(1, most)) for _ in range(2)]

    kernel, strides, rates = numbers(4), numbers(3), numbers(2)
    channels = data.draw(st.integers(1, 19))
    times, padding = data.draw(st.integers(1, 3)), data.draw(st.sampled_from(["SAME", "VALID"]))
    size = [(k - 1) * d + n for k, d, n in zip(kernel, rates, numbers(12), strict=True)]
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, *size, channels))
    f = rng.standard_normal((*kernel, channels, times))
    want = oracle.depthwise(x, f, strides, padding, rates)
    other = rng.standard_normal(want.shape)
    same = [1, *strides, 1], padding, "NHWC", rates

    def run(x: Any, f: Any, dy: Any) -> Any:
        y = nn.depthwise_conv2d(x, f, *same)
        dx = nn.depthwise_conv2d_backprop_input(x.shape, f, dy, *same)
        return y, dx, nn.depthwise_conv2d_backprop_filter(x, f.shape, dy, *same)

    y, dx, df = (nf.function(run) if compiled else run)(*map(nf.constant, (x, f, other)))
    np.testing.assert_allclose(y.numpy(), want, 1e-12, 1e-12)
    product = (want * other).sum()
    np.testing.assert_allclose((x * dx.numpy()).sum(), product, 1e-10, 1e-10)
    np.testing.assert_allclose((f * df.numpy()).sum(), product, 1e-10, 1e-10)


@pytest.mark.parametrize("size", [5, 17])
def test_large_filters_are_packed(size: int) -> None:
    """Filters beyond 256 kB, of a stride that leaves no other way; not for a few pixels."""
    rng = np.random.default_rng(3)
    x, f = rng.standard_normal((2, size, size, 96)), rng.standard_normal((3, 3, 96, 64))
    run = nf.function(lambda a, b: nn.conv2d(a, b, 2, "SAME"))
    y = run(nf.constant(x), nf.constant(f))
    np.testing.assert_allclose(y.numpy(), oracle.conv(x, f, 2), 1e-12, 1e-11)
    text = str(run.explain(nf.constant(x), nf.constant(f)))
    assert ("library: convolution_panels" in text) == (size > 5)


# --- integers, unknown sizes ---------------------------------------------------------------------


@pytest.mark.parametrize("traced", [False, True])
def test_integers_are_exact(traced: bool) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(-(2**31), 2**31, (2, 5, 4, 3)).astype(np.int32)
    f = rng.integers(-(2**31), 2**31, (3, 2, 3, 2)).astype(np.int32)

    def run(a: Any, b: Any) -> Any:
        return nn.conv2d(a, b, 1, "SAME")

    y = (nf.function(run) if traced else run)(nf.constant(x), nf.constant(f))
    with np.errstate(over="ignore"):
        view = oracle.windows(x, (3, 2), 1, "SAME", 1)
        want = np.einsum("bijcuv,uvco->bijo", view, f, dtype=np.int32, casting="unsafe")
    assert y.dtype == nf.int32
    np.testing.assert_array_equal(y.numpy(), want)


def test_unknown_sizes() -> None:
    """Batches of any size are one trace; so are images of any size where the rules allow."""
    f = np.random.default_rng(0).standard_normal((3, 3, 2, 4)).astype("f")
    traces = []

    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 2])])
    def same(x: Any) -> Any:
        traces.append(1)
        return nn.conv2d(x, f, 1, "SAME")

    for shape in ((1, 5, 7, 2), (3, 4, 4, 2), (0, 3, 3, 2), (2, 1, 1, 2)):
        x = np.random.default_rng(1).standard_normal(shape).astype("f")
        np.testing.assert_allclose(same(x).numpy(), oracle.conv(x, f), 1e-5, 1e-5)
    assert len(traces) == 1

    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 2])])
    def strided(x: Any) -> Any:
        return nn.conv2d(x, f, 2, "VALID")

    for shape in ((1, 5, 7, 2), (3, 4, 4, 2)):
        x = np.random.default_rng(1).standard_normal(shape).astype("f")
        want = oracle.conv(x, f, 2, "VALID")
        np.testing.assert_allclose(strided(x).numpy(), want, 1e-5, 1e-5)
    with pytest.raises(ValueError, match="reaches over 3 elements"):
        strided(np.zeros((1, 2, 2, 2), "f"))


def test_a_transpose_takes_its_batch_from_the_input() -> None:
    f = np.ones((3, 3, 1, 2), "f")

    @nf.function(input_signature=[nf.TensorSpec([None, 4, 4, 2])])
    def up(x: Any) -> Any:
        return nn.conv2d_transpose(x, f, [nf.shape(x)[0], 8, 8, 1], 2)

    for batch in (1, 3, 0):
        assert up(np.ones((batch, 4, 4, 2), "f")).shape == (batch, 8, 8, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("size", "channels", "columns", "kernel", "stride"),
    [(5, 1, 1, 3, 1), (5, 2, 3, 3, 2), (9, 3, 4, 7, 1), (8, 16, 32, 3, 1), (2, 3, 4, 5, 1)],
)
def test_filters_that_are_not_finite_and_lie_over_padding(
    bad: float, size: int, channels: int, columns: int, kernel: int, stride: int
) -> None:
    """Eagerly they are not multiplied there, as numbers decide; compiled they may be, and no place
    whose window is inside of the image differs."""
    x = np.ones((2, size, size, channels), "f")
    begins = np.arange(0, size, stride)
    first = begins - max(begins[-1] + kernel - size, 0) // 2
    run = nf.function(lambda x, f: nn.conv2d(x, f, stride, "SAME"))
    for tap in ((0, 0), (kernel - 1, kernel // 2), (kernel // 2, kernel - 1)):
        f = np.ones((kernel, kernel, channels, columns), "f")
        f[(*tap, 0, 0)] = bad
        y = nn.conv2d(x, f, stride, "SAME").numpy()
        rows, across = ((first + at >= 0) & (first + at < size) for at in tap)
        assert (np.isfinite(y[..., 0]) != np.outer(rows, across)).all()
        assert np.isfinite(y[..., 1:]).all()
        z = run(x, f).numpy()
        assert np.isnan(z[np.isnan(y)]).all()
        inside = (first >= 0) & (first + kernel <= size)
        np.testing.assert_array_equal(z[:, inside][:, :, inside], y[:, inside][:, :, inside])


def test_an_empty_batch_has_zero_gradients() -> None:
    x, f = nf.zeros([0, 5, 5, 3]), nf.ones([3, 3, 3, 2])

    def slope(x: Any, f: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(f)
            y = nf.reduce_sum(nn.conv2d(x, f, 1, "SAME"))
        return tape.gradient(y, f)

    for run in (slope, nf.function(slope)):
        assert not run(x, f).numpy().any()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("op", [nn.conv2d, nn.depthwise_conv2d])
@pytest.mark.parametrize("strides", [1, 2, 5])
@pytest.mark.parametrize("shape", [(2, 0, 5, 3), (2, 5, 0, 3), (0, 0, 0, 3)])
def test_images_without_pixels(op: Any, shape: Any, strides: int, compiled: bool) -> None:
    def run(x: Any, f: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, f])
            y = op(x, f, strides, "SAME")
        return y, *tape.gradient(y, [x, f])

    f = nf.ones([3, 2, 3, 3])
    y, dx, df = (nf.function(run) if compiled else run)(nf.zeros(shape), f)
    places = [-(-n // strides) for n in shape[1:3]]
    assert y.shape == [shape[0], *places, 9 if op is nn.depthwise_conv2d else 3]
    assert dx.shape == shape
    assert not df.numpy().any()


def test_neighbouring_transposes_cancel() -> None:
    """Channels second: two convolutions need one transpose at each end."""
    f = nf.ones([3, 3, 2, 2])

    @nf.function
    def two(x: Any) -> Any:
        y = nn.conv2d(x, f, 1, "SAME", data_format="NCHW")
        return nn.conv2d(y, f, 1, "SAME", data_format="NCHW")

    x = np.ones((1, 2, 5, 4), "f")
    want = oracle.conv(oracle.conv(oracle.behind(x), f.numpy()), f.numpy())
    np.testing.assert_allclose(two(x).numpy(), oracle.second(want), 1e-6)
