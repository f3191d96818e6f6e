"""Where names and devices are kept: of the trace that goes on in this thread, or of eager code.

A trace begins with names and devices of its own; two scopes of one name are told apart in it, as in
TensorFlow (`a/`, `a_1/`). Eager names are not counted.
"""

from __future__ import annotations

import threading
from typing import Any

from numflow.graph.op import current


class Place:
    """scope: "" or "a/b/". devices: those asked for, the innermost last. used: names by count."""

    __slots__ = ("dependencies", "devices", "scope", "used")

    def __init__(self) -> None:
        self.scope = ""
        self.devices: list[str] = []
        self.dependencies: list[tuple[Any, ...]] = []
        self.used: dict[str, int] = {}


class _Eager(threading.local):
    def __init__(self) -> None:
        self.place = Place()


_eager = _Eager()


def here() -> Place:
    """The place of this point of the program."""
    builder = getattr(current(), "builder", None)
    if builder is None:
        return _eager.place
    if builder.place is None:
        builder.place = Place()
    return builder.place  # type: ignore[no-any-return]


def unique_scope(place: Place, name: str) -> str:
    """The scope of a name in the current one, "a/b/"; another one each time in a trace."""
    full = place.scope + name
    if place is _eager.place:
        return full + "/"
    key = full.lower()
    count = place.used.get(key, 0)
    place.used[key] = count + 1
    return f"{full}_{count}/" if count else full + "/"
