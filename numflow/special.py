"""tf.math.special: special functions under the name that TensorFlow gives them too."""

from __future__ import annotations

from numflow.ops.bessel import bessel_i0, bessel_i0e, bessel_i1, bessel_i1e

__all__ = ["bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e"]
