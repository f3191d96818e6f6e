"""Checkpoints of others, and values without objects."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import numflow as nf
from numflow.checkpointing.checkpoint import Checkpoint
from numflow.checkpointing.sources import open_source
from numflow.eager.module import Module
from numflow.errors import DataLossError, NotFoundError
from tests.checkpointing.nets import Net

ROOT = Path(__file__).parents[2]


DATA = Path(__file__).parents[1] / "io" / "data"


class TheirNet(Module):
    """The module that wrote tests/io/data/objects-1."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nf.Variable(np.zeros((2, 3), "f4"), name="kernel")
        self.layers = [nf.Variable([0.0], name="bias"), {"deep": nf.Variable(0, name="deep")}]


@pytest.mark.parametrize("names", [("net", "shared"), ("shared",), ("net",)])
def test_objects_saved_by_tensorflow_are_restored(names: tuple[str, ...]) -> None:
    """Model and Adam with its slots, by either name of the shared variable."""
    net, optimizer = TheirNet(), nf.optimizers.Adam(0.5)
    objects = {"net": net, "shared": net.kernel}
    checkpoint = Checkpoint(optimizer=optimizer, **{n: objects[n] for n in names})
    status = checkpoint.restore(DATA / "objects-1")
    if "net" in names:
        status.assert_consumed()
        assert net.layers[1]["deep"].numpy() == 3  # type: ignore[index]
        np.testing.assert_allclose(optimizer.slot(net.layers[0], "momentum").numpy(), [0.1])
    np.testing.assert_allclose(net.kernel.numpy(), 1 + np.arange(6.0).reshape(2, 3) - 0.125, 1e-5)
    assert optimizer.learning_rate.numpy() == 0.125 and optimizer.iterations.numpy() == 1
    m, v = (optimizer.slot(net.kernel, slot).numpy() for slot in ("momentum", "velocity"))
    np.testing.assert_allclose(m, 0.1 * 2 * np.arange(1, 7).reshape(2, 3), rtol=1e-6)
    np.testing.assert_allclose(v, 0.001 * (2 * np.arange(1, 7).reshape(2, 3)) ** 2, rtol=1e-6)


def test_graphs_saved_by_tensorflow_1_are_restored_by_name() -> None:
    """Whatever the objects are called."""
    w = nf.Variable([0.0, 0.0, 0.0], name="dense/kernel")
    status = Checkpoint(anything=w).restore(DATA / "graph").assert_existing_objects_matched()
    np.testing.assert_allclose(w.numpy(), [0, 0.8, 1.6])
    assert status.unexpected == ["dense/kernel/Momentum"]
    x = nf.Variable(0.0, name="float64", dtype="float64")
    Checkpoint(x=x).read(DATA / "v1.ckpt").assert_nontrivial_match()
    assert x.numpy() == 2.5


def test_safetensors_are_restored_by_path_with_dots(tmp_path: Path) -> None:
    """As other frameworks name parameters."""
    from numflow.io.safetensors import save_safetensors

    path = tmp_path / "a.safetensors"
    save_safetensors(path, {"net.layers.0.kernel": np.ones((2, 3), "f4"), "w": np.array([5], "i4")})
    net, w = Net(), nf.Variable([0])
    status = Checkpoint(net=net, w=w).read(path)
    assert status.unexpected == [] and w.numpy() == [5]
    assert net.layers[0].kernel.numpy().sum() == 6


def test_values_are_read_without_objects(tmp_path: Path) -> None:
    """By path, by TensorFlow's key, by the name in a graph; from a folder its newest."""
    path = Checkpoint(w=nf.Variable([1.0, 2.0], name="dense/kernel")).save(tmp_path / "a")
    reader = nf.train.load_checkpoint(tmp_path)
    for name in ("w", "w/.ATTRIBUTES/VARIABLE_VALUE", "dense/kernel"):
        assert reader.has_tensor(name) and reader.get_tensor(name).tolist() == [1, 2]
    assert reader.get_variable_to_shape_map() == {"w": [2], "save_counter": []}
    assert reader.get_variable_to_dtype_map() == {"w": nf.float32, "save_counter": nf.int64}
    assert reader.debug_string() == b"w (float32 [2])\nsave_counter (int64 [])"
    assert nf.train.list_variables(path) == [("save_counter", []), ("w", [2])]
    assert nf.train.load_variable(path, "save_counter") == 1
    assert not reader.has_tensor("x")
    with pytest.raises(NotFoundError, match="there is no value 'x'\n  file: "):
        reader.get_tensor("x")
    with pytest.raises(ValueError, match="load_checkpoint: the folder has no checkpoint"):
        nf.train.load_checkpoint(ROOT)
    theirs = nf.train.load_checkpoint(DATA / "objects-1")
    for name in ("optimizer/_learning_rate/.ATTRIBUTES/VARIABLE_VALUE", "optimizer/learning_rate"):
        assert theirs.get_tensor(name) == 0.125


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:40],
        lambda raw: raw.replace(b"_trainable_variables", b"_trainable_variab\xff\xff\xff"),
        lambda raw: raw.replace(b"\x08\x03", b"\x08\x7f"),
        lambda raw: b"\xff" * 11,
    ],
)
def test_a_forged_object_graph_is_refused(
    change: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of nodes that are not there, names that are no text."""
    from numflow.checkpointing import sources

    scalar = sources._scalar
    monkeypatch.setattr(sources, "_scalar", lambda *args: change(scalar(*args)))
    with pytest.raises(DataLossError, match="the object graph is malformed"):
        open_source(DATA / "objects-1")


def test_links_must_be_text(tmp_path: Path) -> None:
    """Headers are hostile."""
    from numflow.io.checkpoint import save

    save(tmp_path / "a.nfc", {}, {"links": {"a": 1}})
    with pytest.raises(DataLossError, match="the links between objects are malformed"):
        open_source(tmp_path / "a")
