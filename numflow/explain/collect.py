"""A Program, and its plan for one call -> the facts of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from numflow.codegen.cluster import ClusterCode
from numflow.codegen.source import body_source
from numflow.codegen.steps import (
    BindStep,
    BranchStep,
    ClusterStep,
    CopyStep,
    HostStep,
    LibraryStep,
    LoopStep,
    Program,
    SegmentStep,
    Step,
)
from numflow.explain.gaps import gaps, host_reason
from numflow.explain.names import Names, lines_of, source_lines, variable_name
from numflow.explain.parts import Buffer, Facts, Instruction, Kernel, Run
from numflow.graph.graph import Node, Value, constant_op, sizes_op
from numflow.graph.loops import Loop
from numflow.graph.lowering import Library
from numflow.graph.printing import spec_text
from numflow.kernels import records
from numflow.passes.group import pooling
from numflow.runtime.plan import Plan
from numflow.shapes import Extent

KINDS: dict[type[Step], str] = {
    ClusterStep: "cluster",
    SegmentStep: "segments",
    LibraryStep: "library",
    CopyStep: "copy",
    HostStep: "host",
    LoopStep: "loop",
    BranchStep: "branches",
    BindStep: "sizes",
}


def collect(name: str, program: Program, plan: Plan | None) -> Facts:
    """All that is known; with a plan also numbers for sizes, chunks and offsets.

    plan: of the first segment; those of later ones are the plans that ran last.
    """
    names = Names(program)
    plans = [] if plan is None else plan.furthest.chain()
    of_step = {s: p for p in plans for s in p.steps}
    sizes = plans[-1].sizes.symbols if plans else {}
    kernels = _Kernels()
    makers: dict[Value, int] = {}
    instructions = []
    for k, step in enumerate(program.steps):
        after = {makers[v] for v in step.reads if v in makers} - {k}
        instructions.append(
            _instruction(program, of_step.get(step), names, kernels, k, step, after)
        )
        makers |= dict.fromkeys(step.writes, k)
    buffers = _buffers(program, plans, names)
    arguments = ", ".join(f"{names.of(v)}: {spec_text(v.spec)}" for v in names.arguments)
    specs = [spec_text(s) for s in program.output_specs]
    results = ", ".join(specs) if len(specs) == 1 else f"({', '.join(specs)})"
    return Facts(
        name,
        f"{name}({arguments}) -> {results}",
        tuple((names.plain(v), v.name) for v in program.inputs if v.name),
        tuple(sorted(sizes.items())),
        plan is not None,
        source_lines(program),
        tuple(instructions),
        kernels.all(),
        buffers,
        sum(p.memory.nbytes for p in plans),
        sum(b.nbytes or 0 for b in buffers if b.offset is not None),
        _updates(program),
        gaps(program, names),
        tuple(dict.fromkeys((names.plain(v), makers[v]) for v in program.outputs if v in makers)),
        tuple(program.segments),
    )


# --- instructions ------------------------------------------------------------


@dataclass
class _Kernels:
    """Distinct loops, in the order of their first use."""

    names: dict[str, str] = field(default_factory=dict)  # text of the loop -> name
    sources: dict[str, str] = field(default_factory=dict)
    users: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def add(self, loop: Loop, prefix: str, user: int, operands: str) -> str:
        key = str(records.replace(loop, name=prefix))
        name = self.names.setdefault(key, f"{prefix}{len(self.names)}")
        if name not in self.sources:
            self.sources[name] = body_source(records.replace(loop, name=name)).text
        self.users.setdefault(name, []).append((user, operands))
        return name

    def all(self) -> tuple[Kernel, ...]:
        return tuple(Kernel(n, s, tuple(self.users[n])) for n, s in self.sources.items())


def _instruction(
    program: Program,
    plan: Plan | None,
    names: Names,
    kernels: _Kernels,
    number: int,
    step: Step,
    after: set[int],
) -> Instruction:
    runs = () if plan is None else tuple(Run(w.units, w.chunk, w.ns) for w in plan.work[step] or ())
    kernel = _kernel(step, number, kernels, names, len(runs) > 1)
    domain = _domain(step)
    roots = (*step.reads, *step.writes)
    traffic: Extent = 0
    for v in roots:
        traffic = traffic + v.spec.size * v.spec.dtype.size
    nbytes = None if plan is None else sum(plan.nbytes(v) for v in roots)
    if nbytes is None and isinstance(traffic, int):
        nbytes = traffic
    return Instruction(
        number,
        KINDS[type(step)],
        kernel,
        tuple(n.op.name for n in step.nodes),
        "; ".join(f"[{', '.join(map(str, d))}]" for d in domain),
        "; ".join(str(list(plan.sizes.shape(d))) for d in domain) if plan is not None else "",
        names.all(step.reads),
        _bound(step, plan) if isinstance(step, BindStep) else names.all(step.writes),
        tuple(
            dict.fromkeys(
                variable_name(program.assigned[v]) for v in step.writes if v in program.assigned
            )
        ),
        f"{traffic}",
        nbytes,
        runs,
        lines_of(step.nodes),
        tuple(sorted(after)),
        "; ".join(_notes(program, plan, number, step, runs)),
    )


def _kernel(step: Step, number: int, kernels: _Kernels, names: Names, folded: bool) -> str:
    """The name of the loop of a step; folded: a second loop folds the results of its blocks."""
    if isinstance(step, SegmentStep):
        return kernels.add(step.loop, "update", number, _operands(step.codes, names))
    if not isinstance(step, ClusterStep):
        return ""
    name = kernels.add(step.code.loop, "loop", number, _operands([step.code], names))
    if folded:
        for loop, _ in step.code.finals():
            kernels.add(loop, "fold", number, "the results of all blocks")
    return name


def _operands(codes: Sequence[ClusterCode], names: Names) -> str:
    """What the parameters of a loop are, as in `x0 = %2, y0 = w`; those of segments in turn."""
    found = []
    for name in codes[0].places:
        values = [v for c in codes if (v := c.places[name].value) is not None]
        if values:
            found.append(f"{name} = {' | '.join(names.all(tuple(values)))}")
    return ", ".join(found)


def _domain(step: Step) -> list[tuple[Extent, ...]]:
    """The shapes that a step walks."""
    if isinstance(step, ClusterStep):
        return [tuple(step.code.group.domain or ())]
    if isinstance(step, SegmentStep):
        return [tuple(c.group.domain or ()) for c in step.codes]
    if isinstance(step, CopyStep):
        return [tuple(step.target[1].shape)]
    return [tuple(v.spec.shape) for v in step.nodes[-1].outputs]


def _bound(step: BindStep, plan: Plan | None) -> tuple[str, ...]:
    """The sizes that are known from here on, with the numbers of the plan that ran last."""
    known = {} if plan is None else plan.root.furthest.sizes.symbols
    return tuple(f"{n} = {known[n]}" if n in known else n for n in step.symbols)


def _notes(
    program: Program, plan: Plan | None, number: int, step: Step, runs: Sequence[Run]
) -> Iterator[str]:
    if number < program.kept:
        yield "kept from call to call: runs again when a variable that it reads was written"
    if note := _note(step):
        yield note
    elif plan is not None and not runs:
        yield "no elements: left to Python"


def _note(step: Step) -> str:
    if isinstance(step, BindStep):
        return "sizes that depend on values: what follows is planned when they are known"
    if isinstance(step, LoopStep) and step.registers is not None:
        values = "scalars" if step.registers.scalar else "values"
        return f"one kernel, its {values} in registers"
    if isinstance(step, HostStep):
        return host_reason(step.nodes[0])
    if isinstance(step, LibraryStep):
        along = ["the bias"] * (step.bias is not None)
        along += ["the residual"] * (step.residual is not None)
        along += [f"the {step.activation}"] if step.activation else []
        notes = [_kernel_note(step.nodes[0]), _cells_note(step.nodes[0])]
        notes += [f"takes along {' and '.join(along)}"] if along else []
        notes += [_pool_note(step)] if step.behind is not None else []
        notes += ["writes where its result is joined to others"] if step.joined else []
        return "; ".join(filter(None, notes))
    if isinstance(step, CopyStep):
        return "fills with a value" if step.source is None else ""
    if isinstance(step, SegmentStep):
        return f"{len(step.codes)} updates of one form, as one loop"
    return ""


def _cells_note(node: Node) -> str:
    """What a recurrent kernel stands for that was written cell by cell."""
    scopes = f"/{node.scope}".split("/")
    if "loop_of_cells" in scopes:  # control/cells.py
        return "a loop over a cell"
    return "steps of a cell" if "steps_of_cells" in scopes else ""  # control/cell_sequences.py


def _pool_note(step: LibraryStep) -> str:
    """What a library kernel's op says about the pool that it takes along."""
    node, pool = step.node, step.behind
    assert pool is not None and node.op.lower.pools is not None
    specs = [[v.spec for v in values] for values in (node.inputs, pool.inputs[:1])]
    return str(node.op.lower.pools(*specs, node.attrs, pooling(pool))[1])


def _kernel_note(node: Node) -> str:
    """What a library kernel's op says about its choice."""
    note = node.op.lower.note if isinstance(node.op.lower, Library) else None
    if note is None:
        return ""
    return note([v.spec for v in node.inputs], [v.spec for v in node.outputs], node.attrs)


# --- memory --------------------------------------------------------------------


def _updates(program: Program) -> tuple[tuple[str, str], ...]:
    """How each variable gets its new value."""
    found = []
    for root, variable in program.assigned.items():
        k = next(k for k, s in enumerate(program.steps) if root in s.writes)
        copied = isinstance(program.steps[k], CopyStep) and root.name == "assigned"
        how = "copied at the end" if copied else "written in place"
        found.append((variable_name(variable), f"{how} by {k}"))
    return tuple(found)


def _buffers(program: Program, plans: Sequence[Plan], names: Names) -> tuple[Buffer, ...]:
    """Every buffer of the program: those from outside first, then in the order of their use."""
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}
    for k, step in enumerate(program.steps):
        for v in (*step.reads, *step.writes):
            first.setdefault(v, k)
            last[v] = k
    found: dict[str, Buffer] = {}
    for v in dict.fromkeys((*program.inputs, *first)):
        kind = _kind(program, v)
        name = names.of(v)
        planned = any(v in p.offsets for p in plans)
        if kind == "arena" and planned:
            continue
        if name in found:  # the old and the new value of a variable lie in one place
            old = found[name]
            found[name] = replace(old, last=max(old.last, last.get(v, 0)))
            continue
        size = v.spec.size
        fixed = size * v.spec.dtype.size if isinstance(size, int) else None
        symbols = plans[-1].sizes.symbols if plans else {}
        known = v.spec.symbols() <= symbols.keys()
        nbytes = plans[-1].nbytes(v) if plans and known else fixed
        spec = spec_text(v.spec)
        found[name] = Buffer(name, kind, spec, nbytes, first.get(v, 0), last.get(v, 0))
    start = 0
    arenas: list[Buffer] = []
    for plan in plans:  # one behind the other
        arenas += _arena(plan, names, start)
        start += plan.memory.nbytes
    return (*found.values(), *arenas)


def _kind(program: Program, root: Value) -> str:
    if root in program.inputs:
        return "capture" if root in program.graph.captures else "argument"
    if program.variable(root) is not None:
        return "variable"
    if root.node is not None and root.node.op in (constant_op, sizes_op):
        return "constant"
    if root.node in program.draws:
        return "random state"
    return "result" if root in program.outputs else "arena"


def _arena(plan: Plan, names: Names, start: int) -> list[Buffer]:
    """The buffers of a segment's arena, which begins at start."""
    found: list[Buffer] = []
    for item in sorted(plan.intervals, key=lambda i: (i.first, plan.offsets[i.key])):
        key, at = item.key, start + plan.offsets[item.key]
        if isinstance(key, Value):
            name, kind, spec = names.of(key), "arena", spec_text(key.spec)
        else:
            parts = key if isinstance(key, tuple) else (str(key), 0, "")
            kind = "workspace" if parts[0] == "workspace" else "scratch"
            name, spec = f"{parts[0]} of {parts[1]}", ""
        over = tuple(
            b.name
            for b in found
            if b.offset is not None
            and b.last < item.first
            and b.offset < at + item.nbytes
            and at < b.offset + (b.nbytes or 0)
        )
        found.append(Buffer(name, kind, spec, item.nbytes, item.first, item.last, at, over))
    return found
