"""Object files into memory without LLVM: a process whose kernels are all cached never loads it.

LLVM takes 25 ms to import, as long as everything else of a warm start. What it writes for a JIT
compiler on x86-64 Linux is the simplest kind of object file: in the large code model each address
in the code is a word of 64 bits, so that loading is to copy the sections, and to write addresses
into these words. `load` does just that. Whatever else it meets (another machine or format, data
that is written, other relocations, an unknown symbol) it leaves to LLVM's own loader.

The bytes are trusted: the object cache has checked them. Memory is written first and made
executable then, never both.

Source: System V ABI, and its AMD64 supplement, section 4.4 (relocation).
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import struct
import sys
from collections.abc import Mapping
from typing import Any

_FILE = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_WORD = struct.Struct("<Q")

_MAGIC = b"\x7fELF\x02\x01\x01"  # 64 bits, little endian, version 1
_RELOCATABLE, _X86_64 = 1, 62
_PROGBITS, _SYMTAB, _RELA, _NOBITS = 1, 2, 4, 8
_WRITE, _ALLOC = 1, 2
_ABSOLUTE_64 = 1
_UNDEFINED, _RESERVED = 0, 0xFF00

_kept: list[mmap.mmap] = []  # code stays for the life of the process


def load(code: bytes, symbols: Mapping[str, int]) -> dict[str, int] | None:
    """The address of every function of an object file; None: LLVM must load it.

    symbols: what the code may refer to besides the process's own symbols.
    """
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    head = _FILE.unpack_from(code)
    ident, kind, machine, section_offset, count = head[0], head[1], head[2], head[6], head[12]
    if ident[:7] != _MAGIC or kind != _RELOCATABLE or machine != _X86_64:
        return None
    sections = [
        _SECTION.unpack_from(code, section_offset + k * _SECTION.size) for k in range(count)
    ]
    starts, size = _places(sections)
    if starts is None:
        return None
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    base = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for k, start in starts.items():
        _, kind, _, _, offset, length, *_ = sections[k]
        if kind == _PROGBITS:
            pages[start : start + length] = code[offset : offset + length]
    table = next((s for s in sections if s[1] == _SYMTAB), None)
    if table is None:
        return None
    names = sections[table[6]][4]
    found: dict[str, int] = {}
    addresses: list[int | None] = []
    for name, info, _, section, value, _ in _SYMBOL.iter_unpack(
        code[table[4] : table[4] + table[5]]
    ):
        address = None
        if section == _UNDEFINED and name:
            address = _outside(_text(code, names + name), symbols)
        elif section in starts:
            address = base + starts[section] + value
            if info >> 4:  # global
                found[_text(code, names + name)] = address
        addresses.append(address)
    for _, kind, _, _, offset, length, _, where, *_ in sections:
        if kind != _RELA or where not in starts:
            continue
        for place, info, addend in _RELOCATION.iter_unpack(code[offset : offset + length]):
            address = addresses[info >> 32]
            if info & 0xFFFFFFFF != _ABSOLUTE_64 or address is None:
                return None
            _WORD.pack_into(pages, starts[where] + place, address + addend)
    if _mprotect()(base, size, mmap.PROT_READ | mmap.PROT_EXEC):
        return None
    _kept.append(pages)
    return found


def _places(sections: list[tuple[Any, ...]]) -> tuple[dict[int, int] | None, int]:
    """Where each section goes that is needed at run time, and the bytes of all; None: not by us."""
    starts: dict[int, int] = {}
    size = 0
    for k, (_, kind, flags, _, _, length, _, _, align, _) in enumerate(sections):
        if not flags & _ALLOC or kind not in (_PROGBITS, _NOBITS):
            continue  # symbols, notes, tables for unwinding: nothing unwinds through our code
        if flags & _WRITE:
            return None, 0
        align = max(align, 1)
        size = -(-size // align) * align
        starts[k] = size
        size += length
    return (starts, size) if size else (None, 0)


def _outside(name: str, symbols: Mapping[str, int]) -> int | None:
    """The address of a symbol that the code does not define: one of symbols, or of the process."""
    address = symbols.get(name)
    if address is not None:
        return address
    try:
        function = getattr(_process(), name)
    except AttributeError:
        return None
    return ctypes.cast(function, ctypes.c_void_p).value


def _text(code: bytes, at: int) -> str:
    return code[at : code.index(b"\0", at)].decode()


@functools.cache
def _process() -> ctypes.CDLL:
    return ctypes.CDLL(None)


@functools.cache
def _mprotect() -> Any:
    function = _process().mprotect
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function
