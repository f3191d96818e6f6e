"""The op behind every assertion: a condition that must hold, and what its failure says.

    assert(condition, *data; claim)        effect "check"

Eagerly an assertion needs no op: it looks at the arrays. In a trace the condition becomes a check
inside the loop that computes it, so an assertion that holds costs a comparison per element; the
data of its message are computed only where it fails (passes/messages.py, runtime/refusal.py). It is
never dropped, keeps its place among prints, and runs before any variable of the step is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow.errors import DTypeError, InvalidArgumentError, explain, user_line
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import constant_op
from numflow.graph.lowering import Checked
from numflow.graph.op import Array, Op
from numflow.graph.operation import Operation, building, run_for_effect
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.array_text import first_elements
from numflow.ops.convert import known_content


class Claim(NamedTuple):
    """What an assertion says where it fails.

    op: its public name. parts: texts, and numbers of data, in TensorFlow's order.
    names: of the data, for the line about the first element that fails.
    """

    op: str
    parts: tuple[str | int, ...]
    names: tuple[str, ...] = ()
    summarize: int = 3

    def text(self, holds: Array, data: Sequence[Array]) -> str:
        """The message, from the condition's elements and the data."""
        parts = [p for p in self.parts if isinstance(p, str) or p < len(data)]
        said = [p if isinstance(p, str) else first_elements(data[p], self.summarize) for p in parts]
        lines = ["assertion failed: " + " ".join(f"[{s}]" for s in said)]
        lines += self._first(holds, data)
        line = user_line()
        if line is not None:
            lines.append(f"  at {line}")
        return "\n".join(lines)

    def _first(self, holds: Array, data: Sequence[Array]) -> list[str]:
        """The line about the first element that fails; none for a condition of one element."""
        if not holds.ndim:
            return []
        place = tuple(int(i) for i in np.argwhere(~holds)[0])
        beside = zip(self.names, _broadcast(data, holds.shape), strict=False)
        values = [f"{name} is {first_elements(a[place], 1)}" for name, a in beside]
        where = f", where {' and '.join(values)}" if values else ""
        return [f"  first: element {list(place)}{where}"]


def _broadcast(data: Sequence[Array], shape: tuple[int, ...]) -> list[Array]:
    try:
        return [np.broadcast_to(a, shape) for a in data]
    except ValueError:
        return []


def _assert_infer(condition: Spec, *data: Spec, claim: Claim) -> Spec:
    if not condition.dtype.is_bool:
        problem = f"the condition is {condition.dtype.name}, not bool"
        raise DTypeError(explain(claim.op, problem, {"condition": condition}))
    return condition


def _assert_reference(condition: Any, *data: Any, claim: Claim) -> Any:
    if not np.all(condition):
        raise InvalidArgumentError(claim.text(np.asarray(condition), list(map(np.asarray, data))))
    return condition


assert_op = Op(
    "assert",
    _assert_infer,
    _assert_reference,
    None,
    Checked(lambda b, ok, *, claim: ok, lambda value, attrs: "assertion failed"),
    effect="check",
)


def claim_holds(condition: Tensor, data: Sequence[Tensor], claim: Claim) -> Operation | None:
    """Let the program refuse where an element of condition is False.

    Returns:
      in a trace the Operation; None eagerly.

    Raises:
      InvalidArgumentError: it does not hold; when the program runs, if traced.
    """
    known = now(condition)
    if known is not None and np.all(known):
        return no_operation(claim.op) if isinstance(condition, SymbolicTensor) else None
    return run_for_effect(assert_op, (condition, *data), {"claim": claim}, claim.op)


def no_operation(name: str) -> Operation | None:
    """What stands for nothing to do: an Operation in a trace, None eagerly."""
    return None if building() is None else Operation(name)


def now(x: Tensor) -> Array | None:
    """The elements of x, if they are known now: eagerly always, in a trace of constants."""
    if not isinstance(x, SymbolicTensor):
        if not isinstance(x, Tensor):  # one that is made of several
            raise DTypeError(explain("assert", f"takes tensors, not {type(x).__name__}"))
        return np.asarray(x)
    node = x.value.node
    if node is not None and node.op is constant_op:
        return np.asarray(node.attrs["value"])
    content = known_content(x)
    if content is None or not all(isinstance(v, int) for v in content.reshape(-1)):
        return None
    return content.astype(x.dtype.numpy)
