"""LLVM IR text -> machine code -> addresses; with Target, the machine that code is made for.

The only file that calls llvmlite, which is loaded at the first compile (25 ms). Compiled code stays
for the life of the process, and as an object file in `object_cache.py`, keyed by the canonical
description of what was compiled. On a warm start nothing is emitted, and LLVM is not loaded at all:
`elf.py` puts objects into memory, and what LLVM said of the machine is in the cache too (host.py).

Code generation runs at O1 with no IR passes: our emitters write SSA form, and passes doubled the
compile time for equal code. Loop strength reduction is off: it took half of the time and lengthened
code whose addresses are base + index. That switch is of the process; Numba's compiles get it too.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numflow.kernels import elf, host
from numflow.kernels.digest import digest
from numflow.kernels.object_cache import ObjectCache
from numflow.kernels.records import NamedTuple, field, record
from numflow.kernels.settings import settings

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
    return host.facts(_cache(), _ask)


def _ask() -> host.Facts:
    import llvmlite

    llvm = _llvm()
    return host.Facts(
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
        f"{llvmlite.__version__} {llvm.llvm_version_info}",
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
        key, with names, passes, target and the versions of llvmlite and LLVM.
      emit: emit(prefix) gives IR text whose exported functions are called prefix + name (symbols
        are process-wide). Called only when nothing is cached.
      names: the exported functions wanted.
      target: default Target.host().
      passes: IR passes to run, separated by commas: "" for none, "sroa" turns allocas into SSA
        values.
      counted: whether `compiles()` counts it: not what is made in the background.

    Raises:
      RuntimeError: LLVM does not accept the text.
    """
    target = target or Target.host()
    return _unit(
        target,
        passes,
        tuple(names),
        description,
        lambda prefix: _object(emit(prefix), target, passes),
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
    llvm = _llvm()
    with _lock:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        machine = _machine(target, jit=False)
        text: str = machine.emit_assembly(_module(ir, machine, ""))
    return text


def compiles() -> int:
    """Number of code units that this process waited for, not taken from the cache."""
    return _compiles


def add_symbol(name: str, address: int) -> None:
    """Let compiled code refer to `name`; before the first function that uses it is asked for."""
    _symbols[name] = address
    if _ready:
        _llvm().add_symbol(name, address)


# --- code units --------------------------------------------------------------

_Key = tuple[Target, str, tuple[str, ...], str]
_loaded: dict[_Key, dict[str, int]] = {}
_symbols: dict[str, int] = {}
_lock = threading.RLock()
_compiles = 0

if hasattr(os, "register_at_fork"):
    # A child must not inherit a lock (ours, or LLVM's inside it) that another thread held, so a
    # fork waits for the compile.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


def _unit(
    target: Target,
    passes: str,
    names: tuple[str, ...],
    description: str,
    make: Callable[[str], bytes],
    counted: bool = True,
) -> dict[str, int]:
    global _compiles
    key = (target, passes, names, description)
    found = _loaded.get(key)
    if found is not None:
        return found
    with _lock:
        if key in _loaded:
            return _loaded[key]
        versions = _facts().versions
        text = "\0".join((versions, target.describe(), passes, *names, description))
        unit = digest(text.encode()).hex()
        prefix = f"nf_{unit[:20]}_"
        stored = _cache().get(unit)
        code = make(prefix) if stored is None else stored
        _loaded[key] = _linked(code, prefix, names, target)
        if stored is None:
            _compiles += counted
            _cache().put(unit, code)
        return _loaded[key]


def _linked(code: bytes, prefix: str, names: Sequence[str], target: Target) -> dict[str, int]:
    """The addresses of the functions of an object file, which is loaded."""
    symbols = [prefix + name for name in names]
    found = elf.load(code, _symbols)
    if found is None:
        found = _engine(target).link(code, symbols)
    missing = [name for name, symbol in zip(names, symbols, strict=True) if not found.get(symbol)]
    if missing:
        raise RuntimeError(f"engine: the emitted module does not define {', '.join(missing)}")
    return {name: found[symbol] for name, symbol in zip(names, symbols, strict=True)}


@functools.cache
def _cache() -> ObjectCache:
    return ObjectCache(settings.cache_dir)


def blobs() -> ObjectCache:
    """The cache, for what else is dear to make again."""
    return _cache()


# --- llvmlite ----------------------------------------------------------------


_ready: list[Any] = []


def _llvm() -> Any:
    if not _ready:
        with _lock:
            if not _ready:
                _ready.append(_load())
    return _ready[0]


def _load() -> Any:
    """llvmlite, set up; once, since LLVM ends the process when an option is given twice."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()  # inline assembly (pause) ends the process without it
    llvm.set_option("", "-disable-lsr")
    for name, address in _symbols.items():
        llvm.add_symbol(name, address)
    return llvm


def _machine(target: Target, *, jit: bool) -> Any:
    options = {"reloc": "default", "codemodel": "jitdefault", "jit": True} if jit else {}
    family = _llvm().Target.from_triple(target.triple)
    return family.create_target_machine(cpu=target.cpu, features=target.features, opt=1, **options)


def _module(ir: str, machine: Any, passes: str) -> Any:
    llvm = _llvm()
    module = llvm.parse_assembly(ir)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    if passes:
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
        manager = llvm.create_new_module_pass_manager()
        for name in passes.split(","):
            getattr(manager, f"add_{name}_pass")()
        manager.run(module, builder)
    return module


def _object(ir: str, target: Target, passes: str) -> bytes:
    machine = _engine(target).machine
    code: bytes = machine.emit_object(_module(ir, machine, passes))
    return code


@record
class _Engine:
    """One MCJIT engine; objects are kept, since MCJIT goes on reading them."""

    machine: Any
    jit: Any
    objects: list[Any] = field(default_factory=list)

    def link(self, code: bytes, symbols: Iterable[str]) -> dict[str, int]:
        """Load an object file: the address of each of the symbols."""
        loaded = _llvm().ObjectFileRef.from_data(code)
        self.objects.append(loaded)
        self.jit.add_object_file(loaded)
        self.jit.finalize_object()
        return {symbol: int(self.jit.get_function_address(symbol)) for symbol in symbols}


@functools.cache
def _engine(target: Target) -> _Engine:
    llvm = _llvm()
    # MCJIT takes ownership of its module and machine: code generation has a machine of its own.
    jit = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(target, jit=True))
    return _Engine(_machine(target, jit=True), jit)
