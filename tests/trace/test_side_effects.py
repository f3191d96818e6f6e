"""Changes of Python's state while tracing are told, with their line."""

import warnings
from typing import Any

import pytest

import numflow as nf
from numflow.trace.side_effects import SideEffectWarning

COUNT = 0
LOG: list[Any] = []
pytestmark = pytest.mark.filterwarnings("error")


def warned(f: Any, *args: Any) -> str:
    """The text of the only warning of two calls."""
    with pytest.warns(SideEffectWarning) as caught:
        f(nf.constant(1.0), *args)
        f(nf.constant([1.0]), *args)
    assert len(caught) == 1, [str(w.message) for w in caught]
    assert caught[0].filename == __file__
    return str(caught[0].message)


def test_a_global_that_is_assigned() -> None:
    @nf.function
    def f(x: Any) -> Any:
        global COUNT
        COUNT += 1
        return x

    text = warned(f)
    start = "function: f changes the global COUNT from 0 to 1 while it is traced, "
    assert text.startswith(start + "which happens once per trace, not at each call\n")
    assert "at test_side_effects.py:" in text and "COUNT += 1" in text


def test_a_list_that_grows() -> None:
    @nf.function
    def f(x: Any) -> Any:
        y = x * 2
        LOG.append("traced")
        return y

    text = warned(f)
    assert "f changes the global LOG, a list, while it is traced" in text
    assert 'in f:  LOG.append("traced")' in text


def test_variables_of_the_function_around() -> None:
    calls = 0
    seen: dict[str, int] = {}

    @nf.function
    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return x

    assert "changes calls, of the function around it from 0 to 1" in warned(f)
    g = nf.function(lambda x: seen.setdefault("x", 1) and x)
    assert "changes seen, of the function around it, a dict," in warned(g)


def test_attributes_of_the_instance() -> None:
    class Model:
        def __init__(self) -> None:
            self.calls, self.built = 0, False
            self.w: Any = None
            self.parts: list[Any] = []

        @nf.function
        def __call__(self, x: Any) -> Any:
            self.built = True
            if self.w is None:
                self.w = nf.Variable(1.0)
                self.parts.append(nf.Variable(2.0))
            self.calls += 1
            return x * self.w

    text = warned(Model())
    assert "changes self.calls from 0 to 1" in text and "in __call__:  self.calls += 1" in text


def test_a_tensor_of_the_trace_that_is_kept() -> None:
    class Model:
        last: Any = None

        @nf.function
        def step(self, x: Any) -> Any:
            self.last = x * 2
            return x

        def count(self) -> None:
            self.calls = getattr(self, "calls", 0) + 1

        @nf.function
        def quiet(self, x: Any) -> Any:
            self.count()
            return x

    model = Model()
    model.quiet(nf.constant(1.0))
    model.quiet(nf.constant([1.0]))
    with pytest.warns(SideEffectWarning, match=r"step keeps a tensor of the trace in self\.last"):
        model.step(nf.constant(1.0))
    with pytest.raises(TypeError, match=r"made at: test_side_effects\.py:\d+ in step:  self.last"):
        model.last + 1


def test_what_is_made_once_is_no_news() -> None:
    cache: dict[str, Any] = {}
    models: list[Any] = []

    @nf.function
    def f(x: Any) -> Any:
        if "v" not in cache:
            cache["v"] = nf.Variable(1.0)
            models.append(nf.Module())
        local = [1]
        local.append(2)
        return x * cache["v"]

    f(nf.constant(1.0))


def test_print_of_a_tensor_of_a_trace_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is Python's: converted, it prints at each call."""

    @nf.function(autograph=False)
    def f(x: Any) -> Any:
        print("tracing", x)
        return x

    with pytest.warns(UserWarning, match="print: it shows a tensor of a trace") as caught:
        f(nf.constant(1.0))
        f(nf.constant([1.0]))
        f(nf.constant([[1.0]]))
    assert len(caught) == 1 and caught[0].filename == __file__
    assert capsys.readouterr().out.count("tracing") == 3
    nf.function(lambda x: (repr(x), str(x), f"{x}", x)[3])(nf.constant(1.0))


@pytest.mark.filterwarnings("default")
def test_of_many_instances_the_first_one_tells() -> None:
    class Model:
        calls = 0

        def __init__(self) -> None:
            self.calls = 0

        @nf.function
        def step(self, x: Any) -> Any:
            self.calls += 1
            return x

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            Model().step(nf.constant(1.0))
    assert len(caught) == 1
