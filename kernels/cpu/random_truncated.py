"""Samples of the standard normal distribution within an interval, however far out it lies.

    truncated_normal   low[j] <= out[i] <= high[j], j = i mod period

By rejection: of normal numbers where the interval is wide and holds 0, of uniform ones where it is
narrow, of exponential ones in the tail; at least 2 of 5 attempts are accepted. An interval that is
empty or NaN gives NaN. Written in the subset of lang.py, on float64.

Source: Robert 1995, "Simulation of truncated normal variables".
"""

from __future__ import annotations

from numflow.kernels import lang_math
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import philox as blocks
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.philox import S, last_of, normal_at, philox, scratch, uniform_at
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import F64, load_f64, load_i64, store_f64, word
from numflow.kernels.intrinsics_numbers import number, sqrt

ATTEMPTS = 256
"""All are refused with a probability below 1e-50."""


class T:
    """Words of the argument block, before those of philox.S."""

    LOW = HEADER
    HIGH = HEADER + 1
    REST = 2  # from HEADER


def plan_truncated(count: int, period: int, target: Target | None = None) -> Call:
    """Operands: low, high, key, step, out; each interval serves every period-th element."""
    return blocks.plan(truncated_normal, count, period, 2, target)


def truncated_normal(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end."""
    period = word(args, HEADER + T.REST + S.PERIOD)
    key = load_i64(word(args, HEADER + T.REST + S.KEY))
    step = load_i64(word(args, HEADER + T.REST + S.STEP))
    out = word(args, HEADER + T.REST + S.OUT)
    for unit in range(begin, end):
        block = scratch(args, unit)
        for i in range(unit * blocks.UNIT, last_of(args, T.REST, unit)):
            low = load_f64(word(args, T.LOW) + i % period * 8)
            high = load_f64(word(args, T.HIGH) + i % period * 8)
            if low + high < 0.0:  # mostly below 0: mirrored
                store_f64(out + i * 8, -one_truncated(-high, -low, block, i, key, step))
            else:
                store_f64(out + i * 8, one_truncated(low, high, block, i, key, step))


def one_truncated(low: F64, high: F64, block: int, i: int, key: int, step: int) -> F64:
    """One number, for low >= -high."""
    if not low < high:
        return (low - low) / (low - low)
    width = high - low
    near = low if low > 0.0 else number(0.0)  # where the density is largest
    rate = (low + sqrt(low * low + 4.0)) * 0.5
    reach = 1.0 - lang_math.exp(-rate * width)
    x = low
    attempt = 0
    while attempt < ATTEMPTS:
        philox(block, attempt, i, key, step)
        if low <= 0.0 and width > 2.5066282746310002:
            x = normal_at(block)
            if x >= low and x <= high:
                break
        else:
            u, v = uniform_at(block), uniform_at(block + 8)
            bound = x
            if low <= 0.0 or (high + low) * width < 2.0:
                x = low + width * u
                bound = (near - x) * (near + x) * 0.5
            else:
                x = low - lang_math.log1p(-u * reach) / rate
                bound = (x - rate) * (rate - x) * 0.5
            if v <= lang_math.exp(bound) and x <= high:
                break
        attempt += 1
    return x
