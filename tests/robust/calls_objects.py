"""Right calls of methods of objects: tensors, generators, variables."""

from __future__ import annotations

import numflow as nf
from tests.robust.arguments import (
    A,
    Given,
    K,
    Methods,
    W,
    X,
)

generator = Given(lambda: nf.random.Generator.from_seed(1))
table = Given(lambda: nf.Variable(W))

METHODS: Methods = {
    "getitem": (lambda x, key: x[key], A(Given(lambda: nf.constant(X)), 1)),
    "getitem of two": (
        lambda x, i, j: x[i, j],
        A(Given(lambda: nf.constant(X)), 1, slice(0, 2)),
    ),
    "Generator.from_seed": (lambda s, n: nf.random.Generator.from_seed(s).normal(n), A(1, [2])),
    "Generator.normal": (lambda g, *a: g.normal(*a), A(generator, [2], 0.0, 1.0, nf.float32)),
    "Generator.uniform": (lambda g, *a: g.uniform(*a), A(generator, [2], 0, 9, nf.int32)),
    "Generator.binomial": (lambda g, *a: g.binomial(*a), A(generator, [2], 5.0, 0.5, nf.int32)),
    "Generator.make_seeds": (lambda g, n: g.make_seeds(n), A(generator, 3)),
    "Generator.split": (
        lambda g, n: [new.normal([2]) for new in g.split(n)],
        A(generator, 3),
    ),
    "Generator.skip": (lambda g, n: g.skip(n), A(generator, 3)),
    "Variable": (lambda x, dtype: nf.Variable(x, dtype=dtype).value(), A(X, nf.float32)),
    "Variable.assign": (lambda v, x: v.assign(x).value(), A(table, W)),
    "Variable.assign_add": (lambda v, x: v.assign_add(x).value(), A(table, W)),
    "Variable.scatter_nd_add": (
        lambda v, i, u: v.scatter_nd_add(i, u),
        A(table, [[0, 1], [1, 0]], [1.0, 2.0]),
    ),
    "Variable.scatter_update": (
        lambda v, u, i: v.scatter_update(nf.IndexedSlices(u, i)),
        A(table, W[:2], K),
    ),
    "Variable.sparse_read": (lambda v, i: v.sparse_read(i), A(table, K)),
    "Variable.gather_nd": (lambda v, i: v.gather_nd(i), A(table, [[0, 1]])),
}
