"""Draw the Mandelbrot set with while loops, compiled, and look closer at its edge three times.

    python examples/mandelbrot.py
    python examples/mandelbrot.py --steps 5000 --out /tmp/pictures

A point c belongs to the set if z = z² + c, from z = 0, never leaves. How many steps the others take
gives the colours. A Python `while` on tensors says so in two ways: for the image as a whole, as one
writes it with NumPy, and pixel by pixel, where each pixel's loop ends as soon as it may. Both are
compared with NumPy itself.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

WIDTH, HEIGHT = 600, 400  # pixels
FAR = 65536.0  # |z|² beyond which z has left for sure; 4 would do, but colours are smoother so

Array = NDArray[Any]


class View(NamedTuple):
    """A part of the plane: its middle and its width."""

    name: str
    x: float
    y: float
    width: float


X, Y = -0.743643887037151, 0.131825904205330
VIEWS = (
    View("the whole set", -0.65, 0.0, 3.3),
    View("a tail in its valley", X, Y, 0.004),
    View("in the tail's curl", X, Y, 0.00016),
    View("the set once more", X, Y, 0.000015),
)


def main() -> None:
    options = parse_options()
    pictures = []
    start = time.perf_counter()
    views = Progress(VIEWS, label="drawing")
    for view in views:
        steps, distance = escape(*plane(view), options.steps)
        pictures.append(colours(steps.numpy(), distance.numpy()))
    seconds = time.perf_counter() - start
    print(f"{len(VIEWS)} views of {WIDTH} x {HEIGHT} pixels in {seconds:.2f} s")
    compare(options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    draw(pictures, options.out / "mandelbrot.png")


def plane(view: View) -> tuple[Array, Array]:
    """Real and imaginary part of c at every pixel, float64 [height, width]."""
    pixel = view.width / WIDTH
    x = view.x + pixel * (np.arange(WIDTH) - (WIDTH - 1) / 2)
    y = view.y - pixel * (np.arange(HEIGHT) - (HEIGHT - 1) / 2)
    real, imaginary = np.meshgrid(x, y)
    return real, imaginary


@tf.function
def escape(real: Any, imaginary: Any, limit: Any) -> Any:
    """How many steps each z takes to leave, and its |z|² then: one loop over the whole image."""
    x = tf.zeros_like(real)
    y = tf.zeros_like(real)
    steps = tf.zeros_like(real, tf.int32)
    inside = tf.ones_like(real, tf.bool)
    step = 0
    while step < limit and tf.reduce_any(inside):
        further = x * x - y * y + real
        y = tf.where(inside, 2 * x * y + imaginary, y)
        x = tf.where(inside, further, x)
        steps += tf.cast(inside, tf.int32)
        inside = x * x + y * y < FAR
        step += 1
    return steps, x * x + y * y


@tf.function
def escape_by_pixel(real: Any, imaginary: Any, limit: Any) -> Any:
    """The same, pixel after pixel: a loop over numbers, compiled into registers."""

    def pixel(c: Any) -> Any:
        x = y = tf.constant(0.0, tf.float64)
        step = 0
        while step < limit and x * x + y * y < FAR:
            x, y = x * x - y * y + c[0], 2 * x * y + c[1]
            step += 1
        return step, x * x + y * y

    points = tf.reshape(real, (-1,)), tf.reshape(imaginary, (-1,))
    steps, distance = tf.map_fn(pixel, points, fn_output_signature=(tf.int32, tf.float64))
    return tf.reshape(steps, tf.shape(real)), tf.reshape(distance, tf.shape(real))


def escape_by_numpy(real: Array, imaginary: Array, limit: int) -> tuple[Array, Array]:
    """The same by NumPy."""
    x, y = np.zeros_like(real), np.zeros_like(real)
    steps = np.zeros(real.shape, np.int32)
    inside = np.ones(real.shape, np.bool_)
    step = 0
    while step < limit and inside.any():
        further = x * x - y * y + real
        y = np.where(inside, 2 * x * y + imaginary, y)
        x = np.where(inside, further, x)
        steps += inside
        inside = x * x + y * y < FAR
        step += 1
    return steps, x * x + y * y


def compare(limit: int) -> None:
    """Print how long the three take for the whole set, compiled, and how far they agree."""
    ways: dict[str, Callable[..., Any]] = {
        "NumPy": escape_by_numpy,
        "image as a whole": escape,
        "pixel by pixel": escape_by_pixel,
    }
    points = plane(VIEWS[0])
    expected, slowest = np.zeros(0), 0.0
    for name, way in ways.items():
        if name != "NumPy":
            way(*points, limit)  # compiles it
        start = time.perf_counter()
        steps = np.asarray(way(*points, limit)[0])
        seconds = time.perf_counter() - start
        if name == "NumPy":
            expected, slowest = steps, seconds
            print(f"{name}: {seconds:.3f} s")
            continue
        # Sums of products are rounded once or twice, as the processor likes it: on the very edge
        # of the set a point may leave a little earlier or later.
        same = np.mean(steps == expected)
        print(f"{name}: {seconds:.3f} s, {slowest / seconds:.0f} times as fast, ", end="")
        print(f"{same:.2%} of the pixels equal")


def colours(steps: Array, distance: Array) -> Array:
    """Each pixel's rank among those that leave, from 0 to 1; NaN in the set."""
    left = distance >= FAR
    # A z that has just left and one that left by a whole step: |z| and |z|². The logarithm of the
    # logarithm says how much of a step it was.
    part = np.log2(np.log(np.where(left, distance, FAR)) / np.log(FAR))
    smooth = steps - part
    order = np.sort(smooth[left])
    return np.where(left, np.searchsorted(order, smooth) / max(1, len(order)), np.nan)


def draw(pictures: list[Array], path: Path) -> None:
    """The views, each nearer than the one before."""
    colours_of_ranks = colormaps["magma"].with_extremes(bad="black")
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, view, picture in zip(figure.subplots(2, 2).flat, VIEWS, pictures, strict=True):
        axes.imshow(picture, cmap=colours_of_ranks, vmin=0, vmax=1)
        axes.set_title(f"{view.name}, {view.width:g} wide", fontsize=10)
        axes.axis("off")
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1000, help="of z at most (default 1000)")
    parser.add_argument("--quick", action="store_true", help="50 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 50
    return options


if __name__ == "__main__":
    main()
