"""numflow: TensorFlow's API for Python, compiled just in time.

Everything public is re-exported here and in the namespaces nf.math, nf.nn, nf.linalg, nf.random and
nf.losses. Front ends (nf.keras, nf.compat) load at their first use: `import numflow` takes NumPy's
time and a little more.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from numflow import collection

try:
    from numflow import dtypes, errors, nest, tracebacks
    from numflow.dtypes import (
        DType,
        as_dtype,
        bfloat16,
        bool,
        complex64,
        complex128,
        double,
        float16,
        float32,
        float64,
        half,
        int8,
        int16,
        int32,
        int64,
        string,
        uint8,
        uint16,
        uint32,
        uint64,
    )
    from numflow.eager.apply import executing_eagerly
    from numflow.eager.tape import GradientTape
    from numflow.eager.variable import Variable
    from numflow.function import function
    from numflow.gradient.unconnected import UnconnectedGradients
    from numflow.graph.op import init_scope
    from numflow.graph.tensor import Tensor
    from numflow.ops.comparisons import equal, greater, greater_equal, less, less_equal, not_equal
    from numflow.ops.complexes import complex
    from numflow.ops.creation import (
        constant,
        convert_to_tensor,
        eye,
        linspace,
        meshgrid,
        one_hot,
        range,
    )
    from numflow.ops.indexing import boolean_mask, gather, gather_nd
    from numflow.ops.joining import concat, split, stack, unstack
    from numflow.ops.linalg import matmul, norm, tensordot
    from numflow.ops.math import (
        add,
        cast,
        divide,
        exp,
        maximum,
        minimum,
        multiply,
        scalar_mul,
        sigmoid,
        sqrt,
        square,
        subtract,
        tanh,
        truediv,
    )
    from numflow.ops.math import truediv as realdiv
    from numflow.ops.power import floor, pow, round, truncatediv, truncatemod
    from numflow.ops.reduce import (
        reduce_all,
        reduce_any,
        reduce_max,
        reduce_mean,
        reduce_min,
        reduce_prod,
        reduce_sum,
    )
    from numflow.ops.select import logical_and, logical_not, logical_or, where
    from numflow.ops.shape import (
        broadcast_to,
        expand_dims,
        fill,
        identity,
        ones,
        ones_like,
        rank,
        reshape,
        shape,
        size,
        stop_gradient,
        transpose,
        zeros,
        zeros_like,
    )
    from numflow.ops.signs import abs, negative, sign
    from numflow.ops.slicing import slice, squeeze, strided_slice
    from numflow.tensor_shape import TensorShape
    from numflow.trace.tensor_spec import TensorSpec
finally:  # an import that fails half-way leaves no process without a garbage collector
    collection.imported()

newaxis = None

_LATE = (
    *(
        "keras",
        "compat",
        "config",
        "data",
        "io",
        "optimizers",
        "profiler",
        "summary",
        "train",
        "debugging",
        "sysconfig",
        "test",
        "version",
    ),
    *(
        "autodiff",
        "autograph",
        "types",
        "saved_model",
        "image",
        "linalg",
        "losses",
        "ragged",
        "sparse",
        "strings",
        "bitwise",
        "experimental",
        "initializers",
        "sets",
        "signal",
    ),
    *("math", "nn", "random"),
)

if TYPE_CHECKING:
    from numflow import bitwise, experimental, linalg, losses, math, nn, random
    from numflow.control.branches import case, cond, switch_case
    from numflow.control.functional import foldl, foldr, map_fn, scan, vectorized_map
    from numflow.control.tensor_array import TensorArray
    from numflow.control.tensor_array_spec import TensorArraySpec
    from numflow.control.while_loop import while_loop
    from numflow.devices import DeviceSpec
    from numflow.eager.creators import variable_creator_scope
    from numflow.eager.custom_gradient import custom_gradient, grad_pass_through
    from numflow.eager.functional import grad, value_and_grad
    from numflow.eager.gradients import AggregationMethod, gradients, hessians
    from numflow.eager.host_function import numpy_function, py_function
    from numflow.eager.module import Module
    from numflow.eager.recompute import recompute_grad
    from numflow.graph.indexed_slices import IndexedSlices, IndexedSlicesSpec
    from numflow.graph.operation import Operation
    from numflow.graph.type_spec import TypeSpec
    from numflow.initializers import (
        constant_initializer,
        ones_initializer,
        random_normal_initializer,
        random_uniform_initializer,
        zeros_initializer,
    )
    from numflow.io.tensor_proto import make_ndarray, make_tensor_proto
    from numflow.logs import get_logger
    from numflow.ops.casting import bitcast, saturate_cast
    from numflow.ops.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
    from numflow.ops.conversion import is_tensor, register_tensor_conversion_function
    from numflow.ops.einsum import einsum
    from numflow.ops.grouping import control_dependencies, group, no_op, timestamp, tuple
    from numflow.ops.histogram import histogram_fixed_width, histogram_fixed_width_bins
    from numflow.ops.masks import sequence_mask
    from numflow.ops.ordering import argsort, searchsorted, sort
    from numflow.ops.partition import dynamic_partition, dynamic_stitch
    from numflow.ops.patches import extract_volume_patches
    from numflow.ops.printing import print
    from numflow.ops.rearrange import pad, repeat, reverse, reverse_sequence, roll, tile
    from numflow.ops.scan import cumsum
    from numflow.ops.scatter import (
        scatter_nd,
        tensor_scatter_nd_add,
        tensor_scatter_nd_max,
        tensor_scatter_nd_min,
        tensor_scatter_nd_sub,
        tensor_scatter_nd_update,
    )
    from numflow.ops.scopes import device, get_current_name_scope, name_scope
    from numflow.ops.shape_queries import (
        broadcast_dynamic_shape,
        broadcast_static_shape,
        ensure_shape,
        get_static_value,
        identity_n,
        shape_n,
        unravel_index,
    )
    from numflow.ops.space import batch_to_space, space_to_batch, space_to_batch_nd
    from numflow.ops.statistics import argmax, argmin, reduce_logsumexp
    from numflow.ops.sums import add_n
    from numflow.ops.text_numbers import as_string
    from numflow.ops.trigonometric import (
        acos,
        acosh,
        asin,
        asinh,
        atan,
        atan2,
        atanh,
        cos,
        cosh,
        sin,
        sinh,
        tan,
    )
    from numflow.ops.unique import unique, unique_with_counts
    from numflow.ragged.spec import RaggedTensorSpec
    from numflow.ragged.tensor import RaggedTensor
    from numflow.sparse.edit_distance import edit_distance
    from numflow.sparse.spec import SparseTensorSpec
    from numflow.sparse.tensor import SparseTensor
    from numflow.trace.tensor_spec import type_spec_from_value
    from numflow.variable_policy import VariableAggregation, VariableSynchronization

# The names of modules that load at their first use: each costs a part of a millisecond.
_LATE_NAMES = {
    name: module
    for module, names in {
        "control.branches": "case cond switch_case",
        "control.functional": "foldl foldr map_fn scan vectorized_map",
        "control.while_loop": "while_loop",
        "control.tensor_array": "TensorArray",
        "control.tensor_array_spec": "TensorArraySpec",
        "devices": "DeviceSpec",
        "eager.creators": "variable_creator_scope",
        "eager.custom_gradient": "custom_gradient grad_pass_through",
        "eager.functional": "grad value_and_grad",
        "eager.gradients": "AggregationMethod gradients hessians",
        "eager.host_function": "numpy_function py_function",
        "eager.module": "Module",
        "eager.recompute": "recompute_grad",
        "graph.indexed_slices": "IndexedSlices IndexedSlicesSpec",
        "graph.operation": "Operation",
        "graph.type_spec": "TypeSpec",
        "initializers": "constant_initializer ones_initializer random_normal_initializer "
        "random_uniform_initializer zeros_initializer",
        "io.tensor_proto": "make_ndarray make_tensor_proto",
        "logs": "get_logger",
        "ops.casting": "bitcast saturate_cast",
        "ops.clipping": "clip_by_global_norm clip_by_norm clip_by_value",
        "ops.conversion": "is_tensor register_tensor_conversion_function",
        "ops.einsum": "einsum",
        "ops.grouping": "control_dependencies group no_op timestamp tuple",
        "ops.histogram": "histogram_fixed_width histogram_fixed_width_bins",
        "ops.ordering": "argsort searchsorted sort",
        "ops.partition": "dynamic_partition dynamic_stitch",
        "ops.patches": "extract_volume_patches",
        "ops.printing": "print",
        "ops.masks": "sequence_mask",
        "ops.rearrange": "pad repeat reverse reverse_sequence roll tile",
        "ops.scan": "cumsum",
        "ops.scatter": "scatter_nd tensor_scatter_nd_add tensor_scatter_nd_max "
        "tensor_scatter_nd_min tensor_scatter_nd_sub tensor_scatter_nd_update",
        "ops.scopes": "device get_current_name_scope name_scope",
        "ops.shape_queries": "broadcast_dynamic_shape broadcast_static_shape ensure_shape "
        "get_static_value identity_n shape_n unravel_index",
        "ops.space": "batch_to_space space_to_batch space_to_batch_nd",
        "ops.statistics": "argmax argmin reduce_logsumexp",
        "ops.sums": "add_n",
        "ops.text_numbers": "as_string",
        "ops.trigonometric": "acos acosh asin asinh atan atan2 atanh cos cosh sin sinh tan",
        "ops.unique": "unique unique_with_counts",
        "ragged.spec": "RaggedTensorSpec",
        "ragged.tensor": "RaggedTensor",
        "sparse.edit_distance": "edit_distance",
        "sparse.spec": "SparseTensorSpec",
        "sparse.tensor": "SparseTensor",
        "trace.tensor_spec": "type_spec_from_value",
        "variable_policy": "VariableAggregation VariableSynchronization",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> _Any:
    """Front ends, and what few programs use, load when they are first used."""
    if name in _LATE_NAMES:
        module = importlib.import_module(f"numflow.{_LATE_NAMES[name]}")
        globals()[name] = found = getattr(module, name)
        return found
    if name in _LATE:
        try:
            return importlib.import_module(f"numflow.{name}")
        except ModuleNotFoundError as e:
            if e.name != f"numflow.{name}":
                raise
    raise AttributeError(f"module 'numflow' has no attribute {name!r}")


__version__ = "0.1.0"

tracebacks.install()

__all__ = [
    "AggregationMethod",
    "DType",
    "DeviceSpec",
    "GradientTape",
    "IndexedSlices",
    "IndexedSlicesSpec",
    "Module",
    "Operation",
    "RaggedTensor",
    "RaggedTensorSpec",
    "SparseTensor",
    "SparseTensorSpec",
    "Tensor",
    "TensorArray",
    "TensorArraySpec",
    "TensorShape",
    "TensorSpec",
    "TypeSpec",
    "UnconnectedGradients",
    "Variable",
    "VariableAggregation",
    "VariableSynchronization",
    "abs",
    "acos",
    "acosh",
    "add",
    "add_n",
    "argmax",
    "argmin",
    "argsort",
    "as_dtype",
    "as_string",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "batch_to_space",
    "bfloat16",
    "bitcast",
    "bitwise",
    "bool",
    "boolean_mask",
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "broadcast_to",
    "case",
    "cast",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "complex",
    "complex64",
    "complex128",
    "concat",
    "cond",
    "constant",
    "constant_initializer",
    "control_dependencies",
    "convert_to_tensor",
    "cos",
    "cosh",
    "cumsum",
    "custom_gradient",
    "device",
    "divide",
    "double",
    "dtypes",
    "dynamic_partition",
    "dynamic_stitch",
    "edit_distance",
    "einsum",
    "ensure_shape",
    "equal",
    "errors",
    "executing_eagerly",
    "exp",
    "expand_dims",
    "experimental",
    "extract_volume_patches",
    "eye",
    "fill",
    "float16",
    "float32",
    "float64",
    "floor",
    "foldl",
    "foldr",
    "function",
    "gather",
    "gather_nd",
    "get_current_name_scope",
    "get_logger",
    "get_static_value",
    "grad",
    "grad_pass_through",
    "gradients",
    "greater",
    "greater_equal",
    "group",
    "half",
    "hessians",
    "histogram_fixed_width",
    "histogram_fixed_width_bins",
    "identity",
    "identity_n",
    "init_scope",
    "initializers",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_tensor",
    "less",
    "less_equal",
    "linalg",
    "linspace",
    "logical_and",
    "logical_not",
    "logical_or",
    "losses",
    "make_ndarray",
    "make_tensor_proto",
    "map_fn",
    "math",
    "matmul",
    "maximum",
    "meshgrid",
    "minimum",
    "multiply",
    "name_scope",
    "negative",
    "nest",
    "newaxis",
    "nn",
    "no_op",
    "norm",
    "not_equal",
    "numpy_function",
    "one_hot",
    "ones",
    "ones_initializer",
    "ones_like",
    "pad",
    "pow",
    "print",
    "py_function",
    "random",
    "random_normal_initializer",
    "random_uniform_initializer",
    "range",
    "rank",
    "realdiv",
    "recompute_grad",
    "reduce_all",
    "reduce_any",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_sum",
    "register_tensor_conversion_function",
    "repeat",
    "reshape",
    "reverse",
    "reverse_sequence",
    "roll",
    "round",
    "saturate_cast",
    "scalar_mul",
    "scan",
    "scatter_nd",
    "searchsorted",
    "sequence_mask",
    "shape",
    "shape_n",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "size",
    "slice",
    "sort",
    "space_to_batch",
    "space_to_batch_nd",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "stop_gradient",
    "strided_slice",
    "string",
    "subtract",
    "switch_case",
    "tan",
    "tanh",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_max",
    "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
    "tensordot",
    "tile",
    "timestamp",
    "transpose",
    "truediv",
    "truncatediv",
    "truncatemod",
    "tuple",
    "type_spec_from_value",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unique",
    "unique_with_counts",
    "unravel_index",
    "unstack",
    "value_and_grad",
    "variable_creator_scope",
    "vectorized_map",
    "where",
    "while_loop",
    "zeros",
    "zeros_initializer",
    "zeros_like",
]
