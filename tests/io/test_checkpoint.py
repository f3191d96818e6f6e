"""The container: what was written comes back, and no damage passes for data."""

import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ml_dtypes
import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numflow.errors import DataLossError, DTypeError, NotFoundError, UnimplementedError
from numflow.io import checkpoint
from numflow.io.checkpoint import MAGIC, Reader, save, sweep
from numflow.io.crc32c import crc32c

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


def tensors() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "w": rng.normal(size=(7, 3)).astype("f4"),
        "big_endian": np.arange(5, dtype=">i4"),
        "b": rng.normal(size=7).astype(ml_dtypes.bfloat16),
        "tiny": rng.normal(size=3).astype(ml_dtypes.float8_e4m3fn),
        "empty": np.zeros((0, 3)),
        "no strings": np.array([], object),
        "scalar": np.float64(2.5),
        "s": np.array([["a", "bb"], ["", "κόσμε"]], object),
        "one": "x",
        "flag": np.array([True, False]),
        "c": np.array([1 + 2j]),
        "h": np.arange(9, dtype="f2")[::2],
        "u": np.array([2**64 - 1], np.uint64),
    }


def contents(path: Path) -> dict[str, Any]:
    with Reader(path) as reader:
        return {
            name: (a.shape, str(a.dtype), a.tolist() if a.dtype == object else a.tobytes())
            for name, a in ((name, reader.get(name)) for name in reader)
        }


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


# --- damage ------------------------------------------------------------------


def _outcome(path: Path, good: dict[str, Any]) -> str:
    try:
        return "same" if contents(path) == good else "WRONG"
    except (DataLossError, UnimplementedError) as e:
        assert str(path) in str(e)
        return "noticed"


def test_a_flipped_bit_is_noticed_anywhere(tmp_path: Path) -> None:
    """Each byte in turn, another bit each: noticed, or it lies in a gap and changes nothing."""
    path, broken = tmp_path / "a.nfc", tmp_path / "b.nfc"
    save(path, tensors())
    raw, good = path.read_bytes(), contents(path)
    with Reader(path) as reader:
        used = {i for e in reader.entries.values() for i in range(e.offset, e.offset + e.nbytes)}
    header = 24 + struct.unpack_from("<Q", raw, 16)[0]
    gaps = [i for i in range(header, len(raw)) if i not in used]
    for i in sorted({*range(header), *used, *gaps[::7]}):
        data = bytearray(raw)
        data[i] ^= 1 << i % 8
        broken.write_bytes(data)
        expected = "noticed" if i < header or i in used else "same"
        assert _outcome(broken, good) == expected, i


def test_a_cut_is_noticed_anywhere(tmp_path: Path) -> None:
    """So is a file that goes on after its end."""
    path, broken = tmp_path / "a.nfc", tmp_path / "b.nfc"
    save(path, tensors())
    raw, good = path.read_bytes(), contents(path)
    for n in range(0, len(raw), 7):
        broken.write_bytes(raw[:n])
        assert _outcome(broken, good) == "noticed", n
    broken.write_bytes(raw + b"\0")
    assert _outcome(broken, good) == "noticed"


def test_verify_finds_what_get_finds(tmp_path: Path) -> None:
    """The message names the tensor and the byte."""
    path = tmp_path / "a.nfc"
    save(path, {"x": np.arange(7), "flag": np.array([True])})
    raw = bytearray(path.read_bytes())
    offset = Reader(path).entry("x").offset
    raw[offset + 9] ^= 4
    path.write_bytes(raw)
    text = f"checkpoint: 'x': the checksum from byte {offset} is wrong\n  file: {path}\n"
    for read in (Reader(path).verify, Reader(path).get):
        with pytest.raises(DataLossError) as caught:
            read("x")
        assert str(caught.value).startswith(text)


def forge(
    path: Path, entries: list[Any] | None = None, body: bytes | None = None, **head: Any
) -> None:
    """A file of 1024 bytes whose checksums are right and whose header says anything."""
    if body is None:
        head = {
            "requires": [], "meta": {}, "align": 64, "chunk": 1 << 24,
            "end": struct.pack("<Q", 1024), "tensors": entries or [], **head,
        }  # fmt: skip
        body = msgpack.packb({k: v for k, v in head.items() if v is not None})
    length = struct.pack("<Q", len(body))
    data = MAGIC + struct.pack("<II", 1, crc32c(length + body)) + length + body
    path.write_bytes(data.ljust(1024, b"\0"))


def row(
    name: Any = "a",
    dtype: Any = "uint8",
    shape: Any = (64,),
    offset: Any = 512,
    nbytes: Any = 64,
    checksums: Any = bytes(4),
    extra: Any = None,
) -> list[Any]:
    place = struct.pack("<Q", offset) if isinstance(offset, int) else offset
    return [name, dtype, list(shape), place, nbytes, checksums, {} if extra is None else extra]


HOSTILE = {
    "overlap": ([row(), row("b")], "'b' lies outside of the file or over another tensor"),
    "in the header": ([row(offset=64)], "'a' lies outside of the file or over"),
    "unaligned": ([row(offset=513)], "'a' lies outside of the file or over"),
    "past the end": ([row(shape=[1 << 20], nbytes=1 << 20)],
                     "'a' lies outside of the file"),
    "twice": ([row(), row(offset=576)], "the name 'a' occurs twice"),
    "negative": ([row(shape=[-1])], "'a' has a dimension that is no size"),
    "bool as size": ([row(shape=[True])], "'a' has a dimension that is no size"),
    "huge and empty": ([row(shape=[1 << 62, 1 << 62, 0], nbytes=0, checksums=b"")],
                       "'a' has a shape larger than memory"),
    "huge": ([row(shape=[1 << 62, 1 << 62])], "'a' has a shape larger than memory"),
    "rank 33": ([row(shape=[1] * 33)], "'a' has a malformed shape"),
    "object": ([row(dtype="object")], "'a' has the unknown dtype 'object'"),
    "dtype no text": ([row(dtype=[])], r"'a' has the unknown dtype \[\]"),
    "name no text": ([row(name=3)], "an entry of the header is malformed"),
    "short row": ([row()[:5]], "an entry of the header is malformed"),
    "bytes too many": ([row(shape=[63])], "'a' has 64 bytes, its shape takes 63"),
    "bytes too few": ([row(shape=[65])], "'a' has 64 bytes, its shape takes 65"),
    "negative bytes": ([row(nbytes=-1)], "'a' has -1 bytes, its shape takes 64"),
    "bytes of no string": ([row(dtype="string", shape=[0])], "'a' has 64 bytes, its shape takes 0"),
    "no checksum": ([row(checksums=b"")], "'a' has a wrong number of checksums"),
    "place": ([row(offset=b"\0")], "'a' has a malformed place"),
    "extras": ([row(extra=[])], "'a' has malformed extras"),
    "alias": ([row(extra={"alias": [1]})], "'a' has malformed extras"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_forged_entry_is_refused(tmp_path: Path, case: str) -> None:
    """Right checksums do not make a header true."""
    entries, reason = HOSTILE[case]
    forge(tmp_path / "x.nfc", entries)
    with pytest.raises(DataLossError, match=reason):
        Reader(tmp_path / "x.nfc").get("a")


HEADS: dict[str, tuple[dict[str, Any], str]] = {
    "chunk 0": ({"chunk": 0}, "chunk size is out of range"),
    "align": ({"align": 32}, "alignment or chunk size is out of range"),
    "end": ({"end": struct.pack("<Q", 1023)}, "the file has 1024 bytes, not as many as"),
    "end no bytes": ({"end": 1024}, "the file has 1024 bytes, not as many as"),
    "no tensors": ({"tensors": None}, "the header lacks tensors"),
    "tensors no list": ({"tensors": 5}, "the header is malformed"),
    "requires": ({"requires": [1]}, "required features is malformed"),
    "meta": ({"meta": []}, "the header is malformed"),
    "no map": ({"body": b"\x90"}, "the header is no map"),
    "cut": ({"body": b"\x82\xa1a"}, r"the header is malformed \(ValueError"),
    "key twice": ({"body": b"\x82\xa1a\x01\xa1a\x01"}, "a key occurs twice or is no text"),
    "bytes key": ({"body": b"\x81\xc4\x01a\x01"}, "a key occurs twice or is no text"),
    "number key": ({"body": b"\x81\x01\x01"}, r"the header is malformed"),
    "deep": ({"body": b"\x91" * 5000}, r"the header is malformed"),
    "declared array": ({"body": b"\xdd\xff\xff\xff\xff"}, r"the header is malformed"),
    "declared map": ({"body": b"\xdf\xff\xff\xff\xff"}, r"the header is malformed"),
    "declared text": ({"body": b"\x81\xa1a\xdb\xff\xff\xff\xff"}, r"the header is malformed"),
    "no UTF-8": ({"body": b"\x81\xa1a\xa1\xff"}, r"the header is malformed \(UnicodeDecodeError"),
    "timestamp": ({"body": b"\x81\xa1a\xc7\x0c\xff" + b"\xff" * 12}, "the header"),
}


@pytest.mark.parametrize("case", HEADS)
def test_a_forged_head_is_refused(tmp_path: Path, case: str) -> None:
    """Whatever msgpack makes of it."""
    head, reason = HEADS[case]
    forge(tmp_path / "x.nfc", **head)
    with pytest.raises(DataLossError, match=reason):
        Reader(tmp_path / "x.nfc")


def test_the_future_is_named(tmp_path: Path) -> None:
    """A later version or an unknown feature is no damage."""
    path = tmp_path / "x.nfc"
    forge(path, requires=["zstd"])
    with pytest.raises(UnimplementedError, match="the file needs zstd, which this numflow lacks"):
        Reader(path)
    raw = bytearray(path.read_bytes())
    raw[8] = 2
    path.write_bytes(raw)
    with pytest.raises(UnimplementedError, match="container version 2, this numflow reads 1"):
        Reader(path)


def test_a_bool_is_0_or_1_and_strings_end_in_order(tmp_path: Path) -> None:
    """Contents with right checksums are looked at too."""
    path = tmp_path / "x.nfc"
    cases = [
        ("bool", b"\x02", [1], "a bool is neither 0 nor 1"),
        ("string", struct.pack("<3Q", 2, 1, 3) + b"abc", [3], "the ends of the strings"),
        ("string", struct.pack("<1Q", 2**63) + b"abc", [1], "the ends of the strings"),
        ("string", struct.pack("<1Q", 2) + b"abc", [1], "the ends of the strings"),
    ]
    for dtype, data, shape, reason in cases:
        check = struct.pack("<I", crc32c(data))
        forge(path, [row(dtype=dtype, shape=shape, nbytes=len(data), checksums=check)])
        raw = path.read_bytes()
        path.write_bytes(raw[:512] + data + raw[512 + len(data) :])
        with pytest.raises(DataLossError, match=reason):
            Reader(path).get("a")
    forge(path, [row(dtype="bool", shape=[1], nbytes=1, checksums=struct.pack("<I", crc32c(b"2")))])
    raw = path.read_bytes()
    path.write_bytes(raw[:512] + b"2" + raw[513:])
    with pytest.raises(DataLossError, match="a bool is neither 0 nor 1"):
        Reader(path).verify("a")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=400))
def test_any_bytes_as_a_header_are_refused(tmp_path: Path, body: bytes) -> None:
    """Drawn headers with right checksums: one type of exception, no other."""
    forge(tmp_path / "x.nfc", body=body)
    with pytest.raises(DataLossError):
        Reader(tmp_path / "x.nfc")


_LIMITED = """
import resource, sys
import msgpack, numpy, google_crc32c
from numflow.errors import DataLossError
from numflow.io.checkpoint import Reader
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    reader = Reader(sys.argv[1])
    [reader.get(name) for name in reader]
except DataLossError as e:
    print("refused:", str(e).splitlines()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits on memory are Linux's")
@pytest.mark.parametrize("what", ["empty lists", "declared", "dicts in a row"])
def test_a_small_hostile_file_takes_little_memory(tmp_path: Path, what: str) -> None:
    """3 MiB of header that would be 220 MB of Python objects, in a process limited to 64 MiB."""
    path = tmp_path / "x.nfc"
    bodies = {
        "empty lists": b"\xdd" + struct.pack(">I", (3 << 20) - 5) + b"\x90" * ((3 << 20) - 5),
        "declared": b"\xdd\xff\xff\xff\xff" * 1000,
        "dicts in a row": b"\x80" * (3 << 20),
    }
    forge(path, body=bodies[what])
    run = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path), str(64 << 20)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.stdout.startswith("refused: checkpoint: the header "), run.stdout + run.stderr


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
