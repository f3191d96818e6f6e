"""Control flow that a trace keeps: branches, loops, and what is made of them (README.md)."""

from __future__ import annotations

from typing import Any

from numflow.control import gradients as gradients  # the rules of the two ops
from numflow.ops import unrolled


def _loop(*what: Any) -> Any:
    from numflow.control.recurrence import walked  # second derivatives of many steps are rare

    return walked(*what)


unrolled.set_loop(_loop)
