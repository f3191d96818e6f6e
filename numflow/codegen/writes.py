"""Steps that write variables: last, in place where nobody reads the old value afterwards, and as
few as possible.

Whatever can refuse a value runs before the first write. A new value that cannot be computed in the
variable's own memory is copied there at the end. Updates of one form, those of all parameters of a
model, become one step over segments.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from numflow.codegen.steps import (
    BindStep,
    ClusterStep,
    ControlStep,
    CopyStep,
    LibraryStep,
    RowStep,
    SegmentStep,
    Step,
    refuses,
)
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.loops import walk
from numflow.graph.lowering import Layout, dense
from numflow.kernels.records import NamedTuple, replace
from numflow.passes.levels import level_of
from numflow.passes.order import ordered


class _Places:
    """Where in a sequence of steps each value is made and read; the last step that may refuse, if
    that counts."""

    def __init__(self, steps: Sequence[Step], atomic: bool = True) -> None:
        self.makers: dict[Value, list[int]] = {}
        self.readers: dict[Value, list[int]] = {}
        self.refusing = -1
        for k, s in enumerate(steps):
            for w in set(s.writes):
                self.makers.setdefault(w, []).append(k)
            for r in set(s.reads):
                self.readers.setdefault(r, []).append(k)
            if atomic and refuses(s):
                self.refusing = k


class Writes(NamedTuple):
    """Steps in their final order, and the variable in whose memory a root is computed.

    first: index of the first step that writes a variable.
    """

    steps: list[Step]
    assigned: dict[Value, Any]
    first: int


def order_writes(
    graph: Graph,
    steps: Sequence[Step],
    roots: dict[Node, Value],
    results: set[Value],
    levels: Mapping[Node, int],
    atomic: bool = True,
) -> Writes:
    """Writers last, copies behind them.

    atomic: nothing is written before all that may refuse has run.

    steps: sorted by level. roots: by node that writes a variable, the root of its new value.
    results: roots that a call hands out. levels: of nodes (passes/levels.py).
    """
    if not roots:
        return Writes(list(steps), {}, len(steps))
    bases = _bases(steps, roots.values())
    order = _writers_last(steps, {*roots.values(), *bases.values()}, levels)
    olds: dict[Any, set[Value]] = {}
    for n in graph.nodes:
        if n.op.effect == "read" and not n.inputs:
            olds.setdefault(n.attrs["variable"], set()).add(n.output)
    assigned: dict[Value, Any] = {}
    copies: list[Step] = []
    places = _Places(order, atomic)
    last = {n.attrs["variable"]: n for n in roots}  # the last write of each variable counts
    for variable, node in last.items():
        value, root, old = node.inputs[0], roots[node], olds.get(variable, set())
        fits = root.spec.size == variable.spec.size and root not in results
        if fits and root not in assigned and _direct(order, places, root, old):
            assigned[root] = variable
            base = bases.get(root)
            while base is not None and base not in results and _direct(order, places, base, old):
                assigned[base] = variable
                base = bases.get(base)
            continue
        whole = Layout(value.spec.shape, dense(value.spec.shape))
        target = Value(value.spec, node, 0, "assigned")
        assigned[target] = variable
        copies.append(CopyStep((node,), (root,), (target,), (root, whole), (target, whole)))
    merged, first = _merge_updates(order, assigned, olds)
    return Writes(merged + copies, assigned, first)


def _bases(steps: Sequence[Step], roots: Iterable[Value]) -> dict[Value, Value]:
    """What each root, and each such base in turn, is made of in the same memory, by a kernel that
    is the only reader: x = f(old) of which some rows are then replaced."""
    makers = {w: s for s in steps for w in s.writes}
    readers: dict[Value, int] = {}
    for s in steps:
        for r in s.reads:
            readers[r] = readers.get(r, 0) + 1
    found: dict[Value, Value] = {}
    for root in roots:
        step = makers.get(root)
        while isinstance(step, LibraryStep) and step.node.op.lower.in_place is not None:
            base, _ = step.inputs[step.node.op.lower.in_place]
            if base not in makers or readers[base] != 1 or not in_place(step, root, {base}):
                break
            found[root] = root = base
            step = makers[base]
    return found


def _writers_last(
    steps: Iterable[Step], new_values: set[Value], levels: Mapping[Node, int]
) -> list[Step]:
    """Steps that compute new values of variables, and those that need these, after all
    others."""
    early: list[Step] = []
    late: list[Step] = []
    held: set[Value] = set()
    waiting = False  # an effect is late: those behind it are, too
    bound = math.inf  # the lowest level of sizes that are bound late: what is above waits for them
    for s in steps:
        effect = ordered(s.nodes)
        reads_late = any(r in held for r in s.reads)
        after = reads_late or (waiting and effect) or level_of(s.nodes, levels) > bound
        if after or any(w in new_values for w in s.writes):
            late.append(s)
            held.update(s.writes)
            if isinstance(s, BindStep):
                bound = min(bound, level_of(s.nodes, levels))
            waiting = waiting or effect
        else:
            early.append(s)
    return early + late


def _direct(order: Sequence[Step], places: _Places, root: Value, old: set[Value]) -> bool:
    """Whether root may be computed in the memory of the variable that held old: after all that may
    refuse, and after all readers of the old value."""
    made = places.makers.get(root, [])
    if len(made) != 1 or places.refusing >= made[0]:
        return False
    at = made[0]
    if isinstance(order[at], ControlStep | RowStep):
        return False  # it may be interrupted; it makes nothing
    readers = {k for v in old for k in places.readers.get(v, ())}
    return all(k < at or (k == at and in_place(order[k], root, old)) for k in readers)


def in_place(step: Step, root: Value, old: set[Value]) -> bool:
    """Whether a step may write root where it reads a value of old: a cluster each element by the
    unit that reads it, a kernel if it says so."""
    if isinstance(step, LibraryStep):
        lower = step.node.op.lower
        at = lower.in_place
        for made, read in lower.overs(len(step.inputs), len(step.outputs)):
            at = read if root is step.outputs[made] else at
        if at is None:
            return False
        (base, layout), others = step.inputs[at], [*step.inputs[:at], *step.inputs[at + 1 :]]
        whole = layout.contiguous and base.spec.size == root.spec.size
        return base in old and whole and not any(v in old for v, _ in others)
    if not isinstance(step, ClusterStep):
        return False
    places, sweeps = step.code.places, step.code.loop.sweeps
    new = next(k for k, p in places.items() if p.value is root and k[0] in "yp")
    axes = zip(step.code.sizes, places[new].strides, strict=False)
    if places[new].partial or any(s == 0 and n != 1 for n, s in axes):
        return False  # several units write it, or one writes what others may read later
    stored = next(k for k, s in enumerate(sweeps) for t in s.stores if t.operand == new)
    later = {t.attr for s in sweeps[stored + 1 :] for t in walk(*s.roots()) if t.op == "load"}
    return all(
        p.strides == places[new].strides and p.offset == 0 and name not in later
        for name, p in places.items()
        if p.value in old and name[0] == "x"
    )


# --- updates as segments -------------------------------------------------------


def _merge_updates(
    order: list[Step], assigned: dict[Value, Any], olds: dict[Any, set[Value]]
) -> tuple[list[Step], int]:
    """Elementwise steps of one form that write variables become one; also the index of the first
    writer."""
    writers = [s for s in order if any(w in assigned for w in s.writes)]
    if not writers:
        return order, len(order)
    first = order.index(writers[0])
    if len(order) - first > len(writers):  # somebody reads new values: leave the order alone
        return order, first
    places = _Places(writers)
    forms: dict[Hashable, list[ClusterStep]] = {}
    begins: dict[Hashable, int] = {}  # of each form, its first writer
    for k, s in enumerate(writers):
        if not isinstance(s, ClusterStep):
            continue
        key = _update_form(s)
        if key is None:
            continue
        same = forms.setdefault(key, [])
        if _may_move(s, range(begins.setdefault(key, k), k), places, assigned, olds):
            same.append(s)
    merged: dict[Step, Step] = {}
    gone: set[Step] = set()
    for steps in forms.values():
        if len(steps) > 1:
            merged[steps[0]] = _segments(steps)
            gone.update(steps[1:])
    return order[:first] + [merged.get(s, s) for s in writers if s not in gone], first


def _may_move(
    step: Step,
    between: range,
    places: _Places,
    assigned: dict[Value, Any],
    olds: dict[Any, set[Value]],
) -> bool:
    """Whether a writer may run before the writers `between`: it reads nothing that they make, and
    writes no variable whose old value they read."""
    gone = {v for w in step.writes if w in assigned for v in olds.get(assigned[w], ())}
    made = (k for r in step.reads for k in places.makers.get(r, ()))
    read = (k for v in gone for k in places.readers.get(v, ()))
    return not any(k in between for k in (*made, *read))


def _update_form(step: ClusterStep) -> Hashable:
    """What two steps must share to be segments of one: the loop, and the scalars it reads."""
    code = step.code
    loop = code.loop
    if loop.axes != 1 or code.folds or code.checks or any(o.access == "s" for o in loop.operands):
        return None
    if any(p.offset != 0 for k, p in code.places.items()):
        return None
    shared = tuple((o.name, code.places[o.name].value) for o in loop.operands if o.access == "-")
    if any(name[0] == "y" for name, _ in shared):
        return None
    return str(loop), shared


def _segments(steps: Sequence[ClusterStep]) -> SegmentStep:
    first = steps[0].code.loop
    loop = replace(first, name="update", segments=True)
    return SegmentStep(
        tuple(n for s in steps for n in s.nodes),
        tuple(dict.fromkeys(r for s in steps for r in s.reads)),
        tuple(dict.fromkeys(w for s in steps for w in s.writes)),
        loop,
        tuple(s.code for s in steps),
    )
