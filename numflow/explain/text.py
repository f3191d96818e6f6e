"""The facts as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from numflow.errors import SourceLine
from numflow.explain.parts import Buffer, Facts, Gap, Instruction, Run

WIDTH = 100
FEW = 6  # names that a list shows


def to_text(facts: Facts, passes: Sequence[tuple[str, str]] = ()) -> str:
    """The whole report; passes: (name, graph after it), shown where the graph changed."""
    parts = [
        [facts.signature, *(f"  {line}" for line in summary(facts))],
        ["Graph, by your lines; left: the instruction", *_graph(facts)],
        ["Program", *_program(facts)],
        ["Memory", *_memory(facts)],
    ]
    if facts.gaps:
        parts.append(["Not one loop", *_gaps(facts.gaps)])
    if facts.kernels:
        parts.append(["Kernels", *_kernels(facts)])
    if passes:
        parts.append(["Passes", *_passes(passes)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def summary(facts: Facts) -> list[str]:
    """What there is, in a few lines."""
    nodes = sum(len(line.nodes) for line in facts.lines)
    kinds = [i.kind for i in facts.instructions]
    counts = [f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds)]
    lines = [f"{plural(nodes, 'node')} -> {plural(len(kinds), 'instruction')}: {', '.join(counts)}"]
    if not kinds:
        lines = [f"{plural(nodes, 'node')}, nothing to compute"]
    if len(facts.segments) > 1:
        lines[0] += f", in {len(facts.segments)} segments"
    if facts.sizes:
        lines.append("sizes of this plan: " + ", ".join(f"{n} = {k}" for n, k in facts.sizes))
    if not facts.planned:
        lines.append("no call has settled the sizes yet")
    return lines


def plural(n: int, noun: str) -> str:
    """As in `2 kernels`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def place_of(line: SourceLine) -> tuple[str, str]:
    """(file:line, the text of the line)."""
    where, _, text = str(line).partition(":  ")
    return where.split(" in ")[0], text


def ops_text(ops: Iterable[str]) -> str:
    """Names with repeats counted."""
    names = list(ops)
    return ", ".join(
        name if names.count(name) == 1 else f"{name} x{names.count(name)}"
        for name in dict.fromkeys(names)
    )


def bytes_text(n: int | None) -> str:
    """As in 12.5 KB."""
    if n is None:
        return "?"
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} bytes"


def run_text(run: Run) -> str:
    """How the units of a kernel are worked off."""
    units = plural(run.units, "unit")
    if run.chunks <= 1:
        return f"{units}, on one core"
    return f"{units} in {run.chunks} chunks of {run.chunk}"


def domain_text(i: Instruction) -> str:
    """The shape that an instruction walks; numbers beside symbols."""
    if not i.now or i.now == i.domain:
        return _shapes(i.domain)
    return f"{_shapes(i.domain)} = {_shapes(i.now)}"


def _shapes(text: str) -> str:
    """The first of several shapes."""
    first, *more = text.split("; ")
    return f"{first} and {len(more)} more" if more else first


# --- sections ------------------------------------------------------------------


def _graph(facts: Facts) -> list[str]:
    out = [f"        {value} is {name}" for value, name in facts.inputs]
    for line in facts.lines:
        if line.source is None:
            out.append("  (no line of yours)")
        else:
            where, text = place_of(line.source)
            out.append(f"  {where}  {text}".rstrip())
        out += [f"{k:>6}  {n}" for k, n in zip(line.places, line.nodes, strict=True)]
    return out


def _program(facts: Facts) -> list[str]:
    out: list[str] = []
    starts = {begin: k for k, (begin, _) in enumerate(facts.segments, 1)}
    for i in facts.instructions:
        if len(starts) > 1 and i.number in starts:
            out.append(f"  segment {starts[i.number]}")
        name = f"{i.kind} {i.kernel}".strip()
        out += _wrapped(f"{i.number:4}  {name}: ", ops_text(i.ops))
        detail = [f"over {domain_text(i)}"]
        size = bytes_text(i.nbytes) if i.nbytes is not None else f"{i.traffic} bytes"
        detail.append(f"{size} read and written")
        detail += [run_text(r) for r in i.runs]
        out += _wrapped(" " * 10, "; ".join(detail))
        out += _wrapped(" " * 10, flow_text(i))
        if i.note:
            out += _wrapped(" " * 10, i.note)
        places = [place_of(line)[0] for line in i.lines]
        if places:
            out += _wrapped(" " * 10, "at " + ", ".join(dict.fromkeys(places)))
    return out


def flow_text(i: Instruction, arrow: str = "->") -> str:
    """What an instruction reads and writes; variables are written where they lie."""
    writes = [f"{w} (in place)" if w in i.in_place else w for w in i.writes]
    if len(i.in_place) == len(i.writes) > 1:
        writes = [*i.writes[: FEW - 1], f"{i.writes[-1]} (all in place)"]
        if len(i.writes) > FEW:
            writes[-1] = f"and {len(i.writes) - FEW + 1} more (all in place)"
    return f"{few(i.reads) or 'nothing'} {arrow} {few(writes)}"


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{', '.join(names[: FEW - 1])} and {len(names) - FEW + 1} more"


def _memory(facts: Facts) -> list[str]:
    out = []
    if facts.planned:
        spared = facts.together - facts.arena
        reuse = f", {bytes_text(spared)} of it used twice" if spared > 0 else ""
        out.append(f"  arena: {bytes_text(facts.arena)} for all intermediate results{reuse}")
    if facts.buffers:
        names = [max(len(b.name), 4) for b in facts.buffers]
        specs = [max(len(b.spec), 5) for b in facts.buffers]
        widths = max(names), min(max(specs), 30)
        out += [f"  {buffer_line(b, *widths)}".rstrip() for b in facts.buffers]
    for how, updated in grouped((how, name) for name, how in facts.updates).items():
        out += _wrapped(f"  {how}: ", ", ".join(updated))
    return out or ["  nothing"]


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The second parts by the first."""
    found: dict[str, list[str]] = {}
    for key, item in pairs:
        found.setdefault(key, []).append(item)
    return found


def buffer_line(b: Buffer, name: int, spec: int) -> str:
    """Name, shape, bytes, kind and place of a buffer."""
    at = "" if b.offset is None else f" at {b.offset}, {life(b)}"
    over = f", over {few(b.over)}" if b.over else ""
    return f"{b.name:{name}}  {b.spec:{spec}}  {bytes_text(b.nbytes):>10}  {b.kind}{at}{over}"


def life(b: Buffer) -> str:
    """Between which instructions a buffer is needed."""
    return f"in {b.first}" if b.first == b.last else f"from {b.first} to {b.last}"


def _gaps(gaps: Sequence[Gap]) -> list[str]:
    out: list[str] = []
    for why, pairs in grouped((g.why, f"{g.first}->{g.second} ({g.value})") for g in gaps).items():
        out.append(f"  {why}:")
        out += _wrapped("      ", ", ".join(pairs))
    return out


def _kernels(facts: Facts) -> list[str]:
    out: list[str] = []
    for kernel in facts.kernels:
        for number, operands in kernel.users:
            out += _wrapped(f"  {kernel.name}, in {number}: ", operands)
        out.append("")
        out += [f"      {line}".rstrip() for line in kernel.source.rstrip().splitlines()]
        out.append("")
    return out[:-1]


def _passes(passes: Sequence[tuple[str, str]]) -> list[str]:
    out: list[str] = []
    before = ""
    for name, text in passes:
        if text == before:
            out.append(f"  {name}: no change")
            continue
        out.append(f"  {name}:")
        out += [f"      {line}" for line in text.splitlines()]
        before = text
    return out


def _wrapped(head: str, text: str) -> list[str]:
    """head and text in lines of at most WIDTH characters; the rest hangs under the text."""
    hang = " " * min(len(head), 10)
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=hang, break_long_words=False
    ) or [head.rstrip()]
