"""The loader of object files against LLVM's, and what it leaves to LLVM."""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from collections.abc import Mapping

import pytest

from numflow.kernels import elf, engine, llvm
from numflow.kernels.engine import Target

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="loads ELF for x86-64"
)

NUMBERS = "@numbers = constant [3 x i64] [i64 5, i64 7, i64 11], align 64\n"
CODE = (
    NUMBERS
    + """
declare double @cos(double)
declare i64 @of_ours(i64)
define i64 @pick(i64 %i) {
  %p = getelementptr i64, ptr @numbers, i64 %i
  %x = load i64, ptr %p
  ret i64 %x
}
define i64 @twice(i64 %i) {
  %x = call i64 @pick(i64 %i)
  %y = call i64 @of_ours(i64 %x)
  ret i64 %y
}
define double @cosine(double %x) {
  %h = fmul double %x, 0.125
  %y = call double @cos(double %h)
  ret double %y
}
"""
)


def _object(ir: str, triple: str = "") -> bytes:
    target = Target.host()
    return llvm.object_of(ir, target._replace(triple=triple or target.triple), "")


@pytest.fixture
def doubling() -> Mapping[str, int]:
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(lambda x: 2 * x)
    _alive.append(function)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return {"of_ours": address}


_alive: list[object] = []


def test_code_constants_and_outside_functions(doubling: Mapping[str, int]) -> None:
    found = elf.load(_object(CODE), doubling)
    assert found is not None and found.keys() == {"numbers", "pick", "twice", "cosine"}
    assert found["numbers"] % 64 == 0
    pick = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(found["pick"])
    twice = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(found["twice"])
    assert [pick(i) for i in range(3)] == [5, 7, 11]
    assert [twice(i) for i in range(3)] == [10, 14, 22]
    cosine = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(found["cosine"])
    assert cosine(0.0) == 1.0
    assert cosine(8.0) == pytest.approx(0.5403023058681398)


def test_code_is_executable_and_not_writable(doubling: Mapping[str, int]) -> None:
    found = elf.load(_object(CODE), doubling)
    assert found is not None
    with open("/proc/self/maps") as maps:
        rights = [
            line.split()[1]
            for line in maps
            if int(line.split("-")[0], 16) <= found["pick"] < int(line.split("-")[1].split()[0], 16)
        ]
    assert rights == ["r-xp"]


@pytest.mark.parametrize(
    ("what", "ir"),
    [
        ("data that is written", "@state = global i64 0\n" + CODE),
        ("no code", ""),
        ("an unknown symbol", CODE.replace("@cos(", "@no_such_function(")),
    ],
)
def test_what_is_left_to_llvm(doubling: Mapping[str, int], what: str, ir: str) -> None:
    assert elf.load(_object(ir), doubling) is None


def test_other_machines_and_formats_are_left_to_llvm() -> None:
    code = _object(CODE)
    for at, value in ((4, 1), (5, 2), (16, 2), (18, 183)):  # class, byte order, kind, machine
        other = bytearray(code)
        struct.pack_into("<B", other, at, value)
        assert elf.load(bytes(other), {}) is None
    assert elf.load(b"not an object file" * 10, {}) is None


def test_llvm_loads_what_this_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same function through the other way."""
    monkeypatch.setattr(elf, "load", lambda *_: None)
    made = engine.functions(
        "test of the other loader",
        lambda prefix: (
            f"define i64 @{prefix}f(i64 %x) {{\n  %y = add i64 %x, 3\n  ret i64 %y\n}}\n"
        ),
        ["f"],
    )
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(made["f"])(4) == 7
