"""Work that nobody waits for: done later, by one thread, whatever it raises."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from numflow.kernels import background

ROOT = Path(__file__).resolve().parents[2]


def test_work_is_done_in_order_whatever_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "DELAY", 0.0)
    done: list[int] = []
    ready = threading.Event()

    def fail() -> None:
        done.append(0)
        raise RuntimeError("nobody asked for it")

    background.later(fail)
    background.later(lambda: done.append(1))
    background.later(ready.set)
    assert ready.wait(60)
    assert done == [0, 1]


def test_finish_does_what_is_left() -> None:
    done: list[int] = []
    for k in range(3):
        background.later(lambda k=k: done.append(k))  # type: ignore[misc]
    background.finish()
    assert done == [0, 1, 2]


def test_urgent_work_is_done_at_once_and_the_switch_interval_is_left_as_it_was() -> None:
    before, ready = sys.getswitchinterval(), threading.Event()

    def fail() -> None:
        raise RuntimeError("whoever needs it sees")

    background.soon(fail)
    background.soon(ready.set)
    assert ready.wait(60)
    while background._busy:
        time.sleep(0.001)
    time.sleep(0.01)
    assert sys.getswitchinterval() == before


def test_who_waits_helps() -> None:
    done: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        go.wait(60)

    background.soon(block)
    assert begun.wait(60)
    background.soon(lambda: done.append(threading.current_thread().name))
    assert background.help()
    assert not background.help()
    go.set()
    assert done == [threading.current_thread().name]


def test_a_process_does_not_wait_for_it() -> None:
    code = (
        "from numflow.kernels import background as b\n"
        "b.later(lambda: print('too soon'))\n"
        "print('end')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "end\n"
