"""The files themselves: sizes are told, mirrors are checked."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONG = 500  # lines; a longer file is seldom one idea


def test_file_sizes_are_told() -> None:
    """Long files are listed with `pytest -rA`; a size alone is never a failure."""
    folders = ("numflow", "kernels", "examples", "perf", "tests")
    sizes = {
        str(path.relative_to(ROOT)): path.read_text().count("\n")
        for folder in folders
        for path in (ROOT / folder).glob("**/*.py")
        if "numflow/kernels" not in str(path)
    }
    for name, lines in sorted(sizes.items(), key=lambda pair: -pair[1]):
        if lines > LONG:
            print(f"{lines:5} lines  {name}")
    assert sizes


def test_no_module_is_a_drawer() -> None:
    """A file is named after its idea, not after its being useful."""
    drawers = {"utils", "helpers", "common", "misc", "util", "helper"}
    found = [p for p in ROOT.glob("numflow/**/*.py") if p.stem in drawers]
    assert found == []


def test_kernels_is_a_relative_link_in_a_checkout() -> None:
    """One set of files under two paths: the link is what `git` and the wheel rely on."""
    link = ROOT / "numflow" / "kernels"
    assert link.is_symlink() and str(link.readlink()) == "../kernels"
