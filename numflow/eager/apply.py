"""The eager interpreter: an op runs its reference at once, and tapes record it; no compiling."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from numflow import dtypes
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import ResourceExhaustedError, SymbolicTensorError, explain
from numflow.gradient.vjp import Record
from numflow.graph.op import Attrs, Op, set_default
from numflow.graph.tensor import Tensor


class Recorder(Protocol):
    """A tape, as the interpreter sees it."""

    def record(self, record: Record) -> None:
        """Take note of an op that ran."""

    def accessed(self, variable: Any, value: Tensor) -> None:
        """Take note that a variable was read."""

    def watches(self, tensor: Tensor) -> bool:
        """Whether an op on tensor would be recorded."""

    def would_watch(self, variable: Any) -> bool:
        """Whether a read of variable would be recorded."""


class _Tapes(threading.local):
    def __init__(self) -> None:
        self.items: list[Recorder] = []


tapes = _Tapes()


class Eager:
    """The default interpreter of every thread."""

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        arrays = []
        for t in inputs:
            if type(t) is not EagerTensor:
                raise SymbolicTensorError(
                    explain(
                        op.name,
                        "a tensor of a traced function is used outside of it",
                        {"tensor": t},
                        fix="return it from the function",
                    )
                )
            arrays.append(t._array)
        specs = op.specs([t.spec for t in inputs], attrs)
        try:
            with np.errstate(all="ignore"):
                outputs = tuple(EagerTensor(a) for a in op.run(arrays, specs, attrs))
        except MemoryError as e:
            wanted = {f"output {i}": s for i, s in enumerate(specs)}
            raise ResourceExhaustedError(
                explain(op.name, f"not enough memory: {e}", wanted)
            ) from None
        if tapes.items:
            record = Record(op, tuple(inputs), outputs, attrs)
            for tape in tapes.items:
                tape.record(record)
        return outputs

    def constant(self, array: Array) -> EagerTensor:
        return EagerTensor(array)

    def sizes(self, sizes: Sequence[Any], dtype: dtypes.DType) -> EagerTensor:
        """A 1-D tensor of sizes."""
        return EagerTensor(np.array(sizes, dtype.numpy))


eager = Eager()
set_default(eager)
