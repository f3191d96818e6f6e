"""What TensorFlow wrote is read; what was damaged is refused."""

import shutil
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numflow.errors import DataLossError, NotFoundError, UnimplementedError
from numflow.io.crc32c import crc32c, masked
from numflow.io.tf_checkpoint import TFReader, open_tf, part_key
from numflow.io.tf_table import MAGIC, read_table

DATA = Path(__file__).parent / "data"

VALUES: dict[str, Any] = {
    "float32": np.arange(6, dtype="f4").reshape(2, 3) / 4,
    "float64": np.array(2.5),
    "int8": np.array([-128, 127], "i1"),
    "int16": np.array([-5], "i2"),
    "int32": np.array([[7]], "i4"),
    "int64": np.array([-1, 2**40]),
    "uint8": np.array([255], "u1"),
    "uint16": np.array([65535], "u2"),
    "uint32": np.array([2**32 - 1], "u4"),
    "uint64": np.array([2**64 - 1], "u8"),
    "bool": np.array([True, False, True]),
    "complex64": np.array([1 + 2j], "c8"),
    "complex128": np.array([1 - 2j]),
    "float16": np.array([0.5, -2], "f2"),
    "bfloat16": np.array([1.5, -3], ml_dtypes.bfloat16),
    "string": np.array([[b"a", b"bb"], [b"", "κ".encode()]], object),
    "empty": np.zeros((0, 3), "f4"),
}


def contents(reader: TFReader) -> dict[str, Any]:
    return {name: reader.get(name).tolist() for name in reader}


@pytest.mark.parametrize("name", ["dtypes", "v1.ckpt"])
def test_every_dtype_is_read(name: str) -> None:
    """Values, dtypes and shapes, from both versions."""
    reader = open_tf(DATA / name)
    lacking = {"bfloat16", "uint32", "uint64"} if name == "v1.ckpt" else set()
    assert set(reader) == set(VALUES) - lacking
    for key in reader:
        array, expected = reader.get(key), VALUES[key]
        assert array.dtype == expected.dtype and reader.entry(key).shape == expected.shape
        np.testing.assert_array_equal(array, expected)
        out = np.empty_like(expected)
        reader.verify(key)
        reader.read_into(key, out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("name", ["parts", "v1_parts.ckpt"])
def test_parts_are_put_together(name: str) -> None:
    """A partitioned variable is one tensor."""
    reader = open_tf(DATA / name)
    assert list(reader) == ["part"]
    np.testing.assert_array_equal(reader.get("part"), np.arange(35.0).reshape(7, 5))


def test_names_of_objects_are_kept_as_they_are() -> None:
    """The reader of the format knows nothing of objects."""
    reader = open_tf(DATA / "objects-1")
    assert reader.get("optimizer/_learning_rate/.ATTRIBUTES/VARIABLE_VALUE") == 0.125
    assert reader.entry("_CHECKPOINTABLE_OBJECT_GRAPH").dtype == "string"


def test_what_is_not_there_is_named() -> None:
    """NotFoundError for a file and for a tensor."""
    with pytest.raises(NotFoundError, match=r"there is no such checkpoint\n  file: .*nothing"):
        open_tf(DATA / "nothing")
    with pytest.raises(NotFoundError, match="there is no such checkpoint"):
        open_tf(DATA / "README.md")
    with pytest.raises(NotFoundError, match="there is no tensor 'w'"):
        open_tf(DATA / "dtypes").get("w")


@pytest.mark.parametrize("name", ["dtypes.index", "dtypes.data-00000-of-00001", "v1.ckpt"])
def test_a_flipped_bit_is_noticed_or_harmless(tmp_path: Path, name: str) -> None:
    """Each byte in turn: DataLossError, or the same contents as before (unused parts of a file)."""
    for file in DATA.glob(name.split(".")[0] + ".*"):
        shutil.copy(file, tmp_path)
    prefix = tmp_path / ("v1.ckpt" if name == "v1.ckpt" else "dtypes")
    good = contents(open_tf(prefix))
    raw = (tmp_path / name).read_bytes()
    noticed = 0
    for i in range(len(raw)):
        data = bytearray(raw)
        data[i] ^= 1 << i % 8
        (tmp_path / name).write_bytes(data)
        try:
            assert contents(open_tf(prefix)) == good, i
        except (DataLossError, NotFoundError, UnimplementedError) as e:
            assert str(prefix) in str(e)
            noticed += 1
    # Of a footer of 48 bytes about 30 are zeros that nobody reads; a table has an unread index too.
    assert noticed > len(raw) - 90


@pytest.mark.parametrize("name", ["dtypes.index", "dtypes.data-00000-of-00001", "v1.ckpt"])
def test_a_cut_is_noticed(tmp_path: Path, name: str) -> None:
    """Whatever the length that is left."""
    for file in DATA.glob(name.split(".")[0] + ".*"):
        shutil.copy(file, tmp_path)
    prefix = tmp_path / ("v1.ckpt" if name == "v1.ckpt" else "dtypes")
    raw = (tmp_path / name).read_bytes()
    for n in range(0, len(raw), 5):
        (tmp_path / name).write_bytes(raw[:n])
        with pytest.raises((DataLossError, NotFoundError)):
            contents(open_tf(prefix))


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    """The message says which."""
    shutil.copy(DATA / "dtypes.index", tmp_path)
    with pytest.raises(DataLossError, match=r"the data file dtypes.data-00000-of-00001 is missing"):
        open_tf(tmp_path / "dtypes").get("int8")


# --- forged tables: right checksums, anything inside ---------------------------


def number(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(key: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(key << 3) + number(value & (1 << 64) - 1)
    return number(key << 3 | 2) + number(len(value)) + value


def block(entries: dict[bytes, bytes]) -> bytes:
    data = b"".join(b"\0" + number(len(k)) + number(len(v)) + k + v for k, v in entries.items())
    return sealed(data + struct.pack("<II", 0, 1))


def sealed(data: bytes, kind: bytes = b"\0") -> bytes:
    return data + kind + struct.pack("<I", masked(crc32c(data + kind)))


def table(path: Path, entries: dict[bytes, bytes], data: bytes | None = None) -> None:
    data = block(entries) if data is None else data
    index = block({b"~": number(0) + number(len(data) - 5)})
    places = number(0) + number(0) + number(len(data)) + number(len(index) - 5)
    path.write_bytes(data + index + places.ljust(40, b"\0") + struct.pack("<Q", MAGIC))


def shape(*sizes: int) -> bytes:
    return b"".join(field(2, field(1, n)) for n in sizes)


def bundle(
    folder: Path, data: bytes = b"", head: bytes = field(1, 1), **entries: bytes
) -> TFReader:
    table(folder / "x.index", {b"": head} | {k.encode(): v for k, v in entries.items()})
    (folder / "x.data-00000-of-00001").write_bytes(data)
    return open_tf(folder / "x")


FLOAT = field(1, 1)


def test_a_forged_bundle_is_refused(tmp_path: Path) -> None:
    """Sizes, places and names that do not fit, each with its reason."""
    cases = [
        (FLOAT + field(2, shape(1 << 40)), "it has 0 bytes, which do not fit its shape"),
        (FLOAT + field(2, shape(1)) + field(5, 1 << 40), "it lies beyond the end of data file 0"),
        (FLOAT + field(2, shape(1)) + field(4, -1), "its place is out of range"),
        (FLOAT + field(2, shape(-1)), "its shape is out of range"),
        (FLOAT + field(2, shape(1 << 62, 1 << 62)), "its shape is out of range"),
        (FLOAT + field(2, shape(1 << 62, 1 << 62, 0)), "its shape is out of range"),
        (FLOAT + field(2, shape(*[1] * 33)), "its shape is out of range"),
        (FLOAT + field(3, 9), "there is no data file 9 of 1"),
        (FLOAT + field(5, 4), "the checksum is wrong"),
        (FLOAT + field(2, b"\x12\x05"), "a message is cut"),
        (b"\x0b", "a field has the unknown kind 3"),
        (b"\xff" * 11, "a number has more than 64 bits"),
        (field(1, b"text"), "a number was expected"),
        (
            field(1, 7) + field(2, shape(1 << 40)) + field(5, 8),
            "there are fewer bytes than strings",
        ),
        (field(1, 7) + field(2, shape(2)) + field(5, 8), "lengths of the strings do not fit"),
        (FLOAT + field(2, shape(3)) + field(7, b""), "a part has another rank than its tensor"),
        (FLOAT + field(2, shape(3)) + field(7, field(1, b"")), "a part is missing"),
    ]
    for entry, reason in cases:
        with pytest.raises(DataLossError, match=reason):
            bundle(tmp_path, bytes(8), w=entry).get("w")


def test_parts_must_fill_their_tensor(tmp_path: Path) -> None:
    """No memory is taken for a tensor whose parts do not add up to it."""
    part = field(7, field(1, field(2, 2)))
    for size, reason in [(1 << 40, "its parts do not fill it"), (1, "a part lies outside of its")]:
        entries = {
            b"": field(1, 1),
            part_key("w", ((0, 2),)): FLOAT + field(2, shape(2)),
            b"w": FLOAT + field(2, shape(size)) + part,
        }
        table(tmp_path / "x.index", entries)
        with pytest.raises(DataLossError, match=reason):
            open_tf(tmp_path / "x").get("w")
    whole = FLOAT + field(2, shape(1 << 40)) + field(7, field(1, b""))
    table(tmp_path / "x.index", {b"": field(1, 1), part_key("w", ((0, -1),)): FLOAT, b"w": whole})
    with pytest.raises(DataLossError, match="its parts have fewer bytes than elements"):
        open_tf(tmp_path / "x").get("w")


def test_other_machines_and_dtypes_are_named(tmp_path: Path) -> None:
    """What is sound and cannot be read is no damage."""
    with pytest.raises(UnimplementedError, match="was written on a big-endian machine"):
        bundle(tmp_path, head=field(2, 1))
    with pytest.raises(UnimplementedError, match="'w' has TensorFlow's dtype 21, which numflow"):
        bundle(tmp_path, w=field(1, 21)).get("w")
    table(tmp_path / "t", {}, sealed(b"\0", b"\1"))
    with pytest.raises(UnimplementedError, match="the table is packed with snappy"):
        list(read_table(tmp_path / "t"))


def test_a_forged_block_is_refused(tmp_path: Path) -> None:
    """Lengths inside a block are compared with it."""
    path = tmp_path / "t"
    for data, reason in [
        (b"\5\0\0" + struct.pack("<II", 0, 1), "an entry lies outside of its block"),
        (b"\0\x7f\x7f" + struct.pack("<II", 0, 1), "an entry lies outside of its block"),
        (struct.pack("<I", 1 << 30), "a block is cut"),
        (b"", "a block is cut"),
    ]:
        table(path, {}, sealed(data))
        with pytest.raises(DataLossError, match=reason):
            list(read_table(path))


def test_a_forged_v1_tensor_is_refused(tmp_path: Path) -> None:
    """A value that claims to be a large tensor takes no memory."""
    path = tmp_path / "t"

    def v1(size: int, proto: bytes, dtype: int = 1) -> TFReader:
        part = field(1, b"")
        meta = field(1, b"w") + field(2, shape(size)) + field(3, dtype) + field(4, part)
        data = field(1, b"w") + field(2, part) + field(3, proto)
        table(path, {b"": field(1, field(1, meta)), part_key("w", ((0, -1),)): field(2, data)})
        return open_tf(path)

    assert v1(2, field(5, struct.pack("<2f", 1, 2))).get("w").tolist() == [1, 2]
    assert v1(3, field(7, b"\1\xac\2") + field(7, 5), 3).get("w").tolist() == [1, 300, 5]
    for reader, reason in [
        (v1(1 << 40, field(5, bytes(4))), "its parts have fewer bytes than elements"),
        (v1(3, field(5, bytes(8))), "a part has 2 elements, its place 3"),
        (v1(2, field(5, bytes(7))), "a number is cut"),
        (v1(1, field(11, 2), 10), "a bool is neither 0 nor 1"),
        (v1(1, field(7, b"\xff"), 3), "a number is cut"),
        (v1(1, field(7, b"\xff" * 10 + b"\1"), 3), "a number has more than 64 bits"),
    ]:
        with pytest.raises(DataLossError, match=reason):
            reader.get("w")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(entry=st.binary(max_size=40), head=st.binary(max_size=6))
def test_drawn_entries_raise_one_kind_of_error(tmp_path: Path, entry: bytes, head: bytes) -> None:
    """Right checksums around anything."""
    try:
        reader = bundle(tmp_path, bytes(8), head=field(1, 1) + head, w=entry)
        reader.get("w")
    except (DataLossError, UnimplementedError):
        pass
    table(tmp_path / "t", {b"": head, b"\0k": entry})
    try:
        contents(open_tf(tmp_path / "t"))
    except (DataLossError, UnimplementedError):
        pass


def test_keys_of_parts_are_ordered_codes() -> None:
    """Known codes of numbers, from one to many bytes, of either sign."""
    ends = {
        0: "80", 63: "bf", 64: "c040", 8191: "dfff", 8192: "e02000", 2**40: "fd0000000000",
    }  # fmt: skip
    for value, code in ends.items():
        assert part_key("p", ((value, -1),)).hex() == "0070000101" + "01" + code + "7f"
    assert part_key("", ()) == b"\0\0\1\0"
