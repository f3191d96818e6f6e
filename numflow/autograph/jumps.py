"""`return`, `break` and `continue` as structure: what comes behind them moves into an `if`.

Loops and branches become functions later, and no jump leads out of a function. So

    if a: return 1          if a: return 1              (both arms return: "tail form")
    rest                    else: rest; return ...

and where that is not possible, because the `return` stands in a loop, a flag and a value:

    for x in xs:            done, value = False, None
        if x: return x      for x in xs:
    rest                        if x: done, value = True, x; break
                            if done: return value
                            else: rest; return ...

`break` and `continue` become flags of their loop. A `return` straight in a `with` or `try` stays.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from numflow.autograph.names import LOOPS, SCOPES, has, own_nodes

Fresh = Callable[[str], str]
RETVAL = "retval__"  # how the names of returned values begin: they start as zeros in a loop

_TRIES = (ast.Try, ast.TryStar)
_BODIES = ("body", "orelse", "finalbody")


def name(text: str, store: bool = False) -> ast.Name:
    return ast.Name(text, ast.Store() if store else ast.Load())


def assign(target: str, value: ast.expr, like: ast.AST) -> ast.Assign:
    return ast.copy_location(ast.Assign([name(target, store=True)], value), like)


def negated(flag: str) -> ast.expr:
    return ast.UnaryOp(ast.Not(), name(flag))


def branch(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], like: ast.AST) -> ast.If:
    return ast.copy_location(ast.If(test, body, orelse), like)


def _handlers(node: ast.AST) -> list[ast.ExceptHandler | ast.match_case]:
    return [*getattr(node, "handlers", []), *getattr(node, "cases", [])]


def leaves_finally(body: Sequence[ast.stmt]) -> bool:
    """Whether a jump leads out of a `finally`, swallowing exceptions."""
    tries = [n for n in own_nodes(body) if isinstance(n, _TRIES) and n.finalbody]
    return any(
        has(n.finalbody, ast.Return) or has(n.finalbody, (ast.Break, ast.Continue), LOOPS)
        for n in tries
    )


# --- return ------------------------------------------------------------------


class Returns:
    """Rewrites the `return`s of one function. fresh: makes names."""

    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh

    def tail(self, body: list[ast.stmt], last: ast.AST) -> list[ast.stmt]:
        """Statements that all end with a `return`, or raise; `if`s with both arms so."""
        for i, node in enumerate(body):
            if isinstance(node, ast.Return):
                return body[: i + 1]
            if isinstance(node, SCOPES) or not has(node, ast.Return):
                continue
            before, rest = body[:i], body[i + 1 :]
            if isinstance(node, ast.If):
                first, second = ends(node.body), ends(node.orelse)
                if first or second or not rest:
                    like = rest[-1] if rest else node
                    node.body = self.tail(node.body + ([] if first else rest), like)
                    node.orelse = self.tail(node.orelse + ([] if second else rest), like)
                    node.returns = True  # type: ignore[attr-defined]
                    return [*before, node]
            elif _straight(node):
                return [*before, node, *self.tail(rest, rest[-1] if rest else node)]
            done, value = self._fresh("do_return"), self._fresh(RETVAL)
            given = branch(name(done), [ast.Return(name(value))], [], node)
            ast.copy_location(given.body[0], node)
            given.flagged = True  # type: ignore[attr-defined]
            new: list[ast.stmt] = [
                assign(done, ast.Constant(False), node),
                *self._flagged([node], done, value, in_loop=False),
                *self.tail([given, *rest], rest[-1] if rest else node),
            ]
            return before + new
        if ends(body):
            return body
        end = ast.copy_location(ast.Return(ast.Constant(None)), last)
        end.implicit = True  # type: ignore[attr-defined]
        return [*body, end]

    def _flagged(
        self, body: list[ast.stmt], done: str, value: str, in_loop: bool
    ) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for i, node in enumerate(body):
            if isinstance(node, ast.Return):
                out.append(assign(value, node.value or ast.Constant(None), node))
                out.append(assign(done, ast.Constant(True), node))
                if in_loop:
                    out.append(ast.copy_location(ast.Break(), node))
                return out
            out.append(node)
            if isinstance(node, SCOPES) or not has(node, ast.Return):
                continue
            loop = isinstance(node, LOOPS)
            guarded = isinstance(node, _TRIES) and has(node.body, ast.Return)
            for field in _BODIES:
                inner = getattr(node, field, None)
                if inner:
                    new = self._flagged(inner, done, value, in_loop or (loop and field == "body"))
                    if guarded and field == "orelse":
                        new = [branch(negated(done), new, [], new[0])]
                    setattr(node, field, new)
            for handler in _handlers(node):
                handler.body = self._flagged(handler.body, done, value, in_loop)
            rest = body[i + 1 :]
            if in_loop:
                if loop:
                    leave = ast.copy_location(ast.Break(), node)
                    out.append(branch(name(done), [leave], [], node))
                continue
            if rest:
                inner = self._flagged(rest, done, value, in_loop)
                out.append(branch(negated(done), inner, [], rest[0]))
            return out
        return out


def ends(body: Sequence[ast.stmt]) -> bool:
    """Whether statements never go on behind their last one."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return ends(last.body) and ends(last.orelse)
    return isinstance(last, ast.Return | ast.Raise)


def _straight(node: ast.AST) -> bool:
    """Whether the `return`s in a `with`, `try` or `match` are in no branch and no loop."""
    if isinstance(node, ast.Return) or not has(node, ast.Return):
        return True
    if not isinstance(node, (ast.With, ast.Match, *_TRIES)):
        return False
    parts = [getattr(node, f, []) for f in _BODIES] + [h.body for h in _handlers(node)]
    return all(_straight(s) for part in parts for s in part)


# --- break, continue, else of loops -------------------------------------------


class Loops:
    """Rewrites the jumps of loops. A loop with a `break` gets the name of its flag as stop_flag."""

    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh

    def rewritten(self, body: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for node in body:
            if isinstance(node, SCOPES):
                out.append(node)
            elif isinstance(node, ast.For | ast.While):
                out += self._loop(node)
            else:
                for field in _BODIES:
                    if getattr(node, field, None):
                        setattr(node, field, self.rewritten(getattr(node, field)))
                for handler in _handlers(node):
                    handler.body = self.rewritten(handler.body)
                out.append(node)
        return out

    def _loop(self, node: ast.For | ast.While) -> list[ast.stmt]:
        node.body, orelse = self.rewritten(node.body), self.rewritten(node.orelse)
        node.orelse = []
        before: list[ast.stmt] = []
        behind: list[ast.stmt] = orelse
        if has(node.body, ast.Break, LOOPS):
            stop = self._fresh("did_break")
            node.body = self._lowered(node.body, ast.Break, stop)
            before = [assign(stop, ast.Constant(False), node)]
            node.stop_flag = stop  # type: ignore[union-attr]
            behind = [branch(negated(stop), orelse, [], orelse[0])] if orelse else []
        if has(node.body, ast.Continue, LOOPS):
            skip = self._fresh("did_continue")
            lowered = self._lowered(node.body, ast.Continue, skip)
            node.body = [assign(skip, ast.Constant(False), node), *lowered]
        return [*before, node, *behind]

    def _lowered(self, body: list[ast.stmt], kind: type[ast.stmt], flag: str) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for i, node in enumerate(body):
            if isinstance(node, kind):
                return [*out, assign(flag, ast.Constant(True), node)]
            out.append(node)
            if isinstance(node, (*SCOPES, *LOOPS)) or not has(node, kind, LOOPS):
                continue
            guarded = isinstance(node, _TRIES) and has(node.body, kind, LOOPS)
            for field in _BODIES:
                inner = getattr(node, field, None)
                if inner:
                    new = self._lowered(inner, kind, flag)
                    if guarded and field == "orelse":
                        new = [branch(negated(flag), new, [], new[0])]
                    setattr(node, field, new)
            for handler in _handlers(node):
                handler.body = self._lowered(handler.body, kind, flag)
            rest = body[i + 1 :]
            if rest:
                inner = self._lowered(rest, kind, flag)
                out.append(branch(negated(flag), inner, [], rest[0]))
            return out
        return out
