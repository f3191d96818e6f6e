"""LLVM IR as text in SSA form: names, blocks, branches, counted loops; no more.

Locals and blocks share one name space in IR text, hence the running number. A counted loop carries
its accumulators as phi nodes, so that code generation needs no IR passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest


class Assembler:
    """The instructions of one function, and the functions that they call."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: set[str] = set()
        self.block = "entry"
        self._names = 0

    def name(self, tag: str) -> str:
        self._names += 1
        return f"{tag}{self._names}"

    def line(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append("  " + text)

    def value(self, text: str) -> str:
        """An instruction with a result: its name."""
        self._names += 1
        v = f"%v{self._names}"
        self.lines.append(f"  {v} = {text}")
        return v

    def label(self, name: str) -> None:
        self.lines.append(name + ":")
        self.block = name

    def call(self, result: str, function: str, *args: tuple[str, str]) -> str:
        """A call with (type, value) arguments; the function is declared along."""
        types = ", ".join(t for t, _ in args)
        self.declarations.add(f"declare {result} @{function}({types})")
        text = f"call {result} @{function}({', '.join(f'{t} {v}' for t, v in args)})"
        if result == "void":
            self.line(text)
            return ""
        return self.value(text)

    def interleave(self, since: Sequence[int], block: str) -> None:
        """The instructions since these places in turns: chains of operations that overlap.

        since: where each part begins, ascending; the last one ends here. block: the one that the
        parts begin in; where they have opened others, or one needs another's results before these
        are made, all stays as it is.
        """
        if block != self.block or len(since) < 2:
            return
        ends = [*since[1:], len(self.lines)]
        parts = [self.lines[a:b] for a, b in zip(since, ends, strict=True)]
        turns = [x for group in zip_longest(*parts) for x in group if x is not None]
        if _in_order(turns):
            self.lines[since[0] :] = turns

    def when(self, condition: str, body: Callable[[], None]) -> None:
        """if condition: body()"""
        tag = self.name("if")
        self.line(f"br i1 {condition}, label %{tag}, label %{tag}.end")
        self.label(tag)
        body()
        self.line(f"br label %{tag}.end")
        self.label(f"{tag}.end")

    def either(self, condition: str, kind: str, otherwise: str, body: Callable[[], str]) -> str:
        """body() if condition else otherwise, a value of type `kind`."""
        tag, before = self.name("if"), self.block
        self.line(f"br i1 {condition}, label %{tag}, label %{tag}.end")
        self.label(tag)
        result = body()
        after = self.block
        self.line(f"br label %{tag}.end")
        self.label(f"{tag}.end")
        return self.value(f"phi {kind} [{otherwise}, %{before}], [{result}, %{after}]")

    def loop(
        self,
        lo: str,
        hi: str,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
    ) -> tuple[str, list[str]]:
        """for i = lo; i + step <= hi; i += step: carried = body(i, carried).

        Returns the last i and carried.
        """
        tag, types = self.name("loop"), [t for t, _ in carried]
        first = self.value(f"add i64 {lo}, {step}")
        some = self.value(f"icmp sle i64 {first}, {hi}")
        before = self.block
        self.line(f"br i1 {some}, label %{tag}, label %{tag}.end")
        self.label(tag)
        at, i = len(self.lines), f"%{tag}.i"
        phis = [f"%{tag}.c{k}" for k in range(len(carried))]
        out = body(i, phis)
        after = self.value(f"add nuw nsw i64 {i}, {step}")
        following = self.value(f"add nuw nsw i64 {after}, {step}")
        more = self.value(f"icmp sle i64 {following}, {hi}")
        latch = self.block
        self.line(f"br i1 {more}, label %{tag}, label %{tag}.end")
        head = [f"  {i} = phi i64 [{lo}, %{before}], [{after}, %{latch}]"]
        head += [
            f"  {p} = phi {t} [{v}, %{before}], [{o}, %{latch}]"
            for p, (t, v), o in zip(phis, carried, out, strict=True)
        ]
        self.lines[at:at] = head
        self.label(f"{tag}.end")
        end = self.value(f"phi i64 [{lo}, %{before}], [{after}, %{latch}]")
        return end, [
            self.value(f"phi {t} [{v}, %{before}], [{o}, %{latch}]")
            for t, (_, v), o in zip(types, carried, out, strict=True)
        ]


_VALUE = re.compile(r"%v\d+\b")


def _in_order(lines: Sequence[str]) -> bool:
    """Whether each value that is made here is made before it is used."""
    later = {line.split(" = ", 1)[0].strip() for line in lines if " = " in line}
    for line in lines:
        made, _, rest = line.rpartition(" = ") if " = " in line else ("", "", line)
        if not later.isdisjoint(_VALUE.findall(rest)):
            return False
        later.discard(made.strip())
    return True
