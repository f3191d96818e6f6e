"""Text as tensors: what moves elements moves text too, eagerly and in traced functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf

MOVES: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("itself", lambda x: x, [[b"a", b"b"], [b"c", b"a"]]),
    ("element", lambda x: x[1, 0], b"c"),
    ("part", lambda x: x[:, ::-1], [[b"b", b"a"], [b"a", b"c"]]),
    ("new axis", lambda x: x[0, None], [[b"a", b"b"]]),
    ("reshape", lambda x: nf.reshape(x, [4]), [b"a", b"b", b"c", b"a"]),
    ("transpose", nf.transpose, [[b"a", b"c"], [b"b", b"a"]]),
    ("concat", lambda x: nf.concat([x, x[:1]], 0), [[b"a", b"b"], [b"c", b"a"], [b"a", b"b"]]),
    ("stack", lambda x: nf.stack([x[0], x[1]], 1), [[b"a", b"c"], [b"b", b"a"]]),
    ("unstack", lambda x: nf.unstack(x)[1], [b"c", b"a"]),
    ("split", lambda x: nf.split(x, 2, 1)[0], [[b"a"], [b"c"]]),
    ("gather", lambda x: nf.gather(x, [1, 1]), [[b"c", b"a"], [b"c", b"a"]]),
    ("gather_nd", lambda x: nf.gather_nd(x, [[0, 1]]), [b"b"]),
    ("equal", lambda x: x == "a", [[True, False], [False, True]]),
    ("not equal", lambda x: x != x[0], [[False, False], [True, True]]),
    ("where", lambda x: nf.where(x == "a", x, "z"), [[b"a", b"z"], [b"z", b"a"]]),
    ("join", lambda x: x + "!", [[b"a!", b"b!"], [b"c!", b"a!"]]),
    ("tile", lambda x: nf.tile(x[0], [2]), [b"a", b"b", b"a", b"b"]),
    ("reverse", lambda x: nf.reverse(x, [0]), [[b"c", b"a"], [b"a", b"b"]]),
    ("pad", lambda x: nf.pad(x[0], [[1, 0]]), [b"", b"a", b"b"]),
    ("expand", lambda x: nf.expand_dims(x[0], 1), [[b"a"], [b"b"]]),
    ("broadcast", lambda x: nf.broadcast_to(x[0, 0], [2]), [b"a", b"a"]),
    ("fill", lambda x: nf.fill([2], x[0, 1]), [b"b", b"b"]),
    ("shape", nf.shape, [2, 2]),
    ("identity", nf.identity, [[b"a", b"b"], [b"c", b"a"]]),
]


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize(("name", "f", "want"), MOVES, ids=[m[0] for m in MOVES])
def test_moves(name: str, f: Callable[[Any], Any], want: Any, traced: bool) -> None:
    run = nf.function(f) if traced else f
    got = run(nf.constant([["a", "b"], ["c", "a"]])).numpy()
    assert (got.tolist() if isinstance(got, np.ndarray) else got) == want


def test_what_text_is_made_of() -> None:
    """str in UTF-8, bytes as they are, NumPy's of every kind; `numpy()` gives bytes."""
    assert nf.constant("é").numpy() == "é".encode() and type(nf.constant("a").numpy()) is bytes
    assert nf.constant(["a\x00", b"\xff"]).numpy().tolist() == [b"a\x00", b"\xff"]
    for array in (np.array(["x", "yy"]), np.array([b"x", b"yy"]), np.array(["x", b"yy"], object)):
        x = nf.constant(array)
        assert x.dtype is nf.string and x.numpy().tolist() == [b"x", b"yy"]
    assert x.numpy().dtype == object and nf.zeros([1], nf.string).numpy().tolist() == [b""]
    assert nf.constant([], nf.string).shape == [0] and nf.constant("a", shape=[2]).shape == [2]
    assert nf.Variable(["a"]).assign(["b"]).numpy().tolist() == [b"b"]


def test_what_text_is_not() -> None:
    x = nf.constant(["a", "b"])
    refused: list[Callable[[], Any]] = [
        lambda: x * 2,
        lambda: x - "a",
        lambda: x < "b",
        lambda: nf.reduce_sum(x),
        lambda: nf.cast(x, nf.float32),
        lambda: nf.constant(1, nf.string),
        lambda: nf.constant("1", nf.int32),
        lambda: nf.exp(x),
        lambda: nf.matmul([["a"]], [["b"]]),
    ]
    for bad in refused:
        with pytest.raises((nf.errors.DTypeError, nf.errors.UnimplementedError)):
            bad()
