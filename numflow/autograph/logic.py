"""`and`, `or`, `not`: the right side only where it is needed, of tensors by a `cond`."""

from __future__ import annotations

from typing import Any

from numflow.autograph.values import Block, condition_of


def and_(first: Block, *rest: Block) -> Any:
    value = first()
    for k, other in enumerate(rest):
        condition = condition_of(value)
        if condition is not None:
            return _staged().logical(condition, "and", lambda k=k: and_(*rest[k:]))
        if not value:
            return value
        value = other()
    return value


def or_(first: Block, *rest: Block) -> Any:
    value = first()
    for k, other in enumerate(rest):
        condition = condition_of(value)
        if condition is not None:
            return _staged().logical(condition, "or", lambda k=k: or_(*rest[k:]))
        if value:
            return value
        value = other()
    return value


def not_(value: Any) -> Any:
    condition = condition_of(value)
    return not value if condition is None else _staged().negation(condition)


def _staged() -> Any:
    from numflow.autograph import staged

    return staged
