"""Convolutions whose kernels pool what they make: the bits of the two kernels, and when they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.graph.spec import Spec
from numflow.ops import convolution_pooled as pooled
from numflow.ops import convolution_unpooled
from numflow.ops.convolution_direct import direct_op
from numflow.ops.convolution_winograd import winograd_op
from numflow.ops.depthwise import depthwise_op
from numflow.ops.linalg import matmul_op

Rule = Callable[..., tuple[bool, str]]
CONVOLUTIONS = (direct_op, winograd_op, matmul_op, depthwise_op)


@contextmanager
def rules(rule: Rule | None) -> Iterator[None]:
    """Another rule for all kernels; None: they never pool."""
    kept = [op.lower.pools for op in CONVOLUTIONS]
    for op in CONVOLUTIONS:
        op.lower.pools = rule
    try:
        yield
    finally:
        for op, own in zip(CONVOLUTIONS, kept, strict=True):
            op.lower.pools = own


def always(inputs: Any, outputs: list[Spec], attrs: Any, pooling: Any) -> tuple[bool, str]:
    """Also where it does not pay."""
    turned = attrs.get("transpose_a") or attrs.get("transpose_b")
    return outputs[0].rank <= 4 and not turned, "pools in the cache"


def floats(*shape: int, dtype: Any = np.float32, seed: int = 0) -> Any:
    return nf.constant(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def both(
    f: Callable[..., Any], *arguments: Any, rule: Rule = always, signature: Any = None
) -> tuple[Any, list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """(the program, what it gives, what it gives where nothing is pooled by convolutions)."""
    found, programs = [], []
    for chosen in (rule, None):
        with rules(chosen):
            programs.append(nf.function(f, input_signature=signature))
            made = programs[-1](*arguments)
            found.append([y.numpy() for y in nf.nest.flatten(made)])
    with rules(rule):
        return programs[0], *found


def fused(program: Any, *arguments: Any) -> int:
    """How many steps pool what they make."""
    with rules(always):
        said = " ".join(str(program.explain(*arguments)).split())
    return said.count("pools in the cache") - said.count("result: pools in the cache")


def equal(got: list[Any], want: list[Any]) -> None:
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(deadline=None, max_examples=40)
@given(
    batch=st.sampled_from([0, 1, 2, 7]),
    image=st.tuples(st.integers(3, 14), st.integers(3, 14)),
    channels=st.sampled_from([(1, 5), (3, 32), (17, 33), (16, 16)]),
    kernel=st.sampled_from([1, 2, 3, 5]),
    stride=st.integers(1, 2),
    pool=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(*[st.sampled_from(["SAME", "VALID"])] * 2),
    kind=st.sampled_from([nf.nn.max_pool2d, nf.nn.avg_pool2d]),
    activation=st.sampled_from([nf.nn.relu, nf.nn.relu6, nf.identity]),
    unknown=st.sampled_from(["", "batch", "image"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_the_bits_of_two_kernels(
    batch: int, image: tuple[int, int], channels: tuple[int, int], kernel: int, stride: int,
    pool: tuple[int, int], padding: tuple[str, str], kind: Any, activation: Any, unknown: str,
    dtype: Any,
) -> None:  # fmt: skip
    """Whatever the sizes, known or not; and eager, up to rounding."""
    c, oc = channels
    x, f = floats(batch, *image, c, dtype=dtype), floats(kernel, kernel, c, oc, dtype=dtype, seed=1)
    bias = floats(oc, dtype=dtype, seed=2)
    if padding[0] == "VALID" and kernel > min(image):
        return

    def net(x: Any) -> Any:
        y = activation(nf.nn.conv2d(x, f, stride, padding[0]) + bias)
        return kind(y, *pool, padding[1])

    sizes = {"": x.shape, "batch": [None, *x.shape[1:]], "image": [None, None, None, c]}[unknown]
    try:
        want = net(x).numpy()
    except nf.errors.InvalidArgumentError:
        return  # a window larger than the image
    _, got, separate = both(net, x, signature=[nf.TensorSpec(sizes, dtype)])
    equal(got, separate)
    bound = {np.float32: 1e-4, np.float64: 1e-12}[dtype]
    np.testing.assert_allclose(got[0], want, rtol=bound, atol=bound * (kernel * kernel * c) ** 0.5)


def _training(x: Any, f: Any, bias: Any) -> Any:
    with nf.GradientTape() as tape:
        tape.watch([x, f, bias])
        y = nf.nn.max_pool2d(nf.nn.relu(nf.nn.conv2d(x, f, 1, "SAME") + bias), 2, 2, "SAME")
        loss = nf.reduce_sum(y * y)
    return loss, *tape.gradient(loss, [x, f, bias])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("size", "channels", "columns"), [(13, 2, 19), (12, 18, 34)])
def test_a_step_of_training(size: int, channels: int, columns: int, dtype: Any) -> None:
    """The image between is not kept for the gradients either."""
    args = (
        floats(5, size, size, channels, dtype=dtype),
        floats(3, 3, channels, columns, dtype=dtype, seed=1),
        floats(columns, dtype=dtype, seed=2),
    )
    program, got, separate = both(_training, *args)
    assert fused(program, *args) == 1
    equal(got, separate)
    for a, b in zip(got, _training(*args), strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-3, atol=1e-3 * np.abs(b).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [0, 3, None])
@pytest.mark.parametrize(("stride", "pool", "columns"), [(1, (2, 2), 32), (2, (3, 2), 19)])
def test_a_first_layer(
    stride: int, pool: tuple[int, int], columns: int, batch: int | None, dtype: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its gradient by the filter spreads what it reads: the bits of two kernels."""
    f, bias = floats(5, 5, 3, columns, dtype=dtype), floats(columns, dtype=dtype, seed=1)

    def train(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([f, bias])
            y = nf.nn.max_pool2d(
                nf.nn.relu(nf.nn.conv2d(x, f, stride, "SAME") + bias), *pool, "SAME"
            )
            loss = nf.reduce_sum(y * y)
        return loss, *tape.gradient(loss, [f, bias])

    x = floats(3 if batch is None else batch, 21, 22, 3, dtype=dtype, seed=2)
    signature = [nf.TensorSpec([batch, 21, 22, 3], dtype)]
    together = nf.function(train, input_signature=signature)
    got = [y.numpy() for y in together(x)]
    said = " ".join(str(together.explain(x)).split())
    assert "spreads in the cache what it reads" in said
    monkeypatch.setattr(convolution_unpooled, "LEAST_PARTS", 1 << 20)
    apart = nf.function(train, input_signature=signature)
    equal(got, [y.numpy() for y in apart(x)])
    assert "convolution_filter_unpooled" not in str(apart.explain(x))
    for a, b in zip(got, train(x), strict=True):
        bound = {np.float32: 1e-4, np.float64: 1e-12}[dtype] * np.abs(b.numpy()).max()
        np.testing.assert_allclose(a, b.numpy(), rtol=0, atol=bound)


def test_what_is_spread_and_read_again() -> None:
    """By the gradient by the image, or the caller: it is written."""
    args = floats(3, 12, 12, 2), floats(3, 3, 2, 19, seed=1), floats(19, seed=2)
    program = nf.function(_training)
    program(*args)
    assert "convolution_filter_unpooled" not in str(program.explain(*args))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(12, 14), (13, 9)])
def test_a_window_of_one_pixel(size: tuple[int, int], dtype: Any) -> None:
    """A product, whose kernel is then a convolution's; without bias and relu, too."""
    args = (
        floats(5, *size, 18, dtype=dtype),
        floats(1, 1, 18, 34, dtype=dtype, seed=1),
        floats(34, dtype=dtype, seed=2),
    )
    program, got, separate = both(_training, *args)
    assert fused(program, *args) == 1
    equal(got, separate)
    for a, b in zip(got, _training(*args), strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-3, atol=1e-3 * np.abs(b).max())

    def bare(x: Any, f: Any) -> Any:
        return nf.nn.avg_pool2d(nf.nn.conv2d(x, f, 1, "SAME"), 2, 2, "SAME")

    program, got, separate = both(bare, *args[:2])
    assert fused(program, *args[:2]) == 1
    equal(got, separate)

    def returned(x: Any, f: Any) -> Any:
        y = nf.nn.conv2d(x, f, 1, "SAME")
        return nf.nn.max_pool2d(y, 2, 2, "SAME"), nf.reshape(y, [-1, 34])

    program, got, separate = both(returned, *args[:2])
    assert fused(program, *args[:2]) == 0
    equal(got, separate)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize(("size", "stride", "pool"), [((12, 14), 1, 2), ((29, 27), 2, 3)])
def test_depthwise(
    size: tuple[int, int], stride: int, pool: int, unknown: bool, dtype: Any
) -> None:
    """Also with its gradients, and of images whose sizes are known late."""
    x, f = floats(5, *size, 18, dtype=dtype), floats(3, 3, 18, 1, dtype=dtype, seed=1)
    bias = floats(18, dtype=dtype, seed=2)

    def net(x: Any) -> Any:
        y = nf.nn.depthwise_conv2d(x, f, [1, stride, stride, 1], "SAME")
        return nf.nn.max_pool2d(nf.nn.relu6(y + bias), pool, 2, "SAME")

    def train(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, f, bias])
            loss = nf.reduce_sum(nf.square(net(x)))
        return loss, *tape.gradient(loss, [x, f, bias])

    signature = [nf.TensorSpec([None, None, None, 18] if unknown else x.shape, dtype)]
    for function in (net, train):
        program, got, separate = both(function, x, signature=signature)
        assert fused(program, x) == 1
        equal(got, separate)
        for a, b in zip(got, nf.nest.flatten(function(x)), strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-3, atol=1e-3 * np.abs(b).max())
    assert "pools in the cache what it makes" in str(nf.function(net).explain(x))


def test_reshapes_between() -> None:
    """A product's rows are the pixels of whatever image they are made; a convolution's are not."""
    x, f = floats(4, 12, 12, 3), floats(1, 1, 3, 17, seed=1)
    g = floats(3, 3, 3, 17, seed=2)

    def other(x: Any, f: Any) -> Any:
        y = nf.reshape(nf.nn.conv2d(x, f, 1, "SAME"), [8, 6, 12, 17])
        return nf.nn.max_pool2d(y, 2, 2, "VALID")

    for filters, count in ((f, 1), (g, 0)):
        program, got, separate = both(other, x, filters)
        assert fused(program, x, filters) == count
        equal(got, separate)
    a, b = floats(96, 3), floats(3, 17, seed=1)
    program, got, separate = both(
        lambda a, b: nf.nn.max_pool2d(nf.reshape(a @ b, [2, 6, 8, 17]), 2, 2, "VALID"), a, b
    )
    assert fused(program, a, b) == 1
    equal(got, separate)


def test_gradients_are_those_of_finite_differences() -> None:
    args = [floats(*s, dtype=np.float64) for s in [(3, 9, 10, 2), (3, 3, 2, 5), (5,)]]
    with rules(always):
        program = nf.function(_training)
        _, *gradients = program(*args)
        for k, (x, dx) in enumerate(zip(args, gradients, strict=True)):
            step = 1e-6 * np.random.default_rng(k).standard_normal(x.shape)
            ahead, back = (
                program(*args[:k], x + s, *args[k + 1 :])[0].numpy() for s in (step, -step)
            )
            np.testing.assert_allclose(np.sum(dx.numpy() * step), (ahead - back) / 2, rtol=1e-5)


def test_second_gradients() -> None:
    args = [floats(*s, dtype=np.float64) for s in [(3, 9, 10, 2), (3, 3, 2, 5), (5,)]]
    v = floats(3, 3, 2, 5, dtype=np.float64, seed=5)

    def second(x: Any, f: Any, bias: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(f)
            along = nf.reduce_sum(_training(x, f, bias)[2] * v)
        return along, tape.gradient(along, f)

    with rules(always):
        program = nf.function(second)
        x, f, bias = args
        dff = program(*args)[1].numpy()
        step = 1e-6 * np.random.default_rng(0).standard_normal(f.shape)
        ahead, back = (program(x, f + s, bias)[0].numpy() for s in (step, -step))
    np.testing.assert_allclose(np.sum(dff * step), (ahead - back) / 2, rtol=1e-5)


def test_recomputed_gradients() -> None:
    """What is computed again for the gradient pools again."""
    args = [floats(*s) for s in [(5, 12, 12, 3), (3, 3, 3, 16), (16,)]]

    def run(x: Any, f: Any, bias: Any) -> Any:
        @nf.recompute_grad
        def layer(x: Any, f: Any, bias: Any) -> Any:
            y = nf.nn.relu(nf.nn.conv2d(x, f, 1, "SAME") + bias)
            return nf.nn.max_pool2d(y, 2, 2, "VALID")

        with nf.GradientTape() as tape:
            tape.watch([f, bias])
            loss = nf.reduce_sum(nf.square(layer(x, f, bias)))
        return loss, *tape.gradient(loss, [f, bias])

    _, got, separate = both(run, *args)
    equal(got, separate)


def test_another_reader_of_the_image() -> None:
    """It is written for whoever reads it, also for the gradient of a mean behind relu."""
    x, f = floats(4, 12, 12, 3), floats(3, 3, 3, 16, seed=1)

    def read(x: Any) -> Any:
        y = nf.nn.relu(nf.nn.conv2d(x, f, 1, "SAME"))
        return nf.nn.max_pool2d(y, 2, 2, "VALID"), nf.reduce_sum(y)

    def mean(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.avg_pool2d(nf.nn.relu(nf.nn.conv2d(x, f, 1, "SAME")), 2, 2, "VALID")
        return y, tape.gradient(y, x)

    def returned(x: Any) -> Any:
        y = nf.nn.conv2d(x, f, 1, "SAME")
        return nf.nn.max_pool2d(y, 2, 2, "VALID"), y

    for function in (read, mean, returned):
        program, got, separate = both(function, x)
        assert fused(program, x) == 0
        equal(got, separate)


def test_a_residual_goes_along() -> None:
    x, f, r = floats(4, 12, 12, 3), floats(3, 3, 3, 16, seed=1), floats(4, 12, 12, 16, seed=2)

    def run(x: Any, r: Any) -> Any:
        return nf.nn.max_pool2d(nf.nn.relu(nf.nn.conv2d(x, f, 1, "SAME") + r), 2, 2, "VALID")

    program, got, separate = both(run, x, r)
    assert fused(program, x, r) == 1
    equal(got, separate)


@pytest.mark.parametrize("kernel", [1, 3])
def test_channels_first(kernel: int) -> None:
    """Through the transposes, which are nothing."""
    x, f = floats(4, 3, 12, 14), floats(kernel, kernel, 3, 17, seed=1)
    bias = floats(17, seed=2)

    def run(x: Any) -> Any:
        y = nf.nn.bias_add(nf.nn.conv2d(x, f, 1, "SAME", "NCHW"), bias, "NCHW")
        return nf.nn.max_pool2d(nf.nn.relu(y), 2, 2, "VALID", "NCHW")

    program, got, separate = both(run, x)
    assert fused(program, x) == 1
    equal(got, separate)

    def train(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([f, bias])
            loss = nf.reduce_sum(nf.square(run(x)))
        return loss, *tape.gradient(loss, [f, bias])

    program, got, separate = both(train, x)
    assert fused(program, x) == 1
    equal(got, separate)


def test_one_axis_and_three() -> None:
    """Of three axes the pool stays a kernel of its own."""
    line, f = floats(40, 23, 3), floats(4, 3, 17, seed=1)
    program, got, separate = both(
        lambda x: nf.nn.max_pool1d(nf.nn.conv1d(x, f, 1, "SAME"), 3, 2, "SAME"), line
    )
    assert fused(program, line) == 1
    equal(got, separate)
    block, g = floats(2, 5, 7, 6, 3), floats(2, 2, 2, 3, 17, seed=1)
    program, got, separate = both(
        lambda x: nf.nn.max_pool3d(nf.nn.conv3d(x, g, [1] * 5, "SAME"), 2, 2, "SAME"), block
    )
    assert fused(program, block) == 0
    equal(got, separate)


def _pooled(shape: tuple[int | None, ...], f: Any, pool: int, stride: int, padding: str) -> str:
    """What explain() says of a convolution behind which is a pool."""
    program = nf.function(
        lambda x: nf.nn.max_pool2d(nf.nn.conv2d(x, f, 1, "SAME"), pool, stride, padding),
        input_signature=[nf.TensorSpec(shape, nf.float32)],
    )
    x = floats(*(n or 4 for n in shape))
    return " ".join(str(program.explain(x)).split())


def test_explain_says_why() -> None:
    """The rule, by sizes; unknown ones count as some."""
    few, many = floats(3, 3, 3, 32), floats(3, 3, 64, 64)
    assert "pools in the cache what it makes: 2.1 MB are not written" in _pooled(
        (16, 32, 32, 3), few, 2, 2, "VALID"
    )
    assert "the image is not written" in _pooled((None, 32, 32, 3), few, 2, 2, "VALID")
    assert "8 rows are too few to be shared by threads" in _pooled(
        (1, 16, 16, 3), few, 2, 2, "VALID"
    )
    assert "its windows share most of their rows" in _pooled((8, 16, 16, 3), few, 3, 1, "VALID")
    assert "a place of the image at a time" in _pooled((64, 4, 4, 3), few, 2, 2, "VALID")
    assert "windows reach over rows of tiles" in _pooled((8, None, None, 64), many, 3, 2, "SAME")
    assert "the image is not written" in _pooled((8, None, None, 64), many, 2, 2, "VALID")
    assert "would stay in no cache" in _pooled((1, 150, 160, 64), many, 3, 2, "SAME")
    deep = floats(3, 3, 384, 384)
    assert "would read the filter too often" in _pooled((4, 9, 10, 384), deep, 2, 2, "VALID")


def test_explain_says_why_of_products() -> None:
    def of(
        shape: tuple[int | None, ...], columns: int, pool: int = 2, padding: str = "VALID"
    ) -> str:
        return _pooled(shape, floats(1, 1, shape[-1] or 1, columns), pool, 2, padding)

    assert "pools in the cache what it makes: 4.2 MB are not" in of((16, 32, 32, 3), 64)
    assert "the image is not written" in of((None, 64, 64, 16), 32)
    assert "its windows share rows" in of((16, 32, 32, 3), 64, 3, "SAME")
    assert "a cache holds the image between" in of((16, 32, 32, 64), 64)
    assert "a cache holds the image between" in of((2, 32, 32, 16), 64)
    assert "the product alone is faster as it is" in of((4, 32, 32, 129), 64)
    assert "8 rows are too few to be shared by threads" in of((1, 16, 16, 3), 32)


def test_rows_made_twice() -> None:
    """Where windows overlap and units are narrow; of whole images none is."""
    x, f = Spec((1, 400, 400, 64), nf.float64), Spec((3, 3, 64, 64), nf.float64)
    y = Spec((1, 400, 400, 64), nf.float64)
    attrs = {"kernel": (3, 3), "strides": (2, 2), "padding": ((1, 1), (1, 1)), "dilations": (1, 1)}
    pooling = ("max", (1, 200, 200, 64), tuple(attrs.items()))
    pays, why = pooled.direct_pays([x, f], [y], {"strides": (1, 1)}, pooling)
    assert not pays and why == "50% of its rows would be made twice"
