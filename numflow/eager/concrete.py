"""ConcreteFunction: one trace of a function, compiled, and the ways into it.

run            arrays in, tensors out; under a tape through `CompiledGraph`, which records
shortest_way   a builtin for raw arguments of one set of shapes (runtime/fast_call.py)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from numflow import explain as explaining
from numflow import runtime
from numflow.collection import no_collection
from numflow.eager.apply import eager, tapes
from numflow.eager.compiled import Compile, CompiledGraph, Runnable
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.graph import Graph, Value
from numflow.graph.op import current, observers
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor
from numflow.shapes import UnfitSizeError, UnknownSizeError
from numflow.trace.arguments import Arguments
from numflow.trace.signature import Call, fits
from numflow.trace.tensor_spec import TensorSpec
from numflow.trace.tracer import Output, Traced

MOST_WAYS = 64
"""Native entries that a trace keeps: one per shapes and constants."""


class ConcreteFunction:
    """One trace of a function, compiled; `Function.get_concrete_function` gives it.

    It is called as the Python function is, where what was constant while tracing may be left out,
    or with the tensors alone.

    Example:
      >>> f = nf.function(lambda x, k: {"product": x * k})
      >>> c = f.get_concrete_function(nf.TensorSpec([None], nf.float32), 3)
      >>> c(nf.constant([1.0, 2.0]))["product"].numpy().tolist()
      [3.0, 6.0]
      >>> c.structured_input_signature
      ((TensorSpec(shape=(None,), dtype=nf.float32, name='x'), 3), {})
      >>> c.output_shapes, c.output_dtypes
      ({'product': TensorShape([None])}, {'product': nf.float32})
    """

    def __init__(
        self,
        traced: Traced,
        name: str,
        compile: Compile,
        arguments: Arguments,
        python_function: Callable[..., Any],
    ) -> None:
        self.name = name
        self.python_function = python_function
        self.graph: Graph = traced.graph
        self.variables = traced.variables
        self._traced = traced
        self._arguments = arguments
        self._captures: list[EagerTensor] = traced.captures
        self._compiled = CompiledGraph(traced.graph, compile)
        self._single = type(traced.result) is Output
        self._forms = [(v, v.form) for v in traced.variables]
        self._values = traced.graph.inputs[: traced.arguments]
        # Another trace for arguments whose sizes this one does not take, where it is to take any.
        self.otherwise: Callable[..., ConcreteFunction] | None = None
        self.ways: dict[Any, Callable[..., Any] | None] = {}  # see Function._pave
        self._way: Callable[..., Any] | None = None  # for calls with the tensors alone
        self._prepared = False
        self._miss: object = None  # runtime.MISS, which loads late

    # --- what it is ---

    @property
    def inputs(self) -> list[TensorSpec]:
        """The specs of the tensors it takes."""
        return [input_spec(v) for v in self._values]

    @property
    def outputs(self) -> list[TensorSpec]:
        """The specs of the tensors it gives."""
        return [_spec(v) for v in self.graph.outputs]

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """(args, kwargs) of a call, with a TensorSpec for each tensor; the rest are constants."""
        return self._arguments.structured

    @property
    def structured_outputs(self) -> Any:
        """What it returns, with a TensorSpec for each tensor."""
        return self._packed(_spec)

    @property
    def output_dtypes(self) -> Any:
        """What it returns, with a dtype for each tensor."""
        return self._packed(lambda v: v.spec.dtype)

    @property
    def output_shapes(self) -> Any:
        """What it returns, with a shape for each tensor; TensorShape(None) for None."""
        return self._packed(lambda v: _spec(v).shape, TensorSpec(None).shape)

    def _packed(self, of: Callable[[Value], Any], nothing: Any = None) -> Any:
        return self._traced.mapped(lambda k: of(self.graph.outputs[k]), nothing)

    @property
    def captured_inputs(self) -> list[Any]:
        """The tensors of outside that it uses."""
        return list(self._captures)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        return tuple(v for v in self.variables if v.trainable)

    # --- calls ---

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result, for arguments as those of the trace.

        Raises:
          TypeError: other arguments, or another value of a constant.
          DTypeError, ShapeError: a tensor is not of the dtype or shape of the trace.
        """
        if self._way is not None and not kwargs:
            result = self._way(*args)
            if result is not self._miss:
                return result
        given: Sequence[Any] = args
        if kwargs or not self._arguments.plain or len(args) != len(self._values):
            given = self._arguments.tensors(args, kwargs)
        if current() is not eager:  # being traced: become part of that trace
            args, kwargs = self._arguments.packed(given)
            return self.python_function(*args, **kwargs)
        tensors = [_tensor(x, v, self.name) for x, v in zip(given, self._values, strict=True)]
        arrays = [array_of(x) for x in tensors]
        shapes = [a.shape for a in arrays]
        if not fits([v.spec.shape for v in self._values], shapes):
            if self.otherwise is None or any(map(_misfits, self._values, shapes)):
                self._refuse(shapes)
            return self.otherwise(*args, **kwargs).run(arrays, tensors)
        if not self._prepared:
            with no_collection():
                self.prepare(arrays)
        try:
            result = self.run(arrays, tensors)
            if not observers and given is args:
                self._way, self._miss = self._own_way(arrays), runtime.MISS
            return result
        except (UnknownSizeError, UnfitSizeError):  # nothing has run yet
            if self.otherwise is None:
                raise
        return self.otherwise(*args, **kwargs).run(arrays, tensors)

    def _refuse(self, shapes: Sequence[tuple[int, ...]]) -> NoReturn:
        shown: dict[str, object] = {}
        for v, shape in zip(self._values, shapes, strict=True):
            if _misfits(v, shape) or len(self._values) > 1:
                shown[v.name] = f"{Spec(shape, v.spec.dtype)}, for {_spec(v).shape}"
        raise ShapeError(explain(self.name, "the shapes are not those of the trace", shown))

    def prepare(self, arrays: Sequence[Array]) -> None:
        """Compile what `run` will run, and plan it for these arrays, while the collector rests."""
        if tapes.items:
            return  # other programs
        self._prepared = True
        captured = [t._array for t in self._captures]
        with suppress(UnknownSizeError, UnfitSizeError):  # `run` meets them too
            self._compiled.plain().plan([*arrays, *captured])

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
        plan = None if args else executable.latest
        if args or all(v.spec.known for v in self._values):
            arrays = [array_of(x) for x in args] or [_nothing(v.spec) for v in self._values]
            plan = executable.plan([*arrays, *(t._array for t in self._captures)])
        return explaining.describe(self.name, self.graph, executable, plan, passes)

    def stale(self) -> bool:
        """Whether a variable has taken another shape since."""
        return any(v.form != form for v, form in self._forms)

    def plain(self) -> Runnable:
        """The compiled graph."""
        return self._compiled.plain()

    def shortest_way(
        self, call: Call, arrays: Sequence[Array], order: Sequence[int] | None = None
    ) -> Callable[..., Any] | None:
        """A builtin for calls just like this one; None where there can be none.

        It takes the raw leaves of the arguments, and returns the result or `runtime.MISS`.
        order: which of them each leaf of the call is; None: they come as in the call.
        """
        arguments = call.flat(runtime.Number, runtime.Constant)
        if arguments is None:
            return None
        if order is not None:
            if sorted(order) != list(range(len(arguments))):
                return None
            places = {raw: k for k, raw in enumerate(order)}
            arguments = [arguments[places[raw]] for raw in range(len(arguments))]
        return self._native(arguments, arrays)

    def _own_way(self, arrays: Sequence[Array]) -> Callable[..., Any] | None:
        """A builtin for calls with tensors of these shapes alone."""
        key = tuple(a.shape for a in arrays)
        if key not in self.ways:
            if len(self.ways) >= MOST_WAYS:
                self.ways.clear()
            self.ways[key] = self._native(range(len(arrays)), arrays)
        return self.ways[key]

    def _native(
        self, arguments: Sequence[Any], arrays: Sequence[Array]
    ) -> Callable[..., Any] | None:
        """A builtin for arrays of these shapes; arguments: which input each of its own is."""
        executable = self._compiled.plain()
        if not isinstance(executable, runtime.Executable):
            return None
        runtime.register_tensor_class(EagerTensor, "_array")
        result, form, pack = self._traced.result, None, None
        if type(result) in (tuple, list) and _in_order(result, len(self.graph.outputs)):
            form = type(result)
        elif not self._single and result is not None:
            form, pack = tuple, self._traced.pack
        captured = [t._array for t in self._captures]
        return executable.fast([*arrays, *captured], arguments, observers, form, pack)

    # --- as a value ---

    def __reduce__(self) -> NoReturn:
        """Raises: machine code is not pickled."""
        raise TypeError(
            explain(
                "pickle",
                f"cannot pickle the concrete function {self.name}: it is machine code",
                fix="pickle the Python function, and compile it where it is loaded",
            )
        )

    def __str__(self) -> str:
        captures = "".join(f"\n  {_of_tensor(t)}" for t in self._captures) or "\n  None"
        output = self.structured_outputs
        return (
            f"ConcreteFunction Input Parameters:\n{self._arguments}\n"
            f"Output Type:\n  {output!r}\nCaptures:{captures}"
        )

    def __repr__(self) -> str:
        args, kwargs = self.structured_input_signature
        shown = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
        return f"<ConcreteFunction {self.name}({shown}) -> {self.structured_outputs!r}>"


def _in_order(result: Sequence[Any], count: int) -> bool:
    """Whether a result is the outputs as they come."""
    return [x.index if type(x) is Output else None for x in result] == list(range(count))


def _sizes(v: Value) -> list[int | None]:
    return [n if isinstance(n, int) else None for n in v.spec.shape]


def _spec(v: Value, name: str | None = None) -> TensorSpec:
    return TensorSpec(_sizes(v), v.spec.dtype, name)


def input_spec(v: Value) -> TensorSpec:
    """What a value that is an input must be."""
    return _spec(v, v.name)


def _of_tensor(t: Tensor) -> TensorSpec:
    return TensorSpec(t.spec.shape, t.dtype)


def _misfits(v: Value, shape: tuple[int, ...]) -> bool:
    """Whether a size that a trace fixes is another, or there is another number of axes."""
    wanted = v.spec.shape
    return len(wanted) != len(shape) or any(
        isinstance(want, int) and want != n for want, n in zip(wanted, shape, strict=True)
    )


def _tensor(x: Any, v: Value, name: str) -> Any:
    """What was given for an input: a tensor or array of its dtype."""
    dtype = v.spec.dtype
    if type(x) is EagerTensor or type(x) is np.ndarray:
        if x.dtype == dtype.numpy if type(x) is np.ndarray else x.dtype is dtype:
            return x
        have = x.dtype.name
        problem = f"{v.name} was expected to be a {dtype.name} tensor, but is {have}"
        raise DTypeError(explain(name, problem))
    if type(x) is float and not v.spec.shape:
        return EagerTensor(np.asarray(x, dtype.numpy))
    return as_tensor(x, dtype, name, v.name)


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
