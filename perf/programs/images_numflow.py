"""numflow: convolutions, batch norm, pools, resizing; LeNet, ResNet and MobileNet."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numflow as tf
from perf import convnets, workloads


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
        pad = (w.shape[0] - 1) // 2
        return tf.nn.conv2d(x, w, stride, [[0, 0], [pad, pad], [pad, pad], [0, 0]])

    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        return batch_norm(x, gamma, beta, convnets.RESNET_EPSILON)

    def pool(x: Any) -> Any:
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    def head(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.bias_add(tf.reduce_mean(x, (1, 2)) @ w, b)

    return convnets.resnet(x, p, conv, norm, tf.nn.relu, pool, head)


def batch_norm(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """By the batch's own statistics."""
    mean, variance = tf.nn.moments(x, (0, 1, 2))
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)


def mobilenet(weights: list[Any], x: Any) -> Any:
    """Probabilities."""

    def conv(x: Any, w: Any, stride: int, depthwise: bool) -> Any:
        if depthwise:
            return tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), "SAME")
        return tf.nn.conv2d(x, w, stride, "SAME")

    def norm(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        epsilon = convnets.MOBILENET_EPSILON
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    def head(x: Any, w: Any, b: Any) -> Any:
        return tf.nn.softmax(tf.nn.bias_add(tf.reduce_mean(x, (1, 2)) @ w, b))

    return convnets.mobilenet(x, weights, conv, norm, tf.nn.relu6, head)


def _backward(f: Callable[..., Any]) -> Any:
    """(*arguments, dy) -> f(*arguments), and its gradients by the arguments."""

    def both(*arguments: Any) -> Any:
        *inputs, dy = arguments
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = f(*inputs)
        return y, tape.gradient(y, inputs, output_gradients=dy)

    return tf.function(both)


def _lenet() -> Iterator[tuple[str, Any, list[Any]]]:
    p = {name: tf.constant(a) for name, a in workloads.training("W8").parameters.items()}
    yield "infer", tf.function(lambda x: lenet(p, x)), [tf.constant(convnets.lenet_images())]


def _convolutions() -> Iterator[tuple[str, Any, list[Any]]]:
    for name, c in convnets.CONVOLUTIONS.items():
        x, w, dy = convnets.convolution_operands(name)
        if c.groups > 1:  # one channel each
            w = w.reshape(c.kernel, c.kernel, c.channels, 1)

        f = partial(_depthwise if c.groups > 1 else _convolution, c.stride)
        arguments = [tf.constant(a) for a in (x, w, dy)]
        yield f"{name} {convnets.FORWARD}", tf.function(f), arguments[:2]
        yield f"{name} {convnets.BOTH}", _backward(f), arguments


def _convolution(stride: int, x: Any, w: Any) -> Any:
    return tf.nn.conv2d(x, w, stride, "SAME")


def _depthwise(stride: int, x: Any, w: Any) -> Any:
    return tf.nn.depthwise_conv2d(x, w, (1, stride, stride, 1), "SAME")


def _norm() -> Iterator[tuple[str, Any, list[Any]]]:
    def f(x: Any, gamma: Any, beta: Any) -> Any:
        return batch_norm(x, gamma, beta, convnets.NORM_EPSILON)

    yield "f+b", _backward(f), [tf.constant(a) for a in convnets.norm_operands()]


def _pools() -> Iterator[tuple[str, Any, list[Any]]]:
    for name, (window, stride) in convnets.POOLS.items():
        pool = tf.nn.max_pool2d if name.startswith("max") else tf.nn.avg_pool2d
        f = partial(pool, ksize=window, strides=stride, padding="VALID")
        yield name, _backward(f), [tf.constant(a) for a in convnets.pool_operands(name)]


def _resize() -> Iterator[tuple[str, Any, list[Any]]]:
    _, height, width, _ = convnets.RESIZED

    def f(x: Any) -> Any:
        return tf.image.resize(x, (2 * height, 2 * width))

    yield "bilinear", _backward(f), [tf.constant(a) for a in convnets.resize_operands()]


def _mobilenet() -> Iterator[tuple[str, Any, list[Any]]]:
    weights = [tf.constant(w) for w in convnets.mobilenet_weights()]
    f = tf.function(lambda x: mobilenet(weights, x))
    for batch in convnets.MOBILENET_BATCHES:
        yield f"batch {batch}", f, [tf.constant(convnets.mobilenet_images(batch))]


# Of each workload: name, tf.function and arguments of its cases.
FUNCTIONS: dict[str, Callable[[], Iterator[tuple[str, Any, list[Any]]]]] = {
    "W8": _lenet,
    "W9": _convolutions,
    "W13": _mobilenet,
    "batchnorm": _norm,
    "pool": _pools,
    "resize": _resize,
}
