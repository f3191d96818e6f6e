"""profile(f, *args): every instruction of a compiled function timed alone, and the call as a whole.

Times are medians of many runs on the buffers of a real call. A loop or a branch is one row, with
all that is inside of it, and is timed within real calls. Variables that the function updates
have their values again afterwards. An instruction alone finds its data in the caches more often
than within a call, so the sum may be less than the call; what is left is named in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from numflow.eager.concrete import ConcreteFunction, array_of
from numflow.errors import DTypeError, SourceLine, explain
from numflow.function import Function
from numflow.profiler.chrome import trace_text
from numflow.profiler.limits import Limits, measure_limits
from numflow.profiler.roofline import draw
from numflow.runtime.profile import RESOLUTION, Row, call_seconds
from numflow.runtime.profile import profile as timed


def profile(f: Any, *args: Any, rounds: int = 7, **kwargs: Any) -> Profile:
    """Time every instruction of f(*args, **kwargs).

    Args:
      f: a numflow.function, or one of its traces.
      args, kwargs: as for a call.
      rounds: measurements per instruction; their median counts.

    Returns:
      A Profile: print it, or see its methods.

    Raises:
      DTypeError: f is not compiled.

    Example:
      >>> f = nf.function(lambda x: nf.exp(x) + 1.0)
      >>> p = nf.profiler.profile(f, nf.ones([1000]))
      >>> p.rows[0].ops, p.rows[0].nbytes
      (('exp', 'add'), 8000)
    """
    if isinstance(f, Function):
        concrete, tensors = f.find(*args, **kwargs)
    elif isinstance(f, ConcreteFunction):
        concrete, tensors = f, args
    else:
        fix = "nf.function(f), which compiles it"
        raise DTypeError(explain("profile", "wants a compiled function", {"f": type(f)}, fix))
    executable: Any = concrete.plain()
    arrays = [array_of(x) for x in (*tensors, *concrete.captured_inputs)]
    rows = tuple(timed(executable, arrays, rounds))
    seconds = call_seconds(executable, lambda: f(*args, **kwargs), rounds)
    return Profile(concrete.name, rows, seconds)


@dataclass(frozen=True)
class Profile:
    """rows: the instructions in their order. seconds: of a call as a whole."""

    name: str
    rows: tuple[Row, ...]
    seconds: float

    @property
    def inside(self) -> float:
        """Seconds of all instructions together."""
        return sum(row.seconds for row in self.rows)

    def share(self, row: Row) -> float:
        """Part of the instructions' time that one takes."""
        return row.seconds / self.inside

    def by_line(self) -> list[tuple[SourceLine | None, float]]:
        """Seconds per line of yours, the greatest first; an instruction of n lines gives each an
        n-th."""
        found: dict[SourceLine | None, float] = {}
        for row in self.rows:
            for line in row.lines or (None,):
                found[line] = found.get(line, 0.0) + row.seconds / max(len(row.lines), 1)
        return sorted(found.items(), key=lambda item: -item[1])

    def table(self, limits: Limits | None = None) -> str:
        """A line per instruction, then the seconds per line of yours.

        limits: with them, a column tells how much of its time an instruction would need at least,
          at these rates; more than 100 % where data comes from the caches, not from memory.
        """
        return "\n".join([*_table(self, limits), "", *_lines(self)])

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return str(self)

    def trace(self, path: str | PathLike[str]) -> None:
        """Write a Chrome trace: the instructions of one call on a time line, with their lines."""
        Path(path).write_text(trace_text(self.name, self.rows), encoding="utf-8")

    def roofline(
        self, path: str | PathLike[str] | None = None, limits: Limits | None = None
    ) -> Any:
        """A picture of each instruction's flops per second over its flops per byte.

        Args:
          path: a file to write it to; PNG, SVG or PDF by its ending.
          limits: of the machine; measured if not given.

        Returns:
          The matplotlib Figure, which a notebook shows.
        """
        return draw(self.name, self.rows, limits or measure_limits(), path)


# --- the table -----------------------------------------------------------------


def _table(p: Profile, limits: Limits | None) -> list[str]:
    more = "" if limits is None else f" {'of limit':>8}"
    head = f"{'':>4} {'us':>9} {'share':>6} {'GB/s':>7} {'GFLOP/s':>8}{more} {'bytes':>9}  what"
    lines = [head, "-" * 100]
    lines += [
        f"{row.number:4} {_time(row):>9} {p.share(row):6.1%} {_rates(row)}{_reached(row, limits)} "
        f"{_bytes(row.nbytes):>9}  {row.kind}: {_ops(row.ops)}  {_place(row.lines)}".rstrip()
        for row in p.rows
    ]
    rest = p.seconds - p.inside
    lines += [
        "-" * 100,
        f"{'':4} {p.inside * 1e6:9.2f} us in {len(p.rows)} instructions, "
        f"{p.seconds * 1e6:.2f} us a call"
        + (f": {rest * 1e6:.2f} us are the call, host calls and colder caches" * (rest > 0)),
    ]
    return lines


def _lines(p: Profile) -> list[str]:
    found = ["By line"]
    for line, seconds in p.by_line():
        where = "no line of yours" if line is None else str(line)
        found.append(f"{'':4} {seconds * 1e6:9.2f} {seconds / p.inside:6.1%}  {where}"[:100])
    return found


def _time(row: Row) -> str:
    return f"{row.seconds * 1e6:.2f}" if row.seconds >= RESOLUTION else f"<{RESOLUTION * 1e6:.2f}"


def _rates(row: Row) -> str:
    """GB/s and GFLOP/s, where there is something to tell."""
    if row.seconds < RESOLUTION:
        return f"{'':7} {'':8}"
    rate = f"{row.gigabytes_per_second:.1f}" if row.nbytes else ""
    return f"{rate:>7} {f'{row.gigaflops:.1f}' if row.flops else '':>8}"


def _reached(row: Row, limits: Limits | None) -> str:
    if limits is None:
        return ""
    if row.seconds < RESOLUTION:
        return f" {'':8}"
    least = max(row.nbytes / limits.memory, row.flops / limits.flops)
    return f" {least / row.seconds:8.0%}"


def _bytes(n: int) -> str:
    if not n:
        return ""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} B"


def _ops(names: Sequence[str]) -> str:
    """Names with repeats counted, short enough for a line."""
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    text = " ".join(f"{name}*{n}" if n > 1 else name for name, n in counts.items())
    return text if len(text) <= 44 else text[:43] + "…"


def _place(lines: Sequence[SourceLine]) -> str:
    if not lines:
        return ""
    more = f" +{len(lines) - 1}" if len(lines) > 1 else ""
    return f"{Path(lines[0].file).name}:{lines[0].line}{more}"
