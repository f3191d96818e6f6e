"""The list of a folder's checkpoints: `checkpoint.nfc`, a container without tensors.

It is replaced after a checkpoint is whole and before an old one is deleted, so that after a crash
it names at least one that opens. In folders of TensorFlow the text file `checkpoint` is read.
"""

from __future__ import annotations

import ast
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard, TypeVar

from numflow.checkpointing.sources import SUFFIX, open_source
from numflow.errors import DataLossError, NotFoundError, UnimplementedError
from numflow.io.checkpoint import Reader, save
from numflow.io.damage import Path, damaged

_NAME = "checkpoint"
_KEPT = 5  # names in the list of a folder that nobody manages
T = TypeVar("T")


@dataclass
class CheckpointState:
    """The kept checkpoints of a folder, oldest first, with the times of their saves."""

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str] = field(default_factory=list)
    all_model_checkpoint_timestamps: list[float] = field(default_factory=list)
    last_preserved_timestamp: float | None = None
    leaving: list[str] = field(default_factory=list)
    """Names of files that were to be deleted when this was noted."""


def write_state(
    folder: Path,
    paths: Sequence[str],
    times: Sequence[float] | None = None,
    preserved: float | None = None,
    name: str | None = None,
    leaving: Sequence[str] = (),
) -> None:
    """Note the checkpoints of a folder, oldest first; and those that are deleted next."""
    meta = {
        "kind": "state",
        "paths": [os.path.relpath(path, folder or ".") for path in paths],
        "times": list(times) if times is not None else [time.time()] * len(paths),
        "preserved": preserved,
        "leaving": [os.path.basename(path) for path in leaving],
    }
    save(os.path.join(folder, (name or _NAME) + SUFFIX), {}, meta)


def note_checkpoint(path: str) -> None:
    """Put a checkpoint at the end of its folder's list."""
    folder = os.path.dirname(path)
    state = read_state(folder) or CheckpointState("")
    rows = [
        row
        for row in zip(
            state.all_model_checkpoint_paths, state.all_model_checkpoint_timestamps, strict=False
        )
        if row[0] != path and os.path.exists(row[0] + SUFFIX)
    ]
    rows = [*rows[1 - _KEPT :], (path, time.time())]
    write_state(folder, [p for p, _ in rows], [t for _, t in rows], state.last_preserved_timestamp)


def read_state(folder: Path, name: str | None = None) -> CheckpointState | None:
    """What `write_state` noted; None where nothing is noted.

    Raises:
      DataLossError: the note is damaged.
    """
    path = os.path.join(folder, (name or _NAME) + SUFFIX)
    try:
        with Reader(path) as reader:
            meta = reader.meta
    except NotFoundError:
        return _read_text(os.path.join(folder, name or _NAME))
    paths, times, preserved = meta.get("paths"), meta.get("times"), meta.get("preserved")
    leaving = meta.get("leaving", [])
    if (
        not (_list_of(paths, str) and _list_of(times, float) and len(paths) == len(times))
        or not isinstance(preserved, float | None)
        or not _list_of(leaving, str)
    ):  # fmt: skip
        raise damaged(path, "this is no list of checkpoints")
    if not paths:
        return None
    full = [os.path.join(folder, p) for p in paths]
    return CheckpointState(full[-1], full, times, preserved, leaving)


def _list_of(value: Any, kind: type[T]) -> TypeGuard[list[T]]:
    return isinstance(value, list) and all(isinstance(x, kind) for x in value)


_LINE = re.compile(r'^\s*(\w+)\s*:\s*("(?:[^"\\]|\\.)*"|[-+.\w]+)\s*$', re.MULTILINE)


def _read_text(path: str) -> CheckpointState | None:
    """TensorFlow's file, a CheckpointState in protobuf's text format."""
    try:
        with open(path, encoding="utf-8") as file:
            found = _LINE.findall(file.read(1 << 24))
    except (FileNotFoundError, IsADirectoryError):
        return None
    except UnicodeDecodeError:
        raise damaged(path, "this is no list of checkpoints") from None
    folder = os.path.dirname(path)

    def texts(key: str) -> list[str]:
        values = [ast.literal_eval(v) for k, v in found if k == key and v.startswith('"')]
        return [os.path.join(folder, value) for value in values]

    latest, times = texts("model_checkpoint_path"), "all_model_checkpoint_timestamps"
    if not latest:
        return None
    return CheckpointState(
        latest[-1],
        texts("all_model_checkpoint_paths") or latest,
        [float(v) for k, v in found if k == times],
        next((float(v) for k, v in found if k == "last_preserved_timestamp"), None),
    )


def get_checkpoint_state(
    checkpoint_dir: Path, latest_filename: str | None = None
) -> CheckpointState | None:
    """The kept checkpoints of a folder; None where there are none."""
    return read_state(checkpoint_dir, latest_filename)


def latest_checkpoint(checkpoint_dir: Path, latest_filename: str | None = None) -> str | None:
    """The newest checkpoint of a folder that opens; None where there is none.

    Args:
      checkpoint_dir: the folder.
      latest_filename: name of the list in it. Default: checkpoint.

    Example:
      >>> nf.train.latest_checkpoint(getfixture("tmp_path")) is None
      True
    """
    state = read_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    paths = [p for p in state.all_model_checkpoint_paths if p != state.model_checkpoint_path]
    for path in [state.model_checkpoint_path, *reversed(paths)]:
        try:
            open_source(path).file.close()
        except (NotFoundError, DataLossError, UnimplementedError):
            continue
        return path
    return None
