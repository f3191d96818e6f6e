"""The abstract Tensor: what eager and symbolic ones share. ops/operators.py binds operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

import numpy as np

from numflow.dtypes import DType
from numflow.graph.spec import Spec
from numflow.tensor_shape import TensorShape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Operators:
    """The operators of tensors and of what behaves like them, for type checkers.

    ops/operators.py binds the real ones, since ops come after tensors.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...


class Tensor(Operators):
    """A value of one dtype with any number of axes: held (eager) or stood for (in a trace).

    `op`, `graph`, `name`, `value_index`, `consumers` and `eval` are of tensors of a graph; one that
    holds its value says so, as in TensorFlow.
    """

    __slots__ = ()
    __array_priority__ = 100  # NumPy arrays on the left leave operators to us

    if TYPE_CHECKING:  # an eager tensor does these, one of a trace says why not

        def numpy(self) -> Any: ...
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any: ...
        def __bool__(self) -> bool: ...
        def __int__(self) -> int: ...
        def __float__(self) -> float: ...
        def __index__(self) -> int: ...
        def __len__(self) -> int: ...
        def __iter__(self) -> Iterator[Tensor]: ...

    def __hash__(self) -> int:
        # `==` compares elements, so no hash could be equal where tensors are.
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")

    def ref(self) -> Reference:
        """A hashable that is equal for the same tensor: a key of dicts and sets.

        Example:
          >>> x = nf.constant([1.0, 2.0])
          >>> {x.ref(): "x"}[x.ref()], x.ref().deref() is x
          ('x', True)
        """
        return Reference(self)

    def experimental_ref(self) -> Reference:
        """The same as `ref`."""
        return Reference(self)

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        raise NotImplementedError  # abstract: both final classes define it

    @property
    def shape(self) -> TensorShape:
        """The sizes of the axes; one that a trace does not know refuses to be read as a number."""
        return shape_of(self.spec.shape)

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    def set_shape(self, shape: Iterable[Any] | None) -> None:
        """Checks that the tensor has this shape, None in it leaving a size open.

        Every size is known here already or stands for one number, so nothing else changes.

        Raises:
          ValueError: it has another shape.
        """
        dims = getattr(shape, "dims", shape)
        if dims is None:
            return
        want = [getattr(n, "value", n) for n in dims]
        have = self.shape
        if len(want) != len(have) or any(
            w is not None and h is not None and h != w for h, w in zip(have, want, strict=True)
        ):
            raise ValueError(
                f"Tensor's shape {have} is not compatible with supplied shape {TensorShape(want)}."
            )

    @property
    def dtype(self) -> DType:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return len(self.spec.shape)

    @property
    def device(self) -> str:
        """The device that holds the value."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    # What only a tensor of a graph has.

    @property
    def name(self) -> str:
        raise self._undefined("name")

    @property
    def op(self) -> Any:
        raise self._undefined("op")

    @property
    def graph(self) -> Any:
        raise self._undefined("graph")

    @property
    def value_index(self) -> int:
        raise self._undefined("value_index")

    def consumers(self) -> list[Any]:
        """The operations that take it.

        Raises:
          AttributeError: it belongs to no graph.
        """
        raise self._undefined("consumers")

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Its value in a session.

        Raises:
          AttributeError: it belongs to no graph.
        """
        raise AttributeError(
            "eval is not supported when eager execution is enabled, is .numpy() what you're "
            "looking for?"
        )

    def _undefined(self, what: str) -> AttributeError:
        return AttributeError(f"Tensor.{what} is undefined when eager execution is enabled.")


class Reference:
    """A tensor or variable as a key: equal, and of one hash, for the same one."""

    __slots__ = ("_referent",)

    def __init__(self, referent: Any) -> None:
        self._referent = referent

    def deref(self) -> Any:
        """The tensor or variable itself."""
        return self._referent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._referent is other._referent

    def __hash__(self) -> int:
        return id(self._referent)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._referent!r}>"


TensorLike = Union[
    Tensor, np.ndarray[Any, Any], "np.generic", float, int, bool, "Sequence[Any]", Any
]
