"""Objects are saved and restored."""

import copy
import gc
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.checkpointing.checkpoint import Checkpoint
from numflow.checkpointing.objects import inventory
from numflow.eager.module import Module
from tests.checkpointing.nets import Dense, Net, train, values

ROOT = Path(__file__).parents[2]


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


def test_copies_are_other_variables() -> None:
    """A copied model is no part of the first one's checkpoint."""
    net = Net(1.0)
    twin = copy.deepcopy(net)
    assert len(inventory(Checkpoint(a=net, b=twin)).variables) == 12
