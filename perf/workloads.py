"""Shapes, data, initial weights and reference losses, the same for every framework. NumPy only.

A training workload is 20 batches, walked round and round. One step is forward pass, loss, gradients
and update. REFERENCE_LOSS is what step 20 returns in float64; every program must come within
its LOSS_TOLERANCES of it, so that no figure is ever that of a wrong program.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from perf import convnets, recurrent, sequences
from perf.arrays import Array as Array
from perf.arrays import he, normal, zeros

STEPS = 20

# workload: the loss that step 20 returns, in float64
REFERENCE_LOSS = {
    "W4": 0.01189153,
    "W5": 0.08534442,
    "W6": 1.131395,
    "W7": 1.145268,
    "W8": 1.901605,
    "W10": 0.01095063,
    "W13R": 0.2383578,
    "W14": 1.557448,
}
TRAINING = tuple(REFERENCE_LOSS)
# Relative, float32 against float64 over 20 steps. Batch norm over 2x2 pixels magnifies rounding.
LOSS_TOLERANCES = dict.fromkeys(TRAINING, 1e-4) | {"W13R": 1e-3}

# How often a call of a "loop" walks the batches: all steps of that inside of one call.
LOOP_WALKS = {"W4": 50, "W5": 50, "W6": 10, "W7": 5, "W10": 10}

W1_SIZE = 10
W6_LAYERS = (784, 10)
W6_BATCH = 64
W7_LAYERS = (784, 256, 128, 64, 32, 10)
W7_BATCH = 128

# W12, name: rows, inner, columns of a matrix product
PRODUCTS = {
    "1024^3": (1024, 1024, 1024),
    "4096x784x256": (4096, 784, 256),
    "128x784x256": (128, 784, 256),
    "32x30x120": (32, 30, 120),
}

# what `--growth` varies
GROWTH_FEATURES, GROWTH_BATCHES = 256, 4
DEEP_WIDTH, DEEP_BATCH = 16, 16
DEEP_OPS, DEEP_ENDS = 23, 18  # nodes of numflow's trace per layer, and of the loss

MOMENTUM = 0.9
ADAM_BETA_1, ADAM_BETA_2, ADAM_EPSILON = 0.9, 0.999, 1e-10


@dataclass(frozen=True)
class Training:
    """What one training workload starts from."""

    parameters: dict[str, Array]
    batches: list[tuple[Array, Array]]
    optimizer: str  # "sgd", "momentum" or "adam"
    learning_rate: float


@cache
def training(workload: str) -> Training:
    """The data of a training workload, made once: a first step that is timed finds it ready.

    W4: (x w + b - y)^2 / 34, one sample a step.
    W5: mean((tanh(x w0 + b0) w1 + b1 - y)^2), 200 samples of one feature, 10 hidden units.
    W6: mean softmax cross-entropy of x w0 + b0.
    W7: the same behind four relu layers, Adam.
    W8: the same behind LeNet's layers, momentum.
    W10: mean((w h + b - y)^2) behind two LSTM layers, Adam.
    W13R: that of W8 behind the layers of a ResNet-18, four batches in turn.
    W14: mean((block(x) - y)^2) of a transformer's block, Adam.

    mlp-<batch>-<width>-<depth>: W6 behind `depth` relu layers, 256 features. deep-<ops>: x <- x +
    tanh(x w + b) / layers, again and again, mean((x - y)^2); about so many ops with its gradient
    and update, counted in numflow's trace.
    """
    rng = np.random.default_rng(7)
    if workload.startswith("mlp-"):
        return _grown_mlp(rng, *map(int, workload.split("-")[1:]))
    if workload.startswith("deep-"):
        return _deep(rng, deep_layers(int(workload.split("-")[1])))
    if workload == "W4":
        weights = {"w": np.asarray(0.3, np.float32), "b": np.asarray(-0.5, np.float32)}
        return Training(weights, _line_samples(), "sgd", 0.01)
    if workload == "W5":
        x = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
        y = x * x + normal(rng, 200, 1, std=0.05)
        return Training(_layers(rng, (1, 10, 1)), [(x, y)] * STEPS, "sgd", 0.1)
    if workload == "W6":
        weights = {"w0": np.zeros(W6_LAYERS, np.float32), "b0": np.zeros(10, np.float32)}
        return Training(weights, _labelled_noise(rng, W6_BATCH, 784), "sgd", 0.1)
    if workload == "W7":
        return Training(_layers(rng, W7_LAYERS), _labelled_noise(rng, W7_BATCH, 784), "adam", 3e-4)
    if workload == "W8":
        parameters = convnets.lenet_parameters(rng)
        side = convnets.LENET_SIDE
        batches = _labelled_noise(rng, convnets.LENET_BATCH, side, side, 1)
        return Training(parameters, batches, "momentum", 0.003)
    if workload == "W10":
        weights = recurrent.sine_parameters(rng)
        return Training(weights, recurrent.sine_batches(rng, STEPS), "adam", 0.01)
    if workload == "W13R":
        parameters = convnets.resnet_parameters(rng)
        side = convnets.RESNET_SIDE
        batches = _labelled_noise(rng, convnets.RESNET_BATCH, side, side, 3)
        return Training(parameters, batches[:4] * (STEPS // 4), "momentum", 3e-4)
    if workload == "W14":
        weights = sequences.block_parameters(rng)
        return Training(weights, sequences.block_batches(rng, STEPS), "adam", 1e-3)
    raise KeyError(workload)


def is_loop(variant: str) -> bool:
    """Whether it walks many batches in one call: its step takes them stacked."""
    return variant.endswith("loop")


def is_training(workload: str) -> bool:
    return workload in TRAINING or workload.startswith(("mlp-", "deep-"))


def family(workload: str) -> str:
    """What its loss is: one of TRAINING, mlp or deep."""
    return workload.partition("-")[0]


def deep_layers(ops: int) -> int:
    """Layers of deep-<ops>."""
    return max(1, round((ops - DEEP_ENDS) / DEEP_OPS))


def _grown_mlp(rng: np.random.Generator, batch: int, width: int, depth: int) -> Training:
    sizes = (GROWTH_FEATURES, *[width] * depth, 10)
    batches = [
        (normal(rng, batch, GROWTH_FEATURES), rng.integers(0, 10, batch).astype(np.int32))
        for _ in range(GROWTH_BATCHES)
    ]
    return Training(_layers(rng, sizes), batches, "sgd", 0.01)


def _deep(rng: np.random.Generator, layers: int) -> Training:
    weights: dict[str, Array] = {}
    for i in range(layers):
        weights[f"w{i}"] = normal(rng, DEEP_WIDTH, DEEP_WIDTH, std=DEEP_WIDTH**-0.5)
        weights[f"b{i}"] = np.zeros(DEEP_WIDTH, np.float32)
    x, y = normal(rng, DEEP_BATCH, DEEP_WIDTH), normal(rng, DEEP_BATCH, DEEP_WIDTH)
    return Training(weights, [(x, y)] * GROWTH_BATCHES, "sgd", 0.1)


def matrices(name: str) -> tuple[Array, Array]:
    """float32 operands of the product `name` of W12."""
    rows, inner, columns = PRODUCTS[name]
    first = normal(np.random.default_rng(0), rows, inner)
    return first, normal(np.random.default_rng(1), inner, columns)


def product_flop(name: str) -> float:
    """Operations of the product `name` of W12."""
    rows, inner, columns = PRODUCTS[name]
    return 2.0 * rows * inner * columns


def dense_flop(batch: int, layers: Sequence[int]) -> float:
    """Operations of a step through dense layers.

    Forward, weight gradients, and input gradients of all layers but the first.
    """
    products = [2.0 * batch * a * b for a, b in pairwise(layers)]
    return 3 * sum(products) - products[0]


def _layers(rng: np.random.Generator, sizes: Sequence[int]) -> dict[str, Array]:
    """Weights w0, w1, ..., biases b0, b1, ... zero."""
    weights: dict[str, Array] = {}
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        weights[f"w{i}"] = he(rng, inputs, outputs)
        weights[f"b{i}"] = zeros(outputs)
    return weights


def _labelled_noise(rng: np.random.Generator, batch: int, *shape: int) -> list[tuple[Array, Array]]:
    """Noisy class prototypes, as sparse as MNIST's digits: learnable, so well conditioned.

    One label in five is random: the loss, and so the gradients, never fade to denormals in long
    timings.
    """
    prototypes = rng.random((10, *shape)) ** 4
    batches = []
    for _ in range(STEPS):
        y = rng.integers(0, 10, batch)
        x = (0.6 * prototypes[y] + 0.4 * rng.random((batch, *shape)) ** 4).astype(np.float32)
        wrong = rng.random(batch) < 0.2
        batches.append((x, np.where(wrong, rng.integers(0, 10, batch), y).astype(np.int32)))
    return batches


def _line_samples() -> list[tuple[Array, Array]]:
    """The 17 points of the classic linear-regression tutorial, one per step."""
    x = [3.3, 4.4, 5.5, 6.71, 6.93, 4.168, 9.779, 6.182, 7.59, 2.167, 7.042, 10.791, 5.313, 7.997]
    x += [5.654, 9.27, 3.1]
    y = [1.7, 2.76, 2.09, 3.19, 1.694, 1.573, 3.366, 2.596, 2.53, 1.221, 2.827, 3.465, 1.65, 2.904]
    y += [2.42, 2.94, 1.3]
    pairs = [
        (np.asarray(a, np.float32), np.asarray(b, np.float32)) for a, b in zip(x, y, strict=True)
    ]
    return [pairs[i % 17] for i in range(STEPS)]
