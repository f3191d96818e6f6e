"""Tutorials' functions that walk over tensors: sums, scans, recurrent networks."""

# ruff: noqa
# mypy: ignore-errors

import numpy as np

import numflow as tf
from tests.autograph.collected import collect

SNIPPETS: list = []
snippet = collect(SNIPPETS)

V = np.array([1.0, -2.0, 3.5, 0.5], np.float32)
M = np.arange(6, dtype=np.float32).reshape(3, 2) - 2


@snippet(V)
def sum_of_positive(x):
    s = 0.0
    for v in x:
        if v > 0:
            s += v
    return s


@snippet(V)
def sum_with_continue(x):
    s = tf.constant(0.0)
    for v in x:
        if v < 0:
            continue
        s += v
    return s


@snippet(V)
def until_large(x):
    s = 0.0
    for v in x:
        s += v
        if s > 2.0:
            break
    return s


@snippet(V)
def index_of_maximum(x):
    best, at = x[0], 0
    for i in tf.range(1, tf.shape(x)[0]):
        if x[i] > best:
            best, at = x[i], i
    return at, best


@snippet(V)
def bubble_pass(x):
    n = tf.shape(x)[0]
    swaps = 0
    for i in tf.range(n - 1):
        if x[i] > x[i + 1]:
            swaps += 1
    return swaps


@snippet(M)
def rows(x):
    s = tf.zeros([2])
    for row in x:
        s = s + row * row
    return s


@snippet(M)
def dynamic_rnn(x):
    h = tf.zeros([2])
    out = tf.TensorArray(tf.float32, size=3)
    for t in tf.range(3):
        h = tf.tanh(h * 0.5 + x[t])
        out = out.write(t, h)
    return out.stack(), h


@snippet(M)
def dynamic_rnn_of_any_length(x):
    h = tf.zeros([2])
    out = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    for t in tf.range(tf.shape(x)[0]):
        h = tf.tanh(h * 0.5 + x[t])
        out = out.write(t, h)
    return out.stack()


@snippet(M)
def rnn_with_lengths(x):
    lengths = tf.constant([1, 3, 2])
    h = tf.zeros([3])
    t = 0
    while t < tf.reduce_max(lengths):
        h = tf.where(t < lengths, h + x[:, 0], h)
        t += 1
    return h


@snippet(V)
def running_mean(x):
    mean, n = 0.0, 0.0
    for v in x:
        n += 1.0
        mean += (v - mean) / n
    return mean


@snippet(np.int32(5))
def python_loop_around_tensors(n):
    s = n
    for k in range(3):
        if k == 1:
            s = s * 2
        else:
            s = s + k
    return s


@snippet(V)
def zipped(x):
    losses = []
    for a, b in zip([1.0, 2.0], [x[0], x[1]]):
        losses.append(a * b)
    return tf.add_n(losses)


@snippet(M)
def power_iteration(x):
    a = tf.matmul(x, x, transpose_a=True)
    v = tf.ones([2, 1])
    for _ in tf.range(10):
        v = tf.matmul(a, v)
        v = v / tf.norm(v)
    return v


@snippet(V)
def length_and_enumerate(x):
    s = 0
    for i in tf.range(len(x)):
        s += i
    return s


@snippet(V)
def monte_carlo_like(x):
    inside = 0
    for v in x:
        if v * v < 2.0:
            inside += 1
    return 4.0 * tf.cast(inside, tf.float32) / tf.cast(tf.shape(x)[0], tf.float32)


@snippet(M)
def matrix_loop(x):
    s = 0.0
    for row in x:
        for v in row:
            if v > 0:
                s += v
    return s


@snippet(V)
def kmeans_step(x):
    centers = tf.constant([0.0, 3.0])
    for _ in tf.range(5):
        near = tf.abs(x - centers[0]) < tf.abs(x - centers[1])
        n0 = tf.reduce_sum(tf.cast(near, tf.float32))
        c0 = tf.reduce_sum(tf.where(near, x, tf.zeros_like(x))) / tf.maximum(n0, 1.0)
        c1 = tf.reduce_sum(tf.where(near, tf.zeros_like(x), x)) / tf.maximum(4.0 - n0, 1.0)
        centers = tf.stack([c0, c1])
    return centers


@snippet(V, np.float32(2.0))
def scan_by_hand(x, decay):
    s = tf.zeros_like(x)
    acc = 0.0
    out = tf.TensorArray(tf.float32, size=tf.shape(x)[0])
    i = 0
    for v in x:
        acc = acc / decay + v
        out = out.write(i, acc)
        i += 1
    return out.stack()
