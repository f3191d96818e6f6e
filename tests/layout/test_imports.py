"""Who may import what: the ladder, and what `import numflow` leaves unloaded."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("numflow/**/*.py"), *ROOT.glob("kernels/**/*.py")])
HEAVY = ("numba", "llvmlite", "scipy", "matplotlib", "PIL", "google")
COMPILES = ("numflow.codegen.", "numflow.passes.", "numflow.kernels.engine", "numflow.kernels.cpu.")


def _python(code: str) -> str:
    """What a fresh interpreter prints; its warnings are errors, as in this process."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_imports_point_downwards_only() -> None:
    """The contracts of pyproject.toml hold; import-linter names each import that breaks one."""
    code = "from importlinter.cli import lint_imports_command as lint; lint()"
    run = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_import_numflow_loads_nothing_heavy() -> None:
    """Import time is NumPy's and 20 ms: compilers and plotting wait for their first use."""
    loaded = set(_python("import sys, numflow; print(*sys.modules)").split())
    assert loaded.isdisjoint(HEAVY)
    assert "numflow.runtime.plan" not in loaded
    assert [m for m in loaded if m.startswith(COMPILES)] == []


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module) of every import below a node; leading dots of relative ones kept."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def _late_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, module) of every import inside a function.

    A package's `__getattr__` (PEP 562) is left out: that is how what compiles waits for its first
    use. It can hide no cycle within its folder, for nothing there asks its own package for a name.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__getattr__":
            yield from _imports(node)


# A conversion packs lists of tensors with an op, and every op converts its operands.
KNOWN_CYCLES = {("numflow/ops/convert.py", "numflow.ops")}
LOADS_LLVM = ("numflow.kernels", "numflow.codegen", "numflow.runtime")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_inside_a_function_hides_a_cycle(path: Path) -> None:
    """A late import keeps LLVM or a heavy package unloaded; it never breaks a cycle in a folder.

    Late imports between folders obey the ladder too: the linter sees them like any other.
    """
    name = str(path.relative_to(ROOT))
    folder = ".".join(path.relative_to(ROOT).parts[:2])
    hiding = [
        f"{name}:{line}: {module}"
        for line, module in _late_imports(ast.parse(path.read_text(), str(path)))
        if (module.startswith(".") or (module + ".").startswith(folder + "."))
        and not module.startswith(LOADS_LLVM)
        and (name, module) not in KNOWN_CYCLES
    ]
    assert hiding == []


def test_kernels_know_nothing_of_the_framework() -> None:
    """kernels/ imports numba, llvmlite, numpy, the standard library and itself."""
    allowed = {"", "numba", "llvmlite", "numpy", *sys.stdlib_module_names}  # "": relative
    strangers = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in ROOT.glob("kernels/**/*.py")
        for line, module in _imports(ast.parse(path.read_text(), str(path)))
        if module.partition(".")[0] not in allowed
        and not (module + ".").startswith("numflow.kernels.")
    ]
    assert strangers == []
