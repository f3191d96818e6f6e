"""Two pictures: the instructions with what flows between them, and who lies where in the arena."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from numflow.explain import layers
from numflow.explain.parts import Buffer, Facts, Instruction
from numflow.explain.text import bytes_text, domain_text, life, ops_text, plural

FILL = {  # per kind: fill and border; dark text stays readable on each
    "cluster": ("#e3eefc", "#3b77c2"),
    "segments": ("#dff3ee", "#23836b"),
    "library": ("#fdebd3", "#c2761b"),
    "copy": ("#eeeeee", "#777777"),
    "host": ("#fbdfe0", "#b8383d"),
    "loop": ("#e9e4f7", "#5b4a9e"),
    "branches": ("#f3e8f5", "#8a4a9e"),
    "sizes": ("#f7f7f7", "#5b6770"),
    "input": ("#ffffff", "#555555"),
    "result": ("#ffffff", "#555555"),
}
LETTERS = 34  # of a line in a box
LETTER, LINE, PAD = 6.3, 15.0, 9.0  # pixels
BETWEEN = 30.0  # between ranks


@dataclass(frozen=True)
class _Box:
    kind: str
    lines: tuple[str, ...]
    title: str

    @property
    def width(self) -> float:
        return max(map(len, self.lines)) * LETTER + 2 * PAD

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + PAD


def graph_svg(facts: Facts) -> str:
    """The instructions as boxes, with arguments above and results below."""
    boxes: dict[layers.Key, _Box] = {i.number: _instruction(i) for i in facts.instructions}
    edges: list[layers.Edge] = [(a, i.number) for i in facts.instructions for a in i.after]
    rank = {k: r + 1 for k, r in layers.ranks(boxes, edges).items()}
    for b in facts.buffers:
        readers = [i.number for i in facts.instructions if b.name in i.reads]
        if b.kind == "argument" and readers:
            key: layers.Key = ("input", b.name)
            boxes[key] = _Box("input", (_cut(f"{b.name}: {b.spec}"),), "argument")
            rank[key] = min(rank[r] for r in readers) - 1
            edges += [(key, r) for r in readers]
    for name, maker in facts.results:
        key = ("result", name)
        boxes[key] = _Box("result", (f"result {name}",), "result")
        rank[key] = rank[maker] + 1
        edges.append((maker, key))
    if not boxes:
        return ""
    lowest = min(rank.values())
    rank = {k: r - lowest for k, r in rank.items()}
    drawing = layers.draw({k: b.width for k, b in boxes.items()}, rank, edges)
    heights = [
        max((boxes[k].height for k in boxes if rank[k] == r), default=LINE)
        for r in range(1 + max(rank.values()))
    ]
    tops = [sum(heights[:r]) + BETWEEN * r + 1 for r in range(len(heights))]
    out = []
    for (start, end), xs in drawing.routes.items():
        first, last = rank[start], rank[end]
        ys = [tops[first] + boxes[start].height]
        out.append(_wire(xs, ys[0], tops, heights, first, last))
    for key, box in boxes.items():
        out.append(_drawn(box, drawing.center[key], tops[rank[key]]))
    width, height = drawing.width + 2, tops[-1] + heights[-1] + 2
    return _svg(width, height, out, "the instructions of the program")


def _instruction(i: Instruction) -> _Box:
    ops = ops_text(i.ops)
    head = f"{i.number}  {i.kernel or (i.ops[0] if i.kind == 'library' else i.kind)}"
    lines = [head]
    if i.kind != "library" or len(i.ops) > 1:
        lines.append(_cut(i.note if i.kind == "segments" else ops))
    size = bytes_text(i.nbytes) if i.nbytes is not None else f"{i.traffic} bytes"
    lines.append(_cut(f"{(i.now or i.domain).split(';')[0]}  {size}"))
    if i.in_place:
        more = f" and {len(i.in_place) - 3} more" if len(i.in_place) > 4 else ""
        names = i.in_place[:3] if more else i.in_place
        lines.append(_cut(f"in place: {', '.join(names)}{more}"))
    return _Box(i.kind, tuple(lines), f"{i.kind}: {ops} over {domain_text(i)}")


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _drawn(box: _Box, center: float, top: float) -> str:
    fill, border = FILL[box.kind]
    left, radius = center - box.width / 2, 4 if box.kind not in ("input", "result") else 11
    out = [
        f'<g><title>{escape(box.title)}</title><rect x="{left + 1:.1f}" y="{top:.1f}" '
        f'width="{box.width - 2:.1f}" height="{box.height:.1f}" rx="{radius}" fill="{fill}" '
        f'stroke="{border}"/>'
    ]
    for k, line in enumerate(box.lines):
        bold = ' font-weight="bold"' if k == 0 and box.kind not in ("input", "result") else ""
        y = top + PAD / 2 + 11 + k * LINE
        out.append(f'<text x="{left + PAD:.1f}" y="{y:.1f}"{bold}>{escape(line)}</text>')
    return "".join(out) + "</g>"


def _wire(
    xs: tuple[float, ...], start: float, tops: list[float], heights: list[float], a: int, b: int
) -> str:
    """A curve from a box through the ranks between to another box, with an arrow head."""
    path = f"M{xs[0]:.1f},{start:.1f}"
    y = start
    for k, x in enumerate(xs[1:], 1):
        end = tops[a + k] - (4 if a + k == b else 0)
        middle = (y + end) / 2
        path += f" C{xs[k - 1]:.1f},{middle:.1f} {x:.1f},{middle:.1f} {x:.1f},{end:.1f}"
        y = end
        if a + k < b:
            y = tops[a + k] + heights[a + k]
            path += f" L{x:.1f},{y:.1f}"
    x, tip = xs[-1], tops[b]
    head = f"{x - 3.5:.1f},{tip - 6:.1f} {x + 3.5:.1f},{tip - 6:.1f} {x:.1f},{tip:.1f}"
    return (
        f'<path d="{path}" fill="none" stroke="#8a8f98"/><polygon points="{head}" fill="#8a8f98"/>'
    )


# --- the arena -----------------------------------------------------------------

TALL = 180.0
COLORS = ("#8db4e2", "#f2b98a", "#9fd1b3", "#c9b2dd", "#e6a6b0", "#cfc68a")


def arena_svg(facts: Facts) -> str:
    """A column per instruction, addresses upwards: a box is a buffer's life."""
    buffers = [b for b in facts.buffers if b.offset is not None and b.nbytes]
    steps = len(facts.instructions)
    if not buffers or not facts.arena:
        return ""
    column = max(16.0, min(60.0, 860.0 / steps))
    left = 70.0
    out = []
    for k, b in enumerate(buffers):
        out.append(_life(b, COLORS[k % len(COLORS)], left, column, TALL / facts.arena))
    for i in range(steps):
        x = left + (i + 0.5) * column
        out.append(f'<text x="{x:.1f}" y="{TALL + 18:.1f}" text-anchor="middle">{i}</text>')
    out.append(
        f'<text x="{left - 6:.1f}" y="11" text-anchor="end">{bytes_text(facts.arena)}</text>'
    )
    out.append(f'<text x="{left - 6:.1f}" y="{TALL:.1f}" text-anchor="end">0</text>')
    out.append(
        f'<path d="M{left:.1f},1 V{TALL + 1:.1f} H{left + steps * column:.1f}" fill="none" '
        'stroke="#555555"/>'
    )
    what = f"{plural(len(buffers), 'buffer')} in the arena, over the instructions"
    return _svg(left + steps * column + 2, TALL + 24, out, what)


def _life(b: Buffer, color: str, left: float, column: float, scale: float) -> str:
    x, wide = left + b.first * column, (b.last - b.first + 1) * column
    tall = max((b.nbytes or 0) * scale, 1.0)
    y = TALL - (b.offset or 0) * scale - tall + 1
    title = escape(f"{b.name} {b.spec} {bytes_text(b.nbytes)}, {life(b)}")
    box = (
        f'<g><title>{title}</title><rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
        f'height="{tall:.1f}" fill="{color}" stroke="#ffffff" stroke-width="0.7"/>'
    )
    if tall >= 12 and wide >= len(b.name) * LETTER + 4:
        box += f'<text x="{x + 3:.1f}" y="{y + tall / 2 + 4:.1f}">{escape(b.name)}</text>'
    return box + "</g>"


def _svg(width: float, height: float, parts: list[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="10.5" '
        f'fill="#1d2430"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
