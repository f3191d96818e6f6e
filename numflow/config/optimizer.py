"""nf.config.optimizer: TensorFlow's options about graphs, kept and returned.

They change nothing: numflow always compiles what @nf.function traces, with all its passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_options: dict[str, Any] = {}
_jit: list[str] = []


def get_experimental_options() -> dict[str, Any]:
    """What set_experimental_options was given, and TensorFlow's defaults beside it.

    Example:
      >>> nf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
      False
    """
    return {"disable_model_pruning": False, "disable_meta_optimizer": False, **_options}


def set_experimental_options(options: Mapping[str, Any]) -> None:
    """Keep options, such as {"constant_folding": True}; without effect.

    Example:
      >>> nf.config.optimizer.set_experimental_options({"constant_folding": True})
      >>> nf.config.optimizer.get_experimental_options()["constant_folding"]
      True
    """
    _options.update(options)


def get_jit() -> str:
    """What set_jit was given, as text; "" before.

    Example:
      >>> nf.config.optimizer.get_jit()
      ''
    """
    return _jit[0] if _jit else ""


def set_jit(enabled: bool | str) -> None:
    """Keep the wish; without effect: traced functions are always compiled.

    Args:
      enabled: True or "autoclustering"; False or "".

    Example:
      >>> nf.config.optimizer.set_jit("")
    """
    _jit[:] = ["autoclustering" if enabled is True else enabled or ""]
