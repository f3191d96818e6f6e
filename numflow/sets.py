"""tf.sets: the sets in the rows of tensors."""

from __future__ import annotations

from numflow.sparse.sets import difference, intersection, size, union

__all__ = ["difference", "intersection", "size", "union"]
