"""Saving: in the background, beside threads that train, through crashes."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import numflow as nf
from numflow.checkpointing.checkpoint import Checkpoint, CheckpointOptions
from tests.checkpointing.nets import values

ROOT = Path(__file__).parents[2]


def test_a_save_that_fails_counts_nothing(tmp_path: Path) -> None:
    """The next one has the number."""
    (tmp_path / "file").touch()
    checkpoint = Checkpoint(a=nf.Variable(1))
    with pytest.raises(OSError):
        checkpoint.save(tmp_path / "file" / "ckpt")
    assert checkpoint.save_counter.numpy() == 0
    assert checkpoint.save(tmp_path / "ckpt").endswith("ckpt-1")


def test_a_save_in_the_background_sees_one_moment(tmp_path: Path) -> None:
    """Later writes do not reach it."""
    options = CheckpointOptions(enable_async=True)
    v = nf.Variable(np.ones(1 << 20, "f4"))
    checkpoint = Checkpoint(v=v)
    path = checkpoint.save(tmp_path / "ckpt", options)
    for _ in range(20):
        v.assign_add(np.ones(1 << 20, "f4"))
    checkpoint.sync()
    assert (nf.train.load_variable(path, "v") == 1).all()
    assert nf.train.latest_checkpoint(tmp_path) == path
    checkpoint.restore(path).assert_consumed()
    assert (v.numpy() == 1).all()


def test_an_error_in_the_background_is_raised_at_the_next_call(tmp_path: Path) -> None:
    """Once."""
    (tmp_path / "file").touch()
    checkpoint = Checkpoint(a=nf.Variable(1))
    checkpoint.write(tmp_path / "file" / "x", CheckpointOptions(enable_async=True))
    with pytest.raises(OSError):
        checkpoint.sync()
    checkpoint.sync()


def test_a_save_is_not_disturbed_by_a_thread_that_trains(tmp_path: Path) -> None:
    """Checksums fit whatever is written meanwhile, and each variable is of one moment."""
    v = nf.Variable(np.zeros(1 << 18, "f4"))
    checkpoint, stop = Checkpoint(v=v), threading.Event()

    def training() -> None:
        while not stop.is_set():
            v.assign_add(np.ones(1 << 18, "f4"))

    thread = threading.Thread(target=training)
    thread.start()
    try:
        for i in range(10):
            got = nf.train.load_variable(checkpoint.write(tmp_path / f"a{i}"), "v")
            assert (got == got[0]).all()
    finally:
        stop.set()
        thread.join()


def test_callbacks_are_told_the_path(tmp_path: Path) -> None:
    """After the file is whole."""
    told: list[str] = []
    options = CheckpointOptions(experimental_write_callbacks=[told.append])
    path = Checkpoint(a=nf.Variable(1)).write(tmp_path / "a", options)
    assert told == [path] and os.path.exists(path + ".nfc")


def test_checkpoints_nest(tmp_path: Path) -> None:
    """A Checkpoint is a part like another."""
    inner = Checkpoint(v=nf.Variable(1))
    outer = Checkpoint(inner=inner, w=nf.Variable(2))
    assert list(values(outer)) == ["w", "inner/v"]
    path = outer.save(tmp_path / "a")
    again = Checkpoint(inner=Checkpoint(v=nf.Variable(0)), w=nf.Variable(0))
    again.restore(path).assert_consumed()
    assert again.inner.v.numpy() == 1


def test_numflow_loads_none_of_it_by_itself() -> None:
    """Neither msgpack nor google-crc32c nor the file formats, before the first checkpoint."""
    code = (
        "import sys, numflow; print(*[m for m in sys.modules if m.startswith("
        "('msgpack', 'google', 'numflow.io', 'numflow.checkpointing'))])\n"
        "import numflow.train; print('msgpack' in sys.modules, 'google_crc32c' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.split("\n")[:2] == ["", "False False"]


# --- crashes -----------------------------------------------------------------------

_TRAINER = """
import sys
import numpy as np, numflow as nf
v = nf.Variable(np.zeros(30000, "f4")); step = nf.Variable(0)
checkpoint = nf.train.Checkpoint(v=v, step=step)
manager = nf.train.CheckpointManager(checkpoint, sys.argv[1], max_to_keep=2)
status = checkpoint.restore(manager.latest_checkpoint)
while True:
    v.assign_add(np.ones(30000, "f4")); step.assign_add(1)
    manager.save()
    print(int(step), flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A trainer is killed again and again, and goes on from its last acknowledged step."""
    last = 0
    for trial in range(6):
        trainer = subprocess.Popen(
            [sys.executable, "-c", _TRAINER, str(tmp_path)],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert trainer.stdout is not None
        first = int(trainer.stdout.readline())
        assert first in (last + 1, last + 2)
        time.sleep(0.0173 * trial)
        trainer.kill()
        last = max([first, *(int(line) for line in trainer.stdout.read().split())])
        trainer.wait()
        trainer.stdout.close()
        v, step = nf.Variable(np.zeros(30000, "f4")), nf.Variable(0)
        path = nf.train.latest_checkpoint(tmp_path)
        assert path is not None
        Checkpoint(v=v, step=step).restore(path).assert_existing_objects_matched()
        assert int(step) in (last, last + 1) and (v.numpy() == int(step)).all()
    nf.train.CheckpointManager(Checkpoint(), tmp_path, max_to_keep=2)
    assert [p.name for p in tmp_path.iterdir() if ".tmp-" in p.name] == []
