"""The facts as HTML for a notebook: no script, nothing loaded, well-formed as XML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from numflow.explain.parts import Facts, Instruction
from numflow.explain.svg import FILL, arena_svg, graph_svg
from numflow.explain.text import (
    bytes_text,
    domain_text,
    few,
    flow_text,
    grouped,
    life,
    ops_text,
    place_of,
    plural,
    run_text,
    summary,
)

LONG = 60  # nodes; a longer graph is shown at a click

_STYLE = """
.nf-explain { background: #ffffff; color: #1d2430; padding: 12px 16px; max-width: 1100px;
  font: 13px/1.45 system-ui, sans-serif; }
.nf-explain h2 { font: bold 16px monospace; margin: 0 0 4px; }
.nf-explain h3 { font-size: 14px; margin: 20px 0 6px; padding-bottom: 2px;
  border-bottom: 1px solid #d5d9e0; }
.nf-explain p { margin: 2px 0; color: #4a5261; }
.nf-explain .wide { overflow-x: auto; padding: 4px 0; }
.nf-explain svg { display: block; max-width: none; }
.nf-explain table { border-collapse: collapse; font-size: 12px; margin: 0; }
.nf-explain th, .nf-explain td { text-align: left; vertical-align: top; padding: 3px 12px 3px 0;
  border: 0; border-bottom: 1px solid #eceef2; background: #ffffff; color: #1d2430; }
.nf-explain th { color: #6b7382; font-weight: normal; }
.nf-explain td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.nf-explain td.w { white-space: nowrap; }
.nf-explain code, .nf-explain pre { font: 12px/1.4 monospace; background: transparent;
  color: #1d2430; padding: 0; }
.nf-explain pre { background: #f6f7f9; border-radius: 4px; padding: 8px 10px; margin: 4px 0 10px;
  overflow-x: auto; }
.nf-explain .kind { border-radius: 3px; border: 1px solid; padding: 0 5px; white-space: nowrap; }
.nf-explain .line { margin: 8px 0 1px; color: #6b7382; }
.nf-explain .line code { color: #1d2430; font-weight: bold; }
.nf-explain .node { display: flex; }
.nf-explain .node span { flex: 0 0 46px; text-align: right; padding-right: 10px; color: #8a8f98; }
.nf-explain summary { cursor: pointer; color: #4a5261; }
"""


def to_html(facts: Facts, passes: Sequence[tuple[str, str]] = ()) -> str:
    """The whole report; passes: (name, graph after it), shown where the graph changed."""
    parts = [
        f"<style>{_STYLE}</style>",
        f"<h2>{escape(facts.signature)}</h2>",
        *(f"<p>{escape(line)}</p>" for line in summary(facts)),
    ]
    picture = graph_svg(facts)
    if picture:
        parts += [_legend(facts), f'<div class="wide">{picture}</div>']
    parts += ["<h3>Program</h3>", _program(facts.instructions)]
    parts += ["<h3>Graph, by your lines</h3>", *_graph(facts)]
    parts += ["<h3>Memory</h3>", *_memory(facts)]
    if facts.gaps:
        parts += ["<h3>Not one loop</h3>", _gaps(facts)]
    if facts.kernels:
        parts += ["<h3>Kernels</h3>", *_kernels(facts)]
    if passes:
        parts += ["<h3>Passes</h3>", *_passes(passes)]
    return f'<div class="nf-explain">{"".join(parts)}</div>'


def _badge(kind: str, text: str = "") -> str:
    fill, border = FILL[kind]
    style = f"background: {fill}; border-color: {border}"
    return f'<span class="kind" style="{style}">{escape(text or kind)}</span>'


def _legend(facts: Facts) -> str:
    kinds = dict.fromkeys(i.kind for i in facts.instructions)
    return f"<p>{' '.join(map(_badge, kinds))}</p>" if kinds else ""


def _table(
    head: Iterable[str],
    rows: Iterable[Sequence[str]],
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> str:
    """Cells are HTML; right: the columns of numbers; whole: those whose lines are not broken."""

    def cell(k: int, text: str) -> str:
        style = ' class="n"' if k in right else ' class="w"' if k in whole else ""
        return f"<td{style}>{text}</td>"

    lines = ["".join(f"<th>{h}</th>" for h in head)]
    lines += ["".join(cell(k, text) for k, text in enumerate(row)) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><tbody>{body}</tbody></table></div>'


def _program(instructions: Sequence[Instruction]) -> str:
    head = ("", "kernel", "ops", "over", "bytes", "work", "reads &#8594; writes", "your lines")
    return _table(head, [_row(i) for i in instructions], right=(0, 4), whole=(1, 3, 5))


def _row(i: Instruction) -> tuple[str, ...]:
    size = bytes_text(i.nbytes) if i.nbytes is not None else i.traffic
    places = dict.fromkeys(place_of(line)[0] for line in i.lines)
    ops = escape(ops_text(i.ops)) + (f"<br/><i>{escape(i.note)}</i>" if i.note else "")
    return (
        str(i.number),
        _badge(i.kind, f"{i.kind} {i.kernel}".strip()),
        ops,
        escape(domain_text(i)),
        escape(size),
        "<br/>".join(escape(run_text(r)) for r in i.runs),
        escape(flow_text(i, "\u2192")),
        "<br/>".join(map(escape, places)),
    )


def _graph(facts: Facts) -> list[str]:
    inputs = ", ".join(f"{value} is {name}" for value, name in facts.inputs)
    nodes = sum(len(line.nodes) for line in facts.lines)
    shown = ' open="open"' if nodes <= LONG else ""
    out = [
        f"<details{shown}><summary>{plural(nodes, 'node')}; {escape(inputs)}; left of a node is "
        "its instruction</summary>"
    ]
    for line in facts.lines:
        where, text = ("no line of yours", "") if line.source is None else place_of(line.source)
        out.append(f'<div class="line">{escape(where)} <code>{escape(text)}</code></div>')
        out += [
            f'<div class="node"><span>{place}</span><code>{escape(node)}</code></div>'
            for place, node in zip(line.places, line.nodes, strict=True)
        ]
    return [*out, "</details>"]


def _memory(facts: Facts) -> list[str]:
    out = []
    if facts.planned:
        spared = facts.together - facts.arena
        reuse = f"; {bytes_text(spared)} are used more than once" if spared > 0 else ""
        out.append(f"<p>Intermediate results take {bytes_text(facts.arena)}{reuse}.</p>")
    picture = arena_svg(facts)
    if picture:
        out.append(f'<div class="wide">{picture}</div>')
    rows = [
        (
            f"<code>{escape(b.name)}</code>",
            escape(b.spec),
            bytes_text(b.nbytes),
            b.kind,
            "" if b.offset is None else f"at {b.offset}, {life(b)}",
            f"over {escape(few(b.over))}" if b.over else "",
        )
        for b in facts.buffers
    ]
    updates = grouped((how, name) for name, how in facts.updates)
    out += [f"<p>Variables {how}: {escape(', '.join(v))}.</p>" for how, v in updates.items()]
    table = _table(("buffer", "shape", "bytes", "kind", "place", ""), rows, right=(2,))
    out.append(f"<details><summary>{len(rows)} buffers</summary>{table}</details>")
    return out


def _gaps(facts: Facts) -> str:
    pairs = grouped((g.why, f"{g.first} \u2192 {g.second} ({g.value})") for g in facts.gaps)
    rows = [(escape(why), escape(", ".join(found))) for why, found in pairs.items()]
    return _table(("why", "instructions, and the value between them"), rows)


def _kernels(facts: Facts) -> list[str]:
    out = []
    for k, kernel in enumerate(facts.kernels):
        users = "<br/>".join(f"in {n}: {escape(operands)}" for n, operands in kernel.users)
        shown = ' open="open"' if k == 0 else ""
        out.append(
            f"<details{shown}><summary><b>{kernel.name}</b></summary><p>{users}</p>"
            f"<pre>{escape(kernel.source.rstrip())}</pre></details>"
        )
    return out


def _passes(passes: Sequence[tuple[str, str]]) -> list[str]:
    out = []
    before = ""
    for name, text in passes:
        if text == before:
            out.append(f"<p>{escape(name)}: no change</p>")
        else:
            out.append(
                f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>"
            )
        before = text
    return out
