"""Tracing: a Python function is run once on symbolic tensors, and what it does becomes a graph.

    trace(fn, args, kwargs, ...) -> Traced: graph, form of the result, variables

The tracing interpreter is a Building one that lets the outside in: a tensor that has a value
becomes an input of the graph (a *capture*), a variable becomes one read node. After an assignment
in the trace a read is the assigned value, so a variable is read at most once per call.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import nest
from numflow.errors import GraphError, SourceLine, SymbolicTensorError, explain
from numflow.graph.building import Building, SymbolicTensor
from numflow.graph.graph import Graph, GraphBuilder, Value
from numflow.graph.indexed_slices import COMPOSITES, IndexedSlices
from numflow.graph.op import current, interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor
from numflow.ops.run_time import refitted
from numflow.ops.shape import stop_gradient_op
from numflow.ops.state import assign_op, read_op

_SMALL = 16  # captured integers of no more elements become constants, which axes and shapes may use


class VariableCreatedError(GraphError, ValueError):
    """A traced function makes a variable when it may not."""


class Capturing(Building):
    """A Building interpreter that lets tensors of outside in. Tapes look at what it builds."""

    def capture(self, tensor: Tensor) -> Tensor:
        """A tensor that has a value, as one of the graph."""
        raise NotImplementedError  # abstract: final classes define it


class Tracing(Capturing):
    """The interpreter in force while a function is traced."""

    def __init__(self, builder: GraphBuilder, name: str, first: SourceLine | None = None) -> None:
        super().__init__(builder)
        self.name = name
        self.variables: dict[int, Any] = {}  # by id, in the order of first use
        self.created: list[weakref.ref[Any]] = []  # the variables that it makes
        self._first = first  # where the function was called first, if variables may not be made
        self._captured: dict[
            int, Value
        ] = {}  # by id of a tensor; builder.captures keeps them alive
        self._now: dict[
            int, Tensor
        ] = {}  # by id of a variable: its value at this point of the trace

    # --- tensors of outside ---

    def value(self, tensor: Tensor) -> Value:
        if isinstance(tensor, SymbolicTensor):
            if tensor.builder is self.builder:
                return tensor.value
            raise self._foreign(tensor)
        found = self._captured.get(id(tensor))
        if found is None:
            found = self._captured[id(tensor)] = self._capture(tensor)
        return found

    def _capture(self, tensor: Tensor) -> Value:
        spec = tensor.spec
        size = spec.size
        if (
            isinstance(size, int)
            and size <= _SMALL
            and (spec.dtype.is_integer or spec.dtype.is_bool)
        ):
            return self.builder.constant(np.array(tensor))
        value = self.builder.add_input(spec, f"capture {len(self.builder.captures)}")
        self.builder.captures[value] = tensor
        return value

    def capture(self, tensor: Tensor) -> Tensor:
        """A tensor that has a value, as one of the trace."""
        return self.tensor(self.value(tensor))

    def _foreign(self, tensor: SymbolicTensor) -> SymbolicTensorError:
        node = tensor.value.node
        if tensor.builder.around is not None:
            inside = tensor.builder.name
            return SymbolicTensorError(
                explain(
                    "function",
                    f"a tensor that is made in {inside} is used outside of it",
                    {"tensor": tensor, "made at": node.line if node else inside},
                    fix="return it from there",
                )
            )
        return SymbolicTensorError(
            explain(
                "function",
                "a tensor of one trace is used in another",
                {"tensor": tensor, "made at": node.line if node else tensor.builder.name},
                fix="return it from the function that makes it, and pass it on as an argument",
            )
        )

    # --- variables ---

    def read(self, variable: Any) -> Tensor:
        """The value of variable at this point of the trace."""
        found = self._now.get(id(variable))
        if found is None:
            self.variables[id(variable)] = variable
            node = self.builder.add(read_op, (), {"variable": variable}, name=variable.name)
            found = self._now[id(variable)] = self.tensor(node.output)
        return found

    def assign(self, variable: Any, value: Tensor) -> None:
        """Let variable have the value from here on."""
        self.variables[id(variable)] = variable
        value = refitted(value, variable.spec.shape)  # a run-time size that has to be its own
        assign_op(value, variable=variable)
        # A leaf for tapes: no gradient flows through a variable.
        self._now[id(variable)] = stop_gradient_op(self.capture(value))

    def creating_variable(self, name: str, variable: Any) -> None:
        """Allow a new variable, or not.

        Raises:
          VariableCreatedError: this is not the function's first trace.
        """
        if self._first is not None:
            raise VariableCreatedError(
                explain(
                    "function",
                    f"{self.name} makes the variable {name} on a call that is not its first: "
                    "a function only supports singleton tf.Variables created on the first call",
                    {"first call": self._first},
                    fix="make it once, outside of the function or under `if self.v is None`",
                )
            )
        self.created.append(weakref.ref(variable))

    def check_created(self, graph: Graph, variables: tuple[Any, ...]) -> None:
        """See to it that the variables that were made are kept by somebody besides the trace.

        Raises:
          VariableCreatedError: one is not, so the next call would make another.
        """
        inner = {id(variables), id(self.variables), *(id(node.attrs) for node in graph.nodes)}
        for reference in self.created:
            variable = reference()
            if variable is None:  # not even the graph has it
                continue
            if all(id(holder) in inner for holder in gc.get_referrers(variable)):
                raise VariableCreatedError(
                    explain(
                        "function",
                        f"{self.name} makes the variable {variable.name}, and nothing keeps it: "
                        "a function only supports singleton tf.Variables created on the first call",
                        {"variable": variable.spec},
                        fix="make it outside of the function, or keep it: `if self.v is None`",
                    )
                )


def tracing() -> Capturing | None:
    """The graph that grows in this thread: a function is traced, or its gradient is."""
    interpreter = current()
    return interpreter if isinstance(interpreter, Capturing) else None


# --- a whole function --------------------------------------------------------


class Output:
    """Stands for output number `index` of the graph in the form of a result."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Fields:
    """Stands for a data class in the form of a result: its fields, in their forms."""

    __slots__ = ("fields", "kind")

    def __init__(self, kind: type, fields: dict[str, Any]) -> None:
        self.kind, self.fields = kind, fields

    def rebuilt(self, leaf: Callable[[Any], Any]) -> Any:
        """Another object of the class, with leaf(x) for each leaf of its fields."""
        made: Any = object.__new__(self.kind)
        for name, value in self.fields.items():
            object.__setattr__(made, name, nest.map_structure(leaf, value))
        return made


class Traced:
    """A function as a graph.

    graph: its inputs are the arguments' tensors in order, then the captures.
    arguments: the number of the former.
    result: what the function returned, with an Output in place of each tensor.
    variables: those that are read or written, in the order of first use.
    """

    def __init__(
        self, graph: Graph, arguments: int, result: Any, variables: tuple[Any, ...]
    ) -> None:
        self.graph, self.arguments = graph, arguments
        self.result, self.variables = result, variables

    @property
    def captures(self) -> list[Any]:
        """The captured tensors, in the order of the inputs."""
        return [self.graph.captures[v] for v in self.graph.inputs[self.arguments :]]

    def pack(self, outputs: Sequence[Any]) -> Any:
        """The result, of the outputs' tensors."""
        if type(self.result) is Output:
            return outputs[self.result.index]
        return self.mapped(lambda k: outputs[k])

    def mapped(self, output: Callable[[int], Any], nothing: Any = None) -> Any:
        """The result, with output(number) for each tensor, and nothing for None."""
        return nest.map_structure(_Leaf(output, nothing), self.result)


class _Leaf:
    """What stands for a leaf of a result. (A function that hands itself on would be a cycle, and
    keep the outputs, large arrays often, until garbage is collected.)"""

    def __init__(self, output: Callable[[int], Any], nothing: Any) -> None:
        self._output, self._nothing = output, nothing

    def __call__(self, x: Any) -> Any:
        if type(x) is Output:
            return self._output(x.index)
        return x.rebuilt(self) if type(x) is Fields else self._nothing


def trace(
    fn: Callable[..., Any],
    specs: Sequence[tuple[Spec, str]],
    call: Callable[[Sequence[Tensor]], tuple[Sequence[Any], Mapping[str, Any]]],
    name: str,
    first: SourceLine | None = None,
) -> Traced:
    """Run fn on symbolic tensors.

    Args:
      specs: spec and name of each tensor among the arguments.
      call: puts the tensors for these into fn's positional and keyword arguments.
      first: where fn was called first; given, it may make no variables.

    Raises:
      TypeError: fn returns something that is no tensor.
      ValueError: fn changes a list or dict among its arguments.
      VariableCreatedError: fn makes a variable, and keeps it nowhere.
      UnknownSizeError: fn asks for the number behind a symbolic size.
      whatever fn raises.
    """
    builder = GraphBuilder(name)
    interpreter = Tracing(builder, name, first)
    inputs = [interpreter.tensor(builder.add_input(spec, arg)) for spec, arg in specs]
    with interpreting(interpreter):
        args, kwargs = call(inputs)
        before = _contents((args, kwargs))
        returned = fn(*args, **kwargs)
        if _contents((args, kwargs)) != before:
            raise ValueError(
                explain(
                    "function",
                    f"{name} should not modify its Python input arguments",
                    fix="a copy of the list or dict, or a result",
                )
            )
        outputs: list[Value] = []

        def output(x: Any) -> Any:
            if x is None:
                return None
            if type(x) in COMPOSITES:
                given = {k: output(getattr(x, k)) for k in COMPOSITES[type(x)]}
                if type(x) is IndexedSlices:
                    given |= {"_dense_shape": output(x.dense_shape), "_static": None}
                return Fields(type(x), given)
            fields = getattr(type(x), "__dataclass_fields__", None)
            if fields is not None and not hasattr(x, "_as_tensor"):
                of = {k: nest.map_structure(output, getattr(x, k)) for k in fields}
                return Fields(type(x), of)
            outputs.append(interpreter.value(_returned(x, name)))
            return Output(len(outputs) - 1)

        result = nest.map_structure(output, returned)
    variables = tuple(interpreter.variables.values())
    graph = builder.freeze(outputs)
    if interpreter.created:
        del returned
        interpreter.check_created(graph, variables)
    return Traced(graph, len(inputs), result, variables)


def _contents(x: Any) -> Any:
    """What is in lists and dicts, however deep."""
    if isinstance(x, Mapping):
        return tuple((k, _contents(v)) for k, v in x.items())
    return tuple(map(_contents, x)) if isinstance(x, list | tuple) else id(x)


def as_returned(x: Any) -> Any:
    """A result of a function that became part of a trace: numbers and variables as tensors."""
    if x is None or isinstance(x, Tensor) or type(x) in COMPOSITES:
        return x
    number = isinstance(x, bool | int | float | complex | str | np.ndarray | np.generic)
    return as_tensor(x) if number or hasattr(x, "_as_tensor") or hasattr(x, "_weak_tensor") else x


def _returned(x: Any, name: str) -> Tensor:
    try:
        return as_tensor(x, None, name, "result")
    except (ValueError, TypeError) as e:
        if isinstance(e, SymbolicTensorError):
            raise
        raise TypeError(
            explain(name, "a traced function returns tensors, None, or structures of them",
                    {"result": repr(x)[:200]})
        ) from None  # fmt: skip
