"""tf.initializers, tf.keras.initializers and tf.*_initializer: first values of variables.

An initializer is called with a shape and a dtype. With a seed it gives the same numbers whenever it
is called, whatever else was drawn; without one those of the global seed (`nf.random.set_seed`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes, linalg, random
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops import signs
from numflow.ops.convert import static_shape
from numflow.ops.creation import constant as constant_tensor
from numflow.ops.creation import eye
from numflow.shapes import Dim, Shape, Size

__all__ = [
    "Constant",
    "ConstantInitializer",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "constant_initializer",
    "deserialize",
    "fans",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "ones_initializer",
    "orthogonal",
    "random_normal",
    "random_normal_initializer",
    "random_uniform",
    "random_uniform_initializer",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
    "zeros_initializer",
]

_PARTITION = ("partition_shape", "partition_offset", "partition_info", "layout")


class Initializer:
    """What gives a variable its first value: called with (shape, dtype).

    Subclasses define `__call__`, and `get_config`, whose dict the constructor takes back.

    Example:
      >>> class Halves(nf.initializers.Initializer):
      ...     def __call__(self, shape, dtype=None, **kwargs):
      ...         return nf.fill(shape, 0.5)
      >>> nf.Variable(Halves()([2])).numpy().tolist()
      [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape and dtype."""
        raise NotImplementedError("an Initializer defines __call__")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One of the arguments that get_config gave."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})

    def clone(self) -> Any:
        """Another one with the same arguments."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _wanted(
    name: str, shape: Any, dtype: Any, kwargs: dict[str, Any], kinds: str = "f"
) -> tuple[Shape, dtypes.DType]:
    """The shape (of a part, where one is named) and the dtype that are asked for.

    kinds: f floats, i integers, b bools, c complex numbers.

    Raises:
      ValueError: the dtype is of another kind.
      TypeError: an unknown keyword argument.
    """
    for key in kwargs:
        if key not in _PARTITION:
            raise TypeError(f"{name} takes {', '.join(_PARTITION)}, not {key}")
    want = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
    kind = "f" if want.is_floating else "i" if want.is_integer else want.name[0]
    if kind not in kinds:
        expected = {"f": "floating point", "if": "floating point or integer"}
        problem = f"dtype must be {expected.get(kinds, 'numeric or bool')}, not {want.name}"
        raise ValueError(explain(name, problem))
    part = kwargs.get("partition_shape")
    return static_shape(shape if part is None else part, name), want


def _ints(shape: Shape) -> list[int]:
    """Sizes as numbers: a trace that does not know one starts anew with exact sizes."""
    return [int(Size(n)) if isinstance(n, Dim) else n for n in shape]


# --- constants -------------------------------------------------------------------


class Zeros(Initializer):
    """All zeros.

    Example:
      >>> nf.zeros_initializer()([2]).numpy().tolist()
      [0.0, 0.0]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("zeros_initializer", shape, dtype, kwargs, "fibc")
        return shaping.zeros(sizes, want)


class Ones(Initializer):
    """All ones.

    Example:
      >>> nf.ones_initializer()([2], nf.int32).numpy().tolist()
      [1, 1]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("ones_initializer", shape, dtype, kwargs, "fibc")
        return shaping.ones(sizes, want)


class Constant(Initializer):
    """One number everywhere, float32 unless a dtype is asked for; or an array of that shape.

    Example:
      >>> nf.initializers.Constant(3)([2]).numpy().tolist()
      [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("Constant", shape, dtype, kwargs, "fibc")
        array = np.asarray(self.value).astype(want.numpy)
        return constant_tensor(array, want, sizes)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class ConstantInitializer(Initializer):
    """tf.constant_initializer: a number everywhere, or a list of as many as the shape has.

    Args:
      value: a number, list or array. Its dtype stays unless another is asked for.
      support_partition: has no effect.

    Raises:
      ShapeError: when called: value has not as many elements as the shape.

    Example:
      >>> nf.constant_initializer([1, 2, 3, 4])([2, 2]).numpy().tolist()
      [[1, 2], [3, 4]]
    """

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, list | tuple | np.ndarray | Tensor)):
            kind = type(value).__name__
            raise TypeError(f"constant_initializer: value is a {kind}, not a number, list or array")
        self.value, self.support_partition = value, support_partition

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, _ = _wanted("constant_initializer", shape, None, kwargs)
        return constant_tensor(self.value, dtype, sizes)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """gain on the diagonal of a matrix, 0 elsewhere.

    Example:
      >>> nf.initializers.Identity(2.0)([2, 3]).numpy().tolist()
      [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("Identity", shape, dtype, kwargs)
        if len(sizes) != 2:
            raise ValueError(explain("Identity", "makes matrices", {"shape": list(sizes)}))
        diagonal: Tensor = eye(*sizes, dtype=want) * self.gain
        return diagonal

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


# --- random numbers ------------------------------------------------------------------


def _seeds(seed: Any) -> list[int]:
    """A stateless seed: the same numbers at every call."""
    return [int(seed), 0]


def _normal(shape: Shape, mean: Any, stddev: Any, want: dtypes.DType, seed: Any) -> Tensor:
    if seed is None:
        return random.normal(shape, mean, stddev, want)
    return random.stateless_normal(shape, _seeds(seed), mean, stddev, want)


def _truncated(shape: Shape, mean: Any, stddev: Any, want: dtypes.DType, seed: Any) -> Tensor:
    if seed is None:
        return random.truncated_normal(shape, mean, stddev, want)
    return random.stateless_truncated_normal(shape, _seeds(seed), mean, stddev, want)


def _uniform(shape: Shape, low: Any, high: Any, want: dtypes.DType, seed: Any) -> Tensor:
    if seed is None:
        return random.uniform(shape, low, high, want)
    return random.stateless_uniform(shape, _seeds(seed), low, high, want)


class RandomNormal(Initializer):
    """Normal random numbers.

    Args:
      mean, stddev: of the distribution.
      seed: an integer, for the same numbers at every call.

    Example:
      >>> f = nf.random_normal_initializer(seed=1)
      >>> bool(nf.reduce_all(f([3]) == f([3])))
      True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("random_normal_initializer", shape, dtype, kwargs)
        return _normal(sizes, self.mean, self.stddev, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(Initializer):
    """Normal random numbers, drawn anew where they are more than two stddev from the mean.

    Args:
      mean, stddev: of the distribution before it is cut.
      seed: an integer, for the same numbers at every call.

    Example:
      >>> x = nf.initializers.TruncatedNormal(stddev=1.0)([1000])
      >>> bool(nf.reduce_all(nf.abs(x) <= 2.0))
      True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("truncated_normal_initializer", shape, dtype, kwargs)
        return _truncated(sizes, self.mean, self.stddev, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class RandomUniform(Initializer):
    """Random numbers from [minval, maxval), of integers too.

    Args:
      minval, maxval: the ends.
      seed: an integer, for the same numbers at every call.

    Example:
      >>> x = nf.random_uniform_initializer(2.0, 3.0)([1000])
      >>> bool(nf.reduce_all((x >= 2.0) & (x < 3.0)))
      True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = _wanted("random_uniform_initializer", shape, dtype, kwargs, "if")
        return _uniform(sizes, self.minval, self.maxval, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


# --- scaled to the shape -----------------------------------------------------------------

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
        sizes, want = _wanted(type(self).__name__, shape, dtype, kwargs)
        whole = _ints(static_shape(shape, type(self).__name__))  # also where a part is wanted
        inputs, outputs = fans(whole, self.input_axes, self.output_axes)
        count = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[self.mode]
        variance = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return _uniform(sizes, -limit, limit, want, self.seed)
        if self.distribution == "untruncated_normal":
            return _normal(sizes, 0.0, math.sqrt(variance), want, self.seed)
        return _truncated(sizes, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, want, self.seed)

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
        sizes, want = _wanted("Orthogonal", shape, dtype, kwargs)
        if len(sizes) < 2:
            raise ValueError(explain("Orthogonal", "needs two axes", {"shape": list(sizes)}))
        rows, columns = math.prod(_ints(sizes[:-1])), _ints(sizes)[-1]
        tall = (max(rows, columns), min(rows, columns))
        wide = want if want.size >= 4 else dtypes.float32
        q, r = linalg.qr(_normal(tall, 0.0, 1.0, wide, self.seed))
        q = q * signs.sign(linalg.diag_part(r))  # else some matrices are likelier than others
        q = shaping.transpose(q) if rows < columns else q
        return maths.cast(shaping.reshape(q * self.gain, sizes), want)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


# --- names -----------------------------------------------------------------------------------

# tf.keras's other names, and those of `import numflow as tf; tf.zeros_initializer()`.
constant, identity, ones, zeros = Constant, Identity, Ones, Zeros
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
orthogonal, variance_scaling = Orthogonal, VarianceScaling
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
constant_initializer, ones_initializer, zeros_initializer = ConstantInitializer, Ones, Zeros
random_normal_initializer, random_uniform_initializer = RandomNormal, RandomUniform

_CLASSES: tuple[type[Initializer], ...] = (
    *(Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal),
    *(LecunUniform, Ones, Orthogonal, RandomNormal, RandomUniform, TruncatedNormal),
    *(VarianceScaling, Zeros),
)
_BY_NAME: dict[str, type[Initializer]] = {c.__name__: c for c in _CLASSES} | {
    **{"constant": Constant, "identity": Identity, "ones": Ones, "zeros": Zeros, "one": Ones},
    **{"glorot_normal": GlorotNormal, "glorot_uniform": GlorotUniform, "zero": Zeros},
    **{"he_normal": HeNormal, "he_uniform": HeUniform, "orthogonal": Orthogonal},
    **{"lecun_normal": LecunNormal, "lecun_uniform": LecunUniform},
    **{"random_normal": RandomNormal, "random_uniform": RandomUniform, "normal": RandomNormal},
    **{"truncated_normal": TruncatedNormal, "variance_scaling": VarianceScaling},
    **{"uniform": RandomUniform, "IdentityInitializer": Identity},
    **{"OrthogonalInitializer": Orthogonal},
}


def serialize(initializer: Initializer) -> dict[str, Any]:
    """An initializer as a dict of plain values, which `deserialize` takes.

    Example:
      >>> nf.initializers.serialize(nf.initializers.HeNormal(seed=1))["class_name"]
      'HeNormal'
    """
    return {
        "module": "keras.initializers",
        "class_name": type(initializer).__name__,
        "config": initializer.get_config(),
        "registered_name": None,
    }


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that a dict of `class_name` and `config` describes.

    Args:
      config: as `serialize` gives it.
      custom_objects: classes by name, beside those of this module.

    Raises:
      ValueError: there is no such class.

    Example:
      >>> nf.initializers.deserialize({"class_name": "HeNormal", "config": {"seed": 3}}).seed
      3
    """
    name = str(config.get("class_name"))
    kind = (custom_objects or {}).get(name) or _BY_NAME.get(name)
    if kind is None:
        raise ValueError(f"Could not interpret initializer identifier: {config}")
    return kind.from_config(config.get("config") or {})


def get(identifier: Any) -> Callable[..., Any] | None:
    """The initializer that a name, a dict, a class or an initializer means; None of None.

    Raises:
      ValueError: it means none.

    Example:
      >>> nf.initializers.get("glorot_uniform")
      GlorotUniform(seed=None, input_axes=None, output_axes=None)
    """
    if identifier is None:
        return None
    found: Any = identifier
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = _BY_NAME.get(identifier)
    if isinstance(found, type):
        found = found()
    if not callable(found):
        raise ValueError(f"Could not interpret initializer identifier: {identifier}")
    return found  # type: ignore[no-any-return]
