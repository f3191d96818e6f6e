"""First values scaled to the shape: variances by the number of inputs, orthogonal matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.initializers.base import Initializer, ints, wanted
from numflow.initializers.draws import draw_normal, draw_truncated, draw_uniform
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops import signs
from numflow.ops.convert import static_shape

_TRUNCATED_STDDEV = 0.87962566103423978
"""Standard deviation of a normal distribution of 1 that is cut at -2 and 2."""


def fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """(inputs, outputs) of a weight: the last two sizes, times those of a window in front of them.

    input_axes, output_axes: those of other layouts; given together.

    Example:
      >>> nf.initializers.fans([5, 7]), nf.initializers.fans([3, 3, 16, 32])
      ((5, 7), (144, 288))
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[k] for k in input_axes), math.prod(shape[k] for k in output_axes)
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class VarianceScaling(Initializer):
    """Random numbers of variance scale / n, where n counts the inputs or outputs of the weight.

    Args:
      scale: positive.
      mode: "fan_in", "fan_out", or "fan_avg", their mean.
      distribution: "truncated_normal" (its variance counts after it is cut),
        "untruncated_normal", "uniform"; "normal" is "truncated_normal".
      seed: an integer, for the same numbers at every call.
      input_axes, output_axes: see fans.

    Raises:
      ValueError: scale is not positive, or there is no such mode or distribution.

    Example:
      >>> x = nf.initializers.VarianceScaling(3.0, distribution="uniform")([100, 10])
      >>> bool(nf.reduce_all(nf.abs(x) <= 0.3))
      True

    Source: He et al. 2015, "Delving Deep into Rectifiers", equation 10.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if scale <= 0:
            raise ValueError(explain("VarianceScaling", f"scale must be positive, not {scale}"))
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            fix = '"fan_in", "fan_out" or "fan_avg"'
            raise ValueError(explain("VarianceScaling", f"no mode {mode!r}", fix=fix))
        kind = distribution.lower()
        kind = "truncated_normal" if kind == "normal" else kind
        if kind not in ("truncated_normal", "untruncated_normal", "uniform"):
            fix = '"truncated_normal", "untruncated_normal" or "uniform"'
            raise ValueError(
                explain("VarianceScaling", f"no distribution {distribution!r}", fix=fix)
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, kind, seed
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted(type(self).__name__, shape, dtype, kwargs)
        whole = ints(static_shape(shape, type(self).__name__))  # also where a part is wanted
        inputs, outputs = fans(whole, self.input_axes, self.output_axes)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        variance = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return draw_uniform(sizes, -limit, limit, want, self.seed)
        if self.distribution == "untruncated_normal":
            return draw_normal(sizes, 0.0, math.sqrt(variance), want, self.seed)
        return draw_truncated(sizes, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        if type(self) is not VarianceScaling:
            return {"seed": self.seed, **axes}
        kind = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**kind, "seed": self.seed, **axes}


class GlorotUniform(VarianceScaling):
    """Uniform within sqrt(6 / (inputs + outputs)).

    Example:
      >>> x = nf.initializers.GlorotUniform()([2, 4])
      >>> bool(nf.reduce_all(nf.abs(x) <= 1.0))
      True

    Source: Glorot and Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward
    Neural Networks", equation 16.
    """

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        VarianceScaling.__init__(self, 1.0, "fan_avg", "uniform", seed, input_axes, output_axes)


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (inputs + outputs). Source: as GlorotUniform."""

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        kind = "truncated_normal"
        VarianceScaling.__init__(self, 1.0, "fan_avg", kind, seed, input_axes, output_axes)


class HeNormal(VarianceScaling):
    """Truncated normal of variance 2 / inputs, for layers with relu. Source: He et al. 2015."""

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        kind = "truncated_normal"
        VarianceScaling.__init__(self, 2.0, "fan_in", kind, seed, input_axes, output_axes)


class HeUniform(VarianceScaling):
    """Uniform within sqrt(6 / inputs), for layers with relu. Source: He et al. 2015."""

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        VarianceScaling.__init__(self, 2.0, "fan_in", "uniform", seed, input_axes, output_axes)


class LecunNormal(VarianceScaling):
    """Truncated normal of variance 1 / inputs, for layers with selu.

    Source: Klambauer et al. 2017, "Self-Normalizing Neural Networks".
    """

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        kind = "truncated_normal"
        VarianceScaling.__init__(self, 1.0, "fan_in", kind, seed, input_axes, output_axes)


class LecunUniform(VarianceScaling):
    """Uniform within sqrt(3 / inputs). Source: LeCun et al. 1998, "Efficient BackProp", 4.6."""

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        VarianceScaling.__init__(self, 1.0, "fan_in", "uniform", seed, input_axes, output_axes)


class Orthogonal(Initializer):
    """A random matrix with orthonormal columns, or rows if there are fewer of them, times gain.

    More than two axes are a matrix of the last size as columns.

    Args:
      gain: factor.
      seed: an integer, for the same numbers at every call.

    Raises:
      ValueError: when called: the shape has fewer than two axes.

    Example:
      >>> q = nf.initializers.Orthogonal()([3, 2])
      >>> abs((nf.transpose(q) @ q).numpy().astype(float).round(4)).tolist()
      [[1.0, 0.0], [0.0, 1.0]]

    Source: Saxe et al. 2014, "Exact Solutions to the Nonlinear Dynamics of Learning", section 3.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        from numflow.ops.factorizations import qr  # the other initializers need not wait for them
        from numflow.ops.matrix_parts import diag_part

        sizes, want = wanted("Orthogonal", shape, dtype, kwargs)
        if len(sizes) < 2:
            raise ValueError(explain("Orthogonal", "needs two axes", {"shape": list(sizes)}))
        rows, columns = math.prod(ints(sizes[:-1])), ints(sizes)[-1]
        tall = (max(rows, columns), min(rows, columns))
        wide = want if want.size >= 4 else dtypes.float32
        q, r = qr(draw_normal(tall, 0.0, 1.0, wide, self.seed))
        q = q * signs.sign(diag_part(r))  # else some matrices are likelier than others
        q = shaping.transpose(q) if rows < columns else q
        return maths.cast(shaping.reshape(q * self.gain, sizes), want)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}
