"""What this machine can do at best: peak of fused multiply-adds, and memory bandwidth.

The loops are LLVM IR compiled on the spot (loops.py), so no C compiler is needed:

* multiply-add peak: 12 independent accumulators in registers, on every thread. Enough to hide a
  latency of up to six cycles with two multiply-adds a cycle. Measured in every round: the best
  counts.
* memory: streams of arrays that no cache holds, with the reads and writes of what they bound
  (loops.STREAMS). Other tenants of a machine halve its bandwidth from one minute to the next, so a
  stream is measured in the process that is bounded by it, before and after each of its samples.
"""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from perf.loops import ACCUMULATORS, FORMS, STREAMS, compiled, float_lanes

REPEATS = 11
STREAM_VECTORS = (16 << 20) // 16  # of 64 bytes: 64 MB
PIECES = 32  # of a pass, for each thread: who is late does fewer


@dataclass(frozen=True)
class Limits:
    """Figures of the whole machine, with the number of threads that the workloads use."""

    flop_per_second: float
    vector_bits: int
    threads: int

    def best(self, other: "Limits") -> "Limits":
        """The greater: a limit that was measured in a busy moment is too low."""
        return replace(self, flop_per_second=max(self.flop_per_second, other.flop_per_second))


def measure_limits(threads: int) -> Limits:
    """Measure the multiply-add peak; takes about half a second."""
    lanes, loop = float_lanes(), compiled().multiply_add
    turns = 50_000_000 // lanes
    sink = np.zeros((threads, 64), np.float32)  # a cache line and more per thread
    seconds = min(_together(threads, REPEATS, lambda t: loop(turns, sink[t].ctypes.data)))
    flop = 2.0 * ACCUMULATORS * lanes * turns * threads
    return Limits(flop / seconds, 32 * lanes, threads)


class Bandwidth:
    """The bandwidth of a stream, again and again, in the form that is fastest here.

    name: of loops.STREAMS. size: of its arrays, in vectors of 64 bytes.
    """

    def __init__(self, name: str, threads: int, size: int = STREAM_VECTORS) -> None:
        self.name, self.threads, self.size = name, threads, size
        arrays = _arrays(size)
        self._table = np.array([a.ctypes.data for a in arrays], np.int64)
        self.nbytes = STREAMS[name].arrays * arrays[0].nbytes  # of a pass
        found = [(min(self._passes(form, 5)), form) for form in FORMS]
        self._pass, self.form = min(found)

    def __call__(self, seconds: float) -> float:
        """Bytes per second, over about that many seconds."""
        passes = max(1, min(1000, round(seconds / self._pass)))
        return self.nbytes * passes / sum(self._passes(self.form, passes))

    def _passes(self, form: str, count: int) -> list[float]:
        """Seconds of each of so many passes; a thread takes the next piece when it has done one."""
        loop, table = compiled().streams[self.name][form], self._table.ctypes.data
        step = -(-self.size // (PIECES * self.threads))
        starts = list(range(0, self.size, step))
        turns = [itertools.count() for _ in range(count)]
        at = [0] * self.threads  # which pass a thread is in

        def work(t: int) -> None:
            pieces, at[t] = turns[at[t]], at[t] + 1
            while (k := next(pieces)) < len(starts):
                loop(table, starts[k], min(self.size, starts[k] + step))

        return _together(self.threads, count, work)


@cache
def _arrays(size: int) -> list["np.ndarray[tuple[int], np.dtype[np.float32]]"]:
    """Four arrays of that many vectors, at multiples of 64 bytes; every stream's."""
    arrays = []
    for _ in range(4):
        raw = np.empty(16 * (size + 1), np.float32)
        skip = -raw.ctypes.data % 64 // 4
        arrays.append(raw[skip : skip + 16 * size])
        arrays[-1][:] = 1
    return arrays


def _together(threads: int, count: int, work: Callable[[int], object]) -> list[float]:
    """Seconds of `work(thread)` on all threads at once, so many times; ctypes releases the GIL.

    The threads meet at a barrier before each measurement, which ends with the last of them:
    starting threads is no part of a bandwidth.
    """
    meet = threading.Barrier(threads)
    spans = [[(0.0, 0.0)] * threads for _ in range(count)]

    def member(t: int) -> None:
        for span in spans:
            meet.wait()
            start = time.perf_counter()
            work(t)
            span[t] = start, time.perf_counter()

    team = [threading.Thread(target=member, args=(t,)) for t in range(1, threads)]
    for thread in team:
        thread.start()
    member(0)
    for thread in team:
        thread.join()
    return [max(end for _, end in span) - min(start for start, _ in span) for span in spans]
