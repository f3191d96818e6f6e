"""What functions and tensors are, for annotations and isinstance.

Callable           a compiled function of either kind
GenericFunction    what @nf.function makes: a trace for each kind of arguments
ConcreteFunction   one trace
TensorLike         what becomes a tensor where one is wanted
"""

from __future__ import annotations

import abc
from typing import Any

from numflow.eager.concrete import ConcreteFunction as _Concrete
from numflow.function import Function as _Function
from numflow.graph.graph import Graph
from numflow.graph.tensor import TensorLike

__all__ = ["Callable", "ConcreteFunction", "GenericFunction", "PolymorphicFunction", "TensorLike"]


class Callable(abc.ABC):
    """A compiled function.

    Example:
      >>> isinstance(nf.function(lambda x: x), nf.types.experimental.Callable)
      True
    """

    @abc.abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Its result."""


class ConcreteFunction(Callable):
    """One trace of a function, see `Function.get_concrete_function`.

    Example:
      >>> f = nf.function(lambda x: x).get_concrete_function(nf.TensorSpec([]))
      >>> isinstance(f, nf.types.experimental.ConcreteFunction)
      True
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """That of the Python function."""

    @property
    @abc.abstractmethod
    def graph(self) -> Graph:
        """What the trace recorded."""

    @property
    @abc.abstractmethod
    def variables(self) -> tuple[Any, ...]:
        """Those that are read or written, in the order of first use."""

    inputs = _Concrete.inputs
    outputs = _Concrete.outputs
    trainable_variables = _Concrete.trainable_variables
    captured_inputs = _Concrete.captured_inputs
    structured_input_signature = _Concrete.structured_input_signature
    structured_outputs = _Concrete.structured_outputs
    output_dtypes = _Concrete.output_dtypes
    output_shapes = _Concrete.output_shapes


class GenericFunction(Callable):
    """A function that is traced for each kind of arguments, made by @nf.function.

    Example:
      >>> isinstance(nf.function(lambda x: x), nf.types.experimental.GenericFunction)
      True
    """

    experimental_get_compiler_ir = _Function.experimental_get_compiler_ir
    get_concrete_function = _Function.get_concrete_function
    experimental_get_tracing_count = _Function.experimental_get_tracing_count
    pretty_printed_concrete_signatures = _Function.pretty_printed_concrete_signatures
    input_signature = _Function.input_signature
    python_function = _Function.python_function


PolymorphicFunction = GenericFunction
ConcreteFunction.register(_Concrete)
GenericFunction.register(_Function)
