"""Which checkpoints are kept, and what a folder's list says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.checkpointing import manager as managers
from numflow.checkpointing.checkpoint import Checkpoint, CheckpointOptions
from numflow.checkpointing.manager import CheckpointManager, checkpoints_iterator
from numflow.checkpointing.state import latest_checkpoint, read_state, write_state
from numflow.errors import DataLossError
from numflow.io.checkpoint import save


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def managed(folder: Path, keep: int | None = 3, **more: Any) -> CheckpointManager:
    return CheckpointManager(Checkpoint(v=nf.Variable(0.0)), folder, keep, **more)


class Clock:
    """Stands in for `time` where a manager looks."""

    def __init__(self) -> None:
        self.now = 1e9

    def time(self) -> float:
        return self.now


def test_the_newest_are_kept(tmp_path: Path) -> None:
    """Files and list agree, oldest first."""
    manager = managed(tmp_path / "new" / "folder")
    paths = [manager.save() for _ in range(5)]
    folder = tmp_path / "new" / "folder"
    assert manager.checkpoints == paths[2:] and manager.latest_checkpoint == paths[4]
    assert names(folder) == ["checkpoint.nfc", "ckpt-3.nfc", "ckpt-4.nfc", "ckpt-5.nfc"]
    assert manager.directory == str(folder) and manager.checkpoint.save_counter.numpy() == 5


def test_all_are_kept_where_there_is_no_bound(tmp_path: Path) -> None:
    """max_to_keep=None."""
    manager = managed(tmp_path, None, checkpoint_name="model")
    paths = [manager.save() for _ in range(7)]
    assert manager.checkpoints == paths and paths[0] == str(tmp_path / "model-1")


def test_one_in_n_hours_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the manager's beginning, and from the last that stayed; also by a successor."""
    clock = Clock()
    monkeypatch.setattr(managers, "time", clock)
    manager = managed(tmp_path, 1, keep_checkpoint_every_n_hours=2)
    for i in range(8):
        clock.now += 3600
        if i == 4:
            manager = CheckpointManager(manager.checkpoint, tmp_path, 1, 2)
        manager.save()
    assert names(tmp_path) == [
        "checkpoint.nfc", "ckpt-2.nfc", "ckpt-4.nfc", "ckpt-6.nfc", "ckpt-8.nfc",
    ]  # fmt: skip
    assert manager.checkpoints == [str(tmp_path / "ckpt-8")]


def test_a_successor_goes_on(tmp_path: Path) -> None:
    """A new process knows what was kept, restores it and counts on."""
    manager = managed(tmp_path, 2)
    manager.checkpoint.v.assign(7.0)
    manager.save()
    manager.save()
    again = managed(tmp_path, 2)
    assert again.checkpoints == manager.checkpoints
    assert again.restore_or_initialize() == str(tmp_path / "ckpt-2")
    assert again.checkpoint.v.numpy() == 7
    assert again.save() == str(tmp_path / "ckpt-3")
    assert names(tmp_path) == ["checkpoint.nfc", "ckpt-2.nfc", "ckpt-3.nfc"]


def test_a_folder_may_be_moved(tmp_path: Path) -> None:
    """Names in the list are relative to it."""
    managed(tmp_path / "a").save()
    (tmp_path / "a").rename(tmp_path / "b")
    assert latest_checkpoint(tmp_path / "b") == str(tmp_path / "b" / "ckpt-1")


def test_numbers_may_be_given(tmp_path: Path) -> None:
    """A variable or an int; the same number replaces."""
    manager = managed(tmp_path)
    assert manager.save(checkpoint_number=nf.Variable(40)) == str(tmp_path / "ckpt-40")
    manager.save(41)
    manager.save(40)
    assert manager.checkpoints == [str(tmp_path / "ckpt-41"), str(tmp_path / "ckpt-40")]


def test_an_interval_of_steps(tmp_path: Path) -> None:
    """Saves that come too early are left out, unless asked for."""
    step = nf.Variable(0)
    manager = managed(tmp_path, step_counter=step, checkpoint_interval=3)
    saved = []
    for _ in range(7):
        saved.append(manager.save() is not None)
        step.assign_add(1)
    assert saved == [True, False, False, True, False, False, True]
    assert manager.checkpoint_interval == 3
    assert manager.save(check_interval=False) is not None


def test_nothing_to_restore_initialises(tmp_path: Path) -> None:
    """init_fn is called once, only then."""
    calls: list[int] = []
    manager = managed(tmp_path, init_fn=lambda: calls.append(1))
    assert manager.restore_or_initialize() is None and calls == [1]
    manager.save()
    assert manager.restore_or_initialize() is not None and calls == [1]


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    """Exactly these texts."""
    with pytest.raises(ValueError, match=r"^CheckpointManager: max_to_keep is 0, below 1"):
        managed(tmp_path, 0)
    with pytest.raises(ValueError, match=r"^CheckpointManager: checkpoint_interval needs a step_"):
        managed(tmp_path, checkpoint_interval=5)


def test_the_latest_is_one_that_opens(tmp_path: Path) -> None:
    """A cut or missing file is passed over."""
    manager = managed(tmp_path)
    first, second, third = (manager.save() for _ in range(3))
    assert first and second and third
    Path(third + ".nfc").write_bytes(b"\x89NFC")
    assert latest_checkpoint(tmp_path) == second
    Path(second + ".nfc").unlink()
    assert latest_checkpoint(tmp_path) == first
    Path(first + ".nfc").unlink()
    assert latest_checkpoint(tmp_path) is None


def test_a_checkpoint_keeps_a_list_too(tmp_path: Path) -> None:
    """Checkpoint.save without a manager deletes nothing, and lists the last few."""
    checkpoint = Checkpoint(v=nf.Variable(0))
    paths = [checkpoint.save(tmp_path / "a") for _ in range(7)]
    state = nf.train.get_checkpoint_state(tmp_path)
    assert state is not None and state.model_checkpoint_path == paths[-1]
    assert state.all_model_checkpoint_paths == paths[2:]
    assert len(names(tmp_path)) == 8


def test_a_save_in_the_background_is_noted_when_it_is_whole(tmp_path: Path) -> None:
    """The list never names what is not there."""
    manager = managed(tmp_path, 1)
    paths = [manager.save(options=CheckpointOptions(enable_async=True)) for _ in range(3)]
    manager.sync()
    assert manager.checkpoints == paths[-1:]
    assert names(tmp_path) == ["checkpoint.nfc", "ckpt-3.nfc"]


def test_tensorflow_s_list_is_read(tmp_path: Path) -> None:
    """The text file that TensorFlow writes, with its own checkpoint."""
    import shutil

    data = Path(__file__).parents[1] / "io" / "data"
    for file in data.glob("graph.*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "graph"\nall_model_checkpoint_paths: "older"\n'
        'all_model_checkpoint_paths: "graph"\nall_model_checkpoint_timestamps: 1.5\n'
        "all_model_checkpoint_timestamps: 2.5\nlast_preserved_timestamp: 0.5\n"
    )
    assert latest_checkpoint(tmp_path) == str(tmp_path / "graph")
    state = read_state(tmp_path)
    assert state is not None and state.all_model_checkpoint_timestamps == [1.5, 2.5]
    assert state.last_preserved_timestamp == 0.5
    np.testing.assert_allclose(nf.train.load_variable(tmp_path, "dense/kernel"), [0, 0.8, 1.6])
    (tmp_path / "checkpoint").write_bytes(b"\xff\xfe")
    with pytest.raises(DataLossError, match="this is no list of checkpoints"):
        latest_checkpoint(tmp_path)


def test_what_a_killed_manager_had_to_delete_goes(tmp_path: Path) -> None:
    """The next one ends its work; a forged list reaches no file that is none of its own."""
    inner, others = tmp_path / "inner", ["kept.nfc", "other-1.nfc"]
    inner.mkdir()
    for name in [*others, "ckpt-2.nfc", "ckpt-9.nfc", "ckpt-x.nfc"]:
        (inner / name).touch()
    (tmp_path / "ckpt-9.nfc").touch()
    leaving = ["ckpt-2", "ckpt-77", "ckpt-9", "ckpt-x", "other-1", "../ckpt-9", "kept"]
    meta = {"paths": ["ckpt-2"], "times": [1.0], "preserved": None, "leaving": leaving}
    save(inner / "checkpoint.nfc", {}, meta)
    managed(inner)
    assert names(inner) == ["checkpoint.nfc", "ckpt-2.nfc", "ckpt-x.nfc", *others]
    assert names(tmp_path) == ["ckpt-9.nfc", "inner"]


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    """Not passed over: it would look like a new folder, and training would begin anew."""
    metas: list[dict[str, Any]] = [
        {}, {"paths": ["a"], "times": []}, {"paths": [1], "times": [1.0]},
        {"paths": "a", "times": [1.0]}, {"paths": [], "times": [], "preserved": "x"},
        {"paths": ["a"], "times": [1.0], "leaving": [1]},
    ]  # fmt: skip
    for meta in metas:
        save(tmp_path / "checkpoint.nfc", {}, meta)
        with pytest.raises(DataLossError, match="this is no list of checkpoints\n  file: "):
            latest_checkpoint(tmp_path)
    (tmp_path / "checkpoint.nfc").write_bytes(b"")
    with pytest.raises(DataLossError, match="this is no numflow checkpoint"):
        latest_checkpoint(tmp_path)


def test_an_empty_list_is_none(tmp_path: Path) -> None:
    """As a folder without one."""
    assert nf.train.get_checkpoint_state(tmp_path) is None
    write_state(tmp_path, [])
    assert nf.train.get_checkpoint_state(tmp_path) is None
    write_state(tmp_path, [], name="other")
    assert latest_checkpoint(tmp_path, "other") is None


def test_new_checkpoints_are_iterated_over(tmp_path: Path) -> None:
    """Each once, until the time is out."""
    manager = managed(tmp_path)
    asked: list[int] = []

    def timeout() -> bool:
        asked.append(1)
        return len(asked) == 2

    seen = []
    manager.save()
    for path in checkpoints_iterator(tmp_path, timeout=0.02, timeout_fn=timeout):
        seen.append(path)
        if len(seen) < 3:
            manager.save()
    assert seen == manager.checkpoints and asked == [1, 1]
    assert list(checkpoints_iterator(tmp_path / "nothing", timeout=0.01)) == []
