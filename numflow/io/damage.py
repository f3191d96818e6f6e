"""How a reader refuses a file: the exception names the file and the reason."""

from __future__ import annotations

import os

from numflow.errors import DataLossError, UnimplementedError, explain

Path = str | os.PathLike[str]


def damaged(path: Path, reason: str) -> DataLossError:
    """The exception for a file that does not hold what it promises."""
    return DataLossError(explain("checkpoint", reason, {"file": os.fspath(path)}))


def unknown(path: Path, reason: str) -> UnimplementedError:
    """The exception for a sound file that this version cannot read."""
    return UnimplementedError(explain("checkpoint", reason, {"file": os.fspath(path)}))
