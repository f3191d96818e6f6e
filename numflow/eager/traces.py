"""All traces of one function: which fits a call, and how another is made.

Which calls are alike, and when a size or a float becomes a variable of the graph, is in
trace/signature.py. A trace with symbols that fails, for user code may need the number behind one,
is made again with less unknown.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numflow.eager.compiled import Compile
from numflow.eager.concrete import ConcreteFunction, input_spec
from numflow.errors import GraphError, SourceLine, explain, user_line
from numflow.graph.tensor import Tensor
from numflow.shapes import Shape, UnknownRankError, known
from numflow.trace.arguments import Arguments, Parameters
from numflow.trace.signature import (
    Call,
    Described,
    Family,
    Sizes,
    apart,
    described,
    difference,
    fits,
    opened,
)
from numflow.trace.tracer import Traced, trace
from numflow.trace.weak import ValueNeeded, WeakScalar


class TraceRecursionError(GraphError, RecursionError):
    """Functions call each other without end while they are traced."""


class Traces:
    """The traces of a function, by the kinds of calls; only one thread may ask for one at a time.

    signature: the input_signature, if there is one. compile: makes a graph run. converted: gives
    the function that is run to trace `function`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        parameters: Parameters,
        signature: tuple[Any, ...] | None,
        compile: Compile,
        converted: Callable[[], Callable[..., Any]],
    ) -> None:
        self._converted = converted
        self._function, self._name, self._parameters = function, name, parameters
        self._signature, self._compile = signature, compile
        self._families: dict[Any, Family] = {}
        self._traces: dict[Any, list[tuple[tuple[Shape, ...], ConcreteFunction]]] = {}
        self._exact: dict[Any, ConcreteFunction] = {}
        self.count = 0
        self._kept: list[Any] = []
        self._told: set[str] = set()  # side effects that were warned of
        self._last: Described = []  # the call that was traced last
        self._first: SourceLine | None = None

    def all(self) -> list[ConcreteFunction]:
        """The traces."""
        return [concrete for found in self._traces.values() for _, concrete in found]

    def known(self, call: Call) -> ConcreteFunction | None:
        """The trace that a call just like this one found; None: `find` it."""
        concrete = self._exact.get((call.key, call.shapes))
        return None if concrete is None or concrete.stale() else concrete

    def find(
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
            return self.find(call.with_constants(family.constants))
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
            return self.find(call)
        concrete = self._concrete(call, traced)
        traces.insert(0, (pattern, concrete))
        now = described(call)
        if self.count == _MANY:
            self._warn(call, now)
        self._last = now
        return call, concrete

    def alone(self, call: Call) -> ConcreteFunction:
        """A trace for calls of exactly these sizes."""
        traced = self._traced(call, call.shapes, {})
        concrete = self._concrete(call, traced)
        self._traces[call.key].insert(0, (call.shapes, concrete))
        self._exact[call.key, call.shapes] = concrete
        return concrete

    def _concrete(self, call: Call, traced: Traced) -> ConcreteFunction:
        specs = [input_spec(v) for v in traced.graph.inputs[: traced.arguments]]
        signature, identities = self._parameters.signature, call.identities()
        made = Arguments(self._name, signature, call.structure, call.places, specs, identities)
        return ConcreteFunction(traced, self._name, self._compile, made, self._function)

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

    def drop(self, key: Any, concrete: ConcreteFunction) -> None:
        """Trace with numbers in place of symbols from now on: a trace cannot do without."""
        self._families[key].pin()
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
            except (ValueNeeded, RecursionError, UnknownRankError):
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

        from numflow.trace.side_effects import Surroundings  # `import numflow` need not wait for it

        first = self._first
        line = user_line()
        surroundings = Surroundings(self._function, call.structure[0])
        try:
            traced = trace(self._converted(), specs, arguments, self._name, first)
        except TraceRecursionError:
            raise
        except RecursionError as e:
            from numflow.trace.recursion import repeated

            names = repeated(e)
            if not names:
                raise
            problem = f"{' and '.join(names)} called without end while {self._name} is traced"
            fix = "a Python condition that ends it; a condition on a tensor does not"
            raise TraceRecursionError(explain("function", problem, fix=fix)) from None
        self.count += 1
        if first is None:
            self._first = line
        surroundings.warn_of_changes(self._name, self._told)
        return traced


def _forget(traces: weakref.ref[Traces], key: Any) -> None:
    """Drop the traces of a key, one of whose arguments is gone."""
    found = traces()
    if found is not None:
        found._forget(key)


_MANY = 6  # traces after which a function warns: five more than the first
_REMEMBERED = 4096  # shapes of calls whose trace is found without a search
