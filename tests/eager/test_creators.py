"""variable_creator_scope: who takes part in making variables."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import numflow as nf


def test_the_innermost_scope_is_asked_first() -> None:
    """It gets all arguments by name, and hands on to the one around it."""
    told: list[str] = []

    def outer(next_creator: Any, **arguments: Any) -> Any:
        told.append(f"outer {arguments['name']}")
        return next_creator(**{**arguments, "trainable": False})

    def inner(next_creator: Any, **arguments: Any) -> Any:
        told.append(f"inner {arguments['dtype']}")
        beside = nf.Variable(1, name="beside")  # for the scope around
        assert not beside.trainable
        return next_creator(**{**arguments, "initial_value": 5.0})

    with nf.variable_creator_scope(outer):
        with nf.variable_creator_scope(inner):
            v = nf.Variable(1.0, name="v")
        w = nf.Variable([2.0], True, name="w")
    assert told == ["inner None", "outer beside", "outer v", "outer w"]
    assert v.numpy() == 5.0 and not v.trainable and not w.trainable
    assert nf.Variable(1.0).trainable and len(told) == 4


def test_another_thread_and_another_result() -> None:
    """A scope is of its thread; a creator may return what it likes, or refuse."""
    made: list[Any] = []
    with nf.variable_creator_scope(lambda next_creator, **arguments: "mine"):
        assert nf.Variable(1.0) == "mine"
        thread = threading.Thread(target=lambda: made.append(nf.Variable(2.0)))
        thread.start()
        thread.join()
    assert made[0].numpy() == 2.0

    def refuse(next_creator: Any, **arguments: Any) -> Any:
        raise KeyError("no")

    with pytest.raises(KeyError), nf.variable_creator_scope(refuse):
        nf.Variable(1.0)
    assert nf.Variable(3.0).numpy() == 3.0
    with (
        pytest.raises(TypeError),
        nf.variable_creator_scope(lambda next_creator, **arguments: next_creator(**arguments)),
    ):
        nf.Variable(1.0, odd=3)  # type: ignore[call-arg]


def test_in_a_traced_function() -> None:
    class Model:
        v: Any = None

        @nf.function
        def __call__(self, x: Any) -> Any:
            if self.v is None:
                self.v = nf.Variable(2.0)
            return self.v * x

    def named(next_creator: Any, **arguments: Any) -> Any:
        return next_creator(**{**arguments, "name": "named"})

    model = Model()
    with nf.variable_creator_scope(named):
        assert model(3.0).numpy() == 6.0
    assert model.v.name == "named:0"
