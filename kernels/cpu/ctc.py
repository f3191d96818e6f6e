"""Connectionist temporal classification: -log P(labels | logits), and its gradient by the logits.

Labels with blanks between and around them are the states 0 .. 2 L. A path through frames stays,
goes on by one, or skips a blank between two labels that differ:

    alpha[t, s] = p[t, s] (alpha[t-1, s] + alpha[t-1, s-1] + skips alpha[t-1, s-2])
    beta[t, s]  = w[s] + w[s+1] + skips w[s+2]            w[s] = p[t+1, s] beta[t+1, s]
    P = alpha[T-1, 2L] + alpha[T-1, 2L-1]        gradient = p - sum over states of alpha beta / P

Probabilities underflow after a few hundred frames. Each is kept as m 2^e, 1 <= m < 2, with e beside
it: sums and products without a logarithm, and more exact than logarithms of float32 are.

Bound: latency of some 15 operations per state and frame. Written in the subset of lang.py.

Source: Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification", eq. 5
to 16 (beta here without the emission of its own frame).
"""

from __future__ import annotations

from numflow.kernels import lang, lang_math
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    F64,
    load,
    load_f64,
    load_i32,
    load_i64,
    refuse,
    store,
    store_f64,
    store_i64,
    word,
)
from numflow.kernels.intrinsics_numbers import (
    bits,
    element_to_f64,
    f64_to_element,
    floor,
    number,
    of_bits,
    to_f64,
    truncate,
)
from numflow.kernels.lang import inline

SLOTS = 16
"""Ranges of the batch, each with scratch memory of its own."""
NOTHING = -(1 << 40)
"""The exponent of 0, whose m is 0."""
_NUMBER = 16  # bytes of m and e
_STATE = 24
_FRACTION = (1 << 52) - 1
_ONE = 1023 << 52  # the bits of 1.0


class W:
    """Words of the argument block."""

    LOGITS = HEADER  # [frames, batch, classes]
    LABELS = HEADER + 1  # int32 [batch, most]
    LABEL_LENGTH = HEADER + 2  # int32 [batch]
    LOGIT_LENGTH = HEADER + 3
    LOSS = HEADER + 4  # [batch]
    GRADIENT = HEADER + 5  # like the logits, or 0
    FRAMES = HEADER + 6
    BATCH = HEADER + 7
    CLASSES = HEADER + 8
    MOST = HEADER + 9
    BLANK = HEADER + 10
    MERGED = HEADER + 11  # whether a path may stay in a label
    SLOTS = HEADER + 12
    SCRATCH = HEADER + 13  # bytes of a slot


def plan(
    frames: int,
    batch: int,
    classes: int,
    most: int,
    blank: int,
    dtype: str,
    merged: bool,
    gradient: bool,
    *,
    target: Target | None = None,
) -> Call:
    """One unit is a slot of the batch. Refuses an example whose labels do not fit.

    Operands: logits, labels, label lengths, logit lengths, loss, and the gradient if asked for.
    """
    address = lang.addresses(ctc, dtype=dtype, target=target, using=lang_math.SOURCES)["ctc"]
    slots = min(SLOTS, batch)
    states = 2 * most + 1
    rows = frames if gradient else 2
    numbers = rows * states + frames * classes + 2 * (states + 2) + classes
    scratch = numbers * _NUMBER + states * _STATE
    sizes = (frames, batch, classes, most, blank, int(merged), slots, scratch)
    constants = sizes if gradient else (0, *sizes)
    units = slots if classes else 0
    return Call(address, units, 1, 5 + gradient, constants, slots * scratch)


def ctc(args: int, begin: int, end: int) -> None:
    """Entry: slots begin .. end."""
    batch, slots = word(args, W.BATCH), word(args, W.SLOTS)
    for slot in range(begin, end):
        for b in range(batch * slot // slots, batch * (slot + 1) // slots):
            if fits(args, b):
                one(args, b, word(args, WORKSPACE) + slot * word(args, W.SCRATCH))
            else:
                refuse(args, b)


def fits(args: int, b: int) -> bool:
    """Whether lengths and labels are in range, and there are frames enough."""
    length, frames = load_i32(word(args, W.LABEL_LENGTH) + b * 4), word(args, W.FRAMES)
    used = load_i32(word(args, W.LOGIT_LENGTH) + b * 4)
    if length < 0 or length > word(args, W.MOST) or used < 0 or used > frames:
        return False
    labels = word(args, W.LABELS) + b * word(args, W.MOST) * 4
    needed, before = length, -1
    for k in range(length):
        label = load_i32(labels + k * 4)
        if label < 0 or label >= word(args, W.CLASSES):
            return False
        if label == before and word(args, W.MERGED) != 0:
            needed += 1
        before = label
    return needed <= used


# --- numbers m 2^e -----------------------------------------------------------


@inline
def put(at: int, x: F64, e: int) -> None:
    """x 2^e, x not negative, as a number of m between 1 and 2."""
    raw = bits(x)
    some = x > 0.0
    store_f64(at, of_bits((raw & _FRACTION) | _ONE) if some else x)
    store_i64(at + 8, e + (raw >> 52) - 1023 if some else NOTHING)


@inline
def scale(e: int) -> F64:
    """2^e for e <= 0; 0 where that is too small to matter."""
    return of_bits(max(e + 1023, 0) << 52)


@inline
def value(at: int) -> F64:
    """The number at `at`, which is at most 1."""
    return load_f64(at) * scale(min(load_i64(at + 8), 0))


# --- one example ---------------------------------------------------------------


def one(args: int, b: int, scratch: int) -> None:
    """Loss and gradient of example b."""
    classes, most = word(args, W.CLASSES), word(args, W.MOST)
    frames, used = word(args, W.FRAMES), load_i32(word(args, W.LOGIT_LENGTH) + b * 4)
    states = 2 * load_i32(word(args, W.LABEL_LENGTH) + b * 4) + 1
    gradient = word(args, W.GRADIENT)
    # scratch: alpha, probabilities, beta and w (two states more), sums of classes, states
    row = (2 * most + 1) * _NUMBER
    alpha = scratch
    p = alpha + (frames if gradient != 0 else 2) * row
    beta = p + frames * classes * _NUMBER
    sums = beta + 2 * (row + 2 * _NUMBER)
    state = sums + classes * _NUMBER
    line_up(args, b, states, state)
    sound = True
    for t in range(used):
        x = word(args, W.LOGITS) + (t * word(args, W.BATCH) + b) * classes * ES
        if not softmax(x, classes, p + t * classes * _NUMBER):
            sound = False
    kept = gradient != 0
    last = alpha
    for t in range(used):
        last = alpha + (t if kept else t % 2) * row
        before = alpha + (t - 1 if kept else (t + 1) % 2) * row
        if t == 0:
            first(last, states, state, p)
        else:
            forward(before, last, states, state, p + t * classes * _NUMBER)
    whole = sums  # P, until the sums need their place
    store_f64(whole, number(1.0))
    store_i64(whole + 8, 0)
    if used > 0:
        total(last, states, whole)
    m, e = load_f64(whole), load_i64(whole + 8)
    nan = number(0.0) / number(0.0)
    loss = -(lang_math.log(m) + to_f64(e) * 0.6931471805599453)
    if not m > 0.0:
        loss = number(1.0) / number(0.0)
    if not sound:
        loss = nan
    store(word(args, W.LOSS) + b * ES, f64_to_element(loss))
    if gradient == 0:
        return
    for t in range(used, frames):
        clear(gradient + (t * word(args, W.BATCH) + b) * classes * ES, classes)
    w = beta + row + 2 * _NUMBER
    t = used - 1
    while t >= 0:
        backward(beta, w, states, state, p + (t + 1) * classes * _NUMBER, t + 1 == used)
        at = gradient + (t * word(args, W.BATCH) + b) * classes * ES
        frame = p + t * classes * _NUMBER
        differences(at, frame, classes, alpha + t * row, beta, states, state, m, e, sums)
        if not sound:
            for c in range(classes):
                store(at + c * ES, f64_to_element(nan))
        t -= 1


def line_up(args: int, b: int, states: int, state: int) -> None:
    """Of each state: bytes to its class in a frame, whether the blank before may be skipped, and
    whether a path may stay."""
    labels = word(args, W.LABELS) + b * word(args, W.MOST) * 4
    blank, before = word(args, W.BLANK), -1
    for s in range(states):
        skips, label, stays = 0, blank, 1
        if s % 2 == 1:
            label = load_i32(labels + s // 2 * 4)
            stays = word(args, W.MERGED)
            if s > 1 and (label != before or stays == 0):
                skips = 1
            before = label
        store_i64(state + s * _STATE, label * _NUMBER)
        store_i64(state + s * _STATE + 8, skips)
        store_i64(state + s * _STATE + 16, stays)


def softmax(x: int, classes: int, p: int) -> bool:
    """The probabilities of a frame; whether they are numbers."""
    most = element_to_f64(load(x))
    for c in range(1, classes):
        y = element_to_f64(load(x + c * ES))
        most = y if y > most else most
    whole = number(0.0)
    for c in range(classes):
        y = lang_math.exp(element_to_f64(load(x + c * ES)) - most)
        store_f64(p + c * _NUMBER, y)
        whole += y
    for c in range(classes):
        y = load_f64(p + c * _NUMBER) / whole
        if y > 1e-290:
            put(p + c * _NUMBER, y, 0)
        else:
            z = (element_to_f64(load(x + c * ES)) - most) * 1.4426950408889634
            if z > -1e9:
                e = floor(z)
                y = lang_math.exp((z - e) * 0.6931471805599453) / whole
                put(p + c * _NUMBER, y, truncate(e))
            else:
                put(p + c * _NUMBER, number(0.0), 0)
    return whole == whole


def first(alpha: int, states: int, state: int, p: int) -> None:
    """A path begins with the blank or the first label."""
    for s in range(states):
        at = p + load_i64(state + s * _STATE)
        store_f64(alpha + s * _NUMBER, load_f64(at) if s < 2 else number(0.0))
        store_i64(alpha + s * _NUMBER + 8, load_i64(at + 8) if s < 2 else NOTHING)


def forward(before: int, alpha: int, states: int, state: int, p: int) -> None:
    """alpha of a frame, of that before."""
    m1, e1, m2, e2 = number(0.0), NOTHING, number(0.0), NOTHING
    for s in range(states):
        m0, e0 = load_f64(before + s * _NUMBER), load_i64(before + s * _NUMBER + 8)
        skips = load_i64(state + s * _STATE + 8) != 0
        m2, e2 = m2 if skips else number(0.0), e2 if skips else NOTHING
        stay = load_i64(state + s * _STATE + 16) != 0
        m, e = m0 if stay else number(0.0), e0 if stay else NOTHING
        top = max(max(e, e1), e2)
        x = m * scale(e - top) + m1 * scale(e1 - top) + m2 * scale(e2 - top)
        at = p + load_i64(state + s * _STATE)
        put(alpha + s * _NUMBER, x * load_f64(at), top + load_i64(at + 8))
        m2, e2, m1, e1 = m1, e1, m0, e0


def total(alpha: int, states: int, out: int) -> None:
    """The sum of the last two states: a path ends with the last label or the blank behind it."""
    at = alpha + (states - 1) * _NUMBER
    m0, e0, m1, e1 = load_f64(at), load_i64(at + 8), number(0.0), NOTHING
    if states > 1:
        m1, e1 = load_f64(at - _NUMBER), load_i64(at - _NUMBER + 8)
    e = max(e0, e1)
    put(out, m0 * scale(e0 - e) + m1 * scale(e1 - e), e)


def backward(beta: int, w: int, states: int, state: int, p: int, last: bool) -> None:
    """beta of a frame, of that behind it, whose probabilities p has, in its place."""
    if last:
        for s in range(states):
            put(beta + s * _NUMBER, number(1.0) if s + 2 >= states else number(0.0), 0)
        return
    for s in range(states):
        at = p + load_i64(state + s * _STATE)
        x = load_f64(beta + s * _NUMBER) * load_f64(at)
        put(w + s * _NUMBER, x, load_i64(beta + s * _NUMBER + 8) + load_i64(at + 8))
    m1, e1, m2, e2, skips = number(0.0), NOTHING, number(0.0), NOTHING, 0
    s = states - 1
    while s >= 0:
        m0, e0 = load_f64(w + s * _NUMBER), load_i64(w + s * _NUMBER + 8)
        m2, e2 = m2 if skips != 0 else number(0.0), e2 if skips != 0 else NOTHING
        stay = load_i64(state + s * _STATE + 16) != 0
        m, e = m0 if stay else number(0.0), e0 if stay else NOTHING
        top = max(max(e, e1), e2)
        x = m * scale(e - top) + m1 * scale(e1 - top) + m2 * scale(e2 - top)
        put(beta + s * _NUMBER, x, top)
        skips = load_i64(state + (s + 1) * _STATE + 8) if s + 1 < states else 0
        m2, e2, m1, e1 = m1, e1, m0, e0
        s -= 1


def differences(
    out: int,
    p: int,
    classes: int,
    alpha: int,
    beta: int,
    states: int,
    state: int,
    m: F64,
    e: int,
    sums: int,
) -> None:
    """Probability less share of the paths, of each class; P is m 2^e."""
    for c in range(classes):
        store_f64(sums + c * _NUMBER, number(0.0))
    if m > 0.0:
        for s in range(states):
            share = load_f64(alpha + s * _NUMBER) * load_f64(beta + s * _NUMBER) / m
            power = load_i64(alpha + s * _NUMBER + 8) + load_i64(beta + s * _NUMBER + 8) - e
            share = share * scale(min(power, 0)) * (number(2.0) if power > 0 else number(1.0))
            at = sums + load_i64(state + s * _STATE)
            store_f64(at, load_f64(at) + share)
    for c in range(classes):
        y = value(p + c * _NUMBER) - load_f64(sums + c * _NUMBER)
        store(out + c * ES, f64_to_element(y))


def clear(out: int, count: int) -> None:
    """Zeros."""
    nothing = f64_to_element(number(0.0))
    for c in range(count):
        store(out + c * ES, nothing)
