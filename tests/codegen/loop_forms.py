"""Loop forms of well-known clusters, as the fuser builds them; each is one kernel."""

from __future__ import annotations

from numflow.graph.loops import Body, Loop, Operand, Term

C, K = 0.7978845608, 0.044715  # tanh-GELU: Hendrycks & Gimpel 2016


def vectors(*names: str, dtype: str = "f32", access: str = "u") -> list[Operand]:
    return [Operand(n, dtype, access) for n in names]


def _inner(b: Body, x: Term) -> Term:
    return b.tanh(b.mul(b.add(x, b.mul(b.mul(b.mul(x, x), x), K)), C))


def gelu() -> Loop:
    b = Body("gelu", 1, vectors("x", "y"))
    x = b.load("x")
    b.store("y", b.mul(b.mul(x, 0.5), b.add(_inner(b, x), 1.0)))
    return b.done()


def gelu_grad() -> Loop:
    b = Body("gelu_grad", 1, vectors("x", "dx"))
    x = b.load("x")
    t = _inner(b, x)
    slope = b.mul(b.add(b.mul(b.mul(x, x), 3 * K), 1.0), C)
    rest = b.mul(b.mul(b.mul(x, 0.5), b.sub(1.0, b.mul(t, t))), slope)
    b.store("dx", b.add(b.mul(b.add(t, 1.0), 0.5), rest))
    return b.done()


def relu_affine() -> Loop:
    """y = relu(a b + c)"""
    b = Body("relu_affine", 1, vectors("a", "b", "c", "y"))
    b.store("y", b.max(b.add(b.mul(b.load("a"), b.load("b")), b.load("c")), 0.0))
    return b.done()


def bias_tanh(inner: int | None = None) -> Loop:
    """y = tanh(x + bias)"""
    operands = [Operand("x", "f32", "su"), Operand("bias", "f32", "-u"), Operand("y", "f32", "su")]
    b = Body("bias_tanh", 2, operands, inner)
    b.store("y", b.tanh(b.add(b.load("x"), b.load("bias"))))
    return b.done()


def bias_tanh_grad(inner: int | None = None) -> Loop:
    """dx = dy (1 - y^2); dbias = sum of dx over rows"""
    b = Body("bias_tanh_grad", 2, vectors("y", "dy", "dx", "dbias_part", access="su"), inner)
    y = b.load("y")
    dx = b.mul(b.load("dy"), b.sub(1.0, b.mul(y, y)))
    b.store("dx", dx)
    b.reduce("sum", dx, "rows", ("dbias_part",))
    return b.done()


def column_sum() -> Loop:
    b = Body("column_sum", 2, vectors("x", "part", access="su"))
    b.reduce("sum", b.load("x"), "rows", ("part",))
    return b.done()


def softmax(log: bool = False, dtype: str = "f32", inner: int | None = None) -> Loop:
    """y = softmax(x) or log_softmax(x), lse = log sum e^x, over columns"""
    operands = [Operand("x", dtype, "su"), Operand("y", dtype, "su"), Operand("lse", dtype, "s-")]
    b = Body("log_softmax" if log else "softmax", 2, operands, inner)
    x = b.load("x")
    largest = b.reduce("max", x)
    b.sweep()
    shifted = b.sub(x, largest)
    e = b.exp(shifted)
    total = b.sum(e)
    b.store("y", shifted if log else e)
    b.sweep()
    b.store("lse", b.add(b.log(total), largest))
    y = b.load("y")
    b.store("y", b.sub(y, b.log(total)) if log else b.mul(y, b.div(1.0, total)))
    return b.done()


def cross_entropy(inner: int | None = None, label: str = "i32") -> Loop:
    """loss[row] = lse - x[label]; dx = (softmax(x) - onehot(label)) scale. A label outside is
    reported, its row is right
    for no label: no memory is indexed by it."""
    operands = [
        Operand("x", "f32", "su"),
        Operand("label", label, "s-"),
        Operand("scale", "f32", "--"),
        Operand("loss", "f32", "s-"),
        Operand("dx", "f32", "su"),
    ]
    b = Body("cross_entropy", 2, operands, inner)
    x, y = b.load("x"), b.load("label")
    hit = b.eq(b.index(-1, "i32"), b.cast(y, "i32"))
    largest = b.reduce("max", x)
    b.check(b.logical_and(b.ge(y, 0), b.lt(y, b.size("cols", label))))
    b.sweep()
    e = b.exp(b.sub(x, largest))
    total, picked = b.sum(e), b.sum(b.select(hit, x, 0.0))
    b.store("dx", e)
    b.sweep()
    b.store("loss", b.sub(b.add(b.log(total), largest), picked))
    scale = b.load("scale")
    b.store("dx", b.sub(b.mul(b.load("dx"), b.div(scale, total)), b.select(hit, scale, 0.0)))
    return b.done()


def layer_norm() -> Loop:
    """y = (x - mean) rstd gamma + beta, with mean and rstd per row kept for the gradient"""
    operands = [
        *vectors("x", "y", access="su"),
        *vectors("gamma", "beta", access="-u"),
        *vectors("mean", "rstd", access="s-"),
    ]
    b = Body("layer_norm", 2, operands)
    mean, centred, rstd = _moments(b)
    b.store("mean", mean)
    b.store("rstd", rstd)
    b.store("y", b.add(b.mul(b.mul(centred, rstd), b.load("gamma")), b.load("beta")))
    return b.done()


def layer_norm_both() -> Loop:
    """Forward and backward in one pass over x and dy: y, dx, dgamma, dbeta; Ba et al. 2016"""
    parts = vectors("x", "dy", "y", "dx", "dgamma_part", "dbeta_part", access="su")
    b = Body("layer_norm_both", 2, [*parts, *vectors("gamma", "beta", access="-u")])
    _, centred, rstd = _moments(b)
    x_hat = b.mul(centred, rstd)
    b.store("y", b.add(b.mul(x_hat, b.load("gamma")), b.load("beta")))
    dy = b.load("dy")
    h = b.mul(dy, b.load("gamma"))
    first, second = b.sum(h), b.sum(b.mul(h, x_hat))
    b.reduce("sum", b.mul(dy, x_hat), "rows", ("dgamma_part",))
    b.reduce("sum", dy, "rows", ("dbeta_part",))
    b.sweep()
    n = b.size("cols")
    inside = b.sub(b.sub(h, b.div(first, n)), b.mul(x_hat, b.div(second, n)))
    b.store("dx", b.mul(inside, rstd))
    return b.done()


def _moments(b: Body) -> tuple[Term, Term, Term]:
    """mean, x - mean, 1/std, in two sweeps, without cancellation; the third begins."""
    x = b.load("x")
    total = b.sum(x)
    b.sweep()
    mean = b.div(total, b.size("cols"))
    centred = b.sub(x, mean)
    squares = b.sum(b.mul(centred, centred))
    b.sweep()
    rstd = b.div(1.0, b.sqrt(b.add(b.div(squares, b.size("cols")), 1e-5)))
    return mean, centred, rstd


def perceptron(inner: int | None = None) -> Loop:
    """A 1-n-1 network with its loss and its gradients, rows = samples: one kernel.

    h = tanh(x w0 + b0); d = h . w1 + b1 - y; loss = sum d^2, and the sums over rows of every
    gradient.
    """
    operands = [
        *vectors("x", "y", access="s-"),
        *vectors("w0", "b0", "w1", access="-u"),
        *vectors("b1", access="--"),
        *vectors("dw0", "db0", "dw1", access="su"),
        *vectors("db1", "loss", access="--"),
    ]
    b = Body("perceptron", 2, operands, inner)
    x = b.load("x")
    h = b.tanh(b.add(b.mul(x, b.load("w0")), b.load("b0")))
    prediction = b.sum(b.mul(h, b.load("w1")))
    b.sweep()
    d = b.sub(b.add(prediction, b.load("b1")), b.load("y"))
    back = b.mul(b.mul(d, b.load("w1")), b.sub(1.0, b.mul(h, h)))
    b.reduce("sum", b.mul(back, x), "rows", ("dw0",))
    b.reduce("sum", back, "rows", ("db0",))
    b.reduce("sum", b.mul(h, d), "rows", ("dw1",))
    b.reduce("sum", d, "each", ("db1",))
    b.reduce("sum", b.mul(d, d), "each", ("loss",))
    return b.done()


def batch_norm() -> Loop:
    """[images, channels, pixels] as [kept, reduced, kept] would be.

    Y = (x - mean over depth) / std, a deep loop.
    """
    b = Body("deep_norm", 3, vectors("x", "y", access="ssu"), deep=True)
    x = b.load("x")
    n = b.size("depth")
    total = b.sum(x, "depth")
    b.sweep()
    centred = b.sub(x, b.div(total, n))
    squares = b.sum(b.mul(centred, centred), "depth")
    b.sweep()
    b.store("y", b.div(centred, b.sqrt(b.add(b.div(squares, n), 1e-5))))
    return b.done()
