"""Values on their way from a checkpoint to objects, and the report of what did not fit.

Objects are matched by path, then by the variable's name. Everything that is found is compared with
its checksum first and then copied into the variables' own memory: a damaged file changes nothing,
and no second copy of a model is ever in memory.

What the file has and the program has not yet is kept ready: a variable that is made later gets its
value when its owner gets it (eager/attachment.py). Slots of an optimizer are made at once.
"""

from __future__ import annotations

import difflib
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from numflow.checkpointing.objects import Container, joined, parts, slot_path, unnamed
from numflow.checkpointing.sources import Source, typed
from numflow.eager.attachment import Told, stop_waiting, wait_for_parts
from numflow.eager.module import Module
from numflow.eager.variable import Variable
from numflow.errors import DTypeError, ShapeError, explain
from numflow.io.large import LARGE, each
from numflow.optimizers import Optimizer
from numflow.runtime import arena

_SHOWN = 20  # lines of a report per kind; more would hide the next kind


@dataclass
class _Walk:
    """What one walk over objects met."""

    found: dict[str, Variable] = field(default_factory=dict)  # by path in the file
    missing: dict[str, Variable] = field(default_factory=dict)  # by path in the program
    owners: list[tuple[Any, str]] = field(default_factory=list)
    optimizers: dict[str, Optimizer] = field(default_factory=dict)


class Restoration:
    """A checkpoint that is being restored. It keeps no object alive that it has passed."""

    def __init__(self, source: Source, strict: bool) -> None:
        self.source = source
        self.strict = strict
        self.consumed: set[str] = set()
        self.mismatched: dict[str, str] = {}  # path: what the program has
        self._left = dict.fromkeys(source.names)  # paths whose values nobody took yet
        self._slots = _slots_in(source)
        self._variables: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        self._optimizers: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        self._waits: dict[int, tuple[weakref.ref[Any], Told]] = {}  # by id of the owner

    def restore(self, root: Any, path: str = "") -> None:
        """Give everything below root its value.

        Raises:
          ShapeError, DTypeError: a value does not fit its variable; nothing was changed.
          DataLossError: a value is damaged; nothing was changed.
        """
        walk = self.walk(root, path)
        found = {p: v for p, v in walk.found.items() if p in self._left}
        slots: dict[str, Variable] = {}
        for place, optimizer in self._optimizers.items():
            slots |= self._slots_of(place, optimizer, found)
        for place, optimizer in walk.optimizers.items():
            slots |= self._slots_of(place, optimizer, dict(self._variables) | found)
        self._optimizers.update(walk.optimizers)
        found |= slots
        wrong = {p: v for p, v in found.items() if not self._fits(p, v)}
        if wrong and self.strict:
            raise self._refusal(wrong)
        self.mismatched |= {p: str(v.spec) for p, v in wrong.items()}
        fitting = {p: v for p, v in found.items() if p not in wrong}
        self.source.file.verify(*[self.source.names[p] for p in fitting])
        if sum(self.source.entry(p).nbytes for p in fitting) < LARGE:
            for p, variable in fitting.items():
                self._assign(p, variable)
        else:
            each(lambda item: self._assign(*item), list(fitting.items()))
        for p in fitting:
            self.mismatched.pop(p, None)
            del self._left[p]
        self._variables.update(fitting)
        self.consumed.update(fitting)
        if self._left:
            self._wait(walk.owners)

    def unexpected(self) -> list[str]:
        """Paths of values that nobody took."""
        return [p for p in self._left if p not in self.mismatched]

    # --- matching ---

    def walk(self, root: Any, path: str = "") -> _Walk:
        """The variables below root, with and without a value; slots of optimizers left out."""
        walk, seen = _Walk(), {id(root)}
        queue: deque[tuple[Any, str]] = deque()
        if isinstance(root, Variable):
            self._match(walk, root, path)
        else:
            queue.append((root, path))
        while queue:
            owner, path = queue.popleft()
            walk.owners.append((owner, path))
            if isinstance(owner, Optimizer):
                walk.optimizers[path] = owner
            for name, part in parts(owner):
                if id(part) in seen:
                    continue
                seen.add(id(part))
                place = self.source.follow(joined(path, name))
                if isinstance(part, Variable):
                    self._match(walk, part, place)
                else:
                    queue.append((part, place))
        self._match_names(walk)
        return walk

    def _match(self, walk: _Walk, variable: Variable, path: str) -> None:
        for candidate in (path, path.replace("/", ".")):
            if candidate in self.source.names and candidate not in walk.found:
                walk.found[candidate] = variable
                return
        walk.missing[path] = variable

    def _match_names(self, walk: _Walk) -> None:
        """By the name of the variable, where exactly one variable without a value has it."""
        names = {p: v.name.removesuffix(":0") for p, v in walk.missing.items()}
        often = Counter(names.values())
        for place, name in names.items():
            path = self.source.by_name.get(name)
            sole = often[name] == 1 and name != "Variable"
            if path is not None and sole and path not in walk.found:
                walk.found[path] = walk.missing.pop(place)

    def _slots_of(
        self, place: str, optimizer: Optimizer, variables: dict[str, Variable]
    ) -> dict[str, Variable]:
        """The slots of an optimizer for some variables that the file has; made if need be."""
        rows = self._slots.get(place, {})
        if any(of.startswith(":") for of in rows):
            variables = variables | {unnamed(v): v for v in optimizer._variables}
        # In the order of the file, which is the optimizer's when it was saved.
        order = variables if len(variables) < len(rows) else rows
        found: dict[str, Variable] = {}
        for of in [of for of in order if of in rows and of in variables]:
            for slot, path in rows[of]:
                if slot in optimizer.slots and path in self._left:
                    optimizer.build([variables[of]])
                    found[path] = optimizer.slot(variables[of], slot)
        return found

    def _fits(self, path: str, variable: Variable) -> bool:
        entry = self.source.entry(path)
        if variable.dtype.name != entry.dtype:
            return False
        return variable._loose or tuple(variable.spec.shape) == entry.shape

    def _refusal(self, wrong: dict[str, Variable]) -> Exception:
        entries = {p: self.source.entry(p) for p in wrong}
        values = {
            p: f"{v.spec} in the program, {typed(entries[p])} in the file"
            for p, v in list(wrong.items())[:_SHOWN]
        }
        text = explain(
            "restore",
            f"{len(wrong)} of the file's values do not fit; nothing was restored",
            {"file": self.source.file.path} | values,
            fix="restore(path, strict=False), which leaves those as they are",
        )
        shapes = all(v.dtype.name == entries[p].dtype for p, v in wrong.items())
        return ShapeError(text) if shapes else DTypeError(text)

    def slots_without_value(self, walk: _Walk) -> dict[str, Variable]:
        """Slots that optimizers have and the file has not, by path."""
        paths = {id(v): p for p, v in (walk.found | walk.missing).items()}
        found: dict[str, Variable] = {}
        for place, optimizer in walk.optimizers.items():
            for variable in optimizer._variables:
                of = paths.get(id(variable), unnamed(variable))
                for slot, value in optimizer._slots[id(variable)][1].items():
                    found[joined(place, slot_path(slot, of))] = value
        return {p: v for p, v in found.items() if p not in self.source.names}

    # --- values ---

    def _assign(self, path: str, variable: Variable) -> None:
        name, entry = self.source.names[path], self.source.entry(path)
        if variable._array.shape != entry.shape:
            variable._write(self.source.file.get(name, verify=False))
            return
        with variable._lock:
            if variable._array.dtype == object:
                variable.make_private()
            elif variable.shared():  # by tensors or views, which keep the old value
                fresh = arena.aligned_array(variable._array.shape, variable._array.dtype)
                self.source.file.read_into(name, fresh)
                variable._own(fresh)
                return
            self.source.file.read_into(name, variable._array)

    def _wait(self, owners: Iterable[tuple[Any, str]]) -> None:
        for owner, path in owners:
            if isinstance(owner, Module | Container) and id(owner) not in self._waits:
                told = partial(self._arrived, path)
                self._waits[id(owner)] = weakref.ref(owner), told
                wait_for_parts(owner, told)

    def stop(self) -> None:
        """Wait for nothing any more: another checkpoint was restored."""
        for reference, told in self._waits.values():
            owner = reference()
            if owner is not None:
                stop_waiting(owner, told)

    def _arrived(self, path: str, name: str, part: Any) -> None:
        if self._left:
            for found, value in parts({name: part}):
                self.restore(value, self.source.follow(joined(path, found)))


def _slots_in(source: Source) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """(slot, path) of the slots in a file, by the paths of optimizer and variable."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for path in source.names:
        steps = path.split("/")
        for i, step in enumerate(steps[:-2]):
            if step == "slots":
                of = source.follow("/".join(steps[i + 2 :]))
                rows = found.setdefault("/".join(steps[:i]), {})
                rows.setdefault(of, []).append((steps[i + 1], path))
    return found


# --- what became of it -------------------------------------------------------


class LoadStatus:
    """What `restore` and `read` return: checks, and a report.

    Attributes:
      missing: paths of the program's variables for which the file has no value.
      unexpected: paths of the file's values that no variable took (yet).
      mismatched: paths of values that do not fit their variable, which was left as it is.
    """

    def __init__(self, root: Any, restoration: Restoration, ignored: tuple[str, ...] = ()) -> None:
        self._root = root
        self._restoration = restoration
        self._ignored = ignored

    @property
    def missing(self) -> list[str]:
        return list(self._without_value())

    def _without_value(self) -> dict[str, Variable]:
        walk = self._restoration.walk(self._root)
        found = walk.missing | self._restoration.slots_without_value(walk)
        return {path: v for path, v in found.items() if path not in self._ignored}

    @property
    def unexpected(self) -> list[str]:
        return [path for path in self._restoration.unexpected() if path not in self._ignored]

    @property
    def mismatched(self) -> list[str]:
        return list(self._restoration.mismatched)

    def assert_consumed(self) -> LoadStatus:
        """Every value of the file is in a variable, and every variable has a value.

        Raises:
          AssertionError: not so; with the report.
        """
        self._restoration.restore(self._root)  # of what was added since
        return self._checked(not (self.missing or self.unexpected or self.mismatched))

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Every variable that the program has by now got a value.

        Raises:
          AssertionError: not so; with the report.
        """
        self._restoration.restore(self._root)
        return self._checked(not (self.missing or self.mismatched))

    def assert_nontrivial_match(self) -> LoadStatus:
        """At least one variable got a value.

        Raises:
          AssertionError: none did.
        """
        return self._checked(bool(self._restoration.consumed))

    def expect_partial(self) -> LoadStatus:
        """Say that not all is meant to fit: nothing more to check."""
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing to do: values are restored at once."""

    def run_restore_ops(self, session: Any = None) -> None:
        """Nothing to do: values are restored at once."""

    def _checked(self, holds: bool) -> LoadStatus:
        if not holds:
            raise AssertionError(self.report())
        return self

    def report(self) -> str:
        """What was restored, what is missing, what nobody took, what does not fit."""
        done = self._restoration
        variables, unexpected = self._without_value(), self.unexpected
        missing = list(variables)
        lines = [
            f"{done.source.file.path}: {len(done.consumed)} of {len(done.source.names)} values "
            "restored"
        ]
        file = {p: typed(done.source.entry(p)) for p in [*unexpected[:_SHOWN], *done.mismatched]}
        lines += _table(
            "missing in the file, variables keep their values",
            missing,
            lambda p: f"{variables[p].spec}{_nearest(p, unexpected)}",
        )
        lines += _table(
            "in the file, in no variable",
            unexpected,
            lambda p: f"{file[p]}{_nearest(p, missing)}",
        )
        lines += _table(
            "of another shape or dtype, variables keep their values",
            self.mismatched,
            lambda p: f"{done.mismatched[p]} in the program, {file[p]} in the file",
        )
        return "\n".join(lines)


def _nearest(path: str, others: list[str]) -> str:
    near = difflib.get_close_matches(path, others[:500], 1)
    return f"   (nearest: {near[0]})" if near else ""


def _table(title: str, paths: list[str], text: Callable[[str], str]) -> Iterator[str]:
    if not paths:
        return
    shown = paths[:_SHOWN]
    width = max(map(len, shown))
    yield f"  {title}:"
    yield from (f"    {path:{width}}  {text(path)}" for path in shown)
    if len(paths) > _SHOWN:
        yield f"    ... and {len(paths) - _SHOWN} more"
