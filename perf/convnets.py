"""Shapes, weights and operands of the convolutional lines, the same for every framework.

NumPy only. Images are [batch, height, width, channels], filters [height, width, channels, out],
or [height, width, channels, 1] where each channel is filtered alone. `mobilenet` and `resnet` walk
a model with the ops that a framework hands them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from perf.arrays import Array, he, normal, ones, zeros


class Convolution(NamedTuple):
    """A layer of W9: square images and windows, padding "SAME"."""

    batch: int
    side: int
    channels: int
    filters: int
    kernel: int
    stride: int = 1
    groups: int = 1

    @property
    def result_side(self) -> int:
        return -(-self.side // self.stride)

    @property
    def before(self) -> int:
        """Zeros above and on the left; below and on the right may be one more."""
        return max((self.result_side - 1) * self.stride + self.kernel - self.side, 0) // 2

    @property
    def after(self) -> int:
        whole = max((self.result_side - 1) * self.stride + self.kernel - self.side, 0)
        return whole - self.before

    @property
    def flop(self) -> float:
        """Operations of the forward pass; each gradient has as many."""
        places = self.batch * self.result_side**2
        return 2.0 * places * self.filters * self.kernel**2 * (self.channels // self.groups)


CONVOLUTIONS = {
    "56x56 64>64 3x3": Convolution(32, 56, 64, 64, 3),
    "28x28 128>128 3x3": Convolution(32, 28, 128, 128, 3),
    "14x14 256>256 3x3": Convolution(32, 14, 256, 256, 3),
    "56x56 256>64 1x1": Convolution(32, 56, 256, 64, 1),
    "112x112 depthwise 32 3x3": Convolution(32, 112, 32, 32, 3, groups=32),
    "224x224 3>64 7x7/2": Convolution(8, 224, 3, 64, 7, stride=2),
}
FORWARD, BOTH = "f", "f+b"  # what a case of W9 does: `<name> f`

# batch norm and pools
MAPS = (32, 56, 56, 64)
NORM_EPSILON = 1e-3
# name: window, stride; none is padded
POOLS = {"max 2x2": (2, 2), "max 3x3/2": (3, 2), "average 2x2": (2, 2)}

# bilinear resize to twice the side
RESIZED = (16, 64, 64, 32)

LENET_IMAGES = 1000  # of W8's inference
LENET_SIDE, RESNET_SIDE, MOBILENET_SIDE = 28, 64, 192
LENET_BATCH, RESNET_BATCH, MOBILENET_BATCHES = 100, 16, (1, 16)
RESNET_EPSILON, MOBILENET_EPSILON = 1e-5, 1e-3


# --- operands ----------------------------------------------------------------------------


@cache
def convolution_operands(name: str) -> tuple[Array, Array, Array]:
    """x, filter and the gradient of the result, of a layer of W9."""
    c = CONVOLUTIONS[name]
    rng = np.random.default_rng(0)
    x = normal(rng, c.batch, c.side, c.side, c.channels)
    w = he(rng, c.kernel, c.kernel, c.channels // c.groups, c.filters)
    w = w.reshape(c.kernel, c.kernel, c.channels, -1)
    return x, w, normal(rng, c.batch, c.result_side, c.result_side, c.filters)


@cache
def norm_operands() -> tuple[Array, Array, Array, Array]:
    """x, gamma, beta and the gradient of the batch norm's result."""
    rng, d = np.random.default_rng(0), MAPS[-1]
    x = normal(rng, *MAPS)
    gamma, beta = 1 + normal(rng, d, std=0.1), normal(rng, d, std=0.1)
    return x, gamma, beta, normal(rng, *MAPS)


@cache
def pool_operands(name: str) -> tuple[Array, Array]:
    """x, and the gradient of the pool's result."""
    window, stride = POOLS[name]
    rng = np.random.default_rng(0)
    batch, height, width, channels = MAPS
    sides = ((n - window) // stride + 1 for n in (height, width))
    return normal(rng, *MAPS), normal(rng, batch, *sides, channels)


@cache
def resize_operands() -> tuple[Array, Array]:
    """x, and the gradient of the larger image."""
    rng = np.random.default_rng(0)
    batch, height, width, channels = RESIZED
    return normal(rng, *RESIZED), normal(rng, batch, 2 * height, 2 * width, channels)


@cache
def lenet_images() -> Array:
    """float32 [LENET_IMAGES, side, side, 1] from 0 to 1."""
    shape = (LENET_IMAGES, LENET_SIDE, LENET_SIDE, 1)
    return np.random.default_rng(0).random(shape).astype(np.float32)


@cache
def mobilenet_images(batch: int) -> Array:
    """float32 [batch, side, side, 3]."""
    return normal(np.random.default_rng(0), batch, MOBILENET_SIDE, MOBILENET_SIDE, 3)


# --- LeNet -------------------------------------------------------------------------------


def lenet_parameters(rng: np.random.Generator) -> dict[str, Array]:
    """Two layers of 5x5 with 2x2 pools behind them, 512 hidden units, ten classes.

    Like LeCun et al. 1998, figure 2, as wide as the tutorials of today make it.
    """
    c0, c1 = he(rng, 5, 5, 1, 32), he(rng, 5, 5, 32, 64)
    w0, w1 = he(rng, 7 * 7 * 64, 512), he(rng, 512, 10)
    biases = {"cb0": zeros(32), "cb1": zeros(64), "b0": zeros(512), "b1": zeros(10)}
    return {"c0": c0, "c1": c1, "w0": w0, "w1": w1} | biases


def lenet_flop() -> tuple[float, float]:
    """Operations of the forward pass of one image, and those of its first layer."""
    first = 2.0 * 28 * 28 * 32 * 25
    return first + 2.0 * (14 * 14 * 64 * 800 + 3136 * 512 + 512 * 10), first


# --- ResNet-18 ---------------------------------------------------------------------------

# channels and stride of each block. He et al. 2015, "Deep Residual Learning", table 1
RESNET = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))


def resnet(
    x: Any,
    p: Mapping[str, Any],
    conv: Callable[[Any, Any, int], Any],
    norm: Callable[[Any, Any, Any], Any],
    relu: Callable[[Any], Any],
    pool: Callable[[Any], Any],
    head: Callable[[Any, Any, Any], Any],
) -> Any:
    """Logits of ResNet-18, batch norm by the batch's own statistics, no running averages.

    conv(x, w, stride) pads (kernel - 1) / 2 on all sides; norm(x, gamma, beta); pool takes 2x2;
    head(x, w, b) averages and multiplies.
    """

    def layer(x: Any, name: str, stride: int = 1) -> Any:
        return norm(conv(x, p[name], stride), p[name + "g"], p[name + "b"])

    x = pool(relu(layer(x, "stem", 2)))
    for i, (_, stride) in enumerate(RESNET):
        y = layer(relu(layer(x, f"{i}a", stride)), f"{i}c")
        x = relu(y + (layer(x, f"{i}s", stride) if f"{i}s" in p else x))
    return head(x, p["w"], p["wb"])


def _resnet_filters() -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Names and shapes of the filters, in the order in which they are drawn."""
    yield "stem", (7, 7, 3, 64)
    inputs = 64
    for i, (outputs, stride) in enumerate(RESNET):
        yield f"{i}a", (3, 3, inputs, outputs)
        yield f"{i}c", (3, 3, outputs, outputs)
        if stride > 1 or inputs != outputs:
            yield f"{i}s", (1, 1, inputs, outputs)
        inputs = outputs


def resnet_parameters(rng: np.random.Generator) -> dict[str, Array]:
    p: dict[str, Array] = {}
    for name, shape in _resnet_filters():
        p[name] = he(rng, *shape)
        p |= {name + "g": ones(shape[-1]), name + "b": zeros(shape[-1])}
    return p | {"w": normal(rng, 512, 10, std=0.05), "wb": zeros(10)}


def resnet_flop() -> float:
    """Operations of a training step of one image."""
    layers: list[float] = []
    shapes: dict[str, Any] = dict(_resnet_filters())
    unused = {name + part: None for name in shapes for part in "gb"} | {"w": None, "wb": None}
    resnet(
        np.empty((RESNET_SIDE, RESNET_SIDE)),
        shapes | unused,
        lambda x, w, stride: _counted(layers, x, w, stride),
        lambda x, *_: x,
        lambda x: x,
        lambda x: x[::2, ::2],
        lambda x, *_: x,
    )
    forward = sum(layers) + 2.0 * 512 * 10
    return 3 * forward - layers[0]  # nobody asks for the gradient of the image


# --- MobileNetV2 -------------------------------------------------------------------------

# expansion, channels, how many, first stride. Sandler et al. 2018, table 2
MOBILENET = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet(
    x: Any,
    weights: Iterable[Any],
    conv: Callable[[Any, Any, int, bool], Any],
    norm: Callable[[Any, Any, Any, Any, Any], Any],
    relu6: Callable[[Any], Any],
    head: Callable[[Any, Any, Any], Any],
) -> Any:
    """Probabilities of MobileNetV2, width 1, batch norm by the statistics that it has learnt.

    conv(x, w, stride, depthwise) pads "SAME"; norm(x, gamma, beta, mean, variance); head(x, w, b)
    averages, multiplies and takes the softmax.
    """
    each = iter(weights)

    def layer(x: Any, stride: int = 1, depthwise: bool = False, bent: bool = True) -> Any:
        y = conv(x, next(each), stride, depthwise)
        y = norm(y, next(each), next(each), next(each), next(each))
        return relu6(y) if bent else y

    x, inputs = layer(x, 2), 32
    for expansion, outputs, repeats, stride in MOBILENET:
        for i in range(repeats):
            y = layer(x) if expansion != 1 else x
            y = layer(y, stride if i == 0 else 1, depthwise=True)
            y = layer(y, bent=False)
            x, inputs = (x + y if i and inputs == outputs else y), outputs
    return head(layer(x), next(each), next(each))


def _mobilenet_filters() -> Iterator[tuple[int, int, int, int]]:
    """Shapes in the order of the walk; depthwise ones are [3, 3, channels, 1]."""
    yield 3, 3, 3, 32
    inputs = 32
    for expansion, outputs, repeats, _ in MOBILENET:
        for _ in range(repeats):
            if expansion != 1:
                yield 1, 1, inputs, inputs * expansion
            yield 3, 3, inputs * expansion, 1
            yield 1, 1, inputs * expansion, outputs
            inputs = outputs
    yield 1, 1, 320, 1280


@cache
def mobilenet_weights() -> tuple[Array, ...]:
    """Filter, gamma, beta, mean and variance of each layer, then weights and bias of the head."""
    rng = np.random.default_rng(3)
    weights: list[Array] = []
    for shape in _mobilenet_filters():
        depthwise = shape[3] == 1
        channels = shape[2] if depthwise else shape[3]
        weights.append(normal(rng, *shape, std=(2 / 9) ** 0.5) if depthwise else he(rng, *shape))
        weights.append(1 + normal(rng, channels, std=0.1))
        weights += [normal(rng, channels, std=0.1), normal(rng, channels, std=0.1)]
        weights.append(1 + abs(normal(rng, channels, std=0.1)))
    return (*weights, normal(rng, 1280, 1000, std=0.02), zeros(1000))


def mobilenet_flop() -> float:
    """Operations of one image."""
    layers: list[float] = []
    walk = [part for shape in _mobilenet_filters() for part in (shape, None, None, None, None)]
    mobilenet(
        np.empty((MOBILENET_SIDE, MOBILENET_SIDE)),
        [*walk, None, None],
        lambda x, w, stride, _: _counted(layers, x, w, stride),
        lambda x, *_: x,
        lambda x: x,
        lambda x, *_: x,
    )
    return sum(layers) + 2.0 * 1280 * 1000


def _counted(layers: list[float], x: Array, w: tuple[int, ...], stride: int) -> Array:
    """A layer's operations go to `layers`; what it gives has its sides, and no channels."""
    y = x[::stride, ::stride]
    layers.append(2.0 * y.size * np.prod(w))
    return y
