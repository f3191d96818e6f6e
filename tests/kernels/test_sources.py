"""What is remembered of sources is forgotten when one of them changes."""

import ast
import os
import time
from pathlib import Path

import pytest

from numflow.codegen import simd
from numflow.kernels import object_cache, sources
from numflow.kernels.digest import digest
from numflow.kernels.object_cache import ObjectCache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectCache:
    made = ObjectCache(tmp_path / "cache")
    monkeypatch.setattr(object_cache, "shared", lambda: made)
    return made


def _files(folder: Path) -> list[str]:
    paths = [folder / name for name in ("b.py", "a.py")]
    for path in paths:
        path.write_text(f"the text of {path.name}")
        os.utime(path, (1e9, 1e9))
    return list(map(str, paths))


def test_the_digest_is_of_the_contents_in_one_order(tmp_path: Path, cache: ObjectCache) -> None:
    files = _files(tmp_path)
    expected = digest(b"the text of a.py\0the text of b.py")
    assert sources.digest_of(files) == expected
    assert sources.digest_of(reversed(files)) == expected


def test_what_has_settled_is_not_read_again(
    tmp_path: Path, cache: ObjectCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = _files(tmp_path)
    monkeypatch.setattr(sources, "_SETTLED", -3600.0)
    known = sources.digest_of(files)
    monkeypatch.setattr(sources, "read", lambda file: pytest.fail("read again"))
    assert sources.digest_of(files) == known


def test_files_that_changed_just_now_are_not_remembered(
    tmp_path: Path, cache: ObjectCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next change may come within one tick of the file system's clock."""
    files = _files(tmp_path)  # the time of the last change of their data is old, not of the files
    kept: list[str] = []
    monkeypatch.setattr(cache, "put", lambda key, body: kept.append(key))
    sources.digest_of(files)
    assert not kept


def test_an_edit_of_the_same_length_and_time_is_seen(
    tmp_path: Path, cache: ObjectCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = _files(tmp_path)
    monkeypatch.setattr(sources, "_SETTLED", -3600.0)
    before = sources.digest_of(files)
    time.sleep(0.02)
    Path(files[0]).write_text("the next of b.py")
    os.utime(files[0], (1e9, 1e9))
    assert sources.digest_of(files) != before


def test_all_that_the_printer_of_loops_imports_decides_its_code() -> None:
    """But for what compiles, and what has no say in the text."""
    known = {os.path.realpath(path) for path in simd._sources()}
    root = Path(simd.__file__).parents[2]
    aside = {"engine", "records", "sources", "digest"}
    for path in known:
        for node in ast.walk(ast.parse(Path(path).read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(
                "numflow"
            ):
                continue
            folder = root / str(node.module).replace(".", "/")
            names = [folder / f"{a.name}.py" for a in node.names if folder.is_dir()]
            for file in names or [folder.with_suffix(".py")]:
                part = file.resolve().relative_to(root.resolve()).parts
                if part[:2] != ("numflow", "graph") and file.stem not in aside:
                    assert os.path.realpath(file) in known, (path, file)
