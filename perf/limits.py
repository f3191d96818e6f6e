"""What this machine can do at best: peak of fused multiply-adds, and memory bandwidth.

The loops are LLVM IR compiled on the spot (loops.py), so no C compiler is needed:

* multiply-add peak: 12 independent accumulators in registers, on every thread. Enough to hide a
  latency of up to six cycles with two multiply-adds a cycle.
* copy: 64 MB read and 64 MB written, counted once each.
* a*b+c: three arrays of 64 MB read, one written.
* update: one array read, and three read and written in place, as an optimizer does.

Each stream is measured in several forms, with stores past the cache and without: the fastest
counts.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perf.loops import ACCUMULATORS, STREAMS, Loops, compiled, float_lanes

REPEATS = 11
STREAM_VECTORS = (16 << 20) // 16  # of 64 bytes: 64 MB


@dataclass(frozen=True)
class Limits:
    """Figures of the whole machine, with the number of threads that the workloads use."""

    flop_per_second: float
    bytes_per_second: float  # copied
    vector_bits: int
    threads: int
    stream_bytes_per_second: float = 0  # a*b+c
    update_bytes_per_second: float = 0  # in place
    forms: tuple[str, ...] = ()  # of the loops that reached these

    def best(self, other: "Limits") -> "Limits":
        """The greater of each figure: a limit that was measured in a busy moment is too low."""
        return replace(
            self,
            flop_per_second=max(self.flop_per_second, other.flop_per_second),
            bytes_per_second=max(self.bytes_per_second, other.bytes_per_second),
            stream_bytes_per_second=max(
                self.stream_bytes_per_second, other.stream_bytes_per_second
            ),
            update_bytes_per_second=max(
                self.update_bytes_per_second, other.update_bytes_per_second
            ),
        )


def measure_limits(threads: int, size: int = STREAM_VECTORS) -> Limits:
    """Measure all limits; takes about two seconds."""
    loops = compiled()
    lanes = float_lanes()
    turns = 50_000_000 // lanes
    sink = np.zeros((threads, 64), np.float32)  # a cache line and more per thread
    peak = _least_seconds(threads, lambda t: loops.multiply_add(turns, sink[t].ctypes.data))
    arrays = [_aligned(size * 16) for _ in range(4)]
    for a in arrays:
        a[:] = 1
    rates, forms = zip(*(_stream(loops, name, arrays, threads) for name in STREAMS), strict=True)
    return Limits(
        flop_per_second=2.0 * ACCUMULATORS * lanes * turns * threads / peak,
        bytes_per_second=rates[0],
        vector_bits=32 * lanes,
        threads=threads,
        stream_bytes_per_second=rates[1],
        update_bytes_per_second=rates[2],
        forms=forms,
    )


def _stream(
    loops: Loops,
    name: str,
    arrays: Sequence["np.ndarray[tuple[int], np.dtype[np.float32]]"],
    threads: int,
) -> tuple[float, str]:
    """Bytes per second of a stream's fastest form, and which that is."""
    addresses = np.array([a.ctypes.data for a in arrays], np.int64)
    vectors = arrays[0].size // 16
    share = -(-vectors // threads)
    found = []
    for form, loop in loops.streams[name].items():

        def work(t: int, loop: Callable[[int, int, int], None] = loop) -> None:
            loop(addresses.ctypes.data, t * share, min(vectors, (t + 1) * share))

        found.append((_least_seconds(threads, work), form))
    seconds, form = min(found)
    return STREAMS[name].arrays * arrays[0].nbytes / seconds, f"{name}: {form}"


def _aligned(count: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """float32 [count] at a multiple of 64 bytes."""
    raw = np.empty(count + 16, np.float32)
    skip = -raw.ctypes.data % 64 // 4
    return raw[skip : skip + count]


def _least_seconds(threads: int, work: Callable[[int], object]) -> float:
    """Seconds of `work(thread)` on all threads at once, undisturbed; ctypes releases the GIL.

    The threads meet at a barrier before each measurement, which ends with the last of them:
    starting threads is no part of a bandwidth.
    """
    meet = threading.Barrier(threads)
    spans = [[(0.0, 0.0)] * threads for _ in range(REPEATS)]

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
    # A limit is what the machine can do, not what others leave of it.
    return min(max(end for _, end in span) - min(start for start, _ in span) for span in spans)
