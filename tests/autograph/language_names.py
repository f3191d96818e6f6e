"""Names, targets and expressions, to be converted: what each does is Python's own doing."""

# ruff: noqa
# fmt: off
# mypy: ignore-errors

from tests.autograph.collected import collect

PROBES: list = []
probe = collect(PROBES)


@probe(5)
def comprehensions(n):
    return (
        [a * b for a in range(n) if a % 2 for b in range(a) if not b == 1],
        {k: v for k, v in zip(range(3), range(3)) if k and v},
        {a for a in "abc" if a != "b"},
        sum(x for x in range(n) if x > 1 or x == 0),
    )


@probe(2)
def formatted(n):
    return f"{n:>4} {n!r} {n + 1} {'yes' if n else 'no':>{n + 3}}"


@probe(2)
def starred(n):
    a, *b = [n, 1, 2, 3]
    if n:
        (c, *d), e = b, n
    return a, b, c, d, e, [*b, *b], {**{"a": 1}}


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
def annotated(n: int) -> int:
    x: int = n
    z: float
    if x > 1:
        x: int = 2
        y: list[int] = [x]
    return x, y


@probe(3)
def evaluated(n):
    k = n + 1
    if n:
        k += 1
    return eval("k+n"), sorted(locals().keys())


@probe(3)
def imports_in_blocks(n):
    if n:
        import math as m
        from os import path
    return m.floor(2.5), path.basename("a/b")


@probe(3)
def shadowed_names(n):
    print = lambda x: x + 1
    range = [1, 2]
    len = 7
    for i in range:
        len += print(i)
    return len


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
