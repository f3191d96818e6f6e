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
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import codegen, nest, passes, runtime
from numflow import explain as explaining
from numflow.config import eagerly
from numflow.eager.apply import eager
from numflow.eager.concrete import ConcreteFunction, array_of, input_spec
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import GraphError, SourceLine, explain, user_line
from numflow.graph import watching
from numflow.graph.building import no_collection
from numflow.graph.graph import Graph
from numflow.graph.op import current, observers
from numflow.graph.tensor import Tensor
from numflow.shapes import Shape, UnfitSizeError, UnknownSizeError, known
from numflow.trace.arguments import Arguments, Parameters
from numflow.trace.methods import bound
from numflow.trace.recursion import repeated
from numflow.trace.side_effects import Surroundings
from numflow.trace.signature import (
    Call,
    Described,
    Family,
    Sizes,
    apart,
    conform,
    described,
    difference,
    fits,
    opened,
)
from numflow.trace.tensor_spec import TensorSpec
from numflow.trace.tracer import Traced, as_returned, trace
from numflow.trace.unpacking import OtherForm, Unpacking, order_of_leaves, unpacking
from numflow.trace.weak import ValueNeeded, WeakScalar


def compile_graph(graph: Graph) -> runtime.Executable:
    """Graph -> something that runs."""
    with no_collection():
        program = codegen.emit(watching.before_code(passes.run_passes(graph)), graph)
        return runtime.Executable(program)


# --- all traces of a function ------------------------------------------------


class TraceRecursionError(GraphError, RecursionError):
    """Functions call each other without end while they are traced."""


class Function:
    """A Python function that is traced and compiled when called; made by `function`."""

    def __init__(
        self, python_function: Callable[..., Any], input_signature: Sequence[Any] | None = None
    ) -> None:
        self._python_function = python_function
        self._name = getattr(python_function, "__name__", type(python_function).__name__)
        self._parameters = Parameters(python_function, self._name)
        self._signature = self._parameters.check_signature(input_signature)
        self._families: dict[Any, Family] = {}
        self._traces: dict[Any, list[tuple[tuple[Shape, ...], ConcreteFunction]]] = {}
        self._exact: dict[Any, ConcreteFunction] = {}
        self._count = 0
        self._kept: list[Any] = []
        self._told: set[str] = set()  # side effects that were warned of
        self._last: Described = []  # the call that was traced last
        self._latest: ConcreteFunction | None = None  # that which a call found last
        self._first: SourceLine | None = None
        self._tracing = threading.RLock()
        self._ways: tuple[Callable[..., Any], ...] = ()
        self._by_form: dict[Any, list[tuple[Unpacking | None, Callable[..., Any]]]] = {}
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

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """What each trace takes and gives, as text.

        Example:
          >>> f = nf.function(lambda x, k: x * k)
          >>> _ = f(nf.constant(1.0), 2)
          >>> print(f.pretty_printed_concrete_signatures())
          Input Parameters:
            x (POSITIONAL_OR_KEYWORD): TensorSpec(shape=(), dtype=nf.float32, name='x')
            k (POSITIONAL_OR_KEYWORD): Literal[2]
          Output Type:
            TensorSpec(shape=(), dtype=nf.float32, name=None)
          Captures:
            None
        """
        traces = [c for found in self._traces.values() for _, c in found]
        return "\n\n".join(str(c).removeprefix("ConcreteFunction ") for c in traces)

    # --- as a value ---

    def __copy__(self) -> Function:
        return Function(self._python_function, self._signature)

    def __deepcopy__(self, memo: Any) -> Function:
        """Another function of the same code, with traces of its own."""
        return Function(copy.deepcopy(self._python_function, memo), self._signature)

    def __reduce__(self) -> Any:
        """By name: what is found there is this function, or the Python function in it.

        Raises:
          TypeError: nothing is found there.
        """
        module = getattr(self, "__module__", None)
        path = getattr(self, "__qualname__", self._name)
        found: Any = sys.modules.get(module or "")
        for part in path.split("."):
            found = getattr(found, part, None)
        if found is self:
            return path
        if found is not None and found is self._python_function:
            return Function, (found, self._signature)
        raise TypeError(
            explain(
                "pickle",
                f"cannot pickle the function {path}: it is not found by its name",
                {"module": module},
                fix="define it at the top of a module; or pickle the Python function, "
                "and compile it where it is loaded",
            )
        )

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A method: one Function per instance, which goes with it."""
        if instance is None:
            return self
        return bound(self, self._python_function, instance, self._of_instance)

    def _of_instance(self, method: Callable[..., Any]) -> Function:
        return Function(method, self._signature)

    # --- calls ---

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result, of the compiled function."""
        if not kwargs:
            for way in self._ways:
                result = way(*args)
                if result is not self._miss:
                    return result
        if self._by_form:
            for unpack, way in self._by_form.get((len(args), *kwargs), ()):
                try:
                    leaves = unpack(args, kwargs) if unpack else (*args, *kwargs.values())
                except OtherForm:
                    continue
                result = way(*leaves)
                if result is not self._miss:
                    return result
        tracing = current() is not eager
        if not tracing and not eagerly:
            return self._concrete_call(args, kwargs)
        if self._signature is not None:
            args, kwargs = self._arguments(args, kwargs)
        returned = self._python_function(*args, **kwargs)  # being traced: become part of that
        return nest.map_structure(as_returned, returned) if tracing else returned

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
        except UnfitSizeError:  # nothing has run yet
            if all(known(v.spec.shape) for v in concrete.graph.inputs):
                raise
            concrete = self._alone(call)
            result = concrete.run(arrays, call.tensors)
        if not observers:
            self._pave(concrete, call, arrays, args, kwargs)
        return result

    def _pave(
        self,
        concrete: ConcreteFunction,
        call: Call,
        arrays: Sequence[Array],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        """See to it that the next call like this one is short."""
        unpack = unpacking(args, kwargs)
        plain = not kwargs and unpack is None
        order = None if plain else order_of_leaves(args, kwargs, self._ordered)
        key = call.shapes, call.constants(), None if order is None else tuple(order)
        if key not in concrete.ways:
            if len(concrete.ways) >= _WAYS:
                concrete.ways.clear()
            concrete.ways[key] = concrete.shortest_way(call, arrays, order)
        way = concrete.ways[key]
        if way is None:
            return
        self._miss = runtime.MISS
        if plain:
            if way not in self._ways:
                self._ways = (way, *self._ways[: _TRIED - 1])
            return
        form = len(args), *kwargs
        known = self._by_form.get(form, [])
        if all(way is not other for _, other in known):
            if len(self._by_form) >= _WAYS:
                self._by_form.clear()
            self._by_form[form] = [(unpack, way), *known[: _TRIED - 1]]

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace that fits these arguments; TensorSpecs stand for tensors, None for any size.

        Each None is a size of its own; only where the function cannot do with that, those that are
        None in the same call are taken as equal. A call with sizes that the trace does not take,
        though the specs do, is traced by itself.

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
            specs = {k: examples[id(x)] for k, x in enumerate(call.tensors) if id(x) in examples}
            axes = frozenset(
                (k, j)
                for k, spec in specs.items()
                for j, n in enumerate(spec.sizes or ())
                if n is None
            )
            concrete = self._find(call, axes, {k: s.name for k, s in specs.items() if s.name})[1]
        if axes and concrete.otherwise is None:
            concrete.otherwise = lambda *args, **kwargs: self.find(*args, **kwargs)[0]
        return concrete

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
        return Call(*self._arguments(args, kwargs))

    def _arguments(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The arguments as traces take them: by position, and as the input_signature says."""
        args, kwargs = self._ordered(args, kwargs)
        if self._signature is not None:
            names = self._parameters.positional[: len(args)]
            args = conform((*args, *kwargs.values()), self._signature, self._name, names)
            kwargs = {}
        return args, kwargs

    def _ordered(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        return self._parameters.bound(args, kwargs) if kwargs else (args, kwargs)

    def _find(
        self,
        call: Call,
        axes: frozenset[tuple[int, int]] = frozenset(),
        names: Mapping[int, str] | None = None,
    ) -> tuple[Call, ConcreteFunction]:
        """The trace that fits the call; the call, with floats as constants where that is needed.

        axes: those, as (tensor, axis), that the trace must take in any size. names: of tensors.
        """
        family = self._families.get(call.key)
        if family is None:
            family = self._families[call.key] = Family(call.names(self._parameters.positional))
            self._keep(call)
        if self._signature is not None:
            axes |= opened(call, self._signature)
        family.open(axes)
        if family.constants:
            return self._find(call.with_constants(family.constants))
        traces = self._traces.setdefault(call.key, [])
        traces[:] = [t for t in traces if not t[1].stale()]
        for pattern, concrete in traces:
            if fits(pattern, call.shapes) and (self._signature is not None or apart(pattern, axes)):
                if len(self._exact) >= _REMEMBERED:
                    self._exact.clear()
                self._exact[call.key, call.shapes] = concrete
                return call, concrete
        family.note(call.shapes)
        try:
            pattern, traced = self._trace(call, family, axes, names or {})
        except ValueNeeded as e:
            family.constants |= {call.places[k] for k in e.places}
            return self._find(call)
        concrete = ConcreteFunction(
            traced, self._name, compile_graph, self._made_for(call, traced), self._python_function
        )
        traces.insert(0, (pattern, concrete))
        now = described(call)
        if self._count == _MANY:
            self._warn(call, now)
        self._last = now
        return call, concrete

    def _alone(self, call: Call) -> ConcreteFunction:
        """A trace for calls of exactly these sizes."""
        with self._tracing, no_collection():
            traced = self._traced(call, call.shapes, {})
            made = self._made_for(call, traced)
            concrete = ConcreteFunction(
                traced, self._name, compile_graph, made, self._python_function
            )
            self._traces[call.key].insert(0, (call.shapes, concrete))
            self._exact[call.key, call.shapes] = concrete
        return concrete

    def _made_for(self, call: Call, traced: Traced) -> Arguments:
        specs = [input_spec(v) for v in traced.graph.inputs[: traced.arguments]]
        signature = self._parameters.signature
        identities = call.identities()
        return Arguments(self._name, signature, call.structure, call.places, specs, identities)

    def _warn(self, call: Call, now: Described) -> None:
        """Say that there are many traces, and what changed last."""
        change, fix = difference(self._last, now, call.owners(self._parameters.positional))
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

    # --- one trace ---

    def _trace(
        self,
        call: Call,
        family: Family,
        axes: frozenset[tuple[int, int]],
        names: Mapping[int, str],
    ) -> tuple[tuple[Shape, ...], Traced]:
        """A trace with the family's symbols, or with sizes if it cannot do with them."""
        patterns = [family.pattern(call.shapes)]
        if axes:
            patterns = [family.pattern(call.shapes, axes), *patterns]
        failed: Exception | None = None
        for pattern in dict.fromkeys(patterns):
            try:
                return pattern, self._traced(call, pattern, names)
            except (ValueNeeded, RecursionError):
                raise
            except Exception as e:
                # User code asked for a number, or failed for want of one: try with less unknown.
                failed = failed or e
                if all(map(known, pattern)):
                    raise
        assert failed is not None
        if axes and self._signature is None:  # the sizes at hand are no call's
            raise failed
        traced = self._traced(call, call.shapes, names)
        family.pin()
        return call.shapes, traced

    def _traced(
        self, call: Call, shapes: Sequence[Shape] | tuple[Sizes, ...], given: Mapping[int, str]
    ) -> Traced:
        names = call.names(self._parameters.positional)
        for k, name in given.items():
            names[k] = name if names.count(name) == 0 else names[k]
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
        surroundings = Surroundings(self._python_function, call.structure[0])
        try:
            traced = trace(self._python_function, specs, arguments, self._name, first)
        except TraceRecursionError:
            raise
        except RecursionError as e:
            names = repeated(e)
            if not names:
                raise
            problem = f"{' and '.join(names)} called without end while {self._name} is traced"
            fix = "a Python condition that ends it; a condition on a tensor does not"
            raise TraceRecursionError(explain("function", problem, fix=fix)) from None
        self._count += 1
        if first is None:
            self._first = line
        surroundings.warn_of_changes(self._name, self._told)
        return traced

    def __repr__(self) -> str:
        return f"<nf.function {self._name}>"


def _forget(function: weakref.ref[Function], key: Any) -> None:
    """Drop the traces of a key, one of whose arguments is gone."""
    found = function()
    if found is not None:
        found._forget(key)


_MANY = 6  # traces after which a function warns: five more than the first
_WAYS = 64  # native entries that a trace keeps: one per shapes and constants
_TRIED = 4  # native entries that a call tries
_REMEMBERED = 4096  # shapes of calls whose trace is found without a search


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
