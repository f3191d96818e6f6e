"""The methods of variables that programs with graphs and sessions call, outside of any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numflow.errors import OutOfRangeError, explain
from numflow.ops.convert import as_tensor

if TYPE_CHECKING:
    from numflow.eager.tensor import EagerTensor
    from numflow.graph.tensor import Tensor


class SessionMethods:
    """Abstract: TensorFlow 1's face of a variable."""

    if TYPE_CHECKING:
        _name: str

        def value(self) -> Tensor: ...
        def _known(self) -> EagerTensor: ...
        def assign(self, value: Any) -> Any: ...
        def assign_add(self, delta: Any) -> Any: ...

    def load(self, value: Any, session: Any = None) -> None:
        """Replace the value."""
        self.assign(value)

    @property
    def initializer(self) -> None:
        """None: a variable outside of a graph has its value from the start."""
        return None

    @property
    def initial_value(self) -> Any:
        """Raises: as in TensorFlow, the initial value is not kept."""
        raise RuntimeError(explain("Variable", "the initial value is not kept", fix="value()"))

    @property
    def graph(self) -> Any:
        """Raises: a variable belongs to no graph."""
        raise AttributeError(f"variable {self._name} belongs to no graph")

    @property
    def op(self) -> Any:
        """Raises: no operation of a graph makes it."""
        raise AttributeError(f"variable {self._name} belongs to no graph, and no op makes it")

    def eval(self, session: Any = None) -> Any:
        """Raises: there is no session."""
        raise RuntimeError(explain("Variable", "there is no session", fix="numpy()"))

    def count_up_to(self, limit: int) -> Tensor:
        """The value before, and one more from now on.

        Raises:
          OutOfRangeError: it has reached the limit.

        Example:
          >>> v = nf.Variable(1)
          >>> v.count_up_to(3).numpy().item(), v.numpy().item()
          (1, 2)
        """
        before = self._known()
        if int(before) >= limit:
            raise OutOfRangeError(explain("count_up_to", f"{self._name} has reached {limit}"))
        self.assign_add(1)
        return before

    def is_initialized(self, name: str | None = None) -> Tensor:
        """True: a variable has a value from the start."""
        return as_tensor(True)

    def initialized_value(self) -> Tensor:
        """The value: a variable has one from the start."""
        return self.value()
