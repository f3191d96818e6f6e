"""nf.compat: texts and bytes, and what older programs ask about versions.

TensorFlow 1.x itself is nf.compat.v1, which loads when it is first used.
"""

from __future__ import annotations

import datetime
import importlib
import os
from typing import Any

TODAY = datetime.date(2026, 6, 1)
"""What forward_compatible compares with: every format up to here can be read."""


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text as bytes; bytes as they are.

    Raises:
      TypeError: neither.
      LookupError: no such encoding.

    Example:
      >>> nf.compat.as_bytes("a")
      b'a'
    """
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        "".encode(encoding)  # an encoding that there is not is refused here too
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text; text as it is.

    Raises:
      TypeError: neither.

    Example:
      >>> nf.compat.as_text(b"a")
      'a'
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text).decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_str(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text; text as it is.

    Raises:
      TypeError: neither.

    Example:
      >>> nf.compat.as_str(b"a")
      'a'
    """
    return as_text(bytes_or_text, encoding)


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Bytes as text; anything else by str().

    Example:
      >>> nf.compat.as_str_any(3), nf.compat.as_str_any(b"x")
      ('3', 'x')
    """
    return as_str(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """A path object as text; anything else as it is.

    Example:
      >>> import pathlib
      >>> nf.compat.path_to_str(pathlib.PurePosixPath("/a/b"))
      '/a/b'
    """
    return as_str_any(path.__fspath__()) if isinstance(path, os.PathLike) else path


def dimension_value(dimension: Any) -> Any:
    """The number of a size; None where it is open.

    Example:
      >>> nf.compat.dimension_value(nf.TensorShape([3, None])[0])
      3
    """
    return dimension.value if hasattr(dimension, "value") else dimension


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Whether programs may rely on what TensorFlow was able to read before that day.

    Example:
      >>> nf.compat.forward_compatible(2019, 1, 1), nf.compat.forward_compatible(2100, 1, 1)
      (True, False)
    """
    return datetime.date(year, month, day) < TODAY


def __getattr__(name: str) -> Any:
    """The front ends load when they are first used."""
    if name in ("v1", "v2"):
        try:
            return importlib.import_module(f"numflow.compat.{name}")
        except ModuleNotFoundError as e:
            if e.name != f"numflow.compat.{name}":
                raise
    raise AttributeError(f"module 'numflow.compat' has no attribute {name!r}")


__all__ = [
    "as_bytes",
    "as_str",
    "as_str_any",
    "as_text",
    "dimension_value",
    "forward_compatible",
    "path_to_str",
]
