"""nf.print: TensorFlow 2.21's output, recorded; its place among other effects."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf

Refused = nf.errors.InvalidArgumentError
RECORDED: list[tuple[list[Any], dict[str, Any], str]] = [
    ([], {}, "\n"),
    (["{}", nf.constant([1]), "quo'te"], {}, "{} [1] quo'te\n"),
    ([1, 2.5, "a", True, None], {}, "1 2.5 a True None\n"),
    ([[1, "b", nf.constant(3.0)], (1,)], {}, "[1, 'b', 3] (1,)\n"),
    ([{"k": nf.constant([1, 2]), "j": (1, 2)}], {}, "{'j': (1, 2), 'k': [1 2]}\n"),
    ([nf.constant("s"), nf.constant(True)], {"sep": "|", "end": "!"}, '"s"|1!'),
    ([[nf.constant("x"), "y"], b"bytes"], {}, "[\"x\", 'y'] b'bytes'\n"),
    ([np.array([1, 2]), {"a": {"b": [nf.constant(1)]}}], {}, "array([1, 2]) {'a': {'b': [1]}}\n"),
    ([nf.range(9), nf.range(3)], {"summarize": 1}, "[0 ... 8] [0 ... 2]\n"),
    ([nf.Variable([1.0, 2.0])], {}, "[1 2]\n"),
]


@pytest.mark.parametrize(("inputs", "attrs", "text"), RECORDED)
def test_format(inputs: list[Any], attrs: dict[str, Any], text: str, capsys: Any) -> None:
    """The same eagerly and in a program, each time that it runs."""
    assert nf.print(*inputs, output_stream=sys.stdout, **attrs) is None
    assert capsys.readouterr().out == text
    f = nf.function(lambda: [nf.print(*inputs, output_stream=sys.stdout, **attrs), 0][1])
    f()
    f()
    assert capsys.readouterr().out == text * 2


def test_streams(capsys: Any, caplog: Any, tmp_path: Path) -> None:
    """stderr by default, files, the logger."""
    path = tmp_path / "printed"
    for run in (nf.print, nf.function(lambda *a, **k: [nf.print(*a, **k), 0][1])):
        run("x", nf.constant(1))
        run("x", output_stream=f"file://{path}")
        with caplog.at_level(logging.INFO, "numflow"):
            run("x", nf.constant([2]), output_stream=logging.info)
            run("x", output_stream=nf.get_logger().warning)
    assert capsys.readouterr().err == "x 1\n" * 2
    assert path.read_text() == "x\n" * 2
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("INFO", "x [2]"),
        ("WARNING", "x"),
    ] * 2


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"Unsupported output stream, logging level, or file.nope"):
        nf.print("x", output_stream="nope")
    with pytest.raises(
        ValueError, match=r"Unrecognized keyword arguments for nf.print: {'foo': 1}"
    ):
        nf.print("x", foo=1)
    with pytest.raises(TypeError, match=r"Expected int for argument 'summarize' not 'a'"):
        nf.print("x", summarize="a")
    with pytest.raises(TypeError, match=r"sep and end are texts"):
        nf.print("x", sep=5)


def test_prints_and_assertions_keep_their_order(capsys: Any) -> None:
    """What stands before a failing assertion is printed, what stands behind it is not."""
    v = nf.Variable([3.0, 5.0])

    @nf.function
    def step(x: nf.Tensor) -> nf.Tensor:
        y = nf.exp(x) * v
        nf.print("before", v, y, output_stream=sys.stdout)
        v.assign_sub(y)
        nf.print("after", v, output_stream=sys.stdout)
        nf.debugging.assert_less(y, 9.0, message="big")
        nf.print("done", output_stream=sys.stdout)
        return nf.reduce_sum(v)

    step(nf.constant([0.0, 0.0]))
    assert capsys.readouterr().out == "before [3 5] [3 5]\nafter [0 0]\ndone\n"
    v.assign([10.0, 10.0])
    with pytest.raises(Refused, match="big"):
        step(nf.constant([0.0, 0.0]))
    assert capsys.readouterr().out == "before [10 10] [10 10]\nafter [0 0]\n"
    assert v.numpy().tolist() == [10.0, 10.0]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_gradient_may_print(compiled: bool, capsys: Any) -> None:
    """A custom rule that looks at its cotangent, also where the tape is around the call."""

    @nf.custom_gradient
    def watched(x: nf.Tensor) -> Any:
        def grad(ct: nf.Tensor) -> nf.Tensor:
            nf.print("ct", ct, output_stream=sys.stdout)
            return ct * 2.0

        return x * 2.0, grad

    def f(x: nf.Tensor) -> nf.Tensor:
        return watched(x) * 3.0

    x = nf.constant([2.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = (nf.function(f) if compiled else f)(x)
    assert tape.gradient(y, x).numpy().tolist() == [6.0]
    assert capsys.readouterr().out == "ct [3]\n"
