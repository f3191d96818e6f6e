"""Other machines.

Narrower ones run in a fresh process, foreign ones are compiled only, and golden IR is compared.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from numflow.codegen.simd import print_simd
from numflow.graph.loops import Loop, combine
from numflow.kernels.engine import Target, compile_only
from tests.codegen import loop_forms as forms

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "loops"

FORMS: dict[str, Callable[[], Loop]] = {
    "relu_affine": forms.relu_affine,
    "bias_tanh_10": lambda: forms.bias_tanh(10),
    "column_sum": forms.column_sum,
    "column_sum_combine": lambda: combine(forms.column_sum(), {"part": "y"}),
    "softmax": forms.softmax,
}


@pytest.mark.parametrize("target", ["baseline", "avx2"])
def test_narrower_vectors_compute_the_same(target: str) -> None:
    """Known forms and dtypes with NUMFLOW_TARGET set, in a fresh process."""
    if target == "avx2" and Target.host().bits < 256:
        pytest.skip("this machine has no AVX2")
    tests = ["tests/codegen/test_simd.py", "tests/codegen/test_dtypes.py"]
    some = "known_forms or nan or past_the_end or zero or random_bits or conversions or halves"
    options = ["-q", "-x", "-p", "no:cacheprovider", "-k", some]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env={**os.environ, "NUMFLOW_TARGET": target},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.mark.parametrize("target", ["baseline", "avx2", "avx512", "neon"])
@pytest.mark.parametrize("name", FORMS)
def test_every_target_gets_code_without_calls(name: str, target: str) -> None:
    """The IR is accepted for each machine; nothing falls back to the C library."""
    machine = Target.named(target)
    text = compile_only(print_simd(FORMS[name](), machine), machine)
    calls = [line for line in text.splitlines() if line.strip().startswith(("call", "bl\t"))]
    assert not calls
    if target == "avx512":
        assert "zmm" in text


@pytest.mark.parametrize("name", FORMS)
def test_golden_ir(name: str, update_golden: bool) -> None:
    """What is printed for a fixed machine; `--update-golden` rewrites the files."""
    text = print_simd(FORMS[name](), Target.named("avx2"))
    path = GOLDEN / f"{name}.ll"
    if update_golden:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text
