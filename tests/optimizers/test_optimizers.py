"""SGD and Adam against their formulas in NumPy, eagerly and in a traced step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import ShapeError
from numflow.optimizers import SGD, Adam, Optimizer

Arrays = list[np.ndarray[Any, Any]]
BOTH = pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])


def sgd(grads: Arrays, w: Any, momentum: float, nesterov: bool, rate: float) -> Any:
    m = np.zeros_like(w)
    for g in grads:
        m = momentum * m - rate * g
        w = w + (momentum * m - rate * g if nesterov else m)
    return w


def adam(grads: Arrays, w: Any, amsgrad: bool, rate: float) -> Any:
    b1, b2, eps = 0.9, 0.99, 1e-6
    m, v, top = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        top = np.maximum(top, v)
        step = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
        w = w - step * m / (np.sqrt(top if amsgrad else v) + eps)
    return w


CASES: dict[str, tuple[Callable[[], Optimizer], Callable[[Arrays, Any], Any]]] = {
    "sgd": (lambda: SGD(0.1), lambda g, w: sgd(g, w, 0, False, 0.1)),
    "momentum": (lambda: SGD(0.1, 0.9), lambda g, w: sgd(g, w, 0.9, False, 0.1)),
    "nesterov": (lambda: SGD(0.1, 0.9, True), lambda g, w: sgd(g, w, 0.9, True, 0.1)),
    "adam": (lambda: Adam(0.1, 0.9, 0.99, 1e-6), lambda g, w: adam(g, w, False, 0.1)),
    "amsgrad": (lambda: Adam(0.1, 0.9, 0.99, 1e-6, True), lambda g, w: adam(g, w, True, 0.1)),
}


@BOTH
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_formulas(case: str, dtype: str, traced: bool) -> None:
    make, formula = CASES[case]
    r = np.random.default_rng(1)
    start = [r.normal(size=s).astype(dtype) for s in [(3, 5), (7,), ()]]
    grads = [[np.asarray(r.normal(size=w.shape), dtype) for w in start] for _ in range(4)]
    variables = [nf.Variable(w) for w in start]
    optimizer = make()

    def step(gs: Any) -> None:
        optimizer.apply_gradients(zip(gs, variables, strict=True))

    f: Any = nf.function(step) if traced else step
    for gs in grads:
        f([nf.constant(g) for g in gs])
    assert int(optimizer.iterations) == 4
    for k, (v, w) in enumerate(zip(variables, start, strict=True)):
        want = formula([gs[k].astype(np.float64) for gs in grads], w.astype(np.float64))
        # the rate is float32, as in Keras
        np.testing.assert_allclose(v, want, rtol=1e-5, atol=1e-6)


@BOTH
def test_the_rate_may_be_changed_without_a_new_trace(traced: bool) -> None:
    v, optimizer = nf.Variable(1.0), SGD(0.5)

    def step() -> None:
        optimizer.apply_gradients([(nf.constant(1.0), v)])

    f: Any = nf.function(step) if traced else step
    f()
    optimizer.learning_rate = 0.25
    f()
    assert float(v) == 0.25 and float(optimizer.learning_rate) == 0.25
    if traced:
        assert f.experimental_get_tracing_count() == 1


@BOTH
def test_a_schedule_is_asked_with_the_step_count(traced: bool) -> None:
    v, optimizer = nf.Variable(0.0), SGD(lambda step: 1.0 / nf.cast(step + 1, nf.float32))

    def step() -> None:
        optimizer.apply_gradients([(nf.constant(-1.0), v)])

    f: Any = nf.function(step) if traced else step
    for _ in range(3):
        f()
    np.testing.assert_allclose(v, 1 + 1 / 2 + 1 / 3, rtol=1e-6)


def test_minimize_takes_a_function_or_a_tensor_with_its_tape() -> None:
    v, optimizer = nf.Variable(3.0), SGD(0.5)
    optimizer.minimize(lambda: v * v, [v])
    assert float(v) == 0.0
    v.assign(3.0)
    with nf.GradientTape() as tape:
        loss = v * v
    optimizer.minimize(loss, [v], tape)
    assert float(v) == 0.0
    with pytest.raises(ValueError, match="a loss that is a tensor needs its tape"):
        optimizer.minimize(loss, [v])


def test_variables_without_a_gradient_are_named_with_the_reason() -> None:
    v, w = nf.Variable(3.0, name="v"), nf.Variable(3.0, name="w")
    with nf.GradientTape() as tape:
        y = v * v
    grads = tape.gradient(y, [v, w])
    optimizer = SGD(0.5)
    with pytest.warns(UserWarning) as caught:
        optimizer.apply_gradients(zip(grads, [v, w], strict=True))
    assert str(caught[0].message).startswith(
        "apply_gradients: some variables have no gradient, and stay\n"
        "  w:0: variable w:0 was not read while the tape recorded"
    )
    assert float(v) == 0.0 and float(w) == 3.0
    with pytest.raises(ValueError, match="no variable has a gradient"):
        optimizer.apply_gradients([(None, w)])
    with pytest.raises(ValueError, match="there are no variables"):
        optimizer.apply_gradients([])


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"clipvalue": 1.0}, [[-1.0, 1.0], [-1.0]]),
        ({"clipnorm": 1.0}, [[-0.6, 0.8], [-1.0]]),
        ({"global_clipnorm": 1.0}, [[-3 / 13, 4 / 13], [-12 / 13]]),
        ({"weight_decay": 0.5}, [[-3.5, 3.5], [-12.5]]),
    ],
)
def test_clipping_and_decay(options: dict[str, Any], want: list[list[float]]) -> None:
    v, w = nf.Variable([1.0, 1.0]), nf.Variable([1.0])
    grads = nf.constant([3.0, -4.0]), nf.constant([12.0])
    SGD(1.0, **options).apply_gradients([(grads[0], v), (grads[1], w)])
    for x, y in zip((v, w), want, strict=True):
        np.testing.assert_allclose(x.numpy() - 1, y, rtol=1e-6)


def test_constraints_apply_after_the_step() -> None:
    v = nf.Variable(1.0, constraint=lambda x: nf.maximum(x, 0.0))
    SGD(1.0).apply_gradients([(nf.constant(5.0), v)])
    assert float(v) == 0.0


def test_slots_are_variables_and_config_makes_another() -> None:
    v, optimizer = nf.Variable([1.0, 2.0], name="v"), Adam(0.1, amsgrad=True)
    optimizer.build([v])
    assert [x.name for x in optimizer.variables] == [
        "adam/iterations:0",
        "adam/learning_rate:0",
        "adam/v_momentum:0",
        "adam/v_velocity:0",
        "adam/v_velocity_hat:0",
    ]
    config = optimizer.get_config()
    assert Adam.from_config(config).get_config() == config
    assert nf.keras.optimizers.Adam is Adam


@BOTH
def test_a_gradient_of_another_shape_is_refused(traced: bool) -> None:
    v, optimizer = nf.Variable([1.0, 2.0], name="v"), SGD(0.5)

    def step() -> None:
        optimizer.apply_gradients([(nf.constant(1.0), v)])

    f = nf.function(step) if traced else step
    with pytest.raises(ShapeError) as e:
        f()
    assert str(e.value).startswith(
        "apply_gradients: the gradient's shape is not that of variable v:0\n"
        "  variable: float32 [2]\n"
        "  gradient: float32 []\n"
    )


def test_arguments_that_would_be_ignored_are_refused() -> None:
    SGD(0.1, jit_compile=True, use_ema=False)
    with pytest.raises(TypeError, match="SGD: nesterof is not an argument of it\n  nesterof: True"):
        SGD(0.1, nesterof=True)
    with pytest.raises(ValueError, match="Adam: ema_momentum must be between 0 and 1, not 2"):
        Adam(0.1, use_ema=True, ema_momentum=2)
    with pytest.raises(
        ValueError, match="SGD: ema_overwrite_frequency must be an integer of at le"
    ):
        SGD(0.1, use_ema=True, ema_overwrite_frequency=0)
    with pytest.raises(ValueError, match="SGD: gradient_accumulation_steps must be an integer of"):
        SGD(0.1, gradient_accumulation_steps=1)


def test_what_is_no_learning_rate_or_variable_is_refused() -> None:
    with pytest.raises(
        TypeError, match="SGD: learning_rate is text, which does not become float32"
    ):
        nf.optimizers.SGD("fast")
    with pytest.raises(TypeError, match="apply_gradients: EagerTensor is no variable"):
        nf.optimizers.SGD(0.1).apply_gradients([(nf.ones([2]), nf.ones([2]))])
