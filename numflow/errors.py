"""What can go wrong, and the one format of messages.

    Exception
      OpError                                   base of what ops raise; TensorFlow's names
        CancelledError        UnknownError      AbortedError          UnavailableError
        InvalidArgumentError
          ShapeError          (also ValueError) a rank, size or axis does not fit
            IndexRangeError   (also IndexError) an index or a part is outside of its axis
            ArgumentError     (also DTypeError) an argument that is no flag, number, text or list
          DTypeError          (also TypeError)  a dtype does not fit
        OutOfRangeError       (also IndexError) past the end of a sequence
        FailedPreconditionError                 a variable or tensor in the wrong state
        ResourceExhaustedError (also MemoryError)
        UnimplementedError    (also NotImplementedError)
        NotFoundError  AlreadyExistsError  PermissionDeniedError  DeadlineExceededError
        InternalError  DataLossError  UnauthenticatedError
      GraphError              (also RuntimeError) a graph or tape used against its rules
        SymbolicTensorError   a tensor of a trace used as if it had a value
      OperatorNotAllowedInGraphError (also TypeError)  SymbolicTensorError by TensorFlow's name

TensorFlow raises InvalidArgumentError from kernels and ValueError or TypeError while tracing;
ShapeError and DTypeError are both, so a program's `except` clause works either way.
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from numflow.kernels.records import NamedTuple

# --- codes: TensorFlow's numbers -------------------------------------------------

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class SourceLine(NamedTuple):
    """A line of the user's program: file, number, function."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        where = f"{os.path.basename(self.file)}:{self.line} in {self.function}"
        return f"{where}:  {text}" if text else where


class _Here(threading.local):
    line: SourceLine | None = None


_here = _Here()


@contextmanager
def at_line(line: SourceLine | None) -> Iterator[None]:
    """Messages of this thread name `line` meanwhile: where a node was made, not called."""
    before, _here.line = _here.line, line
    try:
        yield
    finally:
        _here.line = before


def is_own_file(name: str) -> bool:
    """Whether a file is numflow's, and not the user's."""
    return name.startswith(_PACKAGE)


def in_numflow(path: str) -> bool:
    """Whether a file of code is numflow's own."""
    return path.startswith(_PACKAGE)


def user_line() -> SourceLine | None:
    """The innermost line on the stack that is not numflow's own; None where there is none."""
    if _here.line is not None:
        return _here.line
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return None
    code = frame.f_code
    return SourceLine(code.co_filename, frame.f_lineno, code.co_name)


def explain(
    op: str,
    problem: str,
    values: Mapping[str, object] | None = None,
    fix: str = "",
    line: SourceLine | None = None,
) -> str:
    """`op: problem`, a line per value, the remedy, and the user's line (default: the caller's)."""
    lines = [f"{op}: {problem}"]
    lines += [f"  {name}: {value}" for name, value in (values or {}).items()]
    if fix:
        lines.append(f"  try: {fix}")
    at = line or user_line()
    if at is not None:
        lines.append(f"  at {at}")
    return "\n".join(lines)


class OpError(Exception):
    """Base of what ops raise. `message` is the text; TensorFlow's three arguments are taken too.

    code: that of the class, TensorFlow's number, and the default of `error_code`.
    """

    code: ClassVar[int | None] = None

    def __init__(
        self,
        node_def: object = None,
        op: object = None,
        message: object = None,
        error_code: int | None = None,
    ) -> None:
        if message is None:  # OpError("text")
            node_def, message = None, "" if node_def is None else node_def
        self.node_def, self.op, self.message = node_def, op, str(message)
        self.error_code = self.code if error_code is None else error_code
        super().__init__(self.message)


class CancelledError(OpError):
    """The operation was cancelled."""

    code = CANCELLED


class UnknownError(OpError):
    """An error of unknown kind."""

    code = UNKNOWN


class InvalidArgumentError(OpError):
    """An argument is not what the op takes."""

    code = INVALID_ARGUMENT


class ShapeError(InvalidArgumentError, ValueError):
    """A rank, size or axis does not fit."""


class IndexRangeError(ShapeError, IndexError):
    """An index or a part is outside of its axis: IndexError too, for loops end by it."""


class DTypeError(InvalidArgumentError, TypeError):
    """A dtype does not fit."""


class ArgumentError(ShapeError, DTypeError):
    """An argument is not of its kind at all: TensorFlow raises one of the two, or the other."""


class DeadlineExceededError(OpError):
    """Time ran out."""

    code = DEADLINE_EXCEEDED


class NotFoundError(OpError):
    """A file, variable or key is not there."""

    code = NOT_FOUND


class AlreadyExistsError(OpError):
    """What was to be made is there already."""

    code = ALREADY_EXISTS


class PermissionDeniedError(OpError):
    """The operating system refused."""

    code = PERMISSION_DENIED


class UnauthenticatedError(OpError):
    """The caller is not known."""

    code = UNAUTHENTICATED


class ResourceExhaustedError(OpError, MemoryError):
    """More memory was asked for than there is."""

    code = RESOURCE_EXHAUSTED


class FailedPreconditionError(OpError):
    """A variable or tensor is not in the state that the op needs."""

    code = FAILED_PRECONDITION


class AbortedError(OpError):
    """The operation was given up, for example after a conflict."""

    code = ABORTED


class OutOfRangeError(OpError, IndexError):
    """Past the end of a sequence."""

    code = OUT_OF_RANGE


class UnimplementedError(OpError, NotImplementedError):
    """The op has no kernel for these arguments."""

    code = UNIMPLEMENTED


class InternalError(OpError):
    """A broken invariant of numflow."""

    code = INTERNAL


class UnavailableError(OpError):
    """A service does not answer."""

    code = UNAVAILABLE


class DataLossError(OpError):
    """A file is damaged."""

    code = DATA_LOSS


class GraphError(RuntimeError):
    """A graph or tape is used against its rules."""


class OperatorNotAllowedInGraphError(TypeError):
    """Python asked a tensor of a trace for what only a value has: `if`, `bool`, iteration."""


class SymbolicTensorError(GraphError, OperatorNotAllowedInGraphError):
    """A tensor that stands for a value of a trace was used as if it had the value."""
