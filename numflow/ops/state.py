"""Reading and writing variables, as ops of a graph.

A variable is any object with `spec`, `_array` (its buffer) and `_write(array)`; eager/variable.py
has the class. Eager reads and writes do not come here: they need no node. A read after a write in
the same graph is no read at all, but the written value (`trace/tracer.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import ShapeError, explain
from numflow.graph.op import Op
from numflow.graph.spec import Spec

# --- read --------------------------------------------------------------------


def _read_infer(*, variable: Any) -> Spec:
    return variable.spec


def _read_reference(*, variable: Any) -> Any:
    return np.array(variable._array)


read_op = Op("read", _read_infer, _read_reference, effect="read")

# --- assign ------------------------------------------------------------------


def check_assigned(variable: Any, value: Spec) -> None:
    """Refuse a value that is not of the variable's shape and dtype.

    Raises:
      ShapeError: the shapes or dtypes differ.
    """
    if value != variable.spec:
        what = "shape" if value.dtype is variable.spec.dtype else "dtype"
        raise ShapeError(
            explain(
                "assign",
                f"the value's {what} is not that of variable {variable.name}",
                {"variable": variable.spec, "value": value},
            )
        )


def _assign_infer(value: Spec, *, variable: Any) -> tuple[Spec, ...]:
    check_assigned(variable, value)
    return ()


def _assign_reference(value: Any, *, variable: Any) -> tuple[Any, ...]:
    variable._write(value)
    return ()


assign_op = Op("assign", _assign_infer, _assign_reference, effect="write")
