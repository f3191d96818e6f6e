"""A right call of every public op: what `bad_inputs.py` spoils, one argument at a time.

A new op needs its line in the `calls_*.py` of its kind:
`python -m tests.robust.bad_inputs --missing` names those that have none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numflow as nf
from tests.robust import (
    calls_arrays,
    calls_composites,
    calls_contrib,
    calls_media,
    calls_networks,
    calls_objects,
)
from tests.robust.arguments import Arguments, Methods

NAMESPACES = (
    "",
    "math.",
    "nn.",
    "nn.experimental.",
    "linalg.",
    "random.",
    "random.experimental.",
    "strings.",
    "image.",
    "sparse.",
    "ragged.",
    "debugging.",
    "bitwise.",
    "losses.",
    "signal.",
    "sets.",
    "compat.v1.contrib.crf.",
    "compat.v1.contrib.legacy_seq2seq.",
    "compat.v1.contrib.rnn.",
    "compat.v1.contrib.seq2seq.",
)

# What takes no tensors, or functions: tested where it is at home.
NO_OPS = frozenset(
    "as_dtype broadcast_dynamic_shape broadcast_static_shape constant_initializer "
    "control_dependencies custom_gradient device executing_eagerly function get_current_name_scope "
    "get_logger get_static_value grad grad_pass_through gradients group hessians init_scope "
    "is_tensor make_ndarray make_tensor_proto name_scope no_op numpy_function "
    "ones_initializer print py_function "
    "random_normal_initializer random_uniform_initializer recompute_grad "
    "register_tensor_conversion_function timestamp tuple type_spec_from_value value_and_grad "
    "variable_creator_scope "
    "zeros_initializer random.get_global_generator random.set_global_generator random.set_seed "
    "ragged.map_flat_values random.experimental.get_global_generator "
    "random.experimental.set_global_generator debugging.disable_check_numerics "
    "debugging.enable_check_numerics "
    "debugging.disable_traceback_filtering debugging.enable_traceback_filtering "
    "debugging.get_log_device_placement debugging.is_traceback_filtering_enabled "
    "debugging.set_log_device_placement debugging.is_numeric_tensor".split()
)


@dataclass(frozen=True)
class Call:
    """What the function is found by, and arguments that it takes."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    function: Callable[..., Any]
    shown: tuple[str, ...]  # what a message may begin with

    def parameters(self) -> list[int | str]:
        """The arguments, by place or name."""
        return [*range(len(self.args)), *self.kwargs]


ARGUMENTS: dict[str, Arguments] = {
    **calls_arrays.ARGUMENTS,
    **calls_networks.ARGUMENTS,
    **calls_media.ARGUMENTS,
    **calls_composites.ARGUMENTS,
    **calls_contrib.ARGUMENTS,
}
METHODS: Methods = {
    **calls_objects.METHODS,
    **calls_composites.METHODS,
    **calls_contrib.METHODS,
}


def calls() -> Iterator[Call]:
    """All of them that there are."""
    for name, arguments in ARGUMENTS.items():
        try:
            f = found(name)
        except AttributeError:  # none of this version
            continue
        yield Call(name, arguments.args, arguments.kwargs, f, (name.rpartition(".")[2], f.__name__))
    for name, (f, arguments) in METHODS.items():
        yield Call(name, arguments.args, arguments.kwargs, f, tuple(name.split(".")))


def found(name: str) -> Callable[..., Any]:
    """The public function of that name."""
    at: Any = nf
    for part in name.split("."):
        at = getattr(at, part)
    return at


def public_ops() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions that are ops, by name."""
    for space in NAMESPACES:
        module: Any = found(space[:-1]) if space else nf
        names: Sequence[str] = getattr(module, "__all__", None) or dir(module)
        for short in names:
            f = getattr(module, short)
            if short.startswith("_") or not inspect.isroutine(f) or space + short in NO_OPS:
                continue
            yield space + short, f


def without_a_call() -> list[str]:
    """The names of public ops that no line here calls, by them or by an alias."""
    known = [call.function for call in calls()]
    return [name for name, f in public_ops() if not any(f is g for g in known)]
