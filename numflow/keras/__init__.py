"""numflow.keras: the front end of that name. Its parts load at first use."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Initializer", "activations", "initializers", "layers", "optimizers"]


def __getattr__(name: str) -> Any:
    if name == "Initializer":
        return importlib.import_module("numflow.initializers").Initializer
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
