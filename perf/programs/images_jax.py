"""JAX: convolutions, batch norm, pools, resizing; LeNet, ResNet and MobileNet."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from perf import convnets, workloads
from perf.timing import Case


def convolution(x: Any, w: Any, stride: int = 1, padding: Any = "SAME") -> Any:
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=layout)


def depthwise(x: Any, w: Any, stride: int) -> Any:
    """w [height, width, channels, 1]."""
    return lax.conv_general_dilated(
        x,
        w.transpose(0, 1, 3, 2),
        (stride, stride),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
    )


def max_pool(x: Any, window: int = 2, stride: int = 2) -> Any:
    sizes, steps = (1, window, window, 1), (1, stride, stride, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, sizes, steps, "VALID")


def average_pool(x: Any, window: int, stride: int) -> Any:
    sizes, steps = (1, window, window, 1), (1, stride, stride, 1)
    return lax.reduce_window(x, 0.0, lax.add, sizes, steps, "VALID") * (1 / window**2)


def batch_norm(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    mean = x.mean((0, 1, 2))
    variance = jnp.square(x - mean).mean((0, 1, 2))
    return (x - mean) * (lax.rsqrt(variance + epsilon) * gamma) + beta


def lenet(p: Mapping[str, Any], x: Any) -> Any:
    """Logits."""
    for i in "01":
        x = max_pool(jax.nn.relu(convolution(x, p["c" + i]) + p["cb" + i]))
    x = jax.nn.relu(x.reshape(len(x), -1) @ p["w0"] + p["b0"])
    return x @ p["w1"] + p["b1"]


def resnet(p: Mapping[str, Any], x: Any) -> Any:
    """Logits."""

    def conv(x: Any, w: Any, stride: int) -> Any:
        pad = (w.shape[0] - 1) // 2
        return convolution(x, w, stride, ((pad, pad), (pad, pad)))

    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        return batch_norm(x, gamma, beta, convnets.RESNET_EPSILON)

    def head(x: Any, w: Any, b: Any) -> Any:
        return x.mean((1, 2)) @ w + b

    return convnets.resnet(x, p, conv, norm, jax.nn.relu, max_pool, head)


def mobilenet(weights: list[Any], x: Any) -> Any:
    """Probabilities."""

    def conv(x: Any, w: Any, stride: int, each: bool) -> Any:
        return depthwise(x, w, stride) if each else convolution(x, w, stride)

    def norm(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        scale = lax.rsqrt(variance + convnets.MOBILENET_EPSILON) * gamma
        return (x - mean) * scale + beta

    def head(x: Any, w: Any, b: Any) -> Any:
        return jax.nn.softmax(x.mean((1, 2)) @ w + b)

    return convnets.mobilenet(x, weights, conv, norm, jax.nn.relu6, head)


def _case(name: str, f: Callable[..., Any], *arguments: Any) -> Case:
    compiled = jax.jit(f)
    fed = [jnp.array(a) for a in arguments]
    return Case(name, "jit", lambda: jax.block_until_ready(compiled(*fed)))


def _backward(f: Callable[..., Any]) -> Callable[..., Any]:
    """(*arguments, dy) -> f(*arguments), and its gradients by the arguments."""

    def both(*arguments: Any) -> Any:
        *inputs, dy = arguments
        y, back = jax.vjp(f, *inputs)
        return y, back(dy)

    return both


def _lenet() -> Iterator[Case]:
    p = {name: jnp.array(a) for name, a in workloads.training("W8").parameters.items()}
    yield _case("infer", lambda x: lenet(p, x), convnets.lenet_images())


def _convolutions() -> Iterator[Case]:
    for name, c in convnets.CONVOLUTIONS.items():
        x, w, dy = convnets.convolution_operands(name)
        f = partial(depthwise if c.groups > 1 else convolution, stride=c.stride)
        yield _case(f"{name} {convnets.FORWARD}", f, x, w)
        yield _case(f"{name} {convnets.BOTH}", _backward(f), x, w, dy)


def _norm() -> Iterator[Case]:
    f = partial(batch_norm, epsilon=convnets.NORM_EPSILON)
    yield _case("f+b", _backward(f), *convnets.norm_operands())


def _pools() -> Iterator[Case]:
    for name, (window, stride) in convnets.POOLS.items():
        pool = max_pool if name.startswith("max") else average_pool
        f = partial(pool, window=window, stride=stride)
        yield _case(name, _backward(f), *convnets.pool_operands(name))


def _resize() -> Iterator[Case]:
    batch, height, width, channels = convnets.RESIZED

    def f(x: Any) -> Any:
        return jax.image.resize(x, (batch, 2 * height, 2 * width, channels), "bilinear")

    yield _case("bilinear", _backward(f), *convnets.resize_operands())


def _mobilenet() -> Iterator[Case]:
    weights = [jnp.array(w) for w in convnets.mobilenet_weights()]
    for batch in convnets.MOBILENET_BATCHES:
        x = convnets.mobilenet_images(batch)
        yield _case(f"batch {batch}", lambda x: mobilenet(weights, x), x)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W8": _lenet,
    "W9": _convolutions,
    "W13": _mobilenet,
    "batchnorm": _norm,
    "pool": _pools,
    "resize": _resize,
}
