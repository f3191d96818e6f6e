"""Loops over tensors of a trace: `while` and `for` become a `while_loop`.

The state is what the body writes. Tensors, numbers and structures of them are carried; a number
becomes a tensor of the dtype that the body gives it. A name that has no value before the loop is
not carried, unless something behind the loop reads it: then it starts as zeros, and who reads it
checks that the loop has run. Anything else has to stay the same.

What becomes of a name is seen when the body is traced. Where that was not foreseen, the body is
traced again (`Again`); most loops need one trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes, nest
from numflow.autograph import logic
from numflow.autograph.iteration import Counted
from numflow.autograph.jumps import RETVAL
from numflow.autograph.learned import Again, Learned, unlike
from numflow.autograph.merging import dtype_of, is_leaf, is_number
from numflow.autograph.options import within_loop
from numflow.autograph.staged_list import StagedList, element_form
from numflow.autograph.undefined import ONLY_IN_LOOP, MaybeUnset, Undefined
from numflow.autograph.values import Block, Get, Names, Set
from numflow.control import array_buffers
from numflow.control.loops import Loop
from numflow.control.nested import Nested
from numflow.control.structure import Form, taken_apart
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.op import current, interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import asserts, run_time
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import run_time as is_run_time


def while_loop(
    test: Block,
    stop: Block | None,
    body: Block,
    redo: bool,
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
) -> None:
    """A `while` whose condition is a tensor. redo: the test writes names."""

    def going() -> Any:
        return test() if stop is None else logic.and_(lambda: logic.not_(stop()), test)

    def once(_: Sequence[Tensor]) -> list[Tensor]:
        if redo:
            test()
        body()
        return []

    _Staging(get, set_, names, loose, lists).run([], lambda _: going(), once, False)
    if redo:
        test()


def for_loop(
    over: Counted,
    stop: Block | None,
    body: Callable[[Any], None],
    get: Get,
    set_: Set,
    names: Names,
    loose: Names,
    lists: Names,
    targets: Names,
) -> None:
    """A `for` through a tensor, or a range of tensors."""

    def going(hidden: Sequence[Tensor]) -> Any:
        ahead = over.going(hidden[0])
        if stop is None:
            return ahead
        return logic.and_(lambda: logic.not_(stop()), lambda: ahead)

    def once(hidden: Sequence[Tensor]) -> list[Tensor]:
        body(over.item(hidden[0]))
        return [maths.add(hidden[0], over.step)]

    _Staging(get, set_, names, loose, lists).run([over.start], going, once, over.runs)


class _Staging:
    """One loop: its state, and what is learned of it from trace to trace."""

    def __init__(self, get: Get, set_: Set, names: Names, loose: Names, lists: Names) -> None:
        self._get, self._set, self._names = get, set_, names
        self._loose, self._lists = loose, lists
        self._learned = Learned()
        self._unchanged: set[int] = set()  # what the body hands on as it got it
        self._before = tuple(v.value if type(v) is MaybeUnset else v for v in get())

    def run(
        self,
        hidden: list[Tensor],
        going: Callable[[Sequence[Tensor]], Any],
        once: Callable[[Sequence[Tensor]], list[Tensor]],
        runs: bool,
    ) -> None:
        """Trace the loop, and set the state behind it.

        hidden: counters. runs: whether it surely runs.
        """
        while True:
            try:
                self._attempt(hidden, going, once, runs)
                return
            except Again:
                continue

    def _attempt(
        self,
        hidden: list[Tensor],
        going: Callable[[Sequence[Tensor]], Any],
        once: Callable[[Sequence[Tensor]], list[Tensor]],
        runs: bool,
    ) -> None:
        learned = self._learned
        asked = [n for n in learned.zeros if not n.startswith(RETVAL)]
        flags = [] if runs or not asked else [as_tensor(False)]
        carried = [k for k, n in enumerate(self._names) if self._is_carried(k, n)]
        start = [self._start(k) for k in carried]
        lists = {k: v.form for k, v in zip(carried, start, strict=True) if type(v) is StagedList}
        start = [v.arrays if type(v) is StagedList else v for v in start]
        tensors, form = taken_apart(start, name="loop")
        names = self._paths(carried, start)
        initial = [*hidden, *flags, *tensors]
        head = len(hidden) + len(flags)
        all_names = [*(f"counter {k}" for k in range(len(hidden))), *("it ran" for _ in flags)]
        options = learned.options
        most = None
        if options is not None and options.maximum_iterations is not None:
            most = maths.cast(as_tensor(options.maximum_iterations), dtypes.int64)
        open_sizes = learned.open_sizes([self._names[k] for k in carried], start, head)
        names = [*all_names, *names]
        loop = Loop("the loop", initial, taken_apart(initial)[1], names, most, open_sizes)
        state = list(self._before)
        for k, name in enumerate(self._names):
            if name in learned.poisoned:
                state[k] = learned.poisoned[name]
            elif name in self._lists and type(state[k]) is list:
                state[k] = list(state[k])
        behind: list[Any] = []

        def enter(inside: Sequence[Tensor]) -> list[Any]:
            now = list(state)
            for k, value in zip(carried, form.packed(inside[head:]), strict=True):
                now[k] = StagedList(lists[k], value) if k in lists else value
            self._set(tuple(now))
            return now

        def traced_body(inside: Sequence[Tensor]) -> tuple[list[Tensor], Form | None]:
            entered = enter(inside)
            with within_loop(dict(zip(self._names, entered, strict=True))) as asked_for:
                try:
                    counters = once(inside[: len(hidden)])
                except (TypeError, ValueError) as e:
                    self._try_numbers(e, hidden, once)
                    raise
            if asked_for.given and learned.options is None:
                learned.options = asked_for
                raise Again
            after = self._get()
            behind[:] = after
            out = self._after(carried, form, inside[head:], after, entered, loop)
            ran = [as_tensor(True) for _ in flags]
            return [*counters, *ran, *out], None

        def traced_test(ahead: Sequence[Tensor]) -> Any:
            enter(ahead)
            return going(ahead[: len(hidden)])

        outputs = loop.run(traced_test, traced_body)
        values = dict(zip(carried, form.packed(outputs[head:]), strict=True))
        values |= {k: StagedList(form_of, values[k]) for k, form_of in lists.items()}
        ran = outputs[len(hidden)] if flags else None
        final = [self._final(k, values, behind[k], ran) for k in range(len(self._names))]
        self._set(tuple(final))

    # --- what is carried -----------------------------------------------------

    def _is_carried(self, k: int, name: str) -> bool:
        value = self._before[k]
        if name in self._learned.poisoned or self._learned.constants.get(name):
            return False
        if name in self._learned.zeros:
            return True
        if type(value) is Undefined or value is None or isinstance(value, str | bytes):
            return False
        if name in self._lists and type(value) is list:
            return name in self._learned.lists
        if type(value) is StagedList:
            return True
        return is_leaf(value) or type(value) in COMPOSITES or _is_structure(value)

    def _start(self, k: int) -> Any:
        """The value of a carried name before the loop, of tensors."""
        name, value = self._names[k], self._before[k]
        zeros = self._learned.zeros.get(name)
        if zeros is not None:
            return nest.map_structure(_zero, zeros)
        if type(value) is StagedList:
            return value
        if name in self._learned.lists:
            return StagedList.starting(value, self._learned.lists[name])
        found = iter(self._learned.dtypes.get(name, ()))

        def leaf(x: Any) -> Any:
            if type(x) in COMPOSITES or x is None:
                return x
            dtype = next(found, None)
            return as_tensor(x, dtype if is_number(x) else None)

        return nest.map_structure(leaf, value)

    def _paths(self, carried: Sequence[int], start: Sequence[Any]) -> list[str]:
        """How messages call each tensor."""
        out: list[str] = []
        for k, value in zip(carried, start, strict=True):
            paths = taken_apart(value)[1].paths
            out += [self._names[k] + path for path in paths]
        return out

    # --- behind the body -----------------------------------------------------

    def _after(
        self,
        carried: Sequence[int],
        form: Form,
        inside: Sequence[Tensor],
        after: Sequence[Any],
        entered: Sequence[Any],
        loop: Loop,
    ) -> list[Tensor]:
        """The tensors that the body gives for what is carried; learns of names that surprise."""
        given: list[Tensor] = []
        self._unchanged = set()
        values = form.packed(inside)
        again = False
        for k, before in zip(carried, values, strict=True):
            name, now = self._names[k], after[k]
            now = now.value if type(now) is MaybeUnset else now
            if type(now) is StagedList and type(before) is tuple:
                now = now.arrays
            if type(now) is Undefined:
                again |= self._learned.poison(
                    name, now if now.why else Undefined(name, "is deleted in a loop")
                )
                continue
            if now is before and is_number(self._before[k]) and name not in self._learned.constants:
                self._learned.constants[name] = again = True
                continue
            if now is before:
                self._unchanged.add(k)
            tensors = self._leaves(name, before, now)
            if tensors is None:
                again = True
                continue
            given += tensors
        for k, name in enumerate(self._names):
            if k not in carried:
                again |= self._look_at(k, name, entered[k], after[k])
        if again:
            raise Again
        return given

    def _leaves(self, name: str, before: Any, now: Any) -> list[Tensor] | None:
        """The tensors of a carried name behind the body; None: it is to be traced again."""
        first, form = taken_apart(before)
        wanted = iter(first)

        def convert(x: Any, _: int) -> Tensor:
            want = next(wanted, None)
            return as_tensor(x, want.dtype if want is not None and is_number(x) else None)

        try:
            tensors, got = taken_apart(now, convert)
        except (TypeError, ValueError):
            self._learned.poison(name, unlike(name, before, now))
            return None
        if form.difference(got):
            self._learned.poison(name, unlike(name, before, now))
            return None
        out: list[Tensor] = []
        kinds: list[dtypes.DType] = []
        learnt = False
        for old, new in zip(first, tensors, strict=True):
            kinds.append(new.dtype)
            if new.dtype is not old.dtype:
                if name in self._learned.dtypes or not self._starts_as_number(name):
                    self._learned.poison(name, unlike(name, old, new))
                    return None
                learnt = True
            elif old.spec.shape != new.spec.shape and not (
                _of_array(old, new) or self._learned.may_change(name, old, new)
            ):
                fits = run_time.fitted(new, old.spec.shape)
                if fits is None:
                    self._learned.poison(name, unlike(name, old, new))
                    return None
                new = fits
            out.append(new)
        if learnt:
            self._learned.dtypes[name] = kinds
            return None
        return out

    def _starts_as_number(self, name: str) -> bool:
        value = self._before[self._names.index(name)]
        return any(map(is_number, nest.flatten(value)))

    def _look_at(self, k: int, name: str, entered: Any, now: Any) -> bool:
        """A name that is not carried; whether the body has to be traced again."""
        learned = self._learned
        grows = name in self._lists and type(entered) is list
        unchanged = now is entered and not grows
        if name in learned.poisoned or unchanged:
            return False
        if type(now) is Undefined:
            return type(entered) is not Undefined and self._learned.poison(name, now)
        if learned.constants.get(name):  # it is not, as a number of Python's
            learned.constants[name] = False
            return True
        if grows and type(now) is StagedList:
            learned.lists[name] = now.form
            return True
        if type(entered) is Undefined:
            if name in self._loose:
                return False
            value = now.value if type(now) is MaybeUnset else now
            leaves = nest.flatten(value)
            if leaves and all(map(is_leaf, leaves)):
                specs = nest.map_structure(_spec, value)
                if all(_is_outside(s) for s in nest.flatten(specs)):
                    learned.zeros[name] = specs
                    return True
            return False
        if grows and now is entered:
            before = self._before[k]
            if len(before) == len(now) and all(map(_is, before, now)):
                return False
            if len(now) > len(before) and all(is_leaf(x) for x in nest.flatten(now)):
                learned.lists[name] = element_form(now[-1])
                return True
            return self._learned.poison(
                name, Undefined(name, "is a list that a loop changes", TypeError)
            )
        if isinstance(entered, str) and isinstance(now, str) and entered == now:
            return False
        return self._learned.poison(name, unlike(name, entered, now))

    def _final(self, k: int, values: dict[int, Any], behind: Any, ran: Tensor | None) -> Any:
        """The value of a name behind the loop."""
        name, before = self._names[k], self._before[k]
        if name in self._learned.poisoned:
            return self._learned.poisoned[name]
        if k in self._unchanged and name not in self._learned.zeros:
            return before
        if k in values:
            if ran is None or name not in self._learned.zeros or name.startswith(RETVAL):
                return values[k]
            return MaybeUnset(values[k], _check(name, ran))
        if type(before) is Undefined and behind is not before:
            return Undefined(name, ONLY_IN_LOOP)
        return before

    # --- numbers -------------------------------------------------------------

    def _try_numbers(
        self,
        error: Exception,
        hidden: Sequence[Tensor],
        once: Callable[[Sequence[Tensor]], list[Tensor]],
    ) -> None:
        """Where a body fails with numbers as tensors of their own dtype: see what it makes of them.

        Raises:
          Again: their dtypes turn out to be others.
        """
        learned = self._learned
        numbers = [
            k
            for k, v in enumerate(self._before)
            if is_number(v) and not isinstance(v, bool) and self._is_carried(k, self._names[k])
        ]
        if learned.tried_numbers or not numbers or not isinstance(error, TypeError):
            return
        learned.tried_numbers = True
        scratch: Any = Nested(current(), "a trial", loop=True)
        with interpreting(scratch):
            self._set(self._before)
            try:
                once([scratch.add_input(t.spec, "counter") for t in hidden])
            except Exception:  # the first error tells more
                return
            after = self._get()
        for k in numbers:
            now = after[k]
            kind = dtype_of(now) if is_leaf(now) else None
            if kind is None and isinstance(now, float):
                kind = dtypes.float32
            if kind is not None and kind is not as_tensor(self._before[k]).dtype:
                learned.dtypes[self._names[k]] = [kind]
        if learned.dtypes:
            raise Again


def _is_structure(x: Any) -> bool:
    """Whether x is a structure of tensors and numbers alone."""
    if not nest.is_nested(x):
        return False
    leaves = nest.flatten(x)
    return bool(leaves) and all(is_leaf(v) or type(v) in COMPOSITES for v in leaves)


def _of_array(before: Tensor, after: Tensor) -> bool:
    """Whether it is the buffer of a TensorArray, whose shape the loop learns."""
    traced: Any = current()
    grown = array_buffers.grown(traced.builder)
    return array_buffers.is_unset(before.spec.shape) or traced.value(after) in grown


def _is(x: Any, y: Any) -> bool:
    return x is y


def _spec(x: Any) -> Spec:
    return as_tensor(x).spec


def _is_outside(spec: Spec) -> bool:
    """Whether the sizes of a spec are known outside of the loop."""
    return not any(map(is_run_time, spec.shape))


def _zero(spec: Spec) -> Tensor:
    if spec.dtype is dtypes.string:
        return as_tensor(np.full(spec.shape, "", object))
    return shaping.zeros(spec.shape, spec.dtype)


def _check(name: str, ran: Tensor) -> Callable[[], None]:
    def check() -> None:
        asserts.Assert(ran, [f"'{name}' {ONLY_IN_LOOP}, and it did not run"])

    return check
