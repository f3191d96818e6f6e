"""The methods of variables that read or change some of their rows; variable_rows.py does it."""

from __future__ import annotations

from typing import Any

from numflow.graph.tensor import Operators, Tensor
from numflow.ops import indexing


def _rows() -> Any:
    """What changes rows: few programs do."""
    from numflow.eager import variable_rows

    return variable_rows


class RowMethods(Operators):
    """Abstract: the methods of a variable that read or change some of its rows."""

    def scatter_add(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Add the rows of IndexedSlices; only those rows are touched.

        Args:
          sparse_delta: IndexedSlices of the variable's dtype: rows [n, ...] at indices [n].

        Returns:
          The variable itself.

        Raises:
          TypeError: sparse_delta is something else.
          InvalidArgumentError: an index is out of range; the variable is as it was.
          ShapeError: the values are no rows of the variable.

        Example:
          >>> v = nf.Variable([1, 2, 3])
          >>> v.scatter_add(nf.IndexedSlices([10, 20], [2, 2])).numpy().tolist()
          [1, 2, 33]
        """
        return _rows().scatter_slices(self, "scatter_add", sparse_delta, "add")

    def scatter_sub(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Subtract the rows of IndexedSlices, see `scatter_add`."""
        return _rows().scatter_slices(self, "scatter_sub", sparse_delta, "subtract")

    def scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Replace rows; of equal indices the last one counts. See `scatter_add`."""
        return _rows().scatter_slices(self, "scatter_update", sparse_delta, "update")

    def scatter_max(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Let rows be at least those of IndexedSlices, see `scatter_add`."""
        return _rows().scatter_slices(self, "scatter_max", sparse_delta, "maximum")

    def scatter_min(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Let rows be at most those of IndexedSlices, see `scatter_add`."""
        return _rows().scatter_slices(self, "scatter_min", sparse_delta, "minimum")

    def scatter_mul(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Multiply rows, see `scatter_add`."""
        return _rows().scatter_slices(self, "scatter_mul", sparse_delta, "multiply")

    def scatter_div(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Divide rows, integers towards zero, see `scatter_add`."""
        return _rows().scatter_slices(self, "scatter_div", sparse_delta, "divide")

    def batch_scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Replace rows within each batch: self[b, indices[b, i]] = values[b, i]."""
        return _rows().batch_scatter_update(self, sparse_delta)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add updates to elements or slices at places.

        Args:
          indices: integers [..., k], each within its axis.
          updates: of the variable's dtype, indices.shape[:-1] + shape[k:].

        Returns:
          The variable itself.

        Raises:
          InvalidArgumentError: an index is out of range; the variable is as it was.
          ShapeError: the shapes do not fit.

        Example:
          >>> v = nf.Variable([1, 2, 3])
          >>> v.scatter_nd_add([[2], [0]], [10, 20]).numpy().tolist()
          [21, 2, 13]
        """
        return _rows().scatter_places(self, "scatter_nd_add", indices, updates, "add")

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract updates at places, see `scatter_nd_add`."""
        return _rows().scatter_places(self, "scatter_nd_sub", indices, updates, "subtract")

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace what is at places, see `scatter_nd_add`."""
        return _rows().scatter_places(self, "scatter_nd_update", indices, updates, "update")

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Let what is at places be at least updates, see `scatter_nd_add`."""
        return _rows().scatter_places(self, "scatter_nd_max", indices, updates, "maximum")

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Let what is at places be at most updates, see `scatter_nd_add`."""
        return _rows().scatter_places(self, "scatter_nd_min", indices, updates, "minimum")

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows at indices, as `nf.gather` of the variable."""
        return indexing.gather(self, indices)

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements or slices at places, as `nf.gather_nd` of the variable."""
        return indexing.gather_nd(self, indices)
