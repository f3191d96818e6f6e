"""CRC-32C against RFC 3720 and the library."""

from __future__ import annotations

import itertools

import google_crc32c
import numpy as np
import pytest

from numflow.io.crc32c import crc32c, unlocked
from numflow.kernels import abi
from numflow.kernels.cpu import crc32c as kernel
from numflow.kernels.engine import Target
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

needs_instruction = pytest.mark.skipif(
    not kernel.supported(), reason="the processor has no instruction for CRC-32C"
)

# RFC 3720, appendix B.4.
_READ_PDU = bytes.fromhex(
    "01c00000000000000000000000000000140000000000040000000014000000182800000000000000"
    "0200000000000000"
)
RFC_3720 = [
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (_READ_PDU, 0xD9963A56),
]


@pytest.mark.parametrize(("data", "want"), RFC_3720)
def test_the_vectors_of_the_standard(data: bytes, want: int) -> None:
    """Both ways of computing it."""
    assert crc32c(data) == want
    assert unlocked()(np.frombuffer(data, np.uint8), 0) == want


@needs_instruction
def test_every_length_at_every_alignment() -> None:
    """Pieces that end at an unreadable page, short ones and around the first that are cut."""
    lengths = [*range(301), *range(760, 1000, 7), 1151, 1152, 1153, 4096, 70001]
    p = kernel.plan(1)
    whole = Guarded((1, lengths[-1]), lengths[-1], "uint8", fill=0)
    whole.array[...] = np.random.default_rng(0).integers(0, 256, whole.array.shape)
    data = whole.array[0]
    for length in lengths:
        for before in (0, 0xFFFFFFFF, length * 2654435761 & 0xFFFFFFFF):
            piece = data[data.size - length :]
            row = np.array([data.ctypes.data + data.size - length, length, before], np.int64)
            assert launch(p.address, [row.ctypes.data], [(0, 1)]) == abi.NO_ERROR
            assert row[2] == google_crc32c.extend(before, piece.tobytes()), length
    assert whole.untouched()
    whole.release()


@needs_instruction
def test_pieces_in_any_order() -> None:
    """One unit is one piece; the others' rows are left alone."""
    data = np.random.default_rng(1).integers(0, 256, 40009, dtype=np.uint8)
    ends = [0, 0, 1, 9000, 9008, 25001, 40009]
    rows = np.array(
        [[data.ctypes.data + a, b - a, 7] for a, b in itertools.pairwise(ends)], np.int64
    )
    p = kernel.plan(len(rows))
    launch(p.address, [rows.ctypes.data], [(k, k + 1) for k in range(1, len(rows))][::-1])
    assert rows[0, 2] == 7
    for row, a, b in zip(rows[1:], ends[1:], ends[2:], strict=False):
        assert row[2] == google_crc32c.extend(7, data[a:b].tobytes())


def test_powers_join_what_the_library_computes() -> None:
    """The join of checksums, run as Python."""
    data = np.random.default_rng(2).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    for cut in (0, 1, 8, 2311, 5000):
        shift = kernel.power(len(data) - cut)
        joined = kernel.times(crc32c(data[:cut]), shift) ^ crc32c(data[cut:])
        assert joined == crc32c(data)


def test_machines_with_the_instruction() -> None:
    """x86 from AVX2 on, others as they say; where it is missing, the library computes."""
    assert not kernel.supported(Target.named("baseline"))
    assert kernel.supported(Target.named("avx2")) and kernel.supported(Target.named("avx512"))
    assert not kernel.supported(Target.named("neon"))
    assert kernel.supported(Target.named("neon")._replace(features="+neon,+crc"))
    assert kernel.supported(Target.named("baseline")._replace(features="+sse4.2"))


@pytest.mark.parametrize("name", ["avx2", "neon"])
def test_other_machines_get_their_instruction(name: str) -> None:
    """Compiled, not run."""
    from numflow.kernels.engine import compile_only
    from numflow.kernels.ir import Vectors
    from numflow.kernels.lang import emit_module

    target = Target.named(name)
    target = target._replace(features="+crc") if name == "neon" else target
    ir = emit_module([kernel.crc32c], "t_", Vectors("float32", target))
    text = compile_only(ir, target)
    assert ("crc32q" if name == "avx2" else "crc32cx") in text


def test_without_the_instruction_the_library_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same function as for small files."""
    monkeypatch.setattr(kernel, "supported", lambda: False)
    unlocked.cache_clear()
    try:
        assert unlocked() is crc32c
    finally:
        unlocked.cache_clear()
