"""Layer: an object that makes its weights when it first sees inputs, and computes in `call`.

A layer is built once, from the shape of its first argument. Its weights are those that it added, in
that order, then those of the layers among its attributes, in the order in which these were set.
Numbers and arrays that it is called with become tensors of its dtype. `training` reaches the layers
that a layer calls without being passed on; so does a mask, from the layer that made the tensor.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import dtypes, initializers, nest
from numflow.autograph.entry import as_called
from numflow.eager.module import Module
from numflow.eager.variable import Variable
from numflow.errors import ShapeError, explain
from numflow.graph.op import init_scope
from numflow.graph.operation import building
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor

FLOATX = "float32"


class Layer(Module):
    """Base class of layers.

    Args:
      activity_regularizer: a function of the output; its value is added to `losses`.
      trainable: whether its weights are among the trainable ones.
      dtype: of weights, and of what it computes in. Default float32.
      autocast: whether floating inputs are cast to that dtype.
      name: default: the class's name in snake case and a number.

    A subclass makes weights in `build(input_shape)` with `add_weight`, and computes in
    `call(inputs)`, which may also take `training` and `mask`.

    Example:
      >>> class Scale(nf.keras.layers.Layer):
      ...     def build(self, input_shape):
      ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
      ...     def call(self, inputs):
      ...         return inputs * self.factor
      >>> scale = Scale()
      >>> scale([[1.0, 2.0]]).numpy().tolist(), [w.shape.as_list() for w in scale.weights]
      ([[1.0, 2.0]], [[2]])
    """

    def __init__(
        self,
        *,
        activity_regularizer: Callable[..., Any] | None = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        for known in ("input_shape", "input_dim", "batch_input_shape", "weights"):
            kwargs.pop(known, None)
        if kwargs:
            raise ValueError(
                "Unrecognized keyword arguments passed to"
                f" {type(self).__name__}: {', '.join(sorted(kwargs))}"
            )
        super().__init__(name or _unique(type(self).__name__))
        self._own: list[Variable] = []
        self._penalties: list[tuple[Variable, Callable[..., Any]]] = []
        self._outputs_penalties: list[Any] = []
        self._trainable = bool(trainable)
        self._dtype = dtypes.as_dtype(FLOATX if dtype is None else dtype)
        self.autocast = autocast
        self.activity_regularizer = function_of("activity_regularizer", activity_regularizer)
        self.supports_masking = False
        self.built = False

    # --- weights ---

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Callable[..., Any] | None = None,
        constraint: Callable[..., Any] | None = None,
        aggregation: Any = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A weight of this layer: a Variable.

        Args:
          shape: default (), a number.
          initializer: a name, or a function of shape and dtype; default "glorot_uniform".
          regularizer: a function of the weight; its value is added to `losses`.
          constraint: a function that optimizers apply after an update.
        """
        made = initializers.get("glorot_uniform" if initializer is None else initializer)
        assert made is not None
        sizes = tuple(int(n) for n in (() if shape is None else shape))
        want = dtypes.as_dtype(dtype or self._dtype)
        with init_scope():
            found = Variable(
                made(sizes, dtype=want),
                trainable=trainable,
                name=name,
                constraint=function_of("constraint", constraint),
            )
        self._own.append(found)
        penalty = function_of("regularizer", regularizer)
        if penalty is not None:
            self._penalties.append((found, penalty))
        return found

    def _layers(self) -> list[Layer]:
        """The layers among the attributes, in their order."""
        found: dict[int, Layer] = {}
        for name, value in vars(self).items():
            if name not in ("_own", "_penalties", "_outputs_penalties"):
                for part in _layers_in(value):
                    found.setdefault(id(part), part)
        found.pop(id(self), None)
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights: trainable or not."""
        found = {id(v): v for v in self._own}
        for part in self._layers():
            found.update((id(v), v) for v in part.weights)
        return list(found.values())

    @property
    def trainable(self) -> bool:
        """Whether weights are trained; set it for a layer and all in it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for part in self._layers():
            part.trainable = bool(value)

    @property
    def _trains(self) -> bool:
        return self._trainable

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that training changes: none of a layer that is not trainable."""
        if not self._trainable:
            return []
        found = {id(v): v for v in self._own if v.trainable}
        for part in self._layers():
            found.update((id(v), v) for v in part.trainable_weights)
        return list(found.values())

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def variables(self) -> list[Variable]:  # type: ignore[override]
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:  # type: ignore[override]
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:  # type: ignore[override]
        return self.non_trainable_weights

    def get_weights(self) -> list[Any]:
        """The weights' values as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give the weights values, in the order of `weights`.

        Raises:
          ShapeError: there are more or fewer, or one has another shape.
        """
        own = self.weights
        shown = {"layer": self.name, "weights": len(own), "values": len(weights)}
        if len(own) != len(weights):
            raise ShapeError(explain("set_weights", "there is not a value for each weight", shown))
        arrays = [np.asarray(w) for w in weights]
        for v, a in zip(own, arrays, strict=True):
            if tuple(v.shape.as_list()) != a.shape:
                shown = {"weight": v.name, "its shape": v.shape.as_list(), "value": a.shape}
                raise ShapeError(explain("set_weights", "a value has another shape", shown))
        for v, a in zip(own, arrays, strict=True):
            v.assign(a.astype(v.dtype.numpy))

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(int(np.prod(v.shape.as_list(), dtype=np.int64)) for v in self.weights)

    @property
    def losses(self) -> list[Any]:
        """What regularizers make of weights and of the outputs of the last call."""
        found = [penalty(v) for v, penalty in self._penalties if self._trainable]
        found += self._outputs_penalties
        for part in self._layers():
            found += part.losses
        return found

    # --- dtype ---

    @property
    def dtype(self) -> str:
        return str(self._dtype.name)

    @property
    def compute_dtype(self) -> str:
        return str(self._dtype.name)

    @property
    def variable_dtype(self) -> str:
        return str(self._dtype.name)

    # --- calling ---

    def build(self, input_shape: Any) -> None:
        """Make the weights that depend on the inputs' shape."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes."""
        raise NotImplementedError(f"Layer {type(self).__name__} does not have a `call()` method.")

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output, of that of the inputs."""
        return previous_mask

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The output's shape, of that of the inputs."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} should override `compute_output_shape`."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = tuple(self._taken(x) for x in args)
        kwargs = {name: self._taken(x) for name, x in kwargs.items()}
        accepts = call_parameters(type(self))
        first = args[0] if args else next(iter(kwargs.values()), None)
        mask = _mask_of(first)
        if "mask" in accepts and kwargs.get("mask") is None and mask is not None:
            kwargs["mask"] = mask
        training = kwargs.pop("training", None) if "training" in accepts else None
        if training is None:
            training = _context.training
        if "training" in accepts:
            kwargs["training"] = bool(training) if training is not None else False
        if not self.built:
            self.build(_shapes(first))
            self.built = True
        call = self.call if building() is None else as_called(self.call)
        with _training(training):
            out = call(*args, **kwargs)
        self._outputs_penalties = []
        if self.activity_regularizer is not None:
            self._outputs_penalties = [self.activity_regularizer(y) for y in nest.flatten(out)]
        if self.supports_masking and (mask is not None or kwargs.get("mask") is not None):
            given = kwargs.get("mask") if kwargs.get("mask") is not None else mask
            _set_masks(out, self.compute_mask(first, given))
        return out

    def _taken(self, value: Any) -> Any:
        """An argument, its arrays and floating tensors in the layer's dtype."""
        if isinstance(value, np.ndarray | Tensor | Variable):
            return self._cast(value)
        if isinstance(value, list | tuple) and not _is_record(value) and value:
            if all(isinstance(x, int | float | list | tuple) for x in nest.flatten(value)):
                return self._cast(np.asarray(value)) if _rectangular(value) else value
            return type(value)(self._taken(x) for x in value)
        if _is_record(value):
            return type(value)(*(self._taken(x) for x in value))
        return value

    def _cast(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            value = value.astype(self._dtype.numpy)
        x = as_tensor(value)
        if self.autocast and x.dtype.is_floating and x.dtype != self._dtype:
            mask = _mask_of(x)
            x = maths.cast(x, self._dtype)
            set_mask(x, mask)
        return x

    # --- configuration ---

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes an equal layer of, without its weights."""
        return {"name": self.name, "trainable": self._trainable, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer of that configuration, with new weights."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# --- names, arguments ------------------------------------------------------------------------

_counts: dict[str, Iterator[int]] = defaultdict(itertools.count)


def _unique(class_name: str) -> str:
    base = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    base = re.sub(r"([a-z])([A-Z])", r"\1_\2", base).lower()
    number = next(_counts[base])
    return base if number == 0 else f"{base}_{number}"


def function_of(name: str, value: Any) -> Any:
    """A regularizer, constraint: a function of a tensor, or None.

    Raises:
      ValueError: it is something else.
    """
    if value is not None and not callable(value):
        raise ValueError(f"{name} is a function of a tensor, or None. Received: {value!r}")
    return value


_accepted: dict[Any, frozenset[str]] = {}


def call_parameters(kind: Any) -> frozenset[str]:
    """The names of the parameters of a class's `call`."""
    found = _accepted.get(kind)
    if found is None:
        found = _accepted[kind] = frozenset(inspect.signature(kind.call).parameters)
    return found


def _layers_in(value: Any) -> Iterator[Layer]:
    if isinstance(value, Layer):
        yield value
    elif isinstance(value, list | tuple):
        for x in value:
            yield from _layers_in(x)
    elif isinstance(value, dict):
        for x in value.values():
            yield from _layers_in(x)


def _is_record(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _rectangular(value: Any) -> bool:
    try:
        return bool(np.asarray(value).dtype.kind in "fiub")
    except ValueError:
        return False


def _shapes(value: Any) -> Any:
    """The shape of a tensor, None where a size is open; of several, as they are nested."""
    if isinstance(value, list | tuple) and not isinstance(value, Tensor):
        return [_shapes(x) for x in value]
    return tuple(n if isinstance(n, int) else None for n in value.spec.shape)


class _Context(threading.local):
    training: bool | None = None


_context = _Context()


@contextlib.contextmanager
def _training(value: bool | None) -> Iterator[None]:
    before, _context.training = _context.training, value
    try:
        yield
    finally:
        _context.training = before


# --- masks -----------------------------------------------------------------------------------

_masks: dict[int, tuple[Any, Any]] = {}  # id of a tensor -> (what tells of its end, its mask)


def _mask_of(x: Any) -> Any:
    """The mask that the layer which made a tensor gave it; of several tensors that of the first."""
    if isinstance(x, list | tuple) and x:
        return _mask_of(x[0])
    found = _masks.get(id(x))
    return None if found is None else found[1]


def set_mask(x: Any, mask: Any) -> None:
    if mask is not None and isinstance(x, Tensor):
        key = id(x)
        try:
            told: Any = weakref.ref(x, lambda _: _masks.pop(key, None))
        except TypeError:  # a tensor of a trace: it lives as long as its mask is remembered
            told = x
            if len(_masks) > 1000:
                for old in [k for k, (t, _) in _masks.items() if isinstance(t, Tensor)][:500]:
                    del _masks[old]
        _masks[key] = (told, mask)


def _set_masks(out: Any, masks: Any) -> None:
    if isinstance(out, list | tuple):
        each = masks if isinstance(masks, list | tuple) else [masks] + [None] * (len(out) - 1)
        for x, mask in zip(out, each, strict=False):
            set_mask(x, mask)
    else:
        set_mask(out, masks)
