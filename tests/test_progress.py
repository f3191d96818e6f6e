"""The progress bar: what it draws on a terminal, what it prints elsewhere, what it costs."""

import io
import re

import pytest

from numflow.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Counted:
    """A value that counts how often it is looked at."""

    looks = 0

    def __float__(self) -> float:
        self.looks += 1
        return 0.25


def test_elsewhere_ten_plain_lines() -> None:
    """A log file gets one line per tenth and no control characters."""
    stream = io.StringIO()
    assert list(Progress(range(97), "fit", stream=stream)) == list(range(97))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert "\r" not in stream.getvalue()
    assert re.fullmatch(r"fit 10/97 [\d,.]+/s", lines[0])
    assert re.fullmatch(r"fit 97/97 [\d,.]+/s \d:\d\d", lines[-1])


def test_terminal_ends_with_a_full_bar_and_a_new_line() -> None:
    """The last line stays on the screen."""
    stream = Terminal()
    for _ in Progress(range(7), "fit", stream=stream):
        pass
    last = stream.getvalue().rpartition("\r")[2]
    assert last.startswith("fit 100% [########################] 7/7")
    assert last.endswith("\n")


def test_terminal_shows_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half way after 60 seconds, 60 are left; a shorter line wipes a longer one."""
    clock = iter([0.0, 60.0, 60.0, 120.0, 120.0, 120.0])
    monkeypatch.setattr("numflow.progress.time.perf_counter", lambda: next(clock))
    stream = Terminal()
    for _ in Progress(range(2), stream=stream):
        pass
    first, second, last = stream.getvalue().split("\r")[1:]
    assert first == " 50% [############            ] 1/2 0.017/s ETA 1:00"
    assert second == "100% [########################] 2/2 0.017/s 2:00".ljust(len(first))
    assert last.rstrip() == second.rstrip()


def test_values_are_looked_at_only_when_drawn() -> None:
    """show() in each of a thousand turns costs ten conversions."""
    value, steps = Counted(), Progress(range(1000), stream=io.StringIO())
    for _ in steps:
        steps.show(loss=value)
    assert value.looks == 10


def test_without_a_length_it_counts() -> None:
    """A generator has no end to tell; the count and the rate remain."""
    stream = io.StringIO()
    assert list(Progress(iter("abc"), "read", stream=stream)) == ["a", "b", "c"]
    assert re.fullmatch(r"read 3 [\d,.]+/s 0:00\n", stream.getvalue())


def test_a_broken_loop_leaves_its_line() -> None:
    """break and exceptions end the line, so that what follows starts on its own."""
    stream = Terminal()
    with pytest.raises(KeyError):
        for step in Progress(range(5), stream=stream):
            if step == 3:
                raise KeyError(step)
    assert stream.getvalue().endswith("\n")


def test_nothing_to_do_is_no_error() -> None:
    """An empty loop prints its one line."""
    stream = io.StringIO()
    assert list(Progress([], "fit", stream=stream)) == []
    assert stream.getvalue().startswith("fit 0 ")
