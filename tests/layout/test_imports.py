"""Who may import what: the ladder, and what `import numflow` leaves unloaded."""

import ast
import functools
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


@pytest.mark.parametrize("missing", ["numflow.dtypes", "numflow.ops.slicing"])
@pytest.mark.parametrize("was", ["enable", "disable"])
def test_an_import_that_fails_leaves_the_collector_as_it_was(missing: str, was: str) -> None:
    code = f"""
import gc, sys
gc.{was}()
sys.modules[{missing!r}] = None  # importing it fails
for again in range(2):
    try:
        import numflow
        raise SystemExit("it was imported")
    except ImportError:
        print(gc.isenabled())
del sys.modules[{missing!r}]
import numflow
print(gc.isenabled(), numflow.add(1, 2).numpy())
"""
    on = was == "enable"
    assert _python(code).splitlines() == [f"{on}", f"{on}", f"{on} 3"]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module) of every import below a node; leading dots of relative ones kept."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def _late(tree: ast.Module) -> Iterator[ast.AST]:
    """The functions that may import something.

    A package's `__getattr__` (PEP 562) is left out: that is how what compiles waits for its first
    use. It can hide no cycle within its folder, for nothing there asks its own package for a name.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__getattr__":
            yield node


def _for_types_only(tree: ast.Module) -> set[int]:
    """The lines of imports below `if TYPE_CHECKING:`."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for child in node.body
        for line, _ in _imports(child)
    }


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _siblings(tree: ast.AST, folder: str, modules: set[str]) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of a module of the folder below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            asked = {f"{base}.{alias.name}" for alias in node.names}
            found = (asked & modules) | ({base} if asked - modules else set())
        elif isinstance(node, ast.Import):
            found = {alias.name for alias in node.names}
        else:
            continue
        yield from ((node.lineno, name) for name in found if (name + ".").startswith(folder + "."))


@functools.cache
def _folder_imports(folder: Path) -> dict[str, set[str]]:
    """What each module of a folder imports of the same folder, early or late."""
    name = _module(folder)
    trees = {_module(p): ast.parse(p.read_text(), str(p)) for p in folder.glob("**/*.py")}
    return {
        module: {
            imported
            for line, imported in _siblings(tree, name, set(trees))
            if line not in _for_types_only(tree)
        }
        for module, tree in trees.items()
    }


def _reaches(start: str, goal: str, imports: dict[str, set[str]]) -> bool:
    seen, open_ = {start}, [start]
    while open_:
        module = open_.pop()
        if module == goal:
            return True
        fresh = imports.get(module, set()) - seen
        seen |= fresh
        open_ += fresh
    return False


# A conversion packs lists of tensors with an op, and every op converts its operands.
KNOWN_CYCLES = {("numflow/ops/convert.py", "numflow.ops.joining")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_inside_a_function_hides_a_cycle(path: Path) -> None:
    """A late import keeps unloaded what few programs need; it never breaks a cycle in a folder.

    Late imports between folders obey the ladder too: the linter sees them like any other.
    """
    name = str(path.relative_to(ROOT))
    parts = path.relative_to(ROOT).parts
    tree = ast.parse(path.read_text(), str(path))
    if any(module.startswith(".") for f in _late(tree) for _, module in _imports(f)):
        pytest.fail(f"{name}: a relative import inside a function")
    if len(parts) < 3 or not name.startswith("numflow/"):
        return  # no folder of its own
    folder = ROOT / parts[0] / parts[1]
    imports = _folder_imports(folder)
    hiding = [
        f"{name}:{line}: {module}"
        for function in _late(tree)
        for line, module in _siblings(function, _module(folder), set(imports))
        if (name, module) not in KNOWN_CYCLES and _reaches(module, _module(path), imports)
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
