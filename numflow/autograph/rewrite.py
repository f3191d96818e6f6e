"""From a function's syntax tree to one whose control flow goes through operators.

    if test: body           def body__1(): nonlocal x; body
    else: orelse            def orelse__2(): nonlocal x; orelse
                            def get__3(): return (x,)
                            def set__4(value): nonlocal x; (x,) = value
                            ag__.if_stmt(test, body__1, orelse__2, get__3, set__4, ("x",), ...)

Everything that a block writes is state. The operators (operators.py) look at the condition: of a
tensor of a trace it becomes an op, anything else does what Python does. Names that have no value
yet hold an Undefined, and reads of names that blocks write go through `ag__.ld`.

No analysis of flows: which names are read outside of a block at all is all that is known of them.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence
from typing import Any

from numflow.autograph.jumps import Loops, Returns, assign, leaves_finally, name
from numflow.autograph.names import (
    FUNCTIONS,
    Scope,
    Written,
    appended_list,
    has,
    loads,
    names_in,
    root_of,
    without_types,
)

# Builtins that look at the frame of their caller.
_FRAME = {"locals", "vars", "dir", "eval", "exec"}
_SUSPENDS = (ast.Yield, ast.YieldFrom, ast.Await)
_BINDS = (ast.NamedExpr, *_SUSPENDS)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BLOCKS = (ast.If, ast.For, ast.While)
ITEM = "item__"


def stays_python(node: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether a function is left as it is: generators, and what looks at its own frame."""
    body: list[Any] = node.body if isinstance(node, ast.FunctionDef) else [node.body]
    if has(body, _SUSPENDS) or leaves_finally(body if isinstance(node, ast.FunctionDef) else []):
        return True
    for top in body:
        for n in ast.walk(top):
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in _FRAME:
                given = len(n.args)
                if given < (2 if n.func.id in ("eval", "exec") else 1):
                    return True
    return False


def _op(op: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(name("ag__"), op, ast.Load()), list(args), [])


def _arguments(names: Sequence[str] = ()) -> ast.arguments:
    return ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, [])


def _later(value: ast.expr) -> ast.Lambda:
    return ast.Lambda(_arguments(), value)


def _texts(names: Iterable[str]) -> ast.Tuple:
    return ast.Tuple([ast.Constant(n) for n in names], ast.Load())


def _place(place: ast.expr, context: ast.expr_context) -> ast.expr:
    """A copy of a place, to be read or to be assigned to."""
    made = copy.deepcopy(place)
    made.ctx = context  # type: ignore[attr-defined]
    return made


class Rewriter(ast.NodeTransformer):
    """Rewrites one function, and all that is defined in it but classes and generators."""

    def __init__(self) -> None:
        self._count = 0
        self._loops = 0  # loops around, in this function
        self._scopes: list[Scope | set[str]] = []  # sets: the names of comprehensions and lambdas

    def fresh(self, text: str) -> str:
        """A name that nobody has."""
        self._count += 1
        made = f"{text}{'' if text.endswith('__') else '__'}{self._count}"
        self._function.local.add(made)
        return made

    @property
    def _function(self) -> Scope:
        return next(s for s in reversed(self._scopes) if isinstance(s, Scope))

    # --- functions -----------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if self._scopes:  # an inner one: decorators and defaults belong to the function around
            node.decorator_list = [self.visit(d) for d in node.decorator_list]
            self._visit_defaults(node.args)
        if stays_python(node):
            return node
        body = node.body
        scope = Scope(node.args, body)
        self._scopes.append(scope)
        document = body[:1] if ast.get_docstring(node, clean=False) is not None else []
        body = body[len(document) :]
        if has(body, ast.Return):
            body = Returns(self.fresh).tail(body, body[-1])
        body = Loops(self.fresh).rewritten(body)
        self._declare(scope, body)
        # Names without a value that are only written: a statement binds them.
        declared: list[ast.stmt] = []
        if scope.globals:
            declared.append(ast.Global(sorted(scope.globals)))
        if scope.nonlocals:
            declared.append(ast.Nonlocal(sorted(scope.nonlocals)))
        around, self._loops = self._loops, 0
        body = self._block(body)
        self._loops = around
        unset = sorted(scope.wrapped - scope.parameters)
        declared += [assign(n, _op("Undefined", ast.Constant(n)), node) for n in unset]
        self._scopes.pop()
        for statement in declared:
            ast.copy_location(statement, node)
        node.body = [*document, *declared, *(body or [ast.copy_location(ast.Pass(), node)])]
        return node

    def _declare(self, scope: Scope, body: Sequence[ast.stmt]) -> None:
        """Find the names that may have no value: those that blocks write, or that are deleted."""
        stack: list[ast.AST] = list(body)
        while stack:
            node = stack.pop()
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                continue
            if isinstance(node, _BLOCKS):
                written = Written([node])
                scope.wrapped.update(written.names)
                scope.wrapped.update(written.appended, scope.shared)
                continue
            stack += ast.iter_child_nodes(node)
        deleted = {
            t.id
            for n in ast.walk(ast.Module(list(body), []))
            if isinstance(n, ast.Delete)
            for t in n.targets
            if isinstance(t, ast.Name)
        }
        scope.wrapped &= scope.local - (scope.parameters - deleted)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self._visit_defaults(node.args)
        if not stays_python(node):
            args = node.args
            every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
            self._scopes.append({a.arg for a in every if a is not None})
            node.body = self.visit(node.body)
            self._scopes.pop()
        return node

    def _visit_defaults(self, args: ast.arguments) -> None:
        if self._scopes:
            args.defaults = [self.visit(d) for d in args.defaults]
            args.kw_defaults = [None if d is None else self.visit(d) for d in args.kw_defaults]

    def _block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for node in body:
            made = self.visit(node)
            out += made if isinstance(made, list) else [] if made is None else [made]
        return out

    def visit_Global(self, node: ast.Global) -> None:
        """It stands at the head of the function, and of every block that writes the name."""

    visit_Nonlocal = visit_Global  # type: ignore[assignment]

    # --- state ---------------------------------------------------------------

    def _state(
        self, nodes: Sequence[ast.AST], like: ast.AST
    ) -> tuple[list[ast.stmt], list[ast.stmt], list[ast.expr]]:
        """What the blocks declare, the definitions before them, and get, set, names, loose, lists.

        loose: names that nothing outside of the blocks reads. lists: those that are appended to.
        """
        scope = self._function
        written = Written(nodes)
        lists = [n for n in written.appended if n in scope.wrapped]
        shared = scope.shared if has(nodes, ast.Call) else []
        names = list(dict.fromkeys([*written.names, *lists, *shared]))
        own = [n for n in names if n not in scope.globals]
        declared: list[ast.stmt] = []
        if own:
            declared.append(ast.Nonlocal(own))
        if len(own) < len(names):
            declared.append(ast.Global([n for n in names if n in scope.globals]))
        taken = set(names)
        places = {
            text: place
            for text, place in written.places.items()
            # A place that is another one in the block is no state.
            if not taken & names_in(place) and root_of(place) != ITEM
        }
        inside = loads(nodes)
        loose = (
            []
            if self._loops and isinstance(like, ast.If)
            else [
                n
                for n in own
                if n in scope.local
                and n not in scope.parameters
                and scope.reads[n] <= inside[n]
                and "__" not in n[1:-1]
            ]
        )
        get, set_ = self.fresh("get"), self.fresh("set")
        risky = scope.unbound | scope.globals | scope.nonlocals
        reads: list[ast.expr] = [
            _op("ldu", _later(name(n)), ast.Constant(n)) if n in risky else name(n) for n in names
        ]
        reads += [
            _op("ldu", _later(_place(place, ast.Load())), ast.Constant(t))
            for t, place in places.items()
        ]
        getter = self._definition(get, [ast.Return(ast.Tuple(reads, ast.Load()))])
        body: list[ast.stmt] = [self._declared(d) for d in declared]
        if names:
            head = ast.Subscript(
                name("value"), ast.Slice(None, ast.Constant(len(names))), ast.Load()
            )
            targets = ast.Tuple([name(n, store=True) for n in names], ast.Store())
            body.append(ast.Assign([targets], head))
        for k, place in enumerate(places.values(), len(names)):
            item = ast.Subscript(name("value"), ast.Constant(k), ast.Load())
            defined = _op("defined", item)
            body.append(ast.If(defined, [ast.Assign([_place(place, ast.Store())], item)], []))
        setter = self._definition(set_, body or [ast.Pass()], ["value"])
        for each in (getter, setter):
            ast.copy_location(each, like)
        every = [*names, *places]
        given = [name(get), name(set_), _texts(every), _texts(loose), _texts(lists)]
        return declared, [getter, setter], given

    @staticmethod
    def _declared(node: ast.stmt) -> ast.stmt:
        assert isinstance(node, ast.Nonlocal | ast.Global)
        return type(node)(list(node.names))

    @staticmethod
    def _definition(text: str, body: list[ast.stmt], args: Sequence[str] = ()) -> ast.FunctionDef:
        made = ast.FunctionDef(text, _arguments(args), body, [], None)
        without_types(made)
        return made

    def _inner(
        self,
        text: str,
        declared: Sequence[ast.stmt],
        body: list[ast.stmt],
        like: ast.AST,
        args: Sequence[str] = (),
    ) -> ast.FunctionDef:
        """A block as a function."""
        whole = [*(self._declared(d) for d in declared), *(body or [ast.Pass()])]
        made = self._definition(text, whole, args)
        return ast.copy_location(made, like)

    def _statement(self, value: ast.expr, like: ast.AST) -> ast.stmt:
        return ast.copy_location(ast.Expr(ast.copy_location(value, like)), like)

    # --- statements ----------------------------------------------------------

    def visit_If(self, node: ast.If) -> list[ast.stmt]:
        declared, before, given = self._state([*node.body, *node.orelse], node)
        test = self.visit(node.test)
        first, second = self.fresh("if_body"), self.fresh("else_body")
        body = self._inner(first, declared, self._block(node.body), node)
        orelse = self._inner(second, declared, self._block(node.orelse), node)
        op = "if_return" if getattr(node, "returns", False) else "if_stmt"
        call = _op(op, test, name(first), name(second), *given)
        if op == "if_return":
            ends: ast.stmt = ast.Return(ast.copy_location(call, node.test))
            return [*before, body, orelse, ast.copy_location(ends, node.test)]
        return [*before, body, orelse, self._statement(call, node.test)]

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        declared, before, given = self._state([node.test, *node.body], node)
        redo = ast.Constant(has(node.test, ast.NamedExpr))  # the test writes names
        test = self.visit(node.test)
        ask, body = self.fresh("loop_test"), self.fresh("loop_body")
        asked = ast.copy_location(ast.Return(test), node.test)
        tests = self._inner(ask, declared, [asked], node)
        self._loops += 1
        block = self._inner(body, declared, self._block(node.body), node)
        self._loops -= 1
        call = _op("while_stmt", name(ask), self._stop(node), name(body), redo, *given)
        return [*before, tests, block, self._statement(call, node.test)]

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        bound = ast.copy_location(ast.Assign([node.target], name(ITEM)), node.target)
        over = node.iter
        declared, before, given = self._state([bound, *node.body], node)
        source = self._iterated(over)
        body = self.fresh("loop_body")
        target = self.visit(bound)
        self._loops += 1
        block = self._inner(body, declared, [target, *self._block(node.body)], node, [ITEM])
        self._loops -= 1
        targets = _texts(Written([bound]).names)
        call = _op("for_stmt", source, self._stop(node), name(body), *given, targets)
        return [*before, block, self._statement(call, over)]

    def _iterated(self, over: ast.expr) -> ast.expr:
        """What a `for` goes through: range, enumerate and zip of tensors are not made first."""
        made = self.visit(over)
        if isinstance(over, ast.Call) and isinstance(made, ast.Call):
            function = made.func
            if isinstance(function, ast.Call) and isinstance(function.func, ast.Attribute):
                function.func.attr = "iterating"
        return made  # type: ignore[no-any-return]

    def _stop(self, node: ast.For | ast.While) -> ast.expr:
        flag = getattr(node, "stop_flag", None)
        return ast.Constant(None) if flag is None else _later(name(flag))

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        message = ast.Constant(None) if node.msg is None else _later(self.visit(node.msg))
        return self._statement(_op("assert_stmt", self.visit(node.test), message), node)

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        grown = appended_list(node)
        scope = self._scopes[-1] if self._scopes else None
        if grown is not None and isinstance(scope, Scope) and grown in scope.wrapped:
            assert isinstance(node.value, ast.Call)
            value = self.visit(node.value.args[0])
            call = _op("append", self.visit(name(grown)), value)
            return assign(grown, ast.copy_location(call, node), node)
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        """A local that is annotated cannot be nonlocal: the annotation goes."""
        if not isinstance(node.target, ast.Name):
            node.annotation = ast.Constant(None)
            self.generic_visit(node)
            return node
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)

    def visit_Delete(self, node: ast.Delete) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id in self._function.wrapped:
                out.append(assign(target.id, self._deleted(target.id), node))
            else:
                out.append(ast.copy_location(ast.Delete([self.visit(target)]), node))
        return out

    @staticmethod
    def _deleted(text: str) -> ast.expr:
        return _op("deleted", name(text), ast.Constant(text))

    def _kept(self, node: Any) -> Any:
        """A statement that stays, with its bodies rewritten; patterns stay as they are."""
        for field in ("guard", "type"):
            if getattr(node, field, None) is not None:
                setattr(node, field, self.visit(getattr(node, field)))
        for field in ("items", "handlers"):
            if getattr(node, field, None):
                setattr(node, field, [self.visit(each) for each in getattr(node, field)])
        for field in ("body", "orelse", "finalbody"):
            given = getattr(node, field, None)
            if given:
                passed = ast.copy_location(ast.Pass(), given[0])
                setattr(node, field, self._block(given) or [passed])
        return node

    visit_With = visit_Try = visit_TryStar = visit_ExceptHandler = visit_match_case = _kept

    # --- expressions ---------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and self._may_be_undefined(node.id):
            return ast.copy_location(_op("ld", node), node)
        return node

    def _may_be_undefined(self, text: str) -> bool:
        for scope in reversed(self._scopes):
            if isinstance(scope, Scope):
                if text in scope.local:
                    return text in scope.wrapped
                if text in scope.globals:
                    return False
            elif text in scope:
                return False
        return False

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        if has(node, _BINDS):
            self.generic_visit(node)
            return node
        op = "and_" if isinstance(node.op, ast.And) else "or_"
        return ast.copy_location(_op(op, *[_later(self.visit(v)) for v in node.values]), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return ast.copy_location(_op("not_", node.operand), node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        if has(node, _BINDS):
            self.generic_visit(node)
            return node
        test, body, orelse = self.visit(node.test), self.visit(node.body), self.visit(node.orelse)
        return ast.copy_location(_op("if_exp", test, _later(body), _later(orelse)), node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """a < b < c, each operand computed once."""
        if len(node.ops) == 1 or has(node, _BINDS):
            self.generic_visit(node)
            return node
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        # compare(lambda a, b: a < b, x, y, ...): all but the first two operands are lazy.
        pairs: list[ast.expr] = []
        for op, right in zip(node.ops, node.comparators, strict=True):
            pair = ast.Compare(name("left"), [op], [name("right")])
            pairs.append(ast.Lambda(_arguments(["left", "right"]), pair))
            pairs.append(_later(right))
        return ast.copy_location(_op("compare", operands[0], *pairs), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = node.func
        if isinstance(function, ast.Name) and function.id == "super" and not node.args:
            first = self._function.first
            if first is not None and not node.keywords:
                node.args = [name("__class__"), name(first)]
            return node
        self.generic_visit(node)
        node.func = ast.copy_location(_op("call", node.func), function)
        return node

    def _comprehension(self, node: Any) -> Any:
        """The first iterable is computed outside, all the rest where the targets are known."""
        first = node.generators[0]
        first.iter = self.visit(first.iter)
        bound: set[str] = set()
        for generator in node.generators:
            bound |= names_in(generator.target)
        self._scopes.append(bound)
        for k, generator in enumerate(node.generators):
            if k:
                generator.iter = self.visit(generator.iter)
            generator.ifs = [self.visit(test) for test in generator.ifs]
        for field in ("key", "elt", "value"):
            if hasattr(node, field):
                setattr(node, field, self.visit(getattr(node, field)))
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
