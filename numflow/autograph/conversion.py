"""The code of a function, rewritten so that its control flow goes through operators.

The new code has the file, the lines and the names of the old: tracebacks, breakpoints and coverage
need no translation.
"""

from __future__ import annotations
import __future__

import ast
import functools
from types import CodeType, FunctionType

from numflow.autograph import scan
from numflow.autograph.names import without_types
from numflow.autograph.rewrite import Rewriter, stays_python
from numflow.autograph.source import syntax_of

_FUTURE = functools.reduce(
    lambda flags, text: flags | getattr(__future__, text).compiler_flag,
    __future__.all_feature_names,
    0,
)
MADE = "converted__"


def code_of(
    function: FunctionType, node: ast.FunctionDef | ast.Lambda | None = None
) -> CodeType | None:
    """The converted code of a function; None: it stays as it is."""
    original = function.__code__
    if scan.stays_by_code(original):
        return None
    try:
        tree = syntax(function, node)
    except RecursionError:  # an expression of thousands of terms
        return None
    if tree is None:
        return None
    wrapped, log = tree, scan.conversion_log
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
