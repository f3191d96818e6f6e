"""What functions take: names, structures, signatures, methods; and what they are as values."""

import copy
import dataclasses
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.eager.traces import TraceRecursionError
from numflow.errors import DTypeError, GraphError, ShapeError
from numflow.function import Function

X, Y = np.array([1.0, 2.0], np.float32), np.array([10.0, 20.0], np.float32)


def numbers(x: Any) -> Any:
    return nf.nest.map_structure(lambda t: t.numpy().tolist(), x)


# --- names and structures -------------------------------------------------------


def test_calls_by_name_take_the_shortest_way() -> None:
    f = nf.function(lambda x, y, scale=1.0, flag=False: (x - y) * scale if flag else x - y)
    for _ in range(3):
        assert numbers(f(x=X, y=Y)) == numbers(f(y=Y, x=X)) == [-9.0, -18.0]
        assert numbers(f(X, y=Y, flag=True, scale=2.0)) == [-18.0, -36.0]
        assert numbers(f(X, flag=True, y=Y, scale=3.0)) == [-27.0, -54.0]
        assert numbers(f(X, flag=False, y=Y, scale=3.0)) == [-9.0, -18.0]
    assert not f._ways and len(f._by_form) == 4
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        f(X, Y, z=Y)
    with pytest.raises(TypeError, match="multiple values for argument 'x'"):
        f(X, x=Y)


def test_calls_with_structures_take_the_shortest_way() -> None:
    f = nf.function(lambda p, q: p["w"] * q[0] + p["b"][0] - q[1])
    p = {"w": X, "b": (Y,)}
    for k in range(3):
        q = (nf.constant(X * k), Y)
        assert numbers(f(p, q)) == numbers(f(q=q, p=p)) == [k, 4.0 * k]
    (((unpack, _),), _) = f._by_form.values()
    assert unpack is not None
    assert numbers(f({"b": (Y,), "w": X}, (X, Y))) == [1.0, 4.0], "keys in another order"
    assert numbers(f(p, [X, Y])) == [1.0, 4.0], "a list is another form"
    assert numbers(f({"w": X[:1], "b": (Y[:1],)}, (X[:1], Y[:1]))) == [1.0]
    with pytest.raises(KeyError):
        f({"w": X, "c": (Y,)}, (X, Y))


def test_variables_in_structures_are_those_of_the_call() -> None:
    a, b = nf.Variable(1.0), nf.Variable(2.0)
    f = nf.function(lambda vs, x: [v.assign_add(x) for v in vs].pop() * x)
    for _ in range(3):
        f([a, b], X[0])
        f(vs=[b, a], x=X[0])
    assert float(a) == 7.0 and float(b) == 8.0


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


def test_data_classes_are_results() -> None:
    f = nf.function(lambda x: [Pair(x * 2, {"x": x}), Pair(1, None)])
    for _ in range(3):
        first, second = f(nf.constant(3.0))
        assert type(first) is Pair and float(first.left) == 6.0 and float(first.right["x"]) == 3.0
        assert second.right is None and second.left.dtype is nf.int32
    pair = nf.function(lambda x: Pair(x, x))
    assert pair.get_concrete_function(nf.TensorSpec([])).output_dtypes.left is nf.float32


def test_arguments_are_not_changed() -> None:
    def change(v: list[Any], how: str) -> Any:
        if how == "grow":
            v.append(1)
        elif how == "shrink":
            v.pop()
        else:
            v[0] = v[0] + 1
        return v[0]

    for how in ("grow", "shrink", "replace"):
        with pytest.raises(ValueError, match="should not modify its Python input arguments"):
            nf.function(change)([nf.constant(1.0), nf.constant(2.0)], how)


# --- signatures -------------------------------------------------------------------


def test_signatures_are_checked_against_the_parameters() -> None:
    spec = nf.TensorSpec([None], nf.float32)
    with pytest.raises(TypeError, match="f: input_signature contains 1 extra type constraints"):
        nf.function(named_f, input_signature=[spec] * 3)
    with pytest.raises(TypeError, match="f: input_signature is missing type constraints for x"):
        nf.function(named_f, input_signature=[])
    with pytest.raises(TypeError, match="f: input_signature must be a list or tuple, not Tenso"):
        nf.function(named_f, input_signature=spec)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="f: input_signature takes TensorSpecs"):
        nf.function(named_f, input_signature=[3])
    f = nf.function(named_f, input_signature=[spec])
    assert numbers(f(X)) == [2.0, 3.0] and f.input_signature == (spec,)
    with pytest.raises(TypeError, match="x is not of the shape in input_signature") as e:
        f(nf.ones([2, 2]))
    assert isinstance(e.value, ShapeError)
    with pytest.raises(DTypeError, match="x is not of the dtype in input_signature"):
        f(nf.constant([1]))

    class Model:
        @nf.function(input_signature=[spec])
        def double(self, x: Any) -> Any:
            return x * 2

    assert numbers(Model().double([1, 2])) == [2.0, 4.0]


def named_f(x: Any, y: Any = 1.0) -> Any:
    return x + y


named_f.__name__ = "f"


def test_a_signature_converts_in_a_trace_too() -> None:
    inner = nf.function(
        lambda x: x.dtype is nf.float32 and x + 1, input_signature=[nf.TensorSpec([None])]
    )
    outer = nf.function(lambda: inner([1, 2]))
    assert numbers(outer()) == [2.0, 3.0]


# --- methods ------------------------------------------------------------------------


def test_methods_of_classes_and_of_instances_with_slots() -> None:
    class Plain:
        @classmethod
        @nf.function
        def of_class(cls, x: Any) -> Any:
            return x + 1

        @staticmethod
        @nf.function
        def static(x: Any) -> Any:
            return x + 2

    class Slots:
        __slots__ = ("__weakref__", "k")
        k: float

        @nf.function
        def add(self, x: Any, *, y: Any = 0.0) -> Any:
            return x + self.k + y

    x = nf.constant(0.0)
    assert [float(t) for t in (Plain.of_class(x), Plain().of_class(x), Plain.static(x))] == [
        1,
        1,
        2,
    ]
    a, b = Slots(), Slots()
    a.k, b.k = 10.0, 20.0
    assert [float(a.add(x)), float(b.add(x)), float(a.add(x, y=x + 1))] == [10.0, 20.0, 11.0]
    assert a.add is a.add and a.add.experimental_get_tracing_count() == 2
    gone = weakref.ref(a)
    del a
    gc.collect()
    assert gone() is None


def test_an_instance_goes_with_its_traces() -> None:
    class Model:
        def __init__(self) -> None:
            self.v = nf.Variable(1.0)

        @nf.function
        def step(self, x: Any) -> Any:
            return x * self.v

    model = Model()
    for _ in range(3):
        model.step(x=nf.constant(1.0))
    gone = weakref.ref(model), weakref.ref(model.v)
    del model
    gc.collect()
    assert [r() for r in gone] == [None, None]


# --- as plain Python, as values ---------------------------------------------------------


def test_functions_may_run_eagerly() -> None:
    f = nf.function(lambda x: float(x) + 1.0)
    g = nf.function(lambda x: x * 2)
    assert float(g(nf.constant(1.0))) == 2.0
    nf.config.run_functions_eagerly(True)
    try:
        assert nf.config.functions_run_eagerly()
        assert f(nf.constant(1.0)) == 2.0
        g(nf.constant([1.0, 2.0, 3.0]))
    finally:
        nf.config.run_functions_eagerly(False)
    assert not nf.config.functions_run_eagerly()
    assert f.experimental_get_tracing_count() == 0 and g.experimental_get_tracing_count() == 1


@nf.function
def at_the_top(x: Any) -> Any:
    return x + 1


def test_pickled_by_name_or_refused() -> None:
    assert pickle.loads(pickle.dumps(at_the_top)) is at_the_top
    twin = pickle.loads(pickle.dumps(nf.function(numbers)))
    assert isinstance(twin, Function) and twin.python_function is numbers
    inner = nf.function(lambda x: x)
    with pytest.raises(TypeError, match=r"cannot pickle the function .*<lambda>: it is not found"):
        pickle.dumps(inner)
    assert copy.copy(inner).python_function is inner.python_function

    @nf.function
    def keep(x: Any) -> Any:
        for use in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="it can be neither pickled nor deeply copied"):
                use(x)
        assert copy.copy(x) is x
        return x

    keep(nf.constant(1.0))


def test_functions_that_call_themselves_without_end() -> None:
    @nf.function
    def f(x: Any) -> Any:
        return g(x) + 1

    @nf.function
    def g(x: Any) -> Any:
        return f(x * 2)

    with pytest.raises(TraceRecursionError, match="function: f and g called without end") as e:
        f(nf.constant(1.0))
    assert isinstance(e.value, GraphError) and isinstance(e.value, RecursionError)

    @nf.function
    def power(x: Any, n: int) -> Any:
        return x if n == 0 else power(x, n - 1) * x

    assert float(power(nf.constant(2.0), 9)) == 1024.0


def test_all_traces_as_text() -> None:
    f = nf.function(lambda a, k=2: {"r": a * k})
    f(nf.constant(1.0))
    f(nf.constant(1.0), k=3)
    text = f.pretty_printed_concrete_signatures()
    assert text.count("Input Parameters:") == 2 and "k (POSITIONAL_OR_KEYWORD): Literal[3]" in text


def test_the_graph_as_text() -> None:
    f = nf.function(lambda x: x * 1.0 + 0.0)
    ir: Any = f.experimental_get_compiler_ir(nf.TensorSpec([2]))
    assert "multiply" in ir() and "multiply" not in ir(stage="optimized_hlo")
    with pytest.raises(ValueError, match="there is no stage 'ptx'"):
        ir("ptx")


def test_arguments_of_the_decorator_are_taken() -> None:
    f = nf.function(
        reduce_retracing=True, jit_compile=False, autograph=True, experimental_relax_shapes=True,
        experimental_implements="a.b", experimental_follow_type_hints=True,
        experimental_attributes={"disable_summaries_at_runtime": True}, experimental_compile=True,
        experimental_autograph_options=None,
    )(named_f)  # fmt: skip
    assert numbers(f(X)) == [2.0, 3.0]
    assert float(nf.function(f)(nf.constant(1.0))) == 2.0, "a function of a function"
