"""Several files, one checkpoint: put together, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DataLossError, NotFoundError
from numflow.io.checkpoint import save
from numflow.io.shards import INDEX, ShardedReader, commit, part_of, shard_name

WHOLE = np.arange(35, dtype="f4").reshape(7, 5)
TEXT = np.array([b"a", b"", b"bc"], object)


def two_shards(folder: Path, cut: int = 3) -> list[str]:
    names = [shard_name(i, 2) for i in (1, 2)]
    a, b = WHOLE[:cut], WHOLE[3:]
    save(
        folder / names[0],
        {"w": a, "step": np.array(7), "s": TEXT[:1]},
        extras={"w": part_of((7, 5), (0, 0), a.shape), "s": part_of((3,), (0,), (1,))},
    )
    save(
        folder / names[1],
        {"w": b, "s": TEXT[1:]},
        extras={"w": part_of((7, 5), (3, 0), b.shape), "s": part_of((3,), (1,), (2,))},
    )
    return names


def test_parts_of_several_files_are_one_tensor(tmp_path: Path) -> None:
    """Numbers and strings; tensors in one piece are mapped."""
    commit(tmp_path, two_shards(tmp_path), {"note": 1})
    reader = ShardedReader(tmp_path / INDEX)
    assert list(reader) == ["w", "step", "s"] and "w" in reader
    assert reader.meta == {"kind": "index", "note": 1}
    assert reader.entry("w").shape == (7, 5)
    np.testing.assert_array_equal(reader.get("w"), WHOLE)
    assert reader.get("s").tolist() == TEXT.tolist() and reader.get("step") == 7
    out, step = np.zeros((7, 5), "f4"), np.zeros((), int)
    for name, array in (("w", out), ("step", step)):
        reader.verify(name)
        reader.read_into(name, array)
    assert (out == WHOLE).all() and step == 7
    with pytest.raises(NotFoundError, match="there is no tensor 'x'"):
        reader.get("x")
    reader.close()


def test_variables_are_restored_from_a_folder(tmp_path: Path) -> None:
    """By the folder, which is a checkpoint only with its index."""
    names = two_shards(tmp_path)
    w, step = nf.Variable(np.zeros((7, 5), "f4")), nf.Variable(np.int64(0))
    checkpoint = nf.train.Checkpoint(w=w, step=step)
    with pytest.raises(NotFoundError, match="there is no such checkpoint"):
        checkpoint.read(tmp_path)
    commit(tmp_path, names)
    status = checkpoint.read(tmp_path).assert_existing_objects_matched()
    assert status.unexpected == ["s"]
    np.testing.assert_array_equal(w.numpy(), WHOLE)


def test_damage_in_a_shard_is_noticed(tmp_path: Path) -> None:
    """By its checksums; a shard that is missing, cut or another one by the index."""
    names = two_shards(tmp_path)
    commit(tmp_path, names)
    path = tmp_path / names[1]
    raw = path.read_bytes()
    path.write_bytes(raw[:-60] + b"!" + raw[-59:])
    with pytest.raises(
        DataLossError, match=r"the checksum from byte .* is wrong\n  file: .*00002-of"
    ):
        ShardedReader(tmp_path / INDEX).verify("s")
    path.write_bytes(raw[:-64])
    with pytest.raises(DataLossError, match="not as many as its header says"):
        ShardedReader(tmp_path / INDEX)
    save(path, {"w": WHOLE})
    with pytest.raises(DataLossError, match=r"the shard shard-00002-of-00002\.nfc is not the one"):
        ShardedReader(tmp_path / INDEX)
    path.unlink()
    with pytest.raises(DataLossError, match=r"the shard shard-00002-of-00002\.nfc is missing"):
        ShardedReader(tmp_path / INDEX)


def test_parts_neither_overlap_nor_leave_holes(tmp_path: Path) -> None:
    """Counted when opened, laid out when read."""
    for cut in (2, 4):
        commit(tmp_path, two_shards(tmp_path, cut))
        with pytest.raises(DataLossError, match="the parts of 'w' overlap or leave holes"):
            ShardedReader(tmp_path / INDEX)
    extras = [part_of((4,), (0,), (2,)), part_of((4,), (1,), (2,))]
    for i, extra in enumerate(extras):
        save(tmp_path / f"{i}.nfc", {"w": np.zeros(2)}, extras={"w": extra})
    commit(tmp_path, ["0.nfc", "1.nfc"])
    reader = ShardedReader(tmp_path / INDEX)
    for read in (reader.get, reader.verify):
        with pytest.raises(DataLossError, match="the parts of 'w' overlap or leave holes"):
            read("w")


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"slice": [[0, 2]], "full_shape": [-2]}, "'w' has a malformed full_shape"),
        ({"slice": [[0, 2]]}, "'w' has a malformed full_shape"),
        ({"slice": [[0, 2]], "full_shape": [1 << 62, 4]}, "'w' has a shape larger than memory"),
        ({"slice": [[0, 2]], "full_shape": [1 << 40]}, "the parts of 'w' overlap or leave holes"),
        ({"slice": [[1, 2]], "full_shape": [2]}, "a part of 'w' has a malformed place"),
        ({"slice": [[0, 2, 1]], "full_shape": [2]}, "a part of 'w' has a malformed place"),
        ({"slice": 5, "full_shape": [2]}, "a part of 'w' has a malformed place"),
        ({"slice": [[0, 1]], "full_shape": [2]}, "a part of 'w' has another shape than its place"),
    ],
)
def test_a_forged_part_is_refused(tmp_path: Path, extra: dict[str, Any], reason: str) -> None:
    """No memory is taken for what a part claims."""
    save(tmp_path / "a.nfc", {"w": np.zeros(2)}, extras={"w": extra})
    commit(tmp_path, ["a.nfc"])
    with pytest.raises(DataLossError, match=reason):
        ShardedReader(tmp_path / INDEX)


@pytest.mark.parametrize(
    ("shards", "reason"),
    [
        (None, "this is no index"),
        ([1], "an entry of the index is malformed"),
        ([["../a.nfc", 1, {}]], r"the shard's name '\.\./a\.nfc' is no name of a file"),
        ([["..\\a.nfc", 1, {}]], "is no name of a file"),
        ([["", 1, {}]], "is no name of a file"),
        ([[3, 1, {}]], "is no name of a file"),
        ([["a.nfc", 1, {}]], r"the shard a\.nfc is not the one of the index"),
        ([["b.nfc", 1, {}]], r"the shard b\.nfc is missing"),
    ],
)
def test_a_forged_index_is_refused(tmp_path: Path, shards: Any, reason: str) -> None:
    """Names lead nowhere else."""
    save(tmp_path / "a.nfc", {})
    save(tmp_path / INDEX, {}, {"kind": "index", "shards": shards})
    with pytest.raises(DataLossError, match=reason):
        ShardedReader(tmp_path / INDEX)


def test_a_tensor_is_in_one_shard_or_in_parts(tmp_path: Path) -> None:
    """Twice under one name is a mistake."""
    for name in ("a.nfc", "b.nfc"):
        save(tmp_path / name, {"w": np.zeros(2)})
    commit(tmp_path, ["a.nfc", "b.nfc"])
    with pytest.raises(DataLossError, match="the name 'w' occurs in two shards"):
        ShardedReader(tmp_path / INDEX)
    commit(tmp_path, ["a.nfc", "a.nfc"])
    with pytest.raises(DataLossError, match=r"the shard a\.nfc occurs twice"):
        ShardedReader(tmp_path / INDEX)
