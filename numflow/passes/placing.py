"""Whether a node can be part of a group's loop: how its axes lie on the group's domain, and which
columns rows fold over.

README.md in this folder explains domains, axis maps and closed values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Elementwise, Reduction, View
from numflow.passes.group import CLOSED, COLUMNS, DOMAIN, FORM, LARGE, MIDDLE, Fits, Group
from numflow.shapes import product

MOST_NODES = 128  # in a loop: LLVM's time grows faster than a body, 3,000 sines took minutes
MOST_DEEP = 12  # elementwise nodes in a fold over a middle axis
LONG_ROW = 1 << 14  # a single row of more elements than this is folded in blocks, by all cores


class Placing:
    """Puts nodes of a graph into groups.

    users: the nodes that take each value. fits: whether a group can be printed. why: the latest
    refusal.
    """

    def __init__(self, graph: Graph, users: Mapping[Value, Sequence[Node]], fits: Fits) -> None:
        self.graph, self.users, self.fits = graph, users, fits
        self.why = ""

    def _no(self, why: str) -> bool:
        """False, and the reason."""
        self.why = why
        return False

    def place(self, group: Group, node: Node) -> bool:
        """Add node to the group if its maps and folds agree; the group is unchanged if not."""
        if group.deep:
            return self._no(MIDDLE)
        if len(group.nodes) >= MOST_NODES:
            return self._no(LARGE)
        saved = (group.domain, dict(group.maps), group.cols, group.folded)
        placed = (
            self._fold(group, node)
            if isinstance(node.op.lower, Reduction)
            else self._element(group, node)
        )
        if placed:
            group.nodes.append(node)
            if self.fits(group):
                return True
            group.nodes.pop()
            self.why = FORM
        group.domain, group.maps, group.cols, group.folded = saved
        group.deep = False
        group.closed -= set(node.outputs)
        return False

    def _inputs_open(self, group: Group, node: Node) -> bool:
        return not any(v in group.closed for v in node.inputs) or self._no(CLOSED)

    def _element(self, group: Group, node: Node) -> bool:
        """Map an elementwise node, or a soft view, onto the domain."""
        if not self._inputs_open(group, node) or group.domain is None:
            return False
        out = node.output.spec.shape
        axes: list[int | None] = [None] * len(out)
        if isinstance(node.op.lower, View) and node.op.name == "reshape":
            source = node.inputs[0]
            if source in group.maps:
                kept = iter(
                    [
                        a
                        for a, n in zip(group.maps[source], source.spec.shape, strict=True)
                        if n != 1
                    ]
                )
                axes = [next(kept) if n != 1 else -1 for n in out]
        else:
            for v in node.inputs:
                if v not in group.maps:
                    continue
                for k, a in enumerate(group.maps[v]):
                    at = k + len(out) - len(group.maps[v])
                    if a < 0:
                        continue
                    if axes[at] is not None and axes[at] != a:
                        return self._no(DOMAIN)
                    axes[at] = a
        return self._settle(group, node.output, axes)

    def _settle(self, group: Group, value: Value, axes: list[int | None]) -> bool:
        """Give the axes that no member decides a place: the same position, or a new trailing
        axis."""
        shape, domain = value.spec.shape, group.domain
        assert domain is not None
        for k, n in enumerate(shape):
            if axes[k] is not None:
                continue
            if n == 1:
                axes[k] = -1
            elif len(shape) == len(domain) and domain[k] == n and k not in axes:
                axes[k] = k
            elif (
                k == len(shape) - 1
                and not group.folded
                and group.nodes
                and axes[:k] == list(range(len(domain)))
            ):
                group.domain = domain = (
                    *domain,
                    n,
                )  # one more axis: what was per element is now per row
                axes[k] = len(domain) - 1
            else:
                return self._no(DOMAIN)
        final = [a for a in axes if a is not None and a >= 0]
        if final != sorted(final) or len(set(final)) != len(final):
            return self._no(DOMAIN)
        if any(
            a is not None and a >= 0 and domain[a] != n for a, n in zip(axes, shape, strict=True)
        ):
            return self._no(DOMAIN)
        group.maps[value] = tuple(a if a is not None else -1 for a in axes)
        return True

    def _fold(self, group: Group, node: Node) -> bool:
        """Map a fold: over the columns it stays open, across rows it closes."""
        if not self._inputs_open(group, node) or group.domain is None:
            return False
        (x,), out = node.inputs, node.output
        if x not in group.maps:
            if group.nodes:
                return self._no(DOMAIN)
            group.maps[x] = tuple(k if n != 1 else -1 for k, n in enumerate(x.spec.shape))
        axes, over = group.maps[x], node.attrs["axis"]
        mapped = list(enumerate(axes))
        reduced = {a for k, a in mapped if k in over and a >= 0}
        kept = {a for k, a in mapped if k not in over and a >= 0}
        rank = len(group.domain)
        big = [a for a in range(rank) if group.domain[a] != 1]
        rows_of = set(big) - reduced
        result = [a for k, a in mapped if k not in over]
        if node.attrs["keepdims"]:
            result = [(-1 if k in over else a) for k, a in mapped]
        cols = group.cols
        if not reduced:
            return self._no(DOMAIN)
        lowest = min(reduced)
        trailing = all(a in reduced for a in big if a >= lowest)
        if reduced == set(big) and not self._one_row(group, lowest):
            pass  # all elements: closed, whatever the columns are
        elif trailing and kept == rows_of:
            if cols is not None and cols != rank - lowest:
                return self._no(COLUMNS)
            group.cols, group.folded = rank - lowest, True
            group.maps[out] = tuple(result)
            return True
        elif kept and all(a > max(reduced) for a in kept) and reduced | kept == set(big):
            if cols is not None and cols != rank - min(kept):
                return self._alone(group, node)
            group.cols = rank - min(kept)
        elif cols is not None and not kept and all(a < rank - cols for a in reduced):
            pass  # of a row value, once per row
        else:
            return self._alone(group, node)
        group.folded = True
        group.maps[out] = tuple(result)
        group.closed.add(out)
        return True

    def _one_row(self, group: Group, lowest: int) -> bool:
        """Whether a fold over everything is a fold of one row that is short enough to stay open."""
        assert group.domain is not None
        size = product(group.domain)
        return lowest > 0 and isinstance(size, int) and size <= LONG_ROW

    def _alone(self, group: Group, node: Node) -> bool:
        """A fold over a middle axis: a deep loop of its own, with what makes its elements."""
        if group.nodes and not self._goes_along(group, node):
            return self._no(MIDDLE)
        group.deep, group.folded = True, True
        group.closed.add(node.output)
        group.maps[node.output] = ()
        return True

    def _goes_along(self, group: Group, fold: Node) -> bool:
        """Whether all of a group is elementwise, and made only for a fold over a middle axis."""
        shape, over = fold.inputs[0].spec.shape, fold.attrs["axis"]
        if group.folded or group.domain != shape or len(group.nodes) > MOST_DEEP:
            return False
        # A turn of the loop is a vector of columns, and its threads share the rows.
        rows, columns = product(shape[: over[0]]), product(shape[over[-1] + 1 :])
        if any(isinstance(n, int) and n < least for n, least in ((rows, 8), (columns, 16))):
            return False
        for node in group.nodes:
            lower, out = node.op.lower, node.output
            if not isinstance(lower, Elementwise) or lower.indexed or out in self.graph.outputs:
                return False
            if any(v.spec.dtype.size == 2 for v in (*node.inputs, out)):  # rounded after every op
                return False
            if not all(n is fold or n in group.nodes for n in self.users.get(out, [])):
                return False
        return True
