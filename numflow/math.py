"""tf.math: elementwise functions, folds over axes, comparisons."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from numflow.ops.activation import log_sigmoid, log_softmax, softmax, softplus, softsign
from numflow.ops.comparisons import equal, greater, greater_equal, less, less_equal, not_equal
from numflow.ops.complexes import angle, imag, real
from numflow.ops.conjugate import conj
from numflow.ops.math import (
    add,
    divide,
    exp,
    log,
    maximum,
    minimum,
    multiply,
    rsqrt,
    scalar_mul,
    sigmoid,
    sqrt,
    square,
    squared_difference,
    subtract,
    tanh,
    truediv,
)
from numflow.ops.power import ceil, floor, floordiv, floormod, pow, rint, round
from numflow.ops.power import floormod as mod
from numflow.ops.reduce import (
    reduce_all,
    reduce_any,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from numflow.ops.select import logical_and, logical_not, logical_or, logical_xor
from numflow.ops.signs import abs, negative, sign

if TYPE_CHECKING:
    from numflow.ops.approximate import approx_max_k, approx_min_k
    from numflow.ops.bessel import bessel_i0, bessel_i0e, bessel_i1, bessel_i1e
    from numflow.ops.finite import (
        divide_no_nan,
        is_finite,
        is_inf,
        is_nan,
        multiply_no_nan,
        nextafter,
        reciprocal,
        reciprocal_no_nan,
        xdivy,
        xlog1py,
        xlogy,
    )
    from numflow.ops.incomplete import betainc, igamma, igammac, lbeta
    from numflow.ops.nn import l2_normalize, zero_fraction
    from numflow.ops.ordering import in_top_k, invert_permutation, top_k
    from numflow.ops.quantiles import erfcinv, ndtri
    from numflow.ops.scan import cumprod, cumsum, cumulative_logsumexp
    from numflow.ops.segments import (
        bincount,
        confusion_matrix,
        segment_max,
        segment_mean,
        segment_min,
        segment_prod,
        segment_sum,
        unsorted_segment_max,
        unsorted_segment_mean,
        unsorted_segment_min,
        unsorted_segment_prod,
        unsorted_segment_sqrt_n,
        unsorted_segment_sum,
    )
    from numflow.ops.sequences import is_non_decreasing, is_strictly_increasing, polyval
    from numflow.ops.sobol import sobol_sample
    from numflow.ops.statistics import (
        argmax,
        argmin,
        count_nonzero,
        reduce_euclidean_norm,
        reduce_logsumexp,
        reduce_std,
        reduce_variance,
    )
    from numflow.ops.sums import accumulate_n, add_n
    from numflow.ops.transcendental import digamma, erf, erfc, erfinv, expm1, lgamma, log1p
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
    from numflow.ops.zeta import polygamma, zeta

# The names of files of ops/ that load at their first use.
_LATE_NAMES = {
    name: module
    for module, names in {
        "approximate": "approx_max_k approx_min_k",
        "bessel": "bessel_i0 bessel_i0e bessel_i1 bessel_i1e",
        "finite": "divide_no_nan is_finite is_inf is_nan multiply_no_nan nextafter reciprocal "
        "reciprocal_no_nan xdivy xlog1py xlogy",
        "incomplete": "betainc igamma igammac lbeta",
        "nn": "l2_normalize zero_fraction",
        "ordering": "in_top_k invert_permutation top_k",
        "quantiles": "erfcinv ndtri",
        "scan": "cumprod cumsum cumulative_logsumexp",
        "segments": "bincount confusion_matrix segment_max segment_mean segment_min segment_prod "
        "segment_sum unsorted_segment_max unsorted_segment_mean unsorted_segment_min "
        "unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum",
        "sequences": "is_non_decreasing is_strictly_increasing polyval",
        "sobol": "sobol_sample",
        "statistics": "argmax argmin count_nonzero reduce_euclidean_norm reduce_logsumexp "
        "reduce_std reduce_variance",
        "sums": "accumulate_n add_n",
        "transcendental": "digamma erf erfc erfinv expm1 lgamma log1p",
        "trigonometric": "acos acosh asin asinh atan atan2 atanh cos cosh sin sinh tan",
        "zeta": "polygamma zeta",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    """What few programs use loads when it is first used."""
    if name in _LATE_NAMES:
        module = importlib.import_module(f"numflow.ops.{_LATE_NAMES[name]}")
        globals()[name] = found = getattr(module, name)
        return found
    if name == "special":
        return importlib.import_module("numflow.special")
    raise AttributeError(f"module 'numflow.math' has no attribute {name!r}")


__all__ = [
    "abs",
    "accumulate_n",
    "acos",
    "acosh",
    "add",
    "add_n",
    "angle",
    "approx_max_k",
    "approx_min_k",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bessel_i0",
    "bessel_i0e",
    "bessel_i1",
    "bessel_i1e",
    "betainc",
    "bincount",
    "ceil",
    "confusion_matrix",
    "conj",
    "cos",
    "cosh",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_logsumexp",
    "digamma",
    "divide",
    "divide_no_nan",
    "equal",
    "erf",
    "erfc",
    "erfcinv",
    "erfinv",
    "exp",
    "expm1",
    "floor",
    "floordiv",
    "floormod",
    "greater",
    "greater_equal",
    "igamma",
    "igammac",
    "imag",
    "in_top_k",
    "invert_permutation",
    "is_finite",
    "is_inf",
    "is_nan",
    "is_non_decreasing",
    "is_strictly_increasing",
    "l2_normalize",
    "lbeta",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "multiply_no_nan",
    "ndtri",
    "negative",
    "nextafter",
    "not_equal",
    "polygamma",
    "polyval",
    "pow",
    "real",
    "reciprocal",
    "reciprocal_no_nan",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "rint",
    "round",
    "rsqrt",
    "scalar_mul",
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sobol_sample",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "squared_difference",
    "subtract",
    "tan",
    "tanh",
    "top_k",
    "truediv",
    "unsorted_segment_max",
    "unsorted_segment_mean",
    "unsorted_segment_min",
    "unsorted_segment_prod",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
    "xdivy",
    "xlog1py",
    "xlogy",
    "zero_fraction",
    "zeta",
]
