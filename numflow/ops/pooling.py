"""What windows over an image hold: the largest element, the mean; and their gradients.

    y, place = max_pool_places(x)      x [batch, *image, channels], one to three axes of the image
    dx = pool_spread(dy, place)        each element of dy where its place says
    y = pool_pick(x, place)            each element of y from where its place says

`place` is the number of a tap of the window, counted row by row: the first of equal elements. The
last two are each other's gradients, and linear: so pooling differentiates as often as one likes.
Means have no places: `mean_pool` and `sum_spread` are each other's gradients but for factors.

Floats of 32 and 64 bits are pooled; other dtypes become these in pool_api.py, which reads the
arguments of users. A NaN is passed over, since it is not larger than anything, as in TensorFlow;
the largest of nothing is -inf.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.lowering import Composite, HostCall, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.kernels.records import NamedTuple
from numflow.ops import creation, run_time, windows
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent

Cut = tuple[slice, ...]


class Pool(NamedTuple):
    """The window and how it moves, per axis of the image. padding: (in front, behind)."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[windows.Pair, ...]
    dilations: tuple[int, ...]

    def result(self, image: Sequence[Extent]) -> tuple[Extent, ...]:
        """The sizes of the result."""
        return tuple(
            windows.places(n, k, s, p, d) for n, k, s, p, d in zip(image, *self, strict=True)
        )

    @property
    def taps(self) -> int:
        """How many pixels a window has, those in the padding too."""
        return int(np.prod(self.kernel, dtype=object))

    @property
    def attrs(self) -> Attrs:
        """As attributes of the ops."""
        return self._asdict()

    @property
    def place(self) -> dtypes.DType:
        """What the numbers of taps are kept as."""
        return dtypes.uint8 if self.taps <= 256 else dtypes.int32


def _pool(attrs: Attrs) -> Pool:
    return Pool(*(attrs[name] for name in Pool._fields))


# --- references --------------------------------------------------------------------------


def _taps(g: Pool, image: Sequence[int]) -> Iterator[tuple[int, Cut, Cut]]:
    """(tap, the part of the result that it is in the image for, its pixels), tap by tap."""
    result = g.result(image)
    axes = [
        windows.taps(n, int(o), k, s, int(p[0]), d)  # type: ignore[arg-type]
        for n, o, (k, s, p, d) in zip(image, result, zip(*g, strict=True), strict=True)
    ]
    everything = slice(None)
    for taps in itertools.product(*axes):
        number = 0
        for (tap, _, _), k in zip(taps, g.kernel, strict=True):
            number = number * k + tap
        yield number, (everything, *(t[1] for t in taps)), (everything, *(t[2] for t in taps))


def _lowest(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _largest(x: Any, **attrs: Any) -> Any:
    g, image = _pool(attrs), x.shape[1:-1]
    y = np.full((x.shape[0], *g.result(image), x.shape[-1]), _lowest(x.dtype), x.dtype)
    for _, to, at in _taps(g, image):
        np.fmax(y[to], x[at], out=y[to])
    return y


def _largest_places(x: Any, **attrs: Any) -> Any:
    g, image = _pool(attrs), x.shape[1:-1]
    y = _largest(x, **attrs)
    if g.place is not dtypes.uint8:
        return y, _first_places(x, g)
    place = np.full(y.shape, 255, np.uint8)
    for tap, to, at in _taps(g, image):  # the least tap that is equal, in arithmetic of bytes
        found = np.equal(x[at], y[to]).view(np.uint8)
        np.multiply(found, np.uint8(255 - tap), out=found)
        np.subtract(np.uint8(255), found, out=found)
        np.minimum(place[to], found, out=place[to])
    if np.any((place == 255) & (y == _lowest(y.dtype))):  # windows of NaN only
        place = _first_places(x, g)
    return y, place


def _first_places(x: Any, g: Pool) -> Any:
    """The tap of the largest element; of windows of NaN the first one in the image."""
    image = x.shape[1:-1]
    shape = (x.shape[0], *g.result(image), x.shape[-1])
    most = np.full(shape, _lowest(x.dtype), x.dtype)
    place = np.full(shape, -1, np.int32)
    for tap, to, at in _taps(g, image):
        v, best, where = x[at], most[to], place[to]
        larger = v > best
        np.copyto(best, v, where=larger)
        np.copyto(where, tap, where=larger | (where < 0))
    return np.maximum(place, 0).astype(g.place.numpy)


def _picked(x: Any, place: Any, **attrs: Any) -> Any:
    g = _pool(attrs)
    y = np.zeros(place.shape, x.dtype)
    for tap, to, at in _taps(g, x.shape[1:-1]):
        np.copyto(y[to], x[at], where=place[to] == tap)
    return y


def _spread(dy: Any, place: Any, *, image: tuple[int, ...], **attrs: Any) -> Any:
    dx = np.zeros((dy.shape[0], *image, dy.shape[-1]), dy.dtype)
    word = np.int32 if dy.dtype.itemsize == 4 else np.int64
    bits = np.ascontiguousarray(dy).view(word)
    for tap, to, at in _taps(_pool(attrs), image):
        # all ones or none, and dy: a third of the time of np.where
        mask = np.negative((place[to] == tap).view(np.int8)).astype(word)
        dx[at] += np.bitwise_and(mask, bits[to]).view(dy.dtype)
    return dx


def _mean(x: Any, **attrs: Any) -> Any:
    g, image = _pool(attrs), x.shape[1:-1]
    y = np.zeros((x.shape[0], *g.result(image), x.shape[-1]), x.dtype)
    for _, to, at in _taps(g, image):
        y[to] += x[at]
    return y / counts(g, image).astype(x.dtype)


def _spread_sum(dy: Any, *, image: tuple[int, ...], scale: float, **attrs: Any) -> Any:
    dx = np.zeros((dy.shape[0], *image, dy.shape[-1]), dy.dtype)
    for _, to, at in _taps(_pool(attrs), image):
        dx[at] += dy[to]
    return dx * dy.dtype.type(scale)


def counts(g: Pool, image: Sequence[int]) -> Any:
    """Taps in the image, at least 1, for each place [1, *result, 1]."""
    total: Any = np.ones(1)
    for n, o, (k, s, p, d) in zip(image, g.result(image), zip(*g, strict=True), strict=True):
        begin = np.arange(int(o)) * s - int(p[0])  # type: ignore[arg-type]
        first = np.maximum(0, -(begin // d))
        count = np.minimum(k, (n - 1 - begin) // d + 1) - first
        total = np.multiply.outer(total, np.maximum(count, 0))
    return np.maximum(total, 1)[..., None]


# --- the largest ---------------------------------------------------------------------------


def _pool_infer(x: Spec, **attrs: Any) -> Spec:
    return Spec((x.shape[0], *_pool(attrs).result(x.shape[1:-1]), x.shape[-1]), x.dtype)


def _places_infer(x: Spec, **attrs: Any) -> tuple[Spec, Spec]:
    y = _pool_infer(x, **attrs)
    return y, Spec(y.shape, _pool(attrs).place)


def _max_vjp(g: Backward) -> tuple[Tensor]:
    # The places are found anew: what a trace computes twice is merged with the forward pass.
    (x,) = g.inputs
    _, place = places_op(x, **g.attrs)
    return (spread_op(g.ct, place, image=tuple(x.spec.shape[1:-1]), **g.attrs),)


def _places_vjp(g: Backward) -> tuple[Tensor | None]:
    if g.cts[0] is None:
        return (None,)
    image = tuple(g.inputs[0].spec.shape[1:-1])
    return (spread_op(g.cts[0], g.outputs[1], image=image, **g.attrs),)


def _window(x: Spec, y: Spec, g: Pool) -> Any:
    """The sizes, for a plan: x's are those of the image, y's of the result."""
    from numflow.kernels.cpu.pool import Window  # llvmlite: only where code is made

    def three(values: Sequence[Any], fill: int) -> Any:
        return (*[fill] * (3 - len(values)), *(int(v) for v in values))

    return Window(
        int(x.shape[0]),  # type: ignore[arg-type]
        three(x.shape[1:-1], 1),
        int(x.shape[-1]),  # type: ignore[arg-type]
        three(g.kernel, 1),
        three(y.shape[1:-1], 1),
        three(g.strides, 1),
        three([p[0] for p in g.padding], 0),
        three(g.dilations, 1),
    )


def _plan_max(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import pool

    (x,), y = inputs, outputs[0]
    s = _window(x, y, _pool(attrs))
    return pool.plan_max(s, x.dtype.name, places=len(outputs) == 2)


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    """Elements that are looked at."""
    small: Any = outputs[0].size if "image" not in attrs else inputs[0].size
    return float(small) * _pool(attrs).taps


largest_op = Op(
    "max_pool_direct", _pool_infer, _largest, None, Library(_plan_max, cost=_cost, pool="max")
)
places_op = Op(
    "max_pool_places",
    _places_infer,
    _largest_places,
    _places_vjp,
    Library(_plan_max, cost=_cost, alone=largest_op, pool="max"),
)
max_op = Op(
    "max_pool",
    _pool_infer,
    _largest,
    _max_vjp,
    Composite(lambda x, **attrs: places_op(x, **attrs)[0]),
)
exact_op = Op(
    "max_pool_exact",
    _places_infer,
    _largest_places,
    None,
    HostCall("64-bit integers are no floats"),
)


# --- by places -----------------------------------------------------------------------------


def _plan_pick(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import pool

    (x, _), (y,) = inputs, outputs
    return pool.plan_pick(_window(x, y, _pool(attrs)), x.dtype.name)


def _plan_spread(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import pool

    (dy, _), (dx,) = inputs, outputs
    return pool.plan_spread(_window(dx, dy, _pool(attrs)), dy.dtype.name)


def _of_pool(attrs: Attrs) -> Attrs:
    return {name: attrs[name] for name in Pool._fields}


def _pick_vjp(g: Backward) -> tuple[Tensor | None, None]:
    x, place = g.inputs
    return spread_op(g.ct, place, image=tuple(x.spec.shape[1:-1]), **g.attrs), None


def _image_infer(dy: Spec, *_: Spec, image: tuple[Extent, ...], **attrs: Any) -> Spec:
    return Spec((dy.shape[0], *image, dy.shape[-1]), dy.dtype)


pick_op = Op(
    "pool_pick",
    lambda x, place, **attrs: Spec(place.shape, x.dtype),
    _picked,
    _pick_vjp,
    Library(_plan_pick, cost=_cost),
)
spread_op = Op(
    "pool_spread",
    _image_infer,
    _spread,
    lambda g: (pick_op(g.ct, g.inputs[1], **_of_pool(g.attrs)), None),
    Library(_plan_spread, cost=_cost),
)


# --- means -----------------------------------------------------------------------------------


def _plan_mean(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import pool

    (x,), (y,) = inputs, outputs
    return pool.plan_mean(_window(x, y, _pool(attrs)), x.dtype.name)


def _plan_sum(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import pool

    (dy,), (dx,) = inputs, outputs
    s = _window(dx, dy, _pool(attrs))
    return pool.plan_spread_sum(s, dy.dtype.name, scale=attrs["scale"])


def _inside(g: Pool) -> bool:
    """Whether every tap of every window is in the image."""
    return all(p == (0, 0) for p in g.padding)


def _count_tensor(g: Pool, image: Sequence[Extent], like: Tensor) -> Tensor:
    """Taps in the image [1, *result, 1], where they differ from window to window."""
    sizes = [n for n in image if isinstance(n, int)]
    if len(sizes) == len(image):
        return as_tensor(counts(g, sizes).astype(like.dtype.numpy))
    total: Any = None
    for axis, (n, o, (k, s, p, d)) in enumerate(
        zip(image, g.result(image), zip(*g, strict=True), strict=True)
    ):
        # as `counts`, of sizes that only a plan knows
        size, before = (shaping.size_tensor(m, dtypes.int64) for m in (n, p[0]))
        begin = creation.iota((o,), 0, dtypes.int64) * s - before
        gap = as_tensor(d, dtypes.int64)
        first = maths.maximum(-run_time.quotient_op(begin, gap), 0)
        last = maths.minimum(run_time.quotient_op(size - 1 - begin, gap) + 1, k)
        count = shaping.reshape(maths.maximum(last - first, 0), (o, *(1,) * (len(image) - axis)))
        total = count if total is None else total * count
    whole = maths.cast(maths.maximum(total, 1), like.dtype)
    return shaping.reshape_op(whole, shape=(1, *whole.spec.shape))


def _mean_vjp(g: Backward) -> tuple[Tensor]:
    (x,), ct, pool = g.inputs, g.ct, _pool(g.attrs)
    image = tuple(x.spec.shape[1:-1])
    if _inside(pool):
        return (sum_spread_op(ct, image=image, scale=1.0 / pool.taps, **g.attrs),)
    scaled = ct / _count_tensor(pool, image, ct)
    return (sum_spread_op(scaled, image=image, scale=1.0, **g.attrs),)


def _sum_spread_vjp(g: Backward) -> tuple[Tensor]:
    attrs = _of_pool(g.attrs)
    pool, image, scale = _pool(attrs), g.attrs["image"], g.attrs["scale"]
    mean = mean_op(g.ct, **attrs)
    if _inside(pool):
        factor = scale * pool.taps
        return (mean if factor == 1.0 else mean * factor,)
    return (maths.multiply(mean, _count_tensor(pool, image, mean)) * scale,)


mean_op = Op(
    "avg_pool", _pool_infer, _mean, _mean_vjp, Library(_plan_mean, cost=_cost, pool="mean")
)
sum_spread_op = Op(
    "avg_pool_image", _image_infer, _spread_sum, _sum_spread_vjp, Library(_plan_sum, cost=_cost)
)
