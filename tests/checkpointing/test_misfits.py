"""What does not fit is told, and changes nothing."""

from pathlib import Path

import pytest

import numflow as nf
from numflow.checkpointing.checkpoint import Checkpoint
from numflow.errors import DataLossError, DTypeError, NotFoundError, ShapeError
from numflow.io.checkpoint import Reader
from tests.checkpointing.nets import Dense

ROOT = Path(__file__).parents[2]


def test_the_report_names_what_did_not_fit(tmp_path: Path) -> None:
    """Exactly this text."""
    old = Checkpoint(net=Dense(2, 3), gone=nf.Variable([1, 2]), w=nf.Variable([1.0, 2.0], name="w"))
    path = old.write(tmp_path / "a")
    net = Dense(2, 3)
    net.kernels, net.kernel = net.kernel, nf.Variable(0)
    new = Checkpoint(net=net, w=nf.Variable([1.0, 2.0, 3.0]), step=nf.Variable(0))
    status = new.read(path, strict=False)
    assert status.report() == (
        f"{path}.nfc: 1 of 4 values restored\n"
        "  missing in the file, variables keep their values:\n"
        "    step         int32 []\n"
        "    net/kernels  float32 [2, 3]\n"
        "  in the file, in no variable:\n"
        "    gone  int32 [2]\n"
        "  of another shape or dtype, variables keep their values:\n"
        "    w           float32 [3] in the program, float32 [2] in the file\n"
        "    net/kernel  int32 [] in the program, float32 [2, 3] in the file"
    )
    assert status.mismatched == ["w", "net/kernel"]
    for check in (status.assert_consumed, status.assert_existing_objects_matched):
        with pytest.raises(AssertionError) as caught:
            check()
        assert str(caught.value) == status.report()
    status.expect_partial().assert_nontrivial_match()


def test_near_names_are_shown(tmp_path: Path) -> None:
    """A renamed attribute is the commonest reason."""
    path = Checkpoint(encoder=nf.Variable(1.0)).write(tmp_path / "a")
    status = Checkpoint(encoders=nf.Variable(1.0)).read(path)
    assert status.report() == (
        f"{path}.nfc: 0 of 1 values restored\n"
        "  missing in the file, variables keep their values:\n"
        "    encoders  float32 []   (nearest: encoder)\n"
        "  in the file, in no variable:\n"
        "    encoder  float32 []   (nearest: encoders)"
    )
    with pytest.raises(AssertionError):
        status.assert_nontrivial_match()


def test_a_long_report_is_cut(tmp_path: Path) -> None:
    """Twenty lines of a kind, and how many more there are."""
    path = Checkpoint(x=[nf.Variable(i) for i in range(25)]).write(tmp_path / "a")
    lines = Checkpoint().read(path).report().splitlines()
    assert len(lines) == 23 and lines[-1] == "    ... and 5 more"


def test_a_value_of_another_shape_or_dtype_is_an_error(tmp_path: Path) -> None:
    """All of them are named, and nothing was changed."""
    path = Checkpoint(a=nf.Variable(1.0), b=nf.Variable([1.0, 2.0]), c=nf.Variable(1)).write(
        tmp_path / "a"
    )
    a, b = nf.Variable(0.0), nf.Variable([[0.0, 0.0]])
    with pytest.raises(ShapeError) as caught:
        Checkpoint(a=a, b=b).read(path)
    assert str(caught.value).startswith(
        "restore: 1 of the file's values do not fit; nothing was restored\n"
        f"  file: {path}.nfc\n"
        "  b: float32 [1, 2] in the program, float32 [2] in the file\n"
        "  try: restore(path, strict=False), which leaves those as they are\n"
        "  at test_misfits.py:"
    )
    assert a.numpy() == 0
    with pytest.raises(
        DTypeError, match=r"  c: float32 \[\] in the program, int32 \[\] in the file"
    ):
        Checkpoint(a=a, c=nf.Variable(0.0)).read(path)
    assert a.numpy() == 0


def test_a_value_that_did_not_fit_may_fit_later(tmp_path: Path) -> None:
    """The variable was replaced by one of the right shape."""
    path = Checkpoint(a=nf.Variable([1.0, 2.0])).write(tmp_path / "a")
    again = Checkpoint(a=nf.Variable(0.0))
    status = again.read(path, strict=False)
    assert status.mismatched == ["a"]
    again.a = nf.Variable([0.0, 0.0])
    assert status.mismatched == [] and again.a.numpy().tolist() == [1, 2]
    status.assert_consumed()


def test_a_variable_of_any_shape_takes_the_file_s(tmp_path: Path) -> None:
    """validate_shape=False and shape=None."""
    path = Checkpoint(a=nf.Variable([1.0, 2.0])).write(tmp_path / "a")
    a = nf.Variable(0.0, validate_shape=False)
    Checkpoint(a=a).read(path).assert_consumed()
    assert a.numpy().tolist() == [1, 2]


def test_damage_changes_no_variable(tmp_path: Path) -> None:
    """Everything is checked before anything is assigned."""
    old = Checkpoint(a=nf.Variable([1.0] * 99), b=nf.Variable([2.0] * 99))
    path = old.write(tmp_path / "a")
    offset = Reader(path + ".nfc").entry("b").offset
    with open(path + ".nfc", "r+b") as file:
        file.seek(offset + 5)
        file.write(b"!")
    a, b = nf.Variable([0.0] * 99), nf.Variable([0.0] * 99)
    with pytest.raises(DataLossError, match="'b': the checksum from byte") as caught:
        Checkpoint(a=a, b=b).restore(path)
    assert f"  file: {path}.nfc\n" in str(caught.value)
    assert not a.numpy().any() and not b.numpy().any()


def test_a_missing_checkpoint_names_those_that_are_there(tmp_path: Path) -> None:
    """A misspelt path is the commonest mistake."""
    Checkpoint(a=nf.Variable(1)).save(tmp_path / "ckpt")
    with pytest.raises(NotFoundError) as caught:
        Checkpoint().restore(tmp_path / "ckpt-2")
    assert str(caught.value).startswith(
        f"checkpoint: there is no such checkpoint\n  path: {tmp_path}/ckpt-2\n"
        f"  try: '{tmp_path}/ckpt-1'\n"
    )


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Neither numflow's nor TensorFlow's nor safetensors."""
    (tmp_path / "x").write_bytes(b"anything at all")
    with pytest.raises(DataLossError, match="this is no checkpoint of numflow, TensorFlow or safe"):
        Checkpoint().read(tmp_path / "x")


def test_restoring_nothing(tmp_path: Path) -> None:
    """restore(latest_checkpoint(...)) in a new folder, as programs write it."""
    checkpoint = Checkpoint(a=nf.Variable(1))
    status = checkpoint.restore(nf.train.latest_checkpoint(tmp_path)).expect_partial()
    assert status.report() == "no checkpoint was given; nothing was restored"
    assert status.missing == ["a", "save_counter"] and status.unexpected == status.mismatched == []
    with pytest.raises(AssertionError, match="no checkpoint was given"):
        status.assert_consumed()
