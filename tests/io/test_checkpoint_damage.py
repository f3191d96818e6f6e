"""Damaged and forged checkpoints: what is not as it was saved is never taken for data."""

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numflow.errors import DataLossError, UnimplementedError
from numflow.io.checkpoint import Reader, save
from numflow.io.crc32c import crc32c
from tests.io.checkpoint_files import contents, forge, row, tensors


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
