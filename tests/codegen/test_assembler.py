"""Parts of a block in turns."""

from __future__ import annotations

from numflow.codegen.assembler import Assembler


def parts_of(chained: bool) -> tuple[Assembler, list[int]]:
    """Two parts of two instructions; chained: the second begins with what the first ends with."""
    asm, since = Assembler(), [0]
    x = asm.value("load float, ptr %a")
    x = asm.value(f"fadd float {x}, {x}")
    since.append(len(asm.lines))
    y = asm.value("load float, ptr %b")
    asm.value(f"fadd float {x if chained else y}, {y}")
    return asm, since


def test_parts_come_in_turns() -> None:
    asm, since = parts_of(chained=False)
    asm.interleave(since, "entry")
    assert [line.split()[0] for line in asm.lines] == ["%v1", "%v3", "%v2", "%v4"]


def test_a_state_that_goes_from_part_to_part_is_made_before_it_is_used() -> None:
    asm, since = parts_of(chained=True)
    asm.interleave(since, "entry")
    assert [line.split()[0] for line in asm.lines] == ["%v1", "%v3", "%v2", "%v4"]


def test_parts_that_need_later_results_or_open_blocks_stay_as_they_are() -> None:
    asm, since = parts_of(chained=False)
    asm.line("ret void")
    since.append(len(asm.lines))
    asm.value("fadd float %v4, %v4")
    before = list(asm.lines)
    asm.interleave(since, "entry")  # the third part begins with what the second ends with
    assert asm.lines == before
    asm, since = parts_of(chained=False)
    asm.label("other")
    before = list(asm.lines)
    asm.interleave(since, "entry")
    assert asm.lines == before
