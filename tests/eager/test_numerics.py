"""enable_check_numerics: who made the first number that is not finite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import numflow as nf

Refused = nf.errors.InvalidArgumentError


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    nf.debugging.enable_check_numerics()
    yield
    nf.debugging.disable_check_numerics()


def _problem(run: object, *args: object) -> str:
    with pytest.raises(Refused) as caught:
        run(*args)  # type: ignore[operator]
    return str(caught.value)


def test_an_eager_op_is_named() -> None:
    """With TensorFlow's words, its inputs, the first element, and the lines of the user."""
    x, y = nf.constant([1.0, 0.0, -1.0]), nf.constant([2.0, 0.0, 0.0])
    lines = _problem(nf.divide, x, y).split("\n")
    assert lines[:9] == [
        '!!! Detected Infinity or NaN in output 0 of eagerly-executing op "divide" '
        "(# of outputs: 1) !!!",
        "  dtype: float32",
        "  shape: (3,)",
        "  # of -Inf elements: 1",
        "  # of NaN elements: 1",
        "  first: element [1], nan",
        "  Input tensors (2):",
        "    0: float32 (3,) [1 0 -1]",
        "    1: float32 (3,) [2 0 0]",
    ]
    assert "test_numerics.py" in lines[9] and "run(*args)" in lines[9]
    assert len(lines) == 9 + 30


def test_the_stack_and_paths_may_be_short() -> None:
    nf.debugging.enable_check_numerics(stack_height_limit=1, path_length_limit=9)
    lines = _problem(nf.math.log, nf.constant(0.0)).split("\n")
    assert lines[-1].startswith("  at ...merics.py:") and len(lines) == 7
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="stack_height_limit is positive, not"):
            nf.debugging.enable_check_numerics(stack_height_limit=wrong)


def test_a_program_names_the_first_op_and_its_line() -> None:
    """Though the loop looks at later values only, and those after it are not finite either."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        y = x * 2.0
        z = 1.0 / y
        w = z + 1.0
        return nf.reduce_sum(w * w)

    assert np.isfinite(f(nf.constant([1.0, 2.0])).numpy())
    text = _problem(f, nf.constant([1.0, 0.0]))
    assert 'of graph op "divide"' in text or 'of graph op "reciprocal"' in text
    assert "# of +Inf elements: 1" in text and "first: element [1], inf" in text
    assert "test_numerics.py" in text and text.endswith("z = 1.0 / y")


def test_a_gradient_names_the_line_of_the_forward_op() -> None:
    """Traced as a whole, around a compiled call, and eagerly."""

    def f(x: nf.Tensor) -> nf.Tensor:
        return nf.reduce_sum(nf.sqrt(x))  # the slope at 0

    def inside(x: nf.Tensor) -> nf.Tensor:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x)

    def around(x: nf.Tensor) -> nf.Tensor:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.function(f)(x)
        return tape.gradient(y, x)

    for run in (nf.function(inside), around, inside):
        text = _problem(run, nf.constant([4.0, 0.0]))
        assert "# the slope at 0" in text


def test_functions_that_were_compiled_before_are_looked_at() -> None:
    """And no more when it is over."""
    nf.debugging.disable_check_numerics()

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        return nf.math.log(x) + 1.0

    zero = nf.constant([0.0])
    for _ in range(3):
        assert f(zero).numpy().tolist() == [-np.inf]
    traced = f.experimental_get_tracing_count()
    nf.debugging.enable_check_numerics()
    for _ in range(3):
        assert 'graph op "log"' in _problem(f, zero)
    nf.debugging.disable_check_numerics()
    for _ in range(3):
        assert f(zero).numpy().tolist() == [-np.inf]
    assert f.experimental_get_tracing_count() == traced


def test_loops_stay_fused() -> None:
    """One loop, and of sums and products the last alone is looked at."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        return (nf.exp(x) * x + 2.0 - x) * 3.0

    f(nf.constant([1.0]))
    report = str(f.explain(nf.constant([1.0, 2.0])))
    assert "1 instruction" in report.split("\n")[1]
    assert report.split("Kernels")[1].count("refuse(") == 1


def test_a_step_that_is_refused_changes_no_variable() -> None:
    v = nf.Variable([1.0, 2.0])

    @nf.function
    def step(x: nf.Tensor) -> nf.Tensor:
        v.assign_sub(1.0 / x)
        return nf.reduce_sum(v)

    step(nf.constant([1.0, 1.0]))
    _problem(step, nf.constant([1.0, 0.0]))
    assert v.numpy().tolist() == [0.0, 1.0]


def test_complex_numbers() -> None:
    """Their parts are counted; in a program they are looked at by the host."""
    x = nf.constant([1.0, np.inf], nf.complex64)
    for run in (nf.exp, nf.function(nf.exp)):
        text = _problem(run, x)
        assert "# of +Inf elements: 1\n" in text and "first: element [1]" in text
        assert run(x[:1]).dtype is nf.complex64


def test_other_refusals_are_told_as_before() -> None:
    f = nf.function(lambda x, i: nf.gather(nf.exp(x), i))
    assert "indices[1] = 7 is outside" in _problem(f, nf.ones([3]), nf.constant([0, 7]))


def test_moving_and_choosing_is_not_asked() -> None:
    """What is not finite in an input is reported by who computes with it."""
    x = nf.constant([np.nan, 1.0])

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        return nf.where(nf.math.is_nan(x), 0.0, nf.reshape(x, [2])) + 1.0

    assert f(x).numpy().tolist() == [1.0, 2.0]
    assert nf.where(nf.math.is_nan(x), 0.0, x).numpy().tolist() == [0.0, 1.0]
