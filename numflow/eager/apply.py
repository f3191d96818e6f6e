"""The eager interpreter: an op runs its reference at once, and tapes record it; no compiling."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from numflow import dtypes
from numflow.eager import arithmetic, large, short
from numflow.eager.tensor import Array, EagerTensor, interned
from numflow.errors import ResourceExhaustedError, SymbolicTensorError, explain, user_line
from numflow.gradient.vjp import Record
from numflow.graph import watching
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import sizes_array
from numflow.graph.op import Attrs, Op, current, observers, set_default
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor


class Recorder(Protocol):
    """A tape, as the interpreter sees it."""

    def record(self, record: Record) -> None:
        """Take note of an op that ran."""

    def accessed(self, variable: Any, value: Tensor) -> None:
        """Take note that a variable was read."""

    def assigned(self, variable: Any, value: Tensor) -> None:
        """Take note that a value became a variable's, or was added to it."""

    def watches(self, tensor: Tensor) -> bool:
        """Whether an op on tensor would be recorded."""

    def would_watch(self, variable: Any) -> bool:
        """Whether a read of variable would be recorded."""


class _Tapes(threading.local):
    """Those of a thread, in the order in which they are told of an op: tapes before accumulators,
    whose own ops tapes then see in their right order."""

    def __init__(self) -> None:
        self.items: list[Recorder] = []
        self._accumulators = 0  # the number of those at the end

    def add(self, tape: Recorder) -> None:
        """A tape begins to record."""
        self.items.insert(len(self.items) - self._accumulators, tape)

    def add_accumulator(self, accumulator: Recorder) -> None:
        """An accumulator begins to record."""
        self.items.append(accumulator)
        self._accumulators += 1

    def remove(self, tape: Recorder) -> None:
        """A tape records no more."""
        self.items.remove(tape)

    def remove_accumulator(self, accumulator: Recorder) -> None:
        """An accumulator records no more."""
        self.items.remove(accumulator)
        self._accumulators -= 1


tapes = _Tapes()


_quiet = contextvars.copy_context()
_quiet.run(np.seterr, all="ignore")
_idle = threading.Lock()  # held while that context is entered, which takes one thread at a time


def quietly(reference: Any, arrays: Sequence[Array], attrs: Attrs) -> Any:
    """reference(*arrays, **attrs) without NumPy's warnings."""
    if _idle.acquire(False):
        try:
            return _quiet.run(reference, *arrays, **attrs)
        finally:
            _idle.release()
    # Another thread is in there, or a reference that runs user code, which runs ops.
    with np.errstate(all="ignore"):
        return reference(*arrays, **attrs)


_Known = tuple[tuple[Spec, ...], bool | short.Tally | None]


class Eager:
    """The default interpreter of every thread."""

    def __init__(self) -> None:
        # Signatures by op, attributes and the ids of input specs, which the values keep alive.
        self._inferred: dict[tuple[Any, ...], tuple[_Known, list[Spec]]] = {}
        # Of ufuncs without attributes: the spec of the array that they make, and what they took.
        self._ufuncs: dict[tuple[Any, ...], tuple[Spec, list[Spec]]] = {}

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        if not attrs and not observers:
            known_ufunc = self._apply_ufunc(op, inputs)
            if known_ufunc is not None:
                return known_ufunc
        arrays = []
        known = []
        for t in inputs:
            if type(t) is not EagerTensor:
                raise _outside(op.name, t)
            arrays.append(t._array)
            known.append(t._spec or t.spec)
        specs, compiled = self._signature(op, known, attrs)
        try:
            got: Any = None
            if compiled and large.enabled:
                if compiled is True:
                    got = large.programs.run(op, arrays, known, attrs)
                else:
                    compiled.count()
            if got is None:
                got = quietly(op.reference, arrays, attrs)
            outputs: tuple[Tensor, ...]
            if len(specs) == 1 and type(got) is np.ndarray and got.dtype is specs[0].dtype.numpy:
                outputs = (EagerTensor(got, specs[0]),)
                if not attrs and type(op.reference) is np.ufunc:
                    self._learn(op, known, specs[0])
            elif len(specs) == 1 and type(got) is not tuple:
                outputs = (EagerTensor(np.asarray(got, specs[0].dtype.numpy), specs[0]),)
            else:
                outputs = tuple(
                    [
                        EagerTensor(np.asarray(a, s.dtype.numpy), s)
                        for a, s in zip(got if type(got) is tuple else (got,), specs, strict=True)
                    ]
                )
        except (MemoryError, ValueError) as e:
            if not isinstance(e, MemoryError) and not str(e).startswith(_TOO_BIG):
                raise
            wanted = {f"output {i}": s for i, s in enumerate(specs)}
            raise ResourceExhaustedError(explain(op.name, f"not enough memory: {e}", wanted)) from e
        if observers:
            if tapes.items:
                line = user_line() if watching.watchers else None
                record = Record(op, tuple(inputs), outputs, attrs, line)
                for tape in tapes.items:
                    tape.record(record)
            if watching.watchers:
                watching.show(op, inputs, attrs, outputs)
        return outputs

    def _apply_ufunc(self, op: Op, inputs: Sequence[Any]) -> tuple[Tensor, ...] | None:
        """The result of a ufunc that took such specs before; None: it is not known to."""
        try:
            if len(inputs) == 1:
                (x,) = inputs
                found = self._ufuncs.get((op, id(x._spec)))
                if found is not None:
                    return (EagerTensor(arithmetic.run(op.reference, x._array), found[0]),)
            elif len(inputs) == 2:
                x, y = inputs
                found = self._ufuncs.get((op, id(x._spec), id(y._spec)))
                if found is not None:
                    array = arithmetic.run(op.reference, x._array, y._array)
                    return (EagerTensor(array, found[0]),)
        except (AttributeError, RuntimeError, MemoryError):
            pass  # no eager tensors; another thread is in there; no memory: the long way tells
        return None

    def _learn(self, op: Op, inputs: list[Spec], output: Spec) -> None:
        """Take note that the op's ufunc by itself makes an array of that spec."""
        if len(self._ufuncs) >= 4096:
            self._ufuncs.clear()
        if output.size < arithmetic.LARGE:  # type: ignore[operator]
            self._ufuncs[(op, *map(id, inputs))] = output, inputs

    def _signature(self, op: Op, known: list[Spec], attrs: Attrs) -> _Known:
        """The specs of op's outputs, and whether compiled code may give them: at once, or after
        some calls."""
        key: tuple[Any, ...]
        if attrs:
            kinds = tuple(map(type, attrs.values()))  # 1, 1.0 and True are equal, but not the same
            if not _PLAIN.issuperset(kinds):
                return op.specs(known, attrs), False
            key = (op, *map(id, known), kinds, *attrs.items())
        else:
            key = (op, *map(id, known))
        try:
            found = self._inferred.get(key)
        except TypeError:  # a list within a tuple
            return op.specs(known, attrs), False
        if found is None:
            if len(self._inferred) >= 4096:
                self._inferred.clear()
            specs = tuple([interned(s) for s in op.specs(known, attrs)])
            may = large.is_candidate(op, known, specs) or short.tally(op, known, attrs)
            found = self._inferred[key] = (specs, may), known
        return found[0]

    def constant(self, array: Array) -> EagerTensor:
        return EagerTensor(array)

    def sizes(self, sizes: Sequence[Any], dtype: dtypes.DType) -> EagerTensor:
        """A 1-D tensor of sizes."""
        return EagerTensor(sizes_array(sizes, dtype))


_TOO_BIG = ("array is too big", "Maximum allowed size")  # NumPy's words: 64 bits do not count it
_PLAIN = {bool, int, float, str, tuple, dtypes.DType, type(None)}  # attributes that make keys

eager = Eager()
set_default(eager)
arithmetic.bind()


def _outside(op: str, tensor: Any) -> SymbolicTensorError:
    """A tensor of a trace is used where nothing is traced.

    Raises:
      CompositeGiven: it is none.
    """
    as_one = getattr(tensor, "as_one", None)
    if as_one is not None:
        as_one()
    shown: dict[str, object] = {"tensor": repr(tensor)}
    node = tensor.value.node if isinstance(tensor, SymbolicTensor) else None
    if node is not None:
        shown["made at"] = node.line
    problem = "a tensor of a traced function is used outside of it"
    return SymbolicTensorError(explain(op, problem, shown, fix="return it from the function"))


def executing_eagerly() -> bool:
    """Whether ops run at once here: not in a function that is being traced.

    Example:
      >>> nf.executing_eagerly(), bool(nf.function(nf.executing_eagerly)())
      (True, False)
    """
    return current() is eager
