"""The loops that limits.py times, as LLVM IR, with vectors as wide as the CPU has."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

ACCUMULATORS = 12


@dataclass(frozen=True)
class Stream:
    """What a loop does with the arrays %p0, %p1, ...: the numbers of those it reads and writes."""

    reads: tuple[int, ...]
    writes: tuple[int, ...]

    @property
    def arrays(self) -> int:
        """How often an array's bytes are moved."""
        return len(self.reads) + len(self.writes)


# Written is the product of what is read, or a*b+c, to each of what is written.
STREAMS = {
    "read": Stream((0,), ()),
    "copy": Stream((0,), (1,)),
    "a+b": Stream((0, 1), (2,)),
    "two copies": Stream((0, 1), (2, 3)),
    "a*b+c": Stream((0, 1, 2), (3,)),
    "update": Stream((0, 1, 2, 3), (1, 2, 3)),
}
# (stores past the cache, vectors a turn)
FORMS = {
    "non-temporal": (True, 1),
    "non-temporal, 4 vectors": (True, 4),
    "plain": (False, 1),
    "plain, 4 vectors": (False, 4),
}


@dataclass(frozen=True)
class Loops:
    """The compiled loops; the code lives as long as the engine."""

    engine: llvm.ExecutionEngine
    multiply_add: Callable[[int, int], None]  # turns, address of a float
    # name -> form -> loop(address of the arrays' addresses, first vector of 64 bytes, last)
    streams: dict[str, dict[str, Callable[[int, int, int], None]]]


def float_lanes() -> int:
    """float32 numbers in a vector of this CPU."""
    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") else 4


@cache
def compiled() -> Loops:
    """The loops, compiled for this CPU."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(_ir(float_lanes()))
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
    kind = ctypes.CFUNCTYPE(None, word, word, word)
    streams: dict[str, dict[str, Callable[[int, int, int], None]]] = {
        name: {
            form: kind(engine.get_function_address(f"stream_{i}_{j}"))
            for j, form in enumerate(FORMS)
        }
        for i, name in enumerate(STREAMS)
    }
    return Loops(engine, multiply_add, streams)


def _ir(lanes: int) -> str:
    streams = [
        _stream_ir(f"stream_{i}_{j}", name, past, vectors)
        for i, name in enumerate(STREAMS)
        for j, (past, vectors) in enumerate(FORMS.values())
    ]
    return "\n".join([_multiply_add_ir(lanes), *streams, "!0 = !{i32 1}"])


def _multiply_add_ir(lanes: int) -> str:
    """x <- x * 0.5 + 0.5 nears 1, away from denormals; 0.5 depends on memory, so that nothing
    folds.
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
"""
    return text.replace("@fma(", f"@llvm.fma.v{lanes}f32(")


def _stream_ir(function: str, name: str, past: bool, vectors: int) -> str:
    """A loop over lines of 64 bytes, `vectors` of them a turn; what is left over is left out."""
    stream = STREAMS[name]
    used = sorted({*stream.reads, *stream.writes})
    pointers = "\n  ".join(
        f"%s{k} = getelementptr i64, ptr %table, i64 {k}\n"
        f"  %a{k} = load i64, ptr %s{k}\n"
        f"  %p{k} = inttoptr i64 %a{k} to ptr"
        for k in used
    )
    body = "\n  ".join(
        line for u in range(vectors) for line in _lines(stream, name == "a*b+c", past, u)
    )
    return f"""
define void @{function}(i64 %address, i64 %begin, i64 %end) {{
entry:
  %table = inttoptr i64 %address to ptr
  {pointers}
  %stop = sub i64 %end, {vectors - 1}
  %any = icmp slt i64 %begin, %stop
  br i1 %any, label %turn, label %done
turn:
  %i = phi i64 [ %begin, %entry ], [ %next, %turn ]
  {body}
  %next = add i64 %i, {vectors}
  %more = icmp slt i64 %next, %stop
  br i1 %more, label %turn, label %done
done:
  fence seq_cst
  ret void
}}
"""


def _lines(stream: Stream, product: bool, past: bool, u: int) -> Iterator[str]:
    """One vector of 64 bytes of each array."""
    v = "<16 x float>"
    yield f"%i{u} = add i64 %i, {u}"
    for k in sorted({*stream.reads, *stream.writes}):
        yield f"%q{u}_{k} = getelementptr {v}, ptr %p{k}, i64 %i{u}"
    kept = "" if stream.writes else "volatile "  # what nothing is made of would be left out
    for k in stream.reads:
        yield f"%x{u}_{k} = load {kept}{v}, ptr %q{u}_{k}, align 64"
    value = f"%x{u}_{stream.reads[0]}"
    if product:
        yield f"%m{u} = fmul contract {v} %x{u}_0, %x{u}_1"
        yield f"%y{u} = fadd contract {v} %m{u}, %x{u}_2"
        value = f"%y{u}"
    else:
        for k in stream.reads[1:]:
            yield f"%y{u}_{k} = fmul {v} {value}, %x{u}_{k}"
            value = f"%y{u}_{k}"
    hint = ", !nontemporal !0" if past else ""
    for k in stream.writes:
        yield f"store {v} {value}, ptr %q{u}_{k}, align 64{hint}"
