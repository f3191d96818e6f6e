"""Branches that a trace keeps: `cond`, `switch_case`, `case`.

Each branch is traced by an interpreter of its own (nested.py); what any of them captures is an
input of all. Variables that a branch assigns are outputs of all, and are assigned behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.control import array_buffers, ragged
from numflow.control.nested import Nested
from numflow.control.structure import Form, taken_apart
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import Graph, Value
from numflow.graph.op import current, interpreting
from numflow.graph.operation import building
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.control import cond_op
from numflow.ops.convert import as_tensor
from numflow.ops.creation import iota

Branch = Callable[[], Any]


class Traced:
    """A branch that was traced: its interpreter, the tensors of its result, and their form."""

    def __init__(self, name: str, inside: Nested, tensors: list[Tensor], form: Form) -> None:
        self.name, self.inside, self.tensors, self.form = name, inside, tensors, form


def _traced(outer: Any, branch: Branch, name: str) -> Traced:
    inside = Nested(outer, name)
    with interpreting(inside):
        tensors, form = taken_apart(branch(), name=name)
    return Traced(name, inside, tensors, form)


def chosen(op: str, index: Tensor, branches: Sequence[Branch], names: Sequence[str]) -> Any:
    """What branches[index]() gives, of branches that are all traced.

    Args:
      op: for messages. index: int32 []; out of range it means the last. names: of the branches.

    Raises:
      ValueError: the branches give unlike structures or shapes.
      DTypeError: they give unlike dtypes.
    """
    outer = current()
    traced = [_traced(outer, b, n) for b, n in zip(branches, names, strict=True)]
    return joined(op, index, traced)


def joined(op: str, index: Tensor, traced: Sequence[Traced]) -> Any:
    """What traced[index] gives. The node is appended to what is around the branches.

    Raises:
      ValueError: the branches give unlike structures or shapes.
      DTypeError: they give unlike dtypes.
    """
    first = traced[0]
    outer = first.inside.outer
    for other in traced[1:]:
        unlike = first.form.difference(other.form)
        if unlike:
            raise BranchesDifferError(
                explain(op, f"{first.name} and {other.name} give unlike results: {unlike}")
            )
    loose = [_agree(op, traced, k, path) for k, path in enumerate(first.form.paths)]
    written = {v: None for t in traced for v in t.inside.written.values()}
    for t in traced:
        with interpreting(t.inside):
            t.tensors += [t.inside.read(v) for v in written]
            if not t.tensors:  # it is there for its checks
                t.tensors.append(t.inside.constant(np.zeros((), np.int32)))
            t.tensors = [t.inside.capture(x) for x in t.tensors]
    captured = dict.fromkeys(k for t in traced for k in t.inside.pairs)
    graphs = tuple(_closed(t, list(captured)) for t in traced)
    inputs = [index, *(outer.tensor(outside) for outside, _ in captured)]
    if any(map(any, loose)):
        more = [[False] * len(v.spec.shape) for v in graphs[0].outputs[len(loose) :]]
        outputs = ragged.branches(graphs, inputs, tuple(map(tuple, (*loose, *more))))
    else:
        outputs = list(outer.apply(cond_op, inputs, {"graphs": graphs}))
    _mark(outer, traced, outputs)
    for variable, value in zip(written, outputs[len(first.form.paths) :], strict=False):
        variable.assign(value)
    return first.form.packed(outputs[: len(first.form.paths)])


class BranchesDifferError(InvalidArgumentError, ValueError, TypeError):
    """Results of branches have different structures."""


def _closed(t: Traced, captured: Sequence[tuple[Value, int | None]]) -> Graph:
    """The branch as a graph of all that the branches capture."""
    inputs = [t.inside.pairs.get(k) or Value(k[0].spec, None, 0, k[0].name) for k in captured]
    return t.inside.freeze(inputs, [t.inside.value(x) for x in t.tensors])


def _agree(op: str, traced: Sequence[Traced], k: int, path: str) -> list[bool]:
    """See to it that result number k has one dtype and rank in all branches.

    Returns, per axis, whether the branches have different sizes.
    """
    shown = {t.name: t.tensors[k].spec for t in traced}
    what = f"result{path}" if path else "the result"
    if len({s.dtype for s in shown.values()}) > 1:
        raise DTypeError(
            explain(op, f"{what} has another dtype in each branch", shown, fix="nf.cast")
        )
    _fit_buffers(traced, k)
    shapes = [t.tensors[k].spec.shape for t in traced]
    if len(set(map(len, shapes))) > 1:
        raise ShapeError(explain(op, f"{what} has another rank in each branch", shown))
    return [len(set(sizes)) > 1 for sizes in zip(*shapes, strict=True)]


def _fit_buffers(traced: Sequence[Traced], k: int) -> None:
    """Buffers of a TensorArray to which only some branches wrote (array_buffers.py)."""
    shapes = [t.tensors[k].spec.shape for t in traced]
    unset = list(map(array_buffers.is_unset, shapes))
    if any(unset) and not all(unset):
        like = next(t.tensors[k] for t, u in zip(traced, unset, strict=True) if not u)
        for t, missing in zip(traced, unset, strict=True):
            if missing:
                with interpreting(t.inside):
                    length = t.tensors[k].spec.shape[0]
                    t.tensors[k] = shaping.zeros((length, *like.spec.shape[1:]), like.dtype)
    longer = [
        t.tensors[k].spec.shape[0]
        for t in traced
        if t.inside.value(t.inside.capture(t.tensors[k])) in array_buffers.grown(t.inside.builder)
    ]
    for n in longer:
        for t in traced:
            have = t.tensors[k].spec.shape[0]
            if have != n and not (isinstance(have, int) and isinstance(n, int) and have > n):
                with interpreting(t.inside):
                    t.tensors[k] = array_buffers.resized(t.tensors[k], n)


def _mark(outer: Any, traced: Sequence[Traced], outputs: Sequence[Tensor]) -> None:
    """What is known of buffers in branches is known of what the branches give."""
    for k, t in enumerate(outputs):
        values = [(b.inside.value(b.tensors[k]), b.inside.builder) for b in traced]
        if any(v in array_buffers.grown(builder) for v, builder in values):
            array_buffers.grown(outer.builder).add(outer.value(t))
        if all(v in array_buffers.reserved(builder) for v, builder in values):
            array_buffers.reserved(outer.builder).add(outer.value(t))


def known(tensor: Any) -> Any:
    """The NumPy value of what is known now: a number, an array, an eager tensor, a constant of a
    trace; None where only a call tells."""
    if isinstance(tensor, SymbolicTensor):
        content = tensor.content
        if content is not None and all(type(n) is int for n in content.flat):
            return content.astype(tensor.dtype.numpy)
        return None
    if isinstance(tensor, Tensor):
        return np.asarray(tensor)
    if isinstance(tensor, bool | int | np.ndarray | np.generic):
        return np.asarray(tensor)
    return None


# --- public ------------------------------------------------------------------


def cond(
    pred: Any,
    true_fn: Branch | None = None,
    false_fn: Branch | None = None,
    name: str | None = None,
) -> Any:
    """What true_fn() gives if pred, else what false_fn() gives.

    In a traced function where pred is a tensor both are traced, and one runs at each call. Eagerly
    it is Python's `if`.

    Args:
      pred: a bool scalar.
      true_fn, false_fn: functions without arguments. Their results are of one structure, and their
        tensors of the same dtypes and ranks; a size that differs is known when it runs.

    Returns:
      The result, in their structure.

    Raises:
      TypeError: one of them is no function.
      ValueError, TypeError: their results are unlike.
      ShapeError, DTypeError: pred is no bool scalar.

    Example:
      >>> @nf.function
      ... def magnitude(x):
      ...     return nf.cond(x < 0.0, lambda: -x, lambda: x)
      >>> magnitude(-3.0).numpy().item(), magnitude(2.0).numpy().item()
      (3.0, 2.0)
    """
    for argument, branch in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(branch):
            raise TypeError(f"'{argument}' must be callable.")
    assert true_fn is not None and false_fn is not None
    if isinstance(pred, bool | np.bool_):
        return true_fn() if pred else false_fn()
    test = as_tensor(pred, None, "cond", "pred")
    if test.spec.shape != ():
        if test.spec.size != 1 or not test.spec.known:
            raise ShapeError(explain("cond", "pred must be a scalar", {"pred": test.spec}))
        test = test[(0,) * test.spec.rank]
    if test.dtype is dtypes.string:
        raise DTypeError(explain("cond", "pred is text, not a bool", {"pred": test.spec}))
    if building() is None:
        return true_fn() if bool(test) else false_fn()
    if not test.dtype.is_bool:
        test = comparisons.not_equal(test, as_tensor(0, test.dtype))
    index = maths.cast(test, dtypes.int32)
    return chosen("cond", index, [false_fn, true_fn], ["false_fn", "true_fn"])


def switch_case(
    branch_index: Any,
    branch_fns: Any,
    default: Branch | None = None,
    name: str = "switch_case",
) -> Any:
    """What the branch of number branch_index gives.

    Args:
      branch_index: int32 [].
      branch_fns: functions without arguments, in a list; or pairs (number, function), or a dict,
        whose numbers are 0 ... n - 1 in any order.
      default: for numbers out of range; by default the branch of the highest number.

    Returns:
      The result, in the structure that all branches share.

    Raises:
      TypeError: branch_fns is not of that form.
      ValueError: the numbers are not 0 ... n - 1; or the results are unlike.

    Example:
      >>> f = nf.function(lambda k: nf.switch_case(k, [lambda: 1.0, lambda: 10.0, lambda: 100.0]))
      >>> [f(nf.constant(k)).numpy().item() for k in (0, 1, 2, 7)]
      [1.0, 10.0, 100.0, 100.0]
    """
    branches = _numbered(branch_fns)
    if default is not None:
        if not callable(default):
            raise TypeError(explain("switch_case", "default must be callable"))
        branches.append(default)
    index = as_tensor(branch_index, None, "switch_case", "branch_index")
    if index.dtype is not dtypes.int32 or index.spec.shape != ():
        problem = "branch_index must be an int32 scalar"
        raise DTypeError(explain("switch_case", problem, {"branch_index": index.spec}))
    if building() is None:
        at = int(index)
        return branches[at if 0 <= at < len(branches) else -1]()
    names = [f"branch {k}" for k in range(len(branches))]
    return chosen("switch_case", index, branches, names)


def _numbered(branch_fns: Any) -> list[Branch]:
    """The branches, in the order of their numbers."""
    op = "switch_case"
    if isinstance(branch_fns, Mapping):
        branch_fns = list(branch_fns.items())
    if not isinstance(branch_fns, list | tuple):
        raise TypeError(explain(op, f"branch_fns must be a dict, list, or tuple: {branch_fns!r}"))
    if not branch_fns:
        raise ValueError(explain(op, "branch_fns has no branches"))
    if all(callable(b) for b in branch_fns):
        return list(branch_fns)
    for item in branch_fns:
        if not (isinstance(item, list | tuple) and len(item) == 2 and callable(item[1])):
            raise TypeError(explain(op, f"branch_fns has {item!r}, not (number, function)"))
    found = {int(k): b for k, b in branch_fns}
    if sorted(found) != list(range(len(branch_fns))):
        problem = f"the branches' numbers must be 0 to {len(branch_fns) - 1}, each once"
        raise ValueError(explain(op, problem, {"numbers": [k for k, _ in branch_fns]}))
    return [found[k] for k in range(len(found))]


def case(
    pred_fn_pairs: Any,
    default: Branch | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function of the first true predicate gives.

    Args:
      pred_fn_pairs: pairs (bool scalar, function without arguments), in a list or dict.
      default: where no predicate is true; without it the last function stands for it, after a
        check that one is true.
      exclusive: refuse more than one true predicate.
      strict: without effect.

    Returns:
      The result, in the structure that all functions share.

    Raises:
      TypeError: not such pairs, or default is no function.
      InvalidArgumentError: when run: no predicate is true, and there is no default; or several
        are, and exclusive.

    Example:
      >>> x = nf.constant(3)
      >>> nf.case([(x < 2, lambda: "low"), (x < 5, lambda: "middle")], lambda: "high")
      'middle'
    """
    pairs = _pairs(pred_fn_pairs)
    if default is not None and not callable(default):
        raise TypeError(explain("case", "default must be callable"))
    tests = [as_tensor(p, None, "case", "a predicate") for p, _ in pairs]
    for t in tests:
        if not t.dtype.is_bool or t.spec.shape != ():
            problem = "a predicate must be a bool scalar"
            raise DTypeError(explain("case", problem, {"predicate": t.spec}))
    branches = [b for _, b in pairs]
    if building() is None:
        true = [k for k, t in enumerate(tests) if bool(t)]
        if exclusive and len(true) > 1:
            raise InvalidArgumentError(explain("case", f"predicates {true} are true, not one"))
        if not true and default is None:
            raise InvalidArgumentError(explain("case", "no predicate is true"))
        return branches[true[0]]() if true else default()  # type: ignore[misc]
    from numflow.ops.asserts import Assert
    from numflow.ops.joining import stack
    from numflow.ops.reduce import reduce_min, reduce_sum

    flags = stack(tests)
    if exclusive:
        count = reduce_sum(maths.cast(flags, dtypes.int32))
        Assert(comparisons.less_equal(count, 1), ["case: more than one predicate is true", flags])
    if default is None:
        from numflow.ops.reduce import reduce_any

        Assert(reduce_any(flags), ["case: no predicate is true", flags])
    else:
        branches.append(default)
    numbers = iota((len(tests),), 0, dtypes.int32)
    index = reduce_min(selections.where(flags, numbers, len(tests)))
    return chosen("case", index, branches, [f"branch {k}" for k in range(len(branches))])


def _pairs(pred_fn_pairs: Any) -> list[tuple[Any, Branch]]:
    op = "case"
    if isinstance(pred_fn_pairs, Mapping):
        pred_fn_pairs = [
            (k.deref() if hasattr(k, "deref") else k, b) for k, b in pred_fn_pairs.items()
        ]
    if not isinstance(pred_fn_pairs, list | tuple):
        raise TypeError(
            explain(op, f"pred_fn_pairs must be a list, tuple or dict: {pred_fn_pairs!r}")
        )
    for item in pred_fn_pairs:
        if not (isinstance(item, list | tuple) and len(item) == 2 and callable(item[1])):
            raise TypeError(explain(op, f"{item!r} is no pair (predicate, function)"))
    if not pred_fn_pairs:
        raise ValueError(explain(op, "there are no predicates"))
    return [(p, b) for p, b in pred_fn_pairs]
