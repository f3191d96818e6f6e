"""pad, tile, reverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

PADDINGS = [[1, 2], [0, 3]]
CASES = [
    Case(nf.pad, lambda x: np.pad(x, PADDINGS), [floats(3, 5)], {"paddings": PADDINGS}),
    Case(
        nf.pad,
        lambda x: np.pad(x, PADDINGS, constant_values=7),
        [ints(3, 5)],
        {"paddings": PADDINGS, "constant_values": 7},
    ),
    Case(nf.pad, lambda x: np.pad(x, PADDINGS), [floats(0, 5)], {"paddings": PADDINGS}),
    Case(
        nf.pad,
        lambda x: np.pad(x, PADDINGS, constant_values=-np.inf),
        [floats(3, 5)],
        {"paddings": PADDINGS, "constant_values": -np.inf},
        gradient=False,
    ),
    *(
        Case(
            nf.pad,
            lambda x, mode=mode: np.pad(x, PADDINGS, mode),
            [floats(3, 5)],
            {"paddings": PADDINGS, "mode": mode.upper()},
        )
        for mode in ("reflect", "symmetric")
    ),
    Case(nf.tile, lambda x: np.tile(x, [2, 3]), [floats(3, 5)], {"multiples": [2, 3]}),
    Case(nf.tile, lambda x: np.tile(x, [1, 1]), [floats(3, 5)], {"multiples": [1, 1]}),
    Case(nf.tile, lambda x: np.tile(x, [0, 3]), [ints(3, 5)], {"multiples": [0, 3]}),
    Case(nf.reverse, lambda x: x[::-1], [floats(3, 5)], {"axis": [0]}),
    Case(nf.reverse, lambda x: x[:, ::-1, ::-1], [floats(2, 3, 5)], {"axis": [-1, 1]}),
    Case(nf.reverse, lambda x: x, [floats(0, 5)], {"axis": [0]}),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("dtype", [nf.float16, nf.bfloat16, nf.float64, nf.int8, nf.bool])
def test_compiled_padding_of_other_dtypes(dtype: nf.DType) -> None:
    """The value put in is of the tensor's dtype."""
    x = nf.cast(nf.ones([3, 5]), dtype)
    value = True if dtype is nf.bool else 2 if dtype.is_integer else -np.inf

    def padded(x: Any) -> Any:
        return nf.pad(x, PADDINGS, constant_values=value)

    np.testing.assert_array_equal(nf.function(padded)(x), padded(x))


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda x: nf.pad(x, [[1, 1]]), ValueError, "pad: paddings must be 2 pairs"),
        (lambda x: nf.pad(x, [[1, -1], [0, 0]]), ValueError, "pad: a padding is negative"),
        (
            lambda x: nf.pad(x, [[3, 0], [0, 0]], "REFLECT"),
            ValueError,
            "pad: axis 0 is too short to be mirrored so far",
        ),
        (lambda x: nf.pad(x, PADDINGS, "WRAP"), ValueError, "pad: no mode 'WRAP'"),
        (lambda x: nf.tile(x, [2]), ValueError, "tile: multiples needs 2 numbers"),
        (
            lambda x: nf.tile(x, [2, -1]),
            nf.errors.InvalidArgumentError,
            "tile: a multiple is negative",
        ),
        (lambda x: nf.reverse(x, [2]), ValueError, "reverse: axis 2 is out of range for 2 axes"),
        (lambda x: nf.reverse(x, [0, 0]), ValueError, "reverse: an axis is named twice"),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)
