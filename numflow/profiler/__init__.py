"""Where the time of a compiled function goes, per instruction and per line of yours.

p = nf.profiler.profile(f, x, y)   times every instruction of f(x, y)
print(p)                           table: time, share, bytes, flops, lines
p.trace("step.json")               for chrome://tracing and ui.perfetto.dev
p.roofline("step.png")             each instruction beside what the machine can do
"""

from __future__ import annotations

from numflow.profiler.limits import Limits, measure_limits
from numflow.profiler.profile import Profile, profile

__all__ = ["Limits", "Profile", "measure_limits", "profile"]
