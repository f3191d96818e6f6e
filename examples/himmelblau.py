"""Walk down Himmelblau's function from several starts, and draw the paths on its contours.

    python examples/himmelblau.py
    python examples/himmelblau.py --steps 100 --out /tmp/pictures

f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2 has four minima, all of them 0. Where a walk ends
depends on its start and on the optimizer: Adam and gradient descent part ways from the last two
starts. All starts walk at once, as rows of one variable.

Source: Himmelblau 1972, "Applied Nonlinear Programming".
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import numflow as tf

MINIMA = [(3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)]
STARTS = [(4.0, 4.5), (-4.5, 0.5), (0.5, -4.5), (-1.0, -0.5), (0.5, -1.0)]


def himmelblau(x: Any, y: Any) -> Any:
    """The height at (x, y): numbers, NumPy arrays or tensors."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def main() -> None:
    options = parse_options()
    walks = {
        "gradient descent": walk(tf.optimizers.SGD(0.005), options.steps),
        "Adam": walk(tf.optimizers.Adam(0.1), options.steps),
    }
    for name, path in walks.items():
        print(f"{name}, {options.steps} steps:")
        for start, end in zip(path[0], path[-1], strict=True):
            height = himmelblau(*end)
            print(
                f"  from ({start[0]:4.1f}, {start[1]:4.1f}) to ({end[0]:7.4f}, {end[1]:7.4f}), "
                f"height {height:.2e}, {nearest_minimum(end):.1e} from a minimum"
            )
    draw(walks, options.out / "himmelblau.png")


def walk(optimizer: Any, steps: int) -> Any:
    """The points [steps + 1, starts, 2] that the optimizer visits from STARTS."""
    points = tf.Variable(np.array(STARTS, np.float32))

    @tf.function
    def descend() -> Any:
        with tf.GradientTape() as tape:
            # The sum: each row's gradient is that of its own height.
            height = tf.reduce_sum(himmelblau(points[:, 0], points[:, 1]))
        optimizer.apply_gradients([(tape.gradient(height, points), points)])
        return height

    path = [points.numpy()]
    for _ in range(steps):
        descend()
        path.append(points.numpy())
    return np.stack(path)


def nearest_minimum(point: Any) -> float:
    """The distance from a point [2] to the closest minimum."""
    return float(min(np.hypot(point[0] - x, point[1] - y) for x, y in MINIMA))


def draw(walks: dict[str, Any], path: Path) -> None:
    """Contours at heights that grow by a constant factor, and one panel per optimizer."""
    x, y = np.meshgrid(np.linspace(-5.5, 5.5, 400), np.linspace(-5.5, 5.5, 400))
    heights = himmelblau(x, y)
    figure = Figure(figsize=(11, 5.4), layout="constrained")
    panels = figure.subplots(1, len(walks), sharey=True)
    for axes, (name, points) in zip(panels, walks.items(), strict=True):
        axes.contour(x, y, heights, levels=np.geomspace(1, 900, 16), cmap="viridis", linewidths=0.7)
        for i in range(points.shape[1]):
            axes.plot(
                points[:, i, 0], points[:, i, 1], ".-", color=f"C{i}", markersize=3, linewidth=1
            )
            axes.plot(*points[0, i], "o", color=f"C{i}", markersize=7)
        axes.plot(*np.transpose(MINIMA), "k*", markersize=11, linestyle="none", zorder=3)
        axes.set(title=name, xlabel="x", aspect="equal")
    panels[0].set_ylabel("y")
    figure.suptitle("Himmelblau's function: dots are starts, stars are minima")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"drawn: {path}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200, help="steps of each walk (default 200)")
    parser.add_argument("--quick", action="store_true", help="30 steps, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    options = parser.parse_args()
    if options.quick:
        options.steps = 30
    return options


if __name__ == "__main__":
    main()
