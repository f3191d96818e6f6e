"""Parts the nodes of a graph into groups: clusters that become one loop nest, and single nodes that
do not.

README.md in this folder explains domains, axis maps and closed values. The rule is greedy in
program order: a node joins the groups that produce its inputs, and these join each other, where the
domain, the folds and the order allow. Whatever a cluster holds can be printed: `fits` is asked
before a node joins.
"""

from __future__ import annotations

from numflow.graph.graph import Graph, Node, Value, bind_op, constant_op, sizes_op
from numflow.graph.lowering import Layout, Library, Reduction, View
from numflow.passes.epilogue import Epilogues
from numflow.passes.group import (
    BETWEEN,
    CLOSED,
    COLUMNS,
    DOMAIN,
    FORM,
    LARGE,
    LEVEL,
    MIDDLE,
    VIEW,
    Axes,
    Fits,
    Group,
    Note,
    agree,
    fusable,
)
from numflow.passes.levels import level_of, levels
from numflow.passes.materialise import soft
from numflow.passes.order import earlier_effects, effect_of
from numflow.passes.placing import MOST_NODES, Placing


class _Fuser:
    def __init__(self, graph: Graph, fits: Fits, note: Note | None) -> None:
        self.graph, self.fits, self.note = graph, fits, note
        self.why = ""  # the latest refusal
        self.users = graph.users()
        self.layouts: dict[Value, tuple[Value, Layout]] = {}
        self.groups: list[Group] = []
        self.awaited = 0  # bits of the groups that others may wait for
        self.group_of: dict[Value, Group] = {}
        self.taken: set[Node] = set()
        self.placing = Placing(graph, self.users, fits)
        self.levels = levels(graph)
        self.earlier = earlier_effects(graph)  # what a node waits for that it takes nothing from
        self.hosts: dict[Node, Group] = {}
        self.epilogues = Epilogues(
            graph, self.users, self.levels, self.layouts, self.group_of, note
        )

    def run(self) -> list[Group]:
        for node in self.graph.nodes:
            if node in self.taken or node.op in (constant_op, sizes_op) or node.op.effect == "read":
                continue
            if isinstance(node.op.lower, View) and node.op is not bind_op:
                if soft(node):
                    self._join(node)
                continue  # else a layout of its input's buffer
            if not fusable(node):
                self._single(node)
            elif not self._join(node):
                self._start(node)
        self._beside()
        return [g for g in self.groups if g.nodes]

    # groups and the order between them ------------------------------------------------------------
    def _new(self, group: Group) -> Group:
        group.bit = 1 << len(self.groups)
        group.level = level_of(group.nodes, self.levels)
        self.groups.append(group)
        for n in group.nodes:
            self._enter(n, group)
        return group

    def _enter(self, node: Node, group: Group) -> None:
        for v in node.inputs:
            self._after(group, self._producer(v))
        for v in node.outputs:
            self.group_of[v] = group
        if effect_of(node) == "host":
            self.hosts[node] = group
        for waited in self._awaited(node):
            self._after(group, waited)

    def _awaited(self, node: Node) -> list[Group]:
        """The groups with the effects that come before that of node."""
        return [
            self.hosts[n] if n in self.hosts else self.group_of[n.output]
            for n in self.earlier.get(node, ())
        ]

    def _producer(self, value: Value) -> Group | None:
        """The group whose buffer a value is read from, through views."""
        while value not in self.group_of:
            node = value.node
            if node is None or not isinstance(node.op.lower, View):
                return None
            value = node.inputs[0]
        return self.group_of[value]

    def _after(self, later: Group, earlier: Group | None) -> None:
        if earlier is None or earlier is later:
            return
        gained = earlier.mask | earlier.bit
        if later.mask | gained == later.mask:
            return
        later.mask |= gained
        if self.awaited & later.bit:
            for g in self.groups:
                if g.mask & later.bit:
                    g.mask |= later.mask
        self.awaited |= gained

    def _single(self, node: Node) -> None:
        group = self._new(Group([node]))
        if isinstance(node.op.lower, Library) and node.op.lower.epilogue:
            for user in self.epilogues.taken_by(group, node):
                self.taken.add(user)
                group.nodes.append(user)
                self._enter(user, group)

    def _start(self, node: Node) -> None:
        domain = (
            node.inputs[0].spec.shape
            if isinstance(node.op.lower, Reduction)
            else node.output.spec.shape
        )
        group = Group([], domain)
        group.bit = 0
        if not self._place(group, node):
            raise AssertionError(f"{node!r} does not fit its own domain")
        self._new(group)

    # joining --------------------------------------------------------------------------------------
    def _join(self, node: Node) -> bool:
        """Put node into a group of one of its producers, and merge the others into it where that is
        possible."""
        producers: list[Group] = []
        for v in node.inputs:
            g = self.group_of.get(v)
            if g is not None and g.is_cluster and g not in producers:
                producers.append(g)
        if not producers:
            return False
        for g in sorted(producers, key=_extent, reverse=True):
            if self._waits(g, node) or not self._place(g, node):
                if self.note is not None:
                    self.note(g.nodes, [node], self.why)
                continue
            self._enter(node, g)
            for other in producers:
                if other is not g:
                    self._merge(g, other)
            return True
        return False

    def _waits(self, group: Group, node: Node) -> bool:
        """Whether node needs the group to have run: through others, or through a view of a
        member."""
        if self.levels.get(node, 0) != group.level:
            return not self._no(LEVEL)
        for v in node.inputs:
            source = self._producer(v)
            if source is None:
                continue
            if source is group and self.group_of.get(v) is not group:
                return not self._no(VIEW)
            if source is not group and source.mask & group.bit:
                return not self._no(BETWEEN)
            if self._parts(group, source):
                return not self._no(BETWEEN)
        if any(waited.mask & group.bit for waited in self._awaited(node)):
            return not self._no(BETWEEN)
        return False

    def _parts(self, group: Group, source: Group) -> bool:
        """Whether some cluster that waits for the group, and does not for the source, could be one
        loop with the source, but not if the group waits for the source. A batch norm: what is to
        be multiplied by the sum of the gradients would make its scale, and with it the sum of
        gradients times x, wait for that sum: gradients would be read twice.
        """
        if source is group or not source.is_cluster or not self.awaited & group.bit:
            return False
        if group.mask & source.bit or _extent(source) <= _extent(group):
            return False
        return any(
            g.mask & group.bit and not g.mask & source.bit and g.domain == source.domain
            for g in self.groups
        )

    def _no(self, why: str) -> bool:
        """False, and the reason."""
        self.why = why
        return False

    def _place(self, group: Group, node: Node) -> bool:
        """Add node to the group if its maps and folds agree; the group is unchanged if not."""
        return self.placing.place(group, node) or self._no(self.placing.why)

    # merging --------------------------------------------------------------------------------------
    def _merge(self, into: Group, other: Group) -> bool:
        """Make one group of two over the same domain, if no path leads from one through others to
        the other."""
        merged = self._merged(into, other)
        if merged is None:
            if self.note is not None:
                self.note(into.nodes, other.nodes, self.why)
            return False
        into.nodes, into.maps, into.cols = merged.nodes, merged.maps, merged.cols
        into.closed, into.folded = merged.closed, merged.folded
        for n in other.nodes:
            for v in n.outputs:
                self.group_of[v] = into
        union = (into.mask | other.mask) & ~into.bit & ~other.bit
        both = into.bit | other.bit
        into.mask = union
        if self.awaited & both:
            self.awaited |= into.bit
        for g in self.groups:
            if g.mask & both and g is not into and g is not other:
                g.mask |= union | into.bit
                g.mask &= ~other.bit
        other.nodes, other.domain = [], None
        return True

    def _merged(self, into: Group, other: Group) -> Group | None:
        """Both as one group; None, and the reason in `why`, where that cannot be."""
        if into.deep or other.deep:
            self.why = MIDDLE
            return None
        if len(into.nodes) + len(other.nodes) > MOST_NODES:
            self.why = LARGE
            return None
        if into.level != other.level:
            self.why = LEVEL
            return None
        if into.domain != other.domain or into.domain is None:
            self.why = DOMAIN
            return None
        if into.cols is not None and other.cols is not None and into.cols != other.cols:
            self.why = COLUMNS
            return None
        if any(into.maps[v] != other.maps[v] for v in into.maps.keys() & other.maps.keys()):
            self.why = DOMAIN
            return None
        maps = {**other.maps, **into.maps}
        if not (self._readable(into, other, maps) and self._readable(other, into, maps)):
            self.why = CLOSED
            return None
        if self._path(into, other) or self._path(other, into):
            self.why = BETWEEN
            return None
        merged = Group(self._ordered(into.nodes + other.nodes), into.domain, maps)
        merged.cols = into.cols if into.cols is not None else other.cols
        merged.closed, merged.folded = into.closed | other.closed, into.folded or other.folded
        if not self.fits(merged):
            self.why = FORM
            return None
        return merged

    def _readable(self, maker: Group, reader: Group, maps: dict[Value, Axes]) -> bool:
        """Whether all that reader takes from maker is there for it in the same loop: where it is
        made, not closed, and not through views."""
        for n in reader.nodes:
            for v in n.inputs:
                if self._producer(v) is not maker:
                    continue
                if self.group_of.get(v) is not maker or v in maker.closed or not agree(maps, n, v):
                    return False
        return True

    def _path(self, start: Group, end: Group) -> bool:
        """Whether a third group reads from start, and end reads from it."""
        if not end.mask & start.bit:
            return False
        if len(self.groups) < len(end.nodes):
            return any(
                g.mask & start.bit and end.mask & g.bit
                for g in self.groups
                if g.nodes and g is not start and g is not end
            )
        # The last group on such a path is one that end reads from.
        for n in end.nodes:
            for g in (*map(self._producer, n.inputs), *self._awaited(n)):
                if g is not None and g is not start and g is not end and g.mask & start.bit:
                    return True
        return False

    def _ordered(self, nodes: list[Node]) -> list[Node]:
        if not hasattr(self, "position"):
            self.position = {n: k for k, n in enumerate(self.graph.nodes)}
        return sorted(nodes, key=self.position.__getitem__)

    def _beside(self) -> None:
        """Merge clusters over one domain that read the same value: each array is read once."""
        readers: dict[Value, list[Group]] = {}
        for g in self.groups:
            if not g.is_cluster or not g.nodes or g.deep:
                continue
            for n in g.nodes:
                for v in n.inputs:
                    if self.group_of.get(v) is not g and v.spec.size != 1:
                        found = readers.setdefault(v, [])
                        if g not in found:
                            found.append(g)
        merged: dict[Group, Group] = {}  # what is in another by now
        for groups in readers.values():
            alive = list(dict.fromkeys(merged.get(g, g) for g in groups))
            for k, g in enumerate(alive):
                for other in alive[k + 1 :]:
                    if g.nodes and other.nodes and self._merge(g, other):
                        merged |= {h: g for h, last in merged.items() if last is other}
                        merged[other] = g


def _extent(group: Group) -> int:
    return len(group.domain or ())


def fuse(graph: Graph, fits: Fits = lambda group: True, note: Note | None = None) -> list[Group]:
    """The groups of a materialised graph, in an order that respects data.

    fits: whether a cluster can be printed (codegen/cluster.py).
    note: called with (nodes, others, why) whenever two parts do not become one loop.
    """
    groups = _sorted(_Fuser(graph, fits, note).run())
    groups.sort(key=lambda g: (g.level, g.nodes[0].op is bind_op))  # stable: data keeps its order
    return groups


def _sorted(groups: list[Group]) -> list[Group]:
    """Groups after those they read from; otherwise in program order."""
    order: list[Group] = []
    waiting = list(groups)
    done = 0
    live = 0
    for g in groups:
        live |= g.bit
    while waiting:
        for k, g in enumerate(waiting):
            if not (g.mask & live & ~done):
                order.append(waiting.pop(k))
                done |= g.bit
                break
        else:
            raise AssertionError("groups wait for each other")
    return order
