"""Functions, closures and classes, to be converted: what each does is Python's own doing."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

import functools

from tests.autograph.collected import collect

PROBES: list = []
probe = collect(PROBES)


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


@probe(2)
def kinds_of_arguments(n):
    def g(a, /, b, *rest, c=3, **more):
        return a + b + c if not rest else (rest, more)

    return g(n, 1, c=2), g(1, 2, 3, c=4, d=5)


@probe(3)
def inner_generator(n):
    def g():
        for i in range(n):
            if i == 1:
                continue
            yield i

    return list(g())


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


LAMBDAS = [lambda x: x if x > 1 else -x, lambda x: x and 1, (lambda x: not x)]
LAMBDAS += [lambda x: (0 if x else
                       1), lambda x, f=lambda: 2: f() if x else x]
