"""What large files go through: threads, pages in place, writes past the cache; on small ones."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.checkpointing import restore
from numflow.config import threading as threads
from numflow.errors import DataLossError
from numflow.io import checkpoint, direct, header, large
from numflow.io.checkpoint import Reader, save
from numflow.train import Checkpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as large, chunks and blocks are of a few KiB."""
    monkeypatch.setattr(checkpoint, "LARGE", 1)
    monkeypatch.setattr(restore, "LARGE", 1)
    monkeypatch.setattr(checkpoint, "CHUNK", 12288)
    monkeypatch.setattr(header, "CHUNK", 12288)
    monkeypatch.setattr(checkpoint, "_PIECE", 5000)
    monkeypatch.setattr(direct, "_BLOCK", 8192)


def tensors(sizes: list[int]) -> dict[str, Any]:
    rng = np.random.default_rng(sum(sizes))
    return {f"t{i}": rng.integers(0, 256, n, dtype=np.uint8) for i, n in enumerate(sizes)}


# --- writing -----------------------------------------------------------------


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 30000), max_size=6))
def test_large_files_have_the_same_bytes(
    small_blocks: None, tmp_path: Path, sizes: list[int]
) -> None:
    """As what is written in one go; and they are read alike."""
    values = tensors(sizes)
    save(tmp_path / "large", values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "LARGE", 1 << 40)
        save(tmp_path / "small", values)
    assert (tmp_path / "large").read_bytes() == (tmp_path / "small").read_bytes()
    with Reader(tmp_path / "large") as reader:
        reader.verify(*values)
        for name, value in values.items():
            np.testing.assert_array_equal(reader.get(name), value)


@pytest.mark.usefixtures("small_blocks")
def test_a_long_header_in_front_of_the_first_block(tmp_path: Path) -> None:
    """Longer than blocks are."""
    values = {"x" * 20000: np.arange(50000), "s": "text", "none": np.zeros((0, 3))}
    save(tmp_path / "a", values, {"note": "y" * 9999})
    with Reader(tmp_path / "a") as reader:
        reader.verify(*values)
        np.testing.assert_array_equal(reader.get("x" * 20000), np.arange(50000))
        assert reader.get("s")[()] == b"text" and reader.meta == {"note": "y" * 9999}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("when", ["at once", "at the first write", "after a part"])
def test_file_systems_that_cannot_write_past_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """They say so when asked, or when it comes to writing: the cache is taken."""
    values = tensors([30000, 7, 20000])
    if when == "at once":
        monkeypatch.setattr(direct, "_set_direct", lambda handle, wanted: False)
    else:
        told: list[int] = []

        def pwrite(handle: int, data: Any, at: int, real: Any = os.pwrite) -> int:
            told.append(at)
            if len(told) == 1 and when == "after a part":
                return int(real(handle, data[:4096], at))  # the next is refused
            if len(told) == 1 or (len(told) == 2 and when == "after a part"):
                raise OSError(errno.EINVAL, "no such thing here")
            return int(real(handle, data, at))

        monkeypatch.setattr(direct, "_WRITERS", 1)
        monkeypatch.setattr(os, "pwrite", pwrite)
    save(tmp_path / "a", values)
    with Reader(tmp_path / "a") as reader:
        for name, value in values.items():
            np.testing.assert_array_equal(reader.get(name), value)


@pytest.mark.usefixtures("small_blocks")
def test_a_refused_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's error comes through from whatever thread; nothing runs on, nothing is left."""
    save(tmp_path / "a", {"x": 1})

    def pwrite(handle: int, data: Any, at: int, real: Any = os.pwrite) -> int:
        if at >= 40960:
            raise OSError(errno.ENOSPC, "no space left")
        return int(real(handle, data, at))

    monkeypatch.setattr(os, "pwrite", pwrite)
    for sizes in ([100000], [41000], [3] * 9 + [60000]):
        with pytest.raises(OSError, match="no space left"):
            save(tmp_path / "a", tensors(sizes))
        assert [p.name for p in tmp_path.iterdir()] == ["a"]
        assert not [t for t in threading.enumerate() if t.name == "numflow file"]
    assert Reader(tmp_path / "a").get("x") == 1


@pytest.mark.usefixtures("small_blocks")
def test_no_further_thread_can_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller does everything."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    values = tensors([30000, 100])
    save(tmp_path / "a", values)
    with Reader(tmp_path / "a") as reader:
        reader.verify(*values)
        np.testing.assert_array_equal(reader.get("t0"), values["t0"])


@pytest.mark.skipif(sys.platform != "linux", reason="handles are listed on Linux")
@pytest.mark.usefixtures("small_blocks")
def test_a_replaced_file_is_let_go(tmp_path: Path) -> None:
    """Its handle is closed behind the back of the program, at the latest at the next save."""
    for i in range(3):
        save(tmp_path / "a", tensors([9000 + i]))
    large.wait_for_last()
    handles = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    opened = [os.readlink(handle) for handle in handles if os.path.islink(handle)]
    assert not [path for path in opened if str(tmp_path) in path]
    with Reader(tmp_path / "a") as reader:
        assert reader.get("t0").shape == (9002,)


_ENDING = """
import sys
import numpy as np, numflow as nf
from numflow.train import Checkpoint, CheckpointOptions
v = nf.Variable(np.full(20 << 20, 3, "f4"))
Checkpoint(v=v).write(sys.argv[1], CheckpointOptions(enable_async=True))
"""


def test_a_program_that_ends_waits_for_its_large_save(tmp_path: Path) -> None:
    """80 MB in the background, of a main thread that is gone."""
    path = tmp_path / "a"
    run = subprocess.run(
        [sys.executable, "-c", _ENDING, str(path)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert (nf.train.load_variable(path, "v") == 3).all()


# --- crashes -----------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed")
def test_kill_9_at_any_moment_of_a_large_save(tmp_path: Path) -> None:
    """What was acknowledged loads, and nothing is left for long; by hand there are more kills."""
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("kill_saves.py"), tmp_path,
         "--kills", "12", "--megabytes", "72"],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert "all acknowledged ones load" in run.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="handles have names on Linux")
@pytest.mark.usefixtures("small_blocks")
def test_the_disk_has_everything_before_the_name_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the power fail: the last write, the file to the disk, the name, the folder."""
    events: list[str] = []

    def told(name: str, real: Any) -> Any:
        def call(*args: Any) -> Any:
            result = real(*args)
            events.append(name)
            return result

        return call

    for name in ("pwrite", "replace"):
        monkeypatch.setattr(os, name, told(name, getattr(os, name)))
    fsync = os.fsync

    def synchronised(handle: int) -> None:
        fsync(handle)
        events.append(os.readlink(f"/proc/self/fd/{handle}"))

    monkeypatch.setattr(os, "fsync", synchronised)
    save(tmp_path / "a", tensors([30000, 7, 50000]))
    file, folder = events[-3], events[-1]
    assert events[-2] == "replace" and folder == str(tmp_path) and ".tmp-" in file
    assert set(events[:-3]) == {"pwrite"}


# --- reading -----------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("in_place", [True, False])
def test_damage_anywhere_leaves_every_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, in_place: bool
) -> None:
    """Whichever thread finds it; the first damaged tensor of several is named."""
    monkeypatch.setattr(large, "pool_threads", lambda: count)
    if not in_place:
        monkeypatch.setattr(large, "_madvise", lambda: None)
    saved = {f"v{i}": nf.Variable(np.full(9000, i, np.float32)) for i in range(5)}
    path = Checkpoint(**saved).write(tmp_path / "a")
    raw = Path(path + ".nfc").read_bytes()
    entries = dict(Reader(path + ".nfc").entries)
    names = list(entries)
    for k, name in enumerate(names):
        entry, forged = entries[name], bytearray(raw)
        for other in names[k:]:  # the last chunk of this one, and the first of those behind
            at = entries[other].offset + (entry.nbytes - 1 if other == name else 0)
            forged[at] ^= 1
        Path(path + ".nfc").write_bytes(forged)
        variables = {f"v{i}": nf.Variable(np.full(9000, -1, np.float32)) for i in range(5)}
        with pytest.raises(DataLossError, match=f"{name!r}: the checksum from byte") as caught:
            Checkpoint(**variables).restore(path)
        assert f"byte {entry.offset + 24576} " in str(caught.value)
        assert all((v.numpy() == -1).all() for v in variables.values())
    Path(path + ".nfc").write_bytes(raw)
    Checkpoint(**variables).restore(path).assert_consumed()
    assert [v.numpy()[-1] for v in variables.values()] == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("aligned", [True, False])
def test_tensors_are_copied_where_they_belong(tmp_path: Path, aligned: bool) -> None:
    """Into memory at any address, every byte and none behind."""
    values = tensors([40001, 0, 12288, 5])
    save(tmp_path / "a", values)
    with Reader(tmp_path / "a") as reader:
        reader.verify(*values)
        for name, value in values.items():
            room = np.full(value.size + 200, 7, np.uint8)
            start = -room.ctypes.data % 64 + (not aligned)
            reader.read_into(name, room[start : start + value.size])
            np.testing.assert_array_equal(room[start : start + value.size], value)
            assert (room[:start] == 7).all() and (room[start + value.size :] == 7).all()


@pytest.mark.usefixtures("small_blocks")
def test_a_file_cut_while_it_is_open_is_damage(tmp_path: Path) -> None:
    """No signal that ends the process."""
    save(tmp_path / "a", tensors([70000, 50000]))
    for left in (100000, 60000, 4096, 0):
        reader = Reader(tmp_path / "a")
        os.truncate(tmp_path / "a", left)
        with pytest.raises(DataLossError, match=r"became shorter|the checksum from byte"):
            reader.verify("t0", "t1")
        reader.close()
        save(tmp_path / "a", tensors([70000, 50000]))
    with open(tmp_path / "a", "rb") as file:
        pages = large.Pages(file)
    os.truncate(tmp_path / "a", 4096)
    assert pages.get(8192, 20000) is None  # mapped, and not there any more
    assert pages.get(0, 100) is not None


@pytest.mark.usefixtures("small_blocks")
def test_tensors_and_views_of_variables_keep_the_old_value(tmp_path: Path) -> None:
    """Who holds a variable's buffer while it is restored."""
    v, w = nf.Variable(np.ones(5000, "f4")), nf.Variable(["a", "b"])
    path = Checkpoint(v=v, w=w).write(tmp_path / "a")
    v.assign(np.zeros(5000, "f4"))
    w.assign(["c", "d"])
    tensor, strings, view = v.value(), w.value(), np.asarray(v)
    buffer = v._array.ctypes.data
    Checkpoint(v=v, w=w).restore(path).assert_consumed()
    assert (v.numpy() == 1).all() and w.numpy().tolist() == [b"a", b"b"]
    assert not tensor.numpy().any() and not view.any() and strings.numpy().tolist() == [b"c", b"d"]
    assert v._array.ctypes.data != buffer and v._array.ctypes.data % 64 == 0
    del tensor, view
    buffer = v._array.ctypes.data
    Checkpoint(v=v, w=w).restore(path).assert_consumed()
    assert v._array.ctypes.data == buffer  # nobody else has it: no new memory


# --- threads -----------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_first_error_wins(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Though a later item fails sooner; nothing is begun behind it for ever."""
    monkeypatch.setattr(large, "pool_threads", lambda: count)
    done: list[int] = []

    def work(item: int) -> None:
        if item == 3:
            time.sleep(0.02)
        if item in (3, 4, 9):
            raise ValueError(item)
        done.append(item)

    with pytest.raises(ValueError, match="3"):
        large.each(work, range(1000))
    assert sorted(done)[:3] == [0, 1, 2] and len(done) < 900
    assert not [t for t in threading.enumerate() if t.name == "numflow file"]
    large.each(work, [])
    assert threads.pool_threads() >= 1


def test_an_interrupt_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an item has failed before."""
    monkeypatch.setattr(large, "pool_threads", lambda: 2)
    together = threading.Barrier(2)

    def work(item: int) -> None:
        together.wait()
        raise ValueError if item == 0 else KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        large.each(work, [0, 1])
