"""TypeSpec: the base of what says which values will do (TensorSpec, IndexedSlicesSpec...)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class TypeSpec:
    """What a value must be. `nf.TensorSpec` is one; `isinstance(x, nf.TypeSpec)` tells them.

    A kind of spec says what its values are (`value_type`), when one fits (`is_compatible_with`),
    and what two specs have in common (`most_specific_compatible_type`).
    """

    __slots__ = ()

    @property
    def value_type(self) -> type[Any]:
        """The class of the values."""
        raise NotImplementedError  # abstract: each kind defines it

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a value, or every value of a spec, will do."""
        raise NotImplementedError

    def most_specific_compatible_type(self, other: Any) -> Any:
        """The spec of which this one and other are cases.

        Raises:
          ValueError: there is none.
        """
        raise NotImplementedError

    def is_subtype_of(self, other: Any) -> bool:
        """Whether whatever fits this spec fits other too."""
        try:
            return bool(self.most_specific_compatible_type(other) == other)
        except ValueError:
            return False

    def most_specific_common_supertype(self, others: Iterable[Any]) -> Any:
        """The spec of which this one and all others are cases; None if there is none."""
        found: Any = self
        try:
            for other in others:
                found = found.most_specific_compatible_type(other)
        except ValueError:
            return None
        return found
