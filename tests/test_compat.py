"""nf.compat's texts and bytes; nf.version and nf.sysconfig."""

from __future__ import annotations

import pathlib

import pytest

import numflow as nf


def test_texts_and_bytes() -> None:
    """Recorded from TensorFlow 2.21."""
    compat = nf.compat
    assert compat.as_bytes("é") == compat.as_bytes("é".encode()) == b"\xc3\xa9"
    assert compat.as_bytes(bytearray(b"a")) == b"a"
    assert compat.as_text(b"a") == compat.as_str("a") == compat.as_str_any(b"a") == "a"
    assert compat.as_str_any(3) == "3"
    for wrong in (compat.as_bytes, compat.as_text, compat.as_str):
        with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
            wrong(3)
    for value in ("a", b"a"):
        with pytest.raises(LookupError):
            compat.as_bytes(value, "zzz")
    assert compat.path_to_str(pathlib.PurePosixPath("/a/b")) == "/a/b"
    assert compat.path_to_str("x") == "x"
    assert compat.dimension_value(3) == 3 and compat.dimension_value(None) is None
    assert compat.forward_compatible(2019, 1, 1) and not compat.forward_compatible(2100, 1, 1)
    with pytest.raises(AttributeError, match="no attribute 'v3'"):
        _ = compat.v3


def test_version() -> None:
    assert nf.version.VERSION == nf.__version__
    assert isinstance(nf.version.GRAPH_DEF_VERSION, int) and nf.version.COMPILER_VERSION


def test_sysconfig() -> None:
    assert not any(nf.sysconfig.get_build_info().values())
    assert pathlib.Path(nf.sysconfig.get_include()).name.startswith(
        ("python", "include", "Include")
    )
