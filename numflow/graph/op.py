"""Op: everything that is said about one operation, and the stack of interpreters that run it.

An op is called on tensors (`exp_op(x)`, `sum_op(x, axis=(0,))`); the interpreter on top of this
thread's stack decides what happens: the eager one runs the reference at once, a building one
appends a node. Ops never import who runs them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.shapes import Dim

Attrs = dict[str, Any]
Array = np.ndarray[Any, Any]


class Backward:
    """What a gradient rule is given: cotangents of the outputs, and the node they belong to.

    `cts[i]` is None where output i does not reach the target. `needed[i]`: whether anybody wants
    the gradient for input i; a rule may return None elsewhere and save the work. `sparse[i]`:
    whether it may be IndexedSlices, since input i is the value of a variable.
    """

    __slots__ = ("attrs", "cts", "inputs", "needed", "outputs", "sparse")

    def __init__(
        self,
        cts: tuple[Tensor | None, ...],
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        attrs: Attrs,
        needed: tuple[bool, ...],
        sparse: tuple[bool, ...] = (),
    ) -> None:
        self.cts, self.inputs, self.outputs = cts, inputs, outputs
        self.attrs, self.needed, self.sparse = attrs, needed, sparse

    @property
    def ct(self) -> Tensor:
        """The cotangent of the only output."""
        (ct,) = self.cts
        assert ct is not None
        return ct


def concrete_attrs(attrs: Attrs, sizes: Mapping[str, int]) -> Attrs:
    """The attributes with every symbolic size in them, however deep in tuples, as a number."""
    return {k: _concrete(v, sizes) for k, v in attrs.items()}


def _concrete(x: Any, sizes: Mapping[str, int]) -> Any:
    if isinstance(x, Dim):
        return x.evaluate(sizes)
    if type(x) in (tuple, list):
        return type(x)(_concrete(v, sizes) for v in x)
    if hasattr(x, "at_sizes"):  # a graph inside
        return x.at_sizes(sizes)
    return x


Infer = Callable[..., Spec | tuple[Spec, ...]]
Reference = Callable[..., Any]
Vjp = Callable[[Backward], Sequence[Tensor | IndexedSlices | None]]

REGISTRY: dict[str, Op] = {}  # for the text form only; code compares ops with `is`


class Op:
    """One operation.

    name:      as in the text form.
    infer:     specs of the inputs and attributes -> spec of the output, or a tuple of them; raises
               on misuse.
    reference: NumPy arrays and attributes -> array, or a tuple of them. The oracle of every
               backend.
    vjp:       the gradient rule, written with ops; None: not differentiable.
    lower:     how the compiler treats it (graph/lowering.py).
    effect:    "" (pure), "read" or "write" of a variable, "random", "check" (it refuses values) or
               "host" (Python code that the world notices): never merged, folded or dropped as if
               pure. Hosts and checks keep their program order.
    short:     functions that answer for eager operands of specs with these ids, with the attributes
               that the op's public function has by default (eager/short.py); where they return no
               tensor they have done nothing.
    """

    __slots__ = ("effect", "infer", "lower", "name", "reference", "short", "vjp")

    def __init__(
        self,
        name: str,
        infer: Infer,
        reference: Reference,
        vjp: Vjp | None = None,
        lower: Any = None,
        effect: str = "",
    ) -> None:
        if name in REGISTRY:
            raise ValueError(f"two ops are called {name}")
        REGISTRY[name] = self
        self.name, self.infer, self.reference = name, infer, reference
        self.vjp, self.lower, self.effect = vjp, lower, effect
        self.short: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *inputs: Tensor, **attrs: Any) -> Any:
        """Run on the current interpreter: the output, or the tuple of outputs."""
        try:
            outputs = (current() if observers else _default[0]).apply(self, inputs, attrs)
        except CompositeGiven as given:
            return given.value.apply_op(self, inputs, attrs, given)
        return outputs[0] if len(outputs) == 1 else outputs

    def specs(self, inputs: Sequence[Spec], attrs: Attrs) -> tuple[Spec, ...]:
        """The specs of all outputs."""
        got = self.infer(*inputs, **attrs)
        return got if isinstance(got, tuple) else (got,)

    def run(
        self, arrays: Sequence[Array], specs: Sequence[Spec], attrs: Attrs
    ) -> tuple[Array, ...]:
        """The reference's outputs, in the dtypes of specs."""
        got = self.reference(*arrays, **attrs)
        if not isinstance(got, tuple):
            got = (got,)
        return tuple(np.asarray(a, s.dtype.numpy) for a, s in zip(got, specs, strict=True))

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class CompositeGiven(TypeError):
    """What is made of several tensors, as a ragged one, was given where a tensor is wanted.

    value: it. It knows what some ops and functions mean for it: `apply_op`, `call`.
    """

    def __init__(self, value: Any, message: str) -> None:
        super().__init__(message)
        self.value = value


F = TypeVar("F", bound=Callable[..., Any])


def composites_too(function: F) -> F:
    """The function, also of composites that know what it means for them."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except CompositeGiven as given:
            return given.value.call(function, args, kwargs, given)

    return cast(F, call)


class Interpreter(Protocol):
    """Who runs ops: eager, or a builder of graphs."""

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        """The outputs of op."""

    def constant(self, array: Array) -> Tensor:
        """A tensor of this value; array must not change afterwards."""


class _Stack(threading.local):
    def __init__(self) -> None:
        self.items: list[Interpreter] = []


_stack = _Stack()
_default: list[Interpreter] = []
observers: list[object] = []
"""Interpreters and tapes in force, of all threads. While it is empty a call of a compiled function
need not ask whether anybody wants to see it: the native entry looks at this very list."""


def set_default(interpreter: Interpreter) -> None:
    """The interpreter of every thread whose stack is empty: the eager one."""
    _default[:] = [interpreter]


def current() -> Interpreter:
    """The interpreter that ops run on in this thread."""
    items = _stack.items
    return items[-1] if items else _default[0]


@contextmanager
def interpreting(interpreter: Interpreter) -> Iterator[None]:
    """Ops in this thread run on `interpreter` meanwhile."""
    observers.append(interpreter)
    _stack.items.append(interpreter)
    try:
        yield
    finally:
        _stack.items.pop()
        observers.remove(interpreter)


@contextmanager
def init_scope() -> Iterator[None]:
    """Ops run eagerly meanwhile, whatever is being traced."""
    with interpreting(_default[0]):
        yield
