"""Public names: what a module lists in `__all__` is what it has, once, and documented."""

import importlib
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _module_names() -> list[str]:
    """numflow and every module of it whose path has no private part."""
    files = sorted(ROOT.glob("numflow/**/*.py"))
    names = [str(f.relative_to(ROOT).with_suffix("")).replace("/", ".") for f in files]
    names = [name.removesuffix(".__init__") for name in names]
    return [n for n in names if not any(part.startswith("_") for part in n.split("."))]


MODULES = _module_names()


@pytest.mark.parametrize("name", MODULES)
def test_all_lists_each_name_once_and_no_private_one(name: str) -> None:
    """`__all__`, where there is one, holds existing public names without repeats."""
    module = importlib.import_module(name)
    listed = list(getattr(module, "__all__", ()))
    assert sorted(set(listed)) == sorted(listed)
    assert [n for n in listed if n.startswith("_") and n != "__version__"] == []
    assert [n for n in listed if not hasattr(module, n)] == []


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    """The first thing in a file is the sentence that says why it exists."""
    assert (importlib.import_module(name).__doc__ or "").strip(), f"{name} has no docstring"


def test_everything_public_at_the_top_is_documented() -> None:
    """help() answers for each function and class of `numflow`."""
    numflow = importlib.import_module("numflow")
    values = {n: getattr(numflow, n) for n in getattr(numflow, "__all__", ())}
    mute = [
        n
        for n, v in values.items()
        if isinstance(v, type | types.FunctionType | types.ModuleType) and not v.__doc__
    ]
    assert mute == []


def test_all_covers_what_the_package_re_exports() -> None:
    """A name imported into numflow/__init__.py is meant for users, or carries an underscore."""
    numflow = importlib.import_module("numflow")
    listed = set(getattr(numflow, "__all__", ()))
    public = {
        n
        for n, v in vars(numflow).items()
        if not n.startswith("_") and not isinstance(v, types.ModuleType)
    }
    assert sorted(public - listed - {"annotations", "TYPE_CHECKING"}) == []
