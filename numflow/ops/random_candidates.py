"""Classes drawn for a batch, and how often each was to be expected: for losses of many classes.

Drawn once per batch, not per row. Which draws are refused where classes must differ depends on all
that went before, so a batch is drawn by one thread.
"""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import (
    DTypeError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    ShapeError,
    explain,
)
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, creation, indexing, plain, transcendental
from numflow.ops import math as maths
from numflow.ops import scan as scans
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.random_bits import uniforms
from numflow.ops.random_state import draw

UNIFORM, ZIPF, TABLE = 0, 1, 2  # as in kernels/cpu/random_candidates.py
_MOST = 1 << 24
_FAR = 1 << 53  # classes beyond have no float64 of their own


class Candidates(NamedTuple):
    """What was drawn, and expected counts of the true and of the drawn classes."""

    sampled_candidates: Tensor
    true_expected_count: Tensor
    sampled_expected_count: Tensor


# --- the op ------------------------------------------------------------------------------


def _infer(
    sums: Spec, key: Spec, step: Spec, *, kind: int, length: int, count: int, unique: bool
) -> tuple[Spec, ...]:
    return Spec((count,), dtypes.int64), Spec((), dtypes.int64)


def _reference(
    sums: Any, key: Any, step: Any, *, kind: int, length: int, count: int, unique: bool
) -> Any:
    """(classes, draws): the twin of kernels/cpu/random_candidates.py."""
    if not unique:
        drawn = _classes(uniforms(0, np.arange(count), key, step)[0], sums, kind, length)
        return drawn, np.int64(count)
    found: dict[int, int] = {}  # class -> the draw that gave it, in this order
    tries, part = 0, 2 * count
    while len(found) < count and tries < _MOST:
        u = uniforms(0, np.arange(tries, min(tries + part, _MOST)), key, step)[0]
        for at, chosen in enumerate(_classes(u, sums, kind, length).tolist(), tries):
            found.setdefault(chosen, at)
            if len(found) == count:
                return np.array(list(found), np.int64), np.int64(at + 1)
        tries += len(u)
        part *= 2
    problem = f"{count} different classes were not found in {_MOST} draws: some are too unlikely"
    raise InvalidArgumentError(explain("random.candidate_sampler", problem))


def _classes(u: Any, sums: Any, kind: int, length: int) -> Any:
    """The class at each u of the distribution function."""
    if kind == TABLE:
        return np.searchsorted(sums, u * sums[-1], side="right").astype(np.int64)
    if kind == UNIFORM:
        found = (u * length).astype(np.int64)
    else:
        found = np.exp(u * np.log(length + 1.0)).astype(np.int64) - 1
    return np.minimum(found, length - 1)


def _plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import random_candidates as kernel  # llvmlite: only with code

    return kernel.plan_candidates(
        attrs["kind"], attrs["length"], attrs["count"], unique=attrs["unique"]
    )


candidates_op = Op("philox_candidates", _infer, _reference, None, Library(_plan, refuses=True))

# --- what samplers share -------------------------------------------------------------------


def checked(
    op: str, true_classes: TensorLike, num_true: int, num_sampled: int, range_max: int
) -> Tensor:
    """true_classes, int64 [batch, num_true], each below range_max."""
    x = as_tensor(true_classes, None, op, "true_classes")
    if not x.dtype.is_integer:
        problem = f"true_classes is {x.dtype.name}, not of integers"
        raise DTypeError(explain(op, problem, {"true_classes": x.spec}))
    if x.spec.rank != 2 or x.spec.shape[1] != plain.whole(num_true, op, "num_true"):
        shown = {"true_classes": x.spec, "num_true": num_true}
        raise ShapeError(explain(op, "true_classes must be [batch, num_true]", shown))
    for name, size in (("num_sampled", num_sampled), ("range_max", range_max)):
        if plain.whole(size, op, name, least=1, most=None) > _FAR:
            raise ResourceExhaustedError(explain(op, f"{name} is beyond any memory: {size}"))
    return checks.checked_index(maths.cast(x, dtypes.int64), int(range_max), op, "true_classes")


def check_unique(op: str, unique: bool, num_sampled: int, possible: int) -> None:
    unique = plain.flag(unique, op, "unique")
    if unique and num_sampled > _MOST:
        problem = f"num_sampled is {num_sampled}: at most {_MOST} different classes are drawn"
        raise InvalidArgumentError(explain(op, problem))
    if unique and num_sampled > possible:
        shown = {"num_sampled": num_sampled, "classes that can be drawn": possible}
        problem = "there are not as many different classes"
        raise InvalidArgumentError(explain(op, problem, shown))


def _drawn(
    sums: Tensor, seed: Any, kind: int, length: int, count: int, unique: bool
) -> tuple[Tensor, Tensor]:
    shape = {"kind": kind, "length": int(length), "count": int(count), "unique": bool(unique)}
    drawn: tuple[Tensor, Tensor] = candidates_op(sums, *draw(seed), **shape)
    return drawn


def _expected(chance: Tensor, count: int, tries: Tensor) -> Tensor:
    """How often a class of that probability is expected, float32.

    With as many draws as samples, chance * count; with more, the probability of being met in that
    many draws.
    """
    draws = maths.cast(tries, dtypes.float64)
    met = -transcendental.expm1(draws * transcendental.log1p(-chance))
    return maths.cast(selections.where(tries <= count, chance * float(count), met), dtypes.float32)


def _no_table() -> Tensor:
    return creation.constant(np.ones(1))


# --- samplers ----------------------------------------------------------------------------------


def uniform_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: str | None = None,
) -> Candidates:
    """Classes of [0, range_max), each as likely as any other.

    Args:
      true_classes: integers [batch, num_true]: the classes of the examples.
      num_true: how many each example has.
      num_sampled: how many to draw for the batch.
      unique: whether the drawn classes must differ.
      range_max: how many classes there are.
      seed: of this op; see set_seed.

    Returns:
      (sampled_candidates int64 [num_sampled], true_expected_count float32 [batch, num_true],
      sampled_expected_count float32 [num_sampled]).

    Raises:
      ShapeError: true_classes is not [batch, num_true].
      InvalidArgumentError: a true class is out of range, a number is below 1, or there are fewer
        different classes than are to be drawn.

    Example:
      >>> drawn = nf.random.uniform_candidate_sampler([[1], [2]], 1, 3, True, 3)
      >>> sorted(drawn.sampled_candidates.numpy().tolist())
      [0, 1, 2]
    """
    op = "random.uniform_candidate_sampler"
    true = checked(op, true_classes, num_true, num_sampled, range_max)
    num_sampled, range_max = int(num_sampled), int(range_max)
    check_unique(op, unique, num_sampled, range_max)
    drawn, tries = _drawn(_no_table(), seed, UNIFORM, range_max, num_sampled, unique)
    chance = creation.constant(1.0 / range_max, dtypes.float64)
    # 0 times the class: what is expected waits for the check of the true classes
    of_true = chance + maths.cast(true, dtypes.float64) * 0.0
    counts = _expected(of_true, num_sampled, tries)
    same = shaping.broadcast_to(_expected(chance, num_sampled, tries), [num_sampled])
    return Candidates(drawn, counts, same)


def log_uniform_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: str | None = None,
) -> Candidates:
    """Classes by Zipf's law: P(k) = log((k + 2) / (k + 1)) / log(range_max + 1).

    For classes in the order of how frequent they are. Arguments and results are those of
    uniform_candidate_sampler.

    Example:
      >>> drawn = nf.random.log_uniform_candidate_sampler([[0]], 1, 1, False, 3)
      >>> drawn.true_expected_count.numpy().tolist()
      [[0.5]]
    """
    op = "random.log_uniform_candidate_sampler"
    true = checked(op, true_classes, num_true, num_sampled, range_max)
    num_sampled, range_max = int(num_sampled), int(range_max)
    check_unique(op, unique, num_sampled, range_max)
    drawn, tries = _drawn(_no_table(), seed, ZIPF, range_max, num_sampled, unique)

    def expected(classes: Tensor) -> Tensor:
        rank = maths.cast(classes, dtypes.float64) + 1.0
        chance = transcendental.log1p(1.0 / rank) * (1.0 / float(np.log1p(range_max)))
        return _expected(chance, num_sampled, tries)

    return Candidates(drawn, expected(true), expected(drawn))


def fixed_unigram_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
    unigrams: Sequence[float] = (),
    seed: Any = None,
    name: str | None = None,
) -> Candidates:
    """Classes by given weights.

    Args:
      vocab_file: a file of text whose lines end in a weight after a comma, class after class.
      distortion: the weights are raised to this power: 1 as given, 0 all alike.
      num_reserved_ids: so many classes in front are never drawn.
      num_shards, shard: with several, only the classes shard, shard + num_shards, ... are drawn,
        numbered anew from 0; range_max is their number.
      unigrams: the weights, in place of a file.
      the others and results: those of uniform_candidate_sampler.

    Raises:
      NotFoundError: vocab_file cannot be read.
      InvalidArgumentError: not exactly one of vocab_file and unigrams, weights that are negative or
        of another number than range_max, a shard that there is not.

    Example:
      >>> drawn = nf.random.fixed_unigram_candidate_sampler(
      ...     [[1]], 1, 2, False, 2, unigrams=[0.0, 5.0]
      ... )
      >>> drawn.sampled_candidates.numpy().tolist(), drawn.true_expected_count.numpy().tolist()
      ([1, 1], [[2.0]])
    """
    op = "random.fixed_unigram_candidate_sampler"
    true = checked(op, true_classes, num_true, num_sampled, range_max)
    weights_given = plain.items(unigrams, op, "unigrams")
    if (len(weights_given) > 0) is bool(plain.word(vocab_file, op, "vocab_file")):
        raise InvalidArgumentError(explain(op, "one of vocab_file and unigrams is needed"))
    shards = plain.whole(num_shards, op, "num_shards", least=1)
    first, reserved = (
        plain.whole(shard, op, "shard"),
        plain.whole(num_reserved_ids, op, "num_reserved_ids"),
    )
    power = plain.number(distortion, op, "distortion")
    if not 0 <= first < shards:
        shown = {"shard": shard, "num_shards": num_shards}
        raise InvalidArgumentError(explain(op, "shard must be in [0, num_shards)", shown))
    given = _weights_of(op, vocab_file) if vocab_file else _given(op, weights_given)
    if reserved < 0:
        problem = f"num_reserved_ids is negative: {num_reserved_ids}"
        raise InvalidArgumentError(explain(op, problem))
    found = len(range(first, reserved + len(given), shards))
    if found != range_max:
        shown = {"range_max": range_max, "weights": found}
        raise InvalidArgumentError(explain(op, "there must be range_max weights", shown))
    with np.errstate(all="ignore"):
        raised = given**power
    if not (np.all(given >= 0) and np.all(np.isfinite(raised))):
        raise InvalidArgumentError(explain(op, "weights must be finite and not negative"))
    weights = np.concatenate([np.zeros(reserved), raised])[first::shards]
    possible = int(np.count_nonzero(weights))
    check_unique(op, unique, num_sampled, possible)
    if not possible:
        raise InvalidArgumentError(explain(op, "all weights are 0"))
    return by_table(creation.constant(weights), true, num_sampled, unique, seed)


def _given(op: str, unigrams: Sequence[float]) -> Any:
    try:
        return np.array(unigrams, np.float64)
    except (ValueError, TypeError) as e:
        raise DTypeError(explain(op, f"unigrams must be numbers: {e}")) from None


def _weights_of(op: str, path: str) -> Any:
    """The last entry of each line of a file in CSV; read again only if the file has changed."""
    try:
        now = os.stat(path)
        return _read_weights(path, now.st_mtime_ns, now.st_size)
    except OSError as e:
        raise NotFoundError(explain(op, f"vocab_file cannot be read: {e}")) from None
    except ValueError as e:
        problem = f"a line does not end in a number: {e}"
        raise InvalidArgumentError(explain(op, problem, {"vocab_file": path})) from None


@functools.lru_cache(maxsize=8)
def _read_weights(path: str, changed: int, size: int) -> Any:
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        return np.array([float(row[-1]) for row in csv.reader(file) if row])


def by_table(
    weights: Tensor, true: Tensor, num_sampled: int, unique: bool, seed: Any
) -> Candidates:
    """Candidates by weights, float64 [classes]."""
    sums = scans.cumsum(weights)
    (length,) = weights.spec.shape
    assert isinstance(length, int)
    drawn, tries = _drawn(sums, seed, TABLE, length, num_sampled, unique)
    chance = weights / sums[-1]

    def expected(classes: Tensor) -> Tensor:
        return _expected(indexing.gather(chance, classes), num_sampled, tries)

    return Candidates(drawn, expected(true), expected(drawn))


def all_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    seed: Any = None,
    name: str | None = None,
) -> Candidates:
    """All classes 0, 1, ..., num_sampled - 1, each expected once: for tests of sampled losses.

    Example:
      >>> nf.random.all_candidate_sampler([[1]], 1, 3, True).sampled_candidates.numpy().tolist()
      [0, 1, 2]
    """
    op = "random.all_candidate_sampler"
    true = checked(op, true_classes, num_true, num_sampled, num_sampled)
    num_sampled = int(num_sampled)
    ones = shaping.ones([num_sampled], dtypes.float32)
    of_true = 1.0 + maths.cast(true, dtypes.float32) * 0.0  # waits for the check
    return Candidates(creation.iota((num_sampled,), 0, dtypes.int64), of_true, ones)
