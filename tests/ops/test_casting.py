"""saturate_cast and bitcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _saturated(dtype: str) -> Callable[[Any], Any]:
    def saturate(x: Any) -> Any:
        return nf.saturate_cast(x, dtype)

    saturate.__name__ = f"saturate_{dtype}"
    return saturate


def _bits(dtype: str) -> Callable[[Any], Any]:
    def bits(x: Any) -> Any:
        return nf.bitcast(x, dtype)

    bits.__name__ = f"bits_{dtype}"
    return bits


SHAPES: list[tuple[int, ...]] = [(3, 5), (), (0, 2)]
CASES = [
    *(
        Case(_saturated(t), lambda x, t=t: np.clip(x, np.iinfo(t).min, np.iinfo(t).max).astype(t),
             [ints(*s, low=-400, high=400)])
        for t in ("int8", "uint8", "uint16", "uint64")
        for s in SHAPES
    ),
    *(Case(_bits("float32"), lambda x: x.view(np.float32), [ints(*s)]) for s in SHAPES),
    *(Case(_bits("uint32"), lambda x: x.view(np.uint32), [ints(*s)]) for s in SHAPES),
    *(
        Case(_bits("int16"), lambda x: x.view(np.int16).reshape(*x.shape, 2), [ints(*s)])
        for s in SHAPES
        if s
    ),
    Case(_bits("float64"), lambda x: x.view(np.float64)[..., 0], [ints(3, 2)]),
    Case(_saturated("float64"), lambda x: x, [floats(3, 5)]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, strides, tracing."""
    check(case)


SATURATED: list[tuple[list[Any], str, str, list[Any]]] = [
    ([3e38, -3e38, np.inf], "float32", "int32", [2147483520, -(2**31), 2147483520]),
    ([1e20, -1e20], "float32", "int64", [9223371487098961920, -(2**63)]),
    ([1e20, -1e20, 5.9], "float64", "uint64", [18446744073709549568, 0, 5]),
    ([3e38, -np.inf, 1.0], "float64", "float16", [65504.0, -65504.0, 1.0]),
    ([2**40, -1, 7], "int64", "uint32", [2**32 - 1, 0, 7]),
    ([2**64 - 1, 5], "uint64", "int8", [127, 5]),
    ([1000000, -3], "int32", "float16", [65504.0, -3.0]),
    ([2**40], "int64", "bfloat16", [float(2**40)]),
]


@pytest.mark.parametrize(("values", "have", "want", "result"), SATURATED)
def test_limits(values: list[Any], have: str, want: str, result: list[Any]) -> None:
    """What does not fit becomes the nearest that does; compiled as well."""
    x = nf.constant(np.array(values, have))
    f = _saturated(want)
    assert f(x).dtype.name == want and f(x).numpy().tolist() == result
    assert nf.function(f)(x).numpy().tolist() == result


def test_complex_numbers_saturate() -> None:
    z = nf.constant([1e300 - 2j])
    big = np.finfo(np.float32).max
    assert nf.saturate_cast(z, nf.complex64).numpy().tolist() == [complex(big, -2)]
    assert nf.saturate_cast(z, nf.uint8).numpy().tolist() == [255]
    assert nf.saturate_cast([1.5], nf.complex64).numpy().tolist() == [1.5 + 0j]


KINDS = ["int8", "uint8", "int16", "uint16", "float16", "bfloat16", "int32", "uint32", "float32",
         "int64", "uint64", "float64", "complex64", "complex128"]  # fmt: skip


@pytest.mark.parametrize("want", KINDS)
@pytest.mark.parametrize("have", KINDS)
def test_every_pair_keeps_the_bytes(have: str, want: str) -> None:
    """There and back again gives the same bytes."""
    raw = np.arange(1, 97, dtype=np.uint8)
    h, w = nf.as_dtype(have), nf.as_dtype(want)
    ratio = max(1, w.size // h.size)
    x = nf.constant(raw.view(h.numpy).reshape(-1, ratio) if ratio > 1 else raw.view(h.numpy))
    y = nf.bitcast(x, want)
    assert y.dtype is w and y.numpy().tobytes() == raw.tobytes()
    assert nf.function(_bits(want))(x).numpy().tobytes() == raw.tobytes()
    assert nf.bitcast(y, have).numpy().tobytes() == raw.tobytes()


def test_refusals() -> None:
    refused: list[Callable[[], Any]] = [
        lambda: nf.bitcast([True], nf.uint8),
        lambda: nf.bitcast(["a"], nf.uint8),
        lambda: nf.bitcast([1], nf.bool),
        lambda: nf.saturate_cast([True], nf.int8),
        lambda: nf.saturate_cast([1], nf.string),
    ]
    for bad in refused:
        with pytest.raises(nf.errors.DTypeError):
            bad()
    with pytest.raises(nf.errors.ShapeError) as e:
        nf.bitcast(nf.constant([1, 2, 3], nf.uint8), nf.float32)
    assert str(e.value).splitlines()[:2] == [
        "bitcast: the last axis must have size 4 to make float32 of uint8",
        "  input: uint8 [3]",
    ]
    with pytest.raises(nf.errors.ShapeError):
        nf.function(_bits("float64"))(nf.constant(1.0))
