"""Whole programs, compiled, against the reference interpreter: results and what variables hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numflow import dtypes
from numflow.dtypes import DType
from numflow.graph.tensor import Tensor
from numflow.ops import (
    activation,
    creation,
    joining,
    linalg,
    loss,
    math,
    power,
    reduce,
    scan,
    select,
    shape,
    slicing,
    statistics,
)
from numflow.runtime import work
from numflow.runtime.sizes import Sizes, check_sizes
from numflow.shapes import UnfitSizeError
from tests.codegen.drawn_programs import Array, Trial, check, compiled, draw, inputs_of
from tests.codegen.host_op import host_cumsum

Outputs = list[Tensor]
RNG = np.random.default_rng(11)


def floats(*sizes: int, dtype: Any = np.float64) -> Array:
    return np.asarray(RNG.uniform(-1, 1, sizes), dtype)


def run(build: Callable[..., Outputs], *arrays: Array, variables: Sequence[Array] = ()) -> None:
    """Check the program of build(trial, *inputs, *(variable, its value))."""
    trial = Trial()
    with trial.building:
        inputs = [trial.input(*a.shape, dtype=dtypes.from_numpy(a.dtype)) for a in arrays]
        held = [trial.variable(a) for a in variables]
        outputs = build(trial, *inputs, *held)
    check(trial.graph(*outputs), trial.variables, arrays)


# --- random programs --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_are_what_the_reference_is(seed: int) -> None:
    """Values, gradients, variables; views as outputs, values used several times."""
    drawn = draw(seed, nodes=12 + seed % 20)
    check(drawn.result, drawn.variables, inputs_of(drawn.result, seed, {}))


@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float16, dtypes.bfloat16], ids=str)
@pytest.mark.parametrize("seed", range(100, 115))
def test_random_programs_of_other_floats(seed: int, dtype: DType) -> None:
    """16-bit floats compute in float32 and round after each op."""
    drawn = draw(seed, nodes=12, dtype=dtype)
    check(drawn.result, drawn.variables, inputs_of(drawn.result, seed, {}))


@pytest.mark.parametrize("seed", range(300, 320))
def test_random_programs_with_a_size_beyond_what_is_compiled_in(seed: int) -> None:
    """Columns that a loop walks, whole vectors and a tail."""
    drawn = draw(seed, nodes=14, dtype=dtypes.float32 if seed % 2 else dtypes.float64, five=67)
    check(drawn.result, drawn.variables, inputs_of(drawn.result, seed, {}))


@pytest.mark.parametrize("seed", range(400, 430))
def test_random_programs_in_many_blocks_and_chunks(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """As if the arrays were large: several threads, partial results, segments."""
    for name, value in (("ALONE", 8), ("BLOCK", 4), ("SEGMENT", 64), ("PARALLEL_NS", 0.0)):
        monkeypatch.setattr(work, name, value)
    drawn = draw(seed, nodes=14, five=131)
    check(drawn.result, drawn.variables, inputs_of(drawn.result, seed, {}))


@given(st.integers(0, 10**6), st.integers(4, 16))
def test_drawn_programs(seed: int, nodes: int) -> None:
    """Small ones, which hypothesis shrinks."""
    drawn = draw(seed, nodes)
    check(drawn.result, drawn.variables, inputs_of(drawn.result, seed, {}))


@pytest.mark.parametrize("seed", [s for s in range(200, 240) if s not in (202, 213)])
def test_one_program_takes_several_batch_sizes(seed: int) -> None:
    """One executable, sizes 3 (as large as others), 1, 7 and none, unless it says that it is not
    for these: an axis may be too short for a part of it."""
    drawn = draw(seed, nodes=12, symbolic=True)
    executable = compiled(drawn.result)
    for n in (3, 1, 7, 0):
        arrays = inputs_of(drawn.result, seed, {"n": n})
        try:
            check_sizes(drawn.result, Sizes({"n": n}))
        except UnfitSizeError:
            assert n < 2
            continue
        check(drawn.result, drawn.variables, arrays, executable)


# --- fusion: what is read where it is not made ---------------------------------------


def test_a_transposed_member_is_read_after_the_loop_that_makes_it() -> None:
    def build(_: Trial, x: Tensor) -> Outputs:
        y = math.tanh(x)
        return [y + shape.transpose(y), y * slicing.getitem(y, np.s_[::-1])]

    run(build, floats(5, 5))


def test_a_row_value_is_not_taken_for_a_column_value_of_a_square() -> None:
    """r[i] and r[j] differ, though both have as many elements."""

    def build(_: Trial, x: Tensor, y: Tensor) -> Outputs:
        total = reduce.reduce_sum(x * y, 1)
        z = math.tanh(x * y)
        return [z + total, z * shape.expand_dims(total, 1)]

    run(build, floats(5, 5), floats(5, 5))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(7, 33), (33, 7), (7, 70)])
def test_what_is_compared_with_its_own_maximum_has_the_same_bits(
    sizes: tuple[int, int], dtype: type, axis: int
) -> None:
    """a * b + c may become one operation, or two where a * b is wanted too."""

    def build(trial: Trial, a: Tensor, b: Tensor, c: Tensor) -> Outputs:
        x = a * b + c
        largest = reduce.reduce_max(x, axis)
        gradients = trial.gradients(largest, [a, b, c])
        found = statistics.argmax(x, axis)
        return [*[g for g in gradients if g is not None], found, (a * b) * 2.0]

    run(build, *(floats(*sizes, dtype=dtype) for _ in range(3)))


def test_what_jumps_falls_to_one_side_in_all_sweeps() -> None:
    """A floor and what is subtracted from it, before and after a fold of both."""

    def build(_: Trial, a: Tensor, b: Tensor, c: Tensor) -> Outputs:
        x = a * b + c
        whole = power.floor(x)
        total = reduce.reduce_sum(x - whole, 1, True)
        number = math.cast(x, dtypes.int32)
        return [whole - total * 0.0, (a * b) * total, number, reduce.reduce_sum(number, 1)]

    steps = (np.arange(7 * 33).reshape(7, 33) % 11).astype(np.float32)
    run(build, steps, steps * np.float32(0.1), np.float32(3) - floats(7, 33, dtype=np.float32))


def test_a_member_that_is_constant_along_columns_is_stored() -> None:
    def build(_: Trial, x: Tensor, w: Tensor) -> Outputs:
        y = math.exp(x)
        return [y, reduce.reduce_sum(shape.expand_dims(y, 2) * w, [1, 2])]

    run(build, floats(3, 5), floats(7))


def test_quotients_of_lanes_behind_few_columns_do_not_count() -> None:
    """0 / 0 there; LLVM takes it for 0 and leaves out the mask."""

    def build(_: Trial, x: Tensor, y: Tensor) -> Outputs:
        q = x / y
        return [q - reduce.reduce_sum(q, 1, True)]

    for columns in (1, 3, 5, 7, 9, 13):
        run(build, floats(3, columns), 2 + floats(1, columns))


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 6])
def test_folds_and_views_of_any_rank(rank: int) -> None:
    """Every other axis folded; reversed and transposed reads."""

    def build(_: Trial, x: Tensor) -> Outputs:
        odd = list(range(1, rank, 2))
        back = slicing.getitem(x, (np.s_[::-1],) * rank)
        turned = shape.transpose(x)
        return [reduce.reduce_sum(x, odd), reduce.reduce_max(turned, odd), turned + 1.0, back * 2.0,
                reduce.reduce_mean(back, odd, True)]  # fmt: skip

    run(build, floats(*range(2, 2 + rank)))


def test_folds_of_strided_values() -> None:
    """Columns that are no single axis, and folds between two kept axes."""

    def build(_: Trial, x: Tensor) -> Outputs:
        swapped = shape.transpose(x, [0, 2, 1])
        spread = shape.broadcast_to(x, (2, 3, 5, 7))
        numbered = creation.iota((3, 5, 7), 1, dtypes.float64)
        return [reduce.reduce_sum(swapped, [1, 2]), reduce.reduce_sum(shape.transpose(x), 1),
                reduce.reduce_sum(spread, 3), reduce.reduce_sum(spread, [0, 2]),
                reduce.reduce_sum(numbered * x, [1, 2])]  # fmt: skip

    run(build, floats(3, 5, 7))


def test_folds_over_axes_of_size_one_and_over_none() -> None:
    def build(_: Trial, x: Tensor) -> Outputs:
        return [reduce.reduce_sum(x, 1), reduce.reduce_max(x, [1], True), reduce.reduce_sum(x, [])]

    run(build, floats(5, 1, 3))


# --- empty arrays ----------------------------------------------------------------


def test_what_follows_a_fold_of_nothing_reads_its_other_operands() -> None:
    def build(_: Trial, x: Tensor, b: Tensor) -> Outputs:
        return [reduce.reduce_sum(x, 1) + b, reduce.reduce_max(x, 1), reduce.reduce_sum(x) * b,
                reduce.reduce_sum(x, 0), math.exp(x), reduce.reduce_prod(x, 1)]  # fmt: skip

    run(build, floats(5, 0), floats(5))


@pytest.mark.parametrize("sizes", [(0, 3, 5), (2, 0, 5), (2, 3, 0), (0, 0, 0)])
def test_empty_arrays_on_any_axis(sizes: tuple[int, int, int]) -> None:
    def build(_: Trial, x: Tensor) -> Outputs:
        y = math.tanh(x)
        folds = [reduce.reduce_sum(y, k) for k in (0, 1, 2, [0, 2], [0, 1, 2])]
        return [*folds, activation.softmax(x), joining.concat([y, x], 1), shape.transpose(y)]

    run(build, floats(*sizes))


@pytest.mark.parametrize("m, k, n", [(0, 4, 3), (5, 0, 3), (5, 4, 0), (1, 1, 1), (1, 7, 1)])
def test_products_of_thin_and_empty_matrices(m: int, k: int, n: int) -> None:
    def build(_: Trial, a: Tensor, b: Tensor, c: Tensor) -> Outputs:
        y = linalg.matmul(a, b)
        return [y, activation.relu(y + c), linalg.matmul(b, a, transpose_a=True, transpose_b=True)]

    run(build, floats(m, k), floats(k, n), floats(n))


# --- dtypes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
)
def test_integers(dtype: str) -> None:
    """Sums wrap, quotients round down."""

    def build(_: Trial, x: Tensor) -> Outputs:
        return [reduce.reduce_sum(x, 0), reduce.reduce_max(x, 1), x * x + x, reduce.reduce_prod(x),
                math.cast(x, dtypes.float32), reduce.reduce_min(x),
                power.floordiv(x * x, x + 1)]  # fmt: skip

    run(build, RNG.integers(0, 9, (7, 5)).astype(dtype))
    run(build, RNG.integers(0, 9, (300, 150)).astype(dtype))


@pytest.mark.parametrize("sizes", [(7, 5), (300, 150)])
def test_bools(sizes: tuple[int, int]) -> None:
    def build(_: Trial, x: Tensor) -> Outputs:
        return [reduce.reduce_any(x, 0), reduce.reduce_all(x, 1), reduce.reduce_any(x),
                select.logical_not(x), math.cast(x, dtypes.int32), shape.transpose(x)]  # fmt: skip

    run(build, RNG.random(sizes) < 0.9)


def test_sums_of_16_bit_floats_round_once() -> None:
    """Also in blocks, where partial sums are float32."""

    def build(_: Trial, x: Tensor) -> Outputs:
        return [reduce.reduce_sum(x, 0), reduce.reduce_sum(x, 1), reduce.reduce_max(x), x + x]

    run(build, floats(300, 150, dtype=np.float16))
    run(build, floats(7, 5, dtype=np.float16))


def test_complex_numbers_take_the_reference() -> None:
    def build(trial: Trial, x: Tensor, held: Any) -> Outputs:
        trial.assign(held[0], shape.transpose(held[1] * x))
        return [x * x, reduce.reduce_sum(x, 0), joining.concat([x, x], 0), shape.transpose(x)]

    run(build, floats(3, 3) + 1j * floats(3, 3), variables=[floats(3, 3) + 0j])


# --- outputs ----------------------------------------------------------------------


def test_outputs_that_nobody_computes() -> None:
    """An argument, twice; a constant; a variable; sizes; a view of an argument."""

    def build(trial: Trial, x: Tensor, held: Any) -> Outputs:
        fixed = trial.interpreter.constant(np.arange(5.0))
        return [x, x, fixed, held[1], shape.transpose(x), fixed, shape.shape(x),
                shape.broadcast_to(trial.interpreter.constant(np.array(3.0)), (2, 3))]  # fmt: skip

    run(build, floats(3, 5), variables=[floats(2)])


def test_sizes_that_are_known_with_the_call_are_outputs() -> None:
    trial = Trial()
    with trial.building:
        drawn = draw(0, symbolic=True)
        x = trial.input(drawn.sizes[0], 3)
        outputs = [shape.shape(x), shape.size(x), reduce.reduce_mean(x, 0)]
    graph = trial.graph(*outputs)
    executable = compiled(graph)
    for n in (1, 5):
        check(graph, (), [floats(n, 3)], executable)


# --- a bias in the product's kernel --------------------------------------------------


def test_a_bias_that_is_a_strided_view() -> None:
    """Every other element, a column, from the end: the kernel reads neighbours."""

    def build(_: Trial, x: Tensor, w: Tensor, b: Tensor, c: Tensor) -> Outputs:
        y = linalg.matmul(x, w)
        other = slicing.getitem(b, np.s_[::2])
        back = slicing.getitem(b, np.s_[2::-1])
        column = slicing.getitem(c, np.s_[:, 1])
        part = slicing.getitem(b, np.s_[3:])
        return [activation.relu(y + k) for k in (other, column, part)] + [
            linalg.matmul(x, w * 2.0) + back
        ]

    run(build, floats(4, 5), floats(5, 3), floats(6), floats(3, 4))


def test_a_product_and_its_bias_and_relu_that_others_read_too() -> None:
    def build(trial: Trial, x: Tensor, w: Tensor, b: Tensor) -> Outputs:
        y = linalg.matmul(x, w)
        z = activation.relu(y + b)
        return [z, y * 2.0, *[g for g in trial.gradients(z, [x, w, b]) if g is not None]]

    run(build, floats(4, 5), floats(5, 3), floats(3))
    run(build, floats(2, 4, 5), floats(5, 3), floats(1, 3))


def test_cross_entropy_and_its_gradient() -> None:
    def build(trial: Trial, x: Tensor, labels: Tensor) -> Outputs:
        y = reduce.reduce_mean(loss.sparse_softmax_cross_entropy_with_logits(labels, x))
        return [y, *[g for g in trial.gradients(y, [x]) if g is not None]]

    for rows, columns in ((300, 10), (3, 1000), (1, 2)):
        run(build, floats(rows, columns, dtype=np.float32), RNG.integers(0, columns, rows))


# --- variables --------------------------------------------------------------------

Held = tuple[Any, Tensor]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("n", [5, 200])
def test_variables_trade_places(n: int, turned: bool) -> None:
    """a, b = b, a; and with each transposed."""

    def build(trial: Trial, a: Held, b: Held) -> Outputs:
        to_a, to_b = (shape.transpose(x[1]) if turned else x[1] for x in (b, a))
        trial.assign(a[0], to_a)
        trial.assign(b[0], to_b)
        return [a[1] + b[1]]

    run(build, variables=[floats(n, n), floats(n, n)])


UPDATES: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed": lambda x: x + shape.transpose(x),
    "less its mean": lambda x: x - reduce.reduce_mean(x, 0),
    "less its row's mean": lambda x: x - reduce.reduce_mean(x, 1, True),
    "softmax": activation.softmax,
    "reversed": lambda x: slicing.getitem(x, np.s_[::-1]),
    "its square": lambda x: linalg.matmul(x, x),
    "itself": lambda x: x,
    "part of a longer one": lambda x: slicing.getitem(joining.concat([x, x], 0), np.s_[3:-37]),
    "running sums": lambda x: scan.cumsum(x, 0) * 0.5,
}


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_in_place_reads_what_it_writes_first(name: str) -> None:
    run(lambda trial, a: trial.assign(a[0], UPDATES[name](a[1])) or [], variables=[floats(40, 40)])
    run(
        lambda trial, a: trial.assign(a[0], UPDATES[name](a[1])) or [a[1], UPDATES[name](a[1])],
        variables=[floats(40, 40)],
    )


@pytest.mark.parametrize("sizes", [(), (1, 300), (300, 1), (300,)])
def test_a_small_update_that_a_large_one_uses(sizes: tuple[int, ...]) -> None:
    """Each piece of the large one reads the small variable: none may write it in between."""

    def build(trial: Trial, small: Held, large: Held) -> Outputs:
        new = small[1] * 2.0 + 1.0
        y = math.tanh(large[1])
        trial.assign(small[0], new)
        trial.assign(large[0], y * new)
        return []

    run(build, variables=[floats(*sizes), floats(300, 300)])


def test_several_updates_of_one_form_and_of_others() -> None:
    def build(trial: Trial, rate: Held, *held: Held) -> Outputs:
        step = rate[1] * 0.9
        trial.assign(rate[0], step)
        for variable, old in held[:-1]:
            trial.assign(variable, old - step * math.tanh(old))
        last, old = held[-1]
        trial.assign(last, old + held[0][1][0])
        return [held[0][1]]

    run(build, variables=[floats(), floats(5), floats(3, 7), floats(10007), floats(3), floats(0)])


def test_one_value_for_two_variables_and_an_argument_for_a_third() -> None:
    def build(trial: Trial, x: Tensor, a: Held, b: Held, c: Held) -> Outputs:
        new = math.tanh(a[1])
        trial.assign(a[0], new)
        trial.assign(b[0], new)
        trial.assign(c[0], x)
        return [new, x]

    run(build, floats(5), variables=[floats(5), floats(5), floats(5)])


def test_a_value_read_after_it_became_the_new_one() -> None:
    """Losses of a second step in the same program."""

    def build(trial: Trial, x: Tensor, a: Held) -> Outputs:
        first = a[1] - 0.1 * x
        second = first - 0.1 * math.square(first)
        trial.assign(a[0], first)
        trial.assign(a[0], second)
        return [reduce.reduce_sum(first), reduce.reduce_sum(second * x)]

    run(build, floats(7, 5), variables=[floats(7, 5)])


def test_a_host_call_between_two_parts() -> None:
    def build(trial: Trial, x: Tensor, a: Held) -> Outputs:
        y = math.tanh(x)
        z = host_cumsum(y * 2.0, 0)
        trial.assign(a[0], a[1] + z)
        return [z * y, y, reduce.reduce_sum(z, 1)]

    run(build, floats(5, 3), variables=[floats(5, 3)])


# --- large arrays -------------------------------------------------------------------


def test_folds_in_blocks() -> None:
    """More than one block: partials, and a kernel that folds them."""

    def build(_: Trial, x: Tensor) -> Outputs:
        y = math.tanh(x)
        return [reduce.reduce_sum(y, 0), reduce.reduce_sum(y, 1), reduce.reduce_sum(y),
                reduce.reduce_max(x * x, 0), reduce.reduce_min(x), activation.softmax(x),
                reduce.reduce_sum(reduce.reduce_sum(x, 1) * 2.0)]  # fmt: skip

    run(build, floats(700, 257))
    run(build, floats(40009, 3))
    run(build, floats(3, 40009))
    run(lambda _, x: [reduce.reduce_sum(x), reduce.reduce_max(x * x)], floats(100003))
    run(lambda _, x: [reduce.reduce_sum(math.exp(x), 1)], floats(5, 301, 31))
