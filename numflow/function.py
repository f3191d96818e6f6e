"""@numflow.function: a Python function, compiled.

    graph = trace(fn, ...)         user function -> graph
    graph = run_passes(graph)      graph -> graph
    program = emit(graph)          graph -> steps: generated kernels, or one of kernels/
    Executable(program)            steps -> results

A `Function` keeps a `ConcreteFunction` per trace. Which trace fits a call, and when a size or a
float becomes a variable of the graph, is in trace/signature.py. A call first tries the shortest
way: the last plan's native entry looks at the raw arguments and runs, or says that they are not its
own.
"""

from __future__ import annotations

import copy
import functools
import inspect
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import codegen, nest, passes, runtime
from numflow import explain as explaining
from numflow.eager.apply import eager
from numflow.eager.concrete import ConcreteFunction, array_of
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import GraphError, SourceLine, explain, user_line
from numflow.graph import watching
from numflow.graph.building import no_collection
from numflow.graph.graph import Graph
from numflow.graph.op import current, observers
from numflow.graph.tensor import Tensor
from numflow.shapes import Shape, UnknownSizeError, known
from numflow.trace.signature import (
    Call,
    Described,
    Family,
    Sizes,
    conform,
    described,
    difference,
    fits,
    opened,
)
from numflow.trace.tensor_spec import TensorSpec
from numflow.trace.tracer import Traced, trace
from numflow.trace.weak import ValueNeeded, WeakScalar


def compile_graph(graph: Graph) -> runtime.Executable:
    """Graph -> something that runs."""
    with no_collection():
        graph = watching.before_code(passes.run_passes(graph))
        program = codegen.emit(graph)
        return runtime.Executable(program)


# --- all traces of a function ------------------------------------------------


class Function:
    """A Python function that is traced and compiled when called; made by `function`."""

    def __init__(
        self, python_function: Callable[..., Any], input_signature: Sequence[Any] | None = None
    ) -> None:
        self._python_function = python_function
        self._name = getattr(python_function, "__name__", type(python_function).__name__)
        self._signature = None if input_signature is None else tuple(input_signature)
        self._parameters = _parameters(python_function)
        self._python_signature: inspect.Signature | None = None
        self._families: dict[Any, Family] = {}
        self._traces: dict[Any, list[tuple[tuple[Shape, ...], ConcreteFunction]]] = {}
        self._exact: dict[Any, ConcreteFunction] = {}
        self._count = 0
        self._kept: list[Any] = []
        self._last: Described = []  # the call that was traced last
        self._latest: ConcreteFunction | None = None  # that which a call found last
        self._first: SourceLine | None = None
        self._tracing = threading.RLock()
        self._ways: tuple[Callable[..., Any], ...] = ()
        self._miss: object = None  # runtime.MISS, which loads late
        functools.update_wrapper(self, python_function, updated=())

    @property
    def python_function(self) -> Callable[..., Any]:
        """The function as it was written."""
        return self._python_function

    @property
    def name(self) -> str:
        return self._name

    @property
    def input_signature(self) -> tuple[Any, ...] | None:
        return self._signature

    def experimental_get_tracing_count(self) -> int:
        """How many times the function was traced."""
        return self._count

    def __deepcopy__(self, memo: Any) -> Function:
        """Another function of the same code, with traces of its own."""
        return Function(copy.deepcopy(self._python_function, memo), self._signature)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A method: one Function per instance, kept in the instance."""
        if instance is None:
            return self
        kept = getattr(instance, "__dict__", None)
        methods = None if kept is None else kept.get(_METHODS)
        if methods is None or methods.instance is not instance:  # none yet, or from copy.copy
            methods = _Methods(instance)
            if kept is not None:
                kept[_METHODS] = methods
        found = methods.get(self)
        if found is None:
            bound = self._python_function.__get__(instance, owner)
            found = methods[self] = Function(bound, self._signature)
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result, of the compiled function."""
        if not kwargs:
            for way in self._ways:
                result = way(*args)
                if result is not self._miss:
                    return result
        if current() is not eager:  # being traced: become part of that trace
            return self._python_function(*args, **kwargs)
        return self._concrete_call(args, kwargs)

    def _concrete_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        call = self._describe(args, kwargs)
        concrete = self._exact.get((call.key, call.shapes))
        if concrete is None or concrete.stale():
            with self._tracing, no_collection():
                call, concrete = self._find(call)
        self._latest = concrete
        arrays = [array_of(x) for x in call.tensors]
        try:
            result = concrete.run(arrays, call.tensors)
        except UnknownSizeError:  # a pass or a gradient rule needs the number behind a symbol
            with self._tracing:
                self._families[call.key].pin()
                self._drop(call.key, concrete)
                call, concrete = self._find(call)
            result = concrete.run(arrays, call.tensors)
        if not observers and not kwargs:
            self._pave(concrete, call, arrays)
        return result

    def _pave(self, concrete: ConcreteFunction, call: Call, arrays: Sequence[Array]) -> None:
        """See to it that the next call like this one is short."""
        key = call.shapes, call.constants()
        if key not in concrete.ways:
            if len(concrete.ways) >= _WAYS:
                concrete.ways.clear()
            concrete.ways[key] = concrete.shortest_way(call, arrays)
        way = concrete.ways[key]
        if way is not None and way not in self._ways:
            self._miss = runtime.MISS
            self._ways = (way, *self._ways[: _TRIED - 1])

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace that fits these arguments; TensorSpecs stand for tensors, None for any size.

        Example:
          >>> f = nf.function(lambda x: x * 2.0)
          >>> doubled = f.get_concrete_function(nf.TensorSpec([None], nf.float32))
          >>> doubled(nf.constant([1.0, 2.0])).numpy().tolist()
          [2.0, 4.0]
        """
        if not args and not kwargs and self._signature is not None:
            args = self._signature
        examples: dict[int, TensorSpec] = {}
        with self._tracing:
            call = self._describe(_examples(args, examples), _examples(kwargs, examples))
            axes = frozenset(
                (k, j)
                for k, x in enumerate(call.tensors)
                if id(x) in examples
                for j, n in enumerate(examples[id(x)].sizes or ())
                if n is None
            )
            return self._find(call, axes)[1]

    def explain(self, *args: Any, passes: bool = False, **kwargs: Any) -> explaining.Report:
        """What became of it: graph, loops, instructions, memory; print it, or see it in a notebook.

        Args:
          args, kwargs: as for a call, which does not take place: that trace is shown, with these
            sizes. Without any, the trace of the last new kind of call.
          passes: show the graph after each pass, too.

        Raises:
          GraphError: nothing was called yet, and there are no arguments.

        Example:
          >>> f = nf.function(lambda x: nf.exp(x) + 1.0)
          >>> str(f.explain(nf.constant([0.0, 1.0]))).splitlines()[1].strip()
          '3 nodes -> 1 instruction: 1 cluster'
        """
        if not args and not kwargs:
            if self._latest is None and self._signature is None:
                fix = f"{self._name}.explain(...) with arguments, or a call before"
                raise GraphError(explain("explain", f"{self._name} was not called yet", fix=fix))
            return (self._latest or self.get_concrete_function()).explain(passes=passes)
        concrete, tensors = self.find(*args, **kwargs)
        specs = any(isinstance(x, TensorSpec) for x in nest.flatten([args, kwargs]))
        return concrete.explain(*(() if specs else tensors), passes=passes)

    def find(self, *args: Any, **kwargs: Any) -> tuple[ConcreteFunction, Sequence[Any]]:
        """The trace that fits a call, and the tensors that it takes of the arguments."""
        with self._tracing:
            call, concrete = self._find(self._describe(_examples(args, {}), _examples(kwargs, {})))
        return concrete, call.tensors

    # --- which trace ---

    def _describe(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
        if self._signature is not None:
            if kwargs:
                args, kwargs = self._bound(args, kwargs)
            names = self._parameters[: len(args)]
            return Call(conform(args, self._signature, self._name, names), {})
        if kwargs:
            args, kwargs = self._bound(args, kwargs)
        return Call(args, kwargs)

    def _bound(self, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """Arguments by position as far as the function allows it."""
        if self._python_signature is None:
            self._python_signature = inspect.signature(self._python_function)
        bound = self._python_signature.bind(*args, **kwargs)
        return bound.args, bound.kwargs

    def _find(
        self, call: Call, axes: frozenset[tuple[int, int]] = frozenset()
    ) -> tuple[Call, ConcreteFunction]:
        """The trace that fits the call; the call, with floats as constants where that is needed.

        axes: those, as (tensor, axis), that the trace must take in any size.
        """
        family = self._families.get(call.key)
        if family is None:
            given = frozenset() if self._signature is None else opened(call, self._signature)
            family = self._families[call.key] = Family(call.names(self._parameters), given)
            self._keep(call)
        family.open(axes)
        if family.constants:
            return self._find(call.with_constants(family.constants))
        traces = self._traces.setdefault(call.key, [])
        traces[:] = [t for t in traces if not t[1].stale()]
        for pattern, concrete in traces:
            if fits(pattern, call.shapes) and not any(
                known(pattern[k][j : j + 1]) for k, j in axes
            ):
                if len(self._exact) >= _REMEMBERED:
                    self._exact.clear()
                self._exact[call.key, call.shapes] = concrete
                return call, concrete
        family.note(call.shapes)
        try:
            pattern, traced = self._trace(call, family)
        except ValueNeeded as e:
            family.constants |= {call.places[k] for k in e.places}
            return self._find(call)
        concrete = ConcreteFunction(traced, self._name, compile_graph)
        traces.insert(0, (pattern, concrete))
        now = described(call)
        if self._count == _MANY:
            self._warn(call, now)
        self._last = now
        return call, concrete

    def _warn(self, call: Call, now: Described) -> None:
        """Say that there are many traces, and what changed last."""
        change, fix = difference(self._last, now, call.owners(self._parameters))
        problem = f"{self._name} has been traced {_MANY} times, which is slow"
        text = explain("function", problem, {"the last time": change}, fix)
        warnings.warn(text, UserWarning, stacklevel=5)

    def _keep(self, call: Call) -> None:
        """See to it that an id in a key is that of its object: alive, or the key is gone."""
        for x in call.identities():
            try:
                weakref.finalize(x, _forget, weakref.ref(self), call.key).atexit = False
            except TypeError:  # it has no room for weak references
                self._kept.append(x)

    def _forget(self, key: Any) -> None:
        self._families.pop(key, None)
        self._traces.pop(key, None)
        for calls in [k for k in self._exact if k[0] == key]:
            del self._exact[calls]

    def _drop(self, key: Any, concrete: ConcreteFunction) -> None:
        self._traces[key] = [t for t in self._traces[key] if t[1] is not concrete]
        for calls in [k for k, found in self._exact.items() if found is concrete]:
            del self._exact[calls]

    def _trace(self, call: Call, family: Family) -> tuple[tuple[Shape, ...], Traced]:
        """A trace with the family's symbols, or with sizes if it cannot do with them."""
        pattern = family.pattern(call.shapes)
        if all(map(known, pattern)):
            return pattern, self._traced(call, pattern)
        try:
            return pattern, self._traced(call, pattern)
        except ValueNeeded:
            raise
        except Exception:
            # User code asked for a number, or failed for want of one: then the exact trace works.
            traced = self._traced(call, call.shapes)
            family.pin()
            return call.shapes, traced

    def _traced(self, call: Call, shapes: Sequence[Shape] | tuple[Sizes, ...]) -> Traced:
        names = call.names(self._parameters)
        specs = list(zip(call.specs(shapes), names, strict=True))
        weak = [type(x) is float for x in call.tensors]

        def arguments(inputs: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
            return call.replaced(
                [
                    WeakScalar(t, frozenset((k,))) if is_float else t
                    for k, (t, is_float) in enumerate(zip(inputs, weak, strict=True))
                ]
            )

        first = self._first
        line = user_line()
        traced = trace(self._python_function, specs, arguments, self._name, first)
        self._count += 1
        if first is None:
            self._first = line
        return traced

    def __repr__(self) -> str:
        return f"<nf.function {self._name}>"


def _forget(function: weakref.ref[Function], key: Any) -> None:
    """Drop the traces of a key, one of whose arguments is gone."""
    found = function()
    if found is not None:
        found._forget(key)


_METHODS = "_numflow_methods"
_MANY = 8  # traces after which a function warns
_WAYS = 64  # native entries that a trace keeps: one per shapes and constants
_TRIED = 4  # native entries that a call tries
_REMEMBERED = 4096  # shapes of calls whose trace is found without a search


class _Methods(dict[Function, Function]):
    """The Functions bound to one instance; copies of the instance start without."""

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self.instance = instance

    def __deepcopy__(self, memo: Any) -> _Methods:
        return _Methods(None)

    def __reduce__(self) -> Any:
        return _Methods, (None,)


def _parameters(fn: Callable[..., Any]) -> list[str]:
    """Names for the positional arguments; the last stands for those that *args takes."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        p.name for p in parameters if p.kind is not p.KEYWORD_ONLY and p.kind is not p.VAR_KEYWORD
    ]


def _examples(structure: Any, specs: dict[int, TensorSpec]) -> Any:
    """TensorSpecs as tensors, open sizes being 1, to trace with; specs: keeps them by id."""

    def example(x: Any) -> Any:
        if not isinstance(x, TensorSpec):
            return x
        if x.sizes is None:
            raise GraphError(
                explain("get_concrete_function", "a trace needs the number of axes", {"spec": x})
            )
        made = EagerTensor(np.zeros([1 if n is None else n for n in x.sizes], x.dtype.numpy))
        specs[id(made)] = x
        return made

    return nest.map_structure(example, structure)


# --- the decorator -----------------------------------------------------------


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Sequence[Any] | None = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: str | None = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
) -> Any:
    """func, compiled: run once to see what it does with its tensors, then as machine code.

    Everything is compiled whatever jit_compile says, and a second size of an axis makes that size a
    variable of the program whatever reduce_retracing says; the experimental arguments are
    TensorFlow's and change nothing.

    Args:
      func: any Python function; without it a decorator is returned.
      input_signature: a TensorSpec for each argument (or structures of them). Others are refused.

    Returns:
      A Function: call it as you would call func. bool, int and str arguments are constants of a
      trace, floats and arrays are not.

    Example:
      >>> @nf.function
      ... def f(x):
      ...     return x * x + 1
      >>> f(nf.constant([1.0, 2.0])).numpy().tolist()
      [2.0, 5.0]
    """
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    if not callable(func):
        raise TypeError(explain("function", f"{func!r} is no function"))
    return Function(func, input_signature)
