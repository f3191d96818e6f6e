"""Tutorials' functions that branch: results, conditions, guards, schedules."""

# ruff: noqa
# mypy: ignore-errors

import contextlib

import numpy as np

import numflow as tf
from tests.autograph.collected import collect

SNIPPETS: list = []
snippet = collect(SNIPPETS)

V = np.array([1.0, -2.0, 3.5, 0.5], np.float32)


@snippet(np.float32(-3.0))
def absolute(x):
    if x < 0:
        return -x
    else:
        return x


@snippet(np.float32(0.3))
def relu_like(x):
    if x > 1.0:
        y = x
    elif x > 0.0:
        y = x * 0.5
    else:
        y = 0.0
    return y


@snippet(np.float32(-0.3))
def conditional_expression(x):
    return x if x > 0 else -2.0 * x


@snippet(np.float32(3.0))
def nested_branches(x):
    if x > 0:
        if x > 2:
            y = x * 10
        else:
            y = x
    else:
        y = -x
    return y


@snippet(np.float32(1.5), np.float32(-1.0))
def boolean_operators(x, y):
    return (x > 0 and y > 0), (x > 0 or y > 0), (not x > 0), (0 < x < 2), (x > 0 and not y > 0)


@snippet(np.float32(3.0))
def static_condition(x, training=True):
    if training:
        x = x * 2.0
    if not training:
        x = x - 100.0
    return x


@snippet(np.float32(2.5))
def with_and_branch(x):
    with contextlib.suppress(ValueError):
        if x > 0:
            x = x + 1.0
        with tf.name_scope("inner"):
            while x < 10.0:
                x = x * 2.0
    return x


@snippet(np.float32(2.5))
def try_and_branch(x):
    try:
        if x > 0:
            x = x * 3.0
        y = {}["missing"]
    except KeyError:
        if x > 7.0:
            x = x - 1.0
    finally:
        x = x + 0.5
    return x


@snippet(np.int32(7))
def set_in_both_arms(n):
    if n > 3:
        message, x = 1, n
    else:
        message, x = 0, -n
    return message, x


@snippet(np.int32(2))
def returns_a_structure(n):
    if n > 1:
        return {"a": n, "b": [n + 1, 1.0]}
    return {"a": -n, "b": [n, 2.0]}


@snippet(np.int32(2))
def guard_clauses(n):
    if n < 0:
        return -1
    if n == 0:
        return 0
    if n > 100:
        return 100
    return n * 2


@snippet(np.float32(2.0))
def learning_rate_schedule(step):
    if step < 1.0:
        rate = 0.1
    elif step < 3.0:
        rate = 0.01
    else:
        rate = 0.001
    return rate


@snippet(V)
def clip_by_hand(x):
    n = tf.norm(x)
    if n > 1.0:
        x = x / n
    return x


@snippet(np.float32(6.0))
def conditions_of_python_and_tensors(x):
    use = True
    if use and x > 5.0:
        x = x + 1.0
    if not use or x < 0.0:
        x = x * 0.0
    if x > 100.0 or use:
        x = x + 0.25
    return x


@snippet(V)
def assertion(x):
    tf.debugging.assert_less(x, 10.0)
    for v in x:
        tf.debugging.assert_greater(v, -10.0)
    return x[0]


@snippet(V)
def shape_condition(x):
    if x.shape[0] > 2:
        x = x[:2]
    if tf.shape(x)[0] > 1:
        x = x + 1.0
    return x


@snippet(np.int32(3))
def string_results(n):
    if n > 2:
        name = "large"
    else:
        name = "small"
    return name


@snippet(np.float32(3.0))
def none_unchanged(x):
    mask = None
    if x > 1.0:
        x = x + 1.0
    if mask is not None:
        x = x * mask
    return x
