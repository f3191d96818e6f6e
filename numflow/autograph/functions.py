"""Functions whose control flow goes through operators: which, and how they are put together.

One conversion per code object; what a function has of its own - closure, defaults, globals - is
bound anew at each use. Entries go when the code goes; a file keeps them for other processes.
conversion.py, which makes them, loads when there is one to make.
"""

from __future__ import annotations

import functools
import types
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from numflow.autograph import operators, scan, source, stored

if TYPE_CHECKING:
    import ast


def converted(function: Any, recursive: bool = True) -> Any:
    """The function with its control flow converted; itself where there is nothing to convert.

    Bound methods, partial objects and objects with a `__call__` of their own are taken too.
    """
    if isinstance(function, FunctionType):
        return of_function(function, recursive)
    if isinstance(function, types.MethodType):
        inner = function.__func__
        made = converted(inner, recursive)
        return function if made is inner else types.MethodType(made, function.__self__)
    if isinstance(function, functools.partial):
        made = converted(function.func, recursive)
        if made is function.func:
            return function
        return functools.partial(made, *function.args, **function.keywords)
    if isinstance(function, type) or not callable(function):
        return function
    call = scan.own_call(function)
    if call is not None and scan.is_users(call):
        made = of_function(call, recursive)
        return function if made is call else types.MethodType(made, function)
    return function


def of_function(
    function: FunctionType, recursive: bool, node: ast.FunctionDef | ast.Lambda | None = None
) -> FunctionType:
    """`converted`, of a plain function; node: its syntax, if that is known."""
    code = function.__code__
    if "ag__" in code.co_freevars or getattr(function, "do_not_convert", False):
        return function
    made = scan.remembered(code)
    if made is False:
        made = _made(function, node)
        scan.remember(code, made)
    if made is None:
        return function
    assert isinstance(made, CodeType)
    return _bound(made, function, _deep if recursive else _flat)


def _made(function: FunctionType, node: ast.FunctionDef | ast.Lambda | None) -> CodeType | None:
    """The converted code of a function that nobody has asked for in this process."""
    code = function.__code__
    logged = scan.conversion_log is not None
    found = None if logged else stored.get(code)
    if found is None and (logged or not scan.stays_by_code(code)):
        if node is None and not logged:
            node = source.syntax_of(function)
            if node is None or scan.nothing_by_syntax(node, function):
                return None
        from numflow.autograph.conversion import code_of

        found = code_of(function, node)
        if found is not None:
            stored.put(code, found)
    return found


def call(function: Any) -> Any:
    """What is called in place of function: itself, converted."""
    from numflow.autograph import builtin

    replaced = builtin.replacement(function)
    return callee(function) if replaced is None else replaced


def iterating(function: Any) -> Any:
    """What is called in place of function where a `for` goes through the result."""
    from numflow.autograph import iteration

    replaced = iteration.replacement(function)
    return call(function) if replaced is None else replaced


# What converted code knows as `ag__`; callees are converted too, or stay as they are.
_deep: Any = types.SimpleNamespace(**vars(operators), call=call, iterating=iterating)
_flat: Any = types.SimpleNamespace(
    **vars(operators), call=lambda function: function, iterating=lambda function: function
)


def _bound(code: CodeType, function: FunctionType, ops: Any) -> FunctionType:
    """The converted code with all that the function has of its own."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells["ag__"] = types.CellType(ops)
    closure = tuple(cells[n] for n in code.co_freevars)
    made = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, closure
    )
    made.__kwdefaults__ = function.__kwdefaults__
    made.__dict__.update(function.__dict__)
    made.__qualname__, made.__module__ = function.__qualname__, function.__module__
    made.__doc__, made.__annotations__ = function.__doc__, function.__annotations__
    return made


# --- which callees -----------------------------------------------------------


def callee(function: Any) -> Any:
    """What a converted function calls where it is written to call `function`."""
    kind = type(function)
    if kind is FunctionType:
        if scan.is_users(function):
            return of_function(function, True)
        return _of_converted(function) if scan.takes_functions(function) else function
    if kind is types.BuiltinFunctionType or kind is type:
        return function
    if kind is types.MethodType:
        inner = function.__func__
        if isinstance(inner, FunctionType) and scan.is_users(inner):
            return converted(function)
        return function
    if kind is functools.partial:
        return converted(function) if scan.is_users_callable(function.func) else function
    return converted(function)


def _of_converted(function: FunctionType) -> Any:
    """A function that traces functions, given these converted."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(_converted_argument, args))
        return function(*args, **{k: _converted_argument(x) for k, x in kwargs.items()})

    return called


def _converted_argument(x: Any) -> Any:
    """A function converted; so are those in lists, pairs and dicts."""
    if type(x) in (FunctionType, types.MethodType, functools.partial):
        return callee(x)
    if type(x) in (list, tuple):
        return type(x)(map(_converted_argument, x))
    return {k: _converted_argument(v) for k, v in x.items()} if type(x) is dict else x
