"""Loop form -> LLVM IR text with explicit vectors of a given width, compiled without IR passes.

One function `void k(int64 *args, int64 begin, int64 end)` per Loop; kernels/abi.py and Loop.slots()
are the layout of args.

    entry       pointers, sizes and strides; terms of level KERNEL
    blocks      for block in begin..end, where the Loop is blocked; folds that cross rows begin
      rows        for row in .., two at once where they are folded: addresses, then each sweep:
                  row terms, splat | lane loops | horizontal folds, row stores
        lanes       unroll x W columns per turn | W per turn | one masked turn for the tail

Of a deep loop, a turn of the lane loop runs all the sweeps, with a loop over the depth inside
(deep.py). With `inner` constant there are no lane loops: full vectors, then one part of a vector
(loads and stores of just that many elements: no mask, which AVX2 cannot store fast). Within a turn
all values are computed before the first store, so an output may be one of the inputs (same
strides). Folds that cross rows stay in registers from row to row; those per column do where `inner`
is constant and small, else rows are taken ROWS at a time, so that a partial in L1 is read and
written once for ROWS rows. Vectors of one turn, and short rows, are printed with their instructions
in turns, so that their chains of operations overlap (assembler.py, interleave).
"""

from __future__ import annotations

import os
from functools import cache

from numflow.graph.loops import Loop
from numflow.kernels import engine
from numflow.kernels.engine import Target
from numflow.kernels.sources import digest_of


def compile_loop(loop: Loop, target: Target | None = None, stream: bool = False) -> int:
    """Address of the kernel of a Loop; compiled once, then from the cache in memory or on disk.

    stream: non-temporal stores of outputs that are written once and not read back; they must then
    start, step from row to row, and be cut into chunks, at multiples of the vector's bytes.
    """
    target = target or Target.host()
    description = f"simd {_version()} {stream}\n{loop}"
    compiled = engine.functions(
        description, lambda prefix: print_simd(loop, target, stream, prefix + "k"), ["k"], target
    )
    return compiled["k"]


def print_simd(loop: Loop, target: Target, stream: bool = False, symbol: str = "k") -> str:
    """IR text of the kernel, as a module that exports `symbol`."""
    # The printer loads when something is printed: a process whose kernels are all cached needs none
    # of it.
    from numflow.codegen.rows import Rows

    printer = Rows(loop, target, stream)
    lines = "\n".join(printer.function())
    declarations = "\n".join(sorted(printer.asm.declarations))
    width = f'"prefer-vector-width"="{target.bits}" "min-legal-vector-width"="{target.bits}"'
    return (
        f"define void @{symbol}(ptr noalias %args, i64 %begin, i64 %end) #0 {{\n"
        f"entry:\n{lines}\n}}\n{declarations}\n"
        f"attributes #0 = {{ nounwind {width} }}\n"
        "!0 = !{i32 1}\n!1 = !{}\n"
    )


@cache
def _version() -> str:
    """A hash of all files that decide what is printed: whoever edits one of them gets new code."""
    return digest_of(_sources()).hex()[:16]


def _sources() -> list[str]:
    here, kernels = os.path.dirname(__file__), os.path.dirname(engine.__file__)
    graph = os.path.join(os.path.dirname(here), "graph")
    bodies = sorted(
        name for name in os.listdir(kernels) if name.startswith("scalar") and name.endswith(".py")
    )
    return [
        *(os.path.join(here, f"{name}.py") for name in _PRINTER),
        *(os.path.join(graph, name) for name in ("loops.py", "loop_form.py")),
        *(os.path.join(kernels, name) for name in ("abi.py", "builder.py", *bodies)),
    ]


_PRINTER = ("simd", "rows", "turns", "deep", "terms", "assembler", "vector", "memory", "folds")
