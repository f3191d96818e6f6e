"""TensorArray, and map_fn, scan, foldl, foldr, vectorized_map: eagerly, traced, differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

X = nf.constant(np.arange(12.0).reshape(4, 3) * 0.1 - 0.3)


def _both(f: Any, *args: Any) -> Any:
    """The result of f, which eager and traced runs agree upon."""
    eager, traced = f(*args), nf.function(f)(*args)
    for a, b in zip(nf.nest.flatten(eager), nf.nest.flatten(traced), strict=True):
        assert a.dtype is b.dtype
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9)
    return traced


def _slopes(f: Any) -> Any:
    """f, its gradient, and the gradient of that along a direction."""

    def second(x: Any) -> Any:
        with nf.GradientTape() as outer:
            outer.watch(x)
            with nf.GradientTape() as tape:
                tape.watch(x)
                y = nf.add_n([nf.reduce_sum(nf.sin(t)) for t in nf.nest.flatten(f(x))])
            slope = tape.gradient(y, x)
            along = nf.reduce_sum(slope * nf.cos(x))
        return y, slope, outer.gradient(along, x, unconnected_gradients="zero")

    return second


FUNCTIONS = {
    "map": lambda x: nf.map_fn(lambda r: nf.sin(r) * r, x),
    "map of a pair": lambda x: nf.map_fn(lambda p: (p[0] * p[1], p[0]), (x, x * 2.0)),
    "map to scalars": lambda x: nf.map_fn(lambda r: nf.reduce_sum(r * r), x),
    "vectorized": lambda x: nf.vectorized_map(lambda r: nf.exp(-r), x),
    "vectorized with one row": lambda x: nf.vectorized_map(lambda p: p[0] * p[1], (x, x[:1])),
    "scan": lambda x: nf.scan(lambda a, r: nf.tanh(a * r + r), x),
    "scan from a start": lambda x: nf.scan(lambda a, r: a * 0.5 + r, x, nf.ones([3], nf.float64)),
    "scan backwards": lambda x: nf.scan(lambda a, r: a * r + r, x, reverse=True),
    "scan of a pair": lambda x: nf.scan(
        lambda a, r: (a[0] + r, a[1] * 0.5 + a[0] * r), x, (x[0], x[1] * 2.0)
    ),
    "foldl": lambda x: nf.foldl(lambda a, r: a * 0.5 + r * r, x),
    "foldr": lambda x: nf.foldr(lambda a, r: a * 0.5 + r * r, x, nf.ones([3], nf.float64)),
    "map in a scan": lambda x: nf.scan(
        lambda a, r: a + nf.map_fn(lambda v: v * v * r[0], r), x, nf.zeros([3], nf.float64)
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_over_rows(name: str) -> None:
    """Values and two derivatives."""
    _both(FUNCTIONS[name], X)
    _both(_slopes(FUNCTIONS[name]), X)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_any_number_of_rows(rows: int) -> None:
    """None included; a batch of unknown size too."""
    x = nf.constant(np.arange(2.0 * rows).reshape(rows, 2))
    got = _both(lambda x: nf.map_fn(lambda r: nf.reduce_sum(r), x), x)
    assert got.numpy().tolist() == x.numpy().sum(1).tolist()
    f = nf.function(
        lambda x: nf.scan(lambda a, r: a + r, x, nf.zeros([2], nf.float64)),
        input_signature=[nf.TensorSpec([None, 2], nf.float64)],
    )
    np.testing.assert_allclose(f(x), np.cumsum(x.numpy(), 0))


def test_what_functions_over_rows_refuse() -> None:
    """Scalars, unlike lengths, other dtypes than promised."""
    for run in (nf.function, lambda f: f):
        with pytest.raises(ValueError, match="not a scalar"):
            run(lambda x: nf.map_fn(lambda r: r, x))(nf.constant(1.0))
        with pytest.raises(ValueError, match="unlike numbers of rows"):
            run(lambda x: nf.map_fn(lambda p: p[0], (x, x[:2])))(X)
        with pytest.raises(TypeError, match="was said to give int32"):
            run(lambda x: nf.map_fn(lambda r: r, x, fn_output_signature=nf.int32))(X)
        with pytest.raises(TypeError, match="another dtype than it takes"):
            run(lambda x: nf.scan(lambda a, r: nf.cast(a, nf.float32), x))(X)
        with pytest.raises(ValueError, match="no initializer"):
            run(lambda x: nf.foldl(lambda a, r: a, x))(X[:0])
    with pytest.raises(TypeError, match="not callable"):
        nf.map_fn(3, X)  # type: ignore[arg-type]


def test_back_prop_false_lets_no_gradient_through() -> None:
    """As TensorFlow's argument says."""

    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_sum(nf.scan(lambda a, r: a + r, x, back_prop=False) + x)
        return tape.gradient(y, x)

    assert _both(f, X).numpy().tolist() == np.ones((4, 3)).tolist()


# --- TensorArray ---------------------------------------------------------------


def test_an_array_written_in_a_loop() -> None:
    """Its element shape is learned while tracing; read, size, gather, concat."""

    def f(x: Any) -> Any:
        ta = nf.TensorArray(nf.float64, size=4)

        def body(k: Any, ta: Any) -> Any:
            return k + 1, ta.write(k, x[k] * 2.0)

        ta = nf.while_loop(lambda k, _: k < 4, body, [0, ta])[1]
        return ta.stack(), ta.read(2), ta.size(), ta.gather([3, 0]), ta.concat()

    def again(x: Any) -> Any:  # eagerly an element can be read once
        ta = nf.TensorArray(nf.float64, 4, clear_after_read=False).unstack(x * 2.0)
        return ta.stack(), ta.read(2), ta.size(), ta.gather([3, 0]), ta.concat()

    for a, b in zip(nf.function(f)(X), again(X), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy())


def test_an_array_that_grows() -> None:
    """In loops of known and of unknown length, in loops in loops, in a branch."""

    def counted(n: Any) -> Any:
        ta = nf.TensorArray(nf.int32, size=0, dynamic_size=True)
        return nf.while_loop(
            lambda k, _: k < n, lambda k, ta: (k + 1, ta.write(k, k * k)), [0, ta]
        )[1].stack()

    def collatz(n: Any) -> Any:
        ta = nf.TensorArray(nf.int32, size=0, dynamic_size=True)

        def body(m: Any, ta: Any) -> Any:
            return nf.where(nf.equal(m % 2, 0), m // 2, 3 * m + 1), ta.write(ta.size(), m)

        return nf.while_loop(lambda m, _: m != 1, body, [n, ta])[1].stack()

    def nested(n: Any) -> Any:
        ta = nf.TensorArray(nf.int32, size=0, dynamic_size=True)

        def outer(k: Any, ta: Any) -> Any:
            ta = nf.while_loop(
                lambda j, _: j < 2, lambda j, ta: (j + 1, ta.write(ta.size(), 10 * k + j)), [0, ta]
            )[1]
            ta = nf.cond(nf.equal(k % 2, 0), lambda: ta.write(ta.size(), -1), lambda: ta)
            return k + 1, ta

        return nf.while_loop(lambda k, _: k < n, outer, [0, ta])[1].stack()

    assert _both(counted, nf.constant(4)).numpy().tolist() == [0, 1, 4, 9]
    assert _both(collatz, nf.constant(6)).numpy().tolist() == [6, 3, 10, 5, 16, 8, 4, 2]
    assert _both(nested, nf.constant(3)).numpy().tolist() == [0, 1, -1, 10, 11, 20, 21, -1]


@pytest.mark.parametrize(("limit", "loops"), [(5, 1), (2000, 2)])
def test_an_array_that_grows_up_to_a_limit(limit: int, loops: int) -> None:
    """A short limit is room enough; where it is high, the loop runs once to be counted."""

    @nf.function
    def halves(x: Any, least: Any) -> Any:
        found: list[Any] = []
        while len(found) < limit and not nf.reduce_all(x < least):
            x = x / 2
            found.append(x)
        return nf.stack(found)

    x = np.array([8.0, 2.0])
    for least, count in ((1.5, 3), (9.0, 0), (8.0 / 2**8, min(limit, 9))):
        got = halves(nf.constant(x), nf.constant(least, nf.float64)).numpy()
        np.testing.assert_array_equal(got, x / 2.0 ** np.arange(1, count + 1)[:, None])
    shown = str(halves.explain(nf.constant(x), nf.constant(1.5, nf.float64)))
    assert shown.count("= while_loop(") == loops


def test_a_limit_behind_something_else_holds() -> None:
    """`and` in any order, and arrays that get two elements at a time."""

    @nf.function
    def pairs(x: Any, most: Any) -> Any:
        found = [x]
        while nf.reduce_sum(x) > 1.0 and len(found) < most:
            x = x / 2
            found.append(x)
            found.append(-x)
        return nf.stack(found)

    x = nf.constant([8.0])
    assert pairs(x, nf.constant(4)).numpy()[:, 0].tolist() == [8.0, 4.0, -4.0, 2.0, -2.0]
    assert pairs(x, nf.constant(99)).shape.as_list() == [7, 1]


def test_gradients_through_arrays() -> None:
    """Of what was written, of what was read, of what grew."""

    def f(x: Any) -> Any:
        ta = nf.TensorArray(nf.float64, size=0, dynamic_size=True)

        def body(k: Any, s: Any, ta: Any) -> Any:
            s = nf.sin(s) + x[k]
            return k + 1, s, ta.write(k, s * s)

        start = [0, x[0] * 0.0, ta]
        ta = nf.while_loop(lambda k, *_: k < 4, body, start)[2]
        return ta.stack()

    _both(_slopes(f), X)


def test_straight_lines_hold_tensors_of_any_shape() -> None:
    """split and concat of unlike lengths; unstack, scatter; in a trace too."""

    def f(x: Any) -> Any:
        ta = nf.TensorArray(nf.float64, 0, dynamic_size=True, infer_shape=False)
        ta = ta.split(x, [1, 3])
        return ta.read(1) * 2.0, nf.TensorArray(nf.float64, 4).scatter([2, 0, 3, 1], x).stack()

    _both(f, X)
    ta = nf.TensorArray(nf.float32, 2, infer_shape=False)
    ta = ta.write(0, nf.ones([1, 2])).write(1, nf.zeros([2, 2]))
    assert ta.concat().shape.as_list() == [3, 2]


def test_arrays_of_nothing() -> None:
    """As far as its shape is known; what is open there is no axis, as TensorFlow has it."""

    def of(op: Any, element_shape: Any = None, rows: Any = None) -> Any:
        def run() -> Any:
            ta = nf.TensorArray(nf.float32, 0, dynamic_size=True, element_shape=element_shape)
            return op(ta if rows is None else ta.unstack(nf.zeros(rows)))

        return run

    def sizes(op: Any, *args: Any) -> Any:
        return _both(of(op, *args)).shape.as_list()

    stack, concat = nf.TensorArray.stack, nf.TensorArray.concat
    assert sizes(stack) == [0] and sizes(stack, []) == [0]
    assert sizes(stack, [3, 2]) == [0, 3, 2] and sizes(concat, [3, 2]) == [0, 2]
    assert sizes(concat, [None, 2]) == [0, 2] and sizes(concat, [None]) == [0]
    assert sizes(stack, None, [0, 4, 5]) == [0, 4, 5]
    assert sizes(concat, None, [0, 4, 5]) == [0, 5]
    for element, kind, message in (
        (None, nf.errors.InvalidArgumentError, "concat of no elements, and their axes behind"),
        ([3, None], nf.errors.InvalidArgumentError, "concat of no elements, and their axes behind"),
        ([], nf.errors.ShapeError, "concat takes elements of at least one axis"),
    ):
        run = of(concat, element)
        for call in (run, nf.function(run)):
            with pytest.raises(kind, match=message):
                call()


def test_what_arrays_refuse() -> None:
    """Numbers outside, reading twice, other dtypes and shapes."""
    ta = nf.TensorArray(nf.float32, 2)
    with pytest.raises(nf.errors.OutOfRangeError, match="write index 2 but array size is: 2"):
        ta.write(2, 1.0)
    ta = ta.write(0, [1.0, 2.0])
    with pytest.raises(TypeError, match="value is int32, the elements are float32"):
        ta.write(1, nf.constant([1, 2]))
    with pytest.raises(ValueError, match=r"not of the shape \[2\]"):
        ta.write(1, [1.0])
    ta.read(0)
    with pytest.raises(nf.errors.InvalidArgumentError, match="Could not read index 0 twice"):
        ta.read(0)
    with pytest.raises(ValueError, match="element shape"):
        nf.TensorArray(nf.float32, 1, element_shape=[3]).write(0, [1.0])

    @nf.function
    def f(n: Any) -> Any:
        ta = nf.TensorArray(nf.int32, size=3, element_shape=[])
        return nf.while_loop(lambda k, _: k < n, lambda k, ta: (k + 1, ta.write(k, k)), [0, ta])[
            1
        ].stack()

    assert f(nf.constant(3)).numpy().tolist() == [0, 1, 2]
    with pytest.raises(nf.errors.InvalidArgumentError, match="index 3 is outside"):
        f(nf.constant(4))


def test_specs_of_arrays() -> None:
    """TensorArraySpec says which arrays will do."""
    spec = nf.TensorArraySpec([None, 3], nf.float32)
    assert spec.is_compatible_with(nf.TensorArray(nf.float32, 1, element_shape=[2, 3]))
    assert not spec.is_compatible_with(nf.TensorArray(nf.int32, 1, element_shape=[2, 3]))
    assert spec.value_type is nf.TensorArray
    other = nf.TensorArraySpec([4, 3], nf.float32)
    assert spec.most_specific_compatible_type(other) == nf.TensorArraySpec([None, 3], nf.float32)
    ta = nf.TensorArray(nf.float32, 2, dynamic_size=True)
    assert ta.dtype is nf.float32 and ta.dynamic_size and ta.element_shape.rank is None


@pytest.mark.parametrize("looped", [False, True])
def test_an_array_that_nobody_writes_is_refused_with_its_line(looped: bool) -> None:
    def f(n: Any) -> Any:
        a = nf.TensorArray(nf.float32, size=n)
        if looped:
            for i in nf.range(n):
                a = a.identity() if i > 1 else a
        return a.stack()

    for n in (3, nf.constant(3)):
        with pytest.raises(nf.errors.InvalidArgumentError, match=r"never written[^§]*test_arrays"):
            nf.function(f)(n)


def test_pieces_have_rows() -> None:
    def f(shape: Any, lengths: list[int]) -> Any:
        array = nf.TensorArray(nf.float32, 3, element_shape=shape, infer_shape=False)
        return array.split([1.0, 2.0, 3.0, 4.0], lengths).read(2)

    for way in (f, nf.function(f)):
        assert way([None], [1, 0, 3]).numpy().tolist() == [2.0, 3.0, 4.0]
        with pytest.raises(nf.errors.ShapeError, match="element shape"):
            way([2], [1, 0, 3])
        with pytest.raises(nf.errors.ShapeError, match="element shape"):
            way([], [1, 0, 3])
