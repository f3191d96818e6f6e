"""map_fn, scan, foldl, foldr, vectorized_map: a function over the rows of tensors.

In a trace each is one while_loop, whose results lie in buffers that it writes row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes, nest
from numflow.control.nested import Nested
from numflow.control.structure import taken_apart
from numflow.control.tensor_array import TensorArray
from numflow.control.while_loop import while_loop
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import current, interpreting
from numflow.graph.operation import building
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import joining, run_time
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent


class _Rows:
    """The rows of the tensors of a structure. count: of them."""

    def __init__(self, op: str, elems: Any) -> None:
        if callable(getattr(elems, "_as_tensor", None)):
            elems = elems._as_tensor()
        self.tensors, self.form = taken_apart(elems, name=op)
        if not self.tensors:
            raise ValueError(explain(op, "elems has no tensors"))
        for t in self.tensors:
            if not t.spec.shape:
                problem = "elems must be at least one dimensional, not a scalar"
                raise ShapeError(explain(op, problem, {"elems": t.spec}))
        self.count: Extent = self.tensors[0].spec.shape[0]
        for k, t in enumerate(self.tensors):
            if t.spec.shape[0] == self.count:
                continue
            fits = run_time.fitted(t, (self.count, *t.spec.shape[1:]))
            if fits is None:
                shown = {"first": self.tensors[0].spec, "other": t.spec}
                raise ShapeError(explain(op, "the tensors have unlike numbers of rows", shown))
            self.tensors[k] = fits

    def at(self, index: Any) -> Any:
        """Row number index, in the structure."""
        return self.form.packed([t[index] for t in self.tensors])

    def known(self, op: str) -> int:
        """Their number, of an eager call."""
        assert isinstance(self.count, int)
        return self.count


def _stacked(rows: Sequence[Any], empty: Any = None) -> Any:
    """Structures of tensors as one structure of tensors with one axis more."""
    parts = [taken_apart(r) for r in rows]
    columns = zip(*(tensors for tensors, _ in parts), strict=True)
    return parts[0][1].packed([joining.stack(list(column)) for column in columns])


def _arrays(like: Sequence[Spec], count: Extent) -> list[TensorArray]:
    return [TensorArray.to_be_filled(s, count) for s in like]


def described(fn: Callable[..., Any], *args: Any) -> tuple[list[Spec], Any]:
    """The specs of what fn gives, and its form: from a trace that is thrown away."""
    inside = Nested(current(), "a trial")
    with interpreting(inside):
        tensors, form = taken_apart(fn(*args))
    return [t.spec for t in tensors], form


def walked(
    op: str,
    count: Extent,
    start: Sequence[Tensor],
    step: Callable[[Tensor, Sequence[Tensor]], tuple[Sequence[Tensor], Sequence[Tensor]]],
    results: Sequence[Spec],
    reverse: bool,
    first: int = 0,
    options: dict[str, Any] | None = None,
) -> tuple[list[Tensor], list[TensorArray]]:
    """state, row = step(number, state) for each number, the rows being collected.

    start: the state. results: of the rows. first: the number to begin with; rows before it stay.
    options: of while_loop.
    """
    total = shaping.size_tensor(count, dtypes.int32)

    def body(k: Tensor, *now: Any) -> Any:
        state, arrays = now[: len(start)], now[len(start) :]
        at = total - 1 - k if reverse else k
        after, rows = step(at, state)
        return k + 1, *after, *(a.write(at, r) for a, r in zip(arrays, rows, strict=True))

    arrays = _arrays(results, count)
    variables = (first, *start, *arrays)
    found = while_loop(lambda k, *_: k < total, body, variables, **(options or {}))
    return list(found[1 : 1 + len(start)]), list(found[1 + len(start) :])


# --- map_fn ------------------------------------------------------------------


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """fn of each row of elems, stacked.

    Args:
      fn: takes a row (in the structure of elems), gives a tensor, or a structure of tensors of the
        same shapes each time.
      elems: a tensor [n, ...], or a structure of such.
      dtype, fn_output_signature: dtypes (or specs) of what fn gives, where they are not those of
        elems.
      back_prop: False lets no gradient through.

    parallel_iterations, swap_memory and infer_shape change nothing.

    Returns:
      What fn gives, [n, ...].

    Raises:
      ShapeError: elems is a scalar, or of unlike lengths.
      DTypeError: fn gives another dtype than it was said to.

    Example:
      >>> nf.map_fn(lambda row: nf.reduce_sum(row), nf.constant([[1, 2], [3, 4]])).numpy().tolist()
      [3, 7]
    """
    if not callable(fn):
        raise TypeError("The provided function(s) is not callable.")
    rows = _Rows("map_fn", elems)
    wanted = dtype if fn_output_signature is None else fn_output_signature
    if building() is None:
        n = rows.known("map_fn")
        if n == 0:
            return _of_no_rows(fn, rows, wanted)
        found = [_as_said(fn(rows.at(k)), wanted) for k in range(n)]
        return _without(_stacked(found), back_prop)
    results, form = described(lambda: _as_said(fn(rows.at(_some_number())), wanted))

    def step(at: Tensor, _: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        return (), taken_apart(_as_said(fn(rows.at(at)), wanted))[0]

    _, arrays = walked("map_fn", rows.count, [], step, results, False)
    return _without(form.packed([a.stack() for a in arrays]), back_prop)


def _some_number() -> Tensor:
    """A number that is not known in the trace."""
    interpreter: Any = current()
    return interpreter.add_input(Spec((), dtypes.int32), "number")  # type: ignore[no-any-return]


def _as_said(got: Any, wanted: Any) -> Any:
    """What fn gave, if it is of the dtypes that were promised."""
    if wanted is None:
        return got
    kinds = [getattr(k, "dtype", k) for k in nest.flatten(wanted)]
    numbers = iter(kinds)

    def convert(x: Any, _: int) -> Tensor:
        numeric = isinstance(x, bool | int | float)
        return as_tensor(x, next(numbers, None) if numeric else None, "map_fn", "result")

    tensors, form = taken_apart(got, convert)
    if len(kinds) != len(tensors):
        problem = f"fn gives {len(tensors)} tensors, and was said to give {len(kinds)}"
        raise ValueError(explain("map_fn", problem))
    for t, kind in zip(tensors, kinds, strict=True):
        if t.dtype is not dtypes.as_dtype(kind):
            problem = f"fn gives {t.dtype.name}, and was said to give {dtypes.as_dtype(kind).name}"
            fix = "fn_output_signature"
            raise DTypeError(explain("map_fn", problem, {"result": t.spec}, fix))
    return form.packed(tensors)


def _of_no_rows(fn: Callable[[Any], Any], rows: _Rows, wanted: Any) -> Any:
    """What fn gives for no rows: of the shapes that it has for a row of zeros."""
    row = rows.form.packed([shaping.zeros(t.spec.shape[1:], t.dtype) for t in rows.tensors])
    tensors, form = taken_apart(_as_said(fn(row), wanted))
    return form.packed([shaping.zeros((0, *t.spec.shape), t.dtype) for t in tensors])


def _without(result: Any, back_prop: bool) -> Any:
    """The result, through which no gradient flows unless back_prop."""
    if back_prop:
        return result
    return nest.map_structure(shaping.stop_gradient, result)


def vectorized_map(
    fn: Callable[[Any], Any],
    elems: Any,
    fallback_to_while_loop: bool = True,
    warn: bool = True,
) -> Any:
    """fn of each row of elems, stacked; what has one row only goes to every call.

    Args:
      fn, elems: as for map_fn; tensors whose first size is 1 count as repeated.

    fallback_to_while_loop and warn change nothing: it is a loop, compiled.

    Example:
      >>> nf.vectorized_map(lambda x: x * x, nf.constant([1.0, 2.0])).numpy().tolist()
      [1.0, 4.0]
    """
    tensors, form = taken_apart(elems, name="vectorized_map")
    counts = [t.spec.shape[0] for t in tensors if t.spec.shape]
    count = next((n for n in counts if n != 1), 1)

    def whole(t: Tensor) -> Tensor:
        if t.spec.shape and t.spec.shape[0] == 1 and count != 1:
            return shaping.broadcast_to(t, (count, *t.spec.shape[1:]))
        return t

    return map_fn(fn, form.packed([whole(t) for t in tensors]))


# --- scan and folds ----------------------------------------------------------


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Each a = fn(a, row), stacked: what a fold comes by.

    Args:
      fn: takes what it gave last and a row of elems, gives the same structure again.
      elems: a tensor [n, ...], or a structure of such.
      initializer: what it takes first; by default the first row, which is then the first result.
      back_prop: False lets no gradient through.
      swap_memory: less memory for the gradient of many rows, see while_loop.
      reverse: from the last row to the first.

    parallel_iterations and infer_shape change nothing.

    Returns:
      What fn gives, [n, ...].

    Raises:
      ShapeError, DTypeError: fn gives another shape or dtype than it takes.

    Example:
      >>> nf.scan(lambda a, x: a + x, nf.constant([1, 2, 3, 4])).numpy().tolist()
      [1, 3, 6, 10]
    """
    if not callable(fn):
        raise TypeError("The provided function(s) is not callable.")
    rows = _Rows("scan", elems)
    if building() is None:
        n = rows.known("scan")
        order = range(n - 1, -1, -1) if reverse else range(n)
        numbers = iter(order)
        if n == 0:
            problem = "there are no rows, and no initializer"
            if initializer is None:
                raise ShapeError(explain("scan", problem))
            tensors, form = taken_apart(initializer)
            return form.packed([shaping.zeros((0, *t.spec.shape), t.dtype) for t in tensors])
        found: list[Any] = []
        now = initializer
        if now is None:
            now = rows.at(next(numbers))
            found.append(now)
        now = taken_apart(now)[1].packed(taken_apart(now)[0])
        for k in numbers:
            now = _same("scan", now, fn(now, rows.at(k)))
            found.append(now)
        return _without(_stacked(found[::-1] if reverse else found), back_prop)
    first, start, form = _first(rows, initializer, reverse)

    def step(at: Tensor, now: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        before = form.packed(now)
        after = taken_apart(_same("scan", before, fn(before, rows.at(at))))[0]
        return after, after

    specs = [t.spec for t in start]
    total = shaping.size_tensor(rows.count, dtypes.int32)

    def body(k: Tensor, *now: Any) -> Any:
        state, arrays = now[: len(start)], now[len(start) :]
        at = total - 1 - k if reverse else k
        after, found = step(at, state)
        return k + 1, *after, *(a.write(at, r) for a, r in zip(arrays, found, strict=True))

    arrays = _arrays(specs, rows.count)
    if first:
        begin = total - 1 if reverse else 0
        arrays = [a.write(_unknown(begin), t) for a, t in zip(arrays, start, strict=True)]
    got = while_loop(
        lambda k, *_: k < total, body, (first, *start, *arrays), swap_memory=swap_memory
    )
    stacked = [a.stack() for a in got[1 + len(start) :]]
    return _without(form.packed(stacked), back_prop)


def _unknown(x: Any) -> Tensor:
    return shaping.identity(x if isinstance(x, Tensor) else shaping.size_tensor(x, dtypes.int32))


def _first(rows: _Rows, initializer: Any, reverse: bool) -> tuple[int, list[Tensor], Any]:
    """(the number of rows that are used up, the state, its form)."""
    if initializer is not None:
        start, form = taken_apart(initializer, name="scan")
        return 0, start, form
    if rows.count == 0:
        raise ShapeError(explain("scan", "there are no rows, and no initializer"))
    return 1, taken_apart(rows.at(-1 if reverse else 0))[0], rows.form


def _same(op: str, before: Any, after: Any) -> Any:
    """What fn gave, if it is what fn takes."""
    old, form = taken_apart(before)
    kinds = [t.dtype for t in old]

    def convert(x: Any, k: int) -> Tensor:
        numeric = isinstance(x, bool | int | float) and k < len(kinds)
        return as_tensor(x, kinds[k] if numeric else None, op, "result")

    new, got = taken_apart(after, convert)
    unlike = form.difference(got)
    if unlike:
        raise ValueError(explain(op, f"fn gives another structure than it takes: {unlike}"))
    for x, y in zip(old, new, strict=True):
        if x.dtype is not y.dtype:
            shown = {"takes": x.spec, "gives": y.spec}
            raise DTypeError(explain(op, "fn gives another dtype than it takes", shown, "nf.cast"))
    return form.packed(new)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """a = fn(a, row) for each row of elems, from the first on; the last a.

    Args:
      fn: takes what it gave last and a row of elems, gives the same structure again.
      elems: a tensor [n, ...], or a structure of such.
      initializer: what it takes first; by default the first row.
      back_prop: False lets no gradient through.

    Raises:
      ShapeError, DTypeError: fn gives another shape or dtype than it takes.

    Example:
      >>> nf.foldl(lambda a, x: a * 10 + x, nf.constant([1, 2, 3])).numpy().item()
      123
    """
    return _fold("foldl", fn, elems, initializer, back_prop, False, swap_memory)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """As foldl, from the last row on.

    Example:
      >>> nf.foldr(lambda a, x: a * 10 + x, nf.constant([1, 2, 3])).numpy().item()
      321
    """
    return _fold("foldr", fn, elems, initializer, back_prop, True, swap_memory)


def _fold(
    op: str,
    fn: Any,
    elems: Any,
    initializer: Any,
    back_prop: bool,
    reverse: bool,
    swap_memory: bool,
) -> Any:
    if not callable(fn):
        raise TypeError("The provided function(s) is not callable.")
    rows = _Rows(op, elems)
    if building() is None:
        n = rows.known(op)
        if n == 0 and initializer is None:
            raise ShapeError(explain(op, "there are no rows, and no initializer"))
        numbers = iter(range(n - 1, -1, -1) if reverse else range(n))
        now = rows.at(next(numbers)) if initializer is None else initializer
        tensors, form = taken_apart(now)
        now = form.packed(tensors)
        for k in numbers:
            now = _same(op, now, fn(now, rows.at(k)))
        return _without(now, back_prop)
    first, start, form = _first(rows, initializer, reverse)
    total = shaping.size_tensor(rows.count, dtypes.int32)

    def body(k: Tensor, *now: Any) -> Any:
        at = total - 1 - k if reverse else k
        before = form.packed(now)
        return k + 1, *taken_apart(_same(op, before, fn(before, rows.at(at))))[0]

    got = while_loop(lambda k, *_: k < total, body, (first, *start), swap_memory=swap_memory)
    return _without(form.packed(got[1:]), back_prop)
