"""Leaves of arguments: as nest takes them, and nothing of another form."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numflow import nest
from numflow.trace.unpacking import OtherForm, order_of_leaves, unpacking


class Point(NamedTuple):
    x: Any
    y: Any


def containers(inner: Any) -> Any:
    keys = st.sampled_from(["b", "a", "c"])
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.tuples(inner, inner).map(lambda pair: Point(*pair)),
    )


STRUCTURES = st.recursive(st.integers(), containers, max_leaves=6)
ARGUMENTS = st.lists(STRUCTURES, max_size=3).map(tuple)
NAMED = st.dictionaries(st.sampled_from(["z", "y", "x"]), STRUCTURES, max_size=3)


def leaves(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
    return [x for v in (*args, *kwargs.values()) for x in nest.flatten(v)]


@given(ARGUMENTS, NAMED, ARGUMENTS, NAMED)
def test_the_leaves_of_that_form_and_of_no_other(
    args: tuple[Any, ...], kwargs: dict[str, Any], others: tuple[Any, ...], named: dict[str, Any]
) -> None:
    unpack = unpacking(args, kwargs)
    if unpack is None:
        assert leaves(args, kwargs) == [*args, *kwargs.values()]
        return
    assert unpack(args, kwargs) == leaves(args, kwargs)
    if len(args) != len(others) or list(kwargs) != list(named):
        return  # the Function looks for the unpacking by these
    same = nest.form((args, kwargs)) == nest.form((others, named))
    try:
        got = unpack(others, named)
    except OtherForm:
        assert not same
    else:  # a leaf may be a container of the other call: then a leaf of it is no tensor
        assert not same or got == leaves(others, named)


@given(ARGUMENTS, NAMED)
def test_the_order_of_the_leaves_of_a_call_by_name(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    def normal(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return [kwargs[k] for k in sorted(kwargs)], args

    order = order_of_leaves(args, kwargs, normal)
    raw = leaves(args, kwargs)
    assert [raw[k] for k in order] == nest.flatten(normal(args, kwargs))


def test_an_argument_of_another_form_is_told() -> None:
    unpack = unpacking(({"a": 1, "b": (2, [3])},), {})
    assert unpack is not None
    assert unpack(({"b": (5, [6]), "a": 4},), {}) == [4, 5, 6]
    for other in (1, {"a": 1}, {"a": 1, "c": (2, [3])}, {"a": 1, "b": [2, [3]]}, Point(1, 2)):
        with pytest.raises(OtherForm):
            unpack((other,), {})
