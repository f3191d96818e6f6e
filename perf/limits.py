"""What this machine can do at best: peak of fused multiply-adds, and memory bandwidth.

The loops are LLVM IR compiled on the spot, so no C compiler is needed, with vectors as wide as the
CPU has:

* multiply-add peak: 12 independent accumulators in registers, on every thread. Enough to hide a
  latency of up to six cycles with two multiply-adds a cycle.
* copy: 64 MB read and 64 MB written past the cache (non-temporal stores), counted once each.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import llvmlite.binding as llvm
import numpy as np

ACCUMULATORS = 12
REPEATS = 9


@dataclass(frozen=True)
class Limits:
    """Figures of the whole machine, with the number of threads that the workloads use."""

    flop_per_second: float
    bytes_per_second: float
    vector_bits: int
    threads: int

    def best(self, other: "Limits") -> "Limits":
        """The greater of each figure: a limit that was measured in a busy moment is too low."""
        return replace(
            self,
            flop_per_second=max(self.flop_per_second, other.flop_per_second),
            bytes_per_second=max(self.bytes_per_second, other.bytes_per_second),
        )


def measure_limits(threads: int) -> Limits:
    """Measure both limits; takes about a second."""
    lanes = _float_lanes()
    engine, multiply_add, copy = _compile(lanes)
    turns = 100_000_000 // lanes
    sink = np.zeros((threads, 64), np.float32)  # a cache line and more per thread
    peak = _least_seconds(threads, lambda t: multiply_add(turns, sink[t].ctypes.data))
    vectors = (16 << 20) // 16  # of 64 bytes: 64 MB
    source, target = _aligned(vectors * 16), _aligned(vectors * 16)
    source[:], target[:] = 1, 0
    a, b = source.ctypes.data, target.ctypes.data
    share = -(-vectors // threads)
    stream = _least_seconds(threads, lambda t: copy(a, b, t * share, min(vectors, (t + 1) * share)))
    assert engine is not None  # the code lives as long as the engine
    return Limits(
        flop_per_second=2.0 * ACCUMULATORS * lanes * turns * threads / peak,
        bytes_per_second=2.0 * source.nbytes / stream,
        vector_bits=32 * lanes,
        threads=threads,
    )


def _float_lanes() -> int:
    """float32 numbers in a vector of this CPU."""
    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") else 4


def _aligned(count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """float32 [count] at a multiple of 64 bytes."""
    raw = np.empty(count + 16, np.float32)
    skip = -raw.ctypes.data % 64 // 4
    return raw[skip : skip + count]


def _least_seconds(threads: int, work: Callable[[int], object]) -> float:
    """Seconds of `work(thread)` on all threads at once, undisturbed; ctypes releases the GIL."""
    seconds = []
    for _ in range(REPEATS):
        team = [threading.Thread(target=work, args=(t,)) for t in range(1, threads)]
        start = time.perf_counter()
        for thread in team:
            thread.start()
        work(0)
        for thread in team:
            thread.join()
        seconds.append(time.perf_counter() - start)
    return min(seconds)  # a limit is what the machine can do, not what others leave of it


def _compile(
    lanes: int,
) -> tuple[llvm.ExecutionEngine, Callable[[int, int], None], Callable[[int, int, int, int], None]]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(_ir(lanes))
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit",
        opt=2,
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    word = ctypes.c_int64
    multiply_add = ctypes.CFUNCTYPE(None, word, word)(engine.get_function_address("multiply_add"))
    copy = ctypes.CFUNCTYPE(None, word, word, word, word)(engine.get_function_address("copy"))
    return engine, multiply_add, copy


def _ir(lanes: int) -> str:
    """Both loops. x <- x * 0.5 + 0.5 nears 1, away from denormals; 0.5 depends on memory, so that
    nothing folds.
    """
    v = f"<{lanes} x float>"
    ids = range(ACCUMULATORS)
    phis = "\n  ".join(f"%x{k} = phi {v} [ %half, %entry ], [ %y{k}, %turn ]" for k in ids)
    fmas = "\n  ".join(f"%y{k} = call {v} @fma({v} %x{k}, {v} %half, {v} %half)" for k in ids)
    sums = "\n  ".join(
        f"%s{k} = fadd {v} {'%y0' if k == 1 else f'%s{k - 1}'}, %y{k}" for k in ids[1:]
    )
    text = f"""
declare {v} @fma({v}, {v}, {v})

define void @multiply_add(i64 %turns, i64 %sink) {{
entry:
  %p = inttoptr i64 %sink to ptr
  %zero = load volatile float, ptr %p
  %h = fadd float %zero, 0.5
  %one = insertelement {v} poison, float %h, i32 0
  %half = shufflevector {v} %one, {v} poison, <{lanes} x i32> zeroinitializer
  br label %turn
turn:
  %i = phi i64 [ 0, %entry ], [ %next, %turn ]
  {phis}
  {fmas}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %turn, label %done
done:
  {sums}
  %last = extractelement {v} %s{ACCUMULATORS - 1}, i32 0
  %less = fsub float %last, %last
  store volatile float %less, ptr %p
  ret void
}}

define void @copy(i64 %source, i64 %target, i64 %begin, i64 %end) {{
entry:
  %a = inttoptr i64 %source to ptr
  %b = inttoptr i64 %target to ptr
  %any = icmp slt i64 %begin, %end
  br i1 %any, label %turn, label %done
turn:
  %i = phi i64 [ %begin, %entry ], [ %next, %turn ]
  %from = getelementptr <16 x float>, ptr %a, i64 %i
  %to = getelementptr <16 x float>, ptr %b, i64 %i
  %x = load <16 x float>, ptr %from, align 64
  store <16 x float> %x, ptr %to, align 64, !nontemporal !0
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %turn, label %done
done:
  ret void
}}

!0 = !{{i32 1}}
"""
    return text.replace("@fma(", f"@llvm.fma.v{lanes}f32(")
