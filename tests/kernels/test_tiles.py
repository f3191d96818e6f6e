"""Register tiles: what the compiler makes of them."""

from __future__ import annotations

import pytest

from numflow.kernels import engine
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import TABLE_PLACES, Tile, largest_rows, tile_ir


def depth_loop(dtype: str, name: str, tile: Tile) -> list[str]:
    """The assembly of a tile's loop over k."""
    target = Target.named(name)
    ir = tile_ir(tile, Vectors(dtype, target), None, "tile")
    lines = [line.strip() for line in engine.compile_only(ir, target).splitlines()]
    multiplications = [i for i, line in enumerate(lines) if line.startswith("vfmadd")]
    start = max(i for i in range(multiplications[0]) if lines[i].startswith(".L"))
    end = next(i for i in range(multiplications[-1], len(lines)) if lines[i].startswith("j"))
    return lines[start:end]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "register", "rows", "count"),
    [
        ("avx512", "zmm", 12, 2), ("avx512", "zmm", 11, 2), ("avx512", "zmm", 9, 3),
        ("avx2", "ymm", 6, 2), ("avx2", "ymm", 3, 3), ("avx2", "ymm", 8, 1),
    ],
)  # fmt: skip
def test_the_loop_over_k_stays_in_registers(
    dtype: str, name: str, register: str, rows: int, count: int
) -> None:
    """One multiply-add per vector of C, no vector spilled, none copied."""
    loop = depth_loop(dtype, name, Tile(rows, count, False))
    vectors = [line for line in loop if register in line]
    assert sum(line.startswith("vfmadd") for line in vectors) == rows * count
    assert not [line for line in vectors if "rsp" in line]
    assert not [line for line in vectors if line.startswith("vmovap") and line.count(register) > 1]


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512", "neon"])
def test_every_tile_fits_the_table_and_the_registers(name: str) -> None:
    """Accumulators, the vectors of B and one of A."""
    vectors = Vectors("float32", Target.named(name))
    places = set()
    for count in (1, 2, 3, 4):
        for rows in range(1, largest_rows(vectors, count) + 1):
            assert rows * count + count + 1 <= vectors.target.registers
            for tail in (False, True):
                places.add(Tile(rows, count, tail).place)
    assert max(places) < TABLE_PLACES
    assert len(places) == 2 * sum(largest_rows(vectors, count) for count in (1, 2, 3, 4))


def test_a_machine_without_fused_multiply_add_calls_no_library() -> None:
    """llvm.fma would become a call of libm per lane."""
    target = Target.named("baseline")
    ir = tile_ir(Tile(6, 2, True), Vectors("float32", target), None, "tile")
    assembly = engine.compile_only(ir, target)
    assert "call" not in assembly
    assert "mulps" in assembly
