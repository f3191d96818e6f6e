"""ConcreteFunction: what one trace takes and gives, and how it is called."""

import gc
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import runtime
from numflow.eager.concrete import ConcreteFunction
from numflow.errors import DTypeError, ShapeError

F32 = nf.float32


def test_what_it_takes_and_gives() -> None:
    v, c = nf.Variable(2.0), nf.constant(3.0)

    def f(x: Any, pair: Any, k: int = 2, *, z: Any) -> Any:
        return {"a": x * v * c * k, "b": (pair["i"], None), "z": z}

    g = nf.function(f).get_concrete_function(
        nf.TensorSpec([None, 3], name="rows"),
        {"i": nf.TensorSpec([None], nf.int32)},
        z=nf.TensorSpec([]),
    )
    assert [(s.name, s.shape.as_list()) for s in g.inputs] == [
        ("rows", [None, 3]),
        ("pair", [None]),
        ("z", []),
    ]
    assert [s.shape.as_list() for s in g.outputs] == [[None, 3], [None], []]
    args, kwargs = g.structured_input_signature
    assert args == (
        nf.TensorSpec([None, 3], name="rows"),
        {"i": nf.TensorSpec([None], nf.int32, "pair")},
    )
    assert kwargs == {"z": nf.TensorSpec([], name="z")}
    assert g.output_dtypes == {"a": F32, "b": (nf.int32, None), "z": F32}
    assert g.output_shapes["a"].as_list() == [None, 3] and g.output_shapes["b"][1].rank is None
    assert g.structured_outputs["z"] == nf.TensorSpec([])
    assert g.variables == g.trainable_variables == (v,) and g.captured_inputs == [c]
    assert g.name == "f" and len(g.graph.inputs) == 4
    assert "multiply" in [node.type for node in g.graph.get_operations()]
    got = g(nf.ones([5, 3]), {"i": nf.constant([7])}, z=nf.constant(1.0))
    assert float(got["a"][4, 2]) == 12.0 and got["b"][1] is None
    assert str(g).startswith("ConcreteFunction Input Parameters:\n  x (POSITIONAL_OR_KEYWORD): ")
    assert repr(g).startswith("<ConcreteFunction f(TensorSpec(shape=(None, 3)")


def test_it_is_called_like_the_function_or_with_its_tensors_alone() -> None:
    f = nf.function(lambda a, b, k: (a - b) * k)
    c = f.get_concrete_function(nf.TensorSpec([]), nf.TensorSpec([]), 10)
    three, one = nf.constant(3.0), nf.constant(1.0)
    calls = [c(three, one), c(three, one, 10), c(b=one, a=three), c(three, b=one, k=10)]
    assert [float(t) for t in calls] == [20.0] * 4
    assert float(c(np.float32(3), 1)) == 20.0, "what becomes a tensor of that dtype"
    nested = nf.function(lambda d: d["a"] - d["b"])
    d = nested.get_concrete_function({"a": nf.TensorSpec([]), "b": nf.TensorSpec([])})
    assert float(d({"a": three, "b": one})) == float(d(three, one)) == 2.0
    floats = nf.function(lambda x, rate: x * rate).get_concrete_function(nf.TensorSpec([]), 0.5)
    assert [float(floats(three)), float(floats(three, 2.0))] == [1.5, 6.0]


def test_other_arguments_are_refused() -> None:
    f = nf.function(lambda a, b, k=2: a * b * k)
    c = f.get_concrete_function(nf.TensorSpec([2]), nf.TensorSpec([]))
    x, one = nf.ones([2]), nf.constant(1.0)
    with pytest.raises(TypeError, match="missing a required argument: 'b'"):
        c(x)
    with pytest.raises(TypeError, match="too many positional arguments"):
        c(x, one, 2, 3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'q'"):
        c(x, one, q=one)
    with pytest.raises(TypeError, match="was traced without 'k'"):
        c(x, one, k=3)
    with pytest.raises(TypeError, match="another structure"):
        c([x], b=one)
    with pytest.raises(DTypeError, match="b was expected to be a float32 tensor, but is int32"):
        c(x, nf.constant(1))
    with pytest.raises(ShapeError, match=r"a: float32 \[3\], for \(2,\)"):
        c(nf.ones([3]), one)
    five = f.get_concrete_function(nf.TensorSpec([2]), nf.TensorSpec([]), 5)
    with pytest.raises(TypeError, match="was traced for 5, which 6 is not"):
        five(x, one, 6)
    with pytest.raises(TypeError, match="cannot pickle the concrete function"):
        pickle.dumps(c)


def test_every_none_is_a_size_of_its_own() -> None:
    f = nf.function(lambda x, y: (x * 2, y * 3))
    c = f.get_concrete_function(nf.TensorSpec([None, None]), nf.TensorSpec([None]))
    for m, n, k in ((2, 3, 5), (7, 7, 7), (1, 1, 1), (0, 3, 1)):
        assert [t.shape.as_list() for t in c(nf.ones([m, n]), nf.ones([k]))] == [[m, n], [k]]
    assert f.experimental_get_tracing_count() == 1


def test_sizes_that_must_agree_are_one_where_they_do_not_go_apart() -> None:
    f = nf.function(lambda x, y: x + y)
    c = f.get_concrete_function(nf.TensorSpec([None]), nf.TensorSpec([None]))
    assert c(nf.ones([5]), nf.ones([5])).numpy().tolist() == [2.0] * 5
    assert c(nf.ones([5]), nf.ones([1])).numpy().tolist() == [2.0] * 5, "traced by itself"


def test_with_a_signature_there_is_one_trace() -> None:
    spec = nf.TensorSpec([None, None])
    f = nf.function(lambda x, y: (x @ nf.transpose(x), y + 1), input_signature=[spec, spec])
    for m, n, k in ((2, 2, 2), (2, 3, 5), (3, 3, 1), (1, 1, 1)):
        x, y = f(nf.ones([m, n]), nf.ones([k, m]))
        assert x.shape.as_list() == [m, m] and y.shape.as_list() == [k, m]
    assert f.experimental_get_tracing_count() == 1
    args, _ = f.get_concrete_function().structured_input_signature
    assert [s.shape.as_list() for s in args] == [[None, None]] * 2


def test_a_trace_that_needs_a_number_says_so() -> None:
    f = nf.function(lambda x: x * int(x.shape[0]))
    with pytest.raises(Exception, match=r"the size x\.0 is not known"):
        f.get_concrete_function(nf.TensorSpec([None]))
    assert float(f(nf.ones([3]))[0]) == 3.0


def test_it_becomes_part_of_a_trace_and_is_seen_by_tapes() -> None:
    v = nf.Variable(3.0)
    c = nf.function(lambda x, k: x * v * k).get_concrete_function(nf.TensorSpec([]), 2)
    outer = nf.function(lambda x: c(x) + c(x=x * 2))
    x = nf.constant(5.0)
    assert float(outer(x)) == 90.0
    with nf.GradientTape() as tape:
        y = c(x)
    assert float(tape.gradient(y, v)) == 10.0


def test_calls_with_the_tensors_alone_take_the_shortest_way() -> None:
    v = nf.Variable(2.0)
    c = nf.function(lambda x, y: (x * v, y)).get_concrete_function(
        nf.TensorSpec([None]), nf.TensorSpec([None])
    )
    for n in (2, 3, 2, 3, 2):
        x, y = c(nf.ones([n]), np.arange(5, dtype=np.float32))
        assert x.numpy().tolist() == [float(v)] * n and y.numpy().tolist() == [0, 1, 2, 3, 4]
        v.assign_add(1.0)
    assert len(c.ways) == 2 and c._way is not None
    with nf.GradientTape() as tape:
        x, _ = c(nf.ones([2]), nf.ones([2]))
    assert float(tape.gradient(x, v)) == 2.0
    with pytest.raises(DTypeError):
        c(nf.constant([1, 2]), nf.ones([2]))


def test_it_is_prepared_as_a_call_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the trace what every call needs is compiled by another thread; before the first run
    its program is compiled and planned, while the collector rests."""
    seen: list[Any] = []
    plain = ConcreteFunction.prepare

    def planned(concrete: ConcreteFunction, arrays: Sequence[Any]) -> None:
        seen.append(gc.isenabled())
        plain(concrete, arrays)

    monkeypatch.setattr(runtime, "prepare", lambda: seen.append("threads"))
    monkeypatch.setattr(ConcreteFunction, "prepare", planned)
    spec = nf.TensorSpec([None])

    def f(x: Any) -> Any:
        seen.append("trace")
        return x + 1.0

    g = nf.function(f).get_concrete_function(spec)
    assert seen == ["threads", "trace"]
    with nf.GradientTape() as tape:  # other programs
        tape.watch(x := nf.constant([1.0]))
        y = g(x)
    assert tape.gradient(y, x).numpy().tolist() == [1.0]
    for size in (2, 3, 2):
        assert g(nf.zeros([size])).numpy().tolist() == [1.0] * size
    assert seen == ["threads", "trace", False, False]
