"""Tutorials' functions of numbers: searches, series, digits."""

# ruff: noqa
# mypy: ignore-errors

import numpy as np

import numflow as tf
from tests.autograph.collected import collect

SNIPPETS: list = []
snippet = collect(SNIPPETS)


@snippet(np.int32(15))
def fizzbuzz(n):
    fizz, buzz, both = 0, 0, 0
    for i in tf.range(1, n + 1):
        if i % 3 == 0 and i % 5 == 0:
            both += 1
        elif i % 3 == 0:
            fizz += 1
        elif i % 5 == 0:
            buzz += 1
    return fizz, buzz, both


@snippet(np.float32(2.0))
def newton(x):
    y = x
    while tf.abs(y * y - x) > 1e-5:
        y = (y + x / y) / 2.0
    return y


@snippet(np.int32(27))
def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@snippet(np.int32(10))
def fibonacci(n):
    a, b = 0, 1
    for _ in tf.range(n):
        a, b = b, a + b
    return a


@snippet(np.int32(84), np.int32(36))
def euclid(a, b):
    while b > 0:
        a, b = b, a % b
    return a


@snippet(np.int32(6))
def factorial(n):
    r = 1
    while n > 1:
        r *= n
        n -= 1
    return r


@snippet(np.int32(30))
def is_prime(n):
    count = 0
    for i in tf.range(2, n):
        prime = True
        j = tf.constant(2)
        while j * j <= i:
            if i % j == 0:
                prime = False
                break
            j += 1
        if prime:
            count += 1
    return count


@snippet(np.int32(3), np.int32(4))
def nested_loops(n, m):
    s = 0
    for i in tf.range(n):
        for j in tf.range(m):
            if j > i:
                break
            s += i * j
    return s


@snippet(np.int32(3), np.int32(4))
def nested_whiles(n, m):
    i, s = 0, 0
    while i < n:
        j = 0
        while j < m:
            if (i + j) % 2 == 0:
                j += 1
                continue
            s += i + j
            j += 1
        i += 1
    return s, i


@snippet(np.float32(0.3), np.float32(0.5))
def mandelbrot(a, b):
    x, y, n = 0.0, 0.0, 0
    while x * x + y * y < 4.0 and n < 50:
        x, y = x * x - y * y + a, 2.0 * x * y + b
        n += 1
    return n


@snippet(np.float32(0.75))
def bisection(target):
    low, high = tf.constant(0.0), tf.constant(2.0)
    while high - low > 1e-5:
        middle = (low + high) / 2
        if middle * middle > target:
            high = middle
        else:
            low = middle
    return low


@snippet(np.int32(13))
def bits(n):
    count = 0
    while n > 0:
        count += n % 2
        n //= 2
    return count


@snippet(np.int32(5))
def triangular_with_else(n):
    s = 0
    for i in tf.range(n):
        s += i
    else:
        s += 100
    return s


@snippet(np.int32(5))
def range_with_steps(n):
    s = 0
    for i in tf.range(n, 0, -2):
        s = s * 10 + i
    for j in tf.range(0, n, 2):
        s = s * 10 + j
    return s


@snippet(np.int32(5))
def python_range_of_a_tensor(n):
    s = 0
    for i in range(n):
        s += i * i
    return s


@snippet(np.float32(5.5))
def float_range(x):
    s = 0.0
    for v in tf.range(0.0, x, 0.5):
        s += v
    return s


@snippet(np.int32(7))
def last_value_of_the_counter(n):
    i = 0
    for i in tf.range(n):
        if i * i > 10:
            break
    return i


@snippet(np.int32(7))
def temporaries(n):
    for i in tf.range(n):
        t = i * 2
        n = n + t
    if n > 3:
        u = n
        v = u + 1
        n = v
    return n


@snippet(np.int32(10))
def maximum_iterations(n):
    i = 0
    while i < n:
        tf.autograph.experimental.set_loop_options(maximum_iterations=4)
        i += 1
    return i


@snippet(np.float32(0.5))
def euler(x):
    t, dt = 0.0, 0.1
    while t < 1.0:
        x = x + dt * (-x)
        t += dt
    return x


@snippet(np.int32(6))
def reversed_digits(n):
    n = n * 1237
    r = 0
    while n > 0:
        r = r * 10 + n % 10
        n = n // 10
    return r
