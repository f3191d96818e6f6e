"""Gradients that are IndexedSlices: the same steps as with their dense form, on the rows alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import optimizers

RNG = np.random.default_rng(23)
START = RNG.normal(size=(11, 3)).astype(np.float32)
ROWS = RNG.normal(size=(5, 3)).astype(np.float32)

MAKERS: dict[str, Callable[..., Any]] = {
    "SGD": lambda **k: optimizers.SGD(0.1, **k),
    "momentum": lambda **k: optimizers.SGD(0.1, momentum=0.9, **k),
    "nesterov": lambda **k: optimizers.SGD(0.1, momentum=0.9, nesterov=True, **k),
    "Adagrad": lambda **k: optimizers.Adagrad(0.1, **k),
    "Adam": lambda **k: optimizers.Adam(0.1, **k),
    "amsgrad": lambda **k: optimizers.Adam(0.1, amsgrad=True, **k),
    "RMSprop": lambda **k: optimizers.RMSprop(0.1, **k),
    "centered": lambda **k: optimizers.RMSprop(0.1, momentum=0.9, centered=True, **k),
    "Adadelta": lambda **k: optimizers.Adadelta(0.1, **k),
    "Adamax": lambda **k: optimizers.Adamax(0.1, **k),
    "Nadam": lambda **k: optimizers.Nadam(0.1, **k),
    "Lion": lambda **k: optimizers.Lion(0.1, **k),
    "Ftrl": lambda **k: optimizers.Ftrl(0.1, **k),
}


def trained(optimizer: Any, sparse: bool, traced: bool, dtype: str = "float32") -> list[Any]:
    """The values after four steps on a table, of which index 1 is used twice, and a bias."""
    w, b = nf.Variable(START.astype(dtype)), nf.Variable(np.ones(3, dtype))

    def step(rows: Any, indices: Any) -> None:
        g: Any = nf.IndexedSlices(rows, indices, w.shape)
        g = g if sparse else nf.convert_to_tensor(g)
        optimizer.apply_gradients([(g, w), (b * 2, b)])

    run: Any = nf.function(step) if traced else step
    for k in range(4):
        run(nf.constant((ROWS * (k + 1)).astype(dtype)), nf.constant([1, 3, 1, k, 9]))
    return [v.numpy() for v in (w, b, *optimizer.variables)]


def same(got: list[Any], want: list[Any], tolerance: float = 2e-5) -> None:
    for x, y in zip(got, want, strict=True):
        np.testing.assert_allclose(x.astype(float), y.astype(float), tolerance, tolerance / 10)


@pytest.mark.parametrize("name", MAKERS)
def test_slices_give_what_the_dense_gradient_gives(name: str) -> None:
    """Eagerly and traced; rows of equal index are added before anything is squared."""
    want = trained(MAKERS[name](), False, False)
    for traced in (False, True):
        same(trained(MAKERS[name](), True, traced), want)


@pytest.mark.parametrize(
    "settings",
    [
        {"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.3}, {"weight_decay": 0.1},
        {"gradient_accumulation_steps": 2}, {"loss_scale_factor": 4.0},
        {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    ],
    ids=lambda s: next(iter(s)),
)  # fmt: skip
@pytest.mark.parametrize("name", ["SGD", "Adagrad", "Adam", "Nadam"])
def test_settings_mean_the_same_for_slices(name: str, settings: dict[str, Any]) -> None:
    want = trained(MAKERS[name](**settings), False, False)
    for sparse, traced in [(True, False), (True, True), (False, True)]:
        same(trained(MAKERS[name](**settings), sparse, traced), want)


@pytest.mark.parametrize("dtype", ["float64", "float16"])
@pytest.mark.parametrize("name", ["SGD", "Adagrad", "Adam"])
def test_dtypes(name: str, dtype: str) -> None:
    want = trained(MAKERS[name](), False, False, dtype)
    for traced in (False, True):
        same(
            trained(MAKERS[name](), True, traced, dtype), want, 2e-2 if dtype == "float16" else 1e-6
        )


def embedding_step(optimizer: Any, table: Any) -> Any:
    @nf.function
    def step(ids: Any, target: Any) -> Any:
        with nf.GradientTape() as tape:
            loss = nf.reduce_mean(nf.square(nf.nn.embedding_lookup(table, ids) - target))
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        return loss

    return step


@pytest.mark.parametrize("name", ["SGD", "Adagrad", "Adam", "RMSprop", "Adadelta"])
def test_a_step_makes_nothing_of_the_size_of_the_table(name: str) -> None:
    """The table and its slots are written where they are; the arena holds rows."""
    table = nf.Variable(RNG.normal(size=(5003, 37)).astype(np.float32), name="table")
    optimizer = MAKERS[name]()
    optimizer.build([table])
    held = [v._array.ctypes.data for v in (table, *optimizer.variables)]
    step = embedding_step(optimizer, table)
    ids, target = nf.constant([7, 4999, 7, 0]), nf.ones([4, 37])
    before = table.numpy()
    step(ids, target)
    assert [v._array.ctypes.data for v in (table, *optimizer.variables)] == held
    moved = np.flatnonzero((table.numpy() != before).any(1))
    assert moved.tolist() == [0, 7, 4999]
    report = str(step.explain())
    arena = next(line for line in report.splitlines() if line.strip().startswith("arena:"))
    size, unit = arena.split()[1:3]
    assert float(size) * {"bytes": 1, "KB": 1e3, "MB": 1e6}[unit] < 20_000, arena
    assert "copy" not in report.split("Program")[1].split("Memory")[0]


def test_only_adam_moves_rows_without_a_gradient() -> None:
    """SGD and Adagrad leave rows that a step does not use as they are; so does Adam, until their
    momentum is not 0."""
    for name, want in [("SGD", False), ("Adagrad", False), ("Adam", True)]:
        table = nf.Variable(START)
        step = embedding_step(MAKERS[name](), table)
        step(nf.constant([2]), nf.ones([1, 3]))
        before = table.numpy()
        step(nf.constant([5]), nf.ones([1, 3]))
        assert bool((table.numpy()[2] != before[2]).any()) is want


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("traced", [False, True])
def test_an_index_outside_changes_nothing(name: str, traced: bool) -> None:
    """Of slices that come from elsewhere than a gather."""
    w, optimizer = nf.Variable(START, name="table"), MAKERS[name]()

    def step(indices: Any) -> None:
        optimizer.apply_gradients([(nf.IndexedSlices(nf.ones([2, 3]), indices), w)])

    run: Any = nf.function(step) if traced else step
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"variable table:0: index 11 is outs"):
        run(nf.constant([0, 11]))
    assert (w.numpy() == START).all() and int(optimizer.iterations) == 0


def test_rows_that_do_not_fit_are_refused() -> None:
    """Other widths, other tables, other dtypes."""
    w, sgd = nf.Variable(START, name="table"), optimizers.SGD(0.1)
    for values, shape in [(nf.ones([2, 4]), None), (nf.ones([2, 3]), [12, 3])]:
        with pytest.raises(nf.errors.ShapeError, match="rows are not those of variable table:0"):
            sgd.apply_gradients([(nf.IndexedSlices(values, [0, 1], shape), w)])
    with pytest.raises(nf.errors.DTypeError, match="gradient is float64, not float32"):
        sgd.apply_gradients([(nf.IndexedSlices(nf.ones([2, 3], nf.float64), [0, 1]), w)])


def test_a_mixed_gradient_is_dense() -> None:
    """Rows, and the whole table, in one loss."""
    for traced in (False, True):
        w, sgd = nf.Variable(START), optimizers.SGD(0.5)

        def step(w: Any = w, sgd: Any = sgd) -> None:
            with nf.GradientTape() as tape:
                loss = nf.reduce_sum(nf.gather(w, [1, 1])) + nf.reduce_sum(w)
            g = tape.gradient(loss, w)
            assert isinstance(g, nf.Tensor)
            sgd.apply_gradients([(g, w)])

        (nf.function(step) if traced else step)()
        want = START - 0.5
        want[1] -= 1.0
        np.testing.assert_allclose(w.numpy(), want, 1e-6)
