"""The parameters of a function: their names, what binds to them, and what one trace made of them.

`Parameters` is what a Function knows of the Python function that it compiles. `Arguments` is what a
`ConcreteFunction` knows of the call that it was traced for: which leaves are tensors, and the
values of those that are constants of the trace.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numflow import nest
from numflow.errors import explain
from numflow.trace.signature import with_parts
from numflow.trace.tensor_spec import TensorSpec

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class Parameters:
    """The parameters of a Python function; it is looked at when somebody asks."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function, self._name = function, name
        self._signature: inspect.Signature | None = None
        self._positional: list[str] | None = None
        # By the number of positional arguments and the names: those that go by position, the rest.
        self._orders: dict[tuple[Any, ...], tuple[list[str], list[str]]] = {}

    @property
    def signature(self) -> inspect.Signature:
        """Of the function; a builtin that does not tell takes anything."""
        if self._signature is None:
            try:
                self._signature = inspect.signature(self._function)
            except (TypeError, ValueError):
                kinds = inspect.Parameter
                self._signature = inspect.Signature(
                    [kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)]
                )
        return self._signature

    @property
    def positional(self) -> list[str]:
        """Names for the positional arguments; the last stands for those that *args takes."""
        if self._positional is None:
            self._positional = [
                p.name
                for p in self.signature.parameters.values()
                if p.kind is not p.KEYWORD_ONLY and p.kind is not p.VAR_KEYWORD
            ]
        return self._positional

    def bound(self, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
        """Arguments by position as far as the function allows it.

        Raises:
          TypeError: they are not those of the function.
        """
        key = len(args), *kwargs
        order = self._orders.get(key)
        if order is None:
            try:
                bound = self.signature.bind(*args, **dict(zip(kwargs, kwargs, strict=True)))
            except TypeError as e:
                raise TypeError(explain(self._name, str(e))) from None
            order = self._orders[key] = list(bound.args[len(args) :]), list(bound.kwargs)
        by_position, rest = order
        return (*args, *[kwargs[k] for k in by_position]), {k: kwargs[k] for k in rest}

    def check_signature(self, signature: Any) -> tuple[Any, ...] | None:
        """An input_signature as a tuple.

        Raises:
          TypeError: it is no list or tuple of TensorSpecs, or has more or fewer than parameters.
        """
        if signature is None:
            return None
        if not isinstance(signature, list | tuple):
            got = type(signature).__name__
            problem = f"input_signature must be a list or tuple, not {got}"
            raise TypeError(explain(self._name, problem))
        for leaf in nest.flatten(signature):
            if not isinstance(leaf, TensorSpec):
                problem = "input_signature takes TensorSpecs, or structures of them"
                raise TypeError(explain(self._name, problem, {"received": repr(leaf)[:200]}))
        parameters = [
            p
            for p in self.signature.parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        if (
            parameters
            and parameters[0].name in ("self", "cls")
            and not inspect.ismethod(self._function)
        ):
            del parameters[0]
        extra = len(signature) - len(parameters)
        several = any(p.kind is p.VAR_POSITIONAL for p in self.signature.parameters.values())
        if extra > 0 and not several:
            problem = f"input_signature contains {extra} extra type constraints"
            raise TypeError(explain(self._name, problem))
        missing = [p.name for p in parameters[len(signature) :] if p.default is p.empty]
        if missing:
            problem = f"input_signature is missing type constraints for {', '.join(missing)}"
            raise TypeError(explain(self._name, problem))
        return tuple(signature)


# --- what a trace was made for -----------------------------------------------


class _Tensor:
    """Stands for a leaf that is a tensor of the trace."""


_TENSOR = _Tensor()


class _Weak:
    """Stands for an object that is not kept alive by what was traced for it."""

    def __init__(self, x: Any) -> None:
        self.get = weakref.ref(x)
        self._text = type(x).__name__

    def __repr__(self) -> str:
        return f"<{self._text}>"


def _weakly(x: Any) -> Any:
    try:
        return _Weak(x)
    except TypeError:  # it has no room for weak references
        return x


class Arguments:
    """The arguments of one trace.

    signature: of the Python function. args, kwargs: those of the call, by position as far as that
    goes. places: which of their leaves are tensors. specs: these, in order. identities: leaves that
    others may not keep alive.
    """

    def __init__(
        self,
        name: str,
        signature: inspect.Signature,
        structure: tuple[Args, Kwargs],
        places: Sequence[int],
        specs: Sequence[TensorSpec],
        identities: Sequence[Any] = (),
    ) -> None:
        self._name, self._signature, self.specs = name, signature, list(specs)
        self._form = nest.form(structure)
        others = set(map(id, identities))
        leaves = [_weakly(x) if id(x) in others else x for x in nest.flatten(structure)]
        self._constants: list[Any] = list(leaves)
        for k, spec in zip(places, specs, strict=True):
            self._constants[k] = _TENSOR
            if type(leaves[k]) is not float:  # a float is shown, and may be left out
                leaves[k] = spec
        args, kwargs = with_parts(nest.pack_sequence_as(structure, leaves))
        self._names = _names(signature, args, kwargs)
        self._example: tuple[Args, Kwargs] = args, kwargs
        # A tensor for each parameter, and nothing else: calls need no looking into.
        self.plain = len(leaves) == len(args) and all(isinstance(x, TensorSpec) for x in leaves)

    @property
    def structured(self) -> tuple[Args, dict[str, Any]]:
        """(args, kwargs) with a TensorSpec for each tensor, named as TensorFlow names them."""
        args, kwargs = self._example
        named = [_named(x, name) for x, name in zip(args, self._names, strict=True)]
        return tuple(named), {k: _named(x, k) for k, x in kwargs.items()}

    def packed(self, tensors: Sequence[Any]) -> tuple[Args, dict[str, Any]]:
        """The arguments of the Python function, with these tensors."""
        found = iter(tensors)
        leaves = [next(found) if c is _TENSOR else _strongly(c) for c in self._constants]
        args, kwargs = nest.pack_sequence_as(self._example, leaves)
        return args, kwargs

    def tensors(self, args: Args, kwargs: Kwargs) -> list[Any]:
        """What a call gives for the tensors of the trace.

        Takes the arguments of the Python function, where constants may be left out, or the tensors
        alone, in order or by name.

        Raises:
          TypeError: the arguments are not those of the trace.
        """
        problem: Exception
        try:
            return self._of_parameters(args, kwargs)
        except TypeError as e:
            problem = e
        flat = list(args)
        names = [spec.name or "" for spec in self.specs]
        rest = {name: kwargs[name] for name in names[len(flat) :] if name in kwargs}
        if len(flat) + len(rest) == len(names) and len(rest) == len(kwargs):
            flat += [rest[name] for name in names[len(flat) :]]
            if not any(map(nest.is_nested, flat)):
                return flat
        raise TypeError(explain(self._name, str(problem), {"takes": self._shown()}))

    def _of_parameters(self, args: Args, kwargs: Kwargs) -> list[Any]:
        known = self._signature.bind_partial(*self._example[0], **self._example[1])
        given = self._signature.bind_partial(*args, **kwargs)
        merged = dict(given.arguments)
        for name, value in known.arguments.items():
            if name not in merged:
                if any(isinstance(x, TensorSpec) for x in nest.flatten(value)):
                    raise TypeError(f"missing a required argument: {name!r}")
                merged[name] = nest.map_structure(_strongly, value)
        for name, value in given.arguments.items():
            default = self._signature.parameters[name].default
            if name not in known.arguments:
                if value is not default and not _same(value, default):
                    raise TypeError(f"was traced without {name!r}")
                del merged[name]
        in_order = {name: merged[name] for name in self._signature.parameters if name in merged}
        bound = inspect.BoundArguments(self._signature, in_order)
        structure = with_parts((bound.args, bound.kwargs))
        if nest.form(structure) != self._form:
            raise TypeError("the arguments have another structure than those of the trace")
        tensors = []
        for x, constant in zip(nest.flatten(structure), self._constants, strict=True):
            if constant is _TENSOR:
                tensors.append(x)
            elif not _same(x, constant):
                raise TypeError(f"was traced for {constant!r:.50}, which {x!r:.50} is not")
        return tensors

    def _shown(self) -> str:
        args, kwargs = self.structured
        texts = [f"{n}: {_text(x)}" for n, x in zip(self._names, args, strict=True)]
        return "(" + ", ".join([*texts, *(f"{k}: {_text(x)}" for k, x in kwargs.items())]) + ")"

    def __str__(self) -> str:
        """One line per parameter, as TensorFlow prints them."""
        args, kwargs = self.structured
        kinds = self._signature.parameters
        lines = []
        for name, x in [*zip(self._names, args, strict=True), *kwargs.items()]:
            parameter = kinds.get(name)
            kind = "KEYWORD_ONLY" if parameter is None else parameter.kind.name
            lines.append(f"  {name} ({kind}): {_text(x)}")
        return "\n".join(lines or ["  None"])


def _names(signature: inspect.Signature, args: Args, kwargs: Kwargs) -> list[str]:
    """A name for each positional argument."""
    names: list[str] = []
    for name, value in signature.bind_partial(*args, **kwargs).arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{name}_{k}" for k in range(len(value))]
        elif kind not in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            names.append(name)
    return names[: len(args)]


def _named(x: Any, name: str) -> Any:
    """The specs in a structure, each named after its place unless it has a name of its own."""
    if isinstance(x, TensorSpec):
        return x if x.name is not None else TensorSpec(x.sizes, x.dtype, name)
    if isinstance(x, Mapping):
        return {k: _named(v, f"{name}_{k}") for k, v in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        pairs = zip(x._fields, x, strict=True)
        return type(x)(*(_named(v, f"{name}_{field}") for field, v in pairs))
    if type(x) in (list, tuple):
        return type(x)(_named(v, f"{name}_{k}") for k, v in enumerate(x))
    if nest.components(x) is not None:
        specs = [_named(v, name) for v in nest.flatten(x)]
        return nest.pack_sequence_as(x, specs)
    return x


def _strongly(x: Any) -> Any:
    return x.get() if type(x) is _Weak else x


def _same(x: Any, y: Any) -> bool:
    if type(y) is _Weak:
        return x is y.get()
    return x is y or (type(x) is type(y) and not hasattr(x, "_as_tensor") and bool(x == y))


def _text(x: Any) -> str:
    if isinstance(x, TensorSpec) or nest.is_nested(with_parts(x)):
        return repr(x)
    return repr(x) if type(x) is _Weak else f"Literal[{x!r:.50}]"
