"""What is measured, how a figure is shown, and what it must reach."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from perf import convnets, operands, recurrent, scalars, sequences, workloads

# "Best peer" is the fastest of these; NumPy, and what does not train, stand beside.
PEERS = ("tensorflow", "jax", "torch")
NAMES = {
    "tensorflow": "TF",
    "numpy": "NumPy",
    "torch": "torch",
    "jax": "JAX",
    "onnxruntime": "ORT",
    "numba": "Numba",
}


FLOP = "multiply-adds"  # the bound of what computes; of what moves memory a stream of loops.py


@dataclass(frozen=True)
class Figure:
    """numflow on one case, compared. None where something was not measured."""

    cost: float  # seconds, or bytes of memory
    times_peer: float | None  # how many times better than the best peer
    times_numpy: float | None
    share: float | None  # of what the machine can do
    times: Mapping[str, float] = field(default_factory=dict)  # better than each framework
    bandwidth: float | None = None  # bytes per second that the machine moved meanwhile


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
    unit: str  # "us", "ms", "steps/s", "images/s", "GFLOP/s", "GB/s" or "MB"
    work: float = 0  # operations or bytes of a call; 0 where no limit bounds it
    goal: Goal | None = None
    bound: str = FLOP  # what bounds it; "" for nothing
    images: int = 1  # of a call, where the unit counts them


def faster(peer: float, at_most: float | None = None, **others: float) -> Goal:
    """At least `peer` times the best peer's speed, so many times others', in `at_most` seconds."""
    beside = faster_than(**others)
    text = f">= {peer:g}x"
    text += f", {beside.text}" if others else ""
    text += f", <= {at_most * 1e6:g} us" if at_most else ""

    def met(figure: Figure) -> bool | None:
        than_others = beside.met(figure) if others else True
        if figure.times_peer is None or than_others is None:
            return None
        in_time = at_most is None or figure.cost <= at_most
        return figure.times_peer >= peer and than_others and in_time

    return Goal(text, met)


def faster_than(**peers: float) -> Goal:
    """At least so many times as fast as each of these frameworks, whatever the others do."""
    text = ", ".join(f"{NAMES[name]} >= {times:.3g}x" for name, times in peers.items())

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


def less_memory(share: float) -> Goal:
    """At most this share of what the most frugal peer needs."""

    def met(figure: Figure) -> bool | None:
        return None if figure.times_peer is None else figure.times_peer >= 1 / share

    return Goal(f"<= {share:g} of the best", met)


def at_most(nbytes: float, of: str) -> Goal:
    """At most so many bytes, which are `of`."""
    return Goal(f"<= {of}", lambda figure: figure.cost <= nbytes)


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
    bound = "copy" if size == "16M" else ""
    return _moved("W2", f"{what} {size}", title, nbytes, goal, bound)


def _floats(shape: tuple[int, ...], each: float) -> float:
    return 4.0 * each * shape[0] * shape[1]


def _eager(case: str, title: str) -> Line:
    return Line("eager", case, title, "us", goal=faster_than(torch=1, tensorflow=5))


def _large(case: str, arrays: int) -> Line:
    goal = faster_than(numpy=1.2, torch=1.2)
    nbytes, bound = 4.0 * arrays * operands.LARGE, {2: "copy", 3: "a+b"}[arrays]
    return Line("large", case, f"eager {case}", "GB/s", nbytes, goal, bound)


# Forward, forward and backward.
CONVOLUTION_GOALS = {
    "56x56 64>64 3x3": (1.5, 1.3),
    "28x28 128>128 3x3": (1.5, 1.3),
    "14x14 256>256 3x3": (1.5, 1.3),
    "56x56 256>64 1x1": (1.0, 1.3),
    "112x112 depthwise 32 3x3": (1.1, 1.5),
    "224x224 3>64 7x7/2": (1.0, 1.6),
}


def _convolution(name: str, what: str) -> Line:
    forward, both = CONVOLUTION_GOALS[name]
    flop = convnets.CONVOLUTIONS[name].flop
    title = f"conv {name} {what}"
    if what == convnets.FORWARD:
        goal = faster(forward, onnxruntime=forward)
        return Line("W9", f"{name} {what}", title, "GFLOP/s", flop, goal)
    return Line("W9", f"{name} {what}", title, "GFLOP/s", 3 * flop, faster(both))


# Forward, forward and backward.
RECURRENT_GOALS = {"lstm": (1.2, 1.15), "gru": (1.2, 1.8), "bilstm": (1.2, 1.2)}


# Of all steps inside of one call; None: shown.
LOOP_GOALS: dict[str, Goal | None] = {
    "W4": faster(1),
    "W5": faster(1.3),
    "W6": None,
    "W7": faster(1.65),
    "W10": None,
}


def _in_one_call(step: Line) -> Line:
    """The line of a loop over the steps of another line."""
    goal = LOOP_GOALS[step.workload]
    return replace(step, case="train loop", title=f"{step.title}: loop", goal=goal)


def _recurrent(kind: str, what: str) -> Line:
    forward, both = RECURRENT_GOALS[kind]
    flop, title = recurrent.layer_flop(kind), f"{kind} 64x32, 128 to 256, {what}"
    if what == recurrent.FORWARD:
        return Line("W11", f"{kind} {what}", title, "ms", flop, faster(forward))
    return Line("W11", f"{kind} {what}", title, "ms", 3 * flop, faster(both))


def _loop(name: str) -> Line:
    goal = faster_than(numba=1 / 1.5)
    return Line("scalar", name, f"while loop of 10M turns: {name}", "ms", goal=goal)


def _attention(name: str) -> Line:
    title = f"attention {name} f+b"
    flop = sequences.ATTENTIONS[name].flop
    return Line("attention", name, title, "GFLOP/s", flop, faster_than(torch=1.2))


def _attention_memory(name: str) -> Line:
    held = sequences.HELD
    goal = at_most(held * sequences.LONG[name].nbytes, f"{held} operands")
    return Line(
        "W17", f"attention {name}", f"memory beside operands, attention {name}", "MB", goal=goal
    )


def _maps(workload: str, case: str, title: str, larger: tuple[int, ...], times: float) -> Line:
    """A line that moves images twice: `times` as many numbers as `larger` has."""
    nbytes = 4.0 * times * math.prod(larger)
    return _moved(workload, case, title, nbytes, faster(1.5), "two copies")


def _pool(name: str) -> Line:
    window, stride = convnets.POOLS[name]
    results = math.prod(((n - window) // stride + 1) / n for n in convnets.MAPS[1:3])
    return _maps("pool", name, f"pool {name} f+b", convnets.MAPS, 2 + 2 * results)


def _mobilenet(batch: int) -> Line:
    return Line(
        "W13",
        f"batch {batch}",
        f"MobileNetV2 192x192, batch {batch}",
        "images/s",
        batch * convnets.mobilenet_flop(),
        faster(1.1, onnxruntime=1.1),
        images=batch,
    )


def _lenet_training() -> float:
    forward, first = convnets.lenet_flop()
    return convnets.LENET_BATCH * (3 * forward - first)


DENSE_STEPS = (
    Line("W4", "train", "linear regression, 1 sample", "steps/s", goal=faster(10, numpy=2.5)),
    Line("W5", "train", "MLP 200x1-10-1", "steps/s", goal=faster(5, numpy=4)),
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
)
SINE_STEP = Line(
    "W10", "train", "LSTM of 2x30 units on a sine", "steps/s", recurrent.sine_flop(), faster(3)
)

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
        "a*b+c",
    ),
    _moved(
        "W3",
        "softmax+lse",
        "softmax and logsumexp 4096x1000",
        _floats(operands.SOFTMAX, 2),
        faster(2.2),
        "copy",
    ),
    _moved(
        "W3",
        "layer norm",
        "layer norm and gradients 4096x1024",
        _floats(operands.NORM, 4),
        faster(1.4),
        "two copies",
    ),
    _moved(
        "W3",
        "column sum",
        "sum of columns 8192x4096",
        _floats(operands.SUM, 1),
        faster(1.3),
        "read",
    ),
    _moved(
        "adam",
        "25M parameters",
        "Adam, 161 arrays, 25.6M numbers",
        operands.adam_bytes(),
        faster_or_share(1.2, 0.9, "update"),
        "update",
    ),
    Line("sparse", "embedding", "embedding 50,000x128, batch 4096", "steps/s", goal=faster(2)),
    *(_loop(name) for name in scalars.LOOPS),
    *(line for step in DENSE_STEPS for line in (step, _in_one_call(step))),
    Line("W8", "train", "LeNet 28x28, batch 100", "steps/s", _lenet_training(), faster(1.5)),
    Line(
        "W8",
        "infer",
        "LeNet inference of 1000",
        "images/s",
        convnets.LENET_IMAGES * convnets.lenet_flop()[0],
        faster(1.5, onnxruntime=1.2),
        images=convnets.LENET_IMAGES,
    ),
    *(
        _convolution(name, what)
        for name in convnets.CONVOLUTIONS
        for what in (convnets.FORWARD, convnets.BOTH)
    ),
    *(_mobilenet(batch) for batch in convnets.MOBILENET_BATCHES),
    SINE_STEP,
    _in_one_call(SINE_STEP),
    *(
        _recurrent(kind, what)
        for kind in recurrent.LAYERS
        for what in (recurrent.FORWARD, recurrent.BOTH)
    ),
    Line(
        "W13R",
        "train",
        "ResNet-18 64x64, batch 16",
        "steps/s",
        convnets.RESNET_BATCH * convnets.resnet_flop(),
        faster(1.3),
    ),
    Line(
        "W14",
        "train",
        "transformer block 8x128x256",
        "steps/s",
        sequences.block_flop(),
        faster(1.3),
    ),
    *(_attention(name) for name in sequences.ATTENTIONS),
    Line("ctc", "f+b", "CTC 64x200x40 with gradient", "ms", goal=faster_than(tensorflow=2)),
    _maps("batchnorm", "f+b", "batch norm 32x56x56x64 f+b", convnets.MAPS, 4),
    *(_pool(name) for name in convnets.POOLS),
    _maps("resize", "bilinear", "resize 64x64 to 128x128 f+b", convnets.RESIZED, 10),
    _w12("1024^3", faster(1, numpy=0.9)),
    _w12("4096x784x256", faster(1, numpy=0.9)),
    _w12("128x784x256", faster(1.02, numpy=0.9)),
    _w12("32x30x120", faster(1.5, numpy=0.9)),
    Line("W15", "import", "import", "ms"),
    Line("W15", "import beyond NumPy", "import, less NumPy's", "ms", goal=within(0.020)),
    Line("W15", "first step, empty cache", "first step of W7, empty cache", "ms", goal=within(0.4)),
    Line("W15", "first step, warm cache", "first step of W7, warm cache", "ms", goal=within(0.06)),
    Line(
        "W15",
        "first step of LeNet, empty cache",
        "first step of LeNet, empty cache",
        "ms",
        goal=within(2),
    ),
    Line(
        "W15",
        "first step of LeNet, warm cache",
        "first step of LeNet, warm cache",
        "ms",
        goal=within(0.15),
    ),
    Line(
        "W15",
        "first step of LSTM, empty cache",
        "first step of W10, empty cache",
        "ms",
        goal=within(2),
    ),
    Line(
        "W15",
        "first step of LSTM, warm cache",
        "first step of W10, warm cache",
        "ms",
        goal=within(0.1),
    ),
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
    Line("W17", "trained LeNet", "memory at most, training LeNet", "MB", goal=less_memory(0.6)),
    *(_attention_memory(name) for name in sequences.LONG),
)

WORKLOADS = tuple(dict.fromkeys(line.workload for line in LINES))

_BOUNDS = {(line.workload, line.case): line.bound for line in LINES if line.bound != FLOP}


def bound_of(workload: str, case: str) -> str:
    """The stream of loops.py that bounds a case; "" where memory does not."""
    return _BOUNDS.get((workload, case), "")
