"""Work that nobody waits for yet: code that a later call may ask for.

One thread does it, a second after it was asked for: a process has better things to do at its start,
and a short one is gone by then. Nothing is promised; whoever needs the result before does the work
himself.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable

DELAY = 1.0
"""Seconds before the first piece of work."""

_queue: deque[Callable[[], object]] = deque()
_stop = threading.Event()
_lock = threading.Lock()
_threads: list[threading.Thread] = []


def later(work: Callable[[], object]) -> None:
    """Have work() done some time; what it raises is dropped."""
    with _lock:
        _queue.append(work)
        if not _threads and not _stop.is_set():
            _threads.append(threading.Thread(target=_run, name="numflow-background", daemon=True))
            _threads[0].start()


def finish() -> None:
    """Do all that is left, now: for tests."""
    while _queue:
        with contextlib.suppress(IndexError):
            _do(_queue.popleft())


def _run() -> None:
    _stop.wait(DELAY)
    while True:
        with _lock:
            if not _queue or _stop.is_set():
                _threads.clear()
                return
            work = _queue.popleft()
        _do(work)


def _do(work: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        work()


def _end() -> None:
    """The process ends: not while LLVM compiles."""
    _stop.set()
    for thread in tuple(_threads):
        thread.join()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    _threads.clear()
    _queue.clear()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
