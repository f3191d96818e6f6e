"""Records stand for Python's data classes and named tuples."""

import dataclasses
import pickle
import typing

import pytest

from numflow.kernels.records import NamedTuple, field, record, replace


@record
class Step:
    reads: tuple[int, ...]
    kept: int = 0
    forms: dict[str, int] = field(default_factory=dict)


@record
class Loop(Step):
    body: str = "b"


@dataclasses.dataclass
class PythonsStep:
    reads: tuple[int, ...]
    kept: int = 0
    forms: dict[str, int] = dataclasses.field(default_factory=dict)


class Interval(NamedTuple):
    begin: int
    end: int = 0

    @property
    def size(self) -> int:
        return self.end - self.begin


class PythonsInterval(typing.NamedTuple):
    begin: int
    end: int = 0


def test_fields_come_by_position_by_name_or_by_default() -> None:
    for made in (Step((1,), 2), Step(reads=(1,), kept=2), Step((1,), kept=2)):
        assert (made.reads, made.kept, made.forms) == ((1,), 2, {})
    first, second = Step(()), Step(())
    assert first.forms is not second.forms
    assert first != second


def test_fields_of_bases_come_first() -> None:
    made = Loop((1,), 2, {"a": 1}, "c")
    assert (made.reads, made.kept, made.forms, made.body) == ((1,), 2, {"a": 1}, "c")
    assert Loop(()).body == "b"


def test_replace_gives_another_with_some_fields_changed() -> None:
    old = Step((1,), 2, {"a": 1})
    new = replace(old, kept=3)
    assert (new.reads, new.kept, new.forms) == ((1,), 3, {"a": 1})
    assert old.kept == 2
    assert type(replace(Loop(()), body="c")) is Loop


@pytest.mark.parametrize("kind", [Step, PythonsStep, Interval, PythonsInterval])
@pytest.mark.parametrize(
    ("args", "named"),
    [((), {}), ((1, 2, {}, 4), {}), ((1,), {"wrong": 2}), ((1, 2), {"kept": 3, "end": 3})],
    ids=["missing", "too many", "unknown", "twice"],
)
def test_wrong_fields_are_refused(kind: typing.Any, args: typing.Any, named: typing.Any) -> None:
    with pytest.raises(TypeError):
        kind(*args, **named)


def test_a_named_tuple_is_one() -> None:
    ours, pythons = Interval(2, end=5), PythonsInterval(2, end=5)
    assert ours == (2, 5)
    assert (ours.begin, ours.end, ours.size) == (2, 5, 3)
    assert Interval(2) == (2, 0)
    assert ours._replace(end=7) == (2, 7)
    assert ours._asdict() == pythons._asdict()
    assert ours._fields == pythons._fields
    assert repr(ours) == "Interval(begin=2, end=5)"
    assert Interval._make([1, 2]) == (1, 2)
    assert hash(ours) == hash((2, 5))
    assert pickle.loads(pickle.dumps(ours)) == ours
    match ours:
        case Interval(begin, end):
            assert (begin, end) == (2, 5)
