"""Programs that are drawn: converted they do what they do as plain Python, and on tensors too."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.autograph.functions import converted

NAMES = ["a", "b", "c"]
_count = itertools.count()


def compiled(text: str) -> Callable[..., Any]:
    """The function f of a text, which has a source."""
    name = f"<drawn {next(_count)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space: dict[str, Any] = {"nf": nf}
    exec(compile(text, name, "exec"), space)
    return space["f"]


class Programs:
    """Draws statements. tensors: they must be fit for tensors, too."""

    def __init__(self, draw: Any, tensors: bool) -> None:
        self.draw, self.tensors = draw, tensors
        self.fuel = itertools.count()

    def one_of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def number(self, depth: int = 2) -> str:
        """An expression of integers."""
        kind = self.draw(st.integers(0, 7 if depth else 1))
        if kind == 0:
            return str(self.draw(st.integers(-3, 5)))
        if kind <= 3:
            return str(self.one_of(*self.names()))
        if kind <= 5:
            op = self.one_of("+", "-", "*")
            return f"(({self.number(depth - 1)} {op} {self.number(depth - 1)}) % 23)"
        if kind == 6:
            test = self.test(depth - 1)
            return f"({self.number(depth - 1)} if {test} else {self.number(depth - 1)})"
        if self.tensors:
            return f"(-{self.number(depth - 1)})"
        return f"({self.number(depth - 1)} {self.one_of('and', 'or')} {self.number(depth - 1)})"

    def names(self) -> list[str]:
        return NAMES if self.tensors else [*NAMES, "d"]  # d may be without a value

    def test(self, depth: int = 1) -> str:
        """An expression of truth."""
        kind = self.draw(st.integers(0, 5 if depth else 1))
        x, y = self.number(1), self.number(1)
        op = self.one_of("<", "<=", "==", "!=", ">")
        if kind <= 1:
            return f"{x} {op} {y}"
        if kind == 2:
            return f"({self.test(depth - 1)} and {self.test(depth - 1)})"
        if kind == 3:
            return f"({self.test(depth - 1)} or {self.test(depth - 1)})"
        if kind == 4:
            return f"(not {self.test(depth - 1)})"
        return f"({self.number(0)} < {x} {op} {y})"

    def block(self, depth: int, loop: bool, indent: str) -> list[str]:
        lines: list[str] = []
        for _ in range(self.draw(st.integers(1, 3))):
            lines += self.statement(depth, loop, indent)
        return lines

    def statement(self, depth: int, loop: bool, indent: str) -> list[str]:
        kind = self.draw(st.integers(0, 11))
        inner = indent + "    "
        if kind >= 6 and not depth:
            kind = self.draw(st.integers(0, 5))
        if kind <= 2:
            return [f"{indent}{self.one_of(*self.names())} = {self.number()}"]
        if kind == 3:
            name = self.one_of(*self.names())
            return [f"{indent}{name} += {self.number(1)}", f"{indent}{name} %= 29"]
        if kind == 4:
            if loop:
                word = self.one_of("break", "continue")
                return [f"{indent}if {self.test()}:", f"{inner}{word}"]
            return [f"{indent}a, b = b, {self.number(1)}"]
        if kind == 5:
            return [f"{indent}if {self.test()}:", f"{inner}return {self.number(1)}, b, c"]
        if kind <= 8:
            lines = [f"{indent}if {self.test()}:", *self.block(depth - 1, loop, inner)]
            if self.draw(st.booleans()):
                lines += [f"{indent}elif {self.test()}:", *self.block(depth - 1, loop, inner)]
            if self.draw(st.booleans()):
                lines += [f"{indent}else:", *self.block(depth - 1, loop, inner)]
            return lines
        fuel = f"k{next(self.fuel)}"
        if kind == 9:
            most = self.draw(st.integers(0, 4))
            lines = [
                f"{indent}{fuel} = {self.start()}",
                f"{indent}while {fuel} < {most} and {self.test()}:",
                f"{inner}{fuel} += 1",
                *self.block(depth - 1, True, inner),
            ]
        elif kind == 10:
            over = f"nf.range({self.number(0)} % 4)" if self.tensors else "range(a % 4)"
            lines = [
                f"{indent}for {fuel} in {over}:",
                f"{inner}c += {fuel}",
                *self.block(depth - 1, True, inner),
            ]
        elif self.tensors or self.draw(st.booleans()):
            lines = [f"{indent}for {fuel} in range(2):", *self.block(depth - 1, True, inner)]
        else:
            return [
                f"{indent}try:",
                *self.block(depth - 1, loop, inner),
                f"{inner}c = c // {self.number(0)}",
                f"{indent}except ZeroDivisionError:",
                *self.block(depth - 1, loop, inner),
                f"{indent}{self.one_of('finally', 'else')}:",
                f"{inner}b += 1",
            ]
        if self.draw(st.integers(0, 3)) == 0:
            lines += [f"{indent}else:", *self.block(0, loop, inner)]
        return lines

    def start(self) -> str:
        return "a * 0" if self.tensors else "0"

    def program(self) -> str:
        lines = ["def f(a, b, c):", *self.block(3, False, "    "), "    return a, b, c"]
        return "\n".join(lines) + "\n"


@st.composite
def programs(draw: Any, tensors: bool) -> str:
    return Programs(draw, tensors).program()


def run(f: Callable[..., Any], args: tuple[int, ...]) -> tuple[str, Any]:
    try:
        return "value", f(*args)
    except Exception as e:
        return type(e).__name__, str(e).partition(" where")[0]


INPUTS = [(0, 1, 2), (3, -2, 5), (-1, 7, 0)]
DRAWN = settings(
    deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@settings(DRAWN, max_examples=80)
@given(programs(tensors=False))
def test_converted_is_plain(text: str) -> None:
    f = compiled(text)
    g = converted(f)
    for args in INPUTS:
        want, got = run(f, args), run(g, args)
        if want[0] in ("UnboundLocalError", "NameError"):
            assert got[0] in ("UnboundLocalError", "NameError"), text
        else:
            assert got == want, text


@settings(DRAWN, max_examples=12)
@given(programs(tensors=True))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_on_tensors_it_is_plain(text: str) -> None:
    """nf.range for range, int32 scalars for numbers."""
    f = compiled(text)
    plain = compiled(text.replace("nf.range", "range"))
    g = nf.function(f)
    for args in INPUTS:
        got = g(*(nf.constant(x) for x in args))
        assert tuple(int(x) for x in got) == plain(*args), text
