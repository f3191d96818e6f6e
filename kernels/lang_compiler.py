"""The compiler of lang.py: a function's syntax tree -> LLVM IR text."""

from __future__ import annotations

import ast
import functools
import struct
from types import FunctionType
from typing import Any

from numflow.kernels.digest import read
from numflow.kernels.ir import Builder, Module
from numflow.kernels.lang import Function, LangError, Value


@functools.cache
def _definitions(file: str) -> dict[str, ast.FunctionDef]:
    """The functions at the top level of a source file."""
    body = ast.parse(read(file)).body
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
_INT: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or",
    ast.BitXor: "xor", ast.LShift: "shl", ast.RShift: "ashr",
}  # fmt: skip
_FLOAT: dict[type[ast.operator], str] = {
    ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv",
}  # fmt: skip


class Compiler:
    """Compiles one function; a fresh one per function."""

    def __init__(
        self, module: Module, f: Function, prefix: str, symbols: dict[Function, str]
    ) -> None:
        v = module.vectors
        self.module, self.vectors, self.prefix, self.symbols = module, v, prefix, symbols
        self.f = f
        self.kinds = {
            "int": "i64", "bool": "i1", "F32": "float", "F64": "double", "None": "void",
            "Elem": v.scalar, "Vec": v.vector, "Mask": v.mask,
        }  # fmt: skip
        self.parameters = {"ES": v.itemsize, "VL": v.lanes, "VB": v.target.vbytes}
        self.b = Builder(module)
        self.locals: dict[str, str] = {}
        self.allocas: list[str] = []
        self.callees: list[Function] = []
        self.loops: list[tuple[str, str]] = []  # (where continue goes, where break goes)
        self.blocks = 0
        assert isinstance(f, FunctionType)
        self.globals = f.__globals__

    def definition(self, symbol: str, *, exported: bool) -> str:
        node = _definitions(self.f.__code__.co_filename)[self.f.__name__]
        self.result = self.annotated(node.returns)
        parameters = [(a.arg, self.annotated(a.annotation)) for a in node.args.args]
        for name, kind in parameters:
            self.assign(name, Value(kind, f"%p_{name}"))
        self.body(node.body)
        self.b.do(
            "ret void" if self.result == "void" else f"ret {self.result} {_zero(self.result)}"
        )
        head = ", ".join(f"{kind} %p_{name}" for name, kind in parameters)
        linkage = "" if exported else "internal "
        attributes = "alwaysinline #0" if "inline" in self.f.__dict__ else "#0"
        lines = [
            f'define {linkage}{self.result} @"{symbol}"({head}) {attributes} {{',
            "entry:", *self.allocas, *self.b.lines, "}",
        ]  # fmt: skip
        return "\n".join(lines)

    def fail(self, node: ast.AST, problem: str) -> LangError:
        line = getattr(node, "lineno", self.f.__code__.co_firstlineno)
        where = f"{self.f.__code__.co_filename}:{line} in {self.f.__name__}"
        return LangError(f"{where}: {problem}: {ast.unparse(node)}")

    def annotated(self, node: ast.expr | None) -> str:
        name = ast.unparse(node) if node is not None else "?"
        if name not in self.kinds:
            raise LangError(f"{self.f.__name__}: a type is wanted. Received: {name}")
        return self.kinds[name]

    # --- blocks and variables ---

    def labels(self, *names: str) -> list[str]:
        self.blocks += 1
        return [f"{name}.{self.blocks}" for name in names]

    def jump(self, label: str) -> None:
        self.b.do(f"br label %{label}")

    def branch(self, test: Value, yes: str, no: str) -> None:
        self.b.do(f"br i1 {test.name}, label %{yes}, label %{no}")

    def leave(self, label: str) -> None:
        """Jump away; what follows here in Python gets a block of its own, never reached."""
        self.jump(label)
        self.b.label(self.labels("dead")[0])

    def assign(self, name: str, value: Value, node: ast.AST | None = None) -> None:
        value = self.typed(value, self.locals.get(name, self.vectors.scalar))
        if name not in self.locals:
            self.locals[name] = value.kind
            self.allocas.append(f"  %l_{name} = alloca {value.kind}")
        elif self.locals[name] != value.kind:
            raise self.fail(
                node or ast.Name(name), f"{name} is {self.locals[name]}, not {value.kind}"
            )
        self.b.do(f"store {value.kind} {value.name}, ptr %l_{name}")

    def typed(self, value: Value, kind: str) -> Value:
        """A literal gets the type that its place wants; any other value stays."""
        if value.kind or kind not in (*_FLOATS, self.vectors.vector):
            return value
        if kind == self.vectors.vector:
            scalar = self.vectors.scalar
            lane = f"{scalar} {_literal(float(value.name), scalar)}"
            return Value(kind, f"<{', '.join([lane] * self.vectors.lanes)}>")
        return Value(kind, _literal(float(value.name), kind))

    # --- statements ---

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            method = getattr(self, "do_" + type(statement).__name__, None)
            if method is None:
                raise self.fail(statement, "this statement is not in the subset")
            method(statement)

    def do_Pass(self, _: ast.Pass) -> None:
        pass

    def do_Assign(self, s: ast.Assign) -> None:
        (target,) = s.targets
        if isinstance(target, ast.Tuple) and isinstance(s.value, ast.Tuple):
            values = [self.value(e) for e in s.value.elts]
            pairs = list(zip(target.elts, values, strict=True))
        else:
            pairs = [(target, self.value(s.value))]
        for name, value in pairs:
            if not isinstance(name, ast.Name):
                raise self.fail(s, "only names are assigned to; memory has store intrinsics")
            self.assign(name.id, value, s)

    def do_AnnAssign(self, s: ast.AnnAssign) -> None:
        if not isinstance(s.target, ast.Name) or s.value is None:
            raise self.fail(s, "a name and a value are wanted")
        self.assign(s.target.id, self.typed(self.value(s.value), self.annotated(s.annotation)), s)

    def do_AugAssign(self, s: ast.AugAssign) -> None:
        if not isinstance(s.target, ast.Name):
            raise self.fail(s, "only names are assigned to")
        here = ast.copy_location(ast.Name(s.target.id), s)
        self.assign(
            s.target.id, self.value(ast.copy_location(ast.BinOp(here, s.op, s.value), s)), s
        )

    def do_Expr(self, s: ast.Expr) -> None:
        if not isinstance(s.value, ast.Constant):  # a docstring
            self.expression(s.value)

    def do_Return(self, s: ast.Return) -> None:
        if s.value is None:
            self.b.do("ret void")
        else:
            value = self.typed(self.value(s.value), self.result)
            if value.kind != self.result:
                raise self.fail(s, f"returns {value.kind}, not {self.result}")
            self.b.do(f"ret {value.kind} {value.name}")
        self.b.label(self.labels("dead")[0])

    def do_If(self, s: ast.If) -> None:
        yes, no, end = self.labels("then", "else", "endif")
        self.branch(self.truth(s.test), yes, no if s.orelse else end)
        self.b.label(yes)
        self.body(s.body)
        self.jump(end)
        if s.orelse:
            self.b.label(no)
            self.body(s.orelse)
            self.jump(end)
        self.b.label(end)

    def do_While(self, s: ast.While) -> None:
        head, body, end = self.labels("while", "body", "end")
        self.jump(head)
        self.b.label(head)
        self.branch(self.truth(s.test), body, end)
        self.b.label(body)
        self.loops.append((head, end))
        self.body(s.body)
        self.loops.pop()
        self.jump(head)
        self.b.label(end)

    def do_For(self, s: ast.For) -> None:
        """for name in range(...), bounds evaluated once; the step is a constant, or positive."""
        call = s.iter
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "range"):
            raise self.fail(s.iter, "for takes range() only")
        if not isinstance(s.target, ast.Name) or s.orelse:
            raise self.fail(s, "for takes one name and no else")
        values = [self.value(a) for a in call.args]
        first, last = (Value("i64", "0"), values[0]) if len(values) == 1 else values[:2]
        step = values[2] if len(values) == 3 else Value("i64", "1")
        order = "sgt" if step.name.startswith("-") else "slt"
        head, body, onward, end = self.labels("for", "body", "next", "end")
        counter = f"counter.{self.blocks}"  # the body may assign to the name, as in Python
        self.assign(counter, first)
        self.jump(head)
        self.b.label(head)
        i = self.b(f"load i64, ptr %l_{counter}")
        self.branch(Value("i1", self.b(f"icmp {order} i64 {i}, {last.name}")), body, end)
        self.b.label(body)
        self.assign(s.target.id, Value("i64", i), s)
        self.loops.append((onward, end))
        self.body(s.body)
        self.loops.pop()
        self.jump(onward)
        self.b.label(onward)
        self.assign(counter, Value("i64", self.b(f"add i64 {i}, {step.name}")))
        self.jump(head)
        self.b.label(end)

    def do_Break(self, _: ast.Break) -> None:
        self.leave(self.loops[-1][1])

    def do_Continue(self, _: ast.Continue) -> None:
        self.leave(self.loops[-1][0])

    # --- expressions ---

    def value(self, node: ast.expr) -> Value:
        found = self.expression(node)
        if found is None:
            raise self.fail(node, "has no value")
        return found

    def expression(self, node: ast.expr) -> Value | None:
        method = getattr(self, "x_" + type(node).__name__, None)
        if method is None:
            raise self.fail(node, "this expression is not in the subset")
        found: Value | None = method(node)
        return found

    def truth(self, node: ast.expr) -> Value:
        """A value as a condition: an int is true if it is not 0."""
        value = self.value(node)
        if value.kind == "i64":
            return Value("i1", self.b(f"icmp ne i64 {value.name}, 0"))
        if value.kind != "i1":
            raise self.fail(node, f"a condition is wanted, not {value.kind}")
        return value

    def x_Constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, bool):
            return Value("i1", str(node.value).lower())
        if isinstance(node.value, int):
            return Value("i64", str(node.value))
        if isinstance(node.value, float):
            return Value("", repr(node.value))
        raise self.fail(node, "a number is wanted")

    def x_Name(self, node: ast.Name) -> Value:
        kind = self.locals.get(node.id)
        if kind is not None:
            return Value(kind, self.b(f"load {kind}, ptr %l_{node.id}"))
        return Value("i64", str(self.constant(node)))

    def x_Attribute(self, node: ast.Attribute) -> Value:
        return Value("i64", str(self.constant(node)))

    def constant(self, node: ast.expr) -> int:
        """The int that a module-level name, or an attribute of one, has now."""
        found = self.python(node)
        if not isinstance(found, int):
            raise self.fail(node, f"an int constant is wanted, not {type(found).__name__}")
        return int(found)

    def python(self, node: ast.expr) -> Any:
        """The Python object behind a name outside the function."""
        if isinstance(node, ast.Attribute):
            return getattr(self.python(node.value), node.attr)
        if isinstance(node, ast.Name):
            if node.id in self.parameters:
                return self.parameters[node.id]
            if node.id in self.globals:
                return self.globals[node.id]
        raise self.fail(node, "is not defined")

    def x_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return Value("i1", self.b(f"xor i1 {self.truth(node.operand).name}, true"))
        x = self.value(node.operand)
        if not isinstance(node.op, ast.USub):
            raise self.fail(node, "this operator is not in the subset")
        if not x.kind:
            return Value("", repr(-float(x.name)))
        if x.kind != "i64":
            return Value(x.kind, self.b(f"fneg {x.kind} {x.name}"))
        literal = x.name.lstrip("-").isdigit()
        return Value("i64", str(-int(x.name)) if literal else self.b(f"sub i64 0, {x.name}"))

    def x_BinOp(self, node: ast.BinOp) -> Value:
        a, b = self.pair(node, self.value(node.left), self.value(node.right))
        operator = type(node.op)
        if a.kind == "i64":
            return Value("i64", self.integer(node, operator, a.name, b.name))
        if operator not in _FLOAT or a.kind in ("i1", self.vectors.mask):
            raise self.fail(node, f"this operator does not take {a.kind}")
        return Value(a.kind, self.b(f"{_FLOAT[operator]} {a.kind} {a.name}, {b.name}"))

    def pair(self, node: ast.expr, a: Value, b: Value) -> tuple[Value, Value]:
        """Two operands of one type; a literal takes the other's (Elem if both are literals)."""
        a = self.typed(a, b.kind or self.vectors.scalar)
        b = self.typed(b, a.kind)
        if a.kind != b.kind:
            raise self.fail(node, f"operands differ in type: {a.kind or 'literal'}, {b.kind}")
        return a, b

    def integer(self, node: ast.expr, operator: type[ast.operator], a: str, b: str) -> str:
        if operator in (ast.FloorDiv, ast.Mod):
            return self.divide(a, b, rest=operator is ast.Mod)
        if operator not in _INT:
            raise self.fail(node, "this operator does not take int")
        return self.b(f"{_INT[operator]} i64 {a}, {b}")

    def divide(self, a: str, b: str, *, rest: bool) -> str:
        """Python's // and %: rounded down, the rest has the divisor's sign."""
        if b.isdigit() and int(b) & (int(b) - 1) == 0:
            n = int(b)
            return self.b(
                f"and i64 {a}, {n - 1}" if rest else f"ashr i64 {a}, {n.bit_length() - 1}"
            )
        r = self.b(f"srem i64 {a}, {b}")
        signs = self.b(f"icmp slt i64 {self.b(f'xor i64 {r}, {b}')}, 0")
        down = self.b(f"and i1 {signs}, {self.b(f'icmp ne i64 {r}, 0')}")
        if rest:
            return self.b(f"select i1 {down}, i64 {self.b(f'add i64 {r}, {b}')}, i64 {r}")
        q = self.b(f"sdiv i64 {a}, {b}")
        return self.b(f"select i1 {down}, i64 {self.b(f'sub i64 {q}, 1')}, i64 {q}")

    def x_Compare(self, node: ast.Compare) -> Value:
        found, left = "", self.value(node.left)
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            left, right = self.pair(node, left, self.value(right_node))
            if type(operator) not in _COMPARE or left.kind in (self.vectors.mask, "i1"):
                raise self.fail(node, f"this comparison does not take {left.kind}")
            name = _COMPARE[type(operator)]
            if left.kind == "i64":
                test = f"icmp {name if name in ('eq', 'ne') else 's' + name}"
            else:  # with a NaN, only != is true
                test = f"fcmp {'une' if name == 'ne' else 'o' + name}"
            bit = self.b(f"{test} {left.kind} {left.name}, {right.name}")
            found = self.b(f"and i1 {found}, {bit}") if found else bit
            left = right
        return Value("i1", found)

    def x_BoolOp(self, node: ast.BoolOp) -> Value:
        (end,) = self.labels("known")
        result = f"truth.{self.blocks}"
        self.assign(result, self.truth(node.values[0]))
        for operand in node.values[1:]:
            (more,) = self.labels("more")
            known = Value("i1", self.b(f"load i1, ptr %l_{result}"))
            self.branch(known, *((more, end) if isinstance(node.op, ast.And) else (end, more)))
            self.b.label(more)
            self.assign(result, self.truth(operand))
        self.jump(end)
        self.b.label(end)
        return Value("i1", self.b(f"load i1, ptr %l_{result}"))

    def x_IfExp(self, node: ast.IfExp) -> Value:
        test = self.truth(node.test)
        a, b = self.pair(node, self.value(node.body), self.value(node.orelse))
        return Value(a.kind, self.b(f"select i1 {test.name}, {a.kind} {a.name}, {b.kind} {b.name}"))

    def x_Call(self, node: ast.Call) -> Value | None:
        values = [self.value(a) for a in node.args]
        name = ast.unparse(node.func)
        if node.keywords:
            raise self.fail(node, "arguments are positional")
        if name in ("min", "max"):
            a, b = values
            if (a.kind, b.kind) != ("i64", "i64"):
                raise self.fail(node, "min and max take two ints")
            test = self.b(f"icmp {'slt' if name == 'min' else 'sgt'} i64 {a.name}, {b.name}")
            return Value("i64", self.b(f"select i1 {test}, i64 {a.name}, i64 {b.name}"))
        callee = self.python(node.func)
        if not isinstance(callee, FunctionType):
            raise self.fail(node, "a function of the subset is wanted")
        annotations = dict(
            callee.__annotations__
        )  # text: kernels import annotations from the future
        result = self.kinds.get(str(annotations.pop("return", None)), "")
        if len(values) != len(annotations):
            raise self.fail(node, f"{len(annotations)} arguments are wanted")
        for i, (parameter, annotation) in enumerate(annotations.items()):
            kind = self.kinds.get(annotation)  # None: an intrinsic that takes several types
            values[i] = self.typed(values[i], kind or self.vectors.scalar)
            if kind not in (None, values[i].kind):
                raise self.fail(node, f"{parameter} is {kind}, not {values[i].kind}")
        if "emit" in callee.__dict__:
            found: Value | None = callee.__dict__["emit"](self, *values)
            return found
        self.callees.append(callee)
        inner = f"{self.prefix}{callee.__module__}.{callee.__name__}"
        symbol = self.symbols.setdefault(callee, inner)
        operands = ", ".join(f"{v.kind} {v.name}" for v in values)
        call = f'call {result} @"{symbol}"({operands})'
        if result == "void":
            self.b.do(call)
            return None
        return Value(result, self.b(call))


_FLOATS = ("float", "double")


def _zero(kind: str) -> str:
    return "zeroinitializer" if kind.startswith("<") else "0.0" if kind in _FLOATS else "0"


def _literal(value: float, kind: str) -> str:
    """A constant as LLVM wants it: the bits of the double of equal value."""
    if kind == "float":
        (value,) = struct.unpack("f", struct.pack("f", value))
    return f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"
