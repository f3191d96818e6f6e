"""Functions as tutorials have them, with control flow on tensors; what TensorFlow gives is recorded."""

# ruff: noqa
# mypy: ignore-errors

import contextlib

import numpy as np

import numflow as tf

SNIPPETS = []


def snippet(*args):
    def add(f):
        SNIPPETS.append((f, args))
        return f

    return add


V = np.array([1.0, -2.0, 3.5, 0.5], np.float32)
M = np.arange(6, dtype=np.float32).reshape(3, 2) - 2


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


@snippet(np.float32(3.0))
def static_condition(x, training=True):
    if training:
        x = x * 2.0
    if not training:
        x = x - 100.0
    return x


@snippet(V)
def zipped(x):
    losses = []
    for a, b in zip([1.0, 2.0], [x[0], x[1]]):
        losses.append(a * b)
    return tf.add_n(losses)


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


@snippet(M)
def power_iteration(x):
    a = tf.matmul(x, x, transpose_a=True)
    v = tf.ones([2, 1])
    for _ in tf.range(10):
        v = tf.matmul(a, v)
        v = v / tf.norm(v)
    return v


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


@snippet(V)
def length_and_enumerate(x):
    s = 0
    for i in tf.range(len(x)):
        s += i
    return s


@snippet(np.int32(7))
def last_value_of_the_counter(n):
    i = 0
    for i in tf.range(n):
        if i * i > 10:
            break
    return i


@snippet(np.int32(7))
def set_in_both_arms(n):
    if n > 3:
        message, x = 1, n
    else:
        message, x = 0, -n
    return message, x


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


@snippet(np.int32(10))
def maximum_iterations(n):
    i = 0
    while i < n:
        tf.autograph.experimental.set_loop_options(maximum_iterations=4)
        i += 1
    return i


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
