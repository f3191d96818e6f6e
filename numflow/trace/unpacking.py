"""The leaves of a call's arguments, as fast as Python can take them.

A program takes flat lists of arrays. For calls with names, or with nested tuples and dicts, an
`Unpacking` is made once per form of the arguments; it goes straight to the leaves, and raises
OtherForm where the arguments are of another form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numflow import nest

Take = Callable[[Any, list[Any]], None]


class OtherForm(Exception):
    """The arguments are not of the form that is unpacked."""


Unpacking = Callable[[tuple[Any, ...], Mapping[str, Any]], list[Any]]


def unpacking(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Unpacking | None:
    """A function from arguments of this form to their leaves, those of names in the order given.

    None where nothing is nested: the leaves are (*args, *kwargs.values()).
    """
    takes = [_take(x) for x in (*args, *kwargs.values())]
    if not any(takes):
        return None

    def unpack(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        out: list[Any] = []
        for take, x in zip(takes, (*args, *kwargs.values()), strict=True):
            if take is None:
                out.append(x)
            else:
                take(x, out)
        return out

    return unpack


def _take(x: Any) -> Take | None:
    """Appends the leaves of a structure like x to a list; None: x is a leaf."""
    if not nest.is_nested(x):
        return None
    kind = type(x)
    if isinstance(x, Mapping):
        parts = [(key, _take(x[key])) for key in sorted(x)]

        def take_mapping(x: Any, out: list[Any]) -> None:
            if type(x) is not kind or len(x) != len(parts):
                raise OtherForm
            try:
                for key, take in parts:
                    if take is None:
                        out.append(x[key])
                    else:
                        take(x[key], out)
            except KeyError:
                raise OtherForm from None

        return take_mapping
    opened = nest.components(x)
    if opened is not None:
        kept, parts_of_x = opened
        inner = _take(parts_of_x)

        def take_components(x: Any, out: list[Any]) -> None:
            opened = nest.components(x) if type(x) is kind else None
            if opened is None or repr(opened[0]) != repr(kept) or inner is None:
                raise OtherForm
            inner(opened[1], out)

        return take_components
    takes = [_take(v) for v in x]
    flat = not any(takes)

    def take_sequence(x: Any, out: list[Any]) -> None:
        if type(x) is not kind or len(x) != len(takes):
            raise OtherForm
        if flat:
            out.extend(x)
            return
        for take, v in zip(takes, x, strict=True):
            if take is None:
                out.append(v)
            else:
                take(v, out)

    return take_sequence


def order_of_leaves(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], normal: Callable[..., Any]
) -> list[int]:
    """Which of the leaves (of args, then of kwargs as given) each leaf of the usual order is.

    normal(args, kwargs): the arguments in the order and form in which traces take them.
    """
    count = 0

    def number(_: Any) -> int:
        nonlocal count
        count += 1
        return count - 1

    # Mappings are numbered as they are flattened: by sorted keys.
    numbered = [nest.pack_sequence_as(x, [number(v) for v in nest.flatten(x)]) for x in args]
    named = {
        k: nest.pack_sequence_as(x, [number(v) for v in nest.flatten(x)]) for k, x in kwargs.items()
    }
    return nest.flatten(normal(tuple(numbered), named))
