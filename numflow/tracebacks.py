"""What Python shows of an error that nobody caught: your lines, without numflow's own frames.

It is a hook of `sys.excepthook`; what is caught keeps all its frames, and so do errors of numflow
itself (InternalError) and those that no line of yours is part of. IPython shows errors in its own
way.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from numflow.errors import InternalError, in_numflow

_previous: list[Any] = []
_filtering = [True]


def enable_traceback_filtering() -> None:
    """Let errors that nobody catches be shown without numflow's own frames: the default.

    Example:
      >>> nf.debugging.enable_traceback_filtering()
    """
    _filtering[0] = True


def disable_traceback_filtering() -> None:
    """Let errors that nobody catches be shown with all their frames.

    Example:
      >>> nf.debugging.disable_traceback_filtering()
      >>> nf.debugging.is_traceback_filtering_enabled()
      False
      >>> nf.debugging.enable_traceback_filtering()
    """
    _filtering[0] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether errors that nobody catches are shown without numflow's own frames.

    Example:
      >>> nf.debugging.is_traceback_filtering_enabled()
      True
    """
    return _filtering[0]


def install() -> None:
    """Put the hook in front of the one there is; a second time has no effect."""
    if not _previous:
        _previous.append(sys.excepthook)
        sys.excepthook = _show


def filtered(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without numflow's frames; itself, if nothing would be left."""
    frames = []
    each = trace
    while each is not None:
        if not in_numflow(each.tb_frame.f_code.co_filename):
            frames.append(each)
        each = each.tb_next
    found: TracebackType | None = None
    for t in reversed(frames):
        found = TracebackType(found, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return found or trace


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if _filtering[0]:
        seen: set[int] = set()
        each: BaseException | None = error
        while each is not None and id(each) not in seen:
            seen.add(id(each))
            if not isinstance(each, InternalError):
                each.__traceback__ = filtered(each.__traceback__)
            each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        trace = error.__traceback__
    _previous[0](kind, error, trace)
