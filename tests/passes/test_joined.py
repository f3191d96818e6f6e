"""Results of kernels that lie where they are joined: which do, and that programs put them there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.codegen.steps import CopyStep
from numflow.errors import InvalidArgumentError
from numflow.graph.text import parse
from numflow.ops import operators, recurrent, recurrent_gru, recurrent_simple
from numflow.passes.joined import joined

OPS = (operators, recurrent_simple, recurrent_gru)  # imported, so that their ops have names
Array = np.ndarray[Any, Any]

ATTRS = "time_major=False, reverse=False, carry=False, masked=False, relu=False"
BACK = f"simple_backward(%u, %1, %1, %h, {ATTRS})"


def parts(nodes: str, shape: str = "b, 5, 3") -> list[tuple[str, str, str]]:
    """(shape, strides, offset) of what lies in an assembly, in a graph of two simple layers."""
    lines = "".join(f"  {line.strip()}\n" for line in nodes.strip().split(";"))
    graph = parse(
        f"graph(%x: f32[{shape}], %u: f32[32, 3], %h: f32[{shape.split(',')[0]}, 3])\n"
        f"  %1, %2 = simple_states(%x, %u, %h, {ATTRS})\n"
        f"  %3, %4 = simple_states(%x, %u, %h, {ATTRS})\n{lines}"
    )
    found = joined(graph).values()
    return [(str(p.shape), str(p.strides), str(p.offset)) for _, p in found]


def test_both_directions_write_into_their_halves() -> None:
    """Rows of three among rows of six."""
    want = [("(b, 5, 3)", "(30, 6, 1)", offset) for offset in ("0", "3")]
    assert parts("%5 = concat(%1, %3, axis=2); return %5") == want


def test_another_kernel_reads_them_there() -> None:
    """As y, and as dy; the last states are in nobody's way."""
    text = f"%5 = concat(%1, %3, axis=2); %6, %7 = {BACK}; return %5, %6, %2"
    assert len(parts(text)) == 2


@pytest.mark.parametrize(
    ("why", "nodes", "left"),
    [
        ("given out itself", "%5 = concat(%1, %3, axis=2); return %5, %1", 1),
        ("read by a loop", "%5 = concat(%1, %3, axis=2); %6 = tanh(%1); return %5, %6", 1),
        ("twice in it", "%5 = concat(%1, %1, axis=2); return %5", 0),
        ("in two", "%5 = concat(%1, %3, axis=2); %6 = concat(%1, %x, axis=2); return %5, %6", 1),
        ("read dense", f"%5 = concat(%1, %3, axis=2); %6, %7 = simple_states(%1, %u, %h, {ATTRS});"
                       " return %5, %6", 1),
        ("over a value", "%5 = unslice(%1, begin=(0, 0, 0), stride=(1, 1, 1), shape=(b, 7, 3));"
                         " return %5", 0),
        ("as a view", "%5 = transpose(%1, perm=(1, 0, 2)); %6 = concat(%5, %5, axis=0); return %6",
         0),
        ("rows that are no rows", "%5 = concat(%1, %3, axis=1); return %5", 0),
        ("one after the other", "%5 = concat(%1, %3, axis=0); return %5", 2),
    ],
)  # fmt: skip
def test_who_else_reads_decides(why: str, nodes: str, left: int) -> None:
    """How many lie in the assembly: all that read them must read rows."""
    assert len(parts(nodes)) == left, why


# --- programs ----------------------------------------------------------------------------------

STEPS, DEPTH, UNITS = 5, 2, 3
TOLERANCES = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-11}
GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
MERGES: dict[str, Any] = {
    "concat": lambda a, b: nf.concat([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "none": lambda a, b: (a, b),
    "with more": lambda a, b: nf.concat([a, nf.tanh(b), b], -1),
    "turned round": lambda a, b: nf.concat([a, nf.reverse(nf.reverse(b, [1]), [1])], -1),
    "in the first axis": lambda a, b: nf.concat([a, b], 0),
}


def drawn(dtype: str, *shape: int) -> Array:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(dtype)


def both_ways(kind: str, merge: str, dtype: str = "float32", **options: Any) -> Any:
    """x, lengths -> (y, last states, gradients) of two layers, one of them reversed."""
    wide = GATES[kind] * UNITS
    weights = [
        nf.constant(drawn(dtype, n, wide + k)[:, :wide]) for k in (0, 1) for n in (DEPTH, UNITS)
    ]

    def run(x: Any, lengths: Any = None) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, *weights])
            found = [
                getattr(recurrent, kind)(x, w, u, lengths=lengths, reverse=back, **options)
                for back, (w, u) in zip((False, True), (weights[:2], weights[2:]), strict=True)
            ]
            y = MERGES[merge](*[y for y, _ in found])
            loss = sum(nf.reduce_sum(nf.sin(part)) for part in nf.nest.flatten(y))
        return y, [state for _, state in found], tape.gradient(loss, [x, *weights])

    return run


def agree(run: Any, *args: Any) -> Any:
    """The compiled function, whose results are those of the eager one."""
    compiled = nf.function(run)
    for got, want in zip(
        nf.nest.flatten(compiled(*args)), nf.nest.flatten(run(*args)), strict=True
    ):
        tolerance = TOLERANCES[want.dtype.name]
        np.testing.assert_allclose(got.numpy(), want.numpy(), tolerance, tolerance)
    return compiled


def names(step: Any) -> list[str]:
    return [n.op.name for n in step.nodes]


def steps_of(compiled: Any, *args: Any) -> list[Any]:
    concrete, _ = compiled.find(*args)
    return list(concrete.plain().program.steps)


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("kind", GATES)
def test_compiled_is_eager(kind: str, merge: str) -> None:
    """Whatever becomes of the two results, with their gradients."""
    x = nf.constant(drawn("float32", 7, STEPS, DEPTH))
    compiled = agree(both_ways(kind, merge), x)
    if merge in ("concat", "turned round"):
        assert not any(isinstance(s, CopyStep) for s in steps_of(compiled, x))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("kind", GATES)
def test_sequences_that_end_early(kind: str, time_major: bool, dtype: str) -> None:
    """Lengths, in both orders of axes; 16-bit floats are rounded on the way."""
    x = nf.constant(drawn(dtype, *((STEPS, 4) if time_major else (4, STEPS)), DEPTH))
    agree(both_ways(kind, "concat", dtype, time_major=time_major), x, nf.constant([5, 0, 2, 1]))


@pytest.mark.parametrize("kind", GATES)
def test_any_batch(kind: str) -> None:
    """One program for batches of unknown size; one sequence, and none, too."""
    run = both_ways(kind, "concat")
    compiled = nf.function(run, input_signature=[nf.TensorSpec([None, None, DEPTH])])
    for batch, steps in ((2, 3), (7, 1), (1, 4), (0, 2), (3, 0), (60, 2)):
        x = nf.constant(drawn("float32", batch, steps, DEPTH))
        for got, want in zip(*map(nf.nest.flatten, (compiled(x), run(x))), strict=True):
            np.testing.assert_allclose(got.numpy(), want.numpy(), 2e-5, 2e-5)
    assert not any(isinstance(s, CopyStep) for s in steps_of(compiled, x))


@pytest.mark.parametrize("kind", GATES)
def test_second_derivatives(kind: str) -> None:
    """Gradients of gradients read what lies in halves, too."""
    run = both_ways(kind, "concat", "float64")

    def twice(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y, _, slopes = run(x)
            total = sum(nf.reduce_sum(s * s) for s in slopes) + nf.reduce_sum(y)
        return y, tape.gradient(total, x)

    agree(twice, nf.constant(drawn("float64", 2, 3, DEPTH)))


@pytest.mark.parametrize("kind", GATES)
def test_states_alone_ask_for_no_zeros(kind: str) -> None:
    """Where only the last states are used, the gradient by outputs is one row of zeros."""

    def run(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            _, states, _ = both_ways(kind, "concat")(x)
            loss = sum(map(nf.reduce_sum, nf.nest.flatten(states)))
        return tape.gradient(loss, x)

    x = nf.constant(drawn("float32", 11, STEPS, DEPTH))
    compiled = agree(run, x)
    sizes = [w.spec.size for s in steps_of(compiled, x) if "copy" in names(s) for w in s.writes]
    assert max(sizes) == 11 * UNITS


@pytest.mark.parametrize("kind", GATES)
def test_a_layer_on_top_of_another_in_a_loop(kind: str) -> None:
    """Programs inside of programs join results as well."""
    run, weights = both_ways(kind, "concat"), nf.constant(drawn("float32", 2 * UNITS, DEPTH))

    def loop(x: Any) -> Any:
        for _ in nf.range(3):
            y, _, slopes = run(x)
            x = nf.tensordot(y, weights, 1) + slopes[0]
        return x

    agree(loop, nf.constant(drawn("float32", 2, STEPS, DEPTH)))


def test_a_tape_around_a_function_and_a_variable() -> None:
    """Results that are kept for later, and one that is assigned."""
    run, kept = both_ways("lstm", "concat"), nf.Variable(nf.zeros([2, STEPS, 2 * UNITS]))

    @nf.function
    def forward(x: Any) -> Any:
        y, _, _ = run(x)
        kept.assign(y)
        return nf.reduce_sum(y * y)

    x = nf.constant(drawn("float32", 2, STEPS, DEPTH))
    with nf.GradientTape() as outer:
        outer.watch(x)
        loss = forward(x)
    with nf.GradientTape() as plain:
        plain.watch(x)
        y, _, _ = run(x)
        want = nf.reduce_sum(y * y)
    np.testing.assert_allclose(loss.numpy(), want.numpy(), 1e-5)
    np.testing.assert_allclose(kept.numpy(), y.numpy(), 1e-5, 1e-6)
    slopes = (outer.gradient(loss, x).numpy(), plain.gradient(want, x).numpy())
    np.testing.assert_allclose(*slopes, 1e-4, 1e-5)


def test_a_refused_length_is_told_as_before() -> None:
    """A length out of range, where results lie in halves."""
    compiled = nf.function(both_ways("gru", "concat"))
    with pytest.raises(InvalidArgumentError, match="length"):
        compiled(nf.constant(drawn("float32", 2, STEPS, DEPTH)), nf.constant([3, 9]))
