"""Functions of all of Python's language, to be converted: what each does is Python's own doing."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

import contextlib
import enum
import functools

PROBES = []


def probe(*args):
    def add(f):
        PROBES.append((f, args))
        return f

    return add


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


@probe(3)
def inner_function_with_nonlocal(n):
    k = 2

    def inner(z):
        nonlocal k
        if z > 0:
            k += 1
        return z * k

    return inner(n) + inner(n)


@probe(3)
def lambdas(n):
    f = lambda v: v + 1 if v > 2 else v - 1
    g = lambda v, *, w=2: v and w or n
    return f(n), g(0), g(1), g(1, w=0), [(lambda q: not q)(i) for i in range(2)]


@probe(5)
def comprehensions(n):
    return (
        [a * b for a in range(n) if a % 2 for b in range(a) if not b == 1],
        {k: v for k, v in zip(range(3), range(3)) if k and v},
        {a for a in "abc" if a != "b"},
        sum(x for x in range(n) if x > 1 or x == 0),
    )


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
def formatted(n):
    return f"{n:>4} {n!r} {n + 1} {'yes' if n else 'no':>{n + 3}}"


@probe(2)
def starred(n):
    a, *b = [n, 1, 2, 3]
    if n:
        (c, *d), e = b, n
    return a, b, c, d, e, [*b, *b], {**{"a": 1}}


@probe(2)
def kinds_of_arguments(n):
    def g(a, /, b, *rest, c=3, **more):
        return a + b + c if not rest else (rest, more)

    return g(n, 1, c=2), g(1, 2, 3, c=4, d=5)


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


@probe([1, 2, 3])
def composite_targets(n):
    n[0] += 5

    class A:
        pass

    a = A()
    a.v = 1
    d = {"k": [1]}
    for i in range(2):
        if n[0] > 3:
            a.v += 1
            n[1] *= 3
            d["k"][0] += i
            d["new"] = i
    return n, a.v, d


@probe(3)
def inner_generator(n):
    def g():
        for i in range(n):
            if i == 1:
                continue
            yield i

    return list(g())


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
def deleted(n):
    x = n
    if n > 2:
        y = x
        del x
    return y, x


@probe(3)
def deleted_and_set_again(n):
    x = n
    for i in range(n):
        del x
        x = i
    return x


@probe(3)
def deleted_parameter(n):
    if n > 2:
        del n
    return n


@probe(3)
def a_global(n):
    global A_GLOBAL
    A_GLOBAL = n
    if n > 1:
        A_GLOBAL = A_GLOBAL + 1
    return A_GLOBAL


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


@probe(3)
def recursive(n):
    if n <= 0:
        return 0
    return n + recursive(n - 1)


class Base:
    kind = "base"

    def __init__(self, v):
        self.v = v
        self.__hidden = v

    def f(self, n):
        if n > 0:
            self.v = self.v + n
        return self.v

    def private(self, n):
        if n > 0:
            self.__hidden += n
        return self.__hidden

    @property
    def doubled(self):
        return self.v * 2 if self.v > 0 else 0

    @classmethod
    def made(cls, v):
        if v:
            return cls(v)
        return None

    @staticmethod
    def still(v):
        return -v if v > 0 else v


class Derived(Base):
    kind = "derived"

    def f(self, n):
        r = super().f(n)
        while r < 10:
            r += 3
        if r > 0:
            return r, __class__.kind, super(Derived, self).kind
        return r

    def __call__(self, n):
        return [super(Derived, self).f(k) for k in range(n) if k]


@probe(3)
def methods(n):
    d = Derived(2)
    return d.f(n), d(3), d.private(2), d.doubled, Derived.made(5).v, Base.still(4)


@probe(3)
def decorated_inner_function(n):
    @functools.lru_cache(None)
    def g(k):
        return k + 1 if k else 0

    return g(n), g(0)


@probe(3)
def annotated(n: int) -> int:
    x: int = n
    z: float
    if x > 1:
        x: int = 2
        y: list[int] = [x]
    return x, y


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


@probe(0)
def division_by_zero(n):
    if n < 1:
        a = 1
        b = a / n
    return b


@probe(3)
def evaluated(n):
    k = n + 1
    if n:
        k += 1
    return eval("k+n"), sorted(locals().keys())


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


@probe(3)
def imports_in_blocks(n):
    if n:
        import math as m
        from os import path
    return m.floor(2.5), path.basename("a/b")


@probe(3)
def definitions_in_blocks(n):
    if n > 1:

        def f(k):
            return k + n if k else n

        class C:
            w = n

            def g(self):
                return [self.w for _ in range(2) if self.w]

    else:
        f = None
    return f(1), f(0), C().g()


@probe(3)
def shadowed_names(n):
    print = lambda x: x + 1
    range = [1, 2]
    len = 7
    for i in range:
        len += print(i)
    return len


@probe(3)
def late_binding(n):
    fs = []
    for i in range(n):
        fs.append(lambda: i)
    return [f() for f in fs], i


@probe(3)
def default_arguments(n):
    fs = []
    for i in range(n):

        def f(k=i, *, m=n and i):
            return k * 2 + m

        fs.append(f)
    return [f() for f in fs]


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


@probe(3)
def unicode_names(n):
    größe = n
    if größe > 2:
        größe += 1
    return größe, "é" if größe else "ü"


@probe(3)
def multi_line(n):
    x = (
        n + 1 if n > 2
        else n
    )
    text = """
def not_me():
  if no: pass
"""
    if (
        x
        and n
    ):
        x += len(
            text
        )
    return x


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


LAMBDAS = [lambda x: x if x > 1 else -x, lambda x: x and 1, (lambda x: not x)]
LAMBDAS += [lambda x: (0 if x else
                       1), lambda x, f=lambda: 2: f() if x else x]
