"""Classes drawn for a whole batch, with replacement or each at most once.

    out[:count] = classes in [0, length);  tries = draws that this took

The distribution is uniform, Zipf's (P(k) = log((k + 2)/(k + 1)) / log(length + 1)), or that of a
table of running sums. Where classes must differ, those drawn are kept in a table with open
addressing in the workspace, and what is there already is drawn again: one draw depends on the
others, so there is a single unit. Written in the subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang, lang_math
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.philox import BLOCK, philox, uniform_at
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    F64,
    load_f64,
    load_i64,
    refuse,
    store_i64,
    word,
    zero_bytes,
)
from numflow.kernels.intrinsics_numbers import (
    to_f64,
    truncate,
)

UNIFORM, ZIPF, TABLE = 0, 1, 2
MOST = 1 << 24
"""Draws after which the kernel refuses: the classes that are left are too unlikely."""
_HASH = 0x9E3779B97F4A7C15 - (1 << 64)


class W:
    """Words of the argument block."""

    SUMS = HEADER  # running sums of the weights; read where the distribution is a table
    KEY = HEADER + 1
    STEP = HEADER + 2
    OUT = HEADER + 3
    TRIES = HEADER + 4
    KIND = HEADER + 5
    LENGTH = HEADER + 6
    COUNT = HEADER + 7
    UNIQUE = HEADER + 8
    BITS = HEADER + 9  # the table of classes drawn has 2^BITS places


def plan_candidates(
    kind: int, length: int, count: int, *, unique: bool, target: Target | None = None
) -> Call:
    """Operands: sums, key, step, out, tries."""
    found = lang.addresses(candidates, dtype="float64", target=target, using=lang_math.SOURCES)
    bits = (2 * count).bit_length() if unique else 0
    constants = (kind, length, count, int(unique), bits)
    return Call(found["candidates"], 1, 1, 5, constants, BLOCK + (8 << bits))


def candidates(args: int, begin: int, end: int) -> None:
    """Entry: the only unit."""
    count, unique, bits = word(args, W.COUNT), word(args, W.UNIQUE), word(args, W.BITS)
    key, step = load_i64(word(args, W.KEY)), load_i64(word(args, W.STEP))
    block = word(args, WORKSPACE)
    seen = block + BLOCK
    zero_bytes(seen, 8 << bits)
    found, tries = 0, 0
    while found < count and tries < MOST:
        philox(block, 0, tries, key, step)
        drawn = one_class(args, uniform_at(block))
        tries += 1
        if unique == 0 or new(seen, bits, drawn) != 0:
            store_i64(word(args, W.OUT) + found * 8, drawn)
            found += 1
    if found < count:
        refuse(args, 0)
    while found < count:
        store_i64(word(args, W.OUT) + found * 8, 0)
        found += 1
    store_i64(word(args, W.TRIES), tries)


def one_class(args: int, u: F64) -> int:
    """The class at u of the distribution function."""
    kind, length = word(args, W.KIND), word(args, W.LENGTH)
    if kind == UNIFORM:
        return min(truncate(u * to_f64(length)), length - 1)
    if kind == ZIPF:
        at = lang_math.exp(u * lang_math.log(to_f64(length) + 1.0))
        return min(truncate(at) - 1, length - 1)
    sums = word(args, W.SUMS)
    wanted = u * load_f64(sums + (length - 1) * 8)
    low, high = 0, length - 1
    while low < high:  # the first whose sum is above: a weight of 0 is never the one
        middle = (low + high) // 2
        if load_f64(sums + middle * 8) > wanted:
            high = middle
        else:
            low = middle + 1
    return low


def new(seen: int, bits: int, drawn: int) -> int:
    """1 and a note of it if a class was not drawn before, else 0. An empty place holds 0."""
    mask = (1 << bits) - 1
    place = drawn * _HASH >> (64 - bits) & mask
    while load_i64(seen + place * 8) != 0:
        if load_i64(seen + place * 8) == drawn + 1:
            return 0
        place = place + 1 & mask
    store_i64(seen + place * 8, drawn + 1)
    return 1
