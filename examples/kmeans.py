"""Find clusters by k-means: a while loop that runs until no point changes its cluster.

    python examples/kmeans.py
    python examples/kmeans.py --steps 50 --out /tmp/pictures

First in the plane, where one sees the centroids walk; then among handwritten digits of 64 pixels,
whose centroids are digits again though nobody said what a digit is. Each search is one call of
compiled code: the loop ends inside, and the centroids' walk grows as a Python list does.

Source: Lloyd 1982, "Least Squares Quantization in PCM"; the starts: Arthur and Vassilvitskii 2007,
"k-means++: The Advantages of Careful Seeding".
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import numflow as tf
from numflow.progress import Progress

CLUSTERS = 10
POINTS = 3000  # of the plane

Array = NDArray[Any]


def main() -> None:
    options = parse_options()
    tf.random.set_seed(0)
    options.out.mkdir(parents=True, exist_ok=True)
    points = plane(np.random.default_rng(31))
    middle = points[np.argsort(np.sum(points**2, 1))[:CLUSTERS]]
    labels, walk = k_means(points, middle)
    print(f"plane: {len(walk)} iterations")
    draw_plane(points, labels.numpy(), np.stack([middle, *walk]), options.out / "kmeans_plane.png")

    images, digits = bundled_digits()
    start = time.perf_counter()
    least = np.inf
    searches = Progress(range(options.steps), label="searching")
    for _ in searches:
        first = careful_start(images, CLUSTERS)
        found, walk = k_means(images, first)
        spread = float(tf.reduce_sum((images - tf.gather(walk[-1], found)) ** 2))
        if spread < least:
            least, start_of_best, labels, centroids = spread, first, found.numpy(), walk[-1].numpy()
        searches.show(spread=least)
    seconds = time.perf_counter() - start
    print(f"digits: {options.steps} searches in {seconds:.2f} s, the best leaves {least:.0f}")
    other = by_scikit_learn(images, start_of_best.numpy())
    print(f"in another cluster than by scikit-learn: {np.sum(labels != other)} of {len(images)}")
    named = [np.bincount(digits[labels == k], minlength=10).argmax() for k in range(CLUSTERS)]
    share = np.mean(np.take(named, labels) == digits)
    print(f"digits that are what most of their cluster are: {share:.1%}")
    draw_digits(centroids, labels, digits, options.out / "kmeans_digits.png")


@tf.function
def k_means(points: Any, centroids: Any) -> Any:
    """Each point's cluster, int32 [count], and the centroids after every iteration."""
    count = centroids.shape[0]
    labels = tf.fill((points.shape[0],), -1)
    changed: Any = True
    walk = []
    while changed:
        distances = tf.reduce_sum((points[:, None] - centroids) ** 2, -1)
        nearest = tf.argmin(distances, 1, tf.int32)
        changed = tf.reduce_any(nearest != labels)
        labels = nearest
        means = tf.math.unsorted_segment_mean(points, labels, count)
        sizes = tf.math.unsorted_segment_sum(tf.ones_like(labels), labels, count)
        centroids = tf.where(sizes[:, None] > 0, means, centroids)  # an empty cluster stays
        walk.append(centroids)
    return labels, tf.stack(walk)


@tf.function
def careful_start(points: Any, count: int) -> Any:
    """`count` of the points, drawn far from each other: chances are as squares of distances."""
    first = tf.random.uniform((), 0, points.shape[0], tf.int32)
    chosen = points[first]
    centroids = [chosen]
    distances = tf.reduce_sum((points - chosen) ** 2, 1)
    for _ in range(count - 1):
        drawn = tf.random.categorical(tf.math.log(distances)[None], 1)[0, 0]
        chosen = points[drawn]
        centroids.append(chosen)
        distances = tf.minimum(distances, tf.reduce_sum((points - chosen) ** 2, 1))
    return tf.stack(centroids)


def plane(rng: np.random.Generator) -> Array:
    """Points around CLUSTERS places, float32 [POINTS, 2]."""
    places = rng.uniform(-10, 10, (CLUSTERS, 2))
    sizes = rng.uniform(0.5, 1.5, (CLUSTERS, 1))
    of = rng.integers(0, CLUSTERS, POINTS)
    points = places[of] + sizes[of] * rng.standard_normal((POINTS, 2))
    return points.astype(np.float32)


def bundled_digits() -> tuple[Array, Array]:
    """scikit-learn's digits, float32 [1797, 64] from 0 to 16, and what they are."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    return images.astype(np.float32), digits


def by_scikit_learn(points: Array, centroids: Array) -> Array:
    """The clusters that scikit-learn finds from the same start."""
    from sklearn.cluster import KMeans

    search = KMeans(len(centroids), init=centroids, n_init=1, tol=0, algorithm="lloyd")
    return np.asarray(search.fit(points).labels_)


def draw_plane(points: Array, labels: Array, walks: Array, path: Path) -> None:
    """The clusters, and each centroid's way from the middle to where it stays."""
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    axes = figure.subplots()
    axes.scatter(points[:, 0], points[:, 1], c=labels, cmap="tab10", s=5, alpha=0.4, linewidths=0)
    for k in range(CLUSTERS):
        axes.plot(*walks[:, k].T, "-", color="black", linewidth=1)
    axes.plot(*walks[0].T, "o", color="white", markeredgecolor="black", label="starts")
    axes.plot(*walks[-1].T, "*", color="black", markersize=12, label="ends")
    axes.set_aspect("equal")
    axes.legend(loc="lower right")
    axes.set_title(f"{CLUSTERS} centroids find their clusters in {len(walks) - 1} iterations")
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")


def draw_digits(centroids: Array, labels: Array, digits: Array, path: Path) -> None:
    """The centroids as images, and how many of which digits are in their clusters."""
    count = np.zeros((CLUSTERS, 10), np.int32)
    np.add.at(count, (labels, digits), 1)
    order = np.argsort(10 * count.argmax(1) - count.max(1) / len(labels))
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.sqrt(count[order].T), cmap="Blues", aspect="auto")
    for x, k in enumerate(order):
        above = axes.inset_axes((x / CLUSTERS, 1.02, 1 / CLUSTERS, 0.25))
        above.imshow(centroids[k].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        above.axis("off")
        for digit in np.flatnonzero(count[k]).tolist():
            share = count[k, digit] / count.max()
            axes.text(x, digit, f"{count[k, digit]}", ha="center", va="center", fontsize=9,
                      color="white" if share > 0.3 else "black")  # fmt: skip
    axes.set(xticks=[], yticks=range(10), ylabel="digit", xlabel="clusters, and what is in them")
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=100, help="searches for digits (default 100)")
    parser.add_argument("--quick", action="store_true", help="2 searches, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()
    if options.quick:
        options.steps = 2
    return options


if __name__ == "__main__":
    main()
