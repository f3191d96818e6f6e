"""Reverse mode: cotangents walk the records of what ran, last to first.

A record is one application of an op; eager tapes hold them, and a tape inside a trace reads them
off the builder's nodes. Rules are written with ops, so the result differentiates again. This file
knows no op by name.

Source: Griewank & Walther 2008, "Evaluating Derivatives", section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from numflow.errors import GraphError, SourceLine, at_line, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.tensor import Tensor

Gradient = Tensor | IndexedSlices


class Record:
    """One op that ran: its tensors are compared by identity."""

    __slots__ = ("attrs", "inputs", "line", "op", "outputs")

    def __init__(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        attrs: Attrs,
        line: SourceLine | None = None,
    ) -> None:
        self.op, self.inputs, self.outputs = op, inputs, outputs
        self.attrs, self.line = attrs, line


def differentiable(tensor: Tensor) -> bool:
    """Whether gradients flow through values of this dtype."""
    return tensor.dtype.is_floating or tensor.dtype.is_complex


def active(records: Iterable[Record], watched: Iterable[Tensor]) -> set[int]:
    """Ids of the tensors that depend on a watched one."""
    found = {id(t) for t in watched}
    for r in records:
        if any(id(x) in found for x in r.inputs):
            found.update(id(y) for y in r.outputs if differentiable(y))
    return found


def backward(
    records: Sequence[Record],
    targets: Sequence[Tensor],
    target_cts: Sequence[Tensor],
    sources: Sequence[Tensor],
    add: Callable[[Gradient, Gradient], Gradient],
    sparse: Collection[int] = (),
    stops: Collection[int] = (),
) -> list[Gradient | None]:
    """The gradient of sum(target * target_ct) for each source; None where none is connected.

    records: in the order in which they ran. add: sums two cotangents. sparse: ids of sources whose
    gradient may be IndexedSlices. stops: ids of tensors that count as constants, though they may be
    sources themselves.

    Raises:
      GraphError: an op on the way has no gradient.
    """
    path = active(records, sources)
    cts: dict[int, Gradient] = {}
    for y, ct in zip(targets, target_cts, strict=True):
        if id(y) in path:
            cts[id(y)] = add(cts[id(y)], ct) if id(y) in cts else ct
    wanted = {id(s) for s in sources}
    results: dict[int, Gradient] = {}
    for r in reversed(records):
        if not any(id(y) in cts for y in r.outputs):
            continue
        out_cts: list[Tensor | None] = []
        for y in r.outputs:
            ct_y = None if id(y) in stops else cts.pop(id(y), None)
            if ct_y is not None and id(y) in wanted:
                results[id(y)] = ct_y
            out_cts.append(ct_y._as_tensor() if isinstance(ct_y, IndexedSlices) else ct_y)
        needed = tuple(id(x) in path and differentiable(x) for x in r.inputs)
        if not any(needed) or all(ct is None for ct in out_cts):
            continue
        if r.op.vjp is None:
            raise GraphError(
                explain(r.op.name, "has no gradient", {"output": r.outputs[0].spec}, line=r.line)
            )
        rows = tuple(id(x) in sparse for x in r.inputs) if sparse else ()
        rule = Backward(tuple(out_cts), r.inputs, r.outputs, r.attrs, needed, rows)
        if r.line is None:
            got = r.op.vjp(rule)
        else:
            with at_line(r.line):  # a gradient that refuses a value names the line it belongs to
                got = r.op.vjp(rule)
        for x, ct_x, wants in zip(r.inputs, got, needed, strict=True):
            if wants and ct_x is not None:
                have = cts.get(id(x))
                cts[id(x)] = ct_x if have is None else add(have, ct_x)
    return [results.get(id(s), cts.get(id(s))) for s in sources]
