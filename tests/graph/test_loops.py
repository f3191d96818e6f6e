"""The loop form: what the builder records, its text, and what it refuses."""

from __future__ import annotations

from textwrap import dedent

import pytest

from numflow.graph.loops import DEEP, KERNEL, LANE, ROW, Body, Operand, combine
from numflow.kernels.builder import code


def operands(**access: str) -> list[Operand]:
    return [Operand(n, "f32", a) for n, a in access.items()]


def test_levels_follow_from_the_letters() -> None:
    b = Body("levels", 3, operands(a="ssu", b="s--", c="---", d="--s"))
    levels = [b.load(n).level for n in "abcd"]
    assert levels == [LANE, ROW, KERNEL, LANE]
    assert b.add(b.load("b"), b.load("c")).level == ROW
    assert b.add(b.load("b"), 1.0).level == ROW
    deep = Body("deep", 3, operands(a="ssu", b="s-u", c="s--", d="-s-"), deep=True)
    assert [deep.load(n).level for n in "abcd"] == [DEEP, LANE, ROW, DEEP]


def test_equal_terms_are_one() -> None:
    b = Body("same", 1, operands(x="u"))
    x = b.load("x")
    assert b.exp(b.add(x, 1.0)) is b.exp(b.add(b.load("x"), 1.0))
    assert b.add(x, 0.0) is not b.add(x, -0.0)


def test_the_text_is_as_long_as_the_graph() -> None:
    b = Body("twice", 1, operands(x="u", y="u"))
    t = b.load("x")
    for _ in range(60):
        t = b.add(t, t)
    b.store("y", t)
    assert len(str(b.done())) < 5000


def test_the_text_names_what_is_used_twice() -> None:
    b = Body("square", 2, operands(x="su", y="s-", z="su"))
    e = b.exp(b.load("x"))
    total = b.sum(b.mul(e, e))
    b.sweep()
    b.store("y", b.select(b.gt(total, 1.0), total, 0.5))
    text = """
        loop square axes=2 inner=run-time over=rows
          x: f32 [su]
          y: f32 [s-]
          z: f32 [su]
          sweep
            t1 = exp.f32(x)
            t0 <- sum over cols of mul.f32(t1, t1)
          sweep
            y <- select.f32(gt.b1(t0, 1.0:f32), t0, 0.5:f32)
    """
    assert str(b.done()) == dedent(text).strip()


def test_slots_name_pointers_sizes_and_strides() -> None:
    b = Body("slots", 3, [Operand("x", "f32", "ssu"), Operand("y", "f32", "--s")])
    b.store("y", b.load("y"))
    names = ["x", "y", "cols", "rows", "block", "depth", "size0", "size1"]
    assert b.done().slots() == [*names, "x.stride0", "x.stride1", "y.stride2"]


def test_combining_partials_per_column_is_a_deep_loop() -> None:
    b = Body("parts", 2, operands(x="su", sums="su", count="--"))
    b.reduce("sum", b.load("x"), "rows", ("sums",))
    b.reduce("sum", b.const(1.0, "f32"), "each", ("count",))
    loop = b.done()
    assert loop.units() == "blocks"
    per_column = combine(loop, {"sums": "y"})
    assert per_column.deep and per_column.units() == "elements"
    assert [str(o) for o in per_column.operands] == [
        str(Operand("sums", "f32", "su")),
        str(Operand("y", "f32", "-u")),
    ]
    scalar = combine(loop, {"count": "n"})
    assert not scalar.deep and scalar.units() == "rows"
    with pytest.raises(ValueError, match="not both in one loop"):
        combine(loop, {"sums": "y", "count": "n"})


def test_mistakes_are_refused() -> None:
    b = Body("wrong", 2, [*operands(x="su", r="s-"), Operand("i", "i32", "su")])
    with pytest.raises(TypeError, match=r"mixed dtypes without a cast: \['f32', 'i32'\]"):
        b.add(b.load("x"), b.load("i"))
    with pytest.raises(TypeError, match="store to r: a i32 into f32"):
        b.store("r", b.load("i"))
    with pytest.raises(ValueError, match=r"store to r\[s-\]: the term differs"):
        b.store("r", b.load("x"))
    with pytest.raises(ValueError, match="over each: the term must be a row term"):
        b.reduce("sum", b.load("x"), "each", ("p",))
    with pytest.raises(ValueError, match="a deep loop folds over depth"):
        b.reduce("sum", b.load("x"), "depth")
    with pytest.raises(ValueError, match="a loop of one axis folds over all"):
        Body("flat", 1, operands(x="u")).sum(Body("flat", 1, operands(x="u")).load("x"))


def test_a_fold_is_not_used_in_its_own_sweep() -> None:
    b = Body("early", 2, operands(x="su", y="su"))
    total = b.sum(b.load("x"))
    b.store("y", b.sub(b.load("x"), total))
    with pytest.raises(ValueError, match="early: a fold is used before its sweep has ended"):
        b.done()


def test_operands_are_not_called_like_sizes() -> None:
    b = Body("cols", 2, operands(cols="su"))
    with pytest.raises(ValueError, match="cols: operands may not be called like each other"):
        b.done()


def test_names_of_dtypes() -> None:
    names = ["float32", "bfloat16", "int8", "uint64", "bool", "f16"]
    assert [code(n) for n in names] == ["f32", "bf16", "i8", "u64", "b1", "f16"]
