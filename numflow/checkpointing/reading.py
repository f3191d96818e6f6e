"""Look into a checkpoint without objects: train.load_checkpoint, list_variables, load_variable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.checkpointing.sources import Source, lookup, open_source, typed
from numflow.checkpointing.state import latest_checkpoint
from numflow.errors import NotFoundError, explain
from numflow.io.damage import Path
from numflow.io.header import Entry
from numflow.io.tf_checkpoint import TFReader


class CheckpointReader:
    """The values of a checkpoint by name.

    A name is a path of objects, TensorFlow's key of it, or the name of a variable in a graph.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names = source.names
        if isinstance(source.file, TFReader):
            self._names = {name: name for name in source.file}  # as its programs know them

    def _name(self, asked: str) -> str | None:
        """The name in the file."""
        if asked in self._names:
            return self._names[asked]
        path = lookup(self._source, asked)
        return None if path is None else self._source.names[path]

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is such a value."""
        return self._name(tensor_str) is not None

    def get_tensor(self, tensor_str: str) -> Any:
        """A value, as a NumPy array of its own.

        Raises:
          NotFoundError: there is none of this name.
          DataLossError: it is damaged.
        """
        name = self._name(tensor_str)
        if name is None:
            raise NotFoundError(
                explain(
                    "checkpoint",
                    f"there is no value {tensor_str!r}",
                    {"file": self._source.file.path},
                )
            )
        array = self._source.file.get(name)
        return np.array(array) if array.ndim else array[()]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Shapes by name."""
        return {name: list(entry.shape) for name, entry in self._entries()}

    def get_variable_to_dtype_map(self) -> dict[str, dtypes.DType]:
        """Element types by name."""
        return {name: dtypes.as_dtype(entry.dtype) for name, entry in self._entries()}

    def debug_string(self) -> bytes:
        """A line per value: name, dtype and shape."""
        return "\n".join(f"{name} ({typed(entry)})" for name, entry in self._entries()).encode()

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        return ((name, self._source.file.entry(held)) for name, held in self._names.items())


def load_checkpoint(ckpt_dir_or_file: Path) -> CheckpointReader:
    """A reader of a checkpoint, or of the newest one of a folder.

    Raises:
      NotFoundError: there is none.
      ValueError: the folder has none.

    Example:
      >>> path = nf.train.Checkpoint(w=nf.Variable([1.0])).write(getfixture("tmp_path") / "a")
      >>> nf.train.load_checkpoint(path).get_tensor("w"), nf.train.list_variables(path)
      (array([1.], dtype=float32), [('w', [1])])
    """
    path = os.fspath(ckpt_dir_or_file)
    if os.path.isdir(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise ValueError(
                explain("load_checkpoint", "the folder has no checkpoint", {"folder": path})
            )
        path = latest
    return CheckpointReader(open_source(path))


def list_variables(ckpt_dir_or_file: Path) -> list[tuple[str, list[int]]]:
    """Names and shapes of all values, in the order of names."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: Path, name: str) -> Any:
    """One value, see `load_checkpoint`."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))
