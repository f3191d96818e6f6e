"""From a function to the syntax tree of its source, with the line numbers of its file.

The text of a `def` is cut out by its code's own line numbers, which is faster than tokenizing it. A
lambda is found by the columns that its code remembers, so it may share its line with other code.
"""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType


def syntax_of(function: FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """The definition of a function; None where there is no source, or it has changed since.

    Async functions are not looked for: they stay Python.
    """
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    first = code.co_firstlineno - 1
    if not 0 <= first < len(lines):
        return None
    node = _lambda(code, lines) if code.co_name == "<lambda>" else _definition(code, lines)
    return node if node is not None and _parameters(node.args) == _own_parameters(code) else None


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """A code object, and those of what is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def _definition(code: CodeType, lines: list[str]) -> ast.FunctionDef | None:
    first = code.co_firstlineno - 1
    last = max(
        (end for c in codes_in(code) for _, end, _, _ in c.co_positions() if end), default=first
    )
    indent = _indent(lines[first])
    stop = min(max(last, first + 1), len(lines))
    while stop < len(lines):  # what leaves no code: `pass`, a declaration, what is never reached
        text = lines[stop].strip()
        if text and not text.startswith("#") and _indent(lines[stop]) <= indent:
            break
        stop += 1
    tree = _parsed(lines[first:stop], indent)
    while tree is None and stop < len(lines):  # an expression or a text that goes on below
        stop += 1
        tree = _parsed(lines[first:stop], indent)
        if stop - last > 50:
            return None
    node = tree.body[0] if tree is not None and tree.body else None
    if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
        return None
    ast.increment_lineno(node, first)
    return node


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _parsed(lines: list[str], indent: int) -> ast.Module | None:
    """Lines as a module. Those of an inner function stand under an `if`, not to move texts."""
    try:
        if not indent:
            return ast.parse("".join(lines))
        tree = ast.parse("if 1:\n" + "".join(lines))
        ast.increment_lineno(tree, -1)
        held = tree.body[0]
        return ast.Module(held.body, []) if isinstance(held, ast.If) else None
    except SyntaxError:  # of an indent that is none: tabs, a definition in one line with others
        try:
            return ast.parse(textwrap.dedent("".join(lines))) if indent else None
        except SyntaxError:
            return None


# --- lambdas -----------------------------------------------------------------


def _lambda(code: CodeType, lines: list[str]) -> ast.Lambda | None:
    """The lambda whose body stands where the code says, wherever in a statement that is."""
    places = [
        (line, column, last, end)
        for line, last, column, end in code.co_positions()
        if line and last and column and end and (line, column) != (last, end)
    ]
    if not places:
        return None
    begin = min((line, column) for line, column, _, _ in places)
    end = max((last, end) for _, _, last, end in places)
    first = code.co_firstlineno
    if not first <= begin[0] <= end[0] <= len(lines):
        return None
    encoded = [line.encode() for line in lines[first - 1 : end[0]]]
    limit = begin[1] if begin[0] == first else len(encoded[0])
    at = encoded[0].rfind(b"lambda", 0, limit)
    while at >= 0:
        found = _lambda_at(code, encoded, at, end, first, lines)
        if found is not None and (found.body.lineno, found.body.col_offset) <= begin:
            return found
        at = encoded[0].rfind(b"lambda", 0, at)
    return None


def _lambda_at(
    code: CodeType,
    encoded: list[bytes],
    at: int,
    end: tuple[int, int],
    first: int,
    lines: list[str],
) -> ast.Lambda | None:
    """The lambda that starts at a column of the first line, and goes as far as its code or more."""
    rows = list(encoded)
    rest = rows[-1][end[1] :]
    rows[-1] = rows[-1][: end[1]]
    rows[0] = b"(" + b" " * (at - 1) + rows[0][at:] if at else b"(" + rows[0]
    shift = 0 if at else 1
    following = [rest, *(line.encode() for line in lines[end[0] : end[0] + 20])]
    text = b"".join(rows)
    closers = [b"", *_up_to_closers(b"".join(following))]
    for more in closers[:12]:
        try:
            node = ast.parse(text + more + b"\n)", mode="eval").body
        except SyntaxError:
            continue
        if isinstance(node, ast.Lambda):
            ast.increment_lineno(node, first - 1)
            if shift:
                for each in ast.walk(node):
                    if getattr(each, "lineno", 0) == first and hasattr(each, "col_offset"):
                        each.col_offset -= shift
            return node
        return None
    return None


def _up_to_closers(text: bytes) -> Iterator[bytes]:
    """The beginnings of a text that end with a bracket that closes."""
    for k, c in enumerate(text):
        if c in b")]}":
            yield text[: k + 1]


# --- does the text belong to the code ----------------------------------------


def _parameters(args: ast.arguments) -> list[str]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [a.arg for a in every if a is not None]


def _own_parameters(code: CodeType) -> list[str]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    names = list(code.co_varnames[:count])
    mangled = code.co_qualname.split(".")
    return [_unmangled(n, mangled) for n in names]


def _unmangled(name: str, path: list[str]) -> str:
    """A private name of a class as it is written: __x of _C__x."""
    for cls in path:
        prefix = "_" + cls.lstrip("_") + "__"
        if name.startswith(prefix) and not name.endswith("__"):
            return name[len(prefix) - 2 :]
    return name
