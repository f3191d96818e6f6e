"""The container: what was written comes back, of any size, and after a crash."""

import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from numflow.errors import DataLossError, DTypeError, NotFoundError
from numflow.io import checkpoint
from numflow.io.checkpoint import Reader, save, sweep
from numflow.io.crc32c import crc32c
from tests.io.checkpoint_files import forge, row, tensors

# The test vectors of the format: rows of 32 bytes, +N = N further zero bytes.
VECTOR_A = """
894e46430d0a1a0a01000000027204f1600000000000000086a8726571756972
657390a46d65746181a47374657007a5616c69676e40a56368756e6bce010000
00a3656e64c408c000000000000000a774656e736f72739197a177a7666c6f61
743332920102c408800000000000000008c404cb11bdd580 +8
0000803f000020c0 +56
"""
VECTOR_B = """
894e46430d0a1a0a0100000004e6b57cc30000000000000086a8726571756972
657392a7737472696e6773a6736c69636573a46d65746180a5616c69676e40a5
6368756e6bce01000000a3656e64c4088001000000000000a774656e736f7273
9397a36d2f62a4626f6f6c9102c408000100000000000002c404a5efc3e283a5
616c69617391a3623a30a5736c69636591920202aa66756c6c5f736861706591
0497a173a6737472696e679102c408400100000000000013c404b55e7cd98097
a17aa7666c6f61743634920003c408800100000000000000c40080 +37
01 +63
0100000000000000030000000000000061c3a9 +45
"""


def unhex(rows: str) -> bytes:
    out = b""
    for word in rows.split():
        out += bytes(int(word[1:])) if word.startswith("+") else bytes.fromhex(word)
    return out


def test_the_format_is_the_described_one(tmp_path: Path) -> None:
    """Byte for byte what the format's description lists, and readable."""
    save(tmp_path / "a", {"w": np.array([[1.0, -2.5]], np.float32)}, meta={"step": 7})
    assert (tmp_path / "a").read_bytes() == unhex(VECTOR_A)
    save(
        tmp_path / "b",
        {"m/b": np.array([True, False]), "s": np.array(["a", "é"]), "z": np.zeros((0, 3))},
        extras={"m/b": {"alias": ["b:0"], "slice": [[2, 2]], "full_shape": [4]}},
    )
    assert (tmp_path / "b").read_bytes() == unhex(VECTOR_B)
    reader = Reader(tmp_path / "b")
    assert reader.get("s").tolist() == [b"a", "é".encode()]
    assert reader.entry("m/b").extra["full_shape"] == [4]


def test_every_dtype_comes_back(tmp_path: Path) -> None:
    """Values, dtypes and shapes; by view, and copied into an array."""
    path = tmp_path / "a.nfc"
    save(path, tensors(), {"step": 12})
    with Reader(path) as reader:
        assert reader.meta == {"step": 12}
        assert list(reader) == list(tensors())
        for name, value in tensors().items():
            array, got = np.asarray(value), reader.get(name)
            assert got.shape == array.shape
            if array.dtype.kind in "OU":
                assert [x.decode() for x in got.ravel().tolist()] == array.ravel().tolist()
                continue
            assert got.dtype == array.dtype.newbyteorder("=")
            assert not got.flags.writeable
            np.testing.assert_array_equal(got.astype(array.dtype), array)
            copy = np.empty(got.shape, got.dtype)
            reader.verify(name)
            reader.read_into(name, copy)
            np.testing.assert_array_equal(copy, got)


def test_a_view_outlives_the_file(tmp_path: Path) -> None:
    """A file that is replaced or removed does not change what was read from it."""
    path = tmp_path / "a.nfc"
    save(path, {"x": np.arange(5)})
    with Reader(path) as reader:
        x = reader.get("x")
    save(path, {"x": np.zeros(5, int)})
    path.unlink()
    assert x.tolist() == [0, 1, 2, 3, 4]


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    """The message names the tensor; nothing was replaced and nothing is left behind."""
    path = tmp_path / "a.nfc"
    save(path, {"x": 1})
    with pytest.raises(DTypeError, match=r"^checkpoint: a Python object of type dict cannot be"):
        save(path, {"x": 2, "y": np.array([{}], object)})
    with pytest.raises(
        DTypeError, match=r"^checkpoint: datetime64\[D\] cannot be saved\n  name: y"
    ):
        save(path, {"y": np.array(["2020-01-01"], "M8[D]")})
    with pytest.raises(TypeError):
        save(path, {"x": 3}, meta={"object": object()})
    assert Reader(path).get("x") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.nfc"]


def test_a_missing_file_and_a_missing_name_are_named(tmp_path: Path) -> None:
    """NotFoundError, with file and name."""
    path = tmp_path / "a.nfc"
    with pytest.raises(NotFoundError, match=r"there is no such file\n  file: .*a.nfc"):
        Reader(path)
    save(path, {"x": 1})
    with pytest.raises(NotFoundError, match=r"there is no tensor 'y'\n  file: .*a.nfc"):
        Reader(path).get("y")


# --- size --------------------------------------------------------------------


def test_offsets_beyond_4_gib(tmp_path: Path) -> None:
    """A sparse file of 5 GiB: the last tensor is found, and only its bytes are looked at."""
    path, size = tmp_path / "x.nfc", 5 << 30
    data = np.arange(7, dtype=np.float32)
    end = 4096 + size + 64
    zeros = bytes(4 * -(-size // (1 << 24)))  # wrong checksums, for they are not asked for
    entries = [
        row("big", "float16", [size // 2], 4096, size, zeros),
        row("last", "float32", [7], 4096 + size, 28, struct.pack("<I", crc32c(data.tobytes()))),
    ]
    forge(path, entries, end=struct.pack("<Q", end))
    with open(path, "r+b") as file:
        file.truncate(end)
        file.seek(4096 + size)
        file.write(data.tobytes())
    with Reader(path) as reader:
        np.testing.assert_array_equal(reader.get("last"), data)
        out = np.empty(7, np.float32)
        reader.verify("last")
        reader.read_into("last", out)
        np.testing.assert_array_equal(out, data)
        big = reader.get("big", verify=False)
        assert big.shape == (size // 2,) and big[-1] == 0
        with pytest.raises(DataLossError, match="'big': the checksum from byte 4096 is wrong"):
            reader.verify("big")


def test_many_chunks_have_a_checksum_each(tmp_path: Path) -> None:
    """A tensor of two chunks and a bit: damage in the last is located there."""
    path = tmp_path / "x.nfc"
    save(path, {"x": np.ones((2 << 24) + 5, np.uint8)})
    entry = Reader(path).entry("x")
    assert len(entry.checksums) == 12
    with open(path, "r+b") as file:
        file.seek(entry.offset + (2 << 24) + 3)
        file.write(b"\0")
    for read in (Reader(path).verify, Reader(path).get):
        with pytest.raises(DataLossError, match=f"from byte {entry.offset + (2 << 24)} is wrong"):
            read("x")


def test_many_small_tensors_are_no_attack(tmp_path: Path) -> None:
    """Files of almost nothing but a header."""
    save(tmp_path / "x.nfc", {f"{i}": np.zeros(0, np.int8) for i in range(20000)})
    assert len(list(Reader(tmp_path / "x.nfc"))) == 20000


def test_saving_copies_no_tensor(tmp_path: Path) -> None:
    """64 MiB are written from their own memory, piece by piece."""
    import tracemalloc

    x = np.zeros(64 << 20, np.uint8)
    save(tmp_path / "warm.nfc", {"x": 1})
    tracemalloc.start()
    save(tmp_path / "x.nfc", {"x": x})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


# --- crashes -----------------------------------------------------------------

_SAVER = """
import sys
import numpy as np
from numflow.io.checkpoint import save
for step in range(1, 1000):
    save(sys.argv[1], {f"t{i}": np.full(20000 + step, step, np.int32) for i in range(8)},
         meta={"step": step})
    print(step, flush=True)
"""


def test_kill_9_leaves_the_last_acknowledged_save(tmp_path: Path) -> None:
    """A process is killed at various moments of its saves: what it printed as saved is there."""
    path = tmp_path / "a.nfc"
    for trial in range(8):
        saver = subprocess.Popen(
            [sys.executable, "-c", _SAVER, str(path)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert saver.stdout is not None
        saver.stdout.readline()
        time.sleep(0.0137 * trial)
        saver.kill()
        acknowledged = max([1, *(int(line) for line in saver.stdout.read().split())])
        saver.wait()
        saver.stdout.close()
        with Reader(path) as reader:
            step = reader.meta["step"]
            assert step in (acknowledged, acknowledged + 1)
            for i in range(8):
                x = reader.get(f"t{i}")
                assert x.shape == (20000 + step,) and (x == step).all()
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.nfc"]


def test_sweeping_spares_the_living(tmp_path: Path) -> None:
    """The temporary file of a process that runs stays, and so does any other file."""
    import os

    mine = tmp_path / f"a.nfc.tmp-{os.getpid()}-00ff"
    other = tmp_path / "notes.tmp-1-00ff"
    dead = tmp_path / "a.nfc.tmp-999999999-00ff"
    checkpoint._begun.add(mine.name)
    for path in (mine, other, dead):
        path.touch()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, other])
    checkpoint._begun.remove(mine.name)  # then it is of one before, that had the same number
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


def test_a_save_removes_what_the_one_before_left(tmp_path: Path) -> None:
    """Of this file, without a manager; another's may be another machine's."""
    for name in ("a.nfc.tmp-999999999-00ff", "b.nfc.tmp-999999999-00ff", "a.nfc.tmp-1-00ff"):
        (tmp_path / name).touch()
    save(tmp_path / "a.nfc", {"x": 1})
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["a.nfc", "a.nfc.tmp-1-00ff", "b.nfc.tmp-999999999-00ff"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """The error of the system comes through, the temporary file goes."""
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from numflow.io.checkpoint import save\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "save(sys.argv[1], {'x': 1})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "try: save(sys.argv[1], {'x': np.zeros(1 << 20)})\n"
        "except OSError: print('refused')\n"
    )
    path = tmp_path / "a.nfc"
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.stdout == "refused\n", run.stderr
    assert Reader(path).get("x") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.nfc"]
