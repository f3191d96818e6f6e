"""Variable: the only thing that changes.

It behaves like a tensor - operators, functions and `np.asarray` read it - and is none: reading goes
through the interpreter in force, so that a trace sees a read and a tape a source.

A variable owns an aligned buffer. Programs read its address from a row of `runtime/cells.py` at
each call, so nothing is baked in. They write the buffer in place, and older tensors must keep their
values; so whoever is about to write in place asks `make_private()` first: if a tensor or a NumPy
view still holds the buffer, the variable moves to a copy. Reference counts tell: of the array, and
of the array that owns its memory, which views of views refer to.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow import dtypes
from numflow.eager.apply import eager, tapes
from numflow.eager.creators import Creation
from numflow.eager.lifting import lifted
from numflow.eager.tensor import Array, EagerTensor, interned, on_own_lines
from numflow.eager.variable_row_methods import RowMethods
from numflow.eager.variable_session_methods import SessionMethods
from numflow.errors import ShapeError, SymbolicTensorError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.op import current, init_scope
from numflow.graph.scopes import here
from numflow.graph.spec import Spec
from numflow.graph.tensor import Reference, Tensor
from numflow.ops.convert import as_tensor
from numflow.ops.operators import bind
from numflow.ops.run_time import refitted
from numflow.ops.state import check_assigned
from numflow.runtime import arena
from numflow.runtime.cells import ARRAY, DATA, FORM, LOCK, OWNER, CellLock, cells
from numflow.tensor_shape import TensorShape

# --- sharing -----------------------------------------------------------------


class _Holder:
    """Something that holds an array as a variable does: what the counts of a private one are."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def counts(self) -> tuple[int, int]:
        return sys.getrefcount(self._array), sys.getrefcount(self._array.base)


_PRIVATE = _Holder(arena.aligned_array((1,), np.int8)).counts()


# --- the class ---------------------------------------------------------------


class Variable(RowMethods, SessionMethods, metaclass=Creation):
    """A tensor whose value can be assigned.

    Args:
      initial_value: a tensor or what becomes one, or a function without arguments that gives it.
      trainable: whether tapes watch it by themselves. Default: True.
      validate_shape: False lets later values have any shape (outside of compiled functions).
      name: for messages and checkpoints; it need not be unique.
      dtype: default: as the initial value has it, float32 and int32 for Python numbers.
      constraint: a function that optimizers apply after an update.
      shape: the shape if it is to be less exact than the initial value's: later values may have
        any size where it is None (outside of compiled functions).
      synchronization: ON_READ makes it not trainable.

    caching_device, variable_def, import_scope, aggregation and the experimental argument are
    TensorFlow's and change nothing here.

    Raises:
      ValueError: no initial value, or it does not have the shape; constraint is no function;
        trainable together with ON_READ.

    Example:
      >>> v = nf.Variable([1.0, 2.0])
      >>> v.assign_add([1.0, 1.0]).numpy().tolist(), (v * 2).numpy().tolist()
      ([2.0, 3.0], [4.0, 6.0])
    """

    __array_priority__ = 100  # NumPy arrays on the left leave operators to us

    if TYPE_CHECKING:

        def __getitem__(self, key: Any) -> Any: ...

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        if initial_value is None:
            raise ValueError(explain("Variable", "an initial value is needed", {"name": name}))
        creating = getattr(current(), "creating_variable", None)
        if creating is not None:
            creating(name or "Variable", self)
        self._name = here().scope + (name or "Variable") + ":0"
        self._synchronization, self._aggregation = synchronization, aggregation
        on_read = getattr(synchronization, "name", "") == "ON_READ"
        if on_read and trainable:
            raise ValueError(explain("Variable", "what is synchronized ON_READ is not trainable"))
        self._trainable = not on_read if trainable is None else bool(trainable)
        if constraint is not None and not callable(constraint):
            problem = f"constraint is {type(constraint).__name__}, not a function"
            raise ValueError(explain("Variable", problem, {"name": self._name}))
        self._constraint = constraint
        self._row = cells.take()
        self._lock = CellLock(self._row)
        weakref.finalize(self, cells.give_back, self._row).atexit = False
        with init_scope():
            value = as_tensor(_initial(initial_value), dtype, "Variable", "initial_value")
            if isinstance(value, SymbolicTensor):
                found = lifted(value)
                value = value if found is None else found
        if not isinstance(value, EagerTensor):
            problem = "the initial value depends on arguments of the function that is being traced"
            shown = {"name": self._name, "initial_value": value}
            fix = "initial_value=lambda: ..., which runs outside of the trace"
            raise SymbolicTensorError(explain("Variable", problem, shown, fix))
        declared = TensorShape(value._array.shape if shape is None else shape)
        self._declared = declared if validate_shape else TensorShape(None)
        self._validated = validate_shape
        self._loose = not self._declared.is_fully_defined()  # any value may change its shape
        if not declared.is_compatible_with(value._array.shape):
            raise ValueError(
                explain("Variable", f"the initial value is not of shape {declared}",
                        {"name": self._name, "initial_value": value.spec})
            )  # fmt: skip
        self._dtype = value.dtype
        self._own(arena.aligned_copy(value._array))

    # --- the buffer ---

    def _own(self, array: Array) -> None:
        """Move to another buffer, which nobody else holds."""
        owner = array if array.base is None else array.base
        # The row first, and at once: a program of another thread may start any time.
        self._row[[DATA, ARRAY, OWNER]] = array.ctypes.data, id(array), id(owner)
        self._array = array
        self._spec = interned(Spec(array.shape, self._dtype))

    @property
    def form(self) -> int:
        """Counts the changes of its shape."""
        return int(self._row[FORM])

    @property
    def cell_address(self) -> int:
        """Address of the row that programs know it by (runtime/cells.py)."""
        return int(self._row.ctypes.data)

    def shared(self) -> bool:
        """Whether a tensor or a NumPy array holds the buffer too."""
        return (sys.getrefcount(self._array), sys.getrefcount(self._array.base)) != _PRIVATE

    def make_private(self) -> None:
        """Move to a copy of the buffer if somebody else holds it: before writing in place."""
        if self.shared():
            self._own(arena.aligned_copy(self._array))

    def _write(self, array: Array) -> None:
        """Take over the value of array, which has the variable's dtype."""
        with self._lock:
            if array.shape == self._array.shape and not self.shared():
                np.copyto(self._array, array)
            else:
                self._row[FORM] += array.shape != self._array.shape
                self._own(arena.aligned_copy(array))

    # --- what it is ---

    @property
    def spec(self) -> Spec:
        return self._spec

    @property
    def shape(self) -> TensorShape:
        """The shape that values must have: None where it is open."""
        open_ = self._loose and self._validated
        return self._declared if open_ else TensorShape(self._spec.shape)

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def dtype(self) -> dtypes.DType:
        return self._dtype

    @property
    def ndim(self) -> int:
        return len(self._spec.shape)

    @property
    def name(self) -> str:
        """The name with ':0' behind it, as TensorFlow has it."""
        return self._name

    @property
    def trainable(self) -> bool:
        return self._trainable

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        return self._constraint

    @property
    def device(self) -> str:
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    @property
    def synchronization(self) -> Any:
        """As it was given."""
        from numflow.variable_policy import VariableSynchronization

        return self._synchronization or VariableSynchronization.AUTO

    @property
    def aggregation(self) -> Any:
        """As it was given."""
        from numflow.variable_policy import VariableAggregation

        return self._aggregation or VariableAggregation.NONE

    def set_shape(self, shape: Any) -> None:
        """Check that values have a shape.

        Raises:
          ValueError: they have another one.
        """
        if not self.shape.is_compatible_with(shape):
            problem = f"variable {self._name} is not of shape {TensorShape(shape)}"
            raise ValueError(explain("set_shape", problem, {"variable": self._spec}))

    def ref(self) -> Reference:
        """A hashable that is equal for the same variable."""
        return Reference(self)

    # --- reading ---

    def _as_tensor(self) -> Tensor:
        interpreter = current()
        value: Tensor
        if interpreter is eager:
            value = self._snapshot()
        else:
            value = interpreter.read(self)  # type: ignore[attr-defined]
        for tape in tapes.items:
            tape.accessed(self, value)
        return value

    def value(self) -> Tensor:
        """The value now, as a tensor that later assignments do not change."""
        return self._as_tensor()

    def read_value(self) -> Tensor:
        """The same as `value`."""
        return self._as_tensor()

    def numpy(self) -> Any:
        """The value: a writable copy, or a NumPy scalar where there are no axes."""
        return self._known().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self._known().__array__(dtype, copy)

    def _known(self) -> EagerTensor:
        """The value as NumPy can have it.

        Raises:
          SymbolicTensorError: a function is being traced.
        """
        if current() is not eager:
            problem = f"variable {self._name} has no NumPy value while a function is traced"
            fix = "use it as a tensor; look at .numpy() outside of the function"
            raise SymbolicTensorError(explain("function", problem, {"variable": self._spec}, fix))
        return self._snapshot()

    def _snapshot(self) -> EagerTensor:
        """A tensor that shares the buffer, which from now on nobody writes."""
        # Another thread may be about to give it another shape.
        spec = None if self._loose else self._spec
        value = EagerTensor(self._array, spec)
        if not self._row[LOCK]:
            return value
        del value
        with self._lock:  # another thread may be about to write it, halfway
            return EagerTensor(self._array, spec)

    def __bool__(self) -> bool:
        return bool(self._as_tensor())

    def __int__(self) -> int:
        return int(self._as_tensor())

    def __complex__(self) -> complex:
        return complex(self._as_tensor().numpy())

    def __float__(self) -> float:
        return float(self._as_tensor())

    def __index__(self) -> int:
        return self._as_tensor().__index__()

    def __len__(self) -> int:
        if not self._spec.shape:
            raise TypeError("len() of a scalar variable")
        return int(self._array.shape[0])

    def __iter__(self) -> Any:
        return iter(self._as_tensor()[i] for i in range(len(self)))

    def __hash__(self) -> int:
        """Of numflow's own tables only: == compares elements, and gives tensors.

        Raises:
          TypeError: anybody else asks.
        """
        if sys._getframe(1).f_globals.get("__name__", "").startswith("numflow."):
            return id(self)
        raise TypeError("Variable is unhashable. Instead, use variable.ref() as the key.")

    # --- writing ---

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Replace the value.

        Args:
          value: of the variable's shape and dtype; Python numbers adapt.
          read_value: False gives None back.

        Returns:
          The variable itself.

        Raises:
          ShapeError: value has another shape.
          DTypeError: value is a tensor of another dtype.
        """
        self._assign(as_tensor(value, self._dtype, "assign", "value"))
        return self if read_value else None

    def assign_add(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Add delta to the value, see `assign`."""
        self._update("assign_add", np.add, delta)
        return self if read_value else None

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtract delta from the value, see `assign`."""
        self._update("assign_sub", np.subtract, delta)
        return self if read_value else None

    def _assign(self, value: Tensor) -> Variable:
        interpreter = current()
        if interpreter is not eager:
            interpreter.assign(self, value)  # type: ignore[attr-defined]
            return self
        array = _array(value, "assign")
        if not self._loose:
            check_assigned(self, value.spec)
        elif value.dtype is not self._dtype or not self._declared.is_compatible_with(array.shape):
            problem = f"the value does not fit variable {self._name}, of shape {self._declared}"
            raise ShapeError(explain("assign", problem, {"value": value.spec}))
        for tape in tapes.items:
            tape.assigned(self, value)
        self._write(array)
        return self

    def _update(self, op: str, ufunc: Any, delta: Any) -> Variable:
        tensor = as_tensor(delta, self._dtype, op, "delta")
        if current() is not eager:
            tensor = refitted(tensor, self.spec.shape)
        check_assigned(self, tensor.spec)
        if current() is not eager:
            value = self._as_tensor()
            return self._assign(value + tensor if ufunc is np.add else value - tensor)
        array = _array(tensor, op)
        for tape in tapes.items:
            tape.assigned(self, tensor)
        with self._lock, np.errstate(all="ignore"):
            self.make_private()
            ufunc(self._array, array, out=self._array)
        return self

    def _in_place(self, _: Any) -> Variable:
        raise RuntimeError(
            explain(
                "Variable",
                f"`+=` and the like would make a tensor of variable {self._name}",
                fix="assign_add, assign_sub or assign",
            )
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __imod__ = __ipow__ = _in_place
    __imatmul__ = __iand__ = __ior__ = __ixor__ = _in_place

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        head = f"<tf.Variable '{self._name}' shape={self.shape} dtype={self._dtype.name}"
        if self._array.ndim:
            return f"{head}, numpy={on_own_lines(repr(self._array))}>"
        return f"{head}, numpy={self._array[()]}>"

    def __copy__(self) -> Variable:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: Any) -> Variable:
        """Another variable of the same value."""
        twin = Variable(EagerTensor(self._array), self._trainable, self._validated,
                        name=self._name[:-2], constraint=self._constraint,
                        shape=self._declared if self._validated else None,
                        synchronization=self._synchronization,
                        aggregation=self._aggregation)  # fmt: skip
        memo[id(self)] = twin
        return twin

    def __reduce__(self) -> Any:
        shape = self._declared.as_list() if self._declared.rank is not None else None
        kept = self._trainable, shape, self._name[:-2], self._validated
        return _restored, (np.array(self._array), *kept)


def _part(variable: Variable, key: Any) -> Any:
    """variable[key], which can be assigned. What does it loads now, and stands here from now on."""
    from numflow.eager.variable_slices import part_of

    setattr(Variable, "__getitem__", part_of)  # noqa: B010
    return part_of(variable, key)


bind(Variable)
setattr(Variable, "__getitem__", _part)  # noqa: B010


def _array(tensor: Tensor, op: str) -> Array:
    """The value of a tensor.

    Raises:
      SymbolicTensorError: it belongs to a trace.
    """
    if isinstance(tensor, EagerTensor):
        return tensor._array
    raise SymbolicTensorError(
        explain(
            op,
            "a tensor of a traced function is used outside of it",
            {"tensor": tensor},
            fix="return it from the function",
        )
    )


def _initial(value: Any) -> Any:
    return value() if callable(value) and not hasattr(value, "_as_tensor") else value


def _restored(array: Array, trainable: bool, shape: Any, name: str, validated: bool) -> Variable:
    """A variable from what was pickled."""
    declared = TensorShape(shape) if validated else None
    return Variable(EagerTensor(array), trainable, validated, name=name, shape=declared)
