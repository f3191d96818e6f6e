"""What statements bind, and what a function's names are: read from the syntax tree."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, ast.ClassDef)
LOOPS = (ast.For, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Kinds = tuple[type[ast.AST], ...] | type[ast.AST]


def has(nodes: ast.AST | Sequence[ast.AST], kinds: Kinds, not_in: Kinds = ()) -> bool:
    """Whether nodes hold one of these kinds outside of inner scopes, and outside of `not_in`."""
    skip = SCOPES + (not_in if isinstance(not_in, tuple) else (not_in,))
    stack = [nodes] if isinstance(nodes, ast.AST) else list(nodes)
    stack = [n for n in stack if not isinstance(n, SCOPES)]
    while stack:
        node = stack.pop()
        if isinstance(node, kinds):
            return True
        stack += [c for c in ast.iter_child_nodes(node) if not isinstance(c, skip)]
    return False


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes outside of inner scopes."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, SCOPES):
            stack += ast.iter_child_nodes(node)


class Written:
    """What statements bind: names, places such as self.x and d["k"], both in order, and lists.

    names: bound by statements. places: by their text. appended: names of which `append` is called
    as a statement. unbound: names that the end of an `except` clause unbinds.
    """

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        self.names: dict[str, None] = {}
        self.places: dict[str, ast.expr] = {}
        self.appended: dict[str, None] = {}
        self.unbound: set[str] = set()
        for node in nodes:
            self._visit(node)

    def _target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = None
        elif isinstance(target, ast.Attribute | ast.Subscript):
            if root_of(target) is not None:
                self.places[ast.unparse(target)] = target
        elif isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self._target(each)
        elif isinstance(target, ast.Starred):
            self._target(target.value)

    def _visit(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.names[node.name] = None
                return
            case ast.Lambda():
                return
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for inner in ast.walk(node):
                    if isinstance(inner, ast.NamedExpr):
                        self._target(inner.target)
                return
            case ast.Assign():
                for target in node.targets:
                    self._target(target)
            case ast.AnnAssign():
                if node.value is not None:
                    self._target(node.target)
            case ast.AugAssign() | ast.For() | ast.AsyncFor() | ast.NamedExpr():
                self._target(node.target)
            case ast.withitem():
                if node.optional_vars is not None:
                    self._target(node.optional_vars)
            case ast.Delete():
                for target in node.targets:
                    self._target(target)
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    self.names[(alias.asname or alias.name).split(".")[0]] = None
            case ast.ExceptHandler() if node.name:
                self.names[node.name] = None
                self.unbound.add(node.name)
            case ast.MatchAs() | ast.MatchStar() if node.name:
                self.names[node.name] = None
            case ast.MatchMapping() if node.rest:
                self.names[node.rest] = None
            case ast.Expr():
                grown = appended_list(node)
                if grown is not None:
                    self.appended[grown] = None
        for child in ast.iter_child_nodes(node):
            self._visit(child)


def appended_list(node: ast.stmt) -> str | None:
    """The name in a statement `name.append(x)`."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "append"), [value], [])) if (
            not isinstance(value, ast.Starred)
        ):
            return name
    return None


def root_of(place: ast.expr) -> str | None:
    """The name at the root of self.a.x or d[k].y; None of a place that is found by computing."""
    node: ast.expr = place
    while True:
        if isinstance(node, ast.Attribute):
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant | ast.Name):
            node = node.value
        else:
            break
    return node.id if isinstance(node, ast.Name) else None


def without_types(node: ast.FunctionDef | ast.ClassDef) -> None:
    """Let a definition that was made have no type parameters: Python 3.12 asks for the field."""
    if "type_params" in node._fields:
        setattr(node, "type_params", [])  # noqa: B010


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def loads(nodes: Iterable[ast.AST]) -> Counter[str]:
    """How often each name is read, also in what is defined here; `x += 1` and `del x` read x."""
    found: Counter[str] = Counter()
    for top in nodes:
        for n in ast.walk(top):
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load):
                found[n.id] += 1
            elif isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name):
                found[n.target.id] += 1
            elif isinstance(n, ast.Nonlocal | ast.Global):
                for name in n.names:
                    found[name] += 1
    return found


class Scope:
    """The names of one function: which are its own, which of outside it may bind.

    parameters, local, globals, nonlocals, shared: names. first: the first parameter.
    wrapped: those that may be Undefined when read.
    """

    def __init__(self, args: ast.arguments, body: Sequence[ast.AST]) -> None:
        every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
        self.parameters = {a.arg for a in every if a is not None}
        positional = [*args.posonlyargs, *args.args]
        self.first = positional[0].arg if positional else None
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        for node in own_nodes(body):
            if isinstance(node, ast.Global):
                self.globals.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                self.nonlocals.update(node.names)
        written = Written(body)
        self.local = set(written.names) - self.globals - self.nonlocals | self.parameters
        self.unbound = written.unbound
        self.reads: Counter[str] = loads(body)
        # What functions that are defined here bind: calling one writes it.
        self.shared = sorted(_bound_outside(body) & self.local)
        self.wrapped: set[str] = set()


def _bound_outside(body: Sequence[ast.AST]) -> set[str]:
    """The names that functions in the body declare as nonlocal."""
    nodes = (n for top in body for n in ast.walk(top) if isinstance(n, ast.Nonlocal))
    return {name for n in nodes for name in n.names}
