"""The builder whose values are Python expressions: what bodies of kernels/scalar.py become as
source text.

Numba widens int32 + int32 to int64 and takes literals for float64, so results and constants are
wrapped in their dtype: `i32(x + i32(1))`. Names in the text (fma, rint, larger, f32...) are defined
in numba_jit.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from numflow.kernels.builder import (
    FLOATS,
    INTS,
    ITEMSIZE,
    UNSIGNED,
    Builder,
    Number,
)
from numflow.kernels.scalar import BODIES, half_to_single, philox, single_to_half

_INFIX = {
    **{"add": "+", "sub": "-", "mul": "*", "shl": "<<", "shr": ">>"},
    **{"bitand": "&", "bitor": "|", "bitxor": "^", "logical_and": "and", "logical_or": "or"},
    **{"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="},
}
_CALLS = {
    **{op: op for op in ("fma", "rint", "floor", "ceil", "trunc", "sqrt", "copysign", "abs")},
    **{op: op for op in ("larger", "smaller", "bits", "from_bits", "mulhi")},
}


class Text(NamedTuple):
    """An expression and its dtype."""

    text: str
    dtype: str


def literal(value: Number, dtype: str) -> str:
    if dtype == "b1":
        return str(bool(value))
    if dtype not in FLOATS:
        return f"{dtype}({int(value)})"
    text = repr(float(value)).replace("inf", "INF").replace("nan", "NAN")
    return f"f32({text})" if dtype == "f32" else text


class Python(Builder[Text]):
    """lines: every operation becomes a line there, as in the text of a function; None: a nested
    expression.

    called: the functions (op, dtype) that the text refers to.
    """

    def __init__(self, lines: list[str] | None = None) -> None:
        self.lines = lines
        self.called: set[tuple[str, str]] = set()
        self.indent = ""

    def const(self, value: Number, dtype: str) -> Text:
        return Text(literal(value, dtype), dtype)

    def apply(self, op: str, args: tuple[Text, ...], dtype: str, attr: object = None) -> Text:
        v = [a.text for a in args]
        kind = args[0].dtype if args else dtype
        if op in _INFIX and not (kind == "b1" and op in ("lt", "gt", "le", "ge")):
            text = f"{v[0]} {_INFIX[op]} {v[1]}"
        elif op in _INFIX:
            text = f"i32({v[0]}) {_INFIX[op]} i32({v[1]})"
        elif op in _CALLS:
            text = f"{_CALLS[op]}({', '.join(v)})"
        elif (op, dtype) in BODIES:
            text = self._function(op, dtype, v)
        else:
            special: Callable[..., str] = getattr(self, "_" + op)
            text = special(v, kind, dtype, attr)
        if dtype in INTS and not text.startswith(f"{dtype}("):
            text = f"{dtype}({text})"
        return self._emit(text, dtype)

    def _emit(self, text: str, dtype: str) -> Text:
        if self.lines is None:
            return Text(text if _closed(text) else f"({text})", dtype)
        name = f"t{len(self.lines)}"
        self.lines.append(f"{self.indent}{name} = {text}")
        return Text(name, dtype)

    def _function(self, op: str, dtype: str, v: list[str]) -> str:
        self.called.add((op, dtype))
        return f"{op}_{dtype}({', '.join(v)})"

    def _neg(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        return f"-{v[0]}"

    def _logical_not(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        return f"not {v[0]}"

    def _select(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        return f"{v[1]} if {v[0]} else {v[2]}"

    def _div(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        if dtype in FLOATS:
            return f"{v[0]} / {v[1]}"
        return f"{'whole' if dtype in UNSIGNED else 'truncated'}_quotient({v[0]}, {v[1]})"

    def _rem(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        if dtype in FLOATS:
            return f"fmod({v[0]}, {v[1]})"
        return f"{'whole' if dtype in UNSIGNED else 'truncated'}_remainder({v[0]}, {v[1]})"

    def _max(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        if dtype == "b1":
            return f"{v[0]} or {v[1]}"
        return f"{'maximum' if dtype in FLOATS else 'max'}({v[0]}, {v[1]})"

    def _min(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        if dtype == "b1":
            return f"{v[0]} and {v[1]}"
        return f"{'minimum' if dtype in FLOATS else 'min'}({v[0]}, {v[1]})"

    def _cast(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        if dtype == "b1":
            return f"{v[0]} != {literal(0, kind)}"
        if kind in FLOATS and dtype in INTS and (ITEMSIZE[dtype] < 4 or dtype == "u32"):
            return f"{dtype}(i64({v[0]}))"
        return f"{dtype}({v[0]})"

    def _libm(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        return f"libm.{attr}({', '.join(v)})"

    def _rounded(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        self.called |= {("widened", str(attr)), ("narrowed", str(attr))}
        return f"widened_{attr}(narrowed_{attr}({v[0]}))"

    def _philox(self, v: list[str], kind: str, dtype: str, attr: object) -> str:
        self.called.add(("philox", "i64"))
        return f"philox_i64({', '.join(v)})[{attr}]"

    def rarely(self, condition: Text, usual: Text, body: Callable[[], Text]) -> Text:
        if self.lines is None:
            return super().rarely(condition, usual, body)
        name = f"t{len(self.lines)}"
        self.lines += [f"{self.indent}{name} = {usual.text}", f"{self.indent}if {condition.text}:"]
        self.indent += "    "
        result = body()
        self.lines.append(f"{self.indent}{name} = {result.text}")
        self.indent = self.indent[4:]
        return Text(name, usual.dtype)


def function_source(op: str, dtype: str) -> tuple[str, set[tuple[str, str]]]:
    """Text of a function of scalar.py as scalar Python, one operation a line; and what it calls."""
    lines: list[str] = []
    b = Python(lines)
    if op == "philox":
        names = ["index", "key", "step"]
        result = ", ".join(w.text for w in philox(b, *(Text(n, "i64") for n in names)))
    elif op == "widened":
        names, result = ["x"], half_to_single(b, Text("x", "u16"), dtype).text
    elif op == "narrowed":
        names, result = ["x"], single_to_half(b, Text("x", "f32"), dtype).text
    else:
        body = BODIES[op, dtype]
        names = ["x", "y"][: body.__code__.co_argcount - 1]
        result = body(b, *(Text(n, dtype) for n in names)).text
    head = f"@function\ndef {op}_{dtype}({', '.join(names)}):"
    return "\n    ".join([head, *lines, f"return {result}"]) + "\n", b.called


def _closed(text: str) -> bool:
    """Whether text is a name, a literal or one call, which need no parentheses."""
    depth = 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if depth == 0 and c == " ":
            return False
    return True
