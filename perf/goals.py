"""What is measured, how a figure is shown, and what it must reach."""

from collections.abc import Callable
from dataclasses import dataclass

from perf import workloads

PEERS = (
    "tensorflow",
    "jax",
    "torch",
)  # "best peer" is the fastest of these; NumPy is shown beside them


@dataclass(frozen=True)
class Figure:
    """numflow on one case, compared. None where something was not measured."""

    seconds: float
    times_peer: float | None  # how many times faster than the best peer
    times_numpy: float | None
    share: float | None  # of the machine's multiply-add peak


@dataclass(frozen=True)
class Goal:
    """A goal in words, and whether a figure meets it (None: cannot tell, a peer is missing)."""

    text: str
    met: Callable[[Figure], bool | None]


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    workload: str
    case: str
    title: str
    unit: str  # "us", "ms", "steps/s" or "GFLOP/s"
    flop: float = 0  # per call; 0 where the multiply-add peak is no bound
    goal: Goal | None = None


def faster(peer: float, numpy: float | None = None, at_most: float | None = None) -> Goal:
    """At least `peer` times the best peer's speed, `numpy` times NumPy's, in `at_most` seconds."""
    text = f">= {peer:g}x"
    text += f", NumPy >= {numpy:g}x" if numpy else ""
    text += f", <= {at_most * 1e6:g} us" if at_most else ""

    def met(figure: Figure) -> bool | None:
        parts = [figure.times_peer is not None and figure.times_peer >= peer]
        if figure.times_peer is None or (numpy and figure.times_numpy is None):
            return None
        if numpy and figure.times_numpy is not None:
            parts.append(figure.times_numpy >= numpy)
        if at_most:
            parts.append(figure.seconds <= at_most)
        return all(parts)

    return Goal(text, met)


def faster_or_share(peer: float, share: float) -> Goal:
    """At least `peer` times as fast as the best peer, or `share` of the machine's peak."""

    def met(figure: Figure) -> bool | None:
        reached = figure.share is not None and figure.share >= share
        if figure.times_peer is None:
            return reached or None
        return reached or figure.times_peer >= peer

    return Goal(f">= {peer:g}x or {share:.0%} of peak", met)


def within(seconds: float, beyond: str = "") -> Goal:
    """At most so many seconds. `beyond` names what the runner has already taken off."""
    text = f"<= {beyond}{seconds * 1e3:g} ms"
    return Goal(text, lambda figure: figure.seconds <= seconds)


def _w12(name: str, goal: Goal) -> Line:
    return Line("W12", name, f"GEMM {name}", "GFLOP/s", workloads.product_flop(name), goal)


LINES = (
    Line("W1", "numpy in and out", "x + 1, NumPy in and out", "us", goal=faster(4, at_most=2e-6)),
    Line("W1", "numpy in", "x + 1, NumPy in", "us"),
    Line("W1", "tensor in", "x + 1, tensor in", "us"),
    Line("W4", "train", "linear regression, 1 sample", "steps/s", goal=faster(10, 2.5)),
    Line("W5", "train", "MLP 200x1-10-1", "steps/s", goal=faster(5, 4)),
    Line(
        "W6",
        "train",
        "softmax 64x784x10",
        "steps/s",
        workloads.dense_flop(workloads.W6_BATCH, workloads.W6_LAYERS),
        faster(2.5),
    ),
    Line(
        "W7",
        "train",
        "MLP 784-256-128-64-32-10, Adam",
        "steps/s",
        workloads.dense_flop(workloads.W7_BATCH, workloads.W7_LAYERS),
        faster_or_share(1.6, 0.7),
    ),
    _w12("1024^3", faster(1, 0.9)),
    _w12("4096x784x256", faster(1, 0.9)),
    _w12("128x784x256", faster(1.02, 0.9)),
    _w12("32x30x120", faster(1.5, 0.9)),
    Line("W15", "import", "import", "ms"),
    Line("W15", "import beyond NumPy", "import, less NumPy's", "ms", goal=within(0.020)),
    Line("W15", "first step, empty cache", "first step of W7, empty cache", "ms", goal=within(0.4)),
    Line("W15", "first step, warm cache", "first step of W7, warm cache", "ms", goal=within(0.06)),
)

WORKLOADS = tuple(dict.fromkeys(line.workload for line in LINES))
