"""Exceptions and contexts, to be converted: what each does is Python's own doing."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

import contextlib

from tests.autograph.collected import collect

PROBES: list = []
probe = collect(PROBES)


@probe(5)
def try_except_finally(n):
    try:
        if n > 3:
            raise ValueError("x")
        r = 1
    except ValueError as e:
        r = str(e)
    else:
        r = 5
    finally:
        n = 0
    return r, n


@probe(5)
def try_in_a_loop(n):
    out = []
    for i in range(n):
        try:
            if i == 2:
                continue
            if i == 4:
                break
            out.append(10 // (i - 1))
        except ZeroDivisionError:
            out.append("zero")
        else:
            out.append("fine")
        finally:
            out.append(i)
    return out


@probe(5)
def return_in_finally(n):
    for i in range(n):
        try:
            raise KeyError(i)
        finally:
            return "swallowed"


@probe(5)
def return_in_try(n):
    try:
        if n > 3:
            return "early"
        n = 1
    except ValueError:
        return "no"
    finally:
        n = 100
    return n


@probe(2)
def return_in_try_not_taken(n):
    try:
        if n > 3:
            return "early"
        n = 1
    except ValueError:
        return "no"
    else:
        n += 10
    return n


@probe(3)
def with_statement(n):
    with contextlib.suppress(KeyError) as s:
        if n > 2:
            n = 10
        {}[1]
    with contextlib.nullcontext(5) as five, contextlib.nullcontext(n):
        if five:
            return n + five
    return s


@probe(3)
def with_in_a_loop(n):
    out = []
    for i in range(n):
        with contextlib.suppress(ValueError):
            if i == 1:
                continue
            out.append(i)
            if i == 2:
                break
            raise ValueError
    return out


@probe(3)
def not_set(n):
    if n > 5:
        q = 1
    return q


@probe(0)
def not_set_by_a_loop(n):
    for i in range(n):
        q = i
    return q


@probe(3)
def name_error(n):
    if n:
        return never_defined_anywhere
    return 0


@probe(0)
def division_by_zero(n):
    if n < 1:
        a = 1
        b = a / n
    return b


@probe(3)
def asserts(n):
    assert n > 1
    assert n < 3, f"{n} is too large"
    return n


@probe(3)
def raises_its_own(n):
    class Special(Exception):
        def __init__(self, k):
            super().__init__(k)

    for i in range(n):
        if i == 2:
            raise Special(i) from None
