"""Objects are saved and restored; what does not fit is told."""

import copy
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.checkpointing.checkpoint import Checkpoint, CheckpointOptions
from numflow.checkpointing.objects import inventory
from numflow.checkpointing.sources import open_source
from numflow.eager.module import Module
from numflow.errors import DataLossError, DTypeError, NotFoundError, ShapeError
from numflow.io.checkpoint import Reader

ROOT = Path(__file__).parents[2]


class Dense(Module):
    def __init__(self, n: int, m: int, value: float = 0.0) -> None:
        super().__init__()
        self.kernel = nf.Variable(np.full((n, m), value, "f4"), name="kernel")
        self.bias = nf.Variable(np.full(m, value, "f4"), name="bias")


class Net(Module):
    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.layers = [Dense(2, 3, value), Dense(3, 5, value + 1)]
        self.extra = {"scale": nf.Variable(value), "more": (nf.Variable(int(value)),)}
        self.size = 7  # no variable: not saved


def values(checkpoint: Checkpoint) -> dict[str, Any]:
    return {p: v.numpy().tolist() for p, v in inventory(checkpoint).variables.items()}


def train(net: Net, optimizer: Any, steps: int = 1) -> None:
    for _ in range(steps):
        pairs = [(nf.ones_like(v) * 0.5, v) for v in net.trainable_variables if v.dtype.is_floating]
        optimizer.apply_gradients(pairs)


# --- names -------------------------------------------------------------------


def test_names_are_paths_of_objects(tmp_path: Path) -> None:
    """Attributes, positions and keys; slots by the path of their variable."""
    net, optimizer = Net(), nf.optimizers.SGD(0.5, momentum=0.5)
    optimizer.build([net.layers[0].kernel])
    path = Checkpoint(net=net, optimizer=optimizer).write(tmp_path / "a")
    assert [name for name, _ in nf.train.list_variables(path)] == [
        "net/extra/more/0",
        "net/extra/scale",
        "net/layers/0/bias",
        "net/layers/0/kernel",
        "net/layers/1/bias",
        "net/layers/1/kernel",
        "optimizer/iterations",
        "optimizer/learning_rate",
        "optimizer/slots/momentum/net/layers/0/kernel",
    ]


def test_objects_of_any_class_are_followed(tmp_path: Path) -> None:
    """A plain class of the user is enough; functions, arrays and the like are passed by."""

    class Plain:
        def __init__(self) -> None:
            self.w = nf.Variable(1.0)
            self.array, self.lock, self.function = np.zeros(3), threading.Lock(), nf.function(abs)
            self.me = self

    found = inventory(Checkpoint(model=Plain()))
    assert list(found.variables) == ["model/w"]
    assert found.links == {"model/me": "model"}


def test_names_with_slashes_and_dots_are_escaped() -> None:
    """As TensorFlow writes them."""
    found = inventory(Checkpoint(d={"a/b": nf.Variable(1), "c.d": nf.Variable(2)}))
    assert list(found.variables) == ["d/a.Sb", "d/c..d"]


def test_a_key_that_is_no_text_is_refused() -> None:
    """Two keys could have one name."""
    with pytest.raises(ValueError, match=r"^checkpoint: the key 1 is no text, so its value cannot"):
        inventory(Checkpoint(d={1: nf.Variable(1.0)}))
    assert inventory(Checkpoint(d={1: "no variable"})).variables == {}


def test_the_root_s_attributes_have_no_name_in_front(tmp_path: Path) -> None:
    """Checkpoint(model) and Checkpoint(model, more=...)."""
    layer = Dense(2, 3)
    assert list(inventory(Checkpoint(layer)).variables) == ["kernel", "bias"]
    step = nf.Variable(0)
    assert list(inventory(Checkpoint(layer, step=step)).variables) == ["kernel", "bias", "step"]
    path = Checkpoint(layer).save(tmp_path / "a")
    Checkpoint(Dense(2, 3, 5.0)).restore(path).assert_consumed()


def test_what_cannot_be_saved_is_refused_at_once() -> None:
    """The message shows the value and the remedy."""
    with pytest.raises(
        ValueError, match=r"^Checkpoint: step is neither a variable nor can it"
    ) as e:
        Checkpoint(step=3)
    assert "  step: int 3\n  try: step=nf.Variable(...)" in str(e.value)
    with pytest.raises(ValueError, match="root is neither a variable nor can it contain any"):
        Checkpoint(nf.Variable(1.0))


# --- there and back ------------------------------------------------------------


def test_everything_comes_back(tmp_path: Path) -> None:
    """Model, optimizer with its slots, counters, into objects that were made anew."""
    net, optimizer, step = Net(), nf.optimizers.Adam(0.125), nf.Variable(41)
    train(net, optimizer, 3)
    saved = Checkpoint(net=net, optimizer=optimizer, step=step)
    path = saved.save(tmp_path / "folder" / "ckpt")
    assert path == str(tmp_path / "folder" / "ckpt-1") and saved.save_counter.numpy() == 1
    other, fresh = Net(9.0), nf.optimizers.Adam(0.5)
    again = Checkpoint(net=other, optimizer=fresh, step=nf.Variable(0))
    status = again.restore(path)
    status.assert_consumed().assert_existing_objects_matched().assert_nontrivial_match()
    assert values(again) == values(saved)
    assert len(fresh._variables) == 5 and fresh.iterations.numpy() == 3
    train(net, optimizer)
    train(other, fresh)
    assert values(again) == values(saved)  # also after one more step
    assert again.save(tmp_path / "folder" / "ckpt").endswith("ckpt-2")


def test_a_resumed_run_equals_one_that_was_not_interrupted(tmp_path: Path) -> None:
    """With a compiled step, into new objects and back into the old ones: the same bits."""
    x = np.linspace(-1, 1, 14, dtype="f4").reshape(7, 2)

    def run() -> tuple[Checkpoint, Any]:
        layer, optimizer = Dense(2, 3, 0.5), nf.optimizers.Adam(0.125)

        @nf.function
        def step() -> Any:
            with nf.GradientTape() as tape:
                loss = nf.reduce_sum(nf.square(nf.matmul(x, layer.kernel) + layer.bias - 1.0))
            variables = [layer.kernel, layer.bias]
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return loss

        return Checkpoint(layer=layer, optimizer=optimizer), step

    saved, step = run()
    for _ in range(3):
        step()
    path = saved.write(tmp_path / "a")
    expected = [float(step()) for _ in range(3)]
    other, resumed = run()
    other.read(path).assert_consumed()
    assert [float(resumed()) for _ in range(3)] == expected
    saved.read(path).assert_consumed()
    assert [float(step()) for _ in range(3)] == expected


def test_every_dtype_comes_back(tmp_path: Path) -> None:
    """bfloat16 and strings too; empty and scalar."""
    import ml_dtypes

    arrays = [
        np.arange(3, dtype=t)
        for t in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
    ]
    arrays += [np.array([1.5, -3], ml_dtypes.bfloat16), np.array([True, False]), np.zeros((0, 3))]
    arrays += [np.array(2.5), np.array([b"a", b"", "κ".encode()], object)]
    old = Checkpoint(v=[nf.Variable(a) for a in arrays])
    path = old.write(tmp_path / "a")
    blank = [np.full_like(a, b"x" if a.dtype == object else 0) for a in arrays]
    new = Checkpoint(v=[nf.Variable(a) for a in blank])
    new.read(path).assert_consumed()
    for a, v in zip(arrays, new.v, strict=True):
        assert v.numpy().dtype == a.dtype
        np.testing.assert_array_equal(v.numpy(), a)


def test_older_tensors_keep_their_values(tmp_path: Path) -> None:
    """A restore writes variables in place, unless somebody holds the value."""
    v = nf.Variable([1.0, 2.0])
    checkpoint = Checkpoint(v=v)
    path = checkpoint.write(tmp_path / "a")
    v.assign([3.0, 4.0])
    held = v.value()
    checkpoint.read(path)
    assert held.numpy().tolist() == [3, 4] and v.numpy().tolist() == [1, 2]


def test_shared_objects_are_saved_once_and_found_by_any_name(tmp_path: Path) -> None:
    """A program that has only the second way to an object restores it all the same."""
    net = Net(1.0)
    first = Checkpoint(a=net, b=net, kernel=net.layers[0].kernel)
    path = first.write(tmp_path / "a")
    assert len(nf.train.list_variables(path)) == 6
    other = Net(0.0)
    Checkpoint(b=other).read(path).assert_consumed()
    assert values(Checkpoint(b=other)) == values(Checkpoint(b=net))
    kernel = nf.Variable(np.zeros((2, 3), "f4"))
    Checkpoint(kernel=kernel).read(path).assert_existing_objects_matched()
    assert kernel.numpy().sum() == 6


def test_objects_may_refer_to_each_other(tmp_path: Path) -> None:
    """A circle ends."""
    a, b = Dense(2, 3, 1.0), Dense(3, 2, 2.0)
    a.next, b.next = b, a
    saved = Checkpoint(a=a)
    path = saved.write(tmp_path / "a")
    c, d = Dense(2, 3), Dense(3, 2)
    c.next, d.next = d, c
    again = Checkpoint(a=c)
    again.read(path).assert_consumed()
    assert values(again) == values(saved)


def test_a_variable_is_found_by_its_name_where_its_path_changed(tmp_path: Path) -> None:
    """If the name is unique and says something."""
    path = Checkpoint(old=nf.Variable(3.0, name="temperature"), x=nf.Variable(1.0)).write(
        tmp_path / "a"
    )
    t, x = nf.Variable(0.0, name="temperature"), nf.Variable(0.0)
    status = Checkpoint(new=t, y=x).read(path)
    assert t.numpy() == 3 and x.numpy() == 0
    assert status.missing == ["y"] and status.unexpected == ["x"]


def test_slots_of_variables_outside_of_the_checkpoint(tmp_path: Path) -> None:
    """They go by the variable's name."""
    w, optimizer = nf.Variable([1.0], name="w"), nf.optimizers.SGD(0.5, momentum=0.5)
    optimizer.apply_gradients([(nf.constant([1.0]), w)])
    path = Checkpoint(optimizer=optimizer).write(tmp_path / "a")
    v, other = nf.Variable([1.0], name="w"), nf.optimizers.SGD(0.5, momentum=0.5)
    status = Checkpoint(optimizer=other).read(path)
    assert status.unexpected == ["optimizer/slots/momentum/:w"]
    other.build([v])
    status.assert_consumed()
    assert other.slot(v, "momentum").numpy().tolist() == [-0.5]


# --- restore on create -----------------------------------------------------------


def test_variables_made_later_get_their_values(tmp_path: Path) -> None:
    """A model that makes its layers at the first call, and its optimizer's slots."""

    class Lazy(Module):
        def build(self) -> None:
            self.first = Dense(2, 3)
            self.rest = [Dense(3, 5)]

    old, optimizer = Lazy(), nf.optimizers.Adam(0.25)
    old.build()
    optimizer.apply_gradients([(nf.ones_like(v), v) for v in old.trainable_variables])
    saved = Checkpoint(net=old, optimizer=optimizer)
    path = saved.save(tmp_path / "a")
    new, fresh = Lazy(), nf.optimizers.Adam(0.5)
    again = Checkpoint(net=new, optimizer=fresh)
    status = again.restore(path)
    status.assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="in the file, in no variable"):
        status.assert_consumed()
    new.build()
    assert values(again) == values(saved)
    status.assert_consumed()


def test_attributes_of_a_checkpoint_set_later_get_their_values(tmp_path: Path) -> None:
    """Variables, lists of them and optimizers."""
    w, optimizer = nf.Variable([2.0]), nf.optimizers.SGD(0.5, momentum=0.5)
    optimizer.apply_gradients([(nf.constant([1.0]), w)])
    path = Checkpoint(w=w, more=[nf.Variable(5)], optimizer=optimizer).write(tmp_path / "a")
    again = Checkpoint()
    status = again.read(path)
    again.optimizer = nf.optimizers.SGD(0.125, momentum=0.5)
    again.more = [nf.Variable(0)]
    again.w = nf.Variable([0.0])
    assert again.w.numpy() == w.numpy() and again.more[0].numpy() == 5
    assert again.optimizer.slot(again.w, "momentum").numpy() == [-0.5]
    assert again.optimizer.learning_rate.numpy() == 0.5
    status.assert_consumed()


def test_what_was_added_to_a_list_gets_its_value_at_the_next_check(tmp_path: Path) -> None:
    """A list tells nobody that it grew."""
    path = Checkpoint(v=[nf.Variable(1), nf.Variable(2)]).write(tmp_path / "a")
    again = Checkpoint(v=[nf.Variable(0)])
    status = again.read(path)
    again.v.append(nf.Variable(0))
    status.assert_consumed()
    assert again.v[1].numpy() == 2


def test_a_restored_variable_is_not_restored_again(tmp_path: Path) -> None:
    """What training did since then stays."""
    path = Checkpoint(v=nf.Variable(1), w=nf.Variable(2)).write(tmp_path / "a")
    again = Checkpoint(v=nf.Variable(0))
    status = again.read(path)
    again.v.assign(5)
    status.assert_existing_objects_matched()
    again.w = nf.Variable(0)
    assert (again.v.numpy(), again.w.numpy()) == (5, 2)


def test_waiting_keeps_no_object_alive(tmp_path: Path) -> None:
    """A checkpoint of which something is left does not hold the model."""
    path = Checkpoint(net=Net(), rest=nf.Variable(1)).write(tmp_path / "a")
    net = Net()
    Checkpoint(net=net).read(path).expect_partial()
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


def test_the_last_restored_checkpoint_is_waited_for(tmp_path: Path) -> None:
    """Not one before."""
    paths = [Checkpoint(v=nf.Variable(i)).write(tmp_path / f"a{i}") for i in (1, 2)]
    again = Checkpoint()
    for path in [*paths, paths[0]]:
        again.read(path)
    again.v = nf.Variable(0)
    assert again.v.numpy() == 1


def test_an_optimizer_inside_of_an_object_called_slots(tmp_path: Path) -> None:
    """The path of a slot is understood whatever stands around it."""
    w, optimizer = nf.Variable([1.0]), nf.optimizers.SGD(0.5, momentum=0.5)
    optimizer.apply_gradients([(nf.constant([1.0]), w)])
    path = Checkpoint(slots={"slots": {"o": optimizer, "slots": w}}).write(tmp_path / "a")
    v, other = nf.Variable([0.0]), nf.optimizers.SGD(0.5, momentum=0.5)
    Checkpoint(slots={"slots": {"o": other, "slots": v}}).read(path).assert_consumed()
    assert other.slot(v, "momentum").numpy() == [-0.5]


def test_restoring_takes_no_second_copy(tmp_path: Path) -> None:
    """64 MiB are read into the variable's own memory, also when the save is the first."""
    import tracemalloc

    v = nf.Variable(np.zeros(16 << 20, "f4"))
    checkpoint = Checkpoint(v=v)
    checkpoint.restore(checkpoint.save(tmp_path / "warm"))
    tracemalloc.start()
    path = checkpoint.save(tmp_path / "a")
    checkpoint.restore(path).assert_consumed()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


# --- what does not fit -----------------------------------------------------------


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
        "  at test_checkpoint.py:"
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


# --- saving ------------------------------------------------------------------------


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


# --- checkpoints of others ---------------------------------------------------------

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


def test_copies_are_other_variables() -> None:
    """A copied model is no part of the first one's checkpoint."""
    net = Net(1.0)
    twin = copy.deepcopy(net)
    assert len(inventory(Checkpoint(a=net, b=twin)).variables) == 12
