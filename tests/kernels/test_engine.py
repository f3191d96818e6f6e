"""Compiling and the object cache: damaged files, unusable folders, many processes."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from numflow.kernels import abi, engine, llvm
from numflow.kernels.engine import Target
from numflow.kernels.object_cache import CacheWarning, ObjectCache
from numflow.kernels.settings import settings

ROOT = Path(__file__).resolve().parents[2]
KEY = "ab" * 32


def _add(number: int) -> Callable[[str], str]:
    """IR of `i64 plus(i64)` that adds number."""

    def emit(prefix: str) -> str:
        return f"""
define i64 @{prefix}plus(i64 %x) nounwind {{
  %y = add i64 %x, {number}
  ret i64 %y
}}
"""

    return emit


def _call(address: int, argument: int) -> int:
    return int(ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(argument))


# --- compiling ---------------------------------------------------------------


def test_how_code_is_made_is_part_of_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever edits engine.py or llvm.py gets what they make now, not what they made."""
    files: list[str] = []

    def edited(paths: Iterable[str]) -> bytes:
        files.extend(Path(path).name for path in paths)
        return b"other contents"

    def name() -> str:
        target = Target.named("avx2")
        return engine._Unit(target, "", ("plus",), "a text", lambda prefix: b"", True)._name

    before = name()
    assert name() == before
    monkeypatch.setattr(engine, "digest_of", edited)
    now = engine._versions.__wrapped__()
    assert sorted(files) == ["engine.py", "llvm.py"] and now != engine._versions()
    monkeypatch.setattr(engine, "_versions", lambda: now)
    assert name() != before


def test_compiled_once_then_found_in_memory() -> None:
    """The second request emits nothing; another description is another function."""
    calls: list[str] = []

    def emit(prefix: str) -> str:
        calls.append(prefix)
        return _add(5)(prefix)

    description = f"test of memory {os.getpid()} {time.time_ns()}"
    before = engine.compiles()
    first = engine.functions(description, emit, ["plus"])
    second = engine.functions(description, emit, ["plus"])
    other = engine.functions(description + " other", _add(6), ["plus"])
    assert first == second and len(calls) == 1 and engine.compiles() == before + 2
    assert calls[0].startswith("nf_")
    assert (_call(first["plus"], 1), _call(other["plus"], 1)) == (6, 7)


def test_passes_are_run() -> None:
    """sroa turns an alloca into a value; the result is the same."""

    def emit(prefix: str) -> str:
        return f"""
define i64 @{prefix}plus(i64 %x) nounwind {{
  %slot = alloca i64
  store i64 %x, ptr %slot
  %v = load i64, ptr %slot
  %y = add i64 %v, 3
  ret i64 %y
}}
"""

    assert _call(engine.functions("test of sroa", emit, ["plus"], passes="sroa")["plus"], 4) == 7


def test_text_that_llvm_refuses() -> None:
    """A RuntimeError, with LLVM's message; nothing is cached, the next try may do better."""
    description = f"test of errors {time.time_ns()}"
    with pytest.raises(RuntimeError, match="expected"):
        engine.functions(description, lambda prefix: "define nonsense", ["plus"])
    with pytest.raises(RuntimeError, match="engine: the emitted module does not define minus"):
        engine.functions(description + " names", _add(1), ["minus"])
    assert _call(engine.functions(description, _add(1), ["plus"])["plus"], 1) == 2


def test_many_threads_compile_one_unit_once() -> None:
    """Whoever comes second waits for the first."""
    before, description = engine.compiles(), f"test of threads {time.time_ns()}"
    found: list[dict[str, int]] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(engine.functions(description, _add(2), ["plus"]))
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({unit["plus"] for unit in found}) == 1 and len(found) == 6
    assert engine.compiles() == before + 1


def _several(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "settings", settings._replace(threads=threads))


def test_who_asks_first_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is asked for is compiled once, by whoever comes to it first."""
    _several(2, monkeypatch)
    before, description = engine.compiles(), f"test of asking {time.time_ns()}"
    numbers = range(12)
    asked: list[Callable[[], dict[str, int]]] = [
        partial(engine.functions, f"{description} {k}", _add(k), ["plus"]) for k in numbers
    ]
    with engine.asking(), pytest.raises(engine.NotYet):
        engine.all_of(*asked)
    found = engine.all_of(*asked)
    assert [_call(f["plus"], 100) for f in found] == [100 + k for k in numbers]
    assert engine.compiles() == before + len(numbers)
    with engine.asking():
        assert engine.all_of(*asked) == found


def test_one_thread_compiles_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _several(1, monkeypatch)
    with engine.asking():
        found = engine.functions(f"test of one {time.time_ns()}", _add(3), ["plus"])
    assert _call(found["plus"], 1) == 4


def test_what_another_thread_could_not_compile_raises_for_who_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _several(2, monkeypatch)
    broken = partial(engine.functions, f"broken {time.time_ns()}", lambda prefix: "?", ["plus"])
    with engine.asking(), pytest.raises(engine.NotYet):
        broken()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            broken()


def test_with_and_without_the_lock_of_llvmlite_the_same_object_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target, text = Target.host(), _add(5)("x_")
    free = llvm.object_of(text, target, "")
    assert llvm._emission() is not None
    monkeypatch.setattr(llvm, "_emission", lambda: None)
    assert llvm.object_of(text, target, "") == free


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_while_two_threads_compile() -> None:
    code = """
import os, sys, time, warnings
from functools import partial
from numflow.kernels import engine
from tests.kernels.test_engine import _add, _call
warnings.simplefilter("ignore")  # newer Pythons warn of forks with threads
children = []
for round in range(4):
    asked = [
        partial(engine.functions, f"fork {round} {k} {time.time_ns()}", _add(k), ["plus"])
        for k in range(8)
    ]
    with engine.asking():
        try:
            engine.all_of(*asked)
        except engine.NotYet:
            pass
    child = os.fork()
    if not child:
        right = [_call(f["plus"], 1) for f in engine.all_of(*asked)] == list(range(1, 9))
        os._exit(0 if right and sys.getswitchinterval() > 0.004 else 1)
    children.append(child)
    assert [_call(f["plus"], 1) for f in engine.all_of(*asked)] == list(range(1, 9))
print([os.waitpid(child, 0)[1] for child in children])
"""
    environment = {**os.environ, "NUMFLOW_NUM_THREADS": "2"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.strip() == "[0, 0, 0, 0]"


def test_targets() -> None:
    """Width, registers and lanes of the fixed machines; the host is one that runs here."""
    named = {name: Target.named(name) for name in ("baseline", "avx2", "avx512", "neon")}
    assert [t.bits for t in named.values()] == [128, 256, 512, 128]
    assert [t.registers for t in named.values()] == [16, 16, 32, 32]
    assert named["avx2"].lanes(4) == 8 and named["avx512"].vbytes == 64
    assert len({t.describe() for t in named.values()}) == 4
    assert Target.host() is Target.host() and Target.host().bits in (128, 256, 512)


def test_assembly_of_a_foreign_machine() -> None:
    """Compiled, not run: vectors of 512 bits for one, ARM code for another."""
    ir = """
define void @f(ptr %p) {
  %v = load <16 x float>, ptr %p, align 4
  %w = fadd <16 x float> %v, %v
  store <16 x float> %w, ptr %p, align 4
  ret void
}
"""
    assert "zmm" in engine.compile_only(ir, Target.named("avx512"))
    assert "zmm" not in engine.compile_only(ir, Target.named("avx2"))
    assert "fadd\tv" in engine.compile_only(ir, Target.named("neon"))


def test_error_records() -> None:
    """The smallest record is the one of the first node, then of the first index."""
    records = [abi.error_record(n, i) for n in (0, 1, 5) for i in (0, 1, 2**40 - 1)]
    assert records == sorted(records) and records[-1] < abi.NO_ERROR
    assert abi.split_error(abi.error_record(5, 77)) == (5, 77)


# --- files -------------------------------------------------------------------


def _file(folder: Path, key: str = KEY) -> Path:
    return folder / key[:2] / f"{key}.nfo"


def test_what_was_put_is_found_by_another_cache(tmp_path: Path) -> None:
    """Bytes in, bytes out; unknown keys are absent."""
    ObjectCache(tmp_path / "c").put(KEY, b"code")
    other = ObjectCache(tmp_path / "c")
    assert other.get(KEY) == b"code" and other.get("cd" * 32) is None
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o700


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:48],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: _flip(data, 0),
        lambda data: _flip(data, 9),
        lambda data: _flip(data, 20),
        lambda data: _flip(data, 49),
        lambda data: _flip(data, len(data) - 1),
    ],
)
def test_a_damaged_file_is_removed(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """It counts as absent, and can be written anew."""
    cache = ObjectCache(tmp_path)
    tmp_path.chmod(0o700)
    cache.put(KEY, b"some code " * 20)
    path = _file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(KEY) is None and not path.exists()
    cache.put(KEY, b"new")
    assert cache.get(KEY) == b"new"


def test_a_file_under_another_name_is_damaged(tmp_path: Path) -> None:
    """The checksum covers the key."""
    cache = ObjectCache(tmp_path)
    cache.put(KEY, b"code")
    other = "ab" + "0" * 62
    _file(tmp_path).rename(_file(tmp_path, other))
    assert cache.get(other) is None


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Said once; nothing is read from it or written to it."""
    tmp_path.chmod(0o777)
    cache = ObjectCache(tmp_path)
    with pytest.warns(CacheWarning, match="not ours, or others may write there") as caught:
        cache.put(KEY, b"code")
        assert cache.get(KEY) is None
        cache.put(KEY, b"code")
    assert len(caught) == 1 and list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_done_without(tmp_path: Path) -> None:
    """Below a regular file there is no folder, whoever asks."""
    (tmp_path / "file").write_text("")
    cache = ObjectCache(tmp_path / "file" / "cache")
    with pytest.warns(CacheWarning, match="NUMFLOW_CACHE_DIR names another folder") as caught:
        cache.put(KEY, b"code")
        assert cache.get(KEY) is None
    assert len(caught) == 1


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    """A file stands where a folder of keys should be; other keys work."""
    cache = ObjectCache(tmp_path)
    (tmp_path / KEY[:2]).write_text("")
    with pytest.warns(CacheWarning, match="cannot be"):
        cache.put(KEY, b"code")
        cache.put(KEY, b"code")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.put("cd" * 32, b"code")
        assert cache.get("cd" * 32) == b"code" and cache.get(KEY) is None


def test_the_size_is_bounded(tmp_path: Path) -> None:
    """What was used longest ago goes first, and parts that a dead process left."""
    cache = ObjectCache(tmp_path, max_bytes=10_000)
    keys = [f"{number:064d}" for number in range(10)]
    for age, key in enumerate(keys):
        cache.put(key, bytes(1_500))
        past = time.time() - 1000 + age
        os.utime(_file(tmp_path, key), (past, past))
    part = _file(tmp_path, keys[0]).parent / "x.part"
    part.write_bytes(b"half")
    os.utime(part, (0, 0))
    cache.trim()
    alive = [key for key in keys if _file(tmp_path, key).exists()]
    assert alive == keys[10 - len(alive) :]
    assert 3 <= len(alive) <= 5 and not part.exists()


def test_an_old_file_that_is_used_becomes_young(tmp_path: Path) -> None:
    """Reading renews the time of last use, to the day."""
    cache = ObjectCache(tmp_path)
    cache.put(KEY, b"code")
    os.utime(_file(tmp_path), (1, 1))
    cache.get(KEY)
    assert time.time() - _file(tmp_path).stat().st_mtime < 100


# --- processes ---------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from tests.kernels.test_engine import _add, _call
from numflow.kernels import engine
for number in range(6):
    unit = engine.functions(f"test of processes {{number}}", _add(number), ["plus"])
    assert _call(unit["plus"], 10) == 10 + number
print(engine.compiles())
"""


def _start(cache: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(root=str(ROOT))],
        cwd=ROOT,
        env={**os.environ, "NUMFLOW_CACHE_DIR": str(cache), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _compiled(process: subprocess.Popen[str]) -> tuple[int, str]:
    """(number of units compiled, what was said)."""
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return int(output), errors


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    """Two at once on an empty cache, then one on a full cache, then one on a damaged cache."""
    cache = tmp_path / "cache"
    pair = [_start(cache), _start(cache)]
    assert 6 <= sum(_compiled(process)[0] for process in pair) <= 12
    assert _compiled(_start(cache)) == (0, "")
    files = sorted(cache.glob("*/*.nfo"))
    # Six kernels, what LLVM says of the machine, and the digest of how code is made, which is not
    # kept in the first seconds after an edit.
    assert len(files) in (7, 8)
    for file, size in zip(files, (0, 20, 47, 48, 100, 200, 300, 400)[: len(files)], strict=True):
        file.write_bytes(file.read_bytes()[:size])
    assert _compiled(_start(cache)) == (6, "")
    assert _compiled(_start(cache)) == (0, "")


def test_another_target_has_keys_of_its_own(tmp_path: Path) -> None:
    """Code for more or fewer CPU features is never taken for the other's."""
    cache = tmp_path / "cache"
    assert _compiled(_start(cache, NUMFLOW_TARGET="native"))[0] == 6
    assert _compiled(_start(cache, NUMFLOW_TARGET="baseline"))[0] == 6
    assert _compiled(_start(cache, NUMFLOW_TARGET="baseline"))[0] == 0


def test_a_process_without_a_cache_works_and_says_so_once(tmp_path: Path) -> None:
    """The folder is below a regular file."""
    (tmp_path / "file").write_text("")
    count, said = _compiled(_start(tmp_path / "file" / "cache"))
    assert count == 6 and said.count("CacheWarning") == 1
