"""The buffers of a TensorArray: what a trace knows of those that loops and branches hold.

tensor_array.py says what they are.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from numflow.graph.graph import Value
from numflow.graph.lowering import Refused
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import joining
from numflow.ops import shape as shaping
from numflow.shapes import Dim, Extent, Shape

NOT_WRITTEN = "an element was never written, and has no shape"

UNSET = Dim.symbol("unset elements")

# The buffer of an array to which nothing was written: gone before code is made.
unset_op = Op(
    "unset_array",
    lambda *, length, dtype: Spec((length, UNSET), dtype),
    lambda *, length, dtype: np.zeros((length, 0), dtype.numpy),
    lambda g: (),
    Refused("TensorArray", NOT_WRITTEN, "element_shape"),
)


def is_unset(shape: Shape) -> bool:
    """Whether a buffer's elements are of no known shape yet."""
    return len(shape) == 2 and shape[1] == UNSET


def reserved(builder: Any) -> weakref.WeakSet[Value]:
    """The buffers of a graph that are as long as they will ever be."""
    found: weakref.WeakSet[Value] = builder.made.setdefault("reserved", weakref.WeakSet())
    return found


def grown(builder: Any) -> weakref.WeakSet[Value]:
    """The buffers of a graph that writes made longer."""
    found: weakref.WeakSet[Value] = builder.made.setdefault("grown", weakref.WeakSet())
    return found


def resized(buffer: Tensor, length: Extent) -> Tensor:
    """A buffer with rows of zeros behind it, so that there are `length` in all."""
    (have, *inner) = buffer.spec.shape
    if have == length:
        return buffer
    more = length - have
    return joining.concat([buffer, shaping.zeros((more, *inner), buffer.dtype)], 0)
