"""The options that recurrent layers and cells share: written down once, and typed (PEP 692).

A constructor names what is its own, and takes these as **options. Keras's order of them is told
by `in_order`, for calls that give more of them without their names.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

Init = TypeVar("Init", bound=Callable[..., None])

__all__ = ["CellOptions", "LayerOptions", "in_order", "parted"]


class BaseOptions(TypedDict, total=False):
    """Of every layer: what `Layer` takes."""

    name: str | None
    dtype: Any
    trainable: bool
    autocast: bool
    activity_regularizer: Any


class WeightOptions(TypedDict, total=False):
    """Of a cell's weights, and of what is dropped in training."""

    kernel_initializer: Any  # default "glorot_uniform"
    recurrent_initializer: Any  # "orthogonal"
    bias_initializer: Any  # "zeros"
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    dropout: float  # share of the inputs that a training step drops; 0.0
    recurrent_dropout: float  # share of the state; 0.0
    seed: int | None
    implementation: int  # TensorFlow's; it changes nothing


class SequenceOptions(TypedDict, total=False):
    """Of a layer that runs a cell over sequences: what `RNN` takes. All False by default."""

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool


class CellOptions(BaseOptions, WeightOptions, total=False):
    """Of a cell."""


class LayerOptions(CellOptions, SequenceOptions, total=False):
    """Of a layer that makes its cell itself."""


INITIALIZERS = "kernel_initializer recurrent_initializer bias_initializer"
REGULARIZERS = "kernel_regularizer recurrent_regularizer bias_regularizer"
CONSTRAINTS_AND_DROPOUT = (
    "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout"
)
SEQUENCES = "return_sequences return_state go_backwards stateful unroll"

DEFAULTS = {
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    **dict.fromkeys(SEQUENCES.split(), False),
}
"""Of options, as signatures show them; of the others: None."""


def in_order(*names: str) -> Callable[[Init], Init]:
    """Of a constructor: what is given without a name behind its own arguments has these names.

    It is written with `*more`, which is always empty when it runs; `inspect.signature` shows the
    names, as it does of Keras's.

    Args:
      names: in Keras's order; each is one or more, with blanks between them.

    Raises:
      TypeError: an argument is given twice; or there are too many.
    """
    order = " ".join(names).split()

    def taking(init: Init) -> Init:
        own: int = init.__code__.co_argcount

        @functools.wraps(init)
        def begin(*args: Any, **options: Any) -> None:
            more = args[own:]
            if more:
                what = f"{type(args[0]).__name__}.__init__()"
                if len(more) > len(order):
                    most = f"takes at most {own - 1 + len(order)} positional arguments"
                    raise TypeError(f"{what} {most}, got {len(args) - 1}")
                for name, value in zip(order, more, strict=False):
                    if name in options:
                        raise TypeError(f"{what} got multiple values for argument {name!r}")
                    options[name] = value
            init(*args[:own], **options)

        vars(begin)["__signature__"] = _shown(inspect.signature(init), order)
        return begin  # type: ignore[return-value]

    return taking


def _shown(written: inspect.Signature, order: list[str]) -> inspect.Signature:
    """The signature with the names of that order in place of `*more`."""
    own = dict(written.parameters)
    defaults = {name: own.pop(name).default for name in order if name in own}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    named = [
        inspect.Parameter(name, kind, default=defaults.get(name, DEFAULTS.get(name)))
        for name in order
    ]
    begin = [p for p in own.values() if p.kind is kind]
    rest = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
    return written.replace(parameters=[*begin, *named, rest])


OF_BOTH = ("dtype", "trainable")


def parted(options: LayerOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the options of a layer's cell, those of the layer): unknown ones are for it to refuse."""
    weights = WeightOptions.__annotations__
    of_cell: dict[str, Any] = {}
    of_layer: dict[str, Any] = {}
    for name, value in options.items():
        if name in weights or name in OF_BOTH:
            of_cell[name] = value
        if name not in weights:
            of_layer[name] = value
    return of_cell, of_layer
