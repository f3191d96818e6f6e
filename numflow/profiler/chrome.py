"""A Chrome trace: what chrome://tracing, Perfetto and Speedscope open.

"Trace Event Format", Google: complete events (`ph` X) with begin and duration in microseconds. One
row of boxes for the instructions, and one for the user's lines above them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from numflow.runtime.profile import Row


def trace_text(name: str, rows: Sequence[Row]) -> str:
    """The instructions of one call, one after the other, as JSON."""
    events: list[dict[str, Any]] = [
        {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": name}},
        {"ph": "M", "pid": 1, "tid": 1, "name": "thread_name", "args": {"name": "your lines"}},
        {"ph": "M", "pid": 1, "tid": 2, "name": "thread_name", "args": {"name": "instructions"}},
    ]
    now = 0.0
    for row in rows:
        time = row.seconds * 1e6
        span = {"ph": "X", "pid": 1, "ts": round(now, 3), "dur": round(time, 3)}
        if row.lines:
            events.append({**span, "tid": 1, "name": str(row.lines[0]), "cat": "line"})
        args = {
            "ops": ", ".join(row.ops),
            "bytes": row.nbytes,
            "flops": row.flops,
            "GB/s": round(row.gigabytes_per_second, 2),
            "GFLOP/s": round(row.gigaflops, 2),
            "units": row.units,
            "chunk": row.chunk,
            "lines": [str(line) for line in row.lines],
        }
        title = f"{row.number} {row.kind}: {row.ops[0]}"
        events.append({**span, "tid": 2, "name": title, "cat": row.kind, "args": args})
        now += time
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}, indent=1)
