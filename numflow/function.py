"""@numflow.function: a Python function, compiled.

    graph = trace(fn, ...)         user function -> graph
    graph = run_passes(graph)      graph -> graph
    program = emit(graph)          graph -> steps: generated kernels, or one of kernels/
    Executable(program)            steps -> results

A `Function` keeps a `ConcreteFunction` per trace; which trace fits a call is in eager/traces.py. A
call first tries the shortest way: the last plan's native entry looks at the raw arguments and runs,
or says that they are not its own. Calls by name, and with structures, are unpacked first.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import codegen, nest, passes, runtime
from numflow import explain as explaining
from numflow.collection import no_collection
from numflow.config import eagerly
from numflow.eager.apply import eager
from numflow.eager.concrete import MOST_WAYS, ConcreteFunction, array_of
from numflow.eager.tensor import Array, EagerTensor
from numflow.eager.traces import Traces
from numflow.errors import GraphError, explain
from numflow.graph import watching
from numflow.graph.graph import Graph
from numflow.graph.op import current, observers
from numflow.shapes import UnfitSizeError, UnknownRankError, UnknownSizeError, known
from numflow.trace.arguments import Parameters
from numflow.trace.methods import bound
from numflow.trace.signature import Call, conform
from numflow.trace.tensor_spec import TensorSpec
from numflow.trace.tracer import as_returned
from numflow.trace.unpacking import OtherForm, Unpacking, order_of_leaves, unpacking


def compile_graph(graph: Graph) -> runtime.Executable:
    """Graph -> something that runs."""
    with no_collection():
        program = codegen.emit(watching.before_code(passes.run_passes(graph)), graph)
        return runtime.Executable(program)


def _cells() -> Any:
    """Who finds recurrent cells that were written out step by step: few graphs have any."""
    from numflow.control.cell_sequences import Replacing

    return Replacing()


passes.cell_finders[:] = [_cells]


class Function:
    """A Python function that is traced and compiled when called; made by `function`."""

    def __init__(
        self,
        python_function: Callable[..., Any],
        input_signature: Sequence[Any] | None = None,
        autograph: bool = True,
    ) -> None:
        self._python_function = python_function
        self._autograph = autograph
        self._name = getattr(python_function, "__name__", type(python_function).__name__)
        self._parameters = Parameters(python_function, self._name)
        self._signature = self._parameters.check_signature(input_signature)
        self._traces = Traces(
            python_function,
            self._name,
            self._parameters,
            self._signature,
            compile_graph,
            self._converted,
        )
        self._latest: ConcreteFunction | None = None  # that which a call found last
        self._tracing = threading.RLock()
        self._untraced = 0  # calls that no trace was made for
        self._ways: tuple[Callable[..., Any], ...] = ()
        self._by_form: dict[Any, list[tuple[Unpacking | None, Callable[..., Any]]]] = {}
        self._miss: object = None  # runtime.MISS, which loads late
        functools.update_wrapper(self, python_function, updated=())

    @property
    def python_function(self) -> Callable[..., Any]:
        """The function as it was written."""
        return self._python_function

    def _converted(self) -> Callable[..., Any]:
        """The function to be traced: its control flow looks whether it is on tensors."""
        if not self._autograph:
            return self._python_function
        from numflow.autograph.entry import converted  # `import numflow` need not wait for it

        found: Callable[..., Any] = converted(self._python_function)
        return found

    @property
    def name(self) -> str:
        return self._name

    @property
    def input_signature(self) -> tuple[Any, ...] | None:
        return self._signature

    def experimental_get_tracing_count(self) -> int:
        """How many times the function was traced."""
        return self._traces.count

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
        texts = [str(c).removeprefix("ConcreteFunction ") for c in self._traces.all()]
        return "\n\n".join(texts)

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Callable[[str], str]:
        """A function that gives the graph for such a call as text; the call does not take place.

        It takes a stage: "hlo", the graph as traced, or "optimized_hlo", as it is compiled.

        Example:
          >>> f = nf.function(lambda x: x * 2.0)
          >>> print(f.experimental_get_compiler_ir(nf.constant([1.0, 2.0]))("hlo"))
          graph(%0: f32[2])
            %1 = constant(value=f32[](2.0))
            %2 = multiply(%0, %1)
            return %2
        """
        graph = self.find(*args, **kwargs)[0].graph

        def text(stage: str = "hlo", device_name: str | None = None) -> str:
            if stage not in ("hlo", "optimized_hlo"):
                problem = f"there is no stage {stage!r}"
                fix = '"hlo" or "optimized_hlo"; f.explain() shows loops and instructions'
                raise ValueError(explain("experimental_get_compiler_ir", problem, fix=fix))
            return str(graph if stage == "hlo" else passes.run_passes(graph))

        return text

    # --- as a value ---

    def __copy__(self) -> Function:
        return Function(self._python_function, self._signature, self._autograph)

    def __deepcopy__(self, memo: Any) -> Function:
        """Another function of the same code, with traces of its own."""
        import copy  # a part of a millisecond of `import numflow`

        return Function(
            copy.deepcopy(self._python_function, memo), self._signature, self._autograph
        )

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
            return Function, (found, self._signature, self._autograph)
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
        return Function(method, self._signature, self._autograph)

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
        positional, named = args, kwargs if self._signature is None else {}
        if self._signature is not None:
            positional, _ = self._arguments(args, kwargs)
        # Being traced: become part of that trace.
        if not tracing:
            return self._python_function(*positional, **named)
        returned = self._converted()(*positional, **named)
        return nest.map_structure(as_returned, returned)

    def _concrete_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        call = self._describe(args, kwargs)
        concrete = self._traces.known(call)
        if concrete is None:
            runtime.prepare()
            try:
                with self._tracing, no_collection():
                    call, concrete = self._traces.find(call)
                    # Here, for between two rests the collector would look at all that is new.
                    concrete.prepare([array_of(x) for x in call.tensors])
            except UnknownRankError as e:
                return self._as_python(args, kwargs, e)
        self._latest = concrete
        arrays = [array_of(x) for x in call.tensors]
        try:
            result = concrete.run(arrays, call.tensors)
        except UnknownSizeError:  # a pass or a gradient rule needs the number behind a symbol
            with self._tracing:
                self._traces.drop(call.key, concrete)
                call, concrete = self._traces.find(call)
            result = concrete.run(arrays, call.tensors)
        except UnfitSizeError:  # nothing has run yet
            if all(known(v.spec.shape) for v in concrete.graph.inputs):
                raise
            with self._tracing, no_collection():
                concrete = self._traces.alone(call)
            result = concrete.run(arrays, call.tensors)
        if not observers:
            self._pave(concrete, call, arrays, args, kwargs)
        return result

    def _as_python(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], why: UnknownRankError
    ) -> Any:
        """This call as Python, which shows the ranks that its next trace needs.

        why: says which is missing; a function that never shows it is told of.
        """
        self._untraced += 1
        if self._untraced == _UNTRACED:
            problem = f"{self._name} runs as Python, for the {_UNTRACED}th time"
            warnings.warn(explain("function", problem, {"because": why}), UserWarning, stacklevel=4)
        positional, named = args, kwargs
        if self._signature is not None:
            positional, named = self._arguments(args, kwargs)
        returned = self._python_function(*positional, **named)
        return nest.map_structure(as_returned, returned)

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
            if len(concrete.ways) >= MOST_WAYS:
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
            if len(self._by_form) >= MOST_WAYS:
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
        runtime.prepare()
        with self._tracing, no_collection():
            call = self._describe(_examples(args, examples), _examples(kwargs, examples))
            specs = {k: examples[id(x)] for k, x in enumerate(call.tensors) if id(x) in examples}
            axes = frozenset(
                (k, j)
                for k, spec in specs.items()
                for j, n in enumerate(spec.sizes or ())
                if n is None
            )
            names = {k: s.name for k, s in specs.items() if s.name}
            _, concrete = self._traces.find(call, axes, names)

        def otherwise(*args: Any, **kwargs: Any) -> ConcreteFunction:
            with self._tracing:
                call, found = self._traces.find(self._describe(args, kwargs))
                return self._traces.alone(call) if found is concrete else found

        if axes:
            concrete.otherwise = otherwise
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
            call = self._describe(_examples(args, {}), _examples(kwargs, {}))
            call, concrete = self._traces.find(call)
        return concrete, call.tensors

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

    def __repr__(self) -> str:
        return f"<nf.function {self._name}>"


_TRIED = 4  # native entries that a call tries
_UNTRACED = 5


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
      autograph: `if`, `while` and `for` on tensors become part of the program (nf.autograph).

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
        return functools.partial(function, input_signature=input_signature, autograph=autograph)
    if not callable(func):
        raise TypeError(explain("function", f"{func!r} is no function"))
    return Function(func, input_signature, autograph)
