"""safetensors: both ways against the format's own library, and hostile headers."""

import json
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numflow.errors import DataLossError, DTypeError, NotFoundError, UnimplementedError
from numflow.io.safetensors import SafetensorsReader, save_safetensors

VALUES = {
    "w": np.arange(6, dtype="f4").reshape(2, 3),
    "half": np.array([0.5, -2], "f2"),
    "double": np.array(2.5),
    "flag": np.array([True, False]),
    "bytes": np.array([1, 255], "u1"),
    "large": np.array([-(2**40)]),
    "none": np.zeros((0, 5), "i4"),
}


def test_the_library_reads_what_was_written(tmp_path: Path) -> None:
    """Values and metadata; tensors begin at multiples of 8 of the file's beginning."""
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "a.safetensors"
    save_safetensors(path, VALUES, {"by": "numflow"})
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata() == {"by": "numflow"}
        assert set(file.keys()) == set(VALUES)
        for name, value in VALUES.items():
            np.testing.assert_array_equal(file.get_tensor(name), value)
    assert SafetensorsReader(path).entry("w").offset % 8 == 0


def test_what_the_library_wrote_is_read(tmp_path: Path) -> None:
    """Values, dtypes, metadata."""
    library = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "a.safetensors"
    library.save_file(VALUES, path, {"by": "others"})
    reader = SafetensorsReader(path)
    assert reader.meta == {"by": "others"} and set(reader) == set(VALUES)
    for name, value in VALUES.items():
        array = reader.get(name)
        assert array.dtype == value.dtype
        np.testing.assert_array_equal(array, value)
        out = np.empty_like(value)
        reader.verify(name)
        reader.read_into(name, out)
        np.testing.assert_array_equal(out, value)


def test_narrow_dtypes_come_back(tmp_path: Path) -> None:
    """bfloat16 and float8, which NumPy has from ml_dtypes."""
    path = tmp_path / "a.safetensors"
    values = {
        "b": np.array([1.5], ml_dtypes.bfloat16), "e": np.array([1.5], ml_dtypes.float8_e4m3fn),
    }  # fmt: skip
    save_safetensors(path, values)
    reader = SafetensorsReader(path)
    assert [reader.get(n).dtype for n in values] == [v.dtype for v in values.values()]


def test_what_the_format_lacks_is_named(tmp_path: Path) -> None:
    """Strings cannot be written; a dtype of others cannot be read."""
    path = tmp_path / "a.safetensors"
    with pytest.raises(
        DTypeError, match=r"^checkpoint: safetensors files hold no string\n  name: s"
    ):
        save_safetensors(path, {"s": "text"})
    assert not path.exists()
    forge(path, {"w": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, 1)
    with pytest.raises(UnimplementedError, match="'w' has the dtype F4, which NumPy lacks"):
        SafetensorsReader(path)
    with pytest.raises(NotFoundError, match="there is no such file"):
        SafetensorsReader(tmp_path / "nothing")


def forge(path: Path, head: Any, size: int) -> None:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))


def row(shape: Any = (4,), place: Any = (0, 4), dtype: Any = "U8") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(place)}


HOSTILE: dict[str, tuple[Any, str]] = {
    "overlap": ({"a": row(), "b": row(place=(2, 6))}, "'b' overlaps another tensor or leaves"),
    "hole": ({"a": row(), "b": row(place=(6, 10))}, "'b' overlaps another tensor or leaves a hole"),
    "rest": ({"a": row((2,), (0, 2))}, "the file has .* bytes, its header tells of"),
    "past the end": ({"a": row((1 << 40,), (0, 1 << 40))}, "the file has .* bytes, its header"),
    "backwards": ({"a": row(place=(4, 0))}, "'a' has -4 bytes"),
    "too many": ({"a": row((3,))}, "'a' has 4 bytes, its shape takes another number"),
    "huge": ({"a": row((1 << 62, 1 << 62))}, "'a' has a shape larger than memory"),
    "rank": ({"a": row((1,) * 33, (0, 1))}, "'a' has a shape larger than memory"),
    "negative": ({"a": row((-4,))}, "the entry of 'a' is malformed"),
    "fraction": ({"a": row((4.0,))}, "the entry of 'a' is malformed"),
    "one place": ({"a": row(place=(0,))}, "the entry of 'a' is malformed"),
    "no dtype": ({"a": row(dtype=None)}, "the entry of 'a' is malformed"),
    "no entry": ({"a": 3}, "the entry of 'a' is malformed"),
    "list": ([], "the header is no map"),
    "metadata": ({"__metadata__": 3}, "the header's metadata is no map"),
    "twice": (b'{"a": 1, "a": 1}', r"the header is malformed \(a key occurs twice"),
    "cut": (b'{"a": ', r"the header is malformed"),
    "no text": (b"\xff", r"the header is malformed"),
    "deep": (b"[" * 5000, r"the header is malformed"),
    "lists": (b"[" + b"[]," * (1 << 20), "the header would take many times the file's length"),
    "keys": (b"{" + b'"ab":1,' * (1 << 20), "the header would take many times the file's length"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_forged_header_is_refused(tmp_path: Path, case: str) -> None:
    """Each with its reason."""
    head, reason = HOSTILE[case]
    forge(tmp_path / "x", head, 4)
    with pytest.raises(DataLossError, match=reason):
        SafetensorsReader(tmp_path / "x")


def test_a_bool_is_0_or_1(tmp_path: Path) -> None:
    """Others would be wrong in compiled code."""
    path = tmp_path / "x"
    forge(path, {"a": row(dtype="BOOL")}, 4)
    path.write_bytes(path.read_bytes()[:-1] + b"\2")
    for read in (SafetensorsReader(path).get, SafetensorsReader(path).verify):
        with pytest.raises(DataLossError, match="'a': a bool is neither 0 nor 1"):
            read("a")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=30), length=st.integers(0, 2**64 - 1))
def test_any_bytes_are_refused(tmp_path: Path, data: bytes, length: int) -> None:
    """And a file of no bytes."""
    for content in (data, struct.pack("<Q", length) + data):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(DataLossError):
            SafetensorsReader(tmp_path / "x")
