"""Which calls share a trace, and which sizes it leaves open."""

import gc
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DTypeError, ShapeError
from numflow.function import Function
from numflow.trace.signature import Call, Family, fits


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


def shown(pattern: Any) -> str:
    return str([list(map(str, s)) for s in pattern]).replace("'", "")


def test_a_size_that_changes_becomes_a_symbol_shared_by_what_changes_with_it() -> None:
    family = Family(["x", "y"])
    family.note([(128, 784), (128,)])
    assert shown(family.pattern([(128, 784), (128,)])) == "[[128, 784], [128]]"
    family.note([(100, 784), (100,)])
    assert shown(family.pattern([(100, 784), (100,)])) == "[[x.0, 784], [x.0]]"
    family.note([(60, 784), (1,)])
    assert shown(family.pattern([(60, 784), (1,)])) == "[[x.0, 784], [y.0]]"
    family.pin()
    assert shown(family.pattern([(60, 784), (1,)])) == "[[60, 784], [1]]"


def test_a_shared_symbol_is_one_size() -> None:
    family = Family(["x", "y"])
    for n in (2, 3):
        family.note([(n,), (n,)])
    pattern = family.pattern([(3,), (3,)])
    assert fits(pattern, [(5,), (5,)]) and not fits(pattern, [(5,), (7,)])


def test_calls_are_alike_in_form_dtype_rank_constants_and_identity() -> None:
    v, w = nf.Variable(1.0), nf.Variable(1.0)

    def key(*args: Any, **kwargs: Any) -> Any:
        return Call(args, kwargs).key

    assert key(zeros(2)) == key(zeros(3)) == key(nf.zeros([5]))
    assert key(zeros(2)) != key(zeros(2, 2)) != key(np.zeros((2, 2)))
    assert key([zeros(2), 1]) != key((zeros(2), 1)) and key({"a": 1}) == key({"a": 1})
    assert (
        key(1) != key(2) and key(1) != key(True) and key("a") != key("b") and key(None) == key(None)
    )
    assert key(1.0) == key(2.0) != key(1)
    assert key(v) == key(v) != key(w)
    assert key(x=1) != key(y=1)


def traces(f: Function, *calls: tuple[Any, ...]) -> int:
    for args in calls:
        f(*args)
    return f.experimental_get_tracing_count()


def test_a_hundred_batch_sizes_take_two_traces() -> None:
    f = nf.function(lambda x, y: nf.reduce_mean((x - y) ** 2))
    assert traces(f, *((zeros(n, 3), zeros(n, 1)) for n in range(1, 101))) == 2


def test_sizes_that_part_take_one_more() -> None:
    f = nf.function(lambda x, y: (x * 2, y * 2))
    pairs = [(3, 3), (5, 5), (7, 5), (11, 2), (2, 11)]
    assert traces(f, *((zeros(n), zeros(m)) for n, m in pairs)) == 3


def test_a_trace_that_reads_a_size_is_exact_from_then_on() -> None:
    f = nf.function(lambda x: x * 2 if x.shape[0] > 4 else x)
    for n in (3, 5, 7):
        np.testing.assert_array_equal(f(np.ones(n)), np.full(n, 2 if n > 4 else 1))
    assert f.experimental_get_tracing_count() == 3


def test_a_size_may_take_part_in_arithmetic() -> None:
    f = nf.function(lambda x: nf.reshape(x, [x.shape[0] * 2, -1]))
    assert [f(zeros(n, 4)).shape for n in (3, 5, 7)] == [(6, 2), (10, 2), (14, 2)]
    assert f.experimental_get_tracing_count() == 2


def test_broadcasting_of_unknown_sizes_is_traced_exactly() -> None:
    f = nf.function(lambda x, y: x + y)
    got = [f(zeros(n), zeros(m)).shape for n, m in [(3, 3), (5, 5), (7, 1), (1, 9)]]
    assert got == [(3,), (5,), (7,), (9,)]


def test_a_hundred_floats_take_one_trace() -> None:
    f = nf.function(lambda x, rate: x * rate)
    x = nf.constant([2.0])
    got = [f(x, 0.5 * k).numpy().item() for k in range(100)]
    assert got == [float(k) for k in range(100)]
    assert f.experimental_get_tracing_count() == 1


def test_an_input_signature_converts_and_refuses() -> None:
    f = nf.function(lambda x: x + 1, input_signature=[nf.TensorSpec([None, 2])])
    assert f([[1, 2]]).dtype is nf.float32 and f(x=zeros(3, 2)).shape == (3, 2)
    assert f.experimental_get_tracing_count() == 1
    with pytest.raises(ShapeError):
        f(zeros(2, 3))
    with pytest.raises(DTypeError):
        f(nf.constant([[1, 2]]))
    with pytest.raises(TypeError, match="input_signature has 1 arguments, the call 2"):
        f(zeros(1, 2), 1)


def test_tensor_specs() -> None:
    spec = nf.TensorSpec([None, 3], nf.int32, "ids")
    assert repr(spec) == "TensorSpec(shape=(None, 3), dtype=nf.int32, name='ids')"
    assert spec == nf.TensorSpec((None, 3), "int32", "ids") and hash(spec) == hash(
        nf.TensorSpec((None, 3), "int32")
    )
    assert nf.TensorSpec.from_tensor(nf.zeros([2])) == nf.TensorSpec([2])
    assert nf.TensorSpec(None).is_compatible_with(zeros(2, 3, 5))


def test_traces_for_an_object_go_with_it() -> None:
    class Model:
        def __init__(self, k: float) -> None:
            self.k = k

    f = nf.function(lambda model, x: x * model.k)
    for k in range(5):
        assert float(f(Model(float(k)), nf.constant(2.0))) == 2.0 * k
    gc.collect()
    assert len(f._traces._families) == 0 and len(f._traces.all()) == 0


@pytest.mark.parametrize(
    ("calls", "change"),
    [
        ([(k,) for k in range(6)], "k was 4, and is 5"),
        (
            [(zeros(k),) for k in range(2, 8)],
            "k was float32 [6], and is float32 [7], and the function",
        ),
        (
            [(zeros(*[1] * k),) for k in range(6)],
            "k was float32 [1, 1, 1, 1], and is float32",
        ),
        ([(nf.Variable(1.0),) for _ in range(6)], "k was one Variable, and is another"),
        ([([1] * k,) for k in range(6)], "the arguments had another structure"),
    ],
)
def test_many_traces_are_warned_of_once_with_the_cause(calls: Any, change: str) -> None:
    def f(k: Any) -> Any:
        if hasattr(k, "shape") and len(k.shape) == 1:
            int(k.shape[0])
        return nf.constant(1.0)

    g = nf.function(f)
    with pytest.warns(UserWarning) as caught:
        traces(g, *calls)
    assert len(caught) == 1
    text = str(caught[0].message)
    start = "function: f has been traced 6 times, which is slow\n  the last time: "
    assert text.startswith(start + change)
    assert ("try: k=nf.constant(...)" in text) == isinstance(calls[0][0], int)


def test_a_loop_over_a_tensor_is_unrolled_for_each_size() -> None:
    f = nf.function(lambda x: sum((row * 2 for row in x), nf.constant(0.0)))
    for n in (2, 3, 5, 3):
        assert float(f(np.ones(n, np.float32))) == 2.0 * n


def test_adding_to_a_variable_does_not_broadcast() -> None:
    v = nf.Variable([1.0, 2.0])
    for f in (v.assign_add, nf.function(v.assign_sub)):
        with pytest.raises(ShapeError, match="the value's shape is not that of variable"):
            f(nf.constant(1.0))
