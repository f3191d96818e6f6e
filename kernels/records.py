"""Records: data classes and named tuples that cost next to nothing when their module loads.

Python's own write their methods as text and compile it: 0.05 to 0.3 ms a class, in every process,
and there are eighty on the way to a first training step. These have general methods instead, which
read the annotations. To a type checker they are Python's own.

    @record                          compared by identity; not frozen, but to be treated so
    class Step:
        nodes: tuple[Node, ...]
        kept: int = 0
        forms: dict[str, int] = field(default_factory=dict)

    class Interval(NamedTuple):      as in `typing`
        begin: int
        end: int = 0

`replace(step, kept=1)` gives another record, as does `interval._replace(end=1)` a tuple.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
    from typing import NamedTuple
else:
    from _collections import _tuplegetter

    class field:
        """What makes the default of a field."""

        __slots__ = ("default_factory",)

        def __init__(self, default_factory):
            self.default_factory = default_factory

    def record(cls):
        """A class with an `__init__` that takes its annotated fields, those of its bases first."""
        names = [*getattr(cls, "record_fields", ()), *cls.__annotations__]
        makers = dict(getattr(cls, "_record_makers", {}))
        for name in names:
            default = cls.__dict__.get(name)
            if type(default) is field:
                makers[name] = default.default_factory
                delattr(cls, name)
        cls.record_fields, cls._record_makers = tuple(names), makers
        # other defaults are attributes of the class
        cls._record_wanted = sum(n not in makers and not hasattr(cls, n) for n in names)
        cls.__init__ = _init
        return cls

    def _init(self, *args, **named):
        names, values, makers = self.record_fields, self.__dict__, self._record_makers
        values.update(zip(names, args, strict=False))
        if named:
            values.update(named)
            missing = [n for n in names[: self._record_wanted] if n not in values]
            if missing or not named.keys() <= set(names[len(args) :]):
                raise _unfit(self, names, args, named)
        elif not self._record_wanted <= len(args):
            raise _unfit(self, names, args, named)
        if len(args) >= len(names):
            if len(args) > len(names):
                raise _unfit(self, names, args, named)
            return
        for name, make in makers.items():
            if name not in values:
                values[name] = make()

    def _unfit(made, names, args, named):
        return TypeError(f"{type(made).__name__} takes {', '.join(names)}; got {args}, {named}")

    def replace(old, /, **changes):
        """Another record with these fields changed."""
        fields = {name: getattr(old, name) for name in old.record_fields}
        return type(old)(**(fields | changes))

    class NamedTuple(tuple):
        """A tuple whose elements have names."""

        __slots__ = ()
        _fields = ()

        def __init_subclass__(cls):
            if NamedTuple not in cls.__bases__:
                return
            names = cls._fields = cls.__match_args__ = tuple(cls.__annotations__)
            cls._field_defaults = {n: cls.__dict__[n] for n in names if n in cls.__dict__}
            defaults = tuple(cls._field_defaults.values())
            cls._rest = {len(names) - k: defaults[-k:] for k in range(1, len(defaults) + 1)}
            cls._rest[len(names)] = ()
            for k, name in enumerate(names):
                setattr(cls, name, _tuplegetter(k, ""))

        def __new__(cls, *args, **named):
            rest = None if named else cls._rest.get(len(args))
            if rest:
                args += rest
            elif rest is None:
                args = _completed(cls, args, named)
            return tuple.__new__(cls, args)

        @classmethod
        def _make(cls, items):
            return cls(*items)

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, /, **changes):
            return type(self)(**(self._asdict() | changes))

        def __repr__(self):
            shown = ", ".join(f"{n}={x!r}" for n, x in self._asdict().items())
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self):
            return tuple(self)

    def _completed(cls, args, named):
        names, defaults = cls._fields, cls._field_defaults
        rest = names[len(args) :]
        values = [named[n] if n in named else defaults.get(n, _NOTHING) for n in rest]
        unknown = len(args) > len(names) or not named.keys() <= set(rest)
        if unknown or any(v is _NOTHING for v in values):
            raise TypeError(f"{cls.__name__} takes {', '.join(names)}; got {args}, {named}")
        return (*args, *values)

    _NOTHING = object()


__all__ = ["NamedTuple", "field", "record", "replace"]
