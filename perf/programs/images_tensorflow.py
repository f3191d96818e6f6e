"""TensorFlow: convolutions, batch norm, pools, resizing; LeNet, ResNet and MobileNet."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import tensorflow as tf

from perf import convnets, workloads
from perf.timing import Case

v1 = tf.compat.v1


def lenet(p: Mapping[str, Any], x: Any) -> Any:
    """Logits."""
    for i in "01":
        x = tf.nn.conv2d(x, p["c" + i], 1, "SAME")
        x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(x, p["cb" + i])), 2, 2, "SAME")
    x = tf.reshape(x, (-1, p["w0"].shape[0]))
    x = tf.nn.relu(tf.nn.bias_add(x @ p["w0"], p["b0"]))
    return tf.nn.bias_add(x @ p["w1"], p["b1"])


def resnet(p: Mapping[str, Any], x: Any) -> Any:
    """Logits."""

    def conv(x: Any, w: Any, stride: int) -> Any:
        if stride == 1:
            return tf.nn.conv2d(x, w, 1, "SAME")
        pad = (w.shape[0] - 1) // 2  # explicit padding takes a slower path than tf.pad
        x = tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        return tf.nn.conv2d(x, w, stride, "VALID")

    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        return v1.nn.fused_batch_norm(x, gamma, beta, epsilon=convnets.RESNET_EPSILON)[0]

    def pool(x: Any) -> Any:
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    def head(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.bias_add(tf.reduce_mean(x, (1, 2)) @ w, b)

    return convnets.resnet(x, p, conv, norm, tf.nn.relu, pool, head)


def mobilenet(weights: list[Any], x: Any) -> Any:
    """Probabilities."""

    def conv(x: Any, w: Any, stride: int, depthwise: bool) -> Any:
        if depthwise:
            return tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), "SAME")
        return tf.nn.conv2d(x, w, stride, "SAME")

    def norm(x: Any, *parameters: Any) -> Any:
        epsilon = convnets.MOBILENET_EPSILON
        return v1.nn.fused_batch_norm(x, *parameters, epsilon, is_training=False)[0]

    def head(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.softmax(tf.nn.bias_add(tf.reduce_mean(x, (1, 2)) @ w, b))

    return convnets.mobilenet(x, weights, conv, norm, tf.nn.relu6, head)


def _both(name: str, f: Callable[..., Any], *arguments: Any) -> Iterator[Case]:
    fed = [tf.constant(a) for a in arguments]
    for variant, xla in (("function", False), ("xla", True)):
        yield Case(name, variant, partial(tf.function(f, jit_compile=xla), *fed))


def _backward(f: Callable[..., Any]) -> Callable[..., Any]:
    """(*arguments, dy) -> f(*arguments), and its gradients by the arguments."""

    def both(*arguments: Any) -> Any:
        *inputs, dy = arguments
        y = f(*inputs)
        return y, tf.gradients(y, inputs, dy)

    return both


def _lenet() -> Iterator[Case]:
    p = {name: tf.constant(a) for name, a in workloads.training("W8").parameters.items()}
    yield from _both("infer", lambda x: lenet(p, x), convnets.lenet_images())


def _convolutions() -> Iterator[Case]:
    for name, c in convnets.CONVOLUTIONS.items():
        x, w, dy = convnets.convolution_operands(name)
        f = partial(_depthwise if c.groups > 1 else _convolution, c.stride)
        yield from _both(f"{name} {convnets.FORWARD}", f, x, w)
        yield from _both(f"{name} {convnets.BOTH}", _backward(f), x, w, dy)


def _convolution(stride: int, x: Any, w: Any) -> Any:
    return tf.nn.conv2d(x, w, stride, "SAME")


def _depthwise(stride: int, x: Any, w: Any) -> Any:
    return tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), "SAME")


def _norm() -> Iterator[Case]:
    def f(x: Any, gamma: Any, beta: Any) -> Any:
        return v1.nn.fused_batch_norm(x, gamma, beta, epsilon=convnets.NORM_EPSILON)[0]

    yield from _both("f+b", _backward(f), *convnets.norm_operands())


def _pools() -> Iterator[Case]:
    for name, (window, stride) in convnets.POOLS.items():
        pool = tf.nn.max_pool2d if name.startswith("max") else tf.nn.avg_pool2d
        f = partial(pool, ksize=window, strides=stride, padding="VALID")
        yield from _both(name, _backward(f), *convnets.pool_operands(name))


def _resize() -> Iterator[Case]:
    _, height, width, _ = convnets.RESIZED

    def f(x: Any) -> Any:
        return tf.image.resize(x, (2 * height, 2 * width))

    x, dy = (tf.constant(a) for a in convnets.resize_operands())
    # XLA has no kernel for it on a CPU.
    yield Case("bilinear", "function", partial(tf.function(_backward(f)), x, dy))


def _mobilenet() -> Iterator[Case]:
    weights = [tf.constant(w) for w in convnets.mobilenet_weights()]
    for batch in convnets.MOBILENET_BATCHES:
        x = convnets.mobilenet_images(batch)
        yield from _both(f"batch {batch}", lambda x: mobilenet(weights, x), x)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W8": _lenet,
    "W9": _convolutions,
    "W13": _mobilenet,
    "batchnorm": _norm,
    "pool": _pools,
    "resize": _resize,
}
