"""Work for other threads.

`later`: work that nobody waits for yet, code that a later call may ask for. One thread does it, a
second after it was asked for: a process has better things to do at its start, and a short one is
gone by then. Nothing is promised; whoever needs the result before does the work himself.

`soon`: work that somebody is going to wait for, by another thread, at once. Who waits may `help`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable

DELAY = 1.0
"""Seconds before the first piece of work."""

_queue: deque[Callable[[], object]] = deque()
_urgent: deque[Callable[[], object]] = deque()
_stop = threading.Event()
_lock = threading.Lock()
_threads: list[threading.Thread] = []
_busy: list[threading.Thread] = []  # at urgent work

_usual: list[float] = []
_SWITCH = 5e-4
"""Seconds after which Python hands its lock on while urgent work is done (5 ms otherwise): both
threads are in LLVM most of the time, and want the lock for a moment each time they come back."""


def later(work: Callable[[], object]) -> None:
    """Have work() done some time; what it raises is dropped."""
    with _lock:
        _queue.append(work)
        if not _threads and not _stop.is_set():
            _threads.append(threading.Thread(target=_run, name="numflow-background", daemon=True))
            _threads[0].start()


def soon(work: Callable[[], object]) -> None:
    """Have work() done by another thread, at once; what it raises is dropped.

    Not if there can be no other thread: whoever needs the result has to see to it.
    """
    with _lock:
        _urgent.append(work)
        if _busy or _stop.is_set():
            return
        thread = threading.Thread(target=_hurry, name="numflow-soon", daemon=True)
        with contextlib.suppress(RuntimeError):  # no more threads, or the interpreter ends
            thread.start()
            _busy.append(thread)
            _usual[:] = [sys.getswitchinterval()]
            sys.setswitchinterval(min(_usual[0], _SWITCH))


def help() -> bool:
    """Do a piece of the urgent work that nobody has begun; False where there is none."""
    try:
        work = _urgent.pop()
    except IndexError:
        return False
    _do(work)
    return True


def finish() -> None:
    """Do all that is left, now: for tests."""
    while help():
        pass
    while _queue:
        with contextlib.suppress(IndexError):
            _do(_queue.popleft())


def _hurry() -> None:
    while True:
        with _lock:
            if not _urgent or _stop.is_set():
                _busy.clear()
                sys.setswitchinterval(_usual.pop())
                return
            work = _urgent.popleft()
        _do(work)


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
    for thread in (*_threads, *_busy):
        thread.join()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    if _usual:
        sys.setswitchinterval(_usual.pop())
    for left in (_threads, _busy, _queue, _urgent):
        left.clear()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
