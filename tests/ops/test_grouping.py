"""no_op, group, tuple, control_dependencies, timestamp: order, and what is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

import numflow as nf


def test_eagerly_there_is_nothing_to_depend_on() -> None:
    x = nf.constant([1.0])
    assert nf.no_op() is nf.group() is nf.group(x, [nf.no_op(), nf.Variable(1.0)]) is None
    with nf.control_dependencies([nf.debugging.assert_positive(x), x, None]):
        assert nf.identity(x).numpy().tolist() == [1.0]
    with nf.control_dependencies(None), nf.control_dependencies(lambda: [x]):
        pass


def test_operations_of_a_trace() -> None:
    """They have names and types, and keep the order of the program."""
    seen: list[Any] = []
    v = nf.Variable(1.0)

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        check = nf.debugging.assert_positive(x)
        assert isinstance(check, nf.Operation) and check.type == "assert"
        both = nf.group(check, nf.no_op(name="nothing"), name="both")
        assert both is not None
        assert (both.name, both.type, len(both.nodes)) == ("both", "assert", 1)
        with nf.control_dependencies([both, v.assign(x)]):
            nf.py_function(seen.append, [v], [])
        return v + 1.0

    assert f(nf.constant(5.0)).numpy().item() == 6.0
    assert [s.numpy().item() for s in seen] == [5.0]
    with pytest.raises(nf.errors.InvalidArgumentError):
        f(nf.constant(-5.0))
    assert len(seen) == 1 and v.numpy().item() == 5.0


@pytest.mark.parametrize("run", [nf.group, lambda x: nf.control_dependencies([x])])
def test_what_is_no_dependency(run: Any) -> None:
    with pytest.raises(TypeError, match="an Operation, tensor or variable is wanted, not str"):
        run("a")
    with pytest.raises(ValueError, match="Unknown keyword arguments: foo"):
        nf.group(foo=1)


def test_tuple() -> None:
    got = nf.tuple([nf.constant(1), None, 2.5], control_inputs=[nf.no_op()])
    assert got[1] is None and [got[0].numpy().item(), got[2].numpy().item()] == [1, 2.5]
    assert nf.tuple([]) == []
    with pytest.raises(ValueError, match="Must have at least one Tensor"):
        nf.tuple([None])


def test_timestamp() -> None:
    """A new one each time that the program runs."""
    f = nf.function(lambda: (nf.timestamp(), nf.timestamp()))
    before = time.time()
    times = [nf.timestamp().numpy().item(), *[t.numpy().item() for _ in range(2) for t in f()]]
    assert nf.timestamp().dtype is nf.float64
    assert before <= times[0] <= times[1] <= times[2] <= times[3] <= times[4] <= time.time()
    assert times[1] < times[4]
