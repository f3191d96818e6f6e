"""CRC-32C of pieces of memory, by the processor's instruction for it, at the speed of memory.

The instruction takes 8 bytes per cycle and gives its result 3 cycles later. So a piece is cut into
three parts of equal length whose checksums run side by side, and joined at the end: behind a
checksum a, n more bytes make of it a * x^(8n) modulo the polynomial, to which theirs is added
without carry. The power takes 26 products of 32 steps, a microsecond: nothing beside a piece of
some 100 KiB, and the reason why shorter ones are not for this kernel.

Bound: memory, or 8 bytes per cycle. It runs without the GIL, on as many threads as there are
pieces. Written in the subset of lang.py.

Sources: RFC 3720, appendix B.4 (the polynomial); Gopal et al. 2011, "Fast CRC computation for iSCSI
polynomial using CRC32 instruction" (three streams); Adler, zlib's `crc32_combine` (the join).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import load_i64, load_u8, store_i64, word
from numflow.kernels.lang import Value, inline, intrinsic

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler

_POLYNOMIAL = 0x82F63B78  # x^0 is the highest bit
_ONE = 0x80000000
_X8 = 0x00800000
_ALL = 0xFFFFFFFF
_SHORT = 3 * 256  # bytes that are not worth being cut


class W:
    """Words of the argument block."""

    PIECES = HEADER
    """Address of rows of ROW words: address and bytes of the piece; the checksum before it, in
    whose place the checksum goes."""


ROW = 3


def supported(target: Target | None = None) -> bool:
    """Whether a machine has the instruction."""
    target = target or Target.host()
    features = target.features.split(",")
    if target.triple.startswith("x86_64"):
        return "+sse4.2" in features or target.bits > 128
    return target.triple.startswith("aarch64") and "+crc" in features


def plan(count: int, *, target: Target | None = None) -> Call:
    """The checksums of int64 pieces[count, ROW], in place. The machine must be `supported`."""
    return Call(lang.addresses(crc32c, target=target)["crc32c"], count, 1, 1, ())


def _step(bits: int) -> Callable[[Compiler, Value, Value], Value]:
    def emit(c: Compiler, crc: Value, data: Value) -> Value:
        x86 = c.vectors.target.triple.startswith("x86_64")
        wide = "i64" if bits == 64 and x86 else "i32"
        name = f"llvm.x86.sse42.crc32.{'64.64' if bits == 64 else '32.8'}"
        if not x86:
            name = f"llvm.aarch64.crc32c{'x' if bits == 64 else 'b'}"
        kind = "i64" if bits == 64 else "i8" if x86 else "i32"
        c.module.declare(name, f"declare {wide} @{name}({wide}, {kind})")
        before = crc.name if wide == "i64" else c.b(f"trunc i64 {crc.name} to i32")
        taken = data.name if bits == 64 else c.b(f"trunc i64 {data.name} to {kind}")
        after = c.b(f"call {wide} @{name}({wide} {before}, {kind} {taken})")
        return Value("i64", after if wide == "i64" else c.b(f"zext i32 {after} to i64"))

    return emit


def compiled_only() -> NoReturn:
    raise RuntimeError("kernels of lang.py run compiled only")


@intrinsic(_step(64))
def _eight(crc: int, data: int) -> int:
    """The checksum, not inverted, with 8 more bytes."""
    compiled_only()


@intrinsic(_step(8))
def _one(crc: int, data: int) -> int:
    """The checksum, not inverted, with one more byte."""
    compiled_only()


def times(a: int, b: int) -> int:
    """a * b modulo the polynomial."""
    product = 0
    for k in range(32):
        product ^= -(a >> (31 - k) & 1) & b
        b = (b >> 1) ^ (-(b & 1) & _POLYNOMIAL)
    return product


def power(count: int) -> int:
    """x^(8 count) modulo the polynomial."""
    result, factor = _ONE, _X8
    while count > 0:
        if count & 1:
            result = times(result, factor)
        factor = times(factor, factor)
        count = count >> 1
    return result


@inline
def step64(crc: int, p: int) -> int:
    """The checksum with the 64 bytes at p."""
    crc = _eight(_eight(crc, load_i64(p)), load_i64(p + 8))
    crc = _eight(_eight(crc, load_i64(p + 16)), load_i64(p + 24))
    crc = _eight(_eight(crc, load_i64(p + 32)), load_i64(p + 40))
    return _eight(_eight(crc, load_i64(p + 48)), load_i64(p + 56))


def extended(crc: int, p: int, count: int) -> int:
    """The checksum, not inverted, with the bytes at p."""
    third = count // 192 * 64
    if count >= _SHORT:
        q, r, second, last = p + third, p + 2 * third, 0, 0
        end = q
        while p < end:
            crc, second, last = step64(crc, p), step64(second, q), step64(last, r)
            p, q, r = p + 64, q + 64, r + 64
        shift = power(third)
        crc = times(times(crc, shift) ^ second, shift) ^ last
        p, count = r, count - 3 * third
    while count >= 8:
        crc = _eight(crc, load_i64(p))
        p, count = p + 8, count - 8
    while count > 0:
        crc = _one(crc, load_u8(p))
        p, count = p + 1, count - 1
    return crc


def crc32c(args: int, begin: int, end: int) -> None:
    """Entry: pieces begin .. end."""
    for piece in range(begin, end):
        row = word(args, W.PIECES) + piece * (ROW * 8)
        before = load_i64(row + 16) ^ _ALL
        store_i64(row + 16, extended(before, load_i64(row), load_i64(row + 8)) ^ _ALL)
