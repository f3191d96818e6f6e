"""Who is told when an object gets a part later: restored checkpoints wait for parts.

A model may make its variables at its first call, after its checkpoint was read. What reads
checkpoints leaves word here with each object it passed, and objects that report their attributes
(Module, Checkpoint) ask here. Where nobody waits, the question costs one look at an empty dict.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

Told = Callable[[str, Any], None]

_waiting: dict[int, list[Told]] = {}  # by id of the owner; the entry goes with the owner


def wait_for_parts(owner: object, told: Told) -> None:
    """Call told(name, part) whenever owner gets a part, as long as owner lives."""
    if id(owner) not in _waiting:
        _waiting[id(owner)] = []
        weakref.finalize(owner, _waiting.pop, id(owner), None).atexit = False
    _waiting[id(owner)].append(told)


def stop_waiting(owner: object, told: Told) -> None:
    """Take back what was left with an owner."""
    if told in _waiting.get(id(owner), ()):
        _waiting[id(owner)].remove(told)


def attached(owner: object, name: str, part: Any) -> None:
    """An owner reports that it got a part."""
    if _waiting:
        for told in list(_waiting.get(id(owner), ())):
            told(name, part)
