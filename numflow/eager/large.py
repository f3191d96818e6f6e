"""Large operands of eager ops: the op as a compiled program, where there is one already.

Eager never waits for a compile. The first time that an op meets such operands NumPy's reference
answers, and a thread in the background compiles a program of this one op (of a draw, after more
numbers than a model's weights are); sizes are symbols in it, so it serves all shapes of the same
pattern. From then on the program answers: on all cores, with our kernels, and with results in
memory that is used again. Values are those of the reference within the op's tolerance.
`NUMFLOW_EAGER=reference` turns it off.

A program is called only for shapes whose plan is ready too. What cannot be compiled stays with the
reference; a failure that nobody foresaw is told once, as a warning.
"""

from __future__ import annotations

import atexit
import math
import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import codegen, dtypes, passes, runtime
from numflow.config import settings
from numflow.eager.arithmetic import LARGE
from numflow.eager.tensor import Array
from numflow.graph.graph import GraphBuilder
from numflow.graph.lowering import Elementwise, Reduction
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.ops.activation import log_softmax_op, softmax_op
from numflow.ops.linalg import matmul_op
from numflow.shapes import Dim

STREAMED = 1 << 23
"""Elements from which an op of hardly any work per byte is large: below, NumPy's results stay in
the caches, where another core cannot help (1 M floats on two Zen 5 cores: add 70 us in NumPy, 190
in ours; sqrt 320 and 90)."""

_STREAMING = {
    *(np.add, np.subtract, np.multiply, np.negative, np.absolute, np.square, np.maximum),
    *(np.minimum, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
}
_KINDS = {dtypes.float32, dtypes.float64, dtypes.bool}
_PLACES = {dtypes.uint8, dtypes.int32}
# By name: ops/random_bits.py loads late.
_DRAWS = ("philox_uniform", "philox_bits", "philox_normal", "philox_truncated")
_CONVOLUTIONS = {  # how they are computed follows from their sizes: a program is for one shape
    *("convolution", "convolution_image", "convolution_filter"),
    *("depthwise", "depthwise_image", "depthwise_filter"),
}
_KERNELS = {  # by name, for the same reason: ops whose kernels are far ahead of NumPy
    *("moments", "avg_pool", "avg_pool_image"),
    *("max_pool", "max_pool_places", "pool_pick", "pool_spread"),
    *_CONVOLUTIONS,
}
_DRAWN = 1 << 28  # numbers of a draw: no operand tells that memory holds as many
_DRAWN_BEFORE = 1 << 20  # numbers after which a draw's program is made: weights are drawn once, and
# a thread that compiles meanwhile held up the first step of a GRU of 256 by 100 ms of 270
_MOST = 1024  # signatures, and patterns, that are remembered

Signature = tuple[Op, tuple[Spec, ...], tuple[tuple[str, Any], ...]]


def is_candidate(op: Op, inputs: Sequence[Spec], outputs: Sequence[Spec]) -> bool:
    """Whether a program may answer: a large op on floats, of a kind that compiles to one loop."""
    if op.name in _DRAWS:  # the same bits, whoever draws them
        return LARGE <= _size(outputs[0]) <= _DRAWN
    known = (
        isinstance(op.lower, Elementwise | Reduction)
        or op is matmul_op
        or op is softmax_op
        or op is log_softmax_op
        or op.name in _KERNELS
    )
    if not known or op.effect or not inputs:
        return False
    specs = (*inputs, *outputs)
    streams = isinstance(op.reference, np.ufunc) and op.reference in _STREAMING
    least = STREAMED if streams else LARGE
    kinds = _KINDS | _PLACES if op.name in _KERNELS else _KINDS
    return all(s.dtype in kinds for s in specs) and any(_size(s) >= least for s in specs)


def _size(spec: Spec) -> int:
    size = spec.size
    return size if isinstance(size, int) else 0


class Programs:
    """Programs of one op each, made by a thread of its own. Any thread may ask."""

    def __init__(self) -> None:
        self._ready: dict[Signature, runtime.Executable] = {}
        self._asked: set[Signature] = set()
        self._drawn: dict[Signature, int] = {}  # how many numbers
        self._by_pattern: dict[Any, runtime.Executable | None] = {}
        self._failure = ""  # to be told
        self._told = False
        self._stopped = False
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._work: deque[tuple[Signature, Callable[[runtime.Executable], None] | None]] = deque()
        self._open = 0  # signatures asked for and not done
        self._changed = threading.Condition()  # of what stands above
        # Held while something is compiled: a child forked meanwhile would have LLVM's lock for ever
        self._compiling = threading.RLock()

    # --- asking ---

    def run(
        self, op: Op, arrays: Sequence[Array], inputs: Sequence[Spec], attrs: Attrs
    ) -> Array | tuple[Array, ...] | None:
        """What the program gives for these operands; None: the reference is to answer."""
        signature = (op, tuple(inputs), tuple(attrs.items()))
        program = self._ready.get(signature)
        if program is None:
            if op.name not in _DRAWS or self._pays(signature):
                self.ask(signature)
            return None
        if not all(a.flags.c_contiguous and a.flags.aligned and a.dtype.isnative for a in arrays):
            return None  # NumPy reads through strides, a program would copy first
        try:
            found = program(arrays)
        except MemoryError:
            return None  # the reference says it better, or finds memory elsewhere
        return found[0] if len(found) == 1 else tuple(found)

    def _pays(self, signature: Signature) -> bool:
        """Whether a draw has given so many numbers, with these, that it deserves a program."""
        if len(self._drawn) >= _MOST:
            self._drawn.clear()
        now: int = math.prod(dict(signature[2])["shape"])
        count = self._drawn.get(signature, 0) + now
        self._drawn[signature] = count
        return count >= _DRAWN_BEFORE

    def ask(
        self, signature: Signature, then: Callable[[runtime.Executable], None] | None = None
    ) -> None:
        """Have a program made, once. then: what is done with it, in the background."""
        if self._failure:
            self._tell()
        if signature in self._asked or self._stopped:
            return
        with self._changed:
            if len(self._asked) >= _MOST:
                self._asked.clear()
                self._ready.clear()
            self._asked.add(signature)
            self._work.append((signature, then))
            self._open += 1
            self._changed.notify_all()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._serve, name="numflow-eager", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no more threads, or the process is ending
            self._thread, self._stopped, self._open = None, True, 0

    def _tell(self) -> None:
        text, self._failure = self._failure, ""
        if not self._told:
            self._told = True
            warnings.warn(f"an eager op could not be compiled, NumPy runs it: {text}", stacklevel=2)

    def wait(self, timeout: float = 60.0) -> bool:
        """Until all that was asked for is compiled, or known not to compile; False: not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == 0, timeout)

    # --- making ---

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work)
                signature, then = self._work.popleft()
            with self._compiling:
                if not self._stopped:
                    self._make(signature, then)
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _make(
        self, signature: Signature, then: Callable[[runtime.Executable], None] | None
    ) -> None:
        op, inputs, attrs = signature
        symbolic = inputs if op.name in _CONVOLUTIONS else _symbolic(inputs)
        pattern = op, symbolic, attrs
        try:
            if pattern not in self._by_pattern:
                if len(self._by_pattern) >= _MOST:
                    self._by_pattern.clear()
                self._by_pattern[pattern] = None  # until it is there, and if it fails
                self._by_pattern[pattern] = compile_op(op, symbolic, dict(attrs))
            program = self._by_pattern[pattern]
            if program is not None:
                program.plan([placeholder(s) for s in inputs])
                self._ready[signature] = program
                if then is not None:
                    then(program)
        except Exception as e:  # whatever it is, the reference is right
            self._by_pattern[pattern] = None
            self._failure = f"{op.name}: {type(e).__name__}: {e}"

    # --- ends of processes ---

    def before_fork(self) -> None:
        self._compiling.acquire()

    def after_fork_in_parent(self) -> None:
        self._compiling.release()

    def after_fork_in_child(self) -> None:
        self._asked = set(self._ready)  # the thread, and what it was asked for, stayed behind
        self._reset()

    def stop(self) -> None:
        """Compile nothing more: a thread within LLVM does not survive the end of its process."""
        self._stopped = True
        if self._compiling.acquire(timeout=10):
            self._compiling.release()


def _symbolic(specs: Sequence[Spec]) -> tuple[Spec, ...]:
    """The specs with a symbol for each size: one for equal sizes. 1 stays, for it repeats."""
    names: dict[Any, Any] = {1: 1}
    for s in specs:
        for n in s.shape:
            names.setdefault(n, Dim.symbol(f"n{len(names)}"))
    return tuple(Spec(tuple(names[n] for n in s.shape), s.dtype) for s in specs)


def compile_op(op: Op, inputs: Sequence[Spec], attrs: Attrs) -> runtime.Executable:
    """The program of one op."""
    builder = GraphBuilder("eager")
    values = [builder.add_input(s) for s in inputs]
    node = builder.add(op, values, attrs)
    graph = passes.run_passes(builder.freeze(node.outputs))
    return runtime.Executable(codegen.emit(graph))


def placeholder(spec: Spec) -> Array:
    """An array of that shape without memory, for its shape only."""
    shape: Any = spec.shape
    return np.broadcast_to(np.zeros((), spec.dtype.numpy), shape)


programs = Programs()
enabled = settings.eager == "compiled" and settings.codegen == "simd"
atexit.register(programs.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=programs.before_fork,
        after_in_parent=programs.after_fork_in_parent,
        after_in_child=programs.after_fork_in_child,
    )


def wait(timeout: float = 60.0) -> bool:
    """Until the background has compiled all that eager ops asked for; False: not in time."""
    return programs.wait(timeout)
