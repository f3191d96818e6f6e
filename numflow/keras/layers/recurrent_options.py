"""The options that recurrent layers and cells share: written down once, and typed (PEP 692).

A constructor names what is its own, and takes these as **options.
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = ["CellOptions", "LayerOptions", "parted"]


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
