"""A name without a value, which explains itself when it is read."""

from __future__ import annotations

from typing import Any, NoReturn

NOT_IN_BOTH = "is not set in both branches of a data-dependent 'if'"
ONLY_IN_LOOP = "is set only inside a loop that may not run"


class Undefined:
    """Stands for the value of a name that has none; whatever is done with it says why.

    name: as it is written. why: what happened; "" where it was simply not assigned yet.
    error: the kind of exception.
    """

    __slots__ = ("error", "name", "why")

    def __init__(
        self, name: str, why: str = "", error: type[Exception] = UnboundLocalError
    ) -> None:
        self.name, self.why, self.error = name, why, error

    def fail(self, *_: Any, **__: Any) -> NoReturn:
        """Raise what Python raises for a name without a value, or what explains why it has none."""
        plain = (
            f"cannot access local variable '{self.name}' where it is not associated with a value"
        )
        raise self.error(f"'{self.name}' {self.why}" if self.why else plain)

    def __getattr__(self, _: str) -> NoReturn:
        self.fail()

    def __repr__(self) -> str:
        return f"<undefined {self.name}>"

    __bool__ = __call__ = __iter__ = __len__ = __getitem__ = __setitem__ = __contains__ = fail
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = fail
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = fail
    __rmatmul__ = __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = fail
    __rlshift__ = __rshift__ = __rrshift__ = __neg__ = __pos__ = __abs__ = __invert__ = fail
    __lt__ = __le__ = __gt__ = __ge__ = __float__ = __int__ = __index__ = __complex__ = fail
    __array__ = __enter__ = __exit__ = __str__ = __format__ = fail


class MaybeUnset:
    """A name that was set in a loop, which may not have run: a check for whoever reads it.

    value: what it is if the loop ran. check: asserts, when the program runs, that it did.
    """

    __slots__ = ("check", "value")

    def __init__(self, value: Any, check: Any) -> None:
        self.value, self.check = value, check
