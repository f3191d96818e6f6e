"""A quick look: can there be anything to convert in a function?

First at its code: no branch, no loop, no `not` and no call is nothing to convert. Then at its
syntax: calls of library functions alone are nothing to convert either.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import os
import sys
import weakref
from collections.abc import Callable
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from numflow.errors import is_own_file

# Packages whose functions are called as they are, beside the standard library.
_LIBRARIES = {
    "numflow", "numpy", "numba", "llvmlite", "scipy", "matplotlib", "pandas", "PIL", "sklearn",
    "tensorflow", "jax", "torch", "onnx", "pytest", "_pytest", "hypothesis", "IPython", "tqdm",
}  # fmt: skip
_STANDARD = os.path.dirname(os.__file__) + os.sep
_SITES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)

_BRANCHES = frozenset(
    number
    for text, number in dis.opmap.items()
    if ("JUMP" in text and "IF" in text) or text in ("FOR_ITER", "UNARY_NOT", "SEND")
)
_CALLS = frozenset(
    number for text, number in dis.opmap.items() if text.startswith(("CALL", "PRECALL"))
)
_FLOW = (ast.If, ast.While, ast.For, ast.IfExp, ast.BoolOp, ast.Assert, ast.Not)
REPLACED = frozenset(
    (print, range, len, int, float, bool, abs, enumerate, zip, any, all, sum, min, max, reversed)
)
"""Builtins that do something else where an argument is a tensor of a trace."""


_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def stays_by_code(code: CodeType) -> bool:
    """Whether a look at the code says that it is not converted."""
    return bool(code.co_flags & _SUSPENDS) or nothing_by_code(code)


def nothing_by_code(code: CodeType) -> bool:
    """Whether the code, and all that is defined in it, neither branches nor calls."""
    used = set(code.co_code[::2])
    if used & _BRANCHES or used & _CALLS:
        return False
    return all(nothing_by_code(c) for c in code.co_consts if isinstance(c, CodeType))


def nothing_by_syntax(node: ast.AST, function: FunctionType) -> bool:
    """Whether a function has no control flow, and calls only functions of libraries, by name."""
    top = [node.body] if isinstance(node, ast.Lambda) else getattr(node, "body", [])
    space: dict[str, Any] | None = None
    for statement in top:
        for n in ast.walk(statement):
            if isinstance(n, _FLOW) or (isinstance(n, ast.Compare) and len(n.ops) > 1):
                return False
            if isinstance(n, ast.Call):
                if space is None:
                    space = _space(function)
                if not _is_library_call(n.func, space):
                    return False
    return True


def _space(function: FunctionType) -> dict[str, Any]:
    """What the names in a function mean that are not its own."""
    code = function.__code__
    space = {n: getattr(builtins, n) for n in code.co_names if hasattr(builtins, n)}
    space |= {n: function.__globals__[n] for n in code.co_names if n in function.__globals__}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            space[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    for name in (*code.co_varnames, *code.co_cellvars):
        space.pop(name, None)
    return space


def _is_library_call(function: ast.expr, space: dict[str, Any]) -> bool:
    names: list[str] = []
    while isinstance(function, ast.Attribute):
        names.append(function.attr)
        function = function.value
    if not isinstance(function, ast.Name) or function.id not in space:
        return False
    found = space[function.id]
    for name in reversed(names):
        if not isinstance(found, ModuleType):
            return False
        found = getattr(found, name, None)
    if found is None or any(found is each for each in REPLACED):
        return False
    if isinstance(found, type | BuiltinFunctionType):
        return True  # constructors are called as they are
    # Objects that are called may call the user's code in turn, such as layers.
    return isinstance(found, FunctionType) and not is_users(found) and not takes_functions(found)


def takes_functions(function: FunctionType) -> bool:
    """Whether it is one of numflow's that trace the functions they are given."""
    module = function.__module__ or ""
    return module.startswith("numflow.control") or function.__name__ in _TRACING


_TRACING = {"recompute_grad", "custom_gradient"}


def is_users_callable(function: Any) -> bool:
    """Whether calling it runs code that may have to be converted."""
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, MethodType):
        function = function.__func__
    if isinstance(function, FunctionType):
        return is_users(function)
    call = own_call(function)
    return call is not None and is_users(call)


def own_call(x: Any) -> FunctionType | None:
    """The `__call__` that the class of x has, if it is written in Python."""
    call: Any = getattr(type(x), "__call__", None)  # noqa: B004
    return call if isinstance(call, FunctionType) else None


_of_files: dict[tuple[str, str], bool] = {}


def is_users(function: FunctionType) -> bool:
    """Whether a function is the user's: neither numflow's, nor of a library or of Python's own."""
    file, module = function.__code__.co_filename, function.__module__ or ""
    found = _of_files.get((file, module))
    if found is None:
        found = _of_files[file, module] = _users_file(file, module)
    return found


def _users_file(file: str, module: str) -> bool:
    if is_own_file(file) or module.partition(".")[0] in _LIBRARIES:
        return False
    standard = file.startswith(_STANDARD) and not any(site in file for site in _SITES)
    frozen = file.startswith("<frozen") or module in sys.builtin_module_names
    return not standard and not frozen


conversion_log: Callable[[int, str], None] | None = None
"""Who is told of conversions; set by nf.autograph.set_verbosity."""

# --- what has been converted ------------------------------------------------------

# By id of a code object, which the reference tells to be alive: its converted code; None: it stays.
_codes: dict[int, tuple[weakref.ref[CodeType], CodeType | None]] = {}


def remembered(code: CodeType) -> CodeType | bool | None:
    """The converted code; None: it stays as it is; False: nobody has looked yet."""
    found = _codes.get(id(code))
    return found[1] if found is not None and found[0]() is code else False


def remember(code: CodeType, made: CodeType | None) -> None:
    """Note what became of a code, for as long as it lives."""
    key = id(code)

    def forget(_: Any, codes: dict[int, Any] = _codes) -> None:  # bound: it runs at exit, too
        codes.pop(key, None)

    _codes[key] = weakref.ref(code, forget), made
