"""ConcreteFunction: one trace of a function, compiled, and the ways into it.

run            arrays in, tensors out; under a tape through `CompiledGraph`, which records
shortest_way   a builtin for raw arguments of one set of shapes (runtime/fast_call.py)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import explain as explaining
from numflow import runtime
from numflow.eager.apply import tapes
from numflow.eager.compiled import Compile, CompiledGraph, Runnable
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import explain
from numflow.graph.op import observers
from numflow.graph.spec import Spec
from numflow.trace.signature import Call
from numflow.trace.tensor_spec import TensorSpec
from numflow.trace.tracer import Output, Traced


class ConcreteFunction:
    """One trace of a function, compiled: called with the tensors among its arguments."""

    def __init__(self, traced: Traced, name: str, compile: Compile) -> None:
        self.name = name
        self.graph = traced.graph
        self.structured_outputs = traced.result
        self.variables = traced.variables
        self._traced = traced
        self._captures: list[EagerTensor] = traced.captures
        self._compiled = CompiledGraph(traced.graph, compile)
        self._single = type(traced.result) is Output
        self._forms = [(v, v.form) for v in traced.variables]
        self.ways: dict[Any, Callable[..., Any] | None] = {}  # see Function._pave

    @property
    def inputs(self) -> list[TensorSpec]:
        """The specs of the tensors it takes."""
        return [
            TensorSpec(
                [n if isinstance(n, int) else None for n in v.spec.shape], v.spec.dtype, v.name
            )
            for v in self.graph.inputs[: self._traced.arguments]
        ]

    @property
    def outputs(self) -> list[TensorSpec]:
        """The specs of the tensors it gives."""
        return [
            TensorSpec([n if isinstance(n, int) else None for n in v.spec.shape], v.spec.dtype)
            for v in self.graph.outputs
        ]

    @property
    def captured_inputs(self) -> list[Any]:
        """The tensors of outside that it uses."""
        return list(self._captures)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        return tuple(v for v in self.variables if v.trainable)

    def __call__(self, *args: Any) -> Any:
        """Run on the tensors of the arguments, in order."""
        if len(args) != self._traced.arguments:
            raise TypeError(
                explain(self.name, f"takes {self._traced.arguments} tensors, not {len(args)}")
            )
        dtypes = [v.spec.dtype.numpy for v in self.graph.inputs]
        return self.run([array_of(x, d) for x, d in zip(args, dtypes, strict=False)], args)

    def run(self, arrays: Sequence[Array], tensors: Sequence[Any]) -> Any:
        """The result, for arrays of the arguments; tensors: what they were, for tapes."""
        if tapes.items:
            inputs = [
                x if type(x) is EagerTensor else EagerTensor(np.array(a))  # a tape may keep it
                for x, a in zip(tensors, arrays, strict=True)
            ]
            outputs = self._compiled([*inputs, *self._captures])
        else:
            captured = [t._array for t in self._captures]
            outputs = [EagerTensor(a) for a in self._compiled.plain()([*arrays, *captured])]
        return outputs[0] if self._single else self._traced.pack(outputs)

    def explain(self, *args: Any, passes: bool = False) -> explaining.Report:
        """What became of it: graph, loops, instructions, memory; print it, or see it in a notebook.

        Args:
          args: tensors as for a call; their sizes are those shown. Without them, those of the last
            new sizes, or symbols.
          passes: show the graph after each pass, too.
        """
        executable: Any = self._compiled.plain()
        inputs = self.graph.inputs[: self._traced.arguments]
        plan = None if args else executable.latest
        if args or all(v.spec.known for v in inputs):
            arrays = [array_of(x) for x in args] or [_nothing(v.spec) for v in inputs]
            plan = executable.plan([*arrays, *(t._array for t in self._captures)])
        return explaining.describe(self.name, self.graph, executable, plan, passes)

    def stale(self) -> bool:
        """Whether a variable has taken another shape since."""
        return any(v.form != form for v, form in self._forms)

    def plain(self) -> Runnable:
        """The compiled graph."""
        return self._compiled.plain()

    def shortest_way(self, call: Call, arrays: Sequence[Array]) -> Callable[..., Any] | None:
        """A builtin for calls just like this one; None where there can be none.

        It takes the raw arguments, and returns the result or `runtime.MISS`.
        """
        arguments = call.flat(runtime.Number, runtime.Constant)
        executable = self._compiled.plain()
        if arguments is None or not isinstance(executable, runtime.Executable):
            return None
        runtime.register_tensor_class(EagerTensor, "_array")
        result, form, pack = self._traced.result, None, None
        outputs = [Output(k) for k in range(len(self.graph.outputs))]
        if type(result) in (tuple, list) and list(result) == outputs:
            form = type(result)
        elif not self._single and result is not None:
            form, pack = tuple, self._traced.pack
        captured = [t._array for t in self._captures]
        return executable.fast([*arrays, *captured], arguments, observers, form, pack)


def _nothing(spec: Spec) -> Array:
    """An array of a known shape, for its shape only."""
    shape = tuple(n for n in spec.shape if isinstance(n, int))
    return np.broadcast_to(np.zeros((), spec.dtype.numpy), shape)


def array_of(x: Any, dtype: Any = None) -> Array:
    """The array behind an argument that is a tensor or a number."""
    if type(x) is EagerTensor:
        return x._array
    if type(x) is np.ndarray:
        return x
    return np.asarray(x, np.float64 if type(x) is float else dtype)
