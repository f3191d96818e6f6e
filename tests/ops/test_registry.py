"""Every op has a Case: the Cases of all families together run every op that there is."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numflow as nf
from numflow.eager.apply import eager
from numflow.graph.op import REGISTRY, Op, interpreting

# Ops that no Case can run. Those defined outside numflow/ops have tests of their own there.
ELSEWHERE = {
    "read": "tests/eager",
    "assert": "test_asserts",
    "print": "test_printing",
    "timestamp": "test_grouping",
    "finite": "tests/eager/test_numerics.py",
    "assign": "tests/eager",
    "checked_divisor": "known divisors are not checked; test_power has unknown ones",
    "checked_exponent": "as checked_divisor",
    "checked_fitting": "test_random_samplers: rates of integer draws",
    "eig": "test_factorizations: complex numbers have no float64 oracle",
    "string_add": "a string has no oracle in float64",
    "gather_strings": "a string has no oracle in float64",
    "matmul_exact": "test_linalg runs it on integers",
    "scatter_add_exact": "complex numbers have no float64 oracle",
    **dict.fromkeys(  # compiled only
        (
            *("attention_panels", "attention_value", "attention_forward"),
            *("attention_keys", "attention_gradients"),
        ),
        "test_attention",
    ),
    "ctc_value": "test_ctc: its node comes of ctc where nobody wants the gradient",
    "ctc_beam_search": "test_ctc",
    "random_state": "test_random",
    "philox_uniform": "test_random",
    "philox_normal": "test_random",
    "philox_truncated": "test_random",
    "product": "test_random",
    "philox_bits": "test_random",
    "philox_gamma": "test_random_samplers",
    "gamma_sample_slope": "test_random_samplers",
    "philox_poisson": "test_random_samplers",
    "philox_binomial": "test_random_samplers",
    "philox_truncated_normal": "test_random_samplers",
    "philox_candidates": "test_random_candidates",
    "checked_positive": "test_random_samplers",
    "checked_count": "test_random_samplers",
    "checked_true": "test_creation: ranges that lead away",
    **dict.fromkeys(
        (
            *("string_case", "string_strip", "string_length", "substr", "string_join"),
            *("reduce_join", "unsorted_segment_join", "regex_replace", "regex_full_match"),
            *("as_string", "string_to_number", "string_to_hash_bucket"),
            *("string_to_hash_bucket_fast", "string_to_hash_bucket_strong"),
        ),
        "test_text",
    ),
    **dict.fromkeys(  # compiled only
        (
            *("convolution_direct", "convolution_image_direct", "convolution_panels"),
            *("convolution_filter_parts", "depthwise_filter_parts"),
        ),
        "test_convolution, test_drawn_windows_compiled and test_large_filters_are_packed",
    ),
    "convolution_filter_unpooled": "test_convolution_pooled: compiled only",
    **dict.fromkeys(  # compiled only
        (
            *("recurrent_panels", "recurrent_panels_back"),
            *("lstm_states", "lstm_forward", "lstm_backward"),
            *("gru_states", "gru_forward", "gru_backward"),
            *("simple_states", "simple_forward", "simple_backward"),
        ),
        "test_recurrent, test_drawn_sizes_compiled",
    ),
    **dict.fromkeys(  # compiled only
        (
            *("lstm_states_both", "lstm_forward_both", "lstm_backward_both"),
            *("gru_states_both", "gru_forward_both", "gru_backward_both"),
            *("simple_states_both", "simple_forward_both", "simple_backward_both"),
        ),
        "tests/passes/test_both_directions, test_joined",
    ),
    **dict.fromkeys(
        (
            *("cond", "while_loop", "unset_array", "ragged_loop", "ragged_sizes"),
            *("empty", "ragged_results", "ragged_gradient", "ragged_cond", "ragged_choice"),
        ),
        "tests/control_flow",
    ),
    **dict.fromkeys(
        (
            *("count_pieces", "cut_pieces", "unicode_encode", "unicode_transcode"),
            *("ngrams", "count_ngrams", "ragged_ngrams", "string_format"),
        ),
        "tests/ragged",
    ),
}


class Listening:
    """The eager interpreter, which also notes the names of what it runs."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def apply(self, op: Op, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
        self.seen.add(op.name)
        return eager.apply(op, inputs, attrs)

    def constant(self, array: Any) -> Any:
        return eager.constant(array)

    def sizes(self, sizes: Sequence[Any], dtype: nf.DType) -> Any:
        return eager.sizes(sizes, dtype)


def test_every_op_has_a_case() -> None:
    """What no Case runs, forward or in a gradient, is named."""
    listening = Listening()
    with interpreting(listening):
        for path in sorted(Path(__file__).parent.glob("test_*.py")):
            spec = importlib.util.spec_from_file_location(f"cases_of_{path.stem}", path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            for case in getattr(module, "CASES", ()):
                _run(case)
    ours = {n for n, op in REGISTRY.items() if op.infer.__module__.startswith("numflow.ops")}
    assert sorted(ours - listening.seen - set(ELSEWHERE)) == []


def _run(case: Any) -> None:
    """The op of a case, and its gradient."""
    inputs = [nf.constant(a) for a in case.cast(case.arrays(), nf.float32)]
    watched = [x for x in inputs if x.dtype.is_floating]
    with nf.GradientTape() as tape:
        for x in watched:
            tape.watch(x)
        outputs = [y for y in case.run(inputs) if y.dtype.is_floating]
    if case.gradient and watched and outputs:
        tape.gradient(outputs, watched)
