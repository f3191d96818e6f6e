"""Executable: a Program that can be called with arrays. It keeps a plan per shape, and a copy of it
per busy thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from numflow.codegen.program import emit
from numflow.codegen.steps import Program
from numflow.collection import no_collection
from numflow.errors import InternalError
from numflow.graph.graph import Graph, free_symbols
from numflow.graph.reference import bind_symbols
from numflow.kernels import abi
from numflow.runtime.entry import BUSY, REFUSED, SHARED, CallRecord
from numflow.runtime.fast_call import Constant, Number, fast_call
from numflow.runtime.host import Buffers
from numflow.runtime.plan import Plan
from numflow.runtime.refusal import Known, raise_refusal

Array = np.ndarray[Any, Any]
MOST_PLANS = 64


class Executable:
    """A compiled graph: `executable(arrays) -> results`.

    arrays are those of graph.inputs, in order: arguments, then captures. Variables are read and
    written by the program.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int] | None = None) -> None:
        """sizes: those that a graph inside of another takes from there."""
        self.program, self.sizes = program, sizes
        self.clock: dict[Any, float] | None = None  # if there is one: seconds of Python's steps
        self._inside: dict[Any, Inside] = {}
        self.graph = program.graph
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self.latest: Plan | None = None  # the plan that was made last
        self._copies: dict[CallRecord, list[CallRecord]] = {}
        self._lock = threading.Lock()
        self._locks = [v._lock for v in sorted(program.written, key=lambda v: v.cell_address)]

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """The results, in arrays of their own.

        Raises:
          ShapeError: an array does not have the shape that the graph says.
          InvalidArgumentError: a kernel refused a value; no variable has changed.
        """
        arrays = [_dense(a) for a in arrays]
        plan = self.plan(arrays)
        results = [make() for make in plan.makers]
        if not self._locks and not plan.alone:
            self._run(plan, arrays, results)
            return results
        with ExitStack() as held:
            for lock in self._locks:
                held.enter_context(lock)
            if plan.alone:
                held.enter_context(plan.lock)
            for variable in self.program.written:
                variable.make_private()
            for k, node in enumerate(self.program.draws):
                plan.draws[k] = node.op.run((), [node.output.spec], node.attrs)[0]
            if plan.is_last:
                self._run(plan, arrays, results)
            else:
                results = self._run_segments(plan, arrays)
        return results

    def plan(self, arrays: Sequence[Array]) -> Plan:
        """The plan for arrays of these shapes."""
        key = tuple(a.shape for a in arrays)
        found = self._plans.get(key)
        if found is None:
            with self._lock:
                found = self._plans.get(key)
                if found is None:
                    specs = [v.spec for v in self.program.inputs]
                    sizes = bind_symbols(specs, key, self.sizes)
                    with no_collection():
                        found = Plan(self.program, sizes)
                    if len(self._plans) >= MOST_PLANS:
                        self._plans.pop(next(iter(self._plans)))
                    self._plans[key] = self.latest = found
        return found

    def inside(self, graph: Graph, sizes: Mapping[str, int]) -> Inside:
        """A graph inside of a node of this one, as a function; sizes: of this call."""
        taken = {name: sizes[name] for name in sorted(free_symbols(graph)) if name in sizes}
        key = graph, tuple(taken.items())
        found = self._inside.get(key)
        if found is None:
            if len(self._inside) >= MOST_PLANS:
                self._inside.clear()
            found = self._inside[key] = Inside(graph, taken)
        return found

    def fast(
        self,
        arrays: Sequence[Array],
        arguments: Sequence[int | Number | Constant],
        idle: Sequence[object],
        form: type | None,
        pack: Callable[[Any], Any] | None,
        specs: Sequence[object] = (),
    ) -> Callable[..., Any] | None:
        """A builtin that calls the plan for these shapes with raw arguments, see fast_call.py.

        arrays: of all inputs; those that no argument stands for are the same in every call.
        Returns None where a call needs Python: host calls, random numbers.
        """
        plan = self.plan(arrays)
        record = plan.phases[0].record if len(plan.phases) == 1 else None
        if record is None or self.program.draws or not plan.is_last:
            return None
        given = [
            a if isinstance(a, int) else a.input for a in arguments if not isinstance(a, Constant)
        ]
        fixed = {k: _dense(a) for k, a in enumerate(arrays) if k not in given}

        def refused(*received: Any) -> None:
            known = dict(fixed)
            for a, x in zip(arguments, received, strict=True):
                if not isinstance(a, Constant):
                    known[a if isinstance(a, int) else a.input] = np.asarray(x)
            self._refused(plan, record, [known[k] for k in range(len(arrays))], {})

        return fast_call(
            record,
            arguments=arguments,
            fixed=fixed,
            results=range(len(arrays), len(arrays) + len(plan.results)),
            idle=idle,
            refused=refused,
            form=form,
            pack=pack,
            specs=specs,
        )

    def _run(self, plan: Plan, arrays: Sequence[Array], results: Sequence[Array]) -> None:
        self._run_phases(plan, Buffers(plan, arrays, results, self.inside), arrays, results)

    def _run_phases(
        self, plan: Plan, buffers: Buffers, arrays: Sequence[Array], results: Sequence[Array]
    ) -> None:
        """Run one segment; results: those that are there already."""
        for phase in plan.phases:
            if phase.record is not None:
                self._native(plan, phase.record, arrays, results, buffers.hosted)
                continue
            for step in phase.steps:
                start = 0.0 if self.clock is None else time.perf_counter()
                buffers.run(step)
                if self.clock is not None:
                    self.clock[step] = time.perf_counter() - start

    def _run_segments(self, plan: Plan, arrays: Sequence[Array]) -> list[Array]:
        """Run segment after segment, each planned for the sizes that those before it bound."""
        made: dict[int, Array] = {}
        buffers = Buffers(plan, arrays, made, self.inside)
        while True:
            for number, make in zip(plan.made, plan.makers, strict=True):
                made[number] = make()
            buffers.plan = plan
            self._run_phases(plan, buffers, arrays, [made[k] for k in plan.results])
            if plan.is_last:
                return [made[k] for k in plan.results]
            plan = plan.after(buffers.bound())

    def _native(
        self,
        plan: Plan,
        record: CallRecord,
        arrays: Sequence[Array],
        results: Sequence[Array],
        hosted: Known,
    ) -> None:
        status = record.call(*arrays, *results)
        while status == SHARED:  # another thread has just read a variable
            for variable in self.program.written:
                variable.make_private()
            status = record.call(*arrays, *results)
        if status is None:
            return
        if status is BUSY or status == BUSY:
            with self._lock:
                idle = self._copies.setdefault(record, [])
                twin = idle.pop() if idle else record.copy()
            status = twin.call(*arrays, *results)
            with self._lock:
                idle.append(twin)
            if status is None:
                return
            record = twin
        if status == REFUSED:
            self._refused(plan, record, arrays, hosted)
        raise InternalError(f"the program does not take these arrays: {[a.shape for a in arrays]}")

    def _refused(
        self, plan: Plan, record: CallRecord, arrays: Sequence[Array], hosted: Known
    ) -> None:
        """Raise what the node that refused would have raised eagerly, with its own line."""
        number, index = abi.split_error(record.refusal())
        graph = self.program.told or self.graph
        known = dict(hosted)
        for k, n in enumerate(self.program.draws):
            known[id(n.attrs)] = [plan.draws[k]]
        inputs = dict(zip(graph.inputs, arrays, strict=True))
        raise_refusal(graph, plan.checks[number], index, inputs, known, plan.sizes.symbols)


class Inside:
    """A graph as the references of nodes call it: with arrays, one by one; compiled when it is."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph, self._sizes = graph, sizes
        self._run: Executable | None = None

    def __call__(self, *arrays: Array) -> list[Array]:
        if self._run is None:
            self._run = Executable(emit(self.graph), self._sizes)
        return self._run(arrays)


def _dense(a: Array) -> Array:
    """The array in native order, C-contiguous and aligned; itself where it is."""
    if a.flags.c_contiguous and a.flags.aligned and a.dtype.isnative:
        return a
    return np.array(a, a.dtype.newbyteorder("="), order="C")
