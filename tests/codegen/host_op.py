"""A running sum that NumPy computes, called in the middle of a program: for tests of host calls."""

from __future__ import annotations

from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor
from numflow.ops.scan import cumsum_op

host_cumsum_op = Op(
    "host_cumsum",
    lambda x, **_: x,
    cumsum_op.reference,
    lambda g: (cumsum_op(g.ct, **{**g.attrs, "reverse": True}),),
    HostCall("a test wants to see one"),
)


def host_cumsum(x: Tensor, axis: int) -> Tensor:
    """As nf.cumsum."""
    y: Tensor = host_cumsum_op(x, axis=axis, exclusive=False, reverse=False)
    return y
