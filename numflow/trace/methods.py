"""Functions that are methods: one per instance, which goes when the instance goes.

What belongs to an instance is kept in its `__dict__`; for classes, and instances that have none, in
a table that holds neither the instance nor, in what it holds, refers to it.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import Any

_NAME = "_numflow_methods"


class Methods(dict[Any, Any]):
    """What is bound to one instance, by what it is bound of; copies of the instance start empty."""

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self.instance = instance

    def __deepcopy__(self, memo: Any) -> Methods:
        return Methods(None)

    def __reduce__(self) -> Any:
        return Methods, (None,)


_elsewhere: dict[int, Methods] = {}  # by id of an instance


def bound(owner: Any, function: Callable[..., Any], instance: Any, make: Any) -> Any:
    """make(function bound to instance), once for each owner and instance."""
    kept = getattr(instance, "__dict__", None)
    if type(kept) is dict:
        methods = kept.get(_NAME)
        if methods is None or methods.instance is not instance:  # none yet, or from copy.copy
            methods = kept[_NAME] = Methods(instance)
        found = methods.get(owner)
        if found is None:
            found = methods[owner] = make(function.__get__(instance, type(instance)))
        return found
    methods = _elsewhere.get(id(instance))
    if methods is None:
        try:
            weakref.finalize(instance, _elsewhere.pop, id(instance), None).atexit = False
        except TypeError:  # it has no room for weak references either
            return make(function.__get__(instance, type(instance)))
        methods = _elsewhere[id(instance)] = Methods(None)
    found = methods.get(owner)
    if found is None:
        found = methods[owner] = make(_weakly(function, instance))
    return found


def _weakly(function: Callable[..., Any], instance: Any) -> Callable[..., Any]:
    """The bound method, which does not keep the instance alive."""
    reference = weakref.ref(instance)

    @functools.wraps(function)
    def method(*args: Any, **kwargs: Any) -> Any:
        return function(reference(), *args, **kwargs)

    method.__signature__ = inspect.signature(  # type: ignore[attr-defined]
        function.__get__(instance, type(instance))
    )
    return method
