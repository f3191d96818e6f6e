"""pad, tile, repeat, reverse, roll."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, bools, check, floats, ids, ints

PADDINGS = [[1, 2], [0, 3]]


def _turned(x: Any, lengths: Any, t: int, b: int) -> Any:
    return nf.reverse_sequence(x, lengths, t, b)


def _turned_oracle(x: Any, lengths: Any, t: int = -1, b: int = -1) -> Any:
    t, b = {2: (1, 0), 3: (0, 1 if x.shape[-1] == 5 else 2)}[x.ndim]
    out = np.moveaxis(x.copy(), (b, t), (0, 1))
    for row, n in zip(out, lengths, strict=True):
        row[:n] = row[:n][::-1].copy()
    return np.moveaxis(out, (0, 1), (b, t))


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
    *(
        Case(
            nf.repeat,
            lambda x, r=r, k=k: np.repeat(x, r, k),
            [draw(*s)],
            {"repeats": r, "axis": k},
        )
        for draw in (floats, ints)
        for s, r, k in [
            ((3, 5), 2, 0),
            ((3, 5), [2, 0, 3], 0),
            ((3, 5), [2], -1),
            ((3, 5), 3, None),
            ((0, 5), 3, 0),
            ((7,), 0, 0),
            ((), 3, None),
        ]
    ),
    *(
        Case(
            nf.roll,
            lambda x, by=by, k=k: np.roll(x, by, k),
            [draw(*s)],
            {"shift": by, "axis": k},
        )
        for draw in (floats, bools)
        for s, by, k in [
            ((7,), 2, 0),
            ((3, 5), -1, 1),
            ((3, 5), [12, -13], [0, 1]),
            ((3, 5), [1, 1], [0, 0]),
            ((0, 5), 3, 0),
            ((3, 5), 0, -1),
        ]
    ),
    Case(
        lambda x, by: nf.roll(x, by, [0, 1]),
        lambda x, by: np.roll(x, by, [0, 1]),
        [floats(3, 5), ints(2)],
    ),
    *(
        Case(_turned, _turned_oracle, [floats(*s), ints(n, low=0, high=4)], {"t": t, "b": b})
        for s, n, t, b in [((2, 3), 2, 1, 0), ((3, 2, 5), 2, 0, 1), ((3, 2, 7), 7, 0, -1)]
    ),
    *(
        Case(
            nf.strided_slice,
            lambda x, key=key: x[key],
            [floats(3, 5, 7)],
            {**dict(zip(("begin", "end", "strides"), lists, strict=False)), **masks},
        )
        for key, lists, masks in [
            (np.s_[1:3], ([1], [3]), {}),
            (np.s_[:2, ::-2], ([0, 9], [2, 9], [1, -2]), {"begin_mask": 3, "end_mask": 2}),
            (
                np.s_[1, ..., -1],
                ([1, 0, -1], [0, 0, 0]),
                {"ellipsis_mask": 2, "shrink_axis_mask": 5},
            ),
            (np.s_[None, 2:0:-1], ([0, 2], [0, 0], [1, -1]), {"new_axis_mask": 1}),
            (np.s_[-2:9, 4:2], ([-2, 4], [9, 2], [1, 1]), {}),
            (np.s_[:], ([], []), {}),
        ]
    ),
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


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda x: nf.repeat(x, [1, 2], 0), ValueError, "repeat: repeats must be one number, or 3"),
        (lambda x: nf.repeat(x, [[1]], 0), ValueError, "repeat: repeats must be one number, or 3"),
        (
            lambda x: nf.repeat(x, -1, 0),
            nf.errors.InvalidArgumentError,
            "repeat: a number of repeats is negative",
        ),
        (lambda x: nf.repeat(x, 1.0, 0), TypeError, "repeat: repeats is float32, no integer"),
        (lambda x: nf.repeat(x, 1, 2), ValueError, "repeat: axis 2 is out of range for 2 axes"),
        (
            lambda x: nf.roll(x, [1, 2], 0),
            ValueError,
            "roll: there must be one shift for each axis",
        ),
        (lambda x: nf.roll(x, 1.0, 0), TypeError, "roll: shift is float32, not an integer"),
        (lambda x: nf.roll(x, 1, 2), ValueError, "roll: axis 2 is out of range for 2 axes"),
        (
            lambda x: nf.reverse_sequence(x, [1, 1, 6], 1),
            nf.errors.InvalidArgumentError,
            "reverse_sequence: length 6 is outside [0, 6)",
        ),
        (
            lambda x: nf.reverse_sequence(x, [1, 1], 1),
            ValueError,
            "reverse_sequence: seq_lengths needs one length for each sequence",
        ),
        (
            lambda x: nf.reverse_sequence(x, [1, 1, 1], 0),
            ValueError,
            "reverse_sequence: seq_axis and batch_axis are the same",
        ),
        (
            lambda x: nf.strided_slice(x, [0], [1, 2]),
            ValueError,
            "strided_slice: begin, end and strides differ in length",
        ),
        (
            lambda x: nf.strided_slice(x, [0], [1], [0]),
            ValueError,
            "getitem: the step of a slice must be a number other than 0",
        ),
        (
            lambda x: nf.strided_slice(x, [3], [4], shrink_axis_mask=1),
            IndexError,
            "getitem: index 3 is out of range for axis 0 of size 3",
        ),
    ],
)
def test_bad_arguments_of_moves(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)


def test_a_length_out_of_range_is_refused_when_compiled() -> None:
    """With the value and the range."""
    run = nf.function(lambda x, n: nf.reverse_sequence(x, n, 1))
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"length -1 is outside \[0, 6\)"):
        run(nf.ones([3, 5]), nf.constant([0, 5, -1]))


def test_an_empty_axis_is_rolled_by_a_number_of_run_time() -> None:
    """Nothing is divided by its size."""
    run = nf.function(lambda x, by: nf.roll(x, by, 0))
    for n in (0, 1, 3):
        x = np.arange(n * 2).reshape(n, 2)
        np.testing.assert_array_equal(run(nf.constant(x), nf.constant(-7)), np.roll(x, -7, 0))


def test_what_pads() -> None:
    """A number of the tensor's dtype, traced ones too; the empty text around text."""
    assert nf.pad(["a"], [[1, 1]]).numpy().tolist() == [b"", b"a", b""]
    assert nf.pad(["a"], [[0, 1]], constant_values="z").numpy().tolist() == [b"a", b"z"]
    assert nf.pad([True], [[1, 0]], constant_values=True).numpy().tolist() == [True, True]
    assert nf.pad([1j], [[1, 0]], constant_values=2j).numpy().tolist() == [2j, 1j]
    assert nf.pad([1.5], [[1, 0]], constant_values=2).numpy().tolist() == [2, 1.5]

    @nf.function
    def f(x: Any, around: Any) -> Any:
        return nf.pad(x, [[1, 2], [0, 1]], constant_values=around)

    got = f(nf.ones([1, 2], nf.int32), nf.constant(7)).numpy().tolist()
    assert got == [[7, 7, 7], [1, 1, 7], [7, 7, 7], [7, 7, 7]]
    for bad in (1.5, nf.constant(1, nf.int64), "a"):
        with pytest.raises(nf.errors.DTypeError):
            nf.pad([1, 2], [[1, 1]], constant_values=bad)
    with pytest.raises(nf.errors.ShapeError, match="constant_values is one number"):
        nf.pad([1, 2], [[1, 1]], constant_values=[1, 2])
