"""Loops over small tensors as one kernel (codegen/registers.py): drawn bodies against loops of
jumps, what stays in memory, and what is left to jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.codegen import control
from numflow.codegen.registers import BUDGET, in_registers
from numflow.ops.control import while_op
from numflow.passes import run_passes

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
RNG = np.random.default_rng(5)


def _kernel(f: Any, *args: Any) -> Any:
    """The kernel of the last loop of a function; None if it is none for registers."""
    graph = run_passes(nf.function(f).get_concrete_function(*args).graph)
    return in_registers([n for n in graph.nodes if n.op is while_op][-1])


def _both(f: Any, *args: Any) -> None:
    """One kernel, jumps and Python agree."""
    assert _kernel(f, *args) is not None
    have = nf.nest.flatten(nf.function(f)(*args))
    with patch.object(control, "_in_registers", lambda node: None):
        jumps = nf.nest.flatten(nf.function(f)(*args))
    for a, b, c in zip(have, jumps, nf.nest.flatten(f(*args)), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        tolerance = 2e-4 if a.dtype.size == 4 else 1e-9
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(a.numpy(), c.numpy(), rtol=tolerance, atol=tolerance)


# --- drawn bodies ------------------------------------------------------------

OPS = (
    "add times tanh sum max mean transpose reshape slice reverse concat pad matmul dot where "
    "gather rows one_hot argmax softmax stack tile any scatter segments norm "
    "zeros constants min prod mask both turned diagonal of_two update outer halves"
).split()
drawn = st.lists(
    st.tuples(st.sampled_from(OPS), st.integers(0, 5), st.integers(0, 5), st.integers(0, 7)),
    min_size=1,
    max_size=6,
)


def _made(op: str, x: Any, y: Any, n: int, k: Any) -> Any:
    """A tensor of two others; n: chooses axes, widths and rows; k: number of the iteration."""
    rank = x.shape.rank
    axis = n % rank if rank else None
    flat = nf.reshape(x, [-1])
    size = flat.shape[0]
    whole: dict[str, Callable[[], Any]] = {
        "add": lambda: x + nf.reduce_sum(y),
        "times": lambda: x * nf.reshape(y, [-1])[n % y.shape.num_elements()],
        "tanh": lambda: nf.tanh(x),
        "sum": lambda: nf.reduce_sum(x, axis, keepdims=n > 3),
        "max": lambda: nf.reduce_max(x, axis),
        "mean": lambda: nf.reduce_mean(x),
        "transpose": lambda: nf.transpose(x),
        "reshape": lambda: nf.reshape(x, [size, 1]) if n % 2 else nf.reshape(x, [1, -1]),
        "slice": lambda: flat[n % size :],
        "reverse": lambda: nf.reverse(flat, [0])[:: 1 + n % 2],
        "concat": lambda: nf.concat([flat, nf.reshape(y, [-1]), [0.5]], 0),
        "pad": lambda: nf.pad(flat, [[n % 3, 2]], constant_values=1.5),
        "matmul": lambda: nf.matmul(nf.reshape(x, [-1, 1]), nf.reshape(y, [1, -1])[:, : 1 + n]),
        "dot": lambda: nf.linalg.matvec(nf.reshape(x, [1, -1]), flat) + nf.zeros([1], x.dtype),
        "where": lambda: nf.where(x > 0.1, x, nf.reduce_max(y)),
        "gather": lambda: flat[k % size],
        "rows": lambda: nf.gather(flat, [n % size, 0, size - 1, k % size]),
        "one_hot": lambda: nf.one_hot(nf.cast(flat * 2.0, nf.int32)[:5], 4, dtype=x.dtype),
        "argmax": lambda: nf.cast(nf.argmax(x, axis or 0) if rank else 0, x.dtype),
        "softmax": lambda: nf.nn.softmax(nf.reshape(x, [1, -1])),
        "stack": lambda: nf.stack([flat, flat * 0.5], axis=n % 2),
        "tile": lambda: nf.tile(flat[:3], [2]),
        "any": lambda: nf.cast(nf.reduce_any(x > 0.9), x.dtype) + flat[:1],
        "scatter": lambda: nf.tensor_scatter_nd_add(flat, [[n % size], [0]], [flat[0], 0.25]),
        "segments": lambda: nf.math.unsorted_segment_sum(flat, nf.range(size) % 3 - n % 2, 3),
        "zeros": lambda: nf.concat(
            [nf.zeros([n + 1], x.dtype), flat[:2], nf.ones([3], x.dtype)], 0
        ),
        "constants": lambda: nf.constant(np.arange(n + 1) % 3 * 0.5, x.dtype) + flat[0],
        "min": lambda: nf.reduce_min(x, axis),
        "prod": lambda: nf.reduce_prod(nf.clip_by_value(x, 0.5, 1.1), axis),
        "mask": lambda: nf.where(nf.reverse(flat > 0.0, [0]), nf.zeros_like(flat), flat),
        "both": lambda: nf.cast(nf.logical_and(flat > 0.0, flat < nf.reduce_max(y)), x.dtype),
        "turned": lambda: nf.transpose(nf.reshape(nf.tile(flat[:2], [6]), [2, 3, 2]), [2, 0, 1]),
        "diagonal": lambda: nf.linalg.diag(flat[:4]),
        "of_two": lambda: nf.gather(nf.stack([flat, -flat]), [k % 2, 1], axis=0),
        "update": lambda: nf.tensor_scatter_nd_update(
            nf.zeros([5, 2], x.dtype), [[k % 5], [n % 5]], nf.ones([2, 2], x.dtype) * flat[0]
        ),
        "outer": lambda: nf.einsum("i,j->ij", flat[:4], nf.reshape(y, [-1])[:5]),
        "halves": lambda: nf.concat(nf.split(nf.tile(flat[:1], [8]) * np.arange(8.0), 2), 0),
        "norm": lambda: flat / (1.0 + nf.norm(flat)),
    }
    return nf.clip_by_value(whole[op](), -3.0, 3.0)


def _loop(program: Any, a: Any, b: Any, c: Any, n: Any) -> Any:
    def body(k: Any, a: Any, b: Any) -> Any:
        pool = [a, b, c]
        for op, i, j, number in program:
            made = _made(op, pool[i % len(pool)], pool[j % len(pool)], number, k)
            if made.shape.num_elements() <= 60:
                pool.append(made)
        flat = nf.concat([nf.reshape(t, [-1]) for t in reversed(pool)], 0)
        size = a.shape.num_elements()
        new = nf.reshape(flat[:size], a.shape)
        return k + 1, 0.5 * a + 0.3 * nf.sin(new), b * 0.5 + nf.reduce_mean(flat)

    return nf.while_loop(lambda k, *_: k < n, body, [0, a, b])


@FEW
@given(drawn, st.sampled_from([(3,), (2, 3), (5, 7), (1, 17), (2, 2, 5)]), st.booleans())
def test_a_drawn_body_gives_what_jumps_give(program: Any, shape: Any, wide: bool) -> None:
    """Values, over shapes of one register, of several, and of odd tails."""
    dtype = nf.float64 if wide else nf.float32
    rng = np.random.default_rng(1)
    a, b, c = (nf.constant(rng.normal(size=s), dtype) for s in (shape, (4,), (3, 5)))
    _both(lambda a, b, c, n: _loop(program, a, b, c, n), a, b, c, nf.constant(3))


@settings(FEW, max_examples=4)
@given(drawn)
def test_gradients_of_drawn_bodies(program: Any) -> None:
    """Forward loops onto stacks, backward loops from them: by jumps as by kernels."""
    rng = np.random.default_rng(2)
    a, b, c = (nf.constant(rng.normal(size=s), nf.float64) for s in ((2, 3), (4,), (3, 5)))

    def slope(a: Any, c: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([a, c])
            _, x, y = _loop(program, a, b, c, 3)
            total = nf.reduce_sum(x * x) + nf.reduce_sum(y)
        return tape.gradient(total, [a, c], unconnected_gradients="zero")

    have = nf.function(slope)(a, c)
    with patch.object(control, "_in_registers", lambda node: None):
        want = nf.function(slope)(a, c)
    for p, q, r in zip(have, want, slope(a, c), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(p.numpy(), r.numpy(), rtol=1e-8, atol=1e-10)


# --- what people write -------------------------------------------------------


def _f32(*shape: int) -> Any:
    return nf.constant(RNG.normal(size=shape).astype(np.float32))


def test_a_linear_regression_trains_in_registers() -> None:
    """Rows of a long array, a variable of four weights, through AutoGraph and a tape."""
    xs, truth = _f32(200, 4), np.array([0.5, -1.0, 2.0, 0.25], np.float32)
    ys = nf.constant(xs.numpy() @ truth + 0.75)
    w, b = nf.Variable(nf.zeros([4, 1])), nf.Variable(0.0)

    @nf.function
    def train(steps: Any) -> None:
        for k in nf.range(steps):
            row = k % 200
            with nf.GradientTape() as tape:
                loss = nf.reduce_sum((xs[row][None] @ w + b - ys[row]) ** 2)
            for v, g in zip((w, b), tape.gradient(loss, [w, b]), strict=True):
                v.assign_sub(0.05 * g)

    train(nf.constant(4000))
    np.testing.assert_allclose(w.numpy()[:, 0], truth, atol=1e-3)
    assert abs(float(b) - 0.75) < 1e-3
    assert "its values in registers" in str(train.explain(nf.constant(4000)))


def test_a_batch_of_unknown_size_is_read_by_rows() -> None:
    """Rows are found by a size that only the call tells; one outside is refused."""

    @nf.function(
        input_signature=[nf.TensorSpec([None, 5], nf.float32), nf.TensorSpec([], nf.int32)]
    )
    def walk(xs: Any, n: Any) -> Any:
        return nf.while_loop(
            lambda k, *_: k < n, lambda k, s: (k + 1, 0.5 * s + xs[k]), [0, nf.zeros([5])]
        )[1]

    for rows in (3, 8):
        xs, want = _f32(rows, 5), np.zeros(5, np.float32)
        for row in xs.numpy():
            want = 0.5 * want + row
        np.testing.assert_allclose(walk(xs, rows).numpy(), want, rtol=1e-5)
    with pytest.raises(nf.errors.InvalidArgumentError, match="is outside"):
        walk(_f32(3, 5), nf.constant(4))


def test_a_recurrent_cell_by_scan_and_its_gradient() -> None:
    """States go onto a stack by rows, and come back."""
    xs, w, u, b = _f32(9, 4), _f32(8, 4), _f32(8, 8), _f32(8)

    def f(xs: Any, w: Any, u: Any, b: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            return nf.tanh(nf.linalg.matvec(w, x) + nf.linalg.matvec(u, h) + b)

        return nf.scan(step, xs, nf.zeros([8]))

    _both(f, xs, w, u, b)

    def slope(*args: Any) -> Any:
        return nf.value_and_grad(lambda *a: nf.reduce_sum(f(*a) ** 2), argnums=(0, 1, 2, 3))(*args)

    want = slope(xs, w, u, b)
    have = nf.function(slope)(xs, w, u, b)
    for p, q in zip(nf.nest.flatten(have), nf.nest.flatten(want), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-3, atol=1e-5)


def test_k_means_and_bodies_that_attract_each_other() -> None:
    """Broadcasts over three axes, argmin, segments; and a loop in a loop."""
    points = _f32(20, 2)

    def k_means(points: Any, n: Any) -> Any:
        def body(k: Any, c: Any) -> Any:
            nearest = nf.argmin(nf.reduce_sum((points[:, None] - c[None]) ** 2, -1), 1)
            return k + 1, nf.math.unsorted_segment_mean(points, nearest, 3)

        return nf.while_loop(lambda k, _: k < n, body, [0, points[:3]])[1]

    _both(k_means, points, nf.constant(6))

    def bodies(p: Any, n: Any) -> Any:
        def push(v: Any, p: Any) -> Any:
            def pull(j: Any, v: Any) -> Any:
                d = p[j] - p
                return j + 1, v + 0.01 * d / (0.1 + nf.reduce_sum(d * d, 1, keepdims=True))

            return nf.while_loop(lambda j, _: j < 5, pull, [0, v])[1]

        def body(k: Any, p: Any, v: Any) -> Any:
            v = push(v, p)
            return k + 1, p + 0.01 * v, v

        return nf.while_loop(lambda k, *_: k < n, body, [0, p, nf.zeros([5, 3])])[1:]

    _both(bodies, _f32(5, 3), nf.constant(7))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint16", "int64", "bool", "float64"])
def test_all_dtypes(dtype: str) -> None:
    """Vectors of every type come and go through memory, whatever their length."""
    kind = nf.as_dtype(dtype)

    def f(x: Any, n: Any) -> Any:
        def body(k: Any, v: Any) -> Any:
            if kind.is_bool:
                return k + 1, nf.math.logical_xor(nf.reverse(v, [0]), k % 2 == 0)
            return k + 1, nf.reverse(v, [0]) + v * 2 + nf.cast(k, kind) + nf.reduce_max(v)

        return nf.while_loop(lambda k, _: k < n, body, [0, x])[1]

    for size in (2, 3, 19, 33):
        x = nf.constant((np.arange(size) % 5 % (2 if kind.is_bool else 5)).astype(dtype))
        _both(f, x, nf.constant(4))


def test_random_numbers_are_those_of_jumps() -> None:
    """Each iteration draws its own."""

    def f(n: Any) -> Any:
        def body(k: Any, s: Any) -> Any:
            return k + 1, s + nf.random.normal([6]) * nf.random.uniform([])

        return nf.while_loop(lambda k, _: k < n, body, [0, nf.zeros([6])])[1]

    assert _kernel(f, nf.constant(3)) is not None
    found = []
    for way in (control._in_registers, lambda node: None):
        with patch.object(control, "_in_registers", way):
            nf.random.set_seed(7)
            g = nf.function(f)
            found.append([g(nf.constant(5)).numpy() for _ in range(2)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)
    assert not np.allclose(found[0][0], found[0][1])


def test_branches_hand_on_small_tensors() -> None:
    """Of vectors made in both branches, of one branch's input, and of nested ones."""

    def f(x: Any, n: Any) -> Any:
        def body(k: Any, v: Any, w: Any) -> Any:
            v, w = nf.cond(
                nf.reduce_sum(v) > 0.0,
                lambda: (v - 0.5, w),
                lambda: (nf.reverse(w, [0]), nf.cond(k % 2 == 0, lambda: v, lambda: w * 0.5)),
            )
            return k + 1, v, w

        return nf.while_loop(lambda k, *_: k < n, body, [0, x, nf.sin(x)])

    _both(f, _f32(11), nf.constant(9))


def test_checks_of_vectors_refuse_with_their_line() -> None:
    """One bad index of several; variables keep their values."""
    total = nf.Variable(nf.zeros([3]))

    @nf.function
    def f(x: Any, n: Any) -> Any:
        def body(k: Any) -> Any:
            total.assign_add(nf.gather(x, nf.stack([k, 0, k + 1])))  # here
            return k + 1

        return nf.while_loop(lambda k: k < n, body, [0])

    x = nf.constant([1.0, 2.0, 3.0, 4.0])
    f(x, nf.constant(3))
    before = total.numpy().tolist()
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"4 is outside.*\n.*\n?.*# here"):
        f(x, nf.constant(4))
    assert total.numpy().tolist() == before == [6.0, 3.0, 9.0]


def test_many_iterations_are_several_calls_of_the_kernel() -> None:
    """State comes and goes through memory in between, vectors too."""

    def f(n: Any) -> Any:
        def body(k: Any, v: Any) -> Any:
            return k + 1, nf.reverse(v, [0]) + nf.constant([1, 2, 3])

        return nf.while_loop(lambda k, _: k < n, body, [0, nf.constant([0, 0, 0])])[1]

    n = 2 * BUDGET
    assert nf.function(f)(nf.constant(n)).numpy().tolist() == [2 * n] * 3


def test_too_much_is_left_to_jumps() -> None:
    """Long vectors, vectors of unknown length, and what has a kernel of its own."""

    def f(x: Any) -> Any:
        return nf.while_loop(lambda k, _: k < 3, lambda k, v: (k + 1, v * v), [0, x])[1]

    assert _kernel(f, nf.ones([600])) is None
    assert _kernel(f, nf.ones([60])) is not None
    assert nf.function(f)(nf.ones([600]) * 2.0).numpy()[-1] == 256.0

    def ordered(x: Any) -> Any:
        return nf.while_loop(lambda k, _: k < 3, lambda k, v: (k + 1, nf.sort(v * -1.0)), [0, x])[1]

    assert _kernel(ordered, nf.ones([6])) is None
    unknown = nf.function(f, input_signature=[nf.TensorSpec([None], nf.float32)])
    assert unknown(nf.constant([1.0, 2.0])).numpy().tolist() == [1.0, 256.0]


def test_many_equal_constants_beside_what_changes() -> None:
    """Pieces of a tensor that are one number each have as many elements as others."""

    def f(x: Any, n: Any) -> Any:
        def body(k: Any, v: Any) -> Any:
            long = nf.concat([nf.zeros([37]), v, nf.ones([40])], 0)
            square = nf.reshape(long, [16, 6])
            more = nf.reduce_prod(nf.concat([nf.ones([37]), nf.cos(v)], 0))
            turned = nf.reduce_sum(nf.transpose(square) * 2.0, 0)
            v = v * 0.5 + nf.reduce_max(square, 1)[9] + more + turned[7]
            return k + 1, v + nf.gather(long, [k, k + 40, 90])[1]

        return nf.while_loop(lambda k, _: k < n, body, [0, x])[1]

    _both(f, _f32(19), nf.constant(4))
