"""Kills processes in the middle of their large saves, and looks at what is left.

    python tests/io/kill_saves.py FOLDER --kills 200 --megabytes 128

Each child goes on from the newest checkpoint and saves, again and again, until it is killed with
SIGKILL: at a random moment, or before or after one of its calls of the system that matter (every
one in turn). Whatever the child had acknowledged must then load bit for bit, and nothing else may
be left behind but what the next save removes. test_large.py runs a few of them.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

import numflow as nf
from numflow.io import direct

_KEPT = 2


def pattern(step: int, count: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """uint32 [count], another one in every place at every step."""
    return np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(step)


class Saver:
    """A model of two variables and a step, in a folder."""

    def __init__(self, folder: str, count: int) -> None:
        self.count = count
        self.large = nf.Variable(np.zeros(count, np.uint32))
        self.small = nf.Variable(np.zeros(1000, np.uint32))
        self.step = nf.Variable(0)
        checkpoint = nf.train.Checkpoint(large=self.large, small=self.small, step=self.step)
        self.manager = nf.train.CheckpointManager(checkpoint, folder, max_to_keep=_KEPT)
        self.restored = self.manager.restore_or_initialize()

    def save(self) -> None:
        """The next step."""
        step = int(self.step) + 1
        self.large.assign(pattern(step, self.count))
        self.small.assign(pattern(step + 7, 1000))
        self.step.assign(step)
        self.manager.save()

    def check(self, acknowledged: int) -> None:
        """What was restored is the acknowledged step, or the one behind it, in every bit."""
        step = int(self.step)
        if step not in (acknowledged, acknowledged + 1):
            raise AssertionError(f"acknowledged {acknowledged}, restored {step}")
        if step:
            np.testing.assert_array_equal(self.large.numpy(), pattern(step, self.count))
            np.testing.assert_array_equal(self.small.numpy(), pattern(step + 7, 1000))


def points(reached: Callable[[int], object]) -> None:
    """Have `reached` told the number of each moment before or after a call of the system."""
    seen = itertools.count()

    def watched(function: Callable[..., Any], one_in: int = 1) -> Callable[..., Any]:
        calls = itertools.count()

        def call(*args: Any, **kwargs: Any) -> Any:
            looked_at = next(calls) % one_in == 0
            if looked_at:
                reached(next(seen))
            result = function(*args, **kwargs)
            if looked_at:
                reached(next(seen))
            return result

        return call

    for name in ("fsync", "replace", "unlink", "close"):
        setattr(os, name, watched(getattr(os, name)))
    os.pwrite = watched(os.pwrite, 8)
    direct._reserve = watched(direct._reserve)
    direct._set_direct = watched(direct._set_direct)


def die() -> None:
    """At once."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


class Child:
    """A process that restores, says so, and saves until it is killed.

    Args:
      folder, count: see Saver.
      at: the number of the moment when it kills itself; None: it does not.
      saves: after so many it ends by itself, and says how many moments there were.
    """

    def __init__(self, folder: str, count: int, at: int | None = None, saves: int = 0) -> None:
        self._handle, write = os.pipe()
        self._told = b""
        self._pid = os.fork()
        if self._pid:
            os.close(write)
            return
        code = 1
        try:
            saver, say = Saver(folder, count), os.write
            say(write, b"0\n")
            seen: list[int] = []
            points(lambda number: die() if number == at else seen.append(number))
            for i in itertools.count(1):
                saver.save()
                say(write, b"%d\n" % int(saver.step))
                if i == saves:
                    break
            say(write, b"%d\n" % len(seen))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def listen(self, seconds: float = 60.0, lines: int = 0) -> list[int]:
        """What it has said when it ends, the time is over, or there are so many lines."""
        end = time.monotonic() + seconds
        while not lines or self._told.count(b"\n") < lines:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._handle], [], [], left)[0]:
                break
            data = os.read(self._handle, 4096)
            if not data:
                break
            self._told += data
        return [int(line) for line in self._told.split()]

    def kill(self) -> None:
        """If it still lives."""
        os.kill(self._pid, signal.SIGKILL)

    def killed(self) -> bool:
        """Whether it ended so, and not by itself."""
        os.close(self._handle)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1]) == -signal.SIGKILL


def main() -> int:
    """Kill, and check; the exit status is 0 if nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    count, chance = options.megabytes * (1 << 18), random.Random(options.seed)

    first = Child(options.folder, count, saves=2)
    first.listen(lines=2)
    started = time.monotonic()
    *_, last, moments = first.listen()
    seconds = time.monotonic() - started  # of a save
    first.killed()

    parts = most = 0
    for kill in range(options.kills):
        if kill % 2 == 0:
            # Two saves of one process: the second lets go of the file that the first replaced.
            saver = Child(options.folder, count, kill * moments // options.kills)
        else:
            saver = Child(options.folder, count)
            saver.listen(lines=1)
            saver.listen(2 * seconds * chance.random())
            saver.kill()
        steps = saver.listen()
        if not saver.killed():
            print(f"kill {kill}: the process ended by itself")
            return 1
        left = sum(".tmp-" in name for name in os.listdir(options.folder))
        parts, most = parts + bool(left), max(most, left)
        again = Saver(options.folder, count)  # which also sweeps
        again.check(max([last, *steps]))
        last = int(again.step)
        names = sorted(os.listdir(options.folder))
        if any(".tmp-" in name for name in names) or len(names) > _KEPT + 2:
            print(f"kill {kill}: too much is left: {names}")
            return 1
    print(
        f"{options.kills} kills, half of them at {moments} moments around calls: {parts} left a "
        f"part of a file (never more than {most}); {last} saves; all acknowledged ones load"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
