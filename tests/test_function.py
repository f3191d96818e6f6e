"""@numflow.function: what a compiled function is to its caller."""

import copy
import gc
import threading
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest

import numflow as nf
from numflow.errors import SymbolicTensorError
from numflow.trace.tracer import VariableCreatedError


def test_results_have_the_form_that_was_returned() -> None:
    class Pair(NamedTuple):
        a: Any
        b: Any

    v = nf.Variable(3.0)
    f = nf.function(lambda x: {"p": Pair(x, None), "l": [x * 2, 7, 1.5], "v": v, "same": x})
    got = f(np.array([1.0, 2.0], np.float32))
    assert got["p"].b is None and got["p"].a.numpy().tolist() == [1, 2]
    assert [t.numpy().tolist() for t in got["l"]] == [[2, 4], 7, 1.5]
    assert got["l"][1].dtype is nf.int32 and float(got["v"]) == 3.0
    assert nf.function(lambda: None)() is None


def test_a_result_is_no_view_of_an_argument_or_variable() -> None:
    v = nf.Variable([1.0, 2.0])
    f = nf.function(lambda x: (x, v, x))
    a = np.array([5.0, 6.0], np.float32)
    x, w, y = f(a)
    a[:] = 0
    v.assign([0.0, 0.0])
    assert [t.numpy().tolist() for t in (x, w, y)] == [[5, 6], [1, 2], [5, 6]]


def test_what_is_no_tensor_is_refused() -> None:
    f = nf.function(lambda: object())
    with pytest.raises(TypeError, match="a traced function returns tensors, None, or structures"):
        f()


def test_arguments_by_name_and_default() -> None:
    @nf.function
    def f(x: Any, scale: float = 2.0, *, shift: Any = 0.0) -> Any:
        return x * scale + shift

    x = nf.constant(3.0)
    assert [
        float(t) for t in (f(x), f(x, 3.0), f(scale=4.0, x=x), f(x, shift=nf.constant(1.0)))
    ] == [
        6.0,
        9.0,
        12.0,
        7.0,
    ]
    with pytest.raises(TypeError, match="unexpected"):
        f(x, scael=1.0)


def test_variables_change_in_program_order() -> None:
    v, w = nf.Variable(1.0), nf.Variable([1.0, 2.0])

    @nf.function
    def f(x: Any) -> Any:
        before = v + 0
        v.assign_add(x)
        w.assign(w[::-1] * v)
        v.assign(v * 10)
        return before, v

    assert [float(t) for t in f(nf.constant(2.0))] == [1.0, 30.0]
    assert float(v) == 30.0 and w.numpy().tolist() == [6.0, 3.0]
    f(nf.constant(0.0))
    assert float(v) == 300.0 and w.numpy().tolist() == [90.0, 180.0]


def test_variables_exchange_their_values() -> None:
    a, b = nf.Variable([1.0, 2.0]), nf.Variable([3.0, 4.0])

    @nf.function
    def swap() -> None:
        x, y = a.value(), b.value()
        a.assign(y)
        b.assign(x)

    swap()
    assert a.numpy().tolist() == [3, 4] and b.numpy().tolist() == [1, 2]


def test_older_tensors_keep_their_values() -> None:
    v = nf.Variable([1.0, 2.0])
    f = nf.function(lambda: v.assign_add([1.0, 1.0]))
    before = v.value()
    view = np.asarray(v)
    f()
    assert before.numpy().tolist() == view.tolist() == [1, 2] and v.numpy().tolist() == [2, 3]


def test_functions_called_while_tracing_are_part_of_the_trace() -> None:
    inner = nf.function(lambda x: x * 2)
    outer = nf.function(lambda x: inner(x) + inner(x))
    assert float(outer(nf.constant(3.0))) == 12.0
    assert inner.experimental_get_tracing_count() == 0
    v = nf.Variable(2.0)
    numbers = nf.function(lambda: {"one": 1, "half": 0.5, "v": v, "none": None})
    kinds = nf.function(lambda: [t.dtype.name for t in numbers().values() if t is not None])
    assert [s.numpy() for s in kinds()] == [b"int32", b"float32", b"float32"]


def test_methods_are_traced_per_instance() -> None:
    class Model:
        def __init__(self, k: float) -> None:
            self.k = k
            self.v: Any = None

        @nf.function
        def step(self, x: Any) -> Any:
            if self.v is None:
                self.v = nf.Variable(self.k)
            self.v.assign_add(1.0)
            return x * self.v

    a, b = Model(1.0), Model(10.0)
    x = nf.constant(2.0)
    assert [float(m.step(x)) for m in (a, b, a)] == [4.0, 22.0, 6.0]
    assert a.step is a.step and a.step is not b.step
    c = copy.copy(a)
    assert float(c.step(x)) == 8.0 and c.step is not a.step


def test_a_variable_made_on_a_later_call_is_refused() -> None:
    kept = []

    @nf.function
    def f(x: Any) -> Any:
        kept.append(nf.Variable(2.0, name="w"))
        return kept[-1] * x

    assert float(f(nf.constant(2.0))) == 4.0
    with pytest.raises(VariableCreatedError) as e:
        f(nf.constant([2.0]))
    text = str(e.value)
    assert text.startswith(
        "function: f makes the variable w on a call that is not its first: "
        "a function only supports singleton tf.Variables created on the first call\n"
    )
    assert "first call: test_function.py:" in text and "at test_function.py:" in text


def test_a_variable_that_nothing_keeps_is_refused() -> None:
    """Plain Python would make another one at each call."""

    @nf.function
    def f(x: Any) -> Any:
        v = nf.Variable(2.0, name="w")
        v.assign_add(x)
        return v

    for _ in range(2):
        with pytest.raises(ValueError, match="makes the variable w:0, and nothing keeps it: a fun"):
            f(nf.constant(2.0))


def test_first_values_of_variables_are_computed_outside_of_the_trace() -> None:
    """Of constants, captured tensors, other variables and draws; once."""
    scale, other = nf.constant([2.0, 3.0, 5.0]), nf.Variable(7.0)

    class Layer:
        w: Any = None

        @nf.function
        def __call__(self, x: Any) -> Any:
            if self.w is None:
                self.w = nf.Variable(nf.ones([3]) * scale + other)
                self.noise = nf.Variable(nf.random.uniform([3]))
            return x * self.w + self.noise

    layer = Layer()
    first = layer(nf.constant(1.0))
    np.testing.assert_array_equal(layer.w, [9.0, 10.0, 12.0])
    np.testing.assert_array_equal(first, layer.w + layer.noise)
    np.testing.assert_array_equal(layer(nf.constant(1.0)), first)


def test_a_variable_that_depends_on_an_argument_is_refused() -> None:
    f = nf.function(lambda x: nf.Variable(x))
    with pytest.raises(SymbolicTensorError, match="depends on arguments of the function"):
        f(nf.constant(1.0))


def test_a_tensor_that_escapes_says_so() -> None:
    kept = []

    @nf.function
    def f(x: Any) -> Any:
        kept.append(x * 2)
        return x

    f(nf.constant(1.0))
    with pytest.raises(SymbolicTensorError, match="used outside of it"):
        _ = kept[0] + 1
    with pytest.raises(SymbolicTensorError, match="a tensor of one trace is used in another"):
        nf.function(lambda: kept[0] + 1)()
    with pytest.raises(SymbolicTensorError, match="it cannot become a NumPy array"):
        nf.function(lambda x: x.numpy())(nf.constant(1.0))


def test_an_error_of_the_user_is_raised_as_it_is() -> None:
    @nf.function
    def f(x: Any) -> Any:
        raise KeyError("mine")

    for n in (2, 3):
        with pytest.raises(KeyError, match="mine"):
            f(nf.zeros([n]))


def test_captured_integers_may_be_axes_and_shapes() -> None:
    perm, shape = nf.constant([1, 0]), nf.constant([3, 2])
    f = nf.function(lambda x: nf.reshape(nf.transpose(x, perm), shape))
    assert f(nf.constant([[1, 2, 3], [4, 5, 6]])).numpy().tolist() == [[1, 4], [2, 5], [3, 6]]


def test_a_concrete_function_is_one_trace() -> None:
    f = nf.function(lambda x, k: x * k)
    c = f.get_concrete_function(nf.TensorSpec([2]), 3)
    assert c(nf.constant([1.0, 2.0])).numpy().tolist() == [3, 6]
    assert repr(c.inputs) == "[TensorSpec(shape=(2,), dtype=nf.float32, name='x')]"
    f(nf.constant([1.0, 2.0]), 3)
    assert f.experimental_get_tracing_count() == 1
    g = nf.function(lambda x: x + 1, input_signature=[nf.TensorSpec([None])])
    c = g.get_concrete_function()
    assert [c(nf.zeros([n])).shape for n in (1, 5)] == [(1,), (5,)]


def test_decorator_forms() -> None:
    @nf.function(jit_compile=True, autograph=False)
    def f(x: Any) -> Any:
        """Doc."""
        return x

    assert f.__doc__ == "Doc." and f.__name__ == "f" and f.python_function(3) == 3
    assert float(f(2.5)) == 2.5


# --- again and again: the shortest way ------------------------------------------


def test_a_second_call_takes_the_shortest_way() -> None:
    f = nf.function(lambda x, k, r: (x * k * r, [x]))
    x = np.arange(3, dtype=np.float32)
    for r in (0.5, 0.25, 2.0):
        product, (same,) = f(x, 3, r)
        np.testing.assert_array_equal(product, x * 3 * r)
        np.testing.assert_array_equal(same, x)
    assert len(f._ways) == 1
    f(x, 4, 2.0)
    f(x[:2], 4, 2.0)
    assert len(f._ways) == 3
    for k, n in ((3, 3), (4, 3), (4, 2)):
        np.testing.assert_array_equal(f(x[:n], k, 2.0)[0], x[:n] * k * 2)
    np.testing.assert_array_equal(f(x[::-1], 3, 1.0)[0], x[::-1] * 3)
    np.testing.assert_array_equal(f(x.astype(np.float64), 3, 1.0)[0], x * 3)
    np.testing.assert_array_equal(f(x, 3, r=1.0)[0], x * 3)


def test_results_that_are_kept_do_not_change() -> None:
    f = nf.function(lambda x: x + 1)
    x = np.arange(5, dtype=np.float32)[:, None].repeat(2, 1)
    kept = [f(x[k]) for k in range(5)]
    views = [np.asarray(f(x[k])) for k in range(5)]
    for k in range(5):
        assert kept[k].numpy().tolist() == views[k].tolist() == [k + 1, k + 1]


@pytest.mark.parametrize("kind", [tuple, list, dict])
def test_every_form_of_result_again_and_again(kind: Any) -> None:
    pairs = [("a", 1.0), ("b", 2.0)]
    f = nf.function(lambda x: {k: x * v for k, v in pairs} if kind is dict else kind([x, x * 2]))
    for _ in range(3):
        got: Any = f(nf.constant(1.0))
        assert got.__class__ is kind
        assert [float(t) for t in (got.values() if kind is dict else got)] == [1.0, 2.0]
    nothing = nf.function(lambda x: None)
    assert [nothing(nf.constant(1.0)) for _ in range(3)] == [None] * 3


def test_a_variable_that_is_shared_now_and_then() -> None:
    v = nf.Variable([0.0, 0.0])
    f = nf.function(lambda x: v.assign_add(x))
    seen = []
    for k in range(6):
        f(nf.constant([1.0, 2.0]))
        if k % 2:
            seen.append(v.value())
    assert [t.numpy().tolist() for t in seen] == [[2, 4], [4, 8], [6, 12]]
    assert v.numpy().tolist() == [6, 12]


def test_a_tape_sees_a_function_that_was_called_before_without() -> None:
    v = nf.Variable(3.0)
    f = nf.function(lambda x: x * v * v)
    x = nf.constant(2.0)
    for _ in range(3):
        f(x)
        with nf.GradientTape() as tape:
            y = f(x)
        assert float(tape.gradient(y, v)) == 12.0


def test_a_loose_variable_of_another_shape_is_traced_again() -> None:
    v = nf.Variable([1.0], validate_shape=False)
    f = nf.function(lambda: v * 2)
    for n in (1, 1, 2, 2, 3):
        v.assign(np.ones(n, np.float32))
        assert [f().shape for _ in range(3)] == [(n,)] * 3


def test_threads_may_call_one_function() -> None:
    v = nf.Variable(np.zeros(5))
    f = nf.function(lambda x: (v.assign_add(x), nf.reduce_sum(x))[1])
    x = np.ones(5)
    f(x)
    wrong: list[float] = []

    def call() -> None:
        for _ in range(500):
            got = float(f(x))
            if got != 5.0:
                wrong.append(got)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and v.numpy().tolist() == [2001.0] * 5


def test_copies_have_traces_of_their_own() -> None:
    class Model:
        def __init__(self) -> None:
            self.v = nf.Variable(1.0)
            self.f = nf.function(self._f)

        def _f(self, x: Any) -> Any:
            return x * self.v.assign_add(1.0)

        @nf.function
        def g(self, x: Any) -> Any:
            return x * self.v

    a = Model()
    x = nf.constant(2.0)
    assert float(a.f(x)) == float(a.g(x)) == 4.0
    b = copy.deepcopy(a)
    assert [float(m.f(x)) for m in (b, b, a)] == [6.0, 8.0, 6.0]
    assert [float(m.g(x)) for m in (b, a)] == [8.0, 6.0]


def test_a_tensor_of_a_trace_is_not_assigned_outside() -> None:
    kept: list[Any] = []
    f = nf.function(lambda x: kept.append(x) or x)  # type: ignore[func-returns-value]
    f(nf.constant(1.0))
    for assign in (nf.Variable(1.0).assign, nf.Variable(1.0).assign_add):
        with pytest.raises(SymbolicTensorError, match="used outside of it"):
            assign(kept[0])


def test_a_concrete_function_takes_any_size_of_an_open_axis() -> None:
    """Also after a call whose trace has one size only."""
    f = nf.function(lambda x: nf.reduce_sum(x, axis=1))
    f(nf.ones([1, 3]))
    concrete = f.get_concrete_function(nf.TensorSpec([None, 3], nf.float32))
    for rows in (1, 2, 5):
        assert concrete(nf.ones([rows, 3])).numpy().tolist() == [3.0] * rows


@pytest.mark.parametrize(
    "result", [lambda y: (y, [y * 2]), lambda y: {"a": y, "b": y * 2}], ids=["nested", "dict"]
)
def test_results_in_structures_are_freed_when_they_are_dropped(result: Any) -> None:
    """Large ones are handed out again: they must not wait for the collector of cycles."""
    f = nf.function(lambda x: result(x + 1))
    x = nf.ones([1024, 1024])
    f(x)
    gc.collect()
    gc.disable()
    try:
        kept = [weakref.ref(y._array) for y in nf.nest.flatten(f(x))]
        assert [k() for k in kept] == [None] * 2
    finally:
        gc.enable()
