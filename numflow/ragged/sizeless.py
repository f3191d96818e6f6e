"""The spec of a ragged tensor where a tensor's is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numflow.graph.spec import Spec

if TYPE_CHECKING:
    from numflow.ragged.tensor import RaggedTensor


class RaggedSpec(Spec):
    """Of a ragged tensor, where a tensor's is wanted: dtype and rank."""

    __slots__ = ("_of",)

    def __init__(self, of: RaggedTensor) -> None:
        self._of, self.dtype = of, of.dtype

    @property
    def shape(self) -> Any:  # type: ignore[override]  # nobody sets it
        """Raises: there is none."""
        self._of.as_one()

    @property
    def rank(self) -> int:
        return len(self._of.shape)

    def __str__(self) -> str:
        return f"{self.dtype.name} {self._of.shape}"

    def __repr__(self) -> str:
        return f"RaggedSpec({self})"
