"""What ops and functions mean for ragged tensors: bound to RaggedTensor.

Ops of elements run on the flat values. Functions that are marked with `composites_too` and refuse
a ragged tensor (CompositeGiven) come here: those in FUNCTIONS have a form for rows of different
lengths, those in OF_ELEMENTS run on the flat values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.graph.lowering import Elementwise
from numflow.graph.op import CompositeGiven
from numflow.graph.tensor import Tensor
from numflow.ops import creation
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ragged import forms, places, rows
from numflow.ragged.making import map_flat_values
from numflow.ragged.parts import same_rows
from numflow.ragged.tensor import RaggedTensor

_TEXT = {"string_case", "string_strip", "string_length", "substr", "regex_replace", "as_string"}
_TEXT |= {"regex_full_match", "string_to_number", "string_to_hash_bucket", "string_join"}
_TEXT |= {"string_to_hash_bucket_fast", "string_to_hash_bucket_strong"}


def apply_op(
    self: RaggedTensor, op: Any, inputs: Any, attrs: dict[str, Any], given: CompositeGiven
) -> Any:
    """An op of elements, on the flat values; another refuses."""
    if not isinstance(op.lower, Elementwise) and op.name not in _TEXT:
        raise given
    return of_elements(op, inputs, attrs)


def of_elements(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """A function of elements, on the flat values of arguments that are ragged alike."""
    every = [*args, *kwargs.values()]
    model = next(x for x in every if isinstance(x, RaggedTensor))

    def flat(x: Any) -> Any:
        return same_rows(model, x) if isinstance(x, RaggedTensor | Tensor) else x

    found = function(*map(flat, args), **{k: flat(x) for k, x in kwargs.items()})
    return model.with_flat_values(found)


def call(
    self: RaggedTensor,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    given: CompositeGiven,
) -> Any:
    """A public function, where it means something; another refuses."""
    name = function.__name__
    own = FUNCTIONS.get(name)
    if own is not None:
        return own(*args, **kwargs)
    if name in OF_ELEMENTS:
        return map_flat_values(function, *args, **kwargs)
    raise given


def _size(input: RaggedTensor, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    return shaping.size(input.flat_values, out_type)


def _rank(input: RaggedTensor, name: str | None = None) -> Tensor:
    return creation.constant(len(input.shape), dtypes.int32)


def _embedding_lookup(
    params: Any, ids: RaggedTensor, max_norm: Any = None, name: str | None = None
) -> RaggedTensor:
    from numflow.ops.embedding import embedding_lookup

    return map_flat_values(lambda at: embedding_lookup(params, at, max_norm), ids)  # type: ignore[no-any-return]


def _add_n(inputs: Any, name: str | None = None) -> RaggedTensor:
    total, *others = inputs
    for x in others:
        total = total + x
    return as_tensor(total)  # type: ignore[return-value]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{f"reduce_{kind}": rows.reduction(kind) for kind in rows.KINDS},
    "softmax": rows.softmax,
    "cumsum": rows.cumsum,
    "concat": places.concat,
    "stack": places.stack,
    "expand_dims": places.expand_dims,
    "squeeze": places.squeeze,
    "gather": places.gather,
    "tile": places.tile,
    "reverse": places.reverse,
    "size": _size,
    "rank": _rank,
    "embedding_lookup": _embedding_lookup,
    "add_n": _add_n,
}
OF_ELEMENTS = frozenset(
    "cast clip_by_value where one_hot dropout zeros_like ones_like saturate_cast join lower upper "
    "strip substr length regex_replace regex_full_match to_number as_string to_hash_bucket "
    "to_hash_bucket_fast to_hash_bucket_strong unicode_script squared_difference relu gelu "
    "leaky_relu elu selu silu swish identity stop_gradient check_numerics unicode_transcode".split()
)


def _bind() -> None:
    RaggedTensor.apply_op = apply_op  # type: ignore[method-assign]
    RaggedTensor.call = call  # type: ignore[method-assign]
    RaggedTensor.merge_dims = forms.merge_dims  # type: ignore[method-assign]
    RaggedTensor.to_sparse = forms.to_sparse  # type: ignore[method-assign]
    RaggedTensor.from_sparse = classmethod(forms.from_sparse)  # type: ignore[method-assign,assignment]


_bind()
