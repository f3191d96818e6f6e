"""Tutorials' functions that train: gradients of control flow, variables, early stopping."""

# ruff: noqa
# mypy: ignore-errors

import numpy as np

import numflow as tf
from tests.autograph.collected import collect

SNIPPETS: list = []
snippet = collect(SNIPPETS)

V = np.array([1.0, -2.0, 3.5, 0.5], np.float32)


@snippet(V)
def gradient_of_a_branch(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x)
        if y > 0:
            z = y * y
        else:
            z = -y
    return tape.gradient(z, x)


@snippet(np.float32(1.1))
def gradient_of_a_loop(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for _ in tf.range(4):
            y = y * x
    return tape.gradient(y, x)


@snippet(np.float32(1.3))
def gradient_of_a_while(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        while y < 10.0:
            y = y * x + 0.5
    return y, tape.gradient(y, x)


@snippet(V)
def gradient_descent(target):
    w = tf.zeros([4])
    for step in tf.range(20):
        with tf.GradientTape() as tape:
            tape.watch(w)
            loss = tf.reduce_sum((w - target) ** 2)
        w = w - 0.1 * tape.gradient(loss, w)
    return w, loss


@snippet(V)
def early_stopping(target):
    w = tf.zeros([4])
    best = tf.constant(1e9)
    patience = 0
    for step in tf.range(100):
        loss = tf.reduce_sum((w - target) ** 2)
        if loss < best - 1e-3:
            best = loss
            patience = 0
        else:
            patience += 1
            if patience >= 3:
                break
        w = w - 0.2 * (w - target)
    return step, best


COUNTER = tf.Variable(0.0)


@snippet(np.int32(4))
def variable_in_a_loop(n):
    COUNTER.assign(1.0)
    for i in tf.range(n):
        COUNTER.assign_add(tf.cast(i, tf.float32))
    return COUNTER.read_value()


@snippet(np.float32(2.0))
def variable_in_a_branch(x):
    COUNTER.assign(10.0)
    if x > 1.0:
        COUNTER.assign_sub(x)
    else:
        COUNTER.assign(0.0)
    return COUNTER + 1.0


@snippet(np.int32(20))
def variable_as_a_condition(n):
    COUNTER.assign(0.0)
    while COUNTER < 5.0:
        COUNTER.assign_add(2.0)
    if COUNTER > 5.5:
        return COUNTER * 2.0
    return COUNTER + 0.0
