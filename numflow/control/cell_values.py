"""The values of a graph as steps of cells are compared by: equal ones are one (cell_steps.py).

Python computes again in each step what is the same in all of them (parts of weights, sums of
biases), so nodes are compared as passes/cse.py does, without making a graph of it.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from numflow.graph.graph import Node, Value
from numflow.ops import joining, slicing
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.indexing import gather_op
from numflow.passes.cse import Keys

Slice = tuple[Value, int, int]  # an array, an axis, and which row


class Values:
    """The values of nodes, where equal ones are one: the first of them stands for all.

    taken_by: the nodes that take each, of those that count. all: by the one that stands for them,
    all of them. forms: a number for each node, the same for nodes that are the same function.
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Sequence[Value], counts: Collection[Node]
    ) -> None:
        self.first: dict[Value, Value] = {}
        self.taken_by: dict[Value, list[Node | None]] = {}
        self.forms: dict[Node, int] = {}
        self.all: dict[Value, list[Value]] = {}
        self.awaited = {before for n in nodes for before in n.control_inputs}
        self.states: set[Value] = set()  # that are rows of what will be made
        self.arrays: set[Value] = set()  # that will be
        self._slices: dict[Value, Slice | None] = {}
        keys = Keys()
        seen: dict[Hashable, Node] = {}
        numbers: dict[Hashable, int] = {}
        for node in nodes:
            inputs = tuple([self.of(v) for v in node.inputs])
            if self._changes_nothing(node):
                self._same(node, (inputs[0],))
                continue
            key = keys.of(node, inputs)
            found = node if key is None else seen.setdefault(key, node)
            if found is not node:
                self._same(node, tuple(map(self.of, found.outputs)))
                continue
            if key is not None and inputs and not node.op.effect:
                form = key[0], key[2], key[3]
                self.forms[node] = numbers.setdefault(form, len(numbers))
            for v in dict.fromkeys(inputs) if node in counts else ():
                self.taken_by.setdefault(v, []).append(node)
        for v in outputs:
            self.taken_by.setdefault(self.of(v), []).append(None)

    def of(self, v: Value) -> Value:
        """The first value that is equal to v."""
        return self.first.get(v, v)

    def inputs(self, node: Node) -> list[Value]:
        return [self.first.get(v, v) for v in node.inputs]

    def alike(self, v: Value) -> list[Value]:
        """All values that are equal to v, which is the first."""
        return [v, *self.all.get(v, ())]

    def _same(self, node: Node, values: tuple[Value, ...]) -> None:
        for v, w in zip(node.outputs, values, strict=True):
            self.first[v] = w
            self.all.setdefault(w, []).append(v)

    @staticmethod
    def _changes_nothing(node: Node) -> bool:
        """See cell_terms.plain."""
        return not node.control_inputs and (
            node.op is shaping.identity_op
            or (
                node.op in (shaping.reshape_op, maths.cast_op)
                and node.output.spec == node.inputs[0].spec
            )
        )

    # rows -----------------------------------------------------------------------------------------
    def states_are_rows(self, states: Sequence[Value], array: Value, axis: int) -> None:
        """Let these be the rows of an array that there will be."""
        self._slices |= {v: (array, axis, k) for k, v in enumerate(states)}
        self.states |= set(states)
        self.arrays.add(array)

    def slice(self, v: Value) -> Slice | None:
        """What a value is a row of."""
        if v not in self._slices:
            self._slices[v] = self._slice(v)
        return self._slices[v]

    def _slice(self, v: Value) -> Slice | None:
        node = v.node
        if node is None or v.spec.rank != 2 or not v.spec.dtype.is_floating:
            return None
        if node.op is gather_op:
            return self._gathered(node)
        if node.op is joining.rows_op:
            source, axis = self.of(node.inputs[0]), node.attrs["axis"]
            return (source, axis, v.index) if source.spec.rank == 3 and axis < 2 else None
        if node.op is not shaping.reshape_op:
            return None
        part = self.of(node.inputs[0])
        if part.node is None or part.node.op is not slicing.slice_op or part.spec.rank != 3:
            return None
        source = self.of(part.node.inputs[0])
        begin, stride = part.node.attrs["begin"], part.node.attrs["stride"]
        whole, shape = source.spec.shape, part.spec.shape
        for axis in (0, 1):
            rest = [k for k in range(3) if k != axis]
            at = begin[axis]
            if (
                shape[axis] == 1
                and whole[axis] != 1
                and tuple(stride) == (1, 1, 1)
                and all(begin[k] == 0 and shape[k] == whole[k] for k in rest)
                and v.spec.shape == tuple(whole[k] for k in rest)
                and isinstance(at, int)
            ):
                return source, axis, at
        return None

    def _gathered(self, node: Node) -> Slice | None:
        source, at = map(self.of, node.inputs)
        axis, content = node.attrs["axis"], at.content
        if node.attrs["batch_dims"] or source.spec.rank != 3 or axis > 1 or at.spec.rank:
            return None
        number = None if content is None else content.reshape(-1)[0]
        length = source.spec.shape[axis]
        if not isinstance(number, int) or not isinstance(length, int):
            return None
        return (source, axis, number) if 0 <= number < length else None
