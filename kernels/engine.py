"""LLVM IR text -> machine code -> addresses; with Target, the machine that code is made for.

Compiled code stays for the life of the process, and as an object file in `object_cache.py`, keyed
by the canonical description of what was compiled. On a warm start nothing is emitted, and LLVM
(llvm.py) is not loaded at all: `elf.py` puts objects into memory, and what LLVM said of the machine
is in the cache too (host.py).

Who needs much code at once asks for all of it first:

    with asking():
        functions(...)      NotYet where it must be compiled; another thread begins with that
    functions(...)          the addresses, as soon as somebody has compiled it

So two threads compile what a first step needs: it takes two thirds of the time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from numflow.kernels import background, elf, host, llvm, object_cache
from numflow.kernels.digest import digest
from numflow.kernels.records import NamedTuple
from numflow.kernels.settings import settings
from numflow.kernels.sources import digest_of

T = TypeVar("T")
_X86 = "x86_64-unknown-linux-gnu"


class Target(NamedTuple):
    """The machine that code is made for.

    triple, cpu, features: as LLVM names them.
    bits: width of the vectors to emit: 128, 256 or 512.
    """

    triple: str
    cpu: str
    features: str
    bits: int

    @property
    def vbytes(self) -> int:
        """Bytes of a vector register."""
        return self.bits // 8

    @property
    def registers(self) -> int:
        """Number of vector registers."""
        return 32 if self.bits == 512 or not self.triple.startswith("x86_64") else 16

    def lanes(self, itemsize: int) -> int:
        """Elements of itemsize bytes in a vector register."""
        return self.vbytes // itemsize

    def describe(self) -> str:
        """All that decides what code comes out, for cache keys."""
        return f"{self.triple} {self.cpu} {self.features} {self.bits}"

    @staticmethod
    def host() -> Target:
        """The machine at hand, or less of it if NUMFLOW_TARGET says so."""
        return _host(settings.target)

    @staticmethod
    def named(name: str) -> Target:
        """A machine (baseline, avx2, avx512, neon) that is the same on every host: golden files."""
        return _NAMED[name]


_NAMED = {
    "baseline": Target(_X86, "x86-64", "", 128),
    "avx2": Target(_X86, "haswell", "", 256),
    # Some 512-bit machines ask for 256-bit code by default; our emitters decide the width.
    "avx512": Target(_X86, "skylake-avx512", "-prefer-256-bit", 512),
    "neon": Target("aarch64-unknown-linux-gnu", "neoverse-n1", "", 128),
}
_NEEDS = {
    "baseline": (),
    "avx2": ("avx2", "fma"),
    "avx512": ("avx512f", "avx512vl", "avx512dq", "avx512bw"),
}


@functools.cache
def _host(name: str) -> Target:
    triple, cpu, features, _ = _facts()
    has = set(features.split(","))
    if name != "native":
        missing = [feature for feature in _NEEDS[name] if f"+{feature}" not in has]
        if missing or not triple.startswith("x86_64"):
            raise ValueError(
                f"NUMFLOW_TARGET={name}: this machine lacks {' '.join(missing) or 'x86_64'}"
            )
        fixed = _NAMED[name]
        return Target(triple, fixed.cpu, fixed.features, fixed.bits)
    bits = 128
    if triple.startswith("x86_64"):
        features += ",-prefer-256-bit"
        bits = next(
            _NAMED[k].bits
            for k in ("avx512", "avx2", "baseline")
            if has.issuperset(f"+{feature}" for feature in _NEEDS[k])
        )
    return Target(triple, cpu, features, bits)


@functools.cache
def _facts() -> host.Facts:
    return host.facts(object_cache.shared(), _ask)


def host_is_known() -> bool:
    """Whether `Target.host()` need not load LLVM."""
    return _facts.cache_info().currsize > 0 or host.known(object_cache.shared())


def _ask() -> host.Facts:
    import llvmlite

    binding = llvm.binding()
    return host.Facts(
        binding.get_process_triple(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        f"{llvmlite.__version__} {binding.llvm_version_info}",
    )


def functions(
    description: str,
    emit: Callable[[str], str],
    names: Sequence[str],
    target: Target | None = None,
    *,
    passes: str = "",
    counted: bool = True,
) -> dict[str, int]:
    """Addresses of the functions `names` of one module of IR.

    Looked up in memory, then on disk, else emitted, verified, compiled and stored. Thread-safe.

    Args:
      description: canonical text of what is compiled, version of the emitter included: the cache
        key, with names, passes, target, the versions of llvmlite and LLVM, and the sources of
        this file and llvm.py.
      emit: emit(prefix) gives IR text whose exported functions are called prefix + name (symbols
        are process-wide). Called only when nothing is cached.
      names: the exported functions wanted.
      target: default Target.host().
      passes: IR passes to run, separated by commas: "" for none, "sroa" turns allocas into SSA
        values.
      counted: whether `compiles()` counts it: not what is made in the background.

    Raises:
      RuntimeError: LLVM does not accept the text.
      NotYet: while `asking`, it is not compiled yet.
    """
    target = target or Target.host()
    return _unit(
        target,
        passes,
        tuple(names),
        description,
        lambda prefix: llvm.object_of(emit(prefix), target, passes),
        counted,
    )


def object_functions(
    description: str,
    make: Callable[[str], bytes],
    names: Sequence[str],
    target: Target | None = None,
) -> dict[str, int]:
    """The same for code that comes as an object file (Numba): make(prefix) returns its bytes."""
    return _unit(target or Target.host(), "object", tuple(names), description, make)


def compile_only(ir: str, target: Target) -> str:
    """Assembly text for any machine, foreign ones too; nothing is cached."""
    return llvm.assembly_of(ir, target)


def compiles() -> int:
    """Number of code units that this process waited for, not taken from the cache."""
    return _compiles


def add_symbol(name: str, address: int) -> None:
    """Let compiled code refer to `name`; before the first function that uses it is asked for."""
    llvm.add_symbol(name, address)


# --- asking first ------------------------------------------------------------


class NotYet(BaseException):
    """Code was asked for that is still to be compiled. No Exception: nobody is to handle it as one
    of the errors of what he calls."""


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Nobody waits for compiled code meanwhile: `functions` raises NotYet, and it is compiled soon.

    Where there is one thread only, `functions` compiles as ever.
    """
    before = _here.asking
    _here.asking = settings.threads > 1
    try:
        yield
    finally:
        _here.asking = before


def all_of(*calls: Callable[[], T]) -> list[T]:
    """The results of calls; while `asking`, all are made before one raises NotYet."""
    results: list[T] = []
    missing: NotYet | None = None
    for call in calls:
        try:
            results.append(call())
        except NotYet as e:
            missing = e
    if missing is not None:
        raise missing
    return results


class _Here(threading.local):
    asking = False
    making = 0  # units whose making has begun in this thread


_here = _Here()


# --- code units --------------------------------------------------------------

_Key = tuple[Target, str, tuple[str, ...], str]
_loaded: dict[_Key, dict[str, int]] = {}
_units: dict[_Key, _Unit] = {}  # those to be made, or being made
_gate = threading.Condition()  # guards _units, _running and _compiles
_running = 0
_compiles = 0


class _Unit:
    """Code that somebody wants; whoever holds the lock makes it."""

    def __init__(
        self,
        target: Target,
        passes: str,
        names: tuple[str, ...],
        description: str,
        make: Callable[[str], bytes],
        counted: bool,
    ) -> None:
        self.key = target, passes, names, description
        self._make, self._counted = make, counted
        self.lock = threading.Lock()
        text = "\0".join((_versions(), target.describe(), passes, *names, description))
        self._name = digest(text.encode()).hex()

    def from_disk(self) -> dict[str, int] | None:
        """Its addresses, if it is in the cache."""
        code = object_cache.shared().get(self._name)
        return None if code is None else self._link(code)

    def made(self) -> dict[str, int]:
        """Its addresses; `lock` is held."""
        global _running, _compiles
        found = _loaded.get(self.key)
        if found is not None:
            return found
        with _gate:
            _running += 1
        _here.making += 1
        try:
            code = self._make(self._prefix)
            found = self._link(code)
            with _gate:
                _compiles += self._counted
            object_cache.shared().put(self._name, code)
            return found
        finally:
            _here.making -= 1
            with _gate:
                _running -= 1
                _units.pop(self.key, None)
                _gate.notify_all()

    @property
    def _prefix(self) -> str:
        return f"nf_{self._name[:20]}_"

    def _link(self, code: bytes) -> dict[str, int]:
        target, _, names, _ = self.key
        found = _loaded[self.key] = _linked(code, self._prefix, names, target)
        return found

    def soon(self) -> None:
        """Have it made by another thread."""
        background.soon(self._unless_begun)

    def _unless_begun(self) -> None:
        if self.lock.acquire(blocking=False):
            try:
                self.made()
            finally:
                self.lock.release()


def _unit(
    target: Target,
    passes: str,
    names: tuple[str, ...],
    description: str,
    make: Callable[[str], bytes],
    counted: bool = True,
) -> dict[str, int]:
    key = (target, passes, names, description)
    found = _loaded.get(key)
    if found is not None:
        return found
    with _gate:
        found, unit = _loaded.get(key), _units.get(key)
    if found is not None:
        return found
    if unit is None:
        unit = _Unit(*key, make, counted)
        found = unit.from_disk()
        if found is not None:
            return found
        with _gate:
            first = _units.setdefault(key, unit)
        if first is unit and _here.asking:
            unit.soon()
        unit = first
    if _here.asking:
        raise NotYet
    if not unit.lock.acquire(blocking=False):
        # Another thread is at it: do what else is waiting. Not inside of another unit's making,
        # whose lock is held here.
        while not _here.making and key not in _loaded and background.help():
            pass
        unit.lock.acquire()
    try:
        return unit.made()
    finally:
        unit.lock.release()


@functools.cache
def _versions() -> str:
    """What decides which code a text becomes, beside the target: LLVM, and how it is called."""
    return f"{_facts().versions} {digest_of((__file__, llvm.__file__)).hex()}"


def _linked(code: bytes, prefix: str, names: Sequence[str], target: Target) -> dict[str, int]:
    """The addresses of the functions of an object file, which is loaded."""
    symbols = [prefix + name for name in names]
    found = elf.load(code, llvm.symbols())
    if found is None:
        found = llvm.link(code, symbols, target)
    missing = [name for name, symbol in zip(names, symbols, strict=True) if not found.get(symbol)]
    if missing:
        raise RuntimeError(f"engine: the emitted module does not define {', '.join(missing)}")
    return {name: found[symbol] for name, symbol in zip(names, symbols, strict=True)}


# --- forks -------------------------------------------------------------------


def _before_fork() -> None:
    """A child must not inherit a lock (ours, or LLVM's inside it) that another thread held: a fork
    waits for the compiles."""
    _gate.acquire()
    while _running > _here.making:
        _gate.wait()
    llvm.hold()


def _after_fork() -> None:
    llvm.let_go()
    _gate.release()


def _after_fork_in_child() -> None:
    _after_fork()
    _units.clear()  # the thread that was to make them is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
