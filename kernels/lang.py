"""A small compiler: functions in a subset of Python -> LLVM IR text, in milliseconds.

Library kernels that a dense step needs at once (the loops around the GEMM tiles, gather,
scatter...) do not wait for Numba: they are plain Python functions, which Python itself never runs.

    def double(args: int, begin: int, end: int) -> None:
        x = word(args, HEADER)
        for i in range(begin, end):
            store_f32(x + i * 4, load_f32(x + i * 4) * 2.0)

    address = addresses(double)["double"]

The subset:

types       int (an i64, and every address), F32, F64, Elem (the element type that the module is
            compiled for), Vec (a vector of Elem), Mask, bool. A variable has one type for ever,
            that of its first value. Parameters and result are annotated, with annotations
            imported from the future.
statements  assignment (tuples too), +=, if, while, for in range, break, continue, return, calls.
operators   on int + - * // % & | ^ << >> as Python has them (rounded down; the divisor must not be
            0), wrapping at 64 bits; on floating values + - * /; comparisons; and, or (the second
            operand is evaluated only if needed), not; x if c else y (x and y are both evaluated).
names       locals; module-level ints and int attributes of classes, as constants; ES, VL, VB: bytes
            of an element, elements and bytes of a vector; intrinsics (intrinsics.py); other
            functions of the subset, which are compiled along.

There is no bounds check: what a kernel reads has been checked by the plan, or is checked by the
kernel itself, which calls refuse(args, index). Locals become stack slots, of which the pass "sroa"
makes SSA values; a local must be assigned to on every way to its use.
"""

from __future__ import annotations

import ast
import functools
import os
import struct
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

from numflow.kernels import engine
from numflow.kernels.digest import digest, read
from numflow.kernels.engine import Target
from numflow.kernels.ir import Builder, Module, Vectors

Function = Callable[..., Any]
_F = TypeVar("_F", bound=Function)


class Value(NamedTuple):
    """A value of compiled code: its LLVM type and its name. A float literal has no type yet: ""."""

    kind: str
    name: str


class LangError(Exception):
    """The source is outside the subset. The message names file and line."""


def intrinsic(emit: Callable[..., Value | None]) -> Callable[[_F], _F]:
    """Mark a function whose call becomes the code that emit(compiler, *values) writes.

    The Python function is the documentation and the types; its body never runs.
    """

    def mark(f: _F) -> _F:
        f.__dict__["emit"] = emit
        return f

    return mark


def inline(f: _F) -> _F:
    """Mark a function of the subset whose body replaces every call: for small ones in hot loops."""
    f.__dict__["inline"] = True
    return f


def raw(emit: Callable[[Module, str], str]) -> Callable[[_F], _F]:
    """Mark a function whose whole definition is the IR text emit(module, name)."""

    def mark(f: _F) -> _F:
        f.__dict__["raw"] = emit
        return f

    return mark


# --- compiling ---------------------------------------------------------------


def emit_module(entries: Sequence[Function], prefix: str, vectors: Vectors) -> str:
    """IR text of the functions and all that they call; entries are exported as prefix + name."""
    module = Module(vectors)
    symbols = {f: prefix + f.__name__ for f in entries}
    pending, seen = list(entries), set(entries)
    while pending:
        f = pending.pop()
        symbol = symbols.setdefault(f, f"{prefix}{f.__module__}.{f.__name__}")
        if "raw" in f.__dict__:
            module.functions.append(f.__dict__["raw"](module, symbol))
            continue
        compiler = Compiler(module, f, prefix, symbols)
        module.functions.append(compiler.definition(symbol, exported=f in entries))
        for callee in compiler.callees:
            if callee not in seen:
                seen.add(callee)
                pending.append(callee)
    return module.text()


def addresses(
    *entries: Function,
    dtype: str = "float32",
    target: Target | None = None,
    using: tuple[str, ...] = (),
) -> dict[str, int]:
    """Addresses of compiled entries by name, through the engine's cache.

    dtype is the type of Elem and decides Vec; kernels that use neither are compiled once, for the
    default. All entries are of one file; what they call is there, in kernels/cpu, or in the files
    of kernels/ that `using` names.
    """
    target = target or Target.host()
    names = [f.__name__ for f in entries]
    return engine.functions(
        f"lang {sources(entries[0].__code__.co_filename, using)} {entries[0].__module__} {dtype}",
        lambda prefix: emit_module(entries, prefix, Vectors(dtype, target)),
        names,
        target,
        passes="always_inliner,sroa",
    )


@functools.cache
def sources(file: str = __file__, using: tuple[str, ...] = ()) -> str:
    """Digest of every source that decides what is emitted: the cache forgets an edited kernel.

    The emitters, all of kernels/cpu and the kernel's own file: read in a millisecond, and no list
    of dependencies that can be wrong.
    """
    folder = os.path.dirname(__file__)
    cpu = os.path.join(folder, "cpu")
    files = {os.path.join(cpu, name) for name in os.listdir(cpu) if name.endswith(".py")}
    files |= {os.path.join(folder, f"{name}.py") for name in (*_EMITTERS, *using)}
    return digest(b"\0".join(map(read, sorted({*files, file})))).hex()[:32]


_EMITTERS = ("abi", "intrinsics", "ir", "lang", "tiles")


@functools.cache
def _definitions(file: str) -> dict[str, ast.FunctionDef]:
    """The functions at the top level of a source file."""
    body = ast.parse(read(file)).body
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


# --- the compiler ------------------------------------------------------------

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
