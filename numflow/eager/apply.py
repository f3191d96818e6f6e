"""The eager interpreter: an op runs its reference at once, and tapes record it; no compiling."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from numflow import dtypes
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import ResourceExhaustedError, SymbolicTensorError, explain
from numflow.gradient.vjp import Record
from numflow.graph.op import Attrs, Op, current, set_default
from numflow.graph.spec import Spec
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


class _Quiet(threading.local):
    """A context in which NumPy does not warn; to enter it costs a fifth of np.errstate."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()
        self._context.run(np.seterr, all="ignore")
        self._inside = False

    def run(self, reference: Any, arrays: Sequence[Array], attrs: Attrs) -> Any:
        """reference(*arrays, **attrs)."""
        if self._inside:  # a reference that runs user code, which runs ops
            with np.errstate(all="ignore"):
                return reference(*arrays, **attrs)
        self._inside = True
        try:
            return self._context.run(reference, *arrays, **attrs)
        finally:
            self._inside = False


_quiet = _Quiet()


class Eager:
    """The default interpreter of every thread."""

    def __init__(self) -> None:
        # Output specs of ops without attributes: by op and the ids of input specs, which it keeps.
        self._inferred: dict[Any, tuple[list[Spec], tuple[Spec, ...]]] = {}

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        arrays = []
        known = []
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
            known.append(t.spec)
        specs = op.specs(known, attrs) if attrs else self._specs(op, known)
        try:
            got = _quiet.run(op.reference, arrays, attrs)
            outputs: tuple[Tensor, ...]
            if len(specs) == 1 and type(got) is np.ndarray and got.dtype is specs[0].dtype.numpy:
                outputs = (EagerTensor(got, specs[0]),)
            else:
                outputs = tuple(
                    EagerTensor(np.asarray(a, s.dtype.numpy), s)
                    for a, s in zip(got if type(got) is tuple else (got,), specs, strict=True)
                )
        except MemoryError as e:
            wanted = {f"output {i}": s for i, s in enumerate(specs)}
            raise ResourceExhaustedError(explain(op.name, f"not enough memory: {e}", wanted)) from e
        if tapes.items:
            record = Record(op, tuple(inputs), outputs, attrs)
            for tape in tapes.items:
                tape.record(record)
        return outputs

    def _specs(self, op: Op, known: list[Spec]) -> tuple[Spec, ...]:
        key = (op, *map(id, known))
        found = self._inferred.get(key)
        if found is None:
            if len(self._inferred) >= 4096:
                self._inferred.clear()
            found = self._inferred[key] = known, op.specs(known, {})
        return found[1]

    def constant(self, array: Array) -> EagerTensor:
        return EagerTensor(array)

    def sizes(self, sizes: Sequence[Any], dtype: dtypes.DType) -> EagerTensor:
        """A 1-D tensor of sizes."""
        return EagerTensor(np.array(sizes, dtype.numpy))


eager = Eager()
set_default(eager)


def executing_eagerly() -> bool:
    """Whether ops run at once here: not in a function that is being traced.

    Example:
      >>> nf.executing_eagerly(), bool(nf.function(nf.executing_eagerly)())
      (True, False)
    """
    return current() is eager
