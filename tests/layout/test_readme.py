"""README.md is true: its program runs, its commands name what exists."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_program_of_the_readme_learns() -> None:
    """The first code block that a newcomer copies reaches the numbers in its last comment."""
    program = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    names: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), names)
    w, b = names["w"], names["b"]
    np.testing.assert_allclose(np.ravel(w), [2, -3], atol=1e-3)  # type: ignore[call-overload]
    np.testing.assert_allclose(np.asarray(b), [1], atol=1e-3)
    assert float(names["loss"]) < 1e-4  # type: ignore[arg-type]


def test_the_commands_name_files_that_exist() -> None:
    """A newcomer's first command cannot fail on a path."""
    named = re.findall(r"\b(?:examples|perf|tests)/[\w/]+\.(?:py|md)\b", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
