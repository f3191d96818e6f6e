"""Complex numbers: every function of them as one of their two parts, values and gradients.

`of_parts(f)` takes the parts as two real tensors and gives those of f's result. So the contract
compares the gradients with finite differences of real numbers: a misplaced conjugate shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids

W = np.array([0.5 - 1.5j, -1.0 + 0.25j, 2.0 + 1.0j, 0.75 + 0.5j, -0.3 - 0.8j])


def of_parts(f: Callable[[Any], Any]) -> Callable[[Any, Any], list[Any]]:
    """f of a complex tensor, as a function of its parts."""

    def parts(re: Any, im: Any) -> list[Any]:
        y = f(nf.complex(re, im))
        return [nf.math.real(y), nf.math.imag(y)] if y.dtype.is_complex else [y]

    return parts


def numpy_of_parts(f: Callable[[Any], Any]) -> Callable[[Any, Any], list[Any]]:
    """The oracle: f of a complex array."""

    def parts(re: Any, im: Any) -> list[Any]:
        y = f(re + 1j * im)
        return [y.real, y.imag] if np.iscomplexobj(y) else [y]

    return parts


def like(z: Any, w: Any) -> Any:
    """w in z's dtype."""
    return nf.constant(w, nf.complex128) if z.dtype is nf.complex128 else nf.cast(w, z.dtype)


# name, numflow's function, NumPy's
FUNCTIONS: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = [
    ("conj", nf.math.conj, np.conj),
    ("abs", nf.abs, np.abs),
    ("angle", nf.math.angle, np.angle),
    ("sign", nf.sign, lambda z: z / np.abs(z)),
    ("square", nf.square, np.square),
    ("sqrt", nf.sqrt, np.sqrt),
    ("rsqrt", nf.math.rsqrt, lambda z: 1 / np.sqrt(z)),
    ("reciprocal", nf.math.reciprocal, lambda z: 1 / z),
    ("exp", nf.exp, np.exp),
    ("expm1", nf.math.expm1, np.expm1),
    ("log", nf.math.log, np.log),
    ("log1p", nf.math.log1p, np.log1p),
    ("sigmoid", nf.sigmoid, lambda z: 1 / (1 + np.exp(-z))),
    ("sin", nf.sin, np.sin),
    ("cos", nf.cos, np.cos),
    ("tan", nf.tan, np.tan),
    ("asin", nf.asin, np.arcsin),
    ("acos", nf.acos, np.arccos),
    ("atan", nf.atan, np.arctan),
    ("sinh", nf.sinh, np.sinh),
    ("cosh", nf.cosh, np.cosh),
    ("tanh", nf.tanh, np.tanh),
    ("asinh", nf.asinh, np.arcsinh),
    ("acosh", nf.acosh, np.arccosh),
    ("atanh", nf.atanh, np.arctanh),
    ("product", lambda z: z * like(z, W), lambda z: z * W),
    ("quotient", lambda z: like(z, W) / z, lambda z: W / z),
    ("power", lambda z: z ** like(z, 2.5 + 1j), lambda z: z ** (2.5 + 1j)),
    ("exponent", lambda z: nf.pow(like(z, 1.5 + 1j), z), lambda z: (1.5 + 1j) ** z),
    ("squared_difference", lambda z: nf.math.squared_difference(z, like(z, W)),
     lambda z: np.abs(z - W) ** 2 + 0j),
    ("divide_no_nan", lambda z: nf.math.divide_no_nan(like(z, W), z), lambda z: W / z),
    ("multiply_no_nan", lambda z: nf.math.multiply_no_nan(like(z, W), z), lambda z: W * z),
    ("xlogy", lambda z: nf.math.xlogy(z, z), lambda z: z * np.log(z)),
    ("xdivy", lambda z: nf.math.xdivy(like(z, W), z), lambda z: W / z),
    ("reduce_sum", lambda z: nf.reduce_sum(z * z, 0), lambda z: np.sum(z * z, 0)),
    ("reduce_prod", lambda z: nf.reduce_prod(z, 1), lambda z: np.prod(z, 1)),
    ("variance", lambda z: nf.math.reduce_variance(z, 0), lambda z: np.var(z, 0)),
    ("norm", nf.norm, lambda z: np.linalg.norm(z) + 0j),
    ("l2_normalize", nf.math.l2_normalize, lambda z: z / np.linalg.norm(z)),
    ("matmul", lambda z: nf.matmul(z, z, transpose_b=True), lambda z: z @ z.T),
    ("adjoint", lambda z: nf.matmul(z, z, adjoint_a=True), lambda z: z.conj().T @ z),
    ("transpose", lambda z: nf.transpose(z, conjugate=True), lambda z: z.conj().T),
]  # fmt: skip


def _case(name: str, f: Callable[[Any], Any], oracle: Callable[[Any], Any]) -> Case:
    op = of_parts(f)
    op.__name__ = name
    # In the first quadrant there are no branch cuts but that of atanh and acosh at 1.
    parts = [floats(3, 5, low=0.3, high=0.9), floats(3, 5, low=0.2, high=1.2)]
    return Case(op, numpy_of_parts(oracle), parts, dtypes=SINGLE_AND_DOUBLE, slack=20)


CASES = [_case(*f) for f in FUNCTIONS]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_gradient_is_the_steepest_ascent() -> None:
    """TensorFlow's convention: of |z|^2 it is 2 z, not 2 conj(z)."""
    z = nf.constant([1 + 2j, 3 - 4j])
    with nf.GradientTape() as tape:
        tape.watch(z)
        y = nf.reduce_sum(nf.square(nf.abs(z)))
    np.testing.assert_allclose(tape.gradient(y, z).numpy(), [2 + 4j, 6 - 8j])


def test_modulus_has_a_gradient_at_zero() -> None:
    z = nf.constant([0j])
    with nf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        y, s = nf.abs(z), nf.sign(z)
    assert tape.gradient(y, z).numpy().tolist() == [0]
    assert tape.gradient(s, z).numpy().tolist() == [0]


def test_parts_keep_what_is_not_finite() -> None:
    """inf + i nan is made of its parts, not computed."""
    z = nf.complex([np.inf, -0.0], [np.nan, -np.inf])
    assert z.dtype is nf.complex64 and np.isinf(z.numpy().real[0]) and np.isnan(z.numpy().imag[0])
    assert np.signbit(nf.math.real(z).numpy()[1]) and nf.math.imag(z).numpy()[1] == -np.inf


def test_dtypes() -> None:
    """float32 and float64 make the two complex dtypes; real numbers are their own real part."""
    assert nf.complex(nf.constant(1.0, nf.float64), 2.0).dtype is nf.complex128
    assert nf.abs(nf.constant([1j], nf.complex64)).dtype is nf.float32
    x = nf.constant([1.0, -2.0])
    assert nf.math.real(x) is x and nf.math.conj(x) is x
    assert nf.math.imag(x).numpy().tolist() == [0, 0]
    np.testing.assert_allclose(nf.math.angle(x).numpy(), [0, np.pi], 1e-6)
    z = nf.constant([1.5 + 2j])
    assert nf.cast(z, nf.int32).numpy().tolist() == [1]
    assert nf.cast(z, nf.bool).numpy().tolist() == [True] and nf.cast(z, nf.float32).numpy() == 1.5
    assert (nf.cast(z, nf.complex64) * 2).numpy().tolist() == [3 + 4j]


def test_refusals() -> None:
    z = nf.constant([1j])
    refused: list[Callable[[], Any]] = [
        lambda: z < z,
        lambda: nf.maximum(z, z),
        lambda: nf.complex(nf.constant([1]), nf.constant([1])),
        lambda: nf.complex(nf.constant(1.0), nf.constant(1.0, nf.float64)),
        lambda: nf.math.real("a"),
        lambda: nf.math.conj(True),
        lambda: nf.nn.relu(z),
    ]
    for bad in refused:
        with pytest.raises(nf.errors.DTypeError):
            bad()
    with pytest.raises(nf.errors.DTypeError) as e:
        nf.complex([1], [2])
    assert str(e.value).splitlines()[:3] == [
        "complex: real is int32, neither float32 nor float64",
        "  real: int32 [1]",
        "  imag: int32 [1]",
    ]
