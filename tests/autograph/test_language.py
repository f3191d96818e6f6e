"""What is converted does what Python does: value, or exception and its text."""

from __future__ import annotations

import copy
import gc
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from numflow.autograph import scan
from numflow.autograph.functions import callee, converted
from numflow.autograph.source import syntax_of
from tests.autograph import (
    language_exceptions,
    language_flow,
    language_functions,
    language_names,
)

PROBES = [
    *language_flow.PROBES,
    *language_exceptions.PROBES,
    *language_functions.PROBES,
    *language_names.PROBES,
]


def run(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "value", f(*copy.deepcopy(args))
    except Exception as e:
        return type(e).__name__, str(e).split("(")[0]


@pytest.mark.parametrize(("f", "args"), PROBES, ids=[f.__name__ for f, _ in PROBES])
def test_converted_is_plain(f: Any, args: Any) -> None:
    assert run(converted(f), args) == run(f, args)


def test_most_probes_are_converted() -> None:
    left = {f.__name__ for f, _ in PROBES if converted(f) is f}
    assert left <= {"evaluated", "return_in_finally", "formatted"}, left


def test_the_last_line_is_the_users() -> None:
    """The traceback of an error has the user's lines, and names his function only."""
    with pytest.raises(ZeroDivisionError) as e:
        converted(language_exceptions.division_by_zero)(0)
    frames = [t for t in traceback.extract_tb(e.tb) if "numflow/autograph" not in t.filename]
    assert frames[-1].line == "b = a / n" and frames[-1].filename == language_exceptions.__file__
    assert {t.name for t in frames[1:]} == {"division_by_zero"}


def test_lambdas_are_found_by_their_place() -> None:
    lambdas: list[Any] = language_functions.LAMBDAS
    for f in lambdas:
        g = converted(f)
        assert g is not f
        assert [g(k) for k in (0, 1, 5)] == [f(k) for k in (0, 1, 5)]


def test_without_a_source_a_function_stays_itself() -> None:
    space: dict[str, Any] = {}
    exec("def f(x):\n  if x: return 1\n  return 2", space)
    assert converted(space["f"]) is space["f"]


def test_a_source_that_has_changed_is_not_taken() -> None:
    """A function of another name or other parameters stands there now."""
    space: dict[str, Any] = {}
    code = compile("\n" * 30 + "def breaks(m):\n  if m: return 1\n  return 2", __file__, "exec")
    exec(code, space)
    assert syntax_of(space["breaks"]) is None


def test_equal_functions_of_two_files_keep_their_files(tmp_path: Path) -> None:
    made = []
    for name in ("a.py", "b.py"):
        path = tmp_path / name
        path.write_text("def f(x):\n    if x:\n        return 1 / (x - 1)\n    return 2\n")
        space: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        made.append(converted(space["f"]))
    assert [g.__code__.co_filename.rpartition("/")[2] for g in made] == ["a.py", "b.py"]


def test_conversions_go_with_their_code(tmp_path: Path) -> None:
    path = tmp_path / "gone.py"
    path.write_text("def f(x):\n    if x:\n        return 1\n    return 2\n")

    def once() -> None:
        space: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        assert converted(space["f"])(0) == 2

    once()
    gc.collect()
    before = len(scan._codes)
    for _ in range(5):
        once()
    gc.collect()
    assert len(scan._codes) <= before


def test_functions_made_in_a_loop_share_one_conversion() -> None:
    def make(k: int) -> Any:
        def f(x: int) -> int:
            if x > k:
                return k
            return x

        return f

    fs = [converted(make(k)) for k in range(3)]
    assert [f(2) for f in fs] == [0, 1, 2] and len({id(f.__code__) for f in fs}) == 1


def test_libraries_are_called_as_they_are() -> None:
    assert callee(json.dumps) is json.dumps and callee(len) is len
    assert callee(language_functions.Base) is language_functions.Base
