"""train.Checkpoint: the variables below some objects, in a file and back.

A save takes the variables' values by sharing them: whoever writes a variable meanwhile moves it to
a copy (eager/variable.py), so that a save in the background sees one moment, and a model that
nobody changes is not copied.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from numflow.checkpointing.objects import Container, can_be_saved, inventory, parts
from numflow.checkpointing.restore import LoadStatus, Restoration
from numflow.checkpointing.sources import SUFFIX, open_source
from numflow.checkpointing.state import note_checkpoint
from numflow.eager.attachment import attached
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.graph.op import init_scope
from numflow.io.checkpoint import save
from numflow.io.damage import Path

_COUNTER = "save_counter"
_OWN = ("_root", "_writer", "_pending")  # attributes that are no parts


class CheckpointOptions:
    """How to save. enable_async (or its experimental form): in the background, on one thread.

    The other arguments are TensorFlow's and change nothing here.
    """

    def __init__(
        self,
        experimental_io_device: str | None = None,
        experimental_enable_async_checkpoint: bool = False,
        experimental_write_callbacks: list[Callable[..., Any]] | None = None,
        enable_async: bool = False,
        experimental_skip_slot_variables: bool = False,
        experimental_sharding_callback: Any = None,
    ) -> None:
        self.experimental_io_device = experimental_io_device
        self.enable_async = enable_async or experimental_enable_async_checkpoint
        self.experimental_write_callbacks = experimental_write_callbacks or []
        self.experimental_skip_slot_variables = experimental_skip_slot_variables


class Checkpoint(Container):
    """Variables, optimizers and objects that contain them, to be saved and restored together.

    Args:
      root: an object whose attributes are saved without a name in front.
      kwargs: objects by name; they become attributes, and attributes set later are saved too.

    Raises:
      ValueError: something is neither a variable nor can contain any.

    Example:
      >>> folder = getfixture("tmp_path")
      >>> w = nf.Variable([1.0, 2.0])
      >>> path = nf.train.Checkpoint(w=w).save(folder / "ckpt")
      >>> path.endswith("ckpt-1"), w.assign([0.0, 0.0]).numpy().tolist()
      (True, [0.0, 0.0])
      >>> status = nf.train.Checkpoint(w=w).restore(path)
      >>> w.numpy().tolist()
      [1.0, 2.0]
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        self._writer = _Writer()
        self._pending: Restoration | None = None
        if root is not None and (isinstance(root, Variable) or not can_be_saved(root)):
            raise ValueError(_unfit("root", root))
        self._root = root
        for name, value in kwargs.items():
            if not can_be_saved(value):
                raise ValueError(_unfit(name, value))
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name not in _OWN:
            attached(self, name, value)

    def checkpoint_parts(self) -> Iterator[tuple[str, Any]]:
        """Attributes; those of the root first."""
        own = {n: v for n, v in vars(self).items() if n not in _OWN}
        if self._root is not None:
            yield from ((n, v) for n, v in parts(self._root) if n not in own)
        yield from own.items()

    @property
    def save_counter(self) -> Variable:
        """How often `save` was called: a variable that is saved too."""
        if _COUNTER not in vars(self):
            with init_scope():
                counter = Variable(np.int64(0), trainable=False, name=_COUNTER)
            vars(self)[_COUNTER] = counter
            attached(self, _COUNTER, counter)
        found: Variable = vars(self)[_COUNTER]
        return found

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"this Checkpoint has no {name!r}")

    # --- saving ---

    def save(self, file_prefix: Path, options: CheckpointOptions | None = None) -> str:
        """Save under file_prefix-1, -2, ..., and note it in the folder for `latest_checkpoint`.

        Args:
          file_prefix: folder and beginning of the name; the folder is made if need be.

        Returns:
          The path for `restore`: the file's name without '.nfc'.

        Raises:
          OSError: the system refused; the counter is as before.
        """
        prefix = os.fspath(file_prefix)
        counter = self.save_counter
        self._writer.wait()
        counter.assign_add(1)
        path = f"{prefix}-{int(counter)}"

        try:
            self._write(path, options, lambda: note_checkpoint(path))
        except BaseException:
            counter.assign_sub(1)
            raise
        return path

    def write(self, file_prefix: Path, options: CheckpointOptions | None = None) -> str:
        """Save under exactly this name, and note it nowhere.

        Returns:
          The path for `read`.
        """
        path = os.fspath(file_prefix)
        self._writer.wait()
        self._write(path, options)
        return path

    def _write(
        self, path: str, options: CheckpointOptions | None, then: Callable[[], None] | None = None
    ) -> None:
        options = options or CheckpointOptions()
        found = inventory(self)
        names = {p: v.name.removesuffix(":0") for p, v in found.variables.items()}
        often = Counter(names.values())
        extras = {
            p: {"alias": [name]}
            for p, name in names.items()
            if often[name] == 1 and name not in (p, "Variable")
        }
        with init_scope():
            values = {p: v.value() for p, v in found.variables.items()}
        arrays = {p: np.asarray(value) for p, value in values.items()}

        def write() -> None:
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
            save(path + SUFFIX, arrays, {"kind": "objects", "links": found.links}, extras)
            if then is not None:
                then()
            for callback in options.experimental_write_callbacks:
                callback(path)

        if options.enable_async:
            self._writer.start(write)
        else:
            write()

    def sync(self) -> None:
        """Wait for a save in the background.

        Raises:
          Exception: whatever that save met.
        """
        self._writer.wait()

    # --- restoring ---

    def restore(
        self,
        save_path: Path | None,
        options: CheckpointOptions | None = None,
        *,
        strict: bool = True,
    ) -> LoadStatus:
        """Give the variables their saved values; those made later get theirs then.

        Args:
          save_path: what `save` or `latest_checkpoint` returned; a checkpoint of TensorFlow (V1 or
            V2) or a safetensors file too. None restores nothing.
          strict: whether a value of another shape or dtype is an error. False leaves that variable
            as it is, for the report.

        Returns:
          A status: `assert_consumed()`, `expect_partial()`, `report()`.

        Raises:
          NotFoundError: there is no such checkpoint.
          DataLossError: it is damaged. No variable was changed.
          ShapeError, DTypeError: a value does not fit its variable. No variable was changed.
        """
        _ = self.save_counter
        return self._restored(save_path, strict, (_COUNTER,))

    def read(
        self,
        save_path: Path | None,
        options: CheckpointOptions | None = None,
        *,
        strict: bool = True,
    ) -> LoadStatus:
        """The counterpart of `write`: as `restore`, without a counter of saves."""
        return self._restored(save_path, strict, (_COUNTER,))

    def _restored(self, path: Path | None, strict: bool, ignored: tuple[str, ...]) -> LoadStatus:
        self._writer.wait()
        if path is None:
            return NothingRestored(self)
        if self._pending is not None:
            self._pending.stop()
        self._pending = restoration = Restoration(open_source(path), strict)
        with init_scope():
            restoration.restore(self)
        return LoadStatus(self, restoration, ignored)


class NothingRestored(LoadStatus):
    """The status of restore(None)."""

    def __init__(self, root: Any) -> None:
        self._root = root

    @property
    def missing(self) -> list[str]:
        return list(inventory(self._root).variables)

    @property
    def unexpected(self) -> list[str]:
        return []

    @property
    def mismatched(self) -> list[str]:
        return []

    def assert_consumed(self) -> LoadStatus:
        """Nothing was restored.

        Raises:
          AssertionError: always.
        """
        raise AssertionError(self.report())

    assert_existing_objects_matched = assert_nontrivial_match = assert_consumed

    def report(self) -> str:
        """That there was no checkpoint."""
        return "no checkpoint was given; nothing was restored"


class _Writer:
    """At most one save in the background; its error is raised at the next save or wait."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, write: Callable[[], None]) -> None:
        def run() -> None:
            try:
                write()
            except BaseException as e:
                self._error = e

        # No daemon: a program that ends waits for its last save.
        self._thread = threading.Thread(target=run, name="numflow checkpoint")
        self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error


def _unfit(name: str, value: Any) -> str:
    return explain(
        "Checkpoint",
        f"{name} is neither a variable nor can it contain any",
        {name: f"{type(value).__name__} {value!r:.60}"},
        fix=f"{name}=nf.Variable(...)" if isinstance(value, int | float) else "",
    )
