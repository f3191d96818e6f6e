"""What makes two calls of a traced function alike, and which sizes a trace leaves open.

A call is described by a *key* - the form of its arguments, the dtype and rank of each tensor, the
value of each constant, the identity of each variable - and by the shapes of its tensors. Calls of
one key are a *family*:

    first call            x: [128, 784], y: [128]         traced with these sizes
    another batch size    x: [100, 784], y: [100]         traced with x: [x.0, 784], y: [x.0]
    and another           x: [60, 784],  y: [60]          fits
    two that part         x: [60, 784],  y: [1]           traced with x: [x.0, 784], y: [y.0]

A size that has changed becomes a symbol; sizes that were equal in every call share one, so that
shapes still match inside. A trace that needs the number behind a symbol gives it up (`pin`).
Python floats are weak scalars (trace/weak.py) until a trace needs their value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import dtypes, nest
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.convert import as_tensor
from numflow.ops.literals import as_array
from numflow.shapes import Dim, Shape
from numflow.trace.tensor_spec import TensorSpec

Sizes = tuple[int, ...]

FLOAT = "float"  # marks a weak scalar in a key


class Call:
    """One call: its key, its tensors (and floats), and how to put others in their place."""

    __slots__ = ("_structure", "key", "leaves", "places", "shapes", "tensors")

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        structure = (args, dict(kwargs)) if kwargs else args
        leaves = nest.flatten(structure)
        if any(type(x) in COMPOSITES for x in leaves):
            structure = with_parts(structure)
            leaves = nest.flatten(structure)
            args = structure[0] if kwargs else structure
        kinds: list[Any] = []
        tensors: list[Any] = []
        places: list[int] = []
        shapes: list[Sizes] = []
        for k, leaf in enumerate(leaves):
            if type(leaf) is np.ndarray and leaf.dtype.kind in _ODD:
                leaf = leaves[k] = as_array(leaf, None, "function", "an argument")
            kind = _kind(leaf)
            kinds.append(kind)
            if kind is FLOAT or type(kind) is _TensorKind:
                places.append(k)
                tensors.append(leaf)
                shapes.append(() if kind is FLOAT else _shape(leaf))
        self._structure = structure if kwargs else (args, {})
        self.leaves, self.tensors, self.places = leaves, tensors, places
        self.key: Any = (bool(kwargs), nest.form(structure), tuple(kinds))
        self.shapes = tuple(shapes)

    def with_constants(self, places: frozenset[int]) -> Call:
        """The same call with the floats at these leaves as constants."""
        kept = [k for k, place in enumerate(self.places) if place not in places]
        other = object.__new__(Call)
        other._structure, other.leaves = self._structure, self.leaves
        other.places = [self.places[k] for k in kept]
        other.tensors = [self.tensors[k] for k in kept]
        other.shapes = tuple(self.shapes[k] for k in kept)
        other.key = (self.key, tuple((k, repr(self.leaves[k])) for k in sorted(places)))
        return other

    @property
    def structure(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments: (args, kwargs)."""
        return self._structure

    def specs(self, shapes: Sequence[Shape]) -> list[Spec]:
        """The specs of the tensors, with these shapes."""
        return [
            Spec(shape, dtypes.float64 if type(x) is float else dtypes.as_dtype(x.dtype))
            for x, shape in zip(self.tensors, shapes, strict=True)
        ]

    def flat(
        self, number: Callable[[int], Any], constant: Callable[[Any], Any]
    ) -> list[Any] | None:
        """What each leaf is: the number of a tensor, number(of a float), constant(value).

        None where there are objects that nobody else may keep alive.
        """
        if not all(hasattr(x, "_as_tensor") for x in self.identities()):
            return None
        tensors = {place: k for k, place in enumerate(self.places)}
        return [
            constant(x)
            if k not in tensors
            else number(tensors[k])
            if type(x) is float
            else tensors[k]
            for k, x in enumerate(self.leaves)
        ]

    def constants(self) -> tuple[int, ...]:
        """The ids of the arguments that are no tensors."""
        places = set(self.places)
        return tuple(id(x) for k, x in enumerate(self.leaves) if k not in places)

    def identities(self) -> list[Any]:
        """The arguments that the key knows by their id."""
        return [x for x in self.leaves if type(_kind(x)) is _Identity]

    def replaced(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with other tensors in place of its own."""
        leaves = list(self.leaves)
        for place, t in zip(self.places, tensors, strict=True):
            leaves[place] = t
        args, kwargs = nest.pack_sequence_as(self._structure, leaves)
        return args, kwargs

    def owners(self, parameters: Sequence[str]) -> list[str]:
        """The name of the parameter that each leaf came in."""
        args, kwargs = self._structure
        roots = [
            parameters[min(k, len(parameters) - 1)] if parameters else "x" for k in range(len(args))
        ]
        owners = [root for root, arg in zip(roots, args, strict=True) for _ in nest.flatten(arg)]
        return owners + [k for k in sorted(kwargs) for _ in nest.flatten(kwargs[k])]

    def names(self, parameters: Sequence[str]) -> list[str]:
        """A name for each tensor: that of its parameter, numbered where there are more."""
        owners = self.owners(parameters)
        names: list[str] = []
        for place in self.places:
            name, n = owners[place], 1
            while name in names:
                n += 1
                name = f"{owners[place]}_{n}"
            names.append(name)
        return names


class _Parts:
    """A composite tensor among the arguments, as a container of tensors (nest.components)."""

    __dataclass_fields__: Mapping[str, Any] = {}  # a real data class costs half a ms of import

    def __init__(self, whole: Any) -> None:
        self.whole = whole

    def __tf_flatten__(self) -> tuple[Any, tuple[Any, ...]]:
        kept, parts = self.whole._opened()
        return (type(self.whole), kept), tuple(map(_opened, parts))  # rows of rows are ragged too

    @classmethod
    def __tf_unflatten__(cls, form: tuple[Any, Any], parts: Sequence[Any]) -> Any:
        kind, kept = form
        return kind._closed(kept, parts)


def _opened(leaf: Any) -> Any:
    return _Parts(leaf) if type(leaf) in COMPOSITES else leaf


def with_parts(structure: Any) -> Any:
    """The structure with its composite tensors opened, so that their tensors are leaves."""
    return nest.map_structure(_opened, structure)


_ODD = "OSU"  # kinds of arrays that may hold anything: text becomes strings, the rest is refused


class _Identity(tuple[Any, ...]):
    """(id,) of an argument that is like no other: a variable, a model."""

    __slots__ = ()


class _TensorKind(tuple[Any, ...]):
    """(dtype, rank) of a tensor among the arguments."""

    __slots__ = ()


def _kind(leaf: Any) -> Any:
    """What of a leaf makes two calls alike."""
    kind = type(leaf)
    if kind is float:
        return FLOAT
    if kind is np.ndarray or isinstance(leaf, Tensor | np.generic):
        return _TensorKind((dtypes.as_dtype(leaf.dtype), leaf.ndim))
    if isinstance(leaf, np.ndarray):
        return _TensorKind((dtypes.from_numpy(leaf.dtype), leaf.ndim))
    by_identity: tuple[object, ...] = (None, object.__hash__)
    if hasattr(leaf, "_as_tensor") or kind.__hash__ in by_identity:
        return _Identity(
            (id(leaf),)
        )  # the object itself is not kept alive by what it is traced for
    return (kind, leaf)


def _shape(leaf: Any) -> Sizes:
    shape: Any = leaf.spec.shape if isinstance(leaf, Tensor) else leaf.shape
    return tuple(shape)


# --- families ----------------------------------------------------------------


class Family:
    """The shapes of the calls of one key: which sizes have changed, and which change together."""

    def __init__(
        self, names: Sequence[str], opened: frozenset[tuple[int, int]] = frozenset()
    ) -> None:
        self._names = names
        self._open = set(opened)  # axes, as (tensor, axis), whose size has changed
        self._pinned: set[tuple[int, int]] = set()
        self._classes: dict[tuple[int, int], tuple[int, ...]] = {}  # its sizes in all calls noted
        self.constants: frozenset[int] = frozenset()  # leaves: floats whose value is needed

    def note(self, shapes: Sequence[Sizes]) -> None:
        """Learn from the shapes of a call that fits no trace."""
        for axis, n in _axes(shapes):
            seen = self._classes.get(axis, ())
            if seen and seen[-1] != n:
                self._open.add(axis)
            self._classes[axis] = (*seen, n)

    def pattern(
        self, shapes: Sequence[Sizes], apart: frozenset[tuple[int, int]] = frozenset()
    ) -> tuple[Shape, ...]:
        """These shapes, with a symbol for each size that changes.

        apart: axes whose sizes share no symbol, whatever their history.
        """
        symbols: dict[Any, Dim] = {}
        out: list[list[Any]] = [list(s) for s in shapes]
        for axis, _ in _axes(shapes):
            if axis in self._open and axis not in self._pinned:
                k, j = axis
                shared = axis if axis in apart else self._classes[axis]
                symbol = symbols.get(shared)
                if symbol is None:
                    symbol = symbols[shared] = Dim.symbol(f"{self._names[k]}.{j}")
                out[k][j] = symbol
        return tuple(map(tuple, out))

    def open(self, axes: frozenset[tuple[int, int]]) -> None:
        """From now on give the sizes of these axes, as (tensor, axis), as symbols."""
        self._open |= axes

    def pin(self) -> None:
        """From now on give the sizes that are symbols now as numbers."""
        self._pinned |= self._open


def _axes(shapes: Sequence[Sizes]) -> list[tuple[tuple[int, int], int]]:
    return [((k, j), n) for k, shape in enumerate(shapes) for j, n in enumerate(shape)]


def apart(pattern: Sequence[Shape], axes: Iterable[tuple[int, int]]) -> bool:
    """Whether the sizes of these axes are symbols that no other of them has."""
    sizes = [pattern[k][j] for k, j in axes]
    return all(isinstance(n, Dim) for n in sizes) and len(set(sizes)) == len(sizes)


def fits(pattern: Sequence[Shape], shapes: Sequence[Sizes]) -> bool:
    """Whether shapes are those of a pattern, the same symbol being the same size everywhere."""
    bound: dict[Any, int] = {}
    for wanted, shape in zip(pattern, shapes, strict=True):
        if len(wanted) != len(shape):
            return False
        for want, n in zip(wanted, shape, strict=True):
            if (bound.setdefault(want, n) if isinstance(want, Dim) else want) != n:
                return False
    return True


Described = list[tuple[Any, str]]  # per leaf: its kind, and what a message says of it


def described(call: Call) -> Described:
    """A call as messages speak of it; it keeps no argument alive."""
    out = []
    for leaf in call.leaves:
        kind = _kind(leaf)
        if type(kind) is _TensorKind:
            text = str(Spec(_shape(leaf), kind[0]))
        else:
            text = type(leaf).__name__ if type(kind) is _Identity else f"{leaf!r:.50}"
        out.append((kind, text))
    return out


def difference(before: Described, now: Described, names: Sequence[str]) -> tuple[str, str]:
    """(which argument changed and how, the remedy), of two calls that took a trace each."""
    if len(before) == len(now):
        leaves = list(zip(before, now, names, strict=True))
        # Floats last: most of them are no reason for a trace.
        for (kind, was), (new, text), name in sorted(leaves, key=lambda leaf: leaf[1][0] is FLOAT):
            if type(kind) is type(new) is _Identity and kind != new:
                return f"{name} was one {was}, and is another", ""
            if kind == new and was != text and type(new) is _TensorKind:
                return f"{name} was {was}, and is {text}, and the function reads its size", ""
            if type(kind) is type(new) is _TensorKind and was != text:
                return f"{name} was {was}, and is {text}", ""
            if kind != new or was != text:
                fix = f"{name}=nf.constant(...), if its value need not be known while tracing"
                return f"{name} was {was}, and is {text}", fix
    return "the arguments had another structure", ""


# --- a given signature -------------------------------------------------------


class SignatureError(ShapeError, TypeError):
    """An argument does not have the shape that an input_signature asks for."""


def opened(call: Call, signature: Any) -> frozenset[tuple[int, int]]:
    """The axes of a call's tensors that an input_signature leaves open."""
    specs = [s for s in nest.flatten(signature) if isinstance(s, TensorSpec)]
    return frozenset(
        (k, j)
        for k, (spec, shape) in enumerate(zip(specs, call.shapes, strict=True))
        for j in range(len(shape))
        if spec.sizes is None or spec.sizes[j] is None
    )


def conform(
    args: Sequence[Any], signature: Sequence[Any], name: str, parameters: Sequence[str] = ()
) -> tuple[Any, ...]:
    """The arguments as tensors of an input_signature; parameters: their names, for messages.

    Raises:
      TypeError: another number of arguments, or another structure.
      SignatureError, DTypeError: an argument is not of its spec.
    """
    if len(args) != len(signature):
        raise TypeError(
            explain(name, f"input_signature has {len(signature)} arguments, the call {len(args)}")
        )
    labels = [*parameters, *(f"argument {k}" for k in range(len(parameters), len(args)))]
    return tuple(
        _conform(x, spec, name, label)
        for x, spec, label in zip(args, signature, labels, strict=False)
    )


def _conform(x: Any, spec: Any, name: str, label: str) -> Any:
    if isinstance(spec, TensorSpec):
        return _conform_tensor(x, spec, name, label)
    if isinstance(spec, Mapping):
        if not isinstance(x, Mapping) or x.keys() != spec.keys():
            raise TypeError(_other_structure(x, spec, name, label))
        return {k: _conform(x[k], spec[k], name, f"{label}[{k!r}]") for k in spec}
    if isinstance(spec, list | tuple):
        if not isinstance(x, list | tuple) or len(x) != len(spec):
            raise TypeError(_other_structure(x, spec, name, label))
        pairs = enumerate(zip(x, spec, strict=True))
        items = [_conform(v, s, name, f"{label}[{k}]") for k, (v, s) in pairs]
        return type(spec)(*items) if hasattr(spec, "_fields") else type(spec)(items)
    return x


def _conform_tensor(x: Any, spec: TensorSpec, name: str, label: str) -> Tensor:
    if isinstance(x, Tensor) and x.dtype is not spec.dtype:
        problem = f"{label} is not of the dtype in input_signature"
        raise DTypeError(explain(name, problem, {label: x.spec, "input_signature": spec}))
    tensor = as_tensor(x, spec.dtype, name, label)
    if not spec.fits(tensor.spec.shape):
        problem = f"{label} is not of the shape in input_signature"
        raise SignatureError(explain(name, problem, {label: tensor.spec, "input_signature": spec}))
    return tensor


def _other_structure(x: Any, spec: Any, name: str, label: str) -> str:
    shown = {label: repr(x)[:200], "input_signature": spec}
    return explain(name, f"{label} has not the structure in input_signature", shown)
