"""Random bits, uniform and normal numbers for kernels that draw until a number is accepted.

Block number `attempt` of element `index` is Philox4x32-10 of the counter (attempt 2^48 + index,
step) and the key: a sampler may take as many blocks as it needs (below 2^16), and what it gives
depends on nothing but element, key and step. Written in the subset of lang.py.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow.kernels import lang, lang_math
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import F64, load_i64, store_i64, word
from numflow.kernels.intrinsics_numbers import to_f64
from numflow.kernels.lang import inline

BLOCK = 16
"""Bytes of a block."""
UNIT = 64
"""Elements of a unit of work."""
_CHUNK = 8  # units that are worth being handed to a thread
_SHIFT = 48  # where the number of an attempt stands in the counter
_WORD = 0xFFFFFFFF
_BITS53 = 0x1FFFFFFFFFFFFF
_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85


class S:
    """The last words of a sampler's argument block, behind its parameters, counted from there."""

    KEY = 0  # addresses
    STEP = 1
    OUT = 2
    COUNT = 3  # elements
    PERIOD = 4  # elements of each parameter, which begins anew after them


def plan(
    entry: Callable[..., Any],
    count: int,
    period: int,
    parameters: int,
    target: Target | None = None,
    constants: Sequence[int] = (),
) -> Call:
    """A sampler of `count` numbers with parameters of `period` float64s each."""
    found = lang.addresses(entry, dtype="float64", target=target, using=lang_math.SOURCES)
    units = -(-count // UNIT)
    words = (count, period, *constants)
    return Call(found[entry.__name__], units, _CHUNK, parameters + 3, words, units * BLOCK)


@inline
def scratch(args: int, unit: int) -> int:
    """Where the block of a unit of work goes."""
    return word(args, WORKSPACE) + unit * BLOCK


@inline
def last_of(args: int, behind: int, unit: int) -> int:
    """The element behind the last one of a unit."""
    return min((unit + 1) * UNIT, word(args, HEADER + behind + S.COUNT))


def philox(out: int, attempt: int, index: int, key: int, step: int) -> None:
    """The block's 128 bits, as two words of 64; the first 32 bits are the upper ones."""
    counter = index + (attempt << _SHIFT)
    c0, c1 = counter & _WORD, counter >> 32 & _WORD
    c2, c3 = step & _WORD, step >> 32 & _WORD
    k0, k1 = key & _WORD, key >> 32 & _WORD
    for _ in range(10):
        first, second = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (
            (second >> 32 & _WORD) ^ c1 ^ k0,
            second & _WORD,
            (first >> 32 & _WORD) ^ c3 ^ k1,
            first & _WORD,
        )
        k0, k1 = k0 + _W0 & _WORD, k1 + _W1 & _WORD
    store_i64(out, c0 << 32 | c1)
    store_i64(out + 8, c2 << 32 | c3)


@inline
def uniform_at(p: int) -> F64:
    """[0, 1) of 53 of the 64 bits at p."""
    return to_f64(load_i64(p) >> 11 & _BITS53) * 1.1102230246251565e-16  # 2^-53


@inline
def normal_at(p: int) -> F64:
    """Standard normal of the 128 bits at p."""
    return lang_math.normal(uniform_at(p), uniform_at(p + 8))
