"""What the kernel of a product or a convolution takes along of the nodes behind it."""

from __future__ import annotations

from collections.abc import Mapping

from numflow.graph.graph import Graph, Node, Value, constant_op
from numflow.graph.lowering import Layout, Library
from numflow.ops import activation
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.passes.group import POOLED, Group, Note, pooling
from numflow.passes.materialise import layout_of

ACTIVATIONS = (activation.relu_op, activation.relu6_op)
"""What kernels of products apply to their results; LibraryStep knows them by name."""


class Epilogues:
    """Finds them; group_of: the group that makes a value, as far as there are groups."""

    def __init__(
        self,
        graph: Graph,
        users: Mapping[Value, list[Node]],
        levels: Mapping[Node, int],
        layouts: dict[Value, tuple[Value, Layout]],
        group_of: Mapping[Value, Group],
        note: Note | None,
    ) -> None:
        self.graph, self.levels, self.layouts, self.note = graph, levels, layouts, note
        self.group_of, self.users = group_of, users

    def taken_by(self, group: Group, node: Node) -> list[Node]:
        """What the kernel of a group of a single node takes along, if nobody else reads what is
        between: + bias, + another image, relu or relu6, a pool. The group's fields tell which.

        Reshapes on the way that keep the last axis are no obstacle: its rows stay what they are.
        """
        taken: list[Node] = []
        passed: list[Node] = []  # reshapes, taken with what is behind them
        last, biased = node.output, False
        while last not in self.graph.outputs:
            users = self.users.get(last, [])
            if len(users) != 1 or self.levels.get(users[0], 0) != group.level:
                break
            (user,) = users
            final = user.op in ACTIVATIONS
            if user.op is shaping.reshape_op and _same_rows(last, user.output):
                passed.append(user)
            elif (
                final
                or (not biased and self._biases(user, last))
                or self._adds_residual(group, user, last)
            ):
                biased = biased or user is not group.residual
                taken += [*passed, user]
                passed = []
            else:
                break
            last = user.output
            if final:
                break
        group.epilogue = tuple(taken)
        group.pool = self._pool(group, node, last)
        if group.pool is None:
            return taken
        group.epilogue = (*taken, *passed)
        return [*group.epilogue, group.pool]

    def _pool(self, group: Group, node: Node, made: Value) -> Node | None:
        """What pools the result, if the kernel should, and nobody else reads it."""
        lower = node.op.lower
        users = self.users.get(made, [])
        assert isinstance(lower, Library)
        if lower.pools is None or made in self.graph.outputs or len(users) != 1:
            return None
        (pool,) = users
        if not (isinstance(pool.op.lower, Library) and pool.op.lower.pool):
            return None
        if self.levels.get(pool, 0) != group.level:
            return None
        if made.spec != node.output.spec and node.output.spec.rank != 2:
            return None  # pixels of another image; a product's rows are those of any
        inputs = [v.spec for v in node.inputs]
        pays, why = lower.pools(inputs, [made.spec], node.attrs, pooling(pool))
        if not pays and self.note is not None:
            self.note(group.nodes, [pool], f"{POOLED} {why}")
        return pool if pays else None

    def _biases(self, add: Node, last: Value) -> bool:
        """Whether add adds a row vector, which is there when the product begins, to `last`."""
        if add.op is not maths.add_op:
            return False
        other = add.inputs[1] if add.inputs[0] is last else add.inputs[0]
        row = [n for n in other.spec.shape if n != 1]
        return (
            other is not last
            and row == [last.spec.shape[-1]]
            and list(other.spec.shape[-1:]) == row
            and add.output.spec.shape == last.spec.shape
            and self._ready(other)
        )

    def _adds_residual(self, group: Group, add: Node, last: Value) -> bool:
        """Whether add adds an image like `last`, which is there when the product begins.

        Only of images of several pixels: a product with one row has kernels of its own.
        """
        lower, shape = group.nodes[0].op.lower, last.spec.shape
        if not (isinstance(lower, Library) and lower.residual and add.op is maths.add_op):
            return False
        other = add.inputs[1] if add.inputs[0] is last else add.inputs[0]
        if (
            group.residual is not None
            or last.spec.rank < 3
            or last.spec.size == shape[-1]
            or other is last
            or other.spec != last.spec
            or not self._ready(other)
            or not layout_of(other, self.layouts)[1].contiguous
        ):
            return False
        group.residual = add
        return True

    def _ready(self, value: Value) -> bool:
        """Whether value is, or is a dense view of, an argument, a constant, a variable, or what a
        group before this one makes."""
        root, layout = layout_of(value, self.layouts)
        there = root.node is None or root.node.op is constant_op or root.node.op.effect == "read"
        return (there or root in self.group_of) and layout.strides[-1] == 1


def _same_rows(x: Value, y: Value) -> bool:
    """Whether a reshape keeps the last axis."""
    return x.spec.shape[-1:] == y.spec.shape[-1:] != ()
