"""numflow.keras.layers: layers by Keras's names. Each loads at first use."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    name: module
    for module, names in {
        "bidirectional": "Bidirectional",
        "conv_lstm": "ConvLSTM1D ConvLSTM2D ConvLSTM3D",
        "layer": "Layer",
        "masking": "Masking",
        "recurrent": "GRU LSTM SimpleRNN",
        "rnn": "RNN",
        "rnn_cells": "GRUCell LSTMCell SimpleRNNCell",
        "stacked_cells": "StackedRNNCells",
        "time_distributed": "TimeDistributed",
    }.items()
    for name in names.split()
}

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRUCell",
    "LSTMCell",
    "Layer",
    "Masking",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
        globals()[name] = found = getattr(module, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
