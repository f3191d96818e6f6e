"""What a trace computes from no argument, computed now: first values of variables made in it."""

from __future__ import annotations

from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import GraphBuilder, Node, Value
from numflow.graph.op import init_scope
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor
from numflow.ops.state import read_op


def lifted(tensor: SymbolicTensor) -> Tensor | None:
    """The value of a tensor of a trace; None where it depends on the function's arguments.

    `if self.v is None: self.v = nf.Variable(nf.random.normal([3]))` in a traced function makes such
    a tensor. Its ops run once more, eagerly: captured tensors and variables have their values.
    """
    needed: dict[Node, None] = {}
    found: dict[Value, Tensor] = {}
    waiting = [tensor.value]
    while waiting:
        value = waiting.pop()
        node = value.node
        if node is None:
            captured = tensor.builder.captures.get(value)
            if captured is None:
                captured = _outside(value, tensor.builder)
            if captured is None:
                return None
            found[value] = captured
        elif node not in needed:
            writes = node.op.effect == "write" or node.subgraphs
            if writes or not all(v.spec.known for v in node.outputs):
                return None
            needed[node] = None
            waiting += node.inputs
    with init_scope():
        for node in tensor.builder.nodes:
            if node not in needed:
                continue
            if node.op is read_op:
                outputs: tuple[Tensor, ...] = (as_tensor(node.attrs["variable"]),)
            else:
                made = node.op(*[found[v] for v in node.inputs], **node.attrs)
                outputs = made if isinstance(made, tuple) else (made,)
            found.update(zip(node.outputs, outputs, strict=True))
    return found[tensor.value]


def _outside(value: Value, builder: GraphBuilder) -> Tensor | None:
    """The value of an input of a branch or of a loop's body, as the loop begins."""
    found = builder.outside.get(value)
    if found is None or builder.around is None:
        return None
    if isinstance(found, Value):
        return lifted(SymbolicTensor(found, builder.around))
    with init_scope():
        return as_tensor(found)
