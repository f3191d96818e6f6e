"""Loops, branches, matches and returns, to be converted: what each does is Python's own doing."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

import enum

from tests.autograph.collected import collect

PROBES: list = []
probe = collect(PROBES)


@probe(7)
def breaks_and_continues(n):
    s = 0
    for i in range(n):
        if i == 3:
            continue
        if i == 5:
            break
        s += i
    else:
        s = -1
    return s


@probe(4)
def else_of_a_loop(n):
    s = 0
    for i in range(n):
        if i == 5:
            break
        s += i
    else:
        s = -s
    while n > 0:
        n -= 1
        if n == 100:
            break
    else:
        s -= 1000
    return s


@probe(7)
def return_in_a_loop(n):
    for i in range(n):
        if i * i > 10:
            return i
    return -1


@probe(7)
def return_in_nested_loops(n):
    for i in range(n):
        for j in range(i):
            if i * j == 6:
                return i, j
        else:
            continue
        return "never"
    return None


@probe(3)
def return_in_while_true(n):
    while True:
        n += 1
        if n % 7 == 0:
            return n


@probe(5)
def walrus_in_while(n):
    t = 0
    while (m := n - 1) > 0:
        n = m
        t += m
    return t, m


@probe(5)
def walrus_in_if(n):
    if (m := n - 1) > 0 and (k := m + 1):
        return m, k
    return 0


@probe(2)
def match_statement(n):
    for v in (1, [n, 3], {"a": n}, "z", (1, 2, 3), None):
        match v:
            case 1:
                yield_ = "one"
            case [a, b] if a < b:
                yield_ = (a, b)
            case {"a": q, **rest}:
                if q > 1:
                    yield_ = (q, rest)
                else:
                    yield_ = "small"
            case str() as s:
                yield_ = s
            case [first, *others]:
                yield_ = others
            case _:
                return "none", yield_
    return yield_


@probe(2)
def match_with_returns(n):
    match n:
        case 1:
            return "a"
        case 2 if n > 5:
            return "b"
        case 2:
            if n == 2:
                return "c"
    return "d"


@probe(2)
def comparisons(n):
    return 1 < n < 3, not (n == 2), n in [2], n is None, 1 < n > 0 != 5


@probe(2)
def lazy_operands(n):
    seen = []

    def note(v):
        seen.append(v)
        return v

    r = note(0) and note(1), note(2) or note(3), note(5) < note(4) < note(9), note(0) if n else note(7)
    return r, seen


@probe(3)
def nested_loops(n):
    out = []
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            if (i + j) % 2:
                continue
            out.append((i, j))
    return out


@probe(3)
def nested_conditional_expressions(n):
    return (1 if n > 2 else 2) if n != 3 else (4 if n else 5)


@probe(3)
def targets_of_for(n):
    r = 0
    d = {}
    for i, (a, b) in enumerate(zip(range(n), range(n))):
        r += i * a * b
    for d["k"] in range(n):
        pass
    for a, *b in [(1, 2, 3)]:
        pass
    return r, d, a, b, i


@probe(4)
def iterators(n):
    out = []
    it = iter(range(n))
    for x in it:
        out.append(x)
        if x == 1:
            break
    return out, list(it), next(iter([]), "end")


@probe(4)
def deep(n):
    if n == 0:
        return "0"
    elif n == 1:
        return "1"
    elif n == 2:
        r = 5
    elif n == 3:
        return "3"
    else:
        for k in range(n):
            while k > 0:
                k -= 1
                if k == 1:
                    return k, n
        r = 6
    return r


@probe(5)
def returns_in_both_arms_and_behind(n):
    if n > 3:
        if n > 4:
            return 1
        n = 0
    else:
        if n == 2:
            return 2
        n = 9
    if n == 9:
        return 3
    return n


@probe(3)
def bare_return(n):
    if n > 2:
        return
    n = 1


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@probe(Color.BLUE)
def enums(c):
    match c:
        case Color.RED:
            r = 1
        case Color.BLUE:
            r = 2
    return r if c is Color.BLUE else -r
