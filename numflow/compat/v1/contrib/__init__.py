"""tf.contrib of TensorFlow 1: recurrent cells, sequence to sequence, conditional random fields.

Each part loads when it is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["crf", "legacy_seq2seq", "rnn", "seq2seq"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
