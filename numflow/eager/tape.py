"""GradientTape: takes note of the ops that depend on what it watches, and walks them backwards.

Eagerly the interpreter hands it every op that runs. Inside a traced function it reads the nodes off
the builder instead, from where it was entered to where it was left; both become the same records,
in the same order, so one tape does both. Only what depends on a watched tensor is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from numflow import nest
from numflow.eager.apply import tapes
from numflow.eager.tensor import watchers
from numflow.errors import GraphError, SourceLine, explain, user_line
from numflow.gradient.cotangents import cotangents
from numflow.gradient.unconnected import UnconnectedGradients, unconnected_kind
from numflow.gradient.vjp import Gradient, Record, backward, differentiable
from numflow.graph.building import keep_watched
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import observers
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.indexed_slices import add_gradients
from numflow.ops.state import assign_op
from numflow.trace.tracer import Capturing, tracing

__all__ = ["GradientTape", "UnconnectedGradients"]

_USED = (
    "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)"
)


class GradientTape:
    """Records what happens inside `with`, to differentiate it.

    Args:
      persistent: allows `gradient` more than once; the records live as long as the tape.
      watch_accessed_variables: watch each trainable variable that is read.

    Example:
      >>> x = nf.constant(3.0)
      >>> with nf.GradientTape() as tape:
      ...     tape.watch(x)
      ...     y = x * x
      >>> tape.gradient(y, x).numpy().item()
      6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recording = False
        self._entered = False
        self._used = False
        self._interpreter: Capturing | None = None  # of the trace it was entered in
        self._cursor = 0  # nodes of that trace before this one are seen
        self._clear()

    def _clear(self) -> None:
        self._records: list[Record] = []
        self._active: set[int] = set()  # ids of tensors that depend on a watched one
        self._kept: list[Tensor] = []  # so that ids stay theirs
        self._watched: dict[int, Any] = {}  # variables, by id
        self._reads: dict[int, list[Tensor]] = {}  # their values while recording, by id
        self._assigned: dict[int, tuple[Tensor, str]] = {}  # by id of a value: to which variable
        self._taken: dict[int, SourceLine | None] = {}  # by id: where it became a NumPy array
        self._reasons: dict[int, str] = {}

    # --- recording ---

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError(
                explain("GradientTape", "the tape is still recording, and cannot be entered again")
            )
        interpreter = tracing()
        if self._records and interpreter is not self._interpreter:
            raise GraphError(explain("GradientTape", "a tape belongs to one trace, or to none"))
        self._interpreter = interpreter
        self._entered = True
        self._resume()
        return self

    def __exit__(self, *_: object) -> None:
        if self._recording:
            self._pause()

    def _resume(self) -> None:
        self._recording = True
        if self._interpreter is not None:
            self._cursor = len(self._interpreter.builder.nodes)
        else:
            watchers.append(self._note_taken)
        tapes.add(self)
        observers.append(self)

    def _pause(self) -> None:
        self._catch_up()
        self._recording = False
        if self._interpreter is None:
            watchers.remove(self._note_taken)
        tapes.remove(self)
        observers.remove(self)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Record nothing meanwhile.

        Raises:
          RuntimeError: the tape was never entered.
          ValueError: it does not record now.
        """
        if not self._entered:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._pause()
        try:
            yield
        finally:
            self._resume()

    def reset(self) -> None:
        """Forget everything so far, as if the tape were entered now.

        Raises:
          ValueError: the tape does not record.
        """
        if not self._recording:
            raise ValueError("Tape is not recording.")
        self._clear()
        self._used = False
        if self._interpreter is not None:
            self._cursor = len(self._interpreter.builder.nodes)

    def record(self, record: Record) -> None:
        """Take note of an op that ran eagerly."""
        if self._interpreter is None:
            self._note(record)

    def _note(self, record: Record) -> None:
        active = self._active
        for x in record.inputs:
            if id(x) in active:
                self._records.append(record)
                active.update(id(y) for y in record.outputs if differentiable(y))
                return

    def _catch_up(self) -> None:
        """Take note of the nodes that the trace has got since the last time."""
        if self._interpreter is None or not self._recording:
            return
        nodes, tensor = self._interpreter.builder.nodes, self._interpreter.tensor
        for node in nodes[self._cursor :]:
            if node.outputs:
                inputs, outputs = tuple(map(tensor, node.inputs)), tuple(map(tensor, node.outputs))
                self._note(Record(node.op, inputs, outputs, node.attrs, node.line))
            elif node.op is assign_op:
                self._note_assigned(tensor(node.inputs[0]), node.attrs["variable"])
        self._cursor = len(nodes)

    def assigned(self, variable: Any, value: Tensor) -> None:
        """Take note that value became a variable's: what depends on it goes no further."""
        if self._interpreter is None and tracing() is None:
            self._note_assigned(value, variable)

    def _note_taken(self, tensor: Tensor) -> None:
        """Take note that the value of a tensor left for NumPy: its track is lost."""
        if id(tensor) in self._active and id(tensor) not in self._taken:
            self._taken[id(tensor)] = user_line()

    def _note_assigned(self, value: Tensor, variable: Any) -> None:
        if id(value) in self._active:
            self._assigned[id(value)] = value, variable.name

    # --- watching ---

    def watch(self, tensor: Any) -> None:
        """Record what is done with a tensor or variable, or with those of a structure, from now on.

        Raises:
          ValueError: something else, such as a NumPy array.
          RuntimeError: the tape was never entered.
        """
        if not self._entered:
            raise GraphError(
                explain("watch", "the tape was not entered", fix="with nf.GradientTape() as tape:")
            )
        self._catch_up()
        for x in nest.flatten(tensor):
            if isinstance(x, Tensor):
                if self._interpreter is not None:
                    x = self._interpreter.capture(x)
                self._start_watching(x)
            elif hasattr(x, "_as_tensor"):
                self._watched[id(x)] = x
            else:
                raise ValueError(
                    explain("watch", f"a tensor or variable is wanted, not {type(x).__name__}",
                            {"tensor": repr(x)[:200]}, fix="nf.constant(...)")
                )  # fmt: skip
            warn_of_dtype(x, "watched tensor")

    def _start_watching(self, tensor: Tensor) -> None:
        if differentiable(tensor):
            self._active.add(id(tensor))
            keep_watched(tensor)
        self._kept.append(tensor)

    def accessed(self, variable: Any, value: Tensor) -> None:
        """Take note that a variable was read."""
        if self._interpreter is not tracing():
            return
        if id(variable) in self._watched or (self._watch_accessed and variable.trainable):
            self._catch_up()
            self._watched[id(variable)] = variable
            reads = self._reads.setdefault(id(variable), [])
            if not any(r is value for r in reads):
                reads.append(value)
            self._start_watching(value)

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables that are watched, in the order of their first use."""
        return tuple(self._watched.values())

    def watches(self, tensor: Tensor) -> bool:
        """Whether an op on tensor would be recorded."""
        return id(tensor) in self._active

    def would_watch(self, variable: Any) -> bool:
        """Whether a read of variable would be recorded."""
        return self._interpreter is None and (
            id(variable) in self._watched or (self._watch_accessed and variable.trainable)
        )

    # --- gradients ---

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
    ) -> Any:
        """The derivative of the sum of the targets, for each source.

        Args:
          target: a tensor, or a structure of them.
          sources: tensors or variables, in any structure.
          output_gradients: a tensor of its shape for each target: what its elements count.
          unconnected_gradients: "none" or "zero", for sources that no target depends on.

        Returns:
          The gradients, in the structure of sources. That of a variable from which rows were only
          gathered is IndexedSlices. `explain(y, x)` says why one is None.

        Raises:
          RuntimeError: a second call, and the tape is not persistent; or it was never entered.
          TypeError: target is None or no tensor, or a source is no tensor or variable.
        """
        unconnected = unconnected_kind(unconnected_gradients)
        if self._used or not self._entered:
            raise RuntimeError(_USED)
        if self._interpreter is not None and tracing() is not self._interpreter:
            raise GraphError(
                explain("GradientTape", "a tape of a traced function is used outside of it",
                        fix="return the gradient from the function")
            )  # fmt: skip
        self._catch_up()
        if self._recording and not self._persistent:
            self._pause()
        targets = [self.target_tensor(y) for y in nest.flatten(target)]
        for y in targets:
            warn_of_dtype(y, "target tensor")
        cts = cotangents(targets, output_gradients, "gradient", "output_gradients")
        wanted = nest.flatten(sources)
        leaves = [self._leaves(x) for x in wanted]
        for x in wanted:
            warn_of_dtype(x, "source tensor")
        flat = [t for group in leaves for t in group]
        of_variables = {
            id(t)
            for x, group in zip(wanted, leaves, strict=True)
            if not isinstance(x, Tensor)
            for t in group
        }
        records: Sequence[Record] = self._records
        if self._interpreter is not None and not any(
            getattr(x, "_interpreter", None) is self._interpreter for x in tapes.items
        ):  # who differentiates this gradient may do so by what is inside of a sequence
            from numflow.passes.unrolled_cells import with_sequences  # and passes: of traces only

            records = with_sequences(records, self._interpreter, flat, targets, self._active)
        found = backward(records, targets, cts, flat, add_gradients, of_variables)
        by_leaf = {id(t): g for t, g in zip(flat, found, strict=True)}
        results = []
        for x, group in zip(wanted, leaves, strict=True):
            total: Gradient | None = None
            for t in reversed(group):
                g = by_leaf[id(t)]
                if g is not None:
                    total = g if total is None else add_gradients(total, g)
            if total is None:
                self._note_reason(targets, x)
                if unconnected is UnconnectedGradients.ZERO:
                    total = shaping.zeros_like(x)
            results.append(total)
        if not self._persistent:
            self._used = True
            # Nor does it hold the values of variables any longer: they can be written in place.
            self._records, self._kept, self._active, self._reads = [], [], set(), {}
        return nest.pack_sequence_as(sources, results)

    def _note_reason(self, targets: list[Tensor], source: Any) -> None:
        from numflow.gradient.reasons import remember

        self._reasons[id(source)] = reason = self._why(targets, source)
        remember(source, reason)

    def _use_up(self) -> None:
        self._used = True
        self._records, self._kept, self._active, self._assigned = [], [], set(), {}

    def target_tensor(self, y: Any) -> Tensor:
        """A target as a tensor; of slices their values count, as in TensorFlow."""
        if isinstance(y, IndexedSlices):
            y = y.values
        if isinstance(y, Tensor):
            return y if self._interpreter is None else self._interpreter.capture(y)
        if not hasattr(y, "_as_tensor"):
            problem = f"a target is a tensor or a variable, not {type(y).__name__}"
            raise TypeError(explain("gradient", problem, {"target": repr(y)[:200]}))
        reads = self._reads.get(id(y))
        if reads:
            return reads[-1]
        return as_tensor(y, None, "gradient", "target")

    def _leaves(self, source: Any) -> list[Tensor]:
        """The tensors whose gradients make up that of a source."""
        if isinstance(source, Tensor):
            if self._interpreter is not None:
                source = self._interpreter.capture(source)
            return [source] if id(source) in self._active else []
        if not hasattr(source, "_as_tensor"):
            raise TypeError(
                explain(
                    "gradient",
                    f"a source is a tensor or a variable, not {type(source).__name__}",
                    {"source": repr(source)[:200]},
                )
            )
        return self._reads.get(id(source), [])

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivative of each element of target, for each source: of shape target + source.

        Computed row by row, with one backward walk per element of target.
        """
        from numflow.gradient.jacobian import jacobian

        return jacobian(self, target, sources, unconnected_gradients)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The Jacobian of each example for its own inputs: [batch, *target[1:], *source[1:]].

        Raises:
          ValueError: the first sizes differ.
        """
        from numflow.gradient.jacobian import batch_jacobian

        return batch_jacobian(self, target, source, unconnected_gradients)

    @contextmanager
    def several(self) -> Iterator[None]:
        """Several gradients may be taken meanwhile; what they do is not recorded here."""
        persistent, self._persistent = self._persistent, True
        try:
            with _paused(self):
                yield
        finally:
            self._persistent = persistent
            if not persistent:
                self._use_up()

    # --- why not ---

    def explain(self, y: Any, x: Any) -> str:
        """Why the gradient of y for x is None, or how they are connected.

        Example:
          >>> x = nf.constant(3.0)
          >>> with nf.GradientTape() as tape:
          ...     y = x * x
          >>> print(tape.explain(y, x))
          the source is not watched: tape.watch(x) before it is used, or make it a variable
        """
        self._catch_up()
        if self._used and id(x) in self._reasons:
            return self._reasons[id(x)]
        if self._used:
            return "the tape is used up: GradientTape(persistent=True) keeps its records"
        return self._why([self.target_tensor(t) for t in nest.flatten(y)], x)

    def _why(self, targets: list[Tensor], source: Any) -> str:
        from numflow.gradient.reasons import dtype_reason, why_cut

        leaves = self._leaves(source)
        if not leaves:
            return dtype_reason(targets, source) or self._not_watched(source)
        return why_cut(self._records, self._assigned, self._taken, targets, source, leaves)

    def _not_watched(self, source: Any) -> str:
        if isinstance(source, Tensor):
            return (
                "the source is not watched: tape.watch(x) before it is used, or make it a variable"
            )
        if not source.trainable and id(source) not in self._watched:
            return f"variable {source.name} is not trainable, so it must be watched: tape.watch(v)"
        if not self._watch_accessed and id(source) not in self._watched:
            return "the tape does not watch variables by itself: tape.watch(v)"
        return f"variable {source.name} was not read while the tape recorded"


@contextmanager
def _paused(tape: GradientTape) -> Iterator[None]:
    """tape does not record meanwhile, if it does at all."""
    if tape._recording:
        with tape.stop_recording():
            yield
    else:
        yield


def warn_of_dtype(x: Any, what: str) -> None:
    """Say that a dtype has no gradients."""
    if not (x.dtype.is_floating or x.dtype.is_complex):
        text = f"The dtype of the {what} must be floating (e.g. float32), got {x.dtype.name}"
        warnings.warn(explain("GradientTape", text), UserWarning, stacklevel=3)
