"""Functions whose control flow goes through operators: made, kept, and chosen.

One conversion per code object; what a function has of its own - closure, defaults, globals - is
bound anew at each use. Entries go when the code goes. The new code has the file, the lines and the
names of the old: tracebacks, breakpoints and coverage need no translation.
"""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import types
from types import CodeType, FunctionType
from typing import Any

from numflow.autograph import operators, scan
from numflow.autograph.names import without_types
from numflow.autograph.rewrite import Rewriter, stays_python
from numflow.autograph.source import syntax_of

_FUTURE = functools.reduce(
    lambda flags, text: flags | getattr(__future__, text).compiler_flag,
    __future__.all_feature_names,
    0,
)
_SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
MADE = "converted__"


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
        made = _code(function, node)
        scan.remember(code, made)
    if made is None:
        return function
    assert isinstance(made, CodeType)
    return _bound(made, function, operators if recursive else _flat)


_flat: Any = types.SimpleNamespace(**vars(operators))
_flat.call = _flat.iterating = lambda function: function


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


def _code(function: FunctionType, node: ast.FunctionDef | ast.Lambda | None) -> CodeType | None:
    """The converted code of a function; None: it stays as it is."""
    original = function.__code__
    if original.co_flags & _SUSPENDS or scan.nothing_by_code(original):
        return None
    try:
        tree = syntax(function, node)
    except RecursionError:  # an expression of thousands of terms
        return None
    if tree is None:
        return None
    wrapped, log = tree, operators.conversion_log
    try:
        code = compile(
            wrapped,
            original.co_filename,
            "exec",
            flags=original.co_flags & _FUTURE,
            dont_inherit=True,
        )
    except (SyntaxError, RecursionError, ValueError):
        if log is not None:
            log(1, f"{original.co_qualname} stays as it is: it could not be compiled")
        return None
    found = _find(code)
    if found is None or "ag__" not in found.co_freevars:
        return None
    if set(found.co_freevars) - {"ag__"} - set(original.co_freevars):
        return None  # such as __class__, which the function does not know
    if log is not None:
        log(1, f"{original.co_qualname} converted ({original.co_filename})")
        log(3, ast.unparse(wrapped))
    return _renamed(found, original.co_name, original.co_qualname)


def syntax(
    function: FunctionType, node: ast.FunctionDef | ast.Lambda | None = None
) -> ast.Module | None:
    """A module in which the converted function is defined; None: there is nothing to convert."""
    if node is None:
        node = syntax_of(function)
        if node is None or scan.nothing_by_syntax(node, function):
            return None
    if stays_python(node):
        return None
    if isinstance(node, ast.Lambda):
        made = ast.FunctionDef(MADE, node.args, [ast.Return(node.body)], [], None)
        ast.copy_location(made.body[0], node.body)
    else:
        made = node
        made.decorator_list, made.returns = [], None
    ast.copy_location(made, node)
    made.name = MADE
    made = Rewriter().visit_FunctionDef(made)
    without_types(made)
    args = made.args
    args.defaults = [ast.Constant(None) for _ in args.defaults]
    args.kw_defaults = [None if d is None else ast.Constant(None) for d in args.kw_defaults]
    for each in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
        if each is not None:
            each.annotation = None
    names = ["ag__", *function.__code__.co_freevars]
    outer: ast.FunctionDef | ast.ClassDef = ast.FunctionDef(
        "factory__",
        ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, []),
        [made],
        [],
        None,
    )
    without_types(outer)
    cls = _class_of(function.__qualname__)
    if cls:  # for the private names of the class
        outer = ast.ClassDef(cls, [], [], [outer], [])
        without_types(outer)
    ast.copy_location(outer, node)
    return ast.fix_missing_locations(ast.Module([outer], []))


def _class_of(path: str) -> str:
    """The class in whose body a function of this qualified name stands; "" outside of classes."""
    parts = path.split(".")
    found = ""
    for part, following in zip(parts, [*parts[1:], "<locals>"], strict=True):
        if part != "<locals>" and following != "<locals>":
            found = part
    return found


def _find(code: CodeType) -> CodeType | None:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found = constant if constant.co_name == MADE else _find(constant)
            if found is not None:
                return found
    return None


def _renamed(code: CodeType, name: str, path: str) -> CodeType:
    """The code, and that of its blocks, by the name of the function: what tracebacks show."""
    consts = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            own, inner = constant.co_name, constant.co_qualname
            stem, _, number = own.rpartition("__")
            if number.isdigit() and stem in _OUR_BLOCKS:
                own, inner = name, path
            else:
                inner = inner.rpartition("<locals>.")[2]
                inner = f"{path}.<locals>.{inner}"
            constant = _renamed(constant, own, inner)
        consts.append(constant)
    return code.replace(co_consts=tuple(consts), co_name=name, co_qualname=path)


_OUR_BLOCKS = {"if_body", "else_body", "loop_body", "loop_test", "get", "set"}

# --- which callees -----------------------------------------------------------


def callee(function: Any) -> Any:
    """What a converted function calls where it is written to call `function`."""
    kind = type(function)
    if kind is FunctionType:
        return of_function(function, True) if scan.is_users(function) else function
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
