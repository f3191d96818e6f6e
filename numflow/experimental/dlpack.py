"""tf.experimental.dlpack: tensors to and from other frameworks, without a copy."""

from __future__ import annotations

from typing import Any

from numflow.dlpack import array_of, capsule
from numflow.eager.tensor import EagerTensor
from numflow.ops.convert import as_tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tf_tensor: Any) -> Any:
    """A DLPack capsule of the tensor's memory, for `from_dlpack` of another framework.

    The memory is shared, and tensors never change: whoever takes the capsule must not write. A
    variable's memory may be given away too: its next assignment goes elsewhere.

    Raises:
      TypeError: it is a tensor of a traced function.
      BufferError: it holds text.

    Example:
      >>> capsule = nf.experimental.dlpack.to_dlpack(nf.constant([1.0, 2.0]))
      >>> nf.experimental.dlpack.from_dlpack(capsule).numpy().tolist()
      [1.0, 2.0]
    """
    tensor = as_tensor(tf_tensor, None, "to_dlpack", "tf_tensor")
    if not isinstance(tensor, EagerTensor):
        raise TypeError(f"to_dlpack takes a tensor that has a value, not {tensor!r}")
    return capsule(tensor._array)


def from_dlpack(dlcapsule: Any) -> EagerTensor:
    """A tensor of the memory of a DLPack capsule, or of an array that has `__dlpack__`.

    The memory is shared: what its owner writes afterwards shows in the tensor.

    Raises:
      TypeError: there is no DLPack in it.
      BufferError: the memory is not the CPU's, or of a dtype that NumPy does not know.

    Example:
      >>> nf.experimental.dlpack.from_dlpack(np.array([1, 2])).numpy().tolist()
      [1, 2]
    """
    return EagerTensor(array_of(dlcapsule))
