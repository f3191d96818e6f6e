"""What every op must keep: value, promised spec, gradients, dtypes, strides, tracing.

A Case names a public function, what it should compute in float64 NumPy (the oracle, independent of
the op's own reference), and its arguments. Floating arguments are drawn once, cast to each dtype,
and the oracle sees the numbers after the cast. Tests of a family are one parametrised call of
`check`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import numflow as nf
from numflow.graph.building import Building
from numflow.graph.graph import GraphBuilder
from numflow.graph.op import interpreting
from numflow.graph.spec import spec_of

Array = np.ndarray[Any, Any]

FLOATS = (nf.float32, nf.float64, nf.float16, nf.bfloat16)
SINGLE_AND_DOUBLE = (nf.float32, nf.float64)
TOLERANCE = {"float64": 1e-12, "float32": 3e-5, "float16": 1e-2, "bfloat16": 6e-2}


@dataclass(frozen=True)
class Drawn:
    """An argument: an array of a kind ("f", "i" or "b") and shape with elements in [low, high)."""

    kind: str
    shape: tuple[int, ...]
    low: float
    high: float

    def __call__(self, rng: np.random.Generator) -> Array:
        if self.kind == "f":
            return rng.uniform(self.low, self.high, self.shape)
        if self.kind == "b":
            return rng.integers(0, 2, self.shape).astype(bool)
        return rng.integers(int(self.low), int(self.high), self.shape).astype(np.int32)


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> Drawn:
    """Floats of each dtype the case is for."""
    return Drawn("f", shape, low, high)


def ints(*shape: int, low: int = -9, high: int = 10) -> Drawn:
    """int32."""
    return Drawn("i", shape, low, high)


def bools(*shape: int) -> Drawn:
    """Bools."""
    return Drawn("b", shape, 0, 2)


@dataclass(frozen=True)
class Case:
    """op(*args, **attrs) must be oracle(*args) and keep the contract."""

    op: Callable[..., Any]
    oracle: Callable[..., Any]
    args: Sequence[Drawn]
    attrs: dict[str, Any] = field(default_factory=dict)
    dtypes: Sequence[nf.DType] = FLOATS
    gradient: bool = True  # of the floating arguments
    second: bool = True  # the gradient of the gradient
    traced: bool = True
    slack: float = 1.0  # factor on the tolerance, for what loses digits by its nature

    @property
    def name(self) -> str:
        shapes = "-".join("x".join(map(str, a.shape)) or "scalar" for a in self.args)
        attrs = ",".join(f"{k}={v}" for k, v in self.attrs.items())
        return f"{self.op.__name__}({shapes}{';' + attrs if attrs else ''})"

    def arrays(self) -> list[Array]:
        """The same numbers in every run."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        return [draw(rng) for draw in self.args]

    @property
    def has_floats(self) -> bool:
        return any(a.kind == "f" for a in self.args)

    def cast(self, arrays: Sequence[Array], dtype: nf.DType) -> list[Array]:
        """arrays, the floating ones in dtype."""
        return [a.astype(dtype.numpy) if a.dtype.kind == "f" else a for a in arrays]

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """The outputs, as a list of tensors."""
        got = self.op(*arrays, **self.attrs)
        return list(got) if isinstance(got, list | tuple) else [got]


def ids(case: Case) -> str:
    """For pytest.mark.parametrize."""
    return case.name


def check(case: Case) -> None:
    """Every promise that applies to the case."""
    for dtype in case.dtypes if case.has_floats else (nf.float32,):
        check_value(case, dtype)
    check_strided(case)
    if case.traced:
        check_traced(case)
    if case.gradient and case.has_floats:
        check_gradient(case)


def check_value(case: Case, dtype: nf.DType) -> None:
    """The oracle's numbers, and the shape and dtype that the shape rule promises."""
    arrays = case.cast(case.arrays(), dtype)
    got = case.run([nf.constant(a) for a in arrays])
    wanted = _oracle(case, arrays)
    assert len(got) == len(wanted)
    for value, want in zip(got, wanted, strict=True):
        assert value.shape == want.shape, f"{case.name}: {value.shape} for {want.shape}"
        _close(value.numpy(), want, case, value.dtype)
    for value, spec in zip(got, _promised(case, arrays), strict=True):
        assert value.spec == spec, f"{case.name}: {value.spec}, promised {spec}"


def _oracle(case: Case, arrays: Sequence[Array]) -> list[Array]:
    wide = [a.astype(np.float64) if nf.as_dtype(a.dtype).is_floating else a for a in arrays]
    with np.errstate(all="ignore"):
        want = case.oracle(*wide)
    return [np.asarray(w) for w in want] if isinstance(want, list | tuple) else [np.asarray(want)]


def _close(got: Any, want: Array, case: Case, dtype: nf.DType) -> None:
    if dtype.is_floating:
        tolerance = TOLERANCE[dtype.name] * case.slack
        got = np.asarray(got, np.float64)
        scale = np.max(np.abs(want), initial=1.0, where=np.isfinite(want))
        np.testing.assert_allclose(
            got, want, tolerance, tolerance * float(scale), err_msg=case.name
        )
    else:
        np.testing.assert_array_equal(got, want, err_msg=case.name)


def _promised(case: Case, arrays: Sequence[Array]) -> list[Any]:
    """The specs that the op has while a graph is built."""
    building = Building(GraphBuilder())
    inputs = [building.tensor(building.builder.add_input(spec_of(a))) for a in arrays]
    with interpreting(building):
        return [t.spec for t in case.run(inputs)]


def check_strided(case: Case) -> None:
    """Arrays that are not contiguous give what their copies give."""
    arrays = case.cast(case.arrays(), nf.float32)
    strided = [np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a for a in arrays]
    for value, want in zip(case.run(strided), case.run(arrays), strict=True):
        np.testing.assert_array_equal(value.numpy(), want.numpy())


def check_traced(case: Case) -> None:
    """nf.function of the op, and of its gradient, gives what they give eagerly."""
    arrays = case.cast(case.arrays(), nf.float32)
    tensors = [nf.constant(a) for a in arrays]
    _same_traced(case, case.run, tensors)
    if case.gradient and case.has_floats:
        _same_traced(case, lambda x: _gradients(case, x), tensors)


def _same_traced(case: Case, run: Callable[..., list[Any]], tensors: Sequence[Any]) -> None:
    compiled = nf.function(lambda *x: run(x))
    for value, want in zip(compiled(*tensors), run(tensors), strict=True):
        assert value.spec == want.spec
        _close(value.numpy(), np.asarray(want, np.float64), case, value.dtype)


def _gradients(case: Case, tensors: Sequence[Any]) -> list[Any]:
    """Of the sum of the squares of all floating outputs, for each floating input."""
    floating = [x for x in tensors if x.dtype.is_floating]
    with nf.GradientTape() as tape:
        tape.watch(floating)
        outputs = [y for y in case.run(tensors) if y.dtype.is_floating]
        total = nf.add_n([nf.reduce_sum(y * y) for y in outputs]) if outputs else None
    if total is None:
        return []
    return list(tape.gradient(total, floating, unconnected_gradients="zero"))


# --- gradients -------------------------------------------------------------------------


def check_gradient(case: Case) -> None:
    """Derivatives along a random direction are those of finite differences, first and second."""
    arrays = case.cast(case.arrays(), nf.float64)
    floating = [k for k, a in enumerate(arrays) if a.dtype.kind == "f"]
    rng = np.random.default_rng(7)
    weights = [rng.uniform(0.5, 1.5, t.shape) for t in case.run(arrays) if t.dtype.is_floating]
    if not weights:
        return
    directions: dict[int, Array] = {}
    for k in floating:
        directions[k] = np.asarray(rng.uniform(-1, 1, arrays[k].shape))

    def total(inputs: Sequence[Any]) -> Any:
        """One number made of all floating outputs."""
        outputs = [t for t in case.run(inputs) if t.dtype.is_floating]
        return nf.add_n([nf.reduce_sum(t * w) for t, w in zip(outputs, weights, strict=True)])

    def slope(inputs: Sequence[Any]) -> Any:
        """The derivative of total along the direction."""
        tensors = [a if isinstance(a, nf.Tensor) else nf.constant(a) for a in inputs]
        with nf.GradientTape() as tape:
            for k in floating:
                tape.watch(tensors[k])
            value = total(tensors)
        gradients = tape.gradient(value, [tensors[k] for k in floating])
        parts = [
            nf.reduce_sum(g * directions[k])
            for k, g in zip(floating, gradients, strict=True)
            if g is not None
        ]
        for k, g in zip(floating, gradients, strict=True):
            assert g is None or g.spec == tensors[k].spec, f"{case.name}: gradient {g.spec}"
        return nf.add_n(parts) if parts else nf.constant(0.0, nf.float64)

    _same_slope(case, total, slope, arrays, directions)
    if not case.second:
        return

    def curvature(inputs: Sequence[Any]) -> Any:
        """The derivative of slope along the direction."""
        tensors = [nf.constant(a) for a in inputs]
        with nf.GradientTape() as tape:
            for k in floating:
                tape.watch(tensors[k])
            value = slope(tensors)
        gradients = tape.gradient(value, [tensors[k] for k in floating])
        parts = [
            nf.reduce_sum(g * directions[k])
            for k, g in zip(floating, gradients, strict=True)
            if g is not None
        ]
        return nf.add_n(parts) if parts else nf.constant(0.0, nf.float64)

    _same_slope(case, slope, curvature, arrays, directions)


def _same_slope(
    case: Case,
    function: Callable[..., Any],
    derivative: Callable[..., Any],
    arrays: Sequence[Array],
    directions: dict[int, Array],
) -> None:
    """Central differences: their error is about step^2 + 1e-16 / step."""
    step = 1e-5

    def moved(by: float) -> float:
        return float(
            function(
                [a + by * directions[k] if k in directions else a for k, a in enumerate(arrays)]
            )
        )

    want = (moved(step) - moved(-step)) / (2 * step)
    got = float(derivative(arrays))
    np.testing.assert_allclose(got, want, 2e-5, 2e-5 * max(1.0, abs(want)), err_msg=case.name)
