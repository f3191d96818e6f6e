"""Program -> results: plans for concrete shapes, and the machinery that runs them.

    Executable(program)   something to call with arrays (executable.py); its `fast` gives a builtin
                          for raw arguments, of Number and Constant; it may answer MISS

From below: `pool.py` (threads), `arena.py` (memory), `executor.py` (the loop over instructions),
`native.py`, `entry.py` (one call from Python that checks its arguments and runs a program). All but
the arena load at the first use of `Executable`, so that `import numflow` need not wait for them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.runtime.entry import prepare, register_tensor_class
    from numflow.runtime.executable import Executable
    from numflow.runtime.fast_call import MISS, Constant, Number

__all__ = ["MISS", "Constant", "Executable", "Number", "prepare", "register_tensor_class"]

_MODULES = {
    "MISS": "fast_call",
    "Constant": "fast_call",
    "Executable": "executable",
    "Number": "fast_call",
    "prepare": "entry",
    "register_tensor_class": "entry",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module = importlib.import_module(f"numflow.runtime.{_MODULES[name]}")
        found = globals()[name] = getattr(module, name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
