"""StackedRNNCells: cells on top of each other as one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.keras.layers.layer import Layer, call_parameters
from numflow.ops import shape as shaping

__all__ = ["StackedRNNCells"]


class StackedRNNCells(Layer):
    """Each cell's output is the next one's input; the states are a list, one for each cell.

    Example:
      >>> cells = [nf.keras.layers.LSTMCell(4), nf.keras.layers.LSTMCell(2)]
      >>> nf.keras.layers.RNN(nf.keras.layers.StackedRNNCells(cells))(nf.ones([3, 5, 7])).shape
      TensorShape([3, 2])
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            for wanted in ("call", "state_size"):
                if not hasattr(cell, wanted):
                    raise ValueError(
                        f"All cells must have a `{wanted}`. Received cell without one: {cell}"
                    )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        last = self.cells[-1]
        if getattr(last, "output_size", None) is not None:
            return last.output_size
        return last.state_size[0] if isinstance(last.state_size, list | tuple) else last.state_size

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The initial states of each cell."""
        found = []
        for cell in self.cells:
            given = getattr(cell, "get_initial_state", None)
            if given is not None:
                found.append(given(batch_size=batch_size))
            elif isinstance(cell.state_size, int):
                found.append(shaping.zeros((batch_size, cell.state_size), self.compute_dtype))
            else:
                found.append(
                    [shaping.zeros((batch_size, n), self.compute_dtype) for n in cell.state_size]
                )
        return found

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape)
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(shape)
                cell.built = True
            size = getattr(cell, "output_size", None)
            if size is None:
                size = cell.state_size
                size = size[0] if isinstance(size, list | tuple) else size
            shape = (shape[0], size)
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """(output of the last cell, new states of all)."""
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            several = isinstance(state, list | tuple)
            options = {}
            if isinstance(cell, Layer) and "training" in call_parameters(type(cell)):
                options["training"] = training
            run = cell if callable(cell) else cell.call
            inputs, new = run(inputs, list(state) if several else [state], **options)
            if isinstance(new, list | tuple) and not several:
                new = new[0]
            after.append(new)
        return inputs, after

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": self.cells}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """Cells of the same configurations, with new weights."""
        made = dict(config)
        made["cells"] = [
            type(c).from_config(c.get_config()) if isinstance(c, Layer) else c
            for c in made["cells"]
        ]
        return cls(**made)
