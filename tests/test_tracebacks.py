"""What Python shows of an error: the user's lines, and numflow's own on request."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import numflow as nf

@nf.function
def f(x):
    return nf.matmul(x, x)

def main():
    if {shown}:
        nf.debugging.disable_traceback_filtering()
    f(nf.ones([2, 3]))

main()
"""


def _shown(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1 and not done.stdout
    return done.stderr


def test_own_frames_are_left_out() -> None:
    text = _shown(PROGRAM.format(shown=False))
    assert "numflow/" not in text.split("ShapeError")[0]
    assert text.count("in main") == 1 and "in f" in text
    assert "ShapeError: matmul" in text


def test_all_frames_are_shown_on_request() -> None:
    text = _shown(PROGRAM.format(shown=True))
    assert "numflow/function.py" in text and "in main" in text


def test_errors_without_a_line_of_the_user_are_shown_whole() -> None:
    text = _shown("import runpy, numflow; raise ValueError('mine')")
    assert text.endswith("ValueError: mine\n") and '"<string>", line 1' in text
