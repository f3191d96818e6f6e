"""Reshaping, transposing, broadcasting, joining, cutting, indexing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops import joining
from tests.contract import Case, check, floats, ids, ints


def _named(name: str, f: Any) -> Any:
    f.__name__ = name
    return f


KEYS: list[Any] = [
    0,
    -1,
    np.s_[1:],
    np.s_[::2],
    np.s_[::-1],
    np.s_[2:0:-1],
    np.s_[5:2],
    np.s_[1, 2],
    np.s_[:, 1:3],
    np.s_[..., 0],
    np.s_[0, ..., -1],
    np.s_[None],
    np.s_[:, None, 1],
    np.s_[..., None],
    np.s_[-2:, ::2, 1:-1],
]
CASES = [
    Case(nf.reshape, lambda x: x.reshape(5, 3), [floats(3, 5)], {"shape": [5, 3]}),
    Case(nf.reshape, lambda x: x.reshape(5, -1), [ints(3, 5)], {"shape": [5, -1]}),
    Case(nf.reshape, lambda x: x.reshape(0, 7), [floats(0, 5)], {"shape": [-1, 7]}),
    Case(nf.expand_dims, lambda x: x[:, None], [floats(3, 5)], {"axis": 1}),
    Case(nf.squeeze, lambda x: x.reshape(3, 5), [floats(3, 1, 5, 1)]),
    Case(nf.squeeze, lambda x: x[:, 0], [floats(3, 1, 5, 1)], {"axis": [1]}),
    Case(nf.transpose, np.transpose, [floats(2, 3, 5)]),
    Case(nf.transpose, lambda x: x.transpose(1, 2, 0), [floats(2, 3, 5)], {"perm": [1, 2, 0]}),
    Case(
        nf.broadcast_to,
        lambda x: np.broadcast_to(x, (2, 3, 5)),
        [floats(3, 1)],
        {"shape": [2, 3, 5]},
    ),
    Case(nf.identity, lambda x: x, [floats(3, 5)]),
    Case(nf.zeros_like, np.zeros_like, [floats(3, 5)], gradient=False),
    Case(nf.ones_like, np.ones_like, [floats(3, 5)], gradient=False),
    Case(nf.shape, lambda x: np.array(x.shape), [floats(3, 5)]),
    Case(nf.size, lambda x: np.array(x.size), [floats(3, 5)]),
    Case(nf.rank, lambda x: np.array(x.ndim), [floats(3, 5)]),
    *(
        Case(
            _named("concat", lambda x, y, k=k: nf.concat([x, y], k)),
            lambda x, y, k=k: np.concatenate([x, y], k),
            [floats(*a), floats(*b)],
        )
        for a, b, k in [((3, 5), (2, 5), 0), ((3, 5), (3, 7), -1), ((3, 0), (3, 2), 1)]
    ),
    *(
        Case(
            _named("stack", lambda x, y, k=k: nf.stack([x, y], k)),
            lambda x, y, k=k: np.stack([x, y], k),
            [floats(3, 5), floats(3, 5)],
        )
        for k in (0, 1, -1)
    ),
    Case(nf.unstack, lambda x: [x[:, k] for k in range(5)], [floats(3, 5)], {"axis": 1}),
    Case(joining.rows, lambda x: [x[:, k] for k in range(5)], [floats(3, 5, 2)], {"axis": 1}),
    Case(joining.rows, lambda x: [x[0]], [floats(1, 3)], {"axis": 0}),
    Case(_named("one_row", lambda x: joining.rows(x, 0)[1]), lambda x: x[1], [floats(5, 3)]),
    Case(
        _named("some_rows", lambda x: joining.rows(x, 0)[::2]),
        lambda x: [x[0], x[2]],
        [floats(3, 1)],
    ),
    Case(nf.split, lambda x: np.split(x, 3), [floats(6, 5)], {"num_or_size_splits": 3}),
    Case(
        nf.split,
        lambda x: [x[:, :2], x[:, 2:]],
        [floats(3, 5)],
        {"num_or_size_splits": [2, -1], "axis": 1},
    ),
    Case(nf.slice, lambda x: x[1:3, 2:], [floats(3, 5)], {"begin": [1, 2], "size": [2, -1]}),
    Case(nf.slice, lambda x: x[1:1], [floats(3)], {"begin": [1], "size": [0]}),
    *(
        Case(
            _named(
                f"x[{key}]",
                lambda x, key=key: x[key] if isinstance(x, nf.Tensor) else nf.constant(x)[key],
            ),
            lambda x, key=key: x[key],
            [floats(3, 5, 7)],
        )
        for key in KEYS
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_no_gradient_through_stop_gradient() -> None:
    """The value passes, the derivative does not."""
    x = nf.constant([1.0, 2.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x * nf.stop_gradient(x)
    assert tape.gradient(y, x).numpy().tolist() == [1.0, 2.0]


def test_fills() -> None:
    """zeros, ones and fill, of any dtype; empty and scalar."""
    assert nf.zeros([2, 0]).shape == (2, 0) and nf.ones([], nf.int8).numpy() == 1
    assert nf.fill([2, 3], 7).numpy().tolist() == [[7] * 3] * 2
    assert nf.zeros([2], nf.bool).numpy().tolist() == [False, False]


@pytest.mark.parametrize(
    "run, message",
    [
        (lambda x: nf.reshape(x, [4, 4]), "reshape: 15 elements do not become 16"),
        (lambda x: nf.reshape(x, [-1, -1]), "reshape: only one size may be -1, none less"),
        (lambda x: nf.reshape(x, [-1, 4]), "reshape: 15 elements do not divide by 4"),
        (lambda x: nf.transpose(x, [0, 0]), "transpose: perm does not name each axis once"),
        (lambda x: nf.transpose(x, [0, 2]), "transpose: perm 2 is out of range for 2 axes"),
        (lambda x: nf.expand_dims(x, 4), "expand_dims: axis 4 is out of range for 3 axes"),
        (lambda x: nf.squeeze(x, 0), "squeeze: axis 0 has size 3, not 1"),
        (lambda x: nf.broadcast_to(x, [3, 6]), "broadcast_to: the shape does not broadcast"),
        (
            lambda x: nf.concat([x, nf.ones([3, 4])], 0),
            "concat: shapes differ along an axis other than 0",
        ),
        (lambda x: nf.concat([], 0), "concat: there are no values"),
        (lambda x: nf.stack([x, nf.ones([3])]), "stack: shapes differ"),
        (lambda x: nf.split(x, 2), "split: size 3 does not divide into 2 equal pieces"),
        (lambda x: nf.split(x, 0), "split: size 3 does not divide into 0 equal pieces"),
        (lambda x: nf.split(x, [1, 1]), "split: the sizes do not add up to 3"),
        (lambda x: nf.zeros([-1]), "zeros: a size is negative: -1"),
        (
            lambda x: x[:: nf.constant(0)],
            "getitem: the step of a slice must be a number other than 0",
        ),
        (lambda x: x[0, 0, 0], "getitem: 3 indices for 2 axes"),
    ],
)
def test_bad_shapes(run: Any, message: str) -> None:
    """Each with the numbers; all are ValueErrors and InvalidArgumentErrors."""
    with pytest.raises(nf.errors.ShapeError) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)


def test_an_index_out_of_range() -> None:
    """IndexError too: loops over a tensor end by it."""
    with pytest.raises(nf.errors.IndexRangeError) as e:
        nf.ones([3, 5])[1, 5]
    assert str(e.value).splitlines()[:2] == [
        "getitem: index 5 is out of range for axis 1 of size 5",
        "  tensor: float32 [3, 5]",
    ]
    with pytest.raises(IndexError):
        nf.ones([3])[-4]
    with pytest.raises(nf.errors.IndexRangeError, match="slice: the part is not inside"):
        nf.slice(nf.ones([3]), [2], [2])
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"getitem: more than one \.\.\."):
        nf.ones([3])[..., ...]
    with pytest.raises(TypeError, match=r"getitem: an index is an integer, .*, not 1.5"):
        nf.ones([3])[1.5]


@pytest.mark.parametrize(
    "have, want, becomes",
    [
        ((0, 3), [0, -1], (0, 3)),
        ((0, 3), [-1, 0], (3, 0)),
        ((0, 3), [0, -1, 5], (0, 0, 5)),
        ((0, 0), [0, -1], (0, 1)),
        ((0, 3), [2, -1], (2, 0)),
    ],
)
def test_a_size_worked_out_beside_a_zero(have: Any, want: Any, becomes: Any) -> None:
    """Any size would do: TensorFlow takes the one that is left when zeros are left out."""
    for run in (nf.reshape, nf.function(nf.reshape)):
        assert run(nf.zeros(have), want).shape == becomes


def test_stack_of_numbers() -> None:
    """Numbers of both kinds are floats; of none there is an empty tensor."""
    for values, want in (([1, 2.5], [1.0, 2.5]), ([2.5, 1], [2.5, 1.0]), ([], [])):
        found = nf.stack(values)
        assert found.dtype is nf.float32
        np.testing.assert_array_equal(found, want)


def test_an_axis_that_is_1_in_one_call_goes_in_that_call() -> None:
    """A batch of 1 is a trace of its own; all others share one."""

    @nf.function(input_signature=[nf.TensorSpec([None, 1, 3])])
    def squeezed(x: Any) -> Any:
        return nf.squeeze(x)

    for batch in (4, 2, 1, 5, 1, 3):
        x = np.arange(3.0 * batch, dtype="f").reshape(batch, 1, 3)
        np.testing.assert_array_equal(squeezed(x), x.squeeze())
    assert squeezed.experimental_get_tracing_count() == 2
