"""train.CheckpointManager: saves in one folder, of which some are kept."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from numflow.checkpointing.checkpoint import Checkpoint, CheckpointOptions
from numflow.checkpointing.sources import SUFFIX
from numflow.checkpointing.state import latest_checkpoint, read_state, write_state
from numflow.errors import explain
from numflow.io.checkpoint import sweep
from numflow.io.damage import Path


class CheckpointManager:
    """Saves a Checkpoint again and again, and deletes what is old.

    The list of the folder is replaced after a new checkpoint is whole and before an old one goes:
    after a crash at any moment `latest_checkpoint` is one that was saved whole.

    Args:
      checkpoint: what to save.
      directory: where; made if need be.
      max_to_keep: how many of the newest stay; None: all.
      keep_checkpoint_every_n_hours: one in so many hours stays for good.
      checkpoint_name: beginning of the files' names.
      step_counter: a variable that counts steps, for checkpoint_interval.
      checkpoint_interval: least number of steps between two saves.
      init_fn: called by `restore_or_initialize` where there is nothing to restore.
      last_checkpoint_step: the step of the last save, of a run before.

    Raises:
      ValueError: max_to_keep below 1; an interval without a counter.

    Example:
      >>> w = nf.Variable(0.0)
      >>> saved = nf.train.Checkpoint(w=w)
      >>> manager = nf.train.CheckpointManager(saved, getfixture("tmp_path"), max_to_keep=2)
      >>> for step in range(3):
      ...     path = manager.save()
      >>> [p.rpartition("-")[2] for p in manager.checkpoints], manager.latest_checkpoint == path
      (['2', '3'], True)
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Path,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(explain("CheckpointManager", f"max_to_keep is {max_to_keep}, below 1"))
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError(
                explain("CheckpointManager", "checkpoint_interval needs a step_counter")
            )
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._name = checkpoint_name
        self._max_to_keep = max_to_keep
        self._hours = keep_checkpoint_every_n_hours
        self._step_counter, self._interval = step_counter, checkpoint_interval
        self._last_step = last_checkpoint_step
        self._init_fn = init_fn
        os.makedirs(self._directory, exist_ok=True)
        sweep(self._directory)
        now = time.time()
        state = read_state(self._directory)
        self._preserved = now if state is None else state.last_preserved_timestamp or now
        self._kept: dict[str, float] = {}  # path: time, oldest first
        if state is not None:
            times = state.all_model_checkpoint_timestamps or [
                now for _ in state.all_model_checkpoint_paths
            ]
            self._kept = dict(zip(state.all_model_checkpoint_paths, times, strict=False))
            self._finish(state.leaving)

    def _finish(self, leaving: list[str]) -> None:
        """Delete what a manager that was killed had still to delete."""
        kept = {os.path.basename(path) for path in self._kept}
        for name in leaving:
            # A damaged or hostile list must not reach other files.
            if name not in kept and re.fullmatch(re.escape(self._name) + r"-\d+", name):
                _delete(os.path.join(self._directory, name))

    @property
    def checkpoint(self) -> Checkpoint:
        """What is saved."""
        return self._checkpoint

    @property
    def directory(self) -> str:
        """Where it is saved."""
        return self._directory

    @property
    def checkpoint_interval(self) -> int | None:
        """Least number of steps between two saves."""
        return self._interval

    @property
    def checkpoints(self) -> list[str]:
        """The kept checkpoints, oldest first; without those kept for good."""
        return list(self._kept)

    @property
    def latest_checkpoint(self) -> str | None:
        """The newest that opens; None where there is none."""
        return latest_checkpoint(self._directory)

    def save(
        self,
        checkpoint_number: Any = None,
        check_interval: bool = True,
        options: CheckpointOptions | None = None,
    ) -> str | None:
        """Save, note it, delete what is old.

        Args:
          checkpoint_number: the number in the name. Default: the checkpoint's save_counter.
          check_interval: whether a save may be left out because the last was too few steps ago.

        Returns:
          The path; None if the save was left out.
        """
        step = None if self._step_counter is None else int(self._step_counter)
        if check_interval and step is not None and not self._due(step):
            return None
        counter = self._checkpoint.save_counter
        self._checkpoint.sync()
        counter.assign_add(1)
        number = int(counter if checkpoint_number is None else checkpoint_number)
        path = os.path.join(self._directory, f"{self._name}-{number}")
        try:
            self._checkpoint._write(path, options, lambda: self._note(path))
        except BaseException:
            counter.assign_sub(1)
            raise
        self._last_step = step
        return path

    def _due(self, step: int) -> bool:
        if self._interval is None or self._last_step is None:
            return True
        return step - self._last_step >= self._interval

    def _note(self, path: str) -> None:
        now = time.time()
        self._kept.pop(path, None)
        self._kept[path] = now
        old = []
        surplus = len(self._kept) - self._max_to_keep if self._max_to_keep is not None else 0
        for name in list(self._kept)[: max(0, surplus)]:
            saved = self._kept.pop(name)
            if self._hours is not None and saved - self._preserved >= self._hours * 3600:
                self._preserved = saved
            else:
                old.append(name)
        paths, times = list(self._kept), list(self._kept.values())
        write_state(self._directory, paths, times, self._preserved, leaving=old)
        for name in old:
            _delete(name)

    def sync(self) -> None:
        """Wait for a save in the background.

        Raises:
          Exception: whatever that save met.
        """
        self._checkpoint.sync()

    def restore_or_initialize(self) -> str | None:
        """Restore the newest checkpoint, or call init_fn where there is none.

        Returns:
          The path that was restored; None if there was none.
        """
        path = self.latest_checkpoint
        if path is not None:
            self._checkpoint.restore(path)
            if self._step_counter is not None:
                self._last_step = int(self._step_counter)
        elif self._init_fn is not None:
            self._init_fn()
        return path


def _delete(path: str) -> None:
    try:
        os.unlink(path + SUFFIX)
    except FileNotFoundError:
        pass  # somebody tidied up already


def checkpoints_iterator(
    checkpoint_dir: Path,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Each new checkpoint of a folder, as soon as it is there: for evaluation beside training.

    Args:
      min_interval_secs: least time between two.
      timeout: how long to wait for the next, in seconds; None: for ever.
      timeout_fn: called after a timeout; the iteration ends if it gives True, or if there is none.
    """
    last: str | None = None
    while True:
        start = time.monotonic()
        while (path := latest_checkpoint(checkpoint_dir)) == last or path is None:
            if timeout is not None and time.monotonic() - start >= timeout:
                break
            time.sleep(min(1.0, timeout / 10 if timeout is not None else 1.0))
        if path == last or path is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        last = path
        yield path
        time.sleep(max(0.0, min_interval_secs - (time.monotonic() - start)))
