"""tf.initializers, tf.keras.initializers and tf.*_initializer: first values of variables.

An initializer is called with a shape and a dtype. With a seed it gives the same numbers whenever it
is called, whatever else was drawn; without one those of the global seed (`nf.random.set_seed`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.initializers.base import Initializer
from numflow.initializers.constants import Constant, ConstantInitializer, Identity, Ones, Zeros
from numflow.initializers.draws import RandomNormal, RandomUniform, TruncatedNormal
from numflow.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    VarianceScaling,
    fans,
)

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
