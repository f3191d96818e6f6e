"""What is measured, how a figure is shown, and what it must reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perf import operands, workloads

PEERS = (
    "tensorflow",
    "jax",
    "torch",
)  # "best peer" is the fastest of these; NumPy is shown beside them


@dataclass(frozen=True)
class Figure:
    """numflow on one case, compared. None where something was not measured."""

    cost: float  # seconds, or bytes of memory
    times_peer: float | None  # how many times better than the best peer
    times_numpy: float | None
    share: float | None  # of what the machine can do
    times: Mapping[str, float] = field(default_factory=dict)  # better than each framework


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
    unit: str  # "us", "ms", "s", "steps/s", "GFLOP/s", "GB/s" or "MB"
    work: float = 0  # operations or bytes of a call; 0 where no limit bounds it
    goal: Goal | None = None
    bound: str = "flop_per_second"  # the field of Limits that bounds it; "" for none


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
            parts.append(figure.cost <= at_most)
        return all(parts)

    return Goal(text, met)


def faster_than(**peers: float) -> Goal:
    """At least so many times as fast as each of these frameworks, whatever the others do."""
    names = {"tensorflow": "TF", "numpy": "NumPy", "torch": "torch", "jax": "JAX"}
    text = ", ".join(f"{names[name]} >= {times:.3g}x" for name, times in peers.items())

    def met(figure: Figure) -> bool | None:
        if any(figure.times[name] < peers[name] for name in peers if name in figure.times):
            return False
        return True if all(name in figure.times for name in peers) else None

    return Goal(text, met)


def share_of(share: float, of: str) -> Goal:
    """At least this share of what the machine can do."""

    def met(figure: Figure) -> bool | None:
        return None if figure.share is None else figure.share >= share

    return Goal(f">= {share:.0%} of {of}", met)


def faster_or_share(peer: float, share: float, of: str = "peak") -> Goal:
    """At least `peer` times as fast as the best peer, or `share` of the machine's limit."""

    def met(figure: Figure) -> bool | None:
        reached = figure.share is not None and figure.share >= share
        if figure.times_peer is None:
            return reached or None
        return reached or figure.times_peer >= peer

    return Goal(f">= {peer:g}x or {share:.0%} of {of}", met)


def within(seconds: float, beyond: str = "") -> Goal:
    """At most so many seconds. `beyond` names what the runner has already taken off."""
    text = f"<= {beyond}{seconds * 1e3:g} ms"
    return Goal(text, lambda figure: figure.cost <= seconds)


def _w12(name: str, goal: Goal) -> Line:
    return Line("W12", name, f"GEMM {name}", "GFLOP/s", workloads.product_flop(name), goal)


def _moved(workload: str, case: str, title: str, nbytes: float, goal: Goal, bound: str) -> Line:
    """A line bounded by memory: bytes read and written."""
    return Line(workload, case, title, "GB/s", nbytes, goal, bound)


def _chain(what: str, size: str, goal: Goal) -> Line:
    title = {"gelu": "GELU chain", "grad": "its gradient"}[what] + f", {size} floats"
    nbytes = 8.0 * operands.CHAIN_SIZES[size]
    # What fits into a cache knows no such limit.
    bound = "bytes_per_second" if size == "16M" else ""
    return _moved("W2", f"{what} {size}", title, nbytes, goal, bound)


def _floats(shape: tuple[int, ...], each: float) -> float:
    return 4.0 * each * shape[0] * shape[1]


def _eager(case: str, title: str) -> Line:
    return Line("eager", case, title, "us", goal=faster_than(torch=1, tensorflow=5))


def _large(case: str, arrays: int) -> Line:
    goal = faster_than(numpy=1.2, torch=1.2)
    nbytes = 4.0 * arrays * operands.LARGE
    return Line("large", case, f"eager {case}", "GB/s", nbytes, goal, "")


LINES = (
    Line("W1", "numpy in and out", "x + 1, NumPy in and out", "us", goal=faster(4, at_most=2e-6)),
    Line("W1", "numpy in", "x + 1, NumPy in", "us"),
    Line("W1", "tensor in", "x + 1, tensor in", "us"),
    _eager("x + 1 on 10", "eager x + 1, 10 floats"),
    _eager("matmul 8x8", "eager matmul 8x8"),
    _eager("softmax on 10", "eager softmax, 10 floats"),
    _large("a + b on 16M", 3),
    _large("exp on 16M", 2),
    _chain("gelu", "16M", faster(1.1)),
    _chain("grad", "16M", faster(3.5)),
    _chain("gelu", "256K", faster(2.2)),
    _chain("grad", "256K", faster(2.2)),
    _moved(
        "stream",
        operands.STREAM,
        f"{operands.STREAM}, 16M floats",
        16.0 * operands.LARGE,
        share_of(0.9, "a*b+c"),
        "stream_bytes_per_second",
    ),
    _moved(
        "W3",
        "softmax+lse",
        "softmax and logsumexp 4096x1000",
        _floats(operands.SOFTMAX, 2),
        faster(2.2),
        "bytes_per_second",
    ),
    _moved(
        "W3",
        "layer norm",
        "layer norm and gradients 4096x1024",
        _floats(operands.NORM, 4),
        faster(1.4),
        "bytes_per_second",
    ),
    _moved(
        "W3",
        "column sum",
        "sum of columns 8192x4096",
        _floats(operands.SUM, 1),
        faster(1.3),
        "",
    ),
    _moved(
        "adam",
        "25M parameters",
        "Adam, 161 arrays, 25.6M numbers",
        operands.adam_bytes(),
        faster_or_share(1.2, 0.9, "update"),
        "update_bytes_per_second",
    ),
    Line("sparse", "embedding", "embedding 50,000x128, batch 4096", "steps/s"),
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
    Line("compile", "empty cache", "first step of 500 ops, empty cache", "ms", goal=within(1.5)),
    Line("compile", "warm cache", "first step of 500 ops, warm cache", "ms", goal=within(0.1)),
    Line(
        "W16",
        "save",
        "checkpoint of 1 GB, save",
        "GB/s",
        operands.saved_bytes(),
        faster_than(tensorflow=1.2, numpy=1 / 1.3),
        "",
    ),
    Line(
        "W16",
        "load",
        "checkpoint of 1 GB, load",
        "GB/s",
        operands.saved_bytes(),
        faster_than(tensorflow=1.2),
        "",
    ),
    Line("W17", "imported", "memory after the import", "MB"),
    Line("W17", "trained", "memory at most, training W7", "MB"),
)

WORKLOADS = tuple(dict.fromkeys(line.workload for line in LINES))
