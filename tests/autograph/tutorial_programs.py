"""Tutorials' functions that call others, and keep state in objects."""

# ruff: noqa
# mypy: ignore-errors

import numpy as np

import numflow as tf
from tests.autograph.collected import collect

SNIPPETS: list = []
snippet = collect(SNIPPETS)


def helper(x):
    if x > 0:
        return x * 2
    return x - 1


@snippet(np.int32(-4))
def calls_helper(x):
    return helper(x) + helper(-x)


def deep_helper(x):
    def inner(y):
        return helper(y) if y > 3 else y

    return inner(x) + 1


@snippet(np.int32(4))
def calls_nested_helpers(x):
    return deep_helper(x)


@snippet(np.int32(3))
def closure(x):
    scale = 2

    def f(y):
        if y > 2:
            return y * scale
        return y

    return f(x) + f(x - 2)


@snippet(np.int32(3))
def closure_that_writes(x):
    total = x * 0

    def add(y):
        nonlocal total
        if y > 1:
            total += y

    add(x)
    add(x - 2)
    return total


@snippet(np.float32(-1.0))
def lambda_with_branch(x):
    f = lambda v: v if v > 0 else tf.zeros_like(v)
    return f(x) + f(-x)


class Model:
    scale = 2.0

    def __init__(self):
        self.calls = 0
        self.state = tf.constant(0.0)

    def forward(self, x):
        if x > 0:
            return x * self.scale
        return x

    def __call__(self, x):
        y = self.forward(x)
        while y < 10.0:
            y = y * self.scale + 1.0
        return y


class Child(Model):
    scale = 3.0

    def forward(self, x):
        y = super().forward(x)
        if y > 5:
            y = y - 5
        return y


@snippet(np.float32(1.5))
def method(x):
    return Model().forward(x)


@snippet(np.float32(1.5))
def callable_object(x):
    model = Model()
    return model(x)


@snippet(np.float32(2.5))
def inherited_method(x):
    return Child()(x)


@snippet(np.float32(2.5))
def attribute_as_state(x):
    m = Model()
    m.state = x
    for _ in tf.range(3):
        m.state = m.state + 1.0
    if m.state > 5.0:
        m.state = m.state * 2.0
    return m.state


@snippet(np.float32(2.5))
def item_as_state(x):
    d = {"a": x, "b": [x, x]}
    if x > 1.0:
        d["a"] = d["a"] + 1.0
    for _ in tf.range(2):
        d["a"] = d["a"] * 2.0
    return d["a"], d["b"][0]


@snippet(np.float32(2.5))
def tuples_as_state(x):
    state = (x, [x * 2.0, 1])
    for _ in tf.range(3):
        a, (b, c) = state
        state = (a + b, [b, c + 1])
    return state


@snippet(np.float32(2.5))
def dicts_as_state(x):
    state = {"x": x, "n": 0}
    while state["n"] < tf.constant(3):
        state = {"x": state["x"] * 2.0, "n": state["n"] + 1}
    return state["x"], state["n"]


@snippet(np.int32(6))
def do_not_convert_inside(n):
    @tf.autograph.experimental.do_not_convert
    def plain(x):
        return x + 1 if True else x

    if n > 3:
        n = plain(n)
    return n


@snippet(np.int32(6))
def nested_function_decorated(n):
    @tf.function
    def inner(x):
        if x > 3:
            return x * 2
        return x

    return inner(n) + inner(n - 5)
