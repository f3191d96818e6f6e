"""Modified Bessel functions of the first kind, of orders 0 and 1, plain and scaled by e^-|x|.

The scaled ones are Chebyshev series: of x itself up to 8, and of 16/x beyond, where e^-x I(x) falls
as 1/sqrt(x). Coefficients interpolate
40-digit values at Chebyshev points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, signs
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.math import unary
from numflow.ops.precision import widened
from numflow.ops.shape_rules import floating_like

_I0_NEAR = (
    *(0.33839763720473803, -0.3046826723431984, 0.17162090152220877, -0.09490109704804764),
    *(0.04930528423967071, -0.02373741480589947, 0.010546460394594998, -0.004324309995050576),
    *(0.0016394756169413357, -0.0005763755745385824, 0.00018850288509584165),
    *(-5.754195010082104e-05, 1.6448448070728896e-05, -4.4167383584587505e-06),
    *(1.1173875391201037e-06, -2.670793853940612e-07, 6.046995022541919e-08),
    *(-1.300025009986248e-08, 2.6598237246823866e-09, -5.189795601635263e-10),
    *(9.675809035373237e-11, -1.726826291441556e-11, 2.95505266312964e-12),
    *(-4.856446783111929e-13, 7.676185498604936e-14, -1.1685332877993451e-14),
    *(1.715391285555133e-15, -2.431279846547955e-16, 3.3307945188222384e-17),
)
_I1_NEAR = (
    *(0.12629359322181682, -0.17641651835783406, 0.1026436586898471, -0.05294598120809499),
    *(0.024726449030626516, -0.010564084894626197, 0.004156422944312888),
    *(-0.0015135724506312532, 0.0005122859561685758, -0.00016176081582589674),
    *(4.781565107550054e-05, -1.3273163656039436e-05, 3.4702513081376785e-06),
    *(-8.568720264695455e-07, 2.0032947535521353e-07, -4.445059128796328e-08),
    *(9.381537386495773e-09, -1.8872497517228294e-09, 3.625590281552117e-10),
    *(-6.663489723502027e-11, 1.1736186298890901e-11, -1.9839743977649436e-12),
    *(3.223793365945575e-13, -5.042185504727912e-14, 7.600684294735408e-15),
    *(-1.1055969477353862e-15, 1.5536319577362005e-16, -2.111421214358166e-17),
)
_I0_FAR = (
    *(0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-05),
    *(2.8913705208347567e-06, 2.0489185894690638e-07, 2.266668990498178e-08),
    *(3.3962320257083865e-09, 4.94060238822497e-10, 1.1889147107846439e-11),
    *(-3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12),
    *(7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14),
    *(-4.150569347287222e-14, -9.554846698828307e-15, 3.8116806693526224e-15),
    *(1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16),
    *(3.461222867697461e-17, 4.46562142029676e-17),
)
_I1_FAR = (
    *(0.38928811750914005, -0.009761097491361469, -0.00011058893876262371),
    *(-3.882564808877691e-06, -2.512236237870209e-07, -2.6314688468895196e-08),
    *(-3.835380385964237e-09, -5.589743462196584e-10, -1.8974958123505413e-11),
    *(3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12),
    *(-7.198551776245908e-13, -4.0835511110921974e-13, -2.1015418427726643e-14),
    *(4.272440016711951e-14, 1.0420276984128802e-14, -3.8144030724370075e-15),
    *(-1.8803547755107825e-15, 3.3082023109209285e-16, 2.96262899764595e-16),
    *(-3.209525921993424e-17, -4.650305368489358e-17),
)

# --- one formula, of arrays and of the builder's terms ------------------------------


def _series(b: Any, coefficients: tuple[float, ...], t: Any) -> Any:
    """The sum of c_k T_k(t), by Clenshaw's recurrence."""
    if t.dtype == "f32":  # what is below its last place
        coefficients = tuple(c for c in coefficients if abs(c) > 1e-9)
    twice, after, last = b.add(t, t), b.const(0.0, t.dtype), b.const(0.0, t.dtype)
    for c in coefficients[:0:-1]:
        after, last = b.add(b.sub(b.mul(twice, after), last), c), after
    return b.add(b.sub(b.mul(t, after), last), coefficients[0])


def _i0e_body(b: Any, x: Any) -> Any:
    size = b.abs(x)
    near = _series(b, _I0_NEAR, b.sub(b.mul(b.min(size, 8.0), 0.25), 1.0))
    far = _series(b, _I0_FAR, b.sub(b.div(16.0, b.max(size, 8.0)), 1.0))
    return b.select(b.gt(size, 8.0), b.div(far, b.sqrt(size)), near)


def _i1e_body(b: Any, x: Any) -> Any:
    size = b.abs(x)
    small = b.min(size, 8.0)
    near = b.mul(small, _series(b, _I1_NEAR, b.sub(b.mul(small, 0.25), 1.0)))
    far = _series(b, _I1_FAR, b.sub(b.div(16.0, b.max(size, 8.0)), 1.0))
    return b.copysign(b.select(b.gt(size, 8.0), b.div(far, b.sqrt(size)), near), x)


def _scaled(b: Any, x: Any, value: Any) -> Any:
    """value e^|x|: in two steps, since e^|x| overflows before the product does."""
    grown = b.exp(b.mul(b.abs(x), 0.5))
    return b.mul(b.mul(value, grown), grown)


def _sum(coefficients: tuple[float, ...], t: Any) -> Any:
    return np.polynomial.chebyshev.chebval(t, coefficients)


def _i0e(x: Any) -> Any:
    size = np.abs(x)
    near, far = (
        _sum(_I0_NEAR, np.minimum(size, 8) / 4 - 1),
        _sum(_I0_FAR, 16 / np.maximum(size, 8) - 1),
    )
    return np.where(size > 8, far / np.sqrt(np.maximum(size, 8)), near).astype(x.dtype)


def _i1e(x: Any) -> Any:
    size = np.abs(x)
    small = np.minimum(size, 8)
    near, far = small * _sum(_I1_NEAR, small / 4 - 1), _sum(_I1_FAR, 16 / np.maximum(size, 8) - 1)
    return np.copysign(np.where(size > 8, far / np.sqrt(np.maximum(size, 8)), near), x).astype(
        x.dtype
    )


def _grown(x: Any, value: Any) -> Any:
    grown = np.exp(np.abs(x) / 2)
    return value * grown * grown


# --- ops ---------------------------------------------------------------------------------


def _over(y: Tensor, x: Tensor) -> Tensor:
    """y / x of an I1, and 1/2 at 0."""
    zero = comparisons.equal(x, 0.0)
    safe = selections.where(zero, shaping.ones_like(x), x)
    return selections.where(zero, maths.cast(shaping.fill(x.spec.shape, 0.5), x.dtype), y / safe)


bessel_i0e_op: Op = Op(
    "bessel_i0e",
    floating_like("bessel_i0e"),
    widened(_i0e),
    unary(lambda ct, y, x: ct * (bessel_i1e_op(x) - signs.sign(x) * y)),
    Elementwise(_i0e_body),
)
bessel_i1e_op: Op = Op(
    "bessel_i1e",
    floating_like("bessel_i1e"),
    widened(_i1e),
    unary(lambda ct, y, x: ct * (bessel_i0e_op(x) - signs.sign(x) * y - _over(y, x))),
    Elementwise(_i1e_body),
)
bessel_i0_op: Op = Op(
    "bessel_i0",
    floating_like("bessel_i0"),
    widened(lambda x: _grown(x, _i0e(x))),
    unary(lambda ct, y, x: ct * bessel_i1_op(x)),
    Elementwise(lambda b, x: _scaled(b, x, _i0e_body(b, x))),
)
bessel_i1_op: Op = Op(
    "bessel_i1",
    floating_like("bessel_i1"),
    widened(lambda x: _grown(x, _i1e(x))),
    unary(lambda ct, y, x: ct * (bessel_i0_op(x) - _over(y, x))),
    Elementwise(lambda b, x: _scaled(b, x, _i1e_body(b, x))),
)


def bessel_i0(x: TensorLike, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 0, element by element.

    Example:
      >>> nf.math.bessel_i0([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [1.0, 1.2661]

    Source: Abramowitz & Stegun 1964, 9.6.
    """
    return bessel_i0_op(as_tensor(x, None, "bessel_i0", "x"))


def bessel_i0e(x: TensorLike, name: str | None = None) -> Tensor:
    """e^-|x| times the modified Bessel function of order 0: it never overflows.

    Example:
      >>> nf.math.bessel_i0e([0.0, 100.0]).numpy().astype(float).round(4).tolist()
      [1.0, 0.0399]
    """
    return bessel_i0e_op(as_tensor(x, None, "bessel_i0e", "x"))


def bessel_i1(x: TensorLike, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 1, element by element: odd.

    Example:
      >>> nf.math.bessel_i1([0.0, -1.0]).numpy().astype(float).round(4).tolist()
      [0.0, -0.5652]
    """
    return bessel_i1_op(as_tensor(x, None, "bessel_i1", "x"))


def bessel_i1e(x: TensorLike, name: str | None = None) -> Tensor:
    """e^-|x| times the modified Bessel function of order 1: it never overflows.

    Example:
      >>> nf.math.bessel_i1e([1.0, 100.0]).numpy().astype(float).round(4).tolist()
      [0.2079, 0.0397]
    """
    return bessel_i1e_op(as_tensor(x, None, "bessel_i1e", "x"))
