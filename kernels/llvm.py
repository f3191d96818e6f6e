"""LLVM by way of llvmlite: the only file that calls it, and it loads at the first compile (25 ms).

Each thread has a context and machines of its own, so that two may compile at once: LLVM allows it
of modules in different contexts. llvmlite does not, as it holds one lock around all its calls; the
one long call, that makes machine code, goes past it.

Code generation runs at O1 with no IR passes: our emitters write SSA form, and passes doubled the
compile time for equal code. Loop strength reduction is off: it took half of the time and lengthened
code whose addresses are base + index. That switch is of the process; Numba's compiles get it too.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numflow.kernels.engine import Target

lock = threading.RLock()
"""Held while LLVM is loaded and while it links."""

_symbols: dict[str, int] = {}
_ready: list[Any] = []


def binding() -> Any:
    """llvmlite.binding, set up."""
    if not _ready:
        with lock:
            if not _ready:
                _ready.append(_load())
    return _ready[0]


def _load() -> Any:
    """Once, since LLVM ends the process when an option is given twice."""
    import llvmlite

    # Python would hold its lock while the library is loaded, for 15 ms: in this way others trace.
    library = os.path.join(os.path.dirname(llvmlite.__file__), "binding", "libllvmlite.so")
    if sys.platform == "linux" and os.path.exists(library):
        ctypes.CDLL(None).dlopen(library.encode(), os.RTLD_NOW)
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()  # inline assembly (pause) ends the process without it
    llvm.set_option("", "-disable-lsr")
    for name, address in _symbols.items():
        llvm.add_symbol(name, address)
    return llvm


def hold() -> None:
    """Wait until no other thread is in LLVM, and keep all out: before a fork, whose child would
    inherit their locks. llvmlite's own is held, too, when a thread ends and its context goes."""
    lock.acquire()
    for own in _locks():
        own.__enter__()


def let_go() -> None:
    """After `hold`, in the same thread or in its child."""
    for own in _locks():
        own.__exit__(None, None, None)
    lock.release()


def _locks() -> list[Any]:
    """llvmlite's lock, once it is loaded."""
    own = getattr(_ready[0].ffi.lib, "_lock", None) if _ready else None
    return [] if own is None else [own]


def add_symbol(name: str, address: int) -> None:
    """Let compiled code refer to `name`."""
    _symbols[name] = address
    if _ready:
        binding().add_symbol(name, address)


def symbols() -> dict[str, int]:
    """What compiled code may refer to."""
    return _symbols


def object_of(ir: str, target: Target, passes: str) -> bytes:
    """Text -> an object file.

    passes: IR passes to run first, separated by commas.

    Raises:
      RuntimeError: LLVM does not accept the text.
    """
    machine, head = _own.machine(target)
    return _emitted(machine, _module(head + ir, machine, passes, _own.context()))


def assembly_of(ir: str, target: Target) -> str:
    """Text -> assembly for any machine, foreign ones too."""
    llvm = binding()
    with lock:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        machine = _machine(target, jit=False)
        ir = _head(machine) + ir
        text: str = machine.emit_assembly(_module(ir, machine, "", llvm.create_context()))
    return text


def link(code: bytes, symbols: Iterable[str], target: Target) -> dict[str, int]:
    """Load an object file: the address of each of the symbols."""
    with lock:
        jit, objects = _linker(target)
        loaded = binding().ObjectFileRef.from_data(code)
        objects.append(loaded)
        jit.add_object_file(loaded)
        jit.finalize_object()
        return {symbol: int(jit.get_function_address(symbol)) for symbol in symbols}


@functools.cache
def _linker(target: Target) -> tuple[Any, list[Any]]:
    """An MCJIT engine, and the objects that it goes on reading."""
    llvm = binding()
    # MCJIT takes ownership of its module and machine: code generation has machines of its own.
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(target, jit=True)), []


def _machine(target: Target, *, jit: bool) -> Any:
    options = {"reloc": "default", "codemodel": "jitdefault", "jit": True} if jit else {}
    family = binding().Target.from_triple(target.triple)
    return family.create_target_machine(cpu=target.cpu, features=target.features, opt=1, **options)


def _module(ir: str, machine: Any, passes: str, context: Any) -> Any:
    llvm = binding()
    module = llvm.parse_assembly(ir, context)
    module.verify()
    if passes:
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
        manager = llvm.create_new_module_pass_manager()
        for name in passes.split(","):
            getattr(manager, f"add_{name}_pass")()
        manager.run(module, builder)
    return module


def _head(machine: Any) -> str:
    """What a module says of the machine. Each call of LLVM lets go of Python's lock and wants it
    back from the other thread: a few lines of text save ten."""
    return f'target datalayout = "{machine.target_data}"\ntarget triple = "{machine.triple}"\n'


class _Own(threading.local):
    """What belongs to one thread."""

    def __init__(self) -> None:
        self._machines: dict[Target, tuple[Any, str]] = {}
        self._context: Any = None

    def machine(self, target: Target) -> tuple[Any, str]:
        """The machine, and the head of its modules."""
        found = self._machines.get(target)
        if found is None:
            made = _machine(target, jit=True)
            found = self._machines[target] = made, _head(made)
        return found

    def context(self) -> Any:
        if self._context is None:
            self._context = binding().create_context()
        return self._context


_own = _Own()


def _emitted(machine: Any, module: Any) -> bytes:
    emit = _emission()
    if emit is None:
        code: bytes = machine.emit_object(module)
        return code
    lib, output = binding().ffi.lib, binding().ffi.OutputString
    with output() as error:
        buffer = emit(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    try:
        return ctypes.string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)


@functools.cache
def _emission() -> Callable[..., Any] | None:
    """The function behind `emit_object`, without llvmlite's lock; None if it is not what it was."""
    try:
        lib = binding().ffi.lib
        locked = lib.LLVMPY_TargetMachineEmitToMemory
        emit: Any = ctypes.CDLL(lib._name).LLVMPY_TargetMachineEmitToMemory
        emit.argtypes, emit.restype = locked.argtypes, locked.restype
        return emit if len(emit.argtypes) == 4 else None
    except (AttributeError, OSError, TypeError):
        return None
