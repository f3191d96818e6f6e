"""What the tests save and restore."""

from typing import Any

import numpy as np

import numflow as nf
from numflow.checkpointing.checkpoint import Checkpoint
from numflow.checkpointing.objects import inventory
from numflow.eager.module import Module


class Dense(Module):
    def __init__(self, n: int, m: int, value: float = 0.0) -> None:
        super().__init__()
        self.kernel = nf.Variable(np.full((n, m), value, "f4"), name="kernel")
        self.bias = nf.Variable(np.full(m, value, "f4"), name="bias")


class Net(Module):
    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.layers = [Dense(2, 3, value), Dense(3, 5, value + 1)]
        self.extra = {"scale": nf.Variable(value), "more": (nf.Variable(int(value)),)}
        self.size = 7  # no variable: not saved


def values(checkpoint: Checkpoint) -> dict[str, Any]:
    return {p: v.numpy().tolist() for p, v in inventory(checkpoint).variables.items()}


def train(net: Net, optimizer: Any, steps: int = 1) -> None:
    for _ in range(steps):
        pairs = [(nf.ones_like(v) * 0.5, v) for v in net.trainable_variables if v.dtype.is_floating]
        optimizer.apply_gradients(pairs)
