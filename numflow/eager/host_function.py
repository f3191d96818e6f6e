"""py_function and numpy_function: Python code as a step of a compiled program.

In a traced function the call is a host call with an effect: it runs every time, in program order
with prints and assertions, and is never dropped, merged or folded. py_function hands eager tensors
to the code and records a tape, so it is differentiable: its first output is a *token*, the number
of the call, by which the gradient finds the tape.

State: a program reads variables when it begins and writes them when it ends, all at once. Code
called in the middle sees variables as they were before the call of the compiled function; what the
program assigned so far reaches it as an argument. Inside `nf.control_dependencies`, which asks for
it, the variables have their new values while the code runs, at the cost of copies.
"""

from __future__ import annotations

import functools
import itertools
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.eager.apply import eager, tapes
from numflow.eager.pending_tensor import PendingTensor, UnknownShape, note_rank, place_of, rank_at
from numflow.eager.tape import GradientTape
from numflow.eager.tensor import EagerTensor
from numflow.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
    explain,
    user_line,
)
from numflow.gradient.vjp import Record, differentiable
from numflow.graph.building import SymbolicTensor
from numflow.graph.lowering import HostCall
from numflow.graph.op import Array, Backward, Op, current, interpreting
from numflow.graph.operation import building
from numflow.graph.scopes import here
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor
from numflow.ops.run_time import sizes_of
from numflow.shapes import Shape
from numflow.trace.tensor_spec import TensorSpec
from numflow.trace.tracer import Tracing

_KEPT = 16  # calls of one place whose tapes are kept: a gradient follows its call soon
_tokens = itertools.count(1)

_MAPPED: tuple[tuple[type[BaseException], type[OpError]], ...] = (
    (ValueError, InvalidArgumentError),
    (TypeError, InvalidArgumentError),
    (StopIteration, OutOfRangeError),
    (MemoryError, ResourceExhaustedError),
    (NotImplementedError, UnimplementedError),
    (Exception, UnknownError),
)


class _Call(NamedTuple):
    """What is kept of a call: the tape of py_function, the inputs and results."""

    tape: GradientTape | None
    inputs: list[Tensor]
    outputs: list[Tensor]


class HostFunction:
    """A Python function at one place of a program, and its last calls.

    kinds: of its results, a TensorSpec each. single: whether it gives one result, not a list.
    numpy: whether it takes arrays.
    """

    def __init__(
        self, func: Callable[..., Any], kinds: Sequence[TensorSpec], single: bool, numpy: bool
    ) -> None:
        self.func, self.kinds, self.single, self.numpy = func, list(kinds), single, numpy
        self.op = "numpy_function" if numpy else "py_function"
        self.__qualname__ = getattr(func, "__name__", type(func).__name__)
        self._calls: OrderedDict[int, _Call] = OrderedDict()
        self.places = [
            place_of(func, k) if kind.sizes is None else None for k, kind in enumerate(kinds)
        ]

    # --- running ---

    def call(self, tensors: Sequence[Tensor]) -> tuple[int, list[Tensor]]:
        """Run the function: the token of the call, and the results."""
        inputs = list(tensors)
        with _alone():
            if self.numpy:
                tape, outputs = None, self._call_numpy(inputs)
            else:
                tape, outputs = self._call_py(inputs)
        token = next(_tokens)
        self._calls[token] = _Call(tape, inputs, outputs)
        for place, y in zip(self.places, outputs, strict=True):
            if place is not None:
                note_rank(place, y.spec.rank)
        if len(self._calls) > _KEPT:
            self._calls.popitem(last=False)
        return token, outputs

    def _call_py(self, inputs: list[Tensor]) -> tuple[GradientTape, list[Tensor]]:
        with GradientTape(persistent=True) as tape:
            tape.watch([t for t in inputs if differentiable(t)])
            results = self._results(self._run(*inputs))
            return tape, [
                as_tensor(x, kind.dtype, self.op, f"result {k}")
                for k, (x, kind) in enumerate(zip(results, self.kinds, strict=True))
            ]

    def _call_numpy(self, inputs: list[Tensor]) -> list[Tensor]:
        results = self._results(self._run(*[np.array(t) for t in inputs]))
        return [as_tensor(np.asarray(x), None, self.op, "result") for x in results]

    def _run(self, *args: Any) -> Any:
        try:
            with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
                return self.func(*args)
        except OpError:
            raise
        except Exception as e:
            kind = next(mapped for own, mapped in _MAPPED if isinstance(e, own))
            text = "".join(traceback.format_tb(e.__traceback__)[1:])
            problem = (
                f"{type(e).__name__}: {e}\nTraceback (most recent call last):\n{text}".rstrip()
            )
            raise kind(explain(self.op, problem)) from e

    def _results(self, got: Any) -> list[Any]:
        """The results in a list, as many as Tout says."""
        results = [] if got is None else list(got) if isinstance(got, list | tuple) else [got]
        if self.single and not isinstance(got, list | tuple):
            results = [got]
        if len(results) != len(self.kinds):
            problem = f"{self.__qualname__} returned {len(results)} values, not {len(self.kinds)}"
            raise InvalidArgumentError(explain(self.op, problem, {"Tout": self.kinds}))
        return results

    def result(self, token: int, index: int, shape: Sequence[int | None] | None) -> Array:
        """Result number index of a call, if it is of the dtype and shape that were promised.

        shape: None for all elements in a row.
        """
        array, kind = np.asarray(self._known(token).outputs[index]), self.kinds[index]
        have = dtypes.from_numpy(array.dtype)
        if have is not kind.dtype:
            problem = (
                f"{index}-th value returned by {self.__qualname__} is {have.name}, "
                f"but expects {kind.dtype.name}"
            )
            raise InvalidArgumentError(explain(self.op, problem))
        if shape is None:
            return array.reshape(-1)
        place = self.places[index]
        if len(shape) != array.ndim or any(
            want not in (None, n) for want, n in zip(shape, array.shape, strict=True)
        ):
            problem = f"result {index} of {self.__qualname__} is not of the promised shape"
            values = {"promised": list(shape), "returned": list(array.shape)}
            fix = "" if place is None else "Tout=nf.TensorSpec(shape, dtype), for one rank"
            raise InvalidArgumentError(explain(self.op, problem, values, fix))
        return array

    def pull_back(
        self, token: int, ct: Array, index: int, needed: Sequence[int]
    ) -> tuple[Array, ...]:
        """Gradients for the inputs `needed` of a call, from the cotangent of result `index`."""
        call = self._known(token)
        assert call.tape is not None
        sources = [call.inputs[k] for k in needed]
        with _alone():
            target, cotangent = call.outputs[index], EagerTensor(np.array(ct))
            grads = call.tape.gradient(target, sources, cotangent, "zero")
        return tuple(np.asarray(g) for g in grads)

    def _known(self, token: int) -> _Call:
        found = self._calls.get(token)
        if found is None:
            problem = f"this call is gone: the last {_KEPT} of a place are kept"
            raise FailedPreconditionError(explain(self.op, problem))
        return found


@contextmanager
def _alone() -> Iterator[None]:
    """No tape from outside records, and ops run at once, whoever called the program."""
    kept, tapes.items = tapes.items, []
    try:
        if current() is eager:
            yield
        else:
            with interpreting(eager):
                yield
    finally:
        tapes.items = kept


# --- ops -----------------------------------------------------------------------
#
# token = py_function(*inputs)                   host: the code runs
# sizes = host_result_sizes(token)               those that Tout leaves open, and bind_sizes
# y     = py_function_result(token, *inputs)     a copy of the result; inputs are for the gradient


def _call_infer(*_: Spec, called: HostFunction, shown: tuple[Any, ...] = ()) -> Spec:
    return Spec((), dtypes.int64)


def _call_reference(*arrays: Any, called: HostFunction, shown: tuple[Any, ...] = ()) -> Any:
    count = len(arrays) - len(shown)
    # The memory is the program's: what the code keeps must be its own.
    tensors = [EagerTensor(np.array(a)) for a in arrays[:count]]
    with _showing(shown, arrays[count:]):
        return np.int64(called.call(tensors)[0])


@contextmanager
def _showing(variables: Sequence[Any], values: Sequence[Array]) -> Iterator[None]:
    """Variables have these values meanwhile, and their own again afterwards."""
    before = [np.array(v._array) for v in variables]
    for v, value in zip(variables, values, strict=True):
        v._write(value)
    try:
        yield
        for v, value in zip(variables, values, strict=True):
            if not np.array_equal(v._array, value, equal_nan=v.spec.dtype.is_floating):
                problem = f"Python code assigns variable {v.name}, which the program assigns, too"
                raise FailedPreconditionError(explain("py_function", problem))
    finally:
        for v, value in zip(variables, before, strict=True):
            v._write(value)


_WHY = HostCall("it is Python code")
py_function_op = Op("py_function", _call_infer, _call_reference, None, _WHY, effect="host")
numpy_function_op = Op("numpy_function", _call_infer, _call_reference, None, _WHY, effect="host")
pure_numpy_function_op = Op("pure_numpy_function", _call_infer, _call_reference, None, _WHY)


def _sizes_infer(
    token: Spec, *, called: HostFunction, index: int, shape: tuple[int | None, ...] | None
) -> Spec:
    return Spec((1 if shape is None else shape.count(None),), dtypes.int64)


def _sizes_reference(
    token: Any, *, called: HostFunction, index: int, shape: tuple[int | None, ...] | None
) -> Any:
    sizes = called.result(int(token), index, shape).shape
    wanted = [None] if shape is None else shape
    return np.array([n for n, want in zip(sizes, wanted, strict=True) if want is None], np.int64)


result_sizes_op = Op("host_result_sizes", _sizes_infer, _sizes_reference, None, _WHY)


def _result_infer(
    token: Spec,
    *inputs: Spec,
    called: HostFunction,
    index: int,
    shape: Shape,
    in_a_row: bool = False,
) -> Spec:
    return Spec(shape, called.kinds[index].dtype)


def _result_reference(
    token: Any,
    *inputs: Any,
    called: HostFunction,
    index: int,
    shape: tuple[int, ...],
    in_a_row: bool = False,
) -> Any:
    return called.result(int(token), index, None if in_a_row else shape)


def _result_vjp(g: Backward) -> Sequence[Tensor | None]:
    needed = tuple(k - 1 for k, wants in enumerate(g.needed) if wants and k)
    got = pull_back_op(
        g.inputs[0],
        g.ct,
        called=g.attrs["called"],
        index=g.attrs["index"],
        needed=needed,
        specs=tuple(g.inputs[k + 1].spec for k in needed),
    )
    grads: list[Tensor | None] = [None] * len(g.inputs)
    for k, t in zip(needed, got if isinstance(got, tuple) else (got,), strict=True):
        grads[k + 1] = t
    return grads


py_result_op = Op("py_function_result", _result_infer, _result_reference, _result_vjp, _WHY)
numpy_result_op = Op("numpy_function_result", _result_infer, _result_reference, None, _WHY)


def _pull_back_infer(
    token: Spec, ct: Spec, *, called: HostFunction, index: int, needed: Any, specs: Any
) -> tuple[Spec, ...]:
    return tuple(specs)


def _pull_back_reference(
    token: Any, ct: Any, *, called: HostFunction, index: int, needed: Any, specs: Any
) -> tuple[Any, ...]:
    return called.pull_back(int(token), ct, index, needed)


pull_back_op = Op(
    "py_function_gradient",
    _pull_back_infer,
    _pull_back_reference,
    None,
    HostCall("it is the gradient of Python code"),
)

# --- public ----------------------------------------------------------------------


def py_function(
    func: Callable[..., Any] | None = None,
    inp: Any = None,
    Tout: Any = None,
    name: str | None = None,
) -> Any:
    """Run Python code on tensors, in the middle of a compiled program too.

    Args:
      func: called with eager tensors, one for each of inp; returns what becomes tensors.
      inp: a list of tensors.
      Tout: dtypes of the results, or nf.TensorSpecs, in a list; or one of them, for one result.
      name: without effect.

    Returns:
      A list of tensors, or one if Tout is one. In a traced function a result has the shape of its
      TensorSpec, in which None leaves a size to the call. Where Tout is a mere dtype,
      `result.set_shape(shape)`, `ensure_shape` and `reshape` say more. A trace knows every rank:
      where nobody says it, the first call of the function runs as Python, and shows it.

    Raises:
      InvalidArgumentError: func raised ValueError or TypeError, or its results are not as promised.
      UnknownError: func raised another exception, which is the cause.

    Differentiable: func is recorded by a tape of its own. In a compiled function, variables that
    func looks at have the values from before the call: the program writes its own all at once, at
    its end. Pass them in inp to see what was assigned so far, or call it inside
    nf.control_dependencies.

    Example:
      >>> @nf.function
      ... def f(x):
      ...     return nf.py_function(lambda t: t * len(t), [x], nf.TensorSpec([3], nf.float32)) + 1.0
      >>> f(nf.constant([1.0, 2.0, 3.0])).numpy().tolist()
      [4.0, 7.0, 10.0]
    """
    called, tensors = _called(func, inp, Tout, numpy=False)
    if building() is not None:
        return _traced(py_function_op, called, tensors)
    token, results = called.call(tensors)
    if not tapes.items:
        return results[0] if called.single else results
    number, outputs = EagerTensor(np.array(token)), []
    for k, t in enumerate(results):
        # A handle of its own: the result belongs to the tape of the call.
        y = EagerTensor(np.asarray(t))
        attrs = {"called": called, "index": k, "shape": y.spec.shape}
        record = Record(py_result_op, (number, *tensors), (y,), attrs, user_line())
        for tape in tapes.items:
            tape.record(record)
        outputs.append(y)
    return outputs[0] if called.single else outputs


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Any = None,
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """Run Python code on NumPy arrays, in the middle of a compiled program too.

    Args:
      func: called with arrays, one for each of inp; returns arrays of the dtypes Tout.
      inp, Tout, name: as for py_function.
      stateful: whether each call counts. If False, equal calls may become one, and an unused one
        none.

    Returns:
      As py_function. Not differentiable.

    Raises:
      InvalidArgumentError: as py_function; also, in a program, where a result is of another dtype.

    Example:
      >>> nf.numpy_function(np.cumsum, [nf.constant([1.0, 2.0])], nf.float32).numpy().tolist()
      [1.0, 3.0]
    """
    called, tensors = _called(func, inp, Tout, numpy=True)
    if building() is not None:
        return _traced(numpy_function_op if stateful else pure_numpy_function_op, called, tensors)
    results = called.call(tensors)[1]
    return results[0] if called.single else results


def _called(func: Any, inp: Any, kinds: Any, numpy: bool) -> tuple[HostFunction, list[Tensor]]:
    op = "numpy_function" if numpy else "py_function"
    if not callable(func):
        raise TypeError(explain(op, f"func is not callable: {func!r}"))
    inputs = list(inp) if isinstance(inp, list | tuple) else [] if inp is None else [inp]
    tensors = [as_tensor(x, None, op, f"inp[{k}]") for k, x in enumerate(inputs)]
    single = not isinstance(kinds, list | tuple)
    specs = [
        k if isinstance(k, TensorSpec) else TensorSpec(None, k)
        for k in ([kinds] if single else kinds)
    ]
    return HostFunction(func, specs, single, numpy), tensors


def _assigned() -> dict[Any, Tensor]:
    """The variables that the trace has assigned so far, with their values at this point."""
    trace = current()
    if not isinstance(trace, Tracing):
        return {}
    written = [n.attrs["variable"] for n in trace.builder.nodes if n.op.effect == "write"]
    return {v: trace.read(v) for v in {id(v): v for v in written}.values()}


def _traced(op: Op, called: HostFunction, tensors: Sequence[Tensor]) -> Any:
    """The results as tensors of the trace."""
    shown = _assigned() if here().dependencies else {}
    token = op(*tensors, *shown.values(), called=called, shown=tuple(shown))
    result_op = numpy_result_op if called.numpy else py_result_op

    def settled(index: int, shape: Sequence[Any] | None) -> SymbolicTensor:
        sizes = None if shape is None else tuple(None if n is None else int(n) for n in shape)
        whole: list[Any] = [None] if sizes is None else list(sizes)
        if None in whole:
            found = result_sizes_op(token, called=called, index=index, shape=sizes)
            bound = iter(sizes_of(found))
            whole = [next(bound) if n is None else n for n in whole]
        attrs: dict[str, Any] = {"called": called, "index": index, "shape": tuple(whole)}
        if sizes is None:
            attrs["in_a_row"] = True
        return result_op(token, *tensors, **attrs)  # type: ignore[no-any-return]

    def pending(index: int, dtype: dtypes.DType) -> SymbolicTensor:
        rank = rank_at(called.places[index])
        spec = UnknownShape(dtype, called.op)
        return PendingTensor(spec, functools.partial(settled, index), rank)

    results = [
        pending(k, kind.dtype) if kind.sizes is None else settled(k, kind.sizes)
        for k, kind in enumerate(called.kinds)
    ]
    return results[0] if called.single else results
