"""`while_loop`: a loop of a trace (loops.py), or Python's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes, nest
from numflow.control.loops import MOST_PIECE, Loop
from numflow.control.structure import Form, taken_apart
from numflow.errors import ShapeError, explain
from numflow.graph.operation import building
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import plain
from numflow.ops import select as selections
from numflow.ops.convert import as_tensor
from numflow.tensor_shape import TensorShape


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """loop_vars = body(*loop_vars), as long as cond(*loop_vars).

    In a traced function body and cond are traced, once; eagerly it is Python's `while`.

    Args:
      cond: takes the loop variables, gives a bool scalar.
      body: takes them, gives them again: of the same structure, dtypes and shapes.
      loop_vars: a list or tuple of tensors, numbers, TensorArrays, and structures of these.
      shape_invariants: a structure like loop_vars of shapes, with None where a size changes from
        iteration to iteration.
      parallel_iterations: without effect.
      swap_memory: for gradients of long loops keep the loop variables of every PIECE-th iteration
        only, and run the iterations between twice: n / PIECE + PIECE copies of them in place of n
        (with maximum_iterations about 2 sqrt(n)).
      back_prop: False lets no gradient through.
      maximum_iterations: an integer; the loop ends after so many.

    Returns:
      The loop variables behind the last iteration, in their structure.

    Raises:
      TypeError: cond or body is no function.
      ValueError: there are no loop variables; body gives another structure.
      ShapeError, DTypeError: a loop variable changes its shape or dtype.

    Example:
      >>> @nf.function
      ... def root(x):
      ...     def newton(k, y):
      ...         return k + 1, 0.5 * (y + x / y)
      ...     return nf.while_loop(lambda k, y: k < 6, newton, [0, x])[1]
      >>> round(float(root(2.0)), 5)
      1.41421
    """
    for argument, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"while_loop: '{argument}' must be callable.")
    if (
        parallel_iterations is not None
        and plain.whole(parallel_iterations, "while_loop", "parallel_iterations") < 1
    ):
        raise TypeError("while_loop: 'parallel_iterations' must be a positive integer.")
    if not nest.is_nested(loop_vars):
        loop_vars = [loop_vars]
    variables = loop_vars
    if len(variables) == 0:
        raise ValueError("while_loop: 'loop_vars' must be provided.")
    most = _most(maximum_iterations)
    if building() is None:
        return _eagerly(cond, body, variables, most)
    if swap_memory and back_prop and shape_invariants is None:
        return _in_pieces(cond, body, variables, maximum_iterations)
    initial, form = taken_apart(variables, name="while_loop")
    names = [f"loop_vars{p}" for p in form.paths]
    loose = _invariants(shape_invariants, variables, initial, names)
    loop = Loop("while_loop", initial, form, names, most, loose)

    def traced_body(tensors: Sequence[Tensor]) -> tuple[list[Tensor], Form]:
        given = form.packed(tensors)
        got = body(*_positional(given))

        def convert(x: Any, k: int) -> Tensor:
            numeric = isinstance(x, bool | int | float)
            want = tensors[k].dtype if numeric and k < len(tensors) else None
            return as_tensor(x, want, "while_loop", "what the body gives")

        return taken_apart(_like(variables, got), convert, "while_loop")

    outputs = loop.run(lambda ts: cond(*_positional(form.packed(ts))), traced_body)
    if not back_prop:
        from numflow.ops.shape import stop_gradient

        outputs = [stop_gradient(t) for t in outputs]
    return form.packed(outputs)


PIECE = 100  # iterations between two that are kept, see swap_memory


def _in_pieces(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, most: Any
) -> Any:
    """The loop as a loop of loops of some iterations each: of the inner ones the gradient keeps
    nothing but while it walks back through them.

    Source: Griewank & Walther 2008, "Evaluating Derivatives", section 12.2.
    """
    length = PIECE
    if isinstance(most, int):
        length = min(max(1, math.isqrt(max(most - 1, 0)) + 1), MOST_PIECE)
    limit = None if most is None else _most(most)

    def going(now: Any, done: Any) -> Any:
        test = cond(*_positional(now))
        return test if limit is None else selections.logical_and(done < limit, test)

    def inner(now: Any, done: Any) -> Any:
        def step(k: Any, now: Any, done: Any) -> Any:
            return k + 1, _like(loop_vars, body(*_positional(now))), done + 1

        def more(k: Any, now: Any, done: Any) -> Any:
            return selections.logical_and(k < length, going(now, done))

        return while_loop(more, step, (0, now, done))[1:]

    start = as_tensor(0, dtypes.int64)
    return while_loop(going, inner, (loop_vars, start))[0]


def _invariants(
    given: Any, loop_vars: Any, initial: Sequence[Tensor], names: Sequence[str]
) -> dict[int, list[bool]]:
    """By number of a loop variable, per axis whether the invariants leave its size open.

    Raises:
      ValueError: they have another structure, or one does not fit its variable.
    """
    if given is None:
        return {}
    shapes = nest.flatten(given)
    leaves = nest.flatten(loop_vars)
    if len(shapes) != len(leaves):
        problem = f"{len(leaves)} loop variables have {len(shapes)} shape_invariants"
        raise ValueError(explain("while_loop", problem, fix="a nf.TensorShape for each"))
    found: dict[int, list[bool]] = {}
    k = 0
    for shape, leaf in zip(shapes, leaves, strict=True):
        tensors = len(taken_apart([leaf])[0])
        if tensors == 1 and shape is not None and not hasattr(leaf, "_opened"):
            wanted = TensorShape(getattr(shape, "shape", shape))
            have = initial[k].spec.shape
            if wanted.dims is not None:
                if not wanted.is_compatible_with(TensorShape(have)):
                    shown = {"variable": initial[k].spec, "invariant": wanted}
                    problem = f"the shape invariant of {names[k]} is not compatible with it"
                    raise ShapeError(explain("while_loop", problem, shown))
                sizes = [getattr(d, "value", d) for d in wanted.dims]
                if None in sizes:
                    found[k] = [n is None for n in sizes]
        k += tensors
    return found


def _positional(loop_vars: Any) -> Sequence[Any]:
    """The loop variables as arguments."""
    return list(loop_vars.values()) if isinstance(loop_vars, dict) else loop_vars


def _like(loop_vars: Any, got: Any) -> Any:
    """What a body gave, in the container of the loop variables."""
    if isinstance(loop_vars, dict):
        values = got if isinstance(got, dict) else dict(zip(loop_vars, got, strict=False))
        return values
    if not isinstance(got, list | tuple) or (
        len(loop_vars) == 1 and nest.is_nested(loop_vars[0]) and not _holds(got, loop_vars)
    ):
        got = [got]
    return list(got) if type(loop_vars) is list else got if hasattr(got, "_fields") else tuple(got)


def _holds(got: Any, loop_vars: Any) -> bool:
    """Whether got is the loop variables rather than the only one of them."""
    try:
        nest.assert_same_structure(list(loop_vars), list(got), check_types=False)
    except (ValueError, TypeError):
        return False
    return True


def _most(maximum_iterations: Any) -> Tensor | None:
    """maximum_iterations as an int64 scalar.

    Raises:
      ValueError: it is no integer scalar.
    """
    if maximum_iterations is None:
        return None
    most = as_tensor(maximum_iterations, None, "while_loop", "maximum_iterations")
    if most.spec.shape != () or not most.dtype.is_integer:
        shown = {"maximum_iterations": most.spec}
        raise ShapeError(
            explain("while_loop", "maximum_iterations must be an integer scalar", shown)
        )
    return maths.cast(most, dtypes.int64)


def _eagerly(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, most: Tensor | None
) -> Any:
    tensors, form = taken_apart(loop_vars, name="while_loop")
    now = form.packed(tensors)
    left = -1 if most is None else max(0, int(most))
    while left != 0 and bool(cond(*_positional(now))):
        kinds = [t.dtype for t in tensors]

        def convert(x: Any, k: int, kinds: Sequence[dtypes.DType] = kinds) -> Tensor:
            numeric = isinstance(x, bool | int | float)
            want = kinds[k] if numeric and k < len(kinds) else None
            return as_tensor(x, want, "while_loop", "what the body gives")

        tensors, after = taken_apart(
            _like(loop_vars, body(*_positional(now))), convert, "while_loop"
        )
        unlike = form.difference(after)
        if unlike:
            problem = f"the body gives loop variables of another structure: {unlike}"
            raise ValueError(explain("while_loop", problem))
        now = form.packed(tensors)
        left -= 1
    return now
