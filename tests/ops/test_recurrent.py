"""Recurrent layers over whole sequences, against NumPy in float64, eager and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError
from numflow.ops import recurrent
from tests.contract import FLOATS, SINGLE_AND_DOUBLE, Case, bools, check, floats, ids, ints

Array = np.ndarray[Any, Any]


# --- NumPy -------------------------------------------------------------------------------------


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def steps_of(x: Array, alive: Any, options: dict[str, Any]) -> Any:
    """(where outputs go, inputs, mask) per step, in the order of computing."""
    time_major = options.get("time_major", False)
    steps = x.shape[0 if time_major else 1]
    order = reversed(range(steps)) if options.get("reverse") else range(steps)
    for t in order:
        at = t if time_major else (slice(None), t)
        yield at, x[at], None if alive is None else alive[at][:, None]


def over(step: Any, x: Array, state: tuple[Array, ...], alive: Any, options: Any) -> list[Array]:
    """Outputs of a cell, and its last state; state[0] is the output."""
    y = np.zeros((*x.shape[:2], state[0].shape[1]))
    for at, now, live in steps_of(x, alive, options):
        after = step(now, *state)
        out = after[0]
        if live is not None:
            out = np.where(live, out, state[0] if options.get("carry") else 0)
            after = tuple(np.where(live, a, b) for a, b in zip(after, state, strict=True))
        y[at], state = out, after
    return [y, *state]


def numpy_lstm(
    x: Array, w: Array, u: Array, b: Array, h: Array, c: Array, peepholes: Any = None,
    projection: Any = None, alive: Any = None, **options: Any,
) -> list[Array]:  # fmt: skip
    n = c.shape[1]
    order = options.get("order", "ifco")
    clip, out_clip = options.get("cell_clip"), options.get("projection_clip")

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        z = x @ w + h @ u + b
        gates = {gate: z[:, k * n : (k + 1) * n] for k, gate in enumerate(order)}
        p = np.zeros((3, n)) if peepholes is None else peepholes
        i = sigmoid(gates["i"] + p[0] * c)
        f = sigmoid(gates["f"] + options.get("forget_bias", 0) + p[1] * c)
        c = f * c + i * np.tanh(gates["c"])
        c = c if clip is None else np.clip(c, -clip, clip)
        h = sigmoid(gates["o"] + p[2] * c) * np.tanh(c)
        if projection is not None:
            h = h @ projection
            h = h if out_clip is None else np.clip(h, -out_clip, out_clip)
        return h, c

    return over(step, x, (h, c), alive, options)


def numpy_gru(
    x: Array, w: Array, u: Array, b: Array, v: Array, h: Array, alive: Any = None, **options: Any
) -> list[Array]:
    n = h.shape[1]
    z_at, r_at = (
        (slice(0, n), slice(n, 2 * n))[options.get("order", "zrh").index(g)] for g in "zr"
    )
    n_at = slice(2 * n, 3 * n)

    def step(x: Array, h: Array) -> tuple[Array]:
        a = x @ w + b
        z = sigmoid(a[:, z_at] + h @ u[:, z_at] + v[z_at])
        r = sigmoid(a[:, r_at] + h @ u[:, r_at] + v[r_at])
        if options.get("reset_after", True):
            new = np.tanh(a[:, n_at] + r * (h @ u[:, n_at] + v[n_at]))
        else:
            new = np.tanh(a[:, n_at] + (r * h) @ u[:, n_at] + v[n_at])
        return (z * h + (1 - z) * new,)

    return over(step, x, (h,), alive, options)


def numpy_simple(
    x: Array, w: Array, u: Array, b: Array, h: Array, alive: Any = None, **options: Any
) -> list[Array]:
    def step(x: Array, h: Array) -> tuple[Array]:
        z = x @ w + h @ u + b
        return (np.maximum(z, 0) if options.get("activation") == "relu" else np.tanh(z),)

    return over(step, x, (h,), alive, options)


# --- cases -------------------------------------------------------------------------------------


def lstm(x: Any, w: Any, u: Any, b: Any, h: Any, c: Any, **options: Any) -> list[Any]:
    """recurrent.lstm; its outputs in one list."""
    y, states = recurrent.lstm(x, w, u, b, (h, c), **options)
    return [y, *states]


def lstm_with_all(
    x: Any, w: Any, u: Any, b: Any, h: Any, c: Any, p: Any, v: Any, m: Any, **options: Any
) -> list[Any]:
    """With peepholes, projection and mask."""
    return lstm(x, w, u, b, h, c, peepholes=p, projection=v, mask=m, **options)


def lstm_of_lengths(
    x: Any, w: Any, u: Any, b: Any, h: Any, c: Any, n: Any, **options: Any
) -> list[Any]:
    """With sequences of different lengths."""
    return lstm(x, w, u, b, h, c, lengths=n, **options)


def gru(x: Any, w: Any, u: Any, b: Any, v: Any, h: Any, *m: Any, **options: Any) -> list[Any]:
    """recurrent.gru, perhaps with a mask."""
    return list(recurrent.gru(x, w, u, b, v, h, mask=m[0] if m else None, **options))


def simple(x: Any, w: Any, u: Any, b: Any, h: Any, *m: Any, **options: Any) -> list[Any]:
    """recurrent.simple_rnn, perhaps with a mask."""
    return list(recurrent.simple_rnn(x, w, u, b, h, mask=m[0] if m else None, **options))


def sizes(
    gates: int, batch: int, steps: int, depth: int, units: int, state: int, time_major: bool
) -> list[Any]:
    """Inputs, weights, bias."""
    x = (steps, batch, depth) if time_major else (batch, steps, depth)
    wide = gates * units
    return [
        floats(*x), floats(depth, wide, low=-1, high=1), floats(state, wide, low=-1, high=1),
        floats(wide, low=-1, high=1),
    ]  # fmt: skip


def lstm_case(batch: int, steps: int, depth: int, units: int, **options: Any) -> Case:
    time_major = options.get("time_major", False)
    return Case(
        lstm,
        lambda *a: numpy_lstm(*a, **options),
        [
            *sizes(4, batch, steps, depth, units, units, time_major),
            floats(batch, units),
            floats(batch, units),
        ],
        options,
    )


def full_case(time_major: bool, reverse: bool, carry: bool, clip: float | None) -> Case:
    batch, steps, depth, units, state = 3, 4, 2, 5, 3
    options: dict[str, Any] = {"time_major": time_major, "reverse": reverse, "carry": carry}
    if clip is not None:
        options |= {"cell_clip": clip, "projection_clip": clip}
    return Case(
        lstm_with_all,
        lambda x, w, u, b, h, c, p, v, m: numpy_lstm(x, w, u, b, h, c, p, v, m, **options),
        [
            *sizes(4, batch, steps, depth, units, state, time_major),
            *(floats(batch, state), floats(batch, units)),
            *(floats(3, units, low=-0.5, high=0.5), floats(units, state)),
            bools(*((steps, batch) if time_major else (batch, steps))),
        ],
        options,
        dtypes=SINGLE_AND_DOUBLE,
    )


def gru_case(masked: bool, **options: Any) -> Case:
    batch, steps, depth, units = 3, 4, 2, 5
    time_major = options.get("time_major", False)
    mask = [bools(*((steps, batch) if time_major else (batch, steps)))] if masked else []
    return Case(
        gru,
        lambda *a: numpy_gru(*a, **options),
        [
            *sizes(3, batch, steps, depth, units, units, time_major),
            *(floats(3 * units, low=-1, high=1), floats(batch, units), *mask),
        ],
        options,
        dtypes=FLOATS if not masked else SINGLE_AND_DOUBLE,
    )


def simple_case(masked: bool, **options: Any) -> Case:
    batch, steps, depth, units = 3, 4, 2, 5
    time_major = options.get("time_major", False)
    mask = [bools(*((steps, batch) if time_major else (batch, steps)))] if masked else []
    return Case(
        simple,
        lambda *a: numpy_simple(*a, **options),
        [*sizes(1, batch, steps, depth, units, units, time_major), floats(batch, units), *mask],
        options,
        dtypes=SINGLE_AND_DOUBLE,
    )


def lengths_case() -> Case:
    batch, steps = 4, 3
    return Case(
        lstm_of_lengths,
        lambda x, w, u, b, h, c, n: numpy_lstm(
            x, w, u, b, h, c, alive=np.arange(steps) < n[:, None], reverse=True
        ),
        [
            *sizes(4, batch, steps, 2, 3, 3, False),
            *(floats(batch, 3), floats(batch, 3), ints(batch, low=0, high=steps + 1)),
        ],
        {"reverse": True},
        dtypes=SINGLE_AND_DOUBLE,
    )


CASES = [
    lstm_case(3, 4, 2, 5),
    lstm_case(2, 3, 3, 4, time_major=True, order="icfo", forget_bias=1.0),
    lstm_case(1, 1, 1, 1),
    lstm_case(2, 0, 3, 2),
    lstm_case(0, 3, 2, 3),
    full_case(False, False, False, None),
    full_case(True, True, True, 0.3),
    lengths_case(),
    gru_case(False),
    gru_case(True, reset_after=False, order="rzh", time_major=True),
    gru_case(True, reverse=True, carry=True),
    gru_case(False, reset_after=False, reverse=True),
    simple_case(False),
    simple_case(True, activation="relu", time_major=True, reverse=True),
    simple_case(True, carry=True),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    check(case)


# --- compiled --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=12)
@given(st.data())
def test_drawn_sizes_compiled(data: st.DataObject) -> None:
    """Sizes around those of vectors, tiles and blocks of rows: kernels agree with references."""
    draw = data.draw
    batch = draw(st.sampled_from([1, 2, 3, 11, 13, 25, 49, 97]))
    steps, depth = draw(st.integers(0, 5)), draw(st.integers(1, 3))
    units = draw(st.sampled_from([1, 3, 8, 15, 16, 17, 31, 33, 48, 65]))
    kind = draw(st.sampled_from(["lstm", "gru", "simple"]))
    gates = {"lstm": 4, "gru": 3, "simple": 1}[kind]
    time_major, wide = draw(st.booleans()), gates * units
    options: dict[str, Any] = {"time_major": time_major, "reverse": draw(st.booleans())}
    if kind == "gru":
        options["reset_after"] = draw(st.booleans())
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))

    def array(*shape: int) -> Any:
        return nf.constant(rng.uniform(-1, 1, shape).astype(dtype))

    lead = (steps, batch) if time_major else (batch, steps)
    args = [array(*lead, depth), array(depth, wide), array(units, wide) * units**-0.5, array(wide)]
    args += [array(3 * units)] * (kind == "gru") + [
        array(batch, units) for _ in range(2 if gates == 4 else 1)
    ]
    functions: dict[str, Any] = {"lstm": lstm, "gru": gru, "simple": simple}
    function = functions[kind]
    if draw(st.booleans()):
        options["mask"] = rng.integers(0, 2, lead).astype(bool)
        options["carry"] = draw(st.booleans())
        mask = [options.pop("mask")]
        if kind == "lstm":
            options["mask"], mask = mask[0], []
        args += [nf.constant(m) for m in mask]

    def run(*tensors: Any) -> list[Any]:
        watched = [t for t in tensors if t.dtype.is_floating]
        with nf.GradientTape() as tape:
            tape.watch(watched)
            outputs = function(*tensors, **options)
            total = nf.add_n([nf.reduce_sum(nf.sin(3.0 * y)) for y in outputs])
        return [*outputs, *tape.gradient(total, watched)]

    bound = 2e-4 if dtype is np.float32 else 1e-11
    for got, want in zip(nf.function(run)(*args), run(*args), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), bound, bound)
    states = nf.function(lambda *t: function(*t, **options))(*args)  # without what gradients need
    for got, want in zip(states, function(*args, **options), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), bound, bound)


@pytest.mark.parametrize("units", [17, 33, 49])
@pytest.mark.parametrize("kind", ["lstm", "gru", "before"])
def test_a_last_panel_that_is_narrow(kind: str, units: int) -> None:
    """Units that fill one and a half panels, on each machine."""
    rng = np.random.default_rng(6)
    gates = 4 if kind == "lstm" else 3
    shapes = [(5, 3, 2), (2, gates * units), (units, gates * units)]
    x, w, u = (nf.constant(rng.uniform(-0.5, 0.5, s).astype(np.float32)) for s in shapes)
    f: Any = recurrent.lstm if kind == "lstm" else recurrent.gru
    options = {} if kind == "lstm" else {"reset_after": kind == "gru"}
    got = nf.function(lambda *t: f(*t, **options)[0])(x, w, u)
    np.testing.assert_allclose(got.numpy(), f(x, w, u, **options)[0].numpy(), 1e-5, 1e-6)


def test_peepholes_and_projections_compiled() -> None:
    """All that an LSTM may have, with sizes beyond a vector."""
    rng = np.random.default_rng(3)
    batch, steps, units, state = 13, 4, 37, 21
    shapes = [
        (batch, steps, 3), (3, 4 * units), (state, 4 * units), (4 * units,), (batch, state),
        (batch, units), (3, units), (units, state),
    ]  # fmt: skip
    args = [nf.constant(rng.uniform(-0.5, 0.5, s).astype(np.float32)) for s in shapes]
    mask = nf.constant(rng.integers(0, 3, (batch, steps)) > 0)

    def run(*t: Any) -> list[Any]:
        with nf.GradientTape() as tape:
            tape.watch(t)
            options: Any = {"cell_clip": 0.2, "projection_clip": 0.1, "carry": True}
            x, w, u, b, h, c, p, v = t
            outputs = lstm_with_all(x, w, u, b, h, c, p, v, mask, **options)
            total = nf.add_n([nf.reduce_sum(nf.sin(3.0 * y)) for y in outputs])
        return [*outputs, *tape.gradient(total, t)]

    for got, want in zip(nf.function(run)(*args), run(*args), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-4, 1e-4)


def test_one_trace_for_all_batches_and_lengths() -> None:
    """Batch and steps are open sizes after the second of each."""
    rng = np.random.default_rng(4)
    w, u = (nf.constant(rng.uniform(-1, 1, (n, 12)).astype(np.float32)) for n in (2, 3))
    f = nf.function(lambda x, n: recurrent.lstm(x, w, u, lengths=n)[0])
    for batch, steps in [(2, 3), (3, 3), (3, 4), (5, 6), (1, 9), (0, 2), (4, 0)]:
        x = rng.uniform(-1, 1, (batch, steps, 2)).astype(np.float32)
        n = rng.integers(0, steps + 1, batch).astype(np.int32)
        want = recurrent.lstm(x, w, u, lengths=n)[0]
        np.testing.assert_allclose(f(x, n).numpy(), want.numpy(), 1e-5, 1e-6)
    assert f.experimental_get_tracing_count() <= 3


def test_what_a_gradient_needs_is_not_kept_without_one() -> None:
    """The program of a forward pass has the op of the states alone."""
    x, w, u = nf.ones([2, 3, 4]), nf.ones([4, 12]), nf.ones([3, 12])
    text = str(nf.function(lambda x: recurrent.lstm(x, w, u)[0]).explain(x))
    assert "lstm_states" in text and "lstm_forward" not in text
    assert "1 block(s) of 2 sequence(s), each through all steps on one thread" in text


def test_what_is_kept_lies_where_the_inputs_products_were() -> None:
    """Products of the inputs, the gates, and the gradients by these have one place in the arena."""
    from numflow.runtime.lives import lives_of

    rng = np.random.default_rng(5)
    args = [nf.constant(rng.uniform(-1, 1, s).astype(np.float32)) for s in ((2, 3, 4), (4, 12))]

    @nf.function
    def step(x: Any, w: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, w])
            y = recurrent.lstm(x, w, nf.ones([3, 12]))[0]
        return tape.gradient(y, [x, w])

    step(*args)
    shared = lives_of(step.get_concrete_function(*args).plain().program, 0).shared
    assert {v.node.op.name for v in shared if v.node} == {"lstm_backward", "lstm_forward"}
    assert {v.node.op.name for v in shared.values() if v.node} == {"matmul"}


# --- bad input -------------------------------------------------------------------------------


def weights(units: int = 3) -> tuple[Any, Any, Any]:
    return nf.ones([2, 5, 2]), nf.ones([2, 4 * units]), nf.ones([units, 4 * units])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"initial_state": [nf.ones([2, 3])]}, "initial_state has 1 parts, not 2"),
        (
            {"initial_state": [nf.ones([2, 3]), nf.ones([2, 4])]},
            "initial_state has the wrong shape",
        ),
        ({"bias": nf.ones([11])}, "bias has the wrong shape"),
        ({"lengths": [1]}, "there is not a length for each sequence"),
        ({"mask": np.ones((5, 2), bool)}, "mask has an element for each step"),
        ({"peepholes": nf.ones([3, 4])}, "peepholes has the wrong shape"),
        ({"order": "ifcc"}, "order is one of the letters i f c o, not 'ifcc'"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_shapes_that_do_not_fit(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ShapeError) as caught:
        recurrent.lstm(*weights(), **options)
    assert str(caught.value).splitlines()[0] == f"lstm: {problem}"


def test_weights_that_do_not_fit() -> None:
    x, w, u = weights()
    for bad in ((x, w[:1], u), (x, w, u[:, :8]), (x[0], w, u), (x, w, u[:2])):
        with pytest.raises(ShapeError):
            recurrent.lstm(*bad)
    with pytest.raises(DTypeError):
        recurrent.lstm(nf.cast(x, nf.int32), w, u)
    with pytest.raises(DTypeError):
        recurrent.lstm(nf.cast(x, nf.float64), w, u)
    with pytest.raises(ShapeError):
        recurrent.gru(x, w, u, order="hzr")
    with pytest.raises(ShapeError):
        recurrent.simple_rnn(x, w[:, :3], u[:, :3], activation="elu")


def test_lengths_out_of_range() -> None:
    """Eagerly and in a program."""
    x, w, u = weights()
    f = nf.function(lambda n: recurrent.lstm(x, w, u, lengths=n)[0])
    for n in ([1, 6], [-1, 2]):
        for run in (f, lambda n: recurrent.lstm(x, w, u, lengths=n)):
            with pytest.raises(InvalidArgumentError, match=r"lstm: length .* is outside"):
                run(np.array(n, np.int32))


def test_a_cotangent_that_is_not_a_number_stays_in_its_row() -> None:
    """Rows know nothing of each other."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, (3, 4, 2)).astype(np.float32)
    x[1, 2, 0] = np.nan
    _, w, u = weights()
    got = nf.function(lambda x: recurrent.lstm(x, w, u)[0])(x).numpy()
    assert np.isnan(got[1, 2:]).all() and not np.isnan(got[[0, 2]]).any()
    assert not np.isnan(got[1, :2]).any()
