"""The way in: what `nf.function` and layers call. It loads little where nothing is converted."""

from __future__ import annotations

import sys
from types import FunctionType, MethodType
from typing import Any

from numflow.autograph import scan, source, stored
from numflow.errors import is_own_file
from numflow.trace.tracer import trace


def converted(function: Any) -> Any:
    """The function with its control flow converted; itself where a look says: nothing to convert.

    What converts is loaded when there is something to convert.
    """
    node = None
    if isinstance(function, MethodType):
        made = converted(function.__func__)
        return function if made is function.__func__ else MethodType(made, function.__self__)
    if isinstance(function, FunctionType):
        code = function.__code__
        found = scan.remembered(code)
        if found is False and not scan.nothing_by_code(code):
            found = stored.get(code) if scan.conversion_log is None else None
            if found is not None:
                scan.remember(code, found)
            else:
                node = source.syntax_of(function)
                if node is None or scan.nothing_by_syntax(node, function):
                    scan.remember(code, None)
                    return function
        elif found is False:
            scan.remember(code, found := None)
        if found is None and node is None:
            return function
    from numflow.autograph import functions

    if node is not None:
        return functions.of_function(function, True, node)
    return functions.converted(function)


def as_called(function: Any) -> Any:
    """A user's function that numflow calls in a trace, such as a layer's `call`, to be called so.

    It is converted if what called numflow is - the nearest code on the stack that is not
    numflow's own - or if there is none, and numflow traces a function of its own.
    """
    frame: Any = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not is_own_file(code.co_filename):
            return converted(function) if "ag__" in code.co_freevars else function
        if code is _trace_code:
            return converted(function)
        frame = frame.f_back
    return function


_trace_code = trace.__code__
