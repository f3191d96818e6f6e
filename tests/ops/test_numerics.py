"""check_numerics: its Cases, what it refuses, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest

import numflow as nf
from numflow import debugging
from tests.contract import Case, check, floats, ids

CASES = [
    Case(debugging.check_numerics, lambda x: x, [floats(*shape)], {"message": "loss"})
    for shape in [(3, 5), (), (1, 7), (0, 5)]
] + [Case(debugging.assert_all_finite, lambda x: x, [floats(2, 3)], {"message": "loss"})]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, specs, gradients, dtypes, strides and tracing."""
    check(case)


@pytest.mark.parametrize(
    ("values", "found"),
    [([1.0, np.nan], "NaN"), ([np.inf, 1.0], "Inf"), ([np.nan, -np.inf], "Inf and NaN")],
)
def test_what_is_not_finite_is_refused(values: list[float], found: str) -> None:
    """Eagerly and compiled, with TensorFlow's words and the first element."""
    place = int(np.argmax(~np.isfinite(values)))
    wanted = f"loss : Tensor had {found} values\n  first: element [{place}]"
    for run in (debugging.check_numerics, nf.function(debugging.check_numerics)):
        with pytest.raises(nf.errors.InvalidArgumentError) as caught:
            run(nf.constant(values), "loss")
        assert str(caught.value).startswith(wanted)


def test_an_unused_check_is_made() -> None:
    """A check has an effect: nobody need use its result."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        debugging.check_numerics(1.0 / x, "reciprocal")
        return x + 1.0

    assert f(nf.constant([1.0, 2.0])).numpy().tolist() == [2.0, 3.0]
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"reciprocal : Tensor had Inf"):
        f(nf.constant([1.0, 0.0]))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_gradient_that_is_not_finite_is_refused(compiled: bool) -> None:
    """sqrt has no finite slope at 0."""

    def slope(x: nf.Tensor) -> nf.Tensor:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = debugging.check_numerics(x, "x") * 1.0
            z = nf.sqrt(debugging.check_numerics(y, "y"))
        return tape.gradient(z, x)

    run = nf.function(slope) if compiled else slope
    assert run(nf.constant([4.0])).numpy().tolist() == [0.25]
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"detected in gradient. y : Tensor"):
        run(nf.constant([4.0, 0.0]))


def test_integers_are_refused() -> None:
    with pytest.raises(TypeError, match=r"check_numerics: x is int32, not floating"):
        debugging.check_numerics([1, 2], "m")
